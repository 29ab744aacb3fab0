//! The catalogue of rewards.

use crate::http::route::routes;
use axum::extract::State;
use rapport_loyalty::Document;
use rapport_loyalty::records::documents::Version;
use rapport_loyalty::rewards::Reward;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::protected::refuse_reward;
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
        .routes(routes!(loyalty_rewards))
        .routes(routes!(save_loyalty_reward))
        .routes(routes!(loyalty_reward_versions))
}

/// A reward as of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyReward {
    key: String,
    /// From 1: send it back when saving.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says; the guide Rewards describes it.
    #[schema(value_type = Object)]
    reward: Value,
    /// Whom it is for, as text.
    text: String,
    /// From when on it holds.
    in_force_from: String,
    saved_at: String,
    saved_by: String,
}

impl LoyaltyReward {
    fn of(row: Version<Reward>, users: &Names) -> Result<Self, Problem> {
        Ok(Self {
            key: row.document.key.clone(),
            version: row.version,
            state: row.state.key().to_owned(),
            text: row.document.when.to_text(),
            reward: serde_json::to_value(row.document).map_err(Problem::internal)?,
            in_force_from: time(row.in_force_from),
            saved_at: time(row.saved_at),
            saved_by: named(users, &row.saved_by),
        })
    }
}

/// Which rewards.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LoyaltyRewardsQuery {
    /// Ended ones too.
    #[serde(default)]
    ended: bool,
}

/// Lists the rewards in the order in which members see them.
#[utoipa::path(get, path = "/api/v1/loyalty/rewards", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_rewards", params(LoyaltyRewardsQuery), responses((status = 200, body = Rows<LoyaltyReward>)))]
pub async fn loyalty_rewards(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LoyaltyRewardsQuery>,
) -> Result<Json<Rows<LoyaltyReward>>, Problem> {
    let rows = documents::list(&app, &caller, query.ended).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| LoyaltyReward::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// Lists every version of a reward, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/rewards/{key}/versions", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_reward_versions", params(("key" = String, Path)), responses((status = 200, body = Rows<LoyaltyReward>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_reward_versions(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<LoyaltyReward>>, Problem> {
    let rows = documents::versions(&app, &caller, &key).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| LoyaltyReward::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A reward to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyRewardBody {
    /// The version that was looked at; 0 of a new one.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says, without its key; whom it is for either in it as `when`, or beside it as `text`.
    #[schema(value_type = Object)]
    reward: Value,
    /// Whom it is for, as text.
    #[serde(default)]
    text: Option<String>,
}

/// Saves a reward as a new version. It counts for what is redeemed from now on; what was redeemed before stays as it was.
#[utoipa::path(put, path = "/api/v1/loyalty/rewards/{key}", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "save_loyalty_reward", params(("key" = String, Path)), request_body = LoyaltyRewardBody, responses((status = 200, body = LoyaltyReward), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_loyalty_reward(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<LoyaltyRewardBody>,
) -> Result<Json<LoyaltyReward>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let reward = Reward::from_json(documents::complete("reward", &key, body.reward, body.text.as_deref())?)?;
    let mut db = app.installation.store.read();
    if let Some(latest) = app.installation.programs.get(&mut db, caller.workspace).await?.latest() {
        refuse_reward(&mut db, caller.workspace, &reward, &latest.program.offers).await?;
    }
    let row = documents::save(&app, &caller, (reward, &body.state), body.version).await?;
    let users = user_names(&app, caller.workspace).await?;
    Ok(Json(LoyaltyReward::of(row, &users)?))
}
