//! What a run says of people: rows that are kept, and facts that differ by them.
//!
//! Always holds: a fact commits with the row that it tells; whoever is nobody any more by then (erased meanwhile) gets no row; the writer is given back after each slice.
//!
//! Does not do: saying anything of anybody.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use rapport_analytics::scores::records::marks::{self, Mark};
use rapport_analytics::scores::records::scores::{self, ScoreRow};
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::{facts, identifiers};
use rapport_segments::live::Observed;
use rapport_store::Priority;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::beat::Beat;
use crate::installation::Installation;
use crate::scoring::{self, Told};

/// So many people are looked at together.
pub const PEOPLE: usize = 500;
/// So many rows are written before it is looked whether the slice is over.
const ROWS: usize = 20;

/// So many of those of whom nothing is said any more are told so together.
const LEFT: i64 = 200;

/// What people's facts are now.
pub struct Known(HashMap<(PersonId, String), Value>);

impl Known {
    /// Those of these keys.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(
        installation: &Installation,
        workspace: WorkspaceId,
        (persons, keys): (&[PersonId], &[String]),
        now: Timestamp,
    ) -> Result<Self> {
        let db = &mut installation.store.read();
        let told = facts::current_keys_of(db, workspace, persons, keys, now).await?;
        let value = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        Ok(Self(told.into_iter().map(|(person, key, text)| ((person, key), value(&text))).collect()))
    }

    /// A fact of somebody, if it was ever told.
    pub fn of(&self, person: PersonId, key: &str) -> Option<&Value> {
        self.0.get(&(person, key.to_owned()))
    }
}

/// How what a run says of somebody is kept and told.
pub trait Saying: Sync {
    /// What it says of one person.
    type Said: Sync;

    /// Whom it is about.
    fn person(it: &Self::Said) -> PersonId;
    /// The facts that some of it may change.
    fn keys(&self, some: &[Self::Said]) -> Vec<String>;
    /// What is kept of it.
    fn row(&self, handle: Handle, it: &Self::Said) -> ScoreRow;
    /// The words by which whoever it is said of is found.
    fn marks(&self, _it: &Self::Said) -> Vec<String> {
        Vec::new()
    }
    /// What is to be told of it.
    fn news(&self, it: &Self::Said, known: &Known, now: Timestamp) -> Vec<Told>;
}

/// Keeps and tells what is said of some people.
///
/// # Errors
/// The store's.
pub async fn write<S: Saying>(beat: &Beat<'_>, saying: &S, some: &[S::Said]) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let (began, now) = (Instant::now(), installation.clock.now());
    let persons: Vec<PersonId> = some.iter().map(S::person).collect();
    let known = Known::read(installation, workspace, (&persons, &saying.keys(some)), now).await?;
    let mut rest = some;
    while !rest.is_empty() {
        let mut told: Vec<Told> = Vec::new();
        let mut tx = installation.store.begin(Priority::Background).await?;
        while !rest.is_empty() {
            let (part, later) = rest.split_at(ROWS.min(rest.len()));
            rest = later;
            let ids: Vec<PersonId> = part.iter().map(S::person).collect();
            let mut handles: HashMap<PersonId, Handle> = HashMap::new();
            for row in identifiers::by_persons(&mut tx, workspace, &ids).await? {
                handles.entry(row.person).or_insert(row.handle);
            }
            let there = || part.iter().filter_map(|it| Some((*handles.get(&S::person(it))?, it)));
            let rows: Vec<ScoreRow> = there().map(|(handle, it)| saying.row(handle, it)).collect();
            scores::put(&mut tx, workspace, &rows).await?;
            let marks: Vec<Mark> = there()
                .zip(&rows)
                .flat_map(|((handle, it), row)| {
                    let of = move |mark| Mark { model: row.model.clone(), handle, mark, scored_at: row.scored_at };
                    saying.marks(it).into_iter().map(of)
                })
                .collect();
            marks::put(&mut tx, workspace, &marks).await?;
            let new: Vec<Told> = there().flat_map(|(_, it)| saying.news(it, &known, now)).collect();
            scoring::tell(&mut tx, workspace, &new, now).await?;
            told.extend(new);
            if tx.slice_is_over() {
                break;
            }
        }
        tx.commit().await?;
        let observed = Observed { told: &told, ..Observed::default() };
        installation.memberships.observe(workspace, observed).await?;
    }
    // Nobody waits for it, and whatever else goes on should not notice it.
    sleep(began.elapsed()).await;
    Ok(())
}

/// Tells some of those of whom a model said something before an instant, and nothing since, that there is nothing to say of them any more (null), so that segments let go
/// of them, and forgets what it said; whether there were any.
///
/// # Errors
/// The store's.
pub async fn leave(beat: &Beat<'_>, model: &str, keys: &[String], at: Timestamp) -> Result<bool> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let db = &mut installation.store.read();
    let handles = scores::before(db, workspace, model, at, LEFT).await?;
    if handles.is_empty() {
        return Ok(false);
    }
    let now = installation.clock.now();
    let owners: BTreeSet<PersonId> =
        identifiers::by_handles(db, workspace, &handles).await?.into_iter().map(|it| it.person).collect();
    let persons: Vec<PersonId> = owners.into_iter().collect();
    // Of somebody who was two until lately, it is said by the other identifier.
    let names = identifiers::by_persons(db, workspace, &persons).await?;
    let all: Vec<Handle> = names.iter().map(|it| it.handle).collect();
    let rows = scores::of_handles(db, workspace, &all).await?;
    let stays: BTreeSet<Handle> =
        rows.into_iter().filter(|it| it.model == model && it.scored_at >= at).map(|it| it.handle).collect();
    let stays: BTreeSet<PersonId> = names.iter().filter(|it| stays.contains(&it.handle)).map(|it| it.person).collect();
    let known = Known::read(installation, workspace, (&persons, keys), now).await?;
    let is_news = |it: &PersonId, key: &str| known.of(*it, key).is_some_and(|it| !it.is_null());
    let gone = persons.iter().filter(|it| !stays.contains(it));
    let told: Vec<Told> = gone
        .flat_map(|it| keys.iter().filter(|key| is_news(it, key)).map(|key| (*it, now, key.clone(), Value::Null)))
        .collect();
    let mut tx = installation.store.begin(Priority::Background).await?;
    scoring::tell(&mut tx, workspace, &told, now).await?;
    scores::forget(&mut tx, workspace, model, &handles).await?;
    tx.commit().await?;
    let observed = Observed { told: &told, ..Observed::default() };
    installation.memberships.observe(workspace, observed).await?;
    Ok(true)
}

/// Forgets some of the marks from before an instant, which were not said again; whether there were any.
///
/// # Errors
/// The store's.
pub async fn unmark(beat: &Beat<'_>, model: &str, at: Timestamp) -> Result<bool> {
    let mut tx = beat.installation.store.begin(Priority::Background).await?;
    let gone = marks::forget_before(&mut tx, beat.claim.workspace, model, at).await?;
    tx.commit().await?;
    Ok(gone > 0)
}
