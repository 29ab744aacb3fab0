//! What journeys, messages, experiments, lots, surveys, complaints, the points ledger, ladders of tiers and challenges bring about, told as events: so it is on the timeline, can be asked about, and can be tested by conditions.
//!
//! Always holds: each is told once, however often this is tried: its event's id is made of its place in the outbox.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{Event, EventId, Identifier, PersonId, Timestamp, WorkspaceId, shop_events};
use rapport_engagement::service::{ENTERED, EXITED, EXPOSED, GOAL};
use rapport_feedback::follow_ups::service::{FOLLOW_UP_CLOSED, FOLLOW_UP_OPENED};
use rapport_feedback::records::answers;
use rapport_feedback::service::answering::{ANSWERED, REVIEWED};
use rapport_feedback::service::asking;
use rapport_loyalty::records::{members, wallets};
use rapport_profiles::records::identifiers;
use rapport_store::outbox::{self, Written};
use rapport_store::{Priority, Queries};
use serde_json::{Map, Value};

use crate::challenges::facts as doings;
use crate::complaining::STEPPED;
use crate::confirming;
use crate::experimenting::reporting::NOTED;
use crate::installation::Installation;
use crate::own_events;
use crate::points::facts;
use crate::sending;
use crate::slots;
use crate::surveying::reporting::SURVEY_SENT;
use crate::tiers::facts as standings;

/// How far the outbox was told.
const CONSUMER: &str = "telling";
/// So many at a time.
const BATCH: u32 = 200;

/// The names under which domain events are told.
const NAMES: [(&str, &str); 22] = [
    (ENTERED, "Journey Entered"),
    (EXITED, "Journey Exited"),
    (GOAL, "Journey Goal Reached"),
    (EXPOSED, "Experiment Viewed"),
    (sending::SENT, "Message Sent"),
    (sending::DELIVERED, "Message Delivered"),
    (sending::BOUNCED, "Message Bounced"),
    (sending::COMPLAINED, "Message Complained"),
    (sending::OPENED, "Message Opened"),
    (sending::CLICKED, "Message Clicked"),
    (sending::FAILED, "Message Failed"),
    (slots::CLICKED, "Slot Clicked"),
    (confirming::ASKED, shop_events::CONFIRMATION_ASKED),
    (asking::ASKED, SURVEY_SENT),
    (ANSWERED, shop_events::SURVEY_ANSWERED),
    (FOLLOW_UP_OPENED, shop_events::FOLLOW_UP_OPENED),
    (FOLLOW_UP_CLOSED, shop_events::FOLLOW_UP_CLOSED),
    (REVIEWED, shop_events::PRODUCT_REVIEWED),
    STEPPED[0],
    STEPPED[1],
    STEPPED[2],
    STEPPED[3],
];

/// Tells what is new; whether anything was.
///
/// # Errors
/// The store's and the log's.
pub async fn tell(installation: &Installation, workspace: WorkspaceId) -> Result<bool> {
    let mut any = false;
    loop {
        let mut db = installation.store.read();
        let mut batch = outbox::batch(&mut db, workspace, CONSUMER, BATCH).await?;
        members::name_people(&mut db, workspace, &mut batch.events).await?;
        if batch.events.is_empty() {
            return Ok(any);
        }
        let told: Vec<(&Written, &'static str)> =
            batch.events.iter().filter_map(|event| Some((event, name_of(&event.name)?))).collect();
        if !told.is_empty() {
            let persons: Vec<PersonId> = told.iter().filter_map(|(event, _)| event.person).collect();
            let mut names: BTreeMap<PersonId, Identifier> = BTreeMap::new();
            for row in identifiers::by_persons(&mut db, workspace, &persons).await? {
                names.entry(row.person).or_insert_with(|| row.identifier());
            }
            let source = own_events::source(installation, workspace).await?;
            let said = words(&mut db, workspace, &told).await?;
            let wallets = wallets::keys(&mut db, workspace).await?;
            // Of whoever is gone nothing is told.
            let events: Vec<Event> = told
                .iter()
                .filter_map(|(event, name)| {
                    let who = names.get(&event.person?)?.clone();
                    let mut own = own(workspace, source, event, name, who);
                    facts::name_wallet(&event.name, &mut own.properties, &wallets);
                    if let Some(words) = said.get(&event.position) {
                        own.properties.insert("review_body".to_owned(), Value::from(words.as_str()));
                    }
                    Some(own)
                })
                .collect();
            if !events.is_empty() {
                installation.log.append(&events).await?;
                any = true;
            }
        }
        let mut tx = installation.store.begin(Priority::Background).await?;
        outbox::applied(&mut tx, workspace, CONSUMER, &batch).await?;
        tx.commit().await?;
    }
}

fn name_of(domain: &str) -> Option<&'static str> {
    NAMES
        .iter()
        .chain(&facts::NAMES)
        .chain(&standings::NAMES)
        .chain(&doings::NAMES)
        .find(|(known, _)| *known == domain)
        .map(|(_, name)| *name)
}

/// What people wrote in answers that are reviews, by the place in the outbox: domain events carry nobody's words.
async fn words(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    told: &[(&Written, &'static str)],
) -> Result<BTreeMap<i64, String>> {
    let mut words = BTreeMap::new();
    for (event, _) in told.iter().filter(|(event, _)| event.name == REVIEWED) {
        let of = |name: &str| event.payload[name].as_str();
        let (Some(response), Some(question)) = (of("response_id"), of("question")) else { continue };
        let given = answers::of(db, workspace, response).await?;
        let text = given.get(question).and_then(|given| given.first()?.text.clone());
        words.extend(text.filter(|text| !text.is_empty()).map(|text| (event.position, text)));
    }
    Ok(words)
}

fn own(
    workspace: WorkspaceId,
    source: rapport_domain::SourceId,
    event: &Written,
    name: &str,
    who: Identifier,
) -> Event {
    let mut properties = match &event.payload {
        Value::Object(fields) => fields.clone(),
        _ => Map::new(),
    };
    if [EXPOSED, asking::ASKED, ANSWERED].contains(&event.name.as_str()) || STEPPED.iter().any(|it| it.0 == event.name)
    {
        properties.insert(NOTED.to_owned(), Value::Bool(true));
    }
    if event.name == REVIEWED {
        let response = event.payload["response_id"].as_str().unwrap_or_default();
        properties = ["product_id", "rating", "language"]
            .into_iter()
            .map(|name| (name.to_owned(), event.payload[name].clone()))
            .chain([("review_id".to_owned(), Value::from(format!("survey:{response}")))])
            .collect();
    }
    let id = EventId::of_message(workspace, source, &format!("outbox:{}", event.position));
    let told = own_events::event((workspace, source), id, event.recorded_at, who, name, properties);
    // What is taken in later was answered, or done, earlier.
    let when = if event.name == ANSWERED { "answered_at" } else { "at" };
    let is_told_late = [ANSWERED, REVIEWED, FOLLOW_UP_OPENED, FOLLOW_UP_CLOSED].contains(&event.name.as_str())
        || STEPPED
            .iter()
            .chain(&facts::NAMES)
            .chain(&standings::NAMES)
            .chain(&doings::NAMES)
            .any(|it| it.0 == event.name);
    let answered_at = event.payload[when].as_str().filter(|_| is_told_late);
    let occurred_at = answered_at.and_then(Timestamp::parse).unwrap_or(told.occurred_at);
    Event { order_key: event.position, occurred_at, ..told }
}
