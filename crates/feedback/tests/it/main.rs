//! The crate from outside: surveys, whom to ask and what was answered, what people write, and what is stored of it all, on both engines.

mod advocacy;
mod asking;
mod brand;
mod complaints;
mod digest;
mod follow_ups;
mod improvements;
mod intents;
mod notes_and_ideas;
mod records;
mod results;
mod results_models;
mod reviews;
mod survey;
mod topics;
mod verbatim_search;
mod verbatims;
mod visiting;
