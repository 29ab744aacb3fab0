//! The sample shop's experiments, so that a demo has something to read: one with a true effect that is decided, one without any that runs, one that is
//! being written, a flag, and some people who get no marketing.
//!
//! Always holds: who got the offer of the campaign is in its customers' own events, and its effect in the shop's truth; who saw which headline falls as it
//! would in earnest, by the experiment's salt and places, and changes nothing of what anybody did, so that its true effect is none.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use rapport_domain::shop_events::EXPERIMENT_VIEWED;
use rapport_domain::{Event, EventId, Identifier, IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::records::settings;
use rapport_experiments::design::UnitKind;
use rapport_experiments::records::experiments;
use rapport_experiments::service::{Act, Author, act, create, create_group};
use rapport_experiments::{Design, Situation, evaluate, global_holdout};
use rapport_profiles::records::identifiers;
use rapport_sample::{Message, OFFER};
use rapport_store::{Priority, Tx};
use serde_json::{Map, Value, json};

use crate::installation::Installation;
use crate::own_events;

/// The experiment without an effect.
pub const HEADLINE: &str = "checkout-headline";
/// For so long it has run.
pub const HEADLINE_DAYS: i64 = 35;
/// How many get no marketing, in per cent.
const HELD_OUT: f64 = 5.0;
/// So long after the offer it was decided.
const DECIDED_AFTER: i64 = 21 * Timestamp::DAY;

/// Somebody who came to the checkout, and so saw its headline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    user_id: String,
    at: Timestamp,
}

impl Checkout {
    /// A customer's first since the headline's experiment began.
    pub fn of(messages: &[Message], end: Timestamp) -> Option<Self> {
        let since = end.plus(-HEADLINE_DAYS * Timestamp::DAY);
        let counts = |it: &&Message| it.event == Some("Checkout Started") && it.timestamp > since;
        let first = messages.iter().filter(counts).min_by_key(|it| it.timestamp)?;
        Some(Self { user_id: first.user_id.clone()?, at: first.timestamp })
    }
}

/// Starts the campaign's experiment, before its customers' events are applied: they say who was in which group.
///
/// # Errors
/// The store's.
pub async fn begin(installation: &Installation, workspace: WorkspaceId, offered_at: Timestamp, by: &str) -> Result<()> {
    let design = json!({
        "name": OFFER.name, "hypothesis": "Whoever need not pay for shipping orders once more", "kind": "experiment",
        "variants": [
            {"key": OFFER.control, "name": "No offer", "weight": 1, "value": false, "is_control": true},
            {"key": OFFER.treated, "name": "Free shipping", "weight": 1, "value": true}],
        "primary": {"key": "orders", "name": "orders"}, "conversion_hours": OFFER.days * 24, "reading": {"scale": "absolute"},
        "plan": {"effect": 0.05}});
    let author = Author { by, at: offered_at.plus(-Timestamp::HOUR) };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    started(&mut tx, installation, workspace, OFFER.key, design, author).await?;
    tx.commit().await?;
    installation.experiments.forget(workspace);
    Ok(())
}

/// Decides the campaign's experiment, lets those who came to the checkout see a headline, and makes what else the shop has. The events that tell of the
/// headlines are in the log then, and are to be applied.
///
/// # Errors
/// The store's and the log's.
pub async fn run(
    installation: &Installation,
    workspace: WorkspaceId,
    checkouts: &[Checkout],
    offered_at: Timestamp,
    by: &str,
) -> Result<()> {
    let now = installation.clock.now();
    let began = Author { by, at: now.plus(-HEADLINE_DAYS * Timestamp::DAY) };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let decided = Author { by, at: offered_at.plus(DECIDED_AFTER) };
    act(&mut tx, workspace, OFFER.key, Act::Decide(OFFER.treated), 2, decided).await?;
    create_group(&mut tx, workspace, ("checkout", "Checkout", UnitKind::Person), began).await?;
    started(&mut tx, installation, workspace, HEADLINE, headline(), began).await?;
    let express: Design = serde_json::from_value(express())?;
    create(&mut tx, workspace, "express-checkout", express, Author { by, at: now }, &*installation.rng).await?;
    started(&mut tx, installation, workspace, "gift-note", gift_note(), began).await?;
    tx.commit().await?;
    installation.experiments.forget(workspace);
    let seen = seen(installation, workspace, checkouts).await?;
    installation.log.append(&seen).await?;
    Ok(())
}

/// Holds some people out of all marketing from now on.
///
/// # Errors
/// The store's.
pub async fn hold_out(installation: &Installation, workspace: WorkspaceId, by: &str) -> Result<()> {
    let author = Author { by, at: installation.clock.now() };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let mut own = settings::read(&mut tx, workspace).await?;
    own.holdout_percent = HELD_OUT;
    settings::save(&mut tx, workspace, &own, author.at, by).await?;
    global_holdout::set(&mut tx, workspace, own.holdout_places(), author).await?;
    tx.commit().await?;
    installation.plans.forget(workspace);
    installation.experiments.forget(workspace);
    Ok(())
}

fn headline() -> Value {
    json!({
        "name": "Headline of the checkout", "hypothesis": "A promise of delivery makes more people finish", "kind": "experiment",
        "variants": [
            {"key": "plain", "name": "Check out", "weight": 1, "value": "Check out", "is_control": true},
            {"key": "promise", "name": "At your door tomorrow", "weight": 1, "value": "At your door tomorrow"}],
        "group": {"group": "checkout", "from": 0, "to": 8_000},
        "primary": {"key": "conversion", "name": "buyers"},
        "guardrails": [{"metric": {"key": "tickets", "name": "tickets", "direction": "lower"}, "margin": 0.25}],
        "plan": {"effect": 0.05}})
}

fn express() -> Value {
    json!({
        "name": "Express checkout", "hypothesis": "Fewer steps lose fewer people", "kind": "experiment",
        "variants": [
            {"key": "steps", "name": "Three steps", "weight": 1, "value": false, "is_control": true},
            {"key": "express", "name": "One page", "weight": 1, "value": true}],
        "group": {"group": "checkout", "from": 8_000, "to": 10_000},
        "primary": {"key": "conversion", "name": "buyers"}, "plan": {"effect": 0.05}})
}

/// For frequent buyers, and for a fifth of the others.
fn gift_note() -> Value {
    json!({
        "name": "Gift note", "kind": "flag",
        "variants": [{"key": "off", "weight": 1, "value": false, "is_control": true}, {"key": "on", "weight": 1, "value": true}],
        "rules": [
            {"key": "frequent", "condition": "frequent", "serve": {"variant": "on"}},
            {"key": "some", "share": 2_000, "serve": {"variant": "on"}}]})
}

async fn started(
    tx: &mut Tx,
    installation: &Installation,
    workspace: WorkspaceId,
    key: &str,
    design: Value,
    author: Author<'_>,
) -> Result<()> {
    let design: Design = serde_json::from_value(design)?;
    create(tx, workspace, key, design, author, &*installation.rng).await?;
    act(tx, workspace, key, Act::Start, 1, author).await?;
    Ok(())
}

/// What the site would have told of the headlines that people saw.
async fn seen(installation: &Installation, workspace: WorkspaceId, checkouts: &[Checkout]) -> Result<Vec<Event>> {
    let source = own_events::source(installation, workspace).await?;
    let mut db = installation.store.read();
    let Some(row) = experiments::find(&mut db, workspace, HEADLINE).await? else { return Ok(Vec::new()) };
    let experiment = row.experiment();
    let names: Vec<String> = checkouts.iter().map(|it| it.user_id.clone()).collect();
    let known = identifiers::by_values(&mut db, workspace, IdentifierKind::UserId, &names).await?;
    let persons: HashMap<&str, PersonId> = known.iter().map(|row| (row.value.as_str(), row.person)).collect();
    let nothing = BTreeMap::new();
    let event = |it: &Checkout| {
        let situation = Situation {
            now: it.at,
            person: Some(*persons.get(it.user_id.as_str())?),
            anonymous: None,
            truths: &|_| false,
            held: &nothing,
            holdouts: &[],
            subjects: &[],
        };
        let exposure = evaluate(&experiment, &situation).exposures.into_iter().next()?;
        let mut properties = Map::new();
        properties.insert("experiment".to_owned(), json!(HEADLINE));
        properties.insert("variant".to_owned(), json!(exposure.variant));
        let who = Identifier { kind: IdentifierKind::UserId, value: it.user_id.clone() };
        let id = EventId::of_message(workspace, source, &format!("{HEADLINE}:{}", it.user_id));
        Some(own_events::event((workspace, source), id, it.at, who, EXPERIMENT_VIEWED, properties))
    };
    Ok(checkouts.iter().filter_map(event).collect())
}
