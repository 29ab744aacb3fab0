//! How many texts a second the rules take, on one thread: `text_rate <file of texts, one a line> [seconds]`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rapport_text::rules::sentiment;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("a file of texts, one a line");
    let least = Duration::from_secs_f64(arguments.next().map_or(2.0, |it| it.parse().expect("seconds")));
    let bytes = std::fs::read(&file).expect("the file can be read");
    let text = String::from_utf8_lossy(&bytes);
    let texts: Vec<&str> = text.lines().collect();
    black_box(sentiment("warm"));
    let (started, mut taken) = (Instant::now(), 0u64);
    while started.elapsed() < least {
        for text in &texts {
            black_box(sentiment(text));
        }
        taken += texts.len() as u64;
    }
    println!("{:.0}", taken as f64 / started.elapsed().as_secs_f64());
}
