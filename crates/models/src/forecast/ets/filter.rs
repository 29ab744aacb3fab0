//! Level, trend and season as they follow the values, with the slopes of the likelihood in all parameters.

use super::{Noise, Season, Shape};

/// Where smoothing is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct States {
    pub(super) level: f64,
    pub(super) slope: f64,
    /// The season of the next step first; empty without one.
    pub(super) seasonal: Vec<f64>,
}

/// How much of a surprise each state takes, and how much is left of the trend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shares {
    pub(super) alpha: f64,
    pub(super) beta: f64,
    pub(super) gamma: f64,
    pub(super) phi: f64,
}

/// What was expected, and −2 ln L.
pub(super) struct Passed {
    pub(super) deviance: f64,
    pub(super) squares: f64,
    pub(super) last: States,
}

impl States {
    /// What is expected next.
    pub(super) fn expected(&self, shape: Shape, phi: f64) -> (f64, f64) {
        let reached = self.level + phi * self.slope;
        let expected = match shape.season {
            Season::None => reached,
            Season::Additive => reached + self.seasonal[0],
            Season::Multiplicative => reached * self.seasonal[0],
        };
        (reached, expected)
    }

    /// One step on, with a surprise.
    pub(super) fn moved(&mut self, shape: Shape, shares: Shares, reached: f64, surprise: f64) {
        let season = self.seasonal.first().copied().unwrap_or(1.0);
        let (by, back) = match shape.season {
            Season::Multiplicative => (surprise / season, surprise / reached),
            _ => (surprise, surprise),
        };
        self.level = reached + shares.alpha * by;
        self.slope = shares.phi * self.slope + shares.beta * by;
        if let Some(first) = self.seasonal.first_mut() {
            *first += shares.gamma * back;
            self.seasonal.rotate_left(1);
        }
    }
}

/// All values passed through. `None` where something that multiplies is not above zero, or nothing is finite.
pub(super) fn passed(values: &[f64], shape: Shape, shares: Shares, from: &States) -> Option<Passed> {
    let mut states = from.clone();
    let (mut squares, mut logs) = (0.0, 0.0);
    let positive = shape.noise == Noise::Multiplicative || shape.season == Season::Multiplicative;
    for value in values {
        let (reached, expected) = states.expected(shape, shares.phi);
        let season = states.seasonal.first().copied().unwrap_or(1.0);
        if positive && !(expected > 0.0 && (shape.season != Season::Multiplicative || (reached > 0.0 && season > 0.0)))
        {
            return None;
        }
        let surprise = value - expected;
        if shape.noise == Noise::Multiplicative {
            squares += (surprise / expected).powi(2);
            logs += expected.ln();
        } else {
            squares += surprise * surprise;
        }
        states.moved(shape, shares, reached, surprise);
    }
    let n = values.len() as f64;
    let deviance = n * ((2.0 * std::f64::consts::PI * squares / n).ln() + 1.0) + 2.0 * logs;
    (deviance.is_finite()).then_some(Passed { deviance, squares, last: states })
}

/// The same with the slopes of −2 ln L in α, β, γ, φ, level, trend and the seasons, in this order.
pub(super) fn sloped(values: &[f64], shape: Shape, shares: Shares, from: &States, slopes: &mut [f64]) -> Option<f64> {
    const OWN: usize = 6;
    let m = from.seasonal.len();
    let q = OWN + m;
    let mut states = from.clone();
    let (mut level, mut slope) = (vec![0.0; q], vec![0.0; q]);
    let mut seasonal = vec![vec![0.0; q]; m];
    (level[4], slope[5]) = (1.0, 1.0);
    (0..m).for_each(|at| seasonal[at][OWN + at] = 1.0);
    let (mut squares, mut logs) = (0.0, 0.0);
    let (mut of_squares, mut of_logs) = (vec![0.0; q], vec![0.0; q]);
    let positive = shape.noise == Noise::Multiplicative || shape.season == Season::Multiplicative;
    let multiplies = shape.season == Season::Multiplicative;
    let still = vec![0.0; q];
    for (step, value) in values.iter().enumerate() {
        let (reached, expected) = states.expected(shape, shares.phi);
        let season = states.seasonal.first().copied().unwrap_or(1.0);
        if positive && !(expected > 0.0 && (!multiplies || (reached > 0.0 && season > 0.0))) {
            return None;
        }
        let surprise = value - expected;
        let scale = if shape.noise == Noise::Multiplicative { expected } else { 1.0 };
        squares += (surprise / scale).powi(2);
        logs += scale.ln();
        let own: &Vec<f64> = if m > 0 { &seasonal[step % m] } else { &still };
        let (by, back) = if multiplies { (surprise / season, surprise / reached) } else { (surprise, surprise) };
        let mut moved = own.clone();
        for i in 0..q {
            let of_phi = if i == 3 { states.slope } else { 0.0 };
            let d_reached = level[i] + shares.phi * slope[i] + of_phi;
            let d_expected = match shape.season {
                Season::None => d_reached,
                Season::Additive => d_reached + own[i],
                Season::Multiplicative => season * d_reached + reached * own[i],
            };
            if shape.noise == Noise::Multiplicative {
                // ε = y / ŷ − 1.
                of_squares[i] -= 2.0 * (surprise / expected) * value / (expected * expected) * d_expected;
                of_logs[i] += d_expected / expected;
            } else {
                of_squares[i] -= 2.0 * surprise * d_expected;
            }
            let (d_by, d_back) = if multiplies {
                (-d_expected / season - by * own[i] / season, -d_expected / reached - back * d_reached / reached)
            } else {
                (-d_expected, -d_expected)
            };
            slope[i] = shares.phi * slope[i] + of_phi + shares.beta * d_by + if i == 1 { by } else { 0.0 };
            level[i] = d_reached + shares.alpha * d_by + if i == 0 { by } else { 0.0 };
            moved[i] = own[i] + shares.gamma * d_back + if i == 2 { back } else { 0.0 };
        }
        if m > 0 {
            seasonal[step % m] = moved;
        }
        states.moved(shape, shares, reached, surprise);
    }
    let n = values.len() as f64;
    let deviance = n * ((2.0 * std::f64::consts::PI * squares / n).ln() + 1.0) + 2.0 * logs;
    for i in 0..q {
        slopes[i] = n * of_squares[i] / squares + 2.0 * of_logs[i];
    }
    (deviance.is_finite() && slopes.iter().all(|it| it.is_finite())).then_some(deviance)
}
