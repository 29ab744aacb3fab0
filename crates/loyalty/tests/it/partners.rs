//! Partners on both engines: what members earn and burn elsewhere, what comes back of it, limits that many reach at the same moment, months that are closed, and statements beside a slow sum.

use std::sync::Arc;

use rapport_domain::{PersonId, Rng, SeededRng, Timestamp};
use rapport_loyalty::document::State;
use rapport_loyalty::ledger::{Act, Command, MemberId, Source, Standing};
use rapport_loyalty::partners::statement::Kind;
use rapport_loyalty::partners::{Partner, Refusal, Told, Way};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::Saved;
use rapport_loyalty::records::partners::{self, Asked, Line, Return};
use rapport_loyalty::records::{self, Memory, members, merging, personal, read, wallets};
use rapport_loyalty::verify::verify;
use rapport_loyalty::{Document, Error, MIGRATIONS, ledger};
use rapport_store::testing::TestDatabase;
use rapport_store::{Engine, db_test, outbox};
use serde_json::{Value, json};

use crate::world::{NOW, W, WorldOf};

type World = WorldOf<Line>;

/// March 2026, in which the tests begin.
const MARCH: i64 = 2026 * 12 + 2;

impl World {
    async fn found(db: &TestDatabase) -> Self {
        let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR",
            "wallets": [{"key": "points", "name": "Points", "expiry": {"kind": "after", "count": 12, "unit": "months"}},
                {"key": "kind", "name": "Kind", "clawback": "within_balance"}]});
        Self::with(db, Program::from_json(form).unwrap()).await
    }

    async fn partner(&self, seen: i64, form: Value, state: State) -> Result<(), Error> {
        let partner = Partner::from_json(form).unwrap();
        let mut tx = self.begin().await;
        let saved = Saved { in_force_from: if seen == 0 { Timestamp(0) } else { self.now }, at: self.now, by: "usr_1" };
        partners::save(&mut tx, W, (&partner, state), seen, saved).await?;
        tx.commit().await.unwrap();
        Ok(())
    }

    async fn has(&self, member: MemberId) -> i64 {
        let accounts = read::accounts(&mut self.store.read(), W, &[member], self.now).await.unwrap();
        accounts.values().map(|account| account.balance().available - account.balance().owed).sum()
    }

    async fn tell(&self, asked: Asked<'_>) -> Result<Line, Refusal> {
        let mut tx = self.begin().await;
        let outcome = partners::tell(&mut tx, self.scene(), asked).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn back(&self, asked: Return<'_>) -> Result<Line, Refusal> {
        let mut tx = self.begin().await;
        let outcome = partners::take_back(&mut tx, self.scene(), asked).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn pay(&self, reference: &str, amount: i64) -> Result<Line, Refusal> {
        let mut tx = self.begin().await;
        let who = ("air", reference, "usr_1");
        let outcome = partners::pay(&mut tx, self.scene(), who, (amount, None)).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn close(&self, month: i64) -> Result<partners::Closed, Refusal> {
        let mut tx = self.begin().await;
        let outcome = partners::close(&mut tx, self.scene(), "air", month, "usr_1").await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn assert_sound(&self) {
        assert_eq!(verify(&mut self.store.read(), W).await.unwrap().findings, []);
        let proof = partners::proof(&mut self.store.read(), W, "air").await.unwrap();
        assert!(proof.holds(), "{proof:?}");
    }
}

/// Points cost 1.2 cents when they are earned there and 0.8 when they are burned.
fn air(more: Value) -> Value {
    let mut form = json!({"key": "air", "name": "Air", "currency": "EUR",
        "gives": {"price": "0.012", "per_unit": "1.5"}, "burns": {"price": "0.008", "worth": "0.01"}});
    for (field, value) in more.as_object().unwrap() {
        form[field] = value.clone();
    }
    form
}

fn earn(reference: &str, member: MemberId, points: i64) -> Asked<'_> {
    Asked {
        partner: "air",
        reference,
        way: Way::Given,
        member: Some(member),
        told: Told::Points(points),
        occurred_at: None,
        by: "key_1",
    }
}

fn burn(reference: &str, member: MemberId, points: i64) -> Asked<'_> {
    Asked { way: Way::Burned, ..earn(reference, member, points) }
}

fn of<'a>(reference: &'a str, of: &'a str, told: Option<Told>) -> Return<'a> {
    Return { partner: "air", reference, of, told, occurred_at: None, by: "key_1" }
}

#[db_test(MIGRATIONS)]
async fn points_go_through_the_partners_account(db: TestDatabase) {
    let world = World::found(&db).await;
    world.partner(0, air(json!({})), State::Live).await.unwrap();
    let ann = world.member(1, 0).await;
    let day = NOW.plus(-2 * Timestamp::DAY);
    let asked = Asked { told: Told::Amount(12_340_000), occurred_at: Some(day), ..earn("flight 1", ann, 0) };
    let line = world.tell(asked).await.unwrap();
    assert_eq!((line.points, line.price, line.money, line.month), (18, 12_000, 216_000, MARCH), "18.51 points, down");
    assert_eq!(world.has(ann).await, 18);
    assert_eq!(world.tell(asked).await.unwrap(), line, "told again it is the same");
    let other = Asked { told: Told::Amount(12_340_001), ..asked };
    assert_eq!(world.tell(other).await, Err(Refusal::ReferenceReused));
    let bob = world.member(2, 0).await;
    assert_eq!(world.tell(Asked { member: Some(bob), ..asked }).await, Err(Refusal::ReferenceReused));
    assert_eq!(world.tell(Asked { member: None, ..asked }).await.unwrap(), line, "her card is void by now");
    // As old as the day on which they were earned, and lapsing from there.
    let accounts = read::accounts(&mut db.read(), W, &[ann], NOW).await.unwrap();
    let lot = accounts.values().next().unwrap().lots().next().unwrap().clone();
    let end = world.program.wallets[0].expiry.end(day, &world.calendar.zone);
    assert_eq!((lot.earned_at, lot.expires_at), (day, end));

    let line = world.tell(burn("ticket 1", ann, 8)).await.unwrap();
    assert_eq!((line.points, line.price, line.money), (8, 8_000, 64_000));
    assert_eq!(world.has(ann).await, 10);
    assert_eq!(world.tell(burn("ticket 2", ann, 11)).await, Err(Refusal::Ledger(ledger::Refusal::InsufficientPoints)));
    world.tell(earn("flight 2", ann, 5)).await.unwrap();
    assert_eq!(
        world.tell(burn("ticket 2", ann, 11)).await,
        Err(Refusal::Ledger(ledger::Refusal::InsufficientPoints)),
        "what was refused stays refused under its reference"
    );
    let proof = partners::proof(&mut db.read(), W, "air").await.unwrap();
    assert_eq!((proof.given, proof.burned), ((23, 23), (8, 8)));
    // Nobody finds the partner's account among the members.
    assert_eq!(members::count(&mut db.read(), W, None).await.unwrap(), 2);
    let told = outbox::batch(&mut db.read(), W, "test", 500).await.unwrap().events;
    let count = |name: &str| told.iter().filter(|it| it.name == name).count();
    assert_eq!((count(partners::GIVEN), count(partners::BURNED), count("points.received")), (2, 1, 2));
    world.assert_sound().await;
}

#[db_test(MIGRATIONS)]
async fn what_cannot_be_is_refused_with_its_own_code(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let limits = json!([{"of": "given", "most": 10, "per": "member", "every": "day"}, {"of": "given", "most": 25, "per": "everybody", "every": "month"}]);
    world.partner(0, air(json!({"limits": limits})), State::Live).await.unwrap();
    let (ann, bob, eve) = (world.member(1, 100).await, world.member(2, 0).await, world.member(3, 0).await);
    let zero = Refusal::Ledger(ledger::Refusal::AmountZero);
    for (asked, refusal) in [
        (Asked { partner: "sea", ..earn("r0", ann, 1) }, Refusal::PartnerUnknown),
        (earn("r1", MemberId(7), 1), Refusal::MemberUnknown),
        (Asked { member: None, ..earn("r2", ann, 1) }, Refusal::MemberUnknown),
        (earn("r3", ann, 0), zero),
        (earn("r4", ann, -1), Refusal::Ledger(ledger::Refusal::AmountNegative)),
        (earn("r5", ann, i64::MAX), Refusal::TooMuch),
        (earn("", ann, 1), Refusal::Ledger(ledger::Refusal::IdMalformed)),
        (earn("a\0b", ann, 1), Refusal::Ledger(ledger::Refusal::IdMalformed)),
        (Asked { occurred_at: Some(NOW.plus(1)), ..earn("r6", ann, 1) }, Refusal::InTheFuture),
        (Asked { occurred_at: Some(NOW.plus(-93 * Timestamp::DAY)), ..earn("r7", ann, 1) }, Refusal::TooLate),
        (Asked { told: Told::Amount(1), ..earn("r8", ann, 1) }, Refusal::TooLittle),
        (earn("r9", ann, 11), Refusal::LimitReached),
    ] {
        assert_eq!(world.tell(asked).await, Err(refusal), "{}", asked.reference);
    }
    assert_eq!(world.has(ann).await, 100, "nothing was posted");
    // What is wrong in itself uses no reference up; what depends on the moment does.
    assert!(world.tell(earn("r3", ann, 1)).await.is_ok());
    assert_eq!(world.tell(earn("r9", ann, 11)).await, Err(Refusal::LimitReached));
    assert_eq!(world.tell(earn("r9", ann, 1)).await, Err(Refusal::ReferenceReused));
    world.tell(earn("a", ann, 9)).await.unwrap();
    world.tell(earn("b", bob, 10)).await.unwrap();
    assert_eq!(world.tell(earn("c", eve, 6)).await, Err(Refusal::BudgetSpent), "5 are left this month");
    world.back(of("b back", "b", Some(Told::Points(4)))).await.unwrap();
    assert!(world.tell(earn("d", eve, 8)).await.is_ok(), "what came back makes room again");

    world.partner(1, air(json!({"gives": null})), State::Live).await.unwrap();
    world.now = NOW.plus(1);
    assert_eq!(world.tell(earn("e", eve, 1)).await, Err(Refusal::DoesNotGive));
    let before = Asked { occurred_at: Some(NOW.plus(-Timestamp::DAY)), ..earn("f", bob, 1) };
    assert_eq!(
        world.tell(before).await.map(|line| line.version),
        Ok(1),
        "it is judged by the day on which it happened"
    );
    world.partner(2, air(json!({})), State::Paused).await.unwrap();
    world.now = NOW.plus(2);
    assert_eq!(world.tell(earn("g", eve, 1)).await, Err(Refusal::NotActive));
    for form in [air(json!({"currency": "SEK"})), air(json!({"wallet": "kind"}))] {
        assert_eq!(world.partner(3, form, State::Live).await.unwrap_err().code(), "loyalty_invalid");
    }
    world.partner(3, air(json!({})), State::Live).await.unwrap();
    world.now = NOW.plus(3);

    for (standing, way, refusal) in [
        (Standing::Blocked, Way::Given, None),
        (Standing::Blocked, Way::Burned, Some(ledger::Refusal::MemberBlocked)),
        (Standing::Closed, Way::Given, Some(ledger::Refusal::MemberClosed)),
    ] {
        let mut tx = world.begin().await;
        members::set_standing(&mut tx, W, ann, standing).await.unwrap();
        tx.commit().await.unwrap();
        world.now = world.now.plus(40 * Timestamp::DAY);
        let reference = format!("{standing:?} {way:?}");
        let outcome = world.tell(Asked { way, ..earn(&reference, ann, 1) }).await;
        assert_eq!(outcome.err(), refusal.map(Refusal::Ledger), "{reference}");
    }
    world.assert_sound().await;
}

#[db_test(MIGRATIONS)]
async fn what_comes_back_comes_to_the_whole(db: TestDatabase) {
    let mut world = World::found(&db).await;
    world.partner(0, air(json!({})), State::Live).await.unwrap();
    let ann = world.member(1, 50).await;
    // 30 points for 20.00: of a third of it 10, of two thirds 20, of all 30.
    world.tell(Asked { told: Told::Amount(20_000_000), ..earn("flight", ann, 0) }).await.unwrap();
    let third = Some(Told::Amount(6_660_000));
    let back = world.back(of("b1", "flight", third)).await.unwrap();
    assert_eq!((back.points, back.money, back.price), (10, 120_000, 12_000), "9.99 points");
    assert_eq!(world.back(of("b1", "flight", third)).await.unwrap(), back, "told again it is the same");
    assert_eq!(world.back(of("b1", "flight", None)).await, Err(Refusal::ReferenceReused));
    assert_eq!(world.back(of("b2", "flight", third)).await.unwrap().points, 10, "of two thirds 20 in all");
    assert_eq!(world.back(of("b3", "flight", Some(Told::Amount(6_680_001)))).await, Err(Refusal::ReturnedMore));
    assert_eq!(world.back(of("b4", "flight", None)).await.unwrap().points, 10);
    assert_eq!(world.back(of("b5", "flight", None)).await, Err(Refusal::ReturnedMore));
    assert_eq!(world.has(ann).await, 50, "earned and all given back is as if nothing had been");

    world.tell(burn("hotel", ann, 40)).await.unwrap();
    assert_eq!(world.back(of("h0", "hotel", Some(Told::Amount(1)))).await, Err(Refusal::NoAmount));
    assert_eq!(world.back(of("h1", "hotel", Some(Told::Points(15)))).await.unwrap().money, 120_000);
    assert_eq!(world.has(ann).await, 25);
    assert_eq!(world.back(of("h2", "hotel", Some(Told::Points(26)))).await, Err(Refusal::ReturnedMore));
    for (of_what, refusal) in [("nothing", Refusal::ReferenceUnknown), ("h1", Refusal::NotReturnable)] {
        assert_eq!(world.back(of("h3", of_what, None)).await, Err(refusal), "{of_what}");
    }
    world.pay("invoice 1", 1_000_000).await.unwrap();
    assert_eq!(world.back(of("h4", "invoice 1", None)).await, Err(Refusal::NotReturnable));
    assert_eq!(world.back(of("h5", "hotel", Some(Told::Points(25)))).await.unwrap().points, 25);
    // What was spent meanwhile is owed: the partner gets all of it back.
    world.tell(earn("late", ann, 30)).await.unwrap();
    world.tell(burn("dear", ann, 80)).await.unwrap();
    let back = world.back(of("l1", "late", None)).await.unwrap();
    assert_eq!((back.points, back.short, world.has(ann).await), (30, 0, -30));
    // Points that lapsed at the member's do not come back to life.
    world.now = NOW.plus(400 * Timestamp::DAY);
    world.assert_sound().await;
}

#[db_test(MIGRATIONS)]
async fn what_a_wallet_forgives_the_partner_is_not_paid(db: TestDatabase) {
    let world = World::found(&db).await;
    world.partner(0, air(json!({"wallet": "kind"})), State::Live).await.unwrap();
    let ann = world.member(1, 0).await;
    world.tell(earn("a", ann, 30)).await.unwrap();
    world.tell(burn("b", ann, 20)).await.unwrap();
    let back = world.back(of("c", "a", None)).await.unwrap();
    assert_eq!((back.points, back.short, back.money), (10, 20, 120_000));
    assert_eq!(world.back(of("d", "a", None)).await, Err(Refusal::ReturnedMore));
    assert_eq!(world.has(ann).await, 0);
    world.assert_sound().await;
}

#[db_test(MIGRATIONS)]
async fn a_closed_month_stays_what_it_is(db: TestDatabase) {
    let mut world = World::found(&db).await;
    world.partner(0, air(json!({})), State::Live).await.unwrap();
    let ann = world.member(1, 0).await;
    world.tell(earn("a", ann, 100)).await.unwrap();
    world.tell(burn("b", ann, 50)).await.unwrap();
    assert_eq!(world.close(MARCH).await, Err(Refusal::MonthOpen));
    // The last moment of March in Berlin, and the first of April.
    world.now = Timestamp(1_774_994_399_000_000);
    assert_eq!(world.close(MARCH).await, Err(Refusal::MonthOpen));
    world.now = Timestamp(1_774_994_400_000_000);
    world.tell(earn("c", ann, 10)).await.unwrap();
    assert_eq!(world.close(MARCH + 1).await, Err(Refusal::MonthOpen));
    let closed = world.close(MARCH).await.unwrap();
    assert_eq!((closed.opening, closed.closing, closed.lines), (0, 1_200_000 - 400_000, 2));
    world.now = world.now.plus(Timestamp::DAY);
    assert_eq!(world.close(MARCH).await.unwrap(), closed, "told again it is the same");
    let before = partners::statement(&mut db.read(), W, "air", MARCH).await.unwrap();
    // What happened in March and is told now is April's, and says so.
    let late = world.tell(Asked { occurred_at: Some(NOW), ..earn("d", ann, 7) }).await.unwrap();
    assert_eq!((late.own_month, late.month), (MARCH, MARCH + 1));
    world.back(Return { occurred_at: Some(NOW), ..of("e", "a", Some(Told::Points(100))) }).await.unwrap();
    world.pay("f", 800_000).await.unwrap();
    assert_eq!(partners::statement(&mut db.read(), W, "air", MARCH).await.unwrap(), before);
    let april = partners::statement(&mut db.read(), W, "air", MARCH + 1).await.unwrap();
    assert_eq!((april.opening, april.closing(), april.late), (800_000, (10 + 7 - 100) * 12_000, 2));
    assert_eq!(april.of(Kind::Payment).money, 800_000);
    let standing = async |world: &World| partners::standing(&mut db.read(), world.scene(), "air").await.unwrap();
    assert_eq!(standing(&world).await, partners::Standing { balance: -996_000, to_close: None });
    // May cannot be closed before April.
    world.now = world.now.plus(62 * Timestamp::DAY);
    assert_eq!(standing(&world).await, partners::Standing { balance: -996_000, to_close: Some(MARCH + 1) });
    assert_eq!(world.close(MARCH + 2).await, Err(Refusal::MonthNotNext));
    let april = world.close(MARCH + 1).await.unwrap();
    assert_eq!((april.closing, world.close(MARCH + 2).await.unwrap().opening), (-996_000, -996_000));
    assert_eq!(partners::months(&mut db.read(), W, "air").await.unwrap(), [(MARCH + 1, 4), (MARCH, 2)]);
    assert_eq!(standing(&world).await, partners::Standing { balance: -996_000, to_close: None });
    world.assert_sound().await;
}

/// Whoever posts to the partner's account past what the partner told is found out when the month is closed.
#[db_test(MIGRATIONS)]
async fn the_ledger_must_say_the_same(db: TestDatabase) {
    let mut world = World::found(&db).await;
    world.partner(0, air(json!({})), State::Live).await.unwrap();
    let ann = world.member(1, 0).await;
    world.tell(earn("a", ann, 100)).await.unwrap();
    let mut tx = world.begin().await;
    let partner = records::houses::find(&mut tx, W, "partner", "air").await.unwrap().unwrap();
    let wallet = wallets::numbers(&mut tx, W).await.unwrap()["points"];
    let act = Act::Earn { amount: 1, earned_at: None, active_from: None, expires_at: None };
    let list = [vec![Command { id: "sly".into(), member: partner, wallet, act, source: Source::default() }]];
    records::post(&mut tx, &mut Memory::default(), W, &list, world.now).await.unwrap();
    tx.commit().await.unwrap();
    world.now = world.now.plus(40 * Timestamp::DAY);
    assert_eq!(world.close(MARCH).await, Err(Refusal::BooksDiffer));
    assert_eq!(partners::proof(&mut db.read(), W, "air").await.unwrap().given, (100, 101));
}

#[db_test(MIGRATIONS)]
async fn lines_follow_their_member_and_are_shown(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let limits = json!([{"of": "given", "most": 10, "per": "member", "every": "ever"}]);
    world.partner(0, air(json!({"limits": limits})), State::Live).await.unwrap();
    let (ann, bob) = (world.member(1, 0).await, world.member(2, 0).await);
    world.tell(earn("a", ann, 5)).await.unwrap();
    let own = world.tell(earn("b", bob, 5)).await.unwrap();
    world.now = world.now.plus(1);
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), world.now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.tell(earn("b", bob, 5)).await.unwrap().line, own.line, "the old number means her");
    assert_eq!(world.tell(earn("b", ann, 5)).await.unwrap().line, own.line);
    assert_eq!(world.tell(earn("c", ann, 1)).await, Err(Refusal::LimitReached), "5 from each of them");
    let kept = personal::of(&mut db.read(), W, PersonId(1)).await.unwrap().unwrap();
    assert_eq!(kept.partner_lines.len(), 3);
    world.back(of("b back", "b", None)).await.unwrap();
    assert_eq!(world.has(ann).await, 5);
    let mut tx = world.begin().await;
    personal::forget(&mut tx, W, PersonId(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(partners::statement(&mut db.read(), W, "air", MARCH).await.unwrap().of(Kind::Given).points, 10);
    world.assert_sound().await;
}

/// The last points of a budget are wanted by thirty at once, and one reference is told by thirty at once.
#[db_test(MIGRATIONS)]
async fn the_last_of_a_budget_goes_to_one(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let rounds = if db.engine() == Engine::Sqlite { 40 } else { 10 };
    let limits = json!([{"of": "given", "most": 10, "per": "everybody", "every": "day"}]);
    world.partner(0, air(json!({"limits": limits})), State::Live).await.unwrap();
    let ann = world.member(1, 0).await;
    for round in 0..rounds {
        world.now = NOW.plus(i64::from(round) * Timestamp::DAY);
        let shared = Arc::new(World {
            store: world.store.clone(),
            program: world.program.clone(),
            calendar: world.calendar.clone(),
            now: world.now,
            of: world.of,
        });
        let tries = (0..30).map(|number| {
            let world = shared.clone();
            tokio::spawn(async move { world.tell(earn(&format!("{round} {number}"), ann, 10)).await })
        });
        let mut won = 0;
        for task in tries.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(_) => won += 1,
                Err(why) => assert_eq!(why, Refusal::BudgetSpent),
            }
        }
        assert_eq!(won, 1, "round {round}");
        let tries = (0..30).map(|_| {
            let world = shared.clone();
            tokio::spawn(async move { world.tell(burn(&format!("once {round}"), ann, 1)).await.unwrap().line })
        });
        let mut lines = std::collections::BTreeSet::new();
        for task in tries.collect::<Vec<_>>() {
            lines.insert(task.await.unwrap());
        }
        assert_eq!(lines.len(), 1);
    }
    assert_eq!(world.has(ann).await, 9 * i64::from(rounds));
    world.assert_sound().await;
}

/// What the slow sum keeps of a line.
#[derive(Clone, Debug)]
struct Plain {
    reference: String,
    kind: Kind,
    points: i64,
    amount: i64,
    price: i64,
    back: i64,
    back_amount: i64,
    month: i64,
}

impl Plain {
    fn owed(&self) -> i64 {
        match self.kind {
            Kind::Given | Kind::BurnedBack => self.points * self.price,
            Kind::GivenBack | Kind::Burned => -self.points * self.price,
            Kind::Payment => -self.price,
        }
    }
}

/// The most points that are due back of a part of the money, found by trying.
fn due(points: i64, part: i64, all: i64) -> i64 {
    (0..=points).rev().find(|due| 2 * due * all <= 2 * points * part + all).unwrap()
}

/// Months of random stories come to what a slow sum of all lines says, and to what the ledger posted.
#[db_test(MIGRATIONS)]
async fn statements_come_to_the_slow_sum(db: TestDatabase) {
    let seeds = if db.engine() == Engine::Sqlite { 0..3_u64 } else { 0..1 };
    let mut world = World::found(&db).await;
    let ann = world.member(1, 500).await;
    let mut lines: Vec<Plain> = Vec::new();
    let (mut version, mut prices) = (1, (12_000, 8_000));
    world.partner(0, air(json!({})), State::Live).await.unwrap();
    // From when on which prices hold, the latest last.
    let mut in_force = vec![(Timestamp(0), prices)];
    let mut last_closed = 0;
    let month = |at: Timestamp, world: &World| {
        let day = world.calendar.date(at);
        i64::from(day.year()) * 12 + i64::from(day.month()) - 1
    };
    for seed in seeds {
        let rng = SeededRng::new(seed + 40);
        for step in 0..90 {
            world.now = world.now.plus((rng.next_u64() % (36 * 3_600)) as i64 * Timestamp::SECOND);
            let own_at = world.now.plus(-((rng.next_u64() % (20 * 86_400)) as i64) * Timestamp::SECOND).max(NOW);
            let own = month(own_at, &world).max(last_closed + 1);
            let reference = format!("{seed} {step}");
            let number = 1 + (rng.next_u64() % 60) as i64;
            let (given_price, burned_price) = in_force.iter().rfind(|(from, _)| *from <= own_at).unwrap().1;
            match rng.next_u64() % 10 {
                0 => {
                    prices = (1_000 * number, 900 * number);
                    let give = |micros: i64| format!("0.{micros:06}");
                    let form = air(
                        json!({"gives": {"price": give(prices.0), "per_unit": "1.5"}, "burns": {"price": give(prices.1), "worth": "0.01"}}),
                    );
                    world.partner(version, form, State::Live).await.unwrap();
                    version += 1;
                    in_force.push((world.now, prices));
                }
                1 => {
                    let amount = if number % 2 == 0 { number * 7_000 } else { -number * 3_000 };
                    world.pay(&reference, amount).await.unwrap();
                    let (points, month) = (0, month(world.now, &world).max(last_closed + 1));
                    lines.push(Plain {
                        reference,
                        kind: Kind::Payment,
                        points,
                        amount: 0,
                        price: amount,
                        back: 0,
                        back_amount: 0,
                        month,
                    });
                }
                2 => {
                    let over = month(world.now, &world) - 1;
                    let first = lines.iter().map(|line| line.month).filter(|it| *it > last_closed).min();
                    if first.is_some_and(|first| first <= over) {
                        let closed = world.close(first.unwrap()).await.unwrap();
                        last_closed = first.unwrap();
                        let owed: i64 = lines.iter().filter(|it| it.month <= last_closed).map(Plain::owed).sum();
                        assert_eq!(closed.closing, owed, "{seed} {step}");
                    }
                }
                3..=5 => {
                    let amount = number * 770_000;
                    let asked =
                        Asked { told: Told::Amount(amount), occurred_at: Some(own_at), ..earn(&reference, ann, 0) };
                    let points = (0..1_000).rfind(|points| points * 1_000_000 * 2 <= amount * 3).unwrap();
                    assert_eq!(world.tell(asked).await.unwrap().points, points);
                    lines.push(Plain {
                        reference,
                        kind: Kind::Given,
                        points,
                        amount,
                        price: given_price,
                        back: 0,
                        back_amount: 0,
                        month: own,
                    });
                }
                6..=7 => {
                    let has = world.has(ann).await;
                    let outcome =
                        world.tell(Asked { occurred_at: Some(own_at), ..burn(&reference, ann, number) }).await;
                    if has < number {
                        assert_eq!(outcome, Err(Refusal::Ledger(ledger::Refusal::InsufficientPoints)));
                    } else {
                        outcome.unwrap();
                        lines.push(Plain {
                            reference,
                            kind: Kind::Burned,
                            points: number,
                            amount: 0,
                            price: burned_price,
                            back: 0,
                            back_amount: 0,
                            month: own,
                        });
                    }
                }
                _ => {
                    let own = month(world.now, &world).max(last_closed + 1);
                    let open: Vec<usize> = (0..lines.len())
                        .filter(|at| {
                            matches!(lines[*at].kind, Kind::Given | Kind::Burned) && lines[*at].back < lines[*at].points
                        })
                        .collect();
                    if open.is_empty() {
                        continue;
                    }
                    let first = &mut lines[open[rng.next_u64() as usize % open.len()]];
                    let (told, points) = if first.amount > first.back_amount {
                        let part = 1 + (rng.next_u64() % (first.amount - first.back_amount) as u64) as i64;
                        let points = due(first.points, first.back_amount + part, first.amount) - first.back;
                        first.back_amount += part;
                        (Told::Amount(part), points)
                    } else {
                        let points = 1 + (rng.next_u64() % (first.points - first.back) as u64) as i64;
                        (Told::Points(points), points)
                    };
                    first.back += points;
                    let line = world.back(of(&reference, &first.reference.clone(), Some(told))).await.unwrap();
                    assert_eq!((line.points, line.short), (points, 0), "{seed} {step}");
                    let kind = if first.kind == Kind::Given { Kind::GivenBack } else { Kind::BurnedBack };
                    let price = first.price;
                    lines.push(Plain {
                        reference,
                        kind,
                        points,
                        amount: 0,
                        price,
                        back: 0,
                        back_amount: 0,
                        month: own,
                    });
                }
            }
        }
        for (month, count) in partners::months(&mut db.read(), W, "air").await.unwrap() {
            let own: Vec<&Plain> = lines.iter().filter(|it| it.month == month).collect();
            let found = partners::statement(&mut db.read(), W, "air", month).await.unwrap();
            assert_eq!(count, own.len() as i64, "{month}");
            for kind in Kind::ALL {
                let of_it: Vec<&&Plain> = own.iter().filter(|it| it.kind == kind).collect();
                let sum = found.of(kind);
                assert_eq!(sum.lines, of_it.len() as i64);
                assert_eq!(sum.points, of_it.iter().map(|it| it.points).sum::<i64>());
                let money: i64 = of_it.iter().map(|it| it.owed()).sum();
                assert_eq!(kind.sign() * sum.money, money, "{month} {kind:?}");
            }
            let before: i64 = lines.iter().filter(|it| it.month < month).map(Plain::owed).sum();
            let until: i64 = lines.iter().filter(|it| it.month <= month).map(Plain::owed).sum();
            assert_eq!((found.opening, found.closing()), (before, until), "{month}");
        }
        world.assert_sound().await;
    }
}
