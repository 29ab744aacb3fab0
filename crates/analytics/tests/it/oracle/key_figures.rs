//! Key figures against counting by hand.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rapport_domain::{Timestamp, money};
use serde_json::{Value, json};

use super::world::*;

fn expected(world: &World, (from, to): (Timestamp, Timestamp)) -> BTreeMap<&'static str, Value> {
    let inside = |event: &&Happening| (from..to).contains(&event.at);
    let active: BTreeSet<i64> = world.events.iter().filter(inside).map(|event| event.person).collect();
    let orders: Vec<&Happening> = world.events.iter().filter(|event| event.name == ORDER).collect();
    let mut ever: BTreeMap<i64, Vec<Timestamp>> = BTreeMap::new();
    for order in orders.iter().filter(|order| order.at < to) {
        ever.entry(order.person).or_default().push(order.at);
    }
    let new = ever.values().filter(|times| times.iter().min().is_some_and(|first| *first >= from)).count();
    let twice = ever.values().filter(|times| times.len() >= 2).count();
    let in_period: Vec<&Happening> = orders.iter().copied().filter(inside).collect();
    let amounts: Vec<i64> = in_period.iter().filter_map(|order| order.euros()).collect();
    let revenue: i64 = amounts.iter().sum();
    let (sum, n) = (revenue, amounts.len() as i64);
    BTreeMap::from([
        ("active_customers", json!(active.len())),
        ("new_customers", json!(new)),
        ("orders", json!(in_period.len())),
        ("revenue", json!(money::format_micros(revenue))),
        ("repeat_purchase_rate", if ever.is_empty() { Value::Null } else { json!(twice as f64 / ever.len() as f64) }),
        (
            "average_order_value",
            if n == 0 { Value::Null } else { json!(money::format_micros((2 * sum + n) / (2 * n))) },
        ),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_key_figures_are_what_counting_gives(world in any_world(), period in any_period()) {
        let found = detail(&world.settle().ask(&json!({"kind": "kpis", "period": period})));
        let expected = expected(&world, world.range(&period));
        let figures = found["figures"].as_array().unwrap();
        prop_assert_eq!(figures.len(), expected.len());
        for figure in figures {
            prop_assert_eq!(&figure["value"], &expected[figure["key"].as_str().unwrap()], "{}", figure["key"]);
        }
        let sum = |key: &str| found["revenue"][key].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).sum::<f64>();
        // It is drawn over twelve weeks at least, which reach back over all events there are here.
        let (_, to) = world.range(&period);
        let before = world.events.iter().filter(|event| event.name == ORDER && event.at < to);
        let revenue = before.filter_map(Happening::euros).sum::<i64>() as f64 / 1e6;
        prop_assert!((sum("new") + sum("returning") - revenue).abs() < 1e-6);
        let orders = figures.iter().find(|figure| figure["key"] == "orders").unwrap();
        let spark: f64 = orders["spark"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).sum();
        prop_assert_eq!(json!(spark as u64), orders["value"].clone());
    }
}
