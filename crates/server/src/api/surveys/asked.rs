//! Links for asking: somebody's own, and open ones.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use rapport_domain::PersonId;
use rapport_feedback::links::{Link, Links, Mode};
use rapport_feedback::service::asking::{About, Candidate, hand_out};
use rapport_feedback::survey::check::is_key;
use rapport_profiles::records::identifiers;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{find, published};
use crate::api::wire::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::messages;
use crate::problem::Problem;
use crate::public_pages::survey;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(invite)).routes(routes!(link))
}

/// Who is given a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteBody {
    /// The person.
    person_id: String,
    /// How they get it, for figures by channel: `letter`, `chat`.
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    touchpoint: Option<String>,
    #[serde(default)]
    product_id: Option<String>,
    #[serde(default)]
    agent_id: Option<String>,
    /// The order, ticket or visit that it is about.
    #[serde(default)]
    subject_id: Option<String>,
    /// What tells this occasion from another: the same one gives the same link. Otherwise each time is an occasion.
    #[serde(default)]
    occasion: Option<String>,
}

/// A link of somebody's own.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invited {
    invitation_id: String,
    /// Where they answer; nobody can guess it.
    url: String,
    /// Until when.
    expires_at: Option<String>,
}

/// An open link to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    /// `many`: anybody, as often as they like; `once`: once by each browser; `kiosk`: begins anew after each answer; `widget`: in a page of your own site.
    mode: String,
    /// Where it hangs or stands, for figures by touchpoint.
    #[serde(default)]
    touchpoint: Option<String>,
}

/// An open link.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenLink {
    url: String,
}

/// Gives a person a link of their own, for asking by other means than messages: a letter, a chat, in person. It counts for how often they are asked, but no
/// rule keeps it back.
#[utoipa::path(post, path = "/api/v1/surveys/{key}/invitations", security(("caller" = ["edit_content"])), tag = "surveys", operation_id = "invite_to_survey", params(("key" = String, Path)), request_body = InviteBody,
    responses((status = 200, body = Invited), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn invite(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    Json(body): Json<InviteBody>,
) -> Result<Json<Invited>, Problem> {
    caller.require(Permission::EditContent)?;
    caller.require(Permission::ViewPeople)?;
    let workspace = caller.workspace;
    let survey = find(&app, workspace, &key).await?;
    let missing = || Problem::not_found("customer");
    let person = PersonId(body.person_id.parse().map_err(|_| missing())?);
    let at = app.now();
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let names = identifiers::by_persons(&mut tx, workspace, &[person]).await?;
    let handle = names.first().ok_or_else(missing)?.handle;
    let candidate = Candidate {
        who: (handle, person),
        occasion: short("occasion", body.occasion)?.unwrap_or_default(),
        at,
        due_at: at,
        about: About {
            touchpoint: touchpoint(body.touchpoint)?,
            product: short("product_id", body.product_id)?,
            agent: short("agent_id", body.agent_id)?,
            subject: short("subject_id", body.subject_id)?,
        },
    };
    let channel = short("channel", body.channel)?;
    let clock = (&*app.installation.clock, app.rng());
    let row = hand_out(&mut tx, workspace, &survey, &candidate, channel.as_deref(), clock).await?;
    tx.commit().await?;
    let url = url(&app, workspace, &headers, &Link::Invitation { id: row.id.clone() }).await?;
    Ok(Json(Invited { invitation_id: row.id, url, expires_at: row.expires_at.map(time) }))
}

/// Makes an open link: whoever has it can answer, and stays unknown. What it brings along for hidden questions is added as `?key=value`.
#[utoipa::path(post, path = "/api/v1/surveys/{key}/links", security(("caller" = ["edit_content"])), tag = "surveys", operation_id = "link_to_survey", params(("key" = String, Path)), request_body = LinkBody,
    responses((status = 200, body = OpenLink), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn link(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    headers: HeaderMap,
    Json(body): Json<LinkBody>,
) -> Result<Json<OpenLink>, Problem> {
    caller.require(Permission::EditContent)?;
    let survey = find(&app, caller.workspace, &key).await?;
    published(&app, caller.workspace, &survey).await?;
    let mode = Mode::parse(&body.mode);
    let mode = mode.ok_or_else(|| Problem::invalid("mode", "is many, once, kiosk or widget"))?;
    let link = Link::Open { survey: survey.survey, mode, touchpoint: touchpoint(body.touchpoint)? };
    Ok(Json(OpenLink { url: url(&app, caller.workspace, &headers, &link).await? }))
}

async fn url(
    app: &App,
    workspace: rapport_domain::WorkspaceId,
    headers: &HeaderMap,
    link: &Link,
) -> Result<String, Problem> {
    let links = Links::new(workspace, &messages::secret(&app.installation, workspace).await?);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    Ok(format!("{}{}", app.public_url(host), survey::path(&links.make(link))))
}

/// A touchpoint's key.
pub(super) fn touchpoint(text: Option<String>) -> Result<Option<String>, Problem> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if !is_key(&text) => {
            Err(Problem::invalid("touchpoint", "has 1 to 60 small letters, digits, `-` and `_`"))
        }
        text => Ok(text),
    }
}

/// A name that others gave to something: one line of at most 200 letters.
pub(super) fn short(field: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if text.chars().nth(200).is_some() || text.chars().any(char::is_control) => {
            Err(Problem::invalid(field, "has at most 200 letters on one line"))
        }
        text => Ok(text),
    }
}
