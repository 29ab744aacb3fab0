//! By hand, by counting, and by repetition.

use super::super::{Interaction, Popular};
use super::*;
use proptest::prelude::*;

fn histories(rows: &[(u32, u32)], persons: usize, items: usize) -> Histories {
    let row = |it: &(u32, u32)| Interaction { person: it.0, item: it.1, weight: 1.0 };
    Histories::of(&rows.iter().map(row).collect::<Vec<_>>(), persons, items).unwrap()
}

/// One person wants the items 1, 2 and 3 and is offered 1, 0, 3: hits at the places 1 and 3.
#[test]
fn one_list_by_hand() {
    let known = histories(&[(0, 4), (1, 0), (1, 1), (2, 1), (3, 3)], 4, 5);
    let split = Split { known, wanted: histories(&[(0, 1), (0, 2), (0, 3)], 4, 5), unreachable: 0 };
    let found = Evaluation::by(&split, 3, |_, _| vec![1, 0, 3, 2]).unwrap();
    let it = found.persons[0];
    assert_eq!((it.precision, it.recall, it.hit, it.reciprocal_rank), (2.0 / 3.0, 2.0 / 3.0, 1.0, 1.0));
    assert!((it.average_precision - (1.0 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
    assert!((it.ndcg - (1.0 + 0.5) / (1.0 + 1.0 / 3.0_f64.log2() + 0.5)).abs() < 1e-12);
    // Two of four persons had item 1, one each the others.
    assert!((it.novelty.unwrap() - (1.0 + 2.0 + 2.0) / 3.0).abs() < 1e-12);
    // 0 and 1 share one person of one and two; 3 shares none.
    assert!((it.diversity.unwrap() - (1.0 - 0.5_f64.sqrt() / 3.0)).abs() < 1e-12);
    assert_eq!((found.coverage, it.known), (0.6, 1));
    assert!(matches!(found.means(1), Err(Fault::TooFew { have: 1, .. })));
    assert!(matches!(Evaluation::by(&split, 3, |_, _| vec![9]), Err(Fault::Shape { have: 10, .. })));
    assert!(Evaluation::by(&split, 0, |_, _| vec![]).is_err());
    let nothing = Evaluation::by(&split, 3, |_, _| vec![]).unwrap();
    assert_eq!((nothing.persons[0].ndcg, nothing.persons[0].novelty, nothing.coverage), (0.0, None, 0.0));
}

#[test]
fn differences_are_of_the_same_persons() {
    let rows: Vec<(u32, u32)> = (0..30).map(|it| (it, it % 3)).collect();
    let wanted: Vec<(u32, u32)> = (0..30).map(|it| (it, (it + 1) % 3)).collect();
    let split = Split { known: histories(&rows, 30, 3), wanted: histories(&wanted, 30, 3), unreachable: 0 };
    let right = Evaluation::by(&split, 1, |_, own| vec![(own[0].0 + 1) % 3]).unwrap();
    let popular = Evaluation::of(&Popular::of(&split.known), &split, 1).unwrap();
    let above = right.above(&popular, 1).unwrap();
    assert!(above.low > 0.0 && right.means(1).unwrap().ndcg.value == 1.0, "{above:?}");
    assert_eq!(right.means_of(|it| it.person < 10, 1).unwrap().persons, 10);
    let other = Split { wanted: histories(&wanted[1..], 30, 3), ..split };
    assert!(right.above(&Evaluation::of(&Popular::of(&other.known), &other, 1).unwrap(), 1).is_err());
}

/// 200 samples of 80 persons whose hit rate is .3: intervals of 95 % hold it within the exact binomial bounds of 99.9 % for 95 % (179 to 198), a little less for the percentile's known shortness.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let mut draws = Draws::new(11);
    let mut held = 0;
    for seed in 0..200 {
        let values: Vec<f64> = (0..80).map(|_| f64::from(u8::from(draws.below(10) < 3))).collect();
        held += u32::from(mean(&values, seed).interval().holds(0.3));
    }
    assert!((179..=199).contains(&held), "{held}");
}

proptest! {
    /// Oracle: places and sets, measure by measure.
    #[test]
    fn measures_are_those_of_their_definitions(
        wanted in prop::collection::btree_set(0u32..8, 1..6),
        list in prop::sample::subsequence((0..8).collect::<Vec<u32>>(), 0..8).prop_shuffle(),
        k in 1usize..9,
    ) {
        let rows: Vec<(u32, u32)> = wanted.iter().map(|it| (0, *it)).collect();
        let known: Vec<(u32, u32)> = (0..8).map(|it| (it % 3 + 1, it)).collect();
        let split = Split { known: histories(&known, 4, 8), wanted: histories(&rows, 4, 8), unreachable: 0 };
        let found = Evaluation::by(&split, k, |_, _| list.clone()).unwrap().persons[0];
        let hit = |place: usize| place < k && list.get(place).is_some_and(|it| wanted.contains(it));
        let until = |end: usize| (0..end).filter(|it| hit(*it)).count() as f64;
        let n = wanted.len() as f64;
        prop_assert!((found.precision - until(k) / k as f64).abs() < 1e-12);
        prop_assert!((found.recall - until(k) / n).abs() < 1e-12);
        let precisions: f64 = (0..k).filter(|it| hit(*it)).map(|it| until(it + 1) / (it + 1) as f64).sum();
        prop_assert!((found.average_precision - precisions / n).abs() < 1e-12);
        let gain = |place: usize| std::f64::consts::LN_2 / (place as f64 + 2.0).ln();
        let most: f64 = (0..k).filter(|it| *it < wanted.len()).map(gain).sum();
        prop_assert!((found.ndcg - (0..k).filter(|it| hit(*it)).map(gain).sum::<f64>() / most).abs() < 1e-12);
        prop_assert!((0.0..=1.0 + 1e-12).contains(&found.ndcg) && (0.0..=1.0).contains(&found.diversity.unwrap_or(0.0)));
        prop_assert_eq!(found.reciprocal_rank, (0..k).find(|it| hit(*it)).map_or(0.0, |it| 1.0 / (it + 1) as f64));
    }
}
