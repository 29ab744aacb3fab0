//! What the model of value finds of the sample shop's customers beside what they were made of.

use std::collections::BTreeMap;

use rapport_domain::Timestamp;
use rapport_server::sample_shop::TRUTH;
use serde_json::Value;

use crate::world::World;

/// What each customer of the sample shop was made of, by customer number.
fn made_of(world: &World) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(world.app.installation.folder.join(TRUTH)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|it| (it["user_id"].as_str().unwrap().to_owned(), it)).collect()
}

/// From 0 on; equals share theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: f64| {
        let below = values.iter().filter(|it| **it < value).count();
        let same = values.iter().filter(|it| **it == value).count();
        below as f64 + 0.5 * (same as f64 - 1.0)
    };
    values.iter().map(|it| rank(*it)).collect()
}

/// How far two rank people alike: 1 is entirely, 0 not at all (Spearman).
fn alike(one: &[f64], other: &[f64]) -> f64 {
    let (one, other) = (ranks(one), ranks(other));
    let middle = 0.5 * (one.len() as f64 - 1.0);
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum::<f64>();
    product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// What is said of people, who are told by their customer numbers, is near the truth: who buys how much more, how much in all and by quarters, and what a purchase is
/// worth. The shop has seasons, campaigns and channels, which no model assumes, so bounds are wide; on one such shop the correlations were .65 of purchases, .51 of what
/// one is worth and .65 of both, the sums 1.14 and 1.02 times the truth.
pub fn recovered(world: &World, all: &[Value], numbers: &BTreeMap<String, String>) {
    let (truth, now) = (made_of(world), world.clock_now());
    let number = |it: &Value, key: &str| it[key].as_f64().unwrap();
    let week = 7.0 * Timestamp::DAY as f64;
    let (mut said, mut to_come, mut spend, mut order_value) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // Of those who are there: what is said of them, and what their rate made one expect of them so far.
    let (mut said_of_there, mut so_far) = (Vec::new(), Vec::new());
    for row in all {
        let made = &truth[&numbers[row["customer"]["person_id"].as_str().unwrap()]];
        let detail = &row["score"]["detail"];
        let horizon = now.0 + (number(detail, "horizon_weeks") * week) as i64;
        let weeks = (made["dropout_at"].as_i64().unwrap().min(horizon) - now.0).max(0) as f64 / week;
        said.push(number(detail, "purchases"));
        to_come.push(number(made, "purchase_rate") * weeks);
        spend.push(number(detail, "spend"));
        order_value.push(number(made, "mean_order_value"));
        if weeks > 0.0 {
            said_of_there.push(number(detail, "purchases"));
            so_far.push(number(made, "expected_repeats"));
        }
    }
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<f64>>();
    let (purchases, worth) = (alike(&said, &to_come), alike(&spend, &order_value));
    let both = alike(&product(&said, &spend), &product(&to_come, &order_value));
    assert!(purchases > 0.5 && worth > 0.35 && both > 0.5, "{purchases} {worth} {both}");
    let repeats = alike(&said_of_there, &so_far);
    assert!(repeats > 0.3, "{repeats}");

    let (sum, a_purchase) = (mean(&said) / mean(&to_come), mean(&spend) / mean(&order_value));
    assert!((0.65..1.6).contains(&sum) && (0.8..1.25).contains(&a_purchase), "{sum} {a_purchase}");
    let mut order: Vec<usize> = (0..said.len()).collect();
    order.sort_by(|a, b| said[*b].total_cmp(&said[*a]));
    let of = |places: &[usize], values: &[f64]| mean(&places.iter().map(|at| values[*at]).collect::<Vec<f64>>());
    let quarters: Vec<(f64, f64)> =
        order.chunks(order.len().div_ceil(4)).map(|it| (of(it, &said), of(it, &to_come))).collect();
    assert!((0.55..1.8).contains(&(quarters[0].0 / quarters[0].1)), "{quarters:?}");
    assert!(quarters.windows(2).all(|pair| pair[0].1 > pair[1].1), "in this order they really buy: {quarters:?}");
    let tenth = of(&order[..order.len() / 10], &to_come) / mean(&to_come);
    assert!(tenth > 2.5, "the best tenth buys {tenth} times as much as anybody");
}
