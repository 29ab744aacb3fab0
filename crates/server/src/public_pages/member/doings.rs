//! What a member's page shows of what they do: challenges, badges, leaderboards, friends whom they bring. And what they do there about it.
//!
//! Always holds: others are shown under the names that they chose; nobody is put on a leaderboard without saying so.
//!
//! Does not: know the sections about points ([`super::view`]).

use rapport_domain::{Calendar, Timestamp, WorkspaceId};
use rapport_loyalty::badges::Badge;
use rapport_loyalty::challenges::Joins;
use rapport_loyalty::document::State;
use rapport_loyalty::leaderboards::{alias, places};
use rapport_loyalty::ledger::Standing;
use rapport_loyalty::records::challenges::{self, Kept, Own};
use rapport_loyalty::records::documents;
use rapport_loyalty::records::leaderboards;
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::referrals::codes;
use rapport_loyalty::records::{badges, documents::Version};
use rapport_loyalty::referrals::Referral;
use rapport_segments::Moment;
use rapport_store::Priority;

use super::words::Words;
use crate::api::loyalty::member_leaderboards::join;
use crate::api::loyalty::redemptions::Present;
use crate::app::App;
use crate::http::form::parameter;
use crate::knowing::Known;
use crate::problem::{Problem, Result};
use crate::public_pages::referral;

/// What they do.
pub struct Doings {
    pub challenges: Vec<ChallengeView>,
    pub badges: Vec<BadgeView>,
    pub boards: Vec<BoardView>,
    pub friends: Vec<FriendsView>,
}

/// A challenge and how far they are.
pub struct ChallengeView {
    pub name: String,
    pub words: String,
    /// How far, in hundredths of what the next step needs.
    pub share: i64,
    /// The same in words, and what it gives.
    pub notes: Vec<String>,
}

/// A badge that they have.
pub struct BadgeView {
    pub name: String,
    pub words: String,
}

/// A leaderboard.
pub struct BoardView {
    pub key: String,
    pub name: String,
    pub words: String,
    /// As what others see them, if they are on it.
    pub own: Option<String>,
    /// Where they are, and until when it goes.
    pub notes: Vec<String>,
    /// The first: place, name, how much, whether it is them.
    pub first: Vec<(i64, String, String, bool)>,
}

/// Friends whom they can bring.
pub struct FriendsView {
    pub key: String,
    pub name: String,
    /// What the friend gets.
    pub words: String,
    /// Their link and code, once they have one.
    pub link: Option<(String, String)>,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Not {
    /// The name is none, or an address.
    Name,
    /// Somebody else has it.
    Taken,
    /// It is not open, or the account cannot.
    Open,
}

/// Reads it.
///
/// # Errors
/// The store's, or that there is no programme.
pub async fn read(app: &App, workspace: WorkspaceId, member: &Member, words: &'static Words) -> Result<Doings> {
    let present = Present::read(app, workspace).await?;
    let reading = Reading { app, workspace, member, present: &present, words };
    Ok(Doings {
        challenges: reading.challenges().await?,
        badges: reading.badges().await?,
        boards: reading.boards().await?,
        friends: reading.friends().await?,
    })
}

struct Reading<'a> {
    app: &'a App,
    workspace: WorkspaceId,
    member: &'a Member,
    present: &'a Present,
    words: &'static Words,
}

impl Reading<'_> {
    fn last_day(&self, end: Timestamp) -> String {
        let calendar: &Calendar = &self.present.calendar;
        let date = calendar.date(end.plus(-1));
        self.words.date(date.year(), date.month(), date.day())
    }

    /// Those that are live and that they can take part in, or do.
    async fn challenges(&self) -> Result<Vec<ChallengeView>> {
        let scene = self.present.challenges(self.workspace)?;
        if scene.challenges.is_empty() {
            return Ok(Vec::new());
        }
        let mut db = self.app.installation.store.read();
        let kept = Kept::read(&mut db, self.workspace, &[self.member.member]).await?;
        let all = kept.by_challenge();
        let conditions: Vec<_> = scene.challenges.iter().map(|it| &it.document.who).collect();
        let people: Vec<_> = self.member.person.into_iter().collect();
        let known = Known::read(&mut db, self.workspace, &conditions, &people).await.map_err(Problem::internal)?;
        let moment = Moment { now: scene.now, calendar: scene.calendar };
        let mut shown: Vec<(u32, ChallengeView)> = Vec::new();
        for versions in scene.each() {
            let Some(latest) = versions.last().filter(|it| it.state == State::Live) else { continue };
            let challenge = &latest.document;
            let own = all.get(&(self.member.member.0, challenge.key.as_str()));
            let is_in = challenge.joins == Joins::ByDoing
                || own.and_then(|own| own.join).is_some_and(|join| join.left_at.is_none());
            let is_for_them = self.member.person.is_some_and(|person| {
                known.about(person, |subject| rapport_segments::holds(&challenge.who, subject, moment))
            });
            if !is_in || !is_for_them || !challenge.window.holds(scene.now, scene.calendar) {
                continue;
            }
            shown.push((challenge.place, self.challenge(scene, versions, own)));
        }
        shown.sort_by_key(|(place, _)| *place);
        Ok(shown.into_iter().map(|(_, it)| it).collect())
    }

    fn challenge(
        &self,
        scene: challenges::Scene<'_>,
        versions: &[Version<rapport_loyalty::challenges::Challenge>],
        own: Option<&Own<'_>>,
    ) -> ChallengeView {
        let challenge = &versions[versions.len() - 1].document;
        let nothing = Own::default();
        let progress = scene.progress(versions, self.member, own.unwrap_or(&nothing));
        let (have, steps, is_finished) =
            progress.as_ref().map_or((0, 0, false), |it| (it.have, it.steps, it.is_finished));
        let step = challenge.steps.get(steps).or(challenge.steps.last());
        let target = step.map_or(1, |it| it.target.micros()).max(1);
        let mut notes = Vec::new();
        if is_finished {
            notes.push(self.words.doings.done.to_owned());
        } else {
            notes.push(self.words.two(self.words.doings.progress, &decimal(have), &decimal(target)));
            if let Some(step) = step {
                let wallet = scene.program.wallet(step.wallet(scene.program)).map_or("", |it| it.name.as_str());
                notes.extend(step.points.map(|points| {
                    Words::filled(
                        self.words.doings.gives,
                        &format!("{} {wallet}", decimal(points.saturating_mul(1_000_000))),
                    )
                }));
            }
        }
        if let Some(streak) = progress.as_ref().and_then(|it| it.streak).filter(|it| it.current > 0) {
            notes.push(Words::filled(self.words.doings.in_a_row, &streak.current.to_string()));
            notes.extend(streak.ends_at.map(|at| Words::filled(self.words.doings.lost_after, &self.last_day(at))));
        }
        let end = progress.as_ref().and_then(|it| it.period_end).filter(|end| end.0 < i64::MAX);
        notes.extend(end.map(|end| Words::filled(self.words.doings.until, &self.last_day(end))));
        let share = if is_finished { 100 } else { i128::from(have) * 100 / i128::from(target) };
        ChallengeView {
            name: challenge.name.clone(),
            words: challenge.words.clone(),
            share: i64::try_from(share.clamp(0, 100)).unwrap_or(0),
            notes,
        }
    }

    async fn badges(&self) -> Result<Vec<BadgeView>> {
        let mut db = self.app.installation.store.read();
        let rows = badges::of_members(&mut db, self.workspace, &[self.member.member]).await?;
        let held = |key: &str| rows.iter().any(|row| row.taken_at.is_none() && row.badge == key);
        let latest = documents::latest_of_each::<Badge>(self.present.programs.badges.clone());
        let own = latest.into_iter().filter(|it| held(&it.document.key));
        Ok(own.map(|it| BadgeView { name: it.document.name, words: it.document.words }).collect())
    }

    async fn boards(&self) -> Result<Vec<BoardView>> {
        let scene = self.present.leaderboards(self.workspace)?;
        let latest = documents::latest_of_each(scene.leaderboards.to_vec());
        let mut db = self.app.installation.store.read();
        let joins = leaderboards::joins(&mut db, self.workspace, &[self.member.member]).await?;
        let mut shown = Vec::new();
        for version in latest.iter().filter(|it| it.state == State::Live) {
            let board = &version.document;
            let Some(span) = board.span(scene.now, scene.calendar) else { continue };
            let place = (board.key.as_str(), span.key.as_str());
            let own = joins.iter().find(|it| it.leaderboard == board.key && it.left_at.is_none());
            let first = leaderboards::first(&mut db, self.workspace, place, u32::from(board.shown)).await?;
            let standing = leaderboards::standing(&mut db, self.workspace, place, self.member.member).await?;
            let mut notes = Vec::new();
            if own.is_some() {
                let mine = standing
                    .place
                    .map(|place| self.words.two(self.words.doings.place, &place.to_string(), &standing.of.to_string()));
                notes.push(mine.unwrap_or_else(|| self.words.doings.no_place.to_owned()));
            }
            if span.end.0 < i64::MAX {
                notes.push(Words::filled(self.words.doings.until, &self.last_day(span.end)));
            }
            let ranks = places(&first.iter().map(|row| row.score).collect::<Vec<_>>());
            let row = |(it, place): (leaderboards::ScoreRow, i64)| {
                (place, it.alias, decimal(it.score), it.member == self.member.member.0)
            };
            shown.push(BoardView {
                key: board.key.clone(),
                name: board.name.clone(),
                words: board.words.clone(),
                own: own.map(|it| it.alias.clone()),
                notes,
                first: first.into_iter().zip(ranks).map(row).collect(),
            });
        }
        Ok(shown)
    }

    async fn friends(&self) -> Result<Vec<FriendsView>> {
        let latest = documents::latest_of_each::<Referral>(self.present.programs.referrals.clone());
        let live: Vec<_> = latest.into_iter().filter(|it| it.state == State::Live).collect();
        if live.is_empty() {
            return Ok(Vec::new());
        }
        let mut db = self.app.installation.store.read();
        let numbers = members::numbers(&mut db, self.workspace, self.member.member).await?;
        let own = codes::of_members(&mut db, self.workspace, &numbers).await?;
        let shown = |version: Version<Referral>| {
            let code = own.iter().rev().find(|it| it.referral == version.document.key && it.voided_at.is_none());
            let link = code.map(|code| {
                let url = format!("{}{}", self.app.sender.public_url(), referral::path(&code.lookup));
                (url, rapport_loyalty::codes::shown(&code.lookup))
            });
            let Referral { key, name, page, .. } = version.document;
            let is_chinese = self.words.tag == "zh" && !page.words_zh.is_empty();
            FriendsView { key, name, words: if is_chinese { page.words_zh } else { page.words }, link }
        };
        Ok(live.into_iter().map(shown).collect())
    }
}

/// Does what a form asks for: `join` a leaderboard under a `name`, `leave` it, get a code for `friends`.
///
/// # Errors
/// The store's.
pub async fn act(
    app: &App,
    (workspace, member): (WorkspaceId, &Member),
    act: &str,
    form: &str,
) -> Result<std::result::Result<(), Not>> {
    let of = |name: &str| parameter(form, name).unwrap_or_default();
    let key = of("key");
    let present = Present::read(app, workspace).await?;
    if act == "friends" {
        return friends(app, (workspace, member), &present, &key).await;
    }
    let scene = present.leaderboards(workspace)?;
    if act == "leave" {
        let mut tx = app.installation.store.begin(Priority::Interactive).await?;
        leaderboards::leave(&mut tx, scene, member, &key).await?;
        tx.commit().await?;
        return Ok(Ok(()));
    }
    let Ok(name) = alias(&of("name")) else { return Ok(Err(Not::Name)) };
    match join(app, scene, member, (&key, &name)).await {
        Ok(()) => Ok(Ok(())),
        Err(problem) if problem.code() == "leaderboard_name_taken" => Ok(Err(Not::Taken)),
        Err(problem) if problem.status().is_client_error() => Ok(Err(Not::Open)),
        Err(problem) => Err(problem),
    }
}

async fn friends(
    app: &App,
    (workspace, member): (WorkspaceId, &Member),
    present: &Present,
    key: &str,
) -> Result<std::result::Result<(), Not>> {
    let latest = present.programs.referrals.iter().rfind(|it| it.document.key == key);
    if member.standing == Standing::Closed || latest.is_none_or(|it| it.state != State::Live) {
        return Ok(Err(Not::Open));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let numbers = members::numbers(&mut tx, workspace, member.member).await?;
    codes::ensure(&mut tx, workspace, &numbers, key, (app.now(), app.rng())).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// A number as short as it can be written.
fn decimal(micros: i64) -> String {
    super::view::decimal(micros)
}
