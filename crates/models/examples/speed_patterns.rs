//! How long patterns take: `cargo run --release --example speed_patterns HELPDESK.csv` (case;activity;time, in the order of time).

use std::time::Instant;

use rapport_models::baskets::Share;
use rapport_models::patterns::{Limits, Patterns, Step};

fn main() {
    let path = std::env::args().nth(1).expect("the path of a file with lines of case;activity;time");
    let text = std::fs::read_to_string(path).expect("a readable file");
    let (mut persons, mut last): (Vec<Vec<Step>>, &str) = (Vec::new(), "");
    for line in text.lines().skip(1) {
        let mut cells = line.split([';', ',']);
        let (case, activity) = (cells.next().unwrap_or_default(), cells.next().and_then(|it| it.parse().ok()));
        if case != last {
            persons.push(Vec::new());
            last = case;
        }
        let steps = persons.last_mut().expect("a case");
        steps.push(Step { time: steps.len() as f64, items: activity.into_iter().collect() });
    }
    let support = |text| Limits::support(Share::decimal(text).expect("a share"));
    let narrow = Limits { longest_gap: 2.0, window: 6.0, ..support("0.1%") };
    for (name, limits) in [
        ("1 %", support("1%")),
        (".1 %, up to 6 events", Limits { longest: 6, ..support("0.1%") }),
        (".1 %, narrow gaps", narrow),
    ] {
        let start = Instant::now();
        let found = Patterns::mine(&persons, &limits);
        println!(
            "{} persons, {name}: {:?} patterns in {:?}",
            persons.len(),
            found.map(|it| it.patterns.len()),
            start.elapsed()
        );
    }
}
