//! When somebody buys next, by their own cycle.
//!
//! The gaps between the purchases of one person have a gamma distribution of the shape k, which is how regular they are, and a rate of the person's own; the rates have another
//! over people, of the shape q and the scale γ. After each purchase some leave for good. x gaps that took t_x then say, with a = q + k x and b = γ + t_x,
//!
//! ```text
//! (1 − p₀) (1 − p)^(x − 1)  Γ(a) γ^q t_x^(k x − 1) / (Γ(k x) Γ(q) b^a)  (p + (1 − p) I(b / (b + w); a, k))
//! ```
//!
//! where w is the time since: they left, or their next gap, which has a beta distribution of the second kind, P(u > t) = I(b / (b + t); a, k), takes longer still (Platzer and
//! Reutterer 2016, "Ticking away the moments: timing regularity helps to better predict customer activity"; Reutterer, Platzer and Schröder 2021, "Leveraging purchase regularity
//! for predicting customer behavior the easy way", whose share of those who leave has a distribution). p₀ of those who bought once leave, and p of the others. Without the gap that is not over short gaps
//! would be found too often, as whoever has short ones ends more of them; without those who leave it would be taken for a long one. Half a person who left and half a person who
//! stayed are added (the prior of Jeffreys), so that both have an estimate where nobody leaves.
//!
//! Always holds: what is said is not before now, and the ends are in their order.
//!
//! Does not do: say whether somebody is still there. What it says is of whoever goes on.

use super::fitting::{Likelihood, fit};
use super::history::{Group, Histories, History};
use crate::Fault;
use crate::bisection::least;
use crate::distributions::incomplete_beta;

/// So many people are enough to tell how all come back: what more of them would change is less than what a day changes.
const MOST: usize = 5_000;
/// Of fewer who bought again nothing is told.
const LEAST: usize = 10;
/// How far apart the values are from which the derivatives are taken, in logarithms of parameters.
const STEP: f64 = 1e-5;

/// How people come back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cycle {
    /// How regular one person is: 1 is at random, more is more regular.
    pub k: f64,
    /// The shape of the distribution of rates over people.
    pub shape: f64,
    /// Its scale, in units of time.
    pub scale: f64,
}

/// When somebody buys next, in time from now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Next {
    /// The lower end.
    pub low: f64,
    /// As likely before as after.
    pub median: f64,
    /// The upper end.
    pub high: f64,
}

impl Cycle {
    /// Fitted to what people did; of more than 5,000 people to a systematic sample of them.
    ///
    /// # Errors
    /// Histories that are none, too few people who bought again, all of whose gaps are the same, or a likelihood that tells nothing.
    pub fn fit(histories: &[History]) -> Result<Self, Fault> {
        let every = histories.len().div_ceil(MOST).max(1);
        let some: Vec<History> = histories.iter().step_by(every).copied().collect();
        let rows = Histories::new(&some)?;
        let again: Vec<&Group> = rows.groups().iter().filter(|it| it.x > 0.0).collect();
        if rows.repeaters() < LEAST {
            return Err(Fault::TooFew { what: "customers who bought again", have: rows.repeaters(), need: LEAST });
        }
        let gap = |it: &Group| it.t_x / it.x;
        if again.iter().all(|it| gap(it) == gap(again[0])) {
            return Err(Fault::Constant { column: 1 });
        }
        // Starts in which the mean gap, k γ / (q − 1), is what it is.
        let mean = again.iter().map(|it| it.weight * gap(it)).sum::<f64>() / rows.repeaters() as f64;
        let starts = [vec![2.0, 3.0, mean, 0.3, 0.1], vec![1.0, 2.0, mean, 0.3, 0.1]];
        let found = fit::<Coming>(rows.groups(), &starts)?;
        Ok(found.model.cycle)
    }

    /// Of the parameters k, shape and scale.
    const fn with(parameters: &[f64]) -> Self {
        Self { k: parameters[0], shape: parameters[1], scale: parameters[2] }
    }

    /// Whether it can say anything.
    pub fn is_sound(&self) -> bool {
        [self.k, self.shape, self.scale].iter().all(|it| it.is_finite() && *it > 0.0)
    }

    /// The probability that the gap after what somebody did is longer than this.
    pub fn longer(&self, history: &History, than: f64) -> f64 {
        let (a, b) = (self.shape + self.k * f64::from(history.frequency), self.scale + history.recency);
        incomplete_beta(b / (b + than.max(0.0)), a, self.k)
    }

    /// When somebody who bought again buys next, if they go on: with the probability `outside` before the lower end, and with as much after the upper one. `None` of whoever bought
    /// once, as they have no cycle, and of whoever has waited for so long that nothing can be told.
    pub fn next(&self, history: &History, outside: f64) -> Option<Next> {
        if history.frequency == 0 || !self.is_sound() {
            return None;
        }
        let since = history.age - history.recency;
        let waited = self.longer(history, since);
        if waited.is_nan() || waited < 1e-200 {
            return None;
        }
        let start = (self.scale + history.recency) / (self.shape + self.k * f64::from(history.frequency));
        let after = |share: f64| least(start, |more| self.longer(history, since + more) <= (1.0 - share) * waited);
        Some(Next { low: after(outside)?, median: after(0.5)?, high: after(1.0 - outside)? })
    }
}

/// The cycle with who leaves, which is what the likelihood is of.
#[derive(Clone, Debug)]
struct Coming {
    cycle: Cycle,
    /// The odds that somebody leaves after the first purchase, and after each later one.
    leave: [f64; 2],
}

impl Coming {
    /// The log-likelihood without what does not depend on the parameters.
    fn of(&self, rows: &[Group]) -> f64 {
        let Cycle { k, shape: q, scale } = self.cycle;
        let [first, later] = self.leave.map(|odds| (odds / (1.0 + odds), -odds.ln_1p()));
        let (ln_gamma_q, of_scale) = (libm::lgamma(q), q * scale.ln());
        let left = |(leaves, stays): (f64, f64), longer: f64| (leaves + stays.exp() * longer).ln();
        let one = |it: &Group| {
            let (a, b, since) = (q + k * it.x, scale + it.t_x, it.t - it.t_x);
            let longer = incomplete_beta(b / (b + since), a, k);
            if it.x == 0.0 {
                return left(first, longer);
            }
            let gaps =
                libm::lgamma(a) - ln_gamma_q - libm::lgamma(k * it.x) + of_scale + k * it.x * it.t_x.ln() - a * b.ln();
            gaps + first.1 + (it.x - 1.0) * later.1 + left(later, longer)
        };
        let prior = |odds: f64| 0.5 * odds.ln() - odds.ln_1p();
        rows.iter().map(|it| it.weight * one(it)).sum::<f64>() + prior(self.leave[0]) + prior(self.leave[1])
    }
}

impl Likelihood for Coming {
    type Row = Group;
    const NAMES: &'static [&'static str] = &["k", "shape", "scale", "leave_first", "leave_later"];
    const UNTOLD: &'static str = "how much people differ in how often they come";

    fn with(parameters: &[f64]) -> Self {
        Self { cycle: Cycle::with(parameters), leave: [parameters[3], parameters[4]] }
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.cycle.k, self.cycle.shape, self.cycle.scale, self.leave[0], self.leave[1]]
    }

    fn log_likelihood(&self, rows: &[Group], gradient: &mut [f64]) -> f64 {
        let own = self.parameters();
        for (at, slope) in gradient.iter_mut().enumerate() {
            let beside = |by: f64| {
                let mut moved = own.clone();
                moved[at] *= by.exp();
                Self::with(&moved).of(rows)
            };
            *slope = (beside(STEP) - beside(-STEP)) / (2.0 * STEP * own[at]);
        }
        self.of(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::super::simulation::gamma;
    use super::super::uncertainty::uniform;
    use super::*;
    use crate::resampling::Draws;

    /// People whose rates and gaps are known, seen until a day, of whom so many leave after each purchase; with each the time until they next buy, which never comes of whoever left.
    fn people((k, leave): (f64, f64), count: usize, until: f64, seed: u64) -> Vec<(History, f64)> {
        let mut draws = Draws::new(seed);
        let mut found = Vec::new();
        for _ in 0..count {
            // The mean gap is about 30 days.
            let rate = gamma(4.0, &mut draws) / 90.0;
            let (mut at, mut frequency) = (0.0, 0);
            loop {
                let stays = uniform(&mut draws) >= leave;
                let next = if stays { at + gamma(k, &mut draws) / (k * rate) } else { f64::INFINITY };
                if next > until {
                    found.push((History { frequency, recency: at, age: until }, next - until));
                    break;
                }
                (at, frequency) = (next, frequency + 1);
            }
        }
        found
    }

    #[test]
    fn intervals_hold_as_often_as_they_say() {
        for (k, leave, until) in
            [(1.0, 0.0, 900.0), (4.0, 0.0, 900.0), (15.0, 0.0, 900.0), (1.0, 0.1, 300.0), (4.0, 0.1, 300.0)]
        {
            let all = people((k, leave), 3_000, until, 7);
            let histories: Vec<History> = all.iter().map(|it| it.0).collect();
            let cycle = Cycle::fit(&histories).unwrap();
            // The more regular people are, the less three numbers a person say how much.
            assert!((cycle.k / k - 1.0).abs() < 0.2, "{k} {leave}: {cycle:?}");
            assert!((cycle.shape / 4.0 - 1.0).abs() < 0.25, "{k} {leave}: {cycle:?}");
            // Of those who go on.
            let goes_on = all.iter().filter(|it| it.1.is_finite());
            let told: Vec<(Next, f64)> =
                goes_on.filter_map(|(history, came)| Some((cycle.next(history, 0.1)?, *came))).collect();
            assert!(told.len() > if leave == 0.0 { 2_900 } else { 700 }, "{}", told.len());
            let share =
                |of: &dyn Fn(&(Next, f64)) -> bool| told.iter().filter(|it| of(it)).count() as f64 / told.len() as f64;
            let (within, before) =
                (share(&|it| it.1 >= it.0.low && it.1 <= it.0.high), share(&|it| it.1 <= it.0.median));
            assert!((within - 0.8).abs() < 0.03, "{k}: {within}");
            assert!((before - 0.5).abs() < 0.03, "{k}: {before}");
            assert!(told.iter().all(|it| 0.0 <= it.0.low && it.0.low <= it.0.median && it.0.median <= it.0.high));
        }
    }

    /// At random (k = 1) the gap after x gaps is a Lomax distribution, P(u > t) = (b / (b + t))^a; whoever has waited has it with b and the wait.
    #[test]
    fn at_random_it_is_the_distribution_of_lomax() {
        let cycle = Cycle { k: 1.0, shape: 2.5, scale: 40.0 };
        let history = History { frequency: 3, recency: 80.0, age: 95.0 };
        let (a, b) = (5.5_f64, 120.0 + 15.0);
        for (share, found) in
            [(0.1, cycle.next(&history, 0.1).unwrap().low), (0.5, cycle.next(&history, 0.1).unwrap().median)]
        {
            let exact = b * ((1.0_f64 - share).powf(-1.0 / a) - 1.0);
            assert!((found / exact - 1.0).abs() < 1e-9, "{found} {exact}");
        }
    }

    #[test]
    fn who_buys_by_the_clock_is_expected_on_their_day() {
        let cycle = Cycle { k: 200.0, shape: 3.0, scale: 0.3 };
        // Every 30 days, the last time 25 days ago.
        let next = cycle.next(&History { frequency: 12, recency: 360.0, age: 385.0 }, 0.1).unwrap();
        assert!((next.median - 5.0).abs() < 1.0 && next.high < 12.0, "{next:?}");
        assert_eq!(cycle.next(&History { frequency: 0, recency: 0.0, age: 30.0 }, 0.1), None, "no cycle yet");
        let gone = cycle.next(&History { frequency: 12, recency: 360.0, age: 3_600.0 }, 0.1);
        assert!(gone.is_none_or(|it| it.median.is_finite() && it.median > 0.0));
    }

    #[test]
    fn too_few_and_clocks_are_refused() {
        let one = History { frequency: 2, recency: 20.0, age: 30.0 };
        assert!(matches!(Cycle::fit(&[one; 5]), Err(Fault::TooFew { .. })));
        assert!(matches!(Cycle::fit(&[one; 50]), Err(Fault::Constant { .. })));
        assert!(matches!(Cycle::fit(&[History { recency: f64::NAN, ..one }; 50]), Err(Fault::NotFinite { .. })));
        assert!(!Cycle { k: 0.0, shape: 1.0, scale: 1.0 }.is_sound());
    }
}
