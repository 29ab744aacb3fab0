//! Tables of what members paid of receipts with points, and what of it came back. The points themselves are in the ledger.

use rapport_store::data_map::{Category, Declaration};

use super::serving_member;

pub(super) const PAYMENTS: &str = "
CREATE TABLE loyalty_payments (
    workspace {int} NOT NULL,
    id TEXT NOT NULL,
    fingerprint {bytes} NOT NULL,
    store TEXT NOT NULL,
    receipt TEXT NOT NULL,
    member {int} NOT NULL,
    wallet TEXT NOT NULL,
    points {int} NOT NULL,
    money {int} NOT NULL,
    total {int} NOT NULL,
    returned {int} NOT NULL,
    money_returned {int} NOT NULL,
    refused TEXT,
    paid_at {int} NOT NULL,
    paid_by TEXT NOT NULL,
    cancelled_at {int},
    CHECK (returned >= 0 AND returned <= points AND money_returned >= 0 AND money_returned <= money),
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE INDEX loyalty_payments_receipt ON loyalty_payments (store, receipt, workspace);
CREATE INDEX loyalty_payments_member ON loyalty_payments (member, workspace);

CREATE TABLE loyalty_payment_returns (
    workspace {int} NOT NULL,
    store TEXT NOT NULL,
    receipt TEXT NOT NULL,
    id TEXT NOT NULL,
    payment TEXT NOT NULL,
    member {int} NOT NULL,
    asked {int},
    amount {int} NOT NULL,
    points {int} NOT NULL,
    money {int} NOT NULL,
    returned_at {int} NOT NULL,
    PRIMARY KEY (store, receipt, id, payment, workspace)
) {clustered};
CREATE INDEX loyalty_payment_returns_member ON loyalty_payment_returns (member, workspace);
";

/// What the columns hold; what was moved stays in the ledger.
pub(super) const COLUMNS: &[Declaration] = &[
    Declaration::technical("loyalty_payments", &["workspace", "fingerprint", "refused", "paid_by"]),
    serving_member(
        "loyalty_payments",
        &[
            "id",
            "store",
            "receipt",
            "member",
            "wallet",
            "points",
            "money",
            "total",
            "returned",
            "money_returned",
            "paid_at",
            "cancelled_at",
        ],
        Category::Behavioural,
    ),
    Declaration::technical("loyalty_payment_returns", &["workspace"]),
    serving_member(
        "loyalty_payment_returns",
        &["store", "receipt", "id", "payment", "member", "asked", "amount", "points", "money", "returned_at"],
        Category::Behavioural,
    ),
];
