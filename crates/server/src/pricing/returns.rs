//! What goes back of an order takes its part of its cart's offers back: discounts, points, room in budgets, codes.
//!
//! Always holds: it follows how the order stands ([`orders::standing`]), so that refunds may come before the cart is redeemed, in parts, twice, or together with others; what was
//! taken back once stays so.
//!
//! Does not: know which lines an amount was refunded for. Each line goes back in proportion, unless the programme says that returns are told line by line.

use anyhow::Result;
use rapport_domain::shop_events::{ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_UPDATED};
use rapport_domain::{Event, Timestamp, WorkspaceId};
use rapport_loyalty::offers::{Cart, Returns};
use rapport_loyalty::records::checkouts::{self, Checkout, State};
use rapport_loyalty::records::programs::Programs;
use rapport_profiles::Applied;
use rapport_profiles::orders::{OrderChange, Status, change};
use rapport_profiles::records::{identifiers, orders};
use rapport_store::Tx;

use super::Customer;
use crate::installation::Installation;

/// Events that say how an order stands.
const TOLD: [&str; 4] = [ORDER_COMPLETED, ORDER_UPDATED, ORDER_REFUNDED, ORDER_CANCELLED];

/// Takes back what belongs to the parts of orders that a batch says went back.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<()> {
    let programs = installation.programs.get(tx, workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(()) };
    let told = events.iter().zip(&applied.events).filter(|(event, _)| TOLD.contains(&event.name.as_str()));
    let changed = told.filter_map(|(event, it)| change(event, it.occurred_at, latest.program.currency));
    let mut order_ids: Vec<String> = changed
        .map(|change| match change {
            OrderChange::Placed { order_id, .. }
            | OrderChange::Refunded { order_id, .. }
            | OrderChange::Cancelled { order_id, .. } => order_id,
        })
        .collect();
    order_ids.sort_unstable();
    order_ids.dedup();
    if order_ids.is_empty() || checkouts::of_orders(tx, workspace, &order_ids).await?.is_empty() {
        return Ok(());
    }
    let now = installation.clock.now();
    checkouts::begin(tx, workspace, &latest.program.calendar()?, now).await?;
    // Read again: until now somebody else may have changed them.
    for checkout in checkouts::of_orders(tx, workspace, &order_ids).await? {
        follow(tx, workspace, &programs, &checkout, now).await?;
    }
    Ok(())
}

/// Takes back what belongs to the part of a checkout's order that went back so far; says how it stands then. Whoever calls holds the workspace's head.
///
/// # Errors
/// As [`hear`].
pub async fn follow(
    tx: &mut Tx,
    workspace: WorkspaceId,
    programs: &Programs,
    checkout: &Checkout,
    now: Timestamp,
) -> Result<Checkout, rapport_loyalty::Error> {
    let is_open = matches!(checkout.state, State::Redeemed | State::PartlyReturned);
    let program = programs.at(checkout.priced_at).filter(|program| program.offers.returns == Returns::Orders);
    let (true, Some(program), Some(order_id)) = (is_open, program, &checkout.order_id) else {
        return Ok(checkout.clone());
    };
    let standing = orders::standing(tx, workspace, std::slice::from_ref(order_id)).await?;
    let Some((_, revenue, back, status)) = standing.into_iter().next() else { return Ok(checkout.clone()) };
    let is_whole = status == Status::Cancelled.as_str() || (status == Status::Refunded.as_str() && revenue <= 0);
    let (back, revenue) = if is_whole { (1, 1) } else { (back, revenue) };
    let returned = part(&checkout.priced(), &checkout.returned, back, revenue);
    let is_more = returned.iter().enumerate().any(|(at, part)| *part > checkout.returned.get(at).copied().unwrap_or(0));
    if !is_more {
        return Ok(checkout.clone());
    }
    let rows = identifiers::by_handles(tx, workspace, &[checkout.handle]).await?;
    let customer = Customer::of(tx, workspace, rows.first().map(|row| row.person)).await?;
    checkouts::give_back(tx, workspace, checkout, &returned, (program, customer.member, customer.person), now).await
}

/// How much of each line went back when `back` of `revenue` did, in millionths of a unit, rounded down; never less than `before`.
fn part(cart: &Cart, before: &[i64], back: i64, revenue: i64) -> Vec<i64> {
    let of_line = |(at, quantity): (usize, i64)| {
        let part = i128::from(quantity) * i128::from(back.max(0)) / i128::from(revenue.max(1));
        let part = i64::try_from(part).unwrap_or(quantity).min(quantity);
        let part = if revenue > 0 { part } else { 0 };
        part.max(before.get(at).copied().unwrap_or(0))
    };
    cart.lines.iter().map(|line| line.item.quantity).enumerate().map(of_line).collect()
}
