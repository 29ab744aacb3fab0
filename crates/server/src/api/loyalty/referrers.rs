//! Members who bring friends: their codes and links, and who is suspended from it.

use std::collections::HashMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::codes as texts;
use rapport_loyalty::document::State as DocumentState;
use rapport_loyalty::ledger::{MemberId, Standing};
use rapport_loyalty::records::referrals::codes::{self, ReferralCode};
use rapport_loyalty::records::referrals::suspensions::{self, Suspension};
use rapport_loyalty::records::{documents, members, referrals};
use rapport_loyalty::referrals::Referral;
use rapport_profiles::records::persons;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::members::find;
use super::named;
use super::referrals::ReferralReasonBody;
use crate::api::segments::{Names, user_names};
use crate::api::shapes::{display_name, time};
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::problem::Problem;
use crate::public_pages::referral;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(member_referral_codes, make_referral_code))
        .routes(routes!(referral_suspensions))
        .routes(routes!(suspend_referrer))
        .routes(routes!(lift_referral_suspension))
}

/// A member's code for a referral programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberReferralCode {
    /// The programme's key.
    program: String,
    /// As people read it; capital and small letters, spaces and hyphens do not matter.
    code: String,
    /// The page that a friend sees first.
    url: String,
    made_at: String,
    /// From when on it does not count.
    voided_at: Option<String>,
}

fn shape(app: &App, headers: &HeaderMap, code: ReferralCode) -> MemberReferralCode {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    MemberReferralCode {
        url: format!("{}{}", app.public_url(host), referral::path(&code.lookup)),
        code: texts::shown(&code.lookup),
        program: code.referral,
        made_at: time(code.made_at),
        voided_at: optional_time(code.voided_at),
    }
}

/// Lists a member's codes, the oldest first.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/referral-codes", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_referral_codes", params(("member_id" = String, Path)), responses((status = 200, body = Rows<MemberReferralCode>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_referral_codes(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(member_id): Path<String>,
) -> Result<Json<Rows<MemberReferralCode>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?.member;
    let mut db = app.installation.store.read();
    let numbers = members::numbers(&mut db, caller.workspace, member).await?;
    let rows = codes::of_members(&mut db, caller.workspace, &numbers).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(|code| shape(&app, &headers, code)).collect() }))
}

/// For which programme.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeReferralCodeBody {
    /// The programme's key.
    program: String,
}

/// Gives a member their code for a programme: the one that they have, or a new one. It stays the same for ever.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/referral-codes", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "make_referral_code", params(("member_id" = String, Path)), request_body = MakeReferralCodeBody, responses((status = 200, body = MemberReferralCode), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn make_referral_code(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(member_id): Path<String>,
    Json(body): Json<MakeReferralCodeBody>,
) -> Result<Json<MemberReferralCode>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let member = find(&app, &caller, &member_id).await?;
    if member.standing == Standing::Closed || member.person.is_none() {
        let text = "The member has left the programme.";
        return Err(Problem::conflict("member_closed", text, "Nothing was made."));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let latest = documents::versions_of::<Referral>(&mut tx, caller.workspace, &body.program).await?.pop();
    let state = latest.ok_or_else(|| Problem::not_found("referral programme"))?.state;
    if matches!(state, DocumentState::Draft | DocumentState::Ended) {
        let text = "The referral programme was not begun, or is over.";
        return Err(Problem::conflict("referral_not_live", text, "Make it live first; codes that were made stay."));
    }
    let numbers = members::numbers(&mut tx, caller.workspace, member.member).await?;
    let making = (app.now(), app.rng());
    let code = codes::ensure(&mut tx, caller.workspace, &numbers, &body.program, making).await?;
    tx.commit().await?;
    Ok(Json(shape(&app, &headers, code)))
}

/// A member who is suspended from referrals.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferralSuspension {
    member_id: String,
    person_id: Option<String>,
    person_name: Option<String>,
    suspended_at: String,
    /// Who; null when it happened by itself, after too many suspicious referrals.
    suspended_by: Option<String>,
    reason: String,
    /// How many friends came by them.
    joined: i64,
    /// How many were rewarded.
    rewarded: i64,
}

async fn suspended(
    app: &App,
    workspace: WorkspaceId,
    rows: Vec<Suspension>,
) -> Result<Vec<ReferralSuspension>, Problem> {
    let users: Names = user_names(app, workspace).await?;
    let mut db = app.installation.store.read();
    let mut found = Vec::new();
    for row in rows {
        if let Some(member) = members::find(&mut db, workspace, MemberId(row.member)).await? {
            found.push((row, member));
        }
    }
    let people: Vec<PersonId> = found.iter().filter_map(|(_, member)| member.person).collect();
    let names = persons::by_ids(&mut db, workspace, &people).await?;
    let names: HashMap<PersonId, String> = names.iter().map(|row| (row.person, display_name(row))).collect();
    let numbers: Vec<MemberId> = found.iter().map(|(_, member)| member.member).collect();
    let figures = referrals::figures(&mut db, workspace, &numbers).await?;
    let shape = |(row, member): (Suspension, members::Member)| {
        let figures = figures.get(&member.member).copied().unwrap_or_default();
        ReferralSuspension {
            member_id: member.member.0.to_string(),
            person_id: member.person.map(|person| person.to_string()),
            person_name: member.person.and_then(|person| names.get(&person).cloned()),
            suspended_at: time(row.suspended_at),
            suspended_by: (row.suspended_by != suspensions::BY_ITSELF).then(|| named(&users, &row.suspended_by)),
            reason: row.reason,
            joined: figures.joined,
            rewarded: figures.rewarded,
        }
    };
    Ok(found.into_iter().map(shape).collect())
}

/// Lists members who are suspended from referrals, the newest first.
#[utoipa::path(get, path = "/api/v1/loyalty/referrals/suspensions", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "referral_suspensions", params(PageQuery), responses((status = 200, body = Page<ReferralSuspension>)))]
pub async fn referral_suspensions(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ReferralSuspension>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let after: Option<(i64, i64)> = page.position()?;
    let after = after.map(|(at, member)| (Timestamp(at), member));
    let rows = suspensions::list(&mut app.installation.store.read(), caller.workspace, after, page.limit() + 1).await?;
    let Page { rows, next, total } = Page::cut(rows, page.limit(), |row| (row.suspended_at.0, row.member));
    Ok(Json(Page { rows: suspended(&app, caller.workspace, rows).await?, next, total }))
}

/// Suspends a member from referrals: whoever comes by them from now on does not count, and what is open waits for somebody to look at it.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/referral-suspension", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "suspend_referrer", params(("member_id" = String, Path)), request_body = ReferralReasonBody, responses((status = 200, body = ReferralSuspension), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn suspend_referrer(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Json(body): Json<ReferralReasonBody>,
) -> Result<Json<ReferralSuspension>, Problem> {
    caller.require(Permission::PostPoints)?;
    let reason = body.given()?;
    let member = find(&app, &caller, &member_id).await?.member;
    let (workspace, now) = (caller.workspace, app.now());
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let numbers = members::numbers(&mut tx, workspace, member).await?;
    if !suspensions::suspend(&mut tx, workspace, &numbers, (caller.id().as_str(), reason), now).await? {
        let text = "The member is suspended already.";
        return Err(Problem::conflict("referrer_suspended", text, "Lift that suspension first, if it is to say more."));
    }
    referrals::look_again(&mut tx, workspace, &numbers, now).await?;
    let rows = suspensions::of_members(&mut tx, workspace, &numbers).await?;
    tx.commit().await?;
    let mut rows = suspended(&app, workspace, rows).await?;
    rows.pop().map(Json).ok_or_else(|| Problem::not_found("member"))
}

/// Lifts a suspension; it counts as if it had never been, and what waited goes on.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/referral-suspension/lifted", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "lift_referral_suspension", params(("member_id" = String, Path)), request_body = ReferralReasonBody, responses((status = 204), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn lift_referral_suspension(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Json(body): Json<ReferralReasonBody>,
) -> Result<axum::http::StatusCode, Problem> {
    caller.require(Permission::PostPoints)?;
    let reason = body.given()?;
    let member = find(&app, &caller, &member_id).await?.member;
    let (workspace, now) = (caller.workspace, app.now());
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let numbers = members::numbers(&mut tx, workspace, member).await?;
    if !suspensions::lift(&mut tx, workspace, &numbers, (caller.id().as_str(), reason), now).await? {
        return Err(Problem::not_found("suspension"));
    }
    referrals::look_again(&mut tx, workspace, &numbers, now).await?;
    tx.commit().await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}
