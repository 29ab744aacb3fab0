//! Reading anew what was understood before more was learnt: how far it has come.
//!
//! Always holds: what staff corrected stays; where it stands commits with what it changed, so whoever goes on after a crash reads nothing twice and leaves nothing
//! out; of two that read at once one goes on.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Sql, Tx, args, sql};
use rapport_text::feelings::ALL;

use super::{COLUMNS, VerbatimRow, number};

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ReadingRow {
    /// So many corrections had been learnt from.
    pub corrections: i64,
    /// And so many texts with stars.
    pub rated: i64,
    /// The last text that was read: when it was written.
    pub after_at: Timestamp,
    /// And its event.
    pub after_event: [u8; 16],
    /// How many texts there were when it began.
    pub texts: i64,
    /// How many were read.
    pub read: i64,
    /// How many of them are understood otherwise now.
    pub altered: i64,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it was done.
    pub done_at: Option<Timestamp>,
}

/// A text with how it is understood now.
#[derive(Clone, Debug, PartialEq)]
pub struct Reread {
    /// As it stands.
    pub row: VerbatimRow,
    /// -1,000 to 1,000.
    pub sentiment: i64,
    /// For each feeling in the order of [`ALL`] how strong it is.
    pub feelings: [i64; ALL.len()],
}

impl Reread {
    fn is_other(&self) -> bool {
        self.row.corrected_at.is_none() && (self.row.sentiment, self.row.feelings()) != (self.sentiment, self.feelings)
    }
}

/// The workspace's latest.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Option<ReadingRow>> {
    let text = sql!(
        "SELECT corrections, rated, after_at, after_event, texts, read, altered, begun_at, done_at FROM verbatim_readings WHERE workspace = $1"
    );
    db.fetch_optional(text, args![workspace]).await
}

/// How many texts there are to read.
///
/// # Errors
/// The store's.
pub async fn count(db: &mut impl Queries, workspace: WorkspaceId) -> Result<i64> {
    db.scalar(sql!("SELECT COUNT(*) FROM verbatims WHERE workspace = $1"), args![workspace]).await
}

/// Begins from the oldest of `texts` texts on: counted before, because the writer is not held while so many are counted. `lessons` is what was learnt from:
/// corrections, and texts with stars.
///
/// # Errors
/// The store's.
pub async fn begin(tx: &mut Tx, workspace: WorkspaceId, lessons: (i64, i64), texts: i64, now: Timestamp) -> Result<()> {
    let text = sql!(
        "INSERT INTO verbatim_readings (workspace, corrections, rated, after_at, after_event, texts, read, altered, begun_at, done_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)
         ON CONFLICT (workspace) DO UPDATE SET corrections = excluded.corrections, rated = excluded.rated, after_at = excluded.after_at,
           after_event = excluded.after_event, texts = excluded.texts, read = excluded.read, altered = excluded.altered, begun_at = excluded.begun_at,
           done_at = excluded.done_at"
    );
    let none: Option<Timestamp> = None;
    let args = args![workspace, lessons.0, lessons.1, i64::MIN, [0_u8; 16], texts, 0_i64, now, none];
    tx.execute(text, args).await?;
    Ok(())
}

/// The texts that come next, the oldest first.
///
/// # Errors
/// The store's.
pub async fn next(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    reading: &ReadingRow,
    limit: i64,
) -> Result<Vec<VerbatimRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM verbatims WHERE workspace = $1 AND occurred_at >= $2 AND (occurred_at > $2 OR event_id > $3)
         ORDER BY occurred_at, event_id LIMIT $4"
    ));
    db.fetch_all(text, args![workspace, reading.after_at, reading.after_event, limit]).await
}

/// Takes over how some texts are understood now, which come behind where `reading` stands; where it stands then, or `None` where somebody else was faster: then
/// nothing of it is to be committed.
///
/// # Errors
/// The store's.
pub async fn take(
    tx: &mut Tx,
    workspace: WorkspaceId,
    reading: &ReadingRow,
    texts: &[Reread],
) -> Result<Option<ReadingRow>> {
    let Some(last) = texts.last() else { return Ok(Some(reading.clone())) };
    let mut altered = 0;
    if texts.iter().any(Reread::is_other) {
        let changed = number(tx, workspace).await?;
        for it in texts.iter().filter(|it| it.is_other()) {
            altered += i64::try_from(note(tx, workspace, it, changed).await?).unwrap_or(0);
        }
    }
    let next = ReadingRow {
        after_at: last.row.occurred_at,
        after_event: last.row.event_id,
        read: reading.read + i64::try_from(texts.len()).unwrap_or(0),
        altered: reading.altered + altered,
        ..reading.clone()
    };
    let text = sql!(
        "UPDATE verbatim_readings SET after_at = $2, after_event = $3, read = $4, altered = $5
         WHERE workspace = $1 AND begun_at = $6 AND read = $7 AND after_event = $8"
    );
    let (at, event) = (next.after_at, next.after_event);
    let args =
        args![workspace, at, event, next.read, next.altered, reading.begun_at, reading.read, reading.after_event];
    Ok((tx.execute(text, args).await? > 0).then_some(next))
}

/// One text; nothing where staff corrected it meanwhile.
async fn note(tx: &mut Tx, workspace: WorkspaceId, it: &Reread, changed: i64) -> Result<u64> {
    let [anger, disappointment, anxiety, joy, gratitude, trust, urgency] = it.feelings;
    let text = sql!(
        "UPDATE verbatims SET sentiment = $3, anger = $4, disappointment = $5, anxiety = $6, joy = $7, gratitude = $8, trust = $9, urgency = $10,
           changed = $11 WHERE event_id = $2 AND workspace = $1 AND corrected_at IS NULL"
    );
    let args = args![
        workspace,
        it.row.event_id,
        it.sentiment,
        anger,
        disappointment,
        anxiety,
        joy,
        gratitude,
        trust,
        urgency,
        changed
    ];
    tx.execute(text, args).await
}

/// All were read.
///
/// # Errors
/// The store's.
pub async fn finish(tx: &mut Tx, workspace: WorkspaceId, reading: &ReadingRow, now: Timestamp) -> Result<()> {
    let text = sql!("UPDATE verbatim_readings SET done_at = $3 WHERE workspace = $1 AND begun_at = $2 AND read = $4");
    tx.execute(text, args![workspace, reading.begun_at, now, reading.read]).await?;
    Ok(())
}
