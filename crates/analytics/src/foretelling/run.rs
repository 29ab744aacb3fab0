//! What a version says of everybody: the chance, in which interval it is, and why.
//!
//! Always holds: chances are above 0 and below 1.

use rapport_domain::PersonId;
use rapport_models::Fault;

use super::content::Content;
use super::learning::{places, table};
use super::reasons::{Reason, cause, reasons};
use super::rows::{Row, Rows};
use crate::scores::card::Said;

/// Chances stay so far inside 0 and 1: nothing is certain.
const INSIDE: f64 = 1e-4;

/// What is said of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Who.
    pub person: PersonId,
    /// The chance, and where it is with 95 %: as it turned out for people of about this chance.
    pub chance: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// 10 for the tenth with the highest.
    pub tenth: u8,
    /// The feature that raises it most; empty where none does.
    pub cause: &'static str,
    /// Why.
    pub because: Vec<Reason>,
}

/// Everybody's chances by a version.
#[derive(Debug)]
pub struct Chances<D> {
    /// The version.
    pub content: Content<D>,
    /// What is known of people now.
    pub rows: Rows,
    pub(super) features: Vec<usize>,
    pub(super) said: Vec<f64>,
    pub(super) adds: Vec<Vec<f64>>,
    edges: Vec<f64>,
}

impl<D> Chances<D> {
    /// Of rows of the present; `None` where what was kept of the version is not whole.
    pub fn new(content: Content<D>, rows: Rows) -> Option<Self> {
        let features = places(&content.features).filter(|_| content.model.is_sound())?;
        let (said, adds) = said(&content, &rows.rows, &features).ok()?;
        let mut sorted = said.clone();
        sorted.sort_by(f64::total_cmp);
        let edges = (1..10).filter_map(|it| sorted.get(it * sorted.len() / 10).copied()).collect();
        Some(Self { content, rows, features, said, adds, edges })
    }

    /// The chances, in the order of the rows.
    pub fn all(&self) -> &[f64] {
        &self.said
    }

    /// What is said of somebody, by their place among the rows.
    pub fn told(&self, at: usize) -> Told {
        let (row, chance, adds) = (&self.rows.rows[at], self.said[at], &self.adds[at]);
        let (low, high) = interval(&self.content.metrics.calibration, chance);
        Told {
            person: row.person,
            chance,
            low,
            high,
            tenth: 1 + u8::try_from(self.edges.iter().filter(|it| **it <= chance).count()).unwrap_or(9),
            cause: cause(&self.features, adds),
            because: reasons(&self.features, &row.known.values, adds),
        }
    }
}

/// The chances of rows, and what each feature adds to them.
fn said<D>(content: &Content<D>, rows: &[Row], features: &[usize]) -> Result<(Vec<f64>, Vec<Vec<f64>>), Fault> {
    if rows.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let table = table(rows.iter(), features)?;
    let said = content.model.predict(&table)?.into_iter().map(|it| it.clamp(INSIDE, 1.0 - INSIDE)).collect();
    Ok((said, content.model.explain(&table)?.rows))
}

/// How it turned out for people of about this chance where the version was judged, with 95 %.
fn interval(calibration: &[Said], chance: f64) -> (f64, f64) {
    let nearest = calibration.iter().min_by(|a, b| (a.said - chance).abs().total_cmp(&(b.said - chance).abs()));
    nearest.map_or((chance, chance), |it| {
        // As far from what was said as what came was, so that the interval goes with the chance within a bin.
        let (below, above) = (it.came.low - it.said, it.came.high - it.said);
        ((chance + below).clamp(0.0, chance), (chance + above).clamp(chance, 1.0))
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
