//! A run of scores: what the live version says of everybody, and the facts that differ by it.
//!
//! Always holds: a fact commits with the score that it tells, and is told where it moved so far that it matters; whoever is nobody any more by then (erased meanwhile) gets
//! no score; the writer is given back after each slice.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rapport_analytics::scores::records::scores::{self, ScoreRow};
use rapport_analytics::scores::records::{models, versions};
use rapport_analytics::value::{self, Content, Run, Scored};
use rapport_domain::{Handle, PersonId, Timestamp};
use rapport_profiles::records::{facts, identifiers};
use rapport_segments::live::Observed;
use rapport_store::Priority;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{restricted, settings_of};
use crate::api::questions;
use crate::beat::Beat;
use crate::scoring::{self, Told};

/// How often it is said that scoring goes on.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// What is told of the value of a customer, in the order of [`news`].
pub const FACTS: [&str; 4] = ["value.expected", "value.alive", "value.purchases", "value.tenth"];

/// So many people are looked at together.
const PEOPLE: usize = 500;
/// So many rows are written before it is looked whether the slice is over.
const ROWS: usize = 20;
/// An amount or a number of purchases is told anew when it moved by this part.
const MOVED: f64 = 0.05;
/// A probability is told anew when it moved so far.
const MOVED_CHANCE: f64 = 0.05;

pub(super) async fn score(beat: &Beat<'_>, model: &str) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let db = &mut installation.store.read();
    let Some(row) = models::find(db, workspace, model).await? else { return beat.stopped().await };
    let Some(version) = row.version else { return beat.stopped().await };
    let kept = versions::find(db, workspace, model, version).await?.context("a live version is kept")?;
    let content: Content = serde_json::from_value(kept.content).context("a version is kept as it was fitted")?;
    let mut context =
        questions::context(installation, workspace).await.map_err(|it| anyhow::anyhow!("{}", it.detail()))?;
    // A run that is begun again scores for the same instant, which tells its scores from those before.
    let at = beat.claim.payload["at"].as_i64().map_or(context.now, Timestamp);
    context.now = at;
    let as_of = at.min(context.data_until);
    let restricted = restricted(installation, workspace).await?;
    let bought = installation.analytics.bought(workspace, &context, &restricted).await?;
    let (end, settings) = (value::day_of(as_of, &context.calendar) + 1, settings_of(&row));
    let work = tokio::task::spawn_blocking(move || {
        let run = Run::new(content, bought, end, &settings)?;
        let overview = run.overview(&settings, context.currency.as_str());
        Some((run, overview))
    });
    let (run, overview) = finished(beat, work).await?.context("a version that was kept says something")?;
    for from in (0..run.people()).step_by(PEOPLE) {
        if beat.at(from, run.people()).await? {
            return beat.stopped().await;
        }
        write(beat, model, (version, at), &run.some(from, PEOPLE)).await?;
    }
    forget(beat, model, at).await?;
    let mut tx = installation.store.begin(Priority::Background).await?;
    models::scored(&mut tx, workspace, model, (version, at), serde_json::to_value(overview)?).await?;
    installation.store.jobs().complete(&mut tx, beat.claim).await?;
    Ok(tx.commit().await?)
}

/// Waits for work on another thread, and keeps the job meanwhile.
async fn finished<T>(beat: &Beat<'_>, mut work: tokio::task::JoinHandle<T>) -> Result<T> {
    loop {
        match tokio::time::timeout(TELL_EVERY, &mut work).await {
            Ok(done) => return done.context("scoring stopped unexpectedly"),
            Err(_) => {
                beat.at(0, 1).await?;
            }
        }
    }
}

async fn write(beat: &Beat<'_>, model: &str, (version, at): (i64, Timestamp), some: &[Scored]) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let (began, now) = (Instant::now(), installation.clock.now());
    let persons: Vec<PersonId> = some.iter().map(|it| it.person).collect();
    let keys = FACTS.map(str::to_owned);
    let mut known: HashMap<(PersonId, String), Value> = HashMap::new();
    for (person, key, value) in
        facts::current_keys_of(&mut installation.store.read(), workspace, &persons, &keys, now).await?
    {
        known.insert((person, key), serde_json::from_str(&value).unwrap_or(Value::Null));
    }
    let mut rest = some;
    while !rest.is_empty() {
        let mut told: Vec<Told> = Vec::new();
        let mut tx = installation.store.begin(Priority::Background).await?;
        while !rest.is_empty() {
            let (part, later) = rest.split_at(ROWS.min(rest.len()));
            rest = later;
            let ids: Vec<PersonId> = part.iter().map(|it| it.person).collect();
            let mut handles: HashMap<PersonId, Handle> = HashMap::new();
            for row in identifiers::by_persons(&mut tx, workspace, &ids).await? {
                handles.entry(row.person).or_insert(row.handle);
            }
            let there: Vec<&Scored> = part.iter().filter(|it| handles.contains_key(&it.person)).collect();
            let rows: Vec<ScoreRow> =
                there.iter().map(|it| row(model, handles[&it.person], (version, at), it)).collect();
            scores::put(&mut tx, workspace, &rows).await?;
            let new: Vec<Told> = there.iter().flat_map(|it| news(it, &known, now)).collect();
            scoring::tell(&mut tx, workspace, &new, now).await?;
            told.extend(new);
            if tx.slice_is_over() {
                break;
            }
        }
        tx.commit().await?;
        let observed = Observed { told: &told, ..Observed::default() };
        installation.memberships.observe(workspace, observed).await?;
    }
    // Nobody waits for it, and whatever else goes on should not notice it.
    sleep(began.elapsed()).await;
    Ok(())
}

/// Forgets the scores of whoever was not scored this time.
async fn forget(beat: &Beat<'_>, model: &str, at: Timestamp) -> Result<()> {
    loop {
        let mut tx = beat.installation.store.begin(Priority::Background).await?;
        let gone = scores::forget_before(&mut tx, beat.claim.workspace, model, at).await?;
        tx.commit().await?;
        if gone == 0 {
            return Ok(());
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast of a number too large is the largest")]
fn micros(value: f64) -> i64 {
    (value * 1e6).round() as i64
}

fn row(model: &str, handle: Handle, (version, scored_at): (i64, Timestamp), it: &Scored) -> ScoreRow {
    ScoreRow {
        model: model.to_owned(),
        handle,
        version,
        scored_at,
        score: micros(it.score.value),
        low: micros(it.score.low),
        high: micros(it.score.high),
        tenth: i64::from(it.tenth),
        part: it.part.clone(),
        cohort: it.cohort.clone(),
        detail: serde_json::to_value(&it.score.detail).unwrap_or(Value::Null),
    }
}

/// What is to be told of somebody.
fn news(it: &Scored, known: &HashMap<(PersonId, String), Value>, now: Timestamp) -> Vec<Told> {
    let before = |key: &str| known.get(&(it.person, key.to_owned())).and_then(Value::as_f64);
    let detail = &it.score.detail;
    let hundredths = |value: f64| (value * 100.0).round() / 100.0;
    let part = |old: f64, new: f64| (new - old).abs() > MOVED * old.abs().max(0.01);
    let [expected, alive, purchases, tenth] = FACTS;
    let mut told = Vec::new();
    let mut tell = |key: &str, value: Value, is_news: bool| {
        if is_news {
            told.push((it.person, now, key.to_owned(), value));
        }
    };
    let value = hundredths(it.score.value);
    tell(expected, Value::from(value), before(expected).is_none_or(|old| part(old, value)));
    let chance = hundredths(detail.alive);
    tell(alive, Value::from(chance), before(alive).is_none_or(|old| (old - chance).abs() >= MOVED_CHANCE));
    let number = hundredths(detail.purchases);
    tell(purchases, Value::from(number), before(purchases).is_none_or(|old| part(old, number)));
    tell(tenth, Value::from(it.tenth), before(tenth) != Some(f64::from(it.tenth)));
    told
}
