//! The catalog's SQL.

use rapport_domain::{EventId, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Args, Json, Queries, Record, Tx, args, sql};

use super::{CommitKind, DataFile, Head, layout_of};
use crate::changes::{Changes, Dead, Move};
use crate::columns::{ColumnSet, PropertyColumn, PropertyType};
use crate::error::{Error, Result};
use crate::layout::Cell;
use crate::registry::{PropertyUse, Registry};

/// All workspaces that have a catalog.
pub(crate) async fn workspaces(db: &mut impl Queries) -> Result<Vec<WorkspaceId>> {
    let rows: Vec<(WorkspaceId,)> = db.fetch_all(sql!("SELECT workspace FROM lake_workspace"), args![]).await?;
    Ok(rows.into_iter().map(|(workspace,)| workspace).collect())
}

#[derive(Record)]
struct HeadRow {
    seq: i64,
    flushed: i64,
    revision: i64,
    granularity: String,
    bucket_bits: u8,
}

/// The head of a workspace's catalog, if it has one.
pub(crate) async fn head(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Option<Head>> {
    let text = sql!("SELECT seq, flushed, revision, granularity, bucket_bits FROM lake_workspace WHERE workspace = $1");
    let Some(row) = db.fetch_optional::<HeadRow>(text, args![workspace]).await? else { return Ok(None) };
    let layout = layout_of(&row.granularity, row.bucket_bits)
        .ok_or_else(|| Error::Damaged(format!("unknown granularity {}", row.granularity)))?;
    Ok(Some(Head { seq: row.seq, flushed: row.flushed, revision: row.revision, layout }))
}

/// Begins a workspace's catalog, with the standard columns, unless it has one.
pub(crate) async fn ensure(tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
    let Head { seq, flushed, revision, layout } = Head::FIRST;
    let text = sql!(
        "INSERT INTO lake_workspace (workspace, seq, flushed, revision, granularity, bucket_bits)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace) DO NOTHING"
    );
    let values = args![workspace, seq, flushed, revision, layout.granularity.as_str(), layout.bucket_bits];
    if tx.execute(text, values).await? == 0 {
        return Ok(());
    }
    add_columns(tx, workspace, 0, ColumnSet::standard().columns()).await
}

/// Writes the head after a commit and notes the commit. Refused when the catalog is not at the commit before.
pub(crate) async fn advance(
    tx: &mut Tx,
    workspace: WorkspaceId,
    head: Head,
    kind: CommitKind,
    now: Timestamp,
) -> Result<()> {
    let Head { seq, flushed, layout, .. } = head;
    let text = sql!(
        "UPDATE lake_workspace SET seq = $2, flushed = $3, granularity = $4, bucket_bits = $5
         WHERE workspace = $1 AND seq = $6"
    );
    let values = args![workspace, seq, flushed, layout.granularity.as_str(), layout.bucket_bits, seq - 1];
    if tx.execute(text, values).await? != 1 {
        return Err(Error::Damaged(format!("commit {seq} does not follow the last one; start the program again")));
    }
    let text =
        sql!("INSERT INTO lake_commit (workspace, seq, kind, log_position, committed_at) VALUES ($1, $2, $3, $4, $5)");
    tx.execute(text, args![workspace, seq, kind.as_str(), flushed, now]).await?;
    let text = sql!("DELETE FROM lake_commit WHERE workspace = $1 AND seq <= $2");
    tx.execute(text, args![workspace, seq - KEPT_COMMITS]).await?;
    Ok(())
}

/// Commits that are kept to look at.
const KEPT_COMMITS: i64 = 1_000;

#[derive(Record)]
struct FileRow {
    id: String,
    granularity: String,
    first_day: i64,
    bucket_bits: u8,
    bucket: i64,
    min_at: i64,
    max_at: i64,
    min_person: i64,
    max_person: i64,
    row_count: i64,
    byte_count: i64,
    column_count: u32,
    present: Json<Vec<usize>>,
    revision: i64,
    names: Json<std::collections::BTreeMap<String, i64>>,
}

/// The files of a workspace: those that are there, or those that were removed and not yet deleted.
pub(crate) async fn files(db: &mut impl Queries, workspace: WorkspaceId, removed: bool) -> Result<Vec<DataFile>> {
    let text = if removed {
        sql!(
            "SELECT id, granularity, first_day, bucket_bits, bucket, min_at, max_at, min_person, max_person, row_count,
                    byte_count, column_count, present, revision, names
             FROM lake_file WHERE workspace = $1 AND removed_seq IS NOT NULL ORDER BY id"
        )
    } else {
        sql!(
            "SELECT id, granularity, first_day, bucket_bits, bucket, min_at, max_at, min_person, max_person, row_count,
                    byte_count, column_count, present, revision, names
             FROM lake_file WHERE workspace = $1 AND removed_seq IS NULL ORDER BY added_seq, id"
        )
    };
    let rows: Vec<FileRow> = db.fetch_all(text, args![workspace]).await?;
    rows.into_iter().map(|row| file(workspace, row)).collect()
}

fn file(workspace: WorkspaceId, row: FileRow) -> Result<DataFile> {
    let layout = layout_of(&row.granularity, row.bucket_bits)
        .ok_or_else(|| Error::Damaged(format!("unknown granularity {}", row.granularity)))?;
    Ok(DataFile {
        id: row.id,
        workspace,
        cell: Cell {
            granularity: layout.granularity,
            first_day: row.first_day,
            bucket_bits: row.bucket_bits,
            bucket: row.bucket,
        },
        times: (row.min_at, row.max_at),
        persons: (row.min_person, row.max_person),
        rows: row.row_count,
        bytes: row.byte_count,
        columns: usize::try_from(row.column_count).unwrap_or_default(),
        present: row.present.0,
        revision: row.revision,
        names: row.names.0,
    })
}

/// Adds files in the commit `seq`.
pub(crate) async fn add_files(tx: &mut Tx, files: &[DataFile], seq: i64) -> Result<()> {
    let text = sql!(
        "INSERT INTO lake_file (id, workspace, granularity, first_day, bucket_bits, bucket, min_at, max_at, min_person,
                                max_person, row_count, byte_count, column_count, present, revision, names,
                                added_seq)
         VALUES {rows}"
    );
    let rows = files.iter().map(|file| {
        args![
            &file.id,
            file.workspace,
            file.cell.granularity.as_str(),
            file.cell.first_day,
            file.cell.bucket_bits,
            file.cell.bucket,
            file.times.0,
            file.times.1,
            file.persons.0,
            file.persons.1,
            file.rows,
            file.bytes,
            integer(file.columns),
            Json(file.present.clone()),
            file.revision,
            Json(file.names.clone()),
            seq
        ]
    });
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// Marks files as removed by the commit `seq`.
pub(crate) async fn remove_files(tx: &mut Tx, ids: Vec<String>, seq: i64) -> Result<()> {
    let text = sql!("UPDATE lake_file SET removed_seq = $1 WHERE id IN ($2)");
    tx.execute(text, Args(vec![seq.into(), rapport_store::Arg::Texts(ids)])).await?;
    Ok(())
}

/// Forgets files that are deleted.
pub(crate) async fn forget_files(tx: &mut Tx, ids: Vec<String>) -> Result<()> {
    let text = sql!("DELETE FROM lake_file WHERE id IN ($1) AND removed_seq IS NOT NULL");
    tx.execute(text, Args(vec![rapport_store::Arg::Texts(ids)])).await?;
    Ok(())
}

/// The hot columns of a workspace, by rank.
pub(crate) async fn columns(db: &mut impl Queries, workspace: WorkspaceId) -> Result<ColumnSet> {
    let text = sql!("SELECT path, value_type FROM lake_column WHERE workspace = $1 ORDER BY column_rank");
    let rows: Vec<(String, String)> = db.fetch_all(text, args![workspace]).await?;
    let columns = rows.into_iter().map(|(path, kind)| Ok(PropertyColumn::new(path, property_type(&kind)?)));
    Ok(ColumnSet::of(columns.collect::<Result<Vec<_>>>()?))
}

/// Adds hot columns from rank `first`.
pub(crate) async fn add_columns(
    tx: &mut Tx,
    workspace: WorkspaceId,
    first: usize,
    columns: &[PropertyColumn],
) -> Result<()> {
    let text = sql!("INSERT INTO lake_column (workspace, column_rank, path, value_type) VALUES {rows}");
    let rows = columns
        .iter()
        .enumerate()
        .map(|(at, column)| args![workspace, integer(first + at), &column.path, column.kind.letter().to_string()]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// What is known of a workspace's properties.
pub(crate) async fn properties(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Registry> {
    let text = sql!("SELECT path, value_type, row_count, asked FROM lake_property WHERE workspace = $1");
    let rows: Vec<(String, String, i64, i64)> = db.fetch_all(text, args![workspace]).await?;
    let mut registry = Registry::default();
    for (path, kind, rows, asked) in rows {
        registry.restore(path, property_type(&kind)?, PropertyUse { rows, asked });
    }
    Ok(registry)
}

/// Writes what is known of a workspace's properties.
pub(crate) async fn save_properties(tx: &mut Tx, workspace: WorkspaceId, registry: &Registry) -> Result<()> {
    let text = sql!(
        "INSERT INTO lake_property (workspace, path, value_type, row_count, asked) VALUES {rows}
         ON CONFLICT (workspace, path, value_type) DO UPDATE SET row_count = excluded.row_count, asked = excluded.asked"
    );
    let rows = registry
        .paths()
        .map(|(path, kind, counted)| args![workspace, path, kind.letter().to_string(), counted.rows, counted.asked]);
    tx.execute_many(text, rows.collect::<Vec<_>>()).await?;
    Ok(())
}

fn property_type(letter: &str) -> Result<PropertyType> {
    PropertyType::of_letter(letter).ok_or_else(|| Error::Damaged(format!("unknown property type {letter}")))
}

/// The changes of a workspace that some file may not have yet.
pub(crate) async fn changes(db: &mut impl Queries, workspace: WorkspaceId, revision: i64) -> Result<Changes> {
    let mut changes = Changes::at(revision);
    let text =
        sql!("SELECT handle, from_person, to_person, revision FROM lake_move WHERE workspace = $1 ORDER BY revision");
    let moves: Vec<(Handle, PersonId, Option<PersonId>, i64)> = db.fetch_all(text, args![workspace]).await?;
    for (handle, from, to, revision) in moves {
        changes.apply_move(Move { handle, from, to }, revision);
    }
    let text = sql!("SELECT event_id, revision, log_position FROM lake_dead WHERE workspace = $1");
    let dead: Vec<([u8; 16], i64, i64)> = db.fetch_all(text, args![workspace]).await?;
    for (event, revision, position) in dead {
        changes.apply_dead(EventId(event), Dead { revision, position });
    }
    Ok(changes)
}

/// Takes the next revision of a workspace. Revisions have no gaps: a transaction that is rolled back gives its own back.
pub(crate) async fn next_revision(tx: &mut Tx, workspace: WorkspaceId) -> Result<i64> {
    ensure(tx, workspace).await?;
    let text = sql!("UPDATE lake_workspace SET revision = revision + 1 WHERE workspace = $1 RETURNING revision");
    Ok(tx.scalar(text, args![workspace]).await?)
}

/// Notes moves. All entries of a handle point to where it is now.
pub(crate) async fn add_moves(tx: &mut Tx, workspace: WorkspaceId, moves: &[Move], revision: i64) -> Result<()> {
    for change in moves {
        let text = sql!("UPDATE lake_move SET to_person = $3, revision = $4 WHERE workspace = $1 AND handle = $2");
        tx.execute(text, args![workspace, change.handle, change.to, revision]).await?;
    }
    let text = sql!(
        "INSERT INTO lake_move (workspace, handle, from_person, to_person, revision) VALUES {rows}
         ON CONFLICT (workspace, handle, from_person) DO UPDATE SET to_person = excluded.to_person, revision = excluded.revision"
    );
    for change in moves {
        let row = args![workspace, change.handle, change.from, change.to, revision];
        tx.execute_many(text.clone(), [row]).await?;
    }
    Ok(())
}

/// Notes superseded events.
pub(crate) async fn add_dead(tx: &mut Tx, workspace: WorkspaceId, events: &[EventId], dead: Dead) -> Result<()> {
    let text = sql!(
        "INSERT INTO lake_dead (workspace, event_id, revision, log_position) VALUES {rows}
         ON CONFLICT (workspace, event_id) DO NOTHING"
    );
    tx.execute_many(text, events.iter().map(|event| args![workspace, event.0, dead.revision, dead.position])).await?;
    Ok(())
}

/// Forgets changes that every file has, unless they changed again after `revision`.
pub(crate) async fn forget_changes(
    tx: &mut Tx,
    workspace: WorkspaceId,
    handles: &[Handle],
    events: &[EventId],
    revision: i64,
) -> Result<()> {
    let text = sql!("DELETE FROM lake_move WHERE workspace = $1 AND handle IN ($2) AND revision <= $3");
    tx.execute(text, args![workspace, handles, revision]).await?;
    for event in events {
        let text = sql!("DELETE FROM lake_dead WHERE workspace = $1 AND event_id = $2 AND revision <= $3");
        tx.execute(text, args![workspace, event.0, revision]).await?;
    }
    Ok(())
}

fn integer(count: usize) -> i64 {
    i64::try_from(count).expect("fewer than 2^63")
}
