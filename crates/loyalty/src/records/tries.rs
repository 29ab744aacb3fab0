//! Wrong codes: who tried how many, so that nobody finds one by guessing, and staff see it.
//!
//! Always holds: whoever tried too many in ten minutes of the clock is refused until these are over, also with a right one. Codes that were tried are not kept.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// In which time tries are counted.
pub const WINDOW: i64 = 10 * Timestamp::MINUTE;
/// So many wrong codes of one caller at one place (a till, a session) in that time.
pub const MOST_AT_PLACE: i64 = 20;
/// And of one caller altogether: a shop's program stands for all of its tills.
pub const MOST: i64 = 500;

/// Who tried wrong codes.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Tries {
    /// A user or an API key.
    pub tried_by: String,
    /// Where, as they said.
    pub place: String,
    /// From when on these are counted.
    pub since: Timestamp,
    /// How many were wrong.
    pub wrong: i64,
    /// When the last was.
    pub last_at: Timestamp,
}

fn window(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0.rem_euclid(WINDOW))
}

/// Until when a caller has to wait, if they tried too many wrong ones.
///
/// # Errors
/// The store's.
pub async fn closed_until(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    by: &str,
    place: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let since = window(now);
    let find =
        sql!("SELECT place, wrong FROM loyalty_voucher_tries WHERE tried_by = $2 AND since = $3 AND workspace = $1");
    let rows: Vec<(String, i64)> = db.fetch_all(find, args![workspace, by, since]).await?;
    let here: i64 = rows.iter().filter(|(at, _)| at == place).map(|(_, wrong)| wrong).sum();
    let all: i64 = rows.iter().map(|(_, wrong)| wrong).sum();
    Ok((here >= MOST_AT_PLACE || all >= MOST).then(|| since.plus(WINDOW)))
}

/// Notes that a code was wrong.
///
/// # Errors
/// The store's.
pub async fn note(tx: &mut Tx, workspace: WorkspaceId, by: &str, place: &str, now: Timestamp) -> Result<()> {
    let note = sql!(
        "INSERT INTO loyalty_voucher_tries (workspace, tried_by, place, since, wrong, last_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tried_by, since, place, workspace) DO UPDATE SET wrong = loyalty_voucher_tries.wrong + EXCLUDED.wrong, last_at = EXCLUDED.last_at"
    );
    tx.execute(note, args![workspace, by, place, window(now), 1_i64, now]).await.map(drop)
}

/// Who tried wrong codes since a time, those of the latest window first.
///
/// # Errors
/// The store's.
pub async fn list(db: &mut impl Queries, workspace: WorkspaceId, since: Timestamp, limit: u32) -> Result<Vec<Tries>> {
    let list = sql!(
        "SELECT tried_by, place, since, wrong, last_at FROM loyalty_voucher_tries WHERE workspace = $1 AND since >= $2 ORDER BY since DESC, wrong DESC LIMIT $3"
    );
    db.fetch_all(list, args![workspace, since, limit]).await
}
