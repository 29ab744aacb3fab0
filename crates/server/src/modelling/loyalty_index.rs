//! The loyalty index: what its fits and runs of scores read, and what they tell.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use rapport_analytics::loyalty_index::{self, Against, Before, Content, Definition, Run, STEPS, Scored, Settings};
use rapport_analytics::scores::Verdict;
use rapport_analytics::scores::records::versions::State;
use serde_json::Value;

use super::fit::{Asked, Fitted, Learning};
use super::job;
use super::score::{self, Moved, News, Said, Scoring};

/// What is told of how loyal a customer is.
pub const FACTS: [&str; 4] = ["loyalty_index.value", "loyalty_index.said", "loyalty_index.done", "loyalty_index.kind"];

/// Facts without doubles, in their order.
fn once(keys: impl IntoIterator<Item = String>) -> Vec<String> {
    let all: BTreeSet<String> = keys.into_iter().collect();
    all.into_iter().collect()
}

/// Whether staff chose something by which a version was not made.
pub(super) fn is_changed(settings: &Settings, content: &Value) -> bool {
    let Ok(made) = serde_json::from_value::<Content>(content.clone()) else { return true };
    let is_proposed = settings.measures.is_none();
    is_proposed != made.is_proposed || Definition::of(settings, || made.definition.measures.clone()) != made.definition
}

pub(super) async fn learn(asked: &Asked<'_>, settings: Settings) -> Result<Result<Option<Learning>, Verdict>> {
    let (installation, workspace) = (asked.beat.installation, asked.beat.claim.workspace);
    let live = asked.earlier.iter().find(|it| Some(it.version) == asked.row.version);
    let before = live.and_then(|row| {
        let content: Content = serde_json::from_value(row.content.clone()).ok()?;
        Some(Before { version: row.version, content, people: row.people })
    });
    let earlier = before.iter().flat_map(|it| it.content.definition.facts());
    let facts = once(settings.facts().into_iter().chain(earlier));
    let kept = (&facts[..], settings.window_days);
    let people = installation.analytics.loyalty_people(workspace, &asked.context, &asked.without, kept, None).await?;
    let learned = match loyalty_index::learn(&people, &settings, before.as_ref()) {
        Ok(Some(learned)) => learned,
        Ok(None) => return Ok(Ok(None)),
        Err(verdict) => return Ok(Err(verdict)),
    };
    // What waits for a decision is not made a second time.
    let held = asked.earlier.first().filter(|row| row.state == State::Held.as_str());
    let held = held.and_then(|row| serde_json::from_value::<Content>(row.content.clone()).ok());
    let is_alike =
        |it: Content| (it.is_proposed, &it.definition) == (learned.content.is_proposed, &learned.content.definition);
    if held.is_some_and(is_alike) {
        return Ok(Ok(None));
    }
    Ok(Ok(Some(Box::new(move |done: &AtomicUsize| {
        done.store(STEPS, Ordering::Relaxed);
        Ok(Fitted {
            card: learned.card(&people),
            came: Vec::new(),
            held: learned.content.against.as_ref().map(Against::holds).unwrap_or_default(),
            people: learned.people,
            content: score::kept(&learned.content)?,
        })
    }))))
}

/// Everybody with an index.
pub(super) struct Indices(Run);

pub(super) async fn run(scoring: &Scoring<'_>, content: Value) -> Result<Result<(Indices, Value), Verdict>> {
    let content: Content = serde_json::from_value(content).context("a version is kept as it was made")?;
    let (installation, workspace) = (scoring.beat.installation, scoring.beat.claim.workspace);
    // Also what does not count is kept of people, so that it can be shown what it would do if it did.
    let facts = once(content.definition.facts().into_iter().chain(Settings::default().facts()));
    let kept = (&facts[..], content.definition.window_days);
    let past = Some(&content.definition);
    let people =
        installation.analytics.loyalty_people(workspace, &scoring.context, &scoring.without, kept, past).await?;
    let work = tokio::task::spawn_blocking(move || {
        let run = Run::new(content, people)?;
        let overview = score::kept(&run.overview())?;
        Ok((Indices(run), overview))
    });
    job::finished(scoring.beat, work).await
}

impl score::Everybody for Indices {
    fn people(&self) -> usize {
        self.0.people()
    }

    fn some(&self, from: usize, many: usize) -> Vec<Said> {
        self.0.some(from, many).into_iter().map(said).collect()
    }
}

fn said(it: Scored) -> Said {
    let points = |value: f64| Value::from((value * 10.0).round() / 10.0);
    // What is not known any more is told as that.
    let known = |value: Option<f64>| value.map_or(Value::Null, points);
    let kind = it.detail.kind.map(|it| it.as_str()).unwrap_or_default();
    let [value, said, done, way] = FACTS.map(str::to_owned);
    let news = vec![
        News { key: value, value: points(it.detail.index), when: Moved::Points },
        News { key: said, value: known(it.detail.said), when: Moved::Points },
        News { key: done, value: known(it.detail.done), when: Moved::Points },
        News { key: way, value: it.detail.kind.map_or(Value::Null, |it| it.as_str().into()), when: Moved::AtAll },
    ];
    Said {
        person: it.person,
        score: [it.detail.index, it.low, it.high],
        tenth: it.tenth,
        part: kind.to_owned(),
        cohort: it.weakest,
        detail: serde_json::to_value(&it.detail).unwrap_or(Value::Null),
        marks: Vec::new(),
        news,
    }
}
