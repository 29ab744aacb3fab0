//! The store's own tables and what is in them, column by column.

use crate::data_map::{Category, Declaration, Erasure, Retention, Way};
use crate::{Migration, Migrations};

/// The store's own tables: outbox, cursors, jobs. [`crate::Store::open`] applies them by itself.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "store",
    list: &[Migration {
        number: 1,
        name: "outbox, consumer cursors, jobs",
        sql: "
            CREATE TABLE outbox_head (
                workspace {int} NOT NULL,
                partition_number {int} NOT NULL,
                epoch {int} NOT NULL,
                position {int} NOT NULL,
                PRIMARY KEY (workspace, partition_number)
            ) {clustered};
            CREATE TABLE outbox_event (
                workspace {int} NOT NULL,
                partition_number {int} NOT NULL,
                position {int} NOT NULL,
                name TEXT NOT NULL,
                person {int},
                payload {json} NOT NULL,
                causation TEXT,
                depth {int} NOT NULL,
                recorded_at {int} NOT NULL,
                PRIMARY KEY (workspace, partition_number, position)
            ) {clustered};
            CREATE INDEX outbox_event_person ON outbox_event (workspace, person) WHERE person IS NOT NULL;
            CREATE TABLE consumer_cursor (
                consumer TEXT NOT NULL,
                workspace {int} NOT NULL,
                partition_number {int} NOT NULL,
                epoch {int} NOT NULL,
                position {int} NOT NULL,
                PRIMARY KEY (consumer, workspace, partition_number, epoch)
            ) {clustered};
            CREATE TABLE job (
                id TEXT NOT NULL PRIMARY KEY,
                workspace {int} NOT NULL,
                kind TEXT NOT NULL,
                unique_key TEXT,
                payload {json} NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled')),
                due_at {int},
                attempts {int} NOT NULL,
                attempts_max {int} NOT NULL,
                lease_token {int},
                cancel_requested {bool} NOT NULL,
                progress_done {int} NOT NULL,
                progress_total {int},
                last_error TEXT,
                created_at {int} NOT NULL,
                updated_at {int} NOT NULL
            ) {strict};
            CREATE INDEX job_due ON job (due_at) WHERE due_at IS NOT NULL;
            CREATE UNIQUE INDEX job_unique_key ON job (workspace, kind, unique_key)
                WHERE unique_key IS NOT NULL AND due_at IS NOT NULL;
        ",
    }],
};

/// What the store's own columns hold.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical("rapport_migration", &["namespace", "number", "name", "checksum", "applied_at"]),
    Declaration::technical("outbox_head", &["workspace", "partition_number", "epoch", "position"]),
    Declaration::technical(
        "outbox_event",
        &["workspace", "partition_number", "position", "name", "causation", "depth", "recorded_at"],
    ),
    Declaration {
        table: "outbox_event",
        columns: &["person", "payload"],
        category: Category::Behavioural,
        purposes: &[rapport_domain::Purpose::Service],
        retention: Retention::Days(30),
        person: Way::Person("person"),
        erasure: Erasure::Delete,
    },
    Declaration::technical("consumer_cursor", &["consumer", "workspace", "partition_number", "epoch", "position"]),
    Declaration::technical(
        "job",
        &[
            "id",
            "workspace",
            "kind",
            "unique_key",
            "payload",
            "state",
            "due_at",
            "attempts",
            "attempts_max",
            "lease_token",
            "cancel_requested",
            "progress_done",
            "progress_total",
            "last_error",
            "created_at",
            "updated_at",
        ],
    ),
];
