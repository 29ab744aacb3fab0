//! How long forecasts take: two years of days with a week and a factor, and twelve years of months.

use std::time::Instant;

use rapport_models::forecast::{Ets, Options, Outlook, Regression, Series};

#[path = "../tests/it/draws.rs"]
mod draws;

fn main() {
    let mut draws = draws::Draws(42);
    let mut normal = move || draws.normal();
    for (name, n, season, year) in [("days", 730, 7, 365.25), ("months", 144, 12, 12.0)] {
        let mut level = 100.0;
        let factor: Vec<f64> = (0..n).map(|at| f64::from(u8::from(at % 29 == 3))).collect();
        let mut step = |at: usize| {
            level *= 1.0 + 0.005 * normal();
            level
                * (1.0 + 0.2 * (at % season) as f64 / season as f64)
                * (1.0 + 0.3 * factor[at])
                * (1.0 + 0.05 * normal())
        };
        let series = Series::new(&(0..n).map(&mut step).collect::<Vec<_>>(), season).unwrap();
        let time = |what: &str, runs: usize, run: &dyn Fn() -> f64| {
            let best = (0..runs)
                .map(|_| {
                    let start = Instant::now();
                    assert!(run().is_finite());
                    start.elapsed()
                })
                .min();
            println!("{name}, {what}: {best:?}");
        };
        let past = vec![factor.clone()];
        let options = Options { year: Some(year), ..Options::of(2 * season) };
        let future = vec![vec![0.0; 2 * season]];
        time("smoothing, all forms", 3, &|| Ets::choose(&series).unwrap().aicc);
        time("regression, all terms", 3, &|| Regression::choose(&series, &past, Some(year)).unwrap().aicc);
        time("outlook with ten origins", 1, &|| {
            Outlook::of(&series, (&past, &future), &options).unwrap().forecasts[0].value
        });
    }
}
