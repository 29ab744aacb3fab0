//! Members' cards, on both engines: one counts, a new one makes it void, and they go with their person.

use rapport_domain::{PersonId, SeededRng, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::cards::{self, Card, Refusal};
use rapport_loyalty::records::{members, merging, personal};
use rapport_loyalty::{MIGRATIONS, codes};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, Store, db_test};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);

async fn enrol(db: &Store, person: i64) -> MemberId {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let rng = SeededRng::new(u64::try_from(person).unwrap());
    let member = members::enrol(&mut tx, W, PersonId(person), Timestamp(1), &rng).await.unwrap();
    tx.commit().await.unwrap();
    member
}

async fn issue(db: &Store, member: MemberId, at: i64) -> Card {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let rng = SeededRng::new(u64::try_from(member.0 ^ at).unwrap());
    let card = cards::issue(&mut tx, W, member, Timestamp(at), &rng).await.unwrap();
    tx.commit().await.unwrap();
    card
}

async fn ensure(db: &Store, member: MemberId, at: i64) -> Card {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let rng = SeededRng::new(u64::try_from(member.0 ^ at).unwrap());
    let card = cards::ensure(&mut tx, W, member, Timestamp(at), &rng).await.unwrap();
    tx.commit().await.unwrap();
    card
}

async fn holder(db: &Store, text: &str) -> Result<MemberId, Refusal> {
    cards::holder(&mut db.read(), W, text).await.unwrap()
}

#[db_test(MIGRATIONS)]
async fn one_card_counts(db: TestDatabase) {
    let ann = enrol(&db, 1).await;
    assert_eq!(cards::valid(&mut db.read(), W, ann).await.unwrap(), None);
    let first = ensure(&db, ann, 10).await;
    assert_eq!(ensure(&db, ann, 20).await, first, "she has one");
    assert_eq!(holder(&db, &format!(" {} ", first.shown().to_lowercase())).await, Ok(ann));
    let second = issue(&db, ann, 30).await;
    assert_eq!(holder(&db, &first.lookup).await, Err(Refusal::Void));
    assert_eq!(holder(&db, &second.lookup).await, Ok(ann));
    assert_eq!(cards::valid(&mut db.read(), W, ann).await.unwrap(), Some(second.clone()));

    let mut typo = second.lookup.clone().into_bytes();
    typo.swap(5, 6);
    let typo = String::from_utf8(typo).unwrap();
    assert!(typo == second.lookup || holder(&db, &typo).await == Err(Refusal::Mistyped));
    for none in ["", "a\0b", "SOMMER10' OR 1=1", &codes::generate(&SeededRng::new(99))] {
        let refused = holder(&db, none).await;
        assert!(matches!(refused, Err(Refusal::Mistyped | Refusal::Unknown)), "{none}: {refused:?}");
    }
    assert_eq!(cards::holder(&mut db.read(), OTHER, &second.lookup).await.unwrap(), Err(Refusal::Unknown));
}

#[db_test(MIGRATIONS)]
async fn of_many_who_issue_at_once_one_card_counts(db: TestDatabase) {
    let ann = enrol(&db, 1).await;
    let ensured = futures::future::join_all((1..9).map(|at| ensure(&db, ann, at))).await;
    assert!(ensured.iter().all(|card| card == &ensured[0]), "{ensured:?}");
    futures::future::join_all((10..18).map(|at| issue(&db, ann, at))).await;
    let all = cards::of_members(&mut db.read(), W, &[ann]).await.unwrap();
    assert_eq!((all.len(), all.iter().filter(|card| card.voided_at.is_none()).count()), (9, 1));
}

#[db_test(MIGRATIONS)]
async fn cards_go_on_with_their_member_and_go_with_their_person(db: TestDatabase) {
    let (ann, anna) = (enrol(&db, 1).await, enrol(&db, 2).await);
    let (old, new) = (issue(&db, ann, 10).await, issue(&db, anna, 20).await);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    merging::follow(&mut tx, W, PersonId(1), PersonId(2), Timestamp(25)).await.unwrap();
    tx.commit().await.unwrap();
    let heir = members::now(&mut db.read(), W, ann).await.unwrap();
    for card in [&old, &new] {
        assert_eq!(holder(&db, &card.lookup).await, Ok(heir), "both cards lie in her purse");
    }
    assert_eq!(cards::valid(&mut db.read(), W, heir).await.unwrap(), Some(new.clone()), "the newest is shown");
    let latest = issue(&db, heir, 30).await;
    for card in [&old, &new] {
        assert_eq!(holder(&db, &card.lookup).await, Err(Refusal::Void));
    }

    let person = members::find(&mut db.read(), W, heir).await.unwrap().unwrap().person.unwrap();
    let kept = personal::of(&mut db.read(), W, person).await.unwrap().unwrap();
    assert_eq!(kept.cards.len(), 3);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert_eq!(personal::forget(&mut tx, W, person).await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert_eq!(holder(&db, &latest.lookup).await, Err(Refusal::Unknown));
}
