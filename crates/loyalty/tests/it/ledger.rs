//! The ledger: its rules, its records on both engines, and what is left after a crash.

mod books;
mod crash;
mod oracle {
    pub mod commands;
    pub mod points;
}
mod records;
mod rules;
mod tampering;
mod trails;
