//! `/api/v1/events` and `/api/v1/properties`: what there is to ask about.

use axum::Json;
use axum::extract::State;
use rapport_lake::PropertyType;
use rapport_profiles::classify;
use rapport_profiles::records::{event_names, facts};
use serde::Serialize;
use utoipa::ToSchema;

use super::shapes::time;
use super::timeline::room;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(names)).routes(routes!(properties))
}

/// An event name in use.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventName {
    name: String,
    /// The part of the business it belongs to.
    room: String,
    /// How many, superseded ones included.
    count: i64,
    first_at: String,
    last_at: String,
}

/// All event names.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventNames {
    rows: Vec<EventName>,
}

/// Lists the names of events, the most frequent first.
#[utoipa::path(get, path = "/api/v1/events", security(("caller" = ["view_data"])), tag = "data", responses((status = 200, body = EventNames)))]
pub async fn names(State(app): State<App>, caller: Caller) -> Result<Json<EventNames>, Problem> {
    caller.require(Permission::ViewData)?;
    let rows = event_names::all(&mut app.installation.store.read(), caller.workspace).await?;
    let rows = rows.into_iter().map(|row| EventName {
        room: room(&row.name).to_owned(),
        count: row.events,
        first_at: time(row.first_at),
        last_at: time(row.last_at),
        name: row.name,
    });
    Ok(Json(EventNames { rows: rows.collect() }))
}

/// A property of events, or a trait of customers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Property {
    path: String,
    /// event or trait.
    of: String,
    /// Types seen: text, number, boolean, money.
    types: Vec<String>,
    count: i64,
    /// What it says about a person: behavioural, identifier, contact or free_text.
    category: String,
    /// column (fast), residual, or database (withheld from the lake).
    storage: String,
}

/// All properties.
#[derive(Debug, Serialize, ToSchema)]
pub struct Properties {
    rows: Vec<Property>,
}

/// Lists properties of events and traits of customers.
#[utoipa::path(get, path = "/api/v1/properties", security(("caller" = ["view_data"])), tag = "data", responses((status = 200, body = Properties)))]
pub async fn properties(State(app): State<App>, caller: Caller) -> Result<Json<Properties>, Problem> {
    caller.require(Permission::ViewData)?;
    let snapshot = app.installation.lake.snapshot(caller.workspace).await?;
    let mut rows: Vec<Property> = Vec::new();
    for (path, kind, used) in snapshot.properties().paths() {
        let storage = if snapshot.is_column(path, kind) { "column" } else { "residual" };
        match rows.last_mut() {
            // The registry gives the types of one path together.
            Some(last) if last.path == path => {
                last.types.push(type_name(kind).to_owned());
                last.count += used.rows;
            }
            _ => rows.push(Property {
                path: path.to_owned(),
                of: "event".to_owned(),
                types: vec![type_name(kind).to_owned()],
                count: used.rows,
                category: "behavioural".to_owned(),
                storage: storage.to_owned(),
            }),
        }
    }
    for (key, count) in facts::keys(&mut app.installation.store.read(), caller.workspace).await? {
        let path = key.strip_prefix("trait.").map_or(key.clone(), str::to_owned);
        let category = classify::category(&path, "").as_str().to_owned();
        rows.push(Property {
            path,
            of: "trait".into(),
            types: vec!["text".into()],
            count,
            category,
            storage: "database".into(),
        });
    }
    Ok(Json(Properties { rows }))
}

/// What people call a type.
const fn type_name(kind: PropertyType) -> &'static str {
    match kind {
        PropertyType::Number => "number",
        PropertyType::Text => "text",
        PropertyType::Boolean => "boolean",
        PropertyType::Money => "money",
        PropertyType::Json => "list",
    }
}
