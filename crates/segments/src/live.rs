//! Live membership: each applied event or fact of a person re-judges only the conditions it can touch, and a person is woken at the very
//! instant at which a window runs out.
//!
//! People are kept packed in memory, a cache: whoever is not there (or whose history changed: a late event, a merge) is made again from the
//! lake. What is stored are memberships, and they are a function of the history: making somebody again and writing the difference
//! ([`write`]) puts right whatever was missed, so nothing else has to survive a crash.
//!
//! Always holds: a change of membership and its domain event commit together. A difference that rewrites the past is one `membership.restated`,
//! never a second `entered`.
//!
//! Does not do: decide when ([`Live::observe`] is called after each batch, [`Live::wake`] as time passes, [`Live::fill`] when conditions change).

mod fill;
mod look;
mod past;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_lake::{EventRow, Lake};
use rapport_privacy::Scope;
use rapport_profiles::records::{facts, identifiers, persons};
use rapport_store::{Priority, Store};
use serde_json::Value;

use crate::condition::Condition;
use crate::error::Error;
use crate::evaluate::EventView;
use crate::history::{History, last_of_each};
use crate::person::{Change, Person, Told};
use crate::program::{Program, Seen};
pub use fill::{Filled, Wanted};
pub use look::{Estimate, Figure, Kind, Reason};
pub use past::{Deed, Turn};
use write::Writing;
pub use write::{ENTERED, EXITED, RESTATED};

/// Bytes of packed people that are kept.
const CACHE_BYTES: usize = 512 << 20;
/// From so many people on their number may be a few seconds old: so many microseconds.
const MANY: i64 = 100_000;
const COUNTED_FOR: i64 = 10 * Timestamp::SECOND;
/// People woken in one go.
const WAKES: usize = 1_000;
/// People put together whenever time passes: what newly filled segments added to them needs less room then, and nothing waits for it.
const UNITED: usize = 500;
/// Of more people than this the histories are read in one pass over the lake instead of one by one.
const ONE_BY_ONE: usize = 500;

/// The memberships of all workspaces. Share it by `Arc`.
pub struct Live {
    store: Store,
    lake: Lake,
    spaces: Mutex<HashMap<WorkspaceId, Arc<Place>>>,
    /// How many people there are, and when they were counted.
    people: Mutex<HashMap<WorkspaceId, (Timestamp, i64)>>,
}

/// Where the memberships of one workspace are kept. What is asked for every batch is known without waiting for whoever is at work there.
#[derive(Default)]
pub(crate) struct Place {
    is_running: AtomicBool,
    is_filling: AtomicBool,
    space: tokio::sync::Mutex<Space>,
}

impl Place {
    async fn lock(&self) -> tokio::sync::MutexGuard<'_, Space> {
        self.space.lock().await
    }

    /// What has changed about it.
    fn note(&self, space: &Space) {
        self.is_running.store(space.running.is_some(), Ordering::SeqCst);
        self.is_filling.store(space.meanwhile.is_some(), Ordering::SeqCst);
    }
}

/// The memberships of one workspace.
#[derive(Default)]
pub(crate) struct Space {
    running: Option<Running>,
    /// While conditions are being filled.
    meanwhile: Option<Meanwhile>,
}

/// Of whom something new was heard while their histories are read. Facts count as far as they concern what is filled; events always, because one that
/// concerns nothing may still be older than all that was known of somebody.
struct Meanwhile {
    program: Arc<Program>,
    people: HashSet<PersonId>,
}

impl Meanwhile {
    fn hear(&mut self, observed: &Observed<'_>) {
        self.people.extend(observed.events.iter().map(|event| event.person));
        let told = observed.told.iter().filter(|(_, _, key, _)| !self.program.leaves_of_fact(key).is_empty());
        self.people.extend(told.map(|(person, ..)| *person));
        self.people.extend(observed.changed);
    }
}

/// Segments that are live.
struct Running {
    segments: Arc<Segments>,
    /// The numbers of those that are written: one whose condition was changed is not any more.
    written: BTreeSet<i64>,
    people: HashMap<PersonId, Box<[u8]>>,
    /// What newly filled segments add to people, until somebody has need of it.
    parts: Parts,
    bytes: usize,
    wakes: BTreeSet<(Timestamp, PersonId)>,
    wake_of: HashMap<PersonId, Timestamp>,
    /// People of whom something is known that has not happened yet, by when it will have.
    later: BTreeSet<(Timestamp, PersonId)>,
    /// To be made again from the lake.
    again: BTreeSet<PersonId>,
}

/// Packed pieces of people, in the order in which they were added.
type Parts = HashMap<PersonId, Vec<Box<[u8]>>>;

/// The conditions that are evaluated together.
pub(crate) struct Segments {
    pub(crate) program: Arc<Program>,
    /// The number of each of the program's segments.
    pub(crate) numbers: Vec<i64>,
}

impl Segments {
    fn new(wanted: &[&Wanted], calendar: &Calendar) -> Result<Self, Error> {
        let named: Vec<(&str, &Condition)> = wanted.iter().map(|it| (it.key.as_str(), &it.condition)).collect();
        let program = Program::new(&named, calendar.clone())?;
        let number = |key: &str| wanted.iter().find(|it| it.key == key).map_or(0, |it| it.segment);
        let numbers = program.keys().map(number).collect();
        Ok(Self { program: Arc::new(program), numbers })
    }

    /// The same without some, and with others behind.
    fn extended(&self, more: &[&Wanted], without: &BTreeSet<i64>) -> Result<Self, Error> {
        let keys: Vec<String> = self.program.keys().map(str::to_owned).collect();
        let gone = keys.into_iter().zip(&self.numbers).filter(|(_, number)| without.contains(number));
        let gone: BTreeSet<String> = gone.map(|(key, _)| key).collect();
        let named: Vec<(&str, &Condition)> = more.iter().map(|it| (it.key.as_str(), &it.condition)).collect();
        let program = Program::clone(&self.program).extended(&named, &gone)?;
        let mut numbers = self.numbers.clone();
        numbers.iter_mut().filter(|number| without.contains(number)).for_each(|number| *number = NONE);
        let number = |key: &str| more.iter().find(|it| it.key == key).map_or(NONE, |it| it.segment);
        numbers.extend(program.keys().skip(self.numbers.len()).map(number));
        Ok(Self { program: Arc::new(program), numbers })
    }
}

/// The number of a segment that is gone.
const NONE: i64 = -1;

/// What an applied batch did.
#[derive(Debug, Default)]
pub struct Observed<'a> {
    /// Its events as they are in the lake.
    pub events: &'a [EventRow],
    /// Persons of whom nothing was known before.
    pub born: &'a [PersonId],
    /// What is newly known: (who, from when, what, value).
    pub told: &'a [(PersonId, Timestamp, String, Value)],
    /// Who said something about consent, as of when: what holds because of it follows from all that they said.
    pub spoke: &'a [(PersonId, Timestamp)],
    /// Persons whose past changed: identifiers came or went, events were superseded.
    pub changed: &'a [PersonId],
    /// While further events wait that happened before now: up to when nothing more can come. Windows run out up to then only, or those events would
    /// come too late.
    pub until: Option<Timestamp>,
}

impl Live {
    /// Nothing is live yet: [`Live::fill`] makes it.
    pub fn new(store: Store, lake: Lake) -> Self {
        Self { store, lake, spaces: Mutex::default(), people: Mutex::default() }
    }

    /// How many people there are. Where they are many, as of a few seconds ago: to count a million takes too long for whoever asks often.
    ///
    /// # Errors
    /// The store's.
    pub async fn people(&self, workspace: WorkspaceId) -> Result<i64, Error> {
        let now = self.store.clock().now();
        let counted = self.people.lock().unwrap_or_else(PoisonError::into_inner).get(&workspace).copied();
        if let Some((at, people)) = counted
            && people >= MANY
            && (0..COUNTED_FOR).contains(&(now.0 - at.0))
        {
            return Ok(people);
        }
        let people = persons::count(&mut self.store.read(), workspace, &persons::Filter::default()).await?;
        self.people.lock().unwrap_or_else(PoisonError::into_inner).insert(workspace, (now, people));
        Ok(people)
    }

    fn spaces(&self) -> std::sync::MutexGuard<'_, HashMap<WorkspaceId, Arc<Place>>> {
        self.spaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn space(&self, workspace: WorkspaceId) -> Arc<Place> {
        Arc::clone(self.spaces().entry(workspace).or_default())
    }

    /// The workspaces in which segments are live or being filled.
    pub fn workspaces(&self) -> Vec<WorkspaceId> {
        self.spaces().keys().copied().collect()
    }

    /// Whether segments of a workspace are live.
    pub fn is_running(&self, workspace: WorkspaceId) -> bool {
        self.spaces().get(&workspace).is_some_and(|place| place.is_running.load(Ordering::SeqCst))
    }

    /// Whether a workspace wants to observe what happens.
    pub fn is_live(&self, workspace: WorkspaceId) -> bool {
        let is_live =
            |place: &Arc<Place>| [&place.is_running, &place.is_filling].iter().any(|is| is.load(Ordering::SeqCst));
        self.spaces().get(&workspace).is_some_and(is_live)
    }

    /// Takes in a batch that the lake has by now.
    ///
    /// # Errors
    /// The store's and the lake's. Those concerned are made again later.
    pub async fn observe(&self, workspace: WorkspaceId, observed: Observed<'_>) -> Result<(), Error> {
        let space = self.space(workspace);
        let mut space = space.lock().await;
        let Space { running, meanwhile } = &mut *space;
        if let Some(meanwhile) = meanwhile {
            meanwhile.hear(&observed);
        }
        let Some(running) = running else { return Ok(()) };
        let stood = match self.stood(workspace, &running.segments.program, &observed).await {
            Ok(stood) => stood,
            Err(_) => {
                observed.spoke.iter().for_each(|(person, _)| running.make_again(*person));
                Vec::new()
            }
        };
        let now = self.store.clock().now();
        let until = observed.until.map_or(now, |until| until.min(now));
        let mut writing = running.observe(observed, &stood, now, until);
        // Whose windows have run out by then too: under a steady load they would otherwise wait for one commit more.
        let woken = running.wake(until, &mut writing);
        if let Some(meanwhile) = meanwhile {
            meanwhile.people.extend(woken);
        }
        self.finish(workspace, running, writing, (now, until)).await
    }

    /// What holds about consent, from when on somebody spoke: (who, from when, what, value).
    async fn stood(
        &self,
        workspace: WorkspaceId,
        program: &Program,
        observed: &Observed<'_>,
    ) -> Result<Vec<(PersonId, Timestamp, String, Value)>, Error> {
        let keys = program.fact_keys().into_iter().filter(|key| Scope::of_fact(key).is_some());
        let keys: Vec<String> = keys.map(str::to_owned).collect();
        if keys.is_empty() || observed.spoke.is_empty() {
            return Ok(Vec::new());
        }
        let mut since: HashMap<PersonId, Timestamp> = HashMap::new();
        for (person, at) in observed.spoke {
            since.entry(*person).and_modify(|known| *known = (*at).min(*known)).or_insert(*at);
        }
        let persons: Vec<PersonId> = since.keys().copied().collect();
        let rows = facts::histories_of(&mut self.store.read(), workspace, &keys, &persons).await?;
        let news = rows.into_iter().filter(|(person, _, at, _)| since.get(person).is_some_and(|since| since <= at));
        Ok(news.map(|(person, key, at, value)| (person, at, key, json_of(&value))).collect())
    }

    /// Lets time pass: whoever's window ran out by now is judged, or by `until`, while events wait that happened before now; it is asked for when it
    /// is this one's turn. Whether there may be more to do.
    ///
    /// # Errors
    /// As [`Live::observe`].
    pub async fn wake(&self, workspace: WorkspaceId, until: impl FnOnce() -> Option<Timestamp>) -> Result<bool, Error> {
        let space = self.space(workspace);
        let mut space = space.lock().await;
        let Space { running: Some(running), meanwhile } = &mut *space else { return Ok(false) };
        running.unite(UNITED);
        let now = self.store.clock().now();
        let until = until().map_or(now, |until| until.min(now));
        let mut writing = Writing::default();
        let woken = running.wake(until, &mut writing);
        if let Some(meanwhile) = meanwhile {
            meanwhile.people.extend(&woken);
        }
        self.finish(workspace, running, writing, (now, until)).await?;
        Ok(woken.len() >= WAKES)
    }

    /// Makes those again whose history changed, and writes all changes.
    async fn finish(
        &self,
        workspace: WorkspaceId,
        running: &mut Running,
        mut writing: Writing,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<(), Error> {
        let again: Vec<PersonId> = running.again.iter().copied().collect();
        let outcome = async {
            let segments = Arc::clone(&running.segments);
            for (person, changes) in self.play_again(workspace, &segments.program, &again, (now, until)).await? {
                writing.again(person.id(), &changes);
                running.keep(&person);
            }
            // Whoever is gone (merged into another, erased) is in no segment.
            for id in &again {
                writing.gone(*id);
            }
            if writing.is_empty() {
                return Ok(());
            }
            let mut tx = self.store.begin(Priority::Background).await?;
            let only = Some(&running.written);
            write::write(&mut tx, workspace, &segments, &writing, only, write::Telling::All, now).await?;
            Ok(tx.commit().await?)
        };
        let outcome: Result<(), Error> = outcome.await;
        match &outcome {
            Ok(()) => running.again.clear(),
            Err(_) => {
                // What was not written must be found again.
                for id in writing.people() {
                    running.make_again(id);
                }
            }
        }
        outcome
    }

    /// Plays people's histories as they are now; those who have none are left out.
    async fn play_again(
        &self,
        workspace: WorkspaceId,
        program: &Arc<Program>,
        persons: &[PersonId],
        (now, until): (Timestamp, Timestamp),
    ) -> Result<Vec<(Person, Vec<Change>)>, Error> {
        let mut played = Vec::with_capacity(persons.len());
        if persons.is_empty() {
            return Ok(played);
        }
        let snapshot = self.lake.snapshot(workspace).await?;
        if persons.len() > ONE_BY_ONE {
            let sources = crate::batch::Sources {
                store: &self.store,
                lake: &self.lake,
                snapshot: &snapshot,
                workspace,
                now,
                until,
            };
            let mut play = crate::batch::Play::begin(program, sources, crate::batch::Whom::These(persons))?;
            while let Some(chunk) = play.next().await? {
                played.extend(chunk);
            }
            return Ok(played);
        }
        let db = &mut self.store.read();
        let births: HashMap<PersonId, Timestamp> =
            identifiers::births_of(db, workspace, persons).await?.into_iter().collect();
        let mut told = crate::batch::told_of(program, &self.store, workspace, persons).await?;
        for id in persons.iter().filter(|id| births.contains_key(id)) {
            let before = Some(now.plus(1));
            let mut rows = self.lake.person_events_at(&snapshot, *id, None, before, usize::MAX).await?;
            rows.sort_by_key(in_order);
            let views: Vec<EventView<'_>> = rows.iter().map(view).collect();
            let mut history = History::of(program, &views, &[]);
            history.born = births.get(id).copied().into_iter().chain(history.born).min();
            history.told = told.remove(id).unwrap_or_default();
            played.extend(history.play(program, *id, history.until(until, now)));
        }
        Ok(played)
    }
}

fn json_of(value: &str) -> Value {
    serde_json::from_str(value).unwrap_or(Value::Null)
}

/// The place of an event in the one order.
fn in_order(row: &EventRow) -> (Timestamp, i64, [u8; 16]) {
    (row.occurred_at, row.order_key, row.event_id.0)
}

fn view(row: &EventRow) -> EventView<'_> {
    EventView { name: &row.name, occurred_at: row.occurred_at, order_key: row.order_key, properties: row.properties() }
}

/// What one person did in a batch.
#[derive(Default)]
struct News<'a> {
    events: Vec<&'a EventRow>,
    told: Vec<(Timestamp, Told)>,
}

impl Running {
    fn new(segments: Arc<Segments>) -> Self {
        let (people, parts, wakes, wake_of, later, again) = Default::default();
        let written = segments.numbers.iter().copied().collect();
        Self { segments, written, people, parts, bytes: 0, wakes, wake_of, later, again }
    }

    /// Somebody as far as they are remembered.
    fn load(&self, id: PersonId) -> Option<Person> {
        let mut person = Person::unpack(self.people.get(&id)?)?;
        for part in self.parts.get(&id).into_iter().flatten() {
            person.absorb(Person::unpack(part)?);
        }
        Some(person)
    }

    /// Puts together what is remembered of some people in pieces.
    fn unite(&mut self, most: usize) {
        let some: Vec<PersonId> = self.parts.keys().take(most).copied().collect();
        for id in some {
            match self.load(id) {
                Some(person) => self.keep(&person),
                // Whoever is not in memory is made again when something happens, or when the part says that it will.
                None => {
                    let parts = self.parts.remove(&id).unwrap_or_default();
                    let wakes_at = parts.iter().filter_map(|part| Person::unpack(part)?.wakes_at()).min();
                    let known = self.wake_of.get(&id).copied();
                    if let Some(at) = wakes_at.filter(|at| known.is_none_or(|known| *at < known)) {
                        self.wake_at(id, at);
                    }
                }
            }
        }
        if self.parts.is_empty() {
            self.parts.shrink_to_fit();
        }
    }

    fn wake_at(&mut self, id: PersonId, at: Timestamp) {
        if let Some(before) = self.wake_of.insert(id, at) {
            self.wakes.remove(&(before, id));
        }
        self.wakes.insert((at, id));
    }

    fn observe(
        &mut self,
        observed: Observed<'_>,
        stood: &[(PersonId, Timestamp, String, Value)],
        now: Timestamp,
        until: Timestamp,
    ) -> Writing {
        let segments = Arc::clone(&self.segments);
        let program = &segments.program;
        for person in observed.changed {
            self.make_again(*person);
        }
        let born: HashSet<PersonId> = observed.born.iter().copied().collect();
        let mut news: BTreeMap<PersonId, News<'_>> = BTreeMap::new();
        for event in observed.events {
            // Whoever is new is in the segments of those who have done nothing.
            if program.concerns_event(&event.name) || born.contains(&event.person) {
                news.entry(event.person).or_default().events.push(event);
                continue;
            }
            // What concerns no condition may still be older than all that was known of somebody: then they came earlier.
            let birth = self.people.get(&event.person).and_then(|bytes| Person::birth_of(bytes));
            if birth.is_none_or(|birth| event.occurred_at < birth) {
                self.make_again(event.person);
            }
        }
        if program.fact_keys().iter().any(|key| Scope::of_fact(key).is_some()) {
            // Who spoke of the past may have changed it.
            let of_the_past =
                |(person, at): &&(PersonId, Timestamp)| self.load(*person).is_none_or(|it| !it.is_new(*at));
            let again: Vec<PersonId> = observed.spoke.iter().filter(of_the_past).map(|(person, _)| *person).collect();
            again.into_iter().filter(|person| !born.contains(person)).for_each(|person| self.make_again(person));
        }
        let told = || observed.told.iter().chain(stood);
        for (person, at, key, value) in told() {
            if !program.leaves_of_fact(key).is_empty() {
                let told = Told { key: key.clone(), value: value.clone() };
                news.entry(*person).or_default().told.push((*at, told));
            }
        }
        let mut writing = Writing::default();
        let future = observed.events.iter().filter(|event| event.occurred_at > now);
        self.later.extend(future.map(|event| (event.occurred_at, event.person)));
        let future = told().filter(|(_, at, ..)| *at > now);
        self.later.extend(future.map(|(person, at, ..)| (*at, *person)));
        for (id, news) in news {
            if self.again.contains(&id) {
                continue;
            }
            let person = match self.load(id) {
                Some(person) => Some(person),
                None if born.contains(&id) => {
                    let first = news.events.iter().map(|event| event.occurred_at).min();
                    first.map(|first| Person::new(program, id, first))
                }
                None => None,
            };
            let played = person.and_then(|person| news.play(program, person, now, until));
            match played {
                Some((person, changes)) => {
                    writing.changed(id, changes);
                    self.keep(&person);
                }
                None => {
                    self.make_again(id);
                }
            }
        }
        writing
    }

    /// Adds what comes of the time that has passed; who was looked at.
    fn wake(&mut self, now: Timestamp, writing: &mut Writing) -> Vec<PersonId> {
        let segments = Arc::clone(&self.segments);
        while let Some((at, id)) = self.later.pop_first() {
            if at > now {
                self.later.insert((at, id));
                break;
            }
            self.make_again(id);
        }
        let due: Vec<PersonId> =
            self.wakes.iter().take_while(|(at, _)| *at <= now).take(WAKES).map(|(_, id)| *id).collect();
        for id in due.iter().copied() {
            match self.load(id).filter(|person| !person.is_outdated(now)) {
                Some(mut person) => {
                    let mut changes = Vec::new();
                    person.wake(&segments.program, now, &mut changes);
                    writing.changed(id, changes);
                    self.keep(&person);
                }
                None => {
                    self.make_again(id);
                }
            }
        }
        due
    }

    /// Keeps a person, as far as there is room, and when to wake them in any case.
    fn keep(&mut self, person: &Person) {
        let id = person.id();
        self.forget(id);
        if let Some(at) = person.wakes_at() {
            self.wake_at(id, at);
        }
        let bytes = person.pack().into_boxed_slice();
        while self.bytes + bytes.len() > CACHE_BYTES {
            // Any: whoever comes back is made again.
            let Some(other) = self.people.keys().next().copied() else { break };
            self.bytes -= self.people.remove(&other).map_or(0, |bytes| bytes.len());
        }
        self.bytes += bytes.len();
        self.people.insert(id, bytes);
    }

    /// What is remembered of a person is not so any more.
    fn make_again(&mut self, id: PersonId) {
        self.forget(id);
        self.again.insert(id);
    }

    fn forget(&mut self, id: PersonId) {
        self.parts.remove(&id);
        self.bytes -= self.people.remove(&id).map_or(0, |bytes| bytes.len());
        if let Some(at) = self.wake_of.remove(&id) {
            self.wakes.remove(&(at, id));
        }
    }
}

impl News<'_> {
    /// Plays what is new; `None` when some of it is not later than what the person has seen, or has not happened yet.
    fn play(
        mut self,
        program: &Program,
        mut person: Person,
        now: Timestamp,
        until: Timestamp,
    ) -> Option<(Person, Vec<Change>)> {
        self.events.sort_by_key(|event| in_order(event));
        self.told.sort_by_key(|(at, _)| *at);
        let mut instants: Vec<Timestamp> = self.events.iter().map(|event| event.occurred_at).collect();
        instants.extend(self.told.iter().map(|(at, _)| *at));
        instants.sort_unstable();
        instants.dedup();
        let mut changes = Vec::new();
        if person.is_outdated(until.max(instants.last().copied().unwrap_or(until))) {
            return None;
        }
        for at in instants {
            if !person.is_new(at) || at > now {
                return None;
            }
            let seen: Vec<Seen> = self
                .events
                .iter()
                .filter(|event| event.occurred_at == at)
                .flat_map(|event| program.look(view(event)))
                .collect();
            let told: Vec<(Timestamp, Told)> = self.told.iter().filter(|(other, _)| *other == at).cloned().collect();
            person.at(program, at, &seen, &last_of_each(&told), &mut changes);
        }
        person.wake(program, until, &mut changes);
        Some((person, changes))
    }
}
