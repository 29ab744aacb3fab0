//! What somebody is asked to review: of what they ordered, the dearest that they have not reviewed and were not asked about.
//!
//! Always holds: whoever is asked for a review is asked about one product that they bought, and about each at most once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rapport_domain::shop_events::ORDER_COMPLETED;
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId, money, plain};
use rapport_feedback::records::invitations::{self, InvitationRow};
use rapport_feedback::reviews::records;
use rapport_lake::EventRow;
use rapport_profiles::records::identifiers;
use serde_json::{Map, Value};

use super::known::Known;
use crate::api::timeline::unflatten;
use crate::installation::Installation;

/// Events of somebody that are looked at.
const EVENTS: usize = 2_000;
/// The longest name of a product, in letters.
const LONGEST: usize = 200;

/// A product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// What its orders call it.
    pub id: String,
    /// What people call it, as far as orders say.
    pub name: Option<String>,
    /// What was paid for it in one order, in millionths.
    paid: i64,
}

/// Whether it is still to be found out what an invitation is about: it is to a review, and does not say of what.
pub fn is_open(surveys: &Known, row: &InvitationRow) -> bool {
    let survey = surveys.all.iter().find(|it| it.row.survey == row.survey);
    row.product.is_none() && survey.is_some_and(|it| it.definition.review.is_some())
}

/// What those invitations are about of which that is to be found out, by their names; none where nothing is left to be reviewed.
///
/// # Errors
/// The store's and the lake's.
pub async fn find(
    installation: &Installation,
    workspace: WorkspaceId,
    surveys: &Known,
    due: &[InvitationRow],
) -> Result<BTreeMap<String, Option<Product>>> {
    let mut found = BTreeMap::new();
    for row in due.iter().filter(|row| is_open(surveys, row)) {
        let all = bought(installation, workspace, row).await?;
        let past = if all.is_empty() { BTreeSet::new() } else { past(installation, workspace, row).await? };
        let left = all.into_iter().filter(|it| !past.contains(&it.id));
        found.insert(row.id.clone(), left.max_by(|a, b| a.paid.cmp(&b.paid).then(b.id.cmp(&a.id))));
    }
    Ok(found)
}

/// What they reviewed, and what they were asked to review.
async fn past(installation: &Installation, workspace: WorkspaceId, row: &InvitationRow) -> Result<BTreeSet<String>> {
    let mut db = installation.store.read();
    let persons: [PersonId; 1] = [row.person];
    let names = identifiers::by_persons(&mut db, workspace, &persons).await?;
    let handles: Vec<Handle> = names.iter().map(|it| it.handle).collect();
    let mut past: BTreeSet<String> = records::products_of(&mut db, workspace, &handles).await?.into_iter().collect();
    let asked = invitations::of_persons(&mut db, workspace, &persons).await?;
    let same = |it: &InvitationRow| it.survey == row.survey && it.invited_at.is_some();
    past.extend(asked.into_iter().filter(same).filter_map(|it| it.product));
    Ok(past)
}

/// What was bought with the order that they are asked about, else with the last one by then.
async fn bought(installation: &Installation, workspace: WorkspaceId, row: &InvitationRow) -> Result<Vec<Product>> {
    let until = row.occasioned_at.plus(Timestamp::SECOND);
    let events = installation.lake.person_events(workspace, row.person, None, Some(until), EVENTS).await?;
    let orders: Vec<Map<String, Value>> =
        events.iter().filter(|it| it.name == ORDER_COMPLETED).map(|it: &EventRow| unflatten(it.properties())).collect();
    let own = match &row.subject {
        Some(subject) => orders.iter().find(|it| word(it, &["order_id"]).as_ref() == Some(subject)),
        None => orders.last(),
    };
    Ok(own.map(lines).unwrap_or_default())
}

/// The lines of an order; an order can be a line itself.
fn lines(order: &Map<String, Value>) -> Vec<Product> {
    let lines = order.get("products").and_then(Value::as_array);
    match lines {
        Some(lines) => lines.iter().filter_map(|it| line(it.as_object()?)).collect(),
        None => line(order).into_iter().collect(),
    }
}

fn line(of: &Map<String, Value>) -> Option<Product> {
    let price = of.get("price").and_then(money::micros_from_json).unwrap_or_default();
    let quantity = of.get("quantity").and_then(Value::as_f64).map_or(1, |it| it as i64);
    Some(Product {
        id: word(of, &["product_id"])?,
        name: word(of, &["name", "product_name"]),
        paid: price.saturating_mul(quantity),
    })
}

fn word(of: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match of.get(*name)? {
        Value::String(text) => Some(plain::one_line(text, LONGEST)).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}
