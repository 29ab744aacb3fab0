//! What people make of a wish: in all, and by group.

use std::collections::BTreeMap;

use rapport_domain::WorkspaceId;
use rapport_models::survey::Confidence;
use rapport_models::survey::kano::{Attitude, Evaluation, Pairs, Point, Wish, homogeneity};
use rapport_store::{Queries, Result};

use crate::records::counts::{self, Dimension, PairRow, Which};

/// A wish, as some people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wished {
    /// Which group; none for everybody, and for those of whom it is not known.
    pub key: Option<String>,
    /// The people who answered both halves.
    pub answers: u64,
    /// Category, strength and coefficients.
    pub wish: Wish,
    /// The continuous variant.
    pub point: Point,
}

/// A wish, as everybody sees it, and groups of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Wishes {
    /// Everybody.
    pub all: Wished,
    /// The groups, the largest first.
    pub groups: Vec<Wished>,
    /// How likely groups that differ so much are by chance; `None` where there is nothing to compare.
    pub p: Option<f64>,
}

/// What people make of a wish; `None` without answers.
pub async fn wishes(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    which: Which<'_>,
    by: Option<Dimension>,
    (evaluation, confidence): (Evaluation, Confidence),
) -> Result<Option<Wishes>> {
    let rows = counts::pairs(db, workspace, which, by).await?;
    let wished = |key: Option<String>, rows: &[&PairRow]| {
        let pairs = Pairs::new(rows.iter().filter_map(|row| pair(row)));
        let (wish, point) = (pairs.wish(evaluation, confidence)?, pairs.point(evaluation, confidence)?);
        Some(Wished { key, answers: pairs.answers(), wish, point })
    };
    let Some(all) = wished(None, &rows.iter().collect::<Vec<_>>()) else { return Ok(None) };
    let mut groups: BTreeMap<Option<String>, Vec<&PairRow>> = BTreeMap::new();
    if by.is_some() {
        rows.iter().for_each(|row| groups.entry(row.dimension.clone()).or_default().push(row));
    }
    let mut groups: Vec<Wished> = groups.into_iter().filter_map(|(key, rows)| wished(key, &rows)).collect();
    groups.sort_by_key(|it| std::cmp::Reverse(it.answers));
    let p = homogeneity(&groups.iter().map(|it| it.wish.counts).collect::<Vec<_>>());
    Ok(Some(Wishes { all, groups, p }))
}

fn pair(row: &PairRow) -> Option<((Attitude, Attitude), u64)> {
    let attitude = |number: i64| Attitude::ALL.get(usize::try_from(number.checked_sub(1)?).ok()?).copied();
    Some(((attitude(row.functional)?, attitude(row.dysfunctional)?), u64::try_from(row.answers).ok()?))
}
