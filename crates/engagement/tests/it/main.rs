//! The crate from outside: messages and their templates, the rule of sending, journeys by themselves, on a database on both engines, and by the thousand with faults.

mod addresses;
mod audiences;
mod check;
mod gallery;
mod hostile;
mod journey_check;
mod journeys;
mod policy;
mod random;
mod records;
mod render;
mod rules;
mod simulation;
mod town;
