//! What is known of everybody who bought within a window of days.
//!
//! Always holds: whoever must not be used (their data are restricted, or they refused to be understood in numbers) is not among them; what was called off or went back whole
//! was not bought; amounts of other currencies are not added up.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{ident, lit, when};
use rapport_domain::shop_events::ORDER_COMPLETED;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_lake::columns::PERSON;
use rapport_profiles::records::orders;
use rapport_profiles::records::persons::{self, Filter};
use rapport_segments::EventColumns;
use rapport_segments::value::Reading;

use crate::analytics::{Analytics, Context};
use crate::asking::Asking;
use crate::columns::{Columns, count as counted};
use crate::error::Result;
use crate::recommend::build::hash;
use crate::recommend::catalogue::{Catalogue, Telling, is_own};
use crate::recommend::rows::{ORDERS, each};
use crate::value::{Bought, Buyer, day_of};

/// So many categories are told apart: those of which most is bought.
const CATEGORIES: usize = 8;
/// So many markets, and sources, are told apart.
const NAMES: usize = 12;
/// So many people are read together.
const PEOPLE: i64 = 20_000;

/// Somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Who.
    pub person: PersonId,
    /// The day of the first purchase ever, since 1970.
    pub first: i32,
    /// The day of the last.
    pub last: i32,
    /// On how many days of the window they bought.
    pub purchases: u32,
    /// The mean number of days between purchases of the window; `None` of one.
    pub cycle: Option<f64>,
    /// How many of the purchases have an amount in the workspace's currency.
    pub priced: u32,
    /// What they come to.
    pub spent: f64,
    /// How many orders, of which something of so many went back.
    pub orders: (u32, u32),
    /// How many orders were told with what was taken off them, of so many something was.
    pub reduced: (u32, u32),
    /// How many lines their orders have.
    pub lines: u32,
    /// How many of them are of which category, by its place.
    pub categories: Vec<(u32, u32)>,
    /// The place of their market.
    pub market: Option<u32>,
    /// The place of the source that brought them.
    pub source: Option<u32>,
}

/// What is known beside purchases, by person.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// Orders, and those of which something went back.
    pub returns: HashMap<PersonId, (u32, u32)>,
    /// Orders, and those with something taken off.
    pub reduced: HashMap<PersonId, (u32, u32)>,
    /// Lines by category; the empty name is of no category.
    pub lines: HashMap<PersonId, BTreeMap<String, u32>>,
    /// Markets.
    pub markets: HashMap<PersonId, String>,
    /// Sources.
    pub sources: HashMap<PersonId, String>,
}

/// Everybody who bought within the window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct People {
    /// Them, by person.
    pub rows: Vec<Person>,
    /// The names of the categories, those of which most is bought first.
    pub categories: Vec<String>,
    /// The names of the markets, the largest first.
    pub markets: Vec<String>,
    /// The names of the sources, the largest first.
    pub sources: Vec<String>,
    /// The first day of the window.
    pub from: i32,
    /// The first day after it, which is the first that is not known.
    pub end: i32,
    /// How many orders were looked at.
    pub purchases: u64,
    /// People who bought and may not be looked at: their data are restricted, or they refused.
    pub left_out: u64,
    /// Orders in another currency.
    pub foreign: u64,
}

/// The most frequent of names, and the place of each among them.
fn places(counts: HashMap<&str, u64>, most: usize) -> (Vec<String>, HashMap<String, u32>) {
    let mut found: Vec<(&str, u64)> = counts.into_iter().filter(|it| !it.0.is_empty()).collect();
    found.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    found.truncate(most);
    let names: Vec<String> = found.into_iter().map(|it| it.0.to_owned()).collect();
    let at = names.iter().cloned().zip(0..).collect();
    (names, at)
}

impl Person {
    /// Somebody of whom nothing is known.
    pub const fn new(person: PersonId) -> Self {
        Self {
            person,
            first: 0,
            last: 0,
            purchases: 0,
            cycle: None,
            priced: 0,
            spent: 0.0,
            orders: (0, 0),
            reduced: (0, 0),
            lines: 0,
            categories: Vec::new(),
            market: None,
            source: None,
        }
    }

    /// What somebody bought in a window; `None` where they did not.
    fn of(buyer: &Buyer, from: i32, end: i32) -> Option<Self> {
        let known = buyer.days.partition_point(|it| it.day < end);
        let (first, last) = (buyer.days.first()?.day, buyer.days.get(known.checked_sub(1)?)?.day);
        let days = &buyer.days[buyer.days.partition_point(|it| it.day < from)..known];
        let (begin, amounts) = (days.first()?.day, days.iter().filter_map(|it| it.micros));
        let (priced, micros) = amounts.fold((0, 0_i64), |(n, sum), it| (n + 1, sum.saturating_add(it)));
        let purchases = u32::try_from(days.len()).unwrap_or(u32::MAX);
        let cycle = (purchases > 1).then(|| f64::from(last - begin) / f64::from(purchases - 1));
        let spent = micros as f64 / 1e6;
        Some(Self { first, last, purchases, cycle, priced, spent, ..Self::new(buyer.person) })
    }
}

impl People {
    /// Of what everybody bought, and what else is known of them.
    pub fn of(bought: &Bought, habits: &Habits, (from, end): (i32, i32)) -> Self {
        let mut rows: Vec<Person> = bought.buyers.iter().filter_map(|it| Person::of(it, from, end)).collect();
        let mut lines: HashMap<&str, u64> = HashMap::new();
        let (mut markets, mut sources) = (HashMap::new(), HashMap::new());
        for row in &rows {
            for (name, n) in habits.lines.get(&row.person).into_iter().flatten() {
                *lines.entry(name).or_default() += u64::from(*n);
            }
            let named = |of: &'_ HashMap<PersonId, String>| of.get(&row.person).cloned().unwrap_or_default();
            *markets.entry(named(&habits.markets)).or_default() += 1;
            *sources.entry(named(&habits.sources)).or_default() += 1;
        }
        fn by_name(of: &HashMap<String, u64>) -> HashMap<&str, u64> {
            of.iter().map(|(name, n)| (name.as_str(), *n)).collect()
        }
        let (categories, category_at) = places(lines, CATEGORIES);
        let (markets, market_at) = places(by_name(&markets), NAMES);
        let (sources, source_at) = places(by_name(&sources), NAMES);
        for row in &mut rows {
            row.orders = habits.returns.get(&row.person).copied().unwrap_or_default();
            row.reduced = habits.reduced.get(&row.person).copied().unwrap_or_default();
            let own = habits.lines.get(&row.person);
            row.lines = own.into_iter().flatten().map(|it| *it.1).sum();
            let known = own.into_iter().flatten().filter_map(|(name, n)| Some((*category_at.get(name)?, *n)));
            row.categories = known.collect();
            row.market = habits.markets.get(&row.person).and_then(|it| market_at.get(it)).copied();
            row.source = habits.sources.get(&row.person).and_then(|it| source_at.get(it)).copied();
        }
        Self {
            purchases: rows.iter().map(|it| u64::from(it.purchases)).sum(),
            rows,
            categories,
            markets,
            sources,
            from,
            end,
            left_out: bought.restricted,
            foreign: bought.foreign,
        }
    }
}

impl Analytics {
    /// Everybody who bought within so many days before the present of the data, but those who may not be used.
    ///
    /// # Errors
    /// The lake's and the store's.
    pub async fn grouped_people(
        &self,
        workspace: WorkspaceId,
        context: &Context,
        without: &BTreeSet<PersonId>,
        window_days: u32,
    ) -> Result<People> {
        let until = context.complete_until();
        let end = day_of(until, &context.calendar) + 1;
        let from = end - i32::try_from(window_days).unwrap_or(i32::MAX).min(end);
        let since = until.plus(-i64::from(window_days) * Timestamp::DAY);
        let bought = self.bought(workspace, context, without).await?;
        let mut habits = Habits::default();
        let db = &mut self.store.read();
        for range in persons::ranges(persons::count(db, workspace, &Filter::default()).await? / PEOPLE + 1) {
            habits.markets.extend(persons::countries(db, workspace, range).await?);
            for (person, all, back) in orders::returns(db, workspace, range, (since, until)).await? {
                let count = |it: i64| u32::try_from(it).unwrap_or(u32::MAX);
                habits.returns.insert(person, (count(all), count(back)));
            }
        }
        habits.sources = self.first_sources(workspace, until).await?;
        self.told_by_orders(workspace, context, (since, until), &mut habits).await?;
        Ok(People::of(&bought, &habits, (from, end)))
    }

    /// Categories and deductions, which only the orders themselves tell.
    async fn told_by_orders(
        &self,
        workspace: WorkspaceId,
        context: &Context,
        (since, until): (Timestamp, Timestamp),
        habits: &mut Habits,
    ) -> Result<()> {
        let asking = Asking::begin(&self.store, &self.lake, self.budget, workspace, None, context).await?;
        let (coupon, off) = (asking.property("coupon", Reading::Text), asking.property("discount", Reading::Amount));
        let is_reduced = coupon.clone().is_not_null().and(coupon.not_eq(lit(""))).or(off.gt(lit(0_i64)));
        let plan = asking
            .events(since, until.plus(1), true)?
            .filter(asking.snapshot.name().eq(lit(ORDER_COMPLETED)))?
            .project([ident(PERSON), when(is_reduced, lit(1_i64)).otherwise(lit(0_i64))?.alias("reduced")])?
            .aggregate([ident(PERSON)], [count(ident("reduced")).alias("orders"), sum(ident("reduced")).alias("off")])?
            .build()?;
        for batch in asking.collect(plan).await? {
            let columns = Columns(&batch);
            let (persons, orders, off) =
                (columns.integers(PERSON)?, columns.integers("orders")?, columns.integers("off")?);
            for row in 0..batch.num_rows() {
                let few = |it: i64| u32::try_from(counted(it)).unwrap_or(u32::MAX);
                habits.reduced.insert(PersonId(persons.value(row)), (few(orders.value(row)), few(off.value(row))));
            }
        }
        let gone: HashSet<u64> =
            orders::gone(&mut self.store.read(), workspace, since).await?.iter().map(|id| hash(id)).collect();
        let (mut told, mut catalogue) = (HashSet::new(), Catalogue::default());
        let mut lines: Vec<(PersonId, u32)> = Vec::new();
        each(&asking, ORDERS, (since, until.plus(1)), |row| {
            let id = row.order_id.as_deref().map(hash);
            if id.is_none_or(|id| !gone.contains(&id) && told.insert(id)) {
                let mut items = row.lines(is_own(row.currency.as_deref(), context.currency));
                if items.is_empty()
                    && let Some(id) = &row.id
                {
                    let telling = Telling { category: row.telling.category.clone(), ..Telling::default() };
                    items.push((id.clone(), telling));
                }
                for (id, telling) in items {
                    let place = catalogue.place(&id);
                    catalogue.tell(place, row.time, telling);
                    lines.push((row.person(), place));
                }
            }
            true
        })
        .await?;
        // A line may leave out the category that another one tells.
        let (items, moved) = catalogue.finish();
        for (person, place) in lines {
            let item = moved.get(place as usize).and_then(|it| items.get(*it as usize));
            let category = item.and_then(|it| it.category.clone()).unwrap_or_default();
            *habits.lines.entry(person).or_default().entry(category).or_default() += 1;
        }
        Ok(())
    }
}
