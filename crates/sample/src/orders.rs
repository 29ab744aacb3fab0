//! An order: what is in the basket, and its money.
//!
//! Always holds: prices are gross (German VAT of 19 % included), so `total = products - discount + shipping` and, as Segment defines it,
//! `revenue = total - shipping - tax`; all in whole cents. Does not know when or by whom.

use serde_json::{Map, Value};

use crate::{
    catalogue::{Catalogue, SHELF},
    chance::Dice,
    message::{euros, map},
};

/// VAT, per cent.
const VAT: i64 = 19;
/// Below this gross value, in cents, shipping is paid.
const FREE_SHIPPING: i64 = 5_900;
/// What shipping costs, in cents.
const SHIPPING: i64 = 490;

/// A customer's taste: weight of each category.
pub(crate) struct Taste(Vec<f64>);

impl Taste {
    /// Few categories loved, the rest rarely.
    pub(crate) fn draw(dice: &mut Dice, catalogue: &Catalogue) -> Self {
        Self((0..catalogue.categories().len()).map(|shelf| Catalogue::demand(shelf) * dice.gamma(0.6, 1.0)).collect())
    }

    /// The place of the favourite category.
    pub(crate) fn favourite(&self) -> usize {
        (0..self.0.len()).max_by(|a, b| self.0[*a].total_cmp(&self.0[*b])).unwrap_or(0)
    }

    /// A product to look at.
    pub(crate) fn product(&self, dice: &mut Dice) -> usize {
        let shelf = dice.weighted(self.0.iter().copied());
        shelf * SHELF + dice.weighted((0..SHELF).map(Catalogue::popularity))
    }

    /// A product that costs at most `cents` and is no trifle against it, or `None` when the category drawn has none.
    fn affordable(&self, dice: &mut Dice, catalogue: &Catalogue, cents: i64) -> Option<usize> {
        let shelf = dice.weighted(self.0.iter().copied()) * SHELF;
        let fits = |place: usize| (cents / 5..=cents).contains(&catalogue.products()[shelf + place].price_cents);
        let weights = (0..SHELF).map(|place| if fits(place) { Catalogue::popularity(place) } else { 0.0 });
        (0..SHELF).any(fits).then(|| shelf + dice.weighted(weights)).filter(|product| fits(product - shelf))
    }
}

/// A basket's line: product and quantity.
pub(crate) type Line = (usize, i64);

/// What is bought, and what it costs in cents.
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) products: i64,
    pub(crate) coupon: Option<&'static str>,
    pub(crate) discount: i64,
    pub(crate) shipping: i64,
    pub(crate) tax: i64,
}

impl Order {
    /// An order whose revenue comes near `value` cents.
    pub(crate) fn fill(dice: &mut Dice, id: String, taste: &Taste, catalogue: &Catalogue, value: i64) -> Self {
        let coupon = dice.happens(0.14).then(|| *dice.pick(&[("WELCOME10", 10), ("NORD15", 15), ("AUTUMN20", 20)]));
        let percent = coupon.map_or(0, |(_, percent)| percent);
        let aim = value * (100 + VAT) / (100 - percent);
        let lines = basket(dice, taste, catalogue, aim);
        let products = lines.iter().map(|(product, n)| catalogue.products()[*product].price_cents * n).sum::<i64>();
        let discount = products * percent / 100;
        let paid = products - discount;
        Self {
            id,
            lines,
            products,
            coupon: coupon.map(|(name, _)| name),
            discount,
            shipping: if paid < FREE_SHIPPING { SHIPPING } else { 0 },
            tax: (paid * VAT + (100 + VAT) / 2) / (100 + VAT),
        }
    }

    /// What the customer pays.
    pub(crate) fn total(&self) -> i64 {
        self.products - self.discount + self.shipping
    }

    /// What the shop earns before shipping and tax.
    pub(crate) fn revenue(&self) -> i64 {
        self.products - self.discount - self.tax
    }

    /// The products as Segment's list.
    pub(crate) fn product_list(&self, catalogue: &Catalogue) -> Value {
        let object = |(product, n): &Line| Value::Object(catalogue.products()[*product].properties(*n));
        Value::Array(self.lines.iter().map(object).collect())
    }

    /// The fields of "Order Completed".
    pub(crate) fn properties(&self, catalogue: &Catalogue) -> Map<String, Value> {
        let mut fields = map([
            ("order_id", Value::from(self.id.as_str())),
            ("total", euros(self.total())),
            ("subtotal", euros(self.products - self.discount)),
            ("revenue", euros(self.revenue())),
            ("shipping", euros(self.shipping)),
            ("tax", euros(self.tax)),
            ("discount", euros(self.discount)),
            ("currency", Value::from("EUR")),
            ("products", self.product_list(catalogue)),
        ]);
        if let Some(coupon) = self.coupon {
            fields.insert("coupon".to_owned(), Value::from(coupon));
        }
        fields
    }
}

/// Lines worth about `aim` cents: by taste while much is left, then the one product that comes nearest.
fn basket(dice: &mut Dice, taste: &Taste, catalogue: &Catalogue, aim: i64) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut left = aim;
    let add = |lines: &mut Vec<Line>, product: usize| match lines.iter_mut().find(|line| line.0 == product) {
        Some(line) => line.1 += 1,
        None => lines.push((product, 1)),
    };
    for _ in 0..12 {
        let Some(product) = taste.affordable(dice, catalogue, left) else { continue };
        add(&mut lines, product);
        left -= catalogue.products()[product].price_cents;
        if let Some(companion) = Catalogue::companion(product).filter(|_| dice.happens(0.3)) {
            add(&mut lines, companion);
            left -= catalogue.products()[companion].price_cents;
        }
        if left < aim / 3 || lines.len() >= 5 {
            break;
        }
    }
    let nearest = |(_, product): &(usize, &crate::Product)| (product.price_cents - left).abs();
    let last = catalogue.products().iter().enumerate().min_by_key(nearest).map_or(0, |(place, _)| place);
    let gain = left.abs() - (catalogue.products()[last].price_cents - left).abs();
    if gain > 0 || lines.is_empty() {
        add(&mut lines, last);
    }
    lines
}
