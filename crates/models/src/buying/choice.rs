//! Which model of buying to use: several are fitted to what was known before, and compared on what then happened.
//!
//! What counts is how probable the counts that followed were under each (the logarithmic score, which no model can please by saying less than it knows; Good
//! 1952). Models whose score is within two standard errors of the highest, customer by customer, cannot be told apart by it; of those the one is taken whose sum
//! is nearest to what followed, as sums are what is planned with. Mean errors stand beside, as they are easier to read.
//!
//! Always holds: what followed is never seen by a fit; a model that could not be fitted is listed with why, and is not chosen.

use super::{BgNbd, Buying, Histories, History, MbgNbd, ParetoNbd};
use crate::Fault;

/// One of the models of buying in continuous time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Model {
    /// BG/NBD.
    BgNbd(BgNbd),
    /// MBG/NBD.
    MbgNbd(MbgNbd),
    /// Pareto/NBD.
    ParetoNbd(ParetoNbd),
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// BG/NBD.
    BgNbd,
    /// MBG/NBD.
    MbgNbd,
    /// Pareto/NBD.
    ParetoNbd,
}

/// How well a model foretold what followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The mean logarithm of the probability of the count that followed: the larger, the better.
    pub log_score: f64,
    /// The mean absolute error a customer.
    pub mean_absolute: f64,
    /// The root of the mean squared error.
    pub root_mean_square: f64,
    /// The mean squared error of logarithms of one more.
    pub mean_square_log: f64,
    /// By which part the sum was foretold too high; below zero, too low.
    pub bias: f64,
    /// The correlation of what was foretold with what followed.
    pub correlation: f64,
}

/// A model that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which.
    pub kind: Kind,
    /// The model as it was fitted to what was known before, and how it did; or why there is none.
    pub outcome: Result<(Model, Score), Fault>,
}

/// What was tried and which was best.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// All that were tried.
    pub candidates: Vec<Candidate>,
    /// The place of the best.
    pub best: usize,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ParetoNbd, Self::MbgNbd, Self::BgNbd];

    /// Fitted to histories.
    pub fn fit(self, histories: &Histories) -> Result<Model, Fault> {
        match self {
            Self::BgNbd => BgNbd::fit(histories).map(|it| Model::BgNbd(it.model)),
            Self::MbgNbd => MbgNbd::fit(histories).map(|it| Model::MbgNbd(it.model)),
            Self::ParetoNbd => ParetoNbd::fit(histories).map(|it| Model::ParetoNbd(it.model)),
        }
    }
}

impl Model {
    fn buying(&self) -> &dyn Buying {
        match self {
            Self::BgNbd(it) => it,
            Self::MbgNbd(it) => it,
            Self::ParetoNbd(it) => it,
        }
    }
}

impl Buying for Model {
    fn alive(&self, history: &History) -> f64 {
        self.buying().alive(history)
    }

    fn expected(&self, history: &History, horizon: f64) -> f64 {
        self.buying().expected(history, horizon)
    }

    fn expected_new(&self, horizon: f64) -> f64 {
        self.buying().expected_new(horizon)
    }

    fn probabilities(&self, history: &History, horizon: f64, most: usize) -> Vec<f64> {
        self.buying().probabilities(history, horizon, most)
    }

    fn probabilities_new(&self, horizon: f64, most: usize) -> Vec<f64> {
        self.buying().probabilities_new(horizon, most)
    }
}

/// By how many standard errors of the difference a logarithmic score may be below the highest and not be told from it.
const APART: f64 = 2.0;

/// A score, with the logarithm of the probability of each count of which it is made.
pub(super) type Told = (Score, Vec<f64>);

/// The place of the best of what was told; of equals the first. `None` where nothing was.
pub(super) fn best(told: &[Option<Told>]) -> Option<usize> {
    let known = |at: usize| told[at].as_ref();
    let mut places = (0..told.len()).filter(|at| told[*at].is_some());
    let first = places.next()?;
    let score = |at: usize| known(at).map_or(f64::NEG_INFINITY, |it| it.0.log_score);
    let highest = places.fold(first, |best, at| if score(at) > score(best) { at } else { best });
    let off = |at: usize| known(at).map_or(f64::INFINITY, |it| it.0.bias.abs());
    let near = |at: usize| known(highest).zip(known(at)).is_some_and(|(a, b)| !apart(&a.1, &b.1));
    Some((0..told.len()).fold(highest, |best, at| if near(at) && off(at) < off(best) { at } else { best }))
}

/// Whether the first are above the others by more than chance.
fn apart(these: &[f64], those: &[f64]) -> bool {
    let n = these.len() as f64;
    let differences = || these.iter().zip(those).map(|(a, b)| a - b);
    let mean = differences().sum::<f64>() / n;
    let variance = differences().map(|it| (it - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    mean > APART * (variance / n).sqrt()
}

impl Score {
    /// Of a model: with the histories before, a customer each, and how often each bought in the `horizon` that followed. The logarithmic score is of at most
    /// 5,000 customers, taken at even distances.
    pub fn of(model: &impl Buying, histories: &[History], later: &[u32], horizon: f64) -> Self {
        Self::told(model, histories, later, horizon).0
    }

    fn told(model: &impl Buying, histories: &[History], later: &[u32], horizon: f64) -> Told {
        const SCORED: usize = 5_000;
        let step = histories.len().div_ceil(SCORED).max(1);
        let chance = |at: usize, count: usize| model.probabilities(&histories[at], horizon, count)[count];
        Self::of_each(later, step, |at| model.expected(&histories[at], horizon), chance)
    }

    /// Of what was foretold of each customer: the number that was expected of the one at a place, and the probability of a count, which every `step`-th is
    /// asked for.
    pub(super) fn of_each(
        later: &[u32],
        step: usize,
        expected: impl Fn(usize) -> f64,
        chance: impl Fn(usize, usize) -> f64,
    ) -> Told {
        /// Where a count had no probability at all by rounding.
        const LEAST: f64 = 1e-300;
        let n = later.len() as f64;
        let some = later.iter().enumerate().step_by(step);
        let logs: Vec<f64> = some.map(|(at, count)| chance(at, *count as usize).max(LEAST).ln()).collect();
        let foretold: Vec<f64> = (0..later.len()).map(expected).collect();
        let actual: Vec<f64> = later.iter().map(|it| f64::from(*it)).collect();
        let pairs = || foretold.iter().zip(&actual);
        let (all_foretold, all_actual) = (foretold.iter().sum::<f64>(), actual.iter().sum::<f64>());
        let both: f64 = pairs().map(|(a, b)| (a - all_foretold / n) * (b - all_actual / n)).sum();
        let square = |values: &[f64], total: f64| values.iter().map(|it| (it - total / n).powi(2)).sum::<f64>();
        let spread = (square(&foretold, all_foretold) * square(&actual, all_actual)).sqrt();
        let score = Self {
            log_score: logs.iter().sum::<f64>() / (logs.len() as f64).max(1.0),
            mean_absolute: pairs().map(|(a, b)| (a - b).abs()).sum::<f64>() / n.max(1.0),
            root_mean_square: (pairs().map(|(a, b)| (a - b).powi(2)).sum::<f64>() / n.max(1.0)).sqrt(),
            mean_square_log: pairs().map(|(a, b)| (a.ln_1p() - b.ln_1p()).powi(2)).sum::<f64>() / n.max(1.0),
            bias: if all_actual > 0.0 { all_foretold / all_actual - 1.0 } else { 0.0 },
            correlation: if spread > 0.0 { both / spread } else { 0.0 },
        };
        (score, logs)
    }
}

impl Choice {
    /// Fits all models to `histories` and compares them on how often each customer bought `later`, in the `horizon` that followed. The fault, if none could
    /// be fitted, is that of the first.
    pub fn between(histories: &[History], later: &[u32], horizon: f64) -> Result<Self, Fault> {
        if histories.len() != later.len() {
            return Err(Fault::Shape { what: "counts of what followed", have: later.len(), need: histories.len() });
        }
        if !(horizon > 0.0 && horizon.is_finite()) {
            return Err(Fault::NotIdentified { why: "how long the time is that followed" });
        }
        let known = Histories::new(histories)?;
        let tried = |kind: Kind| match kind.fit(&known) {
            Ok(model) => {
                let told = Score::told(&model, histories, later, horizon);
                (Candidate { kind, outcome: Ok((model, told.0)) }, Some(told))
            }
            Err(fault) => (Candidate { kind, outcome: Err(fault) }, None),
        };
        let (candidates, told): (Vec<Candidate>, Vec<Option<Told>>) = Kind::ALL.into_iter().map(tried).unzip();
        let best = best(&told).unwrap_or(0);
        if let Err(fault) = &candidates[best].outcome {
            return Err(fault.clone());
        }
        Ok(Self { candidates, best })
    }

    /// The places of those that could be fitted: the best, then the others by their logarithmic score.
    pub fn ranked(&self) -> Vec<usize> {
        let score = |at: &usize| self.candidates[*at].outcome.as_ref().map_or(f64::NEG_INFINITY, |it| it.1.log_score);
        let mut places: Vec<usize> =
            (0..self.candidates.len()).filter(|at| self.candidates[*at].outcome.is_ok()).collect();
        places.sort_by(|a, b| (*b == self.best).cmp(&(*a == self.best)).then(score(b).total_cmp(&score(a))));
        places
    }

    /// The best of them.
    pub fn kind(&self) -> Kind {
        self.candidates[self.best].kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(logs: Vec<f64>, bias: f64) -> Option<Told> {
        let log_score = logs.iter().sum::<f64>() / logs.len() as f64;
        let rest = Score {
            log_score,
            mean_absolute: 1.0,
            root_mean_square: 1.0,
            mean_square_log: 1.0,
            bias,
            correlation: 0.0,
        };
        Some((rest, logs))
    }

    /// Of models whose scores chance alone may part, the one whose sum is nearer; whose score is lower by more than that is not taken for its sum.
    #[test]
    fn sums_decide_between_scores_that_cannot_be_told_apart() {
        let high: Vec<f64> = (0..100).map(|it| -1.0 - f64::from(it % 7)).collect();
        let alike: Vec<f64> =
            high.iter().enumerate().map(|(at, it)| it + if at % 2 == 0 { 0.5 } else { -0.52 }).collect();
        let lower: Vec<f64> = high.iter().enumerate().map(|(at, it)| it - 0.1 - (at % 3) as f64 / 100.0).collect();
        assert_eq!(best(&[told(lower.clone(), 0.0), told(alike.clone(), -0.1), told(high.clone(), 0.2)]), Some(1));
        assert_eq!(best(&[told(lower, 0.0), told(alike, -0.3), told(high.clone(), 0.2)]), Some(2));
        assert_eq!(best(&[None, told(high.clone(), 0.2), told(high, -0.2)]), Some(1));
        assert_eq!(best(&[None, None]), None);
    }
}
