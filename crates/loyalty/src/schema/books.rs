//! The tables of the books: what the postings come to by month, up to an operation.
//!
//! Always holds: it can be thrown away and reckoned again from the postings.

use rapport_store::data_map::Declaration;

pub(super) const BOOKS: &str = "
CREATE TABLE loyalty_books (
    workspace {int} NOT NULL,
    wallet {int} NOT NULL,
    vintage {int} NOT NULL,
    effective_month {int} NOT NULL,
    recorded_month {int} NOT NULL,
    from_place TEXT NOT NULL,
    to_place TEXT NOT NULL,
    amount {int} NOT NULL,
    PRIMARY KEY (wallet, vintage, effective_month, recorded_month, from_place, to_place, workspace)
) {clustered};

CREATE TABLE loyalty_book_marks (
    workspace {int} NOT NULL PRIMARY KEY,
    zone TEXT NOT NULL,
    operation {int} NOT NULL
) {clustered};
";

/// Sums over all members, from which nobody can be told.
pub(super) const CELLS: Declaration = Declaration::technical(
    "loyalty_books",
    &["workspace", "wallet", "vintage", "effective_month", "recorded_month", "from_place", "to_place", "amount"],
);
pub(super) const MARKS: Declaration = Declaration::technical("loyalty_book_marks", &["workspace", "zone", "operation"]);
