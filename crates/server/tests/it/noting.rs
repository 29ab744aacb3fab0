//! Notes of requests that wait together: each is kept, each learns what holds for it, and nobody suffers for another.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use rapport_domain::{Handle, PersonId, SystemClock, Timestamp, WorkspaceId};
use rapport_engagement::records::slots::{self, ViewsRow};
use rapport_experiments::Exposure;
use rapport_experiments::design::UnitKind;
use rapport_experiments::records::exposures::{self, EXPOSED, Who};
use rapport_server::installation::MIGRATIONS;
use rapport_server::noting::{Noting, View};
use rapport_store::outbox::Event;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Queries, args, sql};
use serde_json::json;

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);

#[test]
fn everybody_is_kept_once_and_told_what_holds() {
    on_sqlite(MIGRATIONS.to_vec(), kept_once);
    on_postgres(MIGRATIONS.to_vec(), kept_once);
}

#[test]
fn what_cannot_be_written_fails_alone() {
    on_sqlite(MIGRATIONS.to_vec(), fails_alone);
    on_postgres(MIGRATIONS.to_vec(), fails_alone);
}

#[test]
fn whoever_is_cut_off_takes_nobody_with_them() {
    on_sqlite(MIGRATIONS.to_vec(), cut_off);
    on_postgres(MIGRATIONS.to_vec(), cut_off);
}

fn noting(db: &TestDatabase) -> Noting {
    Noting::new(db.store.clone(), Arc::new(SystemClock))
}

fn exposure(person: i64, variant: &str) -> Vec<(Who, Exposure)> {
    let exposure = Exposure {
        experiment: 1,
        key: "headline".into(),
        variant: variant.into(),
        unit: UnitKind::Person,
        allocation: 1,
        subject: String::new(),
        renews: false,
    };
    vec![(Who { person: PersonId(person), handle: Handle(person) }, exposure)]
}

fn view(handle: i64, views: i64) -> View {
    let at = Timestamp::from_seconds(1);
    let row = ViewsRow { first_at: at, window_began_at: at, views };
    let event = Event::new(W, rapport_engagement::service::EXPOSED, json!({"experiment": "slot/hero"}));
    View { slot: "hero".into(), handle: Handle(handle), row, event: Some(event.about(PersonId(handle))) }
}

async fn events(db: &TestDatabase, name: &str) -> i64 {
    let text = sql!("SELECT CAST(COUNT(*) AS BIGINT) FROM outbox_event WHERE name = $1");
    let (count,): (i64,) = db.read().fetch_one(text, args![name]).await.unwrap();
    count
}

async fn kept_once(db: TestDatabase) {
    let noting = noting(&db);
    // Each person asks twice at once, and is shown something else each time.
    let ask = |ask: i64| noting.exposures(W, exposure(ask / 2, if ask % 2 == 0 { "old" } else { "new" }));
    let shown = async { join_all((0..600).map(ask)).await };
    let of_other = noting.exposures(OTHER, exposure(7, "new"));
    let seen = async { join_all((0..100).map(|one| noting.view(W, view(one / 2, one)))).await };
    let (shown, other, seen) = futures::join!(shown, of_other, seen);
    let shown: Vec<_> = shown.into_iter().map(|it| it.unwrap()).collect();
    for pair in shown.chunks(2) {
        let [first, second] = pair else { panic!("asked twice") };
        assert_eq!(first[0].variant, second[0].variant, "what holds is one");
        assert_eq!(i32::from(first[0].is_new) + i32::from(second[0].is_new), 1);
    }
    assert!(other.unwrap()[0].is_new, "another workspace's");
    assert!(seen.iter().all(Result::is_ok));
    let people: Vec<PersonId> = (0..300).map(PersonId).collect();
    let rows = exposures::of_persons(&mut db.read(), W, &people).await.unwrap();
    assert_eq!(rows.len(), 300);
    let told: BTreeMap<i64, &str> =
        (0..).zip(shown.chunks(2)).map(|(at, it)| (at, it[0][0].variant.as_str())).collect();
    assert!(rows.iter().all(|row| told[&row.person.0] == row.variant), "what was told is what is kept");
    assert_eq!(events(&db, EXPOSED).await, 301 + 100, "of exposures and of views");
    for handle in 0..50 {
        let row = slots::views(&mut db.read(), W, "hero", Handle(handle)).await.unwrap().unwrap();
        assert_eq!(row.views, handle * 2 + 1, "of two at once the later one");
    }
    assert_eq!(noting.exposures(W, Vec::new()).await.unwrap(), []);
}

async fn fails_alone(db: TestDatabase) {
    let noting = noting(&db);
    let ask = |person: i64| noting.exposures(W, exposure(person, if person == 11 { "no\0good" } else { "old" }));
    let found = join_all((0..40).map(ask)).await;
    let failed: Vec<usize> = (0..40).filter(|at| found[*at].is_err()).collect();
    assert_eq!(failed, [11]);
    let people: Vec<PersonId> = (0..40).map(PersonId).collect();
    assert_eq!(exposures::of_persons(&mut db.read(), W, &people).await.unwrap().len(), 39);
}

async fn cut_off(db: TestDatabase) {
    let noting = Arc::new(noting(&db));
    for round in 0..20 {
        let ask = |number: i64| {
            let noting = Arc::clone(&noting);
            tokio::spawn(async move { noting.exposures(W, exposure(round * 100 + number, "old")).await })
        };
        let all: Vec<_> = (0..20).map(ask).collect();
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        all[0].abort();
        all[5].abort();
        for (number, one) in all.into_iter().enumerate() {
            let found = one.await;
            assert!(matches!(number, 0 | 5) || found.unwrap().unwrap()[0].is_new);
        }
    }
    let people: Vec<PersonId> = (0..2_000).map(PersonId).collect();
    let rows = exposures::of_persons(&mut db.read(), W, &people).await.unwrap();
    assert!((20 * 18..=20 * 20).contains(&rows.len()), "{}", rows.len());
}
