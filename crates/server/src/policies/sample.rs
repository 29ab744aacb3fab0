//! The sample shop's policy, so that a demo has something to read: whether an offer is worth sending, learnt from the groups of its campaign.
//!
//! Always holds: who was offered it was drawn by halves, so that each choice had the chance that is kept with it; what it brought is read from what they did.

use anyhow::Result;
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_experiments::policies::decisions::{self, DecisionRow, OPEN};
use rapport_experiments::policies::records::PolicyRow;
use rapport_experiments::policies::service::{Act, act, create};
use rapport_experiments::policies::{Chances, Design};
use rapport_experiments::service::Author;
use rapport_sample::OFFER;
use rapport_store::{Json, Priority};
use serde_json::{Value, json};

use super::{choosing, rewards, settling};
use crate::engaging::sample::{GROUPS, Offered, whose};
use crate::installation::Installation;

/// Its key.
pub const POLICY: &str = "shipping-offer";

/// Saves it with what it decided, and learns what that brought. `by` is who is said to have done it.
///
/// # Errors
/// The store's and the lake's.
pub async fn save(installation: &Installation, workspace: WorkspaceId, offered: &[Offered], by: &str) -> Result<()> {
    let Some(began) = offered.iter().map(|it| it.at).min() else { return Ok(()) };
    let mut design: Design = serde_json::from_value(design())?;
    design.reward.is_share = rewards::is_share(&design.reward.metric).unwrap_or_default();
    let author = Author { by, at: began };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    create(&mut tx, workspace, POLICY, design, author).await?;
    let row = act(&mut tx, workspace, POLICY, Act::Start, 1, author).await?;
    let known = whose(&mut tx, workspace, offered).await?;
    let decided = |it: &Offered| known.get(&it.user_id).map(|whose| decision(&row, it, *whose));
    let rows: Vec<DecisionRow> = offered.iter().filter_map(decided).collect();
    decisions::insert(&mut tx, workspace, &rows).await?;
    tx.commit().await?;
    installation.policies.forget(workspace);
    settling::settle(installation).await?;
    Ok(())
}

fn design() -> Value {
    json!({
        "name": "Free shipping, or no offer",
        "arms": [{"key": OFFER.control, "name": "No offer"}, {"key": OFFER.treated, "name": "Free shipping"}],
        "reward": {"metric": "conversion", "hours": OFFER.days * 24}})
}

fn decision(policy: &PolicyRow, it: &Offered, (handle, person): (Handle, PersonId)) -> DecisionRow {
    let half = |arm: &str| (arm.to_owned(), 0.5);
    DecisionRow {
        policy: policy.policy,
        epoch: policy.epoch,
        subject: format!("journey:{}/{GROUPS}", OFFER.key),
        turn: choosing::turn(handle, None),
        handle,
        person,
        arm: it.arm.clone(),
        propensity: 0.5,
        chances: Json(Chances {
            arms: vec![half(OFFER.control), half(OFFER.treated)],
            features: Vec::new(),
            decides: true,
        }),
        decided_at: it.at,
        day: it.at.0.div_euclid(Timestamp::DAY),
        closes_at: it.at.plus(OFFER.days * Timestamp::DAY),
        state: OPEN.to_owned(),
        reward: None,
    }
}
