//! What was learned of a workspace's items, and an answer from it: memory only.

use std::collections::{HashMap, HashSet};

use rapport_domain::Timestamp;
use rapport_models::recommend::{self as models, Companion, Neighbours, Pair, faded, ranked};
use rapport_segments::value::fold;

use super::catalogue::Item;
use super::history::{History, days};
use super::learnt::Learnt;
use super::rules::Choosing;
use super::{Method, Offer, Recommended, Request, Settings};

/// Own items that a person's offers are made from.
pub(super) const OWN_ITEMS: usize = 100;

/// The items of a workspace, ascending by id, and what goes with what.
#[derive(Clone, Debug)]
pub struct Table {
    /// 1 for the first, one more with each.
    pub version: u64,
    /// When.
    pub built_at: Timestamp,
    /// The beginning of the events that were looked at.
    pub since: Timestamp,
    /// Orders in the lake when it was built.
    pub orders: u64,
    /// Orders that pairs were counted in.
    pub baskets: usize,
    /// Orders that were too large for that.
    pub large_baskets: u64,
    pub(super) items: Vec<Item>,
    pub(super) places: HashMap<String, u32>,
    /// Best first.
    pub(super) popular: Vec<(u32, f64)>,
    pub(super) companions: Vec<Vec<Companion>>,
    pub(super) neighbours: Neighbours,
    /// The items as the mathematics' rules take them.
    pub(super) offered: Vec<models::Item>,
    /// By the version in use, if there is one.
    pub learnt: Option<Learnt>,
}

/// Why an item is offered.
#[derive(Clone, Debug, PartialEq)]
pub enum Because {
    /// Many buy it.
    Popular,
    /// The person had to do with it, at this instant last.
    Recent(Timestamp),
    /// It is bought together with this item, so often.
    BoughtWith(String, Pair),
    /// It is like this item of the person's own.
    Like(String),
    /// It fits what the person had to do with, no item of it more than others.
    Fits,
    /// It is a dearer one of the same category as this item.
    Dearer(String),
}

/// An item by its place, before rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its place among the items.
    pub place: u32,
    /// How well it fits.
    pub score: f64,
    /// Why.
    pub because: Because,
    /// Whether it is there because it is popular, where something else was asked for.
    pub filled: bool,
}

impl Candidate {
    pub(super) const fn new(place: u32, score: f64, because: Because) -> Self {
        Self { place, score, because, filled: false }
    }
}

impl Table {
    /// All items, ascending by id.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// An item's place.
    pub fn place(&self, id: &str) -> Option<u32> {
        self.places.get(id).copied()
    }

    /// What is popular, best first.
    pub fn popular(&self) -> impl Iterator<Item = Candidate> {
        let candidate = |(place, score): &(u32, f64)| Candidate::new(*place, *score, Because::Popular);
        self.popular.iter().map(candidate)
    }

    /// What goes with an item, best first.
    pub fn companions(&self, place: u32) -> &[Companion] {
        self.companions.get(place as usize).map_or(&[], Vec::as_slice)
    }

    /// What is like what.
    pub const fn neighbours(&self) -> &Neighbours {
        &self.neighbours
    }

    /// Items as the mathematics' rules take them: the need that an item is for is its category, whatever its letters' case.
    pub(super) fn offered(items: &[Item]) -> Vec<models::Item> {
        let mut needs: HashMap<String, u32> = HashMap::new();
        let mut one = |item: &Item| {
            let next = u32::try_from(needs.len()).unwrap_or(u32::MAX);
            let need = item.category.as_deref().map(|it| *needs.entry(fold(it)).or_insert(next));
            let price = item.price_micros.map(|it| it as f64 / 1e6);
            models::Item { kind: 0, need, price, in_stock: item.in_stock }
        };
        items.iter().map(&mut one).collect()
    }

    /// Places of ids, ascending, each once; what is not known is left out.
    pub(super) fn places(&self, ids: &[String]) -> Vec<u32> {
        let mut places: Vec<u32> = ids.iter().filter_map(|id| self.place(id)).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// What goes with several items: the sum of the cosines.
    pub(super) fn together(&self, own: &[u32]) -> Vec<Candidate> {
        // The sum, and the companion that adds most to it.
        let mut sums: HashMap<u32, (f64, u32, Pair)> = HashMap::new();
        for item in own {
            for companion in self.companions(*item) {
                let cosine = companion.pair.cosine();
                let sum = sums.entry(companion.item).or_insert((0.0, *item, companion.pair));
                sum.0 += cosine;
                if cosine > sum.2.cosine() {
                    (sum.1, sum.2) = (*item, companion.pair);
                }
            }
        }
        let scores =
            sums.iter().map(|(place, sum)| (*place, sum.0)).filter(|(place, _)| !own.contains(place)).collect();
        let candidate = |(place, score): (u32, f64)| {
            let (_, with, pair) = sums[&place];
            Candidate::new(place, score, Because::BoughtWith(self.items[with as usize].id.clone(), pair))
        };
        ranked(scores, usize::MAX).into_iter().map(candidate).collect()
    }

    pub(super) fn answer(
        &self,
        request: &Request,
        history: &History,
        settings: &Settings,
        now: Timestamp,
    ) -> Recommended {
        let own = self.own(history, settings, now);
        // Only as many candidates are made as are looked at.
        let candidates: Box<dyn Iterator<Item = Candidate>> = match request.method {
            Method::Popular => Box::new(self.popular()),
            Method::Recent(touched) => Box::new(history.recent(touched).into_iter().map(|(place, at)| {
                let score = faded(days(at, now), settings.half_life);
                Candidate::new(place, score, Because::Recent(Timestamp(at)))
            })),
            Method::BoughtTogether => Box::new(self.together(&self.places(&request.with)).into_iter()),
            Method::ForPerson => Box::new(self.fitting(&own, None, request.limit).chain(self.filling())),
            Method::NextBest => Box::new(self.next_best(&own)),
            Method::UpSell => self.up_sell(request, history, &own),
            Method::CrossSell => self.cross_sell(request, history, &own),
        };
        let mut choosing = Choosing::new(&request.rules, &self.items, &history.bought, now);
        let (mut offers, mut chosen, mut seen, mut filled) = (Vec::new(), Vec::new(), HashSet::new(), 0);
        for candidate in candidates {
            if offers.len() == request.limit {
                break;
            }
            let item = &self.items[candidate.place as usize];
            if !seen.contains(&candidate.place) && choosing.takes(candidate.place, item) {
                seen.insert(candidate.place);
                filled += usize::from(candidate.filled);
                let Candidate { place, score, because, filled } = candidate;
                chosen.push(place);
                offers.push(Offer { item: item.clone(), score, because, filled, reasons: Vec::new() });
            }
        }
        self.reason(&mut offers, &chosen, &own);
        let count = |is: &dyn Fn(&Offer) -> bool| offers.iter().filter(|offer| is(offer)).count();
        Recommended {
            stock_unknown: count(&|it| request.rules.in_stock && it.item.in_stock.is_none()),
            margin_unknown: count(&|it| request.rules.minimum_margin.is_some() && it.item.margin.is_none()),
            filled,
            learnt: self.learnt.as_ref().filter(|it| it.model.is_ok()).map(|it| it.version),
            offers,
            version: self.version,
            built_at: self.built_at,
        }
    }
}
