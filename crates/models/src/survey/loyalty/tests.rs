//! The loyalty index against sums made by hand, and bad input.

use proptest::prelude::*;

use super::*;
use crate::resampling::Draws;

fn measure(facet: Facet, source: Source, scaling: Scaling) -> Measure {
    Measure { facet, source, scaling, weight: 1.0 }
}

fn rating(facet: Facet) -> Measure {
    measure(facet, Source::Said, Scaling::Between { worst: 1.0, best: 5.0 })
}

/// A rating of quality, one of service, whether they recommend, orders and visits.
fn index() -> Index {
    Index::new(vec![
        rating(Facet::ProductQuality),
        rating(Facet::ServiceExperience),
        measure(Facet::Attitude, Source::Said, Scaling::Between { worst: 0.0, best: 10.0 }),
        measure(Facet::Behaviour, Source::Done, Scaling::Half { half: 4.0 }),
        measure(Facet::Engagement, Source::Done, Scaling::Half { half: 10.0 }),
    ])
}

fn persons(n: usize, seed: u64) -> Vec<Vec<Option<f64>>> {
    let mut draws = Draws::new(seed);
    let person = |_| {
        let like = draws.below(5) as f64;
        let mut near = |top: f64| (like + draws.below(3) as f64 - 1.0).clamp(0.0, 4.0) / 4.0 * top;
        vec![Some(1.0 + near(4.0)), Some(1.0 + near(4.0)), Some(near(10.0)), Some(near(8.0)), Some(near(20.0))]
    };
    (0..n).map(person).collect()
}

/// By hand: 75, 50, 80 and, of what they do, 4 orders for 50 and 30 visits for 75; each a fifth.
#[test]
fn a_person_by_hand() {
    let row = vec![Some(4.0), Some(3.0), Some(8.0), Some(4.0), Some(30.0)];
    let found = index().read(&[row.clone(), row], 0.05, (10, 1)).unwrap();
    let it = &found.persons[0];
    assert_eq!(it.facets, [Some(75.0), Some(50.0), None, Some(75.0), Some(50.0), Some(80.0)]);
    assert!((it.index.unwrap() - 66.0).abs() < 1e-12 && (it.known - 1.0).abs() < 1e-12);
    assert!((it.said.unwrap() - 205.0 / 3.0).abs() < 1e-12 && it.done == Some(62.5));
    assert_eq!(found.weights, [0.2, 0.2, 0.0, 0.2, 0.2, 0.2]);
    // Without attitude: the mean of the other four.
    assert!((found.without[5].unwrap() - 62.5).abs() < 1e-12 && found.without[2].is_none());
    assert_eq!((found.kinds.as_ref().unwrap().loyal.value, found.unknown), (1.0, 0));
    assert_eq!(found.together, None);
}

#[test]
fn what_is_not_known_is_said_and_its_weight_goes_to_the_rest() {
    let mut index = index();
    index.weights = [2.0, 1.0, 5.0, 1.0, 4.0, 2.0];
    let rows = vec![
        vec![Some(5.0), None, None, Some(0.0), None],
        vec![Some(5.0), Some(5.0), Some(10.0), Some(1e9), Some(1e9)],
        vec![None, Some(1.0), None, None, None],
        vec![None; 5],
    ];
    let found = index.read(&rows, 0.05, (50, 1)).unwrap();
    // Of 10 parts 2 are 100 and 4 are 0.
    assert!(
        (found.persons[0].index.unwrap() - 100.0 / 3.0).abs() < 1e-9 && (found.persons[0].known - 0.6).abs() < 1e-12
    );
    assert!((found.persons[1].index.unwrap() - 100.0).abs() < 1e-5);
    assert_eq!((found.persons[2].index, found.persons[2].said, found.unknown), (None, Some(0.0), 2));
    assert_eq!((found.all.persons, found.complete.as_ref().unwrap().persons), (2, 1));
    assert_eq!(found.facets[1].as_ref().unwrap().persons, 2);
    assert_eq!((found.persons[3].known, found.persons[3].said), (0.0, None));
    let kinds = found.kinds.unwrap();
    assert_eq!((kinds.persons, kinds.loyal.value, kinds.said_only.value), (2, 0.5, 0.5));
}

#[test]
fn what_is_no_index_has_its_reason() {
    let rows = persons(20, 1);
    let read = |change: &dyn Fn(&mut Index)| {
        let mut it = index();
        change(&mut it);
        it.read(&rows, 0.05, (10, 1)).unwrap_err()
    };
    assert!(matches!(read(&|it| it.weights = [0.0; 6]), Fault::NotIdentified { .. }));
    assert_eq!(read(&|it| it.weights[3] = -1.0), Fault::Negative { row: vec![3] });
    assert_eq!(read(&|it| it.measures[1].weight = f64::NAN), Fault::NotFinite { row: vec![1] });
    assert_eq!(
        read(&|it| it.measures[0].scaling = Scaling::Between { worst: 2.0, best: 2.0 }),
        Fault::NotFinite { row: vec![0] }
    );
    assert!(matches!(read(&|it| it.measures.clear()), Fault::NotIdentified { .. }));
    assert!(matches!(index().read(&[vec![None; 4]], 0.05, (10, 1)), Err(Fault::Shape { .. })));
    assert!(matches!(index().read(&[], 0.05, (10, 1)), Err(Fault::TooFew { .. })));
    let odd = [vec![Some(f64::INFINITY), None, None, None, None]];
    assert_eq!(index().read(&odd, 0.05, (10, 1)), Err(Fault::NotFinite { row: vec![0] }));
}

/// Of 200 samples of 80 persons, the interval holds the mean of everybody as often as it claims, within 1 in 1,000: 178 to 199 of 200.
#[test]
fn intervals_hold_the_mean_of_everybody() {
    let everybody = index().read(&persons(20_000, 99), 0.05, (0, 1)).unwrap();
    let (mut all, mut together) = (0, 0);
    for seed in 0..200 {
        let found = index().read(&persons(80, 1_000 + seed), 0.05, (200, seed)).unwrap();
        all += usize::from(found.all.mean.interval().holds(everybody.all.mean.value));
        together += usize::from(found.together.unwrap().interval().holds(everybody.together.unwrap().value));
    }
    assert!((178..=199).contains(&all) && (178..=199).contains(&together), "{all} {together}");
}

proptest! {
    #[test]
    fn indices_stay_between_their_ends(cells in prop::collection::vec(prop::option::of(prop_oneof![3 => -20.0..20.0f64, 1 => -1e300..1e300f64]), 5 * 8), weights in prop::array::uniform6(0.0..1e300f64)) {
        let rows: Vec<Vec<Option<f64>>> = cells.chunks(5).map(<[Option<f64>]>::to_vec).collect();
        let index = Index { weights, ..index() };
        if let Ok(found) = index.read(&rows, 0.05, (10, 1)) {
            for it in &found.persons {
                for value in it.facets.iter().chain([&it.index, &it.said, &it.done]).flatten() {
                    prop_assert!((-1e-9..=100.0 + 1e-9).contains(value), "{value}");
                }
            }
            prop_assert!((found.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let it = found.all.mean;
            prop_assert!(it.low.is_finite() && it.low <= it.high);
        }
    }
}
