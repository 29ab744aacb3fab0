//! One tree grown, question by question: at each node the one whose sides' effects are most standard errors apart.

use super::{Node, Tree, TreeOptions};
use crate::learn::boosting::bins::{Binned, Binning};
use crate::resampling::Draws;
use crate::uplift::comparison::Comparison;

/// Of each arm: rows, weight, weight × outcome, weight × outcome².
#[derive(Clone, Copy, Default)]
struct Sums([[f64; 4]; 2]);

impl Sums {
    fn add(&mut self, other: &Self) {
        for (own, it) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *own += it;
        }
    }

    fn less(&self, other: &Self) -> Self {
        let mut left = *self;
        for (own, it) in left.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *own -= it;
        }
        left
    }

    /// The rows of the smaller arm.
    fn fewest(&self) -> f64 {
        self.0[0][0].min(self.0[1][0])
    }

    /// Effect and its squared standard error.
    fn effect(&self) -> (f64, f64) {
        let arm = |it: &[f64; 4]| {
            let mean = it[2] / it[1];
            (mean, (it[3] / it[1] - mean * mean).max(0.0) / it[0])
        };
        let (none, one) = (arm(&self.0[0]), arm(&self.0[1]));
        (one.0 - none.0, one.1 + none.1)
    }
}

/// What trees are grown from.
pub(super) struct Grower<'a> {
    binned: &'a Binned,
    binnings: &'a [Binning],
    comparison: &'a Comparison,
    options: &'a TreeOptions,
}

/// A question and how many squared standard errors it parts effects.
struct Best {
    apart: f64,
    feature: usize,
    left: Vec<bool>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(
        binned: &'a Binned,
        binnings: &'a [Binning],
        comparison: &'a Comparison,
        options: &'a TreeOptions,
    ) -> Self {
        Self { binned, binnings, comparison, options }
    }

    /// A tree whose effects are not yet told.
    pub(super) fn tree(&mut self, places: Vec<usize>, draws: &mut Draws) -> Tree {
        let mut nodes = vec![Node { effect: 0.0, question: None }];
        let mut waiting = vec![(0, 0, places)];
        while let Some((at, depth, places)) = waiting.pop() {
            if depth >= self.options.depth {
                continue;
            }
            let Some(best) = self.best(&places, draws) else { continue };
            let goes_left = |it: &usize| best.left[self.binned.row(*it)[best.feature] as usize];
            let (left, right): (Vec<usize>, Vec<usize>) = places.into_iter().partition(goes_left);
            let children = [nodes.len(), nodes.len() + 1];
            nodes.extend([Node { effect: 0.0, question: None }, Node { effect: 0.0, question: None }]);
            nodes[at].question = Some((best.feature, best.left, children));
            waiting.push((children[0], depth + 1, left));
            waiting.push((children[1], depth + 1, right));
        }
        Tree { nodes }
    }

    fn best(&self, places: &[usize], draws: &mut Draws) -> Option<Best> {
        let width = self.binned.width;
        let tried = ((width as f64 * self.options.feature_share).ceil() as usize).clamp(1, width);
        let features = if tried == width { (0..width).collect() } else { draws.order(width)[..tried].to_vec() };
        let mut best: Option<Best> = None;
        for feature in features {
            let found = self.question(feature, places);
            if let Some(it) = found
                && best.as_ref().is_none_or(|own| it.apart > own.apart)
            {
                best = Some(it);
            }
        }
        best.filter(|it| it.apart >= self.options.least_apart.powi(2))
    }

    /// The best question about a feature. Bins of categories are put in the order of their effects first.
    fn question(&self, feature: usize, places: &[usize]) -> Option<Best> {
        let binning = &self.binnings[feature];
        let mut sums = vec![Sums::default(); binning.count()];
        let mut all = Sums::default();
        for at in places {
            let (weight, value) = (self.comparison.weights()[*at], self.comparison.response().value(*at));
            let own = &mut sums[self.binned.row(*at)[feature] as usize].0[usize::from(self.comparison.treated()[*at])];
            let more = [1.0, weight, weight * value, weight * value * value];
            own.iter_mut().zip(more).for_each(|(own, it)| *own += it);
        }
        sums.iter().for_each(|it| all.add(it));
        let mut order: Vec<usize> = (1..sums.len()).filter(|it| sums[*it].0[0][0] + sums[*it].0[1][0] > 0.0).collect();
        if binning.is_categorical() {
            // What has too few rows is drawn to the effect of all.
            let whole = all.effect().0;
            let drawn = |it: &usize| {
                let (effect, rows) = (sums[*it].effect().0, sums[*it].fewest());
                if rows > 0.0 {
                    whole + (effect - whole) * rows / (rows + self.options.least_rows as f64)
                } else {
                    whole
                }
            };
            order.sort_by(|a, b| drawn(a).total_cmp(&drawn(b)));
        }
        let missing = sums[0].0[0][0] + sums[0].0[1][0] > 0.0;
        let mut best: Option<(f64, usize, bool)> = None;
        for missing_left in if missing { &[false, true][..] } else { &[false][..] } {
            let mut left = if *missing_left { sums[0] } else { Sums::default() };
            for (place, bin) in order.iter().enumerate() {
                left.add(&sums[*bin]);
                let right = all.less(&left);
                if left.fewest().min(right.fewest()) < self.options.least_rows as f64 {
                    continue;
                }
                let (a, b) = (left.effect(), right.effect());
                let apart = (a.0 - b.0).powi(2) / (a.1 + b.1);
                if apart.is_finite() && best.is_none_or(|it| apart > it.0) {
                    best = Some((apart, place, *missing_left));
                }
            }
        }
        let (apart, place, missing_left) = best?;
        let mut left = vec![false; 256];
        left[0] = missing_left;
        order[..=place].iter().for_each(|it| left[*it] = true);
        if !binning.is_categorical() {
            // Bins without rows here go where their neighbours go.
            (1..=order[place]).for_each(|it| left[it] = true);
        }
        Some(Best { apart, feature, left })
    }
}
