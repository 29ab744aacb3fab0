//! What people bought, day by day, and what that is at any day: how often, when last, for how much.
//!
//! Always holds: a day of a person is one purchase; days are those of the workspace's calendar, as numbers from 1970 on; what lies at or after an end counts for
//! nothing before it.

use std::collections::BTreeSet;

use jiff::civil::Date;
use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_models::buying::History;
use rapport_profiles::records::orders;
use rapport_profiles::records::persons::{self, Filter};

use super::WEEK;
use crate::analytics::{Analytics, Context};
use crate::error::Result;

/// So many people are read together.
const PEOPLE: i64 = 20_000;
/// Older orders than these are not looked at: a wrong date must not make people old.
const YEARS: i64 = 15;

/// A day on which somebody bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970.
    pub day: i32,
    /// What was spent in the workspace's currency, in millionths; `None` where all was in others.
    pub micros: Option<i64>,
}

/// Somebody who bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// Who.
    pub person: PersonId,
    /// The days on which they did, ascending; at least one.
    pub days: Vec<Day>,
}

/// What somebody did before a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// In weeks.
    pub history: History,
    /// The day of the first purchase.
    pub first: i32,
    /// The day of the last.
    pub last: i32,
    /// How many purchases after the first have an amount in the workspace's currency.
    pub priced: u32,
    /// The mean amount of those.
    pub again: f64,
    /// The mean amount of all with one; 0 without any.
    pub mean: f64,
    /// What they spent in all.
    pub spent: f64,
}

/// The purchases of everybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bought {
    /// Who bought, by person.
    pub buyers: Vec<Buyer>,
    /// Orders that were read.
    pub orders: u64,
    /// Those of them in another currency.
    pub foreign: u64,
    /// People who bought and are not looked at, as their data are restricted.
    pub restricted: u64,
}

/// What is usual among all.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Usual {
    /// The median of everybody's own mean gap between purchases, in days; 0 where nobody bought twice.
    pub gap_days: f64,
    /// The mean amount of a purchase.
    pub spend: f64,
}

/// The day of an instant.
pub fn day_of(at: Timestamp, calendar: &Calendar) -> i32 {
    i32::try_from(calendar.date(at).duration_since(EPOCH).as_hours() / 24).unwrap_or(i32::MAX)
}

/// The date of a day.
pub fn date_of(day: i32) -> String {
    EPOCH
        .checked_add(jiff::SignedDuration::from_hours(24 * i64::from(day)))
        .map_or_else(|_| String::new(), |it| it.to_string())
}

const EPOCH: Date = Date::constant(1970, 1, 1);

impl Buyer {
    /// What they did before a day; `None` where they did not buy yet.
    pub fn known(&self, end: i32) -> Option<Known> {
        let days = &self.days[..self.days.partition_point(|it| it.day < end)];
        let (first, last) = (days.first()?.day, days.last()?.day);
        let weeks = |days: i32| f64::from(days) / WEEK;
        let history = History {
            frequency: u32::try_from(days.len() - 1).unwrap_or(u32::MAX),
            recency: weeks(last - first),
            age: weeks(end - 1 - first),
        };
        let paid = |days: &[Day]| {
            let amounts = days.iter().filter_map(|it| it.micros);
            amounts.fold((0u32, 0.0), |(n, sum), it| (n + 1, sum + it as f64 / 1e6))
        };
        let (all, spent) = paid(days);
        let (priced, later) = paid(&days[1..]);
        let mean = |n: u32, sum: f64| if n > 0 { sum / f64::from(n) } else { 0.0 };
        Some(Known { history, first, last, priced, again: mean(priced, later), mean: mean(all, spent), spent })
    }

    /// How often they bought from one day to before another, and what they spent then.
    pub fn later(&self, from: i32, to: i32) -> (u32, f64) {
        let of = |day: i32| self.days.partition_point(|it| it.day < day);
        let days = &self.days[of(from)..of(to).max(of(from))];
        let spent: i64 = days.iter().filter_map(|it| it.micros).sum();
        (u32::try_from(days.len()).unwrap_or(u32::MAX), spent as f64 / 1e6)
    }
}

impl Bought {
    /// Of orders by person and time: (who, when, what was paid, if it was in the workspace's currency). One pass.
    pub fn of(
        orders: impl Iterator<Item = (PersonId, Timestamp, Option<i64>)>,
        calendar: &Calendar,
        restricted: &BTreeSet<PersonId>,
    ) -> Self {
        let mut found = Self::default();
        let mut left_out: Option<PersonId> = None;
        for (person, at, micros) in orders {
            if restricted.contains(&person) {
                found.restricted += u64::from(left_out != Some(person));
                left_out = Some(person);
                continue;
            }
            found.orders += 1;
            found.foreign += u64::from(micros.is_none());
            let day = day_of(at, calendar);
            if found.buyers.last().is_none_or(|it| it.person != person) {
                found.buyers.push(Buyer { person, days: Vec::new() });
            }
            let Some(buyer) = found.buyers.last_mut() else { continue };
            match buyer.days.last_mut().filter(|it| it.day == day) {
                Some(same) => {
                    same.micros = match (same.micros, micros) {
                        (Some(a), Some(b)) => Some(a.saturating_add(b)),
                        (a, b) => a.or(b),
                    }
                }
                None => buyer.days.push(Day { day, micros }),
            }
        }
        found
    }

    /// The first day on which anybody bought.
    pub fn first_day(&self) -> Option<i32> {
        self.buyers.iter().filter_map(|it| it.days.first()).map(|it| it.day).min()
    }

    fn take(&mut self, more: Self) {
        self.buyers.extend(more.buyers);
        self.orders += more.orders;
        self.foreign += more.foreign;
        self.restricted += more.restricted;
    }

    /// What is usual among all before a day.
    pub fn usual(&self, end: i32) -> Usual {
        let known: Vec<Known> = self.buyers.iter().filter_map(|it| it.known(end)).collect();
        let again = known.iter().filter(|it| it.history.frequency > 0);
        let mut gaps: Vec<f64> = again.map(|it| WEEK * it.history.recency / f64::from(it.history.frequency)).collect();
        gaps.sort_by(f64::total_cmp);
        let days = self.buyers.iter().flat_map(|it| &it.days).filter(|it| it.day < end);
        let (n, sum) =
            days.filter_map(|it| it.micros).fold((0.0, 0.0), |(n, sum), it| (n + 1.0, sum + it as f64 / 1e6));
        Usual { gap_days: gaps.get(gaps.len() / 2).copied().unwrap_or(0.0), spend: if n > 0.0 { sum / n } else { 0.0 } }
    }
}

impl Analytics {
    /// What everybody bought until the present of the data, but those whose data are restricted.
    ///
    /// # Errors
    /// The store's.
    pub async fn bought(
        &self,
        workspace: WorkspaceId,
        context: &Context,
        restricted: &BTreeSet<PersonId>,
    ) -> Result<Bought> {
        let until = context.complete_until();
        let earliest = until.plus(-YEARS * 366 * Timestamp::DAY);
        let db = &mut self.store.read();
        let mut all = Bought::default();
        for range in persons::ranges(persons::count(db, workspace, &Filter::default()).await? / PEOPLE + 1) {
            let rows = orders::bought(db, workspace, range, context.currency.as_str(), until).await?;
            let rows = rows.into_iter().filter(|it| it.1 >= earliest);
            all.take(Bought::of(rows, &context.calendar, restricted));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_domain::WeekStart;
    use rapport_models::buying::{Purchase, Summary};

    use super::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(zone, WeekStart::Monday).unwrap()
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let late = Timestamp(i64::from(20_000) * Timestamp::DAY + 23 * Timestamp::HOUR);
        assert_eq!((day_of(late, &calendar("UTC")), day_of(late, &calendar("Europe/Berlin"))), (20_000, 20_001));
        assert_eq!(
            (date_of(0), date_of(20_000), date_of(-1)),
            ("1970-01-01".into(), "2024-10-04".into(), "1969-12-31".into())
        );
    }

    #[test]
    fn one_day_is_one_purchase_and_foreign_money_is_no_amount() {
        let at = |day: i64, hour: i64| Timestamp(day * Timestamp::DAY + hour * Timestamp::HOUR);
        let orders = [
            (PersonId(1), at(10, 3), Some(5_000_000)),
            (PersonId(1), at(10, 9), None),
            (PersonId(1), at(24, 1), None),
            (PersonId(1), at(31, 1), Some(7_000_000)),
            (PersonId(2), at(12, 0), Some(1)),
            (PersonId(2), at(13, 0), Some(1)),
            (PersonId(3), at(12, 0), Some(2_000_000)),
        ];
        let found = Bought::of(orders.into_iter(), &calendar("UTC"), &BTreeSet::from([PersonId(2)]));
        assert_eq!((found.orders, found.foreign, found.restricted, found.buyers.len()), (5, 2, 1, 2));
        let known = found.buyers[0].known(46).unwrap();
        assert_eq!(known.history, History { frequency: 2, recency: 3.0, age: 5.0 });
        assert_eq!((known.priced, known.again, known.mean, known.spent), (1, 7.0, 6.0, 12.0));
        assert_eq!(found.buyers[0].known(10), None);
        assert_eq!(found.buyers[0].later(24, 31), (1, 0.0));
        assert_eq!(found.buyers[0].later(24, 32), (2, 7.0));
        assert_eq!(found.buyers[0].later(40, 32), (0, 0.0));
        assert_eq!(found.usual(46), Usual { gap_days: 10.5, spend: 14.0 / 3.0 });
    }

    proptest! {
        /// Oracle: the summaries that the mathematics makes itself, of the same purchases at the same end.
        #[test]
        fn what_is_known_is_the_summary_of_the_mathematics(
            mut raw in prop::collection::vec((0u32..6, 0i64..400, 1i64..1_000), 1..60), end in 1i32..420,
        ) {
            raw.sort();
            let orders = raw.iter().map(|(who, hours, cents)| {
                (PersonId(i64::from(*who)), Timestamp(*hours * 6 * Timestamp::HOUR), Some(*cents * 10_000))
            });
            let found = Bought::of(orders, &calendar("UTC"), &BTreeSet::new());
            let purchases: Vec<Purchase> = raw.iter().map(|(who, hours, cents)| Purchase {
                customer: *who, time: *hours as f64 / 4.0, amount: *cents as f64 / 100.0,
            }).collect();
            let summaries = Summary::of(&purchases, 1.0, WEEK, f64::from(end)).unwrap();
            for buyer in &found.buyers {
                let own = summaries[usize::try_from(buyer.person.0).unwrap()];
                let known = buyer.known(end);
                prop_assert_eq!(known.map(|it| it.history), own.map(|it| it.history));
                if let (Some(known), Some(own)) = (known, own) {
                    prop_assert!((known.again - own.again).abs() < 1e-9 && (known.mean - own.mean).abs() < 1e-9);
                }
            }
        }
    }
}
