//! Reviews that come in: noted in the transaction that applies their event, and judged soon after by what is known of their writers.
//!
//! Always holds: a review is noted once for each name that its source gives it; what is judged is what is stored then, and whatever changed meanwhile is
//! judged again; a rule puts a review into the queue and takes none away.
//!
//! Does not do: decide what speaks against a review (`feedback::reviews::authenticity`).

pub mod behaviour;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rapport_domain::shop_events::{ORDER_COMPLETED, PRODUCT_REVIEWED};
use rapport_domain::{Event, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::reviews::authenticity::{self, USUAL_LIMIT};
use rapport_feedback::reviews::records::{self, NewReview};
use rapport_profiles::Applied;
use rapport_profiles::records::{identifiers, orders};
use rapport_store::{Priority, Tx};
use serde_json::Value;
use tokio::sync::watch;

use crate::installation::Installation;
use crate::understanding;

/// How often it is looked whether any came.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So many in one look.
const BATCH: i64 = 50;
/// What is heard in a batch is in the lake a moment after its commit.
const SOON: i64 = 2 * Timestamp::SECOND;
/// With so many reviews of a product on a day its neighbours are looked at again: seldom more often as they become more.
const AGAIN_AT: [i64; 8] = [5, 8, 12, 20, 40, 80, 200, 500];

/// Notes what a batch says about reviews, in the transaction that applies it.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<()> {
    for (at, old) in &applied.superseded {
        if events[*at].name == PRODUCT_REVIEWED {
            records::forget(tx, workspace, old.0).await?;
        }
    }
    let told: Vec<NewReview> =
        events.iter().zip(&applied.events).filter_map(|(event, applied)| review(event, applied)).collect();
    let now = installation.clock.now();
    if !told.is_empty() {
        records::tell(tx, workspace, &told, now).await?;
    }
    look_again(tx, workspace, events, applied, now.plus(SOON)).await
}

/// Reviews of whom something is heard that they could not be judged by before: an order or a delivery (imported after the reviews, for example), or who they
/// are.
async fn look_again(
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
    at: Timestamp,
) -> Result<()> {
    let says = |event: &Event| [ORDER_COMPLETED, behaviour::DELIVERED].contains(&event.name.as_str());
    let buyers = events.iter().zip(&applied.events).filter(|(event, _)| says(event)).map(|(_, it)| it.person);
    let buyers: BTreeSet<PersonId> = buyers.collect();
    let mut handles: Vec<Handle> = applied.moved.iter().map(|moved| moved.handle).collect();
    if (buyers.is_empty() && handles.is_empty()) || !records::any(tx, workspace).await? {
        return Ok(());
    }
    let buyers: Vec<PersonId> = buyers.into_iter().collect();
    handles.extend(identifiers::by_persons(tx, workspace, &buyers).await?.into_iter().map(|row| row.handle));
    Ok(records::judge_theirs_again(tx, workspace, &handles, at).await?)
}

/// The review that an event tells: of a product, with one to five stars. Half stars are rounded up.
fn review(event: &Event, applied: &rapport_profiles::AppliedEvent) -> Option<NewReview> {
    if event.name != PRODUCT_REVIEWED {
        return None;
    }
    let text = |name: &str| match event.properties.get(name)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let stars = understanding::stars(event)?;
    Some(NewReview {
        event_id: event.id.0,
        source: event.source,
        review_key: text("review_id"),
        handle: applied.handle,
        product_id: text("product_id")?,
        product_name: text("name").or_else(|| text("product_name")),
        rating: stars.round() as i64,
        language: text("language"),
        written_at: applied.occurred_at,
    })
}

/// Judges reviews as they come, until `stop` is set.
pub async fn run(installation: Arc<Installation>, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        loop {
            match judge_due(&installation).await {
                Ok(true) if !*stop.borrow() => {}
                Ok(_) => break,
                Err(error) => {
                    metrics::counter!("rapport_reviewing_failures_total").increment(1);
                    tracing::warn!(error = %format!("{error:#}"), "reviews could not be judged; it is tried again");
                    break;
                }
            }
        }
    }
}

/// Judges those that are to be judged by now; whether there may be more.
///
/// # Errors
/// The store's and the lake's.
pub async fn judge_due(installation: &Installation) -> Result<bool> {
    let due = records::to_judge(&mut installation.store.read(), installation.clock.now(), BATCH).await?;
    let mut has_orders: BTreeMap<WorkspaceId, bool> = BTreeMap::new();
    for (workspace, event_id) in &due {
        let has_orders = match has_orders.get(workspace) {
            Some(known) => *known,
            None => {
                let found = orders::any(&mut installation.store.read(), *workspace).await?;
                has_orders.insert(*workspace, found);
                found
            }
        };
        judge(installation, *workspace, *event_id, has_orders).await?;
    }
    Ok(due.len() as i64 == BATCH)
}

async fn judge(
    installation: &Installation,
    workspace: WorkspaceId,
    event_id: [u8; 16],
    has_orders: bool,
) -> Result<()> {
    let Some(review) = records::find(&mut installation.store.read(), workspace, event_id).await? else {
        return Ok(());
    };
    let known = behaviour::of(installation, workspace, &review, has_orders).await?;
    let verdict = authenticity::judge(&known.behaviour);
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Background).await?;
    if records::judged(&mut tx, workspace, &review, &verdict, (known.behaviour.purchase, USUAL_LIMIT)).await? {
        records::mark(&mut tx, workspace, (event_id, review.handle), &known.marks).await?;
        let day = (review.written_at.plus(-Timestamp::DAY), review.written_at.plus(Timestamp::DAY));
        let on_that_day = i64::try_from(known.behaviour.in_a_day.0).unwrap_or(i64::MAX);
        let is_first_look = review.state == rapport_feedback::reviews::State::New.as_str();
        if is_first_look && AGAIN_AT.contains(&on_that_day) {
            records::judge_again(&mut tx, workspace, &review.product_id, day, now).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}
