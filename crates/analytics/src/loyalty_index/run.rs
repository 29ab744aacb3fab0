//! Everybody with an index by a version: what it is, of which facets, what people say beside what they do, and what pulls it down.
//!
//! Always holds: how far an index could be off is how far it would move if what is not known of somebody were the worst, or the best; the figures are sums over the same
//! numbers that people get, and name the column of scores by which their people are found.

use rapport_domain::PersonId;
use rapport_models::survey::loyalty::{self, Person as One};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::definition::{Facet, Measure};
use super::learning::{Content, read};
use super::people::{Past, People};
use super::reading::{Kind, Reading};
use crate::scores::Verdict;
use crate::value::date_of;

/// Bands of the distribution.
const BANDS: u32 = 10;

/// A facet of somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyFacetOf)]
pub struct FacetOf {
    /// Which.
    pub facet: Facet,
    /// From 0 to 100; null where nothing of it is known.
    pub value: Option<f64>,
    /// The share of the weights.
    pub weight: f64,
}

/// A measure of somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyMeasureOf)]
pub struct MeasureOf {
    /// Of what, as measures are called.
    pub of: String,
    /// What they have of it.
    pub value: f64,
    /// From 0 to 100, where it counts; null where it is known but does not.
    pub scaled: Option<f64>,
}

/// The rest of an index of somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyIndexDetail)]
pub struct Detail {
    /// The index.
    pub index: f64,
    /// By what they say alone.
    pub said: Option<f64>,
    /// By what they do alone.
    pub done: Option<f64>,
    /// In which way they are loyal; null where one of both is not known.
    pub kind: Option<Kind>,
    /// The share of the weights of which something is known.
    pub known: f64,
    /// The facets with a weight.
    pub facets: Vec<FacetOf>,
    /// What is known of them, also what does not count.
    pub measures: Vec<MeasureOf>,
}

/// What is said of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Who.
    pub person: PersonId,
    /// What the index would be if all that is not known were the worst.
    pub low: f64,
    /// The best.
    pub high: f64,
    /// 10 for the most loyal tenth.
    pub tenth: u8,
    /// The facet that pulls it down most; empty where only one is known.
    pub weakest: String,
    /// The rest.
    pub detail: Detail,
}

/// People whose index is between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyBand)]
pub struct Band {
    /// From this index on.
    pub from: f64,
    /// Below this one; the last band has 100 in it.
    pub to: f64,
    /// How many they are.
    pub people: u64,
}

/// People whose index one facet pulls down most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyWeakFacet)]
pub struct WeakFacet {
    /// Which.
    pub facet: Facet,
    /// How many they are.
    pub people: u64,
}

/// The figures of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyIndexOverview)]
pub struct Overview {
    /// The day that they are of.
    pub as_of: String,
    /// What the index says of all.
    pub reading: Reading,
    /// The index that half of the people reach.
    pub median: f64,
    /// People by their index.
    pub bands: Vec<Band>,
    /// What pulls it down.
    pub weakest: Vec<WeakFacet>,
    /// How it was a month ago, and the months before, by today's definition; the last is now.
    pub past: Vec<Past>,
    /// From where on somebody counts as loyal.
    pub cut: f64,
    /// What it is made of.
    pub measures: Vec<Measure>,
    /// People who bought and may not be looked at.
    pub left_out: u64,
}

/// Everybody by a version.
#[derive(Debug)]
pub struct Run {
    content: Content,
    people: People,
    read: loyalty::Reading,
    reading: Reading,
    /// The places of those who have an index.
    known: Vec<usize>,
    sorted: Vec<f64>,
}

impl Run {
    /// Of what is known of people now.
    ///
    /// # Errors
    /// Too little is known of them by now.
    pub fn new(content: Content, people: People) -> Result<Self, Verdict> {
        let read = read(&content.definition, &people)?;
        let too_few = || Verdict::too_few("too_few_known", 0, 2, "Too little is known of people by now.");
        let reading = Reading::of(&content.definition, &read).ok_or_else(too_few)?;
        let known: Vec<usize> = (0..people.rows.len()).filter(|at| read.persons[*at].index.is_some()).collect();
        let mut sorted: Vec<f64> = read.persons.iter().filter_map(|it| it.index).collect();
        sorted.sort_by(f64::total_cmp);
        Ok(Self { content, people, read, reading, known, sorted })
    }

    /// How many have an index.
    pub fn people(&self) -> usize {
        self.known.len()
    }

    /// Some of them.
    pub fn some(&self, from: usize, many: usize) -> Vec<Scored> {
        self.known[from..(from + many).min(self.known.len())].iter().filter_map(|at| self.one(*at)).collect()
    }

    fn one(&self, at: usize) -> Option<Scored> {
        let (person, one) = (&self.people.rows[at], &self.read.persons[at]);
        let index = one.index?;
        let definition = &self.content.definition;
        let facets = || Facet::ALL.into_iter().enumerate().filter(|(at, _)| self.read.weights[*at] > 0.0);
        let below = self.sorted.partition_point(|it| *it < index);
        let values = self.people.keys.iter().zip(&person.values).filter(|it| it.1.is_finite());
        let measure = |(of, value): (&String, &f64)| MeasureOf {
            of: of.clone(),
            value: *value,
            scaled: definition.measures.iter().find(|it| it.of == *of).map(|it| it.scaling.theirs().scaled(*value)),
        };
        Some(Scored {
            person: person.person,
            low: index * one.known,
            high: index * one.known + 100.0 * (1.0 - one.known),
            tenth: u8::try_from(1 + 10 * below / self.sorted.len().max(1)).unwrap_or(10).min(10),
            weakest: weakest(one, &self.read.weights).map(|it| it.as_str().to_owned()).unwrap_or_default(),
            detail: Detail {
                index,
                said: one.said,
                done: one.done,
                kind: Kind::of(one, definition.cut),
                known: one.known,
                facets: facets()
                    .map(|(at, facet)| FacetOf { facet, value: one.facets[at], weight: self.read.weights[at] })
                    .collect(),
                measures: values.map(measure).collect(),
            },
        })
    }

    /// The figures of the page.
    pub fn overview(&self) -> Overview {
        // As scores are kept: in millionths.
        let kept = |it: f64| (it * 1e6).round() / 1e6;
        let band = |at: u32| {
            let (from, to) = (f64::from(100 * at / BANDS), f64::from(100 * (at + 1) / BANDS));
            let is_in = |it: f64| it >= from && (it < to || at + 1 == BANDS);
            Band { from, to, people: self.sorted.iter().filter(|it| is_in(kept(**it))).count() as u64 }
        };
        let weak: Vec<Facet> =
            self.known.iter().filter_map(|at| weakest(&self.read.persons[*at], &self.read.weights)).collect();
        let weak = |facet: Facet| {
            let people = weak.iter().filter(|it| **it == facet).count() as u64;
            (people > 0).then_some(WeakFacet { facet, people })
        };
        Overview {
            as_of: date_of(self.people.end - 1),
            reading: self.reading.clone(),
            median: self.sorted.get(self.sorted.len() / 2).copied().unwrap_or_default(),
            bands: (0..BANDS).map(band).collect(),
            weakest: Facet::ALL.into_iter().filter_map(weak).collect(),
            past: self.people.past.clone(),
            cut: self.content.definition.cut,
            measures: self.content.definition.measures.clone(),
            left_out: self.people.left_out,
        }
    }
}

/// The facet that takes most from 100, by its weight. `None` where fewer than two are known.
fn weakest(one: &One, weights: &[f64; 6]) -> Option<Facet> {
    let known = || (0..6).filter_map(move |at| Some((at, weights[at] * (100.0 - one.facets[at]?))));
    if known().filter(|(at, _)| weights[*at] > 0.0).count() < 2 {
        return None;
    }
    let (at, lost) = known().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (lost > 0.0).then(|| Facet::ALL[at])
}

/// The words and values of somebody, as people are read.
pub(super) fn person(person: PersonId, detail: &Detail, keys: &[String]) -> super::Person {
    let value = |key: &String| detail.measures.iter().find(|it| it.of == *key).map_or(f64::NAN, |it| it.value);
    super::Person { person, values: keys.iter().map(value).collect() }
}
