//! From raw purchases to the three numbers of each customer, and what they spent.
//!
//! Always holds: purchases of one customer within one unit of time count as one, with their amounts added; purchases at or after the end count for
//! nothing before it. What was returned or cancelled is for the caller to take off.

use super::{Histories, History, Spending};
use crate::Fault;
use crate::fault::none_of;

/// A purchase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Purchase {
    /// The place of who bought.
    pub customer: u32,
    /// When, in any unit of time.
    pub time: f64,
    /// For how much.
    pub amount: f64,
}

/// What a customer did until some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How often, when last, and how long known, in the unit asked for.
    pub history: History,
    /// The amount of their first purchase.
    pub first: f64,
    /// The mean amount of their purchases after the first; 0 without any.
    pub again: f64,
    /// The mean amount of all.
    pub mean: f64,
}

impl Summary {
    /// Of each customer, by place, who bought before `until`. Purchases within the same `unit` of time are one; times are then told in spans of `span`:
    /// with days, a unit of 1 and a span of 7 merges by day and tells weeks.
    pub fn of(purchases: &[Purchase], unit: f64, span: f64, until: f64) -> Result<Vec<Option<Self>>, Fault> {
        if !(unit > 0.0 && span > 0.0 && (until / unit).abs() < 1e15 && (unit / span).is_finite()) {
            return Err(Fault::NotIdentified { why: "what a unit of time is" });
        }
        let strange = |it: &Purchase| !((it.time / unit).abs() < 1e15 && it.amount.abs() < 1e90);
        none_of(purchases, strange, |row| Fault::NotFinite { row })?;
        let customers = purchases.iter().map(|it| it.customer as usize + 1).max().unwrap_or(0);
        if customers > 16 * purchases.len() + 1_000_000 {
            return Err(Fault::Shape { what: "places of customers", have: customers, need: purchases.len() });
        }
        let end = (until / unit).floor() as i64;
        let mut days: Vec<(u32, i64, f64)> =
            purchases.iter().map(|it| (it.customer, (it.time / unit).floor() as i64, it.amount)).collect();
        days.retain(|it| it.1 < end);
        days.sort_unstable_by_key(|it| (it.0, it.1));
        let mut found = vec![None; customers];
        for own in days.chunk_by(|a, b| a.0 == b.0) {
            let (first, last) = (own[0].1, own[own.len() - 1].1);
            let frequency = own.chunk_by(|a, b| a.1 == b.1).count() as u32 - 1;
            let all: f64 = own.iter().map(|it| it.2).sum();
            let at_first: f64 = own.iter().take_while(|it| it.1 == first).map(|it| it.2).sum();
            let told = |units: i64| units as f64 * unit / span;
            // The end of the last whole unit before the end, from the first purchase on.
            let age = told(end - 1 - first);
            let again = if frequency > 0 { (all - at_first) / f64::from(frequency) } else { 0.0 };
            let history = History { frequency, recency: told(last - first), age };
            let mean = all / f64::from(frequency + 1);
            found[own[0].0 as usize] = Some(Self { history, first: at_first, again, mean });
        }
        Ok(found)
    }

    /// What those spent who bought again and paid something.
    pub fn spending(summaries: &[Self]) -> Vec<Spending> {
        let paid = summaries.iter().filter(|it| it.history.frequency > 0 && it.again > 0.0);
        paid.map(|it| Spending { purchases: f64::from(it.history.frequency), mean: it.again, weight: 1.0 }).collect()
    }

    /// Their histories.
    pub fn histories(summaries: &[Self]) -> Result<Histories, Fault> {
        Histories::new(&summaries.iter().map(|it| it.history).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purchases_of_one_day_are_one() {
        let buy = |customer, time, amount| Purchase { customer, time, amount };
        let all = [
            buy(1, 9.5, 4.0),
            buy(0, 3.2, 10.0),
            buy(1, 2.0, 5.0),
            buy(0, 3.9, 2.0),
            buy(1, 16.0, 8.0),
            buy(3, 50.0, 1.0),
        ];
        let found = Summary::of(&all, 1.0, 7.0, 31.0).unwrap();
        let history = History { frequency: 2, recency: 2.0, age: 4.0 };
        assert_eq!(found[1], Some(Summary { history, first: 5.0, again: 6.0, mean: 17.0 / 3.0 }));
        assert_eq!(found[0].map(|it| (it.history.frequency, it.mean)), Some((0, 12.0)));
        assert_eq!((found.len(), found[2], found[3]), (4, None, None));
        assert_eq!(Summary::spending(&[found[0].unwrap(), found[1].unwrap()]).len(), 1);
        assert_eq!(Summary::of(&[buy(0, f64::NAN, 1.0)], 1.0, 1.0, 9.0), Err(Fault::NotFinite { row: vec![0] }));
        assert!(Summary::of(&[buy(u32::MAX, 0.0, 1.0)], 1.0, 1.0, 9.0).is_err());
        assert!(Summary::of(&all, 0.0, 1.0, 9.0).is_err());
    }
}
