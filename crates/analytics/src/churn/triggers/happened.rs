//! What happened to people, as words: a complaint, a refund, few stars, a theme of what they wrote in bad temper.
//!
//! Always holds: of one day nothing comes before another; what people look at and open is no word, since who stays does more of it.

use std::collections::{BTreeMap, HashMap};

use rapport_domain::PersonId;

use crate::churn::deeds::{Deed, Did};

/// From so many stars on they are many, up to so many few.
const STARS: (f64, f64) = (2.0, 4.0);
/// Up to this answer somebody would not recommend us, from the other on they would.
const ANSWERS: (f64, f64) = (6.0, 9.0);
/// Begins the word of a theme.
const WROTE: &str = "wrote:topic=";

/// The topics of what people wrote in bad temper: on which day, about which.
pub type Written = HashMap<PersonId, Vec<(i32, String)>>;

/// Words and their places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vocabulary {
    words: Vec<String>,
    places: BTreeMap<String, u32>,
}

impl Vocabulary {
    /// The place of a word, which is made where there is none.
    pub fn place(&mut self, word: &str) -> u32 {
        if let Some(place) = self.places.get(word) {
            return *place;
        }
        let place = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.words.push(word.to_owned());
        self.places.insert(word.to_owned(), place);
        place
    }

    /// The word of a place.
    pub fn word(&self, place: u32) -> &str {
        self.words.get(place as usize).map_or("", String::as_str)
    }

    /// The places of the words of steps; `None` where one never happened.
    pub fn places(&self, steps: &[Vec<String>]) -> Option<Vec<Vec<u32>>> {
        steps.iter().map(|step| step.iter().map(|word| self.places.get(word).copied()).collect()).collect()
    }
}

/// What happened to somebody within the window before a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// Who.
    pub person: PersonId,
    /// The place of the moment.
    pub look: usize,
    /// When and what, by places of words; in the order of days.
    pub events: Vec<(i32, u32)>,
}

impl Happened {
    /// Of deeds, as far as they were heard of before the day `heard`.
    pub(crate) fn of(
        (person, look): (PersonId, usize),
        deeds: &[Deed],
        (moment, window, heard): (i32, i32, i32),
        written: &Written,
        vocabulary: &mut Vocabulary,
    ) -> Self {
        let mut events: Vec<(i32, u32)> = Vec::new();
        let wrote = written.get(&person);
        let known = deeds.iter().filter(|it| it.day < moment && it.day >= moment - window && it.heard < heard);
        for deed in known {
            let Some(word) = word(deed) else { continue };
            events.push((deed.day, vocabulary.place(word)));
            if deed.reduced {
                events.push((deed.day, vocabulary.place("bought:discount")));
            }
            if let Some(reason) = &deed.reason {
                events.push((deed.day, vocabulary.place(&format!("{word}:{reason}"))));
            }
            // A text was heard of with what it was told by.
            if matches!(deed.did, Did::Rated | Did::Recommended | Did::Asked | Did::Complained) {
                let topics = wrote.into_iter().flatten().filter(|it| it.0 == deed.day);
                events.extend(topics.map(|(day, topic)| (*day, vocabulary.place(&format!("{WROTE}{topic}")))));
            }
        }
        events.sort_unstable();
        events.dedup();
        Self { person, look, events }
    }

    /// Whether the steps come in this order, each on a later day than the one before.
    pub fn shows(&self, steps: &[Vec<u32>]) -> bool {
        let mut wanted = steps.iter().peekable();
        for day in self.events.chunk_by(|a, b| a.0 == b.0) {
            // The first day that has a step is as good as any later one, since the window is the only limit.
            let Some(step) = wanted.peek() else { return true };
            if step.iter().all(|word| day.iter().any(|it| it.1 == *word)) {
                wanted.next();
            }
        }
        wanted.peek().is_none()
    }
}

/// What a deed is called.
fn word(deed: &Deed) -> Option<&'static str> {
    let (few, many) = STARS;
    let (not, would) = ANSWERS;
    Some(match deed.did {
        Did::Bought => "bought",
        Did::Refunded => "refunded",
        Did::Cancelled => "cancelled",
        Did::Complained => "complained",
        Did::Asked => "asked",
        Did::Referred => "referred",
        Did::Rated if deed.amount <= few => "rated_low",
        Did::Rated if deed.amount >= many => "rated_high",
        Did::Rated => "rated",
        Did::Recommended if deed.amount <= not => "recommends_not",
        Did::Recommended if deed.amount >= would => "recommends",
        Did::Recommended => "answered",
        Did::Visited | Did::Opened => return None,
    })
}
