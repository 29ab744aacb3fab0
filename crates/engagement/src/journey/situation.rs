//! What is known of a person at an instant, as far as rules ask for it.
//!
//! Always holds: read in one transaction, the one in which the rules' decision is written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use rapport_domain::{Channel, Handle, PersonId, Timestamp};
use rapport_privacy::Statement;

use crate::lots::Chances;
use crate::sending::Pace;

/// A person's situation.
#[derive(Clone, Debug)]
pub struct Situation {
    /// Who.
    pub person: PersonId,
    /// There is nobody by that number any more.
    pub is_gone: bool,
    /// What is known of them is not to be used.
    pub is_restricted: bool,
    /// A complaint or ticket is open, or the last feeling was bad.
    pub is_troubled: bool,
    /// Of those who get no marketing at all.
    pub is_held_out: bool,
    /// Where they are.
    pub zone: TimeZone,
    /// The hour of day, where they are, at which they are usually there.
    pub usual_hour: Option<u8>,
    /// Of the segments that plans ask for, those they are in.
    pub members: BTreeSet<String>,
    /// The identifier under which each channel reaches them.
    pub reach: BTreeMap<Channel, Handle>,
    /// What reaches them no more, by channel.
    pub suppressed: Vec<(Channel, Suppressed)>,
    /// What they said about consent.
    pub said: Vec<Statement>,
    /// They wish so much time between two messages of marketing.
    pub wished_gap: Option<i64>,
    /// How often they are written to at most, as a policy says.
    pub pace: Option<Pace>,
    /// Messages of marketing that were sent, or are on their way, within the longest window of a cap.
    pub sent: Vec<Sent>,
    /// Other journeys that are about to write to them.
    pub others: Vec<Other>,
    /// Their arm in each experiment that a plan's splits name, by its key and what the split is part of ([`crate::lots::subject_of`]). Where there is
    /// none the split draws by itself.
    pub arms: BTreeMap<(String, String), String>,
    /// The chances of each policy that a plan's splits name, by its key and the split's ways. Where there are none the split draws by itself.
    pub chances: BTreeMap<(String, Vec<String>), Chances>,
}

/// What does not reach somebody any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suppressed {
    /// Anything: nobody is there.
    Everything,
    /// Marketing: they complained about some of it that has no topic. What they need to know still reaches them.
    Marketing,
    /// Marketing about this: they complained about it.
    Topic(String),
}

/// A message that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When it was sent; of one on its way, which may arrive at any time, the present.
    pub at: Timestamp,
    /// By which channel.
    pub channel: Channel,
    /// About what.
    pub topic: Option<String>,
}

/// Another journey that is about to write to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its priority.
    pub priority: i32,
    /// When its turn is.
    pub due: Timestamp,
}

impl Situation {
    /// Somebody of whom nothing is known, in a zone.
    pub fn of(person: PersonId, zone: TimeZone) -> Self {
        Self {
            person,
            is_gone: false,
            is_restricted: false,
            is_troubled: false,
            is_held_out: false,
            zone,
            usual_hour: None,
            members: BTreeSet::new(),
            reach: BTreeMap::new(),
            suppressed: Vec::new(),
            said: Vec::new(),
            wished_gap: None,
            pace: None,
            sent: Vec::new(),
            others: Vec::new(),
            arms: BTreeMap::new(),
            chances: BTreeMap::new(),
        }
    }
}
