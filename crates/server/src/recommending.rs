//! What to offer somebody, for messages, slots and the API.
//!
//! Always holds: tables are built in the background and never while somebody waits; what a message offers is in stock, as far as that was told.
//!
//! Who must not be used (their data are restricted, or they refused to be understood in numbers) is offered what is popular, as somebody nobody knows.
//!
//! Does not do: the choosing (`analytics::recommend`).

pub mod learning;

use anyhow::Result;
use rapport_analytics::recommend::{Item, Method, NotBought, Request, Rules};
use rapport_domain::{PersonId, WorkspaceId, money};
use rapport_engagement::content::{Limits, Template, check};
use rapport_segments::Duration;
use serde_json::{Map, Value, json};

use crate::api::questions;
use crate::installation::Installation;
use crate::messages::company::Company;
use crate::modelling::{is_without, without};

/// The token of templates.
pub const TOKEN: &str = "recommended";
/// So many are given to a template; it shows as many as it wants.
const OFFERED: usize = 12;
/// What somebody bought so lately is not offered to them again.
const NOT_AGAIN: &str = "30d";

/// Whether a template shows products that are chosen for its reader.
pub fn is_asked_for(template: &Template) -> bool {
    let used = check::used(template, Limits::default());
    used.iter().any(|path| path.split(['.', '[']).next() == Some(TOKEN))
}

/// Builds the table of a workspace anew when that is due; whether it was.
///
/// # Errors
/// The lake's and the store's: requests are answered from the old table meanwhile.
pub async fn refresh(installation: &Installation, workspace: WorkspaceId) -> Result<bool> {
    let context = questions::context(installation, workspace)
        .await
        .map_err(|problem| anyhow::anyhow!(problem.code().to_owned()))?;
    let recommender = &installation.recommender;
    if !recommender.is_due(workspace, &context).await? {
        return Ok(false);
    }
    let without = without(installation, workspace).await?;
    recommender.rebuild(workspace, &context, &without).await?;
    Ok(true)
}

/// The request as it may be answered: of whom nothing may be learnt, nothing is looked at.
///
/// # Errors
/// The store's.
pub async fn permitted(
    installation: &Installation,
    workspace: WorkspaceId,
    request: Request,
) -> rapport_store::Result<Request> {
    let is_known = match request.person {
        Some(person) => !is_without(installation, workspace, person).await?,
        None => true,
    };
    if is_known {
        return Ok(request);
    }
    let method = match request.method {
        Method::UpSell | Method::CrossSell if !request.with.is_empty() => request.method,
        Method::BoughtTogether => Method::BoughtTogether,
        _ => Method::Popular,
    };
    let rules = Rules { not_bought: None, usual_price: false, ..request.rules };
    Ok(Request { method, person: None, rules, ..request })
}

/// What a template sees as [`TOKEN`]: products for a person. `None` while nothing is known yet.
///
/// # Errors
/// The lake's and the store's.
pub async fn token(installation: &Installation, workspace: WorkspaceId, person: PersonId) -> Result<Option<Value>> {
    let rules = Rules {
        in_stock: true,
        not_bought: Duration::parse(NOT_AGAIN).ok().map(NotBought::Within),
        ..Rules::default()
    };
    let request = Request { rules, ..Request::new(Method::ForPerson, Some(person), OFFERED) };
    let Some(items) = items(installation, workspace, &request).await? else { return Ok(None) };
    let company = Company::read(&mut installation.store.read(), workspace).await?;
    Ok(Some(products(&items, &company)))
}

/// What is offered; `None` while nothing is known yet.
///
/// # Errors
/// The request's, the lake's and the store's.
pub async fn items(
    installation: &Installation,
    workspace: WorkspaceId,
    request: &Request,
) -> Result<Option<Vec<Item>>> {
    let context = questions::context(installation, workspace)
        .await
        .map_err(|problem| anyhow::anyhow!(problem.code().to_owned()))?;
    let request = permitted(installation, workspace, request.clone()).await?;
    match installation.recommender.recommend(workspace, &request, &context).await {
        Ok(recommended) => Ok(Some(recommended.offers.into_iter().map(|offer| offer.item).collect())),
        Err(rapport_analytics::Error::NotBuilt) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Products as templates know them. What has no name or no price shows nothing, and is left out; what has no page leads to the company's.
pub fn products(items: &[Item], company: &Company) -> Value {
    let one = |item: &Item| {
        let mut product = Map::new();
        product.insert("id".to_owned(), json!(item.id));
        product.insert("name".to_owned(), json!(item.name.as_ref()?));
        product.insert("price".to_owned(), json!(money::format_micros(item.price_micros?)));
        product.insert("currency".to_owned(), json!(company.currency));
        product.insert("quantity".to_owned(), json!(1));
        product.insert("url".to_owned(), json!(item.url.as_ref().unwrap_or(&company.letterhead.url)));
        product.insert("image_url".to_owned(), json!(item.image_url.as_deref().unwrap_or_default()));
        Some(Value::Object(product))
    };
    items.iter().filter_map(one).collect()
}
