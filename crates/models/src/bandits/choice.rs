//! From beliefs to a decision with its propensities.
//!
//! Always holds: an arm is drawn with exactly the chances that a [`Decision`] tells; they add up to 1, and none that may be taken is below the floor.

use super::belief::{Belief, Chances, best_of, uniform};
use crate::fault::Fault;
use crate::resampling::Draws;

/// How arms are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Each arm with the chance that it is the best one (Thompson 1933, "On the likelihood that one unknown probability exceeds another").
    Thompson(Chances),
    /// The arm whose mean and so many standard deviations are highest (Li, Chu, Langford and Schapire 2010, "A contextual-bandit approach": LinUCB).
    UpperBound(f64),
    /// The arm with the highest mean, and with this chance any. The baseline that the others have to beat.
    EpsilonGreedy(f64),
}

/// An arm taken, and with which chance each could have been.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The arm.
    pub arm: usize,
    /// Its propensity, to be logged.
    pub propensity: f64,
    /// Those of all arms; 0 for what could not be taken.
    pub propensities: Vec<f64>,
}

impl Rule {
    /// Whether it and the floor mean something.
    pub(super) fn checked(self, arms: usize, floor: f64) -> Result<(), Fault> {
        if arms == 0 {
            return Err(Fault::TooFew { what: "arms", have: 0, need: 1 });
        }
        let usable = match self {
            Self::Thompson(Chances::Draws(count)) => count > 0,
            Self::Thompson(Chances::Exact) => true,
            Self::UpperBound(it) => it.is_finite() && it >= 0.0,
            Self::EpsilonGreedy(it) => (0.0..=1.0).contains(&it),
        };
        if !usable {
            return Err(Fault::NotIdentified { why: "what a rule outside its range should mean" });
        }
        if floor >= 0.0 && floor * arms as f64 <= 1.0 {
            Ok(())
        } else {
            Err(Fault::NotIdentified { why: "how propensities could add up to 1 with such a floor" })
        }
    }

    /// The chance of each arm.
    pub(super) fn chances(self, beliefs: &[Belief], floor: f64, draws: &mut Draws) -> Vec<f64> {
        let arms = beliefs.len() as f64;
        let chances = match self {
            Self::Thompson(how) => best_of(beliefs, how, draws),
            Self::UpperBound(width) => highest(beliefs.iter().map(|it| it.mean() + width * it.spread())),
            Self::EpsilonGreedy(share) => {
                let best = highest(beliefs.iter().map(Belief::mean));
                best.into_iter().map(|it| (1.0 - share) * it + share / arms).collect()
            }
        };
        chances.into_iter().map(|it| floor + (1.0 - arms * floor) * it).collect()
    }
}

/// 1 for the highest; of several the same share each.
fn highest(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let values: Vec<f64> = values.collect();
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let alike = values.iter().filter(|it| **it == most).count() as f64;
    values.iter().map(|it| if *it == most { 1.0 / alike } else { 0.0 }).collect()
}

/// The arms that may be taken: all, or those allowed.
pub(super) fn allowed(arms: usize, allowed: Option<&[usize]>) -> Result<Vec<usize>, Fault> {
    let Some(some) = allowed else { return Ok((0..arms).collect()) };
    let mut found = some.to_vec();
    found.sort_unstable();
    found.dedup();
    match found.last() {
        None => Err(Fault::TooFew { what: "arms that may be taken", have: 0, need: 1 }),
        Some(last) if *last >= arms => {
            Err(Fault::Shape { what: "as the place of an arm", have: *last, need: arms - 1 })
        }
        Some(_) => Ok(found),
    }
}

/// Draws one of `places`, which have these chances; `arms` there are in all.
pub(super) fn drawn(places: &[usize], chances: &[f64], arms: usize, draws: &mut Draws) -> Decision {
    let mut left = uniform(draws) * chances.iter().sum::<f64>();
    let mut taken = places.len() - 1;
    for (at, chance) in chances.iter().enumerate() {
        if left < *chance {
            taken = at;
            break;
        }
        left -= chance;
    }
    let mut propensities = vec![0.0; arms];
    places.iter().zip(chances).for_each(|(at, it)| propensities[*at] = *it);
    Decision { arm: places[taken], propensity: chances[taken], propensities }
}
