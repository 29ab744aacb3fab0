//! Tells members that points of theirs are about to lapse, so many days before as the wallet says.
//!
//! Always holds: once for the points of an account that lapse at one instant; what was told is written down with when, in the transaction that tells it. Where something that counts as activity moves the end, the new end has
//! a notice of its own.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::calendar::Interval;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_loyalty::ledger::{MemberId, WalletId};
use rapport_loyalty::program::WalletPlan;
use rapport_loyalty::records::notices::{self, Mark};
use rapport_loyalty::records::{members, read, wallets};
use rapport_store::Priority;

use crate::installation::Installation;

/// Accounts looked at in one turn of the writer.
const TOGETHER: u32 = 50;

/// Looks at a few of the accounts of today; how many there were. Nobody is looked at twice on one day of the programme's zone.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn settle(installation: &Installation, workspace: WorkspaceId) -> Result<usize> {
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(0) };
    let asking: Vec<&WalletPlan> = latest.program.wallets.iter().filter(|it| it.notice_days.is_some()).collect();
    let Some(most) = asking.iter().filter_map(|it| it.notice_days).max() else { return Ok(0) };
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
    let found = notices::accounts(&mut tx, workspace, mark, by(most), TOGETHER).await?;
    let whose: Vec<MemberId> = found.iter().map(|(key, _)| key.0).collect();
    let accounts = read::accounts(&mut tx, workspace, &whose, now).await?;
    let people = members::by_numbers(&mut tx, workspace, &whose).await?;
    for (key, _) in &found {
        let person = people.iter().find(|it| it.member == key.0).and_then(|it| it.person);
        let (Some(person), Some(account), Some(until)) = (person, accounts.get(key), near.get(&key.1)) else {
            continue;
        };
        let mut ends: BTreeMap<Timestamp, i64> = BTreeMap::new();
        for lot in account.lots().filter(|lot| lot.remaining() > 0) {
            if let Some(end) = lot.expires_at.filter(|end| end <= until) {
                *ends.entry(end).or_default() += lot.remaining();
            }
        }
        for end in ends {
            notices::give(&mut tx, workspace, (*key, person), end, now).await?;
        }
    }
    let next = found.last().map_or(Mark::end(day), |(_, mark)| *mark);
    notices::keep_mark(&mut tx, workspace, next).await?;
    tx.commit().await?;
    // The round that finds nothing more says so, and is the last of the day.
    Ok(found.len())
}

/// So many days later, give or take the hour by which clocks are changed.
const fn ahead(day: Timestamp, days: i64) -> Timestamp {
    day.plus(days * Timestamp::DAY + 2 * Timestamp::HOUR)
}
