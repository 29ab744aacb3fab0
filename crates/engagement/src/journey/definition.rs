//! The plan of a journey: its JSON form is what is stored.
//!
//! Always holds: what was decoded is of known fields and within [`MOST_NODES`]; whether it makes sense is said by [`check`](super::check).

use std::collections::BTreeMap;

use rapport_domain::Channel;
use rapport_segments::{Condition, Duration, Limits, Scope, kept};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::Error;
use crate::sending::Quiet;

/// The most nodes of a journey.
pub const MOST_NODES: usize = 200;
/// A node is passed so many times by one instance, if the journey says nothing else.
pub const VISITS: u32 = 20;
/// The most bytes of a plan.
pub const MOST_BYTES: usize = 512 << 10;

/// A condition of persons, in its JSON form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When(pub Condition);

impl When {
    /// The key of the segment that is kept for it: equal conditions are one segment; whoever asks for a segment as such asks for that one.
    pub fn segment(&self) -> String {
        kept::key_of(&self.0)
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Value::deserialize(deserializer)?;
        let condition = Condition::from_json(&form, Limits::DEFAULT).map_err(serde::de::Error::custom)?;
        condition.validate(Scope::Person).map_err(serde::de::Error::custom)?;
        Ok(Self(condition))
    }
}

/// A condition of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(pub Condition);

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Value::deserialize(deserializer)?;
        let condition = Condition::from_json(&form, Limits::DEFAULT).map_err(serde::de::Error::custom)?;
        condition.validate(Scope::Event).map_err(serde::de::Error::custom)?;
        Ok(Self(condition))
    }
}

/// The plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// How people come in.
    pub entry: Entry,
    /// Who may come in, and to whom its messages go: asked again before every act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<When>,
    /// Whether somebody comes in again.
    #[serde(default)]
    pub reentry: Reentry,
    /// What takes people out before the end.
    #[serde(default)]
    pub exits: Exits,
    /// What it is meant to bring about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<Awaited>,
    /// Of its messages.
    #[serde(default)]
    pub class: Class,
    /// What its messages are about: a topic of consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Where two journeys want to write to somebody who may get one message only, the higher one does.
    #[serde(default)]
    pub priority: i32,
    /// So many per cent of those who would come in are held out: they get nothing, and show what the journey is worth.
    #[serde(default)]
    pub holdout_percent: f64,
    /// Quiet hours of its own; the workspace's otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// Whether the seed list gets a copy of what each run sends, where people come in on a schedule.
    #[serde(default = "yes", skip_serializing_if = "is_so")]
    pub seed_list: bool,
    /// How often a node is passed at most by one instance.
    #[serde(default = "visits")]
    pub most_visits: u32,
    /// The first node.
    pub start: String,
    /// The nodes.
    pub nodes: Vec<Node>,
}

const fn visits() -> u32 {
    VISITS
}

/// How people come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// They come into a segment. Whoever is in it at launch comes in too, if it says so.
    SegmentEntered {
        /// Its condition.
        when: When,
        /// Those too who are in it already.
        #[serde(default)]
        members_at_launch: bool,
    },
    /// They leave a segment.
    SegmentLeft {
        /// Its condition.
        when: When,
    },
    /// They do something.
    Event {
        /// Its standard name.
        name: String,
        /// What it must pass.
        #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
        filter: Option<Filter>,
        /// The property that tells one occasion from another, such as the cart's or order's id: for each occasion somebody can be in the
        /// journey once. Without it a person is in it once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// An event that is older than this when we hear of it brings nobody in.
        #[serde(default = "day")]
        not_older_than: Duration,
    },
    /// A date of theirs comes.
    Date {
        /// The fact that holds the date, e.g. `trait.birthday`.
        fact: String,
        /// Each year, or once.
        #[serde(default)]
        yearly: bool,
        /// So many days after it; before it when negative.
        #[serde(default)]
        days: i32,
        /// At this time where they are, e.g. `09:00`.
        #[serde(default = "nine")]
        at: String,
    },
    /// At an instant, or again and again: everybody of the audience.
    Schedule(Schedule),
    /// A program says so.
    Api {},
}

fn day() -> Duration {
    Duration::parse("1d").expect("a length of time")
}

fn nine() -> String {
    "09:00".to_owned()
}

/// When a campaign goes out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The first time, by the wall clock: `2026-12-01T09:00`.
    pub at: String,
    /// By whose clock.
    #[serde(default)]
    pub clock: WhoseClock,
    /// Again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
    /// Not after this day: `2027-01-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// At most so many people an hour come in; all at once otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_per_hour: Option<u32>,
    /// So many per cent on the first day, twice as many on each day after it, so that a new sender is trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_up_percent: Option<f64>,
}

/// Whose clock a time is read on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhoseClock {
    /// The workspace's.
    #[default]
    Workspace,
    /// That of each person.
    Person,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// Each day.
    Day,
    /// Each week.
    Week,
    /// Each month; on its last day where it is shorter.
    Month,
}

/// Whether somebody comes in again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reentry {
    /// Once only.
    #[default]
    Never,
    /// As soon as they are out.
    AfterExit,
    /// When so much time has passed since they came in last, and they are out.
    After(Duration),
    /// So many times in all, when they are out.
    AtMost(u32),
}

/// What takes people out before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exits {
    /// They reached the goal.
    #[serde(default = "yes")]
    pub at_goal: bool,
    /// They are not of the audience any more.
    #[serde(default = "yes")]
    pub out_of_audience: bool,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_so(value: &bool) -> bool {
    *value
}

impl Default for Exits {
    fn default() -> Self {
        Self { at_goal: true, out_of_audience: true }
    }
}

/// What kind of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// To win people: only to who agreed to it, within caps and quiet hours.
    #[default]
    Marketing,
    /// About something they did with the company, such as how a delivery went: to who did not refuse it, within caps and quiet hours.
    Service,
    /// What people need to know about what they asked for: an order, a password, a ticket.
    Transactional,
}

impl Class {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Service => "service",
            Self::Transactional => "transactional",
        }
    }

    /// All of them, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Transactional, Self::Service, Self::Marketing];

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }

    /// Whether people may keep it from coming, and caps and quiet hours hold it back: all but what they need to know.
    pub const fn is_optional(self) -> bool {
        !matches!(self, Self::Transactional)
    }
}

/// One event that is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneEvent {
    /// Its standard name.
    pub name: String,
    /// What it must pass.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
}

/// Something that is waited for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// Somebody does something, from when they came in on.
    Event(OneEvent),
    /// A condition holds.
    Condition(When),
}

/// A place in the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its name within the journey.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What happens there.
    pub step: Step,
    /// Where it stands on the canvas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<(f64, f64)>,
}

/// The node that comes next; none for the end.
pub type Next = Option<String>;

/// What happens at a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// A message is sent.
    Message {
        /// By which channel.
        channel: Channel,
        /// The key of its template.
        template: String,
        /// What becomes of who cannot be sent it.
        #[serde(default)]
        otherwise: Otherwise,
        /// Held back for so long (quiet hours, caps), it is of no use any more.
        #[serde(default = "drop_after")]
        drop_after: Duration,
        /// Next.
        next: Next,
    },
    /// Time passes.
    Wait {
        /// How much.
        how: Wait,
        /// Next.
        next: Next,
    },
    /// Something is waited for.
    WaitUntil {
        /// The first that comes true leads on; of several true ones the first in the list.
        paths: Vec<Path>,
        /// For so long.
        timeout: Duration,
        /// When nothing came.
        timed_out: Next,
    },
    /// Where somebody goes depends on what is true of them.
    Branch {
        /// The first whose condition holds.
        paths: Vec<Choice>,
        /// When none holds.
        otherwise: Next,
    },
    /// Where somebody goes is decided by lot, always the same for a person; with a policy anew each time.
    Split {
        /// What depends on it; the journey and node if nothing is said. With an experiment's key its arms are noted as exposures.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        experiment: Option<String>,
        /// The key of a policy that decides, and learns what its arms bring. Where there is none of the key the shares hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<String>,
        /// Shares of 100 in all.
        arms: Vec<Arm>,
    },
    /// Something is noted about the person.
    SetTrait {
        /// The trait.
        name: String,
        /// Its value; null takes it away.
        value: Value,
        /// Next.
        next: Next,
    },
    /// The person is put on a list, or taken off it.
    List {
        /// The list's key.
        list: String,
        /// On it.
        #[serde(default = "yes")]
        on: bool,
        /// Next.
        next: Next,
    },
    /// Another program is told.
    Webhook {
        /// Its address.
        url: String,
        /// What it is told, beside who and where.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        fields: BTreeMap<String, Value>,
        /// Next.
        next: Next,
    },
    /// Another part of Rapport does something: gives points, opens a ticket.
    Act {
        /// The action's name.
        action: String,
        /// With what.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        with: BTreeMap<String, Value>,
        /// Next.
        next: Next,
    },
    /// So many pass in so much time; the others wait.
    RateLimit {
        /// How many.
        most: u32,
        /// In how much time.
        per: Duration,
        /// Next.
        next: Next,
    },
    /// The goal is reached.
    Goal {
        /// Next, where reaching it does not lead out.
        next: Next,
    },
    /// The end.
    Exit {},
}

fn drop_after() -> Duration {
    Duration::parse("2d").expect("a length of time")
}

/// What becomes of who cannot be sent a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// They go on.
    #[default]
    Advance,
    /// They leave the journey.
    Exit,
    /// It is tried again each hour, until it is of no use any more; then they go on.
    Retry,
}

/// How much time passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wait {
    /// Elapsed time: "1d" are 24 hours.
    For(Duration),
    /// Until a time of day where the person is, so many days from now: "in 1 day at 09:00".
    Day {
        /// 0 is today, or tomorrow if that time has passed.
        days: u32,
        /// E.g. `09:00`.
        at: String,
        /// Only on these: `monday` ... `sunday`; empty for every day.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        weekdays: Vec<String>,
    },
    /// Until the hour at which the person is usually there; where that is not known, this time.
    UsualHour {
        /// E.g. `10:00`.
        fallback: String,
    },
}

/// A way out of waiting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// What is waited for.
    pub until: Awaited,
    /// Next.
    pub next: Next,
}

/// A way at a branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Who goes there.
    pub when: When,
    /// Next.
    pub next: Next,
}

/// A way by lot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its name.
    pub name: String,
    /// Its share.
    pub percent: f64,
    /// Next.
    pub next: Next,
}

impl Step {
    /// The stable word for what kind of node it is.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Wait { .. } => "wait",
            Self::WaitUntil { .. } => "wait_until",
            Self::Branch { .. } => "branch",
            Self::Split { .. } => "split",
            Self::SetTrait { .. } => "set_trait",
            Self::List { .. } => "list",
            Self::Webhook { .. } => "webhook",
            Self::Act { .. } => "act",
            Self::RateLimit { .. } => "rate_limit",
            Self::Goal { .. } => "goal",
            Self::Exit {} => "exit",
        }
    }

    /// All ways out of it: the end is `None`.
    pub fn ways(&self) -> Vec<&Next> {
        match self {
            Self::Message { next, .. }
            | Self::Wait { next, .. }
            | Self::SetTrait { next, .. }
            | Self::List { next, .. }
            | Self::Webhook { next, .. }
            | Self::Act { next, .. }
            | Self::RateLimit { next, .. }
            | Self::Goal { next } => vec![next],
            Self::WaitUntil { paths, timed_out, .. } => {
                paths.iter().map(|path| &path.next).chain([timed_out]).collect()
            }
            Self::Branch { paths, otherwise } => paths.iter().map(|path| &path.next).chain([otherwise]).collect(),
            Self::Split { arms, .. } => arms.iter().map(|arm| &arm.next).collect(),
            Self::Exit {} => Vec::new(),
        }
    }

    /// Whether time passes at it.
    pub const fn waits(&self) -> bool {
        matches!(self, Self::Wait { .. } | Self::WaitUntil { .. } | Self::RateLimit { .. })
    }
}

impl Definition {
    /// Reads a plan.
    ///
    /// # Errors
    /// The field that is unknown, missing or impossible.
    pub fn from_json(form: &Value) -> Result<Self, Error> {
        let text = form.to_string();
        if text.len() > MOST_BYTES {
            return Err(Error::too_large("journey", "bytes", MOST_BYTES));
        }
        let definition: Self = serde_path_to_error::deserialize(form)
            .map_err(|error| Error::invalid(error.path().to_string(), error.inner().to_string()))?;
        if definition.nodes.len() > MOST_NODES {
            return Err(Error::too_large("nodes", "nodes", MOST_NODES));
        }
        Ok(definition)
    }

    /// Its JSON form.
    pub fn to_json(&self) -> Value {
        // Of texts, numbers and lists only.
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// A node by its name.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// Its conditions, with where each stands.
    pub fn conditions(&self) -> Vec<(String, &When)> {
        let mut all = Vec::new();
        match &self.entry {
            Entry::SegmentEntered { when, .. } | Entry::SegmentLeft { when } => all.push(("entry".to_owned(), when)),
            _ => {}
        }
        all.extend(self.audience.iter().map(|when| ("audience".to_owned(), when)));
        if let Some(Awaited::Condition(when)) = &self.goal {
            all.push(("goal".to_owned(), when));
        }
        for node in &self.nodes {
            let place = || format!("nodes.{}", node.id);
            match &node.step {
                Step::Branch { paths, .. } => all.extend(paths.iter().map(|path| (place(), &path.when))),
                Step::WaitUntil { paths, .. } => all.extend(paths.iter().filter_map(|path| match &path.until {
                    Awaited::Condition(when) => Some((place(), when)),
                    Awaited::Event(_) => None,
                })),
                _ => {}
            }
        }
        all
    }

    /// The events it listens for on behalf of people who are in it, with the name under which an instance remembers each.
    pub fn listens(&self) -> Vec<(String, &OneEvent)> {
        let mut all = Vec::new();
        if let Some(Awaited::Event(event)) = &self.goal {
            all.push((GOAL.to_owned(), event));
        }
        for node in &self.nodes {
            if let Step::WaitUntil { paths, .. } = &node.step {
                for (place, path) in paths.iter().enumerate() {
                    if let Awaited::Event(event) = &path.until {
                        all.push((heard_at(&node.id, place), event));
                    }
                }
            }
        }
        all
    }

    /// What its lots depend on where no experiment is named: people fall differently at each node of each journey.
    pub fn salt(journey: &str, node: &str) -> String {
        format!("journey/{journey}/{node}")
    }
}

/// Under this name an instance remembers that the goal's event was heard.
pub const GOAL: &str = "goal";

/// Under this name an instance remembers that what a node waits for was heard.
pub fn heard_at(node: &str, place: usize) -> String {
    format!("{node}#{place}")
}
