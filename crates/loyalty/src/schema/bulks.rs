//! Tables of adjustments of many accounts at once: what is to be done, and how far it is.

use rapport_store::data_map::Declaration;

pub(super) const BULKS: &str = "
CREATE TABLE loyalty_bulks (
    workspace {int} NOT NULL,
    bulk TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint {bytes} NOT NULL,
    wallet TEXT NOT NULL,
    amount {int} NOT NULL,
    reason TEXT NOT NULL,
    of_segment TEXT NOT NULL,
    state TEXT NOT NULL,
    members {int} NOT NULL,
    foreseen {json} NOT NULL,
    through {int} NOT NULL,
    posted {int} NOT NULL,
    refused {int} NOT NULL,
    undone {int} NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at {int} NOT NULL,
    started_by TEXT NOT NULL,
    finished_at {int},
    PRIMARY KEY (bulk, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_bulks_id ON loyalty_bulks (id, workspace);
CREATE INDEX loyalty_bulks_asked ON loyalty_bulks (workspace, asked_at, bulk);
CREATE INDEX loyalty_bulks_open ON loyalty_bulks (workspace, started_by) WHERE finished_at IS NULL;

CREATE TABLE loyalty_bulk_members (
    workspace {int} NOT NULL,
    bulk TEXT NOT NULL,
    place {int} NOT NULL,
    member {int} NOT NULL,
    had {int} NOT NULL,
    state TEXT NOT NULL,
    refused TEXT,
    PRIMARY KEY (bulk, place, workspace)
) {clustered};
";

const BOOKS: &str = "the books must show what was changed by hand; nobody can tell any more whose account it was";

/// What every column holds. Reasons are written for many at once; in each member's history they are emptied with it.
pub(super) const DATA_MAP: [Declaration; 3] = [
    Declaration::technical(
        "loyalty_bulks",
        &[
            "workspace",
            "bulk",
            "id",
            "fingerprint",
            "wallet",
            "amount",
            "reason",
            "of_segment",
            "state",
            "members",
            "foreseen",
            "through",
            "posted",
            "refused",
            "undone",
            "asked_by",
            "asked_at",
            "started_by",
            "finished_at",
        ],
    ),
    Declaration::technical("loyalty_bulk_members", &["workspace", "bulk", "place"]),
    super::kept("loyalty_bulk_members", &["member", "had", "state", "refused"], BOOKS),
];
