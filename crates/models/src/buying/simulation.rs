//! Customers who behave as a model says, for trying what a fit finds again.
//!
//! Always holds: the same seed gives the same customers.

use super::uncertainty::{normal, uniform};
use super::{
    BgBb, BgNbd, Chances, Contract, GGompertzNbd, GammaGamma, History, MbgNbd, ParetoGgg, ParetoNbd, Rhythm, Sbg,
    Spending,
};
use crate::resampling::Draws;

/// The most purchases that are followed: far more than anybody makes.
const MOST: u32 = 100_000;

/// Customers of BG/NBD, known for a time between two.
pub fn simulated_bg_nbd(model: &BgNbd, customers: usize, known: (f64, f64), seed: u64) -> Vec<History> {
    let mut draws = Draws::new(seed);
    let one = |_| {
        let (rate, leaving) = (gamma(model.r, &mut draws) / model.alpha, beta(model.a, model.b, &mut draws));
        let age = known.0 + (known.1 - known.0) * uniform(&mut draws);
        lived(rate, age, &mut draws, |draws| uniform(draws) < leaving, false)
    };
    (0..customers).map(one).collect()
}

/// Customers of MBG/NBD, known for a time between two.
pub fn simulated_mbg_nbd(model: &MbgNbd, customers: usize, known: (f64, f64), seed: u64) -> Vec<History> {
    let mut draws = Draws::new(seed);
    let one = |_| {
        let (rate, leaving) = (gamma(model.r, &mut draws) / model.alpha, beta(model.a, model.b, &mut draws));
        let age = known.0 + (known.1 - known.0) * uniform(&mut draws);
        lived(rate, age, &mut draws, |draws| uniform(draws) < leaving, true)
    };
    (0..customers).map(one).collect()
}

/// Customers of Pareto/NBD, known for a time between two.
pub fn simulated_pareto_nbd(model: &ParetoNbd, customers: usize, known: (f64, f64), seed: u64) -> Vec<History> {
    let life = |draws: &mut Draws| {
        let leaving = gamma(model.s, draws) / model.beta;
        -(1.0 - uniform(draws)).ln() / leaving
    };
    simulated_lives((model.r, model.alpha), life, customers, known, seed)
}

/// Customers of GGompertz/NBD, known for a time between two.
pub fn simulated_ggompertz_nbd(model: &GGompertzNbd, customers: usize, known: (f64, f64), seed: u64) -> Vec<History> {
    let life = |draws: &mut Draws| {
        let eta = gamma(model.s, draws) / model.beta;
        (-(1.0 - uniform(draws)).ln() / eta).ln_1p() / model.b
    };
    simulated_lives((model.r, model.alpha), life, customers, known, seed)
}

/// Customers who buy at random until they leave, whenever that is.
fn simulated_lives(
    (r, alpha): (f64, f64),
    life: impl Fn(&mut Draws) -> f64,
    customers: usize,
    known: (f64, f64),
    seed: u64,
) -> Vec<History> {
    let mut draws = Draws::new(seed);
    let one = |_| {
        let rate = gamma(r, &mut draws) / alpha;
        let (lived_for, part) = (life(&mut draws), uniform(&mut draws));
        let age = known.0 + (known.1 - known.0) * part;
        let found = lived(rate, age.min(lived_for), &mut draws, |_| false, false);
        History { age, ..found }
    };
    (0..customers).map(one).collect()
}

/// People of Pareto/GGG, known for a time between two.
pub fn simulated_pareto_ggg(model: &ParetoGgg, people: usize, known: (f64, f64), seed: u64) -> Vec<Rhythm> {
    let mut draws = Draws::new(seed);
    let one = |_| {
        let k = (gamma(model.t, &mut draws) / model.gamma).max(1e-3);
        let (rate, leaving) = (gamma(model.r, &mut draws) / model.alpha, gamma(model.s, &mut draws) / model.beta);
        let age = known.0 + (known.1 - known.0) * uniform(&mut draws);
        let end = age.min(-(1.0 - uniform(&mut draws)).ln() / leaving);
        let (mut frequency, mut recency, mut logs) = (0, 0.0, 0.0);
        while frequency < MOST {
            let gap = gamma(k, &mut draws) / (k * rate);
            if gap.is_nan() || recency + gap > end || recency + gap <= recency {
                break;
            }
            (frequency, recency, logs) = (frequency + 1, recency + gap, logs + gap.ln());
        }
        Rhythm { history: History { frequency, recency, age }, logs, weight: 1.0 }
    };
    (0..people).map(one).collect()
}

/// What somebody does who buys at a rate until the end, or until `leaves` after a purchase, the first among them if `at_first`.
fn lived(
    rate: f64,
    end: f64,
    draws: &mut Draws,
    mut leaves: impl FnMut(&mut Draws) -> bool,
    at_first: bool,
) -> History {
    let (mut frequency, mut recency) = (0, 0.0);
    let mut there = !(at_first && leaves(draws));
    while there && frequency < MOST {
        let next = recency - (1.0 - uniform(draws)).ln() / rate;
        if next.is_nan() || next > end || next <= recency {
            break;
        }
        (frequency, recency) = (frequency + 1, next);
        there = !leaves(draws);
    }
    History { frequency, recency, age: end }
}

/// A number with a gamma distribution of this shape (Marsaglia and Tsang 2000).
pub(super) fn gamma(shape: f64, draws: &mut Draws) -> f64 {
    if shape < 1.0 {
        let part = (1.0 - uniform(draws)).powf(1.0 / shape);
        return gamma(shape + 1.0, draws) * part;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let z = normal(draws);
        let v = (1.0 + c * z).powi(3);
        if v > 0.0 && (1.0 - uniform(draws)).ln() < 0.5 * z * z + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// A number with a beta distribution.
fn beta(a: f64, b: f64, draws: &mut Draws) -> f64 {
    let (first, second) = (gamma(a, draws), gamma(b, draws));
    if first + second > 0.0 { first / (first + second) } else { 0.5 }
}

/// What customers spend who made so many purchases, after the Gamma-Gamma model.
pub fn simulated_spending(model: &GammaGamma, purchases: &[u32], seed: u64) -> Vec<Spending> {
    let mut draws = Draws::new(seed);
    let one = |purchases: &u32| {
        let rate = gamma(model.q, &mut draws) / model.gamma;
        let n = f64::from(*purchases);
        Spending { purchases: n, mean: gamma(model.p * n, &mut draws) / rate / n, weight: 1.0 }
    };
    purchases.iter().filter(|it| **it > 0).map(one).collect()
}

/// What customers do with so many chances, after BG/BB.
pub fn simulated_chances(model: &BgBb, customers: usize, chances: u32, seed: u64) -> Vec<Chances> {
    let mut draws = Draws::new(seed);
    let one = |_| {
        let (buys, leaves) = (beta(model.alpha, model.beta, &mut draws), beta(model.gamma, model.delta, &mut draws));
        let (mut frequency, mut recency) = (0, 0);
        for at in 1..=chances {
            if uniform(&mut draws) < leaves {
                break;
            }
            if uniform(&mut draws) < buys {
                (frequency, recency) = (frequency + 1, at);
            }
        }
        Chances { frequency, recency, chances, weight: 1.0 }
    };
    (0..customers).map(one).collect()
}

/// What customers do with contracts that came to so many renewals, after sBG.
pub fn simulated_contracts(model: &Sbg, customers: usize, renewals: u32, seed: u64) -> Vec<Contract> {
    let mut draws = Draws::new(seed);
    let one = |_| {
        let leaves = beta(model.alpha, model.beta, &mut draws);
        let cancelled = (1..=renewals).find(|_| uniform(&mut draws) < leaves);
        Contract { renewals: cancelled.unwrap_or(renewals), cancelled: cancelled.is_some(), weight: 1.0 }
    };
    (0..customers).map(one).collect()
}
