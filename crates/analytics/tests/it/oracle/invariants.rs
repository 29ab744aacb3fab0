//! What must agree between questions of different kinds, and what the catalog says of the same events.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn questions_agree_with_one_another(
        world in any_world(),
        (selector, period, interval, who) in (any_selector(), any_period(), any_interval(), any_who()),
    ) {
        let settled = world.settle();
        let with_who = |mut question: Value| {
            if let Some(who) = &who {
                question["who"] = who.clone();
            }
            question
        };
        let mut series = selector.clone();
        series["measure"] = json!("people");
        let trend = with_who(json!({"kind": "trend", "series": [series], "interval": interval, "period": period}));
        let people = detail(&settled.ask(&trend));
        let people = &people["series"][0];

        // The people of step 1 are those of the trend.
        let funnel = with_who(json!({"kind": "funnel", "steps": [selector, {"event": QUIZ}], "period": period}));
        let funnel = detail(&settled.ask(&funnel));
        prop_assert_eq!(&funnel["steps"][0]["people"], &people["total"]);

        // The cohorts of a recurring retention are the people of the trend, interval by interval.
        let retention = with_who(json!({
            "kind": "retention", "start": selector, "back": {"event": "*"}, "interval": interval, "period": period
        }));
        let retention = detail(&settled.ask(&retention));
        let sizes: Vec<f64> =
            retention["cohorts"].as_array().unwrap().iter().map(|cohort| cohort["size"].as_f64().unwrap()).collect();
        let values: Vec<f64> = people["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        prop_assert_eq!(sizes, values);

        // Buyers of RFM are the people with an order.
        let orders = with_who(json!({"kind": "trend", "interval": interval, "period": period,
            "series": [{"event": ORDER, "measure": "people"}]}));
        let orders = detail(&settled.ask(&orders));
        let rfm = detail(&settled.ask(&with_who(json!({"kind": "rfm", "period": period}))));
        prop_assert_eq!(&rfm["customers"], &orders["series"][0]["total"]);
    }

    #[test]
    fn the_catalog_lists_what_there_is(world in any_world()) {
        let settled = world.settle();
        let mut names: BTreeMap<&str, (u64, std::collections::BTreeSet<i64>)> = BTreeMap::new();
        for event in &world.events {
            let entry = names.entry(event.name).or_default();
            entry.0 += 1;
            entry.1.insert(event.person);
        }
        let listed: Vec<(String, u64, Option<u64>)> =
            settled.events().into_iter().map(|event| (event.name, event.events, event.people)).collect();
        let expected: Vec<(String, u64, Option<u64>)> = names
            .iter()
            .map(|(name, (events, people))| ((*name).to_owned(), *events, Some(people.len() as u64)))
            .collect();
        prop_assert_eq!(listed, expected);
        for event in [None, Some(VIEW)] {
            let mut paths: BTreeMap<&str, u64> = BTreeMap::new();
            for happening in world.events.iter().filter(|happening| event.is_none_or(|name| name == happening.name)) {
                for (path, _) in &happening.properties {
                    *paths.entry(path).or_default() += 1;
                }
            }
            let listed: Vec<(String, u64)> =
                settled.properties(event).into_iter().map(|property| (property.path, property.events)).collect();
            prop_assert_eq!(listed, paths.into_iter().map(|(path, count)| (path.to_owned(), count)).collect::<Vec<_>>());
        }
        let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
        world.events.iter().filter_map(|event| event.text("size")).for_each(|size| *sizes.entry(size).or_default() += 1);
        let mut sizes: Vec<(String, u64)> = sizes.into_iter().collect();
        sizes.sort_by_key(|(size, count)| (std::cmp::Reverse(*count), size.clone()));
        let listed: Vec<(String, u64)> = settled.values("size").into_iter().map(|value| (value.value, value.events)).collect();
        prop_assert_eq!(listed, sizes);
    }
}

#[test]
fn subscriptions_have_figures_of_their_own() {
    let world = World {
        events: [
            ("Subscription Started", "2026-03-02", 1, json!(14.9)),
            ("Subscription Started", "2026-03-05", 2, json!(24.9)),
            ("Subscription Renewed", "2026-04-01", 1, json!(14.9)),
            ("Subscription Cancelled", "2026-04-03", 2, json!(24.9)),
        ]
        .into_iter()
        .map(|(name, time, person, mrr)| Happening {
            person,
            name,
            at: at(time),
            properties: vec![
                ("subscription_id".to_owned(), json!(format!("s{person}"))),
                ("mrr".to_owned(), mrr),
                ("currency".to_owned(), json!("EUR")),
            ],
        })
        .collect(),
        countries: BTreeMap::new(),
        zone: "UTC",
        now: at("2026-04-05T00:00:00Z"),
    };
    let found =
        detail(&world.settle().ask(&json!({"kind": "kpis", "period": {"from": "2026-04-01", "to": "2026-04-04"}})));
    let figure =
        |key: &str| found["figures"].as_array().unwrap().iter().find(|figure| figure["key"] == key).cloned().unwrap();
    assert_eq!(figure("mrr")["value"], "14.90");
    assert_eq!(figure("churned_mrr")["value"], "24.90");
    assert_eq!(figure("renewal_rate")["value"], 0.5);
    assert!((figure("mrr")["change"].as_f64().unwrap() - (14.9 / 39.8 - 1.0)).abs() < 1e-9);
}

#[test]
fn an_answer_says_what_is_not_over_and_what_is_left_out() {
    let happening = |time: &str, currency: &str| Happening {
        person: 1,
        name: ORDER,
        at: at(time),
        properties: vec![("revenue".to_owned(), json!("1000000.10")), ("currency".to_owned(), json!(currency))],
    };
    let world = World {
        events: vec![
            happening("2026-10-31T23:30:00Z", "EUR"),
            happening("2026-11-20", "EUR"),
            happening("2026-11-21", "USD"),
        ],
        countries: BTreeMap::new(),
        zone: "Europe/Berlin",
        now: at("2026-11-21T22:00:00Z"),
    };
    let answer = world.settle().ask(&json!({"kind": "trend", "interval": "month",
        "series": [{"event": ORDER, "measure": "sum", "property": "revenue"}]}));
    assert_eq!(answer.sentence, "Order Completed: sum of revenue: 2,000,000.20 EUR in 1 month.");
    assert_eq!(
        answer.notes,
        [
            "November 2026 is not complete yet.",
            "1 event has an amount in another currency than EUR and is left out of the sums."
        ]
    );
    let row = serde_json::to_value(&answer.rows[0]).unwrap();
    assert_eq!(row, json!(["2026-10-31T23:00:00Z", "2000000.20"]));
}

/// Eight to ten orders a day, and four fewer from the 61st day on.
#[test]
fn an_answer_says_when_the_level_changed() {
    let order = |day: i64, of_day: i64| Happening {
        person: of_day,
        name: ORDER,
        at: at("2026-01-01T09:00:00Z").plus((day * 86_400 + of_day) * 1_000_000),
        properties: Vec::new(),
    };
    let orders = |day: i64| day * day * 7_919 % 3 + if day < 60 { 8 } else { 4 };
    let world = World {
        events: (0..90).flat_map(|day| (0..orders(day)).map(move |it| order(day, it + 1))).collect(),
        countries: BTreeMap::new(),
        zone: "UTC",
        now: at("2026-04-02"),
    };
    let question = json!({"kind": "trend", "interval": "day", "series": [{"event": ORDER}],
        "period": {"from": "2026-01-01", "to": "2026-03-31"}});
    let answer = world.settle().ask(&question);
    let note = "the level changed once, with 2026-03-02, from 9.33 to 5.33, 42.9% less.";
    assert!(answer.notes.len() == 1 && answer.notes[0].ends_with(note), "{:?}", answer.notes);
    let found = detail(&answer);
    let changes = found["series"][0]["changes"].as_array().unwrap();
    assert_eq!((changes.len(), &changes[0]["at"]), (1, &json!(60)));
    assert_eq!(&found["starts"][60], &json!("2026-03-02T00:00:00Z"));
    let before = World { now: at("2026-03-03"), ..world };
    let question = json!({"kind": "trend", "interval": "day", "series": [{"event": ORDER}],
        "period": {"from": "2026-01-01", "to": "2026-02-28"}});
    let answer = before.settle().ask(&question);
    assert!(answer.notes.is_empty() && detail(&answer)["series"][0].get("changes").is_none(), "{:?}", answer.notes);
}

#[test]
fn a_question_about_nobody_has_an_end() {
    let order = || Happening { person: 1, name: ORDER, at: at("2026-03-26T12:00:00Z"), properties: Vec::new() };
    let world = World {
        events: vec![order(), order()],
        countries: BTreeMap::new(),
        zone: "UTC",
        now: at("2026-04-01T10:00:00Z"),
    };
    let who = json!({"all": [
        {"fact": {"key": "trait.country", "op": "exists"}},
        {"performed": {"event": VIEW, "within": {"last": "2d"}}}
    ]});
    let found = detail(&world.settle().ask(&json!({"kind": "rfm", "period": {"last": "1w"}, "who": who})));
    assert_eq!(found["customers"], 0);
}
