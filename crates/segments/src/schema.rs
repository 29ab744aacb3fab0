//! The tables of segments. Every column is declared in [`DATA_MAP`].
//!
//! Always holds: a row of `memberships` that was not replaced is what is held true now; a correction replaces rows and adds others, so that
//! what was held true at any earlier instant can still be told.

use rapport_domain::Purpose::{Analytics, Marketing, Service, Support};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of this crate, in order.
pub const MIGRATIONS: Migrations =
    Migrations { namespace: "segments", list: &[Migration { number: 1, name: "segments", sql: SEGMENTS }, OUT, SIZES] };

/// How many members each segment has, so that nobody adds up all days for it.
const SIZES: Migration = Migration {
    number: 3,
    name: "segment_sizes",
    sql: "
CREATE TABLE segment_sizes (
    workspace {int} NOT NULL,
    segment {int} NOT NULL,
    members {int} NOT NULL,
    PRIMARY KEY (segment, workspace)
) {clustered};
INSERT INTO segment_sizes (workspace, segment, members)
    SELECT workspace, segment, CAST(SUM(entered) - SUM(exited) AS BIGINT) FROM segment_flows GROUP BY workspace, segment;
",
};

/// Lists that people keep by hand, files on schedule, and a view for whoever reads the database itself. Memberships are kept by segment, because a
/// segment is filled person by person: so its rows, and those of the index by person, are written one beside the other.
const OUT: Migration = Migration {
    number: 2,
    name: "lists_and_exports",
    sql: "
CREATE TABLE lists (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at {int} NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (key, workspace)
) {clustered};

CREATE TABLE segment_exports (
    workspace {int} NOT NULL,
    segment {int} NOT NULL,
    format TEXT NOT NULL,
    every_hours {int} NOT NULL,
    next_at {int} NOT NULL,
    PRIMARY KEY (segment, workspace)
) {clustered};
CREATE INDEX segment_exports_due ON segment_exports (next_at);

CREATE TABLE segment_export_runs (
    workspace {int} NOT NULL,
    segment {int} NOT NULL,
    ran_at {int} NOT NULL,
    people {int} NOT NULL,
    file TEXT,
    error TEXT,
    PRIMARY KEY (segment, ran_at, workspace)
) {clustered};

CREATE TABLE memberships_by_segment (
    workspace {int} NOT NULL,
    person {int} NOT NULL,
    segment {int} NOT NULL,
    entered_at {int} NOT NULL,
    exited_at {int},
    recorded_at {int} NOT NULL,
    exit_recorded_at {int},
    replaced_at {int},
    PRIMARY KEY (segment, person, entered_at, recorded_at, workspace)
) {clustered};
INSERT INTO memberships_by_segment (workspace, person, segment, entered_at, exited_at, recorded_at, exit_recorded_at, replaced_at)
    SELECT workspace, person, segment, entered_at, exited_at, recorded_at, exit_recorded_at, replaced_at FROM memberships;
DROP TABLE memberships;
ALTER TABLE memberships_by_segment RENAME TO memberships;
CREATE INDEX memberships_person ON memberships (person, workspace);

CREATE VIEW segment_members AS
    SELECT s.workspace AS workspace, s.key AS segment, s.name AS name, m.person AS person, m.entered_at AS entered_at
    FROM memberships m JOIN segments s ON s.workspace = m.workspace AND s.segment = m.segment
    WHERE m.replaced_at IS NULL AND m.exited_at IS NULL;
",
};

const SEGMENTS: &str = "
CREATE TABLE segments (
    workspace {int} NOT NULL,
    segment {int} NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    condition TEXT NOT NULL,
    version {int} NOT NULL,
    state TEXT NOT NULL,
    filled_version {int} NOT NULL,
    error TEXT,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (segment, workspace)
) {clustered};
CREATE UNIQUE INDEX segments_key ON segments (workspace, key);

CREATE TABLE segment_versions (
    workspace {int} NOT NULL,
    segment {int} NOT NULL,
    version {int} NOT NULL,
    name TEXT NOT NULL,
    condition TEXT NOT NULL,
    saved_at {int} NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (segment, version, workspace)
) {clustered};

CREATE TABLE memberships (
    workspace {int} NOT NULL,
    person {int} NOT NULL,
    segment {int} NOT NULL,
    entered_at {int} NOT NULL,
    exited_at {int},
    recorded_at {int} NOT NULL,
    exit_recorded_at {int},
    replaced_at {int},
    PRIMARY KEY (person, segment, entered_at, recorded_at, workspace)
) {clustered};
CREATE INDEX memberships_segment ON memberships (segment, workspace, replaced_at, exited_at);

CREATE TABLE segment_flows (
    workspace {int} NOT NULL,
    segment {int} NOT NULL,
    day {int} NOT NULL,
    entered {int} NOT NULL,
    exited {int} NOT NULL,
    PRIMARY KEY (segment, day, workspace)
) {clustered};
";

/// Every column of every table of this crate.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical(
        "segments",
        &[
            "workspace",
            "segment",
            "key",
            "name",
            "description",
            "condition",
            "version",
            "state",
            "filled_version",
            "error",
            "created_at",
            "updated_at",
            "updated_by",
        ],
    ),
    Declaration::technical(
        "segment_versions",
        &["workspace", "segment", "version", "name", "condition", "saved_at", "saved_by"],
    ),
    Declaration::technical("memberships", &["workspace", "segment", "recorded_at", "exit_recorded_at", "replaced_at"]),
    Declaration {
        table: "memberships",
        columns: &["person"],
        category: Category::Identifier,
        purposes: &[Service, Analytics, Marketing, Support],
        retention: Retention::Person,
        person: Way::Person("person"),
        erasure: Erasure::Delete,
    },
    Declaration {
        table: "memberships",
        columns: &["entered_at", "exited_at"],
        category: Category::Derived,
        purposes: &[Service, Analytics, Marketing, Support],
        retention: Retention::Person,
        person: Way::Person("person"),
        erasure: Erasure::Delete,
    },
    Declaration::technical("lists", &["workspace", "key", "name", "created_at", "created_by"]),
    Declaration::technical("segment_exports", &["workspace", "segment", "format", "every_hours", "next_at"]),
    Declaration::technical("segment_export_runs", &["workspace", "segment", "ran_at", "people", "file", "error"]),
    Declaration::technical("segment_flows", &["workspace", "segment", "day", "entered", "exited"]),
    Declaration::technical("segment_sizes", &["workspace", "segment", "members"]),
];
