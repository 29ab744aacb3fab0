//! JSON shapes that several routes share. Money is a decimal text beside its currency; ids of persons are texts, because JavaScript's
//! numbers cannot hold them.

use rapport_domain::money;
use rapport_models::survey::Judged;
use rapport_profiles::records::persons::PersonRow;
use serde::Serialize;
use utoipa::ToSchema;

pub use super::wire::time;

/// An amount.
#[derive(Debug, Serialize, ToSchema)]
pub struct Amount {
    /// Exact decimal.
    pub amount: String,
    /// Three letters.
    pub currency: String,
}

impl Amount {
    /// From millionths.
    pub fn of(micros: i64, currency: &str) -> Self {
        Self { amount: money::format_micros(micros), currency: currency.to_owned() }
    }
}

/// How far a figure is from that of the time or wave before.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeShape {
    estimate: f64,
    low: f64,
    high: f64,
    /// The share of false ones among the changes found, if this one is called a finding.
    q: f64,
}

impl ChangeShape {
    /// As it was judged together with others.
    pub fn of(it: Judged) -> Self {
        Self { estimate: it.difference.estimate, low: it.difference.low, high: it.difference.high, q: it.q }
    }
}

/// RFM scores, 1 to 5, and the group they make.
#[derive(Debug, Serialize, ToSchema)]
pub struct RfmScores {
    /// How recently they ordered.
    pub recency: i64,
    /// How often.
    pub frequency: i64,
    /// For how much.
    pub monetary: i64,
    /// The group's key.
    pub group: String,
}

impl RfmScores {
    /// The scores of a person who has some.
    pub fn of(row: &PersonRow) -> Option<Self> {
        Some(Self {
            recency: row.recency?,
            frequency: row.frequency?,
            monetary: row.monetary?,
            group: row.rfm_group.clone()?,
        })
    }
}

/// A customer in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerRow {
    /// Who.
    pub person_id: String,
    /// What to call them: their name, else a masked address or number.
    pub name: String,
    /// Address with its middle hidden.
    pub email_masked: Option<String>,
    /// Earliest event.
    pub since: String,
    /// Latest event.
    pub last_seen_at: String,
    /// Completed orders.
    pub orders: i64,
    /// Revenue of these.
    pub spent: Option<Amount>,
    /// Revenue per order.
    pub average_order: Option<Amount>,
    /// Scores, for whoever ordered.
    pub rfm: Option<RfmScores>,
    /// Where from.
    pub country: Option<String>,
}

impl CustomerRow {
    /// As a list shows them.
    pub fn of(row: &PersonRow) -> Self {
        let currency = row.currency.as_deref().unwrap_or_default();
        let ordered = row.orders > 0;
        Self {
            person_id: row.person.to_string(),
            name: display_name(row),
            email_masked: row.email.as_deref().map(mask_email),
            since: time(row.first_seen_at),
            last_seen_at: time(row.last_seen_at),
            orders: row.orders,
            spent: ordered.then(|| Amount::of(row.spent_micros, currency)),
            average_order: ordered.then(|| Amount::of(row.spent_micros / row.orders, currency)),
            rfm: RfmScores::of(row),
            country: row.country.clone(),
        }
    }
}

/// A person's name, else what a list can show without showing an address.
pub fn display_name(row: &PersonRow) -> String {
    if let Some(name) = &row.name {
        return name.clone();
    }
    if let Some(email) = &row.email {
        return mask_email(email);
    }
    // The search text of a person without name and address is their customer number; a visitor's is empty.
    match row.search_folded.as_str() {
        "" => format!("Visitor {}", &row.person.to_string()[..4]),
        number => format!("Customer {number}"),
    }
}

/// `h•••@example.se`.
pub fn mask_email(email: &str) -> String {
    match email.split_once('@') {
        Some((name, host)) => format!("{}•••@{host}", name.chars().next().unwrap_or('•')),
        None => mask(email),
    }
}

/// The first and last two characters of longer values, nothing of shorter ones.
pub fn mask(value: &str) -> String {
    let letters: Vec<char> = value.chars().collect();
    if letters.len() < 8 {
        return "•••".to_owned();
    }
    let (first, last): (String, String) =
        (letters[..2].iter().collect(), letters[letters.len() - 2..].iter().collect());
    format!("{first}•••{last}")
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Customers {
    /// The customers.
    pub rows: Vec<CustomerRow>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// How many there are in all.
    pub total: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hidden() {
        assert_eq!(mask_email("hanna@example.se"), "h•••@example.se");
        assert_eq!(mask("0123456789"), "01•••89");
        assert_eq!(mask("short"), "•••");
    }
}
