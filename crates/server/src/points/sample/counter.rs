//! The sample shop's counter in Hamburg: what some members bought there lately, told as a till tells it.
//!
//! Always holds: a receipt is an order of its own, told through the log like all others; the customers' known truth, which is about the shop's web pages, does not have it.
//!
//! Does not: give points; the rules do.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::shop_events::ORDER_COMPLETED;
use rapport_domain::{Event, EventId, Identifier, SourceId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::tills::{self, Receipt};
use rapport_store::Tx;
use serde_json::{Map, Value, json};

use super::user;
use crate::own_events;
use crate::surveying::sample::chance::Chance;

const STORE: &str = "hamburg";
/// So many receipts are enough to look at.
const MOST: usize = 14;
/// Of so many customers one comes by.
const VISITORS: u64 = 9;
/// They came in so many days.
const DAYS: u64 = 40;
/// What is there to take along: number, name, price in cents.
const SHELF: [(&str, &str, i64); 4] = [
    ("CT-COUNTER-1", "Harbour blend, 250 g", 890),
    ("CT-COUNTER-2", "Breakfast tea, 100 g", 640),
    ("CT-COUNTER-3", "Decaf, 250 g", 950),
    ("CT-COUNTER-4", "A cup of the day", 320),
];

/// Receipts of some of those who ordered, as events; the same each time.
pub(super) fn receipts((workspace, source): (WorkspaceId, SourceId), events: &[Event], end: Timestamp) -> Vec<Event> {
    let ordered = events.iter().filter(|event| event.name == ORDER_COMPLETED);
    // Who ordered before the first day on which somebody comes by: they are members by then.
    let ordered = ordered.filter(|event| event.occurred_at < end.plus(-60 * Timestamp::DAY));
    let names: BTreeMap<&str, &Identifier> = ordered.filter_map(user).map(|it| (it.value.as_str(), it)).collect();
    let mut found = Vec::new();
    for (name, who) in names {
        let mut chance = Chance::of(&format!("counter/{name}"));
        if !chance.next().is_multiple_of(VISITORS) || found.len() >= MOST {
            continue;
        }
        let days = i64::try_from(chance.next() % DAYS).unwrap_or_default() + 1;
        let minutes = i64::try_from(chance.next() % 480).unwrap_or_default();
        let midnight = end.0.div_euclid(Timestamp::DAY) * Timestamp::DAY;
        let at = Timestamp(midnight - days * Timestamp::DAY + 9 * Timestamp::HOUR + minutes * Timestamp::MINUTE);
        let receipt = format!("{:05}", 20_431 + 7 * found.len());
        let (order, id) = order(&receipt, &mut chance);
        let id = EventId::of_message(workspace, source, &id);
        found.push(own_events::event((workspace, source), id, at, who.clone(), ORDER_COMPLETED, order));
    }
    found
}

fn order(receipt: &str, chance: &mut Chance) -> (Map<String, Value>, String) {
    let order_id = format!("till/{STORE}/{receipt}");
    let (product, name, cents) = chance.pick(&SHELF).copied().unwrap_or(SHELF[0]);
    let quantity = 1 + i64::try_from(chance.next() % 3).unwrap_or_default();
    let euros = |cents: i64| {
        let text = format!("{}.{:02}", cents / 100, cents % 100);
        serde_json::from_str::<Value>(&text).unwrap_or_default()
    };
    let line = json!({"product_id": product, "sku": product, "name": name, "category": "Coffee & Tea", "price": euros(cents), "quantity": quantity});
    let all = euros(cents * quantity);
    let order = Map::from_iter([
        ("order_id".to_owned(), json!(order_id)),
        ("store".to_owned(), json!(STORE)),
        ("receipt".to_owned(), json!(receipt)),
        ("channel".to_owned(), json!("till")),
        ("revenue".to_owned(), all.clone()),
        ("subtotal".to_owned(), all.clone()),
        ("total".to_owned(), all),
        ("currency".to_owned(), json!("EUR")),
        ("products".to_owned(), json!([line])),
    ]);
    (order, order_id)
}

/// Writes a day's receipts down, of whoever is a member.
pub(super) async fn day(
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    (orders, by): (&[(MemberId, &str)], &str),
) -> Result<()> {
    for event in events {
        let text = |key: &str| event.properties.get(key).and_then(Value::as_str);
        let (Some(store), Some(receipt), Some(order)) = (text("store"), text("receipt"), text("order_id")) else {
            continue;
        };
        let Some((member, _)) = orders.iter().find(|(_, own)| *own == order) else { continue };
        let content = serde_json::to_vec(&(&event.properties, member.0))?;
        let row = Receipt {
            store: store.to_owned(),
            receipt: receipt.to_owned(),
            member: member.0,
            fingerprint: blake3::hash(&content).as_bytes()[..16].try_into()?,
            told_by: by.to_owned(),
            occurred_at: event.occurred_at,
            recorded_at: event.occurred_at,
            cancelled_at: None,
        };
        tills::tell(tx, workspace, &row).await?;
    }
    Ok(())
}
