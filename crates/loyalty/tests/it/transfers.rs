//! Points that members send each other, on both engines: limits, gifts by code, thirty who claim one at the same moment, and what is undone.

use rapport_domain::{PersonId, SystemRng, Timestamp};
use rapport_loyalty::ledger::{self, Act, LotId, MemberId, Shortage, Standing};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::transfers::{self, Asked, Desk, Filter, Transfer};
use rapport_loyalty::records::{members, merging, personal, read};
use rapport_loyalty::transfers::Refusal;
use rapport_loyalty::verify::verify;
use rapport_loyalty::{MIGRATIONS, codes};
use rapport_store::testing::TestDatabase;
use rapport_store::{db_test, outbox};
use serde_json::{Value, json};

use crate::world::{NOW, W, WorldOf};

type World = WorldOf<Transfer>;

const KEY: [u8; 32] = [7; 32];

fn program(transfers: &Value) -> Program {
    let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "transfers": transfers,
        "wallets": [{"key": "points", "name": "Points"}, {"key": "stars", "name": "Stars"}]});
    let program = Program::from_json(form).unwrap();
    program.check().unwrap();
    program
}

fn open() -> Value {
    json!({"wallets": ["points"], "claim_days": 7})
}

fn send(id: &str, sender: MemberId, receiver: Option<MemberId>, points: i64) -> Asked<'_> {
    Asked { id, sender, receiver, wallet: None, points, by: "usr_1", reason: "" }
}

impl World {
    async fn found(db: &TestDatabase, transfers: &Value) -> Self {
        Self::with(db, program(transfers)).await
    }

    fn desk(&self) -> Desk<'_> {
        Desk { scene: self.scene(), key: &KEY }
    }

    /// Available, held and owed.
    async fn has(&self, member: MemberId) -> (i64, i64, i64) {
        let accounts = read::accounts(&mut self.store.read(), W, &[member], self.now).await.unwrap();
        let balances = accounts.values().map(|account| account.balance());
        balances.fold((0, 0, 0), |sum, it| (sum.0 + it.available, sum.1 + it.held, sum.2 + it.owed))
    }

    /// Lots with something available: their number, how much, and when they lapse.
    async fn lots(&self, member: MemberId) -> Vec<(LotId, i64, Option<Timestamp>)> {
        let accounts = read::accounts(&mut self.store.read(), W, &[member], self.now).await.unwrap();
        let lots = accounts.values().flat_map(|account| account.turns());
        lots.map(|lot| (lot.id, lot.available, lot.expires_at)).collect()
    }

    async fn make(&self, asked: Asked<'_>) -> Result<Transfer, Refusal> {
        let mut tx = self.begin().await;
        let outcome = transfers::make(&mut tx, self.desk(), asked).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn claim(&self, code: &str, member: MemberId) -> Result<Transfer, Refusal> {
        let mut tx = self.begin().await;
        let outcome = transfers::claim(&mut tx, self.desk(), code, member).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn cancel(&self, transfer: &str, by: Option<MemberId>) -> Result<Transfer, Refusal> {
        let mut tx = self.begin().await;
        let outcome = transfers::cancel(&mut tx, self.desk(), transfer, by, "").await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn reverse(&self, transfer: &str, shortage: Shortage) -> Result<Transfer, Refusal> {
        self.reverse_as(None, transfer, shortage).await
    }

    async fn reverse_as(&self, role: Option<&str>, transfer: &str, shortage: Shortage) -> Result<Transfer, Refusal> {
        let mut tx = self.begin().await;
        let why = ("by mistake", role);
        let outcome = transfers::reverse(&mut tx, self.desk(), transfer, shortage, why).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn expire(&self) -> usize {
        let mut tx = self.begin().await;
        let count = transfers::expire(&mut tx, self.desk(), 100).await.unwrap();
        tx.commit().await.unwrap();
        count
    }

    async fn proved(&self) {
        assert_eq!(verify(&mut self.store.read(), W).await.unwrap().findings, []);
    }
}

const fn days(days: i64) -> Timestamp {
    NOW.plus(days * Timestamp::DAY)
}

#[db_test(MIGRATIONS)]
async fn points_go_to_another_member_and_last_as_long_as_they_would_have(db: TestDatabase) {
    let world = World::found(&db, &open()).await;
    let (ann, bob) = (world.member(1, 0).await, world.member(2, 0).await);
    world.earn(ann, 40, Some(days(20))).await;
    world.earn(ann, 60, Some(days(10))).await;
    let done = world.make(send("t1", ann, Some(bob), 70)).await.unwrap();
    assert_eq!((done.state.as_str(), done.arrived, done.receiver()), ("done", 70, Some(bob)));
    assert_eq!(world.make(send("t1", ann, Some(bob), 70)).await, Ok(done), "told again it is the same");
    assert_eq!(world.make(send("t1", ann, Some(bob), 71)).await, Err(Refusal::IdReused));
    assert_eq!((world.has(ann).await, world.has(bob).await), ((30, 0, 0), (70, 0, 0)));
    let kept: Vec<_> = world.lots(bob).await.into_iter().map(|(_, amount, end)| (amount, end)).collect();
    assert_eq!(kept, [(60, Some(days(10))), (10, Some(days(20)))], "moving refreshes nothing");
    let active = read::accounts(&mut db.read(), W, &[bob], world.now).await.unwrap();
    assert!(active.values().all(|account| account.active_at().is_none()), "getting points is no activity");

    let all = transfers::list(&mut db.read(), W, Filter::default(), None, 10).await.unwrap();
    assert_eq!(all.len(), 1);
    world.proved().await;
}

#[db_test(MIGRATIONS)]
async fn who_may_not_send_or_get_is_refused_each_with_its_own_code(db: TestDatabase) {
    let closed = World::with(&db, {
        let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
        Program::from_json(form).unwrap()
    })
    .await;
    let (ann, bob) = (closed.member(1, 100).await, closed.member(2, 0).await);
    assert_eq!(closed.make(send("off", ann, Some(bob), 5)).await, Err(Refusal::Off), "off unless it is said");

    let rules = json!({"wallets": ["points"], "least": 10, "most": 50, "member_days": 30});
    let world = World { program: program(&rules), ..closed };
    let refused =
        async |id: &str, sender, receiver, points| world.make(send(id, sender, receiver, points)).await.unwrap_err();
    assert_eq!(refused("off", ann, None, 20).await, Refusal::GiftsOff);
    assert_eq!(world.make(Asked { wallet: Some("stars"), ..send("off", ann, Some(bob), 20) }).await, Err(Refusal::Off));
    assert_eq!(refused("a", ann, Some(bob), 0).await, Refusal::Ledger(ledger::Refusal::AmountZero));
    assert_eq!(refused("b", ann, Some(bob), -5).await, Refusal::Ledger(ledger::Refusal::AmountNegative));
    assert_eq!(refused("c", ann, Some(ann), 20).await, Refusal::Ledger(ledger::Refusal::TransferToSelf));
    assert_eq!(refused("d", MemberId(9), Some(bob), 20).await, Refusal::MemberUnknown);
    assert_eq!(refused("e", ann, Some(MemberId(9)), 20).await, Refusal::ReceiverUnknown);
    assert_eq!(refused("f", ann, Some(bob), 9).await, Refusal::BelowLeast);
    assert_eq!(refused("g", ann, Some(bob), 51).await, Refusal::AboveMost);
    assert_eq!(refused("h", bob, Some(ann), 20).await, Refusal::Ledger(ledger::Refusal::InsufficientPoints));
    assert_eq!(refused("", ann, Some(bob), 20).await, Refusal::Ledger(ledger::Refusal::IdMalformed));
    assert_eq!(refused("a\0b", ann, Some(bob), 20).await, Refusal::Ledger(ledger::Refusal::IdMalformed));
    let mut tx = world.begin().await;
    let cid = members::enrol(&mut tx, W, PersonId(3), NOW, &SystemRng).await.unwrap();
    tx.commit().await.unwrap();
    world.earn(cid, 100, None).await;
    assert_eq!(refused("i", cid, Some(ann), 20).await, Refusal::MemberTooNew);
    world.standing(bob, Standing::Blocked).await;
    assert_eq!(refused("j", ann, Some(bob), 20).await, Refusal::ReceiverBlocked);
    assert_eq!(refused("k", bob, Some(ann), 20).await, Refusal::MemberBlocked);
    world.standing(bob, Standing::Closed).await;
    assert_eq!(refused("l", ann, Some(bob), 20).await, Refusal::ReceiverClosed);
    assert_eq!(refused("m", bob, Some(ann), 20).await, Refusal::MemberClosed);
    world.standing(bob, Standing::Active).await;
    assert_eq!(refused("l", ann, Some(bob), 20).await, Refusal::ReceiverClosed, "an id answers for ever");
    assert_eq!(world.has(ann).await, (100, 0, 0), "nothing was posted");
    for refusal in Refusal::ALL {
        assert_eq!(Refusal::read(refusal.code()), Some(refusal));
    }
    world.proved().await;
}

#[db_test(MIGRATIONS)]
async fn a_year_has_its_limits_also_when_many_send_at_once(db: TestDatabase) {
    let rules =
        json!({"wallets": ["points"], "out_per_year": 500, "in_per_year": 800, "times_per_year": 6, "claim_days": 3});
    let mut world = World::found(&db, &rules).await;
    let (ann, bob, cid) = (world.member(1, 2_000).await, world.member(2, 2_000).await, world.member(3, 0).await);
    let ids: Vec<String> = (0..30).map(|at| format!("many {at}")).collect();
    let all = futures::future::join_all(ids.iter().map(|id| world.make(send(id, ann, Some(cid), 100)))).await;
    assert_eq!(all.iter().filter(|it| it.is_ok()).count(), 5);
    assert!(all.iter().flat_map(|it| it.as_ref().err()).all(|it| *it == Refusal::OutLimit), "{all:?}");
    assert_eq!(
        world.make(send("b1", bob, Some(cid), 301)).await,
        Err(Refusal::InLimit),
        "800 a year for whoever gets them"
    );
    assert!(world.make(send("b2", bob, Some(cid), 300)).await.is_ok());
    // A gift counts while it waits; once it is back it does not.
    let gift = world.make(send("b3", bob, None, 200)).await.unwrap();
    assert_eq!(world.make(send("b4", bob, Some(ann), 1)).await, Err(Refusal::OutLimit));
    world.cancel(&gift.transfer, None).await.unwrap();
    for at in 0..5 {
        assert!(world.make(send(&format!("c{at}"), bob, Some(ann), 1)).await.is_ok());
    }
    assert_eq!(world.make(send("c6", bob, Some(ann), 1)).await, Err(Refusal::TooOften));
    // The new year of the programme's zone begins.
    world.now = Timestamp(1_798_761_600_000_000).plus(-Timestamp::HOUR);
    assert!(world.make(send("n1", ann, Some(cid), 100)).await.is_ok());
    assert!(world.make(send("n2", bob, Some(ann), 1)).await.is_ok());
    world.proved().await;
}

#[db_test(MIGRATIONS)]
async fn of_thirty_who_claim_a_gift_at_once_one_has_it(db: TestDatabase) {
    let world = World::found(&db, &open()).await;
    let ann = world.member(1, 100).await;
    let mut others = Vec::new();
    for person in 2..32 {
        others.push(world.member(person, 0).await);
    }
    let gift = world.make(send("g1", ann, None, 60)).await.unwrap();
    let code = gift.code(&KEY);
    assert_eq!(
        world.make(send("g1", ann, None, 60)).await.unwrap().code(&KEY),
        code,
        "an answer that was lost comes again"
    );
    assert_eq!(world.has(ann).await, (40, 60, 0));
    let stored = format!("{:?}", transfers::find(&mut db.read(), W, &gift.transfer).await.unwrap());
    assert!(!stored.contains(&codes::lookup(&code).unwrap()), "the code is not kept");

    let claims = futures::future::join_all(others.iter().map(|member| world.claim(&code, *member))).await;
    let won: Vec<&Transfer> = claims.iter().flatten().collect();
    assert_eq!(won.len(), 1, "{claims:?}");
    assert!(claims.iter().flat_map(|it| it.as_ref().err()).all(|it| *it == Refusal::Claimed));
    let winner = won[0].receiver().unwrap();
    assert_eq!(world.claim(&code.to_lowercase(), winner).await.as_ref(), Ok(won[0]), "told again it is the same");
    let mut has = 0;
    for member in &others {
        has += world.has(*member).await.0;
    }
    assert_eq!((has, world.has(winner).await, world.has(ann).await), (60, (60, 0, 0), (40, 0, 0)));
    assert_eq!(world.cancel(&gift.transfer, Some(ann)).await, Err(Refusal::Claimed));
    let events = outbox::batch(&mut db.read(), W, "test", 500).await.unwrap().events;
    assert_eq!(events.iter().filter(|it| it.name == transfers::GIFT_CLAIMED).count(), 1);
    assert!(events.iter().all(|it| !it.payload.to_string().contains(&code)));
    world.proved().await;
}

#[db_test(MIGRATIONS)]
async fn a_gift_that_is_not_claimed_goes_back_into_its_lots(db: TestDatabase) {
    let mut world = World::found(&db, &open()).await;
    let (ann, bob) = (world.member(1, 0).await, world.member(2, 0).await);
    world.earn(ann, 50, Some(days(3))).await;
    world.earn(ann, 50, Some(days(90))).await;
    let before = world.lots(ann).await;
    let off = world.make(send("g1", ann, None, 80)).await.unwrap();
    assert_eq!(world.cancel(&off.transfer, Some(bob)).await, Err(Refusal::Unknown), "it is none of his");
    let cancelled = world.cancel(&off.transfer, Some(ann)).await.unwrap();
    assert_eq!(world.cancel(&off.transfer, Some(ann)).await, Ok(cancelled), "told again it is the same");
    assert_eq!(world.lots(ann).await, before);
    assert_eq!(world.claim(&off.code(&KEY), bob).await, Err(Refusal::Cancelled));
    assert_eq!(world.reverse(&off.transfer, Shortage::WithinBalance).await, Err(Refusal::NotNow));

    // What lapsed while it waited does not arrive, and what is left does.
    let late = world.make(send("g2", ann, None, 80)).await.unwrap();
    let over = world.make(send("g3", ann, None, 10)).await.unwrap();
    world.now = days(4);
    let claimed = world.claim(&late.code(&KEY), bob).await.unwrap();
    assert_eq!((claimed.points, claimed.arrived, world.has(bob).await), (80, 30, (30, 0, 0)));
    assert_eq!(world.lots(bob).await[0].2, Some(days(90)));
    world.now = days(7);
    assert_eq!(world.claim(&over.code(&KEY), bob).await, Err(Refusal::TimedOut));
    assert!(transfers::are_due(&mut db.read(), W, world.now).await.unwrap());
    assert_eq!((world.expire().await, world.expire().await), (1, 0));
    let row = transfers::find(&mut db.read(), W, &over.transfer).await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.settled_at), ("timed_out", Some(days(7))));
    assert_eq!(world.claim(&over.code(&KEY), bob).await, Err(Refusal::TimedOut));
    assert_eq!(world.has(ann).await, (20, 0, 0), "the first fifty lapsed at their time");

    // A gift of which everything lapsed is over before its time.
    world.earn(ann, 5, Some(days(8))).await;
    let gone = world.make(send("g4", ann, None, 5)).await.unwrap();
    world.now = days(9);
    assert_eq!(world.claim(&gone.code(&KEY), bob).await, Err(Refusal::TimedOut));
    world.proved().await;
}

#[db_test(MIGRATIONS)]
async fn codes_that_are_wrong_and_members_who_may_not_get_nothing(db: TestDatabase) {
    let mut rules = open();
    rules["in_per_year"] = json!(100);
    let world = World::found(&db, &rules).await;
    let (ann, bob) = (world.member(1, 300).await, world.member(2, 0).await);
    let gift = world.make(send("g1", ann, None, 60)).await.unwrap();
    let code = gift.code(&KEY);
    for none in ["", "a\0b", "' OR 1=1 --"] {
        assert!(world.claim(none, bob).await.unwrap_err().is_a_guess());
    }
    let mut typo = codes::lookup(&code).unwrap().into_bytes();
    typo[4] = if typo[4] == b'A' { b'B' } else { b'A' };
    assert_eq!(world.claim(&String::from_utf8(typo).unwrap(), bob).await, Err(Refusal::CodeMistyped));
    assert_eq!(world.claim(&codes::generate(&SystemRng), bob).await, Err(Refusal::CodeUnknown));
    assert_eq!(world.claim("SOMMER10", bob).await, Err(Refusal::CodeUnknown));
    assert_eq!(world.claim(&code, MemberId(99)).await, Err(Refusal::ReceiverUnknown));
    assert_eq!(world.claim(&code, ann).await, Err(Refusal::Ledger(ledger::Refusal::TransferToSelf)));
    world.standing(bob, Standing::Blocked).await;
    assert_eq!(world.claim(&code, bob).await, Err(Refusal::ReceiverBlocked));
    world.standing(bob, Standing::Active).await;
    world.standing(ann, Standing::Blocked).await;
    assert_eq!(
        world.claim(&code, bob).await,
        Err(Refusal::MemberBlocked),
        "of whoever is under suspicion nothing goes on"
    );
    world.standing(ann, Standing::Active).await;
    assert!(world.make(send("t1", ann, Some(bob), 50)).await.is_ok());
    assert_eq!(world.claim(&code, bob).await, Err(Refusal::InLimit));
    // Of a refused claim nothing stays: somebody else can have it, also after the programme stopped sending.
    let cid = world.member(3, 0).await;
    let world = World { program: Program { transfers: None, ..world.program }, ..world };
    assert!(world.claim(&code, cid).await.is_ok(), "a gift that was made is a promise");
    world.proved().await;
}

#[db_test(MIGRATIONS)]
async fn staff_undo_a_transfer_and_who_spent_it_owes_or_keeps(db: TestDatabase) {
    let world = World::found(&db, &open()).await;
    let (ann, bob) = (world.member(1, 0).await, world.member(2, 0).await);
    world.earn(ann, 300, Some(days(30))).await;
    let lot = world.lots(ann).await[0].0;
    let whole = world.make(send("t1", ann, Some(bob), 100)).await.unwrap();
    let back = world.reverse(&whole.transfer, Shortage::WithinBalance).await.unwrap();
    assert_eq!((back.state.as_str(), back.returned), ("reversed", 100));
    assert_eq!(world.reverse(&whole.transfer, Shortage::IntoArrears).await, Ok(back), "told again it is the same");
    assert_eq!(world.lots(ann).await, [(lot, 300, Some(days(30)))], "into the lot that they came from");

    let gift = world.make(send("g1", ann, None, 100)).await.unwrap();
    let claimed = world.claim(&gift.code(&KEY), bob).await.unwrap();
    assert_eq!(world.post(bob, Act::Spend { amount: 70 }).await, None);
    let part = world.reverse(&claimed.transfer, Shortage::WithinBalance).await.unwrap();
    assert_eq!((part.returned, world.has(ann).await, world.has(bob).await), (30, (230, 0, 0), (0, 0, 0)));
    assert_eq!(world.lots(ann).await[0].0, lot);

    let other = world.make(send("t2", ann, Some(bob), 100)).await.unwrap();
    assert_eq!(world.post(bob, Act::Spend { amount: 70 }).await, None);
    let owed = world.reverse(&other.transfer, Shortage::IntoArrears).await.unwrap();
    assert_eq!((owed.returned, world.has(ann).await, world.has(bob).await), (100, (230, 0, 0), (0, 0, 70)));
    assert_eq!(world.reverse("trf_none", Shortage::WithinBalance).await, Err(Refusal::Unknown));
    world.proved().await;
}

/// What a role may do alone is asked with the transfer as it is in the step itself.
#[db_test(MIGRATIONS)]
async fn users_undo_what_their_role_may_alone(db: TestDatabase) {
    let mut world = World::found(&db, &open()).await;
    world.program.staff = serde_json::from_value(json!({"alone": [{"role": "agent", "most": 50}]})).unwrap();
    let (ann, bob) = (world.member(1, 300).await, world.member(2, 0).await);
    let small = world.make(send("t1", ann, Some(bob), 50)).await.unwrap();
    let large = world.make(send("t2", ann, Some(bob), 51)).await.unwrap();
    let gift = world.make(send("g1", ann, None, 51)).await.unwrap();
    let within = Shortage::WithinBalance;
    let needs = Err(Refusal::NeedsApproval);
    assert_eq!(world.reverse_as(Some("agent"), &gift.transfer, within).await, Err(Refusal::NotNow), "nothing arrived");
    world.claim(&gift.code(&KEY), bob).await.unwrap();
    for transfer in [&large.transfer, &gift.transfer] {
        assert_eq!(world.reverse_as(Some("agent"), transfer, within).await, needs);
    }
    assert_eq!(world.reverse_as(Some("admin"), &small.transfer, within).await, needs, "a role that is not named");
    assert_eq!((world.has(ann).await, world.has(bob).await), ((148, 0, 0), (152, 0, 0)));
    assert_eq!(world.reverse_as(Some("agent"), &small.transfer, within).await.unwrap().returned, 50);
    let back = world.reverse(&large.transfer, within).await.unwrap();
    assert_eq!(back.returned, 51, "programs have no limit");
    assert_eq!(world.reverse_as(Some("agent"), &large.transfer, within).await, Ok(back), "done before");
    world.proved().await;
}

#[db_test(MIGRATIONS)]
async fn gifts_go_on_with_members_who_become_one_and_words_go_with_their_person(db: TestDatabase) {
    let world = World::found(&db, &open()).await;
    let (ann, anna, bob) = (world.member(1, 100).await, world.member(2, 50).await, world.member(3, 0).await);
    let words = Asked { reason: "for Zebrafish", ..send("g1", anna, None, 40) };
    let gift = world.make(words).await.unwrap();
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), world.now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.has(ann).await, (110, 40, 0));
    assert_eq!(world.make(words).await.unwrap().transfer, gift.transfer, "under the old number too");
    assert_eq!(world.claim(&gift.code(&KEY), anna).await, Err(Refusal::Ledger(ledger::Refusal::TransferToSelf)));
    let claimed = world.claim(&gift.code(&KEY), bob).await.unwrap();
    assert_eq!((claimed.sender(), world.has(ann).await, world.has(bob).await), (ann, (110, 0, 0), (40, 0, 0)));

    let kept = personal::of(&mut db.read(), W, PersonId(3)).await.unwrap().unwrap();
    assert_eq!(kept.transfers.len(), 1);
    let mut tx = world.begin().await;
    personal::forget(&mut tx, W, PersonId(1)).await.unwrap();
    tx.commit().await.unwrap();
    let row = transfers::find(&mut db.read(), W, &gift.transfer).await.unwrap().unwrap();
    assert_eq!((row.reason.as_str(), row.points), ("", 40), "words go, numbers stay");
    world.proved().await;
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    let refused = |transfers: Value| {
        let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "transfers": transfers,
            "wallets": [{"key": "points", "name": "Points"}]});
        Program::from_json(form).and_then(|it| it.check()).unwrap_err().to_string()
    };
    for (transfers, place) in [
        (json!({"wallets": []}), "transfers.wallets"),
        (json!({"wallets": ["gold"]}), "transfers.wallets[0]"),
        (json!({"wallets": ["points", "points"]}), "transfers.wallets[1]"),
        (json!({"wallets": ["points"], "least": 0}), "transfers.least"),
        (json!({"wallets": ["points"], "least": 10, "most": 9}), "transfers.most"),
        (json!({"wallets": ["points"], "out_per_year": -1}), "transfers.out_per_year"),
        (json!({"wallets": ["points"], "in_per_year": 0}), "transfers.in_per_year"),
        (json!({"wallets": ["points"], "times_per_year": 0}), "transfers.times_per_year"),
        (json!({"wallets": ["points"], "member_days": 4000}), "transfers.member_days"),
        (json!({"wallets": ["points"], "claim_days": 0}), "transfers.claim_days"),
        (json!({"wallets": ["points"], "expiry": "never"}), "transfers.expiry"),
    ] {
        let error = refused(transfers);
        assert!(error.contains(place), "{place}: {error}");
    }
}
