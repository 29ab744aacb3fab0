//! Who will be lost: what its fits and runs of scores read, and what they tell.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use rapport_analytics::churn::{self, Before, Content, Definition, Heard, Looks, Rows, Run, Scored, Settings};
use rapport_analytics::scores::Verdict;
use rapport_analytics::scores::measured::Grouping;
use rapport_analytics::value::Bought;
use rapport_domain::{Timestamp, WorkspaceId};
use serde_json::Value;

use super::fit::{Asked, Fitted, Learning};
use super::job;
use super::score::{self, Moved, News, Said, Scoring};
use crate::installation::Installation;
use crate::records::sources;

/// What is told of the risk of a customer.
pub const FACTS: [&str; 2] = ["churn.risk", "churn.level"];

/// What a new source brings within so long is its history.
const HISTORY: i64 = 7 * Timestamp::DAY;
/// At so many earlier versions it is looked, what then happened.
const LOOKED_AT: usize = 2;

/// Until when what each source brings counts as known when it happened: files always do, and the sample shop.
async fn heard(installation: &Installation, workspace: WorkspaceId) -> Result<Heard> {
    let rows = sources::all(&mut installation.store.read(), workspace).await?;
    let until = |row: &sources::SourceRow| match row.kind.as_str() {
        "file" | "sample" => Timestamp(i64::MAX),
        _ => row.created_at.plus(HISTORY),
    };
    Ok(Heard(rows.iter().map(|row| (row.source, until(row))).collect()))
}

pub(super) async fn learn(asked: &Asked<'_>, settings: Settings) -> Result<Result<Learning, Verdict>> {
    let (installation, workspace) = (asked.beat.installation, asked.beat.claim.workspace);
    let bought = installation.analytics.bought(workspace, &asked.context, &asked.restricted).await?;
    let as_of = asked.context.now.min(asked.context.data_until);
    let earlier: Vec<(i64, i64, Content)> = asked
        .earlier
        .iter()
        .filter_map(|row| Some((row.version, row.people, serde_json::from_value(row.content.clone()).ok()?)))
        .collect();
    let found = Definition::of(&bought, asked.end, &settings).and_then(|definition| {
        let passed = passed(asked, &earlier, &definition);
        let days: Vec<i32> = passed.iter().map(|it| it.1.end).collect();
        Ok((definition, definition.looks(&bought, asked.end, &days)?, passed))
    });
    let (definition, looks, passed) = match found {
        Ok(found) => found,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let heard = heard(installation, workspace).await?;
    let rows = read(asked, &heard, &looks, bought.buyers.len()).await?;
    let groupings = installation.analytics.groupings(workspace, &bought, as_of).await?;
    let before = earlier.into_iter().find(|it| Some(it.0) == asked.row.version);
    let before = before.map(|(version, people, content)| Before { version, content, people });
    let task = Task { bought, rows, definition, end: asked.end, before, passed };
    let seed = u64::try_from(asked.version).unwrap_or(0);
    Ok(Ok(Box::new(move |done: &AtomicUsize| task.learn(&groupings, seed, done))))
}

async fn read(asked: &Asked<'_>, heard: &Heard, looks: &Looks, buyers: usize) -> Result<Rows> {
    let (installation, workspace) = (asked.beat.installation, asked.beat.claim.workspace);
    let kept = (buyers, None);
    Ok(installation.analytics.churn_rows(workspace, &asked.context, heard, &asked.restricted, looks, kept).await?)
}

/// The newest of the earlier versions whose time has passed, and of which it is not kept yet what then happened.
fn passed(asked: &Asked<'_>, earlier: &[(i64, i64, Content)], definition: &Definition) -> Vec<(i64, Content)> {
    let is_told = |version: i64| asked.earlier.iter().any(|it| it.version == version && it.came.is_some());
    let alike = |it: &Content| {
        (it.definition.horizon_weeks, it.definition.active_weeks) == (definition.horizon_weeks, definition.active_weeks)
    };
    let fits = earlier.iter().filter(|(version, _, content)| {
        alike(content) && asked.end - content.end >= definition.horizon() && !is_told(*version)
    });
    fits.take(LOOKED_AT).map(|(version, _, content)| (*version, content.clone())).collect()
}

/// What learning needs, on a thread of its own.
struct Task {
    bought: Bought,
    rows: Rows,
    definition: Definition,
    end: i32,
    before: Option<Before>,
    passed: Vec<(i64, Content)>,
}

impl Task {
    fn learn(&self, groupings: &[Grouping], seed: u64, done: &AtomicUsize) -> Result<Fitted, Verdict> {
        let step = |at: usize| done.store(at, Ordering::Relaxed);
        let before = (self.end, self.before.as_ref());
        let learned = churn::learn(&self.bought, &self.rows, self.definition, before, groupings, seed, &step)?;
        let came = self.passed.iter().filter_map(|(version, content)| {
            let came = churn::came(&self.bought, &self.rows, content, self.end)?;
            Some((*version, serde_json::to_value(came).ok()?))
        });
        Ok(Fitted {
            card: learned.card(&self.bought),
            came: came.collect(),
            held: learned.content.against.as_ref().map(|it| it.holds()).unwrap_or_default(),
            people: learned.people,
            content: score::kept(&learned.content)?,
        })
    }
}

/// Everybody scored.
pub(super) struct Risks(Run);

pub(super) async fn run(scoring: &Scoring<'_>, content: Value, settings: Settings) -> Result<(Risks, Value)> {
    let content: Content = serde_json::from_value(content).context("a version is kept as it was fitted")?;
    let (installation, workspace) = (scoring.beat.installation, scoring.beat.claim.workspace);
    let heard = heard(installation, workspace).await?;
    let active = 7 * content.definition.active_weeks;
    let looks = Looks { days: vec![scoring.end], is_present: true, active, most: usize::MAX };
    let kept = content.buying.clone();
    let rows = installation
        .analytics
        .churn_rows(
            workspace,
            &scoring.context,
            &heard,
            &scoring.restricted,
            &looks,
            (0, Some(kept.as_deref().unwrap_or_default())),
        )
        .await?;
    let currency = scoring.context.currency.as_str().to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let run = Run::new(content, rows, &settings)?;
        let overview = serde_json::to_value(run.overview(&settings, &currency)).ok()?;
        Some((Risks(run), overview))
    });
    job::finished(scoring.beat, work).await?.context("a version that was kept says something")
}

impl score::Everybody for Risks {
    fn people(&self) -> usize {
        self.0.people()
    }

    fn some(&self, from: usize, many: usize) -> Vec<Said> {
        self.0.some(from, many).into_iter().map(said).collect()
    }
}

fn said(it: Scored) -> Said {
    let [risk, level] = FACTS;
    let hundredths = (it.risk * 100.0).round() / 100.0;
    let news = vec![
        News { key: risk, value: Value::from(hundredths), when: Moved::Chance },
        News { key: level, value: Value::from(it.detail.level.clone()), when: Moved::AtAll },
    ];
    Said {
        person: it.person,
        score: [it.risk, it.low, it.high],
        tenth: it.tenth,
        part: it.detail.level.clone(),
        cohort: it.cause,
        detail: serde_json::to_value(&it.detail).unwrap_or(Value::Null),
        news,
    }
}
