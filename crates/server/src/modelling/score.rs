//! A run of scores: what the live version says of everybody, and the facts that differ by it.
//!
//! Always holds: a fact is told where it moved so far that it matters; whoever was not scored this time has no score, and is told that there is nothing to say of them.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use rapport_analytics::Context;
use rapport_analytics::scores::Verdict;
use rapport_analytics::scores::records::scores::ScoreRow;
use rapport_analytics::scores::records::{models, versions};
use rapport_analytics::value::day_of;
use rapport_domain::{Handle, PersonId, Timestamp};
use rapport_store::Priority;
use serde::Serialize;
use serde_json::Value;

use super::said::{self, Known, PEOPLE, Saying};
use super::{Settings, churn, job, loyalty_index, propensity, value, without};
use crate::api::questions;
use crate::beat::Beat;
use crate::scoring::Told;

/// An amount or a number of purchases is told anew when it moved by this part.
const MOVED: f64 = 0.05;
/// A probability is told anew when it moved so far.
const MOVED_CHANCE: f64 = 0.05;
/// An index from 0 to 100 is told anew when it moved so far.
const MOVED_POINTS: f64 = 2.0;
/// A day is told anew when it moved so far.
const MOVED_DAYS: i64 = 3 * Timestamp::DAY;

/// When a fact is told anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It moved by a twentieth of itself.
    ByPart,
    /// A probability moved by five hundredths.
    Chance,
    /// An index moved by two points.
    Points,
    /// A day moved by three days.
    Days,
    /// It differs.
    AtAll,
}

/// A fact as it is now.
pub(super) struct News {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) when: Moved,
}

impl News {
    fn is_news(&self, before: Option<&Value>) -> bool {
        // Of whom nothing was ever said, it is no news that there is nothing to say.
        let Some(before) = before else { return !self.value.is_null() };
        if self.when == Moved::Days {
            let day = |it: &Value| it.as_str().and_then(Timestamp::parse);
            let (Some(old), Some(new)) = (day(before), day(&self.value)) else { return *before != self.value };
            return (new.0 - old.0).abs() >= MOVED_DAYS;
        }
        let (Some(old), Some(new)) = (before.as_f64(), self.value.as_f64()) else { return *before != self.value };
        match self.when {
            Moved::ByPart => (new - old).abs() > MOVED * old.abs().max(0.01),
            Moved::Chance => (new - old).abs() >= MOVED_CHANCE,
            Moved::Points => (new - old).abs() >= MOVED_POINTS,
            Moved::AtAll | Moved::Days => new != old,
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
    /// The words by which they are found.
    pub(super) marks: Vec<String>,
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
    /// Of whom nothing may be said.
    pub(super) without: BTreeSet<PersonId>,
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
    let scoring = Scoring { beat, context, end, without: without(installation, workspace).await? };
    let settings = Settings::of(&row);
    let facts = settings.facts(model);
    let (run, overview): (Box<dyn Everybody>, Value) = match settings {
        Settings::Value(settings) => {
            let (run, overview) = value::run(&scoring, content, settings).await?;
            (Box::new(run), overview)
        }
        Settings::Churn(settings) => {
            let (run, overview) = churn::run(&scoring, content, settings).await?;
            (Box::new(run), overview)
        }
        Settings::Propensity(_) => {
            let (run, overview) = propensity::run(&scoring, content, model).await?;
            (Box::new(run), overview)
        }
        Settings::LoyaltyIndex(_) => match loyalty_index::run(&scoring, content).await? {
            Ok((run, overview)) => (Box::new(run), overview),
            Err(verdict) => return job::complete(beat, model, Some(verdict)).await,
        },
    };
    let round = Round { model, version, at };
    for from in (0..run.people()).step_by(PEOPLE) {
        let is_there = models::find(&mut installation.store.read(), workspace, model).await?.is_some();
        if beat.at(from, run.people()).await? || !is_there {
            return beat.stopped().await;
        }
        said::write(beat, &round, &run.some(from, PEOPLE)).await?;
    }
    while said::leave(beat, model, &facts, at).await? {}
    while said::unmark(beat, model, at).await? {}
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

#[expect(clippy::cast_possible_truncation, reason = "a cast of a number too large is the largest")]
fn micros(value: f64) -> i64 {
    (value * 1e6).round() as i64
}

/// A run: of which version, as of when.
struct Round<'a> {
    model: &'a str,
    version: i64,
    at: Timestamp,
}

impl Saying for Round<'_> {
    type Said = Said;

    fn person(it: &Said) -> PersonId {
        it.person
    }

    fn keys(&self, some: &[Said]) -> Vec<String> {
        let keys: BTreeSet<&String> = some.iter().flat_map(|it| &it.news).map(|it| &it.key).collect();
        keys.into_iter().cloned().collect()
    }

    fn row(&self, handle: Handle, it: &Said) -> ScoreRow {
        ScoreRow {
            model: self.model.to_owned(),
            handle,
            version: self.version,
            scored_at: self.at,
            score: micros(it.score[0]),
            low: micros(it.score[1]),
            high: micros(it.score[2]),
            tenth: i64::from(it.tenth),
            part: it.part.clone(),
            cohort: it.cohort.clone(),
            detail: it.detail.clone(),
        }
    }

    fn marks(&self, it: &Said) -> Vec<String> {
        it.marks.clone()
    }

    fn news(&self, it: &Said, known: &Known, now: Timestamp) -> Vec<Told> {
        let new = it.news.iter().filter(|one| one.is_news(known.of(it.person, &one.key)));
        new.map(|one| (it.person, now, one.key.clone(), one.value.clone())).collect()
    }
}
