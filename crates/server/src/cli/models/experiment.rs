//! `rapport models experiment`: what a treatment did, whether chance does as much, and whether the groups came about as they were meant to.

mod decided;
mod measured;

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_imports::written::Column;
use rapport_models::Estimate;
use rapport_models::experiments::{
    Answer, Better, Estimand, Inference, MISMATCH, Measured, Role, SampleRatio, Undecidable, Verdict, readout_of,
};

use super::input::{Data, Input, Need};
use super::report::{Cell, Report, figure, percent};
use super::wording;
use measured::{Adjusted, Outcome};

/// An experiment.
#[derive(clap::Args, Debug)]
pub struct ExperimentArgs {
    #[command(flatten)]
    input: Input,
    /// The column of customers' ids; a row a customer.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// The column of groups.
    #[arg(long, value_name = "COLUMN")]
    treatment: Option<String>,
    /// The group that the others are compared with; guessed unless said.
    #[arg(long, value_name = "GROUP")]
    control: Option<String>,
    /// The columns of what is measured, between commas.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    outcome: Vec<String>,
    /// The same measured before the experiment, one a column of --outcome: takes out what was different already (CUPED).
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    covariate: Vec<String>,
    /// The column of strata that were known before the experiment, such as the segment or market: groups are compared within each (post-stratification).
    #[arg(long, value_name = "COLUMN", conflicts_with = "covariate")]
    strata: Option<String>,
    /// As a difference, or as a share of the control.
    #[arg(long, value_enum, default_value = "absolute")]
    effect: EffectOf,
    /// Outcomes of which less is better.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    less_is_better: Vec<String>,
    /// Intervals that hold however often somebody looks before the end.
    #[arg(long)]
    always_valid: bool,
    /// How the groups were meant to be parted, in the order of their names, such as 50,50; alike unless said.
    #[arg(long, value_name = "WEIGHTS", value_delimiter = ',')]
    split: Vec<f64>,
    /// The smallest effect that would matter, on the scale of --effect: says how many customers it takes to notice it.
    #[arg(long, value_name = "EFFECT")]
    smallest_effect: Option<f64>,
    /// The chance of noticing an effect that is there, for how many customers it takes and what these notice.
    #[arg(long, value_name = "CHANCE", default_value_t = 0.8)]
    power: f64,
    /// With --smallest-effect: how many customers come into the experiment a day, for how long it takes.
    #[arg(long, value_name = "NUMBER", requires = "smallest_effect")]
    per_day: Option<f64>,
    /// With --smallest-effect: the column of when customers came into the experiment, which says how many come a day.
    #[arg(long, value_name = "COLUMN", requires = "smallest_effect", conflicts_with = "per_day")]
    date: Option<String>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum EffectOf {
    Absolute,
    Relative,
}

/// What is compared: the outcome, the group, and the answer.
struct Compared {
    outcome: String,
    arm: String,
    means: (f64, f64),
    better: Better,
    answer: Result<Answer, Undecidable>,
}

/// Who is in which group.
struct Arms {
    names: Vec<String>,
    codes: Vec<u32>,
    counts: Vec<u64>,
    control: usize,
}

/// Runs the command.
pub fn run(args: &ExperimentArgs) -> Result<()> {
    decided::check(args)?;
    let mut data = Data::open(&args.input)?;
    let customer = data.find("customer", args.customer.as_ref(), Some(Field::CustomerId), &["userid", "id"])?;
    let words = ["treatment", "variant", "arm", "group", "version", "segment"];
    let treatment = data.column("treatment", args.treatment.as_ref(), None, &words)?;
    let outcomes = outcomes(args, &mut data)?;
    let covariates = data.several("covariate", &args.covariate)?;
    if !covariates.is_empty() && covariates.len() != outcomes.len() {
        bail!("--covariate needs as many columns as --outcome: {} instead of {}", outcomes.len(), covariates.len());
    }
    let less = data.several("less-is-better", &args.less_is_better)?;
    let strata = data.optional("strata", args.strata.as_ref())?;
    if strata.is_some_and(|it| it == treatment || outcomes.contains(&it)) {
        bail!("--strata needs a column that was known before the experiment, not that of groups or of an outcome");
    }
    let date = data.optional("date", args.date.as_ref())?;
    let mut needs = vec![(treatment, Need::Text)];
    needs.extend(customer.map(|it| (it, Need::Unique)));
    needs.extend(strata.map(|it| (it, Need::Text)));
    needs.extend(date.map(|it| (it, Need::Time)));
    needs.extend(covariates.iter().map(|it| (*it, Need::Number)));
    needs.extend(outcomes.iter().filter(|it| !is_boolean(&data, **it)).map(|it| (*it, Need::Number)));
    data.require(&needs)?;
    let arms = arms(args, &mut data, treatment)?;
    let mut report = Report::new(if args.always_valid { "experiment, always valid" } else { "experiment, read once" });
    ratio(args, &mut data, &arms, &mut report)?;
    let inference = if args.always_valid { Inference::always_valid(0.05) } else { Inference::fixed(0.05) };
    let Some(inference) = inference else { bail!("there is no such level") };
    let adjusted = Adjusted { covariates, strata };
    let estimand = if args.effect == EffectOf::Absolute { Estimand::Absolute } else { Estimand::Relative };
    let found = measured::all(&mut data, &arms, (&outcomes, &less), &adjusted, estimand)?;
    let compared = compare(&mut report, &arms, &found, inference);
    shown(args, &mut report, &arms, &compared);
    decided::posterior(args, &mut report, &compared);
    decided::plan(args, &mut report, &mut data, (&arms, &found, date), (estimand, inference));
    report.sure = format!(
        "intervals are of 95 %{}; q counts that {} comparisons were made, and what is called better or worse has a q of at most 0.05. \
        Probabilities of being better have a flat prior, and do not guard against looking until they please.",
        if args.always_valid {
            " and hold whenever somebody looks"
        } else {
            " if nobody looked before the planned end"
        },
        compared.len()
    );
    report.cannot = "that the effect lasts, or that others than these would show it; and where groups did not come as they were meant to, nothing at all."
        .to_owned();
    report.show(&args.input, &data)
}

fn is_boolean(data: &Data, place: usize) -> bool {
    let ids = data.table.column(place).ids();
    let mut given = ids.into_iter().flatten().peekable();
    given.peek().is_some() && given.all(|it| rapport_imports::values::boolean(it).is_some())
}

fn outcomes(args: &ExperimentArgs, data: &mut Data) -> Result<Vec<usize>> {
    if !args.outcome.is_empty() {
        return data.several("outcome", &args.outcome);
    }
    let words =
        ["outcome", "converted", "conversion", "visit", "spend", "revenue", "retention_1", "retention_7", "clicked"];
    let found: Vec<usize> = words.iter().filter_map(|it| data.table.place(it)).collect();
    if found.is_empty() {
        bail!("say which column was measured with --outcome");
    }
    let names: Vec<&str> = found.iter().map(|it| data.name(*it)).collect();
    let note = format!("Taken for --outcome: {}.", names.join(", "));
    data.notes.push(note);
    Ok(found)
}

fn arms(args: &ExperimentArgs, data: &mut Data, place: usize) -> Result<Arms> {
    let counts = data.counted(place);
    let column = data.name(place).to_owned();
    if counts.len() < 2 {
        bail!("{column} is the same in all rows; it takes two groups to compare");
    }
    if counts.len() > 20 {
        bail!("{column} has {} different values; choose the column of groups with --treatment", counts.len());
    }
    let names: Vec<String> = counts.keys().cloned().collect();
    let control = match &args.control {
        Some(name) => match names.iter().position(|it| it == name) {
            Some(at) => at,
            None => bail!("--control {name}: {column} is {}", names.join(", ")),
        },
        None => {
            let known = |it: &String| {
                let it = it.to_lowercase();
                ["control", "none", "no e-mail", "0", "a", "false", "holdout", "off"].contains(&it.as_str())
                    || it.contains("control")
            };
            let Some(at) = names.iter().position(known) else {
                bail!("say which group is the control with --control: {}", names.join(", "));
            };
            data.notes.push(format!("The control is {}; --control says otherwise.", names[at]));
            at
        }
    };
    let texts = data.texts(place);
    let code = |it: &String| names.binary_search(it).unwrap_or(0) as u32;
    let codes = texts.iter().map(code).collect();
    Ok(Arms { counts: counts.values().map(|it| *it as u64).collect(), names, codes, control })
}

/// Whether the groups are as large as they were meant to be.
fn ratio(args: &ExperimentArgs, data: &mut Data, arms: &Arms, report: &mut Report) -> Result<()> {
    let weights = if args.split.is_empty() { vec![1.0; arms.names.len()] } else { args.split.clone() };
    let Some(found) = SampleRatio::of(&arms.counts, &weights) else {
        bail!("--split needs a weight above 0 for each of {}", arms.names.join(", "));
    };
    report.metric("sample_ratio_chi_square", found.statistic);
    report.metric("sample_ratio_p", found.p);
    if found.p < MISMATCH {
        data.notes.push(format!(
            "Warning: groups are not as large as they were meant to be ({}). Find out why before believing any effect; if they were meant to be unequal, say so with --split.",
            wording::chance(found.p)
        ));
    }
    Ok(())
}

/// What is called better or worse, over all outcomes and groups.
fn compare(report: &mut Report, arms: &Arms, outcomes: &[Outcome], inference: Inference) -> Vec<Compared> {
    let (mut effects, mut about) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        for it in &outcome.against {
            effects.push(Measured { effect: it.effect, better: outcome.better, role: Role::Goal });
            let arm = arms.names[it.arm].clone();
            if let Some(taken) = it.taken_out {
                report.metric(&format!("{}:{arm}:variance_taken_out", outcome.name), taken);
            }
            about.push((outcome.name.clone(), arm, it.means, outcome.better));
        }
    }
    let answers = readout_of(&effects, &inference);
    let one = |((outcome, arm, means, better), answer)| Compared { outcome, arm, means, better, answer };
    about.into_iter().zip(answers).map(one).collect()
}

fn shown(args: &ExperimentArgs, report: &mut Report, arms: &Arms, compared: &[Compared]) {
    let told = |value: f64| args.told(value);
    let size = |(name, count): (&String, &u64)| vec![Cell::text_of(name), Cell::Whole(*count)];
    report.table("arms", "Groups", &["Group", "Customers"], arms.names.iter().zip(&arms.counts).map(size).collect());
    let mut rows = Vec::new();
    for it in compared {
        let key = format!("{}:{}", it.outcome, it.arm);
        let mut row = vec![
            Cell::text_of(&it.outcome),
            Cell::text_of(&it.arm),
            Cell::Number(it.means.0),
            Cell::Number(it.means.1),
        ];
        match &it.answer {
            Ok(answer) => {
                let (reading, effect) = (answer.reading, answer.effect);
                let between = Estimate {
                    value: reading.estimate,
                    standard_error: Some(effect.standard_error),
                    low: reading.low,
                    high: reading.high,
                };
                report.parameter(&key, between);
                report.metric(&format!("{key}:p"), reading.p);
                report.metric(&format!("{key}:q"), answer.q);
                let verdict = match answer.verdict {
                    Verdict::Better | Verdict::Safe => "better",
                    Verdict::Worse | Verdict::Breached => "worse",
                    Verdict::Unclear => "not sure",
                };
                row.extend([
                    Cell::text_of(told(reading.estimate)),
                    Cell::text_of(format!("{} – {}", told(reading.low), told(reading.high))),
                    Cell::Number(reading.p),
                    Cell::maybe(answer.q),
                    Cell::text_of(verdict),
                ]);
            }
            Err(why) => row.extend([
                Cell::None,
                Cell::text_of(why.to_string()),
                Cell::None,
                Cell::None,
                Cell::text_of("no answer"),
            ]),
        }
        rows.push(row);
    }
    let header = ["Outcome", "Group", "Mean", "Mean of control", "Effect", "95 % between", "p", "q", "Verdict"];
    report.table("comparisons", "Against the control", &header, rows);
    let of = |pick: fn(&Answer) -> f64| {
        compared.iter().map(|it| it.answer.as_ref().map_or(f64::NAN, pick)).collect::<Vec<f64>>()
    };
    report.rows = vec![
        Column::texts("outcome", compared.iter().map(|it| it.outcome.clone()).collect()),
        Column::texts("group", compared.iter().map(|it| it.arm.clone()).collect()),
        Column::numbers("effect", of(|it| it.reading.estimate)),
        Column::numbers("low", of(|it| it.reading.low)),
        Column::numbers("high", of(|it| it.reading.high)),
        Column::numbers("p", of(|it| it.reading.p)),
        Column::numbers("q", of(|it| it.q.unwrap_or(f64::NAN))),
    ];
}

impl ExperimentArgs {
    /// An effect as people read it.
    fn told(&self, effect: f64) -> String {
        if self.effect == EffectOf::Relative { percent(effect) } else { figure(effect) }
    }
}
