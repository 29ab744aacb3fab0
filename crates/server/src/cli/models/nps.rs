//! `rapport models nps`: scores of answers on a scale, with how sure they are; what is no answer is counted, not taken for one.

use anyhow::{Result, bail};
use rapport_imports::written::Column;
use rapport_models::experiments::Better;
use rapport_models::survey::{Confidence, Measure, Parts, Scale, Score, Tally};
use rapport_models::{Estimate, Interval};

use super::input::{Data, Input};
use super::plot;
use super::report::{Cell, Report, figure, percent};

/// Answers on a scale.
#[derive(clap::Args, Debug)]
pub struct NpsArgs {
    #[command(flatten)]
    input: Input,
    /// The column of answers.
    #[arg(long, value_name = "COLUMN")]
    score: Option<String>,
    /// The scale: nps (0 to 10), csat (1 to 5), ces (1 to 7), effort (1 to 5, little is good), or from..to such as 1..6.
    #[arg(long, default_value = "nps")]
    scale: String,
    /// The column of groups to show beside each other.
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
    /// How many values at the good end count as satisfied, for scales other than nps.
    #[arg(long, default_value_t = 2)]
    top: u32,
}

/// Runs the command.
pub fn run(args: &NpsArgs) -> Result<()> {
    let (scale, nps) = scale(&args.scale)?;
    let mut data = Data::open(&args.input)?;
    let words = ["nps", "score", "netpro", "likelihood_to_recommend", "recommend", "rating", "answer"];
    let score = data.column("score", args.score.as_ref(), None, &words)?;
    let by = data.optional("by", args.by.as_ref())?;
    let answers = answers(&mut data, score)?;
    let tally = |rows: &mut dyn Iterator<Item = usize>| Tally::new(scale, rows.map(|row| (answers[row], 1)));
    let all = tally(&mut (0..answers.len()));
    let Some(shares) = all.shares() else {
        bail!(
            "{} holds no answer from {} to {}; choose another column or --scale",
            data.name(score),
            scale.values().start(),
            scale.values().end()
        );
    };
    let confidence = Confidence::default();
    let main = if nps { Measure::Nps } else { Measure::Top(args.top) };
    let Some(found) = main.score(&shares, confidence) else {
        bail!("--top {} is not less than the scale has values", args.top);
    };
    let mut report = Report::new(if nps { "Net Promoter Score" } else { "share of satisfied answers" });
    let factor = if nps { 1.0 } else { 100.0 };
    let name = if nps { "nps" } else { "satisfied_percent" };
    report.metric_between(name, estimate(&found, factor));
    if let Some(mean) = Measure::Mean.score(&shares, confidence) {
        report.metric_between("mean", estimate(&mean, 1.0));
    }
    report.metric("answers", found.answers as f64);
    report.metric("no_answers", (answers.len() as u64 - found.answers) as f64);
    parts(&mut report, &all, nps);
    blank(&mut data, &all, score, scale);
    if let Some(place) = by {
        groups(&mut report, &mut data, place, (main, factor, confidence), &tally)?;
    }
    report.sure = sure(&found, factor);
    report.cannot =
        "why people answered so, and what those would say who did not answer: the interval holds if they are alike."
            .to_owned();
    report.show(&args.input, &data)
}

fn scale(text: &str) -> Result<(Scale, bool)> {
    let named = match text.to_ascii_lowercase().as_str() {
        "nps" => return Ok((Scale::NPS, true)),
        "csat" => Some(Scale::CSAT),
        "ces" => Some(Scale::CES),
        "effort" => Some(Scale::EFFORT),
        other => other
            .split_once("..")
            .and_then(|(low, high)| Scale::new(low.trim().parse().ok()?, high.trim().parse().ok()?, Better::Higher)),
    };
    match named {
        Some(scale) => Ok((scale, false)),
        None => bail!("--scale {text} is no scale; write nps, csat, ces, effort, or 1..6"),
    }
}

/// Answers as whole numbers; blank cells are none. What is no number at all is a mistake.
fn answers(data: &mut Data, place: usize) -> Result<Vec<Option<i64>>> {
    let numbers = data.table.column(place).numbers();
    let whole = |row: &usize| numbers.values[*row] != numbers.values[*row].trunc() && !numbers.values[*row].is_nan();
    let mut odd: Vec<usize> = (0..data.rows()).filter(whole).collect();
    odd.extend(numbers.bad.iter().chain(&numbers.absurd));
    odd.sort_unstable();
    if odd.len() == data.rows() {
        bail!("{} holds no whole numbers; name the column of answers with --score", data.name(place));
    }
    if !odd.is_empty() {
        let told = format!("{}: {} is no whole number", data.lines(&odd), data.name(place));
        if !data.skips() {
            bail!("{told}; mend the file, or count such cells as no answers with --skip-bad");
        }
        data.notes.push(format!("{told}, so no answer."));
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 10^15")]
    let answer = |it: &f64| (*it == it.trunc()).then_some(*it as i64);
    Ok(numbers.values.iter().map(answer).collect())
}

fn estimate(score: &Score, factor: f64) -> Estimate {
    let between = Interval { low: score.low * factor, high: score.high * factor };
    Estimate::between(score.estimate * factor, between)
}

fn parts(report: &mut Report, tally: &Tally, nps: bool) {
    let all = tally.answers().max(1) as f64;
    let bar = |value: i32| {
        let count = tally.count(value) as f64;
        (value.to_string(), count, format!("{count:.0} ({})", percent(count / all)))
    };
    report.part("Answers", &plot::bars(&tally.scale().values().map(bar).collect::<Vec<_>>()));
    if !nps {
        return;
    }
    if let Some(parts) = tally.shares().and_then(|it| Parts::of(&it, Confidence::default())) {
        report.plain_parameter("promoters", parts.promoters);
        report.plain_parameter("passives", parts.passives);
        report.plain_parameter("detractors", parts.detractors);
    }
}

/// What stood there instead of an answer.
fn blank(data: &mut Data, tally: &Tally, place: usize, scale: Scale) {
    let codes = tally.blank().iter().filter_map(|(code, count)| code.map(|code| format!("{code} ({count} times)")));
    let codes: Vec<String> = codes.take(8).collect();
    if !codes.is_empty() {
        let (low, high) = (scale.values().start().to_owned(), scale.values().end().to_owned());
        let note = format!("Not from {low} to {high}, so no answers: {} in {}.", codes.join(", "), data.name(place));
        data.notes.push(note);
    }
}

fn groups(
    report: &mut Report,
    data: &mut Data,
    place: usize,
    (measure, factor, confidence): (Measure, f64, Confidence),
    tally: &dyn Fn(&mut dyn Iterator<Item = usize>) -> Tally,
) -> Result<()> {
    let (codes, names) = data.codes(place);
    if names.len() > 200 {
        bail!("{} has {} different values; choose a column of groups with --by", data.name(place), names.len());
    }
    let mut rows = Vec::new();
    let mut found = Vec::new();
    for (code, name) in names.iter().enumerate() {
        let own = tally(&mut (0..codes.len()).filter(|row| codes[*row] as usize == code));
        let Some(score) = own.shares().and_then(|it| measure.score(&it, confidence)) else { continue };
        let name = if name.is_empty() { "(blank)".to_owned() } else { name.clone() };
        rows.push((
            score.estimate,
            vec![
                Cell::text_of(&name),
                Cell::Whole(score.answers),
                Cell::Number(score.estimate * factor),
                Cell::text_of(format!("{} – {}", figure(score.low * factor), figure(score.high * factor))),
                Cell::text_of(if score.few { "few answers" } else { "" }),
            ],
        ));
        found.push((name, score));
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let header = ["Group", "Answers", "Score", "95 % between", ""];
    report.table("groups", "By group, the best first", &header, rows.into_iter().map(|it| it.1).collect());
    report.rows = vec![
        Column::texts("group", found.iter().map(|it| it.0.clone()).collect()),
        Column::whole("answers", found.iter().map(|it| it.1.answers.cast_signed()).collect()),
        Column::numbers("score", found.iter().map(|it| it.1.estimate * factor).collect()),
        Column::numbers("low", found.iter().map(|it| it.1.low * factor).collect()),
        Column::numbers("high", found.iter().map(|it| it.1.high * factor).collect()),
    ];
    Ok(())
}

fn sure(found: &Score, factor: f64) -> String {
    let between = format!(
        "with 95 % the score of all who are like those who answered is {} to {}",
        figure(found.low * factor),
        figure(found.high * factor)
    );
    if found.few {
        format!("{between}; with {} answers look at the interval, not at the score.", found.answers)
    } else {
        format!("{between}.")
    }
}
