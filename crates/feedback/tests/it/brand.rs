//! The way to a brand: every step beside everybody who answered, looked at one by one; and what is read of a survey.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::records::picked::{PickedRow, picked};
use rapport_feedback::records::responses::{COMPLETED, PARTIAL, ResponseRow};
use rapport_feedback::records::{answers, responses};
use rapport_feedback::results::brand::{Part, Way, brands};
use rapport_feedback::survey::{Answers, Given};
use rapport_feedback::{MIGRATIONS, gallery};
use rapport_models::survey::{Confidence, share};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const STEPS: [&str; 3] = ["aided", "considered", "bought"];
const BRANDS: [&str; 2] = ["us", "brand_a"];

/// Somebody: in which wave, and by question which brands they chose; of `none` they said so, of nothing they skipped it.
type Somebody = (i64, [BTreeSet<&'static str>; 3]);

fn way() -> Way {
    Way { steps: STEPS.map(str::to_owned).to_vec(), brands: BRANDS.map(str::to_owned).to_vec() }
}

fn rows(people: &[Somebody]) -> Vec<PickedRow> {
    let of = |(at, (wave, chosen)): (usize, &Somebody)| {
        let row = |(step, choices): (&str, &BTreeSet<&str>)| {
            let row = |choice: &&str| PickedRow {
                response: format!("r{at}"),
                wave: *wave,
                question: step.to_owned(),
                choice: (*choice).to_owned(),
            };
            choices.iter().map(row).collect::<Vec<_>>()
        };
        STEPS.into_iter().zip(chosen).flat_map(row).collect::<Vec<_>>()
    };
    people.iter().enumerate().flat_map(of).collect()
}

fn somebody() -> impl Strategy<Value = Somebody> {
    let chosen = || proptest::collection::btree_set(prop_oneof![Just("us"), Just("brand_a"), Just("none")], 0..3);
    (1_i64..4, [chosen(), chosen(), chosen()])
}

fn same(found: Part, hits: u64, of: u64) -> f64 {
    let wanted = share(hits, of, Confidence::default()).unwrap();
    assert_eq!((found.hits, found.score.answers), (hits, of));
    assert_eq!((found.score.estimate, (found.score.low, found.score.high)), wanted);
    wanted.0
}

proptest! {
    #[test]
    fn a_step_is_whoever_chose_the_brand_there_and_before(people in proptest::collection::vec(somebody(), 0..60)) {
        let found = brands(&way(), &rows(&people), Confidence::default());
        let known: Vec<&Somebody> = people.iter().filter(|it| !it.1[0].is_empty()).collect();
        let waves: BTreeSet<i64> = known.iter().map(|it| it.0).collect();
        prop_assert_eq!(found.len(), 2);
        for brand in &found {
            let at = |who: &Somebody, step: usize| (0..=step).all(|it| who.1[it].contains(brand.key.as_str()));
            prop_assert_eq!(brand.waves.iter().map(|it| it.wave.unwrap()).collect::<BTreeSet<_>>(), waves.clone());
            let mut before: BTreeMap<usize, (f64, Option<f64>)> = BTreeMap::new();
            for it in brand.waves.iter().chain([&brand.total]) {
                let own: Vec<&&Somebody> = known.iter().filter(|who| it.wave.is_none_or(|wave| who.0 == wave)).collect();
                let count = |step: usize| own.iter().filter(|who| at(who, step)).count() as u64;
                prop_assert_eq!(it.answered, own.len() as u64);
                prop_assert_eq!(it.steps.len(), if own.is_empty() { 0 } else { 3 });
                for (step, found) in it.steps.iter().enumerate() {
                    let share = same(found.share, count(step), own.len() as u64);
                    let of = if step == 0 { 0 } else { count(step - 1) };
                    prop_assert_eq!(found.conversion.is_some(), of > 0);
                    let conversion = found.conversion.map(|it| same(it, count(step), of));
                    let then = it.wave.and_then(|_| before.insert(step, (share, conversion)));
                    let changed = |now: Option<f64>, then: Option<f64>, part: Option<Part>| {
                        let wanted = now.zip(then).map(|(now, then)| now - then);
                        let found = part.and_then(|it| it.change);
                        prop_assert_eq!(wanted.is_some(), found.is_some());
                        if let (Some(wanted), Some(found)) = (wanted, found) {
                            prop_assert!((found.difference.estimate - wanted).abs() < 1e-12);
                            prop_assert!(found.difference.low <= wanted && wanted <= found.difference.high);
                        }
                        Ok(())
                    };
                    changed(Some(share), then.map(|it| it.0), Some(found.share))?;
                    changed(conversion, then.and_then(|it| it.1), found.conversion)?;
                }
            }
        }
    }
}

#[test]
fn a_doubling_between_waves_is_a_finding_and_what_stayed_is_none() {
    let people = |wave: i64, know: usize, buy: usize| {
        let chosen = move |at: usize| {
            let of = |is: bool| if is { BTreeSet::from(["us"]) } else { BTreeSet::from(["none"]) };
            (wave, [of(at < know), of(at < know), of(at < buy)])
        };
        (0..200).map(chosen).collect::<Vec<Somebody>>()
    };
    let all = [people(1, 60, 20), people(2, 120, 40)].concat();
    let found = brands(&way(), &rows(&all), Confidence::default());
    let last = &found[0].waves[1];
    let [known, considered, bought] = &last.steps[..] else { panic!("three steps") };
    assert!(known.share.change.unwrap().q < 0.001 && known.share.change.unwrap().difference.low > 0.1);
    assert!(considered.conversion.unwrap().change.unwrap().q > 0.9, "all of them both times");
    assert!((bought.conversion.unwrap().change.unwrap().difference.estimate).abs() < 1e-12);
}

#[test]
fn the_way_is_that_of_the_usual_questions_or_of_named_ones() {
    let ready = gallery::ready("brand_tracking").unwrap().survey;
    let usual = Way::of(&ready, None, None).unwrap();
    assert_eq!(usual.steps, ["aided", "familiar", "considered", "bought", "recommended"]);
    assert_eq!(usual.brands, ["us", "brand_a", "brand_b"]);
    let named = Way::of(&ready, Some(&["aided", "bought"]), Some("brand_b")).unwrap();
    assert_eq!((named.steps.len(), named.brands), (2, vec!["brand_b".to_owned(), "us".into(), "brand_a".into()]));
    assert_eq!(Way::of(&ready, Some(&["aided", "trust"]), None), Err("trust".to_owned()), "is a matrix");
    assert_eq!(Way::of(&ready, Some(&["aided", "gone"]), None), Err("gone".to_owned()));
    assert_eq!(Way::of(&ready, Some(&["aided", "aided"]), None), Err(String::new()));
    assert_eq!(Way::of(&ready, None, Some("none")), Err("none".to_owned()), "is no brand");
    assert!(Way::is_asked(&ready) && !Way::is_asked(&gallery::ready("nps").unwrap().survey));
}

#[db_test(MIGRATIONS)]
async fn what_was_chosen_is_read_whole_or_not_at_all(db: TestDatabase) {
    let ready = gallery::ready("brand_tracking").unwrap().survey;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let at = |day: i64| Timestamp::from_seconds(1_700_000_000).plus(day * Timestamp::DAY);
    let cases = [
        (W, 1, 1, COMPLETED),
        (W, 1, 2, COMPLETED),
        (W, 1, 3, PARTIAL),
        (W, 2, 4, COMPLETED),
        (OTHER, 1, 5, COMPLETED),
    ];
    for (workspace, survey, day, state) in cases {
        let row = ResponseRow {
            id: format!("rsp_{day}"),
            survey,
            version: 1,
            wave: day,
            invitation: None,
            origin: Some(format!("o{day}")),
            source: "link".to_owned(),
            state: state.to_owned(),
            handle: None,
            person: None,
            language: "en".to_owned(),
            channel: None,
            touchpoint: None,
            product: None,
            agent: None,
            subject: None,
            page: 0,
            started_at: at(day),
            updated_at: at(day),
            completed_at: None,
        };
        responses::insert(&mut tx, workspace, &row).await.unwrap();
        let chosen = |key: &str| Given { part: key.to_owned(), choice: Some(key.to_owned()), ..Given::default() };
        let given = Answers::from([
            ("aided".to_owned(), vec![chosen("us"), chosen("brand_a")]),
            ("bought".to_owned(), vec![chosen("us")]),
            ("unaided".to_owned(), vec![Given { text: Some("us".to_owned()), ..Given::default() }]),
        ]);
        answers::write(&mut tx, workspace, &row, &ready, &given, at(day)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let questions = STEPS.map(str::to_owned);
    let read = async |limit: i64| {
        let (rows, is_cut) = picked(&mut db.read(), W, (1, &questions), (at(0), at(9)), limit).await.unwrap();
        (rows.iter().map(|it| (it.wave, it.question.clone(), it.choice.clone())).collect::<Vec<_>>(), is_cut)
    };
    let one = |day: i64| [(day, "aided", "brand_a"), (day, "aided", "us"), (day, "bought", "us")];
    let wanted = |days: &[i64]| {
        let rows = days.iter().flat_map(|day| one(*day)).map(|it| (it.0, it.1.to_owned(), it.2.to_owned()));
        rows.collect::<Vec<_>>()
    };
    assert_eq!(read(100).await, (wanted(&[2, 1]), false));
    assert_eq!(read(5).await, (wanted(&[2]), true));
    let (none, _) = picked(&mut db.read(), W, (1, &questions), (at(5), at(9)), 9).await.unwrap();
    assert_eq!(none, []);
}
