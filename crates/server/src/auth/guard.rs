//! The guard before every route of the API: who is it, may they, was it their own click, what for; and a note in the audit log.
//!
//! Always holds: the permission of a route is the one its OpenAPI operation declares (`security(("caller" = ["view_people"]))`); a
//! route without one is closed. It is asked for before the body is read.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rapport_domain::{Id, Timestamp};
use rapport_store::Priority;

use super::caller::{Actor, Caller, purpose_of};
use super::roles::{Permission, Role, Scope};
use super::{secrets, sessions};
use crate::app::App;
use crate::problem::{Problem, Result};
use crate::records::api_keys::{self, ApiKeyRow};
use crate::records::audit::AuditRow;

/// Which permission each route needs.
pub type Routes = HashMap<(Method, String), Permission>;

/// What the guard works with.
#[derive(Clone)]
pub struct Guard {
    /// The application.
    pub app: App,
    /// The routes' permissions.
    pub routes: Arc<Routes>,
}

/// Routes that show nothing about a customer and are asked for every few seconds: they are not noted.
const NOT_AUDITED: &[&str] = &["/api/v1/me", "/api/v1/data-health"];

/// Lets a request through, or answers why not.
pub async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    match admit(&guard, &head).await {
        Ok(caller) => {
            let audited = !NOT_AUDITED.contains(&head.uri.path());
            let entry = audited.then(|| entry(&guard.app, &caller, &head));
            head.extensions.insert(caller);
            let response = next.run(Request::from_parts(head, body)).await;
            if let Some(mut entry) = entry {
                entry.status = response.status().as_u16();
                guard.app.audit.note(entry).await;
            }
            response
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(guard: &Guard, head: &Parts) -> Result<Caller> {
    let caller = identify(&guard.app, head).await?;
    let path = head.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    // axum answers HEAD by the handler of GET.
    let method = if head.method == Method::HEAD { Method::GET } else { head.method.clone() };
    match guard.routes.get(&(method, path.to_owned())) {
        Some(permission) => caller.require(*permission)?,
        // A method the route does not have is answered 405 by the router; a route that declares nothing is closed.
        None if guard.routes.keys().any(|(_, known)| known == path) => {}
        None => return Err(Problem::internal(format!("the route {path} declares no permission"))),
    }
    Ok(caller)
}

/// Who sent it, with CSRF checked.
async fn identify(app: &App, head: &Parts) -> Result<Caller> {
    let headers = &head.headers;
    let purpose = purpose_of(headers.get("x-purpose").and_then(|value| value.to_str().ok()), head.uri.path())?;
    if let Some(key) = bearer(headers) {
        let row = api_key(app, key).await?;
        let scopes = Scope::parse_list(&row.scopes);
        return Ok(Caller {
            workspace: row.workspace,
            actor: Actor::ApiKey { id: row.id, name: row.name, scopes },
            purpose,
        });
    }
    let token = sessions::token_of(headers)
        .ok_or_else(|| Problem::unauthorized("not_signed_in", "This needs a session or an API key."))?;
    let user = sessions::user_of(app, token).await?;
    let user = user.ok_or_else(|| Problem::unauthorized("session_ended", "This session has ended."))?;
    let csrf_token = secrets::csrf_token(token);
    if !matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        let sent = headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !secrets::equal(sent, &csrf_token) {
            return Err(Problem::forbidden(
                "csrf_token",
                "A write with a session needs its CSRF token in the header X-CSRF-Token.",
                "Take csrf_token from GET /api/v1/me and send it along.",
            ));
        }
    }
    let role = Role::parse(&user.role).ok_or_else(|| Problem::internal("a user has an unknown role"))?;
    let actor = Actor::User { id: user.id, name: user.name, email: user.email, role, csrf_token };
    Ok(Caller { workspace: user.workspace, actor, purpose })
}

/// The key in `Authorization: Bearer`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Uses closer together than this are not noted again.
const TOUCH_EVERY: i64 = Timestamp::HOUR;

/// The API key of this text, if it is valid.
pub(crate) async fn api_key(app: &App, key: &str) -> Result<ApiKeyRow> {
    let now = app.now();
    let hash = secrets::hash(key);
    let found = match app.api_keys.get(&hash, now) {
        Some(found) => found,
        None => {
            let found = api_keys::by_hash(&mut app.installation.store.read(), hash).await?;
            app.api_keys.put(hash, found.clone(), now);
            if let Some(row) = &found
                && row.last_used_at.is_none_or(|used| now.0 - used.0 >= TOUCH_EVERY)
            {
                let mut tx = app.installation.store.begin(Priority::Background).await?;
                api_keys::touch(&mut tx, &row.id, now).await?;
                tx.commit().await?;
            }
            found
        }
    };
    let row = found.ok_or_else(|| Problem::unauthorized("unknown_key", "There is no such API key."))?;
    if row.revoked_at.is_some() {
        return Err(Problem::unauthorized("key_revoked", "This API key was revoked."));
    }
    if row.expires_at.is_some_and(|expires| now >= expires) {
        return Err(Problem::unauthorized("key_expired", "This API key has expired."));
    }
    Ok(row)
}

pub(crate) fn entry(app: &App, caller: &Caller, head: &Parts) -> AuditRow {
    let clock = &*app.installation.clock;
    AuditRow {
        id: Id::new("aud", clock, app.rng()),
        workspace: caller.workspace,
        at: clock.now(),
        actor: caller.id().to_string(),
        purpose: caller.purpose.as_str().to_owned(),
        action: format!("{} {}", head.method, head.uri.path()),
        status: 0,
    }
}
