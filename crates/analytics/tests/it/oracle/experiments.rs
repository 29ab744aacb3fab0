//! Experiments against looking at every person and every event.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use rapport_analytics::experiment::{Exposed, Measured, Part};
use rapport_domain::shop_events::PASSIVE;
use rapport_domain::{Interval, Timestamp, money};
use rapport_models::experiments::{Moments, Paired};
use serde_json::{Value, json};

use super::world::*;

const VIEWED: &str = "Experiment Viewed";

fn any_exposure() -> impl Strategy<Value = Happening> {
    let variant = select(vec![Some("red"), Some("red"), Some("blue"), Some("green"), None]);
    (1i64..6, any_time(), select(vec!["color", "color", "color", "size"]), variant)
        .prop_map(|(person, at, experiment, variant)| exposure(person, at, experiment, variant))
}

fn exposure(person: i64, at: Timestamp, experiment: &str, variant: Option<&str>) -> Happening {
    let mut properties = vec![("experiment".to_owned(), json!(experiment))];
    properties.extend(variant.map(|variant| ("variant".to_owned(), json!(variant))));
    Happening { person, name: VIEWED, at, properties }
}

/// A line, as `of` or `per` of a metric.
fn any_line() -> impl Strategy<Value = Value> {
    let measured = select(vec![("people", ""), ("count", ""), ("sum", "revenue"), ("sum", "rating")]);
    (any_selector(), measured).prop_map(|(mut line, (measure, property))| {
        line["measure"] = json!(measure);
        if !property.is_empty() {
            line["property"] = json!(property);
        }
        line
    })
}

fn any_metric() -> impl Strategy<Value = Value> {
    let average = (any_selector(), select(vec!["revenue", "rating"])).prop_map(|(mut line, property)| {
        line["measure"] = json!("average");
        line["property"] = json!(property);
        json!({"of": line})
    });
    prop_oneof![
        3 => any_line().prop_map(|of| json!({"of": of})),
        1 => (any_line(), any_line()).prop_map(|(of, per)| json!({"of": of, "per": per})),
        1 => average,
    ]
}

/// A question, and the world it is asked in.
struct Asked<'w> {
    world: &'w World,
    question: Value,
    exposures: (Timestamp, Timestamp),
}

impl Asked<'_> {
    fn length(&self, name: &str) -> Option<i64> {
        let text = self.question[name].as_str()?;
        Some(rapport_segments::Duration::parse(text).unwrap().micros())
    }

    /// Every exposure that counts, in order of time: when, and to what.
    fn exposed(&self, person: i64) -> Vec<(Timestamp, Option<String>)> {
        let (from, to) = self.exposures;
        if self.question["everybody"] == true {
            let counts =
                |it: &&Happening| it.person == person && from <= it.at && it.at < to && !PASSIVE.contains(&it.name);
            let all = self.world.events.iter().filter(counts).map(|it| (it.at, Some("everybody".to_owned())));
            let mut all: Vec<_> = all.collect();
            all.sort();
            return all;
        }
        let counts = |it: &&Happening| {
            it.person == person
                && it.name == VIEWED
                && it.text("experiment").as_deref() == Some("color")
                && from <= it.at
                && it.at < to
        };
        let mut all: Vec<_> = self.world.events.iter().filter(counts).map(|it| (it.at, it.text("variant"))).collect();
        all.sort();
        all
    }

    /// What a person has of a line between two instants.
    fn value(&self, person: i64, line: &Value, from: Timestamp, to: Timestamp) -> f64 {
        let world = self.world;
        let events: Vec<&Happening> = world
            .events
            .iter()
            .filter(|it| {
                it.person == person && from <= it.at && it.at < to && it.at <= world.now && world.selected(line, it)
            })
            .collect();
        let number = |it: &&&Happening| it.text("rating").and_then(|rating| rating.parse::<f64>().ok());
        match (line["measure"].as_str().unwrap(), line["property"].as_str()) {
            ("people", _) => f64::from(u8::from(!events.is_empty())),
            ("count", _) => events.len() as f64,
            ("sum" | "average", Some("revenue")) => events.iter().filter_map(|it| it.euros()).sum::<i64>() as f64 / 1e6,
            ("sum" | "average", _) => events.iter().filter_map(|it| number(&it)).sum(),
            ("values", Some("revenue")) => events.iter().filter(|it| it.euros().is_some()).count() as f64,
            ("values", _) => events.iter().filter(|it| number(it).is_some()).count() as f64,
            other => panic!("{other:?}"),
        }
    }

    fn known(&self) -> Timestamp {
        self.world.now.plus(1)
    }

    fn end(&self, first: Timestamp) -> Timestamp {
        self.length("window").map_or(self.exposures.1, |window| first.plus(window).min(self.known()))
    }

    fn is_mature(&self, first: Timestamp) -> bool {
        self.length("window").is_none_or(|window| first.plus(window) <= self.known())
    }

    /// Checks a part that holds these people.
    fn check(&self, part: &Part, people: &[i64], days: &[Timestamp]) -> Result<(), TestCaseError> {
        let names: Vec<&str> = part.variants.iter().map(|it| it.variant.as_str()).collect();
        let (mut mixed, mut unknown) = (0, 0);
        let mut members: BTreeMap<&str, Vec<(i64, Timestamp, usize)>> = BTreeMap::new();
        for person in people {
            let exposed = self.exposed(*person);
            let arms: BTreeSet<Option<&str>> =
                exposed.iter().map(|(_, variant)| variant.as_deref().filter(|it| names.contains(it))).collect();
            match arms.into_iter().collect::<Vec<_>>().as_slice() {
                [] => {}
                [None] => unknown += 1,
                [Some(arm)] => {
                    let arm = names.iter().find(|name| *name == arm).unwrap();
                    members.entry(arm).or_default().push((*person, exposed[0].0, exposed.len()));
                }
                _ => mixed += 1,
            }
        }
        prop_assert_eq!((part.mixed, part.unknown), (mixed, unknown));
        let calendar = self.world.calendar();
        for variant in &part.variants {
            let all = members.get(variant.variant.as_str()).cloned().unwrap_or_default();
            let immature = all.iter().filter(|(_, first, _)| !self.is_mature(*first)).count();
            let leaves_out = self.question["immature"] != "count";
            let counted: Vec<_> = all.iter().filter(|(_, first, _)| !leaves_out || self.is_mature(*first)).collect();
            prop_assert_eq!(variant.persons, all.len() as u64);
            prop_assert_eq!(variant.exposures, all.iter().map(|it| it.2 as u64).sum::<u64>());
            prop_assert_eq!((variant.immature, variant.counted), (immature as u64, counted.len() as u64));
            prop_assert_eq!(variant.by_day.len(), days.len());
            prop_assert_eq!(
                variant.by_day.iter().sum::<u64>(),
                variant.persons,
                "every first exposure is on one of the days"
            );
            for (day, found) in days.iter().zip(&variant.by_day) {
                let expected = all.iter().filter(|it| calendar.floor(it.1, Interval::Day) == *day).count();
                prop_assert_eq!(*found, expected as u64, "{}", day);
            }
            for (metric, found) in self.question["metrics"].as_array().unwrap().iter().zip(&variant.metrics) {
                let of = &metric["of"];
                let values = counted.iter().map(|(person, first, _)| {
                    let y = self.value(*person, of, *first, self.end(*first));
                    let mut per = metric["per"].clone();
                    if of["measure"] == "average" {
                        per = of.clone();
                        per["measure"] = json!("values");
                    }
                    let x = match self.length("before") {
                        _ if !per.is_null() => self.value(*person, &per, *first, self.end(*first)),
                        Some(before) => self.value(*person, of, first.plus(-before), *first),
                        None => 0.0,
                    };
                    Paired { n: 1, y, yy: y * y, x, xx: x * x, xy: x * y }
                });
                let expected = values.fold(Paired::default(), Paired::merged);
                let is_ratio = !metric["per"].is_null() || of["measure"] == "average";
                check_metric(found, expected, is_ratio, of["measure"] == "people", self.length("before").is_some())?;
            }
        }
        Ok(())
    }
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * (1.0 + expected.abs())
}

fn check_metric(
    found: &Measured,
    expected: Paired,
    is_ratio: bool,
    is_share: bool,
    has_before: bool,
) -> Result<(), TestCaseError> {
    let paired = |found: &Paired| {
        found.n == expected.n
            && [
                (found.y, expected.y),
                (found.yy, expected.yy),
                (found.x, expected.x),
                (found.xx, expected.xx),
                (found.xy, expected.xy),
            ]
            .into_iter()
            .all(|(found, expected)| near(found, expected))
    };
    match found {
        Measured::Ratio(sums) => prop_assert!(is_ratio && paired(sums), "{:?} {:?}", sums, expected),
        Measured::Share { moments, before } | Measured::Mean { moments, before } => {
            let found_share = matches!(found, Measured::Share { .. });
            prop_assert_eq!((is_ratio, is_share), (false, found_share));
            let Moments { n, sum, squares } = *moments;
            prop_assert!(
                n == expected.n && near(sum, expected.y) && near(squares, expected.yy),
                "{:?} {:?}",
                moments,
                expected
            );
            prop_assert_eq!(before.is_some(), has_before);
            prop_assert!(before.as_ref().is_none_or(paired), "{:?} {:?}", before, expected);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_readout_is_what_looking_at_everyone_gives(
        (world, exposures) in (any_world(), prop::collection::vec(any_exposure(), 0..12)),
        metrics in prop::collection::vec(any_metric(), 0..4),
        (period, who, found) in (any_period(), any_who(), any::<bool>()),
        (window, before) in (select(vec![None, Some("12h"), Some("1d"), Some("3d")]), select(vec![None, Some("12h"), Some("2d")])),
        (immature, by_country, everybody) in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let mut world = world;
        // Among the others, so that some are in files and some in memory.
        for (at, exposure) in exposures.into_iter().enumerate() {
            world.events.insert((7 * at) % (world.events.len() + 1), exposure);
        }
        // In place of an experiment: what one would have found of all who came.
        let found = found && !everybody;
        let variants = if found { json!([]) } else if everybody { json!(["everybody"]) } else { json!(["red", "blue"]) };
        let mut question = json!({"experiment": "color", "variants": variants, "metrics": metrics, "period": period});
        let optional = [("window", window.map(Value::from)), ("before", before.map(Value::from)), ("who", who.clone())];
        for (name, value) in optional {
            if let Some(value) = value {
                question[name] = value;
            }
        }
        if everybody {
            question["everybody"] = json!(true);
        }
        if immature {
            question["immature"] = json!("count");
        }
        if by_country {
            question["breakdown"] = json!({"trait": "country"});
        }
        let exposed = world.settle().experiment(&question);
        let asked = Asked { world: &world, question, exposures: world.range(&period) };
        let meant: Vec<i64> = world.people().into_iter().filter(|person| world.is_meant(who.as_ref(), *person)).collect();
        let seen: BTreeSet<String> = meant.iter().flat_map(|person| asked.exposed(*person)).filter_map(|it| it.1).collect();
        let names: BTreeSet<String> = exposed.all.variants.iter().map(|it| it.variant.clone()).collect();
        prop_assert!(!found || names == seen, "{:?} {:?}", names, seen);
        asked.check(&exposed.all, &meant, &exposed.days)?;
        if by_country {
            let of = |person: &i64| world.countries.get(person).copied().unwrap_or("(not set)");
            let exposed_in: BTreeSet<&str> = meant.iter().filter(|it| !asked.exposed(**it).is_empty()).map(of).collect();
            let shown: BTreeSet<&str> = exposed.parts.iter().map(|(name, _)| name.as_str()).collect();
            prop_assert_eq!(shown, exposed_in);
            for (name, part) in &exposed.parts {
                let people: Vec<i64> = meant.iter().copied().filter(|person| of(person) == name).collect();
                asked.check(part, &people, &exposed.days)?;
            }
        }
        prop_assert_eq!(exposed.foreign, foreign(&asked, &exposed, &meant));
    }
}

/// Events after exposure that a sum of money would have, were they in euros.
fn foreign(asked: &Asked<'_>, exposed: &Exposed, meant: &[i64]) -> u64 {
    let names: Vec<&str> = exposed.all.variants.iter().map(|it| it.variant.as_str()).collect();
    let metrics = asked.question["metrics"].as_array().unwrap();
    let lines = || {
        metrics.iter().flat_map(|metric| [&metric["of"], &metric["per"]]).filter(|line| line["property"] == "revenue")
    };
    let of = |person: &i64| {
        let all = asked.exposed(*person);
        let Some((first, Some(arm))) = all.first() else { return 0 };
        let alone = all.iter().all(|(_, other)| other.as_ref() == Some(arm)) && names.contains(&arm.as_str());
        let counted = asked.question["immature"] == "count" || asked.is_mature(*first);
        let is_foreign = |it: &&Happening| {
            it.person == *person
                && *first <= it.at
                && it.at < asked.end(*first)
                && it.text("currency").is_some_and(|currency| currency != "EUR")
                && it
                    .properties
                    .iter()
                    .any(|(path, value)| path == "revenue" && money::micros_from_json(value).is_some())
                && lines().any(|line| asked.world.selected(line, it))
        };
        if alone && counted { asked.world.events.iter().filter(is_foreign).count() as u64 } else { 0 }
    };
    meant.iter().map(of).sum()
}

fn buy(person: i64, at: Timestamp, revenue: &str) -> Happening {
    let properties = vec![("revenue".to_owned(), json!(revenue)), ("currency".to_owned(), json!("EUR"))];
    Happening { person, name: ORDER, at, properties }
}

fn shop(events: Vec<Happening>) -> World {
    World { events, countries: BTreeMap::new(), zone: "UTC", now: at("2026-04-10T00:00:00Z") }
}

/// By hand: what is bought at the instant of exposure counts, at the end of the window it does not, and what is bought before counts as before, also
/// when it is heard of last.
#[test]
fn instants_of_exposure_and_of_the_windows_end() {
    let first = at("2026-04-01T12:00:00Z");
    let day = |days: i64| first.plus(days * Timestamp::DAY);
    let world = shop(vec![
        exposure(1, day(1), "color", Some("red")),
        exposure(1, first, "color", Some("red")),
        buy(1, first, "10"),
        buy(1, day(2).plus(-1), "20"),
        buy(1, day(2), "40"),
        // Heard of last.
        buy(1, first.plus(-1), "80"),
        buy(1, day(-1), "160"),
        buy(1, day(-1).plus(-1), "320"),
        // Exposed, and nothing else.
        exposure(2, first, "color", Some("red")),
        // Two histories of one person, one in each variant.
        exposure(3, first, "color", Some("red")),
        exposure(3, first, "color", Some("blue")),
        buy(3, day(1), "640"),
        // Two days are over with the very last instant of the data.
        exposure(4, day(6).plus(Timestamp::DAY / 2 + 1), "color", Some("blue")),
        exposure(5, day(6), "color", Some("blue")),
    ]);
    let revenue = json!({"of": {"event": ORDER, "measure": "sum", "property": "revenue"}});
    let question = json!({"experiment": "color", "variants": ["red", "blue"], "metrics": [revenue], "window": "2d", "before": "1d"});
    let found = world.settle().experiment(&question);
    let [red, blue] = found.all.variants.as_slice() else { panic!("two variants") };
    assert_eq!((red.persons, red.exposures, red.immature, red.counted), (2, 3, 0, 2));
    let Measured::Mean { moments, before: Some(before) } = red.metrics[0] else { panic!("a mean") };
    assert_eq!(moments, Moments { n: 2, sum: 30.0, squares: 900.0 });
    assert_eq!(before, Paired { n: 2, y: 30.0, yy: 900.0, x: 240.0, xx: 57_600.0, xy: 7_200.0 });
    assert_eq!(found.all.mixed, 1);
    assert_eq!(
        (blue.persons, blue.immature, blue.counted),
        (2, 0, 2),
        "two days are over with the data's last instant"
    );
    let earlier = World { now: at("2026-04-09T23:59:59.999999Z"), ..world };
    let found = earlier.settle().experiment(&question);
    assert_eq!((found.all.variants[1].immature, found.all.variants[1].counted), (1, 1));
}
