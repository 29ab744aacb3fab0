//! What the sample shop's live journeys did before today, as its customers tell of it: who came in, where they are, why some were not written to.
//!
//! Always holds: it is what the plans would have done with what is known of these customers: who agreed when, who began to pay, who ordered; chance says only
//! who opened and clicked, the same each time. Nothing is sent by it, and whoever is under way goes on by the plan.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use rapport_domain::{Calendar, Channel, Handle, Id, IdentifierKind, PersonId, Timestamp, WeekStart, WorkspaceId};
use rapport_engagement::journey::rules::place;
use rapport_engagement::journey::{Class, End};
use rapport_engagement::records::inbox;
use rapport_engagement::records::instances::{self, InstanceRow, Left};
use rapport_engagement::records::journeys;
use rapport_engagement::records::messages::{self, Heard, MessageRow, Outcome};
use rapport_engagement::sending::Reason;
use rapport_profiles::records::identifiers;
use rapport_sample::{Message, SampleShop};
use rapport_store::{Json, Tx};
use serde_json::{Value, json};

use crate::installation::Installation;

/// The journeys began so many days ago.
pub const DAYS: i64 = 45;
/// The journey and the template of the word about an order.
pub const ORDER_NEWS: &str = "order-news";
/// Its title, text and button.
pub const ORDER_NOTE: [&str; 3] =
    ["Thank you for your order", "We pack it now. It will be with you in two or three days.", "See the order"];
/// Orders so old have no word in the inbox any more.
const INBOX_DAYS: i64 = 14;
/// People who are written at once.
const SLICE: usize = 500;

/// What a customer did that the journeys ask for.
#[derive(Clone, Debug, Default)]
pub struct Lived {
    user_id: String,
    /// Whether they agreed to mails, each time they said so.
    consents: Vec<(Timestamp, bool)>,
    checkouts: Vec<(Timestamp, Value)>,
    orders: Vec<Timestamp>,
}

impl Lived {
    /// Reads it from a customer's messages; `None` for whoever never had a number.
    pub fn of(messages: &[Message], since: Timestamp) -> Option<Self> {
        let mut found = Self::default();
        for message in messages {
            let Some(event) = message.event else { continue };
            if let Some(user) = &message.user_id {
                found.user_id.clone_from(user);
            }
            let at = message.timestamp;
            let says = |field: &str, value: &str| message.properties.get(field).is_some_and(|it| it == value);
            match event {
                "Consent Granted" | "Consent Denied" if says("channel", "email") => {
                    found.consents.push((at, event == "Consent Granted"));
                }
                "Checkout Started" if at >= since => {
                    found.checkouts.push((at, Value::Object(message.properties.clone())));
                }
                "Order Completed" if at >= since => found.orders.push(at),
                _ => {}
            }
        }
        let is_told = !found.checkouts.is_empty() || found.consents.iter().any(|(at, _)| *at >= since);
        (is_told && !found.user_id.is_empty()).then_some(found)
    }

    /// Their number at the shop.
    pub(super) fn user_id(&self) -> &str {
        &self.user_id
    }

    fn agrees(&self, at: Timestamp) -> Option<bool> {
        self.consents.iter().rfind(|(said, _)| *said <= at).map(|(_, granted)| *granted)
    }

    fn ordered(&self, from: Timestamp, until: Timestamp) -> Option<Timestamp> {
        self.orders.iter().copied().find(|at| *at > from && *at <= until)
    }
}

/// Somebody on the way through a plan.
struct Walk<'a> {
    lived: &'a Lived,
    row: InstanceRow,
    now: Timestamp,
    messages: Vec<MessageRow>,
}

/// Whether the walk goes on.
type Walked = Option<()>;

impl Walk<'_> {
    /// A lot of the person, 0 to 100, the same each time.
    fn lot(&self, what: &str) -> f64 {
        place(&format!("sample/{what}/{}", self.row.id), self.row.person)
    }

    fn arrive(&mut self, node: &str, at: Timestamp) {
        self.row.node = Some(node.to_owned());
        self.row.arrived_at = at;
        *self.row.visits.0.entry(node.to_owned()).or_default() += 1;
    }

    fn leave(&mut self, way: &str, at: Timestamp) {
        let node = self.row.node.take().unwrap_or_default();
        self.row.trail.0.push(Left { node, at: at.0, way: way.to_owned() });
    }

    fn end(&mut self, why: End, at: Timestamp) {
        self.row.node = None;
        self.row.goal_at = (why == End::Goal).then_some(at);
        (self.row.ended_at, self.row.ended_why) = (Some(at), Some(why.word()));
    }

    /// Waits; who orders meanwhile has reached the goal. `None` when the walk is over, or goes on after now.
    fn wait(&mut self, node: &str, from: Timestamp, until: Timestamp, way: &str) -> Walked {
        self.arrive(node, from);
        if let Some(at) = self.lived.ordered(from, until.min(self.now)) {
            self.end(End::Goal, at);
            return None;
        }
        if until > self.now {
            self.row.wake_at = Some(until);
            return None;
        }
        self.leave(way, until);
        Some(())
    }

    /// Writes, or says why not.
    fn write(&mut self, node: &str, template: &str, at: Timestamp, ids: &Installation) {
        self.arrive(node, at);
        let reason = match self.lived.agrees(at) {
            Some(true) => None,
            Some(false) => Some(Reason::ConsentDenied),
            None => Some(Reason::NoConsent),
        };
        let sent = reason.is_none();
        let after = |name: &str, most: f64| Some(at.plus(self.seconds(name, most))).filter(|it| *it <= self.now);
        let bounced = sent && self.lot("bounce") < 1.5;
        let delivered_at = after("arrives", 60.0).filter(|_| sent && !bounced);
        let opened_at = delivered_at.and_then(|_| after("opens", 60_000.0)).filter(|_| self.lot("open") < 44.0);
        let clicked_at = opened_at.and_then(|it| Some(it.plus(20 * Timestamp::SECOND)).filter(|it| *it <= self.now));
        let clicked_at = clicked_at.filter(|_| self.lot("click") < 31.0);
        let id = Id::new("msg", &*ids.clock, &*ids.rng).0;
        self.messages.push(MessageRow {
            handle: self.row.handle,
            journey: Some(self.row.journey.clone()),
            version: self.row.version,
            instance: Some(self.row.id.clone()),
            node: node.to_owned(),
            template: template.to_owned(),
            template_version: sent.then_some(1),
            state: if sent { messages::SENDING } else { messages::SKIPPED }.to_owned(),
            reason: reason.map(|it| it.as_str().to_owned()),
            capped: sent,
            due_at: None,
            attempts: i64::from(sent),
            response: bounced.then(|| "550 5.1.1 No such user".to_owned()),
            sent_at: Some(at).filter(|_| sent),
            delivered_at,
            bounced_at: Some(at.plus(2 * Timestamp::SECOND)).filter(|_| bounced),
            opened_at,
            clicked_at,
            ..MessageRow::queued(id, self.row.person, Channel::Email, Class::Marketing, at)
        });
        self.leave(if sent { "sent" } else { "skipped" }, at);
    }

    /// Finds a word about an order in the inbox; nobody has to agree to that.
    fn order_news(&mut self, ids: &Installation) {
        let at = self.row.entered_at;
        self.arrive("note", at);
        let seen_at = Some(at.plus(self.seconds("sees", 90_000.0))).filter(|it| *it <= self.now);
        let opened_at = seen_at.filter(|_| self.lot("see") < 72.0);
        let clicked_at = opened_at.map(|it| it.plus(8 * Timestamp::SECOND)).filter(|it| *it <= self.now);
        let id = Id::new("msg", &*ids.clock, &*ids.rng).0;
        self.messages.push(MessageRow {
            handle: self.row.handle,
            journey: Some(self.row.journey.clone()),
            version: self.row.version,
            instance: Some(self.row.id.clone()),
            node: "note".to_owned(),
            template: ORDER_NEWS.to_owned(),
            template_version: Some(1),
            state: messages::SENDING.to_owned(),
            due_at: None,
            attempts: 1,
            sent_at: Some(at),
            opened_at,
            clicked_at: clicked_at.filter(|_| self.lot("click") < 38.0),
            ..MessageRow::queued(id, self.row.person, Channel::InApp, Class::Transactional, at)
        });
        self.leave("sent", at);
        self.end(End::Completed, at);
    }

    /// Some seconds of chance, in microseconds.
    fn seconds(&self, name: &str, most: f64) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "at most a day in seconds")]
        let seconds = 1 + (self.lot(name) / 100.0 * most) as i64;
        seconds * Timestamp::SECOND
    }

    fn welcome(&mut self, ids: &Installation) -> Walked {
        let entered = self.row.entered_at;
        self.write("welcome", "welcome", entered, ids);
        let again = in_the_morning(entered, 3);
        self.wait("three_days", entered, again, "waited")?;
        self.write("again", "welcome", again, ids);
        self.end(End::Completed, again);
        None
    }

    fn abandoned_cart(&mut self, ids: &Installation) -> Walked {
        let entered = self.row.entered_at;
        let hour = entered.plus(Timestamp::HOUR);
        self.wait("an_hour", entered, hour, "timed_out")?;
        self.write("reminder", "abandoned-cart", hour, ids);
        let day = hour.plus(Timestamp::DAY);
        self.wait("a_day", hour, day, "timed_out")?;
        self.write("last_call", "abandoned-cart", day, ids);
        self.end(End::Completed, day);
        None
    }
}

/// At ten o'clock of the shop, so many days later.
fn in_the_morning(at: Timestamp, days: u8) -> Timestamp {
    let later = at.plus(i64::from(days) * Timestamp::DAY);
    let Some(calendar) = Calendar::new(SampleShop::ZONE, WeekStart::Monday) else { return later };
    let date = later.to_jiff().to_zoned(calendar.zone.clone()).date();
    date.at(10, 0, 0, 0).to_zoned(calendar.zone).map_or(later, |it| it.timestamp().into())
}

/// Writes what the journeys of these keys did since `since`.
///
/// # Errors
/// The store's.
pub async fn save(
    tx: &mut Tx,
    installation: &Installation,
    workspace: WorkspaceId,
    all: &[Lived],
    since: Timestamp,
) -> Result<()> {
    let names: Vec<String> = all.iter().map(|it| it.user_id.clone()).collect();
    let mut known: HashMap<String, (PersonId, Handle)> = HashMap::new();
    for slice in names.chunks(SLICE) {
        let rows = identifiers::by_values(tx, workspace, IdentifierKind::UserId, slice).await?;
        known.extend(rows.into_iter().map(|row| (row.value.clone(), (row.person, row.handle))));
    }
    let now = installation.clock.now();
    let mut walks = Vec::new();
    for lived in all {
        let Some(who) = known.get(&lived.user_id).copied() else { continue };
        walks.extend(welcomed(installation, lived, who, since, now));
        walks.extend(reminded(installation, lived, who, now));
        walks.extend(told_of_orders(installation, lived, who, now));
    }
    count(tx, workspace, &walks).await?;
    for slice in walks.chunks(SLICE) {
        let rows: Vec<InstanceRow> = slice.iter().map(|walk| walk.row.clone()).collect();
        instances::insert(tx, workspace, &rows).await?;
        let written: Vec<MessageRow> = slice.iter().flat_map(|walk| walk.messages.clone()).collect();
        messages::insert(tx, workspace, &written).await?;
        for row in written.iter().filter(|row| row.sent_at.is_some()) {
            tell(tx, row).await?;
            if row.channel == Channel::InApp.as_str() {
                inbox::put(tx, workspace, &row.id, row.person, &order_note(), row.decided_at).await?;
            }
        }
    }
    Ok(())
}

/// Notes what became of a message, as it is noted of any.
async fn tell(tx: &mut Tx, row: &MessageRow) -> Result<()> {
    let sent = Outcome {
        state: messages::SENT,
        reason: None,
        due_at: None,
        response: row.response.as_deref(),
        provider_id: None,
        sent_at: row.sent_at,
        template_version: row.template_version,
    };
    messages::note(tx, &row.id, &sent).await?;
    let heard = [
        (Heard::Delivered, row.delivered_at),
        (Heard::Bounced, row.bounced_at),
        (Heard::Opened, row.opened_at),
        (Heard::Clicked, row.clicked_at),
    ];
    for (what, at) in heard {
        if let Some(at) = at {
            messages::hear(tx, &row.id, what, at).await?;
        }
    }
    Ok(())
}

fn walk<'a>(
    installation: &Installation,
    lived: &'a Lived,
    (person, handle): (PersonId, Handle),
    (journey, at, payload): (&str, Timestamp, Value),
    now: Timestamp,
) -> Walk<'a> {
    let row = InstanceRow {
        id: Id::new("ins", &*installation.clock, &*installation.rng).0,
        journey: journey.to_owned(),
        version: 1,
        person,
        handle: Some(handle),
        entry_key: String::new(),
        entered_at: at,
        node: None,
        arrived_at: at,
        visits: Json(BTreeMap::new()),
        heard: Json(BTreeMap::new()),
        trail: Json(Vec::new()),
        payload,
        log_position: 0,
        wake_at: None,
        goal_at: None,
        ended_at: None,
        ended_why: None,
    };
    Walk { lived, row, now, messages: Vec::new() }
}

/// Whoever agreed to mails since then was greeted.
fn welcomed<'a>(
    installation: &Installation,
    lived: &'a Lived,
    who: (PersonId, Handle),
    since: Timestamp,
    now: Timestamp,
) -> Option<Walk<'a>> {
    let (at, _) = *lived.consents.iter().find(|(at, granted)| *granted && *at >= since)?;
    let mut walk = walk(installation, lived, who, ("welcome", at, json!({})), now);
    walk.welcome(installation);
    Some(walk)
}

/// Whoever began to pay was reminded of it, at most once a week.
fn reminded<'a>(
    installation: &Installation,
    lived: &'a Lived,
    who: (PersonId, Handle),
    now: Timestamp,
) -> Vec<Walk<'a>> {
    let mut walks: Vec<Walk<'a>> = Vec::new();
    for (at, properties) in &lived.checkouts {
        let free_from =
            walks.last().map(|last| last.row.ended_at.map_or(Timestamp(i64::MAX), |it| it.plus(7 * Timestamp::DAY)));
        if free_from.is_some_and(|free_from| *at < free_from) {
            continue;
        }
        let payload = json!({"name": "Checkout Started", "occurred_at": at.to_rfc3339(), "properties": properties});
        let mut walk = walk(installation, lived, who, ("abandoned-cart", *at, payload), now);
        walk.abandoned_cart(installation);
        walks.push(walk);
    }
    walks
}

/// Whoever ordered lately finds a word about it in the inbox.
fn told_of_orders<'a>(
    installation: &Installation,
    lived: &'a Lived,
    who: (PersonId, Handle),
    now: Timestamp,
) -> Vec<Walk<'a>> {
    let lately = lived.orders.iter().filter(|at| now.0 - at.0 < INBOX_DAYS * Timestamp::DAY);
    let told = lately.map(|at| {
        let mut walk = walk(installation, lived, who, (ORDER_NEWS, *at, json!({})), now);
        walk.row.entry_key = format!("order at {}", at.0);
        walk.order_news(installation);
        walk
    });
    told.collect()
}

/// What the inbox shows of it: as [`crate::messages::sample`] writes it.
fn order_note() -> Value {
    let [title, body, label] = ORDER_NOTE;
    json!({"language": "en", "title": title, "body": body, "url": "https://shop.example/orders", "image_url": null, "label": label})
}

/// The flows of each node and day, as the journeys would have counted them.
async fn count(tx: &mut Tx, workspace: WorkspaceId, walks: &[Walk<'_>]) -> Result<()> {
    let mut flows: BTreeMap<(String, i64, String, String, i64), i64> = BTreeMap::new();
    for Walk { row, .. } in walks {
        let mut add = |node: &str, way: &str, at: i64| {
            let place = (row.journey.clone(), row.version, node.to_owned(), way.to_owned(), Timestamp(at).utc_day());
            *flows.entry(place).or_default() += 1;
        };
        add("", journeys::CAME, row.entered_at.0);
        for (node, times) in &row.visits.0 {
            (0..*times).for_each(|_| add(node, journeys::CAME, row.entered_at.0));
        }
        for left in &row.trail.0 {
            add(&left.node, &left.way, left.at);
        }
        if let Some(at) = row.goal_at {
            add("", "goal", at.0);
        }
        if let (Some(at), Some(why)) = (row.ended_at, &row.ended_why) {
            add("", &format!("out:{why}"), at.0);
        }
    }
    journeys::add_flows(tx, workspace, flows).await?;
    Ok(())
}
