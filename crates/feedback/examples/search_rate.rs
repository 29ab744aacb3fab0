//! How fast texts are found: `search_rate <texts, one a line> <words to look for, one a line>` makes an index in a folder of its own, as the server does,
//! and prints one JSON line: seconds to make it, its size, and how long it takes to find the newest fifty with the number of all.

use std::time::Instant;

use rapport_domain::{Handle, PersonId, Timestamp};
use rapport_feedback::verbatims::records::{Filter, VerbatimRow};
use rapport_feedback::verbatims::search::{Index, Position, Ranking};
use rapport_text::language::language;

/// As many as the server takes up at once.
const AT_ONCE: usize = 10_000;
const PAGE: usize = 50;
const ROUNDS: usize = 5;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut read = || std::fs::read_to_string(arguments.next().expect("a file")).expect("the file can be read");
    let (texts, words) = (read(), read());
    let folder = tempfile::tempdir().expect("a folder");
    let index = Index::open(folder.path()).expect("an index");
    let rows: Vec<VerbatimRow> = texts.lines().enumerate().map(|(at, text)| row(at, text)).collect();
    let started = Instant::now();
    for part in rows.chunks(AT_ONCE) {
        index.follow(&[], part, Position::default()).expect("it can be written");
    }
    let made = started.elapsed().as_secs_f64();
    let files = std::fs::read_dir(folder.path()).expect("a folder");
    let size: u64 = files.map(|it| it.expect("a file").metadata().expect("its size").len()).sum();
    let all = Filter { from: Timestamp(i64::MIN), ..Filter::default() };
    let (mut times, mut found) = (Vec::new(), 0);
    for round in 0..=ROUNDS {
        for words in words.lines() {
            let started = Instant::now();
            let page = index.find(words, &all, Ranking::Newest, PAGE).expect("it can be read");
            // The first round brings the files into memory.
            if round > 0 {
                times.push(started.elapsed().as_secs_f64() * 1_000.0);
                found += page.total;
            }
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    let megabytes = size / 1_000_000;
    println!(
        r#"{{"texts": {}, "made_s": {made:.2}, "size_mb": {megabytes}, "found": {}, "p50_ms": {:.3}, "p95_ms": {:.3}, "worst_ms": {:.3}}}"#,
        index.len(),
        found / ROUNDS,
        at(50),
        at(95),
        at(100),
    );
}

fn row(at: usize, text: &str) -> VerbatimRow {
    let number = i64::try_from(at).expect("not that many");
    VerbatimRow {
        event_id: (at as u128).to_be_bytes(),
        handle: Handle(number),
        person: PersonId(number),
        occurred_at: Timestamp(number * 1_000),
        event_name: "Product Reviewed".to_owned(),
        language: language(text).unwrap_or_default().to_owned(),
        shown: text.to_owned(),
        rating: None,
        sentiment: 0,
        anger: 0,
        disappointment: 0,
        anxiety: 0,
        joy: 0,
        gratitude: 0,
        trust: 0,
        urgency: 0,
        corrected_at: None,
        subject: String::new(),
    }
}
