//! What is done about effects, against trials whose truth is known.

use rapport_domain::{Rng as _, SeededRng};
use rapport_experiments::policies::effects::{Effects, Person, Way};

/// Of everybody `base` of `x` have the outcome; with the other arm `more` of `x` more do. Facts are `x` from 0 to 1, one that says nothing, and one alike in all.
fn trial(n: usize, seed: u64, base: impl Fn(f64) -> f64, more: impl Fn(f64) -> f64) -> Vec<Person> {
    let rng = SeededRng::new(seed);
    let uniform = || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let person = |_| {
        let (x, noise, treated) = (uniform(), uniform(), uniform() < 0.5);
        let chance = base(x) + if treated { more(x) } else { 0.0 };
        let known = (uniform() < 0.9).then_some(x);
        Person {
            features: vec![known, Some(noise), Some(1.0)],
            treated,
            reward: f64::from(u8::from(uniform() < chance)),
        }
    };
    (0..n).map(person).collect()
}

#[test]
fn who_gains_gets_it_where_that_is_surely_more() {
    let people = trial(12_000, 5, |x| if x < 0.3 { 0.7 } else { 0.1 }, |x| if x > 0.7 { 0.5 } else { 0.0 });
    let found = Effects::of(&people, 0.5, 0.1, 0.05, true).unwrap();
    assert_eq!(found.way, Way::Effects, "{:?}", found.judged);
    assert!(found.ahead.1 > 0.0 && (found.average.0 - 0.15).abs() < 0.03, "{found:?}");
    let other = |x: f64| found.chances(&[Some(x), Some(0.5), Some(1.0)], &[0, 1]).unwrap();
    assert_eq!((other(0.95), other(0.2)), (vec![0.05, 0.95], vec![0.95, 0.05]));
    // .28 for all without the arm, and .3 × (.5 − .1) with it for those who gain; the response model gives it to those who would have it anyway.
    let value = |way: Way| found.judged.iter().find(|it| it.way == way).unwrap().value;
    assert!((value(Way::Effects) - 0.4).abs() < 0.03 && value(Way::Response) < 0.35, "{:?}", found.judged);
    let kept: Effects = serde_json::from_value(serde_json::to_value(&found).unwrap()).unwrap();
    assert_eq!(kept.chances(&[None, None, None], &[0, 1]), found.chances(&[None, None, None], &[0, 1]));
}

#[test]
fn where_all_gain_alike_or_nobody_the_plain_ways_hold() {
    let all = Effects::of(&trial(6_000, 6, |_| 0.1, |_| 0.3), 0.5, 0.05, 0.05, true).unwrap();
    assert_eq!(all.way, Way::Everybody, "{:?} {:?}", all.judged, all.ahead);
    let nobody = Effects::of(&trial(6_000, 7, |_| 0.1, |_| 0.0), 0.5, 0.2, 0.05, true).unwrap();
    assert_eq!(nobody.way, Way::Nobody, "{:?}", nobody.judged);
    assert_eq!(nobody.chances(&[Some(0.5), None, None], &[0, 1]), Some(vec![0.95, 0.05]));
    assert_eq!(nobody.chances(&[Some(0.5), None, None], &[1]), Some(vec![0.0, 1.0]));
}

#[test]
fn what_cannot_be_learnt_from_is_said() {
    assert!(Effects::of(&[], 0.5, 0.0, 0.05, true).is_err());
    let few = Effects::of(&trial(60, 1, |_| 0.1, |_| 0.1), 0.5, 0.0, 0.05, true).unwrap_err().to_string();
    assert!(few.contains("rows") || few.contains("controls"), "{few}");
    let mut alike = trial(2_000, 1, |_| 0.1, |_| 0.1);
    alike.iter_mut().for_each(|it| it.features = vec![None, Some(2.0), Some(1.0)]);
    assert!(Effects::of(&alike, 0.5, 0.0, 0.05, true).is_err());
}
