//! People buy more or less by a clock, at a rate and with a regularity of their own, and leave at any time: Pareto/GGG (Platzer and Reutterer 2016, "Ticking
//! away the moments: timing regularity helps to better predict customer activity").
//!
//! Gaps between purchases have a gamma distribution of the shape k and the mean 1 / λ. The regularity k of people has a gamma distribution (t, gamma),
//! their rate λ another (r, alpha), their rate to leave a third (s, beta). Whoever buys regularly is gone soon after the next purchase is overdue; at k = 1
//! it is Pareto/NBD. It takes one more number of everybody: the sum of the logarithms of their gaps.
//!
//! The paper draws from the posterior. Here the likelihood itself is integrated: over λ and the time of leaving in closed form but for one integral over when
//! the next purchase was due, which is a sum over the logarithm of time; over k as a sum over places that are evenly apart in its logarithm, the closer the
//! more somebody bought.
//!
//! Always holds: all terms are positive. The regularity is taken to lie between 0.03 and 55, and people's regularities to differ by some
//! tenths of their logarithm at least: where all are alike, the fit is refused.

mod late;
mod outlook;

use super::fitting::{Fit, Likelihood, Row, fit};
use super::history::{Histories, History};
use super::summary::{Purchase, Summary};
use crate::Fault;
use crate::fault::none_of;
use crate::special::digamma;
use late::Late;
pub use outlook::Outlook;

/// What somebody did, with how their gaps are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rhythm {
    /// How often, when last, and for how long they are known.
    pub history: History,
    /// The sum of the logarithms of the gaps between their purchases.
    pub logs: f64,
    /// How many people did so.
    pub weight: f64,
}

/// Pareto/GGG.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParetoGgg {
    /// The shape of the distribution of regularities.
    pub t: f64,
    /// Its rate: the mean regularity is t / gamma.
    pub gamma: f64,
    /// The shape of the distribution of rates to buy.
    pub r: f64,
    /// Its scale, in units of time.
    pub alpha: f64,
    /// The shape of the distribution of rates to leave.
    pub s: f64,
    /// Its scale, in units of time.
    pub beta: f64,
}

/// How far apart the regularities are that are summed over, in their logarithm, for people who bought little; where they begin and end: 0.03 and 55.
const STEP: f64 = 0.25;
const BEGIN: f64 = -3.5;
const END: f64 = 4.0;
/// The finest steps are halved so often: for people who bought some thousand times.
const FINEST: usize = 4;
/// The shape from which on people's regularities hardly differ.
const ALIKE: f64 = 60.0;
/// Terms whose logarithm is this much below the largest are left out.
const SMALL: f64 = 24.0;

impl Row for Rhythm {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn weighted(&self, weight: f64) -> Self {
        Self { weight, ..*self }
    }
}

impl Rhythm {
    /// Of purchases, a person each, as [`Summary::of`] tells histories; purchases of one `unit` of time are one.
    pub fn of(purchases: &[Purchase], unit: f64, span: f64, until: f64) -> Result<Vec<Option<Self>>, Fault> {
        let summaries = Summary::of(purchases, unit, span, until)?;
        let mut found: Vec<Option<Self>> =
            summaries.iter().map(|it| it.map(|it| Self { history: it.history, logs: 0.0, weight: 1.0 })).collect();
        let end = (until / unit).floor() as i64;
        let mut days: Vec<(u32, i64)> =
            purchases.iter().map(|it| (it.customer, (it.time / unit).floor() as i64)).filter(|it| it.1 < end).collect();
        days.sort_unstable();
        days.dedup();
        for pair in days.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            if let Some(own) = &mut found[pair[0].0 as usize] {
                own.logs += ((pair[1].1 - pair[0].1) as f64 * unit / span).ln();
            }
        }
        Ok(found)
    }
}

/// A regularity that is summed over.
#[derive(Clone, Copy)]
struct Place {
    k: f64,
    ln_k: f64,
    ln_gamma: f64,
    /// The logarithm of its share.
    log: f64,
}

/// Those that are as far apart as somebody's purchases ask for.
struct Grid {
    places: Vec<Place>,
    mean_log: f64,
    mean: f64,
}

/// All of them, by how often steps are halved.
struct Grids([Grid; FINEST + 1]);

impl Grids {
    fn of(model: &ParetoGgg) -> Self {
        Self(std::array::from_fn(|halved| Grid::of(model, STEP / f64::from(1u32 << halved))))
    }

    /// Steps of no more than 1.25 standard deviations of what x gaps leave open of ln k (1 / √x where k is small): the sum is then within 1e-5 of the integral.
    fn fit_for(&self, x: f64) -> &Grid {
        let halved = (STEP * 0.8 * x.sqrt()).max(1.0).log2().ceil();
        &self.0[(halved as usize).min(FINEST)]
    }
}

impl Grid {
    fn of(model: &ParetoGgg, step: f64) -> Self {
        let count = ((END - BEGIN) / step).round() as usize;
        let place = |at: usize| {
            let ln_k = BEGIN + step * at as f64;
            let k = ln_k.exp();
            Place { k, ln_k, ln_gamma: libm::lgamma(k), log: model.t * ln_k - model.gamma * k }
        };
        let mut places: Vec<Place> = (0..=count).map(place).collect();
        let all = together(places.iter().map(|it| it.log));
        places.iter_mut().for_each(|it| it.log -= all);
        let mean = |of: fn(&Place) -> f64| places.iter().map(|it| of(it) * it.log.exp()).sum::<f64>();
        let (mean_log, mean) = (mean(|it| it.ln_k), mean(|it| it.k));
        Self { places, mean_log, mean }
    }
}

/// What one regularity says of somebody: logarithms of the likelihood of their gaps, and of the probability to see nothing since, with their derivatives.
struct At {
    place: Place,
    /// How likely all that they did is, with the share of the regularity.
    all: f64,
    /// The same, and they are still there.
    there: f64,
    /// With respect to r, alpha, s and beta.
    slopes: [f64; 4],
}

impl ParetoGgg {
    /// Fitted to what people did.
    ///
    /// Faults are those of histories, and logarithms of gaps that cannot be: more than those of even gaps.
    pub fn fit(rhythms: &[Rhythm]) -> Result<Fit<Self>, Fault> {
        let histories: Vec<History> = rhythms.iter().map(|it| it.history).collect();
        let counted = Histories::new(&histories)?;
        counted.enough()?;
        none_of(rhythms, |it| !it.logs.is_finite() || !it.weight.is_finite(), |row| Fault::NotFinite { row })?;
        none_of(rhythms, |it| it.weight <= 0.0, |row| Fault::Negative { row })?;
        let uneven = |it: &Rhythm| {
            let x = f64::from(it.history.frequency);
            let even = if x > 0.0 { x * (it.history.recency / x).ln() } else { 0.0 };
            it.logs > even + 1e-9 * (1.0 + even.abs()) || (x == 0.0 && it.logs != 0.0)
        };
        none_of(rhythms, uneven, |row| Fault::OutOfOrder { row })?;
        let mut rows = rhythms.to_vec();
        let key = |it: &Rhythm| {
            (it.history.frequency, it.history.recency.to_bits(), it.history.age.to_bits(), it.logs.to_bits())
        };
        rows.sort_unstable_by_key(key);
        let same = rows.chunk_by(|a, b| key(a) == key(b));
        let rows: Vec<Rhythm> = same.map(|it| it[0].weighted(it.iter().map(|it| it.weight).sum())).collect();
        let (age, frequency) = counted.means();
        let scale = 0.8 * age / frequency.max(1.0);
        let found: Fit<Self> = fit(&rows, &[vec![2.0, 1.5, 0.7, scale, 0.6, age / 2.0]])?;
        // Regularities closer to each other than the places that are summed over tell apart.
        if found.model.t > ALIKE {
            return Err(Fault::NotIdentified { why: "how people differ in how regularly they buy" });
        }
        Ok(found)
    }

    /// What a regularity says.
    fn at(&self, place: Place, row: &Rhythm) -> At {
        let (x, t_x, since) = of(row);
        let Place { k, ln_k, ln_gamma, log } = place;
        let (shape, scale) = (self.r + k * x, self.alpha + k * t_x);
        let ln_scale = scale.ln();
        let gaps =
            log + k * x * ln_k - x * ln_gamma + (k - 1.0) * row.logs + self.r * self.alpha.ln() + libm::lgamma(shape)
                - libm::lgamma(self.r)
                - shape * ln_scale;
        // Still there at t_x.
        let longer = (t_x / self.beta).ln_1p();
        let late = Late { k, shape, scale, s: self.s, leaving: self.beta + t_x };
        let found = late.seen(since);
        let sum = found.undue + found.due;
        let slopes = [
            digamma(shape) - digamma(self.r) + self.alpha.ln() - ln_scale + found.slopes[0] / sum,
            self.r / self.alpha - shape / scale + found.slopes[1] / sum,
            -longer + found.slopes[2] / sum,
            self.s / self.beta - self.s / (self.beta + t_x) + found.slopes[3] / sum,
        ];
        let base = gaps - self.s * longer;
        let stayed = found.undue.max(1e-300).ln() - self.s * (since / late.leaving).ln_1p();
        At { place, all: base + sum.max(1e-300).ln(), there: base + stayed, slopes }
    }

    /// What the regularities that matter for somebody say.
    fn all(&self, grid: &Grid, row: &Rhythm) -> Vec<At> {
        let (x, t_x, _) = of(row);
        let rough = |it: &Place| {
            let shape = self.r + it.k * x;
            let gaps = it.k * x * it.ln_k - x * it.ln_gamma + (it.k - 1.0) * row.logs + libm::lgamma(shape);
            it.log + gaps - shape * (self.alpha + it.k * t_x).ln()
        };
        let rough: Vec<f64> = grid.places.iter().map(rough).collect();
        let most = rough.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let kept = grid.places.iter().zip(rough).filter(|(_, it)| *it > most - SMALL);
        kept.map(|(place, _)| self.at(*place, row)).collect()
    }

    /// The probability that they are still there.
    pub fn alive(&self, row: &Rhythm) -> f64 {
        let all = self.all(Grids::of(self).fit_for(of(row).0), row);
        let whole = together(all.iter().map(|it| it.all));
        let there = (together(all.iter().map(|it| it.there)) - whole).exp();
        if there.is_nan() { 0.0 } else { there.min(1.0) }
    }

    /// The regularity that is expected of somebody: that of all, the nearer to their own the more they bought.
    pub fn regularity(&self, row: &Rhythm) -> f64 {
        let all = self.all(Grids::of(self).fit_for(of(row).0), row);
        let whole = together(all.iter().map(|it| it.all));
        let mean: f64 = all.iter().map(|it| it.place.k * (it.all - whole).exp()).sum();
        if mean.is_finite() { mean } else { self.t / self.gamma }
    }
}

/// How many gaps somebody had, until when, and how long ago that was.
fn of(row: &Rhythm) -> (f64, f64, f64) {
    let History { frequency, recency, age } = row.history;
    (f64::from(frequency), recency, (age - recency).max(0.0))
}

/// The logarithm of a sum of numbers of which the logarithms are known.
fn together(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    if most.is_finite() { most + logs.map(|it| (it - most).exp()).sum::<f64>().ln() } else { most }
}

impl Likelihood for ParetoGgg {
    type Row = Rhythm;
    const NAMES: &'static [&'static str] = &["t", "gamma", "r", "alpha", "s", "beta"];
    const UNTOLD: &'static str = "how much people differ in how regularly they buy, and in how they leave";

    fn with(parameters: &[f64]) -> Self {
        let [t, gamma, r, alpha, s, beta] = [0, 1, 2, 3, 4, 5].map(|at| parameters[at]);
        Self { t, gamma, r, alpha, s, beta }
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.t, self.gamma, self.r, self.alpha, self.s, self.beta]
    }

    fn log_likelihood(&self, rows: &[Rhythm], gradient: &mut [f64]) -> f64 {
        let grids = Grids::of(self);
        let mut value = 0.0;
        for row in rows {
            let grid = grids.fit_for(of(row).0);
            let all = self.all(grid, row);
            let whole = together(all.iter().map(|it| it.all));
            value += row.weight * whole;
            for it in &all {
                let share = row.weight * (it.all - whole).exp();
                let [r, alpha, s, beta] = it.slopes;
                let parts = [it.place.ln_k - grid.mean_log, grid.mean - it.place.k, r, alpha, s, beta];
                gradient.iter_mut().zip(parts).for_each(|(it, part)| *it += share * part);
            }
        }
        value
    }
}

#[cfg(test)]
mod tests;
