//! The wallets of a workspace: points, credits, stamps, money.

use std::collections::HashMap;

use rapport_domain::WorkspaceId;
use rapport_store::{Json, Queries, Tx, args, sql};
use serde_json::Value;

use super::documents::unreadable;
use super::head;
use super::jurisdictions::Laws;
use crate::activity::Kept;
use crate::ledger::{Wallet, WalletId};

/// Makes a wallet, or changes its limits; its number.
///
/// # Errors
/// The store's.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, key: &str, wallet: &Wallet) -> rapport_store::Result<WalletId> {
    head::settings_changed(tx, workspace).await?;
    let last = sql!("SELECT MAX(wallet) FROM loyalty_wallets WHERE workspace = $1");
    let last: Option<i64> = tx.scalar(last, args![workspace]).await?;
    let save = sql!(
        "INSERT INTO loyalty_wallets (workspace, wallet, key, amount_max, balance_max, arrears_max) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (workspace, key) DO UPDATE SET amount_max = EXCLUDED.amount_max, balance_max = EXCLUDED.balance_max,
             arrears_max = EXCLUDED.arrears_max
         RETURNING wallet"
    );
    let Wallet { amount_max, balance_max, arrears_max } = wallet;
    let row = args![workspace, last.unwrap_or(0) + 1, key, *amount_max, *balance_max, *arrears_max];
    tx.scalar(save, row).await.map(WalletId)
}

/// Says what keeps points of a wallet alive, where they lapse by inactivity.
///
/// # Errors
/// The store's.
pub async fn save_kept(
    tx: &mut Tx,
    workspace: WorkspaceId,
    key: &str,
    kept: Option<Kept>,
) -> rapport_store::Result<()> {
    let save = sql!("UPDATE loyalty_wallets SET activity = $3 WHERE key = $2 AND workspace = $1");
    tx.execute(save, args![workspace, key, kept.map(Json)]).await?;
    Ok(())
}

/// What the programme and the law say of wallets.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Their limits.
    pub limits: HashMap<WalletId, Wallet>,
    /// What keeps points alive that lapse by inactivity.
    pub kept: HashMap<WalletId, Kept>,
    /// What the law says, by jurisdiction.
    pub laws: HashMap<WalletId, Laws>,
}

type SettingsRow = (i64, i64, Option<i64>, i64, Option<Value>, Option<Value>);

/// What the ledger has to know of all wallets.
///
/// # Errors
/// The store's; that this program cannot read what counts, or a law.
pub(super) async fn settings(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<Settings> {
    let all = sql!(
        "SELECT wallet, amount_max, balance_max, arrears_max, activity, laws FROM loyalty_wallets WHERE workspace = $1"
    );
    let rows: Vec<SettingsRow> = db.fetch_all(all, args![workspace]).await?;
    let mut settings = Settings::default();
    for (wallet, amount_max, balance_max, arrears_max, activity, laws) in rows {
        let wallet = WalletId(wallet);
        settings.limits.insert(wallet, Wallet { amount_max, balance_max, arrears_max });
        if let Some(activity) = activity {
            settings.kept.insert(wallet, serde_json::from_value(activity).map_err(|_| unreadable("activity"))?);
        }
        if let Some(laws) = laws {
            settings.laws.insert(wallet, serde_json::from_value(laws).map_err(|_| unreadable("laws"))?);
        }
    }
    Ok(settings)
}

/// What the wallets are called.
///
/// # Errors
/// The store's.
pub async fn keys(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<HashMap<WalletId, String>> {
    let all = sql!("SELECT wallet, key FROM loyalty_wallets WHERE workspace = $1");
    let rows: Vec<(i64, String)> = db.fetch_all(all, args![workspace]).await?;
    Ok(rows.into_iter().map(|(wallet, key)| (WalletId(wallet), key)).collect())
}

/// Which wallet is called so.
///
/// # Errors
/// The store's.
pub async fn numbers(
    db: &mut impl Queries,
    workspace: WorkspaceId,
) -> rapport_store::Result<HashMap<String, WalletId>> {
    Ok(keys(db, workspace).await?.into_iter().map(|(wallet, key)| (key, wallet)).collect())
}
