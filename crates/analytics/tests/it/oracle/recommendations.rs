//! Offers against an obvious second way: every order, every pair, every person and item in full tables, and rules looked at one offer after the other.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use rapport_analytics::recommend::{
    Because, Item, Method, NotBought, Recommended, Request, Rules, Settings, Table, Touched,
};
use rapport_domain::{PersonId, Timestamp};
use serde_json::{Value, json};

use super::world::*;

const ADDED: &str = "Product Added";
const UPDATED: &str = "Product Updated";
pub const IDS: [&str; 6] = ["cap", "cup", "mat", "pan", "pot", "tea"];

pub fn settings() -> Settings {
    Settings {
        days: 30,
        popular_days: 3,
        popular_half_life: 2.0,
        half_life: 4.0,
        keep: 4,
        least_together: 1,
        ..Settings::default()
    }
}

pub fn happening(person: i64, name: &'static str, at: Timestamp, properties: Value) -> Happening {
    let properties = properties.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null());
    Happening { person, name, at, properties: properties.collect() }
}

fn any_product_event() -> impl Strategy<Value = Happening> {
    let id = || select(IDS.to_vec());
    let seen = (select(vec![VIEW, ADDED]), id(), select(vec![None, Some("Kitchen"), Some("Clothes")])).prop_map(
        |(name, id, category)| (name, json!({"product_id": id, "category": category, "price": 10, "currency": "EUR"})),
    );
    let lines = prop::collection::vec(id(), 0..4);
    let order = (lines, select(vec![None, Some("A"), Some("B"), Some("C")])).prop_map(|(ids, number)| {
        let lines: Vec<Value> = ids.iter().map(|id| json!({"product_id": id, "price": "10.00"})).collect();
        (ORDER, json!({"products": lines, "order_id": number}))
    });
    let single = id().prop_map(|id| (ORDER, json!({"sku": id})));
    let stock =
        select(vec![json!({"in_stock": false}), json!({"in_stock": true}), json!({"stock": 0}), json!({"stock": 3})]);
    let told = (id(), stock, select(vec![None, Some(6), Some(9)])).prop_map(|(id, mut told, cost)| {
        told["product_id"] = json!(id);
        told["cost"] = json!(cost);
        (UPDATED, told)
    });
    (1i64..6, any_time(), prop_oneof![3 => seen, 4 => order, 1 => single, 1 => told])
        .prop_map(|(person, at, (name, properties))| happening(person, name, at, properties))
}

/// A shop's events and what follows from them, the slow way.
pub struct Shop<'w> {
    world: &'w World,
    /// Orders that count: who, when, which items.
    pub orders: Vec<(i64, Timestamp, BTreeSet<String>)>,
}

pub fn ids_of(event: &Happening) -> BTreeSet<String> {
    let property = |name: &str| event.properties.iter().find(|(path, _)| path == name).map(|(_, value)| value.clone());
    let lines = property("products").unwrap_or(json!([]));
    let ids: BTreeSet<String> =
        lines.as_array().unwrap().iter().map(|line| line["product_id"].as_str().unwrap().to_owned()).collect();
    if ids.is_empty() {
        property("product_id").or(property("sku")).iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    } else {
        ids
    }
}

impl<'w> Shop<'w> {
    pub fn of(world: &'w World) -> Self {
        let mut told: Vec<&Happening> =
            world.events.iter().filter(|it| it.name == ORDER && it.at <= world.now).collect();
        // Of an order told twice the first counts; at one instant the person with the lower number, then the text of the lines.
        told.sort_by_key(|it| (it.at, it.person, it.text("order_id"), it.text("sku"), it.text("products")));
        let mut numbers = BTreeSet::new();
        told.retain(|it| it.text("order_id").is_none_or(|number| numbers.insert(number)));
        let orders = told.into_iter().map(|it| (it.person, it.at, ids_of(it))).filter(|it| !it.2.is_empty()).collect();
        Self { world, orders }
    }

    pub fn age(&self, at: Timestamp) -> f64 {
        (self.world.now.0 - at.0) as f64 / Timestamp::DAY as f64
    }

    pub fn popular(&self, id: &str) -> f64 {
        let counts = |it: &&(i64, Timestamp, BTreeSet<String>)| it.2.contains(id) && self.age(it.1) <= 3.0;
        self.orders.iter().filter(counts).map(|it| 0.5_f64.powf(self.age(it.1) / 2.0)).sum()
    }

    fn with(&self, ids: &[&str]) -> u64 {
        self.orders.iter().filter(|it| ids.iter().all(|id| it.2.contains(*id))).count() as u64
    }

    /// When a person last looked at an item, and last bought it.
    fn touched(&self, person: i64, id: &str) -> (Option<Timestamp>, Option<Timestamp>) {
        let is_view = |it: &&Happening| {
            it.person == person
                && [VIEW, ADDED].contains(&it.name)
                && it.at <= self.world.now
                && ids_of(it).contains(id)
        };
        let viewed = self.world.events.iter().filter(is_view).map(|it| it.at).max();
        let bought = self.orders.iter().filter(|it| it.0 == person && it.2.contains(id)).map(|it| it.1).max();
        (viewed, bought)
    }

    fn weight(&self, person: i64, id: &str) -> f64 {
        let (viewed, bought) = self.touched(person, id);
        let worth = |at: Option<Timestamp>| at.map_or(0.0, |at| 0.5_f64.powf(self.age(at) / 4.0));
        worth(bought) + 0.3 * worth(viewed)
    }

    fn cosine(&self, a: &str, b: &str) -> f64 {
        let column = |id: &str| -> Vec<f64> {
            let length = |person: i64| IDS.iter().map(|id| self.weight(person, id).powi(2)).sum::<f64>().sqrt();
            (1..6)
                .map(|person| if length(person) > 0.0 { self.weight(person, id) / length(person) } else { 0.0 })
                .collect()
        };
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (a, b) = (column(a), column(b));
        let lengths = (product(&a, &a) * product(&b, &b)).sqrt();
        if lengths > 0.0 { product(&a, &b) / lengths } else { 0.0 }
    }

    /// The newest value that was told of an item, of those that a function finds in an event.
    fn told<T: PartialOrd>(&self, id: &str, find: impl Fn(&Happening) -> Option<T>) -> Option<T> {
        let mut found: Option<(Timestamp, T)> = None;
        for it in self.world.events.iter().filter(|it| it.at <= self.world.now && ids_of(it).contains(id)) {
            if let Some(value) = find(it)
                && found.as_ref().is_none_or(|(at, old)| (*at, old) < (it.at, &value))
            {
                found = Some((it.at, value));
            }
        }
        found.map(|(_, value)| value)
    }

    fn check_table(&self, table: &Table) -> Result<(), TestCaseError> {
        let known: BTreeSet<String> =
            self.world.events.iter().filter(|it| it.at <= self.world.now).flat_map(ids_of).collect();
        let items: BTreeSet<String> = table.items().iter().map(|item| item.id.clone()).collect();
        // An order that is told again may name an item that no other event does.
        prop_assert!(items.is_subset(&known) && self.orders.iter().all(|it| it.2.is_subset(&items)));
        prop_assert!(table.items().windows(2).all(|pair| pair[0].id < pair[1].id));
        prop_assert_eq!(table.baskets, self.orders.len());
        for item in table.items() {
            let id = item.id.as_str();
            let place = table.place(id).unwrap();
            let popular = table.popular().find(|it| it.place == place).map_or(0.0, |it| it.score);
            prop_assert!((popular - self.popular(id)).abs() < 1e-9, "{} {} {}", id, popular, self.popular(id));
            let flag = |it: &Happening| {
                let property =
                    |name: &str| it.properties.iter().find(|(path, _)| path == name).map(|(_, value)| value.clone());
                (it.name == UPDATED).then(|| {
                    property("in_stock")
                        .map_or_else(|| property("stock").unwrap().as_i64().unwrap() > 0, |it| it == json!(true))
                })
            };
            prop_assert_eq!(item.in_stock, self.told(id, flag));
            let cost = self.told(id, |it| it.text("cost").filter(|_| it.name == UPDATED));
            let has_price = self.world.events.iter().any(|it| {
                it.name != UPDATED && it.at <= self.world.now && ids_of(it).contains(id) && it.text("sku").is_none()
            });
            if let (Some(cost), true, Some(_)) = (cost, has_price, item.price_micros) {
                prop_assert!((item.margin.unwrap() - (1.0 - cost.parse::<f64>().unwrap() / 10.0)).abs() < 1e-9);
            } else {
                prop_assert_eq!(item.margin, None);
            }
            for companion in table.companions(place) {
                let other = table.items()[companion.item as usize].id.as_str();
                let pair = companion.pair;
                prop_assert_eq!(
                    (pair.both, pair.first, pair.second),
                    (self.with(&[id, other]), self.with(&[id]), self.with(&[other]))
                );
            }
            let partners = IDS.iter().filter(|other| **other != id && self.with(&[id, other]) > 0).count();
            prop_assert_eq!(table.companions(place).len(), partners.min(4));
            for near in table.neighbours().near(place) {
                let other = table.items()[near.item as usize].id.as_str();
                prop_assert!((near.similarity - self.cosine(id, other)).abs() < 1e-9, "{} {}", id, other);
            }
            let near = IDS.iter().filter(|other| **other != id && self.cosine(id, other) > 1e-12).count();
            prop_assert_eq!(table.neighbours().near(place).len(), near.min(4));
        }
        Ok(())
    }

    /// Whether an item may be offered, its category's number aside.
    fn may_be_offered(&self, item: &Item, request: &Request) -> bool {
        let rules = &request.rules;
        let bought = request.person.and_then(|person| {
            let is_one = |it: &&Happening| {
                it.person == person.0 && it.name == ORDER && it.at <= self.world.now && ids_of(it).contains(&item.id)
            };
            self.world.events.iter().filter(is_one).map(|it| it.at).max()
        });
        let is_bought = match rules.not_bought {
            None => false,
            Some(NotBought::Ever) => bought.is_some(),
            Some(NotBought::Within(time)) => bought.is_some_and(|at| self.world.now.0 - at.0 <= time.micros()),
        };
        let is_sold_out = rules.in_stock && item.in_stock == Some(false);
        let earns_little = rules.minimum_margin.is_some_and(|least| item.margin.is_some_and(|margin| margin < least));
        let category = item.category.as_ref().map(|category| category.to_lowercase());
        let is_elsewhere = !rules.categories.is_empty() && category.is_none_or(|it| !rules.categories.contains(&it));
        ![is_bought, is_sold_out, earns_little, is_elsewhere, rules.exclude.contains(&item.id)].contains(&true)
    }

    /// What is offered before rules, best first.
    fn candidates(&self, table: &Table, request: &Request) -> Vec<(String, f64)> {
        let sorted = |mut all: Vec<(String, f64)>| {
            all.retain(|it| it.1 > 1e-12);
            all.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap().then(a.0.cmp(&b.0)));
            all
        };
        let each = |score: &dyn Fn(&str) -> f64| {
            sorted(table.items().iter().map(|it| (it.id.clone(), score(&it.id))).collect())
        };
        let popular = || each(&|id| self.popular(id));
        let person = request.person.map_or(0, |person| person.0);
        let last = |id: &str, touched: Touched| match (self.all_touched(person, id), touched) {
            ((viewed, _), Touched::Viewed) => viewed,
            ((_, bought), Touched::Bought) => bought,
            ((viewed, bought), Touched::Any) => viewed.max(bought),
        };
        match request.method {
            Method::Popular => popular(),
            Method::Recent(touched) => each(&|id| last(id, touched).map_or(0.0, |at| 0.5_f64.powf(self.age(at) / 4.0))),
            Method::BoughtTogether => each(&|id| {
                let of = |with: &&String| {
                    table
                        .place(with)
                        .into_iter()
                        .flat_map(|it| table.companions(it))
                        .find(|it| table.items()[it.item as usize].id == id)
                        .map_or(0.0, |it| it.pair.cosine())
                };
                if request.with.iter().any(|with| with == id) {
                    0.0
                } else {
                    request.with.iter().collect::<BTreeSet<_>>().iter().map(of).sum()
                }
            }),
            Method::NextBest | Method::UpSell | Method::CrossSell => unreachable!("these have tests of their own"),
            Method::ForPerson => {
                let part = |own: &Item, id: &str| {
                    let near = table.neighbours().near(table.place(&own.id).unwrap());
                    let similarity =
                        near.iter().find(|it| table.items()[it.item as usize].id == id).map_or(0.0, |it| it.similarity);
                    let (viewed, bought) = self.all_touched(person, &own.id);
                    let worth = |at: Option<Timestamp>| at.map_or(0.0, |at| 0.5_f64.powf(self.age(at) / 4.0));
                    similarity * (worth(bought) + 0.3 * worth(viewed))
                };
                let fitting = each(&|id| table.items().iter().map(|own| part(own, id)).sum());
                let filled = popular().into_iter().filter(|it| fitting.iter().all(|other| other.0 != it.0));
                fitting.clone().into_iter().chain(filled).collect()
            }
        }
    }

    /// The same as `touched`, but of an order told twice both tellings: a person's own history is what their events say.
    pub fn all_touched(&self, person: i64, id: &str) -> (Option<Timestamp>, Option<Timestamp>) {
        let is_order = |it: &&Happening| {
            it.person == person && it.name == ORDER && it.at <= self.world.now && ids_of(it).contains(id)
        };
        (self.touched(person, id).0, self.world.events.iter().filter(is_order).map(|it| it.at).max())
    }

    fn check(&self, table: &Table, request: &Request, found: &Recommended) -> Result<(), TestCaseError> {
        let rules = &request.rules;
        let mut expected: Vec<(String, f64)> = Vec::new();
        let mut used: BTreeMap<String, usize> = BTreeMap::new();
        for (id, score) in self.candidates(table, request) {
            let item = &table.items()[table.place(&id).unwrap() as usize];
            let used = item.category.clone().map(|category| used.entry(category).or_default());
            let is_full = matches!((&used, rules.per_category), (Some(used), Some(most)) if **used >= most);
            if self.may_be_offered(item, request) && !is_full && expected.len() < request.limit {
                used.into_iter().for_each(|used| *used += 1);
                expected.push((id, score));
            }
        }
        let ids: BTreeSet<&str> = found.offers.iter().map(|it| it.item.id.as_str()).collect();
        prop_assert_eq!(ids.len(), found.offers.len(), "no item twice");
        // Scores that differ by rounding only may change places.
        let shown: Vec<&str> = found.offers.iter().map(|it| it.item.id.as_str()).collect();
        prop_assert_eq!(shown.len(), expected.len(), "{:?} {:?}", shown, expected);
        for (offer, (_, score)) in found.offers.iter().zip(&expected) {
            prop_assert!((offer.score - score).abs() < 1e-9, "{:?} {:?}", shown, expected);
            prop_assert!(self.may_be_offered(&offer.item, request));
        }
        let kind = |at: usize| std::mem::discriminant(&found.offers[at].because);
        for (at, pair) in found.offers.windows(2).enumerate() {
            let tied = pair[0].score == pair[1].score && kind(at) == kind(at + 1);
            prop_assert!(!tied || pair[0].item.id < pair[1].item.id, "{:?}", shown);
        }
        let unknown = |is: &dyn Fn(&Item) -> bool| found.offers.iter().filter(|it| is(&it.item)).count();
        prop_assert_eq!(found.stock_unknown, if rules.in_stock { unknown(&|it| it.in_stock.is_none()) } else { 0 });
        prop_assert_eq!(
            found.margin_unknown,
            if rules.minimum_margin.is_some() { unknown(&|it| it.margin.is_none()) } else { 0 }
        );
        Ok(())
    }
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let not_bought = select(vec![None, None, Some(NotBought::Ever), Some(NotBought::Within("2d".parse().unwrap()))]);
    let categories =
        select(vec![vec![], vec![], vec!["kitchen".to_owned()], vec!["kitchen".to_owned(), "clothes".to_owned()]]);
    let exclude = prop::collection::vec(select(IDS.to_vec()).prop_map(str::to_owned), 0..2);
    (any::<bool>(), not_bought, categories, select(vec![None, None, Some(0.2)]), prop::option::of(0usize..3), exclude)
        .prop_map(|(in_stock, not_bought, categories, minimum_margin, per_category, exclude)| Rules {
            in_stock,
            not_bought,
            categories,
            minimum_margin,
            per_category,
            exclude,
            ..Rules::default()
        })
}

fn any_method() -> impl Strategy<Value = Method> {
    select(vec![
        Method::Popular,
        Method::Recent(Touched::Viewed),
        Method::Recent(Touched::Bought),
        Method::Recent(Touched::Any),
        Method::BoughtTogether,
        Method::ForPerson,
        Method::ForPerson,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn offers_are_what_looking_at_everything_gives(
        events in prop::collection::vec(any_product_event(), 0..30),
        now in select(vec![at("2026-04-01T10:00:00Z"), at("2026-03-29T22:00:00Z")]),
        asked in prop::collection::vec((any_method(), 1i64..7, prop::collection::vec(select(IDS.to_vec()), 1..3), any_rules(), 1usize..7), 6),
    ) {
        let world = World { events, countries: BTreeMap::new(), zone: "Europe/Berlin", now };
        let settled = world.settle();
        let recommender = settled.recommender(settings());
        let (shop, table) = (Shop::of(&world), settled.table(&recommender));
        shop.check_table(&table)?;
        for (method, person, with, rules, limit) in asked {
            let with = with.into_iter().map(str::to_owned).collect();
            let request = Request { method, person: Some(PersonId(person)), with, rules, limit };
            let found = settled.recommend(&recommender, &request);
            shop.check(&table, &request, &found)?;
            prop_assert_eq!(&settled.recommend(&recommender, &request), &found, "the same again");
        }
    }
}

/// By hand: who looks at a cup is offered the pot that others bought with it; with nothing known of somebody, what is popular.
#[test]
fn a_visitor_is_offered_what_goes_with_what_they_saw_and_a_stranger_what_is_popular() {
    let then = at("2026-03-28T12:00:00Z");
    let order = |person: i64, ids: &[&str]| {
        let lines: Vec<Value> =
            ids.iter().map(|id| json!({"product_id": id, "name": id.to_uppercase(), "price": 5})).collect();
        happening(person, ORDER, then.plus(person), json!({"products": lines}))
    };
    let view = happening(9, VIEW, then.plus(Timestamp::DAY), json!({"product_id": "cup", "category": "Kitchen"}));
    let events = vec![
        order(1, &["cup", "pot"]),
        order(2, &["cup", "pot"]),
        order(3, &["tea"]),
        order(4, &["tea"]),
        order(5, &["tea"]),
        view,
    ];
    let world = World { events, countries: BTreeMap::new(), zone: "UTC", now: at("2026-03-30T00:00:00Z") };
    let settled = world.settle();
    let recommender = settled.recommender(settings());
    let mut request = Request::new(Method::ForPerson, Some(PersonId(9)), 2);
    let found = settled.recommend(&recommender, &request);
    let ids: Vec<&str> = found.offers.iter().map(|it| it.item.id.as_str()).collect();
    assert_eq!((ids, found.filled, found.version), (vec!["pot", "tea"], 1, 1));
    assert_eq!(found.offers[0].because, Because::Like("cup".to_owned()));
    assert_eq!(found.offers[0].item.name.as_deref(), Some("POT"));
    request.person = Some(PersonId(77));
    let found = settled.recommend(&recommender, &request);
    assert_eq!(
        (found.offers[0].item.id.as_str(), &found.offers[0].because, found.filled),
        ("tea", &Because::Popular, 2)
    );
    request.rules.in_stock = true;
    assert_eq!(settled.recommend(&recommender, &request).stock_unknown, 2, "nobody told the stock of anything");
    assert!(!settled.is_due(&recommender, world.now));
    assert!(settled.is_due(&recommender, world.now.plus(Timestamp::DAY)), "a day is over");
    let other = rapport_analytics::recommend::Recommender::clone(&recommender);
    assert_eq!(settled.table(&other).version, 1, "clones share their tables");
}
