//! What sites and apps say they have shown: `Experiment Viewed` events become exposures, in the transaction that applies them; and exposures follow
//! identifiers that come to another person.
//!
//! Always holds: an event that tells of a stored exposure (ours, [`NOTED`]) is not reported again; what names no experiment, no variant of it, a flag or a
//! draft changes nothing.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::shop_events::EXPERIMENT_VIEWED;
use rapport_domain::{Event, Handle, IdentifierKind, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_experiments::design::UnitKind;
use rapport_experiments::records::exposures::{self, Who};
use rapport_experiments::{Experiment, Exposure, Kind, State};
use rapport_profiles::Applied;
use rapport_profiles::records::identifiers;
use rapport_store::{Queries, Tx};

use super::live::Known;
use crate::installation::Installation;
use crate::records::sources;

/// The property of an event that tells of an exposure that is stored already.
pub const NOTED: &str = "noted";

/// Follows identifiers and notes what was shown, in the transaction that applies these events.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<()> {
    let viewed: Vec<usize> = (0..events.len()).filter(|at| events[*at].name == EXPERIMENT_VIEWED).collect();
    if applied.moved.is_empty() && viewed.is_empty() {
        return Ok(());
    }
    let known = installation.experiments.get(tx, workspace).await?;
    if known.by_key.is_empty() {
        return Ok(());
    }
    if !applied.moved.is_empty() {
        let moved: Vec<(Handle, PersonId, PersonId)> =
            applied.moved.iter().map(|it| (it.handle, it.from, it.to)).collect();
        exposures::follow(tx, workspace, &moved).await?;
    }
    if viewed.is_empty() {
        return Ok(());
    }
    let own = sources::of_kind(tx, workspace, sources::OWN).await?;
    let mut shown: Vec<Shown> = viewed
        .into_iter()
        .filter_map(|at| Shown::of(&known, &events[at], applied.events[at].occurred_at, at, &own))
        .collect();
    name(tx, workspace, events, applied, &mut shown).await?;
    report(tx, workspace, shown).await
}

/// Something that was shown to somebody.
struct Shown {
    at: usize,
    who: Option<Who>,
    exposure: Exposure,
    when: Timestamp,
}

impl Shown {
    fn of(known: &Known, event: &Event, when: Timestamp, at: usize, own: &[SourceId]) -> Option<Self> {
        let text = |name: &str| event.properties.get(name)?.as_str();
        if own.contains(&event.source) && event.properties.get(NOTED).is_some() {
            return None;
        }
        let experiment = known.get(text("experiment")?)?;
        let variant = experiment.design.variant(text("variant")?)?;
        let counts = experiment.design.kind == Kind::Experiment && experiment.state != State::Draft;
        if !counts || experiment.started_at.is_none_or(|started| when < started) {
            return None;
        }
        let exposure = Exposure {
            experiment: experiment.number,
            key: experiment.key.clone(),
            allocation: allocation(experiment, event),
            variant: variant.key.clone(),
            unit: experiment.design.unit,
            subject: String::new(),
            renews: false,
        };
        Some(Self { at, who: None, exposure, when })
    }
}

/// The allocation that the site says it had, if there was such a one.
fn allocation(experiment: &Experiment, event: &Event) -> i64 {
    let said = event.properties.get("version").and_then(serde_json::Value::as_i64);
    said.filter(|version| (1..=experiment.allocation).contains(version)).unwrap_or(experiment.allocation)
}

/// Says under which identifier each was shown.
async fn name(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
    shown: &mut [Shown],
) -> Result<()> {
    let devices: Vec<String> = shown
        .iter()
        .filter(|it| it.exposure.unit == UnitKind::Anonymous)
        .filter_map(|it| device(&events[it.at]).map(str::to_owned))
        .collect();
    let persons: Vec<PersonId> =
        shown.iter().filter(|it| it.exposure.unit == UnitKind::Person).map(|it| applied.events[it.at].person).collect();
    let mut by_device = BTreeMap::new();
    if !devices.is_empty() {
        for row in identifiers::by_values(db, workspace, IdentifierKind::AnonymousId, &devices).await? {
            by_device.insert(row.value.clone(), Who { person: row.person, handle: row.handle });
        }
    }
    let mut first: BTreeMap<PersonId, Handle> = BTreeMap::new();
    if !persons.is_empty() {
        for row in identifiers::by_persons(db, workspace, &persons).await? {
            first.entry(row.person).or_insert(row.handle);
        }
    }
    for it in shown {
        let applied = &applied.events[it.at];
        let own = Who { person: applied.person, handle: applied.handle };
        it.who = match it.exposure.unit {
            UnitKind::Person => first.get(&own.person).map(|handle| Who { handle: *handle, ..own }).or(Some(own)),
            UnitKind::Anonymous => match device(&events[it.at]) {
                Some(device) => by_device.get(device).copied(),
                None => Some(own),
            },
        };
    }
    Ok(())
}

fn device(event: &Event) -> Option<&str> {
    let is_device = |it: &&rapport_domain::Identifier| it.kind == IdentifierKind::AnonymousId;
    event.identifiers.iter().find(is_device).map(|it| it.value.as_str())
}

async fn report(tx: &mut Tx, workspace: WorkspaceId, shown: Vec<Shown>) -> Result<()> {
    let mut persons: Vec<PersonId> = shown.iter().filter_map(|it| it.who).map(|who| who.person).collect();
    persons.sort_unstable();
    persons.dedup();
    if persons.is_empty() {
        return Ok(());
    }
    // Most is shown again and again.
    let stored = exposures::of_persons(tx, workspace, &persons).await?;
    for it in shown {
        let Some(who) = it.who else { continue };
        let is_known = stored.iter().any(|row| {
            row.experiment == it.exposure.experiment
                && row.variant == it.exposure.variant
                && (row.handle == who.handle || (row.by_person && row.person == who.person && !row.torn))
                && row.exposed_at <= it.when
        });
        if !is_known {
            exposures::report(tx, workspace, who, &it.exposure, it.when).await?;
        }
    }
    Ok(())
}
