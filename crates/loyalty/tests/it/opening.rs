//! Histories from elsewhere: played once they leave what they would have left if each line had been entered in its time, and the same file again adds nothing.

use proptest::prelude::*;
use rapport_domain::{Calendar, PersonId, SystemRng, Timestamp, WorkspaceId};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger::{Act, Command, Ledger, MemberId, Refusal, Source, Standing, Wallet, WalletId};
use rapport_loyalty::opening::{Line, opening};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::Saved;
use rapport_loyalty::records::opening::{self as records, History, Opened};
use rapport_loyalty::records::redemptions::Scene;
use rapport_loyalty::records::{members, merging, programs, read};
use rapport_loyalty::verify::verify;
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, Store, db_test};
use serde_json::json;

const W: WorkspaceId = WorkspaceId(1);
const KEY: (MemberId, WalletId) = (MemberId(1), WalletId(1));

fn limits() -> Wallet {
    Wallet { amount_max: 1_000, balance_max: None, arrears_max: 0 }
}

fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.wallets.insert(KEY.1, limits());
    ledger.standings.insert(KEY.0, Standing::Active);
    ledger
}

fn command(id: &str, act: Act) -> Command {
    Command { id: id.to_owned(), member: KEY.0, wallet: KEY.1, act, source: Source::default() }
}

fn line(row: usize, at: i64, points: i64, active_from: Option<i64>, expires_at: Option<i64>) -> Line {
    let (active_from, expires_at) = (active_from.map(Timestamp), expires_at.map(Timestamp));
    Line { row, at: Timestamp(at), points, active_from, expires_at, reference: String::new() }
}

/// Lines in the order in which they happened; some more was spent than there was.
fn history() -> impl Strategy<Value = Vec<Line>> {
    let one = (0_i64..20, -30_i64..40, proptest::option::of(0_i64..40), proptest::option::of(1_i64..60));
    proptest::collection::vec(one, 0..14).prop_map(|steps| {
        let mut at = 0;
        let mut lines = Vec::new();
        for (row, (wait, points, pending, lasts)) in steps.into_iter().enumerate() {
            at += wait;
            let points = if points == 0 { 1 } else { points };
            let active = pending.map(|pending| at + pending);
            // It ends behind its beginning.
            let end = lasts.map(|lasts| at + pending.unwrap_or(0) + lasts);
            lines.push(line(row, at, points, active.filter(|_| points > 0), end.filter(|_| points > 0)));
        }
        lines
    })
}

proptest! {
    #[test]
    fn a_history_leaves_what_living_it_leaves(lines in history(), later in 0_i64..80, spend in 1_i64..60, extra in 0_i64..40) {
        let mut lived = ledger();
        let mut wrong = None;
        for it in &lines {
            let act = if it.points > 0 {
                Act::Earn { amount: it.points, earned_at: None, active_from: it.active_from, expires_at: it.expires_at }
            } else {
                Act::Spend { amount: -it.points }
            };
            if let Some(refusal) = lived.apply(&command(&it.row.to_string(), act), it.at).refused {
                wrong = Some((it.row, refusal));
                break;
            }
        }
        let end = lines.last().map_or(0, |it| it.at.0);
        let now = Timestamp(end + later);
        let left = opening(&lines, &limits(), now);
        if let Some(wrong) = wrong {
            prop_assert_eq!(left, Err(wrong));
            return Ok(());
        }
        let mut brought = ledger();
        for (place, left) in left.unwrap().into_iter().enumerate() {
            let answer = brought.apply(&command(&format!("l{place}"), left.act), now);
            prop_assert_eq!(answer.refused, None);
        }
        // Now, and when more is done later.
        let looks = [(now, 1), (now, spend), (Timestamp(now.0 + extra), spend), (Timestamp(now.0 + 2 * extra), 1)];
        for (step, (at, amount)) in looks.into_iter().enumerate() {
            let wanted = command(&format!("s{step}"), Act::Spend { amount });
            let (one, two) = (lived.apply(&wanted, at), brought.apply(&wanted, at));
            prop_assert_eq!((one.refused, one.after), (two.refused, two.after), "step {}", step);
        }
    }
}

#[test]
fn a_line_that_could_not_have_been_is_named() {
    let of = |lines: &[Line]| opening(lines, &limits(), Timestamp(100)).map(|left| left.len());
    assert_eq!(of(&[]), Ok(0));
    assert_eq!(of(&[line(7, 50, 10, None, None), line(8, 40, -1, None, None)]), Err((8, Refusal::InsufficientPoints)));
    assert_eq!(of(&[line(3, 101, 10, None, None)]), Err((3, Refusal::InTheFuture)));
    assert_eq!(of(&[line(3, 10, 0, None, None)]), Err((3, Refusal::AmountZero)));
    assert_eq!(of(&[line(3, 10, i64::MIN, None, None)]), Err((3, Refusal::AmountTooLarge)));
    assert_eq!(of(&[line(3, 10, 1_001, None, None)]), Err((3, Refusal::AmountTooLarge)));
    assert_eq!(of(&[line(3, 10, 1, None, Some(5))]), Err((3, Refusal::EndsTooEarly)));
    // What lapsed before the end of the history is not brought along; what lapsed since lapses here.
    assert_eq!(of(&[line(1, 10, 5, None, Some(20)), line(2, 30, 5, None, Some(40))]), Ok(1));
}

struct World {
    store: Store,
    program: Program,
    calendar: Calendar,
}

impl World {
    async fn found(db: &TestDatabase) -> Self {
        let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points", "amount_max": 1000}]});
        let program = Program::from_json(form).unwrap();
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let saved = Saved { in_force_from: Timestamp(0), at: Timestamp(0), by: "usr_1" };
        programs::save(&mut tx, W, &program, 0, saved).await.unwrap();
        tx.commit().await.unwrap();
        let calendar = program.calendar().unwrap();
        Self { store: db.store.clone(), program, calendar }
    }

    async fn member(&self, person: i64) -> MemberId {
        let mut tx = self.store.begin(Priority::Interactive).await.unwrap();
        let member = members::enrol(&mut tx, W, PersonId(person), Timestamp(person), &SystemRng).await.unwrap();
        tx.commit().await.unwrap();
        member
    }

    async fn bring_in(&self, histories: &[History<'_>], now: i64) -> Vec<Result<Opened, (usize, Refusal)>> {
        let now = Timestamp(now);
        let scene = Scene { workspace: W, program: &self.program, calendar: &self.calendar, now, rng: &SystemRng };
        let mut tx = self.store.begin(Priority::Interactive).await.unwrap();
        let outcomes = records::bring_in(&mut tx, scene, histories, "usr_1").await.unwrap();
        tx.commit().await.unwrap();
        outcomes
    }

    async fn available(&self, member: MemberId, now: i64) -> i64 {
        let accounts = read::accounts(&mut self.store.read(), W, &[member], Timestamp(now)).await.unwrap();
        accounts.values().map(|account| account.balance().available).sum()
    }
}

#[db_test(MIGRATIONS)]
async fn the_same_file_again_adds_nothing(db: TestDatabase) {
    let world = World::found(&db).await;
    let (ann, bob) = (world.member(1).await, world.member(2).await);
    let of = |who, member, lines| History { source: "old club", who, member, wallet: "points", lines };
    // Two lines that say the same are two.
    let anns = || vec![line(0, 10, 5, None, Some(900)), line(1, 10, 5, None, Some(900)), line(2, 20, -3, None, None)];
    let bobs = || vec![line(3, 10, 5, None, None), line(4, 20, -6, None, None)];
    let first = world.bring_in(&[of("ann", ann, anns()), of("bob", bob, bobs())], 100).await;
    let came = Opened { lots: 2, points: 7, is_known: false };
    assert_eq!(first, [Ok(came), Err((4, Refusal::InsufficientPoints))]);
    assert_eq!((world.available(ann, 100).await, world.available(bob, 100).await), (7, 0));

    let mut turned = anns();
    turned.swap(0, 1);
    for (lines, now) in [(anns(), 100), (turned, 200), (anns(), 5_000)] {
        let again = world.bring_in(&[of("ann", ann, lines)], now).await;
        assert_eq!(again, [Ok(Opened { is_known: true, ..came })], "at {now}");
    }
    assert_eq!(world.available(ann, 200).await, 7);
    assert_eq!(world.available(ann, 900).await, 0, "they lapse when they would have");
    // Another story of the same past is no addition.
    let mut longer = anns();
    longer.push(line(5, 30, -1, None, None));
    assert!(world.bring_in(&[of("ann", ann, longer)], 5_000).await[0].is_err());
    assert_eq!(
        world.bring_in(&[of("bob", bob, vec![line(3, 10, 5, None, None)])], 5_000).await,
        [Ok(Opened { lots: 1, points: 5, is_known: false })]
    );

    // Whoever became one with another is known by both names.
    let mut tx = world.store.begin(Priority::Interactive).await.unwrap();
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), Timestamp(6_000)).await.unwrap();
    tx.commit().await.unwrap();
    let again = world.bring_in(&[of("bob", ann, vec![line(3, 10, 5, None, None)])], 7_000).await;
    assert_eq!(again, [Ok(Opened { lots: 1, points: 5, is_known: true })]);
    assert_eq!(world.available(ann, 7_000).await, 5);
    let none = History { wallet: "miles", ..of("ann", ann, anns()) };
    assert_eq!(world.bring_in(&[none], 7_000).await, [Err((0, Refusal::WalletUnknown))]);
    assert_eq!(verify(&mut world.store.read(), W).await.unwrap().findings, []);
}
