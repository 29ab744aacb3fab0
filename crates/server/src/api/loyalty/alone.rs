//! What users may give and take alone: asked wherever points are moved by hand.
//!
//! Always holds: all that one request moves of a wallet counts together. Programs with an API key post what happened, and have no limit here.
//!
//! Does not: add up what several requests move; each of them is in the audit log and in the ledger with who sent it.

use std::collections::{BTreeMap, HashMap};

use rapport_loyalty::ledger::WalletId;
use rapport_loyalty::program::Program;
use rapport_loyalty::rewards::Refusal;

use super::redemptions::refused;
use crate::auth::{Caller, Role};
use crate::problem::Problem;

/// Whether the programme limits what whoever calls moves alone. Where it does not, nothing need be looked up.
pub(super) const fn is_limited(caller: &Caller, program: &Program) -> bool {
    caller.role().is_some() && program.staff.alone.is_some()
}

/// Refuses users more points of a wallet than their role may give or take alone: that is asked for as a change, which a second person approves.
pub(super) fn check(caller: &Caller, program: &Program, wallet: &str, points: i64) -> Result<(), Problem> {
    let may = |role: Role| program.staff.may_alone(program, role.as_str(), wallet, points);
    if points == 0 || caller.role().is_none_or(may) {
        return Ok(());
    }
    Err(refused(Refusal::NeedsApproval))
}

/// The same of several wallets, by their numbers.
pub(super) fn check_each(
    caller: &Caller,
    program: &Program,
    keys: &HashMap<WalletId, String>,
    sums: &BTreeMap<WalletId, i64>,
) -> Result<(), Problem> {
    // A wallet without a key has no limit that allows anything.
    let key = |wallet: &WalletId| keys.get(wallet).map_or("", String::as_str);
    sums.iter().try_for_each(|(wallet, points)| check(caller, program, key(wallet), *points))
}
