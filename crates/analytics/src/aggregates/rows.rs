//! Rows of many groups in one flat vector, put together by group at the end.
//!
//! Always holds: appending is all that happens for a row before the end; rows of a group keep their order of arrival. Files are
//! sorted by person, so rows often come group by group, and then nothing is moved.

use std::mem::size_of;

use arrow::array::{Array, BooleanArray};
use datafusion::logical_expr::EmitTo;

/// Rows with their groups.
pub(super) struct GroupedRows<R> {
    groups: Vec<u32>,
    rows: Vec<R>,
    total: usize,
}

impl<R> Default for GroupedRows<R> {
    fn default() -> Self {
        Self { groups: Vec::new(), rows: Vec::new(), total: 0 }
    }
}

impl<R: Copy> GroupedRows<R> {
    pub(super) fn reserve(&mut self, rows: usize, total_groups: usize) {
        self.groups.reserve(rows);
        self.rows.reserve(rows);
        self.total = self.total.max(total_groups);
    }

    pub(super) fn push(&mut self, group: usize, row: R) {
        self.groups.push(u32::try_from(group).expect("an aggregation has fewer than 2^32 groups"));
        self.rows.push(row);
    }

    /// Bytes held, with as much again for putting the rows together.
    pub(super) fn size(&self) -> usize {
        self.groups.capacity() * size_of::<u32>() + 2 * self.rows.capacity() * size_of::<R>()
    }

    /// Takes the groups to emit; those after them move up.
    pub(super) fn take(&mut self, emit: EmitTo) -> Together<R> {
        let count = match emit {
            EmitTo::All => self.total,
            EmitTo::First(count) => count,
        };
        self.total -= count;
        if emit == EmitTo::All {
            return Together::of(std::mem::take(&mut self.groups), std::mem::take(&mut self.rows), count);
        }
        let first = u32::try_from(count).expect("an aggregation has fewer than 2^32 groups");
        let (mut groups, mut rows, mut kept) = (Vec::new(), Vec::new(), 0);
        for at in 0..self.rows.len() {
            if self.groups[at] < first {
                groups.push(self.groups[at]);
                rows.push(self.rows[at]);
            } else {
                self.groups[kept] = self.groups[at] - first;
                self.rows[kept] = self.rows[at];
                kept += 1;
            }
        }
        self.groups.truncate(kept);
        self.rows.truncate(kept);
        Together::of(groups, rows, count)
    }
}

/// Rows put together by group.
pub(super) struct Together<R> {
    rows: Vec<R>,
    /// Where each group begins, and where the last one ends.
    offsets: Vec<usize>,
}

impl<R: Copy> Together<R> {
    fn of(groups: Vec<u32>, rows: Vec<R>, count: usize) -> Self {
        let mut offsets = vec![0; count + 1];
        for group in &groups {
            offsets[*group as usize + 1] += 1;
        }
        for at in 0..count {
            offsets[at + 1] += offsets[at];
        }
        if groups.is_sorted() {
            return Self { rows, offsets };
        }
        let mut next = offsets.clone();
        let mut together = rows.clone();
        for (group, row) in groups.iter().zip(&rows) {
            together[next[*group as usize]] = *row;
            next[*group as usize] += 1;
        }
        Self { rows: together, offsets }
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn group(&mut self, at: usize) -> &mut [R] {
        &mut self.rows[self.offsets[at]..self.offsets[at + 1]]
    }
}

/// Whether a row passes an aggregate's own filter.
pub(super) fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Oracle: filter the rows of each group.
        #[test]
        fn groups_keep_their_rows_whatever_is_emitted_first(
            groups in prop::collection::vec(0usize..6, 0..20),
            first in 0usize..6,
        ) {
            let mut rows = GroupedRows::default();
            rows.reserve(groups.len(), 6);
            for (at, group) in groups.iter().enumerate() {
                rows.push(*group, at);
            }
            let of = |group: usize| (0..groups.len()).filter(|at| groups[*at] == group).collect::<Vec<_>>();
            let mut early = rows.take(EmitTo::First(first));
            let mut late = rows.take(EmitTo::All);
            prop_assert_eq!((early.len(), late.len()), (first, 6 - first));
            for group in 0..6 {
                let found = if group < first { early.group(group).to_vec() } else { late.group(group - first).to_vec() };
                prop_assert_eq!(found, of(group));
            }
        }
    }
}
