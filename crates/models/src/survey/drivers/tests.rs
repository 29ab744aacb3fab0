//! What published results, all orders and slow computations say of the drivers.

use super::*;
use proptest::prelude::*;

/// The correlations of R's `swiss` (Mosteller and Tukey 1977): agriculture, examination, education, catholic, infant mortality, and last fertility.
fn swiss() -> Correlations {
    Correlations::new(
        [
            [1.0, -0.686_542_21, -0.639_522_52, 0.401_095_05, -0.060_858_61, 0.353_079_18],
            [-0.686_542_21, 1.0, 0.698_415_30, -0.572_741_80, -0.114_021_60, -0.645_882_70],
            [-0.639_522_52, 0.698_415_30, 1.0, -0.153_858_92, -0.099_321_85, -0.663_788_86],
            [0.401_095_05, -0.572_741_80, -0.153_858_92, 1.0, 0.175_495_90, 0.463_684_70],
            [-0.060_858_61, -0.114_021_60, -0.099_321_85, 0.175_495_90, 1.0, 0.416_556_03],
            [0.353_079_18, -0.645_882_70, -0.663_788_86, 0.463_684_70, 0.416_556_03, 1.0],
        ]
        .map(Vec::from)
        .to_vec(),
    )
    .unwrap()
}

/// Grömping (2006, "Relative importance for linear regression in R: the package relaimpo", Journal of Statistical Software 17(1)), and the inflation
/// factors of the same regression (R's `car::vif`).
#[test]
fn the_published_division_of_fertility() {
    let correlations = swiss();
    let found = correlations.contributions();
    let wanted = [0.057_091_22, 0.171_173_03, 0.260_134_68, 0.105_570_15, 0.112_765_92];
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
    }
    assert!((found.iter().sum::<f64>() - 0.706_735).abs() < 1e-6);
    for (at, wanted) in [2.284_129, 3.675_420, 2.774_943, 1.937_160, 1.107_542].into_iter().enumerate() {
        assert!((correlations.vif(at).unwrap() - wanted).abs() < 1e-5, "{at}: {:?}", correlations.vif(at));
    }
    assert_eq!(correlations.division(), Division::Shapley);
}

/// R² of the drivers at these places, by the normal equations.
fn r_squared(matrix: &[Vec<f64>], places: &[usize]) -> f64 {
    let score = matrix.len() - 1;
    let own: Vec<f64> = places.iter().map(|it| matrix[*it][score]).collect();
    let between: Vec<Vec<f64>> = places.iter().map(|i| places.iter().map(|j| matrix[*i][*j]).collect()).collect();
    solved(&between, &own).iter().zip(&own).map(|(a, b)| a * b).sum()
}

/// All orders of `places`.
fn orders(places: &[usize]) -> Vec<Vec<usize>> {
    if places.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |at: usize| {
        let rest: Vec<usize> = places.iter().copied().filter(|it| *it != places[at]).collect();
        orders(&rest).into_iter().map(move |it| [vec![places[at]], it].concat())
    };
    (0..places.len()).flat_map(with_first).collect()
}

/// The square root of a matrix by Denman and Beavers' iteration (1976), which knows no eigenvalues.
fn root(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = matrix.len();
    let unit = |i: usize| (0..n).map(|j| f64::from(u8::from(i == j))).collect::<Vec<f64>>();
    let inverse = |of: &[Vec<f64>]| (0..n).map(|at| solved(of, &unit(at))).collect::<Vec<_>>();
    let half = |a: &[Vec<f64>], b: &[Vec<f64>]| {
        (0..n).map(|i| (0..n).map(|j| (a[i][j] + b[j][i]) / 2.0).collect()).collect::<Vec<Vec<f64>>>()
    };
    let (mut y, mut z) = (matrix.to_vec(), (0..n).map(unit).collect::<Vec<_>>());
    for _ in 0..40 {
        (y, z) = (half(&y, &inverse(&z)), half(&z, &inverse(&y)));
    }
    y
}

fn answers(rows: &[[i32; 5]]) -> Answers {
    let person =
        |row: &[i32; 5]| (Some(f64::from(row[4])), row[..4].iter().map(|it| Some(f64::from(*it))).collect::<Vec<_>>());
    Answers::new(rows.iter().map(person))
}

#[test]
fn two_drivers_are_divided_alike_by_both_ways() {
    // Known of two drivers (Johnson 2000): the relative weights are the averages over both orders.
    let matrix = [[1.0, 0.6, 0.5], [0.6, 1.0, 0.3], [0.5, 0.3, 1.0]].map(Vec::from).to_vec();
    for (found, wanted) in relative_weights::parts(&matrix).iter().zip(shapley::parts(&matrix)) {
        assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
    }
}

#[test]
fn the_same_asked_twice_shares_what_it_has() {
    let rows: Vec<[i32; 5]> = (0..60).map(|i| [i % 5, i % 5, (i * 7) % 3, 4, (i % 5) * 2 + (i / 5) % 3]).collect();
    let found = answers(&rows).drivers(Confidence::default(), 50, 1).unwrap();
    let [twice, again, other, same] = found.drivers[..] else { panic!("{found:?}") };
    assert!((twice.contribution - again.contribution).abs() < 1e-9 && twice.contribution > other.contribution);
    assert_eq!((twice.vif, same.contribution, same.correlation, same.vif), (None, 0.0, 0.0, Some(1.0)));
    assert!(found.r_squared > 0.5 && found.adjusted_r_squared < found.r_squared);
    assert_eq!((twice.rank, other.rank, same.rank), (1.min(twice.rank), 3, 4));
}

#[test]
fn importance_has_intervals_that_follow_from_the_seed() {
    // The first counts most, the second little, the third is chance.
    let mut draws = Draws::new(3);
    let mut upto = |n: usize| i32::try_from(draws.below(n)).unwrap();
    let rows: Vec<[i32; 5]> = (0..2_000)
        .map(|_| {
            let [a, b, c, d] = [upto(5), upto(5), upto(5), upto(5)];
            [a, b, c, d, 3 * a + b + upto(5)]
        })
        .collect();
    let found = answers(&rows).drivers(Confidence::default(), 200, 11).unwrap();
    let [first, second, third, _] = found.drivers[..] else { panic!("{found:?}") };
    assert_eq!((first.rank, first.ranks, first.first, second.rank, second.ranks), (1, (1, 1), 1.0, 2, (2, 2)));
    // In truth 18 : 2 : 0 of what is explained.
    assert!((first.importance - 0.9).abs() < 0.03 && first.between.1 - first.between.0 < 0.05, "{first:?}");
    assert!(first.between.0 < first.importance && first.importance < first.between.1, "{first:?}");
    assert!(third.ranks == (3, 4) && third.importance < 0.02, "{third:?}");
    assert_eq!(answers(&rows).drivers(Confidence::default(), 200, 11), Some(found));
}

#[test]
fn who_left_something_out_is_counted_and_not_used() {
    let person = |score: Option<f64>, drivers: [Option<f64>; 2]| (score, drivers.to_vec());
    let mut persons: Vec<_> =
        (0..9).map(|i| person(Some(f64::from(i % 4)), [Some(f64::from(i)), Some(f64::from(i % 3))])).collect();
    persons.push(person(None, [Some(1.0), None]));
    persons.push(person(Some(2.0), [None, None]));
    let found = Answers::new(persons.clone()).drivers(Confidence::default(), 10, 1).unwrap();
    assert_eq!((found.answers, found.incomplete), (9, 2));
    assert_eq!((found.drivers[0].missing, found.drivers[1].missing), (1, 2));
    assert_eq!(Answers::new(persons.drain(..4)).drivers(Confidence::default(), 10, 1), None);
    assert_eq!(Answers::new([]).drivers(Confidence::default(), 10, 1), None);
    let same = (0..9).map(|i| person(Some(4.0), [Some(f64::from(i)), Some(0.5)]));
    assert_eq!(Answers::new(same).drivers(Confidence::default(), 10, 1), None);
}

#[test]
fn important_and_badly_done_is_where_to_begin() {
    let rows: Vec<[i32; 5]> =
        (0..200).map(|i| [i % 3, 4 - i % 2, (i / 3) % 4, 3 + (i / 7) % 3, 5 * (i % 3) + (i / 5) % 3]).collect();
    let found = answers(&rows).drivers(Confidence::default(), 20, 1).unwrap();
    assert_eq!(found.drivers[0].quadrant, Quadrant::Concentrate);
    assert_eq!(found.drivers[2].quadrant, Quadrant::LowPriority);
    assert_eq!(found.drivers[3].quadrant, Quadrant::Overkill);
}

#[test]
fn more_than_fifteen_are_divided_by_relative_weights() {
    let drivers = 20;
    let cell = |i: usize, j: usize| if i == j { 1.0 } else { 0.3 };
    let matrix = (0..=drivers).map(|i| (0..=drivers).map(|j| cell(i, j)).collect()).collect();
    let correlations = Correlations::new(matrix).unwrap();
    assert_eq!(correlations.division(), Division::RelativeWeights);
    let found = correlations.contributions();
    let all: Vec<usize> = (0..drivers).collect();
    assert!((found.iter().sum::<f64>() - r_squared(&correlations.matrix, &all)).abs() < 1e-12);
    assert!(found.iter().all(|it| (it - found[0]).abs() < 1e-12));
    assert_eq!(Correlations::new(vec![vec![1.0, 0.2], vec![0.3, 1.0]]), None);
    assert_eq!(Correlations::new(vec![vec![1.0]]), None);
}

proptest! {
    /// Oracle: every order of the drivers one by one, each R² by the normal equations.
    #[test]
    fn parts_are_the_averages_over_all_orders(rows in prop::collection::vec(prop::array::uniform5(1i32..=5), 12..30)) {
        let it = answers(&rows);
        let everybody: Vec<usize> = (0..rows.len()).collect();
        let Some(correlations) = Correlations::of(&it.rows, &everybody) else { return Ok(()) };
        let all = orders(&[0, 1, 2, 3]);
        let found = correlations.contributions();
        for (driver, found) in found.iter().enumerate() {
            let added = |order: &Vec<usize>| {
                let at = order.iter().position(|it| *it == driver).unwrap();
                r_squared(&correlations.matrix, &order[..=at]) - r_squared(&correlations.matrix, &order[..at])
            };
            let wanted = all.iter().map(added).sum::<f64>() / all.len() as f64;
            prop_assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
        }
        let r_squared = r_squared(&correlations.matrix, &[0, 1, 2, 3]);
        prop_assert!((found.iter().sum::<f64>() - r_squared).abs() < 1e-9);
        let weights = relative_weights::parts(&correlations.matrix);
        prop_assert!((weights.iter().sum::<f64>() - r_squared).abs() < 1e-7);
    }

    /// Oracle: Johnson's formula with a square root found without eigenvalues.
    #[test]
    fn relative_weights_by_another_root(rows in prop::collection::vec(prop::array::uniform5(1i32..=5), 25..40)) {
        let it = answers(&rows);
        let everybody: Vec<usize> = (0..rows.len()).collect();
        let Some(correlations) = Correlations::of(&it.rows, &everybody) else { return Ok(()) };
        let between: Vec<Vec<f64>> = correlations.matrix[..4].iter().map(|row| row[..4].to_vec()).collect();
        let with_score: Vec<f64> = correlations.matrix[..4].iter().map(|row| row[4]).collect();
        let root = root(&between);
        let beta = solved(&root, &with_score);
        for (found, row) in relative_weights::parts(&correlations.matrix).iter().zip(&root) {
            let wanted: f64 = row.iter().zip(&beta).map(|(l, b)| (l * b).powi(2)).sum();
            prop_assert!((found - wanted).abs() < 1e-7, "{found} {wanted}");
        }
    }
}
