//! Retention against looking at every person and interval.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rapport_domain::Timestamp;
use serde_json::{Value, json};

use super::world::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn retention_is_what_looking_at_everyone_gives(
        world in any_world(),
        (start, back) in (any_selector(), any_selector()),
        (interval, period, who) in (any_interval(), any_period(), any_who()),
        (first_time, on_or_after, columns) in (any::<bool>(), any::<bool>(), 1usize..5),
    ) {
        let mut question = json!({
            "kind": "retention", "start": start, "back": back, "interval": interval, "first_time": first_time,
            "on_or_after": on_or_after, "intervals": columns, "period": period
        });
        if let Some(who) = &who {
            question["who"] = who.clone();
        }
        let settled = world.settle();
        let found = detail(&settled.ask(&question));

        let (from, to) = world.range(&period);
        let calendar = world.calendar();
        let times = |person: i64, selector: &Value| -> Vec<Timestamp> {
            let done = |event: &&Happening| {
                event.person == person && event.at <= world.now && world.selected(selector, event)
            };
            world.events.iter().filter(done).map(|event| event.at).collect()
        };
        let starts: BTreeMap<i64, Vec<Timestamp>> = world.people().into_iter().map(|p| (p, times(p, &start))).collect();
        let backs: BTreeMap<i64, Vec<Timestamp>> = world.people().into_iter().map(|p| (p, times(p, &back))).collect();
        let meant: Vec<i64> = world.people().into_iter().filter(|p| world.is_meant(who.as_ref(), *p)).collect();
        let founds = |person: i64, cohort: Timestamp| {
            let first = starts[&person].iter().min();
            let counted: Vec<&Timestamp> = starts[&person].iter().filter(|at| !first_time || first == Some(at)).collect();
            counted.iter().any(|at| (from..to).contains(*at) && calendar.floor(**at, interval) == cohort)
        };
        let comes_back = |person: i64, interval_start: Timestamp| {
            backs[&person].iter().any(|at| calendar.floor(*at, interval) == interval_start)
        };
        let mut people_in_cohorts = 0;
        for (place, cohort) in found["cohorts"].as_array().unwrap().iter().enumerate() {
            let begins = at(cohort["start"].as_str().unwrap());
            let members: Vec<i64> = meant.iter().copied().filter(|person| founds(*person, begins)).collect();
            people_in_cohorts += members.len();
            prop_assert_eq!(&cohort["size"], &json!(members.len()));
            let cells = cohort["cells"].as_array().unwrap();
            prop_assert_eq!(&cells[0]["count"], &cohort["size"]);
            // The intervals after the cohort's, as far as asked for.
            let mut later = vec![begins];
            for k in 1..=columns {
                later.push(calendar.next(later[k - 1], interval));
            }
            for (k, cell) in cells.iter().enumerate().skip(1) {
                let last = if on_or_after { columns } else { k };
                let returned: Vec<i64> = members
                    .iter()
                    .copied()
                    .filter(|person| (k..=last).any(|k| comes_back(*person, later[k])))
                    .collect();
                prop_assert_eq!(&cell["count"], &json!(returned.len()), "cohort {} column {}", begins, k);
                prop_assert_eq!(&cell["complete"], &json!(calendar.next(later[k], interval) <= world.now));
                if place == 0 && k == 1 {
                    let part = json!({"cohort": cohort["start"], "interval": k});
                    prop_assert_eq!(settled.people(&question, part), returned);
                }
            }
            // What is not shown lies in the future, or behind the last interval of all.
            if cells.len() <= columns {
                prop_assert!(later[cells.len()] > world.now || later[cells.len()] >= to);
            }
        }
        let founded: BTreeSet<(i64, Timestamp)> = meant
            .iter()
            .flat_map(|person| {
                let first = starts[person].iter().min();
                let counts = move |at: &&Timestamp| !first_time || first == Some(*at);
                starts[person].iter().filter(counts).map(|at| (*person, *at)).collect::<Vec<_>>()
            })
            .filter(|(_, at)| (from..to).contains(at))
            .map(|(person, at)| (person, calendar.floor(at, interval)))
            .collect();
        prop_assert_eq!(people_in_cohorts, founded.len(), "nobody is left out");
    }
}
