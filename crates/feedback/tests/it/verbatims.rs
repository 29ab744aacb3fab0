//! Verbatims as they are stored, on both engines.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::verbatims::records::readings::{self, Reread};
use rapport_feedback::verbatims::records::{self, About, Cell, Correction, Filter, VerbatimRow};
use rapport_feedback::verbatims::search::Position;
use rapport_feedback::verbatims::{CLEAR, Reader, of_stars, stars};
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
        subject: if number % 5 == 4 { "Rival" } else { "" }.to_owned(),
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
        .filter(|it| is_about(it, &filter.about))
        .filter(|it| filter.person.is_none_or(|person| it.person == person))
        .filter(|it| it.occurred_at >= filter.from && filter.before.is_none_or(|before| it.occurred_at < before))
        .filter(|it| filter.language.is_empty() || it.language == filter.language)
        .filter(|it| filter.event_name.is_empty() || it.event_name == filter.event_name)
        .filter(|it| filter.feeling.is_none_or(|feeling| shows(it, feeling)))
        .filter(|it| {
            filter.least.is_none_or(|least| it.sentiment >= least)
                && filter.most.is_none_or(|most| it.sentiment <= most)
        })
        .filter(|it| filter.stars.is_none_or(|stars| stars_of(it) == stars))
        .collect();
    kept.sort_by_key(|it| (std::cmp::Reverse(it.occurred_at), it.event_id));
    let behind = |it: &&&VerbatimRow| {
        filter.behind.is_none_or(|(at, id)| it.occurred_at < at || (it.occurred_at == at && it.event_id > id))
    };
    kept.iter().filter(behind).map(|it| it.event_id).collect()
}

/// Stars as people see them; 0 without.
fn stars_of(row: &VerbatimRow) -> i64 {
    row.rating.map_or(0, |rating| (rating as f64 / 1_000.0).round() as i64)
}

fn abouts() -> impl Strategy<Value = About> {
    prop::sample::select(vec![About::Us, About::Us, About::All, About::Them("Rival".to_owned())])
}

fn is_about(row: &VerbatimRow, about: &About) -> bool {
    match about {
        About::Us => row.subject.is_empty(),
        About::Them(name) => row.subject == *name,
        About::All => true,
    }
}

fn filters() -> impl Strategy<Value = Filter> {
    let feeling = prop::option::of(prop::sample::select(ALL.to_vec()));
    let behind = prop::option::of((0i64..9, 0u8..16));
    let sentiments = (prop::option::of(-1_000i64..1_000), prop::option::of(-1_000i64..1_000));
    let named = (prop::sample::select(vec!["", "en", "zh"]), prop::sample::select(vec!["", "Ticket Opened"]));
    let times = (0i64..3, prop::option::of(3i64..8));
    (prop::option::of(0i64..3), times, feeling, behind, sentiments, named, (prop::option::of(1i64..6), abouts()))
        .prop_map(|(person, (from, before), feeling, behind, (least, most), (language, event_name), (stars, about))| {
            Filter {
                person: person.map(PersonId),
                from: Timestamp(from * 1_000),
                before: before.map(|before| Timestamp(before * 1_000)),
                behind: behind.map(|(at, id)| (Timestamp(at * 1_000), [id; 16])),
                language: language.to_owned(),
                event_name: event_name.to_owned(),
                feeling,
                least,
                most,
                stars,
                about,
            }
        })
}

/// Oracle: cells filled one text after the other.
fn cells(rows: &[VerbatimRow], wanted: &[[u8; 16]]) -> Vec<Cell> {
    let mut cells: BTreeMap<(String, String, i64, i64), Cell> = BTreeMap::new();
    for row in rows.iter().filter(|it| wanted.contains(&it.event_id)) {
        let tone = i64::from(row.sentiment >= CLEAR) - i64::from(row.sentiment <= -CLEAR);
        let (language, event_name, stars) = (row.language.clone(), row.event_name.clone(), stars_of(row));
        let empty = Cell {
            language: language.clone(),
            event_name: event_name.clone(),
            tone,
            stars,
            texts: 0,
            anger: 0,
            disappointment: 0,
            anxiety: 0,
            joy: 0,
            gratitude: 0,
            trust: 0,
            urgency: 0,
        };
        let cell = cells.entry((language, event_name, tone, stars)).or_insert(empty);
        cell.texts += 1;
        for (feeling, _) in row.felt() {
            *match feeling {
                Feeling::Anger => &mut cell.anger,
                Feeling::Disappointment => &mut cell.disappointment,
                Feeling::Anxiety => &mut cell.anxiety,
                Feeling::Joy => &mut cell.joy,
                Feeling::Gratitude => &mut cell.gratitude,
                Feeling::Trust => &mut cell.trust,
                Feeling::Urgency => &mut cell.urgency,
            } += 1;
        }
    }
    cells.into_values().collect()
}

#[db_test(MIGRATIONS)]
async fn lists_are_those_of_all_rows_gone_through(db: TestDatabase) {
    let rating = |at: u8| (at % 4 != 3).then(|| 1_000 + i64::from(at) * 250);
    let rows: Vec<VerbatimRow> = (0u8..16).map(|at| row(at, TEXTS[usize::from(at) % 8], rating(at))).collect();
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
        let wanted = slow(&rows, &filter);
        assert_eq!(found, wanted, "{filter:?}");
        assert_eq!(
            records::counted(&mut db.read(), W, &filter, None).await.unwrap(),
            cells(&rows, &wanted),
            "{filter:?}"
        );
    }
    let some = [[3; 16], [9; 16], [99; 16]];
    let counted = records::counted(&mut db.read(), W, &Filter::default(), Some(&some)).await.unwrap();
    let ours: Vec<[u8; 16]> =
        slow(&rows, &Filter::default()).into_iter().filter(|event| some.contains(event)).collect();
    assert_eq!(counted, cells(&rows, &ours));
    assert_eq!(records::counted(&mut db.read(), W, &Filter::default(), Some(&[])).await.unwrap(), []);
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
async fn a_correction_is_taken_back_and_what_was_said_before_counts(db: TestDatabase) {
    let first = row(3, TEXTS[0], None);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::insert(&mut tx, W, std::slice::from_ref(&first)).await.unwrap();
    let calm = Correction { sentiment: None, feelings: Some(BTreeSet::from([Feeling::Joy])) };
    records::correct(&mut tx, W, &first, &calm, ("usr_ann", Timestamp(50))).await.unwrap();
    let now = records::find(&mut tx, W, [3; 16]).await.unwrap().unwrap();
    let good = Correction { sentiment: Some(700), feelings: None };
    records::correct(&mut tx, W, &now, &good, ("usr_ann", Timestamp(60))).await.unwrap();
    let anew = (-321, [500, 0, 0, 0, 0, 0, 0]);
    assert!(records::take_back(&mut tx, W, [3; 16], anew).await.unwrap());
    let now = records::find(&mut tx, W, [3; 16]).await.unwrap().unwrap();
    // The first one said nothing of the sentiment.
    assert_eq!((now.sentiment, now.felt(), now.corrected_at), (-321, vec![(Feeling::Joy, 1_000)], Some(Timestamp(50))));
    assert!(records::take_back(&mut tx, W, [3; 16], anew).await.unwrap());
    let now = records::find(&mut tx, W, [3; 16]).await.unwrap().unwrap();
    assert_eq!((now.sentiment, now.feelings(), now.corrected_at), (anew.0, anew.1, None));
    assert!(!records::take_back(&mut tx, W, [3; 16], anew).await.unwrap());
    assert!(!records::take_back(&mut tx, OTHER, [3; 16], anew).await.unwrap());
    assert_eq!(records::lessons(&mut tx, W).await.unwrap(), (0, 0));
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

#[db_test(MIGRATIONS)]
async fn all_texts_are_read_anew_once_also_when_it_is_broken_off(db: TestDatabase) {
    let rows: Vec<VerbatimRow> = (0u8..16).map(|at| row(at, TEXTS[usize::from(at) % 8], None)).collect();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::insert(&mut tx, W, &rows).await.unwrap();
    records::insert(&mut tx, OTHER, &rows[..1]).await.unwrap();
    let by_hand = Correction { sentiment: Some(7), feelings: None };
    records::correct(&mut tx, W, &rows[5], &by_hand, ("usr_ann", Timestamp(1))).await.unwrap();
    tx.commit().await.unwrap();
    let changes = async || records::changes(&mut db.read(), W, Position::default(), 100).await.unwrap().unwrap();
    let indexed = changes().await.to;

    assert_eq!(readings::find(&mut db.read(), W).await.unwrap(), None);
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let texts = readings::count(&mut tx, W).await.unwrap();
    readings::begin(&mut tx, W, (1, 0), texts, Timestamp(10)).await.unwrap();
    tx.commit().await.unwrap();
    let feelings = [0, 0, 0, 900, 0, 0, 0];
    let mut seen = Vec::new();
    for step in 0.. {
        let stands = readings::find(&mut db.read(), W).await.unwrap().unwrap();
        assert_eq!((stands.texts, stands.read), (16, seen.len() as i64));
        let page = readings::next(&mut db.read(), W, &stands, 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        let anew: Vec<Reread> = page.iter().map(|row| Reread { row: row.clone(), sentiment: 123, feelings }).collect();
        let mut tx = db.begin(Priority::Background).await.unwrap();
        let next = readings::take(&mut tx, W, &stands, &anew).await.unwrap().unwrap();
        if step % 2 == 0 {
            // The power goes.
            tx.rollback().await.unwrap();
            continue;
        }
        tx.commit().await.unwrap();
        assert_eq!(readings::find(&mut db.read(), W).await.unwrap(), Some(next));
        // Somebody who began at the same place is too late.
        let mut tx = db.begin(Priority::Background).await.unwrap();
        assert_eq!(readings::take(&mut tx, W, &stands, &anew).await.unwrap(), None);
        tx.rollback().await.unwrap();
        seen.extend(page.iter().map(|row| row.event_id));
    }
    let ids: Vec<[u8; 16]> = rows.iter().map(|row| row.event_id).collect();
    assert_eq!(seen, ids, "each once, the oldest first");
    let now = records::by_ids(&mut db.read(), W, &ids).await.unwrap();
    for (at, row) in now.iter().enumerate() {
        let expected = if at == 5 { (7, rows[5].feelings()) } else { (123, feelings) };
        assert_eq!((row.sentiment, row.feelings()), expected, "{at}");
    }
    assert_eq!(records::list(&mut db.read(), OTHER, &Filter::default(), 9).await.unwrap(), rows[..1]);
    let since = records::changes(&mut db.read(), W, indexed, 100).await.unwrap().unwrap();
    assert_eq!(since.changed.len(), 15, "the index of words hears of it");
    let stands = readings::find(&mut db.read(), W).await.unwrap().unwrap();
    assert_eq!((stands.read, stands.altered, stands.done_at), (16, 15, None));
    let mut tx = db.begin(Priority::Background).await.unwrap();
    readings::finish(&mut tx, W, &stands, Timestamp(20)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(readings::find(&mut db.read(), W).await.unwrap().unwrap().done_at, Some(Timestamp(20)));
    // Anew from the beginning.
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let texts = readings::count(&mut tx, W).await.unwrap();
    readings::begin(&mut tx, W, (3, 0), texts, Timestamp(30)).await.unwrap();
    tx.commit().await.unwrap();
    let stands = readings::find(&mut db.read(), W).await.unwrap().unwrap();
    assert_eq!((stands.corrections, stands.read, stands.altered, stands.done_at), (3, 0, 0, None));
    assert_eq!(readings::next(&mut db.read(), W, &stands, 100).await.unwrap().len(), 16);
}
