//! The table of referrals. Everything else that advocacy counts is kept where it was said.
//!
//! Always holds: an event is one row; erasing somebody deletes what they made and that they came.

use rapport_domain::Purpose::{Analytics, Service};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Migration, Migrations};

/// All migrations of advocacy, in order.
pub const MIGRATIONS: Migrations =
    Migrations { namespace: "advocacy", list: &[Migration { number: 1, name: "referrals", sql: REFERRALS }] };

const REFERRALS: &str = "
CREATE TABLE referrals (
    workspace {int} NOT NULL,
    event_id {bytes} NOT NULL,
    referral_key TEXT NOT NULL,
    step TEXT NOT NULL,
    handle {int} NOT NULL,
    at {int} NOT NULL,
    PRIMARY KEY (event_id, workspace)
) {clustered};
CREATE INDEX referrals_key ON referrals (workspace, referral_key);
CREATE INDEX referrals_at ON referrals (workspace, step, at);
CREATE INDEX referrals_handle ON referrals (handle, workspace);
";

const fn declared(columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table: "referrals",
        columns,
        category,
        purposes: &[Service, Analytics],
        retention: Retention::Workspace,
        person: Way::Handles(&["handle"]),
        erasure: Erasure::Delete,
    }
}

/// What every column holds.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical("referrals", &["workspace"]),
    declared(&["event_id", "handle", "referral_key"], Category::Identifier),
    declared(&["step", "at"], Category::Behavioural),
];
