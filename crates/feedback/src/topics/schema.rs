//! The tables of topics. Every column is declared in [`DATA_MAP`].

use rapport_domain::Purpose::{Analytics, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of topics, in order.
pub const MIGRATIONS: Migrations = Migrations { namespace: "topics", list: &[TOPICS] };

/// `clause` is a part of the text as it is shown; `topic` is empty where it is in none. `begins` is where it stands, in bytes.
const TOPICS: Migration = Migration {
    number: 1,
    name: "topics",
    sql: "
CREATE TABLE topic_trees (
    workspace {int} NOT NULL,
    version {int} NOT NULL,
    tree {json} NOT NULL,
    saved_at {int} NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (workspace, version)
) {clustered};

CREATE TABLE topic_examples (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    begins {int} NOT NULL,
    handle {int} NOT NULL,
    clause TEXT NOT NULL,
    topic TEXT NOT NULL,
    noted_at {int} NOT NULL,
    noted_by TEXT NOT NULL,
    PRIMARY KEY (event_id, begins, workspace)
) {clustered};
CREATE INDEX topic_examples_time ON topic_examples (workspace, noted_at);
CREATE INDEX topic_examples_handle ON topic_examples (handle, workspace);
",
};

const fn example(columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table: "topic_examples",
        columns,
        category,
        purposes: &[Service, Analytics],
        retention: Retention::Person,
        person: Way::Handles(&["handle"]),
        erasure: Erasure::Delete,
    }
}

/// What every column of these tables holds.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical("topic_trees", &["workspace", "version", "tree", "saved_at", "saved_by"]),
    Declaration::technical("topic_examples", &["workspace", "noted_at", "noted_by"]),
    example(&["event_id", "handle"], Category::Identifier),
    example(&["clause"], Category::FreeText),
    example(&["begins", "topic"], Category::Derived),
];
