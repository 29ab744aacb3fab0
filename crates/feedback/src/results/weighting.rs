//! Scores weighted for who did not answer: each group of those who were asked counts for as many as were reached, not for as many as answered.
//!
//! Only answers to invitations count here: of whom an open link reaches nothing is known.

use std::collections::BTreeMap;

use rapport_domain::WorkspaceId;
use rapport_models::survey::{Confidence, Score, Stratum, Tally, Weighted, weighted};
use rapport_store::{Queries, Result};

use super::scores::{Series, Wanted, measures, scores};
use crate::records::counts::{self, Dimension};

/// The scores of one part of a question on one scale, as they are and weighted.
#[derive(Clone, Debug, PartialEq)]
pub struct Reweighted {
    /// As they are, with the groups.
    pub plain: Series,
    /// Weighted, by name.
    pub scores: Vec<(&'static str, Score)>,
    /// How many of each group were reached.
    pub reached: BTreeMap<Option<String>, u64>,
    /// What the weights cost, and whom they cannot speak for.
    pub weights: Weighted,
}

/// The scores of a question, weighted by group of those who were invited in the time asked for. Empty where nobody answered an invitation.
pub async fn reweighted(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wanted: &Wanted<'_>,
    by: Dimension,
) -> Result<Vec<Reweighted>> {
    let which = counts::Which { invited: true, ..wanted.which };
    let wanted = Wanted { which, by: Some(by), periods: Vec::new(), confidence: wanted.confidence };
    let rows = counts::reached(db, workspace, which, by).await?;
    let reached: BTreeMap<Option<String>, u64> =
        rows.into_iter().map(|(key, people)| (key, u64::try_from(people).unwrap_or_default())).collect();
    let series = scores(db, workspace, &wanted).await?;
    Ok(series.into_iter().filter_map(|it| one(it, &reached, wanted.confidence)).collect())
}

fn one(plain: Series, reached: &BTreeMap<Option<String>, u64>, confidence: Confidence) -> Option<Reweighted> {
    let answers = |key: &Option<String>| plain.groups.iter().find(|it| it.key == *key).map(|it| it.cell.tally.clone());
    let stratum = |(key, population): (&Option<String>, &u64)| Stratum {
        population: *population,
        tally: answers(key).unwrap_or_else(|| Tally::new(plain.scale, [])),
    };
    let strata: Vec<Stratum> = reached.iter().map(stratum).collect();
    // Groups that are left out are not unknown.
    let weights = weighted(&strata).filter(|_| plain.more_groups == 0)?;
    let score = |(name, measure): (&'static str, rapport_models::survey::Measure)| {
        Some((name, measure.score(&weights.shares, confidence)?))
    };
    let scores = measures(&plain.kind, plain.scale).into_iter().filter_map(score).collect();
    Some(Reweighted { scores, reached: reached.clone(), weights, plain })
}
