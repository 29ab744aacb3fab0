//! Is data coming in: the console's footer asks every few seconds.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::wire;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::Json;
use crate::problem::Result;
use crate::records::{rejects, sources};

/// The routes of this module.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Is data coming in.
#[derive(Debug, Serialize, ToSchema)]
pub struct DataHealth {
    /// Accepted events a second, over about the last minute.
    pub events_per_second: f64,
    /// When the last applied event was received.
    #[schema(format = DateTime)]
    pub last_event_at: Option<String>,
    /// Accepted events that are not in answers yet.
    pub lag_events: u64,
    /// Rejected events of the last 24 hours.
    pub rejects_24h: i64,
}

/// Is data coming in.
#[utoipa::path(get, path = "/api/v1/data-health", tag = "data", security(("caller" = ["enter"])),
    responses((status = 200, body = DataHealth)))]
async fn show(State(app): State<App>, caller: Caller) -> Result<Json<DataHealth>> {
    let now = app.now();
    let mut db = app.installation.store.read();
    let last = sources::all(&mut db, caller.workspace).await?.into_iter().filter_map(|row| row.last_event_at).max();
    let head = app.installation.log.head();
    Ok(Json(DataHealth {
        events_per_second: app.arrivals.rate(now, head),
        last_event_at: wire::optional_time(last),
        lag_events: head.saturating_sub(app.pipeline.applied()),
        rejects_24h: rejects::count(&mut db, caller.workspace, None, now.plus(-Timestamp::DAY)).await?,
    }))
}

/// Remembers where the log ended at times within the last minute.
#[derive(Debug, Default)]
pub struct Arrivals(Mutex<VecDeque<(Timestamp, u64)>>);

impl Arrivals {
    /// Events a second since about a minute ago, or since the first time it was asked.
    fn rate(&self, now: Timestamp, head: u64) -> f64 {
        let mut seen = self.0.lock().expect("no holder of this lock can panic");
        // The newest sight that is a minute old is the beginning; older ones are not needed.
        while seen.get(1).is_some_and(|(at, _)| now.0 - at.0 >= Timestamp::MINUTE) {
            seen.pop_front();
        }
        if seen.back().is_none_or(|(at, _)| now.0 - at.0 >= Timestamp::SECOND) {
            seen.push_back((now, head));
        }
        let Some((since, from)) = seen.front() else { return 0.0 };
        let micros = now.0 - since.0;
        if micros <= 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = head.saturating_sub(*from) as f64 * Timestamp::SECOND as f64 / micros as f64;
        (rate * 10.0).round() / 10.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let arrivals = Arrivals::default();
        assert_eq!(arrivals.rate(Timestamp(0), 1_000), 0.0);
        assert_eq!(arrivals.rate(Timestamp::from_seconds(10), 1_500), 50.0);
        for second in 11..200 {
            arrivals.rate(Timestamp::from_seconds(second), 1_500);
        }
        assert_eq!(arrivals.rate(Timestamp::from_seconds(200), 1_500), 0.0);
        assert_eq!(arrivals.rate(Timestamp::from_seconds(200), 1_560), 1.0);
        assert!(arrivals.0.lock().unwrap().len() < 65);
    }
}
