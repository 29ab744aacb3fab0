//! The two engines, and the little in which they differ.

/// Which database runs the statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, one file.
    Sqlite,
    /// PostgreSQL, or what speaks its protocol.
    Postgres,
}

impl Engine {
    /// The only fragment in which statements differ.
    pub(crate) const fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// How many rows of `width` values one `INSERT` has: enough that a larger one buys little (docs/decisions/0004), and
    /// far below what the engines can bind (32,766 and 65,535).
    pub(crate) const fn rows_per_statement(self, width: usize) -> usize {
        let rows = 6_000 / width;
        if rows == 0 { 1 } else { rows }
    }

    /// How many of `left` rows the next statement takes, and whether its text is worth keeping prepared. SQLite gets pieces that come again, since a text
    /// that was kept need not be read again.
    pub(crate) const fn chunk(self, width: usize, left: usize) -> (usize, bool) {
        let full = self.rows_per_statement(width);
        if left >= full {
            return (full, true);
        }
        match (self, left) {
            (Self::Sqlite, 1 | 2) => (left, true),
            (Self::Sqlite, 16..) => (1 << left.ilog2(), true),
            _ => (left, false),
        }
    }

    /// Whether statements of so many rows in all are sent as one text: few enough that changing threads for each would be most of the work.
    pub(crate) const fn takes_together(self, rows: usize) -> bool {
        matches!(self, Self::Sqlite) && rows <= 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_pieces_that_come_again() {
        let pieces = |engine: Engine, mut left: usize| {
            let mut pieces = Vec::new();
            while left > 0 {
                let (rows, kept) = engine.chunk(60, left);
                pieces.push((rows, kept));
                left -= rows;
            }
            pieces
        };
        assert_eq!(pieces(Engine::Sqlite, 253), [(100, true), (100, true), (32, true), (16, true), (5, false)]);
        assert_eq!(pieces(Engine::Sqlite, 2), [(2, true)]);
        assert_eq!(pieces(Engine::Postgres, 153), [(100, true), (53, false)]);
    }
}
