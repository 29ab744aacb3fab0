//! How many of something were given, to one member or to all, in civil periods: what limits and budgets of rewards ask.
//!
//! Always holds: each is counted in all periods at once, so that a limit that is set later knows what was given before; what is called off makes room again. Whoever counts
//! holds the workspace's head, so that nobody counts at the same time.

use std::collections::HashMap;

use rapport_domain::{Calendar, Timestamp, WorkspaceId};
use rapport_store::{Args, Queries, Result, Tx, args, sql};

use crate::earning::{Every, Period};
use crate::ledger::MemberId;

/// Stands for all members; no member has this number.
const EVERYBODY: i64 = 0;

/// What is counted at an instant.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'a> {
    /// What: `reward:` and its key, `surprise:` and its key, `goodwill:` and whoever gives.
    pub what: &'a str,
    /// For whom beside all together.
    pub member: Option<MemberId>,
    /// When.
    pub at: Timestamp,
    /// The programme's.
    pub calendar: &'a Calendar,
}

/// How many there were: of a member if one is named, else of all.
#[derive(Clone, Debug, Default)]
pub struct Counted(HashMap<(bool, String), i64>);

impl Counted {
    /// In a period; of all, or of the member alone.
    pub fn given(&self, of_member: bool, every: Every, at: Timestamp, calendar: &Calendar) -> i64 {
        self.0.get(&(of_member, Period::of(every, at, calendar).key())).copied().unwrap_or(0)
    }
}

/// Reads how many there were.
///
/// # Errors
/// The store's.
pub async fn read(db: &mut impl Queries, workspace: WorkspaceId, tally: Tally<'_>) -> Result<Counted> {
    let find = sql!(
        "SELECT member, period, given FROM loyalty_tallies WHERE member IN ($2) AND what = $3 AND period IN ($4) AND workspace = $1"
    );
    let whose: Vec<i64> = std::iter::once(EVERYBODY).chain(tally.member.map(|member| member.0)).collect();
    let periods: Vec<String> = Period::all(tally.at, tally.calendar).map(Period::key).to_vec();
    let rows: Vec<(i64, String, i64)> = db.fetch_all(find, args![workspace, &whose, tally.what, &periods]).await?;
    let row = |(member, period, given)| ((member != EVERYBODY, period), given);
    Ok(Counted(rows.into_iter().map(row).collect()))
}

/// Counts `more`, below 0 for what is called off, with the transaction's next statement.
pub fn add(tx: &mut Tx, workspace: WorkspaceId, tally: Tally<'_>, more: i64) {
    count(tx, workspace, tally, std::iter::once(EVERYBODY).chain(tally.member.map(|it| it.0)), more);
}

/// Counts `more` for the member alone, where all together are counted by another measure.
pub fn add_for_member(tx: &mut Tx, workspace: WorkspaceId, tally: Tally<'_>, more: i64) {
    count(tx, workspace, tally, tally.member.map(|it| it.0).into_iter(), more);
}

fn count(tx: &mut Tx, workspace: WorkspaceId, tally: Tally<'_>, whose: impl Iterator<Item = i64>, more: i64) {
    let add = sql!(
        "INSERT INTO loyalty_tallies (workspace, what, member, period, given) VALUES {rows}
         ON CONFLICT (member, what, period, workspace) DO UPDATE SET given = loyalty_tallies.given + EXCLUDED.given"
    );
    tx.execute_later(add, rows(workspace, tally, whose, more));
}

fn rows(workspace: WorkspaceId, tally: Tally<'_>, whose: impl Iterator<Item = i64>, more: i64) -> Vec<Args> {
    let periods = Period::all(tally.at, tally.calendar);
    let of = |whose| periods.map(|period| args![workspace, tally.what, whose, period.key(), more]);
    whose.flat_map(of).collect()
}

/// What counted for one member counts for the other, who goes on for both.
pub(super) async fn merge(tx: &mut Tx, workspace: WorkspaceId, from: MemberId, to: MemberId) -> Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_tallies (workspace, what, member, period, given)
         SELECT workspace, what, $3, period, given FROM loyalty_tallies WHERE member = $2 AND workspace = $1
         ON CONFLICT (member, what, period, workspace) DO UPDATE SET given = loyalty_tallies.given + EXCLUDED.given"
    );
    tx.execute(add, args![workspace, from.0, to.0]).await?;
    let forget = sql!("DELETE FROM loyalty_tallies WHERE member = $2 AND workspace = $1");
    tx.execute(forget, args![workspace, from.0]).await.map(drop)
}
