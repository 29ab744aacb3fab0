//! Whether groups come again, and how many to take.

use super::agreement::{jaccard, silhouette};
use super::kmeans::{KMeans, Options};
use super::points::Points;
use crate::fault::Fault;
use crate::resampling::Draws;

/// From which likeness on a group is one that comes again: Hennig's; below .6 it is not to be trusted, from .85 on it is very stable.
pub const STABLE: f64 = 0.75;

/// From which mean silhouette on groups are parted at all: below it Kaufman and Rousseeuw (1990, "Finding groups in data") see no structure.
const PARTED: f64 = 0.25;

/// How many rows a sample has at most: whether groups come again shows in so many.
const DRAWN: usize = 5_000;

/// What is known of one number of groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The groups.
    pub fit: KMeans,
    /// How well they are parted.
    pub silhouette: Option<f64>,
    /// Of each group how well it comes again: 1 is always.
    pub stability: Vec<f64>,
}

impl Candidate {
    /// Whether every group comes again.
    pub fn is_stable(&self) -> bool {
        self.stability.iter().all(|it| *it >= STABLE)
    }

    /// Whether its groups are parted at all.
    pub fn is_parted(&self) -> bool {
        self.silhouette.is_some_and(|it| it > PARTED)
    }
}

/// Of each group of `labels` how alike the most similar group is when `grouped` groups a sample drawn again from the rows, on average over `samples`
/// (Hennig 2007, "Cluster-wise assessment of cluster stability": the Jaccard coefficient over the rows that were drawn, each once). `grouped` gets the places of a
/// sample and returns a label for each; a sample that it cannot group counts as one in which no group came again. Of more than 5,000 rows
/// a sample has 5,000.
pub fn stability(
    labels: &[usize],
    samples: usize,
    seed: u64,
    mut grouped: impl FnMut(&[usize]) -> Option<Vec<usize>>,
) -> Vec<f64> {
    let groups = labels.iter().max().map_or(0, |it| it + 1);
    let mut draws = Draws::new(seed);
    let mut sums = vec![0.0; groups];
    for _ in 0..samples {
        let mut places: Vec<usize> = (0..labels.len().min(DRAWN)).map(|_| draws.below(labels.len())).collect();
        places.sort_unstable();
        let Some(found) = grouped(&places).filter(|it| it.len() == places.len()) else { continue };
        let once: Vec<usize> = (0..places.len()).filter(|at| *at == 0 || places[*at] != places[*at - 1]).collect();
        let marks = |of: &dyn Fn(usize) -> bool| once.iter().map(|at| of(*at)).collect::<Vec<bool>>();
        let again: Vec<Vec<bool>> = (0..=found.iter().copied().max().unwrap_or_default())
            .map(|group| marks(&|at| found[at] == group))
            .collect();
        for (group, sum) in sums.iter_mut().enumerate() {
            let own = marks(&|at| labels[places[at]] == group);
            *sum += again.iter().map(|it| jaccard(&own, it)).fold(0.0, f64::max);
        }
    }
    sums.into_iter().map(|it| it / samples.max(1) as f64).collect()
}

/// Tries two to `most` groups by k-means: all of them, and the place of the one to take: of those in which every group comes again the best parted, if its
/// silhouette is above .25. `None` if there is no such number; then the data have no groups to speak of, or not of this kind.
pub fn choice(
    points: &Points,
    most: usize,
    samples: usize,
    seed: u64,
) -> Result<(Vec<Candidate>, Option<usize>), Fault> {
    let mut found = Vec::new();
    for groups in 2..=most.max(2) {
        let fit = match KMeans::fit(points, &Options::groups(groups, seed)) {
            Ok(fit) => fit,
            Err(fault) if found.is_empty() => return Err(fault),
            Err(_) => break,
        };
        let again = |places: &[usize]| {
            let options = Options { starts: 3, ..Options::groups(groups, seed) };
            KMeans::fit(&points.at(places), &options).ok().map(|it| it.labels)
        };
        let stability = stability(&fit.labels, samples, seed, again);
        let silhouette = silhouette(points, &fit.labels);
        found.push(Candidate { fit, silhouette, stability });
    }
    let parted = |at: &usize| found[*at].silhouette.unwrap_or(-1.0);
    let stable = (0..found.len()).filter(|at| found[*at].is_stable() && parted(at) > PARTED);
    let best = stable.max_by(|a, b| parted(a).total_cmp(&parted(b)).then(b.cmp(a)));
    Ok((found, best))
}
