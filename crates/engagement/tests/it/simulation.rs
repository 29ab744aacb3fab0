//! Thousands of people on random journeys, with faults: what was promised is asked of all that is stored in the end, and each transaction is worked out
//! again by a slow model of the rules.
//!
//! Always holds: the same seed gives the same history; a seed that failed once is a test of its own here. `RAPPORT_SIMULATION_SEEDS` runs so many
//! seeds from `RAPPORT_SIMULATION_FIRST` on, with more people and for longer, instead of the few of every run.

mod judge;
mod slow;
mod world;

use rapport_engagement::MIGRATIONS;
use rapport_privacy::MIGRATIONS as PRIVACY;
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_segments::MIGRATIONS as SEGMENTS;
use rapport_store::Migrations;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};

use world::{Fault, Size, World};

/// Runs a seed; what was counted, and a digest of the whole history.
fn run(seed: u64, size: Size) -> String {
    run_with(seed, size, Fault::None)
}

fn run_with(seed: u64, size: Size, fault: Fault) -> String {
    let mut told = String::new();
    on_sqlite(MIGRATED.to_vec(), async |db| told = life(db, seed, size, fault).await);
    told
}

/// The tables that there are.
const MIGRATED: [Migrations; 4] = [PROFILES, SEGMENTS, PRIVACY, MIGRATIONS];

async fn life(db: TestDatabase, seed: u64, size: Size, fault: Fault) -> String {
    let mut world = World::begin(db, seed, size).await;
    world.fault = fault;
    world.live().await;
    judge::judge(&world).await
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
fn it_is_kept_on_postgres_too() {
    let size = Size { people: 60, steps: 60, journeys: 6 };
    let mut told = None;
    on_postgres(MIGRATED.to_vec(), async |db| told = Some(life(db, 3, size, Fault::None).await));
    if let Some(told) = told {
        assert_eq!(told, run(3, size), "the same history on both engines");
    }
}

/// What a simulation does not find with a mistake put in, it would not find of itself.
#[test]
#[should_panic(expected = "`left == right` failed: seed 1: at")]
fn an_engine_that_forgets_what_it_sent_is_found_out() {
    run_with(1, Size::DAILY, Fault::ForgetsCaps);
}

#[test]
#[should_panic(expected = "nobody looked at")]
fn an_engine_that_oversleeps_is_found_out() {
    run_with(5, Size::DAILY, Fault::Oversleeps);
}

#[test]
#[should_panic(expected = "may not")]
fn an_engine_that_lets_people_in_too_often_is_found_out() {
    run_with(5, Size::DAILY, Fault::ForgetsEntries);
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let size = Size { people: 40, steps: 50, journeys: 4 };
    assert_eq!(run(77, size), run(77, size));
    assert_ne!(run(77, size), run(78, size));
}

#[test]
#[should_panic(expected = "`left == right` failed: seed 5: at")]
fn an_engine_that_forgets_who_is_restricted_is_found_out() {
    run_with(5, Size::DAILY, Fault::ForgetsRestrictions);
}
