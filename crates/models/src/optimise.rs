//! Finds where a smooth function of a few variables is least, given its exact gradient, and how it curves there.
//!
//! Quasi-Newton steps (Broyden, Fletcher, Goldfarb and Shanno 1970) with the weak conditions of Wolfe, found by bisection (Lewis and Overton 2013), from
//! several starts; then Newton's own steps with the second derivatives, taken as differences of the gradient.
//!
//! Always holds: a value that is not finite is never stepped on; what did not settle says so. It does not know bounds: a function may be infinite
//! outside of where it means something.

mod matrix;

pub(crate) use matrix::{Matrix, factor, inverse};

/// A function to be made least: fills the gradient and gives the value.
pub trait Objective: FnMut(&[f64], &mut [f64]) -> f64 {}
impl<F: FnMut(&[f64], &mut [f64]) -> f64> Objective for F {}

/// How long to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// It has settled once a step promises less than this, in units of the function. For a log-likelihood of n rows whose parameters should be within a
    /// thousandth of their standard errors, 1e-6.
    pub promise: f64,
    /// The longest step of a variable.
    pub longest: f64,
    /// The most steps.
    pub steps: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { promise: 1e-9, longest: 2.0, steps: 300 }
    }
}

/// The least that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimum {
    /// Where.
    pub at: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// The gradient there.
    pub gradient: Vec<f64>,
    /// Whether it came to rest.
    pub settled: bool,
    /// How often the function was asked.
    pub evaluations: usize,
}

/// The least from one start. `metric` is what is believed of the inverse of the second derivatives; the identity, scaled, if nothing.
pub fn minimise(
    objective: &mut impl Objective,
    start: &[f64],
    metric: Option<Vec<Vec<f64>>>,
    settings: &Settings,
) -> Optimum {
    let n = start.len();
    let mut at =
        Optimum { at: start.to_vec(), value: f64::INFINITY, gradient: vec![0.0; n], settled: false, evaluations: 1 };
    at.value = objective(start, &mut at.gradient);
    if !sound(at.value, &at.gradient) {
        return at;
    }
    let known = metric.is_some();
    let mut metric = metric.unwrap_or_else(|| scaled_identity(n, 1.0 / norm(&at.gradient).max(1e-12)));
    let mut fresh = !known;
    for _ in 0..settings.steps {
        let mut direction: Vec<f64> = metric.iter().map(|row| -dot(row, &at.gradient)).collect();
        let mut slope = dot(&direction, &at.gradient);
        if !slope.is_finite() || slope > 0.0 {
            metric = scaled_identity(n, 1.0 / norm(&at.gradient).max(1e-12));
            direction = metric.iter().map(|row| -dot(row, &at.gradient)).collect();
            slope = dot(&direction, &at.gradient);
            fresh = true;
        }
        if -slope <= settings.promise && !fresh || slope == 0.0 {
            at.settled = true;
            break;
        }
        let longest = direction.iter().fold(0.0f64, |most, it| most.max(it.abs()));
        if longest > settings.longest {
            direction.iter_mut().for_each(|it| *it *= settings.longest / longest);
            slope *= settings.longest / longest;
        }
        let Some((next, gradient, value, asked)) = search(objective, &at, &direction, slope) else {
            // No step is better any more: at rest if the last promise was within rounding.
            at.settled = -slope <= 1e-7 * (1.0 + at.value.abs() * 1e-4);
            break;
        };
        at.evaluations += asked;
        let step: Vec<f64> = next.iter().zip(&at.at).map(|(new, old)| new - old).collect();
        let change: Vec<f64> = gradient.iter().zip(&at.gradient).map(|(new, old)| new - old).collect();
        (at.at, at.gradient, at.value) = (next, gradient, value);
        let curved = dot(&step, &change);
        if curved > 1e-14 * norm(&step) * norm(&change) {
            if fresh {
                metric = scaled_identity(n, curved / dot(&change, &change));
            }
            fresh = false;
            update(&mut metric, &step, &change, curved);
        }
    }
    at
}

/// The least of what is found from each of `starts`: of those that settled, if any did.
pub fn from_starts(objective: &mut impl Objective, starts: &[Vec<f64>], settings: &Settings) -> Option<Optimum> {
    let mut evaluations = 0;
    let mut best: Option<Optimum> = None;
    for start in starts {
        let found = minimise(objective, start, None, settings);
        evaluations += found.evaluations;
        let better = |best: &Optimum| (found.settled, -found.value) > (best.settled, -best.value);
        if found.value.is_finite() && best.as_ref().is_none_or(better) {
            best = Some(found);
        }
    }
    best.map(|it| Optimum { evaluations, ..it })
}

/// The second derivatives as central differences of the gradient, made symmetric. The steps are `by` of each variable, or of 1 where that is smaller.
pub fn hessian(objective: &mut impl Objective, at: &[f64], by: f64) -> Vec<Vec<f64>> {
    let n = at.len();
    let (mut above, mut below, mut place) = (vec![0.0; n], vec![0.0; n], at.to_vec());
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(n);
    for i in 0..n {
        let step = by * at[i].abs().max(1.0);
        place[i] = at[i] + step;
        objective(&place, &mut above);
        place[i] = at[i] - step;
        objective(&place, &mut below);
        place[i] = at[i];
        rows.push(above.iter().zip(&below).map(|(above, below)| (above - below) / (2.0 * step)).collect());
    }
    let mean = |i: usize| (0..n).map(|j| (rows[i][j] + rows[j][i]) / 2.0).collect();
    (0..n).map(mean).collect()
}

/// Newton's steps from an optimum that is nearly there, with the inverse of the second derivatives as it is there: as long as they make the promise less.
pub(crate) fn polish(objective: &mut impl Objective, from: &mut Optimum, metric: &Matrix, steps: usize) {
    let promise = |gradient: &[f64]| metric.iter().zip(gradient).map(|(row, it)| dot(row, gradient) * it).sum::<f64>();
    let mut now = promise(&from.gradient);
    for _ in 0..steps {
        if now <= 1e-16 {
            break;
        }
        let next: Vec<f64> = from.at.iter().zip(metric).map(|(at, row)| at - dot(row, &from.gradient)).collect();
        let mut gradient = vec![0.0; next.len()];
        let value = objective(&next, &mut gradient);
        from.evaluations += 1;
        let then = promise(&gradient);
        if !sound(value, &gradient) || then >= now || value > from.value + 1e-9 * from.value.abs().max(1.0) {
            break;
        }
        (from.at, from.gradient, from.value, now) = (next, gradient, value, then);
    }
    from.settled |= now <= 1e-9;
}

/// A place, its gradient and value, and how often the function was asked.
type Step = (Vec<f64>, Vec<f64>, f64, usize);

/// A step along a direction that lowers the value and flattens the slope enough. `None` where there is none.
fn search(objective: &mut impl Objective, from: &Optimum, direction: &[f64], slope: f64) -> Option<Step> {
    const LOWER: f64 = 1e-4;
    const FLATTER: f64 = 0.9;
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
    let mut gradient = vec![0.0; direction.len()];
    let mut best: Option<Step> = None;
    for asked in 1..=40 {
        let place: Vec<f64> = from.at.iter().zip(direction).map(|(at, by)| at + length * by).collect();
        let value = objective(&place, &mut gradient);
        let noise = 4.0 * f64::EPSILON * from.value.abs();
        if !sound(value, &gradient) || value > from.value + LOWER * length * slope + noise {
            high = length;
        } else {
            let flat = dot(&gradient, direction) >= FLATTER * slope;
            best = Some((place, gradient.clone(), value, asked));
            if flat {
                return best;
            }
            low = length;
        }
        length = if high.is_finite() { (low + high) / 2.0 } else { 2.0 * low };
        if best.is_some() && asked >= 12 {
            break;
        }
    }
    best.filter(|it| it.2 <= from.value)
}

/// The metric after a step along which the gradient changed.
fn update(metric: &mut [Vec<f64>], step: &[f64], change: &[f64], curved: f64) {
    let seen: Vec<f64> = metric.iter().map(|row| dot(row, change)).collect();
    let factor = (1.0 + dot(change, &seen) / curved) / curved;
    for (i, row) in metric.iter_mut().enumerate() {
        for (j, cell) in row.iter_mut().enumerate() {
            *cell += factor * step[i] * step[j] - (seen[i] * step[j] + step[i] * seen[j]) / curved;
        }
    }
}

fn scaled_identity(n: usize, scale: f64) -> Vec<Vec<f64>> {
    (0..n).map(|i| (0..n).map(|j| if i == j { scale } else { 0.0 }).collect()).collect()
}

fn sound(value: f64, gradient: &[f64]) -> bool {
    value.is_finite() && gradient.iter().all(|it| it.is_finite())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley (1960) in four variables: least at (1, 1, 1, 1).
    fn valley(x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut sum = 0.0;
        for i in 0..x.len() - 1 {
            let (bend, off) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
            sum += 100.0 * bend * bend + off * off;
            gradient[i] += -400.0 * x[i] * bend - 2.0 * off;
            gradient[i + 1] += 200.0 * bend;
        }
        sum
    }

    #[test]
    fn a_bent_valley_is_followed_to_its_end() {
        let found =
            minimise(&mut valley, &[-1.2, 1.0, -0.5, 2.0], None, &Settings { steps: 500, ..Settings::default() });
        assert!(found.settled && found.evaluations < 200, "{found:?}");
        assert!(found.at.iter().all(|it| (it - 1.0).abs() < 1e-4), "{found:?}");
        let bent = hessian(&mut valley, &[1.0; 4], 1e-5);
        for (found, wanted) in bent[0].iter().zip([802.0, -400.0, 0.0, 0.0]) {
            assert!((found - wanted).abs() < 1e-4, "{bent:?}");
        }
        let metric = inverse(&bent).unwrap();
        let mut rough = minimise(&mut valley, &[0.9; 4], None, &Settings { promise: 1e-4, ..Settings::default() });
        polish(&mut valley, &mut rough, &metric, 20);
        assert!(rough.at.iter().all(|it| (it - 1.0).abs() < 1e-7), "{rough:?}");
    }

    /// Two valleys: the deeper one is found if a start is near it.
    #[test]
    fn several_starts_find_the_deeper_of_two() {
        let mut two = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = 4.0 * x[0].powi(3) - 4.0 * x[0] + 0.3;
            (x[0] * x[0] - 1.0).powi(2) + 0.3 * x[0]
        };
        let found = from_starts(&mut two, &[vec![2.0], vec![-2.0]], &Settings::default()).unwrap();
        assert!(found.settled && found.at[0] < -1.0, "{found:?}");
    }

    #[test]
    fn what_has_no_least_did_not_settle() {
        let mut slope = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = -(-x[0]).exp();
            (-x[0]).exp() - 1e-3 * x[0] * f64::from(u8::from(x[0] > 50.0))
        };
        let mut nothing = |_: &[f64], _: &mut [f64]| f64::NAN;
        assert!(!minimise(&mut nothing, &[1.0], None, &Settings::default()).settled);
        assert!(from_starts(&mut nothing, &[vec![1.0]], &Settings::default()).is_none());
        let mut line = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = 1.0;
            x[0]
        };
        assert!(!minimise(&mut line, &[1.0], None, &Settings::default()).settled);
        assert!(minimise(&mut slope, &[0.0], None, &Settings::default()).value.is_finite());
    }

    /// Outside of where it means something a function is infinite: no step ends there.
    #[test]
    fn walls_are_not_stepped_through() {
        let mut walled = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = 1.0 - 1.0 / x[0];
            if x[0] > 0.0 { x[0] - x[0].ln() } else { f64::INFINITY }
        };
        let found = minimise(&mut walled, &[8.0], None, &Settings { longest: 100.0, ..Settings::default() });
        assert!(found.settled && (found.at[0] - 1.0).abs() < 1e-4, "{found:?}");
    }
}
