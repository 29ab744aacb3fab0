//! Reads the situations of people, all in the transaction in which their journeys go on.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Channel, Handle, IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_privacy::Statement;
use rapport_privacy::records::{consents, restrictions, wishes};
use rapport_profiles::records::{facts, identifiers};
use rapport_segments::records::memberships;
use rapport_store::Queries;
use serde_json::Value;

use crate::Error;
use crate::journey::Situation;
use crate::journey::definition::{Class, Step};
use crate::journey::situation::{Other, Sent, Suppressed};
use crate::plans::Plans;
use crate::records::addresses::{self, DeadRow};
use crate::records::instances::{self, InstanceRow};
use crate::records::messages;
use crate::records::subscriptions;
use crate::sending::Settings;
use crate::sending::policy;
use crate::zones::{COUNTRY_FACTS, ZONE_FACTS, zone_of};

/// The facts under which a telephone number for text messages is known.
pub const PHONE_FACTS: [&str; 2] = ["trait.phone", "trait.mobile"];
/// The hour of day at which somebody is usually there: 0 to 23.
pub const USUAL_HOUR: &str = "usual_hour";
/// What says that somebody is in trouble: any of them above 0, or true.
pub const TROUBLE: [&str; 5] = [
    "support.open_tickets",
    "complaint.open",
    "feedback.open_complaints",
    "trait.open_tickets",
    "trait.open_complaints",
];
/// What says how they felt last: `bad` spares them.
pub const FEELING: [&str; 2] = ["feedback.last_feeling", "trait.last_feeling"];

/// The situations of some people.
///
/// # Errors
/// The store's.
pub async fn load(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    plans: &Plans,
    persons: &[PersonId],
    now: Timestamp,
) -> Result<BTreeMap<PersonId, Situation>, Error> {
    let zone = plans.calendar.zone.clone();
    let mut all: BTreeMap<PersonId, Situation> = persons
        .iter()
        .map(|person| (*person, Situation { is_gone: true, ..Situation::of(*person, zone.clone()) }))
        .collect();
    let mut owner: BTreeMap<Handle, PersonId> = BTreeMap::new();
    // The mail addresses of each, the first known first.
    let mut mail: BTreeMap<PersonId, Vec<Handle>> = BTreeMap::new();
    // Of whom more is known than a browser.
    let mut named: BTreeSet<PersonId> = BTreeSet::new();
    for row in identifiers::by_persons(db, workspace, persons).await? {
        owner.insert(row.handle, row.person);
        let Some(it) = all.get_mut(&row.person) else { continue };
        it.is_gone = false;
        if row.kind != IdentifierKind::AnonymousId.as_str() {
            named.insert(row.person);
        }
        if row.kind == IdentifierKind::Email.as_str() {
            it.reach.entry(Channel::Email).or_insert(row.handle);
            mail.entry(row.person).or_default().push(row.handle);
        }
        // On the company's own site everybody can be met.
        it.reach.entry(Channel::InApp).or_insert(row.handle);
    }
    let handles: Vec<Handle> = owner.keys().copied().collect();
    for browser in subscriptions::of_handles(db, workspace, &handles).await? {
        // Anybody can claim that their browser is another person's, so somebody with a name gets nothing where that was not proven.
        let owner = owner.get(&browser.handle).filter(|person| browser.is_proven || !named.contains(*person));
        if let Some(it) = owner.and_then(|person| all.get_mut(person)) {
            it.reach.entry(Channel::Push).or_insert(browser.handle);
        }
    }
    read_facts(db, workspace, persons, &mut all, now).await?;
    read_rights(db, workspace, &owner, &handles, &mut all).await?;
    read_dead(db, workspace, &owner, &mail, &mut all).await?;
    for (person, segment) in memberships::of_keys(db, workspace, persons, &plans.segments()).await? {
        if let Some(it) = all.get_mut(&person) {
            it.members.insert(segment);
        }
    }
    let since = now.plus(-Settings::LONGEST_WINDOW);
    for (person, sent_at, channel, topic) in messages::counted(db, workspace, persons, since).await? {
        if let (Some(it), Some(channel)) = (all.get_mut(&person), Channel::parse(&channel)) {
            it.sent.push(Sent { at: sent_at.unwrap_or(now), channel, topic });
        }
    }
    for it in all.values_mut() {
        it.is_held_out = plans.settings.holds_out(it.person);
    }
    Ok(all)
}

async fn read_facts(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
    all: &mut BTreeMap<PersonId, Situation>,
    now: Timestamp,
) -> Result<(), Error> {
    let asked = [&ZONE_FACTS[..], &COUNTRY_FACTS, &PHONE_FACTS, &TROUBLE, &FEELING, &[USUAL_HOUR]].concat();
    let keys: Vec<String> = asked.iter().map(|key| (*key).to_owned()).collect();
    let mut known: BTreeMap<PersonId, BTreeMap<String, Value>> = BTreeMap::new();
    for (person, key, value) in facts::current_keys_of(db, workspace, persons, &keys, now).await? {
        if let Ok(value) = serde_json::from_str(&value) {
            known.entry(person).or_default().insert(key, value);
        }
    }
    for (person, facts) in known {
        let Some(it) = all.get_mut(&person) else { continue };
        if let Some(zone) = zone_of(|key| facts.get(key).and_then(Value::as_str)) {
            it.zone = zone;
        }
        it.usual_hour =
            facts.get(USUAL_HOUR).and_then(Value::as_u64).and_then(|hour| u8::try_from(hour).ok()).filter(|h| *h < 24);
        let is_so = |value: &Value| value.as_bool().unwrap_or_else(|| value.as_f64().is_some_and(|n| n > 0.0));
        it.is_troubled = TROUBLE.iter().filter_map(|key| facts.get(*key)).any(is_so)
            || FEELING.iter().filter_map(|key| facts.get(*key)).any(|value| value == "bad");
        let has_phone =
            PHONE_FACTS.iter().filter_map(|key| facts.get(*key)?.as_str()).any(|text| !text.trim().is_empty());
        if let Some(handle) = it.reach.get(&Channel::InApp).copied().filter(|_| has_phone) {
            it.reach.insert(Channel::Sms, handle);
            it.reach.insert(Channel::Whatsapp, handle);
        }
    }
    Ok(())
}

async fn read_rights(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    owner: &BTreeMap<Handle, PersonId>,
    handles: &[Handle],
    all: &mut BTreeMap<PersonId, Situation>,
) -> Result<(), Error> {
    let said: Vec<Statement> = consents::of_handles(db, workspace, handles)
        .await?
        .iter()
        .filter_map(consents::ConsentRow::statement)
        .collect();
    for statement in said {
        if let Some(it) = owner.get(&statement.handle).and_then(|person| all.get_mut(person)) {
            it.said.push(statement);
        }
    }
    for handle in restrictions::restricted(db, workspace, handles).await? {
        if let Some(it) = owner.get(&handle).and_then(|person| all.get_mut(person)) {
            it.is_restricted = true;
        }
    }
    for (handle, gap) in wishes::gaps(db, workspace, handles).await? {
        if let Some(it) = owner.get(&handle).and_then(|person| all.get_mut(person)) {
            it.wished_gap = it.wished_gap.max(Some(gap));
        }
    }
    Ok(())
}

/// Whose addresses are dead. Of several mail addresses one that lives is written to; who complained at one of them is not written to at another.
async fn read_dead(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    owner: &BTreeMap<Handle, PersonId>,
    mail: &BTreeMap<PersonId, Vec<Handle>>,
    all: &mut BTreeMap<PersonId, Situation>,
) -> Result<(), Error> {
    let handles: Vec<Handle> = owner.keys().copied().collect();
    let mut dead: BTreeMap<PersonId, Vec<(Channel, DeadRow)>> = BTreeMap::new();
    for row in addresses::of_handles(db, workspace, &handles).await? {
        if let (Some(person), Some(channel)) = (owner.get(&row.handle), Channel::parse(&row.channel)) {
            dead.entry(*person).or_default().push((channel, row));
        }
    }
    for (person, dead) in dead {
        let Some(it) = all.get_mut(&person) else { continue };
        let bounced = |handle: &Handle| {
            dead.iter().any(|(channel, row)| {
                *channel == Channel::Email
                    && row.handle == *handle
                    && row.reason == addresses::BOUNCED
                    && row.topic.is_empty()
            })
        };
        if let Some(alive) = mail.get(&person).into_iter().flatten().find(|handle| !bounced(handle)) {
            it.reach.insert(Channel::Email, *alive);
        }
        for (channel, row) in &dead {
            if row.reason != addresses::BOUNCED || it.reach.get(channel) == Some(&row.handle) {
                it.suppressed.push((*channel, suppressed(row)));
            }
        }
    }
    Ok(())
}

fn suppressed(row: &DeadRow) -> Suppressed {
    match (row.topic.as_str(), row.reason.as_str()) {
        ("", addresses::COMPLAINED) => Suppressed::Marketing,
        ("", _) => Suppressed::Everything,
        (topic, _) => Suppressed::Topic(topic.to_owned()),
    }
}

/// Notes which other journeys are about to write to these people: of each instance that is under way and comes to a message next.
///
/// # Errors
/// The store's.
pub async fn read_others(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    plans: &Plans,
    persons: &[PersonId],
) -> Result<BTreeMap<PersonId, Vec<(String, Other)>>, Error> {
    let mut others: BTreeMap<PersonId, Vec<(String, Other)>> = BTreeMap::new();
    let priorities: BTreeSet<i32> = plans.all().map(|one| one.definition.priority).collect();
    if priorities.len() < 2 {
        return Ok(others);
    }
    for row in instances::active_of(db, workspace, persons).await? {
        if let Some(other) = other_of(plans, &row) {
            others.entry(row.person).or_default().push((row.id, other));
        }
    }
    Ok(others)
}

/// What an instance is about to send, if it comes to a message next that counts: what needs no room takes none from others.
pub fn other_of(plans: &Plans, row: &InstanceRow) -> Option<Other> {
    let one = plans.get(&row.journey, row.version)?;
    if !one.goes_on || one.definition.class == Class::Transactional || row.ended_at.is_some() {
        return None;
    }
    let (node, due) = row.node.as_deref().and_then(|id| one.definition.node(id)).zip(row.wake_at)?;
    let is_message = |id: &str| match one.definition.node(id).map(|node| &node.step) {
        Some(Step::Message { channel, .. }) => policy::counts(*channel),
        _ => false,
    };
    let comes_to_one =
        is_message(&node.id) || matches!(&node.step, Step::Wait { next: Some(next), .. } if is_message(next));
    comes_to_one.then_some(Other { priority: one.definition.priority, due })
}
