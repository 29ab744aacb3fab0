//! How far a consumer has read a numbered feed (the outbox, the intake log): one row a (consumer, workspace, partition,
//! epoch), moved in the transaction that holds the effects of what was read.
//!
//! Always holds: a cursor moves forward only, from where its mover believed it to be, so two workers of one consumer
//! cannot both apply a batch; a cursor beyond the feed's end, or of another epoch, is refused.

use rapport_domain::WorkspaceId;

use crate::{Error, Queries, Result, Tx, args, sql};

/// The end of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Counts restores from backup.
    pub epoch: i64,
    /// The last position given out; 0 when none was.
    pub position: i64,
}

/// Which cursor: a consumer in a partition of a workspace's feed. The consumer's name includes the feed's where both exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor<'c> {
    /// Who reads.
    pub consumer: &'c str,
    /// Whose feed.
    pub workspace: WorkspaceId,
    /// Which part of it; 0 for now.
    pub partition: i64,
}

impl Cursor<'_> {
    /// Where the consumer stands; `None` when it has not begun. Read it before the feed's end: a feed grows, so whoever reads the end first may find a
    /// cursor that has passed it meanwhile.
    pub async fn stands(&self, db: &mut impl Queries) -> Result<Option<Head>> {
        let find = sql!(
            "SELECT epoch, position FROM consumer_cursor WHERE consumer = $1 AND workspace = $2 AND partition_number = $3
             ORDER BY epoch DESC LIMIT 1"
        );
        let found = db.fetch_optional(find, args![self.consumer, self.workspace, self.partition]).await?;
        Ok(found.map(|(epoch, position)| Head { epoch, position }))
    }

    /// The last position the consumer has applied; 0 when it has not begun. [`Error::CursorBeyondEnd`] when it stands
    /// beyond `head` or in another epoch.
    pub fn within(&self, stands: Option<Head>, head: Head) -> Result<i64> {
        let Some(Head { epoch, position }) = stands else { return Ok(0) };
        if epoch == head.epoch && position <= head.position {
            return Ok(position);
        }
        Err(Error::CursorBeyondEnd {
            consumer: self.consumer.to_owned(),
            epoch,
            position,
            head_epoch: head.epoch,
            head_position: head.position,
        })
    }

    /// Moves the cursor on. [`Error::CursorMoved`] when it does not stand at `from`: another worker was faster.
    pub async fn advance(&self, tx: &mut Tx, epoch: i64, from: i64, to: i64) -> Result<()> {
        let (consumer, workspace, partition) = (self.consumer, self.workspace, self.partition);
        let changed = if from == 0 {
            let begin = sql!(
                "INSERT INTO consumer_cursor (consumer, workspace, partition_number, epoch, position)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
            );
            tx.execute(begin, args![consumer, workspace, partition, epoch, to]).await?
        } else {
            let go_on = sql!(
                "UPDATE consumer_cursor SET position = $5
                 WHERE consumer = $1 AND workspace = $2 AND partition_number = $3 AND epoch = $4
                 AND position = $6 AND position <= $5"
            );
            tx.execute(go_on, args![consumer, workspace, partition, epoch, to, from]).await?
        };
        if changed == 1 { Ok(()) } else { Err(Error::CursorMoved { consumer: consumer.to_owned() }) }
    }

    /// Carries a consistent cursor of an earlier epoch into a new one, after a restore: cursors live in the same database as
    /// the outbox, so those at or before its end are true.
    pub(crate) async fn carry(tx: &mut Tx, workspace: WorkspaceId, partition: i64, old: Head) -> Result<()> {
        let carry = sql!(
            "INSERT INTO consumer_cursor (consumer, workspace, partition_number, epoch, position)
             SELECT consumer, workspace, partition_number, epoch + 1, position FROM consumer_cursor
             WHERE workspace = $1 AND partition_number = $2 AND epoch = $3 AND position <= $4"
        );
        tx.execute(carry, args![workspace, partition, old.epoch, old.position]).await.map(drop)
    }
}
