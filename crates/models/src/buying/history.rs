//! What customers did, as three numbers each, checked and counted.

use crate::Fault;
use crate::fault::none_of;

/// What one customer did, in any unit of time that is the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct History {
    /// How often they bought again after the first time (x).
    pub frequency: u32,
    /// When they did so last, from their first purchase on (t_x); 0 for those who never did.
    pub recency: f64,
    /// How long they are known, from their first purchase on (T).
    pub age: f64,
}

/// Customers with the same history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// How often they bought again.
    pub x: f64,
    /// When last.
    pub t_x: f64,
    /// How long they are known.
    pub t: f64,
    /// How many they are.
    pub weight: f64,
}

/// The histories of many customers, those that are the same counted once, in the order of frequency.
#[derive(Clone, Debug, PartialEq)]
pub struct Histories {
    groups: Vec<Group>,
    customers: usize,
    repeaters: usize,
}

impl Histories {
    /// Of these, a customer each.
    ///
    /// Faults are times that are not finite, below zero or above 10⁹⁰, a last purchase after the end, one without a repeated purchase, and a repeated
    /// purchase at the time of the first (purchases of one unit of time count once).
    pub fn new(histories: &[History]) -> Result<Self, Fault> {
        none_of(histories, |it| !(it.recency.abs() < 1e90 && it.age.abs() < 1e90), |row| Fault::NotFinite { row })?;
        none_of(histories, |it| it.recency < 0.0 || it.age < 0.0, |row| Fault::Negative { row })?;
        let disordered = |it: &History| it.recency > it.age || (it.frequency == 0) != (it.recency == 0.0);
        none_of(histories, disordered, |row| Fault::OutOfOrder { row })?;
        let mut keys: Vec<(u32, u64, u64)> =
            histories.iter().map(|it| (it.frequency, (it.recency + 0.0).to_bits(), (it.age + 0.0).to_bits())).collect();
        // Bits of positive numbers are in the order of the numbers.
        keys.sort_unstable();
        let groups = keys.chunk_by(|a, b| a == b).map(|same| Group {
            x: f64::from(same[0].0),
            t_x: f64::from_bits(same[0].1),
            t: f64::from_bits(same[0].2),
            weight: same.len() as f64,
        });
        let repeaters = histories.iter().filter(|it| it.frequency > 0).count();
        Ok(Self { groups: groups.collect(), customers: histories.len(), repeaters })
    }

    /// Those that are the same, together.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How many customers there are.
    pub fn customers(&self) -> usize {
        self.customers
    }

    /// How many bought again.
    pub fn repeaters(&self) -> usize {
        self.repeaters
    }

    /// Enough to fit a model of buying: ten customers who bought again, and one who did not or whose purchases stopped before the end.
    pub(super) fn enough(&self) -> Result<(), Fault> {
        if self.repeaters < 10 {
            return Err(Fault::TooFew { what: "customers who bought again", have: self.repeaters, need: 10 });
        }
        if self.groups.len() < 5 {
            return Err(Fault::TooFew { what: "different histories", have: self.groups.len(), need: 5 });
        }
        Ok(())
    }

    /// The mean length of time known, and of the frequency.
    pub(super) fn means(&self) -> (f64, f64) {
        let n = self.customers as f64;
        let mean = |of: fn(&Group) -> f64| self.groups.iter().map(|it| of(it) * it.weight / n).sum::<f64>();
        (mean(|it| it.t), mean(|it| it.x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(frequency: u32, recency: f64, age: f64) -> History {
        History { frequency, recency, age }
    }

    #[test]
    fn the_same_is_counted_once_and_what_is_wrong_is_named() {
        let found = Histories::new(&[history(2, 3.0, 9.0), history(0, 0.0, 5.0), history(2, 3.0, 9.0)]).unwrap();
        let wanted = [Group { x: 0.0, t_x: 0.0, t: 5.0, weight: 1.0 }, Group { x: 2.0, t_x: 3.0, t: 9.0, weight: 2.0 }];
        assert_eq!((found.groups(), found.customers(), found.repeaters()), (&wanted[..], 3, 2));
        let fault = |it: History| Histories::new(&[history(0, 0.0, 5.0), it]).unwrap_err();
        assert_eq!(fault(history(1, f64::NAN, 3.0)), Fault::NotFinite { row: vec![1] });
        assert_eq!(fault(history(1, 1.0, 1e99)), Fault::NotFinite { row: vec![1] });
        assert_eq!(fault(history(1, -1.0, 3.0)), Fault::Negative { row: vec![1] });
        assert_eq!(fault(history(1, 4.0, 3.0)), Fault::OutOfOrder { row: vec![1] });
        assert_eq!(fault(history(0, 1.0, 3.0)), Fault::OutOfOrder { row: vec![1] });
        assert_eq!(fault(history(2, 0.0, 3.0)), Fault::OutOfOrder { row: vec![1] });
        assert!(Histories::new(&[]).unwrap().enough().is_err());
    }
}
