//! Learning from rows with features: what a person will do, how sure that is, and why.
//!
//! [`Classifier`] is the whole way from labelled rows to calibrated probabilities with reasons; its parts serve by themselves: a [`Regression`] and
//! [`Boosting`] for classes and numbers, [`Calibration`], [`Folds`], [`Judged`] for the measures, [`Costs`] for thresholds, and [`shifts`] and [`still`] for
//! what has moved since. [`Snapshots`] makes rows of histories of events, each of what was known at a moment.
//!
//! Always holds: nothing is learnt from rows that it is judged by.

pub(crate) mod boosting;
mod calibration;
mod classifier;
mod drift;
mod folds;
mod leaks;
mod metrics;
mod regression;
mod snapshots;
mod table;
mod threshold;

pub use boosting::{Boosting, BoostingOptions, Contributions, Outcome, Stopped};
pub use calibration::{Calibration, ENOUGH_FOR_STEPS};
pub use classifier::{Both, Classifier, ClassifierOptions, Kind, Report, Warning};
pub use drift::{Shift, Still, shifts, still};
pub use folds::Folds;
pub use metrics::{Judged, Metrics, ReliabilityBin};
pub use regression::{Coefficient, Regression, RegressionOptions};
pub use snapshots::{Label, Plan, Snapshots, features, usual_gap};
pub(crate) use table::Shape;
pub use table::{Feature, Table, Values};
pub use threshold::{Costs, Operation};
