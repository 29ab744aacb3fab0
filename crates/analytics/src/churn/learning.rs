//! From rows of several moments to a version: a regression and boosting learn from the earlier ones, the last one says which of them is used and how good it is,
//! and that one is learnt anew from all.
//!
//! Always holds: the time after each moment that is learnt from had passed before the moment that is judged; the same rows and seed give the same version; the
//! version before is judged as it was judged itself, by what it had not seen.

use rapport_models::learn::{Both, Classifier, ClassifierOptions, Feature, Judged, Kind, Table, Warning};
use rapport_models::{Estimate, Fault};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Settings;
use super::features::{FEATURES, place};
use super::rows::{Looks, Row, Rows};
use crate::scores::card::{Group, Said};
use crate::scores::judged::Against;
use crate::scores::measured::{Came, Choice, Grouping, Metrics, Tried, grouped, less_one};
use crate::scores::{self, Sure, Verdict};
use crate::value::{Bought, Buyer, date_of};

/// Into how many steps learning is divided.
pub const STEPS: usize = 4;
/// With fewer people the differences between them are not told.
const LEAST_PEOPLE: usize = 100;
/// So many of both kinds it takes among the rows that are learnt from.
const LEAST_OF_BOTH: usize = 50;
/// And so many among those that are judged.
const LEAST_JUDGED: usize = 20;
/// The most moments of the past.
const MOMENTS: i32 = 6;
/// The most rows that are learnt from.
const ROWS: usize = 120_000;
/// The horizon is proposed between these weeks.
const PROPOSED: (i32, i32) = (4, 26);
/// With fewer gaps between purchases none is proposed by them.
const LEAST_GAPS: usize = 20;
/// The bins of risk by which acting is counted.
pub(super) const BINS: usize = 50;

/// What lost means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnDefinition)]
pub struct Definition {
    /// Who buys nothing for so many weeks is lost.
    pub horizon_weeks: i32,
    /// Who has bought nothing for so many weeks is lost already.
    pub active_weeks: i32,
    /// Whether the horizon was proposed by the data.
    pub is_proposed: bool,
}

/// What is to be looked at before a version is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnWarning)]
pub struct Warned {
    /// `gives_away`
    pub code: String,
    /// Which feature.
    pub feature: String,
    /// Its number.
    pub number: f64,
    /// One sentence.
    pub text: String,
}

/// All that a version keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The first day that it has not seen.
    pub end: i32,
    /// What lost means.
    pub definition: Definition,
    /// The features that it uses, by their words.
    pub features: Vec<String>,
    /// What scores.
    pub model: Classifier,
    /// What was judged: the same, without the last moment.
    pub judged: Classifier,
    /// The parameters of the model of buying.
    pub buying: Option<Vec<f64>>,
    /// How much each feature matters: the mean size of what it adds to the log-odds, the largest first.
    pub importance: Vec<(String, f64)>,
    /// Of the people judged, by bins of risk: how many they were, and how many of them were lost.
    pub bins: Vec<(u32, u32)>,
    /// What somebody who stayed spent within the horizon.
    pub worth: f64,
    /// What was tried, and which was best.
    pub choice: Choice,
    /// How good it was on the last moment.
    pub metrics: Metrics,
    /// Beside the version before.
    pub against: Option<Against>,
    /// For whom it does worse.
    pub groups: Vec<Group>,
    /// What is to be looked at.
    pub warnings: Vec<Warned>,
}

/// The version before.
pub type Before = scores::Before<Content>;

/// A version, before anybody decided about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// What it keeps.
    pub content: Content,
    /// How many people it was learnt from.
    pub people: usize,
    /// How many rows they were at all moments.
    pub rows: usize,
    /// How many of those were lost.
    pub lost: usize,
    /// How many moments.
    pub moments: usize,
    /// How many purchases.
    pub purchases: u64,
    /// The first day of them.
    pub from: i32,
    /// How many deeds were heard of on a later day than they happened on.
    pub late: u64,
}

impl Definition {
    /// As staff chose it, or as the data propose it.
    ///
    /// # Errors
    /// There are too few people, or too few gaps between purchases.
    pub fn of(bought: &Bought, end: i32, settings: &Settings) -> Result<Self, Verdict> {
        let people = bought.buyers.len();
        if people < LEAST_PEOPLE {
            let text = format!(
                "Too few customers: {people} have bought, and it takes at least {LEAST_PEOPLE} to tell how people differ."
            );
            return Err(Verdict::too_few("too_few_people", people, LEAST_PEOPLE, text));
        }
        let chosen = settings.horizon_weeks.and_then(|it| i32::try_from(it).ok());
        let horizon_weeks = match chosen {
            Some(weeks) => weeks,
            None => proposed(bought, end)?,
        };
        let active = settings.active_weeks.and_then(|it| i32::try_from(it).ok());
        Ok(Self { horizon_weeks, active_weeks: active.unwrap_or(2 * horizon_weeks), is_proposed: chosen.is_none() })
    }

    /// The horizon in days.
    pub fn horizon(&self) -> i32 {
        7 * self.horizon_weeks
    }

    /// The days that are learnt from, a horizon apart, the last of them the present; `more` are looked at as well.
    ///
    /// # Errors
    /// There is too little time.
    pub fn looks(&self, bought: &Bought, end: i32, more: &[i32]) -> Result<Looks, Verdict> {
        let horizon = self.horizon();
        let first = first_day(bought, end);
        // Before a moment there is a horizon of which it knows.
        let moments = (1..=MOMENTS).rev().map(|it| end - it * horizon).filter(|it| *it >= first + horizon);
        let mut days: Vec<i32> = moments.collect();
        if days.len() < 2 {
            let (have, need) = ((end - first) / 7, 3 * self.horizon_weeks);
            let text = format!(
                "Too little time: purchases of {have} weeks are known, and with a horizon of {} weeks it takes at least {need}.",
                self.horizon_weeks
            );
            let count = |it: i32| usize::try_from(it).unwrap_or(0);
            return Err(Verdict::too_few("too_little_time", count(have), count(need), text));
        }
        days.extend(more.iter().filter(|it| **it < end));
        days.push(end);
        days.sort_unstable();
        days.dedup();
        Ok(Looks { days, is_present: true, active: 7 * self.active_weeks, most: ROWS })
    }
}

fn first_day(bought: &Bought, end: i32) -> i32 {
    bought.buyers.iter().filter_map(|it| it.days.first()).map(|it| it.day).min().unwrap_or(end)
}

/// The weeks within which nine of ten purchases follow the one before, as far as there is time for three of them.
fn proposed(bought: &Bought, end: i32) -> Result<i32, Verdict> {
    let mut gaps: Vec<i32> = Vec::new();
    for buyer in &bought.buyers {
        let days = &buyer.days[..buyer.days.partition_point(|it| it.day < end)];
        gaps.extend(days.windows(2).map(|pair| pair[1].day - pair[0].day));
    }
    if gaps.len() < LEAST_GAPS {
        let text = format!(
            "Too few customers bought again to propose when somebody is lost: {} times, where it takes at least {LEAST_GAPS}. Say a horizon in the settings.",
            gaps.len()
        );
        return Err(Verdict::too_few("no_horizon", gaps.len(), LEAST_GAPS, text));
    }
    gaps.sort_unstable();
    let usual = (gaps[gaps.len() * 9 / 10] + 6) / 7;
    let time = (end - first_day(bought, end)) / 7 / 4;
    Ok(usual.clamp(PROPOSED.0, PROPOSED.1).min(time.max(PROPOSED.0)))
}

/// The rows of some days with what became of them.
struct Part<'a> {
    rows: Vec<&'a Row>,
    labels: Vec<bool>,
    /// The place of each in the list of buyers.
    places: Vec<Option<usize>>,
    spent: Vec<f64>,
}

impl<'a> Part<'a> {
    fn of(rows: &'a Rows, bought: &Bought, horizon: i32, is_in: impl Fn(i32) -> bool) -> Self {
        let mut part = Self { rows: Vec::new(), labels: Vec::new(), places: Vec::new(), spent: Vec::new() };
        for row in rows.rows.iter().filter(|it| is_in(rows.days[it.look])) {
            let day = rows.days[row.look];
            let place = bought.buyers.binary_search_by_key(&row.person, |it| it.person).ok();
            let buyer: Option<&Buyer> = place.map(|it| &bought.buyers[it]);
            let (again, spent) = buyer.map_or((0, 0.0), |it| it.later(day, day + horizon));
            part.rows.push(row);
            part.labels.push(again == 0);
            part.places.push(place);
            part.spent.push(spent);
        }
        part
    }

    fn groups(&self) -> Vec<u64> {
        self.rows.iter().map(|it| it.person.0.unsigned_abs()).collect()
    }

    fn lost(&self) -> usize {
        self.labels.iter().filter(|it| **it).count()
    }
}

/// A table of these features.
pub(super) fn table<'a>(rows: impl Iterator<Item = &'a Row> + Clone, features: &[usize]) -> Result<Table, Fault> {
    let column = |at: usize| rows.clone().map(|it| it.known.values[at]).collect();
    Table::new(features.iter().map(|at| Feature::numbers(FEATURES[*at].0, column(*at))).collect())
}

/// The places of features by their words; `None` where one is not known any more.
pub(super) fn places(features: &[String]) -> Option<Vec<usize>> {
    features.iter().map(|it| place(it)).collect()
}

/// Learns who is lost. `rows` are those of [`Definition::looks`]; `step` is told how many of [`STEPS`] are done.
///
/// # Errors
/// The data do not carry a model: the sentence that says why.
pub fn learn(
    bought: &Bought,
    rows: &Rows,
    definition: Definition,
    (end, before): (i32, Option<&Before>),
    groupings: &[Grouping],
    seed: u64,
    step: &dyn Fn(usize),
) -> Result<Learned, Verdict> {
    let horizon = definition.horizon();
    let looks = definition.looks(bought, end, &[])?;
    // The present is not learnt from: nobody knows yet.
    let moments = &looks.days[..looks.days.len() - 1];
    let last = moments[moments.len() - 1];
    let earlier = Part::of(rows, bought, horizon, |day| day < last && moments.contains(&day));
    let judged = Part::of(rows, bought, horizon, |day| day == last);
    enough(&earlier, &judged)?;
    step(1);
    let fault = |fault: Fault| refusal(&fault);
    let features: Vec<usize> = {
        let all: Vec<usize> = (0..FEATURES.len()).collect();
        let whole = table(earlier.rows.iter().copied(), &all).map_err(fault)?;
        // What is the same for all, or unknown of all, says nothing.
        all.into_iter().filter(|at| !whole.features()[*at].is_constant()).collect()
    };
    let mut options = ClassifierOptions { least_positives: LEAST_OF_BOTH, ..ClassifierOptions::default() };
    options.boosting.seed = seed;
    let fit = |part: &Part| {
        Classifier::both(&table(part.rows.iter().copied(), &features)?, &part.labels, Some(&part.groups()), &options)
    };
    let first = fit(&earlier).map_err(fault)?;
    step(2);
    let judging = table(judged.rows.iter().copied(), &features).map_err(fault)?;
    let (kind, choice, said) = chosen(&first, &judging, &judged.labels).map_err(fault)?;
    let metrics = measured(&said, &judged.labels, (last, last + horizon)).map_err(fault)?;
    if metrics.auc.is_none_or(|it| it.low <= 0.5) {
        let text = "What is known of customers tells no better than chance who will be lost.".to_owned();
        return Err(Verdict { code: "tells_nothing".to_owned(), have: 0, need: 0, text });
    }
    let all = Part::of(rows, bought, horizon, |day| moments.contains(&day));
    let second = fit(&all).map_err(fault)?;
    step(3);
    let pick = |it: Both| if kind == Kind::Boosting { it.boosting } else { it.regression };
    let warnings = warned(&first.report.warnings);
    let (model, judged_model) = (pick(second), pick(first));
    let people: std::collections::BTreeSet<u64> = all.groups().into_iter().collect();
    let against = before.and_then(|it| compare(it, &definition, &judged, &said, people.len()));
    let came: Vec<f64> = judged.labels.iter().map(|it| f64::from(u8::from(*it))).collect();
    let whose: Vec<usize> = judged.places.iter().map(|it| it.unwrap_or(usize::MAX)).collect();
    let importance = model.sizes(&table(all.rows.iter().copied(), &features).map_err(fault)?).map_err(fault)?;
    let content = Content {
        end,
        definition,
        features: features.iter().map(|at| FEATURES[*at].0.to_owned()).collect(),
        model,
        judged: judged_model,
        buying: rows.days.iter().position(|it| *it == end).and_then(|it| rows.buying.get(it).cloned().flatten()),
        importance,
        bins: bins(&said, &judged.labels),
        worth: worth(&judged),
        choice,
        metrics,
        against,
        groups: grouped(&said, &came, &whose, groupings),
        warnings,
    };
    step(STEPS);
    Ok(Learned {
        content,
        people: people.len(),
        rows: all.rows.len(),
        lost: all.lost(),
        moments: moments.len(),
        purchases: bought.buyers.iter().map(|it| it.days.len() as u64).sum(),
        from: first_day(bought, end),
        late: rows.late,
    })
}

/// Whether there are enough of both kinds.
fn enough(earlier: &Part, judged: &Part) -> Result<(), Verdict> {
    for (part, need, when) in [(earlier, LEAST_OF_BOTH, "to learn from"), (judged, LEAST_JUDGED, "to be judged by")] {
        let (lost, all) = (part.lost(), part.rows.len());
        for (code, have, what) in [("too_few_lost", lost, "were lost"), ("too_few_stayed", all - lost, "stayed")] {
            if have < need {
                let text = format!("Too few customers {what}: {have} are known {when}, and it takes at least {need}.");
                return Err(Verdict::too_few(code, have, need, text));
            }
        }
    }
    Ok(())
}

fn refusal(fault: &Fault) -> Verdict {
    match fault {
        Fault::TooFew { what: "positives", have, need } => {
            Verdict::too_few("too_few_lost", *have, *need, fault.to_string())
        }
        Fault::TooFew { what: "negatives", have, need } => {
            Verdict::too_few("too_few_stayed", *have, *need, fault.to_string())
        }
        _ => Verdict::of(fault),
    }
}

fn log_score(said: f64, label: bool) -> f64 {
    /// What a probability of zero counts as.
    const LEAST: f64 = 1e-12;
    (if label { said } else { 1.0 - said }).max(LEAST).ln()
}

/// Which of both the last moment speaks for: the simpler, unless the other is better by more than one standard error.
fn chosen(both: &Both, judging: &Table, labels: &[bool]) -> Result<(Kind, Choice, Vec<f64>), Fault> {
    let (simple, strong) = (both.regression.predict(judging)?, both.boosting.predict(judging)?);
    let gains: Vec<f64> =
        (0..labels.len()).map(|at| log_score(strong[at], labels[at]) - log_score(simple[at], labels[at])).collect();
    let gain = Estimate::mean(&gains);
    let kind = if gain.value > gain.standard_error.unwrap_or(0.0) { Kind::Boosting } else { Kind::Regression };
    let tried = vec![
        tried("regression", "Logistic regression", &simple, labels),
        tried("boosting", "Boosted trees", &strong, labels),
    ];
    let best = if kind == Kind::Boosting { "boosting" } else { "regression" };
    let said = if kind == Kind::Boosting { strong } else { simple };
    Ok((kind, Choice { tried, best: best.to_owned() }, said))
}

fn tried(kind: &str, name: &str, said: &[f64], labels: &[bool]) -> Tried {
    let n = labels.len().max(1) as f64;
    let pairs = || said.iter().zip(labels).map(|(p, label)| (*p, f64::from(u8::from(*label))));
    let came: f64 = pairs().map(|it| it.1).sum();
    Tried {
        kind: kind.to_owned(),
        name: name.to_owned(),
        fault: None,
        log_score: Some(said.iter().zip(labels).map(|(p, label)| log_score(*p, *label)).sum::<f64>() / n),
        mean_absolute: Some(pairs().map(|(p, y)| (p - y).abs()).sum::<f64>() / n),
        root_mean_square: Some((pairs().map(|(p, y)| (p - y).powi(2)).sum::<f64>() / n).sqrt()),
        bias: (came > 0.0).then(|| said.iter().sum::<f64>() / came - 1.0),
        correlation: None,
    }
}

fn measured(said: &[f64], labels: &[bool], (from, until): (i32, i32)) -> Result<Metrics, Fault> {
    let found = Judged::new(said, labels)?.metrics();
    let came: Vec<f64> = labels.iter().map(|it| f64::from(u8::from(*it))).collect();
    let off: Vec<f64> = said.iter().zip(&came).map(|(a, b)| (a - b).abs()).collect();
    let scores: Vec<f64> = said.iter().zip(labels).map(|(p, label)| log_score(*p, *label)).collect();
    let ratio = Sure::ratio(said, &came).unwrap_or(Sure { value: 1.0, low: 1.0, high: 1.0 });
    let bins = found.reliability.iter().map(|it| Said {
        people: it.rows as u64,
        said: it.said,
        came: Sure { value: it.came, low: it.interval.low, high: it.interval.high },
    });
    Ok(Metrics {
        from,
        until,
        people: labels.len() as u64,
        said: said.iter().sum(),
        came: came.iter().sum(),
        bias: less_one(ratio),
        mean_absolute: Sure::mean(&off),
        log_score: Sure::mean(&scores),
        spend_bias: None,
        top_tenth: None,
        top_tenth_best: None,
        auc: Some(found.auc.into()),
        calibration_error: Some(found.calibration_error),
        calibration: bins.collect(),
    })
}

/// Both as they were judged, on the same people and time. `None` where lost meant something else, or what was kept cannot be read any more.
fn compare(before: &Before, definition: &Definition, judged: &Part, said: &[f64], people: usize) -> Option<Against> {
    let old = &before.content;
    let (now, then) = (definition, &old.definition);
    if (now.horizon_weeks, now.active_weeks) != (then.horizon_weeks, then.active_weeks) {
        return None;
    }
    let foretold = old.judged.predict(&table(judged.rows.iter().copied(), &places(&old.features)?).ok()?).ok()?;
    let labels = &judged.labels;
    let differences: Vec<f64> =
        (0..labels.len()).map(|at| log_score(said[at], labels[at]) - log_score(foretold[at], labels[at])).collect();
    let (new, other) = (tried("", "", said, labels), tried("", "", &foretold, labels));
    Some(Against {
        version: before.version,
        difference: Sure::mean(&differences),
        error_before: other.mean_absolute.unwrap_or(0.0),
        error: new.mean_absolute.unwrap_or(0.0),
        bias_before: other.bias.unwrap_or(0.0),
        bias: new.bias.unwrap_or(0.0),
        people_before: before.people,
        people: i64::try_from(people).unwrap_or(i64::MAX),
    })
}

fn warned(warnings: &[Warning]) -> Vec<Warned> {
    let told = warnings.iter().filter_map(|it| match it {
        Warning::GivesAway { feature, auc } => Some(Warned {
            code: "gives_away".to_owned(),
            feature: feature.clone(),
            number: *auc,
            text: format!(
                "{} alone all but tells who is lost (AUC {auc:.3}): was it known beforehand?",
                place(feature).map_or(feature.as_str(), |at| FEATURES[at].1)
            ),
        }),
        _ => None,
    });
    told.collect()
}

fn bins(said: &[f64], labels: &[bool]) -> Vec<(u32, u32)> {
    let mut bins = vec![(0, 0); BINS];
    for (p, label) in said.iter().zip(labels) {
        let bin = &mut bins[((p * BINS as f64) as usize).min(BINS - 1)];
        *bin = (bin.0 + 1, bin.1 + u32::from(*label));
    }
    bins
}

/// What those who stayed spent on average.
fn worth(judged: &Part) -> f64 {
    let stayed: Vec<f64> =
        judged.spent.iter().zip(&judged.labels).filter(|it| !*it.1).map(|(spent, _)| *spent).collect();
    Sure::mean(&stayed).value
}

/// What became of those whom a version spoke of when it was fitted. `None` before its horizon has passed, and where nobody was lost or can be looked at.
pub fn came(bought: &Bought, rows: &Rows, content: &Content, end: i32) -> Option<Came> {
    let horizon = content.definition.horizon();
    if end - content.end < horizon {
        return None;
    }
    let part = Part::of(rows, bought, horizon, |day| day == content.end);
    let said = content.model.predict(&table(part.rows.iter().copied(), &places(&content.features)?).ok()?).ok()?;
    let came: Vec<f64> = part.labels.iter().map(|it| f64::from(u8::from(*it))).collect();
    let off: Vec<f64> = said.iter().zip(&came).map(|(a, b)| (a - b).abs()).collect();
    Some(Came {
        until: date_of(content.end + horizon - 1),
        weeks: f64::from(content.definition.horizon_weeks),
        said: said.iter().sum(),
        came: came.iter().sum(),
        bias: less_one(Sure::ratio(&said, &came)?),
        mean_absolute: Sure::mean(&off),
    })
}
