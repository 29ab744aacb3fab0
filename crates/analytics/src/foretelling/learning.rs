//! From rows of several moments to a version: a regression and boosting learn from the earlier ones, the last one says which of them is used and how good it is,
//! and that one is learnt anew from all.
//!
//! Always holds: the time after each moment that is learnt from had passed before the moment that is judged; the same rows and seed give the same version; the
//! version before is judged as it was judged itself, by what it had not seen.

use rapport_models::learn::{Both, Classifier, ClassifierOptions, Feature, Judged, Kind, Still, Table, Warning, still};
use rapport_models::{Estimate, Fault};

use super::content::{Before, Content, Learned, Warned};
use super::drift::{Drift, moved};
use super::features::{FEATURES, place};
use super::rows::{Row, Rows};
use super::{BINS, Foretold, Words};
use crate::scores::card::Said;
use crate::scores::judged::Against;
use crate::scores::measured::{Came, Choice, Grouping, Metrics, Tried, grouped, less_one};
use crate::scores::{Sure, Verdict};
use crate::value::{Bought, Buyer, WEEK, date_of};

/// Into how many steps learning is divided.
pub const STEPS: usize = 4;
/// With fewer people the differences between them are not told.
pub(crate) const LEAST_PEOPLE: usize = 100;
/// So many of both kinds it takes among the rows that are learnt from.
const LEAST_OF_BOTH: usize = 50;
/// And so many among those that are judged.
const LEAST_JUDGED: usize = 20;
/// The most moments of the past.
const MOMENTS: i32 = 6;

/// The days that are learnt from, a horizon of so many weeks apart, ascending; before each there is a horizon of which it knows. The last one judges.
///
/// # Errors
/// There is too little time since the first day.
pub fn moments(first: i32, end: i32, weeks: i32) -> Result<Vec<i32>, Verdict> {
    let horizon = 7 * weeks;
    let days: Vec<i32> = (1..=MOMENTS).rev().map(|it| end - it * horizon).filter(|it| *it >= first + horizon).collect();
    if days.len() >= 2 {
        return Ok(days);
    }
    let (have, need) = ((end - first) / 7, 3 * weeks);
    let text = format!(
        "Too little time: what happened in {have} weeks is known, and with a horizon of {weeks} weeks it takes at least {need}."
    );
    let count = |it: i32| usize::try_from(it).unwrap_or(0);
    Err(Verdict::too_few("too_little_time", count(have), count(need), text))
}

/// What is learnt from.
pub struct Asked<'a, D> {
    /// What everybody bought.
    pub bought: &'a Bought,
    /// What was known of people at the moments, and at the present.
    pub rows: &'a Rows,
    /// What is foretold.
    pub definition: D,
    /// The first day that is not known: the present, of which nobody knows yet what follows.
    pub end: i32,
    /// The moments that are learnt from.
    pub moments: &'a [i32],
    /// Whether it came true of a row within the horizon from a day on; `None` of whom it was not asked.
    pub outcome: &'a dyn Fn(&Row, i32) -> Option<bool>,
    /// The version before.
    pub before: Option<&'a Before<D>>,
    /// By what it is looked for whom it does worse.
    pub groupings: &'a [Grouping],
    /// Of all that is drawn by chance.
    pub seed: u64,
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
    fn of<D: Foretold>(asked: &Asked<'a, D>, is_in: impl Fn(i32) -> bool) -> Self {
        Self::over((asked.rows, asked.bought), asked.definition.horizon(), asked.outcome, is_in)
    }

    fn over(
        (rows, bought): (&'a Rows, &Bought),
        horizon: i32,
        outcome: &dyn Fn(&Row, i32) -> Option<bool>,
        is_in: impl Fn(i32) -> bool,
    ) -> Self {
        let mut part = Self { rows: Vec::new(), labels: Vec::new(), places: Vec::new(), spent: Vec::new() };
        for row in rows.rows.iter().filter(|it| is_in(rows.days[it.look])) {
            let day = rows.days[row.look];
            let Some(label) = outcome(row, day) else { continue };
            let place = bought.buyers.binary_search_by_key(&row.person, |it| it.person).ok();
            let buyer: Option<&Buyer> = place.map(|it| &bought.buyers[it]);
            part.rows.push(row);
            part.labels.push(label);
            part.places.push(place);
            part.spent.push(buyer.map_or(0.0, |it| it.later(day, day + horizon).1));
        }
        part
    }

    fn groups(&self) -> Vec<u64> {
        self.rows.iter().map(|it| it.person.0.unsigned_abs()).collect()
    }

    fn came(&self) -> usize {
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

/// Learns what is foretold. `step` is told how many of [`STEPS`] are done.
///
/// # Errors
/// The data do not carry a model: the sentence that says why.
pub fn learn<D: Foretold>(asked: &Asked<'_, D>, step: &dyn Fn(usize)) -> Result<Learned<D>, Verdict> {
    let (end, moments, bought) = (asked.end, asked.moments, asked.bought);
    let (horizon, last) = (asked.definition.horizon(), moments.last().copied().unwrap_or(end));
    let earlier = Part::of(asked, |day| day < last && moments.contains(&day));
    let judged = Part::of(asked, |day| day == last);
    enough(&earlier, &judged, &D::WORDS)?;
    step(1);
    let fault = |fault: Fault| refusal(&fault, &D::WORDS);
    let features: Vec<usize> = {
        let all: Vec<usize> = (0..FEATURES.len()).collect();
        let whole = table(earlier.rows.iter().copied(), &all).map_err(fault)?;
        // What is the same for all, or unknown of all, says nothing.
        all.into_iter().filter(|at| !whole.features()[*at].is_constant()).collect()
    };
    let mut options = ClassifierOptions { least_positives: LEAST_OF_BOTH, ..ClassifierOptions::default() };
    options.boosting.seed = asked.seed;
    let fit = |part: &Part| {
        Classifier::both(&table(part.rows.iter().copied(), &features)?, &part.labels, Some(&part.groups()), &options)
    };
    let first = fit(&earlier).map_err(fault)?;
    step(2);
    let judging = table(judged.rows.iter().copied(), &features).map_err(fault)?;
    let (kind, choice, said) = chosen(&first, &judging, &judged.labels).map_err(fault)?;
    let metrics = measured(&said, &judged.labels, (last, last + horizon)).map_err(fault)?;
    if metrics.auc.is_none_or(|it| it.low <= 0.5) {
        let text = D::WORDS.nothing.to_owned();
        return Err(Verdict { code: "tells_nothing".to_owned(), have: 0, need: 0, text });
    }
    let all = Part::of(asked, |day| moments.contains(&day));
    let second = fit(&all).map_err(fault)?;
    step(3);
    let pick = |it: Both| if kind == Kind::Boosting { it.boosting } else { it.regression };
    let warnings = warned(&first.report.warnings, D::WORDS.all_but);
    let (model, judged_model) = (pick(second), pick(first));
    let people: std::collections::BTreeSet<u64> = all.groups().into_iter().collect();
    let compared = asked.before.and_then(|it| {
        let (against, meant) = compare(it, &asked.definition, &judged, &said, people.len())?;
        let moved = moved(asked.rows, &features, (it.content.end, end));
        let meant = meant.filter(|it| it.slope.is_finite()).map(Into::into);
        Some((against, Drift { version: it.version, moved, meant }))
    });
    let (against, drift) = compared.unzip();
    let came: Vec<f64> = judged.labels.iter().map(|it| f64::from(u8::from(*it))).collect();
    let whose: Vec<usize> = judged.places.iter().map(|it| it.unwrap_or(usize::MAX)).collect();
    let importance = model.sizes(&table(all.rows.iter().copied(), &features).map_err(fault)?).map_err(fault)?;
    let content = Content {
        end,
        definition: asked.definition.clone(),
        features: features.iter().map(|at| FEATURES[*at].0.to_owned()).collect(),
        model,
        judged: judged_model,
        buying: asked.rows.buying_on(end),
        importance,
        bins: bins(&said, &judged.labels),
        worth: worth(&judged, D::WORDS.spent_where),
        choice,
        metrics,
        against,
        drift,
        groups: grouped(&said, &came, &whose, asked.groupings),
        warnings,
        triggers: None,
    };
    step(STEPS);
    Ok(Learned {
        content,
        people: people.len(),
        rows: all.rows.len(),
        came: all.came(),
        moments: moments.len(),
        purchases: bought.buyers.iter().map(|it| it.days.len() as u64).sum(),
        from: moments.first().map_or(end, |it| it - horizon).min(bought.first_day().unwrap_or(end)),
        late: asked.rows.late,
    })
}

/// Whether there are enough of both kinds.
fn enough(earlier: &Part, judged: &Part, words: &Words) -> Result<(), Verdict> {
    let [came, not] = words.few;
    for (part, need, when) in [(earlier, LEAST_OF_BOTH, "to learn from"), (judged, LEAST_JUDGED, "to be judged by")] {
        let (true_of, all) = (part.came(), part.rows.len());
        for ((code, what), have) in [(came, true_of), (not, all - true_of)] {
            if have < need {
                let text = format!("Too few people {what}: {have} are known {when}, and it takes at least {need}.");
                return Err(Verdict::too_few(code, have, need, text));
            }
        }
    }
    Ok(())
}

fn refusal(fault: &Fault, words: &Words) -> Verdict {
    let [came, not] = words.few;
    match fault {
        Fault::TooFew { what: "positives", have, need } => Verdict::too_few(came.0, *have, *need, fault.to_string()),
        Fault::TooFew { what: "negatives", have, need } => Verdict::too_few(not.0, *have, *need, fault.to_string()),
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
    let ratio = Sure::ratio(said, &came).unwrap_or(Sure::exact(1.0));
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

/// Both as they were judged, on the same people and time. `None` where something else was foretold, or what was kept cannot be read any more.
fn compare<D: Foretold>(
    before: &Before<D>,
    definition: &D,
    judged: &Part,
    said: &[f64],
    people: usize,
) -> Option<(Against, Option<Still>)> {
    let old = &before.content;
    if !definition.is_alike(&old.definition) {
        return None;
    }
    let foretold = old.judged.predict(&table(judged.rows.iter().copied(), &places(&old.features)?).ok()?).ok()?;
    let labels = &judged.labels;
    let differences: Vec<f64> =
        (0..labels.len()).map(|at| log_score(said[at], labels[at]) - log_score(foretold[at], labels[at])).collect();
    let (new, other) = (tried("", "", said, labels), tried("", "", &foretold, labels));
    let against = Against {
        version: before.version,
        difference: Sure::mean(&differences),
        error_before: other.mean_absolute.unwrap_or(0.0),
        error: new.mean_absolute.unwrap_or(0.0),
        bias_before: other.bias.unwrap_or(0.0),
        bias: new.bias.unwrap_or(0.0),
        people_before: before.people,
        people: i64::try_from(people).unwrap_or(i64::MAX),
    };
    Some((against, still(&foretold, labels).ok()))
}

fn warned(warnings: &[Warning], all_but: &str) -> Vec<Warned> {
    let told = warnings.iter().filter_map(|it| match it {
        Warning::GivesAway { feature, auc } => Some(Warned {
            code: "gives_away".to_owned(),
            feature: feature.clone(),
            number: *auc,
            text: format!(
                "{} alone all but tells {all_but} (AUC {auc:.3}): was it known beforehand?",
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

/// What those for whom it came true spent on average, or the others.
fn worth(judged: &Part, of: bool) -> f64 {
    let own = judged.spent.iter().zip(&judged.labels).filter(|it| *it.1 == of);
    let spent: Vec<f64> = own.map(|(spent, _)| *spent).collect();
    Sure::mean(&spent).value
}

/// What became of those whom a version spoke of when it was fitted. `None` before its horizon has passed, and where it came true for nobody or they cannot be looked at.
pub fn came<D: Foretold>(
    (bought, rows): (&Bought, &Rows),
    content: &Content<D>,
    outcome: &dyn Fn(&Row, i32) -> Option<bool>,
    end: i32,
) -> Option<Came> {
    let horizon = content.definition.horizon();
    if end - content.end < horizon {
        return None;
    }
    let part = Part::over((rows, bought), horizon, outcome, |day| day == content.end);
    let said = content.model.predict(&table(part.rows.iter().copied(), &places(&content.features)?).ok()?).ok()?;
    let came: Vec<f64> = part.labels.iter().map(|it| f64::from(u8::from(*it))).collect();
    let off: Vec<f64> = said.iter().zip(&came).map(|(a, b)| (a - b).abs()).collect();
    Some(Came {
        until: date_of(content.end + horizon - 1),
        weeks: f64::from(horizon) / WEEK,
        said: said.iter().sum(),
        came: came.iter().sum(),
        bias: less_one(Sure::ratio(&said, &came)?),
        mean_absolute: Sure::mean(&off),
    })
}
