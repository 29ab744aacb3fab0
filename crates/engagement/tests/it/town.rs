//! A small world for tests of journeys on a database: people with identifiers, consents, facts and memberships, written as their owners write them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use rapport_domain::{
    Calendar, Channel, Clock, Handle, ManualClock, PersonId, SeededRng, SourceId, Timestamp, WorkspaceId,
};
use rapport_engagement::journey::{Class, Definition};
use rapport_engagement::plans::Plans;
use rapport_engagement::records::instances::{self, InstanceRow};
use rapport_engagement::records::journeys::{self, DRAFT, JourneyRow};
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_engagement::records::settings;
use rapport_engagement::sending::Settings;
use rapport_engagement::service::entering::{self, Heard, Occasion, With};
use rapport_engagement::service::{launching, running, scheduling};
use rapport_privacy::records::consents::{self, ConsentRow};
use rapport_profiles::records::facts::{self, FactRow};
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_segments::evaluate::EventView;
use rapport_segments::records::memberships::{self, MembershipRow};
use rapport_segments::records::segments::{self, SegmentRow};
use rapport_segments::{Condition, Limits};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, Store, Tx};
use serde_json::{Map, Value, json};

pub const W: WorkspaceId = WorkspaceId(1);

/// All that journeys read and write.
pub struct Town {
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub rng: SeededRng,
    pub plans: Plans,
    segments: BTreeMap<String, i64>,
    consents: u64,
}

pub fn ts(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

impl Town {
    /// An empty one in Berlin, at noon of a Wednesday, with settings that hold nothing back.
    pub async fn new(db: TestDatabase) -> Self {
        let TestDatabase { store, clock } = db;
        clock.set(ts("2026-06-10T10:00:00Z"));
        let plans = Plans::load(&mut store.read(), W, calendar()).await.unwrap();
        let mut it = Self { store, clock, rng: SeededRng::new(7), plans, segments: BTreeMap::new(), consents: 0 };
        it.set(Settings { quiet: None, caps: Vec::new(), ..Settings::default() }).await;
        it
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The messages that are to be worked on, of all queues.
    pub async fn due(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for channel in Channel::ALL {
            for class in [Class::Transactional, Class::Marketing] {
                let queue = (channel, class.as_str());
                ids.extend(messages::due(&mut self.store.read(), W, queue, self.now(), 300).await.unwrap());
            }
        }
        ids
    }

    pub fn with(&self) -> With<'_> {
        With { workspace: W, plans: &self.plans, clock: &*self.clock, rng: &self.rng }
    }

    pub async fn tx(&self) -> Tx {
        self.store.begin(Priority::Background).await.unwrap()
    }

    pub async fn set(&mut self, settings: Settings) {
        let mut tx = self.tx().await;
        settings::save(&mut tx, W, &settings, self.now(), "test").await.unwrap();
        tx.commit().await.unwrap();
        self.reload().await;
    }

    pub async fn reload(&mut self) {
        self.plans = Plans::load(&mut self.store.read(), W, calendar()).await.unwrap();
    }

    /// Somebody with one identifier; the number is person and handle.
    pub async fn person(&self, number: i64) {
        self.identifier(number, number, "email").await;
    }

    pub async fn identifier(&self, person: i64, handle: i64, kind: &str) {
        let row = IdentifierRow {
            kind: kind.into(),
            value: format!("{handle}@example.com"),
            handle: Handle(handle),
            person: PersonId(person),
            source: SourceId(1),
            first_seen_at: Timestamp(handle),
            last_seen_at: self.now(),
            events: 1,
            counted_through: 0,
        };
        let mut tx = self.tx().await;
        identifiers::insert(&mut tx, W, &[row]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Gives identifiers to another person, and tells journeys of it.
    pub async fn give(&self, handles: &[i64], from: i64, to: i64) {
        self.moves(&handles.iter().map(|handle| (*handle, from, to)).collect::<Vec<_>>()).await;
    }

    /// What a batch moved: (identifier, whose it was, whose it is).
    pub async fn moves(&self, moves: &[(i64, i64, i64)]) {
        let mut tx = self.tx().await;
        let moves: Vec<(Handle, PersonId, PersonId)> =
            moves.iter().map(|(handle, from, to)| (Handle(*handle), PersonId(*from), PersonId(*to))).collect();
        let owners: Vec<(Handle, PersonId)> = moves.iter().map(|(handle, _, to)| (*handle, *to)).collect();
        identifiers::assign(&mut tx, W, &owners).await.unwrap();
        entering::moved(&mut tx, self.with(), &moves).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn says(&mut self, handle: i64, state: &str) {
        self.consents += 1;
        let mut event_id = [0; 16];
        event_id[..8].copy_from_slice(&self.consents.to_le_bytes());
        let row = ConsentRow {
            handle: Handle(handle),
            event_id,
            purpose: "marketing".into(),
            channel: String::new(),
            topic: String::new(),
            state: state.into(),
            occurred_at: self.now(),
            until_at: None,
            recorded_at: self.now(),
            notice: None,
            notice_version: None,
            locale: None,
            method: "form".into(),
            actor: "person".into(),
            evidence: None,
        };
        let mut tx = self.tx().await;
        consents::insert(&mut tx, W, &[row]).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn fact(&self, handle: i64, key: &str, value: Value) {
        let row = FactRow {
            handle: Handle(handle),
            fact_key: key.into(),
            valid_from: self.now().plus(-1),
            recorded_at: self.now(),
            value: value.to_string(),
            source: SourceId(1),
            event_id: [0; 16],
        };
        let mut tx = self.tx().await;
        facts::insert(&mut tx, W, &[row]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Somebody who agreed to everything.
    pub async fn willing(&mut self, number: i64) {
        self.person(number).await;
        self.says(number, "granted").await;
    }

    /// Puts people into a segment or takes them out, and tells journeys of it.
    pub async fn member(&mut self, key: &str, people: &[i64], is_in: bool) {
        let segment = self.segment(key).await;
        let now = self.now();
        let mut tx = self.tx().await;
        let persons: Vec<PersonId> = people.iter().map(|number| PersonId(*number)).collect();
        let held = memberships::of_persons(&mut tx, W, &persons).await.unwrap();
        let mut changes = Vec::new();
        for person in persons {
            let open = held.iter().find(|it| it.person == person && it.segment == segment && it.exited_at.is_none());
            match (open, is_in) {
                (None, true) => {
                    let row = MembershipRow { person, segment, entered_at: now, exited_at: None, recorded_at: now };
                    memberships::insert(&mut tx, W, &[row]).await.unwrap();
                }
                (Some(open), false) => {
                    // An end at its own beginning is none: a clock may stand still or go back.
                    let ended = (person, segment, open.entered_at, now.max(open.entered_at.plus(1)));
                    memberships::end(&mut tx, W, &[ended], now).await.unwrap();
                }
                _ => continue,
            }
            changes.push((key.to_owned(), person, is_in));
        }
        entering::hear_memberships(&mut tx, self.with(), &changes).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn segment(&mut self, key: &str) -> i64 {
        if let Some(number) = self.segments.get(key) {
            return *number;
        }
        let mut tx = self.tx().await;
        let number = match segments::by_key(&mut tx, W, key).await.unwrap() {
            Some(row) => row.segment,
            None => {
                let number = segments::next_number(&mut tx, W).await.unwrap();
                let condition = Condition::from_json(&json!({"all": []}), Limits::DEFAULT).unwrap();
                let names = (key.to_owned(), String::new());
                let row = SegmentRow::new(number, key.to_owned(), names, &condition, self.now(), "test");
                segments::save(&mut tx, W, &row).await.unwrap();
                number
            }
        };
        segments::filled(&mut tx, W, number, 1, None).await.unwrap();
        tx.commit().await.unwrap();
        self.segments.insert(key.to_owned(), number);
        number
    }

    /// Launches a plan; its version.
    pub async fn launch(&mut self, key: &str, form: Value) -> i64 {
        let definition = Definition::from_json(&form).unwrap();
        for (_, when) in definition.conditions() {
            if !rapport_segments::kept::is_kept(&when.segment()) {
                self.segment(&when.segment()).await;
            }
        }
        let now = self.now();
        let mut tx = self.tx().await;
        let mut row = journeys::find(&mut tx, W, key).await.unwrap().unwrap_or_else(|| JourneyRow {
            key: key.into(),
            kind: "journey".into(),
            name: key.into(),
            description: String::new(),
            state: DRAFT.into(),
            draft: form.clone(),
            live_version: 0,
            created_at: now,
            created_by: "test".into(),
            updated_at: now,
            updated_by: "test".into(),
            launched_at: None,
        });
        let version = launching::launch(&mut tx, W, &mut row, &definition, (now, "test")).await.unwrap();
        tx.commit().await.unwrap();
        for (_, when) in definition.conditions() {
            self.segment(&when.segment()).await;
        }
        assert!(launching::activate(&self.store, W, &self.plans.calendar.zone, now).await.unwrap());
        self.reload().await;
        version
    }

    /// Lets somebody in, as a program does.
    pub async fn enter(&self, journey: &str, person: i64, key: &str) -> u64 {
        let mut tx = self.tx().await;
        let one = self.plans.open(journey).unwrap();
        let occasion = Occasion::now(PersonId(person), key, self.now());
        let came = entering::enter(&mut tx, self.with(), one, vec![occasion]).await.unwrap();
        tx.commit().await.unwrap();
        came
    }

    /// Events of one batch: (person, name, how long ago in microseconds, properties).
    pub async fn hear(&self, events: &[(i64, &str, i64, Value)]) {
        self.hear_as(events, false).await;
    }

    pub async fn hear_as(&self, events: &[(i64, &str, i64, Value)], is_imported: bool) {
        let events: Vec<(i64, i64, &str, i64, Value)> =
            events.iter().map(|(person, name, ago, of)| (*person, *person, *name, *ago, of.clone())).collect();
        let mut tx = self.tx().await;
        self.hear_in(&mut tx, &events, is_imported, 1).await;
        tx.commit().await.unwrap();
    }

    /// Events within a transaction: (person, identifier, name, how long ago, properties).
    pub async fn hear_in(
        &self,
        tx: &mut Tx,
        events: &[(i64, i64, &str, i64, Value)],
        is_imported: bool,
        position: i64,
    ) {
        let now = self.now();
        let flat: Vec<Properties> = events
            .iter()
            .map(|(.., properties)| {
                let map = properties.as_object().cloned().unwrap_or_default();
                (map.clone().into_iter().collect(), map)
            })
            .collect();
        let heard: Vec<Heard<'_>> = events
            .iter()
            .zip(&flat)
            .map(|((person, handle, name, ago, _), (list, map))| Heard {
                person: PersonId(*person),
                handle: Handle(*handle),
                event: EventView::new(name, now.plus(-ago), list),
                properties: map,
                is_imported,
            })
            .collect();
        entering::hear(tx, self.with(), &heard, position).await.unwrap();
    }

    /// Looks at all that is due.
    pub async fn run(&self) -> running::Ran {
        let mut all = running::Ran::default();
        loop {
            let ran = running::run_due(&self.store, self.with(), 1).await.unwrap();
            if ran == running::Ran::default() {
                return all;
            }
            all.looked_at += ran.looked_at;
            all.messages += ran.messages;
            all.acts += ran.acts;
            all.unplanned += ran.unplanned;
        }
    }

    /// Moves the clock on, then looks at all that is due and at all runs.
    pub async fn later(&self, micros: i64) -> running::Ran {
        self.clock.advance(micros);
        self.runs().await;
        self.run().await
    }

    pub async fn runs(&self) {
        let due = rapport_engagement::records::runs::due(&mut self.store.read(), self.now()).await.unwrap();
        for (_, journey, run) in due {
            while scheduling::go_on(&self.store, self.with(), &journey, &run).await.unwrap() {}
        }
    }

    pub async fn instances(&self, person: i64) -> Vec<InstanceRow> {
        let mut rows = instances::of_person(&mut self.store.read(), W, PersonId(person)).await.unwrap();
        rows.sort_by(|a, b| (a.entered_at, &a.id).cmp(&(b.entered_at, &b.id)));
        rows
    }

    pub async fn messages(&self, person: i64) -> Vec<MessageRow> {
        let mut rows = messages::of_person(&mut self.store.read(), W, PersonId(person), 1_000).await.unwrap();
        rows.sort_by(|a, b| (a.decided_at, &a.node, &a.id).cmp(&(b.decided_at, &b.node, &b.id)));
        rows
    }

    /// What became of the messages of a person: `node:state` or `node:reason`.
    pub async fn told(&self, person: i64) -> Vec<String> {
        let rows = self.messages(person).await;
        rows.iter().map(|row| format!("{}:{}", row.node, row.reason.as_deref().unwrap_or(&row.state))).collect()
    }

    /// Why their instances ended, the first first; `-` for one under way.
    pub async fn ends(&self, person: i64) -> Vec<String> {
        self.instances(person).await.into_iter().map(|row| row.ended_why.unwrap_or_else(|| "-".into())).collect()
    }

    /// How many came in and out of a journey by what is counted.
    pub async fn flows(&self, journey: &str) -> BTreeMap<String, i64> {
        let rows = journeys::flows(&mut self.store.read(), W, journey).await.unwrap();
        let mut all = BTreeMap::new();
        for (_, node, way, people) in rows {
            *all.entry(format!("{node}>{way}")).or_default() += people;
        }
        all
    }
}

/// As a list for conditions, and as they are.
type Properties = (Vec<(String, Value)>, Map<String, Value>);

fn calendar() -> Calendar {
    Calendar { zone: TimeZone::get("Europe/Berlin").unwrap(), ..Calendar::default() }
}

/// One message, then the end.
pub fn mail(entry: Value) -> Value {
    json!({"entry": entry, "start": "m", "nodes": [{"id": "m", "step": {"message": {"channel": "email", "template": "t", "next": null}}}]})
}

/// A wait of an hour, then a message.
pub fn later(entry: Value) -> Value {
    json!({"entry": entry, "start": "w", "nodes": [
        {"id": "w", "step": {"wait": {"how": {"for": "1h"}, "next": "m"}}},
        {"id": "m", "step": {"message": {"channel": "email", "template": "t", "next": null}}}]})
}

/// The same with other fields of the plan.
pub fn but(mut form: Value, more: Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        form[key] = value.clone();
    }
    form
}
