//! Implicit ALS: persons and items as points of few dimensions, so that products of points foretell who takes what.
//!
//! Hu, Koren and Volinsky (2008, "Collaborative filtering for implicit feedback datasets"): the points x and y that make Σ c (p − x·y)² + Σ λ ‖x‖² + Σ λ ‖y‖² least over all pairs, with p = 1 and
//! c = 1 + α w for what somebody had to do with, p = 0 and c = 1 for all else. Sides take turns; each turn makes a few steps of conjugate gradients from where the side was (Takács, Pilászy and Tikk 2011, "Applications of the conjugate gradient
//! method for implicit feedback collaborative filtering"). λ may grow with what there is of a person or item (Rendle, Krichene, Zhang and Koren 2021, "Revisiting the performance of iALS on item recommendation benchmarks"):
//! the penalty of a row whose c sum to s is λ (s / mean s)^ν.
//!
//! A person is placed exactly, by one solution of the same equations with the items held, so new persons need no fit. By section 5 of the first paper a score is a sum over own items:
//! c y_jᵀ W y_i with W = (Yᵀ C Y + λ I)⁻¹.
//!
//! Time of a turn goes with pairs times dimensions, memory with persons and items times dimensions. Points are single precision.
//!
//! Always holds: the same seed gives the same model. The sum never grows from turn to turn, but for rounding.
//!
//! Does not do: tune itself; without tuning it is a poor model (see [`super::choose`]).

mod lanes;
mod turn;

use serde::{Deserialize, Serialize};

use super::Best;
use super::histories::{Histories, tidy};
use super::recommender::{Filter, Reason, Recommendation, Recommender, explained};
use crate::cholesky::Cholesky;
use crate::fault::Fault;
use lanes::LANES;
use turn::{Penalty, Side};

/// How ALS is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlsOptions {
    /// Dimensions.
    pub factors: usize,
    /// α: how much more a weight of one counts than nothing.
    pub alpha: f64,
    /// λ, above zero.
    pub penalty: f64,
    /// ν: 0 for the same penalty for all, 1 for one that grows with what there is of a row.
    pub exponent: f64,
    /// Turns of both sides.
    pub turns: usize,
    /// Steps of conjugate gradients a turn.
    pub steps: usize,
    /// Of the points at the start.
    pub seed: u64,
}

impl Default for AlsOptions {
    fn default() -> Self {
        Self { factors: 64, alpha: 5.0, penalty: 20.0, exponent: 0.0, turns: 15, steps: 3, seed: 1 }
    }
}

impl AlsOptions {
    fn checked(&self, histories: &Histories) -> Result<(), Fault> {
        /// A point of more dimensions than this says nothing more.
        const MOST_FACTORS: usize = 1_024;
        let sane = |it: f64| it > 0.0 && it < 1e12;
        if histories.is_empty() {
            return Err(Fault::TooFew { what: "pairs of a person and an item", have: 0, need: 1 });
        }
        if self.factors == 0 {
            return Err(Fault::TooFew { what: "dimensions", have: 0, need: 1 });
        }
        if self.factors > MOST_FACTORS {
            return Err(Fault::TooMany { what: "dimensions", have: self.factors, most: MOST_FACTORS });
        }
        if !sane(self.alpha) || !sane(self.penalty) || !(0.0..=2.0).contains(&self.exponent) {
            return Err(Fault::NotIdentified { why: "what α or a penalty should mean that is no number above zero" });
        }
        let absurd = |it: f64| it * self.alpha >= 1e9;
        let row: Vec<usize> =
            histories.interactions().enumerate().filter(|it| absurd(it.1.weight)).map(|it| it.0).collect();
        if row.is_empty() { Ok(()) } else { Err(Fault::NotFinite { row }) }
    }
}

/// The points of items, and what it takes to place a person among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Als {
    points: Vec<f32>,
    width: usize,
    /// Σ y yᵀ over all items.
    gram: Vec<f64>,
    penalty: Penalty,
    alpha: f64,
}

/// A fit.
#[derive(Clone, Debug, PartialEq)]
pub struct AlsFit {
    /// The model.
    pub model: Als,
    /// The sum that is made least, after each turn.
    pub losses: Vec<f64>,
    /// The points of the persons that were learned from, as the last turn left them.
    persons: Vec<f32>,
}

impl Als {
    /// Learns from all histories.
    ///
    /// # Errors
    /// No pairs, dimensions of none or too many, α or a penalty that is no sane number, weights past 10⁹ / α, points that did not stay finite.
    pub fn fit(histories: &Histories, options: &AlsOptions) -> Result<AlsFit, Fault> {
        options.checked(histories)?;
        let width = options.factors.next_multiple_of(LANES);
        let turned = histories.turned();
        let mut persons = Side::new(histories, width, options);
        let mut items = Side::new(&turned, width, options);
        items.scatter(options.factors, options.seed);
        let mut losses = Vec::with_capacity(options.turns);
        let mut gram = items.gram();
        let mut of_persons = persons.gram();
        for turn in 0..options.turns.max(1) {
            // What a turn left is told by the next one, which multiplies the points of all pairs anyway.
            let apart = persons.apart(&items, [&gram, &of_persons]);
            let of_pairs = persons.turn(&items, &gram);
            if turn > 0 {
                losses.push(apart + of_pairs);
            }
            of_persons = persons.gram();
            items.turn(&persons, &of_persons);
            gram = items.gram();
        }
        losses.push(items.loss(&persons, [&gram, &of_persons]));
        if losses.iter().any(|it| !it.is_finite()) {
            return Err(Fault::DidNotSettle);
        }
        let gram = gram.iter().map(|it| f64::from(*it)).collect();
        let model = Self { width, gram, penalty: persons.penalty, alpha: options.alpha, points: items.points };
        Ok(AlsFit { model, losses, persons: persons.points })
    }

    /// The factor of YᵀCY + λI for a history, and YᵀCp.
    fn system(&self, own: &[(u32, f64)]) -> Option<(Cholesky, Vec<f64>)> {
        let n = self.width;
        // Points are single precision, and so are sums of them; the measure of the weights, which may be of any, is taken out before.
        let most = own.iter().fold(f64::MIN_POSITIVE, |most, it| it.1.max(most));
        let (alpha, one) = (self.alpha * most, 1.0 + self.alpha * most);
        let of = |it: &(u32, f64)| (it.0, (it.1 / most) as f32, ((1.0 + self.alpha * it.1) / one) as f32);
        let (squares, sum) = lanes::weighted(&self.points, n, &own.iter().map(of).collect::<Vec<_>>());
        let cells = self.gram.iter().zip(squares);
        let mut matrix: Vec<f64> = cells.map(|(it, own)| it + alpha * f64::from(own)).collect();
        let penalty = self.penalty.of(self.alpha * own.iter().map(|it| it.1).sum::<f64>());
        (0..n).for_each(|at| matrix[at * n + at] += penalty);
        let right = sum.into_iter().map(|it| one * f64::from(it)).collect();
        Some((Cholesky::of(&matrix, n)?, right))
    }

    fn point(&self, item: u32) -> &[f32] {
        &self.points[item as usize * self.width..][..self.width]
    }

    /// Where somebody with this history is.
    pub fn placed(&self, history: &[(u32, f64)]) -> Vec<f64> {
        self.place(&tidy(history, self.items()))
    }

    /// The same, of a tidy history.
    fn place(&self, own: &[(u32, f64)]) -> Vec<f64> {
        let system = if own.is_empty() { None } else { self.system(own) };
        system.map_or_else(|| vec![0.0; self.width], |(system, right)| system.solved(&right))
    }

    /// The scores of all items for somebody who is there.
    pub fn scores_at(&self, place: &[f64]) -> Vec<f64> {
        let mut narrow: Vec<f32> = place.iter().map(|it| *it as f32).collect();
        narrow.resize(self.width, 0.0);
        lanes::products(&narrow, &self.points, self.width).into_iter().map(f64::from).collect()
    }

    /// What fits each of a few: the points of items are read once for all of them.
    fn together(&self, histories: &[&[(u32, f64)]], filter: &Filter<'_>) -> Vec<Vec<Recommendation>> {
        let items = self.items();
        let own: Vec<Vec<(u32, f64)>> = histories.iter().map(|it| tidy(it, items)).collect();
        let places: Vec<f32> = own.iter().flat_map(|it| self.place(it)).map(|it| it as f32).collect();
        let mut scores = lanes::products(&places, &self.points, self.width);
        let one = |(own, scores): (&Vec<(u32, f64)>, &mut [f32])| {
            if !filter.own {
                own.iter().for_each(|(item, _)| scores[*item as usize] = 0.0);
            }
            explained(self, own, best(scores, filter), filter)
        };
        own.iter().zip(scores.chunks_exact_mut(items.max(1))).map(one).collect()
    }
}

/// The best of these scores.
fn best(scores: &[f32], filter: &Filter<'_>) -> Vec<(u32, f64)> {
    /// So many are looked at together.
    const SOME: usize = 16;
    let mut best = Best::of(filter.limit);
    for (some, first) in scores.chunks(SOME).zip((0_u32..).step_by(SOME)) {
        // Mostly none of them is good enough.
        let least = best.least() as f32;
        if some.iter().fold(false, |any, it| any | (*it >= least)) {
            let some = (first..).zip(some).filter(|(item, score)| score.is_finite() && filter.allows(*item));
            some.for_each(|(item, score)| best.add((item, f64::from(*score))));
        }
    }
    best.sorted()
}

impl AlsFit {
    /// The point of a person that was learned from, as the last turn left it: near to [`Als::placed`], and there already.
    pub fn person(&self, person: usize) -> Option<Vec<f64>> {
        let point = self.persons.chunks_exact(self.model.width).nth(person)?;
        Some(point.iter().map(|it| f64::from(*it)).collect())
    }
}

impl Recommender for Als {
    fn items(&self) -> usize {
        self.points.len() / self.width.max(1)
    }

    fn scores(&self, history: &[(u32, f64)]) -> Vec<f64> {
        if tidy(history, self.items()).is_empty() {
            return vec![0.0; self.items()];
        }
        self.scores_at(&self.placed(history))
    }

    fn recommend(&self, history: &[(u32, f64)], filter: &Filter<'_>) -> Vec<Recommendation> {
        self.together(&[history], filter).pop().unwrap_or_default()
    }

    fn recommend_each(&self, histories: &[&[(u32, f64)]], filter: &Filter<'_>) -> Vec<Vec<Recommendation>> {
        /// So many that their places stay near at hand and the points of items are seldom fetched.
        const TOGETHER: usize = 32;
        histories.chunks(TOGETHER).flat_map(|some| self.together(some, filter)).collect()
    }

    fn parts(&self, history: &[(u32, f64)], of: &[u32]) -> Vec<Vec<Reason>> {
        let Some((system, _)) = self.system(history) else { return vec![Vec::new(); of.len()] };
        let dot = |a: &[f64], point: &[f32]| a.iter().zip(point).map(|(a, b)| a * f64::from(*b)).sum::<f64>();
        let parts = |item: &u32| {
            let point: Vec<f64> = self.point(*item).iter().map(|it| f64::from(*it)).collect();
            let seen = system.solved(&point);
            let part = |own: &(u32, f64)| (1.0 + self.alpha * own.1) * dot(&seen, self.point(own.0));
            history.iter().map(|own| Reason { item: own.0, part: part(own) }).collect()
        };
        of.iter().map(parts).collect()
    }
}

#[cfg(test)]
mod tests;
