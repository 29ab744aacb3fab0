//! How a store is opened.

use std::path::PathBuf;
use std::sync::Arc;

use rapport_domain::{Clock, Rng, SystemClock, SystemRng};

/// Where the database is and what it is run with.
#[derive(Clone)]
pub struct StoreConfig {
    pub(crate) location: Location,
    pub(crate) readers: u32,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

#[derive(Clone)]
pub(crate) enum Location {
    Folder(PathBuf),
    Postgres(String),
}

impl StoreConfig {
    /// SQLite in a data folder, which is created if need be.
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self::at(Location::Folder(folder.into()))
    }

    /// PostgreSQL at a URL (`postgres://user:password@host/database`). The database should have the C collation, so that
    /// texts sort as they do on SQLite; our tables go into the schema [`crate::store::POSTGRES_SCHEMA`].
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::at(Location::Postgres(url.into()))
    }

    fn at(location: Location) -> Self {
        Self { location, readers: 4, clock: Arc::new(SystemClock), rng: Arc::new(SystemRng) }
    }

    /// How many connections read (on PostgreSQL: read and write) at once; 4 unless said.
    #[must_use]
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers;
        self
    }

    /// The clock of jobs, leases and events; the machine's unless said.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The randomness of ids and lease tokens; the system's unless said.
    #[must_use]
    pub fn rng(mut self, rng: Arc<dyn Rng>) -> Self {
        self.rng = rng;
        self
    }
}
