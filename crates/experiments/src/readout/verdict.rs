//! What to make of the numbers, all in all.
//!
//! Always holds: first whether they can be believed, then whether it is time, then what they say; a harmed guardrail outweighs any gain of its variant.

use rapport_models::experiments::Verdict as Call;

use super::{Comparison, Data, LEAST_UNITS, Part, Progress, Ratio, Verdict, estimand, exposed, open};
use crate::design::{Experiment, Method, Variant};

/// The verdict.
pub(super) fn verdict(
    experiment: &Experiment,
    data: &Data,
    ratio: Option<&Ratio>,
    comparisons: &[Comparison],
    progress: &Progress,
) -> Verdict {
    if ratio.is_some_and(|it| it.broken) {
        return Verdict::Untrustworthy;
    }
    if fewest(experiment, data, comparisons).is_some_and(|(_, units)| units < LEAST_UNITS) {
        return Verdict::TooEarly;
    }
    if experiment.design.reading.method == Method::Once && progress.needed.is_none_or(|it| progress.units < it) {
        return Verdict::NotYet;
    }
    let call = |it: &Comparison| it.answer.as_ref().ok().map(|it| it.verdict);
    let harmed = |variant: &str| {
        let own = comparisons.iter().filter(|it| it.variant == variant);
        own.clone().any(|it| matches!(it.part, Part::Guardrail(_)) && call(it) == Some(Call::Breached))
    };
    let primary: Vec<&Comparison> = comparisons.iter().filter(|it| it.part == Part::Primary).collect();
    let better = primary.iter().filter(|it| call(it) == Some(Call::Better));
    let size = |it: &&&Comparison| it.answer.as_ref().map_or(0.0, |it| it.reading.estimate.abs());
    let best = better.filter(|it| !harmed(&it.variant)).max_by(|a, b| size(a).total_cmp(&size(b)));
    if let Some(best) = best {
        return Verdict::Better(best.variant.clone());
    }
    if let Some(harmful) = comparisons.iter().find(|it| harmed(&it.variant)) {
        return Verdict::Harmful(harmful.variant.clone());
    }
    let all = |test: &dyn Fn(&Comparison) -> bool| !primary.is_empty() && primary.iter().all(|it| test(it));
    if all(&|it| call(it) == Some(Call::Worse)) {
        return Verdict::Worse;
    }
    if all(&|it| is_small(experiment, it)) {
        return Verdict::NoDifference;
    }
    Verdict::Unclear
}

/// The open variant with the fewest units, by exposures and by those that the main metric counts so far.
pub(super) fn fewest<'e>(
    experiment: &'e Experiment,
    data: &Data,
    comparisons: &[Comparison],
) -> Option<(&'e Variant, u64)> {
    let measured = |it: &Variant| {
        let mut primary = comparisons.iter().filter(|it| it.part == Part::Primary);
        let own = primary.find(|other| it.is_control || other.variant == it.key)?;
        Some(if it.is_control { own.control } else { own.treatment }.map_or(0, |it| it.units))
    };
    let units = |(at, it): (usize, &'e Variant)| (it, exposed(data, at).min(measured(it).unwrap_or(u64::MAX)));
    open(experiment).map(units).min_by_key(|(_, units)| *units)
}

/// Whether even the ends of the interval are smaller than what the plan says would matter.
pub(super) fn is_small(experiment: &Experiment, comparison: &Comparison) -> bool {
    let matters = experiment.design.plan.map(|it| it.effect);
    let planned = comparison.decides == estimand(experiment.design.reading.scale);
    match (matters.filter(|_| planned), &comparison.answer) {
        (Some(matters), Ok(answer)) => answer.reading.low > -matters && answer.reading.high < matters,
        _ => false,
    }
}
