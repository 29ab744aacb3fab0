//! People buy at random at a rate of their own, and leave at any time at a rate of their own: Pareto/NBD (Schmittlein, Morrison and Colombo 1987,
//! "Counting your customers: who are they and what will they do next?").
//!
//! Rates to buy have a gamma distribution (r, alpha), rates to leave another (s, beta). With the tails of
//! ∫ (alpha + y)⁻ᵖ (beta + y)⁻𐞥 dy, each of which is 2F1(p, 1; p + q; z) but for a factor, the likelihood is a sum of two positive terms, whichever of alpha
//! and beta is the larger: (r + x) times the tail of p = r + x + 1, q = s from T on, and s times that of p = r + x, q = s + 1 from t_x on. Nothing
//! cancels, as it does in the usual form of differences of 2F1.

use super::Buying;
use super::bg_nbd::mixed;
use super::fitting::{Fit, Likelihood, fit};
use super::history::{Group, Histories, History};
use super::latent::ln_count;
use super::quadrature::integral;
use crate::Fault;
use crate::special::{One, digamma, ln_tricomi};

/// Pareto/NBD.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParetoNbd {
    /// The shape of the distribution of rates to buy.
    pub r: f64,
    /// Its scale, in units of time.
    pub alpha: f64,
    /// The shape of the distribution of rates to leave.
    pub s: f64,
    /// Its scale, in units of time.
    pub beta: f64,
}

/// The logarithm of the integral of (α + y)⁻ᵖ (β + y)⁻𐞥 from t on, with its derivatives with respect to p, q, α and β.
#[derive(Clone, Copy)]
struct Tail {
    value: f64,
    p: f64,
    q: f64,
    alpha: f64,
    beta: f64,
}

impl Tail {
    fn from(p: f64, q: f64, alpha: f64, beta: f64, t: f64) -> Self {
        if alpha < beta {
            let other = Self::from(q, p, beta, alpha, t);
            return Self { value: other.value, p: other.q, q: other.p, alpha: other.beta, beta: other.alpha };
        }
        let (long, short) = (alpha + t, beta + t);
        let (ln_long, ln_short) = (long.ln(), short.ln());
        let z = ((alpha - beta) / long).min(1.0 - f64::EPSILON);
        let one = One::at(p, p + q, z);
        let power = 1.0 / (p + q - 1.0);
        let inverse = 1.0 / one.value;
        let by_z = one.by_z * inverse / long;
        Self {
            value: (one.value * power).ln() - p * ln_long + (1.0 - q) * ln_short,
            p: -ln_long - power + (one.by_a + one.by_c) * inverse,
            q: -ln_short - power + one.by_c * inverse,
            alpha: -p / long + by_z * (1.0 - z),
            beta: (1.0 - q) / short - by_z,
        }
    }
}

impl ParetoNbd {
    /// Fitted to histories.
    pub fn fit(histories: &Histories) -> Result<Fit<Self>, Fault> {
        histories.enough()?;
        let (age, frequency) = histories.means();
        let starts =
            [vec![0.6, 0.8 * age / frequency.max(1.0), 0.6, age / 2.0], vec![2.0, 2.0 * age / frequency, 2.0, age]];
        fit(histories.groups(), &starts)
    }

    /// What the likelihood is made of: bought and still there or gone later than the end, and gone before.
    fn terms(&self, x: f64, t_x: f64, t: f64) -> (Tail, Tail) {
        let shape = self.r + x;
        (
            Tail::from(shape + 1.0, self.s, self.alpha, self.beta, t),
            Tail::from(shape, self.s + 1.0, self.alpha, self.beta, t_x),
        )
    }

    /// The shape and scale of somebody's rate to buy, and the scale of their rate to leave, if they are still there.
    fn updated(&self, history: &History) -> (f64, f64, f64) {
        (self.r + f64::from(history.frequency), self.alpha + history.age, self.beta + history.age)
    }

    /// How often somebody who is there is expected to buy.
    fn expected_alive(&self, (shape, scale, leaving): (f64, f64, f64), horizon: f64) -> f64 {
        // ∫ ((β + T) / (β + T + u))ˢ du, which at s = 1 is a logarithm.
        let longer = (horizon / leaving).ln_1p();
        let power = 1.0 - self.s;
        let there = if power.abs() * longer < 1e-12 { longer } else { (power * longer).exp_m1() / power };
        shape / scale * leaving * there
    }

    /// The probabilities of counts for somebody who is there.
    fn probabilities_alive(&self, (shape, scale, leaving): (f64, f64, f64), horizon: f64, most: usize) -> Vec<f64> {
        let stays = (-self.s * (horizon / leaving).ln_1p()).exp();
        // They leave at y with a density of s (β + T)ˢ / (β + T + y)ˢ⁺¹; over the logarithm of time, as both rates may be large.
        let unit = (scale / (shape + 1.0)).min(leaving / (self.s + 1.0));
        let count = |n: f64| {
            let left = integral(0.0, (horizon / unit).ln_1p(), 0.5, |v| {
                let y = unit * v.exp_m1();
                let density = self.s * (-(self.s + 1.0) * (y / leaving).ln_1p()).exp() / leaving;
                density * ln_count(n, shape, y / (scale + y)).exp() * (unit + y)
            });
            (stays * ln_count(n, shape, horizon / (scale + horizon)).exp() + left).clamp(0.0, 1.0)
        };
        (0..=most).map(|n| count(n as f64)).collect()
    }

    /// What somebody is expected to buy in all time to come, each purchase discounted continuously at the rate `discount` a unit of time: DERT (Fader,
    /// Hardie and Lee 2005, "RFM and CLV: using iso-value curves for customer base analysis", equation 2).
    pub fn residual(&self, history: &History, discount: f64) -> f64 {
        let (shape, scale, leaving) = self.updated(history);
        self.alive(history) * shape / scale * leaving * ln_tricomi(1.0, 2.0 - self.s, discount * leaving).exp()
    }
}

impl Likelihood for ParetoNbd {
    type Row = Group;
    const NAMES: &'static [&'static str] = &["r", "alpha", "s", "beta"];
    const UNTOLD: &'static str = "how much people differ in how they buy and leave";

    fn with(parameters: &[f64]) -> Self {
        Self { r: parameters[0], alpha: parameters[1], s: parameters[2], beta: parameters[3] }
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.r, self.alpha, self.s, self.beta]
    }

    fn log_likelihood(&self, rows: &[Group], gradient: &mut [f64]) -> f64 {
        let (ln_alpha, ln_beta, ln_s) = (self.alpha.ln(), self.beta.ln(), self.s.ln());
        let (ln_gamma, of_gamma) = (libm::lgamma(self.r), digamma(self.r));
        let mut sum = [0.0; 5];
        for same in rows.chunk_by(|a, b| a.x == b.x) {
            let x = same[0].x;
            let shape = self.r + x;
            let own = libm::lgamma(shape) - ln_gamma + self.r * ln_alpha + self.s * ln_beta;
            let own_r = digamma(shape) - of_gamma + ln_alpha;
            let ln_shape = shape.ln();
            for row in same {
                let (there, gone) = self.terms(x, row.t_x, row.t);
                let (first, second) = (ln_shape + there.value, ln_s + gone.value);
                let small = (-(first - second).abs()).exp();
                let minor = small / (1.0 + small);
                let of_gone = if second > first { 1.0 - minor } else { minor };
                let of_there = 1.0 - of_gone;
                let parts = [
                    own + first.max(second) + small.ln_1p(),
                    own_r + of_there * (1.0 / shape + there.p) + of_gone * gone.p,
                    self.r / self.alpha + of_there * there.alpha + of_gone * gone.alpha,
                    ln_beta + of_there * there.q + of_gone * (1.0 / self.s + gone.q),
                    self.s / self.beta + of_there * there.beta + of_gone * gone.beta,
                ];
                sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += row.weight * part);
            }
        }
        gradient.copy_from_slice(&sum[1..]);
        sum[0]
    }
}

impl Buying for ParetoNbd {
    fn alive(&self, history: &History) -> f64 {
        let (shape, scale, leaving) = self.updated(history);
        let (there, gone) = self.terms(f64::from(history.frequency), history.recency, history.age);
        let (first, second) = (shape.ln() + there.value, self.s.ln() + gone.value);
        let all = first.max(second) + (-(first - second).abs()).exp().ln_1p();
        (-shape * scale.ln() - self.s * leaving.ln() - all).exp().clamp(0.0, 1.0)
    }

    fn expected(&self, history: &History, horizon: f64) -> f64 {
        self.alive(history) * self.expected_alive(self.updated(history), horizon)
    }

    fn expected_new(&self, horizon: f64) -> f64 {
        self.expected_alive((self.r, self.alpha, self.beta), horizon)
    }

    fn probabilities(&self, history: &History, horizon: f64, most: usize) -> Vec<f64> {
        mixed(self.probabilities_alive(self.updated(history), horizon, most), self.alive(history))
    }

    fn probabilities_new(&self, horizon: f64, most: usize) -> Vec<f64> {
        self.probabilities_alive((self.r, self.alpha, self.beta), horizon, most)
    }
}
