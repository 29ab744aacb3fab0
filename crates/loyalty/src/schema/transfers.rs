//! The table of what members send each other.

use rapport_store::data_map::{Category, Declaration, Erasure};

/// A gift's code is kept as a digest only.
pub(super) const TRANSFERS: &str = "
CREATE TABLE loyalty_transfers (
    workspace {int} NOT NULL,
    transfer TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint {bytes} NOT NULL,
    sender {int} NOT NULL,
    receiver {int},
    is_gift {bool} NOT NULL,
    wallet TEXT NOT NULL,
    points {int} NOT NULL,
    arrived {int} NOT NULL CHECK (arrived >= 0),
    returned {int} NOT NULL CHECK (returned >= 0),
    state TEXT NOT NULL,
    refused TEXT,
    digest {bytes},
    made_at {int} NOT NULL,
    due_at {int},
    settled_at {int},
    operation TEXT NOT NULL,
    reason TEXT NOT NULL,
    made_by TEXT NOT NULL,
    PRIMARY KEY (transfer, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_transfers_id ON loyalty_transfers (id, workspace);
CREATE UNIQUE INDEX loyalty_transfers_digest ON loyalty_transfers (digest, workspace) WHERE digest IS NOT NULL;
CREATE INDEX loyalty_transfers_made ON loyalty_transfers (workspace, made_at, transfer);
CREATE INDEX loyalty_transfers_sender ON loyalty_transfers (sender, workspace, made_at);
CREATE INDEX loyalty_transfers_receiver ON loyalty_transfers (receiver, workspace, settled_at) WHERE receiver IS NOT NULL;
CREATE INDEX loyalty_transfers_due ON loyalty_transfers (workspace, due_at) WHERE due_at IS NOT NULL;
";

const BOOKS: &str = "the books must show what went from whom to whom; nobody can tell any more who they were";

/// What every column holds.
pub(super) const DATA_MAP: [Declaration; 3] = [
    Declaration::technical("loyalty_transfers", &["workspace", "fingerprint", "digest", "made_by"]),
    super::kept(
        "loyalty_transfers",
        &[
            "transfer",
            "id",
            "sender",
            "receiver",
            "is_gift",
            "wallet",
            "points",
            "arrived",
            "returned",
            "state",
            "refused",
            "made_at",
            "due_at",
            "settled_at",
            "operation",
        ],
        BOOKS,
    ),
    // Members and staff may write names.
    Declaration {
        category: Category::FreeText,
        erasure: Erasure::Blank,
        ..super::kept("loyalty_transfers", &["reason"], BOOKS)
    },
];
