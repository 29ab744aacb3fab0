//! Points that staff give and take, on both engines: alone, with a second person who is another, as goodwill within each one's own limit; posted once, whoever presses how often.

use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger;
use rapport_loyalty::ledger::{Act, Command, MemberId, Source, Standing};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::changes::{self, Asked, Change};
use rapport_loyalty::records::{self, Memory, members, merging, personal, wallets};
use rapport_loyalty::rewards::Refusal;
use rapport_loyalty::verify::verify;
use rapport_store::db_test;
use rapport_store::testing::TestDatabase;
use serde_json::json;

use crate::world::{W, WorldOf};

type World = WorldOf<Change>;

impl World {
    async fn found(db: &TestDatabase) -> Self {
        let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points", "amount_max": 1000}],
            "staff": {"alone": [{"role": "admin", "most": 100}, {"role": "agent", "most": 10}], "approve_within_hours": 24,
                "goodwill": [{"role": "agent", "most": 50, "every": "month"}, {"role": "agent", "most": 30, "every": "day"}]}});
        let program = Program::from_json(form).unwrap();
        Self::with(db, program).await
    }

    fn asked<'a>(&'a self, id: &'a str, member: MemberId, amount: i64, (role, by): (&'a str, &'a str)) -> Asked<'a> {
        let wallet = &self.program.wallets[0];
        Asked { id, member, wallet, amount, reason: "for Zebrafish", by, role, may_post: role == "admin" }
    }

    async fn ask(&self, asked: Asked<'_>) -> Result<Change, Refusal> {
        let mut tx = self.begin().await;
        let outcome = changes::ask(&mut tx, self.scene(), asked).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn decide(&self, change: &str, approves: bool, by: &str) -> Result<Change, Refusal> {
        let mut tx = self.begin().await;
        let outcome = changes::decide(&mut tx, self.scene(), change, (approves, by, "seen")).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn goodwill(&self, asked: Asked<'_>) -> Result<(), Refusal> {
        let mut tx = self.begin().await;
        let outcome = changes::goodwill(&mut tx, self.scene(), asked).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }
}

const ADMIN: (&str, &str) = ("admin", "usr_admin");
const AGENT: (&str, &str) = ("agent", "usr_agent");

#[db_test(MIGRATIONS)]
async fn more_than_one_may_alone_takes_two(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let ann = world.enrol(1).await;
    let small = world.ask(world.asked("c1", ann, 100, ADMIN)).await.unwrap();
    assert_eq!((small.state.as_str(), small.decided_by.as_str()), ("approved", "usr_admin"));
    assert_eq!(world.ask(world.asked("c1", ann, 100, ADMIN)).await.unwrap(), small, "told again it is the same");
    assert_eq!(world.ask(world.asked("c1", ann, 99, ADMIN)).await, Err(Refusal::IdReused));
    assert_eq!(world.available(ann).await, 100);

    let large = world.ask(world.asked("c2", ann, 101, ADMIN)).await.unwrap();
    assert_eq!((large.state.as_str(), world.available(ann).await), ("asked", 100));
    assert_eq!(world.decide(&large.change, true, "usr_admin").await, Err(Refusal::OwnChange));
    assert_eq!(world.decide("chg_0", true, "usr_owner").await, Err(Refusal::ChangeUnknown));
    let done = world.decide(&large.change, true, "usr_owner").await.unwrap();
    assert_eq!((done.state.as_str(), done.answer.as_str(), world.available(ann).await), ("approved", "seen", 201));
    assert_eq!(world.decide(&large.change, true, "usr_owner").await.unwrap(), done, "pressed twice");
    assert_eq!(world.decide(&large.change, false, "usr_owner").await, Err(Refusal::ChangeDecided));
    assert_eq!(world.decide(&large.change, true, "usr_third").await, Err(Refusal::ChangeDecided));
    assert_eq!(world.available(ann).await, 201);

    // Taking counts as giving does; a role that is not named always asks.
    assert_eq!(world.ask(world.asked("c3", ann, -11, AGENT)).await.unwrap().state, "asked");
    assert_eq!(world.ask(world.asked("c4", ann, -10, AGENT)).await.unwrap().state, "approved");
    assert_eq!(world.ask(world.asked("c5", ann, 1, ("key", "key_1"))).await.unwrap().state, "asked");
    let declined = world.ask(world.asked("c6", ann, 500, AGENT)).await.unwrap();
    assert_eq!(world.decide(&declined.change, false, "usr_admin").await.unwrap().state, "declined");
    assert_eq!(world.available(ann).await, 191);

    // What the ledger refuses posts nothing, and says so.
    let much = world.ask(world.asked("c7", ann, -900, ADMIN)).await.unwrap();
    let refused = world.decide(&much.change, true, "usr_owner").await.unwrap();
    assert_eq!((refused.state.as_str(), refused.refused.as_deref()), ("refused", Some("insufficient_points")));
    for (amount, refusal) in [
        (0, ledger::Refusal::AmountZero),
        (1_001, ledger::Refusal::AmountTooLarge),
        (i64::MIN, ledger::Refusal::AmountTooLarge),
    ] {
        assert_eq!(world.ask(world.asked("c8", ann, amount, ADMIN)).await, Err(Refusal::Ledger(refusal)));
    }
    assert_eq!(world.ask(world.asked("c9", MemberId(404), 1, ADMIN)).await, Err(Refusal::MemberUnknown));

    // Nobody decides: it lapses by itself.
    let late = world.ask(world.asked("d1", ann, 300, ADMIN)).await.unwrap();
    world.now = late.lapses_at;
    assert_eq!(world.decide(&late.change, true, "usr_owner").await, Err(Refusal::ChangeLapsed));
    let mut db = world.store.read();
    let waiting = changes::list(&mut db, world.scene(), "asked", None, 10).await.unwrap();
    assert_eq!(waiting, []);
    let lapsed = changes::list(&mut db, world.scene(), "lapsed", None, 10).await.unwrap();
    assert!(lapsed.len() == 3 && lapsed.iter().all(|it| it.state == "lapsed"));
    assert_eq!(world.available(ann).await, 191);

    let mut tx = world.begin().await;
    members::set_standing(&mut tx, W, ann, Standing::Closed).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.ask(world.asked("d2", ann, 1, ADMIN)).await, Err(Refusal::MemberClosed));
    assert_eq!(verify(&mut world.store.read(), W).await.unwrap().findings, []);
}

/// Twenty press at once, half of them decline: one decision, and at most one posting.
#[db_test(MIGRATIONS)]
async fn a_change_is_decided_once(db: TestDatabase) {
    let world = std::sync::Arc::new(World::found(&db).await);
    let ann = world.enrol(1).await;
    let mut expected = 0;
    for round in 0..15 {
        let asked = world.ask(world.asked(&format!("c{round}"), ann, 200, ADMIN)).await.unwrap();
        let tries = (0..20).map(|number| {
            let (world, change) = (world.clone(), asked.change.clone());
            tokio::spawn(async move { world.decide(&change, number % 2 == 0, &format!("usr_{number}")).await })
        });
        let mut decided = Vec::new();
        for task in tries.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(change) => decided.push(change.state),
                Err(refusal) => assert_eq!(refusal, Refusal::ChangeDecided),
            }
        }
        assert_eq!(decided.len(), 1, "round {round}");
        expected += if decided[0] == "approved" { 200 } else { 0 };
        assert_eq!(world.available(ann).await, expected);
    }
}

#[db_test(MIGRATIONS)]
async fn goodwill_has_a_limit_for_each_who_gives(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let (ann, bob) = (world.enrol(1).await, world.enrol(2).await);
    assert_eq!(world.goodwill(world.asked("g1", ann, 30, AGENT)).await, Ok(()));
    assert_eq!(world.goodwill(world.asked("g1", ann, 30, AGENT)).await, Ok(()), "told again it is given once");
    assert_eq!(world.available(ann).await, 30);
    assert_eq!(world.goodwill(world.asked("g2", bob, 1, AGENT)).await, Err(Refusal::OwnLimit), "of the day");
    assert_eq!(
        world.goodwill(world.asked("g3", bob, 30, ("agent", "usr_other"))).await,
        Ok(()),
        "another has their own"
    );
    assert_eq!(
        world.goodwill(world.asked("g4", bob, 1, ADMIN)).await,
        Err(Refusal::OwnLimit),
        "who is not named gives nothing"
    );
    assert_eq!(
        world.goodwill(world.asked("g5", bob, -1, AGENT)).await,
        Err(Refusal::Ledger(ledger::Refusal::AmountNegative))
    );
    world.now = world.now.plus(Timestamp::DAY);
    assert_eq!(world.goodwill(world.asked("g6", ann, 21, AGENT)).await, Err(Refusal::OwnLimit), "of the month");
    assert_eq!(world.goodwill(world.asked("g7", ann, 20, AGENT)).await, Ok(()));
    assert_eq!(world.available(ann).await, 50);

    // The member sees who gave what and why; erasure takes the words.
    let asked = world.ask(world.asked("c1", bob, 50, AGENT)).await.unwrap();
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), world.now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.decide(&asked.change, true, "usr_admin").await.unwrap().state, "approved");
    assert_eq!(world.available(ann).await, 130);
    let kept = personal::of(&mut world.store.read(), W, PersonId(1)).await.unwrap().unwrap();
    assert!(
        kept.operations.iter().any(|it| it.source.kind == "goodwill"
            && it.source.by == "usr_agent"
            && it.source.reason == "for Zebrafish")
    );
    assert_eq!(kept.changes.len(), 1);
    // Everybody of the staff sees who gave what to whom, the newest first; two who became one are that one.
    let given = changes::goodwill_given(&mut world.store.read(), W, None, 10).await.unwrap();
    let shown: Vec<_> = given.iter().map(|it| (it.id.as_str(), it.member, it.amount, it.source_by.as_str())).collect();
    let expected = [
        ("goodwill:g7", ann.0, 20, "usr_agent"),
        ("goodwill:g3", ann.0, 30, "usr_other"),
        ("goodwill:g1", ann.0, 30, "usr_agent"),
    ];
    assert_eq!(shown, expected, "neither changes nor what was refused");
    assert!(given.iter().all(|it| it.source_reason == "for Zebrafish" && it.reversed == 0));
    // Page by page, from one operation on to those before it; what only calls itself goodwill is none.
    let mut tx = world.begin().await;
    let wallet = wallets::numbers(&mut tx, W).await.unwrap()["points"];
    let act = Act::Earn { amount: 5, earned_at: None, active_from: None, expires_at: None };
    let source = Source { kind: "goodwill".to_owned(), by: "key_1".to_owned(), ..Source::default() };
    let forged = [vec![Command { id: "mine".to_owned(), member: ann, wallet, act, source }]];
    records::post(&mut tx, &mut Memory::default(), W, &forged, world.now).await.unwrap();
    tx.commit().await.unwrap();
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = changes::goodwill_given(&mut world.store.read(), W, before, 1).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.operation);
        pages.extend(page);
    }
    assert_eq!(pages, given);
    let mut tx = world.begin().await;
    personal::forget(&mut tx, W, PersonId(1)).await.unwrap();
    tx.commit().await.unwrap();
    let kept = personal::of(&mut world.store.read(), W, PersonId(1)).await.unwrap().unwrap();
    assert!(kept.changes.iter().all(|it| it.reason.is_empty() && it.answer.is_empty()));
    assert!(kept.operations.iter().all(|it| it.source.reason.is_empty()));
    let given = changes::goodwill_given(&mut world.store.read(), W, None, 10).await.unwrap();
    assert!(given.len() == 3 && given.iter().all(|it| it.source_reason.is_empty()));
    assert_eq!(verify(&mut world.store.read(), W).await.unwrap().findings, []);
}
