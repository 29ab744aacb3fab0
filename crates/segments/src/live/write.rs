//! Writes changes of membership, with their domain events.
//!
//! Always holds: what is written is the difference between what is held true and what is true; written again, it changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Result, Tx};
use serde_json::json;

use super::Segments;
use crate::history::{Spans, spans};
use crate::person::Change;
use crate::records::memberships::{self, MembershipRow};

/// Somebody came into a segment.
pub const ENTERED: &str = "membership.entered";
/// Somebody left a segment.
pub const EXITED: &str = "membership.exited";
/// The past was told anew: what had been said of somebody's membership was not so.
pub const RESTATED: &str = "membership.restated";

/// What is to be written.
#[derive(Default)]
pub(crate) struct Writing {
    /// Changes that come after what is held true.
    changes: BTreeMap<PersonId, Vec<Change>>,
    /// All that is true of people who were made again.
    again: BTreeMap<PersonId, Spans>,
}

impl Writing {
    pub(super) fn changed(&mut self, id: PersonId, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.changes.entry(id).or_default().extend(changes);
        }
    }

    pub(super) fn again(&mut self, id: PersonId, changes: &[Change]) {
        self.again.insert(id, spans(changes));
    }

    /// Nothing is true of somebody, unless something was said.
    pub(super) fn gone(&mut self, id: PersonId) {
        self.again.entry(id).or_default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.again.is_empty()
    }

    /// Parts of it, of so many people each.
    pub(super) fn slices(self, size: usize) -> Vec<Self> {
        let mut slices: Vec<Self> = Vec::new();
        for (id, spans) in self.again {
            if slices.last().is_none_or(|slice| slice.again.len() >= size) {
                slices.push(Self::default());
            }
            if let Some(slice) = slices.last_mut() {
                slice.again.insert(id, spans);
            }
        }
        slices
    }

    pub(super) fn people(&self) -> Vec<PersonId> {
        self.changes.keys().chain(self.again.keys()).copied().collect()
    }
}

/// Flows by segment and day.
pub(super) type Flows = BTreeMap<(i64, i64), (i64, i64)>;

fn flow(flows: &mut Flows, segment: i64, at: Timestamp, entered: i64, exited: i64) {
    let day = flows.entry((segment, at.utc_day())).or_default();
    day.0 += entered;
    day.1 += exited;
}

/// What becomes of rows.
#[derive(Default)]
struct Rows {
    inserted: Vec<MembershipRow>,
    ended: Vec<(PersonId, i64, Timestamp, Timestamp)>,
    replaced: Vec<(PersonId, i64, Timestamp)>,
    flows: Flows,
    events: Vec<(PersonId, &'static str, serde_json::Value)>,
}

/// Which changes become domain events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    All,
    Nothing,
}

/// Writes it, of `only` these segments, or all.
pub(super) async fn write(
    tx: &mut Tx,
    workspace: WorkspaceId,
    segments: &Segments,
    writing: &Writing,
    only: Option<&BTreeSet<i64>>,
    telling: Telling,
    now: Timestamp,
) -> Result<()> {
    let mut rows = Rows::default();
    let known: BTreeSet<i64> = segments.numbers.iter().copied().collect();
    let only = only.unwrap_or(&known);
    let keys: Vec<&str> = segments.program.keys().collect();
    let name = |tree: usize| (segments.numbers[tree], keys[tree]);
    for (person, changes) in &writing.changes {
        let changes: Vec<Change> = changes.iter().filter(|it| only.contains(&name(it.tree).0)).copied().collect();
        rows.add(*person, &changes, name, now);
    }
    let again: Vec<PersonId> = writing.again.keys().copied().collect();
    let mut held: BTreeMap<PersonId, Vec<MembershipRow>> = BTreeMap::new();
    for chunk in again.chunks(500) {
        for row in memberships::of_persons(tx, workspace, chunk).await? {
            held.entry(row.person).or_default().push(row);
        }
    }
    for (person, spans) in &writing.again {
        let held = held.remove(person).unwrap_or_default();
        rows.correct(*person, &held, spans, (&segments.numbers, &keys), only, now);
    }
    memberships::replace(tx, workspace, &rows.replaced, now).await?;
    memberships::end(tx, workspace, &rows.ended, now).await?;
    memberships::insert(tx, workspace, &rows.inserted).await?;
    memberships::add_flows(tx, workspace, &rows.flows).await?;
    for (person, name, payload) in rows.events.into_iter().filter(|_| telling == Telling::All) {
        tx.emit(Event::new(workspace, name, payload).about(person));
    }
    Ok(())
}

impl Rows {
    /// Changes that come after all that is held true.
    fn add<'k>(
        &mut self,
        person: PersonId,
        changes: &[Change],
        name: impl Fn(usize) -> (i64, &'k str),
        now: Timestamp,
    ) {
        for change in changes {
            let (segment, key) = name(change.tree);
            let at = change.at;
            if change.entered {
                flow(&mut self.flows, segment, at, 1, 0);
                self.inserted.push(MembershipRow {
                    person,
                    segment,
                    entered_at: at,
                    exited_at: None,
                    recorded_at: now,
                });
            } else {
                flow(&mut self.flows, segment, at, 0, 1);
                // A time that began in this very batch is not stored yet.
                let open = |row: &&mut MembershipRow| {
                    row.person == person && row.segment == segment && row.exited_at.is_none()
                };
                match self.inserted.iter_mut().rev().take(changes.len()).find(open) {
                    Some(row) => row.exited_at = Some(at),
                    None => self.ended.push((person, segment, change.since, at)),
                }
            }
            let event = if change.entered { ENTERED } else { EXITED };
            self.events.push((person, event, json!({ "segment": key, "at": at.to_rfc3339() })));
        }
    }

    /// The difference between what is held true of somebody and what is.
    fn correct(
        &mut self,
        person: PersonId,
        held: &[MembershipRow],
        spans: &Spans,
        (numbers, keys): (&[i64], &[&str]),
        only: &BTreeSet<i64>,
        now: Timestamp,
    ) {
        let stored = held.iter().map(|row| row.segment);
        let concerned: BTreeSet<i64> = stored
            .chain(spans.iter().map(|(tree, ..)| numbers[*tree]))
            .filter(|segment| only.contains(segment))
            .collect();
        for segment in concerned {
            let key = numbers.iter().position(|number| *number == segment).map_or("", |tree| keys[tree]);
            let held: Vec<(Timestamp, Option<Timestamp>)> =
                held.iter().filter(|row| row.segment == segment).map(|row| (row.entered_at, row.exited_at)).collect();
            let is: Vec<(Timestamp, Option<Timestamp>)> = spans
                .iter()
                .filter(|(tree, ..)| numbers[*tree] == segment)
                .map(|(_, from, until)| (*from, *until))
                .collect();
            self.correct_segment(person, (segment, key), &held, &is, now);
        }
    }

    fn correct_segment(
        &mut self,
        person: PersonId,
        (segment, key): (i64, &str),
        held: &[(Timestamp, Option<Timestamp>)],
        is: &[(Timestamp, Option<Timestamp>)],
        now: Timestamp,
    ) {
        let same = held.iter().zip(is).take_while(|(held, is)| held == is).count();
        let (held, is) = (&held[same..], &is[same..]);
        let goes_on = match (held, is) {
            ([], _) => true,
            // The one that was open has ended since, or the same goes on.
            ([(held, None)], [(is, _), ..]) => held == is,
            _ => false,
        };
        let mut rest = is;
        if let ([(entered, None)], [(_, Some(exited)), ..], true) = (held, is, goes_on) {
            self.ended.push((person, segment, *entered, *exited));
            flow(&mut self.flows, segment, *exited, 0, 1);
            self.events.push((person, EXITED, json!({ "segment": key, "at": exited.to_rfc3339() })));
            rest = &is[1..];
        } else if !goes_on {
            for (entered, exited) in held {
                self.replaced.push((person, segment, *entered));
                flow(&mut self.flows, segment, *entered, -1, 0);
                if let Some(exited) = exited {
                    flow(&mut self.flows, segment, *exited, 0, -1);
                }
            }
            let told = |list: &[(Timestamp, Option<Timestamp>)]| -> Vec<serde_json::Value> {
                let span = |(from, until): &(Timestamp, Option<Timestamp>)| json!({ "from": from.to_rfc3339(), "until": until.map(Timestamp::to_rfc3339) });
                list.iter().map(span).collect()
            };
            self.events.push((person, RESTATED, json!({ "segment": key, "was": told(held), "is": told(is) })));
        }
        for (entered, exited) in rest {
            flow(&mut self.flows, segment, *entered, 1, 0);
            if let Some(exited) = exited {
                flow(&mut self.flows, segment, *exited, 0, 1);
            }
            if goes_on {
                self.events.push((person, ENTERED, json!({ "segment": key, "at": entered.to_rfc3339() })));
                let exit = |exited: &Timestamp| (person, EXITED, json!({ "segment": key, "at": exited.to_rfc3339() }));
                self.events.extend(exited.as_ref().map(exit));
            }
            self.inserted.push(MembershipRow {
                person,
                segment,
                entered_at: *entered,
                exited_at: *exited,
                recorded_at: now,
            });
        }
    }
}
