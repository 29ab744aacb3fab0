//! A row an event: rows are made at several moments, of what was known then, and the model is judged on the last moment by what it learnt from earlier ones.

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_models::Fault;
use rapport_models::buying::Purchase;
use rapport_models::learn::{Judged, Label, Plan, Snapshots, features, usual_gap};
use serde::{Deserialize, Serialize};

use super::{OutcomeArgs, Shown, Told, fit, refusal, shown, sound, warn};
use crate::cli::models::input::Data;
use crate::cli::models::purchases::Purchases;
use crate::cli::models::report::Report;
use crate::cli::models::{saved, wording};

/// How events became rows.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Kept {
    horizon: f64,
    active: f64,
}

/// The most moments that rows are made at.
const MOMENTS: usize = 6;

/// Events of customers to a day.
struct Events {
    all: Vec<Purchase>,
    names: Vec<String>,
    columns: Vec<String>,
    until: f64,
    amounts: bool,
}

pub fn run(args: &OutcomeArgs, told: Told, data: &mut Data) -> Result<()> {
    let events = read(args, data)?;
    if let Some(path) = &args.keep.load {
        let kept: super::Kept = saved::load(path, told.command(), data)?;
        let Some(own) = kept.events else {
            bail!("{} was fitted to a row a customer, not to events", path.display());
        };
        sound(&kept.model)?;
        let (who, table) = now(&events, own)?;
        let customers = who.iter().map(|it| events.names[*it as usize].clone()).collect();
        let shown = Shown { told, args, model: &kept.model, learnt: None, labels: &[], customers, table };
        let mut report = Report::new("");
        shown::fill(&mut report, &shown)?;
        return report.show(&args.input, data);
    }
    let horizon = match args.horizon {
        Some(horizon) => horizon,
        None => match usual_gap(&events.all) {
            Some(gap) => {
                let gap = gap.max(1.0).ceil();
                data.notes.push(format!(
                    "The horizon is {}: nine of ten come back within it. --horizon says otherwise.",
                    wording::time(gap)
                ));
                gap
            }
            None => bail!("too few customers came back to propose a horizon; say one with --horizon 90d"),
        },
    };
    let own = Kept { horizon, active: args.active.unwrap_or(2.0 * horizon) };
    learnt(args, told, data, &events, own)
}

fn read(args: &OutcomeArgs, data: &mut Data) -> Result<Events> {
    let mut events = Purchases::read(data, (args.customer.as_ref(), args.date.as_ref()), |data| {
        data.find("amount", args.amount.as_ref(), Some(Field::LineTotal), &["dollar_value"])
    })?;
    let until = match &args.until {
        Some(text) => events.until(text)?,
        None => events.end(),
    };
    events.all.retain(|it| it.time < until);
    if events.all.is_empty() {
        bail!("there is no event up to --until; choose a later day");
    }
    let Purchases { all, names, columns, amounts, .. } = events;
    Ok(Events { all, names, columns, until, amounts })
}

/// Who is a row today, and what is known of them.
fn now(events: &Events, own: Kept) -> Result<(Vec<u32>, rapport_models::learn::Table)> {
    features(&events.all, events.until, own.active).map_err(|_| {
        anyhow::anyhow!(
            "nobody did anything in the {} before the end; choose another --until or --active",
            wording::time(own.active)
        )
    })
}

fn learnt(args: &OutcomeArgs, told: Told, data: &mut Data, events: &Events, own: Kept) -> Result<()> {
    let label = if told == Told::Churn { Label::Gone } else { Label::Again };
    let plan = Plan { label, horizon: own.horizon, active: own.active, until: events.until, most: MOMENTS };
    let rows = match Snapshots::of(&events.all, &plan) {
        Ok(rows) => rows,
        Err(Fault::TooFew { what: "horizons that the events reach over", .. }) => bail!(
            "the events reach over too short a time to look {} ahead of anything; choose a shorter --horizon",
            wording::time(own.horizon)
        ),
        Err(fault) => return Err(data.fault(&fault, &[])),
    };
    let groups: Vec<u64> = rows.customers.iter().map(|it| u64::from(*it)).collect();
    let (model, learnt) = fit(args, &rows.table, &rows.labels, Some(&groups)).map_err(|fault| refusal(data, &fault))?;
    warn(data, &learnt.warnings);
    let (who, table) = now(events, own)?;
    let customers = who.iter().map(|it| events.names[*it as usize].clone()).collect();
    let shown = Shown { told, args, model: &model, learnt: Some(&learnt), labels: &rows.labels, customers, table };
    let mut report = Report::new("");
    shown::fill(&mut report, &shown)?;
    report.metric("horizon_days", own.horizon);
    forward(args, data, &rows, &groups, &mut report);
    if !events.amounts {
        data.notes.push("Without --amount nothing is known of how much customers spend.".to_owned());
    }
    if let Some(path) = &args.keep.save {
        let kept = super::Kept { model: model.clone(), features: Vec::new(), events: Some(own) };
        saved::save(path, told.command(), &report, &data.table, &events.columns, &kept)?;
    }
    report.show(&args.input, data)
}

/// How well the last moment is told by what was learnt from those before it: the honest test, as the future is not like the past.
fn forward(args: &OutcomeArgs, data: &mut Data, rows: &Snapshots, groups: &[u64], report: &mut Report) {
    let (last, before) = rows.last();
    let pick = |places: &[usize]| places.iter().map(|at| rows.labels[*at]).collect::<Vec<bool>>();
    let own: Vec<u64> = before.iter().map(|at| groups[*at]).collect();
    let judged = fit(args, &rows.table.taken(&before), &pick(&before), Some(&own)).and_then(|(model, _)| {
        let said = model.predict(&rows.table.taken(&last))?;
        let labels = pick(&last);
        Judged::new(&said, &labels).map(|it| it.metrics())
    });
    match judged {
        Ok(found) => {
            report.metric_between("forward_auc", found.auc);
            report.metric_between("forward_brier", found.brier);
            report.metric("forward_calibration_error", found.calibration_error);
        }
        Err(fault) => data.notes.push(format!("Not judged on the last moment by earlier ones: {fault}")),
    }
}
