//! What customers say when they are asked: surveys, whom they are sent to, and what was answered.
//!
//! [`survey`] is what staff write: questions by language that lead to one another. [`survey::check()`] says what is wrong with it before it is opened.
//! [`survey::shown`] says what somebody is asked next, [`survey::read`] takes what they answered. [`gallery`] has ready ones to begin with, with their sources.
//!
//! Always holds: whether a question is shown depends on earlier ones only, so every survey ends; an answer that is kept is one that its question has.
//!
//! Does not do: send anything, make scores of answers, or understand texts.

pub mod error;
pub mod gallery;
pub mod survey;

pub use error::Error;
pub use survey::{Definition, Finding, Refusal};
