//! The tables of the digest. Every column is declared in [`DATA_MAP`].

use rapport_store::data_map::Declaration;
use rapport_store::{Migration, Migrations};

/// All migrations of the digest, in order.
pub const MIGRATIONS: Migrations = Migrations { namespace: "digest", list: &[DIGEST] };

/// `period` is when the period ended. Users are staff, not customers.
const DIGEST: Migration = Migration {
    number: 1,
    name: "digest",
    sql: "
CREATE TABLE digest_settings (
    workspace {int} NOT NULL,
    settings {json} NOT NULL,
    enabled_at {int} NOT NULL,
    revision {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (workspace)
) {clustered};

CREATE TABLE digest_sends (
    workspace {int} NOT NULL,
    period {int} NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts {int} NOT NULL,
    try_at {int} NOT NULL,
    PRIMARY KEY (period, recipient, workspace)
) {clustered};
",
};

/// What every column of these tables holds.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical(
        "digest_settings",
        &["workspace", "settings", "enabled_at", "revision", "updated_at", "updated_by"],
    ),
    Declaration::technical("digest_sends", &["workspace", "period", "recipient", "state", "attempts", "try_at"]),
];
