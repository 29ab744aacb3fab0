//! What products cost, and when that changed: for reductions that are announced, which count from the lowest price of the last 30 days (Directive 98/6/EC, article 6a).
//!
//! Always holds: what was told late is in its place; the same told again changes nothing.

use std::collections::BTreeMap;

use rapport_domain::{Currency, Timestamp, WorkspaceId};
use rapport_store::{Queries, Tx, args, sql};

use crate::offers::Cart;

/// How far back the lowest price is looked for.
pub const LOOK_BACK: i64 = 30 * Timestamp::DAY;

/// A price of a product, from an instant on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Its `product_id`, else its `sku`.
    pub product: String,
    /// In which currency.
    pub currency: Currency,
    /// From when on.
    pub from_at: Timestamp,
    /// In millionths.
    pub price: i64,
}

/// Notes prices.
///
/// # Errors
/// The store's.
pub async fn note(tx: &mut Tx, workspace: WorkspaceId, told: &[Price]) -> rapport_store::Result<()> {
    // One statement writes each row once: of two that are told for one instant the last counts.
    let rows: BTreeMap<(&str, Currency, Timestamp), i64> =
        told.iter().map(|it| ((it.product.as_str(), it.currency, it.from_at), it.price)).collect();
    let save = sql!(
        "INSERT INTO loyalty_prices (workspace, product, currency, from_at, price) VALUES {rows}
         ON CONFLICT (workspace, product, currency, from_at) DO UPDATE SET price = EXCLUDED.price"
    );
    let row = |((product, currency, from_at), price): ((&str, Currency, Timestamp), i64)| {
        args![workspace, product, currency.as_str(), from_at, price]
    };
    tx.execute_many(save, rows.into_iter().map(row)).await.map(drop)
}

/// The lowest price of each product in the 30 days before an instant; of those that have none that far back the lowest since. Nothing of a product that nobody told of.
///
/// # Errors
/// The store's.
pub async fn lowest(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    products: &[String],
    currency: Currency,
    at: Timestamp,
) -> rapport_store::Result<BTreeMap<String, i64>> {
    let find = sql!(
        "SELECT p.product, MIN(p.price) FROM loyalty_prices p
         WHERE p.workspace = $1 AND p.product IN ($2) AND p.currency = $3 AND p.from_at <= $4 AND p.from_at >= COALESCE(
             (SELECT MAX(b.from_at) FROM loyalty_prices b
              WHERE b.workspace = $1 AND b.product = p.product AND b.currency = $3 AND b.from_at <= $5), $5)
         GROUP BY p.product"
    );
    let before = Timestamp(at.0.saturating_sub(LOOK_BACK));
    let rows: Vec<(String, i64)> =
        db.fetch_all(find, args![workspace, products, currency.as_str(), at, before]).await?;
    Ok(rows.into_iter().collect())
}

/// Notes at each line of a cart the lowest price of its product, as far as it is known.
///
/// # Errors
/// The store's.
pub async fn note_lowest(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    cart: &mut Cart,
    currency: Currency,
    at: Timestamp,
) -> rapport_store::Result<()> {
    let products: Vec<String> =
        (0..cart.lines.len()).filter_map(|line| cart.product(line)).map(str::to_owned).collect();
    if products.is_empty() {
        return Ok(());
    }
    let known = lowest(db, workspace, &products, cart.currency.unwrap_or(currency), at).await?;
    for line in 0..cart.lines.len() {
        let found = cart.product(line).and_then(|product| known.get(product)).copied();
        cart.lines[line].lowest = found;
    }
    Ok(())
}
