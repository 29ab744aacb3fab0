//! How long Cox takes: 100,000 × 10 and 20,000 × 10, with times that all differ and with times in days.

use std::time::Instant;

use rapport_models::survival::{Cox, Lifetimes, Ties};

fn main() {
    let mut state = 42u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    for (n, days) in [(100_000, false), (100_000, true), (20_000, false)] {
        let columns: Vec<Vec<f64>> = (0..10).map(|_| (0..n).map(|_| uniform() * 2.0 - 1.0).collect()).collect();
        let risk = |row: usize| (0..5).map(|at| 0.3 * columns[at][row]).sum::<f64>();
        let times: Vec<f64> = (0..n).map(|row| -100.0 * uniform().ln() / risk(row).exp()).collect();
        let seen: Vec<f64> = times.iter().map(|it| it.min(200.0 * uniform())).collect();
        let ended: Vec<bool> = times.iter().zip(&seen).map(|(a, b)| a == b).collect();
        let seen: Vec<f64> = seen.iter().map(|it| if days { it.ceil() } else { *it }).collect();
        let best = (0..5)
            .map(|_| {
                let start = Instant::now();
                let fit = Cox::fit(&Lifetimes::new(&seen, &ended), &columns, Ties::Efron).unwrap();
                assert!(fit.log_likelihood.is_finite());
                start.elapsed()
            })
            .min();
        println!("Cox {n} x 10, {}: {best:?}", if days { "days" } else { "continuous" });
    }
}
