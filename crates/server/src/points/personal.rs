//! What the points ledger says of somebody, as they are shown it: what came and went, when and why, and what is left until when.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::{Operation, Refusal};
use rapport_loyalty::records::personal::{self, Kept};
use rapport_loyalty::records::wallets;
use rapport_store::{Queries, Result};
use serde_json::{Map, Value, json};

/// Adds it to the tables of what is kept of a person; nothing of somebody who is no member.
///
/// # Errors
/// The store's.
pub async fn show(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
    tables: &mut Map<String, Value>,
) -> Result<()> {
    let Some(kept) = personal::of(db, workspace, person).await? else { return Ok(()) };
    let keys = wallets::keys(db, workspace).await?;
    let operations: Vec<Value> = kept
        .operations
        .iter()
        .map(|it| operation(&kept, it, keys.get(&it.wallet).map_or("", String::as_str)))
        .collect();
    let lots = kept.lots.iter().map(|(wallet, lot)| {
        json!({
            "wallet": keys.get(wallet), "points": lot.remaining().to_string(), "pending": lot.pending.to_string(), "held": lot.held.to_string(),
            "earned_at": instant(lot.earned_at), "active_from_at": instant(lot.active_from), "expires_at": lot.expires_at.map(instant),
        })
    });
    let lots: Vec<Value> = lots.collect();
    for (name, rows) in [("loyalty_operations", operations), ("loyalty_lots", lots)] {
        if !rows.is_empty() {
            tables.insert(name.to_owned(), Value::Array(rows));
        }
    }
    Ok(())
}

/// Why somebody else gave them points is the other's to say.
fn operation(kept: &Kept, operation: &Operation, wallet: &str) -> Value {
    let own = |text: &str| if kept.is_own(operation) { text.to_owned() } else { String::new() };
    json!({
        "wallet": wallet, "kind": operation.kind.key(), "points": kept.change(operation).to_string(), "asked_for": operation.amount.to_string(),
        "refused": operation.refused.map(Refusal::code), "effective_at": instant(operation.effective_at),
        "recorded_at": instant(operation.recorded_at), "source_kind": operation.source.kind,
        "source_reference": own(&operation.source.reference), "source_reason": own(&operation.source.reason),
    })
}

/// As all tables of what is kept have it.
fn instant(at: Timestamp) -> String {
    at.0.to_string()
}
