//! The tables of notes. Every column is declared in [`DATA_MAP`].

use rapport_domain::Purpose::{Analytics, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of notes, in order.
pub const MIGRATIONS: Migrations = Migrations { namespace: "notes", list: &[NOTES] };

/// A passage is nobody's where `handle` is 0. `consent` says how the person agreed that it is linked to them. `topics` are keys with a space between.
const NOTES: Migration = Migration {
    number: 1,
    name: "notes",
    sql: "
CREATE TABLE notes (
    id TEXT NOT NULL,
    workspace {int} NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    held_at {int} NOT NULL,
    revision {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE INDEX notes_time ON notes (workspace, held_at, id);

CREATE TABLE note_passages (
    note TEXT NOT NULL,
    workspace {int} NOT NULL,
    place {int} NOT NULL,
    handle {int} NOT NULL,
    consent TEXT NOT NULL,
    text TEXT NOT NULL,
    topics TEXT NOT NULL,
    PRIMARY KEY (note, place, workspace)
) {clustered};
CREATE INDEX note_passages_handle ON note_passages (handle, workspace);
",
};

const fn passage(columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table: "note_passages",
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
    Declaration::technical(
        "notes",
        &["id", "workspace", "kind", "title", "held_at", "revision", "created_at", "updated_at", "updated_by"],
    ),
    Declaration::technical("note_passages", &["note", "workspace"]),
    passage(&["handle"], Category::Identifier),
    passage(&["text", "consent"], Category::FreeText),
    passage(&["place", "topics"], Category::Derived),
];
