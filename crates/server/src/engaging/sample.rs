//! The sample shop's journeys, so that a demo has something to look at: three that are live or paused, with what they did so far, a campaign that ran,
//! as its customers tell of it, and what stands around them: topics, the text people agreed to, a slot, what people asked for.
//!
//! Always holds: nothing is ever sent by it: the workspace's sending is paused, and what went out before is only told of.

mod around;
pub mod asked;
pub mod lived;

use std::collections::HashMap;

use anyhow::{Context, Result};
use rapport_domain::{Calendar, Channel, Handle, Id, IdentifierKind, PersonId, Timestamp, WeekStart, WorkspaceId};
use rapport_engagement::journey::definition::Definition;
use rapport_engagement::journey::{Class, ready};
use rapport_engagement::records::journeys::{self, JourneyRow, VersionRow};
use rapport_engagement::records::messages::{self, Heard, MessageRow, Outcome};
use rapport_engagement::records::runs::{self, RunRow};
use rapport_engagement::records::settings;
use rapport_engagement::sending::Settings;
use rapport_engagement::service::launching;
use rapport_profiles::records::identifiers;
use rapport_sample::{Message, OFFER, SampleShop};
use rapport_segments::{Condition, Limits};
use rapport_store::{Priority, Tx};
use serde_json::{Value, json};

use crate::installation::Installation;
use lived::Lived;

/// Ready journeys that the shop has: key, and whether people come in.
const READY: [(&str, bool); 3] = [("welcome", true), ("abandoned_cart", true), ("win_back", false)];
/// The node of the campaign that writes.
const NODE: &str = "offer";
/// The node that draws the groups.
pub(crate) const GROUPS: &str = "groups";

/// What the sample says of somebody in the campaign's groups.
#[derive(Clone, Debug, Default)]
pub struct Offered {
    pub(crate) user_id: String,
    pub(crate) arm: String,
    pub(crate) at: Timestamp,
    sent_at: Option<Timestamp>,
    delivered_at: Option<Timestamp>,
    opened_at: Option<Timestamp>,
    clicked_at: Option<Timestamp>,
}

impl Offered {
    /// Reads it from a customer's messages; `None` for whoever is in neither group.
    pub fn of(messages: &[Message]) -> Option<Self> {
        let mut found = Self::default();
        for message in messages {
            let says = |field: &str, value: &str| message.properties.get(field).is_some_and(|it| it == value);
            let at = Some(message.timestamp);
            let Some(event) = message.event else { continue };
            match event {
                "Experiment Viewed" if says("experiment", OFFER.key) => {
                    found.at = message.timestamp;
                    found.user_id = message.user_id.clone()?;
                    found.arm = message.properties.get("variant")?.as_str()?.to_owned();
                }
                "Message Sent" if says("campaign", OFFER.name) => found.sent_at = at,
                "Message Delivered" if says("campaign", OFFER.name) => found.delivered_at = at,
                "Message Opened" if says("campaign", OFFER.name) => found.opened_at = at,
                "Message Clicked" if says("campaign", OFFER.name) => found.clicked_at = at,
                _ => {}
            }
        }
        (!found.arm.is_empty()).then_some(found)
    }
}

/// Saves them. `by` is who is said to have done it.
///
/// # Errors
/// The store's.
pub async fn save(
    installation: &Installation,
    workspace: WorkspaceId,
    offered: &[Offered],
    lived: &[Lived],
    by: &str,
) -> Result<()> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let mut own = Settings { paused: true, ..Settings::default() };
    own.from.name = SampleShop::NAME.to_owned();
    own.from.address = "hello@nordlicht.example".to_owned();
    settings::save(&mut tx, workspace, &own, now, by).await?;
    let began = now.plus(-lived::DAYS * Timestamp::DAY);
    for (key, is_open) in READY {
        let ready = ready::ready(key)?;
        let mut definition = with_own_templates(&ready.definition, &ready.templates)?;
        // Who was held out before would have to have been told of then.
        definition.holdout_percent = 0.0;
        let mut row = JourneyRow {
            description: ready.about.to_owned(),
            ..blank(&key.replace('_', "-"), "journey", ready.name, (began, by))
        };
        launching::launch(&mut tx, workspace, &mut row, &definition, (began, by)).await?;
        if !is_open {
            journeys::PAUSED.clone_into(&mut row.state);
            journeys::save(&mut tx, workspace, &row).await?;
        }
    }
    inbox(&mut tx, workspace, (began, by)).await?;
    around::save(&mut tx, workspace, (began, by)).await?;
    lived::save(&mut tx, installation, workspace, lived, began).await?;
    if let Some(first) = offered.first() {
        campaign(&mut tx, installation, workspace, offered, (first.at, by)).await?;
    }
    tx.commit().await?;
    installation.plans.forget(workspace);
    Ok(())
}

/// Who orders finds a word about it in the inbox on the shop's site.
async fn inbox(tx: &mut Tx, workspace: WorkspaceId, (at, by): (Timestamp, &str)) -> Result<()> {
    let key = lived::ORDER_NEWS;
    let definition = json!({
        "entry": {"event": {"name": "Order Completed", "key": "order_id"}}, "class": "transactional", "reentry": "after_exit", "start": "note",
        "nodes": [{"id": "note", "step": {"message": {"channel": "in_app", "template": key, "next": null}}}]
    });
    let definition = Definition::from_json(&definition)?;
    let description = "Who orders finds in the inbox on the site when it will be there.".to_owned();
    let mut row = JourneyRow { description, ..blank(key, "journey", "Order news in the inbox", (at, by)) };
    launching::launch(tx, workspace, &mut row, &definition, (at, by)).await?;
    Ok(())
}

fn blank(key: &str, kind: &str, name: &str, (at, by): (Timestamp, &str)) -> JourneyRow {
    JourneyRow {
        key: key.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        state: journeys::DRAFT.to_owned(),
        draft: Value::Null,
        live_version: 0,
        created_at: at,
        created_by: by.to_owned(),
        updated_at: at,
        updated_by: by.to_owned(),
        launched_at: None,
    }
}

/// The shop's templates have hyphens in their keys.
fn with_own_templates(definition: &Definition, templates: &[&str]) -> Result<Definition> {
    let mut form = definition.to_json();
    for node in form["nodes"].as_array_mut().into_iter().flatten() {
        let template = node.pointer_mut("/step/message/template");
        if let Some(template) = template.filter(|it| it.as_str().is_some_and(|key| templates.contains(&key))) {
            *template = template.as_str().unwrap_or_default().replace('_', "-").into();
        }
    }
    Ok(Definition::from_json(&form)?)
}

/// The campaign that ran, with what became of each of its messages.
async fn campaign(
    tx: &mut Tx,
    installation: &Installation,
    workspace: WorkspaceId,
    offered: &[Offered],
    (at, by): (Timestamp, &str),
) -> Result<()> {
    let audience = r#"fact consent.email = granted and performed "Order Completed""#;
    let audience = Condition::from_text(audience, Limits::DEFAULT)?.to_json();
    let calendar = Calendar::new(SampleShop::ZONE, WeekStart::Monday).context("the shop's zone")?;
    let clock = at.to_jiff().to_zoned(calendar.zone).strftime("%Y-%m-%dT%H:%M").to_string();
    let definition = json!({
        "entry": {"schedule": {"at": clock}}, "audience": audience, "start": GROUPS,
        "nodes": [
            {"id": GROUPS, "step": {"split": {"experiment": OFFER.key, "arms": [
                {"name": OFFER.control, "percent": 50.0, "next": null}, {"name": OFFER.treated, "percent": 50.0, "next": NODE}]}}},
            {"id": NODE, "step": {"message": {"channel": "email", "template": OFFER.key, "next": null}}}]
    });
    let definition = Definition::from_json(&definition)?.to_json();
    let people = i64::try_from(offered.len())?;
    let row = JourneyRow {
        description: format!(
            "Half of all buyers who agreed to mails were offered free shipping for {} days.",
            OFFER.days
        ),
        state: journeys::FINISHED.to_owned(),
        draft: definition.clone(),
        live_version: 1,
        launched_at: Some(at),
        ..blank(OFFER.key, "campaign", OFFER.name, (at, by))
    };
    journeys::save(tx, workspace, &row).await?;
    let version =
        VersionRow { journey: row.key.clone(), version: 1, definition, launched_at: at, launched_by: by.to_owned() };
    journeys::insert_version(tx, workspace, &version).await?;
    let run = RunRow {
        journey: row.key.clone(),
        run: clock,
        version: 1,
        state: "done".to_owned(),
        planned_at: at,
        next_at: None,
        began_at: at,
        after_person: PersonId(i64::MAX),
        entered: people,
        people,
        finished_at: Some(at),
    };
    runs::plan(tx, workspace, &run).await?;
    let treated: Vec<&Offered> = offered.iter().filter(|it| it.arm == OFFER.treated).collect();
    let written = i64::try_from(treated.len())?;
    let flow = |node: &str, way: &str, people: i64| {
        ((row.key.clone(), 1, node.to_owned(), way.to_owned(), at.utc_day()), people)
    };
    let flows = [
        flow("", journeys::CAME, people),
        flow(GROUPS, journeys::CAME, people),
        flow(NODE, journeys::CAME, written),
        flow("", "out:completed", people),
        flow(GROUPS, &format!("arm:{}", OFFER.control), people - written),
        flow(GROUPS, &format!("arm:{}", OFFER.treated), written),
        flow(NODE, "sent", written),
    ];
    journeys::add_flows(tx, workspace, flows).await?;
    written_to(tx, installation, workspace, &treated).await
}

/// A message's row for each of those who were written to.
async fn written_to(
    tx: &mut Tx,
    installation: &Installation,
    workspace: WorkspaceId,
    treated: &[&Offered],
) -> Result<()> {
    let known = whose(tx, workspace, treated.iter().copied()).await?;
    for it in treated {
        let Some((handle, person)) = known.get(&it.user_id).copied() else { continue };
        let id = Id::new("msg", &*installation.clock, &*installation.rng).0;
        let row = MessageRow {
            handle: Some(handle),
            journey: Some(OFFER.key.to_owned()),
            version: 1,
            node: NODE.to_owned(),
            template: OFFER.key.to_owned(),
            template_version: Some(1),
            state: messages::SENDING.to_owned(),
            due_at: None,
            attempts: 1,
            ..MessageRow::queued(id, person, Channel::Email, Class::Marketing, it.at)
        };
        messages::insert(tx, workspace, std::slice::from_ref(&row)).await?;
        let sent = Outcome { sent_at: it.sent_at, ..Outcome::of(messages::SENT) };
        messages::note(tx, &row.id, &sent).await?;
        let heard =
            [(Heard::Delivered, it.delivered_at), (Heard::Opened, it.opened_at), (Heard::Clicked, it.clicked_at)];
        for (what, at) in heard {
            if let Some(at) = at {
                messages::hear(tx, &row.id, what, at).await?;
            }
        }
    }
    Ok(())
}

/// Whose user ids those of the campaign are.
///
/// # Errors
/// The store's.
pub async fn whose(
    tx: &mut Tx,
    workspace: WorkspaceId,
    offered: impl IntoIterator<Item = &Offered>,
) -> Result<HashMap<String, (Handle, PersonId)>> {
    let names: Vec<String> = offered.into_iter().map(|it| it.user_id.clone()).collect();
    let known = identifiers::by_values(tx, workspace, IdentifierKind::UserId, &names).await?;
    Ok(known.into_iter().map(|row| (row.value, (row.handle, row.person))).collect())
}
