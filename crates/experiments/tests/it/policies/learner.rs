//! Chances of what was learnt: they add up, keep to the floor, prefer what is better for such people, and are the same after being kept.

use rapport_experiments::policies::design::{Arm, Decides, Design, Kind, Policy, Reward, State};
use rapport_experiments::policies::learner::{Chances, Features, LEAST, Learner, Learnt};

fn design(kind: Kind, features: &[&str], is_share: bool) -> Design {
    let arm = |key: &str| Arm { key: key.into(), name: String::new(), cost: 0.0, cap: None };
    Design {
        name: "Offer".into(),
        kind,
        decides: Decides::Way,
        arms: vec![arm("none"), arm("voucher")],
        reward: Reward { metric: "conversion".into(), is_share, hours: 24, worth: 1.0, costs: Vec::new() },
        floor: 0.05,
        memory: 1.0,
        features: features.iter().map(|it| (*it).to_owned()).collect(),
        experiment: None,
    }
}

fn policy(design: Design, learner: Option<Learner>) -> Policy {
    let (key, number, version, epoch) = ("offer".to_owned(), 1, 1, 1);
    Policy { number, key, state: State::Running, version, epoch, fixed_arm: None, design, learner }
}

fn rows(n: usize, one: impl Fn(usize) -> (usize, Features, f64)) -> Vec<Learnt> {
    let row = |at: usize| {
        let (arm, features, reward) = one(at);
        Learnt { arm, chances: vec![0.5, 0.5], features, reward }
    };
    (0..n).map(row).collect()
}

#[test]
fn all_are_alike_until_each_arm_has_enough() {
    let design = design(Kind::Bandit, &[], true);
    let few = rows(2 * LEAST - 1, |at| (at % 2, vec![], f64::from(at % 2 == 1)));
    assert_eq!(Learner::first(&design, 1, &few), None);
    let enough = rows(2 * LEAST, |at| (at % 2, vec![], f64::from(at % 2 == 1)));
    let learner = Learner::first(&design, 1, &enough).unwrap();
    let before = policy(design.clone(), None).chances(vec![], &["voucher".into(), "none".into()]).unwrap();
    assert_eq!(before.arms, [("voucher".to_owned(), 0.5), ("none".to_owned(), 0.5)]);
    let after = policy(design, Some(learner)).chances_of(&[], &[0, 1]);
    // The voucher always brought something: it has all but the floor.
    assert!((after[0] - 0.05).abs() < 1e-6 && (after[1] - 0.95).abs() < 1e-6, "{after:?}");
}

/// The voucher is good for who has many orders and bad for who has few; of every third it is not known.
#[test]
fn such_people_get_what_is_better_for_them() {
    let design = design(Kind::Contextual, &["orders"], false);
    let orders = |at: usize| (!at.is_multiple_of(3)).then_some(if at.is_multiple_of(2) { 2.0 } else { 40.0 });
    let came = |at: usize| {
        let arm = (at / 6) % 2;
        let gain = match orders(at) {
            Some(it) if it > 20.0 => 1.0,
            Some(_) => -1.0,
            None => 0.5,
        };
        (arm, vec![orders(at)], if arm == 1 { gain } else { 0.0 })
    };
    let learner = Learner::first(&design, 7, &rows(600, came)).unwrap();
    let it = policy(design.clone(), Some(learner.clone()));
    let voucher = |features: Features| it.chances_of(&features, &[0, 1])[1];
    assert!(voucher(vec![Some(40.0)]) > 0.9 && voucher(vec![Some(2.0)]) < 0.1 && voucher(vec![None]) > 0.9);
    // Absurd facts are no more than far ones.
    assert!(voucher(vec![Some(1e14)]).is_finite());
    let (bytes, basis) = learner.to_kept();
    let kept = policy(design.clone(), Learner::from_kept(&design, &bytes, &basis));
    assert_eq!(kept.chances_of(&[Some(9.0)], &[0, 1]), it.chances_of(&[Some(9.0)], &[0, 1]));
    assert_eq!(Learner::from_kept(&design, &bytes[1..], &basis), None);
}

#[test]
fn a_policy_that_does_not_decide_gives_one_arm() {
    let arms = ["none".to_owned(), "voucher".to_owned()];
    let paused = Policy { state: State::Paused, ..policy(design(Kind::Bandit, &[], true), None) };
    let found = paused.chances(vec![], &arms).unwrap();
    assert_eq!((found.arms.as_slice(), found.decides), (&[("none".to_owned(), 1.0)][..], false));
    let fixed = Policy { state: State::Fixed, fixed_arm: Some("voucher".into()), ..paused };
    assert_eq!(fixed.chances(vec![], &arms).unwrap().arms, [("voucher".to_owned(), 1.0)]);
    // A place without that way gets the first that it has; one without any of its arms nothing.
    assert_eq!(fixed.chances(vec![], &arms[..1]).unwrap().arms, [("none".to_owned(), 1.0)]);
    assert_eq!(fixed.chances(vec![], &["other".into()]), None);
}

#[test]
fn an_arm_is_drawn_at_its_place() {
    let chances = Chances { arms: vec![("a".into(), 0.2), ("b".into(), 0.8)], features: vec![], decides: true };
    let at = |place| chances.drawn(place).unwrap().0;
    assert_eq!((at(0.0), at(0.199), at(0.2), at(0.999), at(1.0)), ("a", "a", "b", "b", "b"));
}
