//! Who will do something: what its fits and runs of scores read, and what they tell.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use rapport_analytics::Context;
use rapport_analytics::foretelling::{Looks, Rows, Wanted};
use rapport_analytics::propensity::{self, Before, Content, Definition, Label, Run, Scored, Settings, Spans, Truth};
use rapport_analytics::scores::Verdict;
use rapport_analytics::scores::measured::Grouping;
use rapport_analytics::value::Bought;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_profiles::records::persons::{self, Filter};
use rapport_segments::Condition;
use rapport_segments::live::Turn;
use rapport_segments::records::segments;
use serde_json::Value;

use super::fit::{Asked, Fitted, Learning};
use super::foretelling::{Earlier, fitted, heard};
use super::job;
use super::score::{self, Moved, News, Said, Scoring};
use crate::installation::Installation;

/// From when until when a condition holds, as it turns to hold and not to hold; in the order of time.
fn held(turns: &[Turn]) -> Vec<(Timestamp, Option<Timestamp>)> {
    let mut found: Vec<(Timestamp, Option<Timestamp>)> = Vec::new();
    for turn in turns {
        match found.last_mut() {
            Some((_, until @ None)) if !turn.entered => *until = Some(turn.at),
            _ if turn.entered => found.push((turn.at, None)),
            _ => {}
        }
    }
    found
}

/// When a condition held of whom.
async fn spans(
    installation: &Installation,
    workspace: WorkspaceId,
    condition: &Condition,
    context: &Context,
) -> Result<Spans> {
    let known = segments::conditions(&segments::all(&mut installation.store.read(), workspace).await?);
    let live = &installation.memberships;
    let times = live.turns_of_all(workspace, (&known, condition), &context.calendar, held).await?;
    Ok(propensity::spans(times, &context.calendar))
}

/// When conditions held of whom, as far as what is foretold asks for it.
async fn truth(
    installation: &Installation,
    workspace: WorkspaceId,
    definition: &Definition,
    context: &Context,
) -> Result<Truth> {
    let mut truth = Truth::default();
    if let Label::Condition { condition } = &definition.label {
        truth.fulfils = spans(installation, workspace, condition, context).await?;
    }
    if let Some(audience) = &definition.audience {
        truth.audience = Some(spans(installation, workspace, audience, context).await?);
    }
    Ok(truth)
}

pub(super) async fn learn(asked: &Asked<'_>, settings: &Settings) -> Result<Result<Learning, Verdict>> {
    let (installation, workspace) = (asked.beat.installation, asked.beat.claim.workspace);
    let (analytics, context) = (&installation.analytics, &asked.context);
    let definition = Definition::of(settings);
    let earlier = Earlier::of(asked);
    let passed = earlier.passed(asked, &definition);
    let days = earlier.days(asked, &passed);
    let first = analytics.first_known_day(workspace, context).await?;
    let looks = match propensity::looks(&definition, first, asked.end, &days) {
        Ok(looks) => looks,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let bought = analytics.bought(workspace, context, &asked.without).await?;
    let mut truth = truth(installation, workspace, &definition, context).await?;
    let (heard, own) =
        (heard(installation, workspace).await?, analytics.own(workspace, context, &definition.label).await?);
    let people = persons::count(&mut installation.store.read(), workspace, &Filter::default()).await?;
    let wanted = Wanted {
        heard: &heard,
        own: own.as_ref(),
        without: &asked.without,
        looks: &looks,
        people: usize::try_from(people).unwrap_or(0),
        kept: None,
    };
    let rows = analytics.known_rows(workspace, context, &wanted, |person, deeds| truth.add(person, deeds)).await?;
    let groupings = analytics.groupings(workspace, &bought, context.now.min(context.data_until)).await?;
    let before = earlier.live(asked);
    let task = Task { bought, rows, truth, definition, first, end: asked.end, before, passed };
    let seed = u64::try_from(asked.version).unwrap_or(0);
    Ok(Ok(Box::new(move |done: &AtomicUsize| task.learn(&groupings, seed, done))))
}

/// What learning needs, on a thread of its own.
struct Task {
    bought: Bought,
    rows: Rows,
    truth: Truth,
    definition: Definition,
    first: i32,
    end: i32,
    before: Option<Before>,
    passed: Vec<(i64, Content)>,
}

impl Task {
    fn learn(&self, groupings: &[Grouping], seed: u64, done: &AtomicUsize) -> Result<Fitted, Verdict> {
        let step = |at: usize| done.store(at, Ordering::Relaxed);
        let known = (&self.bought, &self.rows, &self.truth);
        let days = (self.first, self.end, self.before.as_ref());
        let learned = propensity::learn(known, self.definition.clone(), days, groupings, seed, &step)?;
        let card = learned.card(&self.bought);
        fitted(&learned, card, &self.passed, |content| propensity::came(known, content, self.end))
    }
}

/// Everybody scored, and the fact that is told of it.
pub(super) struct Likely(Run, String);

pub(super) async fn run(scoring: &Scoring<'_>, content: Value, fact: &str) -> Result<(Likely, Value)> {
    let content: Content = serde_json::from_value(content).context("a version is kept as it was fitted")?;
    let (installation, workspace) = (scoring.beat.installation, scoring.beat.claim.workspace);
    let (analytics, definition) = (&installation.analytics, &content.definition);
    let truth = truth(installation, workspace, definition, &scoring.context).await?;
    let heard = heard(installation, workspace).await?;
    let own = analytics.own(workspace, &scoring.context, &definition.label).await?;
    let looks = Looks {
        days: vec![scoring.end],
        is_present: true,
        active: definition.active_days(),
        anybody: true,
        most: usize::MAX,
    };
    let buying = content.buying.clone().unwrap_or_default();
    let wanted = Wanted {
        heard: &heard,
        own: own.as_ref(),
        without: &scoring.without,
        looks: &looks,
        people: 0,
        kept: Some(&buying),
    };
    let rows = analytics.known_rows(workspace, &scoring.context, &wanted, |_, _| ()).await?;
    let (currency, fact) = (scoring.context.currency.as_str().to_owned(), fact.to_owned());
    let work = tokio::task::spawn_blocking(move || {
        let run = Run::new(content, rows, &truth)?;
        let overview = serde_json::to_value(run.overview(&currency)).ok()?;
        Some((Likely(run, fact), overview))
    });
    job::finished(scoring.beat, work).await?.context("a version that was kept says something")
}

impl score::Everybody for Likely {
    fn people(&self) -> usize {
        self.0.people()
    }

    fn some(&self, from: usize, many: usize) -> Vec<Said> {
        self.0.some(from, many).into_iter().map(|it| said(it, &self.1)).collect()
    }
}

fn said(it: Scored, fact: &str) -> Said {
    let hundredths = (it.chance * 100.0).round() / 100.0;
    Said {
        person: it.person,
        score: [it.chance, it.low, it.high],
        tenth: it.tenth,
        part: it.detail.level.clone(),
        cohort: it.cause,
        detail: serde_json::to_value(&it.detail).unwrap_or(Value::Null),
        marks: Vec::new(),
        news: vec![News { key: fact.to_owned(), value: Value::from(hundredths), when: Moved::Chance }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_become_spans() {
        let turn = |at: i64, entered: bool| Turn { condition: 0, at: Timestamp(at), entered };
        assert_eq!(held(&[]), []);
        let found = held(&[turn(1, true), turn(5, false), turn(5, true)]);
        assert_eq!(found, [(Timestamp(1), Some(Timestamp(5))), (Timestamp(5), None)]);
    }
}
