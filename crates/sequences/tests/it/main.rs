//! Funnels and retention beside oracles that look at everything.

mod funnel;
mod retention;
