//! Collects one customer's messages. Always holds: what comes out is sorted by time, lies at or before the end, is at whole
//! milliseconds, and carries ids that depend on the run and the place in it; an event on a device carries the customer number from the
//! moment the customer signed in there, never before.

use rapport_domain::{EventKind, Timestamp};
use serde_json::{Map, Value};

use crate::{
    chance::Dice,
    message::{Message, map},
};

/// A phone or a computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceKind {
    Phone,
    Computer,
}

impl DeviceKind {
    /// The word in `properties.device` and `context.device.type`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Computer => "computer",
        }
    }
}

/// A browser on a device.
pub(crate) struct Device {
    pub(crate) kind: DeviceKind,
    anonymous_id: String,
    context: Map<String, Value>,
    /// When the customer signed in on it.
    pub(crate) linked_at: Option<Timestamp>,
}

impl Device {
    /// A device nobody has signed in on.
    pub(crate) fn new(dice: &mut Dice, kind: DeviceKind, language: &str) -> Self {
        let system = match kind {
            DeviceKind::Phone => *dice.pick(&["iOS", "Android"]),
            DeviceKind::Computer => *dice.pick(&["Windows", "macOS", "Linux"]),
        };
        let context = map([
            ("device", Value::Object(map([("type", Value::from(kind.as_str()))]))),
            ("os", Value::Object(map([("name", Value::from(system))]))),
            ("locale", Value::from(language)),
        ]);
        Self { kind, anonymous_id: dice.uuid(), context, linked_at: None }
    }

    /// The campaign that brought the device here is told with every event until [`Device::forget_campaign`].
    pub(crate) fn came_by(&mut self, source: &str, medium: &str) {
        let campaign = map([("source", Value::from(source)), ("medium", Value::from(medium))]);
        self.context.insert("campaign".to_owned(), Value::Object(campaign));
    }

    /// Later visits come by no campaign.
    pub(crate) fn forget_campaign(&mut self) {
        self.context.remove("campaign");
    }
}

/// One customer's messages so far.
pub(crate) struct Recorder {
    user_id: Option<String>,
    messages: Vec<Message>,
}

impl Recorder {
    /// For a customer number, or for a visitor who has none.
    pub(crate) fn new(user_id: Option<String>) -> Self {
        Self { user_id, messages: Vec::with_capacity(64) }
    }

    /// Something the shop's own systems report about the customer.
    pub(crate) fn reported(&mut self, at: Timestamp, event: &'static str, properties: Map<String, Value>) {
        let mut message = self.blank(EventKind::Track, at);
        message.event = Some(event);
        message.properties = properties;
        self.messages.push(message);
    }

    /// Something done on a device; the properties also say on which kind.
    pub(crate) fn done(&mut self, at: Timestamp, device: &Device, event: &'static str, properties: Map<String, Value>) {
        let mut message = self.on(EventKind::Track, at, device);
        message.event = Some(event);
        message.properties = properties;
        message.properties.insert("device".to_owned(), Value::from(device.kind.as_str()));
        self.messages.push(message);
    }

    /// A page seen on a device.
    pub(crate) fn page(&mut self, at: Timestamp, device: &Device, name: &'static str, path: &str) {
        let mut message = self.on(EventKind::Page, at, device);
        message.name = Some(name);
        message.properties = map([
            ("path", Value::from(path)),
            ("url", Value::from(format!("https://nordlicht.example{path}"))),
            ("device", Value::from(device.kind.as_str())),
        ]);
        self.messages.push(message);
    }

    /// The customer signs in on a device: from now on its random id and the customer number are one person.
    pub(crate) fn identify(&mut self, at: Timestamp, device: &mut Device, traits: &Map<String, Value>) {
        device.linked_at = Some(at);
        let mut message = self.on(EventKind::Identify, at, device);
        message.traits = traits.clone();
        self.messages.push(message);
    }

    /// The customer belongs to an account.
    pub(crate) fn group(&mut self, at: Timestamp, group_id: String, traits: Map<String, Value>) {
        let mut message = self.blank(EventKind::Group, at);
        message.group_id = Some(group_id);
        message.traits = traits;
        self.messages.push(message);
    }

    /// The messages in order of time, with their ids; those after `end` never happened.
    pub(crate) fn finish(self, end: Timestamp, run: u64, stream: u64) -> Vec<Message> {
        let mut messages = self.messages;
        messages.retain(|message| message.timestamp <= end);
        messages.sort_by_key(|message| message.timestamp);
        for (place, message) in messages.iter_mut().enumerate() {
            message.message_id = format!("{run:016x}-{stream:x}-{place:x}");
        }
        messages
    }

    fn on(&self, kind: EventKind, at: Timestamp, device: &Device) -> Message {
        let mut message = self.blank(kind, at);
        if device.linked_at.is_none_or(|linked| at < linked) {
            message.user_id = None;
        }
        message.anonymous_id = Some(device.anonymous_id.clone());
        message.context = device.context.clone();
        message
    }

    fn blank(&self, kind: EventKind, at: Timestamp) -> Message {
        Message {
            kind,
            message_id: String::new(),
            timestamp: Timestamp(at.0.div_euclid(1000) * 1000),
            user_id: self.user_id.clone(),
            anonymous_id: None,
            group_id: None,
            event: None,
            name: None,
            properties: Map::new(),
            traits: Map::new(),
            context: Map::new(),
        }
    }
}
