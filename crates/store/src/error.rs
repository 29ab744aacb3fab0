//! What can go wrong in the store, each with a stable code and whether a retry can help.
//!
//! Always holds: no error text carries a value out of a row (a database's own message is kept only where it names schema,
//! never data).

use sqlx::error::ErrorKind;

/// The result of a store operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process holds the data folder.
    #[error("the data folder {folder} is in use by another rapport process; stop that one, or ask it with --url")]
    FolderInUse {
        /// The folder.
        folder: String,
    },
    /// The database was written by a newer program.
    #[error(
        "the database was written by a newer version of rapport (it has {found}); start that version, or restore a backup"
    )]
    NewerDatabase {
        /// The unknown migration, as `namespace/number`.
        found: String,
    },
    /// An applied migration reads differently now.
    #[error("migration {migration} was applied in another form; this program does not fit this database")]
    MigrationChanged {
        /// The migration, as `namespace/number`.
        migration: String,
    },
    /// The database file is damaged or is no database of ours.
    #[error("the database is damaged or is not rapport's: {what}; nothing was changed; restore a backup")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// A file operation failed.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A unique or primary key is already taken.
    #[error("the row exists already ({constraint})")]
    Unique {
        /// PostgreSQL: the constraint's name; SQLite: the table's columns.
        constraint: String,
    },
    /// A foreign key, check or not-null rule was broken.
    #[error("the row breaks a rule of the database ({constraint})")]
    Constraint {
        /// The constraint, as far as the engine names it.
        constraint: String,
    },
    /// [`crate::Queries::fetch_one`] found no row.
    #[error("no such row")]
    NotFound,
    /// The database is busy, or two transactions crossed.
    #[error("the database is busy ({what}); try again")]
    Busy {
        /// What the engine said, without data.
        what: String,
    },
    /// The disk is full.
    #[error("the disk is full; free some space and try again")]
    DiskFull,
    /// A text holds a NUL character, which PostgreSQL cannot store.
    #[error("a text holds a NUL character; refuse it at the door")]
    NulCharacter,
    /// A column holds something else than was asked for.
    #[error("column {column} cannot be read: {reason}")]
    Decode {
        /// The column.
        column: String,
        /// Why, without the value.
        reason: String,
    },
    /// An earlier statement of this transaction failed; it can only be rolled back.
    #[error("the transaction failed earlier and can only be rolled back")]
    TransactionFailed,
    /// A cursor stands beyond the end of what it reads, or in another epoch: the database was restored.
    #[error(
        "{consumer}'s cursor ({epoch}, {position}) is beyond the end ({head_epoch}, {head_position}); was a backup restored?"
    )]
    CursorBeyondEnd {
        /// The consumer.
        consumer: String,
        /// The cursor's epoch.
        epoch: i64,
        /// The cursor's position.
        position: i64,
        /// The head's epoch.
        head_epoch: i64,
        /// The head's position.
        head_position: i64,
    },
    /// Another worker of the same consumer was faster.
    #[error("{consumer}'s cursor was moved by another worker; read again from where it stands")]
    CursorMoved {
        /// The consumer.
        consumer: String,
    },
    /// The worker no longer holds the lease of this job.
    #[error("the lease of job {job} was lost to another worker, or the job was cancelled")]
    LeaseLost {
        /// The job.
        job: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Anything else the engine says.
    #[error("the database refused a statement: {what}")]
    Engine {
        /// The engine's code and, where it cannot hold data, its message.
        what: String,
    },
}

impl Error {
    /// A stable code for logs and API answers.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::FolderInUse { .. } => "store.folder_in_use",
            Self::NewerDatabase { .. } => "store.newer_database",
            Self::MigrationChanged { .. } => "store.migration_changed",
            Self::Damaged { .. } => "store.damaged",
            Self::Io { .. } => "store.io",
            Self::Unique { .. } => "store.unique",
            Self::Constraint { .. } => "store.constraint",
            Self::NotFound => "store.not_found",
            Self::Busy { .. } => "store.busy",
            Self::DiskFull => "store.disk_full",
            Self::NulCharacter => "store.nul_character",
            Self::Decode { .. } => "store.decode",
            Self::TransactionFailed => "store.transaction_failed",
            Self::CursorBeyondEnd { .. } => "store.cursor_beyond_end",
            Self::CursorMoved { .. } => "store.cursor_moved",
            Self::LeaseLost { .. } => "store.lease_lost",
            Self::Closed => "store.closed",
            Self::Engine { .. } => "store.engine",
        }
    }

    /// Whether the same transaction, run again from its beginning, may succeed.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::DiskFull)
    }

    /// The same error once more, for each of those who share a commit; rare kinds become [`Error::Engine`].
    pub(crate) fn copy(&self) -> Self {
        match self {
            Self::DiskFull => Self::DiskFull,
            Self::Closed => Self::Closed,
            Self::Busy { what } => Self::Busy { what: what.clone() },
            Self::Damaged { what } => Self::Damaged { what: what.clone() },
            Self::Engine { what } => Self::Engine { what: what.clone() },
            other => Self::Engine { what: other.to_string() },
        }
    }

    /// Whether the engine itself said so, after which a transaction can only be rolled back.
    pub(crate) const fn ends_transaction(&self) -> bool {
        !matches!(self, Self::NotFound | Self::NulCharacter | Self::Decode { .. } | Self::LeaseLost { .. })
    }

    /// Whether the engine kept to a rule of a table, rather than failed.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Unique { .. } | Self::Constraint { .. })
    }

    /// Whether a unique or primary key was already taken.
    pub const fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Unique { .. })
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => from_engine(&*error),
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::PoolTimedOut => Self::Busy { what: "no free connection".into() },
            sqlx::Error::Io(error) => Self::Busy { what: format!("connection lost: {}", error.kind()) },
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            sqlx::Error::ColumnDecode { index, .. } => {
                Self::Decode { column: index, reason: "unexpected content".into() }
            }
            sqlx::Error::ColumnNotFound(column) => Self::Decode { column, reason: "not in the result".into() },
            sqlx::Error::ColumnIndexOutOfBounds { index, .. } => {
                Self::Decode { column: index.to_string(), reason: "not in the result".into() }
            }
            other => Self::Engine { what: other.to_string() },
        }
    }
}

/// Sorts an engine's own error. SQLite gives (extended) result codes, PostgreSQL five-letter SQLSTATEs.
fn from_engine(error: &dyn sqlx::error::DatabaseError) -> Error {
    let code = error.code().unwrap_or_default().into_owned();
    let message = error.message();
    let constraint = || error.constraint().map_or_else(|| after_colon(message), str::to_owned);
    match error.kind() {
        ErrorKind::UniqueViolation => return Error::Unique { constraint: constraint() },
        ErrorKind::ForeignKeyViolation | ErrorKind::NotNullViolation | ErrorKind::CheckViolation => {
            return Error::Constraint { constraint: constraint() };
        }
        _ => {}
    }
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return match code.parse::<u32>().unwrap_or(0) & 0xff {
            5 | 6 => Error::Busy { what: format!("SQLite {code}") },
            11 | 26 => Error::Damaged { what: message.to_owned() },
            13 => Error::DiskFull,
            _ => Error::Engine { what: format!("SQLite {code}: {message}") },
        };
    }
    match code.as_str() {
        "40001" | "40P01" | "55P03" | "57P01" | "57P03" | "53300" => Error::Busy { what: format!("PostgreSQL {code}") },
        "53100" => Error::DiskFull,
        // Class 22 (data exception) messages quote the value.
        code if code.starts_with("22") => Error::Engine { what: format!("PostgreSQL {code}") },
        code => Error::Engine { what: format!("PostgreSQL {code}: {message}") },
    }
}

/// "UNIQUE constraint failed: t.a, t.b" names the columns after the colon.
fn after_colon(message: &str) -> String {
    message.split_once(": ").map_or(message, |(_, columns)| columns).to_owned()
}
