//! Making, changing, starting and fixing policies, in the caller's transaction.
//!
//! Always holds: what runs passed its checks; a change of what is chosen among, of what counts or of how it is learnt begins anew, because what was learnt
//! before is about something else.

use rapport_domain::WorkspaceId;
use rapport_store::outbox::Event;
use rapport_store::{Json, Tx};
use serde_json::{Value, json};

use super::checks::check;
use super::design::{Decides, Design, State};
use super::records::{self, PolicyRow};
use crate::checks::{KEY_MAX, is_key};
use crate::error::Error;
use crate::refusal::Refusal;
use crate::service::Author;

/// The domain event of every saved version. Its payload: `policy` (number), `key`, `state`, `version`.
pub const SAVED: &str = "policy.saved";

/// What can be done with a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act<'a> {
    /// Let it decide and learn.
    Start,
    /// Give everybody the usual arm for now.
    Pause,
    /// Give everybody this arm for good.
    Fix(&'a str),
    /// Forget what was learnt.
    Anew,
}

/// Makes a policy; it does not decide yet.
///
/// # Errors
/// What is wrong with it, or the store's.
pub async fn create(
    tx: &mut Tx,
    workspace: WorkspaceId,
    key: &str,
    design: Design,
    author: Author<'_>,
) -> Result<PolicyRow, Error> {
    if !is_key(key) {
        return Err(Error::invalid("key", "key_form", [("most", KEY_MAX.to_string())]));
    }
    check(&design)?;
    if records::find(tx, workspace, key).await?.is_some() {
        return Err(Error::invalid("key", "policy_exists", [("key", key.to_owned())]));
    }
    let row = PolicyRow {
        policy: records::next_number(tx, workspace).await?,
        key: key.to_owned(),
        state: State::Paused.as_str().to_owned(),
        version: 1,
        epoch: 1,
        epoch_at: author.at,
        fixed_arm: None,
        design: Json(design),
        learner: Vec::new(),
        basis: Value::Null,
        knows: false,
        created_at: author.at,
        updated_at: author.at,
        updated_by: author.by.to_owned(),
    };
    records::insert(tx, workspace, &row).await?;
    tx.emit(saved(workspace, &row));
    Ok(row)
}

/// Changes what staff wrote. `seen` is the version that was looked at. Whether it begins anew.
///
/// # Errors
/// What is wrong with it, [`Error::Stale`] when somebody else saved meanwhile, or the store's.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    key: &str,
    design: Design,
    seen: i64,
    author: Author<'_>,
) -> Result<(PolicyRow, bool), Error> {
    check(&design)?;
    let old = at_version(tx, workspace, key, seen).await?;
    let begins_anew = !old.design.0.learns_alike(&design);
    if let Some(arm) = old.fixed_arm.as_deref()
        && design.place(arm).is_none()
    {
        return Err(Error::invalid("arms", "policy_fixed_arm", [("arm", arm.to_owned())]));
    }
    let mut row = next(old, author);
    row.design = Json(design);
    if begins_anew {
        forget(&mut row);
    }
    if row.policy().state == State::Running {
        alone(tx, workspace, &row).await?;
    }
    store(tx, workspace, row).await.map(|row| (row, begins_anew))
}

/// Starts, pauses or fixes it, or lets it begin anew. `seen` is the version that was looked at.
///
/// # Errors
/// [`Error::Transition`], [`Error::Stale`] when somebody else saved meanwhile, or the store's.
pub async fn act(
    tx: &mut Tx,
    workspace: WorkspaceId,
    key: &str,
    act: Act<'_>,
    seen: i64,
    author: Author<'_>,
) -> Result<PolicyRow, Error> {
    let old = at_version(tx, workspace, key, seen).await?;
    let state = old.policy().state;
    let refused = |code| Err(Error::Transition { why: Refusal::new(code, []) });
    let mut row = next(old, author);
    match act {
        Act::Start if state == State::Running => return refused("policy_runs_already"),
        Act::Start => {
            alone(tx, workspace, &row).await?;
            (row.state, row.fixed_arm) = (State::Running.as_str().to_owned(), None);
        }
        Act::Pause if state != State::Running => return refused("only_running_pauses"),
        Act::Pause => row.state = State::Paused.as_str().to_owned(),
        Act::Fix(arm) if row.design.0.place(arm).is_none() => {
            return Err(Error::invalid("arm", "policy_arm_unknown", [("arm", arm.to_owned())]));
        }
        Act::Fix(arm) => {
            alone(tx, workspace, &row).await?;
            (row.state, row.fixed_arm) = (State::Fixed.as_str().to_owned(), Some(arm.to_owned()));
        }
        Act::Anew => forget(&mut row),
    }
    store(tx, workspace, row).await
}

/// One policy at most says how often people are written to.
async fn alone(tx: &mut Tx, workspace: WorkspaceId, row: &PolicyRow) -> Result<(), Error> {
    if row.design.0.decides != Decides::Frequency {
        return Ok(());
    }
    let at_work = |it: &PolicyRow| it.policy().state != State::Paused && it.design.0.decides == Decides::Frequency;
    let other = records::all(tx, workspace).await?.into_iter().find(|it| it.policy != row.policy && at_work(it));
    match other {
        Some(other) => Err(Error::Transition { why: Refusal::new("policy_frequency_other", [("key", other.key)]) }),
        None => Ok(()),
    }
}

fn forget(row: &mut PolicyRow) {
    (row.epoch, row.epoch_at) = (row.version, row.updated_at);
    (row.learner, row.basis, row.knows) = (Vec::new(), Value::Null, false);
}

async fn at_version(tx: &mut Tx, workspace: WorkspaceId, key: &str, seen: i64) -> Result<PolicyRow, Error> {
    let found = records::find(tx, workspace, key).await?;
    let row = found.ok_or_else(|| Error::NotFound { what: "policy", key: key.to_owned() })?;
    // Taken before it is read again, so that what it learns meanwhile is not lost.
    let row = records::hold(tx, workspace, row.policy).await?.unwrap_or(row);
    if row.version == seen { Ok(row) } else { Err(Error::Stale { key: row.key, found: row.version }) }
}

fn next(old: PolicyRow, author: Author<'_>) -> PolicyRow {
    PolicyRow { version: old.version + 1, updated_at: author.at, updated_by: author.by.to_owned(), ..old }
}

async fn store(tx: &mut Tx, workspace: WorkspaceId, row: PolicyRow) -> Result<PolicyRow, Error> {
    if !records::update(tx, workspace, &row).await? {
        return Err(Error::Stale { key: row.key, found: row.version });
    }
    tx.emit(saved(workspace, &row));
    Ok(row)
}

fn saved(workspace: WorkspaceId, row: &PolicyRow) -> Event {
    let payload = json!({"policy": row.policy, "key": row.key, "state": row.state, "version": row.version});
    Event::new(workspace, SAVED, payload)
}
