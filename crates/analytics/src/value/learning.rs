//! From purchases to a version: several models are fitted to what came before the weeks held out, the best is fitted to all, and what then happened judges it,
//! beside the version before.
//!
//! Always holds: the fit that is judged saw nothing of the weeks that it is judged on; the same purchases and seed give the same version.

use rapport_models::Fault;
use rapport_models::buying::{self, Buying, Histories, History, Kind, Model as Fitted};
use rapport_models::learn::Judged;

use super::model::{Content, Model, Worth, name, word};
use super::next::Cycle;
use super::purchases::{Bought, Known};
use super::{Settings, WEEK};
use crate::scores::card::Said;
use crate::scores::judged::Against;
use crate::scores::measured::{Came, Choice, Grouping, Metrics, Tried, grouped, less_one};
use crate::scores::{self, Sure, Verdict};

/// Less time than this tells nothing of who stays.
const LEAST_WEEKS: i32 = 12;
/// With fewer people the differences between them are not told.
const LEAST_PEOPLE: usize = 100;
/// Nor with fewer of them who bought again before the weeks held out.
const LEAST_AGAIN: usize = 30;
/// Nor where fewer purchases came in the weeks held out.
const LEAST_LATER: usize = 20;
/// The logarithmic score of one person takes some computing: of so many people at most.
const SCORED: usize = 5_000;

/// The version before.
pub type Before = scores::Before<Content>;

/// A version, before anybody decided about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// What it keeps.
    pub content: Content,
    /// How many people it was learnt from.
    pub people: usize,
    /// How many purchases.
    pub purchases: u64,
    /// The first day of them.
    pub from: i32,
}

/// What people did until some day and then.
struct Split {
    known: Vec<Known>,
    histories: Vec<History>,
    /// Purchases that followed.
    later: Vec<u32>,
    /// What was spent on them.
    spent: Vec<f64>,
    /// The place of each in the list of buyers.
    places: Vec<usize>,
    weeks: f64,
}

impl Split {
    fn at(bought: &Bought, cut: i32, end: i32) -> Self {
        let mut split = Self {
            known: Vec::new(),
            histories: Vec::new(),
            later: Vec::new(),
            spent: Vec::new(),
            places: Vec::new(),
            weeks: f64::from(end - cut) / WEEK,
        };
        for (place, buyer) in bought.buyers.iter().enumerate() {
            let Some(known) = buyer.known(cut) else { continue };
            let (later, spent) = buyer.later(cut, end);
            split.known.push(known);
            split.histories.push(known.history);
            split.later.push(later);
            split.spent.push(spent);
            split.places.push(place);
        }
        split
    }

    fn expected(&self, model: &Fitted) -> Vec<f64> {
        self.histories.iter().map(|it| model.expected(it, self.weeks)).collect()
    }

    /// How probable what happened to some of them was, as logarithms; always the same people.
    fn log_scores(&self, model: &Fitted) -> Vec<f64> {
        /// Where a count had no probability at all by rounding.
        const LEAST: f64 = 1e-300;
        let step = self.histories.len().div_ceil(SCORED).max(1);
        let some = self.histories.iter().zip(&self.later).step_by(step);
        some.map(|(history, count)| {
            let count = *count as usize;
            model.probabilities(history, self.weeks, count)[count].max(LEAST).ln()
        })
        .collect()
    }

    fn bias(&self, said: &[f64]) -> f64 {
        let came: f64 = self.later.iter().map(|it| f64::from(*it)).sum();
        if came > 0.0 { said.iter().sum::<f64>() / came - 1.0 } else { 0.0 }
    }

    fn error(&self, said: &[f64]) -> f64 {
        let off: f64 = said.iter().zip(&self.later).map(|(a, b)| (a - f64::from(*b)).abs()).sum();
        off / said.len().max(1) as f64
    }
}

/// Learns from what people bought before the day `end`. `step` is told how many of [`STEPS`] are done.
///
/// # Errors
/// The data do not carry a model: the sentence that says why.
pub fn learn(
    bought: &Bought,
    end: i32,
    settings: &Settings,
    before: Option<&Before>,
    groupings: &[Grouping],
    seed: u64,
    step: &dyn Fn(usize),
) -> Result<Learned, Verdict> {
    let first = bought.buyers.iter().filter_map(|it| it.days.first()).map(|it| it.day).min().unwrap_or(end);
    let held = enough(bought, first, end, settings)?;
    let cut = end - held;
    let split = Split::at(bought, cut, end);
    enough_before(&split)?;
    step(1);
    let fault = |fault: Fault| Verdict::of(&fault);
    let tried = buying::Choice::between(&split.histories, &split.later, split.weeks).map_err(fault)?;
    step(2);
    let all = Split::at(bought, end, end);
    let histories = Histories::new(&all.histories).map_err(fault)?;
    let (kind, judged_model, model) = best(&tried, &histories, seed)?;
    let worth = Worth::fit(&all.known);
    step(3);
    let metrics = judge(&split, &judged_model, (cut, end));
    step(4);
    let against = before.and_then(|before| compare(&split, &judged_model, before, all.known.len()));
    let later: Vec<f64> = split.later.iter().map(|it| f64::from(*it)).collect();
    let groups = grouped(&split.expected(&judged_model), &later, &split.places, groupings);
    step(STEPS);
    let content = Content {
        end,
        model,
        worth,
        usual: bought.usual(end),
        choice: choice(&tried, kind),
        metrics,
        against,
        groups,
        cycle: Cycle::fit(bought, &all.histories, (cut, end)),
    };
    let purchases = bought.buyers.iter().map(|it| it.days.len() as u64).sum();
    Ok(Learned { content, people: all.known.len(), purchases, from: first })
}

/// Into how many steps learning is divided.
pub const STEPS: usize = 5;

/// How many days are held out, if there is enough time and there are enough people.
fn enough(bought: &Bought, first: i32, end: i32, settings: &Settings) -> Result<i32, Verdict> {
    let people = bought.buyers.len();
    if people < LEAST_PEOPLE {
        let text = format!(
            "Too few customers: {people} have bought, and it takes at least {LEAST_PEOPLE} to tell how people differ."
        );
        return Err(Verdict::too_few("too_few_people", people, LEAST_PEOPLE, text));
    }
    let weeks = (end - first) / 7;
    if weeks < LEAST_WEEKS {
        let text = format!(
            "Too little time: purchases of {weeks} weeks are known, and it takes at least {LEAST_WEEKS} to tell who stays."
        );
        let (have, need) = (usize::try_from(weeks).unwrap_or(0), usize::try_from(LEAST_WEEKS).unwrap_or(0));
        return Err(Verdict::too_few("too_little_time", have, need, text));
    }
    let wished = settings.held_weeks.and_then(|it| i32::try_from(it).ok());
    // At least two thirds are left to learn from.
    Ok(7 * wished.unwrap_or((weeks / 4).clamp(4, 26)).min(weeks / 3).max(4))
}

fn enough_before(split: &Split) -> Result<(), Verdict> {
    let again = split.histories.iter().filter(|it| it.frequency > 0).count();
    if again < LEAST_AGAIN {
        let text = format!(
            "Too few customers who bought again: {again} before the weeks that models are judged on, where it takes at least {LEAST_AGAIN}."
        );
        return Err(Verdict::too_few("too_few_again", again, LEAST_AGAIN, text));
    }
    let later = split.later.iter().map(|it| *it as usize).sum();
    if later < LEAST_LATER {
        let text = format!(
            "Too few purchases lately: customers of before bought {later} times in the weeks that models are judged on, where it takes at least {LEAST_LATER}."
        );
        return Err(Verdict::too_few("too_few_lately", later, LEAST_LATER, text));
    }
    Ok(())
}

/// The best that also settles on all that is known: which, as it was judged, and as it is used.
fn best(tried: &buying::Choice, histories: &Histories, seed: u64) -> Result<(Kind, Fitted, Model), Verdict> {
    let mut fitted: Vec<(f64, Kind, Fitted)> = tried
        .candidates
        .iter()
        .filter_map(|it| it.outcome.as_ref().ok().map(|(model, score)| (score.log_score, it.kind, *model)))
        .collect();
    fitted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut why = None;
    for (_, kind, judged) in fitted {
        match Model::fit(kind, histories, seed) {
            Ok(model) => return Ok((kind, judged, model)),
            Err(fault) => why = why.or(Some(fault)),
        }
    }
    Err(Verdict::of(&why.unwrap_or(Fault::DidNotSettle)))
}

fn choice(tried: &buying::Choice, used: Kind) -> Choice {
    let all = tried.candidates.iter().map(|it| {
        let kind = word(it.kind);
        let (score, fault) = match &it.outcome {
            Ok((_, score)) => (Some(*score), None),
            Err(fault) => (None, Some(fault.to_string())),
        };
        Tried {
            kind: kind.to_owned(),
            name: name(kind).to_owned(),
            fault,
            log_score: score.map(|it| it.log_score),
            mean_absolute: score.map(|it| it.mean_absolute),
            root_mean_square: score.map(|it| it.root_mean_square),
            bias: score.map(|it| it.bias),
            correlation: score.map(|it| it.correlation),
        }
    });
    Choice { tried: all.collect(), best: word(used).to_owned() }
}

fn judge(split: &Split, model: &Fitted, (from, until): (i32, i32)) -> Metrics {
    let said = split.expected(model);
    let came: Vec<f64> = split.later.iter().map(|it| f64::from(*it)).collect();
    let off: Vec<f64> = said.iter().zip(&came).map(|(a, b)| (a - b).abs()).collect();
    let ratio = Sure::ratio(&said, &came).unwrap_or(Sure::exact(1.0));
    // What was spent is foretold by the same convention, from what was known before.
    let worth = Worth::fit(&split.known);
    let usual = {
        let paid: Vec<f64> = split.known.iter().map(|it| it.mean).filter(|it| *it > 0.0).collect();
        Sure::mean(&paid).value
    };
    let spend: Vec<f64> = said.iter().zip(&split.known).map(|(n, known)| n * worth.expected(known, usual)).collect();
    let (top_tenth, top_tenth_best) = top_tenth(&spend, &split.spent);
    let probabilities: Vec<f64> =
        split.histories.iter().map(|it| (1.0 - model.probabilities(it, split.weeks, 0)[0]).clamp(0.0, 1.0)).collect();
    let labels: Vec<bool> = split.later.iter().map(|it| *it > 0).collect();
    let judged = Judged::new(&probabilities, &labels).ok().map(|it| it.metrics());
    let bins = judged.as_ref().map_or(&[][..], |it| &it.reliability).iter().map(|it| Said {
        people: it.rows as u64,
        said: it.said,
        came: Sure { value: it.came, low: it.interval.low, high: it.interval.high },
    });
    Metrics {
        from,
        until,
        people: split.known.len() as u64,
        said: said.iter().sum(),
        came: came.iter().sum(),
        bias: less_one(ratio),
        mean_absolute: Sure::mean(&off),
        log_score: Sure::mean(&split.log_scores(model)),
        spend_bias: Sure::ratio(&spend, &split.spent).map(less_one),
        top_tenth,
        top_tenth_best,
        calibration: bins.collect(),
        auc: judged.as_ref().map(|it| it.auc.into()),
        calibration_error: judged.map(|it| it.calibration_error),
    }
}

/// The share of what was spent that the tenth brought of whom most was foretold, and the share of the tenth who spent most.
fn top_tenth(said: &[f64], came: &[f64]) -> (Option<Sure>, Option<f64>) {
    let tenth = said.len().div_ceil(10);
    let top = |by: &[f64]| {
        let mut order: Vec<usize> = (0..by.len()).collect();
        order.sort_by(|a, b| by[*b].total_cmp(&by[*a]));
        let mut taken = vec![0.0; by.len()];
        order.into_iter().take(tenth).for_each(|at| taken[at] = came[at]);
        taken
    };
    (Sure::ratio(&top(said), came), Sure::ratio(&top(came), came).map(|it| it.value))
}

/// Both foretell the weeks held out from the same histories. `None` where what was kept cannot be read any more.
fn compare(split: &Split, model: &Fitted, before: &Before, people: usize) -> Option<Against> {
    let old = before.content.model.fitted()?;
    let (new_scores, old_scores) = (split.log_scores(model), split.log_scores(&old));
    let differences: Vec<f64> = new_scores.iter().zip(&old_scores).map(|(new, old)| new - old).collect();
    let (said, said_before) = (split.expected(model), split.expected(&old));
    Some(Against {
        version: before.version,
        difference: Sure::mean(&differences),
        error_before: split.error(&said_before),
        error: split.error(&said),
        bias_before: split.bias(&said_before),
        bias: split.bias(&said),
        people_before: before.people,
        people: i64::try_from(people).unwrap_or(i64::MAX),
    })
}

/// Looks at an earlier version two weeks after it was fitted or later. `None` before, and where nothing came.
pub fn came(bought: &Bought, content: &Content, end: i32) -> Option<Came> {
    if end - content.end < 14 {
        return None;
    }
    let split = Split::at(bought, content.end, end);
    let said = split.expected(&content.model.fitted()?);
    let came: Vec<f64> = split.later.iter().map(|it| f64::from(*it)).collect();
    let off: Vec<f64> = said.iter().zip(&came).map(|(a, b)| (a - b).abs()).collect();
    Some(Came {
        until: super::date_of(end - 1),
        weeks: split.weeks,
        said: said.iter().sum(),
        came: came.iter().sum(),
        bias: less_one(Sure::ratio(&said, &came)?),
        mean_absolute: Sure::mean(&off),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: of ten people the one foretold most spent 5 of 20, the one who spent most 8.
    #[test]
    fn the_top_tenth_is_the_one_foretold() {
        let said = [9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 0.0];
        let came = [5.0, 8.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0];
        let (found, best) = top_tenth(&said, &came);
        assert!((found.unwrap().value - 0.25).abs() < 1e-12 && (best.unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(top_tenth(&[], &[]), (None, None));
    }
}
