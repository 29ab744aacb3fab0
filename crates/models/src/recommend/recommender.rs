//! One question and one form of answer for all models: what fits somebody with this history, and because of which of their own items.
//!
//! A score is a sum over the person's own items: of what each adds to it, the largest parts are the reasons. A person who was not there when a model was
//! fitted is asked about like any other; no model keeps persons.
//!
//! Always holds: what is offered is allowed, is named once, has a finite score above zero, and comes in the order of scores, of equals the lower place first. A history
//! may name items that are not there or weights that are no numbers above zero: they say nothing.
//!
//! Does not do: know what is in stock or of which kind; that is for whoever makes the [`Filter`].

use super::histories::tidy;
use super::ranked;

/// What may be offered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filter<'a> {
    /// Most items.
    pub limit: usize,
    /// Whether the person's own items may be offered again.
    pub own: bool,
    /// Of each item whether it may be offered; those past its end may not. Without it all may.
    pub allowed: Option<&'a [bool]>,
    /// Most reasons of an item.
    pub reasons: usize,
}

impl Filter<'_> {
    /// The best `limit` of what is not the person's own, with up to three reasons each.
    pub fn best(limit: usize) -> Self {
        Self { limit, own: false, allowed: None, reasons: 3 }
    }

    /// Whether an item may be offered to anybody.
    pub(super) fn allows(&self, item: u32) -> bool {
        self.allowed.is_none_or(|it| it.get(item as usize) == Some(&true))
    }
}

/// An own item that speaks for another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// The own item.
    pub item: u32,
    /// What it adds to the score.
    pub part: f64,
}

/// An item that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// The item.
    pub item: u32,
    /// How well it fits: comparable within one answer of one model.
    pub score: f64,
    /// The own items that add most to it, the largest part first. None where it is there because many take it.
    pub because: Vec<Reason>,
}

/// A model that knows what fits whom.
pub trait Recommender {
    /// How many items it knows.
    fn items(&self) -> usize;

    /// The score of each item for somebody with this history, one weight an item; zero where nothing is known.
    fn scores(&self, history: &[(u32, f64)]) -> Vec<f64>;

    /// What each own item adds to the scores of `of`: one list an item, in the order of the history.
    fn parts(&self, history: &[(u32, f64)], of: &[u32]) -> Vec<Vec<Reason>>;

    /// What fits somebody with this history best.
    fn recommend(&self, history: &[(u32, f64)], filter: &Filter<'_>) -> Vec<Recommendation> {
        let own = tidy(history, self.items());
        let mut scores = self.scores(&own);
        if !filter.own {
            own.iter().for_each(|(item, _)| scores[*item as usize] = 0.0);
        }
        let scores = (0_u32..).zip(scores);
        let scores = scores.filter(|(item, score)| score.is_finite() && *score > 0.0 && filter.allows(*item));
        explained(self, &own, ranked(scores.collect(), filter.limit), filter)
    }

    /// What fits each of several best, in their order: the same as one by one, and for some models quicker.
    fn recommend_each(&self, histories: &[&[(u32, f64)]], filter: &Filter<'_>) -> Vec<Vec<Recommendation>> {
        histories.iter().map(|it| self.recommend(it, filter)).collect()
    }

    /// The same, and where that is fewer than the limit (a person without history, a narrow filter) the rest by another model, as a rule [`super::Popular`]. The score of what was
    /// filled up is the other's and not comparable.
    fn recommend_or(
        &self,
        other: &dyn Recommender,
        history: &[(u32, f64)],
        filter: &Filter<'_>,
    ) -> Vec<Recommendation> {
        let mut found = self.recommend(history, filter);
        if found.len() < filter.limit {
            let more = Filter { limit: filter.limit + found.len(), ..*filter };
            let more = other.recommend(history, &more).into_iter();
            let more: Vec<_> = more.filter(|it| found.iter().all(|old| old.item != it.item)).collect();
            found.extend(more);
            found.truncate(filter.limit);
        }
        found
    }
}

/// What is best for somebody with this tidy history, with its reasons.
pub(super) fn explained<M: Recommender + ?Sized>(
    model: &M,
    own: &[(u32, f64)],
    best: Vec<(u32, f64)>,
    filter: &Filter<'_>,
) -> Vec<Recommendation> {
    let items: Vec<u32> = best.iter().map(|it| it.0).collect();
    let parts = if filter.reasons == 0 { vec![Vec::new(); items.len()] } else { model.parts(own, &items) };
    let one = |((item, score), mut because): ((u32, f64), Vec<Reason>)| {
        because.retain(|it| it.part > 0.0);
        because.sort_unstable_by(|a, b| b.part.total_cmp(&a.part).then(a.item.cmp(&b.item)));
        because.truncate(filter.reasons);
        Recommendation { item, score, because }
    };
    best.into_iter().zip(parts).map(one).collect()
}
