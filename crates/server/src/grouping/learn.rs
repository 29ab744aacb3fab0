//! Groups looked for: what everybody bought becomes a version, which is used, or held, or a verdict says why there is none.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use rapport_analytics::groups::{self, Before, Content, STEPS};
use rapport_analytics::scores::records::models;
use rapport_analytics::scores::records::{personas, versions};
use rapport_analytics::scores::{GROUPS, Verdict};

use super::settings_of;
use crate::api::questions;
use crate::beat::Beat;
use crate::modelling::job::{self, Made};
use crate::modelling::{SCHEDULE, without};

/// Versions of which it is looked which numbers they gave: each holds the highest ever given.
const LOOKED_AT: i64 = 20;

pub(super) async fn learn(beat: &Beat<'_>) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let Some(row) = models::find(&mut installation.store.read(), workspace, GROUPS).await? else {
        return beat.stopped().await;
    };
    let context = questions::context(installation, workspace).await.map_err(|it| anyhow::anyhow!("{}", it.detail()))?;
    let as_of = context.now.min(context.data_until);
    let by = beat.claim.payload["by"].as_str().unwrap_or(SCHEDULE).to_owned();
    let earlier = versions::latest(&mut installation.store.read(), workspace, GROUPS, LOOKED_AT).await?;
    if by == SCHEDULE && earlier.first().is_some_and(|it| it.as_of == as_of) {
        // Nothing happened since.
        return job::complete(beat, GROUPS, None).await;
    }
    if beat.at(0, STEPS + 2).await? {
        return beat.stopped().await;
    }
    let (settings, without) = (settings_of(&row), without(installation, workspace).await?);
    let people = installation.analytics.grouped_people(workspace, &context, &without, settings.window_days).await?;
    let version = versions::next(&mut installation.store.read(), workspace, GROUPS).await?;
    let contents: Vec<Before> = earlier
        .into_iter()
        .filter_map(|it| {
            let content = serde_json::from_value::<Content>(it.content).ok()?;
            Some(Before { version: it.version, content })
        })
        .collect();
    let named = personas::all(&mut installation.store.read(), workspace).await?;
    let numbers = named.iter().filter_map(|it| u32::try_from(it.number).ok());
    let last = contents.iter().map(|it| it.content.last_number).chain(numbers).max().unwrap_or(0);
    let before = contents.into_iter().find(|it| Some(it.version) == row.version);
    let seed = u64::try_from(version).unwrap_or(0);
    let work = move |done: &AtomicUsize| {
        let step = |at: usize| done.store(at, Ordering::Relaxed);
        let learned = groups::learn(&people, &settings, before.as_ref(), last, seed, &step)?;
        let card = learned.card(&people, &settings);
        Ok::<_, Verdict>((learned.content, card))
    };
    match job::learnt(beat, STEPS, work).await? {
        None => beat.stopped().await,
        Some(Err(verdict)) => job::complete(beat, GROUPS, Some(verdict)).await,
        Some(Ok((content, card))) => {
            let made = Made {
                version,
                as_of,
                by: &by,
                people: i64::try_from(content.people)?,
                content: serde_json::to_value(&content)?,
                card: serde_json::to_value(&card)?,
                held: content.against.as_ref().map(groups::Against::holds).unwrap_or_default(),
                came: Vec::new(),
            };
            job::keep(beat, GROUPS, made).await
        }
    }
}
