//! Writing surveys, opening and closing them.
//!
//! Always holds: what people answer passed its check; whoever saves says which revision they looked at; a wave never opens twice.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::Tx;
use rapport_store::outbox::Event;
use serde_json::json;

use super::Author;
use crate::Error;
use crate::records::rounds;
use crate::records::surveys::{self, CLOSED, DRAFT, OPEN, PAUSED, SurveyRow};
use crate::survey::{Definition, Severity, Trigger, check};
use rapport_domain::plain::{KEY_MAX, is_key};

/// The domain event of every change, for whoever keeps surveys in memory. Its payload: `survey` (number), `key`, `state`, `version`.
pub const SAVED: &str = "survey.saved";
/// The longest name, in letters.
const MOST_NAME: usize = 200;

/// What can be done with a survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Let people answer what was written last.
    Publish,
    /// Let it take answers, for the first time or again; what was written last is published if nothing is yet.
    Open,
    /// Take no answers for now.
    Pause,
    /// Take no answers any more.
    Close,
    /// Begin the next round: whoever was asked in the last one can be asked again.
    Wave,
}

impl Act {
    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "publish" => Self::Publish,
            "open" => Self::Open,
            "pause" => Self::Pause,
            "close" => Self::Close,
            "wave" => Self::Wave,
            _ => return None,
        })
    }
}

/// Makes a survey, as a draft.
///
/// # Errors
/// What is wrong with its key or name, [`Error::Exists`], or the store's.
pub async fn create(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (key, name): (&str, &str),
    definition: &Definition,
    author: Author<'_>,
) -> Result<SurveyRow, Error> {
    if !is_key(key) {
        return Err(Error::invalid("key", format!("1 to {KEY_MAX} small letters, digits, `-` and `_`")));
    }
    if surveys::find(tx, workspace, key).await?.is_some() {
        return Err(Error::Exists { key: key.to_owned() });
    }
    let row = SurveyRow {
        survey: surveys::next_number(tx, workspace).await?,
        key: key.to_owned(),
        name: named(name)?,
        state: DRAFT.to_owned(),
        revision: 1,
        version: 1,
        published: None,
        wave: 1,
        kind: definition.asking.kind.as_str().to_owned(),
        created_at: author.at,
        updated_at: author.at,
        updated_by: author.by.to_owned(),
        opened_at: None,
        closes_at: None,
        closed_at: None,
    };
    surveys::insert(tx, workspace, &row).await?;
    surveys::insert_version(tx, workspace, &row, definition).await?;
    tx.emit(saved(workspace, &row));
    Ok(row)
}

/// Saves what it asks, as the next version; people go on answering the published one. `seen` is the revision that was looked at.
///
/// # Errors
/// What is wrong with its name, [`Error::Stale`], [`Error::Transition`] for one that is closed, or the store's.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    key: &str,
    (name, closes_at): (&str, Option<Timestamp>),
    definition: &Definition,
    seen: i64,
    author: Author<'_>,
) -> Result<SurveyRow, Error> {
    let mut row = at_revision(tx, workspace, key, seen).await?;
    if row.state == CLOSED {
        return Err(Error::Transition { from: "closed", act: "changed", instead: "make a copy of it" });
    }
    let latest = surveys::version(tx, workspace, row.survey, row.version).await?;
    let is_new = latest.as_ref() != Some(definition);
    row = next(row, author);
    row.name = named(name)?;
    row.closes_at = closes_at;
    if is_new {
        row.version += 1;
    }
    if row.published.is_none() {
        row.kind = definition.asking.kind.as_str().to_owned();
    }
    store(tx, workspace, &row).await?;
    if is_new {
        surveys::insert_version(tx, workspace, &row, definition).await?;
    }
    Ok(row)
}

/// Publishes, opens, pauses, closes it, or begins its next wave. `seen` is the revision that was looked at.
///
/// # Errors
/// [`Error::Unready`] with what is wrong with it, [`Error::Transition`], [`Error::Stale`], or the store's.
pub async fn act(
    tx: &mut Tx,
    workspace: WorkspaceId,
    key: &str,
    act: Act,
    seen: i64,
    author: Author<'_>,
) -> Result<SurveyRow, Error> {
    let row = at_revision(tx, workspace, key, seen).await?;
    let state = after(&row.state, act)?;
    let publishes = act == Act::Publish || (act == Act::Open && row.published.is_none());
    let mut row = next(row, author);
    if publishes {
        let missing = || Error::NotFound { what: "version", key: row.version.to_string() };
        let definition = surveys::version(tx, workspace, row.survey, row.version).await?.ok_or_else(missing)?;
        let findings = check(&definition);
        if findings.iter().any(|it| it.severity == Severity::Error) {
            return Err(Error::Unready(findings));
        }
        row.published = Some(row.version);
        row.kind = definition.asking.kind.as_str().to_owned();
    }
    match act {
        Act::Open => row.opened_at = row.opened_at.or(Some(author.at)),
        Act::Close => row.closed_at = Some(author.at),
        Act::Wave => row.wave += 1,
        Act::Publish | Act::Pause => {}
    }
    if act == Act::Open && row.closes_at.is_some_and(|end| end <= author.at) {
        return Err(Error::invalid("closes_at", "it is over; set a later end, or none, then open it"));
    }
    row.state = state.to_owned();
    store(tx, workspace, &row).await?;
    if row.state == OPEN
        && let Some(version) = row.published
        && let Some(definition) = surveys::version(tx, workspace, row.survey, version).await?
        && matches!(definition.asking.when, Some(Trigger::Members { .. }))
    {
        rounds::begin(tx, workspace, (row.survey, row.wave), author.at).await?;
    }
    Ok(row)
}

fn after(from: &str, act: Act) -> Result<&'static str, Error> {
    let from = [DRAFT, OPEN, PAUSED, CLOSED].into_iter().find(|it| *it == from).unwrap_or(PAUSED);
    let refused = |act, instead| Err(Error::Transition { from, act, instead });
    match (from, act) {
        (CLOSED, Act::Close) => refused("closed", "it is closed already"),
        (CLOSED, _) => refused("opened or changed", "make a copy of it: its answers stay as they are"),
        (OPEN, Act::Open) => refused("opened", "it is open already"),
        (DRAFT, Act::Pause) => refused("paused", "only what is open can be paused"),
        (PAUSED, Act::Pause) => refused("paused", "it is paused already"),
        (DRAFT, Act::Wave) => refused("repeated", "open it first: its first wave has not begun"),
        (_, Act::Open) => Ok(OPEN),
        (_, Act::Pause) => Ok(PAUSED),
        (_, Act::Close) => Ok(CLOSED),
        (_, Act::Publish | Act::Wave) => Ok(from),
    }
}

fn named(name: &str) -> Result<String, Error> {
    let name = rapport_domain::plain::one_line(name, MOST_NAME);
    if name.is_empty() { Err(Error::invalid("name", "give it a name")) } else { Ok(name) }
}

async fn at_revision(tx: &mut Tx, workspace: WorkspaceId, key: &str, seen: i64) -> Result<SurveyRow, Error> {
    let found = surveys::find(tx, workspace, key).await?;
    let row = found.ok_or_else(|| Error::NotFound { what: "survey", key: key.to_owned() })?;
    if row.revision == seen { Ok(row) } else { Err(Error::Stale { key: row.key, found: row.revision }) }
}

fn next(old: SurveyRow, author: Author<'_>) -> SurveyRow {
    SurveyRow { revision: old.revision + 1, updated_at: author.at, updated_by: author.by.to_owned(), ..old }
}

async fn store(tx: &mut Tx, workspace: WorkspaceId, row: &SurveyRow) -> Result<(), Error> {
    if !surveys::update(tx, workspace, row).await? {
        return Err(Error::Stale { key: row.key.clone(), found: row.revision });
    }
    tx.emit(saved(workspace, row));
    Ok(())
}

fn saved(workspace: WorkspaceId, row: &SurveyRow) -> Event {
    let payload = json!({"survey": row.survey, "key": row.key, "state": row.state, "version": row.version});
    Event::new(workspace, SAVED, payload)
}
