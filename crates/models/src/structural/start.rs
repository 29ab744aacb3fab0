//! Where the search begins: loadings by what the columns of a latent variable have in common (a column's covariance with the first, by way of the others,
//! as in Hägglund 1982), its variance by theirs, and half of the variance left over where nothing better is known.

use super::likelihood::Target;
use super::model::{Held, Kind, Model};

/// Parameters to begin with.
pub(super) fn first(model: &Model, target: &Target) -> Vec<f64> {
    let (p, m) = (model.observed(), model.names.len());
    let s = |i: usize, j: usize| target.sample[i * p + j];
    let mut variance: Vec<f64> = (0..m).map(|at| if at < p { s(at, at) } else { f64::NAN }).collect();
    let mut loading = vec![1.0; model.cells.len()];
    for (latent, variance) in variance.iter_mut().enumerate().skip(p) {
        let own: Vec<(usize, usize)> = measured(model, latent).filter(|it| it.1 < p).collect();
        let Some((_, marker)) = own.first().copied() else { continue };
        for (cell, column) in &own[1..] {
            let others = own.iter().map(|it| it.1).filter(|it| *it != marker && it != column);
            let (mut up, mut down) = (0.0, 0.0);
            for other in others {
                up += s(*column, other) * s(marker, other);
                down += s(marker, other) * s(marker, other);
            }
            if own.len() == 2 {
                (up, down) = (s(*column, marker).signum() * s(*column, *column).sqrt(), s(marker, marker).sqrt());
            }
            let unit = (s(*column, *column) / s(marker, marker)).sqrt();
            loading[*cell] = (up / down).clamp(-10.0 * unit, 10.0 * unit);
            if loading[*cell].is_nan() || loading[*cell].abs() < 0.1 * unit {
                loading[*cell] = 0.1 * unit;
            }
        }
        let common: f64 = own[1..].iter().map(|(cell, column)| s(marker, *column) / loading[*cell]).sum();
        let mean = if own.len() > 1 { common / (own.len() - 1) as f64 } else { s(marker, marker) };
        let most = if own.len() > 1 { 0.9 } else { 1.0 };
        *variance = mean.clamp(0.05 * s(marker, marker), most * s(marker, marker));
    }
    // What is measured by latent variables alone has the half of theirs.
    for _ in p..m {
        for latent in p..m {
            let known = measured(model, latent).map(|it| variance[it.1]).find(|it| it.is_finite());
            if let (true, Some(known)) = (variance[latent].is_nan(), known) {
                variance[latent] = known / 2.0;
            }
        }
    }
    placed(model, &variance, &loading)
}

/// The loadings of a latent variable: each cell and what it leads to.
fn measured(model: &Model, latent: usize) -> impl Iterator<Item = (usize, usize)> {
    let own = model.cells.iter().enumerate().filter(move |(_, it)| it.kind == Kind::Loading && it.from == latent);
    own.map(|(at, it)| (at, it.to))
}

fn placed(model: &Model, variance: &[f64], loading: &[f64]) -> Vec<f64> {
    let p = model.observed();
    let mut found = vec![0.0; model.free];
    let fixed = |at: usize| {
        model.cells.iter().find(|it| it.kind == Kind::Variance && it.to == at).and_then(|it| match it.held {
            Held::Fixed(value) => Some(value),
            Held::Free(_) => None,
        })
    };
    // A latent variable whose variance is fixed has loadings in another unit.
    let unit = |latent: usize| match fixed(latent) {
        Some(value) if value > 0.0 => (variance[latent] / value).sqrt(),
        _ => 1.0,
    };
    for (at, cell) in model.cells.iter().enumerate() {
        let Held::Free(parameter) = cell.held else { continue };
        found[parameter] = match cell.kind {
            Kind::Loading => loading[at] * unit(cell.from),
            Kind::Regression | Kind::Covariance => 0.0,
            Kind::Variance if cell.to >= p => variance[cell.to],
            Kind::Variance => {
                let explained = |it: &&super::model::Cell| it.kind == Kind::Loading && it.to == cell.to;
                let place =
                    |it: &super::model::Cell| model.cells.iter().position(|other| other == it).unwrap_or_default();
                let own = model.cells.iter().filter(explained);
                let common: f64 = own.map(|it| loading[place(it)].powi(2) * variance[it.from]).sum();
                let all = variance[cell.to];
                if model.led_to(cell.to) { (all - common).clamp(0.1 * all, all) } else { all }
            }
        };
    }
    found
}
