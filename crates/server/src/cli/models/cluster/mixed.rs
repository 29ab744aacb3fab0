//! Groups by numbers and categories at once (k-prototypes).

use rapport_models::Fault;
use rapport_models::groups::{Options, Points, Prototypes, stability};

use super::{ClusterArgs, Grouped, SAMPLES, SMALLEST};
use crate::cli::models::input::Data;
use crate::cli::models::report::{Cell, Report};

/// Groups by `points` and the columns of categories at `places`.
pub fn groups(
    args: &ClusterArgs,
    data: &Data,
    points: &Points,
    places: &[usize],
    report: &mut Report,
) -> Result<Grouped, Fault> {
    "k-prototypes".clone_into(&mut report.model);
    let (codes, names): (Vec<Vec<u32>>, Vec<Vec<String>>) = places.iter().map(|it| data.codes(*it)).unzip();
    let options = Options::groups(args.groups.unwrap_or(2), args.seed);
    let fit = Prototypes::fit(points, &codes, args.weight, &options)?;
    report.plain_parameter("weight", fit.weight);
    report.metric("groups", fit.centres.len() as f64);
    report.metric("cost", fit.cost);
    let again = stability(&fit.labels, SAMPLES, args.seed, |rows| {
        let mut columns = vec![Vec::new(); points.row(0).len()];
        for at in rows {
            points.row(*at).iter().zip(&mut columns).for_each(|(it, column)| column.push(*it));
        }
        let own: Vec<Vec<u32>> = codes.iter().map(|column| rows.iter().map(|at| column[*at]).collect()).collect();
        Prototypes::fit(&Points::of(&columns).ok()?, &own, Some(fit.weight), &options).ok().map(|it| it.labels)
    });
    report.metric("least_coming_again", again.iter().copied().fold(f64::INFINITY, f64::min));
    report.hold("coming_again", serde_json::json!(again));
    let mut rows = Vec::new();
    for group in 0..fit.centres.len() {
        let own: Vec<usize> = (0..fit.labels.len()).filter(|at| fit.labels[*at] == group).collect();
        if own.len() < SMALLEST {
            continue;
        }
        for ((column, names), (place, mode)) in codes.iter().zip(&names).zip(places.iter().zip(&fit.modes[group])) {
            let share = |count: usize, all: usize| Cell::Share(count as f64 / all as f64);
            let name = names.get(*mode as usize).filter(|it| !it.is_empty());
            rows.push(vec![
                Cell::Whole(group as u64 + 1),
                Cell::text_of(data.name(*place)),
                Cell::text_of(name.map_or("(blank)", String::as_str)),
                share(own.iter().filter(|at| column[**at] == *mode).count(), own.len()),
                share(column.iter().filter(|it| *it == mode).count(), column.len()),
            ]);
        }
    }
    let header = ["Group", "Column", "Most frequent", "Share of the group", "Share of all"];
    report.table("categories", "What most of a group are", &header, rows);
    Ok(Grouped { labels: fit.labels.into_iter().map(Some).collect(), sure: None, centres: fit.centres, mixture: None })
}
