//! Bandits as bytes and back, so that they go on where they were, also in their chance.
//!
//! Always holds: what is read is the same in every bit, and bytes that are cut short, longer, or of something else are refused.

use super::belief::Chances;
use super::choice::Rule;
use super::factor::Factor;
use super::linear::{LinearArm, LinearBandit, LinearOptions};
use super::plain::{Bandit, Rewards, Tally};
use crate::fault::Fault;
use crate::resampling::Draws;

/// The first word, with the version of the form.
const PLAIN: u64 = u64::from_le_bytes(*b"bandit01");
const LINEAR: u64 = u64::from_le_bytes(*b"linear01");

const BROKEN: Fault = Fault::NotIdentified { why: "a bandit: these bytes are cut short or of something else" };

/// Words of 8 bytes, the lowest first.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn word(&mut self, it: u64) {
        self.0.extend(it.to_le_bytes());
    }

    fn number(&mut self, it: f64) {
        self.word(it.to_bits());
    }

    fn numbers(&mut self, them: &[f64]) {
        them.iter().for_each(|it| self.number(*it));
    }

    fn rule(&mut self, rule: Rule) {
        match rule {
            Rule::Thompson(Chances::Exact) => self.word(0),
            Rule::Thompson(Chances::Draws(count)) => {
                self.word(1);
                self.word(count as u64);
            }
            Rule::UpperBound(it) => {
                self.word(2);
                self.number(it);
            }
            Rule::EpsilonGreedy(it) => {
                self.word(3);
                self.number(it);
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn word(&mut self) -> Result<u64, Fault> {
        let (first, rest) = self.0.split_first_chunk::<8>().ok_or(BROKEN)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*first))
    }

    /// A count of what takes at least a word each.
    fn count(&mut self) -> Result<usize, Fault> {
        usize::try_from(self.word()?).ok().filter(|it| *it <= self.0.len() / 8).ok_or(BROKEN)
    }

    fn number(&mut self) -> Result<f64, Fault> {
        Some(f64::from_bits(self.word()?)).filter(|it| it.is_finite()).ok_or(BROKEN)
    }

    fn numbers(&mut self, count: usize) -> Result<Vec<f64>, Fault> {
        (0..count).map(|_| self.number()).collect()
    }

    fn rule(&mut self) -> Result<Rule, Fault> {
        Ok(match self.word()? {
            0 => Rule::Thompson(Chances::Exact),
            1 => Rule::Thompson(Chances::Draws(usize::try_from(self.word()?).map_err(|_| BROKEN)?)),
            2 => Rule::UpperBound(self.number()?),
            3 => Rule::EpsilonGreedy(self.number()?),
            _ => return Err(BROKEN),
        })
    }

    fn ended(&self) -> Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err(BROKEN) }
    }
}

impl Bandit {
    /// All that it knows.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.word(PLAIN);
        out.word(self.arms.len() as u64);
        match self.rewards {
            Rewards::Share => out.word(0),
            Rewards::Number { mean, deviation } => {
                out.word(1);
                out.numbers(&[mean, deviation]);
            }
        }
        out.rule(self.rule);
        out.numbers(&[self.floor, self.memory]);
        out.word(self.draws.state());
        self.arms.iter().for_each(|it| out.numbers(&[it.n, it.mean, it.squares]));
        // Chances found by draws are part of what it is until it learns.
        out.word(u64::from(self.chances.is_some()));
        out.numbers(self.chances.as_deref().unwrap_or(&[]));
        out.0
    }

    /// From bytes that were made of one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut from = Reader(bytes);
        if from.word()? != PLAIN {
            return Err(BROKEN);
        }
        let arms = from.count()?;
        let rewards = match from.word()? {
            0 => Rewards::Share,
            1 => Rewards::Number { mean: from.number()?, deviation: from.number()? },
            _ => return Err(BROKEN),
        };
        let rule = from.rule()?;
        let (floor, memory, seed) = (from.number()?, from.number()?, from.word()?);
        let mut found = Self::new(arms, rewards, rule, floor, memory, seed)?;
        for arm in &mut found.arms {
            *arm = Tally { n: from.number()?, mean: from.number()?, squares: from.number()? };
            let possible = rewards != Rewards::Share || (0.0..=1.0 + 1e-9).contains(&arm.mean);
            if arm.n < 0.0 || arm.squares < 0.0 || !possible {
                return Err(BROKEN);
            }
        }
        found.chances = match from.word()? {
            0 => None,
            _ => Some(from.numbers(arms)?).filter(|it| it.iter().all(|it| (0.0..=1.0 + 1e-9).contains(it))),
        };
        from.ended()?;
        Ok(found)
    }
}

impl LinearBandit {
    /// All that it knows.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        let options = &self.options;
        out.word(LINEAR);
        out.word(self.arms.len() as u64);
        out.word(self.features as u64);
        out.rule(options.rule);
        out.numbers(&[options.floor, options.memory, options.ridge, options.deviation]);
        out.word(options.seed);
        out.word(self.draws.state());
        for arm in &self.arms {
            out.numbers(&arm.factor.lower);
            out.numbers(&arm.right);
            out.numbers(&[arm.n, arm.squares]);
        }
        out.0
    }

    /// From bytes that were made of one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut from = Reader(bytes);
        if from.word()? != LINEAR {
            return Err(BROKEN);
        }
        let (arms, features) = (from.count()?, from.count()?);
        let rule = from.rule()?;
        let [floor, memory, ridge, deviation] = [from.number()?, from.number()?, from.number()?, from.number()?];
        let seed = from.word()?;
        let state = from.word()?;
        let cells = features.checked_mul(features).ok_or(BROKEN)?;
        if (cells + features + 2).checked_mul(arms).and_then(|it| it.checked_mul(8)) != Some(from.0.len()) {
            return Err(BROKEN);
        }
        let mut found = Self::new(arms, features, LinearOptions { rule, floor, memory, ridge, deviation, seed })?;
        found.draws = Draws::new(state);
        for arm in &mut found.arms {
            let factor = Factor { lower: from.numbers(cells)?, n: features };
            if (0..features).any(|it| factor.lower[it * features + it] <= 0.0) {
                return Err(BROKEN);
            }
            *arm = LinearArm { factor, right: from.numbers(features)?, n: from.number()?, squares: from.number()? };
            if arm.n < 0.0 || arm.squares < 0.0 {
                return Err(BROKEN);
            }
        }
        from.ended()?;
        Ok(found)
    }
}
