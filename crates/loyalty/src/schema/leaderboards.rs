//! Who is on leaderboards under which name, how much they have, and who won.

use rapport_store::data_map::{Category, Declaration};

use super::serving_member;

pub(super) const LEADERBOARDS: &str = "
CREATE TABLE loyalty_leaderboard_joins (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    leaderboard TEXT NOT NULL,
    alias TEXT NOT NULL,
    folded TEXT NOT NULL,
    joined_at {int} NOT NULL,
    left_at {int},
    PRIMARY KEY (member, leaderboard, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_leaderboard_joins_alias ON loyalty_leaderboard_joins (workspace, leaderboard, folded) WHERE left_at IS NULL;

CREATE TABLE loyalty_leaderboard_scores (
    workspace {int} NOT NULL,
    leaderboard TEXT NOT NULL,
    period TEXT NOT NULL,
    member {int} NOT NULL,
    score {int} NOT NULL CHECK (score > 0),
    PRIMARY KEY (leaderboard, period, member, workspace)
) {clustered};
CREATE INDEX loyalty_leaderboard_scores_rank ON loyalty_leaderboard_scores (workspace, leaderboard, period, score, member);
CREATE INDEX loyalty_leaderboard_scores_member ON loyalty_leaderboard_scores (member, workspace);

CREATE TABLE loyalty_leaderboard_periods (
    workspace {int} NOT NULL,
    leaderboard TEXT NOT NULL,
    period TEXT NOT NULL,
    begins_at {int} NOT NULL,
    ends_at {int} NOT NULL,
    settled_at {int},
    members {int} NOT NULL,
    PRIMARY KEY (leaderboard, period, workspace)
) {clustered};
CREATE INDEX loyalty_leaderboard_periods_open ON loyalty_leaderboard_periods (workspace, ends_at) WHERE settled_at IS NULL;

CREATE TABLE loyalty_leaderboard_winners (
    workspace {int} NOT NULL,
    leaderboard TEXT NOT NULL,
    period TEXT NOT NULL,
    member {int} NOT NULL,
    place {int} NOT NULL,
    score {int} NOT NULL,
    alias TEXT NOT NULL,
    wallet TEXT NOT NULL,
    points {int} NOT NULL,
    badge TEXT,
    outcome TEXT NOT NULL,
    won_at {int} NOT NULL,
    PRIMARY KEY (leaderboard, period, member, workspace)
) {clustered};
CREATE INDEX loyalty_leaderboard_winners_member ON loyalty_leaderboard_winners (member, workspace);
";

/// Winners are found a few at a time: since when nothing changes in a period, and who was ranked last. Those that were found before are closed.
pub(super) const CLOSED: &str = "
ALTER TABLE loyalty_leaderboard_periods ADD COLUMN closed_at {int};
ALTER TABLE loyalty_leaderboard_periods ADD COLUMN ranked {int} NOT NULL DEFAULT 0;
ALTER TABLE loyalty_leaderboard_periods ADD COLUMN last_place {int} NOT NULL DEFAULT 0;
ALTER TABLE loyalty_leaderboard_periods ADD COLUMN last_score {int} NOT NULL DEFAULT 0;
ALTER TABLE loyalty_leaderboard_periods ADD COLUMN last_member {int} NOT NULL DEFAULT 0;
UPDATE loyalty_leaderboard_periods SET closed_at = settled_at WHERE settled_at IS NOT NULL;
";

/// What the columns hold.
pub(super) const COLUMNS: &[Declaration] = &[
    Declaration::technical("loyalty_leaderboard_joins", &["workspace"]),
    serving_member(
        "loyalty_leaderboard_joins",
        &["member", "leaderboard", "joined_at", "left_at"],
        Category::Behavioural,
    ),
    serving_member("loyalty_leaderboard_joins", &["alias", "folded"], Category::FreeText),
    Declaration::technical("loyalty_leaderboard_scores", &["workspace"]),
    serving_member("loyalty_leaderboard_scores", &["leaderboard", "period", "member", "score"], Category::Derived),
    Declaration::technical(
        "loyalty_leaderboard_periods",
        // Who was ranked last is there only while the winners are being found.
        &[
            "workspace",
            "leaderboard",
            "period",
            "begins_at",
            "ends_at",
            "settled_at",
            "members",
            "closed_at",
            "ranked",
            "last_place",
            "last_score",
            "last_member",
        ],
    ),
    Declaration::technical("loyalty_leaderboard_winners", &["workspace"]),
    serving_member(
        "loyalty_leaderboard_winners",
        &["leaderboard", "period", "member", "place", "score", "wallet", "points", "badge", "outcome", "won_at"],
        Category::Derived,
    ),
    serving_member("loyalty_leaderboard_winners", &["alias"], Category::FreeText),
];
