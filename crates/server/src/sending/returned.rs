//! What comes back by mail: bounces and complaints, read from the mailbox that is set up for them.
//!
//! Always holds: only what names a Message-ID that we sent is believed; a letter is marked as read after what it says is committed.

use std::time::Duration;

use anyhow::Result;
use rapport_channels::mailbox::{Settings, Visit};
use rapport_channels::returned::{Kind, Returned, read};
use rapport_engagement::records::messages::{self, Heard};

use super::outcomes;
use crate::installation::Installation;

/// How often the mailbox is read.
pub const LOOK_EVERY: Duration = Duration::from_secs(60);
/// So many letters in one visit.
const MOST: usize = 200;

/// Reads new letters; how many there were.
///
/// # Errors
/// The mailbox's and the store's; a letter whose news were not committed is read again.
pub async fn read_mailbox(installation: &Installation, settings: &Settings) -> Result<usize> {
    let mut visit = Visit::begin(settings).await?;
    let letters = visit.unseen(MOST).await?;
    let mut done = Vec::with_capacity(letters.len());
    for letter in &letters {
        for returned in read(&letter.bytes) {
            take(installation, &returned).await?;
        }
        done.push(letter.id);
    }
    if !done.is_empty() {
        visit.done(&done).await?;
    }
    visit.end().await;
    Ok(letters.len())
}

/// Takes in what a letter says about one of our messages; whether it was news.
///
/// # Errors
/// The store's.
pub async fn take(installation: &Installation, returned: &Returned) -> Result<bool> {
    let Some(id) = &returned.original_message_id else { return Ok(false) };
    let found = messages::by_provider_id(&mut installation.store.read(), id).await?;
    let Some((workspace, message)) = found else { return Ok(false) };
    let status = returned.status.as_deref().unwrap_or_default();
    let detail = format!("{status} {}", returned.diagnostic);
    let (what, why) = match returned.kind {
        Kind::Hard => (Heard::Bounced, "bounced"),
        Kind::Complaint => (Heard::Complained, "complained"),
        Kind::Delivered => (Heard::Delivered, ""),
        // A full box today says nothing about tomorrow; holidays and delays are no news of ours.
        Kind::Soft | Kind::AutoReply | Kind::Delayed | Kind::Unknown => return Ok(false),
    };
    metrics::counter!("rapport_messages_returned_total", "kind" => returned.kind.as_str()).increment(1);
    outcomes::hear(installation, workspace, &message, what, (why, detail.trim())).await
}
