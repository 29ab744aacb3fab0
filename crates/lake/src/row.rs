//! The row of the lake: an event, its person and handle, and its flattened, classified properties.
//!
//! Always holds: a row can only be made through a [`PropertyPolicy`]. What the policy keeps out of the lake (identifiers, contact
//! data, free text) is handed back to the caller and is nowhere in the row. Traits, identifiers, group ids and natural keys never
//! come in at all.

use std::collections::HashSet;

use rapport_domain::{Event, EventId, EventKind, Handle, PersonId, SourceId, Timestamp};
use serde_json::{Map, Value};

/// Longest path that is kept, in bytes; a longer one is cut off there into its parent, as JSON.
pub const MAX_PATH_BYTES: usize = 160;
/// Deepest nesting that is flattened; what lies deeper is kept as JSON text.
pub const MAX_PATH_PARTS: usize = 6;

/// Where a property goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Into the lake.
    Keep,
    /// Not into the lake: an identifier, contact datum or free text, which belongs into the product database, or nowhere.
    Withhold,
}

/// Decides, path by path and value by value, what may be written into the lake. Lists and what is nested too deep are asked
/// about as a whole.
pub trait PropertyPolicy: Send + Sync {
    /// The fate of `value` at `path` (parts joined by dots; circumstances begin with `context.`).
    fn fate(&self, path: &str, value: &Value) -> Fate;
}

/// One row of the lake.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Whose event it is now.
    pub person: PersonId,
    /// The primary identifier's handle.
    pub handle: Handle,
    /// When it happened, corrected.
    pub occurred_at: Timestamp,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// Order within one producer.
    pub order_key: i64,
    /// The event's id.
    pub event_id: EventId,
    /// Where it came from.
    pub source: SourceId,
    /// By which call.
    pub kind: EventKind,
    /// The event's standard name.
    pub name: String,
    properties: Vec<(String, Value)>,
}

impl EventRow {
    /// The row of `event`, and the properties that `policy` withheld, as (path, value).
    pub fn of_event(
        event: &Event,
        person: PersonId,
        handle: Handle,
        policy: &dyn PropertyPolicy,
    ) -> (Self, Vec<(String, Value)>) {
        let mut flat = Flattener { policy, kept: Vec::new(), withheld: Vec::new(), ambiguous: false };
        flat.object("", 0, &event.properties);
        flat.ambiguous |= event.properties.contains_key("context");
        flat.object("context", 1, &event.context);
        if flat.ambiguous {
            flat.first_of_each_path();
        }
        let row = Self {
            person,
            handle,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            order_key: event.order_key,
            event_id: event.id,
            source: event.source,
            kind: event.kind,
            name: event.name.clone(),
            properties: flat.kept,
        };
        (row, flat.withheld)
    }

    /// What would be in the lake of these properties, as (path, value): for what looks at an event that nobody sent.
    pub fn flat(properties: &Map<String, Value>, policy: &dyn PropertyPolicy) -> Vec<(String, Value)> {
        let mut flat = Flattener { policy, kept: Vec::new(), withheld: Vec::new(), ambiguous: false };
        flat.object("", 0, properties);
        if flat.ambiguous {
            flat.first_of_each_path();
        }
        flat.kept
    }

    /// The properties that are in the lake, as (path, value): numbers, texts, booleans, and lists.
    pub fn properties(&self) -> &[(String, Value)] {
        &self.properties
    }

    /// A row read back from the lake; its properties passed a policy when they were written.
    pub(crate) fn with_properties(mut self, properties: Vec<(String, Value)>) -> Self {
        self.properties = properties;
        self
    }

    /// A row without properties.
    pub(crate) fn bare(key: RowKey, received_at: Timestamp, source: SourceId, kind: EventKind, name: String) -> Self {
        let RowKey { person, handle, occurred_at, order_key, event_id } = key;
        Self {
            person,
            handle,
            occurred_at,
            received_at,
            order_key,
            event_id,
            source,
            kind,
            name,
            properties: Vec::new(),
        }
    }
}

/// What names and orders a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowKey {
    pub(crate) person: PersonId,
    pub(crate) handle: Handle,
    pub(crate) occurred_at: Timestamp,
    pub(crate) order_key: i64,
    pub(crate) event_id: EventId,
}

struct Flattener<'p> {
    policy: &'p dyn PropertyPolicy,
    kept: Vec<(String, Value)>,
    withheld: Vec<(String, Value)>,
    /// A path may have come twice: `{"a.b": 1, "a": {"b": 2}}`.
    ambiguous: bool,
}

impl Flattener<'_> {
    fn object(&mut self, prefix: &str, depth: usize, object: &Map<String, Value>) {
        for (key, value) in object {
            self.ambiguous |= key.contains('.');
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            if path.len() > MAX_PATH_BYTES {
                self.withheld.push((path, value.clone()));
                continue;
            }
            match value {
                Value::Null => {}
                Value::Object(inner) if depth + 1 < MAX_PATH_PARTS => self.object(&path, depth + 1, inner),
                _ => self.leaf(path, value),
            }
        }
    }

    /// A row has one value at a path.
    fn first_of_each_path(&mut self) {
        let mut seen = HashSet::new();
        self.kept.retain(|(path, _)| seen.insert(path.clone()));
    }

    fn leaf(&mut self, path: String, value: &Value) {
        match self.policy.fate(&path, value) {
            Fate::Keep => self.kept.push((path, value.clone())),
            Fate::Withhold => self.withheld.push((path, value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::{Identifier, IdentifierKind, WorkspaceId};
    use serde_json::json;

    struct NoContact;

    impl PropertyPolicy for NoContact {
        fn fate(&self, path: &str, value: &Value) -> Fate {
            let personal = path.ends_with("email") || value.as_str().is_some_and(|text| text.contains('@'));
            if personal { Fate::Withhold } else { Fate::Keep }
        }
    }

    #[test]
    fn what_the_policy_withholds_is_nowhere_in_the_row() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let workspace = WorkspaceId(1);
        let event = Event {
            id: EventId::of_message(workspace, SourceId(1), "m"),
            workspace,
            source: SourceId(1),
            kind: EventKind::Track,
            name: "Order Completed".to_owned(),
            occurred_at: Timestamp(5),
            sent_at: None,
            received_at: Timestamp(6),
            order_key: 7,
            identifiers: vec![Identifier { kind: IdentifierKind::Email, value: "ann@example.com".to_owned() }],
            group_id: Some("ann@example.com".to_owned()),
            previous_id: None,
            natural_key: None,
            supersedes: None,
            properties: object(json!({
                "revenue": 12.5, "gift": true, "note": "write to ann@example.com", "none": null,
                "billing": {"email": "ann@example.com", "city": "Ulm"}, "products": [{"sku": "a"}]
            })),
            traits: object(json!({"email": "ann@example.com"})),
            context: object(json!({"page": {"path": "/"}, "a": {"b": {"c": {"d": {"e": {"f": 1}}}}}})),
        };
        let mut twice = event.clone();
        twice.properties = object(json!({"a": {"b": 2}, "a.b": 1, "context": {"page": {"path": "/mine"}}}));
        let (row, _) = EventRow::of_event(&twice, PersonId(1), Handle(2), &NoContact);
        let of = |path: &str| row.properties().iter().filter(|(own, _)| own == path).count();
        assert_eq!((of("a.b"), of("context.page.path")), (1, 1), "one value at a path");

        let (row, withheld) = EventRow::of_event(&event, PersonId(1), Handle(2), &NoContact);
        assert!(!format!("{row:?}").contains("ann@example.com"));
        let paths = |list: &[(String, Value)]| list.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&withheld), ["billing.email", "note"]);
        assert_eq!(
            paths(row.properties()),
            ["billing.city", "gift", "products", "revenue", "context.a.b.c.d.e", "context.page.path"]
        );
    }
}
