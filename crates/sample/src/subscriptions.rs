//! The coffee box: a monthly subscription of a few per cent of the buyers, with a trial, renewals, upgrades and an end.
//!
//! Always holds: a subscription starts after its trial, renews every 30 days until it is cancelled, and costs one plan's price at a time.

use rapport_domain::{
    Timestamp,
    shop_events::{SUBSCRIPTION_CANCELLED, SUBSCRIPTION_RENEWED, SUBSCRIPTION_STARTED},
};
use serde_json::{Map, Value};

use crate::{
    chance::Dice,
    message::{euros, map},
    recorder::Recorder,
};

/// Plans with their monthly price in cents.
const PLANS: [(&str, i64); 2] = [("Coffee box small", 1_490), ("Coffee box large", 2_490)];

/// Length of a trial and of a month of the subscription.
const TRIAL: i64 = 14 * Timestamp::DAY;
const MONTH: i64 = 30 * Timestamp::DAY;

/// A subscription's months from a trial begun at `from`; returns the monthly price in cents that runs at the end, if any.
pub(crate) fn run(
    dice: &mut Dice,
    recorder: &mut Recorder,
    id: &str,
    from: Timestamp,
    happiness: f64,
    end: Timestamp,
) -> Option<i64> {
    let mut plan = usize::from(dice.happens(0.25));
    recorder.reported(from, "Trial Started", fields(id, plan));
    let mut at = from.plus(TRIAL);
    if at > end {
        return None;
    }
    if dice.happens(0.32) {
        recorder.reported(at.plus(-Timestamp::HOUR), SUBSCRIPTION_CANCELLED, cancelled(id, plan, "trial ended"));
        return None;
    }
    recorder.reported(at, SUBSCRIPTION_STARTED, fields(id, plan));
    let leaving = (0.07 - 0.02 * happiness).clamp(0.02, 0.2);
    loop {
        if dice.happens(leaving) {
            let left_at = at.plus(dice.between(Timestamp::DAY, MONTH - Timestamp::DAY));
            if left_at > end {
                return Some(PLANS[plan].1);
            }
            let reason = *dice.pick(&["too much coffee", "too expensive", "moving away", "no reason given"]);
            recorder.reported(left_at, SUBSCRIPTION_CANCELLED, cancelled(id, plan, reason));
            return None;
        }
        if plan == 0 && dice.happens(0.04) {
            let changed_at = at.plus(dice.between(Timestamp::DAY, MONTH - Timestamp::DAY));
            if changed_at <= end {
                plan = 1;
                let mut properties = fields(id, plan);
                properties.insert("previous_plan".to_owned(), Value::from(PLANS[0].0));
                recorder.reported(changed_at, "Subscription Upgraded", properties);
            }
        }
        at = at.plus(MONTH);
        if at > end {
            return Some(PLANS[plan].1);
        }
        if dice.happens(0.03) {
            recorder.reported(at.plus(-Timestamp::DAY), "Payment Failed", fields(id, plan));
        }
        recorder.reported(at, SUBSCRIPTION_RENEWED, fields(id, plan));
    }
}

fn fields(id: &str, plan: usize) -> Map<String, Value> {
    let (name, cents) = PLANS[plan];
    map([
        ("subscription_id", Value::from(id)),
        ("plan", Value::from(name)),
        ("price", euros(cents)),
        ("mrr", euros(cents)),
        ("currency", Value::from("EUR")),
        ("interval", Value::from("month")),
    ])
}

fn cancelled(id: &str, plan: usize, reason: &str) -> Map<String, Value> {
    let mut properties = fields(id, plan);
    properties.insert("reason".to_owned(), Value::from(reason));
    properties
}
