//! What was learned of a workspace's items, and an answer from it: memory only.

use std::collections::{HashMap, HashSet};

use rapport_domain::Timestamp;
use rapport_models::recommend::{Companion, Neighbours, Pair, faded, ranked};

use super::catalogue::Item;
use super::history::{History, days};
use super::rules::Choosing;
use super::{Method, Offer, Recommended, Request, Settings};

/// Own items that a person's offers are made from.
const OWN_ITEMS: usize = 100;

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
        let candidate =
            |(place, score): &(u32, f64)| Candidate { place: *place, score: *score, because: Because::Popular };
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

    /// What goes with several items: the sum of the cosines.
    fn together(&self, with: &[String]) -> Vec<Candidate> {
        let mut own: Vec<u32> = with.iter().filter_map(|id| self.place(id)).collect();
        own.sort_unstable();
        own.dedup();
        // The sum, and the companion that adds most to it.
        let mut sums: HashMap<u32, (f64, u32, Pair)> = HashMap::new();
        for item in &own {
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
            Candidate { place, score, because: Because::BoughtWith(self.items[with as usize].id.clone(), pair) }
        };
        ranked(scores, usize::MAX).into_iter().map(candidate).collect()
    }

    /// What is like a person's own items.
    fn fitting(&self, history: &History, settings: &Settings, now: Timestamp) -> impl Iterator<Item = Candidate> {
        let suggested = self.neighbours.suggested(&history.own(OWN_ITEMS, now, settings));
        suggested.into_iter().map(|it| Candidate {
            place: it.item,
            score: it.score,
            because: Because::Like(self.items[it.because as usize].id.clone()),
        })
    }

    pub(super) fn answer(
        &self,
        request: &Request,
        history: &History,
        settings: &Settings,
        now: Timestamp,
    ) -> Recommended {
        // Only as many candidates are made as are looked at.
        let candidates: Box<dyn Iterator<Item = Candidate>> = match request.method {
            Method::Popular => Box::new(self.popular()),
            Method::Recent(touched) => Box::new(history.recent(touched).into_iter().map(|(place, at)| Candidate {
                place,
                score: faded(days(at, now), settings.half_life),
                because: Because::Recent(Timestamp(at)),
            })),
            Method::BoughtTogether => Box::new(self.together(&request.with).into_iter()),
            Method::ForPerson => Box::new(self.fitting(history, settings, now).chain(self.popular())),
        };
        let mut choosing = Choosing::new(&request.rules, &history.bought, now);
        let (mut offers, mut seen) = (Vec::new(), HashSet::new());
        for candidate in candidates {
            if offers.len() == request.limit {
                break;
            }
            let item = &self.items[candidate.place as usize];
            if !seen.contains(&candidate.place) && choosing.takes(candidate.place, item) {
                seen.insert(candidate.place);
                offers.push(Offer { item: item.clone(), score: candidate.score, because: candidate.because });
            }
        }
        let count = |is: &dyn Fn(&Offer) -> bool| offers.iter().filter(|offer| is(offer)).count();
        let is_popular = |offer: &Offer| request.method != Method::Popular && offer.because == Because::Popular;
        Recommended {
            stock_unknown: count(&|it| request.rules.in_stock && it.item.in_stock.is_none()),
            margin_unknown: count(&|it| request.rules.minimum_margin.is_some() && it.item.margin.is_none()),
            filled: count(&is_popular),
            offers,
            version: self.version,
            built_at: self.built_at,
        }
    }
}
