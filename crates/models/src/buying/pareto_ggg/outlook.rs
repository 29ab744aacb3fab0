//! How often somebody who buys by a clock of their own buys in what follows.
//!
//! There is no closed form. Over the regularity, the time of the next purchase and the time of leaving is summed as by the likelihood; with each of them what
//! follows has one: the sum of more gaps, at a rate of which much is known, has a beta distribution of the second kind.
//!
//! Always holds: no randomness; the number that is expected is the mean of the counts. Counts above 2,000 are not looked at.

use super::super::quadrature::nodes;
use super::late::Late;
use super::{Grids, ParetoGgg, Rhythm, of, together};
use crate::distributions::incomplete_beta;

/// The most purchases that are looked at.
const MOST: usize = 2_000;
/// Regularities whose share is less than this are left out.
const LITTLE: f64 = 1e-4;

/// How often somebody buys in what follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// The probability that they are still there.
    pub alive: f64,
    /// How often they are expected to buy.
    pub expected: f64,
    /// The probabilities that they buy 0, 1, 2 … times.
    pub probabilities: Vec<f64>,
}

/// Somebody of a regularity who is still there.
struct Person {
    late: Late,
    /// For how long they have bought nothing.
    since: f64,
    /// The scale of their rate to leave now.
    leaving: f64,
    horizon: f64,
}

impl ParetoGgg {
    /// What follows what somebody did, in so much time: with the probabilities of counts up to `most`.
    pub fn outlook(&self, row: &Rhythm, horizon: f64, most: usize) -> Outlook {
        let all = self.all(Grids::of(self).fit_for(of(row).0), row);
        let whole = together(all.iter().map(|it| it.all));
        let there = together(all.iter().map(|it| it.there));
        let alive = (there - whole).exp();
        let alive = if alive.is_nan() { 0.0 } else { alive.min(1.0) };
        // At least so many purchases: of those who are still there.
        let mut at_least = vec![0.0; most + 2];
        let (mut expected, mut shares) = (0.0, 0.0);
        let (x, t_x, since) = of(row);
        for it in all.iter().filter(|it| it.there - there > LITTLE.ln()) {
            let (share, k) = ((it.there - there).exp(), it.place.k);
            let late =
                Late { k, shape: self.r + k * x, scale: self.alpha + k * t_x, s: self.s, leaving: self.beta + t_x };
            shares += share;
            let person = Person { late, since, leaving: self.beta + row.history.age, horizon };
            person.follow(|n, chance| {
                expected += share * chance;
                if let Some(sum) = at_least.get_mut(n) {
                    *sum += share * chance;
                }
            });
        }
        let scale = if shares > 0.0 { alive / shares } else { 0.0 };
        let chance = |n: usize| {
            let before = if n == 0 { 1.0 } else { scale * at_least[n] };
            (before - scale * at_least[n + 1]).clamp(0.0, 1.0)
        };
        Outlook { alive, expected: scale * expected, probabilities: (0..=most).map(chance).collect() }
    }
}

impl Person {
    /// Says parts of the probability that they buy at least n times, for each n.
    fn follow(&self, mut say: impl FnMut(usize, f64)) {
        let Late { k, shape, scale, .. } = self.late;
        let end = self.since + self.horizon;
        let now = self.late.undue(self.since);
        if !(self.horizon > 0.0 && end.is_finite() && now > 0.0) {
            return;
        }
        let high = end.ln();
        let low = self.since.ln().max(self.late.floor().min(high - 1.0));
        // What is due so soon is taken for due at once.
        let soon = self.since.max(low.exp());
        self.bought(soon, (now - self.late.undue(soon)) / now, &mut say);
        let parts = ((high - low) * (k + 1.0).sqrt() / 3.5).ceil().clamp(1.0, 20.0);
        let front = self.late.front();
        for (w, weight) in nodes(low, high, parts as u32) {
            let z = k * w.exp() / scale;
            let density = weight * (front + k * z.ln() - (shape + k) * z.ln_1p()).exp();
            self.bought(w.exp(), density / now, &mut say);
        }
    }

    /// The same once the next purchase is due at a time after the last, which has a probability.
    fn bought(&self, due: f64, probability: f64, say: &mut impl FnMut(usize, f64)) {
        let Late { k, shape, scale, s, .. } = self.late;
        if probability.is_nan() || probability < 1e-12 {
            return;
        }
        let longer = |time: f64| ((time - self.since).max(0.0) / self.leaving).ln_1p();
        let (first, last) = (longer(due), longer(self.since + self.horizon));
        say(1, probability * (-s * first).exp());
        // Until when they are there, after the purchase, with the weight of each.
        let part = |time: f64| (k * (time - due)).max(0.0) / (scale + k * time);
        let left = nodes(first, last, 1).map(|(v, weight)| {
            let time = self.since + self.leaving * v.exp_m1();
            (part(time), weight * s * (-s * v).exp())
        });
        let whole = part(self.since + self.horizon);
        let until: Vec<(f64, f64)> = left.chain([(whole, (-s * last).exp())]).collect();
        for more in 1..MOST {
            let all = more as f64 * k;
            let chance: f64 =
                until.iter().map(|(part, weight)| weight * incomplete_beta(*part, all, shape + k)).sum::<f64>();
            say(more + 1, probability * chance);
            if chance.is_nan() || probability * chance < 1e-9 {
                break;
            }
        }
    }
}
