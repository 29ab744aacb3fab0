//! `rapport models clv`: who is still there, how often they will buy, and what that is worth.
//!
//! What a file holds decides which models can be fitted: purchases, or how often somebody bought, when last and for how long they are known ([`learnt`]); chances to
//! buy that were taken or not ([`chances`]); contracts that were renewed or cancelled ([`contracts`]).

mod between;
mod chances;
mod contracts;
mod kept;
mod learnt;
mod purchases;
mod shown;

use anyhow::{Result, bail};

use super::input::{Data, Input, span};
use super::saved::{self, Keep};
use kept::Kept;

/// Customers' value.
#[derive(clap::Args, Debug)]
pub struct ClvArgs {
    #[command(flatten)]
    pub(super) input: Input,
    #[command(flatten)]
    keep: Keep,
    /// The column of customers' ids.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// The column of days of purchases.
    #[arg(long, value_name = "COLUMN", conflicts_with = "frequency")]
    date: Option<String>,
    /// The column of amounts; with --frequency, of the mean amount of purchases after the first; with --renewals, of what is paid a period.
    #[arg(long, value_name = "COLUMN")]
    amount: Option<String>,
    /// A row a customer instead of a row a purchase: the column of how often they bought again.
    #[arg(long, value_name = "COLUMN", requires = "recency")]
    frequency: Option<String>,
    /// With --frequency: when they bought last, from their first purchase on.
    #[arg(long, value_name = "COLUMN", requires = "frequency")]
    recency: Option<String>,
    /// With --frequency: how long they are known, from their first purchase on.
    #[arg(long, value_name = "COLUMN", requires = "frequency")]
    age: Option<String>,
    /// What is known of customers from the start: columns of numbers, or of few texts, with one value a customer.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', conflicts_with = "load")]
    covariates: Vec<String>,
    /// BG/BB of a row a customer: the column of how many chances to buy there were; --frequency says how many were taken, --recency which of them was the last.
    #[arg(long, value_name = "COLUMN", requires = "frequency", conflicts_with = "age")]
    chances: Option<String>,
    /// BG/BB of a row a purchase: how long a chance to buy lasts, such as 1w or 1y.
    #[arg(long, value_name = "TIME", conflicts_with = "frequency", value_parser = span)]
    period: Option<f64>,
    /// sBG of a row a contract: the column of how many renewals it came to, the one at which it was cancelled among them.
    #[arg(long, value_name = "COLUMN", requires = "cancelled", conflicts_with_all = ["frequency", "date"])]
    renewals: Option<String>,
    /// With --renewals: the column of whether it was cancelled at the last of them.
    #[arg(long, value_name = "COLUMN", requires = "renewals")]
    cancelled: Option<String>,
    /// sBG of a row a renewal: the column of how many customers were left, at first and after each renewal.
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["frequency", "date", "renewals"])]
    survivors: Option<String>,
    /// With --chances or --renewals: the column of how many customers a row stands for.
    #[arg(long, value_name = "COLUMN")]
    count: Option<String>,
    /// The last day that is learnt from; what comes after it is used to judge the forecast.
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// How far to look ahead: 90d, 52w, 1y.
    #[arg(long, value_name = "TIME", default_value = "52w", value_parser = span)]
    horizon: f64,
    /// With BG/BB and sBG: how many chances or renewals to look ahead.
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    ahead: u32,
    /// Which model; auto takes the one that foretold the last third of the time best, of all that what the file holds allows.
    #[arg(long, value_enum, default_value = "auto", conflicts_with = "load")]
    method: Method,
    /// What a year's waiting costs: 0.1 is 10 %. Where --chances or --renewals have no length, what waiting for one costs.
    #[arg(long, default_value_t = 0.1)]
    discount: f64,
    /// The part of an amount that is earned.
    #[arg(long, default_value_t = 1.0)]
    margin: f64,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq)]
enum Method {
    Auto,
    ParetoNbd,
    BgNbd,
    MbgNbd,
    GgompertzNbd,
    ParetoGgg,
    BgBb,
    Sbg,
}

/// What a file's rows tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Family {
    /// When somebody bought.
    Buying,
    /// Which chances somebody took.
    Chances,
    /// Which contracts were renewed.
    Contracts,
}

/// The most chances or renewals that are looked ahead.
const AHEAD: u32 = 1_000;

/// Runs the command.
pub fn run(args: &ClvArgs) -> Result<()> {
    if !((0.0..=10.0).contains(&args.discount) && args.margin > 0.0 && args.margin <= 1.0) {
        bail!("--discount must be between 0 and 10, and --margin above 0 and at most 1");
    }
    if !(1..=AHEAD).contains(&args.ahead) {
        bail!("--ahead must be from 1 to {AHEAD}");
    }
    let mut data = Data::open(&args.input)?;
    let kept: Option<Kept> = match &args.keep.load {
        Some(path) => Some(saved::load(path, "clv", &mut data)?),
        None => None,
    };
    if let (Some(path), Some(kept)) = (&args.keep.load, &kept)
        && !kept.is_sound()
    {
        bail!("{} holds parameters that no model has; fit it again", path.display());
    }
    let family = family(args, kept.as_ref())?;
    if family == Family::Buying && args.count.is_some() {
        bail!("--count goes with --chances or --renewals; other rows stand for one customer, or one purchase");
    }
    if family != Family::Buying && !args.covariates.is_empty() {
        bail!("--covariates go with pareto-nbd, bg-nbd, mbg-nbd and auto, not with bg-bb or sbg");
    }
    match family {
        Family::Buying => shown::run(args, data, kept),
        Family::Chances => chances::run(args, data, kept),
        Family::Contracts => contracts::run(args, data, kept),
    }
}

/// What the rows tell, by the model that is asked for or was saved, and by the columns that are named, which have to agree.
fn family(args: &ClvArgs, kept: Option<&Kept>) -> Result<Family> {
    let asked = match (kept, args.method) {
        (Some(kept), _) => Some(kept.family()),
        (None, Method::Auto) => None,
        (None, Method::BgBb) => Some(Family::Chances),
        (None, Method::Sbg) => Some(Family::Contracts),
        (None, _) => Some(Family::Buying),
    };
    let given = if args.renewals.is_some() || args.survivors.is_some() {
        Some((Family::Contracts, "--renewals and --survivors go with --method sbg"))
    } else if args.chances.is_some() || args.period.is_some() {
        Some((Family::Chances, "--chances and --period go with --method bg-bb"))
    } else {
        None
    };
    match (asked, given) {
        (Some(asked), Some((given, goes))) if asked != given => bail!("{goes}, which is another model"),
        (Some(Family::Contracts), None) => bail!(
            "sBG asks for --renewals COLUMN and --cancelled COLUMN (a row a contract), or for --survivors COLUMN (a row a renewal)"
        ),
        (Some(Family::Chances), None) if kept.is_none_or(|it| it.period.is_none()) => bail!(
            "BG/BB asks for --chances COLUMN beside --frequency and --recency (a row a customer), or for --period TIME, how long a chance lasts (a row a purchase)"
        ),
        (asked, given) => Ok(asked.or(given.map(|it| it.0)).unwrap_or(Family::Buying)),
    }
}
