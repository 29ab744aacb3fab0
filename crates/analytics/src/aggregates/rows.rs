//! Rows of many groups, put together by group at the end.
//!
//! Always holds: appending is all that happens for a row before the end, and nothing that was appended is moved; rows of a group keep their order
//! of arrival. Each row knows the one before it of its group, so that the rows of a group are found without sorting any.

use std::mem::size_of;

use arrow::array::{Array, BooleanArray};
use datafusion::logical_expr::EmitTo;

/// Rows of one piece: larger ones would be copied as they grow.
const PIECE: usize = 1 << 15;

/// Rows with their groups.
pub(super) struct GroupedRows<R> {
    pieces: Vec<Piece<R>>,
    /// Of each group the last row's number, from 1; 0 for none.
    last: Vec<u32>,
    scratch: Vec<R>,
}

struct Piece<R> {
    rows: Vec<R>,
    /// Of each row the number of the one before it in its group, from 1; 0 for the first.
    before: Vec<u32>,
}

impl<R> Default for GroupedRows<R> {
    fn default() -> Self {
        Self { pieces: Vec::new(), last: Vec::new(), scratch: Vec::new() }
    }
}

impl<R: Copy> GroupedRows<R> {
    pub(super) fn reserve(&mut self, total_groups: usize) {
        if self.last.len() < total_groups {
            self.last.resize(total_groups, 0);
        }
    }

    pub(super) fn push(&mut self, group: usize, row: R) {
        if self.pieces.last().is_none_or(|piece| piece.rows.len() == PIECE) {
            // The first one grows, because most aggregations are small.
            let room = if self.pieces.is_empty() { 0 } else { PIECE };
            self.pieces.push(Piece { rows: Vec::with_capacity(room), before: Vec::with_capacity(room) });
        }
        let number = (self.pieces.len() - 1) * PIECE;
        if let Some(piece) = self.pieces.last_mut() {
            piece.rows.push(row);
            let number = number + piece.rows.len();
            let number = u32::try_from(number).expect("an aggregation has fewer than 2^32 rows");
            piece.before.push(std::mem::replace(&mut self.last[group], number));
        }
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        let each = size_of::<R>() + size_of::<u32>();
        self.pieces.iter().map(|piece| piece.rows.capacity() * each).sum::<usize>()
            + self.last.capacity() * size_of::<u32>()
    }

    /// Takes the groups to emit; those after them move up.
    pub(super) fn take(&mut self, emit: EmitTo) -> Self {
        let count = match emit {
            EmitTo::All => return std::mem::take(self),
            EmitTo::First(count) => count,
        };
        let mut kept = Self::default();
        kept.reserve(self.last.len() - count);
        for group in count..self.last.len() {
            for row in self.group(group).to_vec() {
                kept.push(group - count, row);
            }
        }
        self.last.truncate(count);
        std::mem::replace(self, kept)
    }

    pub(super) fn len(&self) -> usize {
        self.last.len()
    }

    /// The rows of a group, in their order; what is done to them is forgotten.
    pub(super) fn group(&mut self, at: usize) -> &mut [R] {
        self.scratch.clear();
        let mut number = self.last[at] as usize;
        while let Some(place) = number.checked_sub(1) {
            let piece = &self.pieces[place / PIECE];
            self.scratch.push(piece.rows[place % PIECE]);
            number = piece.before[place % PIECE] as usize;
        }
        self.scratch.reverse();
        &mut self.scratch
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
            rows.reserve(6);
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
