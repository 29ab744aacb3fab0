//! `/api/v1/privacy`, and access, erasure and restriction of one customer.

pub(crate) mod readable;

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rapport_domain::{Channel, Identifier, IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::records::audiences;
use rapport_privacy::Subject;
use rapport_privacy::records::notices::{self, NoticeRow};
use rapport_privacy::records::requests::{self, RequestRow};
use rapport_privacy::records::restrictions;
use rapport_privacy::records::topics::{self, TopicRow};
use rapport_store::{Json as Stored, Priority};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::customers::find;
use super::segments::is_key;
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::erasing::{self, Wanted};
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;
use crate::records::workspaces;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_topics))
        .routes(routes!(save_topic))
        .routes(routes!(list_notices, add_notice))
        .routes(routes!(list_requests))
        .routes(routes!(access))
        .routes(routes!(erase))
        .routes(routes!(restrict, lift_restriction))
        .routes(routes!(lift_suppression))
}

/// What people can choose to hear about.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentTopic {
    key: String,
    /// What it is called, by language.
    names: BTreeMap<String, String>,
    /// What one gets, by language.
    descriptions: BTreeMap<String, String>,
    /// The ways in which it is sent.
    channels: Vec<String>,
    /// Whether an agreement counts only once it is confirmed.
    double_opt_in: bool,
    /// Whether the preference centre shows it.
    shown: bool,
    place: i64,
    created_at: String,
    archived_at: Option<String>,
}

impl ConsentTopic {
    fn of(row: TopicRow) -> Self {
        Self {
            key: row.key,
            names: row.names.0,
            descriptions: row.descriptions.0,
            channels: row.channels.0,
            double_opt_in: row.double_opt_in,
            shown: row.shown,
            place: row.place,
            created_at: time(row.created_at),
            archived_at: row.archived_at.map(time),
        }
    }
}

/// All topics.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentTopics {
    rows: Vec<ConsentTopic>,
}

/// Lists what people can choose to hear about.
#[utoipa::path(get, path = "/api/v1/privacy/topics", security(("caller" = ["view_reports"])), tag = "privacy", operation_id = "list_topics", responses((status = 200, body = ConsentTopics)))]
pub async fn list_topics(State(app): State<App>, caller: Caller) -> Result<Json<ConsentTopics>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = topics::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(ConsentTopics { rows: rows.into_iter().map(ConsentTopic::of).collect() }))
}

/// A topic to make or change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicBody {
    /// What it is called, by language; one at least.
    names: BTreeMap<String, String>,
    /// What one gets, by language.
    #[serde(default)]
    descriptions: BTreeMap<String, String>,
    /// The ways in which it is sent; one at least.
    channels: Vec<String>,
    /// Whether an agreement counts only once it is confirmed.
    #[serde(default)]
    double_opt_in: bool,
    /// Whether the preference centre shows it.
    #[serde(default = "yes")]
    shown: bool,
    /// Its place in lists.
    #[serde(default)]
    place: i64,
    /// Whether it is not used any more.
    #[serde(default)]
    archived: bool,
}

const fn yes() -> bool {
    true
}

const MOST_TOPICS: usize = 100;

fn checked_texts(field: &str, texts: &BTreeMap<String, String>, longest: usize) -> Result<(), Problem> {
    let is_tag =
        |tag: &String| (2..=20).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if texts.keys().any(|tag| !is_tag(tag)) {
        return Err(Problem::invalid(field, "name languages by tags such as en or zh-Hant"));
    }
    if texts.values().any(|text| text.trim().is_empty() || text.chars().count() > longest) {
        return Err(Problem::invalid(field, format!("a text has 1 to {longest} characters")));
    }
    Ok(())
}

/// Makes a topic, or changes it.
#[utoipa::path(put, path = "/api/v1/privacy/topics/{key}", security(("caller" = ["manage_privacy"])), tag = "privacy", operation_id = "save_topic", params(("key" = String, Path)), request_body = TopicBody, responses((status = 200, body = ConsentTopic), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_topic(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<TopicBody>,
) -> Result<Json<ConsentTopic>, Problem> {
    caller.require(Permission::ManagePrivacy)?;
    if !is_key(&key) {
        return Err(Problem::invalid("key", "a key has small letters, digits and -"));
    }
    if body.names.is_empty() {
        return Err(Problem::invalid("names", "give a name in one language at least"));
    }
    checked_texts("names", &body.names, 80)?;
    checked_texts("descriptions", &body.descriptions, 400)?;
    if body.channels.is_empty() || body.channels.iter().any(|word| Channel::parse(word).is_none()) {
        let words = Channel::ALL.map(Channel::as_str).join(", ");
        return Err(Problem::invalid("channels", format!("name one or more of {words}")));
    }
    let now = app.now();
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let known = topics::all(&mut tx, caller.workspace).await?;
    let old = known.iter().find(|row| row.key == key);
    if old.is_none() && known.len() >= MOST_TOPICS {
        return Err(Problem::invalid(
            "key",
            format!("there are at most {MOST_TOPICS} topics; archive one that is not used"),
        ));
    }
    let archived_at = body.archived.then(|| old.and_then(|old| old.archived_at).unwrap_or(now));
    let row = TopicRow {
        key,
        names: Stored(body.names),
        descriptions: Stored(body.descriptions),
        channels: Stored(
            body.channels.iter().filter_map(|word| Channel::parse(word)).map(|it| it.as_str().to_owned()).collect(),
        ),
        double_opt_in: body.double_opt_in,
        shown: body.shown,
        place: body.place,
        created_at: old.map_or(now, |old| old.created_at),
        archived_at,
    };
    topics::save(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    Ok(Json(ConsentTopic::of(row)))
}

/// One version of a text that people agree to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notice {
    key: String,
    version: i64,
    locale: String,
    content: String,
    /// BLAKE3 of the text, in hexadecimal digits.
    digest: String,
    created_at: String,
    created_by: String,
}

/// All versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notices {
    rows: Vec<Notice>,
}

fn notice(row: NoticeRow) -> Notice {
    Notice {
        digest: row.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        key: row.key,
        version: row.version,
        locale: row.locale,
        content: row.content,
        created_at: time(row.created_at),
        created_by: row.created_by,
    }
}

/// Lists the texts that people agree to, with all their versions.
#[utoipa::path(get, path = "/api/v1/privacy/notices", security(("caller" = ["view_reports"])), tag = "privacy", operation_id = "list_notices", responses((status = 200, body = Notices)))]
pub async fn list_notices(State(app): State<App>, caller: Caller) -> Result<Json<Notices>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = notices::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(Notices { rows: rows.into_iter().map(notice).collect() }))
}

/// A text that people agree to, in some languages.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeBody {
    /// Its stable name.
    key: String,
    /// The text, by language.
    texts: BTreeMap<String, String>,
}

/// Adds a version of a text; older ones stay as they are.
#[utoipa::path(post, path = "/api/v1/privacy/notices", security(("caller" = ["manage_privacy"])), tag = "privacy", operation_id = "add_notice", request_body = NoticeBody, responses((status = 200, body = Notices), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn add_notice(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NoticeBody>,
) -> Result<Json<Notices>, Problem> {
    caller.require(Permission::ManagePrivacy)?;
    if !is_key(&body.key) {
        return Err(Problem::invalid("key", "a key has small letters, digits and -"));
    }
    if body.texts.is_empty() {
        return Err(Problem::invalid("texts", "give the text in one language at least"));
    }
    checked_texts("texts", &body.texts, 20_000)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let known = notices::all(&mut tx, caller.workspace).await?;
    let version = known.iter().filter(|row| row.key == body.key).map(|row| row.version).max().unwrap_or(0) + 1;
    for (locale, content) in body.texts {
        let row = NoticeRow {
            key: body.key.clone(),
            version,
            locale,
            content,
            digest: [0; 32],
            created_at: app.now(),
            created_by: caller.id().to_string(),
        };
        notices::insert(&mut tx, caller.workspace, &row).await?;
    }
    let rows = notices::all(&mut tx, caller.workspace).await?;
    tx.commit().await?;
    let added = rows.into_iter().filter(|row| row.key == body.key && row.version == version);
    Ok(Json(Notices { rows: added.map(notice).collect() }))
}

/// What somebody asked for under data protection law, and what was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct PrivacyRequest {
    id: String,
    /// `access`, `erasure` or `restriction`.
    kind: String,
    /// `received` (somebody of the company must look), `running`, `done`.
    state: String,
    /// Whose; nobody any more after an erasure.
    person_id: Option<String>,
    requested_at: String,
    due_at: String,
    finished_at: Option<String>,
    /// `person`, or the id of a user or key.
    actor: String,
    /// What was done: rows by table, events, files.
    #[schema(value_type = Object)]
    report: Value,
}

impl PrivacyRequest {
    fn of(row: RequestRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            state: row.state,
            person_id: row.person.map(|person| person.to_string()),
            requested_at: time(row.requested_at),
            due_at: time(row.due_at),
            finished_at: row.finished_at.map(time),
            actor: row.actor,
            report: row.report,
        }
    }
}

/// The latest requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct PrivacyRequests {
    rows: Vec<PrivacyRequest>,
}

/// Lists what people asked for under data protection law.
#[utoipa::path(get, path = "/api/v1/privacy/requests", security(("caller" = ["manage_privacy"])), tag = "privacy", operation_id = "list_privacy_requests", responses((status = 200, body = PrivacyRequests)))]
pub async fn list_requests(State(app): State<App>, caller: Caller) -> Result<Json<PrivacyRequests>, Problem> {
    caller.require(Permission::ManagePrivacy)?;
    let rows = requests::list(&mut app.installation.store.read(), caller.workspace, 500).await?;
    Ok(Json(PrivacyRequests { rows: rows.into_iter().map(PrivacyRequest::of).collect() }))
}

/// In which form somebody's data is given.
#[derive(Debug, Deserialize)]
pub struct AccessQuery {
    format: Option<String>,
}

/// Gives all that is kept of somebody, as JSON or as a page to read (`format=html`): every table by the data map, and every event. Make sure first that
/// whoever asks is that person.
#[utoipa::path(post, path = "/api/v1/customers/{person_id}/access", security(("caller" = ["manage_privacy"])), tag = "privacy", operation_id = "access_customer", params(("person_id" = String, Path), ("format" = Option<String>, Query)), responses((status = 200, body = Object)))]
pub async fn access(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
    Query(wanted): Query<AccessQuery>,
) -> Result<Response, Problem> {
    caller.require(Permission::ManagePrivacy)?;
    let is_page = match wanted.format.as_deref() {
        None | Some("json") => false,
        Some("html") => true,
        Some(_) => return Err(Problem::invalid("format", "say json or html")),
    };
    let workspace = caller.workspace;
    let person = find(&app, workspace, &person).await?.person;
    let pack = erasing::access(&app.installation, workspace, person).await.map_err(Problem::internal)?;
    let pack = pack.ok_or_else(|| Problem::not_found("customer"))?;
    let row = done(&app, &caller, person, "access");
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    requests::close(&mut tx, workspace, person, &row.kind, row.requested_at).await?;
    requests::save(&mut tx, workspace, &row).await?;
    tx.commit().await?;
    if !is_page {
        return Ok(Json(pack).into_response());
    }
    let company = workspaces::find(&mut app.installation.store.read(), workspace).await?.map(|row| row.name);
    let page = readable::page(&company.unwrap_or_default(), &pack, "en", None).map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"your-data.html\""),
    ];
    Ok((headers, page).into_response())
}

/// A request that was done at once.
fn done(app: &App, caller: &Caller, person: PersonId, kind: &str) -> RequestRow {
    let wanted = Wanted { workspace: caller.workspace, person, actor: caller.id().as_str(), suppress: false };
    let mut row = erasing::request(&app.installation, wanted, kind, "done");
    row.finished_at = Some(row.requested_at);
    row
}

/// The person, with all their identifiers.
async fn subject(app: &App, workspace: WorkspaceId, person: &str) -> Result<Subject, Problem> {
    let person = find(app, workspace, person).await?.person;
    let found = erasing::subject(&app.installation, workspace, person).await.map_err(Problem::internal)?;
    found.map(|(subject, _)| subject).ok_or_else(|| Problem::not_found("customer"))
}

/// How somebody is to be erased.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureBody {
    /// Whether they must not come back by what is sent or imported later.
    #[serde(default = "yes")]
    suppress: bool,
}

/// Erases somebody everywhere. It cannot be undone.
#[utoipa::path(post, path = "/api/v1/customers/{person_id}/erasure", security(("caller" = ["manage_privacy"])), tag = "privacy", operation_id = "erase_customer", params(("person_id" = String, Path)), request_body = ErasureBody, responses((status = 200, body = PrivacyRequest)))]
pub async fn erase(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
    Json(body): Json<ErasureBody>,
) -> Result<Json<PrivacyRequest>, Problem> {
    caller.require(Permission::ManagePrivacy)?;
    let person = find(&app, caller.workspace, &person).await?.person;
    let actor = caller.id().to_string();
    let workspace = caller.workspace;
    // It goes on when whoever asked has gone away.
    let work = tokio::spawn(async move {
        let wanted = Wanted { workspace, person, actor: &actor, suppress: body.suppress };
        erasing::erase(&app.installation, &app.pipeline, wanted).await
    });
    let row = work.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    row.map(|row| Json(PrivacyRequest::of(row))).ok_or_else(|| Problem::not_found("customer"))
}

/// Keeps what is known of somebody without using it (GDPR Article 18): nothing is sent to them.
#[utoipa::path(put, path = "/api/v1/customers/{person_id}/restriction", security(("caller" = ["manage_privacy"])), tag = "privacy", operation_id = "restrict_customer", params(("person_id" = String, Path)), responses((status = 200, body = PrivacyRequest)))]
pub async fn restrict(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Json<PrivacyRequest>, Problem> {
    caller.require(Permission::ManagePrivacy)?;
    let subject = subject(&app, caller.workspace, &person).await?;
    let row = done(&app, &caller, subject.person, "restriction");
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if restrictions::since(&mut tx, caller.workspace, &subject.handles).await?.is_none() {
        restrictions::add(&mut tx, caller.workspace, &subject.handles, row.requested_at, &row.id).await?;
        audiences::doubt(&mut tx, caller.workspace, &[subject.person], row.requested_at).await?;
    }
    requests::save(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    Ok(Json(PrivacyRequest::of(row)))
}

/// Uses it again.
#[utoipa::path(delete, path = "/api/v1/customers/{person_id}/restriction", security(("caller" = ["manage_privacy"])), tag = "privacy", operation_id = "lift_restriction", params(("person_id" = String, Path)), responses((status = 204)))]
pub async fn lift_restriction(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::ManagePrivacy)?;
    let subject = subject(&app, caller.workspace, &person).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    restrictions::lift(&mut tx, caller.workspace, &subject.handles, app.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who came back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuppressedBody {
    /// `user_id`, `email`, `phone`, `anonymous_id` ...
    kind: String,
    /// The identifier.
    value: String,
}

/// Takes somebody in again who was erased: because they came back themselves.
#[utoipa::path(post, path = "/api/v1/privacy/suppressions/lift", security(("caller" = ["manage_privacy"])), tag = "privacy", operation_id = "lift_suppression", request_body = SuppressedBody, responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn lift_suppression(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SuppressedBody>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::ManagePrivacy)?;
    let kind = IdentifierKind::parse(&body.kind)
        .ok_or_else(|| Problem::invalid("kind", "name a kind such as user_id, email or phone"))?;
    let installation = &app.installation;
    let tx = installation.store.begin(Priority::Interactive).await?;
    let by: (Timestamp, &str) = (app.now(), caller.id().as_str());
    let identifier = Identifier { kind, value: body.value.trim().to_owned() };
    let held = installation.suppressions.lift(tx, caller.workspace, &identifier, by).await?;
    if held { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found("suppression")) }
}
