//! Whether the level of a series stays, moves steadily, or changed at once: what a sentence beside a picture says.
//!
//! A slope is read as many small changes. So a straight line is compared with the parts that were found, by Schwarz's criterion (1978): a line has one number
//! more than a level, each change two, its size and its place. Where something comes again, it is estimated anew beside each of the two: of few periods a slope
//! within them looks like a part of what comes again, and what is left of it like a change from one to the next.

use super::noise::middle;
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
        let n = values.len() as f64;
        // In units of the largest, so that squares stay in range.
        let largest = values.iter().fold(f64::MIN_POSITIVE, |most, it| most.max(it.abs()));
        let values: Vec<f64> = values.iter().map(|it| it / largest).collect();
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let squares = |part: &[f64]| {
            let level = mean(part);
            part.iter().map(|it| (it - level).powi(2)).sum::<f64>()
        };
        // The series without what comes again beside this movement.
        let beside = |movement: &[f64]| {
            let rest: Vec<f64> = values.iter().zip(movement).map(|(it, by)| it - by).collect();
            without_season(&rest, season).iter().zip(movement).map(|(it, by)| it + by).collect::<Vec<f64>>()
        };
        let edges: Vec<usize> = std::iter::once(0).chain(found.iter().map(|it| it.at)).chain([own.len()]).collect();
        let level = |it: &[usize]| {
            let level = mean(&own[it[0]..it[1]]) / largest;
            std::iter::repeat_n(level, it[1] - it[0])
        };
        let parted = beside(&edges.windows(2).flat_map(level).collect::<Vec<f64>>());
        let parts: f64 = edges.windows(2).map(|it| squares(&parted[it[0]..it[1]])).sum();
        // The middle of all slopes from a value to that of the next period (Hirsch, Slack and Smith 1982), on which what comes again has no influence.
        let apart = season.max(1);
        let slopes: Vec<f64> = values.windows(apart + 1).map(|it| (it[apart] - it[0]) / apart as f64).collect();
        let slope = middle(&slopes);
        let lined = beside(&(0..values.len()).map(|at| slope * at as f64).collect::<Vec<f64>>());
        let (level, center) = (mean(&lined), (n - 1.0) / 2.0);
        let off = |at: usize| at as f64 - center;
        let spread: f64 = (0..lined.len()).map(|at| off(at).powi(2)).sum();
        let slope = lined.iter().enumerate().map(|(at, it)| off(at) * (it - level)).sum::<f64>() / spread;
        let line: f64 = lined.iter().enumerate().map(|(at, it)| (it - level - slope * off(at)).powi(2)).sum();
        let criterion = |squares: f64, more: usize| n * squares.max(f64::MIN_POSITIVE).ln() + more as f64 * n.ln();
        let steady = criterion(line, 1) < criterion(parts, 2 * found.len());
        Ok(if steady { Self::Steady(slope * largest) } else { Self::Changed(found) })
    }
}
