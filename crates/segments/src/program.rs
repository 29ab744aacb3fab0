//! Conditions of persons, made ready to be evaluated event by event: what they share is kept once.
//!
//! A *leaf* is a test that remembers something of what a person did or was (a count in a window, a sequence, a fact); a *tree* is one segment's
//! condition over leaves. Equal leaves of all trees are one. [`Program::hooks`] says which leaves an event concerns.
//!
//! Always holds: trees are in an order in which each asks only for segments before it; a circle is refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_domain::Calendar;

use crate::accumulate::Leaf;
use crate::condition::{Bucket, Condition, Events, Measure, Which};
use crate::error::Error;
use crate::evaluate::{EventView, Subject, holds};
use crate::instant::Moment;
use crate::value::{self, Reading};

/// Conditions of persons, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) calendar: Calendar,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) trees: Vec<Tree>,
    by_name: HashMap<String, Vec<Hook>>,
    of_any: Vec<Hook>,
    by_fact: HashMap<String, Vec<usize>>,
    /// The trees that use each leaf.
    pub(crate) users: Vec<Vec<usize>>,
    /// The leaf of each test.
    known: HashMap<Condition, usize>,
}

/// One segment's condition.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) key: String,
    pub(crate) node: Node,
    /// The trees that ask whether somebody is in this one.
    pub(crate) asked_by: Vec<usize>,
}

/// A condition over leaves.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Leaf(usize),
    /// In another tree, for so many microseconds.
    Member(usize, i64),
    Bucket(Bucket),
}

/// What an event can be for a leaf.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) leaf: usize,
    /// Which of the leaf's events it would be; steps of a sequence, then what must not follow.
    pub(crate) role: u8,
    pub(crate) filter: Option<Condition>,
    pub(crate) reads: Reads,
}

/// What a leaf wants to know of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    Nothing,
    /// An amount in millionths.
    Amount(String),
    /// A text, as a number that stands for it.
    Text(String),
    /// Whether it passes.
    Passes(Box<Condition>),
}

/// An event as the leaves it concerns see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub(crate) leaf: u32,
    pub(crate) roles: u32,
    /// Producer and counter.
    pub(crate) order_key: i64,
    /// What the leaf wanted to know, if there was something.
    pub(crate) value: Option<i64>,
}

impl Program {
    /// Makes conditions ready: of each segment its key and its condition.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a condition asks for a segment that is not among them, or segments ask for each other in a circle.
    pub fn new(segments: &[(&str, &Condition)], calendar: Calendar) -> Result<Self, Error> {
        let program = Self {
            calendar,
            leaves: Vec::new(),
            trees: Vec::new(),
            by_name: HashMap::new(),
            of_any: Vec::new(),
            by_fact: HashMap::new(),
            users: Vec::new(),
            known: HashMap::new(),
        };
        program.extended(segments, &BTreeSet::new())
    }

    /// The same, without the trees of some keys and with further segments behind the others. Leaves and trees keep their numbers; the number of what
    /// is gone is not used again.
    ///
    /// # Errors
    /// As [`Program::new`].
    pub fn extended(mut self, segments: &[(&str, &Condition)], without: &BTreeSet<String>) -> Result<Self, Error> {
        self.drop_trees(without);
        let there: BTreeSet<&str> = self.trees.iter().map(|tree| tree.key.as_str()).collect();
        for at in order(segments, &there)? {
            let (key, condition) = segments[at];
            condition.validate(crate::Scope::Person)?;
            let tree = self.trees.len();
            let node = self.node(condition, tree)?;
            self.trees.push(Tree { key: key.to_owned(), node, asked_by: Vec::new() });
        }
        Ok(self)
    }

    fn drop_trees(&mut self, keys: &BTreeSet<String>) {
        let gone: BTreeSet<usize> =
            self.trees.iter().enumerate().filter(|(_, tree)| keys.contains(&tree.key)).map(|(at, _)| at).collect();
        if gone.is_empty() {
            return;
        }
        for (number, tree) in self.trees.iter_mut().enumerate() {
            tree.asked_by.retain(|asking| !gone.contains(asking));
            if gone.contains(&number) {
                // No segment has this key, and nobody is in it.
                *tree = Tree { key: String::new(), node: Node::Any(Vec::new()), asked_by: Vec::new() };
            }
        }
        self.users.iter_mut().for_each(|users| users.retain(|tree| !gone.contains(tree)));
        let users = &self.users;
        self.known.retain(|_, leaf| !users[*leaf].is_empty());
        let is_used = |hook: &Hook| !users[hook.leaf].is_empty();
        self.of_any.retain(is_used);
        self.by_name.values_mut().for_each(|hooks| hooks.retain(is_used));
        self.by_name.retain(|_, hooks| !hooks.is_empty());
        self.by_fact.values_mut().for_each(|leaves| leaves.retain(|leaf| !users[*leaf].is_empty()));
        self.by_fact.retain(|_, leaves| !leaves.is_empty());
    }

    /// How many trees are gone.
    pub(crate) fn gone(&self) -> usize {
        self.trees.iter().filter(|tree| tree.key.is_empty()).count()
    }

    /// The numbers that the leaves of another program have in this one, of those from `first` on.
    pub(crate) fn leaves_of(&self, other: &Self, first: usize) -> Vec<Option<u32>> {
        let mut numbers = vec![None; other.leaves.len()];
        for (test, leaf) in &other.known {
            let number = self.known.get(test).filter(|number| **number >= first);
            numbers[*leaf] = number.and_then(|number| u32::try_from(*number).ok());
        }
        numbers
    }

    /// The numbers that the trees of another program have in this one.
    pub(crate) fn trees_of(&self, other: &Self) -> Vec<Option<u32>> {
        let number = |key: &str| self.keys().position(|own| own == key);
        other.keys().map(|key| number(key).and_then(|number| u32::try_from(number).ok())).collect()
    }

    /// The segments' keys; a tree's number is its place here.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.trees.iter().map(|tree| tree.key.as_str())
    }

    /// Whether events of this name, or all, concern any leaf.
    pub fn concerns_event(&self, name: &str) -> bool {
        !self.of_any.is_empty() || self.by_name.contains_key(name)
    }

    /// The names of events that concern any leaf; `None` for all.
    pub fn event_names(&self) -> Option<Vec<&str>> {
        self.of_any.is_empty().then(|| self.by_name.keys().map(String::as_str).collect())
    }

    /// The keys of facts that concern any leaf.
    pub fn fact_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.by_fact.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    /// The leaves that a fact concerns.
    pub(crate) fn leaves_of_fact(&self, key: &str) -> &[usize] {
        self.by_fact.get(key).map_or(&[], Vec::as_slice)
    }

    /// What an event is for the leaves that it concerns.
    pub fn look(&self, event: EventView<'_>) -> Vec<Seen> {
        let subject = Subject { event: Some(event), ..Subject::NOBODY };
        let moment = Moment { now: event.occurred_at, calendar: &self.calendar };
        let passes = |filter: &Condition| holds(filter, &subject, moment);
        let mut seen: Vec<Seen> = Vec::new();
        let named = self.by_name.get(event.name).into_iter().flatten().map(|hook| (hook, true));
        let hooks = named.chain(self.of_any.iter().map(|hook| (hook, false)));
        for (hook, is_named) in hooks.filter(|(hook, _)| hook.filter.as_ref().is_none_or(passes)) {
            let (leaf, role) = (u32::try_from(hook.leaf).unwrap_or(u32::MAX), 1_u32 << hook.role);
            // The hooks of a leaf on one name follow one another.
            let first = if is_named { seen.len().saturating_sub(1) } else { 0 };
            match seen[first..].iter_mut().find(|seen| seen.leaf == leaf) {
                Some(seen) => seen.roles |= role,
                None => {
                    let value = match &hook.reads {
                        Reads::Nothing => None,
                        Reads::Amount(path) => event.property(path).and_then(value::as_amount),
                        Reads::Text(path) => {
                            let value = event.property(path);
                            value.and_then(|value| Some(stand_in(&value::as_text(value, Reading::Text)?)))
                        }
                        Reads::Passes(having) => Some(i64::from(passes(having))),
                    };
                    seen.push(Seen { leaf, roles: role, order_key: event.order_key, value });
                }
            }
        }
        seen
    }

    /// Everything that an event can be for a leaf, with the event's name; none for any event.
    pub(crate) fn hooks(&self) -> Vec<(Option<&str>, &Hook)> {
        let named =
            self.by_name.iter().flat_map(|(name, hooks)| hooks.iter().map(move |hook| (Some(name.as_str()), hook)));
        named.chain(self.of_any.iter().map(|hook| (None, hook))).collect()
    }

    fn node(&mut self, condition: &Condition, tree: usize) -> Result<Node, Error> {
        let mut each = |children: &[Condition]| -> Result<Vec<Node>, Error> {
            children.iter().map(|child| self.node(child, tree)).collect()
        };
        Ok(match condition {
            Condition::All(children) => Node::All(each(children)?),
            Condition::Any(children) => Node::Any(each(children)?),
            Condition::Not(child) => Node::Not(Box::new(self.node(child, tree)?)),
            Condition::Segment { key, length } => {
                let asked = self.trees.iter().position(|other| other.key == *key).ok_or_else(|| missing(key))?;
                if !self.trees[asked].asked_by.contains(&tree) {
                    self.trees[asked].asked_by.push(tree);
                }
                Node::Member(asked, length.map_or(0, |length| length.micros()))
            }
            Condition::Bucket(bucket) => Node::Bucket(bucket.clone()),
            leaf => {
                let number = match self.known.get(leaf) {
                    Some(number) => *number,
                    None => {
                        let number = self.leaf(leaf);
                        self.known.insert(leaf.clone(), number);
                        number
                    }
                };
                if !self.users[number].contains(&tree) {
                    self.users[number].push(tree);
                }
                Node::Leaf(number)
            }
        })
    }

    /// Adds a leaf and its hooks.
    fn leaf(&mut self, condition: &Condition) -> usize {
        let number = self.leaves.len();
        self.leaves.push(Leaf::of(condition, &self.calendar));
        self.users.push(Vec::new());
        let nothing = || Reads::Nothing;
        match condition {
            Condition::Performed(performed) => {
                let of = Events { event: performed.event.clone(), filter: performed.filter.clone() };
                let having = performed.having.clone().map_or_else(nothing, Reads::Passes);
                let reads = if performed.which == Which::Every { Reads::Nothing } else { having };
                self.hook(number, 0, &of, reads);
            }
            Condition::Measured(measured) => {
                let path = measured.path.clone();
                let reads = match measured.measure {
                    Measure::Distinct => Reads::Text(path),
                    Measure::Days => Reads::Nothing,
                    _ => Reads::Amount(path),
                };
                self.hook(number, 0, &measured.of, reads);
            }
            Condition::Sequence(sequence) => {
                for (role, events) in (0..).zip(sequence.events()) {
                    self.hook(number, role, events, sequence.same.clone().map_or_else(nothing, Reads::Text));
                }
            }
            Condition::Overdue(overdue) => self.hook(number, 0, &overdue.of, Reads::Nothing),
            Condition::Streak(streak) => self.hook(number, 0, &streak.of, Reads::Nothing),
            _ => {
                for key in condition.fact_keys() {
                    self.by_fact.entry(key.to_owned()).or_default().push(number);
                }
            }
        }
        number
    }

    fn hook(&mut self, leaf: usize, role: u8, events: &Events, reads: Reads) {
        let hook = Hook { leaf, role, filter: events.filter.as_deref().cloned(), reads };
        if events.event == "*" {
            self.of_any.push(hook)
        } else {
            self.by_name.entry(events.event.clone()).or_default().push(hook)
        }
    }
}

/// A number that stands for a text: two texts have the same one with a chance of 1 in 2^64.
pub(crate) fn stand_in(text: &str) -> i64 {
    let hash = blake3::hash(text.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(first)
}

fn missing(key: &str) -> Error {
    Error::Invalid { place: "segment".to_owned(), problem: format!("there is no segment with the key `{key}`") }
}

/// An order in which each segment comes after those it asks for, which are among them or `there`.
fn order(segments: &[(&str, &Condition)], there: &BTreeSet<&str>) -> Result<Vec<usize>, Error> {
    let places: BTreeMap<&str, usize> = segments.iter().enumerate().map(|(at, (key, _))| (*key, at)).collect();
    let mut marks = vec![Mark::New; segments.len()];
    let mut order = Vec::with_capacity(segments.len());
    for at in 0..segments.len() {
        visit(at, segments, (&places, there), &mut marks, &mut order)?;
    }
    Ok(order)
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

fn visit(
    at: usize,
    segments: &[(&str, &Condition)],
    known: (&BTreeMap<&str, usize>, &BTreeSet<&str>),
    marks: &mut [Mark],
    order: &mut Vec<usize>,
) -> Result<(), Error> {
    match marks[at] {
        Mark::Done => return Ok(()),
        Mark::Open => {
            let problem = format!("the segment `{}` asks for itself, by way of others", segments[at].0);
            return Err(Error::Invalid { place: "segment".to_owned(), problem });
        }
        Mark::New => marks[at] = Mark::Open,
    }
    if marks.iter().filter(|mark| **mark == Mark::Open).count() > DEEPEST {
        return Err(Error::TooDeep { limit: DEEPEST });
    }
    for key in segments[at].1.segment_keys() {
        match known.0.get(key) {
            Some(asked) => visit(*asked, segments, known, marks, order)?,
            None if known.1.contains(key) => {}
            None => return Err(missing(key)),
        }
    }
    marks[at] = Mark::Done;
    order.push(at);
    Ok(())
}

/// Segments may ask for segments that ask for segments, so many times.
const DEEPEST: usize = 20;
