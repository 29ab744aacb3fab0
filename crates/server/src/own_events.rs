//! Events that the program itself has to tell: what people say on its own pages, what staff note for them.
//!
//! Always holds: they go through the log like all others, so they are acknowledged when they are on disk, and applied in order; they come from a
//! source of their own, which nobody else can write to.

use anyhow::Result;
use rapport_domain::{Event, EventId, EventKind, Identifier, SourceId, Timestamp, WorkspaceId};
use rapport_store::Priority;
use serde_json::{Map, Value};

use crate::installation::Installation;
use crate::records::sources;

/// What the source is called.
const NAME: &str = "Rapport itself";

/// Tells that somebody did something now.
///
/// # Errors
/// The log's and the store's: nothing was told then.
pub async fn tell(
    installation: &Installation,
    workspace: WorkspaceId,
    who: Identifier,
    name: &str,
    properties: Map<String, Value>,
) -> Result<()> {
    let mut id = [0; 16];
    installation.rng.fill(&mut id);
    let source = source(installation, workspace).await?;
    append(installation, workspace, (source, EventId(id)), who, name, properties).await
}

/// The same of something that has a name of its own: told twice, it is taken once.
///
/// # Errors
/// The log's and the store's: nothing was told then.
pub async fn tell_once(
    installation: &Installation,
    workspace: WorkspaceId,
    message_id: &str,
    who: Identifier,
    name: &str,
    properties: Map<String, Value>,
) -> Result<()> {
    let source = source(installation, workspace).await?;
    let id = EventId::of_message(workspace, source, message_id);
    append(installation, workspace, (source, id), who, name, properties).await
}

async fn append(
    installation: &Installation,
    workspace: WorkspaceId,
    (source, id): (SourceId, EventId),
    who: Identifier,
    name: &str,
    properties: Map<String, Value>,
) -> Result<()> {
    let event = event((workspace, source), id, installation.clock.now(), who, name, properties);
    installation.log.append(&[event]).await?;
    Ok(())
}

/// Something that somebody did, as it goes into the log: it happened when it was received, unless whoever tells it says otherwise.
pub fn event(
    (workspace, source): (WorkspaceId, SourceId),
    id: EventId,
    at: Timestamp,
    who: Identifier,
    name: &str,
    properties: Map<String, Value>,
) -> Event {
    Event {
        id,
        workspace,
        source,
        kind: EventKind::Track,
        name: name.to_owned(),
        occurred_at: at,
        sent_at: None,
        received_at: at,
        order_key: 0,
        identifiers: vec![who],
        group_id: None,
        previous_id: None,
        natural_key: None,
        supersedes: None,
        properties,
        traits: Map::new(),
        context: Map::new(),
    }
}

/// The program's own source, made at first use.
///
/// # Errors
/// The store's.
pub async fn source(installation: &Installation, workspace: WorkspaceId) -> Result<SourceId> {
    let known = sources::of_kind(&mut installation.store.read(), workspace, sources::OWN).await?;
    if let Some(source) = known.first() {
        return Ok(*source);
    }
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    // Somebody may have been faster.
    let source = match sources::of_kind(&mut tx, workspace, sources::OWN).await?.first() {
        Some(source) => *source,
        None => sources::create(&mut tx, workspace, NAME, sources::OWN, installation.clock.now()).await?,
    };
    tx.commit().await?;
    Ok(source)
}
