//! What to believe of the parameters together, drawn by chains: Hamilton's way through the posterior until it would turn back (Hoffman and Gelman 2014,
//! "The No-U-Turn sampler"), where a place on the way is drawn by its weight (Betancourt 2017, "A conceptual introduction to Hamiltonian Monte Carlo").
//!
//! It serves where customers are few: the largest likelihood may then lie at no place at all (people who do not differ are as likely as any), and a fit is
//! refused, while the posterior is what it is. The prior, which that takes, is weak and has no unit: see [`Believed`].
//!
//! The chains move over logarithms of parameters, in coordinates in which the posterior is about standard normal: first those of the second derivatives
//! where it is the largest, then those of the draws while they warm up. The step is found by dual averaging.
//!
//! Always holds: the same seed gives the same draws; there are no numbers from chains that did not agree, or whose draws are worth too little
//! ([`Fault::DidNotSettle`]).

mod judged;

use super::believed::Believed;
use super::history::{Group, Histories};
use super::uncertainty::{Posterior, normal, uniform};
use crate::Fault;
use crate::optimise::{Objective, Settings, factor, hessian, inverse, minimise};
use crate::resampling::Draws;
use judged::{disagreement, effective};

/// How many chains: they start apart, and must agree in the end.
const CHAINS: usize = 4;
/// The most doublings of a way.
const DEEPEST: u32 = 8;
/// The share of proposals that should be taken.
const TAKEN: f64 = 0.9;
/// Energy lost beyond this means that the step is too long for what is there.
const LOST: f64 = 1_000.0;
/// Chains that differ by more have not met, and draws that are worth less say little of the ends of intervals (Vehtari and others 2021).
const APART: f64 = 1.01;
const WORTH: f64 = 400.0;
/// How often chains that do not agree yet go on, to twice as many draws each time.
const DOUBLED: u32 = 2;
/// A longer way from the middle than anything is believed to be, in logarithms.
const FAR: f64 = 30.0;

/// How long chains are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Draws of each of the four chains.
    pub draws: usize,
    /// Draws of each before, which are thrown away.
    pub warm_up: usize,
    /// Where chance starts.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { draws: 1_000, warm_up: 600, seed: 1 }
    }
}

/// Models drawn by chains.
#[derive(Clone, Debug, PartialEq)]
pub struct Chains<M> {
    /// The models, all of the same weight; it is worth as many draws as the parameter that is known worst.
    pub posterior: Posterior<M>,
    /// How many independent draws those of each parameter's logarithm are worth (Geyer 1992).
    pub worth: Vec<f64>,
    /// By how much the chains of each parameter's logarithm differ from each other, as a factor of their own spread (R-hat: Gelman and Rubin 1992, of half
    /// chains). Never above 1.01.
    pub disagreement: Vec<f64>,
    /// How often a way had to be broken off, as its steps were too long.
    pub broken: usize,
    /// How often the likelihood was computed.
    pub evaluations: usize,
}

/// A place on a way, with what is there.
#[derive(Clone)]
struct Place {
    at: Vec<f64>,
    momentum: Vec<f64>,
    gradient: Vec<f64>,
    /// The logarithm of the density.
    value: f64,
}

/// A piece of a way: its ends, the place drawn from it, the logarithm of its weight, and how the proposals went.
struct Way {
    first: Place,
    last: Place,
    drawn: Place,
    weight: f64,
    turned: bool,
    taken: f64,
    steps: f64,
}

/// A chain: where it is, how it goes, and the logarithms of parameters that it drew.
struct Chain {
    now: Place,
    step: f64,
    lower: Vec<Vec<f64>>,
    found: Vec<Vec<f64>>,
}

/// The posterior over coordinates in which it is about standard normal.
struct Space<'a, O> {
    objective: O,
    best: &'a [f64],
    lower: Vec<Vec<f64>>,
    evaluations: usize,
    broken: usize,
}

impl<M: Believed> Chains<M> {
    /// The posterior of histories.
    ///
    /// Faults are fewer than three customers who bought again, and chains that do not agree even when they are four times as long.
    pub fn of(histories: &Histories, options: &Sampling) -> Result<Self, Fault> {
        const NEED: usize = 3;
        if histories.repeaters() < NEED {
            return Err(Fault::TooFew { what: "customers who bought again", have: histories.repeaters(), need: NEED });
        }
        let age = histories.means().0;
        let start: Vec<f64> = M::begin(histories).iter().map(|it| it.ln()).collect();
        let mut objective = believed::<M>(histories.groups(), age, start.clone());
        let best = minimise(&mut objective, &start, None, &Settings { promise: 1e-6, ..Settings::default() });
        if !best.value.is_finite() {
            return Err(Fault::DidNotSettle);
        }
        let curved = inverse(&hessian(&mut objective, &best.at, 1e-4)).and_then(|it| factor(&it));
        let n = start.len();
        let round = || (0..n).map(|i| (0..n).map(|k| if i == k { 0.3 } else { 0.0 }).collect()).collect();
        let shape: Vec<Vec<f64>> = curved.unwrap_or_else(round);
        let mut space =
            Space { objective, best: &best.at, lower: shape.clone(), evaluations: best.evaluations, broken: 0 };
        let mut chance = Draws::new(options.seed);
        let mut begin = |_| {
            space.lower.clone_from(&shape);
            space.start(options, &mut chance)
        };
        let mut chains: Vec<Chain> = (0..CHAINS).map(&mut begin).collect();
        for doubled in 0..=DOUBLED {
            chains.iter_mut().for_each(|it| space.extend(it, options.draws.max(8) << doubled, &mut chance));
            if let Some(found) = agreed(&chains, space.broken, space.evaluations) {
                return Ok(found);
            }
        }
        Err(Fault::DidNotSettle)
    }
}

/// What chains say, if they agree.
fn agreed<M: Believed>(chains: &[Chain], broken: usize, evaluations: usize) -> Option<Chains<M>> {
    let column = |of: usize| -> Vec<Vec<f64>> {
        chains.iter().map(|chain| chain.found.iter().map(|it| it[of]).collect()).collect()
    };
    let columns: Vec<Vec<Vec<f64>>> = (0..M::NAMES.len()).map(column).collect();
    let worth: Vec<f64> = columns.iter().map(|it| effective(it)).collect();
    let disagreement: Vec<f64> = columns.iter().map(|it| disagreement(it)).collect();
    let least = worth.iter().copied().fold(f64::INFINITY, f64::min);
    let draws: usize = chains.iter().map(|it| it.found.len()).sum();
    // What is not a number does not agree.
    let met = disagreement.iter().all(|it| *it <= APART) && least >= WORTH && broken * 100 <= draws;
    let model = |it: &Vec<f64>| M::with(&it.iter().map(|it| it.exp()).collect::<Vec<f64>>());
    met.then(|| {
        let models = chains.iter().flat_map(|it| &it.found).map(|it| (model(it), 1.0 / draws as f64)).collect();
        Chains { posterior: Posterior { models, worth: least }, worth, disagreement, broken, evaluations }
    })
}

/// The posterior with its sign turned, over logarithms of parameters.
fn believed<M: Believed>(rows: &[Group], age: f64, middle: Vec<f64>) -> impl Objective + use<'_, M> {
    let mut slopes = vec![0.0; middle.len()];
    move |at: &[f64], gradient: &mut [f64]| {
        if at.iter().zip(&middle).any(|(at, middle)| (at - middle).is_nan() || (at - middle).abs() > FAR) {
            return f64::INFINITY;
        }
        let parameters: Vec<f64> = at.iter().map(|it| it.exp()).collect();
        let model = M::with(&parameters);
        gradient.fill(0.0);
        slopes.fill(0.0);
        let value = model.log_likelihood(rows, gradient) + model.prior(age, &mut slopes);
        let parts = gradient.iter_mut().zip(&parameters).zip(&slopes);
        parts.for_each(|((it, parameter), slope)| *it = -*it * parameter - slope);
        -value
    }
}

impl<O: Objective> Space<'_, O> {
    /// Logarithms of parameters at these coordinates.
    fn logs(&self, at: &[f64]) -> Vec<f64> {
        let moved = |row: &Vec<f64>| row.iter().zip(at).map(|(l, z)| l * z).sum::<f64>();
        self.best.iter().zip(&self.lower).map(|(best, row)| best + moved(row)).collect()
    }

    fn place(&mut self, at: Vec<f64>, momentum: Vec<f64>) -> Place {
        let mut slope = vec![0.0; at.len()];
        let logs = self.logs(&at);
        self.evaluations += 1;
        let value = -(self.objective)(&logs, &mut slope);
        let of = |i: usize| -(i..at.len()).map(|k| self.lower[k][i] * slope[k]).sum::<f64>();
        let gradient = (0..at.len()).map(of).collect();
        Place { at, momentum, gradient, value: if value.is_finite() { value } else { f64::NEG_INFINITY } }
    }

    /// From where a chain starts: apart from the others, by draws of the approximation.
    fn start(&mut self, options: &Sampling, chance: &mut Draws) -> Chain {
        let n = self.best.len();
        let draw = |chance: &mut Draws| (0..n).map(|_| normal(chance)).collect::<Vec<f64>>();
        let mut now = self.place(draw(chance), vec![0.0; n]);
        if !now.value.is_finite() {
            now = self.place(vec![0.0; n], vec![0.0; n]);
        }
        // A third to come to where the posterior is, a half to learn its shape, the rest for the step in the coordinates that follow of it.
        let (first, second) = (options.warm_up / 3, options.warm_up * 5 / 6);
        let (mut step, mut seen) = (Averaged::from(0.5), Vec::new());
        for turn in 0..options.warm_up {
            if turn == second && self.learn(&seen, &mut now) {
                step = Averaged::from(step.settled());
            }
            now.momentum = draw(chance);
            let (next, taken) = self.next(&now, step.now(), chance);
            now = next;
            step.learn(taken);
            if (first..second).contains(&turn) {
                seen.push(self.logs(&now.at));
            }
        }
        // While the step is looked for, it is too long at times.
        self.broken = 0;
        Chain { now, step: step.settled(), lower: self.lower.clone(), found: Vec::new() }
    }

    /// Coordinates in which what was seen is about standard normal; the place where the chain is stays. Whether there are any.
    fn learn(&mut self, seen: &[Vec<f64>], now: &mut Place) -> bool {
        let (count, logs) = (seen.len() as f64, self.logs(&now.at));
        let n = logs.len();
        let mean = |of: usize| seen.iter().map(|it| it[of]).sum::<f64>() / count;
        let means: Vec<f64> = (0..n).map(mean).collect();
        let both = |i: usize, k: usize| seen.iter().map(|it| (it[i] - means[i]) * (it[k] - means[k])).sum::<f64>();
        // Shrunk a little, as draws are few.
        let cell = |i: usize, k: usize| both(i, k) / (count + 5.0) + if i == k { 5e-3 / (count + 5.0) } else { 0.0 };
        let covariance: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|k| cell(i, k)).collect()).collect();
        let Some(lower) = factor(&covariance).filter(|_| seen.len() > 10 * n) else { return false };
        self.lower = lower;
        let mut at = vec![0.0; n];
        for i in 0..n {
            let known: f64 = (0..i).map(|k| self.lower[i][k] * at[k]).sum();
            at[i] = (logs[i] - self.best[i] - known) / self.lower[i][i];
        }
        *now = self.place(at, vec![0.0; n]);
        true
    }

    /// A chain goes on until it has so many draws.
    fn extend(&mut self, chain: &mut Chain, until: usize, chance: &mut Draws) {
        self.lower.clone_from(&chain.lower);
        while chain.found.len() < until {
            chain.now.momentum = (0..self.best.len()).map(|_| normal(chance)).collect();
            chain.now = self.next(&chain.now, chain.step, chance).0;
            chain.found.push(self.logs(&chain.now.at));
        }
    }

    /// Where a chain goes next, and the share of proposals that was good.
    fn next(&mut self, now: &Place, step: f64, chance: &mut Draws) -> (Place, f64) {
        let energy = joint(now);
        let mut way = Way {
            first: now.clone(),
            last: now.clone(),
            drawn: now.clone(),
            weight: 0.0,
            turned: false,
            taken: 0.0,
            steps: 0.0,
        };
        for depth in 0..DEEPEST {
            let forth = uniform(chance) < 0.5;
            let end = if forth { &way.last } else { &way.first };
            let more = self.way(&end.clone(), depth, if forth { step } else { -step }, energy, chance);
            way.taken += more.taken;
            way.steps += more.steps;
            if more.turned {
                break;
            }
            // A new half is preferred, so that chains move far.
            if uniform(chance).ln() < more.weight - way.weight {
                way.drawn = more.drawn.clone();
            }
            way.weight = together(way.weight, more.weight);
            if forth {
                way.last = more.last
            } else {
                way.first = more.first
            }
            if turned(&way.first, &way.last) {
                break;
            }
        }
        (way.drawn, way.taken / way.steps.max(1.0))
    }

    /// A piece of 2^depth steps from an end. Its `first` is the earlier in time.
    fn way(&mut self, from: &Place, depth: u32, step: f64, energy: f64, chance: &mut Draws) -> Way {
        if depth == 0 {
            let it = self.leap(from, step);
            let lost = joint(&it) - energy;
            let turned = lost.is_nan() || lost < -LOST;
            self.broken += usize::from(turned);
            let taken = if turned { 0.0 } else { lost.exp().min(1.0) };
            return Way { first: it.clone(), last: it.clone(), drawn: it, weight: lost, turned, taken, steps: 1.0 };
        }
        let mut near = self.way(from, depth - 1, step, energy, chance);
        if near.turned {
            return near;
        }
        let end = if step > 0.0 { near.last.clone() } else { near.first.clone() };
        let far = self.way(&end, depth - 1, step, energy, chance);
        let weight = together(near.weight, far.weight);
        if !far.turned && uniform(chance).ln() < far.weight - weight {
            near.drawn = far.drawn;
        }
        let (first, last) = if step > 0.0 { (near.first, far.last) } else { (far.first, near.last) };
        let turned = far.turned || turned(&first, &last);
        let (taken, steps) = (near.taken + far.taken, near.steps + far.steps);
        Way { first, last, drawn: near.drawn, weight, turned, taken, steps }
    }

    /// One step of the leapfrog.
    fn leap(&mut self, from: &Place, step: f64) -> Place {
        let half = |momentum: &[f64], gradient: &[f64]| -> Vec<f64> {
            momentum.iter().zip(gradient).map(|(p, g)| p + 0.5 * step * g).collect()
        };
        let momentum = half(&from.momentum, &from.gradient);
        let at = from.at.iter().zip(&momentum).map(|(z, p)| z + step * p).collect();
        let mut place = self.place(at, momentum);
        place.momentum = half(&place.momentum, &place.gradient);
        place
    }
}

/// The logarithm of the density with that of the momentum.
fn joint(place: &Place) -> f64 {
    place.value - place.momentum.iter().map(|it| it * it).sum::<f64>() / 2.0
}

/// The logarithm of a sum of two of which the logarithms are known.
fn together(a: f64, b: f64) -> f64 {
    let most = a.max(b);
    if most == f64::NEG_INFINITY { most } else { most + (-(a - b).abs()).exp().ln_1p() }
}

/// Whether a way comes back at one of its ends.
fn turned(first: &Place, last: &Place) -> bool {
    let along =
        |momentum: &[f64]| -> f64 { first.at.iter().zip(&last.at).zip(momentum).map(|((a, b), p)| (b - a) * p).sum() };
    along(&first.momentum) < 0.0 || along(&last.momentum) < 0.0
}

/// The length of a step, found by dual averaging (Nesterov 2009, as in Hoffman and Gelman, algorithm 5).
struct Averaged {
    middle: f64,
    short: f64,
    now: f64,
    mean: f64,
    turns: f64,
}

impl Averaged {
    fn from(step: f64) -> Self {
        Self { middle: (4.0 * step).ln(), short: 0.0, now: step.ln(), mean: step.ln(), turns: 0.0 }
    }

    fn learn(&mut self, taken: f64) {
        self.turns += 1.0;
        let n = self.turns;
        self.short += (TAKEN - taken - self.short) / (n + 10.0);
        self.now = (self.middle - n.sqrt() / 0.05 * self.short).clamp(-12.0, 1.5);
        self.mean += n.powf(-0.75) * (self.now - self.mean);
    }

    fn now(&self) -> f64 {
        self.now.exp()
    }

    fn settled(&self) -> f64 {
        self.mean.exp()
    }
}

#[cfg(test)]
mod tests;
