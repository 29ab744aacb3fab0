//! From one item's map to an event: required fields, identifiers, times, names, order.
//!
//! Always holds: an event has at least one identifier, sorted by kind, none of them blocked; its name is a standard one where
//! there is one; `occurred_at` is what the device said. Values of properties are left as they came.
//! It does not correct clocks (that needs the device's history) and does not classify properties.

use std::collections::HashMap;

use rapport_domain::{Event, EventId, EventKind, Identifier, IdentifierKind, Rng, Timestamp, shop_events};
use serde_json::{Map, Value};

use super::Origin;
use super::identifiers;
use crate::Limits;
use crate::reject::{Fault, RejectCode};

/// One item and what its envelope gives it.
pub(super) struct Item {
    /// Its place in the batch.
    pub index: usize,
    /// Its fields.
    pub map: Map<String, Value>,
    /// What the path says it is.
    pub kind: Option<EventKind>,
    /// When the batch was sent.
    pub sent_at: Option<Timestamp>,
    /// The envelope's context; the item's own wins.
    pub context: Map<String, Value>,
}

/// Makes events of the items of one body.
pub(super) struct Normaliser<'a> {
    origin: Origin,
    received_at: Timestamp,
    limits: &'a Limits,
    rng: &'a dyn Rng,
    /// Standard names already looked up; a batch repeats few names.
    names: HashMap<String, String>,
}

impl<'a> Normaliser<'a> {
    pub fn new(origin: Origin, received_at: Timestamp, limits: &'a Limits, rng: &'a dyn Rng) -> Self {
        Self { origin, received_at, limits, rng, names: HashMap::new() }
    }

    /// The event and what was odd about it.
    pub fn event(&mut self, item: Item) -> Result<(Event, Vec<Fault>), Fault> {
        let Item { index, mut map, kind, sent_at, context: outer } = item;
        let kind = match kind {
            Some(kind) => kind,
            None => kind_of(&map)?,
        };
        let mut fields = Fields { map: &mut map, limits: self.limits };
        let mut context = outer;
        context.extend(fields.object("context")?);
        let mut properties = fields.object("properties")?;
        let mut traits = fields.object("traits")?;
        let mut warnings = Vec::new();

        let sent_at = fields.time("sentAt")?.or(sent_at);
        let occurred_at = self.occurred_at(&mut fields, sent_at)?;
        let user_id = fields.identifier("userId", &mut warnings)?;
        let anonymous_id = fields.identifier("anonymousId", &mut warnings)?;
        let email = email(&traits, &context, kind, &mut warnings);
        let order_key = self.order_key(index, anonymous_id.as_deref().or(user_id.as_deref()), &context);
        let identifiers = named([
            (IdentifierKind::UserId, user_id),
            (IdentifierKind::AnonymousId, anonymous_id),
            (IdentifierKind::Email, email),
        ])?;
        if kind == EventKind::Identify {
            merge_context_traits(&mut traits, &mut context);
        }
        let name = self.name(kind, &mut fields, &mut properties)?;
        let group_id = match kind {
            EventKind::Group => Some(fields.required_identifier("groupId")?),
            _ => None,
        };
        let previous_id = match kind {
            EventKind::Alias => Some(fields.required_identifier("previousId")?),
            _ => None,
        };
        let id = self.event_id(fields.text("messageId", self.limits.message_id_chars)?);
        let event = Event {
            id,
            workspace: self.origin.workspace,
            source: self.origin.source,
            kind,
            name,
            occurred_at,
            sent_at,
            received_at: self.received_at,
            order_key,
            identifiers,
            group_id,
            previous_id,
            natural_key: None,
            supersedes: None,
            properties,
            traits,
            context,
        };
        Ok((event, warnings))
    }

    /// The event's standard name. A page's or screen's own name is a property.
    fn name(
        &mut self,
        kind: EventKind,
        fields: &mut Fields<'_>,
        properties: &mut Map<String, Value>,
    ) -> Result<String, Fault> {
        let chars = self.limits.name_chars;
        Ok(match kind {
            EventKind::Track => self.standard_name(fields.required("event", chars)?),
            EventKind::Identify => "Identify".to_owned(),
            EventKind::Group => "Group".to_owned(),
            EventKind::Alias => "Alias".to_owned(),
            EventKind::Page | EventKind::Screen => {
                for key in ["name", "category"] {
                    if let Some(text) = fields.text(key, chars)? {
                        properties.entry(key).or_insert(Value::String(text));
                    }
                }
                if kind == EventKind::Page { shop_events::PAGE_VIEWED } else { shop_events::SCREEN_VIEWED }.to_owned()
            }
        })
    }

    /// `timestamp`, else `originalTimestamp` (RudderStack), else the time of sending, else now.
    fn occurred_at(&self, fields: &mut Fields<'_>, sent_at: Option<Timestamp>) -> Result<Timestamp, Fault> {
        let timestamp = fields.time("timestamp")?;
        let original = fields.time("originalTimestamp")?;
        let occurred_at = timestamp.or(original).or(sent_at).unwrap_or(self.received_at);
        // A device whose clock is ahead says so by its time of sending; what is ahead of that clock too is no behaviour.
        let ahead = sent_at.map_or(0, |sent_at| (sent_at.0 - self.received_at.0).max(0));
        if occurred_at.0 - ahead > self.received_at.0 + Timestamp::DAY {
            let path = if timestamp.is_some() { "timestamp" } else { "originalTimestamp" };
            let message = "more than 24 hours in the future: check the sender's clock and send it again";
            return Err(Fault::new(RejectCode::Future, path, message));
        }
        Ok(occurred_at)
    }

    /// Upper 31 bits: source, device and library. Lower 32 bits: arrival in milliseconds (20 bits, wraps after 17 minutes) and
    /// place in the batch (12 bits), so that events with one timestamp keep their order within and across batches.
    fn order_key(&self, index: usize, device: Option<&str>, context: &Map<String, Value>) -> i64 {
        let library = context.get("library").and_then(|library| library.get("name")).and_then(Value::as_str);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.origin.source.0.to_le_bytes());
        hasher.update(device.unwrap_or_default().as_bytes());
        hasher.update(&[0]);
        hasher.update(library.unwrap_or_default().as_bytes());
        let hash = hasher.finalize();
        let [a, b, c, d, ..] = *hash.as_bytes();
        let producer = i64::from(u32::from_le_bytes([a, b, c, d]) >> 1);
        let arrival = (self.received_at.0 / 1000) & 0xf_ffff;
        let place = i64::try_from(index.min(0xfff)).unwrap_or(0xfff);
        producer << 32 | arrival << 12 | place
    }

    fn standard_name(&mut self, name: String) -> String {
        if let Some(standard) = self.names.get(&name) {
            return standard.clone();
        }
        let standard = shop_events::standard_name(&name).to_owned();
        self.names.insert(name, standard.clone());
        standard
    }

    fn event_id(&self, message_id: Option<String>) -> EventId {
        let Origin { workspace, source } = self.origin;
        match message_id {
            Some(message_id) => EventId::of_message(workspace, source, &message_id),
            None => {
                let mut random = [0; 16];
                self.rng.fill(&mut random);
                EventId(random)
            }
        }
    }
}

fn kind_of(map: &Map<String, Value>) -> Result<EventKind, Fault> {
    use EventKind::{Alias, Group, Identify, Page, Screen, Track};
    let word = match map.get("type") {
        Some(Value::String(word)) => word.as_str(),
        Some(Value::Null) | None => "",
        Some(_) => return Err(Fault::new(RejectCode::WrongType, "type", "expected a text")),
    };
    [Identify, Track, Page, Screen, Group, Alias].into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
        Fault::new(RejectCode::UnknownType, "type", "expected identify, track, page, screen, group or alias")
    })
}

fn named(found: [(IdentifierKind, Option<String>); 3]) -> Result<Vec<Identifier>, Fault> {
    let identifiers: Vec<Identifier> =
        found.into_iter().filter_map(|(kind, value)| Some(Identifier { kind, value: value? })).collect();
    if identifiers.is_empty() {
        let message = "nothing names the person: send userId or anonymousId, no placeholder";
        return Err(Fault::new(RejectCode::NoIdentifier, "userId", message));
    }
    Ok(identifiers)
}

/// The address in `traits.email` (identify) or `context.traits.email` (any call).
fn email(
    traits: &Map<String, Value>,
    context: &Map<String, Value>,
    kind: EventKind,
    warnings: &mut Vec<Fault>,
) -> Option<String> {
    // The traits of a group call are the account's.
    let own = if kind == EventKind::Identify { traits.get("email") } else { None };
    let (value, path) = match own {
        Some(value) if !value.is_null() => (value, "traits.email"),
        _ => (context.get("traits").and_then(|traits| traits.get("email"))?, "context.traits.email"),
    };
    let text = match value {
        Value::Null => return None,
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) => text.as_str(),
        _ => "",
    };
    let address = identifiers::email(text);
    if address.is_none() {
        let message = "no e-mail address: kept as a trait, not used to recognise the person";
        warnings.push(Fault::new(RejectCode::BadEmail, path, message));
    }
    address
}

/// RudderStack's SDKs put the traits of an identify call into its context.
fn merge_context_traits(traits: &mut Map<String, Value>, context: &mut Map<String, Value>) {
    if let Some(Value::Object(more)) = context.remove("traits") {
        for (key, value) in more {
            traits.entry(key).or_insert(value);
        }
    }
}

/// The fields of an item, taken out one by one.
struct Fields<'a> {
    map: &'a mut Map<String, Value>,
    limits: &'a Limits,
}

impl Fields<'_> {
    fn object(&mut self, key: &str) -> Result<Map<String, Value>, Fault> {
        match self.map.remove(key) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(_) => Err(Fault::new(RejectCode::WrongType, key, "expected an object")),
        }
    }

    /// A text or a whole number, trimmed; `None` when absent, null or blank.
    fn text(&mut self, key: &str, chars: usize) -> Result<Option<String>, Fault> {
        let text = match self.map.remove(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text,
            Some(Value::Number(number)) => whole(&number).ok_or_else(|| {
                Fault::new(RejectCode::WrongType, key, "expected a text or a whole number below 2^53")
            })?,
            Some(_) => return Err(Fault::new(RejectCode::WrongType, key, "expected a text")),
        };
        let trimmed = text.trim();
        if trimmed.len() > chars && trimmed.chars().count() > chars {
            return Err(Fault::new(RejectCode::TooLong, key, format!("at most {chars} characters")));
        }
        Ok(match trimmed.len() {
            0 => None,
            length if length == text.len() => Some(text),
            _ => Some(trimmed.to_owned()),
        })
    }

    fn required(&mut self, key: &str, chars: usize) -> Result<String, Fault> {
        let missing = || Fault::new(RejectCode::MissingField, key, format!("this call needs {key}"));
        self.text(key, chars)?.ok_or_else(missing)
    }

    fn identifier(&mut self, key: &str, warnings: &mut Vec<Fault>) -> Result<Option<String>, Fault> {
        let value = self.text(key, self.limits.identifier_chars)?;
        Ok(value.filter(|value| {
            let blocked = identifiers::is_blocked(value);
            if blocked {
                let message = "a placeholder that many people share: left out";
                warnings.push(Fault::new(RejectCode::BlockedIdentifier, key, message));
            }
            !blocked
        }))
    }

    fn required_identifier(&mut self, key: &str) -> Result<String, Fault> {
        let value = self.required(key, self.limits.identifier_chars)?;
        if identifiers::is_blocked(&value) {
            return Err(Fault::new(
                RejectCode::BlockedIdentifier,
                key,
                "a placeholder that many share: send the real id",
            ));
        }
        Ok(value)
    }

    /// RFC 3339, or seconds or milliseconds since 1970.
    fn time(&mut self, key: &str) -> Result<Option<Timestamp>, Fault> {
        const EARLIEST: Timestamp = Timestamp::from_seconds(-2_208_988_800);
        const LATEST: Timestamp = Timestamp::from_seconds(7_258_118_400);
        let time = match self.map.remove(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::String(text)) => Timestamp::parse(&text),
            Some(Value::Number(number)) => number.as_f64().map(epoch),
            Some(_) => None,
        };
        match time {
            Some(time) if (EARLIEST..LATEST).contains(&time) => Ok(Some(time)),
            _ => Err(Fault::new(
                RejectCode::BadTime,
                key,
                "expected a time such as 2026-11-21T09:30:00.000Z, years 1900 to 2199",
            )),
        }
    }
}

/// A number of seconds, or from 10^11 on of milliseconds (1973 in milliseconds, the year 5138 in seconds).
fn epoch(number: f64) -> Timestamp {
    let micros = if number.abs() >= 1e11 { number * 1e3 } else { number * 1e6 };
    // The cast saturates; the caller checks the range.
    Timestamp(micros.round() as i64)
}

/// The decimal text of a number that JSON carries exactly.
fn whole(number: &serde_json::Number) -> Option<String> {
    if let Some(float) = number.as_f64()
        && number.is_f64()
    {
        let exact = float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
        return exact.then(|| format!("{float:.0}"));
    }
    Some(number.to_string())
}
