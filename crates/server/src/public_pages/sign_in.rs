//! Signing in and out.

use std::time::Duration;

use askama::Template;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rapport_store::Priority;

use super::words::Words;
use super::{foreign_form, is_own_form, local, page, see_other};
use crate::app::App;
use crate::auth::{secrets, sessions, sign_in};
use crate::http::body;
use crate::http::form::parameter;
use crate::http::peer::From;
use crate::problem::{Problem, Result};
use crate::records;

/// A form has an address, a password and a path.
pub(super) const FORM_BYTES: usize = 8 << 10;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    words: &'a Words,
    next: String,
    email: String,
    message: Option<&'a str>,
}

/// `GET /sign-in?next=...`: the form; who is signed in already goes on.
pub async fn show(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let next = local(parameter(query.as_deref().unwrap_or_default(), "next"));
    if let Some(token) = sessions::token_of(&headers)
        && matches!(sessions::user_of(&app, token).await, Ok(Some(_)))
    {
        return see_other(&next, None);
    }
    page(StatusCode::OK, &SignIn { words: Words::of(&headers), next, email: String::new(), message: None })
}

/// `POST /sign-in`: the sent form.
pub async fn enter(State(app): State<App>, from: From, headers: HeaderMap, sent: Body) -> Response {
    if !is_own_form(&headers) {
        return foreign_form().into_response();
    }
    let form = match read_form(&app, sent).await {
        Ok(form) => form,
        Err(problem) => return problem.into_response(),
    };
    let next = local(parameter(&form, "next"));
    let email = parameter(&form, "email").unwrap_or_default();
    let password = parameter(&form, "password").unwrap_or_default();
    match sign_in::with_password(&app, &email, password, from.0).await {
        Ok(token) => see_other(&next, Some(sessions::set_cookie(&app.settings, &token))),
        Err(problem) => refused(&headers, &problem, next, email),
    }
}

/// `GET /sign-in/link?token=...`: signs in once.
pub async fn by_link(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let next = local(parameter(&query, "next"));
    let token = parameter(&query, "token").unwrap_or_default();
    match sign_in::with_link(&app, &token).await {
        Ok(session) => see_other(&next, Some(sessions::set_cookie(&app.settings, &session))),
        Err(problem) => refused(&headers, &problem, next, String::new()),
    }
}

/// `POST /sign-out`: ends the session. A form without the right token is sent by someone else, and changes nothing.
pub async fn leave(State(app): State<App>, headers: HeaderMap, sent: Body) -> Response {
    let left = async {
        let form = read_form(&app, sent).await?;
        let Some(token) = sessions::token_of(&headers) else { return Ok(()) };
        let csrf_token = parameter(&form, "csrf_token").unwrap_or_default();
        if !is_own_form(&headers) || !secrets::equal(&csrf_token, &secrets::csrf_token(token)) {
            return Err(foreign_form());
        }
        let user = sessions::user_of(&app, token).await?;
        let mut tx = app.installation.store.begin(Priority::Interactive).await?;
        records::sessions::delete(&mut tx, secrets::hash(token)).await?;
        tx.commit().await?;
        if let Some(user) = user {
            sign_in::note(&app, &user, "POST /sign-out", StatusCode::SEE_OTHER).await;
        }
        Ok(())
    };
    match left.await {
        Ok(()) => see_other("/sign-in", Some(sessions::clear_cookie(&app.settings))),
        Err(problem) => Problem::into_response(problem),
    }
}

/// The sent form's text.
pub(super) async fn read_form(app: &App, sent: Body) -> Result<String> {
    let bytes = body::read(sent, FORM_BYTES, Duration::from_secs(app.settings.limits.body_seconds)).await?;
    String::from_utf8(bytes.into()).map_err(|_| Problem::bad_request("not_utf8", "The form is not UTF-8."))
}

fn refused(headers: &HeaderMap, problem: &Problem, next: String, email: String) -> Response {
    let words = Words::of(headers);
    let message = Some(words.message(problem.code()));
    page(problem.status(), &SignIn { words, next, email, message })
}
