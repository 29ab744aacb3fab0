//! Rows to learn from out of histories of events: at each of several moments what was known of every customer then, and what they did in the time that
//! followed.
//!
//! Always holds: a feature looks at events before its moment alone, a label at events from it on; the last moment's time has passed by the end of the data. Rows
//! of one customer carry the same group, so that none is learnt from and judged by.
//!
//! An event is a purchase, or whatever else customers do, in days, for 0 where no amount is known.
//!
//! Does not do: know when an event arrived; whoever gives events that came late gives the times at which they were known.

use super::table::{Feature, Table};
use crate::buying::Purchase;
use crate::fault::{Fault, none_of};

/// What is to be told beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// They do it again within the time.
    Again,
    /// They do not.
    Gone,
}

/// Which rows are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// What is told beforehand.
    pub label: Label,
    /// How many days are looked ahead.
    pub horizon: f64,
    /// Who has done nothing in so many days before a moment is no row of it: they are gone already.
    pub active: f64,
    /// The end of the data: what is later is not looked at.
    pub until: f64,
    /// How many moments there are at most, a horizon apart.
    pub most: usize,
}

/// Rows of several moments.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshots {
    /// The features.
    pub table: Table,
    /// What came true.
    pub labels: Vec<bool>,
    /// The customer of each row.
    pub customers: Vec<u32>,
    /// The moment of each row.
    pub moments: Vec<f64>,
}

/// The windows, in days, in which events are counted and amounts added up.
const WINDOWS: [f64; 3] = [30.0, 90.0, 365.0];

impl Snapshots {
    /// Of these events. Fails for values that are no numbers, and where no moment has both a past and a time that has passed since.
    pub fn of(events: &[Purchase], plan: &Plan) -> Result<Self, Fault> {
        none_of(events, |it| !(it.time.abs() < 1e9 && it.amount.abs() < 1e15), |row| Fault::NotFinite { row })?;
        if !(plan.horizon > 0.0 && plan.active > 0.0 && plan.until.is_finite() && plan.most > 0) {
            return Err(Fault::NotIdentified { why: "what a time of no days should mean" });
        }
        let first = events.iter().map(|it| it.time).fold(f64::INFINITY, f64::min);
        let moments: Vec<f64> = (1..=plan.most).rev().map(|it| plan.until - plan.horizon * it as f64).collect();
        // A moment with less than a horizon before it would know of hardly anybody.
        let moments: Vec<f64> = moments.into_iter().filter(|it| *it >= first + plan.horizon).collect();
        if moments.is_empty() {
            let have = ((plan.until - first).max(0.0) / plan.horizon).min(1e6) as usize;
            return Err(Fault::TooFew { what: "horizons that the events reach over", have, need: 2 });
        }
        let histories = histories(events);
        let (mut rows, mut found) = (Vec::new(), (Vec::new(), Vec::new(), Vec::new()));
        for moment in moments {
            for own in &histories {
                let Some(row) = known(own, moment, plan.active) else { continue };
                let again = own.iter().any(|it| it.time >= moment && it.time < moment + plan.horizon);
                rows.push(row);
                found.0.push(again == (plan.label == Label::Again));
                found.1.push(own[0].customer);
                found.2.push(moment);
            }
        }
        let (labels, customers, moments) = found;
        Ok(Self { table: table(&rows)?, labels, customers, moments })
    }

    /// The places of the rows of the last moment, and of those whose time had passed by then.
    pub fn last(&self) -> (Vec<usize>, Vec<usize>) {
        let last = self.moments.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (0..self.moments.len()).partition(|at| self.moments[*at] >= last)
    }
}

/// What is known now, before `moment`, of all who did anything in the `active` days before: their places and their features.
pub fn features(events: &[Purchase], moment: f64, active: f64) -> Result<(Vec<u32>, Table), Fault> {
    let histories = histories(events);
    let known = histories.iter().filter_map(|own| Some((own[0].customer, known(own, moment, active)?)));
    let (customers, rows): (Vec<u32>, Vec<Vec<f64>>) = known.unzip();
    Ok((customers, table(&rows)?))
}

/// The time within which nine of ten events follow the one before of the same customer; `None` where fewer than twenty do.
pub fn usual_gap(events: &[Purchase]) -> Option<f64> {
    let histories = histories(events);
    let gaps = histories.iter().flat_map(|own| own.windows(2).map(|pair| pair[1].time.floor() - pair[0].time.floor()));
    let mut gaps: Vec<f64> = gaps.filter(|it| *it > 0.0).collect();
    gaps.sort_unstable_by(f64::total_cmp);
    (gaps.len() >= 20).then(|| gaps[gaps.len() * 9 / 10])
}

/// The events of each customer in their order.
fn histories(events: &[Purchase]) -> Vec<Vec<Purchase>> {
    let mut sorted = events.to_vec();
    sorted.sort_by(|a, b| a.customer.cmp(&b.customer).then(a.time.total_cmp(&b.time)));
    sorted.chunk_by(|a, b| a.customer == b.customer).map(<[Purchase]>::to_vec).collect()
}

/// The features of one customer at a moment; `None` if they did nothing in the `active` days before it.
fn known(own: &[Purchase], moment: f64, active: f64) -> Option<Vec<f64>> {
    let before = &own[..own.partition_point(|it| it.time < moment)];
    let (first, last) = (before.first()?, before.last()?);
    let since = moment - last.time;
    if since > active {
        return None;
    }
    let n = before.len() as f64;
    // Events of one day are one visit.
    let days: Vec<f64> =
        before.chunk_by(|a, b| a.time.floor() == b.time.floor()).map(|it| it[0].time.floor()).collect();
    let visits = days.len() as f64;
    let gap = if visits > 1.0 { (days[days.len() - 1] - days[0]) / (visits - 1.0) } else { f64::NAN };
    let all: f64 = before.iter().map(|it| it.amount).sum();
    let mut row = vec![since, moment - first.time, visits, gap, since / gap, all, all / n, last.amount];
    for window in WINDOWS {
        let within = &before[before.partition_point(|it| it.time < moment - window)..];
        row.push(within.len() as f64);
        row.push(within.iter().map(|it| it.amount).sum());
    }
    let count = |from: f64, to: f64| {
        before.iter().filter(|it| it.time >= moment - from && it.time < moment - to).count() as f64
    };
    row.push(count(90.0, 0.0) - count(180.0, 90.0));
    Some(row)
}

/// What the columns of [`known`] are called.
const NAMES: [&str; 15] = [
    "days since the last",
    "days known",
    "days with events",
    "mean days between",
    "days since the last, in mean days between",
    "amount in all",
    "mean amount",
    "last amount",
    "events in 30 days",
    "amount in 30 days",
    "events in 90 days",
    "amount in 90 days",
    "events in 365 days",
    "amount in 365 days",
    "events in 90 days, less those of the 90 before",
];

/// A table of rows, without amounts where there are none.
fn table(rows: &[Vec<f64>]) -> Result<Table, Fault> {
    let column = |at: usize| rows.iter().map(|it| it[at]).collect::<Vec<f64>>();
    Table::new(NAMES.iter().enumerate().map(|(at, name)| Feature::numbers(*name, column(at))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bought(customer: u32, time: f64) -> Purchase {
        Purchase { customer, time, amount: 10.0 }
    }

    /// Customer 0 buys every ten days to the end, customer 1 stops at day 50.
    fn shop() -> Vec<Purchase> {
        let steady = (0..20).map(|it| bought(0, f64::from(it) * 10.0));
        steady.chain((0..6).map(|it| bought(1, f64::from(it) * 10.0))).collect()
    }

    #[test]
    fn features_look_back_and_labels_ahead() {
        let plan = Plan { label: Label::Gone, horizon: 30.0, active: 60.0, until: 200.0, most: 10 };
        let found = Snapshots::of(&shop(), &plan).unwrap();
        // Moments 50, 80, 110, 140 and 170; the second customer is a row of 50, 80 and 110 (60 days later), the first of all.
        assert_eq!(found.moments.iter().filter(|it| **it == 110.0).count(), 2);
        assert_eq!(found.labels.len(), 8);
        let second: Vec<(f64, bool)> =
            (0..8).filter(|at| found.customers[*at] == 1).map(|at| (found.moments[at], found.labels[at])).collect();
        assert_eq!(second, [(50.0, false), (80.0, true), (110.0, true)]);
        assert!((0..8).filter(|at| found.customers[*at] == 0).all(|at| !found.labels[at]));
        let (last, before) = found.last();
        assert_eq!((last.len(), before.len()), (1, 7));
        // What comes after a moment changes no feature of it.
        let (who, now) = features(&shop(), 80.0, 60.0).unwrap();
        let early: Vec<Purchase> = shop().into_iter().filter(|it| it.time < 80.0).collect();
        assert_eq!((who, now), features(&early, 80.0, 60.0).unwrap());
    }

    #[test]
    fn too_short_a_time_is_a_fault() {
        let plan = Plan { label: Label::Again, horizon: 150.0, active: 300.0, until: 200.0, most: 3 };
        let found = Snapshots::of(&shop(), &plan);
        assert!(matches!(found, Err(Fault::TooFew { .. })), "{found:?}");
        let odd = [Purchase { customer: 0, time: f64::NAN, amount: 1.0 }];
        assert!(matches!(Snapshots::of(&odd, &plan), Err(Fault::NotFinite { .. })));
        assert_eq!((usual_gap(&shop()), usual_gap(&shop()[..5])), (Some(10.0), None));
    }
}
