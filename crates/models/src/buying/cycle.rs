//! When somebody buys next, by their own cycle.
//!
//! The gaps between the purchases of one person have a gamma distribution of the shape k, which is how regular they are, and a rate of the person's own; the rates have another
//! over people. That is what Gamma-Gamma says of amounts, so the fit is that of [`GammaGamma`](super::GammaGamma): the time of x gaps is to them what the sum of x amounts is to
//! those. After x gaps that took t_x the next one, u, has a beta distribution of the second kind, P(u > t) = I_{b / (b + t)}(a, k) with a = q + k x and b = γ + t_x (Platzer and
//! Reutterer 2016, "Ticking away the moments: timing regularity helps to better predict customer activity"); of whoever has waited already, divided by that of the wait.
//!
//! Always holds: what is said is not before now, and the ends are in their order.
//!
//! Does not do: whether somebody is still there. What it says is of whoever goes on. Gaps that are not over yet are not looked at, so that where little time is known long ones
//! are told too short.

use super::fitting::Likelihood as _;
use super::gamma_gamma::{GammaGamma, Spending};
use super::history::History;
use crate::Fault;
use crate::bisection::least;
use crate::distributions::incomplete_beta;

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
    /// Fitted to the gaps of whoever bought again; what others did says nothing of gaps.
    ///
    /// # Errors
    /// As of [`GammaGamma::fit`]: too few people, gaps that are all the same, times that are no times.
    pub fn fit(histories: &[History]) -> Result<Self, Fault> {
        let again = histories.iter().filter(|it| it.frequency > 0);
        let gaps = again.map(|it| {
            let purchases = f64::from(it.frequency);
            Spending { purchases, mean: it.recency / purchases, weight: 1.0 }
        });
        let fit = GammaGamma::fit(&gaps.collect::<Vec<_>>())?;
        Ok(Self::with(&fit.model.parameters()))
    }

    /// Of the parameters k, shape and scale.
    fn with(parameters: &[f64]) -> Self {
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

#[cfg(test)]
mod tests {
    use super::super::simulation::gamma;
    use super::*;
    use crate::resampling::Draws;

    /// People whose rates and gaps are known, seen until a day; with each the time until they next buy.
    fn people(k: f64, count: usize, until: f64, seed: u64) -> Vec<(History, f64)> {
        let mut draws = Draws::new(seed);
        let mut found = Vec::new();
        for _ in 0..count {
            // The mean gap is about 30 days.
            let rate = gamma(4.0, &mut draws) / 90.0;
            let (mut at, mut frequency) = (0.0, 0);
            loop {
                let next = at + gamma(k, &mut draws) / (k * rate);
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
        for k in [1.0, 4.0, 15.0] {
            let all = people(k, 3_000, 900.0, 7);
            let histories: Vec<History> = all.iter().map(|it| it.0).collect();
            let cycle = Cycle::fit(&histories).unwrap();
            assert!((cycle.k / k - 1.0).abs() < 0.1, "{k}: {cycle:?}");
            let told: Vec<(Next, f64)> =
                all.iter().filter_map(|(history, came)| Some((cycle.next(history, 0.1)?, *came))).collect();
            assert!(told.len() > 2_900);
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
