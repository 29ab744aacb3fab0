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

    /// How many rows of `width` values one `INSERT` should have, far below what the engines can bind (32,766 and 65,535):
    /// on SQLite, named binds cost the square of their number. See docs/decisions/0004.
    pub(crate) const fn rows_per_statement(self, width: usize) -> usize {
        let binds = match self {
            Self::Sqlite => 512,
            Self::Postgres => 16_384,
        };
        if binds / width == 0 { 1 } else { binds / width }
    }
}
