//! Members bring friends: hears the codes that friends use and what they do, reckons how each referral stands, gives and takes back what it is worth, in the transaction that applies the event; and when time alone changes it, by the night work.
//!
//! A friend's code is the property `referral_code` of any event of theirs.
//!
//! Always holds: how a referral stands follows from what happened, also when it is told late, twice, or in another order; nothing depends on the night work being in time but the moment at which points come.
//!
//! Does not: decide how a referral stands (`loyalty::referrals`).

mod reviewing;
mod suspecting;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::Result;
use rapport_domain::shop_events::{ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED};
use rapport_domain::{Event, Handle, IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::codes;
use rapport_loyalty::earning::{Amounts, Base};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::members;
use rapport_loyalty::records::programs::Programs;
use rapport_loyalty::records::referrals::tellings::{ActRow, ClaimRow};
use rapport_loyalty::records::referrals::{self as records, tellings, traces};
use rapport_loyalty::referrals::Referral;
use rapport_loyalty::referrals::signals::{self, Trace};
use rapport_privacy::records::secrets;
use rapport_profiles::orders::{OrderChange, change};
use rapport_profiles::records::{identifiers, orders};
use rapport_profiles::{Applied, AppliedEvent};
use rapport_segments::{Condition, EventView, Moment, evaluate};
use rapport_store::{Priority, Slice, Tx};
use serde_json::Value;

use crate::earning::{occasion_of_event, occasion_of_order};
use crate::engaging::listening;
use crate::installation::Installation;
use crate::knowing::Known;

pub use reviewing::review;

/// The property with a friend's code.
const CODE: &str = "referral_code";
/// Digests of one workspace say nothing to another.
const KEY: &str = "rapport 2026-11 traces of referrals";

/// Hears a batch of events, in the transaction that applies it.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<()> {
    let programs = installation.programs.get(tx, workspace).await?;
    let Some(program) = programs.latest().map(|it| &it.program) else { return Ok(()) };
    if programs.referrals.is_empty() {
        return Ok(());
    }
    let mut people: BTreeSet<PersonId> = applied.moved.iter().flat_map(|it| [it.from, it.to]).collect();
    let mut handles = forget(tx, workspace, applied).await?;
    people.extend(claim(tx, workspace, events, applied).await?);
    let acts = Acts { programs: &programs, program, workspace };
    people.extend(acts.hear(tx, events, applied).await?);
    handles.extend(acts.settled(tx, events, applied).await?);
    handles.extend(trace(installation, tx, workspace, events, applied).await?);
    let handles: Vec<Handle> = handles.into_iter().collect();
    if !handles.is_empty() {
        people.extend(identifiers::by_handles(tx, workspace, &handles).await?.into_iter().map(|row| row.person));
    }
    let now = installation.clock.now();
    look_again(tx, workspace, applied, now).await?;
    review(installation, tx, workspace, &people.into_iter().collect::<Vec<_>>(), now).await
}

/// Takes back what replaced events told; by which identifiers the friends are known.
async fn forget(tx: &mut Tx, workspace: WorkspaceId, applied: &Applied) -> Result<BTreeSet<Handle>> {
    let gone: Vec<[u8; 16]> = applied.superseded.iter().map(|(_, old)| old.0).collect();
    let occasions: Vec<String> = applied.superseded.iter().map(|(_, old)| occasion_of_event(old)).collect();
    Ok(tellings::forget(tx, workspace, &gone, &occasions).await?.into_iter().collect())
}

/// Keeps the codes that a batch tells of; whose they were.
async fn claim(tx: &mut Tx, workspace: WorkspaceId, events: &[Event], applied: &Applied) -> Result<Vec<PersonId>> {
    let (mut rows, mut people) = (Vec::new(), Vec::new());
    for (event, it) in events.iter().zip(&applied.events) {
        let Some(lookup) = event.properties.get(CODE).and_then(Value::as_str).and_then(codes::lookup) else { continue };
        people.push(it.person);
        rows.push(ClaimRow {
            event_id: event.id.0,
            handle: it.handle,
            lookup,
            claimed_at: it.occurred_at,
            order_key: event.order_key,
        });
    }
    tellings::tell_claims(tx, workspace, &rows).await?;
    Ok(people)
}

/// Members whose persons are others now may have referred themselves.
async fn look_again(tx: &mut Tx, workspace: WorkspaceId, applied: &Applied, now: Timestamp) -> Result<()> {
    let moved: Vec<PersonId> = applied.moved.iter().map(|it| it.to).collect();
    follow(tx, workspace, &moved, now).await
}

/// Lets referrals by members among these people be looked at anew, because they are others now than they were.
///
/// # Errors
/// The store's.
pub async fn follow(tx: &mut Tx, workspace: WorkspaceId, people: &[PersonId], now: Timestamp) -> Result<()> {
    if people.is_empty() {
        return Ok(());
    }
    for member in members::of_persons(tx, workspace, people).await?.into_values() {
        let numbers = members::numbers(tx, workspace, member).await?;
        records::look_again(tx, workspace, &numbers, now).await?;
    }
    Ok(())
}

/// What people do that may count for a referral programme.
struct Acts<'a> {
    programs: &'a Programs,
    program: &'a Program,
    workspace: WorkspaceId,
}

/// Something that may count.
struct Found<'a> {
    event: &'a Event,
    applied: &'a AppliedEvent,
    name: &'a str,
    order_id: Option<String>,
    asked: Vec<&'a Referral>,
}

impl<'a> Acts<'a> {
    /// Keeps what may count; who did it.
    async fn hear(&self, tx: &mut Tx, events: &'a [Event], applied: &'a Applied) -> Result<Vec<PersonId>> {
        let found = self.find(events, applied);
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let people: Vec<PersonId> =
            found.iter().map(|it| it.applied.person).collect::<BTreeSet<_>>().into_iter().collect();
        let first: BTreeMap<PersonId, Timestamp> =
            orders::first_of(tx, self.workspace, &people).await?.into_iter().collect();
        let conditions: Vec<&Condition> = found.iter().flat_map(|it| &it.asked).map(|it| &it.qualifies.when).collect();
        let known = Known::read(tx, self.workspace, &conditions, &people).await?;
        let calendar = self.program.calendar()?;
        let mut rows: BTreeMap<(String, String), ActRow> = BTreeMap::new();
        let mut who = BTreeSet::new();
        for it in &found {
            let at = it.applied.occurred_at;
            // Old customers cannot be anybody's new friends: most orders are theirs, and nothing is kept of those.
            let since = first.get(&it.applied.person).copied().unwrap_or(at);
            let is_late = |terms: &Referral| {
                let days = i64::from(terms.qualifies.within_days) + 2;
                since.plus(days * Timestamp::DAY) < at
            };
            let row = listening::row(it.event, it.applied);
            let view = EventView::new(it.name, at, row.properties());
            for terms in it.asked.iter().filter(|terms| !is_late(terms)) {
                let moment = Moment { now: at, calendar: &calendar };
                let when = &terms.qualifies.when;
                let holds = known.with(it.applied.person, view, |subject| evaluate::holds(when, subject, moment));
                let act = it.told(self.program, terms, holds);
                rows.insert((act.occasion.clone(), act.referral.clone()), act);
                who.insert(it.applied.person);
            }
        }
        let rows: Vec<ActRow> = rows.into_values().collect();
        tellings::tell_acts(tx, self.workspace, &rows).await?;
        Ok(who.into_iter().collect())
    }

    fn find(&self, events: &'a [Event], applied: &'a Applied) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        for (event, it) in events.iter().zip(&applied.events) {
            let placed = match change(event, it.occurred_at, self.program.currency) {
                Some(OrderChange::Placed { order_id, .. }) => Some(order_id),
                _ => None,
            };
            let name = if placed.is_some() { ORDER_COMPLETED } else { event.name.as_str() };
            let asked = self.programs.referrals_at(it.occurred_at).filter(|terms| terms.qualifies.event == name);
            let asked: Vec<&Referral> = asked.collect();
            if !asked.is_empty() {
                found.push(Found { event, applied: it, name, order_id: placed, asked });
            }
        }
        found
    }

    /// Friends whose orders stand otherwise than before.
    async fn settled(&self, tx: &mut Tx, events: &[Event], applied: &Applied) -> Result<Vec<Handle>> {
        let mut occasions = BTreeSet::new();
        let mut whole: BTreeMap<String, (Handle, Timestamp)> = BTreeMap::new();
        for (event, it) in events.iter().zip(&applied.events) {
            if ![ORDER_REFUNDED, ORDER_CANCELLED].contains(&event.name.as_str()) {
                continue;
            }
            let order_id = match change(event, it.occurred_at, self.program.currency) {
                Some(
                    OrderChange::Refunded { order_id, amount: None, .. } | OrderChange::Cancelled { order_id, .. },
                ) => {
                    whole.insert(order_id.clone(), (it.handle, it.occurred_at));
                    order_id
                }
                Some(OrderChange::Refunded { order_id, .. }) => order_id,
                _ => continue,
            };
            occasions.insert(occasion_of_order(&order_id));
        }
        self.void(tx, whole).await?;
        let occasions: Vec<String> = occasions.into_iter().collect();
        Ok(tellings::actors(tx, self.workspace, &occasions).await?)
    }
}

impl Acts<'_> {
    /// Notes orders that were called off, or went back whole, before anybody told of them.
    async fn void(&self, tx: &mut Tx, mut whole: BTreeMap<String, (Handle, Timestamp)>) -> Result<()> {
        let ids: Vec<String> = whole.keys().cloned().collect();
        if ids.is_empty() {
            return Ok(());
        }
        for (order_id, ..) in orders::standing(tx, self.workspace, &ids).await? {
            whole.remove(&order_id);
        }
        let asked = self.programs.referrals.iter().filter(|it| it.document.qualifies.event == ORDER_COMPLETED);
        let keys: BTreeSet<&str> = asked.map(|it| it.document.key.as_str()).collect();
        let mut rows = Vec::new();
        for (order_id, (handle, acted_at)) in whole {
            rows.extend(keys.iter().map(|key| ActRow {
                occasion: occasion_of_order(&order_id),
                referral: (*key).to_owned(),
                handle,
                order_id: Some(order_id.clone()),
                acted_at,
                amount: None,
                holds: false,
                is_void: true,
            }));
        }
        Ok(tellings::void_acts(tx, self.workspace, &rows).await?)
    }
}

impl Found<'_> {
    fn told(&self, program: &Program, terms: &Referral, holds: bool) -> ActRow {
        let amounts = Amounts::read(&self.event.properties);
        let amount = program.exchanged(amounts.base(Base::default()), amounts.currency.unwrap_or(program.currency));
        let occasion = match &self.order_id {
            Some(order_id) => occasion_of_order(order_id),
            None => occasion_of_event(&self.event.id),
        };
        ActRow {
            occasion,
            referral: terms.key.clone(),
            handle: self.applied.handle,
            order_id: self.order_id.clone(),
            acted_at: self.applied.occurred_at,
            amount,
            holds,
            is_void: false,
        }
    }
}

/// Keeps what members and friends left behind; by which identifiers others are known who left the same.
async fn trace(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<Vec<Handle>> {
    let people: Vec<PersonId> =
        applied.events.iter().map(|it| it.person).collect::<BTreeSet<_>>().into_iter().collect();
    let mut known: BTreeSet<PersonId> = members::of_persons(tx, workspace, &people).await?.into_keys().collect();
    let names = identifiers::by_persons(tx, workspace, &people).await?;
    let handles: Vec<Handle> = names.iter().map(|row| row.handle).collect();
    let friends: BTreeSet<Handle> =
        tellings::claims_of(tx, workspace, &handles).await?.into_iter().map(|it| it.handle).collect();
    known.extend(names.iter().filter(|row| friends.contains(&row.handle)).map(|row| row.person));
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let key = key(installation, tx, workspace).await?;
    let mut rows: BTreeMap<(Trace, Handle), Timestamp> = BTreeMap::new();
    for (event, it) in events.iter().zip(&applied.events).filter(|(_, it)| known.contains(&it.person)) {
        let anonymous: Vec<&str> = event
            .identifiers
            .iter()
            .filter(|it| it.kind == IdentifierKind::AnonymousId)
            .map(|it| it.value.as_str())
            .collect();
        for trace in signals::traces(&key, &anonymous, &event.properties, &event.context) {
            let seen = rows.entry((trace, it.handle)).or_insert(it.occurred_at);
            *seen = (*seen).max(it.occurred_at);
        }
    }
    let rows: Vec<(Trace, Handle, Timestamp)> =
        rows.into_iter().map(|((trace, handle), at)| (trace, handle, at)).collect();
    traces::keep(tx, workspace, &rows).await?;
    let left: BTreeSet<Trace> = rows.iter().map(|(trace, ..)| *trace).collect();
    Ok(traces::sharing(tx, workspace, &left.into_iter().collect::<Vec<_>>()).await?)
}

async fn key(installation: &Installation, tx: &mut Tx, workspace: WorkspaceId) -> Result<[u8; 32]> {
    let secret = match secrets::find(tx, workspace).await? {
        Some(secret) => secret,
        None => secrets::ensure(tx, workspace, &*installation.rng).await?,
    };
    Ok(blake3::derive_key(KEY, &secret))
}

/// Forgets some of the traces that are too old to be looked at; how many there were.
///
/// # Errors
/// The store's.
pub async fn forget_traces(installation: &Installation, workspace: WorkspaceId, slice: &mut Slice) -> Result<usize> {
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, workspace).await?;
    let days = programs.referrals.iter().map(|it| i64::from(it.document.fraud.trace_days)).max();
    let Some(days) = days else { return Ok(0) };
    let before = installation.clock.now().plus(-days * Timestamp::DAY);
    if !traces::are_old(&mut db, workspace, before).await? {
        return Ok(0);
    }
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    let gone = traces::purge(&mut tx, workspace, before, slice.size()).await?;
    tx.commit().await?;
    slice.took(began.elapsed(), gone);
    Ok(gone)
}

/// Looks at a few friends whose referrals time alone changed; how many there were.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn settle(installation: &Installation, workspace: WorkspaceId, slice: &mut Slice) -> Result<usize> {
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, workspace).await?;
    if programs.referrals.is_empty() {
        return Ok(0);
    }
    let now = installation.clock.now();
    let due = records::due(&mut db, workspace, now, slice.size()).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let owners = identifiers::by_handles(&mut db, workspace, &due).await?;
    let people: BTreeSet<PersonId> = owners.iter().map(|row| row.person).collect();
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    let lost: Vec<Handle> = due.iter().copied().filter(|it| owners.iter().all(|row| row.handle != *it)).collect();
    records::rest(&mut tx, workspace, &lost).await?;
    review(installation, &mut tx, workspace, &people.into_iter().collect::<Vec<_>>(), now).await?;
    tx.commit().await?;
    slice.took(began.elapsed(), due.len());
    Ok(due.len())
}
