//! What a member's page shows of their household: who belongs to it, what they have together, whose points were used, who invites them. And what they do there about it.
//!
//! Always holds: the others are shown under the names that they chose, and nothing else of them.
//!
//! Does not: decide anything; the same rules refuse here as over the API.

use std::collections::HashMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_loyalty::households::{Refusal, name, own_limit};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::households::{self, Asker, Founded, Household, Invited, Membership, Own, Use};
use rapport_loyalty::records::members::Member;
use rapport_loyalty::records::redemptions::Scene;
use rapport_store::{Queries, Tx};

use super::view::grouped;
use super::words::Words;
use super::{BY, OWN_IDS, word};
use crate::api::loyalty::households::{settled, sums};
use crate::api::loyalty::redemptions::Present;
use crate::app::App;
use crate::http::form::parameter;
use crate::problem::Result;

/// What the forms of this section begin with.
pub const ACTS: &str = "home-";
/// The most uses of a page.
const SHOWN: u32 = 20;

/// The section.
pub struct Home {
    /// Whether there is anything to show.
    pub is_on: bool,
    pub own: Option<OwnHome>,
    pub invitations: Vec<InvitedView>,
    /// The member's number.
    pub number: i64,
    /// A new word for a form, so that sending it twice does it once.
    pub id: String,
}

/// The household that they belong to.
pub struct OwnHome {
    pub name: String,
    pub is_head: bool,
    /// What all have, wallet by wallet.
    pub sums: Vec<String>,
    pub members: Vec<MemberView>,
    /// As what they are known.
    pub own_name: String,
    pub limit: String,
    /// Invitations that nobody answered: which, and until when.
    pub invited: Vec<(String, String)>,
    /// Who used whose points.
    pub uses: Vec<String>,
}

/// Somebody of it.
pub struct MemberView {
    pub membership: String,
    pub name: String,
    pub is_head: bool,
    pub is_you: bool,
}

/// Who invites them.
pub struct InvitedView {
    pub invitation: String,
    pub sentence: String,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Not {
    /// The name is none, or an address.
    Name,
    /// The limit is no number.
    Limit,
    /// It is refused.
    Refused(Refusal),
}

impl Not {
    /// The same in words.
    pub const fn words(self, words: &'static Words) -> &'static str {
        match self {
            Self::Name => words.home.no_name,
            Self::Limit => words.home.no_limit,
            Self::Refused(why) => words.home.refusal(why),
        }
    }
}

/// Reads it.
///
/// # Errors
/// The store's, or that there is no programme.
pub async fn read(app: &App, workspace: WorkspaceId, member: &Member, words: &'static Words) -> Result<Home> {
    let present = Present::read(app, workspace).await?;
    let mut db = app.installation.store.read();
    let open = households::open_of(&mut db, workspace, member.member).await?;
    let reading = Reading { app, workspace, member, present: &present, words };
    let is_allowed = present.program()?.households.is_some();
    let own = match &open {
        Some(row) => reading.own(&mut db, row).await?,
        None => None,
    };
    let invitations = if is_allowed && own.is_none() { reading.invitations(&mut db).await? } else { Vec::new() };
    // Whoever belongs to one can leave it, also when there are no new ones.
    let is_on = is_allowed || own.is_some();
    Ok(Home { is_on, own, invitations, number: member.member.0, id: word(app) })
}

struct Reading<'a> {
    app: &'a App,
    workspace: WorkspaceId,
    member: &'a Member,
    present: &'a Present,
    words: &'static Words,
}

impl Reading<'_> {
    fn date(&self, at: Timestamp) -> String {
        let date = self.present.calendar.date(at);
        self.words.date(date.year(), date.month(), date.day())
    }

    fn named(&self, name: &str) -> String {
        if name.is_empty() { self.words.home.nameless.to_owned() } else { name.to_owned() }
    }

    fn points(&self, points: i64, wallet: &str) -> Result<String> {
        let name = self.present.program()?.wallet(wallet).map_or(wallet, |plan| plan.name.as_str());
        Ok(format!("{} {name}", grouped(points)))
    }

    async fn own(&self, db: &mut impl Queries, own: &Membership) -> Result<Option<OwnHome>> {
        let Some(row) = households::find(db, self.workspace, &own.household).await? else { return Ok(None) };
        let all = households::members_of(db, self.workspace, &own.household).await?;
        let there: Vec<&Membership> = all.iter().filter(|it| it.left_at.is_none()).collect();
        let numbers: Vec<MemberId> = there.iter().map(|it| it.member()).collect();
        let is_head = row.head() == self.member.member;
        let mut invited = Vec::new();
        if is_head {
            let open = households::invitations_of(db, self.workspace, &row.household).await?;
            let open = open.into_iter().filter(|it| it.is_open(self.app.now()));
            invited.extend(open.map(|it| {
                let until = self.date(it.due_at.plus(-1));
                (it.invitation, Words::filled(self.words.home.invited_until, &until))
            }));
        }
        let mut together = Vec::new();
        for (wallet, sum) in sums(self.app, self.workspace, &numbers).await? {
            together.push(Words::filled(self.words.home.together, &self.points(sum, &wallet)?));
        }
        let view = |it: &&Membership| MemberView {
            membership: it.membership.clone(),
            name: self.named(&it.name),
            is_head: it.member() == row.head(),
            is_you: it.member() == self.member.member,
        };
        Ok(Some(OwnHome {
            name: self.named(&row.name),
            is_head,
            sums: together,
            members: there.iter().map(view).collect(),
            own_name: own.name.clone(),
            limit: own.own_limit.map(|limit| limit.to_string()).unwrap_or_default(),
            invited,
            uses: self.uses(db, &row, &all).await?,
        }))
    }

    /// Who used whose points, where it is theirs or they did.
    async fn uses(&self, db: &mut impl Queries, row: &Household, all: &[Membership]) -> Result<Vec<String>> {
        let names: HashMap<MemberId, String> = all.iter().map(|it| (it.member(), self.named(&it.name))).collect();
        let name = |member: MemberId| names.get(&member).map_or(self.words.home.nameless, String::as_str);
        let own = self.member.member;
        let rows = households::uses(db, self.workspace, &row.household, None, SHOWN).await?;
        let theirs = rows.into_iter().filter(|it| it.giver != it.taker && (it.giver() == own || it.taker() == own));
        let mut lines = Vec::new();
        for Use { giver, taker, points, returned, wallet, used_at, .. } in theirs {
            let how_many = self.points(points, &wallet)?;
            let mut line = if giver == own.0 {
                self.words.two(self.words.home.used_yours, name(MemberId(taker)), &how_many)
            } else {
                self.words.two(self.words.home.used_theirs, &how_many, name(MemberId(giver)))
            };
            line = format!("{} · {line}", self.date(used_at));
            if returned > 0 {
                line = format!("{line} · {}", Words::filled(self.words.home.back, &self.points(returned, &wallet)?));
            }
            lines.push(line);
        }
        Ok(lines)
    }

    async fn invitations(&self, db: &mut impl Queries) -> Result<Vec<InvitedView>> {
        let mut shown = Vec::new();
        for it in households::invitations_to(db, self.workspace, &[self.member.member]).await? {
            if !it.is_open(self.app.now()) {
                continue;
            }
            let Some(row) = households::find(db, self.workspace, &it.household).await? else { continue };
            let all = households::members_of(db, self.workspace, &it.household).await?;
            let head = all.iter().rfind(|it| it.member() == row.head()).map_or("", |it| it.name.as_str());
            let sentence = self.words.two(self.words.home.asks, &self.named(head), &self.named(&row.name));
            shown.push(InvitedView { invitation: it.invitation, sentence });
        }
        Ok(shown)
    }
}

/// A form that was sent.
struct Sent<'a> {
    app: &'a App,
    workspace: WorkspaceId,
    own: MemberId,
    form: &'a str,
    /// The household that they belong to; empty without one.
    household: String,
}

/// What came of a form.
type Done = Result<std::result::Result<(), Not>>;

/// Does what a form asks for.
///
/// # Errors
/// The store's, or that there is no programme.
pub async fn act(app: &App, (workspace, member): (WorkspaceId, &Member), act: &str, form: &str) -> Done {
    let own = member.member;
    let open = households::open_of(&mut app.installation.store.read(), workspace, own).await?;
    let household = open.map(|it| it.household).unwrap_or_default();
    let sent = Sent { app, workspace, own, form, household };
    match act {
        "home-found" => sent.found().await,
        "home-accept" => sent.accept().await,
        "home-decline" => {
            let asker = Asker::Member(own);
            let invitation = sent.of("invitation");
            let did = async |tx: &mut Tx, scene: Scene<'_>| households::decline(tx, scene, &invitation, asker).await;
            told(settled(app, workspace, did).await?)
        }
        "home-withdraw" => {
            let asker = Asker::Member(own);
            let invitation = sent.of("invitation");
            let did = async |tx: &mut Tx, scene: Scene<'_>| households::withdraw(tx, scene, &invitation, asker).await;
            told(settled(app, workspace, did).await?)
        }
        "home-invite" => sent.invite().await,
        "home-limit" => sent.limit().await,
        "home-leave" => sent.leave(own).await,
        "home-remove" => match whom(app, workspace, &sent.household, &sent.of("who")).await? {
            Some(who) => sent.leave(who).await,
            None => Ok(Err(Not::Refused(Refusal::NotIn))),
        },
        _ => Ok(Err(Not::Refused(Refusal::Unknown))),
    }
}

fn told<T>(outcome: std::result::Result<T, Refusal>) -> Done {
    Ok(outcome.map(drop).map_err(Not::Refused))
}

impl Sent<'_> {
    fn of(&self, name: &str) -> String {
        parameter(self.form, name).unwrap_or_default()
    }

    /// What names a wish: the same form sent twice is one.
    fn id(&self) -> String {
        format!("{OWN_IDS}{}:{}", self.own.0, self.of("id"))
    }

    async fn found(&self) -> Done {
        let (called, own_name) = (name("name", &self.of("name")), name("own_name", &self.of("own_name")));
        let (Ok(called), Ok(own_name)) = (called, own_name) else { return Ok(Err(Not::Name)) };
        let id = self.id();
        let asked = Founded { id: &id, member: self.own, name: &called, own_name: &own_name, by: BY, reason: None };
        let did = async |tx: &mut Tx, scene: Scene<'_>| households::found(tx, scene, asked).await;
        told(settled(self.app, self.workspace, did).await?)
    }

    async fn accept(&self) -> Done {
        let Ok(own_name) = name("own_name", &self.of("own_name")) else { return Ok(Err(Not::Name)) };
        let (invitation, by) = (self.of("invitation"), Asker::Member(self.own));
        let did =
            async |tx: &mut Tx, scene: Scene<'_>| households::accept(tx, scene, &invitation, (&own_name, by)).await;
        told(settled(self.app, self.workspace, did).await?)
    }

    async fn invite(&self) -> Done {
        let Ok(number) = self.of("number").trim().parse() else {
            return Ok(Err(Not::Refused(Refusal::MemberUnknown)));
        };
        let (id, member, by_member) = (self.id(), MemberId(number), Some(self.own));
        let asked = Invited { id: &id, household: &self.household, member, by_member, by: BY, reason: "" };
        let did = async |tx: &mut Tx, scene: Scene<'_>| households::invite(tx, scene, asked).await;
        told(settled(self.app, self.workspace, did).await?)
    }

    async fn limit(&self) -> Done {
        let text = self.of("limit");
        let said = if text.trim().is_empty() { Ok(None) } else { text.trim().parse().map(Some) };
        let Some(limit) = said.ok().and_then(|limit| own_limit(limit).ok()) else { return Ok(Err(Not::Limit)) };
        let Ok(own_name) = name("own_name", &self.of("own_name")) else { return Ok(Err(Not::Name)) };
        let own = (Own { name: Some(&own_name), limit }, Asker::Member(self.own));
        let did =
            async |tx: &mut Tx, scene: Scene<'_>| households::set_own(tx, scene, &self.household, self.own, own).await;
        told(settled(self.app, self.workspace, did).await?)
    }

    async fn leave(&self, who: MemberId) -> Done {
        let by = Asker::Member(self.own);
        let did = async |tx: &mut Tx, scene: Scene<'_>| households::leave(tx, scene, &self.household, who, by).await;
        told(settled(self.app, self.workspace, did).await?)
    }
}

/// Who is meant by a membership: the page says no numbers of others.
async fn whom(app: &App, workspace: WorkspaceId, household: &str, membership: &str) -> Result<Option<MemberId>> {
    let mut db = app.installation.store.read();
    let all = households::members_of(&mut db, workspace, household).await?;
    Ok(all.iter().find(|it| it.membership == membership).map(Membership::member))
}
