//! `rapport models cluster`: groups of customers that come again when others are asked, and what sets each apart.

mod mixed;

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_imports::written::Column;
use rapport_models::Fault;
use rapport_models::groups::{
    Covariance, Density, KMeans, Mixture, Options, Points, Values, choice, profiles, silhouette, stability,
};
use serde::{Deserialize, Serialize};

use super::input::{Data, Input, Need};
use super::plot;
use super::report::{Cell, Report, percent};
use super::saved::{self, Keep};

/// Groups.
#[derive(clap::Args, Debug)]
pub struct ClusterArgs {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    keep: Keep,
    /// The column of customers' ids.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// The columns of numbers to group by, between commas; all that hold numbers unless said.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    features: Vec<String>,
    /// Columns of categories to group by as well, between commas; takes --groups.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "groups")]
    categories: Vec<String>,
    /// What a category that differs counts beside the squared distance of numbers; half a deviation's unless said.
    #[arg(long, value_name = "NUMBER", requires = "categories")]
    weight: Option<f64>,
    /// Columns to leave out.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    ignore: Vec<String>,
    /// How many groups; found unless said.
    #[arg(long)]
    groups: Option<usize>,
    /// The most groups that are tried.
    #[arg(long, default_value_t = 8)]
    most: usize,
    /// By nearest means, by a mixture of normal distributions, or by where rows are dense.
    #[arg(long, value_enum, default_value = "kmeans")]
    method: Method,
    /// How columns are made comparable: each by its deviation, by that of its logarithm, or not at all.
    #[arg(long, value_enum, default_value = "standard")]
    scale: Scale,
    /// With --method density: the least rows of a group; 1 % of all, at least 5, unless said.
    #[arg(long, value_name = "ROWS")]
    smallest: Option<usize>,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Kmeans,
    Mixture,
    Density,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scale {
    Standard,
    Log,
    None,
}

impl Scale {
    /// The way back from what was grouped by to the column's own unit.
    fn back(self, centre: f64, mean: f64, deviation: f64) -> f64 {
        let value = centre * deviation + mean;
        if self == Self::Log { value.exp_m1() } else { value }
    }
}

/// The model as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    columns: Vec<String>,
    scale: Scale,
    means: Vec<f64>,
    deviations: Vec<f64>,
    /// The centres of k-means, or the means of a mixture.
    centres: Vec<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mixture: Option<Mixture>,
}

/// Columns made comparable.
struct Scaled {
    means: Vec<f64>,
    deviations: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

/// A group for each row, if it is in one, and how surely.
struct Grouped {
    labels: Vec<Option<usize>>,
    sure: Option<Vec<f64>>,
    centres: Vec<Vec<f64>>,
    mixture: Option<Mixture>,
}

/// How many samples say whether groups come again.
const SAMPLES: usize = 30;
/// Groups of fewer rows are not described: they might give away who is in them.
const SMALLEST: usize = 5;

/// Runs the command.
pub fn run(args: &ClusterArgs) -> Result<()> {
    let mut data = Data::open(&args.input)?;
    let customer = data.find("customer", args.customer.as_ref(), Some(Field::CustomerId), &["id"])?;
    if let Some(path) = &args.keep.load {
        return again(args, path, &mut data, customer);
    }
    let categories = data.several("categories", &args.categories)?;
    if !categories.is_empty() && (args.method != Method::Kmeans || args.keep.save.is_some()) {
        bail!("groups with --categories are those of --method kmeans, and cannot be saved");
    }
    let places = columns(args, &mut data, customer, &categories)?;
    let mut needs: Vec<(usize, Need)> = places.iter().map(|it| (*it, Need::Number)).collect();
    needs.extend(customer.map(|it| (it, Need::Unique)));
    data.require(&needs)?;
    let raw: Vec<Vec<f64>> = places.iter().map(|it| data.numbers(*it)).collect();
    if args.scale == Scale::Log {
        let below = |it: &usize| raw.iter().any(|column| column[*it] < 0.0);
        let rows: Vec<usize> = (0..data.rows()).filter(below).collect();
        if !rows.is_empty() {
            bail!("{}: numbers below zero have no logarithm; choose another --scale", data.lines(&rows));
        }
    }
    let scaled = scaled(&raw, args.scale, None).map_err(|fault| data.fault(&fault, &places))?;
    let points = Points::of(&scaled.columns).map_err(|fault| data.fault(&fault, &places))?;
    let mut report = Report::new("k-means");
    let found = match args.method {
        Method::Kmeans if !categories.is_empty() => mixed::groups(args, &data, &points, &categories, &mut report),
        Method::Kmeans => kmeans(args, &mut data, &points, &mut report),
        Method::Mixture => mixture(args, &points, &mut report),
        Method::Density => density(args, &points, &mut report),
    };
    let found = found.map_err(|fault| data.fault(&fault, &places))?;
    shown(args, &mut data, &places, (&raw, &scaled), &found, customer, &mut report);
    if let Some(path) = &args.keep.save {
        if args.method == Method::Density {
            bail!("groups of --method density are of these rows alone, and cannot be saved");
        }
        let columns: Vec<String> = places.iter().map(|it| data.name(*it).to_owned()).collect();
        let kept = Kept {
            columns: columns.clone(),
            scale: args.scale,
            means: scaled.means.clone(),
            deviations: scaled.deviations.clone(),
            centres: found.centres.clone(),
            mixture: found.mixture.clone(),
        };
        saved::save(path, "cluster", &report, &data.table, &columns, &kept)?;
    }
    report.show(&args.input, &data)
}

/// The columns to group by.
fn columns(args: &ClusterArgs, data: &mut Data, customer: Option<usize>, categories: &[usize]) -> Result<Vec<usize>> {
    if !args.features.is_empty() {
        return data.several("features", &args.features);
    }
    let ignored = data.several("ignore", &args.ignore)?;
    let serves = |it: &usize| {
        let numbers = data.table.column(*it).numbers();
        Some(*it) != customer
            && !ignored.contains(it)
            && !categories.contains(it)
            && numbers.bad.is_empty()
            && numbers.blank.len() < data.rows()
    };
    let found: Vec<usize> = (0..data.table.names().len()).filter(serves).collect();
    if found.is_empty() {
        bail!("{} has no column of numbers to group by; name some with --features", data.table.name);
    }
    let names: Vec<&str> = found.iter().map(|it| data.name(*it)).collect();
    let note = format!("Grouped by {}; --features says otherwise.", names.join(", "));
    data.notes.push(note);
    Ok(found)
}

/// Columns by their deviations, their own or those of a kept model.
fn scaled(raw: &[Vec<f64>], scale: Scale, known: Option<(&[f64], &[f64])>) -> Result<Scaled, Fault> {
    let mut found = Scaled { means: Vec::new(), deviations: Vec::new(), columns: Vec::new() };
    for (at, column) in raw.iter().enumerate() {
        let values: Vec<f64> =
            if scale == Scale::Log { column.iter().map(|it| it.ln_1p()).collect() } else { column.clone() };
        let n = values.len() as f64;
        let (mean, deviation) = match known {
            Some((means, deviations)) => (means[at], deviations[at]),
            None if scale == Scale::None => (0.0, 1.0),
            None => {
                let mean = values.iter().map(|it| it / n).sum::<f64>();
                (mean, (values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n).sqrt())
            }
        };
        if deviation.is_nan() || deviation <= 1e-12 * (1.0 + mean.abs()) {
            return Err(Fault::Constant { column: at });
        }
        found.columns.push(values.iter().map(|it| (it - mean) / deviation).collect());
        found.means.push(mean);
        found.deviations.push(deviation);
    }
    Ok(found)
}

fn kmeans(args: &ClusterArgs, data: &mut Data, points: &Points, report: &mut Report) -> Result<Grouped, Fault> {
    let mut fit = match args.groups {
        Some(groups) => KMeans::fit(points, &Options::groups(groups, args.seed))?,
        None => {
            let (candidates, best) = choice(points, args.most.max(2), SAMPLES, args.seed)?;
            let row = |it: &rapport_models::groups::Candidate| {
                let least = it.stability.iter().copied().fold(f64::INFINITY, f64::min);
                vec![
                    Cell::Whole(it.fit.centres.len() as u64),
                    Cell::maybe(it.silhouette),
                    Cell::Number(least),
                    Cell::Number(it.fit.inertia),
                ]
            };
            let header = ["Groups", "Silhouette", "Least coming again", "Inertia"];
            report.table("tried", "How many groups there are", &header, candidates.iter().map(row).collect());
            let taken = best.unwrap_or_else(|| {
                data.notes.push(
                    "Warning: no number of groups is parted and comes again; these data have no groups to speak of, or not of this kind. The best parted one is shown.".to_owned(),
                );
                let parted = |at: &usize| candidates[*at].silhouette.unwrap_or(f64::NEG_INFINITY);
                (0..candidates.len()).max_by(|a, b| parted(a).total_cmp(&parted(b))).unwrap_or(0)
            });
            candidates.into_iter().nth(taken).map(|it| it.fit).ok_or(Fault::DidNotSettle)?
        }
    };
    report.metric("groups", fit.centres.len() as f64);
    report.metric("inertia", fit.inertia);
    report.metric("silhouette", silhouette(points, &fit.labels));
    let groups = fit.centres.len();
    let again = stability(&fit.labels, SAMPLES, args.seed, |places| {
        let rows = places.iter().map(|at| points.row(*at));
        let width = points.row(0).len();
        let mut columns = vec![Vec::new(); width];
        rows.for_each(|row| row.iter().zip(&mut columns).for_each(|(it, column)| column.push(*it)));
        let sample = Points::of(&columns).ok()?;
        KMeans::fit(&sample, &Options::groups(groups, args.seed)).ok().map(|it| it.labels)
    });
    report.metric("least_coming_again", again.iter().copied().fold(f64::INFINITY, f64::min));
    report.hold("coming_again", serde_json::json!(again));
    let labels = std::mem::take(&mut fit.labels).into_iter().map(Some).collect();
    Ok(Grouped { labels, sure: None, centres: fit.centres, mixture: None })
}

fn mixture(args: &ClusterArgs, points: &Points, report: &mut Report) -> Result<Grouped, Fault> {
    "mixture of normal distributions".clone_into(&mut report.model);
    let fit = match args.groups {
        Some(groups) => {
            Mixture::fit(points, Covariance::Full, &Options { steps: 2_000, ..Options::groups(groups, args.seed) })?
        }
        None => Mixture::choice(points, args.most.max(2), args.seed)?.into_iter().next().ok_or(Fault::DidNotSettle)?,
    };
    report.model = called(fit.covariance);
    report.log_likelihood = Some(fit.log_likelihood);
    report.metric("groups", fit.weights.len() as f64);
    report.metric("bic", fit.bic());
    let (labels, sure) = belonging(&fit, points)?;
    report.metric("mean_probability_of_the_group", sure.iter().sum::<f64>() / sure.len() as f64);
    Ok(Grouped { labels, sure: Some(sure), centres: fit.means.clone(), mixture: Some(fit) })
}

/// What a mixture is called.
fn called(covariance: Covariance) -> String {
    let form = match covariance {
        Covariance::Full => "each group its own covariance",
        Covariance::Tied => "one covariance for all groups",
        Covariance::Diagonal => "each group its own variances",
        Covariance::Spherical => "each group one variance",
    };
    format!("mixture of normal distributions, {form}")
}

/// The likeliest group of each row, and how likely it is.
fn belonging(fit: &Mixture, points: &Points) -> Result<(Vec<Option<usize>>, Vec<f64>), Fault> {
    let best =
        |row: &Vec<f64>| row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or((0, 0.0), |it| (it.0, *it.1));
    let memberships = fit.memberships(points)?;
    Ok(memberships.iter().map(|row| (Some(best(row).0), best(row).1)).unzip())
}

fn density(args: &ClusterArgs, points: &Points, report: &mut Report) -> Result<Grouped, Fault> {
    "HDBSCAN".clone_into(&mut report.model);
    let smallest = args.smallest.unwrap_or((points.len() / 100).max(SMALLEST)).max(2);
    let fit = Density::fit(points, smallest, smallest)?;
    report.plain_parameter("smallest", smallest as f64);
    report.metric("groups", fit.stabilities.len() as f64);
    report.metric("rows_in_no_group", fit.labels.iter().filter(|it| it.is_none()).count() as f64);
    Ok(Grouped { labels: fit.labels, sure: Some(fit.strengths), centres: Vec::new(), mixture: None })
}

/// Sizes, profiles and rows.
fn shown(
    args: &ClusterArgs,
    data: &mut Data,
    places: &[usize],
    (raw, scaled): (&[Vec<f64>], &Scaled),
    found: &Grouped,
    customer: Option<usize>,
    report: &mut Report,
) {
    for (group, centre) in found.centres.iter().enumerate() {
        for (at, place) in places.iter().enumerate() {
            let value = args.scale.back(centre[at], scaled.means[at], scaled.deviations[at]);
            report.plain_parameter(&format!("{}:{}", group + 1, data.name(*place)), value);
        }
    }
    described(data, places, raw, &found.labels, report);
    rows(args, data, found, customer, report);
    report.sure = match args.method {
        Method::Kmeans => "a group comes again surely from 0.85 on, well enough from 0.75 on, and is not to be trusted below 0.6; a mean silhouette below 0.25 says that nothing is parted.".to_owned(),
        Method::Mixture => "each row has a probability of belonging to its group; rows near 50 % lie between two.".to_owned(),
        Method::Density => "strength is 1 in the middle of a group and 0 for rows in none; thin places belong to no group.".to_owned(),
    };
    report.cannot = "that groups are real kinds of people: other columns, or another scale, give other groups. That they differ in the columns they were made by \
        is no finding."
        .to_owned();
}

fn described(data: &Data, places: &[usize], raw: &[Vec<f64>], labels: &[Option<usize>], report: &mut Report) {
    let values: Vec<Values> = raw.iter().map(|it| Values::Number(it)).collect();
    let found = profiles(labels, &values, SMALLEST);
    let bar = |it: &rapport_models::groups::Profile| {
        (format!("group {}", it.group + 1), it.size as f64, format!("{} ({})", it.size, percent(it.share)))
    };
    report.part("Sizes", &plot::bars(&found.iter().map(bar).collect::<Vec<_>>()));
    let mut rows = Vec::new();
    for profile in &found {
        for own in profile.attributes.iter().take(6) {
            rows.push(vec![
                Cell::Whole(profile.group as u64 + 1),
                Cell::text_of(data.name(places[own.attribute])),
                Cell::Number(own.value),
                Cell::Number(own.overall),
                own.over_index.map_or(Cell::None, |it| Cell::Number(it.round())),
                Cell::maybe(own.effect),
            ]);
        }
    }
    let header = ["Group", "Column", "Mean", "Mean of all", "Index (all = 100)", "Deviations above the others"];
    report.table("profiles", "What sets the groups apart", &header, rows);
    let typical = |it: &rapport_models::groups::Profile| {
        it.typical.map(|row| format!("  group {}: {}\n", it.group + 1, data.lines(&[row]).to_lowercase()))
    };
    report.part("The most typical row of each", &found.iter().filter_map(typical).collect::<String>());
}

fn rows(args: &ClusterArgs, data: &Data, found: &Grouped, customer: Option<usize>, report: &mut Report) {
    let name = |label: &Option<usize>| label.map_or_else(String::new, |it| (it + 1).to_string());
    report.rows = vec![
        Column::texts("customer", data.called(customer)),
        Column::texts("group", found.labels.iter().map(name).collect()),
    ];
    if let Some(sure) = &found.sure {
        let called = if args.method == Method::Density { "strength" } else { "probability" };
        report.rows.push(Column::numbers(called, sure.clone()));
    }
}

/// Rows put into the groups of a kept model.
fn again(args: &ClusterArgs, path: &std::path::Path, data: &mut Data, customer: Option<usize>) -> Result<()> {
    let kept: Kept = saved::load(path, "cluster", data)?;
    let width = kept.columns.len();
    let fits =
        kept.means.len() == width && kept.deviations.len() == width && kept.centres.iter().all(|it| it.len() == width);
    let sound = kept.mixture.as_ref().is_none_or(|it| it.is_sound(width) && it.means == kept.centres);
    if !fits || !sound || kept.centres.is_empty() || width == 0 {
        bail!("{} does not fit together; fit the model again", path.display());
    }
    let places = data.several("load", &kept.columns)?;
    let mut needs: Vec<(usize, Need)> = places.iter().map(|it| (*it, Need::Number)).collect();
    needs.extend(customer.map(|it| (it, Need::Unique)));
    data.require(&needs)?;
    let raw: Vec<Vec<f64>> = places.iter().map(|it| data.numbers(*it)).collect();
    let scaled =
        scaled(&raw, kept.scale, Some((&kept.means, &kept.deviations))).map_err(|fault| data.fault(&fault, &places))?;
    let points = Points::of(&scaled.columns).map_err(|fault| data.fault(&fault, &places))?;
    let mut report = Report::new("k-means");
    report.metric("groups", kept.centres.len() as f64);
    let (labels, sure) = match &kept.mixture {
        Some(fit) => {
            report.model = called(fit.covariance);
            let (labels, sure) = belonging(fit, &points).map_err(|fault| data.fault(&fault, &places))?;
            report.metric("mean_probability_of_the_group", sure.iter().sum::<f64>() / sure.len() as f64);
            (labels, Some(sure))
        }
        None => {
            let model = KMeans { centres: kept.centres.clone(), labels: Vec::new(), inertia: 0.0 };
            ((0..points.len()).map(|at| Some(model.group(points.row(at)))).collect(), None)
        }
    };
    let found = Grouped { labels, sure, centres: kept.centres, mixture: kept.mixture };
    for (group, centre) in found.centres.iter().enumerate() {
        for (at, name) in kept.columns.iter().enumerate() {
            report.plain_parameter(
                &format!("{}:{name}", group + 1),
                kept.scale.back(centre[at], kept.means[at], kept.deviations[at]),
            );
        }
    }
    described(data, &places, &raw, &found.labels, &mut report);
    rows(args, data, &found, customer, &mut report);
    report.sure = "rows are put to the nearest, or likeliest, group of the kept model; whether these rows would form the same groups is not asked.".to_owned();
    report.cannot = "that the groups still hold: fit them anew now and then.".to_owned();
    report.show(&args.input, data)
}
