//! People put into the groups of the version in use, and the facts that differ by it.
//!
//! Always holds: whoever is in no group any more is told so, with the row that goes.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use rapport_analytics::groups::{Content, Placed, Run};
use rapport_analytics::scores::GROUPS;
use rapport_analytics::scores::records::scores::ScoreRow;
use rapport_analytics::scores::records::{models, personas, versions};
use rapport_domain::{Handle, PersonId, Timestamp};
use rapport_store::Priority;
use serde_json::Value;

use super::{FACTS, settings_of, unnamed};
use crate::api::questions;
use crate::beat::Beat;
use crate::modelling::job;
use crate::modelling::said::{self, Known, PEOPLE, Saying};
use crate::modelling::without;
use crate::scoring::Told;

/// How sure it is is told anew when it moved so far.
const MOVED: f64 = 0.1;

/// A run: of which version, as of when, and what groups are called.
struct Round {
    version: i64,
    at: Timestamp,
    names: HashMap<u32, String>,
}

pub(super) async fn place(beat: &Beat<'_>) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let db = &mut installation.store.read();
    let Some(row) = models::find(db, workspace, GROUPS).await? else { return beat.stopped().await };
    let Some(version) = row.version else { return beat.stopped().await };
    let kept = versions::find(db, workspace, GROUPS, version).await?.context("a live version is kept")?;
    let content: Content = serde_json::from_value(kept.content).context("a version is kept as it was learnt")?;
    let mut context =
        questions::context(installation, workspace).await.map_err(|it| anyhow::anyhow!("{}", it.detail()))?;
    // A run that is begun again is of the same instant, which tells its rows from those before.
    let at = beat.claim.payload["at"].as_i64().map_or(context.now, Timestamp);
    context.now = at;
    if beat.at(0, 1).await? {
        return beat.stopped().await;
    }
    let without = without(installation, workspace).await?;
    let days = settings_of(&row).window_days;
    let people = installation.analytics.grouped_people(workspace, &context, &without, days).await?;
    let currency = context.currency.as_str().to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let run = Run::new(content, people);
        let overview = run.overview(&currency);
        (run, overview)
    });
    let (run, overview) = job::finished(beat, work).await?;
    let named = personas::all(&mut installation.store.read(), workspace).await?;
    let names = named.into_iter().filter_map(|it| Some((u32::try_from(it.number).ok()?, it.name))).collect();
    let round = Round { version, at, names };
    for from in (0..run.people()).step_by(PEOPLE) {
        if beat.at(from, run.people()).await? {
            return beat.stopped().await;
        }
        said::write(beat, &round, run.some(from, PEOPLE)).await?;
    }
    let facts = FACTS.map(str::to_owned);
    while said::leave(beat, GROUPS, &facts, at).await? {}
    let mut tx = installation.store.begin(Priority::Background).await?;
    models::scored(&mut tx, workspace, GROUPS, (version, at), serde_json::to_value(overview)?).await?;
    installation.store.jobs().complete(&mut tx, beat.claim).await?;
    Ok(tx.commit().await?)
}

impl Saying for Round {
    type Said = Placed;

    fn person(it: &Placed) -> PersonId {
        it.person
    }

    fn keys(&self, _: &[Placed]) -> Vec<String> {
        FACTS.map(str::to_owned).to_vec()
    }

    fn row(&self, handle: Handle, it: &Placed) -> ScoreRow {
        let typical = (it.detail.typical * 1e6).round() as i64;
        ScoreRow {
            model: GROUPS.to_owned(),
            handle,
            version: self.version,
            scored_at: self.at,
            score: typical,
            low: typical,
            high: typical,
            tenth: i64::from(it.tenth),
            part: it.detail.number.to_string(),
            cohort: it.detail.second.map(|it| it.to_string()).unwrap_or_default(),
            detail: serde_json::to_value(&it.detail).unwrap_or(Value::Null),
        }
    }

    fn news(&self, it: &Placed, known: &Known, now: Timestamp) -> Vec<Told> {
        let before = |key: &str| known.of(it.person, key);
        let [number, name, sure] = FACTS;
        let own = it.detail.number;
        let named = self.names.get(&own).cloned().unwrap_or_else(|| unnamed(own));
        let hundredths = (it.detail.sure * 100.0).round() / 100.0;
        let mut told = Vec::new();
        let mut tell = |key: &str, value: Value, is_news: bool| {
            if is_news {
                told.push((it.person, now, key.to_owned(), value));
            }
        };
        let moved = before(number).and_then(Value::as_u64) != Some(u64::from(own));
        tell(number, Value::from(own), moved);
        tell(name, Value::from(named.as_str()), before(name).and_then(Value::as_str) != Some(&named));
        let drifted = before(sure).and_then(Value::as_f64).is_none_or(|old| (old - hundredths).abs() >= MOVED);
        tell(sure, Value::from(hundredths), moved || drifted);
        told
    }
}
