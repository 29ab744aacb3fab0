//! The store from outside: the facade, the writer, the outbox and the jobs on both engines, and SQLite's data folder.

mod facade;
mod folder;
mod jobs;
mod outbox;
mod schema;
mod writer;
