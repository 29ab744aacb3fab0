//! Identifiers: every name a person goes by, its handle, and the person it belongs to now.

use rapport_domain::{Handle, Identifier, IdentifierKind, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored identifier.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct IdentifierRow {
    /// The kind's word.
    pub kind: String,
    /// The name itself.
    pub value: String,
    /// Its handle.
    pub handle: Handle,
    /// Whose it is.
    pub person: PersonId,
    /// The source that named it first.
    pub source: SourceId,
    /// Of the events it was primary in (or the first that named it).
    pub first_seen_at: Timestamp,
    /// Of the events it was primary in.
    pub last_seen_at: Timestamp,
    /// How many events it was primary in.
    pub events: i64,
    /// Up to which position of the log they are counted here.
    pub counted_through: i64,
}

impl IdentifierRow {
    /// Kind and value.
    pub fn identifier(&self) -> Identifier {
        let kind = IdentifierKind::parse(&self.kind).unwrap_or(IdentifierKind::UserId);
        Identifier { kind, value: self.value.clone() }
    }
}

/// Those of `values` that are known, of one kind.
pub async fn by_values(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    kind: IdentifierKind,
    values: &[String],
) -> Result<Vec<IdentifierRow>> {
    let text = sql!(
        "SELECT kind, value, handle, person, source, first_seen_at, last_seen_at, events, counted_through FROM identifiers
         WHERE workspace = $1 AND kind = $2 AND value IN ($3)"
    );
    db.fetch_all(text, args![workspace, kind.as_str(), values]).await
}

/// The identifiers behind these handles.
pub async fn by_handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
) -> Result<Vec<IdentifierRow>> {
    let text = sql!(
        "SELECT kind, value, handle, person, source, first_seen_at, last_seen_at, events, counted_through FROM identifiers
         WHERE workspace = $1 AND handle IN ($2) ORDER BY handle"
    );
    db.fetch_all(text, args![workspace, handles]).await
}

/// All identifiers of these persons.
pub async fn by_persons(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<Vec<IdentifierRow>> {
    let text = sql!(
        "SELECT kind, value, handle, person, source, first_seen_at, last_seen_at, events, counted_through FROM identifiers
         WHERE workspace = $1 AND person IN ($2) ORDER BY first_seen_at, handle"
    );
    db.fetch_all(text, args![workspace, persons]).await
}

/// People from the first number on, which are drawn by chance: the first so many are as good as any.
pub async fn some_persons(db: &mut impl Queries, workspace: WorkspaceId, limit: i64) -> Result<Vec<(PersonId,)>> {
    let text =
        sql!("SELECT DISTINCT person FROM identifiers WHERE workspace = $1 AND person >= 0 ORDER BY person LIMIT $2");
    db.fetch_all(text, args![workspace, limit]).await
}

/// When people came, from one number to another: (person, first event), ascending by person.
pub async fn births(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    first: PersonId,
    last: PersonId,
) -> Result<Vec<(PersonId, Timestamp)>> {
    let text = sql!(
        "SELECT person, MIN(first_seen_at) FROM identifiers WHERE workspace = $1 AND person >= $2 AND person <= $3
         GROUP BY person ORDER BY person"
    );
    db.fetch_all(text, args![workspace, first, last]).await
}

/// When these persons came.
pub async fn births_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<Vec<(PersonId, Timestamp)>> {
    let text = sql!(
        "SELECT person, MIN(first_seen_at) FROM identifiers WHERE workspace = $1 AND person IN ($2) GROUP BY person ORDER BY person"
    );
    db.fetch_all(text, args![workspace, persons]).await
}

/// Adds new identifiers.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[IdentifierRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO identifiers (workspace, kind, value, handle, person, source, first_seen_at, last_seen_at, events, counted_through)
         VALUES {rows}"
    );
    let rows = rows.iter().map(|r| {
        let (kind, value, seen) = (&r.kind, &r.value, (r.first_seen_at, r.last_seen_at));
        args![workspace, kind, value, r.handle, r.person, r.source, seen.0, seen.1, r.events, r.counted_through]
    });
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// What batches add to an identifier's activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Earliest event.
    pub first: Timestamp,
    /// Latest event.
    pub last: Timestamp,
    /// How many events.
    pub events: i64,
}

impl Activity {
    /// One event.
    pub const fn once(at: Timestamp) -> Self {
        Self { first: at, last: at, events: 1 }
    }

    /// Adds more.
    pub fn add(&mut self, more: Self) {
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
        self.events += more.events;
    }

    /// Adds it to an identifier that is not recorded yet.
    pub fn add_to(self, row: &mut IdentifierRow) {
        row.first_seen_at = row.first_seen_at.min(self.first);
        row.last_seen_at = row.last_seen_at.max(self.last);
        row.events += self.events;
    }
}

/// Adds activity up to a position of the log to the identifiers that have not been counted so far yet.
pub async fn add_activity(
    tx: &mut Tx,
    workspace: WorkspaceId,
    activity: &[(Handle, Activity)],
    position: i64,
) -> Result<()> {
    // Apart, because it is rarely so, and an index has it.
    let earlier = sql!(
        "WITH added (workspace, handle, first_at, position) AS (VALUES {rows})
         UPDATE identifiers SET first_seen_at = added.first_at
         FROM added WHERE identifiers.workspace = added.workspace AND identifiers.handle = added.handle
           AND identifiers.counted_through < added.position AND identifiers.first_seen_at > added.first_at"
    );
    tx.execute_many(earlier, activity.iter().map(|(handle, a)| args![workspace, *handle, a.first, position])).await?;
    let text = sql!(
        "WITH added (workspace, handle, last_at, events, position) AS (VALUES {rows})
         UPDATE identifiers SET
           last_seen_at = CASE WHEN last_seen_at > added.last_at THEN last_seen_at ELSE added.last_at END,
           events = identifiers.events + added.events, counted_through = added.position
         FROM added WHERE identifiers.workspace = added.workspace AND identifiers.handle = added.handle
           AND identifiers.counted_through < added.position"
    );
    let rows = activity.iter().map(|(handle, a)| args![workspace, *handle, a.last, a.events, position]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// Gives identifiers to persons.
pub async fn assign(tx: &mut Tx, workspace: WorkspaceId, assigned: &[(Handle, PersonId)]) -> Result<()> {
    let text = sql!(
        "WITH assigned (workspace, handle, person) AS (VALUES {rows})
         UPDATE identifiers SET person = assigned.person
         FROM assigned WHERE identifiers.workspace = assigned.workspace AND identifiers.handle = assigned.handle"
    );
    let rows = assigned.iter().map(|(handle, person)| args![workspace, *handle, *person]);
    tx.execute_many(text, rows).await?;
    Ok(())
}
