//! What the tests look at from outside.

use super::filter::{Shares, States, passed, sloped};
use super::{Ets, Shape};
use crate::estimate::Estimate;
use crate::forecast::Series;

/// −2 ln L at given parameters.
pub(in crate::forecast) fn deviance(
    series: &Series,
    shape: Shape,
    (alpha, beta, gamma, phi): (f64, f64, f64, f64),
    (level, slope): (f64, f64),
    seasonal: &[f64],
) -> Option<f64> {
    let states = States { level, slope, seasonal: seasonal.to_vec() };
    Some(passed(&series.values, shape, Shares { alpha, beta, gamma, phi }, &states)?.deviance)
}

/// How far slopes are from differences, at most, and how large they are.
pub(in crate::forecast) fn slopes_off(series: &Series, shape: Shape) -> (f64, f64) {
    let m = if shape.season == super::Season::None { 0 } else { series.season };
    let unit = if shape.season == super::Season::Multiplicative { 1.0 } else { 0.0 };
    let mut at: Vec<f64> = vec![0.3, 0.04, 0.12, 0.9, 0.8, 0.01];
    at.extend((0..m).map(|it| unit + 0.05 * (it as f64 - 1.5)));
    let parts = |at: &[f64]| {
        let shares = Shares { alpha: at[0], beta: at[1], gamma: at[2], phi: at[3] };
        (shares, States { level: at[4], slope: at[5], seasonal: at[6..].to_vec() })
    };
    let mut slopes = vec![0.0; at.len()];
    let (shares, states) = parts(&at);
    let whole = sloped(&series.values, shape, shares, &states, &mut slopes).unwrap();
    assert_eq!(Some(whole), passed(&series.values, shape, shares, &states).map(|it| it.deviance));
    let mut value = |i: usize, by: f64| {
        at[i] += by;
        let (shares, states) = parts(&at);
        at[i] -= by;
        passed(&series.values, shape, shares, &states).unwrap().deviance
    };
    let off = (0..slopes.len()).map(|i| (slopes[i] - (value(i, 1e-6) - value(i, -1e-6)) / 2e-6).abs());
    (off.fold(0.0, f64::max), slopes.iter().fold(0.0, |most, it| it.abs().max(most)))
}

/// Intervals by paths, also where there is a formula.
pub(in crate::forecast) fn by_paths(it: &Ets, horizon: usize, tails: f64, seed: u64) -> Vec<Estimate> {
    it.by_paths(&it.points(horizon), tails, seed)
}
