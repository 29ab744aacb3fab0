//! What people did, each with the day on which it happened and the day on which it was heard of.
//!
//! Always holds: what came by a file, or with the history that a new source brings at first, counts as heard of when it happened, since it would have been, had the
//! source been there; whatever else came late was not known before it came.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, cast, ident, lit};
use rapport_domain::shop_events::{
    COMPLAINT_OPENED, ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED, PAGE_VIEWED, PRODUCT_ADDED, PRODUCT_REVIEWED,
    PRODUCT_VIEWED, REFERRAL_MADE, SCREEN_VIEWED, SURVEY_ANSWERED, TICKET_OPENED,
};
use rapport_domain::{PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_lake::columns::{OCCURRED_AT, PERSON, RECEIVED_AT, SOURCE};
use rapport_lake::{PropertyType, TableOptions};
use rapport_segments::value::Reading;
use rapport_segments::{Condition, EventColumns, event_filter};
use serde_json::Value;

use crate::analytics::{Analytics, Context};
use crate::columns::{Columns, at};
use crate::error::Result;
use crate::recommend::catalogue::id_of;
use crate::value::day_of;

/// Stands for any event.
const ANY: &str = "*";

/// What somebody did, or what happened to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// Bought.
    Bought,
    /// Looked around.
    Visited,
    /// Got money back.
    Refunded,
    /// Called an order off.
    Cancelled,
    /// Complained.
    Complained,
    /// Asked for help.
    Asked,
    /// Gave stars, 1 to 5.
    Rated,
    /// Said whether they would recommend us, 0 to 10.
    Recommended,
    /// Opened or clicked a message.
    Opened,
    /// Brought somebody else.
    Referred,
    /// Did what is foretold.
    Own,
    /// Began a subscription, went on with it or ended it.
    Subscribed,
    /// Said how satisfied they are, 1 to 11 at most.
    Satisfied,
    /// Said how easy something was, 1 to 11 at most.
    Eased,
    /// Wrote something, of which it was understood how they felt: -1 to 1.
    Felt,
}

const NAMES: [(&str, Did); 17] = [
    (ORDER_COMPLETED, Did::Bought),
    (PAGE_VIEWED, Did::Visited),
    (SCREEN_VIEWED, Did::Visited),
    (PRODUCT_VIEWED, Did::Visited),
    ("Product List Viewed", Did::Visited),
    ("Products Searched", Did::Visited),
    (PRODUCT_ADDED, Did::Visited),
    ("Signed In", Did::Visited),
    (ORDER_REFUNDED, Did::Refunded),
    (ORDER_CANCELLED, Did::Cancelled),
    (COMPLAINT_OPENED, Did::Complained),
    (TICKET_OPENED, Did::Asked),
    (PRODUCT_REVIEWED, Did::Rated),
    (SURVEY_ANSWERED, Did::Recommended),
    ("Message Opened", Did::Opened),
    ("Message Clicked", Did::Opened),
    (REFERRAL_MADE, Did::Referred),
];

/// Of these it is read why: the first that is told of [`CATEGORY`], [`TOPIC`] and [`REASON`].
const WHY: [Did; 4] = [Did::Complained, Did::Asked, Did::Refunded, Did::Cancelled];
/// A property that says why; of an order, what category its item is of.
const CATEGORY: &str = "category";
/// A property that says why.
const TOPIC: &str = "topic";
/// A property that says why.
const REASON: &str = "reason";
/// A longer reason is a sentence of somebody, and no reason of many.
const LONGEST: usize = 60;

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// The day on which it happened, since 1970, by the workspace's calendar.
    pub day: i32,
    /// The day on which it was heard of.
    pub heard: i32,
    /// What.
    pub did: Did,
    /// What was paid in the workspace's currency, stars, the answer, or the feeling; NaN where there is none.
    pub amount: f64,
    /// Of an order: whether it had a discount.
    pub reduced: bool,
    /// Whether it still counts today: an order that was called off or went back whole does not.
    pub stands: bool,
    /// Why, of what went wrong: the property that says so and its value, `category=delivery`.
    pub reason: Option<Arc<str>>,
}

/// What is foretold, where it is something that people do: each time they did it is a deed.
#[derive(Clone, Debug, PartialEq)]
pub enum Own {
    /// An event of this name, or of any (`*`), that passes a filter.
    Event {
        /// Its name.
        name: String,
        /// Of its properties.
        filter: Option<Condition>,
    },
    /// A sign of a subscription: an event of one of these names. It tells that somebody is there, also of whoever does nothing else.
    Signs {
        /// Their names.
        names: Vec<String>,
    },
    /// Buying one of these items, which are those of a category.
    Items {
        /// What the category is called where an order tells it itself.
        category: String,
        /// Their ids.
        items: HashSet<String>,
        /// The orders that were called off or went back whole.
        gone: HashSet<String>,
    },
}

impl Own {
    /// As which deed it is told.
    const fn did(&self) -> Did {
        match self {
            Self::Signs { .. } => Did::Subscribed,
            Self::Event { .. } | Self::Items { .. } => Did::Own,
        }
    }

    /// Whether an order has one of the items; `products` is the text of its lines, or it is of one item, of a category.
    fn has(&self, products: Option<&str>, item: Option<&str>, told: Option<&str>) -> bool {
        let Self::Items { category, items, .. } = self else { return true };
        let lines: Option<Vec<Value>> = products.and_then(|text| serde_json::from_str(text).ok());
        let is_one = |id: Option<&str>, told: Option<&str>| match id {
            Some(id) => items.contains(id),
            None => told == Some(category.as_str()),
        };
        match lines {
            Some(lines) if !lines.is_empty() => lines.iter().filter_map(Value::as_object).any(|line| {
                let told = line.get("category").and_then(Value::as_str);
                is_one(id_of(line).as_deref(), told)
            }),
            _ => is_one(item, told),
        }
    }

    fn stands(&self, order: Option<&str>) -> bool {
        !matches!(self, Self::Items { gone, .. } if order.is_some_and(|id| gone.contains(id)))
    }
}

/// Until when what a source brings counts as history. A source that is not in it brings none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard(pub BTreeMap<SourceId, Timestamp>);

impl Heard {
    /// When something was heard of.
    pub(crate) fn of(&self, source: SourceId, occurred: Timestamp, received: Timestamp) -> Timestamp {
        let is_history = self.0.get(&source).is_some_and(|until| received < *until);
        if is_history { occurred } else { received.max(occurred) }
    }
}

impl Analytics {
    /// What the people from one number to another did before an instant, by person, each in the order of days.
    ///
    /// # Errors
    /// The lake's.
    pub async fn deeds(
        &self,
        workspace: WorkspaceId,
        context: &Context,
        (heard, wanted): (&Heard, Option<&Own>),
        (first, last): (PersonId, PersonId),
        until: Timestamp,
    ) -> Result<BTreeMap<PersonId, Vec<Deed>>> {
        let snapshot = self.lake.snapshot(workspace).await?;
        let own = |path: &str, reading: Reading| EventColumns::property(&snapshot, path, reading);
        let number = |path: &str| cast(own(path, Reading::Number), DataType::Float64);
        let millionths = |path: &str| cast(own(path, Reading::Amount), DataType::Float64);
        let text = |path: &str| cast(own(path, Reading::Text), DataType::Utf8);
        let names: Vec<Expr> = NAMES.iter().map(|(name, _)| lit(*name)).collect();
        let is_known = EventColumns::name(&snapshot).in_list(names, false);
        let is_own = match wanted {
            None => lit(false),
            Some(Own::Event { name, filter }) => {
                let named = if name == ANY { lit(true) } else { EventColumns::name(&snapshot).eq(lit(name.as_str())) };
                match filter {
                    Some(filter) => named.and(event_filter(filter, &snapshot, &context.calendar)?),
                    None => named,
                }
            }
            Some(Own::Signs { names }) => {
                let names: Vec<Expr> = names.iter().map(|it| lit(it.as_str())).collect();
                EventColumns::name(&snapshot).in_list(names, false)
            }
            Some(Own::Items { .. }) => EventColumns::name(&snapshot).eq(lit(ORDER_COMPLETED)),
        };
        // A filter of what an event does not have is unknown, which is no.
        let is_own = coalesce(vec![is_own, lit(false)]);
        // Lines are long: they are read only where they are asked for.
        let lines = match wanted {
            Some(Own::Items { .. }) => snapshot.property("products", PropertyType::Json),
            _ => lit(ScalarValue::Utf8(None)),
        };
        let plan = snapshot
            .scan(TableOptions { to: Some(until.plus(1)), ..TableOptions::default() })?
            .filter(ident(PERSON).between(lit(first.0), lit(last.0)).and(is_known.or(is_own.clone())))?
            .project([
                ident(PERSON),
                cast(ident(OCCURRED_AT), DataType::Int64).alias("occurred"),
                cast(ident(RECEIVED_AT), DataType::Int64).alias("received"),
                cast(ident(SOURCE), DataType::Int64).alias("source"),
                cast(EventColumns::name(&snapshot), DataType::Utf8).alias("name"),
                coalesce(vec![millionths("revenue"), millionths("total")]).alias("paid"),
                millionths("discount").alias("discount"),
                text("coupon").alias("coupon"),
                text("currency").alias("currency"),
                number("rating").alias("rating"),
                number("score").alias("answer"),
                text("type").alias("type"),
                is_own.alias("own"),
                cast(lines, DataType::Utf8).alias("products"),
                coalesce(vec![text("product_id"), text("sku")]).alias("item"),
                text("order_id").alias("order_id"),
                text(CATEGORY).alias(CATEGORY),
                text(TOPIC).alias(TOPIC),
                text(REASON).alias(REASON),
            ])?
            .build()?;
        let mut found: BTreeMap<PersonId, Vec<Deed>> = BTreeMap::new();
        let mut words: HashMap<String, Arc<str>> = HashMap::new();
        for batch in self.lake.query(self.budget)?.collect(plan).await?.1 {
            let columns = Columns(&batch);
            let (persons, names) = (columns.integers(PERSON)?, columns.texts("name")?);
            let (occurred, received, sources) =
                (columns.integers("occurred")?, columns.integers("received")?, columns.integers("source")?);
            let (paid, discounts) = (columns.numbers("paid")?, columns.numbers("discount")?);
            let (coupons, currencies) = (columns.texts("coupon")?, columns.texts("currency")?);
            let (ratings, answers, types) =
                (columns.numbers("rating")?, columns.numbers("answer")?, columns.texts("type")?);
            let (own, products, items) = (columns.booleans("own")?, columns.texts("products")?, columns.texts("item")?);
            let (categories, orders) = (columns.texts(CATEGORY)?, columns.texts("order_id")?);
            let why = [(CATEGORY, categories), (TOPIC, columns.texts(TOPIC)?), (REASON, columns.texts(REASON)?)];
            for row in 0..batch.num_rows() {
                let number = |of| at(of, row, |it: &arrow::array::Float64Array, row| it.value(row));
                let word = |of| at(of, row, |it: &arrow::array::StringArray, row| it.value(row).trim().to_owned());
                let when = Timestamp(occurred.value(row));
                let source = SourceId(sources.value(row));
                let known = heard.of(source, when, Timestamp(received.value(row)));
                let deed = Deed {
                    day: day_of(when, &context.calendar),
                    heard: day_of(known, &context.calendar),
                    did: Did::Own,
                    amount: f64::NAN,
                    reduced: false,
                    stands: true,
                    reason: None,
                };
                let all = found.entry(PersonId(persons.value(row))).or_default();
                if let Some(wanted) = wanted.filter(|_| own.value(row)) {
                    let (item, told, order) = (word(items), word(categories), word(orders));
                    if wanted.has(word(products).as_deref(), item.as_deref(), told.as_deref()) {
                        let stands = wanted.stands(order.as_deref());
                        all.push(Deed { did: wanted.did(), stands, reason: None, ..deed });
                    }
                }
                let Some((_, did)) = NAMES.iter().find(|it| it.0 == names.value(row)) else { continue };
                let amount = match did {
                    Did::Bought => {
                        let is_own =
                            word(currencies).is_none_or(|it| it.eq_ignore_ascii_case(context.currency.as_str()));
                        number(paid).filter(|_| is_own).map(|it| it / 1e6)
                    }
                    Did::Rated => number(ratings).filter(|it| (1.0..=5.0).contains(it)),
                    Did::Recommended => {
                        let is_asked = word(types).is_none_or(|it| it == "nps");
                        number(answers).filter(|it| is_asked && (0.0..=10.0).contains(it))
                    }
                    _ => None,
                };
                let reduced =
                    number(discounts).is_some_and(|it| it > 0.0) || word(coupons).is_some_and(|it| !it.is_empty());
                let told = WHY.contains(did).then(|| {
                    let is_short = |it: &String| !it.is_empty() && it.chars().count() <= LONGEST;
                    why.iter().find_map(|(key, of)| Some(format!("{key}={}", word(*of).filter(is_short)?)))
                });
                let reason =
                    told.flatten().map(|it| Arc::clone(words.entry(it).or_insert_with_key(|it| it.as_str().into())));
                all.push(Deed {
                    did: *did,
                    amount: amount.unwrap_or(f64::NAN),
                    reduced: *did == Did::Bought && reduced,
                    reason,
                    ..deed
                });
            }
        }
        // The lake gives them in no order; of one day any order gives the same features, but sums must be added up in the same order each time.
        found.values_mut().for_each(|it| in_order(it));
        Ok(found)
    }
}

/// Puts what somebody did in the order of days, always the same one.
pub(super) fn in_order(deeds: &mut [Deed]) {
    deeds.sort_by(|a, b| {
        let order = |it: &Deed| (it.day, it.heard, it.did as u8);
        order(a).cmp(&order(b)).then(a.amount.total_cmp(&b.amount)).then_with(|| a.reason.cmp(&b.reason))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_was_known_when_it_happened_and_what_came_late_was_not() {
        let (shop, file) = (SourceId(1), SourceId(2));
        let heard = Heard(BTreeMap::from([(shop, Timestamp(1_000)), (file, Timestamp(i64::MAX))]));
        let of = |source, occurred, received| heard.of(source, Timestamp(occurred), Timestamp(received)).0;
        assert_eq!(of(shop, 10, 999), 10, "the history that it began with");
        assert_eq!(of(shop, 10, 1_000), 1_000, "late");
        assert_eq!(of(file, 10, 5_000), 10);
        assert_eq!(of(SourceId(3), 10, 20), 20);
        assert_eq!(of(SourceId(3), 30, 20), 30, "a clock that runs ahead");
    }
}
