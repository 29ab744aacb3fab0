//! One tree grown: the leaf whose best question gains most is divided, until there are enough leaves.
//!
//! Sums a bin are taken over the rows of the smaller child; those of the larger are the parent's less the smaller's.

use super::bins::{Binned, Binning};
use super::split::{Cell, Cells, Limits, Split, categories, numbers};
use super::tree::{Node, Question, Tree, on_side};
use crate::resampling::Draws;

/// Slope and curvature of the loss at a row.
pub(crate) type Slope = [f32; 2];

/// What trees are grown from.
pub(crate) struct Grower<'a> {
    pub(crate) binned: &'a Binned,
    pub(crate) binnings: &'a [Binning],
    pub(crate) leaves: usize,
    pub(crate) least_rows: f64,
    pub(crate) ridge: f64,
    /// The share of features tried at a node.
    pub(crate) feature_share: f64,
    /// The direction of each feature, if any has one.
    pub(crate) directions: &'a [i8],
    /// Sums that are no longer used.
    spare: Vec<Vec<Cells>>,
    buffer: Vec<u32>,
}

/// A leaf while the tree grows.
struct Leaf {
    node: usize,
    from: usize,
    to: usize,
    all: Cell,
    cells: Vec<Cells>,
    best: Option<Split>,
    low: f64,
    high: f64,
}

impl<'a> Grower<'a> {
    pub(crate) fn new(
        binned: &'a Binned,
        binnings: &'a [Binning],
        options: &'a super::BoostingOptions,
        leaves: usize,
    ) -> Self {
        Self {
            binned,
            binnings,
            leaves,
            least_rows: options.least_rows as f64,
            ridge: options.ridge.max(0.0),
            feature_share: options.feature_share,
            directions: &options.directions,
            spare: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// A tree for `rows`, which come out in the order of its leaves; values are not yet made smaller.
    pub(crate) fn tree(
        &mut self,
        rows: &mut [u32],
        slopes: &[Slope],
        draws: &mut Draws,
    ) -> (Tree, Vec<(usize, usize, usize)>) {
        let cells = self.sums(rows, slopes);
        let all = rows.iter().fold([0.0; 2], |sum, it| {
            let slope = slopes[*it as usize];
            [sum[0] + f64::from(slope[0]), sum[1] + f64::from(slope[1])]
        });
        let mut tree = Tree { nodes: vec![Node { cover: rows.len() as f64, value: 0.0, question: None }] };
        let mut root = Leaf {
            node: 0,
            from: 0,
            to: rows.len(),
            all,
            cells,
            best: None,
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        };
        tree.nodes[0].value = self.limits(&root).value(all, self.ridge);
        root.best = self.best(&root, draws);
        let mut leaves = vec![root];
        while leaves.len() < self.leaves {
            let gain = |it: &Leaf| it.best.as_ref().map_or(f64::NEG_INFINITY, |it| it.gain);
            let Some(at) = (0..leaves.len()).max_by(|a, b| gain(&leaves[*a]).total_cmp(&gain(&leaves[*b]))) else {
                break;
            };
            let Some(split) = leaves[at].best.take() else { break };
            let leaf = leaves.swap_remove(at);
            let more = leaves.len() + 2 < self.leaves;
            leaves.extend(self.divide(&mut tree, leaf, split, (rows, slopes), more, draws));
        }
        let places = leaves.iter().map(|it| (it.node, it.from, it.to)).collect();
        leaves.into_iter().for_each(|it| self.spare.push(it.cells));
        (tree, places)
    }

    /// Two leaves of one.
    fn divide(
        &mut self,
        tree: &mut Tree,
        leaf: Leaf,
        split: Split,
        (rows, slopes): (&mut [u32], &[Slope]),
        more: bool,
        draws: &mut Draws,
    ) -> [Leaf; 2] {
        let cut = leaf.from + self.part(&mut rows[leaf.from..leaf.to], &split);
        let first = tree.nodes.len();
        let Leaf { from, to, mut cells, low, high, .. } = leaf;
        for (value, cover) in split.values.iter().zip([cut - from, to - cut]) {
            tree.nodes.push(Node { cover: cover as f64, value: *value, question: None });
        }
        let question = Question {
            feature: split.feature as u32,
            left: first as u32,
            right: first as u32 + 1,
            side: split.side,
            gain: split.gain,
        };
        tree.nodes[leaf.node].question = Some(question);
        let (smaller, is_left) = if cut - from <= to - cut { (from..cut, true) } else { (cut..to, false) };
        // Nobody asks for the sums of the last two leaves.
        let small = if more { self.sums(&rows[smaller], slopes) } else { Vec::new() };
        for ((large, small), binning) in cells.iter_mut().zip(&small).zip(self.binnings) {
            for (a, b) in large.iter_mut().zip(small).take(binning.count()) {
                *a = [a[0] - b[0], (a[1] - b[1]).max(0.0)];
            }
        }
        let (left, right) = if is_left { (small, cells) } else { (cells, small) };
        let between = (split.values[0] + split.values[1]) / 2.0;
        let bounds = match self.directions.get(split.feature).copied().unwrap_or(0) {
            0 => [(low, high); 2],
            it if it > 0 => [(low, between), (between, high)],
            _ => [(between, high), (low, between)],
        };
        let child = |side: usize, from, to, cells| Leaf {
            node: first + side,
            from,
            to,
            all: split.sums[side],
            cells,
            best: None,
            low: bounds[side].0,
            high: bounds[side].1,
        };
        let mut both = [child(0, from, cut, left), child(1, cut, to, right)];
        if more {
            both.iter_mut().for_each(|it| it.best = self.best(it, draws));
        }
        both
    }

    /// Rows that go left come first; both sides keep their order. Gives how many go left.
    fn part(&mut self, rows: &mut [u32], split: &Split) -> usize {
        let (width, cells) = (self.binned.width, &self.binned.cells[split.feature..]);
        self.buffer.clear();
        let mut left = 0;
        for at in 0..rows.len() {
            let row = rows[at];
            if on_side(&split.side, cells[row as usize * width]) {
                rows[left] = row;
                left += 1;
            } else {
                self.buffer.push(row);
            }
        }
        rows[left..].copy_from_slice(&self.buffer);
        left
    }

    /// Slopes and curvatures a bin of every feature.
    fn sums(&mut self, rows: &[u32], slopes: &[Slope]) -> Vec<Cells> {
        let width = self.binned.width;
        let mut cells = self.spare.pop().filter(|it| it.len() == width).unwrap_or_else(|| vec![[[0.0; 2]; 260]; width]);
        cells.iter_mut().zip(self.binnings).for_each(|(it, binning)| it[..binning.count()].fill([0.0; 2]));
        for row in rows {
            let slope = slopes[*row as usize];
            let (g, h) = (f64::from(slope[0]), f64::from(slope[1]));
            let bins = self.binned.row(*row as usize);
            for (cells, bin) in cells.iter_mut().zip(bins) {
                let cell = &mut cells[*bin as usize];
                *cell = [cell[0] + g, cell[1] + h];
            }
        }
        cells
    }

    fn limits(&self, leaf: &Leaf) -> Limits {
        Limits {
            ridge: self.ridge,
            least_rows: self.least_rows,
            rows_each: (leaf.to - leaf.from) as f64 / leaf.all[1].max(f64::MIN_POSITIVE),
            low: leaf.low,
            high: leaf.high,
        }
    }

    /// The best question at a leaf among a share of the features, drawn anew.
    fn best(&self, leaf: &Leaf, draws: &mut Draws) -> Option<Split> {
        if ((leaf.to - leaf.from) as f64) < 2.0 * self.least_rows {
            return None;
        }
        let width = self.binned.width;
        let tried = ((width as f64 * self.feature_share).ceil() as usize).clamp(1, width);
        let features = if tried == width { (0..width).collect() } else { draws.order(width)[..tried].to_vec() };
        let limits = self.limits(leaf);
        let value = limits.value(leaf.all, self.ridge);
        let alone = -(2.0 * leaf.all[0] + (leaf.all[1] + self.ridge) * value) * value;
        let mut best: Option<Split> = None;
        for feature in features {
            let binning = &self.binnings[feature];
            let cells = &leaf.cells[feature][..binning.count()];
            let found = if binning.is_categorical() {
                categories(cells, leaf.all, &limits)
            } else {
                numbers(cells, leaf.all, &limits, self.directions.get(feature).copied().unwrap_or(0))
            };
            let Some((fall, side, sums, values)) = found else { continue };
            let gain = fall - alone;
            if gain > 1e-7 && best.as_ref().is_none_or(|it| gain > it.gain) {
                best = Some(Split { feature, gain, side, sums, values });
            }
        }
        best
    }
}
