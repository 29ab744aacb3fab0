//! A table from the lake.
//!
//! Always holds: events are read in slices of days, so that memory is that of the pairs of persons and items, not of the events; the table does not
//! depend on how they were sliced. An order that is told twice counts once, as it was told first. A person counts by their newest items.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, cast, ident, lit};
use rapport_domain::shop_events::{ORDER_COMPLETED, PRODUCT_ADDED, PRODUCT_UPDATED, PRODUCT_VIEWED};
use rapport_domain::{Interval, Timestamp, WorkspaceId};
use rapport_lake::PropertyType;
use rapport_lake::columns::PERSON;
use rapport_models::recommend::{Baskets, Bought, Interaction, Neighbours, Weighting, popularity, ranked};
use rapport_segments::EventColumns;
use rapport_segments::value::Reading;
use serde_json::Value;

use super::catalogue::{Catalogue, Telling, id_of, is_own};
use super::history::{Touch, days};
use super::table::Table;
use super::{Settings, orders};
use crate::aggregates::interval_of;
use crate::analytics::{Analytics, Context};
use crate::asking::{Asking, time};
use crate::columns::{Columns, at};
use crate::error::Result;
use crate::period::Range;

const NAMES: [&str; 4] = [PRODUCT_VIEWED, PRODUCT_ADDED, ORDER_COMPLETED, PRODUCT_UPDATED];
/// Events of a slice, unless a day has more.
const SLICE: u64 = 200_000;
/// Touches are put together when so many have come beside those that were.
const TOUCHES: usize = 1 << 20;

pub(super) async fn build(
    analytics: &Analytics,
    workspace: WorkspaceId,
    context: &Context,
    settings: &Settings,
) -> Result<Table> {
    let asking = Asking::begin(&analytics.store, &analytics.lake, analytics.budget, workspace, None, context).await?;
    let now = context.now;
    let since = now.plus(-i64::from(settings.days) * Timestamp::DAY);
    let mut gathered = Gathered::new(context, settings);
    for (from, to) in slices(&asking, since).await? {
        let mut rows = Vec::new();
        for batch in asking.collect(rows_between(&asking, from, to)?).await? {
            read(&batch, &mut rows)?;
        }
        // In one order, so that of an order told twice the same one is the first.
        rows.sort_unstable_by(|a: &Row, b| a.key().cmp(&b.key()));
        rows.into_iter().for_each(|row| gathered.take(row));
    }
    let orders = orders(&asking.snapshot)?;
    Ok(gathered.table(since, now, settings, orders))
}

/// Ranges of days that each have about as many events as a slice.
async fn slices(asking: &Asking<'_>, since: Timestamp) -> Result<Vec<(Timestamp, Timestamp)>> {
    let end = asking.context.now.plus(1);
    let from = asking.snapshot.times().map_or(end, |(first, _)| first.max(since).min(end));
    let range = Range { from, to: end, from_the_first: false };
    let days = range.intervals(Interval::Day, &asking.context.calendar)?;
    let plan = asking
        .events(range.from, range.to, false)?
        .filter(names(asking))?
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

fn names(asking: &Asking<'_>) -> Expr {
    asking.snapshot.name().in_list(NAMES.into_iter().map(lit).collect(), false)
}

fn rows_between(asking: &Asking<'_>, from: Timestamp, to: Timestamp) -> Result<datafusion::logical_expr::LogicalPlan> {
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
    Ok(asking.events(from, to, false)?.filter(names(asking))?.project(columns)?.build()?)
}

/// One event.
struct Row {
    person: i64,
    time: i64,
    event: String,
    order_id: Option<String>,
    id: Option<String>,
    telling: Telling,
    currency: Option<String>,
    products: Option<String>,
}

impl Row {
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

/// What was read so far.
struct Gathered<'a> {
    context: &'a Context,
    /// Orders older than this are in no popularity.
    popular_since: i64,
    catalogue: Catalogue,
    baskets: Vec<(i64, Vec<u32>)>,
    /// Numbers of orders, as hashes.
    told: HashSet<u64>,
    touches: Vec<(i64, u32, Touch)>,
    /// How many of `touches` are one a person and item.
    merged: usize,
}

impl<'a> Gathered<'a> {
    fn new(context: &'a Context, settings: &Settings) -> Self {
        Self {
            context,
            popular_since: context.now.plus(-i64::from(settings.popular_days) * Timestamp::DAY).0,
            catalogue: Catalogue::default(),
            baskets: Vec::new(),
            told: HashSet::new(),
            touches: Vec::new(),
            merged: 0,
        }
    }

    fn take(&mut self, row: Row) {
        let is_own = is_own(row.currency.as_deref(), self.context.currency);
        if row.event == ORDER_COMPLETED {
            return self.order(row, is_own);
        }
        let Some(id) = row.id else { return };
        let place = self.catalogue.place(&id);
        let price = row.telling.price.filter(|_| is_own);
        let cost = row.telling.cost.filter(|_| is_own);
        self.catalogue.tell(place, row.time, Telling { price, cost, ..row.telling });
        if row.event != PRODUCT_UPDATED {
            self.touch(row.person, place, Touch { viewed: Some(row.time), bought: None });
        }
    }

    fn order(&mut self, row: Row, is_own: bool) {
        if let Some(order_id) = &row.order_id {
            let mut hash = DefaultHasher::new();
            hash.write(order_id.as_bytes());
            if !self.told.insert(hash.finish()) {
                return;
            }
        }
        let lines: Option<Vec<Value>> = row.products.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let mut items = Vec::new();
        for line in lines.iter().flatten().filter_map(Value::as_object) {
            if let Some(id) = id_of(line) {
                let place = self.catalogue.place(&id);
                self.catalogue.tell(place, row.time, Telling::of_line(line, is_own));
                items.push(place);
            }
        }
        if items.is_empty() {
            items.extend(row.id.as_ref().map(|id| self.catalogue.place(id)));
        }
        items.sort_unstable();
        items.dedup();
        for item in &items {
            self.touch(row.person, *item, Touch { viewed: None, bought: Some(row.time) });
        }
        if !items.is_empty() {
            self.baskets.push((row.time, items));
        }
    }

    fn touch(&mut self, person: i64, item: u32, touch: Touch) {
        self.touches.push((person, item, touch));
        if self.touches.len() >= 2 * self.merged.max(TOUCHES) {
            self.merge();
        }
    }

    fn merge(&mut self) {
        self.touches.sort_unstable_by_key(|(person, item, _)| (*person, *item));
        self.touches.dedup_by(|later, first| {
            let is_same = (later.0, later.1) == (first.0, first.1);
            if is_same {
                first.2.merge(later.2);
            }
            is_same
        });
        self.merged = self.touches.len();
    }

    fn table(mut self, since: Timestamp, now: Timestamp, settings: &Settings, orders: u64) -> Table {
        self.merge();
        let (items, moved) = self.catalogue.finish();
        let mut baskets = Baskets::default();
        let mut bought = Vec::new();
        for (time, items) in &mut self.baskets {
            items.iter_mut().for_each(|item| *item = moved[*item as usize]);
            if *time >= self.popular_since {
                bought.extend(items.iter().map(|item| Bought { item: *item, age: days(*time, now) }));
            }
            baskets.add(items);
        }
        let scores = popularity(bought, items.len(), settings.popular_half_life);
        let popular = ranked((0_u32..).zip(scores).collect(), usize::MAX);
        let companions = baskets.companions(items.len(), settings.least_together, settings.keep);
        let interactions = interactions(self.touches, &moved, now, settings);
        let neighbours = Neighbours::of(interactions, items.len(), settings.keep, Weighting::ByPerson);
        let places = items.iter().map(|item| item.id.clone()).zip(0_u32..).collect();
        Table {
            version: 0,
            built_at: now,
            since,
            orders,
            baskets: baskets.len(),
            large_baskets: baskets.left_out(),
            items,
            places,
            popular,
            companions,
            neighbours,
        }
    }
}

/// What each person had to do with their newest items.
fn interactions(
    mut touches: Vec<(i64, u32, Touch)>,
    moved: &[u32],
    now: Timestamp,
    settings: &Settings,
) -> Vec<Interaction> {
    touches.iter_mut().for_each(|(_, item, _)| *item = moved[*item as usize]);
    let mut interactions = Vec::with_capacity(touches.len());
    for (person, of_person) in (0_u32..).zip(touches.chunk_by_mut(|a, b| a.0 == b.0)) {
        of_person.sort_unstable_by(|a, b| b.2.last().cmp(&a.2.last()).then(a.1.cmp(&b.1)));
        let newest = of_person.iter().take(Neighbours::MOST_ITEMS);
        interactions.extend(newest.map(|(_, item, touch)| Interaction {
            person,
            item: *item,
            weight: touch.weight(now, settings),
        }));
    }
    interactions
}
