//! Reviews as they are stored, on both engines: told again, judged, decided, answered, listed, and what erasure leaves.

use rapport_domain::{Handle, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_feedback::reviews::authenticity::{Purchase, Sign, Verdict};
use rapport_feedback::reviews::records::{self, Filter, NewReview, ReviewRow};
use rapport_feedback::reviews::{DATA_MAP, MIGRATIONS, State};
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const NOW: Timestamp = Timestamp(1_780_000_000_000_000);

fn review(number: u8, product: &str, rating: i64) -> NewReview {
    NewReview {
        event_id: [number; 16],
        source: SourceId(1),
        review_key: Some(format!("r{number}")),
        handle: Handle(i64::from(number)),
        product_id: product.to_owned(),
        product_name: None,
        rating,
        language: None,
        written_at: NOW.plus(i64::from(number) * Timestamp::MINUTE),
    }
}

async fn tell(db: &TestDatabase, reviews: &[NewReview]) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::tell(&mut tx, W, reviews, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

async fn row(db: &TestDatabase, number: u8) -> ReviewRow {
    records::find(&mut db.read(), W, [number; 16]).await.unwrap().unwrap()
}

async fn judge(db: &TestDatabase, before: &ReviewRow, doubt: u8) -> bool {
    let signs = if doubt == 0 { vec![] } else { vec![(Sign::CopiedFromOthers, 0.75)] };
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let noted = records::judged(&mut tx, W, before, &Verdict { doubt, signs }, (Purchase::None, 60)).await.unwrap();
    tx.commit().await.unwrap();
    noted
}

async fn decide(db: &TestDatabase, number: u8, state: State) -> bool {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let found = records::decide(&mut tx, W, [number; 16], (state, "seen"), ("usr_1", NOW)).await.unwrap();
    tx.commit().await.unwrap();
    found
}

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(rapport_store::data_map::lax_tables(&db).await.unwrap(), Vec::<String>::new());
}

#[db_test(MIGRATIONS)]
async fn a_review_is_one_for_its_name_and_told_again_is_changed(db: TestDatabase) {
    tell(&db, &[review(1, "a", 2)]).await;
    let first = row(&db, 1).await;
    assert!(judge(&db, &first, 80).await);
    assert!(decide(&db, 1, State::Hidden).await);
    // The writer thought better of it.
    let better = NewReview { event_id: [9; 16], rating: 5, written_at: NOW.plus(Timestamp::DAY), ..review(1, "a", 2) };
    tell(&db, std::slice::from_ref(&better)).await;
    assert_eq!(records::find(&mut db.read(), W, [1; 16]).await.unwrap(), None);
    let now = row(&db, 9).await;
    assert_eq!((now.rating, now.state.as_str(), now.decided_at, now.judge_at), (5, "new", None, Some(NOW)));
    // What is older than what is known changes nothing, nor does the same again; another source may use the same name.
    tell(&db, &[review(1, "a", 1), better.clone()]).await;
    assert_eq!(row(&db, 9).await.rating, 5);
    tell(
        &db,
        &[NewReview { source: SourceId(2), ..review(3, "a", 3) }, NewReview { review_key: None, ..review(4, "a", 4) }],
    )
    .await;
    let all = records::list(&mut db.read(), W, &Filter::default(), 10).await.unwrap();
    assert_eq!(all.iter().map(|row| row.rating).collect::<Vec<_>>(), [5, 4, 3]);
    assert_eq!(records::list(&mut db.read(), OTHER, &Filter::default(), 10).await.unwrap(), []);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::forget(&mut tx, W, [9; 16]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records::list(&mut db.read(), W, &Filter::default(), 10).await.unwrap().len(), 2);
}

#[db_test(MIGRATIONS)]
async fn a_decision_that_is_taken_back_leaves_it_to_the_rule(db: TestDatabase) {
    tell(&db, &[review(1, "a", 5), review(2, "a", 4)]).await;
    for (number, doubt) in [(1, 75), (2, 59)] {
        let before = row(&db, number).await;
        assert!(judge(&db, &before, doubt).await);
        assert!(decide(&db, number, State::Hidden).await);
    }
    let later = NOW.plus(Timestamp::HOUR);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for number in [1, 2] {
        assert!(records::decide_no_more(&mut tx, W, [number; 16], 60, later).await.unwrap());
        assert!(!records::decide_no_more(&mut tx, W, [number; 16], 60, later).await.unwrap(), "nothing was decided");
    }
    assert!(!records::decide_no_more(&mut tx, OTHER, [1; 16], 60, later).await.unwrap());
    tx.commit().await.unwrap();
    let (first, second) = (row(&db, 1).await, row(&db, 2).await);
    assert_eq!((first.state.as_str(), second.state.as_str()), ("waiting", "shown"));
    assert_eq!(
        (first.decided_at, first.decided_by, first.decided_why, first.judge_at),
        (None, None, None, Some(later))
    );
}

#[db_test(MIGRATIONS)]
async fn a_rule_puts_into_the_queue_and_what_staff_decided_stays(db: TestDatabase) {
    tell(&db, &[review(1, "a", 5), review(2, "a", 4), review(3, "b", 1)]).await;
    let due = records::to_judge(&mut db.read(), NOW, 10).await.unwrap();
    assert_eq!(due, [(W, [1; 16]), (W, [2; 16]), (W, [3; 16])]);
    for (number, doubt) in [(1, 75), (2, 59), (3, 0)] {
        let before = row(&db, number).await;
        assert!(judge(&db, &before, doubt).await);
        assert!(!judge(&db, &before, 0).await, "what changed meanwhile is not overwritten");
    }
    let states = |rows: Vec<ReviewRow>| rows.into_iter().map(|row| (row.event_id[0], row.state)).collect::<Vec<_>>();
    let all = records::list(&mut db.read(), W, &Filter::default(), 10).await.unwrap();
    assert_eq!(states(all), [(3, "shown".into()), (2, "shown".into()), (1, "waiting".into())]);
    assert_eq!(row(&db, 1).await.signs.0, [(Sign::CopiedFromOthers, 0.75)]);

    assert!(
        decide(&db, 1, State::Shown).await
            && decide(&db, 2, State::Hidden).await
            && !decide(&db, 7, State::Shown).await
    );
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert_eq!(records::judge_all_again(&mut tx, W, NOW).await.unwrap(), 1, "what staff decided is left");
    assert_eq!(records::judge_all_again(&mut tx, OTHER, NOW).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let counted = records::states(&mut db.read(), W).await.unwrap();
    assert_eq!(counted, [("hidden".into(), 1, 1), ("shown".into(), 2, 2)]);
    let products = records::products(&mut db.read(), W, 10).await.unwrap();
    assert_eq!(products, [("a".into(), None, 2, 0), ("b".into(), None, 1, 0)]);
    let histogram = records::histogram(&mut db.read(), W, &["a".into()]).await.unwrap();
    let day = NOW.utc_day();
    assert_eq!(histogram, [("a".into(), "hidden".into(), day, 4, 1), ("a".into(), "shown".into(), day, 5, 1)]);
    assert_eq!(
        records::by_others(&mut db.read(), W, "a", &[Handle(8)]).await.unwrap(),
        (1, 5),
        "what is hidden is no measure"
    );
}

#[db_test(MIGRATIONS)]
async fn neighbours_of_a_burst_are_looked_at_again(db: TestDatabase) {
    tell(&db, &[review(1, "a", 5), review(2, "a", 4), review(3, "b", 1)]).await;
    for number in 1..=3 {
        assert!(judge(&db, &row(&db, number).await, 0).await);
    }
    assert!(decide(&db, 2, State::Shown).await);
    let span = (NOW, NOW.plus(Timestamp::HOUR));
    assert_eq!(records::count_between(&mut db.read(), W, "a", span).await.unwrap(), 2);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert_eq!(records::judge_again(&mut tx, W, "a", span, NOW).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(records::to_judge(&mut db.read(), NOW, 10).await.unwrap(), [(W, [1; 16])]);
}

#[db_test(MIGRATIONS)]
async fn texts_alike_are_found_by_their_marks(db: TestDatabase) {
    tell(&db, &[review(1, "a", 5), review(2, "b", 4), review(3, "b", 1)]).await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for (number, marks) in [(1u8, [7, -1]), (2, [8, -1]), (3, [9, 10])] {
        records::mark(&mut tx, W, ([number; 16], Handle(i64::from(number))), &marks).await.unwrap();
    }
    tx.commit().await.unwrap();
    let found = records::alike(&mut db.read(), W, &[-1, 5], 10).await.unwrap();
    assert_eq!(
        found.iter().map(|(id, who, product, _)| (id[0], who.0, product.as_str())).collect::<Vec<_>>(),
        [(1, 1, "a"), (2, 2, "b")]
    );
    assert_eq!(records::alike(&mut db.read(), OTHER, &[-1], 10).await.unwrap(), []);
    // Told anew, it is no longer found by what it said before.
    tell(&db, &[NewReview { event_id: [9; 16], written_at: NOW.plus(Timestamp::DAY), ..review(1, "a", 2) }]).await;
    assert_eq!(records::alike(&mut db.read(), W, &[7], 10).await.unwrap(), []);
}

#[db_test(MIGRATIONS)]
async fn lists_are_filtered_and_go_on_where_they_ended(db: TestDatabase) {
    tell(
        &db,
        &(1..=5)
            .map(|number| review(number, if number < 4 { "a" } else { "b" }, i64::from(number)))
            .collect::<Vec<_>>(),
    )
    .await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert!(records::answer(&mut tx, W, [2; 16], Some("Thank you"), ("usr_1", NOW)).await.unwrap());
    assert!(!records::answer(&mut tx, OTHER, [2; 16], Some("x"), ("usr_1", NOW)).await.unwrap());
    tx.commit().await.unwrap();
    let ids = async |filter: Filter| -> Vec<u8> {
        let rows = records::list(&mut db.read(), W, &filter, 2).await.unwrap();
        rows.iter().map(|row| row.event_id[0]).collect()
    };
    let of_a = Filter { product: Some("a".into()), ..Filter::default() };
    assert_eq!(ids(of_a.clone()).await, [3, 2]);
    assert_eq!(ids(Filter { after: Some((row(&db, 2).await.written_at, [2; 16])), ..of_a.clone() }).await, [1]);
    assert_eq!(ids(Filter { answered: Some(true), ..of_a.clone() }).await, [2]);
    assert_eq!(ids(Filter { answered: Some(false), ..of_a }).await, [3, 1]);
    assert_eq!(ids(Filter { rating: Some(4), state: Some("new".into()), ..Filter::default() }).await, [4]);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert!(records::answer(&mut tx, W, [2; 16], None, ("usr_1", NOW)).await.unwrap());
    tx.commit().await.unwrap();
    let taken_back = row(&db, 2).await;
    assert_eq!((taken_back.answer, taken_back.answered_at, taken_back.answered_by), (None, None, None));
}

/// The stars stay and are nobody's; what could lead to the person is gone.
#[db_test(MIGRATIONS)]
async fn of_whoever_is_forgotten_the_stars_stay(db: TestDatabase) {
    tell(&db, &[review(1, "a", 5), review(2, "a", 4)]).await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::mark(&mut tx, W, ([1; 16], Handle(1)), &[7]).await.unwrap();
    records::answer(&mut tx, W, [1; 16], Some("Thank you, Ann"), ("usr_1", NOW)).await.unwrap();
    let tables = Tables::of(&[DATA_MAP]).unwrap();
    let ann = Subject { workspace: W, person: PersonId(1), handles: vec![Handle(1)] };
    tables.erase(&mut tx, &ann).await.unwrap();
    tx.commit().await.unwrap();
    let left = row(&db, 1).await;
    assert_eq!((left.handle, left.rating, left.answer), (Handle(0), 5, None));
    assert_eq!(records::alike(&mut db.read(), W, &[7], 10).await.unwrap(), []);
    assert_eq!(records::reviewers(&mut db.read(), W, "a", 10).await.unwrap(), [(Handle(2),)]);
    assert_eq!(records::own(&mut db.read(), W, &[Handle(2)]).await.unwrap(), [(row(&db, 2).await.written_at, 4)]);
    tell(&db, &[NewReview { handle: Handle(2), ..review(3, "b", 3) }, review(4, "c", 3)]).await;
    let of =
        async |workspace, handles: &[Handle]| records::products_of(&mut db.read(), workspace, handles).await.unwrap();
    assert_eq!(
        (of(W, &[Handle(2)]).await, of(W, &[Handle(1), Handle(9)]).await),
        (vec!["a".to_owned(), "b".to_owned()], vec![])
    );
    assert_eq!(of(OTHER, &[Handle(2)]).await, Vec::<String>::new());
}
