//! `/my-data/{link}`: the pages behind the link in a mail about one's own data.
//!
//! Always holds: only a POST shows, erases or uses up anything, so a program that follows every link in a mail changes nothing; the same POST again does
//! nothing more.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::page;
use super::preference_words::Words;
use super::sign_in::read_form;
use crate::api::privacy::readable;
use crate::app::App;
use crate::http::form::parameter;
use crate::own_data::{self, ERASURE, Proved};
use crate::problem::{Problem, Result};

#[derive(Template)]
#[template(path = "own_data.html")]
struct OwnData<'a> {
    words: &'static Words,
    company: &'a str,
    path: &'a str,
    is_erasure: bool,
    is_done: bool,
    message: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "own_data_gone.html")]
struct Gone {
    words: &'static Words,
    company: &'static str,
}

fn gone(headers: &HeaderMap) -> Response {
    page(StatusCode::NOT_FOUND, &Gone { words: Words::of(headers, None), company: "" })
}

fn asking(proved: &Proved, path: &str, message: Option<fn(&Words) -> &'static str>) -> Response {
    let words = Words::tagged(&proved.proof.language);
    let template = OwnData {
        words,
        company: &proved.company,
        path,
        is_erasure: proved.proof.kind == ERASURE,
        is_done: proved.person.is_none(),
        message: message.map(|of| of(words)),
    };
    page(StatusCode::OK, &template)
}

/// `GET /my-data/{link}`: says what a click would do.
pub async fn ask(State(app): State<App>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    match own_data::open(&app.installation, &text).await {
        Ok(Some(proved)) => asking(&proved, &text, None),
        Ok(None) => gone(&headers),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// `POST /my-data/{link}`: does it.
pub async fn act(State(app): State<App>, Path(text): Path<String>, headers: HeaderMap, sent: Body) -> Response {
    let done = async {
        let form = read_form(&app, sent).await?;
        let opened = own_data::open(&app.installation, &text).await.map_err(Problem::internal)?;
        let Some(proved) = opened else { return Ok(gone(&headers)) };
        if proved.proof.kind == ERASURE {
            erase(&app, proved, &text, &form).await
        } else {
            show(&app, proved, &text, &form, &headers).await
        }
    };
    done.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

async fn erase(app: &App, mut proved: Proved, text: &str, form: &str) -> Result<Response> {
    if proved.person.is_some() && parameter(form, "sure").as_deref() != Some("yes") {
        return Ok(asking(&proved, text, Some(|words| words.erase_unsure)));
    }
    if proved.person.is_some() {
        app.audit.note(own_data::audit_row(&app.installation, proved.workspace, ERASURE)).await;
        let app = app.clone();
        // It goes on when whoever asked has gone away.
        let work = tokio::spawn(async move {
            own_data::erase(&app.sender, &app.pipeline, &proved).await?;
            proved.person = None;
            anyhow::Ok(proved)
        });
        proved = work.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    }
    Ok(asking(&proved, text, None))
}

async fn show(app: &App, proved: Proved, text: &str, form: &str, headers: &HeaderMap) -> Result<Response> {
    let pack = own_data::show(&app.installation, &proved).await.map_err(Problem::internal)?;
    let Some(pack) = pack else { return Ok(gone(headers)) };
    app.audit.note(own_data::audit_row(&app.installation, proved.workspace, own_data::ACCESS)).await;
    let words = Words::tagged(&proved.proof.language);
    if parameter(form, "form").as_deref() == Some("json") {
        return Ok(file(&pack));
    }
    let html = readable::page(&proved.company, &pack, words.tag, Some(&format!("/my-data/{text}")));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(readable::POLICY)),
    ];
    Ok((headers, html.map_err(Problem::internal)?).into_response())
}

/// The pack as a file to keep.
fn file(pack: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"your-data.json\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, serde_json::to_string_pretty(pack).unwrap_or_default()).into_response()
}
