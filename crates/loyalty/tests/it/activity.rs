//! Points that lapse by inactivity: what keeps them alive and what does not, on both engines.

use rapport_domain::{PersonId, SeededRng, Timestamp, WorkspaceId};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger::{Act, Answer, Command, Kind, MemberId, Source, WalletId};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::Saved;
use rapport_loyalty::records::{self, Memory, members, programs, read, wallets};
use rapport_loyalty::verify::verify;
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};
use serde_json::{Value, json};

const W: WorkspaceId = WorkspaceId(1);

fn program(counts: Option<Value>) -> Program {
    let mut expiry = json!({"kind": "inactivity", "count": 12, "unit": "months"});
    if let Some(counts) = counts {
        expiry["counts"] = counts;
    }
    let wallets = json!([{"key": "points", "name": "Points", "expiry": expiry}, {"key": "stamps", "name": "Stamps"}]);
    Program::from_json(json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": wallets})).unwrap()
}

fn t(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}T10:00:00Z")).unwrap()
}

/// The first instant of a day in Berlin, as it is in winter.
fn berlin(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}T00:00:00+01:00")).unwrap()
}

async fn save(db: &TestDatabase, counts: Option<Value>, seen: i64) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let saved = Saved { in_force_from: t("2026-01-01"), at: t("2026-01-01"), by: "usr_1" };
    programs::save(&mut tx, W, &program(counts), seen, saved).await.unwrap();
    tx.commit().await.unwrap();
}

struct World {
    db: TestDatabase,
    memory: Memory,
    wallets: [WalletId; 2],
}

impl World {
    async fn post(&mut self, member: MemberId, id: &str, act: Act, now: &str) -> Answer {
        let command = Command { id: id.to_owned(), member, wallet: self.wallets[0], act, source: Source::default() };
        let mut tx = self.db.begin(Priority::Interactive).await.unwrap();
        let answers = records::post(&mut tx, &mut self.memory, W, &[vec![command]], t(now)).await.unwrap();
        tx.commit().await.unwrap();
        answers[0][0].clone()
    }

    /// When what a member has lapses.
    async fn ends(&self, member: MemberId) -> Vec<Option<Timestamp>> {
        let lots = read::lots(&mut self.db.read(), W, (member, self.wallets[0])).await.unwrap();
        lots.into_iter().map(|lot| lot.expires_at).collect()
    }
}

const fn earn(amount: i64, expires_at: Timestamp) -> Act {
    Act::Earn { amount, earned_at: None, active_from: None, expires_at: Some(expires_at) }
}

#[db_test(MIGRATIONS)]
async fn what_counts_moves_the_end_of_everything_and_nothing_else_does(db: TestDatabase) {
    save(&db, None, 0).await;
    let mut all = Vec::new();
    for person in [1_i64, 2] {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let rng = SeededRng::new(u64::try_from(person).unwrap());
        all.push(members::enrol(&mut tx, W, PersonId(person), t("2026-01-01"), &rng).await.unwrap());
        tx.commit().await.unwrap();
    }
    let numbers = wallets::numbers(&mut db.read(), W).await.unwrap();
    let mut world = World { db, memory: Memory::default(), wallets: [numbers["points"], numbers["stamps"]] };
    let (ann, bob) = (all[0], all[1]);
    let first = berlin("2027-01-11");
    world.post(ann, "award:1", earn(100, first), "2026-01-10").await;
    assert_eq!(world.ends(ann).await, [Some(first)]);
    // What staff give, gifts and corrections are no activity.
    world.post(ann, "gift", earn(10, berlin("2027-02-02")), "2026-02-01").await;
    world
        .post(
            ann,
            "fix",
            Act::Adjust { amount: 5, expires_at: Some(berlin("2027-02-03")), into_arrears: false },
            "2026-02-02",
        )
        .await;
    let transfer = Act::Transfer { to: bob, amount: 20, expiry: rapport_loyalty::ledger::Expiry::Keep };
    world.post(ann, "pass", transfer, "2026-02-03").await;
    assert_eq!(world.ends(ann).await, [Some(first), Some(berlin("2027-02-02")), Some(berlin("2027-02-03"))]);
    assert_eq!(world.ends(bob).await, [Some(first)], "they keep their end");
    // Nor is what was refused.
    let refused = world.post(ann, "much", Act::Spend { amount: 1_000 }, "2026-02-20").await;
    assert!(refused.refused.is_some());
    assert_eq!(world.ends(ann).await[0], Some(first));
    // To redeem is: everything lapses a year later, what lapses later stays as it is.
    let end = berlin("2027-03-02");
    world.post(ann, "buy", Act::Spend { amount: 1 }, "2026-03-01").await;
    assert_eq!(world.ends(ann).await, [Some(end); 3]);
    // The same again a week later is the same purchase.
    assert!(world.post(ann, "buy", Act::Spend { amount: 1 }, "2026-03-08").await.replayed);
    assert_eq!(world.ends(ann).await, [Some(end); 3]);
    // Twice on one day, the end is the same, and written down once.
    world.post(ann, "more", Act::Spend { amount: 1 }, "2026-04-01").await;
    world.post(ann, "again", Act::Spend { amount: 1 }, "2026-04-01").await;
    let history = read::history(&mut world.db.read(), W, ann, None, 100).await.unwrap();
    let extended: Vec<i64> = history.iter().filter(|it| it.kind == Kind::Extend).map(|it| it.amount).collect();
    assert_eq!(extended.len(), 2, "{history:?}");
    // What was done long ago and is heard of now keeps alive until a year after it was done.
    let late = Act::Earn {
        amount: 1,
        earned_at: Some(t("2026-03-20")),
        active_from: None,
        expires_at: Some(berlin("2027-03-21")),
    };
    world.post(bob, "award:2", late, "2026-04-02").await;
    assert_eq!(world.ends(bob).await, [Some(berlin("2027-03-21")); 2]);

    // The wallet says what counts.
    save(&world.db, Some(json!(["granted"])), 1).await;
    let before = world.ends(ann).await;
    world.post(ann, "third", Act::Spend { amount: 1 }, "2026-05-01").await;
    assert_eq!(world.ends(ann).await, before);
    world.post(ann, "gesture", earn(1, berlin("2027-06-02")), "2027-01-20").await;
    assert_eq!(world.ends(ann).await, [Some(berlin("2028-01-21")); 4]);
    // And what nobody touches lapses at its instant.
    let mut tx = world.db.begin(Priority::Background).await.unwrap();
    records::settle(&mut tx, &mut world.memory, W, 10, t("2028-02-01")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.ends(ann).await, []);
    assert_eq!(verify(&mut world.db.read(), W).await.unwrap().findings, []);
}
