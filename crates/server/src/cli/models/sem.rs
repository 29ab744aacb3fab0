//! `rapport models sem`: what cannot be asked directly, measured by several columns each, and what leads to what: by covariances (here), by [`composites`], or both
//! of the [`ready`] model of satisfaction and loyalty.

mod composites;
mod kept;
mod ready;
mod scales;

use anyhow::{Context, Result, bail};
use rapport_models::structural::{Divisor, Fit, Kind, Model, Relation, Scale};

use super::input::{Data, Input, Need};
use super::plot;
use super::report::{Cell, Report, figure};
use super::saved::{self, Keep};
use kept::Kept;

/// A structural equation model.
#[derive(clap::Args, Debug)]
pub struct SemArgs {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    keep: Keep,
    /// The model, statements between semicolons: "trust =~ t1 + t2 + t3; loyal =~ l1 + l2; loyal ~ trust"; with --method pls also "worth <~ w1 + w2".
    #[arg(long, value_name = "TEXT", conflicts_with = "model_file", allow_hyphen_values = true)]
    model: Option<String>,
    /// The same in a file, a statement a line.
    #[arg(long, value_name = "FILE")]
    model_file: Option<std::path::PathBuf>,
    /// By covariances (maximum likelihood), or by composites (partial least squares).
    #[arg(long, value_enum, default_value = "covariances", conflicts_with = "load")]
    method: Method,
    /// The column of people's ids.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// Latent variables have a variance of 1, instead of a first loading of 1.
    #[arg(long)]
    unit_variance: bool,
    /// Covariances are divided by N - 1 (EQS, LISREL), instead of N (lavaan, Mplus).
    #[arg(long)]
    less_one: bool,
    /// So many samples drawn again give intervals that do not take rows for normal; 0 is none. Composites have 500 unless it is said.
    #[arg(long)]
    samples: Option<usize>,
    /// With pls: how a construct's neighbours are weighed.
    #[arg(long, value_enum, default_value = "path")]
    scheme: Scheme,
    /// Worst and best answer, for indices from 0 to 100 by composites: 1,10, or 5,1 where less is better; of one construct complaints=1,5. May be said several times.
    #[arg(long = "scale", value_name = "[NAME=]WORST,BEST", allow_hyphen_values = true)]
    scales: Vec<String>,
    /// The model of satisfaction and loyalty, ready to run, by composites and by covariances side by side: of the American index or of the European one.
    #[arg(long, value_enum, conflicts_with_all = ["model", "model_file", "load"])]
    ready: Option<Ready>,
    /// With --ready: the columns that ask what people think of the firm (European only).
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "ready")]
    image: Vec<String>,
    /// With --ready: those that ask what they expected.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "ready")]
    expectation: Vec<String>,
    /// With --ready: those that ask how good it was.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "ready")]
    quality: Vec<String>,
    /// With --ready: those that ask what it was worth for its price.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "ready")]
    value: Vec<String>,
    /// With --ready: those that ask how satisfied they are.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "ready")]
    satisfaction: Vec<String>,
    /// With --ready: those that ask whether they complained, or how that was dealt with.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "ready")]
    complaints: Vec<String>,
    /// With --ready: those that ask whether they would stay, buy again, recommend.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "ready")]
    loyalty: Vec<String>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq)]
enum Method {
    Covariances,
    Pls,
}

/// Schemes of partial least squares.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq)]
enum Scheme {
    Centroid,
    Factorial,
    Path,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq)]
enum Ready {
    American,
    European,
}

/// The most samples drawn again.
const SAMPLES: usize = 10_000;

/// Runs the command.
pub fn run(args: &SemArgs) -> Result<()> {
    let mut data = Data::open(&args.input)?;
    let customer = data.optional("customer", args.customer.as_ref())?;
    if samples(args, 0) > SAMPLES {
        bail!("--samples must be at most {SAMPLES}");
    }
    if let Some(path) = &args.keep.load {
        return kept::again(args, path, data, customer);
    }
    if let Some(form) = args.ready {
        return ready::run(args, form, data, customer);
    }
    let text = text(args)?;
    if args.method == Method::Pls {
        return composites::run(args, &text, data, customer);
    }
    if !args.scales.is_empty() {
        bail!("--scale is for indices, which composites give: say --method pls or --ready with it");
    }
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
    if samples(args, 0) > 0 {
        sampled(args, &mut report, &data, &model, &columns, divisor, &all)?;
    }
    quality(&mut report, &fit);
    report.rows = kept::rows(&data, customer, model.latent(), &fit.scores(&columns)?);
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
            composites: false,
            indices: Vec::new(),
        };
        saved::save(path, "sem", &report, &data.table, &own, &kept)?;
    }
    report.show(&args.input, &data)
}

/// The text of the model.
fn text(args: &SemArgs) -> Result<String> {
    match (&args.model, &args.model_file) {
        (Some(text), _) => Ok(text.clone()),
        (None, Some(path)) => std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display())),
        (None, None) => bail!(
            "say the model with --model, such as \"trust =~ t1 + t2; loyal =~ l1 + l2; loyal ~ trust\" (=~ is measured by, ~ depends on, ~~ goes together with), or \
             take the one of satisfaction and loyalty with --ready"
        ),
    }
}

/// How many samples are drawn again.
fn samples(args: &SemArgs, unless_said: usize) -> usize {
    args.samples.unwrap_or(unless_said)
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
    let draws = (samples(args, 0).max(20), 1);
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
