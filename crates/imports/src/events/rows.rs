//! Rows that stand alone: orders without a number, customers, events.
//!
//! Always holds: a row without a number of its own is named by its content and by k, when it is the k-th such row: the same file
//! again gives the same names.

use rapport_domain::shop_events::{ORDER_COMPLETED, ORDER_REFUNDED, standard_name};
use rapport_domain::{EventKind, Identifier};
use serde_json::{Map, Value};

use super::Shop;
use super::orders::times;
use super::plan::amount;
use super::pool::{Line, decode, encode, key_of};
use crate::mapping::{Field, Role};
use crate::profile::distinct::hash;
use crate::report::Rule;
use crate::row::Row;

impl Shop {
    /// Rows of orders or reviews that have no number, all the same in every field.
    pub(crate) fn rows_without_number(&mut self, lines: &[Line<'_>]) {
        self.tally.rule(Rule::RepeatedRow, lines.len() as u64 - 1);
        for (k, line) in lines.iter().enumerate() {
            let who = self.person(line);
            if who.is_empty() {
                self.row_of_nobody(line);
            } else if self.plans[line.plan].role == Role::Reviews {
                let key = self.content_key("review", line, k);
                self.review(line, key, &who, self.assumed, "", "");
            } else {
                self.row_order(line, k, &who);
            }
        }
    }

    fn row_of_nobody(&mut self, line: &Line<'_>) {
        let plan = &self.plans[line.plan];
        let worth = plan.number(&line.fields, Field::LineTotal).ok().flatten().unwrap_or(0);
        let currency = self.currency.clone();
        self.tally.without_customer(&currency, 1, i128::from(worth));
        self.tally.report.rows_set_aside += 1;
    }

    fn content_key(&self, what: &str, line: &Line<'_>, k: usize) -> String {
        use std::fmt::Write;
        let mut key = format!("{what}:");
        for byte in &key_of(&line.fields)[..] {
            let _ = write!(key, "{byte:02x}");
        }
        let _ = write!(key, "#{}", k + 1);
        key
    }

    /// One row, one order: its natural key is customer, date, values and k.
    fn row_order(&mut self, line: &Line<'_>, k: usize, who: &[Identifier]) {
        let plan = &self.plans[line.plan];
        let number = |field| plan.number(&line.fields, field);
        let values =
            (number(Field::Quantity), number(Field::Price), number(Field::LineTotal), number(Field::OrderTotal));
        let (quantity, price, line_total, order_total) = match values {
            (Ok(q), Ok(p), Ok(l), Ok(o)) => (q, p, l, o),
            (Err(bad), ..) | (_, Err(bad), ..) | (_, _, Err(bad), _) | (.., Err(bad)) => {
                return self.reject_value(line, bad);
            }
        };
        let at = match plan.date(&line.fields, &self.zone) {
            Ok(Some(at)) => (at, true),
            Ok(None) if self.assumed_is_given || !plan.has(Field::Date) => (self.assumed, false),
            Ok(None) => return self.reject(line, "no_date", "the row has no date"),
            Err(bad) => return self.reject_value(line, bad),
        };
        let total = order_total
            .or(line_total)
            .map(i128::from)
            .or_else(|| price.map(|p| times(quantity.unwrap_or(1_000_000), p)));
        let total = total.and_then(|total| i64::try_from(total).ok());
        let mut properties = Map::new();
        plan.fill(&line.fields, Field::Property, &self.zone, &mut properties);
        let mut product = Map::new();
        for (field, key) in
            [(Field::ProductId, "product_id"), (Field::ProductName, "name"), (Field::Category, "category")]
        {
            let text = plan.text(&line.fields, field);
            if !text.is_empty() {
                product.insert(key.to_owned(), Value::from(text));
            }
        }
        if !product.is_empty() {
            plan.fill(&line.fields, Field::LineProperty, &self.zone, &mut product);
            product.insert("line_id".to_owned(), Value::from("1"));
            product.insert("quantity".to_owned(), amount(quantity.unwrap_or(1_000_000).abs()));
            if let Some(price) = price {
                product.insert("price".to_owned(), amount(price));
            }
            properties.insert("products".to_owned(), Value::Array(vec![Value::Object(product)]));
        } else if let Some(quantity) = quantity {
            properties.insert("quantity".to_owned(), amount(quantity));
        }
        let own = plan.text(&line.fields, Field::Currency);
        let currency = if own.is_empty() { self.currency.clone() } else { own.to_uppercase() };
        if !currency.is_empty() {
            properties.insert("currency".to_owned(), Value::from(currency.clone()));
        }
        self.finish_row_order(line, (k, at), who, (total, &currency), properties);
    }

    fn finish_row_order(
        &mut self,
        line: &Line<'_>,
        (k, (at, time_is_content)): (usize, (rapport_domain::Timestamp, bool)),
        who: &[Identifier],
        (total, currency): (Option<i64>, &str),
        mut properties: Map<String, Value>,
    ) {
        let key = self.content_key("order", line, k);
        properties.insert("order_id".to_owned(), Value::from(key["order:".len()..].to_owned()));
        self.tally.report.rows_taken += 1;
        self.tally.rule(Rule::AssumedDate, u64::from(!time_is_content));
        let traits = self.traits(&[line], &who[0]);
        self.state_traits(who, traits, at, line);
        let name = if total.is_some_and(|total| total < 0) { ORDER_REFUNDED } else { ORDER_COMPLETED };
        if let Some(total) = total {
            properties.insert("total".to_owned(), amount(total.abs()));
        }
        if name == ORDER_REFUNDED {
            self.tally.rule(Rule::ReturnLine, 1);
            self.tally.refund(currency, -i128::from(total.unwrap_or(0)));
        } else {
            if let Some(total) = total {
                properties.insert("revenue".to_owned(), amount(total));
                self.tally.revenue(currency, i128::from(total));
            }
            self.tally.rule(Rule::ZeroOrder, u64::from(total == Some(0)));
            self.tally.report.orders += 1;
            self.tally.report.order_lines += 1;
            self.tally.customers.insert(hash(&who[0].value));
        }
        self.emit(
            key,
            EventKind::Track,
            name,
            at,
            who.to_vec(),
            properties,
            Map::new(),
            (line, line.row),
            time_is_content,
        );
    }

    /// A customer's row as a statement of traits.
    pub(crate) fn customer(&mut self, index: usize, row: &Row) {
        let mut bytes = Vec::new();
        encode(&mut bytes, index, row, &self.plans[index].columns);
        let line = decode(&bytes);
        self.tally.report.rows_taken += u64::from(self.state_customer(&line));
    }

    /// Customers of the customers' file that have no order.
    pub(crate) fn leftover_customers(&mut self) {
        for bytes in self.lookups.take_unused() {
            if !self.state_customer(&decode(&bytes)) {
                // It was counted as taken when it was read.
                self.tally.report.rows_taken -= 1;
            }
        }
    }

    fn state_customer(&mut self, line: &Line<'_>) -> bool {
        let who = super::identity::identifiers(&self.plans[line.plan], &line.fields);
        let Some(primary) = who.first() else {
            self.reject(line, "no_customer", "the row names no customer");
            return false;
        };
        let plan = &self.plans[line.plan];
        let at = match plan.date(&line.fields, &self.zone) {
            Ok(at) => at,
            Err(bad) => {
                self.reject_value(line, bad);
                return false;
            }
        };
        let mut traits = Map::new();
        plan.fill(&line.fields, Field::Trait, &self.zone, &mut traits);
        plan.fill(&line.fields, Field::Property, &self.zone, &mut traits);
        if let Some(at) = at {
            traits.entry("created_at").or_insert_with(|| Value::from(at.to_rfc3339()));
        }
        let key = format!("customer:{}:{}", primary.kind.as_str(), primary.value);
        let time = at.unwrap_or(self.assumed);
        self.emit(key, EventKind::Identify, "Identify", time, who, Map::new(), traits, (line, line.row), at.is_some());
        true
    }

    /// Rows of events, all the same in every field.
    pub(crate) fn event_rows(&mut self, lines: &[Line<'_>]) {
        self.tally.rule(Rule::RepeatedRow, lines.len() as u64 - 1);
        for (k, line) in lines.iter().enumerate() {
            let who = self.person(line);
            let plan = &self.plans[line.plan];
            let name = plan.text(&line.fields, Field::EventName);
            if who.is_empty() {
                self.row_of_nobody(line);
                continue;
            }
            if name.is_empty() {
                self.reject(line, "no_event_name", "the row does not say what happened; map a column to event_name");
                continue;
            }
            let at = match plan.date(&line.fields, &self.zone) {
                Ok(Some(at)) => at,
                Ok(None) => {
                    self.reject(line, "no_date", "the row has no date");
                    continue;
                }
                Err(bad) => {
                    self.reject_value(line, bad);
                    continue;
                }
            };
            let mut properties = Map::new();
            plan.fill(&line.fields, Field::Property, &self.zone, &mut properties);
            let name = standard_name(name).to_owned();
            let key = self.content_key("event", line, k);
            let traits = self.traits(&[line], &who[0]);
            self.state_traits(&who, traits, at, line);
            self.tally.report.rows_taken += 1;
            self.emit(key, EventKind::Track, &name, at, who, properties, Map::new(), (line, line.row), true);
        }
    }
}
