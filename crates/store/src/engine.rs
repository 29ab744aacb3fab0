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
}
