//! From the log to profiles and the lake: reads accepted events in order and applies each exactly once.
//!
//! Always holds: the cursor moves in the transaction that holds its events' effects. Hot rows that a crash took from memory are made
//! again from the log, from the lake's flushed position on, before anything new is applied.
//!
//! Does not do: accepting events, answering questions.

mod backlog;
pub mod caretaker;
mod consents;
mod flushing;
mod observing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rapport_domain::{Currency, Event, EventId, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_experiments::policies::decisions;
use rapport_feedback::records::invitations;
use rapport_intake::ReadBatch;
use rapport_lake::{EventRow, Fate, Move, PropertyPolicy, Ticket, record_moves, record_superseded};
use rapport_profiles::{Applied, AppliedEvent, Settings};
use rapport_store::cursor::{Cursor, Head};
use rapport_store::{Priority, Tx};
use serde_json::Value;
use tokio::sync::watch;

use crate::advocating;
use crate::audiences;
use crate::challenges;
use crate::complaining;
use crate::earning;
use crate::engaging::listening;
use crate::erasing;
use crate::experimenting::reporting;
use crate::following_up;
use crate::installation::Installation;
use crate::leaderboards;
use crate::records::{sources, workspaces};
use crate::referring;
use crate::reviewing;
use crate::surveying;
use crate::tiers;
use crate::understanding;
use crate::{points, pricing};

pub use backlog::ACTIVITY;
use backlog::Behind;
use flushing::Flushing;
use observing::{News, Observing, Reached};

/// A batch's transaction should take about this long, so that whoever waits for the writer waits no longer.
const SLICE: Duration = Duration::from_millis(5);
/// The same while behind: larger batches cost less for each event.
const SLICE_BEHIND: Duration = Duration::from_millis(40);
/// Further behind than this, catching up is what matters.
const BEHIND: u64 = 2_000;
const FEWEST_EVENTS: usize = 32;
const MOST_EVENTS: usize = 4_000;
const MOST_BYTES: usize = 8 << 20;
/// How often a command's pipeline looks whether the work beside it has ended.
const IDLE: Duration = Duration::from_millis(20);
/// How long a page waits for what was said on it.
const PATIENCE: Duration = Duration::from_secs(1);
/// After a failure, until the same events are tried again.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How far identity, facts, orders and the lake have come: one cursor, because the log is one for all workspaces.
pub const CURSOR: Cursor<'static> = Cursor { consumer: "profiles", workspace: WorkspaceId(0), partition: 0 };

/// Applies the log.
pub struct Pipeline {
    installation: Arc<Installation>,
    cursor: tokio::sync::Mutex<u64>,
    applied: AtomicU64,
    observing: Observing,
    batch: AtomicU64,
    behind: Behind,
    flushing: Flushing,
    signals: consents::Signals,
}

/// Properties come to the lake from [`rapport_profiles::classify::split`], which has withheld what may not go there.
pub(crate) struct SplitBefore;

impl PropertyPolicy for SplitBefore {
    fn fate(&self, _path: &str, _value: &Value) -> Fate {
        Fate::Keep
    }
}

impl Pipeline {
    /// Stands where the last run stopped, with all hot rows in memory again.
    pub async fn open(installation: Arc<Installation>) -> Result<Self> {
        let cursor =
            position(&installation, CURSOR).await.context("the log and the database do not belong together")?;
        let behind = Behind::open(&installation, cursor).await?;
        let pipeline = Self {
            behind,
            observing: Observing::start(&installation, cursor),
            installation,
            cursor: tokio::sync::Mutex::new(cursor),
            applied: AtomicU64::new(cursor),
            batch: AtomicU64::new(500),
            flushing: Flushing::default(),
            signals: consents::Signals::default(),
        };
        pipeline.warm(cursor).await.context("making the newest rows again from the log")?;
        pipeline.backlog_again(cursor).await.context("counting again from the log")?;
        Ok(pipeline)
    }

    /// The position up to which events are visible in answers.
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// The position up to which memberships have heard of events.
    pub fn observed(&self) -> u64 {
        self.observing.position()
    }

    /// Waits until events up to `position` are visible in answers, but not for long: somebody waits for a page.
    pub async fn reached(&self, position: u64) {
        let reached = async {
            while self.applied() < position {
                tokio::time::sleep(IDLE).await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, reached).await;
    }

    /// While events wait that memberships have not heard of: when the last one that they have heard of was received.
    pub fn behind_since(&self) -> Option<Timestamp> {
        self.observing.behind_since(self.installation.log.head())
    }

    /// Applies events as they come, until `stop` is set. What fails (a full disk, a database that is gone for a while) is tried again,
    /// because nothing behind it can be applied before.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut pause = PAUSE;
        while !*stop.borrow() {
            match self.step().await {
                Ok(0) => {
                    let next = self.applied() + 1;
                    tokio::select! {
                        _ = self.installation.log.wait_for(next) => {}
                        _ = stop.changed() => {}
                    }
                }
                Ok(_) => pause = PAUSE,
                Err(error) => {
                    metrics::counter!("rapport_apply_failures_total").increment(1);
                    tracing::error!(error = %format!("{error:#}"), "events wait in the log; applying them is tried again");
                    self.installation.profiles.forget();
                    tokio::select! {
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                        _ = stop.changed() => {}
                    }
                }
            }
        }
        self.observing.settle().await;
        self.flushing.settle().await;
    }

    /// Applies everything that is in the log now, and writes what batches left to be written.
    pub async fn drain(&self) -> Result<()> {
        while self.step().await? > 0 {}
        self.observing.settle().await;
        self.flushing.settle().await;
        self.settle().await
    }

    /// Applies events while `work` puts them into the log, and then the rest. For commands, where a failure ends the command.
    pub async fn apply_beside<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let log = &self.installation.log;
        let done = AtomicBool::new(false);
        let applying = async {
            while !done.load(Ordering::Acquire) {
                if self.step().await? == 0 {
                    // A short wait, because the work may end without another event.
                    let _ = tokio::time::timeout(IDLE, log.wait_for(self.applied() + 1)).await;
                }
            }
            self.drain().await
        };
        let working = async {
            let outcome = work.await;
            done.store(true, Ordering::Release);
            outcome
        };
        tokio::try_join!(working, applying).map(|(outcome, ())| outcome)
    }

    /// Holds the pipeline between two batches until the guard is dropped: for changes of identity that the lake hears of after their commit.
    pub async fn pause(&self) -> impl Drop + '_ {
        self.cursor.lock().await
    }

    /// Applies one batch; how many events it had.
    pub async fn step(&self) -> Result<usize> {
        if self.behind.is_full() {
            self.settle().await?;
        }
        let mut cursor = self.cursor.lock().await;
        let size = usize::try_from(self.batch.load(Ordering::Relaxed)).unwrap_or(MOST_EVENTS);
        let read = self.read(*cursor + 1, size).await?;
        if read.next == *cursor + 1 {
            return Ok(0);
        }
        let last = read.next - 1;
        let groups = by_workspace(read.events);
        for workspace in groups.keys() {
            self.make_room(*workspace).await?;
        }
        let mut tx = self.installation.store.begin(Priority::Background).await?;
        let began = Instant::now();
        let mut done = Vec::new();
        let mut count = 0;
        let received = groups.values().flat_map(|(_, events)| events).map(|event| event.received_at).max();
        for (workspace, (positions, events)) in groups {
            count += events.len();
            done.push(self.apply(&mut tx, workspace, positions, events, last).await?);
        }
        CURSOR.advance(&mut tx, epoch(&self.installation), signed(*cursor), signed(last)).await?;
        // Without the commit: its sync costs the same for any batch, and must not make batches smaller.
        let worked = began.elapsed();
        tx.commit().await?;
        self.adapt(worked, count, last);
        let reached = Reached { position: last, received };
        for group in done {
            self.behind.add(group.workspace, &group.applied);
            self.publish(group, reached).await?;
        }
        self.observing.reached(reached).await;
        *cursor = last;
        self.applied.store(last, Ordering::Release);
        metrics::counter!("rapport_events_applied_total").increment(count as u64);
        Ok(count)
    }

    async fn read(&self, from: u64, most: usize) -> Result<ReadBatch> {
        let installation = Arc::clone(&self.installation);
        let read = move || installation.log.read(from, most, MOST_BYTES);
        Ok(tokio::task::spawn_blocking(read).await.context("reading the log")??)
    }

    /// Applies one workspace's events of a batch, in the transaction.
    async fn apply(
        &self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        mut positions: Vec<u64>,
        mut events: Vec<Event>,
        last: u64,
    ) -> Result<Group> {
        let installation = &self.installation;
        consents::leave_out_suppressed(installation, tx, workspace, &mut positions, &mut events).await?;
        let settings = Settings { workspace, currency: self.currency(tx, workspace).await?, position: signed(last) };
        let mut applied = installation.profiles.apply(tx, settings, &events).await?;
        let spoke = consents::record(installation, &self.signals, tx, workspace, &events, &applied).await?;
        let moved: Vec<_> = applied.moved.iter().map(|it| (it.handle, it.from, it.to)).collect();
        erasing::follow(tx, workspace, &moved).await?;
        invitations::follow(tx, workspace, &moved).await?;
        decisions::follow(tx, workspace, &moved).await?;
        points::identity::follow(tx, workspace, &moved, installation.clock.now()).await?;
        reporting::hear(installation, tx, workspace, &events, &applied).await?;
        audiences::hear(installation, tx, workspace, &events, &applied).await?;
        surveying::hear(installation, tx, workspace, &events, &mut applied).await?;
        let written = understanding::hear(installation, tx, workspace, &events, &mut applied).await?;
        reviewing::hear(installation, tx, workspace, &events, &applied).await?;
        complaining::hear(installation, tx, workspace, &events, &mut applied).await?;
        advocating::hear(installation, tx, workspace, &events, &mut applied).await?;
        following_up::hear(installation, tx, workspace, &events, &applied, &written).await?;
        earning::hear(installation, tx, workspace, &events, &applied).await?;
        referring::hear(installation, tx, workspace, &events, &applied).await?;
        challenges::hear(installation, tx, workspace, &events, &mut applied).await?;
        leaderboards::hear(installation, tx, workspace, &events, &applied).await?;
        points::jurisdictions::hear(installation, tx, workspace, &applied).await?;
        tiers::hear(installation, tx, workspace, &events, &mut applied).await?;
        pricing::hear(installation, tx, workspace, &events, &applied).await?;
        pricing::returns::hear(installation, tx, workspace, &events, &applied).await?;
        points::facts::hear(installation, tx, workspace, &events, &mut applied).await?;
        points::phones::hear(installation, tx, workspace, &events, &applied).await?;
        // After all that tells facts, since journeys wait for them.
        listening::hear(installation, tx, workspace, &events, &applied, signed(last)).await?;
        count_by_source(tx, workspace, &events).await?;
        let mut tickets = Vec::new();
        if !applied.moved.is_empty() {
            let moves: Vec<Move> =
                applied.moved.iter().map(|m| Move { handle: m.handle, from: m.from, to: Some(m.to) }).collect();
            tickets.push(record_moves(tx, workspace, &moves).await?);
        }
        let mut superseded: BTreeMap<u64, Vec<EventId>> = BTreeMap::new();
        for (index, event) in &applied.superseded {
            superseded.entry(positions[*index]).or_default().push(*event);
        }
        for (position, events) in superseded {
            tickets.push(record_superseded(tx, workspace, &events, signed(position)).await?);
        }
        Ok(Group { workspace, events, applied, spoke, tickets })
    }

    /// Sees to it that there is memory for hot rows: before a batch is applied, because after its commit nothing may fail.
    async fn make_room(&self, workspace: WorkspaceId) -> Result<()> {
        self.flushing.make_room(&self.installation.lake, workspace).await
    }

    /// Shows questions what was committed, and tells memberships of it.
    async fn publish(&self, group: Group, reached: Reached) -> Result<()> {
        let Group { workspace, events, applied, spoke, tickets } = group;
        self.installation.profiles.remember(workspace, &applied);
        let memberships = &self.installation.memberships;
        let rows = rows(events, applied.events);
        let persons: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
        let seen = if memberships.is_running(workspace) { Some(rows.clone()) } else { None };
        self.installation.lake.append(workspace, rows, signed(reached.position)).await?;
        for ticket in tickets {
            self.installation.lake.publish(ticket).await?;
        }
        // Asked only now, so that whoever has begun to read the lake meanwhile hears of these rows.
        if memberships.is_live(workspace) {
            let moved = applied.moved.iter().flat_map(|moved| [moved.from, moved.to]);
            let corrected = applied.superseded.iter().filter_map(|(index, _)| persons.get(*index).copied());
            let mut changed: Vec<PersonId> = moved.chain(corrected).collect();
            if seen.is_none() {
                changed.extend(&persons);
            }
            let events = seen.unwrap_or_default();
            let news = News { events, born: applied.born, told: applied.told, spoke, changed };
            self.observing.tell(workspace, news, reached).await;
        }
        Ok(())
    }

    /// Fills the lake's memory again with what was applied but is in no file.
    async fn warm(&self, cursor: u64) -> Result<()> {
        for workspace in workspaces::ids(&mut self.installation.store.read()).await? {
            let flushed = self.installation.lake.positions(workspace).await?.flushed;
            let mut next = u64::try_from(flushed).unwrap_or(0) + 1;
            next = next.max(self.installation.log.first());
            while next <= cursor {
                let most = usize::try_from(cursor + 1 - next).unwrap_or(MOST_EVENTS).min(MOST_EVENTS);
                let read = self.read(next, most).await?;
                let events: Vec<Event> =
                    read.events.into_iter().map(|(_, event)| event).filter(|e| e.workspace == workspace).collect();
                next = read.next;
                self.warm_with(workspace, events, next - 1).await?;
            }
        }
        Ok(())
    }

    async fn warm_with(&self, workspace: WorkspaceId, events: Vec<Event>, last: u64) -> Result<()> {
        let mut db = self.installation.store.read();
        let currency = self.currency(&mut db, workspace).await?;
        let settings = Settings { workspace, currency, position: signed(last) };
        let (kept, again) = self.installation.profiles.again(&mut db, settings, &events).await?;
        let mut kept = kept.into_iter().peekable();
        let events =
            events.into_iter().enumerate().filter(|(i, _)| kept.next_if_eq(i).is_some()).map(|(_, e)| e).collect();
        self.make_room(workspace).await?;
        Ok(self.installation.lake.append(workspace, rows(events, again), signed(last)).await?)
    }

    async fn currency(&self, db: &mut impl rapport_store::Queries, workspace: WorkspaceId) -> Result<Currency> {
        let row = workspaces::find(db, workspace).await?;
        let known = row.and_then(|row| Currency::parse(&row.currency));
        known.with_context(|| format!("workspace {workspace} has no currency"))
    }

    /// Makes the next batch such that it takes about one slice.
    fn adapt(&self, took: Duration, count: usize, last: u64) {
        let behind = self.installation.log.head().saturating_sub(last);
        let slice = if behind > BEHIND { SLICE_BEHIND } else { SLICE };
        let each = took.as_secs_f64() / count.max(1) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number, clamped just below"
        )]
        let fits = (slice.as_secs_f64() / each.max(1e-9)) as usize;
        let old = usize::try_from(self.batch.load(Ordering::Relaxed)).unwrap_or(MOST_EVENTS);
        // Half way each time, so that one slow commit does not throw it about.
        let next = (old + fits.min(MOST_EVENTS)) / 2;
        self.batch.store(next.clamp(FEWEST_EVENTS, MOST_EVENTS) as u64, Ordering::Relaxed);
    }
}

async fn count_by_source(tx: &mut Tx, workspace: WorkspaceId, events: &[Event]) -> Result<()> {
    let mut counts: BTreeMap<SourceId, (i64, Timestamp)> = BTreeMap::new();
    for event in events {
        let entry = counts.entry(event.source).or_insert((0, event.received_at));
        *entry = (entry.0 + 1, entry.1.max(event.received_at));
    }
    for (source, (count, last)) in counts {
        sources::add_events(tx, workspace, source, count, last).await?;
    }
    Ok(())
}

/// One workspace's part of a batch, committed but not yet visible.
struct Group {
    workspace: WorkspaceId,
    events: Vec<Event>,
    applied: Applied,
    /// Who said something about consent, as of when.
    spoke: Vec<(PersonId, Timestamp)>,
    tickets: Vec<Ticket>,
}

fn by_workspace(events: Vec<(u64, Event)>) -> BTreeMap<WorkspaceId, (Vec<u64>, Vec<Event>)> {
    let mut groups: BTreeMap<WorkspaceId, (Vec<u64>, Vec<Event>)> = BTreeMap::new();
    for (position, event) in events {
        let group = groups.entry(event.workspace).or_default();
        group.0.push(position);
        group.1.push(event);
    }
    groups
}

/// The lake's rows of applied events.
fn rows(events: Vec<Event>, applied: Vec<AppliedEvent>) -> Vec<EventRow> {
    let rows = events.into_iter().zip(applied).map(|(mut event, applied)| {
        event.properties = applied.properties;
        event.context = applied.context;
        event.occurred_at = applied.occurred_at;
        EventRow::of_event(&event, applied.person, applied.handle, &SplitBefore).0
    });
    rows.collect()
}

/// How far a consumer of the log has come. Refuses a database that knows another log, or more of this one than there is.
pub async fn position(installation: &Installation, consumer: Cursor<'_>) -> Result<u64> {
    let stands = consumer.stands(&mut installation.store.read()).await?;
    let head = Head { epoch: epoch(installation), position: signed(installation.log.head()) };
    let position = consumer.within(stands, head)?;
    Ok(u64::try_from(position).unwrap_or(0))
}

/// Moves a consumer whose effects can be found again, and so need not commit with it.
pub async fn advance(installation: &Installation, consumer: Cursor<'_>, from: u64, to: u64) -> Result<()> {
    let mut tx = installation.store.begin(Priority::Background).await?;
    consumer.advance(&mut tx, epoch(installation), signed(from), signed(to)).await?;
    Ok(tx.commit().await?)
}

fn epoch(installation: &Installation) -> i64 {
    installation.log.epoch().cast_signed()
}

/// The lake counts positions as the database does.
fn signed(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}
