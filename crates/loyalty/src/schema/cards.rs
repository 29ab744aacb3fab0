//! The table of members' cards.

use rapport_domain::Purpose;
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};

/// A member's number has one card that counts; the others are void.
pub(super) const CARDS: &str = "
CREATE TABLE loyalty_cards (
    workspace {int} NOT NULL,
    lookup TEXT NOT NULL,
    member {int} NOT NULL,
    issued_at {int} NOT NULL,
    voided_at {int},
    PRIMARY KEY (lookup, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_cards_valid ON loyalty_cards (member, workspace) WHERE voided_at IS NULL;
CREATE INDEX loyalty_cards_member ON loyalty_cards (member, workspace);
";

/// What every column holds.
pub(super) const DATA_MAP: [Declaration; 2] = [
    Declaration::technical("loyalty_cards", &["workspace"]),
    Declaration {
        table: "loyalty_cards",
        columns: &["lookup", "member", "issued_at", "voided_at"],
        category: Category::Identifier,
        purposes: &[Purpose::Service],
        retention: Retention::Person,
        person: Way::Elsewhere("the member's number"),
        erasure: Erasure::Delete,
    },
];
