//! Tables of gift cards: what was issued, which codes stand for it, and what was done with it. The value itself is in the ledger.

use rapport_store::data_map::{Category, Declaration, Erasure};

pub(super) const GIFT_CARDS: &str = "
CREATE TABLE loyalty_gift_cards (
    workspace {int} NOT NULL,
    card TEXT NOT NULL,
    id TEXT NOT NULL,
    number {int} NOT NULL,
    fingerprint {bytes} NOT NULL,
    house {int} NOT NULL,
    wallet TEXT NOT NULL,
    amount {int} NOT NULL,
    state TEXT NOT NULL,
    tail TEXT NOT NULL,
    reference TEXT NOT NULL,
    reason TEXT NOT NULL,
    bought_by {int},
    issued_at {int} NOT NULL,
    issued_by TEXT NOT NULL,
    expires_at {int},
    claimed_by {int},
    settled_at {int},
    void_reason TEXT NOT NULL,
    PRIMARY KEY (card, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_gift_cards_id ON loyalty_gift_cards (id, number, workspace);
CREATE INDEX loyalty_gift_cards_issued ON loyalty_gift_cards (workspace, issued_at, card);
CREATE INDEX loyalty_gift_cards_tail ON loyalty_gift_cards (tail, workspace, issued_at, card);
CREATE INDEX loyalty_gift_cards_claimed ON loyalty_gift_cards (claimed_by, workspace) WHERE claimed_by IS NOT NULL;
CREATE INDEX loyalty_gift_cards_bought ON loyalty_gift_cards (bought_by, workspace) WHERE bought_by IS NOT NULL;

CREATE TABLE loyalty_gift_card_codes (
    workspace {int} NOT NULL,
    digest {bytes} NOT NULL,
    card TEXT NOT NULL,
    made_at {int} NOT NULL,
    voided_at {int},
    PRIMARY KEY (digest, workspace)
) {clustered};
CREATE INDEX loyalty_gift_card_codes_of ON loyalty_gift_card_codes (card, workspace);

CREATE TABLE loyalty_gift_card_moves (
    workspace {int} NOT NULL,
    id TEXT NOT NULL,
    card TEXT NOT NULL,
    fingerprint {bytes} NOT NULL,
    kind TEXT NOT NULL,
    of_id TEXT NOT NULL,
    amount {int} NOT NULL,
    returned {int} NOT NULL,
    reference TEXT NOT NULL,
    refused TEXT,
    moved_at {int} NOT NULL,
    moved_by TEXT NOT NULL,
    CHECK (amount >= 0 AND returned >= 0 AND returned <= amount),
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE INDEX loyalty_gift_card_moves_of ON loyalty_gift_card_moves (card, workspace, moved_at, id);
";

const BOOKS: &str = "the books must show what was promised on a card and what became of it; nobody can tell any more who bought or took it";

/// What every column holds. Unless a member buys or claims it a card is for nobody in particular; ids and references are whoever's shop it is, without personal data.
pub(super) const DATA_MAP: [Declaration; 5] = [
    Declaration::technical(
        "loyalty_gift_cards",
        &["workspace", "card", "id", "number", "fingerprint", "house", "tail", "issued_by", "expires_at"],
    ),
    super::kept(
        "loyalty_gift_cards",
        &["wallet", "amount", "state", "bought_by", "claimed_by", "issued_at", "settled_at"],
        BOOKS,
    ),
    // Staff may write names.
    Declaration {
        category: Category::FreeText,
        erasure: Erasure::Blank,
        ..super::kept("loyalty_gift_cards", &["reference", "reason", "void_reason"], BOOKS)
    },
    Declaration::technical("loyalty_gift_card_codes", &["workspace", "digest", "card", "made_at", "voided_at"]),
    Declaration::technical(
        "loyalty_gift_card_moves",
        &[
            "workspace",
            "id",
            "card",
            "fingerprint",
            "kind",
            "of_id",
            "amount",
            "returned",
            "reference",
            "refused",
            "moved_at",
            "moved_by",
        ],
    ),
];
