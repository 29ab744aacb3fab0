//! Complaints as they are stored, on both engines: told once, steps in any order, whose they are, lists, figures, and what erasure leaves.

use rapport_domain::{BusinessHours, Handle, PersonId, SourceId, Timestamp, WorkspaceId, business_hours::Plan};
use rapport_feedback::complaints::figures::{Targets, figures};
use rapport_feedback::complaints::records::{self, By, ComplaintRow, Filter, NewComplaint, Sorted, StepRow};
use rapport_feedback::complaints::settings::Settings;
use rapport_feedback::complaints::{Channel, DATA_MAP, Kind, MIGRATIONS, State, Step};
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};

use rapport_feedback::MIGRATIONS as FEEDBACK;

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const NOW: Timestamp = Timestamp(1_780_000_000_000_000);
const HOUR: i64 = Timestamp::HOUR;

fn complaint(number: u8, person: i64) -> NewComplaint {
    NewComplaint {
        event_id: [number; 16],
        source: SourceId(1),
        complaint_key: format!("c{number}"),
        who: (Handle(person * 10), PersonId(person)),
        kind: Kind::Complaint,
        subject: String::new(),
        channel: Channel::Form,
        is_public: false,
        url: None,
        author: None,
        reach: None,
        rating: None,
        sorted: Sorted { category: Some("delivery".into()), severity: 2, ..Sorted::default() },
        product_id: None,
        order_id: Some("o-1".into()),
        opened_at: NOW.plus(i64::from(number) * HOUR),
    }
}

async fn tell(db: &TestDatabase, all: &[NewComplaint]) -> Vec<bool> {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let mut new = Vec::new();
    for one in all {
        new.push(records::tell(&mut tx, W, one, NOW).await.unwrap());
    }
    tx.commit().await.unwrap();
    new
}

async fn row(db: &TestDatabase, number: u8) -> ComplaintRow {
    records::find(&mut db.read(), W, [number; 16]).await.unwrap().unwrap()
}

async fn step(db: &TestDatabase, number: u8, step: Step, hours: i64, is_public: bool) -> bool {
    let row = row(db, number).await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let step = StepRow {
        event_id: row.event_id,
        at: NOW.plus(hours * HOUR),
        step: step.as_str().into(),
        is_public,
        told_by: "usr_1".into(),
        text: Some("We are sorry, Ann".into()),
    };
    let new = records::step(&mut tx, W, &row, &step).await.unwrap();
    tx.commit().await.unwrap();
    new
}

fn numbers(rows: &[ComplaintRow]) -> Vec<u8> {
    rows.iter().map(|row| row.event_id[0]).collect()
}

#[db_test(FEEDBACK, MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let maps = [rapport_store::DATA_MAP, rapport_feedback::DATA_MAP, DATA_MAP];
    assert_eq!(rapport_store::data_map::differences(&db, &maps).await.unwrap(), Vec::<String>::new());
    assert_eq!(rapport_store::data_map::lax_tables(&db).await.unwrap(), Vec::<String>::new());
}

#[db_test(FEEDBACK, MIGRATIONS)]
async fn one_is_told_once_and_becomes_somebodys(db: TestDatabase) {
    let nobodys = NewComplaint { who: (Handle(0), PersonId(0)), ..complaint(1, 0) };
    let same_name = NewComplaint { event_id: [9; 16], ..complaint(1, 3) };
    assert_eq!(tell(&db, &[nobodys, complaint(1, 7), same_name, complaint(2, 7)]).await, [true, false, false, true]);
    let first = row(&db, 1).await;
    assert_eq!((first.handle, first.person, first.state.as_str()), (Handle(70), PersonId(7), "open"));
    assert_eq!(records::named(&mut db.read(), W, SourceId(1), "c1").await.unwrap(), Some([1; 16]));
    assert_eq!(records::named(&mut db.read(), OTHER, SourceId(1), "c1").await.unwrap(), None);
    // Whose it is does not change by being told for somebody else.
    tell(&db, &[complaint(1, 8)]).await;
    assert_eq!(row(&db, 1).await.person, PersonId(7));

    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let moved = [(Handle(70), PersonId(7), PersonId(5)), (Handle(80), PersonId(8), PersonId(5))];
    assert_eq!(records::follow(&mut tx, W, &moved).await.unwrap(), [PersonId(5), PersonId(7)]);
    records::rename(&mut tx, W, [2; 16], [20; 16]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(row(&db, 20).await.person, PersonId(5));
    let of = records::of_persons(&mut db.read(), W, &[PersonId(5), PersonId(7)]).await.unwrap();
    assert_eq!(
        of.iter().map(|it| (it.0, it.2)).collect::<Vec<_>>(),
        [(PersonId(5), NOW.plus(HOUR)), (PersonId(5), NOW.plus(2 * HOUR))]
    );
}

#[db_test(FEEDBACK, MIGRATIONS)]
async fn where_one_stands_follows_from_its_steps_in_any_order(db: TestDatabase) {
    tell(&db, &[complaint(1, 1), complaint(2, 1)]).await;
    assert!(step(&db, 1, Step::Resolved, 5, false).await);
    assert!(!step(&db, 1, Step::Resolved, 5, false).await, "the same again changes nothing");
    // Heard of late, and earlier.
    assert!(step(&db, 1, Step::Answered, 3, true).await && step(&db, 1, Step::Continued, 8, false).await);
    let found = row(&db, 1).await;
    assert_eq!((found.state.as_str(), found.reopened, found.resolved_at), ("reopened", 1, None));
    assert_eq!((found.first_answer_at, found.public_answer_at), (Some(NOW.plus(3 * HOUR)), Some(NOW.plus(3 * HOUR))));
    assert_eq!(found.first_resolved_at, Some(NOW.plus(5 * HOUR)));
    let steps = records::steps(&mut db.read(), W, [1; 16]).await.unwrap();
    assert_eq!(steps.iter().map(|it| it.step.as_str()).collect::<Vec<_>>(), ["answered", "resolved", "continued"]);
    assert_eq!(records::steps(&mut db.read(), OTHER, [1; 16]).await.unwrap(), []);
    assert_eq!(
        records::states(&mut db.read(), W).await.unwrap(),
        [
            ("complaint".into(), String::new(), "open".into(), 1),
            ("complaint".into(), String::new(), "reopened".into(), 1)
        ]
    );
    let span = (NOW, NOW.plus(90 * HOUR));
    let (all, is_cut) = records::observed(&mut db.read(), W, span, By::Category, 10).await.unwrap();
    assert!(!is_cut && all.iter().all(|it| it.0.as_deref() == Some("delivery")));
    let observed: Vec<_> = all.into_iter().map(|it| it.1).collect();
    let hours = BusinessHours::new(&Plan::always("UTC")).unwrap();
    let found = figures(&observed, &hours, &Targets::default(), NOW.plus(10 * HOUR));
    // Open from 1 to 5 and from 8 on; the other from 2 on.
    assert_eq!((found.states, found.repeats.repeated), ([1, 0, 0, 1], 1));
    assert_eq!(
        (found.first_answer.mean_of_done, found.first_resolution.mean_of_done),
        (Some(2 * HOUR), Some(4 * HOUR))
    );
    assert_eq!((found.resolution.done, found.resolution.waiting, found.public.all), (0, 2, 0));
    assert!(records::observed(&mut db.read(), W, span, By::Severity, 1).await.unwrap().1, "one was left out");
    assert_eq!(records::observed(&mut db.read(), OTHER, span, By::Severity, 9).await.unwrap().0, []);
}

#[db_test(FEEDBACK, MIGRATIONS)]
async fn lists_are_filtered_and_go_on_where_they_ended(db: TestDatabase) {
    let theirs = NewComplaint {
        kind: Kind::Mention,
        subject: "Rival".into(),
        is_public: true,
        channel: Channel::ReviewSite,
        rating: Some(2),
        ..complaint(4, 0)
    };
    let sorted = Sorted { category: Some("price".into()), severity: 4, ..Sorted::default() };
    let other = NewComplaint { sorted, product_id: Some("p".into()), ..complaint(3, 2) };
    tell(&db, &[complaint(1, 1), complaint(2, 1), other, theirs]).await;
    step(&db, 2, Step::Resolved, 9, false).await;
    let list = async |filter: Filter| numbers(&records::list(&mut db.read(), W, &filter, 9).await.unwrap());
    let all = Filter::default;
    assert_eq!(list(all()).await, [4, 3, 2, 1]);
    assert_eq!(list(Filter { subject: Some(String::new()), ..all() }).await, [3, 2, 1]);
    assert_eq!(list(Filter { subject: Some("Rival".into()), is_public: Some(true), ..all() }).await, [4]);
    assert_eq!(list(Filter { is_open: Some(true), kind: Some(Kind::Complaint), ..all() }).await, [3, 1]);
    assert_eq!(list(Filter { is_open: Some(false), ..all() }).await, [2]);
    assert_eq!(list(Filter { state: Some(State::Resolved), person: Some(PersonId(1)), ..all() }).await, [2]);
    assert_eq!(list(Filter { severity: Some(4), category: Some("price".into()), ..all() }).await, [3]);
    assert_eq!(list(Filter { product_id: Some("p".into()), channel: Some(Channel::Form), ..all() }).await, [3]);
    let (from, before) = (Some(NOW.plus(2 * HOUR)), Some(NOW.plus(3 * HOUR)));
    assert_eq!(list(Filter { from, before, ..all() }).await, [2]);
    assert_eq!(list(Filter { after: Some((NOW.plus(3 * HOUR), [3; 16])), ..all() }).await, [2, 1]);
    let span = (NOW, NOW.plus(90 * HOUR));
    let ours = records::observed(&mut db.read(), W, span, By::Channel, 10).await.unwrap().0;
    assert_eq!(ours.len(), 3, "competitors are not counted as ours");
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let sorted = Sorted { cost: Some(("EUR".into(), 5)), severity: 1, ..Sorted::default() };
    assert!(records::sort(&mut tx, W, [1; 16], &sorted).await.unwrap());
    assert!(!records::sort(&mut tx, OTHER, [1; 16], &sorted).await.unwrap());
    tx.commit().await.unwrap();
    let found = row(&db, 1).await;
    assert_eq!(
        (found.category, found.cost, found.currency.as_deref(), found.severity),
        (None, Some(5), Some("EUR"), 1)
    );
}

#[db_test(FEEDBACK, MIGRATIONS)]
async fn of_whoever_is_forgotten_it_stays_that_there_was_a_complaint(db: TestDatabase) {
    tell(&db, &[NewComplaint { url: Some("https://x.example/ann".into()), ..complaint(1, 1) }, complaint(2, 2)]).await;
    step(&db, 1, Step::Answered, 3, false).await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let ann = Subject { workspace: W, person: PersonId(1), handles: vec![Handle(10)] };
    Tables::of(&[DATA_MAP]).unwrap().erase(&mut tx, &ann).await.unwrap();
    tx.commit().await.unwrap();
    let left = row(&db, 1).await;
    assert_eq!((left.handle, left.person, left.url, left.order_id), (Handle(0), PersonId(0), None, None));
    assert_eq!((left.state.as_str(), left.category.as_deref()), ("answered", Some("delivery")));
    assert_eq!(records::steps(&mut db.read(), W, [1; 16]).await.unwrap()[0].text, None);
    assert_eq!(row(&db, 2).await.person, PersonId(2));
}

#[db_test(FEEDBACK, MIGRATIONS)]
async fn settings_are_saved_by_whoever_saw_the_last_ones(db: TestDatabase) {
    assert_eq!(records::settings(&mut db.read(), W).await.unwrap(), None);
    let mut changed = Settings::default();
    changed.categories.truncate(2);
    let save = async |revision: i64, settings: &Settings| {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let saved = records::save_settings(&mut tx, W, (settings, revision), ("usr_1", NOW)).await.unwrap();
        tx.commit().await.unwrap();
        saved
    };
    assert!(save(0, &changed).await && !save(0, &Settings::default()).await);
    assert!(save(1, &changed).await && !save(1, &Settings::default()).await);
    assert_eq!(records::settings(&mut db.read(), W).await.unwrap(), Some((changed, 2)));
}
