//! Work for later: enqueued in the caller's transaction, claimed under a lease, retried with growing pauses.
//!
//! Always holds: a job is there exactly if the transaction that enqueued it committed; a lease belongs to one worker until
//! it runs out; whoever lost the lease cannot complete, fail or report on the job. `due_at` is when a job may be claimed
//! next (its start, or the end of its lease) and null once it is finished.
//!
//! Does not: run anything; a worker loops over [`Jobs::claim`]. A job may run twice when its worker died or stalled, so
//! its effects belong in the transaction of [`Jobs::complete`], or must bear repetition.

use std::time::Duration;

use rapport_domain::{Id, Timestamp, WorkspaceId};

use crate::{Error, Priority, Queries, Record, Result, Store, Tx, args, sql};

/// The longest pause between two attempts.
const PAUSE_MAX: i64 = Timestamp::HOUR;

/// A job to be enqueued.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Whose.
    pub workspace: WorkspaceId,
    /// What kind of work: `import.run`.
    pub kind: &'static str,
    /// What it needs; no personal data, only ids.
    pub payload: serde_json::Value,
    /// At most one unfinished job of this workspace and kind has this key.
    pub unique_key: Option<String>,
    /// Not before; at once when `None`.
    pub start_at: Option<Timestamp>,
    /// How often it is tried before it is dead.
    pub attempts_max: u32,
}

impl NewJob {
    /// A job to start at once and to try five times.
    pub fn new(workspace: WorkspaceId, kind: &'static str, payload: serde_json::Value) -> Self {
        Self { workspace, kind, payload, unique_key: None, start_at: None, attempts_max: 5 }
    }
}

/// A job that a worker holds.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct Claim {
    /// The job.
    pub id: Id,
    /// Whose.
    pub workspace: WorkspaceId,
    /// What kind of work.
    pub kind: String,
    /// What it needs.
    pub payload: serde_json::Value,
    /// Which attempt this is, from 1.
    pub attempts: u32,
    attempts_max: u32,
    lease_token: i64,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct Status {
    /// `queued`, `running`, `done`, `dead` (tried too often) or `cancelled`.
    pub state: String,
    /// How often it was begun.
    pub attempts: u32,
    /// How much is done, in the job's own unit.
    pub progress_done: i64,
    /// Of how much, when known.
    pub progress_total: Option<i64>,
    /// Whether somebody asked it to stop.
    pub cancel_requested: bool,
    /// The stable code of what went wrong last.
    pub last_error: Option<String>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How much is done, in the job's own unit.
    pub done: i64,
    /// Of how much, when known.
    pub total: Option<i64>,
}

/// The job queue of a store: [`Store::jobs`].
#[derive(Clone, Copy, Debug)]
pub struct Jobs<'s>(&'s Store);

impl Store {
    /// The job queue.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(self)
    }
}

impl Jobs<'_> {
    /// Adds a job in the caller's transaction. `None` when an unfinished one has its unique key.
    pub async fn enqueue(&self, tx: &mut Tx, job: NewJob) -> Result<Option<Id>> {
        let id = Id::new("job", self.0.clock(), self.0.rng());
        let now = self.0.clock().now();
        let insert = sql!(
            "INSERT INTO job (id, workspace, kind, unique_key, payload, state, due_at, attempts, attempts_max,
             cancel_requested, progress_done, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, 'queued', $6, 0, $7, FALSE, 0, $8, $8)
             ON CONFLICT (workspace, kind, unique_key) WHERE unique_key IS NOT NULL AND due_at IS NOT NULL DO NOTHING"
        );
        let NewJob { workspace, kind, payload, unique_key, start_at, attempts_max } = job;
        let start_at = start_at.unwrap_or(now);
        let row = args![&id, workspace, kind, unique_key, payload, start_at, attempts_max.max(1), now];
        Ok((tx.execute(insert, row).await? == 1).then_some(id))
    }

    /// Takes the job that has been due longest among `kinds`, for `lease`; `None` when nothing is due.
    pub async fn claim(&self, kinds: &[&str], lease: Duration) -> Result<Option<Claim>> {
        let now = self.0.clock().now();
        let mut tx = self.0.begin(Priority::Background).await?;
        // A worker died on its last attempt, or on a job that was asked to stop.
        let bury = sql!(
            "UPDATE job SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'dead' END, due_at = NULL,
             lease_token = NULL, last_error = 'job.lease_expired', updated_at = $1
             WHERE state = 'running' AND due_at <= $1 AND (cancel_requested OR attempts >= attempts_max)"
        );
        tx.execute(bury, args![now]).await?;
        let claim = sql!(
            "UPDATE job SET state = 'running', attempts = attempts + 1, lease_token = $1, due_at = $2, updated_at = $3
             WHERE id = (SELECT id FROM job WHERE due_at <= $3 AND kind IN ($4) ORDER BY due_at, id LIMIT 1 {skip_locked})
             RETURNING id, workspace, kind, payload, attempts, attempts_max, lease_token"
        );
        let values = args![self.0.rng().next_positive_i64(), now.plus(micros(lease)), now, kinds];
        let claimed = tx.fetch_optional(claim, values).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Prolongs the lease and notes the progress. `Ok(true)` when the job was asked to stop.
    /// [`Error::LeaseLost`] when somebody else holds it by now.
    pub async fn heartbeat(&self, claim: &Claim, lease: Duration, progress: Progress) -> Result<bool> {
        let now = self.0.clock().now();
        let prolong = sql!(
            "UPDATE job SET due_at = $3, progress_done = $4, progress_total = $5, updated_at = $6
             WHERE id = $1 AND lease_token = $2 RETURNING cancel_requested"
        );
        let Progress { done, total } = progress;
        let values = args![&claim.id, claim.lease_token, now.plus(micros(lease)), done, total, now];
        let mut tx = self.0.begin(Priority::Background).await?;
        let found = tx.fetch_optional::<(bool,)>(prolong, values).await?;
        tx.commit().await?;
        found.map(|(cancel,)| cancel).ok_or_else(|| lost(claim))
    }

    /// Marks the job as done, in the transaction of its effects.
    pub async fn complete(&self, tx: &mut Tx, claim: &Claim) -> Result<()> {
        self.finish(tx, claim, "done", None).await
    }

    /// Marks the job as stopped on request.
    pub async fn stopped(&self, tx: &mut Tx, claim: &Claim) -> Result<()> {
        self.finish(tx, claim, "cancelled", None).await
    }

    /// Notes that this attempt failed with `code`: the job is tried again after a pause of 1, 2, 4 ... seconds, or is dead.
    /// `Ok(true)` when it will be tried again.
    pub async fn fail(&self, tx: &mut Tx, claim: &Claim, code: &str) -> Result<bool> {
        if claim.attempts >= claim.attempts_max {
            self.finish(tx, claim, "dead", Some(code)).await?;
            return Ok(false);
        }
        let now = self.0.clock().now();
        let again = sql!(
            "UPDATE job SET state = 'queued', due_at = $3, lease_token = NULL, last_error = $4, updated_at = $5
             WHERE id = $1 AND lease_token = $2"
        );
        let at = now.plus(pause(claim.attempts, self.0.rng().next_u64()));
        let changed = tx.execute(again, args![&claim.id, claim.lease_token, at, code, now]).await?;
        if changed == 1 { Ok(true) } else { Err(lost(claim)) }
    }

    /// Cancels a queued job at once and asks a running one to stop. `Ok(false)` when it is finished or unknown.
    pub async fn cancel(&self, tx: &mut Tx, id: &Id) -> Result<bool> {
        let cancel = sql!(
            "UPDATE job SET state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END,
             due_at = CASE WHEN state = 'queued' THEN NULL ELSE due_at END, cancel_requested = TRUE, updated_at = $2
             WHERE id = $1 AND state IN ('queued', 'running')"
        );
        Ok(tx.execute(cancel, args![id, self.0.clock().now()]).await? == 1)
    }

    /// Where a job stands.
    pub async fn status(&self, db: &mut impl Queries, id: &Id) -> Result<Option<Status>> {
        let find = sql!(
            "SELECT state, attempts, progress_done, progress_total, cancel_requested, last_error FROM job WHERE id = $1"
        );
        db.fetch_optional(find, args![id]).await
    }

    /// Forgets jobs that finished before `before`; how many.
    pub async fn prune(&self, tx: &mut Tx, before: Timestamp) -> Result<u64> {
        tx.execute(sql!("DELETE FROM job WHERE due_at IS NULL AND updated_at < $1"), args![before]).await
    }

    async fn finish(&self, tx: &mut Tx, claim: &Claim, state: &str, code: Option<&str>) -> Result<()> {
        let finish = sql!(
            "UPDATE job SET state = $3, due_at = NULL, lease_token = NULL, last_error = COALESCE($4, last_error),
             updated_at = $5 WHERE id = $1 AND lease_token = $2"
        );
        let values = args![&claim.id, claim.lease_token, state, code, self.0.clock().now()];
        if tx.execute(finish, values).await? == 1 { Ok(()) } else { Err(lost(claim)) }
    }
}

fn lost(claim: &Claim) -> Error {
    Error::LeaseLost { job: claim.id.0.clone() }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The pause after the `attempt`-th failure, in microseconds: doubling from one second, plus up to a quarter at random so
/// that what failed together does not come back together.
fn pause(attempt: u32, random: u64) -> i64 {
    let whole = (Timestamp::SECOND << attempt.saturating_sub(1).min(12)).min(PAUSE_MAX);
    let quarter = u64::try_from(whole / 4).expect("a pause is positive");
    whole + i64::try_from(random % (quarter + 1)).expect("a quarter of an hour fits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds = |attempt| pause(attempt, 0) / Timestamp::SECOND;
        assert_eq!([1, 2, 3, 12, 13, 4_000_000_000].map(seconds), [1, 2, 4, 2_048, 3_600, 3_600]);
        assert!((1..100).all(|random| (1_000_000..=1_250_000).contains(&pause(1, random * 1_234_567))));
    }
}
