//! Learning from rows with features: what will a person do, how sure is that, and why.

mod boosting;
mod calibration;
mod folds;
mod metrics;
mod regression;
mod table;

pub use boosting::{Boosting, BoostingOptions, Contributions, Outcome, Stopped};
pub use calibration::{Calibration, ENOUGH_FOR_STEPS};
pub use folds::Folds;
pub use metrics::{Judged, Metrics, ReliabilityBin};
pub use regression::{Coefficient, Regression, RegressionOptions};
pub use table::{Feature, Table, Values};
