//! Events of items from the lake, in slices of days, so that memory is that of what is made of them.
//!
//! Always holds: rows of a slice come in one order, whatever the order in the lake, so that of an order told twice the same one is the first.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, LogicalPlan, cast, ident, lit};
use rapport_domain::shop_events::{ORDER_COMPLETED, PRODUCT_ADDED, PRODUCT_UPDATED, PRODUCT_VIEWED};
use rapport_domain::{Interval, PersonId, Timestamp};
use rapport_lake::PropertyType;
use rapport_lake::columns::PERSON;
use rapport_segments::EventColumns;
use rapport_segments::value::Reading;
use serde_json::Value;

use super::catalogue::{Telling, id_of};
use crate::aggregates::interval_of;
use crate::asking::{Asking, time};
use crate::columns::{Columns, at};
use crate::error::Result;
use crate::period::Range;

/// Events of what people did with items, and of what is known of these.
pub(crate) const OF_ITEMS: &[&str] = &[PRODUCT_VIEWED, PRODUCT_ADDED, ORDER_COMPLETED, PRODUCT_UPDATED];
/// Only what was bought.
pub(crate) const ORDERS: &[&str] = &[ORDER_COMPLETED];
/// Events of a slice, unless a day has more.
const SLICE: u64 = 200_000;

/// Gives each event of these names from one instant (inclusive) to another (exclusive) to `take`, until that says that it is enough.
pub(crate) async fn each(
    asking: &Asking<'_>,
    names: &[&str],
    (from, until): (Timestamp, Timestamp),
    mut take: impl FnMut(Row) -> bool,
) -> Result<()> {
    for (from, to) in slices(asking, names, from, until).await? {
        let mut rows = Vec::new();
        for batch in asking.collect(rows_between(asking, names, from, to)?).await? {
            read(&batch, &mut rows)?;
        }
        rows.sort_unstable_by(|a: &Row, b| a.key().cmp(&b.key()));
        if !rows.into_iter().all(&mut take) {
            break;
        }
    }
    Ok(())
}

/// Over so many days a slice ends with a month.
const MANY_DAYS: i64 = 2_000;

/// Ranges of days that each have about as many events as a slice.
async fn slices(
    asking: &Asking<'_>,
    names: &[&str],
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<(Timestamp, Timestamp)>> {
    let end = asking.context.now.plus(1).min(until);
    let from = asking.snapshot.times().map_or(end, |(first, _)| first.max(since).min(end));
    if from >= end {
        return Ok(Vec::new());
    }
    let range = Range { from, to: end, from_the_first: false };
    let is_long = end.0.saturating_sub(from.0) > MANY_DAYS * Timestamp::DAY;
    let interval = if is_long { Interval::Month } else { Interval::Day };
    let days = range.intervals(interval, &asking.context.calendar)?;
    let plan = asking
        .events(range.from, range.to, false)?
        .filter(named(asking, names))?
        .aggregate([interval_of(time(), &days.micros()).alias("day")], [count(lit(1_i64)).alias("events")])?
        .build()?;
    let mut counts = vec![0; days.len()];
    for batch in asking.collect(plan).await? {
        let columns = Columns(&batch);
        let (places, events) = (columns.integers("day")?, columns.integers("events")?);
        for row in 0..batch.num_rows() {
            let place = at(places, row, |places, row| usize::try_from(places.value(row)).unwrap_or(usize::MAX));
            if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
                *count = crate::columns::count(events.value(row));
            }
        }
    }
    let (mut slices, mut begin, mut events) = (Vec::new(), from, 0);
    for (day, count) in counts.into_iter().enumerate() {
        if events > 0 && events + count > SLICE {
            slices.push((begin, days.bounds[day]));
            (begin, events) = (days.bounds[day], 0);
        }
        events += count;
    }
    if events > 0 {
        slices.push((begin, end));
    }
    Ok(slices)
}

fn named(asking: &Asking<'_>, names: &[&str]) -> Expr {
    asking.snapshot.name().in_list(names.iter().map(|name| lit(*name)).collect(), false)
}

fn rows_between(asking: &Asking<'_>, names: &[&str], from: Timestamp, to: Timestamp) -> Result<LogicalPlan> {
    let text = |path: &str| asking.property(path, Reading::Text).alias(path);
    let columns = [
        ident(PERSON),
        cast(time(), DataType::Int64).alias("time"),
        cast(asking.snapshot.name(), DataType::Utf8).alias("event"),
        text("product_id"),
        text("sku"),
        text("name"),
        text("category"),
        text("url"),
        text("image_url"),
        text("currency"),
        text("order_id"),
        asking.property("price", Reading::Amount).alias("price"),
        asking.property("cost", Reading::Amount).alias("cost"),
        asking.property("margin", Reading::Number).alias("margin"),
        asking.property("stock", Reading::Number).alias("stock"),
        asking.property("in_stock", Reading::Boolean).alias("in_stock"),
        asking.snapshot.property("products", PropertyType::Json).alias("products"),
    ];
    Ok(asking.events(from, to, false)?.filter(named(asking, names))?.project(columns)?.build()?)
}

/// One event.
pub(crate) struct Row {
    person: i64,
    pub(crate) time: i64,
    pub(crate) event: String,
    pub(crate) order_id: Option<String>,
    /// Its own item, where it has no lines.
    pub(crate) id: Option<String>,
    pub(crate) telling: Telling,
    pub(crate) currency: Option<String>,
    products: Option<String>,
}

impl Row {
    /// Whose.
    pub(crate) const fn person(&self) -> PersonId {
        PersonId(self.person)
    }

    /// The items of its lines with what each line tells, as they stand there.
    pub(crate) fn lines(&self, is_own: bool) -> Vec<(String, Telling)> {
        let lines: Option<Vec<Value>> = self.products.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let line = |line: &Value| {
            let line = line.as_object()?;
            Some((id_of(line)?, Telling::of_line(line, is_own)))
        };
        lines.iter().flatten().filter_map(line).collect()
    }

    fn key(&self) -> (i64, &str, i64, &Option<String>, &Option<String>, &Option<String>) {
        (self.time, &self.event, self.person, &self.order_id, &self.id, &self.products)
    }
}

fn read(batch: &RecordBatch, rows: &mut Vec<Row>) -> Result<()> {
    let columns = Columns(batch);
    let (persons, times) = (columns.integers(PERSON)?, columns.integers("time")?);
    let (prices, costs) = (columns.integers("price")?, columns.integers("cost")?);
    let (margins, stocks, in_stock) =
        (columns.numbers("margin")?, columns.numbers("stock")?, columns.booleans("in_stock")?);
    for row in 0..batch.num_rows() {
        let text = |name: &str| -> Result<Option<String>> {
            let texts = columns.texts(name)?;
            Ok(at(texts, row, |texts, row| texts.value(row).to_owned()).filter(|text| !text.is_empty()))
        };
        let event = text("event")?.unwrap_or_default();
        let is_told = event == PRODUCT_UPDATED;
        let stock = at(stocks, row, |stocks, row| stocks.value(row) > 0.0);
        let telling = Telling {
            name: text("name")?,
            category: text("category")?,
            price: at(prices, row, |prices, row| prices.value(row)),
            url: text("url")?,
            image_url: text("image_url")?,
            in_stock: at(in_stock, row, |in_stock, row| in_stock.value(row)).or(stock).filter(|_| is_told),
            cost: at(costs, row, |costs, row| costs.value(row)).filter(|_| is_told),
            margin: at(margins, row, |margins, row| margins.value(row)).filter(|_| is_told),
        };
        rows.push(Row {
            person: persons.value(row),
            time: times.value(row),
            order_id: text("order_id")?,
            id: text("product_id")?.or(text("sku")?),
            telling,
            currency: text("currency")?,
            products: text("products")?,
            event,
        });
    }
    Ok(())
}
