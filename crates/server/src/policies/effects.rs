//! Learning whom an experiment says the other arm moves, as a job.
//!
//! Always holds: facts are those that were known of somebody when they were exposed; only those count whose time is over and whose chances were as they are
//! now; whoever is restricted, or refused to be understood in numbers, is not looked at. What was learnt is written with the completion of the job, unless the policy was changed meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rapport_domain::{Handle, Id, PersonId, Timestamp, WorkspaceId};
use rapport_experiments::design::UnitKind;
use rapport_experiments::policies::design::{Design, Policy};
use rapport_experiments::policies::effects::{Effects, Person};
use rapport_experiments::policies::learner::{Features, Learner};
use rapport_experiments::policies::records;
use rapport_experiments::records::exposures::ExposureRow;
use rapport_experiments::records::{experiments, exposures};
use rapport_experiments::{Experiment, Kind};
use rapport_models::Fault;
use rapport_profiles::records::facts;
use rapport_store::jobs::NewJob;
use rapport_store::{Priority, Tx};
use serde_json::json;
use tokio::sync::watch;

use super::{choosing, rewards, settling};
use crate::api::questions;
use crate::beat::Beat;
use crate::installation::Installation;
use crate::modelling::{self, job};

/// Jobs that learn effects.
pub const LEARN: &str = "policies.effects";
/// For so long a job belongs to whoever does it, unless they say that they go on.
const LEASE: Duration = Duration::from_secs(180);
/// So many people are read at a time.
const PAGE: i64 = 500;
/// Of so many people at most is learnt.
const MOST: usize = 200_000;

/// Asks for effects to be learnt; a job that waits or runs already is enough. The job, if it is a new one.
///
/// # Errors
/// The store's.
pub async fn ask(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    policy: &str,
) -> rapport_store::Result<Option<Id>> {
    let mut job = NewJob::new(workspace, LEARN, json!({"policy": policy}));
    job.unique_key = Some(policy.to_owned());
    installation.store.jobs().enqueue(tx, job).await
}

/// Does the job that waits longest; whether there was one.
///
/// # Errors
/// The store's.
pub async fn work(installation: &Installation, stop: &watch::Receiver<bool>) -> Result<bool> {
    let Some(claim) = installation.store.jobs().claim(&[LEARN], LEASE).await? else { return Ok(false) };
    let key = claim.payload["policy"].as_str().context("a job of a policy names it")?.to_owned();
    let beat = Beat { installation, claim: &claim, lease: LEASE, stop };
    let outcome = learn(&beat, &key).await;
    job::ended(&beat, outcome).await
}

/// The experiment that a policy's effects are learnt from, with the places of the usual and of the other arm; none where there is none with such variants.
pub fn fits(design: &Design, experiment: &Experiment) -> Option<[usize; 2]> {
    let place = |at: usize| {
        let arm = design.arms.get(at)?;
        experiment.design.variants.iter().position(|it| it.key == arm.key && it.weight > 0)
    };
    let of_people = experiment.design.kind == Kind::Experiment && experiment.design.unit == UnitKind::Person;
    Some([place(0)?, place(1)?]).filter(|_| of_people && experiment.started_at.is_some())
}

async fn learn(beat: &Beat<'_>, key: &str) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let db = &mut installation.store.read();
    let Some(row) = records::find(db, workspace, key).await? else { return beat.stopped().await };
    let policy = row.policy();
    let experiment = match &policy.design.experiment {
        Some(key) => experiments::find(db, workspace, key).await?.map(|row| row.experiment()),
        None => None,
    };
    let source = experiment.and_then(|it| Some((fits(&policy.design, &it)?, it)));
    let Some((places, experiment)) = source else { return beat.stopped().await };
    let Some(people) = people(beat, &policy, &experiment, places).await? else { return beat.stopped().await };
    let weight = |at: usize| f64::from(experiment.design.variants[places[at]].weight);
    let chance = weight(1) / (weight(0) + weight(1));
    let design = policy.design.clone();
    let learnt = move |_: &AtomicUsize| {
        let is_share = design.reward.is_share && design.reward.worth == 1.0 && design.reward.costs.is_empty();
        Effects::of(&people, chance, design.arms[1].cost - design.arms[0].cost, design.floor, is_share)
    };
    match job::learnt(beat, 1, learnt).await? {
        None => beat.stopped().await,
        Some(found) => keep(beat, &policy, found).await,
    }
}

async fn keep(beat: &Beat<'_>, policy: &Policy, found: Result<Effects, Fault>) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let mut tx = installation.store.begin(Priority::Background).await?;
    let held = records::hold(&mut tx, workspace, policy.number).await?;
    if held.is_some_and(|it| it.epoch == policy.epoch) {
        match found {
            Ok(effects) => {
                records::know(&mut tx, workspace, policy.number, &Learner::Effects(Box::new(effects))).await?;
            }
            Err(fault) => records::refused(&mut tx, workspace, policy.number, &fault.to_string()).await?,
        }
    }
    installation.store.jobs().complete(&mut tx, beat.claim).await?;
    tx.commit().await?;
    installation.policies.forget(workspace);
    Ok(())
}

/// The experiment's people whose time is over; none when somebody asked to stop.
async fn people(
    beat: &Beat<'_>,
    policy: &Policy,
    experiment: &Experiment,
    places: [usize; 2],
) -> Result<Option<Vec<Person>>> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let context = questions::context(installation, workspace).await.map_err(|it| anyhow::anyhow!("{}", it.detail()))?;
    let without = modelling::without(installation, workspace).await?;
    let time = i64::from(policy.design.reward.hours) * Timestamp::HOUR;
    let closed = installation.clock.now().plus(-time - settling::GRACE);
    let mut free = policy.design.clone();
    free.arms.iter_mut().for_each(|arm| arm.cost = 0.0);
    let (mut all, mut after) = (Vec::new(), Handle(i64::MIN));
    loop {
        let page = exposures::page(&mut installation.store.read(), workspace, experiment.number, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(Some(all)) };
        after = last.handle;
        if all.len() >= MOST || beat.at(all.len(), MOST).await? {
            return Ok((all.len() >= MOST).then_some(all));
        }
        let of = |row: &ExposureRow| places.iter().position(|at| experiment.design.variants[*at].key == row.variant);
        let counts = |row: &ExposureRow| {
            row.by_person
                && row.allocation == experiment.allocation
                && row.exposed_at <= closed
                && !without.contains(&row.person)
                && of(row).is_some()
        };
        let rows: Vec<ExposureRow> = page.into_iter().filter(counts).collect();
        let known = known(installation, workspace, &policy.design.features, &rows).await?;
        let persons: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
        let Some(from) = rows.iter().map(|row| row.exposed_at).min() else { continue };
        let until = rows.iter().map(|row| row.exposed_at).max().map(|at| at.plus(time));
        let snapshot = installation.lake.snapshot(workspace).await?;
        let mut events: BTreeMap<PersonId, Vec<rapport_lake::EventRow>> = BTreeMap::new();
        for event in installation.lake.events_of(&snapshot, persons, Some(from), until).await? {
            events.entry(event.person).or_default().push(event);
        }
        for (row, features) in rows.iter().zip(known) {
            let own = events.get(&row.person).map_or(&[][..], Vec::as_slice);
            let own = rewards::within(own, row.exposed_at, row.exposed_at.plus(time));
            let reward = rewards::reward(&free, &row.variant, &own, context.currency.as_str());
            if let Some(reward) = reward {
                all.push(Person { features, treated: of(row) == Some(1), reward });
            }
        }
    }
}

/// What was known of each when they were exposed.
async fn known(
    installation: &Installation,
    workspace: WorkspaceId,
    keys: &[String],
    rows: &[ExposureRow],
) -> Result<Vec<Features>> {
    let mut persons: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
    persons.sort_unstable();
    persons.dedup();
    let mut told: BTreeMap<(PersonId, String), Vec<(Timestamp, String)>> = BTreeMap::new();
    for (person, key, at, value) in
        facts::histories_of(&mut installation.store.read(), workspace, keys, &persons).await?
    {
        told.entry((person, key)).or_default().push((at, value));
    }
    let value = |row: &ExposureRow, key: &String| {
        let past = told.get(&(row.person, key.clone()))?;
        let (_, value) = past.iter().rev().find(|(at, _)| *at <= row.exposed_at)?;
        choosing::number(value)
    };
    Ok(rows.iter().map(|row| keys.iter().map(|key| value(row, key)).collect()).collect())
}
