//! `/api/v1/messages`: what was sent to whom, what became of it, and what failed.

use std::collections::HashMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Channel;
use rapport_engagement::records::inbox;
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_engagement::sending::Reason;
use rapport_profiles::records::persons;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::customers;
use super::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(of_customer))
        .routes(routes!(replay))
}

/// So many in a list.
const MOST: i64 = 100;
/// So many are tried again at once.
const MOST_REPLAYED: i64 = 10_000;

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageShape {
    id: String,
    person_id: String,
    channel: String,
    /// `marketing`, `service` or `transactional`.
    class: String,
    topic: Option<String>,
    journey: Option<String>,
    node: Option<String>,
    template: String,
    template_version: Option<i64>,
    /// `queued`, `held` (its journey is paused), `sending`, `sent`, `delivered`, `bounced`, `complained`, `skipped` or `failed`.
    state: String,
    /// Why it was not sent.
    reason: Option<String>,
    /// The same in a sentence.
    sentence: Option<String>,
    /// What the other side answered last.
    response: Option<String>,
    attempts: i64,
    decided_at: String,
    due_at: Option<String>,
    sent_at: Option<String>,
    delivered_at: Option<String>,
    bounced_at: Option<String>,
    complained_at: Option<String>,
    opened_at: Option<String>,
    clicked_at: Option<String>,
    /// When its reader unsubscribed by it.
    unsubscribed_at: Option<String>,
    /// What stands in it, if it was put into the inbox on the company's site: title, body, url, image_url, label.
    #[schema(value_type = Option<Object>)]
    content: Option<Value>,
}

impl From<MessageRow> for MessageShape {
    fn from(row: MessageRow) -> Self {
        let sentence = row.reason.as_deref().and_then(Reason::parse).map(|reason| reason.sentence().to_owned());
        Self {
            id: row.id,
            person_id: row.person.to_string(),
            channel: row.channel,
            class: row.class,
            topic: row.topic,
            journey: row.journey,
            node: Some(row.node).filter(|node| !node.is_empty()),
            template: row.template,
            template_version: row.template_version,
            state: row.state,
            reason: row.reason,
            sentence,
            response: row.response,
            attempts: row.attempts,
            decided_at: time(row.decided_at),
            due_at: row.due_at.map(time),
            sent_at: row.sent_at.map(time),
            delivered_at: row.delivered_at.map(time),
            bounced_at: row.bounced_at.map(time),
            complained_at: row.complained_at.map(time),
            opened_at: row.opened_at.map(time),
            clicked_at: row.clicked_at.map(time),
            unsubscribed_at: row.unsubscribed_at.map(time),
            content: None,
        }
    }
}

/// Which messages.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MessagesQuery {
    /// Of this journey.
    journey: Option<String>,
    /// Of this node.
    node: Option<String>,
    /// In this state.
    state: Option<String>,
}

/// A message with its reader.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageTo {
    customer: Option<CustomerRow>,
    message: MessageShape,
}

/// Messages, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Messages {
    rows: Vec<MessageTo>,
}

/// Lists the latest messages.
#[utoipa::path(get, path = "/api/v1/messages", security(("caller" = ["view_people"])), tag = "messages", operation_id = "list_messages", params(("journey" = Option<String>, Query), ("node" = Option<String>, Query), ("state" = Option<String>, Query)), responses((status = 200, body = Messages)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<MessagesQuery>,
) -> Result<Json<Messages>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let (journey, node, state) = (query.journey.as_deref(), query.node.as_deref(), query.state.as_deref());
    let found = messages::latest(&mut db, caller.workspace, journey, node, state, MOST).await?;
    let ids: Vec<_> = found.iter().map(|row| row.person).collect();
    let known = persons::by_ids(&mut db, caller.workspace, &ids).await?;
    let rows = found.into_iter().map(|row| MessageTo {
        customer: known.iter().find(|it| it.person == row.person).map(CustomerRow::of),
        message: row.into(),
    });
    Ok(Json(Messages { rows: rows.collect() }))
}

/// A look at a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookShape {
    /// `click` or `open`.
    kind: String,
    link: i64,
    at: String,
    /// How likely it was a machine, from 0 to 100; not known in the first seconds.
    bot_score: Option<i64>,
    /// What speaks for a machine, as words.
    signs: String,
}

/// A message with all that was heard of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagePage {
    message: MessageShape,
    looks: Vec<LookShape>,
}

/// Shows a message.
#[utoipa::path(get, path = "/api/v1/messages/{id}", security(("caller" = ["view_people"])), tag = "messages", operation_id = "message", params(("id" = String, Path)), responses((status = 200, body = MessagePage)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<MessagePage>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let row = messages::find(&mut db, caller.workspace, &id).await?.ok_or_else(|| Problem::not_found("message"))?;
    let looks = messages::clicks_of(&mut db, caller.workspace, &id).await?.into_iter().map(|look| LookShape {
        kind: look.kind,
        link: look.link,
        at: time(look.at),
        bot_score: Some(look.bot_score).filter(|score| *score != messages::UNJUDGED),
        signs: look.signs,
    });
    Ok(Json(MessagePage { message: row.into(), looks: looks.collect() }))
}

/// The messages of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerMessages {
    /// The latest first.
    rows: Vec<MessageShape>,
}

/// Lists what was sent to a customer, or was not, and why.
#[utoipa::path(get, path = "/api/v1/customers/{id}/messages", security(("caller" = ["view_people"])), tag = "messages", operation_id = "messages_of_customer", params(("id" = String, Path)), responses((status = 200, body = CustomerMessages)))]
pub async fn of_customer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<CustomerMessages>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person = customers::find(&app, caller.workspace, &id).await?.person;
    let mut db = app.installation.store.read();
    let rows = messages::of_person(&mut db, caller.workspace, person, MOST).await?;
    let in_app = rows.iter().filter(|row| row.channel == Channel::InApp.as_str());
    let ids: Vec<String> = in_app.map(|row| row.id.clone()).collect();
    let mut contents: HashMap<String, Value> =
        inbox::contents(&mut db, caller.workspace, &ids).await?.into_iter().collect();
    let shape = |row: MessageRow| {
        let content = contents.remove(&row.id);
        MessageShape { content, ..row.into() }
    };
    Ok(Json(CustomerMessages { rows: rows.into_iter().map(shape).collect() }))
}

/// Which failed messages.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    /// One; all that failed if nothing is said.
    id: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// How many are tried again.
    messages: u64,
}

/// Tries failed messages again. What may have changed since is asked again before each goes out.
#[utoipa::path(post, path = "/api/v1/messages/replay", security(("caller" = ["edit_journeys"])), tag = "messages", operation_id = "replay_messages", request_body = ReplayBody, responses((status = 200, body = Replayed)))]
pub async fn replay(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ReplayBody>,
) -> Result<Json<Replayed>, Problem> {
    caller.require(Permission::EditJourneys)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let count = messages::replay(&mut tx, caller.workspace, body.id.as_deref(), app.now(), MOST_REPLAYED).await?;
    tx.commit().await?;
    Ok(Json(Replayed { messages: count }))
}
