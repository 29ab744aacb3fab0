//! Complaints by e-mail: letters of the mailbox that is set up for them.
//!
//! Always holds: a letter is marked as read after what it says is committed, and is taken in once by its Message-ID; what programs write (holiday notices,
//! newsletters, bounces) is no complaint; whoever answers in the same thread goes on with the complaint that there is.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rapport_channels::letters::{self, Letter};
use rapport_channels::mailbox::{Settings, Visit};
use rapport_domain::{Identifier, IdentifierKind, Timestamp, WorkspaceId, plain};
use rapport_feedback::complaints::records;
use rapport_feedback::complaints::{Channel, Step};
use rapport_store::Priority;
use tokio::sync::watch;

use super::{LONGEST_TEXT, Said, StepSaid, id_of, step, take_in};
use crate::installation::Installation;
use crate::records::workspaces::FIRST;
use crate::sending::Ways;

/// How often the mailbox is read.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// So many letters in one visit.
const MOST: usize = 100;
/// The longest subject that is put before the text.
const LONGEST_SUBJECT: usize = 200;

/// Reads the mailbox of complaints, until `stop` is set.
pub async fn run(installation: Arc<Installation>, ways: Arc<Ways>, mut stop: watch::Receiver<bool>) {
    let Some(mailbox) = ways.complaints() else { return };
    while tokio::time::timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if let Err(error) = read_mailbox(&installation, mailbox).await {
            metrics::counter!("rapport_mailbox_failures_total").increment(1);
            tracing::warn!(error = %format!("{error:#}"), "the mailbox of complaints could not be read; it is tried again");
        }
    }
}

/// Reads new letters; how many there were.
///
/// # Errors
/// The mailbox's, the store's and the log's; a letter whose words were not committed is read again.
pub async fn read_mailbox(installation: &Installation, settings: &Settings) -> Result<usize> {
    let mut visit = Visit::begin(settings).await?;
    let found = visit.unseen(MOST).await?;
    let mut done = Vec::with_capacity(found.len());
    for one in &found {
        if let Some(letter) = letters::read(&one.bytes) {
            let name = letter.message_id.clone().unwrap_or_else(|| format!("{}/{}", one.id.validity, one.id.uid));
            take_letter(installation, FIRST, &name, &letter).await?;
        }
        done.push(one.id);
    }
    if !done.is_empty() {
        visit.done(&done).await?;
    }
    visit.end().await;
    Ok(found.len())
}

/// Takes a letter in: a complaint, or what is added to one; whether it was news.
///
/// # Errors
/// The store's and the log's.
pub async fn take_letter(
    installation: &Installation,
    workspace: WorkspaceId,
    name: &str,
    letter: &Letter,
) -> Result<bool> {
    if letter.is_automatic {
        return Ok(false);
    }
    let now = installation.clock.now();
    let at = letter.written_at.map(Timestamp::from_seconds).filter(|at| *at <= now && at.0 > 0).unwrap_or(now);
    let mut text = String::new();
    let subject = plain::one_line(&letter.subject, LONGEST_SUBJECT);
    if !subject.is_empty() {
        text.push_str(&subject);
        text.push_str("\n\n");
    }
    plain::clean(&letter.text, &mut text);
    let text: String = text.trim().chars().take(LONGEST_TEXT).collect();
    if text.is_empty() {
        return Ok(false);
    }
    if let Some(is_new) = goes_on(installation, workspace, letter, (&text, at)).await? {
        return Ok(is_new);
    }
    let mut said = Said::new(text, Channel::Email, at);
    said.origin = Some(name.to_owned());
    said.who = letter.from.clone().map(|value| Identifier { kind: IdentifierKind::Email, value });
    Ok(take_in(installation, workspace, &said).await?.is_new)
}

/// Adds a letter to the complaint that an earlier one of its thread is; `None` when there is none, or when it is somebody else's.
async fn goes_on(
    installation: &Installation,
    workspace: WorkspaceId,
    letter: &Letter,
    (text, at): (&str, Timestamp),
) -> Result<Option<bool>> {
    for earlier in &letter.answers {
        let id = id_of(installation, workspace, (Channel::Email, earlier)).await?;
        let mut tx = installation.store.begin(Priority::Interactive).await?;
        let Some(row) = records::find(&mut tx, workspace, id.0).await? else { continue };
        let names = rapport_profiles::records::identifiers::by_persons(&mut tx, workspace, &[row.person]).await?;
        let is_theirs = names.iter().any(|it| it.identifier().value == letter.from.clone().unwrap_or_default());
        if !is_theirs {
            continue;
        }
        let said = StepSaid { text: Some(text), is_public: false, by: "", at };
        let is_new = step(&mut tx, workspace, &row, Step::Continued, &said).await?;
        tx.commit().await?;
        return Ok(Some(is_new));
    }
    Ok(None)
}
