//! Challenges and badges on both engines: what is completed is given once, what turns out otherwise is taken back, whoever reckons at the same time; members who become one.

use rapport_domain::{Handle, PersonId, SeededRng, Timestamp};
use rapport_loyalty::challenges::Challenge;
use rapport_loyalty::document::State;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::badges::{self, Act, BY_STAFF, Whose};
use rapport_loyalty::records::challenges::{self, CountRow, Scene};
use rapport_loyalty::records::documents::{self, Saved, Version};
use rapport_loyalty::records::members::Member;
use rapport_loyalty::records::{members, merging, personal, read};
use rapport_loyalty::verify::verify;
use rapport_loyalty::{Document, MIGRATIONS};
use rapport_store::testing::TestDatabase;
use rapport_store::{db_test, outbox};
use serde_json::{Value, json};

use crate::world::{NOW, W, World};

const DAY: i64 = Timestamp::DAY;

fn card(more: Value) -> Value {
    let mut form = json!({"key": "card", "name": "Card", "event": "Order Completed", "counts": {"kind": "units"},
        "steps": [{"target": 10, "points": 50, "badge": "regular"}], "recurrence": {"kind": "always"}});
    for (key, value) in more.as_object().unwrap() {
        form[key] = value.clone();
    }
    form
}

struct Club {
    world: World,
    challenges: Vec<Version<Challenge>>,
}

impl Club {
    async fn found(db: &TestDatabase, form: Value) -> Self {
        let program = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
        let mut world = World::with(db, Program::from_json(program).unwrap()).await;
        world.now = NOW;
        let challenge = Challenge::from_json(form).unwrap();
        let mut tx = world.begin().await;
        let saved = Saved { in_force_from: Timestamp(0), at: NOW, by: "usr_1" };
        documents::save(&mut tx, W, (&challenge, State::Live), 0, saved).await.unwrap();
        tx.commit().await.unwrap();
        let challenges = documents::versions(&mut world.store.read(), W).await.unwrap();
        Self { world, challenges }
    }

    fn scene(&self) -> Scene<'_> {
        let at = self.world.scene();
        Scene { workspace: W, program: at.program, calendar: at.calendar, challenges: &self.challenges, now: at.now }
    }

    async fn member(&self, person: i64) -> Member {
        let mut tx = self.world.begin().await;
        let rng = SeededRng::new(u64::try_from(person).unwrap());
        let member = members::enrol(&mut tx, W, PersonId(person), NOW.plus(-90 * DAY), &rng).await.unwrap();
        tx.commit().await.unwrap();
        members::find(&mut self.world.store.read(), W, member).await.unwrap().unwrap()
    }

    async fn review(&self, member: &Member, is_by_time: bool) {
        let mut tx = self.world.begin().await;
        challenges::review(&mut tx, self.scene(), std::slice::from_ref(member), is_by_time).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Says what an order counts now, and reckons.
    async fn order(&self, member: &Member, order: &str, (units, days_ago): (i64, i64)) {
        let mut tx = self.world.begin().await;
        let row = CountRow {
            occasion: format!("order:{order}"),
            challenge: "card".to_owned(),
            value: String::new(),
            member: member.member.0,
            amount: units * 1_000_000,
            remaining: units * 1_000_000,
            occurred_at: NOW.plus(-days_ago * DAY),
            handle: Handle(member.member.0),
        };
        let rows = if units > 0 { vec![row] } else { Vec::new() };
        challenges::replace(&mut tx, W, &[format!("order:{order}")], &rows).await.unwrap();
        challenges::review(&mut tx, self.scene(), std::slice::from_ref(member), false).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn has(&self, member: MemberId) -> (i64, Vec<String>) {
        let mut db = self.world.store.read();
        let accounts = read::accounts(&mut db, W, &[member], self.world.now).await.unwrap();
        let points = accounts.values().map(|account| account.balance().available - account.balance().owed).sum();
        let held = badges::of_members(&mut db, W, &[member]).await.unwrap();
        let mut held: Vec<String> =
            held.into_iter().filter(|row| row.taken_at.is_none()).map(|row| row.badge).collect();
        held.dedup();
        (points, held)
    }

    async fn told(&self) -> Vec<String> {
        let batch = outbox::batch(&mut self.world.store.read(), W, "test", 500).await.unwrap();
        let own = |name: &str| name.starts_with("challenge.") || name.starts_with("badge.");
        batch.events.iter().filter(|it| own(&it.name)).map(|it| it.name.clone()).collect()
    }
}

fn regular() -> Vec<String> {
    vec!["regular".to_owned()]
}

#[db_test(MIGRATIONS)]
async fn what_is_completed_is_given_once_and_taken_back_when_it_was_not(db: TestDatabase) {
    let club = Club::found(&db, card(json!({}))).await;
    let ann = club.member(1).await;
    club.order(&ann, "1", (8, 5)).await;
    assert_eq!(club.has(ann.member).await, (0, vec![]));
    club.order(&ann, "2", (4, 3)).await;
    club.order(&ann, "2", (4, 3)).await;
    club.review(&ann, false).await;
    assert_eq!(club.has(ann.member).await, (50, regular()), "told twice it is given once");
    let kept = challenges::progress_of(&mut db.read(), W, &[ann.member]).await.unwrap();
    assert_eq!((kept[0].rounds, kept[0].have, kept[0].target, kept[0].completed), (1, 2_000_000, 10_000_000, 1));
    assert_eq!(club.told().await, ["badge.received", "challenge.completed"]);
    // A part went back; then it is heard that something was bought before.
    club.order(&ann, "2", (1, 3)).await;
    assert_eq!(club.has(ann.member).await, (0, vec![]));
    club.order(&ann, "0", (11, 9)).await;
    assert_eq!(club.has(ann.member).await, (100, regular()), "twenty are two cards");
    club.order(&ann, "0", (0, 9)).await;
    assert_eq!(club.has(ann.member).await, (0, vec![]));
    let rows = challenges::completions_of(&mut db.read(), W, &[ann.member]).await.unwrap();
    let short: Vec<(i64, i64, bool)> =
        rows.iter().map(|row| (row.round, row.revision, row.taken_back_at.is_some())).collect();
    assert_eq!(short.len(), 2, "{short:?}");
    assert!(short.contains(&(0, 2, true)) && short.contains(&(1, 1, true)), "{short:?}");
    let figures = challenges::figures(&mut db.read(), W, "card").await.unwrap();
    assert_eq!((figures.members, figures.completed, figures.steps.len()), (1, 0, 0));
    assert!(verify(&mut db.read(), W).await.unwrap().findings.is_empty());
}

#[db_test(MIGRATIONS)]
async fn what_members_keep_they_do_not_get_twice(db: TestDatabase) {
    let club = Club::found(&db, card(json!({"rollback": "keep"}))).await;
    let ann = club.member(1).await;
    club.order(&ann, "1", (10, 5)).await;
    club.order(&ann, "1", (9, 5)).await;
    assert_eq!(club.has(ann.member).await, (50, regular()));
    club.order(&ann, "2", (1, 1)).await;
    assert_eq!(club.has(ann.member).await, (50, regular()), "the card that they keep is full again");
    club.order(&ann, "3", (10, 1)).await;
    assert_eq!(club.has(ann.member).await.0, 100);
}

#[db_test(MIGRATIONS)]
async fn eight_who_reckon_at_once_give_it_once(db: TestDatabase) {
    let club = std::sync::Arc::new(Club::found(&db, card(json!({}))).await);
    let ann = club.member(1).await;
    club.order(&ann, "1", (9, 5)).await;
    let all = (0..8).map(|number| {
        let (club, ann) = (club.clone(), ann.clone());
        tokio::spawn(async move { club.order(&ann, &format!("late-{number}"), (1, 1)).await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    assert_eq!(club.has(ann.member).await, (50, regular()));
    let kept = challenges::progress_of(&mut db.read(), W, &[ann.member]).await.unwrap();
    assert_eq!((kept[0].rounds, kept[0].have), (1, 7_000_000));
}

#[db_test(MIGRATIONS)]
async fn time_alone_is_noticed(db: TestDatabase) {
    let streak = json!({"counts": {"kind": "in_a_row", "unit": "days"}, "steps": [{"target": 3, "points": 5}]});
    let mut club = Club::found(&db, card(streak)).await;
    let ann = club.member(1).await;
    club.order(&ann, "1", (1, 1)).await;
    club.order(&ann, "2", (1, 0)).await;
    let kept = challenges::progress_of(&mut db.read(), W, &[ann.member]).await.unwrap();
    let ends_at = kept[0].ends_at.unwrap();
    assert_eq!((kept[0].streak, kept[0].due_at), (2, Some(ends_at)));
    assert!(challenges::due(&mut db.read(), W, ends_at.plus(-1), 10).await.unwrap().is_empty());
    assert_eq!(challenges::due(&mut db.read(), W, ends_at, 10).await.unwrap(), [ann.member]);
    club.world.now = ends_at;
    club.review(&ann, true).await;
    assert!(challenges::due(&mut db.read(), W, ends_at.plus(DAY), 10).await.unwrap().is_empty());
    let kept = challenges::progress_of(&mut db.read(), W, &[ann.member]).await.unwrap();
    assert_eq!((kept[0].streak, kept[0].longest, kept[0].have), (0, 2, 0));
    assert_eq!(club.told().await, ["challenge.lapsed"]);
    // It is heard late that the day was not missed.
    club.order(&ann, "3", (1, -1)).await;
    assert_eq!(club.has(ann.member).await.0, 5);
}

#[db_test(MIGRATIONS)]
async fn who_joins_counts_from_then_on(db: TestDatabase) {
    let mut club = Club::found(&db, card(json!({"joins": "opt_in"}))).await;
    let ann = club.member(1).await;
    club.order(&ann, "1", (9, 1)).await;
    let join = async |club: &Club, joins: bool| {
        let mut tx = club.world.begin().await;
        let scene = club.scene();
        let done = if joins {
            challenges::join(&mut tx, scene, &ann, "card").await
        } else {
            challenges::leave(&mut tx, scene, &ann, "card").await
        };
        tx.commit().await.unwrap();
        done.unwrap()
    };
    assert!(!join(&club, false).await);
    assert!(join(&club, true).await && !join(&club, true).await);
    club.world.now = NOW.plus(3 * DAY);
    club.order(&ann, "2", (10, -1)).await;
    assert_eq!(club.has(ann.member).await.0, 50, "what was before does not count");
    assert!(join(&club, false).await);
    assert_eq!(club.has(ann.member).await.0, 50, "what was completed stays");
    club.world.now = NOW.plus(5 * DAY);
    club.order(&ann, "3", (10, -4)).await;
    assert_eq!(club.has(ann.member).await.0, 50);
    assert!(join(&club, true).await);
    assert_eq!(club.has(ann.member).await.0, 100, "who joins again goes on where they were");
    assert_eq!(club.told().await.iter().filter(|name| *name == "challenge.joined").count(), 2);
}

#[db_test(MIGRATIONS)]
async fn members_who_become_one_have_what_both_had(db: TestDatabase) {
    let club = Club::found(&db, card(json!({}))).await;
    let (ann, bea) = (club.member(1).await, club.member(2).await);
    club.order(&ann, "1", (12, 5)).await;
    club.order(&bea, "2", (13, 4)).await;
    let mut tx = club.world.begin().await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), NOW).await.unwrap();
    let stays = members::of(&mut tx, W, PersonId(1)).await.unwrap().unwrap();
    let member = members::find(&mut tx, W, stays).await.unwrap().unwrap();
    challenges::review(&mut tx, club.scene(), std::slice::from_ref(&member), false).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(club.has(stays).await, (100, regular()), "two cards were given, two are due");
    let kept = challenges::progress_of(&mut db.read(), W, &[ann.member, bea.member]).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].rounds, kept[0].have), (2, 5_000_000));
    club.order(&member, "3", (5, 1)).await;
    assert_eq!(club.has(stays).await.0, 150);
    // Both cards of the one who is gone go back: the other's are left.
    club.order(&member, "2", (0, 4)).await;
    assert_eq!(club.has(stays).await, (50, regular()));

    let mut tx = club.world.begin().await;
    assert!(personal::forget(&mut tx, W, PersonId(1)).await.unwrap() > 0);
    tx.commit().await.unwrap();
    assert!(challenges::completions_of(&mut db.read(), W, &[stays]).await.unwrap().is_empty());
    assert_eq!(club.has(stays).await, (50, vec![]), "the books stay, the badge goes");
}

#[db_test(MIGRATIONS)]
async fn a_badge_is_received_with_its_first_cause_and_lost_with_its_last(db: TestDatabase) {
    let club = Club::found(&db, card(json!({}))).await;
    let ann = club.member(1).await;
    let whose = |cause: &'static str| Whose { member: ann.member, person: PersonId(1), badge: "regular", cause };
    let act = |reason: &'static str| Act { at: NOW, now: NOW, by: "usr_1", reason };
    let by_hand = async |gives: bool, cause: &'static str| {
        let mut tx = club.world.begin().await;
        let done = if gives {
            badges::give(&mut tx, W, whose(cause), act("kind")).await.unwrap()
        } else {
            badges::take(&mut tx, W, whose(cause), act("mistake")).await.unwrap()
        };
        tx.commit().await.unwrap();
        done
    };
    assert!(by_hand(true, BY_STAFF).await);
    assert!(!by_hand(true, BY_STAFF).await);
    club.order(&ann, "1", (10, 5)).await;
    club.order(&ann, "1", (0, 5)).await;
    assert_eq!(club.has(ann.member).await.1, regular(), "staff gave it too");
    assert_eq!(badges::holders(&mut db.read(), W, "regular").await.unwrap(), 1);
    assert!(by_hand(false, "").await);
    assert!(!by_hand(false, "").await);
    let told = club.told().await;
    assert_eq!(told.iter().filter(|name| *name == "badge.received").count(), 1);
    assert_eq!(told.last().map(String::as_str), Some("badge.taken_back"));
    assert!(by_hand(true, BY_STAFF).await, "it can be given again");
}
