//! What is known of everybody who bought: what they did within a window, and the facts that an index is made of; now, and a month ago, and the one before.
//!
//! Always holds: whoever must not be used is not among them; a value is of what had happened before its day; what was called off or went back whole was not bought.

use std::collections::{BTreeSet, HashMap};

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_models::Estimate;
use rapport_models::estimate::TAILS;
use rapport_models::experiments::Moments;
use rapport_models::survey::loyalty::Index;
use rapport_profiles::records::facts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::definition::{self, BUILT, Built, Definition, FACT};
use crate::analytics::{Analytics, Context};
use crate::error::Result;
use crate::foretelling::{Deed, Did, Heard};
use crate::scores::Sure;
use crate::value::{Buyer, date_of, day_of};

/// Visits and openings are counted within so many days: habits of longer ago are none.
const LATELY: i32 = 90;
/// So many months back it is looked.
const MONTHS: i32 = 12;
/// Days of a month.
const MONTH: i32 = 30;
/// With fewer people nothing is said of a month.
const LEAST_PEOPLE: u64 = 30;

/// Somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Who.
    pub person: PersonId,
    /// What is known, in the order of [`People::keys`]; NaN is not known.
    pub values: Vec<f64>,
}

/// How it was on a day of the past, by the definition of today.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyPast)]
pub struct Past {
    /// The day.
    pub day: String,
    /// How many people had an index.
    pub people: u64,
    /// Its mean.
    pub mean: Sure,
    /// By what people said.
    pub said: Option<Sure>,
    /// By what people did.
    pub done: Option<Sure>,
}

/// Everybody who bought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct People {
    /// The words of what is known, those that are built in first.
    pub keys: Vec<String>,
    /// Them, by person.
    pub rows: Vec<Person>,
    /// How it was, the oldest first.
    pub past: Vec<Past>,
    /// The first day of anybody's purchases.
    pub from: i32,
    /// The first day that is not known.
    pub end: i32,
    /// How many purchases were looked at.
    pub purchases: u64,
    /// People who bought and may not be looked at: their data are restricted, or they refused.
    pub left_out: u64,
}

/// Adds the value of one more person, if they have one.
fn add(sums: &mut Moments, value: Option<f64>) {
    if let Some(value) = value {
        *sums = sums.merged(Moments { n: 1, sum: value, squares: value * value });
    }
}

/// The mean with the interval of the normal; `None` of too few people.
fn sure(sums: Moments) -> Option<Sure> {
    let arm = sums.arm().ok().filter(|it| it.n() >= LEAST_PEOPLE)?;
    Some(Estimate::around(arm.mean(), (arm.variance() / arm.n() as f64).sqrt(), TAILS).into())
}

/// What somebody did within so many days before a day, in the order of [`Built::ALL`]; `None` where they had not bought. Deeds come in the order of days.
fn values(buyer: &Buyer, deeds: &[Deed], day: i32, window: i32) -> Option<[f64; BUILT]> {
    let bought = &buyer.days[..buyer.days.partition_point(|it| it.day < day)];
    let (first, last) = (bought.first()?.day, bought.last()?.day);
    let since = |many: i32, did: &'static [Did]| {
        deeds.iter().filter(move |it| it.day < day && it.day >= day - many && did.contains(&it.did))
    };
    let count = |many: i32, did: &'static [Did]| since(many, did).count() as f64;
    let mut visited: Vec<i32> = since(LATELY, &[Did::Visited]).map(|it| it.day).collect();
    visited.dedup();
    let (mut given, mut stars) = (0.0, 0.0);
    for it in since(window, &[Did::Rated]).filter(|it| !it.amount.is_nan()) {
        given += 1.0;
        stars += it.amount;
    }
    let orders = count(window, &[Did::Bought]);
    let back = count(window, &[Did::Refunded, Did::Cancelled]);
    let lately = || bought.iter().filter(|it| it.day >= day - window);
    let of = |built: Built| match built {
        Built::Stars => stars / given,
        Built::Returns => (back / orders).min(1.0),
        Built::Complaints => count(window, &[Did::Complained]),
        Built::Requests => count(window, &[Did::Asked]),
        Built::Visits => visited.len() as f64,
        Built::Opened => count(LATELY, &[Did::Opened]),
        Built::Reviews => count(window, &[Did::Rated]),
        Built::Referrals => count(window, &[Did::Referred]),
        Built::Purchases => lately().count() as f64,
        Built::Recency => f64::from(day - 1 - last),
        Built::Tenure => f64::from(day - 1 - first),
        Built::Spent => lately().filter_map(|it| it.micros).map(|it| it as f64 / 1e6).sum(),
    };
    // Nothing given, or nothing ordered, is not known.
    let known = |it: f64| if it.is_finite() { it } else { f64::NAN };
    Some(Built::ALL.map(|it| known(of(it))))
}

/// Facts by person, one value for each of some days.
type Facts = HashMap<PersonId, Vec<f64>>;

/// How it was on some days, added up over people.
struct Looking<'a> {
    index: Index,
    places: Vec<Option<usize>>,
    days: &'a [i32],
    rows: Vec<Vec<Vec<Option<f64>>>>,
    sums: Vec<[Moments; 3]>,
}

impl<'a> Looking<'a> {
    fn new(definition: &Definition, keys: &[String], days: &'a [i32]) -> Self {
        let many = days.len();
        let (index, places) = (definition.index(), definition.places(keys));
        Self { index, places, days, rows: vec![Vec::new(); many], sums: vec![[Moments::default(); 3]; many] }
    }

    /// Adds up those that were gathered. An index that cannot be is of nobody.
    fn settle(&mut self) {
        for (rows, sums) in self.rows.iter_mut().zip(&mut self.sums) {
            for it in self.index.persons(&std::mem::take(rows)).unwrap_or_default() {
                let has = it.index.is_some();
                add(&mut sums[0], it.index);
                add(&mut sums[1], it.said.filter(|_| has));
                add(&mut sums[2], it.done.filter(|_| has));
            }
        }
    }

    fn past(&self) -> Vec<Past> {
        let one = |(day, sums): (&i32, &[Moments; 3])| {
            let [all, said, done] = sums.map(sure);
            Some(Past { day: date_of(day - 1), people: sums[0].n, mean: all?, said, done })
        };
        self.days.iter().zip(&self.sums).filter_map(one).collect()
    }
}

impl Analytics {
    /// Everybody who bought, but those who may not be used, with what they did within so many days and these facts; and how it was, by a definition.
    ///
    /// # Errors
    /// The lake's and the store's.
    pub async fn loyalty_people(
        &self,
        workspace: WorkspaceId,
        context: &Context,
        without: &BTreeSet<PersonId>,
        (keys, window_days): (&[String], u32),
        past: Option<&Definition>,
    ) -> Result<People> {
        let until = context.complete_until();
        let end = day_of(until, &context.calendar) + 1;
        let window = i32::try_from(window_days).unwrap_or(i32::MAX);
        let bought = self.bought(workspace, context, without).await?;
        let first = bought.first_day().unwrap_or(end);
        // A month before which nobody had bought says nothing. The present is the last.
        let months = if past.is_some() { MONTHS } else { 0 };
        let days: Vec<i32> =
            (0..=months).rev().map(|it| end - it * MONTH).filter(|it| *it == end || *it > first).collect();
        let mut told: Vec<Facts> = Vec::new();
        for key in keys {
            told.push(self.numbers(workspace, key, (until, end), &days).await?);
        }
        let names = Built::ALL.map(|it| it.as_str().to_owned()).into_iter();
        let keys: Vec<String> = names.chain(keys.iter().map(|it| format!("{FACT}{it}"))).collect();
        let mut looking = past.map(|it| Looking::new(it, &keys, &days));
        let mut rows = Vec::new();
        for range in self.ranges(workspace).await? {
            let deeds = self.deeds(workspace, context, (&Heard::default(), None), range, until).await?;
            let from = bought.buyers.partition_point(|it| it.person < range.0);
            let to = bought.buyers.partition_point(|it| it.person <= range.1);
            for buyer in &bought.buyers[from..to] {
                let own = deeds.get(&buyer.person).map_or(&[][..], Vec::as_slice);
                let fact = |at: usize| told.iter().map(move |it| it.get(&buyer.person).map_or(f64::NAN, |it| it[at]));
                for (at, day) in days.iter().enumerate() {
                    let Some(built) = values(buyer, own, *day, window) else { continue };
                    let values: Vec<f64> = built.into_iter().chain(fact(at)).collect();
                    if let Some(looking) = &mut looking {
                        looking.rows[at].push(definition::row(&looking.places, &values));
                    }
                    if *day == end {
                        rows.push(Person { person: buyer.person, values });
                    }
                }
            }
            if let Some(looking) = &mut looking {
                looking.settle();
            }
        }
        Ok(People {
            keys,
            rows,
            past: looking.map(|it| it.past()).unwrap_or_default(),
            from: first,
            end,
            purchases: bought.buyers.iter().map(|it| it.days.len() as u64).sum(),
            left_out: bought.restricted,
        })
    }

    /// A fact as numbers, as it stood before each of some days; what is no number is not known.
    async fn numbers(
        &self,
        workspace: WorkspaceId,
        key: &str,
        (until, end): (Timestamp, i32),
        days: &[i32],
    ) -> Result<Facts> {
        let mut found = Facts::new();
        for (at, day) in days.iter().enumerate() {
            let then = until.plus(-i64::from(end - day) * Timestamp::DAY);
            let told = facts::current_by_person(&mut self.store.read(), workspace, &[key.to_owned()], then).await?;
            for (person, _, value) in told {
                if let Some(value) = number(&value) {
                    found.entry(person).or_insert_with(|| vec![f64::NAN; days.len()])[at] = value;
                }
            }
        }
        Ok(found)
    }

    /// Facts of now as numbers, by person, in the order of the keys.
    ///
    /// # Errors
    /// The store's.
    pub async fn numeric_facts(
        &self,
        workspace: WorkspaceId,
        keys: &[String],
        now: Timestamp,
    ) -> Result<HashMap<PersonId, Vec<f64>>> {
        let mut found: HashMap<PersonId, Vec<f64>> = HashMap::new();
        let told = facts::current_by_person(&mut self.store.read(), workspace, keys, now).await?;
        for (person, key, value) in told {
            let at = keys.iter().position(|it| *it == key);
            if let (Some(at), Some(value)) = (at, number(&value)) {
                found.entry(person).or_insert_with(|| vec![f64::NAN; keys.len()])[at] = value;
            }
        }
        Ok(found)
    }
}

/// A fact's value as a number; also one that is written as a text, as files bring it.
pub(crate) fn number(json: &str) -> Option<f64> {
    let value = match serde_json::from_str(json) {
        Ok(serde_json::Value::Number(it)) => it.as_f64(),
        Ok(serde_json::Value::String(it)) => it.trim().parse().ok(),
        _ => None,
    };
    value.filter(|it: &f64| it.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Day;

    fn deed(day: i32, did: Did, amount: f64) -> Deed {
        Deed { day, heard: day, did, amount, reduced: false, stands: true, reason: None }
    }

    #[test]
    fn what_somebody_did_is_counted_within_the_window_and_before_the_day() {
        let bought = |day: i32| Day { day, micros: Some(20_000_000) };
        let buyer = Buyer { person: PersonId(1), days: vec![bought(10), bought(300), bought(380), bought(401)] };
        let nan = f64::NAN;
        let deeds = [
            deed(10, Did::Bought, 20.0),
            deed(20, Did::Rated, 1.0),
            deed(300, Did::Bought, 20.0),
            deed(300, Did::Visited, nan),
            deed(350, Did::Visited, nan),
            deed(350, Did::Visited, nan),
            deed(360, Did::Rated, 4.0),
            deed(361, Did::Rated, 5.0),
            deed(370, Did::Complained, nan),
            deed(380, Did::Bought, 20.0),
            deed(385, Did::Refunded, nan),
            deed(390, Did::Referred, nan),
            deed(399, Did::Opened, nan),
            deed(400, Did::Opened, nan),
            deed(401, Did::Asked, nan),
        ];
        let found = values(&buyer, &deeds, 401, 365).unwrap();
        let of = |built: Built| found[Built::ALL.iter().position(|it| *it == built).unwrap()];
        let told =
            [Built::Stars, Built::Returns, Built::Complaints, Built::Requests, Built::Visits, Built::Opened].map(of);
        assert_eq!(told, [4.5, 0.5, 1.0, 0.0, 1.0, 2.0]);
        let told =
            [Built::Reviews, Built::Referrals, Built::Purchases, Built::Recency, Built::Tenure, Built::Spent].map(of);
        assert_eq!(told, [2.0, 1.0, 2.0, 20.0, 390.0, 40.0]);
        assert_eq!(values(&buyer, &deeds, 10, 365), None, "not yet");
        let early = values(&buyer, &deeds, 11, 365).unwrap();
        assert!(early[0].is_nan(), "no stars yet");
        assert_eq!(early[1], 0.0);
    }

    #[test]
    fn a_fact_is_a_number_or_not_known() {
        assert_eq!(
            [r"9", r#""8.5""#, r#""often""#, "null", "true", r#""inf""#].map(number),
            [Some(9.0), Some(8.5), None, None, None, None]
        );
    }
}
