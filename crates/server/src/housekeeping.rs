//! Forgets, once an hour, what the server keeps only for a while: ended sessions, old links and failures, rejects, audit entries.
//!
//! Always holds: what is deleted is past the retention that the data map declares.

use std::sync::Arc;
use std::time::Duration;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_engagement::records::copies;
use rapport_engagement::schema::COPY_DAYS;
use rapport_engagement::service::launching;
use rapport_experiments::records::experiments;
use rapport_privacy::records::proofs;
use rapport_segments::kept;
use rapport_store::{Priority, Result, outbox};
use tokio::sync::{Notify, watch};

use crate::installation::Installation;
use crate::records::{audit, rejects, sessions, sign_in_failures, sign_in_links, workspaces};
use crate::schema::{AUDIT_DAYS, REJECT_DAYS};
use crate::searching;
use crate::settings::Session;

const EVERY: Duration = Duration::from_secs(3600);
/// Mails by which people proved an address, as the data map says.
const PROOF_DAYS: u32 = 90;
/// Domain events stay so long after every consumer has seen them.
const OUTBOX_DAYS: u32 = 7;

/// Works until `stop` is set.
pub async fn run(
    installation: Arc<Installation>,
    session: Session,
    segments_changed: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        if let Err(error) = tidy(&installation, session).await {
            tracing::warn!(code = error.code(), "old rows could not be deleted; it is tried again");
        }
        match let_go(&installation).await {
            Ok(true) => segments_changed.notify_one(),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "segments that nobody asks for could not be let go; it is tried again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Deletes what is past its time.
pub async fn tidy(installation: &Installation, session: Session) -> Result<()> {
    let now = installation.clock.now();
    let days = |days: u32| now.plus(-i64::from(days) * Timestamp::DAY);
    let idle_since = now.plus(-i64::from(session.idle_hours) * Timestamp::HOUR);
    let mut tx = installation.store.begin(Priority::Background).await?;
    sessions::delete_ended(&mut tx, now, idle_since).await?;
    sign_in_links::delete_expired(&mut tx, now).await?;
    sign_in_failures::delete_old(&mut tx, days(1)).await?;
    tx.commit().await?;
    let mut tx = installation.store.begin(Priority::Background).await?;
    rejects::delete_before(&mut tx, days(REJECT_DAYS)).await?;
    tx.commit().await?;
    let mut tx = installation.store.begin(Priority::Background).await?;
    audit::delete_before(&mut tx, days(AUDIT_DAYS)).await?;
    proofs::delete_before(&mut tx, days(PROOF_DAYS)).await?;
    tx.commit().await?;
    let mut tx = installation.store.begin(Priority::Background).await?;
    copies::delete_before(&mut tx, days(COPY_DAYS)).await?;
    tx.commit().await?;
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        let mut tx = installation.store.begin(Priority::Background).await?;
        outbox::prune(&mut tx, workspace, days(OUTBOX_DAYS)).await?;
        tx.commit().await?;
        searching::forget_removals(installation, workspace).await?;
    }
    Ok(())
}

/// Lets go of segments that were kept for conditions of journeys and experiments and that none of them has any more; whether there were any.
///
/// # Errors
/// The store's; a stored plan that this program cannot read.
pub async fn let_go(installation: &Installation) -> anyhow::Result<bool> {
    let mut any = false;
    let before = installation.clock.now().plus(-Timestamp::DAY);
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        any |= let_go_in(installation, workspace, before).await?;
    }
    Ok(any)
}

/// The same in one workspace, of those from before `before`.
///
/// # Errors
/// As [`let_go`].
pub async fn let_go_in(installation: &Installation, workspace: WorkspaceId, before: Timestamp) -> anyhow::Result<bool> {
    let mut db = installation.store.read();
    let mut asked = launching::asked(&mut db, workspace).await?;
    for row in experiments::all(&mut db, workspace).await? {
        asked.extend(row.design.0.rules.into_iter().filter_map(|rule| rule.condition));
    }
    Ok(kept::let_go(&installation.store, workspace, &asked, before).await?)
}
