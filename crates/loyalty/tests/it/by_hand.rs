//! What lists of commands move, known before they are posted, on both engines: no less than the ledger moves then, whatever was posted, merged or said twice.

use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger::{Act, Command, MemberId, Portion, Shortage, Source, WalletId};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::{self, Memory, by_hand, merging, wallets};
use rapport_store::db_test;
use rapport_store::testing::TestDatabase;
use serde_json::json;

use crate::world::{NOW, W, WorldOf};

type World = WorldOf<Command>;

/// A command of the only wallet.
fn named(id: &str, member: MemberId, act: Act) -> Command {
    Command { id: id.to_owned(), member, wallet: WalletId(1), act, source: Source::default() }
}

fn earn(amount: i64, expires_at: Option<Timestamp>) -> Act {
    Act::Earn { amount, earned_at: None, active_from: None, expires_at }
}

fn hold(amount: i64) -> Act {
    Act::Hold { amount, until: NOW.plus(Timestamp::DAY) }
}

fn capture(hold: &str, amount: Option<i64>) -> Act {
    Act::Capture { hold: hold.to_owned(), amount }
}

fn release(hold: &str) -> Act {
    Act::Release { hold: hold.to_owned() }
}

fn reverse(of: &str, portion: Portion) -> Act {
    Act::Reverse { of: of.to_owned(), portion, shortage: Shortage::default(), grace_until: None }
}

impl World {
    async fn found(db: &TestDatabase) -> Self {
        let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
        let world = Self::with(db, Program::from_json(form).unwrap()).await;
        assert_eq!(wallets::numbers(&mut world.store.read(), W).await.unwrap()["points"], WalletId(1));
        world
    }

    /// Posts a list, which is not refused.
    async fn done(&self, list: Vec<Command>) {
        let mut tx = self.begin().await;
        let answers = records::post(&mut tx, &mut Memory::default(), W, &[list], self.now).await.unwrap();
        tx.commit().await.unwrap();
        assert!(answers[0].iter().all(|answer| answer.refused.is_none()), "{answers:?}");
    }

    async fn touched(&self, list: &[Command]) -> i64 {
        let sums = by_hand::touched(&mut self.store.read(), W, list, self.now).await.unwrap();
        sums.get(&WalletId(1)).copied().unwrap_or(0)
    }
}

#[db_test(MIGRATIONS)]
async fn what_a_list_moves_is_known_before(db: TestDatabase) {
    let world = World::found(&db).await;
    let (ann, bob) = (world.enrol(1).await, world.enrol(2).await);
    let (soon, later) = (NOW.plus(10 * Timestamp::DAY), NOW.plus(20 * Timestamp::DAY));
    let spend = Act::Spend { amount: 300 };
    world.done(vec![named("e1", ann, earn(1000, Some(soon))), named("s1", ann, spend)]).await;
    world.done(vec![named("h1", ann, hold(200)), named("e2", ann, earn(50, None))]).await;
    let refunded = |refunded: i64, total: i64| Portion::Refunded { refunded, total };
    let one = [
        (earn(7, None), 7),
        (Act::Adjust { amount: -7, expires_at: None, into_arrears: false }, 7),
        (hold(7), 7),
        (capture("h1", None), 200),
        (capture("h1", Some(1)), 200),
        (release("h1"), 200),
        (reverse("s1", Portion::Rest), 300),
        (reverse("s1", Portion::Points { amount: 40 }), 40),
        (reverse("s1", refunded(1, 3)), 100),
        (Act::Extend { expires_at: later }, 700),
        (Act::Extend { expires_at: soon }, 0),
        (Act::Forfeit {}, 750),
        // What the ledger refuses moves nothing, and what cannot be meant makes no room.
        (capture("s1", None), 0),
        (release("nothing"), 0),
        (release("\0"), 0),
        (reverse("h1", Portion::Rest), 0),
        (reverse("s1", Portion::Points { amount: i64::MIN }), i64::MAX),
        (reverse("s1", refunded(-1, 0)), 300),
    ];
    for (act, points) in one {
        assert_eq!(world.touched(&[named("x", ann, act.clone())]).await, points, "{act:?}");
    }
    let lists = [
        (vec![named("x", ann, earn(60, None)), named("y", bob, earn(60, None))], 120),
        (vec![named("x", ann, earn(60, None)), named("y", ann, Act::Spend { amount: 60 })], 120),
        (vec![named("x", ann, earn(60, None)), named("y", ann, reverse("x", Portion::Rest))], 120),
        (vec![named("x", ann, hold(60)), named("y", ann, capture("x", None))], 60),
        (vec![named("x", ann, hold(60)), named("y", ann, release("x"))], 60),
        (
            vec![
                named("x", ann, hold(60)),
                named("y", ann, capture("x", None)),
                named("z", ann, reverse("y", Portion::Rest)),
            ],
            120,
        ),
        // Before it is held nothing can be captured; what is known already moves nothing, and what it set aside counts.
        (vec![named("y", ann, capture("x", None)), named("x", ann, hold(60))], 60),
        (vec![named("h1", ann, hold(200))], 0),
        (vec![named("h1", ann, hold(200)), named("y", ann, capture("h1", None))], 200),
        (vec![named("x", ann, earn(i64::MAX, None)), named("y", ann, earn(i64::MIN, None))], i64::MAX),
    ];
    for (list, points) in lists {
        assert_eq!(world.touched(&list).await, points, "{list:?}");
    }

    // What was undone is not undone again; who was merged has what the other has.
    world.done(vec![named("r1", ann, reverse("s1", Portion::Points { amount: 120 }))]).await;
    assert_eq!(world.touched(&[named("x", ann, reverse("s1", Portion::Rest))]).await, 180);
    assert_eq!(world.touched(&[named("x", ann, reverse("s1", refunded(1, 2)))]).await, 30);
    assert_eq!(world.touched(&[named("x", bob, Act::Forfeit {})]).await, 0);
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), world.now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.touched(&[named("x", bob, Act::Forfeit {})]).await, 870);
}
