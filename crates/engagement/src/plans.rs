//! The journeys of a workspace that people are in or come into, ready to be asked.
//!
//! Always holds: made from what is stored; whoever launches, pauses or stops a journey makes it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rapport_domain::{Calendar, WorkspaceId};
use rapport_segments::evaluate::{EventView, Subject, holds};
use rapport_segments::instant::Moment;
use rapport_store::Queries;

use crate::Error;
use crate::journey::definition::{Definition, Entry, Filter};
use crate::journey::rules::Plan;
use crate::lots::Lots;
use crate::records::{journeys, messages, settings};
use crate::sending::Settings;

/// A launched version of a journey.
#[derive(Debug)]
pub struct Launched {
    /// The journey's key.
    pub key: String,
    /// Which.
    pub version: i64,
    /// Whether people come into this one.
    pub is_open: bool,
    /// Whether people in it go on.
    pub goes_on: bool,
    /// The plan.
    pub definition: Definition,
    /// The segments it asks for.
    pub segments: BTreeSet<String>,
}

/// The journeys of a workspace.
#[derive(Debug)]
pub struct Plans {
    /// Where days and hours are counted for who has no zone of their own.
    pub calendar: Calendar,
    /// How the workspace sends.
    pub settings: Settings,
    launched: BTreeMap<(String, i64), Launched>,
    paused: BTreeSet<String>,
    stopped: BTreeSet<String>,
    events: BTreeSet<String>,
    any_event: bool,
    segments: BTreeMap<String, Vec<String>>,
    /// Whether anybody ever was in a journey or was sent a message: then rows are kept of people.
    pub keeps_people: bool,
    lots: Option<Arc<dyn Lots>>,
}

impl Plans {
    /// Reads them.
    ///
    /// # Errors
    /// The store's; a stored plan that this program cannot read.
    pub async fn load(db: &mut impl Queries, workspace: WorkspaceId, calendar: Calendar) -> Result<Self, Error> {
        let settings = settings::read(db, workspace).await?;
        let rows = journeys::all(db, workspace).await?;
        let mut launched = BTreeMap::new();
        for version in journeys::running(db, workspace).await? {
            let Some(row) = rows.iter().find(|row| row.key == version.journey) else { continue };
            let definition = Definition::from_json(&version.definition)?;
            let segments = definition.conditions().iter().map(|(_, when)| when.segment()).collect();
            let one = Launched {
                key: row.key.clone(),
                version: version.version,
                is_open: row.state == journeys::LIVE && row.live_version == version.version,
                goes_on: [journeys::LIVE, journeys::ENDING].contains(&row.state.as_str()),
                definition,
                segments,
            };
            launched.insert((row.key.clone(), version.version), one);
        }
        let keeps_people = messages::any(db, workspace).await?;
        let of_state = |state: &str| rows.iter().filter(|row| row.state == state).map(|row| row.key.clone()).collect();
        let (paused, stopped) = (of_state(journeys::PAUSED), of_state(journeys::STOPPED));
        Ok(Self { keeps_people, paused, stopped, ..Self::of(calendar, settings, launched) })
    }

    fn of(calendar: Calendar, settings: Settings, launched: BTreeMap<(String, i64), Launched>) -> Self {
        let mut events = BTreeSet::new();
        let mut segments: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in launched.values() {
            if let Entry::Event { name, .. } = &one.definition.entry {
                events.insert(name.clone());
            }
            events.extend(one.definition.listens().into_iter().map(|(_, event)| event.name.clone()));
            for key in &one.segments {
                let of = segments.entry(key.clone()).or_default();
                if !of.contains(&one.key) {
                    of.push(one.key.clone());
                }
            }
        }
        let any_event = events.contains("*");
        Self {
            calendar,
            settings,
            launched,
            paused: BTreeSet::new(),
            stopped: BTreeSet::new(),
            events,
            any_event,
            segments,
            keeps_people: false,
            lots: None,
        }
    }

    /// With experiments that splits can name.
    #[must_use]
    pub fn with_lots(self, lots: Arc<dyn Lots>) -> Self {
        Self { lots: Some(lots), ..self }
    }

    /// The experiments that splits can name.
    pub fn lots(&self) -> Option<&dyn Lots> {
        self.lots.as_deref()
    }

    /// Whether nobody is in any, and nobody comes in.
    pub fn is_empty(&self) -> bool {
        self.launched.is_empty()
    }

    /// A version.
    pub fn get(&self, journey: &str, version: i64) -> Option<&Launched> {
        self.launched.get(&(journey.to_owned(), version))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Launched> {
        self.launched.values()
    }

    /// Whether a journey's messages wait for it to go on.
    pub fn is_paused(&self, journey: &str) -> bool {
        self.paused.contains(journey)
    }

    /// Whether a journey's messages do not go out any more.
    pub fn is_stopped(&self, journey: &str) -> bool {
        self.stopped.contains(journey)
    }

    /// The one that people come into.
    pub fn open(&self, journey: &str) -> Option<&Launched> {
        self.launched.values().find(|one| one.key == journey && one.is_open)
    }

    /// As rules see it.
    pub fn plan<'a>(&'a self, one: &'a Launched) -> Plan<'a> {
        Plan { key: &one.key, definition: &one.definition, settings: &self.settings }
    }

    /// Whether an event of that name may matter.
    pub fn listens_to(&self, name: &str) -> bool {
        self.any_event || self.events.contains(name)
    }

    /// The journeys that ask for a segment.
    pub fn asking(&self, segment: &str) -> &[String] {
        self.segments.get(segment).map_or(&[], Vec::as_slice)
    }

    /// All segments that are asked for.
    pub fn segments(&self) -> Vec<String> {
        self.segments.keys().cloned().collect()
    }

    /// Whether an event is meant.
    pub fn is_meant(&self, event: EventView<'_>, name: &str, filter: Option<&Filter>) -> bool {
        if name != "*" && name != event.name {
            return false;
        }
        let subject = Subject { event: Some(event), ..Subject::NOBODY };
        let moment = Moment { now: event.occurred_at, calendar: &self.calendar };
        filter.is_none_or(|filter| holds(&filter.0, &subject, moment))
    }
}
