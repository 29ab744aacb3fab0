//! `/api/v1/policies`: choices that learn: making, changing, starting and fixing them, and what they brought ([`readout`]).
//!
//! A design's JSON is that of `rapport-experiments`; the guide "Policies" describes it.

pub mod readout;

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::WorkspaceId;
use rapport_experiments::policies::decisions::{self, DayRow};
use rapport_experiments::policies::design::{Design, Kind};
use rapport_experiments::policies::records::{self, PolicyRow};
use rapport_experiments::policies::service::{self, Act};
use rapport_experiments::records::experiments;
use rapport_experiments::service::Author;
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::segments::{Names, user_names};
use super::wire::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::policies::{effects, rewards};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_policies, create_policy))
        .routes(routes!(show_policy, change_policy))
        .routes(routes!(act_on_policy))
        .routes(routes!(learn_policy))
        .routes(routes!(readout::policy_readout))
}

/// The largest design as JSON.
const DESIGN_BYTES: usize = 64 << 10;

/// Something that a policy can choose.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyArm {
    /// Its stable name.
    key: String,
    /// What people call it.
    name: String,
    /// How often it was chosen since the policy began anew.
    decisions: i64,
}

/// A policy in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicySummary {
    /// Its name in addresses, journeys and slots.
    key: String,
    name: String,
    /// `bandit`, `contextual` or `uplift`.
    kind: String,
    /// `way` or `frequency`.
    decides: String,
    /// `running`, `paused` or `fixed`.
    state: String,
    /// The number of the present version.
    version: i64,
    /// The arm that everybody gets, where it is fixed.
    fixed_arm: Option<String>,
    /// The first is what people get where the policy does not decide.
    arms: Vec<PolicyArm>,
    /// Decisions since it began anew.
    decisions: i64,
    /// Of them, those whose reward was learnt.
    learnt: i64,
    /// Whether it prefers some arms by now; before, all have the same chance.
    prefers: bool,
    /// Since when it learns.
    began_at: String,
    updated_at: String,
    /// By whom: their name.
    updated_by: String,
}

/// What decisions were for.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicySubject {
    /// `journey:<key>/<node>`, `slot:<key>` or `frequency`.
    subject: String,
    decisions: i64,
}

/// A policy.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyDetail {
    summary: PolicySummary,
    /// What staff wrote.
    #[schema(value_type = Object)]
    design: Value,
    /// What it decided for since it began anew.
    subjects: Vec<PolicySubject>,
    /// Whether a change let it begin anew.
    began_anew: bool,
}

/// A policy to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyBody {
    /// Its name in addresses, journeys and slots: 1 to 64 small letters, digits, `-`, `_` or `.`. It cannot be changed.
    key: String,
    #[schema(value_type = Object)]
    design: Value,
}

/// A changed policy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// The version that was looked at.
    version: i64,
    /// The whole design.
    #[schema(value_type = Object)]
    design: Value,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyActWord {
    /// Let it decide and learn.
    Start,
    /// Everybody gets the first arm for now.
    Pause,
    /// Everybody gets one arm for good.
    Fix,
    /// Forget what was learnt.
    Anew,
}

/// An act.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyAct {
    act: PolicyActWord,
    /// The arm that everybody gets, to fix.
    arm: Option<String>,
    /// The version that was looked at.
    version: i64,
}

/// Lists policies, the newest first.
#[utoipa::path(get, path = "/api/v1/policies", security(("caller" = ["view_reports"])), tag = "policies", operation_id = "list_policies", responses((status = 200, body = Rows<PolicySummary>)))]
pub async fn list_policies(State(app): State<App>, caller: Caller) -> Result<Json<Rows<PolicySummary>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let names = user_names(&app, caller.workspace).await?;
    let mut db = app.installation.store.read();
    let mut rows = Vec::new();
    for row in records::all(&mut db, caller.workspace).await? {
        rows.push(summary(&mut db, caller.workspace, &row, &names).await?);
    }
    Ok(Json(Rows { rows }))
}

/// Makes a policy. It decides nothing until it is started.
#[utoipa::path(post, path = "/api/v1/policies", security(("caller" = ["edit_experiments"])), tag = "policies", operation_id = "create_policy", request_body = PolicyBody,
    responses((status = 200, body = PolicyDetail), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create_policy(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<PolicyBody>,
) -> Result<Json<PolicyDetail>, Problem> {
    caller.require(Permission::EditExperiments)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let design = designed(&mut tx, caller.workspace, body.design).await?;
    let author = Author { by: caller.id().as_str(), at: app.now() };
    let row = service::create(&mut tx, caller.workspace, &body.key, design, author).await?;
    if row.design.0.kind == Kind::Uplift {
        effects::ask(&app.installation, &mut tx, caller.workspace, &row.key).await?;
    }
    tx.commit().await?;
    app.installation.policies.forget(caller.workspace);
    detail(&app, caller.workspace, &row, false).await
}

/// Shows a policy.
#[utoipa::path(get, path = "/api/v1/policies/{key}", security(("caller" = ["view_reports"])), tag = "policies", operation_id = "show_policy", params(("key" = String, Path)), responses((status = 200, body = PolicyDetail), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn show_policy(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<PolicyDetail>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, caller.workspace, &key).await?;
    detail(&app, caller.workspace, &row, false).await
}

/// Changes a policy. Where what is chosen among, what counts or how it is learnt changes, it begins anew.
#[utoipa::path(put, path = "/api/v1/policies/{key}", security(("caller" = ["edit_experiments"])), tag = "policies", operation_id = "change_policy", params(("key" = String, Path)), request_body = PolicyChange,
    responses((status = 200, body = PolicyDetail), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn change_policy(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<PolicyChange>,
) -> Result<Json<PolicyDetail>, Problem> {
    caller.require(Permission::EditExperiments)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let design = designed(&mut tx, caller.workspace, body.design).await?;
    let author = Author { by: caller.id().as_str(), at: app.now() };
    let (row, anew) = service::save(&mut tx, caller.workspace, &key, design, body.version, author).await?;
    if anew && row.design.0.kind == Kind::Uplift {
        effects::ask(&app.installation, &mut tx, caller.workspace, &row.key).await?;
    }
    tx.commit().await?;
    app.installation.policies.forget(caller.workspace);
    detail(&app, caller.workspace, &row, anew).await
}

/// Starts, pauses or fixes a policy, or lets it begin anew.
#[utoipa::path(post, path = "/api/v1/policies/{key}/act", security(("caller" = ["edit_experiments"])), tag = "policies", operation_id = "act_on_policy", params(("key" = String, Path)), request_body = PolicyAct,
    responses((status = 200, body = PolicyDetail), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn act_on_policy(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<PolicyAct>,
) -> Result<Json<PolicyDetail>, Problem> {
    caller.require(Permission::EditExperiments)?;
    let act = match (body.act, body.arm.as_deref()) {
        (PolicyActWord::Start, None) => Act::Start,
        (PolicyActWord::Pause, None) => Act::Pause,
        (PolicyActWord::Anew, None) => Act::Anew,
        (PolicyActWord::Fix, Some(arm)) => Act::Fix(arm),
        (PolicyActWord::Fix, None) => return Err(Problem::invalid("arm", "name the arm that everybody gets")),
        (_, Some(_)) => return Err(Problem::invalid("arm", "is only for `fix`")),
    };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let author = Author { by: caller.id().as_str(), at: app.now() };
    let row = service::act(&mut tx, caller.workspace, &key, act, body.version, author).await?;
    if act == Act::Anew && row.design.0.kind == Kind::Uplift {
        effects::ask(&app.installation, &mut tx, caller.workspace, &row.key).await?;
    }
    tx.commit().await?;
    app.installation.policies.forget(caller.workspace);
    detail(&app, caller.workspace, &row, act == Act::Anew).await
}

/// Learns a policy's effects from its experiment now, in the background.
#[utoipa::path(post, path = "/api/v1/policies/{key}/learn", security(("caller" = ["edit_experiments"])), tag = "policies", operation_id = "learn_policy", params(("key" = String, Path)),
    responses((status = 200, body = PolicyDetail), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn learn_policy(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<PolicyDetail>, Problem> {
    caller.require(Permission::EditExperiments)?;
    let row = find(&app, caller.workspace, &key).await?;
    if row.design.0.kind != Kind::Uplift {
        return Err(Problem::invalid(
            "kind",
            "only a policy of effects learns from an experiment; others learn by themselves",
        ));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    effects::ask(&app.installation, &mut tx, caller.workspace, &row.key).await?;
    tx.commit().await?;
    detail(&app, caller.workspace, &row, false).await
}

/// The policy of a key.
async fn find(app: &App, workspace: WorkspaceId, key: &str) -> Result<PolicyRow, Problem> {
    let row = records::find(&mut app.installation.store.read(), workspace, key).await?;
    row.ok_or_else(|| Problem::not_found("policy"))
}

/// A design as it was sent, with what follows from its metric; refused where what it names is not there.
async fn designed(db: &mut impl Queries, workspace: WorkspaceId, form: Value) -> Result<Design, Problem> {
    if form.to_string().len() > DESIGN_BYTES {
        return Err(Problem::invalid("design", format!("must be shorter than {DESIGN_BYTES} bytes")));
    }
    let mut design: Design = serde_path_to_error::deserialize(form)
        .map_err(|error| Problem::invalid(&format!("design.{}", error.path()), error.inner()))?;
    design.reward.is_share = rewards::is_share(&design.reward.metric).ok_or_else(|| {
        Problem::invalid("design.reward.metric", "there is no such metric; GET /api/v1/experiment-metrics lists them")
    })?;
    if let (Kind::Uplift, Some(key)) = (design.kind, &design.experiment) {
        let found = experiments::find(db, workspace, key).await?.map(|row| row.experiment());
        if found.is_none_or(|it| effects::fits(&design, &it).is_none()) {
            let why =
                "there is no such experiment on people that was started and has both arms as variants with a weight";
            return Err(Problem::invalid("design.experiment", why));
        }
    }
    Ok(design)
}

fn counted(days: &[DayRow]) -> BTreeMap<String, (i64, i64)> {
    let mut all: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for row in days {
        let own = all.entry(row.arm.clone()).or_default();
        *own = (own.0 + row.decisions, own.1 + row.learnt);
    }
    all
}

async fn summary(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    row: &PolicyRow,
    names: &Names,
) -> Result<PolicySummary, Problem> {
    let days = decisions::days(db, workspace, (row.policy, row.epoch)).await?;
    let counts = counted(&days);
    let design = &row.design.0;
    let arms = design.arms.iter().map(|arm| PolicyArm {
        key: arm.key.clone(),
        name: arm.shown().to_owned(),
        decisions: counts.get(&arm.key).map_or(0, |it| it.0),
    });
    Ok(PolicySummary {
        key: row.key.clone(),
        name: design.name.clone(),
        kind: design.kind.as_str().to_owned(),
        decides: design.decides.as_str().to_owned(),
        state: row.policy().state.as_str().to_owned(),
        version: row.version,
        fixed_arm: row.fixed_arm.clone(),
        arms: arms.collect(),
        decisions: counts.values().map(|it| it.0).sum(),
        learnt: counts.values().map(|it| it.1).sum(),
        prefers: row.knows,
        began_at: time(row.epoch_at),
        updated_at: time(row.updated_at),
        updated_by: names.get(&row.updated_by).cloned().unwrap_or_else(|| row.updated_by.clone()),
    })
}

async fn detail(app: &App, workspace: WorkspaceId, row: &PolicyRow, anew: bool) -> Result<Json<PolicyDetail>, Problem> {
    let names = user_names(app, workspace).await?;
    let mut db = app.installation.store.read();
    let subjects = decisions::subjects(&mut db, workspace, (row.policy, row.epoch)).await?;
    Ok(Json(PolicyDetail {
        summary: summary(&mut db, workspace, row, &names).await?,
        design: serde_json::to_value(&row.design.0).map_err(Problem::internal)?,
        subjects: subjects.into_iter().map(|(subject, decisions)| PolicySubject { subject, decisions }).collect(),
        began_anew: anew,
    }))
}
