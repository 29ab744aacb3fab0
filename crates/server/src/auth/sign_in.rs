//! Signing in: by e-mail and password, or by a one-time link.
//!
//! Always holds: failures are counted in the database, per address they name and per network address they come from, and too many of
//! them close that door for a while; the answer does not tell whether a user exists; whoever of ours signs in, or fails to, is in the audit log.

use std::net::IpAddr;

use axum::http::StatusCode;
use rapport_domain::{Id, Purpose, Timestamp};
use rapport_store::Priority;

use super::{passwords, secrets, sessions};
use crate::app::App;
use crate::problem::{Problem, Result};
use crate::records::audit::AuditRow;
use crate::records::users::{self, UserRow};
use crate::records::{sign_in_failures, sign_in_links};

/// Failures are counted for this long.
pub const WINDOW: i64 = 15 * Timestamp::MINUTE;
/// Failures for one e-mail address within the window.
const MOST_PER_EMAIL: i64 = 10;
/// Failures from one network address within the window.
const MOST_PER_ADDRESS: i64 = 50;

/// Signs in by password; the session's token.
pub async fn with_password(app: &App, email: &str, password: String, from: IpAddr) -> Result<String> {
    let subjects = [subject("email", &users::folded(email)), subject("address", &from.to_string())];
    refuse_if_too_many(app, &subjects).await?;
    let user = users::by_email(&mut app.installation.store.read(), email).await?;
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let right = passwords::verify(password, stored).await?;
    let failed = user.as_ref().filter(|user| !right || user.disabled).cloned();
    match user.filter(|user| right && !user.disabled) {
        Some(user) => {
            let session = enter(app, &user, subjects[0]).await?;
            note(app, &user, "POST /sign-in", StatusCode::SEE_OTHER).await;
            Ok(session)
        }
        None => {
            let now = app.now();
            let mut tx = app.installation.store.begin(Priority::Interactive).await?;
            for subject in subjects {
                sign_in_failures::add(&mut tx, subject, now, now.plus(-WINDOW)).await?;
            }
            tx.commit().await?;
            if let Some(user) = failed {
                note(app, &user, "POST /sign-in", StatusCode::UNAUTHORIZED).await;
            }
            Err(wrong())
        }
    }
}

/// Signs in by a link's token; the session's token.
pub async fn with_link(app: &App, token: &str) -> Result<String> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let user = sign_in_links::take(&mut tx, secrets::hash(token), app.now()).await?;
    let user = match user {
        Some(id) => users::by_id(&mut tx, &id).await?.filter(|user| !user.disabled),
        None => None,
    };
    let Some(user) = user else {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "link_used",
            "This link was used already, or it is too old.",
            "Sign in with your password, or ask for a new link.",
        ));
    };
    let session = sessions::begin(app, &mut tx, &user.id).await?;
    tx.commit().await?;
    note(app, &user, "GET /sign-in/link", StatusCode::SEE_OTHER).await;
    Ok(session)
}

/// Notes in the audit log what somebody did at the door.
pub async fn note(app: &App, user: &UserRow, action: &str, status: StatusCode) {
    let clock = &*app.installation.clock;
    let row = AuditRow {
        id: Id::new("aud", clock, app.rng()),
        workspace: user.workspace,
        at: clock.now(),
        actor: user.id.to_string(),
        purpose: Purpose::Administration.as_str().to_owned(),
        action: action.to_owned(),
        status: status.as_u16(),
    };
    app.audit.note(row).await;
}

async fn enter(app: &App, user: &UserRow, subject: [u8; 32]) -> Result<String> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    sign_in_failures::clear(&mut tx, subject).await?;
    let session = sessions::begin(app, &mut tx, &user.id).await?;
    tx.commit().await?;
    Ok(session)
}

async fn refuse_if_too_many(app: &App, subjects: &[[u8; 32]; 2]) -> Result<()> {
    let now = app.now();
    for (subject, most) in subjects.iter().zip([MOST_PER_EMAIL, MOST_PER_ADDRESS]) {
        let Some(row) = sign_in_failures::find(&mut app.installation.store.read(), *subject).await? else { continue };
        let left = row.since.0 + WINDOW - now.0;
        if row.failures >= most && left > 0 {
            let seconds = u32::try_from(left / Timestamp::SECOND + 1).unwrap_or(900);
            let detail = "Too many sign-ins failed.";
            return Err(Problem::later(StatusCode::TOO_MANY_REQUESTS, "too_many_failures", detail, seconds));
        }
    }
    Ok(())
}

fn wrong() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "wrong_password",
        "E-mail address and password do not fit together.",
        "Try again, or ask an owner or admin for a sign-in link.",
    )
}

/// A digest, so that the table of failures holds no address.
fn subject(kind: &str, value: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("rapport 2026-11 subject of failed sign-ins");
    hasher.update(kind.as_bytes());
    hasher.update(&[0]);
    hasher.update(value.as_bytes());
    *hasher.finalize().as_bytes()
}
