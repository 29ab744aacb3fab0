//! How long sets and rules take: `cargo run --release --example speed_baskets GROCERIES.csv [SUPPORT]` (transaction, item).

use std::collections::HashMap;
use std::time::Instant;

use rapport_models::baskets::{Consequents, ItemSets, Limits, Share};

fn main() {
    let path = std::env::args().nth(1).expect("the path of a file with lines of transaction,item");
    let text = std::fs::read_to_string(path).expect("a readable file");
    let (mut items, mut of) = (HashMap::new(), HashMap::<&str, Vec<u32>>::new());
    for (basket, item) in text.lines().skip(1).filter_map(|it| it.split_once(',')) {
        let next = items.len() as u32;
        of.entry(basket).or_default().push(*items.entry(item).or_insert(next));
    }
    let baskets: Vec<Vec<u32>> = of.into_values().collect();
    let limits =
        Limits::support(Share::decimal(&std::env::args().nth(2).unwrap_or_else(|| "0.001".into())).expect("a share"));
    let confidence = Share::decimal("0.5").expect("a share");
    let timed = |it: &dyn Fn() -> usize| {
        let run = || {
            let start = Instant::now();
            let found = it();
            (start.elapsed(), found)
        };
        (0..7).map(|_| run()).min().expect("a run")
    };
    println!("sets: {:?}", timed(&|| ItemSets::mine(&baskets, &limits).map_or(0, |it| it.len())));
    let sets = ItemSets::mine(&baskets, &limits).expect("sets");
    println!("rules: {:?}", timed(&|| sets.rules(confidence, Consequents::Any).rules.len()));
    let rules = sets.rules(confidence, Consequents::Any);
    println!("false discovery: {:?}", timed(&|| rules.false_discovery().iter().filter(|it| **it < 0.05).count()));
}
