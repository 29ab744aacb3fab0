//! After how long hardly anybody still buys again, and who has waited so long by now.
//!
//! Always holds: whoever is counted is marked, so that each number leads to its people; their last purchase is that of the orders as they stand now.
//!
//! Does not do: say that somebody is lost. That is a definition; this is what was seen.

use rapport_domain::PersonId;
use rapport_domain::shop_events::ORDER_COMPLETED;
use rapport_models::estimate::TAILS;
use rapport_models::survival::KaplanMeier;
use rapport_segments::{Condition, Limits};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::LEAST_PEOPLE;
use super::waits::{Wait, later};
use crate::scores::Sure;
use crate::value::Bought;

/// Marks whoever has waited so long that hardly anybody still buys again.
pub const LAPSED: &str = "lapsed";
/// Marks whoever will soon have waited so long, unless they buy.
pub const LAPSING: &str = "lapsing";

/// Fewer than this share are hardly anybody.
const HARDLY: f64 = 0.1;
/// Within so many days is soon.
const SOON: i32 = 28;

/// After how long hardly anybody still buys again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnLapse)]
pub struct Lapse {
    /// From so many days after a purchase on, as far as it was watched, of those who had not bought again fewer than one in ten did within the horizon.
    pub days: u32,
    /// The share that did, of those who had not by that day.
    pub share: Sure,
    /// How many of these could be watched for the horizon.
    pub people: u64,
    /// The horizon in weeks.
    pub horizon_weeks: u32,
    /// How many people bought last so many days ago, or longer.
    pub lapsed: u64,
    /// Within so many days others will have waited so long, unless they buy.
    pub soon_days: u32,
    /// How many these are.
    pub lapsing: u64,
    /// The condition of a segment of whoever has waited so long, by completed orders; null where none can say it.
    #[schema(value_type = Option<Object>)]
    pub lapsed_condition: Option<Value>,
    /// The same of those who soon will have.
    #[schema(value_type = Option<Object>)]
    pub lapsing_condition: Option<Value>,
}

impl Lapse {
    /// Of waits and their curve; nobody is counted yet.
    pub(super) fn of(waits: &[Wait], curve: &KaplanMeier, horizon: i32) -> Option<Self> {
        let days = day(waits, curve, horizon)?;
        let (share, people) = later(waits, days, horizon)?;
        let order = format!("\"{ORDER_COMPLETED}\"");
        let within = |days: i32| format!("performed {order} in the last {days} days");
        // No condition looks back by no days.
        let lapsed = if days > 0 {
            format!("performed {order} and never {}", within(days))
        } else {
            format!("performed {order}")
        };
        let lapsing =
            if days > SOON { format!("{} and never {}", within(days), within(days - SOON)) } else { within(days) };
        Some(Self {
            days: days.unsigned_abs(),
            share,
            people: people as u64,
            horizon_weeks: (horizon / 7).unsigned_abs(),
            lapsed: 0,
            soon_days: SOON.unsigned_abs(),
            lapsing: 0,
            lapsed_condition: condition(&lapsed),
            lapsing_condition: if days > 0 { condition(&lapsing) } else { None },
        })
    }

    /// Counts these people; their marks, in their order.
    pub(super) fn marks(&mut self, bought: &Bought, people: &[PersonId], end: i32) -> Vec<Option<&'static str>> {
        let ago = |person: &PersonId| {
            let at = bought.buyers.binary_search_by_key(person, |it| it.person).ok()?;
            let last = bought.buyers[at].days.iter().rev().find(|it| it.day < end)?;
            Some(end - 1 - last.day)
        };
        let days = self.days.cast_signed();
        let mark = |ago: i32| match ago {
            it if it >= days => Some(LAPSED),
            it if it >= days - SOON => Some(LAPSING),
            _ => None,
        };
        let marks: Vec<Option<&'static str>> = people.iter().map(|it| ago(it).and_then(mark)).collect();
        let count = |mark: &'static str| marks.iter().filter(|it| **it == Some(mark)).count() as u64;
        (self.lapsed, self.lapsing) = (count(LAPSED), count(LAPSING));
        marks
    }
}

/// The first day from which on, as far as it was watched, fewer than one in ten still did within the horizon: a lull before they do is none.
fn day(waits: &[Wait], curve: &KaplanMeier, horizon: i32) -> Option<i32> {
    // With each day fewer, so that what is known ends once.
    let people = |day: i32| waits.iter().filter(|it| it.days > day && it.watched >= day + horizon).count();
    let last = waits.iter().map(|it| it.watched).max()? - horizon;
    let days: Vec<i32> = (0..=last).collect();
    let known = &days[..days.partition_point(|it| people(*it) >= LEAST_PEOPLE)];
    let left = |day: i32| curve.at(f64::from(day), TAILS).map(|it| it.value);
    let is_hardly = |day: i32| left(day).zip(left(day + horizon)).is_some_and(|(now, then)| 1.0 - then / now < HARDLY);
    let few = known.iter().rev().take_while(|it| is_hardly(**it)).count();
    known.get(known.len() - few).copied()
}

fn condition(text: &str) -> Option<Value> {
    Condition::from_text(text, Limits::DEFAULT).ok().map(|it| it.to_json())
}
