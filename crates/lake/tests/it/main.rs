//! The lake from outside: as its callers use it, and beside a list of events in memory.

mod lake;
mod one_table;
