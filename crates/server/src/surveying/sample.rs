//! The sample shop's surveys, with what came of everybody who could have been asked: so that each figure has people behind it.
//!
//! Whether somebody would recommend the shop its customers' own events tell, from the time when another program asked them. What the shop asks itself since
//! then is played through in the order of time, by the rules that hold: the sample, nobody in trouble, nobody twice within the quarantine.
//!
//! Always holds: who answers what follows from what happened to them (a late parcel, a mood that their scores show) and from chance that is the same each
//! time; answers go the way that all answers go.

mod answers;
pub(crate) mod chance;

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use rapport_domain::{Handle, IdentifierKind, ManualClock, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::asking::{Settings, Suppression, is_sampled};
use rapport_feedback::gallery;
use rapport_feedback::records::invitations::{self, INVITED, InvitationRow, SAMPLED_OUT, SUPPRESSED};
use rapport_feedback::records::responses::Source;
use rapport_feedback::service::Author;
use rapport_feedback::service::answering::{self, Beginning};
use rapport_feedback::service::asking::About;
use rapport_feedback::service::editing::{Act, act, create, save};
use rapport_feedback::survey::Kind;
use rapport_profiles::records::identifiers;
use rapport_sample::Message;
use rapport_store::{Priority, Tx};
use serde_json::{Value, json};

use self::chance::Chance;
use super::known::{Known, Published};
use crate::installation::Installation;

/// The survey that its customers' events tell of.
pub(crate) const RECOMMEND: &str = "recommend-after-delivery";
/// Key, name, ready survey, how many per cent are asked.
const SURVEYS: [(&str, &str, &str, f64); 7] = [
    (RECOMMEND, "Would you recommend us?", "nps", 50.0),
    ("delivery", "After a delivery", "delivery", 60.0),
    ("support", "After a ticket", "support", 100.0),
    ("leaving", "On leaving", "exit", 100.0),
    ("loyalty", "Satisfaction and loyalty", "satisfaction_loyalty", 100.0),
    ("wishes", "What should we build next?", "kano", 100.0),
    ("brand", "How we are known", "brand_tracking", 100.0),
];
/// What the shop asks after by itself: survey, event, what tells one from another, how long after it.
const EVENTS: [(&str, &str, &str, &str); 3] = [
    ("delivery", "Order Delivered", "order_id", "2d"),
    ("support", "Ticket Solved", "ticket_id", "1d"),
    ("leaving", "Subscription Cancelled", "subscription_id", "1m"),
];
/// Who does not answer is reminded after so many days.
const REMINDED_AFTER: u32 = 4;
/// The shop asks by itself for so many days.
const DAYS: i64 = 200;
/// Rounds over everybody: which survey, so many days ago, of how many people, for so many days.
const ROUNDS: [(&str, i64, usize, i64); 4] =
    [("brand", 150, 450, 6), ("loyalty", 100, 700, 14), ("wishes", 55, 450, 6), ("brand", 20, 450, 6)];
/// People who are written at once.
const SLICE: usize = 200;

/// What a customer went through that the surveys ask about.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    user_id: String,
    language: String,
    /// Order, when it came, whether it was late.
    deliveries: Vec<(String, Timestamp, bool)>,
    /// Ticket, when it was opened, when it was solved, by whom.
    tickets: Vec<(String, Timestamp, Option<Timestamp>, String)>,
    left_at: Vec<Timestamp>,
    scores: Vec<f64>,
}

impl Asked {
    /// Reads it from a customer's messages; `None` for whoever never bought anything.
    pub fn of(messages: &[Message], since: Timestamp) -> Option<Self> {
        let mut found = Self { language: "en".to_owned(), ..Self::default() };
        for message in messages {
            let Some(event) = message.event else { continue };
            if let Some(user) = &message.user_id {
                found.user_id.clone_from(user);
            }
            let text = |name: &str| message.properties.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let at = message.timestamp;
            match event {
                "Order Delivered" if at >= since => {
                    let is_late = message.properties.get("late").and_then(Value::as_bool).unwrap_or(false);
                    found.deliveries.push((text("order_id"), at, is_late));
                }
                "Ticket Opened" if at >= since => found.tickets.push((text("ticket_id"), at, None, String::new())),
                "Ticket Solved" => {
                    let id = text("ticket_id");
                    if let Some(ticket) = found.tickets.iter_mut().find(|it| it.0 == id) {
                        (ticket.2, ticket.3) = (Some(at), text("agent"));
                    }
                }
                "Subscription Cancelled" if at >= since => found.left_at.push(at),
                "Survey Answered" => {
                    found.scores.extend(message.properties.get("score").and_then(Value::as_f64));
                    found.language = text("language");
                }
                _ => {}
            }
        }
        let is_customer = !found.deliveries.is_empty() || !found.tickets.is_empty() || !found.left_at.is_empty();
        (is_customer && !found.user_id.is_empty()).then_some(found)
    }

    /// How they feel about the shop, around nought.
    fn mood(&self, chance: &mut Chance) -> f64 {
        let mean = self.scores.iter().sum::<f64>() / self.scores.len().max(1) as f64;
        if self.scores.is_empty() { chance.normal() } else { (mean - 8.1) / 1.5 + 0.3 * chance.normal() }
    }

    fn is_in_trouble(&self, at: Timestamp) -> bool {
        self.tickets.iter().any(|it| it.1 <= at && it.2.is_none_or(|solved| solved > at))
    }
}

/// From when on what customers went through is asked about.
pub fn since(end: Timestamp) -> Timestamp {
    end.plus(-DAYS * Timestamp::DAY)
}

/// Writes and opens them, before their customers' events are applied: those tell of answers. `by` is who is said to have done it.
///
/// # Errors
/// The store's.
pub async fn begin(installation: &Installation, workspace: WorkspaceId, end: Timestamp, by: &str) -> Result<()> {
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    for (key, name, ready, percent) in SURVEYS {
        let days = if key == RECOMMEND { 730 } else { DAYS };
        let author = Author { by, at: end.plus(-days * Timestamp::DAY) };
        let mut definition = gallery::ready(ready)?.survey;
        definition.asking.sample_percent = percent;
        if key == RECOMMEND {
            (definition.asking.kind, definition.asking.touchpoint) = (Kind::Touchpoint, Some("delivery".to_owned()));
        }
        create(&mut tx, workspace, (key, name), &definition, author).await?;
        act(&mut tx, workspace, key, Act::Open, 1, author).await?;
    }
    tx.commit().await?;
    installation.surveys.forget(workspace);
    Ok(())
}

/// Somebody who could have been asked.
struct Occasion<'a> {
    at: Timestamp,
    survey: &'static str,
    wave: i64,
    who: &'a Asked,
    key: String,
    agent: Option<String>,
    /// What happened to them that the answers show.
    luck: f64,
}

/// Asks them, and lets them answer. What they answered is in the outbox then, and is to be told.
///
/// # Errors
/// The store's.
pub async fn run(installation: &Installation, workspace: WorkspaceId, asked: &[Asked], by: &str) -> Result<()> {
    let now = installation.clock.now();
    let mut occasions = occasions(asked, now);
    occasions.sort_by(|a, b| (a.at, &a.who.user_id, &a.key).cmp(&(b.at, &b.who.user_id, &b.key)));
    let names: Vec<String> = asked.iter().map(|it| it.user_id.clone()).collect();
    let mut people: HashMap<String, (Handle, PersonId)> = HashMap::new();
    for slice in names.chunks(SLICE) {
        let mut db = installation.store.read();
        let rows = identifiers::by_values(&mut db, workspace, IdentifierKind::UserId, slice).await?;
        people.extend(rows.into_iter().map(|row| (row.value, (row.handle, row.person))));
    }
    let mut past = Past { last: BTreeMap::new(), settings: Settings::default() };
    for wave in [1, 2] {
        let mut known = installation.surveys.get(&mut installation.store.read(), workspace).await?;
        if wave == 2 {
            let author = Author { by, at: now.plus(-ROUNDS[3].1 * Timestamp::DAY) };
            let mut tx = installation.store.begin(Priority::Background).await?;
            act(&mut tx, workspace, ROUNDS[3].0, Act::Wave, 2, author).await?;
            tx.commit().await?;
            installation.surveys.forget(workspace);
            known = installation.surveys.get(&mut installation.store.read(), workspace).await?;
        }
        let of_wave: Vec<&Occasion<'_>> = occasions.iter().filter(|it| it.wave == wave).collect();
        for slice in of_wave.chunks(SLICE) {
            let mut tx = installation.store.begin(Priority::Background).await?;
            for occasion in slice {
                let Some(who) = people.get(&occasion.who.user_id) else { continue };
                ask(installation, &mut tx, workspace, (&known, &mut past), occasion, *who).await?;
            }
            tx.commit().await?;
        }
    }
    ask_by_itself(installation, workspace, Author { by, at: now }).await
}

/// From now on the shop asks by itself: what its customers' events tell of the past was asked about.
async fn ask_by_itself(installation: &Installation, workspace: WorkspaceId, author: Author<'_>) -> Result<()> {
    let known = installation.surveys.get(&mut installation.store.read(), workspace).await?;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    for (key, event, property, after) in EVENTS {
        let Some(survey) = known.get(key) else { continue };
        let mut definition = survey.definition.clone();
        let trigger = json!({"event": {"name": event, "key": property, "after": after}});
        definition.asking.when = Some(serde_json::from_value(trigger)?);
        definition.asking.remind_after_days = Some(REMINDED_AFTER);
        let name = (survey.row.name.as_str(), None);
        let saved = save(&mut tx, workspace, key, name, &definition, survey.row.revision, author).await?;
        act(&mut tx, workspace, key, Act::Publish, saved.revision, author).await?;
    }
    tx.commit().await?;
    installation.surveys.forget(workspace);
    Ok(())
}

/// Everybody who could have been asked, each time.
fn occasions(asked: &[Asked], now: Timestamp) -> Vec<Occasion<'_>> {
    let mut all = Vec::new();
    for who in asked {
        let mut add = |survey, at: Timestamp, key: &str, agent: Option<&String>, luck| {
            if at < now {
                all.push(Occasion { at, survey, wave: 1, who, key: key.to_owned(), agent: agent.cloned(), luck });
            }
        };
        for (order, at, is_late) in &who.deliveries {
            add("delivery", at.plus(2 * Timestamp::DAY), order, None, if *is_late { -1.6 } else { 0.2 });
        }
        for (ticket, opened, solved, agent) in &who.tickets {
            let Some(solved) = solved else { continue };
            let hours = (solved.0 - opened.0) as f64 / Timestamp::HOUR as f64;
            add("support", solved.plus(Timestamp::DAY), ticket, Some(agent), 0.6 - hours / 40.0);
        }
        for at in &who.left_at {
            add("leaving", at.plus(Timestamp::MINUTE), "", None, -1.0);
        }
    }
    for (place, (survey, ago, most, days)) in ROUNDS.into_iter().enumerate() {
        let began = now.plus(-ago * Timestamp::DAY);
        let mut drawn: Vec<(u64, &Asked)> =
            asked.iter().map(|it| (Chance::of(&format!("{survey}/{place}/{}", it.user_id)).next(), it)).collect();
        drawn.sort_unstable_by_key(|it| it.0);
        for (at, (_, who)) in drawn.into_iter().take(most).enumerate() {
            let part = days * Timestamp::DAY * i64::try_from(at).unwrap_or(0) / i64::try_from(most).unwrap_or(1);
            let wave = if place == 3 { 2 } else { 1 };
            all.push(Occasion { at: began.plus(part), survey, wave, who, key: String::new(), agent: None, luck: 0.0 });
        }
    }
    all
}

/// Who was asked last when.
struct Past {
    last: BTreeMap<PersonId, Timestamp>,
    settings: Settings,
}

impl Past {
    /// Why somebody is not asked, if there is a reason.
    fn reason(&self, occasion: &Occasion<'_>, person: PersonId, kind: Kind) -> Option<Suppression> {
        if kind == Kind::Exit {
            return None;
        }
        let quarantine = i64::from(self.settings.quarantine_days) * Timestamp::DAY;
        let was_asked = self.last.get(&person).is_some_and(|at| occasion.at < at.plus(quarantine));
        let reasons =
            [(occasion.who.is_in_trouble(occasion.at), Suppression::Trouble), (was_asked, Suppression::Quarantine)];
        reasons.into_iter().find_map(|(is_so, reason)| is_so.then_some(reason))
    }
}

async fn ask(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    (known, past): (&Known, &mut Past),
    occasion: &Occasion<'_>,
    who: (Handle, PersonId),
) -> Result<()> {
    let Some(survey) = known.get(occasion.survey) else { return Ok(()) };
    let asking = &survey.definition.asking;
    let mut chance =
        Chance::of(&format!("{}/{}/{}/{}", occasion.survey, occasion.wave, occasion.who.user_id, occasion.key));
    let clock = ManualClock::at(occasion.at);
    let id = rapport_domain::Id::new("inv", &clock, &*installation.rng).0;
    let place = (survey.row.survey, survey.row.wave);
    let mut row = InvitationRow::waiting(id, place, asking.kind.as_str(), who, occasion.at);
    row.occasion.clone_from(&occasion.key);
    row.subject = Some(occasion.key.clone()).filter(|it| !it.is_empty());
    row.agent.clone_from(&occasion.agent);
    row.touchpoint.clone_from(&asking.touchpoint);
    (row.due_at, row.decided_at) = (None, Some(occasion.at));
    if !is_sampled(survey.row.survey, survey.row.wave, who.1, &survey.definition) {
        SAMPLED_OUT.clone_into(&mut row.state);
    } else if let Some(reason) = past.reason(occasion, who.1, asking.kind) {
        SUPPRESSED.clone_into(&mut row.state);
        row.reason = Some(reason.as_str().to_owned());
    } else {
        past.last.insert(who.1, occasion.at);
        INVITED.clone_into(&mut row.state);
        row.invited_at = Some(occasion.at);
        row.version = Some(survey.version);
        row.channel = Some(if chance.happens(0.85) { "email" } else { "sms" }.to_owned());
        row.expires_at = Some(occasion.at.plus(i64::from(asking.valid_days) * Timestamp::DAY));
        row.remind_at = Some(occasion.at.plus(i64::from(REMINDED_AFTER) * Timestamp::DAY));
    }
    invitations::insert(tx, workspace, std::slice::from_ref(&row)).await?;
    if row.invited_at.is_some() {
        respond(installation, tx, workspace, survey, occasion, (&row, &mut chance)).await?;
    }
    Ok(())
}

/// What they do with an invitation: some never get it, most look at it, some answer at once, some when they are reminded.
async fn respond(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    survey: &Published,
    occasion: &Occasion<'_>,
    (row, chance): (&InvitationRow, &mut Chance),
) -> Result<()> {
    let now = installation.clock.now();
    if chance.happens(0.02) {
        invitations::lose(tx, workspace, &row.id, "bounced").await?;
        return Ok(());
    }
    invitations::deliver(tx, workspace, &row.id, occasion.at.plus(Timestamp::MINUTE)).await?;
    let mood = occasion.who.mood(chance);
    // Who is pleased or cross has more to say than who is neither.
    let willing = (0.24 + 0.07 * mood.abs()).min(0.5);
    let later = |chance: &mut Chance| (chance.exponential() * 14.0 * Timestamp::HOUR as f64) as i64 + Timestamp::MINUTE;
    let mut answered_at = chance.happens(willing).then(|| occasion.at.plus(later(chance)));
    let reminded_at = occasion.at.plus(i64::from(REMINDED_AFTER) * Timestamp::DAY);
    if answered_at.is_none_or(|at| at > reminded_at) && reminded_at < now {
        invitations::remind(tx, workspace, &row.id, Some(reminded_at)).await?;
        let is_won = answered_at.is_none() && chance.happens(0.4 * willing);
        answered_at = answered_at.or_else(|| is_won.then(|| reminded_at.plus(later(chance))));
    }
    let answered_at = answered_at.filter(|at| *at < now && row.expires_at.is_some_and(|end| *at < end));
    let opened_at = answered_at.or_else(|| chance.happens(0.35).then(|| occasion.at.plus(later(chance))));
    if let Some(at) = opened_at.filter(|at| *at < now) {
        invitations::open(tx, workspace, &row.id, at).await?;
    }
    match answered_at {
        Some(at) => answer(installation, tx, workspace, survey, (occasion, mood), (row, chance), at).await,
        None => Ok(()),
    }
}

async fn answer(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    survey: &Published,
    (occasion, mood): (&Occasion<'_>, f64),
    (row, chance): (&InvitationRow, &mut Chance),
    at: Timestamp,
) -> Result<()> {
    let definition = &survey.definition;
    let language = &occasion.who.language;
    let has = |tag: &str| definition.languages().iter().any(|it| it.as_str() == tag);
    let read_in = if has(language) { language.as_str() } else { definition.default_language.as_str() };
    let given = answers::of(definition, (mood, occasion.luck), language, chance);
    let beginning = Beginning {
        survey: &survey.row,
        version: survey.version,
        source: Source::Invitation,
        invitation: Some(row),
        origin: None,
        who: None,
        language: read_in,
        about: About::default(),
        at: Some(at),
    };
    let clock = ManualClock::at(at);
    let clock: (&dyn rapport_domain::Clock, &dyn rapport_domain::Rng) = (&clock, &*installation.rng);
    // Some stop in the middle.
    if chance.happens(0.06) && definition.pages.len() > 1 {
        let begun = answering::begin(tx, workspace, &beginning, clock).await?;
        let first = definition.pages.first().map_or(&[][..], |page| page.questions.as_slice());
        let kept = given.into_iter().filter(|(key, _)| first.iter().any(|it| it.key == *key)).collect();
        answering::keep(tx, workspace, &survey.row, definition, &begun, (&kept, 1), at).await?;
        return Ok(());
    }
    answering::take(tx, workspace, definition, &beginning, &given, clock).await?;
    Ok(())
}
