//! After the order: cancelled, delivered in time or late, sent back.
//!
//! Always holds: an order is cancelled or delivered, never both; a refund follows a delivery and never exceeds what was paid. A
//! carrier's strike some weeks before the end makes many deliveries late: planted, so that tickets and survey answers have a reason.

use rapport_domain::{
    Timestamp,
    shop_events::{ORDER_CANCELLED, ORDER_REFUNDED},
};
use serde_json::Value;

use crate::{
    catalogue::Catalogue,
    chance::Dice,
    message::{euros, map},
    orders::Order,
    recorder::Recorder,
};

/// The strike: orders placed between so many days before the end are mostly late.
const STRIKE: std::ops::RangeInclusive<i64> = 34..=46;

/// What became of an order; instants may lie after the end, and then have not happened yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fulfilment {
    pub(crate) cancelled: bool,
    pub(crate) delivered_at: Option<Timestamp>,
    pub(crate) late: bool,
    /// Cents given back by the end.
    pub(crate) refunded: i64,
}

/// Decides what becomes of an order and tells it.
pub(crate) fn fulfil(
    dice: &mut Dice,
    recorder: &mut Recorder,
    catalogue: &Catalogue,
    order: &Order,
    at: Timestamp,
    end: Timestamp,
) -> Fulfilment {
    let order_id = || Value::from(order.id.as_str());
    if dice.happens(0.015) {
        let cancelled_at = at.plus(dice.between(20 * Timestamp::MINUTE, 8 * Timestamp::HOUR));
        recorder.reported(
            cancelled_at,
            ORDER_CANCELLED,
            map([
                ("order_id", order_id()),
                ("total", euros(order.total())),
                ("revenue", euros(order.revenue())),
                ("currency", Value::from("EUR")),
                ("products", order.product_list(catalogue)),
            ]),
        );
        return Fulfilment { cancelled: cancelled_at <= end, ..Fulfilment::default() };
    }
    let days_ago = (end.0 - at.0) / Timestamp::DAY;
    let late = dice.happens(if STRIKE.contains(&days_ago) { 0.55 } else { 0.06 });
    let days = if late { dice.range(7.0, 13.0) } else { dice.range(1.6, 4.5) };
    let delivered_at = at.plus((days * Timestamp::DAY as f64) as i64);
    recorder.reported(
        delivered_at,
        "Order Delivered",
        map([
            ("order_id", order_id()),
            ("late", Value::from(late)),
            ("days", Value::from((days * 10.0).round() / 10.0)),
        ]),
    );
    let refunded = send_back(dice, recorder, catalogue, order, delivered_at, end);
    Fulfilment { cancelled: false, delivered_at: Some(delivered_at), late, refunded }
}

/// Some lines, or the whole order, go back; returns the cents refunded by the end.
fn send_back(
    dice: &mut Dice,
    recorder: &mut Recorder,
    catalogue: &Catalogue,
    order: &Order,
    delivered_at: Timestamp,
    end: Timestamp,
) -> i64 {
    let worn = order.lines.iter().any(|(product, _)| catalogue.products()[*product].category == "Clothing");
    if !dice.happens(if worn { 0.13 } else { 0.03 }) {
        return 0;
    }
    let (product, quantity) = order.lines[0];
    let price = catalogue.products()[product].price_cents * quantity;
    let whole = order.lines.len() == 1 || dice.happens(0.35);
    let paid = order.products - order.discount;
    let cents = if whole { order.total() } else { price * paid / order.products };
    let products = if whole {
        order.product_list(catalogue)
    } else {
        Value::Array(vec![Value::Object(catalogue.products()[product].properties(quantity))])
    };
    let at = delivered_at.plus(dice.between(2 * Timestamp::DAY, 18 * Timestamp::DAY));
    recorder.reported(
        at,
        ORDER_REFUNDED,
        map([
            ("order_id", Value::from(order.id.as_str())),
            ("total", euros(cents)),
            ("currency", Value::from("EUR")),
            ("products", products),
        ]),
    );
    if at <= end { cents } else { 0 }
}
