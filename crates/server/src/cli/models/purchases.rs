//! A row a purchase, or whatever else customers do: who, when, and for how much.

use anyhow::Result;
use rapport_imports::Field;
use rapport_imports::columns::Times;
use rapport_models::buying::Purchase;

use super::input::{Data, Need, day};

/// The rows of a file.
pub struct Purchases {
    /// One a row; times are days, and amounts 0 where no column has them.
    pub all: Vec<Purchase>,
    /// The customers' ids, by their places.
    pub names: Vec<String>,
    /// The columns that were used.
    pub columns: Vec<String>,
    /// Whether amounts are known.
    pub amounts: bool,
    times: Times,
}

impl Purchases {
    /// Reads the columns that flags name; `amount` finds the one with amounts, if there is one.
    pub fn read(
        data: &mut Data,
        (customer, date): (Option<&String>, Option<&String>),
        amount: impl FnOnce(&mut Data) -> Result<Option<usize>>,
    ) -> Result<Self> {
        let customer = data.column("customer", customer, Some(Field::CustomerId), &[])?;
        let date = data.column("date", date, Some(Field::Date), &[])?;
        let amount = amount(data)?;
        let mut needs = vec![(customer, Need::Text), (date, Need::Time)];
        needs.extend(amount.map(|it| (it, Need::Number)));
        data.require(&needs)?;
        let (codes, names) = data.codes(customer);
        let times = data.times(date);
        let amounts = amount.map(|it| data.numbers(it));
        let purchase = |row: usize| Purchase {
            customer: codes[row],
            time: times.days[row],
            amount: amounts.as_ref().map_or(0.0, |it| it[row]),
        };
        let columns = [Some(customer), Some(date), amount].into_iter().flatten();
        Ok(Self {
            all: (0..data.rows()).map(purchase).collect(),
            names,
            columns: columns.map(|it| data.name(it).to_owned()).collect(),
            amounts: amount.is_some(),
            times,
        })
    }

    /// The end of the last day.
    pub fn end(&self) -> f64 {
        self.all.iter().map(|it| it.time.floor()).fold(f64::NEG_INFINITY, f64::max) + 1.0
    }

    /// The end of the day that `--until` names.
    pub fn until(&self, text: &str) -> Result<f64> {
        Ok(day("until", text, &self.times)?.floor() + 1.0)
    }
}
