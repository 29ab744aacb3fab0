//! `/api/v1/customers/{person_id}/timeline`: everything that happened, newest first. Events come from the lake; what people wrote, and
//! other properties that the lake may not hold, from the product database.

use std::collections::HashMap;

use axum::extract::State;
use rapport_domain::{EventId, Handle, PersonId, Timestamp, WorkspaceId, money, shop_events};
use rapport_feedback::verbatims::records::{self as verbatims, VerbatimRow};
use rapport_lake::EventRow;
use rapport_profiles::records::orders::OrderRow;
use rapport_profiles::records::texts::TextRow;
use rapport_profiles::records::{identifiers, texts};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::customers::{find, name_of};
use super::shapes::time;
use super::texts::Understanding;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::challenges::facts as doings;
use crate::http::extract::{Json, Path, Query};
use crate::http::route::routes;
use crate::points::facts;
use crate::problem::Problem;
use crate::records::{sources, workspaces};
use crate::tiers::facts as standings;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Which part of the timeline.
#[derive(Debug, Deserialize, IntoParams)]
pub struct TimelineQuery {
    /// Only events of this room: ordering, browsing, messages, feedback, support, subscriptions or use.
    kind: Option<String>,
    /// `next` of the page before.
    before: Option<String>,
    /// At most so many, 50 unless told, 200 at most.
    limit: Option<usize>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineItem {
    /// The event's id.
    pub event_id: String,
    /// When it happened.
    pub occurred_at: String,
    /// When we learned of it.
    pub received_at: String,
    /// The event's standard name.
    pub name: String,
    /// identify, track, page ...
    pub kind: String,
    /// The part of the business it belongs to.
    pub room: String,
    /// What happened, in words.
    pub title: String,
    /// More about it, in words.
    pub detail: String,
    /// Who told us.
    pub source_name: String,
    /// All that is known about it.
    #[schema(value_type = Object)]
    pub properties: Map<String, Value>,
    /// How what they wrote was understood, if they wrote something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub understood: Option<Understanding>,
    /// A newer version of the same row has replaced it. The lake no longer shows such events, so this is false.
    pub superseded: bool,
}

/// A page of the timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct Timeline {
    rows: Vec<TimelineItem>,
    next: Option<String>,
}

/// Shows what happened with one customer.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/timeline", security(("caller" = ["view_people"])), tag = "customers",
    params(("person_id" = String, Path), TimelineQuery), responses((status = 200, body = Timeline)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
    Query(query): Query<TimelineQuery>,
) -> Result<Json<Timeline>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person = find(&app, caller.workspace, &person).await?.person;
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let mut before = match query.before.as_deref() {
        None | Some("") => None,
        Some(text) => Some(Timestamp(
            text.parse().map_err(|_| Problem::bad_request("unknown_cursor", "before is the `next` of an answer"))?,
        )),
    };
    let mut found: Vec<EventRow> = Vec::new();
    let wanted = |row: &EventRow| query.kind.as_deref().is_none_or(|kind| kind.is_empty() || room(&row.name) == kind);
    let mut more = true;
    // A filter may leave little of a page, so pages are read until one is full.
    while more && found.len() < limit {
        let size = limit * if query.kind.is_some() { 4 } else { 1 } + 1;
        let rows = app.installation.lake.person_events(caller.workspace, person, None, before, size).await?;
        more = rows.len() == size;
        let Some(last) = rows.last() else { break };
        // Events of the instant at which a page ends are read again with the next one, whole, unless they filled the page.
        let cut = last.occurred_at;
        let keep_all = !more || rows[0].occurred_at == cut;
        found.extend(rows.into_iter().filter(|row| keep_all || row.occurred_at > cut).filter(wanted));
        before = Some(if keep_all { cut } else { cut.plus(1) });
    }
    let next = if more { before.map(|at| at.0.to_string()) } else { None };
    let rows = items(&app, caller.workspace, found).await?;
    Ok(Json(Timeline { rows, next }))
}

/// Events as people read them.
pub async fn items(app: &App, workspace: WorkspaceId, events: Vec<EventRow>) -> Result<Vec<TimelineItem>, Problem> {
    let mut db = app.installation.store.read();
    let Written { texts: written, understood } = written(app, workspace, &events).await?;
    let sources = sources::all(&mut db, workspace).await?;
    let currency = workspaces::find(&mut db, workspace).await?.map(|w| w.currency).unwrap_or_default();
    let items = events.into_iter().map(|row| {
        let mut properties = unflatten(row.properties());
        let content =
            written.get(&row.event_id).and_then(|text| serde_json::from_str::<Map<String, Value>>(&text.content).ok());
        let quote = content.as_ref().and_then(quote);
        properties.extend(content.unwrap_or_default());
        let (title, detail) = words(&row.name, &properties, &currency);
        TimelineItem {
            event_id: row.event_id.to_hex(),
            occurred_at: time(row.occurred_at),
            received_at: time(row.received_at),
            kind: row.kind.as_str().to_owned(),
            room: room(&row.name).to_owned(),
            title,
            detail: quote.unwrap_or(detail),
            source_name: name_of(&sources, row.source),
            name: row.name,
            properties,
            understood: understood.get(&row.event_id).map(Understanding::of),
            superseded: false,
        }
    });
    Ok(items.collect())
}

/// What was written in some events, and how it was understood.
#[derive(Default)]
struct Written {
    texts: HashMap<EventId, TextRow>,
    understood: HashMap<EventId, VerbatimRow>,
}

async fn written(app: &App, workspace: WorkspaceId, events: &[EventRow]) -> Result<Written, Problem> {
    let (Some(newest), Some(oldest)) =
        (events.iter().map(|e| e.occurred_at).max(), events.iter().map(|e| e.occurred_at).min())
    else {
        return Ok(Written::default());
    };
    let mut handles: Vec<Handle> = events.iter().map(|event| event.handle).collect();
    handles.sort_unstable();
    handles.dedup();
    let mut db = app.installation.store.read();
    // A row of the lake keeps the handle it was written under, and so does the text.
    let known = identifiers::by_handles(&mut db, workspace, &handles).await?;
    let handles: Vec<Handle> = known.iter().map(|row| row.handle).collect();
    let rows = texts::of_handles(&mut db, workspace, &handles, oldest, newest, 2_000).await?;
    let texts = rows.into_iter().map(|row| (EventId(row.event_id), row)).collect();
    let rows = verbatims::of_handles(&mut db, workspace, &handles, oldest, newest).await?;
    Ok(Written { texts, understood: rows.into_iter().map(|row| (EventId(row.event_id), row)).collect() })
}

/// What the person wrote, in quotation marks.
fn quote(content: &Map<String, Value>) -> Option<String> {
    written_text(content).map(|text| format!("“{text}”"))
}

/// The text among withheld properties.
pub fn written_text(content: &Map<String, Value>) -> Option<String> {
    let keys = ["text", "comment", "body", "message", "review_body", "subject", "query", "answer"];
    keys.iter().find_map(|key| content.get(*key)?.as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The room of a standard event; events of the customer's own are "use".
pub fn room(name: &str) -> &'static str {
    let found = shop_events::STANDARD.iter().find(|(_, names)| names.contains(&name));
    found.map_or("use", |(room, _)| room)
}

/// So many events of the instant at which an order was placed are looked at.
const AT_ONCE: usize = 50;

/// An order as it was told, with all its properties; `None` when the lake does not have it any more.
pub async fn order(
    app: &App,
    workspace: WorkspaceId,
    person: PersonId,
    order: &OrderRow,
) -> Result<Option<TimelineItem>, Problem> {
    let before = Some(order.placed_at.plus(1));
    let rows = app.installation.lake.person_events(workspace, person, None, before, AT_ONCE).await?;
    let row = rows.into_iter().filter(|row| row.event_id.0 == order.event_id).collect();
    Ok(items(app, workspace, row).await?.pop())
}

/// An order of the product database as a timeline shows it.
pub fn order_item(order: &OrderRow) -> TimelineItem {
    let number = if order.order_id.starts_with("event:") { "" } else { order.order_id.as_str() };
    let amount = format!("{} {}", order.currency, money::format_micros(order.revenue_micros));
    TimelineItem {
        event_id: EventId(order.event_id).to_hex(),
        occurred_at: time(order.placed_at),
        received_at: time(order.placed_at),
        name: shop_events::ORDER_COMPLETED.to_owned(),
        kind: "track".to_owned(),
        room: "ordering".to_owned(),
        title: format!("Order {number}, {amount}"),
        detail: if order.lines == 1 { "1 item".to_owned() } else { format!("{} items", order.lines) },
        source_name: String::new(),
        properties: Map::new(),
        understood: None,
        superseded: false,
    }
}

/// Paths joined by dots back into objects.
pub(crate) fn unflatten(flat: &[(String, Value)]) -> Map<String, Value> {
    let mut root = Map::new();
    for (path, value) in flat.iter().filter(|(path, _)| !path.starts_with("context.")) {
        if !place(&mut root, path, value) {
            root.insert(path.clone(), value.clone());
        }
    }
    root
}

/// Puts a value at its path; false when something that is no object stands in the way.
fn place(object: &mut Map<String, Value>, path: &str, value: &Value) -> bool {
    let Some((first, rest)) = path.split_once('.') else {
        object.insert(path.to_owned(), value.clone());
        return true;
    };
    match object.entry(first.to_owned()).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => place(inner, rest, value),
        _ => false,
    }
}

/// A title and a line for an event.
fn words(name: &str, properties: &Map<String, Value>, currency: &str) -> (String, String) {
    let text = |key: &str| properties.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let shown = |key: &str| match properties.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let amount = |keys: &[&str]| {
        let micros = keys.iter().find_map(|key| properties.get(*key).and_then(money::micros_from_json));
        let own = properties.get("currency").and_then(Value::as_str).unwrap_or(currency);
        micros.map(|m| format!("{own} {}", money::format_micros(m.abs()))).unwrap_or_default()
    };
    let product = [text("name"), text("title"), text("sku"), text("product_id")].into_iter().find(|t| !t.is_empty());
    let product = product.unwrap_or_default();
    let join = |parts: &[String]| parts.iter().filter(|p| !p.is_empty()).cloned().collect::<Vec<_>>().join(", ");
    match name {
        shop_events::ORDER_COMPLETED => {
            let lines = properties.get("products").and_then(Value::as_array).map_or(0, Vec::len);
            let items = match lines {
                0 => String::new(),
                1 => "1 item".to_owned(),
                n => format!("{n} items"),
            };
            let number = shown("order_id");
            (join(&[format!("Order {number}").trim_end().to_owned(), amount(&["revenue", "total"])]), items)
        }
        shop_events::ORDER_REFUNDED => (
            join(&["Money back".to_owned(), amount(&["refund", "amount", "revenue", "total"])]),
            format!("order {}", shown("order_id")),
        ),
        "Survey Answered" => (join(&[format!("Answered {}", shown("score"))]), text("survey")),
        shop_events::PRODUCT_REVIEWED => {
            (format!("Rated {} {}", product, shown("rating")).trim().to_owned(), String::new())
        }
        shop_events::PAGE_VIEWED => {
            (format!("Looked at {}", if product.is_empty() { shown("path") } else { product }), shown("path"))
        }
        _ if standings::NAMES.iter().any(|(_, known)| *known == name) => {
            (join(&[name.to_owned(), shown("tier")]), shown("ladder"))
        }
        _ if doings::NAMES.iter().any(|(_, known)| *known == name) => {
            (join(&[name.to_owned(), shown("badge")]), join(&[shown("challenge"), shown("leaderboard")]))
        }
        _ if facts::NAMES.iter().any(|(_, known)| *known == name) => {
            (join(&[name.to_owned(), shown("amount")]), shown("wallet"))
        }
        _ => (name.to_owned(), join(&[product, shown("category"), amount(&["price", "mrr"]), shown("channel")])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_become_objects_again() {
        let flat = [
            ("a.b".to_owned(), json!(1)),
            ("a.c".to_owned(), json!("x")),
            ("d".to_owned(), json!(true)),
            ("d.e".to_owned(), json!(2)),
        ];
        assert_eq!(Value::Object(unflatten(&flat)), json!({"a": {"b": 1, "c": "x"}, "d": true, "d.e": 2}));
    }

    #[test]
    fn orders_are_told_in_words() {
        let properties = json!({"order_id": 30117, "revenue": "92.4", "currency": "EUR", "products": [{}, {}]});
        let told = words("Order Completed", properties.as_object().unwrap(), "USD");
        assert_eq!(told, ("Order 30117, EUR 92.40".to_owned(), "2 items".to_owned()));
        let earned = json!({"amount": 92, "wallet": "points", "operation": 7});
        let told = words("Points Earned", earned.as_object().unwrap(), "USD");
        assert_eq!(told, ("Points Earned, 92".to_owned(), "points".to_owned()));
    }
}
