//! Rewards that are gift cards, on both engines: issued once with the redemption, their code told once, taken back with it as long as nothing was done with them, whoever comes first.

use std::sync::Arc;

use rapport_domain::money::Currency;
use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::document::State;
use rapport_loyalty::gift_cards::CodeKey;
use rapport_loyalty::ledger::{self, MemberId};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::{self, Saved};
use rapport_loyalty::records::gift_cards::{self, Added, Card, Wanted, Which};
use rapport_loyalty::records::redemptions::{self, Asked, Redemption, Stage};
use rapport_loyalty::records::{merging, personal};
use rapport_loyalty::rewards::{Refusal, Reward, Wish};
use rapport_loyalty::verify::verify;
use rapport_loyalty::{Document, MIGRATIONS};
use rapport_store::db_test;
use rapport_store::testing::TestDatabase;
use serde_json::{Value, json};

use crate::world::{NOW, W, WorldOf};

type World = WorldOf<Reward>;

const KEY: CodeKey = CodeKey([5; 32]);

fn program(amount_max: i64) -> Program {
    let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR",
        "wallets": [{"key": "points", "name": "Points"},
            {"key": "credit", "name": "Credit", "unit": {"kind": "money", "currency": "EUR"}, "worth": "0.01",
                "amount_max": amount_max, "expiry": {"kind": "after", "count": 30, "unit": "days"}}]});
    Program::from_json(form).unwrap()
}

impl World {
    /// A card of ten euros for a hundred points, or for fifty and five euros.
    async fn found(db: &TestDatabase) -> Self {
        let world = Self::with(db, program(50_000)).await;
        let form = json!({"key": "card", "name": "Ten euros", "gives": {"kind": "gift_card", "amount": 1_000},
            "prices": [{"points": 100}, {"points": 50, "money": "5"}], "stock": 3, "cancel_within_hours": 24,
            "surprises": {"most": 1, "every": "ever"}});
        world.save(form).await;
        world
    }

    async fn save(&self, form: Value) {
        let reward = Reward::from_json(form).unwrap();
        reward.check(&self.program).unwrap();
        let mut tx = self.begin().await;
        let saved = Saved { in_force_from: Timestamp(0), at: self.now, by: "usr_1" };
        documents::save(&mut tx, W, (&reward, State::Live), 0, saved).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn redeem(&self, id: &str, member: MemberId) -> Result<Redemption, Refusal> {
        self.ask(asked(id, member)).await
    }

    async fn ask(&self, asked: Asked<'_>) -> Result<Redemption, Refusal> {
        let mut tx = self.begin().await;
        let outcome = redemptions::redeem(&mut tx, self.scene(), asked, |_| true).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn cancel(&self, row: &Redemption) -> Result<Redemption, Refusal> {
        let mut tx = self.begin().await;
        let outcome =
            redemptions::cancel(&mut tx, self.scene(), &row.redemption, false, "thought better").await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn paid(&self, row: &Redemption) -> Result<Redemption, Refusal> {
        let mut tx = self.begin().await;
        let outcome = redemptions::paid(&mut tx, self.scene(), &row.redemption).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn code(&self, row: &Redemption) -> Option<String> {
        let mut tx = self.begin().await;
        let code = gift_cards::first_code(&mut tx, self.scene(), KEY, &row.redemption).await.unwrap();
        tx.commit().await.unwrap();
        code
    }

    async fn card(&self, row: &Redemption) -> Option<Card> {
        gift_cards::for_redemption(&mut self.store.read(), W, &row.redemption).await.unwrap()
    }

    async fn spend(&self, id: &str, code: &str, amount: i64) -> Result<i64, rapport_loyalty::gift_cards::Refusal> {
        let mut tx = self.begin().await;
        let wanted = Wanted { amount, is_part: false, currency: Currency::parse("EUR") };
        let act = gift_cards::Asked { id, reference: "", by: "key_1" };
        let outcome = gift_cards::spend(&mut tx, self.scene(), (KEY, code), wanted, act).await.unwrap();
        tx.commit().await.unwrap();
        outcome.map(|(_, row)| row.amount)
    }

    async fn refund(&self, id: &str, of: &str) {
        let mut tx = self.begin().await;
        let act = gift_cards::Asked { id, reference: "", by: "key_1" };
        gift_cards::refund(&mut tx, self.scene(), (of, None), act).await.unwrap().unwrap();
        tx.commit().await.unwrap();
    }

    /// Cards issued, spent, taken back, outstanding.
    async fn sums(&self) -> (i64, i64, i64, i64) {
        let all = gift_cards::outstanding(&mut self.store.read(), W).await.unwrap();
        let sum = all.get("credit").copied().unwrap_or_default();
        assert!(sum.holds(), "{sum:?}");
        assert_eq!(verify(&mut self.store.read(), W).await.unwrap().findings, []);
        (sum.issued, sum.spent, sum.voided, sum.outstanding)
    }
}

fn asked(id: &str, member: MemberId) -> Asked<'_> {
    let wish = Wish::default();
    let (is_surprise, with_household) = (false, false);
    Asked { id, member, reward: "card", wish, is_surprise, with_household, by: "key_1", reason: "" }
}

#[db_test(MIGRATIONS)]
async fn a_card_is_issued_with_its_redemption_once_and_its_code_told_once(db: TestDatabase) {
    let world = World::found(&db).await;
    let ann = world.member(1, 150).await;
    let row = world.redeem("r1", ann).await.unwrap();
    assert_eq!((row.kind.as_str(), row.state.as_str(), row.stage()), ("gift_card", "fulfilled", Stage::Had));
    let card = world.card(&row).await.unwrap();
    let end = world.program.wallet("credit").unwrap().expiry.end(NOW, &world.calendar.zone);
    assert_eq!((card.amount, card.tail.as_str(), card.bought_by, card.expires_at), (1_000, "", Some(ann.0), end));
    assert_eq!(world.redeem("r1", ann).await.unwrap(), row, "told again");
    assert_eq!((world.available(ann).await, world.sums().await), (50, (1_000, 0, 0, 1_000)));
    let code = world.code(&row).await.unwrap();
    assert_eq!(world.code(&row).await, None, "told once");
    assert_eq!(world.spend("s1", &code, 400).await, Ok(400));

    // Whoever lost it gets another, and the old one is void.
    let mut tx = world.begin().await;
    let (_, new) = gift_cards::another_code(&mut tx, world.scene(), KEY, &row.redemption).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.spend("s2", &code, 1).await, Err(rapport_loyalty::gift_cards::Refusal::CodeVoid));
    assert_eq!(world.spend("s3", &new, 600).await, Ok(600));
    assert_eq!(world.redeem("r2", ann).await, Err(Refusal::Ledger(ledger::Refusal::InsufficientPoints)));
    assert_eq!(world.sums().await, (1_000, 1_000, 0, 0), "who cannot pay gets no card");

    // Who is forgotten is forgotten here too, and the books stay.
    let kept = personal::of(&mut world.store.read(), W, PersonId(1)).await.unwrap().unwrap();
    assert_eq!(kept.gift_cards.len(), 1);
    let mut tx = world.begin().await;
    personal::forget(&mut tx, W, PersonId(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.sums().await, (1_000, 1_000, 0, 0));
}

#[db_test(MIGRATIONS)]
async fn a_card_goes_back_with_its_redemption_while_nothing_was_done_with_it(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let ann = world.member(1, 1_000).await;
    let row = world.redeem("r1", ann).await.unwrap();
    let code = world.code(&row).await.unwrap();
    world.spend("s1", &code, 400).await.unwrap();
    assert_eq!(world.cancel(&row).await, Err(Refusal::GiftCardUsed));
    assert_eq!(
        (world.available(ann).await, world.card(&row).await.unwrap().state.as_str()),
        (900, "live"),
        "nothing was done"
    );
    world.refund("b1", "s1").await;
    let gone = world.cancel(&row).await.unwrap();
    assert_eq!((gone.state.as_str(), world.available(ann).await), ("cancelled", 1_000));
    assert_eq!(world.cancel(&row).await.unwrap(), gone, "pressed twice");
    assert_eq!(world.card(&row).await.unwrap().state, "void");
    assert_eq!(world.spend("s2", &code, 1).await, Err(rapport_loyalty::gift_cards::Refusal::Void));
    assert_eq!(world.sums().await, (1_000, 0, 1_000, 0));

    // What was added, claimed, or is over stays what it is; what staff took back does not stand in the way.
    let topped = world.redeem("r2", ann).await.unwrap();
    let mut tx = world.begin().await;
    let card = world.card(&topped).await.unwrap().card;
    let added = Added { amount: 1, currency: Currency::parse("EUR"), is_till: false, role: None };
    let act = gift_cards::Asked { id: "t1", reference: "", by: "key_1" };
    gift_cards::top_up(&mut tx, world.scene(), Which::Card(&card), added, act).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.cancel(&topped).await, Err(Refusal::GiftCardUsed));
    let voided = world.redeem("r3", ann).await.unwrap();
    let mut tx = world.begin().await;
    let card = world.card(&voided).await.unwrap().card;
    gift_cards::void(&mut tx, world.scene(), &card, ("lost", "usr_1"), None).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.code(&voided).await, None, "no code of what is gone");
    assert_eq!(world.cancel(&voided).await.unwrap().state, "cancelled");
    let claimed = world.redeem("r4", ann).await.unwrap();
    let code = world.code(&claimed).await.unwrap();
    let mut tx = world.begin().await;
    let act = gift_cards::Asked { id: "c1", reference: "", by: "key_1" };
    gift_cards::claim(&mut tx, world.scene(), (KEY, &code), ann, act).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.cancel(&claimed).await, Err(Refusal::GiftCardUsed));
    let over = world.redeem("r5", ann).await.unwrap();
    world.now = NOW.plus(40 * Timestamp::DAY);
    assert_eq!(world.cancel(&over).await, Err(Refusal::GiftCardUsed));
}

#[db_test(MIGRATIONS)]
async fn the_card_comes_with_the_money_and_a_present_is_one_too(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let ann = world.member(1, 100).await;
    let wish = Wish { points: Some(50), money: Some(Decimal::from_micros(5_000_000)), ..Wish::default() };
    let row = world.ask(Asked { wish, ..asked("r1", ann) }).await.unwrap();
    assert_eq!((row.state.as_str(), world.card(&row).await), ("requested", None));
    assert_eq!(world.code(&row).await, None);
    // The programme lets cards have less meanwhile: nobody's points are taken for none.
    let roomy = std::mem::replace(&mut world.program, program(10));
    let much = Refusal::Ledger(ledger::Refusal::AmountTooLarge);
    assert_eq!(world.paid(&row).await, Err(much));
    assert_eq!(world.redeem("r2", ann).await, Err(much));
    assert_eq!(world.available(ann).await, 50, "what was set aside still is");
    world.program = roomy;
    let paid = world.paid(&row).await.unwrap();
    assert_eq!((paid.state.as_str(), world.card(&row).await.unwrap().amount), ("fulfilled", 1_000));
    world.paid(&row).await.unwrap();
    assert_eq!(world.sums().await, (1_000, 0, 0, 1_000), "said twice it is one");

    let bob = world.member(2, 1).await;
    let present = world.ask(Asked { is_surprise: true, ..asked("p1", bob) }).await.unwrap();
    assert!(world.code(&present).await.is_some());
    assert_eq!(world.ask(Asked { is_surprise: true, ..asked("p2", bob) }).await, Err(Refusal::BudgetSpent));
    assert_eq!(world.sums().await.0, 2_000);
    // Who was two is one, and calls off what either redeemed.
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), world.now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.cancel(&present).await.unwrap().state, "cancelled");
    assert_eq!(world.sums().await.2, 1_000);
}

#[db_test(MIGRATIONS)]
async fn thirty_redeem_spend_and_call_off_at_once_and_nothing_is_there_twice(db: TestDatabase) {
    let world = Arc::new(World::found(&db).await);
    let ann = world.member(1, 300).await;
    let tasks: Vec<_> = (0..30)
        .map(|at| {
            let world = world.clone();
            tokio::spawn(async move {
                let Ok(row) = world.redeem(&format!("r{}", at / 5), ann).await else { return };
                if let Some(code) = world.code(&row).await {
                    world.spend(&format!("s{at}"), &code, 1_000).await.ok();
                } else {
                    world.cancel(&row).await.ok();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (issued, spent, voided, left) = world.sums().await;
    // Each card is ten euros for a hundred points; what was called off has its points back and no card.
    assert_eq!((300 - world.available(ann).await) * 10, issued - voided, "{issued} {spent} {voided} {left}");
    assert_eq!(spent + left, issued - voided);
}

#[test]
fn a_reward_that_no_card_can_be_is_refused_with_its_place() {
    let program = program(500);
    let form = |gives: Value| {
        let form = json!({"key": "card", "name": "Card", "gives": gives, "prices": [{"points": 1}]});
        Reward::from_json(form).and_then(|it| it.check(&program)).map_err(|error| error.to_string())
    };
    for (gives, place) in [
        (json!({"kind": "gift_card", "amount": 0}), "gives.amount"),
        (json!({"kind": "gift_card", "amount": -1}), "gives.amount"),
        (json!({"kind": "gift_card", "amount": 501}), "gives.amount"),
        (json!({"kind": "gift_card", "amount": 1, "wallet": "gold"}), "gives.wallet"),
        (json!({"kind": "gift_card"}), "amount"),
        (json!({"kind": "gift_card", "amount": 1, "code": "x"}), "code"),
    ] {
        assert!(form(gives.clone()).unwrap_err().contains(place), "{gives}");
    }
    assert_eq!(form(json!({"kind": "gift_card", "amount": 500})), Ok(()));
    assert_eq!(form(json!({"kind": "gift_card", "amount": 5_000, "wallet": "points"})), Ok(()));
}
