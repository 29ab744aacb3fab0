//! Adjustments of many accounts at once: looked at before, started, undone.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{PersonId, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::bulks::{self, Asked, Bulk, BulkMember};
use rapport_loyalty::records::members;
use rapport_loyalty::rewards::Refusal;
use rapport_segments::records::{memberships, segments};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::changes::{reasoned, role_of, wallet};
use super::members::number;
use super::named;
use super::redemptions::{Present, refused};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::points::adjusting;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(points_bulks, draft_points_bulk))
        .routes(routes!(points_bulk))
        .routes(routes!(points_bulk_members))
        .routes(routes!(start_points_bulk))
        .routes(routes!(undo_points_bulk))
}

/// Adjustments that are listed.
const SHOWN: u32 = 100;

/// What would come of an adjustment.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkForeseen {
    /// Accounts that would change.
    members: i64,
    /// By how many points together.
    points: i64,
    /// Accounts that would refuse, by the code of why.
    #[schema(value_type = Object)]
    refused: std::collections::BTreeMap<String, i64>,
}

/// An adjustment of many accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsBulk {
    bulk_id: String,
    /// The id that whoever asked gave it.
    id: String,
    wallet: String,
    /// For each account: above 0 given, below 0 taken.
    amount: i64,
    reason: String,
    /// The segment whose members they were.
    segment: Option<String>,
    /// `draft`: it can be looked at; `running`, `done`, `undoing`, `undone`.
    state: String,
    /// How many accounts.
    members: i64,
    /// As of when it was looked at.
    foreseen: BulkForeseen,
    /// How many accounts the work is through with.
    through: i64,
    posted: i64,
    refused: i64,
    undone: i64,
    asked_by: String,
    asked_at: String,
    started_by: Option<String>,
    finished_at: Option<String>,
}

impl PointsBulk {
    fn of(row: Bulk, users: &Names) -> Self {
        let bulks::Foreseen { members, points, refused } = row.foreseen();
        Self {
            foreseen: BulkForeseen { members, points, refused },
            bulk_id: row.bulk,
            id: row.id,
            wallet: row.wallet,
            amount: row.amount,
            reason: row.reason,
            segment: Some(row.of_segment).filter(|key| !key.is_empty()),
            state: row.state,
            members: row.members,
            through: row.through,
            posted: row.posted,
            refused: row.refused,
            undone: row.undone,
            asked_by: named(users, &row.asked_by),
            asked_at: time(row.asked_at),
            started_by: Some(row.started_by).filter(|by| !by.is_empty()).map(|by| named(users, &by)),
            finished_at: optional_time(row.finished_at),
        }
    }
}

/// Whose accounts are to be adjusted, and by how much.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsBulkBody {
    /// Your own name for it, without personal data: the same again is the same adjustment.
    id: String,
    /// The programme's first, unless said.
    #[serde(default)]
    wallet: Option<String>,
    /// For each account: above 0 given, below 0 taken.
    amount: i64,
    /// Why; the members can see it.
    reason: String,
    /// The members, or a segment.
    #[serde(default)]
    member_ids: Vec<String>,
    /// A segment's key: its members as of now who belong to the programme.
    #[serde(default)]
    segment: Option<String>,
}

/// Fixes whose accounts are to be adjusted and says what would come of it. Nothing is posted until it is started.
#[utoipa::path(post, path = "/api/v1/loyalty/bulks", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "draft_points_bulk", request_body = PointsBulkBody, responses((status = 200, body = PointsBulk), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn draft_points_bulk(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<PointsBulkBody>,
) -> Result<Json<PointsBulk>, Problem> {
    caller.require(Permission::PostPoints)?;
    reasoned(&body.reason)?;
    let whose = match body.segment.as_deref() {
        Some(_) if !body.member_ids.is_empty() => {
            return Err(Problem::invalid("segment", "stands instead of `member_ids`; give one of them"));
        }
        Some(key) => of_segment(&app, caller.workspace, key).await?,
        None => body.member_ids.iter().map(|id| number(id)).collect::<Result<_, _>>()?,
    };
    if whose.is_empty() || whose.len() > bulks::MOST {
        return Err(Problem::invalid("member_ids", format_args!("are 1 to {} members of the programme", bulks::MOST)));
    }
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let asked = Asked {
        id: &body.id,
        wallet: wallet(scene.program, body.wallet.as_deref())?,
        amount: body.amount,
        reason: &body.reason,
        of_segment: body.segment.as_deref().unwrap_or_default(),
        by: caller.id().as_str(),
    };
    let outcome = adjusting::draft(&app.installation, scene, asked, &whose).await?;
    shape(&app, &caller, outcome.map_err(refused)?).await
}

/// The members of the programme among a segment's, as of now.
async fn of_segment(app: &App, workspace: WorkspaceId, key: &str) -> Result<Vec<MemberId>, Problem> {
    let mut db = app.installation.store.read();
    let all = segments::all(&mut db, workspace).await?;
    if all.iter().all(|row| row.key != key) {
        return Err(Problem::not_found("segment"));
    }
    let mut whose = Vec::new();
    let mut after = PersonId(0);
    loop {
        let people = memberships::after(&mut db, workspace, key, after, PEOPLE_TOGETHER).await?;
        let people: Vec<PersonId> = people.into_iter().map(|(person,)| person).collect();
        let Some(last) = people.last().copied() else { return Ok(whose) };
        after = last;
        whose.extend(members::by_persons(&mut db, workspace, &people).await?.into_iter().map(|it| it.member));
        if whose.len() > bulks::MOST {
            return Ok(whose);
        }
    }
}

/// People of a segment that are looked up at a time.
const PEOPLE_TOGETHER: i64 = 1_000;

async fn shape(app: &App, caller: &Caller, row: Bulk) -> Result<Json<PointsBulk>, Problem> {
    let users = user_names(app, caller.workspace).await?;
    Ok(Json(PointsBulk::of(row, &users)))
}

/// Lists the latest adjustments of many accounts.
#[utoipa::path(get, path = "/api/v1/loyalty/bulks", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "points_bulks", responses((status = 200, body = Rows<PointsBulk>)))]
pub async fn points_bulks(State(app): State<App>, caller: Caller) -> Result<Json<Rows<PointsBulk>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let users = user_names(&app, caller.workspace).await?;
    let rows = bulks::list(&mut app.installation.store.read(), caller.workspace, SHOWN).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(|row| PointsBulk::of(row, &users)).collect() }))
}

/// Reads an adjustment and how far it is.
#[utoipa::path(get, path = "/api/v1/loyalty/bulks/{bulk_id}", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "points_bulk", params(("bulk_id" = String, Path)), responses((status = 200, body = PointsBulk), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn points_bulk(
    State(app): State<App>,
    caller: Caller,
    Path(bulk_id): Path<String>,
) -> Result<Json<PointsBulk>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = bulks::find(&mut app.installation.store.read(), caller.workspace, &bulk_id).await?;
    shape(&app, &caller, row.ok_or_else(|| refused(Refusal::ChangeUnknown))?).await
}

/// One account of an adjustment.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsBulkMember {
    member_id: String,
    /// What was available when it was looked at.
    had: i64,
    /// `waiting`, `posted`, `refused`, `undone`, or `kept` where it could not be undone.
    state: String,
    /// Why it was refused, or would be.
    refused: Option<String>,
}

impl From<BulkMember> for PointsBulkMember {
    fn from(row: BulkMember) -> Self {
        let BulkMember { member, had, state, refused, .. } = row;
        Self { member_id: member.to_string(), had, state, refused }
    }
}

/// Lists the accounts of an adjustment, with what each had and what came of it.
#[utoipa::path(get, path = "/api/v1/loyalty/bulks/{bulk_id}/members", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "points_bulk_members", params(("bulk_id" = String, Path), PageQuery), responses((status = 200, body = Page<PointsBulkMember>)))]
pub async fn points_bulk_members(
    State(app): State<App>,
    caller: Caller,
    Path(bulk_id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<PointsBulkMember>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let after: i64 = page.position()?.unwrap_or(0);
    let mut db = app.installation.store.read();
    let rows = bulks::accounts(&mut db, caller.workspace, &bulk_id, after, page.limit() + 1).await?;
    Ok(Json(Page::cut(rows, page.limit(), |it| it.place).map(PointsBulkMember::from)))
}

async fn start(app: &App, caller: &Caller, bulk: &str, undoes: bool) -> Result<Json<PointsBulk>, Problem> {
    caller.require(Permission::PostPoints)?;
    let present = Present::read(app, caller.workspace).await?;
    let scene = present.scene(app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = bulks::start(&mut tx, scene, bulk, (caller.id().as_str(), role_of(caller), undoes)).await?;
    tx.commit().await?;
    shape(app, caller, outcome.map_err(refused)?).await
}

/// Starts an adjustment: each account is posted to once. More points in all than your role may change alone takes somebody else than who asked.
#[utoipa::path(post, path = "/api/v1/loyalty/bulks/{bulk_id}/started", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "start_points_bulk", params(("bulk_id" = String, Path)), responses((status = 200, body = PointsBulk), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn start_points_bulk(
    State(app): State<App>,
    caller: Caller,
    Path(bulk_id): Path<String>,
) -> Result<Json<PointsBulk>, Problem> {
    start(&app, &caller, &bulk_id, false).await
}

/// Undoes an adjustment, also one that is still running: what was posted is reversed, and nothing else.
#[utoipa::path(post, path = "/api/v1/loyalty/bulks/{bulk_id}/undone", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "undo_points_bulk", params(("bulk_id" = String, Path)), responses((status = 200, body = PointsBulk), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn undo_points_bulk(
    State(app): State<App>,
    caller: Caller,
    Path(bulk_id): Path<String>,
) -> Result<Json<PointsBulk>, Problem> {
    start(&app, &caller, &bulk_id, true).await
}
