//! What customers say: surveys, whom they are sent to, and what was answered; reviews of products.
//!
//! [`survey`] is what staff write: questions by language that lead to one another. [`survey::check()`] says what is wrong with it before it is opened.
//! [`survey::shown`] says what somebody is asked next, [`survey::read`] takes what they answered. [`gallery`] has ready ones to begin with, with their sources.
//! [`asking`] decides whom to ask and why not; [`service`] does it, each in the caller's transaction: writing and opening surveys, asking, answers page by page.
//! [`verbatims`] understands what people wrote.
//! [`results`] says what it amounts to.
//! [`reviews`] has what people say of products unasked.
//!
//! Always holds: whether a question is shown depends on earlier ones only, so every survey ends; an answer that is kept is one that its question has;
//! everybody who could have been asked has a row that says what came of it; a page that was sent is kept; nothing that comes twice counts twice.
//!
//! Does not do: send anything, or the mathematics of scores.

pub mod asking;
pub mod error;
pub mod gallery;
pub mod links;
pub mod records;
pub mod results;
pub mod reviews;
pub mod schema;
pub mod service;
pub mod survey;
pub mod verbatims;

pub use error::Error;
pub use schema::{DATA_MAP, MIGRATIONS};
pub use survey::{Definition, Finding, Refusal};
