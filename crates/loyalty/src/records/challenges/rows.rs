//! What is kept of challenges: what counted, who joined, how far members are, and what they completed.

use std::collections::BTreeMap;

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use crate::ledger::MemberId;
use crate::records::members;

/// Something that counted for a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct CountRow {
    /// For what: `order:1042`, `event:` and its id.
    pub occasion: String,
    /// For which challenge.
    pub challenge: String,
    /// Which value, where different ones are counted; else empty.
    pub value: String,
    /// Whose.
    pub member: i64,
    /// How much, in millionths.
    pub amount: i64,
    /// How much is left of it after what went back.
    pub remaining: i64,
    /// When.
    pub occurred_at: Timestamp,
    /// By which identifier it is known.
    pub handle: Handle,
}

/// What counted for some occasions.
///
/// # Errors
/// The store's.
pub async fn counted(db: &mut impl Queries, workspace: WorkspaceId, occasions: &[String]) -> Result<Vec<CountRow>> {
    let find = sql!(
        "SELECT occasion, challenge, value, member, amount, remaining, occurred_at, handle FROM loyalty_challenge_counts
         WHERE occasion IN ($2) AND +workspace = $1 ORDER BY occasion, challenge, value"
    );
    db.fetch_all(find, args![workspace, occasions]).await
}

/// What counted for some members.
///
/// # Errors
/// The store's.
pub async fn counts_of(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<CountRow>> {
    let find = sql!(
        "SELECT occasion, challenge, value, member, amount, remaining, occurred_at, handle FROM loyalty_challenge_counts
         WHERE member IN ($2) AND +workspace = $1 ORDER BY member, challenge, occurred_at, occasion, value"
    );
    db.fetch_all(find, args![workspace, &members::as_rows(members)]).await
}

/// Says what counts for some occasions, instead of what was said before.
///
/// # Errors
/// The store's.
pub async fn replace(tx: &mut Tx, workspace: WorkspaceId, occasions: &[String], rows: &[CountRow]) -> Result<()> {
    let forget = sql!("DELETE FROM loyalty_challenge_counts WHERE occasion IN ($2) AND +workspace = $1");
    tx.execute(forget, args![workspace, occasions]).await?;
    let add = sql!(
        "INSERT INTO loyalty_challenge_counts (workspace, occasion, challenge, value, member, amount, remaining, occurred_at, handle)
         VALUES {rows}"
    );
    let row = |it: &CountRow| {
        let CountRow { occasion, challenge, value, member, amount, remaining, occurred_at, handle } = it;
        args![workspace, occasion, challenge, value, *member, *amount, *remaining, *occurred_at, *handle]
    };
    if !rows.is_empty() {
        tx.execute_many(add, rows.iter().map(row)).await?;
    }
    Ok(())
}

/// That somebody joined a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct JoinRow {
    /// Who.
    pub member: i64,
    /// Which.
    pub challenge: String,
    /// When; what they did from then on counts.
    pub joined_at: Timestamp,
    /// When they left, if they did.
    pub left_at: Option<Timestamp>,
}

/// What these members joined.
///
/// # Errors
/// The store's.
pub async fn joins(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<JoinRow>> {
    let find = sql!(
        "SELECT member, challenge, joined_at, left_at FROM loyalty_challenge_joins
         WHERE member IN ($2) AND +workspace = $1 ORDER BY member, challenge"
    );
    db.fetch_all(find, args![workspace, &members::as_rows(members)]).await
}

/// Notes that somebody joined, or left.
pub(super) async fn save_join(tx: &mut Tx, workspace: WorkspaceId, row: &JoinRow) -> Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_challenge_joins (workspace, member, challenge, joined_at, left_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (member, challenge, workspace) DO UPDATE SET joined_at = EXCLUDED.joined_at, left_at = EXCLUDED.left_at"
    );
    let JoinRow { member, challenge, joined_at, left_at } = row;
    tx.execute(save, args![workspace, *member, challenge, *joined_at, *left_at]).await.map(drop)
}

/// How far a member is, as it was last reckoned.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ProgressRow {
    /// Whose.
    pub member: i64,
    /// In which challenge.
    pub challenge: String,
    /// In which period.
    pub period: String,
    /// Rounds that were completed in it.
    pub rounds: i64,
    /// How much there is in this round, in millionths.
    pub have: i64,
    /// How much the next step needs.
    pub target: i64,
    /// How often it was completed since ever.
    pub completed: i64,
    /// How long the streak is.
    pub streak: i64,
    /// How long the longest was.
    pub longest: i64,
    /// When it is lost unless something more is done.
    pub ends_at: Option<Timestamp>,
    /// When something last counted.
    pub last_at: Option<Timestamp>,
    /// When it must be reckoned anew.
    pub due_at: Option<Timestamp>,
}

/// How far these members are, as it was last reckoned.
///
/// # Errors
/// The store's.
pub async fn progress_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> Result<Vec<ProgressRow>> {
    let find = sql!(
        "SELECT member, challenge, period, rounds, have, target, completed, streak, longest, ends_at, last_at, due_at
         FROM loyalty_challenge_progress WHERE member IN ($2) AND +workspace = $1 ORDER BY member, challenge"
    );
    db.fetch_all(find, args![workspace, &members::as_rows(members)]).await
}

/// Members who take part in a challenge, a few at a time from behind one of them on: those who completed it most often first.
///
/// # Errors
/// The store's.
pub async fn taking_part(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    challenge: &str,
    after: Option<(i64, i64)>,
    limit: u32,
) -> Result<Vec<ProgressRow>> {
    let find = sql!(
        "SELECT member, challenge, period, rounds, have, target, completed, streak, longest, ends_at, last_at, due_at
         FROM loyalty_challenge_progress WHERE workspace = $1 AND challenge = $2 AND (completed, member) < ($3, $4)
         ORDER BY completed DESC, member DESC LIMIT $5"
    );
    let (completed, member) = after.unwrap_or((i64::MAX, i64::MAX));
    db.fetch_all(find, args![workspace, challenge, completed, member, limit]).await
}

pub(super) async fn save_progress(tx: &mut Tx, workspace: WorkspaceId, rows: &[ProgressRow]) -> Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_challenge_progress (workspace, member, challenge, period, rounds, have, target, completed, streak, longest,
             ends_at, last_at, due_at) VALUES {rows}
         ON CONFLICT (member, challenge, workspace) DO UPDATE SET period = EXCLUDED.period, rounds = EXCLUDED.rounds,
             have = EXCLUDED.have, target = EXCLUDED.target, completed = EXCLUDED.completed, streak = EXCLUDED.streak,
             longest = EXCLUDED.longest, ends_at = EXCLUDED.ends_at, last_at = EXCLUDED.last_at, due_at = EXCLUDED.due_at"
    );
    let row = |it: &ProgressRow| {
        args![
            workspace,
            it.member,
            &it.challenge,
            &it.period,
            it.rounds,
            it.have,
            it.target,
            it.completed,
            it.streak,
            it.longest,
            it.ends_at,
            it.last_at,
            it.due_at
        ]
    };
    if !rows.is_empty() {
        tx.execute_many(save, rows.iter().map(row)).await?;
    }
    Ok(())
}

/// Whose progress is to be reckoned anew, those that wait longest first.
///
/// # Errors
/// The store's.
pub async fn due(db: &mut impl Queries, workspace: WorkspaceId, now: Timestamp, most: u32) -> Result<Vec<MemberId>> {
    let find = sql!(
        "SELECT member FROM loyalty_challenge_progress WHERE workspace = $1 AND due_at <= $2 AND due_at IS NOT NULL
         ORDER BY due_at, member LIMIT $3"
    );
    let rows: Vec<(i64,)> = db.fetch_all(find, args![workspace, now, most]).await?;
    let mut members: Vec<MemberId> = rows.into_iter().map(|(member,)| MemberId(member)).collect();
    members.sort_unstable();
    members.dedup();
    Ok(members)
}

/// A step that was completed, and what was given for it.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct CompletionRow {
    /// By whom.
    pub member: i64,
    /// Of which challenge.
    pub challenge: String,
    /// In which period.
    pub period: String,
    /// In which round of it, from 0.
    pub round: i64,
    /// Which step, from 0.
    pub step: i64,
    /// How often it was given anew: from 1.
    pub revision: i64,
    /// By which version.
    pub version: i64,
    /// Into which wallet it gave.
    pub wallet: String,
    /// How many points.
    pub points: i64,
    /// Which badge.
    pub badge: Option<String>,
    /// What it is known by on the ledger and among the causes of badges.
    pub command: String,
    /// `given`, or the code of the ledger's refusal.
    pub outcome: String,
    /// When it was completed.
    pub completed_at: Timestamp,
    /// When it was written down.
    pub recorded_at: Timestamp,
    /// When it was taken back.
    pub taken_back_at: Option<Timestamp>,
}

/// Where a completion is among those of a member and a challenge.
pub(super) type Place = (String, i64, i64);

impl CompletionRow {
    pub(super) fn place(&self) -> Place {
        (self.period.clone(), self.round, self.step)
    }
}

/// What these members completed, the oldest first.
///
/// # Errors
/// The store's.
pub async fn completions_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> Result<Vec<CompletionRow>> {
    let find = sql!(
        "SELECT member, challenge, period, round, step, revision, version, wallet, points, badge, command, outcome, completed_at,
             recorded_at, taken_back_at
         FROM loyalty_challenge_completions WHERE member IN ($2) AND +workspace = $1
         ORDER BY completed_at, challenge, period, round, step"
    );
    db.fetch_all(find, args![workspace, &members::as_rows(members)]).await
}

pub(super) async fn save_completions(tx: &mut Tx, workspace: WorkspaceId, rows: &[CompletionRow]) -> Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_challenge_completions (workspace, member, challenge, period, round, step, revision, version, wallet, points,
             badge, command, outcome, completed_at, recorded_at, taken_back_at) VALUES {rows}
         ON CONFLICT (member, challenge, period, round, step, workspace) DO UPDATE SET revision = EXCLUDED.revision,
             version = EXCLUDED.version, wallet = EXCLUDED.wallet, points = EXCLUDED.points, badge = EXCLUDED.badge,
             command = EXCLUDED.command, outcome = EXCLUDED.outcome, completed_at = EXCLUDED.completed_at,
             recorded_at = EXCLUDED.recorded_at, taken_back_at = EXCLUDED.taken_back_at"
    );
    let row = |it: &CompletionRow| {
        args![
            workspace,
            it.member,
            &it.challenge,
            &it.period,
            it.round,
            it.step,
            it.revision,
            it.version,
            &it.wallet,
            it.points,
            it.badge.clone(),
            &it.command,
            &it.outcome,
            it.completed_at,
            it.recorded_at,
            it.taken_back_at
        ]
    };
    if !rows.is_empty() {
        tx.execute_many(save, rows.iter().map(row)).await?;
    }
    Ok(())
}

/// Figures of a challenge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Members who take part.
    pub members: i64,
    /// Members who completed it once or more.
    pub completed: i64,
    /// Of each step, from 0: how often it was completed, and the points that were given for it and not taken back, by wallet.
    pub steps: BTreeMap<i64, Vec<(String, i64, i64)>>,
}

/// How a challenge goes.
///
/// # Errors
/// The store's.
pub async fn figures(db: &mut impl Queries, workspace: WorkspaceId, challenge: &str) -> Result<Figures> {
    let members = sql!("SELECT COUNT(*) FROM loyalty_challenge_progress WHERE workspace = $1 AND challenge = $2");
    let completed = sql!(
        "SELECT COUNT(*) FROM loyalty_challenge_progress WHERE workspace = $1 AND challenge = $2 AND completed > CAST(0 AS BIGINT)"
    );
    let steps = sql!(
        "SELECT step, wallet, COUNT(*), CAST(SUM(points) AS BIGINT) FROM loyalty_challenge_completions
         WHERE workspace = $1 AND challenge = $2 AND taken_back_at IS NULL GROUP BY step, wallet ORDER BY step, wallet"
    );
    let mut figures = Figures {
        members: db.scalar(members, args![workspace, challenge]).await?,
        completed: db.scalar(completed, args![workspace, challenge]).await?,
        steps: BTreeMap::new(),
    };
    let rows: Vec<(i64, String, i64, i64)> = db.fetch_all(steps, args![workspace, challenge]).await?;
    for (step, wallet, times, points) in rows {
        figures.steps.entry(step).or_default().push((wallet, times, points));
    }
    Ok(figures)
}

/// What one member did and completed the other did, who goes on for both. Where both completed the same, the one's are as many rounds more.
pub(in crate::records) async fn merge(tx: &mut Tx, workspace: WorkspaceId, from: MemberId, to: MemberId) -> Result<()> {
    let counts = sql!("UPDATE loyalty_challenge_counts SET member = $3 WHERE member = $2 AND +workspace = $1");
    tx.execute(counts, args![workspace, from.0, to.0]).await?;
    let mut joined: BTreeMap<String, JoinRow> = BTreeMap::new();
    for row in joins(tx, workspace, &[from, to]).await? {
        let both = match joined.remove(&row.challenge) {
            None => JoinRow { member: to.0, ..row },
            Some(other) => JoinRow {
                joined_at: other.joined_at.min(row.joined_at),
                left_at: other.left_at.zip(row.left_at).map(|(one, other)| one.max(other)),
                ..other
            },
        };
        joined.insert(both.challenge.clone(), both);
    }
    let all = completions_of(tx, workspace, &[from, to]).await?;
    let (mut gone, own): (Vec<_>, Vec<_>) = all.into_iter().partition(|row| row.member == from.0);
    let mut taken: std::collections::BTreeSet<(String, Place)> =
        own.iter().map(|row| (row.challenge.clone(), row.place())).collect();
    gone.sort_by_key(|row| (row.challenge.clone(), row.place()));
    for row in &mut gone {
        row.member = to.0;
        while !taken.insert((row.challenge.clone(), row.place())) {
            row.round += 1;
        }
    }
    forget(tx, workspace, &[from.0]).await?;
    for row in joined.values() {
        save_join(tx, workspace, row).await?;
    }
    save_completions(tx, workspace, &gone).await
}

/// Forgets how far somebody was; what they did is forgotten with their identifiers.
pub(in crate::records) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> Result<u64> {
    let joins = sql!("DELETE FROM loyalty_challenge_joins WHERE member IN ($2) AND +workspace = $1");
    let progress = sql!("DELETE FROM loyalty_challenge_progress WHERE member IN ($2) AND +workspace = $1");
    let completions = sql!("DELETE FROM loyalty_challenge_completions WHERE member IN ($2) AND +workspace = $1");
    let mut gone = 0;
    for text in [joins, progress, completions] {
        gone += tx.execute(text, args![workspace, numbers]).await?;
    }
    Ok(gone)
}
