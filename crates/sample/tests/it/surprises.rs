//! What a home page should find: the planted surprises are really in the messages.

use std::sync::LazyLock;

use rapport_domain::Timestamp;
use rapport_sample::{Message, Options, SampleShop, Totals, Truth};

fn end() -> Timestamp {
    Timestamp::parse("2026-11-21T18:30:00Z").unwrap()
}

/// What the tests look at: checkouts, orders and deliveries; the truth; the totals.
struct Seen {
    messages: Vec<Message>,
    truth: Vec<Truth>,
    totals: Totals,
}

static SEEN: LazyLock<Seen> = LazyLock::new(|| {
    let mut seen = Seen { messages: Vec::new(), truth: Vec::new(), totals: Totals::default() };
    for story in (SampleShop::new(Options { customers: 3000, seed: 21, end: end() })).stories() {
        seen.totals.add(story.truth.as_ref(), story.messages.len());
        seen.truth.extend(story.truth);
        seen.messages.extend(story.messages.into_iter().filter(|message| {
            matches!(message.event, Some("Checkout Started" | "Order Completed" | "Order Delivered"))
        }));
    }
    seen
});

/// Orders per checkout begun on a kind of device, between days before the end.
fn conversion(messages: &[Message], device: &str, from: i64, to: i64) -> f64 {
    let count = |event: &str| {
        let hits = messages.iter().filter(|message| {
            let days = (end().0 - message.timestamp.0) / Timestamp::DAY;
            message.event == Some(event) && (to..from).contains(&days) && message.properties["device"] == device
        });
        hits.count() as f64
    };
    count("Order Completed") / count("Checkout Started")
}

#[test]
fn phones_lose_orders_at_the_checkout_since_three_weeks() {
    let messages = &SEEN.messages;
    let phone = (conversion(messages, "phone", 63, 21), conversion(messages, "phone", 21, 0));
    let computer = (conversion(messages, "computer", 63, 21), conversion(messages, "computer", 21, 0));
    assert!(phone.1 < phone.0 - 0.08, "{phone:?}");
    assert!((computer.1 - computer.0).abs() < 0.06, "{computer:?}");
    assert!(phone.0 < computer.0, "phones convert less even without trouble: {phone:?} {computer:?}");
}

#[test]
fn the_strike_made_deliveries_late() {
    let messages = &SEEN.messages;
    let late = |from: i64, to: i64| {
        let delivered: Vec<&Message> = messages
            .iter()
            .filter(|message| {
                let days = (end().0 - message.timestamp.0) / Timestamp::DAY;
                message.event == Some("Order Delivered") && (to..from).contains(&days)
            })
            .collect();
        delivered.iter().filter(|message| message.properties["late"] == true).count() as f64 / delivered.len() as f64
    };
    assert!(late(38, 24) > 3.0 * late(120, 60), "{} {}", late(38, 24), late(120, 60));
}

#[test]
fn companions_are_bought_together() {
    let shop = SampleShop::new(Options { customers: 0, seed: 21, end: end() });
    let orders: Vec<Vec<&str>> = SEEN
        .messages
        .iter()
        .filter(|message| message.event == Some("Order Completed"))
        .map(|message| {
            let products = message.properties["products"].as_array().unwrap();
            products.iter().map(|product| product["product_id"].as_str().unwrap()).collect()
        })
        .collect();
    let share =
        |id: &str, of: &[&Vec<&str>]| of.iter().filter(|order| order.contains(&id)).count() as f64 / of.len() as f64;
    let all: Vec<&Vec<&str>> = orders.iter().collect();
    let mut judged = 0;
    for (first, second) in shop.catalogue().companions() {
        let with: Vec<&Vec<&str>> = orders.iter().filter(|order| order.contains(&first)).collect();
        if with.len() < 40 {
            continue;
        }
        let (lifted, usual) = (share(second, &with), share(second, &all));
        assert!(lifted > 2.0 * usual, "{first} {second}: {lifted} {usual} of {}", with.len());
        judged += 1;
    }
    assert!(judged >= 6, "only {judged} of the pairs were bought often enough");
}

#[test]
fn valuable_customers_slip_away() {
    let slipping: Vec<&Truth> = SEEN.truth.iter().filter(|truth| truth.slipping).collect();
    assert!((12..=60).contains(&slipping.len()), "{}", slipping.len());
    let revenue = |micros: i64, n: usize| micros as f64 / 1e6 / n as f64;
    let theirs = revenue(slipping.iter().map(|truth| truth.revenue_micros).sum(), slipping.len());
    let totals = SEEN.totals;
    let mean = revenue(totals.revenue_micros, totals.buyers as usize);
    assert!(theirs > 5.0 * mean, "{theirs} {mean}");
    assert!(slipping.iter().all(|truth| !truth.alive_at_end && end().0 - truth.dropout_at.0 >= 40 * Timestamp::DAY));
}
