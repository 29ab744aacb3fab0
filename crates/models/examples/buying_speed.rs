//! How long fits of the models of buying take, on simulated customers, and on a file with the columns ID, x, t_x, T if one is named:
//! `cargo run --release -p rapport-models --example buying_speed -- [FILE]`.

use std::time::Instant;

use rapport_models::buying::{BgNbd, Fit, Histories, History, Likelihood, MbgNbd, ParetoNbd};
use rapport_models::{Fault, buying};

fn main() {
    if let Some(file) = std::env::args().nth(1) {
        let people = read(&file);
        println!("{} customers of {file}", people.len());
        best(|| BgNbd::fit(&Histories::new(&people)?));
        best(|| MbgNbd::fit(&Histories::new(&people)?));
        best(|| ParetoNbd::fit(&Histories::new(&people)?));
        return;
    }
    for (customers, whole) in [(2_357, true), (100_000, false), (1_000_000, true), (1_000_000, false)] {
        let model = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
        let mut people = buying::simulated_bg_nbd(&model, customers, (27.0, 38.86), 1);
        if whole {
            people.iter_mut().for_each(day);
        }
        println!("{customers} customers, {}", if whole { "times in whole days" } else { "times of any fraction" });
        best(|| BgNbd::fit(&Histories::new(&people)?));
        best(|| MbgNbd::fit(&Histories::new(&people)?));
        if customers <= 100_000 {
            let model = ParetoNbd { r: 0.553, alpha: 10.578, s: 0.606, beta: 11.669 };
            best(|| ParetoNbd::fit(&Histories::new(&people)?));
            let mut people = buying::simulated_pareto_nbd(&model, customers, (27.0, 38.86), 1);
            if whole {
                people.iter_mut().for_each(day);
            }
            best(|| ParetoNbd::fit(&Histories::new(&people)?));
        }
    }
}

/// The histories of a file.
fn read(file: &str) -> Vec<History> {
    let text = std::fs::read_to_string(file).expect("a file that can be read");
    let one = |line: &str| {
        let fields: Vec<f64> = line.split(',').map(|it| it.trim().parse().expect("a number")).collect();
        History { frequency: fields[1] as u32, recency: fields[2], age: fields[3] }
    };
    text.lines().skip(1).map(one).collect()
}

/// To whole days of weeks, as far as that leaves a history possible.
fn day(history: &mut History) {
    let days = |weeks: f64| (weeks * 7.0).ceil() / 7.0;
    (history.recency, history.age) = (days(history.recency), days(history.age));
}

/// The shortest of five.
fn best<M: Likelihood + std::fmt::Debug>(fit: impl Fn() -> Result<Fit<M>, Fault>) {
    let timed = || {
        let start = Instant::now();
        let fit = fit();
        (start.elapsed(), fit)
    };
    let (shortest, fit) = (0..5).map(|_| timed()).min_by_key(|it| it.0).expect("five");
    match fit {
        Ok(fit) => println!("  {shortest:?} {:?} after {} evaluations", fit.model, fit.evaluations),
        Err(fault) => println!("  {shortest:?} {fault}"),
    }
}
