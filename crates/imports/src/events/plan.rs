//! A file's mapping made ready for its rows: where each field stands, and how its text becomes a value.
//!
//! Always holds: a plan keeps only columns that mean something; what is ignored is never stored.

use jiff::tz::TimeZone;
use serde_json::{Map, Number, Value};

use rapport_domain::Timestamp;
use rapport_domain::money::format_micros;

use crate::Error;
use crate::mapping::{Field, FileMapping, Role, ValueType};
use crate::table::SourceFile;
use crate::values::{self, boolean, date, is_blank, is_blank_word, number};

const NONE: usize = usize::MAX;
const FIELDS: usize = Field::Ignore as usize + 1;

/// A column that is kept under its own name.
pub(crate) struct Named {
    pub slot: usize,
    pub key: String,
    pub value: ValueType,
    pub field: Field,
}

/// How one file is read.
pub(crate) struct Plan {
    pub file: String,
    pub role: Role,
    /// The row's columns that are kept, in the order of their slots.
    pub columns: Vec<usize>,
    slots: [usize; FIELDS],
    values: Vec<ValueType>,
    /// Traits, properties and line properties.
    pub named: Vec<Named>,
}

impl Plan {
    pub fn new(mapping: &FileMapping, file: &SourceFile) -> Result<Self, Error> {
        let mut plan = Self {
            file: file.name.clone(),
            role: mapping.role,
            columns: Vec::new(),
            slots: [NONE; FIELDS],
            values: Vec::new(),
            named: Vec::new(),
        };
        for column in mapping.columns.iter().filter(|c| c.field != Field::Ignore) {
            let index = file.column(&column.column);
            let index =
                index.ok_or_else(|| Error::Mapping(format!("{} has no column \"{}\"", file.name, column.column)))?;
            let slot = plan.columns.len();
            plan.columns.push(index);
            plan.values.push(column.value);
            if matches!(column.field, Field::Trait | Field::Property | Field::LineProperty) {
                let key = column.key.clone().unwrap_or_else(|| crate::words::key(&column.column));
                plan.named.push(Named { slot, key, value: column.value, field: column.field });
            } else if plan.slots[column.field as usize] == NONE {
                plan.slots[column.field as usize] = slot;
            } else {
                return Err(Error::Mapping(format!("{} has two columns for {:?}", file.name, column.field)));
            }
        }
        Ok(plan)
    }

    /// Whether a column has this meaning.
    pub fn has(&self, field: Field) -> bool {
        self.slots[field as usize] != NONE
    }

    /// Whether any column names a person.
    pub fn names_persons(&self) -> bool {
        [Field::CustomerId, Field::CustomerKey, Field::Email, Field::AnonymousId].iter().any(|field| self.has(*field))
    }

    /// Whether its rows are orders' heads without lines.
    pub fn is_header_only(&self) -> bool {
        use Field::{LineNumber, LineTotal, Price, ProductId, ProductName, Quantity};
        ![LineNumber, LineTotal, Price, ProductId, ProductName, Quantity].iter().any(|field| self.has(*field))
    }

    /// A field's text; empty when the column is missing or says "nothing".
    pub fn text<'a>(&self, fields: &[&'a str], field: Field) -> &'a str {
        let slot = self.slots[field as usize];
        let text = if slot == NONE { "" } else { fields[slot] };
        if is_blank_word(text) { "" } else { text }
    }

    /// A field's text as it stands, for what people wrote: there a "-" is a text too.
    pub fn raw<'a>(&self, fields: &[&'a str], field: Field) -> &'a str {
        let slot = self.slots[field as usize];
        if slot == NONE { "" } else { fields[slot] }
    }

    /// An id without what a spreadsheet added.
    pub fn id<'a>(&self, fields: &[&'a str], field: Field) -> &'a str {
        let slot = self.slots[field as usize];
        let text = self.text(fields, field);
        if slot != NONE && self.values[slot] == ValueType::Id { values::id(text) } else { text }
    }

    /// A number in millionths: `Ok(None)` for a blank, `Err` for what is no number.
    pub fn number(&self, fields: &[&str], field: Field) -> Result<Option<i64>, BadValue> {
        let text = self.text(fields, field);
        if text.is_empty() {
            return Ok(None);
        }
        let mark = match self.values[self.slots[field as usize]] {
            ValueType::Number { decimal_mark } => decimal_mark,
            _ => number::DecimalMark::Point,
        };
        number::parse(text, mark).map(Some).ok_or(BadValue { code: "bad_number", field })
    }

    /// When it happened: `Ok(None)` for a blank.
    pub fn date(&self, fields: &[&str], zone: &TimeZone) -> Result<Option<Timestamp>, BadValue> {
        let text = self.text(fields, Field::Date);
        if text.is_empty() || text.bytes().all(|b| matches!(b, b'0' | b'-' | b'/' | b'.' | b':' | b' ')) {
            return Ok(None);
        }
        let bad = BadValue { code: "bad_date", field: Field::Date };
        let style = match self.values[self.slots[Field::Date as usize]] {
            ValueType::Date { style } => style,
            _ => date::DateStyle::YearMonthDay,
        };
        let time = self.text(fields, Field::Time);
        let moment =
            if time.is_empty() { date::parse(text, style) } else { date::parse(&format!("{text} {time}"), style) };
        moment.map(|moment| Some(moment.at(zone))).ok_or(bad)
    }

    /// Puts the named columns of one kind into `map`.
    pub fn fill(&self, fields: &[&str], kind: Field, zone: &TimeZone, map: &mut Map<String, Value>) {
        for named in self.named.iter().filter(|named| named.field == kind) {
            if let Some(value) = json(fields[named.slot], named.value, zone) {
                map.insert(named.key.clone(), value);
            }
        }
    }
}

/// A value that is not of its field's type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BadValue {
    pub code: &'static str,
    pub field: Field,
}

/// A text as JSON; `None` for a blank. What is not of its type stays text.
pub(crate) fn json(text: &str, value: ValueType, zone: &TimeZone) -> Option<Value> {
    if is_blank(text) {
        return None;
    }
    let typed = match value {
        ValueType::Text => None,
        ValueType::Id => Some(Value::from(values::id(text))),
        ValueType::Number { decimal_mark } => number::parse(text, decimal_mark).map(amount),
        ValueType::Date { style } => date::parse(text, style).map(|moment| Value::from(moment.at(zone).to_rfc3339())),
        ValueType::Boolean => boolean(text).map(Value::from),
    };
    Some(typed.unwrap_or_else(|| Value::from(text)))
}

/// Millionths as a JSON number that prints as exactly this decimal; as text beyond 15 digits.
pub(crate) fn amount(micros: i64) -> Value {
    if micros % 1_000_000 == 0 {
        return Value::from(micros / 1_000_000);
    }
    // A decimal of at most 15 digits is the shortest text of its nearest double.
    if micros.unsigned_abs() < 1_000_000_000_000_000
        && let Some(number) = Number::from_f64(micros as f64 / 1e6)
    {
        return Value::Number(number);
    }
    Value::from(format_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rapport_domain::money::micros_from_json;

    proptest! {
        #[test]
        fn amounts_are_exact(micros in prop_oneof![any::<i64>(), -2_000_000_000i64..2_000_000_000]) {
            prop_assert_eq!(micros_from_json(&amount(micros)), Some(micros));
        }
    }
}
