//! `rapport models recommend`: what to offer whom, by the model that was best on what was left out.

mod catalog;
mod items;
mod known;
mod lists;
mod shown;

use anyhow::{Result, bail};
use rapport_models::Fault;
use rapport_models::recommend::{AlsOptions, EaseOptions, Plan, Split, Tried, Way, Weighting, choose, plans};
use serde::{Deserialize, Serialize};

use super::input::{Data, Input, span};
use super::report::{Cell, Report};
use super::saved::{self, Keep};
use catalog::Catalog;
use known::Known;
use lists::{Chosen, Following};

/// Who had to do with what.
#[derive(clap::Args, Debug)]
pub struct RecommendArgs {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    keep: Keep,
    /// The column of customers' ids; a row a customer and item.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// The column of items.
    #[arg(long, value_name = "COLUMN")]
    item: Option<String>,
    /// The column of how much they had to do with it, such as pieces or stars; without it all that counts is whether.
    #[arg(long, value_name = "COLUMN")]
    weight: Option<String>,
    /// The column of times: models are then judged on what came last, not on what was left out by chance.
    #[arg(long, value_name = "COLUMN")]
    date: Option<String>,
    /// The column of orders, for --together-with; without it what a customer had on one day is one.
    #[arg(long, value_name = "COLUMN")]
    basket: Option<String>,
    /// Which model; auto tries several on what was left out within what is known. next is what comes after what, and takes --date.
    #[arg(long, value_enum, default_value = "auto", conflicts_with = "load")]
    method: Method,
    /// EASE's and ALS's penalty.
    #[arg(long, value_name = "NUMBER")]
    penalty: Option<f64>,
    /// ALS's dimensions.
    #[arg(long, default_value_t = 64)]
    factors: usize,
    /// What is popular is what was taken lately: half as much counts what was taken so long before, such as 30d. Takes --date.
    #[arg(long, value_name = "TIME", requires = "date", value_parser = span)]
    half_life: Option<f64>,
    /// How much it counts that the items of a list are unlike each other, from 0 to 1; the rest is for how well they fit.
    #[arg(long, value_name = "SHARE")]
    unlike: Option<f64>,
    /// How many items everyone is offered.
    #[arg(long, default_value_t = 10)]
    limit: usize,
    /// Shows what to offer to this customer, and why.
    #[arg(long = "for", value_name = "CUSTOMER")]
    person: Option<String>,
    /// Shows what to offer to somebody new who has these items, the newest last.
    #[arg(long, value_name = "ITEMS", value_delimiter = ',', conflicts_with = "person")]
    having: Vec<String>,
    /// Shows the items that are most like this one, by who had both.
    #[arg(long, value_name = "ITEM")]
    similar_to: Option<String>,
    /// Shows what is often bought together with this item. Takes --basket or --date.
    #[arg(long, value_name = "ITEM")]
    together_with: Option<String>,
    /// Offers what somebody had before, too.
    #[arg(long)]
    again: bool,
    /// Offers what somebody had before when it is due again: this share of its cycle after the last time, such as 0.9. Takes --date.
    #[arg(long, value_name = "SHARE", requires = "date", conflicts_with = "again")]
    due: Option<f64>,
    /// What is known of items: a file with a row an item. What is known to be out of stock is not offered.
    #[arg(long, value_name = "FILE")]
    items: Option<std::path::PathBuf>,
    /// With --items: its column of items' ids.
    #[arg(long, value_name = "COLUMN", requires = "items")]
    items_id: Option<String>,
    /// With --items: its column of which need an item is for, such as its category.
    #[arg(long, value_name = "COLUMN", requires = "items")]
    need: Option<String>,
    /// With --items: its column of prices.
    #[arg(long, value_name = "COLUMN", requires = "items")]
    price: Option<String>,
    /// With --items: its column of whether an item is in stock, or of how many are.
    #[arg(long, value_name = "COLUMN", requires = "items")]
    stock: Option<String>,
    /// With --items: its column of kinds, such as product or article.
    #[arg(long, value_name = "COLUMN", requires = "items")]
    kind: Option<String>,
    /// Only items of these kinds.
    #[arg(long, value_name = "KINDS", value_delimiter = ',', requires = "items")]
    kinds: Vec<String>,
    /// Only what costs so much: 10..50, or usual for the band in which somebody buys.
    #[arg(long, value_name = "BAND", requires = "items")]
    price_band: Option<String>,
    /// up-sell: dearer items for the same need as the newest that somebody has. cross-sell: items for other needs than all that they have.
    #[arg(long, value_enum, requires = "items")]
    purpose: Option<Purpose>,
    /// With --purpose up-sell: at most so many times the price.
    #[arg(long, value_name = "NUMBER", default_value_t = 2.0)]
    most_times: f64,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Auto,
    Popular,
    Neighbours,
    Ease,
    Als,
    Next,
}

/// What offers are for.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    UpSell,
    CrossSell,
}

/// What is kept: which model was best, with its settings. None holds customers, so it is fitted anew to whatever rows it is given.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Following>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    half_life: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unlike: Option<f64>,
}

impl Kept {
    fn of(chosen: &Chosen, unlike: Option<f64>) -> Self {
        let none = Self { plan: None, next: None, half_life: None, unlike };
        match chosen {
            Chosen::Plan(plan) => Self { plan: Some(plan.clone()), ..none },
            Chosen::Popular(half_life) => Self { half_life: Some(*half_life), ..none },
            Chosen::Next(next) => Self { next: Some(*next), ..none },
        }
    }

    /// Which model it is; `None` where it is none, or more than can be fitted in time and memory: a file may be made by hand.
    fn chosen(self) -> Option<Chosen> {
        let ease = |it: &EaseOptions| it.most_items <= EaseOptions::default().most_items;
        let als = |it: &AlsOptions| it.factors <= 1_000 && it.turns <= 1_000 && it.steps <= 100;
        let sane = |plan: &Plan| match &plan.way {
            Way::Popular => true,
            Way::Neighbours { keep, .. } => *keep <= 10_000,
            Way::Ease(it) => ease(it),
            Way::Als(it) => als(it),
            Way::Mean(one, other) => ease(one) && als(other),
        };
        match (self.plan, self.next, self.half_life) {
            (Some(plan), None, None) => sane(&plan).then_some(Chosen::Plan(plan)),
            (None, Some(next), None) => next.is_sane().then_some(Chosen::Next(next)),
            (None, None, Some(it)) => (it > 0.0 && it.is_finite()).then_some(Chosen::Popular(it)),
            _ => None,
        }
    }
}

/// Runs the command.
pub fn run(args: &RecommendArgs) -> Result<()> {
    if !(1..=1_000).contains(&args.limit) || !(1..=1_000).contains(&args.factors) {
        bail!("--limit and --factors must be from 1 to 1000");
    }
    if args.penalty.is_some_and(|it| !(it > 0.0 && it < 1e12)) {
        bail!("--penalty must be above 0");
    }
    let is_share = |it: &f64| (0.0..=1.0).contains(it);
    if args.unlike.is_some_and(|it| !is_share(&it)) {
        bail!("--unlike must be from 0, which looks at how well items fit alone, to 1");
    }
    if args.due.is_some_and(|it| !(it > 0.0 && it <= 10.0)) {
        bail!("--due must be above 0 and at most 10: 0.9 is nine tenths of a cycle");
    }
    if !(args.most_times > 1.0 && args.most_times <= 1e6) {
        bail!("--most-times must be above 1");
    }
    let mut data = Data::open(&args.input)?;
    let (mut chosen, mut unlike) = (None, args.unlike);
    if let Some(path) = &args.keep.load {
        let kept: Kept = saved::load(path, "recommend", &mut data)?;
        unlike = unlike.or(kept.unlike.filter(is_share));
        chosen = kept.chosen();
        if chosen.is_none() {
            bail!("{} asks for more than a computer does, or for nothing; fit the model again", path.display());
        }
    }
    if args.date.is_none() && (args.method == Method::Next || chosen.as_ref().is_some_and(Chosen::needs_times)) {
        bail!("what comes next, and what is popular lately, take times: name their column with --date");
    }
    let known = Known::read(args, &mut data)?;
    let catalog = args.items.as_ref().map(|path| Catalog::read(args, path, &known, &mut data.notes)).transpose()?;
    let shown = shown::Asked::read(args, &known, &data.table.name)?;
    let mut report = Report::new("recommendations");
    let chosen = fitted(args, &mut report, &known, (chosen, unlike), (&shown, catalog.as_ref()))
        .map_err(|fault| anyhow::anyhow!("{fault}"))?;
    items::show(args, &mut report, &known)?;
    if let Some(path) = &args.keep.save {
        saved::save(path, "recommend", &report, &data.table, &known.columns, &Kept::of(&chosen, unlike))?;
    }
    let split = if known.events.is_some() {
        "the last fifth of the rows in time, told by what was known before"
    } else {
        "a quarter of every item's customers, left out by chance, which flatters every model: --date judges on what came last"
    };
    report.sure = format!(
        "measures are means over customers, among all items, of {split}. Intervals are of 95 % over customers."
    );
    if catalog.is_some() {
        report.sure += " They are of lists without rules of stock, price, kind and purpose.";
    }
    report.cannot = "whether somebody takes an item because it is offered: that takes an experiment. Items that nobody had to do with are never offered."
        .to_owned();
    report.show(&args.input, &data)
}

/// Chooses, judges, and offers.
fn fitted(
    args: &RecommendArgs,
    report: &mut Report,
    known: &Known,
    (kept, unlike): (Option<Chosen>, Option<f64>),
    (asked, catalog): (&shown::Asked, Option<&Catalog>),
) -> Result<Chosen, Fault> {
    let (split, before) = known.split(args.seed)?;
    let chosen = match kept {
        Some(kept) => kept,
        None => chosen(args, report, &split)?,
    };
    report.model = format!("recommendations by {chosen}");
    if let Some(share) = unlike {
        report.model += &format!(", unlike each other by {share}");
    }
    report.metric("customers", known.people.len() as f64);
    report.metric("items", known.items.len() as f64);
    report.metric("pairs", known.histories.len() as f64);
    let lists = chosen.fit(&split.known, before.as_deref(), (unlike, args.half_life))?;
    shown::judged(args, report, &lists, &split)?;
    shown::parameters(report, &chosen, unlike);
    shown::popular(report, known);
    if asked.is_anybody() || args.input.out.is_some() || matches!(chosen, Chosen::Next(_)) {
        let lists = chosen.fit(&known.histories, known.events.as_deref(), (unlike, args.half_life))?;
        lists.follows(report, &known.items);
        shown::offers(args, report, known, &lists, (asked, catalog));
    }
    Ok(chosen)
}

/// The model asked for, or the best of several within what is known.
fn chosen(args: &RecommendArgs, report: &mut Report, split: &Split) -> Result<Chosen, Fault> {
    let way = match args.method {
        Method::Next => return Ok(Chosen::Next(Following::default())),
        Method::Popular => match args.half_life {
            Some(half_life) => return Ok(Chosen::Popular(half_life)),
            None => Way::Popular,
        },
        Method::Neighbours => Way::Neighbours { keep: 99, weighting: Weighting::TfIdf },
        Method::Ease => {
            let options = EaseOptions::default();
            Way::Ease(EaseOptions { penalty: args.penalty.unwrap_or(options.penalty), ..options })
        }
        Method::Als => {
            let options = AlsOptions::default();
            let penalty = args.penalty.unwrap_or(options.penalty);
            Way::Als(AlsOptions { factors: args.factors, penalty, seed: args.seed, ..options })
        }
        Method::Auto => return best(args, report, split).map(Chosen::Plan),
    };
    Ok(Chosen::Plan(Plan { way, whether: args.weight.is_none() }))
}

/// Tries plans on what is left out of what is known; with weights each of them with and without looking at them.
fn best(args: &RecommendArgs, report: &mut Report, split: &Split) -> Result<Plan, Fault> {
    let mut all = plans(&split.known, args.seed);
    if args.weight.is_some() {
        let more: Vec<Plan> = all.iter().map(|it| Plan { whether: false, ..it.clone() }).collect();
        all.extend(more);
    }
    let inner = Split::by_item(&split.known, 0.75, args.seed)?;
    let choice = choose(&all, &[inner], args.limit, args.seed)?;
    let row = |it: &Tried| {
        let looks = if args.weight.is_none() || it.plan.whether { "" } else { ", by how much" };
        let name = format!("{}{looks}", it.plan);
        match &it.ndcg {
            Ok(found) => vec![Cell::text_of(name), Cell::Number(*found), Cell::maybe(it.behind.map(|it| it.value))],
            Err(fault) => vec![Cell::text_of(format!("{name}: {fault}")), Cell::None, Cell::None],
        }
    };
    let header = ["Model", "nDCG", "Behind the best by"];
    report.table("tried", "Tried within what is known", &header, choice.tried.iter().map(row).collect());
    Ok(choice.plan().clone())
}
