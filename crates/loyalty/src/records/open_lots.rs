//! Which lots of an account have something left.
//!
//! An index of them would change a page of its own, drawn by chance, for each new lot and each one that is used up. So the newest stand with the balance, which is
//! written anyway, and `loyalty_open_lots` is put right for an account when [`MOST`] are to be added or taken out.
//!
//! Always holds: every lot of which something is left stands in one of the two under its account, and only once. Some that stand in the table are used up: whoever reads
//! looks at what is left of each.

use std::collections::{BTreeSet, HashMap};

use rapport_domain::WorkspaceId;
use rapport_store::{Queries, Result, args, sql};

use super::documents::unreadable;
use super::read::lots_in;
use crate::ledger::{Account, AccountKey, Lot, LotId, MemberId, WalletId};

/// How many lots stand with a balance, and how many that are used up stand in the table.
pub(super) const MOST: usize = 16;

/// What the database says of an account's lots.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Those of which something is left.
    pub lots: Vec<Lot>,
    /// All that stand in the table.
    pub listed: BTreeSet<LotId>,
}

/// What is to be written of an account.
pub(super) struct Change {
    /// What stands with the balance.
    pub opened: String,
    /// What comes into the table.
    pub added: Vec<LotId>,
    /// What goes out of it.
    pub gone: Vec<LotId>,
}

/// Compares an account with what stands in the table, which it changes; `at_once` when nothing that is used up may be left there.
pub(super) fn change(account: &Account, listed: &mut BTreeSet<LotId>, at_once: bool) -> Change {
    let open: BTreeSet<LotId> = account.lots().filter(|lot| lot.remaining() > 0).map(|lot| lot.id).collect();
    let added: Vec<LotId> = open.difference(listed).copied().collect();
    let gone: Vec<LotId> = listed.difference(&open).copied().collect();
    if !at_once && added.len() <= MOST && gone.len() <= MOST {
        let words: Vec<String> = added.iter().map(|lot| lot.0.to_string()).collect();
        return Change { opened: words.join(" "), added: Vec::new(), gone: Vec::new() };
    }
    *listed = open;
    Change { opened: String::new(), added, gone }
}

/// The lots of which something is left, of each of these accounts that has any.
///
/// # Errors
/// The store's.
pub(super) async fn of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[i64],
) -> Result<HashMap<AccountKey, Found>> {
    let opened = sql!("SELECT opened FROM loyalty_balances WHERE member IN ($2) AND workspace = $1 AND opened <> ''");
    let mut newest: Vec<i64> = Vec::new();
    for (text,) in db.fetch_all::<(String,)>(opened, args![workspace, members]).await? {
        newest.extend(numbers(&text)?);
    }
    let find = sql!(
        "SELECT member, wallet, listed, string_agg(concat_ws(' ', lot, operation, amount, pending, available, held, earned_at, active_from,
             COALESCE(CAST(expires_at AS TEXT), '-'), COALESCE(CAST(origin AS TEXT), '-')), ',') FROM (
             SELECT l.*, $4 AS listed FROM loyalty_open_lots o JOIN loyalty_lots l ON l.lot = o.lot AND l.workspace = o.workspace
                 WHERE o.member IN ($2) AND o.workspace = $1 AND l.member = o.member AND l.wallet = o.wallet
             UNION ALL SELECT l.*, $5 AS listed FROM loyalty_lots l WHERE l.lot IN ($3) AND l.workspace = $1) lots
         GROUP BY member, wallet, listed"
    );
    let rows: Vec<(i64, i64, i64, String)> =
        db.fetch_all(find, args![workspace, members, &newest, 1_i64, 0_i64]).await?;
    let mut found: HashMap<AccountKey, Found> = HashMap::new();
    for (member, wallet, listed, text) in rows {
        let account = found.entry((MemberId(member), WalletId(wallet))).or_default();
        let lots = lots_in(&text)?;
        if listed == 1 {
            account.listed.extend(lots.iter().map(|lot| lot.id));
        }
        account.lots.extend(lots.into_iter().filter(|lot| lot.remaining() > 0));
    }
    Ok(found)
}

/// Which lots stand in whose account, in the table or with the balance, as often as they do.
///
/// # Errors
/// The store's.
pub(crate) async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<HashMap<LotId, Vec<AccountKey>>> {
    let key = |member, wallet| (MemberId(member), WalletId(wallet));
    let listed = sql!("SELECT member, wallet, lot FROM loyalty_open_lots WHERE workspace = $1");
    let mut found: HashMap<LotId, Vec<AccountKey>> = HashMap::new();
    for (member, wallet, lot) in db.fetch_all::<(i64, i64, i64)>(listed, args![workspace]).await? {
        found.entry(LotId(lot)).or_default().push(key(member, wallet));
    }
    let opened = sql!("SELECT member, wallet, opened FROM loyalty_balances WHERE workspace = $1 AND opened <> ''");
    for (member, wallet, text) in db.fetch_all::<(i64, i64, String)>(opened, args![workspace]).await? {
        for lot in numbers(&text)? {
            found.entry(LotId(lot)).or_default().push(key(member, wallet));
        }
    }
    Ok(found)
}

fn numbers(text: &str) -> Result<Vec<i64>> {
    text.split(' ').map(|word| word.parse().map_err(|_| unreadable("opened"))).collect()
}
