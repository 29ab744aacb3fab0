//! Linear models over sparse vectors, by coordinate descent in the dual (Hsieh et al. 2008; Ho and Lin 2012): ridge regression for figures, the squared
//! hinge for classes.
//!
//! Always holds: the same rows in the same order give the same weights; an unlearnable input (no rows, no features) gives weights of 0.

use crate::features::Sparse;

/// What is made small.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Loss {
    /// The square of the difference to the target.
    Square,
    /// The square of what is missing to 1 on the side of the target's sign.
    Hinge,
}

/// Rows one after another.
#[derive(Default)]
pub(crate) struct Rows {
    entries: Sparse,
    ends: Vec<usize>,
    width: usize,
}

impl Rows {
    pub fn push(&mut self, row: &[(u32, f32)]) {
        self.entries.extend_from_slice(row);
        self.ends.push(self.entries.len());
        self.width = row.iter().map(|(place, _)| *place as usize + 1).fold(self.width, usize::max);
    }

    pub fn row(&self, at: usize) -> &[(u32, f32)] {
        let from = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.entries[from..self.ends[at]]
    }
}

/// A weight for every place, and what is added to every sum.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Weights {
    pub places: Vec<f32>,
    pub bias: f32,
}

impl Weights {
    pub fn sum(&self, row: &[(u32, f32)]) -> f32 {
        row.iter()
            .map(|(place, value)| self.places.get(*place as usize).map_or(0.0, |weight| weight * value))
            .sum::<f32>()
            + self.bias
    }
}

impl Weights {
    /// What one entry of a row adds to its sum.
    pub fn part(&self, (place, value): &(u32, f32)) -> f64 {
        f64::from(self.places.get(*place as usize).copied().unwrap_or_default() * value)
    }
}

const MOST_ROUNDS: usize = 60;

/// The weights of the rows in `which` that make `|w|²/2 + cost · Σ loss` small, to a hundredth of the first round's largest step.
pub(crate) fn learn(rows: &Rows, which: &[u32], targets: impl Fn(u32) -> f32, loss: Loss, cost: f32) -> Weights {
    let mut weights = Weights { places: vec![0.0; rows.width], bias: 0.0 };
    let ridge = 0.5 / cost;
    let square = |row: &u32| rows.row(*row as usize).iter().map(|(_, value)| value * value).sum::<f32>() + 1.0 + ridge;
    let squares: Vec<f32> = which.iter().map(square).collect();
    let mut duals = vec![0.0f32; which.len()];
    let mut order: Vec<u32> = (0..which.len() as u32).collect();
    let (mut seed, mut first_step) = (0x2545_f491_4f6c_dd1du64, 0.0f32);
    for round in 0..MOST_ROUNDS {
        shuffle(&mut order, &mut seed);
        let mut largest = 0.0f32;
        for at in &order {
            let at = *at as usize;
            let row = rows.row(which[at] as usize);
            let target = targets(which[at]);
            let sign = if loss == Loss::Hinge { target.signum() } else { 1.0 };
            let wanted = if loss == Loss::Hinge { 1.0 } else { target };
            let gradient = sign * weights.sum(row) - wanted + ridge * duals[at];
            let mut dual = duals[at] - gradient / squares[at];
            if loss == Loss::Hinge {
                dual = dual.max(0.0);
            }
            let step = (dual - duals[at]) * sign;
            if step != 0.0 {
                row.iter().for_each(|(place, value)| weights.places[*place as usize] += step * value);
                weights.bias += step;
                duals[at] = dual;
                largest = largest.max(step.abs());
            }
        }
        if round == 0 {
            first_step = largest;
        }
        if largest <= first_step * 0.01 {
            break;
        }
    }
    weights
}

fn shuffle(order: &mut [u32], seed: &mut u64) {
    for at in (1..order.len()).rev() {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        order.swap(at, (*seed % (at as u64 + 1)) as usize);
    }
}
