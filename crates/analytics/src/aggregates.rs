//! The functions of the plans, beside the engine's own: per-person aggregates over the kernels of `sequences`, and the scalars around
//! them.
//!
//! | function | gives |
//! |---|---|
//! | `interval_of(time, boundaries)` | the place of the interval that holds a time; null outside of all |
//! | `list_item(list, place)` | an item of a list of integers; null past its end |
//! | `names_mask(name, names)` | a bit for each of the names that the name is |
//! | `funnel(time, order_key, mask, tag, settings)` | per person: level, tag of the entry, times of the steps |
//! | `retention_intervals(time, interval, marks, settings)` | per person: two bit sets of intervals |
//! | `retention_table(sets, settings)` | the table of cohorts by columns, row by row |
//! | `exposure(time, marks, amounts..., settings)` | per person: variants seen, first exposure, values after and before it |
//! | `exposure_sums(list, place, settings)` | the sums over the persons of each variant |
//! | `retention_cell(sets, settings, cohort, column)` | whether a person is counted in a cell |
//!
//! Always holds: no function carries state of its own; all parameters are literal arguments, so plans travel by names. Partial
//! states are lists of 64-bit integers. What a person's events come to does not depend on how they were batched or split.

mod exposure;
mod exposure_sums;
mod funnel;
mod lists;
mod retention;
mod rows;
mod scalars;
mod settings;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

pub use exposure::{ExposureSettings, MAX_ARMS, MAX_QUANTITIES, Quantity, exposure, exposure_marks};
pub use exposure_sums::{Heads, Sums, exposure_sums};
pub use funnel::{FunnelSettings, funnel, marks};
pub use retention::{RETURNED, RetentionSettings, STARTED, retention_cell, retention_intervals, retention_table};
pub use scalars::{interval_of, list_item, names_mask};

/// The scalar functions, to register with every session that runs plans that came from another node.
pub fn scalars() -> Vec<Arc<ScalarUDF>> {
    scalars::all().into_iter().chain([retention::cell_function()]).collect()
}

/// The aggregates, likewise.
pub fn aggregates() -> Vec<Arc<AggregateUDF>> {
    vec![
        funnel::function(),
        retention::intervals_function(),
        retention::table_function(),
        exposure::function(),
        exposure::sums_function(),
    ]
}
