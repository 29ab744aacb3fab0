//! Learning what decisions brought.
//!
//! A decision's time must be over before it teaches anything: those that brought something would be known early, those that did not late, and what is learnt
//! in between would be too good.
//!
//! Always holds: a decision is marked in the transaction in which the policy knows it, so that whatever is cut off, none is learnt twice and none is lost; of a
//! policy only one learns at a time; what was decided before the policy began anew teaches nothing.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx};

use super::decisions::{self, DecisionRow};
use super::design::{Kind, Policy};
use super::learner::{Learner, Learnt};
use super::records;

/// So many of the latest rewards the first learner is made of, and other policies are judged by.
pub const LATEST: i64 = 20_000;

/// Learns what decisions of one policy brought; none where it teaches nothing. How many were learnt now.
///
/// # Errors
/// The store's: nothing was learnt then.
pub async fn settle(
    tx: &mut Tx,
    workspace: WorkspaceId,
    policy: i64,
    came: &[(DecisionRow, Option<f64>)],
    now: Timestamp,
) -> Result<usize> {
    let Some(row) = records::hold(tx, workspace, policy).await? else { return Ok(0) };
    let held = row.policy();
    let mut learner = held.learner.clone();
    let (mut count, mut is_new) = (0, false);
    for (decision, reward) in came {
        let learnt = learnt_of(&held, decision, *reward).filter(|_| decision.epoch == held.epoch);
        if decision.closes_at > now
            || !decisions::close(tx, workspace, decision, learnt.as_ref().map(|it| it.reward)).await?
        {
            continue;
        }
        let Some(learnt) = learnt else { continue };
        count += 1;
        if let Some(learner) = &mut learner {
            learner.learn(&learnt);
            is_new = held.design.kind != Kind::Uplift;
        }
    }
    if count > 0 && learner.is_none() && held.design.kind != Kind::Uplift {
        let rows = past(tx, workspace, &held).await?;
        let seed = u64::try_from(held.number.wrapping_mul(1_000_003).wrapping_add(held.epoch)).unwrap_or(0);
        learner = Learner::first(&held.design, seed, &rows);
        is_new = learner.is_some();
    }
    if let Some(mut learner) = learner.filter(|_| is_new) {
        learner.settle();
        records::know(tx, workspace, policy, &learner).await?;
    }
    Ok(count)
}

/// What the policy learnt since it began anew, the latest.
///
/// # Errors
/// The store's.
pub async fn past(db: &mut impl Queries, workspace: WorkspaceId, policy: &Policy) -> Result<Vec<Learnt>> {
    let rows = decisions::learnt(db, workspace, (policy.number, policy.epoch), LATEST).await?;
    Ok(rows.iter().filter_map(|row| learnt_of(policy, row, row.reward)).collect())
}

fn learnt_of(policy: &Policy, row: &DecisionRow, reward: Option<f64>) -> Option<Learnt> {
    let mut chances = vec![0.0; policy.design.arms.len()];
    for (key, chance) in &row.chances.0.arms {
        chances[policy.design.place(key)?] = *chance;
    }
    let reward = reward.filter(|it| it.abs() < 1e15)?;
    let reward = if policy.design.is_share() { reward.clamp(0.0, 1.0) } else { reward };
    Some(Learnt { arm: policy.design.place(&row.arm)?, chances, features: row.chances.0.features.clone(), reward })
}
