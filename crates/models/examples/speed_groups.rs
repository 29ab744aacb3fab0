//! How long groups take: k-means and a mixture of 200,000 × 8 in 8 groups, dense groups of 20,000 × 8.

use std::time::Instant;

use rapport_models::groups::{Covariance, Density, KMeans, Mixture, Options, Points};

fn main() {
    let mut state = 42u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    let centres: Vec<f64> = (0..64).map(|_| 20.0 * uniform() - 10.0).collect();
    let mut rows = |n: usize| -> Vec<Vec<f64>> {
        let mut columns = vec![Vec::new(); 8];
        for row in 0..n {
            for (at, column) in columns.iter_mut().enumerate() {
                let normal = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
                column.push(centres[row % 8 * 8 + at] + 3.0 * normal);
            }
        }
        columns
    };
    let timed = |name: &str, run: &dyn Fn() -> f64| {
        let times = (0..5).map(|_| {
            let start = Instant::now();
            let found = run();
            assert!(found.is_finite());
            start.elapsed()
        });
        println!("{name}: {:?}", times.min());
    };
    let points = Points::of(&rows(200_000)).expect("finite rows");
    if let Some(path) = std::env::args().nth(1) {
        let lines = (0..points.len()).map(|at| points.row(at).iter().map(f64::to_string).collect::<Vec<_>>().join(","));
        std::fs::write(path, lines.collect::<Vec<_>>().join("\n")).expect("a place to write to");
    }
    let options = Options { starts: 1, ..Options::groups(8, 1) };
    timed("k-means, one start", &|| KMeans::fit(&points, &options).map_or(f64::NAN, |it| it.inertia));
    let twenty = Options { steps: 20, ..options };
    timed("mixture, full, 20 steps", &|| {
        Mixture::fit(&points, Covariance::Full, &twenty).map_or(f64::NAN, |it| it.log_likelihood)
    });
    let points = Points::of(&rows(20_000)).expect("finite rows");
    timed("dense groups of 20,000", &|| {
        Density::fit(&points, 15, 15).map_or(f64::NAN, |it| it.stabilities.len() as f64)
    });
}
