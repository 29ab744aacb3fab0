//! Consent: what somebody said about being used for a purpose, and what holds because of it.
//!
//! Statements are only ever added. Each belongs to one identifier (its handle), because persons are merged and split: what an identifier's person
//! says is noted for every identifier they have at that time, so that after a split each part remembers it, and after a merge the stricter part
//! counts until the person speaks again.
//!
//! Always holds: nothing said is not consent; of two statements of the same instant the refusal counts; a statement about everything covers each
//! topic and channel, a refusal is only answered by a later agreement to the same thing or a part of it.

mod history;

use std::collections::BTreeMap;

use rapport_domain::{Channel, Handle, Purpose, Timestamp};

use history::Said;
pub use history::history;

/// How the keys of facts about consent begin.
const FACTS: &str = "consent";
/// The word for every channel in such a key, where a topic follows.
const ANY_CHANNEL: &str = "any";

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

    /// The fact under which conditions ask for what holds about it: `consent.email`, `consent.email.news` (a topic), and of other purposes than
    /// marketing `consent.sharing`, `consent.sharing.ads`.
    pub fn fact_key(&self) -> String {
        let purpose = (self.purpose != Purpose::Marketing || self.channel.is_none()).then(|| self.purpose.as_str());
        let channel = self.channel.map_or_else(|| self.topic.as_ref().map(|_| ANY_CHANNEL), |it| Some(it.as_str()));
        let words = [Some(FACTS), purpose, channel, self.topic.as_deref()];
        words.into_iter().flatten().collect::<Vec<_>>().join(".")
    }

    /// What a fact asks about; `None` for facts of others.
    pub fn of_fact(key: &str) -> Option<Self> {
        let rest = key.strip_prefix(FACTS)?.strip_prefix('.')?;
        let (first, behind) = rest.split_once('.').map_or((rest, None), |(first, behind)| (first, Some(behind)));
        let named = Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == first);
        let channel_and_topic = if named.is_some() { behind } else { Some(rest) };
        let (mut channel, mut topic) = (None, None);
        if let Some(words) = channel_and_topic {
            let (word, behind) = words.split_once('.').map_or((words, None), |(word, behind)| (word, Some(behind)));
            channel = Channel::ALL.into_iter().find(|channel| channel.as_str() == word);
            if channel.is_none() && (word != ANY_CHANNEL || named.is_none()) {
                return None;
            }
            topic = behind.filter(|topic| !topic.is_empty()).map(str::to_owned);
        }
        Some(Self { purpose: named.unwrap_or(Purpose::Marketing), channel, topic })
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
    /// All of them, the strictest last.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Granted, Self::Expired, Self::Pending, Self::Denied];

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
    let of_each = by_handle(statements, asked).into_values().map(|own| {
        let mut said = Said::default();
        own.into_iter().take_while(|it| it.at <= now).for_each(|it| said.take(it));
        said.standing(now)
    });
    // Among equal ones the latest, so that the answer does not depend on the order of identifiers.
    of_each.max_by_key(|standing| (standing.verdict, standing.since)).unwrap_or(Standing::UNKNOWN)
}

/// What was said about it under each identifier, in the order of time.
fn by_handle<'s>(statements: &'s [Statement], asked: &Scope) -> BTreeMap<Handle, Vec<&'s Statement>> {
    let mut all: BTreeMap<Handle, Vec<&Statement>> = BTreeMap::new();
    for statement in statements.iter().filter(|it| it.scope.covers(asked)) {
        all.entry(statement.handle).or_default().push(statement);
    }
    all.values_mut().for_each(|own| own.sort_by_key(|it| it.at));
    all
}

#[cfg(test)]
mod tests;
