//! `/api/v1/webhooks`: where domain events are sent.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_engagement::service;
use rapport_loyalty::records::{gift_cards, partners};
use rapport_segments::live::{ENTERED, EXITED, RESTATED};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::challenges::facts as doings;
use crate::erasing;
use crate::http::extract::{Json, Path};
use crate::points::facts;
use crate::problem::Problem;
use crate::records::webhooks::{self as records, WebhookRow};
use crate::sending;
use crate::tiers::facts as standings;
use crate::webhooks;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(update, delete)).routes(routes!(test))
}

/// Webhooks of a workspace.
const MOST: usize = 50;
/// What can be sent, beside what loyalty tells.
const EVENTS: [&str; 14] = [
    ENTERED,
    EXITED,
    RESTATED,
    erasing::ERASED,
    service::ENTERED,
    service::EXITED,
    service::GOAL,
    service::EXPOSED,
    sending::SENT,
    sending::DELIVERED,
    sending::BOUNCED,
    sending::COMPLAINED,
    sending::CLICKED,
    sending::FAILED,
];
/// What loyalty tells that is about nobody, and so on no timeline.
const ABOUT_NOBODY: [&str; 5] =
    [partners::MONTH_CLOSED, gift_cards::TOPPED_UP, gift_cards::SPENT, gift_cards::REFUNDED, gift_cards::VOIDED];

/// The names of what loyalty tells.
fn of_loyalty() -> impl Iterator<Item = &'static str> {
    let about_somebody = facts::NAMES.iter().chain(&standings::NAMES).chain(&doings::NAMES);
    about_somebody.map(|(name, _)| *name).chain(ABOUT_NOBODY)
}

/// The names of all events that can be sent.
fn names() -> impl Iterator<Item = &'static str> {
    EVENTS.into_iter().chain(of_loyalty())
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhook {
    id: String,
    url: String,
    /// `membership.entered`, `membership.exited`, `membership.restated`, `person.erased`, `journey.entered`, `journey.exited`, `journey.goal_reached`,
    /// `experiment.exposed`, `message.sent`, `message.delivered`, `message.bounced`, `message.complained`, `message.clicked`, `message.failed`;
    /// of loyalty `points.earned`, `points.expiring`, `tier.reached`, `reward.redeemed` and the others that the guide Loyalty lists.
    events: Vec<String>,
    /// Keys of segments; empty for all.
    segments: Vec<String>,
    /// Whether it is sent to; one that has failed for three days is switched off.
    active: bool,
    created_at: String,
    /// Events it has not got yet.
    waiting: i64,
    last_at: Option<String>,
    /// The last status it answered.
    last_status: Option<i64>,
    /// Why nothing arrived.
    last_error: Option<String>,
    /// What messages are signed with; shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// All webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhooks {
    rows: Vec<Webhook>,
}

async fn shown(app: &App, row: WebhookRow) -> Result<Webhook, Problem> {
    let list = |text: &str| serde_json::from_str(text).unwrap_or_default();
    Ok(Webhook {
        waiting: webhooks::waiting(&app.installation.store, &row).await?,
        id: row.id.to_string(),
        events: list(&row.events),
        segments: list(&row.segments),
        url: row.url,
        active: row.active,
        created_at: time(row.created_at),
        last_at: row.last_at.map(time),
        last_status: row.last_status,
        last_error: row.last_error,
        secret: None,
    })
}

async fn find(app: &App, workspace: WorkspaceId, id: &str) -> Result<WebhookRow, Problem> {
    let rows = records::all(&mut app.installation.store.read(), workspace).await?;
    rows.into_iter().find(|row| row.id.as_str() == id).ok_or_else(|| Problem::not_found("webhook"))
}

/// Lists webhooks.
#[utoipa::path(get, path = "/api/v1/webhooks", security(("caller" = ["view_data"])), tag = "webhooks", operation_id = "list_webhooks", responses((status = 200, body = Webhooks)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Webhooks>, Problem> {
    caller.require(Permission::ViewData)?;
    let mut rows = Vec::new();
    for row in records::all(&mut app.installation.store.read(), caller.workspace).await? {
        rows.push(shown(&app, row).await?);
    }
    Ok(Json(Webhooks { rows }))
}

/// A webhook to make or to change; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct WebhookBody {
    /// Where to.
    url: Option<String>,
    /// Which events.
    events: Option<Vec<String>>,
    /// Of which segments; empty for all.
    segments: Option<Vec<String>>,
    /// Whether it is sent to.
    active: Option<bool>,
}

impl WebhookBody {
    fn apply(self, row: &mut WebhookRow, now: Timestamp) -> Result<(), Problem> {
        if let Some(url) = self.url {
            let url = url.trim();
            if url.len() > 2_000 {
                return Err(Problem::invalid("url", "an address has at most 2,000 characters"));
            }
            webhooks::checked(url).map_err(|error| Problem::invalid("url", error.to_string()))?;
            row.url = url.to_owned();
        }
        if let Some(events) = self.events {
            if events.is_empty() || events.iter().any(|event| !names().any(|name| name == event)) {
                let known: Vec<&str> = names().collect();
                return Err(Problem::invalid("events", format!("name one or more of {}", known.join(", "))));
            }
            row.events = serde_json::json!(events).to_string();
        }
        if let Some(segments) = self.segments {
            if segments.len() > 200 || segments.iter().any(|key| !super::segments::is_key(key)) {
                return Err(Problem::invalid("segments", "name at most 200 segments by their keys"));
            }
            row.segments = serde_json::json!(segments).to_string();
        }
        if let Some(active) = self.active {
            row.active = active;
        }
        // Whoever changes something wants to see at once whether it works.
        (row.attempts, row.failing_since, row.next_at) = (0, None, now);
        Ok(())
    }
}

/// Adds a webhook, which hears of what happens from now on. Its secret is shown this once.
#[utoipa::path(post, path = "/api/v1/webhooks", security(("caller" = ["manage_sources"])), tag = "webhooks", operation_id = "create_webhook", request_body = WebhookBody, responses((status = 200, body = Webhook), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<WebhookBody>,
) -> Result<Json<Webhook>, Problem> {
    caller.require(Permission::ManageSources)?;
    if body.url.is_none() || body.events.is_none() {
        return Err(Problem::invalid("url", "a webhook has an address and events"));
    }
    let now = app.installation.clock.now();
    let secret = webhooks::new_secret(&*app.installation.rng);
    let mut row = WebhookRow {
        id: Id::new("whk", &*app.installation.clock, &*app.installation.rng),
        workspace: caller.workspace,
        url: String::new(),
        secret: secret.clone(),
        events: "[]".to_owned(),
        segments: "[]".to_owned(),
        active: true,
        created_at: now,
        failing_since: None,
        attempts: 0,
        next_at: now,
        last_at: None,
        last_status: None,
        last_error: None,
    };
    body.apply(&mut row, now)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if records::all(&mut tx, caller.workspace).await?.len() >= MOST {
        return Err(Problem::invalid("url", format!("there are {MOST} webhooks already")));
    }
    webhooks::begin(&mut tx, &row).await?;
    records::save(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Json(Webhook { secret: Some(secret), ..shown(&app, row).await? }))
}

/// Changes a webhook.
#[utoipa::path(put, path = "/api/v1/webhooks/{id}", security(("caller" = ["manage_sources"])), tag = "webhooks", operation_id = "update_webhook", params(("id" = String, Path)), request_body = WebhookBody, responses((status = 200, body = Webhook), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<WebhookBody>,
) -> Result<Json<Webhook>, Problem> {
    caller.require(Permission::ManageSources)?;
    let mut row = find(&app, caller.workspace, &id).await?;
    body.apply(&mut row, app.installation.clock.now())?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    records::save(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Json(shown(&app, row).await?))
}

/// Deletes a webhook.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", security(("caller" = ["manage_sources"])), tag = "webhooks", operation_id = "delete_webhook", params(("id" = String, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    caller.require(Permission::ManageSources)?;
    let row = find(&app, caller.workspace, &id).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    records::delete(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tested {
    /// The status it answered.
    status: Option<u16>,
    /// Why nothing arrived.
    error: Option<String>,
    took_ms: i64,
}

/// Sends a webhook a message `webhook.test`, signed like any other.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/test", security(("caller" = ["manage_sources"])), tag = "webhooks", operation_id = "test_webhook", params(("id" = String, Path)), responses((status = 200, body = Tested)))]
pub async fn test(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Tested>, Problem> {
    caller.require(Permission::ManageSources)?;
    let row = find(&app, caller.workspace, &id).await?;
    let began = app.installation.clock.now();
    let outcome = webhooks::test(&row, app.settings.webhooks.private_addresses, began).await;
    let took_ms = (app.installation.clock.now().0 - began.0) / 1_000;
    let (status, error) = match outcome {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    Ok(Json(Tested { status, error, took_ms }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names in a guide's list, where `.spent` behind `points.earned` is `points.spent`.
    fn listed(text: &str) -> BTreeSet<String> {
        let section = text.split("\n## ").find_map(|part| part.strip_prefix("Webhooks\n")).unwrap();
        let mut group = "";
        let mut names = BTreeSet::new();
        for line in section.lines().filter(|line| line.starts_with("* ")) {
            for name in line.split('`').skip(1).step_by(2) {
                let (before, behind) = name.split_once('.').unwrap();
                if !before.is_empty() {
                    group = before;
                }
                names.insert(format!("{group}.{behind}"));
            }
        }
        names
    }

    #[test]
    fn the_guide_lists_what_loyalty_tells() {
        let known: BTreeSet<String> = of_loyalty().map(str::to_owned).collect();
        assert_eq!(listed(include_str!("../../../../docs/guides/loyalty.md")), known);
    }

    #[test]
    fn the_console_offers_every_event_once() {
        let text = include_str!("../../../../web/src/lib/api/segments.ts");
        let list = text.split_once("WEBHOOK_EVENTS = [").unwrap().1.split_once(']').unwrap().0;
        let mut offered: Vec<&str> = list.split('\'').skip(1).step_by(2).collect();
        offered.sort_unstable();
        let mut known: Vec<&str> = names().collect();
        known.sort_unstable();
        assert_eq!(offered, known);
    }
}
