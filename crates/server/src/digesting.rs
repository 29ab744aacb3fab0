//! What customers said in a week, as a mail to whom of the company's own people wants it ([`letter`] writes it, [`gathered`] reads it).
//!
//! Always holds: of a period everybody gets one mail, also after a crash: who is about to be sent one is noted before, and when it is not known whether it
//! arrived, it has the same Message-ID; no customer is named, and quotes are as they are shown.

pub mod gathered;
pub mod letter;
mod words;

use anyhow::Result;
use rapport_channels::{Outcome, RefusalKind};
use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_feedback::digest::records::{self, FAILED, SENT};
use rapport_store::Priority;

use crate::records::{users, workspaces};
use crate::sending::Sender;
use crate::staff_mail;

/// A period is so long.
pub const PERIOD: i64 = 7 * Timestamp::DAY;
/// Whoever sends one has so long to say what became of it.
const LEASE: i64 = 15 * Timestamp::MINUTE;
const MOST_TRIES: i64 = 6;

/// Sends what is due; whether anything was.
///
/// # Errors
/// The store's.
pub async fn send_due(sender: &Sender) -> Result<bool> {
    let mut did = false;
    for workspace in workspaces::ids(&mut sender.installation.store.read()).await? {
        did |= send_in(sender, workspace).await?;
    }
    Ok(did)
}

async fn send_in(sender: &Sender, workspace: WorkspaceId) -> Result<bool> {
    let installation = &*sender.installation;
    let now = installation.clock.now();
    let kept = records::find(&mut installation.store.read(), workspace).await?;
    if !kept.settings.enabled {
        return Ok(false);
    }
    let plans = installation.plans.get(installation, workspace).await?;
    let Some(period) = kept.settings.due(&plans.calendar, kept.enabled_at, now) else { return Ok(false) };
    if !staff_mail::can_send(sender, &plans.settings) {
        return Ok(false);
    }
    let settled = records::settled(&mut installation.store.read(), workspace, period, (now, MOST_TRIES)).await?;
    let is_open = |user: &&String| settled.iter().all(|(name,)| name != *user);
    let mut written = None;
    let mut did = false;
    for user in kept.settings.users.iter().filter(is_open) {
        let mut tx = installation.store.begin(Priority::Background).await?;
        let is_ours = records::take(&mut tx, workspace, (period, user), (now, now.plus(LEASE)), MOST_TRIES).await?;
        tx.commit().await?;
        if !is_ours {
            continue;
        }
        let found = users::by_id(&mut installation.store.read(), &Id(user.clone())).await?;
        let Some(to) = found.filter(|it| it.workspace == workspace && !it.disabled) else {
            note(sender, workspace, (period, user), FAILED).await?;
            continue;
        };
        let letter = match &written {
            Some(letter) => letter,
            None => written.insert(letter::write(sender, workspace, period).await?),
        };
        did = true;
        match staff_mail::send(sender, &plans.settings, &to, letter.clone()).await {
            Ok(Outcome::Accepted { .. } | Outcome::Unsure { .. }) => {
                note(sender, workspace, (period, user), SENT).await?;
            }
            // The lease says when it is tried again.
            Ok(Outcome::Refused(refusal)) if refusal.kind == RefusalKind::Temporary => {}
            Ok(Outcome::Refused(_)) | Err(_) => {
                tracing::warn!("the voice of the customer could not be sent to somebody");
                note(sender, workspace, (period, user), FAILED).await?;
            }
        }
    }
    Ok(did)
}

async fn note(sender: &Sender, workspace: WorkspaceId, of: (Timestamp, &str), state: &str) -> Result<()> {
    let mut tx = sender.installation.store.begin(Priority::Background).await?;
    records::note(&mut tx, workspace, of, state).await?;
    Ok(tx.commit().await?)
}
