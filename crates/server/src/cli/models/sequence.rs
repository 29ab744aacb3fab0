//! `rapport models sequence`: what people do one after the other, and what comes before one outcome rather than another.

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_imports::written::Column;
use rapport_models::baskets::Share;
use rapport_models::patterns::{Contrast, Limits, Pattern, Patterns, Step, steps};

use super::input::{Data, Input, Need, span};
use super::plot;
use super::report::{Cell, Report, figure, percent};

/// Sequences of events.
#[derive(clap::Args, Debug)]
pub struct SequenceArgs {
    #[command(flatten)]
    input: Input,
    /// The column of customers' (or cases') ids; a row an event.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// The column of times.
    #[arg(long, value_name = "COLUMN")]
    date: Option<String>,
    /// The column of events.
    #[arg(long, value_name = "COLUMN")]
    event: Option<String>,
    /// The column of an outcome, the same in all rows of a customer: yes or no.
    #[arg(long, value_name = "COLUMN", conflicts_with = "before")]
    outcome: Option<String>,
    /// The outcome is this event: what comes before its first time is compared with what others do.
    #[arg(long, value_name = "EVENT")]
    before: Option<String>,
    /// The least share of customers who show a pattern: 0.05 or 5%.
    #[arg(long, default_value = "0.05")]
    support: String,
    /// The longest time from one step to the next: 30d.
    #[arg(long, value_name = "TIME", value_parser = span)]
    longest_gap: Option<f64>,
    /// The longest time from first step to last: 90d.
    #[arg(long, value_name = "TIME", value_parser = span)]
    window: Option<f64>,
    /// The most events of a pattern.
    #[arg(long, default_value_t = 5)]
    longest: usize,
    /// Patterns that follow from longer ones as well.
    #[arg(long)]
    all: bool,
}

/// Histories, and who had the outcome, if one was asked for.
struct Histories {
    persons: Vec<Vec<Step>>,
    outcome: Option<Vec<bool>>,
    names: Vec<String>,
    events: usize,
}

/// Runs the command.
pub fn run(args: &SequenceArgs) -> Result<()> {
    let Some(support) = Share::decimal(&args.support) else {
        bail!("--support {} is no share; write 0.05 or 5%", args.support);
    };
    let mut data = Data::open(&args.input)?;
    let histories = read(args, &mut data)?;
    let mut limits = Limits { longest: args.longest.max(1), ..Limits::support(support) };
    if let Some(gap) = args.longest_gap {
        limits.longest_gap = gap;
    }
    if let Some(window) = args.window {
        limits.window = window;
    }
    let mut report = Report::new("frequent sequences");
    report.metric("customers", histories.persons.len() as f64);
    report.metric("events", histories.events as f64);
    report.metric("kinds_of_events", histories.names.len() as f64);
    report.plain_parameter("least_customers", support.least(histories.persons.len() as u64) as f64);
    match &histories.outcome {
        None => {
            let found = Patterns::mine(&histories.persons, &limits).map_err(|fault| data.fault(&fault, &[]))?;
            report.metric("patterns", found.patterns.len() as f64);
            common(args, &mut report, &found, &histories.names);
        }
        Some(outcome) => {
            let found = Patterns::mine_with_outcome(&histories.persons, outcome, &limits)
                .map_err(|fault| data.fault(&fault, &[]))?;
            report.metric("patterns", found.patterns.len() as f64);
            report.metric("with_outcome", found.with_outcome as f64);
            let contrasts = found.discriminative().map_err(|fault| data.fault(&fault, &[]))?;
            report.metric("discoveries_at_5_percent", contrasts.iter().filter(|it| it.q <= 0.05).count() as f64);
            different(&mut report, &contrasts, &histories.names);
        }
    }
    report.sure = match histories.outcome {
        None => "counts are of these customers and exact; patterns of fewer than the support are not seen.".to_owned(),
        Some(_) => "odds ratios have intervals of 95 %, and q is the share of false ones among all patterns that say as much: above 0.05 it may be chance.".to_owned(),
    };
    report.cannot = "that a step leads to the next, or that taking a step away would prevent the outcome: both may follow from something that is not in the file."
        .to_owned();
    report.show(&args.input, &data)
}

fn read(args: &SequenceArgs, data: &mut Data) -> Result<Histories> {
    let words = ["customer_id", "case_id", "caseid", "case", "user_id"];
    let customer = data.column("customer", args.customer.as_ref(), Some(Field::CustomerId), &words)?;
    let date = data.column("date", args.date.as_ref(), Some(Field::Date), &["timestamp", "time"])?;
    let words = ["event", "activity", "activity_id", "action", "page"];
    let event = data.column("event", args.event.as_ref(), Some(Field::EventName), &words)?;
    let outcome = data.optional("outcome", args.outcome.as_ref())?;
    let mut needs = vec![(customer, Need::Text), (date, Need::Time), (event, Need::Text)];
    needs.extend(outcome.map(|it| (it, Need::Text)));
    data.require(&needs)?;
    let (who, customers) = data.codes(customer);
    let (what, names) = data.codes(event);
    let times = data.times(date);
    let mut events: Vec<Vec<(f64, u32)>> = vec![Vec::new(); customers.len()];
    (0..data.rows()).for_each(|row| events[who[row] as usize].push((times.days[row], what[row])));
    let mut own = match outcome {
        Some(place) => Some(outcomes(data, place, &who, customers.len())?),
        None => None,
    };
    if let Some(name) = &args.before {
        let Some(code) = names.iter().position(|it| it == name) else {
            bail!(
                "--before {name}: no such event; there are {}",
                names.iter().take(20).cloned().collect::<Vec<_>>().join(", ")
            );
        };
        let code = code as u32;
        let first =
            |it: &Vec<(f64, u32)>| it.iter().filter(|it| it.1 == code).map(|it| it.0).fold(f64::INFINITY, f64::min);
        let firsts: Vec<f64> = events.iter().map(first).collect();
        events.iter_mut().zip(&firsts).for_each(|(it, first)| it.retain(|event| event.0 < *first));
        own = Some(firsts.iter().map(|it| it.is_finite()).collect());
        data.notes.push(format!("What happened at the time of the first {name} or later is not looked at."));
    }
    let count = events.iter().map(Vec::len).sum();
    Ok(Histories { persons: events.iter().map(|it| steps(it)).collect(), outcome: own, names, events: count })
}

/// The outcome of each customer, which must be the same in all their rows.
fn outcomes(data: &Data, place: usize, who: &[u32], customers: usize) -> Result<Vec<bool>> {
    let texts = data.texts(place);
    let (mut found, mut odd, mut torn) = (vec![None; customers], Vec::new(), Vec::new());
    for (row, text) in texts.iter().enumerate() {
        let own = match text.parse::<f64>() {
            Ok(number) if number == 0.0 || number == 1.0 => number == 1.0,
            _ => match rapport_imports::values::boolean(text) {
                Some(own) => own,
                None => {
                    odd.push(row);
                    continue;
                }
            },
        };
        let before = found[who[row] as usize].replace(own);
        if before.is_some_and(|before| before != own) {
            torn.push(row);
        }
    }
    if !odd.is_empty() {
        bail!("{}: {} is neither yes nor no (1 or 0, true or false)", data.lines(&odd), data.name(place));
    }
    if !torn.is_empty() {
        bail!("{}: {} is another than in an earlier row of the same customer", data.lines(&torn), data.name(place));
    }
    Ok(found.into_iter().map(|it| it.unwrap_or(false)).collect())
}

fn shown(pattern: &Pattern, names: &[String]) -> String {
    let step = |it: &Vec<u32>| it.iter().map(|item| names[*item as usize].as_str()).collect::<Vec<_>>().join(" + ");
    pattern.steps.iter().map(step).collect::<Vec<_>>().join(" → ")
}

fn common(args: &SequenceArgs, report: &mut Report, found: &Patterns, names: &[String]) {
    let closed = if args.all { found.clone() } else { found.closed() };
    report.metric("patterns_shown", closed.patterns.len() as f64);
    let share = |it: &Pattern| it.persons as f64 / found.persons.max(1) as f64;
    let row = |it: &Pattern| vec![Cell::text_of(shown(it, names)), Cell::Whole(it.persons), Cell::Share(share(it))];
    let title =
        if args.all { "The most common" } else { "The most common, but for those that follow from a longer one" };
    report.table("patterns", title, &["Pattern", "Customers", "Share"], closed.patterns.iter().map(row).collect());
    let several = closed.patterns.iter().filter(|it| it.items() > 1).take(10);
    let bar = |it: &Pattern| (shown(it, names), share(it), percent(share(it)));
    report.part("Of more than one event", &plot::bars(&several.map(bar).collect::<Vec<_>>()));
    report.rows = vec![
        Column::texts("pattern", closed.patterns.iter().map(|it| shown(it, names)).collect()),
        Column::whole("customers", closed.patterns.iter().map(|it| it.persons.cast_signed()).collect()),
        Column::numbers("share", closed.patterns.iter().map(share).collect()),
    ];
}

fn different(report: &mut Report, found: &[Contrast], names: &[String]) {
    let row = |it: &Contrast| {
        vec![
            Cell::text_of(shown(&it.pattern, names)),
            Cell::Whole(it.pattern.persons),
            Cell::Share(it.association.share),
            Cell::Share(it.association.others_share),
            Cell::Number(it.odds_ratio.value),
            Cell::text_of(format!("{} – {}", figure(it.odds_ratio.low), figure(it.odds_ratio.high))),
            Cell::Number(it.q),
        ]
    };
    let header = ["Pattern", "Customers", "With the outcome", "Others", "Odds ratio", "95 % between", "q"];
    report.table(
        "contrasts",
        "What comes before the outcome, the least likely by chance first",
        &header,
        found.iter().map(row).collect(),
    );
    report.rows = vec![
        Column::texts("pattern", found.iter().map(|it| shown(&it.pattern, names)).collect()),
        Column::whole("customers", found.iter().map(|it| it.pattern.persons.cast_signed()).collect()),
        Column::whole("with_outcome", found.iter().map(|it| it.pattern.with_outcome.cast_signed()).collect()),
        Column::numbers("odds_ratio", found.iter().map(|it| it.odds_ratio.value).collect()),
        Column::numbers("low", found.iter().map(|it| it.odds_ratio.low).collect()),
        Column::numbers("high", found.iter().map(|it| it.odds_ratio.high).collect()),
        Column::numbers("q", found.iter().map(|it| it.q).collect()),
    ];
}
