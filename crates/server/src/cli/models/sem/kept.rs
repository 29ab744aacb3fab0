//! What it takes to score other rows by a fitted model, and rows of scores.

use std::path::Path;

use anyhow::{Result, bail};
use rapport_imports::written::Column;
use serde::{Deserialize, Serialize};

use super::{SemArgs, saved};
use crate::cli::models::input::{Data, Need};
use crate::cli::models::plot;
use crate::cli::models::report::{Report, figure};

/// The model as it is kept.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    /// What was asked for.
    pub text: String,
    pub columns: Vec<String>,
    pub latent: Vec<String>,
    pub means: Vec<f64>,
    /// For each latent variable or construct what each column counts.
    pub weights: Vec<Vec<f64>>,
    /// Whether they are composites.
    #[serde(default)]
    pub composites: bool,
    /// Indices from 0 to 100, of composites with a scale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indices: Vec<Index>,
}

impl Kept {
    /// The scores of every row by each latent variable or construct; `columns` are those of [`Self::columns`].
    pub fn scores(&self, columns: &[Vec<f64>], rows: usize) -> Vec<Vec<f64>> {
        let score = |row: usize, weights: &[f64]| {
            weights.iter().enumerate().map(|(at, it)| it * (columns[at][row] - self.means[at])).sum::<f64>()
        };
        self.weights.iter().map(|own| (0..rows).map(|row| score(row, own)).collect()).collect()
    }
}

/// An index: the mean of answers, weighted, from 0 where all are the worst to 100 where all are the best.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Index {
    /// The construct's name.
    pub name: String,
    /// What each column counts; together 1.
    pub weights: Vec<f64>,
    pub worst: f64,
    pub best: f64,
}

impl Index {
    /// Of somebody's answers, one a column.
    pub fn of(&self, answer: impl Fn(usize) -> f64) -> f64 {
        let mean: f64 = self.weights.iter().enumerate().filter(|it| *it.1 != 0.0).map(|(at, it)| it * answer(at)).sum();
        100.0 * (mean - self.worst) / (self.best - self.worst)
    }
}

/// A row a person, of a column of scores a latent variable.
pub fn rows(data: &Data, customer: Option<usize>, latent: &[String], scores: &[Vec<f64>]) -> Vec<Column> {
    if latent.is_empty() {
        return Vec::new();
    }
    let scores = latent.iter().zip(scores).map(|(name, own)| Column::numbers(name, own.clone()));
    std::iter::once(Column::texts("customer", data.called(customer))).chain(scores).collect()
}

/// Indices of every row, as columns.
pub fn indexed(indices: &[Index], columns: &[Vec<f64>], rows: usize) -> Vec<Column> {
    let of = |it: &Index| {
        let values = (0..rows).map(|row| it.of(|at| columns[at][row])).collect();
        Column::numbers(&format!("index:{}", it.name), values)
    };
    indices.iter().map(of).collect()
}

/// Scores of other rows by a kept model.
pub fn again(args: &SemArgs, path: &Path, mut data: Data, customer: Option<usize>) -> Result<()> {
    let data = &mut data;
    let kept: Kept = saved::load(path, "sem", data)?;
    let width = kept.columns.len();
    let fits = kept.means.len() == width && kept.weights.len() == kept.latent.len();
    let sound = |it: &Index| it.weights.len() == width && it.worst != it.best;
    if !fits
        || kept.weights.iter().any(|it| it.len() != width)
        || kept.latent.is_empty()
        || !kept.indices.iter().all(sound)
    {
        bail!("{} does not fit together, or has no latent variable to score; fit the model again", path.display());
    }
    let places = data.several("load", &kept.columns)?;
    let need = |at: usize| {
        let of = kept.indices.iter().find(|it| it.weights[at] != 0.0);
        of.map_or(Need::Number, |it| Need::Between(it.worst.min(it.best), it.worst.max(it.best)))
    };
    let mut needs: Vec<(usize, Need)> = places.iter().enumerate().map(|(at, place)| (*place, need(at))).collect();
    needs.extend(customer.map(|it| (it, Need::Unique)));
    data.require(&needs)?;
    let columns: Vec<Vec<f64>> = places.iter().map(|it| data.numbers(*it)).collect();
    let scores = kept.scores(&columns, data.rows());
    let mut report = Report::new(if kept.composites { super::composites::NAME } else { "structural equation model" });
    for (values, name) in scores.iter().zip(&kept.latent) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        report.metric(&format!("mean:{name}"), mean);
        let (low, high) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(*it), high.max(*it)));
        if high > low {
            report.part(&format!("Rows by {name}"), &plot::distribution(values, low, high, figure));
        }
    }
    for index in &kept.indices {
        // That of means is the mean of those of rows.
        let mean = |at: usize| columns[at].iter().sum::<f64>() / data.rows() as f64;
        report.metric(&format!("index:{}", index.name), index.of(mean));
    }
    report.rows = rows(data, customer, &kept.latent, &scores);
    report.rows.extend(indexed(&kept.indices, &columns, data.rows()));
    report.sure = "scores are off the mean of the rows that the model was fitted to; whether the model holds for these rows is not asked.".to_owned();
    report.cannot = "that somebody's score is exact: it is the expected value given their answers.".to_owned();
    report.show(&args.input, data)
}
