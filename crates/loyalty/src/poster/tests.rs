//! What is worked out by memory alone is what reading would have given, whatever others do meanwhile.

use rapport_domain::{PersonId, Timestamp};
use rapport_store::testing::TestDatabase;
use rapport_store::{db_test, outbox};

use super::*;
use crate::MIGRATIONS;
use crate::ledger::{Act, MemberId, Refusal, Source, Standing, Wallet, WalletId};
use crate::records::{members, merging, personal, wallets};
use crate::verify::verify;

const W: WorkspaceId = WorkspaceId(1);
const POINTS: WalletId = WalletId(1);

/// A workspace with two members, and the desk.
async fn open(db: &TestDatabase) -> (Desk, [MemberId; 2]) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let wallet = Wallet { amount_max: 1_000, balance_max: None, arrears_max: 7 };
    wallets::save(&mut tx, W, "points", &wallet).await.unwrap();
    let persons = [PersonId(101), PersonId(102)];
    let found = members::enrol_all(&mut tx, W, &persons, Timestamp(0), db.rng()).await.unwrap();
    tx.commit().await.unwrap();
    (Desk { store: db.store.clone(), memories: HashMap::new(), underway: None }, [found[0], found[1]])
}

fn command(id: &str, member: MemberId, act: Act) -> Command {
    Command { id: id.into(), member, wallet: POINTS, act, source: Source::default() }
}

const fn earn(amount: i64) -> Act {
    Act::Earn { amount, earned_at: None, active_from: None, expires_at: None }
}

const fn spend(amount: i64) -> Act {
    Act::Spend { amount }
}

type Hears = oneshot::Receiver<Result<Vec<Answer>, Error>>;

async fn send(desk: &mut Desk, command: Command) -> Hears {
    let (answer, told) = oneshot::channel();
    desk.post(W, (vec![vec![command]], vec![answer])).await;
    told
}

async fn answer(told: Hears) -> Answer {
    told.await.unwrap().unwrap().pop().unwrap()
}

/// Whether it was worked out by memory alone, and the answer.
async fn ask(desk: &mut Desk, command: Command) -> (bool, Answer) {
    let told = send(desk, command).await;
    let is_ahead = desk.underway.is_some() && desk.wait().await.is_none();
    desk.wait().await;
    (is_ahead, answer(told).await)
}

/// Somebody else posts, in a transaction of theirs.
async fn elsewhere(db: &TestDatabase, command: Command) {
    let mut tx = db.begin(Priority::Background).await.unwrap();
    records::post(&mut tx, &mut Memory::default(), W, &[vec![command]], db.clock().now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn assert_sound(db: &TestDatabase) {
    assert_eq!(verify(&mut db.read(), W).await.unwrap().findings, []);
}

#[db_test(MIGRATIONS)]
async fn whoever_was_read_is_not_read_again(db: TestDatabase) {
    let (mut desk, [one, two]) = open(&db).await;
    assert!(!ask(&mut desk, command("1", one, earn(10))).await.0);
    let (is_ahead, spent) = ask(&mut desk, command("2", one, spend(4))).await;
    assert_eq!((is_ahead, spent.refused, spent.after.available), (true, None, 6));
    let (is_ahead, refused) = ask(&mut desk, command("3", one, spend(7))).await;
    assert_eq!((is_ahead, refused.refused, refused.after.available), (true, Some(Refusal::InsufficientPoints), 6));
    assert!(!ask(&mut desk, command("4", two, earn(1))).await.0, "the other one was not read yet");
    let (is_ahead, given) =
        ask(&mut desk, command("5", one, Act::Transfer { to: two, amount: 6, expiry: Default::default() })).await;
    assert_eq!((is_ahead, given.after.available), (true, 0));
    let undo = Act::Reverse {
        of: "2".into(),
        portion: crate::ledger::Portion::Rest,
        shortage: crate::ledger::Shortage::IntoArrears,
        grace_until: None,
    };
    let (is_ahead, undone) = ask(&mut desk, command("6", one, undo)).await;
    assert_eq!((is_ahead, undone.refused, undone.after.available), (false, None, 4), "what it undoes was read");
    assert!(ask(&mut desk, command("7", one, spend(4))).await.0);
    assert_sound(&db).await;
}

#[db_test(MIGRATIONS)]
async fn what_somebody_else_posted_meanwhile_counts(db: TestDatabase) {
    let (mut desk, [one, two]) = open(&db).await;
    for (id, member) in [("1", one), ("2", two)] {
        ask(&mut desk, command(id, member, earn(10))).await;
    }
    elsewhere(&db, command("other", one, spend(8))).await;
    let (is_ahead, late) = ask(&mut desk, command("late", one, spend(5))).await;
    assert_eq!((is_ahead, late.refused), (false, Some(Refusal::InsufficientPoints)));
    let mut tries = 0;
    while !ask(&mut desk, command(&format!("try {tries}"), two, earn(1))).await.0 {
        tries += 1;
    }
    assert!((10..20).contains(&tries), "where somebody else posts, everything is read for a while: {tries}");
    assert_sound(&db).await;
}

/// What was worked out after a batch that was not written is worked out anew.
#[db_test(MIGRATIONS)]
async fn what_follows_from_what_was_not_written_never_was(db: TestDatabase) {
    let (mut desk, [one, two]) = open(&db).await;
    for (id, member) in [("1", one), ("2", two)] {
        ask(&mut desk, command(id, member, earn(10))).await;
    }
    elsewhere(&db, command("other", one, spend(8))).await;
    let transfer = |id: &str, from, to| command(id, from, Act::Transfer { to, amount: 5, expiry: Default::default() });
    let first = send(&mut desk, transfer("first", one, two)).await;
    assert!(desk.underway.is_some());
    // By memory it has 15 now.
    let second = send(&mut desk, command("second", two, spend(12))).await;
    let third = send(&mut desk, command("third", two, spend(10))).await;
    desk.wait().await;
    assert_eq!(answer(first).await.refused, Some(Refusal::InsufficientPoints));
    assert_eq!(answer(second).await.refused, Some(Refusal::InsufficientPoints));
    assert_eq!(answer(third).await.refused, None);
    assert_sound(&db).await;
}

#[db_test(MIGRATIONS)]
async fn an_id_answers_for_ever(db: TestDatabase) {
    let (mut desk, [one, _]) = open(&db).await;
    ask(&mut desk, command("1", one, earn(10))).await;
    let (is_ahead, first) = ask(&mut desk, command("2", one, spend(4))).await;
    assert!(is_ahead);
    let (is_ahead, again) = ask(&mut desk, command("2", one, spend(4))).await;
    assert_eq!((is_ahead, again), (false, Answer { replayed: true, ..first }));
    assert_eq!(ask(&mut desk, command("2", one, spend(5))).await.1.refused, Some(Refusal::IdReused));
    // Both on their way at once.
    for _ in 0..30 {
        ask(&mut desk, command(&format!("{:?}", db.rng().next_u64()), one, earn(1))).await;
    }
    let one_at = send(&mut desk, command("twice", one, earn(1))).await;
    assert!(desk.underway.is_some());
    let other_at = send(&mut desk, command("twice", one, earn(1))).await;
    desk.wait().await;
    let (one_at, other_at) = (answer(one_at).await, answer(other_at).await);
    assert_eq!(other_at, Answer { replayed: true, ..one_at });
    assert_sound(&db).await;
}

#[db_test(MIGRATIONS)]
async fn whoever_was_blocked_merged_or_erased_is_so_at_once(db: TestDatabase) {
    let (mut desk, [one, two]) = open(&db).await;
    for (id, member) in [("1", one), ("2", two)] {
        ask(&mut desk, command(id, member, earn(10))).await;
    }
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    members::set_standing(&mut tx, W, one, Standing::Blocked).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ask(&mut desk, command("3", one, spend(1))).await.1.refused, Some(Refusal::MemberBlocked));
    let calm = |desk: Desk| async {
        let mut desk = desk;
        for number in 0..40 {
            ask(&mut desk, command(&format!("calm {number} {}", db.rng().next_u64()), two, earn(1))).await;
        }
        desk
    };
    desk = calm(desk).await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    personal::forget(&mut tx, W, PersonId(102)).await.unwrap();
    let erase = rapport_store::sql!("UPDATE loyalty_members SET person = NULL WHERE member = $2 AND workspace = $1");
    tx.execute(erase, rapport_store::args![W, two.0]).await.unwrap();
    tx.commit().await.unwrap();
    ask(&mut desk, command("after", one, earn(1))).await;
    let given = command("to nobody", one, Act::Transfer { to: two, amount: 1, expiry: Default::default() });
    assert_eq!(ask(&mut desk, given).await.1.refused, Some(Refusal::MemberBlocked));
    let (_, erased) = ask(&mut desk, command("after all", two, earn(1))).await;
    let mut told = outbox::batch(&mut db.read(), W, "test", 10_000).await.unwrap().events;
    members::name_people(&mut db.read(), W, &mut told).await.unwrap();
    let of = |operation: Option<i64>| told.iter().find(|event| event.payload["operation"].as_i64() == operation);
    assert_eq!(of(erased.operation).unwrap().person, None);
    assert_sound(&db).await;
}

#[db_test(MIGRATIONS)]
async fn a_number_that_was_merged_means_the_other_at_once(db: TestDatabase) {
    let (mut desk, [one, two]) = open(&db).await;
    for (id, member) in [("1", one), ("2", two)] {
        ask(&mut desk, command(id, member, earn(10))).await;
    }
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    merging::follow(&mut tx, W, PersonId(102), PersonId(101), db.clock().now()).await.unwrap();
    tx.commit().await.unwrap();
    for (id, member) in [("3", one), ("4", two)] {
        assert_eq!(ask(&mut desk, command(id, member, spend(10))).await.1.refused, None);
    }
    assert_sound(&db).await;
}
