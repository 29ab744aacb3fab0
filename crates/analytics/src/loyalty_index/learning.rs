//! From what is known of people to a version: which measures, how they are scaled, what that says of all, and what it changes beside the version before.
//!
//! Always holds: the same definition as before makes no new version; one that came about by itself and would move many people is held until staff decide, one that staff
//! made themselves is not.

use rapport_models::survey::loyalty;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Settings;
use super::definition::{Definition, proposed, row};
use super::people::People;
use super::reading::Reading;
use crate::scores::judged::{Hold, PEOPLE};
use crate::scores::{self, Verdict};

/// Into how many steps this is divided.
pub const STEPS: usize = 2;
/// With fewer people who have an index, there is none.
pub const LEAST_PEOPLE: usize = 50;
/// A person whose index moves by more than this is another customer to whoever reads it.
pub(super) const MOVES: f64 = 10.0;
/// A version that came about by itself and moves more than this share of the people is held.
const MANY: f64 = 0.2;
/// Of 95 %.
pub(super) const TAILS: f64 = 0.05;

/// Beside the version before, on the same people and values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyAgainst)]
pub struct Against {
    /// The version before.
    pub version: i64,
    /// The mean of all by it.
    pub before: f64,
    /// By the new one.
    pub now: f64,
    /// How many people move by more than ten points.
    pub moved: u64,
    /// How many have an index by both.
    pub both: u64,
    /// How many people had one by it when it came about.
    pub people_before: i64,
    /// How many have one now.
    pub people: i64,
    /// Whether staff chose what differs.
    pub is_chosen: bool,
}

impl Against {
    /// Why the new version is to be held. What staff chose is theirs.
    pub fn holds(&self) -> Vec<Hold> {
        if self.is_chosen {
            return Vec::new();
        }
        let mut holds = Vec::new();
        let share = self.moved as f64 / self.both.max(1) as f64;
        if share > MANY {
            let text = format!(
                "What the workspace knows has changed, and with it the measures: the index of {} of {} people would move by more than ten points, while they did nothing else than before.",
                self.moved, self.both
            );
            holds.push(Hold { code: "index_moves".to_owned(), before: self.before, now: share, text });
        }
        if (self.people as f64) < PEOPLE * self.people_before as f64 {
            let text = format!(
                "Only {} people have an index, of version {} it was {}: some seem to be missing.",
                self.people, self.version, self.people_before
            );
            let (before, now) = (self.people_before as f64, self.people as f64);
            holds.push(Hold { code: "people_missing".to_owned(), before, now, text });
        }
        holds
    }
}

/// All that a version keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// How the index is made.
    pub definition: Definition,
    /// Whether the measures were proposed by what is known.
    pub is_proposed: bool,
    /// What it said of all when it came about.
    pub reading: Reading,
    /// Beside the version before.
    pub against: Option<Against>,
}

/// The version before.
pub type Before = scores::Before<Content>;

/// A version, before anybody decided about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// What it keeps.
    pub content: Content,
    /// How many people have an index by it.
    pub people: usize,
}

/// How the index is to be made of what is known of people. Measures that were proposed stay as they are while they are of the same things: weekly moves of what is usual
/// would move everybody for nothing.
pub fn settled(settings: &Settings, people: &People, before: Option<&Content>) -> Definition {
    Definition::of(settings, || {
        let new = proposed(people, settings.window_days);
        let kept = before.filter(|it| it.is_proposed && it.definition.window_days == settings.window_days);
        let same = kept.filter(|it| it.definition.measures.iter().map(|it| &it.of).eq(new.iter().map(|it| &it.of)));
        same.map_or(new, |it| it.definition.measures.clone())
    })
}

/// What an index says of these people.
///
/// # Errors
/// It cannot be: too few people, or nothing that weighs.
pub(super) fn read(definition: &Definition, people: &People) -> Result<loyalty::Reading, Verdict> {
    let places = definition.places(&people.keys);
    let rows: Vec<Vec<Option<f64>>> = people.rows.iter().map(|it| row(&places, &it.values)).collect();
    // Intervals are of the normal, see `Reading`: nothing is drawn again.
    definition.index().read(&rows, TAILS, (0, 1)).map_err(|it| Verdict::of(&it))
}

/// Makes a version of what is known; `None` where it would be the version before.
///
/// # Errors
/// The data do not carry an index: the sentence that says why.
pub fn learn(people: &People, settings: &Settings, before: Option<&Before>) -> Result<Option<Learned>, Verdict> {
    let many = people.rows.len();
    if many < LEAST_PEOPLE {
        let text = format!("Too few customers: {many} have bought, and it takes at least {LEAST_PEOPLE}.");
        return Err(Verdict::too_few("too_few_people", many, LEAST_PEOPLE, text));
    }
    let definition = settled(settings, people, before.map(|it| &it.content));
    if before.is_some_and(|it| it.content.definition == definition) {
        return Ok(None);
    }
    if definition.measures.is_empty() {
        let text = "Nothing is known of enough customers to make an index of.".to_owned();
        return Err(Verdict { code: "no_measures".to_owned(), have: 0, need: 1, text });
    }
    let read = read(&definition, people)?;
    let known = read.persons.iter().filter(|it| it.index.is_some()).count();
    if known < LEAST_PEOPLE {
        let text = format!(
            "Enough is known of {known} people, and it takes at least {LEAST_PEOPLE}: choose other measures, or be content with less that is known of each."
        );
        return Err(Verdict::too_few("too_few_known", known, LEAST_PEOPLE, text));
    }
    let reading = Reading::of(&definition, &read)
        .ok_or_else(|| Verdict::too_few("too_few_known", known, LEAST_PEOPLE, "Too little is known of people."))?;
    let against = before.and_then(|it| compared(it, &read, people, settings, &definition, known));
    let content = Content { is_proposed: settings.measures.is_none(), definition, reading, against };
    Ok(Some(Learned { content, people: known }))
}

/// What the version before says of the same people.
fn compared(
    before: &Before,
    now: &loyalty::Reading,
    people: &People,
    settings: &Settings,
    definition: &Definition,
    known: usize,
) -> Option<Against> {
    let old = &before.content.definition;
    let then = read(old, people).ok()?;
    let pairs: Vec<(f64, f64)> =
        then.persons.iter().zip(&now.persons).filter_map(|(a, b)| a.index.zip(b.index)).collect();
    let same = |a: &Definition, b: &Definition| {
        (a.weights, a.least_known, a.cut, a.window_days) == (b.weights, b.least_known, b.cut, b.window_days)
    };
    let is_proposed = settings.measures.is_none() && before.content.is_proposed;
    Some(Against {
        version: before.version,
        before: then.all.mean.value,
        now: now.all.mean.value,
        moved: pairs.iter().filter(|(a, b)| (a - b).abs() > MOVES).count() as u64,
        both: pairs.len() as u64,
        people_before: before.people,
        people: i64::try_from(known).unwrap_or(i64::MAX),
        is_chosen: !is_proposed || !same(old, definition),
    })
}

#[cfg(test)]
mod tests {
    use rapport_domain::PersonId;

    use super::super::definition::{BUILT, Built, Facet, Scaling, Source};
    use super::super::people::Person;
    use super::super::{Measure, Weights};
    use super::*;

    /// People who bought, gave stars if `stars`, and were asked whether they would recommend us if `asked`.
    fn people(many: i64, stars: bool, asked: bool) -> People {
        let keys = Built::ALL.map(|it| it.as_str().to_owned()).into_iter().chain(["fact:nps.last".to_owned()]);
        let one = |n: i64| {
            let mut values = vec![0.0; BUILT + 1];
            values[0] = if stars { 1.0 + (n % 5) as f64 } else { f64::NAN };
            values[8] = 1.0 + (n % 3) as f64;
            values[9] = (n % 300) as f64;
            values[BUILT] = if asked && n % 2 == 0 { (n % 11) as f64 } else { f64::NAN };
            Person { person: PersonId(n), values }
        };
        People { keys: keys.collect(), rows: (0..many).map(one).collect(), end: 1, ..People::default() }
    }

    fn of(definition: &Definition) -> Vec<&str> {
        definition.measures.iter().map(|it| it.of.as_str()).collect()
    }

    fn made(people: &People, settings: &Settings, before: Option<&Before>) -> Option<Learned> {
        learn(people, settings, before).unwrap()
    }

    #[test]
    fn what_enough_people_have_is_proposed_and_the_same_again_is_no_new_version() {
        let usual = Settings::default();
        let first = made(&people(200, false, true), &usual, None).unwrap();
        assert_eq!(of(&first.content.definition), ["purchases", "recency", "fact:nps.last"]);
        assert_eq!(first.content.definition.measures[0].scaling, Scaling::Half(2.0), "the median of buyers");
        assert!(first.content.is_proposed && first.content.against.is_none());
        let few = learn(&people(49, true, true), &usual, None).unwrap_err();
        assert_eq!((few.code.as_str(), few.have, few.need), ("too_few_people", 49, 50));
        let before = Before { version: 1, people: 200, content: first.content };
        assert_eq!(made(&people(210, false, true), &usual, Some(&before)), None);
        let stars = made(&people(200, true, true), &usual, Some(&before)).unwrap().content;
        assert_eq!(of(&stars.definition), ["stars", "purchases", "recency", "fact:nps.last"]);
    }

    #[test]
    fn a_version_that_came_by_itself_is_held_if_it_moves_many_and_one_that_staff_chose_is_not() {
        let usual = Settings::default();
        let first = made(&people(200, false, true), &usual, None).unwrap();
        let before = Before { version: 1, people: 200, content: first.content };
        let new = made(&people(200, true, true), &usual, Some(&before)).unwrap().content.against.unwrap();
        assert!(!new.is_chosen && new.moved > 40, "{new:?}");
        let codes = |it: &Against| it.holds().into_iter().map(|it| it.code).collect::<Vec<_>>();
        assert_eq!(codes(&new), ["index_moves"]);
        assert_eq!(codes(&Against { moved: 40, people: 159, ..new.clone() }), ["people_missing"]);
        let weights = Weights { behaviour: 50.0, ..Weights::default() };
        let chosen = made(&people(200, true, true), &Settings { weights, ..usual.clone() }, Some(&before)).unwrap();
        let chosen = chosen.content.against.unwrap();
        assert!(chosen.is_chosen && chosen.holds().is_empty(), "{chosen:?}");
        let own = Measure {
            of: "stars".to_owned(),
            facet: Facet::Brand,
            source: Source::Said,
            scaling: Scaling::Between { worst: 1.0, best: 5.0 },
            weight: 1.0,
        };
        let own = Settings { measures: Some(vec![own]), ..usual };
        let staff = made(&people(200, true, false), &own, Some(&before)).unwrap();
        assert!(!staff.content.is_proposed && staff.content.against.unwrap().is_chosen);
        let nobody = learn(&people(200, false, false), &own, None).unwrap_err();
        assert_eq!(nobody.code, "not_identified", "{}", nobody.text);
    }
}
