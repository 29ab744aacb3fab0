//! Referral programmes: what both get for a friend, and what they came to.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::route::routes;
use axum::extract::State;
use rapport_loyalty::Document;
use rapport_loyalty::records::documents::{self as versions, Version};
use rapport_loyalty::records::referrals::{self, codes};
use rapport_loyalty::referrals::Referral;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{documents, named};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(referral_programs))
        .routes(routes!(save_referral_program))
        .routes(routes!(referral_program_versions))
        .routes(routes!(referral_figures))
}

/// A referral programme as of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferralProgram {
    key: String,
    /// From 1: send it back when saving.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says; the guide Referrals describes it.
    #[schema(value_type = Object)]
    program: Value,
    /// What must hold of what the friend does, as text.
    text: String,
    /// From when on it holds.
    in_force_from: String,
    saved_at: String,
    saved_by: String,
}

impl ReferralProgram {
    fn of(row: Version<Referral>, users: &Names) -> Result<Self, Problem> {
        Ok(Self {
            key: row.document.key.clone(),
            version: row.version,
            state: row.state.key().to_owned(),
            text: row.document.qualifies.when.to_text(),
            program: serde_json::to_value(row.document).map_err(Problem::internal)?,
            in_force_from: time(row.in_force_from),
            saved_at: time(row.saved_at),
            saved_by: named(users, &row.saved_by),
        })
    }
}

/// Which referral programmes.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ReferralProgramsQuery {
    /// Ended ones too.
    #[serde(default)]
    ended: bool,
}

/// Lists the referral programmes.
#[utoipa::path(get, path = "/api/v1/loyalty/referrals/programs", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "referral_programs", params(ReferralProgramsQuery), responses((status = 200, body = Rows<ReferralProgram>)))]
pub async fn referral_programs(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ReferralProgramsQuery>,
) -> Result<Json<Rows<ReferralProgram>>, Problem> {
    let rows = documents::list(&app, &caller, query.ended).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| ReferralProgram::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// Lists every version of a referral programme, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/referrals/programs/{key}/versions", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "referral_program_versions", params(("key" = String, Path)), responses((status = 200, body = Rows<ReferralProgram>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn referral_program_versions(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<ReferralProgram>>, Problem> {
    let rows = documents::versions(&app, &caller, &key).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| ReferralProgram::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A referral programme to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferralProgramBody {
    /// The version that was looked at; 0 of a new one.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says, without its key.
    #[schema(value_type = Object)]
    program: Value,
    /// What must hold of what the friend does, as text; instead of `qualifies.when`.
    #[serde(default)]
    text: Option<String>,
}

/// Saves a referral programme as a new version. It counts for friends who come from now on; whoever came before goes on by what was in force then, also when it is paused or ended.
#[utoipa::path(put, path = "/api/v1/loyalty/referrals/programs/{key}", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "save_referral_program", params(("key" = String, Path)), request_body = ReferralProgramBody, responses((status = 200, body = ReferralProgram), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_referral_program(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<ReferralProgramBody>,
) -> Result<Json<ReferralProgram>, Problem> {
    let mut form = documents::complete("program", &key, body.program, None)?;
    if let Some(text) = body.text.as_deref() {
        let fields = form.as_object_mut().ok_or_else(|| Problem::invalid("program", "is an object"))?;
        let qualifies = fields.entry("qualifies").or_insert_with(|| Value::Object(serde_json::Map::new()));
        *qualifies = documents::complete_when("program.qualifies", qualifies.take(), text)?;
    }
    let row = documents::save(&app, &caller, (Referral::from_json(form)?, &body.state), body.version).await?;
    let users = user_names(&app, caller.workspace).await?;
    Ok(Json(ReferralProgram::of(row, &users)?))
}

/// What a referral programme came to.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ReferralFigures {
    /// The programme's key; empty of codes that nobody knows.
    program: String,
    /// Members who have a code.
    codes: i64,
    /// Referrals by how they stand.
    by_state: BTreeMap<String, i64>,
    /// Refused ones by the reason.
    by_reason: BTreeMap<String, i64>,
    /// Points that members have for friends; what was taken back does not count.
    referrer_points: i64,
    /// Points that friends have.
    friend_points: i64,
}

/// Adds up what every referral programme came to.
#[utoipa::path(get, path = "/api/v1/loyalty/referrals/figures", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "referral_figures", responses((status = 200, body = Rows<ReferralFigures>)))]
pub async fn referral_figures(State(app): State<App>, caller: Caller) -> Result<Json<Rows<ReferralFigures>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let mut all: BTreeMap<String, ReferralFigures> = BTreeMap::new();
    let programs = versions::versions::<Referral>(&mut db, caller.workspace).await?;
    // Codes that nobody knows belong to no programme.
    let keys: BTreeSet<String> = programs.into_iter().map(|it| it.document.key).chain([String::new()]).collect();
    let keys: Vec<String> = keys.into_iter().collect();
    for (program, codes) in codes::count(&mut db, caller.workspace, &keys).await? {
        all.insert(program.clone(), ReferralFigures { program, codes, ..ReferralFigures::default() });
    }
    for sum in referrals::sums(&mut db, caller.workspace, &keys).await? {
        let own = all.entry(sum.referral.clone()).or_default();
        own.program = sum.referral;
        *own.by_state.entry(sum.state.clone()).or_default() += sum.count;
        if ["refused", "taken_back"].contains(&sum.state.as_str()) {
            *own.by_reason.entry(sum.reason).or_default() += sum.count;
        }
        own.referrer_points += sum.referrer_points;
        own.friend_points += sum.friend_points;
    }
    Ok(Json(Rows { rows: all.into_values().collect() }))
}
