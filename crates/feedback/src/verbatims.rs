//! Verbatims: what people wrote, understood once, as staff may read it.
//!
//! Always holds: what is shown has no e-mail addresses, numbers of cards, accounts, documents and telephones, nor names that were given; a person's own
//! rating or a correction outweighs what a model says; models learn from what is shown, never from what was hidden; the same examples give the same model.
//!
//! Does not do: keep what was written (that stays where it came in), decide what follows from it.

pub mod records;
pub mod search;

use std::collections::BTreeSet;

use rapport_text::feelings::learnt::{LearntFeelings, Quality};
use rapport_text::feelings::{ALL, Feeling, Felt, feelings};
use rapport_text::learnt::{Learnt, Measured};
use rapport_text::redaction::Redactor;
use rapport_text::rules::{self, Reason};
use rapport_text::{language, rules::sentiment};

/// Sentiments go from -1,000 to 1,000; from so far from 0 on a text is negative or positive.
pub const CLEAR: i64 = 50;
const WHOLE: f64 = 1_000.0;
/// Texts are shown this far.
const LONGEST: usize = 40_000;
/// So many words are named as reasons.
const MOST_REASONS: usize = 8;
/// What a rating of one and of five stars is beside a middle one.
const STARS: (f64, f64) = (3.0, 2.0);

/// What is understood of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    /// By ISO 639-1.
    pub language: Option<&'static str>,
    /// The text without personal data.
    pub shown: String,
    /// -1,000 to 1,000.
    pub sentiment: i64,
    /// For each feeling in the order of [`ALL`] how strong it is, 500 to 1,000; 0 where it is not shown.
    pub feelings: [i64; ALL.len()],
}

/// A text from which models learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// As it is shown.
    pub shown: String,
    /// How people rated it, 1 to 5: their own stars, or staff's correction.
    pub rating: Option<f64>,
    /// Which feelings staff found in it.
    pub feelings: Option<BTreeSet<Feeling>>,
}

/// Understands texts: by rules, and by what was learnt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reader {
    sentiment: Option<Learnt>,
    feelings: Option<LearntFeelings>,
}

/// Why a text was understood as it was: places in what is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Reasons {
    /// Words that made it positive or negative, weightiest first.
    pub sentiment: Vec<Reason>,
    /// Words for each feeling.
    pub feelings: Vec<Felt>,
}

impl Reader {
    /// With models for which there are enough examples.
    pub fn learn(examples: &[Example]) -> Self {
        let rated: Vec<(&str, f64)> = examples.iter().filter_map(|it| Some((it.shown.as_str(), it.rating?))).collect();
        let felt: Vec<(&str, &BTreeSet<Feeling>)> =
            examples.iter().filter_map(|it| Some((it.shown.as_str(), it.feelings.as_ref()?))).collect();
        Self { sentiment: Learnt::learn(&rated, STARS.0), feelings: LearntFeelings::learn(&felt) }
    }

    /// Understands a text; `names` are of people who may be named in it.
    pub fn read<'n>(&self, text: &str, names: impl IntoIterator<Item = &'n str>) -> Understood {
        let text = &text[..text.floor_char_boundary(LONGEST)];
        // What cannot be seen could hide what can, or turn the page around it.
        let seen: String = text.chars().filter(|c| !is_unseen(*c)).collect();
        let shown = Redactor::new(names).redact(&seen);
        let (sentiment, feelings) = self.anew(&shown);
        Understood { language: language::language(&shown), sentiment, feelings, shown }
    }

    /// How a text that is shown is understood: its sentiment, and its feelings as [`Understood`] has them.
    pub fn anew(&self, shown: &str) -> (i64, [i64; ALL.len()]) {
        let felt = self.felt(shown);
        let mut strengths = [0; ALL.len()];
        felt.iter().for_each(|it| strengths[it.feeling as usize] = (it.strength * WHOLE).round() as i64);
        (self.feels(shown, &felt), strengths)
    }

    /// Why a text that is shown was understood so.
    pub fn reasons(&self, shown: &str) -> Reasons {
        let mut sentiment = match &self.sentiment {
            Some(model) => model.reasons(shown, MOST_REASONS),
            None => rules::reasons(shown),
        };
        sentiment.sort_by(|a, b| b.valence.abs().total_cmp(&a.valence.abs()).then(a.range.start.cmp(&b.range.start)));
        sentiment.truncate(MOST_REASONS);
        Reasons { sentiment, feelings: self.felt(shown) }
    }

    /// How a part of a text that is shown feels, -1,000 to 1,000.
    pub fn sentiment(&self, shown: &str) -> i64 {
        self.feels(shown, &self.felt(shown))
    }

    /// How well sentiment is found, where it was learnt.
    pub fn sentiment_quality(&self) -> Option<Measured> {
        self.sentiment.as_ref().map(Learnt::measured)
    }

    /// How well feelings are found, where they were learnt.
    pub fn feelings_quality(&self) -> Vec<Quality> {
        self.feelings.as_ref().map(LearntFeelings::quality).unwrap_or_default()
    }

    fn felt(&self, shown: &str) -> Vec<Felt> {
        self.feelings.as_ref().map_or_else(|| feelings(shown), |model| model.feelings(shown))
    }

    fn feels(&self, shown: &str, felt: &[Felt]) -> i64 {
        let found = match &self.sentiment {
            Some(model) => 2.0 * model.estimate(shown).positive - 1.0,
            // The rules of sentiment know English; of the others the feelings tell.
            None => match sentiment(shown).compound {
                0.0 => balance(felt),
                compound => compound,
            },
        };
        (found * WHOLE).round() as i64
    }
}

fn is_unseen(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What good feelings outweigh bad ones by.
fn balance(felt: &[Felt]) -> f64 {
    let sum = |of: &[Feeling]| felt.iter().filter(|it| of.contains(&it.feeling)).map(|it| it.strength).sum::<f64>();
    let good = sum(&[Feeling::Joy, Feeling::Gratitude, Feeling::Trust]);
    let bad = sum(&[Feeling::Anger, Feeling::Disappointment, Feeling::Anxiety]);
    if good + bad > 0.0 { (good - bad) / (good + bad + 1.0) } else { 0.0 }
}

/// A sentiment as the stars that models learn from.
pub fn stars(sentiment: i64) -> f64 {
    STARS.0 + STARS.1 * sentiment as f64 / WHOLE
}

/// Stars from 1 to 5 as a sentiment.
pub fn of_stars(rating: f64) -> i64 {
    ((rating.clamp(1.0, 5.0) - STARS.0) / STARS.1 * WHOLE).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_understood_and_shown_without_personal_data() {
        let text = "Maria Weber was rude, I am furious! Call me: +49 170 1234567, ann@example.org\u{202e}\0";
        let read = Reader::default().read(text, ["Maria Weber"]);
        assert_eq!(read.shown, "[name] was rude, I am furious! Call me: [phone], [email]");
        assert_eq!(read.language, Some("en"));
        assert!(read.sentiment < -CLEAR && read.feelings[Feeling::Anger as usize] >= 500);
        assert_eq!(read.feelings[Feeling::Joy as usize], 0);
        let nothing = Reader::default().read("", []);
        assert_eq!((nothing.sentiment, nothing.feelings, nothing.language), (0, [0; 7], None));
        assert!(Reader::default().read(&"a\u{202e}好 ".repeat(300_000), []).shown.len() <= LONGEST);
    }

    #[test]
    fn other_languages_have_a_sentiment_from_the_first_day() {
        let of = |text: &str| Reader::default().read(text, []).sentiment;
        assert!(of("Ich bin sehr enttäuscht, nie wieder!") < -CLEAR && of("Vielen Dank, ich bin begeistert") > CLEAR);
        assert!(of("太失望了，不会再来") < -CLEAR && of("非常满意，谢谢") > CLEAR);
        assert!(of("Amei, recomendo") > CLEAR && of("Péssimo, não recomendo") < -CLEAR);
    }

    #[test]
    fn models_learn_from_ratings_and_corrections() {
        let example = |at: usize| {
            let bad = at.is_multiple_of(2);
            let word = if bad { "grumu" } else { "ilus" };
            let feelings = if bad { BTreeSet::from([Feeling::Anger]) } else { BTreeSet::new() };
            let rating = Some(if bad { 1.0 } else { 5.0 });
            Example { shown: format!("pakk {word} oma{at} tulu{}", at % 7), rating, feelings: Some(feelings) }
        };
        let examples: Vec<Example> = (0..80).map(example).collect();
        let reader = Reader::learn(&examples);
        let bad = reader.read("grumu pakk", []);
        assert!(bad.sentiment < -500 && bad.feelings[Feeling::Anger as usize] >= 500, "{bad:?}");
        assert!(reader.read("ilus pakk", []).sentiment > 500);
        assert!(reader.reasons("grumu pakk").sentiment[0].range == (0..5));
        assert!(reader.sentiment_quality().unwrap().accuracy > 0.9 && reader.feelings_quality().len() == 1);
        assert_eq!(Reader::learn(&examples[..10]), Reader::default());
        assert_eq!((of_stars(stars(-400)), of_stars(9.0), stars(0)), (-400, 1_000, 3.0));
    }
}
