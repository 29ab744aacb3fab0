//! Scales that name their values, and answers counted on them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::experiments::Better;

/// A rating scale: the whole numbers that are answers, and which end is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    low: i32,
    high: i32,
    better: Better,
}

/// Answers counted by value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    scale: Scale,
    /// From the worst value to the best.
    counts: Vec<u64>,
    blank: BTreeMap<Option<i64>, u64>,
}

/// How answers are spread over a scale, and how many answers' worth that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    scale: Scale,
    /// From the worst value to the best; they add up to 1.
    shares: Vec<f64>,
    answers: u64,
    effective: f64,
}

impl Scale {
    /// How likely somebody is to recommend, 0 to 10 (Reichheld 2003, "The one number you need to grow").
    pub const NPS: Self = Self { low: 0, high: 10, better: Better::Higher };
    /// How satisfied somebody is, 1 to 5.
    pub const CSAT: Self = Self { low: 1, high: 5, better: Better::Higher };
    /// Whether it was made easy, 1 to 7 (the customer effort score of 2013, "CES 2.0").
    pub const CES: Self = Self { low: 1, high: 7, better: Better::Higher };
    /// How much effort it took, 1 to 5, where little is good (Dixon, Freeman and Toman 2010, "Stop trying to delight your customers").
    pub const EFFORT: Self = Self { low: 1, high: 5, better: Better::Lower };

    /// The scale of all whole numbers from `low` to `high`. `None` where that is fewer than two values or more than a thousand.
    pub fn new(low: i32, high: i32, better: Better) -> Option<Self> {
        let steps = i64::from(high) - i64::from(low);
        (1..1_000).contains(&steps).then_some(Self { low, high, better })
    }

    /// Its values.
    pub fn values(self) -> RangeInclusive<i32> {
        self.low..=self.high
    }

    /// Which end is the good one.
    pub fn better(self) -> Better {
        self.better
    }

    /// The place of an answer, the worst being 0; `None` of what is no value of this scale.
    fn place(self, answer: i64) -> Option<usize> {
        if answer < i64::from(self.low) || answer > i64::from(self.high) {
            return None;
        }
        let place = match self.better {
            Better::Higher => answer - i64::from(self.low),
            Better::Lower => i64::from(self.high) - answer,
        };
        usize::try_from(place).ok()
    }

    /// The value at a place: that of the scale turned so that more is better, within the same ends.
    pub(super) fn turned(self, place: usize) -> f64 {
        f64::from(self.low) + place as f64
    }

    pub(super) fn size(self) -> usize {
        (self.high - self.low) as usize + 1
    }
}

impl Tally {
    /// Counts by value, as a database gives them. Whatever is no value of the scale is blank: nothing at all, and every code such as 0, 11, 98 or −1.
    pub fn new(scale: Scale, counted: impl IntoIterator<Item = (Option<i64>, u64)>) -> Self {
        let mut tally = Self { scale, counts: vec![0; scale.size()], blank: BTreeMap::new() };
        for (answer, count) in counted {
            match answer.and_then(|it| scale.place(it)) {
                Some(place) => tally.counts[place] += count,
                None => *tally.blank.entry(answer).or_default() += count,
            }
        }
        tally
    }

    /// The scale that was answered on.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// Answers that are on the scale.
    pub fn answers(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What was no answer, by what stood there.
    pub fn blank(&self) -> &BTreeMap<Option<i64>, u64> {
        &self.blank
    }

    /// How many gave this value.
    pub fn count(&self, value: i32) -> u64 {
        self.scale.place(value.into()).map_or(0, |place| self.counts[place])
    }

    /// This and another of the same scale; `None` of different scales.
    pub fn merged(mut self, other: &Self) -> Option<Self> {
        if self.scale != other.scale {
            return None;
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(own, more)| *own += more);
        other.blank.iter().for_each(|(code, more)| *self.blank.entry(*code).or_default() += more);
        Some(self)
    }

    /// This less another that is part of it; `None` where it is not.
    pub fn without(&self, part: &Self) -> Option<Self> {
        if self.scale != part.scale {
            return None;
        }
        let left = |(all, part): (&u64, &u64)| all.checked_sub(*part);
        let counts = self.counts.iter().zip(&part.counts).map(left).collect::<Option<_>>()?;
        let mut blank = self.blank.clone();
        for (code, count) in &part.blank {
            let left = blank.get_mut(code)?;
            *left = left.checked_sub(*count)?;
        }
        blank.retain(|_, count| *count > 0);
        Some(Self { scale: self.scale, counts, blank })
    }

    /// How the answers are spread; `None` without any.
    pub fn shares(&self) -> Option<Shares> {
        let answers = self.answers();
        let shares = self.counts.iter().map(|count| *count as f64 / answers as f64).collect();
        (answers > 0).then_some(Shares { scale: self.scale, shares, answers, effective: answers as f64 })
    }
}

impl Shares {
    /// Shares that are put together of others: `shares` from the worst to the best.
    pub(super) fn of(scale: Scale, shares: Vec<f64>, answers: u64, effective: f64) -> Self {
        Self { scale, shares, answers, effective }
    }

    /// The scale that was answered on.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The people who answered.
    pub fn answers(&self) -> u64 {
        self.answers
    }

    /// As many answers, taken by chance and counted alike, would say as much. The answers themselves without weights, fewer with them.
    pub fn effective(&self) -> f64 {
        self.effective
    }

    /// From the worst value to the best.
    pub(super) fn worst_first(&self) -> &[f64] {
        &self.shares
    }

    /// The share of the `best` values that are best.
    pub(super) fn top(&self, best: usize) -> f64 {
        self.shares.iter().rev().take(best).sum::<f64>().min(1.0)
    }

    /// Mean and variance over persons, with more being better within the scale's ends.
    pub(super) fn moments(&self) -> (f64, f64) {
        let values = || self.shares.iter().enumerate().map(|(place, share)| (self.scale.turned(place), share));
        let mean: f64 = values().map(|(value, share)| value * share).sum();
        let spread: f64 = values().map(|(value, share)| (value - mean).powi(2) * share).sum();
        // Rounding leaves a trace where all answers are the same.
        let alike = self.shares.iter().any(|share| *share >= 1.0);
        (mean, if alike { 0.0 } else { spread })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_no_values_are_blank_and_stay_visible() {
        let tally = Tally::new(Scale::NPS, [(Some(10), 4), (Some(0), 2), (Some(11), 3), (None, 5), (Some(-1), 1)]);
        assert_eq!((tally.answers(), tally.count(10), tally.count(0), tally.count(11)), (6, 4, 2, 0));
        assert_eq!(tally.blank(), &BTreeMap::from([(None, 5), (Some(-1), 1), (Some(11), 3)]));
        assert_eq!(Tally::new(Scale::NPS, [(Some(i64::MAX), 1)]).shares(), None);
    }

    #[test]
    fn tallies_of_one_scale_add_up() {
        let one = Tally::new(Scale::EFFORT, [(Some(1), 4), (Some(6), 1)]);
        let both = one.clone().merged(&Tally::new(Scale::EFFORT, [(Some(1), 1), (Some(5), 2), (Some(6), 1)])).unwrap();
        assert_eq!((both.count(1), both.count(5), both.blank()[&Some(6)]), (5, 2, 2));
        let other = Tally::new(Scale::EFFORT, [(Some(1), 1), (Some(5), 2), (Some(6), 1)]);
        assert_eq!(both.without(&other), Some(one.clone()));
        assert_eq!(both.without(&one), Some(other.clone()));
        assert_eq!((one.without(&both), one.without(&Tally::new(Scale::CSAT, []))), (None, None));
        assert_eq!(one.merged(&Tally::new(Scale::CSAT, [])), None);
    }

    #[test]
    fn a_scale_has_at_least_two_values_and_an_end() {
        assert_eq!(Scale::new(3, 3, Better::Higher), None);
        assert_eq!(Scale::new(i32::MIN, i32::MAX, Better::Higher), None);
        assert_eq!(Scale::new(1, 7, Better::Higher), Some(Scale::CES));
    }
}
