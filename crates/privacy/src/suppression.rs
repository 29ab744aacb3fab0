//! Who was forgotten stays forgotten: identifiers that must not come back, recognised by keyed digests.
//!
//! Always holds: what is kept says nothing about anybody without the workspace's secret and the identifier itself. Low-entropy identifiers
//! (telephone numbers) can be guessed by whoever has the secret, so it is not exported.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use rapport_domain::{Identifier, Rng, Timestamp, WorkspaceId};
use rapport_store::{Result, Store, Tx};

use crate::records::{secrets, suppressions};

/// The digest of an identifier.
pub type Digest = [u8; 32];

#[derive(Default)]
struct Known {
    key: Option<Digest>,
    digests: HashSet<Digest>,
}

/// The suppressed identifiers of all workspaces, in memory: they are asked for with every event.
#[derive(Default)]
pub struct Suppressions {
    known: RwLock<HashMap<WorkspaceId, Known>>,
}

impl Suppressions {
    /// All that hold.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(store: &Store) -> Result<Self> {
        let mut known: HashMap<WorkspaceId, Known> = HashMap::new();
        for (workspace, digest) in suppressions::all(&mut store.read()).await? {
            known.entry(workspace).or_default().digests.insert(digest);
        }
        for (workspace, known) in &mut known {
            known.key = secrets::find(&mut store.read(), *workspace).await?.map(|secret| key(&secret));
        }
        Ok(Self { known: RwLock::new(known) })
    }

    /// Whether any of `identifiers` must not come back.
    pub fn holds(&self, workspace: WorkspaceId, identifiers: &[Identifier]) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(Known { key: Some(key), digests }) = known.get(&workspace) else { return false };
        !digests.is_empty() && identifiers.iter().any(|identifier| digests.contains(&digest(key, identifier)))
    }

    /// Suppresses identifiers in a transaction. Tell [`Suppressions::added`] after its commit.
    ///
    /// # Errors
    /// The store's.
    pub async fn add(
        tx: &mut Tx,
        workspace: WorkspaceId,
        identifiers: &[Identifier],
        (since, request): (Timestamp, &str),
        rng: &dyn Rng,
    ) -> Result<Added> {
        let key = key(&secrets::ensure(tx, workspace, rng).await?);
        let digests: Vec<Digest> = identifiers.iter().map(|identifier| digest(&key, identifier)).collect();
        suppressions::add(tx, workspace, &digests, since, request).await?;
        Ok(Added { workspace, key, digests })
    }

    /// From now on they are refused.
    pub fn added(&self, added: Added) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let of_workspace = known.entry(added.workspace).or_default();
        of_workspace.key = Some(added.key);
        of_workspace.digests.extend(added.digests);
    }

    /// Lifts the suppression of an identifier; whether there was one.
    ///
    /// # Errors
    /// The store's.
    pub async fn lift(
        &self,
        mut tx: Tx,
        workspace: WorkspaceId,
        identifier: &Identifier,
        (at, by): (Timestamp, &str),
    ) -> Result<bool> {
        let Some(secret) = secrets::find(&mut tx, workspace).await? else { return Ok(false) };
        let digest = digest(&key(&secret), identifier);
        let held = suppressions::lift(&mut tx, workspace, digest, at, by).await?;
        tx.commit().await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(workspace).or_default().digests.remove(&digest);
        Ok(held)
    }
}

/// Identifiers that were suppressed in a transaction.
#[must_use = "after the commit they are refused only when this is told"]
pub struct Added {
    workspace: WorkspaceId,
    key: Digest,
    digests: Vec<Digest>,
}

fn key(secret: &[u8; 32]) -> Digest {
    blake3::derive_key("rapport 2026-11 digests of suppressed identifiers", secret)
}

fn digest(key: &Digest, identifier: &Identifier) -> Digest {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(identifier.kind.as_str().as_bytes()).update(&[0]).update(identifier.value.as_bytes());
    *hasher.finalize().as_bytes()
}
