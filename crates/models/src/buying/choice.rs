//! Which model of buying to use: several are fitted to what was known before, and compared on what then happened.
//!
//! The best is the one under which the counts that followed were the most probable (the logarithmic score, which no model can please by saying less than
//! it knows; Good 1952). Mean errors stand beside, as they are easier to read.
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

impl Score {
    /// Of a model: with the histories before, a customer each, and how often each bought in the `horizon` that followed. The logarithmic score is of at most
    /// 5,000 customers, taken at even distances.
    pub fn of(model: &impl Buying, histories: &[History], later: &[u32], horizon: f64) -> Self {
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
    ) -> Self {
        /// Where a count had no probability at all by rounding.
        const LEAST: f64 = 1e-300;
        let n = later.len() as f64;
        let (mut sum, mut scores) = (0.0f64, 0.0f64);
        for (at, count) in later.iter().enumerate().step_by(step) {
            sum += chance(at, *count as usize).max(LEAST).ln();
            scores += 1.0;
        }
        let foretold: Vec<f64> = (0..later.len()).map(expected).collect();
        let actual: Vec<f64> = later.iter().map(|it| f64::from(*it)).collect();
        let pairs = || foretold.iter().zip(&actual);
        let (all_foretold, all_actual) = (foretold.iter().sum::<f64>(), actual.iter().sum::<f64>());
        let both: f64 = pairs().map(|(a, b)| (a - all_foretold / n) * (b - all_actual / n)).sum();
        let square = |values: &[f64], total: f64| values.iter().map(|it| (it - total / n).powi(2)).sum::<f64>();
        let spread = (square(&foretold, all_foretold) * square(&actual, all_actual)).sqrt();
        Self {
            log_score: sum / scores.max(1.0),
            mean_absolute: pairs().map(|(a, b)| (a - b).abs()).sum::<f64>() / n.max(1.0),
            root_mean_square: (pairs().map(|(a, b)| (a - b).powi(2)).sum::<f64>() / n.max(1.0)).sqrt(),
            mean_square_log: pairs().map(|(a, b)| (a.ln_1p() - b.ln_1p()).powi(2)).sum::<f64>() / n.max(1.0),
            bias: if all_actual > 0.0 { all_foretold / all_actual - 1.0 } else { 0.0 },
            correlation: if spread > 0.0 { both / spread } else { 0.0 },
        }
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
        let tried = |kind: Kind| {
            let outcome = kind.fit(&known).map(|it| (it, Score::of(&it, histories, later, horizon)));
            Candidate { kind, outcome }
        };
        let candidates: Vec<Candidate> = Kind::ALL.into_iter().map(tried).collect();
        let score = |at: &usize| candidates[*at].outcome.as_ref().map_or(f64::NEG_INFINITY, |it| it.1.log_score);
        let best = (0..candidates.len()).max_by(|a, b| score(a).total_cmp(&score(b))).unwrap_or(0);
        if let Err(fault) = &candidates[best].outcome {
            return Err(fault.clone());
        }
        Ok(Self { candidates, best })
    }

    /// The best of them.
    pub fn kind(&self) -> Kind {
        self.candidates[self.best].kind
    }
}
