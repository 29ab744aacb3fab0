//! Keeps each customer's RFM scores as the whole customer base has them now.
//!
//! Always holds: only scores that differ are written. The mathematics is `rapport-analytics`'.

use std::collections::HashMap;

use anyhow::Result;
use rapport_analytics::rfm;
use rapport_domain::{PersonId, WorkspaceId};
use rapport_profiles::records::persons::{self, PersonRow, Scores};
use rapport_store::Priority;

use crate::installation::Installation;

/// How many persons are written in one transaction.
const SLICE: usize = 200;

/// Scores everyone who ever ordered; how many scores changed.
pub async fn refresh(installation: &Installation, workspace: WorkspaceId) -> Result<usize> {
    let buyers = persons::buyers(&mut installation.store.read(), workspace).await?;
    let figures: Vec<rfm::Figures> = buyers
        .iter()
        .map(|row| rfm::Figures {
            person: row.person,
            last_order_at: row.last_order_at.unwrap_or(row.last_seen_at),
            orders: row.orders,
            spent_micros: row.spent_micros,
        })
        .collect();
    let as_of = figures.iter().map(|buyer| buyer.last_order_at).max().unwrap_or_default();
    let Some((_, scored)) = rfm::scores(&figures, as_of) else { return Ok(0) };
    let before: HashMap<PersonId, &PersonRow> = buyers.iter().map(|row| (row.person, row)).collect();
    let changed: Vec<Scores> = scored
        .into_iter()
        .map(|s| Scores {
            person: s.person,
            recency: i64::from(s.recency),
            frequency: i64::from(s.frequency),
            monetary: i64::from(s.monetary),
            group: s.group.key(),
        })
        .filter(|s| before.get(&s.person).is_none_or(|row| differs(row, s)))
        .collect();
    for slice in changed.chunks(SLICE) {
        let mut tx = installation.store.begin(Priority::Background).await?;
        persons::score(&mut tx, workspace, slice).await?;
        tx.commit().await?;
    }
    Ok(changed.len())
}

fn differs(row: &PersonRow, s: &Scores) -> bool {
    (row.recency, row.frequency, row.monetary, row.rfm_group.as_deref())
        != (Some(s.recency), Some(s.frequency), Some(s.monetary), Some(s.group))
}
