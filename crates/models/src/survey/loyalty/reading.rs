//! What an index says of persons and of all, with intervals by persons drawn again.

use super::{Index, Source};
use crate::estimate::{Estimate, Interval};
use crate::fault::{Fault, none_of};
use crate::resampling::{Draws, between};

/// Of each facet, in the order of [`super::Facet::ALL`].
pub type Facets<T> = [T; 6];

/// One person.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The index; `None` where too little is known.
    pub index: Option<f64>,
    /// Of each facet; `None` where nothing of it is known.
    pub facets: Facets<Option<f64>>,
    /// By what they say alone.
    pub said: Option<f64>,
    /// By what they do alone.
    pub done: Option<f64>,
    /// The share of the facets' weights of which something is known.
    pub known: f64,
}

/// A mean over persons.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The mean, with its interval.
    pub mean: Estimate,
    /// Over how many persons.
    pub persons: usize,
}

/// Which share of those who say and do something is what.
#[derive(Clone, Debug, PartialEq)]
pub struct Kinds {
    /// Loyal by what they say and by what they do.
    pub loyal: Estimate,
    /// By what they say alone: they could be won (latent loyalty).
    pub said_only: Estimate,
    /// By what they do alone: habit, or for want of another (spurious loyalty).
    pub done_only: Estimate,
    /// By neither.
    pub neither: Estimate,
    /// Of how many persons both are known.
    pub persons: usize,
}

/// What an index says.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The weights of the facets, which add up to 1; 0 where nothing is measured.
    pub weights: Facets<f64>,
    /// In the order given.
    pub persons: Vec<Person>,
    /// Over all who have an index.
    pub all: Shown,
    /// Over those of whom something of every facet with a weight is known; beside [`Reading::all`] it says whether those of whom less is known differ.
    pub complete: Option<Shown>,
    /// Each facet over those of whom it is known.
    pub facets: Facets<Option<Shown>>,
    /// By what people say, over those who said something.
    pub said: Option<Shown>,
    /// By what people do.
    pub done: Option<Shown>,
    /// How what people say and do go together (Pearson's correlation); `None` of fewer than ten persons, or where one of them is the same in all.
    pub together: Option<Estimate>,
    /// Who is loyal in which way.
    pub kinds: Option<Kinds>,
    /// What the index over all would be without each facet, its weight given to the others.
    pub without: Facets<Option<f64>>,
    /// Persons of whom too little is known.
    pub unknown: usize,
}

impl Index {
    /// The index of persons, a row of all measures each, with intervals that leave out `tails` (.05 for 95 %) from `draws` samples of persons drawn again
    /// by `seed`. Of what is `None` nothing is known.
    pub fn read(
        &self,
        persons: &[Vec<Option<f64>>],
        tails: f64,
        (draws, seed): (usize, u64),
    ) -> Result<Reading, Fault> {
        let weights = self.shares()?;
        let read = self.persons(persons)?;
        let known = read.iter().filter(|it| it.index.is_some()).count();
        if known < 2 {
            return Err(Fault::TooFew { what: "persons of whom enough is known", have: known, need: 2 });
        }
        let mut chance = Draws::new(seed);
        let samples: Vec<Vec<usize>> = (0..draws).map(|_| chance.sample(read.len())).collect();
        let over = Over { persons: &read, samples: &samples, tails };
        let whole = |it: &Person| (0..6).all(|at| weights[at] == 0.0 || it.facets[at].is_some());
        let all = over.mean(&|it| it.index).ok_or(Fault::TooFew { what: "persons", have: 0, need: 2 })?;
        Ok(Reading {
            all,
            complete: over.mean(&|it| it.index.filter(|_| whole(it))),
            facets: std::array::from_fn(|at| over.mean(&|it| it.facets[at])),
            said: over.mean(&|it| it.said),
            done: over.mean(&|it| it.done),
            together: over.together(),
            kinds: over.kinds(self.cut),
            without: std::array::from_fn(|at| self.without(persons, &weights, at)),
            unknown: read.len() - known,
            weights,
            persons: read,
        })
    }

    /// What the index says of each of these persons, a row of all measures each, in their order. Of what is `None` nothing is known.
    pub fn persons(&self, persons: &[Vec<Option<f64>>]) -> Result<Vec<Person>, Fault> {
        let weights = self.shares()?;
        if let Some(row) = persons.iter().find(|it| it.len() != self.measures.len()) {
            return Err(Fault::Shape { what: "measures of a person", have: row.len(), need: self.measures.len() });
        }
        none_of(persons, |row| row.iter().flatten().any(|it| !it.is_finite()), |row| Fault::NotFinite { row })?;
        Ok(persons.iter().map(|row| self.person(row, &weights)).collect())
    }

    fn person(&self, row: &[Option<f64>], weights: &Facets<f64>) -> Person {
        let facets = self.facets(row, |_| true);
        let known: f64 = (0..6).filter(|at| facets[*at].is_some()).map(|at| weights[at]).sum();
        let by = |source: Source| mean(&self.facets(row, |it| it == source), weights);
        // Sums of weights are rounded.
        let enough = known >= self.least_known - 1e-9;
        let index = mean(&facets, weights).filter(|_| enough);
        Person { index, facets, said: by(Source::Said), done: by(Source::Done), known: known.min(1.0) }
    }

    /// Of each facet the mean of its measures that are known.
    fn facets(&self, row: &[Option<f64>], of: impl Fn(Source) -> bool) -> Facets<Option<f64>> {
        let (mut sums, mut weights) = ([0.0; 6], [0.0; 6]);
        for (measure, value) in self.measures.iter().zip(row).filter(|it| of(it.0.source)) {
            if let Some(value) = value {
                let at = measure.facet.place();
                sums[at] += measure.weight * measure.scaling.scaled(*value);
                weights[at] += measure.weight;
            }
        }
        std::array::from_fn(|at| (weights[at] > 0.0).then(|| sums[at] / weights[at]))
    }

    /// The mean over all without one facet.
    fn without(&self, persons: &[Vec<Option<f64>>], weights: &Facets<f64>, facet: usize) -> Option<f64> {
        let left = 1.0 - weights[facet];
        if weights[facet] == 0.0 || left < 1e-9 {
            return None;
        }
        let rest: Facets<f64> = std::array::from_fn(|at| if at == facet { 0.0 } else { weights[at] / left });
        let found: Vec<f64> = persons.iter().filter_map(|row| self.person(row, &rest).index).collect();
        (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
    }
}

/// The mean of what is known, by weight.
fn mean(facets: &Facets<Option<f64>>, weights: &Facets<f64>) -> Option<f64> {
    let known = || facets.iter().zip(weights).filter_map(|(it, weight)| it.map(|it| (it, *weight)));
    let whole: f64 = known().map(|it| it.1).sum();
    (whole > 0.0).then(|| known().map(|(it, weight)| it * weight / whole).sum())
}

/// Persons and samples of them.
struct Over<'a> {
    persons: &'a [Person],
    samples: &'a [Vec<usize>],
    tails: f64,
}

impl Over<'_> {
    /// What a sample says, with the interval of what the samples drawn again say.
    fn estimate(&self, of: &dyn Fn(&mut dyn Iterator<Item = &Person>) -> Option<f64>) -> Option<Estimate> {
        let value = of(&mut self.persons.iter())?;
        let drawn = self.samples.iter().filter_map(|it| of(&mut it.iter().map(|at| &self.persons[*at]))).collect();
        let (low, high) = between(drawn, self.tails).unwrap_or((value, value));
        Some(Estimate::between(value, Interval { low, high }))
    }

    fn mean(&self, of: &dyn Fn(&Person) -> Option<f64>) -> Option<Shown> {
        let mean = self.estimate(&|persons| {
            let (sum, n) = persons.filter_map(of).fold((0.0, 0.0), |(sum, n), it| (sum + it, n + 1.0));
            (n > 0.0).then(|| sum / n)
        })?;
        Some(Shown { mean, persons: self.persons.iter().filter_map(of).count() })
    }

    fn together(&self) -> Option<Estimate> {
        self.estimate(&|persons| {
            let pairs: Vec<(f64, f64)> = persons.filter_map(both).collect();
            let n = pairs.len() as f64;
            if pairs.len() < 10 {
                return None;
            }
            let (x, y) = pairs.iter().fold((0.0, 0.0), |(x, y), it| (x + it.0 / n, y + it.1 / n));
            let sums = pairs.iter().fold((0.0, 0.0, 0.0), |(a, b, c), it| {
                (a + (it.0 - x).powi(2), b + (it.1 - y).powi(2), c + (it.0 - x) * (it.1 - y))
            });
            // Rounding is no difference between persons.
            (sums.0 > 1e-9 * n && sums.1 > 1e-9 * n).then(|| (sums.2 / (sums.0 * sums.1).sqrt()).clamp(-1.0, 1.0))
        })
    }

    fn kinds(&self, cut: f64) -> Option<Kinds> {
        let share = |said: bool, done: bool| {
            self.estimate(&|persons| {
                let (sum, n) = persons.filter_map(both).fold((0.0, 0.0), |(sum, n), it| {
                    (sum + f64::from(u8::from((it.0 >= cut, it.1 >= cut) == (said, done))), n + 1.0)
                });
                (n > 0.0).then(|| sum / n)
            })
        };
        Some(Kinds {
            loyal: share(true, true)?,
            said_only: share(true, false)?,
            done_only: share(false, true)?,
            neither: share(false, false)?,
            persons: self.persons.iter().filter_map(both).count(),
        })
    }
}

fn both(it: &Person) -> Option<(f64, f64)> {
    it.said.zip(it.done)
}
