//! The tables of the server itself: workspaces, sources, users and how they prove who they are, rejects, and the audit log.
//!
//! Always holds: every column is declared in [`DATA_MAP`]; secrets (keys, sessions, links) are stored as hashes only.

use rapport_domain::Purpose;
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of the server, in order.
pub const MIGRATIONS: Migrations =
    Migrations { namespace: "server", list: &[Migration { number: 1, name: "server", sql: SERVER }, WEBHOOKS] };

/// The secret is kept as it is, because every message is signed with it.
const WEBHOOKS: Migration = Migration {
    number: 2,
    name: "webhooks",
    sql: "
CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    events TEXT NOT NULL,
    segments TEXT NOT NULL,
    active {bool} NOT NULL,
    created_at {int} NOT NULL,
    failing_since {int},
    attempts {int} NOT NULL,
    next_at {int} NOT NULL,
    last_at {int},
    last_status {int},
    last_error TEXT
) {clustered};
CREATE INDEX webhooks_due ON webhooks (active, next_at);
",
};

const SERVER: &str = "
CREATE TABLE workspaces (
    workspace {int} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    week_start TEXT NOT NULL,
    currency TEXT NOT NULL,
    locale TEXT NOT NULL
) {strict};
INSERT INTO workspaces (workspace, name, time_zone, week_start, currency, locale)
VALUES (1, 'My shop', 'UTC', 'monday', 'EUR', 'en');

CREATE TABLE sources (
    source {key},
    workspace {int} NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    events {int} NOT NULL,
    rejects {int} NOT NULL,
    last_event_at {int},
    created_at {int} NOT NULL
) {strict};
CREATE UNIQUE INDEX sources_name ON sources (workspace, name);

CREATE TABLE write_keys (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    source {int} NOT NULL,
    key_hash {bytes} NOT NULL,
    prefix TEXT NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int},
    revoked_at {int},
    last_used_at {int}
) {clustered};
CREATE UNIQUE INDEX write_keys_hash ON write_keys (key_hash);
CREATE INDEX write_keys_source ON write_keys (workspace, source);

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    name TEXT NOT NULL,
    key_hash {bytes} NOT NULL,
    prefix TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int},
    revoked_at {int},
    last_used_at {int}
) {clustered};
CREATE UNIQUE INDEX api_keys_hash ON api_keys (key_hash);
CREATE INDEX api_keys_workspace ON api_keys (workspace);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT,
    disabled {bool} NOT NULL,
    created_at {int} NOT NULL,
    last_seen_at {int}
) {clustered};
CREATE UNIQUE INDEX users_email ON users (email_folded);
CREATE INDEX users_workspace ON users (workspace);

CREATE TABLE sessions (
    token_hash {bytes} NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    created_at {int} NOT NULL,
    last_used_at {int} NOT NULL,
    expires_at {int} NOT NULL
) {clustered};
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE sign_in_links (
    token_hash {bytes} NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    expires_at {int} NOT NULL
) {clustered};

CREATE TABLE sign_in_failures (
    subject {bytes} NOT NULL PRIMARY KEY,
    failures {int} NOT NULL,
    since {int} NOT NULL
) {clustered};

CREATE TABLE rejects (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    source {int} NOT NULL,
    received_at {int} NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    location TEXT NOT NULL,
    excerpt TEXT NOT NULL
) {clustered};
CREATE INDEX rejects_workspace ON rejects (workspace, received_at);
CREATE INDEX rejects_source ON rejects (workspace, source, received_at);

CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    at {int} NOT NULL,
    actor TEXT NOT NULL,
    purpose TEXT NOT NULL,
    action TEXT NOT NULL,
    status {int} NOT NULL
) {clustered};
CREATE INDEX audit_workspace ON audit (workspace, at);
";

/// How many days rejects are kept.
pub const REJECT_DAYS: u32 = 30;
/// How many days the audit log is kept.
pub const AUDIT_DAYS: u32 = 730;

const AUDIT_BASIS: &str = "GDPR Article 5(2): whoever answers for personal data must be able to show who read it";

/// What every column of these tables holds. Users are staff: they are persons too, but not the workspace's customers.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical(
        "webhooks",
        &[
            "id",
            "workspace",
            "url",
            "secret",
            "events",
            "segments",
            "active",
            "created_at",
            "failing_since",
            "attempts",
            "next_at",
            "last_at",
            "last_status",
            "last_error",
        ],
    ),
    Declaration::technical("workspaces", &["workspace", "name", "time_zone", "week_start", "currency", "locale"]),
    Declaration::technical(
        "sources",
        &["source", "workspace", "name", "kind", "events", "rejects", "last_event_at", "created_at"],
    ),
    Declaration::technical(
        "write_keys",
        &["id", "workspace", "source", "key_hash", "prefix", "created_at", "expires_at", "revoked_at", "last_used_at"],
    ),
    Declaration::technical(
        "api_keys",
        &[
            "id",
            "workspace",
            "name",
            "key_hash",
            "prefix",
            "scopes",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
        ],
    ),
    Declaration::technical("users", &["workspace", "role", "disabled", "created_at"]),
    staff("users", &["id"], Category::Identifier, Way::User("id")),
    staff("users", &["name", "email", "email_folded"], Category::Contact, Way::User("id")),
    staff("users", &["password_hash"], Category::Identifier, Way::User("id")),
    staff("users", &["last_seen_at"], Category::Behavioural, Way::User("id")),
    staff("sessions", &["token_hash", "user_id"], Category::Identifier, Way::User("user_id")),
    staff("sessions", &["created_at", "last_used_at", "expires_at"], Category::Behavioural, Way::User("user_id")),
    staff("sign_in_links", &["token_hash", "user_id"], Category::Identifier, Way::User("user_id")),
    Declaration::technical("sign_in_links", &["expires_at"]),
    // Keyed digests of addresses and e-mails that failed to sign in; gone after a day.
    Declaration::technical("sign_in_failures", &["subject", "failures", "since"]),
    // Excerpts are masked before they are stored: they show keys, never a customer's values.
    Declaration::technical(
        "rejects",
        &["id", "workspace", "source", "received_at", "code", "message", "location", "excerpt"],
    ),
    Declaration::technical("audit", &["id", "workspace"]),
    Declaration {
        table: "audit",
        columns: &["at", "actor", "purpose", "action", "status"],
        category: Category::Behavioural,
        purposes: &[Purpose::Administration],
        retention: Retention::Days(AUDIT_DAYS),
        person: Way::User("actor"),
        erasure: Erasure::Keep(AUDIT_BASIS),
    },
];

const fn staff(table: &'static str, columns: &'static [&'static str], category: Category, person: Way) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: &[Purpose::Administration],
        retention: Retention::Workspace,
        person,
        erasure: Erasure::Delete,
    }
}
