//! Groups of simulated rows, whose truth is known, and of absurd ones.

use proptest::prelude::*;
use rapport_models::Fault;
use rapport_models::groups::{
    Covariance, Density, KMeans, Mixture, Options, Points, Prototypes, Values, adjusted_rand, chance, choice, profiles,
    silhouette,
};

use crate::draws::Draws;

/// Three clouds of different sizes and shapes, and which each row is of.
fn clouds(n: usize, apart: f64, seed: u64) -> (Vec<Vec<f64>>, Vec<usize>) {
    let mut draws = Draws(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let (mut columns, mut truth) = (vec![Vec::new(); 3], Vec::new());
    for _ in 0..n {
        let u = draws.uniform();
        let group = if u < 0.5 { 0 } else { 1 + usize::from(u > 0.8) };
        let centre = [[0.0, 0.0, 0.0], [apart, 0.0, apart], [0.0, apart, -apart]][group];
        let spread = [1.0, 0.6, 1.3][group];
        columns.iter_mut().zip(centre).for_each(|(column, it)| column.push(it + spread * draws.normal()));
        truth.push(group);
    }
    (columns, truth)
}

#[test]
fn clouds_are_found_in_200_samples() {
    for seed in 0..200 {
        let (columns, truth) = clouds(240, 7.0, seed);
        let points = Points::of(&columns).unwrap();
        let means = KMeans::fit(&points, &Options::groups(3, seed)).unwrap();
        assert!(adjusted_rand(&means.labels, &truth).unwrap() > 0.95, "k-means {seed}");
        let fit = Mixture::fit(&points, Covariance::Full, &Options { starts: 2, ..Options::groups(3, seed) }).unwrap();
        assert!(adjusted_rand(&fit.labels(&points).unwrap(), &truth).unwrap() > 0.95, "mixture {seed}");
        assert!(fit.log_likelihood.is_finite() && fit.bic().is_finite());
        let dense = Density::fit(&points, 15, 15).unwrap();
        let within: Vec<usize> = (0..240).filter(|at| dense.labels[*at].is_some()).collect();
        let found: Vec<usize> = within.iter().map(|at| dense.labels[*at].unwrap()).collect();
        let own: Vec<usize> = within.iter().map(|at| truth[*at]).collect();
        assert!(within.len() > 150 && adjusted_rand(&found, &own).unwrap() > 0.9, "density {seed} {}", within.len());
    }
}

#[test]
fn the_number_of_groups_is_found() {
    let (columns, _) = clouds(300, 6.0, 5);
    let points = Points::standardised(&columns).unwrap();
    let (found, best) = choice(&points, 6, 30, 5).unwrap();
    assert_eq!(best, Some(1), "{:?}", found.iter().map(|it| (&it.stability, it.silhouette)).collect::<Vec<_>>());
    assert!(found[1].stability.iter().all(|it| *it > 0.95));
    // Five groups of three clouds do not come again.
    assert!(found[4].stability.iter().any(|it| *it < 0.75));
    let best = &Mixture::choice(&points, 4, 5).unwrap()[0];
    assert_eq!(best.means.len(), 3);
}

/// One round cloud has no groups: what k-means cuts it into lies elsewhere in the next sample. In 40 samples hardly any number of groups is taken.
#[test]
fn one_cloud_has_no_groups() {
    let mut taken = 0;
    for seed in 0..40 {
        let mut draws = Draws(seed);
        let columns: Vec<Vec<f64>> = (0..4).map(|_| (0..200).map(|_| draws.normal()).collect()).collect();
        let (found, best) = choice(&Points::of(&columns).unwrap(), 5, 20, seed).unwrap();
        taken += usize::from(best.is_some());
        assert!(found.iter().all(|it| it.silhouette.unwrap() < 0.35));
        assert_eq!(Mixture::choice(&Points::of(&columns).unwrap(), 2, seed).unwrap()[0].means.len(), 1);
    }
    eprintln!("taken {taken}");
    assert!(taken <= 4, "{taken}");
}

#[test]
fn categories_count_as_well() {
    let mut draws = Draws(3);
    let numbers = vec![(0..200).map(|_| draws.normal()).collect::<Vec<f64>>()];
    let plan: Vec<u32> = (0..200).map(|at| at % 2).collect();
    let channel: Vec<u32> = (0..200).map(|at| 5 + at % 2).collect();
    let points = Points::standardised(&numbers).unwrap();
    let fit = Prototypes::fit(&points, &[plan, channel], Some(3.0), &Options::groups(2, 9)).unwrap();
    let truth: Vec<usize> = (0..200).map(|at| at % 2).collect();
    assert_eq!(adjusted_rand(&fit.labels, &truth), Some(1.0));
    assert_eq!(fit.modes[fit.labels[0]], [0, 5]);
    let alone = Prototypes::fit(&points, &[], None, &Options::groups(3, 9)).unwrap();
    let means = KMeans::fit(&points, &Options::groups(3, 9)).unwrap();
    assert!((alone.cost - means.inertia).abs() < 0.05 * means.inertia);
}

#[test]
fn profiles_say_what_sets_a_group_apart() {
    let mut draws = Draws(8);
    let labels: Vec<Option<usize>> = (0..400)
        .map(|at| {
            if at < 100 {
                Some(1)
            } else if at < 390 {
                Some(0)
            } else {
                None
            }
        })
        .collect();
    let abroad: Vec<bool> = (0..400).map(|at| draws.uniform() < if at < 100 { 0.6 } else { 0.2 }).collect();
    let coin: Vec<bool> = (0..400).map(|_| draws.uniform() < 0.5).collect();
    let spend: Vec<f64> = (0..400)
        .map(|at| if at == 7 { f64::NAN } else { 50.0 + 10.0 * draws.normal() + if at < 100 { 20.0 } else { 0.0 } })
        .collect();
    let years: Vec<f64> = (0..400).map(|at| f64::from(at % 100)).collect();
    let attributes = [Values::Flag(&abroad), Values::Flag(&coin), Values::Number(&spend), Values::Number(&years)];
    let found = profiles(&labels, &attributes, 20);
    assert_eq!(found.iter().map(|it| (it.group, it.size)).collect::<Vec<_>>(), [(0, 290), (1, 100)]);
    let own = &found[1];
    let of = |at: usize| own.attributes.iter().find(|it| it.attribute == at).unwrap();
    assert!(of(0).q < 1e-6 && of(0).over_index.unwrap() > 150.0 && of(0).association.unwrap().lift.unwrap() > 2.0);
    assert!(of(2).q < 1e-6 && of(2).effect.unwrap() > 1.5 && of(1).q > 0.05);
    // Of the numbers that are known of everybody in the group: the one in the middle.
    assert!(matches!(own.typical, Some(49 | 50)), "{:?}", own.typical);
    assert!(profiles(&labels, &attributes, 200).len() == 1 && profiles(&[None; 400], &attributes, 1).is_empty());
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-3i8..9).prop_map(f64::from),
        1 => prop::sample::select(vec![0.0, -0.0, 1e139, -1e139, 1e-300, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn absurd_input_has_a_finite_answer_or_a_reason(rows in prop::collection::vec((any_number(), any_number()), 0..25), groups in 0usize..6, smallest in 0usize..6, seed in any::<u64>()) {
        let columns: Vec<Vec<f64>> = vec![rows.iter().map(|it| it.0).collect(), rows.iter().map(|it| it.1).collect()];
        for points in [Points::of(&columns), Points::standardised(&columns)] {
            let Ok(points) = points else { continue };
            let options = Options { starts: 3, ..Options::groups(groups, seed) };
            if let Ok(fit) = KMeans::fit(&points, &options) {
                prop_assert!(fit.inertia.is_finite() && fit.labels.iter().all(|it| *it < groups));
                // Each group has a row, each centre is the mean of its rows.
                for (group, centre) in fit.centres.iter().enumerate() {
                    let own: Vec<usize> = (0..rows.len()).filter(|at| fit.labels[*at] == group).collect();
                    prop_assert!(!own.is_empty());
                    for (column, it) in centre.iter().enumerate() {
                        let mean = own.iter().map(|at| points.row(*at)[column] / own.len() as f64).sum::<f64>();
                        let scale = own.iter().map(|at| points.row(*at)[column].abs()).fold(1.0, f64::max);
                        prop_assert!((it - mean).abs() <= 1e-9 * scale.max(1.0), "{} {}", it, mean);
                    }
                }
                if let Some(found) = silhouette(&points, &fit.labels) {
                    prop_assert!((-1.0..=1.0).contains(&found));
                }
            }
            for covariance in [Covariance::Full, Covariance::Tied, Covariance::Diagonal, Covariance::Spherical] {
                if let Ok(fit) = Mixture::fit(&points, covariance, &options) {
                    prop_assert!(fit.log_likelihood.is_finite() && (fit.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                    prop_assert!(fit.memberships(&points).unwrap().iter().flatten().all(|it| (0.0..=1.0).contains(it)));
                }
            }
            match Density::fit(&points, smallest, smallest) {
                Ok(fit) => {
                    for group in 0..fit.stabilities.len() {
                        prop_assert!(fit.labels.iter().filter(|it| **it == Some(group)).count() >= smallest);
                    }
                    prop_assert!(fit.strengths.iter().all(|it| (0.0..=1.0).contains(it)));
                }
                Err(fault) => {
                    let few = matches!(fault, Fault::TooFew { .. });
                    prop_assert!(few);
                }
            }
            let categories: Vec<u32> = (0..rows.len()).map(|at| at as u32 % 3).collect();
            if let Ok(fit) = Prototypes::fit(&points, &[categories], None, &options) {
                prop_assert!(fit.cost.is_finite() && fit.labels.iter().all(|it| *it < groups));
            }
        }
    }

    /// Oracle: all pairs of rows, together or apart in either.
    #[test]
    fn agreement_counts_pairs(labels in prop::collection::vec((0usize..4, 0usize..3), 2..20)) {
        let (a, b): (Vec<usize>, Vec<usize>) = labels.into_iter().unzip();
        let (mut both, mut first, mut second, mut all) = (0.0, 0.0, 0.0, 0.0);
        for i in 0..a.len() {
            for j in 0..i {
                all += 1.0;
                both += f64::from(u8::from(a[i] == a[j] && b[i] == b[j]));
                first += f64::from(u8::from(a[i] == a[j]));
                second += f64::from(u8::from(b[i] == b[j]));
            }
        }
        let found = adjusted_rand(&a, &b).unwrap();
        let expected = first * second / all;
        let most = (first + second) / 2.0;
        if most - expected == 0.0 {
            prop_assert_eq!(found, 1.0);
        } else {
            prop_assert!((found - (both - expected) / (most - expected)).abs() < 1e-12);
        }
        prop_assert_eq!(adjusted_rand(&a, &a), Some(1.0));
    }
}

/// Rows as points, each column with deviation 1.
fn points(n: usize, seed: u64, row: impl Fn(usize, &mut Draws) -> Vec<f64>) -> Points {
    let mut draws = Draws(0x2545_f491_4f6c_dd1d_u64.wrapping_mul(seed + 1));
    let rows: Vec<Vec<f64>> = (0..n).map(|at| row(at, &mut draws)).collect();
    let columns: Vec<Vec<f64>> = (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at]).collect()).collect();
    Points::standardised(&columns).unwrap()
}

#[test]
fn clouds_without_groups_are_not_above_chance() {
    let even = |_: usize, draws: &mut Draws| (0..2).map(|_| draws.uniform()).collect::<Vec<f64>>();
    let round = |_: usize, draws: &mut Draws| (0..4).map(|_| draws.normal()).collect::<Vec<f64>>();
    let long = |_: usize, draws: &mut Draws| {
        let along = draws.normal();
        vec![along, along + 0.3 * draws.normal(), draws.normal()]
    };
    for seed in 0..2 {
        for groups in [2, 3, 5] {
            for cloud in [points(800, seed, even), points(800, seed, round), points(1_500, seed, long)] {
                let found = chance(&cloud, groups, 19, seed).unwrap();
                assert!(found.above() < 0.02, "{seed} {groups} {found:?}");
            }
        }
    }
}

/// Two columns of yes and no that have nothing to do with each other make four groups that are parted perfectly, and say nothing together.
#[test]
fn columns_that_do_not_go_together_are_no_groups() {
    let flags = |_: usize, draws: &mut Draws| {
        (0..2).map(|_| f64::from(u8::from(draws.uniform() < 0.5)) + 0.01 * draws.normal()).collect::<Vec<f64>>()
    };
    let found = chance(&points(600, 3, flags), 4, 10, 1).unwrap();
    assert!(found.silhouette > 0.9 && found.silhouette > found.even + 0.3, "{found:?}");
    assert!(found.above() < 0.02, "{found:?}");
}

#[test]
fn groups_are_above_chance() {
    let groups = |at: usize, draws: &mut Draws| {
        let middle = [[0.0, 0.0, 0.0], [5.0, 0.0, 5.0], [0.0, 5.0, 5.0]][at % 3];
        middle.iter().map(|it| it + draws.normal()).collect::<Vec<f64>>()
    };
    for n in [300, 3_000] {
        let found = chance(&points(n, 5, groups), 3, 10, 1).unwrap();
        assert!(found.above() > 0.1, "{found:?}");
        assert_eq!(chance(&points(n, 5, groups), 3, 10, 1), Some(found), "the same seed, the same clouds");
    }
    let alike = Points::of(&[vec![1.0; 9]]).unwrap();
    assert_eq!(chance(&alike, 2, 3, 1), None, "nothing to part");
}
