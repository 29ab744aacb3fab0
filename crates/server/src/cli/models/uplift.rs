//! `rapport models uplift`: whom a treatment moves, learnt from a trial in which chance decided who was treated.

mod shown;
mod trial;

use anyhow::{Result, bail};
use rapport_imports::written::Column;
use rapport_models::Fault;
use rapport_models::learn::Table;
use rapport_models::uplift::{Base, Comparison, Evaluation, Learner, Options, Splits, Uplift, average_effect};
use serde::{Deserialize, Serialize};

use super::features::{self, Kind, Remembered};
use super::input::{Data, Input};
use super::plot;
use super::report::{Report, figure};
use super::saved::{self, Keep};
use trial::Trial;

/// A trial.
#[derive(clap::Args, Debug)]
pub struct UpliftArgs {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    keep: Keep,
    /// The column of customers' ids; a row a customer.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// The column of who was treated.
    #[arg(long, value_name = "COLUMN")]
    treatment: Option<String>,
    /// The value of that column for those who were not; guessed unless said.
    #[arg(long, value_name = "VALUE")]
    control: Option<String>,
    /// Of several treatments the one to look at.
    #[arg(long, value_name = "VALUE")]
    arm: Option<String>,
    /// The column of what came of it: yes and no, 1 and 0, or a number.
    #[arg(long, value_name = "COLUMN")]
    outcome: Option<String>,
    /// The column of the chance with which each was to be treated, where it was not the same for all.
    #[arg(long, value_name = "COLUMN")]
    propensity: Option<String>,
    /// The columns to learn from, between commas; all that serve unless said.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    features: Vec<String>,
    /// Columns to leave out, such as what came of the treatment in other ways.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    ignore: Vec<String>,
    /// How effects are learnt; auto takes the best of several over the splits.
    #[arg(long, value_enum, default_value = "auto")]
    learner: LearnerOf,
    /// What learns outcomes and effects.
    #[arg(long, value_enum, default_value = "boosting")]
    base: BaseOf,
    /// Over how many splits learners are compared.
    #[arg(long, default_value_t = 5)]
    splits: usize,
    /// What treating one customer costs.
    #[arg(long, value_name = "AMOUNT", requires = "worth")]
    cost: Option<f64>,
    /// What one outcome (or one unit of it) brings.
    #[arg(long, value_name = "AMOUNT", requires = "cost")]
    worth: Option<f64>,
    /// What chance begins with.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum LearnerOf {
    Auto,
    S,
    T,
    X,
    Dr,
    Class,
    Tree,
    Forest,
    Mean,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum BaseOf {
    Boosting,
    Regression,
}

impl LearnerOf {
    /// What is tried beside the response model, which always is.
    fn tried(self) -> &'static [Learner] {
        match self {
            Self::Auto => &[Learner::T, Learner::X, Learner::DoublyRobust, Learner::ClassTransformation],
            Self::S => &[Learner::S],
            Self::T => &[Learner::T],
            Self::X => &[Learner::X],
            Self::Dr => &[Learner::DoublyRobust],
            Self::Class => &[Learner::ClassTransformation],
            Self::Tree => &[Learner::Tree],
            Self::Forest => &[Learner::Forest],
            Self::Mean => &[Learner::Mean],
        }
    }
}

/// The model as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    model: Uplift,
    features: Vec<Remembered>,
}

/// What a single effect is.
const CANNOT: &str = "what a treatment does where something other than chance decides who gets it. The effect on one customer is never seen: it is what is expected of those like them.";

/// Runs the command.
pub fn run(args: &UpliftArgs) -> Result<()> {
    if !(2..=1_000).contains(&args.splits) {
        bail!("--splits must be from 2 to 1000: one split cannot rank learners");
    }
    if args.cost.is_some_and(|it| !(0.0..=1e12).contains(&it)) || args.worth.is_some_and(|it| !(it > 0.0 && it <= 1e12))
    {
        bail!("--cost must not be below zero, and --worth must be above it");
    }
    let mut data = Data::open(&args.input)?;
    if let Some(path) = &args.keep.load {
        return again(args, path, &mut data);
    }
    let trial = trial::read(args, &mut data)?;
    let chosen = features::choose(&mut data, &args.features, &args.ignore, &trial.used)?;
    let (chosen, table, remembered) = varying(&mut data, chosen)?;
    let columns: Vec<usize> = chosen.iter().map(|it| it.0).collect();
    let mut report = Report::new("uplift");
    let found = learnt(args, &mut report, &trial, &table).map_err(|fault| data.fault(&fault, &columns))?;
    data.notes.extend(found.warnings.iter().map(|it| format!("Warning: {it}")));
    let called = called(&found.model);
    if called == ORDER {
        data.notes.push(
            "The plain response model orders these customers best: its numbers are no effects, only an order."
                .to_owned(),
        );
    }
    if let Some(path) = &args.keep.save {
        let names: Vec<String> = remembered.iter().map(|it| it.name.clone()).collect();
        saved::save(path, "uplift", &report, &data.table, &names, &Kept { model: found.model, features: remembered })?;
    }
    report.rows = vec![Column::texts("customer", trial.customers), Column::numbers(called, found.effects)];
    report.sure = format!(
        "learners were fitted and judged over {} splits of the rows; where the interval of what one is above the plain response model holds 0, it is not surely better.",
        args.splits
    );
    report.cannot = CANNOT.to_owned();
    report.show(&args.input, &data)
}

/// What the response model's numbers are called.
const ORDER: &str = "order";

/// What a model's numbers are.
fn called(model: &Uplift) -> &'static str {
    if model.learner() == Learner::Response { ORDER } else { "effect" }
}

type Varying = (Vec<(usize, Kind)>, Table, Vec<Remembered>);

/// Features that are not the same in all rows; the others are told.
fn varying(data: &mut Data, chosen: Vec<(usize, Kind)>) -> Result<Varying> {
    let (table, remembered) = features::table(data, &chosen)?;
    let alike: Vec<bool> = table.features().iter().map(rapport_models::learn::Feature::is_constant).collect();
    if !alike.contains(&true) {
        return Ok((chosen, table, remembered));
    }
    let names: Vec<&str> = chosen.iter().zip(&alike).filter(|it| *it.1).map(|it| data.name(it.0.0)).collect();
    let note = format!("Left out, since all rows are the same: {}.", names.join(", "));
    let kept: Vec<(usize, Kind)> = chosen.iter().zip(&alike).filter(|it| !*it.1).map(|it| *it.0).collect();
    if kept.is_empty() {
        bail!("{} is the same in all rows; nothing is left to learn from", names.join(", "));
    }
    data.notes.push(note);
    let (table, remembered) = features::table(data, &kept)?;
    Ok((kept, table, remembered))
}

/// What was learnt of all rows.
struct Learnt {
    model: Uplift,
    effects: Vec<f64>,
    warnings: Vec<String>,
}

/// Learners beside each other, the best one on a part that it did not see, and the best one of all rows.
fn learnt(args: &UpliftArgs, report: &mut Report, trial: &Trial, table: &Table) -> Result<Learnt, Fault> {
    let comparison: Comparison = trial.comparison()?;
    let base = if args.base == BaseOf::Boosting { Base::Boosting } else { Base::Regression };
    let options = Options { base, ..Options::default() };
    let treated = comparison.treated().iter().filter(|it| **it).count();
    report.plain_parameter("splits", args.splits as f64);
    report.plain_parameter("share_treated", treated as f64 / comparison.rows() as f64);
    report.metric("rows", comparison.rows() as f64);
    report.metric("treated", treated as f64);
    report.metric_between("average_effect", average_effect(&comparison)?);
    let splits = Splits { count: args.splits, seed: args.seed, ..Splits::default() };
    let found = Evaluation::of(table, &comparison, args.learner.tried(), &options, &splits)?;
    let best = if args.learner == LearnerOf::Auto { found.best } else { args.learner.tried()[0] };
    report.model = format!("uplift by {best}");
    shown::learners(report, &found, best);
    shown::held(args, report, (table, &comparison), (best, &options))?;
    let model = Uplift::fit(table, &comparison, best, &options)?;
    let effects = model.predict(table)?;
    Ok(Learnt { model, effects, warnings: found.warnings() })
}

/// A kept model on other rows; where it is known who of them was treated and what came of it, it is judged.
fn again(args: &UpliftArgs, path: &std::path::Path, data: &mut Data) -> Result<()> {
    let kept: Kept = saved::load(path, "uplift", data)?;
    if !kept.model.is_sound() {
        bail!("{} does not fit together; fit the model again", path.display());
    }
    let known = args.treatment.is_some() && args.outcome.is_some();
    let trial = if known { Some(trial::read(args, data)?) } else { None };
    let customers = match &trial {
        Some(trial) => trial.customers.clone(),
        None => trial::customers(args, data)?,
    };
    let table = features::again(data, &kept.features)?;
    let fault = |fault: Fault| anyhow::anyhow!("{fault}");
    let effects = kept.model.predict(&table).map_err(fault)?;
    let mut report = Report::new(&format!("uplift by {}", kept.model.learner()));
    report.metric("rows", effects.len() as f64);
    report.metric("mean_effect_expected", effects.iter().sum::<f64>() / effects.len() as f64);
    let (low, high) = effects.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(*it), b.max(*it)));
    if high > low {
        report.part("Rows by the effect that is expected", &plot::distribution(&effects, low, high, figure));
    }
    if let Some(trial) = &trial {
        let comparison = trial.comparison().map_err(fault)?;
        report.metric_between("average_effect", average_effect(&comparison).map_err(fault)?);
        shown::judged(args, &mut report, &effects, &comparison).map_err(fault)?;
    }
    report.rows = vec![Column::texts("customer", customers), Column::numbers(called(&kept.model), effects)];
    report.sure = if known {
        "judged on these rows, by who of them was treated and what came of it.".to_owned()
    } else {
        "what is expected of these rows by what was learnt elsewhere; --treatment and --outcome judge it.".to_owned()
    };
    report.cannot = CANNOT.to_owned();
    report.show(&args.input, data)
}
