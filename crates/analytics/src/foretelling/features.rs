//! What is known of somebody at a moment, as numbers.
//!
//! Always holds: what happened, or was heard of, at the moment's day or later changes nothing; missing is NaN, never 0.

use rapport_models::buying::History;

use super::deeds::{Deed, Did};
use crate::value::WEEK;

/// How many features there are.
pub const MANY: usize = 31;
/// The place of the feature that a model of buying says.
pub(super) const ALIVE: usize = 23;
/// The place of the feature that subscriptions say, where a loss is the end of one.
pub(crate) const SUBSCRIBED: usize = 27;

/// The stable words of the features, and what they are.
pub const FEATURES: [(&str, &str); MANY] = [
    ("since", "days since the last purchase"),
    ("tenure", "days since the first purchase"),
    ("purchases", "days with purchases"),
    ("gap", "mean days between purchases"),
    ("lateness", "days since the last purchase, in own mean gaps"),
    ("regularity", "spread of the gaps between purchases, in mean gaps"),
    ("spend_mean", "mean amount of a purchase"),
    ("spend_last", "amount of the last purchase, in mean amounts"),
    ("purchases_90", "purchases in 90 days"),
    ("purchases_365", "purchases in 365 days"),
    ("spend_90", "spent in 90 days"),
    ("spend_365", "spent in 365 days"),
    ("purchases_trend", "purchases in 90 days, less those of the 90 before"),
    ("visits_30", "days with visits in 30 days"),
    ("visits_trend", "days with visits in 30 days, less those of the 30 before"),
    ("visits_since", "days since the last visit"),
    ("reduced", "share of purchases with a discount"),
    ("returns_365", "orders sent back or called off in 365 days"),
    ("complaints_180", "complaints in 180 days"),
    ("tickets_180", "requests for help in 180 days"),
    ("stars_last", "stars last given"),
    ("recommends_last", "last answer whether they would recommend us"),
    ("messages_90", "messages opened in 90 days"),
    ("alive", "probability that they are still there, by a model of buying"),
    ("own_since", "days since they last did what is foretold"),
    ("own_90", "times they did what is foretold in 90 days"),
    ("own_365", "times they did what is foretold in 365 days"),
    ("subscribed", "days since their subscription began"),
    ("satisfied_last", "last answer how satisfied they are"),
    ("eased_last", "last answer how easy it was"),
    ("sentiment_last", "how they felt in what they last wrote, -1 to 1"),
];

/// The place of a feature.
pub fn place(key: &str) -> Option<usize> {
    FEATURES.iter().position(|it| it.0 == key)
}

/// What is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The features; those of the model of buying and of subscriptions are NaN until there are any.
    pub values: [f64; MANY],
    /// The purchases in short; `None` of whoever has not bought.
    pub history: Option<History>,
    /// Days since the last purchase.
    pub since: Option<i32>,
    /// Days since anything was heard of them.
    pub seen: i32,
    /// What was spent in all.
    pub spent: f64,
}

impl Known {
    /// Of somebody before the day `moment`, by what had been heard of before the day `heard`; `None` where that is nothing. Deeds come in the order of days.
    pub fn at(deeds: &[Deed], moment: i32, heard: i32) -> Option<Self> {
        let known: Vec<&Deed> = deeds.iter().filter(|it| it.day < moment && it.heard < heard).collect();
        let seen = moment - known.last()?.day;
        let bought: Vec<&Deed> = known.iter().copied().filter(|it| it.did == Did::Bought).collect();
        let days = days(bought.iter().map(|it| it.day));
        let ends = days.first().copied().zip(days.last().copied());
        let ago = |many: i32| moment - many;
        // Days of this kind from so many days before the moment to so many.
        let on = |did: Did, from: i32, to: i32| {
            days_of(known.iter().filter(|it| it.did == did && it.day >= ago(from) && it.day < ago(to)))
        };
        let count = |of: &[Did], within: i32| {
            known.iter().filter(|it| of.contains(&it.did) && it.day >= ago(within)).count() as f64
        };
        let last_of = |did: Did| {
            known.iter().rev().find(|it| it.did == did && !it.amount.is_nan()).map_or(f64::NAN, |it| it.amount)
        };
        let spent = |within: i32| {
            let paid = bought.iter().filter(|it| it.day >= ago(within) && !it.amount.is_nan());
            paid.fold((0u32, 0.0), |(n, sum), it| (n + 1, sum + it.amount))
        };
        let (priced, all) = spent(i32::MAX / 2);
        let mean = if priced > 0 { all / f64::from(priced) } else { f64::NAN };
        let (gap, spread) = gaps(&days);
        let since = ends.map_or(f64::NAN, |it| f64::from(moment - it.1));
        let latest =
            |did: Did| known.iter().rev().find(|it| it.did == did).map_or(f64::NAN, |it| f64::from(moment - it.day));
        let reduced = bought.iter().filter(|it| it.reduced).count() as f64 / bought.len() as f64;
        let values = [
            since,
            ends.map_or(f64::NAN, |it| f64::from(moment - it.0)),
            days.len() as f64,
            gap,
            since / gap,
            spread,
            mean,
            last_of(Did::Bought) / mean,
            on(Did::Bought, 90, 0),
            on(Did::Bought, 365, 0),
            spent(90).1,
            spent(365).1,
            on(Did::Bought, 90, 0) - on(Did::Bought, 180, 90),
            on(Did::Visited, 30, 0),
            on(Did::Visited, 30, 0) - on(Did::Visited, 60, 30),
            latest(Did::Visited),
            reduced,
            count(&[Did::Refunded, Did::Cancelled], 365),
            count(&[Did::Complained], 180),
            count(&[Did::Asked], 180),
            last_of(Did::Rated),
            last_of(Did::Recommended),
            count(&[Did::Opened], 90),
            f64::NAN,
            latest(Did::Own),
            count(&[Did::Own], 90),
            count(&[Did::Own], 365),
            f64::NAN,
            last_of(Did::Satisfied),
            last_of(Did::Eased),
            last_of(Did::Felt),
        ];
        let weeks = |days: i32| f64::from(days) / WEEK;
        let history = ends.map(|(first, last)| History {
            frequency: u32::try_from(days.len() - 1).unwrap_or(u32::MAX),
            recency: weeks(last - first),
            age: weeks(moment - 1 - first),
        });
        let finite = |it: f64| if it.is_infinite() { f64::NAN } else { it };
        Some(Self { values: values.map(finite), history, since: ends.map(|it| moment - it.1), seen, spent: all })
    }
}

/// Different days in their order.
fn days(all: impl Iterator<Item = i32>) -> Vec<i32> {
    let mut days: Vec<i32> = all.collect();
    days.dedup();
    days
}

fn days_of<'a>(deeds: impl Iterator<Item = &'a &'a Deed>) -> f64 {
    days(deeds.map(|it| it.day)).len() as f64
}

/// The mean gap, and the spread of gaps by it; NaN with too few of them.
fn gaps(days: &[i32]) -> (f64, f64) {
    let gaps: Vec<f64> = days.windows(2).map(|pair| f64::from(pair[1] - pair[0])).collect();
    if gaps.is_empty() {
        return (f64::NAN, f64::NAN);
    }
    let n = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / n;
    let squares: f64 = gaps.iter().map(|it| (it - mean).powi(2)).sum();
    (mean, if gaps.len() > 1 { (squares / (n - 1.0)).sqrt() / mean } else { f64::NAN })
}
