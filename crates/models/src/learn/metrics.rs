//! How good probabilities are: whether they tell who from who (AUC, lift), and whether they mean what they say (Brier, log loss, calibration error,
//! reliability).
//!
//! Always holds: probabilities outside 0 to 1, or that are no numbers, are refused with their row; ties count half.

use crate::distributions::normal_quantile;
use crate::estimate::{Estimate, Interval, TAILS};
use crate::fault::{Fault, none_of};

/// What a model says of rows beside what became of them.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    probabilities: &'a [f64],
    labels: &'a [bool],
    positives: usize,
}

/// A bin of the reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityBin {
    /// The rows in it.
    pub rows: usize,
    /// The mean probability said.
    pub said: f64,
    /// The share that it came true for.
    pub came: f64,
    /// Where that share is with 95 % (Wilson 1927).
    pub interval: Interval,
}

/// Everything at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The rows.
    pub rows: usize,
    /// The positives among them.
    pub positives: usize,
    /// The probability that a positive is ranked above a negative.
    pub auc: Estimate,
    /// The mean squared error of the probabilities.
    pub brier: Estimate,
    /// The mean surprise, in nats.
    pub log_loss: Estimate,
    /// The expected calibration error in ten bins of equal width.
    pub calibration_error: f64,
    /// How many times more positives the tenth with the highest probabilities holds than all.
    pub top_decile_lift: f64,
    /// The reliability diagram in ten bins of equal width, of which empty ones are left out.
    pub reliability: Vec<ReliabilityBin>,
}

/// The surprise of one outcome, in nats; a probability of 0 or 1 counts as 1e-15 off.
pub(crate) fn surprise(probability: f64, label: bool) -> f64 {
    let of_what_came = if label { probability } else { 1.0 - probability };
    -of_what_came.clamp(1e-15, 1.0).ln()
}

/// A mean with its standard error and 95 % interval.
pub(crate) fn mean(values: impl Iterator<Item = f64> + Clone) -> Estimate {
    let (n, sum) = values.clone().fold((0.0, 0.0), |(n, sum), it| (n + 1.0, sum + it));
    let value = sum / n;
    let squares: f64 = values.map(|it| (it - value) * (it - value)).sum();
    let error = (n > 1.0).then(|| (squares / (n - 1.0) / n).sqrt());
    match error {
        Some(error) => Estimate::around(value, error, TAILS),
        None => Estimate { value, standard_error: None, low: value, high: value },
    }
}

impl<'a> Judged<'a> {
    /// Probabilities beside labels. Fails when their numbers differ, a probability is none, or only one class is there.
    pub fn new(probabilities: &'a [f64], labels: &'a [bool]) -> Result<Self, Fault> {
        if probabilities.len() != labels.len() {
            return Err(Fault::Shape { what: "probabilities", have: probabilities.len(), need: labels.len() });
        }
        none_of(probabilities, |it| !(0.0..=1.0).contains(it), |row| Fault::NotFinite { row })?;
        let positives = labels.iter().filter(|it| **it).count();
        if positives == 0 || positives == labels.len() {
            return Err(Fault::OneClass);
        }
        Ok(Self { probabilities, labels, positives })
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (f64, bool)> + Clone + '_ {
        self.probabilities.iter().copied().zip(self.labels.iter().copied())
    }

    /// All measures.
    pub fn metrics(&self) -> Metrics {
        Metrics {
            rows: self.labels.len(),
            positives: self.positives,
            auc: auc(self.probabilities, self.labels),
            brier: mean(self.pairs().map(|(p, label)| (p - f64::from(u8::from(label))).powi(2))),
            log_loss: mean(self.pairs().map(|(p, label)| surprise(p, label))),
            calibration_error: self.calibration_error(10),
            top_decile_lift: self.lift(0.1),
            reliability: self.reliability(10),
        }
    }

    /// Bins of equal width of what was said, without empty ones.
    pub fn reliability(&self, bins: usize) -> Vec<ReliabilityBin> {
        let bins = bins.max(1);
        let mut sums = vec![(0usize, 0.0, 0.0); bins];
        for (p, label) in self.pairs() {
            let bin = &mut sums[((p * bins as f64) as usize).min(bins - 1)];
            *bin = (bin.0 + 1, bin.1 + p, bin.2 + f64::from(u8::from(label)));
        }
        let bin = |(rows, said, came): (usize, f64, f64)| {
            let n = rows as f64;
            ReliabilityBin { rows, said: said / n, came: came / n, interval: wilson(came, n) }
        };
        sums.into_iter().filter(|it| it.0 > 0).map(bin).collect()
    }

    /// The expected calibration error (Naeini, Cooper and Hauskrecht 2015): how far what was said is from what came, a mean over bins of equal width
    /// by their rows.
    pub fn calibration_error(&self, bins: usize) -> f64 {
        let n = self.labels.len() as f64;
        self.reliability(bins).iter().map(|it| (it.said - it.came).abs() * it.rows as f64 / n).sum()
    }

    /// How many times more positives the given share of rows with the highest probabilities holds than all rows. Rows that are tied at the edge count
    /// by their mean.
    pub fn lift(&self, share: f64) -> f64 {
        let n = self.labels.len();
        let wanted = (share.clamp(0.0, 1.0) * n as f64).max(1.0);
        let order = descending(self.probabilities);
        let (mut taken, mut found, mut from) = (0.0, 0.0, 0);
        while from < n && taken < wanted {
            let tied =
                order[from..].iter().take_while(|at| self.probabilities[**at] == self.probabilities[order[from]]);
            let (rows, hits) = tied.fold((0, 0.0), |(n, k), at| (n + 1, k + f64::from(u8::from(self.labels[*at]))));
            let used = (wanted - taken).min(rows as f64);
            found += hits * used / rows as f64;
            taken += used;
            from += rows;
        }
        found / wanted / (self.positives as f64 / n as f64)
    }
}

/// Places by value, the highest first; ties in their order.
pub(crate) fn descending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    order
}

/// Wilson's interval of a share.
fn wilson(hits: f64, n: f64) -> Interval {
    let z = normal_quantile(TAILS / 2.0);
    let (p, z2) = (hits / n, z * z / n);
    let centre = (p + z2 / 2.0) / (1.0 + z2);
    let half = z * (p * (1.0 - p) / n + z2 / n / 4.0).sqrt() / (1.0 + z2);
    Interval { low: (centre - half).max(0.0), high: (centre + half).min(1.0) }
}

/// The middle rank of each value among all of them, from 1.
fn middle_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let tied = order[from..].iter().take_while(|it| values[**it] == values[order[from]]).count();
        order[from..from + tied].iter().for_each(|at| ranks[*at] = from as f64 + (tied as f64 + 1.0) / 2.0);
        from += tied;
    }
    ranks
}

/// For each row the share of the other class that it is ranked right against: the placement values of DeLong, DeLong and Clarke-Pearson (1988), by ranks
/// (Sun and Xu 2014, "Fast implementation of DeLong's algorithm").
fn placements(scores: &[f64], labels: &[bool]) -> (Vec<f64>, Vec<f64>) {
    let all = middle_ranks(scores);
    let class = |wanted: bool| {
        let rows: Vec<usize> = (0..labels.len()).filter(|at| labels[*at] == wanted).collect();
        let own = middle_ranks(&rows.iter().map(|at| scores[*at]).collect::<Vec<_>>());
        rows.iter().zip(own).map(|(at, own)| all[*at] - own).collect::<Vec<_>>()
    };
    let (positive, negative) = (class(true), class(false));
    let (m, n) = (positive.len() as f64, negative.len() as f64);
    (positive.iter().map(|it| it / n).collect(), negative.iter().map(|it| 1.0 - it / m).collect())
}

/// The area under the curve with DeLong's standard error; the interval is taken in log-odds, so that it stays between 0 and 1.
pub(crate) fn auc(scores: &[f64], labels: &[bool]) -> Estimate {
    let (positive, negative) = placements(scores, labels);
    let (of_positive, of_negative) = (mean(positive.iter().copied()), mean(negative.iter().copied()));
    let value = of_positive.value;
    let (Some(a), Some(b)) = (of_positive.standard_error, of_negative.standard_error) else {
        return Estimate { value, standard_error: None, low: 0.0, high: 1.0 };
    };
    let error = a.hypot(b);
    if value <= 0.0 || value >= 1.0 || error == 0.0 {
        return Estimate { value, standard_error: Some(error), low: value, high: value };
    }
    let half = normal_quantile(TAILS / 2.0) * error / (value * (1.0 - value));
    let odds = (value / (1.0 - value)).ln();
    let back = |it: f64| 1.0 / (1.0 + (-it).exp());
    Estimate { value, standard_error: Some(error), low: back(odds - half), high: back(odds + half) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_small_case_by_hand() {
        let labels = [true, true, false, false, false];
        let said = [0.9, 0.4, 0.4, 0.2, 0.1];
        let found = Judged::new(&said, &labels).unwrap().metrics();
        // Of six pairs five are right and one is tied.
        assert!((found.auc.value - 5.5 / 6.0).abs() < 1e-12 && found.auc.low < 0.92 && found.auc.high < 1.0);
        assert!((found.brier.value - (0.01 + 0.36 + 0.16 + 0.04 + 0.01) / 5.0).abs() < 1e-12);
        assert!((found.calibration_error - (0.1 + 2.0 * 0.1 + 0.2 + 0.1) / 5.0).abs() < 1e-12);
        assert!((found.top_decile_lift - 2.5).abs() < 1e-12);
        assert!((Judged::new(&said, &labels).unwrap().lift(0.4) - 0.75 / 0.4).abs() < 1e-12);
        assert_eq!(Judged::new(&[0.2], &[true]).err(), Some(Fault::OneClass));
        assert_eq!(Judged::new(&[0.2, f64::NAN], &[true, false]).err(), Some(Fault::NotFinite { row: vec![1] }));
    }

    proptest! {
        /// Oracle: all pairs, one by one.
        #[test]
        fn the_area_is_the_share_of_pairs_that_are_right(rows in prop::collection::vec((0u8..6, any::<bool>()), 4..40)) {
            let said: Vec<f64> = rows.iter().map(|it| f64::from(it.0) / 5.0).collect();
            let labels: Vec<bool> = rows.iter().map(|it| it.1).collect();
            prop_assume!(labels.contains(&true) && labels.contains(&false));
            let (mut right, mut pairs) = (0.0, 0.0);
            for (a, p) in said.iter().zip(&labels).filter(|it| *it.1) {
                for (b, n) in said.iter().zip(&labels).filter(|it| !*it.1) {
                    prop_assert!(*p && !n);
                    right += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                    pairs += 1.0;
                }
            }
            let found = Judged::new(&said, &labels).unwrap().metrics();
            prop_assert!((found.auc.value - right / pairs).abs() < 1e-9);
            prop_assert!(found.auc.low <= found.auc.value && found.auc.value <= found.auc.high);
            prop_assert!((Judged::new(&said, &labels).unwrap().lift(1.0) - 1.0).abs() < 1e-9);
        }
    }
}
