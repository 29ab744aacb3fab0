//! Whether two groups mean the same by a construct: measurement invariance of composites (MICOM; Henseler, Ringle and Sarstedt 2016, "Testing measurement
//! invariance of composites using partial least squares", International Marketing Review 33(3)).
//!
//! Both were asked the same and are treated alike (step 1). Then the weights of each group are taken to everybody: if the two scores go together as
//! well as those of groups that chance divides, the construct is made up alike (step 2), and paths of the groups may be compared. If their means and
//! variances differ by no more than chance gives, either (step 3), scores may be compared, and people put together.

use super::{Fit, Model, Scheme, Unfit};
use crate::columns::Columns;
use crate::resampling::{Draws, between};

/// How far chance divides are looked at: 5 %.
const LEVEL: f64 = 0.05;

/// What two groups have in common in one construct.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Invariance {
    /// The correlation, over everybody, of the scores by the weights of either group.
    pub correlation: f64,
    /// 95 % of the groups that chance divides have more than this.
    pub least: f64,
    /// It is made up alike: paths may be compared.
    pub compositional: bool,
    /// The mean score of the first group less that of the second, in standard deviations of everybody.
    pub means: f64,
    /// Between what 95 % of those are that chance gives.
    pub means_between: (f64, f64),
    /// The logarithm of the ratio of the variances.
    pub variances: f64,
    /// Between what 95 % of those are that chance gives.
    pub variances_between: (f64, f64),
    /// Made up alike, and means and variances are: scores may be compared, or people put together.
    pub full: bool,
}

impl Model {
    /// What two groups have in common in each construct, by `draws` divisions of chance that follow from `seed`.
    pub fn invariance(
        &self,
        these: &[Vec<Option<f64>>],
        those: &[Vec<Option<f64>>],
        scheme: Scheme,
        draws: usize,
        seed: u64,
    ) -> Result<Vec<Invariance>, Unfit> {
        let mut rows = self.complete(these);
        let first = rows.len();
        rows.extend(self.complete(those));
        let everybody: Vec<usize> = (0..rows.len()).collect();
        let all = self.fit_to(&rows, &everybody, scheme)?;
        let columns = Columns::of(&rows, &everybody).ok_or(Unfit::TooFew)?;
        let scores = self.scores(&rows, &all, &columns);
        let divided = |order: &[usize]| -> Result<Vec<[f64; 3]>, Unfit> {
            let (one, other) = order.split_at(first);
            let (a, b) = (self.fit_to(&rows, one, scheme)?, self.fit_to(&rows, other, scheme)?);
            Ok((0..self.constructs.len()).map(|at| contrast(&all, &a, &b, &scores[at], (one, other), at)).collect())
        };
        let found = divided(&everybody)?;
        let mut chance = Draws::new(seed);
        let by_chance: Vec<Vec<[f64; 3]>> =
            (0..draws).filter_map(|_| divided(&chance.order(rows.len())).ok()).collect();
        let judge = |(at, own): (usize, &[f64; 3])| {
            let of = |which: usize, tails: f64| between(by_chance.iter().map(|it| it[at][which]).collect(), tails);
            Some(judged(*own, of(0, 2.0 * LEVEL)?.0, of(1, LEVEL)?, of(2, LEVEL)?))
        };
        found.iter().enumerate().map(judge).collect::<Option<_>>().ok_or(Unfit::TooFew)
    }

    /// Of each construct everybody's score, standardised.
    fn scores(&self, rows: &[Vec<f64>], fit: &Fit, columns: &Columns) -> Vec<Vec<f64>> {
        let score = |(it, weights): (&super::Construct, &Vec<f64>)| {
            let own = |row: &Vec<f64>| {
                let off = |at: usize| (row[at] - columns.means[at]) / columns.deviation(at);
                it.indicators.iter().zip(weights).map(|(at, w)| w * off(*at)).sum()
            };
            rows.iter().map(own).collect()
        };
        self.constructs.iter().zip(&fit.weights).map(score).collect()
    }
}

/// The correlation of the scores by the weights of either, the difference of the means, the logarithm of the ratio of variances.
fn contrast(all: &Fit, a: &Fit, b: &Fit, scores: &[f64], (one, other): (&[usize], &[usize]), at: usize) -> [f64; 3] {
    let places = &all.constructs[at].indicators;
    let product = |v: &[f64], w: &[f64]| -> f64 {
        let cell = |(i, x): (usize, &f64)| {
            places.iter().zip(w).map(|(j, y)| x * y * all.questions[places[i]][*j]).sum::<f64>()
        };
        v.iter().enumerate().map(cell).sum()
    };
    let (v, w) = (&a.weights[at], &b.weights[at]);
    let correlation = product(v, w) / (product(v, v) * product(w, w)).sqrt();
    let moments = |group: &[usize]| {
        let n = group.len() as f64;
        let mean = group.iter().map(|it| scores[*it]).sum::<f64>() / n;
        (mean, group.iter().map(|it| (scores[*it] - mean).powi(2)).sum::<f64>() / (n - 1.0))
    };
    let (one, other) = (moments(one), moments(other));
    [correlation, one.0 - other.0, (one.1 / other.1).ln()]
}

fn judged(
    [correlation, means, variances]: [f64; 3],
    least: f64,
    means_between: (f64, f64),
    variances_between: (f64, f64),
) -> Invariance {
    let inside = |it: f64, (low, high): (f64, f64)| low <= it && it <= high;
    // A single question is always made up alike; rounding must not say otherwise.
    let compositional = correlation >= least - 1e-12;
    let full = compositional && inside(means, means_between) && inside(variances, variances_between);
    Invariance { correlation, least, compositional, means, means_between, variances, variances_between, full }
}
