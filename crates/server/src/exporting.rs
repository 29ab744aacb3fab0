//! Members of segments as files: on request, and on schedule into the data folder.
//!
//! Always holds: a file is whole or not there; only the newest few are kept, because they name people. Cells that a spreadsheet would run as a
//! formula are written as text.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rapport_domain::{IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::{identifiers, persons};
use rapport_segments::export::{Exported, parquet};
use rapport_segments::records::exports::{self, RunRow};
use rapport_segments::records::{memberships, segments};
use rapport_store::Priority;
use tokio::sync::watch;

use crate::installation::Installation;

const LOOK_EVERY: Duration = Duration::from_secs(20);
const PAGE: i64 = 500;
/// Files of a segment that are kept.
const KEPT: usize = 3;

/// The members of a segment now, by since when.
///
/// # Errors
/// The store's.
pub async fn members(
    installation: &Installation,
    workspace: WorkspaceId,
    segment: i64,
) -> rapport_store::Result<Vec<Exported>> {
    let mut all = Vec::new();
    loop {
        let offset = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let mut db = installation.store.read();
        let page = memberships::members(&mut db, workspace, segment, offset, PAGE).await?;
        let ids: Vec<PersonId> = page.iter().map(|(person, _)| *person).collect();
        if ids.is_empty() {
            return Ok(all);
        }
        let rows = persons::by_ids(&mut db, workspace, &ids).await?;
        let names = identifiers::by_persons(&mut db, workspace, &ids).await?;
        for (person, since) in page {
            let row = rows.iter().find(|row| row.person == person);
            let user_id = names.iter().find(|it| it.person == person && it.kind == IdentifierKind::UserId.as_str());
            all.push(Exported {
                person,
                user_id: user_id.map(|it| it.value.clone()),
                email: row.and_then(|row| row.email.clone()),
                name: row.and_then(|row| row.name.clone()),
                since,
            });
        }
    }
}

/// The members as CSV (RFC 4180), with a head.
pub fn csv(members: &[Exported]) -> String {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let cell = |text: &Option<String>| plain(text.as_deref().unwrap_or_default());
    let mut write = |record: [String; 5]| out.write_record(record).is_ok();
    let mut is_written = write(["person", "user_id", "email", "name", "since"].map(str::to_owned));
    for it in members {
        let since = it.since.to_rfc3339();
        is_written &= write([it.person.to_string(), cell(&it.user_id), cell(&it.email), cell(&it.name), since]);
    }
    debug_assert!(is_written, "memory takes every record");
    String::from_utf8(out.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// With what a spreadsheet begins a formula (OWASP, "CSV injection").
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// What makes a text of it.
const AS_TEXT: char = '\'';

/// A text that no spreadsheet takes for a formula; [`as_it_was`] makes of it what it was.
pub fn plain(text: &str) -> String {
    if text.trim_start_matches(AS_TEXT).starts_with(FORMULA) { format!("{AS_TEXT}{text}") } else { text.to_owned() }
}

/// What [`plain`] made a text of.
pub fn as_it_was(text: &str) -> &str {
    let is_made = text.trim_start_matches(AS_TEXT).starts_with(FORMULA);
    text.strip_prefix(AS_TEXT).filter(|_| is_made).unwrap_or(text)
}

/// Writes what is due, until `stop` is set.
pub async fn run(installation: Arc<Installation>, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if let Err(error) = write_due(&installation).await {
            tracing::warn!(error = %format!("{error:#}"), "members could not be exported; it is tried again");
        }
    }
}

/// Writes all files that are due now.
///
/// # Errors
/// The store's. What fails for one segment is remembered there.
pub async fn write_due(installation: &Installation) -> Result<()> {
    let now = installation.clock.now();
    for (workspace, segment) in exports::due(&mut installation.store.read(), now).await? {
        write(installation, workspace, segment).await?;
    }
    Ok(())
}

/// Writes a segment's file now, and says what came of it.
///
/// # Errors
/// The store's.
pub async fn write(installation: &Installation, workspace: WorkspaceId, segment: i64) -> Result<RunRow> {
    let now = installation.clock.now();
    let outcome = write_file(installation, workspace, segment, now).await;
    let run = match outcome {
        Ok((people, file)) => RunRow { ran_at: now, people, file: Some(file), error: None },
        Err(error) => RunRow { ran_at: now, people: 0, file: None, error: Some(format!("{error:#}")) },
    };
    let mut tx = installation.store.begin(Priority::Background).await?;
    if let Some(mut schedule) = exports::of_segment(&mut tx, workspace, segment).await? {
        let step = schedule.every_hours.max(1) * Timestamp::HOUR;
        // What was missed while nothing ran is not made up for.
        while schedule.next_at <= now {
            schedule.next_at = schedule.next_at.plus(step.max((now.0 - schedule.next_at.0) / step * step));
        }
        exports::save(&mut tx, workspace, &schedule).await?;
    }
    exports::ran(&mut tx, workspace, segment, &run).await?;
    tx.commit().await?;
    Ok(run)
}

async fn write_file(
    installation: &Installation,
    workspace: WorkspaceId,
    segment: i64,
    now: Timestamp,
) -> Result<(i64, String)> {
    let mut db = installation.store.read();
    let row = segments::all(&mut db, workspace).await?.into_iter().find(|row| row.segment == segment);
    let key = row.context("the segment is gone")?.key;
    let schedule = exports::of_segment(&mut db, workspace, segment).await?;
    let format = schedule.map_or_else(|| "csv".to_owned(), |schedule| schedule.format);
    let members = members(installation, workspace, segment).await?;
    let bytes = if format == "parquet" { parquet(&members)? } else { csv(&members).into_bytes() };
    let folder = PathBuf::from("exports").join(workspace.to_string()).join(&key);
    let stamp = now.to_rfc3339().replace([':', '.'], "-");
    let file = folder.join(format!("{key}-{stamp}.{format}"));
    let (root, place) = (installation.folder.clone(), file.clone());
    tokio::task::spawn_blocking(move || put(&root.join(folder), &root.join(place), &bytes)).await??;
    Ok((i64::try_from(members.len()).unwrap_or(i64::MAX), file.display().to_string()))
}

/// Writes a file whole, and deletes all but the newest few beside it.
fn put(folder: &std::path::Path, file: &std::path::Path, bytes: &[u8]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let unfinished = file.with_extension("unfinished");
    std::fs::write(&unfinished, bytes)?;
    std::fs::File::open(&unfinished)?.sync_all()?;
    std::fs::rename(&unfinished, file)?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // Their names have the time.
    files.sort();
    for old in files.iter().rev().skip(KEPT) {
        std::fs::remove_file(old)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_a_text_comes_back_as_it_was() {
        for text in ["", "=1+1", "'=1", "''-x", "'quoted'", "-3", "plain", "'", "@me", "\t=x"] {
            let made = plain(text);
            assert_eq!(as_it_was(&made), text);
            assert!(!made.starts_with(FORMULA), "{made}");
        }
    }

    #[test]
    fn a_cell_is_never_a_formula() {
        let member = Exported {
            person: PersonId(7),
            user_id: Some("=1+1".to_owned()),
            email: Some("a@b.example".to_owned()),
            name: Some("Ann \"A\", Lee".to_owned()),
            since: Timestamp(0),
        };
        let text = csv(&[member]);
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], "person,user_id,email,name,since");
        assert_eq!(lines[1], "7,'=1+1,a@b.example,\"Ann \"\"A\"\", Lee\",1970-01-01T00:00:00Z");
    }
}
