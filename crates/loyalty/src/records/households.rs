//! Households: members who let each other use their points. Who belongs to one, who is invited, and whose points others used.
//!
//! Always holds: whoever changes one holds the workspace's head, so that of many who take the last place one has it; a member belongs to one household at a time, whoever leads one belongs to it, and one
//! that nobody belongs to any more has ended. Leaving is never refused, and gives nothing away: the points were never anywhere else than on the account of whoever earned them.
//!
//! Does not: take points; a [redemption](super::redemptions) does, as [`plan`] says.

mod acts;
mod invitations;
mod leading;
mod leaving;
mod rows;
mod sharing;

use rapport_domain::{Interval, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Record, Tx};
use serde_json::json;

pub use acts::{Asker, Deed, acts, acts_about};
pub use invitations::{Invited, accept, decline, invite, withdraw};
pub use leading::{close, hand_over};
pub(super) use leaving::merge;
pub use leaving::{closed, forget, leave};
pub use rows::{
    all_of, by_id, find, invitation, invitations_of, invitations_to, list, members_of, open_of, uses, uses_by_members,
    uses_of,
};
pub use sharing::{Plan, plan};
pub(super) use sharing::{given_back, note_uses};

use super::head;
use super::members::{self, Member};
use super::redemptions::Scene;
use crate::Error;
use crate::households::{Households, Refusal};
use crate::ledger::{self, MemberId, Standing};

/// The domain event of a member who is invited.
pub const INVITED: &str = "household.invited";
/// Of one who joined, or founded one.
pub const JOINED: &str = "household.joined";
/// Of one who does not belong to it any more.
pub const LEFT: &str = "household.left";
/// Of one whose points another of the household used.
pub const SHARED: &str = "points.shared";

/// What came of a wish; the store's errors apart.
pub type Outcome<T> = Result<Result<T, Refusal>, Error>;

/// A household.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Household {
    /// Its own id.
    pub household: String,
    /// The id that whoever asked gave it.
    pub id: String,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// As its head calls it; empty once whoever chose it was forgotten.
    pub name: String,
    /// Who chose the name.
    pub named_by: i64,
    /// Who leads it, or led it last.
    pub head: i64,
    /// Since when.
    pub created_at: Timestamp,
    /// When the last member left.
    pub ended_at: Option<Timestamp>,
    /// A user, a key; `member` by the member's own page.
    pub made_by: String,
}

impl Household {
    /// Who leads it.
    pub const fn head(&self) -> MemberId {
        MemberId(self.head)
    }
}

/// That a member belongs to a household, or did.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Membership {
    /// Its own id.
    pub membership: String,
    /// Which household.
    pub household: String,
    /// The how many-th to join it they were, from 1.
    pub place: i64,
    /// Who.
    pub member: i64,
    /// As the others know them.
    pub name: String,
    /// The most of their points that others may use in a month, as they say themselves.
    pub own_limit: Option<i64>,
    /// Since when.
    pub joined_at: Timestamp,
    /// Until when.
    pub left_at: Option<Timestamp>,
    /// `left`, `removed`, `ended` with the household, `closed`, `merged` or `erased`; empty as long as they belong to it.
    pub left_how: String,
}

impl Membership {
    /// Who.
    pub const fn member(&self) -> MemberId {
        MemberId(self.member)
    }
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Invitation {
    /// Its own id.
    pub invitation: String,
    /// The id that whoever asked gave it.
    pub id: String,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// To which household.
    pub household: String,
    /// Who is invited.
    pub member: i64,
    /// `open`, `accepted`, `declined` or `withdrawn`.
    pub state: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until before when it can be accepted.
    pub due_at: Timestamp,
    /// When it was answered or called off.
    pub settled_at: Option<Timestamp>,
    /// A user, a key; `member` by the member's own page.
    pub made_by: String,
}

impl Invitation {
    /// Who is invited.
    pub const fn member(&self) -> MemberId {
        MemberId(self.member)
    }

    /// Whether it can be accepted.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state == "open" && self.due_at > now
    }

    /// How it stands: its state, or `expired`.
    pub fn stands(&self, now: Timestamp) -> &str {
        if self.state == "open" && self.due_at <= now { "expired" } else { &self.state }
    }
}

/// That a member's points were used for what another of the household redeemed.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Use {
    /// For which redemption.
    pub redemption: String,
    /// Which part of its price, from 1.
    pub part: i64,
    /// In which household.
    pub household: String,
    /// Whose points.
    pub giver: i64,
    /// Who redeemed.
    pub taker: i64,
    /// Out of which wallet.
    pub wallet: String,
    /// How many.
    pub points: i64,
    /// How many of them went back.
    pub returned: i64,
    /// When.
    pub used_at: Timestamp,
    /// When it was undone.
    pub returned_at: Option<Timestamp>,
}

impl Use {
    /// Whose points.
    pub const fn giver(&self) -> MemberId {
        MemberId(self.giver)
    }

    /// Who redeemed.
    pub const fn taker(&self) -> MemberId {
        MemberId(self.taker)
    }
}

/// What staff did with a household, and why.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct HouseholdAct {
    /// Its own id.
    pub act: String,
    /// With which household.
    pub household: String,
    /// Which [`Deed`].
    pub what: String,
    /// Whom it was about, if it was about one of them.
    pub member: Option<i64>,
    /// Why, in their words; empty once somebody of the household was forgotten.
    pub reason: String,
    /// When.
    pub done_at: Timestamp,
    /// A user, a key.
    pub done_by: String,
}

/// A household to be founded.
#[derive(Clone, Copy, Debug)]
pub struct Founded<'a> {
    /// Whoever asks names it, so that it is done once. No personal data.
    pub id: &'a str,
    /// Who leads it.
    pub member: MemberId,
    /// What it is called, cleaned.
    pub name: &'a str,
    /// As what the others know its head, cleaned.
    pub own_name: &'a str,
    /// A user, a key; `member` by the member's own page.
    pub by: &'a str,
    /// Why staff found it for them; nothing where they do themselves.
    pub reason: Option<&'a str>,
}

/// Founds a household with one member, who leads it. What is refused uses no id up: nothing was moved.
///
/// # Errors
/// The store's.
pub async fn found(tx: &mut Tx, scene: Scene<'_>, asked: Founded<'_>) -> Outcome<Household> {
    if !is_id(asked.id) {
        return Ok(Err(Refusal::IdMalformed));
    }
    head::lock(tx, scene.workspace).await?;
    let fingerprint = fingerprint(&(asked.member, asked.name, asked.own_name));
    if let Some(earlier) = by_id(tx, scene.workspace, asked.id).await? {
        return Ok(if earlier.fingerprint == fingerprint { Ok(earlier) } else { Err(Refusal::IdReused) });
    }
    let (rules, member) = match may_join(tx, scene, asked.member).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = joins_again(tx, scene, rules, member.member).await? {
        return Ok(Err(refusal));
    }
    let row = Household {
        household: own_id(scene, "hsh"),
        id: asked.id.to_owned(),
        fingerprint,
        name: asked.name.to_owned(),
        named_by: member.member.0,
        head: member.member.0,
        created_at: scene.now,
        ended_at: None,
        made_by: asked.by.to_owned(),
    };
    rows::save(tx, scene.workspace, &row).await?;
    join(tx, scene, &row.household, &member, asked.own_name).await?;
    if let Some(reason) = asked.reason {
        let staff = Asker::Staff { by: asked.by, reason };
        acts::note(tx, scene, staff, (Deed::Founded, &row.household, Some(member.member))).await?;
    }
    Ok(Ok(row))
}

/// The rules, and a member who may join a household now but for the limit of the year.
async fn may_join<'a>(
    tx: &mut Tx,
    scene: Scene<'a>,
    number: MemberId,
) -> rapport_store::Result<Result<(&'a Households, Member), Refusal>> {
    let Some(rules) = &scene.program.households else { return Ok(Err(Refusal::Off)) };
    let member = match active(tx, scene.workspace, number).await? {
        Ok(member) => member,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if open_of(tx, scene.workspace, member.member).await?.is_some() {
        return Ok(Err(Refusal::AlreadyIn));
    }
    Ok(Ok((rules, member)))
}

/// A member who may do things, or why not.
async fn active(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    number: MemberId,
) -> rapport_store::Result<Result<Member, Refusal>> {
    let Some(member) = members::find(db, workspace, number).await? else { return Ok(Err(Refusal::MemberUnknown)) };
    Ok(match member.standing {
        Standing::Active => Ok(member),
        Standing::Blocked => Err(Refusal::MemberBlocked),
        Standing::Closed | Standing::Merged => Err(Refusal::MemberClosed),
        Standing::Unknown => Err(Refusal::MemberUnknown),
    })
}

/// Whether a member joined less often than they may this year.
async fn joins_again(
    db: &mut impl Queries,
    scene: Scene<'_>,
    rules: &Households,
    member: MemberId,
) -> rapport_store::Result<Result<(), Refusal>> {
    let begins = scene.calendar.floor(scene.now, Interval::Year);
    let ends = scene.calendar.next(begins, Interval::Year);
    let joined = rows::joined(db, scene.workspace, member, begins, ends).await?;
    let is_too_often = rules.joins_per_year.is_some_and(|most| joined >= i64::from(most));
    Ok(if is_too_often { Err(Refusal::TooOften) } else { Ok(()) })
}

/// Writes down that a member belongs to a household now.
async fn join(
    tx: &mut Tx,
    scene: Scene<'_>,
    household: &str,
    member: &Member,
    name: &str,
) -> rapport_store::Result<()> {
    let before = members_of(tx, scene.workspace, household).await?.len();
    let row = Membership {
        membership: own_id(scene, "hsm"),
        household: household.to_owned(),
        place: i64::try_from(before).unwrap_or(i64::MAX).saturating_add(1),
        member: member.member.0,
        name: name.to_owned(),
        own_limit: None,
        joined_at: scene.now,
        left_at: None,
        left_how: String::new(),
    };
    rows::save_member(tx, scene.workspace, &row).await?;
    tell(tx, scene.workspace, JOINED, member.member, (household, "", scene.now)).await
}

/// What a member says of themselves in their household.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// As what the others know them, cleaned; as before, unless said.
    pub name: Option<&'a str>,
    /// The most of their points that others may use in a month; as much as the programme lets, unless said.
    pub limit: Option<i64>,
}

/// Changes what a member says of themselves in their household.
///
/// # Errors
/// The store's.
pub async fn set_own(
    tx: &mut Tx,
    scene: Scene<'_>,
    household: &str,
    member: MemberId,
    (own, asker): (Own<'_>, Asker<'_>),
) -> Outcome<Membership> {
    head::lock(tx, scene.workspace).await?;
    let member = members::now(tx, scene.workspace, member).await?;
    let found = open_of(tx, scene.workspace, member).await?.filter(|row| row.household == household);
    let Some(mut row) = found else { return Ok(Err(Refusal::NotIn)) };
    let before = row.clone();
    if let Some(name) = own.name {
        if rows::is_taken(tx, scene.workspace, household, (name, member)).await? {
            return Ok(Err(Refusal::NameTaken));
        }
        name.clone_into(&mut row.name);
    }
    row.own_limit = own.limit;
    if row != before {
        rows::save_member(tx, scene.workspace, &row).await?;
        acts::note(tx, scene, asker, (Deed::Set, household, Some(member))).await?;
    }
    Ok(Ok(row))
}

/// Calls a household otherwise; where a member asks, they must lead it.
///
/// # Errors
/// The store's.
pub async fn rename(
    tx: &mut Tx,
    scene: Scene<'_>,
    household: &str,
    (name, asker): (&str, Asker<'_>),
) -> Outcome<Household> {
    let mut row = match led(tx, scene, household, asker.member()).await? {
        Ok(row) => row,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if row.name == name {
        return Ok(Ok(row));
    }
    (row.name, row.named_by) = (name.to_owned(), row.head);
    rows::save(tx, scene.workspace, &row).await?;
    acts::note(tx, scene, asker, (Deed::Renamed, household, None)).await?;
    Ok(Ok(row))
}

/// A household that somebody may lead: staff, or the member who does. Takes the head.
async fn led(
    tx: &mut Tx,
    scene: Scene<'_>,
    household: &str,
    by: Option<MemberId>,
) -> rapport_store::Result<Result<Household, Refusal>> {
    head::lock(tx, scene.workspace).await?;
    let found = find(tx, scene.workspace, household).await?.filter(|row| row.ended_at.is_none());
    let Some(row) = found else { return Ok(Err(Refusal::Unknown)) };
    if let Some(by) = by
        && members::now(tx, scene.workspace, by).await? != row.head()
    {
        return Ok(Err(Refusal::NotHead));
    }
    Ok(Ok(row))
}

fn own_id(scene: Scene<'_>, kind: &str) -> String {
    format!("{kind}_{:016x}{:016x}", scene.rng.next_u64(), scene.rng.next_u64())
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ledger::REFERENCE_MAX && !id.contains('\0')
}

fn fingerprint(content: &impl serde::Serialize) -> [u8; 16] {
    let content = serde_json::to_vec(content).expect("plain values become JSON");
    blake3::hash(&content).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}

/// Says what happened to whom, without names and without who the others are.
async fn tell(
    tx: &mut Tx,
    workspace: WorkspaceId,
    name: &'static str,
    member: MemberId,
    (household, how, at): (&str, &str, Timestamp),
) -> rapport_store::Result<()> {
    let person = members::find(tx, workspace, member).await?.and_then(|it| it.person);
    let mut payload = json!({ "member": member.0.to_string(), "household": household, "at": at.to_rfc3339() });
    if !how.is_empty() {
        payload["how"] = json!(how);
    }
    let event = Event::new(workspace, name, payload);
    tx.emit(match person {
        Some(person) => event.about(person),
        None => event,
    });
    Ok(())
}
