//! What an event says about consent.
//!
//! Always holds: a refusal whose words are not understood is taken for a refusal of everything, an agreement whose words are not understood for
//! nothing; only the program itself can say that somebody confirmed what they asked for.

use std::collections::BTreeSet;

use rapport_domain::{Channel, Event, Handle, Purpose, Timestamp};
use serde_json::{Map, Value};

use crate::consent::{Scope, State};
use crate::records::consents::ConsentRow;

/// Somebody agreed.
pub const GRANTED: &str = "Consent Granted";
/// Somebody said no.
pub const DENIED: &str = "Consent Denied";
/// Somebody does not agree any more.
pub const WITHDRAWN: &str = "Consent Withdrawn";
/// Somebody left by a message's own link, or by the button of their mail program.
pub const UNSUBSCRIBED: &str = "Message Unsubscribed";

/// How a confirmed agreement is noted.
pub const CONFIRMED: &str = "double_opt_in";
/// The longest word that is kept.
const LONGEST: usize = 200;

/// What matters about the workspace.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The keys of topics for which an agreement counts only once it is confirmed.
    pub confirmed_topics: &'a BTreeSet<String>,
    /// Whether the event comes from the program itself.
    pub is_own: bool,
}

/// Whether an event says anything about consent.
pub fn is_about_consent(event: &Event) -> bool {
    state_of(&event.name).is_some()
}

fn state_of(name: &str) -> Option<State> {
    match name {
        GRANTED => Some(State::Granted),
        DENIED => Some(State::Denied),
        WITHDRAWN | UNSUBSCRIBED => Some(State::Withdrawn),
        _ => None,
    }
}

/// Where the context of an event says that the browser asks not to sell or share what it tells (Global Privacy Control, `Sec-GPC: 1`).
pub const SIGNAL: &str = "gpc";
/// What that refuses.
pub const SIGNALLED: Scope = Scope { purpose: Purpose::Sharing, channel: None, topic: None };

/// Whether the browser of an event asks not to sell or share.
pub fn has_signal(event: &Event) -> bool {
    event.context.get(SIGNAL) == Some(&Value::Bool(true))
}

/// The refusal that the browser's signal is, for each identifier.
pub fn signal(event: &Event, at: Timestamp, handles: &[Handle], now: Timestamp) -> Vec<ConsentRow> {
    let row = ConsentRow {
        handle: Handle(0),
        event_id: event.id.0,
        purpose: SIGNALLED.purpose.as_str().to_owned(),
        channel: String::new(),
        topic: String::new(),
        state: State::Denied.as_str().to_owned(),
        occurred_at: at,
        until_at: None,
        recorded_at: now,
        notice: None,
        notice_version: None,
        locale: None,
        method: SIGNAL.to_owned(),
        actor: "person".to_owned(),
        evidence: None,
    };
    handles.iter().map(|handle| ConsentRow { handle: *handle, ..row.clone() }).collect()
}

/// The statement of an event, for each identifier of whoever made it; none when it is about something else.
pub fn statements(
    event: &Event,
    at: Timestamp,
    handles: &[Handle],
    now: Timestamp,
    rules: Rules<'_>,
) -> Vec<ConsentRow> {
    let Some(state) = state_of(&event.name) else { return Vec::new() };
    let said = &event.properties;
    let Some((purpose, channel)) = about(said, state) else { return Vec::new() };
    let topic = text(said, "topic").unwrap_or_default();
    let method = text(said, "method").filter(|method| rules.is_own || method != CONFIRMED);
    let method = method.unwrap_or_else(|| "event".to_owned());
    let waits = state == State::Granted && method != CONFIRMED && rules.confirmed_topics.contains(&topic);
    let row = ConsentRow {
        handle: Handle(0),
        event_id: event.id.0,
        purpose: purpose.as_str().to_owned(),
        channel: channel.map(Channel::as_str).unwrap_or_default().to_owned(),
        topic,
        state: if waits { State::Pending } else { state }.as_str().to_owned(),
        occurred_at: at,
        until_at: text(said, "until").and_then(|until| Timestamp::parse(&until)).filter(|_| state == State::Granted),
        recorded_at: now,
        notice: text(said, "notice"),
        notice_version: said.get("notice_version").and_then(Value::as_i64),
        locale: text(said, "locale"),
        method,
        actor: text(said, "actor").filter(|_| rules.is_own).unwrap_or_else(|| "person".to_owned()),
        evidence: said.get("evidence").filter(|evidence| evidence.is_object()).cloned(),
    };
    handles.iter().map(|handle| ConsentRow { handle: *handle, ..row.clone() }).collect()
}

/// Purpose and channel (`None` for every one).
fn about(said: &Map<String, Value>, state: State) -> Option<(Purpose, Option<Channel>)> {
    let purpose = match text(said, "purpose") {
        None => Some(Purpose::Marketing),
        Some(word) => Purpose::parse(&word),
    };
    let channel = match text(said, "channel").as_deref() {
        None => Some(Some(Channel::Email)),
        Some("any" | "all") => Some(None),
        Some(word) => Channel::parse(word).map(Some),
    };
    if state.is_refusal() {
        return Some((purpose.unwrap_or(Purpose::Marketing), channel.flatten()));
    }
    purpose.zip(channel)
}

fn text(said: &Map<String, Value>, key: &str) -> Option<String> {
    let text = said.get(key)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.chars().take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use rapport_domain::{EventId, EventKind, SourceId, WorkspaceId};
    use serde_json::json;

    use super::*;

    fn told(name: &str, properties: Value, is_own: bool) -> Option<(String, String, String, String, String)> {
        let event = Event {
            id: EventId([1; 16]),
            workspace: WorkspaceId(1),
            source: SourceId(1),
            kind: EventKind::Track,
            name: name.to_owned(),
            occurred_at: Timestamp(5),
            sent_at: None,
            received_at: Timestamp(6),
            order_key: 0,
            identifiers: Vec::new(),
            group_id: None,
            previous_id: None,
            natural_key: None,
            supersedes: None,
            properties: properties.as_object().unwrap().clone(),
            traits: Map::new(),
            context: Map::new(),
        };
        let confirmed_topics = BTreeSet::from(["news".to_owned()]);
        let rules = Rules { confirmed_topics: &confirmed_topics, is_own };
        let rows = statements(&event, Timestamp(5), &[Handle(7), Handle(8)], Timestamp(9), rules);
        assert!(rows.is_empty() || rows.iter().map(|row| row.handle.0).eq([7, 8]), "each identifier remembers it");
        rows.into_iter().next().map(|row| (row.state, row.purpose, row.channel, row.topic, row.method))
    }

    fn words(
        state: &str,
        purpose: &str,
        channel: &str,
        topic: &str,
        method: &str,
    ) -> Option<(String, String, String, String, String)> {
        let [state, purpose, channel, topic, method] = [state, purpose, channel, topic, method].map(str::to_owned);
        Some((state, purpose, channel, topic, method))
    }

    #[test]
    fn events_say_what_they_say() {
        assert_eq!(told("Order Completed", json!({"channel": "email"}), false), None);
        assert_eq!(told(GRANTED, json!({}), false), words("granted", "marketing", "email", "", "event"));
        let sms = json!({"channel": "SMS", "topic": "offers", "method": "form"});
        assert_eq!(told(GRANTED, sms, false), words("granted", "marketing", "sms", "offers", "form"));
        assert_eq!(told(UNSUBSCRIBED, json!({}), false), words("withdrawn", "marketing", "email", "", "event"));
        assert_eq!(
            told(DENIED, json!({"purpose": "sharing", "channel": "any"}), false),
            words("denied", "sharing", "", "", "event")
        );
    }

    #[test]
    fn what_is_not_understood_is_no_agreement_and_a_full_refusal() {
        assert_eq!(told(GRANTED, json!({"channel": "pigeon"}), false), None);
        assert_eq!(told(GRANTED, json!({"purpose": "mind control"}), false), None);
        assert_eq!(
            told(WITHDRAWN, json!({"channel": "pigeon"}), false),
            words("withdrawn", "marketing", "", "", "event")
        );
    }

    #[test]
    fn only_the_program_itself_confirms() {
        let confirmed = json!({"topic": "news", "method": "double_opt_in"});
        assert_eq!(
            told(GRANTED, json!({"topic": "news"}), true),
            words("pending", "marketing", "email", "news", "event")
        );
        assert_eq!(told(GRANTED, confirmed.clone(), false), words("pending", "marketing", "email", "news", "event"));
        assert_eq!(told(GRANTED, confirmed, true), words("granted", "marketing", "email", "news", "double_opt_in"));
        assert_eq!(
            told(WITHDRAWN, json!({"topic": "news"}), false),
            words("withdrawn", "marketing", "email", "news", "event")
        );
    }
}
