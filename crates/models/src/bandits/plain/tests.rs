//! Bandits without a context: chances that add up and are kept to, and bad input.

use super::super::belief::uniform;
use super::super::{Chances, Rule};
use super::*;
use proptest::prelude::*;

const THOMPSON: Rule = Rule::Thompson(Chances::Exact);

fn shares(arms: usize, rule: Rule, floor: f64, memory: f64, seed: u64) -> Bandit {
    Bandit::new(arms, Rewards::Share, rule, floor, memory, seed).unwrap()
}

/// How much less than the best arm would have brought, from the decision `from` on; `means` says what arms bring at a time.
fn regret(bandit: &mut Bandit, from: usize, seed: u64, means: impl Fn(usize) -> Vec<f64>) -> f64 {
    let mut draws = Draws::new(seed ^ 0x5eed);
    let mut lost = 0.0;
    for at in 0..2_000 {
        let means = means(at);
        let arm = bandit.decide(None).unwrap().arm;
        lost += if at < from { 0.0 } else { means.iter().copied().fold(0.0, f64::max) - means[arm] };
        bandit.learn(arm, f64::from(u8::from(uniform(&mut draws) < means[arm]))).unwrap();
    }
    lost
}

/// The mean over 20 runs of 2,000 decisions with rates of .05, .04, .25 and .05; and after a change of all rates in the middle.
#[test]
fn thompson_loses_less_than_epsilon_greedy_and_forgetting_less_after_a_change() {
    let mean = |rule: Rule, memory: f64, turned: bool| {
        let one = |seed: u64| {
            let mut bandit = shares(4, rule, 0.0, memory, seed);
            regret(&mut bandit, if turned { 1_000 } else { 0 }, seed, |at| {
                if turned && at >= 1_000 { vec![0.3, 0.1, 0.05, 0.2] } else { vec![0.05, 0.04, 0.25, 0.05] }
            })
        };
        (0..20).map(one).sum::<f64>() / 20.0
    };
    let draws = Rule::Thompson(Chances::Draws(100));
    let (ours, baseline) = (mean(draws, 1.0, false), mean(Rule::EpsilonGreedy(0.1), 1.0, false));
    assert!(ours < 0.6 * baseline, "{ours} {baseline}");
    let (lasting, forgetting) = (mean(draws, 1.0, true), mean(draws, 0.99, true));
    println!("{ours} {baseline} {lasting} {forgetting}");
    assert!(forgetting < 0.9 * lasting, "{lasting} {forgetting}");
}

#[test]
fn numbers_are_learnt_whatever_their_scale() {
    let mut draws = Draws::new(3);
    let rewards = Rewards::Number { mean: 50.0, deviation: 20.0 };
    let mut taken = [0; 3];
    let mut bandit = Bandit::new(3, rewards, Rule::Thompson(Chances::Draws(50)), 0.0, 1.0, 4).unwrap();
    for _ in 0..3_000 {
        let arm = bandit.decide(None).unwrap().arm;
        taken[arm] += 1;
        let noise: f64 = (0..12).map(|_| uniform(&mut draws)).sum::<f64>() - 6.0;
        bandit.learn(arm, [40.0, 60.0, 55.0][arm] + 20.0 * noise).unwrap();
    }
    assert!(taken[1] > 2_200 && (bandit.means()[1] - 60.0).abs() < 2.0, "{taken:?} {:?}", bandit.means());
    assert_eq!(bandit.counts().iter().sum::<f64>().round(), 3_000.0);
}

/// Chances add up to 1, hold the floor, and arms come as often as they say: chi-square of 50,000 decisions with 3 degrees of freedom, 99.9 %.
#[test]
fn propensities_are_how_often_arms_come() {
    for (rule, floor) in [
        (THOMPSON, 0.02),
        (Rule::Thompson(Chances::Draws(200)), 0.02),
        (Rule::UpperBound(1.0), 0.05),
        (Rule::EpsilonGreedy(0.2), 0.0),
    ] {
        let mut bandit = shares(4, rule, floor, 1.0, 11);
        for (arm, rewards) in [[3, 10], [5, 9], [1, 12], [5, 10]].into_iter().enumerate() {
            (0..rewards[1]).for_each(|it| bandit.learn(arm, if it < rewards[0] { 1.0 } else { 0.0 }).unwrap());
        }
        let first = bandit.decide(None).unwrap();
        assert!((first.propensities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(first.propensities.iter().all(|it| *it >= floor - 1e-12));
        let mut counts = [0.0; 4];
        for _ in 0..50_000 {
            let found = bandit.decide(None).unwrap();
            assert_eq!(found.propensity, found.propensities[found.arm]);
            counts[found.arm] += 1.0;
        }
        let far = counts.iter().zip(&first.propensities).map(|(n, p)| (n - 5e4 * p).powi(2) / (5e4 * p)).sum::<f64>();
        assert!(far < 16.27, "{rule:?} {far}");
    }
}

#[test]
fn only_what_is_allowed_is_taken_and_nonsense_is_refused() {
    let mut bandit = shares(4, THOMPSON, 0.1, 1.0, 1);
    for _ in 0..50 {
        let found = bandit.decide(Some(&[1, 3])).unwrap();
        assert!([1, 3].contains(&found.arm) && found.propensities[0] == 0.0 && found.propensities[1] == 0.5);
    }
    assert!(bandit.decide(Some(&[])).is_err() && bandit.decide(Some(&[4])).is_err());
    assert!(bandit.learn(4, 1.0).is_err() && bandit.learn(0, 1.5).is_err() && bandit.learn(0, f64::NAN).is_err());
    let made = |arms, rule, floor, memory| Bandit::new(arms, Rewards::Share, rule, floor, memory, 1);
    assert!(made(0, THOMPSON, 0.0, 1.0).is_err() && made(4, THOMPSON, 0.3, 1.0).is_err());
    assert!(made(4, THOMPSON, 0.0, 0.0).is_err() && made(4, Rule::Thompson(Chances::Draws(0)), 0.0, 1.0).is_err());
    assert!(made(4, Rule::EpsilonGreedy(f64::NAN), 0.0, 1.0).is_err());
}

proptest! {
    /// Whatever happens, chances are chances; kept bytes go on as if nothing had been.
    #[test]
    fn bytes_go_on_where_they_were(
        rewards in prop::collection::vec((0usize..3, -1e40..1e40f64), 0..30),
        numbers: bool, kind in 0usize..4, memory in 0.01..1.0f64, seed: u64, cut in 0usize..60, arms in 3usize..5,
    ) {
        let rule = [THOMPSON, Rule::Thompson(Chances::Draws(9)), Rule::UpperBound(2.0), Rule::EpsilonGreedy(0.1)][kind];
        let kind = if numbers { Rewards::Number { mean: 3.0, deviation: 1e-3 } } else { Rewards::Share };
        let mut bandit = Bandit::new(arms, kind, rule, 0.05, memory, seed).unwrap();
        for (arm, reward) in rewards {
            let reward = if numbers { reward } else { (reward / 1e40).abs() };
            let found = bandit.decide(None).unwrap();
            prop_assert!((found.propensities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(found.propensities.iter().all(|it| *it >= 0.05 - 1e-9));
            bandit.learn(arm, reward).unwrap();
        }
        let bytes = bandit.to_bytes();
        let mut again = Bandit::from_bytes(&bytes).unwrap();
        for _ in 0..3 {
            prop_assert_eq!(again.decide(None), bandit.decide(None));
        }
        prop_assert!(Bandit::from_bytes(&bytes[..bytes.len() - 1 - cut.min(bytes.len() - 1)]).is_err());
        prop_assert!(crate::bandits::LinearBandit::from_bytes(&bytes).is_err());
    }
}
