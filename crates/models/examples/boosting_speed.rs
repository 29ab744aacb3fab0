//! How long boosting takes: 500,000 rows of 20 features, 100 trees of 31 leaves, on one thread.

use std::time::Instant;

use rapport_models::learn::{Boosting, BoostingOptions, Feature, Outcome, Table};

fn main() {
    let (rows, width) = (500_000, 20);
    let mut state = 1u64;
    let mut normal = || {
        let mut sum = 0.0;
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        }
        sum * 3f64.sqrt()
    };
    let columns: Vec<Vec<f64>> = (0..width).map(|_| (0..rows).map(|_| normal()).collect()).collect();
    let labels: Vec<bool> = (0..rows)
        .map(|at| columns[0][at] + columns[1][at] * columns[2][at] + columns[3][at].abs() + normal() > 0.8)
        .collect();
    let features = columns.into_iter().enumerate().map(|(at, it)| Feature::numbers(format!("f{at}"), it)).collect();
    let table = Table::new(features).unwrap_or_else(|it| panic!("{it}"));
    let options =
        BoostingOptions { trees: 100, leaves: vec![31], row_share: 1.0, feature_share: 1.0, ..Default::default() };
    for _ in 0..3 {
        let start = Instant::now();
        let model = Boosting::fit(&table, Outcome::Class(&labels), None, &options).unwrap_or_else(|it| panic!("{it}"));
        let fitted = start.elapsed();
        let start = Instant::now();
        let scores = model.scores(&table).unwrap_or_else(|it| panic!("{it}"));
        println!("fit {fitted:.2?}, scores of {} rows {:.2?}", scores.len(), start.elapsed());
        let few = table.taken(&(0..7_043).collect::<Vec<_>>());
        let start = Instant::now();
        let found = model.explain(&few).unwrap_or_else(|it| panic!("{it}"));
        println!("explained {} rows with {} trees {:.2?}", found.rows.len(), model.trees(), start.elapsed());
    }
}
