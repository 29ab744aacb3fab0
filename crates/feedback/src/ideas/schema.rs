//! The tables of the ideas box. Every column is declared in [`DATA_MAP`].

use rapport_domain::Purpose::{Analytics, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of ideas, in order.
pub const MIGRATIONS: Migrations = Migrations { namespace: "ideas", list: &[IDEAS] };

/// `voter` stands for a person's identifier or for a browser; a browser's is a digest of what its cookie holds, and nobody's (handle 0). `origin` tells one
/// form from another.
const IDEAS: Migration = Migration {
    number: 1,
    name: "ideas",
    sql: "
CREATE TABLE ideas (
    id TEXT NOT NULL,
    workspace {int} NOT NULL,
    origin TEXT NOT NULL,
    handle {int} NOT NULL,
    title TEXT,
    text TEXT,
    language TEXT NOT NULL,
    state TEXT NOT NULL,
    answer TEXT,
    answered_at {int},
    answered_by TEXT,
    merged_into TEXT,
    proposed_at {int} NOT NULL,
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE UNIQUE INDEX ideas_origin ON ideas (workspace, origin);
CREATE INDEX ideas_handle ON ideas (handle, workspace);
CREATE INDEX ideas_state ON ideas (workspace, state, proposed_at);

CREATE TABLE idea_votes (
    idea TEXT NOT NULL,
    workspace {int} NOT NULL,
    voter TEXT NOT NULL,
    handle {int} NOT NULL,
    voted_at {int} NOT NULL,
    PRIMARY KEY (idea, voter, workspace)
) {clustered};
CREATE INDEX idea_votes_handle ON idea_votes (handle, workspace);

CREATE TABLE idea_settings (
    workspace {int} NOT NULL,
    settings {json} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (workspace)
) {clustered};
",
};

const KEPT: Erasure = Erasure::Keep(
    "statistics that name nobody: that there was an idea and what became of it, without its words and without whose it was (GDPR, article 17(3)(d) and recital 26)",
);

const fn declared(
    table: &'static str,
    columns: &'static [&'static str],
    category: Category,
    erasure: Erasure,
) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: &[Service, Analytics],
        retention: Retention::Workspace,
        person: Way::Handles(&["handle"]),
        erasure,
    }
}

/// What every column of these tables holds.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical("ideas", &["id", "workspace", "answered_at", "answered_by", "merged_into"]),
    declared("ideas", &["handle"], Category::Identifier, Erasure::Unlink),
    declared("ideas", &["title", "text", "answer"], Category::FreeText, Erasure::Blank),
    declared("ideas", &["origin", "language", "state", "proposed_at"], Category::Behavioural, KEPT),
    Declaration::technical("idea_votes", &["idea", "workspace"]),
    declared("idea_votes", &["handle", "voter"], Category::Identifier, Erasure::Delete),
    declared("idea_votes", &["voted_at"], Category::Behavioural, Erasure::Delete),
    Declaration::technical("idea_settings", &["workspace", "settings", "updated_at", "updated_by"]),
];
