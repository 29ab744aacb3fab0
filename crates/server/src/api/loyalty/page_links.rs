//! Links to a member's own page, for the shop's own server.

use crate::http::route::routes;
use axum::extract::State;
use rapport_loyalty::records::cards;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::find;
use super::redemptions::Present;
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::member_links;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(member_page_link)).routes(routes!(member_page_door))
}

/// A link to a member's own page.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberPageLink {
    /// Whoever has it sees the page and can redeem: give it to the member only, and store it nowhere.
    url: String,
    /// From when on it opens nothing.
    expires_at: String,
}

/// The page on which members ask for a link.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberPageDoor {
    /// It is no secret, and stays the same.
    url: String,
}

/// Says the address of the page on which members ask for a link to their own page: they write their e-mail address, and the link goes there if it is a member's.
#[utoipa::path(get, path = "/api/v1/loyalty/page-door", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "member_page_door", responses((status = 200, body = MemberPageDoor), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_page_door(State(app): State<App>, caller: Caller) -> Result<Json<MemberPageDoor>, Problem> {
    caller.require(Permission::ServeMembers)?;
    // Without a programme there is nothing behind it.
    Present::read(&app, caller.workspace).await?;
    let door = member_links::door(&app.installation, caller.workspace).await?;
    Ok(Json(MemberPageDoor { url: format!("{}{}", app.sender.public_url(), member_links::door_path(&door)) }))
}

/// How the page will be shown.
#[derive(Debug, Deserialize, IntoParams)]
pub struct MemberPageLinkQuery {
    /// The origin of the site in whose frame the page may be shown: `https://shop.example`. In none, unless said.
    frame: Option<String>,
}

/// Makes a link to a member's own page, which works for an hour, and a card for whoever has none. Ask for a new one at every visit.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/page-link", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "member_page_link", params(("member_id" = String, Path), MemberPageLinkQuery), responses((status = 200, body = MemberPageLink), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_page_link(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Query(query): Query<MemberPageLinkQuery>,
) -> Result<Json<MemberPageLink>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let frame = query.frame.as_deref().map(|text| {
        member_links::origin(text)
            .ok_or_else(|| Problem::invalid("frame", "is the origin of a site: https://shop.example"))
    });
    let frame = frame.transpose()?;
    let found = find(&app, &caller, &member_id).await?;
    if found.person.is_none() {
        return Err(Problem::not_found("member"));
    }
    // The page shows a card, and looking at it writes nothing.
    let installation = &app.installation;
    let mut db = installation.store.read();
    if cards::valid(&mut db, caller.workspace, found.member).await?.is_none() {
        let mut tx = installation.store.begin(Priority::Interactive).await?;
        cards::ensure(&mut tx, caller.workspace, found.member, app.now(), &*installation.rng).await?;
        tx.commit().await?;
    }
    let (link, until) = member_links::make(&app.installation, caller.workspace, found.member, frame.as_deref()).await?;
    let url = format!("{}{}", app.sender.public_url(), member_links::path(&link));
    Ok(Json(MemberPageLink { url, expires_at: time(until) }))
}
