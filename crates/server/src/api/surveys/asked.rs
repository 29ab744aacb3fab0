//! Links for asking: somebody's own, and open ones.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use rapport_domain::plain::is_key;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_feedback::links::{Link, Links, Mode};
use rapport_feedback::records::invitations::{self, InvitationRow};
use rapport_feedback::records::surveys;
use rapport_feedback::service::asking::{About, Candidate, hand_out};
use rapport_profiles::records::{identifiers, persons};
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{find, published};
use crate::api::shapes::CustomerRow;
use crate::api::wire::{optional_time, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::messages;
use crate::problem::Problem;
use crate::public_pages::survey;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, invite)).routes(routes!(link)).routes(routes!(of_customer))
}

/// Which occasions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OccasionsQuery {
    /// Of this wave.
    pub wave: Option<i64>,
    /// `waiting`, `sampled_out`, `suppressed`, `invited`, `undelivered` or `unasked`.
    pub state: Option<String>,
    /// Why they were not asked, or not reached.
    pub reason: Option<String>,
    /// Those that were opened, or were not.
    pub opened: Option<bool>,
    /// Those that were answered, or were not.
    pub answered: Option<bool>,
}

/// An occasion to ask somebody, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OccasionShape {
    id: String,
    /// The survey's key.
    survey: String,
    customer: Option<CustomerRow>,
    person_id: String,
    wave: i64,
    /// `waiting`, `sampled_out`, `suppressed`, `invited`, `undelivered` or `unasked`.
    state: String,
    /// Why they were not asked, or not reached.
    reason: Option<String>,
    channel: Option<String>,
    touchpoint: Option<String>,
    product_id: Option<String>,
    agent_id: Option<String>,
    /// The order, ticket or visit that it is about.
    subject_id: Option<String>,
    occasioned_at: String,
    /// When it is decided, while it waits.
    due_at: Option<String>,
    invited_at: Option<String>,
    /// When they are reminded, if they do not answer before.
    remind_at: Option<String>,
    reminded_at: Option<String>,
    delivered_at: Option<String>,
    opened_at: Option<String>,
    answered_at: Option<String>,
    expires_at: Option<String>,
}

async fn shapes(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    rows: Vec<InvitationRow>,
    keys: &BTreeMap<i64, String>,
) -> Result<Vec<OccasionShape>, Problem> {
    let ids: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
    let known = persons::by_ids(db, workspace, &ids).await?;
    let shape = |row: InvitationRow| OccasionShape {
        id: row.id,
        survey: keys.get(&row.survey).cloned().unwrap_or_default(),
        customer: known.iter().find(|it| it.person == row.person).map(CustomerRow::of),
        person_id: row.person.to_string(),
        wave: row.wave,
        state: row.state,
        reason: row.reason,
        channel: row.channel,
        touchpoint: row.touchpoint,
        product_id: row.product,
        agent_id: row.agent,
        subject_id: row.subject,
        occasioned_at: time(row.occasioned_at),
        due_at: optional_time(row.due_at),
        invited_at: optional_time(row.invited_at),
        remind_at: optional_time(row.remind_at),
        reminded_at: optional_time(row.reminded_at),
        delivered_at: optional_time(row.delivered_at),
        opened_at: optional_time(row.opened_at),
        answered_at: optional_time(row.answered_at),
        expires_at: optional_time(row.expires_at),
    };
    Ok(rows.into_iter().map(shape).collect())
}

/// Lists everybody who could be asked, and what came of it, the newest first: the people behind each figure of the funnel.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/invitations", security(("caller" = ["view_people"])), tag = "surveys", operation_id = "survey_occasions", params(("key" = String, Path), OccasionsQuery, PageQuery), responses((status = 200, body = Page<OccasionShape>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<OccasionsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<OccasionShape>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, caller.workspace, &key).await?;
    let (before, name): (i64, String) = page.position()?.unwrap_or((i64::MAX, String::new()));
    let which = invitations::Which {
        wave: query.wave,
        state: query.state.as_deref(),
        reason: query.reason.as_deref(),
        opened: query.opened,
        answered: query.answered,
    };
    let mut db = app.installation.store.read();
    let (place, limit) = ((Timestamp(before), name.as_str()), page.limit());
    let found = invitations::page(&mut db, caller.workspace, row.survey, &which, place, i64::from(limit) + 1).await?;
    let page = Page::cut(found, limit, |row| (row.occasioned_at.0, row.id.clone()));
    let keys = BTreeMap::from([(row.survey, row.key)]);
    let (next, total) = (page.next, page.total);
    Ok(Json(Page { rows: shapes(&mut db, caller.workspace, page.rows, &keys).await?, next, total }))
}

/// Lists when a customer was asked, or was not and why, by all surveys, the newest first.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/invitations", security(("caller" = ["view_people"])), tag = "surveys", operation_id = "customer_invitations", params(("person_id" = String, Path)), responses((status = 200, body = Rows<OccasionShape>)))]
pub async fn of_customer(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Json<Rows<OccasionShape>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person = PersonId(person.parse().map_err(|_| Problem::not_found("customer"))?);
    let mut db = app.installation.store.read();
    let found = invitations::of_persons(&mut db, caller.workspace, &[person]).await?;
    let all = surveys::all(&mut db, caller.workspace).await?;
    let keys = all.into_iter().map(|row| (row.survey, row.key)).collect();
    Ok(Json(Rows { rows: shapes(&mut db, caller.workspace, found, &keys).await? }))
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
    /// What that is called, for the texts that say it.
    product_name: Option<String>,
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
            product_name: short("product_name", body.product_name)?,
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

async fn url(app: &App, workspace: WorkspaceId, headers: &HeaderMap, link: &Link) -> Result<String, Problem> {
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
