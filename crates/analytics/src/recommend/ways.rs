//! The ways of one model: what fits a person, what of it earns most, what is dearer, what is for another need; and why.
//!
//! Always holds: an up-sell is a dearer item of the same category as its item, at most [`MOST_TIMES`] its price; a cross-sell is of none of the categories that it is to go beside;
//! what nobody had to do with is not offered.

use std::iter::once_with;

use rapport_domain::Timestamp;
use rapport_models::recommend::{Again, Cycles, Filter, Model, Purpose, Rules};

use super::history::History;
use super::table::{Because, Candidate, OWN_ITEMS, Table};
use super::{Offer, Reason, Request, Settings, Touched};

/// An up-sell costs at most so many times as much.
pub const MOST_TIMES: f64 = 3.0;
/// So many times as many as are wanted are ranked at first: rules take some away.
const RANKED: usize = 20;
/// Reasons of an offer.
const REASONS: usize = 3;

type Candidates<'a> = Box<dyn Iterator<Item = Candidate> + 'a>;

impl Table {
    /// A person's newest items with what they are worth, in the order of places.
    pub(super) fn own(&self, history: &History, settings: &Settings, now: Timestamp) -> Vec<(u32, f64)> {
        let mut own = history.own(OWN_ITEMS, now, settings);
        own.sort_unstable_by_key(|it| it.0);
        own
    }

    fn model(&self) -> Option<&Model> {
        self.learnt.as_ref().and_then(|it| it.model.as_ref().ok())
    }

    /// What is popular, where something else was asked for.
    pub(super) fn filling(&self) -> impl Iterator<Item = Candidate> {
        self.popular().map(|it| Candidate { filled: true, ..it })
    }

    /// What fits a person's own items, best first, of what is allowed: new to them by the model of a version; without one whatever is like their own items.
    pub(super) fn fitting<'a>(
        &'a self,
        own: &'a [(u32, f64)],
        allowed: Option<&'a [bool]>,
        limit: usize,
    ) -> Candidates<'a> {
        let is_allowed = move |place: u32| allowed.is_none_or(|it| it.get(place as usize) == Some(&true));
        let Some(model) = self.model() else {
            let suggested = self.neighbours.suggested(own).into_iter().filter(move |it| is_allowed(it.item));
            return Box::new(suggested.map(|it| {
                Candidate::new(it.item, it.score, Because::Like(self.items[it.because as usize].id.clone()))
            }));
        };
        let is_popular = self.learnt.as_ref().is_some_and(|it| it.is_popular);
        let because = move || if is_popular { Because::Popular } else { Because::Fits };
        let ranked = move |limit: usize| {
            let best = model.recommend(own, &Filter { limit, own: false, allowed, reasons: 0 });
            best.into_iter().map(move |it| Candidate::new(it.item, it.score, because()))
        };
        let first = limit.saturating_mul(RANKED);
        // Only where rules left too few of the best are all of them put in order.
        Box::new(ranked(first).chain(once_with(move || ranked(usize::MAX).skip(first)).flatten()))
    }

    /// What a sale of an item earns, where that is known; without any prices all earn alike.
    fn gains(&self) -> Vec<f64> {
        let margins: Vec<f64> = self.items.iter().filter_map(|it| it.margin).collect();
        let usual = if margins.is_empty() { 1.0 } else { margins.iter().sum::<f64>() / margins.len() as f64 };
        let has_prices = self.offered.iter().any(|it| it.price.is_some());
        let gain = |at: usize| match self.offered[at].price {
            Some(price) => price * self.items[at].margin.unwrap_or(usual),
            None if has_prices => 0.0,
            None => 1.0,
        };
        (0..self.items.len()).map(gain).collect()
    }

    /// What fits a person, by score times what a sale earns; then what is popular, in the same way.
    pub(super) fn next_best(&self, own: &[(u32, f64)]) -> impl Iterator<Item = Candidate> + use<> {
        let gains = self.gains();
        let by_worth = |all: &mut dyn Iterator<Item = Candidate>| {
            let worth = |it: Candidate| Candidate { score: it.score * gains[it.place as usize], ..it };
            let mut all: Vec<Candidate> = all.map(worth).filter(|it| it.score > 0.0).collect();
            all.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.place.cmp(&b.place)));
            all
        };
        let fitting = by_worth(&mut self.fitting(own, None, self.items.len()));
        fitting.into_iter().chain(by_worth(&mut self.filling()))
    }

    fn allowed(&self, purpose: Purpose<'_>) -> Vec<bool> {
        let rules = Rules { kinds: &[], in_stock: false, price: None, again: Again::Always, purpose };
        rules.allowed(&self.offered, &[], &Cycles::default(), 0.0)
    }

    /// Dearer items of the same category, those that fit the person first.
    pub(super) fn up_sell<'a>(&'a self, request: &Request, history: &History, own: &[(u32, f64)]) -> Candidates<'a> {
        let given = request.with.iter().find_map(|id| self.place(id));
        let of = given.or_else(|| history.recent(Touched::Any).first().map(|it| it.0));
        let Some(of) = of else { return Box::new(std::iter::empty()) };
        let allowed = self.allowed(Purpose::UpSell { of, most: MOST_TIMES });
        let because = Because::Dearer(self.items[of as usize].id.clone());
        let own = with(own, &[of]);
        let mut all: Vec<Candidate> = self.fitting(&own, Some(&allowed), request.limit).collect();
        all.extend(self.filling().filter(|it| allowed[it.place as usize]));
        Box::new(all.into_iter().map(move |it| Candidate { because: because.clone(), ..it }))
    }

    /// Items of other categories: what is bought together first, then what fits, then what is popular.
    pub(super) fn cross_sell<'a>(&'a self, request: &Request, history: &History, own: &[(u32, f64)]) -> Candidates<'a> {
        let given = self.places(&request.with);
        let beside = if request.with.is_empty() { history.last_order() } else { given };
        let allowed = self.allowed(Purpose::CrossSell { with: &beside });
        let mut all = self.together(&beside);
        all.retain(|it| allowed[it.place as usize]);
        let own = with(own, &beside);
        all.extend(self.fitting(&own, Some(&allowed), request.limit));
        all.extend(self.filling().filter(|it| allowed[it.place as usize]));
        Box::new(all.into_iter())
    }

    /// Says of offers of a version's model which of the person's own items speak for them.
    pub(super) fn reason(&self, offers: &mut [Offer], places: &[u32], own: &[(u32, f64)]) {
        let speaks = |it: &Offer| !it.filled && matches!(it.because, Because::Fits | Because::Dearer(_));
        let Some(model) = self.model().filter(|_| !own.is_empty() && offers.iter().any(speaks)) else { return };
        for (offer, parts) in offers.iter_mut().zip(model.parts(own, places)).filter(|it| speaks(it.0)) {
            let mut parts: Vec<_> = parts.into_iter().filter(|it| it.part > 0.0 && it.part.is_finite()).collect();
            parts.sort_by(|a, b| b.part.total_cmp(&a.part).then(a.item.cmp(&b.item)));
            let all: f64 = parts.iter().map(|it| it.part).sum();
            let reason = |it: &rapport_models::recommend::Reason| Reason {
                id: self.items[it.item as usize].id.clone(),
                share: it.part / all,
            };
            offer.reasons = parts.iter().take(REASONS).map(reason).collect();
            if let (Because::Fits, Some(first)) = (&offer.because, offer.reasons.first()) {
                offer.because = Because::Like(first.id.clone());
            }
        }
    }
}

/// A history with items beside it, as if they were bought just now.
fn with(own: &[(u32, f64)], beside: &[u32]) -> Vec<(u32, f64)> {
    let mut all: Vec<(u32, f64)> = own.iter().copied().filter(|it| !beside.contains(&it.0)).collect();
    all.extend(beside.iter().map(|it| (*it, 1.0)));
    all.sort_unstable_by_key(|it| it.0);
    all
}
