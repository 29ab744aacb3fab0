//! Next best, up-sell and cross-sell against an obvious second way: every item is looked at, with the rule in words.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use rapport_analytics::recommend::{Because, Item, Method, Recommended, Request, Rules, Table};
use rapport_domain::{PersonId, Timestamp};
use serde_json::{Value, json};

use super::recommendations::{IDS, Shop, happening, settings};
use super::world::*;

type Known = (Option<&'static str>, Option<i64>, Option<f64>);

/// What is known of an item: category, price, margin.
fn any_known() -> impl Strategy<Value = Known> {
    let category = select(vec![None, Some("Kitchen"), Some("kitchen"), Some("Clothes"), Some("Garden")]);
    (
        category,
        select(vec![None, Some(5), Some(9), Some(15), Some(16), Some(28)]),
        select(vec![None, None, Some(0.1), Some(0.6), Some(-0.2)]),
    )
}

fn any_happening() -> impl Strategy<Value = (i64, bool, Timestamp, Vec<usize>)> {
    (1i64..6, any::<bool>(), any_time(), prop::collection::vec(0usize..6, 1..4))
}

fn events(happened: &[(i64, bool, Timestamp, Vec<usize>)], known: &[Known]) -> Vec<Happening> {
    let product = |at: &usize| {
        let (category, price, _) = known[*at];
        let mut product = json!({"product_id": IDS[*at], "category": category, "price": price});
        product.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        product
    };
    let mut all = Vec::new();
    for (person, is_order, at, items) in happened {
        if *is_order {
            let lines: Vec<Value> = items.iter().map(product).collect();
            all.push(happening(*person, ORDER, *at, json!({"products": lines})));
        } else {
            all.push(happening(*person, VIEW, *at, product(&items[0])));
        }
    }
    for (at, (_, _, margin)) in known.iter().enumerate().filter(|it| it.1.2.is_some()) {
        all.push(happening(9, "Product Updated", all[0].at, json!({"product_id": IDS[at], "margin": margin})));
    }
    all
}

struct Judge<'a> {
    shop: &'a Shop<'a>,
    table: &'a Table,
    person: i64,
    with: Vec<String>,
}

impl Judge<'_> {
    fn item(&self, id: &str) -> &Item {
        &self.table.items()[self.table.place(id).unwrap() as usize]
    }

    /// Own items with what they are worth, those given as if bought just now.
    fn own(&self, given: &[String]) -> BTreeMap<String, f64> {
        let worth = |at: Option<Timestamp>| at.map_or(0.0, |at| 0.5_f64.powf(self.shop.age(at) / 4.0));
        let mut own = BTreeMap::new();
        for item in self.table.items() {
            let (viewed, bought) = self.shop.all_touched(self.person, &item.id);
            if given.contains(&item.id) {
                own.insert(item.id.clone(), 1.0);
            } else if viewed.is_some() || bought.is_some() {
                own.insert(item.id.clone(), worth(bought) + 0.3 * worth(viewed));
            }
        }
        own
    }

    fn fit(&self, id: &str, given: &[String]) -> f64 {
        let near = |own: &str| {
            let near = self.table.neighbours().near(self.table.place(own).unwrap());
            near.iter().find(|it| self.table.items()[it.item as usize].id == id).map_or(0.0, |it| it.similarity)
        };
        self.own(given).iter().map(|(own, weight)| weight * near(own)).sum()
    }

    fn together(&self, id: &str, beside: &[String]) -> f64 {
        let of = |with: &String| {
            let companions = self.table.companions(self.table.place(with).unwrap());
            companions
                .iter()
                .find(|it| self.table.items()[it.item as usize].id == id)
                .map_or(0.0, |it| it.pair.cosine())
        };
        if beside.iter().any(|it| it == id) { 0.0 } else { beside.iter().map(of).sum() }
    }

    /// Group after group the items that are allowed, best first; of what is in several the first counts.
    fn ordered(&self, allowed: &dyn Fn(&Item) -> bool, groups: &[&dyn Fn(&str) -> f64]) -> Vec<(String, f64, usize)> {
        let mut found: Vec<(String, f64, usize)> = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            let mut of_group: Vec<(String, f64, usize)> = self
                .table
                .items()
                .iter()
                .filter(|it| allowed(it))
                .map(|it| (it.id.clone(), group(&it.id), at))
                .collect();
            of_group.retain(|it| it.1 > 1e-12 && found.iter().all(|old| old.0 != it.0));
            of_group.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap().then(a.0.cmp(&b.0)));
            found.extend(of_group);
        }
        found
    }

    fn category(&self, id: &str) -> Option<String> {
        self.item(id).category.as_ref().map(|it| it.to_lowercase())
    }

    /// What the person had to do with last; of one instant the first by id.
    fn last(&self) -> Option<String> {
        let at = |id: &str| {
            let (viewed, bought) = self.shop.all_touched(self.person, id);
            viewed.max(bought)
        };
        let all = self.table.items().iter().filter_map(|it| Some((at(&it.id)?, it.id.clone())));
        all.reduce(|best, it| if it.0 > best.0 { it } else { best }).map(|it| it.1)
    }

    fn last_order(&self) -> Vec<String> {
        let bought = |id: &str| self.shop.all_touched(self.person, id).1;
        let last = self.table.items().iter().filter_map(|it| bought(&it.id)).max();
        let of_last = self.table.items().iter().filter(|it| last.is_some() && bought(&it.id) == last);
        of_last.map(|it| it.id.clone()).collect()
    }

    fn expected(&self, method: Method) -> Vec<(String, f64, usize)> {
        let popular = |id: &str| self.shop.popular(id);
        let known: Vec<String> = self.with.iter().filter(|id| self.table.place(id).is_some()).cloned().collect();
        match method {
            Method::UpSell => {
                let Some(of) = known.first().cloned().or_else(|| self.last()) else { return Vec::new() };
                let allowed = |it: &Item| {
                    let (own, price) = (self.item(&of).price_micros, it.price_micros);
                    let is_same = self.category(&of).is_some() && self.category(&of) == self.category(&it.id);
                    is_same && own.zip(price).is_some_and(|(own, price)| price > own && price <= 3 * own)
                };
                let given = [of.clone()];
                self.ordered(&allowed, &[&|id: &str| self.fit(id, &given), &popular])
            }
            Method::CrossSell => {
                let beside: Vec<String> = if self.with.is_empty() { self.last_order() } else { known };
                let beside: Vec<String> = beside.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
                let met: Vec<String> = beside.iter().filter_map(|id| self.category(id)).collect();
                let allowed = |it: &Item| {
                    !beside.contains(&it.id) && self.category(&it.id).is_some_and(|own| !met.contains(&own))
                };
                let together = |id: &str| self.together(id, &beside);
                self.ordered(&allowed, &[&together, &|id: &str| self.fit(id, &beside), &popular])
            }
            _ => {
                let margins: Vec<f64> = self.table.items().iter().filter_map(|it| it.margin).collect();
                let usual = if margins.is_empty() { 1.0 } else { margins.iter().sum::<f64>() / margins.len() as f64 };
                let any_price = self.table.items().iter().any(|it| it.price_micros.is_some());
                let gain = |id: &str| match self.item(id).price_micros {
                    Some(price) => price as f64 / 1e6 * self.item(id).margin.unwrap_or(usual),
                    None => f64::from(u8::from(!any_price)),
                };
                let fit = |id: &str| self.fit(id, &[]) * gain(id);
                self.ordered(&|_| true, &[&fit, &|id: &str| popular(id) * gain(id)])
            }
        }
    }

    fn check(&self, method: Method, found: &Recommended) -> Result<(), TestCaseError> {
        let expected = self.expected(method);
        let shown: Vec<(&str, f64)> = found.offers.iter().map(|it| (it.item.id.as_str(), it.score)).collect();
        prop_assert_eq!(shown.len(), expected.len(), "{:?}: {:?} {:?}", method, &shown, &expected);
        let ids = |of: &mut dyn Iterator<Item = &str>| of.map(str::to_owned).collect::<BTreeSet<String>>();
        prop_assert_eq!(ids(&mut shown.iter().map(|it| it.0)), ids(&mut expected.iter().map(|it| it.0.as_str())));
        let groups = if method == Method::CrossSell { 2 } else { 1 };
        for (offer, (_, score, group)) in found.offers.iter().zip(&expected) {
            prop_assert!((offer.score - score).abs() < 1e-9, "{:?}: {:?} {:?}", method, &shown, &expected);
            prop_assert_eq!(offer.filled, *group == groups, "{:?}: {:?}", method, &expected);
            if let (Method::UpSell, Because::Dearer(of)) = (method, &offer.because) {
                prop_assert!(self.item(of).price_micros < offer.item.price_micros);
            }
        }
        prop_assert_eq!(found.filled, found.offers.iter().filter(|it| it.filled).count());
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn each_way_is_its_rule_in_words(
        happened in prop::collection::vec(any_happening(), 1..24),
        known in prop::collection::vec(any_known(), 6),
        asked in prop::collection::vec((select(vec![Method::NextBest, Method::UpSell, Method::UpSell, Method::CrossSell, Method::CrossSell]), 1i64..7, prop::collection::vec(select(vec!["cap", "cup", "mat", "pan", "pot", "tea", "none"]), 0..3)), 8),
    ) {
        let world = World { events: events(&happened, &known), countries: BTreeMap::new(), zone: "UTC", now: at("2026-04-05T10:00:00Z") };
        let settled = world.settle();
        let recommender = settled.recommender(settings());
        let (shop, table) = (Shop::of(&world), settled.table(&recommender));
        for (method, person, with) in asked {
            let with: Vec<String> = with.into_iter().map(str::to_owned).collect();
            let request = Request { with: with.clone(), ..Request::new(method, Some(PersonId(person)), 50) };
            let found = settled.recommend(&recommender, &request);
            Judge { shop: &shop, table: &table, person, with }.check(method, &found)?;
        }
    }

    /// Price bands: whatever is offered lies in it, or nobody told its price; nothing else is left out.
    #[test]
    fn prices_lie_in_their_band(
        happened in prop::collection::vec(any_happening(), 1..24),
        known in prop::collection::vec(any_known(), 6),
        (person, low, high, usual) in (1i64..7, select(vec![None, Some(6), Some(15)]), select(vec![None, Some(16), Some(28)]), any::<bool>()),
    ) {
        let world = World { events: events(&happened, &known), countries: BTreeMap::new(), zone: "UTC", now: at("2026-04-05T10:00:00Z") };
        let settled = world.settle();
        let recommender = settled.recommender(settings());
        let (shop, table) = (Shop::of(&world), settled.table(&recommender));
        let micros = |it: i64| it * 1_000_000;
        let rules = Rules { least_price: low.map(micros), most_price: high.map(micros), usual_price: usual, ..Rules::default() };
        let offered = |rules: Rules| -> Vec<Item> {
            let request = Request { rules, ..Request::new(Method::ForPerson, Some(PersonId(person)), 50) };
            settled.recommend(&recommender, &request).offers.into_iter().map(|it| it.item).collect()
        };
        let mut paid: Vec<i64> = table.items().iter().filter(|it| shop.all_touched(person, &it.id).1.is_some()).filter_map(|it| it.price_micros).collect();
        paid.sort_unstable();
        let quartile = |share: f64| paid[(share * (paid.len() - 1) as f64).round() as usize] as f64;
        let band = (usual && !paid.is_empty()).then(|| (quartile(0.25) / 1.5, quartile(0.75) * 1.5));
        let passes = |it: &Item| it.price_micros.is_none_or(|price| {
            low.is_none_or(|it| price >= micros(it)) && high.is_none_or(|it| price <= micros(it))
                && band.is_none_or(|(low, high)| price as f64 >= low && price as f64 <= high)
        });
        let expected: Vec<Item> = offered(Rules::default()).into_iter().filter(passes).collect();
        prop_assert_eq!(offered(rules), expected);
    }
}
