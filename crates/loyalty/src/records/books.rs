//! What moved by month, for the books: sums of the postings, kept up to an operation and reckoned on from there.
//!
//! Always holds: what is read is the sum of all postings up to the ledger's head, whether it was kept or not; a posting is counted once. Postings never change, so what
//! is kept stays right, but for a change of the programme's zone, in which months begin elsewhere: then it is reckoned from the beginning.
//!
//! Does not: value anything ([`crate::liability`]).

use std::collections::HashMap;

use jiff::civil::Date;
use rapport_domain::{Calendar, Timestamp, WeekStart, WorkspaceId};
use rapport_store::{Queries, Record, Tx, args, sql};

use super::head::{self, Head};
use super::read::unknown;
use crate::ledger::{Place, WalletId};
use crate::liability::books::{Cell, Month};

/// Operations read at a time, and kept in one step at most.
pub const STEP: u32 = 1_000;
/// What is closer to the head than this is not worth writing down: whoever reads adds it up.
const WORTH: i64 = 2_000;
/// Stands for no vintage: a debt has none.
const NO_VINTAGE: i64 = -1;
/// Years whose months are told apart; what is earlier or later is in the first or the last.
const YEARS: std::ops::Range<i16> = 1990..2101;

/// Where months begin.
#[derive(Clone, Debug)]
pub struct Months {
    zone: String,
    first: Month,
    starts: Vec<Timestamp>,
}

impl Months {
    /// The months of a calendar's zone; `zone` is its name.
    pub fn of(calendar: &Calendar, zone: &str) -> Self {
        let first = |year: i16, month: i8| Date::new(year, month, 1).ok()?.to_zoned(calendar.zone.clone()).ok();
        let start = |(year, month)| Some(first(year, month)?.start_of_day().ok()?.timestamp().into());
        let starts = YEARS.flat_map(|year| (1..=12).map(move |month| (year, month))).filter_map(start).collect();
        Self { zone: zone.to_owned(), first: Month::from(YEARS.start) * 12, starts }
    }

    /// Months that begin at these instants, of which the first is called `first`.
    pub fn at(zone: &str, first: Month, starts: Vec<Timestamp>) -> Self {
        Self { zone: zone.to_owned(), first, starts }
    }

    /// The one that an instant lies in.
    pub fn month(&self, at: Timestamp) -> Month {
        let begun = self.starts.partition_point(|start| *start <= at).max(1) - 1;
        self.first + Month::try_from(begun).unwrap_or(0)
    }

    /// When a month begins; the end of time behind the last.
    pub fn start(&self, month: Month) -> Timestamp {
        let place = usize::try_from((month - self.first).max(0)).unwrap_or(0);
        self.starts.get(place).copied().unwrap_or(Timestamp(i64::MAX))
    }
}

/// By which time a movement belongs to a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// When it was written down: a month that is over never changes.
    Recorded,
    /// When it took effect: what is told late goes where it belongs.
    Effective,
}

/// Which sums: wallet, vintage, the month in which it took effect, the month in which it was written down, from and to.
type Key = (i64, i64, Month, Month, String, String);

/// What a posting says to the books.
#[derive(Record)]
struct Moved {
    wallet: i64,
    earned_at: Option<Timestamp>,
    effective_at: Timestamp,
    recorded_at: Timestamp,
    from_place: String,
    to_place: String,
    amount: i64,
}

/// Sums of what moved, up to the ledger's head.
#[derive(Debug, Default)]
pub struct Sums {
    sums: HashMap<Key, i64>,
    /// Where the ledger ended.
    pub head: Option<Head>,
}

impl Sums {
    /// What moved in a wallet.
    ///
    /// # Errors
    /// A place that this program does not know.
    pub fn cells(&self, wallet: WalletId, basis: Basis) -> rapport_store::Result<Vec<Cell>> {
        let own = self.sums.iter().filter(|((of, ..), _)| *of == wallet.0);
        let cell = |((_, vintage, effective, recorded, from, to), amount): (&Key, &i64)| {
            let month = match basis {
                Basis::Recorded => *recorded,
                Basis::Effective => *effective,
            };
            let place = |key: &str, column| Place::read(key).ok_or_else(|| unknown(column));
            Ok(Cell {
                vintage: Some(*vintage).filter(|vintage| *vintage != NO_VINTAGE),
                month,
                from: place(from, "from_place")?,
                to: place(to, "to_place")?,
                amount: *amount,
            })
        };
        own.map(cell).collect()
    }
}

/// Adds up all postings, those that are kept and those behind. Read it of a snapshot.
///
/// # Errors
/// The store's.
pub async fn read(db: &mut impl Queries, workspace: WorkspaceId, months: &Months) -> rapport_store::Result<Sums> {
    let Some(head) = head::read(db, workspace).await? else { return Ok(Sums::default()) };
    let mut after = mark(db, workspace, months).await?.unwrap_or(0);
    let mut sums = if after > 0 { kept(db, workspace).await? } else { HashMap::new() };
    while after < head.operations {
        let until = (after + i64::from(STEP)).min(head.operations);
        add(db, workspace, months, (after, until), &mut sums).await?;
        after = until;
    }
    Ok(Sums { sums, head: Some(head) })
}

/// The sums that are kept.
async fn kept(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<HashMap<Key, i64>> {
    let kept = sql!(
        "SELECT wallet, vintage, effective_month, recorded_month, from_place, to_place, amount FROM loyalty_books WHERE workspace = $1"
    );
    let rows: Vec<(i64, i64, i64, i64, String, String, i64)> = db.fetch_all(kept, args![workspace]).await?;
    let sum = |(wallet, vintage, effective, recorded, from, to, amount)| {
        ((wallet, vintage, effective, recorded, from, to), amount)
    };
    Ok(rows.into_iter().map(sum).collect())
}

/// The first wallet and month whose kept sums are not what the postings come to.
///
/// # Errors
/// The store's.
pub(crate) async fn wrong(
    db: &mut impl Queries,
    workspace: WorkspaceId,
) -> rapport_store::Result<Option<(WalletId, Month)>> {
    let find = sql!("SELECT zone, operation FROM loyalty_book_marks WHERE workspace = $1");
    let found: Option<(String, i64)> = db.fetch_optional(find, args![workspace]).await?;
    let Some((zone, end)) = found else { return Ok(None) };
    // What is kept in a zone that nobody has is never read.
    let Some(calendar) = Calendar::new(&zone, WeekStart::Monday) else { return Ok(None) };
    let (months, mut sums, mut after) = (Months::of(&calendar, &zone), HashMap::new(), 0);
    while after < end {
        let until = (after + i64::from(STEP)).min(end);
        add(db, workspace, &months, (after, until), &mut sums).await?;
        after = until;
    }
    let kept = kept(db, workspace).await?;
    let keys = sums.keys().chain(kept.keys()).filter(|key| sums.get(*key) != kept.get(*key));
    Ok(keys.min().map(|(wallet, _, month, ..)| (WalletId(*wallet), *month)))
}

/// How many operations are behind what is kept: so many [`read`] has to add up.
///
/// # Errors
/// The store's.
pub async fn behind(db: &mut impl Queries, workspace: WorkspaceId, months: &Months) -> rapport_store::Result<i64> {
    let Some(head) = head::read(db, workspace).await? else { return Ok(0) };
    Ok(head.operations - mark(db, workspace, months).await?.unwrap_or(0))
}

/// Up to which operation the sums are kept; `None` when they are of another zone, or of nothing.
async fn mark(db: &mut impl Queries, workspace: WorkspaceId, months: &Months) -> rapport_store::Result<Option<i64>> {
    let find = sql!("SELECT zone, operation FROM loyalty_book_marks WHERE workspace = $1");
    let found: Option<(String, i64)> = db.fetch_optional(find, args![workspace]).await?;
    Ok(found.filter(|(zone, _)| *zone == months.zone).map(|(_, operation)| operation))
}

/// Adds the postings of the operations behind the first up to the second.
async fn add(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    months: &Months,
    (after, until): (i64, i64),
    sums: &mut HashMap<Key, i64>,
) -> rapport_store::Result<()> {
    let find = sql!(
        "SELECT p.wallet, l.earned_at, p.effective_at, o.recorded_at, p.from_place, p.to_place, p.amount FROM loyalty_postings p
         JOIN loyalty_operations o ON o.operation = p.operation AND o.workspace = p.workspace
         LEFT JOIN loyalty_lots l ON l.lot = p.lot AND l.workspace = p.workspace
         WHERE p.operation > $2 AND p.operation <= $3 AND p.workspace = $1"
    );
    let rows: Vec<Moved> = db.fetch_all(find, args![workspace, after, until]).await?;
    for row in rows {
        let vintage = row.earned_at.map_or(NO_VINTAGE, |at| months.month(at));
        let (effective, recorded) = (months.month(row.effective_at), months.month(row.recorded_at));
        *sums.entry((row.wallet, vintage, effective, recorded, row.from_place, row.to_place)).or_default() +=
            row.amount;
    }
    Ok(())
}

/// A step of the books that is read and can be kept.
#[derive(Debug)]
pub struct Step {
    /// Up to which operation they were kept when it was read; `None` when nothing of this zone was.
    after: Option<i64>,
    until: i64,
    sums: HashMap<Key, i64>,
}

/// Reads the next step, of up to `most` operations, if there is enough behind what is kept.
///
/// # Errors
/// The store's.
pub async fn next(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    months: &Months,
    most: u32,
) -> rapport_store::Result<Option<Step>> {
    let Some(head) = head::read(db, workspace).await? else { return Ok(None) };
    let after = mark(db, workspace, months).await?;
    let from = after.unwrap_or(0);
    if head.operations - from < WORTH {
        return Ok(None);
    }
    let (until, mut sums) = (from + i64::from(most.clamp(1, STEP)), HashMap::new());
    add(db, workspace, months, (from, until), &mut sums).await?;
    Ok(Some(Step { after, until, sums }))
}

/// Keeps a step, unless somebody else did meanwhile.
///
/// # Errors
/// The store's.
pub async fn keep(tx: &mut Tx, workspace: WorkspaceId, months: &Months, step: Step) -> rapport_store::Result<()> {
    let Step { after, until, sums } = step;
    let is_next = match after {
        Some(after) => {
            let go_on = sql!(
                "UPDATE loyalty_book_marks SET operation = $3 WHERE workspace = $1 AND zone = $2 AND operation = $4"
            );
            tx.execute(go_on, args![workspace, &months.zone, until, after]).await? > 0
        }
        None => {
            let begin = sql!(
                "INSERT INTO loyalty_book_marks (workspace, zone, operation) VALUES ($1, $2, $3)
                 ON CONFLICT (workspace) DO UPDATE SET zone = EXCLUDED.zone, operation = EXCLUDED.operation
                     WHERE loyalty_book_marks.zone <> EXCLUDED.zone"
            );
            let is_first = tx.execute(begin, args![workspace, &months.zone, until]).await? > 0;
            if is_first {
                let forget = sql!("DELETE FROM loyalty_books WHERE workspace = $1");
                tx.execute(forget, args![workspace]).await?;
            }
            is_first
        }
    };
    if !is_next {
        return Ok(());
    }
    let add = sql!(
        "INSERT INTO loyalty_books (workspace, wallet, vintage, effective_month, recorded_month, from_place, to_place, amount) VALUES {rows}
         ON CONFLICT (wallet, vintage, effective_month, recorded_month, from_place, to_place, workspace)
             DO UPDATE SET amount = loyalty_books.amount + EXCLUDED.amount"
    );
    let row = |((wallet, vintage, effective, recorded, from, to), amount): (Key, i64)| {
        args![workspace, wallet, vintage, effective, recorded, from, to, amount]
    };
    tx.execute_many(add, sums.into_iter().map(row)).await?;
    Ok(())
}

/// Where the ledger ended before an instant, by when operations were written down: its last operation, and the chain's end as far as it was sealed.
///
/// # Errors
/// The store's.
pub async fn end_before(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    at: Timestamp,
) -> rapport_store::Result<Option<(i64, [u8; 32])>> {
    let Some(head) = head::read(db, workspace).await? else { return Ok(None) };
    if head.recorded_at < at {
        return Ok(Some((head.operations, head.chain)));
    }
    // Operations are numbered without gaps and written down in the order of their instants.
    let (mut low, mut high) = (0, head.operations);
    let find = sql!("SELECT recorded_at FROM loyalty_operations WHERE operation = $2 AND workspace = $1");
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let recorded: Option<Timestamp> = db.scalar(find.clone(), args![workspace, middle]).await?;
        if recorded.is_some_and(|recorded| recorded < at) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let sealed = sql!(
        "SELECT operation, chain FROM loyalty_operations WHERE operation <= $2 AND chain IS NOT NULL AND workspace = $1
         ORDER BY operation DESC LIMIT 1"
    );
    db.fetch_optional(sealed, args![workspace, low]).await
}
