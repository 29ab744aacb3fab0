//! The sample shop's experiments: what they say of customers whose truth is known.

use std::sync::Arc;

use axum::http::StatusCode;
use rapport_sample::{OFFER, Options, SampleShop};
use rapport_server::auth::Role;
use rapport_server::experimenting::sample::{self, HEADLINE};
use rapport_server::records::workspaces::FIRST;
use serde_json::Value;

use crate::world::World;

const CUSTOMERS: u32 = 900;
const SEED: u64 = 3;

/// The comparison of a metric, with its effect as a difference.
fn difference(readout: &Value, key: &str) -> (f64, f64) {
    let row = readout["comparisons"].as_array().unwrap().iter().find(|it| it["metric"]["key"] == key).unwrap();
    let effect = if row["effect"]["scale"] == "absolute" { &row["effect"] } else { &row["other"] };
    assert_eq!(effect["scale"], "absolute", "{row}");
    (effect["low"].as_f64().unwrap(), effect["high"].as_f64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_sample_shops_experiments_say_holds_the_truth() {
    let world = World::new().await;
    let installation = Arc::clone(&world.app.installation);
    let now = world.clock_now();
    let offered_at = SampleShop::new(Options { customers: CUSTOMERS, seed: SEED, end: now }).offered_at();
    sample::begin(&installation, FIRST, offered_at, "demo").await.unwrap();
    let (_, filled) = world.fill(CUSTOMERS, SEED).await;
    sample::run(&installation, FIRST, &filled.checkouts, offered_at, "demo").await.unwrap();
    world.app.pipeline.drain().await.unwrap();
    sample::hold_out(&installation, FIRST, "demo").await.unwrap();

    let owner = world.browser(Role::Owner).await;
    let get = async |path: &str| {
        let answer = world.get(path, &owner.reads()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        answer.json()
    };
    let list = get("/api/v1/experiments").await;
    let mut all: Vec<(&str, &str, &str)> = list["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["key"].as_str().unwrap(), it["kind"].as_str().unwrap(), it["state"].as_str().unwrap()))
        .collect();
    all.sort_unstable();
    assert_eq!(
        all,
        [
            (HEADLINE, "experiment", "running"),
            ("express-checkout", "experiment", "draft"),
            (OFFER.key, "experiment", "decided"),
            ("gift-note", "flag", "running"),
            ("global-holdout", "holdout", "running"),
        ]
    );
    let groups = get("/api/v1/experiment-groups").await;
    assert_eq!(groups["rows"][0]["places"].as_array().unwrap().len(), 2, "{groups}");

    // The campaign: everybody in its groups is exposed, and the truth is within what is said.
    let offer = get(&format!("/api/v1/experiments/{}/readout", OFFER.key)).await;
    let exposed = |at: usize| offer["arms"][at]["exposed"].as_u64().unwrap();
    assert_eq!((exposed(0), exposed(1)), (filled.totals.offer_control, filled.totals.offer_treated), "{offer}");
    let truth = filled.totals.extra_orders as f64 / filled.totals.offer_treated as f64;
    let (low, high) = difference(&offer, "orders");
    assert!(low < truth && truth < high && high - low < 0.5, "{low} to {high}, in truth {truth}: {offer}");
    assert_ne!(offer["verdict"]["word"], "untrustworthy");

    // The headline: nobody does anything because of it.
    let headline = get(&format!("/api/v1/experiments/{HEADLINE}/readout")).await;
    let came: u64 = (0..2).map(|at| headline["arms"][at]["exposed"].as_u64().unwrap()).sum();
    let share = came as f64 / filled.checkouts.len() as f64;
    assert!((share - 0.8).abs() < 0.12, "{came} of {}: the places of its group", filled.checkouts.len());
    let (low, high) = difference(&headline, "conversion");
    assert!(low < 0.0 && 0.0 < high, "{low} to {high}: {headline}");
    let word = headline["verdict"]["word"].as_str().unwrap();
    assert!(["unclear", "too_early", "no_difference"].contains(&word), "{headline}");
}
