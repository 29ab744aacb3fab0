//! How much a rule says, in the measures of the literature, all of four counts.

use crate::association::{Association, Table};
use crate::distributions::normal_quantile;
use crate::estimate::Interval;

/// How many baskets hold the one side of a rule, the other, and both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Both sides.
    pub both: u64,
    /// The antecedent.
    pub antecedent: u64,
    /// The consequent.
    pub consequent: u64,
    /// All baskets.
    pub baskets: u64,
}

impl Counts {
    /// Of a rule's sides (A, B), each as the share of all baskets, and both.
    fn shares(self) -> (f64, f64, f64) {
        let share = |count: u64| count as f64 / self.baskets as f64;
        (share(self.antecedent), share(self.consequent), share(self.both))
    }

    /// P(A, B) (Agrawal, Imieliński and Swami 1993).
    pub fn support(self) -> f64 {
        self.shares().2
    }

    /// P(B | A), of the same.
    pub fn confidence(self) -> f64 {
        self.both as f64 / self.antecedent as f64
    }

    /// P(A, B) / (P(A) P(B)): how many times as often as by chance (Brin et al. 1997).
    pub fn lift(self) -> f64 {
        self.both as f64 * self.baskets as f64 / (self.antecedent as f64 * self.consequent as f64)
    }

    /// Between which lifts, leaving out `tails` (.05 for 95 %): by the variance of its logarithm, (1/P(A,B) − 1/P(A) − 1/P(B) + 2 lift − 1) / n, which is
    /// the delta method for the four cells of a multinomial.
    pub fn lift_interval(self, tails: f64) -> Interval {
        let ((a, b, both), lift) = (self.shares(), self.lift());
        let variance = (1.0 / both - 1.0 / a - 1.0 / b + 2.0 * lift - 1.0) / self.baskets as f64;
        let factor = (normal_quantile(tails / 2.0) * variance.max(0.0).sqrt()).exp();
        Interval { low: lift / factor, high: lift * factor }
    }

    /// P(A, B) − P(A) P(B): how many baskets more than by chance, as a share of all (Piatetsky-Shapiro 1991).
    pub fn leverage(self) -> f64 {
        let (a, b, both) = self.shares();
        both - a * b
    }

    /// (1 − P(B)) / (1 − P(B | A)): how many times as often the rule would fail by chance (Brin et al. 1997). Infinite if it never fails.
    pub fn conviction(self) -> f64 {
        let failing = (self.antecedent - self.both) as f64 / self.antecedent as f64;
        let by_chance = (self.baskets - self.consequent) as f64 / self.baskets as f64;
        match (failing > 0.0, by_chance > 0.0) {
            (true, _) => by_chance / failing,
            (false, true) => f64::INFINITY,
            // All have the consequent anyway.
            (false, false) => 1.0,
        }
    }

    /// From −1, never together, over 0, by chance, to 1, always: leverage by its largest possible value of the same sign (Zhang 2000).
    pub fn zhang(self) -> f64 {
        let [a, b, both, n] = [self.antecedent, self.consequent, self.both, self.baskets].map(i128::from);
        let most = (both * (n - a)).max(a * (b - both));
        if most > 0 { (both * n - a * b) as f64 / most as f64 } else { 0.0 }
    }

    /// The mean of P(B | A) and P(A | B), which no number of baskets without both changes (Kulczyński 1927; Wu, Chen and Han 2010).
    pub fn kulczynski(self) -> f64 {
        (self.confidence() + self.both as f64 / self.consequent as f64) / 2.0
    }

    /// The two confidences' geometric mean.
    pub fn cosine(self) -> f64 {
        self.both as f64 / (self.antecedent as f64 * self.consequent as f64).sqrt()
    }

    /// How much more common the consequent is with the antecedent than without it, and how likely that is by chance; Fisher's exact test where few are
    /// expected. `None` if every basket has the antecedent.
    pub fn association(self) -> Option<Association> {
        let others_with = self.consequent - self.both;
        Table { with: self.both, of: self.antecedent, others_with, others: self.baskets - self.antecedent }
            .association()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tea and coffee (Brin et al. 1997, section 3): 20 of 100 with both, 25 with tea, 90 with coffee: lift .89.
    #[test]
    fn the_papers_example() {
        let it = Counts { both: 20, antecedent: 25, consequent: 90, baskets: 100 };
        assert!((it.lift() - 0.888_888_9).abs() < 1e-7 && (it.confidence() - 0.8).abs() < 1e-12);
        assert!((it.leverage() + 0.025).abs() < 1e-12 && (it.conviction() - 0.5).abs() < 1e-12);
        assert!(
            (it.zhang() + 0.025 / 0.175).abs() < 1e-12 && (it.kulczynski() - (0.8 + 2.0 / 9.0) / 2.0).abs() < 1e-12
        );
        let always = Counts { both: 10, antecedent: 10, consequent: 10, baskets: 40 };
        assert_eq!((always.conviction(), always.zhang(), always.cosine()), (f64::INFINITY, 1.0, 1.0));
        let all = Counts { both: 4, antecedent: 4, consequent: 4, baskets: 4 };
        assert_eq!((all.conviction(), all.zhang(), all.lift(), all.association()), (1.0, 0.0, 1.0, None));
        assert_eq!(all.lift_interval(0.05), Interval { low: 1.0, high: 1.0 });
    }
}
