//! Everybody scored at once, and the figures of the page that come of it.
//!
//! Always holds: the figures are sums over the same scores that people get; a cell names the column of scores by which its people are found.

use rapport_domain::PersonId;
use rapport_models::Estimate;
use rapport_models::buying::{Buying, History, Horizon, Simple, Summary};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::Content;
use super::person::{Counts, LATELY, OFTEN, Score, Scorer, cohort_of, part_of};
use super::purchases::{Bought, Known};
use super::{Settings, date_of};
use crate::scores::Sure;

/// People of whom it is computed how unsure a sum is; the others are taken to be like them.
const SAMPLE: usize = 2_000;
/// New customers are counted over so many days.
const LATELY_DAYS: i32 = 91;

/// People whose value is between two amounts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueBand)]
pub struct Band {
    /// From this amount on.
    pub from: f64,
    /// Below this one; null without an end.
    pub to: Option<f64>,
    /// How many they are.
    pub people: u64,
    /// What they are worth together.
    pub value: f64,
}

/// A tenth of all people.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueTenth)]
pub struct Tenth {
    /// 10 for those worth most.
    pub tenth: u8,
    /// How many they are.
    pub people: u64,
    /// What they are worth together.
    pub value: f64,
    /// Their share of all value.
    pub share: f64,
}

/// People who bought about as often and as lately.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueCell)]
pub struct Cell {
    /// By which they are found.
    pub part: String,
    /// At least so many purchases.
    pub purchases: u32,
    /// At least so many weeks since the last.
    pub weeks: f64,
    /// How many they are.
    pub people: u64,
    /// The mean probability that they are still there.
    pub alive: f64,
    /// What they are worth together.
    pub value: f64,
}

/// People who bought first in the same quarter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueCohort)]
pub struct Cohort {
    /// `2025-Q3`, by which they are found.
    pub cohort: String,
    /// How many they are.
    pub people: u64,
    /// What they have spent.
    pub spent: f64,
    /// The mean probability that they are still there.
    pub alive: f64,
    /// What they are worth from now on.
    pub value: f64,
}

/// What all people together will do in some weeks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueForecast)]
pub struct Forecast {
    /// How many weeks.
    pub weeks: u32,
    /// Purchases of today's customers.
    pub purchases: Sure,
    /// What they spend on them, not discounted.
    pub spend: Sure,
    /// Purchases of new ones, if as many come as in the last quarter of a year.
    pub of_new: f64,
}

/// The formula of textbooks, for comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueSimple)]
pub struct SimpleShape {
    /// The average value of a purchase.
    pub average: f64,
    /// Purchases a year.
    pub a_year: f64,
    /// How many years a customer stays, by it.
    pub years: f64,
    /// What it says that every customer is worth.
    pub value: f64,
    /// What is wrong with it.
    pub fault: String,
}

/// The figures of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueOverview)]
pub struct Overview {
    /// The day that they are of.
    pub as_of: String,
    /// The workspace's currency.
    pub currency: String,
    /// How many weeks ahead they look.
    pub horizon_weeks: u32,
    /// How many people were scored.
    pub people: u64,
    /// How many of them are expected to be still there.
    pub alive: f64,
    /// What all are worth together.
    pub value: Sure,
    /// By amounts.
    pub bands: Vec<Band>,
    /// The middle value.
    pub median: f64,
    /// By tenths, those worth most first.
    pub tenths: Vec<Tenth>,
    /// By how often and how lately.
    pub matrix: Vec<Cell>,
    /// By when they came.
    pub cohorts: Vec<Cohort>,
    /// What is to come.
    pub forecast: Vec<Forecast>,
    /// The simple formula, beside.
    pub simple: Option<SimpleShape>,
}

/// Everybody scored by a version.
#[derive(Debug)]
pub struct Run {
    scorer: Scorer,
    bought: Bought,
    end: i32,
    /// The place among the buyers, what is said of them, and what they are worth.
    scored: Vec<(usize, Counts, f64)>,
    /// Where the second to the tenth tenth begin.
    edges: Vec<f64>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Who.
    pub person: PersonId,
    /// What is said of them.
    pub score: Score,
    /// 10 for the tenth worth most.
    pub tenth: u8,
    /// The cell of the matrix.
    pub part: String,
    /// The quarter in which they came.
    pub cohort: String,
}

impl Run {
    /// Scores everybody who bought before the day `end`; `None` where what was kept of the version is not whole.
    pub fn new(content: Content, bought: Bought, end: i32, settings: &Settings) -> Option<Self> {
        let mut scorer = Scorer::new(content, settings)?;
        let mut scored = Vec::with_capacity(bought.buyers.len());
        for (place, buyer) in bought.buyers.iter().enumerate() {
            let Some(known) = buyer.known(end) else { continue };
            let counts = scorer.counts(&known);
            scored.push((place, counts, scorer.value(&known, &counts)));
        }
        let mut values: Vec<f64> = scored.iter().map(|it| it.2).collect();
        values.sort_by(f64::total_cmp);
        let edges = (1..10).filter_map(|it| values.get(it * values.len() / 10).copied()).collect();
        Some(Self { scorer, bought, end, scored, edges })
    }

    /// How many were scored.
    pub fn people(&self) -> usize {
        self.scored.len()
    }

    /// Some of them, by their places in the order of persons.
    pub fn some(&self, from: usize, many: usize) -> Vec<Scored> {
        let end = (from + many).min(self.scored.len());
        let some = self.scored.get(from..end).unwrap_or_default();
        some.iter().filter_map(|(place, counts, value)| self.one(*place, counts, *value)).collect()
    }

    fn one(&self, place: usize, counts: &Counts, value: f64) -> Option<Scored> {
        let buyer = &self.bought.buyers[place];
        let known = buyer.known(self.end)?;
        let score = self.scorer.score(&known, counts);
        let (part, cohort) = (part_of(&score.detail.known), cohort_of(known.first));
        Some(Scored { person: buyer.person, score, tenth: self.tenth(value), part, cohort })
    }

    fn tenth(&self, value: f64) -> u8 {
        1 + u8::try_from(self.edges.iter().filter(|it| **it <= value).count()).unwrap_or(9)
    }

    /// The figures of the page.
    pub fn overview(&self, settings: &Settings, currency: &str) -> Overview {
        let mut sums = Sums::default();
        for (place, counts, value) in &self.scored {
            let Some(known) = self.bought.buyers[*place].known(self.end) else { continue };
            let tenth = self.tenth(*value);
            sums.add(&known, counts, *value, tenth);
        }
        let total: f64 = sums.tenths.iter().map(|it| it.1).sum();
        let forecast: Vec<Forecast> = self.forecasts(settings.horizon_weeks);
        let own = forecast.iter().find(|it| it.weeks == settings.horizon_weeks).map(|it| it.purchases);
        // The sum is as unsure as the number of purchases is.
        let part = |of: fn(&Sure) -> f64| own.filter(|it| it.value > 0.0).map_or(1.0, |it| of(&it) / it.value);
        let mut values: Vec<f64> = self.scored.iter().map(|it| it.2).collect();
        values.sort_by(f64::total_cmp);
        Overview {
            as_of: date_of(self.end - 1),
            currency: currency.to_owned(),
            horizon_weeks: settings.horizon_weeks,
            people: self.scored.len() as u64,
            alive: sums.alive,
            value: Sure { value: total, low: total * part(|it| it.low), high: total * part(|it| it.high) },
            median: values.get(values.len() / 2).copied().unwrap_or(0.0),
            bands: sums.bands(),
            tenths: sums.tenths(total),
            matrix: sums.matrix(),
            cohorts: sums.cohorts(),
            forecast,
            simple: self.simple(),
        }
    }

    fn simple(&self) -> Option<SimpleShape> {
        let known = self.bought.buyers.iter().filter_map(|it| it.known(self.end));
        let summaries: Vec<Summary> =
            known.map(|it| Summary { history: it.history, first: it.mean, again: it.again, mean: it.mean }).collect();
        let simple = Simple::of(&summaries)?;
        let weeks = 365.25 / super::WEEK;
        Some(SimpleShape {
            average: simple.average,
            a_year: simple.frequency * weeks,
            years: simple.lifespan / weeks,
            value: simple.value(),
            fault: Simple::FAULT.to_owned(),
        })
    }

    /// What is to come within a month, a quarter, half a year, a year, and the horizon.
    fn forecasts(&self, horizon: u32) -> Vec<Forecast> {
        let mut weeks = vec![4, 13, 26, 52, horizon];
        weeks.sort_unstable();
        weeks.dedup();
        let step = self.scored.len().div_ceil(SAMPLE).max(1);
        let sample: Vec<History> = self.scored.iter().step_by(step).filter_map(|it| self.history(it.0)).collect();
        let drawn = self.scorer.content.model.drawn();
        weeks.into_iter().map(|it| self.forecast(it, &sample, &drawn)).collect()
    }

    fn history(&self, place: usize) -> Option<History> {
        self.bought.buyers[place].known(self.end).map(|it| it.history)
    }

    fn forecast(&self, weeks: u32, sample: &[History], drawn: &[rapport_models::buying::Model]) -> Forecast {
        let (model, span) = (self.scorer.model(), f64::from(weeks));
        let (mut purchases, mut spend) = (0.0, 0.0);
        for (place, ..) in &self.scored {
            let Some(known) = self.bought.buyers[*place].known(self.end) else { continue };
            let expected = model.expected(&known.history, span);
            purchases += expected;
            spend += expected * self.scorer.content.worth.expected(&known, self.scorer.content.usual.spend);
        }
        let share = self.scored.len() as f64 / sample.len().max(1) as f64;
        let horizon = Horizon { period: span, periods: 1, discount: 0.0, margin: 1.0 };
        let chance: f64 = sample.iter().map(|it| Counts::of(model, it, &horizon).variance).sum::<f64>() * share;
        // The models that the data leave possible, by what they foretell of the sample.
        let sums: Vec<f64> =
            drawn.iter().map(|model| sample.iter().map(|it| model.expected(it, span)).sum::<f64>() * share).collect();
        let spread = Estimate::mean(&sums).standard_error.map_or(0.0, |it| it * it * sums.len() as f64);
        let sure: Sure = Estimate::around(purchases, (chance + spread).sqrt(), rapport_models::estimate::TAILS).into();
        let sure = Sure { low: sure.low.max(0.0), ..sure };
        let each = if purchases > 0.0 { spend / purchases } else { 0.0 };
        let new = self.bought.buyers.iter().filter(|it| it.days[0].day >= self.end - LATELY_DAYS).count();
        let a_week = new as f64 / (f64::from(LATELY_DAYS) / super::WEEK);
        // Who comes in the middle of a week has the rest of the time for more.
        let of_new =
            (0..weeks).map(|week| 1.0 + model.expected_new(span - f64::from(week) - 0.5)).sum::<f64>() * a_week;
        Forecast {
            weeks,
            purchases: sure,
            spend: Sure { value: spend, low: sure.low * each, high: sure.high * each },
            of_new,
        }
    }
}

/// Sums over people.
#[derive(Default)]
struct Sums {
    alive: f64,
    bands: std::collections::BTreeMap<usize, (u64, f64)>,
    tenths: [(u64, f64); 10],
    matrix: std::collections::BTreeMap<String, (u64, f64, f64)>,
    cohorts: std::collections::BTreeMap<String, (u64, f64, f64, f64)>,
}

/// Where a band begins: 0, 1, 2, 5, 10, 20, 50 …
fn edge(band: usize) -> f64 {
    if band == 0 {
        return 0.0;
    }
    [1.0, 2.0, 5.0][(band - 1) % 3] * 10f64.powi(i32::try_from((band - 1) / 3).unwrap_or(0))
}

fn band_of(value: f64) -> usize {
    (1..40).take_while(|band| value >= edge(*band)).last().unwrap_or(0)
}

impl Sums {
    fn add(&mut self, known: &Known, counts: &Counts, value: f64, tenth: u8) {
        self.alive += counts.alive;
        let band = self.bands.entry(band_of(value)).or_default();
        *band = (band.0 + 1, band.1 + value);
        let own = &mut self.tenths[usize::from(tenth - 1)];
        *own = (own.0 + 1, own.1 + value);
        let weeks_since = known.history.age - known.history.recency;
        let purchases = known.history.frequency + 1;
        let words = super::person::Known { purchases, weeks_known: known.history.age, weeks_since, spent: known.spent };
        let cell = self.matrix.entry(part_of(&words)).or_default();
        *cell = (cell.0 + 1, cell.1 + counts.alive, cell.2 + value);
        let cohort = self.cohorts.entry(cohort_of(known.first)).or_default();
        *cohort = (cohort.0 + 1, cohort.1 + known.spent, cohort.2 + counts.alive, cohort.3 + value);
    }

    fn bands(&self) -> Vec<Band> {
        let Some(last) = self.bands.keys().next_back() else { return Vec::new() };
        let band = |at: usize| {
            let (people, value) = self.bands.get(&at).copied().unwrap_or_default();
            Band { from: edge(at), to: (at + 1 < 40).then(|| edge(at + 1)), people, value }
        };
        (0..=*last).map(band).collect()
    }

    fn tenths(&self, total: f64) -> Vec<Tenth> {
        let share = |value: f64| if total > 0.0 { value / total } else { 0.0 };
        let all = (1..=10u8).rev().map(|tenth| {
            let (people, value) = self.tenths[usize::from(tenth - 1)];
            Tenth { tenth, people, value, share: share(value) }
        });
        all.collect()
    }

    fn matrix(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (often, purchases) in OFTEN.iter().enumerate() {
            for (lately, weeks) in LATELY.iter().enumerate() {
                let part = format!("f{often}r{lately}");
                let (people, alive, value) = self.matrix.get(&part).copied().unwrap_or_default();
                let alive = if people > 0 { alive / people as f64 } else { 0.0 };
                cells.push(Cell { part, purchases: *purchases, weeks: *weeks, people, alive, value });
            }
        }
        cells
    }

    fn cohorts(&self) -> Vec<Cohort> {
        let all = self.cohorts.iter().map(|(cohort, (people, spent, alive, value))| Cohort {
            cohort: cohort.clone(),
            people: *people,
            spent: *spent,
            alive: alive / (*people).max(1) as f64,
            value: *value,
        });
        all.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_go_by_one_two_and_five() {
        let edges: Vec<f64> = (0..8).map(edge).collect();
        assert_eq!(edges, [0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        for (value, band) in [(0.0, 0), (0.99, 0), (1.0, 1), (4.99, 2), (5.0, 3), (99.0, 6), (1e30, 39)] {
            assert_eq!(band_of(value), band, "{value}");
        }
    }
}
