//! Tables of partners: accounts of the programme's own, what partners told, and the months that are closed.

use rapport_store::data_map::{Declaration, Erasure};

/// A house account is one of the ledger's that belongs to no member: a partner's.
pub(super) const PARTNERS: &str = "
CREATE TABLE loyalty_houses (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    standing TEXT NOT NULL,
    opened_at {int} NOT NULL,
    PRIMARY KEY (member, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_houses_key ON loyalty_houses (workspace, kind, key);

CREATE TABLE loyalty_partner_lines (
    workspace {int} NOT NULL,
    line TEXT NOT NULL,
    partner TEXT NOT NULL,
    reference TEXT NOT NULL,
    fingerprint {bytes} NOT NULL,
    kind TEXT NOT NULL,
    of_reference TEXT NOT NULL,
    member {int},
    wallet TEXT NOT NULL,
    version {int} NOT NULL,
    points {int} NOT NULL,
    short {int} NOT NULL,
    amount {int},
    price {int} NOT NULL,
    money {int} NOT NULL,
    returned {int} NOT NULL,
    returned_amount {int} NOT NULL,
    refused TEXT,
    occurred_at {int} NOT NULL,
    recorded_at {int} NOT NULL,
    own_month {int} NOT NULL,
    month {int} NOT NULL,
    operation {int},
    told_by TEXT NOT NULL,
    CHECK (points >= 0 AND short >= 0 AND returned >= 0 AND returned <= points + short),
    PRIMARY KEY (partner, reference, workspace)
) {clustered};
CREATE INDEX loyalty_partner_lines_month ON loyalty_partner_lines (workspace, partner, month, recorded_at, reference);
CREATE INDEX loyalty_partner_lines_member ON loyalty_partner_lines (member, workspace) WHERE member IS NOT NULL;

CREATE TABLE loyalty_partner_months (
    workspace {int} NOT NULL,
    partner TEXT NOT NULL,
    month {int} NOT NULL,
    opening {int} NOT NULL,
    closing {int} NOT NULL,
    lines {int} NOT NULL,
    operation {int} NOT NULL,
    chain {bytes} NOT NULL,
    closed_at {int} NOT NULL,
    closed_by TEXT NOT NULL,
    PRIMARY KEY (partner, month, workspace)
) {clustered};
";

const BOOKS: &str =
    "the partner is owed, or owes, what was settled by these; nobody can tell any more whose account it was";

/// What every column holds.
pub(super) const DATA_MAP: [Declaration; 4] = [
    Declaration::technical("loyalty_houses", &["workspace", "member", "kind", "key", "standing", "opened_at"]),
    Declaration::technical("loyalty_partner_lines", &["workspace", "fingerprint", "told_by"]),
    Declaration {
        erasure: Erasure::Keep(BOOKS),
        ..super::of_number(
            "loyalty_partner_lines",
            &[
                "line",
                "partner",
                "reference",
                "kind",
                "of_reference",
                "member",
                "wallet",
                "version",
                "points",
                "short",
                "amount",
                "price",
                "money",
                "returned",
                "returned_amount",
                "refused",
                "occurred_at",
                "recorded_at",
                "own_month",
                "month",
                "operation",
            ],
        )
    },
    Declaration::technical(
        "loyalty_partner_months",
        &[
            "workspace",
            "partner",
            "month",
            "opening",
            "closing",
            "lines",
            "operation",
            "chain",
            "closed_at",
            "closed_by",
        ],
    ),
];
