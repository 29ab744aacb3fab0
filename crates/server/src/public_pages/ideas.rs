//! The ideas box: `/ideas/{link}`. Server-rendered, works without JavaScript, in English and Chinese.
//!
//! Always holds: looking changes nothing; a browser has one vote for an idea, by a cookie that is set when it first votes or proposes; before an idea is kept,
//! those that look like it are shown; what nobody of the staff has seen is shown to nobody where that is asked for.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rapport_domain::{Handle, Language, WorkspaceId, plain};
use rapport_feedback::ideas::records::{self, IdeaRow};
use rapport_feedback::ideas::{Settings, State as IdeaState};
use rapport_feedback::pages::{Page, PageLinks};
use rapport_store::Priority;

use super::complaint::workspace_of;
use super::idea_words::Words;
use super::survey::{form_text, with_headers};
use super::{foreign_form, is_own_form, see_other};
use crate::api::ideas::{LONGEST_TEXT, LONGEST_TITLE};
use crate::app::App;
use crate::http::form::parameter;
use crate::http::peer::From;
use crate::installation::Installation;
use crate::messages;
use crate::problem::{Problem, Result};
use crate::proposing::{self, Proposed};
use crate::records::workspaces;

/// Ideas of the page.
const SHOWN: i64 = 200;
/// In an hour from one network address.
const MOST_VOTES: u32 = 120;
const MOST_PROPOSALS: u32 = 10;
/// What a browser is known by.
const COOKIE: &str = "rapport_ideas";

/// The path of a link.
pub fn path(link: &str) -> String {
    format!("/ideas/{link}")
}

/// The link of a workspace's page.
///
/// # Errors
/// The store's.
pub async fn link(installation: &Installation, workspace: WorkspaceId) -> rapport_store::Result<String> {
    Ok(PageLinks::new(workspace, &messages::secret(installation, workspace).await?).make(Page::Ideas))
}

/// A word that nobody can guess.
pub(crate) fn random(app: &App) -> String {
    let mut bytes = [0; 16];
    app.rng().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Shown {
    id: String,
    title: String,
    text: String,
    votes: i64,
    /// The word of its state, where it is not just open.
    state: Option<&'static str>,
    answer: Option<String>,
    can_vote: bool,
    has_voted: bool,
}

#[derive(Template)]
#[template(path = "ideas.html")]
struct Ideas<'a> {
    words: &'static Words,
    company: String,
    is_gone: bool,
    introduction: String,
    action: String,
    start: String,
    title: &'a str,
    text: &'a str,
    message: Option<&'static str>,
    is_refused: bool,
    alike: Vec<Shown>,
    ideas: Vec<Shown>,
}

/// What a form says.
#[derive(Default)]
struct Form {
    act: String,
    idea: String,
    title: String,
    text: String,
    start: String,
    is_sure: bool,
    website: String,
}

impl Form {
    fn read(sent: &str) -> Self {
        let of = |name: &str| parameter(sent, name).unwrap_or_default();
        let mut text = String::new();
        plain::clean(of("text").trim(), &mut text);
        let word = |name: &str| -> String {
            of(name).chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect()
        };
        Self {
            act: of("act"),
            idea: word("idea"),
            title: plain::one_line(&of("title"), usize::MAX),
            text,
            start: word("start"),
            is_sure: of("sure") == "yes",
            website: of("website"),
        }
    }
}

/// What stands in the browser's cookie, if it is one of ours.
fn browser(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    let token = pairs.find(|(name, _)| *name == COOKIE)?.1;
    (token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| token.to_owned())
}

/// How a browser votes: a digest, so that what is stored opens nothing.
fn voter(token: &str) -> String {
    format!(
        "b{}",
        &blake3::derive_key("rapport 2026-11 voters of ideas", token.as_bytes())
            .map(|byte| format!("{byte:02x}"))
            .concat()[..32]
    )
}

fn cookie(token: &str) -> Option<HeaderValue> {
    let text = format!("{COOKIE}={token}; Path=/ideas/; Max-Age=31536000; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&text).ok()
}

/// Who looks at which page.
struct Look<'a> {
    workspace: WorkspaceId,
    link: &'a str,
    words: &'static Words,
    /// By which their votes are known.
    voter: Option<String>,
    settings: Settings,
}

impl Look<'_> {
    fn shown(&self, row: IdeaRow, voted: &[(String,)]) -> Option<Shown> {
        let state = IdeaState::parse(&row.state)?;
        Some(Shown {
            has_voted: voted.iter().any(|it| it.0 == row.id),
            // Of whoever is forgotten the words are gone.
            title: row.title?,
            text: row.text.unwrap_or_default(),
            votes: row.votes,
            state: self.words.state(state),
            answer: row.answer,
            can_vote: state.takes_votes(),
            id: row.id,
        })
    }

    async fn all(&self, app: &App, rows: Vec<IdeaRow>) -> Result<Vec<Shown>> {
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        let voted = match &self.voter {
            Some(voter) => records::voted(&mut app.installation.store.read(), self.workspace, &ids, voter).await?,
            None => Vec::new(),
        };
        Ok(rows.into_iter().filter_map(|row| self.shown(row, &voted)).collect())
    }

    async fn page(
        &self,
        app: &App,
        form: &Form,
        alike: Vec<IdeaRow>,
        (message, is_refused): (Option<&'static str>, bool),
    ) -> Result<Response> {
        let mut db = app.installation.store.read();
        let company = workspaces::find(&mut db, self.workspace).await?.map(|row| row.name).unwrap_or_default();
        let seen: Vec<IdeaState> = IdeaState::ALL.into_iter().filter(|it| it.is_seen()).collect();
        let rows = records::list(&mut db, self.workspace, &seen, SHOWN).await?;
        let introduction = Language::parse(self.words.tag).zip(Language::parse("en"));
        let introduction = introduction.map(|(wanted, usual)| self.settings.text.of(&wanted, &usual).to_owned());
        let template = Ideas {
            words: self.words,
            company,
            is_gone: !self.settings.is_open,
            introduction: introduction.unwrap_or_default(),
            action: format!("{}?lang={}", path(self.link), self.words.tag),
            start: if form.start.is_empty() { random(app) } else { form.start.clone() },
            title: &form.title,
            text: &form.text,
            message,
            is_refused,
            alike: self.all(app, alike).await?,
            ideas: self.all(app, rows).await?,
        };
        let status = match (self.settings.is_open, is_refused) {
            (false, _) => StatusCode::GONE,
            (true, true) => StatusCode::UNPROCESSABLE_ENTITY,
            (true, false) => StatusCode::OK,
        };
        Ok(with_headers(template.render(), status, false))
    }
}

fn gone(words: &'static Words) -> Response {
    let template = Ideas {
        words,
        company: String::new(),
        is_gone: true,
        introduction: String::new(),
        action: String::new(),
        start: String::new(),
        title: "",
        text: "",
        message: None,
        is_refused: false,
        alike: Vec::new(),
        ideas: Vec::new(),
    };
    with_headers(template.render(), StatusCode::NOT_FOUND, false)
}

async fn look<'a>(app: &App, link: &'a str, query: &str, headers: &HeaderMap) -> Result<Option<Look<'a>>> {
    let words = Words::of(headers, parameter(query, "lang").as_deref());
    let Some(workspace) = workspace_of(app, link, Page::Ideas).await? else { return Ok(None) };
    let settings = records::settings(&mut app.installation.store.read(), workspace).await?;
    Ok(Some(Look { workspace, link, words, voter: browser(headers).map(|token| voter(&token)), settings }))
}

/// `GET /ideas/{link}`.
pub async fn show(
    State(app): State<App>,
    Path(link): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let shown = async {
        let Some(look) = look(&app, &link, &query, &headers).await? else {
            return Ok(gone(Words::of(&headers, parameter(&query, "lang").as_deref())));
        };
        let message = parameter(&query, "sent").map(|sent| look.words.sent(&sent));
        look.page(&app, &Form::default(), Vec::new(), (message, false)).await
    };
    shown.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

/// `POST /ideas/{link}`: proposes or votes.
pub async fn send(
    State(app): State<App>,
    Path(link): Path<String>,
    RawQuery(query): RawQuery,
    from: From,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    let query = query.unwrap_or_default();
    let done = async {
        if !is_own_form(&headers) {
            return Err(foreign_form());
        }
        let form = Form::read(&form_text(&headers, sent).await?);
        let Some(look) = look(&app, &link, &query, &headers).await? else {
            return Ok(gone(Words::of(&headers, parameter(&query, "lang").as_deref())));
        };
        if !look.settings.is_open {
            return look.page(&app, &form, Vec::new(), (None, false)).await;
        }
        let token = browser(&headers).unwrap_or_else(|| random(&app));
        match form.act.as_str() {
            "vote" | "unvote" => voted(&app, &look, &form, (&token, from)).await,
            _ => proposed(&app, &look, &form, (&token, from)).await,
        }
    };
    done.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

fn onward(look: &Look<'_>, sent: &str, token: &str) -> Response {
    see_other(&format!("{}?sent={sent}&lang={}", path(look.link), look.words.tag), cookie(token))
}

async fn voted(app: &App, look: &Look<'_>, form: &Form, (token, from): (&str, From)) -> Result<Response> {
    app.throttle.count("vote", from.0, MOST_VOTES, app.now())?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = records::find(&mut tx, look.workspace, &form.idea).await?;
    let takes = row.and_then(|row| IdeaState::parse(&row.state)).is_some_and(IdeaState::takes_votes);
    if takes && form.act == "vote" {
        let by = (voter(token), Handle(0));
        records::vote(&mut tx, look.workspace, &form.idea, (&by.0, by.1), app.now()).await?;
    } else if takes {
        records::unvote(&mut tx, look.workspace, &form.idea, &voter(token)).await?;
    }
    tx.commit().await?;
    Ok(onward(look, if form.act == "vote" { "vote" } else { "back" }, token))
}

async fn proposed(app: &App, look: &Look<'_>, form: &Form, (token, from): (&str, From)) -> Result<Response> {
    if form.title.is_empty() {
        return look.page(app, form, Vec::new(), (Some(look.words.no_title), true)).await;
    }
    let is_long = |text: &str, most: usize| text.chars().nth(most).is_some();
    if is_long(&form.title, LONGEST_TITLE) || is_long(&form.text, LONGEST_TEXT) {
        return look.page(app, form, Vec::new(), (Some(look.words.too_long), true)).await;
    }
    if !form.website.is_empty() {
        return Ok(onward(look, "idea", token));
    }
    if !form.is_sure {
        let seen: Vec<IdeaState> = IdeaState::ALL.into_iter().filter(|it| it.is_seen()).collect();
        let mut db = app.installation.store.read();
        let alike = proposing::alike(&mut db, look.workspace, &form.title, (None, &seen)).await?;
        if !alike.is_empty() {
            let rows = alike.into_iter().map(|it| it.1).collect();
            return look.page(app, form, rows, (Some(look.words.alike), false)).await;
        }
    }
    if app.throttle.count("propose", from.0, MOST_PROPOSALS, app.now()).is_err() {
        let mut response = look.page(app, form, Vec::new(), (Some(look.words.too_often), true)).await?;
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        return Ok(response);
    }
    let start = if form.start.is_empty() { random(app) } else { form.start.clone() };
    let proposed = Proposed {
        title: form.title.clone(),
        text: form.text.clone(),
        // The same form once more is the same; what was changed on a page that one went back to is not.
        origin: format!("form:{start}.{}", &blake3::hash(form.title.as_bytes()).to_hex()[..16]),
        voter: (voter(token), Handle(0)),
        name: None,
    };
    proposing::propose(&app.installation, look.workspace, &proposed, !look.settings.is_moderated).await?;
    Ok(onward(look, if look.settings.is_moderated { "waits" } else { "idea" }, token))
}
