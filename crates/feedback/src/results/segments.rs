//! Scores by segment: somebody who is in several counts in each, and each is compared with everybody who is not in it.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Timestamp};

use crate::records::counts::{CountRow, GivenRow};

/// The times at which people were in a segment.
pub type Spans = BTreeMap<PersonId, Vec<(Timestamp, Option<Timestamp>)>>;

/// At which moment somebody has to be in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At this one, whenever they answered.
    At(Timestamp),
    /// When they answered.
    Answered,
}

/// Answers counted by value and segment, one row for each that somebody is in. Who is in none of them, or is not known, is in no row.
pub fn counted(rows: &[GivenRow], segments: &[(String, Spans)], when: When) -> Vec<CountRow> {
    let mut counts: BTreeMap<(&str, Shape<'_>), i64> = BTreeMap::new();
    for (key, spans) in segments {
        let is_in = |row: &&GivenRow| {
            let at = match when {
                When::At(at) => at,
                When::Answered => row.answered_at,
            };
            let inside = |(from, to): &(Timestamp, Option<Timestamp>)| *from <= at && to.is_none_or(|to| at < to);
            row.person.and_then(|it| spans.get(&it)).is_some_and(|it| it.iter().any(inside))
        };
        for row in rows.iter().filter(is_in) {
            *counts.entry((key, shape(row))).or_default() += 1;
        }
    }
    counts.into_iter().map(|((key, it), answers)| row(Some(key.to_owned()), it, answers)).collect()
}

/// All of these answers counted by value alone.
pub fn all(rows: &[GivenRow]) -> Vec<CountRow> {
    let mut counts: BTreeMap<Shape<'_>, i64> = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(shape(row)).or_default() += 1);
    counts.into_iter().map(|(it, answers)| row(None, it, answers)).collect()
}

/// Part, kind, scale and value of an answer.
type Shape<'a> = (&'a str, &'a str, Option<i64>, Option<i64>, Option<&'a str>, Option<i64>);

fn shape(row: &GivenRow) -> Shape<'_> {
    (&row.part, &row.kind, row.low, row.high, row.direction.as_deref(), row.number)
}

fn row(dimension: Option<String>, (part, kind, low, high, direction, number): Shape<'_>, answers: i64) -> CountRow {
    let direction = direction.map(str::to_owned);
    CountRow { dimension, part: part.to_owned(), kind: kind.to_owned(), low, high, direction, number, answers }
}
