//! What people did, told again in the order in which it was heard.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use rapport_domain::shop_events::{ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_UPDATED};
use rapport_domain::{Currency, PersonId, Timestamp, WorkspaceId};
use rapport_lake::EventRow;
use rapport_loyalty::earning::{Amounts, Happened};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::simulation::replay::Replay;
use rapport_profiles::orders::{OrderChange, change_of};
use rapport_segments::EventView;

use super::plan::Side;
use crate::api::timeline::unflatten;
use crate::earning::{occasion_of_event, occasion_of_order};
use crate::installation::Installation;
use crate::knowing::Known;

/// So many events of one person are told again at most, the newest.
const EVENTS_MOST: usize = 20_000;

/// Somebody whose events are told again.
#[derive(Clone, Copy, Debug)]
pub struct Somebody {
    /// Who.
    pub person: PersonId,
    /// Their member's number.
    pub member: MemberId,
    /// Since when they are a member, where only then they earned anything.
    pub since: Option<Timestamp>,
}

/// An event that is told again.
struct Told {
    whose: Somebody,
    row: EventRow,
    occasion: Option<String>,
    order: Option<OrderChange>,
    amounts: Amounts,
}

/// The events of some people, in the order in which they were heard.
#[derive(Default)]
pub struct Story(Vec<Told>);

/// How an order stands, as told so far.
#[derive(Default)]
struct Standing {
    /// What it brought; `None` before it was told.
    revenue: Option<i64>,
    back: i64,
    is_refunded: bool,
    is_cancelled: bool,
}

impl Story {
    /// Reads what somebody did, as far as one of the sides looks at it: what happened in the time, and what became of its orders since.
    pub async fn read(
        &mut self,
        installation: &Installation,
        workspace: WorkspaceId,
        whose: Somebody,
        (from, until): (Timestamp, Timestamp),
        (names, currency): (&BTreeSet<&str>, Currency),
    ) -> Result<()> {
        let orders = [ORDER_COMPLETED, ORDER_UPDATED, ORDER_REFUNDED, ORDER_CANCELLED];
        let rows = installation.lake.person_events(workspace, whose.person, Some(from), None, EVENTS_MOST).await?;
        let mut told: Vec<Told> = Vec::new();
        for row in rows {
            if !names.contains(row.name.as_str()) && !orders.contains(&row.name.as_str()) {
                continue;
            }
            let properties = unflatten(row.properties());
            let order = change_of((&row.name, row.event_id), &properties, row.occurred_at, currency);
            let is_placed = matches!(order, Some(OrderChange::Placed { .. }));
            let name = if is_placed { ORDER_COMPLETED } else { row.name.as_str() };
            let occasion = names.contains(name).then(|| match &order {
                Some(OrderChange::Placed { order_id, .. }) => occasion_of_order(order_id),
                _ => occasion_of_event(&row.event_id),
            });
            let amounts = Amounts::read(&properties);
            told.push(Told { whose, row, occasion, order, amounts });
        }
        told.sort_by_key(|it| (it.row.received_at, it.row.occurred_at, it.row.order_key, it.row.event_id));
        // What is told again later belongs to when it is told last.
        let last: HashMap<String, Timestamp> =
            told.iter().filter_map(|it| Some((it.occasion.clone()?, it.row.occurred_at))).collect();
        for it in &mut told {
            let at = it.occasion.as_ref().and_then(|occasion| last.get(occasion));
            if at.is_some_and(|at| !(from..until).contains(at)) {
                it.occasion = None;
            }
        }
        self.0.append(&mut told);
        Ok(())
    }

    /// Puts what several people did in one order.
    pub fn in_order(&mut self) {
        self.0.sort_by_key(|it| (it.row.received_at, it.row.occurred_at, it.row.order_key, it.row.event_id));
    }

    /// Tells it under the rules of one side.
    pub fn tell(&self, side: Side<'_>, known: &Known, replay: &mut Replay<'_>) {
        let mut standing: BTreeMap<&str, Standing> = BTreeMap::new();
        let mut placed: BTreeSet<&str> = BTreeSet::new();
        for it in &self.0 {
            let (at, heard_at, member) = (it.row.occurred_at, it.row.received_at, it.whose.member);
            let counts = it.whose.since.is_none_or(|since| heard_at >= since);
            if let (Some(occasion), true, Some((program, rules))) = (&it.occasion, counts, side.at(at)) {
                let (name, kind, reference) = match &it.order {
                    Some(OrderChange::Placed { order_id, .. }) => (ORDER_COMPLETED, "order", order_id.as_str()),
                    _ => (it.row.name.as_str(), "event", it.row.name.as_str()),
                };
                let happened = Happened { occasion, member, at, kind, reference };
                let view = EventView::new(name, at, it.row.properties());
                known.with(it.whose.person, view, |subject| {
                    replay.earned(&happened, (program, &rules), (subject, &it.amounts), heard_at);
                });
                if let Some(OrderChange::Placed { order_id, .. }) = &it.order {
                    placed.insert(order_id);
                }
            }
            let Some(order) = &it.order else { continue };
            let (order_id, stands) = match order {
                OrderChange::Placed { order_id, revenue, .. } => {
                    let stands = standing.entry(order_id).or_default();
                    stands.revenue = Some(revenue.micros);
                    (order_id, stands)
                }
                OrderChange::Refunded { order_id, amount, .. } => {
                    let stands = standing.entry(order_id).or_default();
                    stands.is_refunded = true;
                    stands.back += amount.map_or(stands.revenue.unwrap_or(0), |amount| amount.micros);
                    (order_id, stands)
                }
                OrderChange::Cancelled { order_id, .. } => {
                    let stands = standing.entry(order_id).or_default();
                    // What is called off before it was told is told as if nothing had been said.
                    stands.is_cancelled |= stands.revenue.is_some();
                    (order_id, stands)
                }
            };
            let (Some(revenue), true) = (stands.revenue, placed.contains(order_id.as_str())) else { continue };
            let occasion = occasion_of_order(order_id);
            let happened = Happened { occasion: &occasion, member, at, kind: "order", reference: order_id };
            if stands.is_cancelled || (stands.is_refunded && revenue <= 0) {
                replay.undone(&happened, heard_at);
            } else {
                replay.went_back(&happened, stands.back, revenue, heard_at);
            }
        }
    }
}
