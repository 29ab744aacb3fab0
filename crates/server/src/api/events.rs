//! `/api/v1/events` and `/api/v1/properties`: what there is to ask about.

use axum::extract::State;
use rapport_lake::PropertyType;
use rapport_profiles::classify;
use rapport_profiles::records::{event_names, facts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::shapes::time;
use super::timeline::room;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::http::route::routes;
use crate::problem::Problem;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(names)).routes(routes!(properties)).routes(routes!(values))
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
    /// event, trait or account.
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

/// Of which event.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PropertiesQuery {
    /// Only properties of this event; without it, those of all events, and traits.
    #[serde(default)]
    event: String,
}

/// Lists properties of events and traits of customers.
#[utoipa::path(get, path = "/api/v1/properties", security(("caller" = ["view_data"])), tag = "data", params(PropertiesQuery),
    responses((status = 200, body = Properties)))]
pub async fn properties(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PropertiesQuery>,
) -> Result<Json<Properties>, Problem> {
    caller.require(Permission::ViewData)?;
    let event = (!query.event.is_empty()).then_some(query.event.as_str());
    let found = app.installation.analytics.properties(caller.workspace, event).await?;
    let mut rows: Vec<Property> = found
        .into_iter()
        .filter(|property| property.events > 0)
        .map(|property| Property {
            path: property.path,
            of: "event".to_owned(),
            types: property.types.into_iter().map(|kind| type_name(kind).to_owned()).collect(),
            count: i64::try_from(property.events).unwrap_or(i64::MAX),
            category: "behavioural".to_owned(),
            storage: if property.is_column { "column" } else { "residual" }.to_owned(),
        })
        .collect();
    if event.is_some() {
        return Ok(Json(Properties { rows }));
    }
    for (key, count) in facts::keys(&mut app.installation.store.read(), caller.workspace).await? {
        // Other facts are no traits that anybody sent: their owners say what they are.
        let Some((of, path)) = key.split_once('.').filter(|(of, _)| ["trait", "account"].contains(of)) else {
            continue;
        };
        let (of, path) = (of.to_owned(), path.to_owned());
        let category = classify::category(&path, "").as_str().to_owned();
        rows.push(Property { path, of, types: vec!["text".into()], count, category, storage: "database".into() });
    }
    Ok(Json(Properties { rows }))
}

/// Whose values.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ValuesQuery {
    /// The property's path.
    path: String,
    /// Only of this event.
    #[serde(default)]
    event: String,
}

/// A value of a property.
#[derive(Debug, Serialize, ToSchema)]
pub struct PropertyValue {
    value: String,
    /// How many events have it.
    count: u64,
}

/// The most frequent values of a property.
#[derive(Debug, Serialize, ToSchema)]
pub struct PropertyValues {
    rows: Vec<PropertyValue>,
}

/// Lists a property's most frequent values.
#[utoipa::path(get, path = "/api/v1/properties/values", security(("caller" = ["view_data"])), tag = "data", params(ValuesQuery),
    responses((status = 200, body = PropertyValues)))]
pub async fn values(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ValuesQuery>,
) -> Result<Json<PropertyValues>, Problem> {
    caller.require(Permission::ViewData)?;
    let event = (!query.event.is_empty()).then_some(query.event.as_str());
    let found = app.installation.analytics.values(caller.workspace, event, &query.path, MOST_VALUES).await?;
    let rows = found.into_iter().map(|value| PropertyValue { value: value.value, count: value.events });
    Ok(Json(PropertyValues { rows: rows.collect() }))
}

/// How many values a picker offers.
const MOST_VALUES: usize = 30;

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
