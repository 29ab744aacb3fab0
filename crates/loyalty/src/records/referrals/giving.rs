//! Gives what a referral earned, and takes it back.
//!
//! Always holds: under ids made of the referral and of how often it was given, so that nothing is given or taken back twice; limits are counted by whoever holds the head. What one of the two may not get, the other gets all the same;
//! only a budget refuses both.

use rapport_domain::{Calendar, Timestamp, WorkspaceId};
use rapport_store::Tx;

use super::Row;
use crate::Error;
use crate::earning::{Cap, CapOf, CapPer};
use crate::ledger::{Act, Command, MemberId, Portion, Source};
use crate::program::Program;
use crate::records::tallies::{self, Counted, Tally};
use crate::records::{Memory, members, post, wallets};
use crate::referrals::{Reason, Referral};

/// An outcome that says that points were given.
pub const GIVEN: &str = "given";

/// What the ids of the ledger's operations begin with that are made here.
pub const OWN_IDS: &str = "referral:";

/// What is given in.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The programme as it is now.
    pub program: &'a Program,
    /// Its calendar.
    pub calendar: &'a Calendar,
    /// The present.
    pub now: Timestamp,
}

/// Whom it is for.
#[derive(Clone, Copy, Debug)]
pub struct Both {
    /// The member, as they are now; nobody of whom it is not known who they are.
    pub referrer: Option<MemberId>,
    /// The friend, if they are a member.
    pub friend: Option<MemberId>,
}

/// Gives it; what nobody gets is refused with the reason, which stays.
///
/// # Errors
/// The store's, or that the ledger's records do not fit together.
pub async fn give(tx: &mut Tx, scene: Scene<'_>, terms: &Referral, row: &mut Row, both: Both) -> Result<(), Error> {
    let Scene { workspace, program, .. } = scene;
    let numbers = match both.referrer {
        Some(member) => members::numbers(tx, workspace, member).await?,
        None => Vec::new(),
    };
    let nth = super::rewarded(tx, workspace, &numbers, &terms.key).await? + 1;
    let for_referrer = terms.for_referrer(program, nth);
    let for_friend = terms.for_friend(program);
    let mut referrer = Side::of(for_referrer, both.referrer, Reason::ReferrerClosed);
    let mut friend = Side::of(for_friend, both.friend, Reason::FriendNoMember);
    let used = Used::read(tx, scene, &terms.key, both.referrer).await?;
    if used.is_full(scene, terms, CapPer::Member, referrer.points) {
        referrer.refuse(Reason::LimitReached);
    }
    if used.is_full(scene, terms, CapPer::Everybody, referrer.points + friend.points) {
        referrer.refuse(Reason::BudgetUsed);
        friend.refuse(Reason::BudgetUsed);
    }
    let revision = row.revision + 1;
    let keys = wallets::numbers(tx, workspace).await?;
    let mut lists = Vec::new();
    for (side, word) in [(&referrer, "referrer"), (&friend, "friend")] {
        let (Some(member), Some(plan)) = (side.member(), program.wallet(&side.wallet)) else { continue };
        let Some(wallet) = keys.get(&side.wallet).copied() else { continue };
        // The return window is over: they can be spent at once.
        let expires_at = plan.expiry.end(scene.now, &scene.calendar.zone);
        let act = Act::Earn { amount: side.points, earned_at: None, active_from: None, expires_at };
        lists.push(vec![Command { id: command(row, revision, word), member, wallet, act, source: source(row) }]);
    }
    let mut answers = if lists.is_empty() {
        Vec::new()
    } else {
        post(tx, &mut Memory::default(), workspace, &lists, scene.now).await?
    }
    .into_iter();
    for side in [&mut referrer, &mut friend] {
        if side.member().is_none() {
            continue;
        }
        match answers.next().and_then(|it| it.first().and_then(|answer| answer.refused)) {
            None => side.outcome = GIVEN.to_owned(),
            Some(refusal) => side.fail(refusal.code()),
        }
    }
    let is_given = referrer.is_given() || friend.is_given();
    row.revision = revision;
    (row.referrer_wallet, row.referrer_points, row.referrer_outcome) =
        (referrer.wallet.clone(), referrer.paid(), referrer.outcome.clone());
    (row.friend_wallet, row.friend_points, row.friend_outcome) =
        (friend.wallet.clone(), friend.paid(), friend.outcome.clone());
    row.friend_member = both.friend.map_or(0, |member| member.0);
    if is_given {
        row.place = if referrer.is_given() { nth } else { 0 };
        (row.given_at, row.taken_back_at) = (Some(scene.now), None);
        count(tx, scene, row, both.referrer, 1).await?;
    } else {
        let first = [&referrer, &friend].into_iter().find(|side| !side.outcome.is_empty());
        let reason = first.map_or(Reason::NotPosted, |side| Reason::read(&side.outcome).unwrap_or(Reason::NotPosted));
        row.closed = reason.code().to_owned();
    }
    Ok(())
}

/// Takes back what was given.
///
/// # Errors
/// As [`give`].
pub async fn take_back(tx: &mut Tx, scene: Scene<'_>, row: &mut Row) -> Result<(), Error> {
    let Scene { workspace, program, .. } = scene;
    let keys = wallets::numbers(tx, workspace).await?;
    let sides = [
        ("referrer", row.member, &row.referrer_wallet, &row.referrer_outcome),
        ("friend", row.friend_member, &row.friend_wallet, &row.friend_outcome),
    ];
    let mut lists = Vec::new();
    for (word, number, wallet, outcome) in sides {
        let (Some(plan), Some(id)) = (program.wallet(wallet), keys.get(wallet).copied()) else { continue };
        if outcome != GIVEN {
            continue;
        }
        let member = members::now(tx, workspace, MemberId(number)).await?;
        let of = command(row, row.revision, word);
        let act = Act::Reverse { of: of.clone(), portion: Portion::Rest, shortage: plan.clawback, grace_until: None };
        lists.push(vec![Command { id: format!("{of}:back"), member, wallet: id, act, source: source(row) }]);
    }
    if !lists.is_empty() {
        for answer in post(tx, &mut Memory::default(), workspace, &lists, scene.now).await?.iter().flatten() {
            if let Some(refusal) = answer.refused {
                tracing::info!(code = refusal.code(), "what a referral gave could not be taken back");
            }
        }
    }
    let referrer = members::now(tx, workspace, MemberId(row.member)).await?;
    count(tx, scene, row, Some(referrer), -1).await?;
    row.taken_back_at = Some(scene.now);
    Ok(())
}

/// What one of the two gets.
struct Side {
    wallet: String,
    points: i64,
    member: Option<MemberId>,
    outcome: String,
}

impl Side {
    fn of(gets: Option<(&str, i64)>, member: Option<MemberId>, without: Reason) -> Self {
        let (wallet, points) = gets.unwrap_or(("", 0));
        let outcome = if gets.is_some() && member.is_none() { without.code() } else { "" };
        let points = if member.is_some() { points } else { 0 };
        Self { wallet: wallet.to_owned(), points, member, outcome: outcome.to_owned() }
    }

    /// Who is to get something.
    fn member(&self) -> Option<MemberId> {
        self.member.filter(|_| self.points > 0)
    }

    fn refuse(&mut self, reason: Reason) {
        if self.points > 0 {
            self.fail(reason.code());
        }
    }

    fn fail(&mut self, code: &str) {
        self.points = 0;
        self.outcome = code.to_owned();
    }

    fn is_given(&self) -> bool {
        self.outcome == GIVEN
    }

    fn paid(&self) -> i64 {
        if self.is_given() { self.points } else { 0 }
    }
}

fn command(row: &Row, revision: i64, word: &str) -> String {
    format!("{OWN_IDS}{}:{revision}:{word}", row.referral_id)
}

fn source(row: &Row) -> Source {
    let reason = format!("referral programme {}", row.referral);
    Source { kind: "referral".to_owned(), reference: row.referral_id.clone(), reason, ..Source::default() }
}

fn times(referral: &str) -> String {
    format!("referral:{referral}")
}

fn points(referral: &str) -> String {
    format!("referral:{referral}:points")
}

/// What was given before, by a member's caps and by those of all.
struct Used {
    times: Counted,
    points: Counted,
}

impl Used {
    async fn read(tx: &mut Tx, scene: Scene<'_>, referral: &str, member: Option<MemberId>) -> Result<Self, Error> {
        let Scene { workspace, calendar, now, .. } = scene;
        let (times, points) = (times(referral), points(referral));
        let tally = |what| Tally { what, member, at: now, calendar };
        let times = tallies::read(tx, workspace, tally(&times)).await?;
        Ok(Self { times, points: tallies::read(tx, workspace, tally(&points)).await? })
    }

    /// Whether a cap leaves no room for so many points: a reward is given whole or not at all.
    fn is_full(&self, scene: Scene<'_>, terms: &Referral, per: CapPer, more: i64) -> bool {
        let is_past = |cap: &&Cap| {
            let (counted, more) = match cap.of {
                CapOf::Times => (&self.times, 1),
                CapOf::Points => (&self.points, more),
            };
            let used = counted.given(per == CapPer::Member, cap.every, scene.now, scene.calendar);
            used.saturating_add(more) > cap.most
        };
        more > 0 && terms.caps.iter().filter(|cap| cap.per == per).any(|cap| is_past(&cap))
    }
}

/// Counts what was given, or what was taken back, at the instant at which it was given.
async fn count(tx: &mut Tx, scene: Scene<'_>, row: &Row, member: Option<MemberId>, sign: i64) -> Result<(), Error> {
    let Scene { workspace, calendar, .. } = scene;
    let at = row.given_at.unwrap_or(scene.now);
    // A friend who got something although the member did not counts for the budget, not for the member.
    let member = member.filter(|_| row.referrer_outcome == GIVEN);
    let (times, points) = (times(&row.referral), points(&row.referral));
    tallies::add(tx, workspace, Tally { what: &times, member, at, calendar }, sign);
    let all = Tally { what: &points, member: None, at, calendar };
    tallies::add(tx, workspace, all, sign * (row.referrer_points + row.friend_points));
    if member.is_some() {
        let own = Tally { what: &points, member, at, calendar };
        tallies::add_for_member(tx, workspace, own, sign * row.referrer_points);
    }
    Ok(())
}
