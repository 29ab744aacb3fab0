//! Which of what happened tells those who were lost from those who stayed.
//!
//! Always holds: what is told is more than chance, with every pattern that was looked at counted; of two that say the same the simpler is told.

use rapport_models::Fault;
use rapport_models::baskets::Share;
use rapport_models::patterns::{Contrast, Limits, Patterns, Step, steps};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::happened::{Happened, Vocabulary};
use super::{FALSE, Mined};
use crate::scores::Sure;

/// Patterns of fewer people than this are not looked at, nor told: they may point at somebody.
const LEAST_PEOPLE: u64 = 15;
/// And of no fewer than this share of a hundred.
const LEAST_PERCENT: u64 = 1;
/// No pattern has more words.
const WORDS: usize = 3;
/// With more patterns only more common ones are looked at.
const MOST: usize = 50_000;
/// So often at most.
const TRIES: u32 = 6;
/// Told at most.
const TOLD: usize = 12;
/// A longer pattern is told only if it raises the odds by so much more than what is in it.
const MORE: f64 = 1.25;

/// Something that comes before a loss more than it should.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnTrigger)]
pub struct Trigger {
    /// By which its people are found: the steps in one word.
    pub key: String,
    /// What happened, step by step, each on a later day than the one before: `complained`, or with why, `complained:category=delivery`.
    pub steps: Vec<Vec<String>>,
    /// How many people it happened to, of those who were looked at.
    pub people: u64,
    /// How many of them then were lost.
    pub lost: u64,
    /// The share that was lost of those to whom it happened.
    pub share: f64,
    /// The share that was lost of the others.
    pub others: f64,
    /// The odds of being lost by those of the others, with their interval of 95 % (Woolf 1955).
    pub odds: Sure,
    /// The share of false ones among all that say as much (Benjamini and Hochberg 1995).
    pub q: f64,
}

/// What comes before a loss, and how many patterns were looked at.
///
/// # Errors
/// There are too many patterns, whatever is asked of them.
pub fn mine(happened: &[&Happened], lost: &[bool], vocabulary: &Vocabulary) -> Mined {
    let people = happened.len() as u64;
    let persons: Vec<Vec<Step>> = happened
        .iter()
        .map(|it| steps(&it.events.iter().map(|(day, word)| (f64::from(*day), *word)).collect::<Vec<_>>()))
        .collect();
    let mut least = LEAST_PEOPLE.max((people * LEAST_PERCENT).div_ceil(100));
    let mut tries = 0;
    let patterns = loop {
        let support =
            Share::new(least.min(people), people).ok_or(Fault::TooFew { what: "persons", have: 0, need: 1 })?;
        let limits = Limits { longest: WORDS, most: MOST, ..Limits::support(support) };
        match Patterns::mine_with_outcome(&persons, lost, &limits) {
            Err(Fault::NotIdentified { .. }) if tries < TRIES => (least, tries) = (2 * least, tries + 1),
            other => break other?,
        }
    };
    let looked_at = patterns.patterns.len() as u64;
    let mut found: Vec<Contrast> = patterns.discriminative()?;
    found.retain(|it| it.q <= FALSE && it.odds_ratio.low > 1.0);
    // The simplest first, of them the surest.
    found.sort_by(|a, b| {
        let size = |it: &Contrast| it.pattern.items();
        size(a)
            .cmp(&size(b))
            .then(b.odds_ratio.low.total_cmp(&a.odds_ratio.low))
            .then(a.pattern.steps.cmp(&b.pattern.steps))
    });
    let all = patterns.with_outcome;
    let mut told: Vec<Trigger> = Vec::new();
    for it in found {
        let words = |step: &Vec<u32>| step.iter().map(|at| vocabulary.word(*at).to_owned()).collect();
        let trigger = shown(&it, it.pattern.steps.iter().map(words).collect(), (people, all));
        let is_said =
            |other: &Trigger| contains(&trigger.steps, &other.steps) && trigger.odds.value < MORE * other.odds.value;
        if !repeats(&trigger.steps) && !told.iter().any(is_said) {
            told.push(trigger);
        }
    }
    told.sort_by(|a, b| b.odds.low.total_cmp(&a.odds.low).then_with(|| a.key.cmp(&b.key)));
    told.truncate(TOLD);
    Ok((told, looked_at))
}

fn shown(it: &Contrast, steps: Vec<Vec<String>>, (people, all): (u64, u64)) -> Trigger {
    let (with, lost) = (it.pattern.persons, it.pattern.with_outcome);
    let part = |of: u64, all: u64| if all > 0 { of as f64 / all as f64 } else { 0.0 };
    Trigger {
        key: steps.iter().map(|step| step.join(" + ")).collect::<Vec<_>>().join(" > "),
        people: with,
        lost,
        share: part(lost, with),
        others: part(all - lost, people - with),
        odds: it.odds_ratio.into(),
        q: it.q,
        steps,
    }
}

/// Whether a word is said by another one too: `complained` by `complained:category=delivery`.
fn implies(word: &str, other: &str) -> bool {
    word == other || word.split_once(':').is_some_and(|it| it.0 == other)
}

/// Whether a step says something twice.
fn repeats(steps: &[Vec<String>]) -> bool {
    let twice = |step: &Vec<String>| {
        step.iter()
            .enumerate()
            .any(|(at, word)| step.iter().enumerate().any(|(other, general)| at != other && implies(word, general)))
    };
    steps.iter().any(twice)
}

/// Whether all of a pattern is in another one, in its order.
fn contains(steps: &[Vec<String>], part: &[Vec<String>]) -> bool {
    let mut wanted = part.iter().peekable();
    for step in steps {
        let Some(next) = wanted.peek() else { return true };
        if next.iter().all(|word| step.iter().any(|own| implies(own, word))) {
            wanted.next();
        }
    }
    wanted.peek().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps_of(text: &str) -> Vec<Vec<String>> {
        text.split(" > ").map(|step| step.split(" + ").map(str::to_owned).collect()).collect()
    }

    #[test]
    fn a_pattern_is_in_another_one_in_its_order_and_a_reason_says_its_kind() {
        let is_in = |whole: &str, part: &str| contains(&steps_of(whole), &steps_of(part));
        assert!(is_in("bought > refunded > complained", "bought > complained"));
        assert!(is_in("bought + refunded > complained", "refunded"));
        assert!(is_in("complained:category=delivery > bought", "complained"));
        assert!(!is_in("complained > bought", "complained:category=delivery"));
        assert!(!is_in("bought > refunded", "refunded > bought"));
        assert!(!is_in("bought > refunded", "bought + refunded"));
        assert!(repeats(&steps_of("bought > complained + complained:category=delivery")));
        assert!(!repeats(&steps_of("complained > complained:category=delivery")));
    }
}
