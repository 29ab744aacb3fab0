//! What is known of a review and of whoever wrote it: from reviews, from the profile, and from the person's events.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rapport_domain::shop_events::ORDER_COMPLETED;
use rapport_domain::{Handle, IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::reviews::authenticity::{Behaviour, Purchase};
use rapport_feedback::reviews::records::{self, ReviewRow};
use rapport_lake::EventRow;
use rapport_profiles::records::identifiers::IdentifierRow;
use rapport_profiles::records::{evidence, facts, identifiers, texts};
use rapport_store::Queries;
use rapport_text::similar::Shingles;
use serde_json::Value;

use crate::api::timeline::unflatten;
use crate::installation::Installation;

/// From this share of what two texts have in common on they are the same.
const ALIKE: f64 = 0.8;
/// Shorter texts are alike by chance ("does what it should, nothing more"): in letters and digits.
const SHORTEST: usize = 60;
/// Candidates that are compared.
const CANDIDATES: i64 = 60;
/// Reviewers of the same product whose devices and addresses are looked at.
const REVIEWERS: i64 = 200;
/// Events of the writer that are looked at.
const EVENTS: usize = 2_000;
/// What is usual for a product is counted over so many days.
const USUAL_DAYS: i64 = 90;
/// Says that an order came.
pub const DELIVERED: &str = "Order Delivered";

/// What is known.
pub struct Known {
    /// For the verdict.
    pub behaviour: Behaviour,
    /// By which texts like it are found later.
    pub marks: Vec<i64>,
}

/// Reads what is known of a review as it is now; `has_orders` says whether anybody orders here at all.
///
/// # Errors
/// The store's and the lake's.
pub async fn of(
    installation: &Installation,
    workspace: WorkspaceId,
    review: &ReviewRow,
    has_orders: bool,
) -> Result<Known> {
    let mut db = installation.store.read();
    let own = own_identifiers(&mut db, workspace, review.handle).await?;
    let handles: Vec<Handle> =
        if own.is_empty() { vec![review.handle] } else { own.iter().map(|row| row.handle).collect() };
    let (others, stars) = records::by_others(&mut db, workspace, &review.product_id, &handles).await?;
    let history = records::own(&mut db, workspace, &handles).await?;
    let (marks, alike) = alike(&mut db, workspace, review, &handles).await?;
    let near = |at: &Timestamp| (at.0 - review.written_at.0).abs() < Timestamp::DAY;
    let shared_with = sharing(&mut db, workspace, &review.product_id, (&own, &handles)).await?;
    let first_seen = own.iter().map(|row| row.first_seen_at).min().unwrap_or(review.written_at);
    let behaviour = Behaviour {
        rating: review.rating as f64,
        others: (others.unsigned_abs(), if others == 0 { 0.0 } else { stars as f64 / others as f64 }),
        copies_by_others: alike.0,
        own_copies: alike.1,
        own_in_a_day: history.iter().filter(|(at, _)| near(at)).count() as u64,
        own: (history.len() as u64, history.iter().filter(|(_, stars)| [1, 5].contains(stars)).count() as u64),
        in_a_day: in_a_day(&mut db, workspace, review).await?,
        shared_with,
        known_for: review.written_at.0 - first_seen.0,
        purchase: purchase(installation, workspace, review, &own, has_orders).await?,
    };
    Ok(Known { behaviour, marks })
}

async fn own_identifiers(db: &mut impl Queries, workspace: WorkspaceId, handle: Handle) -> Result<Vec<IdentifierRow>> {
    match identifiers::by_handles(db, workspace, &[handle]).await?.first() {
        Some(row) => Ok(identifiers::by_persons(db, workspace, &[row.person]).await?),
        None => Ok(Vec::new()),
    }
}

/// What somebody wrote: the longest text among what of the event is kept from the lake.
///
/// # Errors
/// The store's.
pub async fn words(db: &mut impl Queries, workspace: WorkspaceId, event_id: [u8; 16]) -> Result<Option<String>> {
    let Some(row) = texts::find(db, workspace, event_id).await? else { return Ok(None) };
    let Ok(Value::Object(content)) = serde_json::from_str(&row.content) else { return Ok(None) };
    let words =
        content.into_iter().filter_map(|(_, value)| if let Value::String(text) = value { Some(text) } else { None });
    Ok(words.max_by_key(String::len))
}

/// The marks of a review's words, and how many by others, and by the same person of other products, are nearly the same and older.
async fn alike(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    review: &ReviewRow,
    own: &[Handle],
) -> Result<(Vec<i64>, (u64, u64))> {
    let text = words(db, workspace, review.event_id).await?.unwrap_or_default();
    if text.chars().filter(|letter| letter.is_alphanumeric()).count() < SHORTEST {
        return Ok((Vec::new(), (0, 0)));
    }
    let shingles = Shingles::of(&text);
    let marks: Vec<i64> = shingles.marks().into_iter().map(u64::cast_signed).collect();
    let (mut by_others, mut by_themselves) = (0, 0);
    for (event_id, handle, product, at) in records::alike(db, workspace, &marks, CANDIDATES).await? {
        let is_own = own.contains(&handle);
        // Whoever wrote it first has copied from nobody.
        let is_older = (at, event_id) < (review.written_at, review.event_id);
        if event_id == review.event_id || !is_older || (is_own && product == review.product_id) {
            continue;
        }
        let Some(other) = words(db, workspace, event_id).await? else { continue };
        if shingles.similarity(&Shingles::of(&other)) >= ALIKE {
            *(if is_own { &mut by_themselves } else { &mut by_others }) += 1;
        }
    }
    Ok((marks, (by_others, by_themselves)))
}

/// How many reviewed the product within a day of it, and how many a day did before.
async fn in_a_day(db: &mut impl Queries, workspace: WorkspaceId, review: &ReviewRow) -> Result<(u64, f64)> {
    let at = review.written_at;
    let day = (at.plus(-Timestamp::DAY), at.plus(Timestamp::DAY));
    let near = records::count_between(db, workspace, &review.product_id, day).await?;
    let usual = (day.0.plus(-USUAL_DAYS * Timestamp::DAY), day.0);
    let before = records::count_between(db, workspace, &review.product_id, usual).await?;
    // Two days around the review are looked at.
    Ok((near.unsigned_abs(), 2.0 * before as f64 / USUAL_DAYS as f64))
}

/// How many other reviewers of the product have a device or an address with the writer in common. A device that several people use is joined to none of
/// them, but known as evidence of each.
async fn sharing(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    product: &str,
    (own, handles): (&[IdentifierRow], &[Handle]),
) -> Result<u64> {
    let Some(writer) = own.first().map(|row| row.person) else { return Ok(0) };
    let reviewers: Vec<Handle> =
        records::reviewers(db, workspace, product, REVIEWERS).await?.into_iter().map(|(handle,)| handle).collect();
    let rows = identifiers::by_handles(db, workspace, &reviewers).await?;
    let others: BTreeSet<PersonId> = rows.iter().map(|row| row.person).filter(|person| *person != writer).collect();
    if others.is_empty() {
        return Ok(0);
    }
    let others: Vec<PersonId> = others.into_iter().collect();
    let mut sharing = by_device(db, workspace, &others, handles).await?;
    sharing.extend(by_address(db, workspace, &others, writer).await?);
    Ok(sharing.len() as u64)
}

async fn by_device(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    others: &[PersonId],
    own: &[Handle],
) -> Result<BTreeSet<PersonId>> {
    // From the writer's identifiers to what was seen with them, and from there to whoever else it was seen with.
    let ends = |rows: &[evidence::EvidenceRow]| -> BTreeSet<Handle> {
        rows.iter().filter(|row| row.undone_at.is_none()).flat_map(|row| [row.left_handle, row.right_handle]).collect()
    };
    let seen: Vec<Handle> = ends(&evidence::touching(db, workspace, own).await?).into_iter().collect();
    let devices = identifiers::by_handles(db, workspace, &seen).await?;
    let is_device = |row: &&IdentifierRow| row.kind == IdentifierKind::AnonymousId.as_str();
    let devices: Vec<Handle> = devices.iter().filter(is_device).map(|row| row.handle).collect();
    let reached: Vec<Handle> = ends(&evidence::touching(db, workspace, &devices).await?).into_iter().collect();
    let reached = identifiers::by_handles(db, workspace, &reached).await?;
    Ok(reached.into_iter().map(|row| row.person).filter(|person| others.contains(person)).collect())
}

async fn by_address(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    others: &[PersonId],
    writer: PersonId,
) -> Result<BTreeSet<PersonId>> {
    let keys: Vec<String> = ["trait.address", "trait.address.street", "trait.street"].map(str::to_owned).to_vec();
    let everybody: Vec<PersonId> = others.iter().copied().chain([writer]).collect();
    let told = facts::current_keys_of(db, workspace, &everybody, &keys, Timestamp(i64::MAX)).await?;
    let folded = |value: &str| -> String {
        value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let mut addresses: BTreeMap<PersonId, BTreeSet<(String, String)>> = BTreeMap::new();
    for (person, key, value) in told {
        // A word alone ("Berlin") is no address.
        if value.chars().any(|c| c.is_ascii_digit()) {
            addresses.entry(person).or_default().insert((key, folded(&value)));
        }
    }
    let own = addresses.remove(&writer).unwrap_or_default();
    Ok(addresses.into_iter().filter(|(_, of)| !of.is_disjoint(&own)).map(|(person, _)| person).collect())
}

/// Whether the writer had the product by then.
async fn purchase(
    installation: &Installation,
    workspace: WorkspaceId,
    review: &ReviewRow,
    own: &[IdentifierRow],
    has_orders: bool,
) -> Result<Purchase> {
    let Some(person) = own.first().map(|row| row.person) else { return Ok(Purchase::Unknown) };
    let until = review.written_at.plus(1);
    let events = installation.lake.person_events(workspace, person, None, Some(until), EVENTS).await?;
    let had = bought(&events, &review.product_id);
    let is_known = own.iter().any(|row| row.kind != IdentifierKind::AnonymousId.as_str());
    Ok(match had {
        // A visitor may have bought under their name, and where nobody orders here nobody can be asked for an order.
        None if !is_known || !has_orders => Purchase::Unknown,
        None => Purchase::None,
        Some(true) => Purchase::Verified,
        Some(false) => Purchase::Undelivered,
    })
}

/// Whether an order has the product, and if so whether it had been delivered. Where the person's orders are never said to be delivered, they all were.
fn bought(events: &[EventRow], product: &str) -> Option<bool> {
    let order_of = |properties: &serde_json::Map<String, Value>| match properties.get("order_id") {
        Some(Value::String(id)) => id.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let is_it = |line: &Value| match line.get("product_id") {
        Some(Value::String(id)) => id == product,
        Some(Value::Number(id)) => id.to_string() == product,
        _ => false,
    };
    let mut with_it = BTreeSet::new();
    let mut delivered = BTreeSet::new();
    for event in events {
        if event.name == ORDER_COMPLETED {
            let properties = unflatten(event.properties());
            let lines = properties.get("products").and_then(Value::as_array);
            if lines.is_some_and(|lines| lines.iter().any(is_it)) || is_it(&Value::Object(properties.clone())) {
                with_it.insert(order_of(&properties));
            }
        } else if event.name == DELIVERED {
            delivered.insert(order_of(&unflatten(event.properties())));
        }
    }
    if with_it.is_empty() {
        return None;
    }
    Some(delivered.is_empty() || !with_it.is_disjoint(&delivered))
}
