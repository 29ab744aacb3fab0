//! Sends domain events to webhooks, as Standard Webhooks (standardwebhooks.com) describes: one event a message, signed, tried again.
//!
//! Always holds: a webhook gets its events in their order, each at least once, with an id that stays the same. Requests go through
//! `rapport_channels::outbound`, so that an address cannot lead into the company's own network.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
pub use rapport_channels::outbound::checked;
pub use rapport_channels::outbound::signing::new_secret;
use rapport_channels::outbound::{Client, signing};
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::WalletId;
use rapport_loyalty::records::{members, wallets};
use rapport_store::cursor::Cursor;
use rapport_store::outbox::{self, Batch, PARTITION, Written};
use rapport_store::{Priority, Store};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::installation::Installation;
use crate::points::facts;
use crate::records::webhooks::{self, WebhookRow};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Events looked at in one go.
const BATCH: u32 = 100;
/// The first pause after a failure; each next one is twice as long.
const PAUSE: i64 = 5 * Timestamp::SECOND;
const LONGEST_PAUSE: i64 = Timestamp::HOUR;
/// After so long without success a webhook is switched off.
const GIVE_UP: i64 = 3 * Timestamp::DAY;

/// Sends what there is, until `stop` is set.
pub async fn run(installation: Arc<Installation>, private: bool, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if let Err(error) = send_due(&installation, private).await {
            tracing::warn!(error = %format!("{error:#}"), "webhooks could not be looked after; it is tried again");
        }
    }
}

/// Sends to every webhook what it has not got, as far as it takes it; whether anything was sent.
///
/// # Errors
/// The store's.
pub async fn send_due(installation: &Installation, private: bool) -> Result<bool> {
    let due = webhooks::due(&mut installation.store.read(), installation.clock.now()).await?;
    let each = due.into_iter().map(|row| send(installation, row, private));
    let sent = futures::future::try_join_all(each).await?;
    Ok(sent.contains(&true))
}

/// A new webhook hears of what happens from now on.
///
/// # Errors
/// The store's.
pub async fn begin(tx: &mut rapport_store::Tx, row: &WebhookRow) -> rapport_store::Result<()> {
    let head = outbox::head(tx, row.workspace).await?;
    let consumer = row.consumer();
    let cursor = Cursor { consumer: &consumer, workspace: row.workspace, partition: PARTITION };
    let from = cursor.within(cursor.stands(tx).await?, head)?;
    if head.position > from {
        cursor.advance(tx, head.epoch, from, head.position).await?;
    }
    Ok(())
}

/// How many events a webhook has not got yet, those that do not concern it included.
///
/// # Errors
/// The store's.
pub async fn waiting(store: &Store, row: &WebhookRow) -> rapport_store::Result<i64> {
    let mut db = store.read();
    let consumer = row.consumer();
    let cursor = Cursor { consumer: &consumer, workspace: row.workspace, partition: PARTITION };
    let stands = cursor.stands(&mut db).await?;
    let head = outbox::head(&mut db, row.workspace).await?;
    Ok(head.position - cursor.within(stands, head)?)
}

async fn send(installation: &Installation, mut row: WebhookRow, private: bool) -> Result<bool> {
    let consumer = row.consumer();
    let mut db = installation.store.read();
    let mut batch = outbox::batch(&mut db, row.workspace, &consumer, BATCH).await?;
    members::name_people(&mut db, row.workspace, &mut batch.events).await?;
    if batch.events.is_empty() {
        return Ok(false);
    }
    let wallets = wallets::keys(&mut db, row.workspace).await?;
    let wanted = Wanted::of(&row);
    // Made for the first event that is sent: it reads the machine's certificates.
    let mut client = None;
    let mut done = 0;
    for event in &batch.events {
        if wanted.has(event) {
            let now = installation.clock.now();
            let ready = match client.take() {
                Some(client) => client,
                None => Client::new(private)?,
            };
            let outcome = deliver(&ready, &row, (event, &wallets), now).await;
            client = Some(ready);
            note(&mut row, &outcome, now);
            if row.attempts > 0 {
                break;
            }
        }
        done += 1;
    }
    let applied = Batch { events: batch.events[..done].to_vec(), ..batch };
    let mut tx = installation.store.begin(Priority::Background).await?;
    outbox::applied(&mut tx, row.workspace, &consumer, &applied).await?;
    webhooks::sent(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(done > 0)
}

/// What a webhook wants to hear of.
struct Wanted {
    events: BTreeSet<String>,
    segments: BTreeSet<String>,
}

impl Wanted {
    fn of(row: &WebhookRow) -> Self {
        // What was stored was a list of texts.
        let list = |text: &str| serde_json::from_str(text).unwrap_or_default();
        Self { events: list(&row.events), segments: list(&row.segments) }
    }

    fn has(&self, event: &Written) -> bool {
        let segment = event.payload["segment"].as_str();
        // What is of no segment is not asked for one.
        self.events.contains(&event.name)
            && (self.segments.is_empty() || segment.is_none_or(|segment| self.segments.contains(segment)))
    }
}

/// What came of a message: the status that was answered.
type Outcome = Result<u16>;

fn note(row: &mut WebhookRow, outcome: &Outcome, now: Timestamp) {
    row.last_at = Some(now);
    row.last_status = outcome.as_ref().ok().map(|status| i64::from(*status));
    row.last_error = match outcome {
        Ok(200..300) => None,
        Ok(status) => Some(format!("it answered {status}")),
        Err(error) => Some(format!("{error:#}")),
    };
    if row.last_error.is_none() {
        (row.attempts, row.failing_since, row.next_at) = (0, None, now);
        return;
    }
    let since = *row.failing_since.get_or_insert(now);
    row.next_at = now.plus((PAUSE << row.attempts.clamp(0, 20)).min(LONGEST_PAUSE));
    row.attempts += 1;
    // 410 says that nobody wants it any more.
    if now.0 - since.0 >= GIVE_UP || row.last_status == Some(410) {
        row.active = false;
    }
}

async fn deliver(
    client: &Client,
    row: &WebhookRow,
    (event, wallets): (&Written, &HashMap<WalletId, String>),
    now: Timestamp,
) -> Outcome {
    let mut data = event.payload.clone();
    if let Value::Object(fields) = &mut data {
        facts::name_wallet(&event.name, fields, wallets);
        if let Some(person) = event.person {
            fields.insert("customer".to_owned(), person.to_string().into());
        }
    }
    let body = json!({"type": event.name, "timestamp": event.recorded_at.to_rfc3339(), "data": data}).to_string();
    post(client, row, &format!("evt_{}_{}", row.workspace, event.position), body, now).await
}

/// Sends a message that is none of anybody.
///
/// # Errors
/// Why nothing arrived.
pub async fn test(row: &WebhookRow, private: bool, now: Timestamp) -> Outcome {
    let body = json!({"type": "webhook.test", "timestamp": now.to_rfc3339(), "data": {}}).to_string();
    post(&Client::new(private)?, row, &format!("evt_test_{}", now.0), body, now).await
}

async fn post(client: &Client, row: &WebhookRow, id: &str, body: String, now: Timestamp) -> Outcome {
    let seconds = now.0.div_euclid(Timestamp::SECOND);
    let signature = signing::standard_webhooks(&row.secret, id, seconds, &body)?;
    let at = seconds.to_string();
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", id),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    Ok(client.post(&checked(&row.url)?, &headers, body.into_bytes()).await?.status)
}
