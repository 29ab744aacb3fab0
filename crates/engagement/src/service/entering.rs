//! Coming into a journey.
//!
//! Always holds: of one person, journey and occasion one instance is under way at most; whether somebody may come in again is asked where it is
//! written. Whether they are of the audience is asked at the first look, when memberships have heard of what brought them.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Clock, Handle, Id, PersonId, Rng, Timestamp, WorkspaceId};
use rapport_profiles::records::identifiers;
use rapport_segments::evaluate::EventView;
use rapport_store::Tx;
use serde_json::{Value, json};

use super::launching;
use crate::Error;
use crate::journey::definition::{Definition, Entry, Reentry};
use crate::journey::instance::ENTRY;
use crate::journey::{End, Instance};
use crate::plans::{Launched, Plans};
use crate::records::instances::{self, Entered, InstanceRow};
use crate::zones::{COUNTRY_FACTS, ZONE_FACTS};

/// What brings somebody in.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// Who.
    pub person: PersonId,
    /// By which identifier; any of theirs if it is not known.
    pub handle: Option<Handle>,
    /// What tells it from others: an order's id, a run.
    pub key: String,
    /// The event: `{"name", "occurred_at", "properties"}`, or nothing of it.
    pub payload: Value,
    /// Not to be looked at before; at once if it has passed.
    pub from: Timestamp,
    /// Not to be looked at before memberships have heard of the log up to here.
    pub log_position: i64,
    /// It is too old: it is noted, and brings nobody in.
    pub is_late: bool,
    /// When the event happened that brings them in; what they do from then on counts.
    pub since: Option<Timestamp>,
    /// What they did after it that is waited for, as far as it was heard together with it: under which name, and when.
    pub heard: Vec<(String, Timestamp)>,
}

impl Occasion {
    /// Somebody who comes in now.
    pub fn now(person: PersonId, key: impl Into<String>, now: Timestamp) -> Self {
        Self {
            person,
            handle: None,
            key: key.into(),
            payload: Value::Object(serde_json::Map::new()),
            from: now,
            log_position: 0,
            is_late: false,
            since: None,
            heard: Vec::new(),
        }
    }
}

/// An event that was applied.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Who did it.
    pub person: PersonId,
    /// Under which identifier.
    pub handle: Handle,
    /// What.
    pub event: EventView<'a>,
    /// Its properties, as they are in the lake.
    pub properties: &'a serde_json::Map<String, Value>,
    /// Whether it came from a file: the past brings nobody in.
    pub is_imported: bool,
}

/// What it is done with.
#[derive(Clone, Copy)]
pub struct With<'a> {
    /// Whose.
    pub workspace: WorkspaceId,
    /// The journeys.
    pub plans: &'a Plans,
    /// The present.
    pub clock: &'a dyn Clock,
    /// Chance.
    pub rng: &'a dyn Rng,
}

/// Takes in events that were applied, up to a position of the log: they bring people in, and are remembered where somebody waits for them.
///
/// # Errors
/// The store's.
pub async fn hear(tx: &mut Tx, with: With<'_>, events: &[Heard<'_>], log_position: i64) -> Result<(), Error> {
    let plans = with.plans;
    let mut occasions: BTreeMap<(&str, i64), Vec<Occasion>> = BTreeMap::new();
    let mut awaited: Vec<(PersonId, &Launched, String, Timestamp)> = Vec::new();
    let now = with.clock.now();
    for (place, heard) in events.iter().enumerate().filter(|(_, heard)| plans.listens_to(heard.event.name)) {
        for one in plans.all() {
            if one.is_open && !heard.is_imported {
                let came = occasion(one, plans, heard, log_position, now);
                let came = came.map(|it| Occasion { heard: heard_after(one, plans, events, place), ..it });
                occasions.entry((one.key.as_str(), one.version)).or_default().extend(came);
            }
            for (what, event) in one.definition.listens() {
                if plans.is_meant(heard.event, &event.name, event.filter.as_ref()) {
                    awaited.push((heard.person, one, what, heard.event.occurred_at));
                }
            }
        }
    }
    // Who waits hears first: an event does not belong to the journey that it begins.
    remember(tx, with, awaited, log_position, now).await?;
    for ((key, version), came) in occasions {
        if let Some(one) = plans.get(key, version) {
            enter(tx, with, one, came).await?;
        }
    }
    Ok(())
}

/// What is waited for by who comes in with the event at `place`, and was heard together with it: the cart and the order in one batch.
fn heard_after(one: &Launched, plans: &Plans, events: &[Heard<'_>], place: usize) -> Vec<(String, Timestamp)> {
    let entry = &events[place];
    let is_after = |(at, it): &(usize, &Heard<'_>)| {
        let times = (it.event.occurred_at, entry.event.occurred_at);
        it.person == entry.person && (times.0 > times.1 || (times.0 == times.1 && *at > place))
    };
    let listens = one.definition.listens();
    let after = events.iter().enumerate().filter(is_after).flat_map(|(_, it)| {
        let meant = listens.iter().filter(|(_, event)| plans.is_meant(it.event, &event.name, event.filter.as_ref()));
        meant.map(|(what, _)| (what.clone(), it.event.occurred_at))
    });
    after.collect()
}

fn occasion(one: &Launched, plans: &Plans, heard: &Heard<'_>, log_position: i64, now: Timestamp) -> Option<Occasion> {
    let Entry::Event { name, filter, key, not_older_than } = &one.definition.entry else { return None };
    if !plans.is_meant(heard.event, name, filter.as_ref()) {
        return None;
    }
    let key = occasion_key(heard.event, key.as_deref())?;
    Some(Occasion {
        person: heard.person,
        handle: Some(heard.handle),
        key,
        payload: json!({
            "name": heard.event.name,
            "occurred_at": heard.event.occurred_at.to_rfc3339(),
            "properties": heard.properties,
        }),
        from: now,
        log_position,
        is_late: now.0 - heard.event.occurred_at.0 > not_older_than.micros(),
        since: Some(heard.event.occurred_at),
        heard: Vec::new(),
    })
}

/// What tells an event from others as an occasion; `None` where it lacks what would: it says nothing about the occasion then.
pub fn occasion_key(event: EventView<'_>, path: Option<&str>) -> Option<String> {
    match path {
        None => Some(String::new()),
        Some(path) => text(event.property(path)?),
    }
}

/// The longest key of an occasion, in bytes.
const LONGEST_KEY: usize = 200;

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty() && text.len() <= LONGEST_KEY).then_some(text)
}

/// Remembers for people on their way that what they wait for happened.
async fn remember(
    tx: &mut Tx,
    with: With<'_>,
    awaited: Vec<(PersonId, &Launched, String, Timestamp)>,
    log_position: i64,
    now: Timestamp,
) -> Result<(), Error> {
    if awaited.is_empty() {
        return Ok(());
    }
    let persons: BTreeSet<PersonId> = awaited.iter().map(|(person, ..)| *person).collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    for mut row in instances::active_of(tx, with.workspace, &persons).await? {
        let mut instance = row.instance();
        let since = instance.since();
        let mut is_new = false;
        for (person, one, what, at) in &awaited {
            // What happened before they came in says nothing, however late we hear of it.
            if *person == row.person && one.key == row.journey && one.version == row.version && *at >= since {
                instance.hear(what, *at);
                is_new = true;
            }
        }
        if is_new {
            instance.wake_at = Some(now);
            row.take(&instance);
            instances::update(tx, &row).await?;
            instances::hold_until(tx, &row.id, log_position).await?;
        }
    }
    Ok(())
}

/// Lets people in who may come in; how many.
///
/// # Errors
/// The store's.
pub async fn enter(tx: &mut Tx, with: With<'_>, one: &Launched, occasions: Vec<Occasion>) -> Result<u64, Error> {
    if occasions.is_empty() {
        return Ok(0);
    }
    let now = with.clock.now();
    let persons: BTreeSet<PersonId> = occasions.iter().map(|it| it.person).collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    let before = instances::entries(tx, with.workspace, &one.key, &persons).await?;
    let mut handles: BTreeMap<PersonId, Handle> = BTreeMap::new();
    if occasions.iter().any(|it| it.handle.is_none()) {
        for row in identifiers::by_persons(tx, with.workspace, &persons).await? {
            handles.entry(row.person).or_insert(row.handle);
        }
    }
    let mut rows: Vec<InstanceRow> = Vec::new();
    for occasion in occasions {
        // Whoever has no identifier any more is nobody: by now they all belong to others, who come in by themselves.
        let Some(handle) = occasion.handle.or_else(|| handles.get(&occasion.person).copied()) else { continue };
        let own: Vec<&Entered> = before.iter().filter(|it| it.person == occasion.person).collect();
        let is_twice = rows.iter().any(|row| is_in_the_way(&one.definition, row, &occasion));
        if is_twice || !may_enter(&one.definition, &own, &occasion.key, now) {
            continue;
        }
        let id = Id::new("ins", with.clock, with.rng);
        let of = (one.key.as_str(), one.version);
        let mut instance = Instance::new(id.0, of, occasion.person, occasion.key, &one.definition.start, now);
        instance.handle = Some(handle);
        instance.entered_at = occasion.from.max(now);
        instance.wake_at = Some(instance.entered_at);
        if let Some(since) = occasion.since {
            instance.hear(ENTRY, since);
        }
        for (what, at) in &occasion.heard {
            instance.hear(what, *at);
        }
        if occasion.is_late {
            instance.end(End::Late, now);
        }
        rows.push(InstanceRow::new(&instance, occasion.payload, occasion.log_position));
    }
    Ok(instances::insert(tx, with.workspace, &rows).await?)
}

/// Whether somebody who comes in together with others comes in already: what was too late is in nobody's way but its own.
fn is_in_the_way(definition: &Definition, row: &InstanceRow, occasion: &Occasion) -> bool {
    let is_late = row.ended_at.is_some();
    let is_cooling = matches!(definition.reentry, Reentry::After(_)) && !is_late;
    row.person == occasion.person
        && (is_late == occasion.is_late || !is_late)
        && (row.entry_key == occasion.key || !is_by_occasion(definition) || is_cooling)
}

/// Whether occasions are told apart by a key of the event: then each counts by itself.
fn is_by_occasion(definition: &Definition) -> bool {
    matches!(&definition.entry, Entry::Event { key: Some(_), .. })
}

/// Whether somebody may come in, who came in so often before.
pub(crate) fn may_enter(definition: &Definition, own: &[&Entered], key: &str, now: Timestamp) -> bool {
    let same = |it: &&&Entered| !is_by_occasion(definition) || it.entry_key == key;
    if own.iter().filter(same).any(|it| it.active > 0) {
        return false;
    }
    // Who came in by a run, or on their day, does not come in by it again, however the journey is entered otherwise.
    let is_run = matches!(&definition.entry, Entry::Schedule(_) | Entry::Date { .. });
    if is_run && own.iter().any(|it| it.entry_key == key) {
        return false;
    }
    let times: i64 = own.iter().filter(same).map(|it| it.times).sum();
    match definition.reentry {
        Reentry::Never => times == 0,
        Reentry::AfterExit => true,
        Reentry::AtMost(most) => times < i64::from(most),
        // A cool-down is the person's, whatever the occasion.
        Reentry::After(length) => own.iter().all(|it| now.0 - it.last_at.0 >= length.micros()),
    }
}

/// Takes in changes of membership: (segment, who, whether they came in).
///
/// # Errors
/// The store's.
pub async fn hear_memberships(tx: &mut Tx, with: With<'_>, changes: &[(String, PersonId, bool)]) -> Result<(), Error> {
    let now = with.clock.now();
    let mut waking: BTreeMap<&str, Vec<PersonId>> = BTreeMap::new();
    for (segment, person, _) in changes {
        if !with.plans.asking(segment).is_empty() {
            waking.entry(segment).or_default().push(*person);
        }
    }
    for (segment, persons) in waking {
        instances::wake(tx, with.workspace, &persons, with.plans.asking(segment), now, 0).await?;
    }
    for one in with.plans.all().filter(|one| one.is_open) {
        let (segment, wanted) = match &one.definition.entry {
            Entry::SegmentEntered { when, .. } => (when.segment(), true),
            Entry::SegmentLeft { when } => (when.segment(), false),
            _ => continue,
        };
        let came = changes.iter().filter(|(key, _, entered)| *key == segment && *entered == wanted);
        let came: Vec<Occasion> = came.map(|(_, person, _)| Occasion::now(*person, "", now)).collect();
        enter(tx, with, one, came).await?;
    }
    Ok(())
}

/// Hears what is newly known of people: (who, what). Where their clocks may show something else now, waits until an hour of theirs are looked at again.
///
/// # Errors
/// The store's.
pub async fn hear_facts<'a>(
    tx: &mut Tx,
    with: With<'_>,
    told: impl Iterator<Item = (PersonId, &'a str)>,
) -> Result<(), Error> {
    let is_place = |key: &str| ZONE_FACTS.contains(&key) || COUNTRY_FACTS.contains(&key);
    look_again(tx, with, told.filter(|(_, key)| is_place(key)).map(|(person, _)| person).collect()).await
}

/// Looks at everything that these people are in.
async fn look_again(tx: &mut Tx, with: With<'_>, persons: BTreeSet<PersonId>) -> Result<(), Error> {
    let persons: Vec<PersonId> = persons.into_iter().collect();
    let journeys: BTreeSet<&String> = with.plans.all().filter(|one| one.goes_on).map(|one| &one.key).collect();
    let journeys: Vec<String> = journeys.into_iter().cloned().collect();
    if !persons.is_empty() && !journeys.is_empty() {
        instances::wake(tx, with.workspace, &persons, &journeys, with.clock.now(), 0).await?;
    }
    Ok(())
}

/// Gives what identifiers brought in to the persons they belong to now: (identifier, whose it was, whose it is). Of two who become one and are on the
/// same way the younger instance is over. Whoever lost an identifier or got one may live by another clock now, so what they wait for is looked at.
///
/// # Errors
/// The store's.
pub async fn moved(tx: &mut Tx, with: With<'_>, moves: &[(Handle, PersonId, PersonId)]) -> Result<(), Error> {
    let now = with.clock.now();
    let from: BTreeSet<PersonId> = moves.iter().map(|(_, from, _)| *from).collect();
    let from: Vec<PersonId> = from.into_iter().collect();
    // Of most devices whose owner becomes known nothing is kept here: those are asked about together, once.
    let mut holders = instances::holders(tx, with.workspace, &from).await?;
    for (handle, from, to) in moves {
        if !holders.contains(from) {
            continue;
        }
        holders.insert(*to);
        instances::moved(tx, with.workspace, *handle, *from, *to).await?;
        for mut row in instances::active_of_handle(tx, with.workspace, *handle).await? {
            if row.person != *from {
                continue;
            }
            let others = instances::active_of(tx, with.workspace, &[*to]).await?;
            // Where a person is in a journey once, whatever brought them in, so are two who become one.
            let once = with.plans.get(&row.journey, row.version).is_some_and(|one| !is_by_occasion(&one.definition));
            let is_same = |it: &InstanceRow| it.journey == row.journey && (once || it.entry_key == row.entry_key);
            match others.into_iter().find(is_same) {
                None => instances::give(tx, &row.id, *to, now).await?,
                Some(mut other) => {
                    let keeps_other = (other.entered_at, &other.id) <= (row.entered_at, &row.id);
                    let over = if keeps_other { &mut row } else { &mut other };
                    launching::end(tx, with.workspace, over, End::Merged, now).await?;
                    instances::give(tx, &row.id, *to, now).await?;
                }
            }
        }
    }
    look_again(tx, with, moves.iter().flat_map(|(_, from, to)| [*from, *to]).collect()).await
}
