//! `/api/v1/audiences`: lists of customers at advertising platforms.
//!
//! Always holds: a token is taken and never shown.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rapport_engagement::audiences::Platform;
use rapport_engagement::records::audiences::{self, AudienceRow, BY_FILE, BY_INTERFACE, DELETING, LIVE};
use rapport_segments::records::segments;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::shapes::time;
use crate::app::App;
use crate::audiences as kept;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_audiences))
        .routes(routes!(save_audience, delete_audience))
        .routes(routes!(refresh_audience))
        .routes(routes!(empty_audience))
        .routes(routes!(audience_file))
}

/// An audience.
#[derive(Debug, Serialize, ToSchema)]
pub struct AudienceShape {
    /// Its name in addresses.
    key: String,
    name: String,
    /// `google`, `meta`, `tiktok`, `linkedin` or `pinterest`.
    platform: String,
    /// The key of the segment whose members are in it.
    segment: String,
    /// `file` or `interface`.
    way: String,
    /// The platform's own name for the list.
    list: String,
    /// Whether a token is known.
    has_token: bool,
    refresh_hours: i64,
    /// `live`, `emptied` or `deleting`.
    state: String,
    /// Of the last refresh: `members` of the segment, `people` and `rows` of the audience, and `absent` people by reason (`restricted`, `not_agreed`, `refused`, `unknown`).
    #[schema(value_type = Object)]
    counts: Value,
    refreshed_at: Option<String>,
    /// When it is refreshed next, if it is.
    next_at: Option<String>,
    /// Rows that the platform has.
    on: i64,
    /// Rows that it is to be told.
    adding: i64,
    /// Rows that it is to take away.
    removing: i64,
    /// What it answered last, when it was no yes; and when it is asked again.
    error: Option<String>,
    retry_at: Option<String>,
}

async fn shape(app: &App, row: AudienceRow) -> Result<AudienceShape, Problem> {
    let states = audiences::states(&mut app.installation.store.read(), row.workspace, &row.key).await?;
    let rows = |state: &str| states.iter().find(|(known, _)| known == state).map_or(0, |(_, rows)| *rows);
    Ok(AudienceShape {
        has_token: !row.token.is_empty(),
        next_at: (row.state == LIVE).then(|| time(row.next_at)),
        retry_at: row.error.is_some().then(|| time(row.retry_at)),
        on: rows(audiences::ON),
        adding: rows(audiences::ADDING),
        removing: rows(audiences::REMOVING),
        key: row.key,
        name: row.name,
        platform: row.platform,
        segment: row.segment,
        way: row.way,
        list: row.list,
        refresh_hours: row.refresh_hours,
        state: row.state,
        counts: row.counts,
        refreshed_at: row.refreshed_at.map(time),
        error: row.error,
    })
}

/// Lists the audiences.
#[utoipa::path(get, path = "/api/v1/audiences", security(("caller" = ["view_reports"])), tag = "audiences", operation_id = "audiences", responses((status = 200, body = Rows<AudienceShape>)))]
pub async fn list_audiences(State(app): State<App>, caller: Caller) -> Result<Json<Rows<AudienceShape>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let found = audiences::all(&mut app.installation.store.read(), Some(caller.workspace)).await?;
    let mut rows = Vec::with_capacity(found.len());
    for row in found {
        rows.push(shape(&app, row).await?);
    }
    Ok(Json(Rows { rows }))
}

/// What an audience is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudienceBody {
    name: String,
    /// `google`, `meta`, `tiktok`, `linkedin` or `pinterest`.
    platform: String,
    /// The key of a segment.
    segment: String,
    /// `file`, or `interface` where the platform has one (`meta`, `linkedin`).
    way: String,
    /// The platform's own name for the list, for `interface`.
    #[serde(default)]
    list: String,
    /// An access token, for `interface`; left out, the known one stays.
    token: Option<String>,
    /// 1 to 720.
    refresh_hours: i64,
}

impl AudienceBody {
    fn check(&self, known: Option<&AudienceRow>) -> Result<Platform, Problem> {
        if self.name.trim().is_empty() || self.name.chars().count() > 200 {
            return Err(Problem::invalid("name", "1 to 200 letters"));
        }
        let platform = Platform::parse(&self.platform)
            .ok_or_else(|| Problem::invalid("platform", "google, meta, tiktok, linkedin or pinterest"))?;
        if !(1..=720).contains(&self.refresh_hours) {
            return Err(Problem::invalid("refresh_hours", "1 to 720"));
        }
        match self.way.as_str() {
            BY_FILE => {}
            BY_INTERFACE if !platform.has_interface() => {
                return Err(Problem::invalid("way", "this platform takes files only"));
            }
            BY_INTERFACE => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                if self.list.is_empty() || self.list.len() > 100 || !self.list.bytes().all(plain) {
                    return Err(Problem::invalid("list", "the platform's own number of the list"));
                }
                let token = self.token.as_deref().or(known.map(|known| known.token.as_str())).unwrap_or_default();
                if token.is_empty() || token.len() > 4_000 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(Problem::invalid("token", "an access token of the platform"));
                }
            }
            _ => return Err(Problem::invalid("way", "file or interface")),
        }
        Ok(platform)
    }
}

/// Makes an audience, or changes it. It is refreshed at once.
#[utoipa::path(put, path = "/api/v1/audiences/{key}", security(("caller" = ["manage_sending"])), tag = "audiences", operation_id = "save_audience", params(("key" = String, Path)), request_body = AudienceBody, responses((status = 200, body = AudienceShape), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_audience(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<AudienceBody>,
) -> Result<Json<AudienceShape>, Problem> {
    caller.require(Permission::ManageSending)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if key.is_empty() || key.len() > 60 || !key.bytes().all(plain) {
        return Err(Problem::invalid("key", "1 to 60 small letters, digits, - and _"));
    }
    let now = app.now();
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let known = audiences::find(&mut tx, caller.workspace, &key).await?;
    let platform = body.check(known.as_ref())?;
    if segments::by_key(&mut tx, caller.workspace, &body.segment).await?.is_none() {
        return Err(Problem::invalid("segment", "there is no such segment"));
    }
    if let Some(known) = &known {
        let is_elsewhere = known.platform != body.platform || known.way != body.way || known.list != body.list;
        let has_rows = !audiences::states(&mut tx, caller.workspace, &key).await?.is_empty();
        if known.state == DELETING || is_elsewhere && has_rows {
            let what = "Empty it first: what is on the list it had has to be taken away there.";
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "audience_not_empty",
                "The list it had is not empty.",
                what,
            ));
        }
    }
    let (run, counts, refreshed_at) =
        known.as_ref().map_or((0, json!({}), None), |it| (it.run, it.counts.clone(), it.refreshed_at));
    let kept_token = known.map(|known| known.token).unwrap_or_default();
    let token = if body.way == BY_INTERFACE { body.token.unwrap_or(kept_token) } else { String::new() };
    let row = AudienceRow {
        workspace: caller.workspace,
        key,
        name: body.name.trim().to_owned(),
        platform: platform.as_str().to_owned(),
        segment: body.segment,
        way: body.way,
        list: body.list,
        token,
        refresh_hours: body.refresh_hours,
        state: LIVE.to_owned(),
        run,
        counts,
        refreshed_at,
        next_at: now,
        attempts: 0,
        retry_at: now,
        error: None,
        updated_at: now,
        updated_by: caller.id().as_str().to_owned(),
    };
    audiences::save(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Json(shape(&app, row).await?))
}

async fn found(app: &App, caller: &Caller, key: &str) -> Result<(rapport_store::Tx, AudienceRow), Problem> {
    caller.require(Permission::ManageSending)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = audiences::find(&mut tx, caller.workspace, key).await?;
    Ok((tx, row.ok_or_else(|| Problem::not_found("audience"))?))
}

/// Refreshes an audience at once, also one that was emptied.
#[utoipa::path(post, path = "/api/v1/audiences/{key}/refresh", security(("caller" = ["manage_sending"])), tag = "audiences", operation_id = "refresh_audience", params(("key" = String, Path)), responses((status = 200, body = AudienceShape), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn refresh_audience(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<AudienceShape>, Problem> {
    let (mut tx, row) = found(&app, &caller, &key).await?;
    if row.state == DELETING {
        return Err(Problem::not_found("audience"));
    }
    let row = kept::refresh_soon(&mut tx, row, app.now()).await.map_err(Problem::internal)?;
    tx.commit().await?;
    Ok(Json(shape(&app, row).await?))
}

/// Takes everybody off the platform's list. It stays empty until it is refreshed by hand.
#[utoipa::path(post, path = "/api/v1/audiences/{key}/empty", security(("caller" = ["manage_sending"])), tag = "audiences", operation_id = "empty_audience", params(("key" = String, Path)), responses((status = 200, body = AudienceShape), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn empty_audience(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<AudienceShape>, Problem> {
    let (mut tx, row) = found(&app, &caller, &key).await?;
    let row = kept::empty(&mut tx, row, false, app.now()).await.map_err(Problem::internal)?;
    tx.commit().await?;
    Ok(Json(shape(&app, row).await?))
}

/// How an audience is deleted.
#[derive(Debug, Deserialize)]
pub struct DeletionQuery {
    /// Whether what is on the platform's list stays there, because it is taken away by hand.
    #[serde(default)]
    leave: bool,
}

/// Deletes an audience, after everybody was taken off the platform's list.
#[utoipa::path(delete, path = "/api/v1/audiences/{key}", security(("caller" = ["manage_sending"])), tag = "audiences", operation_id = "delete_audience", params(("key" = String, Path), ("leave" = Option<bool>, Query, description = "What is on the platform's list stays there: you take it away by hand.")), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn delete_audience(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<DeletionQuery>,
) -> Result<StatusCode, Problem> {
    let (mut tx, row) = found(&app, &caller, &key).await?;
    let is_empty = audiences::states(&mut tx, caller.workspace, &key).await?.is_empty();
    if is_empty || query.leave {
        audiences::delete(&mut tx, caller.workspace, &key).await?;
    } else {
        kept::empty(&mut tx, row, true, app.now()).await.map_err(Problem::internal)?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An audience as the file that its platform takes, as of now. Carry it over whole: it takes the place of the last one.
#[utoipa::path(get, path = "/api/v1/audiences/{key}/file", security(("caller" = ["manage_sending"])), tag = "audiences", operation_id = "audience_file", params(("key" = String, Path)), responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn audience_file(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Permission::ManageSending)?;
    let row = audiences::find(&mut app.installation.store.read(), caller.workspace, &key).await?;
    let row = row.ok_or_else(|| Problem::not_found("audience"))?;
    let text = kept::file(&app.installation, &app.advertising, &row).await.map_err(Problem::internal)?;
    let name = format!("attachment; filename=\"{key}-{}.csv\"", row.platform);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, text).into_response())
}
