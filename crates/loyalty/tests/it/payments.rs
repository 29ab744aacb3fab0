//! Paying with points at a till, on both engines: at the programme's rate, within its limits, once, by one of thirty at the last points; and back to the unit, beside a plain sum.

use std::sync::Arc;

use rapport_domain::{PersonId, Rng, SeededRng, Timestamp};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger::{self, Act, Command, MemberId, Source};
use rapport_loyalty::paying::Refusal;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::payments::{self, Asked, Back, Filter, Payment, State};
use rapport_loyalty::records::tills::{self, Receipt};
use rapport_loyalty::records::{Memory, merging, personal, post, read, wallets};
use rapport_loyalty::verify::verify;
use rapport_store::testing::TestDatabase;
use rapport_store::{Queries, args, db_test, sql};
use serde_json::json;

use crate::world::{NOW, W, WorldOf};

type World = WorldOf<Payment>;

const EURO: i64 = 1_000_000;

impl World {
    async fn found(db: &TestDatabase) -> Self {
        let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR",
            "wallets": [{"key": "points", "name": "Points", "worth": "0.02"},
                {"key": "credit", "name": "Credit", "unit": {"kind": "money", "currency": "EUR"}, "worth": "0.01"},
                {"key": "stamps", "name": "Stamps", "unit": {"kind": "stamps"}}],
            "paying": [{"wallet": "points", "worth": "0.013", "least": 10, "step": 5, "most": "0.5"}, {"wallet": "credit"}]});
        let program = Program::from_json(form).unwrap();
        program.check().unwrap();
        Self::with(db, program).await
    }

    async fn fill(&self, id: &str, member: MemberId, (wallet, amount): (&str, i64), days: Option<i64>) {
        let mut tx = self.begin().await;
        let wallet = wallets::numbers(&mut tx, W).await.unwrap()[wallet];
        let expires_at = days.map(|days| NOW.plus(days * Timestamp::DAY));
        let act = Act::Earn { amount, earned_at: None, active_from: None, expires_at };
        let source = Source { kind: "test".to_owned(), by: "key_1".to_owned(), ..Source::default() };
        let list = [vec![Command { id: id.to_owned(), member, wallet, act, source }]];
        let answers = post(&mut tx, &mut Memory::default(), W, &list, self.now).await.unwrap();
        assert!(answers[0][0].refused.is_none());
        tx.commit().await.unwrap();
    }

    async fn has(&self, member: MemberId, wallet: &str) -> i64 {
        let mut db = self.store.read();
        let number = wallets::numbers(&mut db, W).await.unwrap()[wallet];
        let accounts = read::accounts(&mut db, W, &[member], self.now).await.unwrap();
        accounts.get(&(member, number)).map_or(0, |it| it.balance().available)
    }

    async fn pay(&self, asked: Asked<'_>) -> Result<Payment, Refusal> {
        let mut tx = self.begin().await;
        let outcome = payments::pay(&mut tx, self.scene(), asked).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn cancel(&self, id: &str) -> Result<Payment, Refusal> {
        let mut tx = self.begin().await;
        let outcome = payments::cancel(&mut tx, self.scene(), id, "key_1").await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn tell(&self, receipt: &str, member: MemberId, total: i64) -> Result<i64, Refusal> {
        let mut tx = self.begin().await;
        payments::hold(&mut tx, W).await.unwrap();
        let told = Receipt {
            store: "mitte".to_owned(),
            receipt: receipt.to_owned(),
            member: member.0,
            fingerprint: [1; 16],
            told_by: "key_1".to_owned(),
            occurred_at: self.now,
            recorded_at: self.now,
            cancelled_at: None,
        };
        tills::tell(&mut tx, W, &told).await.unwrap();
        let paid = payments::paid(&mut tx, self.scene(), ("mitte", receipt), (member, total)).await.unwrap();
        if paid.is_ok() {
            tx.commit().await.unwrap();
        }
        paid
    }

    async fn back(&self, receipt: &str, id: &str, amount: Option<i64>) -> Result<Vec<(Payment, Back)>, Refusal> {
        let mut tx = self.begin().await;
        let what = (id, amount);
        let outcome = payments::give_back(&mut tx, self.scene(), ("mitte", receipt), what, "key_1").await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn night(&self) -> usize {
        let mut tx = self.begin().await;
        let ended = payments::expire(&mut tx, self.scene(), 100).await.unwrap();
        tx.commit().await.unwrap();
        ended
    }

    async fn listed(&self, filter: Filter<'_>) -> Vec<String> {
        let mut all = Vec::new();
        let mut after = None;
        // Page by page, so that a page is seen to go on behind the one before.
        loop {
            let rows = payments::list(&mut self.store.read(), W, filter, after, 2).await.unwrap();
            let Some(last) = rows.last() else { return all };
            after = Some((last.paid_at, last.id.clone()));
            all.extend(rows.into_iter().map(|row| row.id));
        }
    }

    async fn is_sound(&self) {
        assert_eq!(verify(&mut self.store.read(), W).await.unwrap().findings, []);
    }
}

fn asked<'a>(id: &'a str, receipt: &'a str, member: MemberId, points: i64) -> Asked<'a> {
    Asked { id, receipt: ("mitte", receipt), member, wallet: None, points, total: 10 * EURO, by: "key_1" }
}

#[db_test(MIGRATIONS)]
async fn points_pay_at_the_rate_and_within_the_limits_once(db: TestDatabase) {
    let world = World::found(&db).await;
    let (ann, bob) = (world.enrol(1).await, world.enrol(2).await);
    world.fill("e1", ann, ("points", 1_000), None).await;
    world.fill("e2", bob, ("points", 50), None).await;
    world.fill("e3", ann, ("credit", 900), None).await;
    let of = |refusal| Err(Refusal::Ledger(refusal));
    assert_eq!(world.pay(asked("h", "1", ann, 0)).await, of(ledger::Refusal::AmountZero));
    assert_eq!(world.pay(asked("h", "1", ann, -5)).await, of(ledger::Refusal::AmountNegative));
    assert_eq!(world.pay(asked("h", "1", ann, 5)).await, Err(Refusal::BelowLeast));
    assert_eq!(world.pay(asked("h", "1", ann, 12)).await, Err(Refusal::OutOfStep));
    assert_eq!(world.pay(asked("", "1", ann, 10)).await, of(ledger::Refusal::IdMalformed));
    assert_eq!(world.pay(asked("a\0", "1", ann, 10)).await, of(ledger::Refusal::IdMalformed));
    assert_eq!(world.pay(asked("h", "1", MemberId(77), 10)).await, Err(Refusal::MemberUnknown));
    let stamps = Asked { wallet: Some("stamps"), ..asked("h", "1", ann, 10) };
    assert_eq!(world.pay(stamps).await, Err(Refusal::Off));
    let none = Asked { wallet: Some("none"), ..asked("h", "1", ann, 10) };
    assert_eq!(world.pay(none).await, Err(Refusal::Off));

    // 15 points at 0.013 are 0.195: nobody's half cent is paid.
    let first = world.pay(asked("p1", "1", ann, 15)).await.unwrap();
    assert_eq!((first.money, world.has(ann, "points").await), (190_000, 985));
    assert_eq!(world.pay(asked("p1", "1", ann, 15)).await.unwrap(), first, "told again");
    assert_eq!(world.pay(asked("p1", "1", ann, 20)).await, Err(Refusal::IdReused));
    // Half of ten euros in all: 4.81 are left, which are 370 points.
    assert_eq!(world.pay(asked("p2", "1", ann, 375)).await, Err(Refusal::AboveMost));
    assert_eq!(world.pay(asked("p2", "1", ann, 375)).await, Err(Refusal::AboveMost), "what was refused stays refused");
    assert_eq!(world.pay(asked("p2", "1", ann, 370)).await, Err(Refusal::IdReused));
    assert_eq!(world.pay(asked("p3", "1", ann, 370)).await.unwrap().money, 4_810_000);
    assert_eq!(world.pay(asked("p4", "1", bob, 10)).await, Err(Refusal::OtherMember));
    assert_eq!(world.pay(asked("p5", "2", bob, 60)).await, of(ledger::Refusal::InsufficientPoints));
    let credit = |id, points| Asked { wallet: Some("credit"), ..asked(id, "1", ann, points) };
    assert_eq!(world.pay(credit("p6", 501)).await, Err(Refusal::AboveMost), "all together no more than the receipt");
    assert_eq!(world.pay(credit("p7", 500)).await.unwrap().money, 5_000_000);

    // Called off before it is told, and not after.
    assert_eq!(world.cancel("p7").await.unwrap().returned, 500);
    assert_eq!(world.cancel("p7").await.unwrap().returned, 500, "done once");
    assert_eq!(world.has(ann, "credit").await, 900);
    assert_eq!(world.cancel("p2").await, Err(Refusal::Unknown), "it was refused");
    assert_eq!(world.cancel("none").await, Err(Refusal::Unknown));
    assert_eq!(world.tell("1", bob, 10 * EURO).await, Err(Refusal::OtherMember));
    assert_eq!(world.tell("1", ann, 4 * EURO).await, Err(Refusal::BelowPaid));
    for _ in 0..2 {
        assert_eq!(world.tell("1", ann, 12 * EURO).await, Ok(5_000_000), "without what was called off");
    }
    assert_eq!(world.cancel("p1").await, Err(Refusal::ReceiptTold));
    assert_eq!(world.pay(asked("p8", "1", ann, 10)).await, Err(Refusal::ReceiptTold));
    assert_eq!(world.tell("3", bob, EURO).await, Ok(0), "nothing was paid of it");
    assert_eq!(world.back("3", "r", None).await, Ok(Vec::new()));

    // The member who was two is shown both's, and forgotten whole.
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(1), PersonId(2), world.now).await.unwrap();
    tx.commit().await.unwrap();
    let kept = personal::of(&mut world.store.read(), W, PersonId(2)).await.unwrap().unwrap();
    let numbers: Vec<MemberId> = kept.numbers.iter().copied().collect();
    let listed = payments::of_members(&mut world.store.read(), W, &numbers).await.unwrap();
    assert_eq!(listed.iter().filter(|it| it.counts()).count(), 2);
    let back = world.back("1", "r1", None).await.unwrap();
    assert_eq!(back.iter().map(|(_, it)| it.points).sum::<i64>(), 385, "it comes back to who they are now");
    assert_eq!(world.has(ann, "points").await + world.has(bob, "points").await, 1_050);
    let mut tx = world.begin().await;
    personal::forget(&mut tx, W, PersonId(2)).await.unwrap();
    tx.commit().await.unwrap();
    for table in [
        sql!("SELECT COUNT(*) FROM loyalty_payments WHERE workspace = $1"),
        sql!("SELECT COUNT(*) FROM loyalty_payment_returns WHERE workspace = $1"),
    ] {
        let left: Option<(i64,)> = world.store.read().fetch_optional(table, args![W]).await.unwrap();
        assert_eq!(left, Some((0,)));
    }
    world.is_sound().await;
}

#[db_test(MIGRATIONS)]
async fn what_goes_back_of_a_receipt_brings_its_share_back_into_its_lots(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let ann = world.enrol(1).await;
    world.fill("e1", ann, ("points", 100), Some(30)).await;
    world.fill("e2", ann, ("points", 100), Some(60)).await;
    world.fill("e3", ann, ("credit", 100), None).await;
    world.pay(asked("p1", "1", ann, 150)).await.unwrap();
    world.pay(Asked { wallet: Some("credit"), ..asked("p2", "1", ann, 100) }).await.unwrap();
    world.tell("1", ann, 9 * EURO).await.unwrap();
    let points = |given: &[(Payment, Back)]| given.iter().map(|(_, it)| it.points).collect::<Vec<_>>();
    // A third: 50 of 150, 33 of 100.
    let first = world.back("1", "r1", Some(3 * EURO)).await.unwrap();
    assert_eq!(points(&first), [50, 33]);
    assert_eq!(first.iter().map(|(_, it)| it.money).collect::<Vec<_>>(), [650_000, 330_000]);
    assert_eq!(points(&world.back("1", "r1", Some(3 * EURO)).await.unwrap()), [50, 33], "told again");
    assert_eq!(world.back("1", "r1", Some(EURO)).await, Err(Refusal::ReturnedOtherwise));
    assert_eq!((world.has(ann, "points").await, world.has(ann, "credit").await), (100, 33));
    // They lie where they lay, those that last longest first; what lapsed meanwhile lasts another thirty days.
    world.now = NOW.plus(31 * Timestamp::DAY);
    assert_eq!(world.has(ann, "points").await, 100);
    let rest = world.back("1", "r2", None).await.unwrap();
    assert_eq!(points(&rest), [100, 67]);
    assert_eq!(world.has(ann, "points").await, 200);
    let money: i64 = first.iter().chain(&rest).map(|(_, it)| it.money).sum();
    assert_eq!(money, 1_950_000 + 1_000_000, "all that they had paid");
    assert_eq!(points(&world.back("1", "r3", None).await.unwrap()), [0, 0], "nothing is left to come back");
    assert_eq!(points(&world.back("1", "r4", Some(EURO)).await.unwrap()), [0, 0]);
    for (days, left) in [(60, 100), (61, 0)] {
        world.now = NOW.plus(days * Timestamp::DAY);
        assert_eq!(world.has(ann, "points").await, left, "{days}");
    }
    world.is_sound().await;
}

#[db_test(MIGRATIONS)]
async fn thirty_tills_want_the_last_points_and_one_gets_them(db: TestDatabase) {
    let world = Arc::new(World::found(&db).await);
    let ann = world.enrol(1).await;
    world.fill("e1", ann, ("points", 100), None).await;
    let tasks: Vec<_> = (0..30)
        .map(|at| {
            let world = world.clone();
            tokio::spawn(async move {
                let (id, receipt) = (format!("p{at}"), format!("{at}"));
                world.pay(asked(&id, &receipt, ann, 100)).await
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(refusal) => assert_eq!(refusal, Refusal::Ledger(ledger::Refusal::InsufficientPoints)),
        }
    }
    assert_eq!((won, world.has(ann, "points").await), (1, 0));
    world.is_sound().await;
}

#[db_test(MIGRATIONS)]
async fn a_receipt_that_is_told_while_thirty_pay_has_all_that_was_paid(db: TestDatabase) {
    let world = Arc::new(World::found(&db).await);
    let ann = world.enrol(1).await;
    world.fill("e1", ann, ("points", 10_000), None).await;
    let tasks: Vec<_> = (0..30)
        .map(|at| {
            let world = world.clone();
            tokio::spawn(async move {
                if at == 15 {
                    return Err(world.tell("1", ann, 10 * EURO).await);
                }
                Ok(world.pay(asked(&format!("p{at}"), "1", ann, 10)).await)
            })
        })
        .collect();
    let (mut paid, mut told) = (0, None);
    for task in tasks {
        match task.await.unwrap() {
            Ok(Ok(payment)) => paid += payment.money,
            Ok(Err(refusal)) => assert_eq!(refusal, Refusal::ReceiptTold),
            Err(sum) => told = sum.ok(),
        }
    }
    assert_eq!(told, Some(paid), "what was told is what was paid, whoever came first");
    world.is_sound().await;
}

#[db_test(MIGRATIONS)]
async fn what_was_paid_of_a_receipt_that_nobody_tells_comes_back_once(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let ann = world.enrol(1).await;
    world.fill("e1", ann, ("points", 500), Some(10)).await;
    world.fill("e2", ann, ("credit", 500), None).await;
    let week = NOW.plus(7 * Timestamp::DAY);
    let open = world.pay(asked("p1", "1", ann, 100)).await.unwrap();
    assert_eq!((open.due_at, open.state()), (Some(week), State::Open));
    world.pay(asked("p2", "2", ann, 50)).await.unwrap();
    world.tell("2", ann, 10 * EURO).await.unwrap();
    world.pay(asked("p3", "3", ann, 50)).await.unwrap();
    world.cancel("p3").await.unwrap();
    world.pay(Asked { wallet: Some("credit"), ..asked("p4", "4", ann, 100) }).await.unwrap();
    world.pay(Asked { wallet: Some("credit"), ..asked("p5", "5", ann, 100) }).await.unwrap();
    assert_eq!(world.pay(asked("p6", "1", ann, 375)).await, Err(Refusal::AboveMost));

    world.now = week.plus(-1);
    assert_eq!((world.night().await, world.has(ann, "points").await), (0, 350), "not a moment too early");
    assert!(!payments::are_due(&mut world.store.read(), W, world.now).await.unwrap());
    world.now = week;
    assert!(payments::are_due(&mut world.store.read(), W, world.now).await.unwrap());
    // Who tells or pays in the moment meets what the night would have done.
    assert_eq!(world.tell("4", ann, 10 * EURO).await, Ok(0), "it was not told in time");
    assert_eq!(world.has(ann, "credit").await, 400);
    let again = world.pay(Asked { wallet: Some("credit"), ..asked("p7", "5", ann, 100) }).await.unwrap();
    assert_eq!((again.money, world.has(ann, "credit").await), (EURO, 400), "the old one back, the new one paid");
    assert_eq!((world.night().await, world.night().await), (1, 0), "once");
    assert_eq!((world.has(ann, "points").await, world.has(ann, "credit").await), (450, 400));
    let lapsed = world.pay(asked("p1", "1", ann, 100)).await.unwrap();
    assert_eq!((lapsed.state(), lapsed.returned, lapsed.due_at), (State::Lapsed, 100, None), "answered as it stands");
    assert_eq!(world.cancel("p1").await.unwrap(), lapsed, "nothing comes back twice");
    assert_eq!(world.tell("1", ann, 10 * EURO).await, Ok(0));

    // A receipt that was told in time keeps what was paid, however long it is ago; its return is its own.
    world.now = NOW.plus(40 * Timestamp::DAY);
    assert_eq!((world.night().await, world.has(ann, "points").await), (1, 0), "p7; and points lapsed with their lot");
    assert_eq!(world.back("2", "r1", None).await.unwrap()[0].1.points, 50);
    let all = world.listed(Filter::default()).await;
    assert_eq!(all, ["p7", "p6", "p5", "p4", "p3", "p2", "p1"]);
    for (state, ids) in [
        (State::Open, &[][..]),
        (State::Told, &[]),
        (State::Returned, &["p2"]),
        (State::Cancelled, &["p3"]),
        (State::Lapsed, &["p7", "p5", "p4", "p1"]),
        (State::Refused, &["p6"]),
    ] {
        for members in [None, Some(&[ann][..])] {
            assert_eq!(
                world.listed(Filter { state: Some(state), members, ..Filter::default() }).await,
                ids,
                "{state:?}"
            );
        }
        for id in ids {
            assert_eq!(payments::by_id(&mut world.store.read(), W, id).await.unwrap().unwrap().state(), state, "{id}");
        }
    }
    let later = Filter { from: Some(NOW.plus(1)), ..Filter::default() };
    assert_eq!(world.listed(later).await, ["p7"]);
    let before = Filter { until: Some(NOW.plus(1)), members: Some(&[ann]), ..Filter::default() };
    assert_eq!(world.listed(before).await, ["p6", "p5", "p4", "p3", "p2", "p1"]);
    assert_eq!(world.listed(Filter { store: "mitte", ..Filter::default() }).await.len(), 7);
    for nobody in [Filter { store: "nord", ..later }, Filter { members: Some(&[MemberId(77)]), ..later }] {
        assert!(world.listed(nobody).await.is_empty());
    }
    world.is_sound().await;
}

/// Five whose points cannot go back come first, and keep nobody from their turn.
#[db_test(MIGRATIONS)]
async fn what_cannot_go_back_is_put_off_and_the_next_is_called_off(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let ann = world.enrol(1).await;
    world.fill("e1", ann, ("points", 500), None).await;
    for number in 1..=6 {
        world.pay(asked(&format!("p{number}"), &format!("{number}"), ann, 50)).await.unwrap();
    }
    let mut tx = world.begin().await;
    let lose = sql!("UPDATE loyalty_payments SET wallet = $2 WHERE workspace = $1 AND id < $3");
    tx.execute(lose, args![W, "gone", "p6"]).await.unwrap();
    tx.commit().await.unwrap();
    world.now = NOW.plus(7 * Timestamp::DAY);
    let mut turns = Vec::new();
    for _ in 0..4 {
        let mut tx = world.begin().await;
        turns.push(payments::expire(&mut tx, world.scene(), 2).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(turns, [2, 2, 2, 0], "each is met once");
    let last = payments::by_id(&mut db.read(), W, "p6").await.unwrap().unwrap();
    assert_eq!((last.state(), world.has(ann, "points").await), (State::Lapsed, 250));
    let first = payments::by_id(&mut db.read(), W, "p1").await.unwrap().unwrap();
    assert_eq!((first.cancelled_at, first.due_at), (None, Some(world.now.plus(Timestamp::DAY))));
}

#[db_test(MIGRATIONS)]
async fn the_night_and_thirty_who_tell_late_agree(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let ann = world.enrol(1).await;
    world.fill("e1", ann, ("points", 1_000), None).await;
    for at in 0..30 {
        world.pay(asked(&format!("p{at}"), &format!("{at}"), ann, 10)).await.unwrap();
    }
    assert_eq!(world.has(ann, "points").await, 700);
    world.now = NOW.plus(7 * Timestamp::DAY);
    let world = Arc::new(world);
    let tasks: Vec<_> = (0..30)
        .map(|at| {
            let world = world.clone();
            tokio::spawn(async move {
                if at % 3 == 0 {
                    world.night().await;
                    return Ok(0);
                }
                world.tell(&format!("{at}"), ann, 10 * EURO).await
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(0), "none was told in time");
    }
    world.night().await;
    assert_eq!(world.has(ann, "points").await, 1_000);
    world.is_sound().await;
}

/// Random receipts, returned in random parts, beside a plain fraction.
#[db_test(MIGRATIONS)]
async fn random_returns_are_what_a_plain_fraction_says(db: TestDatabase) {
    let world = World::found(&db).await;
    let rng = SeededRng::new(23);
    let draw = |most: i64| i64::try_from(rng.next_u64() % most.unsigned_abs()).unwrap();
    let ann = world.enrol(1).await;
    world.fill("e1", ann, ("points", 100_000), None).await;
    for at in 0..12 {
        let (id, receipt, before) = (format!("p{at}"), format!("{at}"), world.has(ann, "points").await);
        let total = EURO + draw(20 * EURO);
        let points = 10 + 5 * draw(6);
        let payment = world.pay(Asked { total, ..asked(&id, &receipt, ann, points) }).await.unwrap();
        world.tell(&receipt, ann, total).await.unwrap();
        let mut back = 0;
        for part in 0..6 {
            let amount = 1 + draw(total / 3);
            back = (back + amount).min(total);
            let given = world.back(&receipt, &format!("{part}"), Some(amount)).await.unwrap();
            assert_eq!(given.len(), 1);
            let due = if back == total {
                points
            } else {
                i64::try_from(i128::from(points) * i128::from(back) / i128::from(total)).unwrap()
            };
            assert_eq!(world.has(ann, "points").await, before - points + due);
        }
        let last = world.back(&receipt, "last", None).await.unwrap();
        assert_eq!((last[0].0.returned, last[0].0.money_returned), (points, payment.money));
        assert_eq!(world.has(ann, "points").await, before);
    }
    world.is_sound().await;
}

#[test]
fn a_programme_that_cannot_pay_is_refused_with_its_place() {
    let form = |paying: serde_json::Value| {
        let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}], "paying": paying});
        Program::from_json(form).and_then(|it| it.check()).unwrap_err().to_string()
    };
    for (paying, place) in [
        (json!([{"wallet": "gold", "worth": "0.01"}]), "paying[0].wallet"),
        (json!([{"wallet": "points"}]), "paying[0].worth"),
        (json!([{"wallet": "points", "worth": "0"}]), "paying[0].worth"),
        (json!([{"wallet": "points", "worth": "0.01"}, {"wallet": "points", "worth": "0.01"}]), "paying[1].wallet"),
        (json!([{"wallet": "points", "worth": "0.01", "least": 0}]), "paying[0].least"),
        (json!([{"wallet": "points", "worth": "0.01", "step": -1}]), "paying[0].step"),
        (json!([{"wallet": "points", "worth": "0.01", "most": "0"}]), "paying[0].most"),
        (json!([{"wallet": "points", "worth": "0.01", "most": "1.1"}]), "paying[0].most"),
        (json!([{"wallet": "points", "worth": "0.01", "told_within_days": 0}]), "paying[0].told_within_days"),
        (json!([{"wallet": "points", "worth": "0.01", "told_within_days": 91}]), "paying[0].told_within_days"),
    ] {
        assert!(form(paying.clone()).contains(place), "{place}: {}", form(paying));
    }
}
