//! What a customer feels, and whether it is urgent, by word lists of our own in English, German, Portuguese and Chinese, with nothing learnt.
//!
//! Always holds: the words that decided are said with every feeling; one that is denied is not felt ("not urgent"), and joy or trust denied is
//! disappointment; a text may have several feelings or none. It reads what is said, not what is meant: irony that no list names is taken at its word.

pub mod learnt;
mod words;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use words::{LISTS, Token, tokens};

/// What may be felt. Urgency is none, but is found and corrected in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feeling {
    /// Anger, outrage, annoyance.
    Anger,
    /// Being let down: less than expected, regret, never again.
    Disappointment,
    /// Worry, fear.
    Anxiety,
    /// Joy, delight, liking.
    Joy,
    /// Thanks.
    Gratitude,
    /// Reliance on the company: would come back, recommends, believes what is promised.
    Trust,
    /// Something should happen soon.
    Urgency,
}

/// All feelings, in the order of their figures.
pub const ALL: [Feeling; 7] = {
    use Feeling::*;
    [Anger, Disappointment, Anxiety, Joy, Gratitude, Trust, Urgency]
};

impl Feeling {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        ["anger", "disappointment", "anxiety", "joy", "gratitude", "trust", "urgency"][self as usize]
    }

    /// The feeling of a name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|it| it.name() == name)
    }

    /// What it is when it is denied.
    fn denied(self) -> Option<Self> {
        matches!(self, Self::Joy | Self::Trust).then_some(Self::Disappointment)
    }
}

/// A feeling that a text shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Felt {
    /// Which.
    pub feeling: Feeling,
    /// From `PRESENT` to 1: how much of it. By rules it is no probability.
    pub strength: f64,
    /// Where the words stand that decided, in order.
    pub reasons: Vec<Range<usize>>,
}

/// A feeling that is weaker counts as not shown: one hint is none, two are.
pub const PRESENT: f64 = 0.5;
/// What a weight of so much makes half a feeling.
const HALF: f64 = 2.0;
/// What a word of degree, capitals among small letters, or an exclamation mark adds to what is felt anyway.
const DEGREE: f64 = 0.5;
const CAPITALS: f64 = 0.5;
const EXCLAMATION: f64 = 0.25;
/// How many words before a phrase may deny or strengthen it.
const REACH: usize = 3;

/// The feelings that `text` shows, strongest first.
pub fn feelings(text: &str) -> Vec<Felt> {
    let mut felt: Vec<Felt> = ALL
        .into_iter()
        .zip(evidence(text))
        .map(|(feeling, it)| Felt { feeling, strength: it.strength(), reasons: it.reasons })
        .filter(|it| it.strength >= PRESENT)
        .collect();
    felt.sort_by(|a, b| b.strength.total_cmp(&a.strength).then(a.feeling.cmp(&b.feeling)));
    felt
}

/// How much of each feeling the rules see, from 0 to 1, in the order of `ALL`.
pub(crate) fn strengths(text: &str) -> [f64; ALL.len()] {
    evidence(text).map(|it| it.strength())
}

/// What speaks for a feeling.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    weight: f64,
    pub reasons: Vec<Range<usize>>,
}

impl Evidence {
    fn strength(&self) -> f64 {
        self.weight / (self.weight + HALF)
    }
}

pub(crate) fn evidence(text: &str) -> [Evidence; ALL.len()] {
    let tokens = tokens(text);
    let mut found: [Evidence; ALL.len()] = Default::default();
    let shouted = tokens.iter().any(|it| it.capitals) && tokens.iter().any(|it| it.small);
    let mut at = 0;
    while at < tokens.len() {
        let Some((length, meanings)) = LISTS.longest(&tokens, at) else {
            at += 1;
            continue;
        };
        let range = tokens[at].range.start..tokens[at + length - 1].range.end;
        let around = before(&tokens, at);
        let denied = around.iter().filter(|it| LISTS.denies(&it.text)).count() % 2 == 1
            || LISTS.denied_behind(&tokens[at], tokens.get(at + length..).unwrap_or_default());
        let strengthened = around.iter().any(|it| LISTS.strengthens(&it.text));
        let capitals = shouted && tokens[at..at + length].iter().any(|it| it.capitals);
        for (feeling, weight) in meanings {
            let Some(feeling) = (if denied { feeling.denied() } else { Some(*feeling) }) else { continue };
            // A mere hint that is denied says little of its opposite.
            if denied && *weight < 2.0 {
                continue;
            }
            let of = &mut found[feeling as usize];
            of.weight += weight + if strengthened { DEGREE } else { 0.0 } + if capitals { CAPITALS } else { 0.0 };
            of.reasons.push(range.clone());
        }
        at += length;
    }
    let exclaimed = text.chars().filter(|c| matches!(c, '!' | '！')).take(3).count() as f64 * EXCLAMATION;
    found.iter_mut().filter(|it| it.weight > 0.0).for_each(|it| it.weight += exclaimed);
    found
}

/// The words before a place that may bear on it: those of the same clause.
fn before(tokens: &[Token], at: usize) -> &[Token] {
    let from = at - tokens[..at].iter().rev().take(REACH).take_while(|it| !it.ends_clause).count();
    &tokens[from..at]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Vec<(Feeling, Vec<&str>)> {
        feelings(text)
            .into_iter()
            .map(|it| (it.feeling, it.reasons.into_iter().map(|at| &text[at]).collect()))
            .collect()
    }

    #[test]
    fn the_words_that_decided_are_said() {
        use Feeling::*;
        assert_eq!(of("I am FURIOUS, you lied to me!"), [(Anger, vec!["FURIOUS", "lied to"])]);
        assert_eq!(
            of("Vielen Dank, ich bin begeistert"),
            [(Joy, vec!["begeistert"]), (Gratitude, vec!["Vielen Dank"])]
        );
        assert_eq!(of("请尽快处理"), [(Urgency, vec!["尽快处理"])]);
        assert_eq!(of("😡"), [(Anger, vec!["😡"])]);
        assert!(of("Thanks for nothing")[0].0 == Anger && of("").is_empty() && of("The box is blue").is_empty());
    }

    #[test]
    fn what_is_denied_is_not_felt_and_denied_joy_is_disappointment() {
        use Feeling::*;
        for text in ["It is not urgent", "no worries", "Kein Grund zur Sorge", "nicht dringend", "não é urgente"] {
            assert!(of(text).is_empty(), "{text} {:?}", of(text));
        }
        for text in ["I am not happy", "Ich bin nicht zufrieden", "não estou feliz", "不开心", "Ich freue mich nicht"]
        {
            assert_eq!(of(text)[0].0, Disappointment, "{text}");
        }
        // What is before a comma denies nothing behind it.
        assert_eq!(of("No, thank you"), [(Gratitude, vec!["thank you"])]);
    }

    #[test]
    fn more_words_degrees_capitals_and_marks_are_more_and_one_hint_is_nothing() {
        let anger =
            |text: &str| feelings(text).iter().find(|it| it.feeling == Feeling::Anger).map_or(0.0, |it| it.strength);
        let rising = [
            "so stupid a box",
            "rude staff",
            "very rude staff",
            "very RUDE staff",
            "very RUDE staff!",
            "very RUDE and insulting staff!",
        ];
        let found: Vec<f64> = rising.iter().map(|text| anger(text)).collect();
        assert!(found.is_sorted() && found[0] == 0.0 && found.windows(2).all(|it| it[0] < it[1]), "{found:?}");
        assert_eq!(anger("VERY RUDE STAFF"), anger("very rude staff"));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_and_reasons_are_within_it(text in r"(?s)(furious |not |danke |尽快|不|😡|no |[\PC]|\x00|, |!){0,60}") {
            for felt in feelings(&text) {
                prop_assert!((PRESENT..=1.0).contains(&felt.strength) && !felt.reasons.is_empty());
                prop_assert!(felt.reasons.iter().all(|at| !text[at.clone()].is_empty()));
                prop_assert!(felt.reasons.windows(2).all(|it| it[0].end <= it[1].start));
            }
        }
    }

    #[test]
    fn a_megabyte_is_no_work() {
        assert!(feelings(&"not very happy, 非常生气 ".repeat(40_000)).len() >= 2);
        assert_eq!(ALL.map(|it| Feeling::named(it.name())), ALL.map(Some));
    }
}
