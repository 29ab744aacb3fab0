//! What an offer cost: what carts of members used of it.
//!
//! Always holds: only carts that were paid count, less what went back of them, and only those of members who are counted where it is asked what the offer brought in.
//!
//! Does not: say what it brought in ([`effect`](super::effect)).

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::offers::{Gives, Offer};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::Version;
use rapport_loyalty::records::{members, offer_uses};
use rapport_profiles::records::identifiers;

use crate::installation::Installation;
use crate::points::worth::redemption;

/// Customers looked up at a time.
const SLICE: usize = 1_000;

/// What an offer gave members.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Used {
    /// How often.
    pub times: i64,
    /// What it cost, in millionths of the programme's currency; `None` where it is not said what a point or a gift is worth.
    pub cost: Option<f64>,
    /// What of it was taken off goods: revenue is less by that already.
    pub off_goods: f64,
}

/// Reads what an offer gave in a time to those who were members when it began; `versions` are all that the offer had.
///
/// # Errors
/// The store's.
pub async fn used(
    installation: &Installation,
    workspace: WorkspaceId,
    program: &Program,
    (offer, versions): (&str, &[Version<Offer>]),
    (from, until): (Timestamp, Timestamp),
) -> Result<Used> {
    let mut db = installation.store.read();
    let uses = offer_uses::paid_between(&mut db, workspace, offer, (from, until)).await?;
    let handles: Vec<Handle> = uses.iter().map(|(handle, ..)| *handle).collect();
    let mut persons: HashMap<Handle, PersonId> = HashMap::new();
    let mut counted: HashSet<PersonId> = HashSet::new();
    for slice in handles.chunks(SLICE) {
        let rows = identifiers::by_handles(&mut db, workspace, slice).await?;
        let of: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
        persons.extend(rows.into_iter().map(|row| (row.handle, row.person)));
        let found = members::by_persons(&mut db, workspace, &of).await?;
        counted.extend(found.into_iter().filter(|it| it.enrolled_at < from).filter_map(|it| it.person));
    }
    let mut by_version: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for (handle, version, worth, times) in uses {
        if persons.get(&handle).is_some_and(|person| counted.contains(person)) {
            let it = by_version.entry(version).or_default();
            *it = (it.0 + worth, it.1 + times);
        }
    }
    let mut used = Used { times: 0, cost: Some(0.0), off_goods: 0.0 };
    for (version, (worth, times)) in by_version {
        used.times += times;
        let gives = versions.iter().find(|it| it.version == version).map(|it| &it.document.gives);
        let worth = worth as f64;
        let cost = match gives {
            Some(Gives::Points { wallet, .. }) => {
                let wallet = program.key_meant(wallet.as_deref());
                let is_known = program.wallet(wallet).is_some_and(|plan| plan.worth.is_some());
                let share = redemption(installation, workspace, program, wallet).await?;
                is_known.then_some(worth * share)
            }
            Some(Gives::FreeItem { cost, .. }) => cost.map(|_| worth),
            Some(Gives::ShippingOff { .. }) => Some(worth),
            _ => {
                used.off_goods += worth;
                Some(worth)
            }
        };
        used.cost = used.cost.zip(cost).map(|(sum, cost)| sum + cost);
    }
    Ok(used)
}
