//! A fit: what people bought becomes a version, which is judged and scores, or is held, or a verdict says why there is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use rapport_analytics::scores::records::models;
use rapport_analytics::scores::records::versions::{self, VersionRow};
use rapport_analytics::scores::{Verdict, card::Card};
use rapport_analytics::value::{self, Before, Bought, Content, Learned, STEPS, Settings};
use serde_json::Value;

use super::job::{self, Made};
use super::{SCHEDULE, restricted, settings_of};
use crate::api::questions;
use crate::beat::Beat;

/// So many earlier versions are compared with what then happened.
const LOOKED_BACK: i64 = 12;

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
        return job::complete(beat, model, None).await;
    }
    if beat.at(0, STEPS + 2).await? {
        return beat.stopped().await;
    }
    let restricted = restricted(installation, workspace).await?;
    let bought = Arc::new(installation.analytics.bought(workspace, &context, &restricted).await?);
    let groupings = installation.analytics.groupings(workspace, &bought, as_of).await?;
    let version = versions::next(&mut installation.store.read(), workspace, model).await?;
    let (end, settings) = (value::day_of(as_of, &context.calendar) + 1, settings_of(&row));
    let task = Task { bought, end, settings, earlier, live: row.version };
    let learn = move |done: &AtomicUsize| task.learn(&groupings, u64::try_from(version).unwrap_or(0), done);
    match job::learnt(beat, STEPS, learn).await? {
        None => beat.stopped().await,
        Some(Err(verdict)) => job::complete(beat, model, Some(verdict)).await,
        Some(Ok(Fitted { learned, card, came })) => {
            let made = Made {
                version,
                as_of,
                by: &by,
                people: i64::try_from(learned.people)?,
                content: serde_json::to_value(&learned.content)?,
                card: serde_json::to_value(&card)?,
                held: learned.content.against.as_ref().map(|it| it.holds()).unwrap_or_default(),
                came,
            };
            job::keep(beat, model, made).await
        }
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
