//! The messages as the intake will read them: repeatable, linked, in order, with standard names, and alive up to the end.

use std::collections::{HashMap, HashSet};

use rapport_domain::{
    EventKind, Timestamp,
    shop_events::{STANDARD, standard_name},
};
use rapport_sample::{Options, SampleShop};

const END: &str = "2026-11-21T18:30:00Z";

fn end() -> Timestamp {
    Timestamp::parse(END).unwrap()
}

fn shop(customers: u32, seed: u64) -> SampleShop {
    SampleShop::new(Options { customers, seed, end: end() })
}

fn digest(shop: &SampleShop) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for message in shop.messages() {
        hasher.update(&serde_json::to_vec(&message).unwrap());
    }
    for truth in shop.truth() {
        hasher.update(&serde_json::to_vec(&truth).unwrap());
    }
    hasher.update(&serde_json::to_vec(&shop.costs()).unwrap());
    hasher.finalize()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(digest(&shop(100, 1)), digest(&shop(100, 1)));
    assert_ne!(digest(&shop(100, 1)), digest(&shop(100, 2)));
}

#[test]
fn message_ids_are_unique_within_and_across_runs() {
    let mut seen = HashSet::new();
    let later = SampleShop::new(Options { customers: 200, seed: 1, end: end().plus(Timestamp::DAY) });
    for shop in [shop(200, 1), shop(200, 2), shop(201, 1), later] {
        for message in shop.messages() {
            assert!(seen.insert(message.message_id.clone()), "{}", message.message_id);
        }
    }
}

#[test]
fn each_story_is_in_order_and_ends_by_the_end() {
    let shop = shop(500, 3);
    let earliest = shop.start().plus(-15 * Timestamp::DAY);
    let mut last = earliest;
    for story in shop.stories() {
        assert!(story.messages.is_sorted_by_key(|message| message.timestamp));
        for message in &story.messages {
            assert!(message.timestamp >= earliest && message.timestamp <= end());
            last = last.max(message.timestamp);
        }
    }
    assert!(end().0 - last.0 < 5 * Timestamp::MINUTE, "the shop looks asleep: {last}");
}

#[test]
fn whoever_signs_up_links_every_device_used_before() {
    let shop = shop(800, 4);
    let (mut before, mut two_devices, mut unlinked) = (0, 0, 0);
    let mut owner: HashMap<String, String> = HashMap::new();
    for story in shop.stories() {
        let mut linked: HashMap<&str, Timestamp> = HashMap::new();
        let identifies = story.messages.iter().filter(|message| message.kind == EventKind::Identify);
        for message in identifies {
            assert!(message.traits.contains_key("email"));
            linked.insert(message.anonymous_id.as_deref().unwrap(), message.timestamp);
            let user = message.user_id.clone().unwrap();
            assert!(owner.insert(message.anonymous_id.clone().unwrap(), user).is_none(), "one sign-in a device");
        }
        let browsing = story.messages.iter().filter(|message| message.anonymous_id.is_some());
        for message in browsing {
            match linked.get(message.anonymous_id.as_deref().unwrap()) {
                Some(at) => assert_eq!(message.user_id.is_some(), message.timestamp >= *at, "{message:?}"),
                None => assert!(story.truth.is_none(), "a customer's device was never linked"),
            }
            before += usize::from(message.user_id.is_none() && story.truth.is_some());
        }
        match &story.truth {
            Some(truth) => assert_eq!(linked.len(), truth.devices as usize),
            None => unlinked += 1,
        }
        two_devices += usize::from(linked.len() == 2);
    }
    assert!(before > 1000 && two_devices > 50 && unlinked > 150, "{before} {two_devices} {unlinked}");
}

#[test]
fn every_event_has_a_standard_name_and_somebody() {
    let mut names = HashSet::new();
    let mut kinds = HashSet::new();
    for message in shop(1500, 5).messages() {
        assert!(message.user_id.is_some() || message.anonymous_id.is_some());
        assert_eq!(message.event.is_some(), message.kind == EventKind::Track);
        kinds.insert(message.kind);
        names.extend(message.event);
    }
    for name in &names {
        assert_eq!(standard_name(name), *name);
        assert!(STANDARD.iter().any(|(_, standard)| standard.contains(name)), "{name} is not standard");
    }
    for expected in [
        "Order Refunded",
        "Order Cancelled",
        "Subscription Upgraded",
        "Ticket Solved",
        "Message Unsubscribed",
        "Product Reviewed",
    ] {
        assert!(names.contains(expected), "{expected} never happens");
    }
    assert_eq!(kinds.len(), 4, "identify, track, page and group");
}

#[test]
fn a_message_reads_as_segment_writes_it() {
    let shop = shop(50, 6);
    let order = shop.messages().find(|message| message.event == Some("Order Completed")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&serde_json::to_vec(&order).unwrap()).unwrap();
    assert_eq!(json["type"], "track");
    assert_eq!(json["event"], "Order Completed");
    assert_eq!(json["properties"]["currency"], "EUR");
    assert!(json["messageId"].is_string() && json["userId"].is_string() && json["anonymousId"].is_string());
    assert_eq!(Timestamp::parse(json["timestamp"].as_str().unwrap()), Some(order.timestamp));
    assert!(json.get("groupId").is_none() && json.get("traits").is_none());
    let product = &json["properties"]["products"][0];
    for field in ["product_id", "sku", "name", "category", "price", "quantity", "url"] {
        assert!(!product[field].is_null(), "{field}");
    }
}

#[test]
fn the_catalogue_is_whole() {
    let shop = shop(1, 7);
    let products = shop.catalogue().products();
    assert_eq!((products.len(), shop.catalogue().categories().len()), (150, 10));
    let ids: HashSet<_> = products.iter().map(|product| &product.product_id).collect();
    assert_eq!(ids.len(), products.len());
    assert!(products.iter().all(|product| product.price_cents > 0));
    assert_eq!(shop.catalogue().companions().count(), 10);
}

#[test]
fn costs_cover_every_day_of_the_paid_channels() {
    let costs = shop(4000, 8).costs();
    assert_eq!(costs.len(), 730 * 4);
    assert_eq!(costs.last().unwrap().date, "2026-11-21");
    assert!(costs.iter().all(|cost| cost.cost_micros >= 0 && cost.cost_micros % 10_000 == 0));
}
