//! The tables of surveys and what was answered, and of what was understood of texts. Every column is declared in [`DATA_MAP`].
//!
//! Always holds: an invitation is one occasion to ask somebody in one wave, whatever came of it; a response is one for its invitation and one for its
//! origin; an event with a text has one verbatim;
//! erasing somebody deletes what they were asked and what they said. How many answers a quota has says nothing about a person, and stays.

use rapport_domain::Purpose::{Analytics, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of this crate, in order.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "feedback",
    list: &[
        Migration { number: 1, name: "surveys", sql: SURVEYS },
        Migration { number: 2, name: "verbatims", sql: VERBATIMS },
        Migration { number: 3, name: "benchmarks", sql: BENCHMARKS },
        Migration { number: 4, name: "search", sql: SEARCH },
        Migration { number: 5, name: "survey rounds", sql: ROUNDS },
        Migration { number: 6, name: "verbatim_subjects", sql: VERBATIM_SUBJECTS },
        Migration { number: 7, name: "recommendations", sql: RECOMMENDATIONS },
        Migration { number: 8, name: "verbatim_readings", sql: VERBATIM_READINGS },
        Migration { number: 9, name: "invitations_of_products", sql: INVITATIONS_OF_PRODUCTS },
    ],
};

/// Answers to how likely somebody is to recommend, by time: few of all answers, and counted for whoever asks who speaks for the company.
const RECOMMENDATIONS: &str = "
CREATE INDEX answers_recommended ON answers (workspace, answered_at)
    WHERE kind = 'nps' OR question = 'recommend' OR question = 'intent_to_recommend';
";

/// What the product that somebody is asked about is called, so that they know which is meant.
const INVITATIONS_OF_PRODUCTS: &str = "
ALTER TABLE invitations ADD COLUMN product_name TEXT;
";

const SURVEYS: &str = "
CREATE TABLE surveys (
    workspace {int} NOT NULL,
    survey {int} NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    revision {int} NOT NULL,
    version {int} NOT NULL,
    published {int},
    wave {int} NOT NULL,
    kind TEXT NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    opened_at {int},
    closes_at {int},
    closed_at {int},
    PRIMARY KEY (survey, workspace)
) {clustered};
CREATE UNIQUE INDEX surveys_key ON surveys (workspace, key);

CREATE TABLE survey_versions (
    workspace {int} NOT NULL,
    survey {int} NOT NULL,
    version {int} NOT NULL,
    definition {json} NOT NULL,
    saved_at {int} NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (survey, version, workspace)
) {clustered};

CREATE TABLE survey_quotas (
    workspace {int} NOT NULL,
    survey {int} NOT NULL,
    wave {int} NOT NULL,
    quota TEXT NOT NULL,
    filled {int} NOT NULL,
    PRIMARY KEY (survey, wave, quota, workspace)
) {clustered};

CREATE TABLE survey_settings (
    workspace {int} NOT NULL,
    settings {json} NOT NULL,
    revision {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (workspace)
) {clustered};

CREATE TABLE invitations (
    id TEXT NOT NULL,
    workspace {int} NOT NULL,
    survey {int} NOT NULL,
    wave {int} NOT NULL,
    kind TEXT NOT NULL,
    handle {int} NOT NULL,
    person {int} NOT NULL,
    occasion TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    channel TEXT,
    touchpoint TEXT,
    product TEXT,
    agent TEXT,
    subject TEXT,
    version {int},
    occasioned_at {int} NOT NULL,
    due_at {int},
    decided_at {int},
    invited_at {int},
    remind_at {int},
    reminded_at {int},
    delivered_at {int},
    opened_at {int},
    answered_at {int},
    expires_at {int},
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE UNIQUE INDEX invitations_occasion ON invitations (workspace, survey, wave, handle, occasion);
CREATE INDEX invitations_person ON invitations (person, workspace);
CREATE INDEX invitations_due ON invitations (workspace, due_at);
CREATE INDEX invitations_remind ON invitations (workspace, remind_at);

CREATE TABLE responses (
    id TEXT NOT NULL,
    workspace {int} NOT NULL,
    survey {int} NOT NULL,
    version {int} NOT NULL,
    wave {int} NOT NULL,
    invitation TEXT,
    origin TEXT,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    handle {int},
    person {int},
    language TEXT NOT NULL,
    channel TEXT,
    touchpoint TEXT,
    product TEXT,
    agent TEXT,
    subject TEXT,
    page {int} NOT NULL,
    started_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    completed_at {int},
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE UNIQUE INDEX responses_invitation ON responses (workspace, invitation);
CREATE UNIQUE INDEX responses_origin ON responses (workspace, survey, origin);
CREATE INDEX responses_survey ON responses (workspace, survey, started_at);
CREATE INDEX responses_person ON responses (person, workspace);

CREATE TABLE answers (
    response TEXT NOT NULL,
    workspace {int} NOT NULL,
    survey {int} NOT NULL,
    question TEXT NOT NULL,
    part TEXT NOT NULL,
    kind TEXT NOT NULL,
    number {int},
    choice TEXT,
    text TEXT,
    low {int},
    high {int},
    direction TEXT,
    handle {int},
    person {int},
    answered_at {int} NOT NULL,
    PRIMARY KEY (response, question, part, workspace)
) {clustered};
CREATE INDEX answers_question ON answers (workspace, survey, question, answered_at);
CREATE INDEX answers_person ON answers (person, workspace);
";

const VERBATIMS: &str = "
CREATE TABLE verbatims (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    handle {int} NOT NULL,
    person {int} NOT NULL,
    occurred_at {int} NOT NULL,
    event_name TEXT NOT NULL,
    language TEXT NOT NULL,
    shown TEXT NOT NULL,
    shown_folded TEXT NOT NULL,
    rating {int},
    sentiment {int} NOT NULL,
    anger {int} NOT NULL,
    disappointment {int} NOT NULL,
    anxiety {int} NOT NULL,
    joy {int} NOT NULL,
    gratitude {int} NOT NULL,
    trust {int} NOT NULL,
    urgency {int} NOT NULL,
    corrected_at {int},
    PRIMARY KEY (event_id, workspace)
) {clustered};
CREATE INDEX verbatims_time ON verbatims (workspace, occurred_at, event_id);
CREATE INDEX verbatims_person ON verbatims (person, workspace, occurred_at);
CREATE INDEX verbatims_handle ON verbatims (handle, workspace, occurred_at);
CREATE INDEX verbatims_rating ON verbatims (workspace, rating, occurred_at);

CREATE TABLE verbatim_corrections (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    corrected_at {int} NOT NULL,
    corrected_by TEXT NOT NULL,
    person {int} NOT NULL,
    sentiment {int},
    feelings TEXT,
    PRIMARY KEY (event_id, corrected_at, workspace)
) {clustered};
CREATE INDEX verbatim_corrections_time ON verbatim_corrections (workspace, corrected_at);
CREATE INDEX verbatim_corrections_person ON verbatim_corrections (person, workspace);
";

/// What the index of words follows: which verbatims changed, and which are gone.
const SEARCH: &str = "
ALTER TABLE verbatims DROP COLUMN shown_folded;
ALTER TABLE verbatims ADD COLUMN changed {int} NOT NULL DEFAULT 0;
CREATE INDEX verbatims_changed ON verbatims (workspace, changed, event_id);

CREATE TABLE verbatim_counters (
    workspace {int} NOT NULL,
    number {int} NOT NULL,
    forgotten {int} NOT NULL,
    PRIMARY KEY (workspace)
) {clustered};

CREATE TABLE verbatim_removals (
    workspace {int} NOT NULL,
    number {int} NOT NULL,
    event_id {bytes} NOT NULL,
    removed_at {int} NOT NULL,
    PRIMARY KEY (workspace, number, event_id)
) {clustered};
";

/// Whom a text is about; empty is the company itself.
const VERBATIM_SUBJECTS: &str = "
ALTER TABLE verbatims ADD COLUMN subject TEXT NOT NULL DEFAULT '';
";

/// How far texts were read anew by what was learnt since.
const VERBATIM_READINGS: &str = "
CREATE TABLE verbatim_readings (
    workspace {int} NOT NULL,
    corrections {int} NOT NULL,
    rated {int} NOT NULL,
    after_at {int} NOT NULL,
    after_event {bytes} NOT NULL,
    texts {int} NOT NULL,
    read {int} NOT NULL,
    altered {int} NOT NULL,
    begun_at {int} NOT NULL,
    done_at {int},
    PRIMARY KEY (workspace)
) {clustered};
";

/// Scores of others: where they are from and of when.
const BENCHMARKS: &str = "
CREATE TABLE benchmarks (
    id TEXT NOT NULL,
    workspace {int} NOT NULL,
    name TEXT NOT NULL,
    measure TEXT NOT NULL,
    score {float} NOT NULL,
    margin {float},
    low {int},
    high {int},
    source TEXT NOT NULL,
    as_of TEXT NOT NULL,
    entered_at {int} NOT NULL,
    entered_by TEXT NOT NULL,
    PRIMARY KEY (id, workspace)
) {clustered};
";

/// How far a survey has come in asking the members of a segment.
const ROUNDS: &str = "
CREATE TABLE survey_rounds (
    workspace {int} NOT NULL,
    survey {int} NOT NULL,
    wave {int} NOT NULL,
    began_at {int} NOT NULL,
    after_person {int} NOT NULL,
    placed {int} NOT NULL,
    finished_at {int},
    PRIMARY KEY (survey, wave, workspace)
) {clustered};
CREATE INDEX invitations_survey ON invitations (workspace, survey, occasioned_at, id);
";

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

/// What every column of these tables holds.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical(
        "surveys",
        &[
            "workspace",
            "survey",
            "key",
            "name",
            "state",
            "revision",
            "version",
            "published",
            "wave",
            "kind",
            "created_at",
            "updated_at",
            "updated_by",
            "opened_at",
            "closes_at",
            "closed_at",
        ],
    ),
    Declaration::technical(
        "survey_versions",
        &["workspace", "survey", "version", "definition", "saved_at", "saved_by"],
    ),
    Declaration::technical("survey_quotas", &["workspace", "survey", "wave", "quota", "filled"]),
    Declaration::technical(
        "benchmarks",
        &[
            "id",
            "workspace",
            "name",
            "measure",
            "score",
            "margin",
            "low",
            "high",
            "source",
            "as_of",
            "entered_at",
            "entered_by",
        ],
    ),
    // Numbers are gone through in their order: that one was reached says nothing of whoever has it.
    Declaration::technical(
        "survey_rounds",
        &["workspace", "survey", "wave", "began_at", "after_person", "placed", "finished_at"],
    ),
    Declaration::technical("survey_settings", &["workspace", "settings", "revision", "updated_at", "updated_by"]),
    Declaration::technical("invitations", &["id", "workspace"]),
    personal("invitations", &["handle", "person"], Category::Identifier),
    personal(
        "invitations",
        &[
            "survey",
            "wave",
            "kind",
            "occasion",
            "state",
            "reason",
            "channel",
            "touchpoint",
            "product",
            "product_name",
            "agent",
            "subject",
            "version",
            "occasioned_at",
            "due_at",
            "decided_at",
            "invited_at",
            "remind_at",
            "reminded_at",
            "delivered_at",
            "opened_at",
            "answered_at",
            "expires_at",
        ],
        Category::Behavioural,
    ),
    Declaration::technical("responses", &["id", "workspace"]),
    personal("responses", &["handle", "person", "origin"], Category::Identifier),
    personal(
        "responses",
        &[
            "survey",
            "version",
            "wave",
            "invitation",
            "source",
            "state",
            "language",
            "channel",
            "touchpoint",
            "product",
            "agent",
            "subject",
            "page",
            "started_at",
            "updated_at",
            "completed_at",
        ],
        Category::Behavioural,
    ),
    Declaration::technical("answers", &["workspace"]),
    personal("answers", &["handle", "person"], Category::Identifier),
    personal("answers", &["text"], Category::FreeText),
    personal(
        "answers",
        &[
            "response",
            "survey",
            "question",
            "part",
            "kind",
            "number",
            "choice",
            "low",
            "high",
            "direction",
            "answered_at",
        ],
        Category::Behavioural,
    ),
    Declaration::technical("verbatims", &["workspace", "event_name", "changed", "subject"]),
    Declaration::technical("verbatim_counters", &["workspace", "number", "forgotten"]),
    // The number of an event that is gone says nothing of anybody.
    Declaration::technical("verbatim_removals", &["workspace", "number", "event_id", "removed_at"]),
    Declaration::technical(
        "verbatim_readings",
        &[
            "workspace",
            "corrections",
            "rated",
            "after_at",
            "after_event",
            "texts",
            "read",
            "altered",
            "begun_at",
            "done_at",
        ],
    ),
    personal("verbatims", &["event_id", "handle", "person"], Category::Identifier),
    personal("verbatims", &["shown"], Category::FreeText),
    personal("verbatims", &["occurred_at", "rating"], Category::Behavioural),
    personal(
        "verbatims",
        &[
            "language",
            "sentiment",
            "anger",
            "disappointment",
            "anxiety",
            "joy",
            "gratitude",
            "trust",
            "urgency",
            "corrected_at",
        ],
        Category::Derived,
    ),
    Declaration::technical("verbatim_corrections", &["workspace", "corrected_by", "corrected_at"]),
    personal("verbatim_corrections", &["event_id", "person"], Category::Identifier),
    personal("verbatim_corrections", &["sentiment", "feelings"], Category::Derived),
];
