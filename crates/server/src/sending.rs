//! Hands messages over to the channels, takes in what comes back, and does what journeys do beside messages.
//!
//! Always holds: what may have changed since a message was decided is asked again in the transaction that takes it; its Message-ID is fixed in that
//! transaction, before anything is handed over; acts and looks at messages never wait for a slow mail server. A crash between the other side's yes and ours makes it go out again under the same Message-ID, and it is
//! noted that it may have arrived twice.

pub mod acts;
pub mod clicks;
pub mod copies;
pub mod dispatch;
mod gate;
pub mod outcomes;
mod pool;
pub mod returned;
pub mod trial;
pub mod ways;
pub mod writing;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use self::acts::posting::{self, Hosts};
use crate::confirming;
use crate::digesting;
use crate::following_up::owners;
use crate::installation::Installation;
use crate::own_data;

pub use dispatch::Sender;
pub use ways::Ways;

/// A message was handed over.
pub const SENT: &str = "message.sent";
/// It arrived.
pub const DELIVERED: &str = "message.delivered";
/// It came back for good.
pub const BOUNCED: &str = "message.bounced";
/// Its reader complained.
pub const COMPLAINED: &str = "message.complained";
/// It was opened, as far as that can be known.
pub const OPENED: &str = "message.opened";
/// A human clicked in it.
pub const CLICKED: &str = "message.clicked";
/// It could not be sent.
pub const FAILED: &str = "message.failed";

/// How often it is looked what is to be done beside sending.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked for mails that somebody waits for: who asked for a test, or for their own data.
const COPY_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked at what is not urgent.
const SELDOM: u32 = 20;

/// Sends what there is, until `stop` is set.
pub async fn run(sender: Arc<Sender>, stop: watch::Receiver<bool>) {
    tokio::join!(
        sender.send(stop.clone()),
        beside(&sender, stop.clone()),
        post(&sender, stop.clone()),
        copy(&sender, stop)
    );
}

/// Tells other programs what journeys have for them, until `stop` is set: what is under way then is told again.
async fn post(sender: &Sender, mut stop: watch::Receiver<bool>) {
    let mut hosts = Hosts::default();
    let mut stopping = stop.clone();
    while tokio::time::timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        let posted = tokio::select! {
            posted = posting::post_due(&sender.installation, &sender.client, &mut hosts) => posted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        if let Err(error) = posted {
            metrics::counter!("rapport_sending_failures_total").increment(1);
            tracing::warn!(error = %format!("{error:#}"), "webhooks of journeys could not be told; it is tried again");
        }
    }
}

/// Sends copies for the company's own people, and mails by which people prove an address, until `stop` is set.
async fn copy(sender: &Sender, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(COPY_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        for sent in [
            copies::send_due(sender).await,
            own_data::send_due(sender).await,
            confirming::send_due(sender).await,
            owners::tell(sender).await,
            digesting::send_due(sender).await,
        ] {
            if let Err(error) = sent {
                metrics::counter!("rapport_sending_failures_total").increment(1);
                tracing::warn!(error = %format!("{error:#}"), "a mail that somebody waits for could not be sent; it is tried again");
            }
        }
    }
}

/// Does what is to be done beside sending, until `stop` is set.
async fn beside(sender: &Sender, mut stop: watch::Receiver<bool>) {
    let mut count = 0_u32;
    while tokio::time::timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        let thorough = count.is_multiple_of(SELDOM);
        count = count.wrapping_add(1);
        if let Err(error) = do_beside(sender, thorough).await {
            metrics::counter!("rapport_sending_failures_total").increment(1);
            tracing::warn!(error = %format!("{error:#}"), "acts of journeys could not be looked after; it is tried again");
        }
    }
}

/// Reads the mailbox that bounces come to, until `stop` is set.
pub async fn read_mailbox(installation: Arc<Installation>, ways: Arc<Ways>, mut stop: watch::Receiver<bool>) {
    let Some(mailbox) = ways.mailbox() else { return };
    while tokio::time::timeout(returned::LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if let Err(error) = returned::read_mailbox(&installation, mailbox).await {
            metrics::counter!("rapport_mailbox_failures_total").increment(1);
            tracing::warn!(error = %format!("{error:#}"), "the mailbox of returned mail could not be read; it is tried again");
        }
    }
}

/// Does what is due; whether anything was.
///
/// # Errors
/// The store's; what was done before stays done.
pub async fn look(sender: &Arc<Sender>, thorough: bool) -> anyhow::Result<bool> {
    let sent = sender.send_due().await?;
    let copied =
        copies::send_due(sender).await? | own_data::send_due(sender).await? | confirming::send_due(sender).await?;
    let told = owners::tell(sender).await? | digesting::send_due(sender).await?;
    let posted = posting::post_due(&sender.installation, &sender.client, &mut Hosts::default()).await?;
    Ok(sent | copied | told | posted | do_beside(sender, thorough).await?)
}

async fn do_beside(sender: &Sender, thorough: bool) -> anyhow::Result<bool> {
    let mut did = acts::do_due(&sender.installation).await?;
    if thorough {
        did |= clicks::judge_due(&sender.installation).await?;
    }
    Ok(did)
}
