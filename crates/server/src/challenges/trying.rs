//! What a challenge would have shown if it had held in the last days: how many members would have taken part, and completed each step.
//!
//! Always holds: reckoned by the same rules and the same course as what is real; facts and segments are those of today. Of very many members some are looked at, the same ones each time.
//!
//! Does not: write anything.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use rapport_domain::assignment::bucket;
use rapport_domain::shop_events::{ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_UPDATED};
use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_lake::EventRow;
use rapport_loyalty::challenges::{Challenge, Counted, Course, Entry};
use rapport_loyalty::earning::{Amounts, Occasion};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::members;
use rapport_profiles::orders::{OrderChange, change_of};
use rapport_segments::{EventView, Moment};

use crate::api::timeline::unflatten;
use crate::earning::{occasion_of_event, occasion_of_order};
use crate::installation::Installation;
use crate::knowing::Known;

/// Members who are looked at.
pub const LOOKED_AT: usize = 1_000;
const EVENTS: usize = 5_000;
const PAGE: u32 = 5_000;
const SALT: &str = "loyalty/trying";
const ORDERS: [&str; 4] = [ORDER_COMPLETED, ORDER_UPDATED, ORDER_REFUNDED, ORDER_CANCELLED];

/// What it would have shown.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// All members.
    pub members: usize,
    /// Those who were looked at.
    pub looked_at: usize,
    /// Of these, for whom anything would have counted.
    pub taking_part: usize,
    /// Of each step: by how many members it would have been completed, and how often.
    pub steps: Vec<(usize, usize)>,
}

/// What it is tried in.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Where.
    pub workspace: WorkspaceId,
    /// The programme.
    pub program: &'a Program,
    /// Its calendar.
    pub calendar: &'a Calendar,
    /// From when on, until now.
    pub from: Timestamp,
    /// The present.
    pub now: Timestamp,
}

/// Tries a challenge.
///
/// # Errors
/// The store's and the lake's.
pub async fn try_out(installation: &Installation, ground: Ground<'_>, challenge: &Challenge) -> Result<Tried> {
    let mut db = installation.store.read();
    let (mut all, mut after) = (Vec::new(), PersonId(i64::MIN));
    loop {
        let page = members::persons_after(&mut db, ground.workspace, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.0;
        all.extend(page.into_iter().map(|(person, ..)| person));
    }
    let mut tried = Tried { members: all.len(), steps: vec![(0, 0); challenge.steps.len()], ..Tried::default() };
    if all.len() > LOOKED_AT {
        all.sort_by_key(|person| (bucket(SALT, *person), *person));
        all.truncate(LOOKED_AT);
    }
    tried.looked_at = all.len();
    let known = Known::read(&mut db, ground.workspace, &[&challenge.when, &challenge.who], &all).await?;
    for person in all {
        let from = Some(ground.from);
        let rows = installation.lake.person_events(ground.workspace, person, from, None, EVENTS).await?;
        let entries = Life::of(&rows, ground, challenge).entries(person, &known, ground, challenge);
        if entries.is_empty() {
            continue;
        }
        tried.taking_part += 1;
        let versions = vec![(ground.from, 1, challenge)];
        let course = Course { versions, calendar: ground.calendar, from: ground.from, until: None, entries: &entries };
        let mut own: BTreeSet<usize> = BTreeSet::new();
        for done in course.progress(ground.now).done {
            tried.steps[done.step].1 += 1;
            own.insert(done.step);
        }
        for step in own {
            tried.steps[step].0 += 1;
        }
    }
    Ok(tried)
}

/// What somebody did: each occasion as it was told last, and how their orders stand.
#[derive(Default)]
struct Life<'a> {
    told: BTreeMap<String, (Timestamp, &'a str, &'a EventRow)>,
    orders: HashMap<String, Stands>,
}

#[derive(Default)]
struct Stands {
    revenue: i64,
    back: i64,
    is_gone: bool,
}

impl<'a> Life<'a> {
    fn of(rows: &'a [EventRow], ground: Ground<'_>, challenge: &Challenge) -> Self {
        let mut life = Self::default();
        let mut sorted: Vec<&EventRow> = rows.iter().collect();
        sorted.sort_by_key(|row| (row.received_at, row.occurred_at, row.order_key, row.event_id));
        for row in sorted {
            let name = row.name.as_str();
            if !ORDERS.contains(&name) {
                if name == challenge.event {
                    life.told.insert(occasion_of_event(&row.event_id), (row.occurred_at, name, row));
                }
                continue;
            }
            let properties = unflatten(row.properties());
            let change = change_of((name, row.event_id), &properties, row.occurred_at, ground.program.currency);
            match change {
                Some(OrderChange::Placed { order_id, revenue, .. }) => {
                    let occasion = occasion_of_order(&order_id);
                    life.orders.entry(occasion.clone()).or_default().revenue = revenue.micros;
                    if challenge.event == ORDER_COMPLETED {
                        let at = life.told.get(&occasion).map_or(row.occurred_at, |it| it.0.min(row.occurred_at));
                        life.told.insert(occasion, (at, ORDER_COMPLETED, row));
                    }
                }
                Some(OrderChange::Refunded { order_id, amount, .. }) => {
                    let stands = life.orders.entry(occasion_of_order(&order_id)).or_default();
                    stands.back += amount.map_or(stands.revenue, |amount| amount.micros);
                    stands.is_gone |= stands.revenue <= 0;
                }
                Some(OrderChange::Cancelled { order_id, .. }) => {
                    life.orders.entry(occasion_of_order(&order_id)).or_default().is_gone = true;
                }
                None => {}
            }
            if name == challenge.event && name != ORDER_COMPLETED {
                life.told.insert(occasion_of_event(&row.event_id), (row.occurred_at, name, row));
            }
        }
        life
    }

    fn entries(&self, person: PersonId, known: &Known, ground: Ground<'_>, challenge: &Challenge) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (occasion, (at, name, row)) in &self.told {
            if *at > ground.now {
                continue;
            }
            let amounts = Amounts::read(&unflatten(row.properties()));
            let view = EventView::new(name, *at, row.properties());
            let moment = Moment { now: *at, calendar: ground.calendar };
            let counted: Vec<Counted> = known.with(person, view, |subject| {
                challenge.entries(ground.program, Occasion { subject, amounts: &amounts, moment })
            });
            let left = |amount: i64| match self.orders.get(occasion) {
                Some(stands) if stands.is_gone => 0,
                Some(stands) => challenge.left(amount, stands.back, stands.revenue),
                None => amount,
            };
            let entry = |it: Counted| Entry { at: *at, amount: left(it.amount), value: it.value };
            entries.extend(counted.into_iter().map(entry).filter(|it| it.amount > 0));
        }
        entries
    }
}
