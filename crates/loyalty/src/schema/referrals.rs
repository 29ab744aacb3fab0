//! Tables of referrals: codes of members, what friends told and did, how each referral stands, what people left behind, who is suspended.

use rapport_domain::Purpose;
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};

pub(super) const REFERRALS: &str = "
CREATE TABLE loyalty_referral_codes (
    workspace {int} NOT NULL,
    lookup TEXT NOT NULL,
    referral TEXT NOT NULL,
    member {int} NOT NULL,
    made_at {int} NOT NULL,
    voided_at {int},
    PRIMARY KEY (lookup, workspace)
) {clustered};
CREATE UNIQUE INDEX loyalty_referral_codes_member ON loyalty_referral_codes (member, referral, workspace);
CREATE INDEX loyalty_referral_codes_of ON loyalty_referral_codes (workspace, referral);

CREATE TABLE loyalty_referral_claims (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    handle {int} NOT NULL,
    lookup TEXT NOT NULL,
    claimed_at {int} NOT NULL,
    order_key {int} NOT NULL,
    PRIMARY KEY (event_id, workspace)
) {clustered};
CREATE INDEX loyalty_referral_claims_handle ON loyalty_referral_claims (handle, workspace);

CREATE TABLE loyalty_referral_acts (
    workspace {int} NOT NULL,
    occasion TEXT NOT NULL,
    referral TEXT NOT NULL,
    handle {int} NOT NULL,
    order_id TEXT,
    acted_at {int} NOT NULL,
    amount {int},
    holds {bool} NOT NULL,
    is_void {bool} NOT NULL,
    PRIMARY KEY (occasion, referral, workspace)
) {clustered};
CREATE INDEX loyalty_referral_acts_handle ON loyalty_referral_acts (handle, workspace);

CREATE TABLE loyalty_referrals (
    workspace {int} NOT NULL,
    referral_id TEXT NOT NULL,
    handle {int},
    lookup TEXT NOT NULL,
    referral TEXT NOT NULL,
    member {int} NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    is_bound {bool} NOT NULL,
    joined_at {int} NOT NULL,
    qualified_at {int},
    due_at {int},
    signals TEXT,
    decision TEXT NOT NULL,
    decided_at {int},
    decided_by TEXT NOT NULL,
    decision_reason TEXT,
    revision {int} NOT NULL,
    place {int} NOT NULL,
    given_at {int},
    taken_back_at {int},
    closed TEXT NOT NULL,
    referrer_wallet TEXT NOT NULL,
    referrer_points {int} NOT NULL,
    referrer_outcome TEXT NOT NULL,
    friend_member {int} NOT NULL,
    friend_wallet TEXT NOT NULL,
    friend_points {int} NOT NULL,
    friend_outcome TEXT NOT NULL,
    is_told {bool} NOT NULL,
    CHECK (referrer_points >= 0 AND friend_points >= 0),
    PRIMARY KEY (referral_id, workspace)
) {clustered};
CREATE INDEX loyalty_referrals_handle ON loyalty_referrals (handle, workspace) WHERE handle IS NOT NULL;
CREATE INDEX loyalty_referrals_member ON loyalty_referrals (member, joined_at, referral_id, workspace);
CREATE INDEX loyalty_referrals_due ON loyalty_referrals (workspace, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX loyalty_referrals_joined ON loyalty_referrals (workspace, joined_at, referral_id);
CREATE INDEX loyalty_referrals_of ON loyalty_referrals (workspace, referral, state);
CREATE INDEX loyalty_referrals_signals ON loyalty_referrals (workspace, joined_at, referral_id) WHERE signals IS NOT NULL;

CREATE TABLE loyalty_referral_traces (
    workspace {int} NOT NULL,
    signal TEXT NOT NULL,
    digest {bytes} NOT NULL,
    handle {int} NOT NULL,
    seen_at {int} NOT NULL,
    PRIMARY KEY (digest, handle, workspace)
) {clustered};
CREATE INDEX loyalty_referral_traces_handle ON loyalty_referral_traces (handle, workspace);
CREATE INDEX loyalty_referral_traces_seen ON loyalty_referral_traces (workspace, seen_at);

CREATE TABLE loyalty_referral_suspensions (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    suspended_at {int} NOT NULL,
    suspended_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    lifted_at {int},
    lifted_by TEXT NOT NULL,
    lift_reason TEXT NOT NULL,
    PRIMARY KEY (member, suspended_at, workspace)
) {clustered};
CREATE INDEX loyalty_referral_suspensions_open ON loyalty_referral_suspensions (workspace, suspended_at, member) WHERE lifted_at IS NULL;
";

const BOOKS: &str = "the books must show what was given for how many friends; nobody can tell any more who they were";
const PURPOSES: &[Purpose] = &[Purpose::Service, Purpose::Analytics];
/// Longer than any programme may remember traces.
const TRACES: Retention = Retention::Days(91);

const fn of_friend(table: &'static str, columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table,
        columns,
        category,
        purposes: PURPOSES,
        retention: Retention::Person,
        person: Way::Handles(&["handle"]),
        erasure: Erasure::Delete,
    }
}

const fn referrals(columns: &'static [&'static str], category: Category, erasure: Erasure) -> Declaration {
    Declaration { erasure, ..of_friend("loyalty_referrals", columns, category) }
}

/// What the columns hold.
pub(super) const DATA_MAP: [Declaration; 17] = [
    Declaration::technical("loyalty_referral_codes", &["workspace", "referral", "made_at"]),
    super::kept("loyalty_referral_codes", &["lookup", "member", "voided_at"], BOOKS),
    Declaration::technical("loyalty_referral_claims", &["workspace", "order_key"]),
    of_friend("loyalty_referral_claims", &["handle"], Category::Identifier),
    of_friend("loyalty_referral_claims", &["event_id", "lookup", "claimed_at"], Category::Behavioural),
    Declaration::technical("loyalty_referral_acts", &["workspace", "referral", "holds", "is_void"]),
    of_friend("loyalty_referral_acts", &["handle"], Category::Identifier),
    of_friend("loyalty_referral_acts", &["occasion", "order_id", "acted_at", "amount"], Category::Behavioural),
    Declaration::technical("loyalty_referrals", &["workspace", "due_at", "decided_by", "is_bound", "is_told"]),
    referrals(&["handle"], Category::Identifier, Erasure::Blank),
    referrals(&["signals", "decision_reason"], Category::FreeText, Erasure::Blank),
    referrals(
        &[
            "referral_id",
            "lookup",
            "referral",
            "member",
            "state",
            "reason",
            "joined_at",
            "qualified_at",
            "decision",
            "decided_at",
            "revision",
            "place",
            "given_at",
            "taken_back_at",
            "closed",
            "referrer_wallet",
            "referrer_points",
            "referrer_outcome",
            "friend_member",
            "friend_wallet",
            "friend_points",
            "friend_outcome",
        ],
        Category::Financial,
        Erasure::Keep(BOOKS),
    ),
    Declaration::technical("loyalty_referral_traces", &["workspace", "signal"]),
    Declaration {
        retention: TRACES,
        ..of_friend("loyalty_referral_traces", &["digest", "handle", "seen_at"], Category::Identifier)
    },
    Declaration::technical(
        "loyalty_referral_suspensions",
        &["workspace", "suspended_at", "suspended_by", "lifted_at", "lifted_by"],
    ),
    super::kept("loyalty_referral_suspensions", &["member"], BOOKS),
    Declaration {
        category: Category::FreeText,
        erasure: Erasure::Blank,
        ..super::kept("loyalty_referral_suspensions", &["reason", "lift_reason"], BOOKS)
    },
];
