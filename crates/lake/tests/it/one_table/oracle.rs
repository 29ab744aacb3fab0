//! The obvious second implementation: a list of events, a map from handle to person, a set of superseded events.

use std::collections::{HashMap, HashSet};

use rapport_domain::{
    Event, EventId, EventKind, Handle, Identifier, IdentifierKind, PersonId, SourceId, Timestamp, WorkspaceId,
};
use rapport_lake::{EventRow, Fate, Move, PropertyPolicy};
use serde_json::{Map, Value, json};

/// One event drawn: handle, day, seconds, cents, size.
pub type Draw = (u8, u16, u32, i64, u8);

/// A row as a question sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub person: i64,
    pub handle: i64,
    pub occurred_at: i64,
    pub event_id: [u8; 16],
    pub name: String,
    pub price: Option<i64>,
    pub size_text: Option<String>,
    pub size_number: Option<String>,
}

struct KeepAll;

impl PropertyPolicy for KeepAll {
    fn fate(&self, _: &str, _: &Value) -> Fate {
        Fate::Keep
    }
}

/// What should be in the lake.
#[derive(Default)]
pub struct Oracle {
    events: Vec<(Event, Handle)>,
    persons: HashMap<Handle, PersonId>,
    erased: HashSet<Handle>,
    dead: HashSet<EventId>,
}

/// An instant: days and seconds after the beginning of 2023.
pub fn at(day: u16, seconds: u32) -> Timestamp {
    Timestamp::from_seconds(1_672_531_200)
        .plus(i64::from(day) * Timestamp::DAY + i64::from(seconds) * Timestamp::SECOND)
}

/// All persons that can be.
pub fn persons() -> Vec<PersonId> {
    (0..8).map(person).collect()
}

fn person(number: u8) -> PersonId {
    PersonId(1_000_003 * i64::from(number) + 17)
}

fn handle(number: u8) -> Handle {
    Handle(500 + i64::from(number))
}

/// The properties of an event: `size` has two types, `price` is money, some have none.
fn properties((_, _, seconds, cents, size): Draw) -> Map<String, Value> {
    let mut properties = Map::new();
    if cents % 3 != 0 {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        properties.insert("price".to_owned(), json!(cents as f64 / 100.0));
    }
    match size {
        0 => {}
        1 => drop(properties.insert("size".to_owned(), json!("large"))),
        2 => drop(properties.insert("size".to_owned(), json!("12.5"))),
        _ => drop(properties.insert("size".to_owned(), json!(f64::from(size) + 0.5))),
    }
    if seconds == 0 {
        properties.insert("products".to_owned(), json!([{"sku": "a"}]));
    }
    properties
}

impl Oracle {
    /// The log position after all events.
    pub fn position(&self) -> i64 {
        i64::try_from(self.events.len()).unwrap()
    }

    /// New events, as the rows that the lake is given.
    pub fn append(&mut self, draws: &[Draw]) -> Vec<EventRow> {
        let before = self.position();
        for draw in draws {
            let number = self.position();
            let event = Event {
                id: EventId::of_message(WorkspaceId(7), SourceId(1), &number.to_string()),
                workspace: WorkspaceId(7),
                source: SourceId(1),
                kind: EventKind::Track,
                name: ["Page Viewed", "Order Completed", "Product Added"][usize::from(draw.4) % 3].to_owned(),
                occurred_at: at(draw.1, draw.2),
                sent_at: None,
                received_at: at(1_000, 0).plus(number),
                order_key: 0,
                identifiers: vec![Identifier { kind: IdentifierKind::AnonymousId, value: draw.0.to_string() }],
                group_id: None,
                previous_id: None,
                natural_key: None,
                supersedes: None,
                properties: properties(*draw),
                traits: Map::new(),
                context: Map::new(),
            };
            let handle = handle(draw.0);
            self.persons.entry(handle).or_insert_with(|| person(draw.0));
            self.events.push((event, handle));
        }
        self.since(before)
    }

    /// The rows of the events after a log position, as a consumer that starts again there would append them.
    pub fn since(&self, position: i64) -> Vec<EventRow> {
        let events = self.events.iter().skip(usize::try_from(position).unwrap());
        let known = events.filter(|(_, handle)| !self.erased.contains(handle));
        known.map(|(event, handle)| EventRow::of_event(event, self.persons[handle], *handle, &KeepAll).0).collect()
    }

    /// Moves a handle that has events.
    pub fn move_handle(&mut self, number: u8, to: u8) -> Option<Move> {
        let (handle, to) = (handle(number), person(to));
        let from = *self.persons.get(&handle)?;
        if self.erased.contains(&handle) || from == to {
            return None;
        }
        self.persons.insert(handle, to);
        Some(Move { handle, from, to: Some(to) })
    }

    /// Erases a handle: it never comes again.
    pub fn erase(&mut self, number: u8) -> Option<Move> {
        let handle = handle(number);
        let from = *self.persons.get(&handle)?;
        self.erased.insert(handle).then_some(Move { handle, from, to: None })
    }

    /// Supersedes an event that is there.
    pub fn supersede(&mut self, number: u16) -> Option<EventId> {
        let event = self.events.get(usize::from(number) % self.events.len().max(1))?.0.id;
        self.dead.insert(event).then_some(event)
    }

    /// All rows that questions see, sorted.
    pub fn seen(&self) -> Vec<Seen> {
        let there = self
            .events
            .iter()
            .filter(|(event, handle)| !self.dead.contains(&event.id) && !self.erased.contains(handle));
        let mut seen: Vec<Seen> = there.map(|(event, handle)| self.row(event, *handle)).collect();
        seen.sort();
        seen
    }

    fn row(&self, event: &Event, handle: Handle) -> Seen {
        let size = event.properties.get("size");
        Seen {
            person: self.persons[&handle].0,
            handle: handle.0,
            occurred_at: event.occurred_at.0,
            event_id: event.id.0,
            name: event.name.clone(),
            price: event
                .properties
                .get("price")
                .map(|price| rapport_domain::money::parse_micros(&price.to_string()).unwrap()),
            size_text: size.map(|size| size.as_str().map_or_else(|| size.to_string(), str::to_owned)),
            size_number: size
                .and_then(|size| size.as_f64().or_else(|| size.as_str()?.parse().ok()))
                .map(|size| size.to_string()),
        }
    }

    /// An event's properties, sorted by path, as a point read gives them.
    pub fn properties(&self, id: EventId) -> Vec<(String, Value)> {
        let event = self.events.iter().find(|(event, _)| event.id == id);
        let properties = event.into_iter().flat_map(|(event, _)| event.properties.clone());
        let whole = |value: Value| match value.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "small")]
            Some(number) if number.fract() == 0.0 => json!(number as i64),
            _ => value,
        };
        properties.map(|(path, value)| (path, whole(value))).collect()
    }
}
