//! What was decided for whom, with the chances of that moment, and what it brought.
//!
//! A row is of one identifier (its handle), with the person it belongs to now, as exposures are. `turn` tells the decisions apart that were made for the same
//! thing: a journey's instance and visit, or the number of a time for which somebody keeps what was chosen.
//!
//! Always holds: a decision is there exactly if what it led to is; its reward is written once.
//!
//! Does not do: read rewards ([`super::settling`] is told them).

use std::collections::BTreeMap;

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Tx, args, sql};

use super::learner::Chances;

/// Its time is not over.
pub const OPEN: &str = "open";
/// Its reward was learnt.
pub const LEARNT: &str = "learnt";
/// It teaches nothing: the person is restricted, or the policy began anew.
pub const VOID: &str = "void";

/// A stored decision.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct DecisionRow {
    /// The policy's number.
    pub policy: i64,
    /// The version since which the policy learned then.
    pub epoch: i64,
    /// What it was for: `journey:<key>/<node>`, `slot:<key>`, `frequency`.
    pub subject: String,
    /// Which of those made for that.
    pub turn: String,
    /// The identifier.
    pub handle: Handle,
    /// Whose that is now.
    pub person: PersonId,
    /// What was chosen.
    pub arm: String,
    /// With which chance.
    pub propensity: f64,
    /// The chances of all arms that could be chosen, and what was known of the person.
    pub chances: Json<Chances>,
    /// When.
    pub decided_at: Timestamp,
    /// The same as a day, in UTC.
    pub day: i64,
    /// Until before when something counts.
    pub closes_at: Timestamp,
    /// [`OPEN`], [`LEARNT`] or [`VOID`].
    pub state: String,
    /// What it brought.
    pub reward: Option<f64>,
}

/// Adds those that are not there; of each whether it is new.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[DecisionRow]) -> Result<Vec<bool>> {
    let mut new = Vec::with_capacity(rows.len());
    for row in rows {
        let text = sql!(
            "INSERT INTO policy_decisions (workspace, policy, epoch, subject, turn, handle, person, arm, propensity, chances, decided_at, day,
               closes_at, state, reward)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
             ON CONFLICT (policy, subject, turn, workspace) DO NOTHING"
        );
        let args = args![
            workspace,
            row.policy,
            row.epoch,
            &row.subject,
            &row.turn,
            row.handle,
            row.person,
            &row.arm,
            row.propensity,
            row.chances.clone(),
            row.decided_at,
            row.day,
            row.closes_at,
            &row.state,
            row.reward
        ];
        new.push(tx.execute(text, args).await? > 0);
    }
    Ok(new)
}

/// The decisions of these people for one thing, the newest first.
pub async fn of_subject(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (policy, subject): (i64, &str),
    persons: &[PersonId],
) -> Result<Vec<DecisionRow>> {
    let text = sql!(
        "SELECT policy, epoch, subject, turn, handle, person, arm, propensity, chances, decided_at, day, closes_at, state, reward
         FROM policy_decisions
         WHERE +workspace = $1 AND policy = $2 AND person IN ($4) AND subject = $3 ORDER BY decided_at DESC, handle, turn"
    );
    db.fetch_all(text, args![workspace, policy, subject, persons]).await
}

/// Those whose time was over by `closed`, the first first.
pub async fn due(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    policy: i64,
    closed: Timestamp,
    limit: i64,
) -> Result<Vec<DecisionRow>> {
    let text = sql!(
        "SELECT policy, epoch, subject, turn, handle, person, arm, propensity, chances, decided_at, day, closes_at, state, reward
         FROM policy_decisions
         WHERE workspace = $1 AND policy = $2 AND state = $3 AND closes_at <= $4 ORDER BY closes_at, subject, turn LIMIT $5"
    );
    db.fetch_all(text, args![workspace, policy, OPEN, closed, limit]).await
}

/// Writes what came of one that was open; whether it was.
pub async fn close(tx: &mut Tx, workspace: WorkspaceId, row: &DecisionRow, reward: Option<f64>) -> Result<bool> {
    let text = sql!(
        "UPDATE policy_decisions SET state = $5, reward = $6
         WHERE policy = $2 AND subject = $3 AND turn = $4 AND workspace = $1 AND state = $7"
    );
    let state = if reward.is_some() { LEARNT } else { VOID };
    let args = args![workspace, row.policy, &row.subject, &row.turn, state, reward, OPEN];
    Ok(tx.execute(text, args).await? > 0)
}

/// What was learnt since the policy began anew, at most `limit` of the latest, the earliest of those first.
pub async fn learnt(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (policy, epoch): (i64, i64),
    limit: i64,
) -> Result<Vec<DecisionRow>> {
    let text = sql!(
        "SELECT policy, epoch, subject, turn, handle, person, arm, propensity, chances, decided_at, day, closes_at, state, reward
         FROM policy_decisions
         WHERE workspace = $1 AND policy = $2 AND state = $3 AND epoch = $4 ORDER BY closes_at DESC, subject DESC, turn DESC LIMIT $5"
    );
    let mut rows: Vec<DecisionRow> = db.fetch_all(text, args![workspace, policy, LEARNT, epoch, limit]).await?;
    rows.reverse();
    Ok(rows)
}

/// How many decisions took an arm on a day.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct DayRow {
    /// The day, in UTC.
    pub day: i64,
    /// The arm.
    pub arm: String,
    /// How many.
    pub decisions: i64,
    /// Of them, those whose reward was learnt.
    pub learnt: i64,
}

/// How many took which arm on each day since the policy began anew.
pub async fn days(db: &mut impl Queries, workspace: WorkspaceId, (policy, epoch): (i64, i64)) -> Result<Vec<DayRow>> {
    let text = sql!(
        "SELECT day, arm, COUNT(*) AS decisions, CAST(SUM(CASE WHEN state = $4 THEN 1 ELSE 0 END) AS BIGINT) AS learnt
         FROM policy_decisions WHERE policy = $2 AND workspace = $1 AND epoch = $3 GROUP BY day, arm ORDER BY day, arm"
    );
    db.fetch_all(text, args![workspace, policy, epoch, LEARNT]).await
}

/// How many were made for what, since the policy began anew.
pub async fn subjects(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (policy, epoch): (i64, i64),
) -> Result<Vec<(String, i64)>> {
    let text = sql!(
        "SELECT subject, COUNT(*) AS decisions FROM policy_decisions
         WHERE policy = $2 AND workspace = $1 AND epoch = $3 GROUP BY subject ORDER BY subject"
    );
    db.fetch_all(text, args![workspace, policy, epoch]).await
}

/// All decisions of a person, the newest first.
pub async fn of_person(db: &mut impl Queries, workspace: WorkspaceId, person: PersonId) -> Result<Vec<DecisionRow>> {
    let text = sql!(
        "SELECT policy, epoch, subject, turn, handle, person, arm, propensity, chances, decided_at, day, closes_at, state, reward
         FROM policy_decisions WHERE workspace = $1 AND person = $2 ORDER BY decided_at DESC, policy, subject, turn"
    );
    db.fetch_all(text, args![workspace, person]).await
}

/// Follows identifiers that belong to another person now, each with whose it was and whose it is, in the transaction that moves them.
pub async fn follow(tx: &mut Tx, workspace: WorkspaceId, moved: &[(Handle, PersonId, PersonId)]) -> Result<()> {
    let to: BTreeMap<(PersonId, Handle), PersonId> =
        moved.iter().map(|(handle, from, to)| ((*from, *handle), *to)).collect();
    let from: Vec<PersonId> =
        to.keys().map(|(from, _)| *from).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    for person in from {
        for row in of_person(tx, workspace, person).await? {
            let Some(to) = to.get(&(person, row.handle)).filter(|to| **to != person) else { continue };
            let text = sql!(
                "UPDATE policy_decisions SET person = $5 WHERE policy = $2 AND subject = $3 AND turn = $4 AND workspace = $1"
            );
            tx.execute(text, args![workspace, row.policy, &row.subject, &row.turn, *to]).await?;
        }
    }
    Ok(())
}

/// How many teach nothing, since the policy began anew.
pub async fn void(db: &mut impl Queries, workspace: WorkspaceId, (policy, epoch): (i64, i64)) -> Result<i64> {
    let text = sql!(
        "SELECT COUNT(*) FROM policy_decisions WHERE workspace = $1 AND policy = $2 AND state = $3 AND epoch = $4"
    );
    db.scalar(text, args![workspace, policy, VOID, epoch]).await
}
