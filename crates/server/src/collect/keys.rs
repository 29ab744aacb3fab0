//! Which source a write key belongs to.
//!
//! Always holds: an answer, also "wrong key", is remembered for some seconds, so that a storm of wrong keys costs no database.

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::Timestamp;
use rapport_intake::Origin;
use rapport_store::Priority;

use crate::app::App;
use crate::auth::secrets;
use crate::problem::{Problem, Result};
use crate::records::write_keys::{self, WriteKeyUse};

/// Uses closer together than this are not noted again.
const TOUCH_EVERY: i64 = Timestamp::HOUR;

/// The key in `Authorization: Basic`, where it is the user name; `None` when there is none there.
pub fn of_header(headers: &HeaderMap) -> Option<String> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let user = text.split(':').next().unwrap_or_default();
    (!user.is_empty()).then(|| user.to_owned())
}

/// The source that `key` writes for, or a 401.
pub async fn origin(app: &App, key: &str) -> Result<Origin> {
    let now = app.now();
    let hash = secrets::hash(key);
    let found = match app.write_keys.get(&hash, now) {
        Some(found) => found,
        None => {
            let found = write_keys::by_hash(&mut app.installation.store.read(), hash).await?;
            app.write_keys.put(hash, found.clone(), now);
            if let Some(key) = &found {
                touch(app, key, now);
            }
            found
        }
    };
    let Some(key) = found else { return Err(wrong("There is no such write key.")) };
    if key.revoked_at.is_some() {
        return Err(wrong("This write key was revoked."));
    }
    if key.expires_at.is_some_and(|expires| now >= expires) {
        return Err(wrong("This write key has expired."));
    }
    Ok(Origin { workspace: key.workspace, source: key.source })
}

/// 401 for a request without a key.
pub fn missing() -> Problem {
    wrong("There is no write key in this request.")
}

fn wrong(detail: &str) -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_write_key",
        detail,
        "Send a write key of the source as the user name of Basic authentication or as writeKey in the body.",
    )
}

/// Notes about when the key was used; the sender does not wait for it.
fn touch(app: &App, key: &WriteKeyUse, now: Timestamp) {
    if key.last_used_at.is_some_and(|used| now.0 - used.0 < TOUCH_EVERY) {
        return;
    }
    let (store, id) = (app.installation.store.clone(), key.id.clone());
    tokio::spawn(async move {
        let noted = async {
            let mut tx = store.begin(Priority::Background).await?;
            write_keys::touch(&mut tx, &id, now).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(code = error.code(), "the use of a write key could not be noted");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_key_is_the_user_of_basic_authentication() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            of_header(&headers)
        };
        assert_eq!(of("Basic cndfazo=").as_deref(), Some("rw_k"));
        assert_eq!(of("basic cndfaw==").as_deref(), Some("rw_k"));
        assert_eq!(of("Basic Og=="), None);
        assert_eq!(of("Bearer rw_k"), None);
        assert_eq!(of("Basic ???"), None);
    }
}
