//! What counted for challenges, how far members are, what they completed, and the badges that they have.

use rapport_store::data_map::{Category, Declaration, Way};

use super::of_member;

pub(super) const CHALLENGES: &str = "
CREATE TABLE loyalty_challenge_counts (
    workspace {int} NOT NULL,
    occasion TEXT NOT NULL,
    challenge TEXT NOT NULL,
    value TEXT NOT NULL,
    member {int} NOT NULL,
    amount {int} NOT NULL,
    remaining {int} NOT NULL,
    occurred_at {int} NOT NULL,
    handle {int} NOT NULL,
    PRIMARY KEY (occasion, challenge, value, workspace)
) {clustered};
CREATE INDEX loyalty_challenge_counts_member ON loyalty_challenge_counts (member, challenge, occurred_at, workspace);
CREATE INDEX loyalty_challenge_counts_handle ON loyalty_challenge_counts (handle, workspace);

CREATE TABLE loyalty_challenge_joins (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    challenge TEXT NOT NULL,
    joined_at {int} NOT NULL,
    left_at {int},
    PRIMARY KEY (member, challenge, workspace)
) {clustered};

CREATE TABLE loyalty_challenge_progress (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    challenge TEXT NOT NULL,
    period TEXT NOT NULL,
    rounds {int} NOT NULL,
    have {int} NOT NULL,
    target {int} NOT NULL,
    completed {int} NOT NULL,
    streak {int} NOT NULL,
    longest {int} NOT NULL,
    ends_at {int},
    last_at {int},
    due_at {int},
    PRIMARY KEY (member, challenge, workspace)
) {clustered};
CREATE INDEX loyalty_challenge_progress_due ON loyalty_challenge_progress (workspace, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX loyalty_challenge_progress_of ON loyalty_challenge_progress (workspace, challenge, completed, member);

CREATE TABLE loyalty_challenge_completions (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    challenge TEXT NOT NULL,
    period TEXT NOT NULL,
    round {int} NOT NULL,
    step {int} NOT NULL,
    revision {int} NOT NULL,
    version {int} NOT NULL,
    wallet TEXT NOT NULL,
    points {int} NOT NULL,
    badge TEXT,
    command TEXT NOT NULL,
    outcome TEXT NOT NULL,
    completed_at {int} NOT NULL,
    recorded_at {int} NOT NULL,
    taken_back_at {int},
    PRIMARY KEY (member, challenge, period, round, step, workspace)
) {clustered};
CREATE INDEX loyalty_challenge_completions_of ON loyalty_challenge_completions (workspace, challenge, step, taken_back_at, points);

CREATE TABLE loyalty_badges (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    badge TEXT NOT NULL,
    cause TEXT NOT NULL,
    given_at {int} NOT NULL,
    recorded_at {int} NOT NULL,
    given_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    taken_at {int},
    taken_by TEXT NOT NULL,
    taken_reason TEXT NOT NULL,
    PRIMARY KEY (member, badge, cause, workspace)
) {clustered};
CREATE INDEX loyalty_badges_of ON loyalty_badges (workspace, badge, taken_at, member);
";

const fn counts(columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration { person: Way::Handles(&["handle"]), ..of_member("loyalty_challenge_counts", columns, category) }
}

/// What the columns hold.
pub(super) const COLUMNS: &[Declaration] = &[
    Declaration::technical("loyalty_challenge_counts", &["workspace"]),
    counts(&["handle"], Category::Identifier),
    counts(&["occasion", "challenge", "value", "member", "amount", "remaining", "occurred_at"], Category::Behavioural),
    Declaration::technical("loyalty_challenge_joins", &["workspace"]),
    of_member("loyalty_challenge_joins", &["member", "challenge", "joined_at", "left_at"], Category::Behavioural),
    Declaration::technical("loyalty_challenge_progress", &["workspace", "due_at"]),
    of_member(
        "loyalty_challenge_progress",
        &[
            "member",
            "challenge",
            "period",
            "rounds",
            "have",
            "target",
            "completed",
            "streak",
            "longest",
            "ends_at",
            "last_at",
        ],
        Category::Derived,
    ),
    Declaration::technical("loyalty_challenge_completions", &["workspace", "command"]),
    of_member(
        "loyalty_challenge_completions",
        &[
            "member",
            "challenge",
            "period",
            "round",
            "step",
            "revision",
            "version",
            "wallet",
            "points",
            "badge",
            "outcome",
            "completed_at",
            "recorded_at",
            "taken_back_at",
        ],
        Category::Derived,
    ),
    Declaration::technical("loyalty_badges", &["workspace", "given_by", "taken_by"]),
    of_member(
        "loyalty_badges",
        &["member", "badge", "cause", "given_at", "recorded_at", "taken_at"],
        Category::Derived,
    ),
    of_member("loyalty_badges", &["reason", "taken_reason"], Category::FreeText),
];
