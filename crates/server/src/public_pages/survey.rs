//! The page of a survey: `/s/{link}`. Server-rendered, works without JavaScript, in the survey's languages.
//!
//! A personal link, also that of the panel beside a page of the company's own, shows the page that comes next. An open link shows the first one; sending it begins a response, whose own link the reader then has.
//! Every page that is sent is kept before the next one is shown.
//!
//! Always holds: looking changes nothing but that the invitation was opened; the same form again changes nothing more, and never makes a second response;
//! what was answered is shown to nobody after the end; a form that is not ours, too large or no form is refused; a form of which nothing can be taken
//! begins no response.

mod form;
pub(crate) mod preview;
mod reader;
mod view;
pub(crate) mod words;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rapport_domain::WorkspaceId;
use rapport_feedback::links::{Link, Links, Mode};
use rapport_feedback::records::responses::{PARTIAL, ResponseRow, SCREENED, Source};
use rapport_feedback::records::{answers, invitations};
use rapport_feedback::service::answering::{self, Beginning, Standing};
use rapport_feedback::service::asking::About;
use rapport_feedback::survey::shown::{on_page, page_before, page_from};
use rapport_feedback::survey::{Answers, Refusal};
use rapport_feedback::{Error, survey};
use rapport_store::Priority;

use self::form::Form;
use self::reader::Reader;
use self::view::Shown;
use super::{is_own_form, see_other};
use crate::app::App;
use crate::http::body;
use crate::http::form::parameter;
use crate::messages;
use crate::problem::{Problem, Result};

/// The most bytes of a form: as many as all texts of a page may have.
const MOST_BYTES: usize = 256 << 10;
/// How long a form may take to come.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// What its pages look like.
const STYLE: &str = include_str!("survey/survey.css");

/// The path of a link.
pub fn path(link: &str) -> String {
    format!("/s/{link}")
}

/// `GET /s/{link}`.
pub async fn show(
    State(app): State<App>,
    Path(text): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let shown = async {
        let Some(reader) = Reader::of(&app, &text, &headers, &query).await? else { return Ok(view::gone(&headers)) };
        if let Some(invitation) = reader.invitation.as_ref().filter(|_| !reader.is_over(app.now())) {
            noted_as_opened(&app, reader.workspace, &invitation.id).await;
        }
        looked_at(&app, &reader, &text, &query, &headers).await
    };
    shown.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

/// A look counts once; when it cannot be counted the page is shown all the same.
async fn noted_as_opened(app: &App, workspace: WorkspaceId, invitation: &str) {
    let noted = async {
        let seen = invitations::find(&mut app.installation.store.read(), workspace, invitation).await?;
        if seen.is_some_and(|row| row.opened_at.is_none()) {
            let mut tx = app.installation.store.begin(Priority::Interactive).await?;
            invitations::open(&mut tx, workspace, invitation, app.now()).await?;
            tx.commit().await?;
        }
        Ok::<_, rapport_store::Error>(())
    };
    if let Err(error) = noted.await {
        tracing::warn!(code = error.code(), "a look at a survey could not be counted");
    }
}

async fn looked_at(app: &App, reader: &Reader, text: &str, query: &str, headers: &HeaderMap) -> Result<Response> {
    let Some(row) = &reader.response else {
        if let Some(own) = reader.own_cookie(headers) {
            return Ok(see_other(&path(&own), None));
        }
        if let Some(why) = reader.shut(app.now()) {
            return Ok(view::shut(reader, why));
        }
        let first = page_from(&reader.definition, 0, &Answers::new()).unwrap_or(0);
        return Ok(view::page(reader, text, &Shown::fresh(first, app.rng())));
    };
    if row.state != PARTIAL {
        return Ok(view::over(reader, row.state == SCREENED, &reader.answers));
    }
    if let Some(why) = reader.shut(app.now()) {
        return Ok(view::shut(reader, why));
    }
    let next = usize::try_from(row.page).unwrap_or(0);
    let wanted = parameter(query, "page").and_then(|page| page.parse().ok()).map_or(next, |page: usize| page.min(next));
    let page = page_from(&reader.definition, wanted, &reader.answers)
        .or_else(|| page_before(&reader.definition, wanted, &reader.answers));
    Ok(view::page(reader, text, &Shown::of(page.unwrap_or(0))))
}

/// `POST /s/{link}`.
pub async fn answer(
    State(app): State<App>,
    Path(text): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    let done = async {
        if !is_own_form(&headers) {
            return Err(super::foreign_form());
        }
        let form = read_form(&headers, sent).await?;
        let query = query.unwrap_or_default();
        let Some(reader) = Reader::of(&app, &text, &headers, &query).await? else { return Ok(view::gone(&headers)) };
        answered(&app, reader, &text, form).await
    };
    done.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

async fn read_form(headers: &HeaderMap, sent: Body) -> Result<Form> {
    Ok(Form::read(&form_text(headers, sent).await?))
}

/// A sent form as text: what is no form, too large or too slow is refused.
pub(super) async fn form_text(headers: &HeaderMap, sent: Body) -> Result<String> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "no_form",
            "An answer is a form; files are not taken.",
            "Send the form of the page.",
        ));
    }
    let bytes = body::read(sent, MOST_BYTES, DEADLINE).await?;
    String::from_utf8(bytes.into()).map_err(|_| Problem::bad_request("no_text", "The form is no text."))
}

/// What came of a form.
enum Outcome {
    /// Another page is next.
    Next(ResponseRow, usize),
    /// The same page once more: some answers were refused, or answers lead to more questions on it.
    Again(ResponseRow, Answers, usize, Vec<Refusal>),
    /// The first page once more: nothing of it was an answer, so nothing has begun.
    Unbegun(usize, Vec<Refusal>),
    /// There is nothing more to ask.
    Over(ResponseRow),
}

async fn answered(app: &App, mut reader: Reader, text: &str, form: Form) -> Result<Response> {
    if reader.response.as_ref().is_some_and(|row| row.state != PARTIAL) {
        // The same form once more.
        return Ok(see_other(&path(text), None));
    }
    // Also what was begun in time is not gone on with later.
    if let Some(why) = reader.shut(app.now()) {
        return Ok(view::shut(&reader, why));
    }
    let outcome = match kept(app, &reader, &form).await {
        Ok(outcome) => outcome,
        Err(Error::Answered) => return Ok(see_other(&path(text), None)),
        Err(Error::Expired) => return Ok(view::shut(&reader, "expired")),
        Err(Error::NotOpen(_)) => return Ok(view::shut(&reader, reader.shut(app.now()).unwrap_or("closed"))),
        Err(error) => return Err(error.into()),
    };
    let (workspace, mode) = (reader.workspace, reader.mode);
    let links = Links::new(workspace, &messages::secret(&app.installation, workspace).await?);
    let own = |row: &ResponseRow| match &reader.invitation {
        Some(_) => text.to_owned(),
        None => links.make(&Link::Response { id: row.id.clone(), mode }),
    };
    Ok(match outcome {
        Outcome::Next(row, page) => {
            let link = own(&row);
            see_other(&format!("{}?page={page}{}", path(&link), reader.language_parameter()), reader.cookie(&link))
        }
        Outcome::Over(row) => {
            let link = own(&row);
            see_other(&format!("{}?end=1{}", path(&link), reader.language_parameter()), reader.cookie(&link))
        }
        Outcome::Unbegun(page, refusals) => {
            let start = form.start.clone();
            let shown = Shown { refusals, is_again: true, start, entered: Some(form), ..Shown::of(page) };
            view::page(&reader, text, &shown)
        }
        Outcome::Again(row, given, page, refusals) => {
            let link = own(&row);
            let mut shown = Shown { refusals, is_again: true, ..Shown::of(page) };
            shown.entered = Some(form);
            (reader.answers, reader.response) = (given, Some(row));
            view::page(&reader, &link, &shown)
        }
    })
}

/// Keeps what was given, and goes on.
async fn kept(app: &App, reader: &Reader, form: &Form) -> Result<Outcome, Error> {
    let (workspace, now) = (reader.workspace, app.now());
    let (definition, survey) = (&reader.definition, &reader.survey);
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = match &reader.response {
        Some(row) => row.clone(),
        None => begin(app, &mut tx, reader, form).await?,
    };
    let before = answers::of(&mut tx, workspace, &row.id).await?;
    let next = usize::try_from(row.page).unwrap_or(0);
    let page = form.page.min(next.max(page_from(definition, 0, &before).unwrap_or(0)));
    let (mut given, mut refusals) = (Answers::new(), Vec::new());
    let asked: Vec<_> = on_page(definition, page, &before).into_iter().filter(|it| form.shows(&it.key)).collect();
    for question in &asked {
        match survey::read(question, &form.value(question)) {
            Ok(read) => drop(given.insert(question.key.clone(), read)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if page == 0 && reader.response.is_none() {
        given.extend(reader.hidden());
    }
    let mut after = before.clone();
    after.extend(given.clone());
    after.retain(|_, given| !given.is_empty());
    let open = on_page(definition, page, &after);
    let leads_to_more = open.iter().any(|it| !form.shows(&it.key));
    if !form.goes_back {
        let is_refused = |key: &str| refusals.iter().any(|it: &Refusal| it.question == key);
        let missing = open.iter().filter(|it| {
            let given = after.get(&it.key).map_or(&[][..], Vec::as_slice);
            it.required && form.shows(&it.key) && !is_refused(&it.key) && !survey::shown::is_whole(it, given)
        });
        let missing: Vec<Refusal> = missing.map(|it| Refusal::required(it)).collect();
        refusals.extend(missing);
    }
    let target = match (form.goes_back, refusals.is_empty() && !leads_to_more) {
        (true, _) => Some(page_before(definition, page, &after).unwrap_or(page)),
        (false, true) => page_from(definition, page + 1, &after),
        (false, false) => Some(page),
    };
    let has_answers = given.iter().any(|(key, it)| !it.is_empty() && form.shows(key));
    if reader.response.is_none() && !has_answers && target == Some(page) && !form.goes_back {
        return Ok(Outcome::Unbegun(page, refusals));
    }
    let reached = if form.goes_back { next.max(page) } else { target.unwrap_or(page).max(next) };
    let standing = answering::keep(&mut tx, workspace, survey, definition, &row, (&given, reached), now).await?;
    let outcome = match target {
        _ if standing == Standing::Screened => Outcome::Over(row),
        Some(target) if form.goes_back || target != page => Outcome::Next(row, target),
        Some(_) => Outcome::Again(row, after, page, refusals),
        None => match answering::complete(&mut tx, workspace, survey, definition, &row, now).await {
            Ok(row) => Outcome::Over(row),
            // An answer on an earlier page was taken back: there it is asked for again.
            Err(Error::Refused(refusals)) => {
                let has =
                    |page: &usize| on_page(definition, *page, &after).iter().any(|it| it.key == refusals[0].question);
                let page = (0..definition.pages.len()).find(has).unwrap_or(0);
                Outcome::Again(row, after, page, refusals)
            }
            Err(error) => return Err(error),
        },
    };
    tx.commit().await?;
    Ok(outcome)
}

async fn begin(app: &App, tx: &mut rapport_store::Tx, reader: &Reader, form: &Form) -> Result<ResponseRow, Error> {
    let source = match (&reader.invitation, reader.mode) {
        (Some(it), _) if it.state == invitations::UNASKED => Source::Widget,
        (Some(_), _) => Source::Invitation,
        (None, Some(Mode::Kiosk)) => Source::Kiosk,
        (None, Some(Mode::Widget)) => Source::Widget,
        (None, _) => Source::Link,
    };
    // A form without it is not one of our pages', and is nobody else's.
    let start = if form.start.is_empty() { view::fresh_start(app.rng()) } else { form.start.clone() };
    let beginning = Beginning {
        survey: &reader.survey,
        version: reader.version,
        source,
        invitation: reader.invitation.as_ref(),
        // The same form sent twice is one response.
        origin: reader.invitation.is_none().then(|| format!("{}:{start}", source.as_str())),
        who: None,
        language: reader.language.as_str(),
        about: About { touchpoint: reader.touchpoint.clone(), ..About::default() },
        at: None,
    };
    answering::begin(tx, reader.workspace, &beginning, (&*app.installation.clock, app.rng())).await
}

/// The stylesheet.
pub async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, STYLE)
}

/// The script that shows a survey on a page of the company's own.
pub async fn script() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    (headers, include_str!("survey/widget.js"))
}

/// The page's headers: in a page of the company's own site where it is a widget, else in none.
pub(super) fn with_headers(html: askama::Result<String>, status: StatusCode, is_widget: bool) -> Response {
    const FRAMED: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors https: http:";
    match html {
        Ok(html) => {
            let policy = if is_widget { FRAMED } else { crate::http::headers::PAGE_POLICY };
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
            ];
            (status, headers, html).into_response()
        }
        Err(error) => Problem::internal(error).into_response(),
    }
}
