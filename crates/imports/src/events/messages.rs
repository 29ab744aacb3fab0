//! JSON Lines of messages as Segment's libraries send them: each is an event as it stands.
//!
//! Always holds: the message id is the natural key; without one, the content is. Names are made standard, nothing else is changed.

use rapport_domain::shop_events::{PAGE_VIEWED, SCREEN_VIEWED, standard_name};
use rapport_domain::{EventKind, Identifier, IdentifierKind, NaturalKey, Timestamp};
use serde_json::{Map, Value};

use super::Shop;
use crate::event::{ImportedEvent, Output};
use crate::json_rows::object;
use crate::records::{BadRow, excerpt};
use crate::row::Row;
use crate::values::{is_email, is_placeholder_customer};

impl Shop {
    /// One line, one message.
    pub(crate) fn message(&mut self, index: usize, row: &Row) {
        match read(row.text()) {
            Ok(mut event) => {
                event.file.clone_from(&self.plans[index].file);
                (event.first_row, event.last_row) = (row.number, row.number);
                event.seal(true);
                self.tally.report.rows_taken += 1;
                self.tally.event(&event.name, event.occurred_at);
                self.queue.push_back(Output::Event(Box::new(event)));
            }
            Err(bad) => self.reject_row(index, row.number, bad),
        }
    }
}

fn read(line: &str) -> Result<ImportedEvent, BadRow> {
    let bad = |code, message: &str| BadRow { code, message: message.to_owned(), excerpt: excerpt(line) };
    let mut message = object(line)?;
    let text = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let (kind, name) = kind_and_name(&text("type"), &text("event")).map_err(|m| bad("bad_type", m))?;
    let time = ["originalTimestamp", "timestamp", "sentAt"].iter().map(|key| text(key)).find(|t| !t.is_empty());
    let at = time.ok_or_else(|| bad("no_date", "the message has no timestamp"))?;
    let at = Timestamp::parse(&at).ok_or_else(|| bad("bad_date", "the timestamp is not RFC 3339"))?;
    let mut identifiers = Vec::new();
    for (key, kind) in [("userId", IdentifierKind::UserId), ("anonymousId", IdentifierKind::AnonymousId)] {
        let value = match message.get(key) {
            Some(Value::Number(number)) => number.to_string(),
            _ => text(key),
        };
        if !is_placeholder_customer(&value) {
            identifiers.push(Identifier { kind, value });
        }
    }
    let map = |message: &mut Map<String, Value>, key: &str| match message.remove(key) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let message_id = text("messageId");
    let (group_id, previous_id) = (text("groupId"), text("previousId"));
    let own_name = text("name");
    let mut properties = map(&mut message, "properties");
    let traits = map(&mut message, "traits");
    let context = map(&mut message, "context");
    if matches!(kind, EventKind::Page | EventKind::Screen) && !own_name.is_empty() {
        properties.entry("name").or_insert(Value::from(own_name));
    }
    let email = traits.get("email").or_else(|| context.get("traits").and_then(|t| t.get("email")));
    let email = email.and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
    if is_email(&email) && kind != EventKind::Group {
        identifiers.push(Identifier { kind: IdentifierKind::Email, value: email });
    }
    if identifiers.is_empty() {
        return Err(bad("no_customer", "the message has neither userId nor anonymousId"));
    }
    let key = if message_id.is_empty() {
        format!("message:#{}", blake3::hash(line.as_bytes()).to_hex())
    } else {
        format!("message:{message_id}")
    };
    Ok(ImportedEvent {
        natural_key: NaturalKey(key),
        digest: [0; 16],
        kind,
        name,
        occurred_at: at,
        identifiers,
        group_id: (!group_id.is_empty()).then_some(group_id),
        previous_id: (!previous_id.is_empty()).then_some(previous_id),
        properties,
        traits,
        context,
        file: String::new(),
        first_row: 0,
        last_row: 0,
    })
}

fn kind_and_name(kind: &str, event: &str) -> Result<(EventKind, String), &'static str> {
    Ok(match kind {
        "" | "track" if event.is_empty() => return Err("the message has no event name"),
        "" | "track" => (EventKind::Track, standard_name(event).to_owned()),
        "identify" => (EventKind::Identify, "Identify".to_owned()),
        "page" => (EventKind::Page, PAGE_VIEWED.to_owned()),
        "screen" => (EventKind::Screen, SCREEN_VIEWED.to_owned()),
        "group" => (EventKind::Group, "Group".to_owned()),
        "alias" => (EventKind::Alias, "Alias".to_owned()),
        _ => return Err("the message's type is none of track, identify, page, screen, group, alias"),
    })
}
