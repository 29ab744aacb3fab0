//! What stands with the balances instead of in indexes: trails, by which a member's operations are found, and open lots.

use std::collections::BTreeSet;

use super::oracle::commands::{self, MEMBERS, Step, WALLETS};
use super::records::{W, assert_sound, merge_in, prepare};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger::{Act, Command, Kind, MemberId, Operation, Portion, Shortage, Source};
use rapport_loyalty::records::{self, Memory, members, read};
use rapport_loyalty::verify::verify;
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, Queries, Sql, Store, args, db_test, sql};

/// Everything that happens in a life, several commands in a batch.
async fn live(db: &Store, workspace: WorkspaceId, steps: Vec<(i64, Step)>) {
    prepare(db, workspace).await;
    let (mut memory, mut now, mut batch) = (Memory::default(), 0, Vec::new());
    for (wait, step) in steps {
        now += wait;
        match step {
            Step::Do(command) => batch.push(vec![*command]),
            Step::Merge(from, to) if from > to => merge_in(db, workspace, from, to, Timestamp(now)).await,
            Step::Merge(..) => {}
        }
        if batch.len() == 9 {
            post(db, &mut memory, workspace, &std::mem::take(&mut batch), now).await;
        }
    }
    post(db, &mut memory, workspace, &batch, now).await;
}

async fn post(db: &Store, memory: &mut Memory, workspace: WorkspaceId, lists: &[Vec<Command>], now: i64) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::post(&mut tx, memory, workspace, lists, Timestamp(now)).await.unwrap();
    tx.commit().await.unwrap();
}

const fn adjust(amount: i64) -> Act {
    Act::Adjust { amount, expires_at: None, into_arrears: false }
}

/// The slow and obvious way: every operation is looked at.
fn concerns(operation: &Operation, numbers: &BTreeSet<MemberId>) -> bool {
    let stands_still = operation.refused.is_some() || operation.kind == Kind::Extend;
    (stands_still && numbers.contains(&operation.member))
        || operation.postings.iter().any(|posting| numbers.contains(&posting.member))
}

#[db_test(MIGRATIONS)]
async fn histories_are_what_looking_at_every_operation_finds(db: TestDatabase) {
    let mut runner = TestRunner::deterministic();
    for number in 0..4 {
        let workspace = WorkspaceId(300 + number);
        live(&db, workspace, commands::life(260).new_tree(&mut runner).unwrap().current()).await;
        let mut db = db.read();
        let journal = read::journal(&mut db, workspace, 0, 10_000).await.unwrap();
        for member in MEMBERS {
            let numbers: BTreeSet<MemberId> =
                members::numbers(&mut db, workspace, member).await.unwrap().into_iter().collect();
            let wanted: Vec<i64> =
                journal.iter().rev().filter(|it| concerns(it, &numbers)).map(|it| it.number).collect();
            for limit in [1, 5, 16, 1_000] {
                let (mut found, mut before) = (Vec::new(), None);
                loop {
                    let page = read::history(&mut db, workspace, member, before, limit).await.unwrap();
                    let Some(last) = page.last() else { break };
                    before = Some(last.number);
                    found.extend(page.iter().map(|it| it.number));
                }
                assert_eq!(found, wanted, "{member:?}, {limit} at a time");
            }
        }
    }
}

/// However many operations of a member a batch has, and however many batches there are.
#[db_test(MIGRATIONS)]
async fn whole_rows_are_written_once_and_the_rest_stands_with_the_balance(db: TestDatabase) {
    prepare(&db, W).await;
    let (mut memory, mut posted) = (Memory::default(), 0);
    for size in [1, 14, 1, 1, 40, 16, 7] {
        let one = |number: i64| {
            let act = adjust(if number % 2 == 0 { 1 } else { -1 });
            vec![Command {
                id: format!("a{number}"),
                member: MEMBERS[0],
                wallet: WALLETS[0],
                act,
                source: Source::default(),
            }]
        };
        let lists: Vec<Vec<Command>> = (posted..posted + size).map(one).collect();
        post(&db, &mut memory, W, &lists, posted).await;
        posted += size;
        let rows = db.read().scalar::<i64>(sql!("SELECT COUNT(*) FROM loyalty_trails"), args![]).await.unwrap();
        assert_eq!(rows, posted / 16);
        assert_sound(&db, W).await;
    }
    // Whoever begins anew goes on where the others were.
    let earn = Command {
        id: "last".into(),
        member: MEMBERS[0],
        wallet: WALLETS[0],
        act: adjust(1),
        source: Source::default(),
    };
    post(&db, &mut Memory::default(), W, &[vec![earn]], posted).await;
    assert_sound(&db, W).await;
    for change in [
        sql!("UPDATE loyalty_trails SET operations = '1' WHERE last = 16"),
        sql!("DELETE FROM loyalty_trails WHERE last = 32"),
        sql!("UPDATE loyalty_balances SET trail = ''"),
        sql!("UPDATE loyalty_trails SET member = 2 WHERE last = 16"),
    ] {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        tx.execute(change, args![]).await.unwrap();
        let found = verify(&mut tx, W).await.unwrap().findings;
        assert!(found.iter().any(|it| it.what.starts_with("the trail of member 1")), "{found:?}");
        tx.rollback().await.unwrap();
    }
}

/// A ledger from before there were trails gets them from its postings, and its open lots from its lots.
#[db_test(MIGRATIONS)]
async fn ledgers_of_before_get_what_they_lack(db: TestDatabase) {
    let mut runner = TestRunner::deterministic();
    for number in 0..2 {
        let life = commands::life(260).new_tree(&mut runner).unwrap().current();
        live(&db, WorkspaceId(400 + number), life).await;
    }
    let migration = MIGRATIONS.list.iter().find(|it| it.name == "trails of accounts").unwrap().sql;
    let fill = &migration[migration.find("INSERT").unwrap()..migration.find("ALTER").unwrap()];
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    tx.execute(sql!("DELETE FROM loyalty_trails"), args![]).await.unwrap();
    tx.execute(sql!("UPDATE loyalty_balances SET trail = ''"), args![]).await.unwrap();
    tx.execute(Sql::assembled(fill.trim().trim_end_matches(';').to_owned()), args![]).await.unwrap();
    let migration = MIGRATIONS.list.iter().find(|it| it.number == 34).unwrap().sql;
    let fill = &migration[migration.find("INSERT").unwrap()..migration.find("ALTER").unwrap()];
    tx.execute(sql!("DELETE FROM loyalty_open_lots"), args![]).await.unwrap();
    tx.execute(sql!("UPDATE loyalty_balances SET opened = ''"), args![]).await.unwrap();
    tx.execute(Sql::assembled(fill.trim().trim_end_matches(';').to_owned()), args![]).await.unwrap();
    tx.commit().await.unwrap();
    for number in 0..2 {
        assert_sound(&db, WorkspaceId(400 + number)).await;
    }
}

/// What stands with the balance comes into the table, and what is used up goes out of it, a few at a time; nothing that is left is ever missed.
#[db_test(MIGRATIONS)]
async fn open_lots_stand_in_one_place(db: TestDatabase) {
    prepare(&db, W).await;
    let mut memory = Memory::default();
    let of = |id: String, act: Act| {
        vec![Command { id, member: MEMBERS[0], wallet: WALLETS[0], act, source: Source::default() }]
    };
    let earn = Act::Earn { amount: 1, earned_at: None, active_from: None, expires_at: None };
    let table =
        async || db.read().scalar::<i64>(sql!("SELECT COUNT(*) FROM loyalty_open_lots"), args![]).await.unwrap();
    let (mut number, mut seen) = (0, Vec::new());
    // Up, half down, up again, and all down: one after the other, and many in a batch.
    for (count, gives) in
        [(16, true), (1, true), (8, false), (20, true), (25, false), (4, false), (30, true), (30, false)]
    {
        let size = if number % 2 == 0 { 1 } else { 7 };
        let all: Vec<Vec<Command>> = (0..count)
            .map(|_| {
                number += 1;
                of(format!("o{number}"), if gives { earn.clone() } else { Act::Spend { amount: 1 } })
            })
            .collect();
        for lists in all.chunks(size) {
            post(&db, &mut memory, W, lists, number).await;
            assert_sound(&db, W).await;
            let left = read::lots(&mut db.read(), W, (MEMBERS[0], WALLETS[0])).await.unwrap().len();
            let stored = read::accounts(&mut db.read(), W, &MEMBERS[..1], Timestamp(number)).await.unwrap();
            assert_eq!(left, stored[&(MEMBERS[0], WALLETS[0])].lots().count());
        }
        seen.push(table().await);
        // Whoever begins anew goes on where the others were.
        memory = if count % 3 == 0 { Memory::default() } else { memory };
    }
    assert_eq!(seen.first(), Some(&0), "sixteen stand with the balance");
    assert!(seen[1] == 17 && seen.iter().any(|it| (1..17).contains(it)), "{seen:?}");
    // A lot that was used up and comes back stands there again.
    let back =
        Act::Reverse { of: "o134".into(), portion: Portion::Rest, shortage: Shortage::IntoArrears, grace_until: None };
    post(&db, &mut memory, W, &[of("back".into(), back)], number).await;
    assert_eq!(read::lots(&mut db.read(), W, (MEMBERS[0], WALLETS[0])).await.unwrap().len(), 1);
    assert_sound(&db, W).await;
}

/// Whoever reads while others post sees the lots of one instant: none twice, and none of a batch without the others.
#[db_test(MIGRATIONS)]
async fn lots_are_read_as_of_one_instant(db: TestDatabase) {
    const TOGETHER: usize = 5;
    prepare(&db, W).await;
    let key = (MEMBERS[0], WALLETS[0]);
    let store = db.store.clone();
    let writing = tokio::spawn(async move {
        let mut memory = Memory::default();
        for batch in 0..600_i64 {
            let gives = batch / 11 % 2 == 0;
            let act = if gives {
                Act::Earn { amount: 1, earned_at: None, active_from: None, expires_at: None }
            } else {
                Act::Spend { amount: 1 }
            };
            let lists: Vec<Vec<Command>> = (0..TOGETHER)
                .map(|number| {
                    let id = format!("i{batch}.{number}");
                    vec![Command { id, member: key.0, wallet: key.1, act: act.clone(), source: Source::default() }]
                })
                .collect();
            post(&store, &mut memory, W, &lists, batch).await;
        }
    });
    let reading: Vec<_> = (0..3)
        .map(|_| {
            let (store, writing) = (db.store.clone(), writing.abort_handle());
            tokio::spawn(async move {
                let mut seen = BTreeSet::new();
                while !writing.is_finished() {
                    let lots = read::lots(&mut store.read(), W, key).await.unwrap();
                    let ids: BTreeSet<_> = lots.iter().map(|lot| lot.id).collect();
                    assert_eq!((lots.len() % TOGETHER, ids.len()), (0, lots.len()), "{lots:?}");
                    seen.insert(lots.len());
                }
                seen
            })
        })
        .collect();
    for seen in reading {
        let seen = seen.await.unwrap();
        assert!(seen.len() > 3, "it was read while it was written: {seen:?}");
    }
    writing.await.unwrap();
    assert_sound(&db, W).await;
}
