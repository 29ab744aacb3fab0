//! What came of an experiment: sums from the lake, counts from the product database, words from `rapport-experiments`.
//!
//! Always holds: who is counted was first exposed under the present allocation; before exposure the same is measured, so that noise is taken out (CUPED).
//! People whose time is not over count with what they did so far, alike in all variants; how many they are is said.

use anyhow::Result;
use rapport_analytics::experiment::{Experiment as Question, Exposed, Immature, Measured, Part};
use rapport_analytics::question::{Breakdown, Period};
use rapport_analytics::{Context, Error};
use rapport_domain::shop_events::EXPERIMENT_VIEWED;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_experiments::attribution::incremental;
use rapport_experiments::readout::{self, Counts, Data, Readout, Segment, Sentence, Sums, Verdict};
use rapport_experiments::records::counts;
use rapport_experiments::records::experiments::{self, ExperimentRow};
use rapport_experiments::{Experiment, Kind, State};
use rapport_segments::{Condition, Duration, Instant, Limits};

use super::metrics;
use crate::installation::Installation;

/// How long before exposure the same is measured.
const BEFORE: &str = "28d";

/// What an experiment says, with where it comes from.
#[derive(Clone, Debug)]
pub struct Read {
    /// As it is read out: with all metrics.
    pub experiment: Experiment,
    /// Who was exposed when.
    pub counts: Counts,
    /// What it says.
    pub readout: Readout,
    /// Of those measured, how many have not had all their time.
    pub immature: u64,
    /// Amounts in other currencies, which are in no sum.
    pub foreign: u64,
    /// Since when chances are as they are.
    pub since: Option<Timestamp>,
    /// Up to when there is data.
    pub data_until: Timestamp,
    /// How long the sums took.
    pub computed_ms: u64,
}

/// Why it cannot be read out.
#[derive(Debug)]
pub enum Unread {
    /// The lake's.
    Analytics(Error),
    /// The store's.
    Store(rapport_store::Error),
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self::Analytics(error)
    }
}

impl From<rapport_store::Error> for Unread {
    fn from(error: rapport_store::Error) -> Self {
        Self::Store(error)
    }
}

/// Reads an experiment out, also apart by a trait of people.
///
/// # Errors
/// The store's and the lake's.
pub async fn read(
    installation: &Installation,
    workspace: WorkspaceId,
    row: &ExperimentRow,
    by: Option<&str>,
    context: &Context,
) -> Result<Read, Unread> {
    let mut experiment = row.experiment();
    experiment.design = metrics::completed(&experiment.design, context.currency.as_str());
    let mut db = installation.store.read();
    let counts = Counts::of(&experiment, &counts::of(&mut db, workspace, row.experiment).await?);
    let since = match experiment.state {
        State::Draft => None,
        _ => Some(experiments::allocation_began(&mut db, workspace, row).await?),
    };
    let mut data = Data { counts: counts.clone(), ..Data::default() };
    let (mut immature, mut foreign, mut computed_ms) = (0, 0, 0);
    if let Some(since) = since
        && counts.exposed.iter().any(|units| *units > 0)
    {
        let mut question = question(&experiment, since, by);
        // In a holdout whoever is asked about again is noted anew.
        if counts.earlier > 0 && experiment.design.kind != Kind::Holdout {
            question.who = not_before(&experiment.key, since);
        }
        let exposed = installation.analytics.experiment(workspace, &question, context).await?;
        immature = exposed.all.variants.iter().map(|it| it.immature).sum();
        (foreign, computed_ms) = (exposed.foreign, exposed.computed_ms);
        fill(&mut data, &experiment, &exposed);
    }
    let mut readout = readout::readout(&experiment, &data, context.now);
    if experiment.design.kind == Kind::Holdout && may_be_read(&readout.verdict) {
        let said = brought_in(&experiment, &data, context.currency.as_str());
        readout.sentences.splice(0..0, said);
    }
    let data_until = context.data_until;
    Ok(Read { experiment, counts, readout, immature, foreign, since, data_until, computed_ms })
}

fn may_be_read(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::TooEarly | Verdict::NotYet | Verdict::Untrustworthy)
}

/// What a holdout says first: what would not be there without it.
fn brought_in(experiment: &Experiment, data: &Data, currency: &str) -> Vec<Sentence> {
    let said = |key: &&str| {
        let measured = data.metrics.iter().find(|it| it.metric == **key)?;
        let metric = metrics::usual(key, currency)?;
        Some(incremental(experiment, &data.counts, &metric, measured).sentences)
    };
    ["conversion", "revenue"].iter().filter_map(said).flatten().collect()
}

/// All metrics of a design, in their order, each once.
fn keys(experiment: &Experiment) -> Vec<&str> {
    let design = &experiment.design;
    let guardrails = design.guardrails.iter().map(|it| &it.metric);
    let all = design.primary.iter().chain(guardrails).chain(&design.secondary);
    // Sixteen at once are as many as a question takes.
    all.map(|metric| metric.key.as_str()).filter(|key| metrics::measured(key).is_some()).take(16).collect()
}

fn question(experiment: &Experiment, since: Timestamp, by: Option<&str>) -> Question {
    let measured = keys(experiment).into_iter().filter_map(metrics::measured).collect();
    let variants: Vec<&str> = experiment.design.variants.iter().map(|it| it.key.as_str()).collect();
    let mut question = Question::new(experiment.key.clone(), &variants, measured);
    question.period = Period::Between { from: Some(Instant::At(since)), to: None };
    question.window = Duration::parse(&format!("{}h", experiment.design.conversion_hours)).ok();
    question.before = Duration::parse(BEFORE).ok();
    question.immature = Immature::Count;
    question.breakdown = by.map(|name| Breakdown::Trait(name.to_owned()));
    question
}

/// Whoever was exposed under other chances is left out, also where a site showed it to them again.
fn not_before(key: &str, since: Timestamp) -> Option<Condition> {
    let text =
        format!("never performed \"{EXPERIMENT_VIEWED}\" before {} where experiment = \"{key}\"", since.to_rfc3339());
    Condition::from_text(&text, Limits::DEFAULT).ok()
}

fn fill(data: &mut Data, experiment: &Experiment, exposed: &Exposed) {
    for (at, key) in keys(experiment).into_iter().enumerate() {
        data.metrics.push(readout::Measured { metric: key.to_owned(), sums: sums(&exposed.all, at) });
    }
    if experiment.design.primary.is_none() {
        return;
    }
    // The main metric is the first.
    data.segments =
        exposed.parts.iter().map(|(name, part)| Segment { name: name.clone(), sums: sums(part, 0) }).collect();
}

/// The sums of a metric, by variant.
pub fn sums(part: &Part, at: usize) -> Vec<Sums> {
    part.variants.iter().filter_map(|variant| variant.metrics.get(at)).map(sum).collect()
}

fn sum(measured: &Measured) -> Sums {
    match measured {
        Measured::Share { before: Some(pair), .. } | Measured::Mean { before: Some(pair), .. } => Sums::Adjusted(*pair),
        Measured::Share { moments, before: None } => Sums::Share { successes: whole(moments.sum), n: moments.n },
        Measured::Mean { moments, before: None } => Sums::Mean(*moments),
        Measured::Ratio(pair) => Sums::Ratio(*pair),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of ones")]
fn whole(sum: f64) -> u64 {
    sum.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_exposed_under_other_chances_is_left_out() {
        let condition = not_before("checkout-2.new", Timestamp::from_seconds(1_790_000_000)).expect("a condition");
        condition.validate(rapport_segments::Scope::Person).unwrap();
    }
}
