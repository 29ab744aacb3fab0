//! The ledger's tables. Every column is declared in [`DATA_MAP`].
//!
//! Always holds: rows of `loyalty_operations` and `loyalty_postings` are only ever added (the one exception is `reversed`, how much of an operation was undone
//! later). That, and lots, holds, balances and sums, follow from the operations, their terms and their postings, and `rapport verify` compares them. Lots and holds
//! of operations from before terms were kept (migration 35) have dates that nothing can be compared with. All of it is kept under a member's number: erasing a
//! person breaks the link from the person to the number, so that the totals and the chain of hashes stay what they are.

mod books;
mod bulks;
mod cards;
mod challenges;
mod changes;
mod flows;
mod gift_cards;
mod households;
mod jurisdictions;
mod leaderboards;
mod notices;
mod offers;
mod partners;
mod payments;
mod referrals;
mod rewards;
mod simulations;
mod tiers;
mod tills;
mod transfers;
mod vouchers;

use rapport_domain::Purpose;
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of this crate, in order.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "loyalty",
    list: &[
        Migration { number: 1, name: "the ledger", sql: LEDGER },
        Migration { number: 2, name: "members who became one", sql: MERGED },
        Migration { number: 3, name: "the programme and what its rules gave", sql: PROGRAM },
        Migration { number: 4, name: "rules are documents", sql: DOCUMENTS },
        Migration { number: 5, name: "the books by month", sql: books::BOOKS },
        Migration { number: 6, name: "sums of what moved", sql: flows::FLOWS },
        Migration { number: 7, name: "tiers and benefits", sql: tiers::TIERS },
        Migration { number: 8, name: "what keeps points alive", sql: ACTIVITY },
        Migration { number: 9, name: "notices that points lapse", sql: notices::NOTICES },
        Migration { number: 10, name: "vouchers", sql: vouchers::VOUCHERS },
        Migration { number: 11, name: "checkouts and the use of offers", sql: offers::SQL },
        Migration { number: 12, name: "rewards", sql: rewards::REWARDS },
        Migration { number: 13, name: "changes by hand", sql: changes::CHANGES },
        Migration { number: 14, name: "adjustments of many accounts", sql: bulks::BULKS },
        Migration { number: 15, name: "simulations", sql: simulations::SIMULATIONS },
        Migration { number: 16, name: "carts by their orders", sql: offers::BY_ORDER },
        Migration { number: 17, name: "challenges and badges", sql: challenges::CHALLENGES },
        Migration { number: 18, name: "referrals", sql: referrals::REFERRALS },
        Migration { number: 19, name: "cards", sql: cards::CARDS },
        Migration { number: 20, name: "laws of lapsing", sql: jurisdictions::JURISDICTIONS },
        Migration { number: 21, name: "leaderboards", sql: leaderboards::LEADERBOARDS },
        Migration { number: 22, name: "partners", sql: partners::PARTNERS },
        Migration { number: 23, name: "tills", sql: tills::TILLS },
        Migration { number: 24, name: "transfers", sql: transfers::TRANSFERS },
        Migration { number: 25, name: "gift cards", sql: gift_cards::GIFT_CARDS },
        Migration { number: 26, name: "payments at tills", sql: payments::PAYMENTS },
        Migration { number: 27, name: "redemptions by when they were settled", sql: rewards::SETTLED },
        Migration { number: 28, name: "households", sql: households::HOUSEHOLDS },
        Migration { number: 29, name: "payments whose receipt is not told", sql: payments::PAYMENTS_DUE },
        Migration { number: 30, name: "lots of which something is left", sql: OPEN_LOTS },
        Migration { number: 31, name: "what staff did with households", sql: households::ACTS },
        Migration { number: 32, name: "how often members were changed", sql: PEOPLE },
        Migration { number: 33, name: "trails of accounts", sql: TRAILS },
        Migration { number: 34, name: "lots of which something is left, by account", sql: OPEN_BY_ACCOUNT },
        Migration { number: 35, name: "terms of operations", sql: TERMS },
        Migration { number: 36, name: "uses of offers by when", sql: offers::BY_OFFER },
        Migration { number: 37, name: "goodwill by when it was given", sql: changes::GOODWILL },
        Migration { number: 38, name: "winners found a few at a time", sql: leaderboards::CLOSED },
    ],
};

const LEDGER: &str = "
CREATE TABLE loyalty_heads (
    workspace {int} NOT NULL PRIMARY KEY,
    operations {int} NOT NULL,
    postings {int} NOT NULL,
    settings {int} NOT NULL,
    chain {bytes} NOT NULL,
    recorded_at {int} NOT NULL
) {clustered};

CREATE TABLE loyalty_wallets (
    workspace {int} NOT NULL,
    wallet {int} NOT NULL,
    key TEXT NOT NULL,
    amount_max {int} NOT NULL,
    balance_max {int},
    arrears_max {int} NOT NULL,
    PRIMARY KEY (wallet, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_wallets_key ON loyalty_wallets (workspace, key);

CREATE TABLE loyalty_members (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    person {int},
    standing TEXT NOT NULL,
    enrolled_at {int} NOT NULL,
    PRIMARY KEY (member, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_members_person ON loyalty_members (person, workspace) WHERE person IS NOT NULL;

CREATE TABLE loyalty_operations (
    workspace {int} NOT NULL,
    operation {int} NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    wallet {int} NOT NULL,
    member {int} NOT NULL,
    amount {int} NOT NULL,
    short {int} NOT NULL,
    refused TEXT,
    reference {int},
    reversed {int} NOT NULL,
    fingerprint {bytes} NOT NULL,
    pending {int} NOT NULL,
    available {int} NOT NULL,
    held {int} NOT NULL,
    owed {int} NOT NULL,
    effective_at {int} NOT NULL,
    recorded_at {int} NOT NULL,
    checksum {int} NOT NULL,
    chain {bytes},
    source_kind TEXT NOT NULL,
    source_reference TEXT NOT NULL,
    source_by TEXT NOT NULL,
    source_reason TEXT NOT NULL,
    PRIMARY KEY (operation, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_operations_id ON loyalty_operations (id, workspace);
CREATE INDEX loyalty_operations_still ON loyalty_operations (member, operation, workspace) WHERE refused IS NOT NULL OR kind = 'extend';

CREATE TABLE loyalty_postings (
    workspace {int} NOT NULL,
    posting {int} NOT NULL,
    operation {int} NOT NULL,
    member {int} NOT NULL,
    wallet {int} NOT NULL,
    from_place TEXT NOT NULL,
    to_place TEXT NOT NULL,
    amount {int} NOT NULL CHECK (amount > 0),
    lot {int},
    effective_at {int} NOT NULL,
    PRIMARY KEY (operation, posting, workspace)
) {clustered};
CREATE INDEX loyalty_postings_member ON loyalty_postings (member, operation, workspace);

CREATE TABLE loyalty_lots (
    workspace {int} NOT NULL,
    lot {int} NOT NULL,
    member {int} NOT NULL,
    wallet {int} NOT NULL,
    operation {int} NOT NULL,
    amount {int} NOT NULL,
    pending {int} NOT NULL,
    available {int} NOT NULL,
    held {int} NOT NULL,
    earned_at {int} NOT NULL,
    active_from {int} NOT NULL,
    expires_at {int},
    origin {int},
    CHECK (pending >= 0 AND available >= 0 AND held >= 0 AND pending + available + held <= amount),
    PRIMARY KEY (lot, workspace)
) {clustered};
CREATE INDEX loyalty_lots_left ON loyalty_lots (member, wallet, workspace) WHERE pending + available + held > 0;

CREATE TABLE loyalty_holds (
    workspace {int} NOT NULL,
    hold {int} NOT NULL,
    member {int} NOT NULL,
    wallet {int} NOT NULL,
    amount {int} NOT NULL,
    until {int} NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (hold, workspace)
) {clustered};
CREATE INDEX loyalty_holds_open ON loyalty_holds (member, wallet, workspace) WHERE state = 'open';

CREATE TABLE loyalty_balances (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    wallet {int} NOT NULL,
    pending {int} NOT NULL,
    available {int} NOT NULL,
    held {int} NOT NULL,
    owed {int} NOT NULL,
    due_at {int},
    operation {int} NOT NULL,
    CHECK (pending >= 0 AND available >= 0 AND held >= 0 AND owed >= 0),
    PRIMARY KEY (member, wallet, workspace)
) {clustered};
CREATE INDEX loyalty_balances_due ON loyalty_balances (workspace, due_at) WHERE due_at IS NOT NULL;
";

/// Whether something is left of a lot stands by itself, so that using a part of it changes no index.
const OPEN_LOTS: &str = "
ALTER TABLE loyalty_lots ADD COLUMN is_open {bool} NOT NULL DEFAULT TRUE;
UPDATE loyalty_lots SET is_open = FALSE WHERE pending + available + held = 0;
DROP INDEX loyalty_lots_left;
CREATE INDEX loyalty_lots_left ON loyalty_lots (member, wallet, workspace) WHERE is_open;
";

/// Leads from an old number to the member's own, in one step.
const MERGED: &str = "
ALTER TABLE loyalty_members ADD COLUMN merged_into {int};
CREATE INDEX loyalty_members_merged ON loyalty_members (merged_into, workspace) WHERE merged_into IS NOT NULL;
";

/// What keeps points of a wallet alive that lapse by inactivity.
const ACTIVITY: &str = "
ALTER TABLE loyalty_wallets ADD COLUMN activity {json};
";

/// Whoever keeps members in memory learns from it that one of them is not who they were.
const PEOPLE: &str = "
ALTER TABLE loyalty_heads ADD COLUMN people {int} NOT NULL DEFAULT 0;
";

/// Which operations moved something in an account, a row for several of them, the newest with the balance; instead of an index of postings by member.
const TRAILS: &str = "
CREATE TABLE loyalty_trails (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    wallet {int} NOT NULL,
    first {int} NOT NULL,
    last {int} NOT NULL,
    operations TEXT NOT NULL,
    PRIMARY KEY (member, wallet, last, workspace)
) {clustered};
INSERT INTO loyalty_trails (workspace, member, wallet, first, last, operations)
    SELECT workspace, member, wallet, MIN(operation), MAX(operation), string_agg(CAST(operation AS TEXT), ' ' ORDER BY operation) FROM (
        SELECT workspace, member, wallet, operation, (ROW_NUMBER() OVER (PARTITION BY workspace, member, wallet ORDER BY operation) - 1) / 16 AS part
        FROM (SELECT DISTINCT workspace, member, wallet, operation FROM loyalty_postings) moved) parts
    GROUP BY workspace, member, wallet, part;
ALTER TABLE loyalty_balances ADD COLUMN trail TEXT NOT NULL DEFAULT '';
DROP INDEX loyalty_postings_member;
";

/// Lots of which something is left, the newest with the balance; instead of an index that each new and each emptied lot changes.
const OPEN_BY_ACCOUNT: &str = "
CREATE TABLE loyalty_open_lots (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    wallet {int} NOT NULL,
    lot {int} NOT NULL,
    PRIMARY KEY (member, wallet, lot, workspace)
) {clustered};
INSERT INTO loyalty_open_lots (workspace, member, wallet, lot)
    SELECT workspace, member, wallet, lot FROM loyalty_lots WHERE pending + available + held > 0;
ALTER TABLE loyalty_balances ADD COLUMN opened TEXT NOT NULL DEFAULT '';
DROP INDEX loyalty_lots_left;
ALTER TABLE loyalty_lots DROP COLUMN is_open;
";

/// What an operation fixed beside its postings, under its checksum; what was posted before has none, and the checksum that it had.
const TERMS: &str = "
ALTER TABLE loyalty_operations ADD COLUMN terms TEXT;
";

const PROGRAM: &str = "
CREATE TABLE loyalty_programs (
    workspace {int} NOT NULL,
    version {int} NOT NULL,
    definition {json} NOT NULL,
    in_force_from {int} NOT NULL,
    saved_at {int} NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (workspace, version)
) {clustered};

CREATE TABLE loyalty_rules (
    workspace {int} NOT NULL,
    key TEXT NOT NULL,
    version {int} NOT NULL,
    state TEXT NOT NULL,
    definition {json} NOT NULL,
    in_force_from {int} NOT NULL,
    saved_at {int} NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (workspace, key, version)
) {clustered};

CREATE TABLE loyalty_awards (
    workspace {int} NOT NULL,
    occasion TEXT NOT NULL,
    rule TEXT NOT NULL,
    revision {int} NOT NULL,
    version {int} NOT NULL,
    member {int} NOT NULL,
    handle {int} NOT NULL,
    wallet TEXT NOT NULL,
    outcome TEXT NOT NULL,
    wanted {int} NOT NULL,
    points {int} NOT NULL,
    taken_back {int} NOT NULL,
    occurred_at {int} NOT NULL,
    CHECK (points >= 0 AND taken_back >= 0 AND taken_back <= points),
    PRIMARY KEY (occasion, rule, revision, workspace)
) {clustered};
CREATE INDEX loyalty_awards_member ON loyalty_awards (member, occurred_at, workspace);
CREATE INDEX loyalty_awards_rule ON loyalty_awards (workspace, rule, occurred_at);
CREATE INDEX loyalty_members_enrolled ON loyalty_members (workspace, enrolled_at, member);
CREATE INDEX loyalty_awards_handle ON loyalty_awards (handle, workspace);

CREATE TABLE loyalty_usage (
    workspace {int} NOT NULL,
    rule TEXT NOT NULL,
    member {int} NOT NULL,
    period TEXT NOT NULL,
    points {int} NOT NULL,
    times {int} NOT NULL,
    PRIMARY KEY (member, rule, period, workspace)
) {clustered};
";

/// Rules, rewards, offers and whatever else staff write are kept alike.
const DOCUMENTS: &str = "
CREATE TABLE loyalty_documents (
    workspace {int} NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    version {int} NOT NULL,
    state TEXT NOT NULL,
    definition {json} NOT NULL,
    in_force_from {int} NOT NULL,
    saved_at {int} NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (workspace, kind, key, version)
) {clustered};
INSERT INTO loyalty_documents (workspace, kind, key, version, state, definition, in_force_from, saved_at, saved_by)
SELECT workspace, 'rule', key, version, state, definition, in_force_from, saved_at, saved_by FROM loyalty_rules;
DROP TABLE loyalty_rules;
";

const fn awards(columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table: "loyalty_awards",
        columns,
        category,
        purposes: &[Purpose::Service, Purpose::Analytics],
        retention: Retention::Person,
        person: Way::Handles(&["handle"]),
        erasure: Erasure::Delete,
    }
}

const fn members(columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table: "loyalty_members",
        columns,
        category,
        purposes: &[Purpose::Service, Purpose::Analytics],
        retention: Retention::Person,
        person: Way::Person("person"),
        erasure: Erasure::Nothing,
    }
}

const BOOKS: &str = "the books must show what was promised and redeemed; nobody can tell any more whose it was";

/// Values that a member's number leads to, and that are kept for a reason.
const fn kept(table: &'static str, columns: &'static [&'static str], why: &'static str) -> Declaration {
    Declaration {
        table,
        columns,
        category: Category::Financial,
        purposes: &[Purpose::Service, Purpose::Analytics],
        retention: Retention::Workspace,
        person: Way::Elsewhere("the member's number"),
        erasure: Erasure::Keep(why),
    }
}

/// What is kept of a member under their number, and goes with them.
const fn of_member(table: &'static str, columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: &[Purpose::Service, Purpose::Analytics],
        retention: Retention::Person,
        person: Way::Elsewhere("the member's number"),
        erasure: Erasure::Delete,
    }
}

/// The same of what only serves the member.
const fn serving_member(table: &'static str, columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration { purposes: &[Purpose::Service], ..of_member(table, columns, category) }
}

/// Numbers that belong to a member's number.
const fn of_number(table: &'static str, columns: &'static [&'static str]) -> Declaration {
    kept(table, columns, BOOKS)
}

/// What every column of these tables holds. The ledger counts for a member's number and knows nobody.
pub const DATA_MAP: &[Declaration] = &JOINED;

const PARTS: &[&[Declaration]] = &[
    COLUMNS,
    tiers::COLUMNS,
    &vouchers::DATA_MAP,
    offers::DATA_MAP,
    &rewards::DATA_MAP,
    &changes::DATA_MAP,
    &bulks::DATA_MAP,
    challenges::COLUMNS,
    leaderboards::COLUMNS,
    tills::COLUMNS,
    &referrals::DATA_MAP,
    &cards::DATA_MAP,
    &partners::DATA_MAP,
    &transfers::DATA_MAP,
    &households::DATA_MAP,
    &gift_cards::DATA_MAP,
    payments::COLUMNS,
];
static JOINED: [Declaration; joined_len()] = joined();

const fn joined_len() -> usize {
    let (mut sum, mut part) = (0, 0);
    while part < PARTS.len() {
        sum += PARTS[part].len();
        part += 1;
    }
    sum
}

const fn joined() -> [Declaration; joined_len()] {
    let mut all = [COLUMNS[0]; joined_len()];
    let (mut at, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut of_part = 0;
        while of_part < PARTS[part].len() {
            all[at] = PARTS[part][of_part];
            at += 1;
            of_part += 1;
        }
        part += 1;
    }
    all
}

const COLUMNS: &[Declaration] = &[
    Declaration::technical(
        "loyalty_heads",
        &["workspace", "operations", "postings", "settings", "people", "chain", "recorded_at"],
    ),
    Declaration::technical(
        "loyalty_wallets",
        &["workspace", "wallet", "key", "amount_max", "balance_max", "arrears_max", "activity", "laws"],
    ),
    Declaration::technical("loyalty_members", &["workspace", "judged"]),
    Declaration { erasure: Erasure::Blank, ..members(&["person"], Category::Identifier) },
    Declaration {
        erasure: Erasure::Keep(BOOKS),
        ..members(&["member", "standing", "enrolled_at", "merged_into", "jurisdiction"], Category::Derived)
    },
    Declaration::technical("loyalty_operations", &["workspace", "fingerprint", "checksum", "chain", "source_by"]),
    of_number(
        "loyalty_operations",
        &[
            "operation",
            "id",
            "kind",
            "wallet",
            "member",
            "amount",
            "short",
            "refused",
            "reference",
            "reversed",
            "pending",
            "available",
            "held",
            "owed",
            "effective_at",
            "recorded_at",
            "terms",
            "source_kind",
        ],
    ),
    // What staff and other systems write may name somebody; no hash is made of it.
    Declaration {
        category: Category::FreeText,
        erasure: Erasure::Blank,
        ..of_number("loyalty_operations", &["source_reference", "source_reason"])
    },
    Declaration::technical("loyalty_postings", &["workspace"]),
    of_number(
        "loyalty_postings",
        &["posting", "operation", "member", "wallet", "from_place", "to_place", "amount", "lot", "effective_at"],
    ),
    Declaration::technical("loyalty_lots", &["workspace"]),
    of_number(
        "loyalty_lots",
        &[
            "lot",
            "member",
            "wallet",
            "operation",
            "amount",
            "pending",
            "available",
            "held",
            "earned_at",
            "active_from",
            "expires_at",
            "origin",
        ],
    ),
    Declaration::technical("loyalty_holds", &["workspace"]),
    of_number("loyalty_holds", &["hold", "member", "wallet", "amount", "until", "state"]),
    Declaration::technical("loyalty_balances", &["workspace"]),
    of_number(
        "loyalty_balances",
        &[
            "member",
            "wallet",
            "pending",
            "available",
            "held",
            "owed",
            "due_at",
            "operation",
            "active_at",
            "trail",
            "opened",
        ],
    ),
    Declaration::technical("loyalty_open_lots", &["workspace"]),
    of_number("loyalty_open_lots", &["member", "wallet", "lot"]),
    Declaration::technical("loyalty_trails", &["workspace"]),
    of_number("loyalty_trails", &["member", "wallet", "first", "last", "operations"]),
    Declaration::technical(
        "loyalty_programs",
        &["workspace", "version", "definition", "in_force_from", "saved_at", "saved_by"],
    ),
    Declaration::technical(
        "loyalty_documents",
        &["workspace", "kind", "key", "version", "state", "definition", "in_force_from", "saved_at", "saved_by"],
    ),
    Declaration::technical("loyalty_awards", &["workspace"]),
    awards(&["handle"], Category::Identifier),
    awards(&["member", "outcome", "wanted", "points", "taken_back", "occurred_at"], Category::Derived),
    awards(&["occasion", "rule", "revision", "version", "wallet"], Category::Behavioural),
    Declaration::technical("loyalty_notices", &["workspace"]),
    of_number("loyalty_notices", &["member", "wallet", "expires_at", "points", "noticed_at", "proof", "proved_at"]),
    Declaration::technical("loyalty_notice_marks", &["workspace", "day", "due_at", "member", "wallet"]),
    Declaration::technical("loyalty_usage", &["workspace"]),
    of_number("loyalty_usage", &["rule", "member", "period", "points", "times"]),
    books::CELLS,
    books::MARKS,
    Declaration::technical("loyalty_flows", &["workspace", "wallet", "hour", "from_place", "to_place", "amount"]),
    simulations::ASKED,
    simulations::PLACES,
    simulations::PERSONS,
    simulations::CHANGES,
];
