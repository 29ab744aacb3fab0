//! What people do earns points by the programme's rules, in the transaction that applies it: points and what they are given for commit together.
//!
//! Orders are one occasion each, by their number, however often they are told; everything else is an occasion by its event. What goes back is taken from how the
//! order stands ([`orders::standing`]), so that refunds may come before their order, in parts, twice, or be corrected.
//!
//! Always holds: what happened is judged by the rules that were in force when it happened; what happened before the programme counts earns nothing.
//!
//! Does not: decide what a rule gives (`loyalty::earning`).

pub mod buying;
pub mod effect;
pub mod offered;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use rapport_domain::shop_events::{ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_UPDATED};
use rapport_domain::{Calendar, Currency, Event, EventId, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_lake::EventRow;
use rapport_loyalty::earning::{Amounts, Awards, Happened, InForce, Occasion, Period, Rated, rate};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::program::{Enrolment, Program};
use rapport_loyalty::records::programs::Programs;
use rapport_loyalty::records::{awards, members, wallets};
use rapport_profiles::orders::{OrderChange, Status, change};
use rapport_profiles::records::orders;
use rapport_profiles::{Applied, AppliedEvent, classify};
use rapport_segments::{Condition, EventView, Moment};
use rapport_store::Tx;
use serde_json::{Map, Value};

use crate::engaging::listening;
use crate::installation::Installation;
use crate::knowing::Known;
use crate::pipeline::SplitBefore;

/// The longest number of an order that is written out in the name of an occasion; a longer one is named by its hash.
const LONGEST_ORDER: usize = 100;
/// Stands for whoever becomes a member by what they earn, while it is reckoned whether they earn anything.
pub(crate) const NOBODY_YET: MemberId = MemberId(-1);

/// Gives and takes points for what a batch says.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<()> {
    let told = Told { events, applied: &applied.events, superseded: &applied.superseded };
    hear_at(installation, tx, workspace, told, (installation.clock.now(), None)).await
}

/// What is heard together.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub events: &'a [Event],
    /// For each event, in their order.
    pub applied: &'a [AppliedEvent],
    /// As [`Applied::superseded`].
    pub superseded: &'a [(usize, EventId)],
}

/// How orders stand by their numbers: what they brought, what of it went back, status.
pub(crate) type Standing = HashMap<String, (i64, i64, String)>;

/// As [`hear`], at another time than the present where a past is played through: with how orders stood then.
pub(crate) async fn hear_at(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    told: Told<'_>,
    (now, stood): (Timestamp, Option<&Standing>),
) -> Result<()> {
    let programs = installation.programs.get(tx, workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(()) };
    let mut listened: BTreeSet<&str> = programs.rules.iter().map(|it| it.document.event.as_str()).collect();
    if let Enrolment::Event { event } = &latest.program.enrolment {
        listened.insert(event);
    }
    let occasions = Occasions::find(&programs, (&listened, latest.program.currency), told);
    if occasions.is_empty() {
        return Ok(());
    }
    let calendar = latest.program.calendar()?;
    let known = awards::latest(tx, workspace, &occasions.names()).await?;
    let people = occasions.people();
    let mut of_person = members::of_persons(tx, workspace, &people).await?;
    let mut owners: HashMap<String, MemberId> = known.iter().map(|it| (it.occasion.clone(), it.member)).collect();
    let numbers: Vec<MemberId> = of_person.values().chain(owners.values()).copied().collect();
    let used = awards::used(tx, workspace, &capped(&programs), &numbers, &occasions.periods(&calendar)).await?;
    let wallets = wallets::numbers(tx, workspace).await?;
    let mut awards = Awards::new(&latest.program, calendar.clone(), &wallets, known, used);
    let conditions: Vec<&Condition> = programs.rules.iter().map(|it| &it.document.when).collect();
    let facts = Known::read(tx, workspace, &conditions, &people).await?;
    for found in &occasions.told {
        let Some(program) = programs.at(found.at) else { continue };
        let rules: Vec<InForce<'_>> = programs.rules_at(found.at).collect();
        let joins = matches!(&latest.program.enrolment, Enrolment::Event { event } if *event == found.event.name);
        let member = of_person.get(&found.person).copied();
        let rated = found.rate(program, &rules, (&facts, &calendar), member.unwrap_or(NOBODY_YET), &awards);
        let earns = rated.lines.iter().any(|line| line.points > 0);
        let member = match member {
            Some(member) => member,
            None if joins || (earns && latest.program.enrolment == Enrolment::Earning) => {
                let member = members::enrol(tx, workspace, found.person, now, &*installation.rng).await?;
                of_person.insert(found.person, member);
                member
            }
            None => continue,
        };
        awards.earned(&found.happened(member), &rules, &rated);
        owners.insert(found.occasion.clone(), member);
    }
    for (old, at) in &occasions.replaced {
        if let Some(member) = owners.get(old) {
            awards.undone(&Happened { occasion: old, member: *member, at: *at, kind: "event", reference: "" });
        }
    }
    let read;
    let standing = match stood {
        Some(stood) => stood,
        None => {
            read = occasions.standing(tx, workspace).await?;
            &read
        }
    };
    for (occasion, (order_id, at)) in &occasions.orders {
        let (Some((revenue, back, status)), Some(member)) = (standing.get(order_id), owners.get(occasion)) else {
            continue;
        };
        let happened = Happened { occasion, member: *member, at: *at, kind: "order", reference: order_id };
        // Of an order that brought nothing no part can go back.
        let is_free = *status == *Status::Refunded.as_str() && *revenue <= 0;
        if *status == *Status::Cancelled.as_str() || is_free {
            awards.undone(&happened);
        } else {
            awards.went_back(&happened, *back, *revenue);
        }
    }
    awards::save(tx, workspace, &mut awards, &occasions.handles, now).await?;
    Ok(())
}

/// What rules see of the properties of an event that nobody sent, as they would see them if it were.
pub(crate) fn flat(properties: &Map<String, Value>) -> Vec<(String, Value)> {
    EventRow::flat(&classify::split(properties).0, &SplitBefore)
}

/// Rules with caps: of these it is read what they gave.
fn capped(programs: &Programs) -> Vec<String> {
    let with_caps = programs.rules.iter().filter(|it| !it.document.caps.is_empty());
    let keys: BTreeSet<&str> = with_caps.map(|it| it.document.key.as_str()).collect();
    keys.into_iter().map(str::to_owned).collect()
}

/// Something that may earn.
pub(crate) struct Found<'a> {
    pub occasion: String,
    event: &'a Event,
    applied: &'a AppliedEvent,
    /// By what name rules look at it: an order that was updated is looked at as a completed one.
    name: &'a str,
    pub person: PersonId,
    pub at: Timestamp,
    kind: &'static str,
    reference: String,
}

impl Found<'_> {
    fn happened(&self, member: MemberId) -> Happened<'_> {
        Happened { occasion: &self.occasion, member, at: self.at, kind: self.kind, reference: &self.reference }
    }

    /// What these rules give for it.
    fn rate(
        &self,
        program: &Program,
        rules: &[InForce<'_>],
        (facts, calendar): (&Known, &Calendar),
        member: MemberId,
        awards: &Awards<'_>,
    ) -> Rated {
        let used = |rule: &str, per, period| awards.without(member, &self.occasion, rule, per, period);
        self.look((facts, calendar), self.at, |occasion| rate(program, rules, occasion, used))
    }

    /// Looks at it as having happened at an instant.
    pub fn look<T>(
        &self,
        (facts, calendar): (&Known, &Calendar),
        at: Timestamp,
        look: impl FnOnce(Occasion<'_>) -> T,
    ) -> T {
        let row = listening::row(self.event, self.applied);
        let amounts = Amounts::read(&self.event.properties);
        let view = EventView::new(self.name, at, row.properties());
        facts.with(self.person, view, |subject| {
            look(Occasion { subject, amounts: &amounts, moment: Moment { now: at, calendar } })
        })
    }
}

/// What a batch says that the programme listens to.
pub(crate) struct Occasions<'a> {
    /// What may earn, each occasion once, as it was told last.
    pub told: Vec<Found<'a>>,
    /// Orders of which anything was said, by their occasions.
    pub orders: BTreeMap<String, (String, Timestamp)>,
    /// Occasions that were replaced by others, and when the others happened.
    pub replaced: Vec<(String, Timestamp)>,
    pub handles: HashMap<String, Handle>,
}

impl<'a> Occasions<'a> {
    /// Of events with the names that are listened to, by which orders are told as completed ones.
    pub fn find(
        programs: &Programs,
        (listened, currency): (&BTreeSet<&str>, Currency),
        Told { events, applied, superseded }: Told<'a>,
    ) -> Self {
        let counts_from = programs.counts_from().unwrap_or(Timestamp(i64::MAX));
        let mut found =
            Self { told: Vec::new(), orders: BTreeMap::new(), replaced: Vec::new(), handles: HashMap::new() };
        for (event, it) in events.iter().zip(applied) {
            let order = found.order(currency, event, it);
            let name = if order.as_ref().is_some_and(|it| it.1) { ORDER_COMPLETED } else { event.name.as_str() };
            if !listened.contains(name) || it.occurred_at < counts_from {
                continue;
            }
            let (occasion, kind, reference) = match order {
                Some((order_id, true)) => (occasion_of_order(&order_id), "order", order_id),
                _ => (occasion_of_event(&event.id), "event", event.name.clone()),
            };
            found.handles.insert(occasion.clone(), it.handle);
            let (person, at) = (it.person, it.occurred_at);
            found.told.push(Found { occasion, event, applied: it, name, person, at, kind, reference });
        }
        let last: HashMap<String, usize> =
            found.told.iter().enumerate().map(|(place, it)| (it.occasion.clone(), place)).collect();
        let mut place = 0..;
        found.told.retain(|it| place.next() == last.get(&it.occasion).copied());
        let replaced = superseded.iter().filter(|(at, _)| listened.contains(events[*at].name.as_str()));
        found.replaced = replaced.map(|(at, old)| (occasion_of_event(old), applied[*at].occurred_at)).collect();
        found
    }

    /// Notes an order of which something is said: its number, and whether it is told what it came to.
    fn order(&mut self, currency: Currency, event: &Event, applied: &AppliedEvent) -> Option<(String, bool)> {
        // Most events are about no order, and nothing has to be read of them.
        if ![ORDER_COMPLETED, ORDER_UPDATED, ORDER_REFUNDED, ORDER_CANCELLED].contains(&event.name.as_str()) {
            return None;
        }
        let (order_id, is_placed) = match change(event, applied.occurred_at, currency)? {
            OrderChange::Placed { order_id, .. } => (order_id, true),
            OrderChange::Refunded { order_id, .. } | OrderChange::Cancelled { order_id, .. } => (order_id, false),
        };
        let occasion = occasion_of_order(&order_id);
        self.handles.entry(occasion.clone()).or_insert(applied.handle);
        self.orders.insert(occasion, (order_id.clone(), applied.occurred_at));
        Some((order_id, is_placed))
    }

    /// How the orders stand.
    pub async fn standing(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<Standing> {
        let order_ids: Vec<String> = self.orders.values().map(|(order_id, _)| order_id.clone()).collect();
        let standing = orders::standing(tx, workspace, &order_ids).await?;
        Ok(standing.into_iter().map(|(order_id, revenue, back, status)| (order_id, (revenue, back, status))).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.told.is_empty() && self.orders.is_empty() && self.replaced.is_empty()
    }

    pub fn names(&self) -> Vec<String> {
        let told = self.told.iter().map(|found| &found.occasion);
        let names: BTreeSet<&String> =
            told.chain(self.orders.keys()).chain(self.replaced.iter().map(|(old, _)| old)).collect();
        names.into_iter().cloned().collect()
    }

    pub fn people(&self) -> Vec<PersonId> {
        let people: BTreeSet<PersonId> = self.told.iter().map(|found| found.person).collect();
        people.into_iter().collect()
    }

    /// The periods in which caps may count what is told.
    fn periods(&self, calendar: &Calendar) -> Vec<String> {
        let of = |found: &Found<'_>| Period::all(found.at, calendar).map(Period::key);
        let keys: BTreeSet<String> = self.told.iter().flat_map(of).collect();
        keys.into_iter().collect()
    }
}

/// What an order's awards are filed under.
pub(crate) fn occasion_of_order(order_id: &str) -> String {
    if order_id.len() <= LONGEST_ORDER {
        return format!("order:{order_id}");
    }
    format!("order#{}", blake3::hash(order_id.as_bytes()).to_hex())
}

pub(crate) fn occasion_of_event(event: &EventId) -> String {
    format!("event:{}", event.to_hex())
}
