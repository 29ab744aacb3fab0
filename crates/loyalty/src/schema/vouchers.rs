//! Tables of vouchers: the codes there are, what was done with each, and who tried wrong ones.

use rapport_store::data_map::{Category, Declaration, Erasure};

pub(super) const VOUCHERS: &str = "
CREATE TABLE loyalty_vouchers (
    workspace {int} NOT NULL,
    lookup TEXT NOT NULL,
    code TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    place {int} NOT NULL,
    state TEXT NOT NULL,
    uses_left {int},
    holder {int},
    given_for TEXT NOT NULL,
    valid_until {int},
    own_end {int},
    added_at {int} NOT NULL,
    CHECK (uses_left >= 0),
    PRIMARY KEY (lookup, workspace)
) {clustered};
CREATE INDEX loyalty_vouchers_free ON loyalty_vouchers (workspace, owner_kind, owner, place) WHERE state = 'free';
CREATE INDEX loyalty_vouchers_owner ON loyalty_vouchers (workspace, owner_kind, owner, lookup);
CREATE INDEX loyalty_vouchers_holder ON loyalty_vouchers (holder, workspace) WHERE holder IS NOT NULL;
CREATE INDEX loyalty_vouchers_given ON loyalty_vouchers (given_for, workspace) WHERE given_for <> '';

CREATE TABLE loyalty_voucher_uses (
    workspace {int} NOT NULL,
    use_id TEXT NOT NULL,
    lookup TEXT NOT NULL,
    state TEXT NOT NULL,
    until {int},
    used_at {int} NOT NULL,
    used_by TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (use_id, workspace)
) {clustered};
CREATE INDEX loyalty_voucher_uses_of ON loyalty_voucher_uses (lookup, workspace);

CREATE TABLE loyalty_voucher_tries (
    workspace {int} NOT NULL,
    tried_by TEXT NOT NULL,
    place TEXT NOT NULL,
    since {int} NOT NULL,
    wrong {int} NOT NULL,
    last_at {int} NOT NULL,
    PRIMARY KEY (tried_by, since, place, workspace)
) {clustered};
CREATE INDEX loyalty_voucher_tries_last ON loyalty_voucher_tries (workspace, since);
";

const VALID: &str = "whoever has the code may still use it, and it must not be given to anybody else; nobody can tell any more whose it was";

/// Values of a table that a member's number or a code leads to.
const fn of_voucher(table: &'static str, columns: &'static [&'static str]) -> Declaration {
    super::kept(table, columns, VALID)
}

/// What every column holds.
pub(super) const DATA_MAP: [Declaration; 7] = [
    Declaration::technical("loyalty_vouchers", &["workspace", "owner_kind", "owner", "place", "added_at"]),
    of_voucher("loyalty_vouchers", &["lookup", "code", "state", "uses_left", "given_for", "valid_until", "own_end"]),
    Declaration {
        category: Category::Identifier,
        erasure: Erasure::Blank,
        ..of_voucher("loyalty_vouchers", &["holder"])
    },
    Declaration::technical("loyalty_voucher_uses", &["workspace", "used_by"]),
    of_voucher("loyalty_voucher_uses", &["use_id", "lookup", "state", "until", "used_at"]),
    Declaration {
        category: Category::FreeText,
        erasure: Erasure::Blank,
        ..of_voucher("loyalty_voucher_uses", &["reference"])
    },
    Declaration::technical("loyalty_voucher_tries", &["workspace", "tried_by", "place", "since", "wrong", "last_at"]),
];
