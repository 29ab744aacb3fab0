//! The definition of a survey: its JSON form is what is stored.
//!
//! Always holds: what was decoded is of known fields and within [`MOST_BYTES`]; whether it makes sense is said by [`check`](super::check()).

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Channel, Language};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::question::Question;
use super::show::Show;
use super::trigger::{Basis, Trigger};
use super::words::Words;
use crate::Error;

/// The most bytes of a definition.
pub const MOST_BYTES: usize = 512 << 10;
/// The most questions of a survey.
pub const MOST_QUESTIONS: usize = 200;
/// The most pages of a survey.
pub const MOST_PAGES: usize = 100;
/// An invitation can be answered for so many days, if the survey says nothing else.
pub const VALID_DAYS: u32 = 30;

/// A survey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// What its reader sees above it.
    pub title: Words,
    /// What it is for and how long it takes, before the first question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduction: Option<Words>,
    /// The language in which every text is written.
    pub default_language: Language,
    /// Its pages, in order.
    pub pages: Vec<Page>,
    /// How many answers are wanted of whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<Quota>,
    /// What is said at the end: the first that applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<End>,
    /// Who is asked, and how often.
    #[serde(default)]
    pub asking: Asking,
    /// Which answers are a review of the product that it is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
}

/// Which answers are a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The question with one to five stars.
    pub stars: String,
    /// The question with words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What is asked at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Above its questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Words>,
    /// Its questions, in order.
    pub questions: Vec<Question>,
}

/// So many answers of some people are wanted, and no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Its name in figures.
    pub key: String,
    /// Whose answers it counts; everybody's otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Show>,
    /// How many.
    pub most: u32,
}

/// What is said at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// To whom; to everybody otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Show>,
    /// The words.
    pub text: Words,
    /// Where one can go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
}

/// A way on from the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it says.
    pub text: Words,
    /// Where it leads: `https://`.
    pub url: String,
}

/// What a survey is about: each kind has a floor of its own for how often somebody is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// How somebody stands to the company in all.
    Relationship,
    /// Something that just happened: a delivery, an answer of support, a visit.
    #[default]
    Touchpoint,
    /// What a company wants to know for itself: brand, features, prices.
    Research,
    /// Why somebody leaves, asked as they do.
    Exit,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Relationship, Self::Touchpoint, Self::Research, Self::Exit];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relationship => "relationship",
            Self::Touchpoint => "touchpoint",
            Self::Research => "research",
            Self::Exit => "exit",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Who is asked, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asking {
    /// What it is about.
    pub kind: Kind,
    /// So many per cent of those who could be asked are: always the same ones, within a wave.
    pub sample_percent: f64,
    /// Nobody gets it again within so many days; as the kind says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_days: Option<u32>,
    /// Where in the life of a customer it is asked, for figures by touchpoint: `delivery`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touchpoint: Option<String>,
    /// An invitation can be answered for so many days.
    pub valid_days: u32,
    /// What they are asked after, by itself; only by links otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Trigger>,
    /// The channels by which they are asked: the first that reaches them.
    #[serde(skip_serializing_if = "is_by_mail")]
    pub channels: Vec<Channel>,
    /// The templates of its own by which it asks, by channel.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub letters: BTreeMap<Channel, Letters>,
    /// What allows to ask them; as the kind says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// A topic of consent that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Who did not answer is reminded once, after so many days; never otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remind_after_days: Option<u32>,
}

/// The templates by which a survey asks on a channel, by their keys; the workspace's where none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Letters {
    /// Of the message that asks first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<String>,
    /// Of the one that reminds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminder: Option<String>,
}

fn is_by_mail(channels: &Vec<Channel>) -> bool {
    *channels == [Channel::Email]
}

impl Asking {
    /// What allows to ask: about something they just did they may be asked unless they refused, about anything else only who agreed.
    pub fn basis(&self) -> Basis {
        let of_kind = match self.kind {
            Kind::Touchpoint | Kind::Exit => Basis::Service,
            Kind::Relationship | Kind::Research => Basis::Marketing,
        };
        self.basis.unwrap_or(of_kind)
    }

    /// How long after the occasion it is decided, in microseconds.
    pub fn delay(&self) -> i64 {
        self.when.as_ref().map_or(0, Trigger::delay)
    }
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            kind: Kind::default(),
            sample_percent: 100.0,
            floor_days: None,
            touchpoint: None,
            valid_days: VALID_DAYS,
            when: None,
            channels: vec![Channel::Email],
            letters: BTreeMap::new(),
            basis: None,
            topic: None,
            remind_after_days: None,
        }
    }
}

impl Definition {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the place of what is unknown, missing or of the wrong type, or when it is too large.
    pub fn from_json(form: &Value) -> Result<Self, Error> {
        if form.to_string().len() > MOST_BYTES {
            return Err(Error::invalid("definition", format!("at most {} KB", MOST_BYTES >> 10)));
        }
        serde_path_to_error::deserialize(form)
            .map_err(|error| Error::invalid(error.path().to_string(), error.inner().to_string()))
    }

    /// All questions, in order.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.pages.iter().flat_map(|page| &page.questions)
    }

    /// The question of a key.
    pub fn question(&self, key: &str) -> Option<&Question> {
        self.questions().find(|question| question.key == key)
    }

    /// The languages it can be read in, the default one first.
    pub fn languages(&self) -> Vec<&Language> {
        let others: BTreeSet<&Language> = self.title.0.keys().filter(|it| **it != self.default_language).collect();
        std::iter::once(&self.default_language).chain(others).collect()
    }

    /// Every text with its place, for checks.
    pub fn words(&self) -> Vec<(String, &Words)> {
        let mut all = vec![("title".to_owned(), &self.title)];
        all.extend(self.introduction.iter().map(|it| ("introduction".to_owned(), it)));
        for (at, page) in self.pages.iter().enumerate() {
            all.extend(page.title.iter().map(|it| (format!("pages[{at}].title"), it)));
            all.extend(page.questions.iter().flat_map(Question::words));
        }
        for (at, end) in self.ends.iter().enumerate() {
            all.push((format!("ends[{at}].text"), &end.text));
            all.extend(end.link.iter().map(|it| (format!("ends[{at}].link.text"), &it.text)));
        }
        all
    }
}
