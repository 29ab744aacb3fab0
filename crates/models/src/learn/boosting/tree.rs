//! A tree of questions about bins.
//!
//! Always holds: node 0 is the root, and children come after their parent.

use serde::{Deserialize, Serialize};

/// What of a feature's bins goes left: one bit a bin.
pub(crate) type Side = [u64; 4];

pub(crate) fn on_side(side: &Side, bin: u8) -> bool {
    side[(bin >> 6) as usize] >> (bin & 63) & 1 == 1
}

pub(crate) fn put(side: &mut Side, bin: usize) {
    side[bin >> 6] |= 1 << (bin & 63);
}

/// A node with what was learnt from the rows that came to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// The rows that came here, in the training part.
    pub(crate) cover: f64,
    /// What the tree says here, if it is a leaf.
    pub(crate) value: f64,
    /// The question, unless it is a leaf.
    pub(crate) question: Option<Question>,
}

/// Which way a row goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) feature: u32,
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) side: Side,
    /// How much better the training part was told apart.
    pub(crate) gain: f64,
}

impl Question {
    pub(crate) fn next(&self, row: &[u8]) -> usize {
        (if on_side(&self.side, row[self.feature as usize]) { self.left } else { self.right }) as usize
    }
}

/// A tree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

impl Tree {
    /// What the tree says of a row.
    pub(crate) fn value(&self, row: &[u8]) -> f64 {
        let mut node = &self.nodes[0];
        while let Some(question) = &node.question {
            node = &self.nodes[question.next(row)];
        }
        node.value
    }

    /// Whether it has a root, questions are about features that there are, and children come after their parent.
    pub(crate) fn is_sound(&self, features: usize) -> bool {
        let follows = |at: usize, child: u32| child as usize > at && (child as usize) < self.nodes.len();
        let one = |(at, node): (usize, &Node)| {
            node.question
                .as_ref()
                .is_none_or(|it| (it.feature as usize) < features && follows(at, it.left) && follows(at, it.right))
        };
        !self.nodes.is_empty() && self.nodes.iter().enumerate().all(one)
    }

    pub(crate) fn scale(&mut self, by: f64) {
        self.nodes.iter_mut().for_each(|it| it.value *= by);
    }
}
