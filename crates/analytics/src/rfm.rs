//! RFM: buyers scored from 1 to 5 by how recently, how often and for how much they bought, and named groups of them with advice.
//!
//! Always holds: scores are fifths of the buyers by nearest rank (threshold `i` is the smallest value that at least `i` fifths of
//! the buyers do not exceed); whoever has the same value has the same score; 5 is the best. Recency is in whole days of 24 hours.
//!
//! Does not write scores anywhere: [`scores`] is a pure function for whoever does.

mod groups;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::expr_fn::{count, max, sum};
use datafusion::logical_expr::{cast, ident, lit, when};
use rapport_domain::{PersonId, Timestamp};
use rapport_lake::columns::PERSON;
use rapport_segments::value::Reading;

use crate::analytics::Found;
use crate::answer::{Cell, Column, ColumnType, Detail, RfmDetail, RfmGroup, RfmThresholds, ratio};
use crate::asking::{Asking, time};
use crate::columns::{Columns, amount, at};
use crate::english;
use crate::error::Result;
use crate::question::{EventSelector, Rfm};
use crate::trend::{EXACT, foreign_note};

pub use groups::{Group, group_of};

/// What is known of a buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Who.
    pub person: PersonId,
    /// The last order.
    pub last_order_at: Timestamp,
    /// How many orders; at least 1.
    pub orders: i64,
    /// What was spent, in millionths.
    pub spent_micros: i64,
}

/// The scores of a buyer, each 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// Who.
    pub person: PersonId,
    /// 5: among the fifth that bought last.
    pub recency: u8,
    /// 5: among the fifth that bought most often.
    pub frequency: u8,
    /// 5: among the fifth that spent most.
    pub monetary: u8,
    /// The group that these scores make.
    pub group: Group,
}

/// Where the scores change: the values at the ends of the first four fifths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thresholds {
    /// Days; whoever bought at most the first so many days ago has recency 5.
    pub recency_days: [i64; 4],
    /// Orders; whoever has at most the first so many has frequency 1.
    pub frequency: [i64; 4],
    /// Millionths; whoever spent at most the first has monetary 1.
    pub monetary: [i64; 4],
}

/// Scores buyers against each other, as of an instant; in the order in which they are given. `None` where there are no buyers.
pub fn scores(buyers: &[Figures], as_of: Timestamp) -> Option<(Thresholds, Vec<Score>)> {
    let thresholds = Thresholds {
        recency_days: fifths(buyers.iter().map(|buyer| days(buyer, as_of)))?,
        frequency: fifths(buyers.iter().map(|buyer| buyer.orders))?,
        monetary: fifths(buyers.iter().map(|buyer| buyer.spent_micros))?,
    };
    let score = |buyer: &Figures| {
        let recency = 6 - place(days(buyer, as_of), &thresholds.recency_days);
        let frequency = place(buyer.orders, &thresholds.frequency);
        let monetary = place(buyer.spent_micros, &thresholds.monetary);
        let group = group_of(recency, frequency, monetary);
        Score { person: buyer.person, recency, frequency, monetary, group }
    };
    let scores = buyers.iter().map(score).collect();
    Some((thresholds, scores))
}

fn days(buyer: &Figures, as_of: Timestamp) -> i64 {
    as_of.0.saturating_sub(buyer.last_order_at.0).div_euclid(Timestamp::DAY)
}

/// The ends of the first four fifths by nearest rank.
fn fifths(values: impl Iterator<Item = i64>) -> Option<[i64; 4]> {
    let mut values: Vec<i64> = values.collect();
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    Some(std::array::from_fn(|at| values[((at + 1) * values.len()).div_ceil(5).saturating_sub(1).min(last)]))
}

/// 1 up to the first threshold, 5 past the last.
fn place(value: i64, thresholds: &[i64; 4]) -> u8 {
    1 + thresholds.iter().map(|threshold| u8::from(value > *threshold)).sum::<u8>()
}

/// The buyers of a question, scored.
pub(crate) struct Buyers {
    pub(crate) as_of: Timestamp,
    figures: Vec<Figures>,
    thresholds: Thresholds,
    pub(crate) scores: Vec<Score>,
    /// Orders whose amount is in another currency.
    foreign: u64,
}

/// Reads and scores the buyers of a question.
pub(crate) async fn buyers(asking: &Asking<'_>, question: &Rfm) -> Result<Buyers> {
    let range = asking.range(question.period)?;
    let end = asking.context.complete_until().min(range.to.plus(-1));
    let as_of = question.as_of.map_or(end, |as_of| as_of.end(&asking.context.calendar).plus(-1));
    let to = range.to.min(as_of.plus(1));
    let orders = EventSelector { event: question.event.clone(), filter: question.filter.clone() };
    let spent = cast(asking.property("revenue", Reading::Amount), EXACT);
    let own = when(asking.is_foreign(), lit(ScalarValue::Decimal128(None, 19, 0))).otherwise(spent)?;
    let micros = cast(time(), DataType::Int64).alias("time");
    let columns = [ident(PERSON), micros, own.alias("spent"), asking.foreign()?.alias("foreign")];
    let plan = asking
        .events(range.from, to.max(range.from), true)?
        .filter(asking.selected(&orders)?)?
        .project(columns)?
        .aggregate(
            [ident(PERSON)],
            [
                max(ident("time")).alias("last"),
                count(lit(1_i64)).alias("orders"),
                sum(ident("spent")).alias("spent"),
                sum(ident("foreign")).alias("foreign"),
            ],
        )?
        .build()?;
    let (mut figures, mut foreign) = (Vec::new(), 0);
    for batch in asking.collect(plan).await? {
        let columns = Columns(&batch);
        let (persons, last) = (columns.integers(PERSON)?, columns.integers("last")?);
        let (orders, spent) = (columns.integers("orders")?, columns.decimals("spent")?);
        let others = columns.integers("foreign")?;
        for row in 0..batch.num_rows() {
            figures.push(Figures {
                person: PersonId(persons.value(row)),
                last_order_at: Timestamp(last.value(row)),
                orders: orders.value(row),
                spent_micros: amount(at(spent, row, |spent, row| spent.value(row)).unwrap_or(0))?,
            });
            foreign += crate::columns::count(others.value(row));
        }
    }
    figures.sort_unstable_by_key(|figure| figure.person);
    let (thresholds, scores) = scores(&figures, as_of).unwrap_or_default();
    Ok(Buyers { as_of, figures, thresholds, scores, foreign })
}

/// Answers RFM.
pub(crate) async fn answer(asking: &Asking<'_>, question: &Rfm) -> Result<Found> {
    let buyers = buyers(asking, question).await?;
    let detail = buyers.detail()?;
    let currency = asking.context.currency;
    let columns = vec![
        Column::new("group", "Group", ColumnType::Text),
        Column::new("people", "People", ColumnType::Integer),
        Column::new("share", "Share", ColumnType::Ratio),
        Column::money("revenue", "Revenue", currency),
        Column::new("average_recency_days", "Days since last order", ColumnType::Number),
        Column::new("average_orders", "Orders a head", ColumnType::Number),
        Column::new("action", "What to do", ColumnType::Text),
    ];
    let row = |group: &RfmGroup| {
        vec![
            Cell::Text(group.label.to_owned()),
            Cell::Integer(i64::try_from(group.people).unwrap_or(i64::MAX)),
            Cell::of_number(group.share),
            group.revenue.clone(),
            Cell::of_number(group.average_recency_days),
            Cell::of_number(group.average_orders),
            Cell::Text(group.action.to_owned()),
        ]
    };
    let rows = detail.groups.iter().map(row).collect();
    let sentence = sentence(&detail);
    let mut notes = Vec::new();
    if buyers.foreign > 0 {
        notes.push(foreign_note(buyers.foreign, currency));
    }
    if (1..25).contains(&detail.customers) {
        notes.push("With so few buyers the fifths say little.".to_owned());
    }
    Ok(Found { columns, rows, sentence, notes, detail: Detail::Rfm(detail) })
}

impl Buyers {
    fn detail(&self) -> Result<RfmDetail> {
        let mut tallies: Vec<Tally> = Group::ALL.iter().map(|_| Tally::default()).collect();
        let mut grid = [[0; 5]; 5];
        for (figures, score) in self.figures.iter().zip(&self.scores) {
            grid[usize::from(score.recency) - 1][usize::from(score.frequency) - 1] += 1;
            let tally = &mut tallies[score.group as usize];
            tally.people += 1;
            tally.orders += i128::from(figures.orders);
            tally.days += i128::from(days(figures, self.as_of));
            tally.spent += i128::from(figures.spent_micros);
        }
        let customers = self.scores.len() as u64;
        let mut groups = Vec::with_capacity(tallies.len());
        for (group, tally) in Group::ALL.into_iter().zip(tallies) {
            let average = |sum: i128| (tally.people > 0).then(|| sum as f64 / tally.people as f64);
            groups.push(RfmGroup {
                key: group.key(),
                label: group.label(),
                people: tally.people,
                share: ratio(tally.people, customers),
                revenue: Cell::Money(amount(tally.spent)?),
                average_recency_days: average(tally.days),
                average_orders: average(tally.orders),
                action: group.action(),
            });
        }
        let thresholds = if customers == 0 { RfmThresholds::default() } else { self.thresholds.shown() };
        Ok(RfmDetail { as_of: self.as_of, customers, thresholds, groups, grid })
    }
}

impl Thresholds {
    fn shown(&self) -> RfmThresholds {
        RfmThresholds {
            recency_days: self.recency_days.to_vec(),
            frequency: self.frequency.to_vec(),
            monetary: self.monetary.iter().map(|micros| Cell::Money(*micros)).collect(),
        }
    }
}

#[derive(Default)]
struct Tally {
    people: u64,
    orders: i128,
    days: i128,
    spent: i128,
}

fn sentence(detail: &RfmDetail) -> String {
    let people = |group: Group| detail.groups.iter().find(|shown| shown.key == group.key());
    let total: f64 = detail.groups.iter().filter_map(|group| group.revenue.as_f64()).sum();
    match people(Group::Champions) {
        Some(champions) if detail.customers > 0 => {
            let slipping: u64 =
                [Group::AtRisk, Group::CannotLoseThem].into_iter().filter_map(people).map(|group| group.people).sum();
            let share = champions.revenue.as_f64().filter(|_| total > 0.0).map_or(String::new(), |revenue| {
                format!(" and brought {} of the revenue", english::percent(revenue / total))
            });
            format!(
                "Of {}, {} are champions{share}; {} that used to buy often or much {} slipping away.",
                english::counted(detail.customers, "buyer", "buyers"),
                english::number(champions.people),
                english::number(slipping),
                if slipping == 1 { "is" } else { "are" },
            )
        }
        _ => "Nobody bought in this period.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn buyer(person: i64, last: i64, orders: i64, spent: i64) -> Figures {
        Figures { person: PersonId(person), last_order_at: Timestamp(last), orders, spent_micros: spent }
    }

    #[test]
    fn fifths_of_ten_buyers_are_two_each_and_ties_share() {
        assert_eq!(fifths(1..=10), Some([2, 4, 6, 8]));
        assert_eq!(fifths([1, 1, 1, 1, 1, 1, 1, 2, 3, 9].into_iter()), Some([1, 1, 1, 2]));
        assert_eq!(fifths(std::iter::empty()), None);
        assert_eq!(fifths(std::iter::once(7)), Some([7; 4]));
        let ten: Vec<Figures> = (1..=10).map(|n| buyer(n, n * Timestamp::DAY, n, n)).collect();
        let (_, scores) = scores(&ten, Timestamp(10 * Timestamp::DAY)).unwrap();
        let of = |score: &Score| (score.recency, score.frequency, score.monetary);
        assert_eq!(of(&scores[0]), (1, 1, 1));
        assert_eq!(of(&scores[9]), (5, 5, 5));
        assert_eq!(scores[9].group, Group::Champions);
    }

    proptest! {
        /// Oracle: a score is 1 and how many of the fifths' thresholds lie below the value, the threshold being the least value that
        /// so many buyers do not exceed.
        #[test]
        fn scores_are_those_of_counting(values in prop::collection::vec(0i64..9, 1..30)) {
            let buyers: Vec<Figures> = values.iter().map(|value| buyer(*value, -value * Timestamp::DAY, *value, *value)).collect();
            let (_, scores) = scores(&buyers, Timestamp(0)).unwrap();
            for (value, score) in values.iter().zip(&scores) {
                let not_above = |bound: i64| values.iter().filter(|other| **other <= bound).count();
                let threshold = |fifth: usize| (0..9).find(|bound| 5 * not_above(*bound) >= fifth * values.len()).unwrap();
                let expected = 1 + (1..=4).filter(|fifth| *value > threshold(*fifth)).count() as u8;
                prop_assert_eq!((score.frequency, score.monetary, score.recency), (expected, expected, 6 - expected));
            }
        }
    }
}
