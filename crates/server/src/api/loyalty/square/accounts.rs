//! Accounts: members of the programme, found by telephone number or by customer.

use std::collections::HashMap;

use axum::extract::State;
use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::ledger::{Account, Balance};
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::{happenings, read, tills};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::{Answer, Face, PROGRAM, Paged, Sent, account, cut, given, page, program, text};
use crate::api::loyalty::till;
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::points::phones;
use crate::problem::Problem;

/// So many numbers or customers are looked for at once.
const SOUGHT_MAX: usize = 30;
/// The most accounts of a page.
const PAGE_MAX: u32 = 200;

/// A telephone number.
#[derive(Debug, Deserialize)]
pub struct Mapping {
    #[serde(default)]
    phone_number: Option<String>,
}

#[derive(Debug, Deserialize)]
struct NewAccount {
    #[serde(default)]
    program_id: Option<String>,
    #[serde(default)]
    mapping: Option<Mapping>,
    #[serde(default)]
    customer_id: Option<String>,
    #[serde(default)]
    enrolled_at: Option<String>,
}

/// An account to be made.
#[derive(Debug, Deserialize)]
pub struct CreateBody {
    #[serde(default)]
    loyalty_account: Option<NewAccount>,
    #[serde(default)]
    idempotency_key: Option<String>,
}

/// Makes whoever has a telephone number a member; one who is a member already stays it, so that the same sent again is the same account.
pub async fn create(State(app): State<App>, caller: Caller, body: Sent<CreateBody>) -> Answer {
    caller.require(Permission::PostPoints)?;
    let Json(body) = body?;
    text("idempotency_key", body.idempotency_key.as_deref().unwrap_or_default())?;
    let wanted = given("loyalty_account", body.loyalty_account)?;
    program(&given("loyalty_account.program_id", wanted.program_id)?)?;
    let mapping = given("loyalty_account.mapping", wanted.mapping)?;
    let phone = dialled("loyalty_account.mapping.phone_number", mapping)?;
    if wanted.enrolled_at.is_some() {
        let text = "loyalty_account.enrolled_at: whoever is made here is a member from now on; members of the past are imported.";
        return Err(Failure::conflicting("loyalty_account.enrolled_at", text));
    }
    if let Some(customer) = &wanted.customer_id {
        let known = by_phone(&app, &caller, &phone).await?;
        let is_theirs = known.iter().any(|it| it.person.is_some_and(|person| person.to_string() == *customer));
        if !is_theirs {
            let text =
                "loyalty_account.customer_id: the number decides who it is; it is of no member who is this customer.";
            return Err(Failure::conflicting("loyalty_account.customer_id", text));
        }
    }
    let member = till::enrolled(&app, &caller, (&phone, None), None).await?;
    let member = account(&app, caller.workspace, &member.0.to_string()).await?;
    let shapes = shapes(&app, &caller, vec![member]).await?;
    Ok(Json(json!({"loyalty_account": shapes.into_iter().next()})))
}

/// A number with its country, as Square asks for it.
fn dialled(field: &str, mapping: Mapping) -> Result<String, Failure> {
    let phone = given(field, mapping.phone_number)?;
    let digits = phone.strip_prefix('+').unwrap_or_default();
    let is_one = (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_one { Ok(phone) } else { Err(Failure::value(field, "a number as it is dialled from anywhere: +14155551111")) }
}

async fn by_phone(app: &App, caller: &Caller, phone: &str) -> Result<Vec<Member>, Failure> {
    let lookup = phones::lookup_of(&app.installation, caller.workspace, phone).await.map_err(Problem::internal)?;
    let Some(lookup) = lookup else { return Ok(Vec::new()) };
    let mut db = app.installation.store.read();
    let found = tills::by_phone(&mut db, caller.workspace, &lookup).await?;
    Ok(members::by_numbers(&mut db, caller.workspace, &found).await?)
}

/// Reads an account.
pub async fn retrieve(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer {
    caller.require(Permission::ViewPeople)?;
    let member = account(&app, caller.workspace, &id).await?;
    let shapes = shapes(&app, &caller, vec![member]).await?;
    Ok(Json(json!({"loyalty_account": shapes.into_iter().next()})))
}

#[derive(Debug, Default, Deserialize)]
struct Query {
    #[serde(default)]
    mappings: Option<Vec<Mapping>>,
    #[serde(default)]
    customer_ids: Option<Vec<String>>,
}

/// Accounts that are looked for.
#[derive(Debug, Deserialize)]
pub struct SearchBody {
    #[serde(default)]
    query: Option<Query>,
    #[serde(flatten)]
    paged: Paged,
}

/// Finds accounts by numbers, by customers, or all of them, the newest first.
pub async fn search(State(app): State<App>, caller: Caller, body: Sent<SearchBody>) -> Answer {
    caller.require(Permission::ViewPeople)?;
    let Json(SearchBody { query, paged }) = body?;
    let limit = paged.limit(PAGE_MAX)?;
    let Query { mappings, customer_ids } = query.unwrap_or_default();
    let mappings = mappings.filter(|it| !it.is_empty());
    let customer_ids = customer_ids.filter(|it| !it.is_empty());
    let sought = mappings.as_ref().map_or(0, Vec::len).max(customer_ids.as_ref().map_or(0, Vec::len));
    if sought > SOUGHT_MAX {
        return Err(Failure::value("query", format_args!("at most {SOUGHT_MAX} at once")));
    }
    let mut found = match (mappings, customer_ids) {
        (Some(_), Some(_)) => {
            return Err(Failure::conflicting("query", "query: search by mappings or by customer_ids, not by both."));
        }
        (Some(mappings), None) => {
            let mut found: Vec<Member> = Vec::new();
            for mapping in mappings {
                let phone = dialled("query.mappings.phone_number", mapping)?;
                let new = by_phone(&app, &caller, &phone).await?;
                found.extend(new);
            }
            found.sort_by_key(|it| it.member);
            found.dedup_by_key(|it| it.member);
            return Ok(page("loyalty_accounts", shapes(&app, &caller, found).await?, None));
        }
        (None, Some(ids)) => {
            let people: Vec<PersonId> = ids.iter().filter_map(|id| id.parse().ok().map(PersonId)).collect();
            let found = members::by_persons(&mut app.installation.store.read(), caller.workspace, &people).await?;
            return Ok(page("loyalty_accounts", shapes(&app, &caller, found).await?, None));
        }
        (None, None) => {
            let after: Option<(i64, i64)> = paged.position()?;
            let after = after.map(|(at, number)| (Timestamp(at), number));
            let mut db = app.installation.store.read();
            members::list(&mut db, caller.workspace, None, after, limit + 1).await?
        }
    };
    let cursor = cut(&mut found, limit, |it| (it.enrolled_at.0, it.member.0));
    Ok(page("loyalty_accounts", shapes(&app, &caller, found).await?, cursor))
}

/// Members as accounts.
async fn shapes(app: &App, caller: &Caller, found: Vec<Member>) -> Result<Vec<Value>, Failure> {
    let face = Face::read(app, caller.workspace).await?;
    let mut db = app.installation.store.read();
    let numbers: Vec<_> = found.iter().map(|it| it.member).collect();
    let accounts = read::accounts(&mut db, caller.workspace, &numbers, app.now()).await?;
    let moved = read::moved_at(&mut db, caller.workspace, &numbers).await?;
    let people: Vec<PersonId> = found.iter().filter_map(|it| it.person).collect();
    let phones = phones::numbers_of(&app.installation, caller.workspace, &people).await.map_err(Problem::internal)?;
    let mut rows = Vec::new();
    for member in found {
        let own = members::numbers(&mut db, caller.workspace, member.member).await?;
        let lifetime = happenings::earned(&mut db, caller.workspace, face.wallet, &own).await?;
        let account = accounts.get(&(member.member, face.wallet));
        let updated = moved.get(&member.member).copied().unwrap_or(member.enrolled_at).max(member.enrolled_at);
        rows.push(shape(&member, account, (lifetime, updated), &phones));
    }
    Ok(rows)
}

fn shape(
    member: &Member,
    account: Option<&Account>,
    (lifetime, updated): (i64, Timestamp),
    phones: &HashMap<PersonId, String>,
) -> Value {
    let balance: Balance = account.map(Account::balance).unwrap_or_default();
    let since = time(member.enrolled_at);
    let mut row = Map::new();
    row.insert("id".to_owned(), json!(member.member.0.to_string()));
    row.insert("program_id".to_owned(), json!(PROGRAM));
    // What is owed stands against what there is, as Square lets balances fall below 0.
    row.insert("balance".to_owned(), json!(balance.available - balance.owed));
    row.insert("lifetime_points".to_owned(), json!(lifetime));
    for name in ["enrolled_at", "created_at"] {
        row.insert(name.to_owned(), json!(since));
    }
    row.insert("updated_at".to_owned(), json!(time(updated)));
    if let Some(person) = member.person {
        row.insert("customer_id".to_owned(), json!(person.to_string()));
        if let Some(phone) = phones.get(&person) {
            row.insert("mapping".to_owned(), json!({"phone_number": phone, "created_at": since}));
        }
    }
    let mut lapsing: std::collections::BTreeMap<Timestamp, i64> = std::collections::BTreeMap::new();
    for lot in account.into_iter().flat_map(Account::lots).filter(|lot| lot.available > 0) {
        if let Some(end) = lot.expires_at {
            *lapsing.entry(end).or_default() += lot.available;
        }
    }
    if !lapsing.is_empty() {
        let deadline = |(end, points)| json!({"expires_at": time(end), "points": points});
        let deadlines: Vec<Value> = lapsing.into_iter().map(deadline).collect();
        row.insert("expiring_point_deadlines".to_owned(), Value::from(deadlines));
    }
    Value::Object(row)
}
