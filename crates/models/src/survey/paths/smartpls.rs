//! The European satisfaction index of mobile telephony (Tenenhaus et al. 2005), 250 customers, as SmartPLS 2.0.M3 fitted it: weights, loadings with all
//! constructs, paths and total effects, by each of the three schemes. The data is not part of the repository: without it the test says that it is skipped.
//!
//! SmartPLS stops when weights change little: the weights that it prints are those of its seventh turn, everything else is of its sixth. Stopped there,
//! ours are the same to all eight printed digits; settled, they are within three units of the eighth.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Construct, Fit, Mode, Model, Scheme};
use crate::columns::Columns;

/// Half of the last of eight printed digits.
const PRINTED: f64 = 0.501e-8;
/// A change of weights that ends the sixth turn, and one that ends the seventh.
const TURNS: [f64; 2] = [2e-6, 1e-7];

const CONSTRUCTS: [(&str, &str); 7] = [
    ("Image", "IMAG"),
    ("Expectation", "CUEX"),
    ("Quality", "PERQ"),
    ("Value", "PERV"),
    ("Satisfaction", "CUSA"),
    ("Complaints", "CUSCO"),
    ("Loyalty", "CUSL"),
];

fn data(name: &str) -> Option<String> {
    let beside =
        || PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../../shared/data");
    let root = std::env::var_os("RAPPORT_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let path = root.join("sem").join(name);
    if !path.exists() {
        eprintln!("skipped: sem/{name} is not in {} (set RAPPORT_SHARED_DATA)", root.display());
        return None;
    }
    Some(std::fs::read_to_string(path).unwrap())
}

/// A table of SmartPLS: names in the first line and column, decimal commas.
fn table(name: &str) -> BTreeMap<(String, String), f64> {
    let text = data(&format!("mobi_smartpls_reference/{name}.txt")).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::trim).collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let mut cells = BTreeMap::new();
    for line in lines {
        for (column, cell) in head.iter().zip(&line).skip(1).filter(|it| !it.0.is_empty()) {
            cells.insert((line[0].to_string(), (*column).to_string()), cell.replace(',', ".").parse().unwrap());
        }
    }
    cells
}

/// Of every printed number how far ours is from it, the furthest first.
fn furthest(cells: BTreeMap<(String, String), f64>, ours: impl Fn(&str, &str) -> f64) -> f64 {
    assert!(cells.len() >= 49);
    cells.into_iter().map(|((row, column), wanted)| (ours(&row, &column) - wanted).abs()).fold(0.0, f64::max)
}

#[test]
fn the_satisfaction_index_of_mobile_telephony() {
    let Some(text) = data("mobi.csv") else { return };
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|line| line.split(',').map(|it| it.trim().parse().unwrap()).collect()).collect();
    assert_eq!(rows.len(), 250);
    let columns = Columns::of(&rows, &(0..rows.len()).collect::<Vec<_>>()).unwrap();
    let constructs = CONSTRUCTS.map(|(_, prefix)| Construct {
        indicators: (0..names.len()).filter(|at| names[*at].starts_with(prefix)).collect(),
        mode: Mode::Reflective,
    });
    let place = |name: &str| CONSTRUCTS.iter().position(|it| it.0 == name).unwrap();
    let question = |name: &str| names.iter().position(|it| *it == name).unwrap();
    for (scheme, name) in
        [(Scheme::Centroid, "centroid"), (Scheme::Factorial, "factorial"), (Scheme::Path, "pathWeighting")]
    {
        let wanted = |kind: &str| table(&format!("{name}_{kind}"));
        let paths = wanted("pathCoefficients");
        let drawn: Vec<(usize, usize)> =
            paths.iter().filter(|it| *it.1 != 0.0).map(|(it, _)| (place(&it.0), place(&it.1))).collect();
        assert_eq!(drawn.len(), 12);
        let model = Model::new(constructs.to_vec(), &drawn).unwrap();
        let weight = |fit: &Fit, row: &str, column: &str| {
            let (at, own) = (question(row), place(column));
            constructs[own].indicators.iter().zip(&fit.weights[own]).find(|it| *it.0 == at).map_or(0.0, |it| *it.1)
        };
        let off = |rest: &Fit, last: &Fit| {
            [
                furthest(paths.clone(), |from, to| rest.coefficients[place(from)][place(to)]),
                furthest(wanted("totalEffects"), |from, to| rest.total_effects[place(from)][place(to)]),
                furthest(wanted("crossLoadings"), |row, column| rest.loadings[question(row)][place(column)]),
                furthest(wanted("outerWeights"), |row, column| weight(last, row, column)),
            ]
        };
        let [sixth, seventh] = TURNS.map(|it| super::estimate::fit(&model, &columns, scheme, it).unwrap());
        let found = off(&sixth, &seventh);
        assert!(found.iter().all(|it| *it < PRINTED), "{name}: {found:?}");
        let settled = super::estimate::fit(&model, &columns, scheme, super::estimate::SETTLED).unwrap();
        let found = off(&settled, &settled);
        assert!(found.iter().all(|it| *it < 3e-8), "{name}: {found:?}");
    }
}
