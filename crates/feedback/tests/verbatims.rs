//! Verbatims as they are stored, on both engines.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::verbatims::records::{self, Correction, Filter, VerbatimRow};
use rapport_feedback::verbatims::{Reader, of_stars, stars};
use rapport_feedback::{DATA_MAP, MIGRATIONS};
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};
use rapport_text::feelings::{ALL, Feeling};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);

fn row(number: u8, text: &str, rating: Option<i64>) -> VerbatimRow {
    let read = Reader::default().read(text, []);
    let [anger, disappointment, anxiety, joy, gratitude, trust, urgency] = read.feelings;
    VerbatimRow {
        event_id: [number; 16],
        handle: Handle(i64::from(number)),
        person: PersonId(i64::from(number % 3)),
        occurred_at: Timestamp(i64::from(number / 2) * 1_000),
        event_name: if number.is_multiple_of(2) { "Product Reviewed" } else { "Ticket Opened" }.to_owned(),
        language: read.language.unwrap_or_default().to_owned(),
        shown: read.shown,
        rating,
        sentiment: read.sentiment,
        anger,
        disappointment,
        anxiety,
        joy,
        gratitude,
        trust,
        urgency,
        corrected_at: None,
    }
}

const TEXTS: [&str; 8] = [
    "I am furious, you lied to me!",
    "Thank you so much, great shoes",
    "100% wool, not 50_50",
    "请尽快处理，太失望了",
    "Ich bin begeistert",
    "Please reply as soon as possible",
    "The parcel is blue",
    "Não recomendo, péssimo",
];

/// Oracle: the rows gone through one by one.
fn slow(rows: &[VerbatimRow], filter: &Filter) -> Vec<[u8; 16]> {
    let shows = |it: &VerbatimRow, feeling: Feeling| it.felt().iter().any(|felt| felt.0 == feeling);
    let mut kept: Vec<&VerbatimRow> = rows
        .iter()
        .filter(|it| filter.person.is_none_or(|person| it.person == person))
        .filter(|it| {
            it.occurred_at >= filter.from
                && filter.before.is_none_or(|before| it.occurred_at < before || filter.behind.is_some())
        })
        .filter(|it| filter.language.is_empty() || it.language == filter.language)
        .filter(|it| filter.event_name.is_empty() || it.event_name == filter.event_name)
        .filter(|it| filter.feeling.is_none_or(|feeling| shows(it, feeling)))
        .filter(|it| {
            filter.least.is_none_or(|least| it.sentiment >= least)
                && filter.most.is_none_or(|most| it.sentiment <= most)
        })
        .collect();
    kept.sort_by_key(|it| (std::cmp::Reverse(it.occurred_at), it.event_id));
    let behind = |it: &&&VerbatimRow| {
        filter.behind.is_none_or(|(at, id)| it.occurred_at < at || (it.occurred_at == at && it.event_id > id))
    };
    kept.iter().filter(behind).map(|it| it.event_id).collect()
}

fn filters() -> impl Strategy<Value = Filter> {
    let feeling = prop::option::of(prop::sample::select(ALL.to_vec()));
    let behind = prop::option::of((0i64..9, 0u8..16));
    let sentiments = (prop::option::of(-1_000i64..1_000), prop::option::of(-1_000i64..1_000));
    let named = (prop::sample::select(vec!["", "en", "zh"]), prop::sample::select(vec!["", "Ticket Opened"]));
    (prop::option::of(0i64..3), 0i64..3, feeling, behind, sentiments, named).prop_map(
        |(person, from, feeling, behind, (least, most), (language, event_name))| Filter {
            person: person.map(PersonId),
            from: Timestamp(from * 1_000),
            before: None,
            behind: behind.map(|(at, id)| (Timestamp(at * 1_000), [id; 16])),
            language: language.to_owned(),
            event_name: event_name.to_owned(),
            feeling,
            least,
            most,
        },
    )
}

#[db_test(MIGRATIONS)]
async fn lists_are_those_of_all_rows_gone_through(db: TestDatabase) {
    let rows: Vec<VerbatimRow> = (0u8..16).map(|at| row(at, TEXTS[usize::from(at) % 8], None)).collect();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::insert(&mut tx, W, &rows).await.unwrap();
    records::insert(&mut tx, OTHER, &rows[..1]).await.unwrap();
    // The same again changes nothing.
    records::insert(&mut tx, W, &[VerbatimRow { sentiment: 7, ..rows[0].clone() }]).await.unwrap();
    tx.commit().await.unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..200 {
        let filter = filters().new_tree(&mut runner).unwrap().current();
        let found = records::list(&mut db.read(), W, &filter, 100).await.unwrap();
        let found: Vec<[u8; 16]> = found.iter().map(|it| it.event_id).collect();
        assert_eq!(found, slow(&rows, &filter), "{filter:?}");
    }
    assert_eq!(records::list(&mut db.read(), W, &Filter::default(), 3).await.unwrap().len(), 3);
    assert_eq!(records::list(&mut db.read(), OTHER, &Filter::default(), 100).await.unwrap(), rows[..1]);
    let before = Filter { before: Some(Timestamp(1_000)), ..Filter::default() };
    let found = records::list(&mut db.read(), W, &before, 100).await.unwrap();
    assert!(found.iter().all(|it| it.occurred_at < Timestamp(1_000)) && found.len() == 2);
    let found =
        records::of_handles(&mut db.read(), W, &[Handle(3), Handle(5)], Timestamp(0), Timestamp(1_000)).await.unwrap();
    assert_eq!(found, [rows[3].clone()]);
}

#[db_test(MIGRATIONS)]
async fn a_correction_counts_and_is_learnt_from(db: TestDatabase) {
    let rows = [row(1, TEXTS[6], Some(4_000)), row(2, TEXTS[1], Some(5_000)), row(3, TEXTS[0], None)];
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::insert(&mut tx, W, &rows).await.unwrap();
    let anger = BTreeSet::from([Feeling::Anger, Feeling::Urgency]);
    let first = Correction { sentiment: Some(0), feelings: Some(BTreeSet::new()) };
    records::correct(&mut tx, W, &rows[0], &first, ("usr_ann", Timestamp(50))).await.unwrap();
    let now = records::find(&mut tx, W, [1; 16]).await.unwrap().unwrap();
    assert_eq!((now.sentiment, now.feelings(), now.corrected_at), (0, [0; 7], Some(Timestamp(50))));
    let second = Correction { sentiment: Some(-800), feelings: Some(anger.clone()) };
    records::correct(&mut tx, W, &now, &second, ("usr_bob", Timestamp(60))).await.unwrap();
    // What a correction does not speak of stays.
    let third = Correction { sentiment: None, feelings: Some(BTreeSet::from([Feeling::Anger])) };
    records::correct(&mut tx, W, &rows[2], &third, ("usr_bob", Timestamp(61))).await.unwrap();
    tx.commit().await.unwrap();
    let now = records::find(&mut db.read(), W, [1; 16]).await.unwrap().unwrap();
    assert_eq!((now.sentiment, now.felt()), (-800, vec![(Feeling::Anger, 1_000), (Feeling::Urgency, 1_000)]));
    let kept = records::find(&mut db.read(), W, [3; 16]).await.unwrap().unwrap();
    assert_eq!(kept.sentiment, rows[2].sentiment);
    assert_eq!(records::lessons(&mut db.read(), W).await.unwrap(), (3, 2));
    let examples = records::examples(&mut db.read(), W, 100).await.unwrap();
    let of = |text: &str| examples.iter().find(|it| it.shown == text).unwrap();
    // The newest correction, and it outweighs the stars.
    assert_eq!((of(TEXTS[6]).rating, of(TEXTS[6]).feelings.clone()), (Some(stars(-800)), Some(anger)));
    assert_eq!((of(TEXTS[1]).rating, of(TEXTS[1]).feelings.clone()), (Some(stars(of_stars(5.0))), None));
    assert_eq!(of(TEXTS[0]).rating, None);
    assert_eq!(examples.len(), 3);
    assert_eq!(records::examples(&mut db.read(), OTHER, 100).await.unwrap(), []);
}

#[db_test(MIGRATIONS)]
async fn rows_follow_their_identifier_and_are_erased_with_the_person(db: TestDatabase) {
    let rows = [row(1, TEXTS[0], None), row(4, TEXTS[1], None), row(2, TEXTS[2], None)];
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::insert(&mut tx, W, &rows).await.unwrap();
    let correction = Correction { sentiment: Some(0), feelings: None };
    for row in &rows {
        records::correct(&mut tx, W, row, &correction, ("usr_ann", Timestamp(5))).await.unwrap();
    }
    // Rows 1 and 4 are of person 1; the identifier of row 4 goes to person 9.
    records::follow(&mut tx, W, &[(Handle(4), PersonId(1), PersonId(9))]).await.unwrap();
    tx.commit().await.unwrap();
    let person = async |id: u8| records::find(&mut db.read(), W, [id; 16]).await.unwrap().map(|it| it.person);
    assert_eq!(
        (person(1).await, person(4).await, person(2).await),
        (Some(PersonId(1)), Some(PersonId(9)), Some(PersonId(2)))
    );
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let tables = Tables::of(&[DATA_MAP]).unwrap();
    let subject = Subject { workspace: W, person: PersonId(9), handles: vec![Handle(4)] };
    tables.erase(&mut tx, &subject).await.unwrap();
    records::delete(&mut tx, W, [2; 16], Timestamp(70)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((person(4).await, person(2).await, person(1).await), (None, None, Some(PersonId(1))));
    assert_eq!(records::lessons(&mut db.read(), W).await.unwrap().0, 1);
}
