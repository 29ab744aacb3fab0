//! What holds over time, from what was said: one pass in the order of time, so that somebody who speaks ten thousand times costs no more than ten
//! thousand people who speak once.
//!
//! Always holds: at every instant [`history`] says what [`standing`](super::standing) says; both are this pass.

use std::collections::BTreeSet;

use rapport_domain::Timestamp;

use super::{Scope, Standing, State, Statement, Verdict, by_handle};

/// What was said under one identifier about one thing, as far as it still matters.
///
/// What covers the same thing is said of all channels or of this one, of all topics or of this one: four kinds of scopes.
#[derive(Debug, Default)]
pub(super) struct Said {
    of: [OfScope; 4],
    /// When it was last asked for without being confirmed.
    pending: Option<Timestamp>,
    /// When it was last agreed to, whether or not that holds still.
    agreed: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct OfScope {
    refused: Option<Timestamp>,
    agreed: Option<Timestamp>,
    /// Agreements that end by themselves: (when, until when). The later one ends earlier, or the earlier one would not matter.
    ending: Vec<(Timestamp, Timestamp)>,
}

impl OfScope {
    /// When it was last agreed to so that it holds at `now`, never earlier than when this was last asked.
    fn holds_since(&mut self, now: Timestamp) -> Option<Timestamp> {
        while self.ending.pop_if(|(_, until)| *until <= now).is_some() {}
        self.agreed.max(self.ending.last().map(|(at, _)| *at))
    }
}

/// The kind of a scope: a bit for what it narrows down to.
fn kind(scope: &Scope) -> usize {
    usize::from(scope.channel.is_some()) | usize::from(scope.topic.is_some()) << 1
}

/// Whether scopes of one kind cover those of another, where both cover the same thing.
const fn covers(one: usize, other: usize) -> bool {
    one & !other == 0
}

impl Said {
    /// Takes in what was said next; it covers what is asked.
    pub(super) fn take(&mut self, statement: &Statement) {
        let at = Some(statement.at);
        let own = &mut self.of[kind(&statement.scope)];
        match statement.state {
            State::Denied | State::Withdrawn => own.refused = at,
            State::Pending => self.pending = at,
            State::Granted => {
                self.agreed = at;
                match statement.until {
                    None => {
                        own.agreed = at;
                        own.ending.clear();
                    }
                    Some(until) => {
                        while own.ending.pop_if(|(_, earlier)| *earlier <= until).is_some() {}
                        own.ending.push((statement.at, until));
                    }
                }
            }
        }
    }

    /// What holds at `now`, which is not before what was said last.
    pub(super) fn standing(&mut self, now: Timestamp) -> Standing {
        let agreed: [Option<Timestamp>; 4] = std::array::from_fn(|kind| self.of[kind].holds_since(now));
        // A refusal is answered by a later agreement to the same thing or a part of it.
        let refused = (0..self.of.len()).filter_map(|kind| {
            let refused = self.of[kind].refused?;
            let is_answered = (0..agreed.len()).any(|part| covers(kind, part) && agreed[part] > Some(refused));
            (!is_answered).then_some(refused)
        });
        let candidates = [
            (Verdict::Denied, refused.max()),
            (Verdict::Granted, agreed.into_iter().flatten().max()),
            (Verdict::Pending, self.pending),
            (Verdict::Expired, self.agreed),
        ];
        let decided = candidates.into_iter().find(|(_, since)| since.is_some());
        decided.map_or(Standing::UNKNOWN, |(verdict, since)| Standing { verdict, since })
    }
}

/// What holds for a person about `asked` from when on: every change, ascending, also those that are to come because an agreement ends. Before the
/// first one nothing was said.
pub fn history(statements: &[Statement], asked: &Scope) -> Vec<(Timestamp, Verdict)> {
    let of_each: Vec<Vec<(Timestamp, Verdict)>> =
        by_handle(statements, asked).into_values().map(|own| of_one(&own)).collect();
    let mut all: Vec<(Timestamp, usize, Verdict)> =
        (0..).zip(&of_each).flat_map(|(who, own)| own.iter().map(move |(at, verdict)| (*at, who, *verdict))).collect();
    all.sort_unstable();
    let mut held = vec![Verdict::Unknown; of_each.len()];
    // How many identifiers stand where, so that the strictest is found without asking each.
    let mut count = [0_usize; 5];
    let mut changes: Vec<(Timestamp, Verdict)> = Vec::new();
    for of_instant in all.chunk_by(|one, other| one.0 == other.0) {
        for (_, who, verdict) in of_instant {
            let before = std::mem::replace(&mut held[*who], *verdict);
            if before != Verdict::Unknown {
                count[before as usize] -= 1;
            }
            count[*verdict as usize] += 1;
        }
        let strictest = Verdict::ALL.into_iter().rev().find(|verdict| count[*verdict as usize] > 0);
        note(&mut changes, of_instant[0].0, strictest.unwrap_or(Verdict::Unknown));
    }
    changes
}

/// The same under one identifier.
fn of_one(own: &[&Statement]) -> Vec<(Timestamp, Verdict)> {
    let ends = own.iter().filter(|it| it.state == State::Granted).filter_map(|it| it.until.filter(|end| *end > it.at));
    let instants: BTreeSet<Timestamp> = own.iter().map(|it| it.at).chain(ends).collect();
    let mut said = Said::default();
    let mut next = own.iter().peekable();
    let mut changes = Vec::new();
    for at in instants {
        while let Some(statement) = next.next_if(|it| it.at <= at) {
            said.take(statement);
        }
        note(&mut changes, at, said.standing(at).verdict);
    }
    changes
}

fn note(changes: &mut Vec<(Timestamp, Verdict)>, at: Timestamp, verdict: Verdict) {
    if changes.last().is_none_or(|(_, before)| *before != verdict) {
        changes.push((at, verdict));
    }
}
