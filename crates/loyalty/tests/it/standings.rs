//! Where members stand and what they used, in the database, on both engines.

use jiff::tz::TimeZone;
use rapport_domain::{Handle, PersonId, SeededRng, Timestamp, WorkspaceId};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::benefits::{self, Recorded, UseRow};
use rapport_loyalty::records::tiers::{self, Change, Count, MatchRow, Reckoned, counted_key};
use rapport_loyalty::records::{members, merging, personal};
use rapport_loyalty::tiers::{Counted, Course, History, Ladder, Series};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test, outbox};
use serde_json::json;

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const ANN: PersonId = PersonId(1);

fn ladder() -> Ladder {
    let program = json!({
        "name": "Club", "zone": "UTC", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}],
        "ladders": [{
            "key": "club", "name": "Club", "period": {"kind": "rolling", "count": 30, "unit": "days"},
            "measures": [{"key": "spend", "name": "Spent", "counts": {"kind": "spent"}}],
            "tiers": [{"key": "base", "name": "Base"}, {"key": "gold", "name": "Gold", "needs": {"measure": "spend", "at_least": 100}}],
        }],
    });
    Program::from_json(program).unwrap().ladders.remove(0)
}

const fn day(days: i64) -> Timestamp {
    Timestamp(days * Timestamp::DAY)
}

async fn enrol(db: &TestDatabase, person: i64) -> MemberId {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let rng = SeededRng::new(u64::try_from(person).unwrap());
    let member = members::enrol(&mut tx, W, PersonId(person), day(1), &rng).await.unwrap();
    tx.commit().await.unwrap();
    member
}

/// Reckons and keeps where a member stands who spent this.
async fn reckon(db: &TestDatabase, member: MemberId, spent: &[(i64, i64)], now: Timestamp) -> Change {
    let ladder = ladder();
    let mut history = History::default();
    let amounts = spent.iter().map(|(at, euros)| (day(*at), euros * 1_000_000));
    history.put(Counted::Spent, Series::of_amounts(amounts.collect()));
    let course = Course {
        versions: vec![(day(0), &ladder)],
        is_late: false,
        zone: TimeZone::UTC,
        counts_from: day(0),
        enrolled_at: day(1),
        history: &history,
        matches: &[],
    };
    let standing = course.standing(now);
    let next = course.next(&standing, now);
    let it = Reckoned { member, person: ANN, ladder: &ladder, standing: &standing, next: next.as_ref() };
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let known = tiers::standings(&mut tx, W, &[member]).await.unwrap();
    let moves = tiers::moves(&mut tx, W, member, "club").await.unwrap();
    let change = tiers::save(&mut tx, W, &it, (known.first(), &moves), now).await.unwrap();
    tx.commit().await.unwrap();
    change
}

async fn told(db: &TestDatabase) -> Vec<String> {
    let batch = outbox::batch(&mut db.read(), W, "test", 100).await.unwrap();
    let events = batch.events.iter().filter(|it| it.name.starts_with("tier."));
    events
        .map(|it| {
            format!(
                "{} {} {}",
                it.name,
                it.payload["tier"].as_str().unwrap_or("-"),
                it.payload["why"].as_str().unwrap_or("-")
            )
        })
        .collect()
}

#[db_test(MIGRATIONS)]
async fn a_move_is_told_once_and_a_restatement_is_its_own(db: TestDatabase) {
    let ann = enrol(&db, 1).await;
    assert_eq!(reckon(&db, ann, &[(5, 60)], day(6)).await, Change::Progress);
    assert_eq!(reckon(&db, ann, &[(5, 60)], day(6)).await, Change::None);
    assert_eq!(reckon(&db, ann, &[(5, 60), (7, 50)], day(8)).await, Change::Told);
    assert_eq!(reckon(&db, ann, &[(5, 60), (7, 50)], day(8)).await, Change::None, "once");
    assert_eq!(told(&db).await, ["tier.reached gold counted"]);
    let kept = tiers::standings(&mut db.read(), W, &[ann]).await.unwrap();
    assert_eq!((kept[0].tier.as_deref(), kept[0].since, kept[0].until), (Some("gold"), day(7), Some(day(36))));
    assert!(tiers::standings(&mut db.read(), OTHER, &[ann]).await.unwrap().is_empty());
    // A part went back: it was never reached. Then it is heard that something was bought before.
    assert_eq!(reckon(&db, ann, &[(5, 60), (7, 10)], day(9)).await, Change::Told);
    assert_eq!(reckon(&db, ann, &[(4, 40), (5, 60), (7, 10)], day(10)).await, Change::Told);
    assert_eq!(told(&db).await[1..], ["tier.lost base restated", "tier.reached gold counted"]);
    let moves = tiers::moves(&mut db.read(), W, ann, "club").await.unwrap();
    let short: Vec<(i64, Timestamp, Option<Timestamp>)> =
        moves.iter().map(|it| (it.number, it.moved_at, it.restated_at)).collect();
    assert_eq!(short, [(1, day(7), Some(day(9))), (2, day(5), None)]);

    // By time alone: who is due is found, and once it is done nobody is.
    let due = async |now| tiers::due(&mut db.read(), W, now, 10).await.unwrap();
    assert_eq!(due(day(34)).await, []);
    assert_eq!(due(day(35)).await, [ann]);
    assert_eq!(reckon(&db, ann, &[(4, 40), (5, 60), (7, 10)], day(35)).await, Change::Told);
    assert_eq!(told(&db).await[3], "tier.lost base lapsed");
    assert_eq!(due(day(35)).await, []);
    let per_tier = tiers::members_per_tier(&mut db.read(), W, "club").await.unwrap();
    assert_eq!(per_tier, [(Some("base".to_owned()), 1)]);
    let between = tiers::moves_between(&mut db.read(), W, "club", (day(0), day(40))).await.unwrap();
    assert_eq!(between.iter().map(|it| it.3).sum::<i64>(), 2, "what was restated is no move: {between:?}");
}

#[db_test(MIGRATIONS)]
async fn everybody_is_looked_at_once_after_a_change(db: TestDatabase) {
    let mut all = Vec::new();
    for person in 1..=5 {
        all.push(enrol(&db, person).await);
    }
    all.sort_unstable();
    let mut seen = Vec::new();
    for version in [1, 2] {
        loop {
            let mut tx = db.begin(Priority::Background).await.unwrap();
            let some = tiers::sweep(&mut tx, W, version, 2).await.unwrap();
            tx.commit().await.unwrap();
            if some.is_empty() {
                break;
            }
            seen.extend(some);
        }
        assert_eq!(seen, all);
        assert!(tiers::is_swept(&mut db.read(), W, version).await.unwrap());
        assert!(!tiers::is_swept(&mut db.read(), W, version + 1).await.unwrap());
        seen.clear();
    }
}

fn used(id: &str, member: MemberId, reference: &str) -> UseRow {
    UseRow {
        id: id.to_owned(),
        member: member.0,
        ladder: "club".into(),
        benefit: "lounge".into(),
        tier: "gold".into(),
        period: "year 2026-01-01".into(),
        cost: 12_500_000,
        reference: reference.to_owned(),
        used_by: "usr_1".into(),
        used_at: day(3),
    }
}

async fn try_use(db: &TestDatabase, row: &UseRow) -> Recorded {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let recorded = benefits::record(&mut tx, W, row, Some(2)).await.unwrap();
    tx.commit().await.unwrap();
    recorded
}

#[db_test(MIGRATIONS)]
async fn the_last_use_is_given_once_and_all_goes_along_and_is_forgotten(db: TestDatabase) {
    let (ann, bob) = (enrol(&db, 1).await, enrol(&db, 2).await);
    let rows: Vec<UseRow> = (0..12).map(|it| used(&format!("use-{it}"), bob, "room 7")).collect();
    let answers = futures::future::join_all(rows.iter().map(|row| try_use(&db, row))).await;
    assert_eq!(answers.iter().filter(|it| **it == Recorded::New).count(), 2, "{answers:?}");
    let first = rows[answers.iter().position(|it| *it == Recorded::New).unwrap()].clone();
    assert_eq!(try_use(&db, &first).await, Recorded::Again(first.clone()));
    assert_eq!(try_use(&db, &UseRow { reference: "another".into(), ..first.clone() }).await, Recorded::IdReused);

    let given = |member: MemberId, at: i64| MatchRow {
        member: member.0,
        number: 0,
        ladder: "club".into(),
        tier: "gold".into(),
        given_at: day(at),
        until: day(50),
        reason: "a friend of Carol's".into(),
        given_by: "usr_1".into(),
        ended_by: None,
    };
    let count = Count {
        member: bob,
        counted: counted_key(&Counted::Orders),
        occasion: "e1".into(),
        amount: 1,
        occurred_at: day(2),
        handle: Handle(9),
    };
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    tiers::give(&mut tx, W, &given(ann, 2)).await.unwrap();
    tiers::give(&mut tx, W, &given(bob, 3)).await.unwrap();
    tiers::give(&mut tx, W, &given(bob, 4)).await.unwrap();
    tiers::count(&mut tx, W, &[count.clone(), count.clone()]).await.unwrap();
    tx.commit().await.unwrap();
    reckon(&db, bob, &[(5, 100)], day(6)).await;

    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    merging::follow(&mut tx, W, PersonId(2), ANN, day(7)).await.unwrap();
    tx.commit().await.unwrap();
    let stays = members::of(&mut db.read(), W, ANN).await.unwrap().unwrap();
    let goes = if stays == ann { bob } else { ann };
    let matches = tiers::matches(&mut db.read(), W, &[stays]).await.unwrap();
    assert_eq!(
        matches.iter().filter(|it| it.until == day(50)).count(),
        2,
        "one of each; the second of Bob's ended his first"
    );
    assert_eq!(benefits::of_member(&mut db.read(), W, stays, None, 10).await.unwrap().len(), 2);
    assert_eq!(tiers::counts(&mut db.read(), W, &[stays]).await.unwrap(), [Count { member: stays, ..count }]);
    assert!(tiers::standings(&mut db.read(), W, &[goes]).await.unwrap().is_empty());

    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    personal::forget(&mut tx, W, ANN).await.unwrap();
    tx.commit().await.unwrap();
    assert!(tiers::matches(&mut db.read(), W, &[ann, bob]).await.unwrap().is_empty());
    assert!(tiers::moves(&mut db.read(), W, bob, "club").await.unwrap().is_empty());
    let kept = benefits::of_member(&mut db.read(), W, stays, None, 10).await.unwrap();
    assert_eq!(
        kept.iter().map(|it| (it.cost, it.reference.as_str())).collect::<Vec<_>>(),
        [(12_500_000, ""), (12_500_000, "")]
    );
}
