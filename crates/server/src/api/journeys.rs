//! `/api/v1/journeys`: plans, their versions, launching, pausing and stopping.
//!
//! Always holds: a draft may be wrong, what is launched is not; people who are in keep the version they came in with.

mod calendar;
mod dry_run;
mod known;
mod one;
mod reachability;
mod report;

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_engagement::content::{Severity, gallery};
use rapport_engagement::journey::Definition;
use rapport_engagement::journey::check::{Finding, check};
use rapport_engagement::journey::ready;
use rapport_engagement::records::journeys::{self, JourneyRow, VersionRow};
use rapport_engagement::records::templates::{self, TemplateRow};
use rapport_engagement::records::{instances, messages};
use rapport_engagement::service::launching;
use rapport_store::{Priority, Queries, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::segments::{Names, free_key, is_key, key_of, user_names};
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::housekeeping;
use crate::http::extract::{Json, Path};
use crate::problem::Problem;
use known::Here;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(ready_ones))
        .routes(routes!(show, update, delete))
        .routes(routes!(check_it))
        .routes(routes!(launch))
        .routes(routes!(set_state))
        .routes(routes!(migrate))
        .routes(routes!(difference))
        .merge(calendar::router())
        .merge(dry_run::router())
        .merge(reachability::router())
        .merge(report::router())
        .merge(one::router())
}

/// Journeys of one workspace at most.
const MOST: usize = 500;

/// A journey in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct JourneySummary {
    /// Its name in addresses; it never changes.
    key: String,
    /// `journey` or `campaign`.
    kind: String,
    name: String,
    description: String,
    /// `draft`, `starting` (its segments are being found), `live`, `paused`, `ending` (nobody comes in any more), `stopped` (somebody ended it) or `finished` (it is over by itself).
    state: String,
    /// The version that people come into; 0 for none yet.
    live_version: i64,
    /// How many people are in it now.
    active: i64,
    /// How many came in so far.
    entered: i64,
    /// How many of them reached the goal.
    reached_goal: i64,
    /// How many messages were handed over.
    sent: i64,
    /// How many of them arrived, as far as we hear of it.
    delivered: i64,
    /// In how many a human clicked.
    clicked: i64,
    updated_at: String,
    /// By whom: their name.
    updated_by: String,
    launched_at: Option<String>,
}

/// All journeys.
#[derive(Debug, Serialize, ToSchema)]
pub struct Journeys {
    rows: Vec<JourneySummary>,
}

/// Something that is wrong with a plan, or may be.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanFinding {
    /// `error` (it cannot be launched so), `warning` or `hint`.
    severity: String,
    /// A stable word.
    code: String,
    /// The node, or the part of the plan.
    place: String,
    /// What is wrong and what to do.
    text: String,
}

impl From<Finding> for PlanFinding {
    fn from(finding: Finding) -> Self {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        Self { severity: severity.to_owned(), code: finding.code.to_owned(), place: finding.place, text: finding.text }
    }
}

/// A launched version.
#[derive(Debug, Serialize, ToSchema)]
pub struct JourneyVersion {
    version: i64,
    launched_at: String,
    /// By whom: their name.
    launched_by: String,
    /// How many people are in it now.
    active: i64,
    #[schema(value_type = Object)]
    definition: Value,
}

/// A journey with its plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct Journey {
    summary: JourneySummary,
    /// The plan as it is being written.
    #[schema(value_type = Object)]
    definition: Value,
    /// What is wrong with it.
    findings: Vec<PlanFinding>,
    /// The newest first.
    versions: Vec<JourneyVersion>,
    /// Whether the plan was changed since it was launched last.
    is_changed: bool,
    /// The keys of segments whose members have to be found before people come in.
    waits_for: Vec<String>,
}

/// A journey to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JourneyBody {
    /// Its name in addresses; made from the name without it. It cannot be changed.
    key: Option<String>,
    /// `journey` (unless said) or `campaign`.
    kind: Option<String>,
    /// What people call it.
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// The plan.
    #[schema(value_type = Option<Object>)]
    definition: Option<Value>,
    /// A ready journey to begin with, by its key: its templates come with it.
    ready: Option<String>,
}

/// What is counted of every journey of a workspace, with a fixed number of questions.
struct Counted {
    active: BTreeMap<String, i64>,
    entered: BTreeMap<String, i64>,
    reached_goal: BTreeMap<String, i64>,
    messages: BTreeMap<String, Mail>,
}

/// Sums over the messages of a journey.
#[derive(Clone, Copy, Default)]
struct Mail {
    sent: i64,
    delivered: i64,
    clicked: i64,
}

impl Mail {
    fn add(&mut self, state: &str, (messages, delivered, clicked): (i64, i64, i64)) {
        let handed_over = [messages::SENT, messages::DELIVERED, messages::BOUNCED, messages::COMPLAINED];
        if handed_over.contains(&state) {
            self.sent += messages;
        }
        self.delivered += delivered;
        self.clicked += clicked;
    }
}

impl Counted {
    async fn read(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Self, Problem> {
        let entries = journeys::entries(db, workspace).await?;
        let of = |wanted: &str| {
            let own = entries.iter().filter(|(_, way, _)| way == wanted);
            own.map(|(journey, _, people)| (journey.clone(), *people)).collect()
        };
        let (entered, reached_goal) = (of(journeys::CAME), of("goal"));
        let mut mail: BTreeMap<String, Mail> = BTreeMap::new();
        for (journey, state, count, delivered, clicked) in messages::sums(db, workspace).await? {
            mail.entry(journey).or_default().add(&state, (count, delivered, clicked));
        }
        let active = instances::active(db, workspace).await?.into_iter().collect();
        Ok(Self { active, entered, reached_goal, messages: mail })
    }

    fn of(&self, row: &JourneyRow, names: &Names) -> JourneySummary {
        let count = |all: &BTreeMap<String, i64>| all.get(&row.key).copied().unwrap_or_default();
        let mail = self.messages.get(&row.key).copied().unwrap_or_default();
        JourneySummary {
            key: row.key.clone(),
            kind: row.kind.clone(),
            name: row.name.clone(),
            description: row.description.clone(),
            state: row.state.clone(),
            live_version: row.live_version,
            active: count(&self.active),
            entered: count(&self.entered),
            reached_goal: count(&self.reached_goal),
            sent: mail.sent,
            delivered: mail.delivered,
            clicked: mail.clicked,
            updated_at: time(row.updated_at),
            updated_by: names.get(&row.updated_by).unwrap_or(&row.updated_by).clone(),
            launched_at: row.launched_at.map(time),
        }
    }
}

async fn summary(
    app: &App,
    workspace: WorkspaceId,
    row: &JourneyRow,
    names: &Names,
) -> Result<JourneySummary, Problem> {
    let mut db = app.installation.store.read();
    let active = instances::waiting(&mut db, workspace, &row.key).await?.iter().map(|(_, _, people)| people).sum();
    let flows = journeys::flows(&mut db, workspace, &row.key).await?;
    let of =
        |wanted: &str| flows.iter().filter(|(_, node, way, _)| node.is_empty() && way == wanted).map(|it| it.3).sum();
    let mut mail = Mail::default();
    for it in messages::tally(&mut db, workspace, &row.key).await? {
        mail.add(&it.state, (it.messages, it.delivered, it.clicked));
    }
    let one = |count: i64| BTreeMap::from([(row.key.clone(), count)]);
    let counted = Counted {
        active: one(active),
        entered: one(of(journeys::CAME)),
        reached_goal: one(of("goal")),
        messages: BTreeMap::from([(row.key.clone(), mail)]),
    };
    Ok(counted.of(row, names))
}

/// Lists journeys and campaigns, the last changed first.
#[utoipa::path(get, path = "/api/v1/journeys", security(("caller" = ["view_reports"])), tag = "journeys", operation_id = "list_journeys", responses((status = 200, body = Journeys)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Journeys>, Problem> {
    caller.require(Permission::ViewReports)?;
    let names = user_names(&app, caller.workspace).await?;
    let mut db = app.installation.store.read();
    let counted = Counted::read(&mut db, caller.workspace).await?;
    let rows = journeys::all(&mut db, caller.workspace).await?;
    let rows = rows.iter().map(|row| counted.of(row, &names)).collect();
    Ok(Json(Journeys { rows }))
}

/// A ready journey.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadyJourney {
    key: String,
    name: String,
    /// What it is for, in a sentence.
    about: String,
    #[schema(value_type = Object)]
    definition: Value,
}

/// Ready journeys.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadyJourneys {
    rows: Vec<ReadyJourney>,
}

/// Lists ready journeys to begin with.
#[utoipa::path(get, path = "/api/v1/journeys/ready", security(("caller" = ["view_reports"])), tag = "journeys", operation_id = "ready_journeys", responses((status = 200, body = ReadyJourneys)))]
pub async fn ready_ones(caller: Caller) -> Result<Json<ReadyJourneys>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = ready::KEYS.into_iter().map(|key| {
        let ready = ready::ready(key).map_err(refused)?;
        Ok(ReadyJourney {
            key: key.to_owned(),
            name: ready.name.to_owned(),
            about: ready.about.to_owned(),
            definition: ready.definition.to_json(),
        })
    });
    Ok(Json(ReadyJourneys { rows: rows.collect::<Result<_, Problem>>()? }))
}

/// What engagement refuses, as a problem.
pub fn refused(error: rapport_engagement::Error) -> Problem {
    match error {
        rapport_engagement::Error::Store(error) => error.into(),
        rapport_engagement::Error::Refused(why) => {
            Problem::conflict("journey_refused", why, "Look at the journey's state, and choose another act.")
        }
        other => Problem::invalid("definition", other),
    }
}

fn text(field: &'static str, text: &str, most: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > most || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Problem::invalid(field, format!("at most {most} letters")));
    }
    Ok(text.to_owned())
}

fn name(given: &str) -> Result<String, Problem> {
    let name = text("name", given, 200)?;
    if name.is_empty() || name.contains('\n') {
        return Err(Problem::invalid("name", "give it a name of 1 to 200 letters in one line"));
    }
    Ok(name)
}

/// Makes a journey or campaign: a draft, which reaches nobody before it is launched.
#[utoipa::path(post, path = "/api/v1/journeys", security(("caller" = ["edit_journeys"])), tag = "journeys", operation_id = "create_journey", request_body = JourneyBody, responses((status = 200, body = Journey), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<JourneyBody>,
) -> Result<Json<Journey>, Problem> {
    caller.require(Permission::EditJourneys)?;
    let begun = body.ready.as_deref().map(ready::ready).transpose().map_err(refused)?;
    let given = body.name.as_deref().or(begun.as_ref().map(|it| it.name));
    let name = name(given.ok_or_else(|| Problem::invalid("name", "give it a name"))?)?;
    let about = body.description.as_deref().or(begun.as_ref().map(|it| it.about)).unwrap_or_default();
    let description = text("description", about, 2_000)?;
    let kind = body.kind.clone().unwrap_or_else(|| "journey".to_owned());
    if !["journey", "campaign"].contains(&kind.as_str()) {
        return Err(Problem::invalid("kind", "say journey or campaign"));
    }
    let definition = match (&body.definition, &begun) {
        (Some(form), _) => Definition::from_json(form).map_err(refused)?.to_json(),
        (None, Some(begun)) => begun.definition.to_json(),
        (None, None) => blank(&kind),
    };
    let now = app.now();
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let known = journeys::all(&mut tx, caller.workspace).await?;
    if known.len() >= MOST {
        return Err(Problem::invalid(
            "name",
            format!("there are {MOST} journeys already; delete drafts that nobody needs"),
        ));
    }
    let key =
        body.key.clone().unwrap_or_else(|| free_key(&key_of(&name), |key| known.iter().any(|row| row.key == key)));
    if !is_key(&key) || known.iter().any(|row| row.key == key) {
        return Err(Problem::invalid(
            "key",
            "a key has 1 to 60 small letters, digits and hyphens, begins with a letter, and is not taken",
        ));
    }
    if let Some(begun) = &begun {
        bring_templates(&mut tx, &caller, &begun.templates, now).await?;
    }
    let row = JourneyRow {
        key,
        kind,
        name,
        description,
        state: journeys::DRAFT.to_owned(),
        draft: definition,
        live_version: 0,
        created_at: now,
        created_by: caller.id().to_string(),
        updated_at: now,
        updated_by: caller.id().to_string(),
        launched_at: None,
    };
    journeys::save(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    Ok(Json(page(&app, caller.workspace, &row).await?))
}

/// A plan to begin with: it says what is still to be said.
fn blank(kind: &str) -> Value {
    let entry = match kind {
        "campaign" => json!({"schedule": {"at": "2027-01-04T10:00"}}),
        _ => json!({"event": {"name": "Order Completed"}}),
    };
    json!({"entry": entry, "start": "message", "nodes": [
        {"id": "message", "step": {"message": {"channel": "email", "template": "", "next": null}}}]})
}

/// Adds the ready templates that are not there yet.
async fn bring_templates(tx: &mut Tx, caller: &Caller, keys: &[&str], now: Timestamp) -> Result<(), Problem> {
    for key in keys {
        if templates::find(tx, caller.workspace, key).await?.is_some() {
            continue;
        }
        let template = gallery::ready(key).map_err(refused)?.template;
        let by = caller.id().to_string();
        let row = TemplateRow {
            key: (*key).to_owned(),
            name: template.name.clone(),
            form: template.content.word().to_owned(),
            version: 1,
            created_at: now,
            created_by: by.clone(),
            updated_at: now,
            updated_by: by,
            archived_at: None,
        };
        templates::save(tx, caller.workspace, &row, &template.to_json().to_string(), None).await?;
    }
    Ok(())
}

/// A stored journey.
pub(super) async fn find(app: &App, workspace: WorkspaceId, key: &str) -> Result<JourneyRow, Problem> {
    let row = journeys::find(&mut app.installation.store.read(), workspace, key).await?;
    row.ok_or_else(|| Problem::not_found("journey"))
}

async fn page(app: &App, workspace: WorkspaceId, row: &JourneyRow) -> Result<Journey, Problem> {
    let names = user_names(app, workspace).await?;
    let mut db = app.installation.store.read();
    let rows: Vec<VersionRow> = journeys::versions(&mut db, workspace, &row.key).await?;
    let waiting = instances::waiting(&mut db, workspace, &row.key).await?;
    let definition = Definition::from_json(&row.draft);
    let (findings, waits_for) = match &definition {
        Ok(definition) => {
            let here = Here::read(app, workspace, &row.key, definition).await?;
            let waits = match row.state.as_str() {
                journeys::DRAFT | journeys::STOPPED | journeys::FINISHED => Vec::new(),
                _ => launching::waits_for(&mut db, workspace, definition).await.map_err(refused)?,
            };
            (check(definition, &here).into_iter().map(PlanFinding::from).collect(), waits)
        }
        Err(error) => {
            let text = error.to_string();
            let unread =
                PlanFinding { severity: "error".into(), code: "unreadable".into(), place: String::new(), text };
            (vec![unread], Vec::new())
        }
    };
    let versions = rows.iter().map(|it| JourneyVersion {
        version: it.version,
        launched_at: time(it.launched_at),
        launched_by: names.get(&it.launched_by).unwrap_or(&it.launched_by).clone(),
        active: waiting.iter().filter(|(version, ..)| *version == it.version).map(|it| it.2).sum(),
        definition: it.definition.clone(),
    });
    Ok(Journey {
        summary: summary(app, workspace, row, &names).await?,
        definition: row.draft.clone(),
        findings,
        is_changed: rows.first().is_none_or(|newest| newest.definition != row.draft),
        versions: versions.collect(),
        waits_for,
    })
}

/// Shows a journey with its plan, what is wrong with it, and its versions.
#[utoipa::path(get, path = "/api/v1/journeys/{key}", security(("caller" = ["view_reports"])), tag = "journeys", operation_id = "journey", params(("key" = String, Path)), responses((status = 200, body = Journey)))]
pub async fn show(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Journey>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, caller.workspace, &key).await?;
    Ok(Json(page(&app, caller.workspace, &row).await?))
}

/// Saves the draft of a journey. Whoever is in it keeps the version they came in with; a new one is made by launching.
#[utoipa::path(put, path = "/api/v1/journeys/{key}", security(("caller" = ["edit_journeys"])), tag = "journeys", operation_id = "update_journey", params(("key" = String, Path)), request_body = JourneyBody, responses((status = 200, body = Journey), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<JourneyBody>,
) -> Result<Json<Journey>, Problem> {
    caller.require(Permission::EditJourneys)?;
    if body.key.as_ref().is_some_and(|other| *other != key) {
        return Err(Problem::invalid("key", "a key cannot be changed; make another journey"));
    }
    let definition = body.definition.as_ref().map(|form| Definition::from_json(form).map_err(refused)).transpose()?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = journeys::find(&mut tx, caller.workspace, &key).await?;
    let mut row = row.ok_or_else(|| Problem::not_found("journey"))?;
    if let Some(given) = &body.name {
        row.name = name(given)?;
    }
    if let Some(given) = &body.description {
        row.description = text("description", given, 2_000)?;
    }
    if let Some(definition) = definition {
        row.draft = definition.to_json();
    }
    (row.updated_at, row.updated_by) = (app.now(), caller.id().to_string());
    journeys::save(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    Ok(Json(page(&app, caller.workspace, &row).await?))
}

/// Deletes a draft that was never launched. What was launched stays, because messages refer to it.
#[utoipa::path(delete, path = "/api/v1/journeys/{key}", security(("caller" = ["edit_journeys"])), tag = "journeys", operation_id = "delete_journey", params(("key" = String, Path)), responses((status = 204), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn delete(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditJourneys)?;
    find(&app, caller.workspace, &key).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if !journeys::delete_draft(&mut tx, caller.workspace, &key).await? {
        let what = "Stop it instead; it stays in the list of what is over.";
        return Err(Problem::conflict("journey_launched", "It was launched: what it sent refers to it.", what));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A plan to look over.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PlanBody {
    /// The plan.
    #[schema(value_type = Object)]
    definition: Value,
    /// The key of the journey that it is the plan of, where it is saved already.
    #[serde(default)]
    key: Option<String>,
    /// Also looks up where its webhooks lead, as launching does.
    #[serde(default)]
    look_up: bool,
}

/// What is wrong with a plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanFindings {
    findings: Vec<PlanFinding>,
}

/// Says what is wrong with a plan that is not saved yet.
#[utoipa::path(post, path = "/api/v1/journeys/check", security(("caller" = ["view_reports"])), tag = "journeys", operation_id = "check_journey", request_body = PlanBody, responses((status = 200, body = PlanFindings), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn check_it(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<PlanBody>,
) -> Result<Json<PlanFindings>, Problem> {
    caller.require(Permission::ViewReports)?;
    let definition = Definition::from_json(&body.definition).map_err(refused)?;
    let key = body.key.as_deref().unwrap_or_default();
    let here = if body.look_up {
        // Names are looked up for those who could launch it.
        caller.require(Permission::EditJourneys)?;
        Here::looking_up(&app, caller.workspace, key, &definition).await?
    } else {
        Here::read(&app, caller.workspace, key, &definition).await?
    };
    Ok(Json(PlanFindings { findings: check(&definition, &here).into_iter().map(PlanFinding::from).collect() }))
}

/// Launches the draft: a new version. People come in as soon as the segments it asks for are known.
#[utoipa::path(post, path = "/api/v1/journeys/{key}/launch", security(("caller" = ["edit_journeys"])), tag = "journeys", operation_id = "launch_journey", params(("key" = String, Path)), responses((status = 200, body = Journey), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn launch(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Journey>, Problem> {
    caller.require(Permission::EditJourneys)?;
    let mut row = find(&app, caller.workspace, &key).await?;
    let definition = Definition::from_json(&row.draft).map_err(refused)?;
    let here = Here::looking_up(&app, caller.workspace, &key, &definition).await?;
    let errors: Vec<Finding> =
        check(&definition, &here).into_iter().filter(|it| it.severity == Severity::Error).collect();
    if let Some(first) = errors.first() {
        let more = if errors.len() > 1 { format!(" ({} more)", errors.len() - 1) } else { String::new() };
        return Err(Problem::invalid("definition", format!("{}: {}{more}", first.place, first.text)));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let by = caller.id().to_string();
    launching::launch(&mut tx, caller.workspace, &mut row, &definition, (app.now(), &by)).await.map_err(refused)?;
    tx.commit().await?;
    app.installation.plans.forget(caller.workspace);
    app.segments_changed.notify_one();
    Ok(Json(page(&app, caller.workspace, &row).await?))
}

/// What becomes of a journey.
#[derive(Debug, Deserialize, ToSchema)]
pub struct StateBody {
    /// `paused` (nobody comes in, nobody goes on), `live`, `ending` (nobody comes in any more) or `stopped` (all are out, what waits is not sent).
    state: String,
}

/// Pauses a journey, lets it go on, lets it run out, or stops it.
#[utoipa::path(post, path = "/api/v1/journeys/{key}/state", security(("caller" = ["edit_journeys"])), tag = "journeys", operation_id = "set_journey_state", params(("key" = String, Path)), request_body = StateBody, responses((status = 200, body = Journey), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn set_state(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<StateBody>,
) -> Result<Json<Journey>, Problem> {
    caller.require(Permission::EditJourneys)?;
    find(&app, caller.workspace, &key).await?;
    let store = &app.installation.store;
    match body.state.as_str() {
        journeys::STOPPED => {
            // Before anything is ended, so that nobody comes in meanwhile.
            let outcome = launching::stop(store, caller.workspace, &key, app.now()).await;
            app.installation.plans.forget(caller.workspace);
            outcome.map_err(refused)?;
            // Whoever is about to ask for one has kept it a moment ago.
            let before = app.now().plus(-Timestamp::MINUTE);
            housekeeping::let_go_in(&app.installation, caller.workspace, before).await?;
            app.segments_changed.notify_one();
        }
        to @ (journeys::PAUSED | journeys::LIVE | journeys::ENDING) => {
            let mut tx = store.begin(Priority::Interactive).await?;
            launching::change_state(&mut tx, caller.workspace, &key, to).await.map_err(refused)?;
            tx.commit().await?;
            app.installation.plans.forget(caller.workspace);
            launching::settle_queue(store, caller.workspace, &key, app.now()).await.map_err(refused)?;
        }
        _ => return Err(Problem::invalid("state", "say paused, live, ending or stopped")),
    }
    let row = find(&app, caller.workspace, &key).await?;
    Ok(Json(page(&app, caller.workspace, &row).await?))
}

/// Who is moved.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MigrateBody {
    /// From this version.
    from: i64,
    /// To this one.
    to: i64,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Migrated {
    /// How many people were moved.
    people: u64,
}

/// Moves everybody who is in one version to another. Whose node the other has not is out.
#[utoipa::path(post, path = "/api/v1/journeys/{key}/migrate", security(("caller" = ["edit_journeys"])), tag = "journeys", operation_id = "migrate_journey", params(("key" = String, Path)), request_body = MigrateBody, responses((status = 200, body = Migrated), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn migrate(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<MigrateBody>,
) -> Result<Json<Migrated>, Problem> {
    caller.require(Permission::EditJourneys)?;
    let versions = versions_of(&app, caller.workspace, &key, [body.from, body.to]).await?;
    let (from, to) = (versions[0].version, versions[1].version);
    let store = &app.installation.store;
    let people = launching::migrate(store, caller.workspace, &key, (from, to), app.now()).await.map_err(refused)?;
    app.installation.plans.forget(caller.workspace);
    Ok(Json(Migrated { people }))
}

async fn versions_of(
    app: &App,
    workspace: WorkspaceId,
    key: &str,
    wanted: [i64; 2],
) -> Result<[VersionRow; 2], Problem> {
    let row = find(app, workspace, key).await?;
    let known = journeys::versions(&mut app.installation.store.read(), workspace, key).await?;
    // 0 is the draft.
    let draft = VersionRow {
        journey: key.to_owned(),
        version: 0,
        definition: row.draft,
        launched_at: row.updated_at,
        launched_by: row.updated_by,
    };
    let one = |version: i64| {
        let found = if version == 0 { Some(&draft) } else { known.iter().find(|it| it.version == version) };
        found.cloned().ok_or_else(|| Problem::not_found("version"))
    };
    Ok([one(wanted[0])?, one(wanted[1])?])
}

/// Which versions.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DifferenceQuery {
    /// 0 is the draft.
    from: i64,
    /// 0 is the draft.
    to: i64,
}

/// A node that differs.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeDifference {
    /// Which; empty for what concerns the journey as a whole.
    node: String,
    /// `added`, `removed` or `changed`.
    kind: &'static str,
    #[schema(value_type = Object)]
    before: Value,
    #[schema(value_type = Object)]
    after: Value,
    /// How many people are at it now.
    people: i64,
}

/// How two versions differ.
#[derive(Debug, Serialize, ToSchema)]
pub struct Difference {
    rows: Vec<NodeDifference>,
}

/// Says how two versions of a journey differ, node by node.
#[utoipa::path(get, path = "/api/v1/journeys/{key}/difference", security(("caller" = ["view_reports"])), tag = "journeys", operation_id = "journey_difference", params(("key" = String, Path), ("from" = i64, Query), ("to" = i64, Query)), responses((status = 200, body = Difference)))]
pub async fn difference(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    crate::http::extract::Query(query): crate::http::extract::Query<DifferenceQuery>,
) -> Result<Json<Difference>, Problem> {
    caller.require(Permission::ViewReports)?;
    let [before, after] = versions_of(&app, caller.workspace, &key, [query.from, query.to]).await?;
    let waiting = instances::waiting(&mut app.installation.store.read(), caller.workspace, &key).await?;
    let people = |node: &str| {
        let at = waiting.iter().filter(|(version, at, _)| *version == before.version && at.as_deref() == Some(node));
        at.map(|it| it.2).sum()
    };
    let nodes = |form: &Value| -> BTreeMap<String, Value> {
        let all = form["nodes"].as_array().into_iter().flatten();
        all.filter_map(|node| {
            let mut node = node.clone();
            // Where it stands on the canvas is no difference for anybody.
            if let Some(fields) = node.as_object_mut() {
                fields.remove("place");
            }
            Some((node["id"].as_str()?.to_owned(), node))
        })
        .collect()
    };
    let whole = |form: &Value| {
        let mut form = form.clone();
        if let Some(fields) = form.as_object_mut() {
            fields.remove("nodes");
        }
        form
    };
    let (old, new) = (nodes(&before.definition), nodes(&after.definition));
    let mut rows = Vec::new();
    let (was, is) = (whole(&before.definition), whole(&after.definition));
    if was != is {
        rows.push(NodeDifference { node: String::new(), kind: "changed", before: was, after: is, people: 0 });
    }
    for (id, node) in &old {
        let (kind, after) = match new.get(id) {
            None => ("removed", Value::Null),
            Some(other) if other != node => ("changed", other.clone()),
            Some(_) => continue,
        };
        rows.push(NodeDifference { node: id.clone(), kind, before: node.clone(), after, people: people(id) });
    }
    for (id, node) in new.iter().filter(|(id, _)| !old.contains_key(*id)) {
        rows.push(NodeDifference {
            node: id.clone(),
            kind: "added",
            before: Value::Null,
            after: node.clone(),
            people: 0,
        });
    }
    Ok(Json(Difference { rows }))
}
