//! Trees of effects against small cases worked out by hand, and bad input.

use super::*;
use crate::learn::{Feature, Outcome};

/// Those with a plan gain .3 if they are younger than 40, others nothing.
fn drawn(n: usize, seed: u64) -> (Table, Comparison, Vec<f64>) {
    let mut draws = Draws::new(seed);
    let mut uniform = || (draws.next() >> 11) as f64 / (1u64 << 53) as f64;
    let (mut age, mut plan, mut treated, mut labels, mut truth) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..n {
        let (own_age, own_plan, arm) =
            (20.0 + 60.0 * uniform(), ["a", "b", "c"][(uniform() * 3.0) as usize], uniform() < 0.5);
        let effect = if own_age < 40.0 && own_plan != "a" { 0.3 } else { 0.0 };
        labels.push(uniform() < 0.3 + if arm { effect } else { 0.0 });
        age.push(own_age);
        plan.push(own_plan);
        treated.push(arm);
        truth.push(effect);
    }
    let table = Table::new(vec![Feature::numbers("age", age), Feature::categories("plan", &plan)]).unwrap();
    (table, Comparison::new(&treated, Outcome::Class(&labels), None).unwrap(), truth)
}

#[test]
fn a_tree_finds_who_gains_and_says_it_in_words() {
    let (table, comparison, truth) = drawn(20_000, 3);
    let found = segments(&table, &comparison, &TreeOptions::default()).unwrap();
    let best = found.iter().max_by(|a, b| a.effect.unwrap().value.total_cmp(&b.effect.unwrap().value)).unwrap();
    assert!(best.effect.unwrap().interval().holds(0.3), "{found:?}");
    assert!(best.conditions.iter().any(|it| it == "plan is b or c"), "{found:?}");
    assert!(
        best.conditions.iter().any(|it| it.starts_with("age is at most 39") || it.starts_with("age is at most 40")),
        "{found:?}"
    );
    let tree = Forest::tree(&table, &comparison, &TreeOptions::default()).unwrap();
    let forest = Forest::fit(&table, &comparison, &TreeOptions::default()).unwrap();
    for (name, it) in [("tree", &tree), ("forest", &forest)] {
        let off = crate::uplift::pehe(&it.predict(&table).unwrap(), &truth).unwrap();
        assert!(off < 0.06, "{name} {off}");
    }
    // The same again is the same.
    assert_eq!(forest, Forest::fit(&table, &comparison, &TreeOptions::default()).unwrap());
}

#[test]
fn where_nobody_gains_more_than_others_there_is_one_leaf() {
    let mut leaves = 0;
    for seed in 0..20 {
        let (table, comparison, _) = drawn(2_000, seed);
        let treated: Vec<bool> = (0..2_000).map(|it| it % 2 == 0).collect();
        let alike = Comparison::new(&treated, comparison.response().outcome(), None).unwrap();
        leaves += segments(&table, &alike, &TreeOptions { least_apart: 4.0, ..TreeOptions::default() }).unwrap().len();
    }
    assert!(leaves <= 24, "{leaves}");
}

/// What was read from a file and does not fit together is told before it is asked anything.
#[test]
fn what_does_not_fit_together_is_not_sound() {
    let (table, comparison, _) = drawn(6_000, 5);
    let tree = Forest::tree(&table, &comparison, &TreeOptions::default()).unwrap();
    assert!(tree.is_sound() && tree.trees[0].nodes.len() > 1);
    let changed = |change: &dyn Fn(&mut Forest)| {
        let mut own = tree.clone();
        change(&mut own);
        own.is_sound()
    };
    assert!(!changed(&|it| it.trees.clear()) && !changed(&|it| it.trees[0].nodes.clear()));
    type Question = (usize, Vec<bool>, [usize; 2]);
    let question = |it: &mut Forest, change: &dyn Fn(&mut Question)| {
        change(it.trees[0].nodes[0].question.as_mut().unwrap());
    };
    assert!(!changed(&|it| question(it, &|own| own.0 = 9)), "there is no such feature");
    assert!(!changed(&|it| question(it, &|own| own.1.truncate(2))), "bins without a side");
    assert!(!changed(&|it| question(it, &|own| own.2[0] = 0)), "a child before its parent never ends");
    assert!(!changed(&|it| question(it, &|own| own.2[1] = 1_000)), "there is no such child");
}
