//! `rapport models sem`: what cannot be asked directly, measured by several columns each, and what leads to what.

use anyhow::{Context, Result, bail};
use rapport_imports::written::Column;
use rapport_models::structural::{Divisor, Fit, Kind, Model, Relation, Scale};
use serde::{Deserialize, Serialize};

use super::input::{Data, Input, Need};
use super::plot;
use super::report::{Cell, Report, figure};
use super::saved::{self, Keep};

/// A structural equation model.
#[derive(clap::Args, Debug)]
pub struct SemArgs {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    keep: Keep,
    /// The model, statements between semicolons: "trust =~ t1 + t2 + t3; loyal =~ l1 + l2; loyal ~ trust".
    #[arg(long, value_name = "TEXT", conflicts_with = "model_file", allow_hyphen_values = true)]
    model: Option<String>,
    /// The same in a file, a statement a line.
    #[arg(long, value_name = "FILE")]
    model_file: Option<std::path::PathBuf>,
    /// The column of people's ids.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// Latent variables have a variance of 1, instead of a first loading of 1.
    #[arg(long)]
    unit_variance: bool,
    /// Covariances are divided by N - 1 (EQS, LISREL), instead of N (lavaan, Mplus).
    #[arg(long)]
    less_one: bool,
    /// So many samples drawn again give intervals that do not take rows for normal; 0 is none.
    #[arg(long, default_value_t = 0)]
    samples: usize,
}

/// The model as it is kept: what it takes to score other rows.
#[derive(Serialize, Deserialize)]
struct Kept {
    text: String,
    columns: Vec<String>,
    latent: Vec<String>,
    means: Vec<f64>,
    /// For each latent variable what each column counts.
    weights: Vec<Vec<f64>>,
}

/// Runs the command.
pub fn run(args: &SemArgs) -> Result<()> {
    let mut data = Data::open(&args.input)?;
    let customer = args.customer.as_ref().map(|it| data.named("customer", it)).transpose()?;
    if let Some(path) = &args.keep.load {
        return again(args, path, &mut data, customer);
    }
    let text = match (&args.model, &args.model_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?
        }
        (None, None) => bail!(
            "say the model with --model, such as \"trust =~ t1 + t2; loyal =~ l1 + l2; loyal ~ trust\" (=~ is measured by, ~ depends on, ~~ goes together with)"
        ),
    };
    let names: Vec<String> = data.table.names().to_vec();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let scale = if args.unit_variance { Scale::Variance } else { Scale::Marker };
    let model = Model::read(&text, &names, scale).map_err(|it| anyhow::anyhow!("the model cannot be read. {it}"))?;
    let used = model.columns().to_vec();
    let mut needs: Vec<(usize, Need)> = used.iter().map(|it| (*it, Need::Number)).collect();
    needs.extend(customer.map(|it| (it, Need::Unique)));
    data.require(&needs)?;
    // Columns that the model does not name may hold anything.
    let column = |at: usize| if used.contains(&at) { data.numbers(at) } else { vec![0.0; data.rows()] };
    let columns: Vec<Vec<f64>> = (0..names.len()).map(column).collect();
    let divisor = if args.less_one { Divisor::LessOne } else { Divisor::N };
    let all: Vec<usize> = (0..names.len()).collect();
    let fit = model.fit(&columns, divisor).map_err(|fault| data.fault(&fault, &all))?;
    data.notes.extend(fit.warnings.iter().map(|it| format!("Warning: {it}")));
    let mut report = Report::new("structural equation model");
    measures(&mut report, &fit);
    relations(&mut report, &fit);
    if args.samples > 0 {
        sampled(args, &mut report, &data, &model, &columns, divisor, &all)?;
    }
    quality(&mut report, &fit);
    scores(&mut report, &data, &model, customer, &fit.scores(&columns)?);
    report.sure = sure(&fit);
    report.cannot = "causes: paths are what the model assumes, and another model with other arrows may fit as well. What was changed until it fits has to be tried on other data."
        .to_owned();
    if let Some(path) = &args.keep.save {
        let own: Vec<String> = used.iter().map(|it| names[*it].to_owned()).collect();
        let kept = Kept {
            text,
            columns: own.clone(),
            latent: model.latent().to_vec(),
            means: fit.means().to_vec(),
            weights: fit.score_weights(),
        };
        saved::save(path, "sem", &report, &data.table, &own, &kept)?;
    }
    report.show(&args.input, &data)
}

fn measures(report: &mut Report, fit: &Fit) {
    let it = &fit.measures;
    report.log_likelihood = Some(it.log_likelihood);
    report.metric("rows", it.rows as f64);
    report.metric("free_parameters", it.parameters as f64);
    report.metric("chi_square", it.chi_square);
    report.metric("degrees_of_freedom", f64::from(it.degrees_of_freedom));
    report.metric("p", it.p);
    report.metric("cfi", it.cfi);
    report.metric("tli", it.tli);
    match it.rmsea {
        // Its interval is of 90 %, as is the custom.
        Some(found) => {
            report.metric("rmsea", found.value);
            report.metric("rmsea_low_90", found.low);
            report.metric("rmsea_high_90", found.high);
        }
        None => report.metric("rmsea", None),
    }
    report.metric("p_close", it.p_close);
    report.metric("srmr", it.srmr);
    report.metric("log_likelihood_saturated", it.log_likelihood_saturated);
    report.metric("aic", it.aic);
    report.metric("bic", it.bic);
    report.metric("sabic", it.sabic);
}

fn name(it: &Relation) -> String {
    match it.kind {
        Kind::Loading => format!("{}=~{}", it.left, it.right),
        Kind::Regression => format!("{}~{}", it.left, it.right),
        Kind::Covariance => format!("{}~~{}", it.left, it.right),
        Kind::Variance => format!("{}~~{}", it.left, it.left),
    }
}

fn relations(report: &mut Report, fit: &Fit) {
    let found = fit.relations(0.05);
    for it in &found {
        if it.free {
            report.parameter(&name(it), it.estimate);
        } else {
            report.plain_parameter(&name(it), it.estimate.value);
        }
    }
    let row = |it: &Relation| {
        let mut row = vec![Cell::text_of(name(it)), Cell::Number(it.standardised.value)];
        let between = format!("{} – {}", figure(it.standardised.low), figure(it.standardised.high));
        row.extend([Cell::text_of(between), Cell::maybe(it.z), Cell::maybe(it.p)]);
        row
    };
    let header = ["Relation", "In standard deviations", "95 % between", "z", "p"];
    report.table("relations", "Standardised", &header, found.iter().map(row).collect());
    let paths: Vec<&Relation> = found.iter().filter(|it| it.kind == Kind::Regression).collect();
    let bar = |it: &&Relation| {
        let value = it.standardised.value;
        (format!("{} → {}", it.right, it.left), value.abs(), figure(value))
    };
    report.part("Paths, in standard deviations", &plot::bars(&paths.iter().map(bar).collect::<Vec<_>>()));
}

/// Intervals from rows drawn again.
fn sampled(
    args: &SemArgs,
    report: &mut Report,
    data: &Data,
    model: &Model,
    columns: &[Vec<f64>],
    divisor: Divisor,
    all: &[usize],
) -> Result<()> {
    let draws = (args.samples.clamp(20, 10_000), 1);
    let (fit, sampled) = model.sampled(columns, divisor, 0.05, draws).map_err(|fault| data.fault(&fault, all))?;
    let found = fit.relations(0.05);
    let row = |(it, between): (&Relation, &rapport_models::Interval)| {
        vec![
            Cell::text_of(name(it)),
            Cell::Number(it.estimate.value),
            Cell::Number(between.low),
            Cell::Number(between.high),
        ]
    };
    let title = format!("95 % between, by {} samples drawn again", sampled.fitted);
    let rows = found.iter().zip(&sampled.relations).filter(|it| it.0.free).map(row).collect();
    report.table("sampled", &title, &["Relation", "Estimate", "Low", "High"], rows);
    Ok(())
}

/// Whether measures are reliable, what is explained, and what freeing something would bring.
fn quality(report: &mut Report, fit: &Fit) {
    let row = |it: &rapport_models::structural::Reliability| {
        vec![
            Cell::text_of(&it.latent),
            Cell::Number(it.alpha),
            Cell::Number(it.omega),
            Cell::Number(it.composite),
            Cell::Number(it.variance_extracted),
        ]
    };
    let header = ["Latent", "Alpha", "Omega", "Composite", "Variance extracted"];
    let reliable: Vec<_> = fit.reliability().iter().map(row).collect();
    if !reliable.is_empty() {
        report.table("reliability", "Reliability (from 0.7 on; variance extracted from 0.5 on)", &header, reliable);
    }
    let row = |it: &rapport_models::structural::Effect| {
        vec![
            Cell::text_of(format!("{} → {}", it.from, it.to)),
            Cell::Number(it.direct),
            Cell::Number(it.total),
            Cell::Number(it.standardised),
        ]
    };
    let effects: Vec<_> = fit.effects().iter().map(row).collect();
    if !effects.is_empty() {
        report.table(
            "effects",
            "Effects along all paths",
            &["Effect", "Direct", "Total", "Total, standardised"],
            effects,
        );
    }
    let row = |it: &rapport_models::structural::Modification| {
        let operator = match it.kind {
            Kind::Loading => "=~",
            Kind::Regression => "~",
            Kind::Covariance | Kind::Variance => "~~",
        };
        vec![
            Cell::text_of(format!("{} {operator} {}", it.left, it.right)),
            Cell::Number(it.index),
            Cell::Number(it.expected),
        ]
    };
    let header = ["What could be freed", "Chi-square falls by", "Expected"];
    let rows: Vec<_> = fit.modifications().iter().filter(|it| it.index > 3.84).take(10).map(row).collect();
    if !rows.is_empty() {
        report.table(
            "modifications",
            "What the model leaves out (many are tried: large ones happen by chance)",
            &header,
            rows,
        );
    }
}

fn scores(report: &mut Report, data: &Data, model: &Model, customer: Option<usize>, scores: &[Vec<f64>]) {
    report.rows = rows(data, customer, model.latent(), scores);
}

/// A row a person, of a column of scores a latent variable.
fn rows(data: &Data, customer: Option<usize>, latent: &[String], scores: &[Vec<f64>]) -> Vec<Column> {
    if latent.is_empty() {
        return Vec::new();
    }
    let who = match customer {
        Some(place) => data.texts(place),
        None => data.table.lines.iter().map(|line| format!("line {line}")).collect(),
    };
    let mut found = vec![Column::texts("customer", who)];
    for (at, name) in latent.iter().enumerate() {
        found.push(Column::numbers(name, scores[at].clone()));
    }
    found
}

fn sure(fit: &Fit) -> String {
    let it = &fit.measures;
    let close = match it.rmsea {
        Some(found) if found.high <= 0.08 => "the fit is close",
        Some(found) if found.low > 0.08 => "the fit is poor: the model leaves something out",
        Some(_) => "whether the fit is close is not settled by so many rows",
        None => "the model has no degrees of freedom and fits anything",
    };
    format!(
        "{close} (RMSEA {}, CFI {:.3}, SRMR {:.3}); intervals are of 95 % for normal rows, and --samples gives some that do not assume that.",
        it.rmsea.map_or_else(|| "unknown".to_owned(), |it| format!("{:.3} – {:.3} with 90 %", it.low, it.high)),
        it.cfi,
        it.srmr
    )
}

/// Scores of other rows by a kept model.
fn again(args: &SemArgs, path: &std::path::Path, data: &mut Data, customer: Option<usize>) -> Result<()> {
    let kept: Kept = saved::load(path, "sem", data)?;
    let width = kept.columns.len();
    let fits = kept.means.len() == width && kept.weights.len() == kept.latent.len();
    if !fits || kept.weights.iter().any(|it| it.len() != width) || kept.latent.is_empty() {
        bail!("{} does not fit together, or has no latent variable to score; fit the model again", path.display());
    }
    let places = data.several("load", &kept.columns)?;
    let mut needs: Vec<(usize, Need)> = places.iter().map(|it| (*it, Need::Number)).collect();
    needs.extend(customer.map(|it| (it, Need::Unique)));
    data.require(&needs)?;
    let columns: Vec<Vec<f64>> = places.iter().map(|it| data.numbers(*it)).collect();
    let score = |row: usize, weights: &[f64]| {
        weights.iter().enumerate().map(|(at, it)| it * (columns[at][row] - kept.means[at])).sum::<f64>()
    };
    let of = |weights: &Vec<f64>| (0..data.rows()).map(|row| score(row, weights)).collect::<Vec<f64>>();
    let scores: Vec<Vec<f64>> = kept.weights.iter().map(of).collect();
    let mut report = Report::new("structural equation model");
    for (values, name) in scores.iter().zip(&kept.latent) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        report.metric(&format!("mean:{name}"), mean);
        let (low, high) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(*it), high.max(*it)));
        if high > low {
            report.part(&format!("Rows by {name}"), &plot::distribution(values, low, high, figure));
        }
    }
    report.rows = rows(data, customer, &kept.latent, &scores);
    report.sure = "scores are off the mean of the rows that the model was fitted to; whether the model holds for these rows is not asked.".to_owned();
    report.cannot = "that somebody's score is exact: it is the expected value given their answers.".to_owned();
    report.show(&args.input, data)
}
