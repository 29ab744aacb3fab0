//! Checkouts, what was used of offers, and what products cost when.

use rapport_domain::Purpose;
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};

/// Checkouts with what they were given; the uses of offers by each of them, and by all together in each period.
pub(super) const SQL: &str = "
CREATE TABLE loyalty_checkouts (
    workspace {int} NOT NULL,
    checkout TEXT NOT NULL,
    handle {int} NOT NULL,
    state TEXT NOT NULL,
    cart {json} NOT NULL,
    decision {json} NOT NULL,
    returned {json} NOT NULL,
    codes {json} NOT NULL,
    order_id TEXT,
    priced_at {int} NOT NULL,
    locked_until {int} NOT NULL,
    changed_at {int} NOT NULL,
    PRIMARY KEY (workspace, checkout)
) {clustered};
CREATE INDEX loyalty_checkouts_locked ON loyalty_checkouts (workspace, locked_until) WHERE state = 'locked';
CREATE INDEX loyalty_checkouts_handle ON loyalty_checkouts (handle, priced_at, workspace);

CREATE TABLE loyalty_offer_uses (
    workspace {int} NOT NULL,
    checkout TEXT NOT NULL,
    offer TEXT NOT NULL,
    version {int} NOT NULL,
    handle {int} NOT NULL,
    benefit {int} NOT NULL,
    taken_back {int} NOT NULL,
    times {int} NOT NULL,
    used_at {int} NOT NULL,
    PRIMARY KEY (workspace, checkout, offer)
) {clustered};
CREATE INDEX loyalty_offer_uses_handle ON loyalty_offer_uses (handle, offer, workspace);

CREATE TABLE loyalty_offer_usage (
    workspace {int} NOT NULL,
    offer TEXT NOT NULL,
    period TEXT NOT NULL,
    amount {int} NOT NULL,
    times {int} NOT NULL,
    PRIMARY KEY (workspace, offer, period)
) {clustered};

CREATE TABLE loyalty_offer_shares (
    workspace {int} NOT NULL,
    handle {int} NOT NULL,
    offer TEXT NOT NULL,
    changed_at {int} NOT NULL,
    percent {int} NOT NULL,
    PRIMARY KEY (handle, offer, changed_at, workspace)
) {clustered};

CREATE TABLE loyalty_prices (
    workspace {int} NOT NULL,
    product TEXT NOT NULL,
    currency TEXT NOT NULL,
    from_at {int} NOT NULL,
    price {int} NOT NULL,
    PRIMARY KEY (workspace, product, currency, from_at)
) {clustered};
";

/// Leads from an order to the cart that it was.
pub(super) const BY_ORDER: &str = "
CREATE INDEX loyalty_checkouts_order ON loyalty_checkouts (order_id, workspace) WHERE order_id IS NOT NULL;
";

/// Leads to the uses of an offer in a time: what an offer cost is not read out of the uses of all of them.
pub(super) const BY_OFFER: &str = "
CREATE INDEX loyalty_offer_uses_offer ON loyalty_offer_uses (workspace, offer, used_at);
";

const fn of_handle(table: &'static str, columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: &[Purpose::Service, Purpose::Analytics],
        retention: Retention::Person,
        person: Way::Handles(&["handle"]),
        erasure: Erasure::Delete,
    }
}

/// What their columns hold.
pub(super) const DATA_MAP: &[Declaration] = &[
    Declaration::technical("loyalty_checkouts", &["workspace"]),
    of_handle("loyalty_checkouts", &["handle"], Category::Identifier),
    of_handle("loyalty_checkouts", &["cart", "decision", "returned", "codes"], Category::Behavioural),
    of_handle(
        "loyalty_checkouts",
        &["checkout", "state", "order_id", "priced_at", "locked_until", "changed_at"],
        Category::Behavioural,
    ),
    Declaration::technical("loyalty_offer_uses", &["workspace"]),
    of_handle("loyalty_offer_uses", &["handle"], Category::Identifier),
    of_handle(
        "loyalty_offer_uses",
        &["checkout", "offer", "version", "benefit", "taken_back", "times", "used_at"],
        Category::Behavioural,
    ),
    Declaration::technical("loyalty_offer_usage", &["workspace", "offer", "period", "amount", "times"]),
    Declaration::technical("loyalty_offer_shares", &["workspace"]),
    of_handle("loyalty_offer_shares", &["handle"], Category::Identifier),
    of_handle("loyalty_offer_shares", &["offer", "changed_at", "percent"], Category::Derived),
    Declaration::technical("loyalty_prices", &["workspace", "product", "currency", "from_at", "price"]),
];
