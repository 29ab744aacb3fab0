//! What people of the sample shop asked for: some let it use their address for advertising, one wanted to see what it keeps, one to be forgotten, one not
//! to be used any more; and the list at an advertising platform that is made of those who agreed.
//!
//! Always holds: it goes the ways that all such go: agreements through the log, the erasure through every store. Nothing leaves: the list is one of files.

use std::collections::BTreeSet;

use anyhow::Result;
use rapport_domain::{Channel, IdentifierKind, PersonId, Purpose, Timestamp, WorkspaceId};
use rapport_engagement::audiences::Platform;
use rapport_engagement::journey::rules::place;
use rapport_engagement::records::audiences::{self, AudienceRow, BY_FILE, LIVE};
use rapport_privacy::records::{requests, restrictions};
use rapport_privacy::told;
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_store::Priority;
use serde_json::{Map, Value, json};

use super::Offered;
use super::lived::Lived;
use crate::erasing::{self, Wanted};
use crate::installation::Installation;
use crate::own_events;
use crate::pipeline::Pipeline;

/// Of a hundred so many agree to advertising.
const AGREE_PERCENT: f64 = 30.0;
/// Their segment, and what it is called at the platform.
const AUDIENCE: (&str, &str) = ("frequent", "Frequent buyers");

/// Lets them ask. `by` is who is said to have answered.
///
/// # Errors
/// Those of all stores.
pub async fn save(
    installation: &Installation,
    pipeline: &Pipeline,
    workspace: WorkspaceId,
    (offered, lived): (&[Offered], &[Lived]),
    by: &str,
) -> Result<()> {
    let part_of_offer: BTreeSet<&str> = offered.iter().map(|it| it.user_id.as_str()).collect();
    let names: BTreeSet<String> = lived.iter().map(|it| it.user_id().to_owned()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let mut rows = Vec::new();
    for slice in names.chunks(500) {
        let mut db = installation.store.read();
        rows.extend(identifiers::by_values(&mut db, workspace, IdentifierKind::UserId, slice).await?);
    }
    agree(installation, workspace, &rows).await?;
    pipeline.drain().await?;
    audience(installation, workspace, by).await?;
    // Whoever was part of the campaign stays, so that its figures do.
    let others = rows.iter().filter(|row| !part_of_offer.contains(row.value.as_str()));
    let mut others = others.map(|row| row.person);
    if let Some(person) = others.next() {
        see(installation, workspace, (person, by)).await?;
    }
    if let Some(person) = others.next() {
        wait(installation, workspace, person).await?;
    }
    if let Some(person) = others.next() {
        restrict(installation, workspace, (person, by)).await?;
    }
    if let Some(person) = others.next() {
        erasing::erase(installation, pipeline, Wanted { workspace, person, actor: by, suppress: true }).await?;
    }
    Ok(())
}

/// Some agreed that the shop shows them advertising elsewhere.
async fn agree(installation: &Installation, workspace: WorkspaceId, rows: &[IdentifierRow]) -> Result<()> {
    for row in rows.iter().filter(|row| place("sample/advertising", row.person) < AGREE_PERCENT) {
        let said = [
            ("purpose", Purpose::Sharing.as_str()),
            ("channel", Channel::Ads.as_str()),
            ("method", "form"),
            ("actor", "person"),
        ];
        let said: Map<String, Value> =
            said.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
        let name = format!("sample advertising {}", row.handle.0);
        own_events::tell_once(installation, workspace, &name, row.identifier(), told::GRANTED, said).await?;
    }
    Ok(())
}

/// The list; the server finds who is on it when it runs.
async fn audience(installation: &Installation, workspace: WorkspaceId, by: &str) -> Result<()> {
    let now = installation.clock.now();
    let (segment, name) = AUDIENCE;
    let row = AudienceRow {
        workspace,
        key: segment.to_owned(),
        name: name.to_owned(),
        platform: Platform::Google.as_str().to_owned(),
        segment: segment.to_owned(),
        way: BY_FILE.to_owned(),
        list: String::new(),
        token: String::new(),
        refresh_hours: 24,
        state: LIVE.to_owned(),
        run: 0,
        counts: json!({}),
        refreshed_at: None,
        next_at: now,
        attempts: 0,
        retry_at: now,
        error: None,
        updated_at: now,
        updated_by: by.to_owned(),
    };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    audiences::save(&mut tx, &row).await?;
    Ok(tx.commit().await?)
}

/// One saw what is kept, some days after asking.
async fn see(installation: &Installation, workspace: WorkspaceId, (person, by): (PersonId, &str)) -> Result<()> {
    if erasing::access(installation, workspace, person).await?.is_none() {
        return Ok(());
    }
    let wanted = Wanted { workspace, person, actor: by, suppress: false };
    let mut row = erasing::request(installation, wanted, "access", "done");
    row.finished_at = Some(row.requested_at);
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    requests::save(&mut tx, workspace, &row).await?;
    Ok(tx.commit().await?)
}

/// One asked on the page of their preferences some days ago, and waits for an answer: a week is left.
async fn wait(installation: &Installation, workspace: WorkspaceId, person: PersonId) -> Result<()> {
    let wanted = Wanted { workspace, person, actor: "person", suppress: false };
    let mut row = erasing::request(installation, wanted, "access", "received");
    (row.requested_at, row.due_at) =
        (row.requested_at.plus(-23 * Timestamp::DAY), row.due_at.plus(-23 * Timestamp::DAY));
    row.report = json!({"mailed": false});
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    requests::save(&mut tx, workspace, &row).await?;
    Ok(tx.commit().await?)
}

/// One does not want what is known of them to be used.
async fn restrict(installation: &Installation, workspace: WorkspaceId, (person, by): (PersonId, &str)) -> Result<()> {
    let Some((subject, _)) = erasing::subject(installation, workspace, person).await? else { return Ok(()) };
    let wanted = Wanted { workspace, person, actor: by, suppress: false };
    let mut row = erasing::request(installation, wanted, "restriction", "done");
    row.finished_at = Some(row.requested_at);
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    restrictions::add(&mut tx, workspace, &subject.handles, row.requested_at, &row.id).await?;
    audiences::doubt(&mut tx, workspace, &[person], row.requested_at).await?;
    requests::save(&mut tx, workspace, &row).await?;
    Ok(tx.commit().await?)
}
