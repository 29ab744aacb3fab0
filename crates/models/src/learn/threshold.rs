//! From which probability on it pays to act.
//!
//! With calibrated probabilities the best threshold follows from the costs alone (Elkan 2001, "The foundations of cost-sensitive learning"): it needs no
//! search, and no weighting of classes.

use super::metrics::Judged;
use crate::fault::Fault;

/// What each outcome costs, in any one unit; what is gained is a cost below 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Costs {
    /// Acted on a positive.
    pub true_positive: f64,
    /// Acted on a negative.
    pub false_positive: f64,
    /// Left a positive alone.
    pub false_negative: f64,
    /// Left a negative alone.
    pub true_negative: f64,
}

/// What acting from a threshold on comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operation {
    /// The least probability that is acted on.
    pub threshold: f64,
    /// The share of rows acted on.
    pub acted: f64,
    /// The share of those acted on that are positive; nothing where nobody is.
    pub precision: Option<f64>,
    /// The share of positives acted on.
    pub recall: f64,
    /// The mean cost of a row.
    pub cost: f64,
}

impl Costs {
    /// The probability from which on acting costs less. Fails when acting on a negative is not dearer than leaving it, or leaving a positive not dearer than
    /// acting on it: then one never acts, or always.
    pub fn threshold(&self) -> Result<f64, Fault> {
        let (wasted, missed) = (self.false_positive - self.true_negative, self.false_negative - self.true_positive);
        let sane = wasted > 0.0 && missed > 0.0 && wasted.is_finite() && missed.is_finite();
        let threshold =
            if wasted < missed { wasted / missed / (1.0 + wasted / missed) } else { 1.0 / (1.0 + missed / wasted) };
        if sane {
            Ok(threshold)
        } else {
            Err(Fault::NotIdentified { why: "a threshold, as by its costs one always acts, or never" })
        }
    }

    /// What acting from `threshold` on would have come to with these rows.
    pub fn operation(&self, judged: &Judged, threshold: f64) -> Operation {
        let (mut n, mut cost, mut acted, mut hits, mut positives) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (p, label) in judged.pairs() {
            let one = f64::from(u8::from(label));
            n += 1.0;
            positives += one;
            if p >= threshold {
                acted += 1.0;
                hits += one;
                cost += if label { self.true_positive } else { self.false_positive };
            } else {
                cost += if label { self.false_negative } else { self.true_negative };
            }
        }
        let precision = (acted > 0.0).then(|| hits / acted);
        Operation { threshold, acted: acted / n, precision, recall: hits / positives, cost: cost / n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acting_pays_from_where_what_is_lost_outweighs_what_is_spent() {
        // An offer of 10 keeps a customer worth 50.
        let costs = Costs { true_positive: 10.0, false_positive: 10.0, false_negative: 50.0, true_negative: 0.0 };
        assert!((costs.threshold().unwrap() - 0.2).abs() < 1e-12);
        let said = [0.9, 0.3, 0.25, 0.1];
        let labels = [true, false, true, false];
        let judged = Judged::new(&said, &labels).unwrap();
        let found = costs.operation(&judged, costs.threshold().unwrap());
        assert_eq!((found.acted, found.recall, found.cost), (0.75, 1.0, 7.5));
        assert!((found.precision.unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(costs.operation(&judged, 0.95).precision, None);
        assert!(Costs::default().threshold().is_err());
    }
}
