//! What a simulation says of everybody: sums, intervals, who gains and who loses.

use std::collections::BTreeMap;

use rapport_domain::PersonId;
use rapport_loyalty::simulation::tally::{Difference, Own, People, difference};

#[test]
fn an_interval_is_that_of_the_mean() {
    // A tenth of 2,000 people gain 10: the sum has a standard error of 10 · √(2000 · 0.1 · 0.9) = 134.
    let values: Vec<f64> = (0..2_000).map(|number| if number % 10 == 0 { 10.0 } else { 0.0 }).collect();
    let found = difference(&values, 1.0);
    assert_eq!(found.value, 2_000.0);
    assert!((found.high - found.value - 1.96 * 134.0).abs() < 30.0, "{found:?}");
    assert!((found.value - found.low - 1.96 * 134.0).abs() < 30.0, "{found:?}");
    assert_eq!(difference(&values, 1.0), found, "the same people give the same");
    let larger = difference(&values, 5.0);
    assert_eq!((larger.value, larger.low), (10_000.0, found.low * 5.0));
    assert_eq!(difference(&[0.0; 5], 1.0), Difference::default());
    assert_eq!(difference(&[], 1.0), Difference::default());
}

#[test]
fn who_gains_and_who_loses() {
    let mut people = People::default();
    let own = |points: i64| Own { points: [("points".to_owned(), points)].into(), outstanding: BTreeMap::new() };
    let wallets = ["points".to_owned()];
    for number in 0..25_i64 {
        people.add(PersonId(number), &wallets, &own(10), &own(if number < 5 { 0 } else { 5 + number }));
    }
    assert_eq!(people.moved("points"), (19, 5, 1));
    let (gaining, losing) = people.named("points");
    assert_eq!((gaining[0].person, gaining[0].by(), losing.len()), (PersonId(24), 19, 5));
    let deciles = people.deciles("points");
    assert_eq!(deciles.iter().map(|it| it.people).sum::<usize>(), 25);
    assert_eq!((deciles[0].least, deciles[9].most), (-10, 19));
    assert_eq!(people.earning(1.0).value, -5.0);
    assert_eq!(people.points("points", 2.0).0.value, 2.0 * (19.0 * 20.0 / 2.0 - 50.0));
}
