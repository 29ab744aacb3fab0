//! One order's rows become its events: completed, refunded, cancelled, adjusted, reviewed.
//!
//! Always holds: amounts are sums of integers in millionths, never floating point. An order has one time (its earliest line), one
//! customer (an order number that several customers share is one order for each), and its natural key is its number.
//! Each rule is counted; `docs/guides/import.md` lists them.

use rapport_domain::shop_events::{ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED, PRODUCT_REVIEWED};
use rapport_domain::{EventKind, Identifier, IdentifierKind, Timestamp};
use serde_json::{Map, Value};

use super::Shop;
use super::plan::{BadValue, amount};
use super::pool::Line;
use crate::mapping::{Field, Role};
use crate::profile::distinct::hash;
use crate::report::Rule;

/// An order made of free lines only.
pub const FREE_ORDER_COMPLETED: &str = "Free Order Completed";
/// Money that was booked on an order without goods.
pub const ORDER_ADJUSTED: &str = "Order Adjusted";

const MICROS: i128 = 1_000_000;

/// A line with its values read.
struct Item<'l, 'a> {
    line: &'l Line<'a>,
    at: Option<Timestamp>,
    who: Vec<Identifier>,
    quantity: i64,
    price: Option<i64>,
    amount: Option<i128>,
    order_total: Option<i64>,
}

/// The lines of one order by what they mean.
#[derive(Default)]
struct Sorted<'i, 'l, 'a> {
    bought: Vec<&'i Item<'l, 'a>>,
    free: Vec<&'i Item<'l, 'a>>,
    returned: Vec<&'i Item<'l, 'a>>,
    adjusted: Vec<&'i Item<'l, 'a>>,
    heads: Vec<&'i Item<'l, 'a>>,
}

/// What all events of an order share.
struct Order<'i, 'l, 'a> {
    id: String,
    /// The number, with the customer behind it where several share it.
    key: String,
    who: Vec<Identifier>,
    at: Timestamp,
    time_is_content: bool,
    currency: String,
    /// Its orders' and items' rows, the first one first.
    items: Vec<&'i Item<'l, 'a>>,
}

impl Shop {
    /// The events of all rows that name one order.
    pub(crate) fn order(&mut self, lines: &[Line<'_>]) {
        let mut items: Vec<Item<'_, '_>> = Vec::with_capacity(lines.len());
        for line in lines {
            if matches!(self.plans[line.plan].role, Role::Orders | Role::OrderItems) {
                items.extend(self.item(line));
            }
        }
        let payments: Vec<&Line<'_>> =
            lines.iter().filter(|line| self.plans[line.plan].role == Role::Payments).collect();
        let reviews: Vec<&Line<'_>> = lines.iter().filter(|line| self.plans[line.plan].role == Role::Reviews).collect();
        let mut people: Vec<Vec<Identifier>> = Vec::new();
        for item in items.iter().filter(|item| !item.who.is_empty()) {
            if !people.iter().any(|who| who[0] == item.who[0]) {
                people.push(item.who.clone());
            }
        }
        if people.is_empty() {
            self.nobody(&items, &payments, &reviews);
            return;
        }
        self.tally.rule(Rule::SeveralCustomers, u64::from(people.len() > 1));
        for (position, who) in people.iter().enumerate() {
            let of_person: Vec<&Item<'_, '_>> =
                items
                    .iter()
                    .filter(|item| {
                        if item.who.is_empty() { position == 0 && self.inherits(item) } else { item.who[0] == who[0] }
                    })
                    .collect();
            let (payments, reviews) = if position == 0 { (&payments[..], &reviews[..]) } else { (&[][..], &[][..]) };
            self.order_of(who, position, of_person, payments, reviews);
        }
        let lost: Vec<&Item<'_, '_>> =
            items.iter().filter(|item| item.who.is_empty() && !self.inherits(item)).collect();
        self.set_aside(&lost);
    }

    /// Whether a row without a customer belongs to the customer of its order: rows of files that name none.
    fn inherits(&self, item: &Item<'_, '_>) -> bool {
        let plan = &self.plans[item.line.plan];
        // Exports that fill in an order's head on its first line only leave the date blank as well.
        !plan.names_persons() || (plan.has(Field::Date) && plan.text(&item.line.fields, Field::Date).is_empty())
    }

    fn item<'l, 'a>(&mut self, line: &'l Line<'a>) -> Option<Item<'l, 'a>> {
        match self.read_item(line) {
            Ok(item) => Some(item),
            Err(bad) => {
                self.reject_value(line, bad);
                None
            }
        }
    }

    fn read_item<'l, 'a>(&mut self, line: &'l Line<'a>) -> Result<Item<'l, 'a>, BadValue> {
        let plan = &self.plans[line.plan];
        let quantity = plan.number(&line.fields, Field::Quantity)?.unwrap_or(1_000_000);
        let price = plan.number(&line.fields, Field::Price)?;
        let line_total = plan.number(&line.fields, Field::LineTotal)?;
        let order_total = plan.number(&line.fields, Field::OrderTotal)?;
        let at = if plan.role == Role::Orders { plan.date(&line.fields, &self.zone)? } else { None };
        let amount = line_total.map(i128::from).or_else(|| price.map(|price| times(quantity, price)));
        let who = self.person(line);
        Ok(Item { line, at, who, quantity, price, amount, order_total })
    }

    /// Rows of an order whose customer is not known: set aside, or an anonymous visitor's when no file names customers.
    fn nobody(&mut self, items: &[Item<'_, '_>], payments: &[&Line<'_>], reviews: &[&Line<'_>]) {
        let named = self.plans.iter().any(super::plan::Plan::names_persons);
        if items.is_empty() || named {
            let all: Vec<&Item<'_, '_>> = items.iter().collect();
            self.set_aside(&all);
            let orphans =
                payments.len() + if items.is_empty() { self.reviews_of_persons(reviews) } else { reviews.len() };
            self.tally.report.rows_set_aside += orphans as u64;
            self.tally.rule(Rule::WithoutOrder, orphans as u64);
            return;
        }
        let first = items[0].line;
        let id = self.plans[first.plan].id(&first.fields, Field::OrderId);
        let who = vec![Identifier { kind: IdentifierKind::AnonymousId, value: format!("basket:{id}") }];
        self.tally.rule(Rule::AnonymousOrder, 1);
        self.order_of(&who, 0, items.iter().collect(), payments, reviews);
    }

    fn set_aside(&mut self, items: &[&Item<'_, '_>]) {
        if items.is_empty() {
            return;
        }
        let sum = items.iter().filter_map(|item| item.amount).sum();
        let currency = self.currency_of(items[0].line);
        let without_head =
            items.iter().filter(|item| self.plans[item.line.plan].role == Role::OrderItems).count() as u64;
        self.tally.rule(Rule::WithoutOrder, without_head);
        self.tally.without_customer(&currency, items.len() as u64 - without_head, sum);
        self.tally.report.rows_set_aside += items.len() as u64;
    }

    fn currency_of(&self, line: &Line<'_>) -> String {
        let own = self.plans[line.plan].text(&line.fields, Field::Currency);
        if own.is_empty() { self.currency.clone() } else { own.to_uppercase() }
    }

    /// The time of an order: its earliest row's, else the assumed one. `None` when the rows must be rejected.
    fn time_of(&mut self, items: &[&Item<'_, '_>]) -> Option<(Timestamp, bool)> {
        let mut times = items.iter().filter_map(|item| item.at);
        if let Some(first) = times.next() {
            let earliest = times.clone().fold(first, Timestamp::min);
            self.tally.rule(Rule::SeveralTimes, u64::from(times.any(|at| at != first)));
            return Some((earliest, true));
        }
        let has_date = items.iter().any(|item| self.plans[item.line.plan].has(Field::Date));
        if has_date && !self.assumed_is_given {
            return None;
        }
        self.tally.rule(Rule::AssumedDate, 1);
        Some((self.assumed, false))
    }

    fn order_of(
        &mut self,
        who: &[Identifier],
        position: usize,
        items: Vec<&Item<'_, '_>>,
        payments: &[&Line<'_>],
        reviews: &[&Line<'_>],
    ) {
        let first = items[0].line;
        let id = self.plans[first.plan].id(&first.fields, Field::OrderId).to_owned();
        let Some((at, time_is_content)) = self.time_of(&items) else {
            items
                .iter()
                .for_each(|item| self.reject(item.line, "no_date", "neither this row nor its order has a date"));
            payments.iter().chain(reviews).for_each(|line| self.reject(line, "no_date", "its order has no date"));
            return;
        };
        let key = if position == 0 { id.clone() } else { format!("{id}:{}", who[0].value) };
        let currency = items.iter().map(|item| self.currency_of(item.line)).find(|c| !c.is_empty()).unwrap_or_default();
        let order = Order { id, key, who: who.to_vec(), at, time_is_content, currency, items };
        let rows: Vec<&Line<'_>> = order.items.iter().map(|item| item.line).collect();
        let traits = self.traits(&rows, &who[0]);
        self.state_traits(who, traits, at, first);
        self.tally.report.rows_taken += (order.items.len() + payments.len()) as u64;
        let is_cancellation = self.is_cancellation(&order.id);
        let sorted = self.sort(&order.items, is_cancellation);
        self.events_of(&order, &sorted, is_cancellation, payments);
        self.reviews(&order, reviews);
    }

    fn is_cancellation(&self, id: &str) -> bool {
        let rest = self.cancellation_prefix.as_deref().and_then(|prefix| id.strip_prefix(prefix));
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    }

    fn sort<'i, 'l, 'a>(&mut self, items: &[&'i Item<'l, 'a>], is_cancellation: bool) -> Sorted<'i, 'l, 'a> {
        let mut sorted = Sorted::default();
        for item in items {
            let plan = &self.plans[item.line.plan];
            let has_unit = plan.has(Field::Price) || plan.has(Field::ProductId) || plan.has(Field::ProductName);
            let negative_amount = item.amount.is_some_and(|amount| amount < 0);
            let (list, rule) = if plan.is_header_only() && item.amount.is_none() {
                (&mut sorted.heads, None)
            } else if is_cancellation {
                (&mut sorted.returned, Some(Rule::Cancellation))
            } else if item.price.is_some_and(|price| price < 0) {
                (&mut sorted.adjusted, Some(Rule::Adjustment))
            } else if item.quantity < 0 || (negative_amount && item.price.is_none()) {
                (&mut sorted.returned, Some(Rule::ReturnLine))
            } else if item.quantity == 0 {
                (&mut sorted.free, Some(Rule::ZeroQuantity))
            } else if has_unit && item.amount == Some(0) {
                (&mut sorted.free, Some(Rule::FreeLine))
            } else {
                (&mut sorted.bought, None)
            };
            list.push(item);
            if let Some(rule) = rule {
                self.tally.rule(rule, 1);
            }
        }
        sorted
    }

    fn events_of(
        &mut self,
        order: &Order<'_, '_, '_>,
        sorted: &Sorted<'_, '_, '_>,
        is_cancellation: bool,
        payments: &[&Line<'_>],
    ) {
        if !sorted.returned.is_empty() {
            let refund = -sorted.returned.iter().map(|item| item.amount.unwrap_or(0)).sum::<i128>();
            let mut properties = self.properties(order);
            properties.insert("total".to_owned(), money(refund));
            properties.insert("products".to_owned(), self.products(&sorted.returned, true));
            let key =
                if is_cancellation { format!("order:{}", order.key) } else { format!("order:{}:returns", order.key) };
            if is_cancellation || refund != 0 {
                self.tally.refund(&order.currency, refund);
                self.send(order, key, ORDER_REFUNDED, properties);
            }
        }
        if !sorted.adjusted.is_empty() {
            let total = sorted.adjusted.iter().map(|item| item.amount.unwrap_or(0)).sum::<i128>();
            let mut properties = self.properties(order);
            properties.insert("total".to_owned(), money(total));
            self.send(order, format!("order:{}:adjustment", order.key), ORDER_ADJUSTED, properties);
        }
        if !sorted.bought.is_empty() || (sorted.free.is_empty() && !sorted.heads.is_empty()) {
            self.completed(order, sorted, payments);
        } else if !sorted.free.is_empty() {
            self.tally.rule(Rule::FreeOrder, 1);
            let mut properties = self.properties(order);
            properties.insert("free_products".to_owned(), self.products(&sorted.free, false));
            self.send(order, format!("order:{}", order.key), FREE_ORDER_COMPLETED, properties);
        }
    }

    fn completed(&mut self, order: &Order<'_, '_, '_>, sorted: &Sorted<'_, '_, '_>, payments: &[&Line<'_>]) {
        let mut properties = self.properties(order);
        let paid = self.payments(payments, &mut properties);
        let has_amounts = sorted.bought.iter().any(|item| item.amount.is_some());
        let lines: i128 = sorted.bought.iter().filter_map(|item| item.amount).sum();
        let stated = order.items.iter().find_map(|item| item.order_total).map(i128::from);
        let revenue = stated.or_else(|| has_amounts.then_some(lines)).or(paid);
        if sorted.bought.is_empty() {
            self.tally.rule(Rule::WithoutLines, 1);
        }
        let extra: i128 = self.sum(&sorted.bought, Field::Shipping) + self.sum(&sorted.bought, Field::Tax);
        if let Some(revenue) = revenue {
            properties.insert("revenue".to_owned(), money(revenue));
            let total = if stated.is_some() || !has_amounts { revenue } else { revenue + extra };
            properties.insert("total".to_owned(), money(total));
        }
        if !sorted.bought.is_empty() {
            properties.insert("products".to_owned(), self.products(&sorted.bought, false));
        }
        if !sorted.free.is_empty() {
            properties.insert("free_products".to_owned(), self.products(&sorted.free, false));
        }
        if self.is_cancelled(&properties) {
            self.tally.rule(Rule::CancelledStatus, 1);
            self.send(order, format!("order:{}", order.key), ORDER_CANCELLED, properties);
            return;
        }
        self.count_order(order, sorted.bought.len() as u64, revenue);
        self.send(order, format!("order:{}", order.key), ORDER_COMPLETED, properties);
    }

    fn count_order(&mut self, order: &Order<'_, '_, '_>, lines: u64, revenue: Option<i128>) {
        self.tally.rule(Rule::ZeroOrder, u64::from(revenue == Some(0)));
        self.tally.report.orders += 1;
        self.tally.report.order_lines += lines;
        if let Some(revenue) = revenue {
            self.tally.revenue(&order.currency, revenue);
        }
        if order.who[0].kind != IdentifierKind::AnonymousId {
            self.tally.customers.insert(hash(&order.who[0].value));
        }
    }

    /// What every event of the order says: its number, currency, status and mapped properties, from the first row that has them.
    fn properties(&self, order: &Order<'_, '_, '_>) -> Map<String, Value> {
        let mut properties = Map::new();
        for item in order.items.iter().rev() {
            let plan = &self.plans[item.line.plan];
            plan.fill(&item.line.fields, Field::Property, &self.zone, &mut properties);
            for (field, key) in
                [(Field::Status, "status"), (Field::Coupon, "coupon"), (Field::PaymentMethod, "payment_method")]
            {
                let text = plan.text(&item.line.fields, field);
                if !text.is_empty() {
                    properties.insert(key.to_owned(), Value::from(text));
                }
            }
        }
        for (field, key) in [(Field::Discount, "discount"), (Field::Tax, "tax"), (Field::Shipping, "shipping")] {
            if order.items.iter().any(|item| self.plans[item.line.plan].has(field)) {
                properties.insert(key.to_owned(), money(self.sum(&order.items, field)));
            }
        }
        properties.insert("order_id".to_owned(), Value::from(order.id.clone()));
        if !order.currency.is_empty() {
            properties.insert("currency".to_owned(), Value::from(order.currency.clone()));
        }
        properties
    }

    fn sum(&self, items: &[&Item<'_, '_>], field: Field) -> i128 {
        items
            .iter()
            .filter_map(|item| self.plans[item.line.plan].number(&item.line.fields, field).ok().flatten())
            .map(i128::from)
            .sum()
    }

    /// The lines as Segment's `products`; `line_id` is the product and k for its k-th line.
    fn products(&mut self, items: &[&Item<'_, '_>], positive: bool) -> Value {
        let mut seen = std::collections::HashMap::<String, u32>::new();
        let mut contents = std::collections::HashSet::new();
        let mut products = Vec::with_capacity(items.len());
        let mut repeated = 0;
        for item in items {
            let plan = &self.plans[item.line.plan];
            let fields = &item.line.fields;
            repeated += u64::from(!contents.insert(hash(&fields.join("\u{1f}"))));
            let mut product = Map::new();
            plan.fill(fields, Field::LineProperty, &self.zone, &mut product);
            let (id, name) = (plan.id(fields, Field::ProductId), plan.text(fields, Field::ProductName));
            let mut set = |key: &str, text: &str| {
                if !text.is_empty() {
                    product.insert(key.to_owned(), Value::from(text));
                }
            };
            set("product_id", id);
            set("name", name);
            set("category", self.lookups.category(plan.text(fields, Field::Category)));
            let known = if id.is_empty() { name } else { id };
            if let Some(other) = self.lookups.product(known) {
                let about = &self.plans[other.plan];
                if name.is_empty() {
                    set("name", about.text(&other.fields, Field::ProductName));
                }
                set("category", self.lookups.category(about.text(&other.fields, Field::Category)));
            }
            let number = plan.text(fields, Field::LineNumber);
            let count = seen.entry(known.to_owned()).or_default();
            *count += 1;
            let line_id = if number.is_empty() { format!("{known}#{count}") } else { number.to_owned() };
            product.insert("line_id".to_owned(), Value::from(line_id));
            let sign = if positive && item.quantity < 0 { -1 } else { 1 };
            product.insert("quantity".to_owned(), amount(sign * item.quantity));
            if let Some(price) = item.price {
                product.insert("price".to_owned(), amount(price));
            } else if let Some(total) = item.amount {
                product.insert("total".to_owned(), money(total));
            }
            products.push(Value::Object(product));
        }
        self.tally.rule(Rule::RepeatedLine, repeated);
        Value::Array(products)
    }

    /// Adds the payments to an order; their sum, if there are any.
    fn payments(&self, payments: &[&Line<'_>], properties: &mut Map<String, Value>) -> Option<i128> {
        let mut list = Vec::new();
        let mut paid = None;
        for line in payments {
            let plan = &self.plans[line.plan];
            let mut payment = Map::new();
            plan.fill(&line.fields, Field::Property, &self.zone, &mut payment);
            let method = plan.text(&line.fields, Field::PaymentMethod);
            if !method.is_empty() {
                payment.insert("method".to_owned(), Value::from(method));
                properties.entry("payment_method").or_insert_with(|| Value::from(method));
            }
            if let Ok(Some(value)) = plan.number(&line.fields, Field::PaymentValue) {
                payment.insert("value".to_owned(), amount(value));
                paid = Some(paid.unwrap_or(0) + i128::from(value));
            }
            list.push(Value::Object(payment));
        }
        if !list.is_empty() {
            properties.insert("payments".to_owned(), Value::Array(list));
        }
        if let Some(paid) = paid {
            properties.insert("paid".to_owned(), money(paid));
        }
        paid
    }

    fn is_cancelled(&self, properties: &Map<String, Value>) -> bool {
        const WORDS: [&str; 9] =
            ["cancelled", "canceled", "cancelado", "cancelada", "storniert", "annulé", "annulée", "voided", "已取消"];
        let status = properties.get("status").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        WORDS.contains(&status.as_str())
    }

    fn send(&mut self, order: &Order<'_, '_, '_>, key: String, name: &str, properties: Map<String, Value>) {
        let first = order.items[0].line;
        let last = order
            .items
            .iter()
            .filter(|item| item.line.plan == first.plan)
            .map(|item| item.line.row)
            .max()
            .unwrap_or(first.row);
        self.emit(
            key,
            EventKind::Track,
            name,
            order.at,
            order.who.clone(),
            properties,
            Map::new(),
            (first, last),
            order.time_is_content,
        );
    }

    fn reviews(&mut self, order: &Order<'_, '_, '_>, reviews: &[&Line<'_>]) {
        let mut products: Vec<&str> = order
            .items
            .iter()
            .map(|item| self.plans[item.line.plan].id(&item.line.fields, Field::ProductId))
            .filter(|p| !p.is_empty())
            .collect();
        products.sort_unstable();
        products.dedup();
        let product = if let [one] = products[..] { one } else { "" };
        let mut seen = std::collections::HashMap::<String, u32>::new();
        for line in reviews {
            let plan = &self.plans[line.plan];
            let key = format!("review:{}:{}", plan.id(&line.fields, Field::ReviewId), order.id);
            let count = seen.entry(key.clone()).or_default();
            *count += 1;
            let key = if *count == 1 { key } else { format!("{key}:{count}") };
            self.review(line, key, &order.who, order.at, &order.id, product);
        }
    }

    /// Reviews whose order is in no file, but that name a person themselves; returns how many do not.
    fn reviews_of_persons(&mut self, reviews: &[&Line<'_>]) -> usize {
        let mut orphans = 0;
        for line in reviews {
            let who = self.person(line);
            if who.is_empty() {
                orphans += 1;
                continue;
            }
            let plan = &self.plans[line.plan];
            let order = plan.id(&line.fields, Field::OrderId).to_owned();
            let key = format!("review:{}:{order}", plan.id(&line.fields, Field::ReviewId));
            self.review(line, key, &who, self.assumed, &order, "");
        }
        orphans
    }

    /// A review as an event; its time is its own, else `at`.
    pub(crate) fn review(
        &mut self,
        line: &Line<'_>,
        key: String,
        who: &[Identifier],
        at: Timestamp,
        order: &str,
        product: &str,
    ) {
        let plan = &self.plans[line.plan];
        let (date, rating) = match (plan.date(&line.fields, &self.zone), plan.number(&line.fields, Field::Rating)) {
            (Ok(date), Ok(rating)) => (date, rating),
            (Err(bad), _) | (_, Err(bad)) => return self.reject_value(line, bad),
        };
        let mut properties = Map::new();
        plan.fill(&line.fields, Field::Property, &self.zone, &mut properties);
        let own = plan.id(&line.fields, Field::ProductId);
        for (name, text) in [
            ("order_id", order),
            ("product_id", if own.is_empty() { product } else { own }),
            ("review_id", plan.id(&line.fields, Field::ReviewId)),
            ("review_title", plan.raw(&line.fields, Field::ReviewTitle)),
            ("review_body", plan.raw(&line.fields, Field::ReviewText)),
        ] {
            if !text.is_empty() {
                properties.insert(name.to_owned(), Value::from(text));
            }
        }
        if let Some(rating) = rating {
            properties.insert("rating".to_owned(), amount(rating));
        }
        self.tally.report.rows_taken += 1;
        let name = PRODUCT_REVIEWED;
        self.emit(
            key,
            EventKind::Track,
            name,
            date.unwrap_or(at),
            who.to_vec(),
            properties,
            Map::new(),
            (line, line.row),
            date.is_some(),
        );
    }
}

/// Quantity times price, both in millionths, rounded half away from zero (exact for whole quantities).
pub(crate) fn times(quantity: i64, price: i64) -> i128 {
    let product = i128::from(quantity) * i128::from(price);
    let half = if product < 0 { -MICROS / 2 } else { MICROS / 2 };
    (product + half) / MICROS
}

/// A sum as JSON; sums beyond one amount's range are given as text.
fn money(micros: i128) -> Value {
    i64::try_from(micros)
        .map_or_else(|_| Value::from(format!("{}.{:06}", micros / MICROS, (micros % MICROS).abs())), amount)
}
