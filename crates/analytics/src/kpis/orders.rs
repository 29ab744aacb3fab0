//! Orders and their takings, by interval and as a whole, with those of first orders apart.
//!
//! Always holds: an order is a first one if its person has none before it, whenever the period begins; of several at the same first
//! instant all are.

use datafusion::common::{Column, JoinType, ScalarValue};
use datafusion::functions_aggregate::count::count_distinct;
use datafusion::functions_aggregate::expr_fn::{count, min, sum};
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, cast, ident, lit, when};
use rapport_domain::Timestamp;
use rapport_domain::shop_events::ORDER_COMPLETED;
use rapport_lake::columns::PERSON;
use rapport_segments::value::Reading;

use crate::aggregates::interval_of;
use crate::asking::{Asking, person_column, time};
use crate::columns::{self, Columns, amount, at};
use crate::error::Result;
use crate::period::{Intervals, Range};
use crate::question::EventSelector;
use crate::trend::{EXACT, rounded};

/// What orders came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Takings {
    pub(super) orders: u64,
    /// Different people with their first order here.
    pub(super) new_customers: u64,
    /// Millionths in the workspace's currency.
    pub(super) revenue: i128,
    /// Of first orders.
    pub(super) new_revenue: i128,
    /// Orders with an amount in the workspace's currency.
    priced: u64,
    /// Orders with an amount in another currency.
    pub(super) foreign: u64,
}

impl Takings {
    /// The mean of the orders that have an amount.
    pub(super) fn average(&self) -> Option<i64> {
        if self.priced == 0 {
            return None;
        }
        amount(rounded(self.revenue, i128::from(self.priced))).ok()
    }
}

/// By interval and as a whole.
pub(super) struct Orders {
    pub(super) whole: Takings,
    pub(super) intervals: Vec<Takings>,
}

/// Reads the orders of a range.
pub(super) async fn read(asking: &Asking<'_>, range: &Range, intervals: &Intervals) -> Result<Orders> {
    let mut orders = Orders { whole: Takings::default(), intervals: vec![Takings::default(); intervals.len()] };
    for batch in asking.collect(plan(asking, range, intervals)?).await? {
        let columns = Columns(&batch);
        let places = columns.integers("interval")?;
        let sum = |name: &str, row| -> Result<i128> {
            Ok(at(columns.decimals(name)?, row, |sums, row| sums.value(row)).unwrap_or(0))
        };
        let number = |name: &str, row| -> Result<u64> {
            Ok(at(columns.integers(name)?, row, |counts, row| columns::count(counts.value(row))).unwrap_or(0))
        };
        for row in 0..batch.num_rows() {
            let takings = Takings {
                orders: number("orders", row)?,
                new_customers: number("new_customers", row)?,
                revenue: sum("revenue", row)?,
                new_revenue: sum("new_revenue", row)?,
                priced: number("priced", row)?,
                foreign: number("foreign", row)?,
            };
            match at(places, row, |places, row| usize::try_from(places.value(row)).unwrap_or(usize::MAX)) {
                Some(place) => orders.intervals.get_mut(place).into_iter().for_each(|found| *found = takings),
                None => orders.whole = takings,
            }
        }
    }
    Ok(orders)
}

fn plan(asking: &Asking<'_>, range: &Range, intervals: &Intervals) -> Result<LogicalPlan> {
    let selected = asking.selected(&EventSelector::named(ORDER_COMPLETED))?;
    let firsts = asking
        .events(Timestamp(i64::MIN), range.to, false)?
        .filter(selected.clone())?
        .aggregate([ident(PERSON).alias("buyer")], [min(time()).alias("first_at")])?
        .alias("firsts")?
        .build()?;
    let spent = cast(asking.property("revenue", Reading::Amount), EXACT);
    let own = when(asking.is_foreign(), lit(ScalarValue::Decimal128(None, 19, 0))).otherwise(spent)?;
    let keys = (vec![person_column()], vec![Column::new(Some("firsts"), "buyer")]);
    let rows = asking
        .events(range.from, range.to, false)?
        .filter(selected)?
        .project([
            ident(PERSON),
            time().alias("at"),
            interval_of(time(), &intervals.micros()).alias("interval"),
            own.alias("spent"),
            asking.foreign()?.alias("foreign"),
        ])?
        .join(firsts, JoinType::Inner, keys, None)?
        .project([
            ident(PERSON),
            ident("interval"),
            ident("spent"),
            ident("foreign"),
            ident("at").eq(ident("first_at")).alias("is_first"),
        ])?;
    let sets = GroupingSet::GroupingSets(vec![vec![ident("interval")], vec![]]);
    let aggregates = [
        count(lit(1_i64)).alias("orders"),
        count_distinct(when(ident("is_first"), ident(PERSON)).end()?).alias("new_customers"),
        sum(ident("spent")).alias("revenue"),
        sum(ident("spent")).filter(ident("is_first")).build()?.alias("new_revenue"),
        count(ident("spent")).alias("priced"),
        sum(ident("foreign")).alias("foreign"),
    ];
    Ok(rows.aggregate([Expr::GroupingSet(sets)], aggregates)?.build()?)
}
