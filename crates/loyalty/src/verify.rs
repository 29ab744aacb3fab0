//! Whether the ledger is what was written: every record against its checksum, every batch against the chain, every balance, lot and hold against the postings.
//!
//! Does not: mend anything. It names the first record that does not fit.

use std::collections::{BTreeMap, HashMap};

use rapport_domain::WorkspaceId;
use rapport_store::{Queries, args, sql};

use crate::Error;
use crate::ledger::{AccountKey, Balance, Chain, LotId, MemberId, Operation, Place, WalletId, checksum};
use crate::records::{head, open_lots, read, trail};

/// Operations read at a time.
const STEP: u32 = 2_000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many operations were looked at.
    pub operations: i64,
    /// How many postings.
    pub postings: i64,
    /// What does not fit, in the order of the records; empty when all is well.
    pub findings: Vec<Finding>,
}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The operation, or the last one when it is about a balance.
    pub operation: i64,
    /// What does not fit.
    pub what: String,
}

#[derive(Default)]
struct Found {
    report: Report,
    chain: Chain,
    balances: HashMap<AccountKey, Balance>,
    lots: HashMap<LotId, [i64; 3]>,
    /// In whose account the last point of each lot was put.
    holders: HashMap<LotId, MemberId>,
    /// The operations that moved something in each account.
    trails: BTreeMap<AccountKey, Vec<i64>>,
    /// Operations since the last one that carries the chain's end.
    since: Vec<Operation>,
}

impl Found {
    fn finding(&mut self, operation: i64, what: impl Into<String>) {
        self.report.findings.push(Finding { operation, what: what.into() });
    }
}

/// Reads the whole ledger of a workspace.
///
/// # Errors
/// The store's.
pub async fn verify(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Report, Error> {
    let Some(head) = head::read(db, workspace).await? else { return Ok(Report::default()) };
    let mut found = Found::default();
    loop {
        let step = read::journal(db, workspace, found.report.operations, STEP).await?;
        let Some(last) = step.last().map(|operation| operation.number) else { break };
        let mut stored = stored(db, workspace, found.report.operations, last).await?;
        for (key, operations) in trail::of(&step) {
            found.trails.entry(key).or_default().extend(operations);
        }
        for operation in step {
            let (sum, end) = stored.remove(&operation.number).unzip();
            one(&mut found, &operation, sum);
            found.since.push(operation);
            if let Some(end) = end.flatten() {
                link(&mut found, end);
            }
        }
    }
    if found.report.operations != head.operations || found.report.postings != head.postings {
        let (has, says) = (found.report.operations, head.operations);
        found.finding(has, format!("the ledger ends at operation {has}, its head says {says}"));
    }
    if found.chain.0 != head.chain {
        let last = found.report.operations;
        found.finding(last, "the end of the chain is not the one that the head has");
    }
    balances(db, workspace, &mut found).await?;
    trails(db, workspace, &mut found).await?;
    lots(db, workspace, &mut found).await?;
    Ok(found.report)
}

/// An operation: its number, its checksum, its postings.
fn one(found: &mut Found, operation: &Operation, stored: Option<i64>) {
    let number = operation.number;
    let expected = found.report.operations + 1;
    if number != expected {
        found.finding(expected, format!("operation {expected} is missing; {number} follows"));
    }
    if stored != Some(checksum(operation)) {
        found.finding(number, "it is not what its checksum says");
    }
    for posting in &operation.postings {
        let expected = found.report.postings + 1;
        if posting.number != expected {
            found.finding(number, format!("posting {expected} is missing; {} follows", posting.number));
        }
        found.report.postings = posting.number;
        let balance = found.balances.entry((posting.member, posting.wallet)).or_default();
        balance.add(posting.from, -posting.amount);
        balance.add(posting.to, posting.amount);
        if let Some(lot) = posting.lot {
            let parts = found.lots.entry(lot).or_default();
            for (place, by) in [(posting.from, -posting.amount), (posting.to, posting.amount)] {
                let at = [Place::Pending, Place::Available, Place::Held].iter().position(|other| *other == place);
                if let Some(at) = at {
                    parts[at] += by;
                }
            }
            if posting.to.is_members() {
                found.holders.insert(lot, posting.member);
            }
        }
    }
    found.report.operations = number;
}

/// Checksums, and the ends of the chain.
async fn stored(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    after: i64,
    last: i64,
) -> Result<HashMap<i64, (i64, Option<[u8; 32]>)>, Error> {
    let find = sql!(
        "SELECT operation, checksum, chain FROM loyalty_operations WHERE operation > $2 AND operation <= $3 AND workspace = $1"
    );
    let rows: Vec<(i64, i64, Option<[u8; 32]>)> = db.fetch_all(find, args![workspace, after, last]).await?;
    Ok(rows.into_iter().map(|(operation, checksum, chain)| (operation, (checksum, chain))).collect())
}

/// The chain up to an operation that carries its end.
fn link(found: &mut Found, end: [u8; 32]) {
    let operations = std::mem::take(&mut found.since);
    found.chain = found.chain.with(&operations);
    if found.chain.0 != end {
        let (first, last) = (operations[0].number, found.report.operations);
        found.finding(first, format!("the chain breaks between operations {first} and {last}"));
        found.chain = Chain(end);
    }
}

async fn balances(db: &mut impl Queries, workspace: WorkspaceId, found: &mut Found) -> Result<(), Error> {
    let all = sql!("SELECT member, wallet, pending, available, held, owed FROM loyalty_balances WHERE workspace = $1");
    let rows: Vec<(i64, i64, i64, i64, i64, i64)> = db.fetch_all(all, args![workspace]).await?;
    let mut stored: HashMap<AccountKey, Balance> = HashMap::new();
    for (member, wallet, pending, available, held, owed) in rows {
        stored.insert((MemberId(member), WalletId(wallet)), Balance { pending, available, held, owed });
    }
    let last = found.report.operations;
    let mut keys: Vec<AccountKey> = stored.keys().chain(found.balances.keys()).copied().collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let (has, says) =
            (stored.get(&key).copied().unwrap_or_default(), found.balances.get(&key).copied().unwrap_or_default());
        if has != says {
            let (member, wallet) = (key.0.0, key.1.0);
            found.finding(
                last,
                format!("the balance of member {member} in wallet {wallet} is {has:?}, its postings come to {says:?}"),
            );
        }
    }
    Ok(())
}

async fn trails(db: &mut impl Queries, workspace: WorkspaceId, found: &mut Found) -> Result<(), Error> {
    let mut stored = trail::all(db, workspace).await?;
    let last = found.report.operations;
    for (key, operations) in std::mem::take(&mut found.trails) {
        if stored.remove(&key).unwrap_or_default() != operations {
            let (member, wallet) = (key.0.0, key.1.0);
            found.finding(
                last,
                format!(
                    "the trail of member {member} in wallet {wallet} has not the operations that moved something there"
                ),
            );
        }
    }
    for (member, wallet) in stored.keys() {
        found.finding(
            last,
            format!("the trail of member {} in wallet {} has operations that moved nothing there", member.0, wallet.0),
        );
    }
    Ok(())
}

async fn lots(db: &mut impl Queries, workspace: WorkspaceId, found: &mut Found) -> Result<(), Error> {
    let next = sql!(
        "SELECT lot, pending, available, held, member, wallet FROM loyalty_lots WHERE lot > $2 AND workspace = $1 ORDER BY lot LIMIT $3"
    );
    let mut open = open_lots::all(db, workspace).await?;
    let last = found.report.operations;
    let mut after = 0_i64;
    loop {
        let rows: Vec<(i64, i64, i64, i64, i64, i64)> =
            db.fetch_all(next.clone(), args![workspace, after, i64::from(STEP)]).await?;
        let Some(end) = rows.last().map(|row| row.0) else { break };
        after = end;
        for (lot, pending, available, held, member, wallet) in rows {
            // An empty lot changes hands only when something comes back into it.
            let left = pending + available + held > 0;
            let stands = open.remove(&LotId(lot)).unwrap_or_default();
            if left && stands != [(MemberId(member), WalletId(wallet))] {
                found.finding(
                    last,
                    format!("lot {lot} does not stand once among those of its account of which something is left"),
                );
            }
            if left && found.holders.get(&LotId(lot)).is_some_and(|holder| holder.0 != member) {
                found.finding(last, format!("lot {lot} is not in the account that its postings say"));
            }
            if found.lots.remove(&LotId(lot)).unwrap_or_default() != [pending, available, held] {
                found.finding(last, format!("what is left of lot {lot} is not what its postings come to"));
            }
        }
    }
    let mut missing: Vec<LotId> =
        found.lots.iter().filter(|(_, parts)| **parts != [0; 3]).map(|(lot, _)| *lot).collect();
    missing.sort();
    for lot in missing {
        found.finding(last, format!("lot {} is missing", lot.0));
    }
    Ok(())
}
