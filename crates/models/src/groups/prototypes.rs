//! Groups of rows with numbers and categories (k-prototypes, Huang 1998, "Extensions to the k-means algorithm for clustering large data sets with categorical
//! values"): the distance is the squared one of the numbers plus a weight for each category that differs.

use std::collections::HashMap;

use super::kmeans::{Options, beginning};
use super::points::{Points, apart, by_size};
use crate::fault::Fault;
use crate::resampling::Draws;

/// Groups around means of numbers and most frequent categories.
#[derive(Clone, Debug, PartialEq)]
pub struct Prototypes {
    /// Of each group the means.
    pub centres: Vec<Vec<f64>>,
    /// And the most frequent category of each column.
    pub modes: Vec<Vec<u32>>,
    /// The group of each row.
    pub labels: Vec<usize>,
    /// The sum of distances.
    pub cost: f64,
    /// What a category that differs weighs.
    pub weight: f64,
}

impl Prototypes {
    /// The best of several beginnings. Numbers are best standardised; `categories` are columns of places in lists. `weight` is what a category that differs
    /// counts; `None` takes half the mean variance of the numbers (Huang's advice), which is .5 for standardised ones.
    pub fn fit(
        points: &Points,
        categories: &[Vec<u32>],
        weight: Option<f64>,
        options: &Options,
    ) -> Result<Self, Fault> {
        options.check(points)?;
        for column in categories {
            if column.len() != points.len() {
                return Err(Fault::Shape { what: "rows of a column", have: column.len(), need: points.len() });
            }
        }
        let variance =
            (0..points.width).map(|it| points.moments(it).1.powi(2)).sum::<f64>() / points.width.max(1) as f64;
        let weight = weight.unwrap_or(variance / 2.0);
        if !weight.is_finite() || weight < 0.0 {
            return Err(Fault::NotIdentified {
                why: "distances: the weight of categories is negative or not a number",
            });
        }
        let mut draws = Draws::new(options.seed);
        let runs = (0..options.starts.max(1)).map(|_| Self::from(points, categories, weight, options, &mut draws));
        let best = runs.min_by(|a, b| a.cost.total_cmp(&b.cost)).filter(|it| it.cost.is_finite());
        let mut best = best.ok_or(Fault::DidNotSettle)?;
        let numbers = by_size(best.labels.iter().copied(), options.groups);
        best.labels.iter_mut().for_each(|it| *it = numbers[*it]);
        let order = |at: usize| numbers.iter().position(|it| *it == at).expect("each number once");
        let places: Vec<usize> = (0..options.groups).map(order).collect();
        best.centres = places.iter().map(|at| best.centres[*at].clone()).collect();
        best.modes = places.iter().map(|at| best.modes[*at].clone()).collect();
        Ok(best)
    }

    fn from(points: &Points, categories: &[Vec<u32>], weight: f64, options: &Options, draws: &mut Draws) -> Self {
        let centres: Vec<Vec<f64>> =
            beginning(points, options.groups, draws).chunks_exact(points.width).map(<[f64]>::to_vec).collect();
        // The categories of the row that a group begins with.
        let begun = |centre: &Vec<f64>| {
            let at = points.rows().position(|it| it == &centre[..]).unwrap_or_default();
            categories.iter().map(|column| column[at]).collect()
        };
        let modes = centres.iter().map(begun).collect();
        let mut found = Self { centres, modes, labels: vec![usize::MAX; points.len()], cost: f64::INFINITY, weight };
        for _ in 0..options.steps.max(1) {
            if !found.assign(points, categories) {
                break;
            }
            found.settle(points, categories);
        }
        found
    }

    /// Gives each row its nearest group; whether any changed.
    fn assign(&mut self, points: &Points, categories: &[Vec<u32>]) -> bool {
        let (mut changed, mut cost) = (false, 0.0);
        for (at, row) in points.rows().enumerate() {
            let distance = |group: usize| {
                let differing = categories.iter().zip(&self.modes[group]).filter(|(column, mode)| column[at] != **mode);
                apart(row, &self.centres[group]) + self.weight * differing.count() as f64
            };
            let distances: Vec<f64> = (0..self.centres.len()).map(distance).collect();
            let label = (0..distances.len()).min_by(|a, b| distances[*a].total_cmp(&distances[*b])).unwrap_or_default();
            cost += distances[label];
            changed |= self.labels[at] != label;
            self.labels[at] = label;
        }
        self.cost = cost;
        changed
    }

    /// Means and most frequent categories of the groups; one without rows stays where it is.
    fn settle(&mut self, points: &Points, categories: &[Vec<u32>]) {
        for group in 0..self.centres.len() {
            let places: Vec<usize> = (0..self.labels.len()).filter(|at| self.labels[*at] == group).collect();
            if places.is_empty() {
                continue;
            }
            for (column, cell) in self.centres[group].iter_mut().enumerate() {
                *cell = places.iter().map(|at| points.row(*at)[column]).sum::<f64>() / places.len() as f64;
            }
            for (column, mode) in categories.iter().zip(&mut self.modes[group]) {
                let mut counts = HashMap::<u32, usize>::new();
                places.iter().for_each(|at| *counts.entry(column[*at]).or_default() += 1);
                let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
                *mode = most.map_or(*mode, |it| it.0);
            }
        }
    }
}
