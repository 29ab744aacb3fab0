//! The tables of models at work. Every column is declared in [`DATA_MAP`].

use rapport_domain::Purpose::{Analytics, Marketing, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of this crate, in order.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "analytics",
    list: &[
        Migration { number: 1, name: "models", sql: MODELS },
        Migration { number: 2, name: "personas", sql: PERSONAS },
        Migration { number: 3, name: "marks", sql: MARKS },
    ],
};

/// Scores are kept by handle, as facts are, so that joining and parting people moves nothing.
const MODELS: &str = "
CREATE TABLE models (
    workspace {int} NOT NULL,
    model TEXT NOT NULL,
    kind TEXT NOT NULL,
    settings {json} NOT NULL,
    is_paused {bool} NOT NULL,
    version {int},
    verdict {json},
    fit_at {int} NOT NULL,
    score_at {int} NOT NULL,
    fit_job TEXT,
    score_job TEXT,
    scored_at {int},
    scored_version {int},
    overview {json},
    PRIMARY KEY (model, workspace)
) {clustered};

CREATE TABLE model_versions (
    workspace {int} NOT NULL,
    model TEXT NOT NULL,
    version {int} NOT NULL,
    state TEXT NOT NULL,
    fitted_at {int} NOT NULL,
    fitted_by TEXT NOT NULL,
    as_of {int} NOT NULL,
    people {int} NOT NULL,
    content {json} NOT NULL,
    card {json} NOT NULL,
    held {json} NOT NULL,
    came {json},
    decided_at {int},
    decided_by TEXT,
    decided_why TEXT,
    PRIMARY KEY (model, version, workspace)
) {clustered};

CREATE TABLE scores (
    workspace {int} NOT NULL,
    model TEXT NOT NULL,
    handle {int} NOT NULL,
    version {int} NOT NULL,
    scored_at {int} NOT NULL,
    score {int} NOT NULL,
    low {int} NOT NULL,
    high {int} NOT NULL,
    tenth {int} NOT NULL,
    part TEXT NOT NULL,
    cohort TEXT NOT NULL,
    detail {json} NOT NULL,
    PRIMARY KEY (handle, model, workspace)
) {clustered};
CREATE INDEX scores_score ON scores (workspace, model, score);
CREATE INDEX scores_scored ON scores (workspace, model, scored_at);
";

const PERSONAS: &str = "
CREATE TABLE personas (
    workspace {int} NOT NULL,
    number {int} NOT NULL,
    name TEXT NOT NULL,
    note TEXT NOT NULL,
    changed_at {int} NOT NULL,
    changed_by TEXT NOT NULL,
    PRIMARY KEY (number, workspace)
) {clustered};
";

/// What a model says of people beside a number, kept by handle as scores are.
const MARKS: &str = "
CREATE TABLE score_marks (
    workspace {int} NOT NULL,
    model TEXT NOT NULL,
    handle {int} NOT NULL,
    mark TEXT NOT NULL,
    scored_at {int} NOT NULL,
    PRIMARY KEY (handle, model, mark, workspace)
) {clustered};
CREATE INDEX score_marks_mark ON score_marks (workspace, model, mark, handle);
CREATE INDEX score_marks_scored ON score_marks (workspace, model, scored_at);
";

const OF_HANDLE: Way = Way::Handles(&["handle"]);

/// What every column of these tables holds. A version is of all people together, and a persona of a whole group: neither says anything of one.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical(
        "models",
        &[
            "workspace",
            "model",
            "kind",
            "settings",
            "is_paused",
            "version",
            "verdict",
            "fit_at",
            "score_at",
            "fit_job",
            "score_job",
            "scored_at",
            "scored_version",
            "overview",
        ],
    ),
    Declaration::technical(
        "model_versions",
        &[
            "workspace",
            "model",
            "version",
            "state",
            "fitted_at",
            "fitted_by",
            "as_of",
            "people",
            "content",
            "card",
            "held",
            "came",
            "decided_at",
            "decided_by",
            "decided_why",
        ],
    ),
    Declaration::technical("personas", &["workspace", "number", "name", "note", "changed_at", "changed_by"]),
    Declaration::technical("scores", &["workspace", "model", "version", "scored_at"]),
    personal("scores", &["handle"], Category::Identifier),
    personal("scores", &["score", "low", "high", "tenth", "part", "cohort", "detail"], Category::Derived),
    Declaration::technical("score_marks", &["workspace", "model", "scored_at"]),
    personal("score_marks", &["handle"], Category::Identifier),
    personal("score_marks", &["mark"], Category::Derived),
];

const fn personal(table: &'static str, columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: &[Analytics, Marketing, Service],
        retention: Retention::Person,
        person: OF_HANDLE,
        erasure: Erasure::Delete,
    }
}
