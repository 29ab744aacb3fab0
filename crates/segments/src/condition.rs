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
//! * `all` of nothing holds for everyone; `any` of nothing is refused.
//!
//! Always holds: a condition that was [decoded](Condition::parse) is within its [`Limits`], so walking it recursively is safe.
//! It does not know profiles, segments' names, or any engine.

mod decode;
mod encode;
mod limits;
mod number;
mod place;
mod scope;

use crate::duration::Duration;
use crate::instant::Instant;

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
}

/// A number of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Times {
    /// This many or more; at least 1.
    AtLeast(u32),
    /// This many; 0 is never.
    Exactly(u32),
    /// This many or fewer, also none.
    AtMost(u32),
    /// From the first to the second, both included.
    Between(u32, u32),
}

impl Times {
    /// Whether `count` events are right.
    pub const fn holds(self, count: u64) -> bool {
        match self {
            Self::AtLeast(least) => count >= least as u64,
            Self::Exactly(exact) => count == exact as u64,
            Self::AtMost(most) => count <= most as u64,
            Self::Between(least, most) => count >= least as u64 && count <= most as u64,
        }
    }
}

/// A window in time. None of them reaches past the instant for which the condition is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Within {
    /// All of the past.
    Ever,
    /// `(now - length, now]`.
    Last(Duration),
    /// `[from, to)`: a missing end is open.
    Dates {
        /// From its start on.
        from: Option<Instant>,
        /// Before its start.
        to: Option<Instant>,
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
    Equals(Operand),
    /// It is not this, or missing.
    NotEquals(Operand),
    /// It is one of these.
    In(Vec<Operand>),
    /// It is none of these, or missing.
    NotIn(Vec<Operand>),
    /// The text is within it.
    Contains(String),
    /// The text is not within it, or it is missing.
    NotContains(String),
    /// It begins with the text.
    StartsWith(String),
    /// It ends with the text.
    EndsWith(String),
    /// `>=`
    AtLeast(Number),
    /// `>`
    MoreThan(Number),
    /// `<=`
    AtMost(Number),
    /// `<`
    LessThan(Number),
    /// From the first to the second, both included.
    Between(Number, Number),
    /// From the start of the first to the end of the second.
    BetweenTimes(Instant, Instant),
    /// Before the start of it.
    Before(Instant),
    /// After the end of it.
    After(Instant),
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
            Self::Performed(Performed { filter: Some(filter), .. }) => filter.walk(visit),
            Self::Performed(_) | Self::Property { .. } | Self::Fact { .. } => {}
        }
    }

    /// The keys of the facts it tests, sorted, each once: what a caller must load.
    pub fn fact_keys(&self) -> Vec<&str> {
        let mut keys = std::collections::BTreeSet::new();
        self.walk(&mut |condition| {
            if let Self::Fact { key, .. } = condition {
                keys.insert(key.as_str());
            }
        });
        keys.into_iter().collect()
    }
}
