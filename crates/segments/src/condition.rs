//! The condition tree: what segments, question filters and, later, triggers and rules are made of.
//!
//! # Meaning
//!
//! * A condition holds or does not hold: there is no third answer. A test of a missing value does not hold, and `not` of it holds.
//! * The negative operators are exactly `not` of the positive ones: `not_equals` also holds where the value is missing. Who
//!   wants only those that have one adds `exists`. So a segment and its opposite together are always everyone.
//! * How a value is read as a text, number, boolean or time is said in [`crate::value`]. `equals`, `in` and their opposites compare
//!   texts exactly, letter case included; `contains`, `starts_with`, `ends_with` ignore letter case.
//! * `at_least`, `more_than`, `at_most`, `less_than` compare numbers. `between` includes both ends, of numbers or times.
//! * A date stands for the whole day in the workspace's zone: `before` is before it begins, `after` is after it has ended, and
//!   `between` includes the days it names.
//! * `property` tests the event being looked at, `fact` what is known about the person now, `performed` what the person did. The
//!   events that `performed` counts are of the given name (`*`: any), pass its `where`, and happened in its `within`; never
//!   after the instant for which the condition is tested. Without `times` one is enough; `{"exactly": 0}` is never.
//! * `within: {"last": "90d"}` is elapsed time: later than 90 times 24 hours ago, up to now. An event leaves the window
//!   at the very instant it becomes 90 days old. `within: {"from", "to"}` begins at `from` and ends before `to`.
//!   `within: {"first": "7d"}` is the time from the person's first event on, its end excluded.
//! * `which: first` (or `last`) looks at one event only: the first (last) of those that `performed` could count at all, by the one order of
//!   events; it must lie in the window and pass `having`.
//! * `measured` compares a figure of the same events: `sum`, `average`, `smallest`, `largest` of a property as an amount in millionths,
//!   `distinct` values of a property, or `days` of the workspace's calendar on which there was one. The sum of nothing is 0, as are `distinct` and `days`;
//!   there is no average, smallest or largest of nothing, and no test of it holds.
//! * `sequence`: steps one after the other, as in an ordered funnel (each event at most one step, tied events in either order), all within `spanning`
//!   from the first; with `same`, all with one value of that property. It holds from its last step on, while that lies in `within`. With `without`, it
//!   holds once that much time has passed after the last step in which the unwanted event did not follow: the abandoned cart.
//! * `overdue`: more time has passed since the last event than `factor` times the middle of the person's own gaps between them
//!   (the last 20; at least `gaps` of them).
//! * `streak`: so many intervals of the calendar in a row with an event, up to the present one or the one before it.
//! * `held`: the fact has passed the test without a break for that long. `changed`: the fact took another value, in the window. Without `from` and
//!   `to` both values exist; `to` may follow a missing one.
//! * `segment`: the person is in another segment, for so long. `bucket`: the person's stable random place, in per cent, is in `[from, to)`.
//! * `in_last` and `in_next` compare the time that a fact says with the present: `(now - length, now]` and `(now, now + length]`.
//! * The properties `occurred.hour` (0 to 23) and `occurred.weekday` (`monday` to `sunday`) say when an event happened, by the workspace's clock.
//! * `all` of nothing holds for everyone; `any` of nothing is refused.
//! * Counts, numbers, values, lengths of time and times may be given by a parameter: `{"parameter": "least"}` there, and `"with": {"least": 3}` beside
//!   the outermost condition.
//!
//! Always holds: a condition that was [decoded](Condition::parse) is within its [`Limits`], so walking it recursively is safe.
//! It does not know profiles, segments' names, or any engine.

mod constant;
mod decode;
pub(crate) mod encode;
mod given;
mod limits;
mod number;
mod place;
mod schema;
mod scope;

use rapport_domain::{Interval, PersonId, assignment};

use crate::duration::Duration;
use crate::instant::Instant;

pub use given::{Given, Name};
pub use limits::Limits;
pub use number::Number;
pub use scope::Scope;

/// One typed tree of tests over events and facts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Every one of them holds.
    All(Vec<Condition>),
    /// At least one of them holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// The event being looked at has a property that passes.
    Property {
        /// The property's path, keys joined by dots.
        path: String,
        /// What its value must pass.
        test: Test,
    },
    /// The person has a fact that passes.
    Fact {
        /// The fact's key, e.g. `trait.country`.
        key: String,
        /// What its value must pass.
        test: Test,
    },
    /// The person did something, so many times, in a window.
    Performed(Performed),
    /// A figure of what the person did.
    Measured(Measured),
    /// The person did one thing after another, or did not go on.
    Sequence(Sequence),
    /// The person is later than usual.
    Overdue(Overdue),
    /// The person did something in so many intervals in a row.
    Streak(Streak),
    /// A fact has passed a test for so long.
    Held {
        /// The fact's key.
        key: String,
        /// What its value must pass.
        test: Test,
        /// For how long, without a break.
        length: Given<Duration>,
    },
    /// A fact took another value.
    Changed(Changed),
    /// The person is in another segment.
    Segment {
        /// The segment's key.
        key: String,
        /// For at least this long.
        length: Option<Given<Duration>>,
    },
    /// The person's stable random place.
    Bucket(Bucket),
}

/// Which events are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Events {
    /// The event's standard name, or `*` for any event.
    pub event: String,
    /// What the event itself must pass: `property` tests and their combinations.
    pub filter: Option<Box<Condition>>,
}

/// A figure of events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Measured {
    /// Which figure.
    pub measure: Measure,
    /// Of which property; empty for [`Measure::Days`].
    pub path: String,
    /// Of which events.
    pub of: Events,
    /// When they happened.
    pub within: Within,
    /// What the figure must pass: a comparison of numbers.
    pub test: Test,
}

/// How a figure is made of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Of amounts.
    Sum,
    /// Of amounts.
    Average,
    /// Of amounts.
    Smallest,
    /// Of amounts.
    Largest,
    /// How many different values.
    Distinct,
    /// On how many days.
    Days,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Sum, Self::Average, Self::Smallest, Self::Largest, Self::Distinct, Self::Days];

    /// Its word in JSON and text.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Average => "average",
            Self::Smallest => "smallest",
            Self::Largest => "largest",
            Self::Distinct => "distinct",
            Self::Days => "days",
        }
    }

    /// Whether it is of a property.
    pub const fn has_path(self) -> bool {
        !matches!(self, Self::Days)
    }
}

/// One thing after another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sequence {
    /// The steps, in their order: 1 to [`Sequence::MOST_STEPS`].
    pub steps: Vec<Events>,
    /// From the first to the last step at most; there is one when there are several steps.
    pub spanning: Option<Given<Duration>>,
    /// A property whose value is the same in all steps, and in what must not follow.
    pub same: Option<String>,
    /// What must not follow the last step, and within how long.
    pub without: Option<(Events, Given<Duration>)>,
    /// When the last step happened.
    pub within: Within,
}

impl Sequence {
    /// More steps are a funnel.
    pub const MOST_STEPS: usize = 8;
}

/// Later than usual.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Overdue {
    /// Than usual for which events.
    pub of: Events,
    /// How many times the usual gap.
    pub factor: Given<Number>,
    /// What is usual is known after so many gaps; at least 1.
    pub gaps: Given<u32>,
}

impl Overdue {
    /// So many of the last gaps say what is usual.
    pub const REMEMBERED: usize = 20;
}

/// Intervals in a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Streak {
    /// With which events.
    pub of: Events,
    /// Of the workspace's calendar.
    pub interval: Interval,
    /// How many in a row; at least 1.
    pub least: Given<u32>,
}

/// A fact that took another value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Changed {
    /// The fact's key.
    pub key: String,
    /// From this value.
    pub from: Option<Given<Operand>>,
    /// To this value.
    pub to: Option<Given<Operand>>,
    /// When.
    pub within: Within,
}

/// A part of all people, chosen by chance once and for all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Other salts choose independently.
    pub salt: String,
    /// From this per cent on, in hundredths: 0 to 10,000.
    pub from: u32,
    /// Up to, not including.
    pub to: u32,
}

impl Bucket {
    /// Whether a person is in it.
    pub fn has(&self, person: PersonId) -> bool {
        (self.from..self.to).contains(&self.place(person))
    }

    /// A person's place, in hundredths of a per cent.
    pub fn place(&self, person: PersonId) -> u32 {
        assignment::bucket(&self.salt, person)
    }
}

/// How often a person performed an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Performed {
    /// The event's standard name, or `*` for any event.
    pub event: String,
    /// What the event itself must pass: `property` tests and their combinations.
    pub filter: Option<Box<Condition>>,
    /// How many such events.
    pub times: Times,
    /// When they happened.
    pub within: Within,
    /// Which of them is looked at.
    pub which: Which,
    /// What the one that is looked at must pass; only of the first or last.
    pub having: Option<Box<Condition>>,
}

/// Which of the events is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Which {
    /// All are counted.
    #[default]
    Every,
    /// The person's first, ever.
    First,
    /// The person's latest.
    Last,
}

/// A number of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Times {
    /// This many or more; at least 1.
    AtLeast(Given<u32>),
    /// This many; 0 is never.
    Exactly(Given<u32>),
    /// This many or fewer, also none.
    AtMost(Given<u32>),
    /// From the first to the second, both included.
    Between(Given<u32>, Given<u32>),
}

impl Times {
    /// Whether `count` events are right.
    pub fn holds(self, count: u64) -> bool {
        match self {
            Self::AtLeast(least) => count >= u64::from(*least),
            Self::Exactly(exact) => count == u64::from(*exact),
            Self::AtMost(most) => count <= u64::from(*most),
            Self::Between(least, most) => count >= u64::from(*least) && count <= u64::from(*most),
        }
    }

    /// Once, or more often.
    pub fn once() -> Self {
        Self::AtLeast(1.into())
    }

    /// Not once.
    pub fn never() -> Self {
        Self::Exactly(0.into())
    }

    /// Whether it is what is meant where nothing is said: once or more often, and no parameter says so.
    pub(crate) fn is_plain(self, plain: Self) -> bool {
        let name = match self {
            Self::AtLeast(count) | Self::Exactly(count) | Self::AtMost(count) | Self::Between(count, _) => count.name(),
        };
        self == plain && name.is_none()
    }
}

/// A window in time. None of them reaches past the instant for which the condition is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Within {
    /// All of the past.
    Ever,
    /// `(now - length, now]`.
    Last(Given<Duration>),
    /// `[first, first + length)`, from the person's first event on.
    First(Given<Duration>),
    /// `[from, to)`: a missing end is open.
    Dates {
        /// From its start on.
        from: Option<Given<Instant>>,
        /// Before its start.
        to: Option<Given<Instant>>,
    },
}

/// What one value must pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// There is a value.
    Exists,
    /// There is none.
    NotExists,
    /// It is true.
    IsTrue,
    /// It is false.
    IsFalse,
    /// It is this.
    Equals(Given<Operand>),
    /// It is not this, or missing.
    NotEquals(Given<Operand>),
    /// It is one of these.
    In(Vec<Given<Operand>>),
    /// It is none of these, or missing.
    NotIn(Vec<Given<Operand>>),
    /// The text is within it.
    Contains(Given<String>),
    /// The text is not within it, or it is missing.
    NotContains(Given<String>),
    /// It begins with the text.
    StartsWith(Given<String>),
    /// It ends with the text.
    EndsWith(Given<String>),
    /// `>=`
    AtLeast(Given<Number>),
    /// `>`
    MoreThan(Given<Number>),
    /// `<=`
    AtMost(Given<Number>),
    /// `<`
    LessThan(Given<Number>),
    /// From the first to the second, both included.
    Between(Given<Number>, Given<Number>),
    /// From the start of the first to the end of the second.
    BetweenTimes(Given<Instant>, Given<Instant>),
    /// Before the start of it.
    Before(Given<Instant>),
    /// After the end of it.
    After(Given<Instant>),
    /// In `(now - length, now]`; of facts only.
    InLast(Given<Duration>),
    /// In `(now, now + length]`; of facts only.
    InNext(Given<Duration>),
}

/// What a value is compared with; its type decides how the value is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// Compares texts.
    Text(String),
    /// Compares numbers.
    Number(Number),
    /// Compares booleans.
    Boolean(bool),
}

impl Operand {
    /// The number that it is.
    pub const fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl Test {
    /// The positive test that a negative one is `not` of; `None` for a positive one.
    pub fn opposite(&self) -> Option<Self> {
        match self {
            Self::NotExists => Some(Self::Exists),
            Self::NotEquals(operand) => Some(Self::Equals(operand.clone())),
            Self::NotIn(operands) => Some(Self::In(operands.clone())),
            Self::NotContains(part) => Some(Self::Contains(part.clone())),
            _ => None,
        }
    }
}

impl Condition {
    /// Calls `visit` for this condition and every one inside it, `performed` filters included, parents first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Condition)) {
        visit(self);
        match self {
            Self::All(children) | Self::Any(children) => {
                for child in children {
                    child.walk(visit);
                }
            }
            Self::Not(child) => child.walk(visit),
            _ => {
                for filter in self.filters() {
                    filter.walk(visit);
                }
            }
        }
    }

    /// The filters of events in this very test.
    fn filters(&self) -> Vec<&Condition> {
        match self {
            Self::Performed(performed) => {
                [&performed.filter, &performed.having].into_iter().flatten().map(|f| &**f).collect()
            }
            Self::Measured(measured) => of_events(&measured.of).into_iter().collect(),
            Self::Overdue(overdue) => of_events(&overdue.of).into_iter().collect(),
            Self::Streak(streak) => of_events(&streak.of).into_iter().collect(),
            Self::Sequence(sequence) => sequence.events().filter_map(of_events).collect(),
            _ => Vec::new(),
        }
    }

    /// The events that are tested, by name.
    pub fn event_names(&self) -> Vec<&str> {
        let mut names = std::collections::BTreeSet::new();
        self.walk(&mut |condition| match condition {
            Self::Performed(performed) => drop(names.insert(performed.event.as_str())),
            Self::Measured(measured) => drop(names.insert(measured.of.event.as_str())),
            Self::Overdue(overdue) => drop(names.insert(overdue.of.event.as_str())),
            Self::Streak(streak) => drop(names.insert(streak.of.event.as_str())),
            Self::Sequence(sequence) => names.extend(sequence.events().map(|events| events.event.as_str())),
            _ => {}
        });
        names.into_iter().collect()
    }

    /// Whether it asks for what somebody did before, which is nothing that can be judged while an event is applied.
    pub fn asks_history(&self) -> bool {
        let mut history = false;
        self.walk(&mut |part| {
            history |= matches!(
                part,
                Self::Performed(_) | Self::Measured(_) | Self::Sequence(_) | Self::Overdue(_) | Self::Streak(_)
            );
        });
        history
    }

    /// The keys of the segments it asks for, sorted, each once.
    pub fn segment_keys(&self) -> Vec<&str> {
        let mut keys = std::collections::BTreeSet::new();
        self.walk(&mut |condition| {
            if let Self::Segment { key, .. } = condition {
                keys.insert(key.as_str());
            }
        });
        keys.into_iter().collect()
    }

    /// The keys of the facts it tests, sorted, each once: what a caller must load.
    pub fn fact_keys(&self) -> Vec<&str> {
        let mut keys = std::collections::BTreeSet::new();
        self.walk(&mut |condition| {
            if let Self::Fact { key, .. } | Self::Held { key, .. } | Self::Changed(Changed { key, .. }) = condition {
                keys.insert(key.as_str());
            }
        });
        keys.into_iter().collect()
    }
}

fn of_events(events: &Events) -> Option<&Condition> {
    events.filter.as_deref()
}

impl Sequence {
    /// The events of its steps, then those that must not follow.
    pub fn events(&self) -> impl Iterator<Item = &Events> {
        self.steps.iter().chain(self.without.as_ref().map(|(events, _)| events))
    }
}
