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

/// When a payment is called off unless its receipt is told before. Receipts of those that there are have a week from when they were paid.
pub(super) const PAYMENTS_DUE: &str = "
ALTER TABLE loyalty_payments ADD COLUMN due_at {int};
ALTER TABLE loyalty_payments ADD COLUMN cancelled_by TEXT NOT NULL DEFAULT '';
UPDATE loyalty_payments SET due_at = paid_at + 604800000000 WHERE refused IS NULL AND cancelled_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM loyalty_receipts r
    WHERE r.store = loyalty_payments.store AND r.receipt = loyalty_payments.receipt AND r.workspace = loyalty_payments.workspace);
CREATE INDEX loyalty_payments_due ON loyalty_payments (workspace, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX loyalty_payments_paid ON loyalty_payments (workspace, paid_at, id);
";

/// What the columns hold; what was moved stays in the ledger.
pub(super) const COLUMNS: &[Declaration] = &[
    Declaration::technical("loyalty_payments", &["workspace", "fingerprint", "refused", "paid_by", "cancelled_by"]),
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
            "due_at",
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
