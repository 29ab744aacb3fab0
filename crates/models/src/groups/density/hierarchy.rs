//! From the tree's edges to groups: what falls apart, condensed to groups that are large enough, of which those with the most stability are chosen.

use super::Edge;

/// A group while it lasts.
struct Group {
    parent: usize,
    /// The density at which it comes apart from its parent.
    born: f64,
    stability: f64,
    children: Vec<usize>,
}

/// Groups of enough rows, and of each row the last group it was in and the density at which it left.
pub(super) struct Condensed {
    groups: Vec<Group>,
    left: Vec<(usize, f64)>,
}

/// Two parts that an edge joins; rows come first, then joints by their edges.
struct Joint {
    parts: [usize; 2],
    size: usize,
    density: f64,
}

impl Condensed {
    /// Of edges in ascending order.
    pub(super) fn of(edges: &[Edge], rows: usize, smallest: usize) -> Self {
        let joints = joined(edges, rows);
        let size = |part: usize| if part < rows { 1 } else { joints[part - rows].size };
        let mut found = Self {
            groups: vec![Group { parent: 0, born: 0.0, stability: 0.0, children: Vec::new() }],
            left: vec![(0, 0.0); rows],
        };
        let mut open = if joints.is_empty() { Vec::new() } else { vec![(rows + joints.len() - 1, 0)] };
        while let Some((part, group)) = open.pop() {
            let Joint { parts, density, .. } = joints[part - rows];
            let both_large = parts.iter().all(|it| size(*it) >= smallest);
            for part in parts {
                if size(part) < smallest {
                    found.leave(part, group, density, &joints, rows);
                } else if !both_large {
                    open.push((part, group));
                } else {
                    let child = found.groups.len();
                    found.groups.push(Group { parent: group, born: density, stability: 0.0, children: Vec::new() });
                    found.groups[group].children.push(child);
                    found.groups[group].stability += (density - found.groups[group].born) * size(part) as f64;
                    if part >= rows {
                        open.push((part, child));
                    }
                }
            }
        }
        found
    }

    /// All rows of a part leave a group at a density.
    fn leave(&mut self, part: usize, group: usize, density: f64, joints: &[Joint], rows: usize) {
        let mut open = vec![part];
        while let Some(part) = open.pop() {
            if part < rows {
                self.left[part] = (group, density);
                self.groups[group].stability += density - self.groups[group].born;
            } else {
                open.extend(joints[part - rows].parts);
            }
        }
    }

    /// The groups that are more stable than all within them together ("excess of mass"), never the one of all rows: each row's group and strength, and the
    /// groups' stabilities.
    pub(super) fn chosen(&self, rows: usize) -> (Vec<Option<usize>>, Vec<f64>, Vec<f64>) {
        let count = self.groups.len();
        let (mut best, mut taken) = (vec![0.0; count], vec![false; count]);
        for at in (1..count).rev() {
            let within: f64 = self.groups[at].children.iter().map(|child| best[*child]).sum();
            taken[at] = self.groups[at].stability >= within;
            best[at] = within.max(self.groups[at].stability);
        }
        // Of each group the outermost taken one that it is in.
        let mut of: Vec<Option<usize>> = vec![None; count];
        let mut stabilities = Vec::new();
        for at in 1..count {
            of[at] = of[self.groups[at].parent];
            if of[at].is_none() && taken[at] {
                of[at] = Some(stabilities.len());
                stabilities.push(self.groups[at].stability);
            }
        }
        let labels: Vec<Option<usize>> = (0..rows).map(|row| of[self.left[row].0]).collect();
        let mut deepest = vec![0.0_f64; stabilities.len()];
        for (label, (_, density)) in labels.iter().zip(&self.left) {
            if let Some(label) = label {
                deepest[*label] = deepest[*label].max(*density);
            }
        }
        let strength = |row: usize| {
            labels[row].map_or(0.0, |it| if deepest[it] > 0.0 { self.left[row].1 / deepest[it] } else { 1.0 })
        };
        let strengths = (0..rows).map(strength).collect();
        (labels, strengths, stabilities)
    }
}

/// What each edge joins, shortest first.
fn joined(edges: &[Edge], rows: usize) -> Vec<Joint> {
    // Rows in one place are as dense as can be told from the rest.
    let longest = edges.last().map_or(0.0, |it| it.square).sqrt();
    let least = (longest * 1e-9).max(f64::MIN_POSITIVE);
    let mut parents: Vec<usize> = (0..rows + edges.len()).collect();
    let mut joints: Vec<Joint> = Vec::with_capacity(edges.len());
    for edge in edges {
        let parts = [edge.a, edge.b].map(|row| root(&mut parents, row as usize));
        let size = parts.iter().map(|it| if *it < rows { 1 } else { joints[*it - rows].size }).sum();
        let own = rows + joints.len();
        parts.iter().for_each(|it| parents[*it] = own);
        joints.push(Joint { parts, size, density: 1.0 / edge.square.sqrt().max(least) });
    }
    joints
}

fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}
