//! Leaderboards: what there are, who is where, who won.

use crate::http::route::routes;
use axum::extract::State;
use rapport_loyalty::Document;
use rapport_loyalty::badges::Badge;
use rapport_loyalty::challenges::Challenge;
use rapport_loyalty::document;
use rapport_loyalty::leaderboards::{Leaderboard, Ranks, places};
use rapport_loyalty::records::documents::{Version, versions_of};
use rapport_loyalty::records::leaderboards::{self, PeriodRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::redemptions::Present;
use super::{documents, named};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;
use crate::tiers::facts::number;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_leaderboards))
        .routes(routes!(save_loyalty_leaderboard))
        .routes(routes!(loyalty_leaderboard_versions))
        .routes(routes!(loyalty_leaderboard_periods))
        .routes(routes!(loyalty_leaderboard_ranking))
}

const PERIODS_SHOWN: u32 = 60;
const RANKING_SHOWN: u32 = 100;

/// A leaderboard as of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyLeaderboard {
    key: String,
    /// From 1: send it back when saving.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says; the guide Leaderboards describes it.
    #[schema(value_type = Object)]
    leaderboard: Value,
    /// The period that counts now; null outside of what counts.
    period: Option<String>,
    /// When it ends; null where it never does.
    period_end: Option<String>,
    /// Members who are on it; null in a list of versions.
    members: Option<i64>,
    /// From when on it holds.
    in_force_from: String,
    saved_at: String,
    saved_by: String,
}

impl LoyaltyLeaderboard {
    fn of(
        row: Version<Leaderboard>,
        users: &Names,
        (present, members): (&Present, Option<i64>),
        now: rapport_domain::Timestamp,
    ) -> Result<Self, Problem> {
        let span = row.document.span(now, present.calendar());
        Ok(Self {
            key: row.document.key.clone(),
            version: row.version,
            state: row.state.key().to_owned(),
            period: span.as_ref().map(|span| span.key.clone()),
            period_end: optional_time(span.map(|span| span.end).filter(|end| end.0 < i64::MAX)),
            leaderboard: serde_json::to_value(row.document).map_err(Problem::internal)?,
            members,
            in_force_from: time(row.in_force_from),
            saved_at: time(row.saved_at),
            saved_by: named(users, &row.saved_by),
        })
    }
}

/// Which leaderboards.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LoyaltyLeaderboardsQuery {
    /// Ended ones too.
    #[serde(default)]
    ended: bool,
}

/// Lists the leaderboards in the order in which members see them, each with how many are on it.
#[utoipa::path(get, path = "/api/v1/loyalty/leaderboards", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_leaderboards", params(LoyaltyLeaderboardsQuery), responses((status = 200, body = Rows<LoyaltyLeaderboard>)))]
pub async fn loyalty_leaderboards(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LoyaltyLeaderboardsQuery>,
) -> Result<Json<Rows<LoyaltyLeaderboard>>, Problem> {
    let rows = documents::list::<Leaderboard>(&app, &caller, query.ended).await?;
    if rows.is_empty() {
        return Ok(Json(Rows { rows: Vec::new() }));
    }
    let users = user_names(&app, caller.workspace).await?;
    let present = Present::read(&app, caller.workspace).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let mut db = app.installation.store.read();
        let members = leaderboards::joined(&mut db, caller.workspace, &row.document.key).await?;
        shown.push(LoyaltyLeaderboard::of(row, &users, (&present, Some(members)), app.now())?);
    }
    Ok(Json(Rows { rows: shown }))
}

/// Lists every version of a leaderboard, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/leaderboards/{key}/versions", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_leaderboard_versions", params(("key" = String, Path)), responses((status = 200, body = Rows<LoyaltyLeaderboard>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_leaderboard_versions(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<LoyaltyLeaderboard>>, Problem> {
    let rows = documents::versions(&app, &caller, &key).await?;
    let users = user_names(&app, caller.workspace).await?;
    let present = Present::read(&app, caller.workspace).await?;
    let rows: Result<_, Problem> =
        rows.into_iter().map(|row| LoyaltyLeaderboard::of(row, &users, (&present, None), app.now())).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A leaderboard to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyLeaderboardBody {
    /// The version that was looked at; 0 of a new one.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says, without its key.
    #[schema(value_type = Object)]
    leaderboard: Value,
}

/// Saves a leaderboard as a new version. Once it was live it keeps by what it ranks and its period. While it is paused nothing is reckoned, and a period that ends has no winners.
#[utoipa::path(put, path = "/api/v1/loyalty/leaderboards/{key}", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "save_loyalty_leaderboard", params(("key" = String, Path)), request_body = LoyaltyLeaderboardBody, responses((status = 200, body = LoyaltyLeaderboard), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_loyalty_leaderboard(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<LoyaltyLeaderboardBody>,
) -> Result<Json<LoyaltyLeaderboard>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let board = Leaderboard::from_json(documents::complete("leaderboard", &key, body.leaderboard, None)?)?;
    let mut db = app.installation.store.read();
    let known = versions_of::<Leaderboard>(&mut db, caller.workspace, &key).await?;
    if let Some(begun) = known.iter().rev().find(|it| it.state != document::State::Draft) {
        board.refuse_change(&begun.document)?;
    }
    if let Ranks::Challenge { challenge } = &board.ranks {
        let place = "leaderboard.ranks.challenge";
        match versions_of::<Challenge>(&mut db, caller.workspace, challenge).await?.last() {
            None => return Err(Problem::invalid(place, "there is no such challenge")),
            Some(it) if it.document.is_streak() => {
                return Err(Problem::invalid(place, "a streak has no amount; take a challenge that counts"));
            }
            Some(_) => {}
        }
    }
    for (at, prize) in board.prizes.iter().enumerate() {
        if let Some(badge) = &prize.badge
            && versions_of::<Badge>(&mut db, caller.workspace, badge).await?.is_empty()
        {
            return Err(Problem::invalid(&format!("leaderboard.prizes[{at}].badge"), "there is no such badge"));
        }
    }
    let row = documents::save(&app, &caller, (board, &body.state), body.version).await?;
    let users = user_names(&app, caller.workspace).await?;
    let present = Present::read(&app, caller.workspace).await?;
    Ok(Json(LoyaltyLeaderboard::of(row, &users, (&present, None), app.now())?))
}

/// A period in which somebody had something.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeaderboardPeriod {
    /// Its name: `month 2026-05-01`.
    period: String,
    /// Its first instant; null where it has none.
    begins_at: Option<String>,
    /// The first behind it; null where it never ends.
    ends_at: Option<String>,
    /// Since when its winners stand.
    settled_at: Option<String>,
    /// How many had something when they did.
    members: i64,
}

impl LeaderboardPeriod {
    fn of(row: PeriodRow) -> Self {
        Self {
            period: row.period,
            begins_at: optional_time(Some(row.begins_at).filter(|at| at.0 > i64::MIN)),
            ends_at: optional_time(Some(row.ends_at).filter(|at| at.0 < i64::MAX)),
            settled_at: optional_time(row.settled_at),
            members: row.members,
        }
    }
}

/// Lists the last sixty periods of a leaderboard in which somebody had something, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/leaderboards/{key}/periods", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_leaderboard_periods", params(("key" = String, Path)), responses((status = 200, body = Rows<LeaderboardPeriod>)))]
pub async fn loyalty_leaderboard_periods(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<LeaderboardPeriod>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let rows = leaderboards::periods(&mut db, caller.workspace, &key, PERIODS_SHOWN).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(LeaderboardPeriod::of).collect() }))
}

/// Which period.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LeaderboardRankingQuery {
    /// Its name; the present one, unless said.
    period: Option<String>,
}

/// Who is where in a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeaderboardRanking {
    period: String,
    /// Whether its winners stand.
    is_settled: bool,
    /// How many have something.
    members: i64,
    /// The first hundred.
    rows: Vec<LeaderboardPlace>,
}

/// A member's place.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeaderboardPlace {
    /// From 1; whoever has the same has the same place.
    place: i64,
    member_id: String,
    /// As what others see them.
    name: String,
    /// How much they have.
    #[schema(value_type = f64)]
    score: Value,
    /// How many points they got, once the winners stand.
    points: Option<i64>,
    /// Which badge they got.
    badge: Option<String>,
    /// `given`, or the code of the ledger's refusal.
    outcome: Option<String>,
}

/// Says who is where in a period, and what the winners got.
#[utoipa::path(get, path = "/api/v1/loyalty/leaderboards/{key}/ranking", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_leaderboard_ranking", params(("key" = String, Path), LeaderboardRankingQuery), responses((status = 200, body = LeaderboardRanking), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_leaderboard_ranking(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<LeaderboardRankingQuery>,
) -> Result<Json<LeaderboardRanking>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.leaderboards(caller.workspace)?;
    let version = scene.latest(&key).ok_or_else(|| Problem::not_found("leaderboard"))?;
    let current = version.document.span(scene.now, scene.calendar).map(|span| span.key);
    let period = query.period.or(current).ok_or_else(|| Problem::not_found("period"))?;
    let mut db = app.installation.store.read();
    let place = (key.as_str(), period.as_str());
    let rows = leaderboards::first(&mut db, caller.workspace, place, RANKING_SHOWN).await?;
    let won = leaderboards::winners(&mut db, caller.workspace, place).await?;
    let all = leaderboards::periods(&mut db, caller.workspace, &key, PERIODS_SHOWN).await?;
    let places = places(&rows.iter().map(|row| row.score).collect::<Vec<_>>());
    let shape = |(row, place): (leaderboards::ScoreRow, i64)| {
        let own = won.iter().find(|it| it.member == row.member);
        LeaderboardPlace {
            place: own.map_or(place, |it| it.place),
            member_id: row.member.to_string(),
            name: row.alias,
            score: number(row.score),
            points: own.map(|it| it.points),
            badge: own.and_then(|it| it.badge.clone()),
            outcome: own.map(|it| it.outcome.clone()),
        }
    };
    Ok(Json(LeaderboardRanking {
        is_settled: all.iter().any(|it| it.period == period && it.settled_at.is_some()),
        members: leaderboards::above(&mut db, caller.workspace, place, 0).await?,
        rows: rows.into_iter().zip(places).map(shape).collect(),
        period,
    }))
}
