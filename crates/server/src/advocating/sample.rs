//! The sample shop's referrals: customers whose friends came by them, some of whom bought.
//!
//! Always holds: the same customers refer the same friends in the same shop; all of it goes through the log like anybody's events.

use anyhow::Result;
use rapport_domain::shop_events::{REFERRAL_CONVERTED, REFERRAL_MADE};
use rapport_domain::{Event, EventId, Identifier, PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::{identifiers, orders};
use serde_json::{Map, Value, json};

use crate::installation::Installation;
use crate::own_events;
use crate::pipeline::Pipeline;

const HOUR: i64 = Timestamp::HOUR;
/// Referrals in all.
const REFERRALS: usize = 60;
/// Each so manyth order is looked at.
const STEP: usize = 6;
/// Whoever ordered so many orders before has told whoever orders now.
const BEFORE: usize = 17;

/// Makes them.
///
/// # Errors
/// The store's and the log's.
pub async fn save(installation: &Installation, pipeline: &Pipeline, workspace: WorkspaceId) -> Result<()> {
    let mut db = installation.store.read();
    let latest = orders::latest(&mut db, workspace, (REFERRALS * STEP + BEFORE) as i64).await?;
    let source = own_events::source(installation, workspace).await?;
    let now = installation.clock.now();
    let mut events = Vec::new();
    for number in 0..REFERRALS {
        let (Some((friend, order)), Some((who, _))) = (latest.get(number * STEP), latest.get(number * STEP + BEFORE))
        else {
            break;
        };
        let said = Map::from_iter([("referral_id".to_owned(), json!(format!("sample-{number}")))]);
        let mut tell = |step: &str, at: Timestamp, who: Identifier, name: &str, said: &Map<String, Value>| {
            let id = EventId::of_message(workspace, source, &format!("sample-referral-{number}-{step}"));
            let event = own_events::event((workspace, source), id, at, who, name, said.clone());
            events.push(Event { received_at: now, ..event });
        };
        let told_at = order.placed_at.plus(-(number as i64 % 9 + 2) * 7 * HOUR);
        if let Some(who) = name_of(installation, workspace, *who).await? {
            let channel = if number % 3 == 0 { "email" } else { "link" };
            let made = said.clone().into_iter().chain([("channel".to_owned(), json!(channel))]).collect();
            tell("made", told_at, who, REFERRAL_MADE, &made);
        }
        // Of five, nobody came by two.
        if let Some(friend) = name_of(installation, workspace, *friend).await?.filter(|_| number % 5 < 3) {
            tell("converted", order.placed_at.plus(-HOUR), friend, REFERRAL_CONVERTED, &said);
        }
    }
    if !events.is_empty() {
        installation.log.append(&events).await?;
        pipeline.drain().await?;
    }
    Ok(())
}

async fn name_of(installation: &Installation, workspace: WorkspaceId, person: PersonId) -> Result<Option<Identifier>> {
    let names = identifiers::by_persons(&mut installation.store.read(), workspace, &[person]).await?;
    Ok(names.first().map(|row| row.identifier()))
}
