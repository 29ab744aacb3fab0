//! Whether the whole model holds: the same blocks and paths fitted by covariances (maximum likelihood), which tests what composites take for granted.
//!
//! Always holds: it is fitted to the same people as the composites; limits are those of Hu and Bentler (1999) and Browne and Cudeck (1993), and what the data cannot test
//! is called untested, never good.
//!
//! Does not do: blocks that their questions make up: by covariances a block is what its questions have in common.

use std::fmt::Write as _;

use rapport_models::structural::{Divisor, Fit, Kind, Measures, Model, Relation, Scale, Warning};
use rapport_models::survey::Confidence;
use rapport_models::survey::paths::Mode;
use rapport_models::{Estimate, Fault};

use super::Drawn;

/// How well the whole fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// CFI from .95, RMSEA up to .06, SRMR up to .08.
    Well,
    /// CFI from .90, RMSEA up to .08, SRMR up to .10.
    Fairly,
    /// Less: something is between the questions that the model does not say.
    No,
    /// There are as many parameters as variances and covariances, so anything fits.
    Untested,
}

impl Holds {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Fairly => "fairly",
            Self::No => "no",
            Self::Untested => "untested",
        }
    }

    /// By the measures of a fit. The error is what is known of it, not the end of its interval.
    pub fn of(measures: &Measures) -> Self {
        let Some(rmsea) = measures.rmsea else { return Self::Untested };
        let within = |cfi: f64, error: f64, residual: f64| {
            measures.cfi >= cfi && rmsea.value <= error && measures.srmr <= residual
        };
        if within(0.95, 0.06, 0.08) {
            Self::Well
        } else if within(0.90, 0.08, 0.10) {
            Self::Fairly
        } else {
            Self::No
        }
    }
}

/// The same model by covariances.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// How well it fits.
    pub measures: Measures,
    /// The same in a word.
    pub holds: Holds,
    /// Each path by the places of its blocks, in standard deviations.
    pub paths: Vec<((usize, usize), Estimate)>,
    /// Blocks whose single paths say nothing, since the others that lead to the same block say the same: from where, to where.
    pub hardly_apart: Vec<(usize, usize)>,
    /// Whether a variance is below zero or a correlation beyond one: the model does not suit the data.
    pub impossible: bool,
}

/// The model fitted to the answers of those who answered all of it, a row each, in the order of its questions.
pub(super) fn whole(drawn: &Drawn, rows: &[Vec<f64>], confidence: Confidence) -> Result<Whole, Fault> {
    if drawn.blocks.iter().any(|it| it.mode != Mode::Reflective) {
        return Err(Fault::NotIdentified { why: "a block that its questions make up, by covariances" });
    }
    let many: usize = drawn.blocks.iter().map(|it| it.questions.len()).sum();
    let names: Vec<String> = (0..many).map(|at| format!("q{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let unread = |_| Fault::NotIdentified { why: "a model of these blocks by covariances" };
    let model = Model::read(&text(drawn), &names, Scale::Marker).map_err(unread)?;
    let columns: Vec<Vec<f64>> = (0..many).map(|at| rows.iter().map(|row| row[at]).collect()).collect();
    let fit = model.fit(&columns, Divisor::N)?;
    let relations = fit.relations(confidence.tails());
    let path = |(from, to): &(usize, usize)| {
        let (left, right) = (block(*to), block(*from));
        let own = |it: &&Relation| it.kind == Kind::Regression && it.left == left && it.right == right;
        relations.iter().find(own).map(|it| ((*from, *to), it.standardised))
    };
    Ok(Whole {
        holds: Holds::of(&fit.measures),
        paths: drawn.paths.iter().filter_map(path).collect(),
        hardly_apart: hardly_apart(&fit),
        impossible: fit
            .warnings
            .iter()
            .any(|it| matches!(it, Warning::NegativeVariance { .. } | Warning::BeyondOne { .. } | Warning::Impossible)),
        measures: fit.measures,
    })
}

/// A block's name in the text of the model: keys are anybody's words.
fn block(at: usize) -> String {
    format!("b{at}")
}

fn text(drawn: &Drawn) -> String {
    let (mut text, mut before) = (String::new(), 0);
    for (at, it) in drawn.blocks.iter().enumerate() {
        let questions: Vec<String> = (before..before + it.questions.len()).map(|at| format!("q{at}")).collect();
        before += it.questions.len();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} =~ {}", block(at), questions.join(" + "));
    }
    for (from, to) in &drawn.paths {
        let _ = writeln!(text, "{} ~ {}", block(*to), block(*from));
    }
    text
}

fn hardly_apart(fit: &Fit) -> Vec<(usize, usize)> {
    let place = |name: &str| name.strip_prefix('b').and_then(|it| it.parse::<usize>().ok());
    let told = fit.warnings.iter().filter_map(|it| match it {
        Warning::HardlyApart { to, from, .. } => Some((place(from)?, place(to)?)),
        _ => None,
    });
    told.collect()
}
