//! The crate from outside: what senders put on the wire, the log's promises, and a disk that fails. What is killed is a program of its own (`tests/kill.rs`).

mod decode;
mod faults;
mod log;
