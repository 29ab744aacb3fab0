//! The rules written again, slowly: beside each transaction of the engine the same is worked out from lists of what happened, and must come to the same
//! instances, ways, messages and reasons.
//!
//! Always holds: it knows nothing ahead and keeps no plan of when to look. When the engine looks at somebody it is told so, looks too, and both must
//! have done the same; of whoever the engine does not look at, it makes sure that nothing was to be done.
//!
//! Does not: say when runs of schedules and dates come (they have tests of their own), but whether whoever comes in by them may; nor anything of
//! journeys whose people were moved to another version.

mod look;

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Channel, Timestamp};
use rapport_engagement::journey::definition::{Entry, Next, Reentry, Step};
use rapport_engagement::journey::{Class, Definition};
use rapport_engagement::records::acts::ActRow;
use rapport_engagement::records::instances::InstanceRow;
use rapport_engagement::records::messages::MessageRow;
use rapport_store::Json;
use serde_json::Value;

use super::world::World;
use look::{Done, Look};

/// Somebody's way through a journey, as it must be.
#[derive(Clone, Debug)]
pub struct Way {
    journey: String,
    version: i64,
    person: i64,
    handle: i64,
    key: String,
    entered_at: Timestamp,
    /// From when on what they do counts.
    since: Timestamp,
    begun: bool,
    node: Next,
    arrived: Timestamp,
    visits: BTreeMap<String, u32>,
    left: Vec<(String, i64, String)>,
    goal: bool,
    ended: Option<String>,
    /// What they did that was heard of while they were on their way.
    did: Vec<(String, Timestamp)>,
    /// Up to when a wait was found not to be over: by which clock, until which time of day.
    scanned: Option<(String, String, Timestamp)>,
}

/// What of a stored instance says when it may be looked at: its name, up to where memberships must have heard, and turns.
pub type Waiting = (String, i64, Option<Timestamp>, Json<BTreeMap<String, i64>>);

/// An event: (person, identifier, name, when, properties).
pub type Event = (i64, i64, String, Timestamp, Value);

/// What is true of people beside what [`World`] keeps.
#[derive(Default)]
pub struct Known {
    pub mails: BTreeSet<i64>,
    pub phones: BTreeSet<i64>,
    pub troubled: BTreeSet<i64>,
    pub hours: BTreeMap<i64, u8>,
}

/// All of them.
#[derive(Default)]
pub struct Slow {
    pub known: Known,
    ways: BTreeMap<String, Way>,
    /// Looks that were compared.
    pub looks: usize,
}

/// Somebody who may come in.
struct Comer {
    journey: String,
    version: i64,
    person: i64,
    handle: i64,
    key: String,
    is_late: bool,
    since: Option<Timestamp>,
    did: Vec<(String, Timestamp)>,
}

/// The identifiers of each person, ascending.
fn people(world: &World) -> BTreeMap<i64, Vec<i64>> {
    let mut people: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (handle, person) in &world.owner {
        people.entry(*person).or_default().push(*handle);
    }
    people
}

fn is_by_occasion(plan: &Definition) -> bool {
    matches!(&plan.entry, Entry::Event { key: Some(_), .. })
}

impl Slow {
    /// Whether an instance is known.
    pub fn knows(&self, id: &str) -> bool {
        self.ways.contains_key(id)
    }

    fn plan<'w>(world: &'w World, journey: &str, version: i64) -> Option<&'w Definition> {
        world.town.plans.get(journey, version).map(|one| &one.definition)
    }

    /// Whether somebody may come in now.
    fn may_enter(&self, plan: &Definition, comer: &Comer, now: Timestamp) -> bool {
        let own: Vec<&Way> = self
            .ways
            .values()
            .filter(|it| {
                it.journey == comer.journey && it.person == comer.person && it.ended.as_deref() != Some("late")
            })
            .collect();
        let same: Vec<&&Way> = own.iter().filter(|it| !is_by_occasion(plan) || it.key == comer.key).collect();
        if same.iter().any(|it| it.ended.is_none()) {
            return false;
        }
        let is_run = matches!(plan.entry, Entry::Schedule(_) | Entry::Date { .. });
        if is_run && own.iter().any(|it| it.key == comer.key) {
            return false;
        }
        match plan.reentry {
            Reentry::Never => same.is_empty(),
            Reentry::AfterExit => true,
            Reentry::AtMost(most) => same.len() < most as usize,
            Reentry::After(length) => own.iter().all(|it| now.0 - it.entered_at.0 >= length.micros()),
        }
    }

    /// Whoever comes in one after the other, in one transaction.
    fn enter(&mut self, world: &World, comers: Vec<Comer>, rows: &[InstanceRow], place: &str) {
        let now = world.now();
        let mut left: Vec<&InstanceRow> = rows.iter().filter(|row| !self.ways.contains_key(&row.id)).collect();
        left.retain(|row| !world.migrated.contains(&row.journey));
        let mut late: BTreeSet<(String, i64, String)> = BTreeSet::new();
        for comer in comers {
            // Who has no identifier is nobody.
            if world.migrated.contains(&comer.journey) || comer.handle == 0 {
                continue;
            }
            let plan = Self::plan(world, &comer.journey, comer.version).unwrap();
            let group = if is_by_occasion(plan) { comer.key.clone() } else { String::new() };
            let is_noted = comer.is_late && !late.insert((comer.journey.clone(), comer.person, group));
            if is_noted || !self.may_enter(plan, &comer, now) {
                continue;
            }
            let found = left.iter().position(|row| {
                row.journey == comer.journey
                    && row.version == comer.version
                    && row.person.0 == comer.person
                    && row.entry_key == comer.key
                    && (row.ended_why.as_deref() == Some("late")) == comer.is_late
                    && row.handle.map_or(0, |handle| handle.0) == comer.handle
            });
            let found = found.unwrap_or_else(|| {
                panic!(
                    "seed {}: {place}: {} did not come into {} ({})",
                    world.seed, comer.person, comer.journey, comer.key
                )
            });
            let row = left.remove(found);
            let way = Way {
                since: comer.since.unwrap_or(row.entered_at),
                did: comer.did,
                ended: comer.is_late.then(|| "late".to_owned()),
                ..way_of(row, plan)
            };
            self.ways.insert(row.id.clone(), way);
        }
        assert!(left.is_empty(), "seed {}: {place}: these came in and may not: {left:?}", world.seed);
    }

    /// A batch of events was heard.
    pub fn heard(&mut self, world: &World, events: &[Event], is_imported: bool, rows: &[InstanceRow]) {
        let now = world.now();
        for way in self.ways.values_mut().filter(|way| way.ended.is_none()) {
            let own = events.iter().filter(|(person, ..)| *person == way.person);
            way.did.extend(own.map(|(_, _, name, at, _)| (name.clone(), *at)).filter(|(_, at)| *at >= way.since));
        }
        let mut comers = Vec::new();
        for one in world.town.plans.all().filter(|one| one.is_open && !is_imported) {
            let Entry::Event { name: wanted, key, not_older_than, .. } = &one.definition.entry else { continue };
            for (place, (person, handle, name, at, properties)) in events.iter().enumerate() {
                let key = key.as_ref().map_or(Some(""), |path| properties[path].as_str());
                let Some(key) = key.filter(|_| name == wanted) else { continue };
                let is_after = |(other, event): &(usize, &Event)| {
                    event.0 == *person && (event.3 > *at || (event.3 == *at && *other > place))
                };
                let after = events.iter().enumerate().filter(is_after);
                comers.push(Comer {
                    journey: one.key.clone(),
                    version: one.version,
                    person: *person,
                    handle: *handle,
                    key: key.to_owned(),
                    is_late: now.0 - at.0 > not_older_than.micros(),
                    since: Some(*at),
                    did: after.map(|(_, event)| (event.2.clone(), event.3)).collect(),
                });
            }
        }
        self.enter(world, comers, rows, "events");
    }

    /// Memberships changed: (segment, who, whether they came in).
    pub fn changed(&mut self, world: &World, changes: &[(String, i64, bool)], rows: &[InstanceRow]) {
        let mut comers = Vec::new();
        for one in world.town.plans.all().filter(|one| one.is_open) {
            let (when, wanted) = match &one.definition.entry {
                Entry::SegmentEntered { when, .. } => (when, true),
                Entry::SegmentLeft { when } => (when, false),
                _ => continue,
            };
            let came = changes.iter().filter(|(key, _, is_in)| *key == when.segment() && *is_in == wanted);
            comers.extend(came.map(|(_, person, _)| comer(world, one.key.clone(), one.version, *person)));
        }
        self.enter(world, comers, rows, "memberships");
    }

    /// A program let people into a journey.
    pub fn let_in(&mut self, world: &World, journeys: &[(String, i64)], persons: &[i64], rows: &[InstanceRow]) {
        let each = journeys.iter().flat_map(|(journey, version)| {
            persons.iter().map(|person| comer(world, journey.clone(), *version, *person))
        });
        self.enter(world, each.collect(), rows, "api");
    }

    /// Runs let people in: whoever came in may.
    pub fn ran(&mut self, world: &World, rows: &[InstanceRow]) {
        for row in rows {
            if self.ways.contains_key(&row.id) || world.migrated.contains(&row.journey) {
                continue;
            }
            let plan = Self::plan(world, &row.journey, row.version).unwrap();
            let one = comer(world, row.journey.clone(), row.version, row.person.0);
            let one = Comer { key: row.entry_key.clone(), ..one };
            assert!(
                self.may_enter(plan, &one, world.now()),
                "seed {}: came in by a run and may not: {row:?}",
                world.seed
            );
            assert_eq!(row.handle.map_or(0, |handle| handle.0), one.handle, "seed {}: {row:?}", world.seed);
            self.ways.insert(row.id.clone(), way_of(row, plan));
        }
    }

    /// An identifier was given to another person. Of two who become one and are on the same way the younger is over.
    pub fn gave(&mut self, world: &World, handle: i64, from: i64, to: i64) {
        for way in
            self.ways.values_mut().filter(|way| way.handle == handle && way.person == from && way.ended.is_some())
        {
            way.person = to;
        }
        let mut own: Vec<(Timestamp, String)> = self
            .ways
            .iter()
            .filter(|(_, way)| way.handle == handle && way.person == from && way.ended.is_none())
            .map(|(id, way)| (way.entered_at, id.clone()))
            .collect();
        own.sort_unstable();
        for (entered_at, id) in own {
            let (journey, version, key) =
                (self.ways[&id].journey.clone(), self.ways[&id].version, self.ways[&id].key.clone());
            let once = Self::plan(world, &journey, version).is_some_and(|plan| !is_by_occasion(plan));
            let other = self
                .ways
                .iter()
                .find(|(_, it)| {
                    it.person == to && it.ended.is_none() && it.journey == journey && (once || it.key == key)
                })
                .map(|(id, it)| (it.entered_at, id.clone()));
            if let Some(other) = other {
                let younger = if other <= (entered_at, id.clone()) { &id } else { &other.1 };
                self.ways.get_mut(younger).unwrap().ended = Some("merged".to_owned());
            }
            self.ways.get_mut(&id).unwrap().person = to;
        }
    }

    /// Somebody was erased.
    pub fn erased(&mut self, person: i64, handles: &[i64]) {
        self.ways.retain(|_, way| way.person != person && !handles.contains(&way.handle));
    }

    /// A journey was stopped.
    pub fn stopped(&mut self, journey: &str) {
        for way in self.ways.values_mut().filter(|way| way.journey == journey && way.ended.is_none()) {
            way.ended = Some("stopped".to_owned());
        }
    }

    /// People were moved to another version: nothing more is said of that journey.
    pub fn migrated(&mut self, journey: &str) {
        self.ways.retain(|_, way| way.journey != journey);
    }

    /// The engine looked at some people in one transaction: `rows` as they were before, `then` all who are on their way of those people, and `now`
    /// what there is after it.
    pub fn looked(
        &mut self,
        world: &World,
        rows: &[InstanceRow],
        others: &[InstanceRow],
        (after, messages, acts): (&BTreeMap<String, InstanceRow>, &[MessageRow], &[ActRow]),
    ) {
        let priority = |row: &InstanceRow| Self::plan(world, &row.journey, row.version).map_or(0, |plan| plan.priority);
        let mut rows: Vec<&InstanceRow> = rows.iter().collect();
        rows.sort_by_key(|row| (std::cmp::Reverse(priority(row)), row.wake_at, row.id.clone()));
        let mut before = Vec::new();
        let people = people(world);
        for (place, row) in rows.iter().enumerate() {
            let is_done = |id: &str| rows[..place].iter().any(|it| it.id == id);
            let others = others.iter().filter(|it| it.id != row.id && it.person == row.person);
            let others = others.filter_map(|it| if is_done(&it.id) { after.get(&it.id) } else { Some(it) });
            let others = others.filter_map(|it| about_to_write(world, it)).collect();
            let done = Done::new();
            let found: Done = found(row, after.get(&row.id), messages, acts);
            let Some(mut way) = self.ways.get(&row.id).cloned() else {
                // Of a journey that nothing is said of: what it sent counts for the others.
                let sent = messages.iter().filter(|it| it.instance.as_deref() == Some(&row.id) && it.capped);
                before.extend(sent.map(|it| (it.person.0, Channel::parse(&it.channel).unwrap(), it.topic.clone())));
                continue;
            };
            let plan = Self::plan(world, &row.journey, row.version).unwrap();
            let empty = BTreeMap::new();
            let turns = after.get(&row.id).map_or(&empty, |it| &it.heard.0);
            let mut look = Look {
                world,
                people: &people,
                plan,
                now: world.now(),
                before: &mut before,
                others,
                id: &row.id,
                turns,
                done,
            };
            let is_in = look.all(&self.known, &mut way);
            let told = look.done;
            self.looks += 1;
            let place = || format!("seed {}: at {:?} {row:?}\nof {}", world.seed, world.now(), plan.to_json());
            match after.get(&row.id) {
                None => {
                    assert!(!is_in, "{}\nwas let go", place());
                    self.ways.remove(&row.id);
                    continue;
                }
                Some(row) => {
                    assert!(is_in, "{}\nmay not come in", place());
                    assert_eq!(left_of(row), way.left, "{}", place());
                    assert_eq!(row.ended_why, way.ended, "{}", place());
                    assert_eq!(row.goal_at.is_some(), way.goal, "{}", place());
                    assert_eq!(
                        row.node.as_ref().filter(|_| way.ended.is_none()),
                        way.node.as_ref().filter(|_| way.ended.is_none()),
                        "{}",
                        place()
                    );
                }
            }
            assert_eq!(found, told, "{}", place());
            self.ways.insert(row.id.clone(), way);
        }
    }

    /// Of whoever was not looked at, nothing was to be done. Messages are left out: what is held back or tried again waits for its own time.
    pub fn nothing_was_missed(&mut self, world: &World, position: i64, rows: &[Waiting]) {
        // Whoever was woken before the clock was set back waits until it is that time again.
        let was = |at: &Option<Timestamp>| at.is_some_and(|at| at > world.now() && at <= world.latest);
        let waits: BTreeSet<&String> =
            rows.iter().filter(|(_, at, wake, _)| *at > position || was(wake)).map(|(id, ..)| id).collect();
        let turns: BTreeMap<&String, &BTreeMap<String, i64>> = rows.iter().map(|(id, .., it)| (id, &it.0)).collect();
        let people = people(world);
        for (id, way) in self.ways.iter_mut().filter(|(id, way)| way.ended.is_none() && !waits.contains(id)) {
            let Some(one) = world.town.plans.get(&way.journey, way.version).filter(|one| one.goes_on) else { continue };
            let step = way.node.as_ref().and_then(|id| one.definition.node(id)).map(|node| &node.step);
            if matches!(step, Some(Step::Message { .. })) {
                continue;
            }
            let mut then = way.clone();
            let mut before = Vec::new();
            let (others, done) = (Vec::new(), Done::new());
            let plan = &one.definition;
            let mut look = Look {
                world,
                people: &people,
                plan,
                now: world.now(),
                before: &mut before,
                others,
                id,
                turns: turns[id],
                done,
            };
            look.all(&self.known, &mut then);
            way.scanned.clone_from(&then.scanned);
            // That somebody does not want anything any more is asked before every act, and wakes nobody.
            let is_same = then.left == way.left && then.ended == way.ended && then.begun == way.begun;
            assert!(
                is_same || then.ended.as_deref() == Some("consent_gone"),
                "seed {}: at {:?} nobody looked at {id}: {way:?}\nthen {then:?}\nof {}",
                world.seed,
                world.now(),
                plan.to_json()
            );
        }
    }

    /// In the end there is everybody who must be, and nobody else.
    pub fn compare(&self, world: &World, rows: &[InstanceRow]) {
        let rows: BTreeMap<&String, &InstanceRow> =
            rows.iter().filter(|row| !world.migrated.contains(&row.journey)).map(|row| (&row.id, row)).collect();
        assert_eq!(
            rows.keys().copied().collect::<Vec<_>>(),
            self.ways.keys().collect::<Vec<_>>(),
            "seed {}: who was on their way",
            world.seed
        );
        for (id, way) in &self.ways {
            let row = rows[id];
            let place = || format!("seed {}: {row:?}", world.seed);
            assert_eq!(left_of(row), way.left, "{}", place());
            assert_eq!((row.ended_why.as_ref(), row.person.0), (way.ended.as_ref(), way.person), "{}", place());
        }
    }
}

fn comer(world: &World, journey: String, version: i64, person: i64) -> Comer {
    // By which identifier is not said: the one that was known first.
    let handle = world.owner.iter().find(|(_, of)| **of == person).map_or(0, |(handle, _)| *handle);
    let (key, did) = (String::new(), Vec::new());
    Comer { journey, version, person, handle, key, is_late: false, since: None, did }
}

fn way_of(row: &InstanceRow, plan: &Definition) -> Way {
    Way {
        journey: row.journey.clone(),
        version: row.version,
        person: row.person.0,
        handle: row.handle.map_or(0, |handle| handle.0),
        key: row.entry_key.clone(),
        entered_at: row.entered_at,
        since: row.entered_at,
        begun: false,
        node: Some(plan.start.clone()),
        arrived: row.entered_at,
        visits: BTreeMap::new(),
        left: Vec::new(),
        goal: false,
        ended: None,
        did: Vec::new(),
        scanned: None,
    }
}

fn left_of(row: &InstanceRow) -> Vec<(String, i64, String)> {
    row.trail.0.iter().map(|left| (left.node.clone(), left.at, left.way.clone())).collect()
}

/// What the engine did for an instance in the look that was: its messages with their reasons, and its acts.
fn found(row: &InstanceRow, after: Option<&InstanceRow>, messages: &[MessageRow], acts: &[ActRow]) -> Done {
    if after.is_none() {
        return Done::new();
    }
    let own = messages.iter().filter(|it| it.instance.as_deref() == Some(&row.id));
    let told =
        own.map(|it| (it.node.clone(), it.visit, format!("{} {}", it.channel, it.reason.as_deref().unwrap_or("sent"))));
    let own = acts.iter().filter(|it| it.instance == row.id);
    let done = own.map(|it| (it.node.clone(), it.visit, format!("{} {}", it.kind, it.target)));
    let mut all: Done = told.chain(done).collect();
    all.sort();
    all
}

/// Whether somebody comes to a message next, with which priority and when.
fn about_to_write(world: &World, row: &InstanceRow) -> Option<(i32, Timestamp)> {
    let one = world.town.plans.get(&row.journey, row.version)?;
    let plan = &one.definition;
    if !one.goes_on || plan.class == Class::Transactional || row.ended_at.is_some() {
        return None;
    }
    let node = plan.nodes.iter().find(|node| Some(&node.id) == row.node.as_ref())?;
    let next = match &node.step {
        Step::Wait { next, .. } => next.as_ref(),
        _ => Some(&node.id),
    };
    let is_message = plan.nodes.iter().any(|node| {
        Some(&node.id) == next && matches!(node.step, Step::Message { channel, .. } if channel != Channel::InApp)
    });
    is_message.then_some((plan.priority, row.wake_at?))
}
