//! `rapport models experiment`: what a treatment did, whether chance does as much, and whether the groups came about as they were meant to.

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_imports::written::Column;
use rapport_models::Estimate;
use rapport_models::experiments::{
    Answer, Arm, Better, Cuped, Estimand, Inference, MISMATCH, Moments, Paired, Question, Role, SampleRatio,
    Undecidable, Verdict, readout,
};

use super::input::{Data, Input, Need};
use super::report::{Cell, Report, figure, percent};
use super::wording;

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
    let mut needs = vec![(treatment, Need::Text)];
    needs.extend(customer.map(|it| (it, Need::Unique)));
    needs.extend(covariates.iter().map(|it| (*it, Need::Number)));
    needs.extend(outcomes.iter().filter(|it| !is_boolean(&data, **it)).map(|it| (*it, Need::Number)));
    data.require(&needs)?;
    let arms = arms(args, &mut data, treatment)?;
    let mut report = Report::new(if args.always_valid { "experiment, always valid" } else { "experiment, read once" });
    ratio(args, &mut data, &arms, &mut report)?;
    let inference = if args.always_valid { Inference::always_valid(0.05) } else { Inference::fixed(0.05) };
    let Some(inference) = inference else { bail!("there is no such level") };
    let compared = compare(args, &mut data, &arms, (&outcomes, &covariates, &less), inference)?;
    shown(args, &mut report, &arms, &compared);
    report.sure = format!(
        "intervals are of 95 %{}; q counts that {} comparisons were made, and what is called better or worse has a q of at most 0.05.",
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

/// The values of an outcome: numbers, or yes and no as 1 and 0.
fn values(data: &Data, place: usize) -> Vec<f64> {
    if is_boolean(data, place) {
        let one = |it: Option<&str>| f64::from(u8::from(it.and_then(rapport_imports::values::boolean) == Some(true)));
        return data.table.column(place).ids().into_iter().map(one).collect();
    }
    data.numbers(place)
}

fn compare(
    args: &ExperimentArgs,
    data: &mut Data,
    arms: &Arms,
    (outcomes, covariates, less): (&[usize], &[usize], &[usize]),
    inference: Inference,
) -> Result<Vec<Compared>> {
    let estimand = if args.effect == EffectOf::Absolute { Estimand::Absolute } else { Estimand::Relative };
    let (mut questions, mut about) = (Vec::new(), Vec::new());
    for (at, place) in outcomes.iter().enumerate() {
        let own = measured(data, arms, *place, covariates.get(at).copied())?;
        let better = if less.contains(place) { Better::Lower } else { Better::Higher };
        for (arm, treatment) in own.iter().enumerate().filter(|it| it.0 != arms.control) {
            let control = own[arms.control];
            questions.push(Question { treatment: *treatment, control, estimand, better, role: Role::Goal });
            about.push((data.name(*place).to_owned(), arms.names[arm].clone(), (treatment.mean(), control.mean())));
        }
    }
    let answers = readout(&questions, &inference);
    let one = |((outcome, arm, means), answer)| Compared { outcome, arm, means, answer };
    Ok(about.into_iter().zip(answers).map(one).collect())
}

/// One outcome in each group.
fn measured(data: &mut Data, arms: &Arms, place: usize, covariate: Option<usize>) -> Result<Vec<Arm>> {
    let y = values(data, place);
    let told =
        |arm: usize, why: Undecidable| anyhow::anyhow!("{} in the group {}: {why}", data.name(place), arms.names[arm]);
    let of = |arm: usize| (0..y.len()).filter(move |row| arms.codes[*row] as usize == arm);
    let Some(covariate) = covariate else {
        let shares = y.iter().all(|it| *it == 0.0 || *it == 1.0);
        let one = |arm: usize| {
            let (n, sum) = of(arm).fold((0u64, 0.0), |(n, sum), row| (n + 1, sum + y[row]));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of zeros and ones")]
            let found = match shares {
                true => Arm::proportion(sum as u64, n),
                false => Moments { n, sum, squares: of(arm).map(|row| y[row] * y[row]).sum() }.arm(),
            };
            found.map_err(|why| told(arm, why))
        };
        return (0..arms.names.len()).map(one).collect();
    };
    let x = data.numbers(covariate);
    let pair = |arm: usize| {
        let mut found = Paired { n: 0, y: 0.0, yy: 0.0, x: 0.0, xx: 0.0, xy: 0.0 };
        of(arm).for_each(|row| {
            found.n += 1;
            found.y += y[row];
            found.yy += y[row] * y[row];
            found.x += x[row];
            found.xx += x[row] * x[row];
            found.xy += x[row] * y[row];
        });
        found
    };
    let pairs: Vec<Paired> = (0..arms.names.len()).map(pair).collect();
    let cuped = Cuped::over(&pairs).map_err(|why| told(arms.control, why))?;
    let found = pairs
        .iter()
        .enumerate()
        .map(|(arm, it)| cuped.arm(it).map_err(|why| told(arm, why)))
        .collect::<Result<Vec<Arm>>>()?;
    let note = format!(
        "{} takes {} of the variance of {} out.",
        data.name(covariate),
        percent(cuped.reduction),
        data.name(place)
    );
    data.notes.push(note);
    Ok(found)
}

fn shown(args: &ExperimentArgs, report: &mut Report, arms: &Arms, compared: &[Compared]) {
    let relative = args.effect == EffectOf::Relative;
    let told = |value: f64| if relative { percent(value) } else { figure(value) };
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
