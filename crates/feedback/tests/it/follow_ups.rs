//! Follow-ups as they are stored, on both engines: opened once, one after the other, worked on, united with whom they are about, forgotten; and their figures
//! against the slow way.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rapport_domain::business_hours::Plan;
use rapport_domain::{BusinessHours, Clock, Handle, ManualClock, PersonId, SeededRng, Timestamp, WorkspaceId};
use rapport_feedback::follow_ups::figures::{Case, Deeds, figures, later};
use rapport_feedback::follow_ups::records::{self, Filter, FollowUpRow, log, reasons};
use rapport_feedback::follow_ups::rules::{Choice, Owner, Rule, ready};
use rapport_feedback::follow_ups::service::{self, FOLLOW_UP_CLOSED, FOLLOW_UP_OPENED, Said, Users, With};
use rapport_feedback::follow_ups::work::Act;
use rapport_feedback::follow_ups::{DATA_MAP, MIGRATIONS, Outcome, State};
use rapport_feedback::{Error, follow_ups};
use rapport_models::survey::Confidence;
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test, outbox};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const NOW: Timestamp = Timestamp(1_780_000_000_000_000);
const DAY: i64 = Timestamp::DAY;

struct House {
    clock: ManualClock,
    rng: SeededRng,
    hours: BusinessHours,
    users: Users,
}

impl House {
    fn new() -> Self {
        let users = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let users = Users { all: users(&["usr_a", "usr_b", "usr_c"]), usual: users(&["usr_a", "usr_b"]) };
        let hours = BusinessHours::new(&Plan::usual("UTC")).unwrap();
        Self { clock: ManualClock::at(NOW), rng: SeededRng::new(1), hours, users }
    }

    fn with(&self) -> With<'_> {
        With { workspace: W, clock: &self.clock, rng: &self.rng, users: &self.users }
    }

    async fn open(&self, db: &TestDatabase, rule: &Rule, said: &Said, manager: Option<&str>) -> FollowUpRow {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let id = service::open(&mut tx, self.with(), (rule, &self.hours), said, manager).await.unwrap();
        tx.commit().await.unwrap();
        row(db, &id).await
    }

    async fn work(&self, db: &TestDatabase, id: &str, act: Act) -> Result<FollowUpRow, Error> {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let done = service::work(&mut tx, W, id, &act, ("usr_c", self.clock.now())).await?;
        tx.commit().await.unwrap();
        Ok(done)
    }

    async fn hear(&self, db: &TestDatabase, said: &Said) {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        service::hear(&mut tx, W, said, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn follow(&self, db: &TestDatabase, moved: &[(i64, i64, i64)]) {
        let moved: Vec<_> = moved.iter().map(|it| (Handle(it.0), PersonId(it.1), PersonId(it.2))).collect();
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        service::follow(&mut tx, W, &moved, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn rule(key: &str) -> Rule {
    ready().into_iter().find(|rule| rule.key == key).unwrap()
}

fn said(event: u8, person: i64) -> Said {
    Said {
        event_id: [event; 16],
        event_name: "Survey Answered".to_owned(),
        handle: Handle(person),
        person: PersonId(person),
        occurred_at: NOW.plus(i64::from(event)),
        number: Some(3.0),
        subject: Some("nps".to_owned()),
    }
}

fn talked() -> Act {
    Act::Contact { channel: "phone".to_owned(), text: "We called her".to_owned() }
}

async fn row(db: &TestDatabase, id: &str) -> FollowUpRow {
    records::find(&mut db.read(), W, id).await.unwrap().unwrap()
}

async fn acts(db: &TestDatabase, id: &str) -> Vec<String> {
    let lines = log::of(&mut db.read(), W, &[id.to_owned()]).await.unwrap();
    assert!(lines.iter().map(|it| it.number).eq(1..=lines.len() as i64));
    lines.into_iter().map(|it| it.act).collect()
}

async fn told(db: &TestDatabase) -> Vec<String> {
    let batch = outbox::batch(&mut db.read(), W, "test", 100).await.unwrap();
    assert!(batch.events.iter().all(|event| event.person.is_some()));
    batch.events.into_iter().map(|event| event.name).collect()
}

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(rapport_store::data_map::lax_tables(&db).await.unwrap(), Vec::<String>::new());
}

#[db_test(MIGRATIONS)]
async fn of_one_person_and_rule_one_is_open(db: TestDatabase) {
    let house = House::new();
    let first = house.open(&db, &rule("detractor"), &said(1, 1), None).await;
    assert_eq!((first.stands(), first.due_at), (State::Open, NOW.plus(2 * DAY)));
    house.clock.advance(DAY);
    // Another occasion is another reason, and the very same one none.
    let again = house.open(&db, &rule("detractor"), &said(2, 1), None).await;
    let twice = house.open(&db, &rule("detractor"), &said(2, 1), None).await;
    assert_eq!((&again.id, &twice.id, again.due_at), (&first.id, &first.id, first.due_at));
    assert_eq!(acts(&db, &first.id).await, ["opened", "reason"]);
    let why = reasons::of(&mut db.read(), W, std::slice::from_ref(&first.id)).await.unwrap();
    assert_eq!(
        why.iter().map(|it| (it.event_id[0], it.role.as_str())).collect::<Vec<_>>(),
        [(1, "reason"), (2, "reason")]
    );
    // Of another rule, and of another person, there are others; and when it is done the next occasion opens a new one.
    let review = house.open(&db, &rule("bad_review"), &said(3, 1), None).await;
    let other = house.open(&db, &rule("detractor"), &said(4, 2), None).await;
    assert_eq!(BTreeSet::from([&first.id, &review.id, &other.id]).len(), 3);
    house.work(&db, &first.id, Act::Close(Outcome::NoActionNeeded, String::new())).await.unwrap();
    let next = house.open(&db, &rule("detractor"), &said(5, 1), None).await;
    assert!(next.id != first.id);
    // Then the first cannot be taken up again beside it.
    let refused = house.work(&db, &first.id, Act::Reopen).await.unwrap_err();
    assert!(matches!(&refused, Error::AlreadyOpen { id } if *id == next.id), "{refused}");
    assert!(house.work(&db, &first.id, Act::Undo).await.is_err());
    let mut expected = vec![FOLLOW_UP_OPENED; 3];
    expected.extend([FOLLOW_UP_CLOSED, FOLLOW_UP_OPENED]);
    assert_eq!(told(&db).await, expected);
    assert!(records::find(&mut db.read(), OTHER, &first.id).await.unwrap().is_none());
}

#[db_test(MIGRATIONS)]
async fn owners_are_chosen_as_the_rule_says(db: TestDatabase) {
    let house = House::new();
    let of = |by: Choice, users: &[&str]| {
        let users = users.iter().map(|user| (*user).to_owned()).collect();
        Rule { owner: Owner { by, users }, ..rule("detractor") }
    };
    let mut person = 0;
    for (rule, manager, expected) in [
        (of(Choice::RoundRobin, &[]), None, Some("usr_a")),
        (of(Choice::RoundRobin, &[]), None, Some("usr_b")),
        (of(Choice::RoundRobin, &[]), None, Some("usr_a")),
        // Who works here no more is left out.
        (of(Choice::RoundRobin, &["usr_gone", "usr_c", "usr_b"]), None, Some("usr_c")),
        (of(Choice::RoundRobin, &["usr_gone", "usr_c", "usr_b"]), None, Some("usr_b")),
        (of(Choice::One, &["usr_c"]), None, Some("usr_c")),
        (of(Choice::One, &["usr_gone"]), None, None),
        (of(Choice::Nobody, &["usr_c"]), Some("usr_a"), None),
        (of(Choice::AccountManager, &[]), Some("usr_b"), Some("usr_b")),
        (of(Choice::AccountManager, &[]), Some("usr_gone"), Some("usr_a")),
        (of(Choice::AccountManager, &[]), None, Some("usr_b")),
    ] {
        person += 1;
        house.clock.advance(1);
        let row = house.open(&db, &rule, &said(person, i64::from(person)), manager).await;
        assert_eq!((row.owner.as_deref(), row.assigned_at.is_some()), (expected, expected.is_some()), "{person}");
    }
    // Told once to whom it is.
    let untold = records::untold(&mut db.read(), W, NOW).await.unwrap();
    assert_eq!(untold.len(), 9);
    assert!(untold.is_sorted_by_key(|row| row.owner.clone()));
    let ids: Vec<String> = untold.iter().map(|row| row.id.clone()).collect();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for user in &house.users.all {
        records::note_told(&mut tx, W, user, &ids).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(records::untold(&mut db.read(), W, NOW).await.unwrap(), []);
    house.work(&db, &ids[0], Act::Assign(Some("usr_c".to_owned()))).await.unwrap();
    assert_eq!(records::untold(&mut db.read(), W, NOW).await.unwrap().len(), 1);
    assert_eq!(records::untold(&mut db.read(), W, NOW.plus(DAY)).await.unwrap(), []);
}

#[db_test(MIGRATIONS)]
async fn what_they_say_then_is_heard(db: TestDatabase) {
    let house = House::new();
    let open = house.open(&db, &rule("detractor"), &said(1, 1), None).await;
    house.hear(&db, &said(2, 1)).await;
    house.clock.advance(DAY);
    house.work(&db, &open.id, talked()).await.unwrap();
    house.work(&db, &open.id, Act::Wait).await.unwrap();
    // Before they were spoken with, and somebody else: that is no answer.
    house.hear(&db, &said(3, 1)).await;
    let after = |event: u8, person: i64, days: i64| Said { occurred_at: NOW.plus(days * DAY), ..said(event, person) };
    house.hear(&db, &after(4, 2, 2)).await;
    assert_eq!(row(&db, &open.id).await.stands(), State::Waiting);
    house.clock.advance(DAY);
    house.hear(&db, &after(5, 1, 2)).await;
    house.hear(&db, &after(5, 1, 2)).await;
    assert_eq!(row(&db, &open.id).await.stands(), State::InProgress);
    house.work(&db, &open.id, Act::Close(Outcome::Recovered, "Sent a new one".to_owned())).await.unwrap();
    house.clock.advance(90 * DAY);
    house.hear(&db, &after(6, 1, 91)).await;
    house.clock.advance(1);
    house.hear(&db, &after(7, 1, 92)).await;
    let heard = reasons::of(&mut db.read(), W, std::slice::from_ref(&open.id)).await.unwrap();
    assert_eq!(
        heard.iter().map(|it| (it.event_id[0], it.role.as_str())).collect::<Vec<_>>(),
        [(1, "reason"), (5, "later"), (6, "later")]
    );
    assert_eq!(acts(&db, &open.id).await, ["opened", "contacted", "waiting", "heard", "closed", "heard"]);
}

#[db_test(MIGRATIONS)]
async fn what_was_said_otherwise_afterwards_is_no_reason(db: TestDatabase) {
    let house = House::new();
    let (untouched, begun) = (
        house.open(&db, &rule("bad_review"), &said(1, 1), None).await,
        house.open(&db, &rule("bad_review"), &said(2, 2), None).await,
    );
    house.open(&db, &rule("bad_review"), &said(3, 1), None).await;
    house.work(&db, &begun.id, Act::Start).await.unwrap();
    let take_back = async |event: u8| {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        service::take_back(&mut tx, W, [event; 16], house.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    };
    take_back(1).await;
    assert_eq!(row(&db, &untouched.id).await.stands(), State::Open);
    for event in [3, 3, 2, 9] {
        take_back(event).await;
    }
    let over = row(&db, &untouched.id).await;
    assert_eq!((over.stands(), over.outcome.as_deref()), (State::Done, Some("no_action_needed")));
    // Who has begun goes on, and sees it.
    assert_eq!(row(&db, &begun.id).await.stands(), State::InProgress);
    assert_eq!(acts(&db, &untouched.id).await, ["opened", "reason", "taken_back"]);
    assert_eq!(told(&db).await, [FOLLOW_UP_OPENED, FOLLOW_UP_OPENED, FOLLOW_UP_CLOSED]);
}

#[db_test(MIGRATIONS)]
async fn two_people_who_are_one_have_one(db: TestDatabase) {
    let house = House::new();
    let older = house.open(&db, &rule("detractor"), &said(1, 1), None).await;
    house.clock.advance(DAY);
    let newer = house.open(&db, &rule("detractor"), &said(2, 2), None).await;
    let review = house.open(&db, &rule("bad_review"), &said(3, 2), None).await;
    house.work(&db, &newer.id, talked()).await.unwrap();
    // The one on which somebody works stays.
    house.follow(&db, &[(2, 2, 1), (9, 8, 1)]).await;
    assert!(records::find(&mut db.read(), W, &older.id).await.unwrap().is_none());
    let one = row(&db, &newer.id).await;
    assert_eq!((one.person, one.due_at, one.stands()), (PersonId(1), older.due_at, State::InProgress));
    assert_eq!(row(&db, &review.id).await.person, PersonId(1));
    let why = reasons::of(&mut db.read(), W, std::slice::from_ref(&one.id)).await.unwrap();
    assert_eq!(why.iter().map(|it| (it.event_id[0], it.person.0)).collect::<Vec<_>>(), [(1, 1), (2, 1)]);
    assert_eq!(acts(&db, &one.id).await, ["opened", "contacted", "opened", "united"]);
    // What came in by the identifier goes back with it.
    house.follow(&db, &[(2, 1, 2)]).await;
    assert_eq!((row(&db, &one.id).await.person, row(&db, &review.id).await.person), (PersonId(2), PersonId(2)));
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let tables = Tables::of(&[DATA_MAP]).unwrap();
    tables.erase(&mut tx, &Subject { workspace: W, person: PersonId(2), handles: vec![Handle(2)] }).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records::persons_with(&mut db.read(), W, &[PersonId(1), PersonId(2)]).await.unwrap(), []);
    assert_eq!(reasons::of(&mut db.read(), W, &[one.id.clone(), review.id]).await.unwrap(), []);
    assert_eq!(log::of(&mut db.read(), W, &[one.id]).await.unwrap(), []);
}

#[db_test(MIGRATIONS)]
async fn lists_are_in_the_order_of_their_deadlines(db: TestDatabase) {
    let house = House::new();
    let mut ids = Vec::new();
    for person in 1..=5_u8 {
        let hours = if person == 1 { 72 } else { 24 };
        let rule = Rule { deadline: follow_ups::deadline::Deadline { hours, working: false }, ..rule("detractor") };
        ids.push(house.open(&db, &rule, &said(person, i64::from(person)), None).await.id);
        house.clock.advance(Timestamp::HOUR);
    }
    house.work(&db, &ids[1], talked()).await.unwrap();
    house.work(&db, &ids[2], Act::Snooze(Some(NOW.plus(3 * DAY)))).await.unwrap();
    house.work(&db, &ids[3], Act::Close(Outcome::NotReached, String::new())).await.unwrap();
    house.work(&db, &ids[4], Act::Assign(None)).await.unwrap();
    let later = NOW.plus(DAY + 3 * Timestamp::HOUR);
    let found = async |filter: Filter, limit: i64| -> Vec<usize> {
        let rows = records::list(&mut db.read(), W, &filter, limit).await.unwrap();
        rows.iter().map(|row| ids.iter().position(|id| *id == row.id).unwrap()).collect()
    };
    assert_eq!(found(Filter::default(), 9).await, [1, 2, 4, 0]);
    let second = row(&db, &ids[2]).await;
    assert_eq!(found(Filter { behind: Some((second.due_at, second.id)), ..Filter::default() }, 1).await, [4]);
    assert_eq!(found(Filter { states: vec![State::Done], ..Filter::default() }, 9).await, [3]);
    assert_eq!(
        found(Filter { states: vec![State::Open], owner: Some(String::new()), ..Filter::default() }, 9).await,
        [4]
    );
    assert_eq!(found(Filter { owner: Some("usr_b".to_owned()), ..Filter::default() }, 9).await, [1]);
    assert_eq!(found(Filter { late_at: Some(later), ..Filter::default() }, 9).await, [2]);
    assert_eq!(found(Filter { awake_at: Some(later), ..Filter::default() }, 9).await, [1, 4, 0]);
    assert_eq!(found(Filter { rule: Some("none".to_owned()), ..Filter::default() }, 9).await, [0_usize; 0]);
    let counted = records::counts(&mut db.read(), W, later).await.unwrap();
    let plain: Vec<(&str, Option<&str>, i64, i64, i64)> =
        counted.iter().map(|it| (it.0.as_str(), it.1.as_deref(), it.2, it.3, it.4)).collect();
    let mut plain = plain;
    plain.sort_unstable();
    assert_eq!(
        plain,
        [("in_progress", Some("usr_b"), 1, 0, 0), ("open", None, 1, 0, 0), ("open", Some("usr_a"), 2, 1, 1)]
    );
}

#[db_test(MIGRATIONS)]
async fn rules_are_the_ready_ones_until_somebody_saves_others(db: TestDatabase) {
    use rapport_feedback::follow_ups::records::rules;
    let keys = async || -> Vec<(String, i64, bool)> {
        let all = rules::all(&mut db.read(), W).await.unwrap();
        all.into_iter().map(|it| (it.rule.key, it.revision, it.rule.enabled)).collect()
    };
    assert_eq!(
        keys().await.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(),
        ["complaint", "urgent_text", "detractor", "bad_review"]
    );
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let off = Rule { enabled: false, place: 5, ..rule("bad_review") };
    assert!(rules::save(&mut tx, W, &off, 0, (NOW, "usr_a")).await.unwrap());
    assert!(!rules::save(&mut tx, W, &off, 0, (NOW, "usr_b")).await.unwrap(), "somebody else saved meanwhile");
    assert!(rules::save(&mut tx, W, &off, 1, (NOW, "usr_b")).await.unwrap());
    assert!(
        rules::save(&mut tx, W, &Rule { key: "own".to_owned(), place: 99, ..rule("detractor") }, 0, (NOW, "usr_a"))
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let saved = keys().await;
    assert_eq!(
        (saved[0].clone(), saved[4].clone()),
        (("bad_review".to_owned(), 2, false), ("own".to_owned(), 1, true))
    );
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert!(
        rules::delete(&mut tx, W, "bad_review").await.unwrap()
            && !rules::delete(&mut tx, W, "bad_review").await.unwrap()
    );
    tx.commit().await.unwrap();
    assert_eq!(keys().await[3], ("bad_review".to_owned(), 0, true));
    assert_eq!(rules::all(&mut db.read(), OTHER).await.unwrap().len(), 4);
}

fn any_case() -> impl Strategy<Value = Case> {
    let outcome = prop_oneof![Just(None), proptest::sample::select(Outcome::ALL.to_vec()).prop_map(Some)];
    (1_i64..12, -200_i64..0, 1_i64..5, proptest::option::of(0_i64..8), outcome).prop_map(
        |(person, opened, due, contacted, outcome)| {
            let opened_at = NOW.plus(opened * DAY);
            let contacted_at = contacted.map(|days| opened_at.plus(days * DAY)).filter(|at| *at <= NOW);
            Case { person: PersonId(person), opened_at, due_at: opened_at.plus(due * DAY), contacted_at, outcome }
        },
    )
}

proptest! {
    /// Person by person, in the most obvious way.
    #[test]
    fn figures_are_those_of_the_slow_way(
        cases in proptest::collection::vec(any_case(), 0..25),
        paid in proptest::collection::vec((1_i64..12, -200_i64..0, 1_i64..90), 0..40),
        seen in proptest::collection::vec((1_i64..12, -200_i64..0), 0..12),
        days in 1_u32..120,
    ) {
        let confidence = Confidence::default();
        let found = figures(&cases, NOW, confidence);
        let counted: Vec<&Case> = cases.iter().filter(|it| it.outcome != Some(Outcome::NoActionNeeded)).collect();
        let judged = counted.iter().filter(|it| it.contacted_at.is_some() || it.outcome.is_some() || it.due_at <= NOW).count();
        let contacted = counted.iter().filter(|it| it.contacted_at.is_some()).count();
        let in_time = counted.iter().filter(|it| it.contacted_at.is_some_and(|at| at <= it.due_at)).count();
        let ratio = |hits: usize, n: usize| if n == 0 { None } else { Some(hits as f64 / n as f64) };
        prop_assert_eq!((found.opened, found.judged), (cases.len() as u64, judged as u64));
        prop_assert_eq!(found.contacted.map(|it| it.estimate), ratio(contacted, judged));
        prop_assert_eq!(found.in_time.map(|it| it.estimate), ratio(in_time, judged));
        let ended = [Outcome::Recovered, Outcome::NotRecovered, Outcome::NotReached]
            .map(|it| cases.iter().filter(|case| case.outcome == Some(it)).count());
        prop_assert_eq!(found.recovered.map(|it| it.estimate), ratio(ended[0], ended.iter().sum()));
        for share in [found.contacted, found.in_time, found.recovered].into_iter().flatten() {
            prop_assert!(share.low <= share.estimate && share.estimate <= share.high);
        }
        let mut waits: Vec<i64> = counted.iter().filter_map(|it| Some(it.contacted_at?.0 - it.opened_at.0)).collect();
        waits.sort_unstable();
        let middle = match waits.len() {
            0 => None,
            n if n % 2 == 1 => Some(waits[n / 2]),
            n => Some((waits[n / 2 - 1] + waits[n / 2]) / 2),
        };
        prop_assert_eq!(found.usual_time, middle);

        let paid: Vec<(PersonId, Timestamp, i64)> =
            paid.iter().map(|(person, at, euros)| (PersonId(*person), NOW.plus(at * DAY), euros * 1_000_000)).collect();
        let seen: BTreeMap<PersonId, Timestamp> = seen.iter().map(|(person, at)| (PersonId(*person), NOW.plus(at * DAY))).collect();
        let read = later(&cases, Deeds { paid: &paid, seen: &seen }, (days, NOW), confidence);
        let span = i64::from(days) * DAY;
        let (mut people, mut recent) = ([Vec::new(), Vec::new()], 0);
        for person in (1..12).map(PersonId) {
            let Some(first) = counted.iter().filter(|it| it.person == person).min_by_key(|it| (it.opened_at, it.due_at)) else { continue };
            if NOW.0 < first.due_at.0 + span {
                recent += 1;
                continue;
            }
            let own: Vec<i64> = paid.iter()
                .filter(|it| it.0 == person && it.1.0 >= first.due_at.0 && it.1.0 < first.due_at.0 + span)
                .map(|it| it.2).collect();
            let stays = seen.get(&person).is_some_and(|at| at.0 >= first.due_at.0 + span / 2);
            // Of two that begin and end alike either counts.
            let alike = counted.iter().filter(|it| it.person == person && (it.opened_at, it.due_at) == (first.opened_at, first.due_at));
            let called: BTreeSet<bool> = alike.map(|it| it.contacted_at.is_some_and(|at| at <= it.due_at)).collect();
            prop_assume!(called.len() == 1);
            people[usize::from(!called.contains(&true))].push((own.len() as u64, own.iter().sum::<i64>(), stays));
        }
        prop_assert_eq!(read.too_recent, recent);
        for (group, people) in [(&read.contacted, &people[0]), (&read.others, &people[1])] {
            let n = people.len();
            prop_assert_eq!(group.people, n as u64);
            prop_assert_eq!(group.bought.map(|it| it.estimate), ratio(people.iter().filter(|it| it.0 > 0).count(), n));
            prop_assert_eq!(group.stayed.map(|it| it.estimate), ratio(people.iter().filter(|it| it.2).count(), n));
            prop_assert_eq!(group.orders, ratio(people.iter().map(|it| it.0 as usize).sum(), n));
            let spent = people.iter().map(|it| it.1).sum::<i64>() as f64 / n as f64;
            prop_assert!(group.spent.map_or(n == 0, |it| (it - spent).abs() < 1e-6 * spent.abs().max(1.0)));
        }
        if let (Some(more), Some(these), Some(those)) = (read.bought_more, read.contacted.bought, read.others.bought) {
            prop_assert!((more.estimate - (these.estimate - those.estimate)).abs() < 1e-9);
            prop_assert!(more.low <= more.estimate && more.estimate <= more.high);
        } else {
            prop_assert!(people.iter().any(Vec::is_empty));
        }
        if let (Some(more), Some(these), Some(those)) = (read.spent_more, read.contacted.spent, read.others.spent) {
            prop_assert!((more.estimate - (these - those)).abs() < 1e-6 * these.abs().max(those.abs()).max(1.0));
        }
        prop_assert!(read.few);
    }
}

/// An order before the deadline counts for nobody, however soon they were spoken with.
#[test]
fn what_was_bought_before_the_deadline_does_not_count() {
    let case = |person: i64, contacted: bool| Case {
        person: PersonId(person),
        opened_at: NOW,
        due_at: NOW.plus(2 * DAY),
        contacted_at: contacted.then_some(NOW.plus(Timestamp::HOUR)),
        outcome: None,
    };
    let cases = [case(1, true), case(2, false)];
    let paid = [(PersonId(1), NOW.plus(DAY), 5_000_000), (PersonId(2), NOW.plus(2 * DAY), 7_000_000)];
    let deeds = Deeds { paid: &paid, seen: &BTreeMap::new() };
    let read = later(&cases, deeds, (90, NOW.plus(92 * DAY)), Confidence::default());
    assert_eq!((read.contacted.spent, read.others.spent), (Some(0.0), Some(7e6)));
    let early = later(&cases, deeds, (90, NOW.plus(92 * DAY - 1)), Confidence::default());
    assert_eq!((early.contacted.people, early.others.people, early.too_recent), (0, 0, 2));
}
