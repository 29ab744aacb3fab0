//! Texts that came before a model was learnt are understood anew once it is: sentiment, feelings and urgency. Topics need none of this, as they are looked at when
//! they are asked for.
//!
//! Always holds: what staff corrected stays; no fact is told and no follow-up opened by it, as nobody said anything; it goes in slices that leave the writer to
//! others, and after a crash it goes on where it stood.

use anyhow::Result;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::verbatims::Reader;
use rapport_feedback::verbatims::records;
use rapport_feedback::verbatims::records::readings::{self, ReadingRow, Reread};
use rapport_store::Priority;
use tokio::sync::watch;

use super::Lessons;
use crate::installation::Installation;
use crate::records::workspaces;

/// Texts that are understood at once, beside the writer.
const PAGE: i64 = 200;
/// Texts of one commit: few, so that nobody who waits for the writer notices.
const TOGETHER: usize = 25;
/// All are read anew when there is more to learn from by a part of so many, or something at least after a day.
const MORE: i64 = 5;
const PATIENCE: i64 = Timestamp::DAY;

fn is_due(known: Option<&ReadingRow>, lessons: Lessons, now: Timestamp) -> bool {
    let Some(row) = known else { return true };
    let is_more = |before: i64, after: i64| after != before && (after - before).abs() * MORE >= before;
    let is_much = is_more(row.corrections, lessons.0) || is_more(row.rated, lessons.1);
    is_much || ((row.corrections, row.rated) != lessons && now.0 - row.begun_at.0 >= PATIENCE)
}

/// Begins where much was learnt since the last time; whether it did. Rules alone, by which everything was read, begin nothing.
///
/// # Errors
/// The store's.
pub async fn begin_where_due(installation: &Installation, workspace: WorkspaceId) -> Result<bool> {
    let mut db = installation.store.read();
    let known = readings::find(&mut db, workspace).await?;
    if known.is_none() && *installation.readers.of(workspace) == Reader::default() {
        return Ok(false);
    }
    let lessons = records::lessons(&mut db, workspace).await?;
    if !is_due(known.as_ref(), lessons, installation.clock.now()) {
        return Ok(false);
    }
    let texts = readings::count(&mut installation.store.read(), workspace).await?;
    let mut tx = installation.store.begin(Priority::Background).await?;
    readings::begin(&mut tx, workspace, lessons, texts, installation.clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}

/// Reads a page of texts anew; whether there may be more.
///
/// # Errors
/// The store's.
pub async fn go_on(installation: &Installation, workspace: WorkspaceId) -> Result<bool> {
    let mut db = installation.store.read();
    let found = readings::find(&mut db, workspace).await?;
    let Some(mut reading) = found.filter(|it| it.done_at.is_none()) else { return Ok(false) };
    let rows = readings::next(&mut db, workspace, &reading, PAGE).await?;
    if rows.is_empty() {
        let mut tx = installation.store.begin(Priority::Background).await?;
        readings::finish(&mut tx, workspace, &reading, installation.clock.now()).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let reader = installation.readers.of(workspace);
    let read = move || -> Vec<Reread> {
        let reread = |row: rapport_feedback::verbatims::records::VerbatimRow| {
            let (sentiment, feelings) = reader.anew(&row.shown);
            Reread { row, sentiment, feelings }
        };
        rows.into_iter().map(reread).collect()
    };
    for texts in tokio::task::spawn_blocking(read).await?.chunks(TOGETHER) {
        let mut tx = installation.store.begin(Priority::Background).await?;
        let Some(next) = readings::take(&mut tx, workspace, &reading, texts).await? else { return Ok(true) };
        tx.commit().await?;
        reading = next;
    }
    Ok(true)
}

/// Lets all workspaces go on until nothing is left or `stop` is set.
pub(super) async fn all(installation: &Installation, stop: &watch::Receiver<bool>) -> Result<()> {
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        begin_where_due(installation, workspace).await?;
        while !*stop.borrow() && go_on(installation, workspace).await? {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_that_was_learnt_is_reason_enough_and_little_waits_for_a_day() {
        let row = ReadingRow {
            corrections: 100,
            rated: 1_000,
            after_at: Timestamp(0),
            after_event: [0; 16],
            texts: 9,
            read: 9,
            altered: 0,
            begun_at: Timestamp(0),
            done_at: None,
        };
        let due = |lessons, at| is_due(Some(&row), lessons, Timestamp(at));
        assert!(is_due(None, (0, 0), Timestamp(0)));
        assert!(!due((100, 1_000), 9 * PATIENCE) && !due((101, 1_100), PATIENCE - 1));
        assert!(due((120, 1_000), 1) && due((100, 1_200), 1) && due((80, 1_000), 1) && due((101, 1_000), PATIENCE));
    }
}
