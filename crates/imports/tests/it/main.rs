//! The crate from outside: files as people write them and as nobody should, real data sets against their totals, whole tables as columns.

mod columns;
mod hostile;
mod real_data;
