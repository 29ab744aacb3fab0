//! Keeps what is said of each customer as the whole customer base has it now, and tells it as facts, so that conditions can ask for it, also for how
//! long it has been so: RFM scores (`rfm.group`, `rfm.recency`, `rfm.frequency`, `rfm.monetary`), the stage of life (`lifecycle.stage`), and how much
//! somebody does (`engagement.index`, `engagement.level`), and at which hour they are usually there (`usual_hour`).
//!
//! Always holds: only scores that differ are written; a fact commits with the score that it tells. The mathematics is `rapport-analytics`'.

mod hours;
mod standing;

use std::collections::HashMap;

use anyhow::Result;
use rapport_analytics::engagement::Level;
use rapport_analytics::lifecycle::Stage;
use rapport_analytics::rfm;
use rapport_domain::{Handle, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_profiles::records::facts::{self, FactRow};
use rapport_profiles::records::identifiers;
use rapport_profiles::records::persons::{self, PersonRow, Scores};
use rapport_segments::live::Observed;
use rapport_store::{Priority, Tx};
use serde_json::Value;

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
    let now = installation.clock.now();
    for slice in changed.chunks(SLICE) {
        let told: Vec<Told> = slice.iter().flat_map(|s| news(s, before.get(&s.person).copied(), now)).collect();
        let mut tx = installation.store.begin(Priority::Background).await?;
        persons::score(&mut tx, workspace, slice).await?;
        tell(&mut tx, workspace, &told, now).await?;
        tx.commit().await?;
        let observed = Observed { told: &told, ..Observed::default() };
        installation.memberships.observe(workspace, observed).await?;
    }
    Ok(changed.len())
}

/// Who, from when, what, value.
pub type Told = (PersonId, Timestamp, String, Value);

pub use standing::refresh as refresh_standing;

/// The values of a fact in the order in which people read them; empty where they have none.
pub fn order_of(fact: &str) -> Vec<&'static str> {
    match fact {
        "lifecycle.stage" => Stage::ALL.map(Stage::key).to_vec(),
        "engagement.level" => Level::ALL.map(Level::key).to_vec(),
        "rfm.group" => rfm::Group::ALL.map(rfm::Group::key).to_vec(),
        _ => Vec::new(),
    }
}

/// Records and tells facts that begin now.
pub async fn tell_all(
    installation: &Installation,
    workspace: WorkspaceId,
    told: &[Told],
    priority: Priority,
) -> Result<()> {
    let now = installation.clock.now();
    for slice in told.chunks(SLICE) {
        let mut tx = installation.store.begin(priority).await?;
        tell(&mut tx, workspace, slice, now).await?;
        tx.commit().await?;
        let observed = Observed { told: slice, ..Observed::default() };
        installation.memberships.observe(workspace, observed).await?;
    }
    Ok(())
}

/// What of somebody's scores is new.
fn news(s: &Scores, before: Option<&PersonRow>, now: Timestamp) -> Vec<Told> {
    let group = before.and_then(|row| row.rfm_group.as_deref());
    let mut told = Vec::new();
    if group != Some(s.group) {
        told.push((s.person, now, "rfm.group".to_owned(), Value::from(s.group)));
    }
    for (key, old, new) in [
        ("rfm.recency", before.and_then(|row| row.recency), s.recency),
        ("rfm.frequency", before.and_then(|row| row.frequency), s.frequency),
        ("rfm.monetary", before.and_then(|row| row.monetary), s.monetary),
    ] {
        if old != Some(new) {
            told.push((s.person, now, key.to_owned(), Value::from(new)));
        }
    }
    told
}

/// Records it at each person's oldest identifier.
///
/// # Errors
/// The store's.
pub async fn tell(tx: &mut Tx, workspace: WorkspaceId, told: &[Told], now: Timestamp) -> Result<()> {
    let mut people: Vec<PersonId> = told.iter().map(|(person, ..)| *person).collect();
    people.dedup();
    let mut handles: HashMap<PersonId, Handle> = HashMap::new();
    for row in identifiers::by_persons(tx, workspace, &people).await? {
        handles.entry(row.person).or_insert(row.handle);
    }
    let row = |(person, at, key, value): &Told| {
        Some(FactRow {
            handle: *handles.get(person)?,
            fact_key: key.clone(),
            valid_from: *at,
            recorded_at: now,
            value: value.to_string(),
            source: OURSELVES,
            event_id: [0; 16],
        })
    };
    let rows: Vec<FactRow> = told.iter().filter_map(row).collect();
    Ok(facts::insert(tx, workspace, &rows).await?)
}

/// No source of events said so.
pub(crate) const OURSELVES: SourceId = SourceId(0);

fn differs(row: &PersonRow, s: &Scores) -> bool {
    (row.recency, row.frequency, row.monetary, row.rfm_group.as_deref())
        != (Some(s.recency), Some(s.frequency), Some(s.monetary), Some(s.group))
}
