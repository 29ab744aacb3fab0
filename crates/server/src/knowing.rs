//! What conditions of rules ask for beside the event that they look at: facts and memberships of the people of a batch, read once.
//!
//! Does not: look at somebody's whole history. Rules that are judged while an event is applied ask for a segment instead.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::facts;
use rapport_segments::evaluate::SegmentView;
use rapport_segments::records::{memberships, segments};
use rapport_segments::{Condition, EventView, FactView, Subject};
use rapport_store::{Queries, Result};
use serde_json::Value;

/// From when somebody is in a segment, and until before when.
type Span = (Timestamp, Timestamp);

/// Facts and memberships of some people, as far as some conditions ask for them.
#[derive(Debug, Default)]
pub struct Known {
    facts: BTreeMap<PersonId, Vec<(String, Timestamp, Value)>>,
    segments: BTreeMap<PersonId, Vec<(String, Span)>>,
}

impl Known {
    /// Reads what `conditions` ask for of `people`.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(
        db: &mut impl Queries,
        workspace: WorkspaceId,
        conditions: &[&Condition],
        people: &[PersonId],
    ) -> Result<Self> {
        Self::read_with(db, workspace, conditions, &[], people).await
    }

    /// Reads what `conditions` ask for of `people`, and these facts.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_with(
        db: &mut impl Queries,
        workspace: WorkspaceId,
        conditions: &[&Condition],
        facts: &[&str],
        people: &[PersonId],
    ) -> Result<Self> {
        let asked = |keys: fn(&Condition) -> Vec<&str>, more: &[&str]| -> Vec<String> {
            let all: BTreeSet<&str> = conditions.iter().copied().flat_map(keys).chain(more.iter().copied()).collect();
            all.into_iter().map(str::to_owned).collect()
        };
        let (facts_asked, segments_asked) = (asked(Condition::fact_keys, facts), asked(Condition::segment_keys, &[]));
        let mut known = Self::default();
        if !facts_asked.is_empty() && !people.is_empty() {
            for (person, key, at, value) in facts::histories_of(db, workspace, &facts_asked, people).await? {
                let value = serde_json::from_str(&value).unwrap_or(Value::Null);
                known.facts.entry(person).or_default().push((key, at, value));
            }
        }
        if !segments_asked.is_empty() && !people.is_empty() {
            let rows = segments::all(db, workspace).await?;
            let keys: BTreeMap<i64, String> = rows.into_iter().map(|row| (row.segment, row.key)).collect();
            for row in memberships::of_persons(db, workspace, people).await? {
                let Some(key) = keys.get(&row.segment).filter(|key| segments_asked.contains(key)) else { continue };
                let span = (row.entered_at, row.exited_at.unwrap_or(Timestamp(i64::MAX)));
                known.segments.entry(row.person).or_default().push((key.clone(), span));
            }
        }
        Ok(known)
    }

    /// Adds what is known of other people.
    pub fn join(&mut self, mut others: Self) {
        self.facts.append(&mut others.facts);
        self.segments.append(&mut others.segments);
    }

    /// Looks at what is known of a person who did something.
    pub fn with<T>(&self, person: PersonId, event: EventView<'_>, look: impl FnOnce(&Subject<'_>) -> T) -> T {
        self.about(person, |subject| look(&Subject { event: Some(event), ..*subject }))
    }

    /// Looks at what is known of a person, whatever they do.
    pub fn about<T>(&self, person: PersonId, look: impl FnOnce(&Subject<'_>) -> T) -> T {
        let own = self.facts.get(&person).into_iter().flatten();
        let facts: Vec<FactView<'_>> = own.map(|(key, at, value)| FactView { key, valid_from: *at, value }).collect();
        let own = self.segments.get(&person).into_iter().flatten();
        let segments: Vec<SegmentView<'_>> =
            own.map(|(key, span)| SegmentView { key, spans: std::slice::from_ref(span) }).collect();
        look(&Subject { person, facts: &facts, segments: &segments, ..Subject::NOBODY })
    }
}
