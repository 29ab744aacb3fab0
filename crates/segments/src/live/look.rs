//! What a condition would find, and why somebody is in a segment or not: answers beside what is live, from the same histories.

use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};

use super::Live;
use crate::batch::{self, CANDIDATE, asked_for};
use crate::condition::Condition;
use crate::error::Error;
use crate::person::Person;
use crate::program::Program;

/// Whom a condition finds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// How many.
    pub people: u64,
    /// Of how many.
    pub of: u64,
    /// Who came in last, with since when.
    pub latest: Vec<(PersonId, Timestamp)>,
}

/// A part of a condition, and whether it holds for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The part, as text.
    pub text: String,
    /// Whether it holds now.
    pub holds: bool,
    /// Since when it holds, or does not.
    pub since: Option<Timestamp>,
    /// The parts that it is made of.
    pub parts: Vec<Reason>,
}

impl Live {
    /// Whom `candidate` finds now, with the `latest` of them. `segments` are those that it may ask for.
    ///
    /// # Errors
    /// The store's and the lake's, and when the condition does not fit.
    pub async fn estimate(
        &self,
        workspace: WorkspaceId,
        segments: &[(String, Condition)],
        candidate: &Condition,
        calendar: &Calendar,
        latest: usize,
    ) -> Result<Estimate, Error> {
        let mut all = asked_for(segments, candidate);
        all.push((CANDIDATE, candidate));
        let program = Program::new(&all, calendar.clone())?;
        let tree = program.keys().position(|key| key == CANDIDATE).unwrap_or_default();
        let snapshot = self.lake.snapshot(workspace).await?;
        let now = self.store.clock().now();
        let sources = batch::Sources { store: &self.store, lake: &self.lake, snapshot: &snapshot, workspace, now };
        let mut found = Estimate::default();
        batch::play(&program, sources, None, |person, _| {
            found.of += 1;
            if let Some(since) = person.member_since(tree) {
                found.people += 1;
                let place = found.latest.partition_point(|(_, other)| *other >= since);
                if place < latest {
                    found.latest.insert(place, (person.id(), since));
                    found.latest.truncate(latest);
                }
            }
        })
        .await?;
        Ok(found)
    }

    /// Which parts of a condition hold for somebody now; `None` when nothing is known of them.
    ///
    /// # Errors
    /// As [`Live::estimate`].
    pub async fn explain(
        &self,
        workspace: WorkspaceId,
        segments: &[(String, Condition)],
        condition: &Condition,
        calendar: &Calendar,
        person: PersonId,
    ) -> Result<Option<Reason>, Error> {
        let parts = parts(condition);
        // No segment's key begins with a blank.
        let names: Vec<String> = (0..parts.len()).map(|part| format!("{CANDIDATE}{part}")).collect();
        let mut all = asked_for(segments, condition);
        all.extend(names.iter().map(String::as_str).zip(parts));
        let program = Program::new(&all, calendar.clone())?;
        let trees: Vec<usize> =
            names.iter().map(|name| program.keys().position(|key| key == name).unwrap_or_default()).collect();
        let now = self.store.clock().now();
        let played = self.play_again(workspace, &program, &[person], now).await?;
        let Some((person, changes)) = played.first() else { return Ok(None) };
        let since = |tree: usize| changes.iter().rev().find(|change| change.tree == tree).map(|change| change.at);
        Ok(Some(reason(condition, person, &mut trees.into_iter(), &since)))
    }
}

/// The condition and all conditions of the person in it, parents first.
fn parts(condition: &Condition) -> Vec<&Condition> {
    let mut all = vec![condition];
    match condition {
        Condition::All(children) | Condition::Any(children) => all.extend(children.iter().flat_map(parts)),
        Condition::Not(child) => all.extend(parts(child)),
        _ => {}
    }
    all
}

fn reason(
    condition: &Condition,
    person: &Person,
    trees: &mut impl Iterator<Item = usize>,
    since: &impl Fn(usize) -> Option<Timestamp>,
) -> Reason {
    let tree = trees.next().unwrap_or_default();
    let children: &[Condition] = match condition {
        Condition::All(children) | Condition::Any(children) => children,
        Condition::Not(child) => std::slice::from_ref(&**child),
        _ => &[],
    };
    let parts = children.iter().map(|child| reason(child, person, trees, since)).collect();
    let holds = person.member_since(tree).is_some();
    let born = Some(person.born());
    Reason { text: condition.to_text(), holds, since: since(tree).or(born), parts }
}
