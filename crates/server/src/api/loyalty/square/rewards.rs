//! Rewards: redemptions of the rewards that Square's words can say. Asking for one takes its points; deleted, they come back; redeemed, it is had for good.

use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::{self, Version};
use rapport_loyalty::records::members;
use rapport_loyalty::records::redemptions::{self, Asked, Redemption, Stage};
use rapport_loyalty::records::vouchers::{self, Use};
use rapport_loyalty::rewards::{Gives, Price, Refusal, Reward, Wish};
use rapport_store::Priority;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Answer, Face, Paged, Sent, account, cut, events, given, own_id, page, text};
use crate::api::loyalty::redemptions::redeem as ask;
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};

/// The most rewards of a page.
const PAGE_MAX: u32 = 30;
/// What stands before an order's number in the words of a redemption.
const ORDER: &str = "order ";

/// The price that a reward is listed with, if it can be told in Square's words: bought for points of this wallet alone, and had in one step.
pub fn price<'a>(reward: &'a Reward, program: &Program, wallet: &str) -> Option<&'a Price> {
    let is_one_step = matches!(reward.gives, Gives::Delivered {} | Gives::Discount { .. } | Gives::Code { uses: 1 });
    let own: Vec<&Price> = reward.prices.iter().filter(|price| price.wallet(program) == wallet).collect();
    let is_plain = is_one_step && own.iter().all(|price| price.money.is_none());
    // The last one is for whoever has no better one.
    own.last().copied().filter(|_| is_plain)
}

/// The order that a reward was asked for with.
pub fn order_of(it: &Redemption) -> Option<&str> {
    it.reason.strip_prefix(ORDER)
}

fn shape(it: &Redemption) -> Value {
    let (status, settled) = match it.stage() {
        Stage::Promised => ("ISSUED", None),
        Stage::Had => ("REDEEMED", it.settled_at),
        Stage::Gone => ("DELETED", it.settled_at),
    };
    let mut row = json!({
        "id": it.redemption, "status": status, "loyalty_account_id": it.member.to_string(), "reward_tier_id": it.reward, "points": it.points,
        "created_at": time(it.requested_at), "updated_at": time(settled.unwrap_or(it.requested_at)),
    });
    if let Some(order) = order_of(it) {
        row["order_id"] = json!(order);
    }
    if let Some(at) = settled.filter(|_| it.stage() == Stage::Had) {
        row["redeemed_at"] = json!(time(at));
    }
    row
}

#[derive(Debug, Deserialize)]
struct NewReward {
    #[serde(default)]
    loyalty_account_id: Option<String>,
    #[serde(default)]
    reward_tier_id: Option<String>,
    #[serde(default)]
    order_id: Option<String>,
}

/// A reward that somebody wants.
#[derive(Debug, Deserialize)]
pub struct CreateBody {
    #[serde(default)]
    reward: Option<NewReward>,
    #[serde(default)]
    idempotency_key: Option<String>,
}

/// Takes the points of a reward.
pub async fn create(State(app): State<App>, caller: Caller, body: Sent<CreateBody>) -> Answer {
    caller.require(Permission::ServeMembers)?;
    let Json(body) = body?;
    let id = own_id(body.idempotency_key.as_deref().unwrap_or_default())?;
    let wanted = given("reward", body.reward)?;
    let member = given("reward.loyalty_account_id", wanted.loyalty_account_id)?;
    let key = given("reward.reward_tier_id", wanted.reward_tier_id)?;
    if let Some(order) = &wanted.order_id {
        text("reward.order_id", order)?;
    }
    let member = account(&app, caller.workspace, &member).await?;
    let face = Face::read(&app, caller.workspace).await?;
    let wallet = &face.plan()?.key;
    let versions: Vec<Version<Reward>> =
        documents::versions_of(&mut app.installation.store.read(), caller.workspace, &key).await?;
    let latest = versions.last().ok_or_else(|| Failure::from(Refusal::RewardUnknown))?;
    if price(&latest.document, face.present.program()?, wallet).is_none() {
        let text = "This reward cannot be had here: it costs money too, is not bought from this wallet, or gives something else than one discount, code or thing.";
        return Err(Failure::new(axum::http::StatusCode::BAD_REQUEST, "UNSUPPORTED_LOYALTY_REWARD_TIER", text));
    }
    let reason = wanted.order_id.map(|order| format!("{ORDER}{order}")).unwrap_or_default();
    let asked = Asked {
        id: &id,
        member: member.member,
        reward: &key,
        wish: Wish { wallet: Some(wallet), points: None, money: None },
        is_surprise: false,
        with_household: false,
        by: caller.id().as_str(),
        reason: &reason,
    };
    let row = ask(&app, caller.workspace, asked).await??;
    Ok(Json(json!({"reward": shape(&row)})))
}

/// A redemption of the wallet of this face.
async fn find(app: &App, caller: &Caller, id: &str) -> Result<(Face, Redemption), Failure> {
    let face = Face::read(app, caller.workspace).await?;
    let found = redemptions::find(&mut app.installation.store.read(), caller.workspace, id).await?;
    let own = &face.plan()?.key;
    let found = found.filter(|it| it.refused.is_none() && it.wallet == *own);
    let row = found.ok_or_else(|| Failure::not_found("There is no such loyalty reward."))?;
    Ok((face, row))
}

/// Reads a reward.
pub async fn retrieve(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer {
    caller.require(Permission::ViewPeople)?;
    let (_, row) = find(&app, &caller, &id).await?;
    Ok(Json(json!({"reward": shape(&row)})))
}

#[derive(Debug, Deserialize)]
struct Query {
    #[serde(default)]
    loyalty_account_id: Option<String>,
    #[serde(default)]
    status: Option<String>,
}

/// Rewards that are looked for.
#[derive(Debug, Deserialize)]
pub struct SearchBody {
    #[serde(default)]
    query: Option<Query>,
    #[serde(flatten)]
    paged: Paged,
}

/// Finds rewards of an account or of all, by their status, the newest first.
pub async fn search(State(app): State<App>, caller: Caller, body: Sent<SearchBody>) -> Answer {
    caller.require(Permission::ViewPeople)?;
    let Json(SearchBody { query, paged }) = body?;
    let limit = paged.limit(PAGE_MAX)?;
    let (mut whose, mut status) = (None, None);
    if let Some(query) = query {
        whose = Some(given("query.loyalty_account_id", query.loyalty_account_id)?);
        status = query.status;
    }
    let stage = match status.as_deref() {
        None => None,
        Some("ISSUED") => Some(Stage::Promised),
        Some("REDEEMED") => Some(Stage::Had),
        Some("DELETED") => Some(Stage::Gone),
        Some(_) => return Err(Failure::value("query.status", "one of ISSUED, REDEEMED, DELETED")),
    };
    let face = Face::read(&app, caller.workspace).await?;
    let mut db = app.installation.store.read();
    let numbers: Option<Vec<MemberId>> = match whose {
        None => None,
        Some(id) => {
            let member = account(&app, caller.workspace, &id).await?.member;
            Some(members::numbers(&mut db, caller.workspace, member).await?)
        }
    };
    let after: Option<(i64, String)> = paged.position()?;
    let after = after.map(|(at, id)| (Timestamp(at), id));
    let sought = (face.plan()?.key.as_str(), numbers.as_deref(), stage);
    let mut found = redemptions::search(&mut db, caller.workspace, sought, after, limit + 1).await?;
    let cursor = cut(&mut found, limit, |it| (it.requested_at.0, it.redemption.clone()));
    Ok(page("rewards", found.iter().map(shape).collect(), cursor))
}

/// Gives the points of a reward back that nobody had yet; one that is deleted already stays it.
pub async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer {
    caller.require(Permission::ServeMembers)?;
    let (face, row) = find(&app, &caller, &id).await?;
    if row.stage() == Stage::Gone {
        return Ok(Json(json!({})));
    }
    let scene = face.present.scene(&app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = redemptions::withdraw(&mut tx, scene, &id).await?;
    tx.commit().await?;
    outcome?;
    Ok(Json(json!({})))
}

/// What was had, and where.
#[derive(Debug, Deserialize)]
pub struct RedeemBody {
    #[serde(default)]
    idempotency_key: Option<String>,
    #[serde(default)]
    location_id: Option<String>,
}

/// Says that a reward was had: delivered, or its code used. The same key for the same reward is answered the same.
pub async fn redeem(State(app): State<App>, caller: Caller, Path(id): Path<String>, body: Sent<RedeemBody>) -> Answer {
    caller.require(Permission::ServeMembers)?;
    let Json(body) = body?;
    let key = own_id(body.idempotency_key.as_deref().unwrap_or_default())?;
    let location = given("location_id", body.location_id)?;
    text("location_id", &location)?;
    let (face, row) = find(&app, &caller, &id).await?;
    let row = match row.kind.as_str() {
        "delivered" => delivered(&app, &caller, &face, (&row, &key)).await?,
        "discount" | "code" => used(&app, &caller, &face, (&row, &key, &location)).await?,
        _ => return Err(Failure::refused("This reward is had elsewhere: it is not of a kind that is redeemed here.")),
    };
    Ok(Json(json!({"event": events::settled(&row)})))
}

async fn delivered(
    app: &App,
    caller: &Caller,
    face: &Face,
    (row, key): (&Redemption, &str),
) -> Result<Redemption, Failure> {
    let scene = face.present.scene(app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = redemptions::fulfil(&mut tx, scene, &row.redemption, key).await?;
    tx.commit().await?;
    let row = outcome?;
    // Whoever was first is known by the key.
    if row.reference == key { Ok(row) } else { Err(had()) }
}

async fn used(
    app: &App,
    caller: &Caller,
    face: &Face,
    (row, key, location): (&Redemption, &str, &str),
) -> Result<Redemption, Failure> {
    if row.stage() == Stage::Gone {
        return Err(Refusal::NotNow.into());
    }
    let scene = face.present.scene(app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let codes = vouchers::given_for(&mut tx, caller.workspace, &row.redemption).await?;
    let code = codes.first().ok_or_else(|| Failure::from(Refusal::NotNow))?;
    let used = Use { id: key, by: caller.id().as_str(), reference: location, holder: Some(row.member()) };
    let voucher = match vouchers::use_up(&mut tx, caller.workspace, &code.code, used, scene.now).await? {
        Ok(voucher) => voucher,
        Err(vouchers::Refusal::UseReused) => return Err(Failure::key_reused()),
        Err(refusal) => return Err(Refusal::Voucher(refusal).into()),
    };
    let now = redemptions::find(&mut tx, caller.workspace, &row.redemption).await?;
    if now.is_some_and(|it| it.state == "fulfilled") {
        redemptions::used(&mut tx, scene, &voucher).await?;
    }
    let row = redemptions::find(&mut tx, caller.workspace, &row.redemption).await?;
    tx.commit().await?;
    row.filter(|it| it.stage() == Stage::Had).ok_or_else(had)
}

fn had() -> Failure {
    Failure::refused("This reward was redeemed before, by another request.")
}
