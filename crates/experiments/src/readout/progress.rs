//! How far an experiment is, and how long it still takes.
//!
//! Always holds: the plan uses what is known of the control by now, and the reading that will be done.

use rapport_domain::Timestamp;
use rapport_models::experiments::{Baseline, Plan, days};

use super::{Data, Progress, Sums, arms, control, estimand, exposed, open};
use crate::design::{Direction, Experiment};

const DAY: i64 = 86_400_000_000;

/// How far it is at `now`.
pub(super) fn progress(experiment: &Experiment, data: &Data, now: Timestamp) -> Progress {
    let units: u64 = open(experiment).map(|(at, _)| exposed(data, at)).sum();
    let today = now.utc_day();
    let first = data.counts.days.iter().map(|(day, _)| *day).min();
    // Whole days only, unless today is the first.
    let since = first.map(|first| first.max(today - 7)).filter(|since| *since < today);
    let lately =
        |since: i64| data.counts.days.iter().filter(move |(day, _)| (since..today).contains(day)).map(|it| it.1);
    let a_day = since.map(|since| lately(since).sum::<u64>() as f64 / (today - since) as f64);
    let ran = experiment.started_at.map_or(0, |from| experiment.ended_at.unwrap_or(now).0 - from.0);
    let mut progress = Progress { units, a_day, ran_days: ran.max(0) / DAY, ..Progress::default() };
    if let (Some(plan), Some(needs)) = (plan(experiment, data), experiment.design.plan) {
        let better = experiment.design.primary.as_ref().map_or(Direction::Higher, |it| it.direction);
        let sign = if better == Direction::Higher { 1.0 } else { -1.0 };
        let sizes = plan.sizes(sign * needs.effect);
        progress.needed = needs.units.or(sizes.map(|it| it.total));
        progress.detectable = plan.detectable(units, better.into()).map(f64::abs);
    } else {
        progress.needed = experiment.design.plan.and_then(|it| it.units);
    }
    if let Some(needed) = progress.needed {
        let rest = needed.saturating_sub(units);
        progress.days_left = if rest == 0 { Some(0) } else { a_day.and_then(|a_day| days(rest, a_day)) };
    }
    progress
}

/// The plan, with what is known of the control by now.
fn plan(experiment: &Experiment, data: &Data) -> Option<Plan> {
    let design = &experiment.design;
    let primary = design.primary.as_ref()?;
    let sums = &data.metrics.iter().find(|it| it.metric == primary.key)?.sums;
    let arm = arms(sums).0.get(control(experiment)).copied()?.ok()?;
    let baseline = match sums.first()? {
        Sums::Share { .. } => Baseline::Proportion(arm.mean()),
        _ => Baseline::Mean { mean: arm.mean(), variance: arm.variance() },
    };
    let total: f64 = open(experiment).map(|(_, it)| f64::from(it.weight)).sum();
    let of_control = f64::from(design.variants.get(control(experiment))?.weight) / total;
    Some(Plan {
        baseline,
        estimand: estimand(design.reading.scale),
        inference: design.reading.inference()?,
        power: design.plan.map_or(0.8, |it| it.power),
        control: of_control,
        treatments: u32::try_from(open(experiment).count().saturating_sub(1)).ok()?,
    })
}
