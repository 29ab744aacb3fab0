//! One profile a person: identifiers and the evidence that joins them, facts, accounts, orders, and what the timeline needs.

pub mod identity;
