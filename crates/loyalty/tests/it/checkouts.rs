//! Checkouts, budgets of offers, percentages that were shown and prices, in the database, on both engines.

use rapport_domain::{Calendar, Currency, Handle, SeededRng, Timestamp, WorkspaceId};
use rapport_domain::{PersonId, calendar::WeekStart};
use rapport_loyalty::Document;
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::earning::{CapPer, Every, Period};
use rapport_loyalty::ledger::Balance;
use rapport_loyalty::offers::{Cart, Looks, Offer, PriceChanges, Spent, decide};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::checkouts::{self, Checkout, State};
use rapport_loyalty::records::documents::Saved;
use rapport_loyalty::records::offer_uses::{self, Shares, Used};
use rapport_loyalty::records::prices::{self, Price};
use rapport_loyalty::records::{members, programs, read};
use rapport_loyalty::verify::verify;
use rapport_segments::{EventView, Moment, Subject};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};
use serde_json::json;

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const UNIT: i64 = 1_000_000;
const NOBODY: Handle = Handle(0);

const fn at(minutes: i64) -> Timestamp {
    Timestamp(minutes * Timestamp::MINUTE)
}

fn calendar() -> Calendar {
    Calendar::new("UTC", WeekStart::Monday).unwrap()
}

fn program() -> Program {
    let value = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "wallets": [{"key": "points", "name": "Points", "worth": "0.01"}]});
    Program::from_json(value).unwrap()
}

fn offers() -> Vec<Offer> {
    let budget = |of: &str, most: &str, per: &str| json!({"most": most, "of": of, "per": per, "every": "month"});
    let ten = json!({"key": "ten", "name": "Ten", "gives": {"kind": "percent_off", "percent": "10"}, "budgets": [budget("amount", "15", "everybody"), budget("times", "2", "member")]});
    let points = json!({"key": "points", "name": "Points", "gives": {"kind": "points", "points": 300}});
    [ten, points].into_iter().map(|value| Offer::from_json(value).unwrap()).collect()
}

/// Prices a cart of two tents and locks it.
async fn lock(db: &TestDatabase, key: &str, handles: &[Handle], now: Timestamp) -> Checkout {
    let (program, offers, calendar) = (program(), offers(), calendar());
    let offers: Vec<(&Offer, i64)> = offers.iter().map(|offer| (offer, 1)).collect();
    let cart = json!({"products": [{"price": 50, "quantity": 2}]}).as_object().unwrap().clone();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    checkouts::begin(&mut tx, W, &calendar, now).await.unwrap();
    if let Some(before) = checkouts::find(&mut tx, W, key).await.unwrap().filter(|it| it.state == State::Locked) {
        checkouts::release(&mut tx, W, &before, &calendar, now).await.unwrap();
    }
    let used = Used::read(&mut tx, W, &offers, handles, (now, &calendar)).await.unwrap();
    let subject = Subject { event: Some(EventView::new("Cart Priced", now, &[])), ..Subject::NOBODY };
    let priced = Cart::read(&cart);
    let looks = Looks {
        program: &program,
        subject: &subject,
        moment: Moment { now, calendar: &calendar },
        cart: &priced,
        may_earn: true,
        unlocked: &|_| false,
        settled: &|_| None,
        used: &|offer, per, period| used.of(offer, per, period, &calendar),
    };
    let checkout = Checkout {
        key: key.to_owned(),
        handle: handles.first().copied().unwrap_or(NOBODY),
        state: State::Locked,
        decision: decide(&looks, &offers),
        cart,
        returned: Vec::new(),
        codes: Vec::new(),
        order_id: None,
        priced_at: now,
        locked_until: now.plus(15 * Timestamp::MINUTE),
        changed_at: now,
    };
    checkouts::save(&mut tx, W, &checkout, &calendar).await.unwrap();
    tx.commit().await.unwrap();
    checkout
}

async fn used(db: &TestDatabase, period: Every, now: Timestamp) -> Spent {
    let period = Period::of(period, now, &calendar()).key();
    offer_uses::of_offer(&mut db.read(), W, "ten").await.unwrap().get(&period).copied().unwrap_or_default()
}

const fn spent(euros: i64, times: i64) -> Spent {
    Spent { amount: euros * UNIT, times }
}

#[db_test(MIGRATIONS)]
async fn a_budget_is_used_from_the_lock_on_and_free_again_when_it_ends(db: TestDatabase) {
    let first = lock(&db, "c1", &[Handle(1)], at(0)).await;
    assert_eq!(first.decision.goods_off, 10 * UNIT);
    assert_eq!(used(&db, Every::Month, at(0)).await, spent(10, 1));
    let second = lock(&db, "c2", &[Handle(2)], at(1)).await;
    assert_eq!(second.decision.goods_off, 5 * UNIT, "what is left of the budget");
    let third = lock(&db, "c3", &[Handle(3)], at(2)).await;
    assert_eq!((third.decision.goods_off, third.decision.lines[1].outcome.code()), (0, "budget"));
    // The same again takes the place of what was locked.
    let again = lock(&db, "c1", &[Handle(1)], at(3)).await;
    assert_eq!(again.decision.goods_off, 10 * UNIT);
    assert_eq!(used(&db, Every::Month, at(3)).await, spent(15, 2));
    // The second lock ends; nobody has to say so.
    let found = checkouts::find(&mut db.read(), W, "c2").await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.state_at(at(15)), found.state_at(at(16))),
        (State::Locked, State::Locked, State::Released)
    );
    let third = lock(&db, "c3", &[Handle(3)], at(16)).await;
    assert_eq!(third.decision.goods_off, 5 * UNIT);
    assert_eq!(used(&db, Every::Ever, at(16)).await, spent(15, 2));
    assert_eq!(checkouts::find(&mut db.read(), W, "c2").await.unwrap().unwrap().state, State::Released);
    assert_eq!(checkouts::find(&mut db.read(), OTHER, "c1").await.unwrap(), None, "another workspace has none of it");
    assert!(offer_uses::of_offer(&mut db.read(), OTHER, "ten").await.unwrap().is_empty());
}

#[db_test(MIGRATIONS)]
async fn a_person_is_one_whatever_they_were_known_by(db: TestDatabase) {
    lock(&db, "c1", &[Handle(1)], at(0)).await;
    let both = [Handle(2), Handle(1)];
    let second = lock(&db, "c2", &both, at(1)).await;
    assert_eq!(second.decision.goods_off, 5 * UNIT);
    let offers = offers();
    let offers: Vec<(&Offer, i64)> = offers.iter().map(|offer| (offer, 1)).collect();
    let calendar = calendar();
    let own = |handles: Vec<Handle>, now: Timestamp| {
        let (db, offers, calendar) = (&db, &offers, &calendar);
        async move {
            let used = Used::read(&mut db.read(), W, offers, &handles, (now, calendar)).await.unwrap();
            used.of("ten", CapPer::Member, Period::of(Every::Month, now, calendar), calendar)
        }
    };
    assert_eq!(own(both.to_vec(), at(2)).await, spent(15, 2));
    assert_eq!(own(vec![Handle(1)], at(2)).await, spent(10, 1));
    assert_eq!(own(vec![], at(2)).await, spent(0, 0));
    assert_eq!(own(both.to_vec(), Timestamp(40 * Timestamp::DAY)).await, spent(0, 0), "another month");
    let of_person = checkouts::of_person(&mut db.read(), W, &both, 10).await.unwrap();
    assert_eq!(of_person.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["c2", "c1"]);
}

#[db_test(MIGRATIONS)]
async fn what_is_returned_is_taken_back_to_the_point(db: TestDatabase) {
    let program = program();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    programs::save(&mut tx, W, &program, 0, Saved { in_force_from: at(0), at: at(0), by: "usr_1" }).await.unwrap();
    let member = members::enrol(&mut tx, W, PersonId(5), at(0), &SeededRng::new(1)).await.unwrap();
    tx.commit().await.unwrap();
    let whose = (&program, Some(member), Some(PersonId(5)));
    let checkout = lock(&db, "c1", &[Handle(1)], at(0)).await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    checkouts::redeem(&mut tx, W, &checkout, Some("1042"), whose, at(1)).await.unwrap();
    tx.commit().await.unwrap();
    let balance = || async {
        let accounts = read::accounts(&mut db.read(), W, &[member], at(9)).await.unwrap();
        accounts.values().map(|account| account.balance()).next().unwrap()
    };
    assert_eq!(balance().await, Balance { available: 300, ..Balance::default() });
    // A lock that was paid does not end.
    lock(&db, "c2", &[Handle(2)], at(60)).await;
    let found = checkouts::find(&mut db.read(), W, "c1").await.unwrap().unwrap();
    assert_eq!((found.state, found.order_id.as_deref()), (State::Redeemed, Some("1042")));
    assert_eq!(used(&db, Every::Month, at(60)).await, spent(15, 2));
    let returned = async |checkout: &Checkout, returned: i64| {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let after = checkouts::give_back(&mut tx, W, checkout, &[returned], whose, at(61)).await.unwrap();
        tx.commit().await.unwrap();
        after
    };
    // Of what is paid it is known who used it: the second cart is only locked.
    let paid = async || offer_uses::paid_between(&mut db.read(), W, "ten", (at(0), at(99))).await.unwrap();
    assert_eq!(paid().await, [(Handle(1), 1, 10 * UNIT, 1)]);
    assert_eq!(offer_uses::paid_between(&mut db.read(), W, "ten", (at(1), at(99))).await.unwrap(), []);
    assert_eq!(offer_uses::paid_between(&mut db.read(), OTHER, "ten", (at(0), at(99))).await.unwrap(), []);
    let part = returned(&found, UNIT).await;
    assert_eq!((part.state, balance().await.available), (State::PartlyReturned, 150));
    assert_eq!(used(&db, Every::Month, at(60)).await, spent(10, 2), "half of its ten is free again");
    assert_eq!(paid().await, [(Handle(1), 1, 5 * UNIT, 1)]);
    let part = returned(&part, UNIT).await;
    assert_eq!(balance().await.available, 150, "the same again changes nothing");
    let whole = returned(&part, 2 * UNIT).await;
    assert_eq!((whole.state, balance().await.available), (State::Returned, 0));
    assert_eq!(used(&db, Every::Month, at(60)).await, spent(5, 1));
    assert_eq!(paid().await, [(Handle(1), 1, 0, 0)]);
    assert_eq!(checkouts::find(&mut db.read(), W, "c1").await.unwrap().unwrap(), whole);
    assert_eq!(verify(&mut db.read(), W).await.unwrap().findings, []);
}

#[db_test(MIGRATIONS)]
async fn a_percentage_that_changed_often_enough_stays(db: TestDatabase) {
    let day = |days: i64| Timestamp(days * Timestamp::DAY);
    let limit = Some(PriceChanges { most: 2, days: 30 });
    let shares = || async { Shares::read(&mut db.read(), W, &[Handle(1), Handle(2)]).await.unwrap() };
    assert!(shares().await.is_new("dear", Decimal::from_micros(5)));
    for (handle, percent, days) in [(1, 5, 0), (1, 10, 5), (2, 20, 9)] {
        let known = shares().await;
        assert_eq!(known.settled("dear", limit, day(days)), None);
        assert!(known.is_new("dear", Decimal::from_micros(percent)));
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let given = (Handle(handle), "dear");
        offer_uses::note_share(&mut tx, W, given, Decimal::from_micros(percent), day(days)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let known = shares().await;
    assert!(!known.is_new("dear", Decimal::from_micros(20)));
    assert_eq!(known.settled("dear", limit, day(34)), Some(Decimal::from_micros(20)), "two changes in 30 days");
    assert_eq!(known.settled("dear", limit, day(35)), None, "the first of them is long enough ago");
    assert_eq!(known.settled("dear", None, day(10)), None);
    assert_eq!(known.settled("other", limit, day(10)), None);
    let others = Shares::read(&mut db.read(), W, &[Handle(3)]).await.unwrap();
    assert!(others.is_new("dear", Decimal::from_micros(20)));
}

#[db_test(MIGRATIONS)]
async fn the_lowest_price_of_thirty_days(db: TestDatabase) {
    let day = |days: i64| Timestamp(days * Timestamp::DAY);
    let eur = Currency::parse("EUR").unwrap();
    let told = |product: &str, days: i64, price: i64| Price {
        product: product.into(),
        currency: eur,
        from_at: day(days),
        price,
    };
    // Told in any order, and one of them twice.
    let rows =
        [told("tent", 20, 100), told("tent", 0, 70), told("tent", 50, 90), told("peg", 49, 3), told("tent", 50, 95)];
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    prices::note(&mut tx, W, &rows).await.unwrap();
    tx.commit().await.unwrap();
    let lowest = async |days: i64| {
        let products = ["tent".to_owned(), "peg".to_owned(), "mug".to_owned()];
        let found = prices::lowest(&mut db.read(), W, &products, eur, day(days)).await.unwrap();
        (found.get("tent").copied(), found.get("peg").copied(), found.get("mug").copied())
    };
    assert_eq!(lowest(10).await, (Some(70), None, None));
    assert_eq!(lowest(49).await, (Some(70), Some(3), None), "the price of day 0 held until day 20, within the 30 days");
    assert_eq!(lowest(50).await, (Some(95), Some(3), None), "it held for the last time 30 days ago");
    assert_eq!(lowest(90).await, (Some(95), Some(3), None));
    let mut cart = Cart::read(json!({"products": [{"sku": "tent", "price": 1}, {"price": 1}]}).as_object().unwrap());
    prices::note_lowest(&mut db.read(), W, &mut cart, eur, day(10)).await.unwrap();
    assert_eq!(cart.lines.iter().map(|line| line.lowest).collect::<Vec<_>>(), [Some(70), None]);
    let sek = Currency::parse("SEK").unwrap();
    assert!(prices::lowest(&mut db.read(), W, &["tent".to_owned()], sek, day(10)).await.unwrap().is_empty());
}
