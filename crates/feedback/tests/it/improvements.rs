//! Improvements as they are stored, on both engines, and their effect against the slow way.

use proptest::prelude::*;
use rapport_domain::{ManualClock, PersonId, SeededRng, Timestamp, WorkspaceId};
use rapport_feedback::Error;
use rapport_feedback::improvements::effect::{Stretches, Text, effect};
use rapport_feedback::improvements::records::{self, ImprovementRow};
use rapport_feedback::improvements::service::{self, Written};
use rapport_feedback::improvements::{DATA_MAP, MIGRATIONS, State};
use rapport_models::survey::Confidence;
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const NOW: Timestamp = Timestamp(1_780_000_000_000_000);
const DAY: i64 = Timestamp::DAY;

fn written() -> Written {
    Written {
        title: "Parcels come in time".to_owned(),
        phrases: vec!["late parcel".to_owned()],
        score: Some(("nps".to_owned(), "nps".to_owned())),
        owner: Some("usr_a".to_owned()),
    }
}

async fn propose(db: &TestDatabase, written: Written) -> Result<ImprovementRow, Error> {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let (clock, rng) = (ManualClock::at(NOW), SeededRng::new(7));
    let row = service::propose(&mut tx, W, (&clock, &rng), written, "usr_a").await?;
    tx.commit().await.unwrap();
    Ok(row)
}

async fn go(
    db: &TestDatabase,
    row: &ImprovementRow,
    to: State,
    text: &str,
    at: Option<Timestamp>,
) -> Result<ImprovementRow, Error> {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let next = service::go(&mut tx, W, (&row.id, row.revision), (to, text, at), ("usr_b", NOW.plus(DAY))).await?;
    tx.commit().await.unwrap();
    Ok(next)
}

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
}

#[db_test(MIGRATIONS)]
async fn from_a_proposal_to_what_came_of_it(db: TestDatabase) {
    let row = propose(&db, written()).await.unwrap();
    assert!(matches!(go(&db, &row, State::Measured, "Good", None).await, Err(Error::Work(_))));
    let decided = go(&db, &row, State::Decided, "Another carrier", None).await.unwrap();
    assert!(matches!(go(&db, &row, State::Dropped, "", None).await, Err(Error::Stale { found: 2, .. })));
    assert!(
        matches!(go(&db, &decided, State::Changed, "", None).await, Err(Error::Invalid { place, .. }) if place == "text")
    );
    let late = go(&db, &decided, State::Changed, "Changed it", Some(NOW.plus(2 * DAY))).await;
    assert!(matches!(late, Err(Error::Invalid { place, .. }) if place == "changed_at"));
    let changed = go(&db, &decided, State::Changed, "Changed the carrier", Some(NOW)).await.unwrap();
    assert!(go(&db, &changed, State::Measured, " ", None).await.is_err());
    let measured = go(&db, &changed, State::Measured, "Half as many", None).await.unwrap();
    let again = go(&db, &measured, State::Changed, "", None).await.unwrap();
    assert_eq!(
        (again.decision.as_str(), again.change.as_str(), again.conclusion.as_str(), again.changed_at),
        ("Another carrier", "Changed the carrier", "Half as many", Some(NOW))
    );
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let edited = Written { title: "Parcels\nin time".to_owned(), score: None, owner: None, ..written() };
    let by = ("usr_b", NOW.plus(DAY));
    let edited = service::edit(&mut tx, W, (&again.id, again.revision), edited, by).await.unwrap();
    let noted = service::note(&mut tx, W, (&edited.id, edited.revision), "Ask the carrier", by).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        (noted.title.as_str(), noted.survey.as_deref(), noted.owner.as_deref()),
        ("Parcels in time", None, None)
    );
    let lines = records::lines(&mut db.read(), W, &row.id).await.unwrap();
    assert_eq!(
        lines.iter().map(|it| it.act.as_str()).collect::<Vec<_>>(),
        ["proposed", "decided", "changed", "measured", "changed", "edited", "noted"]
    );
    assert_eq!(records::all(&mut db.read(), W).await.unwrap(), [noted]);
    assert_eq!(records::all(&mut db.read(), OTHER).await.unwrap(), []);
    for bad in [
        Written { title: " ".to_owned(), ..written() },
        Written { phrases: vec![], ..written() },
        Written { phrases: vec!["?!".to_owned()], ..written() },
    ] {
        assert!(propose(&db, bad).await.is_err());
    }
}

#[test]
fn stretches_are_as_long_as_has_passed() {
    assert_eq!(Stretches::new(NOW.plus(-6 * DAY), 90, NOW), None);
    let half = Stretches::new(NOW.plus(-30 * DAY), 90, NOW).unwrap();
    assert_eq!((half.from(), half.to()), (NOW.plus(-60 * DAY), NOW));
    assert_eq!(Stretches::new(NOW.plus(-300 * DAY), 90, NOW).unwrap().length, 90 * DAY);
}

proptest! {
    /// Text by text and person by person, in the most obvious way.
    #[test]
    fn an_effect_is_that_of_the_slow_way(
        texts in proptest::collection::vec((1_i64..15, -25_i64..25, any::<bool>()), 0..60),
        paid in proptest::collection::vec((1_i64..15, -25_i64..25, 1_i64..90), 0..60),
    ) {
        let stretches = Stretches { changed_at: NOW, length: 20 * DAY };
        let at = |days: i64| NOW.plus(days * DAY);
        let texts: Vec<Text> =
            texts.iter().map(|it| Text { person: PersonId(it.0), at: at(it.1), has_theme: it.2 }).collect();
        let paid: Vec<(PersonId, Timestamp, i64)> = paid.iter().map(|it| (PersonId(it.0), at(it.1), it.2)).collect();
        let read = effect(&texts, &paid, stretches, Confidence::default());
        let count = |from: i64, to: i64, theme: Option<bool>| texts.iter()
            .filter(|it| it.at >= at(from) && it.at < at(to) && theme.is_none_or(|theme| it.has_theme == theme)).count() as u64;
        prop_assert_eq!((read.before.texts, read.before.with_theme), (count(-20, 0, None), count(-20, 0, Some(true))));
        prop_assert_eq!((read.after.texts, read.after.with_theme), (count(0, 20, None), count(0, 20, Some(true))));
        if let Some(change) = read.share_change {
            let share = |of: &rapport_feedback::improvements::effect::Volume| of.with_theme as f64 / of.texts as f64;
            prop_assert!((change.estimate - (share(&read.after) - share(&read.before))).abs() < 1e-9);
            prop_assert!(change.low <= change.estimate && change.estimate <= change.high);
        } else {
            prop_assert!(read.before.texts == 0 || read.after.texts == 0);
        }
        let (mut groups, mut changes) = ([[0_i64; 5], [0; 5]], [Vec::new(), Vec::new()]);
        for person in (1..15).map(PersonId) {
            let mine = |theme: bool| texts.iter().any(|it| it.person == person && it.at >= at(-20) && it.at < at(0) && it.has_theme == theme);
            let group = if mine(true) { 0 } else if mine(false) { 1 } else { continue };
            let sum = |from: i64, to: i64| {
                let own: Vec<i64> = paid.iter().filter(|it| it.0 == person && it.1 >= at(from) && it.1 < at(to)).map(|it| it.2).collect();
                (i64::from(!own.is_empty()), own.iter().sum::<i64>())
            };
            let (before, after) = (sum(-20, 0), sum(0, 20));
            for (place, value) in [1, before.0, after.0, before.1, after.1].into_iter().enumerate() {
                groups[group][place] += value;
            }
            changes[group].push((after.1 - before.1) as f64);
        }
        for (found, [people, bought_before, bought_after, spent_before, spent_after]) in [(&read.affected, groups[0]), (&read.others, groups[1])] {
            prop_assert_eq!(found.people, people as u64);
            let mean = |sum: i64| (people > 0).then(|| sum as f64 / people as f64);
            prop_assert_eq!(found.bought_before.map(|it| it.estimate), mean(bought_before));
            prop_assert_eq!(found.bought_after.map(|it| it.estimate), mean(bought_after));
            prop_assert_eq!((found.spent_before, found.spent_after), (mean(spent_before), mean(spent_after)));
        }
        if let Some(change) = read.spent_change {
            let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
            prop_assert!((change.estimate - (mean(&changes[0]) - mean(&changes[1]))).abs() < 1e-6);
        }
        prop_assert!(read.few_people);
    }
}
