//! The way to a brand, of a survey that follows brands: who knows it, knows it well, considers, buys, prefers and recommends it; by wave, beside competitors.
//!
//! A step is a question whose choices are brands. Whoever is at a step chose the brand there and at every step before it, so the steps are a funnel in which each
//! is a part of the one before. Shares are of everybody who answered the first step, conversions of those who were at the step before, each with Wilson's interval;
//! against the wave before there are Newcombe's interval and the share of false findings among all changes that are looked at (`models::survey`).
//!
//! Always holds: only answers that were given to the end count; who does not answer a later step is not at it.
//!
//! Does not do: test one brand against another. The same people chose both, so their shares are no two samples; the intervals stand beside one another.

use std::collections::{BTreeMap, BTreeSet};

use rapport_models::experiments::Better;
use rapport_models::survey::{Confidence, Difference, Judged, Measure, Scale, Score, Shares, Tally, judged};

use crate::Definition;
use crate::records::picked::PickedRow;
use crate::survey::Answer;

/// Questions that are steps where they have these keys, in this order.
pub const USUAL_STEPS: [&str; 6] = ["aided", "familiar", "considered", "bought", "preferred", "recommended"];
/// The company itself among the choices.
pub const OWN: &str = "us";

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The questions, in order.
    pub steps: Vec<String>,
    /// The brands, one's own first.
    pub brands: Vec<String>,
}

/// A share with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// So many.
    pub hits: u64,
    /// The share of how many, with its interval.
    pub score: Score,
    /// Against the wave before.
    pub change: Option<Judged>,
}

/// How many are at a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// Of everybody who answered the first step.
    pub share: Part,
    /// Of those who were at the step before; none for the first, and where nobody was.
    pub conversion: Option<Part>,
}

/// A brand in a wave.
#[derive(Clone, Debug, PartialEq)]
pub struct InWave {
    /// Which; none for all together.
    pub wave: Option<i64>,
    /// Who answered the first step.
    pub answered: u64,
    /// By step.
    pub steps: Vec<At>,
}

/// A brand.
#[derive(Clone, Debug, PartialEq)]
pub struct Brand {
    /// The key of its choice.
    pub key: String,
    /// All waves together.
    pub total: InWave,
    /// By wave, the first one first.
    pub waves: Vec<InWave>,
}

impl Way {
    /// The way that a survey asks about: by its usual questions, or by `steps` that are named. The brands are the choices of the first step that go with others.
    /// `Err` says which step is no question of brands, or that there are fewer than two.
    pub fn of(definition: &Definition, steps: Option<&[&str]>, own: Option<&str>) -> Result<Self, String> {
        let choices = |key: &str| {
            let question = definition.questions().find(|it| it.key == key)?;
            match &question.answer {
                Answer::Single { choices, .. } | Answer::Multiple { choices, .. } => Some(choices),
                _ => None,
            }
        };
        let steps: Vec<&str> = match steps {
            Some(named) => match named.iter().find(|it| choices(it).is_none()) {
                Some(unknown) => return Err((*unknown).to_owned()),
                None => named.to_vec(),
            },
            None => USUAL_STEPS.into_iter().filter(|it| choices(it).is_some()).collect(),
        };
        let mut seen = BTreeSet::new();
        if steps.len() < 2 || !steps.iter().all(|it| seen.insert(*it)) {
            return Err(String::new());
        }
        let listed = choices(steps[0]).into_iter().flatten().filter(|it| !it.exclusive);
        let mut brands: Vec<String> = listed.map(|it| it.key.clone()).collect();
        if let Some(at) = brands.iter().position(|it| it == own.unwrap_or(OWN)) {
            brands[..=at].rotate_right(1);
        } else if let Some(own) = own {
            return Err(own.to_owned());
        }
        Ok(Self { steps: steps.into_iter().map(str::to_owned).collect(), brands })
    }

    /// Whether a survey asks about one.
    pub fn is_asked(definition: &Definition) -> bool {
        Self::of(definition, None, None).is_ok()
    }
}

/// How far people are on the way to each brand, from what they picked.
pub fn brands(way: &Way, picked: &[PickedRow], confidence: Confidence) -> Vec<Brand> {
    let (answered, reached) = counted(way, picked);
    let waves: Vec<i64> = answered.keys().copied().collect();
    let all: u64 = answered.values().sum();
    let counts = |brand: &str, wave: i64| {
        let at = |step| reached.get(&(wave, brand, step)).copied().unwrap_or_default();
        (0..way.steps.len()).map(at).collect::<Vec<u64>>()
    };
    // Share and conversion of every step, brand and wave against the wave before: all looked at together.
    let mut differences = Vec::new();
    for brand in &way.brands {
        for at in 0..waves.len() {
            let before = at.checked_sub(1).map(|it| waves[it]);
            let of = |wave: i64| parts(answered[&wave], &counts(brand, wave));
            let (now, before) = (of(waves[at]), before.map(of));
            for (step, part) in now.iter().enumerate() {
                let before = before.as_ref().map(|it| it[step]);
                differences.push(before.and_then(|it| difference(Some(part.0), Some(it.0), confidence)));
                differences.push(before.and_then(|it| difference(part.1, it.1, confidence)));
            }
        }
    }
    let mut changes = judged(&differences).into_iter();
    let in_wave = |wave: Option<i64>, of: u64, counts: &[u64], changes: &mut dyn Iterator<Item = Option<Judged>>| {
        let step = |(share, conversion): (Hits, Option<Hits>)| {
            let (of_share, of_conversion) = (changes.next().flatten(), changes.next().flatten());
            Some(At {
                share: part(share, of_share, confidence)?,
                conversion: conversion.and_then(|it| part(it, of_conversion, confidence)),
            })
        };
        InWave { wave, answered: of, steps: parts(of, counts).into_iter().filter_map(step).collect() }
    };
    let brand = |key: &String| {
        let total: Vec<u64> =
            (0..way.steps.len()).map(|step| waves.iter().map(|wave| counts(key, *wave)[step]).sum()).collect();
        Brand {
            key: key.clone(),
            waves: waves.iter().map(|it| in_wave(Some(*it), answered[it], &counts(key, *it), &mut changes)).collect(),
            total: in_wave(None, all, &total, &mut std::iter::empty()),
        }
    };
    way.brands.iter().map(brand).collect()
}

/// So many of so many.
type Hits = (u64, u64);
type Answered = BTreeMap<i64, u64>;
type Reached<'a> = BTreeMap<(i64, &'a str, usize), u64>;

/// Who answered the first step, by wave, and how many are at each step of each brand.
fn counted<'a>(way: &'a Way, picked: &[PickedRow]) -> (Answered, Reached<'a>) {
    let mut by: BTreeMap<(&str, i64), BTreeSet<(&str, &str)>> = BTreeMap::new();
    for row in picked {
        by.entry((&row.response, row.wave)).or_default().insert((&row.question, &row.choice));
    }
    let (mut answered, mut reached) = (Answered::new(), Reached::new());
    for ((_, wave), chosen) in by {
        if !chosen.iter().any(|it| it.0 == way.steps[0]) {
            continue;
        }
        *answered.entry(wave).or_default() += 1;
        for brand in &way.brands {
            let far = way.steps.iter().take_while(|step| chosen.contains(&(step.as_str(), brand.as_str()))).count();
            for step in 0..far {
                *reached.entry((wave, brand, step)).or_default() += 1;
            }
        }
    }
    (answered, reached)
}

/// Of each step: (at it, of all), and (at it, at the step before) where there is one and somebody was at it.
fn parts(answered: u64, counts: &[u64]) -> Vec<(Hits, Option<Hits>)> {
    let one = |(step, hits): (usize, &u64)| {
        let before = step.checked_sub(1).map(|it| counts[it]);
        ((*hits, answered), before.filter(|it| *it > 0).map(|before| (*hits, before)))
    };
    counts.iter().enumerate().map(one).collect()
}

fn shares((hits, of): (u64, u64)) -> Option<Shares> {
    let scale = Scale::new(0, 1, Better::Higher)?;
    Tally::new(scale, [(Some(1), hits), (Some(0), of - hits)]).shares()
}

fn part(counts: (u64, u64), change: Option<Judged>, confidence: Confidence) -> Option<Part> {
    let score = Measure::Top(1).score(&shares(counts)?, confidence)?;
    Some(Part { hits: counts.0, score, change })
}

fn difference(now: Option<(u64, u64)>, before: Option<(u64, u64)>, confidence: Confidence) -> Option<Difference> {
    Measure::Top(1).difference(&shares(now?)?, &shares(before?)?, confidence)
}
