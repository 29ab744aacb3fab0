//! `rapport models recommend`: what to offer whom, by the model that was best on what was left out.

mod shown;

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_models::Fault;
use rapport_models::recommend::{
    AlsOptions, EaseOptions, Event, Histories, Interaction, Plan, Split, Tried, Way, Weighting, choose, plans,
};
use serde::{Deserialize, Serialize};

use super::input::{Data, Input, Need};
use super::report::{Cell, Report};
use super::saved::{self, Keep};

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
    /// Which model; auto tries several on what was left out within what is known.
    #[arg(long, value_enum, default_value = "auto")]
    method: Method,
    /// EASE's and ALS's penalty.
    #[arg(long, value_name = "NUMBER")]
    penalty: Option<f64>,
    /// ALS's dimensions.
    #[arg(long, default_value_t = 64)]
    factors: usize,
    /// How many items everyone is offered.
    #[arg(long, default_value_t = 10)]
    limit: usize,
    /// Shows what to offer to this customer, and why.
    #[arg(long = "for", value_name = "CUSTOMER")]
    person: Option<String>,
    /// Offers what somebody had before, too.
    #[arg(long)]
    again: bool,
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
}

/// Rows of customers and items.
struct Known {
    histories: Histories,
    people: Vec<String>,
    items: Vec<String>,
    /// Times, where there are any.
    events: Option<Vec<Event>>,
    /// The columns that were used.
    columns: Vec<String>,
}

/// What is kept: which model was best, with its settings. None holds customers, so it is fitted anew to whatever rows it is given.
#[derive(Serialize, Deserialize)]
struct Kept {
    plan: Plan,
}

impl Kept {
    /// Whether it can be fitted in time and memory: a file may be made by hand.
    fn is_sane(&self) -> bool {
        let ease = |it: &EaseOptions| it.most_items <= EaseOptions::default().most_items;
        let als = |it: &AlsOptions| it.factors <= 1_000 && it.turns <= 1_000 && it.steps <= 100;
        match &self.plan.way {
            Way::Popular => true,
            Way::Neighbours { keep, .. } => *keep <= 10_000,
            Way::Ease(it) => ease(it),
            Way::Als(it) => als(it),
            Way::Mean(one, other) => ease(one) && als(other),
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
    let mut data = Data::open(&args.input)?;
    let kept: Option<Kept> = match &args.keep.load {
        Some(path) => Some(saved::load(path, "recommend", &mut data)?),
        None => None,
    };
    if let (Some(path), Some(kept)) = (&args.keep.load, &kept)
        && !kept.is_sane()
    {
        bail!("{} asks for more than a computer does; fit the model again", path.display());
    }
    let known = read(args, &mut data)?;
    let person = match &args.person {
        Some(name) => match known.people.iter().position(|it| it == name) {
            Some(at) => Some(at),
            None => bail!("--for {name}: there is no such customer in {}", data.table.name),
        },
        None => None,
    };
    let mut report = Report::new("recommendations");
    let plan = fitted(args, &mut report, &known, (kept, person)).map_err(|fault| anyhow::anyhow!("{fault}"))?;
    if let Some(path) = &args.keep.save {
        saved::save(path, "recommend", &report, &data.table, &known.columns, &Kept { plan })?;
    }
    let split = if known.events.is_some() {
        "the last fifth of the rows in time, told by what was known before"
    } else {
        "a quarter of every item's customers, left out by chance, which flatters every model: --date judges on what came last"
    };
    report.sure = format!(
        "measures are means over customers, among all items, of {split}. Intervals are of 95 % over customers."
    );
    report.cannot = "whether somebody takes an item because it is offered: that takes an experiment. Items that nobody had to do with are never offered."
        .to_owned();
    report.show(&args.input, &data)
}

/// Chooses, judges, and offers.
fn fitted(
    args: &RecommendArgs,
    report: &mut Report,
    known: &Known,
    (kept, person): (Option<Kept>, Option<usize>),
) -> Result<Plan, Fault> {
    let split = split(known, args)?;
    let plan = match kept {
        Some(kept) => kept.plan,
        None => plan(args, report, &split)?,
    };
    report.model = format!("recommendations by {plan}");
    report.metric("customers", known.people.len() as f64);
    report.metric("items", known.items.len() as f64);
    report.metric("pairs", known.histories.len() as f64);
    shown::judged(args, report, &plan, &split)?;
    shown::parameters(report, &plan);
    shown::popular(report, known);
    if person.is_some() || args.input.out.is_some() {
        let model = plan.fit(&known.histories)?;
        if let Some(at) = person {
            shown::one(args, report, known, &model, at);
        }
        if args.input.out.is_some() {
            shown::everyone(args, report, known, &model);
        }
    }
    Ok(plan)
}

fn read(args: &RecommendArgs, data: &mut Data) -> Result<Known> {
    let customer = data.column("customer", args.customer.as_ref(), Some(Field::CustomerId), &["user_id", "user"])?;
    let item = match data.find("item", args.item.as_ref(), Some(Field::ProductId), &["item", "item_id"])? {
        Some(item) => item,
        None => data.column("item", None, Some(Field::ProductName), &["product"])?,
    };
    let weight = args.weight.as_ref().map(|it| data.named("weight", it)).transpose()?;
    let date = args.date.as_ref().map(|it| data.named("date", it)).transpose()?;
    let mut needs = vec![(customer, Need::Text), (item, Need::Text)];
    needs.extend(weight.map(|it| (it, Need::NotNegative)));
    needs.extend(date.map(|it| (it, Need::Time)));
    data.require(&needs)?;
    let (who, people) = data.codes(customer);
    let (what, items) = data.codes(item);
    let weights = weight.map(|it| data.numbers(it));
    let of = |row: usize| weights.as_ref().map_or(1.0, |it| it[row]);
    let interaction = |row: usize| Interaction { person: who[row], item: what[row], weight: of(row) };
    let rows: Vec<Interaction> = (0..data.rows()).map(interaction).collect();
    let histories = Histories::of(&rows, people.len(), items.len()).map_err(|fault| data.fault(&fault, &[]))?;
    let events = date.map(|place| {
        let days = data.times(place).days;
        let event = |(row, it): (usize, &Interaction)| Event {
            person: it.person,
            item: it.item,
            weight: it.weight,
            at: days[row],
        };
        rows.iter().enumerate().map(event).collect()
    });
    let columns = [Some(customer), Some(item), weight].into_iter().flatten();
    let columns = columns.map(|it| data.name(it).to_owned()).collect();
    Ok(Known { histories, people, items, events, columns })
}

/// What is known, and what is to be told: the last fifth of the rows in time, or a quarter of each item's pairs by chance.
fn split(known: &Known, args: &RecommendArgs) -> Result<Split, Fault> {
    let Some(events) = &known.events else {
        return Split::by_item(&known.histories, 0.75, args.seed);
    };
    let mut times: Vec<f64> = events.iter().map(|it| it.at).collect();
    times.sort_unstable_by(f64::total_cmp);
    let cut = times[times.len() * 4 / 5];
    let horizon = (times[times.len() - 1] - cut).max(0.0) + 1.0;
    let found = Split::rolling(events, known.people.len(), known.items.len(), &[cut], horizon)?;
    found.into_iter().next().ok_or(Fault::TooFew { what: "different times", have: 1, need: 2 })
}

/// The plan asked for, or the best of several within what is known.
fn plan(args: &RecommendArgs, report: &mut Report, split: &Split) -> Result<Plan, Fault> {
    let way = match args.method {
        Method::Popular => Way::Popular,
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
        Method::Auto => return chosen(args, report, split),
    };
    Ok(Plan { way, whether: args.weight.is_none() })
}

/// Tries plans on what is left out of what is known; with weights each of them with and without looking at them.
fn chosen(args: &RecommendArgs, report: &mut Report, split: &Split) -> Result<Plan, Fault> {
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
