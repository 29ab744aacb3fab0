//! What follows of complaints for whoever complained: `complaint.open`, how many of theirs about us are open, and `complaint.last_at`, when the last one was
//! opened. Conditions, journeys and the rules for surveys read them.
//!
//! Always holds: the count at any instant is what the steps of all their complaints say of it; what is heard of late restates the instants after it too.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{Event, Handle, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_feedback::complaints::course::{counts, course};
use rapport_feedback::complaints::records;
use rapport_profiles::Applied;
use rapport_profiles::records::facts::{self, FactRow};
use rapport_profiles::records::identifiers;
use rapport_store::Tx;
use serde_json::{Value, json};

use crate::installation::Installation;

/// How many of theirs are open.
pub const OPEN: &str = "complaint.open";
/// When the last one was opened.
pub const LAST_AT: &str = "complaint.last_at";

const BEGINNING: Timestamp = Timestamp(i64::MIN);

/// From when on something changed for whom, and by which event.
#[derive(Default)]
pub struct Changed {
    at: BTreeMap<PersonId, (Timestamp, Handle, SourceId, [u8; 16])>,
    moved: Vec<(PersonId, SourceId, [u8; 16])>,
}

impl Changed {
    /// An event changed something.
    pub fn at(&mut self, person: PersonId, handle: Handle, at: Timestamp, event: &Event) {
        let new = (at, handle, event.source, event.id.0);
        let known = self.at.entry(person).or_insert(new);
        if at < known.0 {
            *known = new;
        }
    }

    /// Complaints came to somebody else, or from them.
    pub fn moved(&mut self, person: PersonId, by: &Event) {
        self.moved.push((person, by.source, by.id.0));
    }
}

/// Spans in which something was open.
type Spans = Vec<(Timestamp, Option<Timestamp>)>;

/// Tells the facts of those for whom something changed.
///
/// # Errors
/// The store's.
pub async fn tell(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    changed: Changed,
    applied: &mut Applied,
) -> Result<()> {
    let Changed { mut at, moved } = changed;
    let now = installation.clock.now();
    for (person, source, event_id) in moved {
        if let Some(row) = identifiers::by_persons(tx, workspace, &[person]).await?.first() {
            // All of their history is another one now.
            at.insert(person, (BEGINNING, row.handle, source, event_id));
        }
    }
    if at.is_empty() {
        return Ok(());
    }
    let persons: Vec<PersonId> = at.keys().copied().collect();
    let mut spans: BTreeMap<PersonId, (Spans, Timestamp)> = BTreeMap::new();
    for (person, _, opened_at, steps) in records::of_persons(tx, workspace, &persons).await? {
        let of = spans.entry(person).or_insert((Vec::new(), opened_at));
        of.0.extend(course(opened_at, &steps).spans);
        of.1 = of.1.max(opened_at);
    }
    let mut rows = Vec::new();
    for (person, (from, handle, source, event_id)) in at {
        let Some((spans, last_at)) = spans.get(&person) else {
            // The last of theirs went to somebody else.
            rows.push((
                person,
                fact(OPEN, if from == BEGINNING { now } else { from }, json!(0), (handle, source, event_id, now)),
            ));
            continue;
        };
        let first = spans.iter().map(|span| span.0).min().unwrap_or(now);
        let from = if from == BEGINNING { first } else { from };
        let told = counts(spans, from).into_iter().map(|(at, count)| (OPEN, at, json!(count)));
        let last = (LAST_AT, *last_at, json!(last_at.to_rfc3339()));
        for (key, at, value) in told.chain([last]) {
            rows.push((person, fact(key, at, value, (handle, source, event_id, now))));
        }
    }
    let news = rows.iter().map(|(person, row)| {
        (*person, row.valid_from, row.fact_key.clone(), serde_json::from_str(&row.value).unwrap_or(Value::Null))
    });
    applied.told.extend(news);
    let rows: Vec<FactRow> = rows.into_iter().map(|it| it.1).collect();
    Ok(facts::insert(tx, workspace, &rows).await?)
}

fn fact(
    key: &str,
    at: Timestamp,
    value: Value,
    (handle, source, event_id, now): (Handle, SourceId, [u8; 16], Timestamp),
) -> FactRow {
    FactRow {
        handle,
        fact_key: key.to_owned(),
        valid_from: at,
        recorded_at: now,
        value: value.to_string(),
        source,
        event_id,
    }
}
