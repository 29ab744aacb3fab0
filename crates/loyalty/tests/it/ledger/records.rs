//! The ledger in the database, on both engines: the same answers as in memory, whatever comes at the same time, whatever is cut short.

use std::collections::BTreeMap;

use super::oracle::commands::{self, MEMBERS, Step, WALLETS};
use super::oracle::points::Points;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rapport_domain::{PersonId, Rng, SeededRng, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::{
    Act, Answer, Balance, Command, Kind, Lot, MemberId, Portion, Refusal, Shortage, Source, Standing, Wallet, WalletId,
};
use rapport_loyalty::records::{self, Memory, flows, members, merging, read, wallets, why};
use rapport_loyalty::verify::verify;
use rapport_loyalty::{DATA_MAP, MIGRATIONS, Poster};
use rapport_store::testing::{TestDatabase, assert_indexes_are_used, on_sqlite, prepare_statements};
use rapport_store::{Engine, Priority, Queries, Store, args, db_test, outbox, sql};

pub const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);

#[db_test(MIGRATIONS)]
async fn every_statement_can_be_prepared(db: TestDatabase) {
    assert!(prepare_statements(&db).await > 25);
}

#[test]
fn only_checks_of_everything_read_everything() {
    on_sqlite(vec![MIGRATIONS], |db: TestDatabase| async move { assert_indexes_are_used(&db, MEANT).await });
}

/// What is small, or looked at as a whole.
const MEANT: &[&str] = &[
    // A workspace has one.
    "FROM loyalty_heads",
    "UPDATE loyalty_heads",
    // A programme has few.
    "FROM loyalty_wallets",
    "FROM loyalty_programs",
    "FROM loyalty_documents",
    // A cell for each pair of months; the books look at all of them.
    "FROM loyalty_books",
    "DELETE FROM loyalty_books",
    // A workspace has one.
    "FROM loyalty_book_marks",
    "UPDATE loyalty_book_marks",
    // Figures of a page: how many members there are, and when all that is left in a wallet lapses.
    "SELECT CAST(COUNT(*) AS BIGINT) FROM loyalty_members WHERE workspace = $1",
    "SELECT expires_at, CAST(SUM(pending + available + held) AS BIGINT) FROM loyalty_lots",
    "FROM loyalty_tier_sweeps",
    "FROM loyalty_notice_marks",
    // What happened to everybody, newest first, a page at a time, as clients of Square's API ask without an account: read from the end until the page is full.
    "FROM loyalty_operations WHERE workspace = $1 AND wallet = $2 AND refused IS NULL AND source_kind <> 'reward'",
    // The list of simulations: people asked for each of them.
    "FROM loyalty_simulations\n         WHERE workspace = $1 ORDER BY asked_at DESC",
    // `rapport verify` reads everything.
    "amount FROM loyalty_flows WHERE workspace = $1",
    "FROM loyalty_balances WHERE workspace = $1",
    "FROM loyalty_trails WHERE workspace = $1",
    "FROM loyalty_open_lots WHERE workspace = $1",
];

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(rapport_store::data_map::lax_tables(&db).await.unwrap(), Vec::<String>::new());
}

fn wallet() -> Wallet {
    Wallet { amount_max: 1_000, balance_max: Some(60), arrears_max: 7 }
}

/// The wallets and members of the stories.
pub async fn prepare(db: &Store, workspace: WorkspaceId) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for id in WALLETS {
        let made = wallets::save(&mut tx, workspace, &format!("wallet{}", id.0), &wallet()).await.unwrap();
        assert_eq!(made, id);
    }
    for (member, standing) in commands::standings() {
        let insert = sql!(
            "INSERT INTO loyalty_members (workspace, member, person, standing, enrolled_at) VALUES ($1, $2, $3, $4, $5)"
        );
        let row = args![workspace, member.0, PersonId(100 + member.0), standing, Timestamp(0)];
        tx.execute(insert, row).await.unwrap();
    }
    tx.commit().await.unwrap();
}

pub fn command(id: &str, act: Act) -> Command {
    Command { id: id.into(), member: MEMBERS[0], wallet: WALLETS[0], act, source: Source::default() }
}

pub fn earn(amount: i64) -> Act {
    Act::Earn { amount, earned_at: None, active_from: None, expires_at: None }
}

pub fn lasting(amount: i64, until: i64) -> Act {
    Act::Earn { amount, earned_at: None, active_from: None, expires_at: Some(Timestamp(until)) }
}

fn stories(count: usize, most: usize) -> Vec<Vec<(i64, Command)>> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| commands::story(most).new_tree(&mut runner).unwrap().current()).collect()
}

pub async fn post(db: &Store, memory: &mut Memory, command: &Command, now: i64) -> Answer {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let list = [vec![command.clone()]];
    let mut answers = records::post(&mut tx, memory, W, &list, Timestamp(now)).await.unwrap();
    tx.commit().await.unwrap();
    answers.pop().unwrap().pop().unwrap()
}

pub async fn assert_sound(db: &Store, workspace: WorkspaceId) {
    let report = verify(&mut db.read(), workspace).await.unwrap();
    assert_eq!(report.findings, []);
    for key in MEMBERS.into_iter().flat_map(|member| WALLETS.map(|wallet| (member, wallet))) {
        let end = Timestamp(i64::MAX);
        let stored = stored_balance(db, workspace, key).await;
        assert_eq!(read::balance_as_of(&mut db.read(), workspace, key, end, end).await.unwrap(), stored);
    }
    for wallet in WALLETS {
        assert_sums(db, workspace, wallet).await;
    }
}

/// The sums that are written with the postings are the sums of the postings, and come to what all accounts come to; what is left lapses some time or never.
async fn assert_sums(db: &Store, workspace: WorkspaceId, wallet: WalletId) {
    let mut db = db.read();
    let ever = flows::ever(&mut db, workspace, &[wallet]).await.unwrap().get(&wallet).copied().unwrap_or_default();
    let ends = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    let hours = flows::between(&mut db, workspace, &[wallet], ends).await.unwrap();
    assert_eq!(hours.get(&wallet).copied().unwrap_or_default(), ever);
    let of = sql!(
        "SELECT from_place, to_place, CAST(SUM(amount) AS BIGINT) FROM loyalty_postings WHERE workspace = $1 AND wallet = $2 GROUP BY from_place, to_place"
    );
    let postings: Vec<(String, String, i64)> = db.fetch_all(of, args![workspace, wallet.0]).await.unwrap();
    let moved = |is: &dyn Fn(&str, &str) -> i64| postings.iter().map(|(from, to, by)| by * is(from, to)).sum::<i64>();
    let net = |place: &'static str| moved(&|from, to| i64::from(to == place) - i64::from(from == place));
    assert_eq!(
        (ever.issued, ever.taken_back),
        (moved(&|from, _| i64::from(from == "issued")), moved(&|_, to| i64::from(to == "issued")))
    );
    assert_eq!((ever.redeemed, ever.lapsed, -ever.adjusted), (net("spent"), net("expired"), net("adjusted")));
    let all = sql!(
        "SELECT CAST(COALESCE(SUM(pending + available + held), 0) AS BIGINT), CAST(COALESCE(SUM(owed), 0) AS BIGINT) FROM loyalty_balances WHERE workspace = $1 AND wallet = $2"
    );
    let (left, owed): (i64, i64) =
        db.fetch_optional(all, args![workspace, wallet.0]).await.unwrap().unwrap_or_default();
    let Balance { pending, available, held, owed: owes } = ever.balance;
    assert_eq!((pending + available + held, owes), (left, owed));
    let lapsing = read::lapsing(&mut db, workspace, wallet).await.unwrap();
    assert_eq!(lapsing.iter().map(|(_, points)| points).sum::<i64>(), left);
}

async fn stored_balance(db: &Store, workspace: WorkspaceId, key: (MemberId, WalletId)) -> Balance {
    let find = sql!(
        "SELECT pending, available, held, owed FROM loyalty_balances WHERE member = $2 AND wallet = $3 AND workspace = $1"
    );
    let found: Option<(i64, i64, i64, i64)> =
        db.read().fetch_optional(find, args![workspace, key.0.0, key.1.0]).await.unwrap();
    let (pending, available, held, owed) = found.unwrap_or_default();
    Balance { pending, available, held, owed }
}

/// With everything read back for every command, with accounts kept in memory, and with two who keep them and do not know of each other.
#[db_test(MIGRATIONS)]
async fn the_database_answers_as_single_points_do(db: TestDatabase) {
    let mut runner = TestRunner::deterministic();
    for number in 0..24 {
        let life = commands::life(60).new_tree(&mut runner).unwrap().current();
        let workspace = WorkspaceId(10 + number);
        prepare(&db, workspace).await;
        let mut points = Points::new(wallet(), commands::standings());
        let mut memories = [Memory::default(), Memory::default()];
        // Of whom the story speaks: their number, and who they are.
        let mut who: BTreeMap<MemberId, (MemberId, PersonId)> =
            MEMBERS.into_iter().map(|member| (member, (member, PersonId(100 + member.0)))).collect();
        let mut now = 0;
        let mut lapses = Vec::new();
        for (step, (wait, what)) in life.into_iter().enumerate() {
            now += wait;
            let command = match what {
                Step::Do(command) => commands::aimed(*command, &lapses),
                Step::Merge(one, other) => {
                    // All became members at once, so that the lower number goes on, whoever of the two persons does.
                    let ((one, from), (two, to)) = (who[&one], who[&other]);
                    let (stays, goes) = (one.min(two), one.max(two));
                    who.insert(other, (stays, to));
                    let mut tx = db.begin(Priority::Interactive).await.unwrap();
                    merging::follow(&mut tx, workspace, from, to, Timestamp(now)).await.unwrap();
                    tx.commit().await.unwrap();
                    points.merge(goes, stays, now);
                    lapses = lapses_of(&db, workspace, &mut points).await;
                    assert_eq!(members::of(&mut db.read(), workspace, to).await.unwrap(), Some(stays));
                    assert_eq!(members::of(&mut db.read(), workspace, from).await.unwrap(), None);
                    assert_eq!(members::now(&mut db.read(), workspace, goes).await.unwrap(), stays);
                    assert_sound(&db, workspace).await;
                    continue;
                }
            };
            let said = points.apply(&command, now);
            let mut nothing = Memory::default();
            let memory = match number % 3 {
                0 => &mut nothing,
                1 => &mut memories[0],
                _ => &mut memories[step % 2],
            };
            let mut tx = db.begin(Priority::Interactive).await.unwrap();
            let list = [vec![command.clone()]];
            let answers = records::post(&mut tx, memory, workspace, &list, Timestamp(now)).await.unwrap();
            tx.commit().await.unwrap();
            let answer = &answers[0][0];
            assert_eq!((answer.refused, answer.amount, answer.short, answer.after), said, "{command:?} at {now}");
            lapses = lapses_of(&db, workspace, &mut points).await;
        }
        assert_sound(&db, workspace).await;
    }
}

/// All lapses that were posted, of which the points are told.
async fn lapses_of(db: &Store, workspace: WorkspaceId, points: &mut Points) -> Vec<commands::Lapse> {
    let posted = read::journal(&mut db.read(), workspace, 0, 10_000).await.unwrap();
    let lapses: Vec<_> = posted.iter().filter_map(commands::lapse).collect();
    for ((id, key), amount) in &lapses {
        points.lapsed(id, *key, *amount);
    }
    lapses.into_iter().map(|(lapse, _)| lapse).collect()
}

/// What comes at the same time, to two servers, comes to the same as if it had come one after the other, in the order in which it was written down.
#[db_test(MIGRATIONS)]
async fn what_comes_at_once_comes_to_some_order(db: TestDatabase) {
    for (number, story) in stories(6, 120).into_iter().enumerate() {
        let workspace = WorkspaceId(50 + number as i64);
        prepare(&db, workspace).await;
        let posters = [Poster::start(db.store.clone()), Poster::start(db.store.clone())];
        let mut waiting = Vec::new();
        for (step, (_, command)) in story.into_iter().enumerate() {
            let poster = posters[step % 2].clone();
            waiting
                .push(tokio::spawn(async move { (command.clone(), poster.post(workspace, command).await.unwrap()) }));
        }
        let mut answers: BTreeMap<i64, (Command, Answer)> = BTreeMap::new();
        for task in waiting {
            let (command, answer) = task.await.unwrap();
            if let (Some(operation), false) = (answer.operation, answer.replayed) {
                answers.insert(operation, (command, answer));
            }
        }
        let mut points = Points::new(wallet(), commands::standings());
        for (command, answer) in answers.into_values() {
            let said = points.apply(&command, answer.recorded_at.0);
            assert_eq!((answer.refused, answer.amount, answer.short, answer.after), said, "{command:?}");
        }
        assert_sound(&db, workspace).await;
    }
}

/// One after the other, through a poster that keeps everything in memory, with somebody else posting now and then: each answer is that of the slow model.
#[db_test(MIGRATIONS)]
async fn what_a_poster_remembers_is_what_is_so(db: TestDatabase) {
    let rng = SeededRng::new(5);
    for (number, story) in stories(8, 200).into_iter().enumerate() {
        let workspace = WorkspaceId(80 + number as i64);
        prepare(&db, workspace).await;
        let poster = Poster::start(db.store.clone());
        let mut points = Points::new(wallet(), commands::standings());
        for (_, command) in story {
            let answer = if number % 2 == 1 && rng.next_u64().is_multiple_of(40) {
                let mut tx = db.begin(Priority::Interactive).await.unwrap();
                let list = [vec![command.clone()]];
                let now = db.clock().now();
                let mut answers = records::post(&mut tx, &mut Memory::default(), workspace, &list, now).await.unwrap();
                tx.commit().await.unwrap();
                answers.pop().unwrap().pop().unwrap()
            } else {
                poster.post(workspace, command.clone()).await.unwrap()
            };
            let said = points.apply(&command, answer.recorded_at.0);
            assert_eq!((answer.refused, answer.amount, answer.short, answer.after), said, "{command:?}");
        }
        assert_sound(&db, workspace).await;
    }
}

/// The last points go to one of thirty who want them at the same moment, every time.
#[db_test(MIGRATIONS)]
async fn the_last_points_are_redeemed_once(db: TestDatabase) {
    prepare(&db, W).await;
    let poster = Poster::start(db.store.clone());
    // On PostgreSQL each round is as many syncs as tries that do not wait together: fewer rounds say the same.
    let rounds = if db.engine() == Engine::Sqlite { 1_000 } else { 150 };
    for round in 0..rounds {
        poster.post(W, command(&format!("earn {round}"), earn(10))).await.unwrap();
        let tries = (0..30).map(|number| {
            let poster = poster.clone();
            let wanted = command(&format!("spend {round} {number}"), Act::Spend { amount: 10 });
            tokio::spawn(async move { poster.post(W, wanted).await.unwrap().refused })
        });
        let mut won = 0;
        for task in tries.collect::<Vec<_>>() {
            match task.await.unwrap() {
                None => won += 1,
                Some(refusal) => assert_eq!(refusal, Refusal::InsufficientPoints),
            }
        }
        assert_eq!(won, 1, "round {round}");
    }
    assert_sound(&db, W).await;
}

/// The same command, sent by many at once and again later, is done once and answered the same.
#[db_test(MIGRATIONS)]
async fn a_command_sent_often_is_done_once(db: TestDatabase) {
    prepare(&db, W).await;
    let posters = [Poster::start(db.store.clone()), Poster::start(db.store.clone())];
    let tries = (0..40).map(|number| {
        let poster = posters[number % 2].clone();
        tokio::spawn(async move { poster.post(W, command("once", earn(5))).await.unwrap() })
    });
    let mut answers = Vec::new();
    for task in tries.collect::<Vec<_>>() {
        answers.push(task.await.unwrap());
    }
    let first = answers.iter().find(|answer| !answer.replayed).unwrap().clone();
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    let later = Poster::start(db.store.clone()).post(W, command("once", earn(5))).await.unwrap();
    answers.push(later);
    for answer in answers {
        assert_eq!(Answer { replayed: false, ..answer }, first);
    }
    let other = posters[0].post(W, command("once", earn(6))).await.unwrap();
    assert_eq!(other.refused, Some(Refusal::IdReused));
    assert_eq!(stored_balance(&db, W, (MEMBERS[0], WALLETS[0])).await.available, 5);
}

/// Another workspace with the same numbers sees and moves nothing of it.
#[db_test(MIGRATIONS)]
async fn workspaces_do_not_touch(db: TestDatabase) {
    prepare(&db, W).await;
    prepare(&db, OTHER).await;
    let poster = Poster::start(db.store.clone());
    poster.post(W, command("e", earn(5))).await.unwrap();
    poster.post(OTHER, command("e", earn(9))).await.unwrap();
    let there = poster.post(OTHER, command("s", Act::Spend { amount: 9 })).await.unwrap();
    assert_eq!(there.refused, None);
    let key = (MEMBERS[0], WALLETS[0]);
    assert_eq!(stored_balance(&db, W, key).await.available, 5);
    let reverse =
        Act::Reverse { of: "s".into(), portion: Portion::Rest, shortage: Shortage::IntoArrears, grace_until: None };
    assert_eq!(poster.post(W, command("r", reverse)).await.unwrap().refused, Some(Refusal::OperationUnknown));
    assert_sound(&db, W).await;
    assert_sound(&db, OTHER).await;
}

/// Points given in a transaction that does not commit were never given, and those who keep accounts in memory know nothing of them.
#[db_test(MIGRATIONS)]
async fn what_does_not_commit_never_was(db: TestDatabase) {
    prepare(&db, W).await;
    let mut memory = Memory::default();
    post(&db, &mut memory, &command("e", earn(5)), 1).await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::post(&mut tx, &mut Memory::default(), W, &[vec![command("lost", earn(5))]], Timestamp(2)).await.unwrap();
    tx.rollback().await.unwrap();
    let spend = post(&db, &mut memory, &command("s", Act::Spend { amount: 6 }), 3).await;
    assert_eq!(spend.refused, Some(Refusal::InsufficientPoints));
    // In somebody else's transaction that does commit, it counts for those in memory too.
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::post(&mut tx, &mut Memory::default(), W, &[vec![command("kept", earn(5))]], Timestamp(4)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(post(&db, &mut memory, &command("s2", Act::Spend { amount: 10 }), 5).await.refused, None);
    assert_sound(&db, W).await;
}

/// Each operation that moved something says so once, about the person, in the same transaction.
#[db_test(MIGRATIONS)]
async fn others_hear_of_it(db: TestDatabase) {
    prepare(&db, W).await;
    let mut memory = Memory::default();
    post(&db, &mut memory, &command("e", earn(5)), 1).await;
    post(&db, &mut memory, &command("too much", Act::Spend { amount: 6 }), 2).await;
    post(&db, &mut memory, &command("e", earn(5)), 3).await;
    let batch = outbox::batch(&mut db.read(), W, "test", 10).await.unwrap();
    let names = |events: &[outbox::Written]| -> Vec<(String, Option<PersonId>)> {
        events.iter().map(|event| (event.name.clone(), event.person)).collect()
    };
    assert_eq!(names(&batch.events), [("points.earned".to_owned(), None)]);
    let mut told = batch.events.clone();
    members::name_people(&mut db.read(), W, &mut told).await.unwrap();
    assert_eq!(names(&told), [("points.earned".to_owned(), Some(PersonId(101)))]);
    assert_eq!(batch.events[0].payload["amount"], 5);
}

/// Background work posts what is due, in slices, and what it finds is what a command would have found.
#[db_test(MIGRATIONS)]
async fn what_is_due_is_posted_once(db: TestDatabase) {
    prepare(&db, W).await;
    let mut memory = Memory::default();
    for (number, member) in [MEMBERS[0], MEMBERS[1]].into_iter().enumerate() {
        let act = |amount, active: i64, expires: i64| Act::Earn {
            amount,
            earned_at: None,
            active_from: Some(Timestamp(active)),
            expires_at: Some(Timestamp(expires)),
        };
        let first = Command { member, ..command(&format!("a{number}"), act(3, 10, 20)) };
        let second = Command { member, ..command(&format!("b{number}"), act(4, 15, 90)) };
        post(&db, &mut memory, &first, 1).await;
        post(&db, &mut memory, &second, 1).await;
    }
    let settle = async |now: i64, most: u32| {
        let mut tx = db.begin(Priority::Background).await.unwrap();
        let count = records::settle(&mut tx, &mut Memory::default(), W, most, Timestamp(now)).await.unwrap();
        tx.commit().await.unwrap();
        count
    };
    assert_eq!(settle(9, 10).await, 0);
    assert_eq!(settle(30, 1).await, 1);
    assert_eq!(settle(30, 10).await, 1);
    assert_eq!(settle(30, 10).await, 0);
    for member in [MEMBERS[0], MEMBERS[1]] {
        let balance = stored_balance(&db, W, (member, WALLETS[0])).await;
        assert_eq!(balance, Balance { available: 4, ..Balance::default() });
        let kinds: Vec<(Kind, Timestamp)> = read::history(&mut db.read(), W, member, None, 10)
            .await
            .unwrap()
            .into_iter()
            .filter(|operation| operation.kind != Kind::Earn)
            .map(|operation| (operation.kind, operation.effective_at))
            .collect();
        let expected =
            [(Kind::Expire, Timestamp(20)), (Kind::Activate, Timestamp(15)), (Kind::Activate, Timestamp(10))];
        assert_eq!(kinds, expected);
    }
    let early =
        read::balance_as_of(&mut db.read(), W, (MEMBERS[0], WALLETS[0]), Timestamp(12), Timestamp(i64::MAX)).await;
    assert_eq!(early.unwrap(), Balance { pending: 4, available: 3, ..Balance::default() });
    // By then nobody had written down that anything had become available.
    let known = read::balance_as_of(&mut db.read(), W, (MEMBERS[0], WALLETS[0]), Timestamp(12), Timestamp(12)).await;
    assert_eq!(known.unwrap(), Balance { pending: 7, ..Balance::default() });
    assert_sound(&db, W).await;
}

/// The instant that is kept of an account may be too early, never too late: who looks in vain makes it exact.
#[db_test(MIGRATIONS)]
async fn an_account_is_looked_at_in_vain_once(db: TestDatabase) {
    prepare(&db, W).await;
    let mut memory = Memory::default();
    post(&db, &mut memory, &command("first", lasting(3, 20)), 1).await;
    post(&db, &mut memory, &command("second", lasting(4, 90)), 2).await;
    post(&db, &mut memory, &command("spent", Act::Spend { amount: 3 }), 3).await;
    let settle = async |memory: &mut Memory, now: i64| {
        let mut tx = db.begin(Priority::Background).await.unwrap();
        let count = records::settle(&mut tx, memory, W, 10, Timestamp(now)).await.unwrap();
        tx.commit().await.unwrap();
        count
    };
    let operations = async || read::journal(&mut db.read(), W, 0, 100).await.unwrap().len();
    assert_eq!((settle(&mut memory, 30).await, operations().await), (1, 3), "what would have lapsed was spent");
    assert_eq!(settle(&mut memory, 30).await, 0);
    // What is due earlier than was known is known at once, also to whoever begins anew.
    post(&db, &mut memory, &command("third", lasting(5, 50)), 31).await;
    assert_eq!(settle(&mut Memory::default(), 49).await, 0);
    assert_eq!((settle(&mut Memory::default(), 50).await, operations().await), (1, 5));
    assert_eq!((settle(&mut memory, 90).await, operations().await), (1, 6));
    assert_eq!(settle(&mut memory, 1_000).await, 0);
    // So is an account whose points went to another member with which its number was merged.
    let fleeting = Command { member: MEMBERS[1], ..command("fourth", lasting(6, 2_000)) };
    post(&db, &mut memory, &fleeting, 1_001).await;
    merge(&db, MEMBERS[1], MEMBERS[0], Timestamp(1_002)).await;
    for _ in 0..2 {
        settle(&mut Memory::default(), 2_000).await;
    }
    assert_eq!(settle(&mut Memory::default(), 2_000).await, 0);
    assert_sound(&db, W).await;
}

/// A person becomes a member once, and their number says nothing about them.
#[db_test(MIGRATIONS)]
async fn a_person_is_a_member_once(db: TestDatabase) {
    let rng = SeededRng::new(3);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let first = members::enrol(&mut tx, W, PersonId(7), Timestamp(1), &rng).await.unwrap();
    let again = members::enrol(&mut tx, W, PersonId(7), Timestamp(2), &rng).await.unwrap();
    let other = members::enrol(&mut tx, OTHER, PersonId(7), Timestamp(2), &rng).await.unwrap();
    assert!(first == again && first != other && first.0 != 7);
    assert_eq!(members::of(&mut tx, W, PersonId(7)).await.unwrap(), Some(first));
    assert_eq!(members::of(&mut tx, W, PersonId(8)).await.unwrap(), None);
    let more = members::enrol_all(&mut tx, W, &[PersonId(8), PersonId(9)], Timestamp(3), &rng).await.unwrap();
    assert_eq!(members::of(&mut tx, W, PersonId(9)).await.unwrap(), Some(more[1]));
    assert!(members::set_standing(&mut tx, W, first, Standing::Closed).await.unwrap());
    assert!(!members::set_standing(&mut tx, OTHER, first, Standing::Closed).await.unwrap());
}

async fn merge(db: &Store, from: MemberId, to: MemberId, now: Timestamp) {
    merge_in(db, W, from, to, now).await;
}

pub async fn merge_in(db: &Store, workspace: WorkspaceId, from: MemberId, to: MemberId, now: Timestamp) {
    let mut tx = db.begin(Priority::Background).await.unwrap();
    merging::follow(&mut tx, workspace, PersonId(100 + from.0), PersonId(100 + to.0), now).await.unwrap();
    tx.commit().await.unwrap();
}

/// While two servers post to both numbers as fast as they can: nothing is lost, nothing comes twice, and nothing is left under the old number.
#[db_test(MIGRATIONS)]
async fn members_become_one_while_points_move(db: TestDatabase) {
    prepare(&db, W).await;
    let posters = [Poster::start(db.store.clone()), Poster::start(db.store.clone())];
    let all = [MEMBERS[0], MEMBERS[1], MEMBERS[5]];
    let tasks: Vec<_> = (0..6)
        .map(|lane: usize| {
            let poster = posters[lane % 2].clone();
            tokio::spawn(async move {
                let mut sum = 0;
                for number in 0..40 {
                    let act = if number % 4 == 3 { Act::Spend { amount: 2 } } else { earn(1) };
                    let by = if number % 4 == 3 { -2 } else { 1 };
                    let wanted = Command { member: all[lane % 3], ..command(&format!("{lane} {number}"), act) };
                    let answer = poster.post(W, wanted).await.unwrap();
                    sum += if answer.refused.is_none() { by } else { 0 };
                }
                sum
            })
        })
        .collect();
    merge(&db, MEMBERS[5], MEMBERS[1], db.clock().now()).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    merge(&db, MEMBERS[1], MEMBERS[0], db.clock().now()).await;
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    let left = stored_balance(&db, W, (MEMBERS[0], WALLETS[0])).await;
    assert_eq!(left, Balance { available: sum, ..Balance::default() });
    for old in [MEMBERS[1], MEMBERS[5]] {
        assert_eq!(stored_balance(&db, W, (old, WALLETS[0])).await, Balance::default());
        assert_eq!(members::now(&mut db.read(), W, old).await.unwrap(), MEMBERS[0]);
    }
    let numbers = members::numbers(&mut db.read(), W, MEMBERS[0]).await.unwrap();
    assert_eq!(numbers, [MEMBERS[0], MEMBERS[1], MEMBERS[5]]);
    let history = read::history(&mut db.read(), W, MEMBERS[0], None, 1_000).await.unwrap();
    let asked: usize = history.iter().filter(|operation| operation.kind != Kind::Merge).count();
    assert_eq!(asked, 240, "what was posted under the old numbers is the member's too");
    assert_sound(&db, W).await;
}

/// Whoever was a member for longer goes on, blocked stays blocked, and a closed account is neither opened nor emptied.
#[db_test(MIGRATIONS)]
async fn a_merge_keeps_the_older_membership_and_the_stricter_standing(db: TestDatabase) {
    let rng = SeededRng::new(3);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    wallets::save(&mut tx, W, "points", &wallet()).await.unwrap();
    let mut numbers = Vec::new();
    for person in 1..=6 {
        numbers.push(members::enrol(&mut tx, W, PersonId(person), Timestamp(10 - person), &rng).await.unwrap());
    }
    members::set_standing(&mut tx, W, numbers[0], Standing::Blocked).await.unwrap();
    tx.commit().await.unwrap();
    let mut memory = Memory::default();
    for (number, member) in numbers.iter().enumerate() {
        let wanted = Command { member: *member, ..command(&format!("e{number}"), earn(10)) };
        post(&db, &mut memory, &wanted, 20).await;
    }
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    members::set_standing(&mut tx, W, numbers[3], Standing::Closed).await.unwrap();
    let now = Timestamp(30);
    // The second has been one for longer; the first person goes on. Nobody is a member of the ninth.
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), now).await.unwrap();
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), now).await.unwrap();
    merging::follow(&mut tx, W, PersonId(3), PersonId(9), now).await.unwrap();
    merging::follow(&mut tx, W, PersonId(8), PersonId(9), now).await.unwrap();
    // The fourth is closed and has been one for longer than nobody but the fifth and sixth.
    merging::follow(&mut tx, W, PersonId(4), PersonId(9), now).await.unwrap();
    assert!(members::set_standing(&mut tx, W, numbers[0], Standing::Blocked).await.unwrap());
    tx.commit().await.unwrap();
    let mut standings: BTreeMap<MemberId, (Option<PersonId>, String, Option<i64>)> = BTreeMap::new();
    let all = sql!("SELECT member, person, standing, merged_into FROM loyalty_members WHERE workspace = $1");
    let rows: Vec<(i64, Option<PersonId>, String, Option<i64>)> = db.read().fetch_all(all, args![W]).await.unwrap();
    for (member, person, standing, into) in rows {
        standings.insert(MemberId(member), (person, standing, into));
    }
    let stands = |person: Option<i64>, standing: &str, into: Option<usize>| {
        (person.map(PersonId), standing.to_owned(), into.map(|place| numbers[place].0))
    };
    assert_eq!(standings[&numbers[0]], stands(None, "merged", Some(1)));
    assert_eq!(standings[&numbers[1]], stands(Some(1), "blocked", None));
    assert_eq!(standings[&numbers[2]], stands(Some(9), "active", None));
    assert_eq!(standings[&numbers[3]], stands(None, "closed", Some(2)));
    let left = async |place: usize| stored_balance(&db, W, (numbers[place], WALLETS[0])).await.available;
    assert_eq!((left(0).await, left(1).await, left(2).await, left(3).await), (0, 20, 10, 10));
    let refund = |place: usize| Command { member: numbers[place], ..command(&format!("r{place}"), reverse_all(place)) };
    assert_eq!(post(&db, &mut memory, &refund(0), 40).await.after.available, 10);
    assert_eq!(post(&db, &mut memory, &refund(3), 40).await.refused, Some(Refusal::MemberClosed));
    let report = verify(&mut db.read(), W).await.unwrap();
    assert_eq!(report.findings, []);
}

fn reverse_all(place: usize) -> Act {
    let (portion, shortage) = (Portion::Rest, Shortage::IntoArrears);
    Act::Reverse { of: format!("e{place}"), portion, shortage, grace_until: None }
}

/// A lot that lies in another account than its postings say is named.
#[db_test(MIGRATIONS)]
async fn a_lot_in_the_wrong_account_is_found(db: TestDatabase) {
    prepare(&db, W).await;
    let theirs = Command { member: MEMBERS[1], ..command("e", earn(5)) };
    post(&db, &mut Memory::default(), &theirs, 1).await;
    merge(&db, MEMBERS[1], MEMBERS[0], Timestamp(2)).await;
    assert_sound(&db, W).await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    tx.execute(sql!("UPDATE loyalty_lots SET member = 2"), args![]).await.unwrap();
    let found = verify(&mut tx, W).await.unwrap().findings;
    assert!(found.iter().any(|finding| finding.what.contains("lot 1 is not in the account")), "{found:?}");
    tx.rollback().await.unwrap();
}

/// What an account had at any instant of the past is what the points themselves had then, for whoever it was then; and the lots say why.
#[db_test(MIGRATIONS)]
async fn every_balance_of_the_past_is_the_one_of_single_points(db: TestDatabase) {
    let mut runner = TestRunner::deterministic();
    for number in 0..10 {
        let life = commands::life(50).new_tree(&mut runner).unwrap().current();
        let workspace = WorkspaceId(200 + number);
        prepare(&db, workspace).await;
        let mut points = Points::new(wallet(), commands::standings());
        let mut memory = Memory::default();
        let keys: Vec<_> = MEMBERS.into_iter().flat_map(|member| WALLETS.map(|wallet| (member, wallet))).collect();
        let mut past: BTreeMap<i64, Vec<Balance>> = BTreeMap::new();
        let mut now = 0;
        for (wait, step) in life {
            now += wait;
            match step {
                Step::Do(mut command) => {
                    // What is entered later changes what is known of the past.
                    if let Act::Earn { earned_at, .. } = &mut command.act {
                        *earned_at = None;
                    }
                    points.apply(&command, now);
                    let mut tx = db.begin(Priority::Interactive).await.unwrap();
                    let list = [vec![*command]];
                    records::post(&mut tx, &mut memory, workspace, &list, Timestamp(now)).await.unwrap();
                    tx.commit().await.unwrap();
                }
                Step::Merge(from, to) if from > to => {
                    let (from, to, at) = (PersonId(100 + from.0), PersonId(100 + to.0), Timestamp(now));
                    let mut tx = db.begin(Priority::Interactive).await.unwrap();
                    merging::follow(&mut tx, workspace, from, to, at).await.unwrap();
                    tx.commit().await.unwrap();
                    points.merge(MemberId(from.0 - 100), MemberId(to.0 - 100), now);
                }
                Step::Merge(..) => {}
            }
            past.insert(now, keys.iter().map(|key| points.balance_at(*key, now)).collect());
        }
        let mut tx = db.begin(Priority::Background).await.unwrap();
        while records::settle(&mut tx, &mut memory, workspace, 50, Timestamp(now)).await.unwrap() > 0 {}
        tx.commit().await.unwrap();
        let end = Timestamp(i64::MAX);
        let mut db = db.read();
        for (at, balances) in &past {
            for (key, expected) in keys.iter().zip(balances) {
                let found = read::balance_as_of(&mut db, workspace, *key, Timestamp(*at), end).await.unwrap();
                assert_eq!(found, *expected, "{key:?} at {at}");
            }
        }
        for key in keys {
            for (effective, recorded) in [(end, end), (Timestamp(now / 2), end), (end, Timestamp(now / 2))] {
                let why = why::why(&mut db, workspace, key, effective, recorded).await.unwrap();
                let found = read::balance_as_of(&mut db, workspace, key, effective, recorded).await.unwrap();
                assert_eq!(why.balance, found);
                let sum = |part: fn(&Lot) -> i64| why.lots.iter().map(|it| part(&it.lot)).sum::<i64>();
                let parts = (sum(|lot| lot.pending), sum(|lot| lot.available), sum(|lot| lot.held));
                assert_eq!(parts, (found.pending, found.available, found.held), "{key:?}");
                let is_old = members::now(&mut db, workspace, key.0).await.unwrap() != key.0;
                let is_first = |it: &why::LotStory| it.movements[0].posting.number == it.lot.id.0;
                assert!(is_old || why.lots.iter().all(is_first), "the first brought it in");
            }
            let why = why::why(&mut db, workspace, key, end, end).await.unwrap();
            let left: Vec<Lot> = why.lots.into_iter().map(|it| it.lot).filter(|lot| lot.remaining() > 0).collect();
            let mut stored = read::lots(&mut db, workspace, key).await.unwrap();
            stored.sort_by_key(|lot| lot.id);
            assert_eq!(left, stored);
        }
    }
}
