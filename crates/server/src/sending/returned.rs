//! What comes back: bounces and complaints, read from the mailbox that is set up for them, or told by whoever carries mails ([`crate::callbacks::mail`]).
//!
//! Always holds: only what names a Message-ID that we sent is believed; a letter is marked as read after what it says is committed.

use std::time::Duration;

use anyhow::Result;
use rapport_channels::mailbox::{Settings, Visit};
use rapport_channels::returned::{Kind, Returned, read};
use rapport_domain::WorkspaceId;
use rapport_engagement::records::addresses;
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

/// What came of taking something in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// It is about a message of ours.
    pub is_known: bool,
    /// It was not known before.
    pub is_news: bool,
}

/// Takes in what a letter, or a carrier, says about one of our messages.
///
/// # Errors
/// The store's.
pub async fn take(installation: &Installation, returned: &Returned) -> Result<Taken> {
    let Some(id) = &returned.original_message_id else { return Ok(Taken::default()) };
    let Some((workspace, message)) = find(installation, id).await? else { return Ok(Taken::default()) };
    let status = returned.status.as_deref().unwrap_or_default();
    let detail = format!("{status} {}", returned.diagnostic);
    let (what, why) = match returned.kind {
        Kind::Hard => (Heard::Bounced, "bounced"),
        Kind::Complaint => (Heard::Complained, addresses::COMPLAINED),
        Kind::Delivered => (Heard::Delivered, ""),
        // A full box today says nothing about tomorrow; holidays and delays are no news of ours.
        Kind::Soft | Kind::AutoReply | Kind::Delayed | Kind::Unknown => {
            return Ok(Taken { is_known: true, is_news: false });
        }
    };
    metrics::counter!("rapport_messages_returned_total", "kind" => returned.kind.as_str()).increment(1);
    let is_news = outcomes::hear(installation, workspace, &message, what, (why, detail.trim())).await?;
    Ok(Taken { is_known: true, is_news })
}

/// The message of a Message-ID. A carrier may report before the answer of its mail server was noted.
async fn find(installation: &Installation, id: &str) -> Result<Option<(WorkspaceId, String)>> {
    let mut db = installation.store.read();
    if let Some(found) = messages::by_provider_id(&mut db, id).await? {
        return Ok(Some(found));
    }
    let Some((name, _)) = id.trim_start_matches('<').split_once('@') else { return Ok(None) };
    let Some(workspace) = messages::workspace_of(&mut db, name).await? else { return Ok(None) };
    let row = messages::find(&mut db, workspace, name).await?;
    Ok(row.filter(|row| row.message_id.as_deref() == Some(id)).map(|row| (workspace, row.id)))
}
