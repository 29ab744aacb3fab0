//! A trial of several arms, of which arm 0 is the control.
//!
//! Always holds: each arm is compared with the control among the rows of these two, with the chance of the one given either; a policy over arms is judged by all
//! rows, each weighted by one over the chance of what it got.

use super::comparison::{Comparison, NEARLY_CERTAIN, Response};
use super::learners::Uplift;
use super::{Learner, Options};
use crate::bandits::{Logged, Value, self_normalised};
use crate::fault::{Fault, none_of};
use crate::learn::{Outcome, Table};

/// With which chance arms were given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Chances<'a> {
    /// Everybody had the same, which are the shares of the arms.
    Shares,
    /// Everybody had these, arm by arm.
    Alike(&'a [f64]),
    /// Each row had its own: those of the first row arm by arm, then of the second ...
    Each(&'a [f64]),
}

/// Who got which arm, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    table: Table,
    arms: Vec<usize>,
    count: usize,
    response: Response,
    /// Row by row, arm by arm.
    chances: Vec<f64>,
}

/// A model of effects for each arm but the control.
#[derive(Clone, Debug, PartialEq)]
pub struct Effects {
    models: Vec<Uplift>,
}

impl Trial {
    /// A trial; `arms` has each row's arm, from 0, and every arm up to the highest has rows.
    pub fn new(table: Table, arms: &[usize], outcome: Outcome, chances: Chances) -> Result<Self, Fault> {
        let rows = table.rows();
        for (what, have) in [("arms", arms.len()), ("outcomes", outcome.len())] {
            if have != rows {
                return Err(Fault::Shape { what, have, need: rows });
            }
        }
        let count = arms.iter().max().map_or(0, |it| it + 1);
        if count < 2 || count > rows {
            return Err(Fault::TooFew { what: "arms with rows", have: count.min(1), need: 2 });
        }
        let mut counts = vec![0; count];
        arms.iter().for_each(|it| counts[*it] += 1);
        if let Some(have) = counts.iter().copied().find(|it| *it < 2) {
            return Err(Fault::TooFew { what: "rows of an arm", have, need: 2 });
        }
        let response = Response::of(outcome);
        response.checked()?;
        let (chances, per_row) = match chances {
            Chances::Shares => (counts.iter().map(|it| *it as f64 / rows as f64).collect::<Vec<_>>(), 1),
            Chances::Alike(it) => (it.to_vec(), 1),
            Chances::Each(it) => (it.to_vec(), rows),
        };
        if chances.len() != per_row * count {
            return Err(Fault::Shape { what: "chances of arms", have: chances.len(), need: per_row * count });
        }
        let chances = if per_row == 1 { chances.repeat(rows) } else { chances };
        let of: Vec<&[f64]> = chances.chunks(count).collect();
        let possible = |it: &&[f64]| {
            it.iter().all(|it| (NEARLY_CERTAIN..=1.0 - NEARLY_CERTAIN).contains(it))
                && (it.iter().sum::<f64>() - 1.0).abs() < 1e-6
        };
        none_of(&of, |it| !possible(it), |row| Fault::OutOfRange { what: "a propensity", row })?;
        Ok(Self { table, arms: arms.to_vec(), count, response, chances })
    }

    /// How many arms, with the control.
    pub fn arms(&self) -> usize {
        self.count
    }

    /// The rows of an arm and of the control.
    pub fn against_control(&self, arm: usize) -> Result<(Table, Comparison), Fault> {
        if arm == 0 || arm >= self.count {
            return Err(Fault::Shape {
                what: "as the place of an arm beside the control",
                have: arm,
                need: self.count - 1,
            });
        }
        let places: Vec<usize> = (0..self.arms.len()).filter(|at| [0, arm].contains(&self.arms[*at])).collect();
        let treated: Vec<bool> = places.iter().map(|at| self.arms[*at] == arm).collect();
        let chance = |at: &usize| {
            let own = &self.chances[at * self.count..(at + 1) * self.count];
            own[arm] / (own[arm] + own[0])
        };
        let propensity: Vec<f64> = places.iter().map(chance).collect();
        let response = self.response.taken(&places);
        Ok((self.table.taken(&places), Comparison::new(&treated, response.outcome(), Some(&propensity))?))
    }

    /// What giving each row the arm in `chosen` would bring a row, less the cost of that arm: by the rows that did get it (self-normalised inverse propensity).
    pub fn value(&self, chosen: &[usize], costs: &[f64]) -> Result<Value, Fault> {
        let lengths = [("choices", chosen.len(), self.arms.len()), ("costs of arms", costs.len(), self.count)];
        for (what, have, need) in lengths {
            if have != need {
                return Err(Fault::Shape { what, have, need });
            }
        }
        let logged = |at: usize| Logged {
            propensity: self.chances[at * self.count + self.arms[at]],
            target: f64::from(u8::from(chosen[at] == self.arms[at])),
            reward: self.response.value(at) - costs[self.arms[at]],
        };
        let logged: Vec<Logged> = (0..self.arms.len()).map(logged).collect();
        self_normalised(&logged, f64::MAX)
    }
}

impl Effects {
    /// Learns the effects of each arm against the control.
    pub fn fit(trial: &Trial, learner: Learner, options: &Options) -> Result<Self, Fault> {
        let model = |arm| {
            let (table, comparison) = trial.against_control(arm)?;
            Uplift::fit(&table, &comparison, learner, options)
        };
        Ok(Self { models: (1..trial.arms()).map(model).collect::<Result<_, _>>()? })
    }

    /// For each arm but the control the effect on each row.
    pub fn predict(&self, table: &Table) -> Result<Vec<Vec<f64>>, Fault> {
        self.models.iter().map(|it| it.predict(table)).collect()
    }

    /// For each row the arm whose effect is furthest above its cost, which is in the unit of the outcome; the control where none is. Costs are those of all
    /// arms, the control first.
    pub fn chosen(&self, table: &Table, costs: &[f64]) -> Result<Vec<usize>, Fault> {
        let arms = self.models.len() + 1;
        if costs.len() != arms {
            return Err(Fault::Shape { what: "costs of arms", have: costs.len(), need: arms });
        }
        let effects = self.predict(table)?;
        let net = |arm: usize, row: usize| if arm == 0 { 0.0 } else { effects[arm - 1][row] } - costs[arm];
        let best = |row| (0..arms).rev().max_by(|a, b| net(*a, row).total_cmp(&net(*b, row))).unwrap_or(0);
        Ok((0..table.rows()).map(best).collect())
    }
}
