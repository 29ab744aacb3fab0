//! Applying events on both engines: who is one person, whatever the order of arrival; orders, refunds, facts; undo.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rapport_domain::{
    Currency, Event, EventId, EventKind, Handle, Identifier, IdentifierKind, ManualClock, NaturalKey, PersonId,
    SeededRng, SourceId, Timestamp, WorkspaceId,
};
use rapport_profiles::identity::partition::Limits;
use rapport_profiles::identity::undo::set_undone;
use rapport_profiles::records::{accounts, device_clocks, evidence, facts, identifiers, orders, persons, texts};
use rapport_profiles::{Applied, Backlog, MIGRATIONS, Profiles, Settings};
use rapport_store::testing::{TestDatabase, assert_indexes_are_used, on_sqlite, prepare_statements};
use rapport_store::{Priority, Store, db_test};
use serde_json::{Value, json};

const W: WorkspaceId = WorkspaceId(1);

fn profiles(seed: u64) -> Profiles {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(2_000_000_000)));
    Profiles::new(clock, Arc::new(SeededRng::new(seed)), Limits::default())
}

fn user(value: &str) -> Identifier {
    Identifier { kind: IdentifierKind::UserId, value: value.into() }
}

fn device(value: &str) -> Identifier {
    Identifier { kind: IdentifierKind::AnonymousId, value: value.into() }
}

fn event(number: i64, name: &str, identifiers: Vec<Identifier>, properties: Value) -> Event {
    Event {
        id: EventId::of_message(W, SourceId(1), &format!("{number}")),
        workspace: W,
        source: SourceId(1),
        kind: EventKind::Track,
        name: name.into(),
        occurred_at: Timestamp::from_seconds(number),
        sent_at: None,
        received_at: Timestamp::from_seconds(1_000_000),
        order_key: number,
        identifiers,
        group_id: None,
        previous_id: None,
        natural_key: None,
        supersedes: None,
        properties: properties.as_object().cloned().unwrap_or_default(),
        traits: serde_json::Map::new(),
        context: serde_json::Map::new(),
    }
}

async fn apply(store: &Store, profiles: &Profiles, events: &[Event]) -> Applied {
    // Each batch comes later in the log.
    static POSITION: AtomicI64 = AtomicI64::new(1);
    let position = POSITION.fetch_add(1, Ordering::Relaxed);
    let settings = Settings { workspace: W, currency: Currency::parse("EUR").unwrap(), position };
    let mut tx = store.begin(Priority::Background).await.unwrap();
    let applied = profiles.apply(&mut tx, settings, events).await.unwrap();
    tx.commit().await.unwrap();
    profiles.remember(W, &applied);
    let mut backlog = Backlog::default();
    backlog.add(&applied);
    backlog.settle(store, W, position).await.unwrap();
    // Again, as after a settling that was cut short, it changes nothing.
    backlog.settle(store, W, position).await.unwrap();
    applied
}

/// Identifiers grouped by person, as text.
async fn people(store: &Store) -> BTreeSet<BTreeSet<String>> {
    let mut groups: BTreeMap<PersonId, BTreeSet<String>> = BTreeMap::new();
    for kind in [IdentifierKind::UserId, IdentifierKind::AnonymousId, IdentifierKind::Email] {
        let values: Vec<String> = (0..20).map(|i| format!("{i}")).collect();
        for row in identifiers::by_values(&mut store.read(), W, kind, &values).await.unwrap() {
            groups.entry(row.person).or_default().insert(format!("{}{}", row.kind, row.value));
        }
    }
    groups.into_values().collect()
}

#[db_test(rapport_privacy::MIGRATIONS, MIGRATIONS)]
async fn every_statement_can_be_prepared(db: TestDatabase) {
    assert!(prepare_statements(&db).await > 30);
}

/// What a batch of events does may not grow with the number of customers.
#[test]
fn only_lists_of_everybody_read_everybody() {
    on_sqlite(vec![MIGRATIONS], |db: TestDatabase| async move {
        assert_indexes_are_used(&db, MEANT).await;
    });
}

/// Questions about all customers, orders, facts or names.
const MEANT: &[&str] = &[
    "SELECT first_seen_at FROM persons",
    "GROUP BY rfm_group",
    "GROUP BY fact_key",
    "FROM event_names",
    "fact_key IN ($2)",
    "ORDER BY placed_at DESC, order_id LIMIT $2",
];

#[db_test(MIGRATIONS)]
async fn browsing_before_signing_in_belongs_to_the_customer(db: TestDatabase) {
    let profiles = profiles(1);
    let first = apply(&db, &profiles, &[event(1, "Product Viewed", vec![device("0")], json!({}))]).await;
    let second = apply(&db, &profiles, &[event(2, "Signed Up", vec![user("0"), device("0")], json!({}))]).await;
    assert_eq!(second.events[0].person, first.events[0].person);
    assert!(second.moved.is_empty(), "the lake's rows were the person's already");
    let person = persons::find(&mut db.read(), W, first.events[0].person).await.unwrap().unwrap();
    assert_eq!((person.events, person.first_seen_at), (2, Timestamp::from_seconds(1)));
}

#[db_test(MIGRATIONS)]
async fn two_histories_become_one_and_part_again(db: TestDatabase) {
    let profiles = profiles(2);
    let order =
        |n: i64, who: Vec<Identifier>| event(n, "Order Completed", who, json!({"order_id": n, "revenue": "10.50"}));
    apply(&db, &profiles, &[order(1, vec![user("0")]), order(2, vec![device("0")])]).await;
    let joined = apply(&db, &profiles, &[event(3, "Signed In", vec![user("0"), device("0")], json!({}))]).await;
    assert_eq!(joined.moved.len(), 1);
    let one = joined.events[0].person;
    let person = persons::find(&mut db.read(), W, one).await.unwrap().unwrap();
    assert_eq!((person.orders, person.spent_micros, person.events), (2, 21_000_000, 3));
    assert!(persons::find(&mut db.read(), W, joined.moved[0].from).await.unwrap().is_none());

    let rows = identifiers::by_persons(&mut db.read(), W, &[one]).await.unwrap();
    let handles: Vec<Handle> = rows.iter().map(|row| row.handle).collect();
    let why = evidence::touching(&mut db.read(), W, &handles).await.unwrap();
    assert_eq!(why.len(), 1);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let changed =
        set_undone(&mut tx, &profiles, W, &why[0].id, true, "usr_1", "a shared tablet").await.unwrap().unwrap();
    tx.commit().await.unwrap();
    profiles.forget();
    assert_eq!((changed.moved.len(), changed.touched.len()), (1, 2));
    for person in &changed.touched {
        assert_eq!(persons::find(&mut db.read(), W, *person).await.unwrap().unwrap().orders, 1);
    }
    // The same evidence again does not overrule a person's decision.
    apply(&db, &profiles, &[event(4, "Signed In", vec![user("0"), device("0")], json!({}))]).await;
    assert_eq!(people(&db).await.len(), 2);

    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    set_undone(&mut tx, &profiles, W, &why[0].id, false, "usr_1", "").await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(people(&db).await.len(), 1);
}

#[db_test(MIGRATIONS)]
async fn a_changed_order_replaces_its_old_version(db: TestDatabase) {
    let profiles = profiles(3);
    let version = |n: i64, revenue: &str, old: Option<EventId>| Event {
        natural_key: Some(NaturalKey("order:7".into())),
        supersedes: old,
        ..event(
            n,
            "Order Completed",
            vec![user("0")],
            json!({"order_id": "7", "revenue": revenue, "comment": "gift for Anna"}),
        )
    };
    let old = version(1, "10", None);
    apply(&db, &profiles, std::slice::from_ref(&old)).await;
    let applied = apply(&db, &profiles, &[version(2, "12", Some(old.id))]).await;
    assert_eq!(applied.superseded, [(0, old.id)]);
    let handle = applied.events[0].handle;
    let rows = orders::of_handles(&mut db.read(), W, &[handle], 10).await.unwrap();
    assert_eq!(rows.iter().map(|r| r.revenue_micros).collect::<Vec<_>>(), [12_000_000]);
    let kept = texts::of_handles(&mut db.read(), W, &[handle], Timestamp(0), Timestamp(i64::MAX), 10).await.unwrap();
    assert_eq!(kept.len(), 1, "what the superseded version said is forgotten");
    assert!(!applied.events[0].properties.contains_key("comment"), "free text has no way into the lake");
}

#[db_test(MIGRATIONS)]
async fn refunds_count_once(db: TestDatabase) {
    let profiles = profiles(4);
    let order = event(1, "Order Completed", vec![user("0")], json!({"order_id": "7", "revenue": 10}));
    let refund = event(2, "Order Refunded", vec![user("0")], json!({"order_id": "7", "amount": "4"}));
    let applied = apply(&db, &profiles, &[refund.clone(), order]).await;
    apply(&db, &profiles, &[refund]).await;
    let rows = orders::of_handles(&mut db.read(), W, &[applied.events[0].handle], 10).await.unwrap();
    assert_eq!((rows[0].refunded_micros, rows[0].status.as_str()), (4_000_000, "refunded"));
    let person = persons::find(&mut db.read(), W, applied.events[0].person).await.unwrap().unwrap();
    assert_eq!((person.spent_micros, person.refunded_micros), (10_000_000, 4_000_000));
}

/// How an order stands depends on what was told of it, not on the order of telling.
#[db_test(MIGRATIONS)]
async fn what_becomes_of_an_order_may_be_heard_before_it(db: TestDatabase) {
    let profiles = profiles(14);
    let of = |n: i64, name: &str, id: &str, more: Value| {
        let mut properties = json!({"order_id": id});
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event(n, name, vec![user("0")], properties)
    };
    // What is told of each, and how it then stands.
    type Story = (&'static str, Vec<(&'static str, Value)>, (i64, &'static str));
    let stories: [Story; 5] = [
        ("kept", vec![], (0, "completed")),
        ("off", vec![("Order Cancelled", json!({}))], (0, "cancelled")),
        ("whole", vec![("Order Refunded", json!({}))], (10_000_000, "refunded")),
        (
            "parts",
            vec![("Order Refunded", json!({"amount": 4})), ("Order Refunded", json!({"amount": "2.5"}))],
            (6_500_000, "refunded"),
        ),
        (
            "both",
            vec![("Order Refunded", json!({"amount": 4})), ("Order Cancelled", json!({}))],
            (4_000_000, "cancelled"),
        ),
    ];
    let mut n = 0;
    for is_first in [true, false] {
        for is_one_batch in [true, false] {
            for (name, told, stands) in &stories {
                let id = format!("{name}/{is_first}/{is_one_batch}");
                let mut all: Vec<Event> = Vec::new();
                for (event, more) in told {
                    n += 1;
                    all.push(of(n, event, &id, more.clone()));
                }
                n += 1;
                let placed = of(n, "Order Completed", &id, json!({"revenue": 10}));
                all.insert(if is_first { 0 } else { all.len() }, placed);
                if is_one_batch {
                    apply(&db, &profiles, &all).await;
                } else {
                    for one in &all {
                        apply(&db, &profiles, std::slice::from_ref(one)).await;
                    }
                }
                let found = orders::standing(&mut db.read(), W, std::slice::from_ref(&id)).await.unwrap();
                assert_eq!((found[0].2, found[0].3.as_str()), *stands, "{id}");
            }
        }
    }
}

/// A cancellation whose event was replaced by another says nothing any more; told again, an order stays as it stands.
#[db_test(MIGRATIONS)]
async fn a_cancellation_that_was_replaced_is_undone(db: TestDatabase) {
    let profiles = profiles(15);
    let order = |n: i64| event(n, "Order Completed", vec![user("0")], json!({"order_id": "7", "revenue": 10}));
    let off = event(2, "Order Cancelled", vec![user("0")], json!({"order_id": "7"}));
    let status = async || orders::standing(&mut db.read(), W, &["7".to_owned()]).await.unwrap().remove(0).3;
    apply(&db, &profiles, &[order(1), off.clone()]).await;
    apply(&db, &profiles, &[order(3)]).await;
    assert_eq!(status().await, "cancelled");
    let other =
        Event { supersedes: Some(off.id), ..event(4, "Order Cancelled", vec![user("0")], json!({"order_id": "8"})) };
    apply(&db, &profiles, &[other]).await;
    assert_eq!(status().await, "completed");
}

#[db_test(MIGRATIONS)]
async fn facts_are_kept_with_both_times_and_names_are_found(db: TestDatabase) {
    let profiles = profiles(5);
    let says = |n: i64, traits: Value| Event {
        kind: EventKind::Identify,
        traits: traits.as_object().unwrap().clone(),
        ..event(n, "Identify", vec![user("0")], json!({}))
    };
    let batch = [says(1, json!({"name": "Åsa Berg", "city": "Ulm"})), says(5, json!({"city": "Bonn"}))];
    let applied = apply(&db, &profiles, &batch).await;
    // Late news about an earlier time restates without touching what holds now; the same again is no news.
    apply(&db, &profiles, &[says(3, json!({"city": "Köln"})), says(6, json!({"city": "Bonn"}))]).await;
    let history = facts::of_handles(&mut db.read(), W, &[applied.events[0].handle]).await.unwrap();
    let cities: Vec<_> = history
        .iter()
        .filter(|f| f.fact_key == "trait.city")
        .map(|f| (f.valid_from.0 / 1_000_000, f.value.as_str()))
        .collect();
    assert_eq!(cities, [(1, "\"Ulm\""), (3, "\"Köln\""), (5, "\"Bonn\"")]);
    let filter = persons::Filter { search: rapport_profiles::fold::fold("asa b"), limit: 10, ..Default::default() };
    let found = persons::list(&mut db.read(), W, &filter).await.unwrap();
    assert_eq!(found[0].name.as_deref(), Some("Åsa Berg"));
    assert_eq!(persons::count(&mut db.read(), W, &filter).await.unwrap(), 1);
    let now = facts::current_by_person(&mut db.read(), W, &["trait.city".to_owned()], Timestamp::from_seconds(4))
        .await
        .unwrap();
    assert_eq!(now, [(found[0].person, "trait.city".to_owned(), "\"Köln\"".to_owned())]);
}

#[db_test(MIGRATIONS)]
async fn people_belong_to_accounts(db: TestDatabase) {
    let profiles = profiles(6);
    let mut group = event(1, "Group", vec![user("0")], json!({}));
    group.kind = EventKind::Group;
    group.group_id = Some("acme".into());
    group.traits = json!({"name": "Acme"}).as_object().unwrap().clone();
    let applied = apply(&db, &profiles, &[group.clone(), group]).await;
    let found = accounts::of_handles(&mut db.read(), W, &[applied.events[0].handle]).await.unwrap();
    assert_eq!(found.iter().map(|a| a.2.as_deref()).collect::<Vec<_>>(), [Some("Acme")]);
}

/// Of a "group" of very many not everybody is told at once of a change, but whoever is named again.
#[db_test(MIGRATIONS)]
async fn who_was_not_told_of_an_account_hears_when_named_again(db: TestDatabase) {
    let profiles = profiles(6).telling_at_once(2);
    let call = |n: i64, who: &str, traits: Value| Event {
        kind: EventKind::Group,
        group_id: Some("acme".into()),
        traits: traits.as_object().unwrap().clone(),
        ..event(n, "Group", vec![user(who)], json!({}))
    };
    let members = ["0", "1", "2", "3"];
    let mut handles = Vec::new();
    for (n, who) in (1..).zip(members) {
        handles.push(apply(&db, &profiles, &[call(n, who, json!({}))]).await.events[0].handle);
    }
    let heard = async || {
        let rows = facts::of_handles(&mut db.read(), W, &handles).await.unwrap();
        rows.into_iter().map(|row| (row.handle, row.valid_from)).collect::<Vec<_>>()
    };
    apply(&db, &profiles, &[call(10, "0", json!({"plan": "pro"}))]).await;
    let told = heard().await;
    // The two with the smallest numbers, and the one who was named.
    assert!((2..=3).contains(&told.len()) && told.iter().any(|(handle, _)| *handle == handles[0]), "{told:?}");
    for (n, who) in (11..).zip(members) {
        apply(&db, &profiles, &[call(n, who, json!({}))]).await;
    }
    let mut told = heard().await;
    told.sort_by_key(|(handle, _)| handles.iter().position(|other| other == handle));
    let at = Timestamp::from_seconds(10);
    assert_eq!(
        told,
        handles.iter().map(|handle| (*handle, at)).collect::<Vec<_>>(),
        "each knows since when it holds, once"
    );
}

/// Whatever is told first, a member's facts say what the account's traits said since the member joined.
#[db_test(MIGRATIONS)]
async fn accounts_traits_are_facts_of_their_members(db: TestDatabase) {
    let call = |n: i64, who: &str, traits: Value| Event {
        kind: EventKind::Group,
        group_id: Some("acme".into()),
        traits: traits.as_object().unwrap().clone(),
        ..event(n, "Group", vec![user(who)], json!({}))
    };
    let calls = [
        call(1, "0", json!({"name": "Acme", "plan": "free"})),
        call(4, "1", json!({})),
        call(6, "0", json!({"plan": "pro", "seats": 20})),
        call(8, "2", json!({"plan": "pro"})),
        call(9, "1", json!({"plan": "free"})),
    ];
    let orders: [&[usize]; 5] =
        [&[0, 1, 2, 3, 4], &[4, 3, 2, 1, 0], &[2, 0, 4, 1, 3], &[1, 3, 0, 2, 4], &[3, 2, 1, 4, 0]];
    let expected = json!({
        "0": {"account.name": [[1, "Acme"]], "account.plan": [[1, "free"], [6, "pro"], [9, "free"]], "account.seats": [[6, 20]]},
        "1": {"account.name": [[4, "Acme"]], "account.plan": [[4, "free"], [6, "pro"], [9, "free"]], "account.seats": [[6, 20]]},
        "2": {"account.name": [[8, "Acme"]], "account.plan": [[8, "pro"], [9, "free"]], "account.seats": [[8, 20]]},
    });
    for (workspace, order) in (10..).zip(orders) {
        for together in [false, true] {
            let workspace = WorkspaceId(if together { workspace + 100 } else { workspace });
            let profiles = profiles(6);
            let calls: Vec<Event> = order.iter().map(|at| Event { workspace, ..calls[*at].clone() }).collect();
            let mut told = 0;
            for batch in calls.chunks(if together { 9 } else { 1 }) {
                let mut tx = db.begin(Priority::Background).await.unwrap();
                let settings = Settings { workspace, currency: Currency::parse("EUR").unwrap(), position: 1 };
                let applied = profiles.apply(&mut tx, settings, batch).await.unwrap();
                told += applied.told.len();
                tx.commit().await.unwrap();
                profiles.remember(workspace, &applied);
            }
            assert!(told >= 14, "{told} facts were told on");
            let mut found = json!({});
            for who in ["0", "1", "2"] {
                let (kind, value) = (IdentifierKind::UserId, [who.to_owned()]);
                let rows = identifiers::by_values(&mut db.read(), workspace, kind, &value).await.unwrap();
                let handle = rows[0].handle;
                let mut histories: BTreeMap<String, BTreeMap<i64, Value>> = BTreeMap::new();
                for row in facts::of_handles(&mut db.read(), workspace, &[handle]).await.unwrap() {
                    let value = serde_json::from_str(&row.value).unwrap();
                    histories.entry(row.fact_key).or_default().insert(row.valid_from.0 / 1_000_000, value);
                }
                // What says again what held before says nothing.
                for history in histories.values_mut() {
                    let mut last = Value::Null;
                    history.retain(|_, value| std::mem::replace(&mut last, value.clone()) != *value);
                }
                found[who] = json!(
                    histories
                        .into_iter()
                        .map(|(key, history)| (key, history.into_iter().collect::<Vec<_>>()))
                        .collect::<BTreeMap<_, _>>()
                );
            }
            assert_eq!(found, expected, "in the order {order:?}, together: {together}");
        }
    }
}

/// The same events in any order and any batches give the same persons, sums and orders.
#[db_test(MIGRATIONS)]
async fn arrival_does_not_matter(db: TestDatabase) {
    use rapport_domain::Rng;
    let chance = SeededRng::new(99);
    let below = move |n: u64| chance.next_u64() % n;
    let mut expected = None;
    let mut events = Vec::new();
    for n in 0..60_i64 {
        let mut ids = vec![];
        if below(2) == 0 {
            ids.push(user(&below(5).to_string()));
        }
        if ids.is_empty() || below(2) == 0 {
            ids.push(device(&below(8).to_string()));
        }
        let named = if below(3) == 0 { "Order Completed" } else { "Product Viewed" };
        events.push(event(n, named, ids, json!({"order_id": n, "revenue": n})));
    }
    for round in 0..6_u64 {
        let workspace_profiles = profiles(round);
        let folder = tempfile::tempdir().unwrap();
        let fresh = rapport_store::testing::open_folder(folder.path(), &[MIGRATIONS]).await;
        let store: &Store = if round == 0 { &db } else { &fresh };
        let mut rest = events.clone();
        while !rest.is_empty() {
            let size = 1 + usize::try_from(below(9)).unwrap();
            let mut batch = Vec::new();
            for _ in 0..size.min(rest.len()) {
                batch.push(rest.swap_remove(usize::try_from(below(rest.len() as u64)).unwrap()));
            }
            apply(store, &workspace_profiles, &batch).await;
        }
        let filter = persons::Filter { limit: 1000, ..Default::default() };
        let mut sums: Vec<_> = persons::list(&mut store.read(), W, &filter)
            .await
            .unwrap()
            .into_iter()
            .map(|p| (p.orders, p.spent_micros, p.events, p.first_seen_at, p.last_seen_at))
            .collect();
        sums.sort_unstable();
        let result = (people(store).await, sums);
        assert_eq!(*expected.get_or_insert_with(|| result.clone()), result, "round {round}");
    }
}

/// Of each device's clock only that is kept which changes a time: of clocks that are right nothing is written again and again.
#[db_test(MIGRATIONS)]
async fn how_wrong_a_clock_is_is_kept_where_it_matters(db: TestDatabase) {
    let profiles = profiles(8);
    let sent = |number: i64, before: i64| Event {
        sent_at: Some(Timestamp::from_seconds(1_000_000 - before)),
        ..event(number, "Product Viewed", vec![device("0")], json!({}))
    };
    let known = async || device_clocks::offsets(&mut db.read(), W, &[0]).await.unwrap();
    let second = Timestamp::SECOND;
    for (number, before, kept, off) in [
        (1, 30, 30, 0),
        (2, 20, 30, 0),
        (3, 2, 30, 0),
        (4, -600, -600, -600),
        (5, 1, -600, -600),
        (6, -700, -700, -700),
    ] {
        let applied = apply(&db, &profiles, &[sent(number, before)]).await;
        assert_eq!(known().await, [(0, kept * second)], "after event {number}");
        assert_eq!(applied.events[0].occurred_at, Timestamp::from_seconds(number + off), "event {number}");
    }
}
