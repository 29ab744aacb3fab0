//! What a journey or campaign brought in: by those it held out or parted by chance first, by touches second.
//!
//! Always holds: people are compared by the lot that decided whether they came in, since its share is as it is now; the two views are never added.

use std::collections::{BTreeMap, BTreeSet};

use rapport_analytics::Context;
use rapport_analytics::experiment::{Experiment as Question, Immature};
use rapport_analytics::question::Period;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_engagement::journey::Definition;
use rapport_engagement::journey::definition::{Next, Step};
use rapport_engagement::journey::rules::{HELD_OUT, TREATED, holdout_of};
use rapport_engagement::records::journeys::VersionRow;
use rapport_engagement::records::messages;
use rapport_experiments::attribution::{Conversion, Credit, Incremental, Rule, Touch, incremental, touched};
use rapport_experiments::design::{Design, Metric};
use rapport_experiments::readout::{Counts, Measured};
use rapport_experiments::records::experiments;
use rapport_experiments::{Experiment, State};
use rapport_profiles::records::orders;
use rapport_segments::{Duration, Instant};
use rapport_store::Queries;
use serde_json::json;

use super::metrics;
use super::reading::{Unread, sums};
use crate::installation::Installation;

/// What is measured.
const METRICS: [&str; 3] = ["conversion", "revenue", "orders"];
/// People whose messages are read at once.
const SLICE: usize = 500;

/// Who drew the lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The holdout: whoever was held out did not come in.
    Holdout,
    /// A split: everybody came in, and one way writes to nobody.
    Split,
}

impl By {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holdout => "holdout",
            Self::Split => "split",
        }
    }
}

/// People parted by chance: some got nothing, the others were treated.
#[derive(Clone, Debug, PartialEq)]
pub struct Lot {
    /// Who drew it.
    pub by: By,
    /// The name under which it is exposed.
    pub key: String,
    /// The arm of those who got nothing, and of the others.
    pub arms: [String; 2],
    /// The share of those who get nothing, in per cent of both.
    pub percent: f64,
    /// Since when it is so.
    pub since: Timestamp,
}

/// What the holdout says.
#[derive(Clone, Debug)]
pub struct Effect {
    /// By which lot it is known.
    pub lot: Lot,
    /// How many got nothing, and how many were treated.
    pub people: (u64, u64),
    /// How many of them have not had all their time.
    pub immature: u64,
    /// Each metric with what was brought in.
    pub metrics: Vec<(Metric, Incremental)>,
}

/// The lot of a journey. Versions with the same share belong together. None where nobody is held out.
pub fn lot(journey: &str, versions: &[VersionRow]) -> Option<Lot> {
    let share = |row: &VersionRow| Definition::from_json(&row.definition).ok().map(|it| it.holdout_percent);
    let newest = share(versions.first()?)?;
    let same = versions.iter().take_while(|row| share(row) == Some(newest));
    let since = same.map(|row| row.launched_at).min()?;
    let is_lot = newest > 0.0 && newest < 100.0;
    let arms = [HELD_OUT, TREATED].map(str::to_owned);
    is_lot.then(|| Lot { by: By::Holdout, key: holdout_of(journey), arms, percent: newest, since })
}

/// The lot of a split that decides who is written to: one of its ways leads to a message, another to none. Versions that part people alike belong together.
/// None where there is no such split.
pub fn split(journey: &str, versions: &[VersionRow]) -> Option<Lot> {
    let parts = |row: &VersionRow| parted(journey, &Definition::from_json(&row.definition).ok()?, row.launched_at);
    let newest = parts(versions.first()?)?;
    let alike = |lot: &Lot| Lot { since: newest.since, ..lot.clone() } == newest;
    let same = versions.iter().map_while(|row| parts(row).filter(alike));
    let since = same.map(|lot| lot.since).min()?;
    Some(Lot { since, ..newest })
}

fn parted(journey: &str, definition: &Definition, launched_at: Timestamp) -> Option<Lot> {
    definition.nodes.iter().find_map(|node| {
        // A policy's chances change while it learns, so its ways cannot be compared as they stand.
        let Step::Split { experiment, policy: None, arms } = &node.step else { return None };
        let open = || arms.iter().filter(|arm| arm.percent > 0.0);
        let silent = open().find(|arm| !writes(definition, &arm.next))?;
        let written = open().find(|arm| writes(definition, &arm.next))?;
        Some(Lot {
            by: By::Split,
            key: experiment.clone().unwrap_or_else(|| Definition::salt(journey, &node.id)),
            arms: [silent.name.clone(), written.name.clone()],
            percent: 100.0 * silent.percent / (silent.percent + written.percent),
            since: launched_at,
        })
    })
}

/// Whether somebody who goes this way can be written to.
fn writes(definition: &Definition, next: &Next) -> bool {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = next.as_deref().into_iter().collect();
    while let Some(id) = open.pop() {
        let Some(node) = definition.node(id).filter(|_| seen.insert(id)) else { continue };
        if matches!(node.step, Step::Message { .. }) {
            return true;
        }
        open.extend(node.step.ways().into_iter().filter_map(Option::as_deref));
    }
    false
}

/// The lot of a split as the experiment draws it that it gives: with the experiment's weights, since it draws so.
///
/// # Errors
/// The store's.
pub async fn as_drawn(db: &mut impl Queries, workspace: WorkspaceId, lot: Lot) -> rapport_store::Result<Lot> {
    let Some(row) = experiments::find(db, workspace, &lot.key).await? else { return Ok(lot) };
    let weight = |arm: &str| row.design.0.variants.iter().find(|it| it.key == arm).map(|it| f64::from(it.weight));
    let (Some(silent), Some(written)) = (weight(&lot.arms[0]), weight(&lot.arms[1])) else { return Ok(lot) };
    if silent <= 0.0 || written <= 0.0 {
        return Ok(lot);
    }
    let began = experiments::allocation_began(db, workspace, &row).await?;
    // What was only registered afterwards was drawn before.
    let since = if row.started_at.is_some_and(|at| at > lot.since) { lot.since } else { lot.since.max(began) };
    Ok(Lot { percent: 100.0 * silent / (silent + written), since, ..lot })
}

/// What was brought in, by those who were held out; people are followed for `days` from when the lot decided.
///
/// # Errors
/// The lake's.
pub async fn by_holdout(
    installation: &Installation,
    workspace: WorkspaceId,
    lot: &Lot,
    days: u32,
    context: &Context,
) -> Result<Effect, Unread> {
    let measured = METRICS.iter().filter_map(|key| metrics::measured(key)).collect();
    let mut question = Question::new(lot.key.clone(), &lot.arms.each_ref().map(String::as_str), measured);
    question.period = Period::Between { from: Some(Instant::At(lot.since)), to: None };
    question.window = Duration::parse(&format!("{days}d")).ok();
    question.immature = Immature::Count;
    let exposed = installation.analytics.experiment(workspace, &question, context).await?;
    let of = |at: usize| exposed.all.variants.get(at).map_or(0, |it| it.persons);
    let experiment = experiment(lot);
    let counts = Counts { exposed: vec![of(0), of(1)], mixed: exposed.all.mixed, ..Counts::default() };
    let metric = |(at, key): (usize, &&str)| {
        let metric = metrics::usual(key, context.currency.as_str())?;
        let sums = Measured { metric: metric.key.clone(), sums: sums(&exposed.all, at) };
        let brought_in = incremental(&experiment, &counts, &metric, &sums);
        Some((metric, brought_in))
    };
    Ok(Effect {
        lot: lot.clone(),
        people: (of(0), of(1)),
        immature: exposed.all.variants.iter().map(|it| it.immature).sum(),
        metrics: METRICS.iter().enumerate().filter_map(metric).collect(),
    })
}

/// The lot as an experiment. Its weights are hundredths of a per cent.
pub(crate) fn experiment(lot: &Lot) -> Experiment {
    let Lot { key, arms: [held_out, treated], percent, since, .. } = lot.clone();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10,000")]
    let held = (percent * 100.0).round().clamp(1.0, 9_999.0) as u32;
    let form = json!({"name": key, "kind": "holdout", "variants": [
        {"key": held_out, "weight": held, "value": false, "is_control": true},
        {"key": treated, "weight": 10_000 - held, "value": true}]});
    let design: Design = serde_json::from_value(form).expect("a design");
    Experiment {
        number: 0,
        key,
        state: State::Running,
        version: 1,
        allocation: 1,
        winner: None,
        started_at: Some(since),
        ended_at: None,
        design,
    }
}

/// Orders shared out among the journeys whose messages came before them, of the last `days` before now; each looks so far back as well.
///
/// # Errors
/// The store's.
pub async fn by_touches(
    installation: &Installation,
    workspace: WorkspaceId,
    rule: Rule,
    days: u32,
    context: &Context,
) -> Result<BTreeMap<String, Credit>, Unread> {
    let window = i64::from(days) * Timestamp::DAY;
    let since = context.now.plus(-window);
    let mut db = installation.store.read();
    let paid = orders::paid(&mut db, workspace, context.currency.as_str(), (since, context.now.plus(1))).await?;
    let mut by_person: BTreeMap<PersonId, Vec<(Timestamp, i64)>> = BTreeMap::new();
    for (person, at, value) in paid {
        by_person.entry(person).or_default().push((at, value));
    }
    let persons: Vec<PersonId> = by_person.keys().copied().collect();
    let mut conversions = Vec::new();
    for slice in persons.chunks(SLICE) {
        let mut touches: BTreeMap<PersonId, Vec<Touch>> = BTreeMap::new();
        for (person, at, journey) in messages::touches(&mut db, workspace, slice, since.plus(-window)).await? {
            touches.entry(person).or_default().push(Touch { subject: journey, at });
        }
        for person in slice {
            let own = touches.remove(person).unwrap_or_default();
            let orders = by_person.get(person).into_iter().flatten();
            conversions.extend(orders.map(|(at, value)| Conversion { at: *at, value: *value, touches: own.clone() }));
        }
    }
    Ok(touched(conversions, rule, window))
}
