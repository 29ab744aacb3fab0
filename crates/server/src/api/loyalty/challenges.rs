//! Challenges: what there is to do, how it goes, and what a challenge would have shown.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Timestamp, shop_events};
use rapport_loyalty::badges::Badge;
use rapport_loyalty::challenges::Challenge;
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::document::State::Live;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::challenges::{self, Figures};
use rapport_loyalty::records::documents::{Version, versions_of};
use rapport_loyalty::{Document, document};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::names_of;
use super::redemptions::Present;
use super::{documents, named};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::challenges::trying::{Ground, try_out};
use crate::cycles;
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::points::worth;
use crate::problem::Problem;
use crate::tiers::facts::number;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_challenges))
        .routes(routes!(save_loyalty_challenge))
        .routes(routes!(loyalty_challenge_versions))
        .routes(routes!(loyalty_challenge_members))
        .routes(routes!(try_loyalty_challenge))
}

/// So many days back a challenge is tried.
const DAYS_MAX: u16 = 400;

/// A challenge as of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyChallenge {
    key: String,
    /// From 1: send it back when saving.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says; the guide Challenges describes it.
    #[schema(value_type = Object)]
    challenge: Value,
    /// Its condition as text.
    text: String,
    /// From when on it holds.
    in_force_from: String,
    saved_at: String,
    saved_by: String,
    /// How it goes; null in a list of versions.
    figures: Option<ChallengeFigures>,
}

/// How a challenge goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChallengeFigures {
    /// Members for whom anything counted, or who joined.
    members: i64,
    /// Members who completed it once or more.
    completed: i64,
    /// For each step, in order.
    steps: Vec<ChallengeStepFigures>,
    /// What the points that were given are expected to cost, in the programme's currency; null where nobody said what a point is worth.
    #[schema(value_type = Option<String>)]
    cost: Option<Decimal>,
}

/// How often a step was completed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChallengeStepFigures {
    /// From 1.
    step: i64,
    /// How often; what was taken back does not count.
    times: i64,
    /// How many points were given for it and not taken back.
    points: i64,
}

impl LoyaltyChallenge {
    fn of(row: Version<Challenge>, users: &Names, figures: Option<ChallengeFigures>) -> Result<Self, Problem> {
        Ok(Self {
            key: row.document.key.clone(),
            version: row.version,
            state: row.state.key().to_owned(),
            text: row.document.when.to_text(),
            challenge: serde_json::to_value(row.document).map_err(Problem::internal)?,
            in_force_from: time(row.in_force_from),
            saved_at: time(row.saved_at),
            saved_by: named(users, &row.saved_by),
            figures,
        })
    }
}

/// Which challenges.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LoyaltyChallengesQuery {
    /// Ended ones too.
    #[serde(default)]
    ended: bool,
}

/// Lists the challenges in the order in which members see them, each with how it goes.
#[utoipa::path(get, path = "/api/v1/loyalty/challenges", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_challenges", params(LoyaltyChallengesQuery), responses((status = 200, body = Rows<LoyaltyChallenge>)))]
pub async fn loyalty_challenges(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LoyaltyChallengesQuery>,
) -> Result<Json<Rows<LoyaltyChallenge>>, Problem> {
    let rows = documents::list::<Challenge>(&app, &caller, query.ended).await?;
    let users = user_names(&app, caller.workspace).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let figures =
            challenges::figures(&mut app.installation.store.read(), caller.workspace, &row.document.key).await?;
        let figures = with_cost(&app, &caller, figures).await?;
        shown.push(LoyaltyChallenge::of(row, &users, Some(figures))?);
    }
    Ok(Json(Rows { rows: shown }))
}

async fn with_cost(app: &App, caller: &Caller, figures: Figures) -> Result<ChallengeFigures, Problem> {
    let present = Present::read(app, caller.workspace).await?;
    let program = present.program()?;
    let mut by_wallet: BTreeMap<&str, i64> = BTreeMap::new();
    for (wallet, _, points) in figures.steps.values().flatten() {
        *by_wallet.entry(wallet).or_default() += points;
    }
    let mut cost = Some(0.0);
    for (wallet, points) in by_wallet.into_iter().filter(|(_, points)| *points > 0) {
        let worth = program.wallet(wallet).and_then(|plan| plan.worth);
        let share = worth::redemption(&app.installation, caller.workspace, program, wallet).await;
        let share = share.map_err(Problem::internal)?;
        cost = cost.zip(worth).map(|(sum, worth)| sum + worth.micros() as f64 * points as f64 * share);
    }
    let step = |(step, rows): (&i64, &Vec<(String, i64, i64)>)| ChallengeStepFigures {
        step: step + 1,
        times: rows.iter().map(|row| row.1).sum(),
        points: rows.iter().map(|row| row.2).sum(),
    };
    Ok(ChallengeFigures {
        members: figures.members,
        completed: figures.completed,
        steps: figures.steps.iter().map(step).collect(),
        cost: cost.map(|micros| Decimal::from_micros(micros.round() as i64)),
    })
}

/// Lists every version of a challenge, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/challenges/{key}/versions", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_challenge_versions", params(("key" = String, Path)), responses((status = 200, body = Rows<LoyaltyChallenge>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_challenge_versions(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<LoyaltyChallenge>>, Problem> {
    let rows = documents::versions(&app, &caller, &key).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| LoyaltyChallenge::of(row, &users, None)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A challenge to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyChallengeBody {
    /// The version that was looked at; 0 of a new one.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says, without its key; its condition either in it as `when`, or beside it as `text`.
    #[schema(value_type = Object)]
    challenge: Value,
    /// The condition as text.
    #[serde(default)]
    text: Option<String>,
}

fn read(key: &str, form: Value, text: Option<&str>) -> Result<Challenge, Problem> {
    let challenge = Challenge::from_json(documents::complete("challenge", key, form, text)?)?;
    Ok(Challenge { event: shop_events::standard_name(&challenge.event).to_owned(), ..challenge })
}

/// Saves a challenge as a new version. It counts for what happens from now on; once it was live it keeps what it counts, its period and how members join.
#[utoipa::path(put, path = "/api/v1/loyalty/challenges/{key}", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "save_loyalty_challenge", params(("key" = String, Path)), request_body = LoyaltyChallengeBody, responses((status = 200, body = LoyaltyChallenge), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_loyalty_challenge(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<LoyaltyChallengeBody>,
) -> Result<Json<LoyaltyChallenge>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let challenge = read(&key, body.challenge, body.text.as_deref())?;
    let mut db = app.installation.store.read();
    let known = versions_of::<Challenge>(&mut db, caller.workspace, &key).await?;
    if let Some(begun) = known.iter().rev().find(|it| it.state != document::State::Draft) {
        challenge.refuse_change(&begun.document)?;
    }
    for (at, step) in challenge.steps.iter().enumerate() {
        if let Some(badge) = &step.badge
            && versions_of::<Badge>(&mut db, caller.workspace, badge).await?.is_empty()
        {
            return Err(Problem::invalid(&format!("challenge.steps[{at}].badge"), "there is no such badge"));
        }
    }
    if body.state == Live.key()
        && let Some(cause) = cycles::of_challenge(&challenge)
    {
        let (causes, _) = cycles::in_force(&mut db, caller.workspace).await?;
        if let Some(circle) = cycles::circle(&cause, &causes) {
            return Err(Problem::invalid("challenge.event", circle));
        }
    }
    let row = documents::save(&app, &caller, (challenge, &body.state), body.version).await?;
    let users = user_names(&app, caller.workspace).await?;
    Ok(Json(LoyaltyChallenge::of(row, &users, None)?))
}

/// How far a member is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChallengeMember {
    member_id: String,
    person_name: Option<String>,
    /// Since ever.
    completed: i64,
    /// How much there is in this round.
    #[schema(value_type = f64)]
    have: Value,
    /// How much the next step needs.
    #[schema(value_type = f64)]
    target: Value,
    /// How long the streak is, of one.
    streak: i64,
    /// When something last counted.
    last_at: Option<String>,
}

/// Lists the members who take part, those who completed it most often first.
#[utoipa::path(get, path = "/api/v1/loyalty/challenges/{key}/members", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_challenge_members", params(("key" = String, Path), PageQuery), responses((status = 200, body = Page<ChallengeMember>)))]
pub async fn loyalty_challenge_members(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ChallengeMember>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let after = page.position()?;
    let rows = challenges::taking_part(&mut db, caller.workspace, &key, after, page.limit() + 1).await?;
    let Page { rows, next, total } = Page::cut(rows, page.limit(), |it| (it.completed, it.member));
    let numbers: Vec<MemberId> = rows.iter().map(|row| MemberId(row.member)).collect();
    let names = names_of(&mut db, caller.workspace, &numbers).await?;
    let shape = |row: challenges::ProgressRow| ChallengeMember {
        member_id: row.member.to_string(),
        person_name: names.get(&row.member).cloned(),
        completed: row.completed,
        have: number(row.have),
        target: number(row.target),
        streak: row.streak,
        last_at: optional_time(row.last_at),
    };
    Ok(Json(Page { rows: rows.into_iter().map(shape).collect(), next, total }))
}

/// A challenge to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeTryBody {
    /// As it would be saved.
    #[schema(value_type = Object)]
    challenge: Value,
    /// The condition as text.
    #[serde(default)]
    text: Option<String>,
    /// So many days back, 1 to 400; 30 unless said.
    #[serde(default)]
    days: Option<u16>,
}

/// What a challenge would have shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChallengeTry {
    /// All members.
    members: usize,
    /// Those who were looked at: of very many some, drawn by chance.
    looked_at: usize,
    /// Whether not all were.
    is_sample: bool,
    /// Of those, for whom anything would have counted.
    taking_part: usize,
    steps: Vec<ChallengeTryStep>,
    from: String,
}

/// What a step would have shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChallengeTryStep {
    /// From 1.
    step: usize,
    /// How many members would have completed it.
    members: usize,
    /// How often they would have.
    times: usize,
    /// How many points it would have given.
    points: i64,
}

/// Says what a challenge would have shown if it had held in the last days. Nothing is changed; facts and segments are those of today.
#[utoipa::path(post, path = "/api/v1/loyalty/challenges/try", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "try_loyalty_challenge", request_body = ChallengeTryBody, responses((status = 200, body = ChallengeTry), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn try_loyalty_challenge(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ChallengeTryBody>,
) -> Result<Json<ChallengeTry>, Problem> {
    caller.require(Permission::ViewReports)?;
    let days = body.days.unwrap_or(30);
    if days == 0 || days > DAYS_MAX {
        return Err(Problem::invalid("days", format!("1 to {DAYS_MAX}")));
    }
    let present = Present::read(&app, caller.workspace).await?;
    let challenge = read("tried", body.challenge, body.text.as_deref())?;
    challenge.check(present.program()?)?;
    let now = app.now();
    let from = now.plus(-i64::from(days) * Timestamp::DAY);
    let ground =
        Ground { workspace: caller.workspace, program: present.program()?, calendar: present.calendar(), from, now };
    let tried = try_out(&app.installation, ground, &challenge).await.map_err(Problem::internal)?;
    let step = |(at, (members, times)): (usize, (usize, usize))| ChallengeTryStep {
        step: at + 1,
        members,
        times,
        points: challenge.steps[at].points.unwrap_or(0).saturating_mul(i64::try_from(times).unwrap_or(i64::MAX)),
    };
    Ok(Json(ChallengeTry {
        members: tried.members,
        looked_at: tried.looked_at,
        is_sample: tried.looked_at < tried.members,
        taking_part: tried.taking_part,
        steps: tried.steps.into_iter().enumerate().map(step).collect(),
        from: time(from),
    }))
}
