//! From mapped files to events: a stream in a stable order, with the rows that cannot be taken and the progress in between.
//!
//! How it runs: files that complete others (customers, products, categories) are read into memory; rows of orders, items, payments
//! and reviews are gathered by order ([`pool`]) in bounded memory; then each order becomes its events ([`orders`]).
//! Always holds: the same files, mapping and options give the same outputs in the same order. Memory: the pool's limit, plus
//! about 100 bytes for each customer and product of the files that complete others.

mod identity;
mod lookups;
mod messages;
mod orders;
pub(crate) mod plan;
pub(crate) mod pool;
mod rows;

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use rapport_domain::Timestamp;

use crate::Error;
use crate::event::{Output, Reject};
use crate::mapping::{Field, Mapping, Role};
use crate::progress::{Progress, ROWS_BETWEEN};
use crate::records::{BadRow, Step, excerpt};
use crate::report::{Report, Rule, Tally};
use crate::row::Row;
use crate::table::{SourceFile, Table};
use crate::values::{date, has_point_zero};
use lookups::Lookups;
use plan::{BadValue, Plan};
use pool::{Groups, Line, Pool, key_of};

/// Everything that turns rows into events needs beside the rows.
pub(crate) struct Shop {
    plans: Vec<Plan>,
    zone: TimeZone,
    currency: String,
    cancellation_prefix: Option<String>,
    /// For rows without a date: the date given, else the time of the import.
    assumed: Timestamp,
    assumed_is_given: bool,
    lookups: Lookups,
    tally: Tally,
    queue: VecDeque<Output>,
    traits: identity::TraitsSeen,
}

/// The outputs of an import, one by one.
pub struct Events {
    files: Vec<SourceFile>,
    /// Places of `files` in the order of reading.
    order: Vec<usize>,
    shop: Shop,
    state: State,
}

enum State {
    Reading { position: usize, table: Option<Table>, pool: Pool },
    Grouped(Groups),
    Leftover,
    Done,
}

impl Events {
    pub(crate) fn new(
        files: &[SourceFile],
        mapping: &Mapping,
        imported_at: Timestamp,
        memory: usize,
    ) -> Result<Self, Error> {
        let zone = TimeZone::get(&mapping.time_zone).map_err(|_| {
            Error::Mapping(format!("\"{}\" is no time zone; write it as in \"Europe/Berlin\"", mapping.time_zone))
        })?;
        let zone = if zone.iana_name() == Some("UTC") { TimeZone::UTC } else { zone };
        let given = match &mapping.assumed_date {
            Some(text) => Some(
                date::parse(text, date::DateStyle::YearMonthDay)
                    .ok_or_else(|| Error::Mapping("assumed_date must look like 2024-05-31".to_owned()))?
                    .at(&zone),
            ),
            None => None,
        };
        let mut used = Vec::new();
        let mut plans = Vec::new();
        for file in files {
            let meaning = mapping.file(&file.name);
            let meaning = meaning.ok_or_else(|| Error::Mapping(format!("it says nothing about {}", file.name)))?;
            check(meaning)?;
            plans.push(Plan::new(meaning, file)?);
            used.push(file.clone());
        }
        let mut order: Vec<usize> = (0..used.len()).filter(|i| plans[*i].role != Role::Ignored).collect();
        order.sort_by_key(|i| !matches!(plans[*i].role, Role::Categories | Role::Products | Role::Customers));
        order.sort_by_key(|i| plans[*i].role != Role::Categories);
        let has_orders = plans.iter().any(|plan| matches!(plan.role, Role::Orders | Role::OrderItems | Role::Reviews));
        let shop = Shop {
            lookups: Lookups::new(has_orders),
            plans,
            zone,
            currency: mapping.currency.map_or_else(String::new, |currency| currency.as_str().to_owned()),
            cancellation_prefix: mapping.cancellation_prefix.clone().filter(|prefix| !prefix.is_empty()),
            assumed: given.unwrap_or(imported_at),
            assumed_is_given: given.is_some(),
            tally: Tally::default(),
            queue: VecDeque::new(),
            traits: identity::TraitsSeen::default(),
        };
        Ok(Self {
            files: used,
            order,
            shop,
            state: State::Reading { position: 0, table: None, pool: Pool::new(memory) },
        })
    }

    /// What was done so far; complete when the stream has ended.
    pub fn report(&self) -> Report {
        self.shop.tally.report()
    }

    /// Does a piece of work; outputs go to the queue.
    fn work(&mut self) -> Result<(), Error> {
        match &mut self.state {
            State::Reading { position, table, pool } => {
                let Some(index) = self.order.get(*position).copied() else {
                    let State::Reading { pool, .. } = std::mem::replace(&mut self.state, State::Done) else {
                        unreachable!("just matched")
                    };
                    self.state = State::Grouped(pool.into_groups()?);
                    return Ok(());
                };
                let file = &self.files[index];
                let mut open = match table.take() {
                    Some(table) => table,
                    None if self.shop.plans[index].role == Role::Messages => Table::open_lines(file)?,
                    None => Table::open(file)?,
                };
                if self.shop.read(index, &mut open, pool, file.bytes)? {
                    *table = Some(open);
                } else {
                    *position += 1;
                }
            }
            State::Grouped(groups) => {
                if groups.advance()? {
                    self.shop.group(&groups.lines());
                } else {
                    self.state = State::Leftover;
                }
            }
            State::Leftover => {
                self.shop.leftover_customers();
                self.state = State::Done;
            }
            State::Done => {}
        }
        Ok(())
    }
}

/// Refuses a mapping that can make no event.
fn check(file: &crate::mapping::FileMapping) -> Result<(), Error> {
    let has = |fields: &[Field]| file.columns.iter().any(|column| fields.contains(&column.field));
    let needs = match file.role {
        Role::OrderItems | Role::Payments if !has(&[Field::OrderId]) => Some("a column for order_id"),
        Role::Customers if !has(&[Field::CustomerId, Field::CustomerKey, Field::Email]) => {
            Some("a column for customer_id or email")
        }
        Role::Reviews if !has(&[Field::OrderId, Field::CustomerId, Field::Email]) => {
            Some("a column for order_id or customer_id")
        }
        Role::Orders if !has(&[Field::OrderId, Field::CustomerId, Field::CustomerKey, Field::Email]) => {
            Some("a column for order_id or customer_id")
        }
        _ => None,
    };
    needs.map_or(Ok(()), |what| {
        Err(Error::Mapping(format!("{} needs {what}; name one of its columns in the mapping", file.file)))
    })
}

impl Iterator for Events {
    type Item = Result<Output, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(output) = self.shop.queue.pop_front() {
                return Some(Ok(output));
            }
            if matches!(self.state, State::Done) {
                return None;
            }
            if let Err(error) = self.work() {
                self.state = State::Done;
                return Some(Err(error));
            }
        }
    }
}

impl Shop {
    /// Reads up to [`ROWS_BETWEEN`] rows of a file; false at its end.
    fn read(&mut self, index: usize, table: &mut Table, pool: &mut Pool, bytes_total: u64) -> Result<bool, Error> {
        let mut row = Row::default();
        for _ in 0..ROWS_BETWEEN {
            match table.next(&mut row)? {
                Step::Row => {
                    self.tally.report.rows_read += 1;
                    self.take(index, &row, pool)?;
                }
                Step::Bad(bad) => {
                    self.tally.report.rows_read += 1;
                    self.reject_row(index, row.number, bad);
                }
                Step::End => {
                    if table.repaired() > 0 {
                        let file = &self.plans[index].file;
                        self.tally.warn(format!(
                            "{} rows of {file} were not in the file's encoding and were read as windows-1252",
                            table.repaired()
                        ));
                    }
                    self.progress(index, row.number, table.bytes_read(), bytes_total);
                    return Ok(false);
                }
            }
        }
        self.progress(index, row.number, table.bytes_read(), bytes_total);
        Ok(true)
    }

    fn progress(&mut self, index: usize, rows_read: u64, bytes_read: u64, bytes_total: u64) {
        let file = self.plans[index].file.clone();
        self.queue.push_back(Output::Progress(Progress { file, rows_read, bytes_read, bytes_total }));
    }

    /// Takes a row: into the pool, into a lookup, or straight to an event.
    fn take(&mut self, index: usize, row: &Row, pool: &mut Pool) -> Result<(), Error> {
        let plan = &self.plans[index];
        match plan.role {
            Role::Ignored => {}
            Role::Messages => self.message(index, row),
            Role::Products | Role::Categories => {
                self.lookups.add_row(plan, index, row);
                self.tally.report.rows_taken += 1;
                self.tally.rule(Rule::Lookup, 1);
            }
            Role::Customers if self.lookups.has_orders => {
                self.lookups.add_row(plan, index, row);
                self.tally.report.rows_taken += 1;
                self.tally.rule(Rule::Lookup, 1);
            }
            Role::Customers => self.customer(index, row),
            Role::Orders | Role::OrderItems | Role::Payments | Role::Reviews | Role::Events => {
                let fields: Vec<&str> = plan.columns.iter().map(|column| row.get(*column)).collect();
                self.count_point_zero(index, &fields);
                let order = self.plans[index].id(&fields, Field::OrderId);
                let key = if order.is_empty() || self.plans[index].role == Role::Events {
                    let parts: Vec<&str> = std::iter::once("row").chain(fields.iter().copied()).collect();
                    key_of(&parts)
                } else {
                    key_of(&["order", order])
                };
                pool.add(key, index, row, &self.plans[index].columns)?;
            }
        }
        Ok(())
    }

    fn count_point_zero(&mut self, index: usize, fields: &[&str]) {
        let plan = &self.plans[index];
        if [Field::CustomerId, Field::OrderId].iter().any(|field| has_point_zero(plan.text(fields, *field))) {
            self.tally.rule(Rule::PointZero, 1);
        }
    }

    /// The rows of one order, or rows without a number that are the same.
    fn group(&mut self, lines: &[Line<'_>]) {
        let first = &lines[0];
        let plan = &self.plans[first.plan];
        if plan.role == Role::Events {
            self.event_rows(lines);
        } else if plan.id(&first.fields, Field::OrderId).is_empty() {
            if plan.role == Role::Orders || plan.role == Role::Reviews {
                self.rows_without_number(lines);
            } else {
                lines.iter().for_each(|line| self.reject(line, "no_order_id", "the row names no order"));
            }
        } else {
            self.order(lines);
        }
    }

    fn reject_row(&mut self, index: usize, row_number: u64, bad: BadRow) {
        self.tally.reject(bad.code);
        let file = self.plans[index].file.clone();
        self.queue.push_back(Output::Reject(Reject {
            file,
            row_number,
            code: bad.code.to_owned(),
            message: bad.message,
            excerpt: bad.excerpt,
        }));
    }

    fn reject(&mut self, line: &Line<'_>, code: &'static str, message: &str) {
        let bad = BadRow { code, message: message.to_owned(), excerpt: excerpt(&line.fields.join(" | ")) };
        self.reject_row(line.plan, line.row, bad);
    }

    fn reject_value(&mut self, line: &Line<'_>, bad: BadValue) {
        let what =
            if bad.code == "bad_date" { "no date in the column's form" } else { "no number in the column's form" };
        let message = format!("the value for {:?} is {what}; correct it, or the mapping's style", bad.field);
        self.reject(line, bad.code, &message);
    }
}
