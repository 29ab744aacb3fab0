//! `/api/v1/experiments`: experiments, flags and holdouts: making, changing, starting and ending them, and their versions.
//!
//! A design's JSON is that of `rapport-experiments`; the guide "Experiments" describes it. A rule's condition may be a segment's key or a condition.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_experiments::design::{Design, Kind, Variant};
use rapport_experiments::records::counts;
use rapport_experiments::records::experiments::{self, ExperimentRow, VersionRow};
use rapport_experiments::service::{self, Act, Author};
use rapport_experiments::{Change, Experiment};
use rapport_segments::records::segments::{self, SegmentRow};
use rapport_segments::{Condition, Limits, Scope, kept};
use rapport_store::{Priority, Queries, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::questions::context;
use super::segments::{Names, fits, user_names};
use super::wire::{optional_time, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::experimenting::metrics;
use crate::http::extract::{Json, Path};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update))
        .routes(routes!(act))
        .routes(routes!(versions))
}

/// The largest design as JSON.
const DESIGN_BYTES: usize = 512 << 10;

/// A variant with the people it has.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantShape {
    /// Its stable name.
    key: String,
    /// What people call it.
    name: String,
    /// How large its part is in proportion to the others.
    weight: u32,
    /// Whether it is what people get without the experiment.
    is_control: bool,
    /// People, or devices, first exposed to it since chances are as they are.
    exposed: u64,
}

/// An experiment in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExperimentSummary {
    /// Its name in addresses, in code and in events.
    key: String,
    name: String,
    /// `experiment`, `flag` or `holdout`.
    kind: String,
    /// `person` or `anonymous`.
    unit: String,
    /// `draft`, `running`, `paused`, `stopped` or `decided`.
    state: String,
    /// The number of the present version.
    version: i64,
    /// The version since which chances are as they are.
    allocation: i64,
    variants: Vec<VariantShape>,
    /// Of those exposed, how many turned out to have had several variants.
    mixed: u64,
    /// Exposed before chances were as they are.
    earlier: u64,
    /// The variant that everybody gets.
    winner: Option<String>,
    /// The key of the metric that decides.
    primary: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    updated_at: String,
    /// By whom: their name.
    updated_by: String,
}

/// All experiments.
#[derive(Debug, Serialize, ToSchema)]
pub struct Experiments {
    rows: Vec<ExperimentSummary>,
}

/// A condition that a rule asks for.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleCondition {
    /// The segment's key, as it stands in the design.
    key: String,
    /// The segment's name; none for a condition of the experiment's own.
    name: Option<String>,
    #[schema(value_type = Object)]
    condition: Value,
    /// The condition as text.
    text: String,
    /// Whether it is known already for whom it holds. Until then it holds for nobody.
    is_ready: bool,
}

/// An experiment.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExperimentDetail {
    summary: ExperimentSummary,
    /// What staff wrote.
    #[schema(value_type = Object)]
    design: Value,
    /// The conditions of its rules.
    conditions: Vec<RuleCondition>,
    /// What a change did: `same`, or `anew` where chances or values changed and the readout begins anew.
    change: Option<String>,
}

/// An experiment to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateBody {
    /// Its name in addresses, in code and in events: 1 to 64 small letters, digits, `-`, `_` or `.`. It cannot be changed.
    key: String,
    /// The design. A rule's `condition` is a segment's key or a condition.
    #[schema(value_type = Object)]
    design: Value,
}

/// A changed experiment.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateBody {
    /// The version that was looked at.
    version: i64,
    /// The whole design.
    #[schema(value_type = Object)]
    design: Value,
}

/// What is to be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActWord {
    /// Let it run, for the first time or after a pause.
    Start,
    /// Everybody gets the control for now.
    Pause,
    /// It is over: everybody gets the control.
    Stop,
    /// It is over: everybody gets one variant.
    Decide,
}

/// An act.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ActBody {
    act: ActWord,
    /// The variant that everybody gets, to decide.
    variant: Option<String>,
    /// The version that was looked at.
    version: i64,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExperimentVersion {
    version: i64,
    state: String,
    allocation: i64,
    winner: Option<String>,
    #[schema(value_type = Object)]
    design: Value,
    saved_at: String,
    saved_by: String,
}

/// All versions, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExperimentVersions {
    rows: Vec<ExperimentVersion>,
}

/// Lists experiments, flags and holdouts, the newest first.
#[utoipa::path(get, path = "/api/v1/experiments", security(("caller" = ["view_reports"])), tag = "experiments", responses((status = 200, body = Experiments)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Experiments>, Problem> {
    caller.require(Permission::ViewReports)?;
    let names = user_names(&app, caller.workspace).await?;
    let mut db = app.installation.store.read();
    let mut rows = Vec::new();
    for row in experiments::all(&mut db, caller.workspace).await? {
        rows.push(summary(&mut db, caller.workspace, &row, &names).await?);
    }
    Ok(Json(Experiments { rows }))
}

/// Makes an experiment, as a draft.
#[utoipa::path(post, path = "/api/v1/experiments", security(("caller" = ["edit_experiments"])), tag = "experiments", request_body = CreateBody,
    responses((status = 200, body = ExperimentDetail), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateBody>,
) -> Result<Json<ExperimentDetail>, Problem> {
    caller.require(Permission::EditExperiments)?;
    let workspace = caller.workspace;
    let at = app.now();
    let currency = context(&app.installation, workspace).await?.currency;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let read = designed(&mut tx, &caller, body.design, currency.as_str(), at).await?;
    let author = Author { by: caller.id().as_str(), at };
    let row = service::create(&mut tx, workspace, &body.key, read.design, author, app.rng()).await?;
    tx.commit().await?;
    saved(&app, workspace, read.kept_more);
    detail(&app, workspace, row, None).await
}

/// Shows an experiment.
#[utoipa::path(get, path = "/api/v1/experiments/{key}", security(("caller" = ["view_reports"])), tag = "experiments", params(("key" = String, Path)), responses((status = 200, body = ExperimentDetail)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<ExperimentDetail>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, caller.workspace, &key).await?;
    detail(&app, caller.workspace, row, None).await
}

/// Changes an experiment: a new version. What runs may not change in every way; people who were exposed keep their variant.
#[utoipa::path(put, path = "/api/v1/experiments/{key}", security(("caller" = ["edit_experiments"])), tag = "experiments", params(("key" = String, Path)), request_body = UpdateBody,
    responses((status = 200, body = ExperimentDetail), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<UpdateBody>,
) -> Result<Json<ExperimentDetail>, Problem> {
    caller.require(Permission::EditExperiments)?;
    let workspace = caller.workspace;
    let at = app.now();
    let currency = context(&app.installation, workspace).await?.currency;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let read = designed(&mut tx, &caller, body.design, currency.as_str(), at).await?;
    let author = Author { by: caller.id().as_str(), at };
    let (row, change) = service::save(&mut tx, workspace, &key, read.design, body.version, author).await?;
    tx.commit().await?;
    saved(&app, workspace, read.kept_more);
    let word = match change {
        Change::Same => "same",
        Change::Anew => "anew",
    };
    detail(&app, workspace, row, Some(word.to_owned())).await
}

/// Starts, pauses or ends an experiment.
#[utoipa::path(post, path = "/api/v1/experiments/{key}/act", security(("caller" = ["edit_experiments"])), tag = "experiments", params(("key" = String, Path)), request_body = ActBody,
    responses((status = 200, body = ExperimentDetail), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<ActBody>,
) -> Result<Json<ExperimentDetail>, Problem> {
    caller.require(Permission::EditExperiments)?;
    let workspace = caller.workspace;
    let act = match (&body.act, body.variant.as_deref()) {
        (ActWord::Start, None) => Act::Start,
        (ActWord::Pause, None) => Act::Pause,
        (ActWord::Stop, None) => Act::Stop,
        (ActWord::Decide, Some(variant)) => Act::Decide(variant),
        (ActWord::Decide, None) => return Err(Problem::invalid("variant", "name the variant that everybody gets")),
        (_, Some(_)) => return Err(Problem::invalid("variant", "is only for `decide`")),
    };
    if find(&app, workspace, &key).await?.design.0.kind == Kind::Holdout {
        return Err(Problem::invalid("act", HOLDOUTS));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let author = Author { by: caller.id().as_str(), at: app.now() };
    let row = service::act(&mut tx, workspace, &key, act, body.version, author).await?;
    tx.commit().await?;
    saved(&app, workspace, false);
    detail(&app, workspace, row, None).await
}

/// Lists an experiment's versions, the latest first.
#[utoipa::path(get, path = "/api/v1/experiments/{key}/versions", security(("caller" = ["view_reports"])), tag = "experiments", params(("key" = String, Path)), responses((status = 200, body = ExperimentVersions)))]
pub async fn versions(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<ExperimentVersions>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, caller.workspace, &key).await?;
    let names = user_names(&app, caller.workspace).await?;
    let mut db = app.installation.store.read();
    let version = |row: VersionRow| {
        Ok::<_, Problem>(ExperimentVersion {
            version: row.version,
            state: row.state,
            allocation: row.allocation,
            winner: row.winner,
            design: serde_json::to_value(row.design.0).map_err(Problem::internal)?,
            saved_at: time(row.saved_at),
            saved_by: names.get(&row.saved_by).cloned().unwrap_or(row.saved_by),
        })
    };
    let rows = experiments::versions(&mut db, caller.workspace, row.experiment).await?;
    Ok(Json(ExperimentVersions { rows: rows.into_iter().map(version).collect::<Result<_, _>>()? }))
}

/// The experiment of a key.
pub(super) async fn find(app: &App, workspace: WorkspaceId, key: &str) -> Result<ExperimentRow, Problem> {
    let row = experiments::find(&mut app.installation.store.read(), workspace, key).await?;
    row.ok_or_else(|| Problem::not_found("experiment"))
}

/// Tells those who remember experiments and segments.
fn saved(app: &App, workspace: WorkspaceId, kept_more: bool) {
    app.installation.experiments.forget(workspace);
    if kept_more {
        app.segments_changed.notify_one();
    }
}

/// A design as it was sent, with its conditions kept.
struct Designed {
    design: Design,
    kept_more: bool,
}

async fn designed(
    tx: &mut Tx,
    caller: &Caller,
    mut form: Value,
    currency: &str,
    now: Timestamp,
) -> Result<Designed, Problem> {
    if form.to_string().len() > DESIGN_BYTES {
        return Err(Problem::invalid("design", format!("must be shorter than {DESIGN_BYTES} bytes")));
    }
    let name = form.get("name").and_then(Value::as_str).unwrap_or("Experiment").chars().take(100).collect::<String>();
    let segments = segments::all(tx, caller.workspace).await?;
    let mut kept_more = false;
    let rules = form.get_mut("rules").and_then(Value::as_array_mut);
    for (at, rule) in rules.into_iter().flatten().enumerate().take(100) {
        let Some(condition) = rule.get_mut("condition").filter(|it| !it.is_null()) else { continue };
        let place = format!("design.rules[{at}].condition");
        if let Some(key) = condition.as_str() {
            if !segments.iter().any(|row| row.key == key) {
                return Err(Problem::invalid(&place, "there is no such segment; give a segment's key or a condition"));
            }
            continue;
        }
        let parsed = Condition::from_json(condition, Limits::DEFAULT)?;
        parsed.validate(Scope::Person)?;
        fits(&segments, &kept::key_of(&parsed), &parsed)?;
        let named = format!("{name}: rule {}", at + 1);
        let by = (now, caller.id().as_str());
        let (key, is_new) = kept::keep(tx, caller.workspace, &parsed, &named, by).await?;
        kept_more |= is_new;
        *condition = Value::String(key);
    }
    let design: Design = serde_path_to_error::deserialize(form).map_err(|error| {
        let path = error.path().to_string();
        Problem::invalid(&format!("design.{path}"), error.inner())
    })?;
    checked(&design)?;
    Ok(Designed { design: in_form(design, currency), kept_more })
}

/// Where holdouts are set.
const HOLDOUTS: &str = "how many people get no marketing at all is set in the settings of sending; \
    a journey, a campaign and a slot each hold people out by a share of their own";

/// Refuses what could not be read out, and what is set elsewhere.
fn checked(design: &Design) -> Result<(), Problem> {
    let guardrails = design.guardrails.iter().map(|it| &it.metric);
    for metric in design.primary.iter().chain(guardrails).chain(&design.secondary) {
        if metrics::measured(&metric.key).is_none() {
            let usual: Vec<&str> = metrics::USUAL.iter().map(|it| it.key).collect();
            let known = format!("{}, {}", usual.join(", "), metrics::OTHERS.join(", "));
            return Err(Problem::invalid(
                "design.metrics",
                format!("`{}` is no metric; there are {known}", metric.key),
            ));
        }
    }
    match design.kind {
        Kind::Holdout => Err(Problem::invalid("design.kind", HOLDOUTS)),
        Kind::Experiment | Kind::Flag => Ok(()),
    }
}

/// With the form of each metric as it is measured.
fn in_form(mut design: Design, currency: &str) -> Design {
    let guardrails = design.guardrails.iter_mut().map(|it| &mut it.metric);
    for metric in design.primary.iter_mut().chain(guardrails).chain(&mut design.secondary) {
        metric.form = metrics::form(&metric.key, currency);
    }
    design
}

async fn summary(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    row: &ExperimentRow,
    names: &Names,
) -> Result<ExperimentSummary, Problem> {
    let experiment = row.experiment();
    let counts =
        rapport_experiments::readout::Counts::of(&experiment, &counts::of(db, workspace, row.experiment).await?);
    let word = |value: Result<Value, _>| value.ok().and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
    let Experiment { design, key, .. } = experiment;
    let variant = |(at, it): (usize, &Variant)| VariantShape {
        key: it.key.clone(),
        name: it.shown().to_owned(),
        weight: it.weight,
        is_control: it.is_control,
        exposed: counts.exposed.get(at).copied().unwrap_or(0),
    };
    Ok(ExperimentSummary {
        key,
        kind: word(serde_json::to_value(design.kind)),
        unit: word(serde_json::to_value(design.unit)),
        state: row.state.clone(),
        version: row.version,
        allocation: row.allocation,
        variants: design.variants.iter().enumerate().map(variant).collect(),
        mixed: counts.mixed,
        earlier: counts.earlier,
        winner: row.winner.clone(),
        primary: design.primary.as_ref().map(|it| it.key.clone()),
        started_at: optional_time(row.started_at),
        ended_at: optional_time(row.ended_at),
        updated_at: time(row.updated_at),
        updated_by: names.get(&row.updated_by).cloned().unwrap_or_else(|| row.updated_by.clone()),
        name: design.name,
    })
}

async fn detail(
    app: &App,
    workspace: WorkspaceId,
    row: ExperimentRow,
    change: Option<String>,
) -> Result<Json<ExperimentDetail>, Problem> {
    let names = user_names(app, workspace).await?;
    let mut db = app.installation.store.read();
    let summary = summary(&mut db, workspace, &row, &names).await?;
    let asked: BTreeSet<&String> = row.design.0.rules.iter().filter_map(|rule| rule.condition.as_ref()).collect();
    let known: BTreeMap<String, SegmentRow> = if asked.is_empty() {
        BTreeMap::new()
    } else {
        segments::all(&mut db, workspace).await?.into_iter().map(|row| (row.key.clone(), row)).collect()
    };
    let conditions = asked.into_iter().filter_map(|key| known.get(key)).map(rule_condition).collect();
    let design = serde_json::to_value(&row.design.0).map_err(Problem::internal)?;
    Ok(Json(ExperimentDetail { summary, design, conditions, change }))
}

fn rule_condition(row: &SegmentRow) -> RuleCondition {
    let text = Condition::parse(&row.condition).map(|it| it.to_text()).unwrap_or_default();
    RuleCondition {
        key: row.key.clone(),
        name: (!kept::is_kept(&row.key)).then(|| row.name.clone()),
        condition: serde_json::from_str(&row.condition).unwrap_or(Value::Null),
        text,
        is_ready: row.filled_version == row.version,
    }
}
