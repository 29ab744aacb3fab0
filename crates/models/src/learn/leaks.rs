//! What one feature says by itself: the plainest sign that it came about after the label.

use super::boosting::bins_of;
use super::folds::Folds;
use super::metrics::auc;
use super::table::Feature;

/// The AUC of a feature alone: each held row is given the share of positives of its bin, or its category, among the rows of the other folds. What is
/// missing is a bin of its own, as whether a value is there can give away as much.
pub(crate) fn alone(feature: &Feature, labels: &[bool], folds: &Folds) -> f64 {
    let bins = bins_of(feature);
    let mut scores = vec![0.0; labels.len()];
    for (kept, held) in folds.splits() {
        let mut counts = vec![(0.0, 0.0); 256];
        for at in &kept {
            let count: &mut (f64, f64) = &mut counts[bins[*at] as usize];
            *count = (count.0 + 1.0, count.1 + f64::from(u8::from(labels[*at])));
        }
        let rate = counts.iter().map(|it| it.1).sum::<f64>() / kept.len() as f64;
        // A rare bin says little more than all do.
        held.into_iter().for_each(|at| {
            let (rows, hits) = counts[bins[at] as usize];
            scores[at] = (hits + 5.0 * rate) / (rows + 5.0);
        });
    }
    auc(&scores, labels).value
}
