//! One person and a journey: bringing in, taking out, and why they did or did not get something.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{PersonId, WorkspaceId};
use rapport_engagement::journey::definition::Entry;
use rapport_engagement::journey::{Definition, Situation};
use rapport_engagement::lots::{self, Asked, Lot};
use rapport_engagement::records::instances::{self, InstanceRow};
use rapport_engagement::records::journeys;
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_engagement::sending::Reason;
use rapport_engagement::service::entering::{Occasion, enter};
use rapport_engagement::service::launching;
use rapport_engagement::situations;
use rapport_segments::records::memberships;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::report::InstanceShape;
use super::{find, refused};
use crate::api::customers;
use crate::api::messages::MessageShape;
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::engaging;
use crate::experimenting::lots::JourneyLots;
use crate::http::extract::{Json, Path};
use crate::policies::choosing;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(bring_in))
        .routes(routes!(take_out))
        .routes(routes!(of_customer))
        .routes(routes!(why))
}

/// Who comes in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterBody {
    /// The customer.
    person_id: String,
    /// The occasion, e.g. an order's number: on each they come in once at a time.
    #[serde(default)]
    key: String,
    /// What its messages can say about it.
    #[serde(default)]
    #[schema(value_type = Object)]
    properties: Map<String, Value>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnterAnswer {
    /// Whether they come in; if not, they are in already, or may not come in again.
    entered: bool,
}

/// Brings somebody in. The journey has to be live; who may come in again is as the journey says.
#[utoipa::path(post, path = "/api/v1/journeys/{key}/enter", security(("caller" = ["edit_journeys"])), tag = "journeys", operation_id = "enter_journey", params(("key" = String, Path)), request_body = EnterBody, responses((status = 200, body = EnterAnswer), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn bring_in(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<EnterBody>,
) -> Result<Json<EnterAnswer>, Problem> {
    caller.require(Permission::EditJourneys)?;
    find(&app, caller.workspace, &key).await?;
    let person = customers::find(&app, caller.workspace, &body.person_id).await?.person;
    if body.key.len() > 200 || Value::Object(body.properties.clone()).to_string().len() > 32_768 {
        return Err(Problem::invalid("properties", "the key has at most 200 bytes, the properties at most 32 KB"));
    }
    let installation = &app.installation;
    let plans = installation.plans.get(installation, caller.workspace).await?;
    let Some(one) = plans.open(&key) else {
        let what = "Launch it, or let it go on.";
        return Err(Problem::conflict("journey_not_live", "Nobody comes in: the journey is not live.", what));
    };
    let now = app.now();
    let payload = json!({"name": "", "occurred_at": now.to_rfc3339(), "properties": body.properties});
    let occasion = Occasion { payload, ..Occasion::now(person, body.key, now) };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let with = engaging::with(installation, caller.workspace, &plans);
    let entered = enter(&mut tx, with, one, vec![occasion]).await.map_err(refused)?;
    tx.commit().await?;
    Ok(Json(EnterAnswer { entered: entered > 0 }))
}

/// Who goes out.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TakeOutBody {
    /// The customer.
    person_id: String,
}

/// Takes somebody out of a journey.
#[utoipa::path(post, path = "/api/v1/journeys/{key}/take-out", security(("caller" = ["edit_journeys"])), tag = "journeys", operation_id = "leave_journey", params(("key" = String, Path)), request_body = TakeOutBody, responses((status = 204)))]
pub async fn take_out(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<TakeOutBody>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditJourneys)?;
    find(&app, caller.workspace, &key).await?;
    let person = customers::find(&app, caller.workspace, &body.person_id).await?.person;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    launching::take_out(&mut tx, caller.workspace, &key, person, app.now()).await.map_err(refused)?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody's situation as a plan asks for it, also where its conditions are not kept as segments yet.
pub async fn situation(
    app: &App,
    workspace: WorkspaceId,
    person: PersonId,
    (key, definition): (&str, &Definition),
) -> Result<Situation, Problem> {
    let installation = &app.installation;
    let plans = installation.plans.get(installation, workspace).await?;
    let mut db = installation.store.snapshot().await?;
    let now = app.now();
    let mut people = situations::load(&mut db, workspace, &plans, &[person], now).await.map_err(refused)?;
    let mut situation = people.remove(&person).ok_or_else(|| Problem::not_found("customer"))?;
    let keys: Vec<String> = definition.conditions().iter().map(|(_, when)| when.segment()).collect();
    for (_, key) in memberships::of_keys(&mut db, workspace, &[person], &keys).await? {
        situation.members.insert(key);
    }
    let subject = lots::subject_of(key);
    let lot = |name: &str| Lot { person, experiment: name.to_owned(), subject: subject.clone() };
    let named: Vec<Lot> = lots::named(definition).map(lot).collect();
    let arms = JourneyLots::of(installation).arms_of(&mut db, workspace, &named, now).await?;
    for (lot, arm) in named.into_iter().zip(arms) {
        situation.arms.extend(arm.map(|arm| ((lot.experiment, lot.subject), arm)));
    }
    let asked = |(policy, arms): (&str, Vec<String>)| Asked { person, policy: policy.to_owned(), arms };
    let asked: Vec<Asked> = lots::policies(definition).map(asked).collect();
    let chances = choosing::chances_of(&mut db, workspace, &installation.policies, &asked, now).await?;
    for (asked, chances) in asked.into_iter().zip(chances) {
        situation.chances.extend(chances.map(|it| ((asked.policy, asked.arms), it)));
    }
    let (known, calendar) = crate::api::segments::surroundings(installation, workspace).await?;
    for (_, when) in definition.conditions() {
        let key = when.segment();
        if known.iter().any(|(kept, _)| *kept == key) {
            continue;
        }
        let reason = installation.memberships.explain(workspace, &known, &when.0, &calendar, person).await?;
        if reason.is_some_and(|reason| reason.holds) {
            situation.members.insert(key);
        }
    }
    Ok(situation)
}

/// The journeys of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerJourneys {
    /// The latest first.
    rows: Vec<InstanceShape>,
}

/// Lists the journeys that a customer is or was in.
#[utoipa::path(get, path = "/api/v1/customers/{id}/journeys", security(("caller" = ["view_people"])), tag = "journeys", operation_id = "journeys_of_customer", params(("id" = String, Path)), responses((status = 200, body = CustomerJourneys)))]
pub async fn of_customer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<CustomerJourneys>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person = customers::find(&app, caller.workspace, &id).await?.person;
    let rows = instances::of_person(&mut app.installation.store.read(), caller.workspace, person).await?;
    Ok(Json(CustomerJourneys { rows: rows.into_iter().map(Into::into).collect() }))
}

/// Why somebody got something of a journey, or did not.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhyJourney {
    /// What is so, in sentences, the most important first.
    sentences: Vec<String>,
    /// How often they were in it.
    instances: Vec<InstanceShape>,
    /// What it sent them, or did not.
    messages: Vec<MessageShape>,
}

/// Says why a customer did or did not get what a journey sends.
#[utoipa::path(get, path = "/api/v1/customers/{id}/journeys/{key}", security(("caller" = ["view_people"])), tag = "journeys", operation_id = "why_journey", params(("id" = String, Path), ("key" = String, Path)), responses((status = 200, body = WhyJourney)))]
pub async fn why(
    State(app): State<App>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Result<Json<WhyJourney>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, caller.workspace, &key).await?;
    let person = customers::find(&app, caller.workspace, &id).await?.person;
    let mut db = app.installation.store.read();
    let all = instances::of_person(&mut db, caller.workspace, person).await?;
    let own: Vec<InstanceRow> = all.into_iter().filter(|it| it.journey == key).collect();
    let sent = messages::of_person(&mut db, caller.workspace, person, 1_000).await?;
    let sent: Vec<MessageRow> = sent.into_iter().filter(|it| it.journey.as_deref() == Some(&key)).collect();
    let mut sentences = Vec::new();
    for message in &sent {
        sentences.push(said_of(message));
    }
    if own.is_empty() {
        sentences.extend(never(&app, caller.workspace, &row, person).await?);
    }
    Ok(Json(WhyJourney {
        sentences,
        instances: own.into_iter().map(Into::into).collect(),
        messages: sent.into_iter().map(Into::into).collect(),
    }))
}

fn said_of(message: &MessageRow) -> String {
    let what = format!("{} by {}", message.template, message.channel);
    match message.state.as_str() {
        messages::SKIPPED => {
            let reason = message.reason.as_deref().and_then(Reason::parse).map_or("", Reason::sentence);
            format!("{what} was not sent on {}. {reason}", time(message.decided_at))
        }
        messages::HELD => format!("{what} waits for the journey to go on, which is paused."),
        messages::QUEUED | messages::SENDING => format!("{what} is on its way since {}.", time(message.decided_at)),
        messages::FAILED => {
            format!("{what} could not be sent: {}", message.response.as_deref().unwrap_or("no answer"))
        }
        messages::BOUNCED => format!("{what} came back: {}", message.response.as_deref().unwrap_or("no reason given")),
        _ => format!("{what} was sent on {}.", time(message.sent_at.unwrap_or(message.decided_at))),
    }
}

/// Why somebody never was in a journey.
async fn never(
    app: &App,
    workspace: WorkspaceId,
    row: &journeys::JourneyRow,
    person: PersonId,
) -> Result<Vec<String>, Problem> {
    let mut sentences = Vec::new();
    let versions = journeys::versions(&mut app.installation.store.read(), workspace, &row.key).await?;
    let Some(live) = versions.iter().find(|it| it.version == row.live_version) else {
        return Ok(vec![format!("The journey is {}: nobody has come in yet.", row.state)]);
    };
    let definition = Definition::from_json(&live.definition).map_err(refused)?;
    if row.state != journeys::LIVE {
        sentences.push(format!("The journey is {}: nobody comes in now.", row.state));
    }
    let situation = situation(app, workspace, person, (&row.key, &definition)).await?;
    if definition.audience.as_ref().is_some_and(|when| !situation.members.contains(&when.segment())) {
        sentences.push("They are not part of its audience.".to_owned());
    }
    match &definition.entry {
        Entry::SegmentEntered { when, members_at_launch } => {
            let is_in = situation.members.contains(&when.segment());
            sentences.push(match (is_in, members_at_launch) {
                (false, _) => "They have not come into the segment that brings people in.".to_owned(),
                (true, false) => {
                    "They were in its segment before it was launched, and only those come in who enter it later."
                        .to_owned()
                }
                (true, true) => {
                    "They are in its segment; those who were in it at launch are still being let in.".to_owned()
                }
            });
        }
        Entry::SegmentLeft { .. } => sentences.push("They have not left its segment since it was launched.".to_owned()),
        Entry::Event { name, .. } => {
            sentences.push(format!("They have done no \"{name}\" that it asks for since it was launched."));
        }
        Entry::Date { fact, .. } => {
            sentences.push(format!("The day that {fact} says has not come since it was launched, or is not known."))
        }
        Entry::Schedule(_) => sentences.push("They were not let in by any of its runs.".to_owned()),
        Entry::Api {} => sentences.push("No program has brought them in.".to_owned()),
    }
    Ok(sentences)
}
