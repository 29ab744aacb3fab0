//! The SQL of profiles, one module a table. No decisions here: rules stand in `identity`, `orders` and `apply`.

pub mod accounts;
pub mod consents;
pub mod device_clocks;
pub mod event_names;
pub mod evidence;
pub mod facts;
pub mod identifiers;
pub mod orders;
pub mod persons;
pub mod texts;
