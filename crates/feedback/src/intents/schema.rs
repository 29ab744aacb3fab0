//! The table of intents. Every column is declared in [`DATA_MAP`].

use rapport_domain::Purpose::{Analytics, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of intents, in order.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "intents",
    list: &[INTENTS, Migration { number: 2, name: "intents of texts", sql: OF_TEXTS }],
};

/// Examples are written by staff, and kept without personal data.
const INTENTS: Migration = Migration {
    number: 1,
    name: "intents",
    sql: "
CREATE TABLE intent_examples (
    workspace {int} NOT NULL,
    intent TEXT NOT NULL,
    place {int} NOT NULL,
    text TEXT NOT NULL,
    noted_at {int} NOT NULL,
    noted_by TEXT NOT NULL,
    PRIMARY KEY (workspace, intent, place)
) {clustered};
",
};

/// Whose text an example is, so that it goes with them; those that staff wrote are nobody's (0).
const OF_TEXTS: &str = "
ALTER TABLE intent_examples ADD COLUMN handle {int} NOT NULL DEFAULT 0;
CREATE INDEX intent_examples_handle ON intent_examples (handle, workspace);
";

const fn example(columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table: "intent_examples",
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
    Declaration::technical("intent_examples", &["workspace", "place", "noted_at", "noted_by"]),
    example(&["handle"], Category::Identifier),
    example(&["text"], Category::FreeText),
    example(&["intent"], Category::Derived),
];
