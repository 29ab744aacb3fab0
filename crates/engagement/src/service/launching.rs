//! Launching, pausing and stopping journeys, and moving people to another version.
//!
//! Always holds: people come into a version only when all segments it asks for are known; who is in keeps the version they came in with.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_segments::kept;
use rapport_segments::records::segments;
use rapport_store::outbox::Event;
use rapport_store::{Priority, Queries, Store, Tx};
use serde_json::json;

use super::running::WHOLE;
use super::{EXITED, scheduling};
use crate::Error;
use crate::journey::End;
use crate::journey::definition::{Definition, Entry};
use crate::plans::{Launched, Plans};
use crate::records::instances::{self, InstanceRow};
use crate::records::journeys::{self, JourneyRow, VersionRow};
use crate::records::{acts, messages, runs};
use crate::sending::Reason;

/// So many are ended in one transaction.
const SLICE: i64 = 2_000;

/// Launches a plan, or a new version of one that is live already: people come in as soon as [`activate`] finds that its segments are known.
///
/// # Errors
/// The store's.
pub async fn launch(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &mut JourneyRow,
    definition: &Definition,
    (now, by): (Timestamp, &str),
) -> Result<i64, Error> {
    for (place, when) in definition.conditions() {
        kept::keep(tx, workspace, &when.0, &format!("{}: {place}", row.name), (now, by)).await?;
    }
    let newest = journeys::versions(tx, workspace, &row.key).await?.first().map_or(0, |it| it.version);
    let version = VersionRow {
        journey: row.key.clone(),
        version: newest + 1,
        definition: definition.to_json(),
        launched_at: now,
        launched_by: by.to_owned(),
    };
    journeys::insert_version(tx, workspace, &version).await?;
    if [journeys::DRAFT, journeys::STOPPED, journeys::FINISHED, journeys::ENDING].contains(&row.state.as_str()) {
        journeys::STARTING.clone_into(&mut row.state);
    }
    row.draft = definition.to_json();
    row.launched_at.get_or_insert(now);
    (row.updated_at, row.updated_by) = (now, by.to_owned());
    journeys::save(tx, workspace, row).await?;
    Ok(version.version)
}

/// What a launched version still waits for: the keys of segments whose members are not known yet.
///
/// # Errors
/// The store's.
pub async fn waits_for(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    definition: &Definition,
) -> Result<Vec<String>, Error> {
    let known = segments::all(db, workspace).await?;
    let asked: BTreeSet<String> = definition.conditions().iter().map(|(_, when)| when.segment()).collect();
    let is_ready = |key: &String| known.iter().any(|row| row.key == *key && row.filled_version == row.version);
    Ok(asked.into_iter().filter(|key| !is_ready(key)).collect())
}

/// Lets people into launched versions whose segments are known by now; whether any was.
///
/// # Errors
/// The store's.
pub async fn activate(
    store: &Store,
    workspace: WorkspaceId,
    zone: &jiff::tz::TimeZone,
    now: Timestamp,
) -> Result<bool, Error> {
    let mut activated = false;
    for row in journeys::all(&mut store.read(), workspace).await? {
        if [journeys::DRAFT, journeys::STOPPED, journeys::FINISHED].contains(&row.state.as_str()) {
            continue;
        }
        let versions = journeys::versions(&mut store.read(), workspace, &row.key).await?;
        let Some(newest) = versions.first().filter(|it| it.version > row.live_version) else { continue };
        let definition = Definition::from_json(&newest.definition)?;
        if !waits_for(&mut store.read(), workspace, &definition).await?.is_empty() {
            continue;
        }
        let mut tx = store.begin(Priority::Interactive).await?;
        let Some(mut row) = journeys::find(&mut tx, workspace, &row.key).await? else { continue };
        row.live_version = newest.version;
        if row.state == journeys::STARTING {
            journeys::LIVE.clone_into(&mut row.state);
        }
        journeys::save(&mut tx, workspace, &row).await?;
        scheduling::plan_first(&mut tx, workspace, &row.key, newest.version, &definition, zone, now).await?;
        tx.commit().await?;
        activated = true;
    }
    Ok(activated)
}

/// Closes what is over by itself: campaigns all of whose runs went out, and what was let run out, once nobody is in it and nothing of it waits; whether
/// any was. What it asks for is then not kept ready any more.
///
/// # Errors
/// The store's.
pub async fn finish(store: &Store, workspace: WorkspaceId, plans: &Plans) -> Result<bool, Error> {
    let is_scheduled = |one: &&Launched| one.is_open && matches!(one.definition.entry, Entry::Schedule(_));
    let scheduled: Vec<String> = plans.all().filter(is_scheduled).map(|one| one.key.clone()).collect();
    if scheduled.is_empty() && plans.all().all(|one| one.is_open) {
        return Ok(false);
    }
    let over = journeys::over(&mut store.read(), workspace, &scheduled).await?;
    if over.is_empty() {
        return Ok(false);
    }
    let mut tx = store.begin(Priority::Background).await?;
    journeys::hold(&mut tx, workspace).await?;
    // Somebody may have come in, or launched it again, a moment ago.
    for key in journeys::over(&mut tx, workspace, &scheduled).await? {
        journeys::set_state(&mut tx, workspace, &key, &[journeys::LIVE, journeys::ENDING], journeys::FINISHED).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Changes the state of a journey: pauses it, lets it go on, lets it run out.
///
/// # Errors
/// It is in no state from which that can be done.
pub async fn change_state(tx: &mut Tx, workspace: WorkspaceId, key: &str, to: &str) -> Result<(), Error> {
    let from: &[&str] = match to {
        journeys::PAUSED => &[journeys::LIVE, journeys::ENDING],
        journeys::LIVE => &[journeys::PAUSED, journeys::ENDING],
        journeys::ENDING => &[journeys::LIVE, journeys::PAUSED],
        _ => &[],
    };
    if journeys::set_state(tx, workspace, key, from, to).await? {
        return Ok(());
    }
    Err(Error::Refused(format!("a journey becomes {to} only from {}", from.join(" or "))))
}

/// Stops a journey: nobody comes in, whoever is in is out, and what waits to be sent or done is not.
///
/// # Errors
/// The store's; it is not running.
pub async fn stop(store: &Store, workspace: WorkspaceId, key: &str, now: Timestamp) -> Result<u64, Error> {
    let mut tx = store.begin(Priority::Interactive).await?;
    let from = [journeys::STARTING, journeys::LIVE, journeys::PAUSED, journeys::ENDING];
    if !journeys::set_state(&mut tx, workspace, key, &from, journeys::STOPPED).await? {
        return Err(Error::Refused("only a journey that was launched can be stopped".to_owned()));
    }
    runs::cancel(&mut tx, workspace, key, now).await?;
    tx.commit().await?;
    let mut ended = 0;
    loop {
        let mut tx = store.begin(Priority::Background).await?;
        journeys::hold(&mut tx, workspace).await?;
        let some = instances::end_all(&mut tx, workspace, key, End::Stopped, now, SLICE).await?;
        let mut out: BTreeMap<i64, i64> = BTreeMap::new();
        for (version, _) in some.iter().filter(|(_, had_begun)| *had_begun) {
            *out.entry(*version).or_default() += 1;
        }
        count_out(&mut tx, workspace, key, End::Stopped, now, out).await?;
        let some = some.len() as u64;
        let unsent = messages::drop_queued(&mut tx, workspace, key, SLICE).await?;
        let undone = acts::drop_queued(&mut tx, workspace, key, SLICE).await?;
        tx.commit().await?;
        ended += some;
        if some == 0 && unsent == 0 && undone == 0 {
            return Ok(ended);
        }
    }
}

/// Brings what a journey has not sent yet to where the journey stands: held back while it is paused, due again once it goes on, left out when it was
/// stopped. Until that is done whoever sends asks of each message.
///
/// # Errors
/// The store's.
pub async fn settle_queue(store: &Store, workspace: WorkspaceId, key: &str, now: Timestamp) -> Result<(), Error> {
    loop {
        let mut tx = store.begin(Priority::Background).await?;
        let Some(row) = journeys::find(&mut tx, workspace, key).await? else { return Ok(()) };
        let moved = match row.state.as_str() {
            journeys::PAUSED => messages::hold_queued(&mut tx, workspace, key, SLICE).await?,
            journeys::STOPPED => messages::drop_queued(&mut tx, workspace, key, SLICE).await?,
            _ => messages::let_go_held(&mut tx, workspace, key, now, SLICE).await?,
        };
        tx.commit().await?;
        if moved == 0 {
            return Ok(());
        }
    }
}

/// Counts who is out of a journey, by version.
pub(super) async fn count_out(
    tx: &mut Tx,
    workspace: WorkspaceId,
    key: &str,
    why: End,
    now: Timestamp,
    out: impl IntoIterator<Item = (i64, i64)>,
) -> Result<(), Error> {
    let way = format!("out:{}", why.word());
    let flow = |(version, people)| ((key.to_owned(), version, WHOLE.to_owned(), way.clone(), now.utc_day()), people);
    Ok(journeys::add_flows(tx, workspace, out.into_iter().map(flow)).await?)
}

/// Ends an instance from outside, and says so as if it had ended by itself.
pub(super) async fn end(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &mut InstanceRow,
    why: End,
    now: Timestamp,
) -> Result<(), Error> {
    let mut instance = row.instance();
    instance.end(why, now);
    row.take(&instance);
    instances::update(tx, row).await?;
    if why.is_leaving() {
        messages::drop_of_instance(tx, workspace, &row.id, Reason::LeftJourney.as_str()).await?;
    }
    if instance.has_begun() {
        count_out(tx, workspace, &row.journey, why, now, [(row.version, 1)]).await?;
        let payload = json!({"journey": row.journey, "version": row.version, "why": why.word()});
        tx.emit(Event::new(workspace, EXITED, payload).about(row.person));
    }
    Ok(())
}

/// The segments that journeys ask for: those that are kept for others are let go ([`kept::let_go`]).
///
/// # Errors
/// The store's.
pub async fn asked(db: &mut impl Queries, workspace: WorkspaceId) -> Result<BTreeSet<String>, Error> {
    let mut asked = BTreeSet::new();
    for version in journeys::running(db, workspace).await? {
        asked.extend(Definition::from_json(&version.definition)?.conditions().iter().map(|(_, when)| when.segment()));
    }
    // Launched, and not let in yet.
    for row in journeys::all(db, workspace)
        .await?
        .iter()
        .filter(|row| ![journeys::STOPPED, journeys::FINISHED].contains(&row.state.as_str()))
    {
        if let Some(newest) = journeys::versions(db, workspace, &row.key).await?.first() {
            let definition = Definition::from_json(&newest.definition)?;
            asked.extend(definition.conditions().iter().map(|(_, when)| when.segment()));
        }
    }
    Ok(asked)
}

/// Moves everybody who is in one version to another; how many. Whose node the other has not is out at the next look.
///
/// # Errors
/// The store's.
pub async fn migrate(
    store: &Store,
    workspace: WorkspaceId,
    journey: &str,
    (from, to): (i64, i64),
    now: Timestamp,
) -> Result<u64, Error> {
    let mut moved = 0;
    loop {
        let mut tx = store.begin(Priority::Background).await?;
        journeys::hold(&mut tx, workspace).await?;
        let some = instances::set_version(&mut tx, workspace, journey, (from, to), now, SLICE).await?;
        tx.commit().await?;
        moved += some;
        if some == 0 {
            return Ok(moved);
        }
    }
}

/// Takes a person out of a journey by hand; how many instances it were.
///
/// # Errors
/// The store's.
pub async fn take_out(
    tx: &mut Tx,
    workspace: WorkspaceId,
    journey: &str,
    person: PersonId,
    now: Timestamp,
) -> Result<usize, Error> {
    journeys::hold(tx, workspace).await?;
    let rows = instances::active_of(tx, workspace, &[person]).await?;
    let of: Vec<InstanceRow> = rows.into_iter().filter(|row| row.journey == journey).collect();
    for mut row in of.clone() {
        end(tx, workspace, &mut row, End::Manual, now).await?;
    }
    Ok(of.len())
}
