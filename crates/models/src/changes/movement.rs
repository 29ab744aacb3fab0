//! Whether the level of a series stays, moves steadily, or changed at once: what a sentence beside a picture says.
//!
//! A slope is read as many small changes. So a straight line is compared with the parts that were found, by Schwarz's criterion (1978): a line has one number
//! more than a level, each change two, its size and its place.

use super::{Change, Changes, Kind, Options, without_season};
use crate::fault::Fault;

/// A change lasts as long as a season, but for no fewer steps than the first, and no more than the second: one odd day is none, and a year need not pass.
const LASTS: (usize, usize) = (3, 7);

/// How the level of a series moved.
#[derive(Clone, Debug, PartialEq)]
pub enum Movement {
    /// It stays, as far as noise lets it be seen.
    Still,
    /// It rises or falls all the time, by so much a step.
    Steady(f64),
    /// It changed at once, in the order of time.
    Changed(Vec<Change>),
}

impl Movement {
    /// Of values at equal steps, without what comes again after `season` of them (1 for nothing).
    ///
    /// # Errors
    /// Too few values, and values that are no numbers.
    pub fn of(values: &[f64], season: usize) -> Result<Self, Fault> {
        let own = without_season(values, season);
        let shortest = season.clamp(LASTS.0, LASTS.1);
        let found = Changes::find(&own, &Options { shortest, ..Options::of(Kind::Level) })?.changes;
        if found.is_empty() {
            return Ok(Self::Still);
        }
        let n = own.len() as f64;
        // In units of the largest, so that squares stay in range.
        let largest = own.iter().fold(f64::MIN_POSITIVE, |most, it| most.max(it.abs()));
        let own: Vec<f64> = own.iter().map(|it| it / largest).collect();
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let squares = |part: &[f64]| {
            let level = mean(part);
            part.iter().map(|it| (it - level).powi(2)).sum::<f64>()
        };
        let edges: Vec<usize> = std::iter::once(0).chain(found.iter().map(|it| it.at)).chain([own.len()]).collect();
        let parts: f64 = edges.windows(2).map(|it| squares(&own[it[0]..it[1]])).sum();
        let (level, middle) = (mean(&own), (n - 1.0) / 2.0);
        let off = |at: usize| at as f64 - middle;
        let spread: f64 = (0..own.len()).map(|at| off(at).powi(2)).sum();
        let slope = own.iter().enumerate().map(|(at, it)| off(at) * (it - level)).sum::<f64>() / spread;
        let line: f64 = own.iter().enumerate().map(|(at, it)| (it - level - slope * off(at)).powi(2)).sum();
        let criterion = |squares: f64, more: usize| n * squares.max(f64::MIN_POSITIVE).ln() + more as f64 * n.ln();
        let steady = criterion(line, 1) < criterion(parts, 2 * found.len());
        Ok(if steady { Self::Steady(slope * largest) } else { Self::Changed(found) })
    }
}
