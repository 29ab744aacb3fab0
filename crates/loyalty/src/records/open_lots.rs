//! Which lots of an account have something left.
//!
//! An index of them would change a page of its own, drawn by chance, for each new lot and each one that is used up. So the newest stand with the balance, which is
//! written anyway, and `loyalty_open_lots` is put right for an account when [`MOST`] are to be added or taken out.
//!
//! Always holds: every lot of which something is left stands in one of the two under its account, and only once. Some that stand in the table are used up: whoever reads
//! looks at what is left of each.

use std::collections::{BTreeSet, HashMap};

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, args, sql};

use super::read::unknown;
use super::trail;
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
        let opened: Vec<i64> = added.iter().map(|lot| lot.0).collect();
        let opened = trail::text(&opened);
        return Change { opened, added: Vec::new(), gone: Vec::new() };
    }
    *listed = open;
    Change { opened: String::new(), added, gone }
}

/// A lot that stands in the table, one that was asked for, and the newest of a balance.
const KINDS: [i64; 3] = [0, 1, 2];

/// The lots of which something is left, of each account of these members that has any, as they were at one instant. `newest` are those that are thought to stand with
/// the balances: with all of them it takes one look, and else another.
///
/// # Errors
/// The store's.
pub(super) async fn of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[i64],
    mut newest: Vec<i64>,
) -> Result<HashMap<AccountKey, Found>> {
    let find = sql!(
        "SELECT member, wallet, kind, string_agg(concat_ws(' ', lot, operation, amount, pending, available, held, earned_at, active_from,
             COALESCE(CAST(expires_at AS TEXT), '-'), COALESCE(CAST(origin AS TEXT), '-')), ',') FROM (
             SELECT l.*, $4 AS kind FROM loyalty_open_lots o JOIN loyalty_lots l ON l.lot = o.lot AND l.workspace = o.workspace
                 WHERE o.member IN ($2) AND o.workspace = $1 AND l.member = o.member AND l.wallet = o.wallet
             UNION ALL SELECT l.*, $5 AS kind FROM loyalty_lots l WHERE l.lot IN ($3) AND l.workspace = $1) lots
         GROUP BY member, wallet, kind
         UNION ALL SELECT member, wallet, $6 AS kind, opened FROM loyalty_balances WHERE member IN ($2) AND workspace = $1 AND opened <> ''"
    );
    loop {
        let args = args![workspace, members, &newest, KINDS[0], KINDS[1], KINDS[2]];
        let rows: Vec<Row> = db.fetch_all(find.clone(), args).await?;
        let mut opened = BTreeSet::new();
        for (.., text) in rows.iter().filter(|row| row.2 == KINDS[2]) {
            opened.extend(trail::numbers(text)?);
        }
        // Whoever posts meanwhile moves lots from the one to the other.
        if opened.iter().all(|lot| newest.contains(lot)) {
            return found(&rows, &opened);
        }
        newest = opened.into_iter().collect();
    }
}

type Row = (i64, i64, i64, String);

fn found(rows: &[Row], opened: &BTreeSet<i64>) -> Result<HashMap<AccountKey, Found>> {
    let mut found: HashMap<AccountKey, Found> = HashMap::new();
    for (member, wallet, kind, text) in rows.iter().filter(|row| row.2 != KINDS[2]) {
        let account = found.entry((MemberId(*member), WalletId(*wallet))).or_default();
        let mut lots = lots_in(text)?;
        if *kind == KINDS[0] {
            account.listed.extend(lots.iter().map(|lot| lot.id));
        } else {
            lots.retain(|lot| opened.contains(&lot.id.0));
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
        for lot in trail::numbers(&text)? {
            found.entry(LotId(lot)).or_default().push(key(member, wallet));
        }
    }
    Ok(found)
}

/// Lots in one text, in the order of `loyalty_lots`, a space between two values, `-` where there is none, and a comma between two lots: thousands of rows cost the driver more
/// than the database.
fn lots_in(text: &str) -> Result<Vec<Lot>> {
    text.split(',').map(|lot| lot_in(lot).ok_or_else(|| unknown("lots"))).collect()
}

fn lot_in(text: &str) -> Option<Lot> {
    let mut words = text.split(' ');
    let mut optional = || match words.next()? {
        "-" => Some(None),
        number => number.parse::<i64>().ok().map(Some),
    };
    let mut number = || optional()?;
    let lot = Lot {
        id: LotId(number()?),
        operation: number()?,
        amount: number()?,
        pending: number()?,
        available: number()?,
        held: number()?,
        earned_at: Timestamp(number()?),
        active_from: Timestamp(number()?),
        expires_at: optional()?.map(Timestamp),
        origin: optional()?.map(LotId),
    };
    words.next().is_none().then_some(lot)
}
