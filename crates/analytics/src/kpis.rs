//! The key figures of a shop, each beside the period before.
//!
//! * **Active customers**: people who did something themselves in the period; what the shop does (sending, delivering) does not count.
//! * **New customers**: people whose first order ever lies in the period.
//! * **Orders**, **revenue**: "Order Completed" and the sum of its `revenue`, before refunds, in the workspace's currency.
//! * **Repeat purchase rate**: of all who had ever ordered by the end of the period, the share that had at least twice.
//! * **Average order value**: revenue by orders that have an amount in the workspace's currency.
//! * **MRR**, **renewal rate**, **churned MRR**: where there are subscriptions ([`subscriptions`]).
//!
//! Always holds: revenue of first orders and of later ones adds up to the revenue.

mod orders;
mod subscriptions;

use datafusion::functions_aggregate::count::count_distinct;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::{Expr, ExprFunctionExt, ident, lit};
use rapport_domain::shop_events::{ORDER_COMPLETED, PASSIVE};
use rapport_domain::{Interval, Timestamp};
use rapport_lake::columns::PERSON;
use rapport_segments::EventColumns;

use crate::aggregates::interval_of;
use crate::analytics::Found;
use crate::answer::{
    Better, Cell, Column, ColumnType, Detail, KpiFigure, KpisDetail, PeriodSpan, RevenueSplit, Topic, Unit, ratio,
    units,
};
use crate::asking::{Asking, time};
use crate::columns::{self, Columns, at};
use crate::english;
use crate::error::Result;
use crate::period::{Intervals, Range};
use crate::question::{EventSelector, Kpis};
use crate::trend::foreign_note;
use orders::{Orders, Takings};

/// Revenue is drawn over at least as many weeks.
const WEEKS: usize = 12;

/// The figures of one period.
struct Figures {
    active: u64,
    takings: Takings,
    repeat_rate: Option<f64>,
}

/// Answers the key figures.
pub(crate) async fn answer(asking: &Asking<'_>, question: &Kpis) -> Result<Found> {
    let range = asking.range(question.period)?;
    let calendar = &asking.context.calendar;
    let before = if question.compare { range.before(calendar) } else { None };
    let intervals = range.intervals(spark_interval(&range), calendar)?;
    let first = asking.snapshot.times().map(|times| times.0);
    let shown_range = range.reaching_back(calendar, Interval::Week, WEEKS, first);
    let weeks = shown_range.intervals(Interval::Week, calendar)?;
    let (active, active_spark) = active(asking, &range, &intervals).await?;
    let orders = orders::read(asking, &range, &intervals).await?;
    let weekly = orders::read(asking, &shown_range, &weeks).await?;
    let now = Figures { active, takings: orders.whole, repeat_rate: repeat_rate(asking, &range).await? };
    let earlier = match &before {
        Some(range) => Some(figures(asking, range).await?),
        None => None,
    };
    let mut shown = now.shown(earlier.as_ref(), asking, &orders, active_spark)?;
    shown.extend(subscriptions::figures(asking, &range, before.as_ref(), &intervals).await?);
    let detail = KpisDetail {
        period: PeriodSpan {
            from: range.from,
            to: range.to,
            compare_from: before.map(|before| before.from),
            compare_to: before.map(|before| before.to),
        },
        revenue: split(asking, &shown_range, &weeks, &weekly),
        figures: shown,
    };
    let (columns, rows) = as_table(&detail.figures);
    let mut notes = Vec::new();
    if orders.whole.foreign > 0 {
        notes.push(foreign_note(orders.whole.foreign, asking.context.currency));
    }
    if question.compare && before.is_none() {
        notes.push("There is no period before all of the data to compare with.".to_owned());
    }
    let sentence = sentence(asking, &now, earlier.as_ref())?;
    Ok(Found { columns, rows, sentence, notes, detail: Detail::Kpis(detail) })
}

async fn figures(asking: &Asking<'_>, range: &Range) -> Result<Figures> {
    let whole = Intervals { bounds: vec![range.from, range.to] };
    let (active, _) = active(asking, range, &whole).await?;
    let takings = orders::read(asking, range, &whole).await?.whole;
    Ok(Figures { active, takings, repeat_rate: repeat_rate(asking, range).await? })
}

/// The interval of a figure's little line: enough points to see a course, few enough to see at once.
fn spark_interval(range: &Range) -> Interval {
    match (range.to.0 - range.from.0) / Timestamp::DAY {
        0..=45 => Interval::Day,
        46..=400 => Interval::Week,
        _ => Interval::Month,
    }
}

/// How many people were active, as a whole and by interval.
async fn active(asking: &Asking<'_>, range: &Range, intervals: &Intervals) -> Result<(u64, Vec<u64>)> {
    let own = asking.snapshot.name().in_list(PASSIVE.iter().map(|name| lit(*name)).collect(), true);
    let sets = GroupingSet::GroupingSets(vec![vec![ident("interval")], vec![]]);
    let plan = asking
        .events(range.from, range.to, false)?
        .filter(own)?
        .project([ident(PERSON), interval_of(time(), &intervals.micros()).alias("interval")])?
        .aggregate([Expr::GroupingSet(sets)], [count_distinct(ident(PERSON)).alias("people")])?
        .build()?;
    let (mut whole, mut by_interval) = (0, vec![0; intervals.len()]);
    for batch in asking.collect(plan).await? {
        let (places, people) = (Columns(&batch).integers("interval")?, Columns(&batch).integers("people")?);
        for row in 0..batch.num_rows() {
            let people = columns::count(people.value(row));
            match at(places, row, |places, row| usize::try_from(places.value(row)).unwrap_or(usize::MAX)) {
                Some(place) => by_interval.get_mut(place).into_iter().for_each(|count| *count = people),
                None => whole = people,
            }
        }
    }
    Ok((whole, by_interval))
}

/// Of those who had ever ordered by the end of the range, the share that had at least twice.
async fn repeat_rate(asking: &Asking<'_>, range: &Range) -> Result<Option<f64>> {
    let orders = asking.selected(&EventSelector::named(ORDER_COMPLETED))?;
    let twice = count(lit(1_i64)).filter(ident("orders").gt_eq(lit(2_i64))).build()?;
    let plan = asking
        .events(Timestamp(i64::MIN), range.to, true)?
        .filter(orders)?
        .aggregate([ident(PERSON)], [count(lit(1_i64)).alias("orders")])?
        .aggregate(Vec::<Expr>::new(), [count(lit(1_i64)).alias("once"), twice.alias("twice")])?
        .build()?;
    let mut rate = None;
    for batch in asking.collect(plan).await?.iter().filter(|batch| batch.num_rows() == 1) {
        let value = |name| Columns(batch).integers(name).map(|counts| columns::count(counts.value(0)));
        rate = ratio(value("twice")?, value("once")?);
    }
    Ok(rate)
}

impl Figures {
    fn shown(
        &self,
        before: Option<&Self>,
        asking: &Asking<'_>,
        orders: &Orders,
        active: Vec<u64>,
    ) -> Result<Vec<KpiFigure>> {
        let spark = |of: fn(&Takings) -> f64| orders.intervals.iter().map(of).collect::<Vec<_>>();
        let integer = |count: u64| Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        let average = |takings: &Takings| takings.average().map_or(Cell::Nothing, Cell::Money);
        let mut shown = Vec::new();
        let mut add = |key, label, unit, value: &dyn Fn(&Self) -> Result<Cell>, spark| -> Result<()> {
            let before = before.map(value).transpose()?;
            let name = Name { key, label, topic: Topic::Shop, better: Better::Higher, unit };
            shown.push(figure(asking, name, value(self)?, before, spark));
            Ok(())
        };
        let actives = active.into_iter().map(|people| people as f64).collect();
        add("active_customers", "Active customers", Unit::Count, &|f| Ok(integer(f.active)), actives)?;
        let new = spark(|takings| takings.new_customers as f64);
        add("new_customers", "New customers", Unit::Count, &|f| Ok(integer(f.takings.new_customers)), new)?;
        let count = spark(|takings| takings.orders as f64);
        add("orders", "Orders", Unit::Count, &|f| Ok(integer(f.takings.orders)), count)?;
        let revenue = spark(|takings| drawn(takings.revenue));
        add("revenue", "Revenue", Unit::Money, &|f| Ok(Cell::Money(columns::amount(f.takings.revenue)?)), revenue)?;
        let rate = |f: &Self| Ok(Cell::of_number(f.repeat_rate));
        add("repeat_purchase_rate", "Repeat purchase rate", Unit::Ratio, &rate, Vec::new())?;
        let averages = spark(|takings| takings.average().map_or(0.0, units));
        add("average_order_value", "Average order value", Unit::Money, &|f| Ok(average(&f.takings)), averages)?;
        Ok(shown)
    }
}

/// A sum of millionths in units, to draw.
fn drawn(micros: i128) -> f64 {
    micros as f64 / rapport_domain::money::MICROS_PER_UNIT as f64
}

/// What a figure is called and means.
struct Name {
    key: &'static str,
    label: &'static str,
    topic: Topic,
    better: Better,
    unit: Unit,
}

/// A figure beside the one before.
fn figure(asking: &Asking<'_>, name: Name, value: Cell, before: Option<Cell>, spark: Vec<f64>) -> KpiFigure {
    let Name { key, label, topic, better, unit } = name;
    let earlier = before.as_ref().and_then(Cell::as_f64);
    let change = earlier.zip(value.as_f64()).and_then(|(before, now)| match unit {
        Unit::Ratio => Some(now - before),
        _ => (before > 0.0).then(|| now / before - 1.0),
    });
    let currency = (unit == Unit::Money).then_some(asking.context.currency);
    KpiFigure { key, label, topic, better, value, unit, currency, before, change, spark }
}

fn split(asking: &Asking<'_>, range: &Range, weeks: &Intervals, weekly: &Orders) -> RevenueSplit {
    let drawn = |of: fn(&Takings) -> i128| weekly.intervals.iter().map(|takings| drawn(of(takings))).collect();
    RevenueSplit {
        interval: Interval::Week,
        starts: weeks.starts().to_vec(),
        incomplete: weeks.incomplete(range, asking.context.complete_until()),
        new: drawn(|takings| takings.new_revenue),
        returning: drawn(|takings| takings.revenue - takings.new_revenue),
        currency: asking.context.currency,
    }
}

fn as_table(figures: &[KpiFigure]) -> (Vec<Column>, Vec<Vec<Cell>>) {
    let columns = vec![
        Column::new("key", "Key", ColumnType::Text),
        Column::new("figure", "Figure", ColumnType::Text),
        Column::new("value", "Value", ColumnType::Number),
        Column::new("unit", "Unit", ColumnType::Text),
        Column::new("change", "Change", ColumnType::Ratio),
    ];
    let row = |figure: &KpiFigure| {
        let unit = match (figure.unit, figure.currency) {
            (_, Some(currency)) => currency.to_string(),
            (Unit::Ratio, _) => "ratio".to_owned(),
            _ => "count".to_owned(),
        };
        vec![
            Cell::Text(figure.key.to_owned()),
            Cell::Text(figure.label.to_owned()),
            figure.value.clone(),
            Cell::Text(unit),
            Cell::of_number(figure.change),
        ]
    };
    (columns, figures.iter().map(row).collect())
}

fn sentence(asking: &Asking<'_>, now: &Figures, before: Option<&Figures>) -> Result<String> {
    let revenue = columns::amount(now.takings.revenue)?;
    let compared =
        before.and_then(|before| english::compared(drawn(now.takings.revenue), drawn(before.takings.revenue)));
    Ok(format!(
        "{} active, {} new, {} for {}{}.",
        english::counted(now.active, "customer was", "customers were"),
        english::number(now.takings.new_customers),
        english::counted(now.takings.orders, "order", "orders"),
        english::amount(revenue, asking.context.currency),
        compared.map_or(String::new(), |compared| format!(", {compared} in the period before")),
    ))
}
