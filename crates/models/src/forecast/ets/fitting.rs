//! The search for the parameters with the greatest likelihood.
//!
//! Within the bounds of R's `forecast`: α between .0001 and .9999, β below α, γ below 1 − α, φ between .8 and .98; each is a share of what is possible, moved
//! freely by its logit, so that the search knows no bounds.

use super::filter::{Shares, States, passed, sloped};
use super::{Ets, Noise, Season, Shape, Trend};
use crate::fault::Fault;
use crate::forecast::Series;
use crate::optimise::{Settings, minimise};

const LEAST: f64 = 1e-4;
const MOST: f64 = 0.9999;

/// Where each parameter of the search is, from what it is free to be.
struct Places {
    shape: Shape,
    m: usize,
}

impl Places {
    fn trend(&self) -> bool {
        self.shape.trend != Trend::None
    }

    /// Shares and states at a place, and the slopes of α, β, γ, φ in their own logits and in that of α.
    fn at(&self, place: &[f64]) -> (Shares, States, [f64; 6]) {
        let mut next = place.iter().copied();
        let mut take = || next.next().unwrap_or_default();
        let logistic = |it: f64| 1.0 / (1.0 + (-it).exp());
        let slope = |it: f64| it * (1.0 - it);
        let a = logistic(take());
        let alpha = LEAST + (MOST - LEAST) * a;
        let d_alpha = (MOST - LEAST) * slope(a);
        let mut d = [d_alpha, 0.0, 0.0, 0.0, 0.0, 0.0];
        let mut shares = Shares { alpha, beta: 0.0, gamma: 0.0, phi: 1.0 };
        if self.trend() {
            let b = logistic(take());
            shares.beta = LEAST + (alpha - LEAST) * b;
            (d[1], d[4]) = ((alpha - LEAST) * slope(b), b * d_alpha);
        }
        if self.m > 0 {
            let c = logistic(take());
            // Of what the level leaves; next to nothing where it takes all.
            let room = (1.0 - alpha - LEAST).max(0.0);
            shares.gamma = LEAST + room * c;
            (d[2], d[5]) = (room * slope(c), if room > 0.0 { -c * d_alpha } else { 0.0 });
        }
        if self.shape.trend == Trend::Damped {
            let f = logistic(take());
            shares.phi = 0.8 + 0.18 * f;
            d[3] = 0.18 * slope(f);
        }
        let level = take();
        let trend = if self.trend() { take() } else { 0.0 };
        let mut seasonal: Vec<f64> = (1..self.m).map(|_| take()).collect();
        if self.m > 0 {
            let rest: f64 = seasonal.iter().sum();
            let whole = if self.shape.season == Season::Additive { 0.0 } else { self.m as f64 };
            seasonal.push(whole - rest);
        }
        (shares, States { level, slope: trend, seasonal }, d)
    }

    /// Slopes in the search's parameters from those in the model's.
    fn turned(&self, own: &[f64], d: &[f64; 6], out: &mut [f64]) {
        let mut at = 0;
        let mut put = |value: f64| {
            out[at] = value;
            at += 1;
        };
        put(own[0] * d[0] + own[1] * d[4] + own[2] * d[5]);
        if self.trend() {
            put(own[1] * d[1]);
        }
        if self.m > 0 {
            put(own[2] * d[2]);
        }
        if self.shape.trend == Trend::Damped {
            put(own[3] * d[3]);
        }
        put(own[4]);
        if self.trend() {
            put(own[5]);
        }
        if self.m > 0 {
            let last = own[5 + self.m];
            (0..self.m - 1).for_each(|i| put(own[6 + i] - last));
        }
    }

    /// A place to begin: shares of what is possible, and states.
    fn place(&self, (a, b, c): (f64, f64, f64), states: &States) -> Vec<f64> {
        let logit = |it: f64| (it / (1.0 - it)).ln();
        let mut place = vec![logit(a)];
        if self.trend() {
            place.push(logit(b));
        }
        if self.m > 0 {
            place.push(logit(c));
        }
        if self.shape.trend == Trend::Damped {
            place.push(logit(0.9));
        }
        place.push(states.level);
        if self.trend() {
            place.push(states.slope);
        }
        place.extend(states.seasonal.iter().take(self.m.saturating_sub(1)));
        place
    }
}

impl Ets {
    /// One form, fitted.
    pub fn fit(series: &Series, shape: Shape) -> Result<Self, Fault> {
        let m = if shape.season == Season::None { 0 } else { series.season };
        if m == 1 || m > super::LONGEST {
            return Err(Fault::NotIdentified { why: "a season of one step, or of more than 24, by smoothing" });
        }
        series.enough((shape.parameters(m) + 2).max(2 * m + 5))?;
        let multiplies = shape.noise == Noise::Multiplicative || shape.season == Season::Multiplicative;
        if multiplies {
            crate::fault::none_of(&series.values, |it| *it <= 0.0, |row| Fault::Negative { row })?;
        }
        let scale = series.values.iter().map(|it| it.abs()).sum::<f64>() / series.values.len() as f64;
        let first = series.values[0];
        if series.values.iter().all(|it| (it - first).abs() <= 1e-12 * scale) {
            return Err(Fault::Constant { column: 0 });
        }
        let values: Vec<f64> = series.values.iter().map(|it| it / scale).collect();
        let places = Places { shape, m };
        let begin = beginning(&values, shape, m);
        let place = searched(&values, &places, &begin)?;
        let (shares, states, _) = places.at(&place);
        let passed = passed(&values, shape, shares, &states).ok_or(Fault::DidNotSettle)?;
        Self::of(series, shape, shares, states, (passed.last, passed.squares, passed.deviance), scale)
    }

    fn of(
        series: &Series,
        shape: Shape,
        shares: Shares,
        states: States,
        (last, squares, deviance): (States, f64, f64),
        scale: f64,
    ) -> Result<Self, Fault> {
        let n = series.values.len() as f64;
        let seasons = if shape.season == Season::Multiplicative { 1.0 } else { scale };
        let k = shape.parameters(states.seasonal.len()) as f64;
        let noise = if shape.noise == Noise::Multiplicative { 1.0 } else { scale };
        let scaled = |it: &States| States {
            level: it.level * scale,
            slope: it.slope * scale,
            seasonal: it.seasonal.iter().map(|it| it * seasons).collect(),
        };
        // Values were divided by the scale: each has its logarithm in the likelihood.
        let deviance = deviance + 2.0 * n * scale.ln();
        let (begin, last) = (scaled(&states), scaled(&last));
        let deviation = noise * (squares / (n - k + 1.0)).sqrt();
        let aic = deviance + 2.0 * k;
        let fine = [begin.level, begin.slope, deviation, aic].into_iter().chain(begin.seasonal.iter().copied());
        if fine.chain(last.seasonal.iter().copied()).any(|it| !it.is_finite()) {
            return Err(Fault::DidNotSettle);
        }
        Ok(Self {
            shape,
            alpha: shares.alpha,
            beta: shares.beta,
            gamma: shares.gamma,
            phi: shares.phi,
            level: begin.level,
            slope: begin.slope,
            seasonal: begin.seasonal,
            deviation,
            log_likelihood: -deviance / 2.0,
            aic,
            aicc: aic + 2.0 * k * (k + 1.0) / (n - k - 1.0),
            bic: deviance + k * n.ln(),
            series: series.clone(),
            last,
        })
    }
}

/// The best of what is found from several beginnings.
fn searched(values: &[f64], places: &Places, begin: &States) -> Result<Vec<f64>, Fault> {
    let mut objective = |place: &[f64], slopes: &mut [f64]| {
        let (shares, states, d) = places.at(place);
        let mut own = vec![0.0; 6 + places.m];
        match sloped(values, places.shape, shares, &states, &mut own) {
            Some(deviance) => {
                places.turned(&own, &d, slopes);
                slopes.iter_mut().for_each(|it| *it /= 2.0);
                deviance / 2.0
            }
            None => f64::INFINITY,
        }
    };
    let settings = Settings { promise: 1e-7, longest: 3.0, steps: 300 };
    let mut best: Option<(Vec<f64>, f64)> = None;
    for shares in [(0.3, 0.1, 0.1), (0.8, 0.05, 0.3), (0.05, 0.1, 0.02)] {
        let start = places.place(shares, begin);
        let found = minimise(&mut objective, &start, None, &settings);
        if found.value.is_finite() && best.as_ref().is_none_or(|best| found.value < best.1) {
            best = Some((found.at, found.value));
        }
    }
    best.map(|it| it.0).ok_or(Fault::DidNotSettle)
}

/// Level, trend and season of the first seasons, at most four, or of the first ten values.
fn beginning(values: &[f64], shape: Shape, m: usize) -> States {
    let mut adjusted = values.to_vec();
    let mut seasonal = Vec::new();
    if let Some(whole) = values.len().checked_div(m) {
        let cycles = whole.clamp(1, 4);
        let means: Vec<f64> =
            (0..cycles).map(|it| values[it * m..(it + 1) * m].iter().sum::<f64>() / m as f64).collect();
        let slope = if cycles > 1 { (means[cycles - 1] - means[0]) / ((cycles - 1) * m) as f64 } else { 0.0 };
        let middle = (m as f64 - 1.0) / 2.0;
        let trend = |cycle: usize, at: usize| means[cycle] + slope * (at as f64 - middle);
        let multiplies = shape.season == Season::Multiplicative;
        for at in 0..m {
            let off = |cycle: usize| {
                let (value, trend) = (values[cycle * m + at], trend(cycle, at));
                if multiplies { value / if trend > 0.0 { trend } else { means[cycle] } } else { value - trend }
            };
            seasonal.push((0..cycles).map(off).sum::<f64>() / cycles as f64);
        }
        let mean = seasonal.iter().sum::<f64>() / m as f64;
        let evened = |it: &mut f64| if multiplies { *it = (*it / mean).max(0.05) } else { *it -= mean };
        seasonal.iter_mut().for_each(evened);
        for (at, it) in adjusted.iter_mut().enumerate() {
            if multiplies { *it /= seasonal[at % m] } else { *it -= seasonal[at % m] }
        }
    }
    let early = &adjusted[..adjusted.len().min(10.max(2 * m))];
    let n = early.len() as f64;
    let (mean, middle) = (early.iter().sum::<f64>() / n, (n + 1.0) / 2.0);
    let spread: f64 = (1..=early.len()).map(|t| (t as f64 - middle).powi(2)).sum();
    let slope = early.iter().enumerate().map(|(t, it)| (t as f64 + 1.0 - middle) * it).sum::<f64>() / spread;
    if shape.trend == Trend::None {
        return States { level: mean, slope: 0.0, seasonal };
    }
    let level = mean - slope * middle;
    // Where something multiplies, levels below zero would be refused.
    let positive = shape.noise == Noise::Multiplicative || shape.season == Season::Multiplicative;
    if positive && level <= 0.05 * mean {
        return States { level: early[0].max(0.05 * mean), slope: 0.0, seasonal };
    }
    States { level, slope, seasonal }
}
