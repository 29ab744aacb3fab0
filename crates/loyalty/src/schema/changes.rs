//! The table of changes by hand: who asked, who decided.

use rapport_store::data_map::{Category, Declaration, Erasure};

pub(super) const CHANGES: &str = "
CREATE TABLE loyalty_changes (
    workspace {int} NOT NULL,
    change TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint {bytes} NOT NULL,
    member {int} NOT NULL,
    wallet TEXT NOT NULL,
    amount {int} NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    refused TEXT,
    asked_by TEXT NOT NULL,
    asked_at {int} NOT NULL,
    lapses_at {int} NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at {int},
    answer TEXT NOT NULL,
    PRIMARY KEY (change, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_changes_id ON loyalty_changes (id, workspace);
CREATE INDEX loyalty_changes_asked ON loyalty_changes (workspace, asked_at, change);
CREATE INDEX loyalty_changes_member ON loyalty_changes (member, workspace, asked_at, change);
";

/// Goodwill in the order in which it was given, so that a page of it reads as many operations as it shows. Nothing else on the ledger is in it.
pub(super) const GOODWILL: &str = "
CREATE INDEX loyalty_operations_goodwill ON loyalty_operations (source_kind, workspace, operation) WHERE source_kind = 'goodwill' AND refused IS NULL;
";

const BOOKS: &str = "the books must show who changed what by hand; nobody can tell any more whose account it was";

const fn of_number(columns: &'static [&'static str]) -> Declaration {
    super::kept("loyalty_changes", columns, BOOKS)
}

/// What every column holds.
pub(super) const DATA_MAP: [Declaration; 3] = [
    Declaration::technical("loyalty_changes", &["workspace", "fingerprint", "asked_by", "decided_by"]),
    of_number(&[
        "change",
        "id",
        "member",
        "wallet",
        "amount",
        "state",
        "refused",
        "asked_at",
        "lapses_at",
        "decided_at",
    ]),
    Declaration { category: Category::FreeText, erasure: Erasure::Blank, ..of_number(&["reason", "answer"]) },
];
