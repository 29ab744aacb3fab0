//! The tables of follow-ups. Every column is declared in [`DATA_MAP`].

use rapport_domain::Purpose::{Analytics, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of follow-ups, in order.
pub const MIGRATIONS: Migrations = Migrations { namespace: "follow_ups", list: &[FOLLOW_UPS] };

/// A rule that is not stored is as it is ready-made. `given_to` is whom the rule chose, `owner` whose it is now, `told_owner` who was told last that it is
/// theirs. A reason that another event replaced is taken back, never deleted. `undoes` is the line of the log that a line takes back, `before` what there was
/// before the line.
const FOLLOW_UPS: Migration = Migration {
    number: 1,
    name: "follow_ups",
    sql: "
CREATE TABLE follow_up_rules (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    rule {json} NOT NULL,
    revision {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (key, workspace)
) {clustered};

CREATE TABLE follow_ups (
    id TEXT NOT NULL,
    workspace {int} NOT NULL,
    handle {int} NOT NULL,
    person {int} NOT NULL,
    rule TEXT NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    owner TEXT,
    given_to TEXT,
    told_owner TEXT,
    assigned_at {int},
    opened_at {int} NOT NULL,
    due_at {int} NOT NULL,
    contacted_at {int},
    snoozed_until {int},
    closed_at {int},
    updated_at {int} NOT NULL,
    revision {int} NOT NULL,
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE UNIQUE INDEX follow_ups_once ON follow_ups (person, rule, workspace) WHERE state <> 'done';
CREATE INDEX follow_ups_person ON follow_ups (person, workspace, opened_at);
CREATE INDEX follow_ups_due ON follow_ups (workspace, state, due_at);
CREATE INDEX follow_ups_opened ON follow_ups (workspace, opened_at);
CREATE INDEX follow_ups_rule ON follow_ups (rule, workspace, opened_at);
CREATE INDEX follow_ups_closed ON follow_ups (workspace, outcome, closed_at);
CREATE INDEX follow_ups_assigned ON follow_ups (workspace, assigned_at);

CREATE TABLE follow_up_reasons (
    workspace {int} NOT NULL,
    follow_up TEXT NOT NULL,
    event_id {bytes} NOT NULL,
    handle {int} NOT NULL,
    person {int} NOT NULL,
    role TEXT NOT NULL,
    event_name TEXT NOT NULL,
    number {float},
    subject TEXT,
    occurred_at {int} NOT NULL,
    added_at {int} NOT NULL,
    taken_back_at {int},
    PRIMARY KEY (follow_up, event_id, workspace)
) {clustered};
CREATE INDEX follow_up_reasons_event ON follow_up_reasons (event_id, workspace);
CREATE INDEX follow_up_reasons_person ON follow_up_reasons (person, workspace);

CREATE TABLE follow_up_log (
    workspace {int} NOT NULL,
    follow_up TEXT NOT NULL,
    number {int} NOT NULL,
    person {int} NOT NULL,
    at {int} NOT NULL,
    by TEXT NOT NULL,
    act TEXT NOT NULL,
    channel TEXT,
    text TEXT,
    detail TEXT,
    undoes {int},
    before {json},
    PRIMARY KEY (follow_up, number, workspace)
) {clustered};
CREATE INDEX follow_up_log_person ON follow_up_log (person, workspace);
",
};

const fn personal(table: &'static str, columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: &[Service, Analytics],
        retention: Retention::Person,
        person: Way::Person("person"),
        erasure: Erasure::Delete,
    }
}

/// What every column of these tables holds. Of somebody who is forgotten nothing of it stays: that they were unhappy is about them.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical("follow_up_rules", &["workspace", "key", "rule", "revision", "updated_at", "updated_by"]),
    Declaration::technical(
        "follow_ups",
        &["id", "workspace", "owner", "given_to", "told_owner", "assigned_at", "revision"],
    ),
    personal("follow_ups", &["handle", "person"], Category::Identifier),
    personal(
        "follow_ups",
        &[
            "rule",
            "state",
            "outcome",
            "opened_at",
            "due_at",
            "contacted_at",
            "snoozed_until",
            "closed_at",
            "updated_at",
        ],
        Category::Behavioural,
    ),
    Declaration::technical("follow_up_reasons", &["workspace", "follow_up"]),
    personal("follow_up_reasons", &["event_id", "handle", "person"], Category::Identifier),
    personal(
        "follow_up_reasons",
        &["role", "event_name", "number", "subject", "occurred_at", "added_at", "taken_back_at"],
        Category::Behavioural,
    ),
    Declaration::technical("follow_up_log", &["workspace", "follow_up", "number", "by"]),
    personal("follow_up_log", &["person"], Category::Identifier),
    personal("follow_up_log", &["text"], Category::FreeText),
    personal("follow_up_log", &["at", "act", "channel", "detail", "undoes", "before"], Category::Behavioural),
];
