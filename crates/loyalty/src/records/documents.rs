//! Every version of what staff write, and which was in force when.
//!
//! Always holds: a version is added with each change and never altered, so that what happened is judged by what was in force then; what is saved can be reckoned with
//! in the programme of that moment.
//!
//! Does not: know what any of them says. Each is a [`Document`] of the module that reckons with it.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Tx, args, sql};
use serde_json::Value;

use super::{head, programs};
use crate::Error;
use crate::document::{Document, State};
use crate::program::Program;

/// A version of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Version<D> {
    /// From 1.
    pub version: i64,
    /// Whether it counts.
    pub state: State,
    /// What it says.
    pub document: D,
    /// From when on it holds.
    pub in_force_from: Timestamp,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// Who did.
    pub saved_by: String,
}

/// When something holds from, when it was saved, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a> {
    /// From when on it holds: the present, unless the past of a programme is being told.
    pub in_force_from: Timestamp,
    /// The present.
    pub at: Timestamp,
    /// A user's id.
    pub by: &'a str,
}

#[derive(Record)]
struct Row {
    version: i64,
    state: String,
    definition: Value,
    in_force_from: Timestamp,
    saved_at: Timestamp,
    saved_by: String,
}

impl Row {
    fn read<D: Document>(self) -> rapport_store::Result<Version<D>> {
        let document = serde_json::from_value(self.definition).map_err(|_| unreadable("definition"))?;
        let state = State::read(&self.state).ok_or_else(|| unreadable("state"))?;
        let Self { version, in_force_from, saved_at, saved_by, .. } = self;
        Ok(Version { version, state, document, in_force_from, saved_at, saved_by })
    }
}

pub(super) fn unreadable(column: &str) -> rapport_store::Error {
    rapport_store::Error::Decode { column: column.into(), reason: "this program cannot read it".into() }
}

/// Every version of every document of a kind, the oldest of each first.
///
/// # Errors
/// The store's; that this program cannot read one.
pub async fn versions<D: Document>(
    db: &mut impl Queries,
    workspace: WorkspaceId,
) -> rapport_store::Result<Vec<Version<D>>> {
    let text = sql!(
        "SELECT version, state, definition, in_force_from, saved_at, saved_by FROM loyalty_documents WHERE workspace = $1 AND kind = $2 ORDER BY key, version"
    );
    let rows: Vec<Row> = db.fetch_all(text, args![workspace, D::KIND]).await?;
    rows.into_iter().map(Row::read).collect()
}

/// Every version of one document, the oldest first.
///
/// # Errors
/// As [`versions`].
pub async fn versions_of<D: Document>(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    key: &str,
) -> rapport_store::Result<Vec<Version<D>>> {
    let text = sql!(
        "SELECT version, state, definition, in_force_from, saved_at, saved_by FROM loyalty_documents WHERE workspace = $1 AND kind = $2 AND key = $3 ORDER BY version"
    );
    let rows: Vec<Row> = db.fetch_all(text, args![workspace, D::KIND, key]).await?;
    rows.into_iter().map(Row::read).collect()
}

/// Saves a document as the version behind `seen` (0 of a new one).
///
/// # Errors
/// [`Error::NotFound`] without a programme, [`Error::Invalid`] when it cannot be reckoned with or there are too many, [`Error::Stale`] when somebody saved
/// meanwhile; the store's.
pub async fn save<D: Document>(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (document, state): (&D, State),
    seen: i64,
    saved: Saved<'_>,
) -> Result<(), Error> {
    let missing = || Error::NotFound { what: "programme", key: "program".to_owned() };
    let program = programs::versions(tx, workspace).await?.pop().ok_or_else(missing)?.program;
    document.check(&program)?;
    head::settings_changed(tx, workspace).await?;
    let all = latest_of_each(versions::<D>(tx, workspace).await?);
    let found = all.iter().find(|it| it.document.key() == document.key()).map_or(0, |it| it.version);
    if found != seen {
        return Err(Error::Stale { key: document.key().to_owned(), found });
    }
    let others = all.iter().filter(|it| it.state != State::Ended && it.document.key() != document.key()).count();
    if state != State::Ended && others >= D::MOST {
        let problem = format!("a programme has at most {} of kind `{}`; end one first", D::MOST, D::KIND);
        return Err(Error::invalid("key", problem));
    }
    let add = sql!(
        "INSERT INTO loyalty_documents (workspace, kind, key, version, state, definition, in_force_from, saved_at, saved_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    let Saved { in_force_from, at, by } = saved;
    let definition = Json(document.clone());
    let row = args![workspace, D::KIND, document.key(), seen + 1, state.key(), definition, in_force_from, at, by];
    tx.execute(add, row).await?;
    Ok(())
}

/// Refuses a programme in which a document that is not ended could not be reckoned with any more.
///
/// # Errors
/// [`Error::Invalid`] with the document's key; the store's.
pub(super) async fn refuse_stranding<D: Document>(
    tx: &mut Tx,
    workspace: WorkspaceId,
    program: &Program,
) -> Result<(), Error> {
    for version in latest_of_each(versions::<D>(tx, workspace).await?) {
        if version.state == State::Ended {
            continue;
        }
        if let Err(error) = version.document.check(program) {
            let (kind, key) = (D::KIND, version.document.key());
            let problem = format!("the {kind} `{key}` could not be reckoned with any more: {error}");
            return Err(Error::invalid("program", problem));
        }
    }
    Ok(())
}

/// The latest version of each, in the order in which they are looked at.
pub fn latest_of_each<D: Document>(versions: Vec<Version<D>>) -> Vec<Version<D>> {
    let latest: BTreeMap<String, Version<D>> =
        versions.into_iter().map(|it| (it.document.key().to_owned(), it)).collect();
    let mut latest: Vec<Version<D>> = latest.into_values().collect();
    latest.sort_by_key(|it| it.document.place());
    latest
}

/// Those in force at an instant, of all versions as [`versions`] lists them.
pub fn in_force<D: Document>(all: &[Version<D>], at: Timestamp) -> impl Iterator<Item = &Version<D>> {
    let held = move |versions: &[Version<D>]| versions.iter().rposition(|it| it.in_force_from <= at);
    all.chunk_by(|one, other| one.document.key() == other.document.key())
        .filter_map(move |versions| versions.get(held(versions)?))
        .filter(|version| version.state == State::Live)
}
