//! Where members stand on the programme's ladders: reckoned anew in the transaction that applies what counts, and by the night work when time alone changes something.
//!
//! Always holds: a higher tier is reached with the event that reaches it. Nothing depends on the night work being in time: whoever asks is answered as of now, and facts and events follow.
//!
//! Does not: decide where somebody stands (`loyalty::tiers`).

pub mod facts;
mod lives;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::Result;
use rapport_domain::shop_events::{ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_UPDATED};
use rapport_domain::{Calendar, Event, PersonId, Timestamp, WorkspaceId};
use rapport_lake::EventRow;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::programs::Programs;
use rapport_loyalty::records::tiers::{self, Change, Count, Reckoned, counted_key};
use rapport_loyalty::tiers::{Counted, Course, Ladder};
use rapport_profiles::Applied;
use rapport_profiles::records::orders;
use rapport_segments::{Condition, EventView, Moment, evaluate};
use rapport_store::{Priority, Slice, Tx};
use serde_json::Value;

use crate::engaging::listening;
use crate::installation::Installation;
use crate::knowing::Known;

pub use lives::{Life, Lives};

/// What the names of events begin with after which standings may differ.
const OWN: [&str; 3] = ["Points ", "Member ", "Tier "];
const ORDERS: [&str; 4] = [ORDER_COMPLETED, ORDER_UPDATED, ORDER_REFUNDED, ORDER_CANCELLED];
/// An event counts as one unless a property says how much.
const ONE: i64 = 1_000_000;

/// The ladders of a programme in all their versions.
#[derive(Debug)]
pub struct Ladders<'a> {
    /// The programme and its rules.
    pub programs: &'a Programs,
    /// The programme as it is now.
    pub program: &'a Program,
    /// Days, months and hours of its zone.
    pub calendar: Calendar,
    counts_from: Timestamp,
    list: Vec<Versions<'a>>,
}

#[derive(Debug)]
struct Versions<'a> {
    key: &'a str,
    versions: Vec<(Timestamp, &'a Ladder)>,
    is_late: bool,
}

impl<'a> Ladders<'a> {
    /// Those of a programme; `None` where it has none.
    ///
    /// # Errors
    /// That nobody knows its zone.
    pub fn of(programs: &'a Programs) -> Result<Option<Self>> {
        let Some(latest) = programs.latest() else { return Ok(None) };
        let program = &latest.program;
        if program.ladders.is_empty() {
            return Ok(None);
        }
        let all = &programs.programs;
        let list = program.ladders.iter().map(|ladder| {
            let versions = all.iter().filter_map(|it| Some((it.in_force_from, it.program.ladder(&ladder.key)?)));
            let versions: Vec<_> = versions.collect();
            let is_late = all.first().is_some_and(|first| first.program.ladder(&ladder.key).is_none());
            Versions { key: ladder.key.as_str(), versions, is_late }
        });
        Ok(Some(Self {
            programs,
            program,
            calendar: program.calendar()?,
            counts_from: programs.counts_from().unwrap_or(Timestamp(i64::MAX)),
            list: list.collect(),
        }))
    }

    /// Everything that is counted by any version, once each.
    pub fn counted(&self) -> Vec<&'a Counted> {
        let ladders = self.list.iter().flat_map(|it| &it.versions).flat_map(|(_, ladder)| &ladder.measures);
        let mut all: Vec<&Counted> = Vec::new();
        for measure in ladders {
            if !all.contains(&&measure.counts) {
                all.push(&measure.counts);
            }
        }
        all
    }

    /// What decides how somebody stands on one of them.
    pub fn course<'b>(&'b self, key: &str, life: &'b Life) -> Option<Course<'b>> {
        let of = self.list.iter().find(|it| it.key == key)?;
        Some(Course {
            versions: of.versions.clone(),
            is_late: of.is_late,
            zone: self.program.time_zone().ok()?,
            counts_from: self.counts_from,
            enrolled_at: life.member.enrolled_at,
            history: &life.history,
            matches: life.matches.get(key).map_or(&[], Vec::as_slice),
        })
    }

    fn conditions(&self) -> Vec<&'a Condition> {
        let of = |counted: &&'a Counted| match counted {
            Counted::Condition { when } => Some(when),
            _ => None,
        };
        self.counted().iter().filter_map(of).collect()
    }

    /// Whether any of them counts this.
    fn counts(&self, which: impl Fn(&Counted) -> bool) -> bool {
        self.counted().into_iter().any(which)
    }
}

/// Hears what a batch says that counts, and reckons anew where its people stand, in the transaction that applies it.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &mut Applied,
) -> Result<()> {
    let programs = installation.programs.get(tx, workspace).await?;
    let Some(ladders) = Ladders::of(&programs)? else { return Ok(()) };
    let people = people(&ladders, tx, workspace, events, applied).await?;
    if people.is_empty() {
        return Ok(());
    }
    let found = members::by_persons(tx, workspace, &people).await?;
    if found.is_empty() {
        return Ok(());
    }
    let now = installation.clock.now();
    count(&ladders, tx, workspace, (events, applied), &found).await?;
    review(&ladders, tx, workspace, found, (now, false)).await?;
    facts::tell(tx, workspace, &people, (events, applied), now).await
}

/// Of whom a batch says anything after which they may stand otherwise.
async fn people(
    ladders: &Ladders<'_>,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<Vec<PersonId>> {
    let everything = !ladders.conditions().is_empty();
    let by_points = ladders.counts(|it| matches!(it, Counted::Points { .. }));
    let by_orders = ladders.counts(|it| matches!(it, Counted::Spent | Counted::Orders));
    let counted = ladders.counted();
    let counted: BTreeSet<&str> = counted
        .iter()
        .filter_map(|it| match it {
            Counted::Events { event, .. } => Some(event.as_str()),
            _ => None,
        })
        .collect();
    let earns: BTreeSet<&str> = ladders.programs.rules.iter().map(|it| it.document.event.as_str()).collect();
    let mut people: BTreeSet<PersonId> = BTreeSet::new();
    let mut order_ids: BTreeSet<String> = BTreeSet::new();
    for (event, it) in events.iter().zip(&applied.events) {
        let name = event.name.as_str();
        let is_order = ORDERS.contains(&name);
        if everything
            || counted.contains(name)
            || (by_points && (is_order || earns.contains(name)))
            || (by_orders && is_order)
            || OWN.iter().any(|own| name.starts_with(own))
        {
            people.insert(it.person);
        }
        if is_order && (by_points || by_orders) {
            let named = event.properties.get("order_id").and_then(Value::as_str);
            order_ids.extend(named.map(str::to_owned));
        }
    }
    people.extend(applied.moved.iter().flat_map(|moved| [moved.from, moved.to]));
    // What went back may be told of somebody who did not order it.
    if !order_ids.is_empty() {
        let order_ids: Vec<String> = order_ids.into_iter().collect();
        people.extend(orders::owners(tx, workspace, &order_ids).await?);
    }
    Ok(people.into_iter().collect())
}

/// Counts the events of a batch that ladders ask for.
async fn count(
    ladders: &Ladders<'_>,
    tx: &mut Tx,
    workspace: WorkspaceId,
    (events, applied): (&[Event], &Applied),
    found: &[Member],
) -> Result<()> {
    let members: BTreeMap<PersonId, MemberId> = found.iter().filter_map(|it| Some((it.person?, it.member))).collect();
    let asked: Vec<(&Counted, String)> = ladders
        .counted()
        .into_iter()
        .filter(|it| matches!(it, Counted::Events { .. }))
        .map(|it| (it, counted_key(it)))
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let conditions: Vec<&Condition> = asked
        .iter()
        .filter_map(|(it, _)| match it {
            Counted::Events { when, .. } => Some(when),
            _ => None,
        })
        .collect();
    let people: Vec<PersonId> = members.keys().copied().collect();
    let known = Known::read(tx, workspace, &conditions, &people).await?;
    let gone: Vec<String> = applied.superseded.iter().map(|(_, old)| old.to_hex()).collect();
    if !gone.is_empty() {
        let numbers: Vec<MemberId> = members.values().copied().collect();
        tiers::forget_counts(tx, workspace, &numbers, &gone).await?;
    }
    let mut counts = Vec::new();
    for (event, it) in events.iter().zip(&applied.events) {
        let Some(member) = members.get(&it.person) else { continue };
        for (counted, key) in &asked {
            let Counted::Events { event: name, when, property } = counted else { continue };
            if *name != event.name {
                continue;
            }
            let row = listening::row(event, it);
            let view = EventView::new(name, it.occurred_at, row.properties());
            let moment = Moment { now: it.occurred_at, calendar: &ladders.calendar };
            if !known.with(it.person, view, |subject| evaluate::holds(when, subject, moment)) {
                continue;
            }
            let amount = property.as_ref().map_or(ONE, |path| number(&row, path));
            counts.push(Count {
                member: *member,
                counted: key.clone(),
                occasion: event.id.to_hex(),
                amount,
                occurred_at: it.occurred_at,
                handle: it.handle,
            });
        }
    }
    Ok(tiers::count(tx, workspace, &counts).await?)
}

/// A number of an event in millionths; what is none, or below 0, counts for nothing.
fn number(row: &EventRow, path: &str) -> i64 {
    let value = row.properties().iter().find(|(name, _)| name == path).map(|(_, value)| value);
    value.and_then(rapport_domain::money::micros_from_json).unwrap_or(0).max(0)
}

/// Reckons where these members stand, keeps it and tells what changed; also that only the way to the next tier did, where that is by time alone.
///
/// # Errors
/// The store's.
pub async fn review(
    ladders: &Ladders<'_>,
    tx: &mut Tx,
    workspace: WorkspaceId,
    found: Vec<Member>,
    (now, is_by_time): (Timestamp, bool),
) -> Result<()> {
    let numbers: Vec<MemberId> = found.iter().map(|it| it.member).collect();
    let mut lives = Lives::read(ladders, tx, workspace, found).await?;
    look_at_conditions(ladders, tx, workspace, &mut lives, now).await?;
    let known = tiers::standings(tx, workspace, &numbers).await?;
    let moves = tiers::moves_of(tx, workspace, &numbers).await?;
    for life in &lives.list {
        // Of whoever was forgotten nothing is reckoned.
        let Some(person) = life.member.person else { continue };
        for ladder in &ladders.program.ladders {
            let Some(course) = ladders.course(&ladder.key, life) else { continue };
            let standing = course.standing(now);
            let next = course.next(&standing, now);
            let key = (life.member.member.0, ladder.key.clone());
            let known = known.iter().find(|row| (row.member, &row.ladder) == (key.0, &key.1));
            let moves = moves.get(&key).map_or(&[][..], Vec::as_slice);
            let it = Reckoned { member: life.member.member, person, ladder, standing: &standing, next: next.as_ref() };
            let change = tiers::save(tx, workspace, &it, (known, moves), now).await?;
            if is_by_time && change == Change::Progress {
                tiers::tell_progress(tx, workspace, &it);
            }
        }
    }
    Ok(())
}

/// Notes which conditions hold now that did not when they were last looked at, or the other way round.
async fn look_at_conditions(
    ladders: &Ladders<'_>,
    tx: &mut Tx,
    workspace: WorkspaceId,
    lives: &mut Lives,
    now: Timestamp,
) -> Result<()> {
    let conditions = ladders.conditions();
    if conditions.is_empty() {
        return Ok(());
    }
    let people: Vec<PersonId> = lives.list.iter().filter_map(|life| life.member.person).collect();
    let known = Known::read(tx, workspace, &conditions, &people).await?;
    let moment = Moment { now, calendar: &ladders.calendar };
    let asked = ladders.counted().into_iter().filter_map(|it| match it {
        Counted::Condition { when } => Some((it, when, counted_key(it))),
        _ => None,
    });
    let mut counts = Vec::new();
    for (counted, when, key) in asked {
        for life in &mut lives.list {
            let (Some(person), Some(handle)) = (life.member.person, life.handle) else { continue };
            let nothing = EventView::new("", now, &[]);
            let holds = known.with(person, nothing, |subject| evaluate::holds(when, subject, moment));
            if life.held(&key) == holds {
                continue;
            }
            let occasion = format!("{:020}", now.0);
            let amount = if holds { ONE } else { 0 };
            let member = life.member.member;
            counts.push(Count { member, counted: key.clone(), occasion, amount, occurred_at: now, handle });
            life.switch(counted, &key, now, holds);
        }
    }
    Ok(tiers::count(tx, workspace, &counts).await?)
}

/// Does what is due on the ladders of a workspace, a few members at a time; how many were looked at.
///
/// # Errors
/// The store's.
pub async fn settle(installation: &Installation, workspace: WorkspaceId, slice: &mut Slice) -> Result<usize> {
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, workspace).await?;
    let Some(ladders) = Ladders::of(&programs)? else { return Ok(0) };
    let now = installation.clock.now();
    let version = programs.latest().map_or(0, |it| it.version);
    let mut due = tiers::due(&mut db, workspace, now, slice.size()).await?;
    if due.is_empty() && tiers::is_swept(&mut db, workspace, version).await? {
        return Ok(0);
    }
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    if due.is_empty() {
        // The programme was changed: everybody is looked at once.
        due = tiers::sweep(&mut tx, workspace, version, slice.size()).await?;
    }
    let found = members::by_numbers(&mut tx, workspace, &due).await?;
    review(&ladders, &mut tx, workspace, found, (now, true)).await?;
    tx.commit().await?;
    slice.took(began.elapsed(), due.len());
    Ok(due.len())
}
