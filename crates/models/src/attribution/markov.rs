//! A chain over channels that ends in a conversion or in none.
//!
//! With N the inverse of 1 − Q (how often each channel is passed on the way, Kemeny and Snell 1960), somebody who begins in s ever passes c with the chance
//! N(s,c) / N(c,c), and converts from there with the chance x(c). Without c, whose traffic then goes to none, just these conversions are lost: all removal effects
//! follow from one inverse, exactly, with no walk simulated.

use super::{Credit, Path, check};
use crate::fault::Fault;
use crate::resampling::{Draws, between};

/// The chain and what follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Markov {
    /// How likely a path converts: that which was seen.
    pub conversion: f64,
    /// Of each channel the share of conversions that would be lost without it.
    pub removal_effects: Vec<f64>,
    /// Of each channel the share of value that would be lost without it.
    pub value_effects: Vec<f64>,
    /// Conversions and value, parted in proportion to the effects.
    pub credits: Vec<Credit>,
    /// How likely each channel is followed by each, by a conversion (last but one) and by none (last); the first line is the start's, channels follow. Lines of
    /// channels on no path are 0.
    pub transitions: Vec<Vec<f64>>,
}

/// Between which credits a channel lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower ends.
    pub low: Credit,
    /// The upper ends.
    pub high: Credit,
}

impl Markov {
    /// The chain of first order of these paths, a channel that follows itself included.
    pub fn fit(paths: &[Path]) -> Result<Self, Fault> {
        let channels = check(paths)?;
        let weighted: Vec<(f64, f64, f64)> =
            paths.iter().map(|it| (it.conversions as f64, it.value, it.nulls as f64)).collect();
        Self::of(paths, &weighted, channels)
    }

    /// Credits' intervals that leave out `tails` (.05 for 95 %), from as many samples drawn again: each path's counts are drawn by Poisson's distribution around
    /// those that were seen (Chamandy et al. 2012).
    pub fn intervals(paths: &[Path], samples: usize, tails: f64, seed: u64) -> Result<Vec<Interval>, Fault> {
        let channels = check(paths)?;
        let mut draws = Draws::new(seed);
        let mut drawn = vec![(Vec::new(), Vec::new()); channels];
        for _ in 0..samples.max(1) {
            let again = |path: &Path| {
                let conversions = poisson(path.conversions as f64, &mut draws);
                let each = if path.conversions > 0 { path.value / path.conversions as f64 } else { 0.0 };
                (conversions, conversions * each, poisson(path.nulls as f64, &mut draws))
            };
            let weighted: Vec<(f64, f64, f64)> = paths.iter().map(again).collect();
            if let Ok(found) = Self::of(paths, &weighted, channels) {
                for (drawn, credit) in drawn.iter_mut().zip(found.credits) {
                    drawn.0.push(credit.conversions);
                    drawn.1.push(credit.value);
                }
            }
        }
        let few = Fault::TooFew { what: "conversions for an interval", have: 0, need: 1 };
        let of = |(conversions, value)| {
            let (conversions, value) = (between(conversions, tails)?, between(value, tails)?);
            let low = Credit { conversions: conversions.0, value: value.0 };
            Some(Interval { low, high: Credit { conversions: conversions.1, value: value.1 } })
        };
        drawn.into_iter().map(|it| of(it).ok_or(few.clone())).collect()
    }

    /// Of each path its conversions, their value, and how often there was none.
    fn of(paths: &[Path], weighted: &[(f64, f64, f64)], channels: usize) -> Result<Self, Fault> {
        let width = channels + 2;
        // Line 0 is the start, line c + 1 channel c; columns are channels, then conversion and none.
        let mut counts = vec![0.0; (channels + 1) * width];
        let (mut values, mut total) = (vec![0.0; channels], Credit::default());
        for (path, (conversions, value, nulls)) in paths.iter().zip(weighted) {
            let people = conversions + nulls;
            if people <= 0.0 {
                continue;
            }
            let mut line = 0;
            for channel in &path.channels {
                counts[line * width + *channel as usize] += people;
                line = *channel as usize + 1;
            }
            counts[line * width + channels] += conversions;
            counts[line * width + channels + 1] += nulls;
            values[line - 1] += value;
            total.conversions += conversions;
            total.value += value;
        }
        if total.conversions <= 0.0 {
            return Err(Fault::TooFew { what: "conversions", have: 0, need: 1 });
        }
        let sums: Vec<f64> = counts.chunks_exact(width).map(|it| it.iter().sum()).collect();
        for (line, sum) in counts.chunks_exact_mut(width).zip(&sums) {
            line.iter_mut().for_each(|it| *it /= sum.max(f64::MIN_POSITIVE));
        }
        values.iter_mut().zip(&sums[1..]).for_each(|(it, sum)| *it /= sum.max(f64::MIN_POSITIVE));
        Self::solved(&counts, &values, channels, total)
    }

    fn solved(chances: &[f64], values: &[f64], channels: usize, total: Credit) -> Result<Self, Fault> {
        let width = channels + 2;
        let line = |at: usize| &chances[at * width..(at + 1) * width];
        let passing =
            inverse(channels, |i, j| f64::from(u8::from(i == j)) - line(i + 1)[j]).ok_or(Fault::DidNotSettle)?;
        let row = |at: usize| &passing[at * channels..(at + 1) * channels];
        let product =
            |a: &[f64], b: &dyn Fn(usize) -> f64| a.iter().enumerate().map(|(at, it)| it * b(at)).sum::<f64>();
        let (mut conversion, mut worth) = (0.0, 0.0);
        let mut lost = vec![(0.0, 0.0); channels];
        for (channel, lost) in lost.iter_mut().enumerate() {
            let converts = product(row(channel), &|it| line(it + 1)[channels]);
            let value = product(row(channel), &|it| values[it]);
            let first = line(0)[channel];
            conversion += first * converts;
            worth += first * value;
            let passes: f64 =
                (0..channels).map(|it| line(0)[it] * row(it)[channel]).sum::<f64>() / row(channel)[channel];
            *lost = (passes * converts, passes * value);
        }
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let removal_effects: Vec<f64> = lost.iter().map(|it| share(it.0, conversion)).collect();
        let value_effects: Vec<f64> = lost.iter().map(|it| share(it.1, worth)).collect();
        let (all, all_values) = (removal_effects.iter().sum(), value_effects.iter().sum());
        let credit = |(effect, value): (&f64, &f64)| Credit {
            conversions: total.conversions * share(*effect, all),
            value: total.value * share(*value, all_values),
        };
        let credits = removal_effects.iter().zip(&value_effects).map(credit).collect();
        let transitions = chances.chunks_exact(width).map(<[f64]>::to_vec).collect();
        Ok(Self { conversion, removal_effects, value_effects, credits, transitions })
    }
}

/// The inverse, by elimination with the largest pivot of each column (Gauss and Jordan).
fn inverse(n: usize, cell: impl Fn(usize, usize) -> f64) -> Option<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..2 * n).map(|j| if j < n { cell(i, j) } else { f64::from(u8::from(j - n == i)) }).collect())
        .collect();
    for at in 0..n {
        let pivot = (at..n).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs()))?;
        rows.swap(at, pivot);
        let by = rows[at][at];
        if by.is_nan() || by.abs() < 1e-300 {
            return None;
        }
        rows[at].iter_mut().for_each(|it| *it /= by);
        let own = rows[at].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|it| it.0 != at) {
            let by = row[at];
            if by != 0.0 {
                row.iter_mut().zip(&own).for_each(|(it, own)| *it -= by * own);
            }
        }
    }
    Some(rows.into_iter().flat_map(|it| it.into_iter().skip(n)).collect())
}

/// A count of Poisson's distribution: by products of uniforms (Knuth), and above 30 in pieces of 30, whose sum it is; above 3,000 by the normal.
fn poisson(mean: f64, draws: &mut Draws) -> f64 {
    let mut uniform = || ((draws.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    if mean > 3_000.0 {
        let normal = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        return (mean + mean.sqrt() * normal).round().max(0.0);
    }
    let (mut left, mut count) = (mean, 0.0);
    while left > 0.0 {
        let limit = (-left.min(30.0)).exp();
        left -= 30.0;
        let mut product = uniform();
        while product > limit {
            count += 1.0;
            product *= uniform();
        }
    }
    count
}
