//! Takes a message, writes it, and hands it over. Which one when is the [pool](super::pool)'s.
//!
//! Always holds: what may have changed since a message was decided is asked again in the transaction that takes it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rapport_channels::mail;
use rapport_channels::outbound::Client;
use rapport_channels::push::{self as web_push, LARGEST_MESSAGE, PushMessage, Subscription, Urgency};
use rapport_channels::text_messages::TextMessage;
use rapport_channels::{Outcome, Refusal, RefusalKind};
use rapport_domain::{Channel, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::content::message::NoteMessage;
use rapport_engagement::journey::definition::Step;
use rapport_engagement::journey::situation::Sent;
use rapport_engagement::journey::{Class, Situation};
use rapport_engagement::lots;
use rapport_engagement::plans::Plans;
use rapport_engagement::records::messages::{self, MessageRow, QUEUED, SENDING};
use rapport_engagement::records::subscriptions::{self, SubscriptionRow};
use rapport_engagement::records::{inbox, journeys, numbers};
use rapport_engagement::sending::{Ask, Decision, Reason, Settings, policy};
use rapport_engagement::service::launching;
use rapport_engagement::situations;
use rapport_profiles::records::identifiers;
use rapport_store::Priority;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::gate;
use super::outcomes::{self, Came};
use super::pool::Pool;
use super::trial::Trial;
use super::ways::Ways;
use super::writing::{Desk, Templates, Written};
use crate::installation::Installation;
use crate::records::workspaces;
use crate::visitors::{push, who};

/// Whoever has taken a message has so long to say what became of it.
const LEASE: i64 = 15 * Timestamp::MINUTE;
/// While sending is paused, or not set up, it is looked at again so often.
const PAUSED: i64 = Timestamp::MINUTE;

/// So many browsers of a person get a notification: those that subscribed last.
const BROWSERS: usize = 10;
/// So long a push service keeps a notification for a browser that is away.
const KEPT: Duration = Duration::from_secs(86_400);

/// Sends messages.
pub struct Sender {
    /// The data.
    pub installation: Arc<Installation>,
    /// The ways out.
    pub ways: Arc<Ways>,
    /// For other people's servers.
    pub client: Client,
    /// Templates that were prepared.
    pub templates: Templates,
    public_url: String,
    pool: tokio::sync::Mutex<Pool>,
}

/// A message that was taken.
pub(super) struct Taken {
    pub(super) workspace: WorkspaceId,
    settings: Arc<Settings>,
    pub(super) row: MessageRow,
    pub(super) is_again: bool,
}

/// A message that was written.
pub(super) struct Ready {
    taken: Taken,
    letter: Letter,
    version: i64,
    per_second: Option<u32>,
}

enum Letter {
    Mail(Box<mail::Prepared>),
    Text(Box<TextMessage>),
    Note(Box<NoteMessage>),
}

impl Ready {
    pub(super) fn id(&self) -> &str {
        &self.taken.row.id
    }

    pub(super) fn is_urgent(&self) -> bool {
        self.taken.row.class == Class::Transactional.as_str()
    }

    /// The domain it goes to; empty where its way out knows none.
    pub(super) fn to(&self) -> String {
        match &self.letter {
            Letter::Mail(mail) => mail.recipient.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase(),
            Letter::Text(_) | Letter::Note(_) => String::new(),
        }
    }

    /// The time between two that go there.
    pub(super) fn pace(&self) -> Duration {
        self.per_second.map_or(Duration::ZERO, gate::pace)
    }

    /// It gives its place to others, and comes back.
    pub(super) fn later(self, wait: i64) -> (WorkspaceId, Came) {
        let Taken { workspace, row, is_again, .. } = self.taken;
        (workspace, Came::Later { row: Box::new(row), wait, is_again })
    }
}

impl Sender {
    /// Sends by these ways.
    pub fn new(installation: Arc<Installation>, ways: Arc<Ways>, client: Client, public_url: String) -> Self {
        let pool = tokio::sync::Mutex::new(Pool::new(&ways));
        Self { installation, ways, client, templates: Templates::default(), public_url, pool }
    }

    /// Makes due what a process before this one took and did not bring to an end. Called once, before anything is sent: the data folder is this
    /// process's alone, and its database knows no other log, so nobody holds anything.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_over(&self) -> Result<()> {
        let now = self.installation.clock.now();
        let mut tx = self.installation.store.begin(Priority::Background).await?;
        let count = messages::let_go(&mut tx, now).await?;
        tx.commit().await?;
        if count > 0 {
            tracing::info!(count, "messages were being handed over when the program ended; they go out again");
        }
        // A pause, or its end, that the program did not bring to all messages.
        let store = &self.installation.store;
        for workspace in workspaces::ids(&mut store.read()).await? {
            for key in messages::unsettled(&mut store.read(), workspace).await? {
                launching::settle_queue(store, workspace, &key, now).await?;
            }
        }
        Ok(())
    }

    /// Sends what is due until nothing is, or `stop` is set.
    pub async fn send(self: &Arc<Self>, stop: watch::Receiver<bool>) {
        self.pool.lock().await.run(self, stop).await;
    }

    /// Sends what is due now; whether anything was.
    ///
    /// # Errors
    /// The store's; what was handed over before is noted.
    pub async fn send_due(self: &Arc<Self>) -> Result<bool> {
        self.pool.lock().await.work_off(self).await
    }

    /// Whether a workspace sends nothing for now.
    pub(super) async fn is_paused(&self, workspace: WorkspaceId) -> Result<bool> {
        Ok(self.installation.plans.get(&self.installation, workspace).await?.settings.paused)
    }

    /// Asks again what may have changed, and takes what still goes out.
    pub(super) async fn take(&self, workspace: WorkspaceId, ids: &[String], now: Timestamp) -> Result<Vec<Taken>> {
        let installation = &self.installation;
        let plans = installation.plans.get(installation, workspace).await?;
        let settings = Arc::new(plans.settings.clone());
        let mut tx = installation.store.begin(Priority::Background).await?;
        let rows = messages::by_ids(&mut tx, workspace, ids).await?;
        if rows.iter().any(needs_place) {
            // Nobody else decides at the same time, so that two do not take one place.
            journeys::hold(&mut tx, workspace).await?;
        }
        let persons: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
        let mut people = situations::load(&mut tx, workspace, &plans, &persons, now).await?;
        lots::ask_paces(&mut tx, workspace, &plans, &mut people, now).await?;
        let domain = settings.from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let mut taken = Vec::new();
        for mut row in rows {
            let is_again = row.state == SENDING;
            if row.due_at.is_none_or(|due| due > now) || (row.state != QUEUED && !is_again) {
                continue;
            }
            if row.journey.as_ref().is_some_and(|journey| plans.is_paused(journey)) {
                match is_again {
                    true => messages::wait(&mut tx, &row.id, now.plus(PAUSED)).await?,
                    false => messages::hold(&mut tx, &row.id).await?,
                }
                continue;
            }
            let verdict = match (Channel::parse(&row.channel), people.get_mut(&row.person)) {
                (Some(channel), Some(person)) => decide(&plans, &mut row, channel, person, now),
                _ => Decision::Skip(Reason::Gone),
            };
            match verdict {
                Decision::Send if settings.paused || !self.can_send(&row) => {
                    messages::wait(&mut tx, &row.id, now.plus(PAUSED)).await?;
                }
                Decision::Send => {
                    let message_id = mail::message_id(&row.id, domain);
                    if messages::take(&mut tx, &row, &message_id, now.plus(LEASE)).await? {
                        row.message_id.get_or_insert(message_id);
                        row.attempts += 1;
                        taken.push(Taken { workspace, settings: Arc::clone(&settings), row, is_again });
                    }
                }
                Decision::Hold(until) => messages::wait(&mut tx, &row.id, until).await?,
                Decision::Skip(reason) if is_again => {
                    outcomes::leave(&mut tx, workspace, &row, reason.sentence()).await?;
                }
                Decision::Skip(reason) => outcomes::skip(&mut tx, workspace, &row, reason, None).await?,
            }
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// A mail as a page; `None` where there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn page(&self, workspace: WorkspaceId, row: &MessageRow) -> Result<Option<String>> {
        self.desk().page(workspace, row).await
    }

    /// The address people use, without a slash at its end.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Tries templates about a topic out for people.
    pub fn trial<'a>(&'a self, workspace: WorkspaceId, topic: Option<&'a str>) -> Trial<'a> {
        Trial::new(self.desk(), workspace, topic)
    }

    fn desk(&self) -> Desk<'_> {
        Desk {
            installation: &self.installation,
            ways: &self.ways,
            templates: &self.templates,
            public_url: &self.public_url,
        }
    }

    fn can_send(&self, row: &MessageRow) -> bool {
        Channel::parse(&row.channel).is_some_and(|channel| self.ways.can_send(channel))
    }

    /// Writes a message, or says why it cannot be.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn write(&self, taken: Taken) -> Result<Result<Ready, Came>> {
        let Taken { workspace, settings, row, is_again } = &taken;
        let (letter, version) = match self.desk().write(*workspace, settings, row).await? {
            Written::Not(reason, detail) => {
                return Ok(Err(Came::NotWritten { row: Box::new(taken.row), reason, detail }));
            }
            Written::NotYet(problem) => {
                let outcome = Outcome::Refused(Refusal::new(RefusalKind::Sender, problem));
                let is_again = *is_again;
                return Ok(Err(Came::Back { row: Box::new(taken.row), outcome, version: None, is_again }));
            }
            Written::Mail(mail, version) => (Letter::Mail(mail), version),
            Written::Text(text, version) => (Letter::Text(text), version),
            Written::Note(note, version) => (Letter::Note(note), version),
        };
        let per_second = match &letter {
            Letter::Mail(_) => Some(settings.most_per_domain_and_second),
            Letter::Text(_) => Some(self.ways.texts_per_second()),
            Letter::Note(_) => None,
        };
        Ok(Ok(Ready { taken, letter, version, per_second }))
    }

    /// Hands a message over, and says what came of it.
    pub(super) async fn hand_over(&self, ready: Ready) -> (WorkspaceId, Came) {
        let Ready { taken, letter, version, .. } = ready;
        let Taken { workspace, settings, row, is_again } = taken;
        let outcome = match letter {
            Letter::Mail(mail) => match self.ways.smtp() {
                Some(smtp) => Ok(Some(smtp.send(&mail).await)),
                None => Ok(Some(Outcome::Refused(Refusal::new(RefusalKind::Sender, "no mail server is set up")))),
            },
            Letter::Text(text) => self.say(workspace, &row, &text).await.map(Some),
            Letter::Note(note) if row.channel == Channel::Push.as_str() => {
                self.push(workspace, &settings, &row, &note).await
            }
            Letter::Note(note) => self.put(workspace, &row, &note).await.map(Some),
        };
        let row = Box::new(row);
        let came = match outcome {
            Ok(Some(outcome)) => Came::Back { row, outcome, version: Some(version), is_again },
            Ok(None) => Came::NotWritten { row, reason: Reason::Unreachable, detail: String::new() },
            // The store failed in the middle of it.
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "nobody knows whether a message was handed over");
                let outcome = Outcome::Unsure { why: "the database failed while it was handed over".to_owned() };
                Came::Back { row, outcome, version: Some(version), is_again }
            }
        };
        (workspace, came)
    }

    /// Puts a note where the company's own site finds it.
    async fn put(&self, workspace: WorkspaceId, row: &MessageRow, note: &NoteMessage) -> Result<Outcome> {
        let mut tx = self.installation.store.begin(Priority::Background).await?;
        inbox::put(&mut tx, workspace, &row.id, row.person, &shown(note), self.installation.clock.now()).await?;
        tx.commit().await?;
        Ok(Outcome::Accepted { id: None, response: String::new() })
    }

    /// Hands a text message over. Whose its number is, is noted first: a STOP may come before the provider's answer.
    async fn say(&self, workspace: WorkspaceId, row: &MessageRow, text: &TextMessage) -> Result<Outcome> {
        let Some(provider) = self.ways.texts(text.channel) else {
            return Ok(Outcome::Refused(Refusal::new(RefusalKind::Sender, "no provider of text messages is set up")));
        };
        if let Some(handle) = row.handle {
            let mut tx = self.installation.store.begin(Priority::Background).await?;
            numbers::note(&mut tx, workspace, &text.to, handle).await?;
            tx.commit().await?;
        }
        Ok(provider.send(&self.client, text, self.installation.clock.now()).await)
    }
}

impl Sender {
    /// Hands a notification to the browsers of its person; `None` when none of them takes any more. It counts as handed over when one has it: a second
    /// try would show it twice there.
    async fn push(
        &self,
        workspace: WorkspaceId,
        settings: &Settings,
        row: &MessageRow,
        note: &NoteMessage,
    ) -> Result<Option<Outcome>> {
        let installation = &self.installation;
        let mut db = installation.store.read();
        let names = identifiers::by_persons(&mut db, workspace, &[row.person]).await?;
        let handles: Vec<Handle> = names.iter().map(|name| name.handle).collect();
        let is_named = names.iter().any(who::is_name);
        let mut browsers = subscriptions::of_handles(&mut db, workspace, &handles).await?;
        browsers.retain(|browser| browser.is_proven || !is_named);
        browsers.truncate(BROWSERS);
        let key = push::vapid_key(installation, workspace, &self.public_url, &settings.from.address).await?;
        let urgency = if row.class == Class::Transactional.as_str() { Urgency::Normal } else { Urgency::Low };
        let payload = notification(&row.id, note);
        let message = PushMessage { payload, keep: KEPT, urgency, topic: None };
        let mut best: Option<Outcome> = None;
        for browser in browsers {
            let SubscriptionRow { id, endpoint, browser_key, browser_auth, .. } = browser;
            let now = installation.clock.now();
            let outcome = match Subscription::new(&endpoint, &browser_key, &browser_auth) {
                Ok(to) => web_push::send(&self.client, &key, &to, &message, now, &*installation.rng).await,
                Err(_) => Outcome::Refused(Refusal::new(RefusalKind::Recipient, "")),
            };
            match outcome {
                Outcome::Refused(Refusal { kind: RefusalKind::Recipient, .. }) => {
                    let mut tx = installation.store.begin(Priority::Background).await?;
                    subscriptions::delete(&mut tx, workspace, &id).await?;
                    tx.commit().await?;
                }
                // The service's name for it leads to the browser: nobody needs it here.
                Outcome::Accepted { response, .. } => best = Some(Outcome::Accepted { id: None, response }),
                other => best = Some(best.unwrap_or(other)),
            }
        }
        Ok(best)
    }
}

/// What our service worker gets. The text is cut to what a push service carries.
fn notification(id: &str, note: &NoteMessage) -> Vec<u8> {
    let mut body: &str = &note.body;
    loop {
        let payload = json!({"id": id, "title": note.title, "body": body, "url": note.url, "image": note.image_url});
        let payload = payload.to_string().into_bytes();
        if payload.len() <= LARGEST_MESSAGE || body.is_empty() {
            return payload;
        }
        // A letter is at most six bytes of JSON for each of its own.
        let most = body.len().saturating_sub((payload.len() - LARGEST_MESSAGE).div_ceil(6).max(1));
        body = &body[..body.floor_char_boundary(most)];
    }
}

/// What an inbox shows.
fn shown(note: &NoteMessage) -> Value {
    json!({"language": note.language, "title": note.title, "body": note.body, "url": note.url, "image_url": note.image_url, "label": note.label})
}

/// What kind of message it is; the strictest where that is not known.
fn class(row: &MessageRow) -> Class {
    Class::parse(&row.class).unwrap_or_default()
}

/// Whether a message counts for caps and has no place in them: it failed, gave its place to others, and is tried again.
fn needs_place(row: &MessageRow) -> bool {
    let counts = Channel::parse(&row.channel).is_some_and(policy::counts);
    !row.capped && row.state == QUEUED && class(row).is_optional() && counts
}

/// Decides about a message that is due: as [`policy::decide_again`], of one without a place in caps also whether there is one, which it takes then.
fn decide(plans: &Plans, row: &mut MessageRow, channel: Channel, person: &mut Situation, now: Timestamp) -> Decision {
    if row.journey.as_ref().is_some_and(|journey| plans.is_stopped(journey)) {
        return Decision::Skip(Reason::Stopped);
    }
    if !needs_place(row) {
        let ask = ask(plans, row, channel);
        return match row.state.as_str() {
            // What may be on its way already: quiet hours and caps let it through before.
            SENDING => policy::still(&ask, person, &plans.settings, now),
            _ => policy::decide_again(&ask, person, &plans.settings, now),
        };
    }
    let verdict = policy::decide(&ask(plans, row, channel), person, &plans.settings, now);
    if verdict == Decision::Send {
        row.capped = true;
        person.sent.push(Sent { at: now, channel, topic: row.topic.clone() });
    }
    verdict
}

/// What is asked about a message: as its journey asked, where it is of one.
fn ask<'a>(plans: &'a Plans, row: &'a MessageRow, channel: Channel) -> Ask<'a> {
    let one = row.journey.as_ref().and_then(|journey| plans.get(journey, row.version));
    let step = one.and_then(|one| one.definition.node(&row.node)).map(|node| &node.step);
    let drop_after = match step {
        Some(Step::Message { drop_after, .. }) => drop_after.micros(),
        _ => i64::MAX,
    };
    Ask {
        channel,
        topic: row.topic.as_deref(),
        class: class(row),
        priority: one.map_or(0, |one| one.definition.priority),
        quiet: one.and_then(|one| one.definition.quiet.as_ref()),
        // Of its name, so that not everything goes out in the second in which quiet hours end.
        chance: row.id.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))),
        since: row.decided_at,
        drop_after,
    }
}
