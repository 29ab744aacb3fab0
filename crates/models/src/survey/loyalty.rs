//! A loyalty index from 0 to 100 of each person and of all, over product quality, service experience, brand, engagement, behaviour and attitude.
//!
//! Each [`Measure`] is moved to 0 … 100 by its [`Scaling`]; the measures of a [`Facet`] are averaged by their weights, and the facets by theirs. What people
//! **say** and what they **do** are shown apart as well, since they need not agree: who says little and buys much stays out of habit or for want of
//! another, who says much and buys little could be won (Dick and Basu 1994, "Customer loyalty: toward an integrated conceptual framework").
//!
//! Always holds: weights are stated and add up to 1; of what is not known of a person the rest takes its weight, and how much is known is said, with what
//! the index would be of those of whom everything is; below a least share nobody has an index.
//!
//! Does not do: find the weights. Equal ones are a convention; [`Reading::without`] says how much hangs on each facet.

mod reading;

use crate::fault::Fault;

pub use reading::{Facets, Kinds, Person, Reading, Shown};

/// What a measure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// How good the product is: ratings, defects, returns.
    ProductQuality,
    /// How they were served: ratings of contacts, effort, waits.
    ServiceExperience,
    /// What they think of the brand.
    Brand,
    /// What they do with it beside buying: visits, openings, reviews, referrals.
    Engagement,
    /// What they buy: how often, how much, for how long.
    Behaviour,
    /// Whether they want to stay and would recommend.
    Attitude,
}

impl Facet {
    /// All of them, in the order of weights.
    pub const ALL: [Self; 6] =
        [Self::ProductQuality, Self::ServiceExperience, Self::Brand, Self::Engagement, Self::Behaviour, Self::Attitude];

    fn place(self) -> usize {
        Self::ALL.iter().position(|it| *it == self).unwrap_or_default()
    }
}

/// How a measure is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// They said so: explicit.
    Said,
    /// They did so: implicit.
    Done,
}

/// How a measure becomes 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    /// 0 at the worst, 100 at the best, and in proportion between; what is beyond an end counts as the end. The best may be the lower one.
    Between {
        /// What is worth 0.
        worst: f64,
        /// What is worth 100.
        best: f64,
    },
    /// For what has no upper end, such as orders: 0 at 0, 50 at `half`, ever nearer to 100 beyond, 100 x / (x + half).
    Half {
        /// What is worth 50.
        half: f64,
    },
}

impl Scaling {
    /// From 0 to 100; what is below 0 counts as 0 where there is no upper end.
    pub fn scaled(self, value: f64) -> f64 {
        match self {
            Self::Between { worst, best } => 100.0 * ((value - worst) / (best - worst)).clamp(0.0, 1.0),
            // In shares, so that the largest numbers do not overflow.
            Self::Half { half } => 100.0 / (1.0 + half / value.max(0.0)),
        }
    }

    fn sound(self) -> bool {
        match self {
            Self::Between { worst, best } => (best - worst).is_finite() && worst != best,
            Self::Half { half } => half.is_finite() && half > 0.0,
        }
    }
}

/// One thing that is known of people.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// What it is about.
    pub facet: Facet,
    /// How it is known.
    pub source: Source,
    /// How it becomes 0 to 100.
    pub scaling: Scaling,
    /// How much it counts within its facet, beside the facet's others.
    pub weight: f64,
}

/// An index: its measures and weights, all of which may be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// In the order of the columns.
    pub measures: Vec<Measure>,
    /// How much each facet counts, in the order of [`Facet::ALL`]; they need not add up to anything.
    pub weights: [f64; 6],
    /// The share of the weights that has to be known of a person for an index.
    pub least_known: f64,
    /// From where on somebody counts as loyal by what they say, and by what they do.
    pub cut: f64,
}

impl Index {
    /// With equal weights of the facets, an index for everybody of whom half is known, and a cut at 50.
    pub fn new(measures: Vec<Measure>) -> Self {
        Self { measures, weights: [1.0; 6], least_known: 0.5, cut: 50.0 }
    }

    /// The weights of the facets that have measures, which add up to 1.
    pub fn shares(&self) -> Result<[f64; 6], Fault> {
        let measured = |facet: usize| self.measures.iter().any(|it| it.facet.place() == facet && it.weight > 0.0);
        let own: Vec<f64> = self.measures.iter().map(|it| it.weight).collect();
        for weights in [&self.weights[..], &own] {
            crate::fault::none_of(weights, |it| !it.is_finite(), |row| Fault::NotFinite { row })?;
            crate::fault::none_of(weights, |it| *it < 0.0, |row| Fault::Negative { row })?;
        }
        crate::fault::none_of(&self.measures, |it| !it.scaling.sound(), |row| Fault::NotFinite { row })?;
        let most = self.weights.iter().copied().fold(0.0, f64::max);
        let weight = |facet: usize| if measured(facet) { self.weights[facet] / most } else { 0.0 };
        let shares: [f64; 6] = std::array::from_fn(weight);
        let sum: f64 = shares.iter().sum();
        if sum > 0.0 && sum.is_finite() {
            Ok(shares.map(|it| it / sum))
        } else {
            Err(Fault::NotIdentified { why: "an index: no facet with a measure has a weight" })
        }
    }
}

#[cfg(test)]
mod tests;
