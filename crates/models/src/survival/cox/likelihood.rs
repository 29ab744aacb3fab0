//! The partial likelihood, its slope and curvature in one pass over the rows, and the climb to its peak.
//!
//! Rows lie in the order of their times. From the last time back, sums of risks over who is at risk give the likelihood; each row's own share of the slope
//! and of the curvature then follows from how much hazard passed while it was at risk, so that no matrix is summed more than once.

use super::super::Lifetimes;
use super::super::linear::{Factor, Standardised, dot};
use super::Ties;
use crate::fault::Fault;

/// Steps of Newton: a concave likelihood of standardised columns needs five or six.
const STEPS: usize = 60;

/// Who ended when, in order.
pub(super) struct Ends {
    /// The places of the rows by time.
    pub(super) order: Vec<usize>,
    /// Whether each ended, in that order.
    pub(super) ended: Vec<bool>,
    /// The times at which somebody ended.
    pub(super) times: Vec<f64>,
    /// Of each such time the rows with that time.
    pub(super) together: Vec<(usize, usize)>,
    /// How many such times each row is at risk after, and until which it is.
    pub(super) from: Vec<u32>,
    pub(super) until: Vec<u32>,
    /// Rows by their entry, the latest first.
    late: Vec<usize>,
    pub(super) ties: Ties,
}

/// The likelihood at one place.
pub(super) struct State {
    pub(super) log_likelihood: f64,
    pub(super) score: Vec<f64>,
    /// Its upper triangle.
    pub(super) information: Vec<f64>,
}

/// Where it is highest.
pub(super) struct Peak {
    pub(super) coefficients: Vec<f64>,
    pub(super) state: State,
    pub(super) factor: Factor,
}

/// Sums over who is at risk at one time at which somebody ended.
pub(super) struct AtRisk<'a> {
    /// Which of those times, by order.
    pub(super) at: usize,
    /// Risks, and risks times columns.
    pub(super) sums: (f64, &'a [f64]),
    /// The same of who ended then.
    pub(super) ending: (f64, &'a [f64]),
    pub(super) count: usize,
}

impl AtRisk<'_> {
    /// The share of the ending ones that counts as gone already when the one of this number ends.
    fn gone(&self, number: usize, ties: Ties) -> f64 {
        if ties == Ties::Efron { number as f64 / self.count as f64 } else { 0.0 }
    }

    /// Of each ending one the share of the others that counts as gone, and what is left of all risks.
    pub(super) fn left(&self, ties: Ties) -> impl Iterator<Item = (f64, f64)> {
        (0..self.count).map(move |number| {
            let gone = self.gone(number, ties);
            (gone, self.sums.0 - gone * self.ending.0)
        })
    }
}

impl Ends {
    pub(super) fn of(lifetimes: &Lifetimes<'_>, ties: Ties) -> Self {
        let times = lifetimes.times;
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by(|a, b| times[*a].total_cmp(&times[*b]));
        let ended: Vec<bool> = order.iter().map(|row| lifetimes.ended[*row]).collect();
        let (mut at, mut together, mut when) = (0, Vec::new(), Vec::new());
        let mut until = vec![0; order.len()];
        for group in order.chunk_by(|a, b| times[*a] == times[*b]) {
            let next = at + group.len();
            if ended[at..next].contains(&true) {
                together.push((at, next));
                when.push(times[group[0]]);
            }
            until[at..next].fill(when.len() as u32);
            at = next;
        }
        let entry = |row: &usize| lifetimes.entry(order[*row]);
        let (mut late, mut from) = (Vec::new(), Vec::new());
        if lifetimes.entries.is_some() {
            late = (0..order.len()).collect();
            late.sort_by(|a, b| entry(b).total_cmp(&entry(a)));
            from = (0..order.len()).map(|row| when.partition_point(|it| *it <= entry(&row)) as u32).collect();
        }
        Self { order, ended, times: when, together, from, until, late, ties }
    }

    /// The risks of all rows, in proportion, and by which logarithm they are less than what the coefficients say.
    pub(super) fn risks(&self, x: &Standardised, coefficients: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let logs: Vec<f64> = x.cells.chunks_exact(x.width).map(|row| dot(row, coefficients)).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let risks = logs.iter().map(|it| (it - most).exp()).collect();
        (logs.iter().map(|it| it - most).collect(), risks)
    }

    /// Calls `each` with the sums at every time at which somebody ended, the last one first.
    pub(super) fn each(&self, x: &Standardised, risks: &[f64], mut each: impl FnMut(&AtRisk<'_>)) {
        let (mut sum, mut columns) = (0.0, vec![0.0; x.width]);
        let mut ending_columns = vec![0.0; x.width];
        let (mut row, mut late) = (risks.len(), 0);
        let add =
            |sums: &mut [f64], at: usize, by: f64| sums.iter_mut().zip(x.row(at)).for_each(|(it, x)| *it += by * x);
        for at in (0..self.together.len()).rev() {
            let (first, end) = self.together[at];
            while row > first {
                row -= 1;
                sum += risks[row];
                add(&mut columns, row, risks[row]);
            }
            // Whoever enters at this time or later is not at risk yet.
            while late < self.late.len() && self.from[self.late[late]] as usize > at {
                sum -= risks[self.late[late]];
                add(&mut columns, self.late[late], -risks[self.late[late]]);
                late += 1;
            }
            let (mut ending, mut count) = (0.0, 0);
            ending_columns.fill(0.0);
            for row in (first..end).filter(|row| self.ended[*row]) {
                ending += risks[row];
                count += 1;
                add(&mut ending_columns, row, risks[row]);
            }
            each(&AtRisk { at, sums: (sum, &columns), ending: (ending, &ending_columns), count });
        }
    }

    /// The likelihood, its slope and its curvature at these coefficients.
    pub(super) fn at(&self, x: &Standardised, coefficients: &[f64]) -> State {
        let (width, (logs, risks)) = (x.width, self.risks(x, coefficients));
        let mut log_likelihood: f64 = logs.iter().zip(&self.ended).filter(|it| *it.1).map(|it| it.0).sum();
        let mut information = vec![0.0; width * width];
        // Of each time: the hazard that passes then, and how much less of it who ends then has.
        let mut passing = vec![(0.0, 0.0); self.times.len()];
        self.each(x, &risks, |it| {
            let (mut hazard, mut less, mut squares) = (0.0, 0.0, [0.0; 3]);
            for (gone, left) in it.left(self.ties) {
                log_likelihood -= left.ln();
                let each = 1.0 / left;
                hazard += each;
                less += gone * each;
                let square = each * each;
                squares[0] += square;
                squares[1] += gone * square;
                squares[2] += gone * gone * square;
            }
            passing[it.at] = (hazard, less);
            let (all, ending) = (it.sums.1, it.ending.1);
            for i in 0..width {
                let by_all = squares[0] * all[i] - squares[1] * ending[i];
                let by_ending = squares[2] * ending[i] - squares[1] * all[i];
                for j in i..width {
                    information[i * width + j] -= by_all * all[j] + by_ending * ending[j];
                }
            }
        });
        let score = self.add_rows(x, &risks, &passing, &mut information);
        State { log_likelihood, score, information }
    }

    /// Adds what each row itself contributes to the curvature, and returns the slope.
    fn add_rows(&self, x: &Standardised, risks: &[f64], passing: &[(f64, f64)], information: &mut [f64]) -> Vec<f64> {
        let width = x.width;
        let passed: Vec<f64> = std::iter::once(0.0)
            .chain(passing.iter().scan(0.0, |sum, it| {
                *sum += it.0;
                Some(*sum)
            }))
            .collect();
        let mut score = vec![0.0; width];
        for (row, cells) in x.cells.chunks_exact(width).enumerate() {
            let until = self.until[row] as usize;
            let mut hazard = passed[until] - self.from.get(row).map_or(0.0, |it| passed[*it as usize]);
            let mut own = 0.0;
            if self.ended[row] {
                hazard -= passing[until - 1].1;
                own = 1.0;
            }
            let expected = hazard * risks[row];
            for (i, cell) in cells.iter().enumerate() {
                score[i] += (own - expected) * cell;
                let by = expected * cell;
                let line = &mut information[i * width + i..(i + 1) * width];
                line.iter_mut().zip(&cells[i..]).for_each(|(sum, other)| *sum += by * other);
            }
        }
        score
    }
}

/// Newton's way up from nothing.
pub(super) fn climb(ends: &Ends, x: &Standardised, null: &State) -> Result<Peak, Fault> {
    let width = x.width;
    let mut coefficients = vec![0.0; width];
    let mut state =
        State { log_likelihood: null.log_likelihood, score: null.score.clone(), information: null.information.clone() };
    for _ in 0..STEPS {
        let factor = Factor::of(&state.information, width).map_err(|_| ENDLESS)?;
        let step = factor.solved(&state.score);
        let farthest = step.iter().fold(0.0_f64, |most, it| most.max(it.abs()));
        if !farthest.is_finite() {
            return Err(Fault::DidNotSettle);
        }
        if farthest <= 1e-8 {
            return Ok(Peak { coefficients, state, factor });
        }
        let mut share = 1.0_f64.min(4.0 / farthest);
        loop {
            let tried: Vec<f64> = coefficients.iter().zip(&step).map(|(it, step)| it + share * step).collect();
            let there = ends.at(x, &tried);
            let gain = there.log_likelihood - state.log_likelihood;
            let rounding = 1e-12 * (1.0 + state.log_likelihood.abs());
            if gain >= -rounding {
                // The peak is nowhere if the likelihood is all but flat and the way is still long.
                if gain <= 1e-9 * (1.0 + state.log_likelihood.abs()) && farthest > 0.05 {
                    return Err(ENDLESS);
                }
                (coefficients, state) = (tried, there);
                break;
            }
            share /= 2.0;
            if share < 1e-10 {
                return Err(Fault::DidNotSettle);
            }
        }
    }
    Err(Fault::DidNotSettle)
}

/// Why there is no peak where the likelihood rises for ever.
const ENDLESS: Fault = Fault::NotIdentified {
    why: "how strong a column is: it tells without fail who ends, as what is known only afterwards does",
};
