//! Consent: what somebody said about being used for a purpose, and what holds because of it.
//!
//! Statements are only ever added. Each belongs to one identifier (its handle), because persons are merged and split: what an identifier's person
//! says is noted for every identifier they have at that time, so that after a split each part remembers it, and after a merge the stricter part
//! counts until the person speaks again.
//!
//! Always holds: nothing said is not consent; of two statements of the same instant the refusal counts; a statement about everything covers each
//! topic and channel, a refusal is only answered by a later agreement to the same thing or a part of it.

use rapport_domain::{Channel, Handle, Purpose, Timestamp};

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Yes.
    Granted,
    /// Asked for, and not confirmed yet (double opt-in).
    Pending,
    /// No.
    Denied,
    /// Not any more.
    Withdrawn,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Granted, Self::Pending, Self::Denied, Self::Withdrawn];

    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Pending => "pending",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether it is a no.
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Denied | Self::Withdrawn)
    }
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// What for.
    pub purpose: Purpose,
    /// Which way; `None` for every one.
    pub channel: Option<Channel>,
    /// About what, by the key of a topic; `None` for everything.
    pub topic: Option<String>,
}

impl Scope {
    /// Messages by one channel, about anything.
    pub const fn marketing(channel: Channel) -> Self {
        Self { purpose: Purpose::Marketing, channel: Some(channel), topic: None }
    }

    /// The same about one topic.
    #[must_use]
    pub fn about(self, topic: impl Into<String>) -> Self {
        Self { topic: Some(topic.into()), ..self }
    }

    /// Whether what is said of this is said of all of `other`.
    pub fn covers(&self, other: &Self) -> bool {
        self.purpose == other.purpose
            && (self.channel.is_none() || self.channel == other.channel)
            && (self.topic.is_none() || self.topic == other.topic)
    }
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The identifier of whoever said it.
    pub handle: Handle,
    /// About what.
    pub scope: Scope,
    /// What.
    pub state: State,
    /// When.
    pub at: Timestamp,
    /// Until when an agreement holds, if it ends by itself.
    pub until: Option<Timestamp>,
}

/// What holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nobody said anything.
    Unknown,
    /// Agreed.
    Granted,
    /// Agreed once, for a time that is over.
    Expired,
    /// Asked for, and not confirmed.
    Pending,
    /// Refused, or taken back.
    Denied,
}

impl Verdict {
    /// The stable word for it, as shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Granted => "granted",
            Self::Expired => "expired",
            Self::Pending => "pending",
            Self::Denied => "denied",
        }
    }
}

/// What holds, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What holds.
    pub verdict: Verdict,
    /// When that was said which decides; `None` when nothing was.
    pub since: Option<Timestamp>,
}

impl Standing {
    const UNKNOWN: Self = Self { verdict: Verdict::Unknown, since: None };

    /// Whether the person may be used for it.
    pub fn is_granted(self) -> bool {
        self.verdict == Verdict::Granted
    }
}

/// What holds for a person about `asked` at `now`, from what was said under each of their identifiers: the stricter one counts.
pub fn standing(statements: &[Statement], asked: &Scope, now: Timestamp) -> Standing {
    let mut handles: Vec<Handle> = statements.iter().map(|statement| statement.handle).collect();
    handles.sort_unstable();
    handles.dedup();
    let of_each = handles.into_iter().map(|handle| {
        let own: Vec<&Statement> = statements.iter().filter(|it| it.handle == handle).collect();
        of_one(&own, asked, now)
    });
    // Among equal ones the latest, so that the answer does not depend on the order of identifiers.
    of_each.max_by_key(|standing| (standing.verdict, standing.since)).unwrap_or(Standing::UNKNOWN)
}

/// What holds under one identifier.
fn of_one(statements: &[&Statement], asked: &Scope, now: Timestamp) -> Standing {
    let about: Vec<&Statement> =
        statements.iter().copied().filter(|it| it.at <= now && it.scope.covers(asked)).collect();
    let yes = |it: &&&Statement| it.state == State::Granted && it.until.is_none_or(|until| now < until);
    let answered =
        |refusal: &Statement| about.iter().filter(yes).any(|it| it.at > refusal.at && refusal.scope.covers(&it.scope));
    let latest = |of: &dyn Fn(&&&Statement) -> bool| about.iter().filter(|it| of(it)).map(|it| it.at).max();
    let candidates = [
        (Verdict::Denied, latest(&|it| it.state.is_refusal() && !answered(it))),
        (Verdict::Granted, latest(&|it| yes(it))),
        (Verdict::Pending, latest(&|it| it.state == State::Pending)),
        (Verdict::Expired, latest(&|it| it.state == State::Granted)),
    ];
    let decided = candidates.into_iter().find(|(_, since)| since.is_some());
    decided.map_or(Standing::UNKNOWN, |(verdict, since)| Standing { verdict, since })
}

#[cfg(test)]
mod tests;
