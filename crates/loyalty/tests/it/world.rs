//! What tests of whatever staff and members do with a programme stand on.

use std::marker::PhantomData;

use rapport_domain::{Calendar, PersonId, Rng, SystemRng, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::{Act, Command, MemberId, Refusal, Source, Standing};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::Saved;
use rapport_loyalty::records::redemptions::Scene;
use rapport_loyalty::records::{self, Memory, members, programs, read, wallets};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, Store, Tx};

pub const W: WorkspaceId = WorkspaceId(1);
/// 2026-03-10 in Berlin.
pub const NOW: Timestamp = Timestamp(1_773_140_400_000_000);

/// A programme that is saved, its calendar, and a time that moves.
///
/// `Of` tells the worlds of different tests apart, so that each may add to its own what it does often.
pub struct WorldOf<Of> {
    pub store: Store,
    pub program: Program,
    pub calendar: Calendar,
    pub now: Timestamp,
    pub of: PhantomData<fn() -> Of>,
}

/// For tests that add nothing.
pub type World = WorldOf<()>;

impl<Of> WorldOf<Of> {
    pub async fn with(db: &TestDatabase, program: Program) -> Self {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let saved = Saved { in_force_from: Timestamp(0), at: Timestamp(0), by: "usr_1" };
        programs::save(&mut tx, W, &program, 0, saved).await.unwrap();
        tx.commit().await.unwrap();
        let calendar = program.calendar().unwrap();
        Self { store: db.store.clone(), program, calendar, now: NOW, of: PhantomData }
    }

    pub fn scene(&self) -> Scene<'_> {
        Scene { workspace: W, program: &self.program, calendar: &self.calendar, now: self.now, rng: &SystemRng }
    }

    pub async fn begin(&self) -> Tx {
        self.store.begin(Priority::Interactive).await.unwrap()
    }

    /// Somebody becomes a member.
    pub async fn enrol(&self, person: i64) -> MemberId {
        let mut tx = self.begin().await;
        let member = members::enrol(&mut tx, W, PersonId(person), Timestamp(person), &SystemRng).await.unwrap();
        tx.commit().await.unwrap();
        member
    }

    /// Somebody becomes a member, and has so many points.
    pub async fn member(&self, person: i64, points: i64) -> MemberId {
        let member = self.enrol(person).await;
        if points > 0 {
            self.earn(member, points, None).await;
        }
        member
    }

    /// Posts to the member's points.
    pub async fn post(&self, member: MemberId, act: Act) -> Option<Refusal> {
        let mut tx = self.begin().await;
        let wallet = wallets::numbers(&mut tx, W).await.unwrap()["points"];
        let id = format!("own {}", SystemRng.next_u64());
        let list = [vec![Command { id, member, wallet, act, source: Source::default() }]];
        let answers = records::post(&mut tx, &mut Memory::default(), W, &list, self.now).await.unwrap();
        tx.commit().await.unwrap();
        answers[0][0].refused
    }

    pub async fn earn(&self, member: MemberId, amount: i64, expires_at: Option<Timestamp>) {
        let act = Act::Earn { amount, earned_at: None, active_from: None, expires_at };
        assert_eq!(self.post(member, act).await, None);
    }

    pub async fn standing(&self, member: MemberId, standing: Standing) {
        let mut tx = self.begin().await;
        assert!(members::set_standing(&mut tx, W, member, standing).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// What a member can spend, of all wallets.
    pub async fn available(&self, member: MemberId) -> i64 {
        let accounts = read::accounts(&mut self.store.read(), W, &[member], self.now).await.unwrap();
        accounts.values().map(|account| account.balance().available).sum()
    }
}
