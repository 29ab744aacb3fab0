//! Does what journeys do beside messages: notes traits, keeps lists, tells other programs ([`posting`]), asks other parts of Rapport to act.
//!
//! Always holds: an act is done at least once, with an id that stays the same; what is told through the log is taken once; whether it may still be done is
//! asked again each time.

pub mod posting;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::{Event, EventId, EventKind, Handle, Timestamp, WorkspaceId};
use rapport_engagement::records::acts::{self, ActRow};
use rapport_engagement::sending::Reason;
use rapport_privacy::records::restrictions;
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_segments::records::lists;
use rapport_store::Priority;
use serde_json::{Map, Value};

use crate::installation::Installation;
use crate::messages;
use crate::own_events;
use crate::points::giving::{self, Gift, Given};
use crate::points::rewarding::{self, Present};
use crate::scoring;

/// What the ids of the operations and redemptions begin with by which journeys give something.
pub const OWN_IDS: &str = "journey:";
/// So many at a time.
const BATCH: i64 = 100;
/// The pause after the first failure; each next one is twice as long.
const PAUSE: i64 = 30 * Timestamp::SECOND;
const LONGEST_PAUSE: i64 = Timestamp::HOUR;
/// After so long without success it is left to people.
const GIVE_UP: i64 = Timestamp::DAY;

/// The actions that parts of Rapport offer to journeys: name, and what it does. Parts that come later add theirs here.
pub const ACTIONS: [(&str, &str); 3] = [
    ("tell_event", "Tells an event of the person: `name`, and its properties."),
    ("give_points", "Gives the person `points`, into `wallet` or the programme's first, if they are a member."),
    (
        "give_reward",
        "Gives the person `reward` for nothing, out of its budget for surprises, if they are a member; `reason` says why.",
    ),
];

/// What is wrong with what an action is given, if anything.
pub fn wrong(action: &str, with: &BTreeMap<String, Value>) -> Option<String> {
    match action {
        "tell_event" => {
            let name = with.get("name").and_then(Value::as_str).is_some_and(|name| !name.trim().is_empty());
            (!name).then(|| "`tell_event` needs the event's `name`".to_owned())
        }
        "give_points" => {
            if points(with.get("points")).is_none() {
                return Some(format!("`give_points` needs `points`, 1 to {POINTS_MAX}"));
            }
            let other = with.keys().find(|key| !["points", "wallet"].contains(&key.as_str()));
            other.map(|key| format!("`give_points` knows `points` and `wallet`, not `{key}`"))
        }
        "give_reward" => {
            let is_text = |key: &str| text(with.get(key)).is_some();
            if !is_text("reward") || !is_text("reason") {
                return Some(
                    "`give_reward` needs the `reward`'s key and a `reason`, which the member can see".to_owned(),
                );
            }
            let other = with.keys().find(|key| !["reward", "reason"].contains(&key.as_str()));
            other.map(|key| format!("`give_reward` knows `reward` and `reason`, not `{key}`"))
        }
        _ => None,
    }
}

/// The longest text of an action, in bytes.
const TEXT_MAX: usize = 200;

fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().map(str::trim).filter(|text| !text.is_empty() && text.len() <= TEXT_MAX && !text.contains('\0'))
}

/// The most points that a step of a journey gives.
const POINTS_MAX: i64 = 1_000_000;

fn points(value: Option<&Value>) -> Option<i64> {
    value?.as_i64().filter(|points| (1..=POINTS_MAX).contains(points))
}

/// Does what is due here; whether anything was. Webhooks have a loop of their own ([`posting`]), so that nothing here waits for another program.
///
/// # Errors
/// The store's.
pub async fn do_due(installation: &Installation) -> Result<bool> {
    let due = acts::due_here(&mut installation.store.read(), installation.clock.now(), BATCH).await?;
    let any = !due.is_empty();
    for row in due {
        let done = act(installation, &row).await;
        note(installation, row, done).await?;
    }
    Ok(any)
}

/// What came of an act that did not fail.
enum Did {
    It,
    /// It was not to be done any more.
    Not(Reason),
}

/// Trying again would not help.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Hopeless(String);

async fn note(installation: &Installation, mut row: ActRow, did: Result<Did>) -> Result<()> {
    let now = installation.clock.now();
    row.attempts += 1;
    let ended = |state: &str, why: Option<String>| (state.to_owned(), None, why);
    (row.state, row.due_at, row.error) = match did {
        Ok(Did::It) => ended(acts::DONE, None),
        Ok(Did::Not(reason)) => ended(acts::SKIPPED, Some(reason.as_str().to_owned())),
        Err(error) => {
            let since = *row.failing_since.get_or_insert(now);
            let why = Some(format!("{error:#}"));
            if now.0 - since.0 >= GIVE_UP || error.is::<Hopeless>() {
                ended(acts::FAILED, why)
            } else {
                let pause = (PAUSE << (row.attempts - 1).clamp(0, 20)).min(LONGEST_PAUSE);
                (acts::QUEUED.to_owned(), Some(now.plus(pause)), why)
            }
        }
    };
    let mut tx = installation.store.begin(Priority::Background).await?;
    acts::note(&mut tx, &row).await?;
    Ok(tx.commit().await?)
}

/// Whom an act is about, as they are now: an act waits, and meanwhile they may have been erased, or the use of their data restricted.
async fn about(installation: &Installation, row: &ActRow) -> Result<Result<Vec<IdentifierRow>, Reason>> {
    let mut db = installation.store.read();
    let names = identifiers::by_persons(&mut db, row.workspace, &[row.person]).await?;
    let handles: Vec<Handle> = names.iter().map(|name| name.handle).collect();
    if names.is_empty() {
        return Ok(Err(Reason::Gone));
    }
    let is_restricted = !restrictions::restricted(&mut db, row.workspace, &handles).await?.is_empty();
    Ok(if is_restricted { Err(Reason::Restricted) } else { Ok(names) })
}

async fn act(installation: &Installation, row: &ActRow) -> Result<Did> {
    let names = match about(installation, row).await? {
        Ok(names) => names,
        Err(reason) => return Ok(Did::Not(reason)),
    };
    match row.kind.as_str() {
        "trait" => {
            let traits = Map::from_iter([(row.target.clone(), row.content.clone())]);
            tell(installation, row, &names, (EventKind::Identify, "Identify"), (Map::new(), traits)).await?;
        }
        "list_on" | "list_off" => {
            let value = if row.kind == "list_on" { Value::Bool(true) } else { Value::Null };
            let told = [(row.person, row.decided_at, lists::fact_key(&row.target), value)];
            scoring::tell_all(installation, row.workspace, &told, Priority::Background).await?;
        }
        "act" if row.target == "tell_event" => {
            let mut properties = row.content.as_object().cloned().unwrap_or_default();
            let name = properties.remove("name").and_then(|name| name.as_str().map(str::to_owned));
            let Some(name) = name.filter(|name| !name.trim().is_empty()) else {
                bail!(Hopeless("`tell_event` needs the event's `name`".to_owned()));
            };
            tell(installation, row, &names, (EventKind::Track, &name), (properties, Map::new())).await?;
        }
        "act" if row.target == "give_points" => give(installation, row).await?,
        "act" if row.target == "give_reward" => reward(installation, row).await?,
        other => bail!(Hopeless(format!("nothing here does `{other}` `{}`", row.target))),
    }
    Ok(Did::It)
}

async fn give(installation: &Installation, row: &ActRow) -> Result<()> {
    let Some(points) = points(row.content.get("points")) else {
        bail!(Hopeless("`give_points` needs `points`".to_owned()));
    };
    let id = format!("{OWN_IDS}{}", row.id);
    let gift = Gift {
        id: &id,
        person: row.person,
        wallet: row.content.get("wallet").and_then(Value::as_str),
        points,
        kind: "journey",
        reference: &row.journey,
    };
    match giving::give(installation, row.workspace, gift).await? {
        Given::It => Ok(()),
        Given::NoWallet => bail!(Hopeless("the programme has no such wallet".to_owned())),
        Given::NoMember => bail!(Hopeless("they are no member of the programme".to_owned())),
        Given::Refused(refusal) => bail!(Hopeless(refusal.to_string())),
    }
}

async fn reward(installation: &Installation, row: &ActRow) -> Result<()> {
    let (Some(reward), Some(reason)) = (text(row.content.get("reward")), text(row.content.get("reason"))) else {
        bail!(Hopeless("`give_reward` needs `reward` and `reason`".to_owned()));
    };
    let (id, by) = (format!("{OWN_IDS}{}", row.id), format!("journey:{}", row.journey));
    let present = Present { id: &id, person: row.person, reward, by: &by, reason };
    match rewarding::give(installation, row.workspace, present).await? {
        rewarding::Given::It => Ok(()),
        rewarding::Given::NoProgram => bail!(Hopeless("there is no programme".to_owned())),
        rewarding::Given::NoMember => bail!(Hopeless("they are no member of the programme".to_owned())),
        rewarding::Given::Refused(refusal) => bail!(Hopeless(refusal.to_string())),
    }
}

/// Tells an event of the person through the log.
async fn tell(
    installation: &Installation,
    row: &ActRow,
    names: &[IdentifierRow],
    (kind, name): (EventKind, &str),
    (properties, traits): (Map<String, Value>, Map<String, Value>),
) -> Result<()> {
    let own = names.iter().find(|name| Some(name.handle) == row.handle).or_else(|| names.first());
    let Some(who) = own.map(IdentifierRow::identifier) else { return Ok(()) };
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

/// What the requests of a workspace's journeys are signed with (Standard Webhooks).
///
/// # Errors
/// The store's.
pub async fn webhook_secret(installation: &Installation, workspace: WorkspaceId) -> Result<String> {
    let secret = messages::secret(installation, workspace).await?;
    let key = blake3::derive_key("rapport 2026-11 secret of journeys' webhooks", &secret);
    Ok(format!("whsec_{}", BASE64_STANDARD.encode(&key[..24])))
}
