//! What arms and other policies bring, against what is true of simulated decisions.

use rapport_domain::{Rng as _, SeededRng};
use rapport_experiments::policies::design::{Arm, Decides, Design, Kind, Policy, Reward, State};
use rapport_experiments::policies::judging::{Asked, LEAST, judge};
use rapport_experiments::policies::learner::{Learner, Learnt};

/// Two arms that bring .2 and .5, taken with .7 and .3.
fn decided(n: usize, seed: u64) -> (Policy, Vec<Learnt>) {
    let arm = |key: &str| Arm { key: key.into(), name: String::new(), cost: 0.0, cap: None };
    let reward = Reward { metric: "conversion".into(), is_share: true, hours: 24, worth: 1.0, costs: Vec::new() };
    let design = Design {
        name: "Offer".into(),
        kind: Kind::Bandit,
        decides: Decides::Way,
        arms: vec![arm("a"), arm("b")],
        reward,
        floor: 0.05,
        memory: 1.0,
        features: Vec::new(),
        experiment: None,
    };
    let rng = SeededRng::new(seed);
    let uniform = || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let chance = |p: f64| uniform() < p;
    let row = |_| {
        let arm = usize::from(chance(0.3));
        let reward = f64::from(u8::from(chance([0.2, 0.5][arm])));
        Learnt { arm, chances: vec![0.7, 0.3], features: Vec::new(), reward }
    };
    let rows: Vec<Learnt> = (0..n).map(row).collect();
    let learner = Learner::first(&design, 3, &rows);
    let state = State::Running;
    (Policy { number: 1, key: "p".into(), state, version: 1, epoch: 1, fixed_arm: None, design, learner }, rows)
}

/// 200 sets of decisions: intervals of 95 % hold the truth within the exact binomial bounds of 99.9 % (179 to 200).
#[test]
fn intervals_hold_what_arms_bring() {
    let truths = [(Asked::Always(0), 0.2), (Asked::Always(1), 0.5), (Asked::Even, 0.35)];
    let mut held = [0; 3];
    for seed in 0..200 {
        let (policy, rows) = decided(400, seed);
        let found = judge(&policy, &rows);
        for (held, (asked, truth)) in held.iter_mut().zip(truths) {
            let it = found.iter().find(|it| it.0 == asked).unwrap().1.as_ref().unwrap();
            let all = [&it.snips, &it.ips, &it.robust];
            assert!(all.iter().all(|it| it.reward.value.is_finite() && it.effective <= 400.0));
            *held += u32::from(it.snips.reward.interval().holds(truth));
        }
    }
    assert!(held.iter().all(|it| *it >= 179), "{held:?}");
}

#[test]
fn the_policy_as_it_is_brings_what_its_best_arm_does_and_too_few_say_nothing() {
    let (policy, rows) = decided(4_000, 9);
    let now = judge(&policy, &rows).into_iter().find(|it| it.0 == Asked::Now).unwrap().1.unwrap();
    // It takes b with .95 by now.
    assert!((now.robust.reward.value - 0.485).abs() < 0.04, "{now:?}");
    assert!(now.snips.effective < 2_000.0, "{now:?}");
    assert!(judge(&policy, &rows[..LEAST - 1]).iter().all(|it| it.1.is_none()));
}

/// Where an arm could not be taken, the decision says nothing of it.
#[test]
fn what_could_not_be_taken_is_not_judged() {
    let (policy, mut rows) = decided(300, 2);
    for row in rows.iter_mut().skip(100) {
        (row.arm, row.chances) = (0, vec![1.0, 0.0]);
    }
    let found = judge(&policy, &rows);
    let of = |asked| found.iter().find(|it| it.0 == asked).unwrap().1.clone();
    assert!(of(Asked::Always(1)).unwrap().snips.effective <= 100.0);
    assert!(of(Asked::Always(0)).unwrap().snips.effective > 200.0);
}
