//! Weights and proxies by turns, then the regressions between constructs.

use super::{Fit, Mode, Model, Scheme, Unfit};
use crate::columns::Columns;
use crate::symmetric::solved;

/// Weights that change by less are settled.
pub(super) const SETTLED: f64 = 1e-12;
/// Turns after which they are taken never to settle; well-posed models take some tens.
const TURNS: usize = 5_000;

/// The model fitted to what the columns have in common, once no weight changes by as much as `settled`.
pub(super) fn fit(model: &Model, columns: &Columns, scheme: Scheme, settled: f64) -> Result<Fit, Unfit> {
    let questions = columns.correlations();
    let deviations: Vec<f64> = (0..questions.len()).map(|at| columns.deviation(at)).collect();
    let weights = if model.unstandardised {
        let covariance =
            |(row, one): (&Vec<f64>, &f64)| row.iter().zip(&deviations).map(|(r, it)| r * one * it).collect();
        let covariances: Vec<Vec<f64>> = questions.iter().zip(&deviations).map(covariance).collect();
        let found = turned(model, &covariances, scheme, settled)?;
        // Of standardised answers, as everywhere else.
        let own = |(it, own): (&super::Construct, Vec<f64>)| {
            it.indicators.iter().zip(own).map(|(at, weight)| weight * deviations[*at]).collect()
        };
        model.constructs.iter().zip(found).map(own).collect()
    } else {
        turned(model, &questions, scheme, settled)?
    };
    let loadings = loadings(model, &questions, &weights);
    let correlations = between(model, &loadings, &weights);
    let (coefficients, r_squared) = regressions(model, &correlations);
    Ok(Fit {
        total_effects: total(&coefficients),
        weights,
        loadings,
        correlations,
        coefficients,
        r_squared,
        answers: columns.n as u64,
        incomplete: 0,
        means: columns.means.clone(),
        deviations,
        questions,
        constructs: model.constructs.clone(),
    })
}

/// The weights of each construct's questions, such that the construct has the variance 1.
fn turned(model: &Model, questions: &[Vec<f64>], scheme: Scheme, settled: f64) -> Result<Vec<Vec<f64>>, Unfit> {
    let alike = model.constructs.iter().enumerate();
    let mut weights: Vec<Vec<f64>> =
        alike.map(|(at, it)| scaled(model, questions, at, vec![1.0; it.indicators.len()])).collect();
    for _ in 0..TURNS {
        let with = loadings(model, questions, &weights);
        let inner = inner(model, &between(model, &with, &weights), scheme);
        let turned: Vec<Vec<f64>> = (0..weights.len()).map(|at| outer(model, questions, &with, &inner, at)).collect();
        let change = turned.iter().flatten().zip(weights.iter().flatten());
        let change = change.map(|(now, before)| (now.abs() - before.abs()).abs()).fold(0.0, f64::max);
        weights = turned;
        if change < settled {
            return Ok(pointing(model, questions, weights));
        }
    }
    Err(Unfit::NotConverged)
}

/// How much each neighbour of a construct counts for its proxy.
fn inner(model: &Model, correlations: &[Vec<f64>], scheme: Scheme) -> Vec<Vec<f64>> {
    let n = model.constructs.len();
    let mut inner = vec![vec![0.0; n]; n];
    for (to, before) in model.before.iter().enumerate() {
        for from in before {
            let r = correlations[*from][to];
            let weight = if scheme == Scheme::Centroid { if r < 0.0 { -1.0 } else { 1.0 } } else { r };
            (inner[to][*from], inner[*from][to]) = (weight, weight);
        }
        if scheme == Scheme::Path {
            let regression = regression(correlations, before, to);
            before.iter().zip(regression).for_each(|(from, weight)| inner[to][*from] = weight);
        }
    }
    inner
}

/// The weights of a construct's questions by their correlations with its proxy.
fn outer(model: &Model, questions: &[Vec<f64>], with: &[Vec<f64>], inner: &[Vec<f64>], at: usize) -> Vec<f64> {
    let construct = &model.constructs[at];
    let proxy = |question: &usize| inner[at].iter().zip(&with[*question]).map(|(e, r)| e * r).sum::<f64>();
    let simple: Vec<f64> = construct.indicators.iter().map(proxy).collect();
    let weights = match construct.mode {
        Mode::Reflective => simple,
        Mode::Formative => solved(&block(questions, &construct.indicators), &simple),
    };
    scaled(model, questions, at, weights)
}

/// The same weights with a construct of the variance 1.
fn scaled(model: &Model, questions: &[Vec<f64>], at: usize, weights: Vec<f64>) -> Vec<f64> {
    let block = block(questions, &model.constructs[at].indicators);
    let inside = |row: &Vec<f64>| row.iter().zip(&weights).map(|(r, w)| r * w).sum::<f64>();
    let variance: f64 = block.iter().map(inside).zip(&weights).map(|(r, w)| r * w).sum();
    weights.iter().map(|it| it / variance.sqrt()).collect()
}

fn block(questions: &[Vec<f64>], places: &[usize]) -> Vec<Vec<f64>> {
    places.iter().map(|i| places.iter().map(|j| questions[*i][*j]).collect()).collect()
}

/// The correlation of each question with each construct.
fn loadings(model: &Model, questions: &[Vec<f64>], weights: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let with = |row: &Vec<f64>| {
        let one =
            |(it, own): (&super::Construct, &Vec<f64>)| it.indicators.iter().zip(own).map(|(at, w)| row[*at] * w).sum();
        model.constructs.iter().zip(weights).map(one).collect()
    };
    questions.iter().map(with).collect()
}

/// The correlations of the constructs.
fn between(model: &Model, loadings: &[Vec<f64>], weights: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = weights.len();
    let cell = |i: usize, j: usize| -> f64 {
        model.constructs[i].indicators.iter().zip(&weights[i]).map(|(at, w)| loadings[*at][j] * w).sum()
    };
    (0..n).map(|i| (0..n).map(|j| cell(i, j)).collect()).collect()
}

/// Weights turned so that a construct points where most of its questions do.
fn pointing(model: &Model, questions: &[Vec<f64>], mut weights: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let loadings = loadings(model, questions, &weights);
    for (at, construct) in model.constructs.iter().enumerate() {
        if construct.indicators.iter().map(|it| loadings[*it][at]).sum::<f64>() < 0.0 {
            weights[at].iter_mut().for_each(|it| *it = -*it);
        }
    }
    weights
}

fn regression(correlations: &[Vec<f64>], before: &[usize], to: usize) -> Vec<f64> {
    let with: Vec<f64> = before.iter().map(|it| correlations[*it][to]).collect();
    solved(&block(correlations, before), &with)
}

/// The paths from each to each, and how much of each they explain.
fn regressions(model: &Model, correlations: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<Option<f64>>) {
    let n = model.constructs.len();
    let mut coefficients = vec![vec![0.0; n]; n];
    let mut explained = vec![None; n];
    for (to, before) in model.before.iter().enumerate().filter(|it| !it.1.is_empty()) {
        let paths = regression(correlations, before, to);
        explained[to] = Some(before.iter().zip(&paths).map(|(from, path)| correlations[*from][to] * path).sum());
        before.iter().zip(paths).for_each(|(from, path)| coefficients[*from][to] = path);
    }
    (coefficients, explained)
}

/// Paths and all chains of paths: B + B² + …, which end because no path leads back.
fn total(coefficients: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = coefficients.len();
    let mut total = coefficients.to_vec();
    for _ in 1..n {
        let chained = |i: usize, j: usize| (0..n).map(|k| coefficients[i][k] * total[k][j]).sum::<f64>();
        total = (0..n).map(|i| (0..n).map(|j| coefficients[i][j] + chained(i, j)).collect()).collect();
    }
    total
}
