//! How long structural models take, from rows to estimates and measures: three abilities (9 columns, 301 rows) and democracies (11 columns, 75 rows), simulated in
//! the size of the textbooks'.

use std::time::Instant;

use rapport_models::structural::{Divisor, Model, Scale};

const ABILITIES: &str = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9";
const DEMOCRACY: &str =
    "ind =~ x1 + x2 + x3\nold =~ x4 + x5 + x6 + x7\nnew =~ x8 + x9 + x10 + x11\nold ~ ind\nnew ~ ind + old
    x4 ~~ x8; x5 ~~ x7 + x9; x6 ~~ x10; x7 ~~ x11; x9 ~~ x11";

#[path = "../tests/it/draws.rs"]
mod draws;

fn main() {
    let mut draws = draws::Draws(42);
    let mut normal = move || draws.normal();
    for (name, text, n, groups) in [("abilities", ABILITIES, 301, [3, 3, 3]), ("democracy", DEMOCRACY, 75, [3, 4, 4])] {
        let mut columns = vec![Vec::new(); groups.iter().sum()];
        for _ in 0..n {
            let (mut at, mut before) = (0, normal());
            for size in groups {
                before = 0.5 * before + 0.8 * normal();
                for _ in 0..size {
                    columns[at].push(before + 0.7 * normal());
                    at += 1;
                }
            }
        }
        let names: Vec<String> = (1..=columns.len()).map(|it| format!("x{it}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let model = Model::read(text, &names, Scale::Marker).unwrap();
        let time = |what: &str, run: &dyn Fn() -> f64| {
            let best = (0..20)
                .map(|_| {
                    let start = Instant::now();
                    assert!(run().is_finite());
                    start.elapsed()
                })
                .min();
            println!("{name}, {what}: {best:?}");
        };
        time("fit and measures", &|| model.fit(&columns, Divisor::N).unwrap().measures.chi_square);
        let fit = model.fit(&columns, Divisor::N).unwrap();
        time("relations with standardised ones", &|| fit.relations(0.05)[0].standardised.value);
        time("modifications", &|| fit.modifications()[0].index);
        time("200 samples drawn again", &|| {
            model.sampled(&columns, Divisor::N, 0.05, (200, 1)).unwrap().1.fitted as f64
        });
    }
}
