//! The hour at which each customer is usually there, told as the fact `usual_hour` where it changed.
//!
//! Always holds: the hour is that of the person's own zone, or the workspace's where that is not known; who has not been there often enough lately keeps
//! the hour that was found last.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use rapport_analytics::usual_hours::usual_hour;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_engagement::situations::USUAL_HOUR;
use rapport_engagement::zones::{COUNTRY_FACTS, ZONE_FACTS, zone_of};
use rapport_profiles::records::facts;
use rapport_store::Priority;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Told, tell_all};
use crate::api::questions::calendar_of;
use crate::installation::Installation;
use crate::records::workspaces;

/// So many people are looked at in one go.
const SLICE: usize = 500;
/// After each go as many times as long as it took nothing is done.
const RESTS: u32 = 2;

/// Finds everybody's usual hour anew; how many changed.
pub async fn refresh(installation: &Installation, workspace: WorkspaceId, as_of: Timestamp) -> Result<usize> {
    let now = installation.clock.now();
    let row = workspaces::find(&mut installation.store.read(), workspace).await?;
    let calendar = row.as_ref().and_then(calendar_of).context("the workspace has no calendar")?;
    let keys: Vec<String> =
        [&ZONE_FACTS[..], &COUNTRY_FACTS, &[USUAL_HOUR]].concat().iter().map(|key| (*key).to_owned()).collect();
    let mut count = 0;
    for range in installation.analytics.ranges(workspace).await? {
        let quarters = installation.analytics.quarters(workspace, range, as_of).await?;
        let people: Vec<PersonId> = quarters.keys().copied().collect();
        for slice in people.chunks(SLICE) {
            let began = Instant::now();
            let mut known: BTreeMap<PersonId, BTreeMap<String, Value>> = BTreeMap::new();
            let db = &mut installation.store.read();
            for (person, key, value) in facts::current_keys_of(db, workspace, slice, &keys, now).await? {
                known.entry(person).or_default().insert(key, serde_json::from_str(&value).unwrap_or(Value::Null));
            }
            let none = BTreeMap::new();
            let news = slice.iter().filter_map(|person| {
                let facts = known.get(person).unwrap_or(&none);
                let zone = zone_of(|key| facts.get(key).and_then(Value::as_str));
                let hour = usual_hour(&quarters[person], zone.as_ref().unwrap_or(&calendar.zone), as_of)?;
                let is_news = facts.get(USUAL_HOUR).and_then(Value::as_u64) != Some(u64::from(hour));
                is_news.then(|| (*person, now, USUAL_HOUR.to_owned(), Value::from(hour)))
            });
            let told: Vec<Told> = news.collect();
            if told.is_empty() {
                continue;
            }
            tell_all(installation, workspace, &told, Priority::Background).await?;
            count += told.len();
            sleep(began.elapsed() * RESTS).await;
        }
    }
    Ok(count)
}
