//! What is known of people that platforms match by, and whether it may be told.
//!
//! Always holds: of each person that was asked for there is an answer.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Handle, IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::audiences::{self, Absence, CONSENT, Known, Platform, Row};
use rapport_privacy::records::{consents, restrictions};
use rapport_privacy::{Statement, consent};
use rapport_profiles::records::facts;
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_store::{Queries, Result};

use crate::messages::scope::trait_text;
use crate::sending::ways;

/// Names of traits with a postal code, folded.
const ZIP: &[&str] =
    &["zip", "zipcode", "postalcode", "postcode", "addresszip", "addresspostalcode", "addresspostcode"];

/// For what it is asked.
#[derive(Clone, Copy)]
pub struct Of<'a> {
    /// Where.
    pub workspace: WorkspaceId,
    /// For which platform.
    pub platform: Platform,
    /// The country of telephone numbers without one.
    pub country_code: &'a str,
    /// When.
    pub now: Timestamp,
}

/// The rows of persons, or why there are none.
///
/// # Errors
/// The store's.
pub async fn rows(
    db: &mut impl Queries,
    of: Of<'_>,
    persons: &[PersonId],
) -> Result<BTreeMap<PersonId, std::result::Result<Vec<Row>, Absence>>> {
    let Of { workspace, platform, country_code, now } = of;
    let names = identifiers::by_persons(db, workspace, persons).await?;
    let handles: Vec<Handle> = names.iter().map(|name| name.handle).collect();
    let said: Vec<Statement> = consents::of_handles(db, workspace, &handles)
        .await?
        .iter()
        .filter_map(consents::ConsentRow::statement)
        .collect();
    let restricted: BTreeSet<Handle> = restrictions::restricted(db, workspace, &handles).await?.into_iter().collect();
    let told = facts::current_of(db, workspace, persons, now).await?;
    let mut found = BTreeMap::new();
    for person in persons {
        let own: Vec<&IdentifierRow> = names.iter().filter(|name| name.person == *person).collect();
        let handles: BTreeSet<Handle> = own.iter().map(|name| name.handle).collect();
        let said: Vec<Statement> = said.iter().filter(|it| handles.contains(&it.handle)).cloned().collect();
        let told: Vec<_> = told.iter().filter(|(of, ..)| of == person).cloned().collect();
        let standing = consent::standing(&said, &CONSENT, now);
        let is_restricted = handles.iter().any(|handle| restricted.contains(handle));
        let known = known(&own, &told, country_code);
        found.insert(*person, audiences::rows(platform, &known, standing, is_restricted));
    }
    Ok(found)
}

fn known(names: &[&IdentifierRow], told: &[(PersonId, String, String)], country_code: &str) -> Known {
    let mut emails: Vec<&&IdentifierRow> =
        names.iter().filter(|name| name.kind == IdentifierKind::Email.as_str()).collect();
    emails.sort_by_key(|name| std::cmp::Reverse((name.last_seen_at, name.handle)));
    let text = |token: &str| trait_text(told, &[token]);
    let mut emails: Vec<String> = emails.into_iter().map(|name| name.value.clone()).collect();
    emails.extend(text("email"));
    Known {
        emails,
        phone: text("phone").and_then(|phone| ways::number(&phone, country_code)),
        first_name: text("first_name"),
        last_name: text("last_name"),
        country: text("country"),
        zip: trait_text(told, ZIP),
    }
}
