//! A person's whole history through a program: the batch driver of the one accumulator.
//!
//! Always holds: the spans are ascending and apart from each other; an open one has no end up to the instant that was asked for.

use rapport_domain::{PersonId, Timestamp};

use crate::evaluate::{EventView, FactView};
use crate::person::{Change, Person, Told};
use crate::program::{Program, Seen};

/// Everything of a person that concerns a program, in order.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// When they came: their first event or fact.
    pub born: Option<Timestamp>,
    /// Events in the one order: (when, what it is to which leaf).
    pub seen: Vec<(Timestamp, Seen)>,
    /// Facts by time; of those of one key at one instant the last holds.
    pub told: Vec<(Timestamp, Told)>,
}

/// In which segments somebody was when: (segment's place in [`Program::keys`], from, until).
pub type Spans = Vec<(usize, Timestamp, Option<Timestamp>)>;

impl History {
    /// The history that events and facts are, whatever their order. Of tied events the later in the list is the later one.
    pub fn of(program: &Program, events: &[EventView<'_>], facts: &[FactView<'_>]) -> Self {
        let mut ordered: Vec<&EventView<'_>> = events.iter().collect();
        ordered.sort_by_key(|event| (event.occurred_at, event.order_key));
        let seen = ordered.iter().flat_map(|event| {
            let at = event.occurred_at;
            program.look(**event).into_iter().map(move |seen| (at, seen))
        });
        let mut told: Vec<(Timestamp, Told)> = facts
            .iter()
            .filter(|fact| !program.leaves_of_fact(fact.key).is_empty())
            .map(|fact| (fact.valid_from, Told { key: fact.key.to_owned(), value: fact.value.clone() }))
            .collect();
        told.sort_by_key(|(at, _)| *at);
        let firsts = ordered.first().map(|event| event.occurred_at).into_iter();
        let born = firsts.chain(facts.iter().map(|fact| fact.valid_from)).min();
        Self { born, seen: seen.collect(), told }
    }

    /// Up to when to play it, when time has passed up to `until` at least, and what happened up to `now` is in it.
    pub(crate) fn until(&self, until: Timestamp, now: Timestamp) -> Timestamp {
        let instants = self.seen.iter().map(|(at, _)| *at).chain(self.told.iter().map(|(at, _)| *at)).chain(self.born);
        instants.filter(|at| *at <= now).max().map_or(until, |last| last.max(until))
    }

    /// Plays it up to `now`: the person as of then, and every change on the way.
    pub fn play(&self, program: &Program, id: PersonId, now: Timestamp) -> Option<(Person, Vec<Change>)> {
        let born = self.born.filter(|born| *born <= now)?;
        let mut person = Person::new(program, id, born);
        let mut changes = Vec::new();
        let (mut events, mut facts) = (0, 0);
        loop {
            let next_event = self.seen.get(events).map(|(at, _)| *at);
            let next_fact = self.told.get(facts).map(|(at, _)| *at);
            let Some(at) = next_event.into_iter().chain(next_fact).min().filter(|at| *at <= now) else { break };
            let seen = run(&self.seen[events..], at);
            let told = run(&self.told[facts..], at);
            events += seen.len();
            facts += told.len();
            let seen: Vec<Seen> = seen.iter().map(|(_, seen)| *seen).collect();
            person.at(program, at, &seen, &last_of_each(told), &mut changes);
        }
        person.wake(program, now, &mut changes);
        if let Some((at, _)) = self.told.get(facts) {
            person.expect(*at);
        }
        Some((person, changes))
    }

    /// In which segments the person was when, up to `now`.
    pub fn spans(&self, program: &Program, id: PersonId, now: Timestamp) -> Spans {
        self.play(program, id, now).map_or_else(Vec::new, |(_, changes)| spans(&changes))
    }
}

/// The beginning of a list that is of one instant.
fn run<T>(list: &[(Timestamp, T)], at: Timestamp) -> &[(Timestamp, T)] {
    &list[..list.iter().position(|(other, _)| *other != at).unwrap_or(list.len())]
}

/// Of facts with one key the last.
pub(crate) fn last_of_each(told: &[(Timestamp, Told)]) -> Vec<Told> {
    let mut last: Vec<Told> = Vec::with_capacity(told.len());
    for (_, told) in told {
        match last.iter_mut().find(|other| other.key == told.key) {
            Some(other) => other.value = told.value.clone(),
            None => last.push(told.clone()),
        }
    }
    last
}

/// Changes as spans, by segment.
pub fn spans(changes: &[Change]) -> Spans {
    let mut spans: Spans = Vec::new();
    for change in changes {
        match spans.iter_mut().rev().find(|(tree, ..)| *tree == change.tree) {
            Some((.., until @ None)) if !change.entered => *until = Some(change.at),
            _ => spans.push((change.tree, change.at, None)),
        }
    }
    spans.sort_by_key(|(tree, from, _)| (*tree, *from));
    spans
}
