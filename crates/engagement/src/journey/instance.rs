//! One person on the way through a journey.
//!
//! Always holds: whoever is out has no node and is not woken; `visits` of a node never falls.

use std::collections::BTreeMap;

use rapport_domain::{Handle, PersonId, Timestamp};

use super::definition::Next;
use crate::sending::Reason;

/// Under this name an instance remembers when the event happened that brought it in.
pub const ENTRY: &str = "entry";

/// One person on the way through one version of a journey.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Its name.
    pub id: String,
    /// The journey's key.
    pub journey: String,
    /// The version it keeps to.
    pub version: i64,
    /// Who.
    pub person: PersonId,
    /// The identifier that came in: when it becomes another person's, so does this.
    pub handle: Option<Handle>,
    /// The occasion: an order's id, a campaign's run.
    pub entry_key: String,
    /// When they came in, or when it is their turn to: a campaign by their own clock lets them wait until then.
    pub entered_at: Timestamp,
    /// Where they are; `None` for at the end.
    pub node: Next,
    /// Since when.
    pub arrived_at: Timestamp,
    /// How often they came to each node.
    pub visits: BTreeMap<String, u32>,
    /// When what is waited for was heard last.
    pub heard: BTreeMap<String, Timestamp>,
    /// When to look at it again, whatever happens.
    pub wake_at: Option<Timestamp>,
    /// When the goal was reached.
    pub goal_at: Option<Timestamp>,
    /// When and why it was over.
    pub ended: Option<(Timestamp, End)>,
}

/// Why it was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// They came to the end.
    Completed,
    /// They reached the goal.
    Goal,
    /// They are not of the audience any more.
    OutOfAudience,
    /// They do not want messages of this kind any more.
    ConsentGone,
    /// Somebody took them out.
    Manual,
    /// There is nobody any more.
    Gone,
    /// They are one with somebody who is on the same way.
    Merged,
    /// They are held out: it ended as it began.
    HeldOut,
    /// They went in a circle.
    Circle,
    /// The journey was stopped.
    Stopped,
    /// They could not be sent something, and are let go for it.
    Skipped(Reason),
    /// Their node is not in the version that they were moved to.
    NoNode,
    /// What would have brought them in was too old when we heard of it.
    Late,
}

impl End {
    /// Whether what was decided before and did not go out yet is not to go out any more.
    pub const fn is_leaving(self) -> bool {
        matches!(self, Self::Goal | Self::OutOfAudience | Self::ConsentGone | Self::Manual | Self::Stopped)
    }

    const PLAIN: [Self; 12] = [
        Self::Completed,
        Self::Goal,
        Self::OutOfAudience,
        Self::ConsentGone,
        Self::Manual,
        Self::Gone,
        Self::Merged,
        Self::HeldOut,
        Self::Circle,
        Self::Stopped,
        Self::NoNode,
        Self::Late,
    ];

    /// The stable word for it, as stored.
    pub fn word(self) -> String {
        match self {
            Self::Skipped(reason) => format!("skipped:{}", reason.as_str()),
            other => other.plain().to_owned(),
        }
    }

    const fn plain(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Goal => "goal",
            Self::OutOfAudience => "out_of_audience",
            Self::ConsentGone => "consent_gone",
            Self::Manual => "manual",
            Self::Gone => "gone",
            Self::Merged => "merged",
            Self::HeldOut => "held_out",
            Self::Circle => "circle",
            Self::Stopped => "stopped",
            Self::Skipped(_) => "skipped",
            Self::NoNode => "no_node",
            Self::Late => "late",
        }
    }

    /// The end of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        match word.strip_prefix("skipped:") {
            Some(reason) => Reason::parse(reason).map(Self::Skipped),
            None => Self::PLAIN.into_iter().find(|end| end.plain() == word),
        }
    }
}

impl Instance {
    /// Somebody who wants to come in: whether they may is asked at the first look.
    pub fn new(
        id: String,
        (journey, version): (&str, i64),
        person: PersonId,
        entry_key: String,
        start: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            journey: journey.to_owned(),
            version,
            person,
            handle: None,
            entry_key,
            entered_at: now,
            node: Some(start.to_owned()),
            arrived_at: now,
            visits: BTreeMap::new(),
            heard: BTreeMap::new(),
            wake_at: Some(now),
            goal_at: None,
            ended: None,
        }
    }

    /// Whether they are in: the first node was come to.
    pub fn has_begun(&self) -> bool {
        !self.visits.is_empty()
    }

    /// From when on what they do counts for what is waited for: the event that brought them in, however late it was heard of.
    pub fn since(&self) -> Timestamp {
        self.heard.get(ENTRY).copied().unwrap_or(self.entered_at)
    }

    /// Goes to a node.
    pub fn arrive(&mut self, node: Next, now: Timestamp) {
        if let Some(node) = &node {
            *self.visits.entry(node.clone()).or_default() += 1;
        }
        self.node = node;
        self.arrived_at = now;
    }

    /// Which time it is at its node, from 1.
    pub fn visit(&self) -> u32 {
        self.node.as_ref().and_then(|node| self.visits.get(node)).copied().unwrap_or(0)
    }

    /// It is over.
    pub fn end(&mut self, why: End, now: Timestamp) {
        self.ended = Some((now, why));
        self.wake_at = None;
    }

    /// Remembers that what is waited for was heard. What was heard late stays as it was.
    pub fn hear(&mut self, what: &str, at: Timestamp) {
        let heard = self.heard.entry(what.to_owned()).or_insert(at);
        *heard = (*heard).max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for end in End::PLAIN.into_iter().chain(Reason::ALL.into_iter().map(End::Skipped)) {
            assert_eq!(End::parse(&end.word()), Some(end));
        }
        assert_eq!(End::parse("skipped:because"), None);
    }
}
