//! The tables of complaints and mentions. Every column is declared in [`DATA_MAP`].

use rapport_domain::Purpose::{Analytics, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of complaints, in order.
pub const MIGRATIONS: Migrations = Migrations { namespace: "complaints", list: &[COMPLAINTS] };

/// What somebody wrote is where texts are understood (`verbatims`), by the event's id. `subject` is empty where it is about us. What follows from the steps
/// (`state` to `reopened`) is written with them.
const COMPLAINTS: Migration = Migration {
    number: 1,
    name: "complaints",
    sql: "
CREATE TABLE complaints (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    source {int} NOT NULL,
    complaint_key TEXT NOT NULL,
    handle {int} NOT NULL,
    person {int} NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    channel TEXT NOT NULL,
    is_public {bool} NOT NULL,
    url TEXT,
    author TEXT,
    reach {int},
    rating {int},
    category TEXT,
    root_cause TEXT,
    touchpoint TEXT,
    severity {int} NOT NULL,
    product_id TEXT,
    order_id TEXT,
    cost {int},
    currency TEXT,
    opened_at {int} NOT NULL,
    recorded_at {int} NOT NULL,
    state TEXT NOT NULL,
    first_answer_at {int},
    public_answer_at {int},
    first_resolved_at {int},
    resolved_at {int},
    reopened {int} NOT NULL,
    PRIMARY KEY (event_id, workspace)
) {clustered};
CREATE UNIQUE INDEX complaints_key ON complaints (complaint_key, source, workspace);
CREATE INDEX complaints_time ON complaints (workspace, opened_at, event_id);
CREATE INDEX complaints_state ON complaints (workspace, state, opened_at);
CREATE INDEX complaints_handle ON complaints (handle, workspace);
CREATE INDEX complaints_person ON complaints (person, workspace);

CREATE TABLE complaint_steps (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    at {int} NOT NULL,
    step TEXT NOT NULL,
    handle {int} NOT NULL,
    is_public {bool} NOT NULL,
    told_by TEXT NOT NULL,
    text TEXT,
    PRIMARY KEY (event_id, at, step, workspace)
) {clustered};
CREATE INDEX complaint_steps_handle ON complaint_steps (handle, workspace);

CREATE TABLE complaint_settings (
    workspace {int} NOT NULL,
    settings {json} NOT NULL,
    revision {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (workspace)
) {clustered};
",
};

/// Of somebody who is forgotten it stays that there was a complaint, as nobody's: what went wrong with the company is no news of one of its customers.
const KEPT: Erasure = Erasure::Keep(
    "statistics that name nobody: that there was a complaint, and what was done, without whose it was (GDPR, article 17(3)(d) and recital 26)",
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
    Declaration::technical("complaints", &["workspace", "source", "recorded_at"]),
    declared("complaints", &["handle", "person"], Category::Identifier, Erasure::Unlink),
    declared("complaints", &["url", "author", "order_id"], Category::Identifier, Erasure::Blank),
    declared(
        "complaints",
        &[
            "complaint_key",
            "kind",
            "subject",
            "channel",
            "is_public",
            "reach",
            "rating",
            "category",
            "root_cause",
            "touchpoint",
            "severity",
            "product_id",
            "opened_at",
        ],
        Category::Behavioural,
        KEPT,
    ),
    declared("complaints", &["cost", "currency"], Category::Financial, KEPT),
    declared(
        "complaints",
        &["event_id", "state", "first_answer_at", "public_answer_at", "first_resolved_at", "resolved_at", "reopened"],
        Category::Derived,
        KEPT,
    ),
    Declaration::technical("complaint_steps", &["workspace", "told_by"]),
    declared("complaint_steps", &["handle"], Category::Identifier, Erasure::Unlink),
    declared("complaint_steps", &["text"], Category::FreeText, Erasure::Blank),
    declared("complaint_steps", &["event_id", "at", "step", "is_public"], Category::Behavioural, KEPT),
    Declaration::technical("complaint_settings", &["workspace", "settings", "revision", "updated_at", "updated_by"]),
];
