//! What tests of whatever staff and members do with a programme stand on.

use std::marker::PhantomData;

use rapport_domain::{Calendar, SystemRng, Timestamp, WorkspaceId};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::Saved;
use rapport_loyalty::records::programs;
use rapport_loyalty::records::redemptions::Scene;
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
}
