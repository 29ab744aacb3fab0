//! Who is in front of the page.
//!
//! A write key and a user id are no secrets, and whoever has both could ask for anybody. So the company's own server vouches for who is signed in:
//! `userHash` is the HMAC-SHA256 of the user id, in hexadecimal, with a secret that only it and we know. An anonymous id is random and known to its
//! browser alone; it is enough as long as nobody knows whose it is. Once it belongs to somebody with a name it opens nothing any more, because anybody can
//! claim that their browser is another person's.
//!
//! Always holds: nothing of a person who has a name is given or taken without that proof.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use rapport_domain::{Handle, IdentifierKind, PersonId, WorkspaceId};
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use serde::Deserialize;
use sha2::Sha256;

use crate::app::App;
use crate::collect::keys;
use crate::http::form::parameters;
use crate::installation::Installation;
use crate::messages;
use crate::problem::{Problem, Result};

/// The longest identifier, in bytes.
const LONGEST: usize = 512;

/// What a request says of who it is for.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Said {
    write_key: Option<String>,
    user_id: Option<String>,
    user_hash: Option<String>,
    anonymous_id: Option<String>,
}

impl Said {
    /// From a query.
    pub fn of_query(query: &str) -> Self {
        let mut said = Self::default();
        for (name, value) in parameters(query) {
            let place = match name.as_str() {
                "writeKey" => &mut said.write_key,
                "userId" => &mut said.user_id,
                "userHash" => &mut said.user_hash,
                "anonymousId" => &mut said.anonymous_id,
                _ => continue,
            };
            *place = Some(value);
        }
        said
    }

    /// Whether somebody is named, which needs a proof.
    pub fn names_somebody(&self) -> bool {
        self.user_id.as_deref().is_some_and(|user| !user.trim().is_empty())
    }
}

/// Who it is.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Where.
    pub workspace: WorkspaceId,
    /// By which identifier.
    pub handle: Handle,
    /// Who that is now.
    pub person: PersonId,
    /// All that person's identifiers.
    pub handles: Vec<Handle>,
    /// Whether the company's server vouched for them.
    pub is_proven: bool,
}

/// The workspace that a write key belongs to, from the header or from what was said.
///
/// # Errors
/// 401 without a key that is valid.
pub async fn workspace(app: &App, headers: &HeaderMap, said: &Said) -> Result<WorkspaceId> {
    let key = keys::of_header(headers).or_else(|| said.write_key.clone()).ok_or_else(keys::missing)?;
    Ok(keys::origin(app, &key).await?.workspace)
}

/// Who a request is for.
///
/// # Errors
/// 401 without a key, 403 without the proof where one is needed, 404 for somebody of whom no event was heard yet.
pub async fn visitor(app: &App, headers: &HeaderMap, said: &Said) -> Result<Visitor> {
    let workspace = workspace(app, headers, said).await?;
    visitor_of(app, workspace, said).await
}

/// Who a request is for, where it is known otherwise which workspace's.
///
/// # Errors
/// 403 without the proof where one is needed, 404 for somebody of whom no event was heard yet.
pub async fn visitor_of(app: &App, workspace: WorkspaceId, said: &Said) -> Result<Visitor> {
    let text = |text: &Option<String>| {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty() && text.len() <= LONGEST).map(str::to_owned)
    };
    let (kind, value, is_proven) = match (text(&said.user_id), text(&said.anonymous_id)) {
        (Some(user), _) => {
            let secret = secret(&app.installation, workspace).await?;
            let hash = said.user_hash.as_deref().unwrap_or_default();
            if !is_proof(&secret, &user, hash) {
                return Err(unproven());
            }
            (IdentifierKind::UserId, user, true)
        }
        (None, Some(anonymous)) => (IdentifierKind::AnonymousId, anonymous, false),
        (None, None) => {
            return Err(Problem::bad_request("nobody_named", "userId with userHash, or anonymousId, says for whom."));
        }
    };
    let mut db = app.installation.store.read();
    let found = identifiers::by_values(&mut db, workspace, kind, &[value]).await?;
    let Some(own) = found.first() else {
        return Err(Problem::not_found("customer"));
    };
    let names = identifiers::by_persons(&mut db, workspace, &[own.person]).await?;
    if !is_proven && names.iter().any(is_name) {
        return Err(unproven());
    }
    let handles = names.iter().map(|name| name.handle).collect();
    Ok(Visitor { workspace, handle: own.handle, person: own.person, handles, is_proven })
}

/// Whether an identifier says who somebody is, not only which browser it is.
pub fn is_name(row: &IdentifierRow) -> bool {
    row.kind != IdentifierKind::AnonymousId.as_str()
}

fn unproven() -> Problem {
    Problem::forbidden(
        "proof_missing",
        "It is not proven that this browser is that person's.",
        "Send userId with userHash: the HMAC-SHA256 of the user id in hexadecimal, made on your own server with the secret under Settings, Sending.",
    )
}

/// What the company's server vouches with.
///
/// # Errors
/// The store's.
pub async fn secret(installation: &Installation, workspace: WorkspaceId) -> rapport_store::Result<String> {
    let secret = messages::secret(installation, workspace).await?;
    let key = blake3::derive_key("rapport 2026-11 secret that vouches for visitors", &secret);
    Ok(blake3::Hash::from_bytes(key).to_hex().to_string())
}

/// Whether `hash` is the HMAC-SHA256 of a user id, in hexadecimal; compared in constant time.
fn is_proof(secret: &str, user: &str, hash: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(user.as_bytes());
    unhex(hash).is_some_and(|hash| mac.verify_slice(&hash).is_ok())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..32).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_that_of_rfc_4231() {
        // Test case 2.
        let hash = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(is_proof("Jefe", "what do ya want for nothing?", hash));
        assert!(is_proof("Jefe", "what do ya want for nothing?", &hash.to_uppercase()));
        for wrong in ["", "5b", &hash[1..], &format!("{hash}00"), &hash.replace('5', "6"), &"é".repeat(32)] {
            assert!(!is_proof("Jefe", "what do ya want for nothing?", wrong), "{wrong}");
        }
        assert!(!is_proof("Jefe", "another", hash));
    }
}
