//! Lists whose items are not all alike.
//!
//! Maximal marginal relevance (Carbonell and Goldstein 1998, "The use of MMR, diversity-based reranking for reordering documents and producing summaries"): one after another the item is taken that has the most of share × relevance − (1 − share) ×
//! its largest similarity with those taken before. Relevance is the score as a share of the best.
//!
//! Always holds: the first stays the first; with a share of 1 the order stays; nothing is taken that was not offered.

use super::histories::Histories;
use super::recommender::{Filter, Recommendation, Recommender};

/// So many times as many as are wanted are looked at for unlike ones.
const LOOKED_AT: usize = 5;

/// How alike items are: the cosine by who had both, however much. It is the likeness that [`super::Evaluation`] measures diversity by.
#[derive(Clone, Debug, PartialEq)]
pub struct Likeness {
    by_item: Histories,
}

impl Likeness {
    /// By who had what.
    pub fn of(histories: &Histories) -> Self {
        Self { by_item: histories.turned() }
    }

    /// From 0, nobody had both, to 1, the same had both.
    pub fn between(&self, one: u32, other: u32) -> f64 {
        cosine(self.by_item.of_person(one as usize), self.by_item.of_person(other as usize))
    }
}

/// The cosine of two lists of persons in their order.
pub(super) fn cosine(a: &[(u32, f64)], b: &[(u32, f64)]) -> f64 {
    let (mut at, mut both) = (0, 0_usize);
    for (person, _) in a {
        at += b[at..].partition_point(|it| it.0 < *person);
        both += usize::from(b.get(at).is_some_and(|it| it.0 == *person));
    }
    if both == 0 { 0.0 } else { both as f64 / (a.len() as f64 * b.len() as f64).sqrt() }
}

/// What fits somebody and is not all alike: the best of a model, of which the `share` that is not for relevance is for being unlike ([`diversified`]).
pub fn unlike(
    model: &dyn Recommender,
    history: &[(u32, f64)],
    filter: &Filter<'_>,
    share: f64,
    likeness: &Likeness,
) -> Vec<Recommendation> {
    let more = Filter { limit: filter.limit.saturating_mul(LOOKED_AT), ..*filter };
    diversified(model.recommend(history, &more), filter.limit, share, |a, b| likeness.between(a, b))
}

/// The best `limit` of what is offered that are unlike each other. `share` is how much relevance counts, from 0 to 1; `similarity` is from 0 to 1. Best made of several times as many as are wanted.
pub fn diversified(
    offered: Vec<Recommendation>,
    limit: usize,
    share: f64,
    similarity: impl Fn(u32, u32) -> f64,
) -> Vec<Recommendation> {
    let share = if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) };
    let best = offered.iter().map(|it| it.score).fold(f64::MIN_POSITIVE, f64::max);
    // With each its largest similarity with those taken.
    let mut left: Vec<(Recommendation, f64)> = offered.into_iter().map(|it| (it, 0.0)).collect();
    let mut taken: Vec<Recommendation> = Vec::new();
    while taken.len() < limit && !left.is_empty() {
        let worth = |(it, like): &(Recommendation, f64)| share * it.score / best - (1.0 - share) * like;
        // Of equals the first.
        let next = (1..left.len()).fold(0, |best, at| if worth(&left[at]) > worth(&left[best]) { at } else { best });
        let next = if taken.is_empty() { 0 } else { next };
        let (it, _) = left.remove(next);
        for (other, like) in &mut left {
            let similar = similarity(it.item, other.item);
            *like = if similar > *like { similar.min(1.0) } else { *like };
        }
        taken.push(it);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offered(scores: &[f64]) -> Vec<Recommendation> {
        let one = |(item, score): (u32, &f64)| Recommendation { item, score: *score, because: Vec::new() };
        (0..).zip(scores).map(one).collect()
    }

    /// Three jeans and a hat: with half and half the hat comes second.
    #[test]
    fn what_is_unlike_comes_up() {
        let alike = |a: u32, b: u32| if a < 3 && b < 3 { 0.9 } else { 0.0 };
        let items = |share| -> Vec<u32> {
            diversified(offered(&[1.0, 0.9, 0.8, 0.5]), 3, share, alike).iter().map(|it| it.item).collect()
        };
        assert_eq!((items(1.0), items(0.5)), (vec![0, 1, 2], vec![0, 3, 1]));
        assert_eq!(items(f64::NAN), [0, 1, 2]);
    }

    proptest! {
        /// Oracle: persons who had both, counted one by one. A share of 1 is what the model offers.
        #[test]
        fn likeness_is_the_cosine_of_who_had_both(pairs in prop::collection::btree_set((0u32..8, 0u32..5), 1..30)) {
            let rows: Vec<_> =
                pairs.iter().map(|it| super::super::Interaction { person: it.0, item: it.1, weight: 2.0 }).collect();
            let histories = Histories::of(&rows, 8, 5).unwrap();
            let likeness = Likeness::of(&histories);
            let had = |item: u32| (0..8).filter(|person| pairs.contains(&(*person, item))).collect::<Vec<u32>>();
            for (a, b) in (0..5).flat_map(|a| (0..5).map(move |b| (a, b))) {
                let (one, other) = (had(a), had(b));
                let both = one.iter().filter(|it| other.contains(it)).count() as f64;
                let wanted = if both > 0.0 { both / (one.len() as f64 * other.len() as f64).sqrt() } else { 0.0 };
                prop_assert!((likeness.between(a, b) - wanted).abs() < 1e-12);
            }
            let popular = super::super::Popular::of(&histories);
            let filter = Filter::best(3);
            let own = histories.of_person(0);
            prop_assert_eq!(unlike(&popular, own, &filter, 1.0, &likeness), popular.recommend(own, &filter));
        }

        #[test]
        fn each_is_taken_once_and_the_first_stays(scores in prop::collection::vec(0.0..1.0f64, 0..9), share in 0.0..1.0f64, limit in 0usize..9, seed in 1u32..99) {
            let mut scores = scores;
            scores.sort_by(|a, b| b.total_cmp(a));
            let found = diversified(offered(&scores), limit, share, |a, b| f64::from((a * b * seed) % 10) / 10.0);
            prop_assert_eq!(found.len(), scores.len().min(limit));
            prop_assert!(found.first().is_none_or(|it| it.item == 0));
            let mut items: Vec<u32> = found.iter().map(|it| it.item).collect();
            items.sort_unstable();
            items.dedup();
            prop_assert_eq!(items.len(), found.len());
        }
    }
}
