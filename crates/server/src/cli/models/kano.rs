//! `rapport models kano`: which wishes are taken for granted, which pay by degrees, and which delight.

use anyhow::{Result, bail};
use rapport_imports::written::Column;
use rapport_models::survey::Confidence;
use rapport_models::survey::kano::{Attitude, Category, Evaluation, Pairs, Wish};

use super::input::{Data, Input, Need};
use super::plot;
use super::report::{Cell, Report, figure};

/// Pairs of answers.
#[derive(clap::Args, Debug)]
pub struct KanoArgs {
    #[command(flatten)]
    input: Input,
    /// The columns of answers if the wish is there, between commas, one a wish.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    functional: Vec<String>,
    /// The columns of answers if it is not there, in the same order.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    dysfunctional: Vec<String>,
    /// A row a person and wish: the column of wishes.
    #[arg(long, value_name = "COLUMN")]
    feature: Option<String>,
    /// Takes "I expect it both ways" and "I can live with it both ways" for contradictions (Pouliot's table).
    #[arg(long)]
    pouliot: bool,
}

/// Answers to the two questions of a wish, by row.
type Answers = Vec<(Option<Attitude>, Option<Attitude>)>;

/// Runs the command.
pub fn run(args: &KanoArgs) -> Result<()> {
    let mut data = Data::open(&args.input)?;
    let pairs = pairs(args, &mut data)?;
    let mut wishes: Vec<(String, Answers)> = Vec::new();
    match &args.feature {
        None => {
            for (functional, dysfunctional) in &pairs {
                let own = answered(&mut data, *functional, *dysfunctional)?;
                wishes.push((title(data.name(*functional)), own));
            }
        }
        Some(name) => {
            let place = data.named("feature", name)?;
            data.require(&[(place, Need::Text)])?;
            let [(functional, dysfunctional)] = pairs[..] else {
                bail!("with --feature there is one column of --functional and one of --dysfunctional");
            };
            let own = answered(&mut data, functional, dysfunctional)?;
            let (codes, names) = data.codes(place);
            wishes = names.into_iter().map(|it| (it, Vec::new())).collect();
            own.into_iter().zip(codes).for_each(|(it, code)| wishes[code as usize].1.push(it));
        }
    }
    let evaluation = if args.pouliot { Evaluation::Pouliot } else { Evaluation::Kano };
    let mut report = Report::new("Kano");
    shown(&mut report, &mut data, &wishes, evaluation)?;
    report.sure = "a category is significant if it is given more often than the next one by Fong's test at 10 %; better and worse have intervals of 95 %. A \
        category strength below 6 points is no single category."
        .to_owned();
    report.cannot = "how much a wish is worth in money, or what people would do; and a mean hides camps: where few agree with a wish's own category, look for groups."
        .to_owned();
    report.show(&args.input, &data)
}

/// The pairs of columns: those named, or those whose names differ only in their ending.
fn pairs(args: &KanoArgs, data: &mut Data) -> Result<Vec<(usize, usize)>> {
    let functional = data.several("functional", &args.functional)?;
    let dysfunctional = data.several("dysfunctional", &args.dysfunctional)?;
    if functional.len() != dysfunctional.len() {
        bail!(
            "--functional names {} columns and --dysfunctional {}; each wish needs both",
            functional.len(),
            dysfunctional.len()
        );
    }
    if !functional.is_empty() {
        return Ok(functional.into_iter().zip(dysfunctional).collect());
    }
    const ENDINGS: [(&str, &str); 5] = [
        ("_functional", "_dysfunctional"),
        ("_f", "_d"),
        ("_present", "_absent"),
        ("_with", "_without"),
        ("_pos", "_neg"),
    ];
    let names = data.table.names();
    let partner = |at: usize| {
        ENDINGS.iter().find_map(|(with, without)| {
            let stem = names[at].strip_suffix(with)?;
            names.iter().position(|it| *it == format!("{stem}{without}")).map(|other| (at, other))
        })
    };
    let mut found: Vec<(usize, usize)> = (0..names.len()).filter_map(partner).collect();
    if found.is_empty() {
        found = data.table.place("functional").zip(data.table.place("dysfunctional")).into_iter().collect();
    }
    if found.is_empty() {
        bail!("say which columns hold the answers with --functional A,B and --dysfunctional A,B");
    }
    let told: Vec<String> = found.iter().map(|it| format!("{} and {}", data.name(it.0), data.name(it.1))).collect();
    data.notes.push(format!("Taken for pairs: {}.", told.join("; ")));
    Ok(found)
}

fn title(name: &str) -> String {
    let stem = ["_functional", "_f", "_present", "_with", "_pos"].iter().find_map(|it| name.strip_suffix(it));
    stem.unwrap_or(name).to_owned()
}

/// The answers of a pair of columns.
fn answered(data: &mut Data, functional: usize, dysfunctional: usize) -> Result<Answers> {
    let mut both = Vec::new();
    for place in [functional, dysfunctional] {
        let texts = data.texts(place);
        let own: Vec<Option<Attitude>> = texts.iter().map(|it| attitude(it)).collect();
        let odd: Vec<usize> = (0..own.len()).filter(|row| own[*row].is_none() && !texts[*row].is_empty()).collect();
        if !odd.is_empty() {
            bail!(
                "{}: {} is none of 1 to 5 (1 I like it, 2 I expect it, 3 neutral, 4 I can live with it, 5 I dislike it)",
                data.lines(&odd),
                data.name(place)
            );
        }
        both.push(own);
    }
    let dysfunctional = both.pop().unwrap_or_default();
    let functional = both.pop().unwrap_or_default();
    Ok(functional.into_iter().zip(dysfunctional).collect())
}

/// An answer as a number or in words.
fn attitude(text: &str) -> Option<Attitude> {
    let folded: String = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let place = match folded.as_str() {
        "1" | "10" | "like" | "ilikeit" | "ilikeitthatway" | "l" => 0,
        "2" | "20" | "expect" | "iexpectit" | "mustbe" | "itmustbethatway" | "e" | "m" => 1,
        "3" | "30" | "neutral" | "iamneutral" | "n" => 2,
        "4" | "40" | "livewith" | "tolerate" | "icanlivewithit" | "icanlivewithitthatway" | "t" => 3,
        "5" | "50" | "dislike" | "idislikeit" | "idislikeitthatway" | "d" => 4,
        _ => return None,
    };
    // "10" is how "1.0" reads without its point.
    (folded.len() != 2 || text.contains('.')).then_some(Attitude::ALL[place])
}

fn name(category: Category) -> &'static str {
    match category {
        Category::MustBe => "must-be",
        Category::OneDimensional => "one-dimensional",
        Category::Attractive => "attractive",
        Category::Indifferent => "indifferent",
        Category::Reverse => "reverse",
        Category::Questionable => "questionable",
    }
}

fn shown(report: &mut Report, data: &mut Data, wishes: &[(String, Answers)], evaluation: Evaluation) -> Result<()> {
    let mut found: Vec<(&str, Wish, u64)> = Vec::new();
    let (mut table, mut points) = (Vec::new(), Vec::new());
    for (title, answers) in wishes {
        let both = answers.iter().filter_map(|it| Some(((it.0?, it.1?), 1)));
        let pairs = Pairs::new(both);
        let unanswered = answers.len() as u64 - pairs.answers();
        if unanswered > 0 {
            data.notes.push(format!("{title}: {unanswered} of {} did not answer both questions.", answers.len()));
        }
        let confidence = Confidence::default();
        let (Some(wish), Some(point)) = (pairs.wish(evaluation, confidence), pairs.point(evaluation, confidence))
        else {
            data.notes.push(format!("{title}: nobody answered both questions."));
            continue;
        };
        let coefficient = |it: Option<rapport_models::survey::kano::Coefficient>| {
            it.map_or(Cell::None, |it| {
                Cell::text_of(format!("{} ({} – {})", figure(it.estimate), figure(it.low), figure(it.high)))
            })
        };
        let sure = if wish.significant { "yes" } else { "no" };
        let mut row = vec![Cell::text_of(title), Cell::text_of(name(wish.category)), Cell::text_of(sure)];
        row.extend(wish.counts.iter().map(|it| Cell::Whole(*it)));
        row.extend([Cell::Share(wish.category_strength), coefficient(wish.better), coefficient(wish.worse)]);
        table.push(row);
        points.push(vec![
            Cell::text_of(title),
            Cell::Number(point.functional.mean),
            Cell::maybe(point.functional.deviation),
            Cell::Number(point.dysfunctional.mean),
            Cell::maybe(point.dysfunctional.deviation),
            Cell::text_of(name(point.category)),
            Cell::Share(point.agreeing),
        ]);
        found.push((title, wish, pairs.answers()));
    }
    if found.is_empty() {
        bail!("nobody answered both questions of any wish");
    }
    report.metric("wishes", found.len() as f64);
    report.metric("most_answers", found.iter().map(|it| it.2).max().unwrap_or(0) as f64);
    for (title, wish, _) in &found {
        let between = |it: rapport_models::survey::kano::Coefficient| rapport_models::Estimate {
            value: it.estimate,
            standard_error: None,
            low: it.low,
            high: it.high,
        };
        wish.better.into_iter().for_each(|it| report.parameter(&format!("{title}:better"), between(it)));
        wish.worse.into_iter().for_each(|it| report.parameter(&format!("{title}:worse"), between(it)));
    }
    let header = ["Wish", "Category", "Significant", "M", "O", "A", "I", "R", "Q", "Strength", "Better", "Worse"];
    report.table("wishes", "Wishes", &header, table);
    let header = ["Wish", "With it", "Deviation", "Without it", "Deviation of it", "Quadrant", "Agree"];
    report.table("points", "The same as numbers (DuMouchel: 4 to -2 each)", &header, points);
    let bar = |it: &(&str, Wish, u64)| {
        let better = it.1.better.map_or(0.0, |it| it.estimate);
        ((*it.0).to_owned(), better, figure(better))
    };
    report.part(
        "How far each raises satisfaction where it is there (better)",
        &plot::bars(&found.iter().map(bar).collect::<Vec<_>>()),
    );
    let bar = |it: &(&str, Wish, u64)| {
        let worse = it.1.worse.map_or(0.0, |it| it.estimate.abs());
        ((*it.0).to_owned(), worse, figure(worse))
    };
    report.part(
        "How far each lowers it where it is not there (worse)",
        &plot::bars(&found.iter().map(bar).collect::<Vec<_>>()),
    );
    report.rows = vec![
        Column::texts("wish", found.iter().map(|it| (*it.0).to_owned()).collect()),
        Column::texts("category", found.iter().map(|it| name(it.1.category).to_owned()).collect()),
        Column::numbers("better", found.iter().map(|it| it.1.better.map_or(f64::NAN, |it| it.estimate)).collect()),
        Column::numbers("worse", found.iter().map(|it| it.1.worse.map_or(f64::NAN, |it| it.estimate)).collect()),
    ];
    Ok(())
}
