//! Forgetting one person, through every store that there is, and showing what is kept of them.
//!
//! Always holds: what is erased is found by the data map, like what is shown; the database forgets in one transaction, in which it also learns not
//! to take the person back; what comes after it (the lake's files, exported files) is done again at the next start when it was cut short.
//!
//! Does not: reach the intake log, whose day keys are destroyed a few days later, nor backups.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rapport_domain::{Handle, Id, Identifier, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::verbatims::records as verbatims;
use rapport_lake::{EventRow, Move, record_moves};
use rapport_loyalty::records::{households, personal, referrals};
use rapport_privacy::records::requests::{self, RequestRow};
use rapport_privacy::{Subject, Suppressions, Tables};
use rapport_profiles::records::{device_clocks, identifiers};
use rapport_segments::live::Observed;
use rapport_segments::records::memberships;
use rapport_store::outbox::Event;
use rapport_store::{Priority, Tx};
use serde_json::{Value, json};

use crate::importing;
use crate::installation::{DATA_MAPS, Installation};
use crate::pipeline::Pipeline;
use crate::pipeline::caretaker::KEEP_LOG_DAYS;
use crate::points;
use crate::searching;

/// What the outbox says of it, so that whoever was told of the person forgets them too.
pub const ERASED: &str = "person.erased";
/// A request must be answered after this long (GDPR Article 12(3): one month).
const DUE: i64 = 30 * Timestamp::DAY;

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Where.
    pub workspace: WorkspaceId,
    /// Whose.
    pub person: PersonId,
    /// Who says so: `person`, or the id of a user or key.
    pub actor: &'a str,
    /// Whether the person must not come back by what is sent or imported later.
    pub suppress: bool,
}

/// A new request.
pub fn request(installation: &Installation, wanted: Wanted<'_>, kind: &str, state: &str) -> RequestRow {
    let now = installation.clock.now();
    RequestRow {
        id: Id::new("prq", &*installation.clock, &*installation.rng).0,
        kind: kind.to_owned(),
        state: state.to_owned(),
        person: Some(wanted.person),
        requested_at: now,
        due_at: now.plus(DUE),
        finished_at: None,
        actor: wanted.actor.to_owned(),
        report: json!({}),
    }
}

/// The person, with all their identifiers; `None` when there is nobody.
///
/// # Errors
/// The store's.
pub async fn subject(
    installation: &Installation,
    workspace: WorkspaceId,
    person: PersonId,
) -> Result<Option<(Subject, Vec<Identifier>)>> {
    let rows = identifiers::by_persons(&mut installation.store.read(), workspace, &[person]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let handles: Vec<Handle> = rows.iter().map(|row| row.handle).collect();
    Ok(Some((Subject { workspace, person, handles }, rows.iter().map(|row| row.identifier()).collect())))
}

/// What somebody asked for goes with them, when they become one with another: (identifier, whose it was, whose it is).
///
/// # Errors
/// The store's.
pub async fn follow(
    tx: &mut Tx,
    workspace: WorkspaceId,
    moved: &[(Handle, PersonId, PersonId)],
) -> rapport_store::Result<()> {
    if moved.is_empty() {
        return Ok(());
    }
    let heirs: BTreeMap<PersonId, PersonId> = moved.iter().map(|(_, from, to)| (*from, *to)).collect();
    // Most asked for nothing.
    let persons: Vec<PersonId> = heirs.keys().copied().collect();
    for (from,) in requests::askers(tx, workspace, &persons).await? {
        let Some(to) = heirs.get(&from).copied() else { continue };
        if identifiers::by_persons(tx, workspace, &[from]).await?.is_empty() {
            requests::give(tx, workspace, from, to).await?;
        }
    }
    Ok(())
}

/// Forgets a person; `None` when there is nobody.
///
/// # Errors
/// Those of all stores. What is not done by then is done at the next start.
pub async fn erase(installation: &Installation, pipeline: &Pipeline, wanted: Wanted<'_>) -> Result<Option<RequestRow>> {
    let Some((row, events)) = forget(installation, pipeline, wanted).await? else { return Ok(None) };
    tracing::info!(request = row.id, events, "a person was erased; files follow");
    finish(installation, wanted.workspace, row).await.map(Some)
}

/// Forgets them in the database and in memory, in one transaction; how many of their events are still in files.
async fn forget(
    installation: &Installation,
    pipeline: &Pipeline,
    wanted: Wanted<'_>,
) -> Result<Option<(RequestRow, usize)>> {
    let Wanted { workspace, person, .. } = wanted;
    // The pipeline must not apply events of theirs between our commit and what the lake hears of it.
    let _standing = pipeline.pause().await;
    let Some((subject, names)) = subject(installation, workspace, person).await? else { return Ok(None) };
    let events = installation.lake.person_events(workspace, person, None, None, usize::MAX).await?;
    let mut row = request(installation, wanted, "erasure", "running");
    row.person = None;
    let mut tx = installation.store.begin(Priority::Background).await?;
    let added = if wanted.suppress {
        let since = (row.requested_at, row.id.as_str());
        Some(Suppressions::add(&mut tx, workspace, &names, since, &*installation.rng).await?)
    } else {
        None
    };
    requests::close_all(&mut tx, workspace, person, row.requested_at).await?;
    // Indices of words learn of it in the same transaction.
    verbatims::remove_of(&mut tx, workspace, person, row.requested_at).await?;
    // While their number is known.
    let referred = referrals::forget(&mut tx, workspace, (person, &subject.handles), row.requested_at).await?;
    let lived = households::forget(&mut tx, workspace, person, row.requested_at).await?;
    let told = personal::forget(&mut tx, workspace, person).await? + referred + lived;
    memberships::uncount(&mut tx, workspace, person).await?;
    let mut erased = Tables::of(DATA_MAPS)?.erase(&mut tx, &subject).await?;
    erased.extend((told > 0).then_some(("loyalty_operations", told)));
    erased.extend(erase_elsewhere(&mut tx, workspace, &names, &events).await?);
    let moves: Vec<Move> =
        subject.handles.iter().map(|handle| Move { handle: *handle, from: person, to: None }).collect();
    let ticket = record_moves(&mut tx, workspace, &moves).await?;
    row.report = json!({
        "identifiers": names.len(), "suppressed": wanted.suppress, "events": events.len(), "tables": erased,
        "log_until": row.requested_at.plus((KEEP_LOG_DAYS + 1) * Timestamp::DAY).to_rfc3339(),
    });
    requests::save(&mut tx, workspace, &row).await?;
    tx.emit(Event::new(workspace, ERASED, json!({ "person_id": person.to_string(), "request": row.id })));
    tx.commit().await?;
    if let Some(added) = added {
        installation.suppressions.added(added);
    }
    installation.profiles.forget();
    installation.lake.publish(ticket).await?;
    installation.memberships.observe(workspace, Observed { changed: &[person], ..Observed::default() }).await?;
    Ok(Some((row, events.len())))
}

/// What the data map says is found by other means: clocks of their devices, values that imports showed.
async fn erase_elsewhere(
    tx: &mut Tx,
    workspace: WorkspaceId,
    names: &[Identifier],
    events: &[EventRow],
) -> Result<Vec<(&'static str, u64)>> {
    let devices: BTreeSet<i64> = events.iter().map(|event| event.order_key >> 32).collect();
    let devices: Vec<i64> = devices.into_iter().collect();
    let values: Vec<String> = names.iter().map(|name| name.value.to_lowercase()).collect();
    let (profiles, rejects) = importing::forget_values(tx, workspace, &values).await?;
    let erased = [
        ("device_clocks", device_clocks::delete(tx, workspace, &devices).await?),
        ("imports", profiles),
        ("import_rejects", rejects),
    ];
    Ok(erased.into_iter().filter(|(_, rows)| *rows > 0).collect())
}

/// The files: rewritten without the person, or deleted where they name people. Then nothing may be found any more.
async fn finish(installation: &Installation, workspace: WorkspaceId, mut row: RequestRow) -> Result<RequestRow> {
    installation.lake.flush(workspace).await?;
    let rewritten = installation.lake.rewrite_changed(workspace).await?;
    let folder = installation.folder.join("exports").join(workspace.to_string());
    let exports = tokio::task::spawn_blocking(move || delete_files(&folder)).await??;
    searching::purge(installation, workspace).await?;
    // What was deleted still stands in SQLite's log until it begins anew; a reader may keep it a little longer.
    let log = installation.store.checkpoint().await.is_ok();
    row.finished_at = Some(installation.clock.now());
    row.state = "done".to_owned();
    if let Value::Object(report) = &mut row.report {
        report.insert("files_rewritten".to_owned(), json!(rewritten.before));
        report.insert("exports_deleted".to_owned(), json!(exports));
        report.insert("database_log_emptied".to_owned(), json!(log));
    }
    let mut tx = installation.store.begin(Priority::Background).await?;
    requests::save(&mut tx, workspace, &row).await?;
    tx.commit().await?;
    Ok(row)
}

/// Deletes the files of a folder and of those in it; how many.
fn delete_files(folder: &Path) -> Result<u64> {
    let mut deleted = 0;
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error).context("looking for exported files"),
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            deleted += delete_files(&path)?;
        } else {
            std::fs::remove_file(&path).context("deleting an exported file")?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// Goes on with what was cut short when the program stopped.
///
/// # Errors
/// As [`erase`].
pub async fn resume(installation: &Installation) -> Result<()> {
    for (workspace, id) in requests::unfinished(&mut installation.store.read()).await? {
        let row = requests::find(&mut installation.store.read(), workspace, &id).await?;
        if let Some(row) = row.filter(|row| row.kind == "erasure" && row.state == "running") {
            finish(installation, workspace, row).await?;
        }
    }
    Ok(())
}

/// The same, when the program starts.
pub async fn finish_what_was_cut_short(installation: Arc<Installation>) {
    if let Err(error) = resume(&installation).await {
        tracing::error!(error = %format!("{error:#}"), "an erasure could not be finished; it is tried again at the next start");
    }
}

/// All that is kept of somebody: tables by the data map, and their events. `None` when there is nobody.
///
/// # Errors
/// Those of all stores.
pub async fn access(installation: &Installation, workspace: WorkspaceId, person: PersonId) -> Result<Option<Value>> {
    let Some((subject, _)) = subject(installation, workspace, person).await? else { return Ok(None) };
    let mut db = installation.store.snapshot().await?;
    let mut tables: serde_json::Map<String, Value> = Tables::of(DATA_MAPS)?
        .read(&mut db, &subject)
        .await?
        .into_iter()
        .map(|found| {
            let rows = found.rows.into_iter().map(|row| {
                let cells = found
                    .columns
                    .iter()
                    .zip(row)
                    .filter_map(|(column, cell)| Some(((*column).to_owned(), json!(cell?))));
                Value::Object(cells.collect())
            });
            (found.table.to_owned(), Value::Array(rows.collect()))
        })
        .collect();
    points::personal::show(&mut db, workspace, person, &mut tables).await?;
    let events = installation.lake.person_events(workspace, person, None, None, usize::MAX).await?;
    let events = events.iter().map(|event| {
        let properties: serde_json::Map<String, Value> = event.properties().iter().cloned().collect();
        json!({ "name": event.name, "occurred_at": event.occurred_at.to_rfc3339(), "received_at": event.received_at.to_rfc3339(), "properties": properties })
    });
    Ok(Some(json!({
        "person_id": person.to_string(),
        "made_at": installation.clock.now().to_rfc3339(),
        "purposes": purposes(),
        "tables": tables,
        "events": events.collect::<Vec<_>>(),
    })))
}

/// What the tables are used for and how long they are kept, as the data map says.
fn purposes() -> Value {
    let mut tables: serde_json::Map<String, Value> = serde_json::Map::new();
    for declaration in DATA_MAPS.iter().copied().flatten().filter(|it| !it.purposes.is_empty()) {
        let used_for: Vec<&str> = declaration.purposes.iter().map(|purpose| purpose.as_str()).collect();
        let kept = match declaration.retention {
            rapport_store::data_map::Retention::Days(days) => format!("{days} days"),
            rapport_store::data_map::Retention::Person => "until you are erased".to_owned(),
            rapport_store::data_map::Retention::Workspace => "as long as the company keeps its account".to_owned(),
        };
        tables.insert(declaration.table.to_owned(), json!({ "used_for": used_for, "kept": kept }));
    }
    Value::Object(tables)
}
