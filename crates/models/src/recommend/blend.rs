//! The mean of several models: where their mistakes differ, it is better than each of them.
//!
//! EASE and ALS both foretell 1 for what somebody takes and 0 for the rest, so their scores are of one measure and the mean needs no weights. Parts of scores are means as well.
//!
//! Does not do: put scores of different measures on one scale; popularity and neighbours do not belong into a mean.

use super::choice::Model;
use super::recommender::{Reason, Recommender};
use crate::fault::Fault;

/// Several models as one.
pub struct Blend {
    models: Vec<Model>,
}

impl Blend {
    /// The mean of these.
    ///
    /// # Errors
    /// No model, or models of different catalogues.
    pub fn of(models: Vec<Model>) -> Result<Self, Fault> {
        let Some(first) = models.first() else {
            return Err(Fault::TooFew { what: "models", have: 0, need: 1 });
        };
        let need = first.items();
        match models.iter().find(|it| it.items() != need) {
            Some(other) => Err(Fault::Shape { what: "items in a model", have: other.items(), need }),
            None => Ok(Self { models }),
        }
    }
}

impl std::fmt::Debug for Blend {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the mean of {} models", self.models.len())
    }
}

impl Recommender for Blend {
    fn items(&self) -> usize {
        self.models.first().map_or(0, |it| it.items())
    }

    fn scores(&self, history: &[(u32, f64)]) -> Vec<f64> {
        let share = 1.0 / self.models.len() as f64;
        let mut mean = vec![0.0; self.items()];
        for model in &self.models {
            mean.iter_mut().zip(model.scores(history)).for_each(|(it, score)| *it += share * score);
        }
        mean
    }

    fn parts(&self, history: &[(u32, f64)], of: &[u32]) -> Vec<Vec<Reason>> {
        let share = 1.0 / self.models.len() as f64;
        let mut means = vec![Vec::new(); of.len()];
        for model in &self.models {
            for (mean, parts) in means.iter_mut().zip(model.parts(history, of)) {
                parts.into_iter().for_each(|it| add(mean, Reason { part: share * it.part, ..it }));
            }
        }
        means
    }
}

/// Adds to the part of the same item.
fn add(parts: &mut Vec<Reason>, more: Reason) {
    match parts.iter_mut().find(|it| it.item == more.item) {
        Some(it) => it.part += more.part,
        None => parts.push(more),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Ease, EaseOptions, Filter, Histories, Interaction};
    use super::*;

    #[test]
    fn scores_and_reasons_are_means() {
        let row = |person, item| Interaction { person, item, weight: 1.0 };
        let data = Histories::of(&[row(0, 0), row(0, 1), row(1, 0), row(1, 1), row(2, 2)], 3, 3).unwrap();
        let ease = |penalty| Ease::fit(&data, &EaseOptions { penalty, ..EaseOptions::default() }).unwrap();
        let (one, two) = (ease(1.0), ease(5.0));
        let mean = (one.weight(0, 1) + two.weight(0, 1)) / 2.0;
        let blend = Blend::of(vec![Arc::new(one), Arc::new(two)]).unwrap();
        let offered = blend.recommend(&[(0, 1.0)], &Filter::best(3));
        assert!((offered[0].score - mean).abs() < 1e-12 && (offered[0].because[0].part - mean).abs() < 1e-12);
        assert!(matches!(Blend::of(Vec::new()), Err(Fault::TooFew { .. })));
        let other = Histories::of(&[row(0, 0)], 1, 1).unwrap();
        let models: Vec<Model> = vec![Arc::new(ease(1.0)), Arc::new(super::super::Popular::of(&other))];
        assert!(matches!(Blend::of(models), Err(Fault::Shape { have: 1, need: 3, .. })));
    }
}
