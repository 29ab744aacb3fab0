//! Proposes what each column of one file means: by its name, whether its type allows that, and by content where names say nothing.
//!
//! Always holds: a field that only one column can have is given once; every proposal has a reason in plain words.

use super::{ColumnMapping, Field, ValueType};
use crate::profile::Profiled;
use crate::profile::column::{ColumnProfile, ColumnType};
use crate::words::{self, NAMES};

/// A column that may have a meaning.
struct Candidate {
    score: u32,
    column: usize,
    field: Field,
    reason: String,
}

/// The proposal for every column.
pub(crate) fn propose(file: &Profiled) -> Vec<ColumnMapping> {
    let columns = &file.profile.columns;
    let mut candidates: Vec<Candidate> = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        candidates.extend(by_name(index, column));
    }
    candidates.sort_by(|a, b| b.score.cmp(&a.score).then(a.column.cmp(&b.column)));
    let mut chosen: Vec<Option<Candidate>> = columns.iter().map(|_| None).collect();
    for candidate in candidates {
        let taken =
            candidate.field != Field::Trait && chosen.iter().flatten().any(|other| other.field == candidate.field);
        if !taken && chosen[candidate.column].is_none() {
            let column = candidate.column;
            chosen[column] = Some(candidate);
        }
    }
    by_content(file, &mut chosen);
    chosen.into_iter().zip(columns).map(|(candidate, column)| close(candidate, column, file)).collect()
}

fn close(candidate: Option<Candidate>, column: &ColumnProfile, file: &Profiled) -> ColumnMapping {
    let (field, confidence, reason) = match candidate {
        Some(candidate) => (candidate.field, u8::try_from(candidate.score.min(99)).unwrap_or(99), candidate.reason),
        None if column.kind == ColumnType::Empty => (Field::Ignore, 90, "it is empty".to_owned()),
        None if is_row_index(column, file) => (Field::Ignore, 80, "it has no name and counts the rows".to_owned()),
        None => (Field::Property, 50, "its name is not one we know: it is kept as a property".to_owned()),
    };
    let key = match field {
        Field::Trait => Some(words::trait_key(&column.name)),
        Field::Property => Some(words::key(&column.name)),
        _ => None,
    };
    ColumnMapping { column: column.name.clone(), field, key, value: value_type(field, column), confidence, reason }
}

fn is_row_index(column: &ColumnProfile, file: &Profiled) -> bool {
    let position = file.profile.columns.iter().position(|c| c.name == column.name).unwrap_or(0);
    position == 0
        && column.kind == ColumnType::Integer
        && file.profile.format.renamed.contains(&column.name)
        && column.repeated == Some(0)
}

/// How a column's texts are read, given what it means.
pub(crate) fn value_type(field: Field, column: &ColumnProfile) -> ValueType {
    use Field::{CustomerId, CustomerKey, OrderId, ProductId};
    if matches!(field, OrderId | CustomerId | CustomerKey) || (field == ProductId && column.point_zero > 0) {
        return ValueType::Id;
    }
    if matches!(field, ProductId | Field::AnonymousId | Field::ReviewId) {
        return ValueType::Text;
    }
    match column.kind {
        ColumnType::Integer | ColumnType::Decimal => {
            ValueType::Number { decimal_mark: column.decimal_mark.unwrap_or_default() }
        }
        ColumnType::Date => {
            column.dates.as_ref().map_or(ValueType::Text, |dates| ValueType::Date { style: dates.style })
        }
        ColumnType::Boolean => ValueType::Boolean,
        _ => ValueType::Text,
    }
}

/// What a column's name says, as far as its type allows.
fn by_name(index: usize, column: &ColumnProfile) -> Vec<Candidate> {
    let tokens = words::tokens(&column.name);
    let whole = words::fold(&column.name);
    let mut found = Vec::new();
    for (field, list) in NAMES {
        let mut best = 0;
        for (rank, name) in words::names(list).enumerate() {
            let rank = u32::try_from(rank).unwrap_or(0).min(20);
            if name == whole {
                best = best.max(96 - rank / 4);
                continue;
            }
            // A part of the name: the last words weigh most ("order date" is a date), each word more is surer.
            for length in 1..tokens.len() {
                for start in 0..=tokens.len() - length {
                    if name.len() > 2 && tokens[start..start + length].concat() == name {
                        let at_end = u32::from(start + length == tokens.len()) * 10;
                        best = best.max(45 + at_end + 5 * u32::try_from(length).unwrap_or(1));
                    }
                }
            }
        }
        if best > 0 && fits(*field, column) {
            let reason = format!("its name says {}, and its values are {}", label(*field), type_label(column.kind));
            found.push(Candidate { score: best, column: index, field: *field, reason });
        }
    }
    // An address is an address under any name.
    if column.kind == ColumnType::Email {
        found.push(Candidate {
            score: 97,
            column: index,
            field: Field::Email,
            reason: "its values are e-mail addresses".to_owned(),
        });
    }
    found
}

/// Whether a column of this content can have this meaning.
fn fits(field: Field, column: &ColumnProfile) -> bool {
    use ColumnType::{Boolean, Date, Decimal, Email, Empty, Id, Integer, Text};
    let kind = column.kind;
    let numeric = matches!(kind, Integer | Decimal);
    match field {
        Field::Date => kind == Date,
        Field::Time => {
            !numeric && kind != Date && column.top.iter().all(|v| is_clock(&v.value)) && !column.top.is_empty()
        }
        Field::Quantity | Field::Price | Field::LineTotal | Field::OrderTotal | Field::PaymentValue => numeric,
        Field::Discount | Field::Tax | Field::Shipping => numeric,
        Field::Rating => numeric && column.distinct <= 101,
        Field::LineNumber => kind == Integer && column.negative == 0,
        Field::OrderId | Field::CustomerId | Field::CustomerKey | Field::ReviewId | Field::AnonymousId => {
            matches!(kind, Integer | Id | Text) && column.longest <= 200
        }
        Field::ProductId => matches!(kind, Integer | Id | Text) && column.longest <= 300,
        Field::Email => kind == Email,
        Field::Status | Field::PaymentMethod => matches!(kind, Text | Id | Boolean) && column.distinct <= 100,
        Field::Currency => matches!(kind, Text | Id) && column.longest <= 4,
        Field::EventName => matches!(kind, Text | Id | Integer) && column.distinct <= 5_000 && column.longest <= 200,
        Field::ProductName | Field::ReviewTitle => matches!(kind, Text | Id),
        Field::ReviewText => kind == Text,
        Field::Category | Field::CategoryTranslated | Field::Coupon => matches!(kind, Text | Id | Integer),
        Field::Trait | Field::Property | Field::LineProperty | Field::Ignore => kind != Empty,
    }
}

fn is_clock(value: &str) -> bool {
    let mut parts = value.split(':');
    let number = |part: Option<&str>, limit| {
        part.and_then(|p| p.get(..2.min(p.len()))).and_then(|p| p.parse::<u8>().ok()).is_some_and(|n| n < limit)
    };
    number(parts.next(), 24) && number(parts.next(), 60)
}

/// What columns mean whose names say nothing: a date is a date, what comes again and again on different days is a customer.
fn by_content(file: &Profiled, chosen: &mut [Option<Candidate>]) {
    let columns = &file.profile.columns;
    let has = |chosen: &[Option<Candidate>], field| chosen.iter().flatten().any(|c: &Candidate| c.field == field);
    let set = |chosen: &mut [Option<Candidate>], column: usize, field, score, reason: &str| {
        chosen[column] = Some(Candidate { score, column, field, reason: reason.to_owned() });
    };
    let number_sign = |column: usize| {
        let mut values = file.sample.iter().map(|row| row.get(column)).filter(|v| !v.is_empty()).peekable();
        values.peek().is_some()
            && values.all(|v| v.strip_prefix('#').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())))
    };
    if !has(chosen, Field::OrderId)
        && let Some(column) = (0..columns.len()).find(|c| number_sign(*c))
    {
        set(chosen, column, Field::OrderId, 80, "its values are numbers like #1001, as shops write order numbers");
    }
    let free = |chosen: &[Option<Candidate>], kinds: &[ColumnType]| {
        (0..columns.len())
            .find(|c| chosen[*c].is_none() && kinds.contains(&columns[*c].kind) && !is_row_index(&columns[*c], file))
    };
    let nameless = !file.profile.format.header;
    if !has(chosen, Field::Date)
        && let Some(column) = free(chosen, &[ColumnType::Date])
    {
        set(chosen, column, Field::Date, 60, "it is the first column of dates");
    }
    if !nameless {
        return;
    }
    let date = chosen.iter().flatten().find(|c| c.field == Field::Date).map(|c| c.column);
    let ids = |chosen: &[Option<Candidate>]| {
        (0..columns.len())
            .filter(|c| {
                chosen[*c].is_none()
                    && matches!(columns[*c].kind, ColumnType::Id | ColumnType::Integer)
                    && columns[*c].distinct * 50 > file.profile.rows
            })
            .collect::<Vec<_>>()
    };
    let Some(date) = date else { return };
    for column in ids(chosen) {
        let (several, one_date) = groups(file, column, date);
        if several > 0 && one_date * 100 >= several * 98 && !has(chosen, Field::OrderId) {
            set(
                chosen,
                column,
                Field::OrderId,
                50,
                "rows with the same value have the same date, as lines of one order do",
            );
        } else if several > 0 && one_date < several && !has(chosen, Field::CustomerId) {
            set(
                chosen,
                column,
                Field::CustomerId,
                55,
                "it is the first id that comes again on different days, as a customer does",
            );
        } else if has(chosen, Field::CustomerId) {
            set(chosen, column, Field::Property, 40, "it is another id; kept as a property");
        }
    }
    if let Some(column) = free(chosen, &[ColumnType::Integer]) {
        set(chosen, column, Field::Quantity, 45, "it is the first column of small whole numbers");
    }
    if let Some(column) = free(chosen, &[ColumnType::Decimal]) {
        set(chosen, column, Field::LineTotal, 50, "it is the first column of numbers with decimals");
    }
}

/// Among the sample: values of `key` that come on several rows, and how many of those have one single value in `other`.
pub(crate) fn groups(file: &Profiled, key: usize, other: usize) -> (usize, usize) {
    let mut seen = std::collections::HashMap::<&str, (usize, &str, bool)>::new();
    for row in &file.sample {
        let value = row.get(other);
        let group = seen.entry(row.get(key)).or_insert((0, value, true));
        group.0 += 1;
        group.2 &= group.1 == value || value.is_empty();
    }
    let several: Vec<_> = seen.values().filter(|group| group.0 > 1).collect();
    (several.len(), several.iter().filter(|group| group.2).count())
}

fn label(field: Field) -> String {
    if field == Field::Trait {
        return "something about the customer".to_owned();
    }
    serde_json::to_value(field).ok().and_then(|v| v.as_str().map(|s| s.replace('_', " "))).unwrap_or_default()
}

const fn type_label(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Empty => "blank",
        ColumnType::Integer => "whole numbers",
        ColumnType::Decimal => "numbers",
        ColumnType::Date => "dates",
        ColumnType::Boolean => "yes or no",
        ColumnType::Email => "e-mail addresses",
        ColumnType::Id => "ids",
        ColumnType::Text => "texts",
    }
}
