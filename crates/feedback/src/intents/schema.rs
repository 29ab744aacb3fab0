//! The table of intents. Every column is declared in [`DATA_MAP`].

use rapport_store::data_map::Declaration;
use rapport_store::{Migration, Migrations};

/// All migrations of intents, in order.
pub const MIGRATIONS: Migrations = Migrations { namespace: "intents", list: &[INTENTS] };

/// Examples are written by staff, and kept without personal data: they are nobody's.
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

/// What every column of these tables holds.
pub const DATA_MAP: &[Declaration] =
    &[Declaration::technical("intent_examples", &["workspace", "intent", "place", "text", "noted_at", "noted_by"])];
