//! One person under all conditions of a [`Program`]: which segments they are in, since when, and when that may change by itself.
//!
//! Whoever drives it hands in what happened, instant by instant, and asks it to [wake](Person::wake) when time has passed. The batch driver hands
//! in a whole history, the incremental one what is new; there is no other difference.
//!
//! Always holds: after [`Person::at`] of an instant, membership is that of [`holds`](crate::holds) at that instant; every change is told once, with
//! the instant at which it came about. What comes late (not after what was handed in) is refused: the person is made again from the
//! history.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accumulate::{State, Verdict, Whose};
use crate::program::{Node, Program, Seen};

/// A person under a program's conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    id: PersonId,
    born: i64,
    /// The last instant that was handed in or woken at.
    as_of: i64,
    states: BTreeMap<u32, State>,
    /// Of each tree: since when the person is in it.
    members: BTreeMap<u32, i64>,
    /// Of each tree: until when its membership is certain, if nothing happens.
    untils: BTreeMap<u32, i64>,
}

/// A change of membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The segment's place in [`Program::keys`].
    pub tree: usize,
    /// When.
    pub at: Timestamp,
    /// Whether the person came in.
    pub entered: bool,
    /// Since when the person is, or was, in it.
    pub since: Timestamp,
}

/// What a fact says from an instant on.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What it is about.
    pub key: String,
    /// What is so; null for nothing.
    pub value: Value,
}

/// A person in few bytes.
#[derive(Serialize, Deserialize)]
struct Packed {
    id: i64,
    born: i64,
    as_of: i64,
    states: Vec<(u32, State)>,
    members: Vec<(u32, i64)>,
    untils: Vec<(u32, i64)>,
}

impl Person {
    /// Somebody who comes at `born`, of whom nothing has been handed in yet.
    pub fn new(program: &Program, id: PersonId, born: Timestamp) -> Self {
        let (states, members) = Default::default();
        // Nothing is certain from then on: at that instant all trees are judged for the first time.
        let untils = (0..program.trees.len()).map(|tree| (number(tree), born.0)).collect();
        Self { id, born: born.0, as_of: born.0.saturating_sub(1), states, members, untils }
    }

    /// Who.
    pub const fn id(&self) -> PersonId {
        self.id
    }

    /// When they came.
    pub const fn born(&self) -> Timestamp {
        Timestamp(self.born)
    }

    /// Whether something of this instant is new: it comes after all that was handed in.
    pub const fn is_new(&self, at: Timestamp) -> bool {
        at.0 > self.as_of
    }

    /// When membership may change by itself.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.untils.values().min().copied().map(Timestamp)
    }

    /// Since when the person is in a segment.
    pub fn member_since(&self, tree: usize) -> Option<Timestamp> {
        self.members.get(&number(tree)).copied().map(Timestamp)
    }

    /// The segments that the person is in, with since when.
    pub fn memberships(&self) -> impl Iterator<Item = (usize, Timestamp)> {
        self.members.iter().map(|(tree, since)| (*tree as usize, Timestamp(*since)))
    }

    /// Takes in all that happened at one instant: events in their order ([`Program::look`]), and of each fact what it says from then on.
    pub fn at(&mut self, program: &Program, at: Timestamp, seen: &[Seen], told: &[Told], changes: &mut Vec<Change>) {
        self.wake(program, at.plus(-1), changes);
        let mut due = Due::at(self, at.0);
        let whose = Whose { born: self.born, calendar: &program.calendar };
        let mut seen: Vec<Seen> = seen.to_vec();
        // Stable: what belongs to one leaf stays in its order.
        seen.sort_by_key(|seen| seen.leaf);
        for of_leaf in seen.chunk_by(|one, other| one.leaf == other.leaf) {
            let leaf = of_leaf[0].leaf;
            self.change(leaf, |state| program.leaves[leaf as usize].see(state, at.0, of_leaf, whose));
            due.leaf(program, leaf as usize);
        }
        for told in told {
            for leaf in program.leaves_of_fact(&told.key) {
                self.change(number(*leaf), |state| program.leaves[*leaf].told(state, at.0, &told.value, whose));
                due.leaf(program, *leaf);
            }
        }
        self.judge(program, &mut due, at.0, changes);
    }

    /// Lets time pass until `now`, which is included.
    pub fn wake(&mut self, program: &Program, now: Timestamp, changes: &mut Vec<Change>) {
        while let Some(at) = self.wakes_at().filter(|at| *at <= now) {
            let mut due = Due::at(self, at.0);
            self.judge(program, &mut due, at.0, changes);
        }
    }

    fn change(&mut self, leaf: u32, change: impl FnOnce(&mut Option<State>)) {
        let mut state = self.states.remove(&leaf);
        change(&mut state);
        if let Some(state) = state {
            self.states.insert(leaf, state);
        }
    }

    /// Judges the trees that are due, in their order, and those that ask for one that changed.
    fn judge(&mut self, program: &Program, due: &mut Due, at: i64, changes: &mut Vec<Change>) {
        self.as_of = self.as_of.max(at);
        while let Some(tree) = due.next() {
            let verdict = self.verdict(program, &program.trees[tree].node, at);
            let key = number(tree);
            match verdict.until {
                Some(until) => drop(self.untils.insert(key, until)),
                None => drop(self.untils.remove(&key)),
            }
            if verdict.holds == self.members.contains_key(&key) {
                continue;
            }
            let since = if verdict.holds {
                self.members.insert(key, at);
                at
            } else {
                self.members.remove(&key).unwrap_or(at)
            };
            changes.push(Change { tree, at: Timestamp(at), entered: verdict.holds, since: Timestamp(since) });
            due.0.extend(&program.trees[tree].asked_by);
        }
    }

    fn verdict(&mut self, program: &Program, node: &Node, now: i64) -> Verdict {
        let whose = Whose { born: self.born, calendar: &program.calendar };
        match node {
            Node::Leaf(leaf) => program.leaves[*leaf].verdict(self.states.get_mut(&number(*leaf)), now, whose),
            Node::Bucket(bucket) => Verdict::always(bucket.has(self.id)),
            Node::Member(tree, length) => {
                match self.members.get(&number(*tree)).map(|since| since.saturating_add(*length)) {
                    Some(from) if now >= from => Verdict::always(true),
                    Some(from) => Verdict { holds: false, until: Some(from) },
                    None => Verdict::always(false),
                }
            }
            Node::Not(child) => {
                let verdict = self.verdict(program, child, now);
                Verdict { holds: !verdict.holds, until: verdict.until }
            }
            Node::All(children) => self.together(program, children, now, true),
            Node::Any(children) => self.together(program, children, now, false),
        }
    }

    /// All (`wanted`) or any (not `wanted`) of the children. What decides is certain as long as one that decides is; what is left to all, only as
    /// long as each.
    fn together(&mut self, program: &Program, children: &[Node], now: i64, wanted: bool) -> Verdict {
        let never = i64::MAX;
        let (mut decided, mut last, mut first) = (false, i64::MIN, never);
        for child in children {
            let verdict = self.verdict(program, child, now);
            let until = verdict.until.unwrap_or(never);
            if verdict.holds == wanted {
                first = first.min(until);
            } else {
                decided = true;
                last = last.max(until);
            }
        }
        let until = if decided { last } else { first };
        Verdict { holds: decided != wanted, until: (until != never).then_some(until) }
    }

    /// The person in few bytes, for a cache.
    pub fn pack(&self) -> Vec<u8> {
        let packed = Packed {
            id: self.id.0,
            born: self.born,
            as_of: self.as_of,
            states: self.states.iter().map(|(leaf, state)| (*leaf, state.clone())).collect(),
            members: self.members.iter().map(|(tree, since)| (*tree, *since)).collect(),
            untils: self.untils.iter().map(|(tree, until)| (*tree, *until)).collect(),
        };
        // Plain numbers, texts and lists always have a form.
        postcard::to_stdvec(&packed).unwrap_or_default()
    }

    /// When a packed person came, without unpacking all of it.
    pub fn birth_of(bytes: &[u8]) -> Option<Timestamp> {
        let ((_, born), _): ((i64, i64), &[u8]) = postcard::take_from_bytes(bytes).ok()?;
        Some(Timestamp(born))
    }

    /// The person that was packed; `None` for bytes of another kind.
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let packed: Packed = postcard::from_bytes(bytes).ok()?;
        Some(Self {
            id: PersonId(packed.id),
            born: packed.born,
            as_of: packed.as_of,
            states: packed.states.into_iter().collect(),
            members: packed.members.into_iter().collect(),
            untils: packed.untils.into_iter().collect(),
        })
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The trees that are to be judged.
struct Due(std::collections::BTreeSet<usize>);

impl Due {
    /// Those of which nothing is certain any more at an instant.
    fn at(person: &Person, at: i64) -> Self {
        Self(person.untils.iter().filter(|(_, until)| **until <= at).map(|(tree, _)| *tree as usize).collect())
    }

    fn leaf(&mut self, program: &Program, leaf: usize) {
        self.0.extend(&program.users[leaf]);
    }

    fn next(&mut self) -> Option<usize> {
        self.0.pop_first()
    }
}
