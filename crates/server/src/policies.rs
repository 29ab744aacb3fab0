//! Policies at work: with which chance journeys, slots and sending take each arm ([`choosing`]), what that brought ([`settling`]), whom an experiment says
//! the other arm moves ([`effects`]), and how often people are written to ([`pacing`]).
//!
//! Always holds: chances, checks and what is learnt are those of `rapport-experiments`; what is known of somebody is read for those alone of whom something
//! is decided.

pub mod choosing;
pub mod effects;
pub mod live;
pub mod pacing;
pub mod rewards;
pub mod sample;
pub mod settling;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::installation::Installation;

pub use live::LivePolicies;

/// How often it is looked whether effects are to be learnt.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether decisions have had their time.
const SETTLE_EVERY: Duration = Duration::from_secs(30);

/// Learns until `stop` is set.
pub async fn run(installation: Arc<Installation>, mut stop: watch::Receiver<bool>) {
    let mut settled: Option<Instant> = None;
    while timeout(EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if settled.is_none_or(|at| at.elapsed() >= SETTLE_EVERY) {
            settled = Some(Instant::now());
            if let Err(error) = settling::settle(&installation).await {
                tracing::warn!(error = %format!("{error:#}"), "what policies brought could not be learnt; it is tried again");
            }
        }
        while !*stop.borrow() {
            match effects::work(&installation, &stop).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(error = %format!("{error:#}"), "effects could not be learnt properly; it is tried again");
                    break;
                }
            }
        }
    }
}
