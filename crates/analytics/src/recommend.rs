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
//! | [`Method::ForPerson`] | what fits the person's own items, by the model of the version in use, or, without one, what is like them, newer ones counting more; what is missing is filled with what is popular |
//! | [`Method::NextBest`] | the same by score times what a sale earns |
//! | [`Method::UpSell`] | a dearer item of the same category |
//! | [`Method::CrossSell`] | items of other categories than those of the cart, or of the last order |
//!
//! Always holds: no item is offered twice, every [`Rules`] that can be applied is kept by every item that is offered, and the same table gives the same
//! offers, of equal scores in the order of ids. A rule that needs what nobody told of an item lets it pass, and the answer says so. A table says nothing of
//! any person.
//!
//! Does not do: draw anything, learn from clicks, or start itself: whoever owns the clock asks [`Recommender::is_due`].

pub(crate) mod build;
pub(crate) mod catalogue;
mod history;
pub mod learning;
mod learnt;
pub mod plan;
pub(crate) mod rows;
mod rules;
mod table;
mod ways;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use rapport_domain::shop_events::ORDER_COMPLETED;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_lake::Snapshot;

use crate::analytics::{Analytics, Context};
use crate::error::{Error, Result};
use crate::scores::RECOMMENDATIONS;
use crate::scores::records::{models, versions};
use history::History;

pub use catalogue::Item;
pub use learnt::Learnt;
pub use plan::KeptPlan;
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
    /// What fits the person and earns most.
    NextBest,
    /// Dearer items of the same category as the item given, or as what the person had to do with last.
    UpSell,
    /// Items of other categories than the items given have, or than those of the person's last order.
    CrossSell,
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
    /// For whom: what is not only about items needs it, [`Rules::not_bought`] and [`Rules::usual_price`] too.
    pub person: Option<PersonId>,
    /// The items that others should go with, for [`Method::BoughtTogether`] and [`Method::CrossSell`], which are not offered themselves; for
    /// [`Method::UpSell`] the first is the one to have a dearer one of.
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
    /// The version whose model answered; `None` without one.
    pub learnt: Option<i64>,
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
    /// Whether it is there because it is popular, where something else was asked for.
    pub filled: bool,
    /// The person's own items that speak most for it, the most first; none where no model of a version did.
    pub reasons: Vec<Reason>,
}

/// An own item that speaks for an offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// The item's id.
    pub id: String,
    /// Its part of all that speaks for the offer, 0 to 1.
    pub share: f64,
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
        if self.live(workspace).await?.map(|it| it.0) != table.learnt.as_ref().map(|it| it.version) {
            return Ok(true);
        }
        let orders = orders(&self.analytics.lake.snapshot(workspace).await?)?;
        Ok(orders.saturating_sub(table.orders) as f64 > self.settings.new_orders * table.orders as f64)
    }

    /// The version in use, and its plan.
    async fn live(&self, workspace: WorkspaceId) -> Result<Option<(i64, KeptPlan)>> {
        let db = &mut self.analytics.store.read();
        let Some(row) = models::find(db, workspace, RECOMMENDATIONS).await? else { return Ok(None) };
        let Some(version) = row.version else { return Ok(None) };
        let kept = versions::find(db, workspace, RECOMMENDATIONS, version).await?;
        let content = kept.and_then(|it| serde_json::from_value::<learning::Content>(it.content).ok());
        Ok(content.map(|it| (version, it.plan)))
    }

    /// Builds a workspace's table anew, of everybody but these; requests are answered from the old one meanwhile.
    pub async fn rebuild(
        &self,
        workspace: WorkspaceId,
        context: &Context,
        restricted: &BTreeSet<PersonId>,
    ) -> Result<Arc<Table>> {
        let live = self.live(workspace).await?;
        let mut table = build::build(&self.analytics, workspace, context, &self.settings, restricted, live).await?;
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        table.version = tables.get(&workspace).map_or(1, |before| before.version + 1);
        let table = Arc::new(table);
        tables.insert(workspace, Arc::clone(&table));
        Ok(table)
    }

    /// How tables are made.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers a request from the table in use.
    pub async fn recommend(&self, workspace: WorkspaceId, request: &Request, context: &Context) -> Result<Recommended> {
        request.validate()?;
        let table = self.table(workspace).ok_or(Error::NotBuilt)?;
        let is_read = request.method != Method::Popular && request.method != Method::BoughtTogether
            || request.rules.not_bought.is_some()
            || request.rules.usual_price;
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

/// An item that somebody had to do with.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    /// The item.
    pub item: Item,
    /// When it was last looked at or put into the cart.
    pub viewed: Option<Timestamp>,
    /// When it was last bought.
    pub bought: Option<Timestamp>,
}

impl Recommender {
    /// What somebody had to do with, as far as offers are made from it, the newest first.
    ///
    /// # Errors
    /// That there is no table yet; the lake's.
    pub async fn own(&self, workspace: WorkspaceId, person: PersonId, context: &Context) -> Result<Vec<Own>> {
        let table = self.table(workspace).ok_or(Error::NotBuilt)?;
        let (from, to) = (Some(table.since), Some(context.now.plus(1)));
        let events = self.analytics.lake.person_events(workspace, person, from, to, EVENTS_OF_PERSON).await?;
        let own = |(place, touch): (u32, history::Touch)| Own {
            item: table.items()[place as usize].clone(),
            viewed: touch.viewed.map(Timestamp),
            bought: touch.bought.map(Timestamp),
        };
        Ok(History::of(&events, &table).touched().into_iter().map(own).collect())
    }
}

impl Request {
    fn validate(&self) -> Result<()> {
        let rules = &self.rules;
        let needs_person = matches!(self.method, Method::Recent(_) | Method::ForPerson | Method::NextBest)
            || rules.not_bought.is_some()
            || rules.usual_price;
        if needs_person && self.person.is_none() {
            return Err(Error::invalid("person", "this method, or the rule on what was bought, needs a person"));
        }
        let is_of_items = matches!(self.method, Method::UpSell | Method::CrossSell) && self.person.is_none();
        if (self.method == Method::BoughtTogether || is_of_items) && self.with.is_empty() {
            return Err(Error::invalid("with", "say which items others should go with"));
        }
        if rules.least_price.zip(rules.most_price).is_some_and(|(least, most)| least > most) {
            return Err(Error::invalid("least_price", "expected at most the highest price"));
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
