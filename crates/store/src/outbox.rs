//! Domain events, written in the transaction of what they report ([`Tx::emit`]) and read in order by consumers.
//!
//! Always holds: positions have no gaps and are given out under a lock on the head, at the end of the committing
//! transaction; whoever reads position n can never later meet a new event before n. An event is there exactly if the
//! change it reports is.
//!
//! Does not: deliver. A consumer reads a [`batch`], applies it and moves its cursor in one transaction.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};

use crate::cursor::{Cursor, Head};
use crate::{Args, Json, Queries, Record, Result, Tx, args, sql};

/// The only partition for now.
pub const PARTITION: i64 = 0;
/// Events caused by events caused by ... deeper than this are refused by [`Event::caused`].
pub const DEPTH_MAX: i64 = 16;

/// A domain event to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whose.
    pub workspace: WorkspaceId,
    /// What happened, as `thing.past_participle`: `person.merged`.
    pub name: &'static str,
    /// The person it is about, so that erasure finds it.
    pub person: Option<PersonId>,
    /// Its content; no identifiers, contact data or free text.
    pub payload: serde_json::Value,
    /// What caused it: `outbox:<position>` or an intake event's id.
    pub causation: Option<String>,
    /// How many events lie between it and the outside world.
    pub depth: i64,
}

impl Event {
    /// An event that came from outside the rules: a request, an import.
    pub fn new(workspace: WorkspaceId, name: &'static str, payload: serde_json::Value) -> Self {
        Self { workspace, name, person: None, payload, causation: None, depth: 0 }
    }

    /// The person it is about.
    #[must_use]
    pub fn about(mut self, person: PersonId) -> Self {
        self.person = Some(person);
        self
    }

    /// Marks it as caused by `cause`. `None` when the chain is too long: a loop of rules.
    pub fn caused(mut self, cause: &Written) -> Option<Self> {
        self.causation = Some(format!("outbox:{}", cause.position));
        self.depth = cause.depth + 1;
        (self.depth <= DEPTH_MAX).then_some(self)
    }
}

/// A domain event that was written.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct Written {
    /// Its place in the workspace's feed, from 1.
    pub position: i64,
    /// What happened.
    pub name: String,
    /// The person it is about.
    pub person: Option<PersonId>,
    /// Its content.
    pub payload: serde_json::Value,
    /// What caused it.
    pub causation: Option<String>,
    /// How many events lie between it and the outside world.
    pub depth: i64,
    /// When it was written.
    pub recorded_at: Timestamp,
}

/// What a consumer is to apply next.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The head's epoch.
    pub epoch: i64,
    /// Where the cursor stood.
    pub from: i64,
    /// The events after it, in order.
    pub events: Vec<Written>,
}

/// The end of a workspace's feed.
pub async fn head(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Head> {
    let find = sql!("SELECT epoch, position FROM outbox_head WHERE workspace = $1 AND partition_number = $2");
    let found = db.fetch_optional(find, args![workspace, PARTITION]).await?;
    let (epoch, position) = found.unwrap_or((1, 0));
    Ok(Head { epoch, position })
}

/// The next `limit` events for `consumer`.
pub async fn batch(db: &mut impl Queries, workspace: WorkspaceId, consumer: &str, limit: u32) -> Result<Batch> {
    let cursor = Cursor { consumer, workspace, partition: PARTITION };
    let stands = cursor.stands(db).await?;
    let head = head(db, workspace).await?;
    let from = cursor.within(stands, head)?;
    let next = sql!(
        "SELECT position, name, person, payload, causation, depth, recorded_at FROM outbox_event
         WHERE workspace = $1 AND partition_number = $2 AND position > $3 ORDER BY position LIMIT $4"
    );
    let events = db.fetch_all(next, args![workspace, PARTITION, from, limit]).await?;
    Ok(Batch { epoch: head.epoch, from, events })
}

/// Notes, in the transaction of their effects, that all events of `batch` were applied.
pub async fn applied(tx: &mut Tx, workspace: WorkspaceId, consumer: &str, batch: &Batch) -> Result<()> {
    let Some(last) = batch.events.last() else { return Ok(()) };
    let cursor = Cursor { consumer, workspace, partition: PARTITION };
    cursor.advance(tx, batch.epoch, batch.from, last.position).await
}

/// Begins a new epoch, after a backup was restored: cursors kept outside this database no longer fit.
pub async fn begin_epoch(tx: &mut Tx, workspace: WorkspaceId) -> Result<Head> {
    let old = head(tx, workspace).await?;
    let begin = sql!(
        "INSERT INTO outbox_head (workspace, partition_number, epoch, position) VALUES ($1, $2, $3, $4)
         ON CONFLICT (workspace, partition_number) DO UPDATE SET epoch = EXCLUDED.epoch"
    );
    tx.execute(begin, args![workspace, PARTITION, old.epoch + 1, old.position]).await?;
    Cursor::carry(tx, workspace, PARTITION, old).await?;
    Ok(Head { epoch: old.epoch + 1, ..old })
}

/// Deletes events that every consumer has applied, if there is one, and that are older than `before`; how many.
pub async fn prune(tx: &mut Tx, workspace: WorkspaceId, before: Timestamp) -> Result<u64> {
    let delete = sql!(
        "DELETE FROM outbox_event WHERE workspace = $1 AND partition_number = $2 AND recorded_at < $3 AND position <= (
             SELECT COALESCE(MIN(c.position), 9223372036854775807) FROM consumer_cursor c JOIN outbox_head h ON h.workspace = c.workspace
             AND h.partition_number = c.partition_number AND h.epoch = c.epoch
             WHERE c.workspace = $1 AND c.partition_number = $2)"
    );
    tx.execute(delete, args![workspace, PARTITION, before]).await
}

/// Writes the events of a transaction that is about to commit. Takes the heads' locks in the order of workspaces, so that
/// two transactions cannot wait for each other.
pub(crate) fn append(tx: &mut Tx, mut events: Vec<Event>, now: Timestamp) {
    events.sort_by_key(|event| event.workspace);
    for group in events.chunk_by(|a, b| a.workspace == b.workspace) {
        let workspace = group[0].workspace;
        let count = i64::try_from(group.len()).expect("a transaction's events fit in memory");
        let take = sql!(
            "INSERT INTO outbox_head (workspace, partition_number, epoch, position) VALUES {rows}
             ON CONFLICT (workspace, partition_number) DO UPDATE SET position = outbox_head.position + EXCLUDED.position"
        );
        tx.execute_later(take, [args![workspace, PARTITION, 1_i64, count]]);
        // Their positions are the last ones that the head has now.
        let insert = sql!(
            "WITH v (workspace, partition_number, behind, name, person, payload, causation, depth, recorded_at) AS (VALUES {rows})
             INSERT INTO outbox_event (workspace, partition_number, position, name, person, payload, causation, depth, recorded_at)
             SELECT v.workspace, v.partition_number, h.position - v.behind, v.name, v.person, v.payload, v.causation, v.depth, v.recorded_at
             FROM v JOIN outbox_head h ON h.workspace = v.workspace AND h.partition_number = v.partition_number"
        );
        tx.execute_later(insert, group.iter().zip((0..count).rev()).map(|(event, behind)| row(event, behind, now)));
    }
}

fn row(event: &Event, behind: i64, now: Timestamp) -> Args {
    let Event { workspace, name, person, payload, causation, depth } = event;
    args![*workspace, PARTITION, behind, *name, *person, Json(payload), causation.as_deref(), *depth, now]
}
