//! Where members stand on ladders, how they came there, and what of benefits was used.

use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};

use super::of_member;

pub(super) const TIERS: &str = "
CREATE TABLE loyalty_tiers (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    ladder TEXT NOT NULL,
    tier TEXT,
    since {int} NOT NULL,
    until {int},
    next_tier TEXT,
    missing {int},
    missing_of TEXT,
    due_at {int},
    PRIMARY KEY (member, ladder, workspace)
) {clustered};
CREATE INDEX loyalty_tiers_due ON loyalty_tiers (workspace, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX loyalty_tiers_of ON loyalty_tiers (workspace, ladder, tier);

CREATE TABLE loyalty_tier_moves (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    ladder TEXT NOT NULL,
    number {int} NOT NULL,
    kind TEXT NOT NULL,
    why TEXT NOT NULL,
    from_tier TEXT,
    to_tier TEXT,
    moved_at {int} NOT NULL,
    recorded_at {int} NOT NULL,
    restated_at {int},
    PRIMARY KEY (member, ladder, number, workspace)
) {clustered};
CREATE INDEX loyalty_tier_moves_at ON loyalty_tier_moves (workspace, ladder, moved_at);

CREATE TABLE loyalty_tier_matches (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    number {int} NOT NULL,
    ladder TEXT NOT NULL,
    tier TEXT NOT NULL,
    given_at {int} NOT NULL,
    until {int} NOT NULL,
    reason TEXT NOT NULL,
    given_by TEXT NOT NULL,
    ended_by TEXT,
    PRIMARY KEY (member, number, workspace)
) {clustered};

CREATE TABLE loyalty_tier_counts (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    counted TEXT NOT NULL,
    occasion TEXT NOT NULL,
    amount {int} NOT NULL,
    occurred_at {int} NOT NULL,
    handle {int} NOT NULL,
    PRIMARY KEY (member, counted, occasion, workspace)
) {clustered};
CREATE INDEX loyalty_tier_counts_handle ON loyalty_tier_counts (handle, workspace);

CREATE TABLE loyalty_tier_sweeps (
    workspace {int} NOT NULL PRIMARY KEY,
    version {int} NOT NULL,
    reached {int} NOT NULL
) {clustered};

CREATE TABLE loyalty_benefit_uses (
    workspace {int} NOT NULL,
    id TEXT NOT NULL,
    member {int} NOT NULL,
    ladder TEXT NOT NULL,
    benefit TEXT NOT NULL,
    tier TEXT NOT NULL,
    period TEXT NOT NULL,
    cost {int} NOT NULL,
    reference TEXT NOT NULL,
    used_by TEXT NOT NULL,
    used_at {int} NOT NULL,
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE INDEX loyalty_benefit_uses_member ON loyalty_benefit_uses (member, ladder, benefit, used_at, workspace);
CREATE INDEX loyalty_benefit_uses_at ON loyalty_benefit_uses (workspace, ladder, used_at);
";

const BOOKS: &str = "the books must show what benefits cost; nobody can tell any more whose it was";

const fn counts(columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration { person: Way::Handles(&["handle"]), ..of_member("loyalty_tier_counts", columns, category) }
}

const fn uses(columns: &'static [&'static str], category: Category, erasure: Erasure) -> Declaration {
    Declaration { retention: Retention::Workspace, erasure, ..of_member("loyalty_benefit_uses", columns, category) }
}

/// What the columns hold.
pub(super) const COLUMNS: &[Declaration] = &[
    Declaration::technical("loyalty_tiers", &["workspace", "due_at"]),
    of_member(
        "loyalty_tiers",
        &["member", "ladder", "tier", "since", "until", "next_tier", "missing", "missing_of"],
        Category::Derived,
    ),
    Declaration::technical("loyalty_tier_moves", &["workspace"]),
    of_member(
        "loyalty_tier_moves",
        &[
            "member",
            "ladder",
            "number",
            "kind",
            "why",
            "from_tier",
            "to_tier",
            "moved_at",
            "recorded_at",
            "restated_at",
        ],
        Category::Derived,
    ),
    Declaration::technical("loyalty_tier_matches", &["workspace", "given_by", "ended_by"]),
    of_member("loyalty_tier_matches", &["member", "number", "ladder", "tier", "given_at", "until"], Category::Derived),
    of_member("loyalty_tier_matches", &["reason"], Category::FreeText),
    Declaration::technical("loyalty_tier_counts", &["workspace"]),
    counts(&["handle"], Category::Identifier),
    counts(&["member", "counted", "occasion", "amount", "occurred_at"], Category::Behavioural),
    Declaration::technical("loyalty_tier_sweeps", &["workspace", "version", "reached"]),
    Declaration::technical("loyalty_benefit_uses", &["workspace", "used_by"]),
    uses(
        &["id", "member", "ladder", "benefit", "tier", "period", "cost", "used_at"],
        Category::Financial,
        Erasure::Keep(BOOKS),
    ),
    uses(&["reference"], Category::FreeText, Erasure::Blank),
];
