//! What follows for the decision: how likely each group is better and what is lost by choosing wrongly, and how many customers would be enough.

use anyhow::{Result, bail};
use rapport_imports::written::Column;
use rapport_models::experiments::{Better, Estimand, Inference, Plan, Posterior, days};

use super::measured::Outcome;
use super::{Arms, Compared, ExperimentArgs};
use crate::cli::models::input::Data;
use crate::cli::models::plot;
use crate::cli::models::report::{Cell, Report, percent};

/// Refuses a plan that has no possible values.
pub fn check(args: &ExperimentArgs) -> Result<()> {
    if !(args.power > 0.0 && args.power < 1.0) {
        bail!("--power must be above 0 and below 1");
    }
    let positive = |it: &f64| it.is_finite() && *it > 0.0;
    if !args.smallest_effect.iter().all(positive) {
        bail!("--smallest-effect must be above 0; of what is in --less-is-better it is a fall");
    }
    if !args.per_day.iter().all(positive) {
        bail!("--per-day must be above 0");
    }
    Ok(())
}

/// The probability that each group is better than the control, and the expected loss of either choice.
pub fn posterior(args: &ExperimentArgs, report: &mut Report, compared: &[Compared]) {
    let of = |it: &Compared| it.answer.ok().and_then(|answer| answer.effect.posterior(it.better, 0.05));
    let found: Vec<Option<Posterior>> = compared.iter().map(of).collect();
    let (mut rows, mut bars) = (Vec::new(), Vec::new());
    for (it, own) in compared.iter().zip(&found) {
        let key = format!("{}:{}", it.outcome, it.arm);
        report.metric(&format!("{key}:chance_to_win"), own.map(|it| it.chance_to_win));
        report.metric(&format!("{key}:expected_loss"), own.map(|it| it.expected_loss));
        report.metric(&format!("{key}:expected_loss_of_control"), own.map(|it| it.expected_loss_of_control));
        let told =
            |pick: fn(&Posterior) -> f64| own.as_ref().map_or(Cell::None, |own| Cell::text_of(args.told(pick(own))));
        rows.push(vec![
            Cell::text_of(&it.outcome),
            Cell::text_of(&it.arm),
            own.map_or(Cell::None, |it| Cell::Share(it.chance_to_win)),
            told(|it| it.expected_loss),
            told(|it| it.expected_loss_of_control),
        ]);
        bars.extend(
            own.map(|own| (format!("{}, {}", it.outcome, it.arm), own.chance_to_win, percent(own.chance_to_win))),
        );
    }
    let header =
        ["Outcome", "Group", "Probability to be better", "Expected loss if taken", "Expected loss if control is kept"];
    report.table("posterior", "Which one to take", &header, rows);
    report.part("Probability to be better than the control", &plot::bars(&bars));
    let of =
        |pick: fn(&Posterior) -> f64| found.iter().map(|it| it.as_ref().map_or(f64::NAN, pick)).collect::<Vec<f64>>();
    report.rows.extend([
        Column::numbers("chance_to_win", of(|it| it.chance_to_win)),
        Column::numbers("expected_loss", of(|it| it.expected_loss)),
        Column::numbers("expected_loss_of_control", of(|it| it.expected_loss_of_control)),
    ]);
}

/// The effect that these customers notice, and how many and how long noticing the smallest that matters takes.
pub fn plan(
    args: &ExperimentArgs,
    report: &mut Report,
    data: &mut Data,
    (arms, outcomes, date): (&Arms, &[Outcome], Option<usize>),
    (estimand, inference): (Estimand, Inference),
) {
    let all: u64 = arms.counts.iter().sum();
    let rate = args.per_day.or_else(|| date.map(|place| a_day(data, place)));
    if let Some(rate) = rate {
        report.metric("customers_a_day", rate);
    }
    let mut rows = Vec::new();
    for outcome in outcomes {
        let plan = Plan {
            baseline: outcome.baseline,
            estimand,
            inference,
            power: args.power,
            control: arms.counts[arms.control] as f64 / all as f64,
            treatments: arms.names.len() as u32 - 1,
        };
        let noticed = plan.detectable(all, outcome.better);
        report.metric(&format!("{}:noticed_by_these", outcome.name), noticed);
        let told = noticed.map_or(Cell::None, |it| Cell::text_of(args.told(it)));
        let mut row = vec![Cell::text_of(&outcome.name), told];
        if let Some(smallest) = args.smallest_effect {
            let effect = if outcome.better == Better::Higher { smallest } else { -smallest };
            let needed = plan.sizes(effect);
            let time = needed.zip(rate).and_then(|(sizes, rate)| days(sizes.total, rate));
            report.metric(&format!("{}:customers_needed", outcome.name), needed.map(|it| it.total as f64));
            report.metric(&format!("{}:days_needed", outcome.name), time.map(|it| it as f64));
            let whole = |it: Option<u64>| it.map_or(Cell::None, Cell::Whole);
            row.extend([
                Cell::text_of(args.told(effect)),
                whole(needed.map(|it| it.total)),
                whole(needed.map(|it| it.control)),
                whole(needed.map(|it| it.treatment)),
                whole(needed.map(|it| it.total.saturating_sub(all))),
                whole(time),
            ]);
        }
        rows.push(row);
    }
    let header = [
        "Outcome",
        "These notice",
        "Smallest that matters",
        "Customers needed",
        "In the control",
        "In each other group",
        "Still to come",
        "Days in all",
    ];
    let width = if args.smallest_effect.is_some() { header.len() } else { 2 };
    let title = format!("How many customers it takes, with a power of {}", percent(args.power));
    report.table("plan", &title, &header[..width], rows);
}

/// How many customers came on a mean day, the first and the last counted.
fn a_day(data: &mut Data, place: usize) -> f64 {
    let times = data.times(place).days;
    let days = || times.iter().map(|it| it.floor());
    let (first, last) = (days().fold(f64::INFINITY, f64::min), days().fold(f64::NEG_INFINITY, f64::max));
    times.len() as f64 / (last - first + 1.0)
}
