//! What shows when somebody changes a record behind the ledger's back, on both engines.

use rapport_domain::Timestamp;
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger::{Act, Chain, Portion, Shortage, checksum};
use rapport_loyalty::records::{Memory, read};
use rapport_loyalty::verify::verify;
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, Sql, Store, args, db_test, sql};

use super::records::{W, assert_sound, command, earn, lasting, post, prepare};

/// Whatever is changed behind the ledger's back is found, and the first record that does not fit is named.
#[db_test(MIGRATIONS)]
async fn a_changed_record_is_named(db: TestDatabase) {
    prepare(&db, W).await;
    let mut memory = Memory::default();
    for number in 0..6 {
        post(&db, &mut memory, &command(&format!("e{number}"), earn(5)), number).await;
    }
    post(&db, &mut memory, &command("s", Act::Spend { amount: 7 }), 10).await;
    assert_sound(&db, W).await;
    let changes = [
        (sql!("UPDATE loyalty_operations SET amount = amount + 1 WHERE operation = 3"), 3, "checksum"),
        (sql!("UPDATE loyalty_postings SET amount = amount + 1 WHERE posting = 4"), 4, "checksum"),
        (sql!("UPDATE loyalty_operations SET checksum = checksum + 1 WHERE operation = 2"), 2, "checksum"),
        (sql!("DELETE FROM loyalty_operations WHERE operation = 2"), 2, "missing"),
        (sql!("DELETE FROM loyalty_postings WHERE posting = 5"), 5, "checksum"),
        (
            sql!(
                "UPDATE loyalty_operations SET chain = (SELECT chain FROM loyalty_operations WHERE operation = 1) WHERE operation = 5"
            ),
            5,
            "chain",
        ),
        (sql!("UPDATE loyalty_operations SET chain = NULL WHERE operation = 7"), 7, "end of the chain"),
        (
            sql!("UPDATE loyalty_heads SET chain = (SELECT chain FROM loyalty_operations WHERE operation = 1)"),
            7,
            "end of the chain",
        ),
        (sql!("UPDATE loyalty_balances SET available = available + 1"), 7, "balance of member 1"),
        (sql!("UPDATE loyalty_lots SET available = available - 1 WHERE lot = 6"), 7, "lot 6"),
        (sql!("UPDATE loyalty_balances SET opened = ''"), 7, "does not stand once among those"),
        (
            sql!("INSERT INTO loyalty_open_lots (workspace, member, wallet, lot) VALUES (1, 1, 1, 6)"),
            7,
            "lot 6 does not stand once",
        ),
        (sql!("DELETE FROM loyalty_lots WHERE lot = 6"), 7, "lot 6 is missing"),
        (sql!("UPDATE loyalty_heads SET operations = 6"), 7, "head"),
    ];
    assert_named(&db, changes).await;
    // What follows from operations: lot 9 of operation 8, hold 9, what was undone of operation 7, hold 11 that is over.
    post(&db, &mut memory, &command("lapses", lasting(4, 1_000)), 11).await;
    post(&db, &mut memory, &command("hold", Act::Hold { amount: 3, until: Timestamp(900) }), 12).await;
    let undo = Act::Reverse {
        of: "s".into(),
        portion: Portion::Points { amount: 2 },
        shortage: Shortage::IntoArrears,
        grace_until: None,
    };
    post(&db, &mut memory, &command("undo", undo), 13).await;
    post(&db, &mut memory, &command("brief", Act::Hold { amount: 1, until: Timestamp(800) }), 14).await;
    post(&db, &mut memory, &command("over", Act::Release { hold: "brief".into() }), 15).await;
    post(&db, &mut memory, &command("longer", Act::Extend { expires_at: Timestamp(2_000) }), 16).await;
    assert_sound(&db, W).await;
    let changes = [
        (sql!("UPDATE loyalty_lots SET expires_at = expires_at + 1 WHERE lot = 9"), 8, "lot 9"),
        (sql!("UPDATE loyalty_lots SET expires_at = NULL WHERE lot = 9"), 8, "lot 9"),
        (sql!("UPDATE loyalty_lots SET expires_at = 5000 WHERE lot = 6"), 6, "lot 6"),
        (sql!("UPDATE loyalty_lots SET earned_at = earned_at - 1 WHERE lot = 6"), 6, "lot 6"),
        (sql!("UPDATE loyalty_lots SET active_from = active_from - 1 WHERE lot = 6"), 6, "lot 6"),
        (sql!("UPDATE loyalty_lots SET amount = amount + 1 WHERE lot = 6"), 6, "lot 6"),
        (sql!("UPDATE loyalty_lots SET origin = 1 WHERE lot = 6"), 6, "lot 6"),
        (sql!("UPDATE loyalty_lots SET operation = 1 WHERE lot = 6"), 6, "lot 6"),
        (sql!("DELETE FROM loyalty_lots WHERE lot = 1"), 13, "lot 1 is missing"),
        (sql!("UPDATE loyalty_operations SET reversed = 0 WHERE operation = 7"), 7, "2 were"),
        (sql!("UPDATE loyalty_operations SET reversed = 1 WHERE operation = 3"), 3, "undone"),
        (sql!("UPDATE loyalty_operations SET id = 'another' WHERE operation = 3"), 3, "checksum"),
        (
            sql!(
                "UPDATE loyalty_operations SET fingerprint = (SELECT fingerprint FROM loyalty_operations WHERE operation = 7) WHERE operation = 3"
            ),
            3,
            "checksum",
        ),
        (sql!("UPDATE loyalty_operations SET terms = NULL WHERE operation = 8"), 8, "checksum"),
        (sql!("UPDATE loyalty_operations SET terms = '' WHERE operation = 13"), 13, "checksum"),
        (sql!("UPDATE loyalty_holds SET state = 'released' WHERE hold = 9"), 9, "hold 9"),
        (sql!("UPDATE loyalty_holds SET amount = amount + 1 WHERE hold = 9"), 9, "hold 9"),
        (sql!("UPDATE loyalty_holds SET until = until + 1 WHERE hold = 9"), 9, "hold 9"),
        (sql!("UPDATE loyalty_holds SET member = 2 WHERE hold = 9"), 9, "hold 9"),
        (sql!("UPDATE loyalty_holds SET state = 'open' WHERE hold = 11"), 11, "hold 11"),
        (sql!("DELETE FROM loyalty_holds WHERE hold = 11"), 11, "hold 11 is missing"),
        (sql!("UPDATE loyalty_flows SET amount = amount + 1"), 13, "sum of hour"),
        (sql!("DELETE FROM loyalty_flows WHERE to_place = 'spent'"), 13, "sum of hour"),
        (
            sql!("INSERT INTO loyalty_book_marks (workspace, zone, operation) VALUES (1, 'UTC', 13)"),
            13,
            "the books of wallet 1",
        ),
    ];
    assert_named(&db, changes).await;
    assert_sound(&db, W).await;
}

/// Each change is found, and the first finding names the operation and says this.
async fn assert_named(db: &Store, changes: impl IntoIterator<Item = (Sql, i64, &str)>) {
    for (change, operation, says) in changes {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        tx.execute(change.clone(), args![]).await.unwrap();
        let found = verify(&mut tx, W).await.unwrap().findings;
        let first = found.first().unwrap_or_else(|| panic!("{change:?} is not found"));
        assert!(first.operation == operation && first.what.contains(says), "{change:?}: {found:?}");
        tx.rollback().await.unwrap();
    }
}

/// Operations from before terms were kept have the checksum that they had; what is posted behind them has terms, also of their lots.
#[db_test(MIGRATIONS)]
async fn operations_of_before_are_sound(db: TestDatabase) {
    prepare(&db, W).await;
    let mut memory = Memory::default();
    post(&db, &mut memory, &command("e", lasting(9, 100)), 1).await;
    post(&db, &mut memory, &command("hold", Act::Hold { amount: 2, until: Timestamp(50) }), 2).await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let mut chain = Chain::default();
    for mut operation in read::journal(&mut tx, W, 0, 10).await.unwrap() {
        operation.terms = None;
        chain = chain.with([&operation]);
        let save = sql!(
            "UPDATE loyalty_operations SET terms = NULL, checksum = $3, chain = $4 WHERE operation = $2 AND workspace = $1"
        );
        tx.execute(save, args![W, operation.number, checksum(&operation), chain.0]).await.unwrap();
    }
    tx.execute(sql!("UPDATE loyalty_heads SET chain = $2 WHERE workspace = $1"), args![W, chain.0]).await.unwrap();
    tx.commit().await.unwrap();
    assert_sound(&db, W).await;
    let changes = [
        (sql!("UPDATE loyalty_lots SET amount = amount + 1"), 1, "lot 1"),
        (sql!("UPDATE loyalty_lots SET earned_at = 0"), 1, "lot 1"),
        (sql!("UPDATE loyalty_holds SET state = 'captured'"), 2, "hold 2"),
    ];
    assert_named(&db, changes).await;
    post(&db, &mut Memory::default(), &command("longer", Act::Extend { expires_at: Timestamp(200) }), 3).await;
    assert_sound(&db, W).await;
    assert_named(&db, [(sql!("UPDATE loyalty_lots SET expires_at = 300"), 1, "lot 1")]).await;
}
