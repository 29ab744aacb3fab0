//! Policies as they are kept.
//!
//! Always holds: what a policy knows is in its row, and changes only together with the decisions that it learnt from.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

use super::design::{Design, Policy, State};
use super::learner::Learner;

/// A stored policy.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct PolicyRow {
    /// Its number.
    pub policy: i64,
    /// Its key.
    pub key: String,
    /// Where it stands, as [`State::as_str`].
    pub state: String,
    /// Its version.
    pub version: i64,
    /// The version since which it learns.
    pub epoch: i64,
    /// When that was.
    pub epoch_at: Timestamp,
    /// The arm that everybody gets.
    pub fixed_arm: Option<String>,
    /// What staff wrote.
    pub design: Json<Design>,
    /// What it knows.
    pub learner: Vec<u8>,
    /// What belongs to that.
    pub basis: Value,
    /// Whether it knows something.
    pub knows: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

impl PolicyRow {
    /// As it decides.
    pub fn policy(&self) -> Policy {
        let design = self.design.0.clone();
        Policy {
            number: self.policy,
            key: self.key.clone(),
            // A word of a newer program: it decides nothing that this one does not know.
            state: State::parse(&self.state).unwrap_or(State::Paused),
            version: self.version,
            epoch: self.epoch,
            fixed_arm: self.fixed_arm.clone(),
            learner: self.knows.then(|| Learner::from_kept(&design, &self.learner, &self.basis)).flatten(),
            design,
        }
    }
}

/// All of a workspace, the newest first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<PolicyRow>> {
    let text = sql!(
        "SELECT policy, key, state, version, epoch, epoch_at, fixed_arm, design, learner, basis, knows, created_at, updated_at, updated_by
         FROM policies WHERE workspace = $1 ORDER BY created_at DESC, policy DESC"
    );
    db.fetch_all(text, args![workspace]).await
}

/// The one of a key.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Option<PolicyRow>> {
    let text = sql!(
        "SELECT policy, key, state, version, epoch, epoch_at, fixed_arm, design, learner, basis, knows, created_at, updated_at, updated_by
         FROM policies WHERE workspace = $1 AND key = $2"
    );
    db.fetch_optional(text, args![workspace, key]).await
}

/// Takes one for this transaction, so that what it knows changes by one at a time; it, if it is there.
pub async fn hold(tx: &mut Tx, workspace: WorkspaceId, policy: i64) -> Result<Option<PolicyRow>> {
    let text = sql!(
        "UPDATE policies SET knows = knows WHERE policy = $2 AND workspace = $1
         RETURNING policy, key, state, version, epoch, epoch_at, fixed_arm, design, learner, basis, knows, created_at, updated_at, updated_by"
    );
    tx.fetch_optional(text, args![workspace, policy]).await
}

/// The next free number. Two at a time get the same, and one of them is refused as not unique.
pub async fn next_number(tx: &mut Tx, workspace: WorkspaceId) -> Result<i64> {
    let text = sql!("SELECT COALESCE(MAX(policy), 0) + 1 FROM policies WHERE workspace = $1");
    tx.scalar(text, args![workspace]).await
}

/// Adds one.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &PolicyRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO policies (workspace, policy, key, state, version, epoch, epoch_at, fixed_arm, design, learner, basis, knows, created_at,
           updated_at, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    );
    let args = args![
        workspace,
        row.policy,
        &row.key,
        &row.state,
        row.version,
        row.epoch,
        row.epoch_at,
        row.fixed_arm.as_deref(),
        row.design.clone(),
        row.learner.clone(),
        &row.basis,
        row.knows,
        row.created_at,
        row.updated_at,
        &row.updated_by
    ];
    tx.execute(text, args).await?;
    Ok(())
}

/// Saves the next version; whether the row still was at the version before.
pub async fn update(tx: &mut Tx, workspace: WorkspaceId, row: &PolicyRow) -> Result<bool> {
    let text = sql!(
        "UPDATE policies SET state = $3, version = $4, epoch = $5, epoch_at = $6, fixed_arm = $7, design = $8, learner = $9, basis = $10,
           knows = $11, updated_at = $12, updated_by = $13
         WHERE policy = $2 AND workspace = $1 AND version = $14"
    );
    let args = args![
        workspace,
        row.policy,
        &row.state,
        row.version,
        row.epoch,
        row.epoch_at,
        row.fixed_arm.as_deref(),
        row.design.clone(),
        row.learner.clone(),
        &row.basis,
        row.knows,
        row.updated_at,
        &row.updated_by,
        row.version - 1
    ];
    Ok(tx.execute(text, args).await? > 0)
}

/// Keeps what it knows now.
pub async fn know(tx: &mut Tx, workspace: WorkspaceId, policy: i64, learner: &Learner) -> Result<()> {
    let (bytes, basis) = learner.to_kept();
    let text = sql!("UPDATE policies SET learner = $3, basis = $4, knows = $5 WHERE policy = $2 AND workspace = $1");
    tx.execute(text, args![workspace, policy, bytes, basis, true]).await?;
    Ok(())
}

/// Keeps why nothing could be learnt; what it knew before stays.
pub async fn refused(tx: &mut Tx, workspace: WorkspaceId, policy: i64, why: &str) -> Result<()> {
    let text = sql!("UPDATE policies SET basis = $3 WHERE policy = $2 AND workspace = $1 AND knows = $4");
    tx.execute(text, args![workspace, policy, serde_json::json!({"refused": why}), false]).await?;
    Ok(())
}
