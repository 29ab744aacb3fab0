//! Visits to the shop: pages, products seen, carts filled and checkouts begun, with or without an order at the end.
//!
//! Always holds: a visit's events are in the order a person does them, and a visit to buy adds every line of its order (some
//! from a list, without a look at the product's page). A visit is told whole or not at all. Decides nothing about whether people buy: the order times come from `purchases`.

use rapport_domain::{
    Timestamp,
    shop_events::{CHECKOUT_STARTED, PRODUCT_ADDED, PRODUCT_VIEWED},
};
use serde_json::{Map, Value};

use crate::{
    catalogue::Catalogue,
    chance::Dice,
    message::{euros, map},
    orders::{Line, Order, Taste},
    recorder::{Device, DeviceKind, Recorder},
};

/// Days before the end since when paying on phones often fails: planted, so that a home page has something to find.
pub(crate) const PHONE_TROUBLE_DAYS: i64 = 21;

/// One thing done during a visit.
enum Step {
    Page(&'static str, &'static str),
    List(&'static str),
    View(usize),
    Add(Line),
    Checkout(Map<String, Value>),
}

/// What is done during a visit, each after a pause of so many microseconds since the step before.
pub(crate) struct Visit(Vec<(i64, Step)>);

impl Visit {
    /// A visit that ends without an order: most only look, some leave a cart, some leave a checkout.
    pub(crate) fn to_look(
        dice: &mut Dice,
        taste: &Taste,
        catalogue: &Catalogue,
        kind: DeviceKind,
        trouble: bool,
    ) -> Self {
        let mut visit = Self::arrive(dice);
        let seen = visit.look(dice, taste, catalogue);
        // Whoever cannot pay on the phone tries again and again, so carts and checkouts without an order become many.
        let fails = trouble && kind == DeviceKind::Phone;
        if !dice.happens(if fails { 0.5 } else { 0.28 }) {
            return visit;
        }
        let mut lines: Vec<Line> = vec![(seen, 1)];
        let another = taste.product(dice);
        if another != seen && dice.happens(0.4) {
            lines.push((another, 1));
        }
        for line in &lines {
            visit.push(dice, Step::Add(*line));
        }
        let to_checkout = match kind {
            DeviceKind::Phone if fails => 0.9,
            DeviceKind::Phone => 0.40,
            DeviceKind::Computer => 0.25,
        };
        if dice.happens(to_checkout) {
            visit.checkout(dice, catalogue, &lines);
        }
        visit
    }

    /// A visit that ends in an order: its lines are added, then the checkout begins.
    pub(crate) fn to_buy(dice: &mut Dice, taste: &Taste, catalogue: &Catalogue, order: &Order) -> Self {
        let mut visit = Self::arrive(dice);
        if dice.happens(0.4) {
            visit.look(dice, taste, catalogue);
        }
        for (place, line) in order.lines.iter().enumerate() {
            if place == 0 || dice.happens(0.5) {
                visit.push(dice, Step::View(line.0));
            }
            visit.push(dice, Step::Add(*line));
        }
        visit.checkout(dice, catalogue, &order.lines);
        visit
    }

    /// A checkout begun once more for the same basket, and left because the payment failed.
    pub(crate) fn failed_payment(dice: &mut Dice, catalogue: &Catalogue, order: &Order) -> Self {
        let mut visit = Self(vec![(0, Step::Page("Cart", "/cart"))]);
        visit.checkout(dice, catalogue, &order.lines);
        visit
    }

    /// From the first step to the last, microseconds.
    pub(crate) fn length(&self) -> i64 {
        self.0.iter().map(|(pause, _)| pause).sum()
    }

    /// When the checkout begins, if the visit starts at `start`.
    pub(crate) fn checkout_at(&self, start: Timestamp) -> Option<Timestamp> {
        let steps = self.0.iter().scan(start, |at, (pause, step)| {
            *at = at.plus(*pause);
            Some((*at, step))
        });
        steps.filter(|(_, step)| matches!(step, Step::Checkout(_))).map(|(at, _)| at).last()
    }

    /// Writes the visit down, starting at `start`.
    pub(crate) fn tell(self, recorder: &mut Recorder, device: &Device, catalogue: &Catalogue, start: Timestamp) {
        let mut at = start;
        for (pause, step) in self.0 {
            at = at.plus(pause);
            match step {
                Step::Page(name, path) => recorder.page(at, device, name, path),
                Step::List(category) => {
                    recorder.done(at, device, "Product List Viewed", map([("category", Value::from(category))]));
                }
                Step::View(product) => {
                    recorder.done(at, device, PRODUCT_VIEWED, product_event(catalogue, (product, 1)));
                }
                Step::Add(line) => recorder.done(at, device, PRODUCT_ADDED, product_event(catalogue, line)),
                Step::Checkout(properties) => recorder.done(at, device, CHECKOUT_STARTED, properties),
            }
        }
    }

    fn arrive(dice: &mut Dice) -> Self {
        let page = *dice.pick(&[
            ("Home", "/"),
            ("Home", "/"),
            ("New arrivals", "/new"),
            ("Journal", "/journal"),
            ("Sale", "/sale"),
        ]);
        Self(vec![(0, Step::Page(page.0, page.1))])
    }

    /// Looks at some products; returns the last one seen.
    fn look(&mut self, dice: &mut Dice, taste: &Taste, catalogue: &Catalogue) -> usize {
        let mut seen = taste.product(dice);
        if dice.happens(0.35) {
            self.push(dice, Step::List(catalogue.products()[seen].category));
        }
        self.push(dice, Step::View(seen));
        for _ in 0..dice.poisson(0.8) {
            seen = taste.product(dice);
            self.push(dice, Step::View(seen));
        }
        seen
    }

    fn checkout(&mut self, dice: &mut Dice, catalogue: &Catalogue, lines: &[Line]) {
        let value = lines.iter().map(|(product, n)| catalogue.products()[*product].price_cents * n).sum();
        let objects = lines.iter().map(|(product, n)| Value::Object(catalogue.products()[*product].properties(*n)));
        let properties = map([
            ("value", euros(value)),
            ("currency", Value::from("EUR")),
            ("products", Value::Array(objects.collect())),
        ]);
        self.push(dice, Step::Checkout(properties));
    }

    fn push(&mut self, dice: &mut Dice, step: Step) {
        let pause = dice.between(6 * Timestamp::SECOND, 110 * Timestamp::SECOND);
        self.0.push((pause, step));
    }
}

fn product_event(catalogue: &Catalogue, (product, quantity): Line) -> Map<String, Value> {
    let mut properties = catalogue.products()[product].properties(quantity);
    properties.insert("currency".to_owned(), Value::from("EUR"));
    properties
}
