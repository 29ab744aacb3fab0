//! Random small worlds: some people, their traits, their events, and a lake that holds them.
//!
//! Always holds: times lie around the change of clocks in Berlin, so that intervals differ in length; half of the events are flushed and
//! compacted into small cells, the others are in memory, so that all parts of a plan are used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use rapport_analytics::baskets;
use rapport_analytics::experiment::{Experiment, Exposed};
use rapport_analytics::recommend::{self, Recommender};
use rapport_analytics::{Analytics, Answer, Context, Detail, Part, Question};
use rapport_domain::{
    Calendar, Currency, Event, EventId, EventKind, Handle, Identifier, IdentifierKind, Interval, PersonId, SourceId,
    Timestamp, WeekStart, WorkspaceId,
};
use rapport_lake::{Budget, EventRow, Fate, HotRule, Lake, Location, PropertyPolicy, Settings};
use rapport_profiles::records::facts::{self, FactRow};
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_profiles::records::orders::{self, OrderRow};
use rapport_segments::{Condition, EventView, FactView, Moment, Subject, holds};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, testing};
use serde_json::{Map, Value, json};

pub const ORDER: &str = "Order Completed";
pub const VIEW: &str = "Product Viewed";
pub const QUIZ: &str = "Quiz finished";
pub const NAMES: [&str; 3] = [ORDER, VIEW, QUIZ];

/// One event.
#[derive(Clone, Debug)]
pub struct Happening {
    pub person: i64,
    pub name: &'static str,
    pub at: Timestamp,
    pub properties: Vec<(String, Value)>,
}

impl Happening {
    pub fn text(&self, path: &str) -> Option<String> {
        let (_, value) = self.properties.iter().find(|(of, _)| of == path)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// Millionths, if it has an amount in euros or without a currency.
    pub fn euros(&self) -> Option<i64> {
        let own = self.text("currency").is_none_or(|currency| currency == "EUR");
        let (_, value) = self.properties.iter().find(|(of, _)| of == "revenue")?;
        rapport_domain::money::micros_from_json(value).filter(|_| own)
    }
}

/// What there is.
#[derive(Clone, Debug)]
pub struct World {
    pub events: Vec<Happening>,
    pub countries: BTreeMap<i64, &'static str>,
    pub zone: &'static str,
    pub now: Timestamp,
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

const BEGIN: &str = "2026-03-26T12:00:00Z";

/// Half-hours, so that ties are common, with midnights of Berlin among them.
pub fn any_time() -> impl Strategy<Value = Timestamp> {
    (0i64..16, select(vec![0i64, 1, 20, 21, 22, 23, 24, 47])).prop_map(|(half_days, half_hours)| {
        at(BEGIN).plus(half_days * Timestamp::DAY / 2 + half_hours * Timestamp::HOUR / 2)
    })
}

fn any_event(people: i64) -> impl Strategy<Value = Happening> {
    let revenue = select(vec![None, Some(json!(5)), Some(json!("12.50")), Some(json!(20.01)), Some(json!(0.000_001))]);
    let currency = select(vec![None, None, Some("EUR"), Some("EUR"), Some("USD")]);
    let size = select(vec![None, Some("S"), Some("M"), Some("L")]);
    let rating = select(vec![None, Some(1), Some(4), Some(5)]);
    (1..=people, select(NAMES.to_vec()), any_time(), (revenue, currency, size, rating)).prop_map(
        |(person, name, at, (revenue, currency, size, rating))| {
            let values = [
                ("revenue", revenue),
                ("currency", currency.map(Value::from)),
                ("size", size.map(Value::from)),
                ("rating", rating.map(Value::from)),
            ];
            let properties = values.into_iter().filter_map(|(path, value)| Some((path.to_owned(), value?))).collect();
            Happening { person, name, at, properties }
        },
    )
}

pub fn any_world() -> impl Strategy<Value = World> {
    let countries = prop::collection::btree_map(1i64..6, select(vec!["DE", "AT", "FR"]), 0..5);
    let zones = select(vec!["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"]);
    let now = select(vec![at("2026-04-01T10:00:00Z"), at("2026-03-29T22:00:00Z"), at("2026-05-01T00:00:00Z")]);
    (prop::collection::vec(any_event(5), 0..24), countries, zones, now)
        .prop_map(|(events, countries, zone, now)| World { events, countries, zone, now })
}

/// Periods, some of which cut intervals, none of which lies in the future only.
pub fn any_period() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"all": true}),
        json!({"last": "2d"}),
        json!({"last": "36h"}),
        json!({"last": "1w"}),
        json!({"from": "2026-03-28", "to": "2026-03-29"}),
        json!({"from": "2026-03-27T12:00:00Z", "to": "2026-03-29T21:30:00Z"}),
        json!({"from": "2026-03-28"}),
        json!({"to": "2026-03-29T22:00:00Z"}),
    ])
}

pub fn any_interval() -> impl Strategy<Value = Interval> {
    select(vec![Interval::Hour, Interval::Day, Interval::Day, Interval::Week, Interval::Month])
}

pub fn any_filter() -> impl Strategy<Value = Option<Value>> {
    select(vec![
        None,
        None,
        Some(json!({"property": {"path": "size", "op": "in", "values": ["S", "M"]}})),
        Some(json!({"not": {"property": {"path": "revenue", "op": "at_least", "value": 12.5}}})),
        Some(json!({"property": {"path": "rating", "op": "more_than", "value": 1}})),
    ])
}

pub fn any_who() -> impl Strategy<Value = Option<Value>> {
    select(vec![
        None,
        None,
        Some(json!({"fact": {"key": "trait.country", "op": "equals", "value": "DE"}})),
        Some(json!({"not": {"fact": {"key": "trait.country", "op": "equals", "value": "DE"}}})),
        Some(json!({"performed": {"event": QUIZ, "times": {"at_most": 1}}})),
        Some(json!({"all": [
            {"fact": {"key": "trait.country", "op": "exists"}},
            {"performed": {"event": VIEW, "within": {"last": "2d"}}}
        ]})),
    ])
}

pub fn any_selector() -> impl Strategy<Value = Value> {
    (select(vec![ORDER, VIEW, QUIZ, "*"]), any_filter()).prop_map(|(event, filter)| match filter {
        Some(filter) => json!({"event": event, "where": filter}),
        None => json!({"event": event}),
    })
}

impl World {
    pub fn calendar(&self) -> Calendar {
        Calendar::new(self.zone, WeekStart::Sunday).unwrap()
    }

    pub fn context(&self) -> Context {
        Context {
            calendar: self.calendar(),
            currency: Currency::parse("EUR").unwrap(),
            now: self.now,
            data_until: self.now,
        }
    }

    /// `[from, to)` of a period, said once more.
    pub fn range(&self, period: &Value) -> (Timestamp, Timestamp) {
        let calendar = self.calendar();
        let end = self.now.plus(1);
        let first = self.events.iter().map(|event| event.at).min().unwrap_or(self.now).min(self.now);
        let last = self.events.iter().map(|event| event.at).max().unwrap_or(self.now);
        let day = |instant| calendar.floor(instant, Interval::Day);
        let midnight = |date: &str| {
            let date: jiff::civil::Date = date.parse().unwrap();
            Timestamp::from(date.to_zoned(calendar.zone.clone()).unwrap().timestamp())
        };
        match period["last"].as_str() {
            Some("2d") => return (day(Timestamp(day(self.now).0 - 1)), end),
            Some("1w") => return ((0..6).fold(day(self.now), |start, _| day(Timestamp(start.0 - 1))), end),
            Some(_) => return (end.plus(-36 * Timestamp::HOUR), end),
            None => {}
        }
        if period["all"] == json!(true) {
            return (first, last.plus(1).min(end));
        }
        let from = match period["from"].as_str() {
            Some(text) if text.len() == 10 => midnight(text),
            Some(text) => at(text),
            None => first,
        };
        let to = match period["to"].as_str() {
            Some("2026-03-29") => midnight("2026-03-30"),
            Some(text) => at(text),
            None => end,
        };
        (from.min(to.min(end)), to.min(end))
    }

    /// Whether an event is one of a selector's.
    pub fn selected(&self, selector: &Value, event: &Happening) -> bool {
        let named = selector["event"] == "*" || selector["event"] == event.name;
        named && (selector["where"].is_null() || self.passes(&selector["where"], Some(event), event.person))
    }

    /// Whether a person is meant.
    pub fn is_meant(&self, who: Option<&Value>, person: i64) -> bool {
        who.is_none_or(|who| self.passes(who, None, person))
    }

    fn passes(&self, condition: &Value, event: Option<&Happening>, person: i64) -> bool {
        fn view(event: &Happening) -> EventView<'_> {
            EventView::new(event.name, event.at, &event.properties)
        }
        let condition = Condition::parse(&condition.to_string()).unwrap();
        let country = self.countries.get(&person).map(|country| json!(country));
        let facts: Vec<FactView<'_>> = country.iter().map(|it| FactView::always("trait.country", it)).collect();
        let events: Vec<EventView<'_>> = self.events.iter().filter(|event| event.person == person).map(view).collect();
        let calendar = self.calendar();
        let moment = Moment { now: self.now, calendar: &calendar };
        holds(
            &condition,
            &Subject { event: event.map(view), facts: &facts, events: &events, ..Subject::NOBODY },
            moment,
        )
    }

    pub fn people(&self) -> Vec<i64> {
        let people: std::collections::BTreeSet<i64> = self.events.iter().map(|event| event.person).collect();
        people.into_iter().collect()
    }

    /// Puts it into a workspace of its own.
    pub fn settle(&self) -> Settled<'_> {
        static WORKSPACES: AtomicI64 = AtomicI64::new(1);
        let workspace = WorkspaceId(WORKSPACES.fetch_add(1, Ordering::Relaxed));
        let lake = &LAKE.lake;
        RUNTIME.block_on(async {
            let (stored, hot) = self.events.split_at(self.events.len() / 2);
            let rows = |events: &[Happening], first: usize| {
                events.iter().enumerate().map(|(at, event)| row(workspace, first + at, event)).collect::<Vec<_>>()
            };
            lake.append(workspace, rows(stored, 0), 1).await.unwrap();
            lake.flush(workspace).await.unwrap();
            while lake.compact(workspace).await.unwrap().is_some() {}
            lake.append(workspace, rows(hot, stored.len()), 2).await.unwrap();
            self.write_traits(workspace).await;
        });
        Settled { world: self, workspace }
    }

    async fn write_traits(&self, workspace: WorkspaceId) {
        let mut tx = LAKE.database.begin(Priority::Interactive).await.unwrap();
        let identifier = |person: i64| IdentifierRow {
            kind: "user_id".to_owned(),
            value: person.to_string(),
            handle: Handle(person),
            person: PersonId(person),
            source: SourceId(1),
            first_seen_at: Timestamp(0),
            last_seen_at: Timestamp(0),
            events: 1,
            counted_through: 0,
        };
        let fact = |(person, country): (&i64, &&str)| FactRow {
            handle: Handle(*person),
            fact_key: "trait.country".to_owned(),
            valid_from: Timestamp(0),
            recorded_at: Timestamp(0),
            value: json!(country).to_string(),
            source: SourceId(1),
            event_id: [0; 16],
        };
        let people: Vec<IdentifierRow> = self.countries.keys().copied().map(identifier).collect();
        let traits: Vec<FactRow> = self.countries.iter().map(fact).collect();
        identifiers::insert(&mut tx, workspace, &people).await.unwrap();
        facts::insert(&mut tx, workspace, &traits).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// A world in a lake.
pub struct Settled<'w> {
    world: &'w World,
    workspace: WorkspaceId,
}

impl Settled<'_> {
    pub fn ask(&self, question: &Value) -> Answer {
        let question = Question::from_json(question.clone()).unwrap();
        let context = self.world.context();
        let asked = LAKE.analytics.ask(self.workspace, &question, &context);
        block_on(asked).unwrap_or_else(|error| panic!("{error}: {question:?}"))
    }

    pub fn experiment(&self, question: &Value) -> Exposed {
        let question: Experiment = serde_json::from_value(question.clone()).unwrap();
        let context = self.world.context();
        let asked = LAKE.analytics.experiment(self.workspace, &question, &context);
        block_on(asked).unwrap_or_else(|error| panic!("{error}: {question:?}"))
    }

    /// Calls orders off by their numbers.
    pub fn cancel(&self, numbers: &[&str]) {
        block_on(async {
            let mut tx = LAKE.database.begin(Priority::Interactive).await.unwrap();
            for (at, number) in (0_u8..).zip(numbers) {
                let row = OrderRow {
                    order_id: (*number).to_owned(),
                    handle: Handle(1),
                    source: SourceId(1),
                    event_id: [at; 16],
                    placed_at: self.world.now,
                    revenue_micros: 1,
                    refunded_micros: 0,
                    currency: "EUR".to_owned(),
                    status: "completed".to_owned(),
                    lines: 1,
                };
                orders::upsert(&mut tx, self.workspace, &[row]).await.unwrap();
                let why = ([100 + at; 16], Handle(1), self.world.now);
                orders::cancel(&mut tx, self.workspace, number, why).await.unwrap();
            }
            tx.commit().await.unwrap();
        });
    }

    pub fn baskets(&self, question: &Value, restricted: &BTreeSet<i64>) -> baskets::Answer {
        let question = baskets::Question::from_json(question.clone()).unwrap();
        let without = restricted.iter().copied().map(PersonId).collect();
        block_on(LAKE.analytics.baskets(self.workspace, &question, &self.world.context(), &without)).unwrap()
    }

    pub fn basket_people(
        &self,
        question: &Value,
        first: &[String],
        second: &str,
        whose: baskets::Whose,
        restricted: &BTreeSet<i64>,
    ) -> Vec<i64> {
        let question = baskets::Question::from_json(question.clone()).unwrap();
        let without = restricted.iter().copied().map(PersonId).collect();
        let (context, second) = (self.world.context(), [second.to_owned()]);
        let sides = (first, &second[..]);
        let asked = LAKE.analytics.basket_people(self.workspace, &question, sides, whose, &context, &without, 1_000);
        block_on(asked).unwrap().into_iter().map(|person| person.0).collect()
    }

    /// A recommender with a table of this world, and its answers.
    pub fn recommender(&self, settings: recommend::Settings) -> Recommender {
        let recommender = Recommender::new(LAKE.analytics.clone(), settings);
        block_on(recommender.rebuild(self.workspace, &self.world.context(), &BTreeSet::new())).unwrap();
        recommender
    }

    pub fn table(&self, recommender: &Recommender) -> Arc<recommend::Table> {
        recommender.table(self.workspace).unwrap()
    }

    pub fn recommend(&self, recommender: &Recommender, request: &recommend::Request) -> recommend::Recommended {
        block_on(recommender.recommend(self.workspace, request, &self.world.context())).unwrap()
    }

    pub fn is_due(&self, recommender: &Recommender, now: Timestamp) -> bool {
        let context = Context { now, ..self.world.context() };
        block_on(recommender.is_due(self.workspace, &context)).unwrap()
    }

    pub fn people(&self, question: &Value, part: Value) -> Vec<i64> {
        let question = Question::from_json(question.clone()).unwrap();
        let part = Part::from_json(&question, part).unwrap();
        let context = self.world.context();
        let asked = LAKE.analytics.people(self.workspace, &question, &part, &context, 1_000);
        block_on(asked).unwrap().into_iter().map(|person| person.0).collect()
    }

    pub fn events(&self) -> Vec<rapport_analytics::catalog::EventUse> {
        block_on(LAKE.analytics.events(self.workspace)).unwrap()
    }

    pub fn properties(&self, event: Option<&str>) -> Vec<rapport_analytics::catalog::PropertyInfo> {
        block_on(LAKE.analytics.properties(self.workspace, event)).unwrap()
    }

    pub fn values(&self, path: &str) -> Vec<rapport_analytics::catalog::PropertyValue> {
        block_on(LAKE.analytics.values(self.workspace, None, path, 10)).unwrap()
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// The details of an answer as JSON: what a client sees.
pub fn detail(answer: &Answer) -> Value {
    assert!(!answer.sentence.is_empty() && answer.rows.iter().all(|row| row.len() == answer.columns.len()));
    match &answer.detail {
        Detail::Trend(_) | Detail::Funnel(_) | Detail::Retention(_) | Detail::Rfm(_) | Detail::Kpis(_) => {
            serde_json::to_value(&answer.detail).unwrap()
        }
    }
}

struct Shop {
    analytics: Analytics,
    lake: Lake,
    database: TestDatabase,
    _folder: tempfile::TempDir,
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

static LAKE: LazyLock<Shop> = LazyLock::new(|| {
    RUNTIME.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let analytics = rapport_analytics::scores::schema::MIGRATIONS;
        let migrations = [rapport_profiles::MIGRATIONS, rapport_lake::MIGRATIONS, analytics];
        let database = testing::open_folder(folder.path(), &migrations).await;
        let settings = Settings {
            cell_rows: 3,
            merge_files: 2,
            hot_rule: HotRule { min_rows: 3, by_frequency: 1, cap: 64 },
            partitions: 2,
            grace: Duration::ZERO,
            ..Settings::default()
        };
        let location = Location::Folder(folder.path().join("lake"));
        let lake = Lake::open(database.store.clone(), &location, settings).await.unwrap();
        // Short, so that a plan that never ends fails soon, also while it is made smaller.
        let budget = Budget { time: Duration::from_secs(20), ..Budget::default() };
        let analytics = Analytics::new(database.store.clone(), lake.clone()).with_budget(budget);
        Shop { analytics, lake, database, _folder: folder }
    })
});

struct KeepAll;

impl PropertyPolicy for KeepAll {
    fn fate(&self, _: &str, _: &Value) -> Fate {
        Fate::Keep
    }
}

fn row(workspace: WorkspaceId, number: usize, happening: &Happening) -> EventRow {
    let event = Event {
        id: EventId::of_message(workspace, SourceId(1), &number.to_string()),
        workspace,
        source: SourceId(1),
        kind: EventKind::Track,
        name: happening.name.to_owned(),
        occurred_at: happening.at,
        sent_at: None,
        received_at: happening.at,
        order_key: 0,
        identifiers: vec![Identifier { kind: IdentifierKind::UserId, value: happening.person.to_string() }],
        group_id: None,
        previous_id: None,
        natural_key: None,
        supersedes: None,
        properties: happening.properties.iter().cloned().collect(),
        traits: Map::new(),
        context: Map::new(),
    };
    EventRow::of_event(&event, PersonId(happening.person), Handle(happening.person), &KeepAll).0
}
