//! What was chosen from a list, as shares: each choice is a scale of its own on which one is chosen and nought is not, so that groups, trends and their
//! tests are those of scores.
//!
//! Always holds: a share is of those who answered the question; of a matrix, of those who answered the row; of a ranking it is of being put first.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::WorkspaceId;
use rapport_store::{Queries, Result};

use super::scores::{Series, Wanted, series_of};
use crate::records::counts::{self, ChosenRow, CountRow, Dimension, Which};

/// The kind of these scores, beside those of questions on a scale.
pub const CHOICE: &str = "choice";

/// The shares of a question's choices. The part of each is its key; of a matrix the row and the choice, with a slash between.
pub async fn choices(db: &mut impl Queries, workspace: WorkspaceId, wanted: &Wanted<'_>) -> Result<Vec<Series>> {
    let grouped = counted(db, workspace, wanted.which, wanted.by).await?;
    let mut periods = Vec::new();
    for ends in wanted.periods.windows(2) {
        let (from, to) = (ends[0].max(wanted.which.from), ends[1].min(wanted.which.to));
        let which = Which { from, to, ..wanted.which };
        periods.push(((ends[0], ends[1]), counted(db, workspace, which, None).await?));
    }
    Ok(series_of(&grouped, wanted.by.map(|_| &grouped[..]), &periods, wanted.confidence))
}

async fn counted(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    which: Which<'_>,
    by: Option<Dimension>,
) -> Result<Vec<CountRow>> {
    let chosen = counts::chosen(db, workspace, which, by).await?;
    let answered = counts::answered(db, workspace, which, by).await?;
    Ok(as_scales(&chosen, &answered.into_iter().collect()))
}

/// Of each choice, in each group, how many chose it and how many did not.
fn as_scales(chosen: &[ChosenRow], answered: &BTreeMap<Option<String>, i64>) -> Vec<CountRow> {
    // Whoever answers a row of a matrix chooses one thing in it.
    let mut lines: BTreeMap<(&Option<String>, &str), i64> = BTreeMap::new();
    for row in chosen.iter().filter(|row| !row.line.is_empty()) {
        *lines.entry((&row.dimension, &row.line)).or_default() += row.answers;
    }
    let asked: BTreeSet<(&str, &str)> = chosen.iter().map(|row| (row.line.as_str(), row.picked.as_str())).collect();
    let groups: BTreeSet<&Option<String>> = chosen.iter().map(|row| &row.dimension).chain(answered.keys()).collect();
    let mut hits: BTreeMap<(&Option<String>, &str, &str), i64> = BTreeMap::new();
    for row in chosen {
        *hits.entry((&row.dimension, &row.line, &row.picked)).or_default() += row.answers;
    }
    let mut rows = Vec::new();
    for (line, choice) in asked {
        for dimension in &groups {
            let of = if line.is_empty() { answered.get(*dimension) } else { lines.get(&(*dimension, line)) };
            let hit = hits.get(&(*dimension, line, choice)).copied().unwrap_or_default();
            let part = if line.is_empty() { choice.to_owned() } else { format!("{line}/{choice}") };
            for (number, answers) in [(1, hit), (0, of.copied().unwrap_or_default() - hit)] {
                if answers > 0 {
                    rows.push(CountRow {
                        dimension: (*dimension).clone(),
                        part: part.clone(),
                        kind: CHOICE.to_owned(),
                        low: Some(0),
                        high: Some(1),
                        direction: Some("up".to_owned()),
                        number: Some(number),
                        answers,
                    });
                }
            }
        }
    }
    rows
}
