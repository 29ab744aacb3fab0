//! The till: who stands there, found by card or telephone number, and what they have; new members.
//!
//! Always holds: a till sees what a cashier needs and no more; whoever tries too many cards and numbers that there are not is refused for a while.
//!
//! Does not: earn or spend by rules of its own. A receipt is an order, a redemption is a redemption.

mod payments;
mod receipts;
mod rewards;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::calendar::Interval;
use rapport_domain::{Event, EventId, EventKind, Identifier, IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::documents::{self, Version};
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::{cards, read as ledger, tiers, tills, tries, wallets};
use rapport_loyalty::rewards::Reward;
use rapport_profiles::records::identifiers;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::redemptions::Present;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;
use crate::own_events;
use crate::points::phones;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(till_lookup))
        .routes(routes!(till_enrol))
        .merge(receipts::router())
        .merge(payments::router())
        .merge(rewards::router())
}

/// The longest name of a store, a receipt or a person, in bytes.
const TEXT_MAX: usize = 100;
/// So long somebody who is new is waited for.
const WAIT: Duration = Duration::from_millis(50);
const WAITS: usize = 40;

/// Who stands at the till.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TillLookupBody {
    /// The name of the store or the till, for counting what is tried there.
    store: String,
    /// A card as it was scanned or typed.
    #[serde(default)]
    card: Option<String>,
    /// A telephone number as it was said.
    #[serde(default)]
    phone: Option<String>,
}

/// A member, as a cashier sees them.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillMember {
    member_id: String,
    first_name: Option<String>,
    /// `active`, `blocked` or `closed`.
    standing: String,
    tiers: Vec<TillTier>,
    wallets: Vec<TillWallet>,
    /// What they may have, at their own prices: a row for each among which they choose.
    rewards: Vec<TillReward>,
}

/// Where they stand on a ladder.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillTier {
    ladder: String,
    tier: String,
}

/// What they have in a wallet.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillWallet {
    wallet: String,
    name: String,
    /// What can be spent.
    available: i64,
    /// What can be spent later.
    pending: i64,
    /// How it pays a part of a receipt; null if it does not.
    pays: Option<TillPaying>,
}

/// How a wallet pays a part of a receipt.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillPaying {
    /// What one is worth, in the programme's currency.
    #[schema(value_type = Option<String>)]
    worth: Option<Decimal>,
    /// The fewest at once.
    least: i64,
    /// In steps of so many.
    step: i64,
    /// The most of a receipt, from 0 to 1; null for all of it.
    #[schema(value_type = Option<String>)]
    most: Option<Decimal>,
}

/// A reward.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillReward {
    reward: String,
    name: String,
    wallet: String,
    points: i64,
    /// The money part.
    #[schema(value_type = Option<String>)]
    money: Option<Decimal>,
    /// How many points are missing; 0 when they can have it now.
    missing: i64,
}

fn short(name: &str, text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() || text.len() > TEXT_MAX || text.chars().any(char::is_control) {
        return Err(Problem::invalid(name, format!("1 to {TEXT_MAX} characters on one line")));
    }
    Ok(())
}

fn unknown() -> Problem {
    let text = "There is no such member.";
    Problem::new(StatusCode::NOT_FOUND, "till_member_unknown", text, "Ask for the card, or make them a member.")
}

/// Says who stands at the till, by card or telephone number, and what they have. What there is not is counted: after twenty in ten minutes a store has to wait.
#[utoipa::path(post, path = "/api/v1/loyalty/till/lookup", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "till_lookup", request_body = TillLookupBody, responses((status = 200, body = TillMember), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody), (status = 429, body = crate::problem::ProblemBody)))]
pub async fn till_lookup(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<TillLookupBody>,
) -> Result<Json<TillMember>, Problem> {
    caller.require(Permission::UseTill)?;
    short("store", &body.store)?;
    refuse_guessing(&app, &caller, &body.store).await?;
    let mut db = app.installation.store.read();
    match (&body.card, &body.phone) {
        (Some(card), None) => match cards::holder(&mut db, caller.workspace, card).await? {
            Ok(member) => return shown(&app, &caller, member).await,
            Err(cards::Refusal::Void) => {
                let text = "This card is void: the member has a newer one.";
                return Err(Problem::conflict("card_void", text, "Ask for the newer card, or the telephone number."));
            }
            // Mistyped is no guess.
            Err(refusal @ cards::Refusal::Mistyped) => {
                let text = "This cannot be a card: a character is wrong.";
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, refusal.code(), text, "Read it again."));
            }
            Err(cards::Refusal::Unknown) => {}
        },
        (None, Some(phone)) => {
            let lookup =
                phones::lookup_of(&app.installation, caller.workspace, phone).await.map_err(Problem::internal)?;
            let Some(lookup) = lookup else {
                return Err(Problem::invalid("phone", "is no telephone number; say its country too: +49 151 ..."));
            };
            match tills::by_phone(&mut db, caller.workspace, &lookup).await?.as_slice() {
                [] => {}
                [member] => return shown(&app, &caller, *member).await,
                _ => {
                    let text = "Several members have this number.";
                    return Err(Problem::conflict("till_number_shared", text, "Ask for the card."));
                }
            }
        }
        _ => return Err(Problem::invalid("card", "say the `card` or the `phone`")),
    }
    note_guess(&app, &caller, &body.store).await?;
    Err(unknown())
}

/// Refuses whoever looked for too many members that there are not.
async fn refuse_guessing(app: &App, caller: &Caller, store: &str) -> Result<(), Problem> {
    let (by, now) = (caller.id().as_str(), app.now());
    let mut db = app.installation.store.read();
    let Some(until) = tries::closed_until(&mut db, caller.workspace, by, store, now).await? else { return Ok(()) };
    let seconds = u32::try_from((until.0 - now.0) / Timestamp::SECOND + 1).unwrap_or(600);
    let text = "Too many members that there are not were looked for here.";
    Err(Problem::later(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", text, seconds))
}

async fn note_guess(app: &App, caller: &Caller, store: &str) -> Result<(), Problem> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    tries::note(&mut tx, caller.workspace, caller.id().as_str(), store, app.now()).await?;
    Ok(tx.commit().await?)
}

async fn shown(app: &App, caller: &Caller, member: MemberId) -> Result<Json<TillMember>, Problem> {
    let workspace = caller.workspace;
    let mut db = app.installation.store.read();
    let member = members::find(&mut db, workspace, member).await?.ok_or_else(unknown)?;
    let Some(person) = member.person else { return Err(unknown()) };
    let present = Present::read(app, workspace).await?;
    let program = present.program()?;
    let keys = wallets::keys(&mut db, workspace).await?;
    let accounts = ledger::accounts(&mut db, workspace, &[member.member], app.now()).await?;
    let mut balances: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for ((_, wallet), account) in &accounts {
        if let Some(key) = keys.get(wallet) {
            balances.insert(key, (account.balance().available, account.balance().pending));
        }
    }
    let own = program.wallets.iter().map(|plan| {
        let (available, pending) = balances.get(plan.key.as_str()).copied().unwrap_or_default();
        let paying = program.paying.iter().find(|it| it.wallet == plan.key);
        let pays =
            paying.map(|it| TillPaying { worth: it.rate(program), least: it.least, step: it.step, most: it.most });
        TillWallet { wallet: plan.key.clone(), name: plan.name.clone(), available, pending, pays }
    });
    let own: Vec<TillWallet> = own.collect();
    let standings = tiers::standings(&mut db, workspace, &[member.member]).await?;
    let tier = |row: tiers::StandingRow| {
        let ladder = program.ladder(&row.ladder)?;
        let tier = row.tier?;
        let name = ladder.tiers.iter().find(|it| it.key == tier)?.name.clone();
        Some(TillTier { ladder: ladder.name.clone(), tier: name })
    };
    let tiers = standings.into_iter().filter_map(tier).collect();
    let rewards = offered(app, (workspace, &present), &member, &own).await?;
    let first_name = phones::first_name(&app.installation, workspace, person).await.map_err(Problem::internal)?;
    Ok(Json(TillMember {
        member_id: member.member.0.to_string(),
        first_name,
        standing: member.standing.key().to_owned(),
        tiers,
        wallets: own,
        rewards,
    }))
}

async fn offered(
    app: &App,
    (workspace, present): (WorkspaceId, &Present),
    member: &Member,
    own: &[TillWallet],
) -> Result<Vec<TillReward>, Problem> {
    let program = present.program()?;
    let all: Vec<Version<Reward>> = documents::versions(&mut app.installation.store.read(), workspace).await?;
    let mut shown = Vec::new();
    for it in super::offered::offered(app, (workspace, present), member, &all).await? {
        if it.room.is_err() {
            continue;
        }
        for price in it.prices {
            let wallet = price.wallet(program);
            let available = own.iter().find(|it| it.wallet == wallet).map_or(0, |it| it.available);
            shown.push(TillReward {
                reward: it.reward.key.clone(),
                name: it.reward.name.clone(),
                wallet: wallet.to_owned(),
                points: price.points,
                money: price.money,
                missing: (price.points - available).max(0),
            });
        }
    }
    Ok(shown)
}

/// Somebody who becomes a member at the till.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TillEnrolBody {
    /// The name of the store or the till: whoever is new counts there as one that was looked for in vain, so that nobody goes through numbers this way.
    store: String,
    /// Their telephone number.
    phone: String,
    /// What they are called.
    #[serde(default)]
    first_name: Option<String>,
}

/// Makes somebody a member by their telephone number; whoever is one already is shown. It says nothing about whether they may be written to: consent is theirs to give elsewhere.
#[utoipa::path(post, path = "/api/v1/loyalty/till/members", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "till_enrol", request_body = TillEnrolBody, responses((status = 200, body = TillMember), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody), (status = 429, body = crate::problem::ProblemBody), (status = 503, body = crate::problem::ProblemBody)))]
pub async fn till_enrol(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<TillEnrolBody>,
) -> Result<Json<TillMember>, Problem> {
    caller.require(Permission::UseTill)?;
    short("store", &body.store)?;
    if let Some(name) = &body.first_name {
        short("first_name", name)?;
    }
    refuse_guessing(&app, &caller, &body.store).await?;
    let who = (body.phone.as_str(), body.first_name.as_deref());
    let member = enrolled(&app, &caller, who, Some(&body.store)).await?;
    shown(&app, &caller, member).await
}

/// Makes somebody a member by their telephone number; who it is. Somebody new counts at `store`, if it is a till that asks.
pub(super) async fn enrolled(
    app: &App,
    caller: &Caller,
    (phone, first_name): (&str, Option<&str>),
    store: Option<&str>,
) -> Result<MemberId, Problem> {
    let installation = &app.installation;
    Present::read(app, caller.workspace).await?;
    let lookup = phones::lookup_of(installation, caller.workspace, phone).await.map_err(Problem::internal)?;
    let Some(lookup) = lookup else {
        return Err(Problem::invalid("phone", "is no telephone number; say its country too: +49 151 ..."));
    };
    match tills::by_phone(&mut installation.store.read(), caller.workspace, &lookup).await?.as_slice() {
        [] => {}
        [member] => return Ok(*member),
        _ => {
            let text = "Several members have this number.";
            return Err(Problem::conflict("till_number_shared", text, "Ask for the card."));
        }
    }
    // The same number is the same person here, however often it is sent.
    let name = format!("till:{}", &lookup[..32]);
    let person = match found(app, caller, &name).await? {
        Some(person) => person,
        None => {
            if let Some(store) = store {
                note_guess(app, caller, store).await?;
            }
            tell_of(app, caller, &name, (phone, first_name)).await?;
            awaited(app, caller, &name).await?
        }
    };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let member = members::enrol(&mut tx, caller.workspace, person, app.now(), &*installation.rng).await?;
    // Found by it from now on, before the event that says so has come round.
    tills::save_phones(&mut tx, caller.workspace, member, &[lookup]).await?;
    cards::ensure(&mut tx, caller.workspace, member, app.now(), &*installation.rng).await?;
    tx.commit().await?;
    Ok(member)
}

async fn found(app: &App, caller: &Caller, name: &str) -> Result<Option<PersonId>, Problem> {
    let mut db = app.installation.store.read();
    let kind = IdentifierKind::AnonymousId;
    let rows = identifiers::by_values(&mut db, caller.workspace, kind, &[name.to_owned()]).await?;
    Ok(rows.first().map(|row| row.person))
}

async fn tell_of(
    app: &App,
    caller: &Caller,
    name: &str,
    (phone, first_name): (&str, Option<&str>),
) -> Result<(), Problem> {
    let installation = &app.installation;
    let source = own_events::source(installation, caller.workspace).await.map_err(Problem::internal)?;
    let id = EventId::of_message(caller.workspace, source, name);
    let mut traits = Map::from_iter([("phone".to_owned(), Value::from(phone.trim()))]);
    traits.extend(first_name.map(|name| ("firstName".to_owned(), Value::from(name.trim()))));
    let who = Identifier { kind: IdentifierKind::AnonymousId, value: name.to_owned() };
    let told = own_events::event((caller.workspace, source), id, app.now(), who, "Identify", Map::new());
    let event = Event { kind: EventKind::Identify, traits, ..told };
    installation.log.append(&[event]).await.map_err(Problem::internal)?;
    Ok(())
}

/// Waits until whoever is new is known; some hundredths of a second.
async fn awaited(app: &App, caller: &Caller, name: &str) -> Result<PersonId, Problem> {
    for _ in 0..WAITS {
        if let Some(person) = found(app, caller, name).await? {
            return Ok(person);
        }
        tokio::time::sleep(WAIT).await;
    }
    let text = "They are being made known.";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "till_not_yet", text, "Send the same again in a moment."))
}

/// The first instant of the civil day of an instant, in the programme's zone.
fn day(present: &Present, at: Timestamp) -> Timestamp {
    present.calendar.floor(at, Interval::Day)
}
