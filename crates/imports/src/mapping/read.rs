//! Reads a mapping that a person wrote (`--map FILE.toml`): either a whole mapping as `--dry-run` prints it, or only the corrections.
//!
//! Corrections look like this; columns without a file count for every file that has them:
//!
//! ```toml
//! currency = "EUR"
//! time_zone = "Europe/Berlin"
//! date_style = "day_month_year"
//! decimal_mark = "comma"
//! [columns]
//! Kunde = "customer_id"
//! Ort = "trait:city"
//! [file."lines.csv"]
//! role = "order_items"
//! columns = { Ref = "order_id" }
//! ```

use std::collections::BTreeMap;

use rapport_domain::Currency;
use serde::Deserialize;

use super::{ColumnMapping, Field, FileMapping, Mapping, Role, ValueType};
use crate::Error;
use crate::values::date::DateStyle;
use crate::values::number::DecimalMark;
use crate::words;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corrections {
    source: Option<String>,
    currency: Option<Currency>,
    time_zone: Option<String>,
    assumed_date: Option<String>,
    cancellation_prefix: Option<String>,
    date_style: Option<DateStyle>,
    decimal_mark: Option<DecimalMark>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
    #[serde(default)]
    file: BTreeMap<String, FileCorrections>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCorrections {
    role: Option<Role>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
}

impl Mapping {
    /// Replaces or corrects this mapping by a TOML text.
    ///
    /// # Errors
    /// When the text is no mapping, or names a file, column or field that does not exist.
    pub fn correct(&mut self, text: &str) -> Result<(), Error> {
        let wrong = |error: toml::de::Error| Error::Mapping(error.to_string());
        let table: toml::Table = text.parse().map_err(wrong)?;
        if table.get("files").is_some_and(toml::Value::is_array) {
            *self = toml::from_str(text).map_err(wrong)?;
            return Ok(());
        }
        let corrections: Corrections = toml::from_str(text).map_err(wrong)?;
        for (name, file) in &corrections.file {
            let target = self.files.iter_mut().find(|f| f.file == *name);
            let target = target.ok_or_else(|| Error::Mapping(format!("there is no file \"{name}\" in this import")))?;
            if let Some(role) = file.role {
                target.role = role;
            }
            for (column, meaning) in &file.columns {
                set(target, column, meaning)?;
            }
        }
        for (column, meaning) in &corrections.columns {
            let mut found = false;
            for file in self.files.iter_mut().filter(|f| f.columns.iter().any(|c| c.column == *column)) {
                set(file, column, meaning)?;
                found = true;
            }
            if !found {
                return Err(Error::Mapping(format!("no file has a column \"{column}\"")));
            }
        }
        self.take_settings(corrections);
        Ok(())
    }

    fn take_settings(&mut self, corrections: Corrections) {
        self.source = corrections.source.or(self.source.take());
        self.currency = corrections.currency.or(self.currency);
        self.assumed_date = corrections.assumed_date.or(self.assumed_date.take());
        self.cancellation_prefix = corrections.cancellation_prefix.or(self.cancellation_prefix.take());
        if let Some(zone) = corrections.time_zone {
            self.time_zone = zone;
        }
        for column in self.files.iter_mut().flat_map(|file| &mut file.columns) {
            match &mut column.value {
                ValueType::Date { style } => *style = corrections.date_style.unwrap_or(*style),
                ValueType::Number { decimal_mark } => *decimal_mark = corrections.decimal_mark.unwrap_or(*decimal_mark),
                _ => {}
            }
        }
    }
}

/// Gives a column a meaning; a field that only one column can have is taken from the one that had it.
fn set(file: &mut FileMapping, column: &str, meaning: &str) -> Result<(), Error> {
    let (word, key) = meaning.split_once(':').map_or((meaning, None), |(word, key)| (word, Some(key.to_owned())));
    let field: Field = serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|_| Error::Mapping(format!("\"{word}\" is no field; the guide to importing lists them")))?;
    let index = file.columns.iter().position(|c| c.column == column);
    let index = index.ok_or_else(|| Error::Mapping(format!("{} has no column \"{column}\"", file.file)))?;
    let is_free = |field| matches!(field, Field::Trait | Field::Property | Field::LineProperty | Field::Ignore);
    if !is_free(field) {
        for other in file.columns.iter_mut().filter(|c| c.field == field && c.column != column) {
            other.field = Field::Property;
            other.key = Some(words::key(&other.column));
        }
    }
    let target: &mut ColumnMapping = &mut file.columns[index];
    target.field = field;
    target.key = key.or_else(|| match field {
        Field::Trait => Some(words::trait_key(column)),
        Field::Property | Field::LineProperty => Some(words::key(column)),
        _ => None,
    });
    target.confidence = 100;
    target.reason = "set by hand".to_owned();
    match (field, target.value) {
        (Field::OrderId | Field::CustomerId | Field::CustomerKey, _) => target.value = ValueType::Id,
        (Field::Date, value) if !matches!(value, ValueType::Date { .. }) => {
            target.value = ValueType::Date { style: DateStyle::YearMonthDay };
        }
        _ => {}
    }
    Ok(())
}
