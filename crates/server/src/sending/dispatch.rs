//! Takes messages that are due, hands them over, and notes what came of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use futures::StreamExt;
use rapport_channels::mail;
use rapport_channels::outbound::Client;
use rapport_channels::push::{self as web_push, LARGEST_MESSAGE, PushMessage, Subscription, Urgency};
use rapport_channels::text_messages::TextMessage;
use rapport_channels::{Outcome, Refusal, RefusalKind};
use rapport_domain::{Channel, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::content::message::NoteMessage;
use rapport_engagement::journey::Class;
use rapport_engagement::journey::definition::Step;
use rapport_engagement::plans::Plans;
use rapport_engagement::records::messages::{self, MessageRow, QUEUED, SENDING};
use rapport_engagement::records::subscriptions::{self, SubscriptionRow};
use rapport_engagement::records::{inbox, numbers};
use rapport_engagement::sending::policy::decide_again;
use rapport_engagement::sending::{Ask, Decision, Reason, Settings, policy};
use rapport_engagement::situations;
use rapport_profiles::records::identifiers;
use rapport_store::Priority;
use serde_json::{Value, json};

use super::outcomes::{self, Came};
use super::ways::Ways;
use super::writing::{Desk, Templates, Written};
use crate::installation::Installation;
use crate::visitors::{push, who};

/// So many are taken in one transaction.
const BATCH: i64 = 200;
/// So many are handed over at a time.
const AT_ONCE: usize = 16;
/// Outcomes are noted together, so many at most: what is not noted goes out again after a crash.
const NOTED_TOGETHER: usize = 8;
/// Whoever has taken a message has so long to say what became of it.
const LEASE: i64 = 15 * Timestamp::MINUTE;
/// A mail waits so long for its domain's turn with a place among those that are handed over; whoever has to wait longer gives the place to others.
const SHORT_WAIT: i64 = Timestamp::SECOND / 2;
/// While sending is paused, or not set up, it is looked at again so often.
const PAUSED: i64 = Timestamp::MINUTE;

/// So many browsers of a person get a notification: those that subscribed last.
const BROWSERS: usize = 10;
/// So long a push service keeps a notification for a browser that is away.
const KEPT: std::time::Duration = std::time::Duration::from_secs(86_400);

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
    pace: Pace,
}

/// Which mails go to which domain when.
#[derive(Default)]
struct Pace(Mutex<HashMap<String, Line>>);

/// A domain's mails.
#[derive(Clone, Copy)]
struct Line {
    /// When the next one may be handed over.
    next: Timestamp,
    /// When the next one that has to wait comes back.
    back: Timestamp,
}

/// When a mail may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Then: nobody else has this turn.
    Soon(Timestamp),
    /// It comes back then and asks again.
    Later(Timestamp),
}

impl Pace {
    /// When the next mail may go to a domain. Only who goes takes a turn: were turns kept for those who come back, they would find later ones taken,
    /// and nobody would ever go.
    fn turn(&self, domain: &str, most_per_second: u32, now: Timestamp) -> Turn {
        let apart = Timestamp::SECOND / i64::from(most_per_second.max(1));
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() > 10_000 {
            lines.retain(|_, line| line.next.max(line.back) > now);
        }
        let line = lines.entry(domain.to_owned()).or_insert(Line { next: now, back: now });
        let turn = line.next.max(now);
        if turn.0 - now.0 <= SHORT_WAIT {
            line.next = turn.plus(apart);
            return Turn::Soon(turn);
        }
        let back = line.back.max(turn);
        line.back = back.plus(apart);
        Turn::Later(back)
    }
}

/// A message that was taken.
struct Taken {
    workspace: WorkspaceId,
    settings: Arc<Settings>,
    row: MessageRow,
    is_again: bool,
}

impl Sender {
    /// Sends by these ways.
    pub fn new(installation: Arc<Installation>, ways: Arc<Ways>, client: Client, public_url: String) -> Self {
        Self { installation, ways, client, templates: Templates::default(), public_url, pace: Pace::default() }
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
        Ok(())
    }

    /// Sends some of what is due; whether anything was.
    ///
    /// # Errors
    /// The store's; what was handed over before is noted.
    pub async fn send_due(&self) -> Result<bool> {
        let now = self.installation.clock.now();
        let due = messages::due(&mut self.installation.store.read(), now, BATCH).await?;
        if due.is_empty() {
            return Ok(false);
        }
        let mut of_each: BTreeMap<WorkspaceId, Vec<String>> = BTreeMap::new();
        for (workspace, id) in due {
            of_each.entry(workspace).or_default().push(id);
        }
        for (workspace, ids) in of_each {
            let taken = self.take(workspace, &ids, now).await?;
            let sending = futures::stream::iter(taken).map(|taken| self.hand_over(taken)).buffer_unordered(AT_ONCE);
            let mut together = std::pin::pin!(sending.ready_chunks(NOTED_TOGETHER));
            while let Some(came) = together.next().await {
                let came: Vec<Came> = came.into_iter().collect::<Result<_>>()?;
                outcomes::note(&self.installation, workspace, &came).await?;
            }
        }
        Ok(true)
    }

    /// Asks again what may have changed, and takes what still goes out.
    async fn take(&self, workspace: WorkspaceId, ids: &[String], now: Timestamp) -> Result<Vec<Taken>> {
        let installation = &self.installation;
        let plans = installation.plans.get(installation, workspace).await?;
        let settings = Arc::new(plans.settings.clone());
        let mut tx = installation.store.begin(Priority::Background).await?;
        let rows = messages::by_ids(&mut tx, workspace, ids).await?;
        let persons: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
        let people = situations::load(&mut tx, workspace, &plans, &persons, now).await?;
        let domain = settings.from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let mut taken = Vec::new();
        for mut row in rows {
            let is_again = row.state == SENDING;
            if row.due_at.is_none_or(|due| due > now) || (row.state != QUEUED && !is_again) {
                continue;
            }
            let verdict = match (Channel::parse(&row.channel), people.get(&row.person)) {
                // What may be on its way already is judged by what forbids it only: quiet hours and caps let it through before.
                (Some(channel), Some(person)) if is_again => {
                    policy::forbidden(&ask(&plans, &row, channel), person, &settings, now)
                        .map_or(Decision::Send, Decision::Skip)
                }
                (Some(channel), Some(person)) => decide_again(&ask(&plans, &row, channel), person, &settings, now),
                _ => Decision::Skip(Reason::Gone),
            };
            match verdict {
                Decision::Send if settings.paused || !self.can_send(&row) => {
                    messages::wait(&mut tx, &row.id, now.plus(PAUSED)).await?;
                }
                Decision::Send => {
                    let message_id = mail::message_id(&row.id, domain);
                    if messages::take(&mut tx, &row.id, &row.state, &message_id, now.plus(LEASE)).await? {
                        row.message_id.get_or_insert(message_id);
                        row.attempts += 1;
                        taken.push(Taken { workspace, settings: Arc::clone(&settings), row, is_again });
                    }
                }
                Decision::Hold(until) => messages::wait(&mut tx, &row.id, until).await?,
                Decision::Skip(reason) if is_again => outcomes::leave(&mut tx, &row, reason).await?,
                Decision::Skip(reason) => outcomes::skip(&mut tx, &row, reason, None).await?,
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

    /// Writes a message and hands it over.
    async fn hand_over(&self, taken: Taken) -> Result<Came> {
        let Taken { workspace, settings, row, is_again } = taken;
        let (outcome, version) = match self.desk().write(workspace, &settings, &row).await? {
            Written::Not(reason, detail) => return Ok(Came::NotWritten { row: Box::new(row), reason, detail }),
            Written::NotYet(problem) => (Outcome::Refused(Refusal::new(RefusalKind::Sender, problem)), None),
            Written::Note(note, version) if row.channel == Channel::Push.as_str() => {
                match self.push(workspace, &settings, &row, &note).await? {
                    Some(outcome) => (outcome, Some(version)),
                    None => {
                        let (reason, detail) = (Reason::Unreachable, String::new());
                        return Ok(Came::NotWritten { row: Box::new(row), reason, detail });
                    }
                }
            }
            Written::Note(note, version) => {
                let (installation, id, person) = (Arc::clone(&self.installation), row.id.clone(), row.person);
                let content = shown(&note);
                apart(async move {
                    let now = installation.clock.now();
                    let mut tx = installation.store.begin(Priority::Background).await?;
                    inbox::put(&mut tx, workspace, &id, person, &content, now).await?;
                    Ok(tx.commit().await?)
                })
                .await?;
                (Outcome::Accepted { id: None, response: String::new() }, Some(version))
            }
            Written::Text(text, version) => {
                let now = self.installation.clock.now();
                // No domain has a space.
                match self.pace.turn("text messages", self.ways.texts_per_second(), now) {
                    Turn::Later(at) => return Ok(Came::Later { row: Box::new(row), at, is_again }),
                    Turn::Soon(at) => sleep_until(at, now).await,
                }
                (self.say(workspace, &row, &text).await?, Some(version))
            }
            Written::Mail(mail, version) => {
                let domain = mail.recipient.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
                let now = self.installation.clock.now();
                match self.pace.turn(&domain, settings.most_per_domain_and_second, now) {
                    Turn::Later(at) => return Ok(Came::Later { row: Box::new(row), at, is_again }),
                    Turn::Soon(at) => sleep_until(at, now).await,
                }
                let outcome = match self.ways.smtp() {
                    Some(smtp) => smtp.send(&mail).await,
                    None => Outcome::Refused(Refusal::new(RefusalKind::Sender, "no mail server is set up")),
                };
                (outcome, Some(version))
            }
        };
        Ok(Came::Back { row: Box::new(row), outcome, version, is_again })
    }

    /// Hands a text message over. Whose its number is, is noted first: a STOP may come before the provider's answer.
    async fn say(&self, workspace: WorkspaceId, row: &MessageRow, text: &TextMessage) -> Result<Outcome> {
        let Some(provider) = self.ways.texts(text.channel) else {
            return Ok(Outcome::Refused(Refusal::new(RefusalKind::Sender, "no provider of text messages is set up")));
        };
        if let Some(handle) = row.handle {
            let (installation, to) = (Arc::clone(&self.installation), text.to.clone());
            apart(async move {
                let mut tx = installation.store.begin(Priority::Background).await?;
                numbers::note(&mut tx, workspace, &to, handle).await?;
                Ok(tx.commit().await?)
            })
            .await?;
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
                    let installation = Arc::clone(installation);
                    apart(async move {
                        let mut tx = installation.store.begin(Priority::Background).await?;
                        subscriptions::delete(&mut tx, workspace, &id).await?;
                        Ok(tx.commit().await?)
                    })
                    .await?;
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

/// Writes beside what is being handed over. Outcomes are noted while messages that are under way are not polled, so none of these may hold the writer.
async fn apart(work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    tokio::spawn(work).await?
}

async fn sleep_until(turn: Timestamp, now: Timestamp) {
    tokio::time::sleep(std::time::Duration::from_micros((turn.0 - now.0).max(0).unsigned_abs())).await;
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
        class: if row.class == Class::Transactional.as_str() { Class::Transactional } else { Class::Marketing },
        priority: one.map_or(0, |one| one.definition.priority),
        quiet: one.and_then(|one| one.definition.quiet.as_ref()),
        // Of its name, so that not everything goes out in the second in which quiet hours end.
        chance: row.id.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))),
        since: row.decided_at,
        drop_after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_gets_so_many_a_second() {
        let pace = Pace::default();
        let now = Timestamp::from_seconds(100);
        let at = |millis: i64| now.plus(millis * 1_000);
        let turns: Vec<Turn> = (0..6).map(|_| pace.turn("example.com", 4, now)).collect();
        let later = |millis| Turn::Later(at(millis));
        assert_eq!(
            turns,
            [Turn::Soon(now), Turn::Soon(at(250)), Turn::Soon(at(500)), later(750), later(1_000), later(1_250)]
        );
        assert_eq!(pace.turn("example.org", 4, now), Turn::Soon(now));
        assert_eq!(pace.turn("example.com", 4, at(750)), Turn::Soon(at(750)));
        assert_eq!(pace.turn("example.com", 4, at(9_000)), Turn::Soon(at(9_000)));
    }

    #[test]
    fn however_many_wait_for_a_domain_they_go_at_its_pace() {
        let pace = Pace::default();
        let begin = Timestamp::from_seconds(100);
        let (most, rate) = (2_000, 20);
        // As the queue does: those due first, 200 at a time, and whoever waits comes back when it was told to.
        let mut queue: Vec<Timestamp> = vec![begin; most];
        let (mut now, mut gone, mut asked) = (begin, Vec::new(), 0);
        while !queue.is_empty() {
            queue.sort_unstable();
            let due = queue.iter().take(200).take_while(|at| **at <= now).count();
            let mut end = now.plus(Timestamp::SECOND / 10);
            for _ in queue.drain(..due).collect::<Vec<_>>() {
                asked += 1;
                match pace.turn("example.com", rate, now) {
                    Turn::Soon(at) => {
                        gone.push(at);
                        end = end.max(at);
                    }
                    Turn::Later(at) => queue.push(at),
                }
            }
            now = end;
            assert!(now.0 - begin.0 < 200 * Timestamp::SECOND, "only {} went in {asked} looks", gone.len());
        }
        assert_eq!(gone.len(), most);
        assert!(gone.windows(2).all(|pair| pair[1].0 - pair[0].0 >= Timestamp::SECOND / 20), "too fast");
        let took = (now.0 - begin.0) / Timestamp::SECOND;
        assert!((99..=125).contains(&took), "{took} s for {most} at {rate} a second");
        assert!(asked < 8 * most, "{asked} looks");
    }
}
