//! Applies a batch of events to profiles, within the caller's transaction: identifiers and evidence first, so that persons are known;
//! then clocks, facts, orders, texts and accounts. Activity and the summaries of persons wait in a [`Backlog`] and are
//! written for many batches at once.
//!
//! Always holds: the transaction is the only thing written; what is remembered in memory changes in [`Profiles::remember`] only, which
//! the caller calls after the commit. Applying the same events in other batches gives the same persons, facts and orders.
//!
//! Does not do: the lake's rows (the caller writes them from [`Applied`]), cursors, memberships.

mod accounts;
mod again;
mod backlog;
mod events;
pub(crate) mod labels;
mod orders;
mod persons;
mod resolve;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use quick_cache::sync::Cache;
use rapport_domain::{
    Clock, Currency, Event, EventId, Handle, Identifier, PersonId, Rng, Timestamp, WorkspaceId, money, shop_events,
};
use rapport_store::{Result, Tx};
use serde_json::{Map, Value};

use crate::classify;
use crate::identity::partition::Limits;
use crate::records::facts::FactRow;
use crate::records::identifiers::{Activity, IdentifierRow};

pub use backlog::Backlog;

/// How many identifiers are remembered between batches (about 100 bytes each).
const REMEMBERED_IDENTIFIERS: usize = 200_000;
/// How many pairs of evidence are remembered as already known.
const REMEMBERED_PAIRS: usize = 200_000;

/// Makes profiles out of events.
pub struct Profiles {
    pub(crate) clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    pub(crate) limits: Limits,
    known: Cache<(WorkspaceId, Identifier), Known>,
    /// The earliest time at which each pair was told.
    pairs: Cache<(WorkspaceId, Handle, Handle), Timestamp>,
    /// What changes at an account is told of so many members at once; in a "group" of more the others hear of it when a call names them again.
    most_members: i64,
}

/// What is known of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its handle, for ever.
    pub handle: Handle,
    /// Whose it is now.
    pub person: PersonId,
}

/// What the events of a batch became.
#[derive(Debug, Default)]
pub struct Applied {
    /// For each event, in the batch's order.
    pub events: Vec<AppliedEvent>,
    /// Identifiers that were known before and now belong to another person: the lake reads their older rows as that person's.
    pub moved: Vec<Moved>,
    /// Events that a newer version of the same row replaces, with the index of the event that does.
    pub superseded: Vec<(usize, EventId)>,
    /// Every person whose profile changed.
    pub touched: Vec<PersonId>,
    /// Those of them whose name, orders or identifiers may have changed.
    pub news: Vec<PersonId>,
    /// Persons of whom nothing was known before.
    pub born: Vec<PersonId>,
    /// What is newly known of persons: (who, from when, what, value).
    pub told: Vec<(PersonId, Timestamp, String, Value)>,
    /// What the batch adds to identifiers that were known before.
    pub activity: Vec<(Handle, Activity)>,
    known: Vec<(Identifier, Known)>,
    pairs: Vec<(Handle, Handle, Timestamp)>,
}

/// An identifier that belongs to another person now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Which.
    pub handle: Handle,
    /// Whose it was.
    pub from: PersonId,
    /// Whose it is.
    pub to: PersonId,
}

/// One event as it goes on to the lake.
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedEvent {
    /// The handle of its primary identifier.
    pub handle: Handle,
    /// Whose it is now.
    pub person: PersonId,
    /// When it happened, corrected for the device's clock.
    pub occurred_at: Timestamp,
    /// Its properties without what is withheld from the lake; an order has its exact `revenue`.
    pub properties: Map<String, Value>,
    /// Its context, likewise.
    pub context: Map<String, Value>,
}

/// What a batch is applied with.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The tenant; all events of a batch are its.
    pub workspace: WorkspaceId,
    /// For amounts that name no currency.
    pub currency: Currency,
    /// The log's position after the batch's last event.
    pub position: i64,
}

/// A batch under way.
struct Work<'a> {
    profiles: &'a Profiles,
    settings: Settings,
    events: &'a [Event],
    now: Timestamp,
    /// Of every identifier named in the batch.
    ids: HashMap<Identifier, Known>,
    /// Those that are first named in this batch, as they will be recorded; no row of the lake has their handle yet.
    fresh: BTreeMap<Handle, IdentifierRow>,
    /// When each event happened.
    times: Vec<Timestamp>,
    facts: BTreeMap<(Handle, String, Timestamp), FactRow>,
    /// Persons whose name, orders or identifiers may have changed.
    news: BTreeSet<PersonId>,
    /// Persons that were made up for identifiers first named in this batch.
    made: BTreeSet<PersonId>,
    applied: Applied,
}

/// An event's properties and context as the lake may hold them, and the properties withheld from it.
/// The context's own withheld parts (addresses of machines, names of browsers) serve nobody, so they are not kept at all.
fn lake_properties(event: &Event) -> (Map<String, Value>, Map<String, Value>, Map<String, Value>) {
    let (mut properties, withheld) = classify::split(&event.properties);
    let (context, _) = classify::split(&event.context);
    if event.name == shop_events::ORDER_COMPLETED {
        let revenue = money::format_micros(crate::orders::revenue(&event.properties));
        properties.insert("revenue".into(), Value::String(revenue));
    }
    (properties, context, withheld)
}

/// See [`Profiles::telling_at_once`].
const MOST_MEMBERS: i64 = 10_000;

impl Profiles {
    /// Nothing remembered yet.
    pub fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>, limits: Limits) -> Self {
        let (known, pairs) = (Cache::new(REMEMBERED_IDENTIFIERS), Cache::new(REMEMBERED_PAIRS));
        Self { clock, rng, limits, known, pairs, most_members: MOST_MEMBERS }
    }

    /// The same, but changes at an account are told of at most so many members at once.
    #[must_use]
    pub fn telling_at_once(self, most_members: i64) -> Self {
        Self { most_members, ..self }
    }

    /// Applies `events` (all of the workspace in `settings`) in `tx`.
    ///
    /// # Errors
    /// Only the store's; the transaction must then be dropped.
    pub async fn apply(&self, tx: &mut Tx, settings: Settings, events: &[Event]) -> Result<Applied> {
        let mut work = Work {
            profiles: self,
            settings,
            events,
            now: self.clock.now(),
            ids: HashMap::new(),
            fresh: BTreeMap::new(),
            times: Vec::with_capacity(events.len()),
            facts: BTreeMap::new(),
            news: BTreeSet::new(),
            made: BTreeSet::new(),
            applied: Applied::default(),
        };
        work.correct_times(tx).await?;
        work.resolve_identifiers(tx).await?;
        work.join_persons(tx).await?;
        work.record_activity(tx).await?;
        work.record_orders(tx).await?;
        work.record_facts(tx).await?;
        work.record_accounts(tx).await?;
        work.split_properties(tx).await?;
        Ok(work.done())
    }

    /// Remembers what a committed batch learned.
    pub fn remember(&self, workspace: WorkspaceId, applied: &Applied) {
        for (identifier, known) in &applied.known {
            self.known.insert((workspace, identifier.clone()), *known);
        }
        for (left, right, at) in &applied.pairs {
            self.pairs.insert((workspace, *left, *right), *at);
        }
    }

    /// Forgets everything: after identity was changed by hand, or a commit whose outcome is unknown.
    pub fn forget(&self) {
        self.known.clear();
        self.pairs.clear();
    }

    pub(crate) fn new_person(&self) -> PersonId {
        PersonId(self.rng.next_positive_i64())
    }
}

impl Work<'_> {
    /// The primary identifier's handle and person of an event.
    fn who(&self, event: &Event) -> Known {
        self.ids[&event.identifiers[0]]
    }
}
