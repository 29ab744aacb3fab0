//! Orders, refunds and cancellations, by the shop's order number.
//!
//! Always holds: how an order stands is what all that was told of it says, in whatever order it was told.

use rapport_domain::{Currency, Handle, Money, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored order.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct OrderRow {
    /// The shop's number.
    pub order_id: String,
    /// Who ordered (by identifier).
    pub handle: Handle,
    /// Who told us.
    pub source: SourceId,
    /// The event that tells it now.
    pub event_id: [u8; 16],
    /// When.
    pub placed_at: Timestamp,
    /// What it brought, in millionths.
    pub revenue_micros: i64,
    /// What went back, in millionths.
    pub refunded_micros: i64,
    /// Three letters.
    pub currency: String,
    /// completed, cancelled or refunded.
    pub status: String,
    /// How many lines.
    pub lines: i64,
}

/// Adds or renews orders. What was told of them before, that they were called off or went back, holds of them too.
pub async fn upsert(tx: &mut Tx, workspace: WorkspaceId, rows: &[OrderRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO orders (workspace, order_id, handle, source, event_id, placed_at, revenue_micros, refunded_micros, currency, status, lines)
         VALUES {rows}
         ON CONFLICT (workspace, order_id) DO UPDATE SET
           handle = excluded.handle, event_id = excluded.event_id, placed_at = excluded.placed_at,
           revenue_micros = excluded.revenue_micros, currency = excluded.currency, lines = excluded.lines"
    );
    let bound = rows.iter().map(|r| {
        args![
            workspace,
            &r.order_id,
            r.handle,
            r.source,
            r.event_id,
            r.placed_at,
            r.revenue_micros,
            r.refunded_micros,
            &r.currency,
            &r.status,
            r.lines
        ]
    });
    let ids: Vec<&str> = rows.iter().map(|row| row.order_id.as_str()).collect();
    tx.execute_many(text, bound).await?;
    settle(tx, workspace, &ids).await
}

/// A refund as it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Refund {
    /// The event that told it.
    pub event_id: [u8; 16],
    /// The order's number, or the refund's own.
    pub order_id: String,
    /// Whose.
    pub handle: Handle,
    /// When.
    pub at: Timestamp,
    /// How much; `None` is the whole order.
    pub amount: Option<Money>,
    /// For a refund without amount of an order we do not know.
    pub fallback: Currency,
}

/// Records a refund once, whether its order is known yet or not.
pub async fn refund(tx: &mut Tx, workspace: WorkspaceId, refund: &Refund) -> Result<()> {
    let (micros, currency) = match &refund.amount {
        Some(money) => (money.micros, money.currency),
        // As much as the order came to, once that is known.
        None => (0, refund.fallback),
    };
    let insert = sql!(
        "INSERT INTO refunds (workspace, event_id, order_id, handle, refunded_at, amount_micros, currency, is_whole)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (workspace, event_id) DO NOTHING"
    );
    let values = args![
        workspace,
        refund.event_id,
        &refund.order_id,
        refund.handle,
        refund.at,
        micros,
        currency.as_str(),
        refund.amount.is_none()
    ];
    tx.execute(insert, values).await?;
    settle(tx, workspace, &[&refund.order_id]).await
}

/// Records once that an order was called off, whether it is known yet or not.
pub async fn cancel(
    tx: &mut Tx,
    workspace: WorkspaceId,
    order_id: &str,
    (event_id, handle, at): ([u8; 16], Handle, Timestamp),
) -> Result<()> {
    let insert = sql!(
        "INSERT INTO cancellations (workspace, event_id, order_id, handle, cancelled_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace, event_id) DO NOTHING"
    );
    tx.execute(insert, args![workspace, event_id, order_id, handle, at]).await?;
    settle(tx, workspace, &[order_id]).await
}

/// Takes back what events that were superseded said became of orders.
pub async fn forget(tx: &mut Tx, workspace: WorkspaceId, event_ids: &[[u8; 16]]) -> Result<()> {
    if event_ids.is_empty() {
        return Ok(());
    }
    let find = sql!(
        "SELECT order_id FROM refunds WHERE event_id IN ($2) AND +workspace = $1
         UNION SELECT order_id FROM cancellations WHERE event_id IN ($2) AND +workspace = $1"
    );
    let found: Vec<(String,)> = tx.fetch_all(find, args![workspace, event_ids]).await?;
    if found.is_empty() {
        return Ok(());
    }
    for delete in [
        sql!("DELETE FROM refunds WHERE event_id IN ($2) AND +workspace = $1"),
        sql!("DELETE FROM cancellations WHERE event_id IN ($2) AND +workspace = $1"),
    ] {
        tx.execute(delete, args![workspace, event_ids]).await?;
    }
    let ids: Vec<&str> = found.iter().map(|(id,)| id.as_str()).collect();
    stand(tx, workspace, &ids).await
}

/// Sets how orders stand, as far as anything became of them.
async fn settle(tx: &mut Tx, workspace: WorkspaceId, order_ids: &[&str]) -> Result<()> {
    let find = sql!(
        "SELECT order_id FROM refunds WHERE order_id IN ($2) AND +workspace = $1
         UNION SELECT order_id FROM cancellations WHERE order_id IN ($2) AND +workspace = $1"
    );
    let found: Vec<(String,)> = tx.fetch_all(find, args![workspace, order_ids]).await?;
    let ids: Vec<&str> = found.iter().map(|(id,)| id.as_str()).collect();
    stand(tx, workspace, &ids).await
}

/// Sets what went back of orders to the sum of their refunds, and their status to what became of them.
async fn stand(tx: &mut Tx, workspace: WorkspaceId, order_ids: &[&str]) -> Result<()> {
    if order_ids.is_empty() {
        return Ok(());
    }
    let whole = sql!(
        "UPDATE refunds SET (amount_micros, currency) = (
           SELECT o.revenue_micros, o.currency FROM orders o WHERE o.order_id = refunds.order_id AND o.workspace = refunds.workspace)
         WHERE order_id IN ($2) AND +workspace = $1 AND is_whole
           AND EXISTS (SELECT 1 FROM orders o WHERE o.order_id = refunds.order_id AND o.workspace = refunds.workspace)"
    );
    tx.execute(whole, args![workspace, order_ids]).await?;
    let update = sql!(
        "UPDATE orders SET refunded_micros = (
           SELECT CAST(COALESCE(SUM(r.amount_micros), 0) AS BIGINT) FROM refunds r
           WHERE r.order_id = orders.order_id AND r.workspace = orders.workspace),
         status = CASE
           WHEN EXISTS (SELECT 1 FROM cancellations c WHERE c.order_id = orders.order_id AND c.workspace = orders.workspace) THEN 'cancelled'
           WHEN EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = orders.order_id AND r.workspace = orders.workspace) THEN 'refunded'
           ELSE 'completed' END
         WHERE order_id IN ($2) AND +workspace = $1"
    );
    tx.execute(update, args![workspace, order_ids]).await?;
    Ok(())
}

/// How orders stand: (number, what they brought and what of it went back, in millionths of their currency, status).
pub async fn standing(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    order_ids: &[String],
) -> Result<Vec<(String, i64, i64, String)>> {
    let text = sql!(
        "SELECT order_id, revenue_micros, refunded_micros, status FROM orders WHERE workspace = $1 AND order_id IN ($2)"
    );
    db.fetch_all(text, args![workspace, order_ids]).await
}

/// What went back of orders, also of those that were not told yet: (number, in millionths).
pub async fn went_back(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    order_ids: &[String],
) -> Result<Vec<(String, i64)>> {
    let text = sql!(
        "SELECT order_id, CAST(SUM(amount_micros) AS BIGINT) FROM refunds WHERE workspace = $1 AND order_id IN ($2) GROUP BY order_id"
    );
    db.fetch_all(text, args![workspace, order_ids]).await
}

/// Whose these orders are.
pub async fn owners(db: &mut impl Queries, workspace: WorkspaceId, order_ids: &[String]) -> Result<Vec<PersonId>> {
    let text = sql!(
        "SELECT DISTINCT i.person FROM orders o JOIN identifiers i ON i.handle = o.handle AND i.workspace = o.workspace
         WHERE o.workspace = $1 AND o.order_id IN ($2)"
    );
    let rows: Vec<(PersonId,)> = db.fetch_all(text, args![workspace, order_ids]).await?;
    Ok(rows.into_iter().map(|(person,)| person).collect())
}

/// When these people first ordered what was not cancelled; nothing of whoever never did.
pub async fn first_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<Vec<(PersonId, Timestamp)>> {
    let text = sql!(
        "SELECT i.person, MIN(o.placed_at) FROM identifiers i CROSS JOIN orders o
         WHERE i.workspace = $1 AND i.person IN ($2) AND o.workspace = i.workspace AND o.handle = i.handle AND o.status <> 'cancelled'
         GROUP BY i.person ORDER BY i.person"
    );
    db.fetch_all(text, args![workspace, persons]).await
}

/// A person's orders, newest first.
pub async fn of_handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
    limit: i64,
) -> Result<Vec<OrderRow>> {
    let text = sql!(
        "SELECT order_id, handle, source, event_id, placed_at, revenue_micros, refunded_micros, currency, status, lines FROM orders
         WHERE +workspace = $1 AND handle IN ($2) ORDER BY placed_at DESC, order_id LIMIT $3"
    );
    db.fetch_all(text, args![workspace, handles, limit]).await
}

/// Whether anybody ordered.
pub async fn any(db: &mut impl Queries, workspace: WorkspaceId) -> Result<bool> {
    let text = sql!("SELECT order_id FROM orders WHERE workspace = $1 ORDER BY placed_at DESC, order_id LIMIT $2");
    let found: Option<(String,)> = db.fetch_optional(text, args![workspace, 1_i64]).await?;
    Ok(found.is_some())
}

/// The latest orders: (person, order).
pub async fn latest(db: &mut impl Queries, workspace: WorkspaceId, limit: i64) -> Result<Vec<(PersonId, OrderRow)>> {
    let text = sql!(
        "SELECT order_id, handle, source, event_id, placed_at, revenue_micros, refunded_micros, currency, status, lines FROM orders
         WHERE workspace = $1 ORDER BY placed_at DESC, order_id LIMIT $2"
    );
    let rows: Vec<OrderRow> = db.fetch_all(text, args![workspace, limit]).await?;
    let handles: Vec<Handle> = rows.iter().map(|row| row.handle).collect();
    let owners = super::identifiers::by_handles(db, workspace, &handles).await?;
    let owner = |handle: Handle| owners.iter().find(|owner| owner.handle == handle).map(|owner| owner.person);
    Ok(rows.into_iter().filter_map(|row| Some((owner(row.handle)?, row))).collect())
}

/// Orders whose number begins so: (number, handle, when).
pub async fn starting_with(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    prefix: &str,
    limit: i64,
) -> Result<Vec<(String, Handle, Timestamp)>> {
    let text = sql!(
        "SELECT order_id, handle, placed_at FROM orders
         WHERE +workspace = $1 AND order_id >= $2 AND order_id < $3 ORDER BY order_id LIMIT $4"
    );
    let end = format!("{prefix}\u{10FFFF}");
    db.fetch_all(text, args![workspace, prefix, end, limit]).await
}

/// The orders of a time in a currency: (whose, when, what was paid and not given back in millionths).
pub async fn paid(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    currency: &str,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<(PersonId, Timestamp, i64)>> {
    let text = sql!(
        "SELECT i.person, o.placed_at, CAST(o.revenue_micros - o.refunded_micros AS BIGINT) FROM orders o
         JOIN identifiers i ON i.workspace = o.workspace AND i.handle = o.handle
         WHERE o.workspace = $1 AND o.placed_at >= $3 AND o.placed_at < $4 AND o.currency = $2 AND o.status <> 'cancelled'"
    );
    db.fetch_all(text, args![workspace, currency, from, to]).await
}

/// How many people had bought before an instant.
pub async fn buyers(db: &mut impl Queries, workspace: WorkspaceId, before: Timestamp) -> Result<i64> {
    let text = sql!(
        "SELECT COUNT(DISTINCT i.person) FROM orders o JOIN identifiers i ON i.workspace = o.workspace AND i.handle = o.handle
         WHERE o.workspace = $1 AND o.placed_at < $2 AND o.status <> 'cancelled'"
    );
    let found: Option<(i64,)> = db.fetch_optional(text, args![workspace, before]).await?;
    Ok(found.map_or(0, |it| it.0))
}

/// The numbers of orders since an instant that were called off or went back whole.
pub async fn gone(db: &mut impl Queries, workspace: WorkspaceId, since: Timestamp) -> Result<Vec<String>> {
    let text = sql!(
        "SELECT order_id FROM orders WHERE workspace = $1 AND placed_at >= $2
           AND (status = 'cancelled' OR (refunded_micros > 0 AND refunded_micros >= revenue_micros))"
    );
    let rows: Vec<(String,)> = db.fetch_all(text, args![workspace, since]).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// How many orders people from one number to another placed within a time that were not cancelled, and of how many of these something went back: (who, orders, those).
pub async fn returns(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (first, last): (PersonId, PersonId),
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<(PersonId, i64, i64)>> {
    let text = sql!(
        "SELECT i.person, COUNT(o.order_id), COUNT(CASE WHEN o.refunded_micros > 0 THEN o.order_id END)
         FROM identifiers i CROSS JOIN orders o
         WHERE i.workspace = $1 AND i.person >= $2 AND i.person <= $3 AND o.workspace = i.workspace AND o.handle = i.handle
           AND o.status <> 'cancelled' AND o.placed_at >= $4 AND o.placed_at <= $5
         GROUP BY i.person ORDER BY i.person"
    );
    db.fetch_all(text, args![workspace, first, last, from, until]).await
}

/// What people from one number to another bought up to an instant, by person and time: (who, when, what was paid and not given back in millionths, if it was
/// in that currency). What was cancelled, or went back whole, was not bought.
pub async fn bought(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (first, last): (PersonId, PersonId),
    currency: &str,
    until: Timestamp,
) -> Result<Vec<(PersonId, Timestamp, Option<i64>)>> {
    let text = sql!(
        "SELECT i.person, o.placed_at, CASE WHEN o.currency = $4 THEN o.revenue_micros - o.refunded_micros END AS paid
         FROM identifiers i CROSS JOIN orders o
         WHERE i.workspace = $1 AND i.person >= $2 AND i.person <= $3 AND o.workspace = i.workspace AND o.handle = i.handle
           AND o.status <> 'cancelled' AND NOT (o.refunded_micros > 0 AND o.refunded_micros >= o.revenue_micros) AND o.placed_at <= $5
         ORDER BY i.person, o.placed_at"
    );
    db.fetch_all(text, args![workspace, first, last, currency, until]).await
}
