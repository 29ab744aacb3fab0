//! What many buy, the newer purchases counting more.

use super::faded;

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
    use super::*;

    #[test]
    fn two_old_orders_are_worth_one_new_one() {
        let bought = [(0, 7.0), (0, 7.0), (1, 0.0), (2, 70.0), (9, 0.0)].map(|(item, age)| Bought { item, age });
        let scores = popularity(bought, 4, 7.0);
        assert_eq!(scores, [1.0, 1.0, 1.0 / 1024.0, 0.0]);
    }
}
