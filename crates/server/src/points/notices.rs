//! Tells members that points of theirs are about to lapse, so many days before as the wallet says.
//!
//! Always holds: once for the points of an account that lapse at one instant; what was told is written down with when, in the transaction that tells it. Where something that counts as activity moves the end, the new end has
//! a notice of its own.
//!
//! Where a law asks for a notice, it is given on the day on which it begins to count, and the message that took it to the member is looked for on every day after: what was handed over within the law's window and did not
//! come back proves it. A message that comes back later proves nothing any more.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use anyhow::Result;
use rapport_domain::calendar::Interval;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_loyalty::jurisdictions::Guard;
use rapport_loyalty::ledger::{AccountKey, MemberId, WalletId};
use rapport_loyalty::program::WalletPlan;
use rapport_loyalty::records::notices::{self, Mark, OpenNotice};
use rapport_loyalty::records::{jurisdictions, members, read, wallets};
use rapport_store::{Priority, Slice, Tx};

use crate::installation::Installation;

/// What a notice is told as.
const EXPIRING: &str = "Points Expiring";

/// Looks at a few of the accounts of today; how many there were. Nobody is looked at twice on one day of the programme's zone.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn settle(installation: &Installation, workspace: WorkspaceId, slice: &mut Slice) -> Result<usize> {
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(0) };
    let asking: Vec<&WalletPlan> = latest.program.wallets.iter().filter(|it| it.notice_days.is_some()).collect();
    let of_laws = latest.program.jurisdictions.iter().filter_map(|it| it.notice_between).map(|[_, most]| most);
    let Some(most) = asking.iter().filter_map(|it| it.notice_days).chain(of_laws).max() else { return Ok(0) };
    let calendar = latest.program.calendar()?;
    let now = installation.clock.now();
    let day = calendar.floor(now, Interval::Day);
    let mark = notices::mark(&mut db, workspace).await?.filter(|it| it.day == day).unwrap_or(Mark::begin(day));
    if mark == Mark::end(day) {
        return Ok(0);
    }
    // Ends are first instants of days: what lapses with the end of the last day that is near lapses at the beginning of the next.
    let by = |days: u16| ahead(day, i64::from(days) + 1);
    let numbers = wallets::numbers(&mut db, workspace).await?;
    let near: BTreeMap<WalletId, Timestamp> =
        asking.iter().filter_map(|it| Some((*numbers.get(&it.key)?, by(it.notice_days?)))).collect();
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    let found = notices::accounts(&mut tx, workspace, mark, by(most), slice.size()).await?;
    let whose: Vec<MemberId> = found.iter().map(|(key, _)| key.0).collect();
    let accounts = read::accounts(&mut tx, workspace, &whose, now).await?;
    let people = members::by_numbers(&mut tx, workspace, &whose).await?;
    let people: HashMap<MemberId, PersonId> =
        people.into_iter().filter_map(|it| Some((it.member, it.person?))).collect();
    let guards = jurisdictions::guards_of(&mut tx, workspace, &whose).await?;
    for (key, _) in &found {
        let guard = guards.get(key);
        // A notice that the law asks for counts only within its window.
        let until = guard.and_then(|guard| guard.notice_until(day)).or_else(|| near.get(&key.1).copied());
        let (Some(person), Some(account), Some(until)) = (people.get(&key.0), accounts.get(key), until) else {
            continue;
        };
        let is_late = |end| guard.and_then(|guard| guard.window(end)).is_some_and(|(_, last)| last < now);
        let mut ends: BTreeMap<Timestamp, i64> = BTreeMap::new();
        for lot in account.lots().filter(|lot| lot.remaining() > 0) {
            if let Some(end) = lot.expires_at.filter(|end| *end <= until && !is_late(*end)) {
                *ends.entry(end).or_default() += lot.remaining();
            }
        }
        for end in ends {
            notices::give(&mut tx, workspace, (*key, *person), end, now).await?;
        }
    }
    let keys = wallets::keys(&mut tx, workspace).await?;
    prove(&mut tx, workspace, (&guards, &people, &keys), now).await?;
    let next = found.last().map_or(Mark::end(day), |(_, mark)| *mark);
    notices::keep_mark(&mut tx, workspace, next).await?;
    tx.commit().await?;
    slice.took(began.elapsed(), found.len());
    // The round that finds nothing more says so, and is the last of the day.
    Ok(found.len())
}

/// The laws that hold for accounts, whose they are, and what wallets are called.
type Concerned<'a> = (&'a HashMap<AccountKey, Guard>, &'a HashMap<MemberId, PersonId>, &'a HashMap<WalletId, String>);

/// Looks which message took each notice to its member that a law asks for, and notes it.
async fn prove(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (guards, people, keys): Concerned<'_>,
    now: Timestamp,
) -> Result<()> {
    let concerned: Vec<MemberId> = people.keys().copied().filter(|it| guards.keys().any(|key| key.0 == *it)).collect();
    if concerned.is_empty() {
        return Ok(());
    }
    let open = notices::open(tx, workspace, &concerned, now).await?;
    let Some(since) = open.iter().map(|it| it.noticed_at).min() else { return Ok(()) };
    let persons: Vec<PersonId> = concerned.iter().filter_map(|it| people.get(it).copied()).collect();
    let arrived = messages::arrived(tx, workspace, &persons, since).await?;
    for notice in &open {
        let key = (MemberId(notice.member), WalletId(notice.wallet));
        let (Some(guard), Some(person), Some(wallet)) = (guards.get(&key), people.get(&key.0), keys.get(&key.1)) else {
            continue;
        };
        let Some((first, last)) = guard.window(notice.expires_at) else { continue };
        let proof = arrived.iter().filter(|it| it.person == *person && is_about(it, notice, wallet));
        let proof = proof.filter_map(|it| Some((it.id.as_str(), it.sent_at?)));
        let proof = proof.into_iter().find(|(_, sent)| (first..=last).contains(sent));
        if notice.proof.as_deref() != proof.map(|(message, _)| message) {
            notices::prove(tx, workspace, notice, proof).await?;
        }
    }
    Ok(())
}

/// Whether a message was begun by the event that told a notice.
fn is_about(message: &MessageRow, notice: &OpenNotice, wallet: &str) -> bool {
    let told = &message.payload["properties"];
    let end = told["expires_at"].as_str().and_then(Timestamp::parse);
    message.payload["name"] == EXPIRING && told["wallet"] == wallet && end == Some(notice.expires_at)
}

/// So many days later, give or take the hour by which clocks are changed.
const fn ahead(day: Timestamp, days: i64) -> Timestamp {
    day.plus(days * Timestamp::DAY + 2 * Timestamp::HOUR)
}
