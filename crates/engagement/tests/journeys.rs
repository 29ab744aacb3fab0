//! Journeys on a database, on both engines: coming in, going on, schedules, merges, and what is stored of it all.

#[path = "journeys/entering.rs"]
mod entering;
#[path = "journeys/merging.rs"]
mod merging;
#[path = "journeys/running.rs"]
mod running;
#[path = "journeys/scheduling.rs"]
mod scheduling;
#[path = "journeys/storing.rs"]
mod storing;
#[path = "stage/town.rs"]
mod town;
