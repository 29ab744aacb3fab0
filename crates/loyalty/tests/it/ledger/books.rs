//! The books by month, on both engines: whatever happens, they come to the balances that the ledger has as of each month's end, however much of them is kept.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger::{Act, Command, MemberId, Place, Source, Wallet, WalletId};
use rapport_loyalty::liability::books::{Cell, Month, Pricing, books, vintages};
use rapport_loyalty::records::books::{Basis, Months, STEP, Sums, behind, end_before, keep, next, read as read_books};
use rapport_loyalty::records::{self, Memory, read, wallets};
use rapport_loyalty::verify::verify;
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, Queries, Store, args, db_test, sql};

use super::oracle::commands::{self, MEMBERS, WALLETS};

const W: WorkspaceId = WorkspaceId(1);
/// Months of five: short enough that stories live through many of them.
const LENGTH: i64 = 5;
const MONTHS: i64 = 60;

fn months() -> Months {
    Months::at("Here", 0, (0..MONTHS).map(|month| Timestamp(month * LENGTH)).collect())
}

async fn prepare(db: &Store) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for id in WALLETS {
        let wallet = Wallet { amount_max: 1_000, balance_max: Some(60), arrears_max: 7 };
        assert_eq!(wallets::save(&mut tx, W, &format!("wallet{}", id.0), &wallet).await.unwrap(), id);
    }
    for (member, standing) in commands::standings() {
        let insert = sql!(
            "INSERT INTO loyalty_members (workspace, member, person, standing, enrolled_at) VALUES ($1, $2, $3, $4, $5)"
        );
        let row = args![W, member.0, PersonId(100 + member.0), standing, Timestamp(0)];
        tx.execute(insert, row).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn sums(db: &Store, months: &Months) -> Sums {
    read_books(&mut db.snapshot().await.unwrap(), W, months).await.unwrap()
}

/// What members had, less what they owed, by what had taken effect and was written down before an instant: one member after the other.
async fn had(db: &Store, wallet: WalletId, effective: Timestamp, recorded: Timestamp) -> i64 {
    let (mut has, last) = (0, |before: Timestamp| Timestamp(before.0 - 1));
    for member in MEMBERS {
        let key = (member, wallet);
        let it = read::balance_as_of(&mut db.read(), W, key, last(effective), last(recorded)).await.unwrap();
        has += it.pending + it.available + it.held - it.owed;
    }
    has
}

#[db_test(MIGRATIONS)]
async fn each_month_closes_with_what_the_ledger_says(db: TestDatabase) {
    prepare(&db).await;
    let mut runner = TestRunner::deterministic();
    let mut stories = std::iter::from_fn(|| Some(commands::story(220).new_tree(&mut runner).unwrap().current()));
    let story = stories.find(|story| story.len() > 180).unwrap();
    let (mut now, mut memory) = (0_i64, Memory::default());
    for (wait, command) in story {
        now += wait;
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        records::post(&mut tx, &mut memory, W, &[vec![command]], Timestamp(now)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let (months, end) = (months(), Timestamp(i64::MAX));
    let sums = sums(&db, &months).await;
    let mut moved = BTreeSet::new();
    for (wallet, basis) in WALLETS.into_iter().flat_map(|it| [(it, Basis::Recorded), (it, Basis::Effective)]) {
        let cells = sums.cells(wallet, basis).unwrap();
        moved.extend(cells.iter().map(|cell| (cell.from, cell.to)));
        let rows = books(&cells, &Pricing { worth: 10_000, ..Pricing::default() }, months.month(Timestamp(now)));
        assert!(rows.len() > 3, "{rows:?}");
        for row in rows {
            let over = months.start(row.month + 1);
            let expected = match basis {
                Basis::Recorded => had(&db, wallet, end, over).await,
                Basis::Effective => had(&db, wallet, over, end).await,
            };
            assert_eq!(row.closing, expected, "{wallet:?} {basis:?} {row:?}");
            let left: i64 = vintages(&cells, row.month).iter().map(|(_, _, all)| all.left()).sum();
            assert_eq!(left, row.closing + row.owed, "what is left of the lots is what members have: {row:?}");
        }
    }
    assert!(moved.len() >= 12, "everything moves: {moved:?}");
    for month in 1..months.month(Timestamp(now)) {
        let found = end_before(&mut db.read(), W, months.start(month)).await.unwrap();
        let slow = sql!("SELECT operation, recorded_at, chain FROM loyalty_operations WHERE workspace = $1");
        let rows: Vec<(i64, Timestamp, Option<[u8; 32]>)> = db.read().fetch_all(slow, args![W]).await.unwrap();
        let before = rows.into_iter().filter(|(_, at, chain)| *at < months.start(month) && chain.is_some());
        let last = before.max_by_key(|row| row.0).map(|(operation, _, chain)| (operation, chain.unwrap()));
        assert_eq!(found, last, "{month}");
    }
}

fn earned(id: i64, member: MemberId, at: i64) -> Command {
    let act = Act::Earn { amount: 1, earned_at: Some(Timestamp(at)), active_from: None, expires_at: None };
    Command { id: format!("e{id}"), member, wallet: WALLETS[0], act, source: Source::default() }
}

/// More operations than are written down at a time.
#[db_test(MIGRATIONS)]
async fn what_is_kept_is_what_would_be_added_up(db: TestDatabase) {
    prepare(&db).await;
    let roomy = Wallet { amount_max: 1_000, balance_max: None, arrears_max: 0 };
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    wallets::save(&mut tx, W, "wallet1", &roomy).await.unwrap();
    let lists: Vec<Vec<Command>> =
        (0..2_600).map(|id| vec![earned(id, MEMBERS[usize::try_from(id % 2).unwrap()], id % 40)]).collect();
    records::post(&mut tx, &mut Memory::default(), W, &lists, Timestamp(40)).await.unwrap();
    tx.commit().await.unwrap();
    let sorted = |sums: &Sums| {
        let mut cells = sums.cells(WALLETS[0], Basis::Effective).unwrap();
        cells.sort_by_key(|cell| (cell.vintage, cell.month));
        cells
    };
    let months = months();
    let before = sorted(&sums(&db, &months).await);
    let all: Vec<Cell> = (0..8)
        .map(|month: Month| {
            let (from, to) = (Place::Issued, Place::Available);
            Cell { vintage: Some(month), month, from, to, amount: 5 * 65 }
        })
        .collect();
    assert_eq!(before, all);
    assert_eq!(behind(&mut db.read(), W, &months).await.unwrap(), 2_600, "nothing is kept yet");
    // Two servers read the same step: it counts once.
    let step = || async { next(&mut db.read(), W, &months, 250).await.unwrap() };
    let (one, other) = (step().await.unwrap(), step().await.unwrap());
    for step in [one, other] {
        let mut tx = db.begin(Priority::Background).await.unwrap();
        keep(&mut tx, W, &months, step).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(behind(&mut db.read(), W, &months).await.unwrap(), 2_350, "no more in a turn than were asked for");
    let mut turns = 1;
    while let Some(step) = step().await {
        let mut tx = db.begin(Priority::Background).await.unwrap();
        keep(&mut tx, W, &months, step).await.unwrap();
        tx.commit().await.unwrap();
        turns += 1;
    }
    assert_eq!(turns, 3, "what is left is not worth it");
    assert_eq!(behind(&mut db.read(), W, &months).await.unwrap(), 1_850);
    let kept: Option<i64> =
        db.read().scalar(sql!("SELECT CAST(SUM(amount) AS BIGINT) FROM loyalty_books"), args![]).await.unwrap();
    assert_eq!(kept, Some(750));
    assert_eq!(sorted(&sums(&db, &months).await), before);
    // In another zone months begin elsewhere: it is all reckoned again.
    let shifted = Months::at("There", 0, vec![Timestamp(0), Timestamp(20)]);
    let again = sorted(&sums(&db, &shifted).await);
    assert_eq!(
        again.iter().map(|cell| (cell.vintage, cell.amount)).collect::<Vec<_>>(),
        [(Some(0), 1_300), (Some(1), 1_300)]
    );
    let step = next(&mut db.read(), W, &shifted, STEP).await.unwrap().unwrap();
    let mut tx = db.begin(Priority::Background).await.unwrap();
    keep(&mut tx, W, &shifted, step).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sorted(&sums(&db, &shifted).await), again);
    // In a zone that there is, `verify` reckons them as well.
    let utc = Months::of(&Calendar::default(), "UTC");
    let step = next(&mut db.read(), W, &utc, STEP).await.unwrap().unwrap();
    let mut tx = db.begin(Priority::Background).await.unwrap();
    keep(&mut tx, W, &utc, step).await.unwrap();
    assert_eq!(verify(&mut tx, W).await.unwrap().findings, []);
    tx.execute(sql!("UPDATE loyalty_books SET amount = amount + 1"), args![]).await.unwrap();
    let found = verify(&mut tx, W).await.unwrap().findings;
    assert!(matches!(&found[..], [one] if one.what.contains("the books of wallet 1")), "{found:?}");
    tx.rollback().await.unwrap();
}
