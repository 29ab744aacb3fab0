//! The tables of reviews. Every column is declared in [`DATA_MAP`].

use rapport_domain::Purpose::{Analytics, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of reviews, in order.
pub const MIGRATIONS: Migrations = Migrations { namespace: "reviews", list: &[REVIEWS] };

/// `judge_at` is when to look at it (again), empty when that is done. `state`: see [`super::State`]. The words are where texts of persons are, by the
/// event's id. A review is one for what its source calls it: told again it is changed.
const REVIEWS: Migration = Migration {
    number: 1,
    name: "reviews",
    sql: "
CREATE TABLE reviews (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    source {int} NOT NULL,
    review_key TEXT NOT NULL,
    handle {int} NOT NULL,
    product_id TEXT NOT NULL,
    product_name TEXT,
    rating {int} NOT NULL,
    language TEXT,
    written_at {int} NOT NULL,
    recorded_at {int} NOT NULL,
    judge_at {int},
    purchase TEXT NOT NULL,
    doubt {int} NOT NULL,
    signs {json} NOT NULL,
    state TEXT NOT NULL,
    decided_at {int},
    decided_by TEXT,
    decided_why TEXT,
    answer TEXT,
    answered_at {int},
    answered_by TEXT,
    PRIMARY KEY (event_id, workspace)
) {clustered};
CREATE UNIQUE INDEX reviews_key ON reviews (review_key, source, workspace);
CREATE INDEX reviews_product ON reviews (product_id, workspace, written_at);
CREATE INDEX reviews_handle ON reviews (handle, workspace, written_at);
CREATE INDEX reviews_judge ON reviews (judge_at, workspace);
CREATE INDEX reviews_state ON reviews (workspace, state, written_at);

CREATE TABLE review_marks (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    handle {int} NOT NULL,
    mark {int} NOT NULL,
    PRIMARY KEY (mark, event_id, workspace)
) {clustered};
CREATE INDEX review_marks_event ON review_marks (event_id, workspace);
CREATE INDEX review_marks_handle ON review_marks (handle, workspace);
",
};

/// Of somebody who is forgotten the stars stay, as nobody's: what a product is worth to its buyers is no news of one of them.
const KEPT: Erasure = Erasure::Keep(
    "statistics that name nobody: the stars without whose they are (GDPR, article 17(3)(d) and recital 26)",
);

const fn review(columns: &'static [&'static str], category: Category, erasure: Erasure) -> Declaration {
    Declaration {
        table: "reviews",
        columns,
        category,
        purposes: &[Service, Analytics],
        retention: Retention::Workspace,
        person: Way::Handles(&["handle"]),
        erasure,
    }
}

const fn mark(columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration { table: "review_marks", ..review(columns, category, Erasure::Delete) }
}

/// What every column of these tables holds.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical("reviews", &["workspace", "source", "recorded_at", "judge_at"]),
    review(&["handle"], Category::Identifier, Erasure::Unlink),
    review(
        &["product_id", "product_name", "rating", "language", "written_at", "review_key"],
        Category::Behavioural,
        KEPT,
    ),
    review(&["event_id", "purchase", "doubt", "signs", "state"], Category::Derived, KEPT),
    Declaration::technical("reviews", &["decided_at", "decided_by", "answered_at", "answered_by"]),
    review(&["decided_why", "answer"], Category::FreeText, Erasure::Blank),
    Declaration::technical("review_marks", &["workspace"]),
    mark(&["handle", "event_id"], Category::Identifier),
    mark(&["mark"], Category::Derived),
];
