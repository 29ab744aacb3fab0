//! What to offer somebody: one port, behind which better models can come.
//!
//! A [`Recommender`] keeps one [`Table`] a workspace in memory, built in the background from the newest orders and views in the lake. A request is
//! answered from it, with one point read where a person is named. The mathematics is that of `models::recommend`.
//!
//! | method | offers |
//! |---|---|
//! | [`Method::Popular`] | what most orders of the last days have, newer ones counting more |
//! | [`Method::Recent`] | what this person looked at or bought last |
//! | [`Method::BoughtTogether`] | what is in the orders that have these items, by the cosine |
//! | [`Method::ForPerson`] | what is like the person's own items, newer ones counting more; what is missing is filled with what is popular |
//!
//! Always holds: no item is offered twice, every [`Rules`] that can be applied is kept by every item that is offered, and the same table gives the same
//! offers, of equal scores in the order of ids. A rule that needs what nobody told of an item lets it pass, and the answer says so. A table says nothing of
//! any person.
//!
//! Does not do: draw anything, learn from clicks, or start itself: whoever owns the clock asks [`Recommender::is_due`].

mod build;
mod catalogue;
mod history;
mod rules;
mod table;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rapport_domain::shop_events::ORDER_COMPLETED;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_lake::Snapshot;

use crate::analytics::{Analytics, Context};
use crate::error::{Error, Result};
use history::History;

pub use catalogue::Item;
pub use rules::{NotBought, Rules};
pub use table::{Because, Candidate, Table};

/// Most items of an answer.
pub const MAX_OFFERS: usize = 100;
/// The newest events of a person that are looked at.
const EVENTS_OF_PERSON: usize = 2_000;

/// How tables are made and when they are old.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Days of events that are looked at.
    pub days: u16,
    /// Days of orders that make an item popular.
    pub popular_days: u16,
    /// In how many days an order is worth half, for what is popular.
    pub popular_half_life: f64,
    /// In how many days a view or an order is worth half, for what is like what.
    pub half_life: f64,
    /// Most neighbours and companions of an item that are kept.
    pub keep: usize,
    /// In how many orders two items must be together.
    pub least_together: u64,
    /// Hours after which a table is old.
    pub hours: u16,
    /// The share of new orders from which on a table is old.
    pub new_orders: f64,
}

impl Default for Settings {
    /// A half-life of 90 days with 50 neighbours did best on Online Retail (docs/decisions/0014).
    fn default() -> Self {
        Self {
            days: 365,
            popular_days: 90,
            popular_half_life: 30.0,
            half_life: 90.0,
            keep: 50,
            least_together: 2,
            hours: 24,
            new_orders: 0.05,
        }
    }
}

/// How offers are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// What most buy.
    Popular,
    /// What the person had to do with last.
    Recent(Touched),
    /// What goes with the items given.
    BoughtTogether,
    /// What fits the person.
    ForPerson,
}

/// What a person did with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Looked at it, or put it into the cart.
    Viewed,
    /// Bought it.
    Bought,
    /// Any of these.
    Any,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// How.
    pub method: Method,
    /// For whom: [`Method::Recent`] and [`Method::ForPerson`] need it, [`Rules::not_bought`] too.
    pub person: Option<PersonId>,
    /// The items that others should go with, for [`Method::BoughtTogether`]; they are not offered themselves.
    pub with: Vec<String>,
    /// What may be offered.
    pub rules: Rules,
    /// Most offers.
    pub limit: usize,
}

impl Request {
    /// A request without rules.
    pub fn new(method: Method, person: Option<PersonId>, limit: usize) -> Self {
        Self { method, person, with: Vec::new(), rules: Rules::default(), limit }
    }
}

/// What is offered.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommended {
    /// The best first.
    pub offers: Vec<Offer>,
    /// The table's version.
    pub version: u64,
    /// When the table was built.
    pub built_at: Timestamp,
    /// Offers of which nobody told whether they are in stock, although the rules ask for it.
    pub stock_unknown: usize,
    /// Offers of which nobody told the margin, although the rules ask for one.
    pub margin_unknown: usize,
    /// Offers that are there because they are popular, where something else was asked for.
    pub filled: usize,
}

/// An item that is offered.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The item.
    pub item: Item,
    /// How well it fits; comparable within one method only.
    pub score: f64,
    /// Why.
    pub because: Because,
}

/// Answers requests. Cheap to clone; clones share their tables.
#[derive(Clone, Debug)]
pub struct Recommender {
    analytics: Analytics,
    settings: Settings,
    tables: Arc<RwLock<HashMap<WorkspaceId, Arc<Table>>>>,
}

impl Recommender {
    /// Without any table yet.
    pub fn new(analytics: Analytics, settings: Settings) -> Self {
        Self { analytics, settings, tables: Arc::default() }
    }

    /// The table in use.
    pub fn table(&self, workspace: WorkspaceId) -> Option<Arc<Table>> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).get(&workspace).cloned()
    }

    /// Lets go of a workspace's table.
    pub fn forget(&self, workspace: WorkspaceId) {
        self.tables.write().unwrap_or_else(PoisonError::into_inner).remove(&workspace);
    }

    /// Whether there is no table, or it is old, or enough orders came since.
    pub async fn is_due(&self, workspace: WorkspaceId, context: &Context) -> Result<bool> {
        let Some(table) = self.table(workspace) else { return Ok(true) };
        if table.built_at.plus(i64::from(self.settings.hours) * Timestamp::HOUR) <= context.now {
            return Ok(true);
        }
        let orders = orders(&self.analytics.lake.snapshot(workspace).await?)?;
        Ok(orders.saturating_sub(table.orders) as f64 > self.settings.new_orders * table.orders as f64)
    }

    /// Builds a workspace's table anew; requests are answered from the old one meanwhile.
    pub async fn rebuild(&self, workspace: WorkspaceId, context: &Context) -> Result<Arc<Table>> {
        let mut table = build::build(&self.analytics, workspace, context, &self.settings).await?;
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        table.version = tables.get(&workspace).map_or(1, |before| before.version + 1);
        let table = Arc::new(table);
        tables.insert(workspace, Arc::clone(&table));
        Ok(table)
    }

    /// Answers a request from the table in use.
    pub async fn recommend(&self, workspace: WorkspaceId, request: &Request, context: &Context) -> Result<Recommended> {
        request.validate()?;
        let table = self.table(workspace).ok_or(Error::NotBuilt)?;
        let is_read = request.method != Method::Popular && request.method != Method::BoughtTogether
            || request.rules.not_bought.is_some();
        let history = match request.person.filter(|_| is_read) {
            Some(person) => {
                let (from, to) = (table.since, context.now.plus(1));
                let from = if request.rules.not_bought == Some(NotBought::Ever) { None } else { Some(from) };
                let lake = &self.analytics.lake;
                let events = lake.person_events(workspace, person, from, Some(to), EVENTS_OF_PERSON).await?;
                History::of(&events, &table)
            }
            None => History::default(),
        };
        Ok(table.answer(request, &history, &self.settings, context.now))
    }
}

impl Request {
    fn validate(&self) -> Result<()> {
        let needs_person =
            matches!(self.method, Method::Recent(_) | Method::ForPerson) || self.rules.not_bought.is_some();
        if needs_person && self.person.is_none() {
            return Err(Error::invalid("person", "this method, or the rule on what was bought, needs a person"));
        }
        if self.method == Method::BoughtTogether && self.with.is_empty() {
            return Err(Error::invalid("with", "say which items others should go with"));
        }
        if self.limit == 0 || self.limit > MAX_OFFERS {
            return Err(Error::invalid("limit", format!("expected 1 to {MAX_OFFERS}, found {}", self.limit)));
        }
        Ok(())
    }
}

/// How many orders there are, as the catalog counts them.
fn orders(snapshot: &Snapshot) -> Result<u64> {
    Ok(snapshot.names()?.get(ORDER_COMPLETED).map_or(0, |used| crate::columns::count(used.events)))
}
