//! What happened to people, as words: a complaint, a refund, few stars, a theme of what they wrote in bad temper.
//!
//! Always holds: of one day nothing comes before another; what people look at and open is no word, since who stays does more of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rapport_domain::PersonId;

use crate::churn::{Definition, Subscriptions};
use crate::foretelling::{Deed, Did, Looks};

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
    fn of(
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

/// What happened to people within a window before a day: of the present everybody's who still buys; of the past each person's once, before a day that chance chose among
/// those before which all of the window is known of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Happenings {
    /// By person.
    pub all: Vec<Happened>,
    /// The words of what happened.
    pub vocabulary: Vocabulary,
    /// Within so many days.
    pub(super) window: i32,
    horizon: i32,
    looks: Looks,
    written: Written,
    subscriptions: Option<Arc<Subscriptions>>,
}

impl Happenings {
    /// Nobody's yet. `looks` are the days whose rows are learnt from or scored.
    pub fn new(definition: &Definition, looks: &Looks, written: Written) -> Self {
        let (window, horizon) = (definition.window(), 7 * definition.horizon_weeks);
        Self { window, horizon, looks: looks.clone(), written, ..Self::default() }
    }

    /// Those of whoever has a subscription, where a loss is its end.
    #[must_use]
    pub fn of_subscribers(self, subscriptions: Option<Arc<Subscriptions>>) -> Self {
        Self { subscriptions, ..self }
    }

    /// The subscriptions, where a loss is the end of one.
    pub(in crate::churn) fn subscriptions(&self) -> Option<&Subscriptions> {
        self.subscriptions.as_deref()
    }

    /// Adds what somebody did, in the order of days.
    pub fn add(&mut self, person: PersonId, deeds: &[Deed]) {
        let days: Vec<usize> = (0..self.looks.days.len()).filter(|look| self.is_told(person, deeds, *look)).collect();
        if days.is_empty() {
            return;
        }
        let look = days[(drawn(person) % days.len() as u64) as usize];
        let when = (self.looks.days[look], self.window, self.looks.heard(look));
        let happened = Happened::of((person, look), deeds, when, &self.written, &mut self.vocabulary);
        self.all.push(happened);
    }

    /// The day before which something happened, by its place.
    pub(super) fn day(&self, look: usize) -> i32 {
        self.looks.days[look]
    }

    /// Whether somebody still buys on a day, or has a subscription, and all of the window before it is known of them. The present is told only alone, since nobody knows yet
    /// what follows it.
    fn is_told(&self, person: PersonId, deeds: &[Deed], look: usize) -> bool {
        let (day, heard) = (self.looks.days[look], self.looks.heard(look));
        let is_sign = |it: &&Deed| self.subscriptions.is_some() || it.did == Did::Bought;
        let mut known = deeds.iter().filter(|it| it.day < day && it.heard < heard).filter(is_sign);
        let Some(first) = known.next().map(|it| it.day) else { return false };
        let last = known.next_back().map_or(first, |it| it.day);
        let is_there = match &self.subscriptions {
            Some(all) => all.since(person, day, heard).is_some(),
            None => day - last <= self.looks.active,
        };
        // Of a day that the version before was fitted on, what follows need not be known yet.
        let is_over = self.looks.days.last().is_some_and(|last| day + self.horizon <= *last);
        let is_learnt_from = day - first >= self.window && is_over && !self.looks.is_now(look);
        is_there && (self.looks.days.len() == 1 || is_learnt_from)
    }
}

/// A number that says nothing of a person, always the same; another one than that by which people are taken where there are too many.
fn drawn(person: PersonId) -> u64 {
    person.0.unsigned_abs().wrapping_mul(0xD1B5_4A32_D192_ED03) >> 32
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
        Did::Visited | Did::Opened | Did::Own | Did::Subscribed => return None,
        // What was answered and written is told by the event itself, and by its topics.
        Did::Satisfied | Did::Eased | Did::Felt => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVE: i32 = 56;

    fn deed(day: i32, did: Did, amount: f64) -> Deed {
        Deed { day, heard: day, did, amount, reduced: false, stands: true, reason: None }
    }

    fn none(days: &[i32], written: Written) -> Happenings {
        let definition = Definition { horizon_weeks: 4, active_weeks: 8, is_proposed: false, contract: None };
        let looks = Looks { days: days.to_vec(), is_present: true, active: ACTIVE, anybody: false, most: usize::MAX };
        Happenings::new(&definition, &looks, written)
    }

    fn words(of: &Happenings) -> Vec<(i32, &str)> {
        of.all[0].events.iter().map(|(day, word)| (*day, of.vocabulary.word(*word))).collect()
    }

    #[test]
    fn what_happened_is_told_within_the_window_with_why_and_as_far_as_it_was_heard_of() {
        let deeds = [
            deed(10, Did::Bought, 5.0),
            deed(71, Did::Complained, f64::NAN),
            Deed { reduced: true, ..deed(72, Did::Bought, 5.0) },
            deed(80, Did::Visited, f64::NAN),
            Deed { reason: Some("category=late".into()), ..deed(80, Did::Complained, f64::NAN) },
            Deed { heard: 101, ..deed(90, Did::Rated, 1.0) },
            deed(100, Did::Refunded, f64::NAN),
        ];
        let topics = || vec![(80, "delivery".to_owned()), (85, "price".to_owned())];
        let written = || Written::from([(PersonId(1), topics())]);
        let (mut now, mut then) = (none(&[100], written()), none(&[100, 128], written()));
        now.add(PersonId(1), &deeds);
        then.add(PersonId(1), &deeds);
        let mut told = vec![
            (72, "bought"),
            (72, "bought:discount"),
            (80, "complained"),
            (80, "complained:category=late"),
            (80, "wrote:topic=delivery"),
            (90, "rated_low"),
        ];
        assert_eq!(words(&now), told);
        told.pop();
        assert_eq!(words(&then), told, "it was heard of later");
    }

    #[test]
    fn of_the_past_only_those_are_told_of_whom_all_of_the_window_is_known() {
        let told = |days: &[i32], first: i32| {
            let mut all = none(days, Written::default());
            all.add(PersonId(1), &[deed(first, Did::Bought, 5.0)]);
            all.all.len()
        };
        assert_eq!([72, 73].map(|first| told(&[100, 128], first)), [1, 0], "28 days");
        assert_eq!([99, 44, 43].map(|first| told(&[100], first)), [1, 1, 0], "now everybody who still buys");
        assert_eq!(told(&[100, 128], 101), 0, "nobody knows what follows the present");
    }
}
