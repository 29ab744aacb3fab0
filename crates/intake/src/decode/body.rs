//! A request's body: which items it has, what stands around them, and the loop that makes events of them.
//!
//! Always holds: every item of the body is either accepted or rejected, in the body's order, and what is copied from the
//! envelope into items is paid for from a budget.

use std::borrow::Cow;
use std::fmt;

use rapport_domain::{Event, EventKind, Rng, SourceId, Timestamp, WorkspaceId};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::excerpt::excerpt;
use super::normalise::{Item, Normaliser};
use super::tree;
use crate::reject::{Fault, Reject, RejectCode, Warning};
use crate::{Call, Limits, Refusal};

/// Whose events these are.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The source the write key belongs to.
    pub source: SourceId,
}

/// What became of a body's items.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The events, in the body's order.
    pub events: Vec<Event>,
    /// The items that were not taken.
    pub rejects: Vec<Reject>,
    /// Remarks about items that were taken.
    pub warnings: Vec<Warning>,
}

/// A body whose outer shape is understood.
#[derive(Debug)]
pub struct Body<'a> {
    items: Vec<&'a str>,
    /// Items beyond the limit.
    excess: usize,
    /// `None` when each item says its kind.
    kind: Option<EventKind>,
    write_key: Option<Cow<'a, str>>,
    sent_at: Option<Timestamp>,
    context: Map<String, Value>,
    context_bytes: usize,
    limits: Limits,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    batch: Option<&'a RawValue>,
    #[serde(borrow)]
    write_key: Option<&'a RawValue>,
    #[serde(borrow)]
    sent_at: Option<&'a RawValue>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
}

impl<'a> Body<'a> {
    /// Finds the items of `text`: one call's object, an object with a `batch`, or a bare array.
    pub fn parse(text: &'a str, call: Call, limits: &Limits) -> Result<Self, Refusal> {
        let mut body = Self {
            items: Vec::new(),
            excess: 0,
            kind: None,
            write_key: None,
            sent_at: None,
            context: Map::new(),
            context_bytes: 0,
            limits: *limits,
        };
        let start = text.trim_start();
        if start.starts_with('[') && call == Call::Batch {
            (body.items, body.excess) = items(text, limits.events)?;
            return Ok(body);
        }
        if !start.starts_with('{') {
            // Says where it stops being JSON, if it is none at all.
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| not_json(&error))?;
            return Err(Refusal::Shape { location: "body", reason: "expected a JSON object" });
        }
        let envelope: Envelope<'a> = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        body.write_key = match envelope.write_key {
            Some(raw) => Some(write_key(raw)?),
            None => None,
        };
        match (call, envelope.batch) {
            (Call::One(kind), _) => {
                body.kind = Some(kind);
                body.items.push(text);
            }
            (Call::Batch, Some(batch)) => {
                (body.items, body.excess) = items(batch.get(), limits.events)?;
                body.sent_at = envelope
                    .sent_at
                    .and_then(|raw| serde_json::from_str::<&str>(raw.get()).ok())
                    .and_then(Timestamp::parse);
                body.take_context(envelope.context)?;
            }
            (Call::Batch, None) => {
                return Err(Refusal::Shape { location: "batch", reason: "expected an array of events" });
            }
        }
        Ok(body)
    }

    fn take_context(&mut self, context: Option<&RawValue>) -> Result<(), Refusal> {
        let Some(raw) = context else { return Ok(()) };
        if raw.get().len() > self.limits.event_bytes {
            return Err(Refusal::TooLarge { limit: self.limits.event_bytes, decompressed: true });
        }
        let mut values = self.limits.body_values;
        self.context = tree::read(raw.get(), &self.limits, &mut values).map_err(|_| Refusal::Shape {
            location: "context",
            reason: "expected an object, not too deep, with no key twice",
        })?;
        self.context_bytes = raw.get().len();
        Ok(())
    }

    /// The write key that the body itself names, for SDKs that send no header.
    pub fn write_key(&self) -> Option<&str> {
        self.write_key.as_deref()
    }

    /// How many items the body has.
    pub fn len(&self) -> usize {
        self.items.len() + self.excess
    }

    /// Whether the body has no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes an event or a reject of every item. `received_at` is the present; `rng` names messages that have no id.
    pub fn decode(&self, origin: Origin, received_at: Timestamp, rng: &dyn Rng) -> Decoded {
        let mut decoded = Decoded { events: Vec::with_capacity(self.items.len()), ..Decoded::default() };
        let mut budget = Budget { values: self.limits.body_values, copied_bytes: self.limits.text_bytes };
        let mut normaliser = Normaliser::new(origin, received_at, &self.limits, rng);
        for (index, text) in self.items.iter().enumerate() {
            match self.item(index, text, &mut budget).and_then(|item| normaliser.event(item)) {
                Ok((event, faults)) => {
                    decoded.events.push(event);
                    decoded.warnings.extend(faults.into_iter().map(|fault| Warning {
                        index,
                        code: fault.code,
                        message: fault.message,
                        location: self.location(index, &fault.path),
                    }));
                }
                Err(fault) => decoded.rejects.push(Reject {
                    index,
                    code: fault.code,
                    message: fault.message,
                    location: self.location(index, &fault.path),
                    excerpt: excerpt(text),
                }),
            }
        }
        if self.excess > 0 {
            decoded.rejects.push(Reject {
                index: self.items.len(),
                code: RejectCode::TooManyEvents,
                message: format!(
                    "{} events beyond the {} a batch may have: send them again in smaller batches",
                    self.excess,
                    self.items.len()
                ),
                location: "batch".to_owned(),
                excerpt: String::new(),
            });
        }
        decoded
    }

    fn item(&self, index: usize, text: &str, budget: &mut Budget) -> Result<Item, Fault> {
        if text.len() > self.limits.event_bytes {
            let limit = self.limits.event_bytes;
            return Err(Fault::new(RejectCode::TooLarge, "", format!("an event has at most {limit} bytes")));
        }
        let map = tree::read(text, &self.limits, &mut budget.values)?;
        let context = if self.context.is_empty() {
            Map::new()
        } else {
            budget.copied_bytes = budget.copied_bytes.checked_sub(self.context_bytes).ok_or_else(|| {
                Fault::new(RejectCode::TooLarge, "", "the batch's context is too large to be copied into every event")
            })?;
            self.context.clone()
        };
        Ok(Item { index, map, kind: self.kind, sent_at: self.sent_at, context })
    }

    fn location(&self, index: usize, path: &str) -> String {
        match (self.kind, path) {
            (Some(_), "") => "body".to_owned(),
            (Some(_), path) => path.to_owned(),
            (None, "") => format!("batch[{index}]"),
            (None, path) => format!("batch[{index}].{path}"),
        }
    }
}

struct Budget {
    values: usize,
    copied_bytes: usize,
}

fn write_key(raw: &RawValue) -> Result<Cow<'_, str>, Refusal> {
    let wrong = |_| Refusal::Shape { location: "writeKey", reason: "expected a text" };
    if let Ok(key) = serde_json::from_str::<&str>(raw.get()) {
        return Ok(Cow::Borrowed(key));
    }
    serde_json::from_str::<String>(raw.get()).map(Cow::Owned).map_err(wrong)
}

/// The first `limit` elements of a JSON array and how many more there are.
fn items(text: &str, limit: usize) -> Result<(Vec<&str>, usize), Refusal> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = reader.deserialize_any(Items { limit }).and_then(|items| reader.end().map(|()| items));
    found.map_err(|error| {
        if error.is_data() {
            Refusal::Shape { location: "batch", reason: "expected an array of events" }
        } else {
            not_json(&error)
        }
    })
}

struct Items {
    limit: usize,
}

impl<'de> Visitor<'de> for Items {
    type Value = (Vec<&'de str>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.limit {
            match access.next_element::<&RawValue>()? {
                Some(raw) => items.push(raw.get()),
                None => return Ok((items, 0)),
            }
        }
        let mut excess = 0;
        while access.next_element::<IgnoredAny>()?.is_some() {
            excess += 1;
        }
        Ok((items, excess))
    }
}

fn not_json(error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
    Refusal::NotJson { line: error.line(), column: error.column(), reason }
}
