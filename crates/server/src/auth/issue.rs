//! Makes what people and programs prove themselves with: users, sign-in links, write keys, API keys. Used by the command line and by
//! the API alike.
//!
//! Always holds: the secret itself is returned once and stored nowhere.

use rapport_domain::{Clock, Id, Rng, SourceId, Timestamp, WorkspaceId};
use rapport_store::{Result, Tx};

use super::roles::{Role, Scope};
use super::secrets::{self, Secret};
use crate::records::api_keys::{self, ApiKeyRow};
use crate::records::sign_in_links;
use crate::records::users::{self, UserRow};
use crate::records::write_keys::{self, WriteKeyRow};

/// The present and chance, as the installation has them.
#[derive(Clone, Copy)]
pub struct Doors<'a> {
    /// The present.
    pub clock: &'a dyn Clock,
    /// Chance.
    pub rng: &'a dyn Rng,
}

impl<'a> Doors<'a> {
    /// Those of a store.
    pub fn of(store: &'a rapport_store::Store) -> Self {
        Self { clock: store.clock(), rng: store.rng() }
    }

    fn id(self, prefix: &str) -> Id {
        Id::new(prefix, self.clock, self.rng)
    }
}

/// A new write key of a source, and the key itself.
pub async fn write_key(
    tx: &mut Tx,
    doors: Doors<'_>,
    workspace: WorkspaceId,
    source: SourceId,
    expires_at: Option<Timestamp>,
) -> Result<(WriteKeyRow, String)> {
    let secret = Secret::new(secrets::WRITE_KEY, doors.rng);
    let row = WriteKeyRow {
        id: doors.id("wky"),
        prefix: secret.prefix(),
        created_at: doors.clock.now(),
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    write_keys::insert(tx, workspace, source, secret.hash, &row).await?;
    Ok((row, secret.text))
}

/// A new API key, and the key itself.
pub async fn api_key(
    tx: &mut Tx,
    doors: Doors<'_>,
    workspace: WorkspaceId,
    name: &str,
    scopes: &[Scope],
    expires_at: Option<Timestamp>,
) -> Result<(ApiKeyRow, String)> {
    let secret = Secret::new(secrets::API_KEY, doors.rng);
    let row = ApiKeyRow {
        id: doors.id("aky"),
        workspace,
        name: name.to_owned(),
        prefix: secret.prefix(),
        scopes: Scope::list(scopes),
        created_at: doors.clock.now(),
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    api_keys::insert(tx, secret.hash, &row).await?;
    Ok((row, secret.text))
}

/// A new user, who signs in with a password or, without one, by link.
pub async fn user(
    tx: &mut Tx,
    doors: Doors<'_>,
    workspace: WorkspaceId,
    email: &str,
    name: &str,
    role: Role,
    password_hash: Option<String>,
) -> Result<UserRow> {
    let row = UserRow {
        id: doors.id("usr"),
        workspace,
        name: name.trim().to_owned(),
        email: email.trim().to_owned(),
        role: role.as_str().to_owned(),
        password_hash,
        disabled: false,
        created_at: doors.clock.now(),
        last_seen_at: None,
    };
    users::insert(tx, &row).await?;
    Ok(row)
}

/// The path of a new one-time link that signs a user in.
pub async fn sign_in_link(tx: &mut Tx, doors: Doors<'_>, user: &Id, minutes: u32) -> Result<String> {
    let secret = Secret::new(secrets::UNMARKED, doors.rng);
    let expires_at = doors.clock.now().plus(i64::from(minutes) * Timestamp::MINUTE);
    sign_in_links::insert(tx, secret.hash, user, expires_at).await?;
    Ok(format!("/sign-in/link?token={}", secret.text))
}
