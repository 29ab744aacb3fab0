//! The port to experiments: which arm somebody gets in an experiment of its own, and that this is noted before it acts.
//!
//! Always holds: what is asked and what is noted are of one transaction, the one in which the journey goes on. Where somebody else was faster, so that
//! another arm holds than the one that was acted on, the transaction is given up and the look is done again.
//!
//! Does not do: know experiments. The server registers who does. Without it, and for names that are no experiment, the split draws by itself.

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

/// What a call of the port comes to.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Experiments, as journeys ask them.
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
