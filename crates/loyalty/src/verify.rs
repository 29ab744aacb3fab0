//! Whether the ledger is what was written: every operation with its postings and terms against its checksum, every batch against the chain; how much of an
//! operation was undone, every balance, trail, lot and hold, and the sums by hours and months, against the operations.
//!
//! Always holds: operations are looked at in order, so the first finding names the first record that does not fit; then comes what is derived from them.
//!
//! Does not: mend anything, nor know what was never under a checksum: references and reasons (erasure empties them), when accounts are looked at next, and when
//! lots and holds end whose operation is from before terms were kept.

mod holds;
mod lots;

use std::collections::{BTreeMap, HashMap};

use rapport_domain::WorkspaceId;
use rapport_store::{Queries, args, sql};

use crate::Error;
use crate::ledger::{AccountKey, Balance, Chain, Kind, MemberId, Operation, WalletId, checksum};
use crate::records::{books, flows, head, read, trail};
use holds::Holds;
use lots::Lots;

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
    /// The operation, or the last one when it is about what several come to.
    pub operation: i64,
    /// What does not fit.
    pub what: String,
}

#[derive(Default)]
struct Found {
    report: Report,
    chain: Chain,
    balances: HashMap<AccountKey, Balance>,
    lots: Lots,
    holds: Holds,
    /// How much of operations was undone: what they say, and what was.
    reversed: BTreeMap<i64, (i64, i64)>,
    /// What moved, by hours and since ever.
    flows: flows::Sums,
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
        flows::add_up(&mut found.flows, &step);
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
    reversed(&mut found);
    balances(db, workspace, &mut found).await?;
    trails(db, workspace, &mut found).await?;
    lots::compare(db, workspace, &mut found).await?;
    holds::compare(db, workspace, &mut found).await?;
    sums(db, workspace, &mut found).await?;
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
    }
    found.lots.add(operation);
    found.holds.add(operation);
    if operation.reversed != 0 {
        found.reversed.entry(number).or_default().0 = operation.reversed;
    }
    if let (Kind::Reverse, Some(of), None) = (operation.kind, operation.reference, operation.refused) {
        found.reversed.entry(of).or_default().1 += operation.amount + operation.short;
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

/// How much of each operation was undone.
fn reversed(found: &mut Found) {
    for (operation, (says, was)) in std::mem::take(&mut found.reversed) {
        if says != was {
            found.finding(operation, format!("it says that {says} points of it were undone, and {was} were"));
        }
    }
}

/// The sums by hours and months.
async fn sums(db: &mut impl Queries, workspace: WorkspaceId, found: &mut Found) -> Result<(), Error> {
    let last = found.report.operations;
    let (kept, sums) = (flows::all(db, workspace).await?, std::mem::take(&mut found.flows));
    let wrong = sums.keys().chain(kept.keys()).filter(|key| sums.get(*key) != kept.get(*key)).min();
    if let Some((wallet, hour, from, to)) = wrong {
        let (wallet, from, to) = (wallet.0, from.key(), to.key());
        found.finding(
            last,
            format!("the sum of hour {hour} of wallet {wallet} from {from} to {to} is not that of its postings"),
        );
    }
    if let Some((wallet, month)) = books::wrong(db, workspace).await? {
        let wallet = wallet.0;
        found.finding(last, format!("the books of wallet {wallet} in month {month} are not what its postings come to"));
    }
    Ok(())
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
