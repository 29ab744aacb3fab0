//! Making, changing, starting and ending experiments: each a check, a new version and a domain event, in the caller's transaction.
//!
//! Always holds: what runs passed its checks; who did what when is in the versions; places of a group are taken under its lock, so two experiments never
//! get the same.

use rapport_domain::{Rng, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Json, Tx};
use serde_json::json;

use crate::change::{Change, change};
use crate::checks::{KEY_MAX, can_start, check, is_key, winner};
use crate::design::{Design, State, UnitKind};
use crate::error::Error;
use crate::groups::{Taken, fits};
use crate::records::experiments::{self, ExperimentRow};
use crate::records::groups::{self, GroupRow};
use crate::refusal::Refusal;

/// The domain event of every saved version, for whoever keeps experiments in memory. Its payload: `experiment` (number), `key`, `state`, `version`.
pub const SAVED: &str = "experiment.saved";

/// Who does something, and when.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The id of a user or key.
    pub by: &'a str,
    /// The present.
    pub at: Timestamp,
}

/// What can be done with an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act<'a> {
    /// Let it run, for the first time or again after a pause.
    Start,
    /// Give everybody the control for now.
    Pause,
    /// End it: everybody gets the control.
    Stop,
    /// End it: everybody gets this variant.
    Decide(&'a str),
}

/// Makes an experiment, as a draft.
///
/// # Errors
/// What is wrong with it, or the store's.
pub async fn create(
    tx: &mut Tx,
    workspace: WorkspaceId,
    key: &str,
    mut design: Design,
    author: Author<'_>,
    rng: &dyn Rng,
) -> Result<ExperimentRow, Error> {
    if !is_key(key) {
        return Err(Error::invalid("key", "key_form", [("most", KEY_MAX.to_string())]));
    }
    if design.salt.is_empty() {
        design.salt = format!("{key}-{:016x}", rng.next_u64());
    }
    check(&design)?;
    if experiments::find(tx, workspace, key).await?.is_some() {
        return Err(Error::Exists { key: key.to_owned() });
    }
    let number = experiments::next_number(tx, workspace).await?;
    let row = ExperimentRow::draft(number, key, design, author.at, author.by);
    take_places(tx, workspace, &row).await?;
    experiments::insert(tx, workspace, &row).await?;
    tx.emit(saved(workspace, &row));
    Ok(row)
}

/// Changes what staff wrote. `seen` is the version they looked at.
///
/// # Errors
/// What is wrong with it, what may not change any more, [`Error::Stale`] when somebody else saved meanwhile, or the store's.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    key: &str,
    mut design: Design,
    seen: i64,
    author: Author<'_>,
) -> Result<(ExperimentRow, Change), Error> {
    let old = at_version(tx, workspace, key, seen).await?;
    if design.salt.is_empty() {
        design.salt.clone_from(&old.design.0.salt);
    }
    check(&design)?;
    let experiment = old.experiment();
    let change = change(&experiment, &design)?;
    if !matches!(experiment.state, State::Draft | State::Stopped | State::Decided) {
        can_start(&design)?;
    }
    winner(&design, experiment.state, old.winner.as_deref())?;
    let mut row = next(old, author);
    row.design = Json(design);
    if change == Change::Anew {
        row.allocation = row.version;
    }
    store(tx, workspace, row).await.map(|row| (row, change))
}

/// Starts, pauses or ends it. `seen` is the version that was looked at.
///
/// # Errors
/// [`Error::Transition`], what is missing before it can start, [`Error::Stale`] when somebody else saved meanwhile, or the store's.
pub async fn act(
    tx: &mut Tx,
    workspace: WorkspaceId,
    key: &str,
    act: Act<'_>,
    seen: i64,
    author: Author<'_>,
) -> Result<ExperimentRow, Error> {
    let old = at_version(tx, workspace, key, seen).await?;
    let experiment = old.experiment();
    let state = after(experiment.state, act)?;
    let decided = if let Act::Decide(variant) = act { Some(variant) } else { None };
    winner(&experiment.design, state, decided)?;
    if state == State::Running {
        can_start(&experiment.design)?;
    }
    let mut row = next(old, author);
    if row.started_at.is_none() && state == State::Running {
        row.started_at = Some(author.at);
        row.allocation = row.version;
    }
    row.ended_at = state.is_over().then_some(author.at);
    row.winner = decided.map(str::to_owned);
    row.state = state.as_str().to_owned();
    store(tx, workspace, row).await
}

/// Makes an exclusion group.
///
/// # Errors
/// What is wrong with its key, or the store's.
pub async fn create_group(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (key, name, unit): (&str, &str, UnitKind),
    author: Author<'_>,
) -> Result<GroupRow, Error> {
    if !is_key(key) {
        return Err(Error::invalid("key", "key_form", [("most", KEY_MAX.to_string())]));
    }
    if name.trim().is_empty() || name.len() > 200 || name.contains('\0') {
        return Err(Error::invalid("name", "text_length", [("least", 1.to_string()), ("most", 200.to_string())]));
    }
    let row = GroupRow {
        key: key.to_owned(),
        name: name.to_owned(),
        unit: word(unit).to_owned(),
        revision: 1,
        created_at: author.at,
        created_by: author.by.to_owned(),
    };
    if groups::insert(tx, workspace, &row).await? { Ok(row) } else { Err(Error::Exists { key: key.to_owned() }) }
}

/// The places of a group that experiments have, but for one of them.
///
/// # Errors
/// The store's.
pub async fn taken(tx: &mut Tx, workspace: WorkspaceId, group: &str, but: i64) -> Result<Vec<Taken>, Error> {
    let rows = experiments::of_group(tx, workspace, group).await?;
    let others = rows.iter().filter(|row| row.experiment != but && !row.experiment().state.is_over());
    let taken = |row: &ExperimentRow| {
        let place = row.design.0.group.as_ref()?;
        Some(Taken { key: row.key.clone(), range: place.from..place.to })
    };
    Ok(others.filter_map(taken).collect())
}

/// What becomes of a state.
fn after(from: State, act: Act<'_>) -> Result<State, Error> {
    use State::{Decided, Draft, Paused, Running, Stopped};
    let refused = |code| Err(Error::Transition { why: Refusal::new(code, []) });
    match (from, act) {
        (Draft | Paused, Act::Start) => Ok(Running),
        (Running, Act::Pause) => Ok(Paused),
        (Running | Paused, Act::Stop) => Ok(Stopped),
        (Running | Paused | Stopped, Act::Decide(_)) => Ok(Decided),
        (Decided, Act::Stop) => Ok(Stopped),
        (Running, Act::Start) => refused("runs_already"),
        (Stopped | Decided, Act::Start) => refused("over_cannot_start"),
        (Draft, _) => refused("not_started"),
        (_, Act::Pause) => refused("only_running_pauses"),
        (Stopped, Act::Stop) => refused("stopped_already"),
        (Decided, Act::Decide(_)) => refused("decided_already"),
    }
}

async fn at_version(tx: &mut Tx, workspace: WorkspaceId, key: &str, seen: i64) -> Result<ExperimentRow, Error> {
    let found = experiments::find(tx, workspace, key).await?;
    let row = found.ok_or_else(|| Error::NotFound { what: "experiment", key: key.to_owned() })?;
    if row.version == seen { Ok(row) } else { Err(Error::Stale { key: row.key, found: row.version }) }
}

fn next(old: ExperimentRow, author: Author<'_>) -> ExperimentRow {
    ExperimentRow { version: old.version + 1, updated_at: author.at, updated_by: author.by.to_owned(), ..old }
}

async fn store(tx: &mut Tx, workspace: WorkspaceId, row: ExperimentRow) -> Result<ExperimentRow, Error> {
    take_places(tx, workspace, &row).await?;
    if !experiments::update(tx, workspace, &row).await? {
        return Err(Error::Stale { key: row.key, found: row.version });
    }
    tx.emit(saved(workspace, &row));
    Ok(row)
}

async fn take_places(tx: &mut Tx, workspace: WorkspaceId, row: &ExperimentRow) -> Result<(), Error> {
    let Some(place) = row.design.0.group.as_ref().filter(|_| !row.experiment().state.is_over()) else { return Ok(()) };
    let unit = groups::hold(tx, workspace, &place.group).await?;
    let unit = unit.ok_or_else(|| Error::NotFound { what: "exclusion group", key: place.group.clone() })?;
    if unit != word(row.design.0.unit) {
        return Err(Error::invalid("unit", "group_unit", [("group", place.group.clone()), ("unit", unit)]));
    }
    fits(place, &taken(tx, workspace, &place.group, row.experiment).await?)
}

pub(crate) fn saved(workspace: WorkspaceId, row: &ExperimentRow) -> Event {
    let payload = json!({"experiment": row.experiment, "key": row.key, "state": row.state, "version": row.version});
    Event::new(workspace, SAVED, payload)
}

const fn word(unit: UnitKind) -> &'static str {
    match unit {
        UnitKind::Person => "person",
        UnitKind::Anonymous => "anonymous",
    }
}
