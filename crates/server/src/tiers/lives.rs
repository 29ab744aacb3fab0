//! What counts of some members, read at once.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use rapport_domain::{Currency, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::members::Member;
use rapport_loyalty::records::tiers::{self, Count, counted_key};
use rapport_loyalty::records::wallets;
use rapport_loyalty::tiers::{Counted, History, Match, Series};
use rapport_profiles::orders::Status;
use rapport_profiles::records::identifiers;
use rapport_profiles::records::orders::{self, OrderRow};
use rapport_store::Queries;

use super::{Ladders, ONE};

/// The most orders of those who are looked at together.
const ORDERS_MAX: i64 = 200_000;

/// What counts of some members.
#[derive(Debug, Default)]
pub struct Lives {
    /// One each.
    pub list: Vec<Life>,
}

/// What counts of one member.
#[derive(Debug)]
pub struct Life {
    /// Who.
    pub member: Member,
    /// One of the identifiers by which they are known.
    pub handle: Option<Handle>,
    /// What they did.
    pub history: History,
    /// What staff gave, by ladder.
    pub matches: HashMap<String, Vec<Match>>,
    /// When conditions were found to hold or not, by [`counted_key`].
    switches: BTreeMap<String, Vec<(Timestamp, bool)>>,
}

impl Life {
    /// Whether a condition held when it was last looked at.
    pub(super) fn held(&self, key: &str) -> bool {
        self.switches.get(key).and_then(|all| all.last()).is_some_and(|(_, holds)| *holds)
    }

    /// Notes that it does now, or not.
    pub(super) fn switch(&mut self, counted: &Counted, key: &str, now: Timestamp, holds: bool) {
        let all = self.switches.entry(key.to_owned()).or_default();
        all.push((now, holds));
        self.history.put(counted.clone(), Series::of_switches(all.clone()));
    }
}

type Amounts = HashMap<MemberId, Vec<(Timestamp, i64)>>;

impl Lives {
    /// Reads what ladders ask for.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(
        ladders: &Ladders<'_>,
        db: &mut impl Queries,
        workspace: WorkspaceId,
        found: Vec<Member>,
    ) -> Result<Self> {
        let numbers: Vec<MemberId> = found.iter().map(|it| it.member).collect();
        let people: HashMap<PersonId, MemberId> = found.iter().filter_map(|it| Some((it.person?, it.member))).collect();
        let handles = handles(db, workspace, &people).await?;
        let by_points = ladders.counts(|it| matches!(it, Counted::Points { .. }));
        let earned = if by_points { tiers::earned(db, workspace, &numbers).await? } else { Vec::new() };
        let by_orders = ladders.counts(|it| matches!(it, Counted::Spent | Counted::Orders));
        let all: Vec<Handle> = if by_orders { handles.keys().copied().collect() } else { Vec::new() };
        let ordered =
            if all.is_empty() { Vec::new() } else { orders::of_handles(db, workspace, &all, ORDERS_MAX).await? };
        let by_counts = ladders.counts(|it| matches!(it, Counted::Events { .. } | Counted::Condition { .. }));
        let counts = if by_counts { tiers::counts(db, workspace, &numbers).await? } else { Vec::new() };
        let wallets = wallets::numbers(db, workspace).await?;
        let given = tiers::matches(db, workspace, &numbers).await?;
        let first: HashMap<MemberId, Handle> = handles.iter().map(|(handle, member)| (*member, *handle)).collect();
        let blank = |member: Member| Life {
            handle: first.get(&member.member).copied(),
            member,
            history: History::default(),
            matches: HashMap::new(),
            switches: BTreeMap::new(),
        };
        let mut list: Vec<Life> = found.into_iter().map(blank).collect();
        for counted in ladders.counted() {
            let amounts: Amounts = match counted {
                Counted::Points { wallet } => {
                    let wallet = wallets.get(ladders.program.key_meant(wallet.as_deref()));
                    let own = earned.iter().filter(|it| Some(&it.1) == wallet);
                    grouped(own.map(|(member, _, at, points)| (*member, *at, points.saturating_mul(ONE))))
                }
                Counted::Spent | Counted::Orders => {
                    let one = |row: &OrderRow| {
                        Some((*handles.get(&row.handle)?, row.placed_at, worth(ladders, counted, row)?))
                    };
                    grouped(ordered.iter().filter_map(one))
                }
                Counted::Events { .. } => {
                    let key = counted_key(counted);
                    // Of a person who was parted each part has what it did itself, as with orders.
                    let is_own = |it: &&Count| it.counted == key && handles.get(&it.handle) == Some(&it.member);
                    let own = counts.iter().filter(is_own);
                    grouped(own.map(|it| (it.member, it.occurred_at, it.amount)))
                }
                Counted::Condition { .. } => {
                    let key = counted_key(counted);
                    for life in &mut list {
                        life.know(counted, &key, &counts);
                    }
                    continue;
                }
            };
            for life in &mut list {
                let own = amounts.get(&life.member.member).cloned().unwrap_or_default();
                life.history.put(counted.clone(), Series::of_amounts(own));
            }
        }
        for row in given {
            if let Some(life) = list.iter_mut().find(|life| life.member.member.0 == row.member) {
                life.matches.entry(row.ladder.clone()).or_default().push(row.given());
            }
        }
        Ok(Self { list })
    }
}

impl Life {
    /// Takes over when a condition held.
    fn know(&mut self, counted: &Counted, key: &str, counts: &[Count]) {
        let own = counts.iter().filter(|it| it.counted == key && it.member == self.member.member);
        let switches: Vec<(Timestamp, bool)> = own.map(|it| (it.occurred_at, it.amount > 0)).collect();
        self.history.put(counted.clone(), Series::of_switches(switches.clone()));
        self.switches.insert(key.to_owned(), switches);
    }
}

fn grouped(all: impl Iterator<Item = (MemberId, Timestamp, i64)>) -> Amounts {
    let mut grouped = Amounts::new();
    for (member, at, amount) in all {
        grouped.entry(member).or_default().push((at, amount));
    }
    grouped
}

/// Whose each identifier is.
async fn handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    people: &HashMap<PersonId, MemberId>,
) -> Result<HashMap<Handle, MemberId>> {
    let persons: Vec<PersonId> = people.keys().copied().collect();
    let rows = identifiers::by_persons(db, workspace, &persons).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.handle, *people.get(&row.person)?))).collect())
}

/// What an order counts, in millionths: nothing when it was called off, or all of it went back.
fn worth(ladders: &Ladders<'_>, counted: &Counted, row: &OrderRow) -> Option<i64> {
    if row.status == *Status::Cancelled.as_str() {
        return None;
    }
    let net = row.revenue_micros.saturating_sub(row.refunded_micros).max(0);
    if *counted == Counted::Orders {
        let went_back = row.refunded_micros > 0 && net == 0;
        return (!went_back).then_some(ONE);
    }
    let currency = Currency::parse(&row.currency)?;
    ladders.programs.at(row.placed_at)?.exchanged(net, currency)
}
