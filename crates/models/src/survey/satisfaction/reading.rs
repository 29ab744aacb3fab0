//! Both fits of the model beside each other, and the indices.

use super::{Part, Satisfaction};
use crate::estimate::{Estimate, Interval};
use crate::fault::Fault;
use crate::structural::{self, Divisor, Kind, Scale};
use crate::survey::Confidence;
use crate::survey::paths::{Fit, Intervals, Reliability, Scheme, Unfit};

/// What answers say of satisfaction and loyalty.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The parts, in the order in which they lead to each other.
    pub blocks: Vec<Block>,
    /// The paths between them, in standard deviations.
    pub paths: Vec<Path>,
    /// By composites.
    pub composites: Fit,
    /// The composites' intervals.
    pub intervals: Intervals,
    /// By covariances, or why not; then the composites stand alone.
    pub covariances: Result<structural::Fit, Fault>,
    /// The people who answered everything.
    pub answers: u64,
    /// The people left out, because they did not.
    pub incomplete: u64,
    scales: Vec<(f64, f64)>,
}

/// One part.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Which.
    pub part: Part,
    /// From 0 to 100, with an interval by people drawn again.
    pub index: Option<Estimate>,
    /// How much of an index each question makes up, in the order of its questions; they add up to 1.
    pub weights: Vec<f64>,
    /// How well its questions measure it, by composites; `None` of a single question.
    pub reliability: Option<Reliability>,
    /// The share that what leads to it explains, by composites and by covariances.
    pub explained: (Option<f64>, Option<f64>),
}

/// One path, in standard deviations of both ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// From where.
    pub from: Part,
    /// To where.
    pub to: Part,
    /// By composites, with an interval by people drawn again. What questions measure badly makes it smaller.
    pub composites: Estimate,
    /// By covariances, where they could be fitted, with an interval by the normal.
    pub covariances: Option<Estimate>,
}

impl Satisfaction {
    /// The model fitted to the answers of `persons`, each a row of all columns; intervals by `draws` samples of people drawn again by `seed`.
    pub fn read(
        &self,
        persons: &[Vec<Option<f64>>],
        confidence: Confidence,
        (draws, seed): (usize, u64),
    ) -> Result<Reading, Unfit> {
        // The index of each part is taken from its own scale; that of the samples is on this one and then moved.
        let (composites, intervals) =
            self.model.fit_sampled(persons, Scheme::Path, (0.0, 1.0), confidence, (draws, seed))?;
        let covariances = self.by_covariances(persons);
        let scales: Vec<(f64, f64)> = self.asked.iter().map(|it| it.scale).collect();
        let standard = |from: Part, to: Part| {
            let fit = covariances.as_ref().ok()?;
            let relations = fit.relations(confidence.tails());
            let own = |it: &&structural::Relation| {
                it.kind == Kind::Regression && it.left == to.as_str() && it.right == from.as_str()
            };
            relations.iter().find(own).map(|it| it.standardised)
        };
        let explained: Vec<(String, f64)> =
            covariances.as_ref().map_or_else(|_| Vec::new(), structural::Fit::explained);
        let path = |(from, to): &(usize, usize)| {
            let interval = interval(intervals.coefficients[*from][*to], composites.coefficients[*from][*to]);
            Path {
                from: self.asked[*from].part,
                to: self.asked[*to].part,
                composites: Estimate::between(composites.coefficients[*from][*to], interval),
                covariances: standard(self.asked[*from].part, self.asked[*to].part),
            }
        };
        let paths = self.paths.iter().map(path).collect();
        let block = |at: usize| {
            let part = self.asked[at].part;
            let by_covariances = explained.iter().find(|it| it.0 == part.as_str()).map(|it| it.1);
            Block {
                part,
                index: index(&composites, &intervals, at, scales[at]),
                weights: composites.index_weights(at),
                reliability: composites.reliability(at),
                explained: (composites.r_squared[at], by_covariances),
            }
        };
        let blocks = (0..self.asked.len()).map(block).collect();
        let (answers, incomplete) = (composites.answers, composites.incomplete);
        Ok(Reading { blocks, paths, composites, intervals, covariances, answers, incomplete, scales })
    }

    /// By covariances of those who answered everything.
    fn by_covariances(&self, persons: &[Vec<Option<f64>>]) -> Result<structural::Fit, Fault> {
        let asked: Vec<usize> = self.asked.iter().flat_map(|it| it.questions.iter().copied()).collect();
        let last = asked.iter().max().map_or(0, |it| it + 1);
        let answered = |row: &&Vec<Option<f64>>| {
            asked.iter().all(|at| row.get(*at).copied().flatten().is_some_and(f64::is_finite))
        };
        let mut columns = vec![Vec::new(); last];
        for row in persons.iter().filter(answered) {
            asked.iter().for_each(|at| columns[*at].push(row[*at].unwrap_or_default()));
        }
        let names: Vec<String> = (0..last).map(|at| format!("q{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let unread =
            |_| Fault::NotIdentified { why: "a model: two parts or more are needed, with questions of their own" };
        let model = structural::Model::read(&self.text(), &names, Scale::Marker).map_err(unread)?;
        model.fit(&columns, Divisor::N)
    }
}

impl Reading {
    /// The index of one part.
    pub fn index(&self, part: Part) -> Option<Estimate> {
        self.blocks.iter().find(|it| it.part == part)?.index
    }

    /// The index of a person, or of a group by the means of its answers, for each part in the order of the blocks; `None` where an answer is missing.
    pub fn indices_of(&self, answers: &[Option<f64>]) -> Vec<Option<f64>> {
        let known: Vec<f64> = answers.iter().map(|it| it.unwrap_or(f64::NAN)).collect();
        let one = |(at, scale): (usize, &(f64, f64))| {
            let raw = self.composites.index_of(at, &known, 0.0, 1.0).filter(|it| it.is_finite())?;
            Some(moved(raw, *scale))
        };
        self.scales.iter().enumerate().map(one).collect()
    }
}

/// An index of the scale from 0 to 1, which is 100 times the weighted mean, on its own scale.
fn moved(raw: f64, (worst, best): (f64, f64)) -> f64 {
    100.0 * (raw / 100.0 - worst) / (best - worst)
}

fn index(fit: &Fit, intervals: &Intervals, at: usize, scale: (f64, f64)) -> Option<Estimate> {
    let value = moved(fit.index(at, 0.0, 1.0)?, scale);
    if !value.is_finite() {
        return None;
    }
    let (a, b) = intervals.indices[at].map_or((value, value), |(low, high)| (moved(low, scale), moved(high, scale)));
    Some(Estimate::between(value, Interval { low: a.min(b), high: a.max(b) }))
}

fn interval(found: Option<(f64, f64)>, value: f64) -> Interval {
    let (low, high) = found.unwrap_or((value, value));
    Interval { low, high }
}
