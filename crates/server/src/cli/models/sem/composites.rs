//! Models of composites: partial least squares on a file.
//!
//! Always holds: intervals are of rows drawn again; an index is there only where a scale was said.

use anyhow::{Result, anyhow};
use rapport_models::survey::Confidence;
use rapport_models::survey::paths::{self, Construct, Fit, Intervals, Mode, Model, Unfit};
use rapport_models::{Estimate, Interval};

use super::kept::{self, Index, Kept};
use super::scales::Scales;
use super::{Scheme, SemArgs, samples, saved};
use crate::cli::models::input::{Data, Need};
use crate::cli::models::plot;
use crate::cli::models::report::{Cell, Report, figure};

/// What such a model is called.
pub const NAME: &str = "path model of composites (PLS)";
/// So many samples are drawn again unless it is said.
pub const DRAWN: usize = 500;

/// A fitted model with what its places are called.
pub struct Named<'a> {
    pub fit: &'a Fit,
    pub intervals: &'a Intervals,
    pub constructs: &'a [Construct],
    /// The constructs' names.
    pub names: &'a [String],
    /// The columns' names.
    pub columns: &'a [String],
    /// The worst and the best answer of each construct.
    pub scales: &'a [Option<(f64, f64)>],
}

/// Runs the command.
pub fn run(args: &SemArgs, text: &str, mut data: Data, customer: Option<usize>) -> Result<()> {
    let columns: Vec<String> = data.table.names().to_vec();
    let places: Vec<&str> = columns.iter().map(String::as_str).collect();
    let (model, names) = Model::read(text, &places).map_err(|it| anyhow!("the model cannot be read. {it}"))?;
    let said = Scales::read(&args.scales)?;
    said.known(&names)?;
    let scales: Vec<Option<(f64, f64)>> = names.iter().map(|it| said.of(it)).collect();
    let persons = answers(&mut data, customer, model.constructs(), &scales)?;
    let scheme = match args.scheme {
        Scheme::Centroid => paths::Scheme::Centroid,
        Scheme::Factorial => paths::Scheme::Factorial,
        Scheme::Path => paths::Scheme::Path,
    };
    let draws = (samples(args, DRAWN), 1);
    let (fit, intervals) = model
        .fit_sampled(&persons, scheme, (0.0, 1.0), Confidence::default(), draws)
        .map_err(|why| unfit(why, &names, &columns))?;
    let named = Named {
        fit: &fit,
        intervals: &intervals,
        constructs: model.constructs(),
        names: &names,
        columns: &columns,
        scales: &scales,
    };
    let mut report = Report::new(NAME);
    report.metric("rows", fit.answers as f64);
    named.show(&mut report, &model.paths());
    named.rows(&mut report, &data, customer);
    report.sure = sure(&intervals);
    report.cannot = CANNOT.to_owned();
    if let Some(path) = &args.keep.save {
        let kept = named.kept(text);
        saved::save(path, "sem", &report, &data.table, &kept.columns, &kept)?;
    }
    report.show(&args.input, &data)
}

/// What must not be read into it.
pub const CANNOT: &str = "causes: a path is what the model assumes. Where questions measure badly, paths between composites come out too small, and the whole model is not tested: \
    covariances (without --method pls) test it.";

/// How sure it is.
pub fn sure(intervals: &Intervals) -> String {
    match intervals.fitted {
        0 => "no samples were drawn again (--samples), so nothing has an interval.".to_owned(),
        n => format!("intervals are of 95 %, by {n} samples of the same people drawn again."),
    }
}

/// A row a person, of the answers to all columns that constructs ask for; those of a construct with a scale are on it.
pub fn answers(
    data: &mut Data,
    customer: Option<usize>,
    constructs: &[Construct],
    scales: &[Option<(f64, f64)>],
) -> Result<Vec<Vec<Option<f64>>>> {
    let need = |scale: &Option<(f64, f64)>| match scale {
        Some((worst, best)) => Need::Between(worst.min(*best), worst.max(*best)),
        None => Need::Number,
    };
    let asked = constructs.iter().zip(scales);
    let mut needs: Vec<(usize, Need)> =
        asked.flat_map(|(it, scale)| it.indicators.iter().map(move |at| (*at, need(scale)))).collect();
    needs.extend(customer.map(|it| (it, Need::Unique)));
    data.require(&needs)?;
    let mut persons = vec![vec![None; data.table.names().len()]; data.rows()];
    for at in constructs.iter().flat_map(|it| &it.indicators) {
        persons.iter_mut().zip(data.numbers(*at)).for_each(|(row, it)| row[*at] = Some(it));
    }
    Ok(persons)
}

/// Why there is no fit, by the names of what it is about.
pub fn unfit(why: Unfit, constructs: &[String], columns: &[String]) -> anyhow::Error {
    let (construct, column) = (|at: usize| &constructs[at], |at: usize| &columns[at]);
    match why {
        Unfit::NoQuestion(at) => anyhow!("{} has no column", construct(at)),
        Unfit::Shared(at) => anyhow!("{} belongs to two constructs", column(at)),
        Unfit::Alone(at) => anyhow!("{} leads nowhere, and nothing leads to it", construct(at)),
        Unfit::NoVariance(at) => anyhow!("the column {} is the same in all rows", column(at)),
        other => anyhow!("{other}"),
    }
}

/// An index of the scale from 0 to 1, which is 100 times the weighted mean, on its own scale.
fn moved(raw: f64, (worst, best): (f64, f64)) -> f64 {
    100.0 * (raw / 100.0 - worst) / (best - worst)
}

/// A number with the interval of samples drawn again, where there were any.
fn said(value: f64, between: Option<(f64, f64)>) -> Estimate {
    let (low, high) = between.unwrap_or((f64::NAN, f64::NAN));
    Estimate::between(value, Interval { low: low.min(high), high: high.max(low) })
}

impl Named<'_> {
    /// The index of a construct, where its scale is known.
    fn index(&self, at: usize) -> Option<Estimate> {
        let scale = self.scales[at]?;
        let raw = self.fit.index(at, 0.0, 1.0)?;
        let between = self.intervals.indices[at].map(|(low, high)| (moved(low, scale), moved(high, scale)));
        Some(said(moved(raw, scale), between))
    }

    /// Says a number, with its interval where there is one.
    fn metric(report: &mut Report, name: &str, value: f64, between: Option<(f64, f64)>) {
        match between {
            Some(_) => report.metric_between(name, said(value, between)),
            None => report.metric(name, value),
        }
    }

    /// Paths, indices, what is explained, weights, reliability, and whether constructs can be told apart.
    pub fn show(&self, report: &mut Report, drawn: &[(usize, usize)]) {
        let Self { fit, intervals, names, .. } = self;
        for (from, to) in drawn {
            let name = format!("{}~{}", names[*to], names[*from]);
            let value = fit.coefficients[*from][*to];
            match intervals.coefficients[*from][*to] {
                Some(between) => report.parameter(&name, said(value, Some(between))),
                None => report.plain_parameter(&name, value),
            }
        }
        for (at, name) in names.iter().enumerate() {
            if let Some(index) = self.index(at) {
                let between = intervals.indices[at].map(|_| (index.low, index.high));
                Self::metric(report, &format!("index:{name}"), index.value, between);
            }
        }
        for (at, name) in names.iter().enumerate() {
            if let Some(explained) = fit.r_squared[at] {
                Self::metric(report, &format!("r_squared:{name}"), explained, intervals.r_squared[at]);
            }
        }
        report.metric("samples_drawn_again", intervals.fitted as f64);
        let bar = |(from, to): &(usize, usize)| {
            let value = fit.coefficients[*from][*to];
            (format!("{} → {}", names[*from], names[*to]), value.abs(), figure(value))
        };
        report.part("Paths, in standard deviations", &plot::bars(&drawn.iter().map(bar).collect::<Vec<_>>()));
        let indices = (0..names.len()).filter_map(|at| {
            let index = self.index(at)?;
            Some((names[at].clone(), index.value.max(0.0), figure(index.value)))
        });
        report.part("Indices, from 0 to 100", &plot::bars(&indices.collect::<Vec<_>>()));
        self.questions(report);
        self.quality(report);
        self.effects(report);
    }

    fn questions(&self, report: &mut Report) {
        let of = |at: usize| {
            let own = &self.constructs[at];
            let shares = self.fit.index_weights(at);
            let row = move |(place, question): (usize, &usize)| {
                vec![
                    Cell::text_of(&self.names[at]),
                    Cell::text_of(&self.columns[*question]),
                    Cell::Number(self.fit.weights[at][place]),
                    Cell::Number(self.fit.loadings[*question][at]),
                    shares.get(place).map_or(Cell::None, |it| Cell::Share(*it)),
                ]
            };
            own.indicators.iter().enumerate().map(row).collect::<Vec<_>>()
        };
        let header = ["Construct", "Question", "Weight", "Loading", "Share of the index"];
        report.table("questions", "What a construct is made of", &header, (0..self.names.len()).flat_map(of).collect());
    }

    fn quality(&self, report: &mut Report) {
        // What questions make up need not go together.
        let signs: Vec<usize> =
            (0..self.names.len()).filter(|at| self.constructs[*at].mode == Mode::Reflective).collect();
        let row = |at: &usize| {
            let it = self.fit.reliability(*at)?;
            let numbers = [it.alpha, it.composite, it.rho_a, it.variance_extracted].map(Cell::Number);
            Some(std::iter::once(Cell::text_of(&self.names[*at])).chain(numbers).collect())
        };
        let rows: Vec<Vec<Cell>> = signs.iter().filter_map(row).collect();
        if !rows.is_empty() {
            let header = ["Construct", "Alpha", "Composite", "Rho A", "Variance extracted"];
            report.table("reliability", "Reliability (from 0.7 on; variance extracted from 0.5 on)", &header, rows);
        }
        let pairs =
            signs.iter().flat_map(|one| signs.iter().filter(move |other| *other > one).map(move |it| (*one, *it)));
        let row = |(one, other): (usize, usize)| {
            let ratio = self.fit.heterotrait_monotrait(one, other)?;
            let (low, high) = self.intervals.heterotrait_monotrait[one][other].unwrap_or((f64::NAN, f64::NAN));
            let numbers = [ratio, low, high].map(Cell::Number);
            let pair = Cell::text_of(format!("{} – {}", self.names[one], self.names[other]));
            Some(std::iter::once(pair).chain(numbers).collect())
        };
        let rows: Vec<Vec<Cell>> = pairs.filter_map(row).collect();
        if !rows.is_empty() {
            let title = "Whether constructs can be told apart (heterotrait-monotrait ratio, below 0.85 or 0.9)";
            report.table("apart", title, &["Pair", "Ratio", "Low", "High"], rows);
        }
    }

    fn effects(&self, report: &mut Report) {
        let n = self.names.len();
        let pairs = (0..n).flat_map(|from| (0..n).map(move |to| (from, to)));
        let row = |(from, to): (usize, usize)| {
            let total = self.fit.total_effects[from][to];
            let (low, high) = self.intervals.total_effects[from][to].unwrap_or((f64::NAN, f64::NAN));
            let effect = Cell::text_of(format!("{} → {}", self.names[from], self.names[to]));
            let direct = Cell::Number(self.fit.coefficients[from][to]);
            (from != to && total != 0.0)
                .then(|| vec![effect, direct, Cell::Number(total), Cell::Number(low), Cell::Number(high)])
        };
        let rows: Vec<Vec<Cell>> = pairs.filter_map(row).collect();
        let header = ["Effect", "Direct", "Total", "Low", "High"];
        report.table("effects", "Effects along all paths", &header, rows);
    }

    /// The columns that constructs ask for.
    fn used(&self) -> impl Iterator<Item = usize> {
        self.constructs.iter().flat_map(|it| it.indicators.iter().copied())
    }

    /// What it takes to score other rows.
    pub fn kept(&self, text: &str) -> Kept {
        let used: Vec<usize> = self.used().collect();
        let weights = self.fit.score_weights();
        let indices = (0..self.names.len()).filter_map(|at| {
            let (worst, best) = self.scales[at]?;
            let own = self.fit.index_weights(at);
            let of = |place: &usize| {
                let held = self.constructs[at].indicators.iter().position(|it| it == place);
                held.and_then(|it| own.get(it)).copied().unwrap_or(0.0)
            };
            (!own.is_empty()).then(|| Index {
                name: self.names[at].clone(),
                weights: used.iter().map(of).collect(),
                worst,
                best,
            })
        });
        Kept {
            text: text.to_owned(),
            columns: used.iter().map(|it| self.columns[*it].clone()).collect(),
            latent: self.names.to_vec(),
            means: used.iter().map(|it| self.fit.means()[*it]).collect(),
            weights: weights.iter().map(|own| used.iter().map(|it| own[*it]).collect()).collect(),
            composites: true,
            indices: indices.collect(),
        }
    }

    /// A row a person: scores, and indices where there are any.
    pub fn rows(&self, report: &mut Report, data: &Data, customer: Option<usize>) {
        let kept = self.kept("");
        let columns: Vec<Vec<f64>> = self.used().map(|it| data.numbers(it)).collect();
        let scores = kept.scores(&columns, data.rows());
        report.rows = kept::rows(data, customer, self.names, &scores);
        report.rows.extend(kept::indexed(&kept.indices, &columns, data.rows()));
    }
}
