//! The programme and what its rules gave, in the database, on both engines.

use std::collections::HashMap;

use rapport_domain::{Handle, PersonId, SeededRng, Timestamp, WorkspaceId};
use rapport_loyalty::document::State;
use rapport_loyalty::earning::{Award, Awards, CapPer, Every, Happened, Line, Outcome, Period, Rated, Rule, given};
use rapport_loyalty::ledger::{Balance, MemberId};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::{self, Saved};
use rapport_loyalty::records::live::LivePrograms;
use rapport_loyalty::records::programs::{self, Programs};
use rapport_loyalty::records::{awards, members, merging, read, wallets};
use rapport_loyalty::{Document, Error, MIGRATIONS};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};
use serde_json::{Value, json};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);

fn program(change: Value) -> Program {
    let mut value = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "wallets": [{"key": "points", "name": "Points", "balance_max": 100}]});
    value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    Program::from_json(value).unwrap()
}

fn rule(key: &str, points: i64) -> Rule {
    Rule::from_json(
        json!({"key": key, "name": key, "event": "Order Completed", "gives": {"kind": "fixed", "points": points}}),
    )
    .unwrap()
}

const fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * Timestamp::SECOND)
}

fn saved(seconds: i64) -> Saved<'static> {
    Saved { in_force_from: at(seconds), at: at(seconds), by: "usr_1" }
}

async fn save(db: &TestDatabase, program: &Program, seen: i64, seconds: i64) -> Result<(), Error> {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    programs::save(&mut tx, W, program, seen, saved(seconds)).await?;
    tx.commit().await.unwrap();
    Ok(())
}

async fn save_rule(db: &TestDatabase, rule: &Rule, state: State, seen: i64, seconds: i64) -> Result<(), Error> {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    documents::save(&mut tx, W, (rule, state), seen, saved(seconds)).await?;
    tx.commit().await.unwrap();
    Ok(())
}

#[db_test(MIGRATIONS)]
async fn what_was_in_force_then_is_known_for_ever(db: TestDatabase) {
    let live = LivePrograms::default();
    assert!(live.get(&mut db.read(), W).await.unwrap().latest().is_none());
    assert!(matches!(save_rule(&db, &rule("a", 1), State::Live, 0, 5).await, Err(Error::NotFound { .. })));
    save(&db, &program(json!({})), 0, 10).await.unwrap();
    assert!(matches!(save(&db, &program(json!({})), 0, 11).await, Err(Error::Stale { found: 1, .. })));
    save_rule(&db, &rule("a", 1), State::Live, 0, 20).await.unwrap();
    save_rule(&db, &rule("b", 9), State::Draft, 0, 20).await.unwrap();
    let seen = live.get(&mut db.read(), W).await.unwrap();
    assert_eq!(seen.rules.len(), 2);
    save_rule(&db, &rule("a", 2), State::Live, 1, 30).await.unwrap();
    save_rule(&db, &rule("b", 9), State::Live, 1, 30).await.unwrap();
    save_rule(&db, &rule("a", 2), State::Ended, 2, 40).await.unwrap();
    assert!(matches!(save_rule(&db, &rule("a", 2), State::Live, 2, 50).await, Err(Error::Stale { found: 3, .. })));
    let now = live.get(&mut db.read(), W).await.unwrap();
    assert_eq!(now.rules.len(), 5, "what was committed is seen by the next question");
    let in_force = |seconds: i64| -> Vec<(String, i64)> {
        now.rules_at(at(seconds)).map(|(rule, version)| (rule.key.clone(), version)).collect()
    };
    let named = |names: &[(&str, i64)]| -> Vec<(String, i64)> {
        names.iter().map(|(key, it)| ((*key).to_owned(), *it)).collect()
    };
    assert_eq!(in_force(19), []);
    assert_eq!(in_force(20), named(&[("a", 1)]));
    assert_eq!(in_force(39), named(&[("a", 2), ("b", 2)]));
    assert_eq!(in_force(40), named(&[("b", 2)]));
    assert_eq!(now.counts_from(), Some(at(10)));
    save(&db, &program(json!({"name": "New", "counts_from": "1970-01-01T00:00:03Z"})), 1, 60).await.unwrap();
    let programs = Programs::read(&mut db.read(), W).await.unwrap();
    let name = |seconds: i64| programs.at(at(seconds)).unwrap().name.clone();
    assert_eq!([name(1), name(59), name(60)], ["Club", "Club", "New"]);
    assert_eq!(programs.counts_from(), Some(at(3)));
    assert!(
        Programs::read(&mut db.read(), OTHER).await.unwrap().latest().is_none(),
        "another workspace has none of it"
    );
}

/// An occasion of a member that one rule gives so much for.
async fn tell(db: &TestDatabase, occasion: &str, member: MemberId, wanted: i64, back: (i64, i64), now: i64) {
    let program = program(json!({}));
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let numbers = wallets::numbers(&mut tx, W).await.unwrap();
    let names = [occasion.to_owned()];
    let known = awards::latest(&mut tx, W, &names).await.unwrap();
    let member = known.first().map_or(member, |award| award.member);
    let mut all = Awards::new(&program, program.calendar().unwrap(), &numbers, known, HashMap::new());
    let happened = Happened { occasion, member, at: at(100), kind: "order", reference: "1042" };
    let rule = rule("base", 1);
    let line = Line {
        rule: "base".into(),
        version: 1,
        wallet: "points".into(),
        wanted,
        points: wanted,
        outcome: Outcome::Given,
    };
    all.earned(&happened, &[(&rule, 1)], &Rated { lines: vec![line] });
    all.went_back(&happened, back.0, back.1);
    let handles = [(occasion.to_owned(), Handle(7))].into();
    awards::save(&mut tx, W, &mut all, &handles, at(now)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn enrol(db: &TestDatabase, person: i64) -> MemberId {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let member =
        members::enrol(&mut tx, W, PersonId(person), at(person), &SeededRng::new(person as u64)).await.unwrap();
    tx.commit().await.unwrap();
    member
}

async fn balance(db: &TestDatabase, member: MemberId) -> Balance {
    let accounts = read::accounts(&mut db.read(), W, &[member], at(10_000)).await.unwrap();
    accounts.into_values().next().map(|account| account.balance()).unwrap_or_default()
}

async fn counted(db: &TestDatabase, member: MemberId) -> (i64, i64) {
    let calendar = program(json!({})).calendar().unwrap();
    let period = Period::of(Every::Month, at(100), &calendar);
    let used = awards::used(&mut db.read(), W, &["base".to_owned()], &[member], &[period.key()]).await.unwrap();
    let of = |per: CapPer| given(&used, member, "base", per, period).points;
    (of(CapPer::Member), of(CapPer::Everybody))
}

#[db_test(MIGRATIONS)]
async fn awards_posted_points_and_counts_say_the_same(db: TestDatabase) {
    save(&db, &program(json!({})), 0, 10).await.unwrap();
    let (ann, bob) = (enrol(&db, 1).await, enrol(&db, 2).await);
    tell(&db, "order:1", ann, 60, (0, 100), 200).await;
    tell(&db, "order:1", ann, 60, (0, 100), 201).await;
    assert_eq!((balance(&db, ann).await.available, counted(&db, ann).await), (60, (60, 60)));
    tell(&db, "order:1", ann, 60, (50, 100), 202).await;
    tell(&db, "order:2", bob, 40, (0, 100), 203).await;
    assert_eq!((balance(&db, ann).await.available, counted(&db, ann).await), (30, (30, 70)));
    // The wallet takes 100: an award that is refused is kept with the reason, and counts for nothing.
    tell(&db, "order:3", bob, 61, (0, 100), 204).await;
    tell(&db, "order:3", bob, 61, (0, 100), 205).await;
    assert_eq!((balance(&db, bob).await.available, counted(&db, bob).await), (40, (40, 70)));
    let kept = awards::of_member(&mut db.read(), W, bob, None, 10).await.unwrap();
    let short: Vec<(&str, &str, i64)> =
        kept.iter().map(|it| (it.occasion.as_str(), it.outcome.as_str(), it.points)).collect();
    assert_eq!(short, [("order:2", "given", 40), ("order:3", "balance_limit", 0)]);
    // Both are of one instant: a page that ends between them goes on with the other.
    let first = &kept[0];
    let behind = (first.occurred_at, first.occasion.clone(), first.rule.clone(), first.revision);
    assert_eq!(awards::of_member(&mut db.read(), W, bob, Some(behind), 10).await.unwrap(), kept[1..]);

    // They turn out to be one: what each got counts for both, and an old order still finds its points.
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), at(300)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((balance(&db, ann).await.available, counted(&db, ann).await), (70, (70, 70)));
    let kept = awards::of_member(&mut db.read(), W, ann, None, 10).await.unwrap();
    assert_eq!(kept.iter().map(Award::left).sum::<i64>(), 70, "{kept:?}");
    tell(&db, "order:2", bob, 40, (100, 100), 400).await;
    assert_eq!((balance(&db, ann).await.available, counted(&db, ann).await), (30, (30, 30)));
    tell(&db, "order:2", bob, 40, (25, 100), 401).await;
    assert_eq!((balance(&db, ann).await.available, counted(&db, ann).await), (60, (60, 60)), "a corrected refund");
}
