//! Experiments with a known truth, simulated with fixed seeds: how often intervals miss it and tests find it.

use rapport_models::experiments::{
    Arm, Baseline, Cuped, Effect, Estimand, Inference, Moments, Paired, Plan, sequential_mismatch,
};

/// Knuth's linear congruential generator (MMIX), of which the upper bits are used.
struct Lcg(u64);

impl Lcg {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A wait with mean 1: skewed, as amounts of money are.
    fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }

    /// Normal by Box and Muller.
    fn normal(&mut self) -> f64 {
        (2.0 * self.exponential()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn successes(&mut self, n: u64, share: f64) -> u64 {
        (0..n).filter(|_| self.uniform() < share).count() as u64
    }
}

fn one(value: f64) -> Moments {
    Moments { n: 1, sum: value, squares: value * value }
}

/// 10,000 experiments without an effect, in which 20 customers a day come into each arm for 30 days, and who stops at the first day with a p of at most
/// 5 % is wrong: of those read as if once (the first thousand) far more often than in 5 of 100, of the always valid ones never more often.
#[test]
fn looking_every_day_is_wrong_often_unless_always_valid() {
    let always =
        [Inference::always_valid(0.05), Inference::always_valid_near(0.05, 600.0), Inference::mixture(0.05, 0.01)];
    let (fixed, always) = (Inference::fixed(0.05).unwrap(), always.map(Option::unwrap));
    let (mut wrong_if_fixed, mut wrong, mut random) = (0, [0; 3], Lcg(1));
    for experiment in 0..10_000 {
        let (mut arms, mut found_if_fixed, mut found) = ([Moments::default(); 2], false, [false; 3]);
        for _ in 0..30 {
            for arm in &mut arms {
                *arm = (0..20).fold(*arm, |sum, _| sum.merged(one(random.exponential())));
            }
            let [control, treatment] = arms.map(|arm| arm.arm().unwrap());
            let effect = Effect::between(&treatment, &control, Estimand::Absolute).unwrap();
            found_if_fixed |= experiment < 1_000 && effect.read(&fixed).p <= 0.05;
            for (way, found) in always.iter().zip(&mut found) {
                *found |= effect.read(way).p <= 0.05;
            }
        }
        wrong_if_fixed += i32::from(found_if_fixed);
        for (wrong, found) in wrong.iter_mut().zip(found) {
            *wrong += i32::from(found);
        }
    }
    assert!(wrong_if_fixed > 200, "{wrong_if_fixed}");
    assert!(wrong.iter().all(|it| *it <= 500), "{wrong:?}");
}

/// Intervals of 90 % of shares and amounts, absolute and relative, hold the truth in about 90 of 100 experiments.
#[test]
fn fixed_intervals_hold_the_truth_as_often_as_they_say() {
    let inference = Inference::fixed(0.1).unwrap();
    let (mut held, mut random) = ([0u32; 4], Lcg(2));
    let experiments = 4_000;
    for _ in 0..experiments {
        let mut amounts =
            |mean: f64| (0..300).fold(Moments::default(), |sum, _| sum.merged(one(mean * random.exponential())));
        let arms = [amounts(1.0), amounts(1.3)].map(|arm| arm.arm().unwrap());
        let shares =
            [(400, 0.2), (200, 0.26)].map(|(n, share)| Arm::proportion(random.successes(n, share), n).unwrap());
        let cases = [
            (arms, Estimand::Absolute, 0.3),
            (arms, Estimand::Relative, 0.3),
            (shares, Estimand::Absolute, 0.06),
            (shares, Estimand::Relative, 0.3),
        ];
        for (held, ([control, treatment], estimand, truth)) in held.iter_mut().zip(cases) {
            let found = Effect::between(&treatment, &control, estimand).unwrap().read(&inference);
            *held += u32::from(found.low <= truth && truth <= found.high);
        }
    }
    for held in held {
        let share = f64::from(held) / f64::from(experiments);
        assert!((share - 0.9).abs() < 0.02, "{share}");
    }
}

/// A planned experiment finds the effect as often as was asked for. The shares are drawn as normal, which those of a thousand units are.
#[test]
fn planned_experiments_have_their_power() {
    let share: f64 = 0.3;
    let baseline = Baseline::Proportion(share);
    let (experiments, mut random) = (10_000, Lcg(3));
    for (inference, estimand, control, effect) in [
        (Inference::fixed(0.05), Estimand::Absolute, 0.5, 0.06),
        (Inference::fixed(0.05), Estimand::Relative, 0.25, 0.04),
        (Inference::always_valid(0.05), Estimand::Absolute, 0.4, -0.03),
        (Inference::mixture(0.05, 0.001), Estimand::Absolute, 0.5, 0.03),
    ] {
        let inference = inference.unwrap();
        let plan = Plan { baseline, estimand, inference, power: 0.8, control, treatments: 1 };
        let sizes = plan.sizes(effect).unwrap();
        let treated = if estimand == Estimand::Absolute { share + effect } else { share * (1.0 + effect) };
        let mut found = 0;
        for _ in 0..experiments {
            let [without, with] = [(sizes.control, share), (sizes.treatment, treated)].map(|(n, share)| {
                let drawn = share + random.normal() * (share * (1.0 - share) / n as f64).sqrt();
                Arm::new(n, drawn, drawn * (1.0 - drawn)).unwrap()
            });
            found += u32::from(Effect::between(&with, &without, estimand).unwrap().read(&inference).p <= 0.05);
        }
        let power = f64::from(found) / f64::from(experiments);
        assert!((power - 0.8).abs() < 0.02, "{sizes:?} {power}");
    }
}

/// The variance that is left is 1 − ρ² of that before, to two per cent, and the interval still holds the effect as often as it says.
#[test]
fn an_adjusted_metric_varies_by_what_was_not_known_before() {
    let inference = Inference::fixed(0.05).unwrap();
    let (mut held, mut random) = (0, Lcg(4));
    let (experiments, correlation, effect) = (1_000, 0.7_f64, 0.1);
    let (mut before, mut after) = (0.0, 0.0);
    for _ in 0..experiments {
        let arms = [0.0, effect].map(|effect| {
            (0..500).fold(Paired::default(), |sum, _| {
                let x = random.normal();
                let y = correlation * x + (1.0 - correlation * correlation).sqrt() * random.normal() + effect;
                sum.merged(Paired { n: 1, y, yy: y * y, x, xx: x * x, xy: x * y })
            })
        });
        let cuped = Cuped::over(&arms).unwrap();
        let [control, treatment] = arms.map(|arm| cuped.arm(&arm).unwrap());
        let found = Effect::between(&treatment, &control, Estimand::Absolute).unwrap().read(&inference);
        held += u32::from(found.low <= effect && effect <= found.high);
        let plain = |arm: Paired| Moments { n: arm.n, sum: arm.y, squares: arm.yy }.arm().unwrap().variance();
        before += plain(arms[0]) + plain(arms[1]);
        after += control.variance() + treatment.variance();
    }
    assert!((after / before / (1.0 - correlation * correlation) - 1.0).abs() < 0.02, "{}", after / before);
    assert!((f64::from(held) / f64::from(experiments) - 0.95).abs() < 0.02, "{held}");
}

/// Units that are assigned as meant are called a mismatch no more often than alpha, however often one looks.
#[test]
fn looking_always_at_the_sample_ratio_is_seldom_wrong() {
    let (mut wrong, mut random) = (0, Lcg(5));
    let experiments = 2_000;
    for _ in 0..experiments {
        let (mut counts, mut least) = ([0u64; 2], 1.0_f64);
        for _ in 0..200 {
            let first = random.successes(20, 0.4);
            counts = [counts[0] + first, counts[1] + 20 - first];
            least = least.min(sequential_mismatch(&counts, &[4.0, 6.0], 200.0).unwrap());
        }
        wrong += u32::from(least <= 0.05);
    }
    assert!(f64::from(wrong) / f64::from(experiments) <= 0.05, "{wrong}");
}
