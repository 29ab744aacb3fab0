//! What a journey or campaign brought in: by those it held out first, by touches second.
//!
//! Always holds: people are compared by the lot that decided whether they came in, since its share is as it is now; the two views are never added.

use std::collections::BTreeMap;

use rapport_analytics::Context;
use rapport_analytics::experiment::{Experiment as Question, Immature};
use rapport_analytics::question::Period;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_engagement::journey::Definition;
use rapport_engagement::journey::rules::{HELD_OUT, TREATED, holdout_of};
use rapport_engagement::records::journeys::VersionRow;
use rapport_engagement::records::messages;
use rapport_experiments::attribution::{Conversion, Credit, Incremental, Rule, Touch, incremental, touched};
use rapport_experiments::design::{Design, Metric};
use rapport_experiments::readout::{Counts, Measured};
use rapport_experiments::{Experiment, State};
use rapport_profiles::records::orders;
use rapport_segments::{Duration, Instant};
use serde_json::json;

use super::metrics;
use super::reading::{Unread, sums};
use crate::installation::Installation;

/// What is measured.
const METRICS: [&str; 3] = ["conversion", "revenue", "orders"];
/// People whose messages are read at once.
const SLICE: usize = 500;

/// People parted by chance: some were held out, the others treated.
#[derive(Clone, Debug)]
pub struct Lot {
    /// The name under which it is exposed.
    pub key: String,
    /// The arm of those held out, and of the others.
    pub arms: [&'static str; 2],
    /// The share that is held out, in per cent.
    pub percent: f64,
    /// Since when it is so.
    pub since: Timestamp,
}

/// What the holdout says.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The share that is held out, in per cent.
    pub percent: f64,
    /// Since when it is so.
    pub since: Timestamp,
    /// How many were held out, and how many came in.
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
    is_lot.then(|| Lot { key: holdout_of(journey), arms: [HELD_OUT, TREATED], percent: newest, since })
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
    let mut question = Question::new(lot.key.clone(), &lot.arms, measured);
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
        percent: lot.percent,
        since: lot.since,
        people: (of(0), of(1)),
        immature: exposed.all.variants.iter().map(|it| it.immature).sum(),
        metrics: METRICS.iter().enumerate().filter_map(metric).collect(),
    })
}

/// The lot as an experiment. Its weights are hundredths of a per cent.
fn experiment(lot: &Lot) -> Experiment {
    let Lot { key, arms: [held_out, treated], percent, since } = lot.clone();
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
