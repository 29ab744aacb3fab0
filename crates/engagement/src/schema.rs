//! The tables of engagement. Every column is declared in [`DATA_MAP`].
//!
//! Always holds: a saved version of a template is never changed or deleted, so that what somebody was sent can be looked at later; an instance that is not over is one for its person, journey and occasion; a message is one for its instance, node and visit.

use rapport_domain::Purpose::{self, Analytics, Marketing, Service, Sharing};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of this crate, in order.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "engagement",
    list: &[
        TEMPLATES,
        Migration { number: 2, name: "journeys", sql: JOURNEYS },
        Migration { number: 3, name: "channels", sql: CHANNELS },
        Migration { number: 4, name: "slots", sql: SLOTS },
        Migration { number: 5, name: "queues", sql: QUEUES },
        Migration { number: 6, name: "copies", sql: COPIES },
        Migration { number: 7, name: "slot_figures", sql: SLOT_FIGURES },
        Migration { number: 8, name: "audiences", sql: AUDIENCES },
        Migration { number: 9, name: "lists", sql: LISTS },
        Migration { number: 10, name: "heard", sql: HEARD },
        Migration { number: 11, name: "failed_acts", sql: FAILED_ACTS },
        Migration { number: 12, name: "sums", sql: SUMS },
    ],
};

/// What is said. `version` counts from 1; the row of a template repeats what a list shows of its latest version.
const TEMPLATES: Migration = Migration {
    number: 1,
    name: "templates",
    sql: "
CREATE TABLE templates (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    form TEXT NOT NULL,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    created_by TEXT NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    archived_at {int},
    PRIMARY KEY (key, workspace)
) {clustered};

CREATE TABLE template_versions (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    version {int} NOT NULL,
    content TEXT NOT NULL,
    restored_from {int},
    saved_at {int} NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (key, version, workspace)
) {clustered};

CREATE TABLE letterheads (
    workspace {int} NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    url TEXT NOT NULL,
    logo_url TEXT NOT NULL,
    saved_at {int} NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (workspace)
) {clustered};
",
};

const JOURNEYS: &str = "
CREATE TABLE journeys (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    draft {json} NOT NULL,
    live_version {int} NOT NULL,
    created_at {int} NOT NULL,
    created_by TEXT NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    launched_at {int},
    PRIMARY KEY (key, workspace)
) {clustered};

CREATE TABLE journey_versions (
    workspace {int} NOT NULL,
    journey TEXT NOT NULL,
    version {int} NOT NULL,
    definition {json} NOT NULL,
    launched_at {int} NOT NULL,
    launched_by TEXT NOT NULL,
    PRIMARY KEY (journey, version, workspace)
) {clustered};

CREATE TABLE journey_instances (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    journey TEXT NOT NULL,
    version {int} NOT NULL,
    person {int} NOT NULL,
    handle {int},
    entry_key TEXT NOT NULL,
    entered_at {int} NOT NULL,
    node TEXT,
    arrived_at {int} NOT NULL,
    visits {json} NOT NULL,
    heard {json} NOT NULL,
    trail {json} NOT NULL,
    payload {json} NOT NULL,
    log_position {int} NOT NULL,
    wake_at {int},
    goal_at {int},
    ended_at {int},
    ended_why TEXT
) {clustered};
CREATE UNIQUE INDEX journey_instances_once ON journey_instances (person, journey, entry_key, workspace) WHERE ended_at IS NULL;
CREATE INDEX journey_instances_due ON journey_instances (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX journey_instances_person ON journey_instances (person, journey, workspace);
CREATE INDEX journey_instances_active ON journey_instances (journey, version, node, workspace, ended_at) WHERE ended_at IS NULL;
CREATE INDEX journey_instances_ends ON journey_instances (journey, ended_why, workspace, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX journey_instances_handle ON journey_instances (handle);

CREATE TABLE journey_flows (
    workspace {int} NOT NULL,
    journey TEXT NOT NULL,
    version {int} NOT NULL,
    node TEXT NOT NULL,
    way TEXT NOT NULL,
    day {int} NOT NULL,
    people {int} NOT NULL,
    PRIMARY KEY (journey, version, node, way, day, workspace)
) {clustered};

CREATE TABLE journey_turns (
    workspace {int} NOT NULL,
    journey TEXT NOT NULL,
    node TEXT NOT NULL,
    began_at {int} NOT NULL,
    used {int} NOT NULL,
    PRIMARY KEY (journey, node, workspace)
) {clustered};

CREATE TABLE journey_runs (
    workspace {int} NOT NULL,
    journey TEXT NOT NULL,
    run TEXT NOT NULL,
    version {int} NOT NULL,
    state TEXT NOT NULL,
    planned_at {int} NOT NULL,
    next_at {int},
    began_at {int} NOT NULL,
    after_person {int} NOT NULL,
    entered {int} NOT NULL,
    people {int} NOT NULL,
    finished_at {int},
    PRIMARY KEY (journey, run, workspace)
) {clustered};
CREATE INDEX journey_runs_due ON journey_runs (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE journey_acts (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    person {int} NOT NULL,
    handle {int},
    instance TEXT NOT NULL,
    journey TEXT NOT NULL,
    node TEXT NOT NULL,
    visit {int} NOT NULL,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    content {json} NOT NULL,
    state TEXT NOT NULL,
    decided_at {int} NOT NULL,
    due_at {int},
    attempts {int} NOT NULL,
    failing_since {int},
    error TEXT
) {clustered};
CREATE UNIQUE INDEX journey_acts_once ON journey_acts (instance, node, visit);
CREATE INDEX journey_acts_due ON journey_acts (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX journey_acts_person ON journey_acts (person, workspace);

CREATE TABLE messages (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    person {int} NOT NULL,
    handle {int},
    channel TEXT NOT NULL,
    class TEXT NOT NULL,
    topic TEXT,
    journey TEXT,
    version {int} NOT NULL,
    instance TEXT,
    node TEXT NOT NULL,
    visit {int} NOT NULL,
    template TEXT NOT NULL,
    template_version {int},
    state TEXT NOT NULL,
    reason TEXT,
    capped {bool} NOT NULL,
    payload {json} NOT NULL,
    decided_at {int} NOT NULL,
    due_at {int},
    attempts {int} NOT NULL,
    message_id TEXT,
    provider_id TEXT,
    response TEXT,
    sent_at {int},
    delivered_at {int},
    bounced_at {int},
    complained_at {int},
    opened_at {int},
    clicked_at {int},
    unsubscribed_at {int}
) {clustered};
CREATE UNIQUE INDEX messages_once ON messages (instance, node, visit) WHERE instance IS NOT NULL;
CREATE INDEX messages_due ON messages (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX messages_waiting ON messages (journey) WHERE due_at IS NOT NULL;
CREATE INDEX messages_person ON messages (person, decided_at, workspace);
CREATE INDEX messages_journey ON messages (journey, node, decided_at, workspace);
CREATE INDEX messages_recent ON messages (workspace, decided_at);
CREATE INDEX messages_handle ON messages (handle);
CREATE INDEX messages_provider ON messages (provider_id) WHERE provider_id IS NOT NULL;

CREATE TABLE message_clicks (
    message TEXT NOT NULL,
    kind TEXT NOT NULL,
    link {int} NOT NULL,
    at {int} NOT NULL,
    workspace {int} NOT NULL,
    person {int} NOT NULL,
    bot_score {int} NOT NULL,
    signs TEXT NOT NULL,
    PRIMARY KEY (message, kind, link, at)
) {clustered};
CREATE INDEX message_clicks_unjudged ON message_clicks (at) WHERE bot_score = -1;
CREATE INDEX message_clicks_person ON message_clicks (person, workspace);

CREATE TABLE dead_addresses (
    workspace {int} NOT NULL,
    handle {int} NOT NULL,
    channel TEXT NOT NULL,
    topic TEXT NOT NULL,
    reason TEXT NOT NULL,
    since {int} NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (handle, channel, topic, workspace)
) {clustered};

CREATE TABLE sending_settings (
    workspace {int} NOT NULL PRIMARY KEY,
    settings {json} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL
) {clustered};
";

/// Numbers that were written to, so that a STOP from one is known for whose it is; browsers that take push messages; what people find in their inbox.
const CHANNELS: &str = "
CREATE TABLE text_numbers (
    workspace {int} NOT NULL,
    number TEXT NOT NULL,
    handle {int} NOT NULL,
    PRIMARY KEY (number, handle, workspace)
) {clustered};
CREATE INDEX text_numbers_handle ON text_numbers (handle);

CREATE TABLE push_subscriptions (
    workspace {int} NOT NULL,
    id TEXT NOT NULL,
    handle {int} NOT NULL,
    endpoint TEXT NOT NULL,
    browser_key TEXT NOT NULL,
    browser_auth TEXT NOT NULL,
    is_proven {bool} NOT NULL,
    subscribed_at {int} NOT NULL,
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE INDEX push_subscriptions_handle ON push_subscriptions (handle, workspace);

CREATE TABLE inbox (
    message TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    person {int} NOT NULL,
    content {json} NOT NULL,
    put_at {int} NOT NULL
) {clustered};
CREATE INDEX inbox_person ON inbox (person, put_at, workspace);
";

const SLOTS: &str = "
CREATE TABLE slots (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    definition {json} NOT NULL,
    version {int} NOT NULL,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (key, workspace)
) {clustered};

CREATE TABLE slot_views (
    workspace {int} NOT NULL,
    slot TEXT NOT NULL,
    handle {int} NOT NULL,
    first_at {int} NOT NULL,
    window_began_at {int} NOT NULL,
    views {int} NOT NULL,
    PRIMARY KEY (handle, slot, workspace)
) {clustered};
";

/// Each channel, class and workspace has a queue of its own, so that a long one hides none of the others.
const QUEUES: &str = "
CREATE INDEX messages_queues ON messages (channel, class, workspace, due_at) WHERE due_at IS NOT NULL;
";

/// Copies for the company's own people.
const COPIES: &str = "
CREATE TABLE message_copies (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    template TEXT NOT NULL,
    person {int},
    journey TEXT NOT NULL,
    run TEXT NOT NULL,
    node TEXT NOT NULL,
    state TEXT NOT NULL,
    decided_at {int} NOT NULL,
    due_at {int},
    attempts {int} NOT NULL,
    response TEXT,
    sent_at {int},
    asked_by TEXT NOT NULL
) {clustered};
CREATE UNIQUE INDEX message_copies_once ON message_copies (journey, run, node, address, workspace) WHERE kind = 'seed';
CREATE INDEX message_copies_due ON message_copies (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX message_copies_recent ON message_copies (workspace, decided_at);
CREATE INDEX message_copies_person ON message_copies (person, workspace) WHERE person IS NOT NULL;
";

/// Copies are kept so many days.
pub const COPY_DAYS: u32 = 90;

/// `held_since` is when the share held out became what it is. `slot_days` counts showings, of nobody in particular: `day` is the start of a day in UTC,
/// `variant` its place in that version, -1 where nothing was shown.
const SLOT_FIGURES: &str = "
ALTER TABLE slots ADD COLUMN archived_at {int};
ALTER TABLE slots ADD COLUMN held_since {int} NOT NULL DEFAULT 0;

CREATE TABLE slot_versions (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    version {int} NOT NULL,
    name TEXT NOT NULL,
    definition {json} NOT NULL,
    saved_at {int} NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (key, version, workspace)
) {clustered};
INSERT INTO slot_versions (workspace, key, version, name, definition, saved_at, saved_by)
    SELECT workspace, key, version, name, definition, updated_at, updated_by FROM slots;

CREATE TABLE slot_days (
    workspace {int} NOT NULL,
    slot TEXT NOT NULL,
    day {int} NOT NULL,
    version {int} NOT NULL,
    variant {int} NOT NULL,
    views {int} NOT NULL,
    chosen {int} NOT NULL,
    clicks {int} NOT NULL,
    PRIMARY KEY (slot, day, version, variant, workspace)
) {clustered};
";

/// Lists at advertising platforms. A member is a row of hashed values; `open_at` is there while something is to be done about it. What a list holds of
/// somebody who was erased is known until the platform has taken it away.
const AUDIENCES: &str = "
CREATE TABLE audiences (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    platform TEXT NOT NULL,
    segment TEXT NOT NULL,
    way TEXT NOT NULL,
    list TEXT NOT NULL,
    token TEXT NOT NULL,
    refresh_hours {int} NOT NULL,
    state TEXT NOT NULL,
    run {int} NOT NULL,
    counts {json} NOT NULL,
    refreshed_at {int},
    next_at {int} NOT NULL,
    attempts {int} NOT NULL,
    retry_at {int} NOT NULL,
    error TEXT,
    updated_at {int} NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (key, workspace)
) {clustered};

CREATE TABLE audience_members (
    id TEXT NOT NULL PRIMARY KEY,
    workspace {int} NOT NULL,
    audience TEXT NOT NULL,
    person {int} NOT NULL,
    content {json} NOT NULL,
    state TEXT NOT NULL,
    run {int} NOT NULL,
    doubts {int} NOT NULL,
    open_at {int}
) {clustered};
CREATE INDEX audience_members_person ON audience_members (person, workspace);
CREATE INDEX audience_members_run ON audience_members (audience, run, workspace);
CREATE INDEX audience_members_open ON audience_members (audience, workspace) WHERE open_at IS NOT NULL;
";

/// What lists of all journeys, and of all inboxes, count is in an index.
const LISTS: &str = "
CREATE INDEX messages_states ON messages (workspace, journey, state);
CREATE INDEX inbox_put ON inbox (workspace, put_at, message);
CREATE INDEX journey_runs_planned ON journey_runs (workspace, planned_at);
";

/// When somebody last wrote to us by WhatsApp: for 24 hours it takes any text, later only approved ones.
const HEARD: &str = "
ALTER TABLE text_numbers ADD COLUMN heard_at {int};
";

/// What failed is listed without reading all that was done.
const FAILED_ACTS: &str =
    "CREATE INDEX journey_acts_failed ON journey_acts (workspace, decided_at) WHERE state = 'failed';";

/// What lists of all journeys sum up is in an index, and whether anything of one still waits.
const SUMS: &str = "
DROP INDEX messages_states;
CREATE INDEX messages_sums ON messages (workspace, journey, state, delivered_at, clicked_at);
CREATE INDEX journey_acts_waiting ON journey_acts (journey) WHERE due_at IS NOT NULL;
";

const USED: &[Purpose] = &[Service, Analytics, Marketing];
const OF_PERSON: Way = Way::Person("person");

const fn personal(table: &'static str, columns: &'static [&'static str], category: Category) -> Declaration {
    of(table, columns, category, OF_PERSON)
}

const fn of(table: &'static str, columns: &'static [&'static str], category: Category, person: Way) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: USED,
        retention: Retention::Person,
        person,
        erasure: Erasure::Delete,
    }
}

const fn of_staff(table: &'static str, columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: &[Purpose::Administration],
        retention: Retention::Days(COPY_DAYS),
        person: Way::User("asked_by"),
        erasure: Erasure::Delete,
    }
}

/// What is told to advertising platforms, hashed.
const fn shared(columns: &'static [&'static str], category: Category) -> Declaration {
    let until = "without it nobody could be taken off a platform's list; deleted when the platform has confirmed that";
    let erasure = Erasure::Keep(until);
    Declaration { purposes: &[Sharing], erasure, ..of("audience_members", columns, category, OF_PERSON) }
}

/// What every column of these tables holds.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical(
        "templates",
        &[
            "workspace",
            "key",
            "name",
            "form",
            "version",
            "created_at",
            "created_by",
            "updated_at",
            "updated_by",
            "archived_at",
        ],
    ),
    Declaration::technical(
        "template_versions",
        &["workspace", "key", "version", "content", "restored_from", "saved_at", "saved_by"],
    ),
    Declaration::technical("letterheads", &["workspace", "name", "address", "url", "logo_url", "saved_at", "saved_by"]),
    Declaration::technical(
        "journeys",
        &[
            "workspace",
            "key",
            "kind",
            "name",
            "description",
            "state",
            "draft",
            "live_version",
            "created_at",
            "created_by",
            "updated_at",
            "updated_by",
            "launched_at",
        ],
    ),
    Declaration::technical(
        "journey_versions",
        &["workspace", "journey", "version", "definition", "launched_at", "launched_by"],
    ),
    Declaration::technical("journey_instances", &["id", "workspace", "log_position"]),
    personal("journey_instances", &["person", "handle", "entry_key"], Category::Identifier),
    personal(
        "journey_instances",
        &[
            "journey",
            "version",
            "entered_at",
            "node",
            "arrived_at",
            "visits",
            "heard",
            "trail",
            "payload",
            "wake_at",
            "goal_at",
            "ended_at",
            "ended_why",
        ],
        Category::Behavioural,
    ),
    Declaration::technical("journey_flows", &["workspace", "journey", "version", "node", "way", "day", "people"]),
    Declaration::technical("journey_turns", &["workspace", "journey", "node", "began_at", "used"]),
    Declaration::technical(
        "journey_runs",
        &[
            "workspace",
            "journey",
            "run",
            "version",
            "state",
            "planned_at",
            "next_at",
            "began_at",
            "after_person",
            "entered",
            "people",
            "finished_at",
        ],
    ),
    Declaration::technical("journey_acts", &["id", "workspace", "instance", "attempts", "failing_since", "error"]),
    personal("journey_acts", &["person", "handle"], Category::Identifier),
    personal(
        "journey_acts",
        &["journey", "node", "visit", "kind", "target", "content", "state", "decided_at", "due_at"],
        Category::Behavioural,
    ),
    Declaration::technical("messages", &["id", "workspace", "instance", "attempts", "template_version"]),
    personal("messages", &["person", "handle", "message_id", "provider_id"], Category::Identifier),
    // What a mail server answered may name the address, though what names it is taken out.
    personal("messages", &["response"], Category::FreeText),
    personal(
        "messages",
        &[
            "channel",
            "class",
            "topic",
            "journey",
            "version",
            "node",
            "visit",
            "template",
            "state",
            "reason",
            "capped",
            "payload",
            "decided_at",
            "due_at",
            "sent_at",
            "delivered_at",
            "bounced_at",
            "complained_at",
            "opened_at",
            "clicked_at",
            "unsubscribed_at",
        ],
        Category::Behavioural,
    ),
    Declaration::technical("message_clicks", &["message", "workspace", "link", "bot_score", "signs"]),
    personal("message_clicks", &["person"], Category::Identifier),
    personal("message_clicks", &["kind", "at"], Category::Behavioural),
    Declaration::technical("dead_addresses", &["workspace"]),
    of("dead_addresses", &["handle"], Category::Identifier, Way::Handles(&["handle"])),
    of("dead_addresses", &["channel", "topic", "reason", "since"], Category::Behavioural, Way::Handles(&["handle"])),
    of("dead_addresses", &["detail"], Category::FreeText, Way::Handles(&["handle"])),
    Declaration::technical("text_numbers", &["workspace"]),
    of("text_numbers", &["handle"], Category::Identifier, Way::Handles(&["handle"])),
    of("text_numbers", &["number"], Category::Contact, Way::Handles(&["handle"])),
    of("text_numbers", &["heard_at"], Category::Behavioural, Way::Handles(&["handle"])),
    Declaration::technical("push_subscriptions", &["workspace"]),
    of("push_subscriptions", &["handle"], Category::Identifier, Way::Handles(&["handle"])),
    of(
        "push_subscriptions",
        &["id", "endpoint", "browser_key", "browser_auth"],
        Category::Contact,
        Way::Handles(&["handle"]),
    ),
    of("push_subscriptions", &["is_proven", "subscribed_at"], Category::Behavioural, Way::Handles(&["handle"])),
    Declaration::technical(
        "slots",
        &["workspace", "key", "name", "definition", "version", "updated_at", "updated_by", "archived_at", "held_since"],
    ),
    Declaration::technical(
        "slot_versions",
        &["workspace", "key", "version", "name", "definition", "saved_at", "saved_by"],
    ),
    // Sums over everybody.
    Declaration::technical(
        "slot_days",
        &["workspace", "slot", "day", "version", "variant", "views", "chosen", "clicks"],
    ),
    Declaration::technical("slot_views", &["workspace"]),
    of("slot_views", &["handle"], Category::Identifier, Way::Handles(&["handle"])),
    of(
        "slot_views",
        &["slot", "first_at", "window_began_at", "views"],
        Category::Behavioural,
        Way::Handles(&["handle"]),
    ),
    Declaration::technical("inbox", &["message", "workspace"]),
    personal("inbox", &["person"], Category::Identifier),
    // A template may name the person, and anything that was told of them.
    personal("inbox", &["content"], Category::FreeText),
    personal("inbox", &["put_at"], Category::Behavioural),
    Declaration::technical(
        "message_copies",
        &[
            "id",
            "workspace",
            "kind",
            "template",
            "journey",
            "run",
            "node",
            "state",
            "decided_at",
            "due_at",
            "attempts",
            "sent_at",
        ],
    ),
    personal("message_copies", &["person"], Category::Identifier),
    of_staff("message_copies", &["asked_by"], Category::Identifier),
    // Colleagues' addresses, and what the mail server said about them.
    of_staff("message_copies", &["address", "response"], Category::Contact),
    Declaration::technical(
        "audiences",
        &[
            "workspace",
            "key",
            "name",
            "platform",
            "segment",
            "way",
            "list",
            "token",
            "refresh_hours",
            "state",
            "run",
            "counts",
            "refreshed_at",
            "next_at",
            "attempts",
            "retry_at",
            "error",
            "updated_at",
            "updated_by",
        ],
    ),
    Declaration::technical("audience_members", &["id", "workspace", "audience", "state", "run", "doubts", "open_at"]),
    Declaration { erasure: Erasure::Unlink, ..shared(&["person"], Category::Identifier) },
    shared(&["content"], Category::Contact),
    Declaration::technical("sending_settings", &["workspace", "settings", "updated_at", "updated_by"]),
];
