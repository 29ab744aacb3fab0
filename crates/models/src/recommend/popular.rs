//! What many buy, the newer purchases counting more.

use super::faded;
use super::histories::Histories;
use super::recommender::{Reason, Recommender};

/// The same for everybody: what to offer to whom nothing is known of. With a half-life the newer counts more ([`popularity`]), without it all counts alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Popular {
    scores: Vec<f64>,
}

impl Popular {
    /// By scores that were made, one an item; what is no number above zero is none.
    pub fn by(scores: Vec<f64>) -> Self {
        Self { scores: scores.into_iter().map(|it| if it.is_finite() { it.max(0.0) } else { 0.0 }).collect() }
    }

    /// By how many persons each item has.
    pub fn of(histories: &Histories) -> Self {
        Self { scores: histories.audience().into_iter().map(f64::from).collect() }
    }
}

impl Recommender for Popular {
    fn items(&self) -> usize {
        self.scores.len()
    }

    fn scores(&self, _: &[(u32, f64)]) -> Vec<f64> {
        self.scores.clone()
    }

    fn parts(&self, _: &[(u32, f64)], of: &[u32]) -> Vec<Vec<Reason>> {
        vec![Vec::new(); of.len()]
    }
}

/// An item in an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bought {
    /// Which item.
    pub item: u32,
    /// How long ago, in the unit of the half-life.
    pub age: f64,
}

/// The score of each of `items` items: its orders, each faded by its age. An item counts once an order, however many pieces; the caller sees to that.
pub fn popularity(bought: impl IntoIterator<Item = Bought>, items: usize, half_life: f64) -> Vec<f64> {
    let mut scores = vec![0.0; items];
    // Fractions are added up in the order of their age, so that the sum does not depend on the order in which they came.
    let mut bought: Vec<Bought> = bought.into_iter().collect();
    bought.sort_unstable_by(|a, b| b.age.total_cmp(&a.age));
    for it in bought {
        if let Some(score) = scores.get_mut(it.item as usize) {
            *score += faded(it.age, half_life);
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::super::{Filter, Interaction, Neighbours, Weighting};
    use super::*;

    #[test]
    fn two_old_orders_are_worth_one_new_one() {
        let bought = [(0, 7.0), (0, 7.0), (1, 0.0), (2, 70.0), (9, 0.0)].map(|(item, age)| Bought { item, age });
        let scores = popularity(bought, 4, 7.0);
        assert_eq!(scores, [1.0, 1.0, 1.0 / 1024.0, 0.0]);
        let offered = Popular::by(scores).recommend(&[(1, 1.0)], &Filter::best(9));
        assert_eq!(
            offered.iter().map(|it| it.item).collect::<Vec<_>>(),
            [0, 2],
            "their own is not offered, nor what nobody buys"
        );
        assert_eq!(Popular::by(vec![f64::NAN, -1.0, 2.0]).recommend(&[], &Filter::best(9)).len(), 1);
    }

    /// Who has no history is offered what is popular, and who has one gets what fits first.
    #[test]
    fn popularity_fills_up() {
        let row = |person, item| Interaction { person, item, weight: 1.0 };
        let data = Histories::of(
            &[row(0, 0), row(0, 1), row(1, 0), row(1, 1), row(2, 2), row(3, 2), row(4, 2), row(4, 3)],
            5,
            4,
        )
        .unwrap();
        let near = Neighbours::of(data.interactions().filter(|it| it.item != 3).collect(), 4, 9, Weighting::Plain);
        let popular = Popular::of(&data);
        let offered = |own: &[(u32, f64)]| -> Vec<u32> {
            near.recommend_or(&popular, own, &Filter::best(3)).iter().map(|it| it.item).collect()
        };
        assert_eq!(offered(&[]), [2, 0, 1]);
        assert_eq!(offered(&[(0, 1.0)]), [1, 2, 3]);
    }
}
