//! People buy at random at a rate of their own, and leave the likelier the longer they are there: GGompertz/NBD (Bemmaor and Glady 2012, "Modeling
//! purchasing behavior with sudden 'death': a flexible customer lifetime model").
//!
//! Rates to buy have a gamma distribution (r, alpha). A lifetime has Gompertz's distribution, 1 − exp(−η (exp(b t) − 1)), whose η has another
//! (s, beta). As b falls to 0 with beta / b kept, it becomes Pareto/NBD: where people do not leave sooner with time, b is not told, and the fit is refused.
//!
//! The likelihood has an integral over when they left, which is taken by Gauss's and Legendre's rule over the logarithm of time, with its derivatives.

use super::Buying;
use super::bg_nbd::mixed;
use super::fitting::{Fit, Likelihood, fit};
use super::history::{Group, Histories, History};
use super::latent::ln_count;
use super::quadrature::{integral, nodes};
use crate::Fault;
use crate::special::digamma;

/// GGompertz/NBD.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GGompertzNbd {
    /// The shape of the distribution of rates to buy.
    pub r: f64,
    /// Its scale, in units of time.
    pub alpha: f64,
    /// How fast leaving becomes likelier: a unit of time multiplies it by exp(b).
    pub b: f64,
    /// The shape of the distribution of η.
    pub s: f64,
    /// Its scale.
    pub beta: f64,
}

/// The logarithm of something and its derivatives with respect to p (what alpha + t is raised to), alpha, b, s and beta.
type Part = [f64; 6];

impl GGompertzNbd {
    /// Fitted to histories.
    pub fn fit(histories: &Histories) -> Result<Fit<Self>, Fault> {
        histories.enough()?;
        let (age, frequency) = histories.means();
        let alpha = 0.8 * age / frequency.max(1.0);
        fit(histories.groups(), &[vec![0.8, alpha, 2.0 / age, 0.6, 2.0]])
    }

    /// (beta + exp(b t) − 1) exp(−b t), without overflow and without cancelling.
    fn left(&self, t: f64) -> f64 {
        let w = (-self.b * t).exp();
        -(-self.b * t).exp_m1() + self.beta * w
    }

    /// The logarithm of (beta + exp(b t) − 1) / beta.
    fn ln_grown(&self, t: f64) -> f64 {
        self.b * t + self.left(t).ln() - self.beta.ln()
    }

    /// Bought at a power of `p` of the scale and still there at t.
    fn there(&self, p: f64, t: f64) -> Part {
        let (end, grown, left) = (self.alpha + t, self.ln_grown(t), self.left(t));
        let by_beta = (-self.b * t).exp() / left;
        let ln_end = end.ln();
        [
            -p * ln_end - self.s * grown,
            -ln_end,
            -p / end,
            -self.s * t / left,
            -grown,
            self.s / self.beta - self.s * by_beta,
        ]
    }

    /// The same with leaving at exactly t.
    fn leaving(&self, p: f64, t: f64) -> Part {
        let mut part = self.there(p, t);
        let left = self.left(t);
        // The hazard: s b exp(b t) / (beta + exp(b t) − 1), which is s b / left.
        part[0] += (self.s * self.b / left).ln();
        part[3] += 1.0 / self.b + t - t / left;
        part[4] += 1.0 / self.s;
        part[5] -= (-self.b * t).exp() / left;
        part
    }

    /// Left between two times: the logarithm of the integral, and its derivatives as means over it.
    fn gone(&self, p: f64, from: f64, to: f64) -> Option<Part> {
        let unit = self.unit((self.alpha + from) / p.max(1e-3), from);
        let longest = ((to - from) / unit).ln_1p();
        if longest.is_nan() || longest <= 0.0 {
            return None;
        }
        let parts = longest.ceil().clamp(1.0, 60.0);
        let mut all: Vec<Part> = Vec::with_capacity(10 * parts as usize);
        for (v, weight) in nodes(0.0, longest, parts as u32) {
            let past = unit * v.exp_m1();
            let mut part = self.leaving(p, from + past);
            part[0] += weight.ln() + (unit + past).ln();
            all.push(part);
        }
        let most = all.iter().fold(f64::NEG_INFINITY, |most, it| most.max(it[0]));
        let mut sums = [0.0; 6];
        for part in &all {
            let share = (part[0] - most).exp();
            sums[0] += share;
            part[1..].iter().zip(&mut sums[1..]).for_each(|(it, sum)| *sum += share * it);
        }
        let found = [0, 1, 2, 3, 4, 5].map(|at| if at == 0 { most + sums[0].ln() } else { sums[at] / sums[0] });
        found[0].is_finite().then_some(found)
    }

    /// What is short against everything that changes after t.
    fn unit(&self, other: f64, t: f64) -> f64 {
        let own = self.left(t) / (self.b * (self.s + 1.0));
        other.min(own).min(4.0 / self.b)
    }

    /// Both ways to have bought so often and so late.
    fn ways(&self, x: f64, t_x: f64, t: f64) -> (Part, Option<Part>) {
        (self.there(self.r + x, t), self.gone(self.r + x, t_x, t))
    }

    /// How long somebody who is there at t is expected to be there within the horizon.
    fn stay(&self, t: f64, horizon: f64) -> f64 {
        let unit = self.unit(f64::INFINITY, t);
        let now = self.ln_grown(t);
        integral(0.0, (horizon / unit).ln_1p(), 0.5, |v| {
            let past = unit * v.exp_m1();
            (-self.s * (self.ln_grown(t + past) - now)).exp() * (unit + past)
        })
    }

    /// The probabilities of counts for somebody who is there at t.
    fn probabilities_alive(&self, shape: f64, t: f64, horizon: f64, most: usize) -> Vec<f64> {
        let (scale, now) = (self.alpha + t, self.ln_grown(t));
        let stays = |u: f64| (-self.s * (self.ln_grown(t + u) - now)).exp();
        let unit = self.unit(scale / (shape + 1.0), t);
        let count = |n: f64| {
            let left = integral(0.0, (horizon / unit).ln_1p(), 0.5, |v| {
                let y = unit * v.exp_m1();
                let density = stays(y) * self.s * self.b / self.left(t + y);
                density * ln_count(n, shape, y / (scale + y)).exp() * (unit + y)
            });
            (stays(horizon) * ln_count(n, shape, horizon / (scale + horizon)).exp() + left).clamp(0.0, 1.0)
        };
        (0..=most).map(|n| count(n as f64)).collect()
    }
}

impl Likelihood for GGompertzNbd {
    type Row = Group;
    const NAMES: &'static [&'static str] = &["r", "alpha", "b", "s", "beta"];
    const UNTOLD: &'static str =
        "whether people leave the sooner the longer they are there, for which Pareto/NBD serves";

    fn with(parameters: &[f64]) -> Self {
        let [r, alpha, b, s, beta] = [0, 1, 2, 3, 4].map(|at| parameters[at]);
        Self { r, alpha, b, s, beta }
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.r, self.alpha, self.b, self.s, self.beta]
    }

    fn log_likelihood(&self, rows: &[Group], gradient: &mut [f64]) -> f64 {
        let (ln_alpha, ln_gamma, of_gamma) = (self.alpha.ln(), libm::lgamma(self.r), digamma(self.r));
        let mut value = 0.0;
        for same in rows.chunk_by(|a, b| a.x == b.x) {
            let x = same[0].x;
            let own = libm::lgamma(self.r + x) - ln_gamma + self.r * ln_alpha;
            let own_r = digamma(self.r + x) - of_gamma + ln_alpha;
            for row in same {
                let (there, gone) = self.ways(x, row.t_x, row.t);
                let of_there = gone.map_or(1.0, |it| 1.0 / (1.0 + (it[0] - there[0]).exp()));
                let both = |at: usize| of_there * there[at] + gone.map_or(0.0, |it| (1.0 - of_there) * it[at]);
                // Of what is the larger by far, the share may be rounded to 1; the logarithm is taken of it.
                let most = gone.map_or(there[0], |it| it[0].max(there[0]));
                let least = gone.map_or(f64::NEG_INFINITY, |it| it[0].min(there[0]));
                value += row.weight * (own + most + (least - most).exp().ln_1p());
                let parts = [own_r + both(1), self.r / self.alpha + both(2), both(3), both(4), both(5)];
                gradient.iter_mut().zip(parts).for_each(|(it, part)| *it += row.weight * part);
            }
        }
        value
    }
}

impl Buying for GGompertzNbd {
    fn alive(&self, history: &History) -> f64 {
        let (there, gone) = self.ways(f64::from(history.frequency), history.recency, history.age);
        gone.map_or(1.0, |it| 1.0 / (1.0 + (it[0] - there[0]).exp()))
    }

    fn expected(&self, history: &History, horizon: f64) -> f64 {
        let rate = (self.r + f64::from(history.frequency)) / (self.alpha + history.age);
        self.alive(history) * rate * self.stay(history.age, horizon)
    }

    fn expected_new(&self, horizon: f64) -> f64 {
        self.r / self.alpha * self.stay(0.0, horizon)
    }

    fn probabilities(&self, history: &History, horizon: f64, most: usize) -> Vec<f64> {
        let shape = self.r + f64::from(history.frequency);
        mixed(self.probabilities_alive(shape, history.age, horizon, most), self.alive(history))
    }

    fn probabilities_new(&self, horizon: f64, most: usize) -> Vec<f64> {
        self.probabilities_alive(self.r, 0.0, horizon, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buying::{ParetoNbd, simulated_ggompertz_nbd};

    const MODEL: GGompertzNbd = GGompertzNbd { r: 0.9, alpha: 5.0, b: 0.08, s: 0.7, beta: 3.0 };

    fn groups(customers: usize) -> Vec<Group> {
        let people = simulated_ggompertz_nbd(&MODEL, customers, (20.0, 60.0), 5);
        Histories::new(&people).unwrap().groups().to_vec()
    }

    #[test]
    fn derivatives_are_differences_of_the_likelihood() {
        let rows = groups(80);
        for model in [MODEL, GGompertzNbd { r: 0.3, alpha: 40.0, b: 1.5, s: 0.2, beta: 1e4 }] {
            let mut gradient = vec![0.0; 5];
            model.log_likelihood(&rows, &mut gradient);
            for at in 0..5 {
                let moved = |by: f64| {
                    let mut parameters = model.parameters();
                    parameters[at] *= 1.0 + by;
                    GGompertzNbd::with(&parameters).log_likelihood(&rows, &mut [0.0; 5])
                };
                let wanted = (moved(1e-5) - moved(-1e-5)) / (2e-5 * model.parameters()[at]);
                assert!((gradient[at] - wanted).abs() < 1e-5 * (1.0 + wanted.abs()), "{at} {} {wanted}", gradient[at]);
            }
        }
    }

    /// With little growth it is Pareto/NBD, in all that it says.
    #[test]
    fn without_growth_it_is_pareto_nbd() {
        let b = 1e-7;
        let pareto = ParetoNbd { r: 0.9, alpha: 5.0, s: 0.7, beta: 30.0 };
        let model = GGompertzNbd { r: 0.9, alpha: 5.0, b, s: 0.7, beta: 30.0 * b };
        let rows = groups(300);
        let (one, other) = (model.log_likelihood(&rows, &mut [0.0; 5]), pareto.log_likelihood(&rows, &mut [0.0; 4]));
        assert!((one - other).abs() < 1e-4, "{one} {other}");
        for history in [(0, 0.0, 40.0), (3, 20.0, 30.0), (60, 29.0, 30.0), (221, 103.43, 103.57)] {
            let history = History { frequency: history.0, recency: history.1, age: history.2 };
            assert!((model.alive(&history) - pareto.alive(&history)).abs() < 1e-5, "{history:?}");
            let (one, other) = (model.expected(&history, 26.0), pareto.expected(&history, 26.0));
            assert!((one / other - 1.0).abs() < 1e-4, "{one} {other}");
        }
        assert!((model.expected_new(52.0) / pareto.expected_new(52.0) - 1.0).abs() < 1e-4);
    }

    /// The expected number is the mean of the probabilities of counts, and what simulated customers buy.
    #[test]
    fn what_is_expected_is_what_happens() {
        let history = History { frequency: 3, recency: 20.0, age: 30.0 };
        for (chances, wanted) in [
            (MODEL.probabilities(&history, 26.0, 200), MODEL.expected(&history, 26.0)),
            (MODEL.probabilities_new(26.0, 300), MODEL.expected_new(26.0)),
        ] {
            assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-8, "{}", chances.iter().sum::<f64>());
            let mean: f64 = chances.iter().enumerate().map(|(n, it)| n as f64 * it).sum();
            assert!((mean - wanted).abs() < 1e-6, "{mean} {wanted}");
        }
        let people = simulated_ggompertz_nbd(&MODEL, 40_000, (26.0, 26.0), 1);
        let mean = people.iter().map(|it| f64::from(it.frequency)).sum::<f64>() / 40_000.0;
        assert!((mean / MODEL.expected_new(26.0) - 1.0).abs() < 0.03, "{mean} {}", MODEL.expected_new(26.0));
    }
}
