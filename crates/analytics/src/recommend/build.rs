//! A table from the lake.
//!
//! Always holds: events are read in slices of days, so that memory is that of the pairs of persons and items, not of the events; the table does not
//! depend on how they were sliced. An order that is told twice counts once, as it was told first; one that was called off or went back whole is none. A person counts by their newest items.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hasher};

use rapport_domain::shop_events::{ORDER_COMPLETED, PRODUCT_UPDATED};
use rapport_domain::{Currency, PersonId, Timestamp, WorkspaceId};
use rapport_models::recommend::{Baskets, Bought, Histories, Interaction, Neighbours, Weighting, popularity, ranked};
use rapport_profiles::records::orders;

use super::catalogue::{Catalogue, Telling, is_own};
use super::history::{Touch, days};
use super::learnt::Learnt;
use super::plan::KeptPlan;
use super::rows::{OF_ITEMS, Row, each};
use super::table::Table;
use super::{Settings, orders as orders_in};
use crate::analytics::{Analytics, Context};
use crate::asking::Asking;
use crate::error::{Error, Result};

/// Touches are put together when so many have come beside those that were.
const TOUCHES: usize = 1 << 20;

pub(super) async fn build(
    analytics: &Analytics,
    workspace: WorkspaceId,
    context: &Context,
    settings: &Settings,
    restricted: &BTreeSet<PersonId>,
    live: Option<(i64, KeptPlan)>,
) -> Result<Table> {
    let asking = Asking::begin(&analytics.store, &analytics.lake, analytics.budget, workspace, None, context).await?;
    // Where the data end, time stands still.
    let now = context.complete_until();
    let since = now.plus(-i64::from(settings.days) * Timestamp::DAY);
    let without = analytics.without(workspace, restricted, since).await?;
    let mut gathered = Gathered::new(context, now, settings, without, Vec::new());
    each(&asking, OF_ITEMS, (since, now.plus(1)), |row| {
        gathered.take(row);
        true
    })
    .await?;
    let (orders, settings) = (orders_in(&asking.snapshot)?, *settings);
    // A fit may take a while, and others are waiting for their answers.
    let built_at = context.now;
    let work = tokio::task::spawn_blocking(move || {
        let table = gathered.table(since, now, &settings, orders, live);
        Table { built_at, ..table }
    });
    work.await.map_err(|error| Error::Plan(error.to_string()))
}

/// What is not learnt from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Without {
    /// Whose data may not be used.
    pub(crate) people: BTreeSet<PersonId>,
    /// Orders that were called off or went back whole, as hashes of their numbers.
    orders: HashSet<u64>,
}

impl Without {
    /// Whether an event is left out.
    pub(crate) fn has(&self, row: &Row) -> bool {
        self.people.contains(&row.person())
            || row.event == ORDER_COMPLETED && row.order_id.as_deref().is_some_and(|id| self.orders.contains(&hash(id)))
    }
}

impl Analytics {
    /// What is not learnt from, of orders placed since an instant.
    pub(crate) async fn without(
        &self,
        workspace: WorkspaceId,
        restricted: &BTreeSet<PersonId>,
        since: Timestamp,
    ) -> Result<Without> {
        let gone = orders::gone(&mut self.store.read(), workspace, since).await?;
        Ok(Without { people: restricted.clone(), orders: gone.iter().map(|id| hash(id)).collect() })
    }
}

/// An order's number, as it is remembered.
pub(crate) fn hash(order_id: &str) -> u64 {
    let mut hash = DefaultHasher::new();
    hash.write(order_id.as_bytes());
    hash.finish()
}

/// What was read so far.
pub(super) struct Gathered {
    currency: Currency,
    /// Orders older than this are in no popularity.
    popular_since: i64,
    without: Without,
    /// Instants that divide time into spans.
    cuts: Vec<i64>,
    pub(super) catalogue: Catalogue,
    pub(super) baskets: Vec<(i64, Vec<u32>)>,
    /// Numbers of orders, as hashes.
    told: HashSet<u64>,
    pub(super) touches: Vec<Touched>,
    /// How many of `touches` are one a person, item and span.
    merged: usize,
}

/// What somebody had to do with an item within a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) person: i64,
    pub(super) item: u32,
    /// After how many of the cuts.
    pub(super) span: u8,
    pub(super) touch: Touch,
}

impl Touched {
    const fn key(&self) -> (i64, u32, u8) {
        (self.person, self.item, self.span)
    }
}

impl Gathered {
    pub(super) fn new(
        context: &Context,
        now: Timestamp,
        settings: &Settings,
        without: Without,
        cuts: Vec<i64>,
    ) -> Self {
        Self {
            currency: context.currency,
            popular_since: now.plus(-i64::from(settings.popular_days) * Timestamp::DAY).0,
            without,
            cuts,
            catalogue: Catalogue::default(),
            baskets: Vec::new(),
            told: HashSet::new(),
            touches: Vec::new(),
            merged: 0,
        }
    }

    pub(super) fn take(&mut self, row: Row) {
        if self.without.has(&row) {
            return;
        }
        let is_own = is_own(row.currency.as_deref(), self.currency);
        if row.event == ORDER_COMPLETED {
            return self.order(row, is_own);
        }
        let (person, time) = (row.person(), row.time);
        let Some(id) = row.id else { return };
        let place = self.catalogue.place(&id);
        let price = row.telling.price.filter(|_| is_own);
        let cost = row.telling.cost.filter(|_| is_own);
        self.catalogue.tell(place, time, Telling { price, cost, ..row.telling });
        if row.event != PRODUCT_UPDATED {
            self.touch(person, time, place, Touch { viewed: Some(time), bought: None });
        }
    }

    fn order(&mut self, row: Row, is_own: bool) {
        if row.order_id.as_deref().is_some_and(|id| !self.told.insert(hash(id))) {
            return;
        }
        let mut items = Vec::new();
        for (id, telling) in row.lines(is_own) {
            let place = self.catalogue.place(&id);
            self.catalogue.tell(place, row.time, telling);
            items.push(place);
        }
        if items.is_empty() {
            items.extend(row.id.as_ref().map(|id| self.catalogue.place(id)));
        }
        items.sort_unstable();
        items.dedup();
        for item in &items {
            self.touch(row.person(), row.time, *item, Touch { viewed: None, bought: Some(row.time) });
        }
        if !items.is_empty() {
            self.baskets.push((row.time, items));
        }
    }

    fn touch(&mut self, person: PersonId, time: i64, item: u32, touch: Touch) {
        let span = u8::try_from(self.cuts.partition_point(|cut| *cut <= time)).unwrap_or(u8::MAX);
        self.touches.push(Touched { person: person.0, item, span, touch });
        if self.touches.len() >= 2 * self.merged.max(TOUCHES) {
            self.merge();
        }
    }

    /// One touch a person, item and span, in their order.
    pub(super) fn merge(&mut self) {
        self.touches.sort_unstable_by_key(Touched::key);
        self.touches.dedup_by(|later, first| {
            let is_same = later.key() == first.key();
            if is_same {
                first.touch.merge(later.touch);
            }
            is_same
        });
        self.merged = self.touches.len();
    }

    fn table(
        mut self,
        since: Timestamp,
        now: Timestamp,
        settings: &Settings,
        orders: u64,
        live: Option<(i64, KeptPlan)>,
    ) -> Table {
        self.merge();
        let (items, moved) = self.catalogue.finish();
        let mut baskets = Baskets::default();
        let mut bought = Vec::new();
        for (time, items) in &mut self.baskets {
            items.iter_mut().for_each(|item| *item = moved[*item as usize]);
            if *time >= self.popular_since {
                bought.extend(items.iter().map(|item| Bought { item: *item, age: days(*time, now) }));
            }
            baskets.add(items);
        }
        let scores = popularity(bought, items.len(), settings.popular_half_life);
        let popular = ranked((0_u32..).zip(scores).collect(), usize::MAX);
        let companions = baskets.companions(items.len(), settings.least_together, settings.keep);
        let (interactions, persons) = interactions(self.touches, &moved, now, settings);
        let learnt = live.map(|(version, plan)| {
            let histories = Histories::of(&interactions, persons, items.len());
            Learnt::fit(version, &plan, histories)
        });
        let neighbours = Neighbours::of(interactions, items.len(), settings.keep, Weighting::ByPerson);
        let places = items.iter().map(|item| item.id.clone()).zip(0_u32..).collect();
        Table {
            version: 0,
            built_at: now,
            since,
            orders,
            baskets: baskets.len(),
            large_baskets: baskets.left_out(),
            places,
            popular,
            companions,
            neighbours,
            learnt,
            offered: Table::offered(&items),
            items,
        }
    }
}

/// What each person had to do with their newest items, and how many persons there are.
fn interactions(
    mut touches: Vec<Touched>,
    moved: &[u32],
    now: Timestamp,
    settings: &Settings,
) -> (Vec<Interaction>, usize) {
    touches.iter_mut().for_each(|it| it.item = moved[it.item as usize]);
    let mut interactions = Vec::with_capacity(touches.len());
    let mut persons = 0;
    for (person, of_person) in (0_u32..).zip(touches.chunk_by_mut(|a, b| a.person == b.person)) {
        persons += 1;
        of_person.sort_unstable_by(|a, b| b.touch.last().cmp(&a.touch.last()).then(a.item.cmp(&b.item)));
        let newest = of_person.iter().take(Neighbours::MOST_ITEMS);
        interactions.extend(newest.map(|it| Interaction {
            person,
            item: it.item,
            weight: it.touch.weight(now, settings),
        }));
    }
    (interactions, persons)
}
