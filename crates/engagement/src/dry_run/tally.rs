//! What a dry run comes to: how many, node by node, and of them how many only because nothing more is assumed to happen.

use std::collections::BTreeMap;

use rapport_domain::Timestamp;

use super::{Did, Outcome, Trip};
use crate::journey::End;
use crate::journey::rules::What;
use crate::sending::Reason;

/// How often something happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// In all.
    pub all: i64,
    /// Of these, after what is known.
    pub assumed: i64,
}

impl Count {
    fn add(&mut self, is_assumed: bool) {
        self.all += 1;
        self.assumed += i64::from(is_assumed);
    }
}

/// What happens at a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtNode {
    /// How often somebody comes to it.
    pub came: i64,
    /// How many are at it where what is known ends.
    pub stands: i64,
    /// How often it is left, by way.
    pub ways: BTreeMap<String, Count>,
    /// How many messages go out.
    pub sends: Count,
    /// How many do not, and why.
    pub skips: BTreeMap<Reason, Count>,
}

impl AtNode {
    fn add(&mut self, what: &Did, is_assumed: bool) {
        match what {
            Did::Effect(What::Left(way)) => self.ways.entry(way.clone()).or_default().add(is_assumed),
            Did::Effect(What::Send { .. }) => self.sends.add(is_assumed),
            Did::Effect(What::Skip { reason, .. }) | Did::Unwritten { reason, .. } => {
                self.skips.entry(*reason).or_default().add(is_assumed);
            }
            _ => {}
        }
    }
}

/// What a dry run comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What came of coming in.
    pub outcomes: BTreeMap<Outcome, i64>,
    /// How many reach the goal.
    pub goals: Count,
    /// How it ends.
    pub ends: BTreeMap<String, Count>,
    /// How many go on longer than was played.
    pub cut: i64,
    /// Node by node.
    pub nodes: BTreeMap<String, AtNode>,
}

impl Tally {
    /// Adds trips up. `known_until` is where what is known ends.
    pub fn of<'t>(trips: impl IntoIterator<Item = &'t Trip>, known_until: Timestamp) -> Self {
        let mut tally = Self::default();
        for trip in trips {
            tally.add(trip, known_until);
        }
        tally
    }

    fn add(&mut self, trip: &Trip, known_until: Timestamp) {
        *self.outcomes.entry(trip.outcome).or_default() += 1;
        self.cut += i64::from(trip.is_cut);
        if trip.outcome == Outcome::HeldOut {
            // They come to no node.
            return;
        }
        for (node, times) in &trip.visits {
            self.nodes.entry(node.clone()).or_default().came += i64::from(*times);
        }
        for step in &trip.steps {
            let is_assumed = step.at > known_until;
            match &step.what {
                Did::Effect(What::Goal) => self.goals.add(is_assumed),
                Did::Ends(why) => self.ends.entry(End::word(*why)).or_default().add(is_assumed),
                what => {
                    let node = self.nodes.entry(step.node.clone()).or_default();
                    node.add(what, is_assumed);
                    if let Did::Waits(until) = what {
                        node.stands += i64::from(!is_assumed && *until > known_until);
                    }
                }
            }
        }
    }
}
