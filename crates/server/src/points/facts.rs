//! What the ledger says of members, as events on their timeline and as facts that conditions and journeys test: `points.{wallet}.available`, `.pending`, `.owed`,
//! `.expires_at` (when the next points lapse) and `.expiring` (how many), `loyalty.standing`, `loyalty.since`, `referral.joined`, `.qualified` and `.rewarded` (how many friends).
//!
//! Always holds: a fact is read from the ledger when an event of it is applied, never from what the event says, so nobody can make a balance by sending one; what
//! has not changed is not told again. Facts are kept by identifier, memberships by person: when identifiers part, what was told of the member is told anew of the one who keeps the
//! membership, and no more of the other.
//!
//! Does not do: tell of the past. A fact holds from the member's last operation on, since it says what the ledger has now, also where an event of it is heard of late.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use rapport_domain::{Event, Handle, PersonId, SourceId, Timestamp, WorkspaceId, shop_events};
use rapport_loyalty::ledger::{Account, MemberId, WalletId};
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::{
    checkouts, gift_cards, households, notices, partners, read, redemptions, referrals, transfers, wallets,
};
use rapport_profiles::Applied;
use rapport_profiles::records::facts::{self, FactRow};
use rapport_profiles::records::identifiers;
use rapport_store::Tx;
use serde_json::{Map, Value, json};

use crate::installation::Installation;
use crate::tiers;

/// Domain events of the ledger, and the names under which they are told.
pub const NAMES: [(&str, &str); 44] = [
    ("points.earned", "Points Earned"),
    ("points.spent", "Points Spent"),
    ("points.held", "Points Held"),
    ("points.captured", "Points Captured"),
    ("points.released", "Points Released"),
    ("points.returned", "Points Returned"),
    ("points.adjusted", "Points Adjusted"),
    ("points.transferred", "Points Transferred"),
    ("points.received", "Points Received"),
    ("points.reversed", "Points Reversed"),
    ("points.extended", "Points Extended"),
    ("points.forfeited", "Points Forfeited"),
    ("points.merged", "Points Merged"),
    ("points.activated", "Points Activated"),
    ("points.expired", "Points Expired"),
    (notices::EXPIRING, "Points Expiring"),
    (members::ENROLLED, "Member Enrolled"),
    (members::CHANGED, "Member Changed"),
    (members::MERGED, "Member Merged"),
    (checkouts::REDEEMED, "Offers Redeemed"),
    (checkouts::RETURNED, "Offers Returned"),
    (redemptions::REDEEMED, "Reward Redeemed"),
    (redemptions::FULFILLED, "Redemption Fulfilled"),
    (redemptions::CANCELLED, "Redemption Cancelled"),
    (redemptions::VOUCHER_USED, "Voucher Used"),
    (transfers::GIFT_MADE, "Gift Made"),
    (transfers::GIFT_CLAIMED, "Gift Claimed"),
    (transfers::GIFT_CANCELLED, "Gift Cancelled"),
    (transfers::GIFT_TIMED_OUT, "Gift Timed Out"),
    (transfers::REVERSED, "Transfer Reversed"),
    (households::INVITED, "Household Invited"),
    (households::JOINED, "Household Joined"),
    (households::LEFT, "Household Left"),
    (households::SHARED, "Points Shared"),
    (referrals::MADE, shop_events::REFERRAL_MADE),
    (referrals::CONVERTED, shop_events::REFERRAL_CONVERTED),
    (referrals::QUALIFIED, "Referral Qualified"),
    (referrals::REWARDED, "Referral Rewarded"),
    (referrals::TAKEN_BACK, "Referral Taken Back"),
    (partners::GIVEN, "Partner Points Given"),
    (partners::BURNED, "Partner Points Burned"),
    (partners::RETURNED, "Partner Points Returned"),
    (gift_cards::ISSUED, "Gift Card Issued"),
    (gift_cards::CLAIMED, "Gift Card Claimed"),
];

/// What the keys of everything begin with that a programme tells of its members.
const OF_MEMBERS: [&str; 8] =
    ["points.", "loyalty.standing", "loyalty.since", "referral.", "tier.", "challenge.", "streak.", "badge."];

/// Calls the wallet of a domain event by its key: the number under which the ledger keeps it says nothing to anybody else.
pub(crate) fn name_wallet(event: &str, said: &mut Map<String, Value>, wallets: &HashMap<WalletId, String>) {
    if event.starts_with("points.") {
        let wallet = said.get("wallet").and_then(Value::as_i64).map(WalletId);
        said.insert("wallet".to_owned(), json!(wallet.and_then(|wallet| wallets.get(&wallet))));
    }
}

/// From when on, and by which event.
pub(crate) type Cause = (Timestamp, SourceId, [u8; 16]);

/// Hears what a batch tells of the ledger, in the transaction that applies it.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &mut Applied,
) -> Result<()> {
    let mut causes: BTreeMap<PersonId, Cause> = BTreeMap::new();
    for (event, it) in events.iter().zip(&applied.events) {
        if NAMES.iter().any(|(_, name)| *name == event.name) {
            let cause = (it.occurred_at, event.source, event.id.0);
            let known = causes.entry(it.person).or_insert(cause);
            *known = (*known).max(cause);
        }
    }
    let moved: BTreeSet<PersonId> = applied.moved.iter().flat_map(|moved| [moved.from, moved.to]).collect();
    if causes.is_empty() && moved.is_empty() {
        return Ok(());
    }
    let now = installation.clock.now();
    let moved: Vec<PersonId> = moved.into_iter().collect();
    for (person, cause) in tiers::facts::causes(&moved, (events, applied), now) {
        causes.entry(person).or_insert(cause);
    }
    let people: Vec<PersonId> = causes.keys().copied().collect();
    let mut standing = stand(tx, workspace, &people, now).await?;
    if !moved.is_empty() && !standing.is_empty() {
        let others: Vec<PersonId> = moved.into_iter().filter(|person| !standing.contains_key(person)).collect();
        standing.extend(nothing_more(tx, workspace, &others, now).await?);
    }
    tell(tx, workspace, (&causes, standing), applied, now).await
}

/// What is known of people: since their last operation, facts by key.
pub(crate) type Told = BTreeMap<PersonId, (Timestamp, BTreeMap<String, Value>)>;

/// Tells what differs from what is known, each by what brought it about.
///
/// # Errors
/// The store's.
pub(crate) async fn tell(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (causes, standing): (&BTreeMap<PersonId, Cause>, Told),
    applied: &mut Applied,
    now: Timestamp,
) -> Result<()> {
    let people: Vec<PersonId> = standing.keys().copied().collect();
    if people.is_empty() {
        return Ok(());
    }
    let mut handles: BTreeMap<PersonId, Handle> = BTreeMap::new();
    for row in identifiers::by_persons(tx, workspace, &people).await? {
        handles.entry(row.person).or_insert(row.handle);
    }
    let keys: BTreeSet<&String> = standing.values().flat_map(|(_, values)| values.keys()).collect();
    let keys: Vec<String> = keys.into_iter().cloned().collect();
    let known = facts::current_keys_of(tx, workspace, &people, &keys, now).await?;
    let known: BTreeMap<(PersonId, String), String> =
        known.into_iter().map(|(person, key, value)| ((person, key), value)).collect();
    let mut rows = Vec::new();
    for (person, (moved_at, values)) in standing {
        let (Some(handle), Some((at, source, event_id))) = (handles.get(&person), causes.get(&person)) else {
            continue;
        };
        let at = (*at).max(moved_at);
        for (fact_key, value) in values {
            let text = value.to_string();
            let before = known.get(&(person, fact_key.clone()));
            // Of what never was anything, nothing is not told either.
            if before == Some(&text) || (before.is_none() && value.is_null()) {
                continue;
            }
            applied.told.push((person, at, fact_key.clone(), value));
            rows.push(FactRow {
                handle: *handle,
                fact_key,
                valid_from: at,
                recorded_at: now,
                value: text,
                source: *source,
                event_id: *event_id,
            });
        }
    }
    Ok(facts::insert(tx, workspace, &rows).await?)
}

/// What was told of people who are no members: nothing of it holds any more.
async fn nothing_more(tx: &mut Tx, workspace: WorkspaceId, people: &[PersonId], now: Timestamp) -> Result<Told> {
    let mut all = Told::new();
    for (person, key, _) in facts::current_of(tx, workspace, people, now).await? {
        if OF_MEMBERS.iter().any(|own| key.starts_with(own)) {
            let (_, own) = all.entry(person).or_insert_with(|| (now, BTreeMap::new()));
            own.insert(key, Value::Null);
        }
    }
    Ok(all)
}

/// How members stand.
async fn stand(tx: &mut Tx, workspace: WorkspaceId, people: &[PersonId], now: Timestamp) -> Result<Told> {
    let found = members::by_persons(tx, workspace, people).await?;
    if found.is_empty() {
        return Ok(Told::new());
    }
    let names = wallets::keys(tx, workspace).await?;
    let numbers: Vec<MemberId> = found.iter().map(|it| it.member).collect();
    let accounts = read::accounts(tx, workspace, &numbers, now).await?;
    let moved_at = read::moved_at(tx, workspace, &numbers).await?;
    let brought = referrals::figures(tx, workspace, &numbers).await?;
    let mut all = BTreeMap::new();
    for Member { member, person, standing, enrolled_at } in found {
        let Some(person) = person else { continue };
        let mut own = BTreeMap::from([
            ("loyalty.standing".to_owned(), json!(standing.key())),
            ("loyalty.since".to_owned(), json!(enrolled_at.to_rfc3339())),
        ]);
        for ((_, wallet), account) in accounts.iter().filter(|((of, _), _)| *of == member) {
            if let Some(name) = names.get(wallet) {
                own.extend(balance(account).map(|(part, value)| (format!("points.{name}.{part}"), value)));
            }
        }
        if let Some(it) = brought.get(&member) {
            let counts = [("joined", it.joined), ("qualified", it.qualified), ("rewarded", it.rewarded)];
            own.extend(counts.map(|(part, count)| (format!("referral.{part}"), json!(count))));
        }
        all.insert(person, (moved_at.get(&member).copied().unwrap_or(enrolled_at), own));
    }
    Ok(all)
}

fn balance(account: &Account) -> [(&'static str, Value); 5] {
    let balance = account.balance();
    let next = account.next_to_lapse();
    [
        ("available", json!(balance.available)),
        ("pending", json!(balance.pending)),
        ("owed", json!(balance.owed)),
        ("expires_at", json!(next.map(|(at, _)| at.to_rfc3339()))),
        ("expiring", json!(next.map_or(0, |(_, points)| points))),
    ]
}
