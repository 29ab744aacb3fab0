//! Members by their telephone number, as tills ask: numbers that profiles know, as hashes under the workspace's secret.
//!
//! Always holds: what is kept follows what is known of the member; a number itself is kept in the profile alone.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use rapport_domain::{Event, PersonId, WorkspaceId};
use rapport_loyalty::records::{members, tills};
use rapport_profiles::Applied;
use rapport_profiles::records::facts;
use rapport_store::{Queries, Tx};

use crate::installation::Installation;
use crate::messages;
use crate::messages::scope::is_called;
use crate::sending::ways;

/// What a number is called in messages, by whatever name it was told.
const PHONE: &str = "phone";
/// And what somebody is called.
const FIRST_NAME: &str = "first_name";
/// The event after which somebody is a member.
const ENROLLED: &str = "Member Enrolled";

/// What a number is known by; `None` of what is none.
pub fn lookup(secret: &[u8; 32], written: &str, country_code: &str) -> Option<String> {
    let number = ways::number(written, country_code)?;
    let key = blake3::derive_key("rapport 2026-11 telephone numbers of members", secret);
    Some(blake3::keyed_hash(&key, number.as_bytes()).to_hex().to_string())
}

/// Hears of numbers, in the transaction that applies a batch.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<()> {
    let is_about = |event: &Event| event.name == ENROLLED || event.traits.keys().any(|key| is_called(PHONE, key));
    let told = events.iter().zip(&applied.events).filter(|(event, _)| is_about(event));
    let mut people: BTreeSet<PersonId> = told.map(|(_, it)| it.person).collect();
    people.extend(applied.moved.iter().flat_map(|moved| [moved.from, moved.to]));
    if people.is_empty() {
        return Ok(());
    }
    let people: Vec<PersonId> = people.into_iter().collect();
    let found = members::of_persons(tx, workspace, &people).await?;
    if found.is_empty() {
        return Ok(());
    }
    let people: Vec<PersonId> = found.keys().copied().collect();
    let known = traits(tx, workspace, &people, installation).await?;
    let country = country_code(installation, tx, workspace).await?;
    let secret = rapport_privacy::records::secrets::ensure(tx, workspace, &*installation.rng).await?;
    for (person, member) in found {
        let own = known.iter().filter(|it| it.0 == person && is_called(PHONE, &it.1));
        let lookups: BTreeSet<String> = own.filter_map(|it| lookup(&secret, &it.2, &country)).collect();
        let lookups: Vec<String> = lookups.into_iter().collect();
        tills::save_phones(tx, workspace, member, &lookups).await?;
    }
    Ok(())
}

/// The country of numbers without one.
async fn country_code(installation: &Installation, db: &mut impl Queries, workspace: WorkspaceId) -> Result<String> {
    let programs = installation.programs.get(db, workspace).await?;
    Ok(programs.latest().map(|it| it.program.country_code.clone()).unwrap_or_default())
}

/// Texts that are known of some people: (who, the name of the trait, what it says).
async fn traits(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    people: &[PersonId],
    installation: &Installation,
) -> Result<Vec<(PersonId, String, String)>> {
    let all = facts::current_of(db, workspace, people, installation.clock.now()).await?;
    let text = |(person, key, value): (PersonId, String, String)| {
        let name = key.strip_prefix("trait.")?.to_owned();
        let value = match serde_json::from_str(&value).ok()? {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((person, name, value))
    };
    Ok(all.into_iter().filter_map(text).collect())
}

/// What somebody is called, as far as a cashier needs it.
///
/// # Errors
/// The store's.
pub async fn first_name(
    installation: &Installation,
    workspace: WorkspaceId,
    person: PersonId,
) -> Result<Option<String>> {
    let known = traits(&mut installation.store.read(), workspace, &[person], installation).await?;
    Ok(known.into_iter().find(|it| is_called(FIRST_NAME, &it.1)).map(|it| it.2))
}

/// The numbers of people, as they are dialled from anywhere; of several of one person the first.
///
/// # Errors
/// The store's.
pub async fn numbers_of(
    installation: &Installation,
    workspace: WorkspaceId,
    people: &[PersonId],
) -> Result<HashMap<PersonId, String>> {
    let mut db = installation.store.read();
    let country = country_code(installation, &mut db, workspace).await?;
    let known = traits(&mut db, workspace, people, installation).await?;
    let mut numbers = HashMap::new();
    for (person, name, value) in known {
        if let Some(number) = ways::number(&value, &country).filter(|_| is_called(PHONE, &name)) {
            numbers.entry(person).or_insert(number);
        }
    }
    Ok(numbers)
}

/// What a number is known by here.
///
/// # Errors
/// The store's.
pub async fn lookup_of(installation: &Installation, workspace: WorkspaceId, written: &str) -> Result<Option<String>> {
    let secret = messages::secret(installation, workspace).await?;
    let country = country_code(installation, &mut installation.store.read(), workspace).await?;
    Ok(lookup(&secret, written, &country))
}
