//! The tables of improvements. Every column is declared in [`DATA_MAP`].

use rapport_store::data_map::Declaration;
use rapport_store::{Migration, Migrations};

/// All migrations of improvements, in order.
pub const MIGRATIONS: Migrations = Migrations { namespace: "improvements", list: &[IMPROVEMENTS] };

/// Nothing of it is about a customer: it is what the company decides and does.
const IMPROVEMENTS: Migration = Migration {
    number: 1,
    name: "improvements",
    sql: "
CREATE TABLE improvements (
    id TEXT NOT NULL,
    workspace {int} NOT NULL,
    title TEXT NOT NULL,
    phrases {json} NOT NULL,
    survey TEXT,
    question TEXT,
    owner TEXT,
    state TEXT NOT NULL,
    decision TEXT NOT NULL,
    change TEXT NOT NULL,
    conclusion TEXT NOT NULL,
    changed_at {int},
    proposed_at {int} NOT NULL,
    proposed_by TEXT NOT NULL,
    updated_at {int} NOT NULL,
    revision {int} NOT NULL,
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE INDEX improvements_time ON improvements (workspace, proposed_at);

CREATE TABLE improvement_log (
    workspace {int} NOT NULL,
    improvement TEXT NOT NULL,
    number {int} NOT NULL,
    at {int} NOT NULL,
    by TEXT NOT NULL,
    act TEXT NOT NULL,
    text TEXT,
    PRIMARY KEY (improvement, number, workspace)
) {clustered};
",
};

/// What every column of these tables holds.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical(
        "improvements",
        &[
            "id",
            "workspace",
            "title",
            "phrases",
            "survey",
            "question",
            "owner",
            "state",
            "decision",
            "change",
            "conclusion",
            "changed_at",
            "proposed_at",
            "proposed_by",
            "updated_at",
            "revision",
        ],
    ),
    Declaration::technical("improvement_log", &["workspace", "improvement", "number", "at", "by", "act", "text"]),
];
