//! A run of scores: what the live version says of everybody, and the facts that differ by it.
//!
//! Always holds: a fact commits with the score that it tells, and is told where it moved so far that it matters; whoever is nobody any more by then (erased meanwhile) gets
//! no score; the writer is given back after each slice.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rapport_analytics::Context;
use rapport_analytics::scores::Verdict;
use rapport_analytics::scores::records::scores::{self, ScoreRow};
use rapport_analytics::scores::records::{models, versions};
use rapport_analytics::value::day_of;
use rapport_domain::{Handle, PersonId, Timestamp};
use rapport_profiles::records::{facts, identifiers};
use rapport_segments::live::Observed;
use rapport_store::Priority;
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Settings, churn, restricted, value};
use crate::api::questions;
use crate::beat::Beat;
use crate::scoring::{self, Told};

/// How often it is said that scoring goes on.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// So many people are looked at together.
const PEOPLE: usize = 500;
/// So many rows are written before it is looked whether the slice is over.
const ROWS: usize = 20;
/// An amount or a number of purchases is told anew when it moved by this part.
const MOVED: f64 = 0.05;
/// A probability is told anew when it moved so far.
const MOVED_CHANCE: f64 = 0.05;

/// When a fact is told anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It moved by a twentieth of itself.
    ByPart,
    /// A probability moved by five hundredths.
    Chance,
    /// It differs.
    AtAll,
}

/// A fact as it is now.
pub(super) struct News {
    pub(super) key: &'static str,
    pub(super) value: Value,
    pub(super) when: Moved,
}

impl News {
    fn is_news(&self, before: Option<&Value>) -> bool {
        let Some(before) = before else { return true };
        let (Some(old), Some(new)) = (before.as_f64(), self.value.as_f64()) else { return *before != self.value };
        match self.when {
            Moved::ByPart => (new - old).abs() > MOVED * old.abs().max(0.01),
            Moved::Chance => (new - old).abs() >= MOVED_CHANCE,
            Moved::AtAll => new != old,
        }
    }
}

/// What a model says of somebody, whatever its kind.
pub(super) struct Said {
    pub(super) person: PersonId,
    /// What it says, and the ends of its interval.
    pub(super) score: [f64; 3],
    pub(super) tenth: u8,
    pub(super) part: String,
    pub(super) cohort: String,
    pub(super) detail: Value,
    pub(super) news: Vec<News>,
}

/// Everybody scored.
pub(super) trait Everybody: Send + Sync {
    /// How many they are.
    fn people(&self) -> usize;
    /// Some of them, by their places.
    fn some(&self, from: usize, many: usize) -> Vec<Said>;
}

/// What a run of scores is given.
pub(super) struct Scoring<'a> {
    pub(super) beat: &'a Beat<'a>,
    pub(super) context: Context,
    /// The first day that is not known.
    pub(super) end: i32,
    pub(super) restricted: BTreeSet<PersonId>,
}

pub(super) async fn score(beat: &Beat<'_>, model: &str) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let db = &mut installation.store.read();
    let Some(row) = models::find(db, workspace, model).await? else { return beat.stopped().await };
    let Some(version) = row.version else { return beat.stopped().await };
    let content = versions::find(db, workspace, model, version).await?.context("a live version is kept")?.content;
    let mut context =
        questions::context(installation, workspace).await.map_err(|it| anyhow::anyhow!("{}", it.detail()))?;
    // A run that is begun again scores for the same instant, which tells its scores from those before.
    let at = beat.claim.payload["at"].as_i64().map_or(context.now, Timestamp);
    context.now = at;
    let end = day_of(at.min(context.data_until), &context.calendar) + 1;
    let scoring = Scoring { beat, context, end, restricted: restricted(installation, workspace).await? };
    let (run, overview): (Box<dyn Everybody>, Value) = match Settings::of(&row) {
        Settings::Value(settings) => {
            let (run, overview) = value::run(&scoring, content, settings).await?;
            (Box::new(run), overview)
        }
        Settings::Churn(settings) => {
            let (run, overview) = churn::run(&scoring, content, settings).await?;
            (Box::new(run), overview)
        }
    };
    for from in (0..run.people()).step_by(PEOPLE) {
        if beat.at(from, run.people()).await? {
            return beat.stopped().await;
        }
        let some = run.some(from, PEOPLE);
        write(beat, model, (version, at), &some).await?;
    }
    forget(beat, model, at).await?;
    let mut tx = installation.store.begin(Priority::Background).await?;
    models::scored(&mut tx, workspace, model, (version, at), overview).await?;
    installation.store.jobs().complete(&mut tx, beat.claim).await?;
    Ok(tx.commit().await?)
}

/// What a version keeps, as it is kept.
pub(super) fn kept(content: &impl Serialize) -> Result<Value, Verdict> {
    serde_json::to_value(content).map_err(|error| Verdict {
        code: "not_identified".to_owned(),
        have: 0,
        need: 0,
        text: format!("The model cannot be kept: {error}."),
    })
}

/// Waits for work on another thread, and keeps the job meanwhile.
pub(super) async fn finished<T>(beat: &Beat<'_>, mut work: tokio::task::JoinHandle<T>) -> Result<T> {
    loop {
        match tokio::time::timeout(TELL_EVERY, &mut work).await {
            Ok(done) => return done.context("scoring stopped unexpectedly"),
            Err(_) => {
                beat.at(0, 1).await?;
            }
        }
    }
}

async fn write(beat: &Beat<'_>, model: &str, (version, at): (i64, Timestamp), some: &[Said]) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let (began, now) = (Instant::now(), installation.clock.now());
    let persons: Vec<PersonId> = some.iter().map(|it| it.person).collect();
    let mut keys: Vec<String> = some.iter().flat_map(|it| &it.news).map(|it| it.key.to_owned()).collect();
    keys.sort_unstable();
    keys.dedup();
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
            let there: Vec<&Said> = part.iter().filter(|it| handles.contains_key(&it.person)).collect();
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

fn row(model: &str, handle: Handle, (version, scored_at): (i64, Timestamp), it: &Said) -> ScoreRow {
    ScoreRow {
        model: model.to_owned(),
        handle,
        version,
        scored_at,
        score: micros(it.score[0]),
        low: micros(it.score[1]),
        high: micros(it.score[2]),
        tenth: i64::from(it.tenth),
        part: it.part.clone(),
        cohort: it.cohort.clone(),
        detail: it.detail.clone(),
    }
}

/// What is to be told of somebody.
fn news(it: &Said, known: &HashMap<(PersonId, String), Value>, now: Timestamp) -> Vec<Told> {
    let is_news = |one: &&News| one.is_news(known.get(&(it.person, one.key.to_owned())));
    it.news.iter().filter(is_news).map(|one| (it.person, now, one.key.to_owned(), one.value.clone())).collect()
}
