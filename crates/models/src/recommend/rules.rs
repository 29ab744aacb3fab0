//! What may be offered for which purpose: the person's own again, stock, prices, kinds, up-sell and cross-sell.
//!
//! Rules make one answer an item, yes or no, that goes into [`super::Filter::allowed`]; so every model keeps every rule. An item may be of any kind, a product or an article to read.
//!
//! Always holds: what is not known of an item keeps stock and price from excluding it, but an item whose need or price is not known is no up-sell, and one whose need is not known is no cross-sell. A mask has one answer an
//! item.
//!
//! Does not do: order anything.

use super::rebuy::Cycles;

/// What is known of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Item {
    /// Of which kind: a product, an article, a video; the caller's numbers.
    pub kind: u32,
    /// Which need it is for, as its category says.
    pub need: Option<u32>,
    /// Its price.
    pub price: Option<f64>,
    /// Whether it can be had now.
    pub in_stock: Option<bool>,
}

/// From which price to which, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

impl Band {
    /// The band somebody buys in: from the lower quartile of what they paid divided by `stretch` to the upper one times it. `None` without a price.
    pub fn usual(prices: &[f64], stretch: f64) -> Option<Self> {
        let mut prices: Vec<f64> = prices.iter().copied().filter(|it| it.is_finite() && *it >= 0.0).collect();
        prices.sort_by(f64::total_cmp);
        let last = prices.len().checked_sub(1)?;
        let stretch = if stretch >= 1.0 { stretch } else { 1.0 };
        let quartile = |share: f64| prices[(share * last as f64).round() as usize];
        Some(Self { low: quartile(0.25) / stretch, high: quartile(0.75) * stretch })
    }

    fn holds(&self, price: f64) -> bool {
        self.low <= price && price <= self.high
    }
}

/// Whether what somebody has may be offered again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Again {
    /// Never.
    Never,
    /// When it is due: this share of its cycle after the last time ([`Cycles`]). What has no cycle, never.
    Due(f64),
    /// Always.
    Always,
}

/// What an offer is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Purpose<'a> {
    /// Anything that fits.
    Any,
    /// A dearer item of the same need as this one, at most so many times its price.
    UpSell {
        /// The item.
        of: u32,
        /// Above 1.
        most: f64,
    },
    /// Items for other needs than these are for.
    CrossSell {
        /// What is in the cart, or what was bought.
        with: &'a [u32],
    },
}

/// What may be offered.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules<'a> {
    /// Only items of these kinds; empty for all.
    pub kinds: &'a [u32],
    /// Nothing that is known to be out of stock.
    pub in_stock: bool,
    /// Only what is known to cost so much, or of unknown price.
    pub price: Option<Band>,
    /// The person's own.
    pub again: Again,
    /// What for.
    pub purpose: Purpose<'a>,
}

impl Default for Rules<'_> {
    /// What is in stock and not the person's own.
    fn default() -> Self {
        Self { kinds: &[], in_stock: true, price: None, again: Again::Never, purpose: Purpose::Any }
    }
}

impl Rules<'_> {
    /// Of each item whether it may be offered now to somebody who took these items at these times.
    pub fn allowed(&self, items: &[Item], past: &[(u32, f64)], cycles: &Cycles, now: f64) -> Vec<bool> {
        let mut allowed: Vec<bool> = items.iter().map(|it| self.fits(it)).collect();
        self.narrow(items, &mut allowed);
        let mut past: Vec<(u32, f64)> = past.iter().copied().filter(|it| (it.0 as usize) < items.len()).collect();
        past.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for times in past.chunk_by(|a, b| a.0 == b.0) {
            let item = times[0].0;
            let is_allowed = match self.again {
                Again::Always => true,
                Again::Never => false,
                Again::Due(share) => {
                    let times: Vec<f64> = times.iter().map(|it| it.1).collect();
                    let last = times.last().copied().unwrap_or(f64::NAN);
                    cycles.of_person(item, &times).is_some_and(|cycle| now - last >= share * cycle)
                }
            };
            allowed[item as usize] &= is_allowed;
        }
        allowed
    }

    fn fits(&self, item: &Item) -> bool {
        let of_kind = self.kinds.is_empty() || self.kinds.contains(&item.kind);
        let to_be_had = !self.in_stock || item.in_stock != Some(false);
        let in_band = self.price.is_none_or(|band| item.price.is_none_or(|it| band.holds(it)));
        of_kind && to_be_had && in_band
    }

    fn narrow(&self, items: &[Item], allowed: &mut [bool]) {
        let need = |item: u32| items.get(item as usize).and_then(|it| it.need);
        match self.purpose {
            Purpose::Any => {}
            Purpose::UpSell { of, most } => {
                let (own, price) = (need(of), items.get(of as usize).and_then(|it| it.price));
                let is_dearer = |it: &Item| price.zip(it.price).is_some_and(|(own, it)| it > own && it <= most * own);
                let is_up = |it: &Item| own.is_some() && it.need == own && is_dearer(it);
                allowed.iter_mut().zip(items).for_each(|(allowed, it)| *allowed &= is_up(it));
            }
            Purpose::CrossSell { with } => {
                let met: Vec<u32> = with.iter().filter_map(|it| need(*it)).collect();
                let is_other = |it: &Item| it.need.is_some_and(|need| !met.contains(&need));
                allowed.iter_mut().zip(items).for_each(|(allowed, it)| *allowed &= is_other(it));
                with.iter().for_each(|it| {
                    if let Some(allowed) = allowed.get_mut(*it as usize) {
                        *allowed = false;
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ease, EaseOptions, Event, Filter, Histories, Interaction, Popular, Recommender};
    use super::*;

    const PRODUCT: u32 = 0;
    const ARTICLE: u32 = 1;
    const COFFEE: u32 = 7;
    const CUPS: u32 = 8;

    fn item(kind: u32, need: u32, price: f64) -> Item {
        Item { kind, need: Some(need), price: Some(price), in_stock: Some(true) }
    }

    /// Coffee at 5, 8, 9 (out of stock) and 30; cups at 12; something unknown; an article about coffee.
    fn items() -> Vec<Item> {
        let mut items = vec![item(PRODUCT, COFFEE, 5.0), item(PRODUCT, COFFEE, 8.0), item(PRODUCT, COFFEE, 9.0)];
        items.extend([
            item(PRODUCT, COFFEE, 30.0),
            item(PRODUCT, CUPS, 12.0),
            Item::default(),
            item(ARTICLE, COFFEE, 0.0),
        ]);
        items[2].in_stock = Some(false);
        items
    }

    fn places(allowed: &[bool]) -> Vec<usize> {
        allowed.iter().enumerate().filter(|it| *it.1).map(|it| it.0).collect()
    }

    fn allowed(rules: &Rules<'_>, past: &[(u32, f64)], now: f64) -> Vec<usize> {
        let events: Vec<Event> =
            (0..30).map(|it| Event { person: it / 3, item: 0, weight: 1.0, at: f64::from(it % 3) * 30.0 }).collect();
        places(&rules.allowed(&items(), past, &Cycles::of(&events, 7, 5), now))
    }

    #[test]
    fn out_of_stock_is_not_offered() {
        assert_eq!(allowed(&Rules::default(), &[], 0.0), [0, 1, 3, 4, 5, 6]);
        assert_eq!(allowed(&Rules { in_stock: false, ..Rules::default() }, &[], 0.0).len(), 7);
    }

    #[test]
    fn prices_stay_in_their_band() {
        let price = Band::usual(&[8.0, 6.0, 7.0, 100.0, f64::NAN], 1.5);
        assert_eq!(price, Some(Band { low: 7.0 / 1.5, high: 12.0 }));
        assert_eq!(allowed(&Rules { price, ..Rules::default() }, &[], 0.0), [0, 1, 4, 5]);
        assert_eq!(Band::usual(&[], 2.0), None);
    }

    #[test]
    fn content_is_offered_like_products() {
        assert_eq!(allowed(&Rules { kinds: &[ARTICLE], ..Rules::default() }, &[], 0.0), [6]);
        // Who drinks coffee reads of it: one history, either kind.
        let row = |person, item| Interaction { person, item, weight: 1.0 };
        let data = Histories::of(&[row(0, 0), row(0, 6), row(1, 0), row(1, 6), row(1, 1), row(2, 4)], 3, 7).unwrap();
        let ease = Ease::fit(&data, &EaseOptions { penalty: 1.0, ..EaseOptions::default() }).unwrap();
        let mask = Rules { kinds: &[ARTICLE], ..Rules::default() }.allowed(&items(), &[], &Cycles::default(), 0.0);
        let offered = ease.recommend(&[(0, 1.0)], &Filter { allowed: Some(&mask), ..Filter::best(5) });
        assert_eq!(offered.iter().map(|it| (it.item, it.because[0].item)).collect::<Vec<_>>(), [(6, 0)]);
    }

    /// Ten persons bought item 0 every 30 days. Somebody who bought it once is asked again after 27; who has a cycle of their own, mostly by that.
    #[test]
    fn what_was_bought_comes_again_when_it_is_due() {
        let again = |share| Rules { again: Again::Due(share), ..Rules::default() };
        assert_eq!(allowed(&Rules::default(), &[(0, 0.0)], 99.0), [1, 3, 4, 5, 6]);
        assert!(!allowed(&again(0.9), &[(0, 0.0)], 26.0).contains(&0));
        assert!(allowed(&again(0.9), &[(0, 0.0)], 27.0).contains(&0));
        let own = [(0, 0.0), (0, 10.0), (0, 20.0), (0, 30.0)];
        assert!(allowed(&again(1.0), &own, 45.0).contains(&0) && !allowed(&again(1.0), &own, 44.0).contains(&0));
        assert!(!allowed(&again(1.0), &[(1, 0.0)], 1e9).contains(&1), "nobody buys it again");
        assert!(allowed(&Rules { again: Again::Always, ..Rules::default() }, &own, 30.0).contains(&0));
    }

    #[test]
    fn up_sell_is_a_dearer_item_of_the_same_need() {
        let up = |of, most| Rules { purpose: Purpose::UpSell { of, most }, ..Rules::default() };
        assert_eq!(allowed(&up(0, 2.0), &[], 0.0), [1], "neither the one out of stock nor the one six times as dear");
        assert_eq!(allowed(&up(0, 9.0), &[], 0.0), [1, 3]);
        assert!(allowed(&up(3, 9.0), &[], 0.0).is_empty() && allowed(&up(5, 9.0), &[], 0.0).is_empty());
        assert!(allowed(&up(99, 9.0), &[], 0.0).is_empty() && allowed(&up(0, f64::NAN), &[], 0.0).is_empty());
    }

    #[test]
    fn cross_sell_is_for_another_need() {
        let with = |with| Rules { purpose: Purpose::CrossSell { with }, ..Rules::default() };
        assert_eq!(allowed(&with(&[0]), &[], 0.0), [4]);
        assert_eq!(allowed(&with(&[4]), &[], 0.0), [0, 1, 3, 6]);
        assert!(allowed(&with(&[0, 4, 99]), &[], 0.0).is_empty());
        // Whatever a model likes best, the rule holds.
        let mask = with(&[0]).allowed(&items(), &[], &Cycles::default(), 0.0);
        let popular = Popular::by(vec![9.0, 8.0, 7.0, 6.0, 1.0, 5.0, 4.0]);
        let offered = popular.recommend(&[(0, 1.0)], &Filter { allowed: Some(&mask), own: true, ..Filter::best(5) });
        assert_eq!(offered.iter().map(|it| it.item).collect::<Vec<_>>(), [4]);
    }
}
