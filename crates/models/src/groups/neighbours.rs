//! How far the next neighbours are: a tree of boxes split in the middle of their widest column (Bentley 1975; Friedman, Bentley and Finkel 1977).

use super::points::{Points, apart};

/// Up to how many rows are looked through one by one.
const LEAF: usize = 24;

enum Node {
    /// From where to where in the order.
    Leaf(usize, usize),
    /// Which column is split at which value, and the place of the upper half; the lower one is next.
    Split(usize, f64, usize),
}

struct Tree<'a> {
    points: &'a Points,
    order: Vec<usize>,
    nodes: Vec<Node>,
}

/// Of each row the squared distance to its `count`-th nearest row, itself the first.
pub(super) fn distances(points: &Points, count: usize) -> Vec<f64> {
    let mut tree = Tree { points, order: (0..points.len()).collect(), nodes: Vec::new() };
    tree.build(0, points.len());
    // Rows side by side in one piece.
    let sorted = points.at(&tree.order);
    let mut nearest = Vec::with_capacity(count + 1);
    let mut off = vec![0.0; points.width];
    let mut found = vec![0.0; points.len()];
    for (at, row) in tree.order.iter().enumerate() {
        nearest.clear();
        tree.search(0, sorted.row(at), &sorted, count, 0.0, &mut off, &mut nearest);
        found[*row] = nearest.last().copied().unwrap_or_default();
    }
    found
}

impl Tree<'_> {
    fn build(&mut self, from: usize, to: usize) {
        let points = self.points;
        let spread = |column: usize, order: &[usize]| {
            let values = order.iter().map(|row| points.row(*row)[column]);
            let (low, high) =
                values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)));
            high - low
        };
        let own = &mut self.order[from..to];
        let widest = (0..points.width).max_by(|a, b| spread(*a, own).total_cmp(&spread(*b, own)));
        let Some(column) = widest.filter(|it| own.len() > LEAF && spread(*it, own) > 0.0) else {
            self.nodes.push(Node::Leaf(from, to));
            return;
        };
        let middle = own.len() / 2;
        own.select_nth_unstable_by(middle, |a, b| points.row(*a)[column].total_cmp(&points.row(*b)[column]));
        let value = points.row(own[middle])[column];
        let place = self.nodes.len();
        self.nodes.push(Node::Split(column, value, 0));
        self.build(from, from + middle);
        let upper = self.nodes.len();
        self.nodes[place] = Node::Split(column, value, upper);
        self.build(from + middle, to);
    }

    /// `least` is the squared distance to the box, `off` how far it is in each column.
    #[expect(clippy::too_many_arguments, reason = "the state of one descent")]
    fn search(
        &self,
        node: usize,
        row: &[f64],
        sorted: &Points,
        count: usize,
        least: f64,
        off: &mut [f64],
        nearest: &mut Vec<f64>,
    ) {
        match self.nodes[node] {
            Node::Leaf(from, to) => {
                for at in from..to {
                    let distance = apart(row, sorted.row(at));
                    if nearest.len() < count || nearest.last().is_some_and(|it| distance < *it) {
                        nearest.insert(nearest.partition_point(|it| *it <= distance), distance);
                        nearest.truncate(count);
                    }
                }
            }
            Node::Split(column, value, upper) => {
                let to_plane = row[column] - value;
                let (near, far) = if to_plane < 0.0 { (node + 1, upper) } else { (upper, node + 1) };
                self.search(near, row, sorted, count, least, off, nearest);
                let before = off[column];
                let across = least - before * before + to_plane * to_plane;
                if nearest.len() < count || nearest.last().is_some_and(|it| across < *it) {
                    off[column] = to_plane;
                    self.search(far, row, sorted, count, across, off, nearest);
                    off[column] = before;
                }
            }
        }
    }
}
