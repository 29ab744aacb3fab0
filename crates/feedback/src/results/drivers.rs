//! What a score goes with: the other scales of the same survey.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_models::survey::Confidence;
use rapport_models::survey::drivers::{Answers, Drivers};
use rapport_store::{Queries, Result};

use crate::records::counts::{self, Dimension, NumberRow};

/// At most so many numbers are read, those of the latest responses.
pub const MOST_NUMBERS: i64 = 500_000;
/// Samples drawn again for intervals.
const DRAWS: usize = 400;
/// The same answers give the same intervals.
const SEED: u64 = 20_260_101;

/// The drivers of a score.
#[derive(Clone, Debug, PartialEq)]
pub struct DriverSet {
    /// The questions, in the order of the drivers.
    pub questions: Vec<String>,
    /// What they have to do with the score, performance being from 0 to 100; `None` with too few answers, or where all say the same.
    pub drivers: Option<Drivers>,
    /// Older answers were not read, because there are too many.
    pub latest_only: bool,
}

/// What was answered to some questions on scales.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    pub(super) questions: Vec<String>,
    pub(super) rows: Vec<NumberRow>,
    /// Older answers were not read, because there are too many.
    pub latest_only: bool,
}

/// Reads what was answered to these `questions`, and what people are to be compared by.
pub async fn numbers(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (survey, questions): (i64, Vec<String>),
    span: (Timestamp, Timestamp),
    by: Option<Dimension>,
) -> Result<Numbers> {
    let mut rows = counts::numbers(db, workspace, (survey, &questions), span, by, MOST_NUMBERS).await?;
    let latest_only = i64::try_from(rows.len()).is_ok_and(|it| it >= MOST_NUMBERS);
    if latest_only {
        // The last response may be cut.
        let last = rows.last().map(|it| it.response.clone());
        rows.retain(|it| Some(&it.response) != last.as_ref());
    }
    Ok(Numbers { questions, rows, latest_only })
}

impl Numbers {
    /// What the answers to `score` go with: those to all others. Every answer is taken as its place on the scale that it was given on, from 0 to 100 with
    /// more being better, so that a question whose scale was changed stays one driver. Takes some seconds of a thread for hundreds of thousands.
    pub fn drivers(mut self, score: &str, confidence: Confidence) -> DriverSet {
        self.questions.retain(|it| it != score);
        let answers = Answers::new(self.persons().into_values().map(|it| {
            let own = |key: &str| it.get(key).copied();
            (own(score), self.questions.iter().map(|key| own(key)).collect())
        }));
        let drivers = answers.drivers(confidence, DRAWS, SEED);
        DriverSet { drivers, questions: self.questions, latest_only: self.latest_only }
    }

    /// Of each response its answers by question, as places from 0 to 100.
    pub(super) fn persons(&self) -> BTreeMap<&str, BTreeMap<&str, f64>> {
        let mut persons: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
        for row in &self.rows {
            if let Some(place) = place(row) {
                persons.entry(&row.response).or_default().insert(&row.question, place);
            }
        }
        persons
    }
}

/// Where an answer is on its scale, from 0 to 100; `None` of what is no value of it.
fn place(row: &NumberRow) -> Option<f64> {
    if row.low >= row.high || !(row.low..=row.high).contains(&row.number) {
        return None;
    }
    let place = 100.0 * (row.number - row.low) as f64 / (row.high - row.low) as f64;
    Some(if row.direction == "down" { 100.0 - place } else { place })
}
