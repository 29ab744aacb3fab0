//! Tables of rewards: what was redeemed, and how many were given to whom in which period.

use rapport_store::data_map::{Category, Declaration, Erasure};

pub(super) const REWARDS: &str = "
CREATE TABLE loyalty_redemptions (
    workspace {int} NOT NULL,
    redemption TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint {bytes} NOT NULL,
    member {int} NOT NULL,
    reward TEXT NOT NULL,
    version {int} NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    refused TEXT,
    wallet TEXT NOT NULL,
    points {int} NOT NULL,
    taken TEXT NOT NULL,
    money {int},
    charity TEXT NOT NULL,
    amount {int} NOT NULL,
    is_surprise {bool} NOT NULL,
    requested_at {int} NOT NULL,
    due_at {int},
    cancel_until {int},
    paid_at {int},
    settled_at {int},
    reference TEXT NOT NULL,
    reason TEXT NOT NULL,
    redeemed_by TEXT NOT NULL,
    CHECK (points >= 0 AND amount >= 0),
    PRIMARY KEY (redemption, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_redemptions_id ON loyalty_redemptions (id, workspace);
CREATE INDEX loyalty_redemptions_member ON loyalty_redemptions (member, workspace, requested_at, redemption);
CREATE INDEX loyalty_redemptions_requested ON loyalty_redemptions (workspace, requested_at, redemption);
CREATE INDEX loyalty_redemptions_due ON loyalty_redemptions (workspace, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX loyalty_redemptions_charity ON loyalty_redemptions (workspace, charity) WHERE charity > '';

CREATE TABLE loyalty_tallies (
    workspace {int} NOT NULL,
    what TEXT NOT NULL,
    member {int} NOT NULL,
    period TEXT NOT NULL,
    given {int} NOT NULL,
    PRIMARY KEY (member, what, period, workspace)
) {clustered};

DROP INDEX loyalty_vouchers_owner;
CREATE INDEX loyalty_vouchers_owner ON loyalty_vouchers (workspace, owner_kind, owner, place);
";

/// What became of redemptions is read from its end, page by page, also of everybody.
pub(super) const SETTLED: &str = "
CREATE INDEX loyalty_redemptions_settled ON loyalty_redemptions (workspace, settled_at, redemption) WHERE settled_at IS NOT NULL;
";

const BOOKS: &str = "the books must show what was redeemed and at which price; nobody can tell any more who it was";

const fn of_number(table: &'static str, columns: &'static [&'static str]) -> Declaration {
    super::kept(table, columns, BOOKS)
}

/// What every column holds.
pub(super) const DATA_MAP: [Declaration; 5] = [
    Declaration::technical("loyalty_redemptions", &["workspace", "fingerprint", "redeemed_by"]),
    of_number(
        "loyalty_redemptions",
        &[
            "redemption",
            "id",
            "member",
            "reward",
            "version",
            "kind",
            "state",
            "refused",
            "wallet",
            "points",
            "taken",
            "money",
            "charity",
            "amount",
            "is_surprise",
            "is_household",
            "missing",
            "requested_at",
            "due_at",
            "cancel_until",
            "paid_at",
            "settled_at",
        ],
    ),
    // Who delivers and staff may write names.
    Declaration {
        category: Category::FreeText,
        erasure: Erasure::Blank,
        ..of_number("loyalty_redemptions", &["reference", "reason"])
    },
    Declaration::technical("loyalty_tallies", &["workspace"]),
    of_number("loyalty_tallies", &["what", "member", "period", "given"]),
];
