//! What each column of each file means: proposed by us, corrected by the person who imports, kept with the import.
//!
//! Always holds: a mapping names columns, not places, and has all it takes to read the files again (decimal marks, date order),
//! so an import can go on after a restart without another look at the whole file.

pub(crate) mod fields;
pub(crate) mod propose;
mod read;

use rapport_domain::Currency;
use serde::{Deserialize, Serialize};

use crate::values::date::DateStyle;
use crate::values::number::DecimalMark;
pub use crate::words::Field;

/// What the person wants to import (`--as`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Orders, alone or with their related files.
    Orders,
    /// Customers and what is known about them.
    Customers,
    /// Lines of orders.
    OrderItems,
    /// Payments of orders.
    Payments,
    /// Reviews.
    Reviews,
    /// Products.
    Products,
    /// Events of any name, also messages as Segment's libraries send them.
    Events,
}

impl Goal {
    /// Reads the word given on the command line.
    pub fn parse(word: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(word.replace('-', "_"))).ok()
    }
}

/// What a file is within its import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Orders: one row an order, or one row a line of it.
    Orders,
    /// Lines that belong to orders of another file.
    OrderItems,
    /// Payments of orders.
    Payments,
    /// Reviews.
    Reviews,
    /// Customers.
    Customers,
    /// Products.
    Products,
    /// Names of categories in another language.
    Categories,
    /// Events: one row an event.
    Events,
    /// JSON messages as Segment's libraries send them.
    Messages,
    /// Not read.
    Ignored,
}

/// How a column's texts become values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ValueType {
    /// As it is.
    #[default]
    Text,
    /// The name of something: as it is, without a ".0" that a spreadsheet added.
    Id,
    /// A number.
    Number {
        /// Its decimal mark.
        #[serde(default)]
        decimal_mark: DecimalMark,
    },
    /// A date.
    Date {
        /// The order of its parts.
        style: DateStyle,
    },
    /// Yes or no.
    Boolean,
}

/// What one column means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnMapping {
    /// The column's name in the file.
    pub column: String,
    /// What it means.
    pub field: Field,
    /// For traits and properties: their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How its texts are read.
    #[serde(default)]
    pub value: ValueType,
    /// How sure the proposal is, 0 to 100; 100 for what a person said.
    #[serde(default)]
    pub confidence: u8,
    /// Why, in a sentence.
    #[serde(default)]
    pub reason: String,
}

/// What one file means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileMapping {
    /// The file's name.
    pub file: String,
    /// What it is.
    pub role: Role,
    /// Why, in a sentence.
    #[serde(default)]
    pub reason: String,
    /// Its columns.
    #[serde(default)]
    pub columns: Vec<ColumnMapping>,
}

impl FileMapping {
    /// The first column with a meaning.
    pub fn column(&self, field: Field) -> Option<&ColumnMapping> {
        self.columns.iter().find(|column| column.field == field)
    }
}

/// Two columns of two files that name the same things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// The file that refers.
    pub file: String,
    /// Its column.
    pub column: String,
    /// The file that is referred to.
    pub to_file: String,
    /// Its column.
    pub to_column: String,
    /// The share of the referring values that were found (0 to 1).
    pub found: f64,
}

/// What an import means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    /// The name of the source that the events come from. Natural keys are unique within it: overlapping exports of one shop need the same.
    #[serde(default)]
    pub source: Option<String>,
    /// The currency of amounts in files without a currency column.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// The time zone of dates that name none (IANA).
    #[serde(default = "utc")]
    pub time_zone: String,
    /// The date of rows in files without a date ("2024-05-31").
    #[serde(default)]
    pub assumed_date: Option<String>,
    /// Order numbers that begin so are cancellations, and the rest of the number is digits.
    #[serde(default)]
    pub cancellation_prefix: Option<String>,
    /// The files.
    #[serde(default)]
    pub files: Vec<FileMapping>,
    /// How the files hang together.
    #[serde(default)]
    pub joins: Vec<Join>,
    /// What the person who imports should know.
    #[serde(default)]
    pub notes: Vec<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Mapping {
    /// The meaning of one file.
    pub fn file(&self, name: &str) -> Option<&FileMapping> {
        self.files.iter().find(|file| file.file == name)
    }

    /// As TOML, for `--map`.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }
}
