//! Kernels that read one person's events in order: funnels, retention, sessions, lifecycle, stickiness, sliding windows, exposures, and
//! the one order that all of them (and every evaluator of conditions) share.
//!
//! Always holds: plain slices in, plain numbers out; no clock, no I/O, no engine's types; nothing is allocated for a person once
//! the scratch space of a kernel has grown. Times are microseconds UTC. "Within W" always includes W exactly.
//!
//! Does not do: choose events, evaluate predicates, or know calendars. Callers hand in masks and interval boundaries.

pub mod exposure;
pub mod funnel;
pub mod intervals;
pub mod lifecycle;
pub mod order;
pub mod retention;
pub mod sessions;
pub mod windows;

pub use exposure::{ExposureSpec, Exposures, Fold, Measurement};
pub use funnel::{Conversion, Funnel, FunnelMode, FunnelSpec, FunnelSpecError, StepEvent, Stepped};
pub use lifecycle::{Lifecycle, LifecycleCounts, Stickiness};
pub use order::Ordered;
pub use retention::{Counting, Retention, RetentionSpec};
pub use sessions::{DEFAULT_GAP, Session, sessionize};
