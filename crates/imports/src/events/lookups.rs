//! Rows that complete others: customers by key, products by number, names of categories.
//!
//! Always holds: kept as they stand in the file, about 100 bytes a row; the last row of a key counts.

use std::collections::HashMap;

use super::plan::Plan;
use super::pool::{Line, decode, encode};
use crate::mapping::{Field, Role};
use crate::row::Row;

/// Rows by key.
pub(crate) struct Lookups {
    /// Whether orders refer to customers: then customers complete them, instead of standing alone.
    pub has_orders: bool,
    customers: HashMap<Box<str>, Entry>,
    products: HashMap<Box<str>, Box<[u8]>>,
    categories: HashMap<Box<str>, Box<str>>,
}

struct Entry {
    row: Box<[u8]>,
    used: bool,
}

impl Lookups {
    pub fn new(has_orders: bool) -> Self {
        Self { has_orders, customers: HashMap::new(), products: HashMap::new(), categories: HashMap::new() }
    }

    /// Adds a row; rows without a key are of no use and are left out.
    pub fn add_row(&mut self, plan: &Plan, index: usize, row: &Row) {
        let fields: Vec<&str> = plan.columns.iter().map(|column| row.get(*column)).collect();
        let first = |choices: &[Field]| {
            choices.iter().map(|f| plan.id(&fields, *f)).find(|t| !t.is_empty()).unwrap_or_default()
        };
        let key = match plan.role {
            Role::Customers => first(&[Field::CustomerKey, Field::CustomerId, Field::Email]),
            Role::Products => first(&[Field::ProductId, Field::ProductName]),
            _ => first(&[Field::Category]),
        };
        if key.is_empty() {
            return;
        }
        let mut bytes = Vec::new();
        encode(&mut bytes, index, row, &plan.columns);
        match plan.role {
            Role::Customers => {
                self.customers.insert(key.into(), Entry { row: bytes.into(), used: false });
            }
            Role::Products => {
                self.products.insert(key.into(), bytes.into());
            }
            _ => {
                self.categories.insert(key.into(), plan.text(&fields, Field::CategoryTranslated).into());
            }
        }
    }

    /// The customer with this key, marked as used.
    pub fn customer(&mut self, key: &str) -> Option<Line<'_>> {
        let entry = self.customers.get_mut(key)?;
        entry.used = true;
        Some(decode(&entry.row))
    }

    /// The product with this number or name.
    pub fn product(&self, key: &str) -> Option<Line<'_>> {
        self.products.get(key).map(|row| decode(row))
    }

    /// A category's other name.
    pub fn category<'a>(&'a self, name: &'a str) -> &'a str {
        self.categories.get(name).filter(|other| !other.is_empty()).map_or(name, |other| other)
    }

    /// Takes the customers that no order referred to, in the file's order.
    pub fn take_unused(&mut self) -> Vec<Box<[u8]>> {
        let all = std::mem::take(&mut self.customers);
        let mut unused: Vec<Box<[u8]>> = all.into_values().filter(|entry| !entry.used).map(|entry| entry.row).collect();
        unused.sort_by_key(|row| decode(row).row);
        unused
    }
}
