//! What rules gave: awards and what counts towards caps, read for a batch and written with the postings.

use std::collections::HashMap;

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Tx, args, sql};

use super::{Memory, members, post};
use crate::Error;
use crate::earning::{Award, Awards, Count, Used};
use crate::ledger::{Command, MemberId};

#[derive(Record)]
struct AwardRow {
    occasion: String,
    rule: String,
    revision: i64,
    version: i64,
    member: i64,
    wallet: String,
    outcome: String,
    wanted: i64,
    points: i64,
    taken_back: i64,
    occurred_at: Timestamp,
}

impl From<AwardRow> for Award {
    fn from(row: AwardRow) -> Self {
        let AwardRow {
            occasion,
            rule,
            revision,
            version,
            member,
            wallet,
            outcome,
            wanted,
            points,
            taken_back,
            occurred_at,
        } = row;
        let member = MemberId(member);
        Self { occasion, rule, revision, version, member, wallet, outcome, wanted, points, taken_back, occurred_at }
    }
}

/// The latest revision of each award of some occasions. An award of a member who was merged into another is the other's.
///
/// # Errors
/// The store's.
pub async fn latest(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    occasions: &[String],
) -> rapport_store::Result<Vec<Award>> {
    let find = sql!(
        "SELECT a.occasion, a.rule, a.revision, a.version, COALESCE(m.merged_into, a.member) AS member, a.wallet, a.outcome, a.wanted, a.points,
             a.taken_back, a.occurred_at
         FROM loyalty_awards a
         LEFT JOIN loyalty_members m ON m.member = a.member AND m.workspace = a.workspace AND m.standing = 'merged'
         WHERE a.occasion IN ($2) AND +a.workspace = $1 ORDER BY a.occasion, a.rule, a.revision"
    );
    let rows: Vec<AwardRow> = db.fetch_all(find, args![workspace, occasions]).await?;
    let mut latest: Vec<Award> = Vec::new();
    for award in rows.into_iter().map(Award::from) {
        match latest.last_mut() {
            Some(last) if last.occasion == award.occasion && last.rule == award.rule => *last = award,
            _ => latest.push(award),
        }
    }
    Ok(latest)
}

/// Where a list of a member's awards goes on: behind what happened then, and behind this occasion, rule and revision of it.
pub type Behind = (Timestamp, String, String, i64);

/// A member's awards, newest first, of one occasion and rule the latest revision first; behind one of them or from the newest on.
///
/// # Errors
/// The store's.
pub async fn of_member(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    member: MemberId,
    behind: Option<Behind>,
    limit: u32,
) -> rapport_store::Result<Vec<Award>> {
    let find = sql!(
        "SELECT occasion, rule, revision, version, member, wallet, outcome, wanted, points, taken_back, occurred_at
         FROM loyalty_awards
         WHERE member IN ($2) AND +workspace = $1 AND occurred_at <= $3 AND (occurred_at < $3 OR (occasion, rule) > ($4, $5)
             OR (occasion = $4 AND rule = $5 AND revision < $6))
         ORDER BY occurred_at DESC, occasion, rule, revision DESC LIMIT $7"
    );
    let (at, occasion, rule, revision) = behind.unwrap_or((Timestamp(i64::MAX), String::new(), String::new(), 0));
    let numbers: Vec<i64> = members::numbers(db, workspace, member).await?.into_iter().map(|it| it.0).collect();
    let args = args![workspace, numbers.as_slice(), at, occasion, rule, revision, limit];
    let rows: Vec<AwardRow> = db.fetch_all(find, args).await?;
    Ok(rows.into_iter().map(Award::from).collect())
}

/// What rules gave in some periods, to some members and to everybody.
///
/// # Errors
/// The store's.
pub async fn used(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    rules: &[String],
    members: &[MemberId],
    periods: &[String],
) -> rapport_store::Result<HashMap<Count, Used>> {
    if rules.is_empty() || periods.is_empty() {
        return Ok(HashMap::new());
    }
    let find = sql!(
        "SELECT rule, member, period, points, times FROM loyalty_usage
         WHERE member IN ($2) AND rule IN ($3) AND period IN ($4) AND workspace = $1"
    );
    let mut whose: Vec<i64> = members.iter().map(|member| member.0).collect();
    whose.push(EVERYBODY);
    let rows: Vec<(String, i64, String, i64, i64)> =
        db.fetch_all(find, args![workspace, whose.as_slice(), rules, periods]).await?;
    let row = |(rule, member, period, points, times): (String, i64, String, i64, i64)| {
        let whose = Some(MemberId(member)).filter(|member| member.0 != EVERYBODY);
        ((rule, whose, period), Used { points, times })
    };
    Ok(rows.into_iter().map(row).collect())
}

/// What rules gave for what happened before an instant and was not taken back: (rule, whose, when, points); to these members, or to everybody.
///
/// # Errors
/// The store's.
pub async fn given_before(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    rules: &[String],
    members: Option<&[MemberId]>,
    before: Timestamp,
) -> rapport_store::Result<Vec<(String, MemberId, Timestamp, i64)>> {
    let own = sql!(
        "SELECT rule, member, occurred_at, points - taken_back FROM loyalty_awards
         WHERE member IN ($2) AND +workspace = $1 AND occurred_at < $4 AND rule IN ($3) AND points > taken_back"
    );
    let all = sql!(
        "SELECT rule, member, occurred_at, points - taken_back FROM loyalty_awards
         WHERE workspace = $1 AND rule IN ($2) AND occurred_at < $3 AND points > taken_back"
    );
    let rows: Vec<(String, i64, Timestamp, i64)> = match members {
        Some(members) => {
            let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
            db.fetch_all(own, args![workspace, numbers.as_slice(), rules, before]).await?
        }
        None => db.fetch_all(all, args![workspace, rules, before]).await?,
    };
    Ok(rows.into_iter().map(|(rule, member, at, left)| (rule, MemberId(member), at, left)).collect())
}

/// How many points a rule gave, and were not taken back, for what happened in a time, to those who were members before it.
///
/// # Errors
/// The store's.
pub async fn given_between(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    rule: &str,
    (from, until): (Timestamp, Timestamp),
) -> rapport_store::Result<i64> {
    let sum = sql!(
        "SELECT CAST(COALESCE(SUM(a.points - a.taken_back), 0) AS BIGINT) FROM loyalty_awards a
         JOIN loyalty_members m ON m.member = a.member AND m.workspace = a.workspace
         WHERE a.workspace = $1 AND a.rule = $2 AND a.occurred_at >= $3 AND a.occurred_at < $4 AND m.enrolled_at < $3"
    );
    db.scalar(sum, args![workspace, rule, from, until]).await
}

/// For what some rules gave a member anything in a time.
///
/// # Errors
/// The store's.
pub async fn occasions_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    rules: &[String],
    member: MemberId,
    (from, until): (Timestamp, Timestamp),
) -> rapport_store::Result<Vec<String>> {
    let find = sql!(
        "SELECT DISTINCT occasion FROM loyalty_awards
         WHERE member = $2 AND +workspace = $1 AND rule IN ($3) AND occurred_at >= $4 AND occurred_at < $5 AND points > taken_back"
    );
    let rows: Vec<(String,)> = db.fetch_all(find, args![workspace, member.0, rules, from, until]).await?;
    Ok(rows.into_iter().map(|(occasion,)| occasion).collect())
}

/// Stands for all members; no member has this number.
const EVERYBODY: i64 = 0;

/// Posts what awards ask for, and writes down what came of it. `handles` says by which identifier of theirs each occasion is known.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    awards: &mut Awards<'_>,
    handles: &HashMap<String, Handle>,
    now: Timestamp,
) -> Result<(), Error> {
    let (steps, mut kept) = awards.take();
    let lists: Vec<Vec<Command>> = steps.iter().map(|step| step.commands.clone()).collect();
    let answers = if lists.is_empty() {
        Vec::new()
    } else {
        // Nothing of it may be remembered before the caller commits.
        post(tx, &mut Memory::default(), workspace, &lists, now).await?
    };
    let mut counts: HashMap<Count, Used> = HashMap::new();
    for (step, answers) in steps.into_iter().zip(answers) {
        match answers.iter().find_map(|answer| answer.refused) {
            None => {
                for (count, change) in step.counts() {
                    let used = counts.entry(count.clone()).or_default();
                    (used.points, used.times) = (used.points + change.points, used.times + change.times);
                }
                kept.extend(step.replaced);
                kept.push(step.award);
            }
            // A new award that was refused is kept with the reason; one that could not be taken back stays as it was.
            Some(refusal) if step.commands.len() == 1 && step.award.taken_back == 0 => {
                kept.push(Award { outcome: refusal.code().to_owned(), points: 0, ..step.award });
            }
            Some(refusal) => tracing::info!(code = refusal.code(), "points could not follow what happened"),
        }
    }
    write(tx, workspace, kept, handles).await?;
    count(tx, workspace, counts).await
}

async fn write(
    tx: &mut Tx,
    workspace: WorkspaceId,
    kept: Vec<Award>,
    handles: &HashMap<String, Handle>,
) -> Result<(), Error> {
    // Of an award that was changed twice in a batch the last state is written: one statement writes each row once.
    let mut rows: HashMap<(String, String, i64), Award> = HashMap::new();
    for award in kept {
        rows.insert((award.occasion.clone(), award.rule.clone(), award.revision), award);
    }
    let save = sql!(
        "INSERT INTO loyalty_awards (workspace, occasion, rule, revision, version, member, handle, wallet, outcome, wanted, points, taken_back, occurred_at)
         VALUES {rows}
         ON CONFLICT (occasion, rule, revision, workspace) DO UPDATE SET outcome = EXCLUDED.outcome, wanted = EXCLUDED.wanted,
             taken_back = EXCLUDED.taken_back"
    );
    let row = |award: Award| {
        let handle = handles.get(&award.occasion).copied().unwrap_or(Handle(0));
        args![
            workspace,
            award.occasion,
            award.rule,
            award.revision,
            award.version,
            award.member.0,
            handle,
            award.wallet,
            award.outcome,
            award.wanted,
            award.points,
            award.taken_back,
            award.occurred_at
        ]
    };
    tx.execute_many(save, rows.into_values().map(row)).await?;
    Ok(())
}

async fn count(tx: &mut Tx, workspace: WorkspaceId, counts: HashMap<Count, Used>) -> Result<(), Error> {
    let add = sql!(
        "INSERT INTO loyalty_usage (workspace, rule, member, period, points, times) VALUES {rows}
         ON CONFLICT (member, rule, period, workspace) DO UPDATE SET points = loyalty_usage.points + EXCLUDED.points,
             times = loyalty_usage.times + EXCLUDED.times"
    );
    let row = |((rule, whose, period), used): (Count, Used)| {
        args![workspace, rule, whose.map_or(EVERYBODY, |member| member.0), period, used.points, used.times]
    };
    tx.execute_many(add, counts.into_iter().map(row)).await?;
    Ok(())
}

/// What counted for one member counts for the other, who goes on for both.
///
/// # Errors
/// The store's.
pub(super) async fn merge_counts(
    tx: &mut Tx,
    workspace: WorkspaceId,
    from: MemberId,
    to: MemberId,
) -> rapport_store::Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_usage (workspace, rule, member, period, points, times)
         SELECT workspace, rule, $3, period, points, times FROM loyalty_usage WHERE member = $2 AND workspace = $1
         ON CONFLICT (member, rule, period, workspace) DO UPDATE SET points = loyalty_usage.points + EXCLUDED.points,
             times = loyalty_usage.times + EXCLUDED.times"
    );
    tx.execute(add, args![workspace, from.0, to.0]).await?;
    let forget = sql!("DELETE FROM loyalty_usage WHERE member = $2 AND workspace = $1");
    tx.execute(forget, args![workspace, from.0]).await?;
    Ok(())
}
