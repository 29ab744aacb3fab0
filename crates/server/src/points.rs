//! Posts what falls due on the points ledger: points that become available, holds whose time is over, points that lapse. Then looks where members stand on ladders and in challenges, if time alone changed it.
//!
//! Always holds: nothing depends on it being in time. Whoever asks for a balance or spends points meets what is due by then, whether it was posted or not; this only keeps
//! lists and totals true for those who do not come by.

pub mod adjusting;
pub mod facts;
pub mod gifts;
pub mod giving;
pub mod identity;
pub mod jurisdictions;
pub mod notices;
pub mod personal;
pub mod phones;
pub mod rewarding;
pub mod sample;
pub mod worth;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_domain::WorkspaceId;
use rapport_loyalty::records::books::{self, Months};
use rapport_loyalty::records::{payments, redemptions};
use rapport_store::{Priority, Slice};
use tokio::sync::watch;

use crate::challenges;
use crate::installation::Installation;
use crate::leaderboards;
use crate::records::workspaces;
use crate::{referring, tiers};

/// How often it is looked what is due.
const EVERY: Duration = Duration::from_secs(1);
/// In how many of those turns the books are kept once.
const BOOKS_EVERY: u64 = 30;
/// Accounts in which what is due is posted before it is looked whether to stop.
const TOGETHER: u32 = 50;

/// Works until `stop` is set.
pub async fn run(installation: Arc<Installation>, mut stop: watch::Receiver<bool>) {
    let mut turn = 0_u64;
    while tokio::time::timeout(EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        turn += 1;
        let workspaces = match workspaces::ids(&mut installation.store.read()).await {
            Ok(ids) => ids,
            Err(error) => {
                tracing::warn!(code = error.code(), "workspaces could not be read; it is tried again");
                continue;
            }
        };
        for workspace in workspaces {
            night(&installation, workspace, &stop).await;
            if turn.is_multiple_of(BOOKS_EVERY)
                && let Err(error) = keep_books(&installation, workspace, &stop).await
            {
                tracing::warn!(code = error.code(), "the books could not be kept; it is tried again");
            }
        }
    }
}

/// Does what is due in a workspace, in the order that the guide about expiry publishes. What fails is logged and tried again; what comes behind it does not wait for it.
pub async fn night(installation: &Installation, workspace: WorkspaceId, stop: &watch::Receiver<bool>) {
    fn log(what: &str, done: Result<(), String>) {
        if let Err(error) = done {
            tracing::warn!(%error, "{what}; it is tried again");
        }
    }
    let why = |error: anyhow::Error| format!("{error:#}");
    let code = |error: rapport_loyalty::Error| error.code().to_owned();
    let done = judge(installation, workspace, stop).await;
    log("whom which law concerns could not be looked up", done.map_err(why));
    let done = give_notices(installation, workspace, stop).await;
    log("who is to be told that points lapse could not be looked up", done.map_err(why));
    let done = end_overdue(installation, workspace, Overdue::Redemptions, stop).await;
    log("redemptions whose time is over could not be ended", done.map_err(code));
    let done = end_gifts(installation, workspace, stop).await;
    log("gifts that nobody claimed in time could not be ended", done.map_err(code));
    let done = end_overdue(installation, workspace, Overdue::Payments, stop).await;
    log("payments whose receipt was not told in time could not be called off", done.map_err(code));
    let done = adjust(installation, workspace, stop).await;
    log("accounts could not be adjusted", done.map_err(code));
    let done = settle(installation, workspace, stop).await;
    log("what is due on the ledger could not be posted", done.map_err(code));
    let done = settle_tiers(installation, workspace, stop).await;
    log("where members stand could not be reckoned anew", done.map_err(why));
    let done = settle_challenges(installation, workspace, stop).await;
    log("how far members are in challenges could not be reckoned anew", done.map_err(why));
    let done = settle_leaderboards(installation, workspace, stop).await;
    log("winners of leaderboards could not be found", done.map_err(why));
    let done = settle_referrals(installation, workspace, stop).await;
    log("referrals that are due could not be looked at", done.map_err(why));
}

async fn settle(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> Result<(), rapport_loyalty::Error> {
    while !*stop.borrow() && installation.points.settle(workspace, TOGETHER).await? > 0 {}
    Ok(())
}

/// What ends by itself when its time is over.
#[derive(Clone, Copy, Debug)]
pub enum Overdue {
    /// Redemptions that were not paid, delivered or used.
    Redemptions,
    /// What was paid at tills of receipts that were not told.
    Payments,
}

/// Ends some of what was not done in time; how many there were. What cannot be ended is put off, so that it is not met again.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn end_some(
    installation: &Installation,
    workspace: WorkspaceId,
    what: Overdue,
    slice: &mut Slice,
) -> Result<usize, rapport_loyalty::Error> {
    let now = installation.clock.now();
    let mut db = installation.store.read();
    let are_due = match what {
        Overdue::Redemptions => redemptions::are_due(&mut db, workspace, now).await?,
        Overdue::Payments => payments::are_due(&mut db, workspace, now).await?,
    };
    if !are_due {
        return Ok(0);
    }
    let programs = installation.programs.get(&mut db, workspace).await?;
    let Some(program) = programs.latest().map(|it| &it.program) else { return Ok(0) };
    let calendar = program.calendar()?;
    let scene = redemptions::Scene { workspace, program, calendar: &calendar, now, rng: &*installation.rng };
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    let ended = match what {
        Overdue::Redemptions => redemptions::expire(&mut tx, scene, slice.size()).await?,
        Overdue::Payments => payments::expire(&mut tx, scene, slice.size()).await?,
    };
    tx.commit().await?;
    slice.took(began.elapsed(), ended);
    Ok(ended)
}

async fn end_overdue(
    installation: &Installation,
    workspace: WorkspaceId,
    what: Overdue,
    stop: &watch::Receiver<bool>,
) -> Result<(), rapport_loyalty::Error> {
    let mut slice = Slice::default();
    while !*stop.borrow() && end_some(installation, workspace, what, &mut slice).await? > 0 {}
    Ok(())
}

async fn end_gifts(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> Result<(), rapport_loyalty::Error> {
    let mut slice = Slice::default();
    while !*stop.borrow() && gifts::settle(installation, workspace, &mut slice).await? > 0 {}
    Ok(())
}

/// Works on adjustments of many accounts, and forgets drafts that were cut short.
async fn adjust(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> Result<(), rapport_loyalty::Error> {
    let mut slice = Slice::default();
    while !*stop.borrow() && adjusting::work(installation, workspace, &mut slice).await? {}
    let mut slice = Slice::default();
    while !*stop.borrow() && adjusting::forget(installation, workspace, &mut slice).await? {}
    Ok(())
}

/// Adds up what moved since the books were kept, so that whoever asks for them need not.
async fn keep_books(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> Result<(), rapport_loyalty::Error> {
    let programs = installation.programs.get(&mut installation.store.read(), workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(()) };
    let months = Months::of(&latest.program.calendar()?, &latest.program.zone);
    let mut slice = Slice::up_to(books::STEP);
    while !*stop.borrow() {
        let most = slice.size();
        let step = books::next(&mut installation.store.read(), workspace, &months, most).await?;
        let Some(step) = step else { break };
        let mut tx = installation.store.begin(Priority::Background).await?;
        let began = Instant::now();
        books::keep(&mut tx, workspace, &months, step).await?;
        tx.commit().await?;
        // Steps are of as many operations as were asked for, since more than a step is behind.
        slice.took(began.elapsed(), most as usize);
    }
    Ok(())
}

async fn judge(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut slice = Slice::default();
    while !*stop.borrow() && jurisdictions::settle(installation, workspace, &mut slice).await? > 0 {}
    Ok(())
}

async fn give_notices(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut slice = Slice::default();
    while !*stop.borrow() && notices::settle(installation, workspace, &mut slice).await? > 0 {}
    Ok(())
}

async fn settle_tiers(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut slice = Slice::default();
    while !*stop.borrow() && tiers::settle(installation, workspace, &mut slice).await? > 0 {}
    Ok(())
}

async fn settle_challenges(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut slice = Slice::default();
    while !*stop.borrow() && challenges::settle(installation, workspace, &mut slice).await? > 0 {}
    Ok(())
}

async fn settle_leaderboards(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut slice = Slice::default();
    while !*stop.borrow() && leaderboards::settle(installation, workspace, &mut slice).await? {}
    Ok(())
}

async fn settle_referrals(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut slice = Slice::default();
    while !*stop.borrow() && referring::forget_traces(installation, workspace, &mut slice).await? > 0 {}
    let mut slice = Slice::default();
    while !*stop.borrow() && referring::settle(installation, workspace, &mut slice).await? > 0 {}
    Ok(())
}
