//! Reading the ledger: operations and postings, lots and holds, what a balance was and why.

use std::collections::{BTreeMap, HashMap};

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Row, args, sql};

use super::{jurisdictions, load, members, open_lots, trail};
use crate::Error;
use crate::ledger::{
    Account, AccountKey, Balance, Hold, HoldState, Kind, Ledger, Lot, LotId, MemberId, Operation, Place, Posting,
    Refusal, Source, Terms, WalletId,
};

type Result<T> = rapport_store::Result<T>;

/// A word of the database that this program does not know.
pub(super) fn unknown(column: &'static str) -> rapport_store::Error {
    rapport_store::Error::Decode { column: column.into(), reason: "it is no word of the ledger".into() }
}

impl Record for Operation {
    fn from_row(row: &Row) -> Result<Self> {
        let refused: Option<String> = row.get("refused")?;
        let refused = refused.map(|code| Refusal::read(&code).ok_or_else(|| unknown("refused"))).transpose()?;
        let terms: Option<String> = row.get("terms")?;
        let terms = terms.map(|text| Terms::read(&text).ok_or_else(|| unknown("terms"))).transpose()?;
        Ok(Self {
            number: row.get("operation")?,
            id: row.get("id")?,
            kind: Kind::read(&row.get::<String>("kind")?).ok_or_else(|| unknown("kind"))?,
            wallet: WalletId(row.get("wallet")?),
            member: MemberId(row.get("member")?),
            amount: row.get("amount")?,
            short: row.get("short")?,
            refused,
            reference: row.get("reference")?,
            reversed: row.get("reversed")?,
            fingerprint: row.get("fingerprint")?,
            after: Balance {
                pending: row.get("pending")?,
                available: row.get("available")?,
                held: row.get("held")?,
                owed: row.get("owed")?,
            },
            effective_at: row.get("effective_at")?,
            recorded_at: row.get("recorded_at")?,
            postings: Vec::new(),
            terms,
            source: Source {
                kind: row.get("source_kind")?,
                reference: row.get("source_reference")?,
                by: row.get("source_by")?,
                reason: row.get("source_reason")?,
                asked: None,
            },
        })
    }
}

/// Which account a row is of.
fn account(row: &Row) -> Result<AccountKey> {
    Ok((MemberId(row.get("member")?), WalletId(row.get("wallet")?)))
}

/// A posting and the operation it belongs to.
pub(crate) struct PostingRow {
    pub operation: i64,
    pub posting: Posting,
}

impl Record for PostingRow {
    fn from_row(row: &Row) -> Result<Self> {
        let place = |name: &'static str| Place::read(&row.get::<String>(name)?).ok_or_else(|| unknown(name));
        let posting = Posting {
            number: row.get("posting")?,
            member: MemberId(row.get("member")?),
            wallet: WalletId(row.get("wallet")?),
            from: place("from_place")?,
            to: place("to_place")?,
            amount: row.get("amount")?,
            lot: row.get::<Option<i64>>("lot")?.map(LotId),
            effective_at: row.get("effective_at")?,
        };
        Ok(Self { operation: row.get("operation")?, posting })
    }
}

/// Read by position and with no column more, since there can be thousands: `SELECT lot, operation, amount, pending, available, held, earned_at, active_from, expires_at,
/// origin`.
impl Record for Lot {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: LotId(row.at(0)?),
            operation: row.at(1)?,
            amount: row.at(2)?,
            pending: row.at(3)?,
            available: row.at(4)?,
            held: row.at(5)?,
            earned_at: row.at(6)?,
            active_from: row.at(7)?,
            expires_at: row.at(8)?,
            origin: row.at::<Option<i64>>(9)?.map(LotId),
        })
    }
}

/// A lot and the account it lies in: as [`Lot`], then `member, wallet`.
pub(crate) struct LotRow {
    pub key: AccountKey,
    pub lot: Lot,
}

impl Record for LotRow {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { key: (MemberId(row.at(10)?), WalletId(row.at(11)?)), lot: Lot::from_row(row)? })
    }
}

/// A hold and the account it belongs to; its lots are in the postings of its operation.
pub(crate) struct HoldRow {
    pub key: AccountKey,
    pub hold: Hold,
}

impl Record for HoldRow {
    fn from_row(row: &Row) -> Result<Self> {
        let hold = Hold {
            operation: row.get("hold")?,
            amount: row.get("amount")?,
            until: row.get("until")?,
            state: HoldState::read(&row.get::<String>("state")?).ok_or_else(|| unknown("state"))?,
            lots: Vec::new(),
        };
        Ok(Self { key: account(row)?, hold })
    }
}

/// Operations by id, without their postings.
pub(super) async fn by_ids(db: &mut impl Queries, workspace: WorkspaceId, ids: &[String]) -> Result<Vec<Operation>> {
    let find = sql!("SELECT * FROM loyalty_operations WHERE id IN ($2) AND workspace = $1");
    db.fetch_all(find, args![workspace, ids]).await
}

/// The postings of these operations, in order.
pub(super) async fn postings_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    operations: &[i64],
) -> Result<HashMap<i64, Vec<Posting>>> {
    let find = sql!("SELECT * FROM loyalty_postings WHERE operation IN ($2) AND workspace = $1 ORDER BY posting");
    let rows: Vec<PostingRow> = db.fetch_all(find, args![workspace, operations]).await?;
    let mut found: HashMap<i64, Vec<Posting>> = HashMap::new();
    for row in rows {
        found.entry(row.operation).or_default().push(row.posting);
    }
    Ok(found)
}

/// Operations with what moved in each.
pub(super) async fn with_postings(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    mut operations: Vec<Operation>,
) -> Result<Vec<Operation>> {
    if operations.is_empty() {
        return Ok(operations);
    }
    let numbers: Vec<i64> = operations.iter().map(|operation| operation.number).collect();
    let mut postings = postings_of(db, workspace, &numbers).await?;
    for operation in &mut operations {
        operation.postings = postings.remove(&operation.number).unwrap_or_default();
    }
    Ok(operations)
}

/// A member's operations, newest first, before `before`, with their postings; those of numbers that were merged into theirs too.
///
/// # Errors
/// The store's.
pub async fn history(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    member: MemberId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Operation>> {
    let before = before.unwrap_or(i64::MAX);
    let numbers: Vec<i64> = members::numbers(db, workspace, member).await?.iter().map(|number| number.0).collect();
    // Points came, went or stood still: what moved is found by the trail, so that whoever received points finds that too.
    let moved = trail::latest(db, workspace, &numbers, before, limit).await?;
    let find = sql!(
        "SELECT * FROM loyalty_operations WHERE workspace = $1 AND operation IN (
             SELECT operation FROM loyalty_operations WHERE operation IN ($5) AND workspace = $1
             UNION ALL SELECT operation FROM (SELECT operation FROM loyalty_operations
                 WHERE member IN ($2) AND operation < $3 AND workspace = $1 AND (refused IS NOT NULL OR kind = 'extend')
                 ORDER BY operation DESC LIMIT $4) still)
         ORDER BY operation DESC LIMIT $4"
    );
    let found = db.fetch_all(find, args![workspace, &numbers, before, limit, &moved]).await?;
    with_postings(db, workspace, found).await
}

/// Operations after `after` in the order in which they were written down, with their postings.
///
/// # Errors
/// The store's.
pub async fn journal(db: &mut impl Queries, workspace: WorkspaceId, after: i64, limit: u32) -> Result<Vec<Operation>> {
    let find =
        sql!("SELECT * FROM loyalty_operations WHERE operation > $2 AND workspace = $1 ORDER BY operation LIMIT $3");
    let found = db.fetch_all(find, args![workspace, after, limit]).await?;
    with_postings(db, workspace, found).await
}

/// A member's lots of which something is left, in the order in which they are used.
///
/// # Errors
/// The store's.
pub async fn lots(db: &mut impl Queries, workspace: WorkspaceId, key: AccountKey) -> Result<Vec<Lot>> {
    let mut lots = open_lots::of(db, workspace, &[key.0.0], Vec::new()).await?.remove(&key).unwrap_or_default().lots;
    // Of thousands of rows SQLite would sort every column.
    lots.sort_unstable_by_key(Lot::turn);
    Ok(lots)
}

/// When what is left in a wallet lapses, over all members: (the end, how many), the nearest first and what never lapses last.
///
/// # Errors
/// The store's.
pub async fn lapsing(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wallet: WalletId,
) -> Result<Vec<(Option<Timestamp>, i64)>> {
    let find = sql!(
        "SELECT expires_at, CAST(SUM(pending + available + held) AS BIGINT) FROM loyalty_lots
         WHERE workspace = $1 AND wallet = $2 AND pending + available + held > 0 GROUP BY expires_at ORDER BY expires_at NULLS LAST"
    );
    db.fetch_all(find, args![workspace, wallet.0]).await
}

/// All accounts of some members as they stand now: what is due by then counts, whether it was posted already or not.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn accounts(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
    now: Timestamp,
) -> std::result::Result<BTreeMap<AccountKey, Account>, Error> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!(
        "SELECT member, wallet, owed, active_at, opened FROM loyalty_balances WHERE member IN ($2) AND workspace = $1"
    );
    let rows: Vec<(i64, i64, i64, Option<Timestamp>, String)> =
        db.fetch_all(find, args![workspace, numbers.as_slice()]).await?;
    let mut stored: BTreeMap<AccountKey, (i64, Option<Timestamp>)> = BTreeMap::new();
    let mut newest = Vec::new();
    for (member, wallet, owed, active_at, opened) in rows {
        stored.insert((MemberId(member), WalletId(wallet)), (owed, active_at));
        newest.extend(trail::numbers(&opened)?);
    }
    let keys: Vec<AccountKey> = stored.keys().copied().collect();
    let mut ledger = Ledger::default();
    ledger.guards = jurisdictions::guards_of(db, workspace, members).await?;
    for (key, load::Parts { lots, holds, .. }) in load::read(db, workspace, &keys, newest).await? {
        let (owed, active_at) = stored[&key];
        ledger.accounts.insert(key, Account::stored(owed, lots, holds).active(active_at));
    }
    for key in keys {
        ledger.settle(key, now, Timestamp(i64::MIN));
    }
    Ok(ledger.accounts.into_iter().collect())
}

/// When something was last written down in any account of these members; those without an account are left out.
///
/// # Errors
/// The store's.
pub async fn moved_at(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> Result<HashMap<MemberId, Timestamp>> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!(
        "SELECT b.member, MAX(o.recorded_at) FROM loyalty_balances b
         JOIN loyalty_operations o ON o.operation = b.operation AND o.workspace = b.workspace
         WHERE b.member IN ($2) AND b.workspace = $1 GROUP BY b.member"
    );
    let rows: Vec<(i64, Timestamp)> = db.fetch_all(find, args![workspace, numbers.as_slice()]).await?;
    Ok(rows.into_iter().map(|(member, at)| (MemberId(member), at)).collect())
}

/// What the postings say an account came to: those that had taken effect by `effective` and were written down by `recorded`.
///
/// # Errors
/// The store's.
pub async fn balance_as_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    key: AccountKey,
    effective: Timestamp,
    recorded: Timestamp,
) -> Result<Balance> {
    let operations = trail::operations(db, workspace, &[key.0.0]).await?;
    let sums = sql!(
        "SELECT p.from_place, p.to_place, CAST(SUM(p.amount) AS BIGINT) FROM loyalty_postings p
         JOIN loyalty_operations o ON o.operation = p.operation AND o.workspace = p.workspace
         WHERE p.operation IN ($6) AND p.member = $2 AND p.workspace = $1 AND p.wallet = $3 AND p.effective_at <= $4 AND o.recorded_at <= $5
         GROUP BY p.from_place, p.to_place"
    );
    let rows: Vec<(String, String, i64)> =
        db.fetch_all(sums, args![workspace, key.0.0, key.1.0, effective, recorded, &operations]).await?;
    let mut balance = Balance::default();
    for (from, to, amount) in rows {
        balance.add(Place::read(&from).ok_or_else(|| unknown("from_place"))?, -amount);
        balance.add(Place::read(&to).ok_or_else(|| unknown("to_place"))?, amount);
    }
    Ok(balance)
}

/// Accounts in which something is due, those that wait longest first.
pub(super) async fn due(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    now: Timestamp,
    most: u32,
) -> Result<Vec<AccountKey>> {
    let find = sql!(
        "SELECT member, wallet FROM loyalty_balances WHERE workspace = $1 AND due_at <= $2 AND due_at IS NOT NULL
         ORDER BY due_at LIMIT $3"
    );
    let rows: Vec<(i64, i64)> = db.fetch_all(find, args![workspace, now, most]).await?;
    Ok(rows.into_iter().map(|(member, wallet)| (MemberId(member), WalletId(wallet))).collect())
}

/// Accounts of these members in which something is due.
pub(super) async fn due_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
    now: Timestamp,
) -> Result<Vec<AccountKey>> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find =
        sql!("SELECT member, wallet FROM loyalty_balances WHERE member IN ($2) AND +workspace = $1 AND due_at <= $3");
    let rows: Vec<(i64, i64)> = db.fetch_all(find, args![workspace, &numbers, now]).await?;
    Ok(rows.into_iter().map(|(member, wallet)| (MemberId(member), WalletId(wallet))).collect())
}
