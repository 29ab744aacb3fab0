//! Tables of households: who belongs to one under which name, who is invited, and whose points others used.

use rapport_store::data_map::{Category, Declaration, Erasure};

/// Whoever leads a household that nobody belongs to any more led it last.
pub(super) const HOUSEHOLDS: &str = "
CREATE TABLE loyalty_households (
    workspace {int} NOT NULL,
    household TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint {bytes} NOT NULL,
    name TEXT NOT NULL,
    named_by {int} NOT NULL,
    head {int} NOT NULL,
    created_at {int} NOT NULL,
    ended_at {int},
    made_by TEXT NOT NULL,
    PRIMARY KEY (household, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_households_id ON loyalty_households (id, workspace);
CREATE INDEX loyalty_households_head ON loyalty_households (head, workspace);
CREATE INDEX loyalty_households_named ON loyalty_households (named_by, workspace);
CREATE INDEX loyalty_households_created ON loyalty_households (workspace, created_at, household);

CREATE TABLE loyalty_household_members (
    workspace {int} NOT NULL,
    membership TEXT NOT NULL,
    household TEXT NOT NULL,
    place {int} NOT NULL,
    member {int} NOT NULL,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    own_limit {int},
    joined_at {int} NOT NULL,
    left_at {int},
    left_how TEXT NOT NULL,
    PRIMARY KEY (membership, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_household_members_open ON loyalty_household_members (member, workspace) WHERE left_at IS NULL;
CREATE INDEX loyalty_household_members_member ON loyalty_household_members (member, workspace, joined_at);
CREATE INDEX loyalty_household_members_household ON loyalty_household_members (household, workspace, place);

CREATE TABLE loyalty_household_invitations (
    workspace {int} NOT NULL,
    invitation TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint {bytes} NOT NULL,
    household TEXT NOT NULL,
    member {int} NOT NULL,
    state TEXT NOT NULL,
    made_at {int} NOT NULL,
    due_at {int} NOT NULL,
    settled_at {int},
    made_by TEXT NOT NULL,
    PRIMARY KEY (invitation, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_household_invitations_id ON loyalty_household_invitations (id, workspace);
CREATE INDEX loyalty_household_invitations_member ON loyalty_household_invitations (member, workspace, made_at);
CREATE INDEX loyalty_household_invitations_household ON loyalty_household_invitations (household, workspace, made_at);

CREATE TABLE loyalty_household_uses (
    workspace {int} NOT NULL,
    redemption TEXT NOT NULL,
    part {int} NOT NULL,
    household TEXT NOT NULL,
    giver {int} NOT NULL,
    taker {int} NOT NULL,
    wallet TEXT NOT NULL,
    points {int} NOT NULL CHECK (points > 0),
    returned {int} NOT NULL CHECK (returned >= 0),
    used_at {int} NOT NULL,
    returned_at {int},
    PRIMARY KEY (redemption, part, workspace)
) {clustered};
CREATE INDEX loyalty_household_uses_giver ON loyalty_household_uses (giver, workspace, used_at);
CREATE INDEX loyalty_household_uses_taker ON loyalty_household_uses (taker, workspace, used_at);
CREATE INDEX loyalty_household_uses_household ON loyalty_household_uses (household, workspace, used_at);

ALTER TABLE loyalty_redemptions ADD COLUMN is_household {bool} NOT NULL DEFAULT FALSE;
ALTER TABLE loyalty_redemptions ADD COLUMN missing {int};
";

/// What staff did with households, and why.
pub(super) const ACTS: &str = "
CREATE TABLE loyalty_household_acts (
    workspace {int} NOT NULL,
    act TEXT NOT NULL,
    household TEXT NOT NULL,
    what TEXT NOT NULL,
    member {int},
    reason TEXT NOT NULL,
    done_at {int} NOT NULL,
    done_by TEXT NOT NULL,
    PRIMARY KEY (act, workspace)
) {clustered};
CREATE INDEX loyalty_household_acts_household ON loyalty_household_acts (household, workspace, done_at);
CREATE INDEX loyalty_household_acts_member ON loyalty_household_acts (member, workspace);
";

const BOOKS: &str = "the books must show whose points were used for what somebody else redeemed; nobody can tell any more who they were";

const fn of_number(table: &'static str, columns: &'static [&'static str]) -> Declaration {
    super::kept(table, columns, BOOKS)
}

const fn name(table: &'static str, columns: &'static [&'static str]) -> Declaration {
    Declaration { category: Category::FreeText, erasure: Erasure::Blank, ..of_number(table, columns) }
}

/// What every column holds.
pub(super) const DATA_MAP: [Declaration; 13] = [
    Declaration::technical("loyalty_households", &["workspace", "fingerprint", "made_by"]),
    of_number("loyalty_households", &["household", "id", "named_by", "head", "created_at", "ended_at"]),
    name("loyalty_households", &["name"]),
    Declaration::technical("loyalty_household_members", &["workspace"]),
    of_number(
        "loyalty_household_members",
        &["membership", "household", "place", "member", "own_limit", "joined_at", "left_at", "left_how"],
    ),
    name("loyalty_household_members", &["name", "folded"]),
    Declaration::technical("loyalty_household_invitations", &["workspace", "fingerprint", "made_by"]),
    of_number(
        "loyalty_household_invitations",
        &["invitation", "id", "household", "member", "state", "made_at", "due_at", "settled_at"],
    ),
    Declaration::technical("loyalty_household_acts", &["workspace", "done_by"]),
    of_number("loyalty_household_acts", &["act", "household", "what", "member", "done_at"]),
    name("loyalty_household_acts", &["reason"]),
    Declaration::technical("loyalty_household_uses", &["workspace"]),
    of_number(
        "loyalty_household_uses",
        &[
            "redemption",
            "part",
            "household",
            "giver",
            "taker",
            "wallet",
            "points",
            "returned",
            "used_at",
            "returned_at",
        ],
    ),
];
