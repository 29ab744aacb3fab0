//! The table of points that members give each other, and of gifts that wait to be taken.

use rapport_store::data_map::{Category, Declaration, Erasure};

pub(super) const TRANSFERS: &str = "
CREATE TABLE loyalty_transfers (
    workspace {int} NOT NULL,
    transfer TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint {bytes} NOT NULL,
    kind TEXT NOT NULL,
    sender {int} NOT NULL,
    receiver {int},
    wallet TEXT NOT NULL,
    amount {int} NOT NULL,
    message TEXT NOT NULL,
    state TEXT NOT NULL,
    refused TEXT,
    code {bytes},
    asked_by TEXT NOT NULL,
    asked_at {int} NOT NULL,
    lapses_at {int} NOT NULL,
    decided_by TEXT NOT NULL,
    settled_at {int},
    PRIMARY KEY (transfer, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_transfers_id ON loyalty_transfers (id, workspace);
CREATE UNIQUE INDEX loyalty_transfers_code ON loyalty_transfers (code, workspace) WHERE code IS NOT NULL;
CREATE INDEX loyalty_transfers_asked ON loyalty_transfers (workspace, asked_at, transfer);
CREATE INDEX loyalty_transfers_sender ON loyalty_transfers (sender, workspace, asked_at);
CREATE INDEX loyalty_transfers_receiver ON loyalty_transfers (receiver, workspace, asked_at) WHERE receiver IS NOT NULL;
";

const BOOKS: &str = "the books must show which points went from one account to another; nobody can tell any more whose they were";

const fn of_number(columns: &'static [&'static str]) -> Declaration {
    super::kept("loyalty_transfers", columns, BOOKS)
}

/// What every column holds. Of a gift's code only a hash is kept.
pub(super) const DATA_MAP: [Declaration; 3] = [
    Declaration::technical("loyalty_transfers", &["workspace", "fingerprint", "code", "asked_by", "decided_by"]),
    of_number(&[
        "transfer",
        "id",
        "kind",
        "sender",
        "receiver",
        "wallet",
        "amount",
        "state",
        "refused",
        "asked_at",
        "lapses_at",
        "settled_at",
    ]),
    Declaration { category: Category::FreeText, erasure: Erasure::Blank, ..of_number(&["message"]) },
];
