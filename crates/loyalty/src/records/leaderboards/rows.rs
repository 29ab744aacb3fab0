//! What is kept of leaderboards: who is on them under which name, how much they have in a period, which periods there were, and who won.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use crate::challenges::Span;
use crate::ledger::MemberId;
use crate::records::{members, trail};

/// That somebody is on a leaderboard.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct JoinRow {
    /// Who.
    pub member: i64,
    /// Which.
    pub leaderboard: String,
    /// As what others see them.
    pub alias: String,
    /// Since when.
    pub joined_at: Timestamp,
    /// When they left, if they did.
    pub left_at: Option<Timestamp>,
}

/// Leaderboards that these members joined, also those that they left.
///
/// # Errors
/// The store's.
pub async fn joins(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<JoinRow>> {
    let find = sql!(
        "SELECT member, leaderboard, alias, joined_at, left_at FROM loyalty_leaderboard_joins
         WHERE member IN ($2) AND +workspace = $1 ORDER BY member, leaderboard"
    );
    db.fetch_all(find, args![workspace, &members::as_rows(members)]).await
}

/// How many are on a leaderboard.
///
/// # Errors
/// The store's.
pub async fn joined(db: &mut impl Queries, workspace: WorkspaceId, leaderboard: &str) -> Result<i64> {
    let count = sql!(
        "SELECT COUNT(*) FROM loyalty_leaderboard_joins WHERE workspace = $1 AND leaderboard = $2 AND left_at IS NULL"
    );
    db.scalar(count, args![workspace, leaderboard]).await
}

/// Whether somebody else is on it under that name.
pub(super) async fn is_taken(tx: &mut Tx, workspace: WorkspaceId, row: &JoinRow) -> Result<bool> {
    let find = sql!(
        "SELECT COUNT(*) FROM loyalty_leaderboard_joins
         WHERE workspace = $1 AND leaderboard = $2 AND folded = $3 AND left_at IS NULL AND member <> $4"
    );
    let count: i64 = tx.scalar(find, args![workspace, &row.leaderboard, row.alias.to_lowercase(), row.member]).await?;
    Ok(count > 0)
}

pub(super) async fn save_join(tx: &mut Tx, workspace: WorkspaceId, row: &JoinRow) -> Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_leaderboard_joins (workspace, member, leaderboard, alias, folded, joined_at, left_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (member, leaderboard, workspace) DO UPDATE SET alias = EXCLUDED.alias, folded = EXCLUDED.folded,
             joined_at = EXCLUDED.joined_at, left_at = EXCLUDED.left_at"
    );
    let JoinRow { member, leaderboard, alias, joined_at, left_at } = row;
    let row = args![workspace, *member, leaderboard, alias, alias.to_lowercase(), *joined_at, *left_at];
    tx.execute(save, row).await.map(drop)
}

/// How much a member has.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ScoreRow {
    /// Who.
    pub member: i64,
    /// As what others see them.
    pub alias: String,
    /// How much, in millionths.
    pub score: i64,
}

/// The first of a period: those who have most, by their number where they have the same.
///
/// # Errors
/// The store's.
pub async fn first(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (leaderboard, period): (&str, &str),
    limit: u32,
) -> Result<Vec<ScoreRow>> {
    let find = sql!(
        "SELECT s.member, j.alias, s.score FROM loyalty_leaderboard_scores s
         JOIN loyalty_leaderboard_joins j ON j.member = s.member AND j.leaderboard = s.leaderboard AND j.workspace = s.workspace
         WHERE s.workspace = $1 AND s.leaderboard = $2 AND s.period = $3 AND j.left_at IS NULL
         ORDER BY s.score DESC, s.member DESC LIMIT $4"
    );
    db.fetch_all(find, args![workspace, leaderboard, period, limit]).await
}

/// How many have more than that.
///
/// # Errors
/// The store's.
pub async fn above(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (leaderboard, period): (&str, &str),
    score: i64,
) -> Result<i64> {
    let count = sql!(
        "SELECT COUNT(*) FROM loyalty_leaderboard_scores WHERE workspace = $1 AND leaderboard = $2 AND period = $3 AND score > $4"
    );
    db.scalar(count, args![workspace, leaderboard, period, score]).await
}

/// How much a member has in a period.
///
/// # Errors
/// The store's.
pub async fn score(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (leaderboard, period): (&str, &str),
    member: MemberId,
) -> Result<Option<i64>> {
    let find = sql!(
        "SELECT score FROM loyalty_leaderboard_scores WHERE leaderboard = $2 AND period = $3 AND member = $4 AND workspace = $1"
    );
    let row: Option<(i64,)> = db.fetch_optional(find, args![workspace, leaderboard, period, member.0]).await?;
    Ok(row.map(|(score,)| score))
}

/// Notes how much members have in a period: (who, how much, in millionths). Nothing is kept of whoever has nothing.
pub(super) async fn save_scores(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (leaderboard, span): (&str, &Span),
    scores: &[(MemberId, i64)],
) -> Result<()> {
    let forget = sql!(
        "DELETE FROM loyalty_leaderboard_scores WHERE leaderboard = $2 AND period = $3 AND member IN ($4) AND workspace = $1"
    );
    let add =
        sql!("INSERT INTO loyalty_leaderboard_scores (workspace, leaderboard, period, member, score) VALUES {rows}");
    let begin = sql!(
        "INSERT INTO loyalty_leaderboard_periods (workspace, leaderboard, period, begins_at, ends_at, members) VALUES ($1, $2, $3, $4, $5, CAST(0 AS BIGINT))
         ON CONFLICT (leaderboard, period, workspace) DO UPDATE SET ends_at = EXCLUDED.ends_at
             WHERE loyalty_leaderboard_periods.closed_at IS NULL AND loyalty_leaderboard_periods.ends_at <> EXCLUDED.ends_at"
    );
    let all: Vec<i64> = scores.iter().map(|(member, _)| member.0).collect();
    tx.execute(forget, args![workspace, leaderboard, &span.key, &all]).await?;
    let more: Vec<_> = scores.iter().filter(|(_, score)| *score > 0).collect();
    if more.is_empty() {
        return Ok(());
    }
    let rows = more.iter().map(|(member, score)| args![workspace, leaderboard, &span.key, member.0, *score]);
    tx.execute_many(add, rows).await?;
    tx.execute(begin, args![workspace, leaderboard, &span.key, span.from, span.end]).await.map(drop)
}

/// A period of a leaderboard in which somebody had something.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct PeriodRow {
    /// Of which leaderboard.
    pub leaderboard: String,
    /// Its name: `month 2026-05-01`.
    pub period: String,
    /// Its first instant.
    pub begins_at: Timestamp,
    /// The first behind it.
    pub ends_at: Timestamp,
    /// Since when its winners stand.
    pub settled_at: Option<Timestamp>,
    /// How many had something then.
    pub members: i64,
    /// Since when nothing changes any more what members had in it, and its winners are being found.
    pub closed_at: Option<Timestamp>,
}

/// Periods of a leaderboard, the latest first.
///
/// # Errors
/// The store's.
pub async fn periods(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    leaderboard: &str,
    limit: u32,
) -> Result<Vec<PeriodRow>> {
    let find = sql!(
        "SELECT leaderboard, period, begins_at, ends_at, settled_at, members, closed_at FROM loyalty_leaderboard_periods
         WHERE workspace = $1 AND leaderboard = $2 ORDER BY begins_at DESC LIMIT $3"
    );
    db.fetch_all(find, args![workspace, leaderboard, limit]).await
}

/// Periods that ended and whose winners do not stand yet.
///
/// # Errors
/// The store's.
pub async fn ended(db: &mut impl Queries, workspace: WorkspaceId, now: Timestamp) -> Result<Vec<PeriodRow>> {
    let find = sql!(
        "SELECT leaderboard, period, begins_at, ends_at, settled_at, members, closed_at FROM loyalty_leaderboard_periods
         WHERE workspace = $1 AND ends_at <= $2 AND settled_at IS NULL ORDER BY ends_at, leaderboard"
    );
    db.fetch_all(find, args![workspace, now]).await
}

/// Whether nothing changes any more what members had in a period.
pub(super) async fn is_closed(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (leaderboard, period): (&str, &str),
) -> Result<bool> {
    let find = sql!(
        "SELECT closed_at FROM loyalty_leaderboard_periods WHERE leaderboard = $2 AND period = $3 AND workspace = $1"
    );
    let found: Option<(Option<Timestamp>,)> = tx.fetch_optional(find, args![workspace, leaderboard, period]).await?;
    Ok(found.is_some_and(|(closed_at,)| closed_at.is_some()))
}

/// Closes a period: from now on nothing changes what members had in it.
pub(super) async fn close(tx: &mut Tx, workspace: WorkspaceId, row: &PeriodRow, now: Timestamp) -> Result<()> {
    let note = sql!(
        "UPDATE loyalty_leaderboard_periods SET closed_at = $4 WHERE leaderboard = $2 AND period = $3 AND workspace = $1"
    );
    tx.execute(note, args![workspace, &row.leaderboard, &row.period, now]).await.map(drop)
}

/// How far the winners of a period are found: those who have most come first.
#[derive(Clone, Copy, Debug, Record)]
pub(super) struct Reached {
    /// Since when nothing changes in the period.
    pub(super) closed_at: Option<Timestamp>,
    /// How many were ranked.
    pub(super) ranked: i64,
    /// On which place the last of them is.
    last_place: i64,
    /// How much that one has.
    last_score: i64,
    /// Who that is.
    last_member: i64,
}

impl Reached {
    /// The place of whoever comes next and has so much.
    pub(super) const fn place(&self, score: i64) -> i64 {
        if self.ranked > 0 && self.last_score == score { self.last_place } else { self.ranked + 1 }
    }

    /// Whoever comes next is on that place.
    pub(super) const fn goes_on(&mut self, place: i64, next: &ScoreRow) {
        self.ranked += 1;
        (self.last_place, self.last_score, self.last_member) = (place, next.score, next.member);
    }
}

/// How far the winners of a period are found; none once they stand.
pub(super) async fn reached(tx: &mut Tx, workspace: WorkspaceId, row: &PeriodRow) -> Result<Option<Reached>> {
    let find = sql!(
        "SELECT closed_at, ranked, last_place, last_score, last_member FROM loyalty_leaderboard_periods
         WHERE leaderboard = $2 AND period = $3 AND workspace = $1 AND settled_at IS NULL"
    );
    tx.fetch_optional(find, args![workspace, &row.leaderboard, &row.period]).await
}

/// Notes how far the winners of a period are found, and since when they stand. Who came last is forgotten then.
pub(super) async fn reach(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &PeriodRow,
    (reached, members, settled_at): (&Reached, i64, Option<Timestamp>),
) -> Result<()> {
    let note = sql!(
        "UPDATE loyalty_leaderboard_periods
         SET ranked = $4, last_place = $5, last_score = $6, last_member = $7, members = $8, settled_at = $9
         WHERE leaderboard = $2 AND period = $3 AND workspace = $1"
    );
    let last = if settled_at.is_some() { 0 } else { reached.last_member };
    let Reached { ranked, last_place, last_score, .. } = *reached;
    let row =
        args![workspace, &row.leaderboard, &row.period, ranked, last_place, last_score, last, members, settled_at];
    tx.execute(note, row).await.map(drop)
}

/// Those of a closed period who come behind the last that was ranked. Whoever left since is among them: when it was closed they were on the leaderboard.
pub(super) async fn behind(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &PeriodRow,
    (reached, most): (&Reached, u32),
) -> Result<Vec<ScoreRow>> {
    let find = sql!(
        "SELECT s.member, j.alias, s.score FROM loyalty_leaderboard_scores s
         JOIN loyalty_leaderboard_joins j ON j.member = s.member AND j.leaderboard = s.leaderboard AND j.workspace = s.workspace
         WHERE s.workspace = $1 AND s.leaderboard = $2 AND s.period = $3 AND s.score <= $4 AND (s.score < $4 OR s.member < $5)
         ORDER BY s.score DESC, s.member DESC LIMIT $6"
    );
    let is_begun = reached.ranked > 0;
    let (score, member) = if is_begun { (reached.last_score, reached.last_member) } else { (i64::MAX, i64::MAX) };
    tx.fetch_all(find, args![workspace, &row.leaderboard, &row.period, score, member, most]).await
}

/// Which of these members won something in a period already: their own, or what somebody won who became one with them.
pub(super) async fn have_won(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &PeriodRow,
    members: &[MemberId],
) -> Result<Vec<i64>> {
    let find = sql!(
        "SELECT member FROM loyalty_leaderboard_winners
         WHERE leaderboard = $2 AND period = $3 AND member IN ($4) AND workspace = $1"
    );
    let own = members::as_rows(members);
    let rows: Vec<(i64,)> = tx.fetch_all(find, args![workspace, &row.leaderboard, &row.period, &own]).await?;
    Ok(rows.into_iter().map(|(member,)| member).collect())
}

/// Somebody who won.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct WinnerRow {
    /// Of which leaderboard.
    pub leaderboard: String,
    /// In which period.
    pub period: String,
    /// Who.
    pub member: i64,
    /// On which place, from 1.
    pub place: i64,
    /// With how much, in millionths.
    pub score: i64,
    /// As what others see them.
    pub alias: String,
    /// Into which wallet they got points.
    pub wallet: String,
    /// How many.
    pub points: i64,
    /// Which badge.
    pub badge: Option<String>,
    /// `given`, or the code of the ledger's refusal.
    pub outcome: String,
    /// When it stood.
    pub won_at: Timestamp,
}

/// Who won a period, the first first.
///
/// # Errors
/// The store's.
pub async fn winners(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (leaderboard, period): (&str, &str),
) -> Result<Vec<WinnerRow>> {
    let find = sql!(
        "SELECT leaderboard, period, member, place, score, alias, wallet, points, badge, outcome, won_at FROM loyalty_leaderboard_winners
         WHERE leaderboard = $2 AND period = $3 AND workspace = $1 ORDER BY place, member"
    );
    db.fetch_all(find, args![workspace, leaderboard, period]).await
}

/// What these members won, the latest first.
///
/// # Errors
/// The store's.
pub async fn won(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<WinnerRow>> {
    let find = sql!(
        "SELECT leaderboard, period, member, place, score, alias, wallet, points, badge, outcome, won_at FROM loyalty_leaderboard_winners
         WHERE member IN ($2) AND +workspace = $1 ORDER BY won_at DESC, leaderboard, period"
    );
    db.fetch_all(find, args![workspace, &members::as_rows(members)]).await
}

pub(super) async fn save_winners(tx: &mut Tx, workspace: WorkspaceId, rows: &[WinnerRow]) -> Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_leaderboard_winners (workspace, leaderboard, period, member, place, score, alias, wallet, points, badge, outcome, won_at)
         VALUES {rows}"
    );
    let row = |it: &WinnerRow| {
        args![
            workspace,
            &it.leaderboard,
            &it.period,
            it.member,
            it.place,
            it.score,
            &it.alias,
            &it.wallet,
            it.points,
            it.badge.clone(),
            &it.outcome,
            it.won_at
        ]
    };
    if !rows.is_empty() {
        tx.execute_many(add, rows.iter().map(row)).await?;
    }
    Ok(())
}

/// What members earned in a time into a wallet, less what was taken back; without what leaderboards gave: (their number then, points).
pub(super) async fn earned(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (wallet, members): (i64, &[i64]),
    span: &Span,
) -> Result<Vec<(i64, i64)>> {
    let find = sql!(
        "SELECT member, CAST(SUM(amount - reversed) AS BIGINT) FROM loyalty_operations
         WHERE workspace = $1 AND kind = 'earn' AND refused IS NULL AND wallet = $2 AND member IN ($3) AND source_kind <> 'leaderboard'
             AND effective_at >= $4 AND effective_at < $5
             AND operation IN ($6)
         GROUP BY member"
    );
    let own = trail::operations(db, workspace, members).await?;
    db.fetch_all(find, args![workspace, wallet, members, span.from, span.end, &own]).await
}

/// What counted for a challenge in a time: (who, how much is left of it, how many values it was).
pub(super) async fn counted(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (challenge, members): (&str, &[i64]),
    span: &Span,
) -> Result<Vec<(i64, i64, i64)>> {
    let find = sql!(
        "SELECT member, CAST(SUM(remaining) AS BIGINT), COUNT(DISTINCT value) FROM loyalty_challenge_counts
         WHERE member IN ($2) AND challenge = $3 AND +workspace = $1 AND remaining > 0 AND occurred_at >= $4 AND occurred_at < $5
         GROUP BY member"
    );
    db.fetch_all(find, args![workspace, members, challenge, span.from, span.end]).await
}

/// Where one member is the other is, who goes on for both; what they have together is reckoned by whoever hears that they became one.
pub(in crate::records) async fn merge(tx: &mut Tx, workspace: WorkspaceId, from: MemberId, to: MemberId) -> Result<()> {
    let own = joins(tx, workspace, &[to]).await?;
    let gone = joins(tx, workspace, &[from]).await?;
    let won = won(tx, workspace, &[from, to]).await?;
    forget(tx, workspace, &[from.0]).await?;
    for row in gone {
        let there = own.iter().find(|it| it.leaderboard == row.leaderboard);
        // The one who stays keeps their name, if they are on it.
        if there.is_none_or(|it| it.left_at.is_some() && row.left_at.is_none()) {
            save_join(tx, workspace, &JoinRow { member: to.0, ..row }).await?;
        }
    }
    let (theirs, own): (Vec<WinnerRow>, Vec<WinnerRow>) = won.into_iter().partition(|row| row.member == from.0);
    let is_free = |row: &WinnerRow| !own.iter().any(|it| it.leaderboard == row.leaderboard && it.period == row.period);
    let moved: Vec<WinnerRow> =
        theirs.into_iter().filter(is_free).map(|row| WinnerRow { member: to.0, ..row }).collect();
    save_winners(tx, workspace, &moved).await
}

/// Forgets that somebody was on leaderboards, and what they won.
pub(in crate::records) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> Result<u64> {
    let joins = sql!("DELETE FROM loyalty_leaderboard_joins WHERE member IN ($2) AND +workspace = $1");
    let scores = sql!("DELETE FROM loyalty_leaderboard_scores WHERE member IN ($2) AND +workspace = $1");
    let winners = sql!("DELETE FROM loyalty_leaderboard_winners WHERE member IN ($2) AND +workspace = $1");
    let mut gone = 0;
    for text in [joins, scores, winners] {
        gone += tx.execute(text, args![workspace, numbers]).await?;
    }
    Ok(gone)
}

/// Takes somebody's amounts off a leaderboard's periods that are not closed.
pub(super) async fn take_off(tx: &mut Tx, workspace: WorkspaceId, row: &JoinRow) -> Result<()> {
    let forget = sql!(
        "DELETE FROM loyalty_leaderboard_scores WHERE member = $2 AND leaderboard = $3 AND +workspace = $1
             AND period NOT IN (SELECT period FROM loyalty_leaderboard_periods
                 WHERE leaderboard = $3 AND workspace = $1 AND closed_at IS NOT NULL)"
    );
    tx.execute(forget, args![workspace, row.member, &row.leaderboard]).await.map(drop)
}
