//! Chains beside distributions that are known, and the verdict on chains that do not agree.

use super::*;

/// A correlated normal distribution seen from coordinates that are a little off: means and spreads are found again, and draws are worth about as many.
#[test]
fn a_normal_distribution_is_found_again() {
    let objective = |at: &[f64], gradient: &mut [f64]| {
        let (x, y) = (at[0] - 1.0, at[1] + 2.0);
        gradient[0] = (x - 0.8 * y) / 0.36;
        gradient[1] = (y - 0.8 * x) / 0.36;
        (x * x - 1.6 * x * y + y * y) / 0.72
    };
    let lower = vec![vec![1.3, 0.0], vec![0.6, 0.9]];
    let best = [0.8, -1.9];
    let mut space = Space { objective, best: &best, lower, evaluations: 0, broken: 0 };
    let mut chance = Draws::new(3);
    let options = Sampling::default();
    let mut one = |_| {
        let mut chain = space.start(&options, &mut chance);
        space.extend(&mut chain, 1_000, &mut chance);
        chain.found
    };
    let chains: Vec<Vec<Vec<f64>>> = (0..4).map(&mut one).collect();
    for (of, wanted) in [(0, 1.0), (1, -2.0)] {
        let column: Vec<Vec<f64>> = chains.iter().map(|it| it.iter().map(|it| it[of]).collect()).collect();
        let worth = effective(&column);
        assert!(worth > 1_000.0 && disagreement(&column) < 1.02, "{worth}");
        let all: Vec<f64> = column.into_iter().flatten().collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / all.len() as f64;
        assert!((mean - wanted).abs() < 0.08 && (variance - 1.0).abs() < 0.12, "{mean} {variance}");
    }
    assert_eq!(space.broken, 0);
}

/// Independent draws are worth themselves, and repeated ones less.
#[test]
fn draws_are_worth_what_they_tell() {
    let mut chance = Draws::new(1);
    let apart: Vec<Vec<f64>> = (0..4).map(|_| (0..500).map(|_| normal(&mut chance)).collect()).collect();
    let worth = effective(&apart);
    assert!((1_500.0..2_700.0).contains(&worth), "{worth}");
    let fours: Vec<Vec<f64>> = apart.iter().map(|it| it[..125].iter().flat_map(|v| [*v; 4]).collect()).collect();
    let worth = effective(&fours);
    assert!((350.0..700.0).contains(&worth), "{worth}");
    let mut moved = apart.clone();
    moved[0].iter_mut().for_each(|it| *it += 3.0);
    assert!(disagreement(&moved) > 1.3 && disagreement(&apart) < 1.02);
}
