//! Whether groups are more than what k-means finds where there are none: it parts every cloud, and finds the parts of an even one again and again.
//!
//! Does not do: say which groups; see [`choice`](super::choice) for how many there are.

use super::agreement::silhouette;
use super::kmeans::{KMeans, Options};
use super::points::Points;
use crate::resampling::Draws;
use crate::symmetric::eigen;

/// How many rows are looked at: of more the comparison says nothing else, and takes longer.
const LOOKED_AT: usize = 1_000;
/// From how many beginnings each cloud is parted.
const STARTS: usize = 3;

/// How well rows are parted, beside clouds without groups that are parted into as many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// The silhouette of the rows.
    pub silhouette: f64,
    /// The highest of clouds that are spread evenly over the rows' box along their main axes.
    pub even: f64,
    /// The highest of the rows with each column shuffled by itself: what is parted there is parted by one column alone, and columns do not go together.
    pub shuffled: f64,
}

impl Chance {
    /// By how much the rows are better parted than the best parted cloud.
    pub fn above(&self) -> f64 {
        self.silhouette - self.even.max(self.shuffled)
    }
}

/// Parts the rows, and `clouds` clouds of each kind, into `groups` (after the gap statistic of Tibshirani, Walther and Hastie 2001, which draws its clouds along
/// the main axes; with the silhouette in the place of the sum of squares, since it needs no number of groups to be compared with). With 19 clouds, rows without
/// groups are above all of a kind in one case of twenty. Of more than 1,000 rows so many are drawn. `None` if the rows cannot be parted.
pub fn chance(points: &Points, groups: usize, clouds: usize, seed: u64) -> Option<Chance> {
    let mut draws = Draws::new(seed);
    let some;
    let rows = if points.len() > LOOKED_AT {
        let order = draws.order(points.len());
        some = points.at(&order[..LOOKED_AT]);
        &some
    } else {
        points
    };
    let parted = |points: &Points, seed: u64| {
        let fit = KMeans::fit(points, &Options { starts: STARTS, ..Options::groups(groups, seed) }).ok()?;
        silhouette(points, &fit.labels)
    };
    let own = parted(rows, seed)?;
    let axes = Axes::of(rows);
    let mut highest = |cloud: &dyn Fn(&mut Draws) -> Points| {
        let found = (0..clouds).filter_map(|_| {
            let cloud = cloud(&mut draws);
            parted(&cloud, draws.next())
        });
        found.fold(-1.0, f64::max)
    };
    let even = highest(&|draws| axes.even(rows.len(), draws));
    let shuffled = highest(&|draws| shuffled(rows, draws));
    Some(Chance { silhouette: own, even, shuffled })
}

/// Each column in an order of its own.
fn shuffled(points: &Points, draws: &mut Draws) -> Points {
    let (width, n) = (points.width, points.len());
    let mut cells = vec![0.0; n * width];
    for column in 0..width {
        for (row, from) in draws.order(n).into_iter().enumerate() {
            cells[row * width + column] = points.cells[from * width + column];
        }
    }
    Points { width, cells }
}

/// The box of rows along their main axes.
struct Axes {
    vectors: Vec<Vec<f64>>,
    ends: Vec<(f64, f64)>,
}

impl Axes {
    fn of(points: &Points) -> Self {
        let (width, n) = (points.width, points.len() as f64);
        let mut products = vec![vec![0.0; width]; width];
        let means: Vec<f64> = (0..width).map(|it| points.moments(it).0).collect();
        for row in points.rows() {
            for i in 0..width {
                for j in 0..width {
                    products[i][j] += (row[i] - means[i]) * (row[j] - means[j]) / n;
                }
            }
        }
        let vectors: Vec<Vec<f64>> = eigen(&products).into_iter().map(|it| it.1).collect();
        let along = |vector: &Vec<f64>| {
            let at = |row: &[f64]| row.iter().zip(vector).map(|(a, b)| a * b).sum::<f64>();
            points
                .rows()
                .map(at)
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)))
        };
        let ends = vectors.iter().map(along).collect();
        Self { vectors, ends }
    }

    /// So many rows spread evenly over it.
    fn even(&self, rows: usize, draws: &mut Draws) -> Points {
        let width = self.vectors.len();
        let mut cells = vec![0.0; rows * width];
        for row in cells.chunks_exact_mut(width) {
            for (vector, (low, high)) in self.vectors.iter().zip(&self.ends) {
                let along = low + (high - low) * ((draws.next() >> 11) as f64 / (1u64 << 53) as f64);
                row.iter_mut().zip(vector).for_each(|(cell, it)| *cell += along * it);
            }
        }
        Points { width, cells }
    }
}
