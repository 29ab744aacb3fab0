//! Choosing a password, after a sign-in link or later.
//!
//! Always holds: who has a password must say it; a new one ends all other sessions and makes old links useless.

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rapport_store::Priority;

use super::sign_in::read_form;
use super::words::Words;
use super::{foreign_form, is_own_form, page, see_other};
use crate::app::App;
use crate::auth::{passwords, secrets, sessions};
use crate::http::form::parameter;
use crate::problem::{Problem, Result};
use crate::records::users::UserRow;
use crate::records::{self, sign_in_links};

#[derive(Template)]
#[template(path = "password.html")]
struct Password<'a> {
    words: &'a Words,
    email: &'a str,
    csrf_token: String,
    has_password: bool,
    message: Option<&'a str>,
}

/// `GET /password`: the form.
pub async fn show(State(app): State<App>, headers: HeaderMap) -> Response {
    match signed_in(&app, &headers).await {
        Ok(Some((token, user))) => form(&headers, &token, &user, None),
        Ok(None) => see_other("/sign-in?next=/password", None),
        Err(problem) => problem.into_response(),
    }
}

/// `POST /password`: the sent form.
pub async fn choose(State(app): State<App>, headers: HeaderMap, sent: Body) -> Response {
    let (token, user) = match signed_in(&app, &headers).await {
        Ok(Some(found)) => found,
        Ok(None) => return see_other("/sign-in?next=/password", None),
        Err(problem) => return problem.into_response(),
    };
    match change(&app, &headers, &token, &user, sent).await {
        Ok(session) => see_other("/", Some(sessions::set_cookie(&app.settings, &session))),
        Err(problem) if matches!(problem.code(), "wrong_password" | "invalid_value") => {
            form(&headers, &token, &user, Some(&problem))
        }
        Err(problem) => problem.into_response(),
    }
}

/// Stores the new password; the new session's token.
async fn change(app: &App, headers: &HeaderMap, token: &str, user: &UserRow, sent: Body) -> Result<String> {
    let form = read_form(app, sent).await?;
    let csrf_token = parameter(&form, "csrf_token").unwrap_or_default();
    if !is_own_form(headers) || !secrets::equal(&csrf_token, &secrets::csrf_token(token)) {
        return Err(foreign_form());
    }
    if user.password_hash.is_some() {
        let current = parameter(&form, "current_password").unwrap_or_default();
        if !passwords::verify(current, user.password_hash.clone()).await? {
            return Err(Problem::unauthorized("wrong_password", "That is not the password until now."));
        }
    }
    let password = parameter(&form, "password").unwrap_or_default();
    passwords::check(&password, &user.email)?;
    let hash = passwords::hash(password, app.rng()).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    records::users::set_password(&mut tx, &user.id, &hash).await?;
    records::sessions::delete_of_user(&mut tx, &user.id).await?;
    sign_in_links::delete_of_user(&mut tx, &user.id).await?;
    let session = sessions::begin(app, &mut tx, &user.id).await?;
    tx.commit().await?;
    Ok(session)
}

async fn signed_in(app: &App, headers: &HeaderMap) -> Result<Option<(String, UserRow)>> {
    let Some(token) = sessions::token_of(headers) else { return Ok(None) };
    Ok(sessions::user_of(app, token).await?.map(|user| (token.to_owned(), user)))
}

fn form(headers: &HeaderMap, token: &str, user: &UserRow, problem: Option<&Problem>) -> Response {
    let words = Words::of(headers);
    let status = problem.map_or(StatusCode::OK, Problem::status);
    let template = Password {
        words,
        email: &user.email,
        csrf_token: secrets::csrf_token(token),
        has_password: user.password_hash.is_some(),
        message: problem.map(|problem| words.message(problem.code())),
    };
    page(status, &template)
}
