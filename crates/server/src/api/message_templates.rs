//! `/api/v1/message-templates`: the templates of messages with their versions, and the letterhead that they share.
//!
//! Always holds: what is stored was decoded before; a template that has errors can be kept and worked on, and says how many.
//!
//! Does not do: render (see [`super::message_drafts`]), send.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Purpose, WorkspaceId};
use rapport_engagement::content::{Content, Template, gallery};
use rapport_engagement::records::letterheads::{self, LetterheadRow};
use rapport_engagement::records::templates::{self, TemplateRow, VersionRow};
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::message_drafts::refused;
use super::segments::{Names, user_names};
use super::wire::{self, optional_time, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::messages::company::Company;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update))
        .routes(routes!(archive))
        .routes(routes!(duplicate))
        .routes(routes!(version))
        .routes(routes!(restore))
        .routes(routes!(letterhead, set_letterhead))
}

/// Templates of one workspace at most.
const MOST: i64 = 500;

/// A template in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateSummary {
    /// Its name in addresses; it never changes.
    key: String,
    name: String,
    /// `email`, `text`, `push` or `slot`.
    form: String,
    /// What its messages are for: `marketing`, `service` ...
    purpose: String,
    languages: Vec<String>,
    default_language: String,
    /// Its subject, title or first words, in its default language.
    line: String,
    version: i64,
    updated_at: String,
    /// By whom: their name.
    updated_by: String,
    archived_at: Option<String>,
}

/// A saved version of a template.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateVersion {
    version: i64,
    name: String,
    saved_at: String,
    saved_by: String,
    /// The version that this one repeats.
    restored_from: Option<i64>,
}

/// A template.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplatePage {
    summary: TemplateSummary,
    /// What it says: name, purpose, default language and content.
    #[schema(value_type = Object)]
    template: Value,
    /// All versions, the newest first.
    versions: Vec<TemplateVersion>,
}

fn named(names: &Names, id: String) -> String {
    names.get(&id).cloned().unwrap_or(id)
}

impl TemplateSummary {
    fn of(row: TemplateRow, template: &Template, names: &Names) -> Self {
        Self {
            key: row.key,
            name: row.name,
            form: row.form,
            purpose: template.purpose.as_str().to_owned(),
            languages: template.content.languages().map(ToString::to_string).collect(),
            default_language: template.default_language.to_string(),
            line: line(template),
            version: row.version,
            updated_at: time(row.updated_at),
            updated_by: named(names, row.updated_by),
            archived_at: optional_time(row.archived_at),
        }
    }
}

fn line(template: &Template) -> String {
    let text = match &template.content {
        Content::Email(all) => all.get(&template.default_language).map(|email| email.subject.clone()),
        Content::Text(all) | Content::Push(all) | Content::Slot(all) => {
            all.get(&template.default_language).map(|note| note.title.clone().unwrap_or_else(|| note.body.clone()))
        }
    };
    text.unwrap_or_default().chars().take(120).collect()
}

/// What was stored was decoded before: a text that is no template any more is our fault.
fn stored(content: &str) -> Result<Template, Problem> {
    let value = serde_json::from_str(content).map_err(Problem::internal)?;
    Template::from_json(value).map_err(Problem::internal)
}

/// Which templates to list.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ListQuery {
    /// Those that are put away instead.
    #[serde(default)]
    archived: bool,
}

/// Lists templates, the one changed last first.
#[utoipa::path(get, path = "/api/v1/message-templates", security(("caller" = ["view_people"])), tag = "messages", params(ListQuery), responses((status = 200, body = Rows<TemplateSummary>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Rows<TemplateSummary>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let names = user_names(&app, caller.workspace).await?;
    let mut rows = Vec::new();
    for (row, content) in templates::all(&mut app.installation.store.read(), caller.workspace).await? {
        if row.archived_at.is_some() == query.archived {
            rows.push(TemplateSummary::of(row, &stored(&content)?, &names));
        }
    }
    Ok(Json(Rows { rows }))
}

/// A new template: one that is given, or a copy of a ready one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    /// What it says.
    #[schema(value_type = Option<Object>)]
    template: Option<Value>,
    /// The key of a ready template.
    ready: Option<String>,
}

impl NewTemplate {
    fn template(self) -> Result<Template, Problem> {
        match (self.template, self.ready) {
            (Some(template), None) => decoded(template),
            (None, Some(key)) => gallery::ready(&key).map(|ready| ready.template).map_err(|error| refused(&error)),
            _ => Err(Problem::invalid("template", "give `template` or `ready`, and not both")),
        }
    }
}

fn decoded(value: Value) -> Result<Template, Problem> {
    let template = Template::from_json(value).map_err(|error| refused(&error))?;
    wire::name("name", &template.name)?;
    if !matches!(template.purpose, Purpose::Marketing | Purpose::Service | Purpose::Support) {
        return Err(Problem::invalid("purpose", "a message is for marketing, service or support"));
    }
    Ok(template)
}

/// A key from a name: its letters and digits, with a number where another has it.
async fn free_key(db: &mut impl Queries, workspace: WorkspaceId, name: &str) -> Result<String, Problem> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let key: String = words.collect::<Vec<_>>().join("-").to_ascii_lowercase().chars().take(60).collect();
    let key = if key.is_empty() { "template".to_owned() } else { key };
    if templates::find(db, workspace, &key).await?.is_none() {
        return Ok(key);
    }
    for number in 2..=MOST + 1 {
        let numbered = format!("{key}-{number}");
        if templates::find(db, workspace, &numbered).await?.is_none() {
            return Ok(numbered);
        }
    }
    Err(Problem::invalid("name", "is taken too often; choose another one"))
}

async fn add(app: &App, caller: &Caller, template: &Template) -> Result<String, Problem> {
    let now = app.now();
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if templates::count(&mut tx, caller.workspace).await? >= MOST {
        return Err(Problem::invalid("template", format!("there are {MOST} templates already")));
    }
    let by = caller.id().to_string();
    let row = TemplateRow {
        key: free_key(&mut tx, caller.workspace, &template.name).await?,
        name: template.name.trim().to_owned(),
        form: template.content.word().to_owned(),
        version: 1,
        created_at: now,
        created_by: by.clone(),
        updated_at: now,
        updated_by: by,
        archived_at: None,
    };
    templates::save(&mut tx, caller.workspace, &row, &template.to_json().to_string(), None).await?;
    tx.commit().await?;
    Ok(row.key)
}

/// Adds a template.
#[utoipa::path(post, path = "/api/v1/message-templates", security(("caller" = ["edit_content"])), tag = "messages", request_body = NewTemplate, responses((status = 200, body = TemplatePage), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NewTemplate>,
) -> Result<Json<TemplatePage>, Problem> {
    caller.require(Permission::EditContent)?;
    let key = add(&app, &caller, &body.template()?).await?;
    page(&app, caller.workspace, &key).await
}

async fn find(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<TemplateRow, Problem> {
    templates::find(db, workspace, key).await?.ok_or_else(|| Problem::not_found("template"))
}

async fn page(app: &App, workspace: WorkspaceId, key: &str) -> Result<Json<TemplatePage>, Problem> {
    let names = user_names(app, workspace).await?;
    let mut db = app.installation.store.read();
    let row = find(&mut db, workspace, key).await?;
    let rows = templates::versions(&mut db, workspace, key).await?;
    let template = stored(&rows.first().ok_or_else(|| Problem::not_found("template"))?.content)?;
    let versions = rows.into_iter().map(|row| Ok(shown(row, &names)?.0)).collect::<Result<_, Problem>>()?;
    let template_json = template.to_json();
    Ok(Json(TemplatePage { summary: TemplateSummary::of(row, &template, &names), template: template_json, versions }))
}

fn shown(row: VersionRow, names: &Names) -> Result<(TemplateVersion, Template), Problem> {
    let template = stored(&row.content)?;
    let version = TemplateVersion {
        version: row.version,
        name: template.name.clone(),
        saved_at: time(row.saved_at),
        saved_by: named(names, row.saved_by),
        restored_from: row.restored_from,
    };
    Ok((version, template))
}

/// Shows a template with its versions.
#[utoipa::path(get, path = "/api/v1/message-templates/{key}", security(("caller" = ["view_people"])), tag = "messages", params(("key" = String, Path)), responses((status = 200, body = TemplatePage), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<TemplatePage>, Problem> {
    caller.require(Permission::ViewPeople)?;
    page(&app, caller.workspace, &key).await
}

/// What a template says from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateChange {
    #[schema(value_type = Object)]
    template: Value,
    /// The version that was changed: if there is a later one by now, nothing is saved.
    based_on: i64,
}

/// Saves the next version of a template. The same again saves nothing.
#[utoipa::path(put, path = "/api/v1/message-templates/{key}", security(("caller" = ["edit_content"])), tag = "messages", params(("key" = String, Path)), request_body = TemplateChange, responses((status = 200, body = TemplatePage), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<TemplateChange>,
) -> Result<Json<TemplatePage>, Problem> {
    caller.require(Permission::EditContent)?;
    let template = decoded(body.template)?;
    save(&app, &caller, &key, &template, body.based_on, None).await?;
    page(&app, caller.workspace, &key).await
}

async fn save(
    app: &App,
    caller: &Caller,
    key: &str,
    template: &Template,
    based_on: i64,
    restored_from: Option<i64>,
) -> Result<(), Problem> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = find(&mut tx, caller.workspace, key).await?;
    if row.version != based_on {
        return Err(Problem::conflict(
            "changed_meanwhile",
            format!("Version {} was saved meanwhile; this change is of version {based_on}.", row.version),
            "Look at the latest version and make the change there.",
        ));
    }
    if row.form != template.content.word() {
        let problem = format!("this template is of the form {}; make another one for another channel", row.form);
        return Err(Problem::invalid("content", problem));
    }
    let content = template.to_json().to_string();
    let latest = templates::version(&mut tx, caller.workspace, key, row.version).await?;
    if latest.is_some_and(|latest| latest.content == content) {
        return Ok(());
    }
    let row = TemplateRow {
        name: template.name.trim().to_owned(),
        version: row.version + 1,
        updated_at: app.now(),
        updated_by: caller.id().to_string(),
        ..row
    };
    templates::save(&mut tx, caller.workspace, &row, &content, restored_from).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a template is put away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Archived {
    archived: bool,
}

/// Puts a template away, so that nobody chooses it any more, or takes it out again. What uses it goes on.
#[utoipa::path(put, path = "/api/v1/message-templates/{key}/archived", security(("caller" = ["edit_content"])), tag = "messages", params(("key" = String, Path)), request_body = Archived, responses((status = 200, body = TemplatePage)))]
pub async fn archive(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<Archived>,
) -> Result<Json<TemplatePage>, Problem> {
    caller.require(Permission::EditContent)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = find(&mut tx, caller.workspace, &key).await?;
    if row.archived_at.is_some() != body.archived {
        templates::archive(&mut tx, caller.workspace, &key, body.archived.then(|| app.now())).await?;
    }
    tx.commit().await?;
    page(&app, caller.workspace, &key).await
}

/// What a copy is called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    name: String,
}

/// Makes a copy of the latest version of a template.
#[utoipa::path(post, path = "/api/v1/message-templates/{key}/duplicate", security(("caller" = ["edit_content"])), tag = "messages", params(("key" = String, Path)), request_body = Copy, responses((status = 200, body = TemplatePage)))]
pub async fn duplicate(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<Copy>,
) -> Result<Json<TemplatePage>, Problem> {
    caller.require(Permission::EditContent)?;
    let mut db = app.installation.store.read();
    let row = find(&mut db, caller.workspace, &key).await?;
    let version = one_version(&mut db, caller.workspace, &key, row.version).await?;
    let template = Template { name: wire::name("name", &body.name)?, ..stored(&version.content)? };
    let key = add(&app, &caller, &template).await?;
    page(&app, caller.workspace, &key).await
}

async fn one_version(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    key: &str,
    version: i64,
) -> Result<VersionRow, Problem> {
    templates::version(db, workspace, key, version).await?.ok_or_else(|| Problem::not_found("version"))
}

/// A version with what it says.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionPage {
    version: TemplateVersion,
    #[schema(value_type = Object)]
    template: Value,
}

/// Shows a version of a template.
#[utoipa::path(get, path = "/api/v1/message-templates/{key}/versions/{version}", security(("caller" = ["view_people"])), tag = "messages", params(("key" = String, Path), ("version" = i64, Path)), responses((status = 200, body = VersionPage)))]
pub async fn version(
    State(app): State<App>,
    caller: Caller,
    Path((key, number)): Path<(String, i64)>,
) -> Result<Json<VersionPage>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let names = user_names(&app, caller.workspace).await?;
    let row = one_version(&mut app.installation.store.read(), caller.workspace, &key, number).await?;
    let (version, template) = shown(row, &names)?;
    Ok(Json(VersionPage { version, template: template.to_json() }))
}

/// Saves an earlier version as the next one.
#[utoipa::path(post, path = "/api/v1/message-templates/{key}/versions/{version}/restore", security(("caller" = ["edit_content"])), tag = "messages", params(("key" = String, Path), ("version" = i64, Path)), responses((status = 200, body = TemplatePage)))]
pub async fn restore(
    State(app): State<App>,
    caller: Caller,
    Path((key, number)): Path<(String, i64)>,
) -> Result<Json<TemplatePage>, Problem> {
    caller.require(Permission::EditContent)?;
    let mut db = app.installation.store.read();
    let old = one_version(&mut db, caller.workspace, &key, number).await?;
    let latest = find(&mut db, caller.workspace, &key).await?.version;
    save(&app, &caller, &key, &stored(&old.content)?, latest, Some(number)).await?;
    page(&app, caller.workspace, &key).await
}

/// Whose messages they are. Templates name it as `company`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Letterhead {
    /// The company as customers know it; the workspace's name unless said.
    name: String,
    /// Its postal address. Many countries demand it in each message for marketing.
    address: String,
    /// Its site: https.
    url: String,
    /// Where its logo is: https.
    logo_url: String,
}

impl From<LetterheadRow> for Letterhead {
    fn from(row: LetterheadRow) -> Self {
        let LetterheadRow { name, address, url, logo_url } = row;
        Self { name, address, url, logo_url }
    }
}

/// Shows the letterhead.
#[utoipa::path(get, path = "/api/v1/letterhead", security(("caller" = ["view_people"])), tag = "messages", responses((status = 200, body = Letterhead)))]
pub async fn letterhead(State(app): State<App>, caller: Caller) -> Result<Json<Letterhead>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let company = Company::read(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(company.letterhead.into()))
}

/// Changes the letterhead. Messages that are rendered from now on have it.
#[utoipa::path(put, path = "/api/v1/letterhead", security(("caller" = ["edit_content"])), tag = "messages", request_body = Letterhead, responses((status = 200, body = Letterhead), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn set_letterhead(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<Letterhead>,
) -> Result<Json<Letterhead>, Problem> {
    caller.require(Permission::EditContent)?;
    let row = LetterheadRow {
        name: short_line("name", &body.name)?,
        address: short_line("address", &body.address)?,
        url: web_address("url", &body.url)?,
        logo_url: web_address("logo_url", &body.logo_url)?,
    };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    letterheads::save(&mut tx, caller.workspace, &row, app.now(), caller.id().as_str()).await?;
    tx.commit().await?;
    letterhead(State(app), caller).await
}

fn short_line(field: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(Problem::invalid(field, "has at most 200 characters on one line"));
    }
    Ok(text.to_owned())
}

fn web_address(field: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let is_plain = text.len() <= 500 && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    let host =
        text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).map(|rest| rest.split('/').next());
    if text.is_empty() || is_plain && host.flatten().is_some_and(|host| host.contains('.')) {
        return Ok(text.to_owned());
    }
    Err(Problem::invalid(field, "is an address such as https://shop.example.com, or empty"))
}
