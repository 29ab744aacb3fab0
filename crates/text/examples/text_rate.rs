//! How fast the crate is, on one thread: `text_rate rules <texts, one a line> [seconds]` prints how many texts it took,
//! `text_rate learn <rating, tab, text; one a line>` and `text_rate themes <texts, one a line>` print the seconds that it takes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rapport_text::learnt::Learnt;
use rapport_text::rules::sentiment;
use rapport_text::themes::{Wanted, themes};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next();
    let (what, file) = (argument().expect("rules, learn or themes"), argument().expect("a file"));
    let text = String::from_utf8_lossy(&std::fs::read(&file).expect("the file can be read")).into_owned();
    match what.as_str() {
        "rules" => rules(&text, Duration::from_secs_f64(argument().map_or(2.0, |it| it.parse().expect("seconds")))),
        "learn" => learn(&text),
        "themes" => of_themes(&text),
        other => panic!("rules, learn or themes, not {other}"),
    }
}

fn rules(text: &str, least: Duration) {
    let texts: Vec<&str> = text.lines().collect();
    black_box(sentiment("warm"));
    let (started, mut taken) = (Instant::now(), 0u64);
    while started.elapsed() < least {
        for text in &texts {
            black_box(sentiment(text));
        }
        taken += texts.len() as u64;
    }
    println!("{taken}");
}

fn learn(text: &str) {
    let line =
        |line: &'static str| line.split_once('\t').map(|(rating, text)| (text, rating.parse().expect("a rating")));
    let rated: Vec<(&str, f64)> = text.to_owned().leak().lines().filter_map(line).collect();
    let started = Instant::now();
    let model = Learnt::learn(&rated, 0.0).expect("enough texts");
    println!("{:.2}", started.elapsed().as_secs_f64());
    eprintln!("{:?}", model.measured());
}

fn of_themes(text: &str) {
    let texts: Vec<&str> = text.lines().collect();
    let started = Instant::now();
    let found = themes(&texts, Wanted { themes: None, words: 3 });
    println!("{:.2}", started.elapsed().as_secs_f64());
    eprintln!("{} themes, stability {:.2}", found.themes.len(), found.stability);
}
