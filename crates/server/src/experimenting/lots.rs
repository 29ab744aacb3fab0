//! What journeys ask experiments and policies: the port of `rapport-engagement`.
//!
//! Always holds: an arm is decided and noted in the journey's own transaction, with the experiment's salt, weights, rules and holdouts, so that a journey
//! and a site give the same person the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::lots::{Answer, Asked, Chances, Chosen, Lot, Lots};
use rapport_engagement::sending::Pace;
use rapport_experiments::records::exposures::Who;
use rapport_experiments::{Exposure, Held, Kind, State, evaluate};
use rapport_profiles::records::identifiers;
use rapport_segments::records::memberships;
use rapport_store::{Queries, Result, Tx};

use super::deciding::{self, Standing, Unit, is_of_persons};
use super::global;
use super::live::{Known, LiveExperiments};
use crate::installation::Installation;
use crate::policies::{LivePolicies, choosing, pacing};

/// Experiments and policies for journeys.
#[derive(Debug)]
pub struct JourneyLots {
    /// The experiments.
    pub experiments: Arc<LiveExperiments>,
    /// The policies.
    pub policies: Arc<LivePolicies>,
}

/// An arm, and what has to be noted before it acts.
type Decided = Option<(String, Vec<Exposure>)>;

impl JourneyLots {
    /// Those of an installation.
    pub fn of(installation: &Installation) -> Self {
        Self { experiments: Arc::clone(&installation.experiments), policies: Arc::clone(&installation.policies) }
    }

    /// The experiments that journeys may name: those that learn, and were started.
    fn decide(known: &Known, lot: &Lot, standing: &Standing, now: Timestamp) -> Decided {
        let experiment = known.get(&lot.experiment)?;
        if experiment.design.kind == Kind::Holdout || experiment.state == State::Draft || !is_of_persons(experiment) {
            return None;
        }
        let unit = Unit { person: Some(lot.person), ..Unit::default() };
        let decide = |situation: &rapport_experiments::Situation<'_>| {
            let decision = evaluate(experiment, situation);
            Some((decision.variant?.key.clone(), decision.exposures))
        };
        deciding::within(known, &unit, standing, &[&lot.subject], now, decide)
    }

    /// The arms of lots as they would fall now; nothing is noted.
    ///
    /// # Errors
    /// The store's.
    pub async fn arms_of(
        &self,
        db: &mut impl Queries,
        workspace: WorkspaceId,
        lots: &[Lot],
        now: Timestamp,
    ) -> Result<Vec<Option<String>>> {
        let lots: Vec<&Lot> = lots.iter().collect();
        let (decided, _) = self.all(db, workspace, &lots, now).await?;
        Ok(decided.into_iter().map(|it| it.map(|(arm, _)| arm)).collect())
    }

    async fn all(
        &self,
        db: &mut impl Queries,
        workspace: WorkspaceId,
        lots: &[&Lot],
        now: Timestamp,
    ) -> Result<(Vec<Decided>, BTreeMap<PersonId, Handle>)> {
        let known = self.experiments.get(db, workspace).await?;
        if known.by_key.is_empty() {
            return Ok((vec![None; lots.len()], BTreeMap::new()));
        }
        let mut persons: Vec<PersonId> = lots.iter().map(|lot| lot.person).collect();
        persons.sort_unstable();
        persons.dedup();
        let mut standings: BTreeMap<PersonId, Standing> = BTreeMap::new();
        let conditions = known.conditions(lots.iter().filter_map(|lot| known.get(&lot.experiment)));
        for row in rapport_experiments::records::exposures::of_persons(db, workspace, &persons).await? {
            // Ordered by time: the first of a person holds.
            if row.by_person {
                let held = Held { variant: row.variant, allocation: row.allocation };
                standings.entry(row.person).or_default().held.entry(row.experiment).or_insert(held);
            }
        }
        for (person, key) in memberships::of_keys(db, workspace, &persons, &conditions).await? {
            standings.entry(person).or_default().members.insert(key);
        }
        let mut first: BTreeMap<PersonId, Handle> = BTreeMap::new();
        for row in identifiers::by_persons(db, workspace, &persons).await? {
            first.entry(row.person).or_insert(row.handle);
        }
        let nothing = Standing::default();
        let decide = |lot: &&Lot| Self::decide(&known, lot, standings.get(&lot.person).unwrap_or(&nothing), now);
        Ok((lots.iter().map(decide).collect(), first))
    }
}

impl Lots for JourneyLots {
    fn arms<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        lots: &'a [Lot],
        now: Timestamp,
    ) -> Answer<'a, Vec<Option<String>>> {
        Box::pin(self.arms_of(tx, workspace, lots, now))
    }

    fn note<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        acted: &'a [(Lot, String)],
        now: Timestamp,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            let lots: Vec<&Lot> = acted.iter().map(|(lot, _)| lot).collect();
            let (decided, first) = self.all(tx, workspace, &lots, now).await?;
            let mut all: Vec<(Who, Exposure)> = Vec::new();
            for ((lot, arm), decided) in acted.iter().zip(decided) {
                // Somebody saved the experiment between the question and now.
                let Some((_, exposures)) = decided.filter(|(decided, _)| decided == arm) else { return Ok(false) };
                let Some(handle) = first.get(&lot.person) else { continue };
                let who = Who { person: lot.person, handle: *handle };
                all.extend(exposures.into_iter().map(|exposure| (who, exposure)));
            }
            deciding::note(tx, workspace, &all, &mut Standing::default(), now).await
        })
    }

    fn chances<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        asked: &'a [Asked],
        now: Timestamp,
    ) -> Answer<'a, Vec<Option<Chances>>> {
        Box::pin(choosing::chances_of(tx, workspace, &self.policies, asked, now))
    }

    fn paces<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        persons: &'a [PersonId],
        now: Timestamp,
    ) -> Answer<'a, Vec<Option<Pace>>> {
        Box::pin(pacing::paces(tx, workspace, &self.policies, persons, now))
    }

    fn note_chosen<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        chosen: &'a [Chosen],
        now: Timestamp,
    ) -> Answer<'a, ()> {
        Box::pin(choosing::note(tx, workspace, &self.policies, chosen, now))
    }

    fn note_holdout<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: WorkspaceId,
        people: &'a [(PersonId, bool)],
        now: Timestamp,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let known = self.experiments.get(tx, workspace).await?;
            global::note(tx, workspace, &known, people, now).await
        })
    }
}
