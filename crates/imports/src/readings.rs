//! Columns of texts as numbers and times, each in the one style that most of its cells are written in.
//!
//! Always holds: a cell that is blank, cannot be read or is absurd is listed with its row and is never taken for a value; one column has one style.

use jiff::tz::TimeZone;

use crate::columns::Texts;
use crate::values::date::{self, DateStyle};
use crate::values::number::{self, DecimalMark};
use crate::values::{has_point_zero, id, is_blank};

/// Numbers beyond are no numbers of customers.
const ABSURD: f64 = 1e15;
/// How many cells a style is found by.
const LOOKED_AT: usize = 20_000;
const DAY: f64 = 86_400e6;

/// A column as numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    /// A value a row; NaN where there is none.
    pub values: Vec<f64>,
    /// Rows whose cell is blank, or a word for nothing.
    pub blank: Vec<usize>,
    /// Rows whose cell is no number.
    pub bad: Vec<usize>,
    /// Rows whose number is infinite or beyond 10¹⁵.
    pub absurd: Vec<usize>,
}

/// How times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// As dates of this style.
    Dates(DateStyle),
    /// As plain numbers, taken for days.
    Days,
}

/// A column as times.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// Days since 1970 with fractions, or the plain numbers, a row; NaN where there is none.
    pub days: Vec<f64>,
    /// How they are written.
    pub written: Written,
    /// Day and month could be told apart in no cell.
    pub ambiguous: bool,
    /// Rows whose cell is blank.
    pub blank: Vec<usize>,
    /// Rows whose cell is no time in this style.
    pub bad: Vec<usize>,
}

impl Texts {
    /// As numbers. Marks for decimals and thousands are found from all cells together.
    pub fn numbers(&self) -> Numbers {
        let plain = self.numbers_by(|cell| cell.parse().ok());
        if plain.bad.is_empty() {
            return plain;
        }
        let marked = |mark| move |cell: &str| number::parse(cell, mark).map(|it| it as f64 / 1e6);
        // Both of 1e5 and 1,234.50 may stand in one column.
        let point = self.numbers_by(|cell| cell.parse().ok().or_else(|| marked(DecimalMark::Point)(cell)));
        let comma = self.numbers_by(marked(DecimalMark::Comma));
        if comma.bad.len() < point.bad.len() { comma } else { point }
    }

    fn numbers_by(&self, read: impl Fn(&str) -> Option<f64>) -> Numbers {
        let mut found = Numbers::default();
        for (row, cell) in self.iter().enumerate() {
            let value = if is_blank(cell) { None } else { Some(read(cell)) };
            found.values.push(f64::NAN);
            match value {
                None => found.blank.push(row),
                Some(None) => found.bad.push(row),
                Some(Some(value)) if value.abs() <= ABSURD => found.values[row] = value,
                Some(Some(_)) => found.absurd.push(row),
            }
        }
        found
    }

    /// As times, in the style that most cells fit, or in the one given.
    pub fn times(&self, style: Option<Written>) -> Times {
        const STYLES: [Written; 7] = [
            Written::Dates(DateStyle::YearMonthDay),
            Written::Dates(DateStyle::DayMonthYear),
            Written::Dates(DateStyle::MonthDayYear),
            Written::Dates(DateStyle::Compact),
            Written::Dates(DateStyle::EpochSeconds),
            Written::Dates(DateStyle::EpochMillis),
            Written::Days,
        ];
        let step = self.len().div_ceil(LOOKED_AT).max(1);
        let fits =
            |style: Written| (0..self.len()).step_by(step).filter(|at| time(self.get(*at), style).is_some()).count();
        let counts = STYLES.map(fits);
        // Of styles that fit as many cells the first is taken.
        let most = (0..STYLES.len()).rev().max_by_key(|at| counts[*at]).unwrap_or(0);
        let ambiguous = style.is_none() && matches!(most, 1 | 2) && counts[1] == counts[2];
        let written = style.unwrap_or(STYLES[most]);
        let mut found = Times { days: Vec::new(), written, ambiguous, blank: Vec::new(), bad: Vec::new() };
        for (row, cell) in self.iter().enumerate() {
            let value = if is_blank(cell) { None } else { Some(time(cell, written)) };
            found.days.push(value.flatten().unwrap_or(f64::NAN));
            match value {
                None => found.blank.push(row),
                Some(None) => found.bad.push(row),
                Some(Some(_)) => {}
            }
        }
        found
    }

    /// As ids, where a spreadsheet wrote all numbers with ".0" behind them; blank ones are none.
    pub fn ids(&self) -> Vec<Option<&str>> {
        let cells = || self.iter().filter(|cell| !is_blank(cell));
        let pointed = cells().next().is_some() && cells().all(has_point_zero);
        self.iter()
            .map(|cell| if is_blank(cell) { None } else { Some(if pointed { id(cell) } else { cell }) })
            .collect()
    }
}

/// One cell as days.
fn time(cell: &str, written: Written) -> Option<f64> {
    match written {
        Written::Dates(style) => date::parse(cell, style).map(|it| it.at(&TimeZone::UTC).0 as f64 / DAY),
        Written::Days => cell.parse::<f64>().ok().filter(|it| it.abs() <= ABSURD),
    }
}

/// Reads one day as it is given on a command line, in the style of a column: in the column's own, or as year-month-day.
pub fn moment(text: &str, written: Written) -> Option<f64> {
    time(text, written).or_else(|| match written {
        Written::Dates(_) => time(text, Written::Dates(DateStyle::YearMonthDay)),
        Written::Days => None,
    })
}
