//! What the answers of a survey amount to: counted in the product database, computed by `models::survey`.
//!
//! Always holds: a score is of one scale, so what was answered on another one before a question was changed stands beside it and not in it; what is no
//! value of its scale is blank and counted; a figure has its interval.
//!
//! Does not do: read definitions. An answer says itself on which scale it was given.

pub mod behaviour;
pub mod benchmarks;
pub mod brand;
pub mod choices;
pub mod drivers;
pub mod funnel;
pub mod kano;
pub mod loyalty;
pub mod scores;
pub mod segments;
pub mod styles;
pub mod weighting;

pub use behaviour::{Behaviour, Spending, Stance, behaviour};
pub use choices::choices;
pub use drivers::{DriverSet, Numbers, numbers};
pub use funnel::{Funnel, Share};
pub use kano::{Wished, Wishes, wishes};
pub use scores::{Cell, Counted, Group, Period, Series, Wanted, by_period, scores, series_of};
pub use segments::{Spans, When};
pub use weighting::{Reweighted, reweighted};
