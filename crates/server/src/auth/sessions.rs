//! Sessions of the console: a cookie with a random token.
//!
//! Always holds: the cookie is `HttpOnly` and `SameSite=Lax`, and `Secure` where https is spoken; a session ends after some idle time,
//! after some days in any case, and at once when its user is disabled.

use axum::http::{HeaderMap, HeaderValue, header};
use rapport_domain::{Id, Timestamp};
use rapport_store::{Priority, Result, Tx};

use super::secrets::{self, Secret};
use crate::app::App;
use crate::records::sessions::{self, SessionRow};
use crate::records::users::{self, UserRow};
use crate::settings::Settings;

/// The cookie's name.
pub const COOKIE: &str = "rapport_session";

/// Uses closer together than this are not noted again.
const TOUCH_EVERY: i64 = Timestamp::MINUTE;

/// Begins a session in a transaction; its token.
pub async fn begin(app: &App, tx: &mut Tx, user: &Id) -> Result<String> {
    let now = app.now();
    let secret = Secret::new(secrets::UNMARKED, app.rng());
    let ends = now.plus(i64::from(app.settings.session.days) * Timestamp::DAY);
    sessions::insert(tx, secret.hash, user, now, ends).await?;
    users::touch(tx, user, now).await?;
    Ok(secret.text)
}

/// The token in the request's cookie.
pub fn token_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE && !value.is_empty()).then_some(value))
}

/// The user whose session this is, while it lasts.
pub async fn user_of(app: &App, token: &str) -> Result<Option<UserRow>> {
    let hash = secrets::hash(token);
    let db = &app.installation.store;
    let Some(session) = sessions::by_hash(&mut db.read(), hash).await? else { return Ok(None) };
    let now = app.now();
    if now >= session.expires_at || now >= idle_end(&app.settings, &session) {
        return Ok(None);
    }
    let user = users::by_id(&mut db.read(), &session.user_id).await?.filter(|user| !user.disabled);
    if let Some(user) = &user
        && now.0 - session.last_used_at.0 >= TOUCH_EVERY
    {
        let mut tx = db.begin(Priority::Background).await?;
        sessions::touch(&mut tx, hash, now).await?;
        users::touch(&mut tx, &user.id, now).await?;
        tx.commit().await?;
    }
    Ok(user)
}

fn idle_end(settings: &Settings, session: &SessionRow) -> Timestamp {
    session.last_used_at.plus(i64::from(settings.session.idle_hours) * Timestamp::HOUR)
}

/// The header that gives a session to the browser.
pub fn set_cookie(settings: &Settings, token: &str) -> HeaderValue {
    cookie(settings, token, i64::from(settings.session.days) * 86_400)
}

/// The header that takes it back.
pub fn clear_cookie(settings: &Settings) -> HeaderValue {
    cookie(settings, "", 0)
}

fn cookie(settings: &Settings, value: &str, seconds: i64) -> HeaderValue {
    let secure = if settings.cookies_are_secure() { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).expect("a token has letters, digits, - and _ only")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(token_of(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; rapport_session=; x"));
        headers.append(header::COOKIE, HeaderValue::from_static("rapport_sessions=no; rapport_session=abc-_1"));
        assert_eq!(token_of(&headers), Some("abc-_1"));
    }
}
