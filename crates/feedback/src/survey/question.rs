//! A question and the kinds of answers there are.
//!
//! Always holds: the scale of a question with numbers is whole numbers from one to another, and says which end is the good one.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::show::Show;
use super::words::Words;

/// The key of the answer that is in no list.
pub const OTHER: &str = "other";
/// The key of the answer of those who cannot say: counted as blank.
pub const NO_OPINION: &str = "no_opinion";
/// The answers to the two halves of a Kano question, from 1 to 5 (Kano et al. 1984).
pub const KANO: [&str; 5] = ["like", "must_be", "neutral", "live_with", "dislike"];
/// The halves of a Kano question.
pub const HALVES: [&str; 2] = ["functional", "dysfunctional"];
/// The two answers to a question for consent.
pub const CONSENT: [&str; 2] = ["yes", "no"];
/// A text has so many letters at most, if its question says nothing else.
pub const LETTERS: u32 = 5_000;

/// Something that is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its name in answers and figures.
    pub key: String,
    /// What is asked.
    #[serde(default)]
    pub text: Words,
    /// What helps to answer it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Words>,
    /// Whether one cannot go on without an answer.
    #[serde(default)]
    pub required: bool,
    /// Whom it is shown to; everybody otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_if: Option<Show>,
    /// How it is answered.
    pub answer: Answer,
}

/// Which end of a scale is the good one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    #[default]
    Up,
    /// Less is better, as in the first customer effort score (1 to 5, the least effort first).
    Down,
}

impl Direction {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// One of several answers, or a row of several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its name in answers and figures.
    pub key: String,
    /// What it says.
    pub text: Words,
    /// The number that it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i32>,
    /// Whether it goes with no other, such as "none of these". Where the order is mixed it stays where it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
}

/// How a question is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// Would you recommend us: 0 to 10 (Reichheld 2003).
    Nps {
        /// What 0 means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        low: Option<Words>,
        /// What 10 means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        high: Option<Words>,
    },
    /// How satisfied: 1 to `points`.
    Csat {
        /// How many.
        #[serde(default = "five")]
        points: u8,
        /// What 1 means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        low: Option<Words>,
        /// What the highest means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        high: Option<Words>,
    },
    /// How easy: 1 to `points`.
    Ces {
        /// How many: 7 in the second version of the measure, 5 in the first.
        #[serde(default = "seven")]
        points: u8,
        /// Which end is the easy one.
        #[serde(default)]
        direction: Direction,
        /// What 1 means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        low: Option<Words>,
        /// What the highest means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        high: Option<Words>,
    },
    /// How would you feel with a feature, and without it: a pair of questions with the same five answers.
    Kano {
        /// How do you feel if it is there?
        functional: Words,
        /// How do you feel if it is not?
        dysfunctional: Words,
        /// The five answers in other words, from "I like it" to "I dislike it".
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<Words>,
    },
    /// One of several.
    Single {
        /// Which.
        choices: Vec<Choice>,
        /// Whether one can write another.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        other: bool,
        /// Whether each reader gets an order of their own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shuffle: bool,
    },
    /// Some of several.
    Multiple {
        /// Which.
        choices: Vec<Choice>,
        /// Whether one can write another.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        other: bool,
        /// Whether each reader gets an order of their own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shuffle: bool,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<u32>,
    },
    /// A number of a scale.
    Scale {
        /// The least.
        from: i32,
        /// The most.
        to: i32,
        /// Which end is the good one.
        #[serde(default)]
        direction: Direction,
        /// What the least means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        low: Option<Words>,
        /// What the most means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        high: Option<Words>,
        /// Whether one can say that one cannot say.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        no_opinion: bool,
    },
    /// The same choice for several rows.
    Matrix {
        /// Of what.
        rows: Vec<Choice>,
        /// What can be chosen.
        columns: Vec<Choice>,
        /// Whether each reader gets the rows in an order of their own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shuffle: bool,
    },
    /// All of several, the most important first.
    Ranking {
        /// Which.
        choices: Vec<Choice>,
        /// Whether each reader gets an order of their own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shuffle: bool,
    },
    /// In one's own words.
    Text {
        /// Whether there is room for more than a line.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        long: bool,
        /// At most so many letters.
        #[serde(default = "letters")]
        letters: u32,
    },
    /// A number that is written, such as a price.
    Number {
        /// The least.
        from: i64,
        /// The most.
        to: i64,
    },
    /// A day.
    Date {
        /// The first that can be given: `2026-01-31`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// The last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// Not asked: what the link brings along under the question's key.
    Hidden {},
    /// Yes or no to something that needs a yes.
    Consent {},
}

const fn five() -> u8 {
    5
}

const fn seven() -> u8 {
    7
}

const fn letters() -> u32 {
    LETTERS
}

impl Answer {
    /// The stable word of the kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Nps { .. } => "nps",
            Self::Csat { .. } => "csat",
            Self::Ces { .. } => "ces",
            Self::Kano { .. } => "kano",
            Self::Single { .. } => "single",
            Self::Multiple { .. } => "multiple",
            Self::Scale { .. } => "scale",
            Self::Matrix { .. } => "matrix",
            Self::Ranking { .. } => "ranking",
            Self::Text { .. } => "text",
            Self::Number { .. } => "number",
            Self::Date { .. } => "date",
            Self::Hidden {} => "hidden",
            Self::Consent {} => "consent",
        }
    }

    /// The numbers of a scale, and which end is the good one; none where one does not answer by a point on a scale.
    pub fn scale(&self) -> Option<(RangeInclusive<i32>, Direction)> {
        match self {
            Self::Nps { .. } => Some((0..=10, Direction::Up)),
            Self::Csat { points, .. } => Some((1..=i32::from(*points), Direction::Up)),
            Self::Ces { points, direction, .. } => Some((1..=i32::from(*points), *direction)),
            Self::Scale { from, to, direction, .. } => Some((*from..=*to, *direction)),
            _ => None,
        }
    }

    /// Whether one chooses between two things that stand for 1 and 0: yes and no as a number.
    pub fn is_yes_or_no(&self) -> bool {
        let Self::Single { choices, other: false, .. } = self else { return false };
        let mut values: Vec<Option<i32>> = choices.iter().map(|it| it.value).collect();
        values.sort_unstable();
        values == [Some(0), Some(1)]
    }

    /// What the two ends of a scale mean.
    pub const fn ends(&self) -> (Option<&Words>, Option<&Words>) {
        match self {
            Self::Nps { low, high }
            | Self::Csat { low, high, .. }
            | Self::Ces { low, high, .. }
            | Self::Scale { low, high, .. } => (low.as_ref(), high.as_ref()),
            _ => (None, None),
        }
    }

    /// What can be chosen: the columns of a matrix, the items of a ranking.
    pub fn choices(&self) -> &[Choice] {
        match self {
            Self::Single { choices, .. } | Self::Multiple { choices, .. } | Self::Ranking { choices, .. } => choices,
            Self::Matrix { columns, .. } => columns,
            _ => &[],
        }
    }

    /// The rows of a matrix.
    pub fn rows(&self) -> &[Choice] {
        if let Self::Matrix { rows, .. } = self { rows } else { &[] }
    }

    /// Whether an answer can be a choice of this key.
    pub fn can_be(&self, choice: &str) -> bool {
        match self {
            Self::Kano { .. } => KANO.contains(&choice),
            Self::Consent {} => CONSENT.contains(&choice),
            Self::Scale { no_opinion, .. } => *no_opinion && choice == NO_OPINION,
            Self::Single { other, .. } | Self::Multiple { other, .. } if *other && choice == OTHER => true,
            _ => self.choices().iter().any(|it| it.key == choice),
        }
    }

    /// Whether its answers have numbers.
    pub fn has_numbers(&self) -> bool {
        self.scale().is_some()
            || matches!(self, Self::Kano { .. } | Self::Ranking { .. } | Self::Number { .. })
            || self.choices().iter().any(|it| it.value.is_some())
    }

    /// The parts that an answer can have; none where there is only the answer itself.
    pub fn parts(&self) -> Vec<&str> {
        match self {
            Self::Kano { .. } => HALVES.to_vec(),
            Self::Matrix { rows, .. } => rows.iter().map(|row| row.key.as_str()).collect(),
            Self::Ranking { choices, .. } => choices.iter().map(|it| it.key.as_str()).collect(),
            Self::Multiple { choices, other, .. } => {
                choices.iter().map(|it| it.key.as_str()).chain(other.then_some(OTHER)).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Question {
    /// Every text with its place.
    pub fn words(&self) -> Vec<(String, &Words)> {
        let mut all = Vec::new();
        // What is not asked needs no words.
        if !matches!(self.answer, Answer::Hidden {}) {
            all.push((self.key.clone(), &self.text));
        }
        let mut more = |part: String, words| all.push((format!("{}.{part}", self.key), words));
        if let Some(hint) = &self.hint {
            more("hint".to_owned(), hint);
        }
        let (low, high) = self.answer.ends();
        for (part, words) in [("low", low), ("high", high)] {
            if let Some(words) = words {
                more(part.to_owned(), words);
            }
        }
        for choice in self.answer.rows().iter().chain(self.answer.choices()) {
            more(choice.key.clone(), &choice.text);
        }
        if let Answer::Kano { functional, dysfunctional, labels } = &self.answer {
            more("functional".to_owned(), functional);
            more("dysfunctional".to_owned(), dysfunctional);
            for (at, label) in labels.iter().enumerate() {
                more(format!("labels[{at}]"), label);
            }
        }
        all
    }
}
