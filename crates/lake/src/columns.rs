//! The columns of the lake: the fixed ones, and one typed, nullable column for each hot property path.
//!
//! Always holds: a property column is named by path and type (`p:price:n`), so a path with values of two types has two columns and
//! no value is ever forced into the wrong type. A workspace's [`ColumnSet`] only grows, and a column keeps its rank for ever: a file
//! written when the set had `n` columns holds the columns of rank `< n` in full, and everything else in its residual.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// The person, as of writing or as refreshed by compaction.
pub const PERSON: &str = "person";
/// The handle of the event's primary identifier; never changes.
pub const HANDLE: &str = "handle";
/// When it happened.
pub const OCCURRED_AT: &str = "occurred_at";
/// When it was accepted.
pub const RECEIVED_AT: &str = "received_at";
/// Order within one producer.
pub const ORDER_KEY: &str = "order_key";
/// The event's id, 16 bytes.
pub const EVENT_ID: &str = "event_id";
/// The source's number.
pub const SOURCE: &str = "source";
/// The kind of call: `track`, `page`, ...
pub const KIND: &str = "kind";
/// The event's standard name.
pub const NAME: &str = "name";
/// The properties that have no column: a flat JSON object from path to value, or null.
pub const RESIDUAL: &str = "residual";

/// The type of a property's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PropertyType {
    /// A floating point number.
    Number,
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// An amount in millionths, exact.
    Money,
    /// A list, kept as JSON text; never a column.
    Json,
}

impl PropertyType {
    /// All types.
    pub const ALL: [Self; 5] = [Self::Number, Self::Text, Self::Boolean, Self::Money, Self::Json];

    /// The one letter that ends a column's name and stands in the catalog.
    pub const fn letter(self) -> char {
        match self {
            Self::Number => 'n',
            Self::Text => 's',
            Self::Boolean => 'b',
            Self::Money => 'm',
            Self::Json => 'j',
        }
    }

    /// Reads the letter.
    pub fn of_letter(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| letter.chars().eq([kind.letter()]))
    }

    /// The type in Arrow.
    pub const fn data_type(self) -> DataType {
        match self {
            Self::Number => DataType::Float64,
            Self::Text | Self::Json => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
            Self::Money => DataType::Int64,
        }
    }
}

/// A property path with one type: what a hot column holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyColumn {
    /// The flattened path, parts joined by dots; circumstances begin with `context.`.
    pub path: String,
    /// The type of its values.
    pub kind: PropertyType,
}

impl PropertyColumn {
    /// The column of `path` and `kind`.
    pub fn new(path: impl Into<String>, kind: PropertyType) -> Self {
        Self { path: path.into(), kind }
    }

    /// The column's name in files: `p:price:n`.
    pub fn name(&self) -> String {
        format!("p:{}:{}", self.path, self.kind.letter())
    }

    fn field(&self) -> Field {
        Field::new(self.name(), self.kind.data_type(), true)
    }
}

/// Paths that hold amounts of money in the standard shop events: they are kept exactly, in millionths.
pub const MONEY_PATHS: [&str; 8] = ["revenue", "total", "subtotal", "price", "shipping", "tax", "discount", "value"];

const STANDARD_TEXTS: [&str; 19] = [
    "currency",
    "order_id",
    "product_id",
    "sku",
    "category",
    "name",
    "brand",
    "variant",
    "coupon",
    "status",
    "plan",
    "channel",
    "context.page.path",
    "context.campaign.source",
    "context.campaign.medium",
    "context.campaign.name",
    "context.device.type",
    "affiliation",
    "country",
];
const STANDARD_NUMBERS: [&str; 4] = ["quantity", "rating", "position", "lines"];

/// The hot columns of one workspace, in the order in which they became hot.
#[derive(Clone, Debug)]
pub struct ColumnSet {
    columns: Vec<PropertyColumn>,
    by_path: HashMap<String, Vec<(PropertyType, usize)>>,
}

impl ColumnSet {
    /// A set of these columns; the place in the list is the rank.
    pub fn of(columns: impl IntoIterator<Item = PropertyColumn>) -> Self {
        let mut set = Self { columns: Vec::new(), by_path: HashMap::new() };
        for column in columns {
            set.add(column);
        }
        set
    }

    /// The standard shop paths, which are hot in every workspace from the first event.
    pub fn standard() -> Self {
        let of = |paths: &'static [&'static str], kind| paths.iter().map(move |path| PropertyColumn::new(*path, kind));
        Self::of(
            of(&MONEY_PATHS, PropertyType::Money)
                .chain(of(&STANDARD_TEXTS, PropertyType::Text))
                .chain(of(&STANDARD_NUMBERS, PropertyType::Number)),
        )
    }

    /// Adds a column at the next rank; one that is there stays where it is. Says whether it was new.
    pub fn add(&mut self, column: PropertyColumn) -> bool {
        if column.kind == PropertyType::Json || self.rank(&column.path, column.kind).is_some() {
            return false;
        }
        self.by_path.entry(column.path.clone()).or_default().push((column.kind, self.columns.len()));
        self.columns.push(column);
        true
    }

    /// How many columns there are; the next rank.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns by rank.
    pub fn columns(&self) -> &[PropertyColumn] {
        &self.columns
    }

    /// The typed columns of a path, with their ranks.
    pub fn of_path(&self, path: &str) -> &[(PropertyType, usize)] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }

    /// The rank of a column, if it is hot.
    pub fn rank(&self, path: &str, kind: PropertyType) -> Option<usize> {
        self.of_path(path).iter().find(|(of, _)| *of == kind).map(|(_, rank)| *rank)
    }

    /// The schema of a table with all columns.
    pub fn schema(&self) -> SchemaRef {
        self.schema_with(0..self.len())
    }

    /// The schema of a table with the fixed columns and those of these ranks.
    pub(crate) fn schema_with(&self, ranks: impl IntoIterator<Item = usize>) -> SchemaRef {
        let hot = ranks.into_iter().filter_map(|rank| self.columns.get(rank)).map(PropertyColumn::field);
        Arc::new(Schema::new(fixed_fields().into_iter().chain(hot).collect::<Vec<_>>()))
    }

    /// The ranks of the hot columns of `schema`.
    pub(crate) fn ranks_in(&self, schema: &Schema) -> Vec<usize> {
        let is_there = |column: &PropertyColumn| schema.column_with_name(&column.name()).is_some();
        (0..self.len()).filter(|rank| is_there(&self.columns[*rank])).collect()
    }
}

/// The type of the columns `kind` and `name`: views, which Parquet's dictionaries are read into without copying and which compare
/// faster than Arrow dictionaries (`docs/decisions/0001`).
pub(crate) const fn word_type() -> DataType {
    DataType::Utf8View
}

/// The type of times.
pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The columns every file has, in their order.
pub(crate) fn fixed_fields() -> Vec<Field> {
    vec![
        Field::new(PERSON, DataType::Int64, false),
        Field::new(HANDLE, DataType::Int64, false),
        Field::new(OCCURRED_AT, time_type(), false),
        Field::new(RECEIVED_AT, time_type(), false),
        Field::new(ORDER_KEY, DataType::Int64, false),
        Field::new(EVENT_ID, DataType::FixedSizeBinary(16), false),
        Field::new(SOURCE, DataType::Int64, false),
        Field::new(KIND, word_type(), false),
        Field::new(NAME, word_type(), false),
        Field::new(RESIDUAL, DataType::Utf8, true),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_two_types_has_two_columns_and_ranks_never_move() {
        let mut set = ColumnSet::standard();
        let before = set.columns().to_vec();
        assert!(set.add(PropertyColumn::new("size", PropertyType::Text)));
        assert!(set.add(PropertyColumn::new("size", PropertyType::Number)));
        assert!(!set.add(PropertyColumn::new("size", PropertyType::Number)));
        assert!(!set.add(PropertyColumn::new("products", PropertyType::Json)));
        assert_eq!(set.columns()[..before.len()], before[..]);
        assert_eq!(set.rank("size", PropertyType::Number), Some(before.len() + 1));
        assert_eq!(set.rank("price", PropertyType::Money), Some(3));
        assert!(set.schema().field_with_name("p:size:s").is_ok());
        for kind in PropertyType::ALL {
            assert_eq!(PropertyType::of_letter(&kind.letter().to_string()), Some(kind));
        }
    }
}
