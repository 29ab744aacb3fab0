//! Groups of Fisher's irises and of Forina's wines against the results of scikit-learn 1.9.1, those of its own documentation among them, and of R's mclust
//! (Scrucca et al. 2016: iris, VVV, 2 groups: BIC 574.018).

use rapport_models::groups::{
    Covariance, Density, KMeans, Mixture, Options, Points, adjusted_rand, choice, silhouette,
};

fn near(found: f64, wanted: f64, digits: i32) {
    assert!((found - wanted).abs() <= 0.5 * 10f64.powi(-digits), "{found} {wanted}");
}

/// Columns, and the class in the last one.
fn read(text: &str) -> (Vec<Vec<f64>>, Vec<usize>) {
    let rows: Vec<Vec<f64>> =
        text.lines().map(|line| line.split(',').map(|it| it.parse().unwrap()).collect()).collect();
    let last = rows[0].len() - 1;
    let columns = (0..last).map(|at| rows.iter().map(|row| row[at]).collect()).collect();
    (columns, rows.iter().map(|row| row[last] as usize).collect())
}

fn iris() -> (Vec<Vec<f64>>, Vec<usize>) {
    read(include_str!("../data/iris.csv"))
}

#[test]
fn k_means_of_irises_as_in_scikit_learn() {
    let (columns, species) = iris();
    let points = Points::of(&columns).unwrap();
    for (groups, inertia, digits) in [(2, 152.347_95, 5), (3, 78.851_441, 6), (4, 57.228_473, 6)] {
        near(KMeans::fit(&points, &Options::groups(groups, 1)).unwrap().inertia, inertia, digits);
    }
    let three = KMeans::fit(&points, &Options::groups(3, 1)).unwrap();
    near(adjusted_rand(&three.labels, &species).unwrap(), 0.7302, 4);
    near(silhouette(&points, &three.labels).unwrap(), 0.5528, 4);
    assert_eq!(three.group(&[5.0, 3.4, 1.5, 0.2]), three.labels[0]);
    let points = Points::standardised(&columns).unwrap();
    let three = KMeans::fit(&points, &Options::groups(3, 1)).unwrap();
    near(three.inertia, 139.8205, 4);
    near(adjusted_rand(&three.labels, &species).unwrap(), 0.6201, 4);
}

#[test]
fn k_means_of_wines_as_in_scikit_learn() {
    let (columns, cultivars) = read(include_str!("../data/wine.csv"));
    let points = Points::standardised(&columns).unwrap();
    let three = KMeans::fit(&points, &Options::groups(3, 1)).unwrap();
    near(three.inertia, 1_277.928_5, 4);
    near(adjusted_rand(&three.labels, &cultivars).unwrap(), 0.8975, 4);
    // Three is also what one would take without knowing.
    let (found, best) = choice(&points, 6, 50, 7).unwrap();
    assert_eq!(best.map(|it| found[it].fit.centres.len()), Some(3));
}

#[test]
fn mixtures_of_irises_as_in_scikit_learn_and_mclust() {
    let (columns, species) = iris();
    let points = Points::of(&columns).unwrap();
    let options = Options { steps: 2_000, ..Options::groups(3, 1) };
    let wanted = [
        (Covariance::Full, -180.1855),
        (Covariance::Tied, -256.3540),
        (Covariance::Diagonal, -307.1776),
        (Covariance::Spherical, -384.3141),
    ];
    for (covariance, log_likelihood) in wanted {
        let fit = Mixture::fit(&points, covariance, &options).unwrap();
        // A flat surface: to a thousandth.
        assert!((fit.log_likelihood - log_likelihood).abs() < 1e-3, "{covariance:?} {}", fit.log_likelihood);
        assert!(fit.settled);
    }
    let three = Mixture::fit(&points, Covariance::Full, &options).unwrap();
    assert!((three.bic() - 580.839).abs() < 2e-3, "{}", three.bic());
    near(adjusted_rand(&three.labels(&points).unwrap(), &species).unwrap(), 0.9039, 4);
    let all = Mixture::choice(&points, 4, 1).unwrap();
    let best = &all[0];
    assert_eq!((best.covariance, best.means.len()), (Covariance::Full, 2));
    assert!((best.bic() - 574.018).abs() < 2e-3, "{}", best.bic());
}

#[test]
fn dense_irises_as_in_scikit_learn() {
    let (columns, species) = iris();
    let points = Points::of(&columns).unwrap();
    for smallest in [5, 15] {
        let fit = Density::fit(&points, smallest, smallest).unwrap();
        let labels: Vec<usize> = fit.labels.iter().map(|it| it.map_or(9, |it| it)).collect();
        let count = |group: usize| labels.iter().filter(|it| **it == group).count();
        assert_eq!((count(0), count(1)), (100, 50));
        near(adjusted_rand(&labels, &species).unwrap(), 0.5681, 4);
    }
}
