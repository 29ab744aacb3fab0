//! The port to experiments and policies: which arm somebody gets in an experiment of its own, with which chance a policy takes each, and that what was
//! acted on is noted before it acts.
//!
//! Always holds: what is asked and what is noted are of one transaction, the one in which the journey goes on. Where somebody else was faster, so that
//! another arm holds than the one that was acted on, the transaction is given up and the look is done again. A policy only tells chances: the arm is drawn here
//! ([`Chances::drawn`]), and noted with the chances by which it was drawn.
//!
//! Does not do: know experiments and policies. The server registers who does. Without it, and for names that are none, the split draws by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Result, Tx};

use crate::journey::Situation;
use crate::journey::definition::{Definition, Step};
use crate::plans::Plans;
use crate::records::instances::InstanceRow;
use crate::sending::Pace;

/// Somebody at a split that names an experiment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lot {
    /// Who.
    pub person: PersonId,
    /// The experiment's key.
    pub experiment: String,
    /// What the split is part of: `journey:<key>`.
    pub subject: String,
}

/// Somebody who can come to a split that names a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// Who.
    pub person: PersonId,
    /// The policy's key.
    pub policy: String,
    /// The names of the ways that they can go.
    pub arms: Vec<String>,
}

/// With which chance a policy takes each way for somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Chances {
    /// The ways with their chances, which add up to 1. The first is the usual one.
    pub arms: Vec<(String, f64)>,
    /// What the policy knew of them, in its own order.
    pub features: Vec<Option<f64>>,
    /// Whether what is drawn is a decision, to be noted; not where the policy gives everybody the same.
    pub decides: bool,
}

/// What was chosen for somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// Who.
    pub person: PersonId,
    /// The policy's key.
    pub policy: String,
    /// What it was for: `journey:<key>/<node>`.
    pub subject: String,
    /// Which time: the instance and its visit of the node.
    pub turn: String,
    /// The way.
    pub arm: String,
    /// The chances by which it was drawn.
    pub chances: Chances,
}

impl Chances {
    /// The way at a place from 0 to 1.
    pub fn drawn(&self, place: f64) -> Option<&str> {
        let mut left = place * self.arms.iter().map(|(_, chance)| chance).sum::<f64>();
        let at_place = self.arms.iter().find(|(_, chance)| {
            left -= chance;
            left < 0.0
        });
        at_place.or(self.arms.last()).map(|(arm, _)| arm.as_str())
    }
}

/// What a call of the port comes to.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Experiments and policies, as journeys ask them.
pub trait Lots: Debug + Send + Sync {
    /// The arm of each lot, where its name is that of an experiment.
    fn arms<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        lots: &'a [Lot],
        now: Timestamp,
    ) -> Answer<'a, Vec<Option<String>>>;

    /// Notes that these arms are acted on; whether they hold.
    fn note<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        acted: &'a [(Lot, String)],
        now: Timestamp,
    ) -> Answer<'a, bool>;

    /// With which chance each way is taken, where the name is that of a policy.
    fn chances<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        asked: &'a [Asked],
        now: Timestamp,
    ) -> Answer<'a, Vec<Option<Chances>>>;

    /// How often each of these people is written to at most, where a policy says it.
    fn paces<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        persons: &'a [PersonId],
        now: Timestamp,
    ) -> Answer<'a, Vec<Option<Pace>>>;

    /// Notes what was chosen.
    fn note_chosen<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        chosen: &'a [Chosen],
        now: Timestamp,
    ) -> Answer<'a, ()>;

    /// Notes of whom the global holdout decided, each with whether they are held out.
    fn note_holdout<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        people: &'a [(PersonId, bool)],
        now: Timestamp,
    ) -> Answer<'a, ()>;
}

/// What a journey's lots are part of.
pub fn subject_of(journey: &str) -> String {
    format!("journey:{journey}")
}

/// The experiments that a plan's splits name.
pub fn named(definition: &Definition) -> impl Iterator<Item = &str> {
    definition.nodes.iter().filter_map(|node| match &node.step {
        Step::Split { experiment, .. } => experiment.as_deref(),
        _ => None,
    })
}

/// The policies that a plan's splits name, each with the ways that it can take.
pub fn policies(definition: &Definition) -> impl Iterator<Item = (&str, Vec<String>)> {
    definition.nodes.iter().filter_map(|node| match &node.step {
        Step::Split { policy: Some(policy), arms, .. } => {
            Some((policy.as_str(), arms.iter().map(|arm| arm.name.clone()).collect()))
        }
        _ => None,
    })
}

/// Asks for the chances of all policies that these instances can come to.
pub(crate) async fn ask_policies(
    tx: &mut Tx,
    workspace: WorkspaceId,
    plans: &Plans,
    rows: &[InstanceRow],
    people: &mut BTreeMap<PersonId, Situation>,
    now: Timestamp,
) -> Result<()> {
    let Some(port) = plans.lots() else { return Ok(()) };
    let mut asked = BTreeSet::new();
    for row in rows {
        let Some(one) = plans.get(&row.journey, row.version).filter(|one| one.goes_on) else { continue };
        asked.extend(policies(&one.definition).map(|(policy, arms)| Asked {
            person: row.person,
            policy: policy.to_owned(),
            arms,
        }));
    }
    if asked.is_empty() {
        return Ok(());
    }
    let asked: Vec<Asked> = asked.into_iter().collect();
    let found = port.chances(tx, workspace, &asked, now).await?;
    for (Asked { person, policy, arms }, chances) in asked.into_iter().zip(found) {
        if let (Some(person), Some(chances)) = (people.get_mut(&person), chances) {
            person.chances.insert((policy, arms), chances);
        }
    }
    Ok(())
}

/// Asks how often these people are written to at most.
///
/// # Errors
/// The store's.
pub async fn ask_paces(
    tx: &mut Tx,
    workspace: WorkspaceId,
    plans: &Plans,
    people: &mut BTreeMap<PersonId, Situation>,
    now: Timestamp,
) -> Result<()> {
    let Some(port) = plans.lots().filter(|_| !people.is_empty()) else { return Ok(()) };
    let persons: Vec<PersonId> = people.keys().copied().collect();
    let paces = port.paces(tx, workspace, &persons, now).await?;
    people.values_mut().zip(paces).for_each(|(person, pace)| person.pace = pace);
    Ok(())
}

/// Asks for the arms of all lots that these instances can come to.
pub(crate) async fn ask(
    tx: &mut Tx,
    workspace: WorkspaceId,
    plans: &Plans,
    rows: &[InstanceRow],
    people: &mut BTreeMap<PersonId, Situation>,
    now: Timestamp,
) -> Result<()> {
    let Some(port) = plans.lots() else { return Ok(()) };
    let mut lots = BTreeSet::new();
    for row in rows {
        let Some(one) = plans.get(&row.journey, row.version).filter(|one| one.goes_on) else { continue };
        for experiment in named(&one.definition) {
            let lot = Lot { person: row.person, experiment: experiment.to_owned(), subject: subject_of(&row.journey) };
            lots.insert(lot);
        }
    }
    if lots.is_empty() {
        return Ok(());
    }
    let lots: Vec<Lot> = lots.into_iter().collect();
    let arms = port.arms(tx, workspace, &lots, now).await?;
    for (lot, arm) in lots.into_iter().zip(arms) {
        if let (Some(person), Some(arm)) = (people.get_mut(&lot.person), arm) {
            person.arms.insert((lot.experiment, lot.subject), arm);
        }
    }
    Ok(())
}
