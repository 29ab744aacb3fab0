//! The search for the peak of the likelihood: steps by the expected information (Fisher's scoring), halved as long as they lead down, and quasi-Newton
//! steps where that does not settle.

use super::likelihood::{State, Target};
use super::model::Model;
use super::start;
use crate::cholesky::Cholesky;
use crate::fault::Fault;
use crate::optimise::{Settings, minimise};

/// A step that promises less than this much of log-likelihood is rest.
const REST: f64 = 1e-18;
/// Steps after which the search is given to the other one.
const STEPS: usize = 150;

/// The parameters at the peak, and all that follows from them.
pub(super) fn climb(model: &Model, target: &Target, from: Option<&[f64]>) -> Result<(Vec<f64>, State), Fault> {
    let mut starts: Vec<Vec<f64>> = from.map(<[f64]>::to_vec).into_iter().collect();
    starts.push(start::first(model, target));
    for start in starts {
        if let Some(found) = scored(model, target, start).and_then(|at| settled(model, target, at)) {
            return Ok(found);
        }
    }
    Err(Fault::DidNotSettle)
}

/// Where scoring ends, and whether it came to rest.
fn scored(model: &Model, target: &Target, start: Vec<f64>) -> Option<(Vec<f64>, State, bool)> {
    let q = model.free;
    let mut at = start;
    let mut state = State::at(model, &at, target)?;
    for _ in 0..STEPS {
        let products = state.products(model, target);
        let slopes = products.slopes(model, target.weight);
        let information = products.informations(model, target.weight);
        let step = stepped(&information, &slopes, q)?;
        let promise: f64 = step.iter().zip(&slopes).map(|(a, b)| a * b).sum();
        if promise.is_nan() {
            return None;
        }
        if promise <= REST {
            return Some((at, state, true));
        }
        // Beside the peak differences of the likelihood are rounding, and scoring is sure.
        let rounding = if promise < 1e-7 { f64::INFINITY } else { 1e-13 * (1.0 + state.discrepancy.abs()) };
        let mut share = 1.0;
        loop {
            let tried: Vec<f64> = at.iter().zip(&step).map(|(it, step)| it - share * step).collect();
            if let Some(there) = State::at(model, &tried, target)
                && there.discrepancy <= state.discrepancy + rounding
            {
                (at, state) = (tried, there);
                break;
            }
            share /= 2.0;
            if share < 1e-10 {
                return Some((at, state, promise < 1e-10));
            }
        }
    }
    Some((at, state, false))
}

/// Whatever did not come to rest is searched on from there.
fn settled(model: &Model, target: &Target, found: (Vec<f64>, State, bool)) -> Option<(Vec<f64>, State)> {
    let (at, state, rest) = found;
    if rest {
        return Some((at, state));
    }
    let mut objective = |at: &[f64], slopes: &mut [f64]| match State::at(model, at, target) {
        Some(there) => {
            slopes.copy_from_slice(&there.products(model, target).slopes(model, target.weight));
            target.weight / 2.0 * there.discrepancy
        }
        None => f64::INFINITY,
    };
    let q = model.free;
    let information = state.products(model, target).informations(model, target.weight);
    let metric = Cholesky::of(&information, q).map(|it| it.inverse().chunks(q.max(1)).map(<[f64]>::to_vec).collect());
    let largest = at.iter().fold(1.0f64, |most, it| most.max(it.abs()));
    let settings = Settings { promise: 1e-14, longest: 2.0 * largest, steps: 1_000 };
    let quasi = minimise(&mut objective, &at, metric, &settings);
    let (at, state, rest) = scored(model, target, quasi.at)?;
    (rest || quasi.settled).then_some((at, state))
}

/// The step that solves the information for the slopes; with a ridge where it cannot be solved.
fn stepped(information: &[f64], slopes: &[f64], q: usize) -> Option<Vec<f64>> {
    if let Some(factor) = Cholesky::of(information, q) {
        return Some(factor.solved(slopes));
    }
    [1e-6, 1e-3, 0.1, 10.0].into_iter().find_map(|share| {
        let mut ridged = information.to_vec();
        (0..q).for_each(|i| ridged[i * q + i] += share * information[i * q + i].max(1e-12));
        Cholesky::of(&ridged, q).map(|it| it.solved(slopes))
    })
}

/// The parameter that the others determine, if there is one: what is left of its information is a billionth.
pub(super) fn determined(information: &[f64], q: usize) -> Option<usize> {
    let mut rows: Vec<Vec<f64>> = information.chunks(q.max(1)).map(<[f64]>::to_vec).collect();
    for at in 0..q {
        let scale = information[at * q + at];
        if !(rows[at][at] > 1e-9 * scale && scale > 0.0) {
            return Some(at);
        }
        let pivot = rows[at].clone();
        for row in &mut rows[at + 1..] {
            let by = row[at] / pivot[at];
            row.iter_mut().zip(&pivot).for_each(|(it, own)| *it -= by * own);
        }
    }
    None
}
