//! What a change would do, before it is made: the index of all by the definition in use and by another, on the same people and what is known of them.
//!
//! Always holds: both are worked out of what the last run of scores knew of those who have an index; nothing is written.

use std::collections::HashMap;

use rapport_domain::PersonId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Settings;
use super::definition::{BUILT, Built, Definition, FACT, Measure, row};
use super::learning::{Content, MOVES, read, settled};
use super::people::People;
use super::reading::Reading;
use super::run::{Detail, person};
use crate::scores::Verdict;

/// A measure, as it would count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyShown)]
pub struct Shown {
    /// The measure.
    pub measure: Measure,
    /// Of how many people it is known.
    pub people: u64,
    /// What they have on average, from 0 to 100; null where it is known of nobody.
    pub scaled: Option<f64>,
}

/// What a change would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyEffect)]
pub struct Effect {
    /// How many people have an index now.
    pub people: u64,
    /// The mean by the definition in use.
    pub before: f64,
    /// The mean by the other.
    pub after: f64,
    /// How many people would change by more than ten points.
    pub changed: u64,
    /// How many would have no index any more.
    pub lost: u64,
    /// The measures.
    pub measures: Vec<Shown>,
    /// What the index would say of all.
    pub reading: Reading,
    /// Whether the time that is looked at changes too: what that does is seen after the next run only.
    pub is_window_changed: bool,
}

/// What settings would do to these people, whose details the last run kept; `more` are facts that it did not know, by person, in the order of `facts`.
///
/// # Errors
/// There would be no index: too little would be known, or nothing would weigh.
pub fn effect(
    details: &[(PersonId, Detail)],
    live: &Content,
    settings: &Settings,
    (facts, more): (&[String], &HashMap<PersonId, Vec<f64>>),
) -> Result<Effect, Verdict> {
    let people = gathered(details, (facts, more));
    let definition = settled(settings, &people, Some(live));
    let (now, then) = (read(&definition, &people)?, read(&live.definition, &people)?);
    let pairs = || then.persons.iter().zip(&now.persons).map(|(a, b)| (a.index, b.index));
    let reading = Reading::of(&definition, &now)
        .ok_or_else(|| Verdict::too_few("too_few_known", 0, 2, "Too little would be known of people."))?;
    let moved = |(a, b): &(Option<f64>, Option<f64>)| a.zip(*b).is_some_and(|(a, b)| (a - b).abs() > MOVES);
    Ok(Effect {
        people: details.len() as u64,
        before: then.all.mean.value,
        after: reading.all.mean.value,
        changed: pairs().filter(|it| moved(it)).count() as u64,
        lost: pairs().filter(|it| it.0.is_some() && it.1.is_none()).count() as u64,
        measures: shown(&definition, &people),
        reading,
        is_window_changed: definition.window_days != live.definition.window_days,
    })
}

/// People of what was kept of them, with the facts that were not.
fn gathered(details: &[(PersonId, Detail)], (facts, more): (&[String], &HashMap<PersonId, Vec<f64>>)) -> People {
    let mut keys: Vec<String> = Vec::with_capacity(BUILT + facts.len());
    keys.extend(Built::ALL.map(|it| it.as_str().to_owned()));
    for (_, detail) in details {
        for it in &detail.measures {
            if it.of.starts_with(FACT) && !keys.contains(&it.of) {
                keys.push(it.of.clone());
            }
        }
    }
    let added: Vec<(usize, String)> = facts
        .iter()
        .enumerate()
        .map(|(at, it)| (at, format!("{FACT}{it}")))
        .filter(|it| !keys.contains(&it.1))
        .collect();
    let one = |(whose, detail): &(PersonId, Detail)| {
        let mut one = person(*whose, detail, &keys);
        let own = more.get(whose);
        one.values.extend(added.iter().map(|(at, _)| own.and_then(|it| it.get(*at).copied()).unwrap_or(f64::NAN)));
        one
    };
    let rows = details.iter().map(one).collect();
    keys.extend(added.into_iter().map(|it| it.1));
    People { keys, rows, ..People::default() }
}

fn shown(definition: &Definition, people: &People) -> Vec<Shown> {
    let places = definition.places(&people.keys);
    let (mut sums, mut counts) = (vec![0.0; places.len()], vec![0_u64; places.len()]);
    for it in &people.rows {
        for (at, value) in row(&places, &it.values).into_iter().enumerate() {
            if let Some(value) = value {
                sums[at] += definition.measures[at].scaling.theirs().scaled(value);
                counts[at] += 1;
            }
        }
    }
    let one = |(at, measure): (usize, &Measure)| Shown {
        measure: measure.clone(),
        people: counts[at],
        scaled: (counts[at] > 0).then(|| sums[at] / counts[at] as f64),
    };
    definition.measures.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::definition::{Facet, Scaling, Source};
    use super::super::{Person, Run, Weights, learn};
    use super::*;

    fn measure(of: &str, facet: Facet, source: Source, scaling: Scaling) -> Measure {
        Measure { of: of.to_owned(), facet, source, scaling, weight: 1.0 }
    }

    /// People who bought so often, gave so many stars, and bought so long ago.
    fn people() -> People {
        let keys: Vec<String> = Built::ALL.map(|it| it.as_str().to_owned()).to_vec();
        let one = |n: i64| {
            let mut values = vec![0.0; BUILT];
            values[0] = if n % 4 == 0 { f64::NAN } else { 1.0 + (n % 5) as f64 };
            (values[8], values[9]) = (1.0 + (n % 3) as f64, (n % 300) as f64);
            Person { person: PersonId(n), values }
        };
        People { keys, rows: (0..120).map(one).collect(), end: 20_000, ..People::default() }
    }

    fn live() -> Settings {
        let between = |worst: f64, best: f64| Scaling::Between { worst, best };
        let stars = measure("stars", Facet::ProductQuality, Source::Said, between(1.0, 5.0));
        let recency = measure("recency", Facet::Behaviour, Source::Done, between(365.0, 0.0));
        Settings { measures: Some(vec![stars, recency]), ..Settings::default() }
    }

    /// By hand: the mean of what is known of a person, each facet by its weight.
    fn by_hand(values: &[f64], weights: [f64; 2]) -> f64 {
        let stars = 100.0 * (values[0] - 1.0) / 4.0;
        let recency = 100.0 * (365.0 - values[9]) / 365.0;
        if stars.is_nan() { recency } else { (weights[0] * stars + weights[1] * recency) / (weights[0] + weights[1]) }
    }

    #[test]
    fn the_effect_of_other_weights_is_what_they_would_do_by_hand() {
        let people = people();
        let content = learn(&people, &live(), None).unwrap().unwrap().content;
        let run = Run::new(content.clone(), people.clone()).unwrap();
        let details: Vec<(PersonId, Detail)> =
            run.some(0, 1_000).into_iter().map(|it| (it.person, it.detail)).collect();
        assert_eq!(details.len(), 120);
        let none = (&[][..], &HashMap::new());
        let same = effect(&details, &content, &live(), none).unwrap();
        assert_eq!((same.before, same.changed, same.lost), (same.after, 0, 0));
        let weights = Weights { behaviour: 4.0, ..Weights::default() };
        let other = effect(&details, &content, &Settings { weights, ..live() }, none).unwrap();
        let (old, new): (Vec<f64>, Vec<f64>) =
            people.rows.iter().map(|it| (by_hand(&it.values, [1.0, 1.0]), by_hand(&it.values, [1.0, 4.0]))).unzip();
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        assert!((other.before - mean(&old)).abs() < 1e-9 && (other.after - mean(&new)).abs() < 1e-9, "{other:?}");
        let moved = old.iter().zip(&new).filter(|(a, b)| (*a - *b).abs() > 10.0).count() as u64;
        assert!(moved > 0, "it would move nobody");
        assert_eq!((other.changed, other.measures[0].people), (moved, 90));
        // Who is content with nothing less than everything leaves those out of whom no stars are known.
        let strict = effect(&details, &content, &Settings { least_known: 1.0, ..live() }, none).unwrap();
        assert_eq!(strict.lost, 30);
        // A fact that the last run did not know.
        let mut with = live();
        let nps = measure("fact:nps.last", Facet::Attitude, Source::Said, Scaling::Between { worst: 0.0, best: 10.0 });
        with.measures.as_mut().unwrap().push(nps);
        let keys = ["nps.last".to_owned()];
        let more = HashMap::from([(PersonId(3), vec![10.0])]);
        let found = effect(&details, &content, &with, (&keys, &more)).unwrap();
        assert_eq!((found.measures[2].people, found.measures[2].scaled), (1, Some(100.0)));
    }

    #[test]
    fn a_person_is_told_how_far_the_index_could_be_off_and_what_pulls_it_down() {
        let people = people();
        let content = learn(&people, &live(), None).unwrap().unwrap().content;
        let run = Run::new(content, people.clone()).unwrap();
        let scored = run.some(0, 1_000);
        // Of the first only the behaviour is known, which is half of the weights.
        let first = &scored[0];
        assert_eq!((first.detail.known, first.detail.index, first.detail.said), (0.5, 100.0, None));
        assert_eq!((first.low, first.high, first.detail.kind, first.weakest.as_str()), (50.0, 100.0, None, ""));
        let second = &scored[1];
        assert_eq!((second.detail.said, second.weakest.as_str()), (Some(25.0), "product_quality"));
        assert!((second.low - second.high).abs() < 1e-9 && second.detail.facets.len() == 2);
        let overview = run.overview();
        assert_eq!(overview.bands.iter().map(|it| it.people).sum::<u64>(), 120);
        assert_eq!(overview.reading.kinds.iter().map(|it| it.people).sum::<u64>(), 90);
        let complete = overview.reading.complete.unwrap();
        assert_eq!((complete.people, overview.reading.all.people, overview.left_out), (90, 120, 0));
        let tenths: Vec<usize> = (1..=10).map(|tenth| scored.iter().filter(|it| it.tenth == tenth).count()).collect();
        assert_eq!(tenths.iter().sum::<usize>(), 120);
        assert!(tenths.iter().all(|it| (6..=20).contains(it)), "{tenths:?}");
    }
}
