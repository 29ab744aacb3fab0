//! The truth against the messages: sums to the millionth, and moments near the parameters the shop was made with.

use std::{collections::HashMap, sync::LazyLock};

use rapport_domain::{Timestamp, money::micros_from_json};
use rapport_sample::{CHANNELS, Message, OFFER, Options, PARAMETERS, SampleShop, Totals, Truth};

fn end() -> Timestamp {
    Timestamp::parse("2026-11-21T18:30:00Z").unwrap()
}

fn shop(customers: u32) -> SampleShop {
    SampleShop::new(Options { customers, seed: 11, end: end() })
}

fn named<'m>(messages: &'m [Message], event: &'static str) -> impl Iterator<Item = &'m Message> {
    messages.iter().filter(move |message| message.event == Some(event))
}

fn micros(message: &Message, field: &str) -> i64 {
    micros_from_json(&message.properties[field]).unwrap()
}

#[test]
fn totals_are_the_sums_of_the_messages() {
    let shop = shop(600);
    let mut from_messages = Totals::default();
    let mut orders: HashMap<String, (u64, i64)> = HashMap::new();
    for message in shop.messages() {
        from_messages.messages += 1;
        match message.event {
            Some("Order Completed") => {
                from_messages.orders += 1;
                from_messages.revenue_micros += micros(&message, "revenue");
                from_messages.total_micros += micros(&message, "total");
                let mine = orders.entry(message.user_id.clone().unwrap()).or_default();
                mine.0 += 1;
                mine.1 += micros(&message, "revenue");
            }
            Some("Order Cancelled") => from_messages.cancelled_orders += 1,
            Some("Order Refunded") => from_messages.refunded_micros += micros(&message, "total"),
            _ => {}
        }
    }
    let totals = shop.totals();
    assert_eq!(totals.messages, from_messages.messages);
    assert_eq!(totals.orders, from_messages.orders);
    assert_eq!(totals.revenue_micros, from_messages.revenue_micros);
    assert_eq!(totals.total_micros, from_messages.total_micros);
    assert_eq!(totals.cancelled_orders, from_messages.cancelled_orders);
    assert_eq!(totals.refunded_micros, from_messages.refunded_micros);
    assert_eq!(totals.customers, 600);
    assert_eq!(totals.buyers, orders.len() as u64);
    assert_eq!(totals.repeat_buyers, orders.values().filter(|(n, _)| *n > 1).count() as u64);
    assert!(totals.orders > 1000 && totals.cancelled_orders > 5 && totals.refunded_micros > 0 && totals.visitors > 150);
    for truth in shop.truth() {
        let (n, revenue) = orders.get(&truth.user_id).copied().unwrap_or_default();
        assert_eq!((u64::from(truth.orders), truth.revenue_micros), (n, revenue), "{}", truth.user_id);
    }
}

#[test]
fn each_order_adds_up() {
    for message in shop(300).messages().filter(|message| message.event == Some("Order Completed")) {
        let field = |name: &str| micros(&message, name);
        let lines: i64 = message.properties["products"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| micros_from_json(&line["price"]).unwrap() * line["quantity"].as_i64().unwrap())
            .sum();
        assert_eq!(field("subtotal"), lines - field("discount"));
        assert_eq!(field("total"), field("subtotal") + field("shipping"));
        assert_eq!(field("revenue"), field("total") - field("shipping") - field("tax"));
        assert!(field("revenue") > 0);
    }
}

#[test]
fn orders_lie_between_acquisition_and_dropout() {
    let shop = shop(400);
    let (mut dropped, mut active) = (0, 0);
    for story in shop.stories() {
        let Some(truth) = story.truth else {
            assert_eq!(named(&story.messages, "Order Completed").count(), 0);
            continue;
        };
        let times: Vec<Timestamp> = named(&story.messages, "Order Completed").map(|m| m.timestamp).collect();
        assert_eq!(truth.lead, times.is_empty());
        // Messages are cut to whole milliseconds.
        assert!(times.first().is_none_or(|first| first.0 == truth.acquired_at.0 / 1000 * 1000));
        assert!(times.iter().all(|at| *at <= truth.dropout_at));
        assert_eq!(truth.alive_at_end, !truth.lead && truth.dropout_at > end());
        *(if truth.alive_at_end { &mut active } else { &mut dropped }) += 1;
    }
    assert!(dropped > 80 && active > 80, "{dropped} {active}");
}

/// Buyers drawn from the model: neither leads nor the planted group.
static MODELLED: LazyLock<Vec<Truth>> =
    LazyLock::new(|| shop(3000).truth().filter(|truth| !truth.lead && !truth.slipping).collect());

fn factors(truth: &Truth) -> &'static rapport_sample::Channel {
    CHANNELS.iter().find(|channel| channel.name == truth.channel).unwrap()
}

#[test]
fn rates_and_lives_have_the_models_moments() {
    let buyers = &*MODELLED;
    let n = buyers.len() as f64;
    let shop = PARAMETERS;
    // Rates are gamma(r, alpha) once the channel's factor is taken out: mean r / alpha, variance r / alpha^2.
    let rates: Vec<f64> = buyers.iter().map(|truth| truth.purchase_rate / factors(truth).rate).collect();
    let mean = rates.iter().sum::<f64>() / n;
    let deviation = shop.r.sqrt() / shop.alpha;
    assert!((mean - shop.r / shop.alpha).abs() < 4.0 * deviation / n.sqrt(), "{mean}");
    let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / n;
    assert!((variance / deviation.powi(2) - 1.0).abs() < 0.25, "{variance}");
    // Lives are Pareto of the second kind: P(life > t) = (beta / (beta + t))^s, calendar weeks.
    let week = 7.0 * Timestamp::DAY as f64;
    for weeks in [4.0, 26.0, 104.0] {
        let longer = buyers
            .iter()
            .filter(|truth| (truth.dropout_at.0 - truth.acquired_at.0) as f64 / week / factors(truth).lifetime > weeks);
        let (share, expected) = (longer.count() as f64 / n, (shop.beta / (shop.beta + weeks)).powf(shop.s));
        assert!(
            (share - expected).abs() < 4.0 * (expected * (1.0 - expected) / n).sqrt(),
            "{weeks}: {share} {expected}"
        );
    }
}

#[test]
fn repeat_orders_are_poisson_in_shop_weeks() {
    let buyers = &*MODELLED;
    let expected: f64 = buyers.iter().map(|truth| truth.expected_repeats).sum();
    let repeats: f64 = buyers.iter().map(|truth| f64::from(truth.orders - truth.extra_orders - 1)).sum();
    assert!((repeats - expected).abs() < 4.0 * expected.sqrt(), "{repeats} {expected}");
    // A Poisson count varies as much as its mean.
    let spread: f64 = buyers
        .iter()
        .map(|truth| (f64::from(truth.orders - truth.extra_orders - 1) - truth.expected_repeats).powi(2))
        .sum();
    assert!((spread / expected - 1.0).abs() < 0.15, "{spread} {expected}");
}

#[test]
fn order_values_follow_gamma_gamma() {
    let buyers = &*MODELLED;
    // The mean of means is p * gamma / (q - 1).
    let means: Vec<f64> = buyers.iter().map(|truth| truth.mean_order_value / factors(truth).spend).collect();
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    let expected = PARAMETERS.p * PARAMETERS.gamma / (PARAMETERS.q - 1.0);
    assert!((mean / expected - 1.0).abs() < 0.05, "{mean} {expected}");
    // Baskets come near what the model drew: no bias over all orders.
    let aimed: f64 = buyers.iter().map(|truth| f64::from(truth.orders) * truth.mean_order_value).sum();
    let earned = buyers.iter().map(|truth| truth.revenue_micros).sum::<i64>() as f64 / 1e6;
    assert!((earned / aimed - 1.0).abs() < 0.02, "{earned} {aimed}");
}

#[test]
fn hidden_satisfaction_shows_in_the_answers() {
    let shop = shop(1500);
    let mut scores: HashMap<bool, Vec<i64>> = HashMap::new();
    for story in shop.stories() {
        let Some(truth) = story.truth else { continue };
        for answer in named(&story.messages, "Survey Answered") {
            let score = answer.properties["score"].as_i64().unwrap();
            assert!((0..=10).contains(&score));
            scores.entry(truth.satisfaction > 0.5).or_default().push(score);
        }
    }
    let mean = |happy: bool| scores[&happy].iter().sum::<i64>() as f64 / scores[&happy].len() as f64;
    assert!(scores[&true].len() > 100 && scores[&false].len() > 100);
    assert!(mean(true) > mean(false) + 1.0, "{} {}", mean(true), mean(false));
}

#[test]
fn the_planted_campaign_has_the_effect_that_the_truth_says() {
    // Of each group: people, those who ordered within the days after, orders within them.
    let (mut control, mut treated, mut extra) = ([0.0; 3], [0.0; 3], 0.0);
    for story in shop(3_000).stories() {
        let seen: Vec<&Message> = named(&story.messages, "Experiment Viewed").collect();
        let Some(truth) = story.truth else {
            assert!(seen.is_empty());
            continue;
        };
        let Some(first) = seen.first() else {
            assert_eq!((truth.offer, truth.extra_orders), ("", 0));
            continue;
        };
        assert_eq!((seen.len(), first.properties["variant"].as_str()), (1, Some(truth.offer)));
        let group = if truth.offer == OFFER.treated { &mut treated } else { &mut control };
        let until = first.timestamp.plus(OFFER.days * Timestamp::DAY);
        let orders = named(&story.messages, "Order Completed")
            .filter(|order| (first.timestamp..until).contains(&order.timestamp))
            .count();
        let got = named(&story.messages, "Message Sent").any(|message| message.properties["campaign"] == OFFER.name);
        assert_eq!(got, truth.offer == OFFER.treated);
        let denied = named(&story.messages, "Consent Denied")
            .any(|it| it.properties["channel"] == "email" && it.timestamp <= first.timestamp);
        assert!(!denied, "{} was written to without consent", truth.user_id);
        group[0] += 1.0;
        group[1] += f64::from(u8::from(orders > 0));
        group[2] += orders as f64;
        extra += f64::from(truth.extra_orders);
    }
    assert!(control[0] > 500.0 && treated[0] > 500.0 && extra > 20.0, "{control:?} {treated:?} {extra}");
    let (a, b) = (treated[2] / treated[0], control[2] / control[0]);
    let deviation = (a / treated[0] + b / control[0]).sqrt();
    let effect = extra / treated[0];
    assert!((a - b - effect).abs() < 4.0 * deviation, "{a} - {b} against {effect}, deviation {deviation}");
    assert!(effect > 2.0 * deviation, "too small to be found: {effect}, deviation {deviation}");
}
