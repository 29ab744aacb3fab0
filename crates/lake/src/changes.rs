//! What happened to rows after they were written: handles that moved to another person, handles that were erased, events that
//! were superseded. Applied on every read until compaction has rewritten the files, and always in place to hot rows.
//!
//! Always holds: each change has a revision, counted up within its workspace in the transaction that made it; a file carries the
//! revision that was known when it was written and needs only the changes after it. The entry of a handle holds where it is *now*, so
//! entries can be applied in any order and twice.

use std::collections::{BTreeSet, HashMap};

use rapport_domain::{EventId, Handle, PersonId};

/// A handle whose person changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The handle.
    pub handle: Handle,
    /// The person before: rows may be written under it.
    pub from: PersonId,
    /// The person now; `None` when the handle's rows are erased.
    pub to: Option<PersonId>,
}

/// A handle's place now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) to: Option<PersonId>,
    pub(crate) revision: i64,
    /// Every person under which rows of the handle may be written.
    pub(crate) from: Vec<PersonId>,
}

/// An event that no question sees any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dead {
    pub(crate) revision: i64,
    /// The log position up to which the event may still come again after a crash.
    pub(crate) position: i64,
}

/// All changes of a workspace that some file may not have yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// All changes up to this revision are here.
    pub(crate) revision: i64,
    /// Later revisions that came before their turn: two transactions may be published in the other order.
    ahead: BTreeSet<i64>,
    pub(crate) moved: HashMap<Handle, Moved>,
    pub(crate) dead: HashMap<EventId, Dead>,
}

impl Changes {
    /// No changes, up to `revision`.
    pub(crate) fn at(revision: i64) -> Self {
        Self { revision, ..Self::default() }
    }

    /// Notes that all changes of `revision` are here.
    pub(crate) fn complete(&mut self, revision: i64) {
        if revision > self.revision {
            self.ahead.insert(revision);
        }
        while self.ahead.remove(&(self.revision + 1)) {
            self.revision += 1;
        }
    }

    /// Takes in one move of `revision`.
    pub(crate) fn apply_move(&mut self, change: Move, revision: i64) {
        let entry = self.moved.entry(change.handle).or_insert(Moved { to: change.to, revision, from: Vec::new() });
        if revision >= entry.revision {
            entry.to = change.to;
            entry.revision = revision;
        }
        if !entry.from.contains(&change.from) {
            entry.from.push(change.from);
        }
    }

    /// Takes in one superseded event of `revision`.
    pub(crate) fn apply_dead(&mut self, event: EventId, dead: Dead) {
        self.dead.entry(event).or_insert(dead);
    }

    /// Whether a file written at `revision` lacks a change.
    pub(crate) fn lacks(&self, revision: i64) -> bool {
        let later = self.ahead.last().copied().unwrap_or(self.revision).max(self.revision);
        revision < later && self.len() > 0
    }

    /// How many changes wait to be squashed.
    pub(crate) fn len(&self) -> usize {
        self.moved.len() + self.dead.len()
    }

    /// The changes that a file written at `revision` does not have yet.
    pub(crate) fn after(&self, revision: i64) -> Self {
        Self {
            revision: self.revision,
            ahead: BTreeSet::new(),
            moved: self.moved.iter().filter(|(_, to)| to.revision > revision).map(|(h, to)| (*h, to.clone())).collect(),
            dead: self
                .dead
                .iter()
                .filter(|(_, dead)| dead.revision > revision)
                .map(|(id, dead)| (*id, *dead))
                .collect(),
        }
    }

    /// The changes every file has, when the oldest file was written at `revision` and rows up to log position `flushed` are in
    /// files: they can be forgotten.
    pub(crate) fn settled(&self, revision: i64, flushed: i64) -> (Vec<Handle>, Vec<EventId>) {
        let moved = self.moved.iter().filter(|(_, to)| to.revision <= revision).map(|(handle, _)| *handle);
        let dead = self.dead.iter().filter(|(_, dead)| dead.revision <= revision && dead.position <= flushed);
        (moved.collect(), dead.map(|(id, _)| *id).collect())
    }

    /// Where the rows of `handle` are now, when they were written under `person`; `None` when erased.
    pub(crate) fn person(&self, handle: Handle, person: PersonId) -> Option<PersonId> {
        self.moved.get(&handle).map_or(Some(person), |moved| moved.to)
    }

    /// The persons under which rows that belong to `person` now may be written.
    pub(crate) fn written_under(&self, person: PersonId) -> Vec<PersonId> {
        let mut persons = vec![person];
        for moved in self.moved.values().filter(|moved| moved.to == Some(person)) {
            persons.extend(&moved.from);
        }
        persons.sort_unstable();
        persons.dedup();
        persons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_that_moves_twice_is_where_it_went_last() {
        let (handle, first, second, third) = (Handle(1), PersonId(10), PersonId(20), PersonId(30));
        let mut changes = Changes::at(0);
        changes.apply_move(Move { handle, from: second, to: Some(third) }, 2);
        changes.apply_move(Move { handle, from: first, to: Some(second) }, 1);
        changes.complete(2);
        assert_eq!(changes.revision, 0, "revision 1 is not complete yet");
        changes.complete(1);
        assert_eq!(changes.revision, 2);
        assert_eq!(changes.person(handle, first), Some(third));
        assert_eq!(changes.written_under(third), [first, second, third]);
        assert_eq!(changes.after(1).len(), 1);
        assert_eq!(changes.after(2).len(), 0);
        assert_eq!(changes.settled(1, 0).0, []);
        assert_eq!(changes.settled(2, 0).0, [handle]);
        changes.apply_dead(EventId([1; 16]), Dead { revision: 3, position: 9 });
        assert_eq!(changes.settled(3, 8).1, []);
        assert_eq!(changes.settled(3, 9).1, [EventId([1; 16])]);
    }
}
