//! Complaints and mentions that come in, by whichever door; what is done about them; and what follows for whoever complained.
//!
//! Who is known by an identifier complains by an event, which goes through the log like all others: it is on the timeline, its text is understood, the
//! fact `complaint.open` (how many of theirs are open) is told in the transaction that applies it. What strangers write in public, and what is about a
//! competitor, is nobody's: it is kept without a person.
//!
//! Always holds: what was taken in is committed before the answer leaves, also when the log cannot take its event; the same thing (by what its source
//! calls it) is taken in once; the history of the fact is what the steps of all complaints of a person say, also when one is heard of late.

pub mod facts;
pub mod files;
pub mod mail;
pub mod sample;

use std::collections::BTreeSet;

use anyhow::Result;
use rapport_domain::shop_events::{
    COMPLAINT_ANSWERED, COMPLAINT_CONTINUED, COMPLAINT_OPENED, COMPLAINT_REOPENED, COMPLAINT_RESOLVED,
    MENTION_PUBLISHED,
};
use rapport_domain::{Event, EventId, Handle, Identifier, PersonId, SourceId, Timestamp, WorkspaceId, money};
use rapport_engagement::situations::PHONE_FACTS;
use rapport_feedback::complaints::records::{self, ComplaintRow, NewComplaint, Sorted, StepRow};
use rapport_feedback::complaints::settings::Settings;
use rapport_feedback::complaints::{Channel, Kind, Step, USUAL_SEVERITY, severity, severity_word};
use rapport_profiles::records::{facts as facts_of, identifiers};
use rapport_profiles::{Applied, AppliedEvent};
use rapport_store::outbox;
use rapport_store::{Priority, Queries, Tx};
use rapport_text::redaction::Redactor;
use serde_json::{Map, Value, json};

use crate::experimenting::reporting::NOTED;
use crate::installation::Installation;
use crate::own_events;
use crate::records::workspaces;
use crate::sending::Ways;
use crate::understanding::{self, Aside};

/// The domain event of a step that somebody of the staff took.
pub const STEPPED: [(&str, &str); 4] = [
    ("complaint.answered", COMPLAINT_ANSWERED),
    ("complaint.resolved", COMPLAINT_RESOLVED),
    ("complaint.reopened", COMPLAINT_REOPENED),
    ("complaint.continued", COMPLAINT_CONTINUED),
];
/// The longest text that is taken in, in characters; of longer ones the beginning.
pub const LONGEST_TEXT: usize = 10_000;
/// The longest name, key or address.
pub const LONGEST_WORD: usize = 500;

/// What is taken in.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// What was written.
    pub text: String,
    /// By whom, if that is known.
    pub who: Option<Identifier>,
    /// What it is.
    pub kind: Kind,
    /// Whom it is about: a competitor; empty is us.
    pub subject: String,
    /// How it came.
    pub channel: Channel,
    /// What its source calls it: the same is taken in once.
    pub origin: Option<String>,
    /// Whether others can read it.
    pub is_public: bool,
    /// Where.
    pub url: Option<String>,
    /// What its writer is called there.
    pub author: Option<String>,
    /// How many people may have read it.
    pub reach: Option<i64>,
    /// Stars, 1 to 5.
    pub rating: Option<i64>,
    /// What is said of it.
    pub sorted: Sorted,
    /// Of which product.
    pub product_id: Option<String>,
    /// Of which order.
    pub order_id: Option<String>,
    /// When it was written.
    pub at: Timestamp,
}

impl Said {
    /// A complaint of which nothing is known but its words.
    pub fn new(text: String, channel: Channel, at: Timestamp) -> Self {
        Self {
            text,
            who: None,
            kind: Kind::Complaint,
            subject: String::new(),
            channel,
            origin: None,
            is_public: false,
            url: None,
            author: None,
            reach: None,
            rating: None,
            sorted: Sorted { severity: USUAL_SEVERITY, ..Sorted::default() },
            product_id: None,
            order_id: None,
            at,
        }
    }
}

/// What came of taking something in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// By which it is known.
    pub event_id: EventId,
    /// Whether it was not known before.
    pub is_new: bool,
}

/// By which something is known that its source calls so.
///
/// # Errors
/// The store's.
pub async fn id_of(
    installation: &Installation,
    workspace: WorkspaceId,
    (channel, origin): (Channel, &str),
) -> Result<EventId> {
    let source = own_events::source(installation, workspace).await?;
    Ok(EventId::of_message(workspace, source, &format!("complaint:{}:{origin}", channel.as_str())))
}

/// Takes something in.
///
/// # Errors
/// The store's and the log's. What the store took stays, without a person.
pub async fn take_in(installation: &Installation, workspace: WorkspaceId, said: &Said) -> Result<Taken> {
    let source = own_events::source(installation, workspace).await?;
    let event_id = named(installation, workspace, source, said);
    // What is about others is nobody's of ours; who must not come back is not brought back by this.
    let is_welcome = |who: &Identifier| {
        said.subject.is_empty() && !installation.suppressions.holds(workspace, std::slice::from_ref(who))
    };
    let who = said.who.clone().filter(is_welcome);
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let is_new = keep(installation, &mut tx, workspace, (source, event_id), said, who.is_some()).await?;
    // What a crash came between is made whole when it is told again.
    let is_nobodys = records::find(&mut tx, workspace, event_id.0).await?.is_some_and(|row| row.handle.0 == 0);
    tx.commit().await?;
    if let Some(who) = who.filter(|_| is_nobodys) {
        let told = properties(said, event_id);
        let event = own_events::event((workspace, source), event_id, said.at, who, name_of(said.kind), told);
        installation.log.append(&[Event { received_at: installation.clock.now(), ..event }]).await?;
    }
    Ok(Taken { event_id, is_new })
}

fn named(installation: &Installation, workspace: WorkspaceId, source: SourceId, said: &Said) -> EventId {
    match &said.origin {
        Some(origin) => {
            EventId::of_message(workspace, source, &format!("complaint:{}:{origin}", said.channel.as_str()))
        }
        None => {
            let mut id = [0; 16];
            installation.rng.fill(&mut id);
            EventId(id)
        }
    }
}

/// Keeps what is taken in, and where no event of somebody will bring its text, that too; whether it is new.
async fn keep(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    (source, event_id): (SourceId, EventId),
    said: &Said,
    is_somebodys: bool,
) -> rapport_store::Result<bool> {
    let is_new = records::tell(tx, workspace, &row(said, source, event_id), installation.clock.now()).await?;
    if is_new && !is_somebodys {
        let author: Vec<&str> = said.author.as_deref().into_iter().collect();
        let aside = Aside {
            event_id: event_id.0,
            at: said.at,
            event_name: name_of(said.kind),
            text: &said.text,
            rating: said.rating,
            subject: &said.subject,
            names: &author,
        };
        understanding::read_aside(installation, tx, workspace, aside).await?;
    }
    Ok(is_new)
}

/// Takes in what is nobody's, many in one transaction; how many of them are new.
///
/// # Errors
/// The store's: nothing of it was taken then.
pub async fn take_in_many(installation: &Installation, workspace: WorkspaceId, all: &[Said]) -> Result<u64> {
    let source = own_events::source(installation, workspace).await?;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let mut new = 0;
    for said in all {
        let event_id = named(installation, workspace, source, said);
        new += u64::from(keep(installation, &mut tx, workspace, (source, event_id), said, false).await?);
    }
    tx.commit().await?;
    Ok(new)
}

const fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Complaint => COMPLAINT_OPENED,
        Kind::Mention => MENTION_PUBLISHED,
    }
}

fn row(said: &Said, source: SourceId, event_id: EventId) -> NewComplaint {
    NewComplaint {
        event_id: event_id.0,
        source,
        complaint_key: event_id.to_hex(),
        who: (Handle(0), PersonId(0)),
        kind: said.kind,
        subject: said.subject.clone(),
        channel: said.channel,
        is_public: said.is_public,
        url: said.url.clone(),
        author: said.author.clone(),
        reach: said.reach,
        rating: said.rating,
        sorted: said.sorted.clone(),
        product_id: said.product_id.clone(),
        order_id: said.order_id.clone(),
        opened_at: said.at,
    }
}

/// What the event says: nothing that leads to the person, since it goes into the lake; its text is kept apart.
fn properties(said: &Said, event_id: EventId) -> Map<String, Value> {
    let all = [
        ("complaint_id", Some(json!(event_id.to_hex()))),
        ("text", Some(json!(said.text))),
        ("channel", Some(json!(said.channel.as_str()))),
        ("category", said.sorted.category.as_ref().map(|it| json!(it))),
        ("touchpoint", said.sorted.touchpoint.as_ref().map(|it| json!(it))),
        ("severity", Some(json!(severity_word(said.sorted.severity)))),
        ("is_public", Some(json!(said.is_public))),
        ("rating", said.rating.map(|it| json!(it))),
        ("product_id", said.product_id.as_ref().map(|it| json!(it))),
        ("order_id", said.order_id.as_ref().map(|it| json!(it))),
        (NOTED, Some(json!(true))),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The settings with the revision they are at; until some are saved the usual ones, in the workspace's own zone.
///
/// # Errors
/// The store's.
pub async fn settings(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<(Settings, i64)> {
    if let Some(found) = records::settings(db, workspace).await? {
        return Ok(found);
    }
    let mut usual = Settings::default();
    if let Some(row) = workspaces::find(db, workspace).await? {
        usual.hours.zone = row.time_zone;
    }
    Ok((usual, 0))
}

/// Notes a step in a transaction, and has it told to the person's timeline; whether it changed anything. What is written to them or noted of them is kept
/// as it is, what they wrote is kept without personal data.
///
/// # Errors
/// The store's.
pub async fn step(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &ComplaintRow,
    step: Step,
    said: &StepSaid<'_>,
) -> rapport_store::Result<bool> {
    let text = said.text.map(|text| match step {
        Step::Continued => Redactor::new([]).redact(text),
        _ => text.to_owned(),
    });
    let new = StepRow {
        event_id: row.event_id,
        at: said.at,
        step: step.as_str().to_owned(),
        is_public: said.is_public,
        told_by: said.by.to_owned(),
        text,
    };
    if !records::step(tx, workspace, row, &new).await? {
        return Ok(false);
    }
    let name = STEPPED.iter().map(|it| it.0).find(|name| name.strip_prefix("complaint.") == Some(step.as_str()));
    if let Some(name) = name.filter(|_| row.person.0 != 0) {
        let payload = json!({
            "complaint_id": EventId(row.event_id).to_hex(), "is_public": said.is_public, "category": row.category,
            "severity": severity_word(row.severity), "channel": row.channel, "at": said.at.to_rfc3339(),
        });
        tx.emit(outbox::Event::new(workspace, name, payload).about(row.person));
    }
    Ok(true)
}

/// What was said with a step.
#[derive(Clone, Copy, Debug)]
pub struct StepSaid<'a> {
    /// Words, if any.
    pub text: Option<&'a str>,
    /// Whether others can read them.
    pub is_public: bool,
    /// Who.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
}

/// Hears a batch of events, in the transaction that applies it.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &mut Applied,
) -> Result<()> {
    let mut changed = facts::Changed::default();
    let moved: Vec<(Handle, PersonId, PersonId)> = applied.moved.iter().map(|it| (it.handle, it.from, it.to)).collect();
    for person in records::follow(tx, workspace, &moved).await? {
        // The first of the batch stands for all of it.
        if let Some(event) = events.first() {
            changed.moved(person, event);
        }
    }
    for (at, old) in &applied.superseded {
        if [COMPLAINT_OPENED, MENTION_PUBLISHED].contains(&events[*at].name.as_str()) {
            records::rename(tx, workspace, old.0, events[*at].id.0).await?;
        }
    }
    for (event, it) in events.iter().zip(&applied.events) {
        if let Some(new) = told(event, it) {
            records::tell(tx, workspace, &new, installation.clock.now()).await?;
            changed.at(it.person, it.handle, it.occurred_at, event);
        } else if let Some((_, name)) = STEPPED.iter().find(|(_, name)| *name == event.name) {
            if event.properties.get(NOTED).is_none() {
                hear_step(tx, workspace, event, it, name).await?;
            }
            changed.at(it.person, it.handle, it.occurred_at, event);
        }
    }
    facts::tell(installation, tx, workspace, changed, applied).await
}

/// A step that another program tells.
async fn hear_step(tx: &mut Tx, workspace: WorkspaceId, event: &Event, it: &AppliedEvent, name: &str) -> Result<()> {
    let Some(key) = word(&event.properties, &["complaint_id"]) else { return Ok(()) };
    let known = match records::named(tx, workspace, event.source, &key).await? {
        Some(known) => Some(known),
        None => EventId::from_hex(&key).map(|id| id.0),
    };
    let Some(known) = known else { return Ok(()) };
    let Some(row) = records::find(tx, workspace, known).await? else { return Ok(()) };
    let step = match name {
        COMPLAINT_ANSWERED => Step::Answered,
        COMPLAINT_RESOLVED => Step::Resolved,
        COMPLAINT_REOPENED => Step::Reopened,
        _ => Step::Continued,
    };
    // Whoever wrote it alone can have written again.
    if row.person != it.person && row.person.0 != 0 {
        return Ok(());
    }
    let text = word(&event.properties, &["text", "body", "message"]);
    let text = text.map(|text| if step == Step::Continued { Redactor::new([]).redact(&text) } else { text });
    let new = StepRow {
        event_id: row.event_id,
        at: it.occurred_at,
        step: step.as_str().to_owned(),
        is_public: event.properties.get("is_public").and_then(Value::as_bool).unwrap_or(false),
        told_by: String::new(),
        text,
    };
    records::step(tx, workspace, &row, &new).await?;
    Ok(())
}

/// The complaint or mention that an event tells.
fn told(event: &Event, applied: &AppliedEvent) -> Option<NewComplaint> {
    let kind = match event.name.as_str() {
        COMPLAINT_OPENED => Kind::Complaint,
        MENTION_PUBLISHED => Kind::Mention,
        _ => return None,
    };
    let properties = &event.properties;
    let of = |names: &[&str]| word(properties, names);
    let number = |name: &str| of(&[name]).and_then(|text| text.parse::<f64>().ok());
    let rating = number("rating").filter(|stars| (1.0..=5.0).contains(stars)).map(|stars| stars.round() as i64);
    let cost = properties.get("cost").and_then(money::micros_from_json).filter(|micros| *micros >= 0);
    let currency = of(&["currency"]).filter(|text| text.len() == 3).map(|text| text.to_uppercase());
    Some(NewComplaint {
        event_id: event.id.0,
        source: event.source,
        complaint_key: of(&["complaint_id"]).unwrap_or_else(|| event.id.to_hex()),
        who: (applied.handle, applied.person),
        kind,
        subject: String::new(),
        channel: of(&["channel"]).and_then(|text| Channel::parse(&text.to_lowercase())).unwrap_or(Channel::Other),
        is_public: properties.get("is_public").and_then(Value::as_bool).unwrap_or(kind == Kind::Mention),
        url: None,
        author: None,
        reach: number("reach").filter(|it| (0.0..1e15).contains(it)).map(|it| it as i64),
        rating,
        sorted: Sorted {
            category: of(&["category"]),
            root_cause: of(&["root_cause"]),
            touchpoint: of(&["touchpoint"]),
            severity: of(&["severity"]).and_then(|text| severity(&text)).unwrap_or(USUAL_SEVERITY),
            cost: currency.zip(cost),
        },
        product_id: of(&["product_id"]),
        order_id: of(&["order_id"]),
        opened_at: applied.occurred_at,
    })
}

/// The first of these properties that has a word.
fn word(properties: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match properties.get(*name)? {
        Value::String(text) => {
            Some(text.trim().to_owned()).filter(|text| !text.is_empty() && text.len() <= LONGEST_WORD)
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// Whoever alone is known to have a telephone number, by an identifier of theirs.
///
/// # Errors
/// The store's.
pub async fn by_phone(
    installation: &Installation,
    ways: &Ways,
    workspace: WorkspaceId,
    written: &str,
) -> rapport_store::Result<Option<Identifier>> {
    let Some(number) = ways.number(written) else { return Ok(None) };
    let mut db = installation.store.read();
    let mut found: BTreeSet<PersonId> = BTreeSet::new();
    // The last digits stand together, however a number is written.
    let like = format!("%{}%", &number[number.len() - 2..]);
    for key in PHONE_FACTS {
        for (person, value) in facts_of::persons_like(&mut db, workspace, key, &like, installation.clock.now()).await? {
            let value: String = serde_json::from_str(&value).unwrap_or_default();
            if ways.number(&value).as_deref() == Some(number.as_str()) {
                found.insert(person);
            }
        }
    }
    let one: Vec<PersonId> = found.into_iter().collect();
    if one.len() != 1 {
        return Ok(None);
    }
    let names = identifiers::by_persons(&mut db, workspace, &one).await?;
    Ok(names.first().map(|row| row.identifier()))
}
