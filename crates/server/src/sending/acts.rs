//! Does what journeys do beside messages: notes traits, keeps lists, tells other programs, asks other parts of Rapport to act.
//!
//! Always holds: an act is done at least once, with an id that stays the same; what is told through the log is taken once.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_channels::outbound::{Client, checked, signing};
use rapport_domain::{Event, EventId, EventKind, Identifier, Timestamp, WorkspaceId};
use rapport_engagement::records::acts::{self, ActRow};
use rapport_profiles::records::identifiers;
use rapport_segments::records::lists;
use rapport_store::Priority;
use serde_json::{Map, Value, json};

use crate::installation::Installation;
use crate::messages;
use crate::own_events;
use crate::scoring;

/// So many at a time.
const BATCH: i64 = 100;
/// The pause after the first failure; each next one is twice as long.
const PAUSE: i64 = 30 * Timestamp::SECOND;
const LONGEST_PAUSE: i64 = Timestamp::HOUR;
/// After so long without success it is left to people.
const GIVE_UP: i64 = Timestamp::DAY;

/// The actions that parts of Rapport offer to journeys: name, and what it does. Parts that come later add theirs here.
pub const ACTIONS: [(&str, &str); 1] = [("tell_event", "Tells an event of the person: `name`, and its properties.")];

/// Does what is due; whether anything was.
///
/// # Errors
/// The store's.
pub async fn do_due(installation: &Installation, client: &Client) -> Result<bool> {
    let due = acts::due(&mut installation.store.read(), installation.clock.now(), BATCH).await?;
    let any = !due.is_empty();
    for mut row in due {
        let done = act(installation, client, &row).await;
        let now = installation.clock.now();
        row.attempts += 1;
        match done {
            Ok(()) => (row.state, row.due_at, row.error) = ("done".to_owned(), None, None),
            Err(error) => {
                let since = *row.failing_since.get_or_insert(now);
                row.error = Some(format!("{error:#}"));
                if now.0 - since.0 >= GIVE_UP || error.is::<Hopeless>() {
                    (row.state, row.due_at) = ("failed".to_owned(), None);
                } else {
                    let pause = (PAUSE << (row.attempts - 1).clamp(0, 20)).min(LONGEST_PAUSE);
                    row.due_at = Some(now.plus(pause));
                }
            }
        }
        let mut tx = installation.store.begin(Priority::Background).await?;
        acts::note(&mut tx, &row).await?;
        tx.commit().await?;
    }
    Ok(any)
}

/// Trying again would not help.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Hopeless(String);

async fn act(installation: &Installation, client: &Client, row: &ActRow) -> Result<()> {
    match row.kind.as_str() {
        "trait" => {
            let traits = Map::from_iter([(row.target.clone(), row.content.clone())]);
            tell(installation, row, EventKind::Identify, "Identify", Map::new(), traits).await
        }
        "list_on" | "list_off" => {
            let value = if row.kind == "list_on" { Value::Bool(true) } else { Value::Null };
            let told = [(row.person, row.decided_at, lists::fact_key(&row.target), value)];
            scoring::tell_all(installation, row.workspace, &told, Priority::Background).await
        }
        "webhook" => webhook(installation, client, row).await,
        "act" if row.target == "tell_event" => {
            let mut properties = row.content.as_object().cloned().unwrap_or_default();
            let name = properties.remove("name").and_then(|name| name.as_str().map(str::to_owned));
            let Some(name) = name.filter(|name| !name.trim().is_empty()) else {
                bail!(Hopeless("`tell_event` needs the event's `name`".to_owned()));
            };
            tell(installation, row, EventKind::Track, &name, properties, Map::new()).await
        }
        other => bail!(Hopeless(format!("nothing here does `{other}` `{}`", row.target))),
    }
}

/// Tells an event of the person through the log.
async fn tell(
    installation: &Installation,
    row: &ActRow,
    kind: EventKind,
    name: &str,
    properties: Map<String, Value>,
    traits: Map<String, Value>,
) -> Result<()> {
    // Whoever was erased meanwhile is not brought back.
    let Some(who) = identifier(installation, row).await? else { return Ok(()) };
    let source = own_events::source(installation, row.workspace).await?;
    let id = EventId::of_message(row.workspace, source, &row.id);
    let event = Event {
        kind,
        received_at: installation.clock.now(),
        order_key: row.decided_at.0,
        traits,
        ..own_events::event((row.workspace, source), id, row.decided_at, who, name, properties)
    };
    installation.log.append(&[event]).await?;
    Ok(())
}

async fn identifier(installation: &Installation, row: &ActRow) -> Result<Option<Identifier>> {
    let names = identifiers::by_persons(&mut installation.store.read(), row.workspace, &[row.person]).await?;
    let own = names.iter().find(|name| Some(name.handle) == row.handle).or_else(|| names.first());
    Ok(own.map(identifiers::IdentifierRow::identifier))
}

/// What the requests of a workspace's journeys are signed with (Standard Webhooks).
///
/// # Errors
/// The store's.
pub async fn webhook_secret(installation: &Installation, workspace: WorkspaceId) -> Result<String> {
    let secret = messages::secret(installation, workspace).await?;
    let key = blake3::derive_key("rapport 2026-11 secret of journeys' webhooks", &secret);
    Ok(format!("whsec_{}", BASE64_STANDARD.encode(&key[..24])))
}

async fn webhook(installation: &Installation, client: &Client, row: &ActRow) -> Result<()> {
    let url = checked(&row.target).map_err(|error| Hopeless(error.to_string()))?;
    let names = identifiers::by_persons(&mut installation.store.read(), row.workspace, &[row.person]).await?;
    if names.is_empty() {
        return Ok(());
    }
    let user_id = names.iter().find(|name| name.kind == "user_id").map(|name| name.value.clone());
    let data = json!({"customer": row.person.to_string(), "user_id": user_id, "journey": row.journey, "node": row.node,
        "instance": row.instance, "visit": row.visit, "fields": row.content});
    let now = installation.clock.now();
    let body = json!({"type": "journey.webhook", "timestamp": row.decided_at.to_rfc3339(), "data": data}).to_string();
    let seconds = now.0.div_euclid(Timestamp::SECOND);
    let secret = webhook_secret(installation, row.workspace).await?;
    let signature = signing::standard_webhooks(&secret, &row.id, seconds, &body)?;
    let at = seconds.to_string();
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", row.id.as_str()),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    let answer = client.post(&url, &headers, body.into_bytes()).await.context("nothing arrived")?;
    match answer.status {
        200..300 => Ok(()),
        // Nobody wants it any more.
        410 => bail!(Hopeless("it answered 410".to_owned())),
        status => bail!("it answered {status}"),
    }
}
