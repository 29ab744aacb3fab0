//! Notes as they are stored.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored note.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct NoteRow {
    /// Its name.
    pub id: String,
    /// A word of [`super::Kind`].
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// When it was.
    pub held_at: Timestamp,
    /// From 1 on.
    pub revision: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was saved last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

/// A passage of a note.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct PassageRow {
    /// Of which note.
    pub note: String,
    /// Where it stands, from 0.
    pub place: i64,
    /// Whose words they are; nobody's is 0.
    pub handle: Handle,
    /// How that person agreed to it.
    pub consent: String,
    /// The words without personal data.
    pub text: String,
    /// Keys of topics with a space between.
    pub topics: String,
}

impl PassageRow {
    /// The keys of its topics.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.topics.split(' ').filter(|key| !key.is_empty())
    }
}

/// Saves a note with its passages, if it is at the revision before still (0: it is new); whether it was.
///
/// # Errors
/// The store's.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, note: &NoteRow, passages: &[PassageRow]) -> Result<bool> {
    let changed = if note.revision == 1 {
        let text = sql!(
            "INSERT INTO notes (id, workspace, kind, title, held_at, revision, created_at, updated_at, updated_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"
        );
        let args = args![
            &note.id,
            workspace,
            &note.kind,
            &note.title,
            note.held_at,
            note.revision,
            note.created_at,
            note.updated_at,
            &note.updated_by
        ];
        tx.execute(text, args).await?
    } else {
        let text = sql!(
            "UPDATE notes SET kind = $3, title = $4, held_at = $5, revision = $6, updated_at = $7, updated_by = $8
             WHERE id = $1 AND workspace = $2 AND revision = $9"
        );
        let args = args![
            &note.id,
            workspace,
            &note.kind,
            &note.title,
            note.held_at,
            note.revision,
            note.updated_at,
            &note.updated_by,
            note.revision - 1
        ];
        tx.execute(text, args).await?
    };
    if changed == 0 {
        return Ok(false);
    }
    clear(tx, workspace, &note.id).await?;
    let text = sql!("INSERT INTO note_passages (note, workspace, place, handle, consent, text, topics) VALUES {rows}");
    let rows =
        passages.iter().map(|it| args![&it.note, workspace, it.place, it.handle, &it.consent, &it.text, &it.topics]);
    tx.execute_many(text, rows).await?;
    Ok(true)
}

async fn clear(tx: &mut Tx, workspace: WorkspaceId, note: &str) -> Result<()> {
    let text = sql!("DELETE FROM note_passages WHERE note = $1 AND workspace = $2");
    tx.execute(text, args![note, workspace]).await?;
    Ok(())
}

/// Deletes a note; whether there was one.
///
/// # Errors
/// The store's.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, note: &str) -> Result<bool> {
    clear(tx, workspace, note).await?;
    let text = sql!("DELETE FROM notes WHERE id = $1 AND workspace = $2");
    Ok(tx.execute(text, args![note, workspace]).await? > 0)
}

/// One of them.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, note: &str) -> Result<Option<NoteRow>> {
    let text = sql!(
        "SELECT id, kind, title, held_at, revision, created_at, updated_at, updated_by FROM notes WHERE id = $1 AND workspace = $2"
    );
    db.fetch_optional(text, args![note, workspace]).await
}

/// The passages of one, in their order.
///
/// # Errors
/// The store's.
pub async fn passages(db: &mut impl Queries, workspace: WorkspaceId, note: &str) -> Result<Vec<PassageRow>> {
    let text = sql!(
        "SELECT note, place, handle, consent, text, topics FROM note_passages WHERE note = $1 AND workspace = $2 ORDER BY place"
    );
    db.fetch_all(text, args![note, workspace]).await
}

/// Notes, the latest first, behind the last that was shown: (when it was, its name).
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    after: Option<(Timestamp, String)>,
    limit: i64,
) -> Result<Vec<NoteRow>> {
    let (at, id) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let text = sql!(
        "SELECT id, kind, title, held_at, revision, created_at, updated_at, updated_by FROM notes
         WHERE workspace = $1 AND held_at <= $2 AND (held_at < $2 OR id > $3) ORDER BY held_at DESC, id LIMIT $4"
    );
    db.fetch_all(text, args![workspace, at, id, limit]).await
}

/// The passages that are in a topic, of the latest notes first, with what the note is called.
///
/// # Errors
/// The store's.
pub async fn quotes(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    topics: &[String],
    limit: i64,
) -> Result<Vec<(NoteRow, PassageRow)>> {
    let text = sql!(
        "SELECT p.note, p.place, p.handle, p.consent, p.text, p.topics FROM notes n JOIN note_passages p ON p.note = n.id AND p.workspace = n.workspace
         WHERE n.workspace = $1 AND p.topics <> '' ORDER BY n.held_at DESC, n.id, p.place"
    );
    let all: Vec<PassageRow> = db.fetch_all(text, args![workspace]).await?;
    let is_of = |row: &PassageRow| row.topics().any(|key| topics.iter().any(|wanted| wanted == key));
    let mut found: Vec<(NoteRow, PassageRow)> = Vec::new();
    for row in all.into_iter().filter(is_of).take(usize::try_from(limit).unwrap_or(0)) {
        let known = found.iter().find(|it| it.0.id == row.note).map(|it| it.0.clone());
        let note = match known {
            Some(known) => Some(known),
            None => find(db, workspace, &row.note).await?,
        };
        found.extend(note.map(|note| (note, row)));
    }
    Ok(found)
}

/// How many passages are in one of these topics.
///
/// # Errors
/// The store's.
pub async fn count_of(db: &mut impl Queries, workspace: WorkspaceId, topics: &[String]) -> Result<i64> {
    let text = sql!("SELECT topics FROM note_passages WHERE workspace = $1 AND topics <> ''");
    let all: Vec<(String,)> = db.fetch_all(text, args![workspace]).await?;
    let is_of = |(keys,): &&(String,)| keys.split(' ').any(|key| topics.iter().any(|it| it == key));
    Ok(i64::try_from(all.iter().filter(is_of).count()).unwrap_or(i64::MAX))
}
