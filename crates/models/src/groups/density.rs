//! Groups of any shape as places that are denser than what is between them (HDBSCAN: Campello, Moulavi and Sander 2013; McInnes and Healy 2017).
//!
//! Two rows reach each other at the greatest of their distance and of both distances to their own n-th neighbours, so that rows in thin places are far from
//! all. The shortest tree over all rows by that, cut ever shorter, falls apart into groups; those that last longest while it does are taken.
//!
//! Time goes with the square of the rows, memory with the rows.

mod hierarchy;

use super::neighbours::distances;
use super::points::{Points, by_size};
use crate::fault::Fault;
use hierarchy::Condensed;

/// Dense groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    /// The group of each row, or none for rows in thin places.
    pub labels: Vec<Option<usize>>,
    /// How deep each is in its group: 1 where it is densest, 0 for those in none.
    pub strengths: Vec<f64>,
    /// Of each group how long it lasts: the sum over its rows of the densities over which they are in it.
    pub stabilities: Vec<f64>,
}

/// An edge of the tree, by the squared distance.
#[derive(Clone, Copy)]
struct Edge {
    a: u32,
    b: u32,
    square: f64,
}

impl Density {
    /// Groups of at least `smallest` rows; `neighbours` says how far a row's density is looked for, itself counted. All rows together are never a group: then
    /// all are in none.
    pub fn fit(points: &Points, smallest: usize, neighbours: usize) -> Result<Self, Fault> {
        let need = smallest.max(neighbours).max(2);
        if smallest < 2 || neighbours == 0 {
            return Err(Fault::TooFew { what: "rows a group and neighbours", have: smallest.min(neighbours), need: 2 });
        }
        if points.len() < need {
            return Err(Fault::TooFew { what: "rows", have: points.len(), need });
        }
        if points.len() > u32::MAX as usize / 2 {
            return Err(Fault::Shape { what: "rows", have: points.len(), need: u32::MAX as usize / 2 });
        }
        let mut edges = shortest_tree(points, &distances(points, neighbours));
        edges.sort_by(|a, b| a.square.total_cmp(&b.square));
        let condensed = Condensed::of(&edges, points.len(), smallest);
        let (labels, strengths, stabilities) = condensed.chosen(points.len());
        let groups = stabilities.len();
        let numbers = by_size(labels.iter().flatten().copied(), groups);
        let mut sorted = vec![0.0; groups];
        numbers.iter().zip(&stabilities).for_each(|(number, it)| sorted[*number] = *it);
        let labels = labels.into_iter().map(|it| it.map(|it| numbers[it])).collect();
        Ok(Self { labels, strengths, stabilities: sorted })
    }
}

/// The tree by growing from one row (Prim 1957), over rows kept column by column, in which those outside the tree lie side by side.
fn shortest_tree(points: &Points, cores: &[f64]) -> Vec<Edge> {
    let n = points.len();
    let mut columns: Vec<Vec<f64>> = (0..points.width).map(|c| points.rows().map(|row| row[c]).collect()).collect();
    let mut cores = cores.to_vec();
    let mut rows: Vec<u32> = (0..n as u32).collect();
    let (mut reach, mut from) = (vec![f64::INFINITY; n], vec![0u32; n]);
    let (mut apart, mut sums) = (vec![0.0; n], vec![0.0; n]);
    let mut edges = Vec::with_capacity(n.saturating_sub(1));
    let mut next = n - 1;
    for left in (1..n).rev() {
        let (row, core) = (rows[next], cores[next]);
        let own: Vec<f64> = columns.iter().map(|column| column[next]).collect();
        columns.iter_mut().for_each(|column| column.swap(next, left));
        cores.swap(next, left);
        rows.swap(next, left);
        reach.swap(next, left);
        from.swap(next, left);
        let apart = &mut apart[..left];
        apart.fill(core);
        // Sums of squares, then the greatest of the three.
        let sum = &mut sums[..left];
        sum.fill(0.0);
        for (column, own) in columns.iter().zip(&own) {
            sum.iter_mut().zip(&column[..left]).for_each(|(sum, x)| *sum += (x - own) * (x - own));
        }
        for ((apart, sum), core) in apart.iter_mut().zip(sum.iter()).zip(&cores[..left]) {
            let far = if *sum > *core { *sum } else { *core };
            *apart = if far > *apart { far } else { *apart };
        }
        for ((apart, reach), from) in apart.iter().zip(&mut reach[..left]).zip(&mut from[..left]) {
            let nearer = *apart < *reach;
            *reach = if nearer { *apart } else { *reach };
            *from = if nearer { row } else { *from };
        }
        let mut least = f64::INFINITY;
        next = 0;
        for (at, it) in reach[..left].iter().enumerate() {
            if *it < least {
                (least, next) = (*it, at);
            }
        }
        edges.push(Edge { a: from[next], b: rows[next], square: reach[next] });
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::super::points::apart;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Oracle: all distances sorted, and of all edges the shortest that join what is not joined yet (Kruskal 1956): any two shortest trees have the same
        /// lengths.
        #[test]
        fn neighbours_and_tree_are_the_shortest(cells in prop::collection::vec(-9i8..9, 3..300), count in 1usize..6) {
            let n = cells.len() / 3;
            let columns: Vec<Vec<f64>> = (0..3).map(|c| (0..n).map(|row| f64::from(cells[row * 3 + c])).collect()).collect();
            let points = Points::of(&columns).unwrap();
            let count = count.min(n);
            let cores = distances(&points, count);
            let square = |a: usize, b: usize| apart(points.row(a), points.row(b));
            for (row, core) in cores.iter().enumerate() {
                let mut all: Vec<f64> = (0..n).map(|other| square(row, other)).collect();
                all.sort_by(f64::total_cmp);
                prop_assert_eq!(*core, all[count - 1]);
            }
            let reach = |a: usize, b: usize| square(a, b).max(cores[a]).max(cores[b]);
            let mut pairs: Vec<(f64, usize, usize)> = (0..n).flat_map(|a| (0..a).map(move |b| (a, b))).map(|(a, b)| (reach(a, b), a, b)).collect();
            pairs.sort_by(|x, y| x.0.total_cmp(&y.0));
            let mut part: Vec<usize> = (0..n).collect();
            let mut wanted = Vec::new();
            for (square, a, b) in pairs {
                let (own, other) = (part[a], part[b]);
                if own != other {
                    part.iter_mut().filter(|it| **it == other).for_each(|it| *it = own);
                    wanted.push(square);
                }
            }
            let mut found: Vec<f64> = shortest_tree(&points, &cores).iter().map(|it| it.square).collect();
            found.sort_by(f64::total_cmp);
            prop_assert_eq!(found, wanted);
        }
    }
}
