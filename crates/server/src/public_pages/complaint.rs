//! The page on which people complain: `/complain/{link}`. Server-rendered, works without JavaScript, in English and Chinese.
//!
//! Always holds: looking changes nothing; the same form sent twice is one complaint; a form that is not ours, too large or no form is refused; what was
//! written is shown to nobody afterwards.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rapport_domain::{Identifier, IdentifierKind, Language, WorkspaceId, plain};
use rapport_feedback::complaints::Channel;
use rapport_feedback::complaints::settings::Settings;
use rapport_feedback::pages::{Page, PageLinks};
use rapport_privacy::records::secrets;

use super::complaint_words::Words;
use super::survey::with_headers;
use super::{foreign_form, is_own_form, see_other};
use crate::api::complaints::is_address;
use crate::app::App;
use crate::complaining::{self, LONGEST_TEXT, LONGEST_WORD, Said, take_in};
use crate::http::form::parameter;
use crate::http::peer::From;
use crate::installation::Installation;
use crate::messages;
use crate::problem::{Problem, Result};
use crate::records::workspaces;

/// So many complaints an hour from one network address.
const MOST_AN_HOUR: u32 = 10;

/// The path of a link.
pub fn path(link: &str) -> String {
    format!("/complain/{link}")
}

/// The link of a workspace's page.
///
/// # Errors
/// The store's.
pub async fn link(installation: &Installation, workspace: WorkspaceId) -> rapport_store::Result<String> {
    Ok(PageLinks::new(workspace, &messages::secret(installation, workspace).await?).make(Page::Complaint))
}

/// Whose page a link is; `None` for a link that is none of ours.
pub(super) async fn workspace_of(app: &App, link: &str, page: Page) -> Result<Option<WorkspaceId>> {
    let Some(workspace) = PageLinks::workspace_of(link) else { return Ok(None) };
    let Some(secret) = secrets::find(&mut app.installation.store.read(), workspace).await? else { return Ok(None) };
    Ok(PageLinks::new(workspace, &secret).opens(link, page).then_some(workspace))
}

struct Choice {
    key: String,
    name: String,
    is_on: bool,
}

#[derive(Template)]
#[template(path = "complaint.html")]
struct Shown<'a> {
    words: &'static Words,
    company: String,
    is_gone: bool,
    is_open: bool,
    is_sent: bool,
    introduction: String,
    action: String,
    start: String,
    text: &'a str,
    email: &'a str,
    order: &'a str,
    categories: Vec<Choice>,
    message: Option<&'static str>,
}

/// What a form says.
#[derive(Default)]
struct Form {
    text: String,
    email: String,
    order: String,
    category: String,
    start: String,
    /// A field that people do not see; programs fill it in.
    website: String,
}

impl Form {
    fn read(text: &str) -> Self {
        let of = |name: &str| parameter(text, name).unwrap_or_default();
        let mut words = String::new();
        plain::clean(of("text").trim(), &mut words);
        Self {
            text: words,
            email: of("email").trim().to_lowercase(),
            order: plain::one_line(&of("order"), LONGEST_WORD),
            category: of("category"),
            start: of("start").chars().filter(char::is_ascii_alphanumeric).take(40).collect(),
            website: of("website"),
        }
    }
}

fn gone(words: &'static Words) -> Response {
    let shown = Shown {
        words,
        company: String::new(),
        is_gone: true,
        is_open: false,
        is_sent: false,
        introduction: String::new(),
        action: String::new(),
        start: String::new(),
        text: "",
        email: "",
        order: "",
        categories: Vec::new(),
        message: None,
    };
    with_headers(shown.render(), StatusCode::NOT_FOUND, false)
}

/// The page with its form, or what stands in its place.
async fn page(
    app: &App,
    (workspace, link): (WorkspaceId, &str),
    words: &'static Words,
    form: &Form,
    (message, is_sent): (Option<&'static str>, bool),
) -> Result<Response> {
    let mut db = app.installation.store.read();
    let company = workspaces::find(&mut db, workspace).await?.map(|row| row.name).unwrap_or_default();
    let (settings, _): (Settings, i64) = complaining::settings(&mut db, workspace).await?;
    let wanted = Language::parse(words.tag);
    let name = |of: &rapport_feedback::survey::Words| {
        let english = Language::parse("en");
        wanted
            .as_ref()
            .zip(english.as_ref())
            .map(|(wanted, english)| of.of(wanted, english).to_owned())
            .unwrap_or_default()
    };
    let categories = settings.categories.iter().filter(|it| !it.is_retired).map(|it| Choice {
        is_on: it.key == form.category,
        name: Some(name(&it.name)).filter(|text| !text.is_empty()).unwrap_or_else(|| it.key.clone()),
        key: it.key.clone(),
    });
    let start = if form.start.is_empty() { random(app) } else { form.start.clone() };
    let shown = Shown {
        words,
        company,
        is_gone: false,
        is_open: settings.page.is_open,
        is_sent,
        introduction: name(&settings.page.text),
        action: format!("{}?lang={}", path(link), words.tag),
        start,
        text: &form.text,
        email: &form.email,
        order: &form.order,
        categories: categories.collect(),
        message,
    };
    let status = match (settings.page.is_open || is_sent, message) {
        (false, _) => StatusCode::GONE,
        (true, Some(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        (true, None) => StatusCode::OK,
    };
    Ok(with_headers(shown.render(), status, false))
}

fn random(app: &App) -> String {
    let mut bytes = [0; 12];
    app.rng().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `GET /complain/{link}`.
pub async fn show(
    State(app): State<App>,
    Path(link): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let words = Words::of(&headers, parameter(&query, "lang").as_deref());
    let shown = async {
        let Some(workspace) = workspace_of(&app, &link, Page::Complaint).await? else { return Ok(gone(words)) };
        let is_sent = parameter(&query, "sent").is_some();
        page(&app, (workspace, &link), words, &Form::default(), (None, is_sent)).await
    };
    shown.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

/// `POST /complain/{link}`.
pub async fn send(
    State(app): State<App>,
    Path(link): Path<String>,
    RawQuery(query): RawQuery,
    from: From,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    let words = Words::of(&headers, parameter(&query.unwrap_or_default(), "lang").as_deref());
    let done = async {
        if !is_own_form(&headers) {
            return Err(foreign_form());
        }
        let text = super::survey::form_text(&headers, sent).await?;
        let form = Form::read(&text);
        let Some(workspace) = workspace_of(&app, &link, Page::Complaint).await? else { return Ok(gone(words)) };
        let (settings, _) = complaining::settings(&mut app.installation.store.read(), workspace).await?;
        let refusal = refusal(&form, words);
        if !settings.page.is_open || refusal.is_some() {
            return page(&app, (workspace, &link), words, &form, (refusal, false)).await;
        }
        if form.website.is_empty() {
            if let Err(problem) = app.throttle.count("complain", from.0, MOST_AN_HOUR, app.now()) {
                let mut response = page(&app, (workspace, &link), words, &form, (Some(words.too_often), false)).await?;
                *response.status_mut() = problem.status();
                return Ok(response);
            }
            taken(&app, workspace, form, &settings).await?;
        }
        Ok(see_other(&format!("{}?sent=1&lang={}", path(&link), words.tag), None))
    };
    done.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

fn refusal(form: &Form, words: &'static Words) -> Option<&'static str> {
    if form.text.is_empty() {
        return Some(words.no_text);
    }
    if form.text.chars().nth(LONGEST_TEXT).is_some() {
        return Some(words.too_long);
    }
    (!form.email.is_empty() && !is_address(&form.email)).then_some(words.no_address)
}

async fn taken(app: &App, workspace: WorkspaceId, form: Form, settings: &Settings) -> Result<()> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let mut said = Said::new(form.text, Channel::Form, app.now());
    // The same form once more is the same; what was changed on a page that one went back to is not.
    said.origin =
        some(form.start).map(|start| format!("{start}.{}", &blake3::hash(said.text.as_bytes()).to_hex()[..16]));
    said.order_id = some(form.order);
    said.who = some(form.email).map(|value| Identifier { kind: IdentifierKind::Email, value });
    said.sorted.category = some(form.category).filter(|key| Settings::has(&settings.categories, key));
    take_in(&app.installation, workspace, &said).await?;
    Ok(())
}
