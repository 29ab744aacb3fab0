//! From a condition to a typed plan of the query engine, which answers for every person at once.
//!
//! * [`event_filter`] compiles a condition on events to one expression over their columns.
//! * [`person_set`] compiles a condition on persons to a plan with one column, the persons for whom it holds. All `performed`
//!   tests are counted in one pass over the events, all `fact` tests in one pass over the facts.
//!
//! Always holds: the answer is that of [`holds`](crate::holds). Expressions are three-valued, as in SQL, and stand where a filter
//! does: null counts as "does not hold", and `not` is `IS NOT TRUE`. Long combinations become balanced trees, so that the planner's
//! recursion stays shallow. Functions carry no state: their parameters are literal arguments, so plans travel by names.

mod columns;
mod facts;
mod functions;
mod person_set;
mod predicate;
#[cfg(test)]
mod tests;

pub use columns::EventColumns;
pub use facts::{fact_rows, fact_schema};
pub use functions::all as functions;
pub use person_set::{PERSON, Sources, is_countable, person_set};
pub use predicate::event_filter;
