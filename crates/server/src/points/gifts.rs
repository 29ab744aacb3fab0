//! Points that members send each other: the keys that codes of gifts and gift cards are made with, and the end of gifts that nobody claimed.

use std::time::Instant;

use rapport_domain::WorkspaceId;
use rapport_loyalty::gift_cards::CodeKey;
use rapport_loyalty::records::redemptions::Scene;
use rapport_loyalty::records::transfers::{self, Desk};
use rapport_privacy::records::secrets;
use rapport_store::{Priority, Slice, Tx};

use crate::installation::Installation;
use crate::messages;

/// What the key is derived for.
const KEY: &str = "rapport 2026-11 codes of gifts";
/// What the key of gift cards is derived for.
const CARD_KEY: &str = "rapport 2026-11 codes of gift cards";

/// The workspace's key for codes of gifts.
///
/// # Errors
/// The store's.
pub async fn key(installation: &Installation, tx: &mut Tx, workspace: WorkspaceId) -> rapport_store::Result<[u8; 32]> {
    derived(installation, tx, workspace, KEY).await
}

/// The workspace's key for codes of gift cards.
///
/// # Errors
/// The store's.
pub async fn card_key(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
) -> rapport_store::Result<CodeKey> {
    Ok(CodeKey(derived(installation, tx, workspace, CARD_KEY).await?))
}

async fn derived(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    purpose: &str,
) -> rapport_store::Result<[u8; 32]> {
    let secret = match secrets::find(tx, workspace).await? {
        Some(secret) => secret,
        None => secrets::ensure(tx, workspace, &*installation.rng).await?,
    };
    Ok(blake3::derive_key(purpose, &secret))
}

/// The same for whoever only reads.
///
/// # Errors
/// The store's.
pub async fn known_key(installation: &Installation, workspace: WorkspaceId) -> rapport_store::Result<[u8; 32]> {
    Ok(blake3::derive_key(KEY, &messages::secret(installation, workspace).await?))
}

/// The workspace's key for codes of gift cards, for whoever only reads.
///
/// # Errors
/// The store's.
pub async fn known_card_key(installation: &Installation, workspace: WorkspaceId) -> rapport_store::Result<CodeKey> {
    Ok(CodeKey(blake3::derive_key(CARD_KEY, &messages::secret(installation, workspace).await?)))
}

/// Ends some of the gifts that nobody claimed in time; how many there were.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn settle(
    installation: &Installation,
    workspace: WorkspaceId,
    slice: &mut Slice,
) -> Result<usize, rapport_loyalty::Error> {
    let now = installation.clock.now();
    if !transfers::are_due(&mut installation.store.read(), workspace, now).await? {
        return Ok(0);
    }
    let programs = installation.programs.get(&mut installation.store.read(), workspace).await?;
    let Some(program) = programs.latest().map(|it| &it.program) else { return Ok(0) };
    let calendar = program.calendar()?;
    let scene = Scene { workspace, program, calendar: &calendar, now, rng: &*installation.rng };
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    let key = key(installation, &mut tx, workspace).await?;
    let ended = transfers::expire(&mut tx, Desk { scene, key: &key }, slice.size()).await?;
    tx.commit().await?;
    slice.took(began.elapsed(), ended);
    Ok(ended)
}
