//! Thousands of people on random journeys, with faults: what was promised is asked of all that is stored in the end.
//!
//! Always holds: the same seed gives the same history; a seed that failed once is a test of its own here. `RAPPORT_SIMULATION_SEEDS` runs so many
//! seeds from `RAPPORT_SIMULATION_FIRST` on, with more people and for longer, instead of the few of every run.

#[path = "simulation/judge.rs"]
mod judge;
#[path = "random/plans.rs"]
mod random;
#[expect(dead_code, reason = "the other tests of journeys use the rest of it")]
#[path = "stage/town.rs"]
mod town;
#[path = "simulation/world.rs"]
mod world;

use rapport_engagement::MIGRATIONS;
use rapport_privacy::MIGRATIONS as PRIVACY;
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_segments::MIGRATIONS as SEGMENTS;
use rapport_store::testing::{TestDatabase, on_sqlite};

use world::{Size, World};

/// Runs a seed; what was counted, and a digest of the whole history.
fn run(seed: u64, size: Size) -> String {
    let told = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let tell = told.clone();
    on_sqlite(vec![PROFILES, SEGMENTS, PRIVACY, MIGRATIONS], move |db: TestDatabase| async move {
        let mut world = World::begin(db, seed, size).await;
        world.live().await;
        let summary = judge::judge(&world).await;
        *tell.lock().unwrap() = summary;
    });
    told.lock().unwrap().clone()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_is_promised_is_kept() {
    let first = number("RAPPORT_SIMULATION_FIRST").unwrap_or(1);
    let asked = number("RAPPORT_SIMULATION_SEEDS");
    let (count, size) = (asked.unwrap_or(2), if asked.is_some() { Size::LONG } else { Size::DAILY });
    for seed in first..first + count {
        // Said before it runs, so that a failure can be told by its seed.
        println!("seed {seed}");
        println!("{}", run(seed, size));
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let size = Size { people: 40, steps: 50, journeys: 4 };
    assert_eq!(run(77, size), run(77, size));
    assert_ne!(run(77, size), run(78, size));
}
