//! One person and a journey: bringing in, taking out, trying it out, and why they did or did not get something.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_engagement::journey::definition::Entry;
use rapport_engagement::journey::rules::{self, Begun, Plan, Turns, What};
use rapport_engagement::journey::{Definition, Instance, Situation};
use rapport_engagement::lots::{self, Lot};
use rapport_engagement::records::instances::{self, InstanceRow};
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_engagement::records::{journeys, settings};
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
use utoipa_axum::routes;

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
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(bring_in))
        .routes(routes!(take_out))
        .routes(routes!(dry_run))
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

/// Who tries it out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DryRunBody {
    /// The customer.
    person_id: String,
    /// The plan; the draft if nothing is said.
    #[schema(value_type = Option<Object>)]
    definition: Option<Value>,
    /// Events that happen on the way, with how many hours after coming in: what is waited for.
    #[serde(default)]
    events: Vec<DryEvent>,
}

/// An event on the way.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DryEvent {
    /// Its standard name.
    name: String,
    /// So many hours after coming in.
    hours: f64,
}

/// What would happen.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryStep {
    /// When.
    at: String,
    node: String,
    /// `sends`, `skips`, `waits`, `goes`, `does`, `ends` ...
    what: String,
    /// The way, the reason, the template, until when.
    detail: String,
    /// In a sentence, where there is one.
    sentence: String,
}

/// A dry run.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryRun {
    rows: Vec<DryStep>,
}

struct AtOnce;

impl Turns for AtOnce {
    fn take(&mut self, _: &str, _: u32, _: i64, now: Timestamp) -> Timestamp {
        now
    }
}

/// So many looks at most.
const MOST_LOOKS: usize = 60;

/// Says what would happen to a customer in a journey from now on, as they are now. Nothing is sent, nothing is stored.
#[utoipa::path(post, path = "/api/v1/journeys/{key}/dry-run", security(("caller" = ["view_people"])), tag = "journeys", operation_id = "dry_run_journey", params(("key" = String, Path)), request_body = DryRunBody, responses((status = 200, body = DryRun), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn dry_run(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<DryRunBody>,
) -> Result<Json<DryRun>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, caller.workspace, &key).await?;
    let person = customers::find(&app, caller.workspace, &body.person_id).await?.person;
    let definition = Definition::from_json(body.definition.as_ref().unwrap_or(&row.draft)).map_err(refused)?;
    let mut situation = situation(&app, caller.workspace, person, (&key, &definition)).await?;
    let settings = settings::read(&mut app.installation.store.read(), caller.workspace).await?;
    let plan = Plan { key: &key, definition: &definition, settings: &settings };
    let now = app.now();
    let mut happen: Vec<(Timestamp, String)> = Vec::new();
    for event in &body.events {
        #[expect(clippy::cast_possible_truncation, reason = "hours of a dry run")]
        let at = now.plus((event.hours.clamp(0.0, 24.0 * 400.0) * Timestamp::HOUR as f64) as i64);
        let heard = definition.listens().into_iter().filter(|(_, known)| known.name == event.name || known.name == "*");
        happen.extend(heard.map(|(what, _)| (at, what)));
    }
    happen.sort();
    Ok(Json(DryRun { rows: play(plan, &mut situation, person, happen, now) }))
}

fn play(
    plan: Plan<'_>,
    situation: &mut Situation,
    person: PersonId,
    mut happen: Vec<(Timestamp, String)>,
    now: Timestamp,
) -> Vec<DryStep> {
    let mut at = now;
    let mut rows = Vec::new();
    let step = |at: Timestamp, node: &str, what: &str, detail: String, sentence: &str| DryStep {
        at: time(at),
        node: node.to_owned(),
        what: what.to_owned(),
        detail,
        sentence: sentence.to_owned(),
    };
    let of = (plan.key, 0);
    let mut instance = Instance::new("dry".to_owned(), of, person, String::new(), &plan.definition.start, now);
    let mut effects = Vec::new();
    match rules::begin(plan, &mut instance, situation, now, &mut effects) {
        Begun::Refused => {
            rows.push(step(now, "", "refused", String::new(), Reason::OutOfAudience.sentence()));
            return rows;
        }
        Begun::HeldOut => {
            rows.push(step(now, "", "held_out", String::new(), Reason::HeldOut.sentence()));
            return rows;
        }
        Begun::In => {}
    }
    for _ in 0..MOST_LOOKS {
        effects.extend(rules::look(plan, &mut instance, situation, &mut AtOnce, at));
        for effect in effects.drain(..) {
            let node = effect.node.as_str();
            rows.push(match effect.what {
                // What comes of it is told by the message.
                What::Holdout => continue,
                What::Send { channel, template } => {
                    step(at, node, "sends", format!("{} {template}", channel.as_str()), "")
                }
                What::Skip { reason, .. } => step(at, node, "skips", reason.as_str().to_owned(), reason.sentence()),
                What::Left(way) => step(at, node, "goes", way, ""),
                What::Goal => step(at, node, "reaches_goal", String::new(), ""),
                What::Exposed { arm, .. } => step(at, node, "draws", arm, ""),
                What::Trait(name, value) => step(at, node, "does", format!("{name} = {value}"), ""),
                What::List(list, on) => step(at, node, "does", format!("{} {list}", if on { "on" } else { "off" }), ""),
                What::Webhook(url, _) => step(at, node, "does", url, ""),
                What::Act(action, _) => step(at, node, "does", action, ""),
            });
        }
        if let Some((_, why)) = instance.ended {
            rows.push(step(at, "", "ends", why.word(), ""));
            return rows;
        }
        let Some(wakes) = instance.wake_at else { return rows };
        let heard = happen.first().filter(|(when, _)| *when <= wakes).cloned();
        let until = heard.as_ref().map_or(wakes, |(when, _)| *when).max(at);
        if until > at {
            let node = instance.node.clone().unwrap_or_default();
            rows.push(step(at, &node, "waits", time(until), ""));
        }
        at = until;
        if let Some((when, what)) = heard {
            happen.remove(0);
            instance.hear(&what, when);
        }
    }
    rows
}

/// Somebody's situation as a plan asks for it, also where its conditions are not kept as segments yet.
async fn situation(
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
    let arms = JourneyLots(Arc::clone(&installation.experiments)).arms_of(&mut db, workspace, &named, now).await?;
    for (lot, arm) in named.into_iter().zip(arms) {
        situation.arms.extend(arm.map(|arm| ((lot.experiment, lot.subject), arm)));
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
