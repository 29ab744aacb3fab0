//! A fit: what people bought becomes a version, which is judged and scores, or is held, or a verdict says why there is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rapport_analytics::scores::judged::Hold;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::records::versions::{self, State, VersionRow};
use rapport_analytics::scores::{Verdict, card::Card};
use rapport_analytics::value::{self, Before, Bought, Content, Learned, STEPS, Settings};
use rapport_domain::Timestamp;
use rapport_store::Priority;
use serde_json::Value;

use super::{SCHEDULE, restricted, settings_of};
use crate::api::questions;
use crate::beat::Beat;

/// Reading is the first step, and writing the last.
const ALL: usize = STEPS + 2;
/// So many earlier versions are compared with what then happened.
const LOOKED_BACK: i64 = 12;
/// How often it is said how far a fit is.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// What came of a fit.
struct Fitted {
    learned: Learned,
    card: Card,
    /// What happened since earlier versions were fitted.
    came: Vec<(i64, Value)>,
}

pub(super) async fn fit(beat: &Beat<'_>, model: &str) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let Some(row) = models::find(&mut installation.store.read(), workspace, model).await? else {
        return beat.stopped().await;
    };
    let context = questions::context(installation, workspace).await.map_err(|it| anyhow::anyhow!("{}", it.detail()))?;
    let as_of = context.now.min(context.data_until);
    let by = beat.claim.payload["by"].as_str().unwrap_or(SCHEDULE).to_owned();
    let earlier = versions::latest(&mut installation.store.read(), workspace, model, LOOKED_BACK).await?;
    if by == SCHEDULE && earlier.first().is_some_and(|it| it.as_of == as_of) {
        // Nothing happened since.
        return complete(beat, None).await;
    }
    if beat.at(0, ALL).await? {
        return beat.stopped().await;
    }
    let restricted = restricted(installation, workspace).await?;
    let bought = Arc::new(installation.analytics.bought(workspace, &context, &restricted).await?);
    let groupings = installation.analytics.groupings(workspace, &bought, as_of).await?;
    let version = versions::next(&mut installation.store.read(), workspace, model).await?;
    let (done, settings) = (Arc::new(AtomicUsize::new(0)), settings_of(&row));
    let task = Task { bought, end: value::day_of(as_of, &context.calendar) + 1, settings, earlier, live: row.version };
    let mut work = tokio::task::spawn_blocking({
        let done = Arc::clone(&done);
        move || task.learn(&groupings, u64::try_from(version).unwrap_or(0), &done)
    });
    let outcome = loop {
        if let Ok(outcome) = tokio::time::timeout(TELL_EVERY, &mut work).await {
            break outcome.context("learning stopped unexpectedly")?;
        }
        if beat.at(1 + done.load(Ordering::Relaxed), ALL).await? {
            return beat.stopped().await;
        }
    };
    if beat.at(1 + STEPS, ALL).await? {
        return beat.stopped().await;
    }
    match outcome {
        Err(verdict) => complete(beat, Some((model, verdict))).await,
        Ok(fitted) => keep(beat, &row, fitted, (version, as_of, &by)).await,
    }
}

/// What learning needs, on a thread of its own.
struct Task {
    bought: Arc<Bought>,
    end: i32,
    settings: Settings,
    /// The newest first.
    earlier: Vec<VersionRow>,
    /// The version that scores.
    live: Option<i64>,
}

impl Task {
    fn learn(&self, groupings: &[value::Grouping], seed: u64, done: &AtomicUsize) -> Result<Fitted, Verdict> {
        let read = |row: &VersionRow| serde_json::from_value::<Content>(row.content.clone()).ok();
        let contents: Vec<(i64, i64, Content)> =
            self.earlier.iter().filter_map(|row| Some((row.version, row.people, read(row)?))).collect();
        let live = contents.iter().find(|it| Some(it.0) == self.live);
        let before = live.map(|(version, people, content)| Before {
            version: *version,
            content: content.clone(),
            people: *people,
        });
        let step = |at: usize| done.store(at, Ordering::Relaxed);
        let learned = value::learn(&self.bought, self.end, &self.settings, before.as_ref(), groupings, seed, &step)?;
        let came = contents.iter().filter_map(|(version, _, content)| {
            let came = value::came(&self.bought, content, self.end)?;
            Some((*version, serde_json::to_value(came).ok()?))
        });
        Ok(Fitted { card: learned.card(&self.bought, &self.settings), came: came.collect(), learned })
    }
}

/// Keeps a version, which scores from now on unless it is held.
async fn keep(
    beat: &Beat<'_>,
    row: &ModelRow,
    fitted: Fitted,
    (version, as_of, by): (i64, Timestamp, &str),
) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let content = &fitted.learned.content;
    let held: Vec<Hold> = content.against.as_ref().map(|it| it.holds()).unwrap_or_default();
    let state = if held.is_empty() { State::Live } else { State::Held };
    let new = VersionRow {
        version,
        state: state.as_str().to_owned(),
        fitted_at: installation.clock.now(),
        fitted_by: by.to_owned(),
        as_of,
        people: i64::try_from(fitted.learned.people)?,
        content: serde_json::to_value(content)?,
        card: serde_json::to_value(&fitted.card)?,
        held: serde_json::to_value(&held)?,
        came: None,
        decided_at: None,
        decided_by: None,
        decided_why: None,
    };
    let mut tx = installation.store.begin(Priority::Background).await?;
    if state == State::Live {
        versions::retire(&mut tx, workspace, &row.model).await?;
    }
    versions::insert(&mut tx, workspace, &row.model, &new).await?;
    for (earlier, came) in fitted.came {
        versions::came(&mut tx, workspace, &row.model, earlier, came).await?;
    }
    models::judged(&mut tx, workspace, &row.model, (state == State::Live).then_some(version), None).await?;
    installation.store.jobs().complete(&mut tx, beat.claim).await?;
    tx.commit().await?;
    tracing::info!(model = row.model, version, state = state.as_str(), "a model was fitted");
    Ok(())
}

/// Ends a fit that came to nothing, with why.
async fn complete(beat: &Beat<'_>, verdict: Option<(&str, Verdict)>) -> Result<()> {
    let mut tx = beat.installation.store.begin(Priority::Background).await?;
    if let Some((model, verdict)) = verdict {
        let verdict = serde_json::to_value(verdict)?;
        models::judged(&mut tx, beat.claim.workspace, model, None, Some(verdict)).await?;
    }
    beat.installation.store.jobs().complete(&mut tx, beat.claim).await?;
    Ok(tx.commit().await?)
}
