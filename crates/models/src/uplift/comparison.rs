//! One treatment against none: who was treated, with which chance, and what came of it.
//!
//! Always holds: both arms have two rows or more, outcomes are finite and not all the same, and propensities are away from 0 and 1. Weights make the arms
//! alike where propensities differ: one over the chance of the arm that a row is in, with mean 1 in each arm; where propensities do not differ they are 1.

use crate::fault::{Fault, none_of};
use crate::learn::Outcome;

/// A propensity nearer to 0 or 1 than this is taken for it.
pub const NEARLY_CERTAIN: f64 = 1e-6;

/// What came of it, row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// Whether something came true.
    Class(Vec<bool>),
    /// A number, such as what was spent.
    Number(Vec<f64>),
}

/// Treated rows and controls.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    treated: Vec<bool>,
    response: Response,
    propensity: Vec<f64>,
    weights: Vec<f64>,
}

impl Response {
    /// Of what is learnt.
    pub fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Class(it) => Self::Class(it.to_vec()),
            Outcome::Number(it) => Self::Number(it.to_vec()),
        }
    }

    /// As what is learnt.
    pub fn outcome(&self) -> Outcome<'_> {
        match self {
            Self::Class(it) => Outcome::Class(it),
            Self::Number(it) => Outcome::Number(it),
        }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.outcome().len()
    }

    /// The number at a row; 1 for what came true.
    pub fn value(&self, row: usize) -> f64 {
        match self {
            Self::Class(it) => f64::from(u8::from(it[row])),
            Self::Number(it) => it[row],
        }
    }

    /// Those at these places.
    pub fn taken(&self, places: &[usize]) -> Self {
        match self {
            Self::Class(it) => Self::Class(places.iter().map(|at| it[*at]).collect()),
            Self::Number(it) => Self::Number(places.iter().map(|at| it[*at]).collect()),
        }
    }

    /// Whether it can be read at all.
    pub(super) fn checked(&self) -> Result<(), Fault> {
        let alike = match self {
            Self::Class(it) => it.iter().all(|label| *label == it[0]),
            Self::Number(it) => {
                none_of(it, |it| it.is_nan() || it.abs() >= 1e15, |row| Fault::NotFinite { row })?;
                it.iter().all(|own| *own == it[0])
            }
        };
        if alike { Err(Fault::OneClass) } else { Ok(()) }
    }
}

impl Comparison {
    /// Treated rows and controls. `propensity` is the chance with which each row was to be treated, as it was drawn; without it everybody had the same
    /// chance, which is then the share of the treated.
    pub fn new(treated: &[bool], outcome: Outcome, propensity: Option<&[f64]>) -> Result<Self, Fault> {
        let rows = treated.len();
        let lengths = [("outcomes", outcome.len()), ("propensities", propensity.map_or(rows, <[f64]>::len))];
        for (what, have) in lengths {
            if have != rows {
                return Err(Fault::Shape { what, have, need: rows });
            }
        }
        let count = treated.iter().filter(|it| **it).count();
        for (what, have) in [("treated rows", count), ("controls", rows - count)] {
            if have < 2 {
                return Err(Fault::TooFew { what, have, need: 2 });
            }
        }
        let response = Response::of(outcome);
        response.checked()?;
        let propensity = propensity.map_or_else(|| vec![count as f64 / rows as f64; rows], <[f64]>::to_vec);
        let possible = |it: &f64| (NEARLY_CERTAIN..=1.0 - NEARLY_CERTAIN).contains(it);
        none_of(&propensity, |it| !possible(it), |row| Fault::OutOfRange { what: "a propensity", row })?;
        let weights = weights(treated, &propensity);
        Ok(Self { treated: treated.to_vec(), response, propensity, weights })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.treated.len()
    }

    /// Who was treated.
    pub fn treated(&self) -> &[bool] {
        &self.treated
    }

    /// What came of it.
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// The chance of each row to be treated.
    pub fn propensity(&self) -> &[f64] {
        &self.propensity
    }

    /// What each row counts in its arm.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The same of the rows at these places.
    pub fn taken(&self, places: &[usize]) -> Result<Self, Fault> {
        let treated: Vec<bool> = places.iter().map(|at| self.treated[*at]).collect();
        let propensity: Vec<f64> = places.iter().map(|at| self.propensity[*at]).collect();
        Self::new(&treated, self.response.taken(places).outcome(), Some(&propensity))
    }

    /// The places of an arm's rows.
    pub(super) fn arm(&self, treated: bool) -> Vec<usize> {
        (0..self.rows()).filter(|at| self.treated[*at] == treated).collect()
    }

    /// The chance of the arm that a row is in.
    pub(super) fn chance(&self, row: usize) -> f64 {
        if self.treated[row] { self.propensity[row] } else { 1.0 - self.propensity[row] }
    }
}

fn weights(treated: &[bool], propensity: &[f64]) -> Vec<f64> {
    if propensity.iter().all(|it| *it == propensity[0]) {
        return vec![1.0; treated.len()];
    }
    let mut weights: Vec<f64> =
        treated.iter().zip(propensity).map(|(treated, e)| 1.0 / if *treated { *e } else { 1.0 - e }).collect();
    for arm in [true, false] {
        let own = || weights.iter().zip(treated).filter(|it| *it.1 == arm).map(|it| *it.0);
        let mean = own().sum::<f64>() / own().count() as f64;
        weights.iter_mut().zip(treated).filter(|it| *it.1 == arm).for_each(|it| *it.0 /= mean);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_compared_is_said_with_its_rows() {
        let treated = [true, true, false, false];
        let class = [true, false, true, false];
        let made =
            |treated: &[bool], outcome, propensity| Comparison::new(treated, outcome, propensity).map(|it| it.rows());
        assert_eq!(made(&treated, Outcome::Class(&class), None), Ok(4));
        assert_eq!(
            made(&[true, true, true, false], Outcome::Class(&class), None),
            Err(Fault::TooFew { what: "controls", have: 1, need: 2 })
        );
        assert_eq!(made(&treated, Outcome::Class(&[true; 4]), None), Err(Fault::OneClass));
        assert_eq!(made(&treated, Outcome::Number(&[2.0; 4]), None), Err(Fault::OneClass));
        assert_eq!(
            made(&treated, Outcome::Number(&[0.0, 1.0, f64::NAN, 2.0]), None),
            Err(Fault::NotFinite { row: vec![2] })
        );
        let found = made(&treated, Outcome::Class(&class), Some(&[0.5, 1.0, 0.0, f64::NAN]));
        assert_eq!(found, Err(Fault::OutOfRange { what: "a propensity", row: vec![1, 2, 3] }));
        assert!(made(&treated, Outcome::Class(&class[..3]), None).is_err());
    }

    #[test]
    fn weights_make_the_arms_alike() {
        let class = [true, false, true, false];
        let of = |propensity: &[f64]| {
            Comparison::new(&[true, true, false, false], Outcome::Class(&class), Some(propensity)).unwrap().weights
        };
        assert_eq!(of(&[0.3; 4]), [1.0; 4]);
        let found = of(&[0.2, 0.6, 0.5, 0.5]);
        assert!((found[0] - 1.5).abs() < 1e-12 && (found[1] - 0.5).abs() < 1e-12 && found[2..] == [1.0, 1.0]);
    }
}
