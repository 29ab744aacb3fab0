//! The share that is still there, step by step (Kaplan and Meier 1958, "Nonparametric estimation from incomplete observations").
//!
//! Does not do: go on beyond the last time that was seen.

use super::Lifetimes;
use crate::distributions::normal_quantile;
use crate::estimate::{Estimate, Interval};
use crate::fault::Fault;

/// What happened at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub time: f64,
    /// How many were under observation just before.
    pub at_risk: usize,
    /// How many ended.
    pub ended: usize,
    /// How many were seen no longer.
    pub censored: usize,
    /// The share still there after it: the product of 1 − d / n.
    pub survival: f64,
    /// The sum of d / n so far (Nelson 1969, Aalen 1978).
    pub cumulative_hazard: f64,
    /// Greenwood's sum (1926) of d / (n (n − d)) so far: the variance of the logarithm of the share. Infinite once nobody is left.
    pub greenwood: f64,
}

/// The time after which only a share is still there; each is `None` if that had not come to pass when the last was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// The time.
    pub value: Option<f64>,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

/// The curve of those who are still there.
#[derive(Clone, Debug, PartialEq)]
pub struct KaplanMeier {
    /// One at each time at which somebody ended or was seen no longer, in order.
    pub steps: Vec<Step>,
}

impl Step {
    /// The interval of the share by its log(−log) (Kalbfleisch and Prentice 1980, 1.3), which keeps to 0 and 1. `tails` is what it leaves out, .05 for
    /// 95 %. Before anybody ended it is the whole share, and where nobody is left there is no telling: from 0 to 1.
    fn interval(&self, tails: f64) -> Interval {
        if self.survival >= 1.0 {
            return Interval { low: 1.0, high: 1.0 };
        }
        if self.survival <= 0.0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        let log = self.survival.ln();
        let half = normal_quantile(tails / 2.0) * self.greenwood.sqrt() / log.abs();
        Interval { low: (log * half.exp()).exp(), high: (log * (-half).exp()).exp() }
    }
}

impl KaplanMeier {
    /// The curve of these lifetimes.
    pub fn fit(lifetimes: &Lifetimes<'_>) -> Result<Self, Fault> {
        lifetimes.check()?;
        let times = lifetimes.times;
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_unstable_by(|a, b| times[*a].total_cmp(&times[*b]));
        let mut entries: Vec<f64> = lifetimes.entries.map(<[f64]>::to_vec).unwrap_or_default();
        entries.sort_unstable_by(f64::total_cmp);
        let (mut entered, mut left) = (0, 0);
        let (mut survival, mut cumulative_hazard, mut greenwood) = (1.0, 0.0, 0.0);
        let mut steps = Vec::new();
        for together in order.chunk_by(|a, b| times[*a] == times[*b]) {
            let time = times[together[0]];
            while entered < entries.len() && entries[entered] < time {
                entered += 1;
            }
            let at_risk = if entries.is_empty() { times.len() } else { entered } - left;
            let ended = together.iter().filter(|row| lifetimes.ended[**row]).count();
            let (n, d) = (at_risk as f64, ended as f64);
            if ended > 0 {
                survival *= (n - d) / n;
                cumulative_hazard += d / n;
                greenwood += d / (n * (n - d));
            }
            left += together.len();
            let censored = together.len() - ended;
            steps.push(Step { time, at_risk, ended, censored, survival, cumulative_hazard, greenwood });
        }
        Ok(Self { steps })
    }

    fn step(&self, time: f64) -> Option<&Step> {
        self.steps[..self.steps.partition_point(|it| it.time <= time)].last()
    }

    /// The last time that was seen; later ones have no answer.
    pub fn last(&self) -> f64 {
        self.steps.last().map_or(0.0, |it| it.time)
    }

    /// The share still there after `time`, with its interval that leaves out `tails` (.05 for 95 %). `None` after the last time that was seen, unless
    /// by then all had ended.
    pub fn at(&self, time: f64, tails: f64) -> Option<Estimate> {
        let Some(step) = self.step(time) else {
            return time.is_finite().then_some(Estimate { value: 1.0, standard_error: Some(0.0), low: 1.0, high: 1.0 });
        };
        if time.is_nan() || (time > self.last() && step.survival > 0.0) {
            return None;
        }
        let Interval { low, high } = step.interval(tails);
        let standard_error = (step.survival > 0.0).then(|| step.survival * step.greenwood.sqrt());
        Some(Estimate { value: step.survival, standard_error, low, high })
    }

    /// The first time after which no more than `share` are still there (the median for .5), and between which times by the share's interval (Brookmeyer
    /// and Crowley 1982, "A confidence interval for the median survival time").
    pub fn quantile(&self, share: f64, tails: f64) -> Quantile {
        let first = |below: &dyn Fn(&Step) -> bool| self.steps.iter().find(|it| below(it)).map(|it| it.time);
        // Products of fractions fall a rounding short of the share itself.
        let share = share + 1e-12;
        let value = first(&|it| it.survival <= share);
        let low = first(&|it| it.survival <= share || (it.survival < 1.0 && it.interval(tails).low <= share));
        let high = first(&|it| it.survival <= 0.0 || it.interval(tails).high <= share);
        Quantile { value, low, high }
    }

    /// How long somebody is there on average within the first `horizon`: the area under the curve up to there, with its standard error (Klein and
    /// Moeschberger 2003, 4.5). `None` after the last time that was seen.
    pub fn restricted_mean(&self, horizon: f64, tails: f64) -> Option<Estimate> {
        self.at(horizon, tails)?;
        let (mut from, mut height, mut areas) = (0.0, 1.0, Vec::new());
        for step in self.steps.iter().filter(|it| it.time <= horizon) {
            areas.push((height * (step.time - from), Some(step)));
            (from, height) = (step.time, step.survival);
        }
        areas.push((height * (horizon - from).max(0.0), None));
        let value: f64 = areas.iter().map(|it| it.0).sum();
        // The area that follows each step weighs its part of Greenwood's sum.
        let (mut after, mut variance) = (0.0, 0.0);
        for (area, step) in areas.iter().rev() {
            if let Some(step) = step {
                let (n, d) = (step.at_risk as f64, step.ended as f64);
                variance += if n > d { after * after * d / (n * (n - d)) } else { 0.0 };
            }
            after += area;
        }
        let standard_error: f64 = variance.sqrt();
        let half = normal_quantile(tails / 2.0) * standard_error;
        let (low, high) = ((value - half).max(0.0), (value + half).min(horizon.max(0.0)));
        Some(Estimate { value, standard_error: Some(standard_error), low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The remission times under 6-mercaptopurine (Freireich et al. 1963), the example of every textbook: Klein and Moeschberger 2003, table 4.1B.
    #[test]
    fn the_textbooks_example() {
        let times = [
            10.0, 7.0, 32.0, 23.0, 22.0, 6.0, 16.0, 34.0, 32.0, 25.0, 11.0, 20.0, 19.0, 6.0, 17.0, 35.0, 6.0, 13.0,
            9.0, 6.0, 10.0,
        ];
        let ended = [1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0].map(|it| it == 1);
        let curve = KaplanMeier::fit(&Lifetimes::new(&times, &ended)).unwrap();
        let table =
            [(6.0, 0.857), (7.0, 0.807), (10.0, 0.753), (13.0, 0.690), (16.0, 0.627), (22.0, 0.538), (23.0, 0.448)];
        for (time, survival) in table {
            assert!((curve.at(time, 0.05).unwrap().value - survival).abs() <= 0.0005, "{time}");
        }
        assert!((curve.at(23.0, 0.05).unwrap().standard_error.unwrap() - 0.135).abs() <= 0.0005);
        assert_eq!(curve.quantile(0.5, 0.05).value, Some(23.0));
        assert_eq!((curve.at(35.5, 0.05), curve.at(-1.0, 0.05).unwrap().value), (None, 1.0));
    }

    #[test]
    fn a_mean_of_all_that_ended_is_the_mean() {
        let curve = KaplanMeier::fit(&Lifetimes::new(&[1.0, 2.0, 6.0], &[true; 3])).unwrap();
        let mean = curve.restricted_mean(6.0, 0.05).unwrap();
        assert!((mean.value - 3.0).abs() < 1e-12 && mean.standard_error.unwrap() > 0.0);
        assert_eq!(curve.restricted_mean(f64::INFINITY, 0.05).map(|it| it.low.is_nan()), Some(false));
        assert_eq!(
            KaplanMeier::fit(&Lifetimes::new(&[1.0, f64::NAN], &[true; 2])),
            Err(Fault::NotFinite { row: vec![1] })
        );
    }

    proptest! {
        /// Oracle: of each time count who is under observation, and multiply.
        #[test]
        fn the_curve_is_a_product(rows in prop::collection::vec((0u8..9, 1u8..9, any::<bool>()), 1..30)) {
            let entries: Vec<f64> = rows.iter().map(|it| f64::from(it.0)).collect();
            let times: Vec<f64> = rows.iter().map(|it| f64::from(it.0 + it.1)).collect();
            let ended: Vec<bool> = rows.iter().map(|it| it.2).collect();
            let curve = KaplanMeier::fit(&Lifetimes { entries: Some(&entries), times: &times, ended: &ended }).unwrap();
            let mut survival = 1.0;
            for step in &curve.steps {
                let n = rows.iter().filter(|it| f64::from(it.0) < step.time && f64::from(it.0 + it.1) >= step.time).count();
                let d = rows.iter().filter(|it| it.2 && f64::from(it.0 + it.1) == step.time).count();
                survival *= 1.0 - d as f64 / n as f64;
                prop_assert_eq!((step.at_risk, step.ended), (n, d));
                prop_assert!((step.survival - survival).abs() < 1e-12);
                let interval = step.interval(0.05);
                prop_assert!(interval.low <= step.survival && step.survival <= interval.high);
            }
        }
    }
}
