//! What customers are worth: what its fits and runs of scores read, and what they tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use rapport_analytics::scores::Verdict;
use rapport_analytics::scores::records::versions::VersionRow;
use rapport_analytics::value::{self, Before, Bought, Content, Grouping, Run, Scored, Settings};
use serde_json::Value;

use super::fit::{Asked, Fitted, Learning};
use super::job;
use super::score::{self, Moved, News, Said, Scoring};

/// What is told of the value of a customer.
pub const FACTS: [&str; 4] = ["value.expected", "value.alive", "value.purchases", "value.tenth"];

/// What is told of the next order of a customer who bought again and is probably still there: the day.
pub const NEXT: &str = "next_order.expected_at";

pub(super) async fn learn(asked: &Asked<'_>, settings: Settings) -> Result<Result<Learning, Verdict>> {
    let (installation, workspace) = (asked.beat.installation, asked.beat.claim.workspace);
    let bought = Arc::new(installation.analytics.bought(workspace, &asked.context, &asked.without).await?);
    let as_of = asked.context.now.min(asked.context.data_until);
    let groupings = installation.analytics.groupings(workspace, &bought, as_of).await?;
    let task = Task { bought, end: asked.end, settings, earlier: asked.earlier.clone(), live: asked.row.version };
    let seed = u64::try_from(asked.version).unwrap_or(0);
    Ok(Ok(Box::new(move |done: &AtomicUsize| task.learn(&groupings, seed, done))))
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
    fn learn(&self, groupings: &[Grouping], seed: u64, done: &AtomicUsize) -> Result<Fitted, Verdict> {
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
        Ok(Fitted {
            card: learned.card(&self.bought, &self.settings),
            came: came.collect(),
            held: learned.content.against.as_ref().map(|it| it.holds()).unwrap_or_default(),
            people: learned.people,
            content: score::kept(&learned.content)?,
        })
    }
}

/// Everybody scored.
pub(super) struct Values(Run);

pub(super) async fn run(scoring: &Scoring<'_>, content: Value, settings: Settings) -> Result<(Values, Value)> {
    let content: Content = serde_json::from_value(content).context("a version is kept as it was fitted")?;
    let (installation, workspace) = (scoring.beat.installation, scoring.beat.claim.workspace);
    let bought = installation.analytics.bought(workspace, &scoring.context, &scoring.without).await?;
    let (end, currency) = (scoring.end, scoring.context.currency.as_str().to_owned());
    let work = tokio::task::spawn_blocking(move || {
        let run = Run::new(content, bought, end, &settings)?;
        let overview = serde_json::to_value(run.overview(&settings, &currency)).ok()?;
        Some((Values(run), overview))
    });
    job::finished(scoring.beat, work).await?.context("a version that was kept says something")
}

impl score::Everybody for Values {
    fn people(&self) -> usize {
        self.0.people()
    }

    fn some(&self, from: usize, many: usize) -> Vec<Said> {
        self.0.some(from, many).iter().map(said).collect()
    }
}

fn said(it: &Scored) -> Said {
    Said {
        person: it.person,
        score: [it.score.value, it.score.low, it.score.high],
        tenth: it.tenth,
        part: it.part.clone(),
        cohort: it.cohort.clone(),
        detail: serde_json::to_value(&it.score.detail).unwrap_or(Value::Null),
        marks: Vec::new(),
        news: news(it),
    }
}

/// What is to be told of somebody.
fn news(it: &Scored) -> Vec<News> {
    let hundredths = |value: f64| (value * 100.0).round() / 100.0;
    let detail = &it.score.detail;
    let [expected, alive, purchases, tenth] = FACTS.map(str::to_owned);
    let next = detail.next.as_ref().map_or(Value::Null, |it| Value::from(it.expected_at.clone()));
    vec![
        News { key: expected, value: Value::from(hundredths(it.score.value)), when: Moved::ByPart },
        News { key: alive, value: Value::from(hundredths(detail.alive)), when: Moved::Chance },
        News { key: purchases, value: Value::from(hundredths(detail.purchases)), when: Moved::ByPart },
        News { key: tenth, value: Value::from(it.tenth), when: Moved::AtAll },
        News { key: NEXT.to_owned(), value: next, when: Moved::Days },
    ]
}
