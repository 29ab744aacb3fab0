//! Everybody scored by a version: the risk, its level, in which interval it is, and why.
//!
//! Always holds: risks are above 0 and below 1; whoever is lost already has 1, by definition, and no reasons but that; the levels follow from what acting costs.

use rapport_domain::PersonId;
use rapport_models::Fault;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::learning::{Content, places, table};
use super::reasons::{Reason, cause, reasons};
use super::rows::{Row, Rows};
use super::{Costs, Settings};
use crate::scores::card::Said;

/// Whoever is lost already.
pub(super) const LOST: &str = "lost";
/// The levels of risk, the highest first.
pub(super) const LEVELS: [&str; 3] = ["high", "medium", "low"];
/// Risks stay so far inside 0 and 1: nothing is certain.
const INSIDE: f64 = 1e-4;

/// The rest of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnDetail)]
pub struct Detail {
    /// The probability that they buy nothing within the horizon; 1 where they are lost already.
    pub risk: f64,
    /// `high`, from where acting pays; `medium`, from half of that; `low`; or `lost`.
    pub level: String,
    /// How many weeks ahead it looks.
    pub horizon_weeks: u32,
    /// Days since the last purchase.
    pub days_since: u32,
    /// Days with purchases.
    pub purchases: Option<u32>,
    /// Why.
    pub because: Vec<Reason>,
}

/// What is said of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Who.
    pub person: PersonId,
    /// The risk, and where it is with 95 %: as it turned out for people of about this risk.
    pub risk: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// 10 for the tenth most at risk, 0 of whoever is lost already.
    pub tenth: u8,
    /// The feature that raises it most; empty where none does.
    pub cause: String,
    /// The rest.
    pub detail: Detail,
}

/// Everybody scored by a version.
#[derive(Debug)]
pub struct Run {
    pub(super) content: Content,
    pub(super) rows: Rows,
    pub(super) features: Vec<usize>,
    pub(super) risks: Vec<f64>,
    pub(super) adds: Vec<Vec<f64>>,
    pub(super) costs: Costs,
    edges: Vec<f64>,
}

impl Run {
    /// Scores whoever still buys by rows of the present; `None` where what was kept of the version is not whole.
    pub fn new(content: Content, rows: Rows, settings: &Settings) -> Option<Self> {
        let features = places(&content.features).filter(|_| content.model.is_sound())?;
        let (risks, adds) = said(&content, &rows.rows, &features).ok()?;
        let mut sorted = risks.clone();
        sorted.sort_by(f64::total_cmp);
        let edges = (1..10).filter_map(|it| sorted.get(it * sorted.len() / 10).copied()).collect();
        let costs = settings.costs(content.worth);
        Some(Self { content, rows, features, risks, adds, costs, edges })
    }

    /// How many people it speaks of.
    pub fn people(&self) -> usize {
        self.rows.rows.len() + self.rows.lost.len()
    }

    /// Some of them.
    pub fn some(&self, from: usize, many: usize) -> Vec<Scored> {
        let end = (from + many).min(self.people());
        (from..end)
            .map(|at| if at < self.risks.len() { self.one(at) } else { self.lost(at - self.risks.len()) })
            .collect()
    }

    fn one(&self, at: usize) -> Scored {
        let (row, risk, adds) = (&self.rows.rows[at], self.risks[at], &self.adds[at]);
        let (low, high) = interval(&self.content.metrics.calibration, risk);
        let days = |it: f64| if it >= 0.0 { it as u32 } else { 0 };
        Scored {
            person: row.person,
            risk,
            low,
            high,
            tenth: 1 + u8::try_from(self.edges.iter().filter(|it| **it <= risk).count()).unwrap_or(9),
            cause: cause(&self.features, adds).to_owned(),
            detail: Detail {
                risk,
                level: self.level(risk).to_owned(),
                horizon_weeks: self.content.definition.horizon_weeks.unsigned_abs(),
                days_since: row.known.since.unsigned_abs(),
                purchases: Some(days(row.known.values[2])),
                because: reasons(&self.features, &row.known.values, adds),
            },
        }
    }

    fn lost(&self, at: usize) -> Scored {
        let (person, since) = self.rows.lost[at];
        let detail = Detail {
            risk: 1.0,
            level: LOST.to_owned(),
            horizon_weeks: self.content.definition.horizon_weeks.unsigned_abs(),
            days_since: since.unsigned_abs(),
            purchases: None,
            because: Vec::new(),
        };
        Scored { person, risk: 1.0, low: 1.0, high: 1.0, tenth: 0, cause: String::new(), detail }
    }

    /// The level of a risk.
    pub(super) fn level(&self, risk: f64) -> &'static str {
        let threshold = self.costs.threshold().unwrap_or(1.0);
        let [high, medium, low] = LEVELS;
        match risk {
            it if it >= threshold => high,
            it if it >= threshold / 2.0 => medium,
            _ => low,
        }
    }
}

/// The risks of rows, and what each feature adds to them.
fn said(content: &Content, rows: &[Row], features: &[usize]) -> Result<(Vec<f64>, Vec<Vec<f64>>), Fault> {
    if rows.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let table = table(rows.iter(), features)?;
    let risks = content.model.predict(&table)?.into_iter().map(|it| it.clamp(INSIDE, 1.0 - INSIDE)).collect();
    Ok((risks, content.model.explain(&table)?.rows))
}

/// How it turned out for people of about this risk where the version was judged, with 95 %.
fn interval(calibration: &[Said], risk: f64) -> (f64, f64) {
    let nearest = calibration.iter().min_by(|a, b| (a.said - risk).abs().total_cmp(&(b.said - risk).abs()));
    nearest.map_or((risk, risk), |it| {
        // As far from what was said as what came was, so that the interval goes with the risk within a bin.
        let (below, above) = (it.came.low - it.said, it.came.high - it.said);
        ((risk + below).clamp(0.0, risk), (risk + above).clamp(risk, 1.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::Sure;

    #[test]
    fn an_interval_is_that_of_people_alike() {
        let bin = |said: f64, low: f64, high: f64| Said { people: 9, said, came: Sure { value: said, low, high } };
        let bins = [bin(0.2, 0.15, 0.27), bin(0.8, 0.7, 0.85)];
        let (low, high) = interval(&bins, 0.22);
        assert!((low - 0.17).abs() < 1e-12 && (high - 0.29).abs() < 1e-12);
        assert_eq!(interval(&bins, 0.99).1, 1.0);
        assert_eq!(interval(&[], 0.4), (0.4, 0.4));
        let off = [bin(0.5, 0.6, 0.7)];
        assert_eq!(interval(&off, 0.5).0, 0.5, "what was said is inside");
    }
}
