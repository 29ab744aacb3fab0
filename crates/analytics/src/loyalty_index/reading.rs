//! What an index says of all: its mean, its facets, what people say beside what they do, and who is loyal in which way.
//!
//! Always holds: every mean has its interval of 95 % (of the normal: people are many) and of how many people it is; weights add up to 1.

use rapport_models::Estimate;
use rapport_models::estimate::TAILS;
use rapport_models::survey::loyalty::{self, Person as One};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::definition::{Definition, Facet};
use crate::scores::Sure;

/// With fewer people it is not told how what they say and what they do go together.
const LEAST_PAIRS: usize = 30;

/// In which way somebody is loyal (Dick and Basu 1994).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LoyaltyKind)]
pub enum Kind {
    /// By what they say and by what they do.
    Loyal,
    /// By what they say alone: they could be won.
    SaidOnly,
    /// By what they do alone: habit, or for want of another.
    DoneOnly,
    /// By neither.
    Neither,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Loyal, Self::SaidOnly, Self::DoneOnly, Self::Neither];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loyal => "loyal",
            Self::SaidOnly => "said_only",
            Self::DoneOnly => "done_only",
            Self::Neither => "neither",
        }
    }

    /// Of somebody; `None` where they said nothing, or did nothing that is known.
    pub(super) fn of(one: &One, cut: f64) -> Option<Self> {
        Some(match (one.said? >= cut, one.done? >= cut) {
            (true, true) => Self::Loyal,
            (true, false) => Self::SaidOnly,
            (false, true) => Self::DoneOnly,
            (false, false) => Self::Neither,
        })
    }
}

/// A mean over people.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyMean)]
pub struct Mean {
    /// Over how many people.
    pub people: u64,
    /// The mean.
    pub mean: Sure,
}

impl Mean {
    fn of(values: &[f64]) -> Option<Self> {
        (values.len() > 1).then(|| Self { people: values.len() as u64, mean: Sure::mean(values) })
    }
}

/// A facet of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyFacetReading)]
pub struct FacetReading {
    /// Which.
    pub facet: Facet,
    /// The share of the weights; 0 of a facet without measures.
    pub weight: f64,
    /// Over those of whom it is known; null where it is of hardly anybody.
    pub mean: Option<Mean>,
    /// What the index over all would be without it; null where nothing would be left.
    pub without: Option<f64>,
}

/// Who is loyal in which way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyKindReading)]
pub struct KindReading {
    /// In which.
    pub kind: Kind,
    /// How many people, by which they are found.
    pub people: u64,
    /// Of those of whom both is known.
    pub share: Sure,
}

/// What an index says of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LoyaltyReading)]
pub struct Reading {
    /// Over all who have an index.
    pub all: Mean,
    /// Over those of whom every facet with a weight is known: if it differs, those who answer are others than those who do not.
    pub complete: Option<Mean>,
    /// People who bought of whom too little is known.
    pub unknown: u64,
    /// The facets, all six.
    pub facets: Vec<FacetReading>,
    /// By what people say.
    pub said: Option<Mean>,
    /// By what people do.
    pub done: Option<Mean>,
    /// How what people say and what they do go together (Pearson's correlation); null of too few.
    pub together: Option<Sure>,
    /// Who is loyal in which way, of those of whom both is known; empty of too few.
    pub kinds: Vec<KindReading>,
}

impl Reading {
    /// Of everybody, those without an index too, as the mathematics read them.
    pub(super) fn of(definition: &Definition, read: &loyalty::Reading) -> Option<Self> {
        let known: Vec<&One> = read.persons.iter().filter(|it| it.index.is_some()).collect();
        let over =
            |of: &dyn Fn(&One) -> Option<f64>| Mean::of(&known.iter().filter_map(|it| of(it)).collect::<Vec<f64>>());
        let is_whole = |it: &One| (0..6).all(|at| read.weights[at] == 0.0 || it.facets[at].is_some());
        let facet = |(at, facet): (usize, Facet)| FacetReading {
            facet,
            weight: read.weights[at],
            mean: over(&|it| it.facets[at]),
            without: read.without[at],
        };
        let kinds: Vec<Kind> = known.iter().filter_map(|it| Kind::of(it, definition.cut)).collect();
        let share = |kind: Kind| {
            let is: Vec<f64> = kinds.iter().map(|it| f64::from(u8::from(*it == kind))).collect();
            KindReading { kind, people: is.iter().sum::<f64>() as u64, share: Sure::mean(&is) }
        };
        let pairs: Vec<(f64, f64)> = known.iter().filter_map(|it| it.said.zip(it.done)).collect();
        Some(Self {
            all: over(&|it| it.index)?,
            complete: over(&|it| it.index.filter(|_| is_whole(it))),
            unknown: read.unknown as u64,
            facets: Facet::ALL.into_iter().enumerate().map(facet).collect(),
            said: over(&|it| it.said),
            done: over(&|it| it.done),
            together: together(&pairs),
            kinds: if kinds.len() > 1 { Kind::ALL.map(share).to_vec() } else { Vec::new() },
        })
    }
}

/// Pearson's correlation, with Fisher's interval. `None` of too few, or where one of both is the same in all.
fn together(pairs: &[(f64, f64)]) -> Option<Sure> {
    if pairs.len() < LEAST_PAIRS {
        return None;
    }
    let n = pairs.len() as f64;
    let (x, y) = pairs.iter().fold((0.0, 0.0), |(x, y), it| (x + it.0 / n, y + it.1 / n));
    let (a, b, c) = pairs.iter().fold((0.0, 0.0, 0.0), |(a, b, c), it| {
        (a + (it.0 - x).powi(2), b + (it.1 - y).powi(2), c + (it.0 - x) * (it.1 - y))
    });
    // Rounding is no difference between people.
    if a <= 1e-9 * n || b <= 1e-9 * n {
        return None;
    }
    let value = (c / (a * b).sqrt()).clamp(-1.0, 1.0);
    let z = Estimate::around(value.clamp(-0.999_999, 0.999_999).atanh(), 1.0 / (n - 3.0).sqrt(), TAILS);
    Some(Sure { value, low: z.low.tanh().min(value), high: z.high.tanh().max(value) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fisher's interval of r = .5 with n = 30, from its formula: tanh(atanh(.5) ± 1.96 / √27) = .1704 … .7290.
    #[test]
    fn how_two_things_go_together_has_fishers_interval() {
        assert_eq!(together(&[(1.0, 2.0); 40]), None, "no differences");
        assert_eq!(together(&[(1.0, 2.0), (2.0, 3.0)]), None, "too few");
        // Two variables of unit variance with a correlation of .5: y = .5 x + √.75 e, where x and e are orthogonal.
        let pair = |n: i32| {
            let (x, e) = (f64::from(2 * (n % 2) - 1), f64::from(2 * ((n / 2) % 2) - 1));
            (x, 0.5 * x + 0.75_f64.sqrt() * e)
        };
        let found = together(&(0..32).map(pair).collect::<Vec<_>>()).unwrap();
        let (z, half) = (0.5_f64.atanh(), 1.959_963_984_540_054 / 29.0_f64.sqrt());
        for (value, wanted) in [(found.value, 0.5), (found.low, (z - half).tanh()), (found.high, (z + half).tanh())] {
            assert!((value - wanted).abs() < 1e-12, "{value} {wanted}");
        }
    }
}
