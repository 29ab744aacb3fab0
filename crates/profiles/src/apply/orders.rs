//! Orders and refunds of a batch.

use std::collections::BTreeMap;

use rapport_store::{Result, Tx};

use super::Work;
use crate::orders::{OrderChange, Status, change};
use crate::records::orders::{self, OrderRow, Refund};

impl Work<'_> {
    /// Placed orders first, then what happened to them: a batch may hold an order and its refund.
    pub(super) async fn record_orders(&mut self, tx: &mut Tx) -> Result<()> {
        let workspace = self.settings.workspace;
        let superseded: Vec<[u8; 16]> = self.events.iter().filter_map(|e| e.supersedes).map(|old| old.0).collect();
        orders::forget(tx, workspace, &superseded).await?;
        let mut placed: BTreeMap<String, OrderRow> = BTreeMap::new();
        let mut later = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            let Some(change) = change(event, self.times[index], self.settings.currency) else { continue };
            let who = self.who(event);
            let handle = who.handle;
            self.news.insert(who.person);
            match change {
                OrderChange::Placed { order_id, at, revenue, lines } => {
                    let row = OrderRow {
                        order_id: order_id.clone(),
                        handle,
                        source: event.source,
                        event_id: event.id.0,
                        placed_at: at,
                        revenue_micros: revenue.micros,
                        refunded_micros: 0,
                        currency: revenue.currency.as_str().to_owned(),
                        status: Status::Completed.as_str().to_owned(),
                        lines,
                    };
                    placed.insert(order_id, row);
                }
                other => later.push((index, other)),
            }
        }
        let placed: Vec<OrderRow> = placed.into_values().collect();
        orders::upsert(tx, workspace, &placed).await?;
        for (index, change) in later {
            let event = &self.events[index];
            let handle = self.who(event).handle;
            match change {
                OrderChange::Refunded { order_id, at, amount } => {
                    let fallback = self.settings.currency;
                    let refund = Refund { event_id: event.id.0, order_id, handle, at, amount, fallback };
                    orders::refund(tx, workspace, &refund).await?;
                }
                OrderChange::Cancelled { order_id, at } => {
                    orders::cancel(tx, workspace, &order_id, (event.id.0, handle, at)).await?;
                }
                OrderChange::Placed { .. } => {}
            }
        }
        Ok(())
    }
}
