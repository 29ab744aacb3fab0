//! Decides for people: reads what is known of them, evaluates, and notes what has to be noted.
//!
//! Always holds: what [`note`] returns is what holds; whoever was exposed before keeps their variant, however fast somebody else was.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_experiments::design::UnitKind;
use rapport_experiments::records::exposures::{self, Exposed, Who};
use rapport_experiments::{Experiment, Exposure, Held, Situation};
use rapport_segments::records::memberships;
use rapport_store::{Queries, Result, Tx};

use super::live::Known;

/// For whom.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// Who, if they are known.
    pub person: Option<PersonId>,
    /// The person's first identifier.
    pub first: Option<Handle>,
    /// The identifier that the request names.
    pub named: Option<Handle>,
    /// Its text.
    pub text: Option<String>,
}

/// What is known of somebody.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Their variants, by the experiment's number.
    pub held: BTreeMap<i64, Held>,
    /// The segments they are in, of those that were asked for.
    pub members: BTreeSet<String>,
}

/// Reads what is known of somebody.
///
/// # Errors
/// The store's.
pub async fn standing(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    unit: &Unit,
    conditions: &[String],
) -> Result<Standing> {
    let Some(person) = unit.person else { return Ok(Standing::default()) };
    let held = exposures::held(db, workspace, person, unit.named).await?;
    let members = memberships::of_keys(db, workspace, &[person], conditions).await?;
    Ok(Standing { held, members: members.into_iter().map(|(_, key)| key).collect() })
}

/// Evaluates something in somebody's situation.
pub fn within<T>(
    known: &Known,
    unit: &Unit,
    standing: &Standing,
    subjects: &[&str],
    now: Timestamp,
    evaluate: impl FnOnce(&Situation<'_>) -> T,
) -> T {
    let truths = |key: &str| standing.members.contains(key);
    evaluate(&Situation {
        now,
        person: unit.person,
        anonymous: unit.text.as_deref(),
        truths: &truths,
        held: &standing.held,
        holdouts: &known.holdouts(),
        subjects,
    })
}

/// Under whom an exposure is noted; nobody where the identifier was never seen.
pub fn who(unit: &Unit, exposure: &Exposure) -> Option<Who> {
    let handle = match exposure.unit {
        UnitKind::Person => unit.first.or(unit.named),
        UnitKind::Anonymous => unit.named,
    };
    Some(Who { person: unit.person?, handle: handle? })
}

impl Standing {
    /// Takes over what was said to hold of these exposures, one each; whether all of it is what was decided.
    pub fn follow(&mut self, all: &[(Who, Exposure)], exposed: Vec<Exposed>) -> bool {
        let mut holds = true;
        for ((_, exposure), exposed) in all.iter().zip(exposed) {
            holds &= exposed.variant == exposure.variant;
            let held = Held { variant: exposed.variant, allocation: exposure.allocation };
            self.held.insert(exposure.experiment, held);
        }
        holds
    }
}

/// Notes exposures; whether what was decided holds. Where it does not, `standing` has what does.
///
/// # Errors
/// The store's.
pub async fn note(
    tx: &mut Tx,
    workspace: WorkspaceId,
    all: &[(Who, Exposure)],
    standing: &mut Standing,
    now: Timestamp,
) -> Result<bool> {
    let exposed = exposures::expose_all(tx, workspace, all, now).await?;
    Ok(standing.follow(all, exposed))
}

/// Whether an experiment is decided by person.
pub fn is_of_persons(experiment: &Experiment) -> bool {
    experiment.design.unit == UnitKind::Person
}
