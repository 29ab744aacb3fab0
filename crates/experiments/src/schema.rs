//! The tables of experiments and policies. Every column is declared in [`DATA_MAP`].
//!
//! Always holds: a row of `exposures` is what one identifier was exposed to first, and is never given another variant; the counts of
//! `exposure_days` are of all that was ever noted, and say nothing about a person, so erasing one leaves them.

use rapport_domain::Purpose::{Analytics, Marketing, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of this crate, in order.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "experiments",
    list: &[
        Migration { number: 1, name: "experiments", sql: EXPERIMENTS },
        Migration { number: 2, name: "policies", sql: POLICIES },
    ],
};

const POLICIES: &str = "
CREATE TABLE policies (
    workspace {int} NOT NULL,
    policy {int} NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    version {int} NOT NULL,
    epoch {int} NOT NULL,
    epoch_at {int} NOT NULL,
    fixed_arm TEXT,
    design {json} NOT NULL,
    learner {bytes} NOT NULL,
    basis {json} NOT NULL,
    knows {bool} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (policy, workspace)
) {clustered};
CREATE UNIQUE INDEX policies_key ON policies (workspace, key);

CREATE TABLE policy_decisions (
    workspace {int} NOT NULL,
    policy {int} NOT NULL,
    epoch {int} NOT NULL,
    subject TEXT NOT NULL,
    turn TEXT NOT NULL,
    handle {int} NOT NULL,
    person {int} NOT NULL,
    arm TEXT NOT NULL,
    propensity {float} NOT NULL,
    chances {json} NOT NULL,
    decided_at {int} NOT NULL,
    day {int} NOT NULL,
    closes_at {int} NOT NULL,
    state TEXT NOT NULL,
    reward {float},
    PRIMARY KEY (policy, subject, turn, workspace)
) {clustered};
CREATE INDEX policy_decisions_closing ON policy_decisions (workspace, policy, state, closes_at);
CREATE INDEX policy_decisions_person ON policy_decisions (person, policy, workspace);
";

const EXPERIMENTS: &str = "
CREATE TABLE experiments (
    workspace {int} NOT NULL,
    experiment {int} NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    version {int} NOT NULL,
    allocation {int} NOT NULL,
    winner TEXT,
    exclusion_group TEXT,
    design {json} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    started_at {int},
    ended_at {int},
    PRIMARY KEY (experiment, workspace)
) {clustered};
CREATE UNIQUE INDEX experiments_key ON experiments (workspace, key);

CREATE TABLE experiment_versions (
    workspace {int} NOT NULL,
    experiment {int} NOT NULL,
    version {int} NOT NULL,
    state TEXT NOT NULL,
    allocation {int} NOT NULL,
    winner TEXT,
    design {json} NOT NULL,
    saved_at {int} NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (experiment, version, workspace)
) {clustered};

CREATE TABLE exclusion_groups (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    revision {int} NOT NULL,
    created_at {int} NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (key, workspace)
) {clustered};

CREATE TABLE exposures (
    workspace {int} NOT NULL,
    experiment {int} NOT NULL,
    handle {int} NOT NULL,
    person {int} NOT NULL,
    by_person {bool} NOT NULL,
    variant TEXT NOT NULL,
    allocation {int} NOT NULL,
    subject TEXT NOT NULL,
    exposed_at {int} NOT NULL,
    torn {bool} NOT NULL,
    standing TEXT NOT NULL,
    PRIMARY KEY (experiment, handle, workspace)
) {clustered};
CREATE INDEX exposures_person ON exposures (person, experiment, workspace);

CREATE TABLE exposure_days (
    workspace {int} NOT NULL,
    experiment {int} NOT NULL,
    allocation {int} NOT NULL,
    variant TEXT NOT NULL,
    day {int} NOT NULL,
    shard {int} NOT NULL,
    units {int} NOT NULL,
    mixed {int} NOT NULL,
    PRIMARY KEY (experiment, allocation, variant, day, shard, workspace)
) {clustered};
";

const fn personal(table: &'static str, columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: &[Service, Analytics, Marketing],
        retention: Retention::Person,
        person: Way::Person("person"),
        erasure: Erasure::Delete,
    }
}

/// What every column of these tables holds.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical(
        "experiments",
        &[
            "workspace",
            "experiment",
            "key",
            "state",
            "version",
            "allocation",
            "winner",
            "exclusion_group",
            "design",
            "created_at",
            "updated_at",
            "updated_by",
            "started_at",
            "ended_at",
        ],
    ),
    Declaration::technical(
        "experiment_versions",
        &["workspace", "experiment", "version", "state", "allocation", "winner", "design", "saved_at", "saved_by"],
    ),
    Declaration::technical(
        "exclusion_groups",
        &["workspace", "key", "name", "unit", "revision", "created_at", "created_by"],
    ),
    Declaration::technical("exposures", &["workspace", "by_person"]),
    personal("exposures", &["handle", "person"], Category::Identifier),
    personal(
        "exposures",
        &["experiment", "variant", "allocation", "subject", "exposed_at", "torn", "standing"],
        Category::Behavioural,
    ),
    Declaration::technical(
        "exposure_days",
        &["workspace", "experiment", "allocation", "variant", "day", "shard", "units", "mixed"],
    ),
    // What a policy knows are sums over decisions, with nobody in them.
    Declaration::technical(
        "policies",
        &[
            "workspace",
            "policy",
            "key",
            "state",
            "version",
            "epoch",
            "epoch_at",
            "fixed_arm",
            "design",
            "learner",
            "basis",
            "knows",
            "created_at",
            "updated_at",
            "updated_by",
        ],
    ),
    Declaration::technical("policy_decisions", &["workspace"]),
    personal("policy_decisions", &["handle", "person", "turn"], Category::Identifier),
    personal(
        "policy_decisions",
        &[
            "policy",
            "epoch",
            "subject",
            "arm",
            "propensity",
            "chances",
            "decided_at",
            "day",
            "closes_at",
            "state",
            "reward",
        ],
        Category::Behavioural,
    ),
];
