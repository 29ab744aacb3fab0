//! What a member brings along from another programme: their history, played once, leaves the lots with which they begin here.
//!
//! Always holds: a history that is brought along ends with the same lots (points, age, ends) as if each line had been entered when it happened, because the same ledger plays it; it does not depend on when it
//! is brought along. A history that could not have been (more spent than there was) brings nothing, and says which line it is.
//!
//! Does not: read files or know members; [`records::opening`](crate::records::opening) posts what is left.

use std::collections::BTreeMap;

use rapport_domain::Timestamp;

use crate::ledger::{Act, Command, Ledger, MemberId, Refusal, Source, Standing, Wallet, WalletId};

/// A line of a history: points that came, or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it stands in what was sent, to be named when something is wrong with it.
    pub row: usize,
    /// When it happened.
    pub at: Timestamp,
    /// Above 0 they came, below 0 they went.
    pub points: i64,
    /// Until when those that came are pending.
    pub active_from: Option<Timestamp>,
    /// When those that came lapse.
    pub expires_at: Option<Timestamp>,
    /// What the other programme calls it.
    pub reference: String,
}

/// A lot that is left, by the line that brought it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Which line, by its place among the lines that were given.
    pub line: usize,
    /// What is posted.
    pub act: Act,
}

const KEY: (MemberId, WalletId) = (MemberId(1), WalletId(1));

/// Plays a history and says what is left of it, in the order in which the lots came.
///
/// # Errors
/// The line that could not have been, and why.
pub fn opening(lines: &[Line], wallet: &Wallet, now: Timestamp) -> Result<Vec<Left>, (usize, Refusal)> {
    let mut order: Vec<(usize, &Line)> = lines.iter().enumerate().collect();
    // Lines of one instant stay as they were written.
    order.sort_by_key(|(_, line)| line.at);
    let mut ledger = Ledger::default();
    ledger.recorded_at = Timestamp(i64::MIN);
    ledger.wallets.insert(KEY.1, wallet.clone());
    ledger.standings.insert(KEY.0, Standing::Active);
    let mut brought: BTreeMap<i64, usize> = BTreeMap::new();
    for (place, line) in order {
        if line.at > now {
            return Err((line.row, Refusal::InTheFuture));
        }
        let act = if line.points > 0 {
            let Line { points, active_from, expires_at, .. } = line;
            Act::Earn { amount: *points, earned_at: None, active_from: *active_from, expires_at: *expires_at }
        } else {
            // The least number has no opposite: it is refused as too large.
            Act::Spend { amount: line.points.checked_neg().unwrap_or(i64::MAX) }
        };
        let command = Command { id: place.to_string(), member: KEY.0, wallet: KEY.1, act, source: Source::default() };
        let answer = ledger.apply(&command, line.at);
        if let Some(refusal) = answer.refused {
            return Err((line.row, refusal));
        }
        brought.extend(answer.operation.map(|operation| (operation, place)));
    }
    let lots = ledger.accounts.get(&KEY).into_iter().flat_map(|account| account.lots());
    let mut left: Vec<_> = lots.filter(|lot| lot.remaining() > 0).collect();
    left.sort_by_key(|lot| lot.id);
    let left = left.into_iter().filter_map(|lot| {
        let act = Act::Earn {
            amount: lot.remaining(),
            earned_at: Some(lot.earned_at),
            active_from: Some(lot.active_from).filter(|from| *from > lot.earned_at),
            expires_at: lot.expires_at,
        };
        Some(Left { line: *brought.get(&lot.operation)?, act })
    });
    Ok(left.collect())
}
