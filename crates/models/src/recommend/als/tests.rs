//! Against the equations themselves, and with absurd input.

use super::super::{Filter, Interaction};
use super::*;
use proptest::prelude::*;

fn histories(rows: &[(u32, u32, f64)], persons: usize, items: usize) -> Histories {
    let row = |it: &(u32, u32, f64)| Interaction { person: it.0, item: it.1, weight: it.2 };
    Histories::of(&rows.iter().map(row).collect::<Vec<_>>(), persons, items).unwrap()
}

/// Two kinds of persons, each with five items of its own of which everyone has but one.
fn two_kinds() -> Histories {
    let has = |person: u32, item: u32| person % 2 == item / 5 && (person / 2) % 5 != item % 5;
    let all = (0..40).flat_map(|person| (0..10).map(move |item| (person, item)));
    let rows: Vec<(u32, u32, f64)> = all.filter(|it| has(it.0, it.1)).map(|it| (it.0, it.1, 1.0)).collect();
    histories(&rows, 40, 10)
}

#[test]
fn the_missing_item_of_a_kind_is_offered_first() {
    let options = AlsOptions { factors: 4, penalty: 1.0, ..AlsOptions::default() };
    let fit = Als::fit(&two_kinds(), &options).unwrap();
    for missing in 0..10_u32 {
        let own: Vec<(u32, f64)> =
            (0..10).filter(|it| it / 5 == missing / 5 && *it != missing).map(|it| (it, 1.0)).collect();
        let offered = fit.model.recommend(&own, &Filter::best(3));
        assert_eq!(offered[0].item, missing);
        assert!(offered[0].because.iter().all(|it| own.iter().any(|own| own.0 == it.item)));
    }
    assert!(fit.model.recommend(&[], &Filter::best(3)).is_empty());
    assert_eq!(Als::fit(&two_kinds(), &options), Ok(fit));
}

#[test]
fn what_a_turn_left_is_told_alike_by_the_next_one_and_at_the_end() {
    let fit = |turns| Als::fit(&two_kinds(), &AlsOptions { factors: 3, turns, ..AlsOptions::default() }).unwrap();
    let all = fit(6).losses;
    assert_eq!(all.len(), 6);
    for (turns, loss) in (1..).zip(&all) {
        let last = fit(turns).losses[turns - 1];
        assert!((last - loss).abs() < 1e-6 * last, "{turns} turns: {loss}, at the end {last}");
    }
}

#[test]
fn the_loss_never_grows_and_is_that_of_all_pairs() {
    let data = two_kinds();
    for exponent in [0.0, 1.0] {
        let options = AlsOptions { factors: 3, alpha: 2.0, penalty: 3.0, exponent, ..AlsOptions::default() };
        let fit = Als::fit(&data, &options).unwrap();
        assert!(fit.losses.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-5)), "{:?}", fit.losses);
        // Oracle: every pair, with penalties by the definition.
        let (x, y): (Vec<Vec<f64>>, _) =
            ((0..40).map(|it| fit.person(it).unwrap()).collect(), |item: u32| -> Vec<f64> {
                fit.model.point(item).iter().map(|it| f64::from(*it)).collect()
            });
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let weight =
            |person: usize, item: u32| f64::from(u8::from(data.of_person(person).iter().any(|it| it.0 == item)));
        let sum_person = |person: usize| 10.0 + 2.0 * data.of_person(person).len() as f64;
        let sum_item = |item: u32| 40.0 + 2.0 * (0..40).map(|it| weight(it, item)).sum::<f64>();
        let mean_person = (0..40).map(sum_person).sum::<f64>() / 40.0;
        let mean_item = (0..10).map(sum_item).sum::<f64>() / 10.0;
        let mut loss = 0.0;
        for (person, x) in x.iter().enumerate() {
            loss += 3.0 * (sum_person(person) / mean_person).powf(exponent) * dot(x, x);
            for item in 0..10 {
                let p = weight(person, item);
                loss += (1.0 + 2.0 * p) * (p - dot(x, &y(item))).powi(2);
            }
        }
        loss += (0..10).map(|it| 3.0 * (sum_item(it) / mean_item).powf(exponent) * dot(&y(it), &y(it))).sum::<f64>();
        assert!((loss - fit.losses.last().unwrap()).abs() < 1e-3 * loss, "{loss} {:?}", fit.losses.last());
    }
}

/// The parts of a score add up to it, and the place of a person solves their equations: its slope is zero.
#[test]
fn reasons_add_up_and_places_are_exact() {
    let data = two_kinds();
    let fit = Als::fit(&data, &AlsOptions { factors: 4, ..AlsOptions::default() }).unwrap();
    let own = [(0, 1.0), (3, 2.5), (7, 0.5)];
    let (scores, items) = (fit.model.scores(&own), (0..10).collect::<Vec<u32>>());
    for (score, parts) in scores.iter().zip(fit.model.parts(&own, &items)) {
        let sum: f64 = parts.iter().map(|it| it.part).sum();
        assert!((sum - score).abs() < 1e-5, "{sum} {score}");
    }
    let place = fit.model.placed(&own);
    let moved = |at: usize, by: f64| {
        let mut place = place.clone();
        place[at] += by;
        let scores = fit.model.scores_at(&place);
        let of_own = |item: u32| own.iter().find(|it| it.0 == item).map_or(0.0, |it| it.1);
        let sum: f64 = own.iter().map(|it| it.1).sum();
        let pair = |(item, score): (u32, f64)| {
            let weight = of_own(item);
            (1.0 + fit.model.alpha * weight) * (f64::from(u8::from(weight > 0.0)) - score).powi(2)
        };
        (0..).zip(scores).map(pair).sum::<f64>()
            + fit.model.penalty.of(fit.model.alpha * sum) * place.iter().map(|it| it * it).sum::<f64>()
    };
    for at in 0..4 {
        let slope = (moved(at, 1e-2) - moved(at, -1e-2)) / 2e-2;
        assert!(slope.abs() < 1e-2 * moved(at, 0.0), "{slope}");
    }
}

#[test]
fn what_does_not_do_is_told() {
    let data = two_kinds();
    let of = |options: AlsOptions| Als::fit(&data, &options);
    assert!(matches!(of(AlsOptions { factors: 0, ..AlsOptions::default() }), Err(Fault::TooFew { .. })));
    assert!(matches!(of(AlsOptions { factors: 5_000, ..AlsOptions::default() }), Err(Fault::TooMany { .. })));
    assert!(of(AlsOptions { alpha: f64::NAN, ..AlsOptions::default() }).is_err());
    assert!(of(AlsOptions { penalty: 0.0, ..AlsOptions::default() }).is_err());
    assert!(matches!(Als::fit(&histories(&[], 2, 2), &AlsOptions::default()), Err(Fault::TooFew { .. })));
    let absurd = histories(&[(0, 0, 1.0), (0, 1, 1e30)], 1, 2);
    assert_eq!(Als::fit(&absurd, &AlsOptions::default()), Err(Fault::NotFinite { row: vec![1] }));
}

/// Sums of squares by the definition, and of the weights' measure nothing is lost.
#[test]
fn a_place_is_the_same_whatever_the_measure_of_its_weights() {
    let fit = Als::fit(&two_kinds(), &AlsOptions { factors: 3, ..AlsOptions::default() }).unwrap();
    let placed = |by: f64| {
        let own = [(0, by), (3, 2.5 * by), (7, 0.5 * by)];
        Als { alpha: fit.model.alpha / by, ..fit.model.clone() }.placed(&own)
    };
    for by in [1e-30, 1e50] {
        for (a, b) in placed(1.0).iter().zip(placed(by)) {
            assert!((a - b).abs() < 1e-6 * a.abs().max(1e-3), "{by}: {a} {b}");
        }
    }
}

proptest! {
    /// Oracle: the scores of one after another, all of them sorted. So many persons that they are not all looked at together, so many items that not all are looked into.
    #[test]
    fn everyone_at_once_is_one_after_another(
        rows in prop::collection::vec((0u32..70, 0u32..150, 0.5..3.0f64), 1..600),
        (factors, limit, own, few) in (1usize..20, 0usize..30, any::<bool>(), any::<bool>()),
        seed: u64,
    ) {
        let data = histories(&rows, 70, 150);
        let fit = Als::fit(&data, &AlsOptions { factors, penalty: 1.0, turns: 2, seed, ..AlsOptions::default() }).unwrap();
        let mask: Vec<bool> = (0..140).map(|it| it % 3 > 0).collect();
        let filter = Filter { limit, own, allowed: few.then_some(&mask[..]), reasons: 2 };
        let everyone: Vec<&[(u32, f64)]> = data.iter().collect();
        let found = fit.model.recommend_each(&everyone, &filter);
        prop_assert_eq!(found.len(), 70);
        for (had, found) in everyone.iter().zip(&found) {
            let may = |item: u32| (own || had.iter().all(|it| it.0 != item)) && (!few || mask.get(item as usize) == Some(&true));
            let mut all: Vec<(u32, f64)> = (0..).zip(fit.model.scores(had)).filter(|it| it.1 > 0.0 && may(it.0)).collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1));
            all.truncate(limit);
            prop_assert_eq!(found.iter().map(|it| (it.item, it.score)).collect::<Vec<_>>(), all);
            prop_assert_eq!(found, &fit.model.recommend(had, &filter));
        }
    }

    #[test]
    fn any_data_is_refused_or_gives_finite_scores(
        rows in prop::collection::vec((0u32..5, 0u32..5, 0.0..1e12f64), 1..12),
        (factors, alpha, penalty, exponent) in (1usize..6, 1e-6..1e6f64, 1e-6..1e6f64, 0.0..1.0f64),
        seed: u64,
    ) {
        let data = histories(&rows, 5, 5);
        if let Ok(fit) = Als::fit(&data, &AlsOptions { factors, alpha, penalty, exponent, turns: 5, seed, ..AlsOptions::default() }) {
            let history = [(0, 1.0), (1, f64::NAN), (2, 1e99), (99, 1.0)];
            prop_assert!(fit.model.scores(&history).iter().all(|it| it.is_finite()));
            prop_assert!(fit.model.recommend(&history, &Filter::best(3)).iter().all(|it| it.score > 0.0 && it.score.is_finite()));
        }
    }
}
