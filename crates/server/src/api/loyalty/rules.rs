//! The rules by which members earn.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::shop_events;
use rapport_loyalty::Document;
use rapport_loyalty::document::State::Live;
use rapport_loyalty::earning::Rule;
use rapport_loyalty::records::documents::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{documents, named};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::cycles;
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_rules))
        .routes(routes!(save_loyalty_rule))
        .routes(routes!(loyalty_rule_versions))
}

/// A rule as of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyRule {
    key: String,
    /// From 1: send it back when saving.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says; the guide Loyalty describes it.
    #[schema(value_type = Object)]
    rule: Value,
    /// Its condition as text.
    text: String,
    /// From when on it holds.
    in_force_from: String,
    saved_at: String,
    saved_by: String,
}

impl LoyaltyRule {
    fn of(row: Version<Rule>, users: &Names) -> Result<Self, Problem> {
        Ok(Self {
            key: row.document.key.clone(),
            version: row.version,
            state: row.state.key().to_owned(),
            text: row.document.when.to_text(),
            rule: serde_json::to_value(row.document).map_err(Problem::internal)?,
            in_force_from: time(row.in_force_from),
            saved_at: time(row.saved_at),
            saved_by: named(users, &row.saved_by),
        })
    }
}

/// Which rules.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LoyaltyRulesQuery {
    /// Ended ones too.
    #[serde(default)]
    ended: bool,
}

/// Lists the rules in the order in which they are looked at.
#[utoipa::path(get, path = "/api/v1/loyalty/rules", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_rules", params(LoyaltyRulesQuery), responses((status = 200, body = Rows<LoyaltyRule>)))]
pub async fn loyalty_rules(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LoyaltyRulesQuery>,
) -> Result<Json<Rows<LoyaltyRule>>, Problem> {
    let rows = documents::list(&app, &caller, query.ended).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| LoyaltyRule::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// Lists every version of a rule, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/rules/{key}/versions", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_rule_versions", params(("key" = String, Path)), responses((status = 200, body = Rows<LoyaltyRule>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_rule_versions(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<LoyaltyRule>>, Problem> {
    let rows = documents::versions(&app, &caller, &key).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| LoyaltyRule::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A rule to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyRuleBody {
    /// The version that was looked at; 0 of a new one.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says, without its key; its condition either in it as `when`, or beside it as `text`.
    #[schema(value_type = Object)]
    rule: Value,
    /// The condition as text.
    #[serde(default)]
    text: Option<String>,
}

/// Reads a rule that was sent: with the standard name of its event, and its condition in either form.
///
/// # Errors
/// What is wrong, with its place.
pub(super) fn read(key: &str, form: Value, text: Option<&str>) -> Result<Rule, Problem> {
    let form = documents::complete("rule", key, form, text)?;
    let rule = Rule::from_json(form)?;
    Ok(Rule { event: shop_events::standard_name(&rule.event).to_owned(), ..rule })
}

/// Saves a rule as a new version. It counts for what happens from now on; what happened before is judged by the version that was in force then.
/// Where it says nothing of `holdout_percent`, a new campaign (with a window or a multiplier) gets 10 and another new rule 0; a later version keeps what the one before it says.
#[utoipa::path(put, path = "/api/v1/loyalty/rules/{key}", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "save_loyalty_rule", params(("key" = String, Path)), request_body = LoyaltyRuleBody, responses((status = 200, body = LoyaltyRule), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_loyalty_rule(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<LoyaltyRuleBody>,
) -> Result<Json<LoyaltyRule>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let is_said = body.rule.get("holdout_percent").is_some();
    let rule = read(&key, body.rule, body.text.as_deref())?;
    let rule = documents::complete_holdout(&app, &caller, rule, is_said).await?;
    if body.state == Live.key() {
        let (causes, _) = cycles::in_force(&mut app.installation.store.read(), caller.workspace).await?;
        if let Some(circle) = cycles::circle(&cycles::of_rule(&rule), &causes) {
            return Err(Problem::invalid("rule.event", circle));
        }
    }
    let row = documents::save(&app, &caller, (rule, &body.state), body.version).await?;
    let users = user_names(&app, caller.workspace).await?;
    Ok(Json(LoyaltyRule::of(row, &users)?))
}
