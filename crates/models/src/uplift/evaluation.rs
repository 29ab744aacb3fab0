//! Learners tried over repeated splits, each beside the response model on the same rows.
//!
//! One split cannot rank learners: on the data of Hillstrom's women's mailing coefficients of the same learner go from .04 to .08 from split to split. Intervals
//! take into account that splits share their rows: the variance is that of the splits times (1 / splits + test / training), with Student's t (Nadeau and
//! Bengio 2003, "Inference for the generalization error").
//!
//! Always holds: the response model is among the learners, and each other one has a [`Verdict`] against it.
//!
//! Does not do: correct the best one's coefficient for having been the best of many on the same splits.

use super::comparison::{Comparison, Response};
use super::curve::Measure;
use super::effect::effect_at;
use super::learners::{Uplift, enough};
use super::{Learner, Options};
use crate::distributions::student_quantile;
use crate::estimate::{Estimate, TAILS};
use crate::fault::Fault;
use crate::learn::Table;
use crate::resampling::Draws;

/// How learners are tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Splits {
    /// How many splits.
    pub count: usize,
    /// The share of rows that is judged in each.
    pub test_share: f64,
    /// What they are judged by.
    pub measure: Measure,
    /// The share of an order whose effect is told as well.
    pub at: f64,
    /// Where chance begins.
    pub seed: u64,
}

impl Default for Splits {
    fn default() -> Self {
        Self { count: 20, test_share: 0.3, measure: Measure::Qini, at: 0.3, seed: 0 }
    }
}

/// What a learner is worth beside the response model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the response model.
    Response,
    /// The interval of the difference is above 0.
    Better,
    /// Higher, and the interval holds 0.
    NotSurelyBetter,
    /// Lower, and the interval holds 0.
    NotSurelyWorse,
    /// The interval of the difference is below 0.
    Worse,
}

/// A learner as it was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// Which one.
    pub learner: Learner,
    /// The coefficient of each split.
    pub coefficients: Vec<f64>,
    /// Their mean.
    pub coefficient: Estimate,
    /// The effect among the first of its order, the mean over splits.
    pub effect_at: Estimate,
    /// Its coefficient less the response model's, split by split.
    pub against_response: Estimate,
    /// What that means.
    pub verdict: Verdict,
}

/// Learners beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The response model first, then the others in the order asked for.
    pub learners: Vec<Evaluated>,
    /// The one with the highest mean coefficient; the response model where no other's is higher.
    pub best: Learner,
}

impl Evaluation {
    /// Fits and judges each learner in each split. Splits keep the shares of arms and classes.
    pub fn of(
        table: &Table,
        comparison: &Comparison,
        learners: &[Learner],
        options: &Options,
        splits: &Splits,
    ) -> Result<Self, Fault> {
        enough(table, comparison, options)?;
        if splits.count < 2 || !(splits.test_share > 0.0 && splits.test_share < 1.0) {
            return Err(Fault::TooFew { what: "splits with rows on both sides", have: splits.count.min(1), need: 2 });
        }
        let mut tried = vec![Learner::Response];
        learners.iter().for_each(|it| {
            if !tried.contains(it) {
                tried.push(*it);
            }
        });
        let mut judged = vec![(Vec::new(), Vec::new()); tried.len()];
        for split in 0..splits.count {
            let [kept, held] = halves(comparison, splits.test_share, splits.seed.wrapping_add(split as u64));
            let own = (table.taken(&kept), comparison.taken(&kept)?);
            let other = (table.taken(&held), comparison.taken(&held)?);
            let options = seeded(options, split as u64);
            for (learner, judged) in tried.iter().zip(&mut judged) {
                let said = Uplift::learnt(&own.0, &own.1, *learner, &options)?.predict(&other.0)?;
                judged.0.push(splits.measure.coefficient(&said, &other.1)?);
                judged.1.push(effect_at(&said, &other.1, splits.at)?.value);
            }
        }
        let ratio = splits.test_share / (1.0 - splits.test_share);
        let response = judged[0].0.clone();
        let one = |(learner, (coefficients, at)): (&Learner, (Vec<f64>, Vec<f64>))| {
            let differences: Vec<f64> = coefficients.iter().zip(&response).map(|(a, b)| a - b).collect();
            let against_response = over_splits(&differences, ratio);
            Evaluated {
                learner: *learner,
                coefficient: over_splits(&coefficients, ratio),
                effect_at: over_splits(&at, ratio),
                verdict: Verdict::of(*learner, &against_response),
                against_response,
                coefficients,
            }
        };
        let learners: Vec<Evaluated> = tried.iter().zip(judged).map(one).collect();
        let mut best = &learners[0];
        learners.iter().for_each(|it| {
            if it.coefficient.value > best.coefficient.value {
                best = it;
            }
        });
        let best = best.learner;
        Ok(Self { learners, best })
    }

    /// What must be said before anybody uses an order of these: which learners are below the response model, and whether any is surely above it.
    pub fn warnings(&self) -> Vec<String> {
        let mut said: Vec<String> = self
            .learners
            .iter()
            .filter(|it| matches!(it.verdict, Verdict::Worse | Verdict::NotSurelyWorse))
            .map(ToString::to_string)
            .collect();
        if self.learners.iter().all(|it| it.verdict != Verdict::Better) {
            said.push("No learner of effects is surely better than the response model on these data.".to_string());
        }
        said
    }
}

impl Verdict {
    fn of(learner: Learner, difference: &Estimate) -> Self {
        match difference {
            _ if learner == Learner::Response => Self::Response,
            it if it.low > 0.0 => Self::Better,
            it if it.high < 0.0 => Self::Worse,
            it if it.value < 0.0 => Self::NotSurelyWorse,
            _ => Self::NotSurelyBetter,
        }
    }
}

impl std::fmt::Display for Evaluated {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = match self.verdict {
            Verdict::Response => return write!(out, "The response model: {:.3}.", self.coefficient.value),
            Verdict::Better => "better than the response model",
            Verdict::NotSurelyBetter => "higher than the response model, but not surely",
            Verdict::NotSurelyWorse => "lower than the response model, but not surely",
            Verdict::Worse => "worse than the response model",
        };
        let (mean, off) = (self.coefficient.value, &self.against_response);
        write!(out, "Here {} is {how}: {mean:.3} against {:.3}", self.learner, mean - off.value)?;
        write!(out, ", a difference of {:.3} with {:.3} to {:.3}.", off.value, off.low, off.high)
    }
}

/// The mean over splits that share their rows.
fn over_splits(values: &[f64], ratio: f64) -> Estimate {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let error = (variance * (1.0 / n + ratio)).sqrt();
    let half = student_quantile(TAILS, n - 1.0) * error;
    Estimate { value: mean, standard_error: Some(error), low: mean - half, high: mean + half }
}

/// The same options with chance beginning elsewhere.
fn seeded(options: &Options, split: u64) -> Options {
    let mut options = options.clone();
    options.boosting.seed = options.boosting.seed.wrapping_add(split);
    options.tree.seed = options.tree.seed.wrapping_add(split);
    options
}

/// Rows to learn from and rows to judge by, which keep the shares of arms and classes.
fn halves(comparison: &Comparison, test_share: f64, seed: u64) -> [Vec<usize>; 2] {
    let mut draws = Draws::new(seed);
    let class = |at: usize| match comparison.response() {
        Response::Class(it) => it[at],
        Response::Number(it) => it[at] != 0.0,
    };
    let (mut kept, mut held) = (Vec::new(), Vec::new());
    for stratum in [(false, false), (false, true), (true, false), (true, true)] {
        let own: Vec<usize> =
            (0..comparison.rows()).filter(|at| (comparison.treated()[*at], class(*at)) == stratum).collect();
        let cut = (own.len() as f64 * test_share).round() as usize;
        for (place, at) in draws.order(own.len()).into_iter().enumerate() {
            if place < cut { held.push(own[at]) } else { kept.push(own[at]) }
        }
    }
    kept.sort_unstable();
    held.sort_unstable();
    [kept, held]
}
