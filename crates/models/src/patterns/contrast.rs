//! Which patterns tell two outcomes apart.

use super::{Pattern, Patterns};
use crate::association::{Association, Table};
use crate::discovery::adjusted;
use crate::estimate::{Estimate, TAILS};
use crate::fault::Fault;

/// What a pattern says of an outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// The pattern.
    pub pattern: Pattern,
    /// Its share among those with the outcome and among the others, lift and chance.
    pub association: Association,
    /// The odds of the outcome with the pattern by those without it, with the interval of Woolf (1955); half a person is added to each cell (Haldane 1956,
    /// Anscombe 1956), so that it is finite.
    pub odds_ratio: Estimate,
    /// The share of false ones among all patterns that say as much (Benjamini and Hochberg 1995).
    pub q: f64,
}

impl Patterns {
    /// Of patterns mined with an outcome: all of them with what they say of it, those least likely by chance first. The support that they were chosen by
    /// counts both outcomes together, so it does not favour any, and q counts every one of them.
    pub fn discriminative(&self) -> Result<Vec<Contrast>, Fault> {
        if self.with_outcome == 0 || self.with_outcome >= self.persons {
            return Err(Fault::OneClass);
        }
        let contrast = |pattern: &Pattern| {
            let (others, others_with) = (self.persons - self.with_outcome, pattern.persons - pattern.with_outcome);
            let table = Table { with: pattern.with_outcome, of: self.with_outcome, others_with, others };
            let cells =
                [table.with, table.of - table.with, others_with, others - others_with].map(|it| it as f64 + 0.5);
            let ratio = cells[0] * cells[3] / (cells[1] * cells[2]);
            let error = cells.iter().map(|it| 1.0 / it).sum::<f64>().sqrt();
            let odds_ratio = Estimate::around_positive(ratio, error, TAILS);
            Some(Contrast { pattern: pattern.clone(), association: table.association()?, odds_ratio, q: 1.0 })
        };
        let mut found: Vec<Contrast> = self.patterns.iter().filter_map(contrast).collect();
        let p: Vec<f64> = found.iter().map(|it| it.association.p).collect();
        found.iter_mut().zip(adjusted(&p)).for_each(|(it, q)| it.q = q);
        found.sort_by(|a, b| a.association.p.total_cmp(&b.association.p));
        Ok(found)
    }
}
