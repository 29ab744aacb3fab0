//! Why a model says nothing: the data do not carry it, and a bad fit would mislead.
//!
//! Always holds: a fault is one plain sentence, with rows counted from 1 as in a file without its header, the first of them and how many more.
//! It does not say what else to do with the data; that is for whoever asked.

use std::fmt;

/// Why there is no result. Rows and columns are places in what was given, from 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Fewer than a model needs of what it counts.
    TooFew {
        /// What is counted, in the plural: "customers who bought again".
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many it takes.
        need: usize,
    },
    /// More than a model takes of what it counts, because time or memory would not do.
    TooMany {
        /// What is counted, in the plural.
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many it takes.
        most: usize,
    },
    /// All rows have the same outcome, so nothing tells them apart.
    OneClass,
    /// A column is the same in all rows.
    Constant {
        /// Which column.
        column: usize,
    },
    /// Values that are infinite or not a number.
    NotFinite {
        /// Where.
        row: Vec<usize>,
    },
    /// Values below zero where there are none.
    Negative {
        /// Where.
        row: Vec<usize>,
    },
    /// Times or counts that contradict their order.
    OutOfOrder {
        /// Where.
        row: Vec<usize>,
    },
    /// Values that nothing of their kind can have.
    OutOfRange {
        /// What they should be, in the singular: "a propensity".
        what: &'static str,
        /// Where.
        row: Vec<usize>,
    },
    /// What should be there once is there again.
    Duplicated {
        /// Where it is there again.
        row: Vec<usize>,
    },
    /// Values that are not given.
    Missing {
        /// Where.
        row: Vec<usize>,
    },
    /// The data fit more than one answer alike, or one only at an end of what is possible.
    NotIdentified {
        /// What cannot be told, as the end of a sentence.
        why: &'static str,
    },
    /// The search for the best parameters came to no rest.
    DidNotSettle,
    /// Columns or rows that do not fit together.
    Shape {
        /// Of what.
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many there should be.
        need: usize,
    },
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { what, have, need } => write!(out, "Too few {what}: {have}, where it takes at least {need}."),
            Self::TooMany { what, have, most } => {
                write!(out, "Too many {what}: {have}, where it takes at most {most}.")
            }
            Self::OneClass => write!(out, "All rows have the same outcome, so nothing can be learned from them."),
            Self::Constant { column } => write!(out, "Column {} is the same in all rows.", column + 1),
            Self::NotFinite { row } => write!(out, "{} infinite or not a number.", Rows(row)),
            Self::Negative { row } => write!(out, "{} below zero.", Rows(row)),
            Self::OutOfOrder { row } => write!(out, "{} out of order.", Rows(row)),
            Self::OutOfRange { what, row } => write!(out, "{} outside what {what} can be.", Rows(row)),
            Self::Duplicated { row } => write!(out, "{} there more than once.", Rows(row)),
            Self::Missing { row } => write!(out, "{} not given.", Rows(row)),
            Self::NotIdentified { why } => write!(out, "The data do not tell {why}."),
            Self::DidNotSettle => write!(out, "The search for the best parameters did not settle."),
            Self::Shape { what, have, need } => write!(out, "There are {have} {what}, and there should be {need}."),
        }
    }
}

/// Rows as the beginning of a sentence.
struct Rows<'a>(&'a [usize]);

impl fmt::Display for Rows<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// How many rows are named; the others are counted.
        const NAMED: usize = 5;
        let named: Vec<String> = self.0.iter().take(NAMED).map(|row| (row + 1).to_string()).collect();
        match self.0.len() {
            0 => write!(out, "A value is"),
            1 => write!(out, "The value in row {} is", named[0]),
            n if n > NAMED => write!(out, "Values in the rows {} and {} more are", named.join(", "), n - NAMED),
            _ => write!(out, "Values in the rows {} are", named.join(", ")),
        }
    }
}

/// The places of what is `wrong`, as the fault that it makes; nothing wrong is no fault.
pub fn none_of<T>(rows: &[T], wrong: impl Fn(&T) -> bool, fault: impl Fn(Vec<usize>) -> Fault) -> Result<(), Fault> {
    let found: Vec<usize> = rows.iter().enumerate().filter(|(_, row)| wrong(row)).map(|(at, _)| at).collect();
    if found.is_empty() { Ok(()) } else { Err(fault(found)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_sentence_with_its_rows() {
        assert_eq!(Fault::Negative { row: vec![4] }.to_string(), "The value in row 5 is below zero.");
        assert_eq!(
            Fault::NotFinite { row: (0..9).collect() }.to_string(),
            "Values in the rows 1, 2, 3, 4, 5 and 4 more are infinite or not a number."
        );
        assert_eq!(
            Fault::OutOfRange { what: "a propensity", row: vec![2] }.to_string(),
            "The value in row 3 is outside what a propensity can be."
        );
        assert_eq!(Fault::OutOfOrder { row: vec![0, 2] }.to_string(), "Values in the rows 1, 3 are out of order.");
        assert_eq!(
            Fault::TooFew { what: "customers", have: 1, need: 10 }.to_string(),
            "Too few customers: 1, where it takes at least 10."
        );
        let found = none_of(&[1.0, f64::NAN], |it: &f64| it.is_nan(), |row| Fault::NotFinite { row });
        assert_eq!(found, Err(Fault::NotFinite { row: vec![1] }));
        assert_eq!(none_of(&[1.0], |it: &f64| it.is_nan(), |row| Fault::NotFinite { row }), Ok(()));
    }
}
