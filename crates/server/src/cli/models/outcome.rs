//! `rapport models churn` and `rapport models propensity`: who will leave, and who will do something, with probabilities that can be believed.
//!
//! Two kinds of file serve: a row a customer with a column that says what became of them, or a row an event, out of which rows are made that know only what was
//! known at their moment.

mod events;
mod shown;

use std::path::Path;

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_models::Fault;
use rapport_models::learn::{Classifier, ClassifierOptions, Report as Learnt, Table, Warning};
use serde::{Deserialize, Serialize};

use super::features::{self, Remembered};
use super::input::{Data, Input, Need, span};
use super::report::Report;
use super::saved::{self, Keep};

/// What is told, and of what.
#[derive(clap::Args, Debug)]
pub struct OutcomeArgs {
    #[command(flatten)]
    pub(super) input: Input,
    #[command(flatten)]
    keep: Keep,
    /// The column of customers' ids.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// A row a customer: the column that says what became of them, with two different values.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// Which value of that column is the one to be told; guessed unless said.
    #[arg(long, value_name = "VALUE", requires = "label")]
    positive: Option<String>,
    /// The columns to learn from, between commas; all that serve unless said.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "label")]
    features: Vec<String>,
    /// Columns to leave out, such as what was known only afterwards.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "label")]
    ignore: Vec<String>,
    /// A row an event: the column of its day.
    #[arg(long, value_name = "COLUMN", conflicts_with = "label")]
    date: Option<String>,
    /// A row an event: the column of its amount.
    #[arg(long, value_name = "COLUMN", conflicts_with = "label")]
    amount: Option<String>,
    /// A row an event: the last day that counts; the last in the file unless said.
    #[arg(long, value_name = "DAY", conflicts_with = "label")]
    until: Option<String>,
    /// A row an event: how far to look ahead (90d, 12w); unless said, the time within which nine of ten come back.
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with_all = ["label", "load"])]
    horizon: Option<f64>,
    /// A row an event: who did nothing for so long is gone already and not looked at; twice the horizon unless said.
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with_all = ["label", "load"])]
    active: Option<f64>,
    /// What acting on one customer costs; with --worth this gives the probability from which on it pays.
    #[arg(long, value_name = "AMOUNT", requires = "worth")]
    cost: Option<f64>,
    /// What acting on the right one brings.
    #[arg(long, value_name = "AMOUNT", requires = "cost")]
    worth: Option<f64>,
    /// What chance begins with.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Which of the two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Who leaves.
    Churn,
    /// Who does it.
    Propensity,
}

impl Told {
    fn command(self) -> &'static str {
        match self {
            Self::Churn => "churn",
            Self::Propensity => "propensity",
        }
    }

    /// Values of labels that mean the one to be told, the likeliest first.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Churn => {
                &["yes", "true", "1", "churn", "churned", "left", "gone", "lost", "cancelled", "y", "t", "ja"]
            }
            Self::Propensity => &["yes", "true", "1", "bought", "converted", "responded", "y", "t", "ja"],
        }
    }
}

/// The model as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    model: Classifier,
    features: Vec<Remembered>,
    /// How events became rows, where they did.
    events: Option<events::Kept>,
}

/// Rows with what became of them, and what is said of a model.
struct Shown<'a> {
    told: Told,
    args: &'a OutcomeArgs,
    model: &'a Classifier,
    /// What was learnt, unless the model was kept.
    learnt: Option<&'a Learnt>,
    /// What became of the rows that were learnt from.
    labels: &'a [bool],
    /// Who is scored.
    customers: Vec<String>,
    /// And by what.
    table: Table,
}

/// Runs the command.
pub fn run(args: &OutcomeArgs, told: Told) -> Result<()> {
    if args.cost.is_some_and(|it| !(0.0..=1e12).contains(&it)) || args.worth.is_some_and(|it| !(it > 0.0 && it <= 1e12))
    {
        bail!("--cost must not be below zero, and --worth must be above it");
    }
    let mut data = Data::open(&args.input)?;
    if let Some(path) = &args.keep.load {
        return again(args, told, &mut data, path);
    }
    if args.label.is_some() {
        return of_rows(args, told, data);
    }
    // A file with a known name for a label needs no flag; otherwise it is one of events if it has customers and days.
    let words: &[&str] = if told == Told::Churn {
        &["churn", "churned", "exited", "attrition"]
    } else {
        &["label", "converted", "bought", "responded", "response"]
    };
    if args.date.is_none() && words.iter().any(|it| data.table.place(it).is_some()) {
        return of_rows(args, told, data);
    }
    let dated = args.date.is_some() || data.table.named(Field::Date).is_some();
    if !dated {
        bail!("say what became of customers with --label COLUMN, or give events with --customer and --date");
    }
    events::run(args, told, &mut data)
}

/// A row a customer.
fn of_rows(args: &OutcomeArgs, told: Told, mut data: Data) -> Result<()> {
    let customer = data.find("customer", args.customer.as_ref(), Some(Field::CustomerId), &["id"])?;
    let needs: Vec<(usize, Need)> = customer.map(|it| (it, Need::Unique)).into_iter().collect();
    data.require(&needs)?;
    let words: &[&str] = if told == Told::Churn {
        &["churn", "churned", "exited", "attrition"]
    } else {
        &["label", "converted", "bought", "responded", "response"]
    };
    let label = data.column("label", args.label.as_ref(), None, words)?;
    data.require(&[(label, Need::Text)])?;
    let labels = labels(args, told, &mut data, label)?;
    let used: Vec<usize> = customer.into_iter().chain([label]).collect();
    let chosen = features::choose(&mut data, &args.features, &args.ignore, &used)?;
    let (table, remembered) = features::table(&data, &chosen)?;
    let (model, learnt) = fit(args, &table, &labels, None).map_err(|fault| refusal(&data, &fault))?;
    warn(&mut data, &learnt.warnings);
    let shown = Shown {
        told,
        args,
        model: &model,
        learnt: Some(&learnt),
        labels: &labels,
        customers: data.called(customer),
        table,
    };
    let mut report = Report::new("");
    shown::fill(&mut report, &shown)?;
    if let Some(path) = &args.keep.save {
        let columns: Vec<String> = remembered.iter().map(|it| it.name.clone()).collect();
        let kept = Kept { model: model.clone(), features: remembered, events: None };
        saved::save(path, told.command(), &report, &data.table, &columns, &kept)?;
    }
    report.show(&args.input, &data)
}

/// A kept model on rows of the kind that it was fitted to, which it knows itself: new customers have no label, and some have days among what is known of them.
fn again(args: &OutcomeArgs, told: Told, data: &mut Data, path: &Path) -> Result<()> {
    let kept: Kept = saved::load(path, told.command(), data)?;
    if !kept.model.is_sound() {
        bail!("the saved model does not fit together; fit it again");
    }
    match &kept.events {
        Some(_) if args.label.is_some() => {
            bail!("{} was fitted to events; give the events with --customer and --date", path.display())
        }
        Some(own) => events::again(args, told, data, &kept.model, own),
        None if args.date.is_some() => bail!("{} was fitted to a row a customer, not to events", path.display()),
        None => judged_again(args, told, data, &kept),
    }
}

/// A kept model on rows of customers of which it may be known what became of them.
fn judged_again(args: &OutcomeArgs, told: Told, data: &mut Data, kept: &Kept) -> Result<()> {
    let customer = data.find("customer", args.customer.as_ref(), Some(Field::CustomerId), &["id"])?;
    let needs: Vec<(usize, Need)> = customer.map(|it| (it, Need::Unique)).into_iter().collect();
    data.require(&needs)?;
    let table = features::again(data, &kept.features)?;
    let label = match &args.label {
        Some(name) => Some(data.named("label", name)?),
        None => None,
    };
    let labels = match label {
        Some(place) => {
            data.require(&[(place, Need::Text)])?;
            if data.rows() != table.rows() {
                bail!("rows without a label cannot be left out here; give the file without --label");
            }
            labels(args, told, data, place)?
        }
        None => Vec::new(),
    };
    let shown = Shown {
        told,
        args,
        model: &kept.model,
        learnt: None,
        labels: &labels,
        customers: data.called(customer),
        table,
    };
    let mut report = Report::new("");
    shown::fill(&mut report, &shown)?;
    report.show(&args.input, data)
}

fn fit(
    args: &OutcomeArgs,
    table: &Table,
    labels: &[bool],
    groups: Option<&[u64]>,
) -> Result<(Classifier, Learnt), Fault> {
    let mut options = ClassifierOptions::default();
    options.boosting.seed = args.seed;
    Classifier::fit(table, labels, groups, &options)
}

/// Which rows are those to be told.
fn labels(args: &OutcomeArgs, told: Told, data: &mut Data, label: usize) -> Result<Vec<bool>> {
    let counts = data.counted(label);
    let name = data.name(label).to_owned();
    if counts.len() == 1 {
        bail!(
            "{name} is {} in all rows; it takes rows of both kinds to tell them apart",
            counts.keys().next().map_or("", String::as_str)
        );
    }
    let positive = match &args.positive {
        Some(value) if counts.contains_key(value) => value.clone(),
        Some(value) => {
            bail!("{name} is nowhere {value}; it is {}", counts.keys().take(10).cloned().collect::<Vec<_>>().join(", "))
        }
        None if counts.len() > 2 => {
            bail!("{name} has {} different values; say with --positive which one is to be told", counts.len())
        }
        None => {
            let known = told.words().iter().find_map(|word| counts.keys().find(|it| it.eq_ignore_ascii_case(word)));
            let rarer = counts.iter().min_by_key(|it| it.1).map(|it| it.0);
            let found = known.or(rarer).cloned().unwrap_or_default();
            data.notes.push(format!("To be told is {name} = {found}; --positive says otherwise."));
            found
        }
    };
    Ok(data.texts(label).iter().map(|it| *it == positive).collect())
}

fn warn(data: &mut Data, warnings: &[Warning]) {
    data.notes.extend(warnings.iter().map(|it| format!("Warning: {it}")));
}

/// Why nothing is learnt.
fn refusal(data: &Data, fault: &Fault) -> anyhow::Error {
    match fault {
        Fault::TooFew { what: "positives", have, need } => anyhow::anyhow!(
            "{have} rows are those to be told, and it takes at least {need} to learn from; wait for more, or tell something commoner"
        ),
        Fault::TooFew { what: "negatives", have, need } => {
            anyhow::anyhow!(
                "only {have} rows are not those to be told, and it takes at least {need} of them to learn from"
            )
        }
        other => data.fault(other, &[]),
    }
}
