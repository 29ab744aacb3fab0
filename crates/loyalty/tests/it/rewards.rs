//! Rewards on both engines: prices and limits, points and codes that are taken and come back, and thirty who want the last of something at the same moment.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Rng, SeededRng, Timestamp};
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::document::State;
use rapport_loyalty::ledger::{MemberId, Standing};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::{self, Saved};
use rapport_loyalty::records::happenings::{self, Happening, Position, Wanted};
use rapport_loyalty::records::redemptions::{self, Asked, Filter, Redemption, Scene, Stage};
use rapport_loyalty::records::vouchers::{self, Owner, Terms, Use};
use rapport_loyalty::records::{members, merging, personal, wallets};
use rapport_loyalty::rewards::{Refusal, Reward, Wish};
use rapport_loyalty::verify::verify;
use rapport_loyalty::{Document, MIGRATIONS, ledger};
use rapport_segments::Condition;
use rapport_store::testing::TestDatabase;
use rapport_store::{Engine, Priority, args, db_test, outbox, sql};
use serde_json::{Value, json};

use crate::world::{NOW, W, WorldOf};

type World = WorldOf<Redemption>;

const POOL: Owner<'static> = Owner { kind: "pool", key: "cinema" };

fn program() -> Program {
    let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR",
        "wallets": [{"key": "points", "name": "Points"}, {"key": "stars", "name": "Stars"}]});
    Program::from_json(form).unwrap()
}

impl World {
    async fn found(db: &TestDatabase) -> Self {
        let program = program();
        Self::with(db, program).await
    }

    async fn save(&self, seen: i64, form: Value) {
        let reward = Reward::from_json(form).unwrap();
        let mut tx = self.begin().await;
        let saved = Saved { in_force_from: Timestamp(seen), at: self.now, by: "usr_1" };
        documents::save(&mut tx, W, (&reward, State::Live), seen, saved).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn redeem(&self, id: &str, member: MemberId, reward: &str) -> Result<Redemption, Refusal> {
        self.ask(asked(id, member, reward), |_| true).await
    }

    async fn ask(&self, asked: Asked<'_>, holds: impl Fn(&Condition) -> bool) -> Result<Redemption, Refusal> {
        let mut tx = self.begin().await;
        let outcome = redemptions::redeem(&mut tx, self.scene(), asked, holds).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn paid(&self, redemption: &str) -> Result<Redemption, Refusal> {
        let mut tx = self.begin().await;
        let outcome = redemptions::paid(&mut tx, self.scene(), redemption).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn fulfil(&self, redemption: &str) -> Result<Redemption, Refusal> {
        let mut tx = self.begin().await;
        let outcome = redemptions::fulfil(&mut tx, self.scene(), redemption, "parcel 7").await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn fail(&self, redemption: &str) -> Result<Redemption, Refusal> {
        let mut tx = self.begin().await;
        let outcome = redemptions::fail(&mut tx, self.scene(), redemption, "broken").await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn cancel(&self, redemption: &str, by_member: bool) -> Result<Redemption, Refusal> {
        let mut tx = self.begin().await;
        let outcome =
            redemptions::cancel(&mut tx, self.scene(), redemption, by_member, "changed her mind").await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn use_code(&self, code: &str, id: &str) -> Result<(), vouchers::Refusal> {
        let mut tx = self.begin().await;
        let used = Use { id, by: "key_1", reference: "", holder: None };
        let outcome = vouchers::use_up(&mut tx, W, code, used, self.now).await.unwrap();
        if let Ok(voucher) = &outcome {
            redemptions::used(&mut tx, self.scene(), voucher).await.unwrap();
        }
        tx.commit().await.unwrap();
        outcome.map(drop)
    }

    async fn codes(&self, list: &[&str]) {
        let list: Vec<String> = list.iter().map(|it| (*it).to_owned()).collect();
        let terms = Terms { is_live: false, uses: Some(1), valid_until: None };
        let mut tx = self.begin().await;
        assert_eq!(vouchers::add(&mut tx, W, POOL, &list, terms, self.now).await.unwrap(), []);
        tx.commit().await.unwrap();
    }

    async fn code_of(&self, redemption: &str) -> String {
        vouchers::given_for(&mut self.store.read(), W, redemption).await.unwrap().pop().unwrap().code
    }

    async fn state(&self, redemption: &str) -> String {
        redemptions::find(&mut self.store.read(), W, redemption).await.unwrap().unwrap().state
    }

    async fn expire(&self) -> usize {
        let mut tx = self.begin().await;
        let count = redemptions::expire(&mut tx, self.scene(), 100).await.unwrap();
        tx.commit().await.unwrap();
        count
    }

    async fn assert_sound(&self) {
        assert_eq!(verify(&mut self.store.read(), W).await.unwrap().findings, []);
    }
}

fn asked<'a>(id: &'a str, member: MemberId, reward: &'a str) -> Asked<'a> {
    Asked {
        id,
        member,
        reward,
        wish: Wish::default(),
        is_surprise: false,
        with_household: false,
        by: "key_1",
        reason: "",
    }
}

fn reward(key: &str, gives: Value, more: Value) -> Value {
    let mut form = json!({"key": key, "name": key, "gives": gives, "prices": [{"points": 10}]});
    form.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    form
}

#[db_test(MIGRATIONS)]
async fn a_reward_costs_what_it_costs_whom_once(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let gold = json!({"fact": {"key": "tier.status", "op": "equals", "value": "gold"}});
    let prices = json!([{"points": 6, "when": gold}, {"points": 10}, {"wallet": "stars", "points": 1}]);
    let valid = json!({"kind": "after", "count": 7, "unit": "days"});
    world.save(0, reward("mug", json!({"kind": "code"}), json!({"prices": prices, "valid": valid}))).await;
    let ann = world.member(1, 20).await;
    assert_eq!(world.redeem("x", ann, "nothing").await, Err(Refusal::RewardUnknown));
    assert_eq!(world.redeem("x", MemberId(404), "mug").await, Err(Refusal::MemberUnknown));

    let is_gold = |condition: &Condition| !condition.to_text().contains("silver");
    let done = world.ask(asked("r1", ann, "mug"), is_gold).await.unwrap();
    assert_eq!(
        (done.points, done.wallet.as_str(), done.state.as_str(), done.taken.as_str()),
        (6, "points", "fulfilled", "spent")
    );
    assert_eq!(world.available(ann).await, 14);
    let voucher = vouchers::given_for(&mut world.store.read(), W, &done.redemption).await.unwrap().pop().unwrap();
    assert_eq!((voucher.holder(), voucher.valid_until), (Some(ann), done.due_at));
    assert!(
        done.due_at.unwrap() > NOW.plus(7 * Timestamp::DAY) && done.due_at.unwrap() <= NOW.plus(8 * Timestamp::DAY)
    );
    // The same again, also by what costs something else now.
    assert_eq!(world.redeem("r1", ann, "mug").await.unwrap().redemption, done.redemption);
    assert_eq!(world.ask(Asked { reason: "more", ..asked("r1", ann, "mug") }, is_gold).await, Err(Refusal::IdReused));
    assert_eq!(world.available(ann).await, 14);

    let plain = |condition: &Condition| condition == &Condition::All(Vec::new());
    let shown = |points| Asked { wish: Wish { points: Some(points), ..Wish::default() }, ..asked("r2", ann, "mug") };
    assert_eq!(world.ask(shown(6), plain).await, Err(Refusal::PriceChanged));
    assert_eq!(world.ask(Asked { id: "r3", ..shown(10) }, plain).await.unwrap().points, 10);
    let stars = Wish { wallet: Some("stars"), ..Wish::default() };
    let poor = world.ask(Asked { wish: stars, ..asked("r4", ann, "mug") }, plain).await;
    assert_eq!(poor, Err(Refusal::Ledger(ledger::Refusal::InsufficientPoints)));
    let none = Wish { wallet: Some("miles"), ..Wish::default() };
    assert_eq!(world.ask(Asked { wish: none, ..asked("r5", ann, "mug") }, plain).await, Err(Refusal::NoPrice));
    assert_eq!(world.ask(asked("r6", ann, "mug"), |_| false).await, Err(Refusal::NotEntitled));
    // What was refused stays refused, though it could be had now.
    assert_eq!(world.redeem("r6", ann, "mug").await, Err(Refusal::NotEntitled));
    let low = world.redeem("r7", ann, "mug").await;
    assert_eq!(low, Err(Refusal::Ledger(ledger::Refusal::InsufficientPoints)));
    world.earn(ann, 50, None).await;
    assert_eq!(world.redeem("r7", ann, "mug").await, low);
    assert!(world.redeem("r8", ann, "mug").await.is_ok());
    for refusal in Refusal::ALL {
        assert_eq!(Refusal::read(refusal.code()), Some(refusal));
        assert!(!refusal.sentence().is_empty());
    }

    // A version counts from its instant on; whoever is blocked or gone gets nothing.
    world.save(1, reward("mug", json!({"kind": "code"}), json!({"window": {"from": "2026-04-01"}}))).await;
    assert_eq!(world.redeem("r9", ann, "mug").await, Err(Refusal::NotOffered));
    for (standing, refusal) in [(Standing::Blocked, Refusal::MemberBlocked), (Standing::Closed, Refusal::MemberClosed)]
    {
        let mut tx = world.begin().await;
        members::set_standing(&mut tx, W, ann, standing).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.redeem(refusal.code(), ann, "mug").await, Err(refusal));
    }
    world.now = world.now.plus(1);
    world.assert_sound().await;
}

#[db_test(MIGRATIONS)]
async fn limits_and_stock_have_room_again_for_what_is_called_off(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let limits =
        json!([{"most": 2, "per": "member", "every": "day"}, {"most": 3, "per": "everybody", "every": "month"}]);
    world
        .save(
            0,
            reward("mug", json!({"kind": "code"}), json!({"stock": 5, "limits": limits, "cancel_within_hours": 2})),
        )
        .await;
    let (ann, bob) = (world.member(1, 100).await, world.member(2, 100).await);
    let first = world.redeem("a1", ann, "mug").await.unwrap();
    assert!(world.redeem("a2", ann, "mug").await.is_ok());
    assert_eq!(world.redeem("a3", ann, "mug").await, Err(Refusal::LimitReached));
    assert!(world.redeem("b1", bob, "mug").await.is_ok());
    assert_eq!(world.redeem("b2", bob, "mug").await, Err(Refusal::SoldOutForNow));

    world.now = world.now.plus(2 * Timestamp::HOUR - 1);
    let back = world.cancel(&first.redemption, true).await.unwrap();
    assert_eq!(
        (back.state.as_str(), back.taken.as_str(), back.reason.as_str()),
        ("cancelled", "returned", "changed her mind")
    );
    assert_eq!(world.cancel(&first.redemption, true).await.unwrap(), back, "told again it is the same");
    assert_eq!(world.available(ann).await, 90);
    assert_eq!(world.use_code(&world.code_of(&first.redemption).await, "u1").await, Err(vouchers::Refusal::Void));
    let third = world.redeem("a4", ann, "mug").await.unwrap();
    assert_eq!(world.redeem("a5", ann, "mug").await, Err(Refusal::SoldOutForNow));
    // The next month, and then the stock.
    world.now = world.now.plus(31 * Timestamp::DAY);
    assert_eq!(world.cancel(&third.redemption, true).await, Err(Refusal::TooLate), "the member's time is over");
    for id in ["a6", "a7"] {
        assert!(world.redeem(id, ann, "mug").await.is_ok());
    }
    assert_eq!(world.redeem("a8", ann, "mug").await, Err(Refusal::OutOfStock));
    assert_eq!(world.cancel(&third.redemption, false).await.unwrap().state, "cancelled", "staff's is not");
    assert!(world.redeem("b3", bob, "mug").await.is_ok());
    assert_eq!(world.redeem("b4", bob, "mug").await, Err(Refusal::OutOfStock));
    world.assert_sound().await;
}

#[db_test(MIGRATIONS)]
async fn members_choose_among_the_prices_that_hold_for_them(db: TestDatabase) {
    let world = World::found(&db).await;
    let gold = json!({"fact": {"key": "tier.status", "op": "equals", "value": "gold"}});
    let prices = json!([{"points": 12, "when": gold}, {"points": 4, "money": "3", "when": gold}, {"points": 20}, {"points": 10, "money": "4.50"},
        {"points": 9, "money": "5"}, {"wallet": "stars", "points": 2}]);
    world.save(0, reward("lamp", json!({"kind": "delivered"}), json!({"prices": prices}))).await;
    let ann = world.member(1, 100).await;
    let money = |micros: i64| Some(Decimal::from_micros(micros));
    let wish = |wallet, points, money| Wish { wallet, points, money };
    let plain = |condition: &Condition| condition == &Condition::All(Vec::new());
    // What was shown: of which prices one may be had, by whom.
    let own = [
        (wish(None, None, None), 20, None),
        (wish(Some("points"), Some(20), None), 20, None),
        (wish(None, Some(10), money(4_500_000)), 10, money(4_500_000)),
        (wish(Some("points"), None, money(4_500_000)), 10, money(4_500_000)),
    ];
    for (at, (wish, points, money)) in own.into_iter().enumerate() {
        let id = format!("c{at}");
        let done = world.ask(Asked { wish, ..asked(&id, ann, "lamp") }, plain).await.unwrap();
        assert_eq!((done.points, done.money.map(Decimal::from_micros)), (points, money), "{wish:?}");
    }
    // Those of others, those behind the first of a kind, and the points of a price without its money.
    let others = [
        wish(None, Some(12), None),
        wish(None, Some(4), money(3_000_000)),
        wish(None, Some(9), money(5_000_000)),
        wish(None, Some(10), None),
        wish(None, Some(20), money(4_500_000)),
        wish(Some("stars"), Some(20), None),
    ];
    for (at, wish) in others.into_iter().enumerate() {
        let id = format!("d{at}");
        let refused = world.ask(Asked { wish, ..asked(&id, ann, "lamp") }, plain).await;
        assert_eq!(refused, Err(Refusal::PriceChanged), "{wish:?}");
    }
    assert_eq!(world.available(ann).await, 100 - 20 - 20 - 10 - 10);
    let best = wish(None, Some(4), money(3_000_000));
    let done = world.ask(Asked { wish: best, ..asked("gold", ann, "lamp") }, |_| true).await.unwrap();
    assert_eq!((done.points, done.money), (4, Some(3_000_000)));
    world.assert_sound().await;
}

#[db_test(MIGRATIONS)]
async fn what_waits_for_money_or_delivery_is_set_aside(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let prices = json!([{"points": 10, "money": "4.50"}]);
    world
        .save(0, reward("film", json!({"kind": "pool", "pool": "cinema"}), json!({"prices": prices, "stock": 9})))
        .await;
    world.save(0, reward("tent", json!({"kind": "delivered"}), json!({"fulfil_within_days": 3, "stock": 1}))).await;
    let ann = world.member(1, 40).await;
    assert_eq!(world.redeem("f0", ann, "film").await, Err(Refusal::NoCode));
    world.codes(&["FILM1"]).await;

    // Not paid in time: everything comes back at that very instant, and the next one gets the code.
    let first = world.redeem("f1", ann, "film").await.unwrap();
    assert_eq!((first.state.as_str(), first.taken.as_str(), first.money), ("requested", "held", Some(4_500_000)));
    assert_eq!(first.due_at, Some(NOW.plus(30 * Timestamp::MINUTE)));
    assert_eq!(world.available(ann).await, 30);
    assert_eq!(world.redeem("f2", ann, "film").await, Err(Refusal::NoCode));
    assert_eq!(world.fulfil(&first.redemption).await, Err(Refusal::NotNow), "it is not paid");
    world.now = world.now.plus(30 * Timestamp::MINUTE);
    assert_eq!(world.paid(&first.redemption).await, Err(Refusal::TooLate));
    let second = world.redeem("f3", ann, "film").await.unwrap();
    assert_eq!(world.state(&first.redemption).await, "expired");
    assert_eq!(world.available(ann).await, 30);
    assert_eq!(world.code_of(&second.redemption).await, "FILM1");
    let done = world.paid(&second.redemption).await.unwrap();
    assert_eq!((done.state.as_str(), done.paid_at, done.due_at), ("fulfilled", Some(world.now), None));
    assert_eq!(world.paid(&second.redemption).await.unwrap(), done);
    // A captured price comes back too.
    assert_eq!(world.cancel(&second.redemption, false).await.unwrap().taken, "returned");
    assert_eq!(world.available(ann).await, 40);

    // Delivered, not delivered, not told in time.
    let tent = world.redeem("t1", ann, "tent").await.unwrap();
    assert_eq!(world.paid(&tent.redemption).await, Err(Refusal::NotNow), "it costs no money");
    assert_eq!(world.redeem("t2", ann, "tent").await, Err(Refusal::OutOfStock));
    let failed = world.fail(&tent.redemption).await.unwrap();
    assert_eq!((failed.state.as_str(), world.available(ann).await), ("failed", 40));
    assert_eq!(world.fulfil(&tent.redemption).await, Err(Refusal::NotNow));
    let tent = world.redeem("t3", ann, "tent").await.unwrap();
    let done = world.fulfil(&tent.redemption).await.unwrap();
    assert_eq!(
        (done.state.as_str(), done.reference.as_str(), world.available(ann).await),
        ("fulfilled", "parcel 7", 30)
    );
    assert_eq!(world.fulfil(&tent.redemption).await.unwrap(), done);
    assert_eq!(world.cancel(&tent.redemption, false).await.unwrap().state, "cancelled");
    let tent = world.redeem("t4", ann, "tent").await.unwrap();
    world.now = world.now.plus(3 * Timestamp::DAY);
    assert_eq!(world.expire().await, 1);
    assert_eq!(world.expire().await, 0);
    assert_eq!((world.state(&tent.redemption).await.as_str(), world.available(ann).await), ("expired", 40));
    assert_eq!(world.fulfil(&tent.redemption).await, Err(Refusal::TooLate));
    assert_eq!(world.fulfil("rdm_0").await, Err(Refusal::RedemptionUnknown));
    let names: Vec<String> = outbox::batch(&mut world.store.read(), W, "test", 500)
        .await
        .unwrap()
        .events
        .into_iter()
        .map(|it| it.name)
        .collect();
    let count = |name: &str| names.iter().filter(|it| *it == name).count();
    assert_eq!((count(redemptions::REDEEMED), count(redemptions::FULFILLED), count(redemptions::CANCELLED)), (5, 2, 5));
    world.assert_sound().await;
}

/// Five that cannot be ended come first, and keep nobody from their turn.
#[db_test(MIGRATIONS)]
async fn what_cannot_be_ended_is_put_off_and_the_next_is_ended(db: TestDatabase) {
    let mut world = World::found(&db).await;
    world.save(0, reward("tent", json!({"kind": "delivered"}), json!({"fulfil_within_days": 3}))).await;
    let ann = world.member(1, 60).await;
    let mut all = Vec::new();
    for number in 0..6 {
        world.now = NOW.plus(number);
        all.push(world.redeem(&format!("t{number}"), ann, "tent").await.unwrap());
    }
    let last = all.pop().unwrap();
    let wallet_is = async |redemption: &Redemption, key: &str| {
        let mut tx = world.store.begin(Priority::Interactive).await.unwrap();
        let say = sql!("UPDATE loyalty_redemptions SET wallet = $3 WHERE redemption = $2 AND workspace = $1");
        tx.execute(say, args![W, &redemption.redemption, key]).await.unwrap();
        tx.commit().await.unwrap();
    };
    for stuck in &all {
        wallet_is(stuck, "gone").await;
    }
    let expire = async |now: Timestamp| {
        let mut tx = world.store.begin(Priority::Interactive).await.unwrap();
        let ended = redemptions::expire(&mut tx, Scene { now, ..world.scene() }, 2).await.unwrap();
        tx.commit().await.unwrap();
        ended
    };
    let over = NOW.plus(4 * Timestamp::DAY);
    let mut turns = Vec::new();
    for _ in 0..4 {
        turns.push(expire(over).await);
    }
    assert_eq!(turns, [2, 2, 2, 0], "each is met once");
    assert_eq!(world.state(&last.redemption).await, "expired");
    for stuck in &all {
        assert_eq!(world.state(&stuck.redemption).await, "requested");
        wallet_is(stuck, "points").await;
    }
    assert_eq!(expire(over.plus(Timestamp::DAY - 1)).await, 0);
    assert_eq!(expire(over.plus(Timestamp::DAY)).await, 2, "they are tried again the next day");
    world.assert_sound().await;
}

#[db_test(MIGRATIONS)]
async fn points_come_back_into_their_lots(db: TestDatabase) {
    let mut world = World::found(&db).await;
    world.save(0, reward("mug", json!({"kind": "code"}), json!({}))).await;
    world
        .save(0, reward("tent", json!({"kind": "delivered"}), json!({"prices": [{"points": 10, "money": "1"}]})))
        .await;
    let ann = world.member(1, 0).await;
    let day = |count: i64| NOW.plus(count * Timestamp::DAY);
    world.earn(ann, 10, Some(day(5))).await;
    world.earn(ann, 10, Some(day(2))).await;
    let first = world.redeem("m1", ann, "mug").await.unwrap();
    world.cancel(&first.redemption, false).await.unwrap();
    world.now = day(2);
    assert_eq!(world.available(ann).await, 10, "nobody redeems and calls off to make points last");
    let second = world.redeem("m2", ann, "mug").await.unwrap();
    world.now = day(6);
    world.cancel(&second.redemption, false).await.unwrap();
    assert_eq!(world.available(ann).await, 0, "they lapsed meanwhile");
    // What the shop could not deliver is not the member's fault.
    world.earn(ann, 10, Some(day(7))).await;
    let tent = world.redeem("t1", ann, "tent").await.unwrap();
    world.paid(&tent.redemption).await.unwrap();
    world.now = day(8);
    world.fail(&tent.redemption).await.unwrap();
    assert_eq!(world.available(ann).await, 10);
    world.now = day(8 + 30);
    assert_eq!(world.available(ann).await, 0);
    world.assert_sound().await;
}

#[db_test(MIGRATIONS)]
async fn codes_lapse_are_used_and_bind_the_redemption(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let valid = json!({"kind": "after", "count": 0, "unit": "days"});
    let off = json!({"kind": "discount", "off": {"kind": "percent", "percent": "10"}});
    world.save(0, reward("ten", off, json!({"valid": valid, "cancel_within_hours": 100}))).await;
    let ann = world.member(1, 100).await;
    let first = world.redeem("d1", ann, "ten").await.unwrap();
    let code = world.code_of(&first.redemption).await;
    world.use_code(&code, "u1").await.unwrap();
    world.use_code(&code, "u1").await.unwrap();
    assert_eq!(world.state(&first.redemption).await, "used");
    assert_eq!(world.cancel(&first.redemption, false).await, Err(Refusal::CodeUsed));
    let mut tx = world.begin().await;
    let voucher = vouchers::release(&mut tx, W, "u1").await.unwrap().unwrap();
    redemptions::reopen(&mut tx, world.scene(), &voucher).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.state(&first.redemption).await, "fulfilled");
    let second = world.redeem("d2", ann, "ten").await.unwrap();
    world.now = second.due_at.unwrap();
    assert_eq!(world.expire().await, 2);
    assert_eq!(world.state(&second.redemption).await, "expired");
    assert_eq!(world.use_code(&world.code_of(&second.redemption).await, "u2").await, Err(vouchers::Refusal::Expired));
    assert_eq!(world.cancel(&second.redemption, false).await, Err(Refusal::NotNow));
    assert_eq!(world.available(ann).await, 80);
}

#[db_test(MIGRATIONS)]
async fn surprises_have_a_budget_and_donations_are_added_up(db: TestDatabase) {
    let world = World::found(&db).await;
    let surprises = json!({"most": 2, "every": "week"});
    world.save(0, reward("mug", json!({"kind": "code"}), json!({"surprises": surprises}))).await;
    world.save(0, reward("trees", json!({"kind": "donation", "charity": "forest", "amount": "2.5"}), json!({}))).await;
    let (ann, bob) = (world.member(1, 30).await, world.member(2, 30).await);
    let surprise = |id, member, reward| Asked { is_surprise: true, reason: "ten years", ..asked(id, member, reward) };
    let first = world.ask(surprise("s1", ann, "mug"), |_| false).await.unwrap();
    assert_eq!((first.points, first.taken.as_str(), first.state.as_str()), (0, "none", "fulfilled"));
    assert!(world.ask(surprise("s2", bob, "mug"), |_| false).await.is_ok());
    assert_eq!(world.ask(surprise("s3", ann, "mug"), |_| false).await, Err(Refusal::BudgetSpent));
    assert!(world.redeem("s4", ann, "mug").await.is_ok(), "who pays does not touch the budget");
    world.cancel(&first.redemption, false).await.unwrap();
    assert!(world.ask(surprise("s5", ann, "mug"), |_| false).await.is_ok());
    assert_eq!(world.ask(surprise("s6", ann, "trees"), |_| false).await, Err(Refusal::BudgetSpent), "it has none");

    for (id, member) in [("g1", ann), ("g2", bob), ("g3", bob)] {
        assert_eq!(world.redeem(id, member, "trees").await.unwrap().state, "fulfilled");
    }
    let off = redemptions::by_id(&mut world.store.read(), W, "g3").await.unwrap().unwrap();
    world.cancel(&off.redemption, false).await.unwrap();
    let gifts = redemptions::gifts(&mut world.store.read(), W).await.unwrap();
    assert_eq!(gifts, [("forest".to_owned(), "points".to_owned(), 2, 20, 5_000_000)]);
    let filter = Filter { state: "fulfilled", reward: "trees" };
    assert_eq!(redemptions::list(&mut world.store.read(), W, filter, None, 10).await.unwrap().len(), 2);
    world.assert_sound().await;
}

#[db_test(MIGRATIONS)]
async fn redemptions_follow_their_member_and_are_forgotten(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let limits = json!([{"most": 2, "per": "member", "every": "ever"}]);
    world.save(0, reward("mug", json!({"kind": "code"}), json!({"limits": limits}))).await;
    let (ann, bob) = (world.member(1, 30).await, world.member(2, 30).await);
    world.redeem("a1", ann, "mug").await.unwrap();
    let own = world.ask(Asked { reason: "for Zebrafish", ..asked("b1", bob, "mug") }, |_| true).await.unwrap();
    world.now = world.now.plus(1);
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), world.now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.redeem("a2", ann, "mug").await, Err(Refusal::LimitReached), "one from each of them");
    assert_eq!(
        world.ask(Asked { reason: "for Zebrafish", ..asked("b1", bob, "mug") }, |_| true).await.unwrap().redemption,
        own.redemption
    );
    let rows = redemptions::of_members(&mut world.store.read(), W, &[ann], None, 10).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.refused.is_none()).count(), 2);
    world.cancel(&own.redemption, false).await.unwrap();
    assert_eq!(world.available(ann).await, 50);

    let kept = personal::of(&mut world.store.read(), W, PersonId(1)).await.unwrap().unwrap();
    assert_eq!((kept.redemptions.len(), kept.vouchers.len()), (3, 2));
    let mut tx = world.begin().await;
    personal::forget(&mut tx, W, PersonId(1)).await.unwrap();
    tx.commit().await.unwrap();
    let rows = redemptions::of_members(&mut world.store.read(), W, &[ann], None, 10).await.unwrap();
    assert!(rows.iter().all(|row| row.reason.is_empty() && row.reference.is_empty()));
    world.assert_sound().await;
}

/// The last of the stock, the last code and the last points, each wanted by thirty at once. Each try is a redemption in a transaction of its own, so the thousand rounds are those
/// of the ledger itself (`the_last_points_are_redeemed_once`), by which points are taken here.
#[db_test(MIGRATIONS)]
async fn the_last_one_goes_to_one(db: TestDatabase) {
    let world = std::sync::Arc::new(World::found(&db).await);
    let rounds = if db.engine() == Engine::Sqlite { 60 } else { 12 };
    world.save(0, reward("film", json!({"kind": "pool", "pool": "cinema"}), json!({"prices": [{"points": 0}]}))).await;
    world.save(0, reward("points", json!({"kind": "code"}), json!({}))).await;
    let rich = world.member(1, 1_000_000).await;
    let poor = world.member(2, 0).await;
    for round in 0..rounds {
        let stock = format!("stock{round}");
        world.save(0, reward(&stock, json!({"kind": "code"}), json!({"stock": 1, "prices": [{"points": 1}]}))).await;
        world.codes(&[&format!("FILM{round}")]).await;
        world.earn(poor, 10, None).await;
        let expected: BTreeMap<&str, (MemberId, Refusal)> = BTreeMap::from([
            (stock.as_str(), (rich, Refusal::OutOfStock)),
            ("film", (rich, Refusal::NoCode)),
            ("points", (poor, Refusal::Ledger(ledger::Refusal::InsufficientPoints))),
        ]);
        for (reward, (member, refusal)) in expected {
            let tries = (0..30).map(|number| {
                let (world, reward) = (world.clone(), reward.to_owned());
                tokio::spawn(async move { world.redeem(&format!("{reward} {round} {number}"), member, &reward).await })
            });
            let mut won = 0;
            for task in tries.collect::<Vec<_>>() {
                match task.await.unwrap() {
                    Ok(_) => won += 1,
                    Err(why) => assert_eq!(why, refusal),
                }
            }
            assert_eq!(won, 1, "round {round}, {reward}");
        }
    }
    assert_eq!(world.available(poor).await, 0);
    assert_eq!(world.available(rich).await, 1_000_000 - rounds);
    world.assert_sound().await;
}

/// One id, sent by thirty at once, is one redemption.
#[db_test(MIGRATIONS)]
async fn an_id_is_one_redemption(db: TestDatabase) {
    let world = std::sync::Arc::new(World::found(&db).await);
    world.save(0, reward("mug", json!({"kind": "code"}), json!({}))).await;
    let ann = world.member(1, 1_000).await;
    let tries = (0..30).map(|_| {
        let world = world.clone();
        tokio::spawn(async move { world.redeem("once", ann, "mug").await.unwrap() })
    });
    let mut seen = std::collections::BTreeSet::new();
    for task in tries.collect::<Vec<_>>() {
        seen.insert(task.await.unwrap().redemption);
    }
    assert_eq!((seen.len(), world.available(ann).await), (1, 990));
}

/// Whatever is asked for in which order: stock, budgets, points and codes are those that a plain count predicts.
#[db_test(MIGRATIONS)]
async fn stories_end_as_plain_counts_say(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let rng = SeededRng::new(5);
    let limits = json!([{"most": 3, "per": "member", "every": "ever"}]);
    world.save(0, reward("mug", json!({"kind": "code"}), json!({"stock": 7, "limits": limits}))).await;
    let people = [world.member(1, 35).await, world.member(2, 25).await, world.member(3, 90).await];
    let mut points = [35, 25, 90];
    // Who has which: not called off.
    let mut open: Vec<(usize, String)> = Vec::new();
    for step in 0..120 {
        world.now = world.now.plus(1);
        let who = (rng.next_u64() % 3) as usize;
        if !rng.next_u64().is_multiple_of(3) || open.is_empty() {
            let own = open.iter().filter(|(other, _)| *other == who).count();
            let expected = match (open.len(), own) {
                (7.., _) => Err(Refusal::OutOfStock),
                (_, 3..) => Err(Refusal::LimitReached),
                _ if points[who] < 10 => Err(Refusal::Ledger(ledger::Refusal::InsufficientPoints)),
                _ => Ok(()),
            };
            let said = world.redeem(&format!("s{step}"), people[who], "mug").await;
            assert_eq!(said.as_ref().map(drop).map_err(|refusal| *refusal), expected, "step {step}");
            if let Ok(row) = said {
                points[who] -= 10;
                open.push((who, row.redemption));
            }
        } else {
            let at = (rng.next_u64() as usize) % open.len();
            let (who, redemption) = open.swap_remove(at);
            world.cancel(&redemption, false).await.unwrap();
            points[who] += 10;
        }
        assert_eq!(world.available(people[who]).await, points[who], "step {step}");
    }
    world.assert_sound().await;
}

#[test]
fn a_reward_that_says_nothing_possible_is_refused() {
    let program = program();
    let check = |gives: Value, more: Value| {
        let form = reward("mug", gives, more);
        Reward::from_json(form).and_then(|reward| reward.check(&program)).map_err(|error| error.to_string())
    };
    let code = || json!({"kind": "code"});
    assert_eq!(check(code(), json!({})), Ok(()));
    let gender = json!({"fact": {"key": "trait.gender", "op": "equals", "value": "f"}});
    let wrong = [
        (json!({"kind": "code", "uses": 0}), json!({}), "gives.uses"),
        (json!({"kind": "pool", "pool": "No!"}), json!({}), "gives.pool"),
        (json!({"kind": "discount", "off": {"kind": "percent", "percent": "101"}}), json!({}), "gives.off.percent"),
        (json!({"kind": "donation", "charity": "forest", "amount": "0"}), json!({}), "gives.amount"),
        (code(), json!({"prices": []}), "prices"),
        (code(), json!({"prices": [{"points": -1}]}), "prices[0].points"),
        (code(), json!({"prices": [{"points": 1, "wallet": "miles"}]}), "prices[0].wallet"),
        (code(), json!({"prices": [{"points": 1, "money": "0"}]}), "prices[0].money"),
        (code(), json!({"stock": -1}), "stock"),
        (code(), json!({"limits": [{"most": 0, "per": "member", "every": "day"}]}), "limits[0].most"),
        (code(), json!({"picture": "javascript:alert(1)"}), "picture"),
        (code(), json!({"valid": {"kind": "inactivity", "count": 1, "unit": "days"}}), "valid"),
        (code(), json!({"fulfil_within_days": 0}), "fulfil_within_days"),
        (code(), json!({"pay_within_minutes": 0}), "pay_within_minutes"),
        (code(), json!({"surprises": {"most": 0, "every": "day"}}), "surprises.most"),
        (code(), json!({"when": {"property": {"path": "x", "op": "equals", "value": 1}}}), "when"),
        (code(), json!({"colour": "red"}), "colour"),
        (code(), json!({"when": gender.clone()}), "`trait.gender` is something that no price may depend on"),
        (code(), json!({"prices": [{"points": 5}, {"points": 9, "when": gender}]}), "prices[1].when"),
    ];
    for (gives, more, place) in wrong {
        let said = check(gives, more.clone()).unwrap_err();
        assert!(said.contains(place), "{more}: {said}");
    }
}

#[db_test(MIGRATIONS)]
async fn what_happened_is_read_back_once_each_though_it_all_happened_at_one_instant(db: TestDatabase) {
    let world = World::found(&db).await;
    world.save(0, reward("mug", json!({"kind": "code"}), json!({}))).await;
    world.save(0, reward("cup", json!({"kind": "delivered"}), json!({}))).await;
    let (ann, bob) = (world.member(1, 100).await, world.member(2, 100).await);
    let withdraw = async |redemption: &str| {
        let mut tx = world.begin().await;
        let outcome = redemptions::withdraw(&mut tx, world.scene(), redemption).await.unwrap();
        tx.commit().await.unwrap();
        outcome.map(|row| row.stage())
    };
    for (reward, had) in [("mug", Stage::Promised), ("cup", Stage::Promised)] {
        let first = world.redeem(&format!("{reward} 1"), ann, reward).await.unwrap();
        assert_eq!(first.stage(), had);
        for _ in 0..2 {
            assert_eq!(withdraw(&first.redemption).await, Ok(Stage::Gone));
        }
        let second = world.redeem(&format!("{reward} 2"), ann, reward).await.unwrap().redemption;
        if reward == "cup" {
            world.fulfil(&second).await.unwrap();
        } else {
            world.use_code(&world.code_of(&second).await, "u1").await.unwrap();
        }
        assert!(withdraw(&second).await.is_err(), "what was had stays had");
        world.redeem(&format!("{reward} 3"), bob, reward).await.unwrap();
    }
    assert_eq!(world.redeem("n", ann, "nothing").await, Err(Refusal::RewardUnknown));
    assert_eq!((world.available(ann).await, world.available(bob).await), (80, 80));

    let wallet = wallets::numbers(&mut world.store.read(), W).await.unwrap()["points"];
    let all = async |members: Option<&[MemberId]>, limit: u32| {
        let (stages, until) = ([Stage::Had, Stage::Gone], Timestamp(i64::MAX));
        let wanted = Wanted {
            wallet: (wallet, "points"),
            members,
            kinds: &happenings::MOVES,
            asked: true,
            stages: &stages,
            from: NOW,
            until,
            source: None,
        };
        let mut found: Vec<Happening> = Vec::new();
        let mut after: Option<Position> = None;
        loop {
            let page = happenings::list(&mut world.store.read(), W, wanted, after.as_ref(), limit).await.unwrap();
            let is_last = page.len() < limit as usize;
            after = page.last().map(Happening::position).or(after);
            found.extend(page);
            if is_last {
                return found;
            }
        }
    };
    let whole = all(None, 100).await;
    // Two earned; six were asked for, of which two were had and two called off.
    assert_eq!(whole.len(), 2 + 6 + 4);
    for limit in [1, 2, 5] {
        assert_eq!(all(None, limit).await, whole, "by {limit}");
    }
    let own = all(Some(&[ann]), 3).await;
    assert_eq!(own.len(), 1 + 4 + 4);
    assert_eq!(all(Some(&[bob]), 3).await.len(), 1 + 2);
    let changes = own.iter().filter_map(|it| match it {
        Happening::Moved(it) => Some(happenings::change(it, &[ann])),
        Happening::Asked(_) | Happening::Settled(_) => None,
    });
    assert_eq!(changes.sum::<i64>(), 100);
    assert_eq!(happenings::earned(&mut world.store.read(), W, wallet, &[ann]).await.unwrap(), 100);
    let search = async |members: Option<&[MemberId]>, stage: Option<Stage>| {
        redemptions::search(&mut world.store.read(), W, ("points", members, stage), None, 100).await.unwrap().len()
    };
    for (stage, of_ann, of_all) in
        [(None, 4, 6), (Some(Stage::Promised), 0, 2), (Some(Stage::Had), 2, 2), (Some(Stage::Gone), 2, 2)]
    {
        assert_eq!((search(Some(&[ann]), stage).await, search(None, stage).await), (of_ann, of_all), "{stage:?}");
    }
    world.assert_sound().await;
}
