//! Monthly recurring revenue, from the events of subscriptions.
//!
//! A subscription is named by its property `subscription_id`, without one by its person. It pays from "Subscription Started" (or any
//! later sign that it is paid for) until "Subscription Cancelled"; its monthly price is `mrr`, else `price` by its `interval`.
//!
//! * **MRR**: the monthly prices of the subscriptions that pay at the end of the period.
//! * **Renewal rate**: renewals as a share of renewals and cancellations of paying subscriptions in the period.
//! * **Churned MRR**: the monthly prices of those that were cancelled in it.

use std::collections::HashMap;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{LogicalPlan, cast, ident, lit};
use rapport_domain::shop_events::{
    SUBSCRIPTION_CANCELLED, SUBSCRIPTION_CHANGED, SUBSCRIPTION_RENEWED, SUBSCRIPTION_STARTED,
};
use rapport_domain::{Timestamp, money};
use rapport_lake::columns::{NAME, ORDER_KEY, PERSON};
use rapport_segments::EventColumns;
use rapport_segments::value::Reading;

use super::{Name, drawn, figure};
use crate::answer::{Better, Cell, KpiFigure, Topic, Unit, ratio};
use crate::asking::{Asking, time};
use crate::columns::{Columns, amount, at};
use crate::error::Result;
use crate::period::{Intervals, Range};

const NAMES: [&str; 6] = [
    SUBSCRIPTION_STARTED,
    SUBSCRIPTION_RENEWED,
    "Subscription Upgraded",
    "Subscription Downgraded",
    SUBSCRIPTION_CHANGED,
    SUBSCRIPTION_CANCELLED,
];

/// One event of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sign {
    subscription: String,
    at: Timestamp,
    order_key: i64,
    kind: Kind,
    /// Millionths a month, where the event says so.
    monthly: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// It is paid for at some price.
    Paid,
    Renewed,
    Cancelled,
}

/// What subscriptions came to in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Recurring {
    mrr: i128,
    renewals: u64,
    cancellations: u64,
    churned: i128,
}

/// The figures of subscriptions; none where there are no subscriptions.
pub(super) async fn figures(
    asking: &Asking<'_>,
    range: &Range,
    before: Option<&Range>,
    intervals: &Intervals,
) -> Result<Vec<KpiFigure>> {
    let names = asking.snapshot.names()?;
    if !NAMES.iter().any(|name| names.contains_key(*name)) {
        return Ok(Vec::new());
    }
    let signs = read(asking, range.to).await?;
    let now = recurring(&signs, range);
    let before = before.map(|range| recurring(&signs, range));
    let course: Vec<Recurring> = intervals
        .bounds
        .windows(2)
        .map(|ends| recurring(&signs, &Range { from: ends[0], to: ends[1], ..*range }))
        .collect();
    let spark = |of: fn(&Recurring) -> i128| course.iter().map(|recurring| drawn(of(recurring))).collect::<Vec<_>>();
    let money = |sum: i128| amount(sum).map(Cell::Money);
    let rate = |of: &Recurring| Cell::of_number(ratio(of.renewals, of.renewals + of.cancellations));
    let shown = |key, label, better, unit, value: &dyn Fn(&Recurring) -> Result<Cell>, spark| -> Result<KpiFigure> {
        let name = Name { key, label, topic: Topic::Subscriptions, better, unit };
        Ok(figure(asking, name, value(&now)?, before.as_ref().map(value).transpose()?, spark))
    };
    Ok(vec![
        shown(
            "mrr",
            "Monthly recurring revenue",
            Better::Higher,
            Unit::Money,
            &|of| money(of.mrr),
            spark(|of| of.mrr),
        )?,
        shown("renewal_rate", "Renewal rate", Better::Higher, Unit::Ratio, &|of| Ok(rate(of)), Vec::new())?,
        shown(
            "churned_mrr",
            "Churned MRR",
            Better::Lower,
            Unit::Money,
            &|of| money(of.churned),
            spark(|of| of.churned),
        )?,
    ])
}

/// Walks every subscription through its events before the end of the range.
fn recurring(signs: &[Sign], range: &Range) -> Recurring {
    let mut paying: HashMap<&str, Option<i64>> = HashMap::new();
    let mut found = Recurring::default();
    for sign in signs.iter().take_while(|sign| sign.at < range.to) {
        let price = paying.get(sign.subscription.as_str()).copied().flatten();
        let inside = sign.at >= range.from;
        if sign.kind == Kind::Cancelled {
            if let Some(price) = price.filter(|_| inside) {
                found.cancellations += 1;
                found.churned += i128::from(price);
            }
            paying.insert(&sign.subscription, None);
            continue;
        }
        found.renewals += u64::from(inside && sign.kind == Kind::Renewed);
        paying.insert(&sign.subscription, Some(sign.monthly.or(price).unwrap_or(0)));
    }
    found.mrr = paying.values().flatten().map(|price| i128::from(*price)).sum();
    found
}

/// All signs before an instant, in order.
async fn read(asking: &Asking<'_>, to: Timestamp) -> Result<Vec<Sign>> {
    let mut signs = Vec::new();
    for batch in asking.collect(plan(asking, to)?).await? {
        let columns = Columns(&batch);
        let (persons, times, keys) =
            (columns.integers(PERSON)?, columns.integers("at")?, columns.integers("order_key")?);
        let (names, ids, mrr) = (columns.texts("event")?, columns.texts("subscription")?, columns.texts("mrr")?);
        let (prices, terms) = (columns.integers("price")?, columns.texts("term")?);
        for row in 0..batch.num_rows() {
            let text =
                |texts, row| at(texts, row, |texts: &arrow::array::StringArray, row| texts.value(row).to_owned());
            let price = at(prices, row, |prices, row| prices.value(row));
            let monthly = text(mrr, row).and_then(|text| money::parse_micros(&text).ok());
            signs.push(Sign {
                subscription: text(ids, row).unwrap_or_else(|| format!("person {}", persons.value(row))),
                at: Timestamp(times.value(row)),
                order_key: keys.value(row),
                kind: kind(names.value(row)),
                monthly: monthly.or_else(|| price.map(|price| by_month(price, text(terms, row).as_deref()))),
            });
        }
    }
    signs.sort_by(|a, b| {
        (a.at, a.order_key, a.kind, &a.subscription).cmp(&(b.at, b.order_key, b.kind, &b.subscription))
    });
    Ok(signs)
}

fn plan(asking: &Asking<'_>, to: Timestamp) -> Result<LogicalPlan> {
    let foreign = asking.is_foreign().is_not_true();
    let named = asking.snapshot.name().in_list(NAMES.iter().map(|name| lit(*name)).collect(), false);
    let events = asking.events(Timestamp(i64::MIN), to, false)?.filter(named.and(foreign))?;
    let rows = events.project([
        ident(PERSON),
        cast(time(), DataType::Int64).alias("at"),
        ident(ORDER_KEY),
        cast(ident(NAME), DataType::Utf8).alias("event"),
        asking.property("subscription_id", Reading::Text).alias("subscription"),
        asking.property("mrr", Reading::Text).alias("mrr"),
        asking.property("price", Reading::Amount).alias("price"),
        asking.property("interval", Reading::Text).alias("term"),
    ])?;
    Ok(rows.build()?)
}

fn kind(name: &str) -> Kind {
    match name {
        SUBSCRIPTION_CANCELLED => Kind::Cancelled,
        SUBSCRIPTION_RENEWED => Kind::Renewed,
        _ => Kind::Paid,
    }
}

/// A price by its term, for a month.
fn by_month(price: i64, term: Option<&str>) -> i64 {
    match term.map(str::to_lowercase).as_deref() {
        Some("year" | "yearly" | "annual" | "annually") => price / 12,
        Some("quarter" | "quarterly") => price / 3,
        Some("week" | "weekly") => price.saturating_mul(52) / 12,
        _ => price,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(subscription: &str, at: i64, kind: Kind, monthly: Option<i64>) -> Sign {
        Sign { subscription: subscription.to_owned(), at: Timestamp(at), order_key: 0, kind, monthly }
    }

    #[test]
    fn a_subscription_pays_from_its_start_to_its_end() {
        let signs = [
            sign("trial", 5, Kind::Cancelled, Some(9)),
            sign("a", 10, Kind::Paid, Some(100)),
            sign("b", 20, Kind::Paid, Some(50)),
            sign("a", 40, Kind::Renewed, None),
            sign("b", 45, Kind::Paid, Some(70)),
            sign("b", 50, Kind::Cancelled, Some(70)),
            sign("b", 55, Kind::Cancelled, None),
            sign("a", 60, Kind::Cancelled, None),
        ];
        let of = |from, to| {
            let range = Range { from: Timestamp(from), to: Timestamp(to), from_the_first: false };
            recurring(&signs, &range)
        };
        assert_eq!(of(0, 10), Recurring::default());
        assert_eq!(of(0, 40), Recurring { mrr: 150, ..Recurring::default() });
        assert_eq!(of(30, 46), Recurring { mrr: 170, renewals: 1, ..Recurring::default() });
        assert_eq!(of(46, 60), Recurring { mrr: 100, renewals: 0, cancellations: 1, churned: 70 });
        assert_eq!(of(60, 61), Recurring { mrr: 0, renewals: 0, cancellations: 1, churned: 100 });
    }

    #[test]
    fn prices_of_other_terms_are_taken_by_month() {
        assert_eq!([by_month(120, Some("year")), by_month(120, Some("Month")), by_month(120, None)], [10, 120, 120]);
        assert_eq!([by_month(30, Some("quarter")), by_month(12, Some("week"))], [10, 52]);
    }
}
