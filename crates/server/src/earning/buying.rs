//! Loyal, or only there for the discount: how much of what members buy they buy with an offer.
//!
//! An order has an offer when a discount or a coupon was on it, or when a campaign gave points for it: a rule with a window, or one that multiplies. Whoever ordered [`ENOUGH`] times or more is by the share of such orders
//! in one of three groups; beside it is shown what they bought in as long a time before.
//!
//! Always holds: the same members are looked at each time, chosen by a hash.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use rapport_domain::assignment::bucket;
use rapport_domain::money::micros_from_json;
use rapport_domain::shop_events::ORDER_COMPLETED;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_lake::EventRow;
use rapport_loyalty::document::Holdout;
use rapport_loyalty::earning::Rule;
use rapport_loyalty::records::{awards, members};

use super::occasion_of_order;
use crate::installation::Installation;

/// So many orders in the time make somebody one of a group.
pub const ENOUGH: usize = 3;
/// From this share of orders with an offer on somebody is only there for them.
pub const ONLY: f64 = 0.75;
/// Up to this share somebody buys at full price.
pub const FULL_PRICE: f64 = 0.25;
/// Members who are looked at.
pub const LOOKED_AT: usize = 1_000;
/// Members whose events are read together.
const AT_ONCE: usize = 100;
const PAGE: u32 = 5_000;
const SALT: &str = "loyalty/buying";

/// How somebody buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// Mostly at full price.
    FullPrice,
    /// Now so, now so.
    Mixed,
    /// Hardly ever without an offer.
    OnlyOffers,
    /// Too few orders to say.
    TooFew,
}

impl Manner {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::FullPrice, Self::Mixed, Self::OnlyOffers, Self::TooFew];

    /// The stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::FullPrice => "full_price",
            Self::Mixed => "mixed",
            Self::OnlyOffers => "only_offers",
            Self::TooFew => "too_few",
        }
    }

    /// By how many of how many orders had an offer.
    pub fn of(with_offer: usize, orders: usize) -> Self {
        if orders < ENOUGH {
            return Self::TooFew;
        }
        match with_offer as f64 / orders as f64 {
            share if share <= FULL_PRICE => Self::FullPrice,
            share if share >= ONLY => Self::OnlyOffers,
            _ => Self::Mixed,
        }
    }
}

/// Orders without and with an offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// At full price.
    pub full_price: usize,
    /// With an offer.
    pub with_offer: usize,
}

/// How one member buys.
#[derive(Clone, Copy, Debug)]
pub struct Buyer {
    /// Who.
    pub person: PersonId,
    /// In the time.
    pub during: Orders,
    /// In as long a time before.
    pub before: Orders,
}

impl Buyer {
    /// How they buy in the time.
    pub fn manner(&self) -> Manner {
        Manner::of(self.during.with_offer, self.during.with_offer + self.during.full_price)
    }
}

/// Reads how members buy; of all members, and those who were looked at.
///
/// # Errors
/// The store's and the lake's.
pub async fn read(
    installation: &Installation,
    workspace: WorkspaceId,
    rules: &[&Rule],
    (from, until): (Timestamp, Timestamp),
) -> Result<(usize, Vec<Buyer>)> {
    let mut db = installation.store.read();
    let (mut all, mut after) = (Vec::new(), PersonId(i64::MIN));
    loop {
        let page = members::persons_after(&mut db, workspace, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.0;
        all.extend(page.into_iter().map(|(person, member, _)| (person, member)));
    }
    let count = all.len();
    if count > LOOKED_AT {
        all.sort_by_key(|(person, _)| (bucket(SALT, *person), *person));
        all.truncate(LOOKED_AT);
    }
    let campaigns: Vec<String> = rules.iter().filter(|rule| rule.is_campaign()).map(|rule| rule.key.clone()).collect();
    let earlier = from.plus(from.0 - until.0);
    let lake = &installation.lake;
    let snapshot = lake.snapshot(workspace).await?;
    let mut ordered: HashMap<PersonId, Vec<EventRow>> = HashMap::new();
    for some in all.chunks(AT_ONCE) {
        let persons = some.iter().map(|(person, _)| *person).collect();
        for row in lake.events_of(&snapshot, persons, Some(earlier), Some(until)).await? {
            if row.name == ORDER_COMPLETED {
                ordered.entry(row.person).or_default().push(row);
            }
        }
    }
    let mut buyers = Vec::with_capacity(all.len());
    for (person, member) in all {
        let offered: BTreeSet<String> = if campaigns.is_empty() {
            BTreeSet::new()
        } else {
            awards::occasions_of(&mut db, workspace, &campaigns, member, (earlier, until)).await?.into_iter().collect()
        };
        let mut orders: BTreeMap<String, (Timestamp, bool)> = BTreeMap::new();
        for row in ordered.get(&person).into_iter().flatten() {
            let (name, has_offer) = order(row);
            let has_offer = has_offer || offered.contains(&name);
            orders.insert(name, (row.occurred_at, has_offer));
        }
        let mut buyer = Buyer { person, during: Orders::default(), before: Orders::default() };
        for (at, has_offer) in orders.into_values() {
            let side = if at < from { &mut buyer.before } else { &mut buyer.during };
            if has_offer { side.with_offer += 1 } else { side.full_price += 1 }
        }
        buyers.push(buyer);
    }
    Ok((count, buyers))
}

/// Under which name an order's awards are, and whether a discount or a coupon was on it.
fn order(row: &EventRow) -> (String, bool) {
    let property = |path: &str| row.properties().iter().find(|(at, _)| at == path).map(|(_, value)| value);
    let discount = property("discount").and_then(micros_from_json).is_some_and(|micros| micros > 0);
    let coupon = property("coupon").and_then(|value| value.as_str()).is_some_and(|code| !code.trim().is_empty());
    let number = property("order_id").or_else(|| property("orderId"));
    let number = match number {
        Some(serde_json::Value::String(text)) => text.trim().to_owned(),
        Some(serde_json::Value::Number(number)) => number.to_string(),
        _ => format!("event:{}", row.event_id.to_hex()),
    };
    (occasion_of_order(&number), discount || coupon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_part_at_their_bounds() {
        let of = |with_offer, orders| Manner::of(with_offer, orders);
        assert_eq!(of(2, 2), Manner::TooFew);
        assert_eq!((of(1, 4), of(2, 4), of(3, 4)), (Manner::FullPrice, Manner::Mixed, Manner::OnlyOffers));
        assert_eq!((of(0, 3), of(3, 3), of(1, 3)), (Manner::FullPrice, Manner::OnlyOffers, Manner::Mixed));
    }
}
