//! How far a score is from others'.
//!
//! A benchmark is a number with a source and a day. That it is of the same question, asked alike of people alike, is for whoever entered it to know.

use jiff::civil::Date;
use rapport_models::survey::{Gap, Score};

use super::scores::Series;
use crate::Error;
use crate::records::benchmarks::BenchmarkRow;

/// What can be compared: a measure, and between which numbers it is; a mean is between the ends of its scale.
const MEASURES: [(&str, f64, f64); 4] =
    [("nps", -100.0, 100.0), ("top_two", 0.0, 1.0), ("easy", 0.0, 1.0), ("mean", f64::MIN, f64::MAX)];
/// The most letters of a name or a source.
const LETTERS: usize = 300;

/// A score beside somebody else's.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside<'a> {
    /// The other.
    pub benchmark: &'a BenchmarkRow,
    /// One's own.
    pub score: Score,
    /// One's own less the other.
    pub gap: Gap,
}

/// What of `benchmarks` is of a measure of these answers, and of a mean on the same scale.
pub fn beside<'a>(series: &Series, benchmarks: &'a [BenchmarkRow]) -> Vec<Beside<'a>> {
    let (low, high) = (i64::from(*series.scale.values().start()), i64::from(*series.scale.values().end()));
    let fits = |it: &BenchmarkRow| it.measure != "mean" || (it.low, it.high) == (Some(low), Some(high));
    let one = |benchmark: &'a BenchmarkRow| {
        let (_, score) = series.total.scores.iter().find(|it| it.0 == benchmark.measure)?;
        let gap = score.gap(benchmark.score, benchmark.margin.unwrap_or_default())?;
        Some(Beside { benchmark, score: *score, gap })
    };
    benchmarks.iter().filter(|it| fits(it)).filter_map(one).collect()
}

/// Whether a benchmark can be kept.
///
/// # Errors
/// [`Error::Invalid`] with the field and what is wrong.
pub fn check(row: &BenchmarkRow) -> Result<(), Error> {
    for (field, text) in [("name", &row.name), ("source", &row.source)] {
        let letters = text.chars().count();
        if text.trim().is_empty() || letters > LETTERS || text.chars().any(char::is_control) {
            return Err(Error::invalid(field, format!("has 1 to {LETTERS} characters on one line")));
        }
    }
    let Some((_, least, most)) = MEASURES.iter().find(|it| it.0 == row.measure) else {
        return Err(Error::invalid("measure", format!("is one of {}", MEASURES.map(|it| it.0).join(", "))));
    };
    let (mut least, mut most) = (*least, *most);
    match (row.measure.as_str(), row.low, row.high) {
        ("mean", Some(low), Some(high)) if low < high => (least, most) = (low as f64, high as f64),
        ("mean", _, _) => return Err(Error::invalid("low", "and `high` are the ends of the scale that a mean is on")),
        (_, None, None) => {}
        _ => return Err(Error::invalid("low", "and `high` are for means alone")),
    }
    if !(least..=most).contains(&row.score) {
        return Err(Error::invalid("score", format!("is {least} to {most}")));
    }
    if row.margin.is_some_and(|it| !(0.0..=most - least).contains(&it)) {
        return Err(Error::invalid("margin", format!("is 0 to {}", most - least)));
    }
    row.as_of.parse::<Date>().map(|_| ()).map_err(|_| Error::invalid("as_of", "is a day such as 2026-01-31"))
}
