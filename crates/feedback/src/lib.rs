//! What customers say: surveys, whom they are sent to, and what was answered; reviews of products.
//!
//! [`survey`] is what staff write: questions by language that lead to one another. [`survey::check()`] says what is wrong with it before it is opened.
//! [`survey::shown`] says what somebody is asked next, [`survey::read`] takes what they answered. [`gallery`] has ready ones to begin with, with their sources.
//! [`asking`] decides whom to ask and why not; [`service`] does it, each in the caller's transaction: writing and opening surveys, asking, answers page by page.
//! [`verbatims`] understands what people wrote, [`topics`] says what it is about.
//! [`results`] says what it amounts to.
//! [`reviews`] has what people say of products unasked; [`complaints`] what they say against the company, and of it in public; [`ideas`] what they propose;
//! [`notes`] what was heard in interviews and seen on visits.
//! [`follow_ups`] answers those who are unhappy, and says what came of it; [`improvements`] changes what many are unhappy about, and says the same.
//! [`advocacy`] says who speaks for the company, how, and what that reaches.
//! [`digest`] says when what customers said goes out by mail to the company's own people.
//!
//! Always holds: whether a question is shown depends on earlier ones only, so every survey ends; an answer that is kept is one that its question has;
//! everybody who could have been asked has a row that says what came of it; a page that was sent is kept; nothing that comes twice counts twice.
//!
//! Does not do: send anything, or the mathematics of scores.

pub mod advocacy;
pub mod asking;
pub mod complaints;
pub mod digest;
pub mod error;
pub mod follow_ups;
pub mod gallery;
pub mod ideas;
pub mod improvements;
pub mod intents;
pub mod links;
pub mod notes;
pub mod pages;
pub mod records;
pub mod results;
pub mod reviews;
pub mod schema;
pub mod service;
pub mod survey;
pub mod topics;
pub mod verbatims;

pub use error::Error;
pub use schema::{DATA_MAP, MIGRATIONS};
pub use survey::{Definition, Finding, Refusal};
