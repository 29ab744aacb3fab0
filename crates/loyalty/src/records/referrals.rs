//! How referrals stand: one row for each friend and code.
//!
//! Always holds: rows are written by whoever holds the workspace's head ([`lock`]), so that nobody gives the last of a budget twice; what was given is written with the postings that gave it.
//!
//! Does not: decide how they stand; [`crate::referrals::courses`] does.

pub mod codes;
pub mod giving;
pub mod suspensions;
pub mod tellings;
pub mod traces;

use std::collections::BTreeMap;

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::{head, members};
use crate::ledger::MemberId;
use crate::referrals::signals::{self, Signal};
use crate::referrals::{Decision, Known, Reason, State};

/// The domain event of a member by whom a friend came.
pub const MADE: &str = "referral.made";
/// Of the friend.
pub const CONVERTED: &str = "referral.converted";
/// Of a member whose friend did what counts.
pub const QUALIFIED: &str = "referral.qualified";
/// Of a member who got something for a friend.
pub const REWARDED: &str = "referral.rewarded";
/// Of a member from whom it was taken back.
pub const TAKEN_BACK: &str = "referral.taken_back";

/// A referral as it is kept.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct Row {
    /// Its id.
    pub referral_id: String,
    /// By which the friend is known; nobody any more after an erasure.
    pub handle: Option<Handle>,
    /// The code that they used, as it is looked up.
    pub lookup: String,
    /// The programme; empty where nobody knows the code.
    pub referral: String,
    /// Whose code it is; 0 where nobody knows it.
    pub member: i64,
    /// A [`State::key`].
    pub state: String,
    /// A [`Reason::code`], or empty.
    pub reason: String,
    /// Whether the friend came by this code.
    pub is_bound: bool,
    /// When the code was first used.
    pub joined_at: Timestamp,
    /// When the friend did what counts.
    pub qualified_at: Option<Timestamp>,
    /// When time alone changes it.
    pub due_at: Option<Timestamp>,
    /// Signs of fraud ([`signals::write`]).
    pub signals: Option<String>,
    /// `approved`, `refused` or empty.
    pub decision: String,
    /// When somebody decided.
    pub decided_at: Option<Timestamp>,
    /// Who.
    pub decided_by: String,
    /// Why, in their words.
    pub decision_reason: Option<String>,
    /// How often it was given: from 0.
    pub revision: i64,
    /// Which of the member's rewarded friends this one was, from 1; 0 before.
    pub place: i64,
    /// When it was given last.
    pub given_at: Option<Timestamp>,
    /// When it was taken back last.
    pub taken_back_at: Option<Timestamp>,
    /// Why it was not given when it was earned: a [`Reason::code`], or empty.
    pub closed: String,
    /// The wallet into which the member got points.
    pub referrer_wallet: String,
    /// How many.
    pub referrer_points: i64,
    /// `given`, a code that says why not, or empty.
    pub referrer_outcome: String,
    /// The friend's number; 0 of nobody.
    pub friend_member: i64,
    /// The wallet into which the friend got points.
    pub friend_wallet: String,
    /// How many.
    pub friend_points: i64,
    /// As [`Row::referrer_outcome`].
    pub friend_outcome: String,
    /// Whether it was told that the friend came.
    pub is_told: bool,
}

const APPROVED: &str = "approved";
const REFUSED: &str = "refused";

/// What a referral is called: the same friend by the same code is the same.
pub fn id_of(handle: Handle, lookup: &str) -> String {
    let hash = blake3::hash(format!("referral\n{}\n{lookup}", handle.0).as_bytes()).to_hex();
    format!("rfl_{}", &hash[..24])
}

impl Row {
    /// A friend who just came.
    pub fn new(handle: Handle, lookup: &str, (referral, member): (&str, MemberId), joined_at: Timestamp) -> Self {
        let none = String::new;
        Self {
            referral_id: id_of(handle, lookup),
            handle: Some(handle),
            lookup: lookup.to_owned(),
            referral: referral.to_owned(),
            member: member.0,
            state: State::Joined.key().to_owned(),
            reason: none(),
            is_bound: false,
            joined_at,
            qualified_at: None,
            due_at: None,
            signals: None,
            decision: none(),
            decided_at: None,
            decided_by: none(),
            decision_reason: None,
            revision: 0,
            place: 0,
            given_at: None,
            taken_back_at: None,
            closed: none(),
            referrer_wallet: none(),
            referrer_points: 0,
            referrer_outcome: none(),
            friend_member: 0,
            friend_wallet: none(),
            friend_points: 0,
            friend_outcome: none(),
            is_told: false,
        }
    }

    /// What was found out and decided, for [`crate::referrals::courses`].
    pub fn known<'a>(&self, signals: &'a [Signal]) -> Known<'a> {
        let decision = match self.decision.as_str() {
            APPROVED => Decision::Approved,
            REFUSED => Decision::Refused,
            _ => Decision::None,
        };
        Known { decision, signals, closed: Reason::read(&self.closed), is_given: self.is_given() }
    }

    /// Whether it is given, and was not taken back.
    pub const fn is_given(&self) -> bool {
        self.given_at.is_some() && self.taken_back_at.is_none()
    }

    /// Its signs of fraud.
    pub fn signals(&self) -> Vec<Signal> {
        self.signals.as_deref().map(signals::read).unwrap_or_default()
    }

    /// How it stands.
    pub fn state(&self) -> Option<State> {
        State::read(&self.state)
    }
}

/// Takes the workspace's head, before anything is read that is to be counted.
///
/// # Errors
/// The store's.
pub async fn lock(tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
    head::lock(tx, workspace).await.map(drop)
}

/// Referrals of friends who are known by these identifiers.
///
/// # Errors
/// The store's.
pub async fn of_friends(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<Row>> {
    let find = sql!(
        "SELECT * FROM loyalty_referrals WHERE handle IN ($2) AND +workspace = $1 AND handle IS NOT NULL ORDER BY joined_at, referral_id"
    );
    if handles.is_empty() {
        return Ok(Vec::new());
    }
    db.fetch_all(find, args![workspace, handles]).await
}

/// A referral by its id.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, referral_id: &str) -> Result<Option<Row>> {
    let find = sql!("SELECT * FROM loyalty_referrals WHERE referral_id = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, referral_id]).await
}

/// Where a list goes on: behind what joined then, and behind this id.
pub type Behind = (Timestamp, String);

fn behind(of: Option<Behind>) -> Behind {
    of.unwrap_or((Timestamp(i64::MAX), String::new()))
}

/// Referrals by these members, the newest first.
///
/// # Errors
/// The store's.
pub async fn of_members(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
    after: Option<Behind>,
    limit: u32,
) -> Result<Vec<Row>> {
    let find = sql!(
        "SELECT * FROM loyalty_referrals WHERE member IN ($2) AND +workspace = $1 AND joined_at <= $3 AND (joined_at < $3 OR referral_id > $4)
         ORDER BY joined_at DESC, referral_id LIMIT $5"
    );
    let (at, id) = behind(after);
    let members: Vec<i64> = members.iter().map(|member| member.0).collect();
    db.fetch_all(find, args![workspace, &members, at, id, limit]).await
}

/// Which referrals of a list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// In this state; in any, if empty.
    pub state: &'a str,
    /// Of this programme; of any, if empty.
    pub referral: &'a str,
}

/// All referrals, the newest first.
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: Filter<'_>,
    after: Option<Behind>,
    limit: u32,
) -> Result<Vec<Row>> {
    let find = sql!(
        "SELECT * FROM loyalty_referrals WHERE workspace = $1 AND joined_at <= $2 AND (joined_at < $2 OR referral_id > $3)
             AND ($4 = '' OR state = $4) AND ($5 = '' OR referral = $5)
         ORDER BY joined_at DESC, referral_id LIMIT $6"
    );
    let (at, id) = behind(after);
    db.fetch_all(find, args![workspace, at, id, filter.state, filter.referral, limit]).await
}

/// Referrals with a sign of fraud about which nobody has decided and of which nothing is over yet, the newest first.
///
/// # Errors
/// The store's.
pub async fn to_review(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    after: Option<Behind>,
    limit: u32,
) -> Result<Vec<Row>> {
    let find = sql!(
        "SELECT * FROM loyalty_referrals WHERE workspace = $1 AND joined_at <= $2 AND (joined_at < $2 OR referral_id > $3)
             AND (state = 'review' OR (signals IS NOT NULL AND decision = '' AND (state IN ('joined', 'pending') OR reason = 'fraud')))
         ORDER BY joined_at DESC, referral_id LIMIT $4"
    );
    let (at, id) = behind(after);
    db.fetch_all(find, args![workspace, at, id, limit]).await
}

/// Writes referrals as they stand now.
///
/// # Errors
/// The store's.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, rows: Vec<Row>) -> Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_referrals (workspace, referral_id, handle, lookup, referral, member, state, reason, is_bound, joined_at, qualified_at, due_at,
             signals, decision, decided_at, decided_by, decision_reason, revision, place, given_at, taken_back_at, closed, referrer_wallet,
             referrer_points, referrer_outcome, friend_member, friend_wallet, friend_points, friend_outcome, is_told)
         VALUES {rows}
         ON CONFLICT (referral_id, workspace) DO UPDATE SET referral = EXCLUDED.referral, member = EXCLUDED.member, state = EXCLUDED.state,
             reason = EXCLUDED.reason, is_bound = EXCLUDED.is_bound, joined_at = EXCLUDED.joined_at, qualified_at = EXCLUDED.qualified_at,
             due_at = EXCLUDED.due_at, signals = EXCLUDED.signals, decision = EXCLUDED.decision, decided_at = EXCLUDED.decided_at,
             decided_by = EXCLUDED.decided_by, decision_reason = EXCLUDED.decision_reason, revision = EXCLUDED.revision, place = EXCLUDED.place,
             given_at = EXCLUDED.given_at, taken_back_at = EXCLUDED.taken_back_at, closed = EXCLUDED.closed,
             referrer_wallet = EXCLUDED.referrer_wallet, referrer_points = EXCLUDED.referrer_points, referrer_outcome = EXCLUDED.referrer_outcome,
             friend_member = EXCLUDED.friend_member, friend_wallet = EXCLUDED.friend_wallet, friend_points = EXCLUDED.friend_points,
             friend_outcome = EXCLUDED.friend_outcome, is_told = EXCLUDED.is_told"
    );
    let row = |it: Row| {
        args![
            workspace,
            it.referral_id,
            it.handle,
            it.lookup,
            it.referral,
            it.member,
            it.state,
            it.reason,
            it.is_bound,
            it.joined_at,
            it.qualified_at,
            it.due_at,
            it.signals,
            it.decision,
            it.decided_at,
            it.decided_by,
            it.decision_reason,
            it.revision,
            it.place,
            it.given_at,
            it.taken_back_at,
            it.closed,
            it.referrer_wallet,
            it.referrer_points,
            it.referrer_outcome,
            it.friend_member,
            it.friend_wallet,
            it.friend_points,
            it.friend_outcome,
            it.is_told
        ]
    };
    tx.execute_many(save, rows.into_iter().map(row)).await.map(drop)
}

/// By which identifiers the friends are known whose referrals time alone changes by now, those that wait longest first.
///
/// # Errors
/// The store's.
pub async fn due(db: &mut impl Queries, workspace: WorkspaceId, now: Timestamp, limit: u32) -> Result<Vec<Handle>> {
    let find = sql!(
        "SELECT handle FROM loyalty_referrals WHERE workspace = $1 AND due_at <= $2 AND due_at IS NOT NULL AND handle IS NOT NULL ORDER BY due_at LIMIT $3"
    );
    let rows: Vec<(Handle,)> = db.fetch_all(find, args![workspace, now, limit]).await?;
    Ok(rows.into_iter().map(|(handle,)| handle).collect())
}

/// Lets time alone change nothing of friends whom nobody knows any more.
///
/// # Errors
/// The store's.
pub async fn rest(tx: &mut Tx, workspace: WorkspaceId, handles: &[Handle]) -> Result<()> {
    if handles.is_empty() {
        return Ok(());
    }
    let set = sql!(
        "UPDATE loyalty_referrals SET due_at = NULL WHERE handle IN ($2) AND +workspace = $1 AND handle IS NOT NULL"
    );
    tx.execute(set, args![workspace, handles]).await.map(drop)
}

/// Lets everything by these members that is not over be looked at now.
///
/// # Errors
/// The store's.
pub async fn look_again(tx: &mut Tx, workspace: WorkspaceId, members: &[MemberId], now: Timestamp) -> Result<()> {
    let mark = sql!(
        "UPDATE loyalty_referrals SET due_at = $3 WHERE member IN ($2) AND +workspace = $1 AND handle IS NOT NULL
             AND (state IN ('joined', 'pending', 'review') OR reason = 'suspended')"
    );
    let members: Vec<i64> = members.iter().map(|member| member.0).collect();
    tx.execute(mark, args![workspace, &members, now]).await.map(drop)
}

/// Writes down what somebody of the staff decided, and lets it be looked at now; whether there is such a referral of somebody who is still known.
///
/// # Errors
/// The store's.
pub async fn decide(
    tx: &mut Tx,
    workspace: WorkspaceId,
    referral_id: &str,
    is_approved: bool,
    (by, reason): (&str, &str),
    now: Timestamp,
) -> Result<bool> {
    let set = sql!(
        "UPDATE loyalty_referrals SET decision = $3, decided_at = $4, decided_by = $5, decision_reason = $6, due_at = $4
         WHERE referral_id = $2 AND workspace = $1 AND handle IS NOT NULL"
    );
    let decision = if is_approved { APPROVED } else { REFUSED };
    Ok(tx.execute(set, args![workspace, referral_id, decision, now, by, reason]).await? > 0)
}

/// How many friends of these members were rewarded, and it was not taken back.
///
/// # Errors
/// The store's.
pub async fn rewarded(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
    referral: &str,
) -> Result<i64> {
    let count = sql!(
        "SELECT COUNT(*) FROM loyalty_referrals WHERE member IN ($2) AND +workspace = $1 AND referral = $3 AND given_at IS NOT NULL
             AND taken_back_at IS NULL AND place > CAST(0 AS BIGINT)"
    );
    let members: Vec<i64> = members.iter().map(|member| member.0).collect();
    db.scalar(count, args![workspace, &members, referral]).await
}

/// How many came by these members in a time, from the first instant to the second, without the second unless it is the same.
///
/// # Errors
/// The store's.
pub async fn joined(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
    (after, until): (Timestamp, Timestamp),
) -> Result<i64> {
    let count = sql!(
        "SELECT COUNT(*) FROM loyalty_referrals WHERE member IN ($2) AND +workspace = $1 AND joined_at > $3 AND joined_at <= $4 AND is_bound"
    );
    let members: Vec<i64> = members.iter().map(|member| member.0).collect();
    db.scalar(count, args![workspace, &members, after, until]).await
}

/// How many by these members, who joined after an instant, have a sign of fraud that nobody approved.
///
/// # Errors
/// The store's.
pub async fn suspicious(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
    after: Timestamp,
) -> Result<i64> {
    let count = sql!(
        "SELECT COUNT(*) FROM loyalty_referrals WHERE member IN ($2) AND +workspace = $1 AND joined_at > $3 AND signals IS NOT NULL AND decision <> 'approved'"
    );
    let members: Vec<i64> = members.iter().map(|member| member.0).collect();
    db.scalar(count, args![workspace, &members, after]).await
}

/// Referrals of a programme in one state: how many, and what they cost.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Sum {
    /// The programme; empty of codes that nobody knows.
    pub referral: String,
    /// A [`State::key`].
    pub state: String,
    /// A [`Reason::code`], or empty.
    pub reason: String,
    /// How many.
    pub count: i64,
    /// Points that members have for them.
    pub referrer_points: i64,
    /// Points that friends have.
    pub friend_points: i64,
}

/// Adds up the referrals of programmes (an empty key is of codes that nobody knows) by state and reason; points that were taken back do not count.
///
/// # Errors
/// The store's.
pub async fn sums(db: &mut impl Queries, workspace: WorkspaceId, programs: &[String]) -> Result<Vec<Sum>> {
    let sum = sql!(
        "SELECT referral, state, reason, COUNT(*) AS count,
             CAST(SUM(CASE WHEN taken_back_at IS NULL THEN referrer_points ELSE 0 END) AS BIGINT) AS referrer_points,
             CAST(SUM(CASE WHEN taken_back_at IS NULL THEN friend_points ELSE 0 END) AS BIGINT) AS friend_points
         FROM loyalty_referrals WHERE workspace = $1 AND referral IN ($2) GROUP BY referral, state, reason ORDER BY referral, state, reason"
    );
    db.fetch_all(sum, args![workspace, programs]).await
}

/// What a member's referrals came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many friends came.
    pub joined: i64,
    /// How many of them did what counts.
    pub qualified: i64,
    /// For how many both were rewarded, and it was not taken back.
    pub rewarded: i64,
}

/// What members' referrals came to, also under numbers that were merged into theirs; of whom nobody came there is nothing.
///
/// # Errors
/// The store's.
pub async fn figures(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> Result<BTreeMap<MemberId, Figures>> {
    let own: Vec<i64> = members.iter().map(|member| member.0).collect();
    let merged = sql!(
        "SELECT member, merged_into FROM loyalty_members WHERE merged_into IN ($2) AND +workspace = $1 AND merged_into IS NOT NULL"
    );
    let merged: Vec<(i64, i64)> = db.fetch_all(merged, args![workspace, &own]).await?;
    let mut heirs: BTreeMap<i64, i64> = own.iter().map(|member| (*member, *member)).collect();
    heirs.extend(merged);
    let numbers: Vec<i64> = heirs.keys().copied().collect();
    let count = sql!(
        "SELECT member, COUNT(*), CAST(SUM(CASE WHEN qualified_at IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT),
             CAST(SUM(CASE WHEN given_at IS NOT NULL AND taken_back_at IS NULL THEN 1 ELSE 0 END) AS BIGINT)
         FROM loyalty_referrals WHERE member IN ($2) AND +workspace = $1 AND is_bound GROUP BY member ORDER BY member"
    );
    let rows: Vec<(i64, i64, i64, i64)> = db.fetch_all(count, args![workspace, &numbers]).await?;
    let mut figures: BTreeMap<MemberId, Figures> = BTreeMap::new();
    for (member, joined, qualified, rewarded) in rows {
        let own = figures.entry(MemberId(heirs.get(&member).copied().unwrap_or(member))).or_default();
        own.joined += joined;
        own.qualified += qualified;
        own.rewarded += rewarded;
    }
    Ok(figures)
}

/// Forgets what can name a person, who may be a friend, a member who referred, or both; how many rows there were. What is open of a friend ends, a member's codes do not count
/// any more, words about them go. What was given stays, for the books. Before the link from the person to their number is broken.
///
/// # Errors
/// The store's.
pub async fn forget(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (person, handles): (PersonId, &[Handle]),
    now: Timestamp,
) -> Result<u64> {
    let end = sql!(
        "UPDATE loyalty_referrals SET state = 'refused', reason = 'friend_forgotten', due_at = NULL
         WHERE handle IN ($2) AND +workspace = $1 AND handle IS NOT NULL AND state IN ('joined', 'pending', 'review')"
    );
    let ended = if handles.is_empty() { 0 } else { tx.execute(end, args![workspace, handles]).await? };
    let Some(member) = members::of(tx, workspace, person).await? else { return Ok(ended) };
    let numbers = members::numbers(tx, workspace, member).await?;
    let codes = codes::void(tx, workspace, &numbers, now).await?;
    Ok(ended + codes + suspensions::forget(tx, workspace, &numbers).await?)
}
