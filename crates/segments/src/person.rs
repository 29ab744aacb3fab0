//! One person under all conditions of a [`Program`]: which segments they are in, since when, and when that may change by itself.
//!
//! Whoever drives it hands in what happened, instant by instant, and asks it to [wake](Person::wake) when time has passed. The batch driver hands
//! in a whole history, the incremental one what is new; there is no other difference.
//!
//! Always holds: after [`Person::at`] of an instant, membership is that of [`holds`](crate::holds) at that instant; every change is told once, with
//! the instant at which it came about. What comes late (not after what was handed in) is refused: the person is made again from the
//! history.

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
    states: Few<Option<State>>,
    /// Of each tree: since when the person is in it.
    members: Few<i64>,
    /// Of each tree: until when its membership is certain, if nothing happens.
    untils: Few<i64>,
    /// From when on something counts that is known already and was not handed in: the person is made again then.
    outdated_at: Option<i64>,
}

/// A small map by number: in order, of one piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Few<V>(Vec<(u32, V)>);

impl<V> Default for Few<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Few<V> {
    fn place(&self, key: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&key, |(key, _)| *key)
    }

    fn get(&self, key: u32) -> Option<&V> {
        self.place(key).ok().map(|at| &self.0[at].1)
    }

    fn get_mut(&mut self, key: u32) -> Option<&mut V> {
        self.place(key).ok().map(|at| &mut self.0[at].1)
    }

    fn insert(&mut self, key: u32, value: V) {
        match self.place(key) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (key, value)),
        }
    }

    fn remove(&mut self, key: u32) -> Option<V> {
        self.place(key).ok().map(|at| self.0.remove(at).1)
    }

    /// The same under other numbers, without those that have none.
    fn renumbered(&self, numbers: &[Option<u32>]) -> Self
    where
        V: Clone,
    {
        let number = |key: &u32| numbers.get(*key as usize).copied().flatten();
        let mut kept: Vec<(u32, V)> =
            self.0.iter().filter_map(|(key, value)| Some((number(key)?, value.clone()))).collect();
        kept.sort_by_key(|(key, _)| *key);
        Self(kept)
    }

    fn extend(&mut self, other: Self) {
        for (key, value) in other.0 {
            self.insert(key, value);
        }
    }
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

/// A person in few bytes, but for when they came.
#[derive(Deserialize)]
struct Packed {
    id: i64,
    as_of: i64,
    states: Few<Option<State>>,
    members: Few<i64>,
    untils: Few<i64>,
    outdated_at: Option<i64>,
}

/// The same, to be written.
#[derive(Serialize)]
struct Packing<'a> {
    id: i64,
    as_of: i64,
    states: &'a Few<Option<State>>,
    members: &'a Few<i64>,
    untils: &'a Few<i64>,
    outdated_at: Option<i64>,
}

impl Person {
    /// Somebody who comes at `born`, of whom nothing has been handed in yet.
    pub fn new(program: &Program, id: PersonId, born: Timestamp) -> Self {
        let (states, members) = (Few::default(), Few::default());
        // Nothing is certain from then on: at that instant all trees are judged for the first time.
        let untils = Few((0..program.trees.len()).map(|tree| (number(tree), born.0)).collect());
        Self { id, born: born.0, as_of: born.0.saturating_sub(1), states, members, untils, outdated_at: None }
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

    /// When membership may change by itself, or by what is known already.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.certain_until().into_iter().chain(self.outdated_at.map(Timestamp)).min()
    }

    fn certain_until(&self) -> Option<Timestamp> {
        self.untils.0.iter().map(|(_, until)| Timestamp(*until)).min()
    }

    /// Says that something is known which counts from an instant on that has not come yet.
    pub(crate) fn expect(&mut self, at: Timestamp) {
        self.outdated_at = Some(self.outdated_at.map_or(at.0, |known| known.min(at.0)));
    }

    /// Whether something counts by now that was not handed in.
    pub(crate) fn is_outdated(&self, now: Timestamp) -> bool {
        self.outdated_at.is_some_and(|at| at <= now.0)
    }

    /// Since when the person is in a segment.
    pub fn member_since(&self, tree: usize) -> Option<Timestamp> {
        self.members.get(number(tree)).copied().map(Timestamp)
    }

    /// The segments that the person is in, with since when.
    pub fn memberships(&self) -> impl Iterator<Item = (usize, Timestamp)> {
        self.members.0.iter().map(|(tree, since)| (*tree as usize, Timestamp(*since)))
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
        while let Some(at) = self.certain_until().filter(|at| *at <= now) {
            let mut due = Due::at(self, at.0);
            self.judge(program, &mut due, at.0, changes);
        }
    }

    fn change(&mut self, leaf: u32, change: impl FnOnce(&mut Option<State>)) {
        let at = match self.states.place(leaf) {
            Ok(at) => at,
            Err(at) => {
                self.states.0.insert(at, (leaf, None));
                at
            }
        };
        change(&mut self.states.0[at].1);
        if self.states.0[at].1.is_none() {
            self.states.0.remove(at);
        }
    }

    /// Judges the trees that are due, in their order, and those that ask for one that changed.
    fn judge(&mut self, program: &Program, due: &mut Due, at: i64, changes: &mut Vec<Change>) {
        self.as_of = self.as_of.max(at);
        while let Some(tree) = due.next() {
            let verdict = self.verdict(program, &program.trees[tree].node, at);
            let key = number(tree);
            match verdict.until {
                Some(until) => self.untils.insert(key, until),
                None => drop(self.untils.remove(key)),
            }
            if verdict.holds == self.members.get(key).is_some() {
                continue;
            }
            let since = if verdict.holds {
                self.members.insert(key, at);
                at
            } else {
                self.members.remove(key).unwrap_or(at)
            };
            changes.push(Change { tree, at: Timestamp(at), entered: verdict.holds, since: Timestamp(since) });
            program.trees[tree].asked_by.iter().for_each(|asking| due.add(*asking));
        }
    }

    fn verdict(&mut self, program: &Program, node: &Node, now: i64) -> Verdict {
        let whose = Whose { born: self.born, calendar: &program.calendar };
        match node {
            Node::Leaf(leaf) => {
                let state = self.states.get_mut(number(*leaf)).and_then(Option::as_mut);
                program.leaves[*leaf].verdict(state, now, whose)
            }
            Node::Bucket(bucket) => Verdict::always(bucket.has(self.id)),
            Node::Member(tree, length) => {
                match self.members.get(number(*tree)).map(|since| since.saturating_add(*length)) {
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

    /// What of the person concerns leaves and trees that have a number in another program, under those numbers; `None` for nothing.
    pub(crate) fn part(&self, leaves: &[Option<u32>], trees: &[Option<u32>]) -> Option<Self> {
        let (states, members) = (self.states.renumbered(leaves), self.members.renumbered(trees));
        let untils = self.untils.renumbered(trees);
        let is_empty = states.0.is_empty() && members.0.is_empty() && untils.0.is_empty();
        let (id, born, as_of, outdated_at) = (self.id, self.born, self.as_of, self.outdated_at);
        (!is_empty || outdated_at.is_some()).then_some(Self { id, born, as_of, states, members, untils, outdated_at })
    }

    /// Takes in a [part](Person::part) of the same person, of whom nothing has been heard meanwhile.
    pub(crate) fn absorb(&mut self, part: Self) {
        self.as_of = self.as_of.max(part.as_of);
        self.states.extend(part.states);
        self.members.extend(part.members);
        self.untils.extend(part.untils);
        if let Some(at) = part.outdated_at {
            self.expect(Timestamp(at));
        }
    }

    /// The person in few bytes, for a cache. The same instants stand at many leaves, so it compresses well.
    pub fn pack(&self) -> Vec<u8> {
        let (states, members, untils) = (&self.states, &self.members, &self.untils);
        let (as_of, outdated_at) = (self.as_of, self.outdated_at);
        let packed = Packing { id: self.id.0, as_of, states, members, untils, outdated_at };
        // Plain numbers, texts and lists always have a form.
        let plain = postcard::to_stdvec(&packed).unwrap_or_default();
        let mut bytes = self.born.to_le_bytes().to_vec();
        bytes.extend(lz4_flex::compress_prepend_size(&plain));
        bytes
    }

    /// When a packed person came, without unpacking all of it.
    pub fn birth_of(bytes: &[u8]) -> Option<Timestamp> {
        Some(Timestamp(i64::from_le_bytes(*bytes.first_chunk()?)))
    }

    /// The person that was packed; `None` for bytes of another kind.
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let Timestamp(born) = Self::birth_of(bytes)?;
        let plain = lz4_flex::decompress_size_prepended(bytes.get(8..)?).ok()?;
        let Packed { id, as_of, states, members, untils, outdated_at } = postcard::from_bytes(&plain).ok()?;
        Some(Self { id: PersonId(id), born, as_of, states, members, untils, outdated_at })
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The trees that are to be judged, one bit each.
struct Due {
    words: Vec<u64>,
    /// All words before it are empty: whoever asks for a tree comes after it.
    first: usize,
}

impl Due {
    /// Those of which nothing is certain any more at an instant.
    fn at(person: &Person, at: i64) -> Self {
        let mut due = Self { words: Vec::new(), first: 0 };
        for (tree, _) in person.untils.0.iter().filter(|(_, until)| *until <= at) {
            due.add(*tree as usize);
        }
        due
    }

    fn add(&mut self, tree: usize) {
        let word = tree / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (tree % 64);
    }

    fn leaf(&mut self, program: &Program, leaf: usize) {
        program.users[leaf].iter().for_each(|tree| self.add(*tree));
    }

    fn next(&mut self) -> Option<usize> {
        while let Some(word) = self.words.get_mut(self.first) {
            if *word != 0 {
                let bit = word.trailing_zeros() as usize;
                *word &= *word - 1;
                return Some(self.first * 64 + bit);
            }
            self.first += 1;
        }
        None
    }
}
