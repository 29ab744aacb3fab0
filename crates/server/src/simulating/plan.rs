//! What is simulated: for whom, over which time, today's rules and the others, as they were when it was asked for.

use std::collections::BTreeSet;

use rapport_domain::Timestamp;
use rapport_loyalty::earning::{CapPer, InForce, Rule};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::programs::Programs;
use serde::{Deserialize, Serialize};

/// Whose events are told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Members.
    Members,
    /// Everybody, as if they were members: before there is a programme.
    Customers,
}

/// A programme and its rules, all of which hold for the whole time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// The programme.
    pub program: Program,
    /// The rules, with the versions that they have; 0 of one that is only tried.
    pub rules: Vec<(Rule, i64)>,
}

/// What the others are compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Today {
    /// What was in force at each time: what was really given.
    AsItWas,
    /// What is in force now, for the whole time.
    Now(Box<Rules>),
}

/// A simulation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// From when on what happened is told again.
    pub from: Timestamp,
    /// Until before when.
    pub until: Timestamp,
    /// Whose.
    pub who: Who,
    /// Only of those who are in it now.
    pub segment: Option<String>,
    /// Of no more people than this; chosen by a hash of their numbers.
    pub people_max: usize,
    /// Today's rules.
    pub today: Today,
    /// The others.
    pub others: Rules,
}

/// One side of a simulation, to be asked for what held when.
#[derive(Clone, Copy, Debug)]
pub enum Side<'a> {
    /// Versions.
    Versions(&'a Programs),
    /// The same all the time.
    Always(&'a Rules),
}

impl<'a> Side<'a> {
    /// The programme whose wallets are meant.
    pub fn program(self) -> Option<&'a Program> {
        match self {
            Self::Versions(programs) => programs.latest().map(|latest| &latest.program),
            Self::Always(rules) => Some(&rules.program),
        }
    }

    /// What held at an instant.
    pub fn at(self, at: Timestamp) -> Option<(&'a Program, Vec<InForce<'a>>)> {
        match self {
            Self::Versions(programs) => {
                let counts = programs.counts_from().is_some_and(|from| at >= from);
                counts.then(|| Some((programs.at(at)?, programs.rules_at(at).collect())))?
            }
            Self::Always(it) => Some((&it.program, it.rules.iter().map(|(rule, version)| (rule, *version)).collect())),
        }
    }

    /// All rules that ever hold.
    pub fn rules(self) -> Vec<&'a Rule> {
        match self {
            Self::Versions(programs) => programs.rules.iter().map(|version| &version.document).collect(),
            Self::Always(it) => it.rules.iter().map(|(rule, _)| rule).collect(),
        }
    }

    /// The names of events that are looked at.
    pub fn events(self) -> BTreeSet<&'a str> {
        self.rules().into_iter().map(|rule| rule.event.as_str()).collect()
    }

    /// Whether a cap counts what everybody gets, so that nobody can be looked at alone.
    pub fn has_budget(self) -> bool {
        self.rules().iter().any(|rule| rule.caps.iter().any(|cap| cap.per == CapPer::Everybody))
    }

    /// Rules with caps, by their keys.
    pub fn capped(self) -> Vec<String> {
        let capped = self.rules().into_iter().filter(|rule| !rule.caps.is_empty()).map(|rule| rule.key.clone());
        capped.collect::<BTreeSet<String>>().into_iter().collect()
    }
}

impl Rules {
    /// Budgets for everybody as they are for a part of everybody.
    #[must_use]
    pub fn for_part(mut self, part: f64) -> Self {
        self.rules.iter_mut().for_each(|(rule, _)| narrow(rule, part));
        self
    }
}

/// The same of all versions.
pub fn part_of(programs: &Programs, part: f64) -> Programs {
    let mut rules = programs.rules.clone();
    rules.iter_mut().for_each(|version| narrow(&mut version.document, part));
    Programs { programs: programs.programs.clone(), rules, ..Programs::default() }
}

fn narrow(rule: &mut Rule, part: f64) {
    if part >= 1.0 {
        return;
    }
    for cap in rule.caps.iter_mut().filter(|cap| cap.per == CapPer::Everybody) {
        cap.most = ((cap.most as f64 * part).round() as i64).max(1);
    }
}
