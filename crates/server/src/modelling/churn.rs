//! Who will be lost: what its fits and runs of scores read, and what they tell.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use rapport_analytics::Context;
use rapport_analytics::churn::{
    self, Before, Content, Contract, Definition, Happenings, Heard, Rows, Run, Scored, Settings, Subscriptions,
};
use rapport_analytics::foretelling::{Own, Wanted};
use rapport_analytics::scores::Verdict;
use rapport_analytics::scores::measured::Grouping;
use rapport_analytics::value::Bought;
use rapport_domain::{PersonId, WorkspaceId};
use rapport_profiles::records::persons::{self, Filter};
use serde_json::Value;

use super::fit::{Asked, Fitted, Learning};
use super::foretelling::{Earlier, fitted, heard};
use super::job;
use super::score::{self, Moved, News, Said, Scoring};
use super::written::written;
use crate::installation::Installation;

/// What is told of the risk of a customer.
pub const FACTS: [&str; 2] = ["churn.risk", "churn.level"];

/// The subscriptions, where a loss is the end of one.
async fn subscriptions(
    installation: &Installation,
    workspace: WorkspaceId,
    context: &Context,
    contract: Option<&Contract>,
    known: (&Heard, &BTreeSet<PersonId>),
) -> Result<Option<Arc<Subscriptions>>> {
    let Some(contract) = contract else { return Ok(None) };
    Ok(Some(Arc::new(installation.analytics.subscriptions(workspace, context, contract, known).await?)))
}

/// What is looked for of whoever has a subscription, who need not have done anything else.
fn signs(contract: Option<&Contract>) -> Option<Own> {
    contract.map(|it| Own::Signs { names: it.names() })
}

pub(super) async fn learn(asked: &Asked<'_>, settings: Settings) -> Result<Result<Learning, Verdict>> {
    let (installation, workspace) = (asked.beat.installation, asked.beat.claim.workspace);
    let bought = installation.analytics.bought(workspace, &asked.context, &asked.without).await?;
    let as_of = asked.context.now.min(asked.context.data_until);
    let heard = heard(installation, workspace).await?;
    let contract = settings.contract.as_ref();
    let known = (&heard, &asked.without);
    let subscriptions = subscriptions(installation, workspace, &asked.context, contract, known).await?;
    let earlier = Earlier::of(asked);
    let defined = match contract.zip(subscriptions.as_deref()) {
        Some((contract, subscriptions)) => Definition::by_contract(contract, subscriptions, &settings),
        None => Definition::of(&bought, asked.end, &settings),
    };
    let found = defined.and_then(|definition| {
        let passed = earlier.passed(asked, &definition);
        let days = earlier.days(asked, &passed);
        let looks = definition.looks((&bought, subscriptions.as_deref()), asked.end, &days)?;
        Ok((definition, looks, passed))
    });
    let (definition, looks, passed) = match found {
        Ok(found) => found,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let people = match contract {
        None => bought.buyers.len(),
        Some(_) => {
            let all = persons::count(&mut installation.store.read(), workspace, &Filter::default()).await?;
            usize::try_from(all).unwrap_or(0)
        }
    };
    let own = signs(contract);
    let wanted =
        Wanted { heard: &heard, own: own.as_ref(), without: &asked.without, looks: &looks, people, kept: None };
    let from = looks.days.first().copied().unwrap_or(asked.end) - definition.window();
    let written = written(installation, workspace, (from, asked.end), &asked.context.calendar).await?;
    let mut happenings = Happenings::new(&definition, &looks, written).of_subscribers(subscriptions.clone());
    let mut rows = installation
        .analytics
        .known_rows(workspace, &asked.context, &wanted, |person, deeds| happenings.add(person, deeds))
        .await?;
    if let Some(subscriptions) = &subscriptions {
        subscriptions.keep(&mut rows, &looks);
    }
    let groupings = installation.analytics.groupings(workspace, &bought, as_of).await?;
    let before = earlier.live(asked);
    let task = Task { bought, rows, happenings, subscriptions, definition, end: asked.end, before, passed };
    let seed = u64::try_from(asked.version).unwrap_or(0);
    Ok(Ok(Box::new(move |done: &AtomicUsize| task.learn(&groupings, seed, done))))
}

/// What learning needs, on a thread of its own.
struct Task {
    bought: Bought,
    rows: Rows,
    happenings: Happenings,
    subscriptions: Option<Arc<Subscriptions>>,
    definition: Definition,
    end: i32,
    before: Option<Before>,
    passed: Vec<(i64, Content)>,
}

impl Task {
    fn learn(&self, groupings: &[Grouping], seed: u64, done: &AtomicUsize) -> Result<Fitted, Verdict> {
        let step = |at: usize| done.store(at, Ordering::Relaxed);
        let known = (&self.bought, &self.rows, &self.happenings);
        let before = (self.end, self.before.as_ref());
        let learned = churn::learn(known, self.definition.clone(), before, groupings, seed, &step)?;
        let card = learned.card(&self.bought);
        let known = (&self.bought, &self.rows, self.subscriptions.as_deref());
        fitted(&learned, card, &self.passed, |content| churn::came(known, content, self.end))
    }
}

/// Everybody scored.
pub(super) struct Risks(Run);

pub(super) async fn run(scoring: &Scoring<'_>, content: Value, settings: Settings) -> Result<(Risks, Value)> {
    let content: Content = serde_json::from_value(content).context("a version is kept as it was fitted")?;
    let (installation, workspace) = (scoring.beat.installation, scoring.beat.claim.workspace);
    let heard = heard(installation, workspace).await?;
    let contract = content.definition.contract.as_ref();
    let known = (&heard, &scoring.without);
    let subscriptions = subscriptions(installation, workspace, &scoring.context, contract, known).await?;
    let looks = content.definition.now(scoring.end, usize::MAX);
    let buying = content.buying.clone().unwrap_or_default();
    let own = signs(contract);
    let wanted = Wanted {
        heard: &heard,
        own: own.as_ref(),
        without: &scoring.without,
        looks: &looks,
        people: 0,
        kept: Some(&buying),
    };
    let days = (scoring.end - content.definition.window(), scoring.end);
    let written = written(installation, workspace, days, &scoring.context.calendar).await?;
    let mut happenings = Happenings::new(&content.definition, &looks, written).of_subscribers(subscriptions.clone());
    let mut rows = installation
        .analytics
        .known_rows(workspace, &scoring.context, &wanted, |person, deeds| happenings.add(person, deeds))
        .await?;
    if let Some(subscriptions) = &subscriptions {
        subscriptions.keep(&mut rows, &looks);
    }
    let bought = installation.analytics.bought(workspace, &scoring.context, &scoring.without).await?;
    let currency = scoring.context.currency.as_str().to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let run = Run::new(content, rows, (&happenings, &bought), &settings)?;
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
    let [risk, level] = FACTS.map(str::to_owned);
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
        marks: it.marks,
        news,
    }
}
