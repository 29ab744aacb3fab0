//! A member's leaderboards: where they are, going on one under a name, leaving it.

use crate::http::route::routes;
use axum::extract::State;
use rapport_loyalty::document::State::Live;
use rapport_loyalty::leaderboards::{alias, places};
use rapport_loyalty::ledger::Standing;
use rapport_loyalty::records::leaderboards::{self, JoinRow, Joined, Scene, WinnerRow};
use rapport_loyalty::records::members::Member;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::members::find;
use super::redemptions::Present;
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::problem::Problem;
use crate::tiers::facts::number;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(member_leaderboards))
        .routes(routes!(join_leaderboard))
        .routes(routes!(leave_leaderboard))
}

/// A leaderboard as a member sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberLeaderboard {
    leaderboard: String,
    name: String,
    words: String,
    picture: Option<String>,
    /// As what others see them; null while they are not on it.
    alias: Option<String>,
    joined_at: Option<String>,
    /// The period that counts now; null outside of what counts.
    period: Option<String>,
    /// When it ends; null where it never does.
    period_end: Option<String>,
    /// How much they have in it.
    #[schema(value_type = f64)]
    score: Value,
    /// On which place they are; null while they have nothing.
    place: Option<i64>,
    /// How many have something.
    of: i64,
    /// The first, as members see them.
    first: Vec<LeaderboardRow>,
    /// What they won, the latest first.
    won: Vec<MemberWin>,
}

/// One of the first.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeaderboardRow {
    /// From 1; whoever has the same has the same place.
    place: i64,
    /// As what others see them.
    name: String,
    #[schema(value_type = f64)]
    score: Value,
    /// Whether it is the member.
    is_own: bool,
}

/// Something that a member won.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberWin {
    period: String,
    place: i64,
    points: i64,
    badge: Option<String>,
    won_at: String,
}

/// Lists the leaderboards that are live, and others on which the member was: where they are, and who is first.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/leaderboards", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_leaderboards", params(("member_id" = String, Path)), responses((status = 200, body = Rows<MemberLeaderboard>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_leaderboards(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<Rows<MemberLeaderboard>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?;
    let present = Present::read(&app, caller.workspace).await?;
    Ok(Json(Rows { rows: shown(&app, present.leaderboards(caller.workspace)?, &member).await? }))
}

/// Everything that there is to show of leaderboards to a member.
pub(crate) async fn shown(app: &App, scene: Scene<'_>, member: &Member) -> Result<Vec<MemberLeaderboard>, Problem> {
    let mut db = app.installation.store.read();
    let joins = leaderboards::joins(&mut db, scene.workspace, &[member.member]).await?;
    let won = leaderboards::won(&mut db, scene.workspace, &[member.member]).await?;
    let mut rows: Vec<(u32, MemberLeaderboard)> = Vec::new();
    for versions in scene.leaderboards.chunk_by(|one, other| one.document.key == other.document.key) {
        let Some(latest) = versions.last() else { continue };
        let board = &latest.document;
        let own: Vec<&WinnerRow> = won.iter().filter(|it| it.leaderboard == board.key).collect();
        let knows = joins.iter().any(|it| it.leaderboard == board.key) || !own.is_empty();
        if latest.state != Live && !knows {
            continue;
        }
        let join = joins.iter().find(|it| it.leaderboard == board.key && it.left_at.is_none());
        let span = board.span(scene.now, scene.calendar);
        let mut row = begin(board, join, &own);
        if let Some(span) = span {
            let place = (board.key.as_str(), span.key.as_str());
            let standing = leaderboards::standing(&mut db, scene.workspace, place, member.member).await?;
            let first = leaderboards::first(&mut db, scene.workspace, place, u32::from(board.shown)).await?;
            let places = places(&first.iter().map(|row| row.score).collect::<Vec<_>>());
            let shape = |(it, place): (leaderboards::ScoreRow, i64)| LeaderboardRow {
                place,
                is_own: it.member == member.member.0,
                name: it.alias,
                score: number(it.score),
            };
            row.first = first.into_iter().zip(places).map(shape).collect();
            (row.score, row.place, row.of) = (number(standing.score), standing.place, standing.of);
            row.period_end = optional_time(Some(span.end).filter(|end| end.0 < i64::MAX));
            row.period = Some(span.key);
        }
        rows.push((board.place, row));
    }
    rows.sort_by_key(|(place, _)| *place);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn begin(
    board: &rapport_loyalty::leaderboards::Leaderboard,
    join: Option<&JoinRow>,
    won: &[&WinnerRow],
) -> MemberLeaderboard {
    let win = |it: &&WinnerRow| MemberWin {
        period: it.period.clone(),
        place: it.place,
        points: it.points,
        badge: it.badge.clone(),
        won_at: time(it.won_at),
    };
    MemberLeaderboard {
        leaderboard: board.key.clone(),
        name: board.name.clone(),
        words: board.words.clone(),
        picture: board.picture.clone(),
        alias: join.map(|it| it.alias.clone()),
        joined_at: optional_time(join.map(|it| it.joined_at)),
        period: None,
        period_end: None,
        score: number(0),
        place: None,
        of: 0,
        first: Vec::new(),
        won: won.iter().map(win).collect(),
    }
}

/// As what a member wants to be seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinLeaderboardBody {
    /// A name that others see: 1 to 40 characters, no address. Nobody else on the leaderboard has it.
    name: String,
}

/// Puts a member on a leaderboard, as they asked, under a name that others see; also gives them another name. What they did in this period counts. Asked again it is answered the same.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/leaderboards/{key}/joined", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "join_leaderboard", params(("member_id" = String, Path), ("key" = String, Path)), request_body = JoinLeaderboardBody, responses((status = 200, body = MemberLeaderboard), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn join_leaderboard(
    State(app): State<App>,
    caller: Caller,
    Path((member_id, key)): Path<(String, String)>,
    Json(body): Json<JoinLeaderboardBody>,
) -> Result<Json<MemberLeaderboard>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let member = find(&app, &caller, &member_id).await?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.leaderboards(caller.workspace)?;
    let name = alias(&body.name)?;
    join(&app, scene, &member, (&key, &name)).await?;
    one(&app, scene, &member, &key).await
}

/// Puts a member on a leaderboard under a name that [`alias`] let pass.
///
/// # Errors
/// That there is none, that it is not open, that the member is blocked or gone, that somebody has the name; the store's.
pub(crate) async fn join(
    app: &App,
    scene: Scene<'_>,
    member: &Member,
    (key, name): (&str, &str),
) -> Result<(), Problem> {
    let version = scene.latest(key).ok_or_else(|| Problem::not_found("leaderboard"))?;
    match member.standing {
        Standing::Active => {}
        Standing::Blocked => {
            return Err(Problem::conflict("member_blocked", "The member is blocked.", "Lift the block first."));
        }
        _ => return Err(Problem::conflict("member_closed", "The member's account is closed.", "Nothing can be done.")),
    }
    if version.state != Live || version.document.span(scene.now, scene.calendar).is_none() {
        let text = "The leaderboard is a draft, paused or ended, or outside of its time.";
        return Err(Problem::conflict("leaderboard_not_open", text, "See when it can be joined."));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let joined = leaderboards::join(&mut tx, scene, member, (key, name)).await?;
    tx.commit().await?;
    if joined == Joined::NameTaken {
        let text = "Somebody else on this leaderboard has that name.";
        return Err(Problem::conflict("leaderboard_name_taken", text, "Choose another name."));
    }
    Ok(())
}

/// Takes a member off a leaderboard. What they won stays theirs.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/leaderboards/{key}/left", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "leave_leaderboard", params(("member_id" = String, Path), ("key" = String, Path)), responses((status = 200, body = MemberLeaderboard), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn leave_leaderboard(
    State(app): State<App>,
    caller: Caller,
    Path((member_id, key)): Path<(String, String)>,
) -> Result<Json<MemberLeaderboard>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let member = find(&app, &caller, &member_id).await?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.leaderboards(caller.workspace)?;
    scene.latest(&key).ok_or_else(|| Problem::not_found("leaderboard"))?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let was_on = leaderboards::leave(&mut tx, scene, &member, &key).await?;
    tx.commit().await?;
    if !was_on {
        let text = "The member is not on this leaderboard.";
        return Err(Problem::conflict("leaderboard_not_joined", text, "See on which the member is."));
    }
    one(&app, scene, &member, &key).await
}

async fn one(app: &App, scene: Scene<'_>, member: &Member, key: &str) -> Result<Json<MemberLeaderboard>, Problem> {
    let rows = shown(app, scene, member).await?;
    rows.into_iter().find(|row| row.leaderboard == key).map(Json).ok_or_else(|| Problem::not_found("leaderboard"))
}
