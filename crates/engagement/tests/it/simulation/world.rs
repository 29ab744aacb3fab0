//! What happens: people, events, consents and faults by chance; each decision is looked at when it is made.
//!
//! Always holds: what is true of people is kept here beside the database, so that decisions are judged by what is true and not by what was read.

mod provider;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use rapport_domain::{Channel, Handle, PersonId, Purpose, SourceId, Timestamp};
use rapport_engagement::DATA_MAP;
use rapport_engagement::journey::Definition;
use rapport_engagement::records::acts;
use rapport_engagement::records::instances::{self, InstanceRow};
use rapport_engagement::records::journeys;
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_engagement::sending::{Quiet, Settings};
use rapport_engagement::service::entering::{Occasion, enter};
use rapport_engagement::service::{launching, running, scheduling};
use rapport_privacy::consent::State;
use rapport_privacy::records::consents::{self, ConsentRow};
use rapport_privacy::records::restrictions;
use rapport_privacy::{Scope, Statement, Subject, Tables};
use rapport_profiles::records::facts::{self, FactRow};
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_store::testing::TestDatabase;
use rapport_store::{Queries, Sql, args};
use serde_json::{Value, json};

use super::judge;
use super::slow::{self, Slow};
use crate::random::{Dice, EVENTS, SEGMENTS, Ways, plan};
use crate::town::{Town, W, ts};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub people: i64,
    pub steps: usize,
    pub journeys: usize,
}

impl Size {
    /// What runs with all other tests.
    pub const DAILY: Self = Self { people: 300, steps: 100, journeys: 6 };
    /// What runs when it is asked for.
    pub const LONG: Self = Self { people: 2_000, steps: 250, journeys: 10 };
}

/// A mistake of the engine, put in to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// What was sent takes no place in caps.
    ForgetsCaps,
    /// Whoever waits is woken days too late.
    Oversleeps,
    /// Whoever came in and is out is taken for somebody who was too late.
    ForgetsEntries,
    /// What is known of somebody is used though it must not be.
    ForgetsRestrictions,
}

/// A message that was decided.
#[derive(Clone, Debug)]
pub struct Decided {
    pub handle: i64,
    /// When it was handed over; until then it may arrive at any time.
    pub sent_at: Option<Timestamp>,
    pub channel: Channel,
    pub topic: Option<String>,
    /// Whether it takes a place in caps: it is of marketing, and was not left out later.
    pub counts: bool,
}

/// What was erased, which counts still tell of.
#[derive(Default)]
pub struct Erased {
    pub flows: BTreeMap<(String, String), i64>,
    /// Messages that went to their addresses on behalf of somebody who was one with them then: instance, node, visit.
    pub messages: BTreeSet<(String, String, i64)>,
    pub people: u64,
}

pub struct World {
    pub town: Town,
    pub dice: Dice,
    pub size: Size,
    pub seed: u64,
    /// Whose each identifier is.
    pub owner: BTreeMap<i64, i64>,
    pub zones: BTreeMap<i64, TimeZone>,
    /// What was said under each identifier.
    pub said: BTreeMap<i64, Vec<Statement>>,
    /// Identifiers of which nothing is to be used.
    pub restricted: BTreeSet<i64>,
    pub members: BTreeSet<(String, i64)>,
    pub decided: BTreeMap<String, Decided>,
    /// The latest that the clock ever showed.
    pub latest: Timestamp,
    seen: BTreeSet<String>,
    /// Acts that were looked at.
    done: BTreeSet<String>,
    /// Copies that the provider has: (message, Message-ID).
    pub handed: Vec<(String, String)>,
    /// Messages that were accepted while nobody could note it: how often.
    pub unnoted: BTreeMap<String, usize>,
    pub migrated: BTreeSet<String>,
    pub erased: Erased,
    pub crashes: u64,
    pub looks: usize,
    pub slow: Slow,
    pub fault: Fault,
    next_person: i64,
    position: i64,
    statements: u64,
}

const STATES: [State; 4] = [State::Granted, State::Denied, State::Withdrawn, State::Pending];
const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Chatham", "Asia/Kolkata", "Pacific/Kiritimati"];

impl World {
    pub async fn begin(db: TestDatabase, seed: u64, size: Size) -> Self {
        let dice = Dice::new(seed);
        let mut town = Town::new(db).await;
        // A clock is changed somewhere in the days that follow.
        let days = ["2026-03-27T05:00:00Z", "2026-10-23T05:00:00Z", "2026-03-07T00:00:00Z", "2026-06-10T10:00:00Z"];
        town.clock.set(ts(dice.one::<&str>(&days)));
        let caps = json!([{"most": 1 + dice.below(3), "window": "day"}, {"most": 3 + dice.below(3), "window": {"last": "7d"}},
            {"most": 1, "window": {"last": "12h"}, "channel": "email"}, {"most": 6, "window": "month", "topic": "sale"}]);
        let settings = json!({"caps": caps, "quiet": {"from": "21:30", "until": "08:00", "jitter_minutes": 30}, "holdout_percent": 5});
        town.set(Settings::from_json(&settings).unwrap()).await;
        let mut it = Self {
            town,
            dice,
            size,
            seed,
            owner: BTreeMap::new(),
            zones: BTreeMap::new(),
            said: BTreeMap::new(),
            restricted: BTreeSet::new(),
            members: BTreeSet::new(),
            decided: BTreeMap::new(),
            latest: Timestamp(0),
            seen: BTreeSet::new(),
            done: BTreeSet::new(),
            handed: Vec::new(),
            unnoted: BTreeMap::new(),
            migrated: BTreeSet::new(),
            erased: Erased::default(),
            crashes: 0,
            looks: 0,
            slow: Slow::default(),
            fault: Fault::None,
            next_person: 1_000_000,
            position: 0,
            statements: 0,
        };
        it.people().await;
        for number in 0..size.journeys {
            let form = it.form(number);
            it.town.launch(&format!("j{number}"), form).await;
        }
        it
    }

    /// Everybody comes: with a zone, a birthday, some telephones, some complaints, and mostly with consent.
    async fn people(&mut self) {
        let now = self.town.now();
        let mut rows = Vec::new();
        let mut known = Vec::new();
        for number in 1..=self.size.people {
            let kind = if self.dice.percent(90) { "email" } else { "user_id" };
            rows.push(IdentifierRow {
                kind: kind.into(),
                value: format!("{number}@example.com"),
                handle: Handle(number),
                person: PersonId(number),
                source: SourceId(1),
                first_seen_at: Timestamp(number),
                last_seen_at: now,
                events: 1,
                counted_through: 0,
            });
            self.owner.insert(number, number);
            if kind == "email" {
                self.slow.known.mails.insert(number);
            }
            let mut fact = |key: &str, value: Value| {
                known.push(FactRow {
                    handle: Handle(number),
                    fact_key: key.into(),
                    valid_from: Timestamp(number),
                    recorded_at: Timestamp(number),
                    value: value.to_string(),
                    source: SourceId(1),
                    event_id: [0; 16],
                });
            };
            if self.dice.percent(70) {
                let name = self.dice.one(&ZONES);
                fact("trait.timezone", json!(name));
                self.zones.insert(number, TimeZone::get(name).unwrap());
            }
            let day = now.plus(i64::try_from(self.dice.below(12)).unwrap() * Timestamp::DAY).to_rfc3339();
            fact("trait.birthday", json!(format!("1990{}", &day[4..10])));
            if self.dice.percent(40) {
                fact("trait.phone", json!("+49 30 1"));
                self.slow.known.phones.insert(number);
            }
            if self.dice.percent(5) {
                fact("support.open_tickets", json!(1));
                self.slow.known.troubled.insert(number);
            }
            if self.dice.percent(30) {
                let hour = self.dice.below(24);
                fact("usual_hour", json!(hour));
                self.slow.known.hours.insert(number, u8::try_from(hour).unwrap());
            }
        }
        let mut tx = self.town.tx().await;
        identifiers::insert(&mut tx, W, &rows).await.unwrap();
        facts::insert(&mut tx, W, &known).await.unwrap();
        tx.commit().await.unwrap();
        let willing: Vec<(i64, State)> =
            (1..=self.size.people).filter(|_| self.dice.percent(80)).map(|number| (number, State::Granted)).collect();
        self.say(&willing).await;
        for key in SEGMENTS {
            let some: Vec<i64> = (1..=self.size.people).filter(|_| self.dice.percent(40)).collect();
            self.member(key, &some, true).await;
        }
    }

    /// A random plan, entered in the way of its number.
    fn form(&self, number: usize) -> Value {
        let dice = &self.dice;
        let mut form = plan(dice, Ways::Calm);
        let fan = json!({"segment": {"key": dice.one(&SEGMENTS)}});
        let tomorrow = self.town.now().plus(Timestamp::DAY).to_rfc3339();
        form["entry"] = match number % 7 {
            0 => json!({"event": {"name": "go", "key": "id", "not_older_than": "4h"}}),
            1 => json!({"segment_entered": {"when": fan, "members_at_launch": dice.percent(50)}}),
            2 => {
                form["audience"] = fan;
                let mut schedule = json!({"at": format!("{}T10:00", &tomorrow[..10]), "every": "day",
                    "clock": dice.one(&["person", "workspace"])});
                if dice.percent(40) {
                    schedule["ramp_up_percent"] = json!(30);
                }
                if dice.percent(30) {
                    schedule["most_per_hour"] = json!(60);
                }
                json!({"schedule": schedule})
            }
            3 => json!({"event": {"name": "go", "not_older_than": "4h"}}),
            4 => json!({"date": {"fact": "trait.birthday", "yearly": true, "at": "11:00"}}),
            5 => json!({"segment_left": {"when": fan}}),
            _ => json!({"api": {}}),
        };
        if [2, 4].contains(&(number % 7)) && form["reentry"] == json!("never") {
            form["reentry"] = json!("after_exit");
        }
        form
    }

    pub fn now(&self) -> Timestamp {
        self.town.now()
    }

    fn some(&self, most: usize) -> Vec<i64> {
        let handles: Vec<i64> = self.owner.keys().copied().collect();
        (0..self.dice.below(most + 1)).map(|_| *self.dice.one(&handles)).collect()
    }

    /// Whether the transaction that is about to commit is lost.
    fn crash(&mut self) -> bool {
        let crashes = self.dice.percent(6);
        self.crashes += u64::from(crashes);
        crashes
    }

    pub async fn live(&mut self) {
        for _ in 0..self.size.steps {
            self.step().await;
        }
        self.end().await;
    }

    async fn step(&mut self) {
        match self.dice.below(100) {
            0..4 => self.town.clock.advance(i64::try_from(1 + self.dice.below(60)).unwrap() * Timestamp::HOUR),
            4..7 => self.town.clock.advance(-i64::try_from(1 + self.dice.below(300)).unwrap() * Timestamp::MINUTE),
            _ => self.town.clock.advance(i64::try_from(self.dice.below(5_400)).unwrap() * Timestamp::SECOND),
        }
        self.latest = self.latest.max(self.now());
        self.events().await;
        if self.dice.percent(50) {
            let key = *self.dice.one(&SEGMENTS);
            let some: Vec<i64> = self.some(12).iter().map(|handle| self.owner[handle]).collect();
            let is_in = self.dice.percent(50);
            self.member(key, &some, is_in).await;
        }
        if self.dice.percent(40) {
            let said: Vec<(i64, State)> =
                self.some(8).into_iter().map(|handle| (handle, *self.dice.one(&STATES))).collect();
            self.say(&said).await;
        }
        match self.dice.below(100) {
            0..10 => self.merge().await,
            10..18 => self.split().await,
            18..20 => self.erase().await,
            20..24 => self.relaunch().await,
            24..30 => self.pause().await,
            30..31 => self.stop().await,
            31..34 => self.restrict().await,
            _ => {}
        }
        self.api().await;
        // Sometimes the server is down for a while, or gets to only a part of it.
        if self.dice.percent(85) {
            self.runs().await;
            let most = if self.dice.percent(20) { 1 } else { usize::MAX };
            self.run(most).await;
        }
        if self.dice.percent(70) {
            self.dispatch().await;
        }
    }

    async fn events(&mut self) {
        let mut events = Vec::new();
        for handle in self.some(16) {
            let name = if self.dice.percent(50) { "go" } else { *self.dice.one(&EVENTS) };
            let ago = if self.dice.percent(85) { self.dice.below(60) } else { self.dice.below(600 * 60) };
            let properties = json!({"id": format!("{}", self.dice.below(4))});
            events.push((
                self.owner[&handle],
                handle,
                name,
                i64::try_from(ago).unwrap() * Timestamp::SECOND,
                properties,
            ));
            if self.dice.percent(10) {
                events.extend(events.last().cloned());
            }
        }
        let is_imported = self.dice.percent(5);
        for _ in 0..2 {
            let mut tx = self.town.tx().await;
            self.town.hear_in(&mut tx, &events, is_imported, self.position + 1).await;
            if self.crash() {
                tx.rollback().await.unwrap();
                continue;
            }
            tx.commit().await.unwrap();
            self.position += 1;
            let now = self.now();
            let told: Vec<slow::Event> = events
                .into_iter()
                .map(|(person, handle, name, ago, of)| (person, handle, name.to_owned(), now.plus(-ago), of))
                .collect();
            let rows = self.newcomers().await;
            self.slowly(|slow, world| slow.heard(world, &told, is_imported, &rows));
            return;
        }
    }

    async fn member(&mut self, key: &str, people: &[i64], is_in: bool) {
        let mut people: Vec<i64> = people.to_vec();
        people.sort_unstable();
        people.dedup();
        self.town.member(key, &people, is_in).await;
        let mut changes = Vec::new();
        for person in people {
            let pair = (key.to_owned(), person);
            if if is_in { self.members.insert(pair) } else { self.members.remove(&pair) } {
                changes.push((key.to_owned(), person, is_in));
            }
        }
        let rows = self.newcomers().await;
        self.slowly(|slow, world| slow.changed(world, &changes, &rows));
    }

    async fn say(&mut self, said: &[(i64, State)]) {
        let now = self.now();
        let mut rows = Vec::new();
        for (handle, state) in said {
            self.statements += 1;
            let channel =
                if self.dice.percent(30) { Some(*self.dice.one(&[Channel::Email, Channel::Sms])) } else { None };
            let topic = self.dice.percent(20).then(|| "sale".to_owned());
            let mut event_id = [0; 16];
            event_id[..8].copy_from_slice(&self.statements.to_le_bytes());
            rows.push(ConsentRow {
                handle: Handle(*handle),
                event_id,
                purpose: "marketing".into(),
                channel: channel.map(|it| it.as_str().to_owned()).unwrap_or_default(),
                topic: topic.clone().unwrap_or_default(),
                state: state.as_str().into(),
                occurred_at: now,
                until_at: None,
                recorded_at: now,
                notice: None,
                notice_version: None,
                locale: None,
                method: "form".into(),
                actor: "person".into(),
                evidence: None,
            });
            let scope = Scope { purpose: Purpose::Marketing, channel, topic };
            let statement = Statement { handle: Handle(*handle), scope, state: *state, at: now, until: None };
            self.said.entry(*handle).or_default().push(statement);
        }
        let mut tx = self.town.tx().await;
        consents::insert(&mut tx, W, &rows).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn hand_over(&mut self, handles: Vec<i64>, from: i64, to: i64) {
        if self.crash() {
            return;
        }
        self.town.give(&handles, from, to).await;
        for handle in handles {
            self.owner.insert(handle, to);
            self.slowly(|slow, world| slow.gave(world, handle, from, to));
        }
        if !self.owner.values().any(|person| *person == from) {
            for key in SEGMENTS {
                if self.members.contains(&(key.to_owned(), from)) {
                    self.member(key, &[from], false).await;
                }
            }
        }
    }

    async fn merge(&mut self) {
        let [one, other] = [0, 1].map(|_| *self.dice.one(&self.owner.values().copied().collect::<Vec<_>>()));
        if one != other {
            let handles =
                self.owner.iter().filter(|(_, person)| **person == other).map(|(handle, _)| *handle).collect();
            self.hand_over(handles, other, one).await;
        }
    }

    async fn split(&mut self) {
        let joined: Vec<i64> =
            self.owner.iter().filter(|(handle, person)| handle != person).map(|(handle, _)| *handle).collect();
        if !joined.is_empty() {
            let handle = *self.dice.one(&joined);
            self.next_person += 1;
            let to = self.next_person;
            self.hand_over(vec![handle], self.owner[&handle], to).await;
        }
    }

    async fn erase(&mut self) {
        let person = *self.dice.one(&self.owner.values().copied().collect::<Vec<_>>());
        let handles: Vec<i64> = self.owner.iter().filter(|(_, of)| **of == person).map(|(handle, _)| *handle).collect();
        for row in instances::of_person(&mut self.town.store.read(), W, PersonId(person)).await.unwrap() {
            judge::count_instance(&row, &mut self.erased.flows);
        }
        for row in messages::of_person(&mut self.town.store.read(), W, PersonId(person), 10_000).await.unwrap() {
            judge::count_message(&row, &mut self.erased.flows);
            self.erased.messages.insert((row.instance.clone().unwrap(), row.node.clone(), row.visit));
            self.decided.remove(&row.id);
        }
        let tables = Tables::of(&[DATA_MAP]).unwrap();
        let subject =
            Subject { workspace: W, person: PersonId(person), handles: handles.iter().map(|it| Handle(*it)).collect() };
        let mut tx = self.town.tx().await;
        tables.erase(&mut tx, &subject).await.unwrap();
        let text = Sql::assembled("DELETE FROM identifiers WHERE workspace = $1 AND person = $2".to_owned());
        tx.execute(text, args![W, PersonId(person)]).await.unwrap();
        tx.commit().await.unwrap();
        self.erased.people += 1;
        self.owner.retain(|_, of| *of != person);
        self.said.retain(|handle, _| !handles.contains(handle));
        self.restricted.retain(|handle| !handles.contains(handle));
        self.slow.erased(person, &handles);
    }

    /// Somebody does not want what is known of them to be used, or takes that back.
    async fn restrict(&mut self) {
        let lifts = !self.restricted.is_empty() && self.dice.percent(40);
        let all: Vec<i64> = if lifts {
            self.restricted.iter().map(|handle| self.owner[handle]).collect()
        } else {
            self.owner.values().copied().collect()
        };
        let person = *self.dice.one(&all);
        let own: Vec<i64> = self.owner.iter().filter(|(_, of)| **of == person).map(|(handle, _)| *handle).collect();
        let handles: Vec<Handle> = own.iter().map(|it| Handle(*it)).collect();
        let mut tx = self.town.tx().await;
        if lifts {
            restrictions::lift(&mut tx, W, &handles, self.now()).await.unwrap();
            self.restricted.retain(|handle| !own.contains(handle));
        } else {
            // Each is one of its own, also where the clock stands still.
            self.statements += 1;
            let since = Timestamp(i64::try_from(self.statements).unwrap());
            restrictions::add(&mut tx, W, &handles, since, "prq").await.unwrap();
            self.restricted.extend(own);
        }
        tx.commit().await.unwrap();
    }

    fn journey(&self) -> (usize, String) {
        let number = self.dice.below(self.size.journeys);
        (number, format!("j{number}"))
    }

    async fn relaunch(&mut self) {
        let (number, key) = self.journey();
        let before = self.town.plans.open(&key).map(|one| one.version);
        let Some(before) = before else { return };
        let form = self.form(number);
        let version = self.town.launch(&key, form).await;
        if self.dice.percent(50) {
            launching::migrate(&self.town.store, W, &key, (before, version), self.now()).await.unwrap();
            self.slow.migrated(&key);
            self.migrated.insert(key);
            self.town.reload().await;
        }
    }

    async fn pause(&mut self) {
        let (_, key) = self.journey();
        let row = journeys::find(&mut self.town.store.read(), W, &key).await.unwrap().unwrap();
        let to = match row.state.as_str() {
            journeys::LIVE => journeys::PAUSED,
            journeys::PAUSED => journeys::LIVE,
            _ => return,
        };
        self.change(&key, to).await;
    }

    async fn change(&mut self, key: &str, to: &str) {
        let mut tx = self.town.tx().await;
        launching::change_state(&mut tx, W, key, to).await.unwrap();
        tx.commit().await.unwrap();
        launching::settle_queue(&self.town.store, W, key, self.now()).await.unwrap();
        self.town.reload().await;
    }

    async fn stop(&mut self) {
        let (_, key) = self.journey();
        if launching::stop(&self.town.store, W, &key, self.now()).await.is_ok() {
            self.slow.stopped(&key);
            for row in messages::latest(&mut self.town.store.read(), W, Some(&key), None, Some("skipped"), 100_000)
                .await
                .unwrap()
            {
                self.leave_out(&row.id);
            }
        }
        self.town.reload().await;
    }

    fn leave_out(&mut self, id: &str) {
        if let Some(decided) = self.decided.get_mut(id) {
            decided.counts = false;
        }
    }

    async fn api(&mut self) {
        let some: Vec<i64> = self.some(6).iter().map(|handle| self.owner[handle]).collect();
        let mut tx = self.town.tx().await;
        let mut journeys = Vec::new();
        for number in (6..self.size.journeys).step_by(7) {
            if let Some(one) = self.town.plans.open(&format!("j{number}")) {
                let came = some.iter().map(|person| Occasion::now(PersonId(*person), "", self.now())).collect();
                enter(&mut tx, self.town.with(), one, came).await.unwrap();
                journeys.push((one.key.clone(), one.version));
            }
        }
        if !self.crash() {
            tx.commit().await.unwrap();
            let rows = self.newcomers().await;
            self.slowly(|slow, world| slow.let_in(world, &journeys, &some, &rows));
        }
    }

    async fn runs(&mut self) {
        let due = rapport_engagement::records::runs::due(&mut self.town.store.read(), self.now()).await.unwrap();
        for (_, journey, run) in due {
            while scheduling::go_on(&self.town.store, self.town.with(), &journey, &run).await.unwrap() {}
        }
        let rows = self.newcomers().await;
        self.slowly(|slow, world| slow.ran(world, &rows));
    }

    /// Instances that the slow model does not know.
    async fn newcomers(&self) -> Vec<InstanceRow> {
        let text = Sql::assembled("SELECT id FROM journey_instances WHERE workspace = $1 ORDER BY id".to_owned());
        let ids: Vec<(String,)> = self.town.store.read().fetch_all(text, args![W]).await.unwrap();
        let mut rows = Vec::new();
        for (id,) in ids.iter().filter(|(id,)| !self.slow.knows(id)) {
            rows.extend(instances::find(&mut self.town.store.read(), W, id).await.unwrap());
        }
        rows
    }

    /// Makes the mistake that was put in, in what is stored.
    async fn fail(&self) {
        let text = match self.fault {
            Fault::None => return,
            Fault::ForgetsCaps => "UPDATE messages SET capped = FALSE WHERE workspace = $1",
            Fault::Oversleeps => {
                "UPDATE journey_instances SET wake_at = wake_at + 432000000000 WHERE workspace = $1 AND ended_at IS NULL"
            }
            Fault::ForgetsRestrictions => "UPDATE restrictions SET lifted_at = since WHERE workspace = $1",
            Fault::ForgetsEntries => {
                "UPDATE journey_instances SET entry_key = 'x', ended_why = 'late' WHERE workspace = $1 AND ended_at IS NOT NULL"
            }
        };
        let mut tx = self.town.tx().await;
        tx.execute(Sql::assembled(text.to_owned()), args![W]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Lets the slow model look at this world.
    fn slowly(&mut self, work: impl FnOnce(&mut Slow, &Self)) {
        let mut slow = std::mem::take(&mut self.slow);
        work(&mut slow, self);
        self.slow = slow;
    }

    /// What the last transaction looked at is worked out again.
    async fn look_slowly(&mut self, due: Vec<InstanceRow>, others: Vec<InstanceRow>) {
        let mut after = BTreeMap::new();
        for row in &due {
            let db = &mut self.town.store.read();
            after.extend(instances::find(db, W, &row.id).await.unwrap().map(|row| (row.id.clone(), row)));
        }
        let text = Sql::assembled("SELECT id FROM messages WHERE workspace = $1 AND decided_at = $2".to_owned());
        let ids: Vec<(String,)> = self.town.store.read().fetch_all(text, args![W, self.now()]).await.unwrap();
        let ids: Vec<String> = ids.into_iter().map(|(id,)| id).filter(|id| !self.seen.contains(id)).collect();
        let told = messages::by_ids(&mut self.town.store.read(), W, &ids).await.unwrap();
        let mut done = acts::due_here(&mut self.town.store.read(), self.now(), 100_000).await.unwrap();
        done.extend(acts::due_webhooks(&mut self.town.store.read(), self.now(), &[], 100_000).await.unwrap());
        done.retain(|row| self.done.insert(row.id.clone()));
        self.slowly(|slow, world| slow.looked(world, &due, &others, (&after, &told, &done)));
    }

    /// Looks at what is due, at most so many batches, and at each decision.
    async fn run(&mut self, most: usize) {
        for _ in 0..most {
            if self.crash() {
                let mut tx = self.town.tx().await;
                let rows = instances::due(&mut tx, W, self.now(), self.position, 40).await.unwrap();
                running::run(&mut tx, self.town.with(), rows, self.now()).await.unwrap();
                tx.rollback().await.unwrap();
            }
            let due = instances::due(&mut self.town.store.read(), W, self.now(), self.position, 100).await.unwrap();
            let persons: BTreeSet<PersonId> = due.iter().map(|row| row.person).collect();
            let persons: Vec<PersonId> = persons.into_iter().collect();
            let others = instances::active_of(&mut self.town.store.read(), W, &persons).await.unwrap();
            let ran = running::run_due(&self.town.store, self.town.with(), self.position).await.unwrap();
            assert_eq!(ran.unplanned, 0, "plans are made again whenever journeys change");
            self.looks += ran.looked_at;
            self.look_slowly(due, others).await;
            self.look_at_decisions().await;
            self.look_at_those_who_left().await;
            self.fail().await;
            if ran == running::Ran::default() {
                let text = "SELECT id, log_position, wake_at, heard FROM journey_instances WHERE workspace = $1 AND ended_at IS NULL";
                let db = &mut self.town.store.read();
                let rows: Vec<slow::Waiting> = db.fetch_all(Sql::assembled(text.to_owned()), args![W]).await.unwrap();
                self.slowly(|slow, world| slow.nothing_was_missed(world, world.position, &rows));
                return;
            }
        }
    }

    /// What somebody was to get by a journey that they are out of takes no place any more.
    async fn look_at_those_who_left(&mut self) {
        let text = "SELECT id FROM messages WHERE workspace = $1 AND reason = 'left_journey' ORDER BY id";
        let ids: Vec<(String,)> =
            self.town.store.read().fetch_all(Sql::assembled(text.to_owned()), args![W]).await.unwrap();
        for (id,) in ids {
            self.leave_out(&id);
        }
    }

    async fn look_at_decisions(&mut self) {
        let text =
            Sql::assembled("SELECT id FROM messages WHERE workspace = $1 AND decided_at = $2 ORDER BY id".to_owned());
        let ids: Vec<(String,)> = self.town.store.read().fetch_all(text, args![W, self.now()]).await.unwrap();
        let ids: Vec<String> = ids.into_iter().map(|(id,)| id).filter(|id| !self.seen.contains(id)).collect();
        let mut rows = messages::by_ids(&mut self.town.store.read(), W, &ids).await.unwrap();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        for row in &rows {
            self.seen.insert(row.id.clone());
            if row.state == messages::SKIPPED {
                judge::skipped(self, row);
                continue;
            }
            let channel = Channel::parse(&row.channel).unwrap();
            let decided = Decided {
                handle: row.handle.unwrap().0,
                sent_at: None,
                channel,
                topic: row.topic.clone(),
                counts: row.class == "marketing" && channel != Channel::InApp,
            };
            assert_eq!(decided.counts, row.capped);
            self.decided.insert(row.id.clone(), decided);
        }
        for row in rows.iter().filter(|row| row.state != messages::SKIPPED) {
            judge::sent(self, row);
        }
    }

    pub fn quiet(&self, row: &MessageRow) -> Option<Quiet> {
        let key = row.journey.as_deref().unwrap_or_default();
        let own = self.town.plans.get(key, row.version).and_then(|one| one.definition.quiet.clone());
        own.or_else(|| self.town.plans.settings.quiet.clone())
    }

    /// Nobody comes in any more; whoever is in goes on until they are out.
    async fn end(&mut self) {
        for number in 0..self.size.journeys {
            let key = format!("j{number}");
            let row = journeys::find(&mut self.town.store.read(), W, &key).await.unwrap().unwrap();
            if [journeys::LIVE, journeys::PAUSED].contains(&row.state.as_str()) {
                self.change(&key, journeys::ENDING).await;
            }
        }
        self.run(usize::MAX).await;
        judge::nobody_is_lost(self).await;
        for round in 0.. {
            let Some(next) = instances::next_due(&mut self.town.store.read(), W).await.unwrap() else { break };
            assert!(round < 20_000, "seed {}: somebody never gets out", self.seed);
            // Not one by one: a minute of waiting people is one look.
            self.town.clock.set(next.plus(Timestamp::HOUR).max(self.now()));
            self.run(usize::MAX).await;
        }
        for _ in 0..40 {
            self.town.clock.advance(Timestamp::HOUR);
            self.dispatch().await;
        }
    }

    /// Everybody who is or was on the way.
    pub async fn instances(&self) -> Vec<InstanceRow> {
        let text = Sql::assembled("SELECT DISTINCT person FROM journey_instances ORDER BY person".to_owned());
        let people: Vec<(PersonId,)> = self.town.store.read().fetch_all(text, args![]).await.unwrap();
        let mut rows = Vec::new();
        for (person,) in people {
            rows.extend(instances::of_person(&mut self.town.store.read(), W, person).await.unwrap());
        }
        rows
    }

    /// Every plan that ever was launched, by journey and version.
    pub async fn definitions(&self) -> BTreeMap<(String, i64), Definition> {
        let mut all = BTreeMap::new();
        for number in 0..self.size.journeys {
            for row in journeys::versions(&mut self.town.store.read(), W, &format!("j{number}")).await.unwrap() {
                all.insert((row.journey, row.version), Definition::from_json(&row.definition).unwrap());
            }
        }
        all
    }
}
