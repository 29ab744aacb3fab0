//! The catalog: which files a workspace has, what is in them, and what has changed since they were written.
//!
//! Always holds: the product database is the truth, and each commit is one transaction there: files added, files removed, the flush
//! position, the hot columns. A file that is not in it does not exist, whatever lies in the folder.

pub(crate) mod records;

use std::collections::BTreeMap;

use rapport_domain::WorkspaceId;
use rapport_store::{Migration, Migrations};

use crate::layout::{Cell, Granularity, Layout};

/// The lake's tables.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "lake",
    list: &[Migration { number: 1, name: "catalog", sql: include_str!("catalog/0001_catalog.sql") }],
};

/// A file of the lake: immutable, within one cell, sorted by (person, occurred_at, order_key, event_id).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Its random name.
    pub id: String,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Where it belongs.
    pub cell: Cell,
    /// The earliest and latest `occurred_at`.
    pub times: (i64, i64),
    /// The least and greatest person as written.
    pub persons: (i64, i64),
    /// Rows in it.
    pub rows: i64,
    /// Its size.
    pub bytes: i64,
    /// Hot columns of rank below this are complete in it.
    pub columns: usize,
    /// The changes up to this revision are applied in it.
    pub revision: i64,
    /// Rows of each event name.
    pub names: BTreeMap<String, i64>,
}

impl DataFile {
    /// Its place below the lake's root.
    pub fn path(&self) -> String {
        format!("{}/{}/{}.parquet", self.workspace, self.cell, self.id)
    }
}

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitKind {
    /// Hot rows became files.
    Flush,
    /// Files were merged, cut anew, or had changes applied.
    Compaction,
}

impl CommitKind {
    /// The stable word, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flush => "flush",
            Self::Compaction => "compaction",
        }
    }
}

/// The head of a workspace's catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The last commit.
    pub(crate) seq: i64,
    /// Events up to this log position are in files.
    pub(crate) flushed: i64,
    /// The last revision of changes.
    pub(crate) revision: i64,
    pub(crate) layout: Layout,
}

impl Head {
    pub(crate) const FIRST: Self = Self { seq: 0, flushed: 0, revision: 0, layout: Layout::FIRST };
}

/// A layout read back from the catalog.
pub(crate) fn layout_of(granularity: &str, bucket_bits: u8) -> Option<Layout> {
    Some(Layout { granularity: Granularity::parse(granularity)?, bucket_bits })
}
