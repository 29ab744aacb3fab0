//! What customers write is understood when it is applied: language, feeling, urgency, and a version without personal data; it becomes facts that conditions
//! can ask for (`feeling.sentiment`, `feeling.strongest`, `feeling.urgent`), and models learn from stars and corrections.
//!
//! Always holds: what was understood commits with the event; what is written to customers, or said about them, is not understood as theirs; a model is
//! made aside, and what was not learnt yet goes by the rules.

pub mod rereading;
pub mod sample;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use rapport_domain::shop_events::PASSIVE;
use rapport_domain::{Event, EventKind, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::verbatims::Reader;
use rapport_feedback::verbatims::records::{self, VerbatimRow};
use rapport_profiles::Applied;
use rapport_profiles::records::facts::{self, FactRow};
use rapport_profiles::records::persons;
use rapport_store::Tx;
use rapport_text::feelings::Feeling;
use serde_json::Value;
use tokio::sync::watch;

use crate::api::timeline::written_text;
use crate::installation::Installation;
use crate::records::workspaces;
use crate::surveying;

/// How often it is looked whether there is more to learn from.
const EVERY: Duration = Duration::from_secs(60);
/// The newest corrected and rated texts that are learnt from.
const MOST_EXAMPLES: i64 = 20_000;
/// Ratings are learnt from anew when they have become more by a part of so many.
const MORE: i64 = 5;

/// What understands the texts of each workspace.
#[derive(Default)]
pub struct Readers(Mutex<HashMap<WorkspaceId, (Lessons, Arc<Reader>)>>);

/// How many corrections and ratings there were.
type Lessons = (i64, i64);

impl Readers {
    /// A workspace's: by rules, until something was learnt.
    pub fn of(&self, workspace: WorkspaceId) -> Arc<Reader> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&workspace).map(|it| Arc::clone(&it.1)).unwrap_or_default()
    }

    fn is_behind(&self, workspace: WorkspaceId, now: Lessons) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (corrections, rated) = known.get(&workspace).map(|it| it.0).unwrap_or_default();
        now.0 != corrections || now.1 < rated || now.1 - rated > rated / MORE
    }
}

/// Understands what is written in applied events, and follows identifiers that came to another person; what was understood.
pub(crate) async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &mut Applied,
) -> Result<Vec<VerbatimRow>> {
    let moved: Vec<(Handle, PersonId, PersonId)> = applied.moved.iter().map(|it| (it.handle, it.from, it.to)).collect();
    records::follow(tx, workspace, &moved).await?;
    for (_, old) in &applied.superseded {
        records::delete(tx, workspace, old.0, installation.clock.now()).await?;
    }
    let mut written: Vec<(usize, String)> = events
        .iter()
        .enumerate()
        .filter(|(_, event)| event.kind == EventKind::Track && !PASSIVE.contains(&event.name.as_str()))
        .filter_map(|(at, event)| Some((at, written_text(&event.properties)?)))
        .collect();
    // What was written into our own surveys is no part of the event.
    written.extend(surveying::reporting::words(tx, workspace, events).await?);
    written.retain(|(_, text)| text.chars().any(char::is_alphabetic));
    written.sort_unstable();
    if written.is_empty() {
        return Ok(Vec::new());
    }
    let people: BTreeSet<PersonId> = written.iter().map(|(at, _)| applied.events[*at].person).collect();
    let people: Vec<PersonId> = people.into_iter().collect();
    let names: BTreeMap<PersonId, String> = persons::by_ids(tx, workspace, &people)
        .await?
        .into_iter()
        .filter_map(|it| Some((it.person, it.name?)))
        .collect();
    let reader = installation.readers.of(workspace);
    let rows: Vec<(usize, VerbatimRow)> = written
        .into_iter()
        .map(|(at, text)| {
            let (event, it) = (&events[at], &applied.events[at]);
            let own = names.get(&it.person).map(String::as_str);
            let agent = event.properties.get("agent").and_then(Value::as_str);
            let read = reader.read(&text, own.into_iter().chain(agent));
            let [anger, disappointment, anxiety, joy, gratitude, trust, urgency] = read.feelings;
            let row = VerbatimRow {
                event_id: event.id.0,
                handle: it.handle,
                person: it.person,
                occurred_at: it.occurred_at,
                event_name: event.name.clone(),
                language: read.language.unwrap_or_default().to_owned(),
                shown: read.shown,
                rating: stars(event).map(|stars| (stars * 1_000.0).round() as i64),
                sentiment: read.sentiment,
                anger,
                disappointment,
                anxiety,
                joy,
                gratitude,
                trust,
                urgency,
                corrected_at: None,
                subject: String::new(),
            };
            (at, row)
        })
        .collect();
    tell(installation, tx, workspace, events, applied, &rows).await?;
    let rows: Vec<VerbatimRow> = rows.into_iter().map(|it| it.1).collect();
    records::insert(tx, workspace, &rows).await?;
    Ok(rows)
}

/// Understands a text that no event of somebody brings: a stranger's, or of whom nobody knows who it is.
///
/// # Errors
/// The store's.
pub(crate) async fn read_aside(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    said: Aside<'_>,
) -> rapport_store::Result<()> {
    if !said.text.chars().any(char::is_alphabetic) {
        return Ok(());
    }
    let read = installation.readers.of(workspace).read(said.text, said.names.iter().copied());
    let [anger, disappointment, anxiety, joy, gratitude, trust, urgency] = read.feelings;
    let row = VerbatimRow {
        event_id: said.event_id,
        handle: Handle(0),
        person: PersonId(0),
        occurred_at: said.at,
        event_name: said.event_name.to_owned(),
        language: read.language.unwrap_or_default().to_owned(),
        shown: read.shown,
        rating: said.rating.map(|stars| stars * 1_000),
        sentiment: read.sentiment,
        anger,
        disappointment,
        anxiety,
        joy,
        gratitude,
        trust,
        urgency,
        corrected_at: None,
        subject: said.subject.to_owned(),
    };
    records::insert(tx, workspace, &[row]).await
}

/// What [`read_aside`] reads.
pub(crate) struct Aside<'a> {
    /// Under which it is kept.
    pub event_id: [u8; 16],
    /// When it was written.
    pub at: Timestamp,
    /// What kind of thing it is, as an event's name.
    pub event_name: &'a str,
    /// The text.
    pub text: &'a str,
    /// Stars of its writer, 1 to 5.
    pub rating: Option<i64>,
    /// Whom it is about; empty is the company itself.
    pub subject: &'a str,
    /// Of people who may be named in it.
    pub names: &'a [&'a str],
}

/// The person's own stars, from one to five.
pub(crate) fn stars(event: &Event) -> Option<f64> {
    let rating = event.properties.get("rating")?;
    let rating = rating.as_f64().or_else(|| rating.as_str()?.trim().parse().ok())?;
    (1.0..=5.0).contains(&rating).then_some(rating)
}

/// The facts that follow: of texts of one instant the later in the batch counts.
async fn tell(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &mut Applied,
    rows: &[(usize, VerbatimRow)],
) -> Result<()> {
    let now = installation.clock.now();
    let mut known: BTreeMap<_, FactRow> = BTreeMap::new();
    for (at, row) in rows {
        let strongest = row.felt().into_iter().find(|it| it.0 != Feeling::Urgency);
        let told = [
            ("feeling.sentiment", Value::from(row.sentiment as f64 / 1_000.0)),
            ("feeling.strongest", Value::from(strongest.map_or("none", |it| it.0.name()))),
            ("feeling.urgent", Value::from(row.urgency > 0)),
        ];
        for (key, value) in told {
            let fact = FactRow {
                handle: row.handle,
                fact_key: key.to_owned(),
                valid_from: row.occurred_at,
                recorded_at: now,
                value: value.to_string(),
                source: events[*at].source,
                event_id: row.event_id,
            };
            known.insert((row.handle, key, row.occurred_at), fact);
            applied.told.push((row.person, row.occurred_at, key.to_owned(), value));
        }
    }
    let facts: Vec<FactRow> = known.into_values().collect();
    Ok(facts::insert(tx, workspace, &facts).await?)
}

/// Learns anew where there is more to learn from; whether it did.
///
/// # Errors
/// The store's.
pub async fn learn(installation: &Installation, workspace: WorkspaceId) -> Result<bool> {
    let mut db = installation.store.read();
    let lessons = records::lessons(&mut db, workspace).await?;
    if !installation.readers.is_behind(workspace, lessons) {
        return Ok(false);
    }
    let examples = records::examples(&mut db, workspace, MOST_EXAMPLES).await?;
    let reader = tokio::task::spawn_blocking(move || Reader::learn(&examples)).await?;
    let mut known = installation.readers.0.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(workspace, (lessons, Arc::new(reader)));
    Ok(true)
}

/// Learns from what comes, until `stop` is set.
pub async fn run(installation: Arc<Installation>, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = learn_all(&installation).await {
            tracing::warn!(error = %format!("{error:#}"), "texts could not be learnt from; it is tried again");
        } else if let Err(error) = rereading::all(&installation, &stop).await {
            tracing::warn!(error = %format!("{error:#}"), "texts could not be read anew; it goes on where it stood");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn learn_all(installation: &Installation) -> Result<()> {
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        learn(installation, workspace).await?;
    }
    Ok(())
}
