//! Facts: what is held true of a person, since when, and since when we know it. Kept by handle, so that joining and parting persons
//! moves no fact.
//!
//! What holds about consent is asked for in the same way, and read from what was said ([`super::consents`]).

use rapport_domain::{EventId, Handle, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::consents::{self, Whose};

/// A stored fact.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct FactRow {
    /// Whose (by identifier).
    pub handle: Handle,
    /// E.g. `trait.country`.
    pub fact_key: String,
    /// From when it is true.
    pub valid_from: Timestamp,
    /// When we learned of it.
    pub recorded_at: Timestamp,
    /// JSON.
    pub value: String,
    /// Who said so.
    pub source: SourceId,
    /// Which event said so.
    pub event_id: [u8; 16],
}

impl FactRow {
    /// The event that said so.
    pub const fn event(&self) -> EventId {
        EventId(self.event_id)
    }
}

/// All facts of these handles, in the order in which the later overrules the earlier.
pub async fn of_handles(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<FactRow>> {
    let text = sql!(
        "SELECT handle, fact_key, valid_from, recorded_at, value, source, event_id FROM facts
         WHERE +workspace = $1 AND handle IN ($2) ORDER BY fact_key, valid_from, recorded_at, handle"
    );
    db.fetch_all(text, args![workspace, handles]).await
}

/// The present values of some keys for every person: (person, key, value as JSON). For filters and breakdowns.
pub async fn current_by_person(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    keys: &[String],
    valid_at: Timestamp,
) -> Result<Vec<(PersonId, String, String)>> {
    let text = sql!(
        "SELECT person, fact_key, value FROM (
           SELECT i.person AS person, f.fact_key AS fact_key, f.value AS value,
                  ROW_NUMBER() OVER (PARTITION BY i.person, f.fact_key ORDER BY f.valid_from DESC, f.recorded_at DESC, f.handle DESC) AS place
           FROM facts f JOIN identifiers i ON i.workspace = f.workspace AND i.handle = f.handle
           WHERE f.workspace = $1 AND f.fact_key IN ($2) AND f.valid_from <= $3) ranked
         WHERE place = 1"
    );
    let (asked, keys) = consents::split(keys);
    let mut found = consents::current(db, workspace, &asked, Whose::EVERYBODY, valid_at).await?;
    if !keys.is_empty() {
        let told: Vec<(PersonId, String, String)> = db.fetch_all(text, args![workspace, &keys, valid_at]).await?;
        found.extend(told);
    }
    found.sort_unstable();
    Ok(found)
}

/// The present facts of some people: (person, key, value as JSON).
pub async fn current_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
    valid_at: Timestamp,
) -> Result<Vec<(PersonId, String, String)>> {
    let text = sql!(
        "SELECT person, fact_key, value FROM (
           SELECT i.person AS person, f.fact_key AS fact_key, f.value AS value,
                  ROW_NUMBER() OVER (PARTITION BY i.person, f.fact_key ORDER BY f.valid_from DESC, f.recorded_at DESC, f.handle DESC) AS place
           FROM identifiers i CROSS JOIN facts f
           WHERE i.workspace = $1 AND i.person IN ($2) AND f.workspace = i.workspace AND f.handle = i.handle AND f.valid_from <= $3) ranked
         WHERE place = 1 ORDER BY person, fact_key"
    );
    db.fetch_all(text, args![workspace, persons, valid_at]).await
}

/// The present values of some keys of some people: (person, key, value as JSON).
pub async fn current_keys_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
    keys: &[String],
    valid_at: Timestamp,
) -> Result<Vec<(PersonId, String, String)>> {
    let text = sql!(
        "SELECT person, fact_key, value FROM (
           SELECT i.person AS person, f.fact_key AS fact_key, f.value AS value,
                  ROW_NUMBER() OVER (PARTITION BY i.person, f.fact_key ORDER BY f.valid_from DESC, f.recorded_at DESC, f.handle DESC) AS place
           FROM identifiers i CROSS JOIN facts f
           WHERE i.workspace = $1 AND i.person IN ($2) AND f.workspace = i.workspace AND f.handle = i.handle AND f.fact_key IN ($3)
             AND f.valid_from <= $4) ranked
         WHERE place = 1"
    );
    let (asked, keys) = consents::split(keys);
    let mut found = consents::current(db, workspace, &asked, Whose::These(persons), valid_at).await?;
    if !keys.is_empty() {
        let told: Vec<(PersonId, String, String)> =
            db.fetch_all(text, args![workspace, persons, &keys, valid_at]).await?;
        found.extend(told);
    }
    found.sort_unstable();
    Ok(found)
}

/// Whose present value of a key begins so, as JSON: (person, value). `like` is a pattern of SQL, in which `_` is any letter.
pub async fn persons_like(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    key: &str,
    like: &str,
    valid_at: Timestamp,
) -> Result<Vec<(PersonId, String)>> {
    let text = sql!(
        "SELECT person, value FROM (
           SELECT i.person AS person, f.value AS value,
                  ROW_NUMBER() OVER (PARTITION BY i.person ORDER BY f.valid_from DESC, f.recorded_at DESC, f.handle DESC) AS place
           FROM facts f JOIN identifiers i ON i.workspace = f.workspace AND i.handle = f.handle
           WHERE f.workspace = $1 AND f.fact_key = $2 AND f.valid_from <= $4) ranked
         WHERE place = 1 AND value LIKE $3 ORDER BY person"
    );
    db.fetch_all(text, args![workspace, key, like, valid_at]).await
}

/// Everything ever told about some keys of people from one number to another, in the order in which the later overrules the earlier: (person, key,
/// when, value as JSON).
pub async fn histories(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    keys: &[String],
    first: PersonId,
    last: PersonId,
) -> Result<Vec<History>> {
    let (asked, keys) = consents::split(keys);
    let stood = consents::histories(db, workspace, &asked, Whose::Range(first, last)).await?;
    if keys.is_empty() {
        return Ok(stood);
    }
    if (first, last) == (PersonId(0), PersonId(i64::MAX)) {
        let text = sql!(
            "SELECT i.person, f.fact_key, f.valid_from, f.value FROM facts f
             JOIN identifiers i ON i.workspace = f.workspace AND i.handle = f.handle
             WHERE f.workspace = $1 AND f.fact_key IN ($2)
             ORDER BY i.person, f.valid_from, f.recorded_at, f.handle"
        );
        return Ok(together(db.fetch_all(text, args![workspace, &keys]).await?, stood));
    }
    let text = sql!(
        "SELECT i.person, f.fact_key, f.valid_from, f.value FROM identifiers i
         CROSS JOIN facts f
         WHERE i.workspace = $1 AND i.person >= $3 AND i.person <= $4 AND f.workspace = i.workspace AND f.handle = i.handle
           AND f.fact_key IN ($2)
         ORDER BY i.person, f.valid_from, f.recorded_at, f.handle"
    );
    Ok(together(db.fetch_all(text, args![workspace, &keys, first, last]).await?, stood))
}

/// A fact as it was told, with when it was known.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ToldRow {
    /// Of whom.
    pub person: PersonId,
    /// Which.
    pub fact_key: String,
    /// From when it is true.
    pub valid_from: Timestamp,
    /// When we learned of it.
    pub recorded_at: Timestamp,
    /// JSON.
    pub value: String,
    /// Who said so.
    pub source: SourceId,
}

/// All that was told of some keys, of the people from one number to another, also what was told anew of the same instant. Consent is none of them.
pub async fn told(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    keys: &[String],
    (first, last): (PersonId, PersonId),
) -> Result<Vec<ToldRow>> {
    let text = sql!(
        "SELECT i.person AS person, f.fact_key AS fact_key, f.valid_from AS valid_from, f.recorded_at AS recorded_at,
                f.value AS value, f.source AS source
         FROM facts f JOIN identifiers i ON i.workspace = f.workspace AND i.handle = f.handle
         WHERE f.workspace = $1 AND f.fact_key IN ($2) AND i.person >= $3 AND i.person <= $4
         ORDER BY i.person, f.valid_from, f.recorded_at, f.handle, f.fact_key"
    );
    db.fetch_all(text, args![workspace, keys, first, last]).await
}

/// The same of some people.
pub async fn histories_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    keys: &[String],
    persons: &[PersonId],
) -> Result<Vec<History>> {
    let (asked, keys) = consents::split(keys);
    let stood = consents::histories(db, workspace, &asked, Whose::These(persons)).await?;
    if keys.is_empty() {
        return Ok(stood);
    }
    let text = sql!(
        "SELECT i.person, f.fact_key, f.valid_from, f.value FROM identifiers i
         CROSS JOIN facts f
         WHERE i.workspace = $1 AND i.person IN ($3) AND f.workspace = i.workspace AND f.handle = i.handle AND f.fact_key IN ($2)
         ORDER BY i.person, f.valid_from, f.recorded_at, f.handle"
    );
    Ok(together(db.fetch_all(text, args![workspace, &keys, persons]).await?, stood))
}

/// What was told of somebody, and when: (person, key, when, value as JSON).
pub type History = (PersonId, String, Timestamp, String);

/// Both in one order; what is of one instant stays in its own.
fn together(mut told: Vec<History>, stood: Vec<History>) -> Vec<History> {
    if !stood.is_empty() {
        told.extend(stood);
        told.sort_by_key(|(person, _, at, _)| (*person, *at));
    }
    told
}

/// The keys in use, with how many handles have them.
pub async fn keys(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, i64)>> {
    let text = sql!(
        "SELECT fact_key, COUNT(DISTINCT handle) FROM facts WHERE workspace = $1 GROUP BY fact_key ORDER BY fact_key"
    );
    let mut keys: Vec<(String, i64)> = db.fetch_all(text, args![workspace]).await?;
    keys.extend(consents::keys(db, workspace).await?);
    keys.sort_unstable();
    Ok(keys)
}

/// Adds facts. The very same statement again changes nothing.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[FactRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO facts (workspace, handle, fact_key, valid_from, recorded_at, value, source, event_id) VALUES {rows}
         ON CONFLICT (workspace, handle, fact_key, valid_from, recorded_at) DO UPDATE SET
           value = excluded.value, event_id = excluded.event_id, source = excluded.source"
    );
    let rows = rows
        .iter()
        .map(|r| args![workspace, r.handle, &r.fact_key, r.valid_from, r.recorded_at, &r.value, r.source, r.event_id]);
    tx.execute_many(text, rows).await?;
    Ok(())
}
