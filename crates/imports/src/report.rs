//! What an import did: counts by rule, so that every row read can be accounted for.
//!
//! Always holds: `rows_read` = `rows_taken` + `rows_set_aside` + the rejected rows. Amounts are exact decimals as text.

use std::collections::BTreeMap;

use rapport_domain::Timestamp;
use rapport_domain::money::format_micros;
use serde::{Deserialize, Serialize};

/// A rule that was used, with how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// Its stable word.
    pub rule: String,
    /// Rows or orders it was used on.
    pub count: u64,
    /// What it does.
    pub explanation: String,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Rows of data in all files.
    pub rows_read: u64,
    /// Rows that went into events, or into what is known about customers and products.
    pub rows_taken: u64,
    /// Rows that are sound but make no event: those without a customer, for instance. The rules say which.
    pub rows_set_aside: u64,
    /// Rows that cannot be taken, by code.
    pub rejected: BTreeMap<String, u64>,
    /// Rules that were used.
    pub rules: Vec<RuleCount>,
    /// Events by name.
    pub events: BTreeMap<String, u64>,
    /// Orders completed.
    pub orders: u64,
    /// Lines of these orders that count.
    pub order_lines: u64,
    /// Customers with such an order.
    pub customers: u64,
    /// Revenue of these orders by currency; "" where none is known.
    pub revenue: BTreeMap<String, String>,
    /// Money that went back, by currency.
    pub refunds: BTreeMap<String, String>,
    /// The first and the last instant of any event.
    pub first: Option<Timestamp>,
    /// See `first`.
    pub last: Option<Timestamp>,
    /// What the person who imports should know.
    pub warnings: Vec<String>,
}

/// The rules, in the order in which a report shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    Cancellation,
    ReturnLine,
    FreeLine,
    FreeOrder,
    ZeroOrder,
    Adjustment,
    ZeroQuantity,
    WithoutCustomer,
    AnonymousOrder,
    AssumedDate,
    RepeatedLine,
    RepeatedRow,
    SeveralTimes,
    SeveralCustomers,
    PointZero,
    CancelledStatus,
    WithoutLines,
    WithoutOrder,
    UnknownCustomerKey,
    Lookup,
}

impl Rule {
    const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Cancellation => (
                "cancellation",
                "rows of a cancellation (its number begins with the cancellation mark): they make an \"Order Refunded\" event with that number",
            ),
            Self::ReturnLine => (
                "return_line",
                "lines with a negative quantity in an order: they make an \"Order Refunded\" event of that order",
            ),
            Self::FreeLine => {
                ("free_line", "lines with a price of zero: kept with the order as free_products, without revenue")
            }
            Self::FreeOrder => {
                ("free_order", "orders of free lines only: a \"Free Order Completed\" event, not counted as an order")
            }
            Self::ZeroOrder => ("zero_order", "orders with a total of zero: kept as orders"),
            Self::Adjustment => {
                ("adjustment", "lines with a negative price (e.g. bad debt): an \"Order Adjusted\" event, not an order")
            }
            Self::ZeroQuantity => {
                ("zero_quantity", "lines with a quantity of zero: kept with the order as free_products")
            }
            Self::WithoutCustomer => {
                ("without_customer", "rows without a customer: counted, not imported, because they can make no profile")
            }
            Self::AnonymousOrder => {
                ("anonymous_order", "orders from a file that names no customers: each is an anonymous visitor's")
            }
            Self::AssumedDate => ("assumed_date", "orders without a date in the file: the date given for the import"),
            Self::RepeatedLine => {
                ("repeated_line", "lines that are the same as another line of their order: kept, numbered")
            }
            Self::RepeatedRow => {
                ("repeated_row", "rows without a number that are the same as an earlier row: kept, numbered")
            }
            Self::SeveralTimes => ("several_times", "orders whose lines have different times: the earliest counts"),
            Self::SeveralCustomers => {
                ("several_customers", "order numbers that several customers share: one order for each customer")
            }
            Self::PointZero => ("point_zero", "ids written with \".0\" (17850.0): the ending is taken off"),
            Self::CancelledStatus => {
                ("cancelled_status", "orders whose status says cancelled: an \"Order Cancelled\" event")
            }
            Self::WithoutLines => {
                ("without_lines", "orders without lines: their total comes from the order or its payments")
            }
            Self::WithoutOrder => {
                ("without_order", "lines or payments whose order is in no file: counted, not imported")
            }
            Self::UnknownCustomerKey => (
                "unknown_customer_key",
                "orders whose customer key is not in the customers' file: the key itself names the customer",
            ),
            Self::Lookup => ("lookup", "rows of customers, products and categories that complete the orders"),
        }
    }
}

/// Counts while an import runs.
#[derive(Default)]
pub(crate) struct Tally {
    pub report: Report,
    rules: BTreeMap<Rule, u64>,
    revenue: BTreeMap<String, i128>,
    refunds: BTreeMap<String, i128>,
    without_customer: BTreeMap<String, i128>,
    pub customers: crate::profile::distinct::Hashes,
}

impl Tally {
    pub fn rule(&mut self, rule: Rule, count: u64) {
        if count > 0 {
            *self.rules.entry(rule).or_default() += count;
        }
    }

    pub fn reject(&mut self, code: &str) {
        *self.report.rejected.entry(code.to_owned()).or_default() += 1;
    }

    pub fn revenue(&mut self, currency: &str, micros: i128) {
        *self.revenue.entry(currency.to_owned()).or_default() += micros;
    }

    pub fn refund(&mut self, currency: &str, micros: i128) {
        *self.refunds.entry(currency.to_owned()).or_default() += micros;
    }

    pub fn without_customer(&mut self, currency: &str, rows: u64, micros: i128) {
        self.rule(Rule::WithoutCustomer, rows);
        *self.without_customer.entry(currency.to_owned()).or_default() += micros;
    }

    pub fn event(&mut self, name: &str, at: Timestamp) {
        *self.report.events.entry(name.to_owned()).or_default() += 1;
        let report = &mut self.report;
        report.first = Some(report.first.map_or(at, |first| first.min(at)));
        report.last = Some(report.last.map_or(at, |last| last.max(at)));
    }

    pub fn warn(&mut self, warning: String) {
        if !self.report.warnings.contains(&warning) {
            self.report.warnings.push(warning);
        }
    }

    /// The report so far.
    pub fn report(&self) -> Report {
        let mut report = self.report.clone();
        report.rules = self
            .rules
            .iter()
            .map(|(rule, count)| RuleCount {
                rule: rule.text().0.to_owned(),
                count: *count,
                explanation: rule.text().1.to_owned(),
            })
            .collect();
        report.customers = self.customers.len() as u64;
        let show = |sums: &BTreeMap<String, i128>| {
            sums.iter().map(|(currency, sum)| (currency.clone(), amount(*sum))).collect()
        };
        report.revenue = show(&self.revenue);
        report.refunds = show(&self.refunds);
        for (currency, sum) in &self.without_customer {
            report.warnings.push(
                format!("the rows without a customer are worth {} {currency}", amount(*sum)).trim_end().to_owned(),
            );
        }
        report
    }
}

/// A sum of millionths as text; sums can be larger than one amount.
fn amount(micros: i128) -> String {
    i64::try_from(micros)
        .map_or_else(|_| format!("{}.{:06}", micros / 1_000_000, (micros % 1_000_000).abs()), format_micros)
}
