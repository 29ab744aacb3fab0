//! Funnels against trying every way to give steps to events.

use proptest::prelude::*;
use proptest::sample::select;
use rapport_domain::Timestamp;
use serde_json::json;

use super::world::*;

struct Asked<'a> {
    steps: usize,
    order: &'a str,
    window: i64,
    range: (Timestamp, Timestamp),
}

/// An event of one person: when, which steps it matches, and whether it matches an exclusion.
struct Seen {
    at: Timestamp,
    steps: Vec<bool>,
    excluded: bool,
}

/// All chains of `level` steps, as the times of their steps. One event is one step at most.
fn chains(asked: &Asked<'_>, events: &[Seen], level: usize) -> Vec<Vec<Timestamp>> {
    let mut found = Vec::new();
    let steps: Vec<Vec<usize>> = if asked.order == "any" {
        (0_u32..1 << asked.steps)
            .filter(|set| set.count_ones() as usize == level)
            .map(|set| (0..asked.steps).filter(|step| set & (1 << step) != 0).collect())
            .collect()
    } else {
        vec![(0..level).collect()]
    };
    for steps in steps {
        extend(asked, events, &steps, &mut Vec::new(), &mut found);
    }
    found
}

fn extend(
    asked: &Asked<'_>,
    events: &[Seen],
    steps: &[usize],
    chosen: &mut Vec<usize>,
    found: &mut Vec<Vec<Timestamp>>,
) {
    let Some(step) = steps.get(chosen.len()) else {
        if allowed(asked, events, chosen) {
            found.push(chosen.iter().map(|event| events[*event].at).collect());
        }
        return;
    };
    for event in 0..events.len() {
        if !chosen.contains(&event) && events[event].steps[*step] {
            chosen.push(event);
            extend(asked, events, steps, chosen, found);
            chosen.pop();
        }
    }
}

fn allowed(asked: &Asked<'_>, events: &[Seen], chosen: &[usize]) -> bool {
    let times: Vec<Timestamp> = chosen.iter().map(|event| events[*event].at).collect();
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { return false };
    let between = |event: &Seen| *first < event.at && event.at < *last;
    let in_order = asked.order == "any" || times.is_sorted();
    let strict =
        asked.order != "strict" || (0..events.len()).all(|event| !between(&events[event]) || chosen.contains(&event));
    in_order
        && strict
        && (asked.range.0..asked.range.1).contains(first)
        && last.0 - first.0 <= asked.window
        && !events.iter().any(|event| between(event) && event.excluded)
}

/// The deepest level of a person, and the chain that is told: complete first, entered last, further steps as early as can be.
fn deepest(asked: &Asked<'_>, events: &[Seen]) -> (usize, Vec<Timestamp>) {
    for level in (1..=asked.steps).rev() {
        let told = chains(asked, events, level).into_iter().min_by_key(|times| {
            (times.iter().max().copied(), std::cmp::Reverse(times.first().copied()), times.clone())
        });
        if let Some(told) = told {
            return (level, told);
        }
    }
    (0, Vec::new())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_funnel_is_what_trying_everything_gives(
        world in any_world(),
        steps in prop::collection::vec(any_selector(), 1..4),
        exclude in prop::collection::vec(any_selector(), 0..2),
        order in select(vec!["ordered", "ordered", "strict", "any"]),
        window in select(vec!["30m", "12h", "1d", "2d", "14d"]),
        (period, who) in (any_period(), any_who()),
        breakdown in select(vec![None, Some(json!({"property": "size"})), Some(json!({"trait": "country"}))]),
    ) {
        let mut question = json!({
            "kind": "funnel", "steps": steps, "exclude": exclude, "order": order, "window": window, "period": period
        });
        if let Some(who) = &who {
            question["who"] = who.clone();
        }
        if let Some(breakdown) = &breakdown {
            question["breakdown"] = breakdown.clone();
        }
        let settled = world.settle();
        let found = detail(&settled.ask(&question));

        let window = rapport_segments::Duration::parse(window).unwrap().micros();
        let asked = Asked { steps: steps.len(), order, window, range: world.range(&period) };
        let seen = |event: &Happening| Seen {
            at: event.at,
            steps: steps.iter().map(|step| world.selected(step, event)).collect(),
            excluded: exclude.iter().any(|selector| world.selected(selector, event)),
        };
        let mut told = Vec::new();
        for person in world.people() {
            let events: Vec<Seen> = world
                .events
                .iter()
                .filter(|event| event.person == person && event.at >= asked.range.0 && event.at <= world.now)
                .map(seen)
                .collect();
            if world.is_meant(who.as_ref(), person) {
                told.push((person, deepest(&asked, &events)));
            }
        }
        for step in 0..steps.len() {
            let reached: Vec<i64> =
                told.iter().filter(|(_, (level, _))| *level > step).map(|(person, _)| *person).collect();
            let shown = &found["steps"][step];
            prop_assert_eq!(&shown["people"], &json!(reached.len()), "step {}", step + 1);
            let parts = shown["breakdown"].as_array().unwrap();
            if breakdown.is_some() {
                prop_assert_eq!(parts.iter().map(|part| part["people"].as_u64().unwrap()).sum::<u64>(), reached.len() as u64);
            }
            if breakdown.as_ref().is_some_and(|breakdown| breakdown.get("trait").is_some()) {
                for part in parts {
                    let of_part = |person: &&i64| {
                        part["value"] == **world.countries.get(*person).unwrap_or(&"(not set)")
                    };
                    prop_assert_eq!(&part["people"], &json!(reached.iter().filter(of_part).count()));
                }
            }
            if step > 0 && order != "any" {
                let mut gaps: Vec<i64> =
                    told.iter().filter_map(|(_, (_, times))| Some(times.get(step)?.0 - times[step - 1].0)).collect();
                gaps.sort_unstable();
                let n = gaps.len();
                let median = (n > 0).then(|| (gaps[(n - 1) / 2] + gaps[n / 2]) as f64 / 2.0);
                prop_assert_eq!(shown["median_seconds"].as_f64(), median.map(|micros| micros / 1e6));
            }
        }
        let step = steps.len();
        let people = |level: usize| told.iter().filter(|(_, (l, _))| *l == level).map(|(p, _)| *p).collect::<Vec<_>>();
        prop_assert_eq!(settled.people(&question, json!({"step": step, "stage": "reached"})), people(step));
        if step > 1 {
            prop_assert_eq!(settled.people(&question, json!({"step": step, "stage": "dropped"})), people(step - 1));
        }
    }
}
