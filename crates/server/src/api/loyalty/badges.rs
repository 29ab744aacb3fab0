//! Badges: what there are, who has them, and badges that staff give and take back.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_loyalty::Document;
use rapport_loyalty::badges::Badge;
use rapport_loyalty::document;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::badges::{self, BY_STAFF, BadgeRow, Whose};
use rapport_loyalty::records::documents::{Version, versions_of};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::{find, names_of};
use super::{documents, named};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_badges))
        .routes(routes!(save_loyalty_badge))
        .routes(routes!(loyalty_badge_versions))
        .routes(routes!(loyalty_badge_members))
        .routes(routes!(member_badges))
        .routes(routes!(give_badge))
        .routes(routes!(take_badge_back))
}

const REASON_MAX: usize = 500;

/// A badge as of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyBadge {
    key: String,
    /// From 1: send it back when saving.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`. Only live ones are given by their condition and by staff.
    state: String,
    /// What it says; the guide Challenges describes it.
    #[schema(value_type = Object)]
    badge: Value,
    /// Whom it is given to by itself, as text; null when only challenges and staff give it.
    text: Option<String>,
    /// Members who have it; null in a list of versions.
    holders: Option<i64>,
    /// From when on it holds.
    in_force_from: String,
    saved_at: String,
    saved_by: String,
}

impl LoyaltyBadge {
    fn of(row: Version<Badge>, users: &Names, holders: Option<i64>) -> Result<Self, Problem> {
        Ok(Self {
            key: row.document.key.clone(),
            version: row.version,
            state: row.state.key().to_owned(),
            text: row.document.when.as_ref().map(rapport_segments::Condition::to_text),
            badge: serde_json::to_value(row.document).map_err(Problem::internal)?,
            holders,
            in_force_from: time(row.in_force_from),
            saved_at: time(row.saved_at),
            saved_by: named(users, &row.saved_by),
        })
    }
}

/// Which badges.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LoyaltyBadgesQuery {
    /// Ended ones too.
    #[serde(default)]
    ended: bool,
}

/// Lists the badges in the order in which members see them, each with how many have it.
#[utoipa::path(get, path = "/api/v1/loyalty/badges", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_badges", params(LoyaltyBadgesQuery), responses((status = 200, body = Rows<LoyaltyBadge>)))]
pub async fn loyalty_badges(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LoyaltyBadgesQuery>,
) -> Result<Json<Rows<LoyaltyBadge>>, Problem> {
    let rows = documents::list::<Badge>(&app, &caller, query.ended).await?;
    let users = user_names(&app, caller.workspace).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let holders = badges::holders(&mut app.installation.store.read(), caller.workspace, &row.document.key).await?;
        shown.push(LoyaltyBadge::of(row, &users, Some(holders))?);
    }
    Ok(Json(Rows { rows: shown }))
}

/// Lists every version of a badge, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/badges/{key}/versions", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_badge_versions", params(("key" = String, Path)), responses((status = 200, body = Rows<LoyaltyBadge>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_badge_versions(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<LoyaltyBadge>>, Problem> {
    let rows = documents::versions(&app, &caller, &key).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| LoyaltyBadge::of(row, &users, None)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A member who has a badge.
#[derive(Debug, Serialize, ToSchema)]
pub struct BadgeHolder {
    member_id: String,
    person_name: Option<String>,
    /// Since when, for the first of the reasons that are left.
    given_at: String,
}

/// Lists the members who have a badge, in the order of their numbers.
#[utoipa::path(get, path = "/api/v1/loyalty/badges/{key}/members", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_badge_members", params(("key" = String, Path), PageQuery), responses((status = 200, body = Page<BadgeHolder>)))]
pub async fn loyalty_badge_members(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<BadgeHolder>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let after = page.position()?;
    let rows = badges::held_by(&mut db, caller.workspace, &key, after, page.limit() + 1).await?;
    let Page { rows, next, total } = Page::cut(rows, page.limit(), |(member, _)| *member);
    let numbers: Vec<MemberId> = rows.iter().map(|(member, _)| MemberId(*member)).collect();
    let names = names_of(&mut db, caller.workspace, &numbers).await?;
    let shape = |(member, given_at): (i64, Timestamp)| BadgeHolder {
        member_id: member.to_string(),
        person_name: names.get(&member).cloned(),
        given_at: time(given_at),
    };
    Ok(Json(Page { rows: rows.into_iter().map(shape).collect(), next, total }))
}

/// A badge to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyBadgeBody {
    /// The version that was looked at; 0 of a new one.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says, without its key; whom it is given to by itself either in it as `when`, or beside it as `text`.
    #[schema(value_type = Object)]
    badge: Value,
    /// Whom it is given to, as text.
    #[serde(default)]
    text: Option<String>,
}

/// Saves a badge as a new version. Whoever has it keeps it.
#[utoipa::path(put, path = "/api/v1/loyalty/badges/{key}", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "save_loyalty_badge", params(("key" = String, Path)), request_body = LoyaltyBadgeBody, responses((status = 200, body = LoyaltyBadge), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_loyalty_badge(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<LoyaltyBadgeBody>,
) -> Result<Json<LoyaltyBadge>, Problem> {
    let form = documents::complete("badge", &key, body.badge, body.text.as_deref())?;
    let row = documents::save(&app, &caller, (Badge::from_json(form)?, &body.state), body.version).await?;
    let users = user_names(&app, caller.workspace).await?;
    Ok(Json(LoyaltyBadge::of(row, &users, None)?))
}

/// A reason for which a member has a badge, or had it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberBadge {
    badge: String,
    name: String,
    words: String,
    picture: Option<String>,
    /// What gave it: `challenge`, `condition` or `staff`.
    by: String,
    /// The challenge that gave it.
    challenge: Option<String>,
    /// Whether they have it for this reason.
    is_held: bool,
    given_at: String,
    /// Who of the staff gave it.
    given_by: Option<String>,
    reason: String,
    taken_at: Option<String>,
    taken_by: Option<String>,
    taken_reason: String,
}

async fn shown(app: &App, caller: &Caller, rows: Vec<BadgeRow>) -> Result<Vec<MemberBadge>, Problem> {
    let users = user_names(app, caller.workspace).await?;
    let programs = app.installation.programs.get(&mut app.installation.store.read(), caller.workspace).await?;
    let person = |id: &str| Some(named(&users, id)).filter(|name| !name.is_empty());
    let shape = |row: BadgeRow| {
        let plan = programs.badges.iter().rfind(|it| it.document.key == row.badge).map(|it| &it.document);
        let mut parts = row.cause.split(':');
        let by = parts.next().unwrap_or_default().to_owned();
        MemberBadge {
            name: plan.map_or_else(|| row.badge.clone(), |plan| plan.name.clone()),
            words: plan.map_or_else(String::new, |plan| plan.words.clone()),
            picture: plan.and_then(|plan| plan.picture.clone()),
            challenge: parts.next().map(str::to_owned),
            by,
            is_held: row.taken_at.is_none(),
            given_at: time(row.given_at),
            given_by: person(&row.given_by),
            taken_at: optional_time(row.taken_at),
            taken_by: person(&row.taken_by),
            badge: row.badge,
            reason: row.reason,
            taken_reason: row.taken_reason,
        }
    };
    Ok(rows.into_iter().map(shape).collect())
}

/// Lists a member's badges with why they have them, the latest first; also those that were taken back.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/badges", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_badges", params(("member_id" = String, Path)), responses((status = 200, body = Rows<MemberBadge>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_badges(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<Rows<MemberBadge>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?;
    let mut rows = badges::of_members(&mut app.installation.store.read(), caller.workspace, &[member.member]).await?;
    rows.reverse();
    Ok(Json(Rows { rows: shown(&app, &caller, rows).await? }))
}

/// Why a badge is given or taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BadgeReason {
    /// Up to 500 characters.
    reason: String,
}

impl BadgeReason {
    fn read(&self) -> Result<&str, Problem> {
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON_MAX || reason.contains('\0') {
            return Err(Problem::invalid("reason", "says why, in up to 500 characters"));
        }
        Ok(reason)
    }
}

/// Gives a member a badge by hand; asked again it is answered the same.
#[utoipa::path(put, path = "/api/v1/loyalty/members/{member_id}/badges/{badge}", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "give_badge", params(("member_id" = String, Path), ("badge" = String, Path)), request_body = BadgeReason, responses((status = 200, body = Rows<MemberBadge>), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn give_badge(
    State(app): State<App>,
    caller: Caller,
    Path((member_id, badge)): Path<(String, String)>,
    Json(body): Json<BadgeReason>,
) -> Result<Json<Rows<MemberBadge>>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let reason = body.read()?;
    let member = find(&app, &caller, &member_id).await?;
    let versions = versions_of::<Badge>(&mut app.installation.store.read(), caller.workspace, &badge).await?;
    let latest = versions.last().ok_or_else(|| Problem::not_found("badge"))?;
    if latest.state != document::State::Live {
        let text = "The badge is a draft, paused or ended.";
        return Err(Problem::conflict("badge_not_given", text, "Make it live first."));
    }
    let person = member.person.ok_or_else(|| Problem::not_found("member"))?;
    let (now, by) = (app.now(), caller.id());
    let whose = Whose { member: member.member, person, badge: &badge, cause: BY_STAFF };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let act = badges::Act { at: now, now, by: by.as_str(), reason };
    badges::give(&mut tx, caller.workspace, whose, act).await?;
    tx.commit().await?;
    member_badges(State(app), caller, Path(member_id)).await
}

/// Takes a badge back from a member, for whatever reason they have it.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/badges/{badge}/taken_back", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "take_badge_back", params(("member_id" = String, Path), ("badge" = String, Path)), request_body = BadgeReason, responses((status = 200, body = Rows<MemberBadge>), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn take_badge_back(
    State(app): State<App>,
    caller: Caller,
    Path((member_id, badge)): Path<(String, String)>,
    Json(body): Json<BadgeReason>,
) -> Result<Json<Rows<MemberBadge>>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let reason = body.read()?;
    let member = find(&app, &caller, &member_id).await?;
    let person = member.person.ok_or_else(|| Problem::not_found("member"))?;
    let now = app.now();
    let whose = Whose { member: member.member, person, badge: &badge, cause: "" };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let act = badges::Act { at: now, now, by: caller.id().as_str(), reason };
    let had = badges::take(&mut tx, caller.workspace, whose, act).await?;
    tx.commit().await?;
    if !had {
        let text = "The member does not have this badge.";
        return Err(Problem::conflict("badge_not_held", text, "See which badges the member has."));
    }
    member_badges(State(app), caller, Path(member_id)).await
}
