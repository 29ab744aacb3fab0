//! `/api/v1/customers`: the list, and everything about one of them.

use std::collections::BTreeMap;

use axum::extract::State;
use rapport_domain::{AccountId, Channel, Handle, IdentifierKind, PersonId, SourceId, Timestamp, WorkspaceId, money};
use rapport_privacy::records::consents::{self, ConsentRow};
use rapport_privacy::{Scope, Statement, consent};
use rapport_profiles::classify;
use rapport_profiles::fold::fold;
use rapport_profiles::records::evidence::EvidenceRow;
use rapport_profiles::records::facts::FactRow;
use rapport_profiles::records::identifiers::IdentifierRow;
use rapport_profiles::records::persons::{Filter, PersonRow, SortBy};
use rapport_profiles::records::{accounts, evidence, facts, identifiers, orders, persons};
use rapport_store::Queries;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::shapes::{Amount, CustomerRow, Customers, RfmScores, display_name, mask, mask_email, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::route::routes;
use crate::problem::Problem;
use crate::records::sources::{self, SourceRow};
use utoipa_axum::router::OpenApiRouter;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(trait_history))
}

/// How many orders a customer's page shows.
const ORDERS: i64 = 100;

/// Which customers to list.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ListQuery {
    /// Name, address, or customer number, or a part of one.
    #[serde(default)]
    search: String,
    /// Only this RFM group.
    #[serde(default)]
    rfm_group: String,
    /// last_seen, first_seen, orders, spent or name.
    sort: Option<String>,
    /// asc or desc.
    direction: Option<String>,
    /// At most so many, 50 unless told, 500 at most.
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl ListQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let sort = match self.sort.as_deref().unwrap_or("last_seen") {
            "last_seen" => SortBy::LastSeen,
            "first_seen" => SortBy::FirstSeen,
            "orders" => SortBy::Orders,
            "spent" => SortBy::Spent,
            "name" => SortBy::Name,
            _ => {
                return Err(Problem::bad_request(
                    "unknown_sort",
                    "sort is last_seen, first_seen, orders, spent or name",
                ));
            }
        };
        let offset = match self.cursor.as_deref() {
            None | Some("") => 0,
            Some(text) => {
                text.parse().map_err(|_| Problem::bad_request("unknown_cursor", "cursor is the `next` of an answer"))?
            }
        };
        Ok(Filter {
            search: fold(&self.search),
            rfm_group: self.rfm_group.clone(),
            persons: None,
            sort,
            ascending: self.direction.as_deref() == Some("asc"),
            offset,
            limit: self.limit.unwrap_or(50).clamp(1, 500),
        })
    }
}

/// Lists customers.
#[utoipa::path(get, path = "/api/v1/customers", security(("caller" = ["view_people"])), tag = "customers", params(ListQuery), responses((status = 200, body = Customers)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Customers>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let filter = query.filter()?;
    page(&app, caller.workspace, filter).await.map(Json)
}

/// A page of the persons a filter finds.
pub async fn page(app: &App, workspace: WorkspaceId, filter: Filter) -> Result<Customers, Problem> {
    let mut db = app.installation.store.read();
    let total = persons::count(&mut db, workspace, &filter).await?;
    let rows = persons::list(&mut db, workspace, &filter).await?;
    let end = filter.offset + filter.limit;
    Ok(Customers {
        rows: rows.iter().map(CustomerRow::of).collect(),
        next: (end < total).then(|| end.to_string()),
        total,
    })
}

/// A way to reach a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contact {
    kind: String,
    value_masked: String,
    consent: String,
}

/// Figures of one customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerFigures {
    spent: Option<Amount>,
    orders: i64,
    average_order: Option<Amount>,
    /// Median days between orders, from three orders on.
    rhythm_days: Option<f64>,
    days_since_last_order: Option<f64>,
    refunds: Option<Amount>,
}

/// What is held true of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trait {
    key: String,
    value: Value,
    valid_from: String,
    recorded_at: String,
    /// Who said so.
    source: String,
}

/// A name the customer goes by.
#[derive(Debug, Serialize, ToSchema)]
pub struct IdentifierShape {
    handle: String,
    kind: String,
    value_masked: String,
    first_seen_at: String,
    /// By which rule it came to this person; `first` for the one that made the profile.
    rule: String,
    source_name: String,
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountShape {
    id: String,
    name: String,
    /// What was told of it last, by name.
    traits: BTreeMap<String, Value>,
}

impl AccountShape {
    async fn of(
        db: &mut impl Queries,
        workspace: WorkspaceId,
        (account, group, name): (AccountId, String, Option<String>),
    ) -> Result<Self, Problem> {
        let told = accounts::facts(db, workspace, account).await?;
        let traits = told.iter().filter_map(|fact| {
            let key = fact.fact_key.strip_prefix("account.").filter(|key| *key != "name")?;
            Some((key.to_owned(), shown_value(key, &fact.value)?))
        });
        // The later overrules the earlier.
        Ok(Self { id: account.to_string(), name: name.unwrap_or(group), traits: traits.collect() })
    }
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderShape {
    order_id: String,
    placed_at: String,
    /// Exact decimal.
    total: String,
    currency: String,
    refunded: Option<String>,
    status: String,
    lines: i64,
}

/// Everything about one customer but the timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct Customer {
    person_id: String,
    name: String,
    since: String,
    last_seen_at: String,
    events: i64,
    country: Option<String>,
    contact: Vec<Contact>,
    figures: CustomerFigures,
    rfm: Option<RfmScores>,
    traits: Vec<Trait>,
    identifiers: Vec<IdentifierShape>,
    accounts: Vec<AccountShape>,
    orders: Vec<OrderShape>,
}

/// Shows one customer.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}", security(("caller" = ["view_people"])), tag = "customers", params(("person_id" = String, Path)),
    responses((status = 200, body = Customer), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Json<Customer>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, caller.workspace, &person).await?;
    let mut db = app.installation.store.read();
    let names = identifiers::by_persons(&mut db, caller.workspace, &[row.person]).await?;
    let handles: Vec<Handle> = names.iter().map(|name| name.handle).collect();
    let known = current(facts::of_handles(&mut db, caller.workspace, &handles).await?);
    let sources = sources::all(&mut db, caller.workspace).await?;
    let orders = orders::of_handles(&mut db, caller.workspace, &handles, ORDERS).await?;
    let accounts = accounts::of_handles(&mut db, caller.workspace, &handles).await?;
    let mut shown_accounts = Vec::with_capacity(accounts.len());
    for account in accounts {
        shown_accounts.push(AccountShape::of(&mut db, caller.workspace, account).await?);
    }
    let why = standing(evidence::touching(&mut db, caller.workspace, &handles).await?);
    let source_name = |source: SourceId| name_of(&sources, source);
    let said = consents::of_handles(&mut db, caller.workspace, &handles).await?;
    let said: Vec<Statement> = said.iter().filter_map(ConsentRow::statement).collect();
    let contact = contacts(&names, &known, |channel| {
        consent::standing(&said, &Scope::marketing(channel), app.now()).verdict.as_str().to_owned()
    });
    let identifiers = names.iter().map(|name| identifier(name, &why, source_name(name.source))).collect();
    let traits = known.iter().filter_map(|fact| shown_trait(fact, source_name(fact.source))).collect();
    Ok(Json(Customer {
        person_id: row.person.to_string(),
        name: display_name(&row),
        since: time(row.first_seen_at),
        last_seen_at: time(row.last_seen_at),
        events: row.events,
        country: row.country.clone(),
        contact,
        figures: figures(&row, &orders, app.installation.clock.now()),
        rfm: RfmScores::of(&row),
        traits,
        identifiers,
        accounts: shown_accounts,
        orders: orders.iter().map(order).collect(),
    }))
}

/// What people call a source.
pub fn name_of(sources: &[SourceRow], source: SourceId) -> String {
    sources.iter().find(|row| row.source == source).map(|row| row.name.clone()).unwrap_or_default()
}

/// Evidence that counts now.
pub fn standing(rows: Vec<EvidenceRow>) -> Vec<EvidenceRow> {
    rows.into_iter().filter(|row| row.undone_at.is_none() && !row.set_aside).collect()
}

/// The person a path names.
pub async fn find(app: &App, workspace: WorkspaceId, person: &str) -> Result<PersonRow, Problem> {
    let missing = || Problem::not_found("customer");
    let person = PersonId(person.parse().map_err(|_| missing())?);
    persons::find(&mut app.installation.store.read(), workspace, person).await?.ok_or_else(missing)
}

/// Of each key the fact that holds now; the rows come oldest first.
fn current(rows: Vec<FactRow>) -> Vec<FactRow> {
    let mut latest: Vec<FactRow> = Vec::new();
    for row in rows {
        match latest.last_mut() {
            Some(last) if last.fact_key == row.fact_key => *last = row,
            _ => latest.push(row),
        }
    }
    latest
}

fn contacts(names: &[IdentifierRow], known: &[FactRow], consent: impl Fn(Channel) -> String) -> Vec<Contact> {
    let emails = names.iter().filter(|name| name.kind == IdentifierKind::Email.as_str());
    let mut contacts: Vec<Contact> = emails
        .map(|name| Contact {
            kind: "email".into(),
            value_masked: mask_email(&name.value),
            consent: consent(Channel::Email),
        })
        .collect();
    for key in ["trait.phone", "trait.mobile"] {
        if let Some(fact) = known.iter().find(|fact| fact.fact_key == key) {
            let value_masked = mask(fact.value.trim_matches('"'));
            contacts.push(Contact { kind: "phone".into(), value_masked, consent: consent(Channel::Sms) });
        }
    }
    contacts
}

/// An identifier as people see it; `why` is the evidence that stands.
pub fn identifier(name: &IdentifierRow, why: &[EvidenceRow], source_name: String) -> IdentifierShape {
    let value_masked = match IdentifierKind::parse(&name.kind) {
        Some(IdentifierKind::Email) => mask_email(&name.value),
        Some(IdentifierKind::UserId) => name.value.clone(),
        _ => mask(&name.value),
    };
    IdentifierShape {
        handle: name.handle.to_string(),
        kind: name.kind.clone(),
        value_masked,
        first_seen_at: time(name.first_seen_at),
        rule: why.iter().find(|e| e.touches(name.handle)).map_or("first", |e| e.rule.as_str()).to_owned(),
        source_name,
    }
}

/// Traits that reach a person are shown masked.
fn shown_trait(fact: &FactRow, source: String) -> Option<Trait> {
    let key = fact.fact_key.strip_prefix("trait.")?;
    Some(Trait {
        key: key.to_owned(),
        value: shown_value(key, &fact.value)?,
        valid_from: time(fact.valid_from),
        recorded_at: time(fact.recorded_at),
        source,
    })
}

/// A value told as JSON, masked where it reaches a person; nothing for null.
fn shown_value(key: &str, told: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(told).ok()?;
    match (&value, classify::category(key, value.as_str().unwrap_or_default())) {
        (Value::Null, _) => None,
        (Value::String(text), classify::Category::Contact) if text.contains('@') => {
            Some(Value::String(mask_email(text)))
        }
        (Value::String(text), classify::Category::Contact) if key.contains("phone") => Some(Value::String(mask(text))),
        _ => Some(value),
    }
}

fn order(row: &orders::OrderRow) -> OrderShape {
    OrderShape {
        // An order without a number is known by its event.
        order_id: if row.order_id.starts_with("event:") { String::new() } else { row.order_id.clone() },
        placed_at: time(row.placed_at),
        total: money::format_micros(row.revenue_micros),
        currency: row.currency.clone(),
        refunded: (row.refunded_micros != 0).then(|| money::format_micros(row.refunded_micros)),
        status: row.status.clone(),
        lines: row.lines,
    }
}

fn figures(row: &PersonRow, orders: &[orders::OrderRow], now: Timestamp) -> CustomerFigures {
    let currency = row.currency.as_deref().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "days are shown to a tenth")]
    let days = |micros: i64| micros as f64 / Timestamp::DAY as f64;
    let mut gaps: Vec<i64> = orders.windows(2).map(|pair| pair[0].placed_at.0 - pair[1].placed_at.0).collect();
    gaps.sort_unstable();
    CustomerFigures {
        spent: (row.orders > 0).then(|| Amount::of(row.spent_micros, currency)),
        orders: row.orders,
        average_order: (row.orders > 0).then(|| Amount::of(row.spent_micros / row.orders, currency)),
        rhythm_days: (gaps.len() >= 2).then(|| days(gaps[gaps.len() / 2])),
        days_since_last_order: row.last_order_at.map(|at| days(now.0 - at.0)),
        refunds: (row.refunded_micros != 0).then(|| Amount::of(row.refunded_micros, currency)),
    }
}

/// What was said about one trait, over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct TraitHistory {
    rows: Vec<Trait>,
}

/// Shows what one trait was, when, and since when we know it.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/traits/{key}/history", security(("caller" = ["view_people"])), tag = "customers",
    params(("person_id" = String, Path), ("key" = String, Path)), responses((status = 200, body = TraitHistory)))]
pub async fn trait_history(
    State(app): State<App>,
    caller: Caller,
    Path((person, key)): Path<(String, String)>,
) -> Result<Json<TraitHistory>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, caller.workspace, &person).await?;
    let mut db = app.installation.store.read();
    let names = identifiers::by_persons(&mut db, caller.workspace, &[row.person]).await?;
    let handles: Vec<Handle> = names.iter().map(|name| name.handle).collect();
    let sources = sources::all(&mut db, caller.workspace).await?;
    let key = format!("trait.{key}");
    let facts = facts::of_handles(&mut db, caller.workspace, &handles).await?;
    let told = facts.iter().filter(|fact| fact.fact_key == key);
    Ok(Json(TraitHistory { rows: told.filter_map(|fact| shown_trait(fact, name_of(&sources, fact.source))).collect() }))
}
