//! `rapport models attribution`: which channels conversions are credited to, by several rules beside each other.

mod paths;

use anyhow::Result;
use rapport_imports::written::Column;
use rapport_models::attribution::{Credit, Markov, rules, shapley};
use rapport_models::{Estimate, Interval};

use super::input::{Data, Input, span};
use super::plot;
use super::report::{Cell, Report, figure, percent};

/// Paths of channels.
#[derive(clap::Args, Debug)]
pub struct AttributionArgs {
    #[command(flatten)]
    pub(super) input: Input,
    /// A row a path: the column of channels one after the other.
    #[arg(long, value_name = "COLUMN")]
    path: Option<String>,
    /// What stands between channels of a path.
    #[arg(long, default_value = ">")]
    separator: String,
    /// A row a path: the column of how many conversions it ended in.
    #[arg(long, value_name = "COLUMN")]
    conversions: Option<String>,
    /// A row a path: the column of what these were worth. A row a touch: what a conversion was worth.
    #[arg(long, value_name = "COLUMN")]
    value: Option<String>,
    /// A row a path: the column of how often it ended in none.
    #[arg(long, value_name = "COLUMN")]
    nulls: Option<String>,
    /// A row a touch: the column of customers' ids.
    #[arg(long, value_name = "COLUMN", conflicts_with = "path")]
    customer: Option<String>,
    /// A row a touch: the column of times.
    #[arg(long, value_name = "COLUMN", conflicts_with = "path")]
    date: Option<String>,
    /// A row a touch: the column of channels.
    #[arg(long, value_name = "COLUMN", conflicts_with = "path")]
    channel: Option<String>,
    /// A row a touch: the column that says whether it was a conversion (yes or no).
    #[arg(long, value_name = "COLUMN", conflicts_with = "path")]
    converted: Option<String>,
    /// A row a touch: touches longer before the end of a path do not count: 30d.
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "path")]
    lookback: Option<f64>,
    /// How many samples the intervals are of; 0 is none.
    #[arg(long, default_value_t = 200)]
    samples: usize,
}

/// Runs the command.
pub fn run(args: &AttributionArgs) -> Result<()> {
    let mut data = Data::open(&args.input)?;
    let (paths, names) = paths::read(args, &mut data)?;
    let fault = |fault| anyhow::anyhow!("{fault}");
    let chain = Markov::fit(&paths).map_err(fault)?;
    let intervals = match args.samples {
        0 | 1 => None,
        samples => match Markov::intervals(&paths, samples.min(5_000), 0.05, 1) {
            Ok(found) => Some(found),
            Err(why) => {
                data.notes.push(format!("No intervals: {why}"));
                None
            }
        },
    };
    let simple = rules(&paths).map_err(fault)?;
    let shares = shapley(&paths).map_err(fault)?;
    let mut report = Report::new("attribution by a Markov chain");
    report.metric("conversions", paths.iter().map(|it| it.conversions as f64).sum::<f64>());
    report.metric("value", paths.iter().map(|it| it.value).sum::<f64>());
    report.metric("nulls", paths.iter().map(|it| it.nulls as f64).sum::<f64>());
    report.metric("channels", names.len() as f64);
    report.metric("conversion_rate", chain.conversion);
    let likelihood = likelihood(&paths, &chain);
    report.log_likelihood = Some(likelihood);
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| chain.credits[*b].conversions.total_cmp(&chain.credits[*a].conversions));
    for at in &order {
        report.plain_parameter(&format!("removal_effect:{}", names[*at]), chain.removal_effects[*at]);
        let credit = chain.credits[*at].conversions;
        let name = format!("conversions:{}", names[*at]);
        match &intervals {
            Some(own) => {
                // Limits hold the credit itself, whatever the samples did.
                let (low, high) = (own[*at].low.conversions.min(credit), own[*at].high.conversions.max(credit));
                report.parameter(&name, Estimate::between(credit, Interval { low, high }));
            }
            None => report.plain_parameter(&name, credit),
        }
    }
    let by = [&chain.credits, &shares, &simple.first, &simple.last, &simple.linear];
    table(&mut report, &names, &order, &by);
    let total: f64 = chain.credits.iter().map(|it| it.conversions).sum();
    let bar = |at: &usize| {
        (names[*at].clone(), chain.credits[*at].conversions, percent(chain.credits[*at].conversions / total))
    };
    report.part("Share of conversions, by the chain", &plot::bars(&order.iter().take(15).map(bar).collect::<Vec<_>>()));
    report.sure = match intervals {
        Some(_) => "the chain is solved exactly; intervals are of 95 %, from paths drawn again, and where rules disagree more than that the choice of the rule decides.".to_owned(),
        None => "the chain is solved exactly; how far chance moves it was not asked.".to_owned(),
    };
    report.cannot = "what a channel causes: credit describes paths. Whoever would have bought anyway is credited to the last thing they touched; only a holdout tells that apart. \
        Paths that ended in nothing, and touches nobody recorded, must be in the file to count."
        .to_owned();
    report.show(&args.input, &data)
}

/// How likely all ways are by the chain.
fn likelihood(paths: &[rapport_models::attribution::Path], chain: &Markov) -> f64 {
    let channels = chain.transitions.len() - 1;
    let mut sum = 0.0;
    for path in paths {
        let times = (path.conversions + path.nulls) as f64;
        let mut at = 0;
        for channel in &path.channels {
            sum += times * chain.transitions[at][*channel as usize].ln();
            at = *channel as usize + 1;
        }
        let end = |count: u64, to: usize| if count > 0 { count as f64 * chain.transitions[at][to].ln() } else { 0.0 };
        sum += end(path.conversions, channels) + end(path.nulls, channels + 1);
    }
    sum
}

fn table(report: &mut Report, names: &[String], order: &[usize], by: &[&Vec<Credit>; 5]) {
    let row = |at: &usize| {
        let mut row = vec![Cell::text_of(&names[*at])];
        row.extend(by.iter().map(|it| Cell::Number((it[*at].conversions * 100.0).round() / 100.0)));
        row.push(Cell::text_of(figure(by[0][*at].value)));
        row
    };
    let header = ["Channel", "Markov", "Shapley", "First", "Last", "Linear", "Value (Markov)"];
    report.table("credits", "Conversions by channel", &header, order.iter().map(row).collect());
    let of =
        |place: usize, pick: fn(&Credit) -> f64| order.iter().map(|at| pick(&by[place][*at])).collect::<Vec<f64>>();
    report.rows = vec![Column::texts("channel", order.iter().map(|at| names[*at].clone()).collect())];
    for (place, name) in ["markov", "shapley", "first", "last", "linear"].iter().enumerate() {
        report.rows.push(Column::numbers(&format!("{name}_conversions"), of(place, |it| it.conversions)));
        report.rows.push(Column::numbers(&format!("{name}_value"), of(place, |it| it.value)));
    }
}
