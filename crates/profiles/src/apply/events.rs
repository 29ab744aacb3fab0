//! Activity, facts, accounts, and what of an event may go to the lake.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rapport_domain::{EventKind, Handle, PersonId, Timestamp};
use rapport_store::{Result, Tx};
use serde_json::{Map, Value};

use super::{Applied, AppliedEvent, Work, lake_properties};
use crate::records::event_names::EventNameRow;
use crate::records::facts::FactRow;
use crate::records::identifiers::{Activity, IdentifierRow};
use crate::records::texts::TextRow;
use crate::records::{event_names, facts, identifiers, texts};

/// Traits of one call beyond this are ignored: a sender that writes more uses traits as a database.
pub(super) const MOST_TRAITS: usize = 300;

impl Work<'_> {
    /// Counts events by identifier (for the [backlog](super::Backlog)) and by name, and records the new identifiers, whose persons are settled by now.
    pub(super) async fn record_activity(&mut self, tx: &mut Tx) -> Result<()> {
        let mut by_handle: BTreeMap<Handle, Activity> = BTreeMap::new();
        let mut by_name: BTreeMap<&str, EventNameRow> = BTreeMap::new();
        for (event, at) in self.events.iter().zip(&self.times) {
            let once = Activity::once(*at);
            by_handle.entry(self.who(event).handle).and_modify(|known| known.add(once)).or_insert(once);
            let row = by_name.entry(&event.name).or_insert_with(|| EventNameRow {
                name: event.name.clone(),
                events: 0,
                first_at: *at,
                last_at: *at,
            });
            row.events += 1;
            row.first_at = row.first_at.min(*at);
            row.last_at = row.last_at.max(*at);
        }
        for (handle, activity) in by_handle {
            match self.fresh.get_mut(&handle) {
                Some(fresh) => activity.add_to(fresh),
                None => self.applied.activity.push((handle, activity)),
            }
        }
        let fresh: Vec<IdentifierRow> = self.fresh.values().cloned().collect();
        identifiers::insert(tx, self.settings.workspace, &fresh).await?;
        let names: Vec<_> = by_name.into_values().collect();
        event_names::add(tx, self.settings.workspace, &names).await
    }

    /// Records what the calls say about persons, where it is news.
    pub(super) async fn record_facts(&mut self, tx: &mut Tx) -> Result<()> {
        let mut told: Vec<(usize, String, String)> = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            if event.kind != EventKind::Group {
                let traits = event.traits.iter().take(MOST_TRAITS);
                told.extend(traits.map(|(key, value)| (index, format!("trait.{key}"), value.to_string())));
            }
        }
        if told.is_empty() {
            return Ok(());
        }
        let handles: HashSet<Handle> = told.iter().map(|(i, ..)| self.who(&self.events[*i]).handle).collect();
        let old: Vec<Handle> = handles.into_iter().filter(|h| !self.fresh.contains_key(h)).collect();
        let mut known: HashMap<(Handle, String), BTreeMap<Timestamp, String>> = HashMap::new();
        if !old.is_empty() {
            for row in facts::of_handles(tx, self.settings.workspace, &old).await? {
                known.entry((row.handle, row.fact_key)).or_default().insert(row.valid_from, row.value);
            }
        }
        for (index, key, value) in told {
            let who = self.who(&self.events[index]);
            let at = self.times[index];
            let history = known.entry((who.handle, key.clone())).or_default();
            if history.range(..=at).next_back().is_some_and(|(_, held)| *held == value) {
                continue;
            }
            history.insert(at, value.clone());
            self.news.insert(who.person);
            let event = &self.events[index];
            let row = FactRow {
                handle: who.handle,
                fact_key: key.clone(),
                valid_from: at,
                recorded_at: self.now,
                value,
                source: event.source,
                event_id: event.id.0,
            };
            let value = serde_json::from_str(&row.value).unwrap_or(Value::Null);
            self.applied.told.push((who.person, at, key.clone(), value));
            self.facts.insert((who.handle, key, at), row);
        }
        let rows: Vec<FactRow> = std::mem::take(&mut self.facts).into_values().collect();
        facts::insert(tx, self.settings.workspace, &rows).await
    }

    /// Parts each event's properties into the lake's and those that stay here.
    pub(super) async fn split_properties(&mut self, tx: &mut Tx) -> Result<()> {
        let mut withheld_rows = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            let who = self.who(event);
            let (properties, context, withheld) = lake_properties(event);
            if !withheld.is_empty() {
                withheld_rows.push(self.text_row(index, who.handle, withheld));
            }
            if let Some(old) = event.supersedes {
                texts::delete(tx, self.settings.workspace, old.0).await?;
                self.news.insert(who.person);
                self.applied.superseded.push((index, old));
            }
            let occurred_at = self.times[index];
            self.applied.events.push(AppliedEvent {
                handle: who.handle,
                person: who.person,
                occurred_at,
                properties,
                context,
            });
        }
        texts::insert(tx, self.settings.workspace, &withheld_rows).await
    }

    fn text_row(&self, index: usize, handle: Handle, withheld: Map<String, Value>) -> TextRow {
        let event = &self.events[index];
        TextRow {
            event_id: event.id.0,
            handle,
            occurred_at: self.times[index],
            event_name: event.name.clone(),
            content: Value::Object(withheld).to_string(),
        }
    }

    /// What the batch became.
    pub(super) fn done(mut self) -> Applied {
        // Who took over a person that existed, or was joined to one, is not new.
        let now: BTreeSet<PersonId> = self.ids.values().map(|known| known.person).collect();
        self.applied.born = self.made.intersection(&now).copied().collect();
        let mut touched: BTreeSet<PersonId> = self.ids.values().map(|known| known.person).collect();
        touched.extend(&self.news);
        self.applied.touched = touched.into_iter().collect();
        self.applied.news = self.news.into_iter().collect();
        self.applied.known.extend(self.ids);
        self.applied
    }
}
