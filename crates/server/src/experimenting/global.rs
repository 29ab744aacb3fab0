//! The global holdout at work: who was about to get marketing is noted on both sides of its lot, and what the settings of sending say becomes an experiment.
//!
//! Always holds: whoever asks the lot (journeys and campaigns at a message, slots, experiments) notes it in the transaction of what follows, or before it;
//! the settings' share and the experiment's are the same.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::records::settings;
use rapport_experiments::design::UnitKind;
use rapport_experiments::global_holdout::{self, HELD_OUT, KEY, TREATED};
use rapport_experiments::records::experiments::{self, ExperimentRow};
use rapport_experiments::records::exposures::{self, Who};
use rapport_experiments::service::{self, Act, Author};
use rapport_experiments::{Exposure, Kind, State};
use rapport_profiles::records::identifiers;
use rapport_store::{Priority, Queries, Store, Tx};

use super::live::Known;
use crate::records::workspaces;

/// Who is said to have done what the program does by itself.
const BY: &str = "rapport";
/// The largest share that the settings take, in hundredths of a per cent.
const MOST: u32 = 5_000;

/// The exposures to the holdout of these people, each with whether they are held out, that were not noted since its share is as it is.
///
/// # Errors
/// The store's.
pub async fn unnoted(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    known: &Known,
    people: &[(PersonId, bool)],
    now: Timestamp,
) -> rapport_store::Result<Vec<(Who, Exposure)>> {
    let Some(holdout) = known.get(KEY).filter(|it| it.runs(now)) else { return Ok(Vec::new()) };
    let persons: Vec<PersonId> = people.iter().map(|(person, _)| *person).collect();
    let is_noted =
        |row: &exposures::ExposureRow| row.experiment == holdout.number && row.allocation >= holdout.allocation;
    let noted = exposures::of_persons(db, workspace, &persons).await?;
    let noted: BTreeSet<PersonId> = noted.iter().filter(|row| is_noted(row)).map(|row| row.person).collect();
    let new: Vec<PersonId> = persons.into_iter().filter(|it| !noted.contains(it)).collect();
    let mut first: BTreeMap<PersonId, Handle> = BTreeMap::new();
    if !new.is_empty() {
        for row in identifiers::by_persons(db, workspace, &new).await? {
            first.entry(row.person).or_insert(row.handle);
        }
    }
    let exposure = |(person, is_held_out): &(PersonId, bool)| {
        let who = Who { person: *person, handle: *first.get(person)? };
        let variant = if *is_held_out { HELD_OUT } else { TREATED };
        let exposure = Exposure {
            experiment: holdout.number,
            key: KEY.to_owned(),
            allocation: holdout.allocation,
            variant: variant.to_owned(),
            unit: UnitKind::Person,
            subject: String::new(),
            renews: true,
        };
        Some((who, exposure))
    };
    Ok(people.iter().filter_map(exposure).collect())
}

/// Notes of whom the holdout decided.
///
/// # Errors
/// The store's.
pub async fn note(
    tx: &mut Tx,
    workspace: WorkspaceId,
    known: &Known,
    people: &[(PersonId, bool)],
    now: Timestamp,
) -> rapport_store::Result<()> {
    let all = unnoted(tx, workspace, known, people, now).await?;
    exposures::expose_all(tx, workspace, &all, now).await?;
    Ok(())
}

/// Makes of all workspaces' settings the experiments that they are. Before there was one lot, an experiment without a subject held people out of
/// experiments beside it: those are stopped, and where the settings say nothing the share of one that ran becomes theirs.
///
/// # Errors
/// The store's.
pub async fn settle(store: &Store, now: Timestamp) -> Result<()> {
    for workspace in workspaces::ids(&mut store.read()).await? {
        let rows = experiments::all(&mut store.read(), workspace).await?;
        let settings = settings::read(&mut store.read(), workspace).await?;
        let others: Vec<&ExperimentRow> = rows.iter().filter(|row| is_older(row)).collect();
        let share = rows.iter().find(|row| row.key == KEY).map_or(0, global_holdout::places);
        if others.is_empty() && share == settings.holdout_places() {
            continue;
        }
        let author = Author { by: BY, at: now };
        let mut tx = store.begin(Priority::Interactive).await?;
        for other in &others {
            service::act(&mut tx, workspace, &other.key, Act::Stop, other.version, author).await?;
        }
        let ran = others.iter().filter_map(|row| share_of(row)).max();
        let mut settings = settings;
        if let Some(share) = ran.filter(|_| settings.holdout_places() == 0) {
            settings.holdout_percent = f64::from(share) / 100.0;
            settings::save(&mut tx, workspace, &settings, now, BY).await?;
        }
        global_holdout::set(&mut tx, workspace, settings.holdout_places(), author).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Whether it held people out of everything, from before there was one lot, and is not over.
fn is_older(row: &ExperimentRow) -> bool {
    let design = &row.design.0;
    let stands = State::parse(&row.state);
    let is_open = matches!(stands, Some(State::Running | State::Paused));
    design.kind == Kind::Holdout && design.subject.is_none() && row.key != KEY && is_open
}

/// The share that it holds out, in hundredths of a per cent, if it runs.
fn share_of(row: &ExperimentRow) -> Option<u32> {
    let design = &row.design.0;
    let total: u64 = design.variants.iter().map(|it| u64::from(it.weight)).sum();
    let held = u64::from(design.control()?.weight) * 10_000 / total.max(1);
    let runs = State::parse(&row.state) == Some(State::Running);
    runs.then(|| u32::try_from(held).unwrap_or(MOST).clamp(1, MOST))
}
