//! The tables of profiles. Every column is declared in [`DATA_MAP`](crate::data_map).
//!
//! Always holds: a primary key does not begin with the workspace. SQLite, which keeps no statistics here, takes any index whose first column
//! is compared for a selective one, and would read a whole workspace where a few rows are asked for.

use rapport_store::{Migration, Migrations};

/// All migrations of this crate, in order.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "profiles",
    list: &[
        Migration { number: 1, name: "profiles", sql: PROFILES },
        COUNTED,
        BIRTHS,
        ACCOUNT_FACTS,
        NO_CONSENT_FACTS,
        CANCELLATIONS,
    ],
};

/// What became of an order may be heard before the order: it is kept by itself, and an order stands as all that is known of it says.
const CANCELLATIONS: Migration = Migration {
    number: 6,
    name: "cancellations",
    sql: "
CREATE TABLE cancellations (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    order_id TEXT NOT NULL,
    handle {int} NOT NULL,
    cancelled_at {int} NOT NULL,
    PRIMARY KEY (event_id, workspace)
) {clustered};
CREATE INDEX cancellations_handle ON cancellations (handle, workspace);
CREATE INDEX cancellations_order ON cancellations (order_id, workspace);
INSERT INTO cancellations (workspace, event_id, order_id, handle, cancelled_at)
    SELECT workspace, event_id, order_id, handle, placed_at FROM orders WHERE status = 'cancelled';
ALTER TABLE refunds ADD COLUMN is_whole {bool} NOT NULL DEFAULT FALSE;
",
};

/// What holds about consent is read from what was said (`records::consents`), so that there is no second truth about it.
const NO_CONSENT_FACTS: Migration =
    Migration { number: 5, name: "no_consent_facts", sql: "DELETE FROM facts WHERE fact_key LIKE 'consent.%';" };

/// What is known of organisations, to be told of whoever joins one later.
const ACCOUNT_FACTS: Migration = Migration {
    number: 4,
    name: "account_facts",
    sql: "
CREATE TABLE account_facts (
    workspace {int} NOT NULL,
    account {int} NOT NULL,
    fact_key TEXT NOT NULL,
    valid_from {int} NOT NULL,
    recorded_at {int} NOT NULL,
    value TEXT NOT NULL,
    source {int} NOT NULL,
    event_id {bytes} NOT NULL,
    PRIMARY KEY (account, fact_key, valid_from, recorded_at, workspace)
) {clustered};
",
};

/// When everybody came is read from the index alone.
const BIRTHS: Migration = Migration {
    number: 3,
    name: "births",
    sql: "
DROP INDEX identifiers_person;
CREATE INDEX identifiers_person ON identifiers (workspace, person, first_seen_at);
",
};

/// Before it, activity was counted with each batch, so what the consumer had applied was counted.
const COUNTED: Migration = Migration {
    number: 2,
    name: "counted_through",
    sql: "
ALTER TABLE identifiers ADD COLUMN counted_through {int} NOT NULL DEFAULT 0;
UPDATE identifiers SET counted_through =
    COALESCE((SELECT MAX(position) FROM consumer_cursor WHERE consumer = 'profiles'), 0);
INSERT INTO consumer_cursor (consumer, workspace, partition_number, epoch, position)
    SELECT 'activity', workspace, partition_number, epoch, position FROM consumer_cursor WHERE consumer = 'profiles';
",
};

const PROFILES: &str = "
CREATE TABLE identifiers (
    workspace {int} NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    handle {int} NOT NULL,
    person {int} NOT NULL,
    source {int} NOT NULL,
    first_seen_at {int} NOT NULL,
    last_seen_at {int} NOT NULL,
    events {int} NOT NULL,
    PRIMARY KEY (value, kind, workspace)
) {clustered};
CREATE UNIQUE INDEX identifiers_handle ON identifiers (workspace, handle);
CREATE INDEX identifiers_person ON identifiers (workspace, person);

CREATE TABLE evidence (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    left_handle {int} NOT NULL,
    right_handle {int} NOT NULL,
    rule TEXT NOT NULL,
    event_id {bytes} NOT NULL,
    occurred_at {int} NOT NULL,
    recorded_at {int} NOT NULL,
    set_aside {bool} NOT NULL,
    undone_at {int},
    undone_by TEXT,
    reason TEXT
) {clustered};
CREATE UNIQUE INDEX evidence_pair ON evidence (workspace, left_handle, right_handle, rule);
CREATE INDEX evidence_right ON evidence (workspace, right_handle);

CREATE TABLE persons (
    workspace {int} NOT NULL,
    person {int} NOT NULL,
    first_seen_at {int} NOT NULL,
    last_seen_at {int} NOT NULL,
    events {int} NOT NULL,
    name TEXT,
    email TEXT,
    country TEXT,
    search_folded TEXT NOT NULL,
    orders {int} NOT NULL,
    spent_micros {int} NOT NULL,
    refunded_micros {int} NOT NULL,
    currency TEXT,
    first_order_at {int},
    last_order_at {int},
    recency {int},
    frequency {int},
    monetary {int},
    rfm_group TEXT,
    PRIMARY KEY (person, workspace)
) {clustered};
CREATE INDEX persons_last_seen ON persons (workspace, last_seen_at);
CREATE INDEX persons_spent ON persons (workspace, spent_micros);

CREATE TABLE facts (
    workspace {int} NOT NULL,
    handle {int} NOT NULL,
    fact_key TEXT NOT NULL,
    valid_from {int} NOT NULL,
    recorded_at {int} NOT NULL,
    value TEXT NOT NULL,
    source {int} NOT NULL,
    event_id {bytes} NOT NULL,
    PRIMARY KEY (handle, workspace, fact_key, valid_from, recorded_at)
) {clustered};
CREATE INDEX facts_key ON facts (workspace, fact_key, handle);

CREATE TABLE orders (
    workspace {int} NOT NULL,
    order_id TEXT NOT NULL,
    handle {int} NOT NULL,
    source {int} NOT NULL,
    event_id {bytes} NOT NULL,
    placed_at {int} NOT NULL,
    revenue_micros {int} NOT NULL,
    refunded_micros {int} NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    lines {int} NOT NULL,
    PRIMARY KEY (order_id, workspace)
) {clustered};
CREATE INDEX orders_handle ON orders (handle, workspace, placed_at);
CREATE INDEX orders_placed ON orders (workspace, placed_at);

CREATE TABLE refunds (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    order_id TEXT NOT NULL,
    handle {int} NOT NULL,
    refunded_at {int} NOT NULL,
    amount_micros {int} NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (event_id, workspace)
) {clustered};
CREATE INDEX refunds_handle ON refunds (handle, workspace);
CREATE INDEX refunds_order ON refunds (order_id, workspace);

CREATE TABLE texts (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    handle {int} NOT NULL,
    occurred_at {int} NOT NULL,
    event_name TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (event_id, workspace)
) {clustered};
CREATE INDEX texts_handle ON texts (handle, workspace, occurred_at);

CREATE TABLE accounts (
    workspace {int} NOT NULL,
    account {int} NOT NULL,
    group_id TEXT NOT NULL,
    name TEXT,
    created_at {int} NOT NULL,
    PRIMARY KEY (account, workspace)
) {clustered};
CREATE UNIQUE INDEX accounts_group ON accounts (workspace, group_id);

CREATE TABLE account_members (
    workspace {int} NOT NULL,
    account {int} NOT NULL,
    handle {int} NOT NULL,
    since {int} NOT NULL,
    PRIMARY KEY (account, handle, workspace)
) {clustered};
CREATE INDEX account_members_handle ON account_members (workspace, handle);

CREATE TABLE event_names (
    workspace {int} NOT NULL,
    name TEXT NOT NULL,
    events {int} NOT NULL,
    first_at {int} NOT NULL,
    last_at {int} NOT NULL,
    PRIMARY KEY (workspace, name)
) {clustered};

CREATE TABLE device_clocks (
    workspace {int} NOT NULL,
    device {int} NOT NULL,
    offset_micros {int} NOT NULL,
    PRIMARY KEY (workspace, device)
) {clustered};
";
