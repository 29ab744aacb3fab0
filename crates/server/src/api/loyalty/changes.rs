//! Points that staff give and take by hand: alone, with a second person, or as goodwill.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::{MemberId, WalletId};
use rapport_loyalty::program::{Program, WalletPlan};
use rapport_loyalty::records::changes::{self, Asked, Change};
use rapport_loyalty::records::wallets;
use rapport_loyalty::rewards::Refusal;
use rapport_loyalty::staff::Goodwill;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::{names_of, number};
use super::named;
use super::redemptions::{Present, refused, short};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission, Role};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(points_changes, change_points))
        .routes(routes!(approve_points_change))
        .routes(routes!(decline_points_change))
        .routes(routes!(goodwill_left, give_goodwill))
        .routes(routes!(given_goodwill))
}

/// A change by hand.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsChange {
    change_id: String,
    /// The id that whoever asked gave it.
    id: String,
    member_id: String,
    wallet: String,
    /// Above 0 given, below 0 taken.
    amount: i64,
    reason: String,
    /// `asked`: it waits for a second person; `approved`: it is posted; `declined`, `lapsed`, or `refused` by the ledger.
    state: String,
    /// Why the ledger refused it.
    refused: Option<String>,
    asked_by: String,
    asked_at: String,
    /// From when on nobody can approve it any more.
    lapses_at: String,
    decided_by: Option<String>,
    decided_at: Option<String>,
    answer: String,
    /// Whether you may decide: whoever asked may not.
    is_own: bool,
}

impl PointsChange {
    fn of(row: Change, users: &Names, caller: &Caller) -> Self {
        Self {
            is_own: row.asked_by == caller.id().as_str(),
            change_id: row.change,
            id: row.id,
            member_id: row.member.to_string(),
            wallet: row.wallet,
            amount: row.amount,
            reason: row.reason,
            state: row.state,
            refused: row.refused,
            asked_by: named(users, &row.asked_by),
            asked_at: time(row.asked_at),
            lapses_at: time(row.lapses_at),
            decided_by: Some(row.decided_by).filter(|by| !by.is_empty()).map(|by| named(users, &by)),
            decided_at: optional_time(row.decided_at),
            answer: row.answer,
        }
    }
}

/// In which role somebody asks, as the programme's limits name it.
pub(super) fn role_of(caller: &Caller) -> &'static str {
    caller.role().map_or("key", Role::as_str)
}

pub(super) fn wallet<'a>(program: &'a Program, key: Option<&str>) -> Result<&'a WalletPlan, Problem> {
    program.wallet_meant(key).ok_or_else(|| refused(Refusal::Ledger(rapport_loyalty::ledger::Refusal::WalletUnknown)))
}

/// Why something is changed must be said.
pub(super) fn reasoned(reason: &str) -> Result<(), Problem> {
    short("reason", reason)?;
    if reason.trim().is_empty() {
        return Err(Problem::invalid("reason", "says why, in a few words"));
    }
    Ok(())
}

/// A change to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsChangeBody {
    /// Your own name for it, without personal data: the same again is the same change.
    id: String,
    member_id: String,
    /// The programme's first, unless said.
    #[serde(default)]
    wallet: Option<String>,
    /// Above 0 given, below 0 taken.
    amount: i64,
    /// Why; the member can see it.
    reason: String,
}

/// Changes a balance by hand. More than the caller's role may change alone waits until a second person approves it.
#[utoipa::path(post, path = "/api/v1/loyalty/changes", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "change_points", request_body = PointsChangeBody, responses((status = 200, body = PointsChange), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn change_points(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<PointsChangeBody>,
) -> Result<Json<PointsChange>, Problem> {
    caller.require(Permission::ServeMembers)?;
    reasoned(&body.reason)?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let asked = Asked {
        id: &body.id,
        member: number(&body.member_id).map_err(|_| refused(Refusal::MemberUnknown))?,
        wallet: wallet(scene.program, body.wallet.as_deref())?,
        amount: body.amount,
        reason: &body.reason,
        by: caller.id().as_str(),
        role: role_of(&caller),
        may_post: caller.may(Permission::PostPoints),
    };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = changes::ask(&mut tx, scene, asked).await?;
    tx.commit().await?;
    answered(&app, &caller, outcome).await
}

/// A change as it stands now; what the ledger refused is an error with the ledger's code.
async fn answered(app: &App, caller: &Caller, outcome: Result<Change, Refusal>) -> Result<Json<PointsChange>, Problem> {
    let change = outcome.map_err(refused)?;
    if let Some(refusal) = change.refused.as_deref().and_then(Refusal::read) {
        return Err(refused(refusal));
    }
    let users = user_names(app, caller.workspace).await?;
    Ok(Json(PointsChange::of(change, &users, caller)))
}

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
pub struct PointsChangesQuery {
    /// In this state only: `asked` are those that wait.
    #[serde(default)]
    state: String,
}

/// Lists changes by hand, the newest first.
#[utoipa::path(get, path = "/api/v1/loyalty/changes", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "points_changes", params(PointsChangesQuery, PageQuery), responses((status = 200, body = Page<PointsChange>)))]
pub async fn points_changes(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PointsChangesQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<PointsChange>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let after: Option<(i64, String)> = page.position()?;
    let after = after.map(|(at, change)| (Timestamp(at), change));
    let mut db = app.installation.store.read();
    let rows = changes::list(&mut db, scene, &query.state, after, page.limit() + 1).await?;
    let users = user_names(&app, caller.workspace).await?;
    let page = Page::cut(rows, page.limit(), |row| (row.asked_at.0, row.change.clone()));
    Ok(Json(page.map(|row| PointsChange::of(row, &users, &caller))))
}

/// What the second person says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    #[serde(default)]
    answer: String,
}

async fn decide(
    app: &App,
    caller: &Caller,
    change: &str,
    (approves, answer): (bool, &str),
) -> Result<Json<PointsChange>, Problem> {
    caller.require(Permission::PostPoints)?;
    short("answer", answer)?;
    let present = Present::read(app, caller.workspace).await?;
    let scene = present.scene(app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = changes::decide(&mut tx, scene, change, (approves, caller.id().as_str(), answer)).await?;
    tx.commit().await?;
    answered(app, caller, outcome).await
}

/// Approves a change that somebody else asked for: it is posted, once.
#[utoipa::path(post, path = "/api/v1/loyalty/changes/{change_id}/approved", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "approve_points_change", params(("change_id" = String, Path)), request_body = DecisionBody, responses((status = 200, body = PointsChange), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn approve_points_change(
    State(app): State<App>,
    caller: Caller,
    Path(change_id): Path<String>,
    Json(body): Json<DecisionBody>,
) -> Result<Json<PointsChange>, Problem> {
    decide(&app, &caller, &change_id, (true, &body.answer)).await
}

/// Declines a change that somebody else asked for.
#[utoipa::path(post, path = "/api/v1/loyalty/changes/{change_id}/declined", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "decline_points_change", params(("change_id" = String, Path)), request_body = DecisionBody, responses((status = 200, body = PointsChange), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn decline_points_change(
    State(app): State<App>,
    caller: Caller,
    Path(change_id): Path<String>,
    Json(body): Json<DecisionBody>,
) -> Result<Json<PointsChange>, Problem> {
    decide(&app, &caller, &change_id, (false, &body.answer)).await
}

/// Points to be given as goodwill.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GoodwillBody {
    /// Your own name for it, without personal data: the same again is given once.
    id: String,
    member_id: String,
    /// The programme's first, unless said.
    #[serde(default)]
    wallet: Option<String>,
    points: i64,
    /// Why; the member can see it.
    reason: String,
}

/// Goodwill that was given.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoodwillGiven {
    /// The ledger's operation.
    operation_id: String,
    points: i64,
}

/// In which wallet.
#[derive(Debug, Deserialize, IntoParams)]
pub struct GoodwillQuery {
    /// The programme's first, unless said.
    wallet: Option<String>,
}

/// A limit of the goodwill that you give, and what is left of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoodwillLeft {
    /// So many points you may give in the period.
    most: i64,
    /// `day`, `week`, `month`, `year` or `ever`, of the programme's zone.
    every: String,
    /// How many you gave in the present one.
    given: i64,
    /// How many are left.
    left: i64,
}

/// Says what is left of each of your own limits of goodwill; none means that you give none.
#[utoipa::path(get, path = "/api/v1/loyalty/goodwill", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "goodwill_left", params(GoodwillQuery), responses((status = 200, body = Rows<GoodwillLeft>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn goodwill_left(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<GoodwillQuery>,
) -> Result<Json<Rows<GoodwillLeft>>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let key = &wallet(scene.program, query.wallet.as_deref())?.key;
    let mut db = app.installation.store.read();
    let limits = changes::goodwill_left(&mut db, scene, (key.as_str(), caller.id().as_str(), role_of(&caller))).await?;
    let row = |(limit, given): (&Goodwill, i64)| GoodwillLeft {
        most: limit.most,
        every: limit.every.key().to_owned(),
        given,
        left: (limit.most - given).max(0),
    };
    Ok(Json(Rows { rows: limits.into_iter().map(row).collect() }))
}

/// Gives a member points as goodwill, within what the programme lets each person of the caller's role give in a period.
#[utoipa::path(post, path = "/api/v1/loyalty/goodwill", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "give_goodwill", request_body = GoodwillBody, responses((status = 200, body = GoodwillGiven), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn give_goodwill(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<GoodwillBody>,
) -> Result<Json<GoodwillGiven>, Problem> {
    caller.require(Permission::ServeMembers)?;
    reasoned(&body.reason)?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let asked = Asked {
        id: &body.id,
        member: number(&body.member_id).map_err(|_| refused(Refusal::MemberUnknown))?,
        wallet: wallet(scene.program, body.wallet.as_deref())?,
        amount: body.points,
        reason: &body.reason,
        by: caller.id().as_str(),
        role: role_of(&caller),
        may_post: false,
    };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = changes::goodwill(&mut tx, scene, asked).await?;
    tx.commit().await?;
    outcome.map_err(refused)?;
    Ok(Json(GoodwillGiven { operation_id: format!("{}{}", changes::GOODWILL_IDS, body.id), points: body.points }))
}

/// Goodwill that somebody of the staff gave.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoodwillOperation {
    /// The ledger's operation.
    operation_id: String,
    given_at: String,
    given_by: String,
    member_id: String,
    /// Null when they were forgotten.
    member_name: Option<String>,
    wallet: String,
    points: i64,
    /// How many of them were taken back later.
    taken_back: i64,
    /// Why; empty when the member was forgotten.
    reason: String,
}

/// Lists the goodwill that anybody gave, the newest first: when, who, to whom, how much and why.
#[utoipa::path(get, path = "/api/v1/loyalty/goodwill/given", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "given_goodwill", params(PageQuery), responses((status = 200, body = Page<GoodwillOperation>)))]
pub async fn given_goodwill(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<GoodwillOperation>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let workspace = caller.workspace;
    let before: Option<i64> = page.position()?;
    let mut db = app.installation.store.read();
    let rows = changes::goodwill_given(&mut db, workspace, before, page.limit() + 1).await?;
    let page = Page::cut(rows, page.limit(), |row| row.operation);
    let mut numbers: Vec<MemberId> = page.rows.iter().map(|row| MemberId(row.member)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let names = names_of(&mut db, workspace, &numbers).await?;
    let keys = wallets::keys(&mut db, workspace).await?;
    let users = user_names(&app, workspace).await?;
    Ok(Json(page.map(|row| GoodwillOperation {
        operation_id: row.id,
        given_at: time(row.recorded_at),
        given_by: named(&users, &row.source_by),
        member_id: row.member.to_string(),
        member_name: names.get(&row.member).cloned(),
        wallet: keys.get(&WalletId(row.wallet)).cloned().unwrap_or_default(),
        points: row.amount,
        taken_back: row.reversed,
        reason: row.source_reason,
    })))
}
