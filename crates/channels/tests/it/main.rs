//! The crate beside real servers and other people's programs: a mail server that does what a test tells it, Dovecot, dkimpy.
//!
//! Always holds: nothing leaves this machine. A program that is absent is said loudly, and fails the test where it is required
//! (`RAPPORT_REQUIRE_DOVECOT`, `RAPPORT_REQUIRE_PYTHON`).

mod imap;
mod push;
mod scripted;
mod sending;
mod signatures;
mod sink;
mod throughput;
