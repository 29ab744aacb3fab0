//! Groups around means: the sum of squared distances to them is least (Lloyd 1957, published 1982).
//!
//! Begins with rows far from each other (k-means++, Arthur and Vassilvitskii 2007, the best of a few draws each), and leaves out distances that bounds on them
//! show to be of no interest (Hamerly 2010, "Making k-means even faster"), which changes nothing in the result.
//!
//! Does not do: find the least sum for certain; several starts are tried and the best is taken.

use super::points::{Points, apart, by_size};
use crate::fault::Fault;
use crate::resampling::Draws;

/// How to look for groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many groups.
    pub groups: usize,
    /// From how many beginnings.
    pub starts: usize,
    /// How many steps at most from each.
    pub steps: usize,
    /// What chance follows from.
    pub seed: u64,
}

impl Options {
    /// Ten beginnings, up to 300 steps each.
    pub fn groups(groups: usize, seed: u64) -> Self {
        Self { groups, starts: 10, steps: 300, seed }
    }

    /// That there are as many rows that differ as there are to be groups.
    pub(super) fn check(&self, points: &Points) -> Result<(), Fault> {
        if self.groups == 0 {
            return Err(Fault::TooFew { what: "groups", have: 0, need: 1 });
        }
        let have = points.distinct(self.groups);
        if have < self.groups {
            Err(Fault::TooFew { what: "rows that differ", have, need: self.groups })
        } else {
            Ok(())
        }
    }
}

/// Up to how many rows single ones are exchanged at the end: among more, one row hardly moves a mean.
const EXCHANGED: usize = 20_000;

/// Groups around means.
#[derive(Clone, Debug, PartialEq)]
pub struct KMeans {
    /// The mean of each group.
    pub centres: Vec<Vec<f64>>,
    /// The group of each row.
    pub labels: Vec<usize>,
    /// The sum of squared distances to the means ("inertia").
    pub inertia: f64,
}

impl KMeans {
    /// The best of several beginnings.
    pub fn fit(points: &Points, options: &Options) -> Result<Self, Fault> {
        options.check(points)?;
        let mut draws = Draws::new(options.seed);
        let mut best: Option<Self> = None;
        for _ in 0..options.starts.max(1) {
            let centres = beginning(points, options.groups, &mut draws);
            let centres = settled_on_some(points, centres, options.steps, &mut draws);
            let found = Lloyd::new(points, centres).run(options.steps);
            if best.as_ref().is_none_or(|it| found.inertia < it.inertia) {
                best = Some(found);
            }
        }
        let found = best.filter(|it| it.inertia.is_finite()).ok_or(Fault::DidNotSettle)?;
        let numbers = by_size(found.labels.iter().copied(), options.groups);
        let mut centres = vec![Vec::new(); options.groups];
        found.centres.into_iter().zip(&numbers).for_each(|(it, number)| centres[*number] = it);
        Ok(Self { centres, labels: found.labels.iter().map(|it| numbers[*it]).collect(), inertia: found.inertia })
    }

    /// The nearest group of a row; of equally near ones the first.
    pub fn group(&self, row: &[f64]) -> usize {
        nearest(row, &self.centres.concat()).0
    }
}

/// How many rows the beginning is drawn from at most: more say nothing new about where groups lie.
const LOOKED_AT: usize = 20_000;

/// From how many rows on the first steps are taken with some of them: all then need only a few steps more.
const MANY: usize = 4 * LOOKED_AT;

/// Where the centres come to rest with some of many rows.
fn settled_on_some(points: &Points, centres: Vec<f64>, steps: usize, draws: &mut Draws) -> Vec<f64> {
    let size = LOOKED_AT.max(200 * (centres.len() / points.width.max(1)));
    if points.len() < MANY.max(4 * size) {
        return centres;
    }
    let places: Vec<usize> = (0..size).map(|_| draws.below(points.len())).collect();
    let some = points.at(&places);
    let mut lloyd = Lloyd::new(&some, centres);
    lloyd.settle(steps);
    lloyd.centres
}

/// Rows far from each other, one after the other with a chance by their squared distance to those before.
pub(super) fn beginning(points: &Points, groups: usize, draws: &mut Draws) -> Vec<f64> {
    let some;
    let mut from = points;
    if points.len() > LOOKED_AT.max(50 * groups) {
        let places: Vec<usize> = (0..LOOKED_AT.max(50 * groups)).map(|_| draws.below(points.len())).collect();
        some = points.at(&places);
        from = &some;
    }
    let first = draws.below(from.len());
    let mut centres = from.row(first).to_vec();
    let mut left: Vec<f64> = from.rows().map(|it| apart(it, from.row(first))).collect();
    let tries = 2 + (groups as f64).ln() as usize;
    for _ in 1..groups {
        let total: f64 = left.iter().sum();
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        for _ in 0..tries {
            let at = drawn(&left, total, draws);
            let after: Vec<f64> = from.rows().zip(&left).map(|(it, left)| apart(it, from.row(at)).min(*left)).collect();
            let sum = after.iter().sum();
            if best.as_ref().is_none_or(|it| sum < it.0) {
                best = Some((sum, at, after));
            }
        }
        let (_, at, after) = best.expect("a draw");
        centres.extend_from_slice(from.row(at));
        left = after;
    }
    centres
}

/// A place with a chance by its weight.
fn drawn(weights: &[f64], total: f64, draws: &mut Draws) -> usize {
    let mut goal = (draws.next() >> 11) as f64 / (1u64 << 53) as f64 * total;
    for (at, weight) in weights.iter().enumerate() {
        goal -= weight;
        if goal < 0.0 {
            return at;
        }
    }
    // Nothing is left apart, or rounding: any row with the largest weight.
    (0..weights.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b])).unwrap_or_default()
}

/// The nearest centre, its squared distance, and that of the second nearest.
fn nearest(row: &[f64], centres: &[f64]) -> (usize, f64, f64) {
    let mut found = (0, f64::INFINITY, f64::INFINITY);
    for (at, centre) in centres.chunks_exact(row.len()).enumerate() {
        let distance = apart(row, centre);
        if distance < found.1 {
            found = (at, distance, found.1);
        } else if distance < found.2 {
            found.2 = distance;
        }
    }
    found
}

/// The way from one beginning.
struct Lloyd<'a> {
    points: &'a Points,
    centres: Vec<f64>,
    labels: Vec<usize>,
    /// Bounds on the distance to the own centre from above, and to the second nearest from below.
    upper: Vec<f64>,
    lower: Vec<f64>,
    sums: Vec<f64>,
    counts: Vec<usize>,
}

impl<'a> Lloyd<'a> {
    fn new(points: &'a Points, centres: Vec<f64>) -> Self {
        let (n, groups) = (points.len(), centres.len() / points.width);
        let (sums, counts) = (vec![0.0; centres.len()], vec![0; groups]);
        Self { points, centres, labels: vec![0; n], upper: vec![0.0; n], lower: vec![0.0; n], sums, counts }
    }

    /// Steps until no row changes its group.
    fn settle(&mut self, steps: usize) {
        self.assign_all();
        for _ in 0..steps {
            self.fill_empty();
            let moved = self.move_centres();
            if !moved.iter().any(|it| *it > 0.0) {
                break;
            }
            if !self.assign(&moved) {
                break;
            }
        }
    }

    fn run(mut self, steps: usize) -> KMeans {
        self.settle(steps);
        // Exactly, without the bounds and without what sums gathered of rounding.
        self.assign_all();
        self.fill_empty();
        self.gather();
        if self.labels.len() <= EXCHANGED {
            (0..steps.min(50)).find(|_| !self.exchange());
            self.gather();
        }
        let width = self.points.width;
        let own = |label: &usize| &self.centres[label * width..(label + 1) * width];
        let inertia = self.points.rows().zip(&self.labels).map(|(row, label)| apart(row, own(label))).sum();
        KMeans {
            centres: self.centres.chunks_exact(width).map(<[f64]>::to_vec).collect(),
            labels: self.labels,
            inertia,
        }
    }

    /// Moves every row that lowers the sum by changing its group, means included, which nearness alone does not see (Hartigan and Wong 1979); whether any
    /// did.
    fn exchange(&mut self) -> bool {
        let (width, mut changed) = (self.points.width, false);
        for at in 0..self.labels.len() {
            let (row, label) = (self.points.row(at), self.labels[at]);
            let size = self.counts[label] as f64;
            if size < 2.0 {
                continue;
            }
            let distance = |group: usize| apart(row, &self.centres[group * width..(group + 1) * width]);
            let gain = distance(label) * size / (size - 1.0);
            let cost = |group: usize| distance(group) * self.counts[group] as f64 / (self.counts[group] as f64 + 1.0);
            let others = (0..self.counts.len()).filter(|it| *it != label).map(|it| (cost(it), it));
            let Some((least, group)) = others.min_by(|a, b| a.0.total_cmp(&b.0)) else { return false };
            if least < gain * (1.0 - 1e-12) {
                self.relabel(at, group);
                for moved in [label, group] {
                    let count = self.counts[moved] as f64;
                    let sums = &self.sums[moved * width..(moved + 1) * width];
                    self.centres[moved * width..].iter_mut().zip(sums).for_each(|(cell, sum)| *cell = sum / count);
                }
                changed = true;
            }
        }
        changed
    }

    fn assign_all(&mut self) {
        self.sums.fill(0.0);
        self.counts.fill(0);
        for (at, row) in self.points.rows().enumerate() {
            let (label, own, second) = nearest(row, &self.centres);
            (self.labels[at], self.upper[at], self.lower[at]) = (label, own.sqrt(), second.sqrt());
            self.counts[label] += 1;
            add(&mut self.sums, label, row, 1.0);
        }
    }

    /// Sums anew, without what rows that came and went left of rounding, and the means of them.
    fn gather(&mut self) {
        self.sums.fill(0.0);
        let points = self.points;
        points.rows().zip(&self.labels).for_each(|(row, label)| add(&mut self.sums, *label, row, 1.0));
        self.move_centres();
    }

    /// The means of the groups become their centres; how far each moved.
    fn move_centres(&mut self) -> Vec<f64> {
        let width = self.points.width;
        let mut moved = Vec::new();
        for (at, centre) in self.centres.chunks_exact_mut(width).enumerate() {
            let mut square = 0.0;
            for (cell, sum) in centre.iter_mut().zip(&self.sums[at * width..]) {
                let mean = sum / self.counts[at].max(1) as f64;
                square += (mean - *cell) * (mean - *cell);
                *cell = mean;
            }
            moved.push(square.sqrt());
        }
        moved
    }

    /// A group that lost all its rows takes the one that is farthest from its centre.
    fn fill_empty(&mut self) {
        while let Some(empty) = self.counts.iter().position(|it| *it == 0) {
            let width = self.points.width;
            let own = |at: usize| {
                let label = self.labels[at];
                apart(self.points.row(at), &self.centres[label * width..(label + 1) * width])
            };
            let movable = (0..self.labels.len()).filter(|at| self.counts[self.labels[*at]] > 1);
            let Some(at) = movable.max_by(|a, b| own(*a).total_cmp(&own(*b))) else { return };
            self.relabel(at, empty);
            (self.upper[at], self.lower[at]) = (f64::INFINITY, 0.0);
        }
    }

    fn relabel(&mut self, at: usize, label: usize) {
        let before = std::mem::replace(&mut self.labels[at], label);
        self.counts[before] -= 1;
        self.counts[label] += 1;
        add(&mut self.sums, before, self.points.row(at), -1.0);
        add(&mut self.sums, label, self.points.row(at), 1.0);
    }

    /// Finds each row's nearest centre again, where the bounds leave it open; whether any changed.
    fn assign(&mut self, moved: &[f64]) -> bool {
        let width = self.points.width;
        let centre = |at: usize, all: &[f64]| all[at * width..(at + 1) * width].to_vec();
        let groups = self.counts.len();
        let half: Vec<f64> = (0..groups)
            .map(|a| {
                let others = (0..groups).filter(|b| *b != a);
                let least = others.map(|b| apart(&centre(a, &self.centres), &centre(b, &self.centres)));
                least.fold(f64::INFINITY, f64::min).sqrt() / 2.0
            })
            .collect();
        let farthest = (0..groups).max_by(|a, b| moved[*a].total_cmp(&moved[*b])).unwrap_or_default();
        let second = (0..groups).filter(|it| *it != farthest).map(|it| moved[it]).fold(0.0, f64::max);
        let mut changed = false;
        for at in 0..self.labels.len() {
            let label = self.labels[at];
            self.upper[at] += moved[label];
            self.lower[at] -= if label == farthest { second } else { moved[farthest] };
            let bound = half[label].max(self.lower[at]);
            if self.upper[at] < bound {
                continue;
            }
            let row = self.points.row(at);
            self.upper[at] = apart(row, &self.centres[label * width..(label + 1) * width]).sqrt();
            if self.upper[at] < bound {
                continue;
            }
            let (found, own, second) = nearest(row, &self.centres);
            (self.upper[at], self.lower[at]) = (own.sqrt(), second.sqrt());
            if found != label {
                changed = true;
                self.relabel(at, found);
            }
        }
        changed
    }
}

fn add(sums: &mut [f64], label: usize, row: &[f64], sign: f64) {
    let width = row.len();
    sums[label * width..(label + 1) * width].iter_mut().zip(row).for_each(|(sum, it)| *sum += sign * it);
}
