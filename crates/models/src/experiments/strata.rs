//! Post-stratification: arms compared within groups of units that were known before the experiment, so that what sets groups apart is no noise.
//!
//! Miratrix, Sekhon and Yu (2013), "Adjusting treatment effect estimates by post-stratification in randomized experiments" (Journal of the Royal
//! Statistical Society B 75): with wₖ the share of the population in stratum k, the effect is Σ wₖ (ȳₖ₁ − ȳₖ₀), and given how many units of each arm
//! came to be in each stratum its variance is estimated by Neyman's formula, Σ wₖ² (s²ₖ₁/nₖ₁ + s²ₖ₀/nₖ₀), with the degrees of freedom of Welch and
//! Satterthwaite over all these terms. Shares that are counted on N units are themselves estimated: where effects differ between strata that adds
//! Σ wₖ (τₖ − τ)² / N, the variance of a multinomial mean, so that the interval is of those whom the units stand for as that of plain arms is. Relative
//! effects are those of the post-stratified means, by the delta method.
//!
//! Always holds: a stratum in which an arm has fewer than [`LEAST_UNITS`] units is merged with others before any outcome is looked at, and named.
//!
//! Does not do: choose strata. They have to be settled before units were assigned; one that the treatment can move takes the effect out.

use super::effect::Mean;
use super::{Arm, Effect, Estimand, Moments, Undecidable};

/// The least units of each arm in a stratum of its own: of fewer it is hardly known how they vary.
pub const LEAST_UNITS: u64 = 10;

/// A group of units that was known before the experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stratum {
    /// How many of the population are in it: the units of all arms, or everybody where that is known.
    pub population: u64,
    /// The metric over its units with the treatment.
    pub treatment: Moments,
    /// The metric over its units without.
    pub control: Moments,
}

/// An effect as the mean of the effects within strata.
#[derive(Clone, Debug, PartialEq)]
pub struct PostStratified {
    /// The effect.
    pub effect: Effect,
    /// The treatment's mean, as if each stratum had its share of the population in it.
    pub treatment: f64,
    /// The control's.
    pub control: f64,
    /// The variance that is left among the control's units within strata, for a [`super::Plan`].
    pub variance: f64,
    /// The strata that are merged into one because an arm has too few units in one of them, in the order of their places.
    pub merged: Vec<usize>,
    /// How many strata are left; 1 is the plain difference.
    pub strata: usize,
}

impl Stratum {
    fn merged(self, other: Self) -> Self {
        Self {
            population: self.population + other.population,
            treatment: self.treatment.merged(other.treatment),
            control: self.control.merged(other.control),
        }
    }

    fn units(self) -> u64 {
        self.treatment.n + self.control.n
    }

    fn has_too_few(self) -> bool {
        self.treatment.n.min(self.control.n) < LEAST_UNITS
    }
}

impl PostStratified {
    /// The effect over `strata`. Those with too few units of an arm are merged into one, and where that still has too few, with the smallest of the
    /// others; if all are, what is left is the plain difference.
    pub fn over(strata: &[Stratum], estimand: Estimand) -> Result<Self, Undecidable> {
        if strata.is_empty() {
            return Err(Undecidable::TooFew);
        }
        if strata.iter().any(|it| it.population < it.units()) {
            return Err(Undecidable::Impossible);
        }
        let (parts, merged) = merge(strata);
        let population = parts.iter().map(|it| it.population as f64).sum::<f64>();
        let mut means = Vec::with_capacity(parts.len());
        for part in &parts {
            means.push((part.population as f64 / population, part.treatment.arm()?, part.control.arm()?));
        }
        let treatment = weighted(means.iter().map(|it| (it.0, it.1)));
        let control = weighted(means.iter().map(|it| (it.0, it.2)));
        let mut effect = Effect::of_means(&treatment, &control, estimand)?;
        // The effect is zero of treated − times · control, and that is zero or the effect over all strata as well.
        let (times, unit) = match estimand {
            Estimand::Absolute => (1.0, 1.0),
            Estimand::Relative => (treatment.mean / control.mean, control.mean),
        };
        let middle = treatment.mean - times * control.mean;
        let apart = |it: &(f64, Arm, Arm)| it.0 * (it.1.mean() - times * it.2.mean() - middle).powi(2);
        let of_shares = means.iter().map(apart).sum::<f64>() / population / (unit * unit);
        effect.standard_error = (effect.standard_error.powi(2) + of_shares).sqrt();
        let variance = means.iter().map(|it| it.0 * it.2.variance()).sum();
        let found =
            Self { effect, treatment: treatment.mean, control: control.mean, variance, merged, strata: parts.len() };
        effect.standard_error.is_normal().then_some(found).ok_or(Undecidable::Impossible)
    }
}

/// Strata with enough units of both arms, and the places of those that became one.
fn merge(strata: &[Stratum]) -> (Vec<Stratum>, Vec<usize>) {
    let (mut merged, mut large): (Vec<usize>, Vec<usize>) = (0..strata.len()).partition(|it| strata[*it].has_too_few());
    let together = |places: &[usize]| places.iter().fold(Stratum::default(), |all, it| all.merged(strata[*it]));
    // The smallest comes last, to be taken first.
    large.sort_by_key(|it| std::cmp::Reverse((strata[*it].units(), *it)));
    while !merged.is_empty() && together(&merged).has_too_few() {
        let Some(next) = large.pop() else { break };
        merged.push(next);
    }
    merged.sort_unstable();
    let mut parts: Vec<Stratum> = large.iter().map(|it| strata[*it]).collect();
    if !merged.is_empty() {
        parts.push(together(&merged));
    }
    // A lone stratum too small is one with nobody to be merged with.
    if merged.len() < 2 {
        merged.clear();
    }
    (parts, merged)
}

/// The mean of an arm over strata with these shares.
fn weighted(strata: impl Iterator<Item = (f64, Arm)>) -> Mean {
    let (mut all, mut spread) = (Mean { n: 0, mean: 0.0, squared_error: 0.0, dof: 0.0 }, 0.0);
    for (share, arm) in strata {
        let error = share * share * arm.squared_error();
        all.n += arm.n();
        all.mean += share * arm.mean();
        all.squared_error += error;
        spread += error * error / (arm.n() as f64 - 1.0);
    }
    all.dof = all.squared_error * all.squared_error / spread;
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::Inference;
    use crate::resampling::Draws;
    use proptest::prelude::*;

    fn moments(values: &[f64]) -> Moments {
        values.iter().fold(Moments::default(), |sum, it| sum.merged(Moments { n: 1, sum: *it, squares: it * it }))
    }

    /// Of units with this mean and variance.
    fn of(n: u64, mean: f64, variance: f64) -> Moments {
        let count = n as f64;
        Moments { n, sum: count * mean, squares: variance * (count - 1.0) + count * mean * mean }
    }

    /// Six of ten are in a stratum where the effect is 1, the others in one where it is 3.
    #[test]
    fn two_strata_by_hand() {
        let strata = [
            Stratum { population: 60, treatment: of(20, 3.0, 4.0), control: of(40, 2.0, 9.0) },
            Stratum { population: 40, treatment: of(25, 13.0, 1.0), control: of(15, 10.0, 6.0) },
        ];
        let found = PostStratified::over(&strata, Estimand::Absolute).unwrap();
        assert!((found.effect.estimate - 1.8).abs() < 1e-12);
        assert!((found.treatment - 7.0).abs() < 1e-12 && (found.control - 5.2).abs() < 1e-12);
        let within = 0.36 * (4.0 / 20.0 + 9.0 / 40.0) + 0.16 * (1.0 / 25.0 + 6.0 / 15.0);
        // 0.6 · 0.8² + 0.4 · 1.2² = 0.96, on a hundred units.
        assert!((found.effect.standard_error.powi(2) - within - 0.0096).abs() < 1e-12);
        assert!((found.variance - 0.6 * 9.0 - 0.4 * 6.0).abs() < 1e-12);
        assert_eq!((found.effect.n, found.strata, found.merged.len()), (100, 2, 0));
        // Of everybody it is known how many they are: hardly anything is left of how sure shares are.
        let known = strata.map(|it| Stratum { population: it.population * 1_000_000, ..it });
        let known = PostStratified::over(&known, Estimand::Absolute).unwrap();
        assert!((known.effect.standard_error.powi(2) - within).abs() < 1e-7);
        let relative = PostStratified::over(&strata, Estimand::Relative).unwrap();
        assert!((relative.effect.estimate - 1.8 / 5.2).abs() < 1e-12);
    }

    #[test]
    fn strata_with_too_few_of_an_arm_are_merged_and_named() {
        let large = |mean| Stratum { population: 80, treatment: of(40, mean, 1.0), control: of(40, mean - 1.0, 1.0) };
        let few = Stratum { population: 43, treatment: of(3, 9.0, 1.0), control: of(40, 8.0, 1.0) };
        let other = Stratum { population: 49, treatment: of(40, 7.0, 1.0), control: of(9, 6.0, 1.0) };
        let found = PostStratified::over(&[large(1.0), few, large(2.0), other], Estimand::Absolute).unwrap();
        assert_eq!((found.merged.as_slice(), found.strata), (&[1, 3][..], 3));
        // One alone takes the smallest of the others with it.
        let smaller = Stratum { population: 60, treatment: of(30, 4.0, 1.0), control: of(30, 3.0, 1.0) };
        let found = PostStratified::over(&[large(1.0), few, smaller], Estimand::Absolute).unwrap();
        assert_eq!((found.merged.as_slice(), found.strata), (&[1, 2][..], 2));
        // Where each is too small, what is left is the plain difference.
        let small = |mean| Stratum { population: 10, treatment: of(5, mean, 2.0), control: of(5, mean - 2.0, 1.0) };
        let parts = [small(3.0), small(4.0), small(5.0)];
        let found = PostStratified::over(&parts, Estimand::Absolute).unwrap();
        assert_eq!((found.merged.as_slice(), found.strata), (&[0, 1, 2][..], 1));
        let arm = |pick: fn(&Stratum) -> Moments| {
            parts.iter().map(pick).fold(Moments::default(), Moments::merged).arm().unwrap()
        };
        let plain = Effect::between(&arm(|it| it.treatment), &arm(|it| it.control), Estimand::Absolute).unwrap();
        assert!((found.effect.estimate - plain.estimate).abs() < 1e-12);
        assert!((found.effect.standard_error - plain.standard_error).abs() < 1e-12);
        assert!((found.effect.dof - plain.dof).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_compared_has_its_reason() {
        let over = |strata: &[Stratum]| PostStratified::over(strata, Estimand::Absolute).err();
        let good = Stratum { population: 40, treatment: of(20, 1.0, 1.0), control: of(20, 1.0, 1.0) };
        assert_eq!(over(&[]), Some(Undecidable::TooFew));
        assert_eq!(over(&[Stratum { treatment: of(1, 1.0, 0.0), ..good }]), Some(Undecidable::TooFew));
        assert_eq!(over(&[Stratum { population: 39, ..good }]), Some(Undecidable::Impossible));
        assert_eq!(over(&[Stratum { control: of(20, 1.0, 0.0), ..good }]), Some(Undecidable::NoVariance));
        let debt = Stratum { control: of(20, -1.0, 1.0), ..good };
        assert_eq!(PostStratified::over(&[good, debt], Estimand::Relative).err(), Some(Undecidable::NothingToRelateTo));
        assert_eq!(over(&[good]), None);
    }

    /// A thousand experiments with 300 units each, drawn from a population of three strata that are far apart and in which effects differ: the interval
    /// holds the population's effect as often as it says, on both scales, and is less than half as wide as that of the plain difference.
    #[test]
    fn intervals_hold_and_are_narrower_where_strata_explain_much() {
        const TRIALS: usize = 1_000;
        let (shares, means, effects) = ([0.5, 0.3, 0.2], [5.0, 15.0, 40.0], [1.0, 4.0, 0.0]);
        let of_all = |values: [f64; 3]| shares.iter().zip(values).map(|(share, it)| share * it).sum::<f64>();
        let (base, gain) = (of_all(means), of_all(effects));
        let mut draws = Draws::new(20_130);
        let mut chance = move || (draws.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let inference = Inference::fixed(0.05).unwrap();
        let (mut held, mut narrower) = ([0; 2], 0);
        for _ in 0..TRIALS {
            let mut units: [[Vec<f64>; 2]; 3] = Default::default();
            for _ in 0..300 {
                let (at, treated) = (chance(), chance() < 0.5);
                let own = if at < 0.5 {
                    0
                } else if at < 0.8 {
                    1
                } else {
                    2
                };
                // The sum of twelve has a variance of 1.
                let noise = (0..12).map(|_| chance()).sum::<f64>() - 6.0;
                units[own][usize::from(treated)]
                    .push(means[own] + 3.0 * noise + if treated { effects[own] } else { 0.0 });
            }
            let strata = units.each_ref().map(|[control, treatment]| Stratum {
                population: (control.len() + treatment.len()) as u64,
                treatment: moments(treatment),
                control: moments(control),
            });
            let read = |estimand| PostStratified::over(&strata, estimand).unwrap().effect.read(&inference);
            let (absolute, relative) = (read(Estimand::Absolute), read(Estimand::Relative));
            held[0] += u32::from(absolute.low <= gain && gain <= absolute.high);
            held[1] += u32::from(relative.low <= gain / base && gain / base <= relative.high);
            let all = strata.iter().fold(Stratum::default(), |all, it| all.merged(*it));
            let (treatment, control) = (all.treatment.arm().unwrap(), all.control.arm().unwrap());
            let plain = Effect::between(&treatment, &control, Estimand::Absolute).unwrap().read(&inference);
            narrower += u32::from(absolute.high - absolute.low < 0.5 * (plain.high - plain.low));
        }
        // 950 give or take 3.29 times the root of 1,000 · 0.95 · 0.05.
        assert!(held.iter().all(|it| (927..=973).contains(it)), "{held:?}");
        assert_eq!(narrower, 1_000);
    }

    proptest! {
        /// Oracle: all units one at a time, each stratum's mean first and then the squares about it; how sure shares are from the effect of each unit's
        /// own stratum, a unit at a time.
        #[test]
        fn sums_give_what_units_give(
            strata in prop::collection::vec((
                prop::collection::vec(1.0..99.0, 10..30), prop::collection::vec(1.0..99.0, 10..30),
            ), 1..5),
        ) {
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let error = |values: &[f64]| {
                let own = mean(values);
                values.iter().map(|it| (it - own).powi(2)).sum::<f64>() / (values.len() - 1) as f64 / values.len() as f64
            };
            let all: usize = strata.iter().map(|(treatment, control)| treatment.len() + control.len()).sum();
            let (mut estimate, mut squared, mut own_effects) = (0.0, 0.0, Vec::new());
            for (treatment, control) in &strata {
                let units = treatment.len() + control.len();
                let share = units as f64 / all as f64;
                let effect = mean(treatment) - mean(control);
                estimate += share * effect;
                squared += share * share * (error(treatment) + error(control));
                own_effects.extend(std::iter::repeat_n(effect, units));
            }
            squared += own_effects.iter().map(|it| (it - estimate).powi(2)).sum::<f64>() / (all * all) as f64;
            let sums: Vec<Stratum> = strata
                .iter()
                .map(|(treatment, control)| Stratum {
                    population: (treatment.len() + control.len()) as u64,
                    treatment: moments(treatment),
                    control: moments(control),
                })
                .collect();
            let found = PostStratified::over(&sums, Estimand::Absolute).unwrap();
            prop_assert!((found.effect.estimate - estimate).abs() < 1e-9);
            prop_assert!((found.effect.standard_error - squared.sqrt()).abs() < 1e-6);
            prop_assert_eq!(found.strata, strata.len());
            let relative = PostStratified::over(&sums, Estimand::Relative).unwrap();
            prop_assert!((relative.effect.estimate - (found.treatment / found.control - 1.0)).abs() < 1e-9);
        }
    }
}
