//! Sentiment by rules and a rated word list, with nothing learnt: VADER's published method (Hutto and Gilbert 2014), written anew.
//!
//! Always holds: the figures are those of the Python package vaderSentiment 3.3.2 to their last printed digit, its slips included (see the notes "as
//! published"). It knows English words, emoticons and emoji; in other languages it finds little and says 0.

mod lexicon;
mod words;

use std::collections::BTreeSet;
use std::ops::Range;

use lexicon::{Entry, LEXICON, Mark};
use words::{Word, words};

/// What a negation makes of a valence.
const NEGATED: f64 = -0.74;
/// What capitals add among words that are not.
const CAPITALS: f64 = 0.733;
/// How much of a degree word is left at a distance of one, two and three words.
const DISTANCE: [f64; 3] = [1.0, 0.95, 0.9];

/// The sentiment of a text.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sentiment {
    /// From -1 (worst) to 1 (best), four decimals; what lies between -0.05 and 0.05 counts as neutral.
    pub compound: f64,
    /// The share of the text that is positive, three decimals.
    pub positive: f64,
    /// The share that is neutral.
    pub neutral: f64,
    /// The share that is negative.
    pub negative: f64,
}

/// A word that decided, and which way.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// Where it stands in the text.
    pub range: Range<usize>,
    /// Its valence with everything around it (negation, degree, capitals, contrast) taken into account: about -4 to 4.
    pub valence: f64,
}

/// The sentiment of `text`.
pub fn sentiment(text: &str) -> Sentiment {
    let shown = Shown::of(text);
    let words = words(&shown.text);
    summed(words.len(), &valences(&words), &shown.text)
}

/// The words of `text` that decided, in their order.
pub fn reasons(text: &str) -> Vec<Reason> {
    let shown = Shown::of(text);
    let words = words(&shown.text);
    let of = |(at, valence): (usize, f64)| {
        let range = shown.original(words[at].start, words[at].end);
        Reason { range, valence }
    };
    valences(&words).into_iter().map(of).collect()
}

/// The text with words in the place of emoji, and where they stood.
struct Shown<'t> {
    text: std::borrow::Cow<'t, str>,
    /// For every emoji: its range here and its range in the original, in order.
    emoji: Vec<(Range<usize>, Range<usize>)>,
}

impl<'t> Shown<'t> {
    /// As published: a blank comes before the words of an emoji, none after them.
    fn of(text: &'t str) -> Self {
        let has = |text: &str| !text.is_ascii() && text.chars().any(|c| LEXICON.emoji(c).is_some());
        if !has(text) {
            return Self { text: text.into(), emoji: Vec::new() };
        }
        let (mut shown, mut emoji, mut after_space) = (String::with_capacity(text.len() * 2), Vec::new(), true);
        for (at, character) in text.char_indices() {
            let Some(words) = LEXICON.emoji(character) else {
                shown.push(character);
                after_space = character == ' ';
                continue;
            };
            if !after_space {
                shown.push(' ');
            }
            let start = shown.len();
            shown.push_str(words);
            emoji.push((start..shown.len(), at..at + character.len_utf8()));
            after_space = false;
        }
        Self { text: shown.into(), emoji }
    }

    /// Where in the original that stands which is from `start` to `end` here.
    fn original(&self, start: usize, end: usize) -> Range<usize> {
        let place = |at: usize, end: bool| {
            let before = self.emoji.partition_point(|(here, _)| here.start < at + usize::from(!end));
            match before.checked_sub(1).map(|last| &self.emoji[last]) {
                None => at,
                Some((here, there)) if at < here.end || (end && at == here.end) => {
                    if end {
                        there.end
                    } else {
                        there.start
                    }
                }
                Some((here, there)) => there.end + (at - here.end),
            }
        };
        place(start, false)..place(end, true)
    }
}

impl Entry {
    fn is(&self, mark: Mark) -> bool {
        self.mark == mark
    }
}

/// The words that have a valence in their surroundings, and which.
fn valences(words: &[Word]) -> Vec<(usize, f64)> {
    let mut valences = Vec::new();
    let Some(first) = words.iter().position(|word| word.entry.valence.is_some()) else { return valences };
    let capitals = words.iter().filter(|word| word.capitals).count();
    let some_capitals = capitals > 0 && capitals < words.len();
    for (at, _) in words.iter().enumerate().skip(first).filter(|(_, word)| word.entry.valence.is_some()) {
        let valence = valence(words, at, some_capitals);
        if valence != 0.0 {
            valences.push((at, valence));
        }
    }
    contrast(words, &mut valences);
    valences
}

fn valence(words: &[Word], at: usize, some_capitals: bool) -> f64 {
    let (word, entry) = (&words[at], words[at].entry);
    let (Some(rated), None) = (entry.valence, entry.degree) else { return 0.0 };
    let next = words.get(at + 1).map(|word| word.entry);
    if entry.is(Mark::Kind) && next.is_some_and(|next| next.is(Mark::Of)) {
        return 0.0;
    }
    let before = |distance: usize| at.checked_sub(distance).map(|at| &words[at]);
    let marked = |distance: usize, mark: Mark| before(distance).is_some_and(|word| word.entry.is(mark));
    let mut valence = rated;
    // "no" before a rated word turns that word and says nothing itself.
    if entry.is(Mark::No) && next.is_some_and(|next| next.valence.is_some()) {
        valence = 0.0;
    }
    if marked(1, Mark::No)
        || marked(2, Mark::No)
        || (marked(3, Mark::No) && (marked(1, Mark::Or) || marked(1, Mark::Nor)))
    {
        valence = rated * NEGATED;
    }
    if word.capitals && some_capitals {
        valence += if valence > 0.0 { CAPITALS } else { -CAPITALS };
    }
    for distance in 1..=3 {
        let Some(earlier) = before(distance).filter(|word| word.entry.valence.is_none()) else { continue };
        valence += degree(earlier, valence, some_capitals) * DISTANCE[distance - 1];
        valence *= negation(words, at, distance);
        if distance == 3 {
            valence = idiom(words, at, valence);
        }
    }
    if marked(1, Mark::Least)
        && before(1).is_some_and(|word| word.entry.valence.is_none())
        && !(marked(2, Mark::At) || marked(2, Mark::Very))
    {
        valence *= NEGATED;
    }
    valence
}

/// What a degree word ("very", "hardly") adds to a valence.
fn degree(word: &Word, valence: f64, some_capitals: bool) -> f64 {
    let Some(degree) = word.entry.degree else { return 0.0 };
    let degree = if valence < 0.0 { -degree } else { degree };
    match word.capitals && some_capitals {
        true if valence > 0.0 => degree + CAPITALS,
        true => degree - CAPITALS,
        false => degree,
    }
}

/// What the word `distance` before makes of a valence as a negation.
fn negation(words: &[Word], at: usize, distance: usize) -> f64 {
    let is = |distance: usize, mark: Mark| words[at - distance].entry.is(mark);
    let emphatic = |distance: usize| is(distance, Mark::So) || is(distance, Mark::This);
    match distance {
        2 if is(2, Mark::Never) && emphatic(1) => return 1.25,
        2 if is(2, Mark::Without) && is(1, Mark::Doubt) => return 1.0,
        // As published: a "so" or "this" right before the word does it without any "never".
        3 if (is(3, Mark::Never) && emphatic(2)) || emphatic(1) => return 1.25,
        3 if is(3, Mark::Without) && (is(2, Mark::Doubt) || is(1, Mark::Doubt)) => return 1.0,
        _ => {}
    }
    if words[at - distance].entry.negates { NEGATED } else { 1.0 }
}

/// Phrases that mean something else than their words, and degree words of two words; from the fourth word on (as published).
fn idiom(words: &[Word], at: usize, valence: f64) -> f64 {
    use Mark::*;
    const IDIOMS: [(&[Mark], f64); 8] = [
        (&[The, Shit], 3.0),
        (&[The, Bomb], 3.0),
        (&[Bad, Ass], 1.5),
        (&[Bus, Stop], 0.0),
        (&[Yeah, Right], -2.0),
        (&[Kiss, Of, Death], -1.5),
        (&[To, Die, For], 3.0),
        (&[Beating, Heart], 3.5),
    ];
    let stands = |marks: &[Mark], from: usize| {
        marks.iter().enumerate().all(|(i, mark)| words.get(from + i).is_some_and(|word| word.entry.is(*mark)))
    };
    let of = |from: usize, count: usize| {
        IDIOMS.iter().find(|(marks, _)| marks.len() == count && stands(marks, from)).map(|(_, valence)| *valence)
    };
    let before = [(at - 1, 2), (at - 2, 3), (at - 2, 2), (at - 3, 3), (at - 3, 2)];
    let mut valence = before.iter().find_map(|(from, count)| of(*from, *count)).unwrap_or(valence);
    for count in [2, 3] {
        valence = of(at, count).unwrap_or(valence);
    }
    const DEGREES: [[Mark; 2]; 3] = [[Just, Enough], [Kind, Of], [Sort, Of]];
    for from in [at - 3, at - 2] {
        if DEGREES.iter().any(|marks| stands(marks, from)) {
            valence += lexicon::LESS;
        }
    }
    valence
}

/// What comes before the first "but" counts half, what comes after it one and a half times. As published: the valences are gone through in order,
/// and what is changed is the first one that is equal to the one at hand; of equal ones another may be meant.
fn contrast(words: &[Word], valences: &mut [(usize, f64)]) {
    let Some(but) = words.iter().position(|word| word.entry.is(Mark::But)) else { return };
    let key = |(place, (_, valence)): (usize, &(usize, f64))| (valence.to_bits(), place);
    let mut places: BTreeSet<(u64, usize)> = valences.iter().enumerate().map(key).collect();
    for place in 0..valences.len() {
        let bits = valences[place].1.to_bits();
        let Some((_, first)) = places.range((bits, 0)..=(bits, usize::MAX)).next().copied() else { continue };
        places.remove(&(bits, first));
        valences[first].1 *= if valences[first].0 < but { 0.5 } else { 1.5 };
        places.insert((valences[first].1.to_bits(), first));
    }
}

/// What exclamation and question marks add.
fn emphasis(text: &str) -> f64 {
    let count = |mark: u8| text.bytes().filter(|byte| *byte == mark).count();
    let questions = match count(b'?') {
        0 | 1 => 0.0,
        few @ 2..=3 => few as f64 * 0.18,
        _ => 0.96,
    };
    count(b'!').min(4) as f64 * 0.292 + questions
}

fn summed(words: usize, valences: &[(usize, f64)], text: &str) -> Sentiment {
    if valences.is_empty() {
        return Sentiment { neutral: if words == 0 { 0.0 } else { 1.0 }, ..Sentiment::default() };
    }
    let emphasis = emphasis(text);
    let signed = |sum: f64| if sum > 0.0 { emphasis } else { -emphasis };
    let mut sum: f64 = valences.iter().map(|(_, valence)| valence).sum();
    if sum != 0.0 {
        sum += signed(sum);
    }
    // Neutral words count 1; so that the others are not less, they get 1 more.
    let (mut positive, mut negative) = (0.0, 0.0);
    let neutral = (words - valences.len()) as f64;
    for (_, valence) in valences {
        if *valence > 0.0 { positive += valence + 1.0 } else { negative += 1.0 - valence }
    }
    if positive > negative {
        positive += emphasis;
    } else if negative > positive {
        negative += emphasis;
    }
    let total = positive + negative + neutral;
    Sentiment {
        compound: rounded(sum / (sum * sum + 15.0).sqrt(), 1e4),
        positive: rounded(positive / total, 1e3),
        neutral: rounded(neutral / total, 1e3),
        negative: rounded(negative / total, 1e3),
    }
}

/// To a whole number of parts, of which `scale` make one, as exact arithmetic rounds: what looks like a half after the product may be none.
fn rounded(value: f64, scale: f64) -> f64 {
    let product = value * scale;
    let half = product.floor() + 0.5;
    if (product - half).abs() > 1e-6 {
        return product.round() / scale;
    }
    let beyond = libm::fma(value, scale, -half);
    let whole = if beyond == 0.0 { half.round_ties_even() } else { half + beyond.signum() * 0.5 };
    whole / scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words_of(text: &str) -> Vec<(&str, f64)> {
        reasons(text).into_iter().map(|it| (&text[it.range], (it.valence * 1e3).round() / 1e3)).collect()
    }

    #[test]
    fn the_words_that_decided_are_found_in_the_text_as_it_was_given() {
        assert_eq!(words_of("Delivery was awful, but the box is really GREAT!"), [("awful", -1.0), ("GREAT", 6.189)]);
        assert_eq!(words_of("not good at all"), [("good", -1.406)]);
        assert_eq!(words_of("ok😁😁 done :)"), [("ok", 1.2), ("😁", 2.0), ("😁", 2.0), (":)", 2.0)]);
        assert!(words_of("").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_has_a_sentiment_within_bounds(text in r"(?s)([\PC😁💔 !?.]|but |not |GOOD |bad |\x00|\x1d|\u{202e}){0,80}") {
            let found = sentiment(&text);
            prop_assert!((-1.0..=1.0).contains(&found.compound));
            let parts = found.positive + found.neutral + found.negative;
            prop_assert!(parts == 0.0 || (parts - 1.0).abs() < 0.0021);
            for reason in reasons(&text) {
                prop_assert!(!text[reason.range.clone()].is_empty() && reason.valence != 0.0);
            }
        }
    }

    #[test]
    fn a_megabyte_of_contrast_is_no_work() {
        let text = "good but bad GREAT 😁 ".repeat(50_000);
        assert_eq!(sentiment(&text).compound.abs(), 1.0);
        assert_eq!(reasons(&text).len(), 50_000 * 4);
    }
}
