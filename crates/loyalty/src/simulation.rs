//! What other rules would have given for what people did, against those of today.
//!
//! The rules are those of [`earning`](crate::earning), and points lie in the same [`Ledger`](crate::ledger::Ledger), in memory: there is no second copy of either. [`replay`] tells
//! somebody's events again in the order in which they were heard, [`tally`] adds up what came of it for everybody and says how sure the differences are.
//!
//! Always holds: the same events, rules and seed come to the same result; nothing is written.
//!
//! Does not: know what people would have done otherwise. They are shown the same events under both rules.

pub mod replay;
pub mod tally;
