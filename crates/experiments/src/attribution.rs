//! What a journey or a campaign brought in: by its holdout first, by touches second.
//!
//! [`incremental`] compares those who had it with those who were held out by chance, and says what is there that would not be there without it, with
//! its interval. [`touched`] shares conversions out among what people saw before: it says what was near a conversion, not what caused it, and adds up
//! to everything that was bought, also what would have been bought anyway. The two are never added, and the second never stands alone
//! ([`TOUCH_WARNING`]).
//!
//! Always holds: parts of an amount add up to it exactly, to its last digit.

use std::collections::BTreeMap;

use rapport_domain::Timestamp;
use rapport_models::experiments::{Reading, Undecidable, brought_in};

use crate::design::{Experiment, Form, Metric};
use crate::readout::{Counts, Measured, Param, Sentence, Tone, arms, holdout_ratio_is_broken};

/// To be shown with every share by touches.
pub fn touch_warning() -> Sentence {
    Sentence::new("touches", Tone::Note, [])
}

/// What was brought in.
#[derive(Clone, Debug)]
pub struct Incremental {
    /// In the metric's unit, in all: people, orders, money; or why that cannot be said.
    pub brought_in: Result<Reading, Undecidable>,
    /// How many had it, and how many were held out.
    pub units: (u64, u64),
    /// What those who had it came to in all.
    pub total: Option<f64>,
    /// Whether people arrived in both as meant. If not, nothing can be believed.
    pub ratio_broken: bool,
    /// The same in words.
    pub sentences: Vec<Sentence>,
}

/// What a holdout says about a metric. The sums are by variant in the design's order, of everybody who was to get it or was held out.
pub fn incremental(holdout: &Experiment, counts: &Counts, metric: &Metric, measured: &Measured) -> Incremental {
    let variants = &holdout.design.variants;
    let control = variants.iter().position(|it| it.is_control).unwrap_or(0);
    let treated = variants.iter().position(|it| !it.is_control).unwrap_or(1);
    let (arms, _) = arms(&measured.sums);
    let arm = |at: usize| arms.get(at).copied().unwrap_or(Err(Undecidable::TooFew));
    let units = |at: usize| arm(at).map_or(0, |it| it.n());
    let inference = holdout.design.reading.inference().ok_or(Undecidable::Impossible);
    let brought = inference.and_then(|it| brought_in(&arm(treated)?, &arm(control)?, units(treated), &it));
    let mut found = Incremental {
        brought_in: brought,
        units: (units(treated), units(control)),
        total: arm(treated).ok().map(|it| it.mean() * it.n() as f64),
        ratio_broken: holdout_ratio_is_broken(holdout, counts),
        sentences: Vec::new(),
    };
    found.sentences.push(words(&found, metric, holdout.design.reading.alpha));
    found
}

fn words(it: &Incremental, metric: &Metric, alpha: f64) -> Sentence {
    if it.ratio_broken {
        return Sentence::new("brought_in_ratio_broken", Tone::Cannot, []);
    }
    let reading = match &it.brought_in {
        Ok(reading) => reading,
        Err(reason) => {
            return Sentence::new("brought_in_undecidable", Tone::Cannot, [("reason", Param::Reason(*reason))]);
        }
    };
    let total = |value: f64| Param::Total(metric.form.clone(), value);
    let (low, high) = (("low", total(reading.low)), ("high", total(reading.high)));
    let (name, people) = (("metric", Param::metric(metric)), ("people", Param::Count(it.units.0)));
    let (estimate, sure) = (("estimate", total(reading.estimate)), ("sure", Param::Share(1.0 - alpha)));
    let is_money = matches!(metric.form, Form::Money(_));
    if reading.low > 0.0 {
        let code = if is_money { "brought_in_money" } else { "brought_in" };
        let all = ("total", total(it.total.unwrap_or(0.0)));
        return Sentence::new(code, Tone::Can, [estimate, name, people, all, low, high, sure]);
    }
    if reading.high < 0.0 {
        let code = if is_money { "cost_money" } else { "cost" };
        return Sentence::new(code, Tone::Can, [estimate, name, low, high, sure]);
    }
    Sentence::new("brought_in_unclear", Tone::Cannot, [low, high, name, people])
}

/// How a conversion is shared out among the touches before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All to the last.
    Last,
    /// Alike.
    Linear,
    /// Two fifths to the first and to the last each, the rest alike to those between; of two, half each.
    Position,
}

/// Something a person was reached by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// What: `campaign:cmp_...`, `journey:jrn_...`.
    pub subject: String,
    /// When.
    pub at: Timestamp,
}

/// A conversion with the touches of its person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// When.
    pub at: Timestamp,
    /// Its value at scale 10^-6 of one currency; 0 where only their number counts.
    pub value: i64,
    /// The person's touches, in any order; those after the conversion, or longer before than the window, do not count.
    pub touches: Vec<Touch>,
}

/// What is given to a subject.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Credit {
    /// Conversions, parted.
    pub conversions: f64,
    /// Value at scale 10^-6.
    pub value: i64,
}

/// What each subject is given, and under the empty name what had no touch.
pub fn touched(
    conversions: impl IntoIterator<Item = Conversion>,
    rule: Rule,
    window_micros: i64,
) -> BTreeMap<String, Credit> {
    let mut credits: BTreeMap<String, Credit> = BTreeMap::new();
    for conversion in conversions {
        let since = conversion.at.0.saturating_sub(window_micros);
        let counts = |touch: &Touch| touch.at <= conversion.at && touch.at.0 >= since;
        let mut touches: Vec<Touch> = conversion.touches.into_iter().filter(counts).collect();
        touches.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.subject.cmp(&b.subject)));
        if touches.is_empty() {
            touches.push(Touch { subject: String::new(), at: conversion.at });
        }
        let weights = weights(touches.len(), rule);
        let total: i128 = weights.iter().sum();
        let mut so_far = 0;
        for (touch, weight) in touches.into_iter().zip(&weights) {
            // The difference of two rounded sums, so that the parts add up.
            let part = |weight: i128| i128::from(conversion.value) * weight / total;
            let value = part(so_far + weight) - part(so_far);
            so_far += weight;
            let credit = credits.entry(touch.subject).or_default();
            credit.conversions += *weight as f64 / total as f64;
            credit.value = credit.value.saturating_add(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
    credits
}

fn weights(touches: usize, rule: Rule) -> Vec<i128> {
    let between = i128::try_from(touches).unwrap_or(i128::MAX) - 2;
    let weight = |at: usize| {
        let is_end = at == 0 || at + 1 == touches;
        match rule {
            Rule::Last => i128::from(at + 1 == touches),
            Rule::Linear => 1,
            Rule::Position if between <= 0 => 1,
            Rule::Position if is_end => 2 * between,
            Rule::Position => 1,
        }
    };
    (0..touches).map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn conversion(value: i64, touches: &[(&str, i64)]) -> Conversion {
        let touch = |(subject, at): &(&str, i64)| Touch { subject: (*subject).to_owned(), at: Timestamp(*at) };
        Conversion { at: Timestamp(100), value, touches: touches.iter().map(touch).collect() }
    }

    fn shared(rule: Rule) -> Vec<(String, i64)> {
        let one = conversion(1_000_000, &[("c", 30), ("a", 10), ("b", 20), ("d", 40), ("late", 101), ("old", 1)]);
        touched([one], rule, 95).into_iter().map(|(subject, it)| (subject, it.value)).collect()
    }

    #[test]
    fn touches_in_the_window_share_a_conversion_by_rule() {
        let named =
            |values: [i64; 4]| ["a", "b", "c", "d"].map(str::to_owned).into_iter().zip(values).collect::<Vec<_>>();
        assert_eq!(shared(Rule::Linear), named([250_000; 4]));
        assert_eq!(shared(Rule::Position), named([400_000, 100_000, 100_000, 400_000]));
        assert_eq!(shared(Rule::Last), named([0, 0, 0, 1_000_000]));
        let two = touched([conversion(3, &[("a", 1), ("b", 2)])], Rule::Position, 100);
        assert_eq!((two["a"].value + two["b"].value, two["a"].conversions), (3, 0.5));
        let none = touched([conversion(7, &[])], Rule::Last, 100);
        assert_eq!(none[""], Credit { conversions: 1.0, value: 7 });
    }

    proptest! {
        /// Nothing is lost and nothing made up, whatever the rule; and nobody gets more than a micro beside their share (the oracle, in floating point).
        #[test]
        fn parts_add_up(
            value in -1_000_000_000i64..1_000_000_000,
            touches in prop::collection::vec(1i64..100, 1..9),
            rule in prop::sample::select(vec![Rule::Last, Rule::Linear, Rule::Position]),
        ) {
            let names: Vec<String> = (0..touches.len()).map(|it| format!("t{it}")).collect();
            let mut touches = touches;
            touches.sort_unstable();
            let named: Vec<(&str, i64)> = names.iter().map(String::as_str).zip(touches).collect();
            let credits = touched([conversion(value, &named)], rule, 100);
            prop_assert_eq!(credits.values().map(|it| it.value).sum::<i64>(), value);
            prop_assert!((credits.values().map(|it| it.conversions).sum::<f64>() - 1.0).abs() < 1e-9);
            let n = names.len();
            for (at, name) in names.iter().enumerate() {
                let share = match (rule, n) {
                    (Rule::Last, _) => if at + 1 == n { 1.0 } else { 0.0 },
                    (Rule::Linear, _) | (Rule::Position, 1 | 2) => 1.0 / n as f64,
                    (Rule::Position, _) if at == 0 || at + 1 == n => 0.4,
                    (Rule::Position, _) => 0.2 / (n as f64 - 2.0),
                };
                let credit = credits[name];
                prop_assert!((credit.conversions - share).abs() < 1e-9);
                prop_assert!((credit.value as f64 - value as f64 * share).abs() < 1.001);
            }
        }
    }
}
