//! Who sent a request: a user with a session, or a program with an API key; in which workspace, and what for.
//!
//! Always holds: handlers get a [`Caller`] only behind the guard, which has checked session, CSRF token and the route's permission.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use rapport_domain::{Id, Purpose, WorkspaceId};

use super::roles::{Permission, Role, Scope};
use crate::problem::{Problem, Result};

/// Who.
#[derive(Clone, Debug, PartialEq)]
pub enum Actor {
    /// A user of the console.
    User {
        /// The user.
        id: Id,
        /// What people call them.
        name: String,
        /// Their address.
        email: String,
        /// What they may do.
        role: Role,
        /// What writes of this session must carry.
        csrf_token: String,
    },
    /// A program.
    ApiKey {
        /// The key.
        id: Id,
        /// What people call it.
        name: String,
        /// What it may do.
        scopes: Vec<Scope>,
    },
}

/// Who sent a request, for which workspace, and what for.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// The tenant; every query is for this one.
    pub workspace: WorkspaceId,
    /// Who.
    pub actor: Actor,
    /// What the data of this request is used for.
    pub purpose: Purpose,
}

impl Caller {
    /// Whether they may do it.
    pub fn may(&self, permission: Permission) -> bool {
        match &self.actor {
            Actor::User { role, .. } => role.allows(permission),
            Actor::ApiKey { scopes, .. } => scopes.iter().any(|scope| scope.allows(permission)),
        }
    }

    /// Refuses (403) who may not do it. The guard has asked for the route's own permission already.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            return Ok(());
        }
        let detail = format!("This needs the permission {}.", permission.as_str());
        Err(Problem::forbidden("not_allowed", detail, "Ask an owner or admin for a role or key that has it."))
    }

    /// The id of the user or key, as the audit log names it.
    pub const fn id(&self) -> &Id {
        match &self.actor {
            Actor::User { id, .. } | Actor::ApiKey { id, .. } => id,
        }
    }

    /// The user's role; `None` for a key.
    pub const fn role(&self) -> Option<Role> {
        match &self.actor {
            Actor::User { role, .. } => Some(*role),
            Actor::ApiKey { .. } => None,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let missing = || Problem::unauthorized("not_signed_in", "This needs a session or an API key.");
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

/// The purpose a request names in `X-Purpose`, else the one of its route.
pub(super) fn purpose_of(header: Option<&str>, path: &str) -> Result<Purpose> {
    const ALL: [Purpose; 5] =
        [Purpose::Service, Purpose::Analytics, Purpose::Marketing, Purpose::Support, Purpose::Administration];
    if let Some(word) = header {
        let known = || ALL.map(Purpose::as_str).join(", ");
        return ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == word.trim())
            .ok_or_else(|| Problem::bad_request("unknown_purpose", format!("X-Purpose is one of {}.", known())));
    }
    if path.ends_with("/message-preview") {
        return Ok(Purpose::Marketing);
    }
    let first = path.trim_start_matches("/api/v1/").split('/').next().unwrap_or_default();
    Ok(match first {
        "customers" | "search" | "identity" => Purpose::Service,
        "complaints" => Purpose::Support,
        "message-templates" | "slot-preview" | "message-gallery" | "message-tokens" | "message-check"
        | "letterhead" => Purpose::Marketing,
        "me" | "workspace" | "users" | "sources" | "keys" | "api-keys" | "rejects" | "imports" | "data-health"
        | "audit" | "consents" => Purpose::Administration,
        _ => Purpose::Analytics,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_read_has_a_purpose() {
        assert_eq!(purpose_of(Some("marketing"), "/api/v1/customers").unwrap(), Purpose::Marketing);
        assert_eq!(purpose_of(None, "/api/v1/customers/5/timeline").unwrap(), Purpose::Service);
        assert_eq!(purpose_of(None, "/api/v1/home").unwrap(), Purpose::Analytics);
        assert_eq!(purpose_of(None, "/api/v1/users").unwrap(), Purpose::Administration);
        assert_eq!(purpose_of(None, "/api/v1/customers/5/message-preview").unwrap(), Purpose::Marketing);
        assert_eq!(purpose_of(Some("fun"), "/api/v1/home").unwrap_err().code(), "unknown_purpose");
    }
}
