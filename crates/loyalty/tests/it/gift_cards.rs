//! Gift cards on both engines: issued, spent in parts, given back, taken into a wallet, taken back, lost, over; many who want the last of one at the same moment; and all cards beside the ledger.

use std::collections::BTreeSet;
use std::sync::Arc;

use rapport_domain::money::Currency;
use rapport_domain::{PersonId, Rng, SeededRng, Timestamp};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::gift_cards::{CodeKey, Refusal};
use rapport_loyalty::ledger::{self, MemberId};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::gift_cards::{self, Added, Asked, Card, Issue, Move, Outstanding, Wanted, Which};
use rapport_loyalty::records::{Memory, houses, members, merging, personal};
use rapport_loyalty::verify::verify;
use rapport_store::testing::TestDatabase;
use rapport_store::{Queries, args, db_test, outbox, sql};
use serde_json::json;

use crate::world::{NOW, W, WorldOf};

type World = WorldOf<Card>;

const KEY: CodeKey = CodeKey([5; 32]);

impl World {
    async fn found(db: &TestDatabase) -> Self {
        let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR",
            "wallets": [{"key": "points", "name": "Points"},
                {"key": "credit", "name": "Credit", "unit": {"kind": "money", "currency": "EUR"}, "worth": "0.01", "amount_max": 50000, "balance_max": 60000,
                    "till_top_up_max": 10000}]});
        Self::with(db, Program::from_json(form).unwrap()).await
    }

    async fn issue_of(
        &self,
        id: &str,
        wallet: &str,
        amount: i64,
        days: Option<i64>,
    ) -> Result<(Card, Option<String>), Refusal> {
        let all = self.issue_many(Self::cards(&self.program, (id, wallet, amount), days, self.now)).await?;
        assert_eq!(all.len(), 1);
        Ok(all.into_iter().next().unwrap())
    }

    fn cards<'a>(
        program: &'a Program,
        (id, wallet, amount): (&'a str, &str, i64),
        days: Option<i64>,
        now: Timestamp,
    ) -> Issue<'a> {
        let (wallet, reference) = (program.wallet(wallet).unwrap(), "order 1, line 2");
        let expires_at = days.map(|days| now.plus(days * Timestamp::DAY));
        let (reason, by) = ("sold in the shop", "key_1");
        Issue { id, count: 1, wallet, amount, expires_at, reference, reason, bought_by: None, by }
    }

    async fn issue_many(&self, asked: Issue<'_>) -> Result<Vec<(Card, Option<String>)>, Refusal> {
        let mut tx = self.begin().await;
        let outcome = gift_cards::issue(&mut tx, self.scene(), KEY, asked).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn issue(&self, id: &str, amount: i64) -> (Card, String) {
        let (card, code) = self.issue_of(id, "credit", amount, None).await.unwrap();
        (card, code.unwrap())
    }

    async fn spend(&self, id: &str, code: &str, amount: i64) -> Result<(Card, Move), Refusal> {
        self.take(id, code, euros(amount)).await
    }

    async fn take(&self, id: &str, code: &str, wanted: Wanted) -> Result<(Card, Move), Refusal> {
        let mut tx = self.begin().await;
        let outcome = gift_cards::spend(&mut tx, self.scene(), (KEY, code), wanted, asked(id)).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn add(&self, id: &str, which: Which<'_>, added: Added<'_>) -> Result<(Card, Move), Refusal> {
        let mut tx = self.begin().await;
        let outcome = gift_cards::top_up(&mut tx, self.scene(), which, added, asked(id)).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn top_up(&self, id: &str, code: &str, amount: i64) -> Result<(Card, Move), Refusal> {
        self.add(id, Which::Code(KEY, code), more(amount)).await
    }

    async fn refund(&self, id: &str, of: &str, amount: Option<i64>) -> Result<(Card, Move), Refusal> {
        let mut tx = self.begin().await;
        let outcome = gift_cards::refund(&mut tx, self.scene(), (of, amount), asked(id)).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn claim(&self, id: &str, code: &str, member: MemberId) -> Result<(Card, Move), Refusal> {
        let mut tx = self.begin().await;
        let outcome = gift_cards::claim(&mut tx, self.scene(), (KEY, code), member, asked(id)).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn void(&self, card: &str) -> Result<Card, Refusal> {
        self.void_as(card, None).await
    }

    async fn void_as(&self, card: &str, role: Option<&str>) -> Result<Card, Refusal> {
        let mut tx = self.begin().await;
        let outcome = gift_cards::void(&mut tx, self.scene(), card, ("paid back", "usr_1"), role).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn replace(&self, card: &str) -> Result<String, Refusal> {
        let mut tx = self.begin().await;
        let outcome = gift_cards::replace(&mut tx, self.scene(), KEY, card).await.unwrap();
        tx.commit().await.unwrap();
        outcome.map(|(_, code)| code)
    }

    async fn left(&self, card: &Card) -> i64 {
        self.available(card.house()).await
    }

    async fn outstanding(&self) -> Outstanding {
        let all = gift_cards::outstanding(&mut self.store.read(), W).await.unwrap();
        let sum = all.get("credit").copied().unwrap_or_default();
        assert!(sum.holds(), "{sum:?}");
        assert_eq!(verify(&mut self.store.read(), W).await.unwrap().findings, []);
        sum
    }
}

fn euros(amount: i64) -> Wanted {
    Wanted { amount, is_part: false, currency: Currency::parse("EUR") }
}

fn more(amount: i64) -> Added<'static> {
    Added { amount, currency: Currency::parse("EUR"), is_till: false, role: None }
}

fn asked(id: &str) -> Asked<'_> {
    Asked { id, reference: "order 7", by: "key_1" }
}

const fn of<T>(refusal: ledger::Refusal) -> Result<T, Refusal> {
    Err(Refusal::Ledger(refusal))
}

#[db_test(MIGRATIONS)]
async fn a_card_is_issued_once_and_spent_in_parts(db: TestDatabase) {
    let world = World::found(&db).await;
    let (card, code) = world.issue("i1", 5_000).await;
    let again = world.issue_of("i1", "credit", 5_000, None).await.unwrap();
    assert_eq!(again, (card.clone(), None), "the code is told once");
    assert_eq!(world.issue_of("i1", "credit", 5_001, None).await, Err(Refusal::IdReused));
    assert_eq!(world.issue_of("i2", "credit", 0, None).await, of(ledger::Refusal::AmountZero));
    assert_eq!(world.issue_of("i2", "credit", -1, None).await, of(ledger::Refusal::AmountNegative));
    assert_eq!(world.issue_of("i2", "credit", 50_001, None).await, of(ledger::Refusal::AmountTooLarge));
    assert_eq!(world.issue_of("i2", "credit", 1, Some(0)).await, of(ledger::Refusal::EndsTooEarly));
    assert_eq!(world.issue_of("", "credit", 1, None).await, of(ledger::Refusal::IdMalformed));
    assert_eq!(world.issue_of("a\0", "credit", 1, None).await, of(ledger::Refusal::IdMalformed));

    let (_, first) = world.spend("s1", &code, 1_999).await.unwrap();
    assert_eq!((first.amount, world.left(&card).await), (1_999, 3_001));
    assert_eq!(world.spend("s1", &code.to_lowercase().replace('-', " "), 1_999).await.unwrap().1, first, "told again");
    assert_eq!(world.spend("s1", &code, 2_000).await, Err(Refusal::IdReused));
    assert_eq!(world.spend("i2", &code, 3_002).await, Err(Refusal::TooLittle));
    assert_eq!(world.spend("s2", &code, 0).await, of(ledger::Refusal::AmountZero));
    assert_eq!(world.spend("s2", &code, -5).await, of(ledger::Refusal::AmountNegative));
    assert_eq!(world.spend("s2", &code, i64::MAX).await, Err(Refusal::TooLittle));
    assert_eq!(world.spend("s2", &code, 1).await, Err(Refusal::IdReused), "what was refused stays refused");
    assert_eq!(world.spend("s2", &code, i64::MAX).await, Err(Refusal::TooLittle));
    assert_eq!(
        world.take("s3", &code, Wanted { is_part: true, ..euros(9_000) }).await.unwrap().1.amount,
        3_001,
        "as much as there is"
    );
    assert_eq!(world.spend("s4", &code, 1).await, Err(Refusal::Empty));
    assert_eq!(world.spend("s5", "R234-5678-9ABC", 1).await, Err(Refusal::Mistyped));
    let unknown = CodeKey([9; 32]).make(&SeededRng::new(4)).shown;
    assert_eq!(world.spend("s5", &unknown, 1).await, Err(Refusal::Unknown));

    // It comes back in parts, never more than was spent, whoever tells it twice.
    assert_eq!(world.refund("r1", "s1", Some(999)).await.unwrap().1.amount, 999);
    assert_eq!(world.refund("r1", "s1", Some(999)).await.unwrap().1.amount, 999);
    assert_eq!(world.refund("r1", "s1", Some(998)).await, Err(Refusal::IdReused));
    assert_eq!(world.refund("r2", "s1", Some(1_001)).await, Err(Refusal::ReturnedMore));
    assert_eq!(world.refund("r2", "s1", Some(-1)).await, of(ledger::Refusal::AmountNegative));
    assert_eq!(world.refund("r2", "s1", Some(0)).await, of(ledger::Refusal::AmountZero));
    assert_eq!(world.refund("r2", "s1", None).await.unwrap().1.amount, 1_000, "all that is left");
    assert_eq!(world.refund("r3", "s1", None).await, Err(Refusal::ReturnedMore));
    assert_eq!(world.refund("r3", "r1", None).await, Err(Refusal::SpendUnknown));
    assert_eq!(world.refund("r3", "s4", None).await, Err(Refusal::SpendUnknown), "nothing was spent by it");
    assert_eq!(world.left(&card).await, 1_999);
    let sum = world.outstanding().await;
    assert_eq!((sum.cards, sum.issued, sum.spent, sum.outstanding), (1, 5_000, 3_001, 1_999));
    let done = gift_cards::moves(&mut world.store.read(), W, &card.card, 50).await.unwrap();
    assert_eq!(done.iter().filter(|it| it.refused.is_none()).count(), 4);
    let told = outbox::batch(&mut world.store.read(), W, "test", 100).await.unwrap().events;
    let count = |name| told.iter().filter(|event| event.name == name).count();
    assert_eq!((count(gift_cards::ISSUED), count(gift_cards::SPENT), count(gift_cards::REFUNDED)), (1, 2, 2));
    for event in &told {
        assert!(!format!("{event:?}").contains(&code), "no code leaves");
    }
}

#[db_test(MIGRATIONS)]
async fn a_member_takes_a_card_into_their_wallet(db: TestDatabase) {
    let world = World::found(&db).await;
    let (card, code) = world.issue("i1", 5_000).await;
    let (ann, bob) = (world.enrol(1).await, world.enrol(2).await);
    world.spend("s1", &code, 2_000).await.unwrap();
    assert_eq!(world.claim("c0", &code, MemberId(77)).await, Err(Refusal::MemberUnknown));
    assert_eq!(world.claim("c1", &code, ann).await.unwrap().1.amount, 3_000);
    assert_eq!(world.claim("c1", &code, ann).await.unwrap().1.amount, 3_000, "told again");
    assert_eq!(world.claim("c1", &code, bob).await, Err(Refusal::IdReused));
    assert_eq!(world.claim("c2", &code, bob).await, Err(Refusal::Claimed));
    assert_eq!(world.spend("s2", &code, 1).await, Err(Refusal::Claimed));
    assert_eq!(world.void(&card.card).await, Err(Refusal::Claimed));
    assert_eq!(world.replace(&card.card).await, Err(Refusal::Claimed));
    assert_eq!((world.available(ann).await, world.left(&card).await), (3_000, 0));
    // What was spent before goes to whoever has the rest.
    world.refund("r1", "s1", Some(500)).await.unwrap();
    assert_eq!((world.available(ann).await, world.left(&card).await), (3_500, 0));
    let sum = world.outstanding().await;
    assert_eq!((sum.issued, sum.spent, sum.claimed, sum.outstanding), (5_000, 1_500, 3_500, 0));

    // A wallet that would be too full refuses, and the card keeps it.
    let (second, other) = world.issue("i2", 50_000).await;
    let (third, _) = world.issue("i3", 50_000).await;
    world.claim("c3", &other, bob).await.unwrap();
    let code = world.replace(&third.card).await.unwrap();
    assert_eq!(world.claim("c4", &code, bob).await, Err(Refusal::Ledger(ledger::Refusal::BalanceLimit)));
    assert_eq!((world.left(&second).await, world.left(&third).await), (0, 50_000));

    // Who was two is one, with both's cards; who claimed is shown it.
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), world.now).await.unwrap();
    tx.commit().await.unwrap();
    let kept = personal::of(&mut world.store.read(), W, PersonId(1)).await.unwrap().unwrap();
    assert_eq!(kept.gift_cards.len(), 2);
    assert_eq!(world.claim("c3", &other, bob).await.unwrap().1.amount, 50_000, "by their old number too");
    world.refund("r2", "s1", None).await.unwrap();
    assert_eq!(world.available(ann).await, 55_000);
    world.outstanding().await;
    let mut tx = world.begin().await;
    personal::forget(&mut tx, W, PersonId(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.outstanding().await.outstanding, 50_000, "the books stay");
}

#[db_test(MIGRATIONS)]
async fn a_card_is_replaced_taken_back_and_over(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let (card, code) = world.issue("i1", 5_000).await;
    world.spend("s1", &code, 1_000).await.unwrap();
    let new = world.replace(&card.card).await.unwrap();
    assert_ne!(new, code);
    assert_eq!(world.spend("s2", &code, 1).await, Err(Refusal::CodeVoid));
    assert_eq!(world.spend("s1", &code, 1_000).await.unwrap().1.amount, 1_000, "what was done with it stays");
    assert_eq!(world.spend("s3", &new, 1_000).await.unwrap().0.tail, format!("…{}", &new[10..]));
    assert_eq!(world.replace("gft_0").await, Err(Refusal::Unknown));

    let gone = world.void(&card.card).await.unwrap();
    assert_eq!((gone.state.as_str(), gone.void_reason.as_str()), ("void", "paid back"));
    assert_eq!(world.void(&card.card).await.unwrap(), gone, "pressed twice");
    assert_eq!(world.spend("s4", &new, 1).await, Err(Refusal::Void));
    assert_eq!(world.refund("r1", "s3", None).await, Err(Refusal::Void));
    assert_eq!(world.replace(&card.card).await, Err(Refusal::Void));
    let sum = world.outstanding().await;
    assert_eq!((sum.issued, sum.spent, sum.voided, sum.outstanding), (5_000, 2_000, 3_000, 0));

    // Its time is over to the microsecond; what comes back then has a time of its own.
    let (card, code) = world.issue_of("i2", "credit", 700, Some(30)).await.unwrap();
    let code = code.unwrap();
    world.now = NOW.plus(30 * Timestamp::DAY - 1);
    world.spend("s5", &code, 200).await.unwrap();
    world.now = NOW.plus(30 * Timestamp::DAY);
    assert_eq!(world.spend("s6", &code, 1).await, Err(Refusal::Expired));
    assert_eq!(world.claim("c6", &code, world.enrol(1).await).await, Err(Refusal::Expired));
    world.refund("r2", "s5", Some(150)).await.unwrap();
    assert_eq!(world.left(&card).await, 150);
    world.spend("s7", &code, 50).await.unwrap();
    world.now = world.now.plus(31 * Timestamp::DAY);
    assert_eq!(world.spend("s8", &code, 1).await, Err(Refusal::Expired));
    let mut tx = world.begin().await;
    rapport_loyalty::records::settle(&mut tx, &mut Memory::default(), W, 100, world.now).await.unwrap();
    tx.commit().await.unwrap();
    let sum = world.outstanding().await;
    assert_eq!((sum.cards, sum.issued, sum.lapsed, sum.outstanding), (2, 5_700, 600, 0));
}

#[db_test(MIGRATIONS)]
async fn value_is_added_once_within_the_limits_and_ends_with_the_card(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let (card, code) = world.issue("i1", 5_000).await;
    let (after, first) = world.top_up("t1", &code, 2_500).await.unwrap();
    assert_eq!(
        (after.amount, first.amount, first.kind.as_str(), world.left(&card).await),
        (7_500, 2_500, "top_up", 7_500)
    );
    assert_eq!(world.top_up("t1", &code.to_lowercase(), 2_500).await.unwrap().1, first, "told again");
    assert_eq!(world.top_up("t1", &code, 2_501).await, Err(Refusal::IdReused));
    assert_eq!(world.spend("t1", &code, 2_500).await, Err(Refusal::IdReused), "an id is one act");
    assert_eq!(world.top_up("t2", &code, 0).await, of(ledger::Refusal::AmountZero));
    assert_eq!(world.top_up("t2", &code, -1).await, of(ledger::Refusal::AmountNegative));
    assert_eq!(world.top_up("t2", &code, 50_001).await, of(ledger::Refusal::AmountTooLarge));
    assert_eq!(world.top_up("", &code, 1).await, of(ledger::Refusal::IdMalformed));
    assert_eq!(world.top_up("t2", "R234-5678-9ABC", 1).await, Err(Refusal::Mistyped));
    let unknown = CodeKey([9; 32]).make(&SeededRng::new(4)).shown;
    assert_eq!(world.top_up("t2", &unknown, 1).await, Err(Refusal::Unknown));
    assert_eq!(world.add("t2", Which::Card("gft_0"), more(1)).await, Err(Refusal::Unknown));
    assert_eq!(
        world.add("t2", Which::Card(&card.card), Added { currency: None, ..more(1) }).await,
        Err(Refusal::OtherCurrency)
    );

    // A till adds as much at once as the wallet says; the card never has more than the wallet lets it.
    let till = |amount| Added { is_till: true, ..more(amount) };
    assert_eq!(world.add("t2", Which::Code(KEY, &code), till(10_001)).await, of(ledger::Refusal::AmountTooLarge));
    world.add("t2", Which::Code(KEY, &code), till(10_000)).await.unwrap();
    world.add("t3", Which::Card(&card.card), more(42_500)).await.unwrap();
    assert_eq!(world.left(&card).await, 60_000);
    assert_eq!(world.top_up("t4", &code, 1).await, of(ledger::Refusal::BalanceLimit));
    world.spend("s0", &code, 10_000).await.unwrap();
    world.spend("s1", &code, 50_000).await.unwrap();
    assert_eq!(world.top_up("t4", &code, 1).await, of(ledger::Refusal::BalanceLimit), "what was refused stays refused");
    assert_eq!(world.spend("s2", &code, 1).await, Err(Refusal::Empty));
    world.top_up("t5", &code, 100).await.unwrap();
    world.spend("s3", &code, 100).await.unwrap();
    world.refund("r1", "s1", Some(40)).await.unwrap();
    let sum = world.outstanding().await;
    assert_eq!((sum.cards, sum.issued, sum.spent, sum.outstanding), (1, 60_100, 60_060, 40));
    let (points, _) = world.issue_of("i2", "points", 10, None).await.unwrap();
    let none = Added { currency: None, ..till(10) };
    assert_eq!(world.add("t6", Which::Card(&points.card), none).await, Err(Refusal::TopUpOff));
    world.add("t6", Which::Card(&points.card), Added { is_till: false, ..none }).await.unwrap();

    // Nothing is added to what is gone, and what is added is gone with the card.
    let (_, code) = world.issue_of("i3", "credit", 700, Some(30)).await.unwrap();
    let code = code.unwrap();
    world.now = NOW.plus(29 * Timestamp::DAY);
    let gone = world.top_up("t7", &code, 300).await.unwrap().0;
    world.now = NOW.plus(30 * Timestamp::DAY - 1);
    assert_eq!(world.left(&gone).await, 1_000);
    world.now = NOW.plus(30 * Timestamp::DAY);
    assert_eq!((world.left(&gone).await, world.top_up("t8", &code, 1).await), (0, Err(Refusal::Expired)));
    let (claimed, code) = world.issue("i4", 700).await;
    world.claim("c1", &code, world.enrol(1).await).await.unwrap();
    assert_eq!(world.top_up("t9", &code, 1).await, Err(Refusal::Claimed));
    assert_eq!(world.add("t10", Which::Card(&claimed.card), more(1)).await, Err(Refusal::Claimed));
    world.void(&card.card).await.unwrap();
    // All of a card goes at once, also where it has more than may be moved at once.
    for (id, is_claimed) in [("i5", true), ("i6", false)] {
        let (full, code) = world.issue(id, 50_000).await;
        world.add(&format!("{id} more"), Which::Card(&full.card), more(10_000)).await.unwrap();
        if is_claimed {
            let bob = world.enrol(2).await;
            assert_eq!(world.claim("c2", &code, bob).await.unwrap().1.amount, 60_000);
            assert_eq!(world.available(bob).await, 60_000);
        } else {
            world.void(&full.card).await.unwrap();
        }
        assert_eq!(world.left(&full).await, 0);
    }
    assert_eq!(world.add("t11", Which::Card(&card.card), more(1)).await, Err(Refusal::Void));
    let told = outbox::batch(&mut world.store.read(), W, "test", 100).await.unwrap().events;
    assert_eq!(told.iter().filter(|event| event.name == gift_cards::TOPPED_UP).count(), 8);
    world.outstanding().await;
}

/// What a role may do alone is asked with the card as it is in the step itself: what was added just before counts.
#[db_test(MIGRATIONS)]
async fn users_add_and_take_back_what_their_role_may_alone(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let alone = json!({"alone": [{"role": "agent", "wallet": "credit", "most": 1_000}]});
    world.program.staff = serde_json::from_value(alone).unwrap();
    let (card, code) = world.issue("i1", 900).await;
    let by = |role, amount| Added { role: Some(role), ..more(amount) };
    let needs = Err(Refusal::NeedsApproval);
    assert_eq!(world.add("t1", Which::Card(&card.card), by("agent", 1_001)).await, needs);
    assert_eq!(world.add("t1", Which::Code(KEY, &code), by("agent", 1_001)).await, needs);
    assert_eq!(world.add("t1", Which::Card(&card.card), by("admin", 1)).await, needs, "a role that is not named");
    assert_eq!(world.left(&card).await, 900);
    // The id is not used up, and who asks again is answered as before, whatever they may by now.
    let added = world.add("t1", Which::Card(&card.card), by("agent", 1_000)).await.unwrap();
    assert_eq!(world.add("t1", Which::Card(&card.card), by("admin", 1_000)).await.unwrap().1, added.1);
    assert_eq!(world.void_as(&card.card, Some("agent")).await, Err(Refusal::NeedsApproval), "1,900 are left");
    world.spend("s1", &code, 900).await.unwrap();
    assert_eq!(world.void_as(&card.card, Some("agent")).await.unwrap().state, "void");
    assert_eq!(world.void_as(&card.card, Some("admin")).await.unwrap().state, "void", "done before");
    let (other, _) = world.issue("i2", 5_000).await;
    assert_eq!(world.void_as(&other.card, None).await.unwrap().state, "void", "programs have no limit");
    world.outstanding().await;
}

#[db_test(MIGRATIONS)]
async fn thirty_add_what_has_room_once_and_one_of_them_does(db: TestDatabase) {
    let world = Arc::new(World::found(&db).await);
    let (card, code) = world.issue("i1", 20_000).await;
    let tasks: Vec<_> = (0..30)
        .map(|at| {
            let (world, code) = (world.clone(), code.clone());
            tokio::spawn(async move { world.top_up(&format!("t{}", at / 2), &code, 40_000).await })
        })
        .collect();
    let mut won = BTreeSet::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok((_, done)) => drop(won.insert(done.id)),
            Err(refusal) => assert_eq!(refusal, Refusal::Ledger(ledger::Refusal::BalanceLimit)),
        }
    }
    assert_eq!((won.len(), world.left(&card).await), (1, 60_000));
    world.outstanding().await;
}

#[db_test(MIGRATIONS)]
async fn codes_are_kept_as_hashes_and_a_card_is_no_member(db: TestDatabase) {
    let world = World::found(&db).await;
    let (card, code) = world.issue("i1", 5_000).await;
    let lookup = code.replace('-', "");
    let rows: Vec<(Vec<u8>,)> = world
        .store
        .read()
        .fetch_all(sql!("SELECT digest FROM loyalty_gift_card_codes WHERE workspace = $1"), args![W])
        .await
        .unwrap();
    let plain = blake3::hash(lookup.as_bytes());
    assert!(
        rows.len() == 1
            && rows[0].0 != plain.as_bytes()
            && !rows[0].0.windows(4).any(|it| lookup.as_bytes().starts_with(it))
    );
    assert!(!format!("{card:?}").contains(&lookup) && !format!("{card:?}").contains(&code));
    let house = houses::find(&mut world.store.read(), W, "gift_card", &card.card).await.unwrap();
    assert_eq!(house, Some(card.house()));
    assert!(members::find(&mut world.store.read(), W, card.house()).await.unwrap().is_none());
    for refusal in Refusal::ALL {
        assert!(!refusal.code().is_empty() && !refusal.sentence().is_empty());
        assert_eq!(Refusal::read(refusal.code()).map(Refusal::code), Some(refusal.code()));
    }
}

#[db_test(MIGRATIONS)]
async fn thirty_want_the_last_of_a_card_and_one_gets_it(db: TestDatabase) {
    let world = Arc::new(World::found(&db).await);
    let (card, code) = world.issue("i1", 1_000).await;
    let member = world.enrol(1).await;
    let tasks: Vec<_> = (0..30)
        .map(|at| {
            let (world, code) = (world.clone(), code.clone());
            tokio::spawn(async move {
                let id = format!("s{at}");
                match at % 3 {
                    0 => world.claim(&id, &code, member).await,
                    1 => world.take(&id, &code, Wanted { is_part: true, ..euros(1_000) }).await,
                    _ => world.spend(&id, &code, 1_000).await,
                }
            })
        })
        .collect();
    let mut won = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok((_, done)) => won.push(done.amount),
            Err(Refusal::Empty | Refusal::Claimed | Refusal::TooLittle) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((won, world.left(&card).await), (vec![1_000], 0));
    let sum = world.outstanding().await;
    assert_eq!((sum.spent + sum.claimed, sum.outstanding), (1_000, 0));
}

#[db_test(MIGRATIONS)]
async fn the_same_told_thirty_times_at_once_is_done_once(db: TestDatabase) {
    let world = Arc::new(World::found(&db).await);
    let (_, code) = world.issue("i1", 30_000).await;
    let tasks: Vec<_> = (0..30)
        .map(|_| {
            let (world, code) = (world.clone(), code.clone());
            tokio::spawn(async move { world.spend("s1", &code, 1_000).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().1.amount, 1_000);
    }
    assert_eq!(world.outstanding().await.spent, 1_000);
}

#[db_test(MIGRATIONS)]
async fn cards_are_issued_together_in_points_too_and_each_counts_in_what_it_has(db: TestDatabase) {
    let world = World::found(&db).await;
    let buyer = world.enrol(1).await;
    let of = |count| {
        let one = World::cards(&world.program, ("b1", "points", 250), None, world.now);
        Issue { count, bought_by: Some(buyer), ..one }
    };
    let all = world.issue_many(of(3)).await.unwrap();
    let codes: BTreeSet<&str> = all.iter().filter_map(|(_, code)| code.as_deref()).collect();
    let numbers: Vec<i64> = all.iter().map(|(card, _)| card.number).collect();
    assert_eq!((codes.len(), numbers), (3, vec![1, 2, 3]));
    let again = world.issue_many(of(3)).await.unwrap();
    assert!(again.iter().zip(&all).all(|(again, first)| again.0 == first.0 && again.1.is_none()), "told once");
    for count in [1, 2, 4] {
        assert_eq!(world.issue_many(of(count)).await, Err(Refusal::IdReused), "{count}");
    }
    let nobody = Issue { id: "b2", bought_by: Some(MemberId(77)), ..of(1) };
    assert_eq!(world.issue_many(nobody).await, Err(Refusal::MemberUnknown));
    let big = Issue { id: "b2", amount: i64::MAX, ..of(1) };
    assert_eq!(world.issue_many(big).await, Err(Refusal::Ledger(ledger::Refusal::AmountTooLarge)));

    // Cents are no points, and no other cents.
    let points = all[0].1.clone().unwrap();
    let counted = |amount, currency| Wanted { amount, is_part: false, currency };
    let (_, euro) = world.issue("i1", 1_000).await;
    assert_eq!(world.spend("s1", &points, 10).await, Err(Refusal::OtherCurrency));
    assert_eq!(world.take("s1", &euro, counted(10, None)).await, Err(Refusal::OtherCurrency));
    assert_eq!(world.take("s1", &euro, counted(10, Currency::parse("CHF"))).await, Err(Refusal::OtherCurrency));
    assert_eq!(world.take("s1", &points, counted(10, None)).await.unwrap().1.amount, 10);
    let sums = gift_cards::outstanding(&mut world.store.read(), W).await.unwrap();
    let sum = sums["points"];
    assert!(sum.holds());
    assert_eq!((sum.cards, sum.issued, sum.spent, sum.outstanding), (3, 750, 10, 740));
    assert_eq!(sums["credit"].outstanding, 1_000, "each by itself");

    // The buyer is shown them; whoever forgets the buyer forgets the words.
    let kept = personal::of(&mut world.store.read(), W, PersonId(1)).await.unwrap().unwrap();
    assert_eq!(kept.gift_cards.len(), 3);
    let tail = all[1].0.tail.trim_start_matches('…').to_lowercase();
    let found = gift_cards::by_tail(&mut world.store.read(), W, &tail, 10).await.unwrap();
    assert!(found.iter().any(|card| card.card == all[1].0.card));
    let mut tx = world.begin().await;
    personal::forget(&mut tx, W, PersonId(1)).await.unwrap();
    tx.commit().await.unwrap();
    let listed = gift_cards::list(&mut world.store.read(), W, "live", None, 10).await.unwrap();
    let worded: Vec<bool> = listed.iter().map(|card| card.reason.is_empty() && card.reference.is_empty()).collect();
    assert_eq!(worded.iter().filter(|is_empty| **is_empty).count(), 3, "the card that nobody bought keeps its own");
    assert_eq!(listed.len(), 4);
}

/// Random acts beside a plain map of what each card has.
#[db_test(MIGRATIONS)]
async fn random_acts_are_what_a_plain_sum_says(db: TestDatabase) {
    let world = World::found(&db).await;
    let rng = SeededRng::new(11);
    let draw = |most: i64| i64::try_from(rng.next_u64() % most.unsigned_abs()).unwrap();
    let mut cards = Vec::new();
    for at in 0..4 {
        let (card, code) = world.issue(&format!("i{at}"), 1_000).await;
        cards.push((card, code, 1_000_i64));
    }
    let mut spent: Vec<(usize, String, i64)> = Vec::new();
    for at in 0..120 {
        let id = format!("m{at}");
        if draw(3) < 2 || spent.is_empty() {
            let which = usize::try_from(draw(4)).unwrap();
            let amount = 1 + draw(300);
            let (card, code, left) = &mut cards[which];
            match world.spend(&id, code, amount).await {
                Ok(_) => {
                    assert!(amount <= *left, "{}", card.card);
                    *left -= amount;
                    spent.push((which, id, amount));
                }
                Err(refusal) => {
                    let expected = if *left == 0 { Refusal::Empty } else { Refusal::TooLittle };
                    assert!(refusal == expected && amount > *left);
                }
            }
        } else {
            let which = usize::try_from(draw(i64::try_from(spent.len()).unwrap())).unwrap();
            let (card, of, left) = &mut spent[which];
            let amount = 1 + draw(150);
            match world.refund(&id, of, Some(amount)).await {
                Ok(_) => {
                    assert!(amount <= *left);
                    *left -= amount;
                    cards[*card].2 += amount;
                }
                Err(refusal) => assert!(refusal == Refusal::ReturnedMore && amount > *left),
            }
        }
    }
    let mut all = 0;
    for (card, _, left) in &cards {
        assert_eq!(world.left(card).await, *left);
        all += left;
    }
    assert_eq!(world.outstanding().await.outstanding, all);
}
