//! Trends against adding up by hand.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use rapport_domain::{Timestamp, money};
use serde_json::{Value, json};

use super::world::*;

/// What a measure comes to for some events.
fn measured(measure: &str, property: Option<&str>, events: &[&Happening]) -> Value {
    let amounts: Vec<i64> = events.iter().filter_map(|event| event.euros()).collect();
    let ratings: Vec<f64> = events.iter().filter_map(|event| event.text("rating")?.parse().ok()).collect();
    let people: BTreeSet<i64> = events.iter().map(|event| event.person).collect();
    let mean = |sum: i64, count: i64| (2 * sum + count) / (2 * count);
    let money = |amount: Option<i64>| amount.map_or(Value::Null, |micros| json!(money::format_micros(micros)));
    let middle = |sorted: &[i64]| match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[n / 2]),
        n => Some((sorted[n / 2 - 1] + sorted[n / 2]) / 2),
    };
    let mut sorted = amounts.clone();
    sorted.sort_unstable();
    match (measure, property) {
        ("count", _) => json!(events.len()),
        ("people", _) => json!(people.len()),
        ("sum", Some("revenue")) => money(Some(amounts.iter().sum())),
        ("average", Some("revenue")) => {
            money((!amounts.is_empty()).then(|| mean(amounts.iter().sum(), amounts.len() as i64)))
        }
        ("minimum", _) => money(sorted.first().copied()),
        ("maximum", _) => money(sorted.last().copied()),
        ("median", _) => money(middle(&sorted)),
        ("sum", _) => json!(ratings.iter().sum::<f64>()),
        _ if ratings.is_empty() => Value::Null,
        _ => json!(ratings.iter().sum::<f64>() / ratings.len() as f64),
    }
}

/// The number that a chart shows for a value.
fn drawn(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(money::parse_micros(text).unwrap() as f64 / 1e6),
        Value::Number(number) => json!(number.as_f64().unwrap()),
        _ => Value::Null,
    }
}

fn any_measure() -> impl Strategy<Value = (&'static str, Option<&'static str>)> {
    select(vec![
        ("count", None),
        ("people", None),
        ("sum", Some("revenue")),
        ("average", Some("revenue")),
        ("minimum", Some("revenue")),
        ("maximum", Some("revenue")),
        ("median", Some("revenue")),
        ("sum", Some("rating")),
        ("average", Some("rating")),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_trend_is_what_adding_up_gives(
        world in any_world(),
        (measure, property) in any_measure(),
        selector in any_selector(),
        (interval, period, who) in (any_interval(), any_period(), any_who()),
        breakdown in select(vec![None, Some("property"), Some("trait"), Some("fact")]),
    ) {
        let mut series = selector.clone();
        series["measure"] = json!(measure);
        if let Some(property) = property {
            series["property"] = json!(property);
        }
        let mut question = json!({"kind": "trend", "series": [series], "interval": interval, "period": period});
        if let Some(who) = &who {
            question["who"] = who.clone();
        }
        match breakdown {
            Some("property") => question["breakdown"] = json!({"property": "size"}),
            // A trait is a fact.
            Some("fact") => question["breakdown"] = json!({"fact": "trait.country"}),
            Some(_) => question["breakdown"] = json!({"trait": "country"}),
            None => {}
        }
        let found = detail(&world.settle().ask(&question));

        let (from, to) = world.range(&period);
        let is_money = property == Some("revenue");
        let counts = |event: &&Happening| {
            (from..to).contains(&event.at)
                && world.selected(&selector, event)
                && world.is_meant(who.as_ref(), event.person)
                && !(is_money && event.text("currency").is_some_and(|currency| currency != "EUR"))
        };
        let events: Vec<&Happening> = world.events.iter().filter(counts).collect();
        let part = |event: &Happening| match breakdown {
            Some("property") => Some(event.text("size").unwrap_or_else(|| "(not set)".to_owned())),
            Some(_) => Some(world.countries.get(&event.person).map_or("(not set)", |country| *country).to_owned()),
            None => None,
        };
        let mut parts: BTreeMap<Option<String>, Vec<&Happening>> = BTreeMap::new();
        for event in &events {
            parts.entry(part(event)).or_default().push(event);
        }
        if breakdown.is_none() {
            parts.entry(None).or_default();
        }
        let starts: Vec<Timestamp> =
            found["starts"].as_array().unwrap().iter().map(|start| at(start.as_str().unwrap())).collect();
        let calendar = world.calendar();
        // Intervals follow one another; those left out at the beginning have nothing to show.
        let early = |event: &&&Happening| calendar.floor(event.at, interval) < starts[0];
        for event in events.iter().filter(early) {
            let inside = |other: &&Happening| calendar.floor(other.at, interval) == calendar.floor(event.at, interval);
            let inside: Vec<&Happening> = events.iter().copied().filter(inside).collect();
            let value = drawn(&measured(measure, property, &inside));
            prop_assert!(value.is_null() || value == json!(0.0));
        }
        prop_assert!(events.iter().all(|event| event.at < calendar.next(starts[starts.len() - 1], interval)));
        for pair in starts.windows(2) {
            prop_assert_eq!(calendar.next(pair[0], interval), pair[1]);
        }
        let lines = found["series"].as_array().unwrap();
        let shown: BTreeSet<Option<String>> =
            lines.iter().map(|line| line["breakdown"].as_str().map(str::to_owned)).collect();
        prop_assert_eq!(&shown, &parts.keys().cloned().collect());
        for line in lines {
            let part = &parts[&line["breakdown"].as_str().map(str::to_owned)];
            prop_assert_eq!(drawn(&line["total"]), drawn(&measured(measure, property, part)));
            for (place, start) in starts.iter().enumerate() {
                let inside: Vec<&Happening> =
                    part.iter().copied().filter(|event| calendar.floor(event.at, interval) == *start).collect();
                prop_assert_eq!(&line["values"][place], &drawn(&measured(measure, property, &inside)), "from {}", start);
                let end = calendar.next(*start, interval);
                let cut = *start < from && !(period["all"] == json!(true) || period["from"].is_null() && period["last"].is_null());
                prop_assert_eq!(found["incomplete"][place].as_bool(), Some(cut || end > to.min(world.now)));
            }
        }
    }

    #[test]
    fn the_rest_of_a_breakdown_is_one_line_and_the_period_before_stands_beside(world in any_world()) {
        let question = |period: Value, limit: usize| json!({
            "kind": "trend", "interval": "day", "period": period, "compare": true, "breakdown_limit": limit,
            "series": [{"event": "*", "measure": "people"}], "breakdown": {"property": "size"},
        });
        let settled = world.settle();
        let (from, to) = (at("2026-03-28"), at("2026-03-30"));
        let period = json!({"from": "2026-03-28T00:00:00Z", "to": "2026-03-30T00:00:00Z"});
        let found = detail(&settled.ask(&question(period.clone(), 1)));
        let mut people: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        let in_range = |from: Timestamp, to: Timestamp| {
            world.events.iter().filter(move |event| (from..to.min(world.now.plus(1))).contains(&event.at))
        };
        for event in in_range(from, to) {
            if let Some(size) = event.text("size") {
                people.entry(size).or_default().insert(event.person);
            }
        }
        let mut ranked: Vec<(&String, usize)> = people.iter().map(|(size, people)| (size, people.len())).collect();
        ranked.sort_by_key(|(size, people)| (std::cmp::Reverse(*people), *size));
        let top = ranked.first().map(|(size, _)| (*size).clone());
        let line = |name: &str| {
            found["series"].as_array().unwrap().iter().find(|line| line["breakdown"] == name).cloned()
        };
        if let Some(top) = &top {
            prop_assert_eq!(&line(top).unwrap()["total"], &json!(people[top].len()));
            prop_assert_eq!(settled.people(&question(period.clone(), 1), json!({"series": 0, "breakdown": top})).len(), people[top].len());
        }
        let others: BTreeSet<i64> = people.iter().filter(|(size, _)| Some(*size) != top.as_ref()).flat_map(|(_, p)| p.clone()).collect();
        prop_assert_eq!(line("(other)").map(|line| line["total"].clone()), (!others.is_empty()).then(|| json!(others.len())));

        let whole = json!({"kind": "trend", "interval": "day", "period": period, "compare": true, "series": [{"event": "*"}]});
        let found = detail(&settled.ask(&whole));
        if world.now >= to && world.zone == "UTC" {
            let before = in_range(at("2026-03-26"), at("2026-03-28")).count();
            prop_assert_eq!(&found["series"][0]["compare_total"], &json!(before));
            prop_assert_eq!(found["series"][0]["compare"].as_array().unwrap().len(), 2);
        }
    }
}
