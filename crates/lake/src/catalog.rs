//! The catalog: which files a workspace has, what is in them, and what has changed since they were written.
//!
//! Always holds: the product database is the truth, and each commit is one transaction there: files added, files removed, the flush
//! position, the hot columns. A file that is not in it does not exist, whatever lies in the folder.

pub(crate) mod records;

use std::collections::BTreeMap;

use rapport_domain::{Purpose, WorkspaceId};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

use crate::layout::{Cell, Granularity, Layout};

/// The lake's tables.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "lake",
    list: &[Migration { number: 1, name: "catalog", sql: include_str!("catalog/0001_catalog.sql") }],
};

/// What the catalog's columns hold.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical(
        "lake_workspace",
        &["workspace", "seq", "flushed", "revision", "granularity", "bucket_bits"],
    ),
    Declaration::technical(
        "lake_file",
        &[
            "id",
            "workspace",
            "granularity",
            "first_day",
            "bucket_bits",
            "bucket",
            "min_at",
            "max_at",
            "min_person",
            "max_person",
            "row_count",
            "byte_count",
            "column_count",
            "present",
            "revision",
            "names",
            "added_seq",
            "removed_seq",
        ],
    ),
    Declaration::technical("lake_commit", &["workspace", "seq", "kind", "log_position", "committed_at"]),
    Declaration::technical("lake_column", &["workspace", "column_rank", "path", "value_type"]),
    Declaration::technical("lake_property", &["workspace", "path", "value_type", "row_count", "asked"]),
    Declaration::technical("lake_move", &["workspace", "revision"]),
    Declaration {
        table: "lake_move",
        columns: &["handle", "from_person", "to_person"],
        category: Category::Identifier,
        purposes: &[Purpose::Service, Purpose::Analytics],
        retention: Retention::Person,
        person: Way::Person("to_person"),
        erasure: Erasure::Delete,
    },
    Declaration::technical("lake_dead", &["workspace", "event_id", "revision", "log_position"]),
];

/// What the columns of the lake's files hold, under the table name `lake`. Property columns (`p:*`) and the residual hold what a
/// [`crate::PropertyPolicy`] let in.
pub const LAKE_COLUMNS: &[Declaration] = &[
    Declaration {
        table: "lake",
        columns: &["person", "handle"],
        category: Category::Identifier,
        purposes: &[Purpose::Service, Purpose::Analytics],
        retention: Retention::Person,
        person: Way::Person("person"),
        erasure: Erasure::Delete,
    },
    Declaration {
        table: "lake",
        columns: &["occurred_at", "received_at", "order_key", "event_id", "source", "kind", "name", "residual", "p:*"],
        category: Category::Behavioural,
        purposes: &[Purpose::Service, Purpose::Analytics],
        retention: Retention::Person,
        person: Way::Person("person"),
        erasure: Erasure::Delete,
    },
];

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
    /// The ranks of the hot columns that are in it; the others have no value in it.
    pub present: Vec<usize>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_store::data_map::differences;
    use rapport_store::db_test;
    use rapport_store::testing::{TestDatabase, prepare_statements};

    #[db_test(crate::MIGRATIONS)]
    async fn every_statement_can_be_prepared(db: TestDatabase) {
        assert!(prepare_statements(&db).await > 15);
    }

    #[db_test(crate::MIGRATIONS)]
    async fn every_column_is_declared(db: TestDatabase) {
        let found = differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn every_column_of_the_files_is_declared() {
        let declared: Vec<&str> = LAKE_COLUMNS.iter().flat_map(|of| of.columns).copied().collect();
        for field in crate::columns::fixed_fields() {
            assert!(declared.contains(&field.name().as_str()), "{} is not declared", field.name());
        }
    }
}
