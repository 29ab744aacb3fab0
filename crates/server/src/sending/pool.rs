//! The messages that are being worked on: a place for each, filled again as soon as some are free.
//!
//! Always holds: a message has one holder; what is transactional is taken before marketing however long the queue is, and workspaces take turns; each way
//! out has places of its own, so that none waits for another; as many messages are in memory as there are places. What came of a message is noted before
//! its place is free.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rapport_domain::{Channel, Timestamp, WorkspaceId};
use rapport_engagement::journey::Class;
use rapport_engagement::records::messages;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::dispatch::{Ready, Sender, Taken};
use super::gate::{Gate, Went};
use super::outcomes::{self, Came};
use super::ways::Ways;
use crate::records::workspaces;

/// How often it is looked what is to be sent.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// After a failure of the store it is tried again so late.
const REST: Duration = Duration::from_secs(1);
/// Outcomes are noted together, so many at most: what is not noted goes out again after a crash.
const NOTED_TOGETHER: usize = 8;
/// Whoever waited so long with a place, for a domain that became slow meanwhile, gives the place to others, and is asked about again.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// What could not be written because of the store is tried again so late.
const AGAIN: i64 = Timestamp::MINUTE;
/// When the program ends, what is under way has so long to come to an end.
const GRACE: Duration = Duration::from_secs(10);

/// What is being worked on.
pub struct Pool {
    lanes: Vec<Lane>,
    tasks: JoinSet<Done>,
    going: HashMap<tokio::task::Id, Going>,
    finished: Vec<(WorkspaceId, Key, Came)>,
    since: Instant,
    look_at: Instant,
    note_at: Instant,
}

/// A way out, with its places.
struct Lane {
    channels: &'static [Channel],
    places: usize,
    gate: Gate,
    held: HashMap<String, Class>,
    waiting: VecDeque<Waiting>,
    /// The workspace that was served last.
    last: WorkspaceId,
    /// More was due than there were places.
    is_hungry: bool,
}

/// A message that has a place: which lane, and its name.
type Key = (usize, String);

struct Waiting {
    ready: Box<Ready>,
    to: String,
    pace: Duration,
    since: Duration,
}

/// What a task is doing.
struct Going {
    key: Key,
    /// Where it is handed over, and since when; it is being written otherwise.
    to: Option<(String, Duration)>,
}

enum Done {
    /// Ready to go.
    Written(Box<Ready>),
    /// All is known.
    Over(WorkspaceId, Came),
}

impl Pool {
    /// Places as the ways out allow.
    pub fn new(ways: &Ways) -> Self {
        let connections = ways.smtp().map_or(1, rapport_channels::smtp::Smtp::connections);
        let lane = |channels, most: usize, places| Lane {
            channels,
            places,
            gate: Gate::new(most),
            held: HashMap::new(),
            waiting: VecDeque::new(),
            last: WorkspaceId(0),
            is_hungry: false,
        };
        let lanes = vec![
            // While some are handed over, others are being written.
            lane(&[Channel::Email], connections, connections.saturating_mul(4).clamp(8, 200)),
            // Both go to one provider, which says how many it takes a second.
            lane(&[Channel::Sms, Channel::Whatsapp], 8, 16),
            lane(&[Channel::Push], 16, 32),
            lane(&[Channel::InApp], 16, 32),
        ];
        let now = Instant::now();
        Self {
            lanes,
            tasks: JoinSet::new(),
            going: HashMap::new(),
            finished: Vec::new(),
            since: now,
            look_at: now,
            note_at: now,
        }
    }

    /// Works until `stop` is set; what is under way then is brought to an end if that does not take long.
    pub async fn run(&mut self, sender: &Arc<Sender>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            self.turn(sender).await;
            let wake = self.next_wake();
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                done = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => self.came(done),
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        self.end(sender).await;
    }

    /// Works until nothing is due and nothing under way; whether anything was.
    ///
    /// # Errors
    /// The store's.
    pub async fn work_off(&mut self, sender: &Arc<Sender>) -> Result<bool> {
        let mut did = false;
        loop {
            self.start_waiting(sender);
            self.note(sender).await?;
            let looked_at = self.refill(sender).await?;
            self.look_at = Instant::now() + LOOK_EVERY;
            did |= looked_at > 0;
            if looked_at == 0 && self.lanes.iter().all(|lane| lane.held.is_empty()) {
                return Ok(did);
            }
            let wake = self.next_wake();
            tokio::select! {
                done = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => self.came(done),
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    async fn turn(&mut self, sender: &Arc<Sender>) {
        let now = Instant::now();
        self.start_waiting(sender);
        if now >= self.note_at
            && let Err(error) = self.note(sender).await
        {
            self.note_at = now + REST;
            failed(&error);
        }
        let has_room = |lane: &Lane| lane.is_hungry && lane.places - lane.held.len() >= lane.places / 4;
        if now >= self.look_at || self.lanes.iter().any(has_room) {
            self.look_at = now + LOOK_EVERY;
            if let Err(error) = self.refill(sender).await {
                self.look_at = now + REST;
                self.lanes.iter_mut().for_each(|lane| lane.is_hungry = false);
                failed(&error);
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let now = self.now();
        let turns = self.lanes.iter().filter_map(|lane| lane.gate.next_turn(now)).map(|turn| self.since + turn);
        let noting = (!self.finished.is_empty()).then_some(self.note_at);
        turns.chain(noting).chain([self.look_at.max(Instant::now())]).min().unwrap_or(self.look_at)
    }

    fn now(&self) -> Duration {
        self.since.elapsed()
    }

    /// Takes as many as have places; how many were looked at.
    async fn refill(&mut self, sender: &Arc<Sender>) -> Result<usize> {
        let mut found = Vec::new();
        let mut result = self.find(sender, &mut found).await;
        let mut of_each: BTreeMap<WorkspaceId, Vec<Key>> = BTreeMap::new();
        for (workspace, key) in found {
            of_each.entry(workspace).or_default().push(key);
        }
        let looked_at = of_each.values().map(Vec::len).sum();
        for (workspace, keys) in of_each {
            let ids: Vec<String> = keys.iter().map(|(_, id)| id.clone()).collect();
            let taken = match &result {
                Ok(()) => sender.take(workspace, &ids, sender.installation.clock.now()).await,
                Err(_) => Ok(Vec::new()),
            };
            let taken = taken.unwrap_or_else(|error| {
                result = Err(error);
                Vec::new()
            });
            let mut taken: HashMap<String, Taken> = taken.into_iter().map(|one| (one.row.id.clone(), one)).collect();
            for key in keys {
                match taken.remove(&key.1) {
                    Some(one) => {
                        let writer = Arc::clone(sender);
                        self.spawn(Going { key, to: None }, async move { written(&writer, one).await });
                    }
                    // Whoever waits for something else, or is left out, needs no place.
                    None => {
                        self.lanes[key.0].held.remove(&key.1);
                    }
                }
            }
        }
        result.map(|()| looked_at)
    }

    /// Gives places to those that are due.
    async fn find(&mut self, sender: &Sender, found: &mut Vec<(WorkspaceId, Key)>) -> Result<()> {
        for (place, lane) in self.lanes.iter_mut().enumerate() {
            lane.is_hungry = false;
            for class in Class::ALL {
                for (workspace, id) in lane.due(sender, class).await? {
                    lane.held.insert(id.clone(), class);
                    found.push((workspace, (place, id)));
                }
            }
        }
        Ok(())
    }

    fn spawn(&mut self, going: Going, work: impl Future<Output = Done> + Send + 'static) {
        let task = self.tasks.spawn(work).id();
        self.going.insert(task, going);
    }

    /// Takes in what came of one, and of all others that are back.
    fn came(&mut self, first: Option<Result<(tokio::task::Id, Done), tokio::task::JoinError>>) {
        let mut next = first;
        while let Some(result) = next {
            let (task, done) = match result {
                Ok((task, done)) => (task, Some(done)),
                // It was logged when it happened. Nobody knows what became of the message: it goes out again when its lease ends.
                Err(error) => (error.id(), None),
            };
            if let Some(going) = self.going.remove(&task) {
                self.took(going, done);
            }
            next = self.tasks.try_join_next_with_id();
        }
    }

    fn took(&mut self, going: Going, done: Option<Done>) {
        let now = self.now();
        let Going { key, to } = going;
        let lane = &mut self.lanes[key.0];
        if let Some((to, began)) = to {
            let went = match &done {
                Some(Done::Over(_, came)) if came.is_good() => Went::Well,
                _ => Went::Badly,
            };
            lane.gate.back(&to, began, went, now);
        }
        match done {
            None => {
                lane.held.remove(&key.1);
            }
            Some(Done::Over(workspace, came)) => self.finished.push((workspace, key, came)),
            Some(Done::Written(ready)) => {
                let (to, pace) = (ready.to(), ready.pace());
                match lane.gate.arrive(&to, pace, ready.is_urgent(), now) {
                    None => lane.wait(Waiting { ready, to, pace, since: now }),
                    Some(at) => self.send_away(key, *ready, at.saturating_sub(now)),
                }
            }
        }
    }

    fn send_away(&mut self, key: Key, ready: Ready, wait: Duration) {
        let wait = i64::try_from(wait.as_micros()).unwrap_or(AGAIN);
        let (workspace, came) = ready.later(wait);
        self.finished.push((workspace, key, came));
    }

    /// Hands over what may go now.
    fn start_waiting(&mut self, sender: &Arc<Sender>) {
        let now = self.now();
        for place in 0..self.lanes.len() {
            for _ in 0..self.lanes[place].waiting.len() {
                let lane = &mut self.lanes[place];
                let Some(one) = lane.waiting.pop_front() else { break };
                let is_urgent = one.ready.is_urgent();
                let key = (place, one.ready.id().to_owned());
                if lane.gate.may_go(&one.to, one.pace, is_urgent, now) {
                    let (sender, going) = (Arc::clone(sender), Going { key, to: Some((one.to, now)) });
                    self.spawn(going, async move {
                        let (workspace, came) = sender.hand_over(*one.ready).await;
                        Done::Over(workspace, came)
                    });
                } else if now.saturating_sub(one.since) > LONGEST_WAIT {
                    lane.gate.leave(&one.to, is_urgent);
                    self.send_away(key, *one.ready, Duration::ZERO);
                } else {
                    lane.waiting.push_back(one);
                }
            }
        }
    }

    /// Notes what came of those that are back. What could not be noted is kept, and noted later.
    async fn note(&mut self, sender: &Arc<Sender>) -> Result<()> {
        while let Some((workspace, ..)) = self.finished.first() {
            let workspace = *workspace;
            let is_one = |(of, ..): &(WorkspaceId, Key, Came)| *of == workspace;
            let together: Vec<&Came> =
                self.finished.iter().filter(|one| is_one(one)).map(|(.., came)| came).take(NOTED_TOGETHER).collect();
            outcomes::note(&sender.installation, workspace, &together).await?;
            let mut left = together.len();
            let lanes = &mut self.lanes;
            self.finished.retain(|one| {
                let is_noted = left > 0 && is_one(one);
                if is_noted {
                    left -= 1;
                    lanes[one.1.0].held.remove(&one.1.1);
                }
                !is_noted
            });
        }
        Ok(())
    }

    async fn end(&mut self, sender: &Arc<Sender>) {
        let until = Instant::now() + GRACE;
        self.send_all_away();
        while let Ok(done @ Some(_)) = tokio::time::timeout_at(until, self.tasks.join_next_with_id()).await {
            self.came(done);
            // What was written meanwhile is not begun any more.
            self.send_all_away();
        }
        if let Err(error) = self.note(sender).await {
            failed(&error);
        }
        if !self.tasks.is_empty() {
            tracing::info!(
                count = self.tasks.len(),
                "messages are under way at the end; they go out again at the start"
            );
        }
        self.tasks.shutdown().await;
    }

    fn send_all_away(&mut self) {
        for place in 0..self.lanes.len() {
            for one in std::mem::take(&mut self.lanes[place].waiting) {
                self.send_away((place, one.ready.id().to_owned()), *one.ready, Duration::ZERO);
            }
        }
    }
}

impl Lane {
    /// Those that are due, as many as have places: workspaces take turns.
    async fn due(&mut self, sender: &Sender, class: Class) -> Result<Vec<(WorkspaceId, String)>> {
        let mut found = Vec::new();
        let now = sender.installation.clock.now();
        let mut db = sender.installation.store.read();
        for channel in self.channels.iter().filter(|channel| sender.ways.can_send(**channel)) {
            if self.free(class) <= found.len() {
                break;
            }
            let mut waiting = workspaces::with_messages_due(&mut db, *channel, class, now).await?;
            // The one after the one that was served last begins.
            let begin = waiting.partition_point(|workspace| *workspace <= self.last);
            waiting.rotate_left(begin);
            let mut unserved = waiting.len();
            for workspace in waiting {
                let free = self.free(class).saturating_sub(found.len());
                let share = free.div_ceil(unserved.max(1));
                unserved -= 1;
                if share == 0 {
                    self.is_hungry = true;
                    break;
                }
                if sender.is_paused(workspace).await? {
                    continue;
                }
                // Those that are held are not due, except where nobody could note for long what became of them.
                let limit = i64::try_from(share + 1)?;
                let mut ids = messages::due(&mut db, workspace, (*channel, class.as_str()), now, limit).await?;
                self.is_hungry |= ids.len() > share;
                ids.truncate(share);
                ids.retain(|id| !self.held.contains_key(id));
                self.last = workspace;
                found.extend(ids.into_iter().map(|id| (workspace, id)));
            }
        }
        Ok(found)
    }

    /// So many places there are for a class: some are kept for what is transactional.
    fn free(&self, class: Class) -> usize {
        let all = self.places.saturating_sub(self.held.len());
        if class == Class::Transactional {
            return all;
        }
        let others = self.held.values().filter(|class| class.is_optional()).count();
        all.min((self.places - self.places / 4).saturating_sub(others))
    }

    /// What is transactional goes first.
    fn wait(&mut self, one: Waiting) {
        let place = if one.ready.is_urgent() {
            self.waiting.iter().take_while(|other| other.ready.is_urgent()).count()
        } else {
            self.waiting.len()
        };
        self.waiting.insert(place, one);
    }
}

async fn written(sender: &Sender, taken: Taken) -> Done {
    let (workspace, row, is_again) = (taken.workspace, taken.row.clone(), taken.is_again);
    match sender.write(taken).await {
        Ok(Ok(ready)) => Done::Written(Box::new(ready)),
        Ok(Err(came)) => Done::Over(workspace, came),
        // Nothing of it was handed over.
        Err(error) => {
            failed(&error);
            Done::Over(workspace, Came::Later { row: Box::new(row), wait: AGAIN, is_again })
        }
    }
}

fn failed(error: &anyhow::Error) {
    metrics::counter!("rapport_sending_failures_total").increment(1);
    tracing::warn!(error = %format!("{error:#}"), "messages could not be looked after; it is tried again");
}
