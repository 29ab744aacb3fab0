//! Bandits with a context against slow, plain computations, and bad input.

use super::super::{Chances, Logged, doubly_robust, inverse_propensity};
use super::*;
use proptest::prelude::*;

/// A classification as a bandit (Dudík, Langford and Li 2011): the arm is the class that is said, the reward whether it is right. Wine's 13 columns,
/// standardised, with a 1.
fn wine() -> (Vec<Vec<f64>>, Vec<usize>) {
    let text = include_str!("../../../tests/data/wine.csv");
    let rows: Vec<Vec<f64>> =
        text.lines().map(|it| it.split(',').map(|it| it.trim().parse().unwrap()).collect()).collect();
    let classes: Vec<f64> = rows.iter().map(|it| it[CLASS]).collect();
    let least = classes.iter().copied().fold(f64::MAX, f64::min);
    let n = rows.len() as f64;
    let columns: Vec<Vec<f64>> = (0..rows[0].len())
        .filter(|it| *it != CLASS)
        .map(|at| {
            let mean = rows.iter().map(|it| it[at] / n).sum::<f64>();
            let deviation = (rows.iter().map(|it| (it[at] - mean).powi(2)).sum::<f64>() / n).sqrt();
            rows.iter().map(|it| (it[at] - mean) / deviation).collect()
        })
        .collect();
    let context = |at: usize| columns.iter().map(|it| it[at]).chain([1.0]).collect();
    ((0..rows.len()).map(context).collect(), classes.into_iter().map(|it| (it - least) as usize).collect())
}

const CLASS: usize = 13;

fn bandit(rule: Rule, features: usize, seed: u64) -> LinearBandit {
    LinearBandit::new(3, features, LinearOptions { rule, seed, ..LinearOptions::default() }).unwrap()
}

/// The share of 1,000 decisions in an order of chance that were wrong, the mean of 5 runs; each rule beside ε-greedy on the same contexts.
#[test]
fn contexts_are_learnt_with_less_regret_than_by_epsilon_greedy() {
    let (contexts, classes) = wine();
    assert_eq!((contexts.len(), contexts[0].len()), (178, 14));
    let lost = |rule: Rule| {
        let run = |seed: u64| {
            let mut own = bandit(rule, 14, seed);
            let mut order = Draws::new(seed + 70);
            let one = |_: usize| {
                let at = order.below(178);
                let arm = own.decide(&contexts[at], None).unwrap().arm;
                own.learn(&contexts[at], arm, f64::from(u8::from(arm == classes[at]))).unwrap();
                usize::from(arm != classes[at])
            };
            (0..1_000).map(one).sum::<usize>()
        };
        (0..5).map(run).sum::<usize>() as f64 / 5_000.0
    };
    let baseline = lost(Rule::EpsilonGreedy(0.1));
    for rule in [Rule::Thompson(Chances::Exact), Rule::Thompson(Chances::Draws(100)), Rule::UpperBound(1.0)] {
        let found = lost(rule);
        println!("{rule:?} {found} {baseline}");
        assert!(found < baseline && found < 0.09, "{rule:?} {found} {baseline}");
    }
}

/// A log of 60,000 decisions by a policy that learns; the value of another, always the same, policy told from it within 1 % of the truth, which all labels give.
#[test]
fn the_value_of_another_policy_within_1_percent() {
    let (contexts, classes) = wine();
    // The policy to be judged says the class by one column, and is right for some.
    let said =
        |at: usize| usize::from(contexts[at][12] < 0.3) + usize::from(contexts[at][12] < 0.3 && contexts[at][9] > 0.4);
    let truth = (0..178).filter(|at| said(*at) == classes[*at]).count() as f64 / 178.0;
    assert!(truth > 0.5 && truth < 0.99, "{truth}");
    let options =
        LinearOptions { rule: Rule::Thompson(Chances::Draws(50)), floor: 0.1, seed: 5, ..LinearOptions::default() };
    let mut own = LinearBandit::new(3, 14, options).unwrap();
    let mut order = Draws::new(8);
    let (mut log, mut foretold) = (Vec::new(), Vec::new());
    for decision in 0..60_000 {
        let at = order.below(178);
        let found = own.decide(&contexts[at], None).unwrap();
        let reward = f64::from(u8::from(found.arm == classes[at]));
        let target = f64::from(u8::from(found.arm == said(at)));
        log.push(Logged { propensity: found.propensity, target, reward });
        // Foretold by what had been learnt before this decision.
        let believed = own.believed(&contexts[at]).unwrap();
        foretold.push((believed[found.arm].0, believed[said(at)].0));
        if decision < 2_000 {
            own.learn(&contexts[at], found.arm, reward).unwrap();
        }
    }
    let robust = doubly_robust(&log, &foretold, f64::MAX).unwrap();
    let plain = inverse_propensity(&log, f64::MAX).unwrap();
    println!("{truth} {robust:?} {plain:?}");
    assert!((robust.reward.value / truth - 1.0).abs() < 0.01);
    // One log may miss an interval of 95 %; neither estimate is further off than chance goes once in a thousand.
    for it in [robust, plain] {
        assert!((it.reward.value - truth).abs() < 3.29 * it.reward.standard_error.unwrap());
    }
}

/// Beliefs by hand: one feature, ridge 1, rewards 1 and 3 at x = 1: A = 3, b = 4; and s² = (2 · .25 + 10 − 16/3) / 4.
#[test]
fn beliefs_by_hand() {
    let mut own = bandit(Rule::UpperBound(1.0), 1, 0);
    own.learn(&[1.0], 0, 1.0).unwrap();
    own.learn(&[1.0], 0, 3.0).unwrap();
    let found = own.believed(&[1.0]).unwrap();
    let spread = ((0.5 + 10.0 - 16.0 / 3.0) / 4.0 / 3.0_f64).sqrt();
    assert!((found[0].0 - 4.0 / 3.0).abs() < 1e-12 && (found[0].1 - spread).abs() < 1e-12, "{found:?}");
    assert!((found[1].0, found[1].1) == (0.0, 0.5));
}

/// 200 logs of bandits that learn while they act: means over all draws of the propensities' inverse are as often inside their intervals as they say (exact
/// binomial bounds of 99.9 %: 179 to 198).
#[test]
fn intervals_from_learning_logs_hold_the_truth() {
    let mut held = 0;
    for seed in 0..200 {
        let rule = Rule::Thompson(Chances::Draws(20));
        let options = LinearOptions { rule, floor: 0.15, seed, ..LinearOptions::default() };
        let mut own = LinearBandit::new(2, 2, options).unwrap();
        let mut draws = Draws::new(seed + 1_000);
        let mut log = Vec::new();
        for _ in 0..300 {
            let x = super::super::belief::uniform(&mut draws);
            let found = own.decide(&[x, 1.0], None).unwrap();
            let reward = f64::from(u8::from(super::super::belief::uniform(&mut draws) < [0.5, x][found.arm]));
            // The policy to be judged takes arm 1 always: .5 in the mean.
            log.push(Logged { propensity: found.propensity, target: found.arm as f64, reward });
            own.learn(&[x, 1.0], found.arm, reward).unwrap();
        }
        held += usize::from(inverse_propensity(&log, f64::MAX).unwrap().reward.interval().holds(0.5));
    }
    assert!((179..=198).contains(&held), "{held}");
}

proptest! {
    #[test]
    fn whatever_comes_chances_are_chances_and_bytes_go_on(
        rows in prop::collection::vec((prop::collection::vec(-1e20..1e20f64, 2), 0usize..3, -1e40..1e40f64), 0..20),
        kind in 0usize..4, memory in 0.05..1.0f64, seed: u64, cut in 1usize..200,
    ) {
        let rule = [Rule::Thompson(Chances::Exact), Rule::Thompson(Chances::Draws(9)), Rule::UpperBound(2.0), Rule::EpsilonGreedy(0.1)][kind];
        let options = LinearOptions { rule, floor: 0.05, memory, seed, ..LinearOptions::default() };
        let mut own = LinearBandit::new(3, 2, options).unwrap();
        for (context, arm, reward) in rows {
            let found = own.decide(&context, None).unwrap();
            prop_assert!((found.propensities.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{:?}", found);
            prop_assert!(found.propensities.iter().all(|it| *it >= 0.05 - 1e-9));
            own.learn(&context, arm, reward).unwrap();
        }
        let bytes = own.to_bytes();
        let mut again = LinearBandit::from_bytes(&bytes).unwrap();
        prop_assert_eq!(again.decide(&[1.0, 2.0], None), own.decide(&[1.0, 2.0], None));
        prop_assert!(LinearBandit::from_bytes(&bytes[..bytes.len() - cut.min(bytes.len())]).is_err());
        prop_assert!(own.decide(&[1.0], None).is_err() && own.decide(&[f64::NAN, 1.0], None).is_err());
    }
}
