//! The tables of privacy. Every column is declared in [`DATA_MAP`].
//!
//! Always holds: rows of `consents` are added, never changed; of who was forgotten only keyed digests of their identifiers stay.

use rapport_domain::Purpose::{self, Administration, Analytics, Marketing, Service, Sharing, Support};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of this crate, in order.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "privacy",
    list: &[
        Migration { number: 1, name: "privacy", sql: PRIVACY },
        Migration { number: 2, name: "latest_consents", sql: LATEST },
        Migration { number: 3, name: "privacy_proofs", sql: PROOFS },
        Migration { number: 4, name: "requests_of_a_person", sql: REQUESTS_OF_A_PERSON },
        Migration { number: 5, name: "confirmations", sql: CONFIRMATIONS },
        Migration { number: 6, name: "consents_as_said", sql: AS_SAID },
    ],
};

/// What was said last is found without reading all that was ever said.
const LATEST: &str = "CREATE INDEX consents_latest ON consents (workspace, recorded_at, event_id);";

/// What was said last is what was said last, not what an import brought last.
const AS_SAID: &str = "
DROP INDEX consents_latest;
CREATE INDEX consents_as_said ON consents (workspace, occurred_at, event_id);
";

/// Requests follow whoever they are of, at every merge.
const REQUESTS_OF_A_PERSON: &str =
    "CREATE INDEX privacy_requests_person ON privacy_requests (workspace, person, requested_at);";

/// Mails that ask to confirm what was asked for: `sent` counts those since it was.
const CONFIRMATIONS: &str = "
CREATE TABLE confirmations (
    workspace {int} NOT NULL,
    handle {int} NOT NULL,
    topic TEXT NOT NULL,
    asked_at {int} NOT NULL,
    language TEXT NOT NULL,
    due_at {int},
    sent {int} NOT NULL,
    sent_at {int},
    attempts {int} NOT NULL,
    PRIMARY KEY (handle, topic, workspace)
) {clustered};
CREATE INDEX confirmations_due ON confirmations (due_at) WHERE due_at IS NOT NULL;
";

/// Mails that ask whether it was the reader who asked for their data, or to be erased.
const PROOFS: &str = "
CREATE TABLE privacy_proofs (
    id {bytes} NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    handle {int},
    kind TEXT NOT NULL,
    language TEXT NOT NULL,
    made_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    due_at {int},
    attempts {int} NOT NULL,
    sent_at {int},
    used_at {int}
) {clustered};
CREATE INDEX privacy_proofs_due ON privacy_proofs (due_at);
CREATE INDEX privacy_proofs_handle ON privacy_proofs (handle, made_at);
";

const PRIVACY: &str = "
CREATE TABLE consents (
    workspace {int} NOT NULL,
    handle {int} NOT NULL,
    event_id {bytes} NOT NULL,
    purpose TEXT NOT NULL,
    channel TEXT NOT NULL,
    topic TEXT NOT NULL,
    state TEXT NOT NULL,
    occurred_at {int} NOT NULL,
    until_at {int},
    recorded_at {int} NOT NULL,
    notice TEXT,
    notice_version {int},
    locale TEXT,
    method TEXT NOT NULL,
    actor TEXT NOT NULL,
    evidence {json},
    PRIMARY KEY (handle, event_id, purpose, channel, topic, workspace)
) {clustered};

CREATE TABLE topics (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    names {json} NOT NULL,
    descriptions {json} NOT NULL,
    channels {json} NOT NULL,
    double_opt_in {bool} NOT NULL,
    shown {bool} NOT NULL,
    place {int} NOT NULL,
    created_at {int} NOT NULL,
    archived_at {int},
    PRIMARY KEY (key, workspace)
) {clustered};

CREATE TABLE notices (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    version {int} NOT NULL,
    locale TEXT NOT NULL,
    content TEXT NOT NULL,
    digest {bytes} NOT NULL,
    created_at {int} NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (key, version, locale, workspace)
) {clustered};

CREATE TABLE wishes (
    workspace {int} NOT NULL,
    handle {int} NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    changed_at {int} NOT NULL,
    PRIMARY KEY (handle, key, workspace)
) {clustered};

CREATE TABLE privacy_requests (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    person {int},
    requested_at {int} NOT NULL,
    due_at {int} NOT NULL,
    finished_at {int},
    actor TEXT NOT NULL,
    report {json} NOT NULL
) {clustered};
CREATE INDEX privacy_requests_workspace ON privacy_requests (workspace, requested_at);

CREATE TABLE restrictions (
    workspace {int} NOT NULL,
    handle {int} NOT NULL,
    since {int} NOT NULL,
    lifted_at {int},
    request TEXT NOT NULL,
    PRIMARY KEY (handle, since, workspace)
) {clustered};

CREATE TABLE suppressions (
    workspace {int} NOT NULL,
    digest {bytes} NOT NULL,
    since {int} NOT NULL,
    request TEXT NOT NULL,
    lifted_at {int},
    lifted_by TEXT,
    PRIMARY KEY (digest, workspace)
) {clustered};

CREATE TABLE privacy_secrets (
    workspace {int} NOT NULL PRIMARY KEY,
    secret {bytes} NOT NULL
) {clustered};
";

const OF_HANDLE: Way = Way::Handles(&["handle"]);
const ALL: &[Purpose] = &[Service, Analytics, Marketing, Support, Sharing];
const PROOF: Erasure = Erasure::Keep("GDPR Article 5(2): that a request was received and done must be shown");

const fn personal(table: &'static str, columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: ALL,
        retention: Retention::Person,
        person: OF_HANDLE,
        erasure: Erasure::Delete,
    }
}

/// What every column of these tables holds.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical("consents", &["workspace", "recorded_at", "notice", "notice_version", "locale", "actor"]),
    personal("consents", &["handle", "event_id"], Category::Identifier),
    personal("consents", &["evidence"], Category::FreeText),
    personal(
        "consents",
        &["purpose", "channel", "topic", "state", "occurred_at", "until_at", "method"],
        Category::Behavioural,
    ),
    Declaration::technical(
        "topics",
        &[
            "workspace",
            "key",
            "names",
            "descriptions",
            "channels",
            "double_opt_in",
            "shown",
            "place",
            "created_at",
            "archived_at",
        ],
    ),
    Declaration::technical(
        "notices",
        &["workspace", "key", "version", "locale", "content", "digest", "created_at", "created_by"],
    ),
    Declaration::technical("wishes", &["workspace"]),
    personal("wishes", &["handle"], Category::Identifier),
    personal("wishes", &["key", "value", "changed_at"], Category::Behavioural),
    Declaration::technical("privacy_requests", &["id", "workspace", "due_at", "actor"]),
    Declaration {
        table: "privacy_requests",
        columns: &["person"],
        category: Category::Identifier,
        purposes: &[Administration],
        retention: Retention::Person,
        person: Way::Person("person"),
        erasure: Erasure::Blank,
    },
    Declaration {
        table: "privacy_requests",
        columns: &["kind", "state", "requested_at", "finished_at", "report"],
        category: Category::Behavioural,
        purposes: &[Administration],
        retention: Retention::Days(1_095),
        person: Way::Person("person"),
        erasure: PROOF,
    },
    Declaration::technical("privacy_proofs", &["id", "workspace", "language", "expires_at", "due_at", "attempts"]),
    Declaration {
        table: "privacy_proofs",
        columns: &["handle"],
        category: Category::Identifier,
        purposes: &[Administration],
        retention: Retention::Days(90),
        person: OF_HANDLE,
        erasure: Erasure::Blank,
    },
    Declaration {
        table: "privacy_proofs",
        columns: &["kind", "made_at", "sent_at", "used_at"],
        category: Category::Behavioural,
        purposes: &[Administration],
        retention: Retention::Days(90),
        person: OF_HANDLE,
        erasure: PROOF,
    },
    Declaration::technical("confirmations", &["workspace", "language", "due_at", "attempts"]),
    personal("confirmations", &["handle"], Category::Identifier),
    personal("confirmations", &["topic", "asked_at", "sent", "sent_at"], Category::Behavioural),
    Declaration::technical("restrictions", &["workspace", "request"]),
    personal("restrictions", &["handle"], Category::Identifier),
    personal("restrictions", &["since", "lifted_at"], Category::Behavioural),
    // Keyed digests: they recognise an identifier that is named again, and say nothing without the key and the identifier.
    Declaration::technical("suppressions", &["workspace", "digest", "since", "request", "lifted_at", "lifted_by"]),
    Declaration::technical("privacy_secrets", &["workspace", "secret"]),
];
