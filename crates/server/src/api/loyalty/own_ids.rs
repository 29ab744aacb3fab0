//! What the ids begin with that Rapport gives itself. Nobody else may take one: whoever did would make what it gives fail, or be answered with it.

use rapport_loyalty::earning;
use rapport_loyalty::ledger;
use rapport_loyalty::records::referrals::giving;
use rapport_loyalty::records::{
    bulks, challenges, changes, checkouts, gift_cards, jurisdictions, leaderboards, opening, partners, payments,
    redemptions, transfers,
};

use super::square;
use crate::problem::Problem;
use crate::public_pages::member;
use crate::sending::acts;

/// Of operations that the programme posts itself.
pub(super) const OPERATIONS: &[&str] = &[
    earning::OWN_IDS,
    ledger::OWN_IDS,
    checkouts::OWN_IDS,
    redemptions::OWN_IDS,
    changes::CHANGE_IDS,
    changes::GOODWILL_IDS,
    opening::OWN_IDS,
    bulks::OWN_IDS,
    jurisdictions::OWN_IDS,
    partners::OWN_IDS,
    gift_cards::OWN_IDS,
    payments::OWN_IDS,
    transfers::OWN_IDS,
    challenges::OWN_IDS,
    leaderboards::OWN_IDS,
    giving::OWN_IDS,
    acts::OWN_IDS,
    square::OWN_IDS,
];

/// Of what journeys, clients of Square's API and members on their page ask for: redemptions, uses of codes, transfers, households.
pub(super) const REQUESTS: &[&str] = &[acts::OWN_IDS, square::OWN_IDS, member::OWN_IDS];

/// Refuses an id that begins with one of them.
pub(super) fn refuse(field: &str, id: &str, own: &[&str]) -> Result<(), Problem> {
    if !own.iter().any(|own| id.starts_with(own)) {
        return Ok(());
    }
    let own: Vec<String> = own.iter().map(|own| format!("`{own}`")).collect();
    let why = format!("must not begin with one of {}, which the programme takes itself", own.join(", "));
    Err(Problem::invalid(field, why))
}
