//! The model of satisfaction and loyalty on a file, ready to run: by composites and by covariances side by side.

use anyhow::{Result, anyhow, bail};
use rapport_models::survey::Confidence;
use rapport_models::survey::paths::{Construct, Mode, Unfit};
use rapport_models::survey::satisfaction::{Asked, Form, Part, Path, Reading, Satisfaction};

use super::composites::{self, Named};
use super::scales::Scales;
use super::{Ready, SemArgs, measures, samples, saved};
use crate::cli::models::input::Data;
use crate::cli::models::report::{Cell, Report, figure};

/// Runs the command.
pub fn run(args: &SemArgs, form: Ready, mut data: Data, customer: Option<usize>) -> Result<()> {
    if args.method == super::Method::Pls {
        bail!("--ready is fitted both ways; leave out --method");
    }
    if form == Ready::American && !args.image.is_empty() {
        bail!("--image is a part of the European index only; say --ready european, or leave it out");
    }
    let asked = asked(args, &data)?;
    let names: Vec<String> = asked.iter().map(|it| it.part.as_str().to_owned()).collect();
    let columns: Vec<String> = data.table.names().to_vec();
    let (form, called) = match form {
        Ready::American => (Form::American, "American"),
        Ready::European => (Form::European, "European"),
    };
    let model = Satisfaction::new(form, &asked).map_err(|why| match why {
        Unfit::Alone(at) => anyhow!(
            "--{} leads to nothing that was asked, and nothing that was asked leads to it; name the columns of more parts",
            names[at]
        ),
        other => composites::unfit(other, &names, &columns),
    })?;
    let construct = |it: &Asked| Construct { indicators: it.questions.clone(), mode: Mode::Reflective };
    let constructs: Vec<Construct> = asked.iter().map(construct).collect();
    let scales: Vec<Option<(f64, f64)>> = asked.iter().map(|it| Some(it.scale)).collect();
    let persons = composites::answers(&mut data, customer, &constructs, &scales)?;
    let draws = (samples(args, composites::DRAWN), 1);
    let found =
        model.read(&persons, Confidence::default(), draws).map_err(|why| composites::unfit(why, &names, &columns))?;
    let place = |part: Part| asked.iter().position(|it| it.part == part).unwrap_or_default();
    let drawn: Vec<(usize, usize)> = found.paths.iter().map(|it| (place(it.from), place(it.to))).collect();
    let named = Named {
        fit: &found.composites,
        intervals: &found.intervals,
        constructs: &constructs,
        names: &names,
        columns: &columns,
        scales: &scales,
    };
    let mut report = Report::new(&format!("satisfaction and loyalty ({called}), by composites and by covariances"));
    report.metric("answers", found.answers as f64);
    match &found.covariances {
        Ok(fit) => {
            measures(&mut report, fit);
            data.notes.extend(fit.warnings.iter().map(|it| format!("Warning, by covariances: {it}")));
        }
        Err(fault) => data.notes.push(format!("By covariances there is no fit; composites stand alone. {fault}")),
    }
    beside(&mut report, &found, draws.0 > 0);
    named.show(&mut report, &drawn);
    for block in &found.blocks {
        if let Some(explained) = block.explained.1 {
            report.metric(&format!("r_squared_by_covariances:{}", block.part.as_str()), explained);
        }
    }
    named.rows(&mut report, &data, customer);
    report.sure = format!(
        "{} Those by covariances are by the normal. Where the two ways differ much, questions measure badly or parts can hardly be told apart.",
        composites::sure(&found.intervals)
    );
    report.cannot = "what causes what, or anything of those who did not answer. An index is comparable with others only if questions, scales and weights are the same."
        .to_owned();
    if let Some(path) = &args.keep.save {
        let kept = named.kept(&format!("the {called} index, ready to run"));
        saved::save(path, "sem", &report, &data.table, &kept.columns, &kept)?;
    }
    report.show(&args.input, &data)
}

/// The parts that were asked, in the order in which they lead to each other.
fn asked(args: &SemArgs, data: &Data) -> Result<Vec<Asked>> {
    let flags = [
        (Part::Image, &args.image),
        (Part::Expectation, &args.expectation),
        (Part::Quality, &args.quality),
        (Part::Value, &args.value),
        (Part::Satisfaction, &args.satisfaction),
        (Part::Complaints, &args.complaints),
        (Part::Loyalty, &args.loyalty),
    ];
    let scales = Scales::read(&args.scales)?;
    scales.known(&Part::ALL.map(|it| it.as_str().to_owned()))?;
    let mut found: Vec<Asked> = Vec::new();
    for (part, columns) in flags.into_iter().filter(|it| !it.1.is_empty()) {
        let name = part.as_str();
        let questions = data.several(name, columns)?;
        for (at, question) in questions.iter().enumerate() {
            let elsewhere = found.iter().find(|it| it.questions.contains(question)).map(|it| it.part.as_str());
            let again = if questions[..at].contains(question) { Some(name) } else { elsewhere };
            if let Some(other) = again {
                bail!(
                    "{} is named by --{other} and by --{name}; a column belongs to one part, once",
                    data.name(*question)
                );
            }
        }
        let Some(scale) = scales.of(name) else {
            bail!("say the worst and the best answer with --scale, such as 1,10 for all parts, or {name}=1,10 for one");
        };
        found.push(Asked { part, questions, scale });
    }
    if found.len() < 2 {
        bail!(
            "--ready asks for the columns of two parts or more, such as --quality q1,q2 --satisfaction s1,s2,s3 --loyalty l1,l2"
        );
    }
    Ok(found)
}

/// Paths both ways.
fn beside(report: &mut Report, found: &Reading, sampled: bool) {
    let between = |low: f64, high: f64| Cell::text_of(format!("{} – {}", figure(low), figure(high)));
    let row = |it: &Path| {
        let own = &it.composites;
        let mut row = vec![
            Cell::text_of(format!("{} → {}", it.from.as_str(), it.to.as_str())),
            Cell::Number(own.value),
            if sampled { between(own.low, own.high) } else { Cell::None },
        ];
        match &it.covariances {
            Some(other) => row.extend([Cell::Number(other.value), between(other.low, other.high)]),
            None => row.extend([Cell::None, Cell::None]),
        }
        row
    };
    let header = ["Path", "By composites", "95 % between", "By covariances", "95 % between (covariances)"];
    let title = "Paths both ways, in standard deviations";
    report.table("paths", title, &header, found.paths.iter().map(row).collect());
}
