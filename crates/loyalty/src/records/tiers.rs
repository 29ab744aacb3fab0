//! Where members stand on ladders: what is counted for it, the standing as it was last reckoned, and the moves that led to it.
//!
//! Always holds: a move is told once. When what was known turns out otherwise (something went back, or was heard of late), moves that did not happen are marked and stay; only the change of the present tier
//! is told, not the past again.

use std::collections::{BTreeMap, HashMap};

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Record, Result, Row, Tx, args, sql};
use serde_json::json;

use super::trail;
use crate::ledger::{MemberId, WalletId};
use crate::tiers::{Counted, Kind, Ladder, Match, Move, Next, Standing, Why};

/// The domain event of somebody who reached a higher tier.
pub const REACHED: &str = "tier.reached";
/// Of one who lost theirs.
pub const LOST: &str = "tier.lost";
/// Of one who may keep theirs.
pub const KEPT: &str = "tier.kept";
/// Of one to whom nothing of that happened, but for whom something else is missing to the next tier, because time passed.
pub const PROGRESSED: &str = "tier.progressed";

/// Where a member stands, as it was last reckoned.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct StandingRow {
    /// Whose.
    pub member: i64,
    /// On which ladder.
    pub ladder: String,
    /// On which tier.
    pub tier: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Until when, if nothing more happens.
    pub until: Option<Timestamp>,
    /// Which tier is next.
    pub next_tier: Option<String>,
    /// How much is missing to it on the shortest way, in millionths.
    pub missing: Option<i64>,
    /// Of which measure.
    pub missing_of: Option<String>,
    /// When it must be reckoned anew.
    pub due_at: Option<Timestamp>,
}

/// A move, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct MoveRow {
    /// Its number among the member's on this ladder.
    pub number: i64,
    /// `reached`, `lost` or `kept`.
    pub kind: String,
    /// Why.
    pub why: String,
    /// From which tier.
    pub from_tier: Option<String>,
    /// To which.
    pub to_tier: Option<String>,
    /// When.
    pub moved_at: Timestamp,
    /// When it was written down.
    pub recorded_at: Timestamp,
    /// When it turned out not to be so.
    pub restated_at: Option<Timestamp>,
}

/// Something that is counted because a ladder asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Whose.
    pub member: MemberId,
    /// By which measure: [`counted_key`].
    pub counted: String,
    /// The event, or the instant of a condition's change.
    pub occasion: String,
    /// How much, in millionths; of a condition 1 or 0.
    pub amount: i64,
    /// When.
    pub occurred_at: Timestamp,
    /// By which identifier it is known.
    pub handle: Handle,
}

/// What counts of a measure are filed under: another definition counts anew.
pub fn counted_key(counted: &Counted) -> String {
    let words = serde_json::to_vec(counted).unwrap_or_default();
    blake3::hash(&words).to_hex()[..16].to_owned()
}

/// All numbers of these members, and whose each is now.
async fn numbers(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> Result<HashMap<i64, MemberId>> {
    let own: Vec<i64> = members.iter().map(|member| member.0).collect();
    let merged = sql!("SELECT member, merged_into FROM loyalty_members WHERE merged_into IN ($2) AND workspace = $1");
    let merged: Vec<(i64, i64)> = db.fetch_all(merged, args![workspace, &own]).await?;
    let all = own.iter().map(|number| (*number, *number)).chain(merged);
    Ok(all.map(|(number, owner)| (number, MemberId(owner))).collect())
}

/// What these members earned, less what was taken back: (who, wallet, when, points).
///
/// # Errors
/// The store's.
pub async fn earned(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> Result<Vec<(MemberId, WalletId, Timestamp, i64)>> {
    let owners = numbers(db, workspace, members).await?;
    let all: Vec<i64> = owners.keys().copied().collect();
    let moved = trail::operations(db, workspace, &all).await?;
    let find = sql!(
        "SELECT member, wallet, effective_at, amount - reversed FROM loyalty_operations
         WHERE workspace = $1 AND kind = 'earn' AND refused IS NULL AND member IN ($2)
             AND operation IN ($3)"
    );
    let rows: Vec<(i64, i64, Timestamp, i64)> = db.fetch_all(find, args![workspace, &all, &moved]).await?;
    let row = |(member, wallet, at, points)| Some((*owners.get(&member)?, WalletId(wallet), at, points));
    Ok(rows.into_iter().filter_map(row).collect())
}

/// What was counted of these members, under the numbers that they have now.
///
/// # Errors
/// The store's.
pub async fn counts(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<Count>> {
    let owners = numbers(db, workspace, members).await?;
    let all: Vec<i64> = owners.keys().copied().collect();
    let find = sql!(
        "SELECT member, counted, occasion, amount, occurred_at, handle FROM loyalty_tier_counts
         WHERE member IN ($2) AND workspace = $1 ORDER BY occurred_at, occasion"
    );
    let rows: Vec<(i64, String, String, i64, Timestamp, Handle)> = db.fetch_all(find, args![workspace, &all]).await?;
    let row = |(member, counted, occasion, amount, occurred_at, handle)| {
        Some(Count { member: *owners.get(&member)?, counted, occasion, amount, occurred_at, handle })
    };
    Ok(rows.into_iter().filter_map(row).collect())
}

/// Counts something; told again it is counted once, as it was told last.
///
/// # Errors
/// The store's.
pub async fn count(tx: &mut Tx, workspace: WorkspaceId, counts: &[Count]) -> Result<()> {
    let mut rows: BTreeMap<(i64, &str, &str), &Count> = BTreeMap::new();
    for count in counts {
        rows.insert((count.member.0, &count.counted, &count.occasion), count);
    }
    let add = sql!(
        "INSERT INTO loyalty_tier_counts (workspace, member, counted, occasion, amount, occurred_at, handle) VALUES {rows}
         ON CONFLICT (member, counted, occasion, workspace) DO UPDATE SET amount = EXCLUDED.amount, occurred_at = EXCLUDED.occurred_at"
    );
    let row =
        |it: &Count| args![workspace, it.member.0, &it.counted, &it.occasion, it.amount, it.occurred_at, it.handle];
    tx.execute_many(add, rows.into_values().map(row)).await?;
    Ok(())
}

/// Counts no more what was replaced.
///
/// # Errors
/// The store's.
pub async fn forget_counts(
    tx: &mut Tx,
    workspace: WorkspaceId,
    members: &[MemberId],
    occasions: &[String],
) -> Result<()> {
    let owners = numbers(tx, workspace, members).await?;
    let all: Vec<i64> = owners.keys().copied().collect();
    let forget = sql!("DELETE FROM loyalty_tier_counts WHERE member IN ($2) AND occasion IN ($3) AND workspace = $1");
    tx.execute(forget, args![workspace, &all, occasions]).await?;
    Ok(())
}

/// A tier that staff gave.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct MatchRow {
    /// Whose.
    pub member: i64,
    /// Its number among theirs.
    pub number: i64,
    /// On which ladder.
    pub ladder: String,
    /// Which.
    pub tier: String,
    /// Since when.
    pub given_at: Timestamp,
    /// Until before when.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// By whom.
    pub given_by: String,
    /// Who ended it early.
    pub ended_by: Option<String>,
}

impl MatchRow {
    /// What the course asks of it.
    pub fn given(&self) -> Match {
        Match { tier: self.tier.clone(), from: self.given_at, until: self.until }
    }
}

/// What staff gave these members, the oldest first.
///
/// # Errors
/// The store's.
pub async fn matches(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<MatchRow>> {
    let own: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!(
        "SELECT member, number, ladder, tier, given_at, until, reason, given_by, ended_by FROM loyalty_tier_matches
         WHERE member IN ($2) AND workspace = $1 ORDER BY member, number"
    );
    db.fetch_all(find, args![workspace, &own]).await
}

/// Gives a member a tier until a time. What was given before on the same ladder ends with it.
///
/// # Errors
/// The store's.
pub async fn give(tx: &mut Tx, workspace: WorkspaceId, row: &MatchRow) -> Result<()> {
    end(tx, workspace, MemberId(row.member), &row.ladder, row.given_at, &row.given_by).await?;
    let last = sql!("SELECT MAX(number) FROM loyalty_tier_matches WHERE member = $2 AND workspace = $1");
    let last: Option<i64> = tx.scalar(last, args![workspace, row.member]).await?;
    let add = sql!(
        "INSERT INTO loyalty_tier_matches (workspace, member, number, ladder, tier, given_at, until, reason, given_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    let MatchRow { member, ladder, tier, given_at, until, reason, given_by, .. } = row;
    let row = args![workspace, *member, last.unwrap_or(0) + 1, ladder, tier, *given_at, *until, reason, given_by];
    tx.execute(add, row).await?;
    Ok(())
}

/// Ends what staff gave on a ladder, from now on; whether there was anything.
///
/// # Errors
/// The store's.
pub async fn end(
    tx: &mut Tx,
    workspace: WorkspaceId,
    member: MemberId,
    ladder: &str,
    now: Timestamp,
    by: &str,
) -> Result<bool> {
    let end = sql!(
        "UPDATE loyalty_tier_matches SET until = $4, ended_by = $5 WHERE member = $2 AND workspace = $1 AND ladder = $3 AND until > $4"
    );
    Ok(tx.execute(end, args![workspace, member.0, ladder, now, by]).await? > 0)
}

/// Where these members stand, as it was last reckoned.
///
/// # Errors
/// The store's.
pub async fn standings(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> Result<Vec<StandingRow>> {
    let own: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!(
        "SELECT member, ladder, tier, since, until, next_tier, missing, missing_of, due_at FROM loyalty_tiers
         WHERE member IN ($2) AND +workspace = $1 ORDER BY member, ladder"
    );
    db.fetch_all(find, args![workspace, &own]).await
}

/// A member's moves on a ladder, the oldest first, also those that turned out not to be so.
///
/// # Errors
/// The store's.
pub async fn moves(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    member: MemberId,
    ladder: &str,
) -> Result<Vec<MoveRow>> {
    let find = sql!(
        "SELECT number, kind, why, from_tier, to_tier, moved_at, recorded_at, restated_at FROM loyalty_tier_moves
         WHERE member = $2 AND ladder = $3 AND workspace = $1 ORDER BY number"
    );
    db.fetch_all(find, args![workspace, member.0, ladder]).await
}

/// The moves of these members on all ladders, of each the oldest first.
///
/// # Errors
/// The store's.
pub async fn moves_of(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Moves> {
    let own: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!(
        "SELECT member, ladder, number, kind, why, from_tier, to_tier, moved_at, recorded_at, restated_at FROM loyalty_tier_moves
         WHERE member IN ($2) AND +workspace = $1 ORDER BY member, ladder, number"
    );
    let mut all = Moves::new();
    for OwnMove { member, ladder, row } in db.fetch_all(find, args![workspace, &own]).await? {
        all.entry((member, ladder)).or_default().push(row);
    }
    Ok(all)
}

/// Moves by member and ladder.
pub type Moves = BTreeMap<(i64, String), Vec<MoveRow>>;

struct OwnMove {
    member: i64,
    ladder: String,
    row: MoveRow,
}

impl Record for OwnMove {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { member: row.get("member")?, ladder: row.get("ladder")?, row: MoveRow::from_row(row)? })
    }
}

/// Whose standing is to be reckoned anew, those that wait longest first.
///
/// # Errors
/// The store's.
pub async fn due(db: &mut impl Queries, workspace: WorkspaceId, now: Timestamp, most: u32) -> Result<Vec<MemberId>> {
    let find = sql!(
        "SELECT member FROM loyalty_tiers WHERE workspace = $1 AND due_at <= $2 AND due_at IS NOT NULL ORDER BY due_at, member LIMIT $3"
    );
    let rows: Vec<(i64,)> = db.fetch_all(find, args![workspace, now, most]).await?;
    let mut members: Vec<MemberId> = rows.into_iter().map(|(member,)| MemberId(member)).collect();
    members.sort_unstable();
    members.dedup();
    Ok(members)
}

/// Whether everybody was looked at since the programme was changed.
///
/// # Errors
/// The store's.
pub async fn is_swept(db: &mut impl Queries, workspace: WorkspaceId, version: i64) -> Result<bool> {
    let known = sql!("SELECT version, reached FROM loyalty_tier_sweeps WHERE workspace = $1");
    let known: Option<(i64, i64)> = db.fetch_optional(known, args![workspace]).await?;
    Ok(known == Some((version, i64::MAX)))
}

/// Members who have not been looked at since the programme was changed, a few at a time; nobody when all were.
///
/// # Errors
/// The store's.
pub async fn sweep(tx: &mut Tx, workspace: WorkspaceId, version: i64, most: u32) -> Result<Vec<MemberId>> {
    let known = sql!("SELECT version, reached FROM loyalty_tier_sweeps WHERE workspace = $1");
    let known: Option<(i64, i64)> = tx.fetch_optional(known, args![workspace]).await?;
    let from = known.filter(|(of, _)| *of == version).map_or(i64::MIN, |(_, reached)| reached);
    if from == i64::MAX {
        return Ok(Vec::new());
    }
    let next = sql!(
        "SELECT member FROM loyalty_members WHERE member > $2 AND +workspace = $1 AND standing <> 'merged' AND person IS NOT NULL
         ORDER BY member LIMIT $3"
    );
    let rows: Vec<(i64,)> = tx.fetch_all(next, args![workspace, from, most]).await?;
    let reached = rows.last().map_or(i64::MAX, |(member,)| *member);
    let save = sql!(
        "INSERT INTO loyalty_tier_sweeps (workspace, version, reached) VALUES ($1, $2, $3)
         ON CONFLICT (workspace) DO UPDATE SET version = EXCLUDED.version, reached = EXCLUDED.reached"
    );
    tx.execute(save, args![workspace, version, reached]).await?;
    Ok(rows.into_iter().map(|(member,)| MemberId(member)).collect())
}

/// A member's standing to be kept.
#[derive(Debug)]
pub struct Reckoned<'a> {
    /// Whose.
    pub member: MemberId,
    /// Who it is.
    pub person: PersonId,
    /// On which ladder, as it is now.
    pub ladder: &'a Ladder,
    /// How they stand.
    pub standing: &'a Standing,
    /// What is next.
    pub next: Option<&'a Next>,
}

impl Reckoned<'_> {
    /// As it is kept.
    pub fn row(&self) -> StandingRow {
        let missing = self.next.and_then(|next| next.missing.as_ref());
        StandingRow {
            member: self.member.0,
            ladder: self.ladder.key.clone(),
            tier: self.standing.tier.clone(),
            since: self.standing.since,
            until: self.standing.until,
            next_tier: self.next.map(|next| next.tier.clone()),
            missing: missing.map(|it| it.missing.micros()),
            missing_of: missing.map(|it| it.measure.clone()),
            due_at: self.standing.due_at,
        }
    }
}

/// What came of reckoning somebody's standing anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing, or only when it is due again.
    None,
    /// Something else is missing, or the tier lasts until another time.
    Progress,
    /// It was told that a tier was reached, lost or kept.
    Told,
}

/// Keeps how a member stands, and tells what changed; `known` is how they stood, and the moves that led to it.
///
/// # Errors
/// The store's.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    it: &Reckoned<'_>,
    (known, moves): (Option<&StandingRow>, &[MoveRow]),
    now: Timestamp,
) -> Result<Change> {
    let row = it.row();
    let told = save_moves(tx, workspace, it, (known, moves), now).await?;
    if known == Some(&row) {
        return Ok(if told { Change::Told } else { Change::None });
    }
    let save = sql!(
        "INSERT INTO loyalty_tiers (workspace, member, ladder, tier, since, until, next_tier, missing, missing_of, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (member, ladder, workspace) DO UPDATE SET tier = EXCLUDED.tier, since = EXCLUDED.since, until = EXCLUDED.until,
             next_tier = EXCLUDED.next_tier, missing = EXCLUDED.missing, missing_of = EXCLUDED.missing_of, due_at = EXCLUDED.due_at"
    );
    let StandingRow { member, ladder, tier, since, until, next_tier, missing, missing_of, due_at } = &row;
    let values = args![
        workspace,
        *member,
        ladder,
        tier.clone(),
        *since,
        *until,
        next_tier.clone(),
        *missing,
        missing_of.clone(),
        *due_at
    ];
    tx.execute(save, values).await?;
    let is_same = known.is_some_and(|known| StandingRow { due_at: row.due_at, ..known.clone() } == row);
    Ok(match (told, is_same) {
        (true, _) => Change::Told,
        (false, true) => Change::None,
        (false, false) => Change::Progress,
    })
}

/// Adds what is new to the moves; whether anything was told.
async fn save_moves(
    tx: &mut Tx,
    workspace: WorkspaceId,
    it: &Reckoned<'_>,
    (known, rows): (Option<&StandingRow>, &[MoveRow]),
    now: Timestamp,
) -> Result<bool> {
    let next = rows.last().map_or(0, |row| row.number) + 1;
    let held: Vec<&MoveRow> = rows.iter().filter(|row| row.restated_at.is_none()).collect();
    let all = &it.standing.moves;
    let same = held.iter().zip(all).take_while(|(row, now)| row.is(now)).count();
    let gone: Vec<i64> = held[same..].iter().map(|row| row.number).collect();
    let add = sql!(
        "INSERT INTO loyalty_tier_moves (workspace, member, ladder, number, kind, why, from_tier, to_tier, moved_at, recorded_at) VALUES {rows}"
    );
    let new = all[same..].iter().zip(next..).map(|(step, number)| {
        let Move { at, from, to, kind, why } = step;
        args![workspace, it.member.0, &it.ladder.key, number, kind.key(), why.key(), from.clone(), to.clone(), *at, now]
    });
    if all.len() > same {
        tx.execute_many(add, new).await?;
    }
    if gone.is_empty() {
        for step in &all[same..] {
            tell(tx, workspace, it, step);
        }
        return Ok(all.len() > same);
    }
    let restate = sql!(
        "UPDATE loyalty_tier_moves SET restated_at = $5 WHERE member = $2 AND ladder = $3 AND number IN ($4) AND workspace = $1"
    );
    tx.execute(restate, args![workspace, it.member.0, &it.ladder.key, &gone, now]).await?;
    let (from, to) = (known.and_then(|known| known.tier.clone()), it.standing.tier.clone());
    if from == to {
        return Ok(false);
    }
    let place = |tier: &Option<String>| tier.as_deref().and_then(|tier| it.ladder.place(tier));
    let kind = if place(&to) > place(&from) { Kind::Reached } else { Kind::Lost };
    tell(tx, workspace, it, &Move { at: now, from, to, kind, why: Why::Restated });
    Ok(true)
}

impl MoveRow {
    fn is(&self, step: &Move) -> bool {
        (self.moved_at, &self.from_tier, &self.to_tier) == (step.at, &step.from, &step.to)
            && (self.kind.as_str(), self.why.as_str()) == (step.kind.key(), step.why.key())
    }
}

fn tell(tx: &mut Tx, workspace: WorkspaceId, it: &Reckoned<'_>, step: &Move) {
    let name = match step.kind {
        Kind::Reached => REACHED,
        Kind::Lost => LOST,
        Kind::Kept => KEPT,
    };
    let payload = json!({
        "member": it.member.0.to_string(), "ladder": it.ladder.key, "from": step.from, "tier": step.to, "why": step.why.key(),
        "at": step.at.to_rfc3339(), "until": it.standing.until.map(Timestamp::to_rfc3339),
    });
    tx.emit(Event::new(workspace, name, payload).about(it.person));
}

/// Tells that time changed what is missing.
pub fn tell_progress(tx: &mut Tx, workspace: WorkspaceId, it: &Reckoned<'_>) {
    let row = it.row();
    let payload =
        json!({ "member": it.member.0.to_string(), "ladder": it.ladder.key, "tier": row.tier, "next": row.next_tier });
    tx.emit(Event::new(workspace, PROGRESSED, payload).about(it.person));
}

/// What a member had on ladders goes on with another, who is the same person: what staff gave, what was used. Where they stand is reckoned anew from what both did.
///
/// # Errors
/// The store's.
pub(super) async fn merge(tx: &mut Tx, workspace: WorkspaceId, from: MemberId, to: MemberId) -> Result<()> {
    let last = sql!("SELECT MAX(number) FROM loyalty_tier_matches WHERE member = $2 AND workspace = $1");
    let last: Option<i64> = tx.scalar(last, args![workspace, to.0]).await?;
    let matches =
        sql!("UPDATE loyalty_tier_matches SET member = $3, number = number + $4 WHERE member = $2 AND workspace = $1");
    tx.execute(matches, args![workspace, from.0, to.0, last.unwrap_or(0)]).await?;
    let uses = sql!("UPDATE loyalty_benefit_uses SET member = $3 WHERE member = $2 AND +workspace = $1");
    tx.execute(uses, args![workspace, from.0, to.0]).await?;
    let standing = sql!("DELETE FROM loyalty_tiers WHERE member = $2 AND +workspace = $1");
    tx.execute(standing, args![workspace, from.0]).await?;
    Ok(())
}

/// Forgets where somebody stood; what their benefits cost stays, under a number that leads to nobody.
///
/// # Errors
/// The store's.
pub(super) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> Result<u64> {
    let standings = sql!("DELETE FROM loyalty_tiers WHERE member IN ($2) AND +workspace = $1");
    let moves = sql!("DELETE FROM loyalty_tier_moves WHERE member IN ($2) AND +workspace = $1");
    let matches = sql!("DELETE FROM loyalty_tier_matches WHERE member IN ($2) AND workspace = $1");
    let uses = sql!(
        "UPDATE loyalty_benefit_uses SET reference = '' WHERE member IN ($2) AND +workspace = $1 AND reference <> ''"
    );
    let mut gone = 0;
    for text in [standings, moves, matches, uses] {
        gone += tx.execute(text, args![workspace, numbers]).await?;
    }
    Ok(gone)
}

/// How many members stand on each tier of a ladder: (tier, members); of those on none, the tier is none.
///
/// # Errors
/// The store's.
pub async fn members_per_tier(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    ladder: &str,
) -> Result<Vec<(Option<String>, i64)>> {
    let count = sql!("SELECT tier, COUNT(*) FROM loyalty_tiers WHERE workspace = $1 AND ladder = $2 GROUP BY tier");
    db.fetch_all(count, args![workspace, ladder]).await
}

/// Moves on a ladder from one instant to before another: (from, to, kind, how many).
///
/// # Errors
/// The store's.
pub async fn moves_between(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    ladder: &str,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<(Option<String>, Option<String>, String, i64)>> {
    let count = sql!(
        "SELECT from_tier, to_tier, kind, COUNT(*) FROM loyalty_tier_moves
         WHERE workspace = $1 AND ladder = $2 AND moved_at >= $3 AND moved_at < $4 AND restated_at IS NULL
         GROUP BY from_tier, to_tier, kind"
    );
    db.fetch_all(count, args![workspace, ladder, from, to]).await
}

/// Members of a tier, a few at a time from behind one of them on.
///
/// # Errors
/// The store's.
pub async fn on_tier(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (ladder, tier): (&str, &str),
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<StandingRow>> {
    let find = sql!(
        "SELECT member, ladder, tier, since, until, next_tier, missing, missing_of, due_at FROM loyalty_tiers
         WHERE workspace = $1 AND ladder = $2 AND tier = $3 AND member > $4 ORDER BY member LIMIT $5"
    );
    db.fetch_all(find, args![workspace, ladder, tier, after.unwrap_or(i64::MIN), limit]).await
}
