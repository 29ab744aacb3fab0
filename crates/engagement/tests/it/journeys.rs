//! Journeys on a database, on both engines: coming in, going on, schedules, merges, and what is stored of it all.

mod entering;
mod merging;
mod running;
mod scheduling;
mod storing;
