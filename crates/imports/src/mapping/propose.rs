//! Proposes the mapping of an import: the role of each file, the keys between files, and the settings.
//!
//! Always holds: nothing is decided by a file's name alone; where a number that should name a person comes once in each order, the
//! person's own number is looked for in the customers' file.

use super::{ColumnMapping, Field, FileMapping, Goal, Join, Mapping, Role, ValueType, fields};
use crate::profile::Profiled;
use crate::profile::column::ColumnType;
use crate::profile::distinct::overlap;
use crate::sniff::Layout;
use crate::values::number;
use crate::words;

/// The proposal for all files of one import.
pub(crate) fn propose(files: &[Profiled], goal: Goal) -> Mapping {
    let mut mappings: Vec<FileMapping> = files
        .iter()
        .map(|file| {
            let mut columns = fields::propose(file);
            let (role, reason) = role_of(file, &columns, goal, files.len() == 1);
            settle(file, role, &mut columns);
            FileMapping { file: file.profile.file.clone(), role, reason, columns }
        })
        .collect();
    // Lines without any file of orders are the orders themselves.
    if !mappings.iter().any(|mapping| mapping.role == Role::Orders) {
        for mapping in mappings.iter_mut().filter(|mapping| mapping.role == Role::OrderItems && goal == Goal::Orders) {
            mapping.role = Role::Orders;
        }
    }
    name_persons(files, &mut mappings);
    let joins = joins(files, &mappings);
    let mut mapping = Mapping {
        source: None,
        currency: None,
        time_zone: "UTC".to_owned(),
        assumed_date: None,
        cancellation_prefix: cancellation_prefix(files, &mappings),
        notes: notes(files, &mappings),
        files: mappings,
        joins,
    };
    mapping.notes.dedup();
    mapping
}

fn role_of(file: &Profiled, columns: &[ColumnMapping], goal: Goal, alone: bool) -> (Role, String) {
    let has = |field| columns.iter().any(|c| c.field == field);
    let named = |name: &str| columns.iter().any(|c| c.column == name);
    let says = |role, reason: &str| (role, reason.to_owned());
    if file.profile.format.layout == Layout::JsonLines
        && (named("type") || named("event"))
        && (named("userId") || named("anonymousId") || named("messageId"))
    {
        return says(Role::Messages, "its lines are messages as Segment's libraries send them");
    }
    let wanted = match goal {
        Goal::Orders => None,
        Goal::Customers => Some(Role::Customers),
        Goal::OrderItems => Some(Role::OrderItems),
        Goal::Payments => Some(Role::Payments),
        Goal::Reviews => Some(Role::Reviews),
        Goal::Products => Some(Role::Products),
        Goal::Events => Some(Role::Events),
    };
    if let (Some(role), true) = (wanted, alone) {
        return says(role, "asked for");
    }
    let person = has(Field::CustomerId) || has(Field::Email);
    let amount = has(Field::Price) || has(Field::LineTotal) || has(Field::OrderTotal);
    let product = has(Field::ProductId) || has(Field::ProductName);
    if has(Field::CategoryTranslated) {
        return says(Role::Categories, "it gives categories a name in another language");
    }
    if has(Field::Rating) && (has(Field::ReviewText) || has(Field::ReviewId)) {
        return says(Role::Reviews, "it has ratings with a text or a review number");
    }
    if has(Field::OrderId) && !person && (has(Field::PaymentValue) || has(Field::PaymentMethod)) && !product {
        return says(Role::Payments, "it has amounts paid for orders");
    }
    if has(Field::OrderId) && !person && !alone && product && (amount || has(Field::Quantity)) {
        return says(Role::OrderItems, "it has products of orders, but no customer");
    }
    if has(Field::OrderId) || (person && has(Field::Date) && (amount || has(Field::Quantity) || product)) {
        let reason = if has(Field::OrderId) {
            "its rows have an order's number"
        } else {
            "its rows have a customer, a date and what was bought"
        };
        return says(Role::Orders, reason);
    }
    if person && columns.iter().any(|c| matches!(c.field, Field::Trait | Field::CustomerKey)) {
        return says(Role::Customers, "it has customers and what is known about them, but no order");
    }
    if product {
        return says(Role::Products, "it has products, but no order and no customer");
    }
    if alone {
        return says(Role::Orders, "asked for");
    }
    says(Role::Ignored, "it has no order, customer or product that we know")
}

/// Settles what depends on the role and on several columns together.
fn settle(file: &Profiled, role: Role, columns: &mut [ColumnMapping]) {
    let index = |columns: &[ColumnMapping], field| columns.iter().position(|c| c.field == field);
    if matches!(role, Role::Orders | Role::OrderItems)
        && let (Some(order), Some(total)) = (index(columns, Field::OrderId), index(columns, Field::LineTotal))
    {
        let (several, same) = fields::groups(file, order, total);
        let product = index(columns, Field::Quantity).zip(index(columns, Field::Price));
        let is_product = product.is_some_and(|(quantity, price)| is_product(file, columns, quantity, price, total));
        if several > 0 && same * 100 >= several * 95 && !is_product {
            columns[total].field = Field::OrderTotal;
            columns[total].reason = "the lines of one order have the same amount: it is the order's".to_owned();
        }
    }
    name_rows(file, role, columns);
    // An order's head has no lines: the same row twice is the same order.
    let is_head = [Field::Price, Field::Quantity, Field::ProductId, Field::ProductName, Field::LineNumber]
        .iter()
        .all(|f| index(columns, *f).is_none());
    if role == Role::Orders
        && is_head
        && index(columns, Field::OrderId).is_some()
        && let Some(total) = index(columns, Field::LineTotal)
    {
        columns[total].field = Field::OrderTotal;
    }
    let order = index(columns, Field::OrderId).filter(|_| role == Role::Orders && !is_head);
    for (position, (column, profile)) in columns.iter_mut().zip(&file.profile.columns).enumerate() {
        if let (Some(order), Field::Property) = (order, column.field) {
            let (several, same) = fields::groups(file, order, position);
            if several > 0 && same * 100 < several * 95 {
                column.field = Field::LineProperty;
            }
        }
        let to_property = match role {
            Role::OrderItems => {
                if matches!(column.field, Field::Property | Field::Trait | Field::Date | Field::Time | Field::Status) {
                    column.field = Field::LineProperty;
                    column.key = Some(words::key(&column.column));
                }
                false
            }
            Role::Payments => column.field == Field::Date || column.field == Field::Trait,
            // A description of the row, not of the customer.
            Role::Products | Role::Reviews => column.field == Field::Trait,
            Role::Customers => {
                if matches!(column.field, Field::Property) || !is_customer_field(column.field) {
                    column.field = Field::Trait;
                    column.key = Some(words::trait_key(&column.column));
                    column.value = fields::value_type(Field::Trait, profile);
                }
                false
            }
            _ => false,
        };
        if to_property {
            column.field = Field::Property;
            column.key = Some(words::key(&column.column));
        }
    }
}

/// A column "id", or the only key of a customers' file, names the rows when nothing else does.
fn name_rows(file: &Profiled, role: Role, columns: &mut [ColumnMapping]) {
    let has = |fields: &[Field]| columns.iter().any(|c| fields.contains(&c.field));
    let field = match role {
        Role::Customers if !has(&[Field::CustomerId, Field::CustomerKey]) => Field::CustomerId,
        Role::Orders if !has(&[Field::OrderId]) && has(&[Field::CustomerId, Field::Email]) => Field::OrderId,
        _ => return,
    };
    let is_key = |i: usize| {
        let profile = &file.profile.columns[i];
        profile.repeated == Some(0)
            && profile.blanks == 0
            && matches!(profile.kind, ColumnType::Id | ColumnType::Integer | ColumnType::Text)
    };
    let free = |i: &usize| matches!(columns[*i].field, Field::Property | Field::Trait) && is_key(*i);
    let is_key_word = |word: &str| matches!(word, "id" | "no" | "key" | "number" | "nr");
    let is_named = |i: &usize| match role {
        Role::Customers => words::tokens(&columns[*i].column).iter().any(|t| is_key_word(t)),
        _ => is_key_word(&words::fold(&columns[*i].column)),
    };
    let found = (0..columns.len()).filter(free).find(is_named);
    if let Some(index) = found {
        let column = &mut columns[index];
        (column.field, column.key, column.value, column.confidence) = (field, None, ValueType::Id, 60);
        column.reason = "its name says it is a number, and no value comes twice".to_owned();
    }
}

const fn is_customer_field(field: Field) -> bool {
    matches!(
        field,
        Field::CustomerId
            | Field::CustomerKey
            | Field::Email
            | Field::AnonymousId
            | Field::Date
            | Field::Trait
            | Field::Ignore
    )
}

fn is_product(file: &Profiled, columns: &[ColumnMapping], quantity: usize, price: usize, total: usize) -> bool {
    let value = |row: &crate::row::Row, column: usize| match columns[column].value {
        ValueType::Number { decimal_mark } => number::parse(row.get(column), decimal_mark),
        _ => None,
    };
    let (mut rows, mut equal) = (0, 0);
    for row in &file.sample {
        let (Some(q), Some(p), Some(t)) = (value(row, quantity), value(row, price), value(row, total)) else {
            continue;
        };
        rows += 1;
        let product = i128::from(q) * i128::from(p) / 1_000_000;
        equal += usize::from((product - i128::from(t)).abs() < 20_000);
    }
    rows > 0 && equal * 10 >= rows * 9
}

/// Finds the person behind a number that is new in every order: Olist's `customer_id`.
fn name_persons(files: &[Profiled], mappings: &mut [FileMapping]) {
    let Some(customers) = mappings.iter().position(|m| m.role == Role::Customers) else { return };
    let id_columns: Vec<usize> = (0..mappings[customers].columns.len())
        .filter(|c| {
            let name = words::tokens(&mappings[customers].columns[*c].column);
            let is_id = name.iter().any(|t| t == "id" || t == "no" || t == "key" || t == "number");
            is_id
                && matches!(
                    files[customers].profile.columns[*c].kind,
                    ColumnType::Id | ColumnType::Integer | ColumnType::Text
                )
        })
        .collect();
    let distinct = |c: usize| files[customers].profile.columns[c].distinct;
    let (Some(person), Some(key)) = (
        id_columns.iter().copied().min_by_key(|c| distinct(*c)),
        id_columns.iter().copied().max_by_key(|c| distinct(*c)),
    ) else {
        return;
    };
    if distinct(person) == distinct(key) || person == key {
        return;
    }
    let person_name = mappings[customers].columns[person].column.clone();
    for column in &mut mappings[customers].columns {
        if column.field == Field::CustomerId {
            column.field = Field::Ignore;
        }
    }
    let give = |column: &mut ColumnMapping, field, reason: String| {
        (column.field, column.key, column.value, column.confidence, column.reason) =
            (field, None, ValueType::Id, 90, reason);
    };
    give(
        &mut mappings[customers].columns[person],
        Field::CustomerId,
        "its values come again for the same person".to_owned(),
    );
    give(
        &mut mappings[customers].columns[key],
        Field::CustomerKey,
        "it is new in every row: a key between files, not a person".to_owned(),
    );
    let sketch = &files[customers].sketches[key];
    for (file, mapping) in files.iter().zip(mappings.iter_mut()) {
        if mapping.role == Role::Customers {
            continue;
        }
        for (column, values) in mapping.columns.iter_mut().zip(&file.sketches) {
            if column.field == Field::CustomerId && overlap(values, sketch) > 0.5 {
                give(
                    column,
                    Field::CustomerKey,
                    format!("its values are keys of the customers' file; the person is its column {person_name}"),
                );
            }
        }
    }
}

fn joins(files: &[Profiled], mappings: &[FileMapping]) -> Vec<Join> {
    let mut joins = Vec::new();
    let home = |field| match field {
        Field::OrderId => Some(Role::Orders),
        Field::CustomerKey | Field::CustomerId => Some(Role::Customers),
        Field::ProductId => Some(Role::Products),
        Field::Category => Some(Role::Categories),
        _ => None,
    };
    for (file, mapping) in files.iter().zip(mappings) {
        for (index, column) in mapping.columns.iter().enumerate() {
            let Some(role) = home(column.field).filter(|role| *role != mapping.role && mapping.role != Role::Ignored)
            else {
                continue;
            };
            let Some((to, to_file)) = mappings.iter().zip(files).find(|(m, _)| m.role == role) else { continue };
            let Some(target) = to.columns.iter().position(|c| c.field == column.field) else { continue };
            joins.push(Join {
                file: mapping.file.clone(),
                column: column.column.clone(),
                to_file: to.file.clone(),
                to_column: to.columns[target].column.clone(),
                found: overlap(&file.sketches[index], &to_file.sketches[target]),
            });
        }
    }
    joins
}

/// "C" when order numbers are digits, some with a C before them.
fn cancellation_prefix(files: &[Profiled], mappings: &[FileMapping]) -> Option<String> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    for (file, mapping) in files.iter().zip(mappings).filter(|(_, m)| m.role == Role::Orders) {
        let Some(column) = mapping.columns.iter().position(|c| c.field == Field::OrderId) else { continue };
        let mut values = file.sample.iter().map(|row| row.get(column)).peekable();
        if values.peek().is_some()
            && values.all(|v| is_digits(v.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(v)))
        {
            return Some("C".to_owned());
        }
    }
    None
}

fn notes(files: &[Profiled], mappings: &[FileMapping]) -> Vec<String> {
    let mut notes = Vec::new();
    for (file, mapping) in files.iter().zip(mappings) {
        let profile = |field| mapping.columns.iter().position(|c| c.field == field).map(|i| &file.profile.columns[i]);
        let has_person = [Field::CustomerId, Field::CustomerKey, Field::Email, Field::AnonymousId]
            .iter()
            .any(|f| profile(*f).is_some());
        match mapping.role {
            Role::Orders if !has_person && profile(Field::Date).is_none() => notes.push(format!(
                "{} names neither customers nor dates: each basket is imported as one anonymous visitor's, on the date given as assumed_date; it says what is bought together, not who comes back",
                file.profile.file
            )),
            Role::Orders if !has_person => notes.push(format!("{} names no customers: each order is imported as an anonymous visitor's", file.profile.file)),
            Role::Orders if profile(Field::Date).is_none() => {
                notes.push(format!("{} has no date: set assumed_date, or name the column", file.profile.file));
            }
            _ => {}
        }
        if mapping.role == Role::Orders
            && let (Some(customer), Some(order)) = (profile(Field::CustomerId), profile(Field::OrderId))
            && customer.distinct >= order.distinct
            && file.profile.rows > 100
        {
            notes.push(format!(
                "in {} every order has a new {}: it may name orders, not persons; if another file has the person's own number, import it together with this one",
                file.profile.file, customer.name
            ));
        }
        if mapping.role == Role::Ignored {
            notes.push(format!("{} is not imported: {}", file.profile.file, mapping.reason));
        }
    }
    notes
}
