//! What an experiment says: first whether it can be believed, then each metric with its interval, then in plain words what can and cannot be said.
//!
//! Handed in are sums by variant; the statistics are those of `models`. A metric is compared with the control on two scales, of which the design names
//! the one that decides. The main metric, the other metrics and the segments are three families, each with its share of false discoveries kept to
//! alpha; guardrails are tests of non-inferiority, each by itself.
//!
//! Always holds: an effect names its scale; where the arms arrived in another proportion than meant there is no verdict; a reading that may be read once
//! has none before its planned number of units; what cannot be computed has its reason.
//!
//! Does not do: read events, decide or stop. Whoever hands in sums counts everyone exposed under the present allocation, whatever they did afterwards,
//! and nobody who is mixed.

mod compare;
mod english;
mod figures;
mod progress;
mod sentence;
mod verdict;
mod words;

use rapport_domain::Timestamp;
use rapport_models::experiments::{
    Answer, Arm, Cuped, Estimand, MISMATCH, Moments, Paired, SampleRatio, Undecidable, sequential_mismatch,
};

pub(crate) use sentence::filled;
pub use sentence::{Param, Params, Sentence, Tone};

use crate::design::{Experiment, Method, Metric, Scale, Variant};
use crate::records::counts::DayRow;

/// Below so many units in a variant there is no verdict: the intervals hold in large samples.
pub const LEAST_UNITS: u64 = 100;
/// How sure the test of proportions is of them, in units (Lindon and Malek's program).
const CONCENTRATION: f64 = 10_000.0;

/// What is handed in.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// Who was exposed when.
    pub counts: Counts,
    /// The sums of metrics, each by variant in the design's order.
    pub metrics: Vec<Measured>,
    /// The same within parts of the people, such as segments they were in before; each person once a way to part them.
    pub segments: Vec<Segment>,
}

/// How many were exposed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Under the present allocation, by variant in the design's order, without the mixed.
    pub exposed: Vec<u64>,
    /// How many had several variants.
    pub mixed: u64,
    /// How many were exposed under earlier allocations.
    pub earlier: u64,
    /// By day (from 1970-01-01, UTC), all variants together.
    pub days: Vec<(i64, u64)>,
}

/// The sums of a metric.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The metric's key.
    pub metric: String,
    /// By variant in the design's order.
    pub sums: Vec<Sums>,
}

/// The sums of a metric over the units of a variant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sums {
    /// How many of `n` have something.
    Share {
        /// How many have it.
        successes: u64,
        /// Of how many.
        n: u64,
    },
    /// A number a unit.
    Mean(Moments),
    /// A number a unit (y) with the same of before exposure (x), which takes noise out (CUPED).
    Adjusted(Paired),
    /// A sum (y) over another (x), such as revenue an order.
    Ratio(Paired),
}

/// A part of the people.
#[derive(Clone, Debug)]
pub struct Segment {
    /// What it is called.
    pub name: String,
    /// The main metric's sums within it, by variant in the design's order.
    pub sums: Vec<Sums>,
}

/// What the experiment says.
#[derive(Clone, Debug)]
pub struct Readout {
    /// What to make of it.
    pub verdict: Verdict,
    /// Whether units arrived in the variants as meant; none while there are none.
    pub ratio: Option<Ratio>,
    /// Each metric of each variant against the control: the main one, guardrails, the others.
    pub comparisons: Vec<Comparison>,
    /// The main metric within segments.
    pub segments: Vec<Comparison>,
    /// How far it is.
    pub progress: Progress,
    /// What can and cannot be said.
    pub sentences: Vec<Sentence>,
}

/// What to make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Too few units for any.
    TooEarly,
    /// Units did not arrive as meant: no number can be believed.
    Untrustworthy,
    /// It is to be read once, and not yet.
    NotYet,
    /// This variant is better on the main metric, and no guardrail of it is harmed.
    Better(String),
    /// This variant harms a guardrail, and none is better without.
    Harmful(String),
    /// Every variant is worse than the control.
    Worse,
    /// No variant differs by what would matter.
    NoDifference,
    /// It cannot be said yet.
    Unclear,
}

/// Whether units arrived as meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratio {
    /// How likely counts like these are if they did: at this look or any before, or once where the design is read once.
    pub p: f64,
    /// The share of each open variant that was meant, in the design's order.
    pub meant: Vec<f64>,
    /// The share that came.
    pub came: Vec<f64>,
    /// Whether it is too unlikely.
    pub broken: bool,
}

/// What a metric is looked at for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// It decides.
    Primary,
    /// It must not get worse by more than this, on the scale that decides.
    Guardrail(f64),
    /// It is looked at as well.
    Secondary,
}

/// A metric of a variant against the control.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Which.
    pub metric: Metric,
    /// What it is looked at for.
    pub part: Part,
    /// Among whom; none: everybody.
    pub segment: Option<String>,
    /// The variant's key.
    pub variant: String,
    /// What people call it.
    pub variant_name: String,
    /// The control.
    pub control: Option<Side>,
    /// The variant.
    pub treatment: Option<Side>,
    /// The scale that decides.
    pub decides: Estimand,
    /// The effect on that scale, with what to call it.
    pub answer: Result<Answer, Undecidable>,
    /// The effect on the other scale; what it is called there does not count.
    pub other: Result<Answer, Undecidable>,
    /// The share of the noise that was taken out by what was known before.
    pub noise_taken_out: Option<f64>,
}

/// A metric in one variant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Side {
    /// The units that were summed up.
    pub units: u64,
    /// The mean, share or ratio over them.
    pub mean: f64,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Units so far, in all open variants.
    pub units: u64,
    /// New units a day, over the last seven days.
    pub a_day: Option<f64>,
    /// For how many days it has run.
    pub ran_days: i64,
    /// Units needed for the planned effect.
    pub needed: Option<u64>,
    /// Days until then at the present rate; 0 when they are there.
    pub days_left: Option<u64>,
    /// The smallest effect for the better that the units so far notice with the planned power, on the scale that decides.
    pub detectable: Option<f64>,
}

impl Counts {
    /// Of the stored counts of an experiment.
    pub fn of(experiment: &Experiment, rows: &[DayRow]) -> Self {
        let count = |it: i64| u64::try_from(it).unwrap_or(0);
        let mut counts = Self { exposed: vec![0; experiment.design.variants.len()], ..Self::default() };
        for row in rows {
            if row.allocation != experiment.allocation {
                counts.earlier += count(row.units) + count(row.mixed);
                continue;
            }
            counts.mixed += count(row.mixed);
            let at = experiment.design.variants.iter().position(|it| it.key == row.variant);
            if let Some(exposed) = at.and_then(|at| counts.exposed.get_mut(at)) {
                *exposed += count(row.units);
            }
            match counts.days.last_mut() {
                Some(last) if last.0 == row.day => last.1 += count(row.units),
                _ => counts.days.push((row.day, count(row.units))),
            }
        }
        counts
    }
}

/// What an experiment says at `now`.
pub fn readout(experiment: &Experiment, data: &Data, now: Timestamp) -> Readout {
    let ratio = ratio(experiment, &data.counts);
    let comparisons = compare::all(experiment, data);
    let segments = compare::within_segments(experiment, data);
    let progress = progress::progress(experiment, data, now);
    let verdict = verdict::verdict(experiment, data, ratio.as_ref(), &comparisons, &progress);
    let mut readout = Readout { verdict, ratio, comparisons, segments, progress, sentences: Vec::new() };
    readout.sentences = words::sentences(experiment, data, &readout);
    readout
}

/// The variants with a weight, by their place: those that people come into.
fn open(experiment: &Experiment) -> impl Iterator<Item = (usize, &Variant)> {
    experiment.design.variants.iter().enumerate().filter(|(_, it)| it.weight > 0)
}

/// The place of the control.
fn control(experiment: &Experiment) -> usize {
    experiment.design.variants.iter().position(|it| it.is_control).unwrap_or(0)
}

fn exposed(data: &Data, at: usize) -> u64 {
    data.counts.exposed.get(at).copied().unwrap_or(0)
}

fn ratio(experiment: &Experiment, counts: &Counts) -> Option<Ratio> {
    let came: Vec<u64> = open(experiment).map(|(at, _)| counts.exposed.get(at).copied().unwrap_or(0)).collect();
    let weights: Vec<f64> = open(experiment).map(|(_, it)| f64::from(it.weight)).collect();
    let p = match experiment.design.reading.method {
        Method::Once => SampleRatio::of(&came, &weights)?.p,
        Method::Always | Method::AlwaysNear(_) => sequential_mismatch(&came, &weights, CONCENTRATION)?,
    };
    let (total, weight) = (came.iter().sum::<u64>() as f64, weights.iter().sum::<f64>());
    Some(Ratio {
        p,
        meant: weights.iter().map(|it| it / weight).collect(),
        came: came.iter().map(|it| *it as f64 / total).collect(),
        broken: p < MISMATCH,
    })
}

/// Whether the two sides of a holdout did not arrive as meant.
pub(crate) fn holdout_ratio_is_broken(holdout: &Experiment, counts: &Counts) -> bool {
    ratio(holdout, counts).is_some_and(|it| it.broken)
}

fn estimand(scale: Scale) -> Estimand {
    match scale {
        Scale::Relative => Estimand::Relative,
        Scale::Absolute => Estimand::Absolute,
    }
}

/// Each variant's mean with its spread, and the share of noise taken out.
pub(crate) fn arms(sums: &[Sums]) -> (Vec<Result<Arm, Undecidable>>, Option<f64>) {
    let pairs: Vec<Paired> =
        sums.iter().filter_map(|it| if let Sums::Adjusted(pair) = it { Some(*pair) } else { None }).collect();
    let cuped = Cuped::over(&pairs);
    let arm = |sums: &Sums| match sums {
        Sums::Share { successes, n } => Arm::proportion(*successes, *n),
        Sums::Mean(moments) if moments.n == 0 => Err(Undecidable::TooFew),
        Sums::Mean(moments) => moments.arm(),
        Sums::Adjusted(pair) if pair.n < 2 => Err(Undecidable::TooFew),
        Sums::Adjusted(pair) => cuped?.arm(pair),
        Sums::Ratio(pair) if pair.n < 2 => Err(Undecidable::TooFew),
        Sums::Ratio(pair) => pair.ratio(),
    };
    (sums.iter().map(arm).collect(), cuped.ok().filter(|_| !pairs.is_empty()).map(|it| it.reduction))
}
