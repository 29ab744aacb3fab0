//! What tills need: members by their telephone number, and receipts that were told.

use rapport_store::data_map::{Category, Declaration};

use super::serving_member;

/// A number is kept as a hash under the workspace's secret: it finds a member and cannot be read.
pub(super) const TILLS: &str = "
CREATE TABLE loyalty_phones (
    workspace {int} NOT NULL,
    lookup TEXT NOT NULL,
    member {int} NOT NULL,
    PRIMARY KEY (lookup, member, workspace)
) {clustered};
CREATE INDEX loyalty_phones_member ON loyalty_phones (member, workspace);

CREATE TABLE loyalty_receipts (
    workspace {int} NOT NULL,
    store TEXT NOT NULL,
    receipt TEXT NOT NULL,
    member {int} NOT NULL,
    fingerprint {bytes} NOT NULL,
    told_by TEXT NOT NULL,
    occurred_at {int} NOT NULL,
    recorded_at {int} NOT NULL,
    cancelled_at {int},
    PRIMARY KEY (store, receipt, workspace)
) {clustered};
CREATE INDEX loyalty_receipts_member ON loyalty_receipts (member, workspace);
";

/// What the columns hold.
pub(super) const COLUMNS: &[Declaration] = &[
    Declaration::technical("loyalty_phones", &["workspace"]),
    serving_member("loyalty_phones", &["lookup", "member"], Category::Contact),
    Declaration::technical("loyalty_receipts", &["workspace", "fingerprint", "told_by"]),
    serving_member(
        "loyalty_receipts",
        &["store", "receipt", "member", "occurred_at", "recorded_at", "cancelled_at"],
        Category::Behavioural,
    ),
];
