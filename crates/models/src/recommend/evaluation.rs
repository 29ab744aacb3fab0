//! How good offers are, from what people then took.
//!
//! Of each person who took something, the first k of **all** items that the model knows and the person did not have are judged; never a sample of items, which ranks models wrongly (Krichene and Rendle 2020, "On sampled metrics for
//! item recommendation"). With hits at the places r ≤ k and n wanted items:
//!
//! | measure | of a person |
//! |---|---|
//! | precision | hits / k |
//! | recall | hits / n |
//! | hit rate | whether there is a hit |
//! | reciprocal rank | 1 / place of the first hit, else 0 |
//! | average precision | Σ over hits of (hits so far / r), / n |
//! | nDCG | Σ over hits of 1 / log₂(r + 1), divided by the most that min(k, n) hits can give (Järvelin and Kekäläinen 2002) |
//! | novelty | mean of −log₂ of the share of persons who had the item (Zhou and others 2010), in bits |
//! | diversity | 1 − mean cosine of pairs of offers by who had them (Ziegler and others 2005) |
//!
//! Coverage is the share of items that are offered to anybody. Intervals are percentiles of means over persons drawn again (Efron 1979).
//!
//! Does not do: say what offers would have brought; who was not offered something may have taken it had it been offered.

use super::diversity::cosine;
use super::histories::Histories;
use super::recommender::{Filter, Recommender};
use super::splits::Split;
use crate::estimate::{Estimate, Interval, TAILS};
use crate::fault::Fault;
use crate::resampling::{Draws, between};

/// The measures of one person's offers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Whose.
    pub person: u32,
    /// How many items they had.
    pub known: usize,
    /// Hits / k.
    pub precision: f64,
    /// Hits / wanted.
    pub recall: f64,
    /// 1 with any hit.
    pub hit: f64,
    /// 1 / place of the first hit.
    pub reciprocal_rank: f64,
    /// Average precision.
    pub average_precision: f64,
    /// nDCG.
    pub ndcg: f64,
    /// Mean novelty of the offers; `None` without any.
    pub novelty: Option<f64>,
    /// Diversity of the offers; `None` without a pair.
    pub diversity: Option<f64>,
}

/// The measures over persons, each with 95 %.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// k.
    pub k: usize,
    /// The persons who took something, in order.
    pub persons: Vec<Judged>,
    /// The share of items that are offered to anybody of them.
    pub coverage: f64,
}

/// The means over persons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Means {
    /// How many persons.
    pub persons: usize,
    /// Mean average precision (MAP).
    pub map: Estimate,
    /// nDCG.
    pub ndcg: Estimate,
    /// Precision.
    pub precision: Estimate,
    /// Recall.
    pub recall: Estimate,
    /// Hit rate.
    pub hit_rate: Estimate,
    /// Mean reciprocal rank (MRR).
    pub mrr: Estimate,
    /// Novelty in bits; `None` where nothing was offered.
    pub novelty: Option<Estimate>,
    /// Diversity; `None` where no two were offered.
    pub diversity: Option<Estimate>,
}

/// Samples for an interval.
const SAMPLES: usize = 500;

impl Evaluation {
    /// Offers of `model`, which learned from what is known, for everyone who then took something.
    ///
    /// # Errors
    /// No place at all, and models that know other items than there are.
    pub fn of(model: &dyn Recommender, split: &Split, k: usize) -> Result<Self, Fault> {
        let asked = (0..split.known.persons()).filter(|it| !split.wanted.of_person(*it).is_empty());
        let asked: Vec<usize> = asked.collect();
        let histories: Vec<&[(u32, f64)]> = asked.iter().map(|it| split.known.of_person(*it)).collect();
        let lists = model.recommend_each(&histories, &Filter { reasons: 0, ..Filter::best(k) });
        Self::by(split, k, |person, _| {
            let list = asked.binary_search(&person).map_or(&[][..], |at| &lists[at]);
            list.iter().map(|it| it.item).collect()
        })
    }

    /// The same of offers that are made in any way: of a person's place and history, the items in their order, of which the first k count.
    ///
    /// # Errors
    /// No place at all; items offered that are not there.
    pub fn by(split: &Split, k: usize, offer: impl Fn(usize, &[(u32, f64)]) -> Vec<u32>) -> Result<Self, Fault> {
        if k == 0 {
            return Err(Fault::TooFew { what: "places", have: 0, need: 1 });
        }
        let items = split.known.items();
        let by_item = split.known.turned();
        let mut offered = vec![false; items];
        let mut persons = Vec::new();
        for (person, wanted) in split.wanted.iter().enumerate().filter(|it| !it.1.is_empty()) {
            let own = split.known.of_person(person);
            let mut list = offer(person, own);
            list.truncate(k);
            if let Some(outside) = list.iter().find(|it| **it as usize >= items) {
                return Err(Fault::Shape { what: "items", have: *outside as usize + 1, need: items });
            }
            list.iter().for_each(|it| offered[*it as usize] = true);
            persons.push(judged(person, own.len(), &list, wanted, k, &by_item));
        }
        let coverage = offered.iter().filter(|it| **it).count() as f64 / items.max(1) as f64;
        Ok(Self { k, persons, coverage })
    }

    /// The means over all of them.
    ///
    /// # Errors
    /// Fewer than two persons.
    pub fn means(&self, seed: u64) -> Result<Means, Fault> {
        self.means_of(|_| true, seed)
    }

    /// The means over those of whom `is_in` says so, as those with little history.
    ///
    /// # Errors
    /// Fewer than two persons.
    pub fn means_of(&self, is_in: impl Fn(&Judged) -> bool, seed: u64) -> Result<Means, Fault> {
        let of: Vec<&Judged> = self.persons.iter().filter(|it| is_in(it)).collect();
        if of.len() < 2 {
            return Err(Fault::TooFew { what: "persons who took something", have: of.len(), need: 2 });
        }
        let some = |value: &dyn Fn(&Judged) -> Option<f64>| {
            let values: Vec<f64> = of.iter().filter_map(|it| value(it)).collect();
            if values.is_empty() { None } else { Some(mean(&values, seed)) }
        };
        let all = |value: fn(&Judged) -> f64| mean(&of.iter().map(|it| value(it)).collect::<Vec<_>>(), seed);
        Ok(Means {
            persons: of.len(),
            map: all(|it| it.average_precision),
            ndcg: all(|it| it.ndcg),
            precision: all(|it| it.precision),
            recall: all(|it| it.recall),
            hit_rate: all(|it| it.hit),
            mrr: all(|it| it.reciprocal_rank),
            novelty: some(&|it| it.novelty),
            diversity: some(&|it| it.diversity),
        })
    }

    /// By how much nDCG is above that of another evaluation of the same split: the mean over the same persons of what differs, which is surer than two intervals side by side.
    ///
    /// # Errors
    /// Evaluations of different persons, or fewer than two of them.
    pub fn above(&self, other: &Self, seed: u64) -> Result<Estimate, Fault> {
        let same = self.persons.iter().map(|it| it.person).eq(other.persons.iter().map(|it| it.person));
        if !same {
            return Err(Fault::Shape { what: "persons", have: self.persons.len(), need: other.persons.len() });
        }
        if self.persons.len() < 2 {
            return Err(Fault::TooFew { what: "persons who took something", have: self.persons.len(), need: 2 });
        }
        let pairs = self.persons.iter().zip(&other.persons);
        Ok(mean(&pairs.map(|(a, b)| a.ndcg - b.ndcg).collect::<Vec<_>>(), seed))
    }
}

/// The measures of one list without repetition.
fn judged(person: usize, known: usize, list: &[u32], wanted: &[(u32, f64)], k: usize, by_item: &Histories) -> Judged {
    let is_hit = |item: &u32| wanted.binary_search_by_key(item, |it| it.0).is_ok();
    let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
    let (mut hits, mut precisions, mut gains, mut first) = (0.0, 0.0, 0.0, None);
    for (place, _) in list.iter().enumerate().filter(|it| is_hit(it.1)) {
        hits += 1.0;
        precisions += hits / (place + 1) as f64;
        gains += gain(place);
        first.get_or_insert(place);
    }
    let n = wanted.len() as f64;
    Judged {
        person: person as u32,
        known,
        precision: hits / k as f64,
        recall: hits / n,
        hit: f64::from(u8::from(hits > 0.0)),
        reciprocal_rank: first.map_or(0.0, |place| 1.0 / (place + 1) as f64),
        average_precision: precisions / n,
        ndcg: gains / (0..k.min(wanted.len())).map(gain).sum::<f64>(),
        novelty: novelty(list, by_item),
        diversity: diversity(list, by_item),
    }
}

/// An item that nobody had counts as if one of twice as many persons had it.
fn novelty(list: &[u32], by_item: &Histories) -> Option<f64> {
    let persons = by_item.items() as f64;
    let bits = |item: &u32| -((by_item.of_person(*item as usize).len() as f64).max(0.5) / persons).log2();
    (!list.is_empty()).then(|| list.iter().map(bits).sum::<f64>() / list.len() as f64)
}

fn diversity(list: &[u32], by_item: &Histories) -> Option<f64> {
    let of = |item: &u32| by_item.of_person(*item as usize);
    let pairs = list.iter().enumerate().flat_map(|(at, a)| list[..at].iter().map(move |b| (a, b)));
    let cosines: Vec<f64> = pairs.map(|(a, b)| cosine(of(a), of(b))).collect();
    (!cosines.is_empty()).then(|| 1.0 - cosines.iter().sum::<f64>() / cosines.len() as f64)
}

/// A mean with 95 % by persons drawn again.
fn mean(values: &[f64], seed: u64) -> Estimate {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let mut draws = Draws::new(seed);
    let sample = |draws: &mut Draws| (0..n).map(|_| values[draws.below(n)]).sum::<f64>() / n as f64;
    let drawn: Vec<f64> = (0..SAMPLES).map(|_| sample(&mut draws)).collect();
    let variance = values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (n.max(2) - 1) as f64;
    let (low, high) = between(drawn, TAILS).unwrap_or((mean, mean));
    Estimate { standard_error: Some((variance / n as f64).sqrt()), ..Estimate::between(mean, Interval { low, high }) }
}

#[cfg(test)]
mod tests;
