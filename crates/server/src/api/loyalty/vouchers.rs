//! Codes: pools of them, and what a till or a shop asks of one.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::program::check_key;
use rapport_loyalty::records::documents as versions;
use rapport_loyalty::records::vouchers::{self, Owner, Terms, Use, Voucher};
use rapport_loyalty::records::{members, redemptions, tries};
use rapport_loyalty::rewards::{Refusal, Reward};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::number;
use super::redemptions::{Present, refused, short};
use super::{named, own_ids};
use crate::api::members::instant_of;
use crate::api::segments::user_names;
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(voucher_pools))
        .routes(routes!(add_pool_codes))
        .routes(routes!(check_voucher))
        .routes(routes!(use_voucher))
        .routes(routes!(release_voucher))
        .routes(routes!(wrong_vouchers))
}

/// Codes that are added at once.
const MOST: usize = 10_000;
/// How far back wrong tries are listed.
const TRIES_SHOWN: i64 = 30 * Timestamp::DAY;

/// A pool of codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoucherPool {
    pool: String,
    /// How many stand how: `free`, `live` (given to somebody), `used`, `expired`, `void`.
    counts: BTreeMap<String, i64>,
}

/// Lists the pools, with how many codes are left.
#[utoipa::path(get, path = "/api/v1/loyalty/vouchers/pools", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "voucher_pools", responses((status = 200, body = Rows<VoucherPool>)))]
pub async fn voucher_pools(State(app): State<App>, caller: Caller) -> Result<Json<Rows<VoucherPool>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let mut pools: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for (pool, stands, count) in vouchers::owners(&mut db, caller.workspace, "pool", app.now()).await? {
        pools.entry(pool).or_default().insert(stands, count);
    }
    Ok(Json(Rows { rows: pools.into_iter().map(|(pool, counts)| VoucherPool { pool, counts }).collect() }))
}

/// Codes for a pool.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolCodesBody {
    /// As they were printed; or as one text with a line for each, as a file has them.
    #[serde(default)]
    codes: Vec<String>,
    /// A code a line; what stands behind the first comma or semicolon is left out.
    #[serde(default)]
    text: Option<String>,
    /// Until before when they are good; without end, unless said.
    #[serde(default)]
    valid_until: Option<String>,
}

/// A code that was not added.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeNotAdded {
    /// Its place in the list, from 0.
    at: usize,
    /// `code_malformed`, `code_looks_generated`, `code_twice` or `code_known`.
    code: String,
}

/// What came of a list of codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct PoolCodesAdded {
    added: usize,
    refused: Vec<CodeNotAdded>,
}

/// Adds codes to a pool, those that are no code or are known already apart.
#[utoipa::path(post, path = "/api/v1/loyalty/vouchers/pools/{pool}", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "add_pool_codes", params(("pool" = String, Path)), request_body = PoolCodesBody, responses((status = 200, body = PoolCodesAdded), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn add_pool_codes(
    State(app): State<App>,
    caller: Caller,
    Path(pool): Path<String>,
    Json(body): Json<PoolCodesBody>,
) -> Result<Json<PoolCodesAdded>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    check_key("pool", &pool)?;
    let lines = body.text.as_deref().unwrap_or_default().lines().map(first_field);
    let list: Vec<String> = body.codes.into_iter().chain(lines.filter(|line| !line.is_empty())).collect();
    if list.is_empty() || list.len() > MOST {
        return Err(Problem::invalid("codes", format_args!("are 1 to {MOST} at once")));
    }
    let valid_until = body.valid_until.as_deref().map(|text| instant_of("valid_until", text)).transpose()?;
    let owner = Owner { kind: "pool", key: &pool };
    let terms = Terms { is_live: false, uses: Some(1), valid_until };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let refused = vouchers::add(&mut tx, caller.workspace, owner, &list, terms, app.now()).await?;
    tx.commit().await?;
    let added = list.len() - refused.len();
    let refused = refused.into_iter().map(|(at, why)| CodeNotAdded { at, code: why.code().to_owned() }).collect();
    Ok(Json(PoolCodesAdded { added, refused }))
}

fn first_field(line: &str) -> String {
    line.split([',', ';', '\t']).next().unwrap_or_default().trim().trim_matches('"').to_owned()
}

/// A code that somebody typed or scanned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoucherBody {
    code: String,
    /// Who wants to use it: a code that was given to another member is refused.
    #[serde(default)]
    member_id: Option<String>,
    /// Where it is tried: a till, a session. Wrong tries are counted for each.
    #[serde(default)]
    place: String,
}

/// A code that can be used.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyVoucher {
    code: String,
    /// What it belongs to: `pool`, `reward`, `offer`, and its key.
    owner_kind: String,
    owner: String,
    /// The reward that it was given for, and what that gives.
    reward: Option<String>,
    #[schema(value_type = Option<Object>)]
    gives: Option<Value>,
    member_id: Option<String>,
    redemption_id: Option<String>,
    uses_left: Option<i64>,
    valid_until: Option<String>,
}

/// Refuses whoever tried too many wrong codes.
pub(super) async fn may_try(app: &App, caller: &Caller, place: &str) -> Result<(), Problem> {
    short("place", place)?;
    let now = app.now();
    let mut db = app.installation.store.read();
    let closed = tries::closed_until(&mut db, caller.workspace, caller.id().as_str(), place, now).await?;
    let Some(until) = closed else { return Ok(()) };
    let seconds = u32::try_from((until.0 - now.0) / Timestamp::SECOND + 1).unwrap_or(600);
    let text = "Too many wrong codes were tried here.";
    Err(Problem::later(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", text, seconds))
}

/// Notes a wrong code, and says what is wrong.
async fn wrong(app: &App, caller: &Caller, place: &str, refusal: vouchers::Refusal) -> Result<Problem, Problem> {
    if refusal.is_a_guess() {
        let mut tx = app.installation.store.begin(Priority::Interactive).await?;
        tries::note(&mut tx, caller.workspace, caller.id().as_str(), place, app.now()).await?;
        tx.commit().await?;
    }
    Ok(refused(Refusal::Voucher(refusal)))
}

/// The number of whoever wants to use it, as it is now.
async fn holder(app: &App, caller: &Caller, member_id: Option<&str>) -> Result<Option<MemberId>, Problem> {
    let Some(text) = member_id else { return Ok(None) };
    let member = number(text)?;
    Ok(Some(members::now(&mut app.installation.store.read(), caller.workspace, member).await?))
}

async fn shape(app: &App, caller: &Caller, voucher: Voucher) -> Result<LoyaltyVoucher, Problem> {
    let mut db = app.installation.store.read();
    let row = match voucher.given_for.as_str() {
        "" => None,
        redemption => redemptions::find(&mut db, caller.workspace, redemption).await?,
    };
    let gives = match &row {
        None => None,
        Some(row) => {
            let all = versions::versions_of::<Reward>(&mut db, caller.workspace, &row.reward).await?;
            let version = all.into_iter().find(|it| it.version == row.version);
            version.map(|it| serde_json::to_value(it.document.gives)).transpose().map_err(Problem::internal)?
        }
    };
    Ok(LoyaltyVoucher {
        code: voucher.code,
        owner_kind: voucher.owner_kind,
        owner: voucher.owner,
        reward: row.map(|row| row.reward),
        gives,
        member_id: voucher.holder.map(|holder| holder.to_string()),
        redemption_id: Some(voucher.given_for).filter(|it| !it.is_empty()),
        uses_left: voucher.uses_left,
        valid_until: optional_time(voucher.valid_until),
    })
}

/// Says whether a code can be used now, and what it is worth. A typo in one of our own codes is found by its check character.
#[utoipa::path(post, path = "/api/v1/loyalty/vouchers/check", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "check_voucher", request_body = VoucherBody, responses((status = 200, body = LoyaltyVoucher), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody), (status = 429, body = crate::problem::ProblemBody)))]
pub async fn check_voucher(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<VoucherBody>,
) -> Result<Json<LoyaltyVoucher>, Problem> {
    caller.require(Permission::ServeMembers)?;
    may_try(&app, &caller, &body.place).await?;
    let holder = holder(&app, &caller, body.member_id.as_deref()).await?;
    let mut db = app.installation.store.read();
    match vouchers::check(&mut db, caller.workspace, &body.code, holder, app.now()).await? {
        Ok(voucher) => Ok(Json(shape(&app, &caller, voucher).await?)),
        Err(refusal) => Err(wrong(&app, &caller, &body.place, refusal).await?),
    }
}

/// A code to be used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UseVoucherBody {
    /// Your own name for this use (a receipt's number), without personal data: the same again is the same use.
    id: String,
    code: String,
    #[serde(default)]
    member_id: Option<String>,
    #[serde(default)]
    place: String,
    /// For what: an order's number.
    #[serde(default)]
    reference: String,
    /// Only sets the use aside until this time; used later under the same id, or released.
    #[serde(default)]
    lock_until: Option<String>,
}

/// Uses a code, once; or sets a use aside while an order is paid.
#[utoipa::path(post, path = "/api/v1/loyalty/vouchers/use", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "use_voucher", request_body = UseVoucherBody, responses((status = 200, body = LoyaltyVoucher), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody), (status = 429, body = crate::problem::ProblemBody)))]
pub async fn use_voucher(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<UseVoucherBody>,
) -> Result<Json<LoyaltyVoucher>, Problem> {
    caller.require(Permission::ServeMembers)?;
    may_try(&app, &caller, &body.place).await?;
    short("reference", &body.reference)?;
    if body.id.is_empty() {
        return Err(Problem::invalid("id", "is your own name for this use"));
    }
    short("id", &body.id)?;
    own_ids::refuse("id", &body.id, own_ids::REQUESTS)?;
    let until = body.lock_until.as_deref().map(|text| instant_of("lock_until", text)).transpose()?;
    let holder = holder(&app, &caller, body.member_id.as_deref()).await?;
    let used = Use { id: &body.id, by: caller.id().as_str(), reference: &body.reference, holder };
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = match until {
        Some(until) => vouchers::lock(&mut tx, caller.workspace, &body.code, used, until, scene.now).await?,
        None => vouchers::use_up(&mut tx, caller.workspace, &body.code, used, scene.now).await?,
    };
    let voucher = match outcome {
        Ok(voucher) => voucher,
        Err(refusal) => {
            drop(tx);
            return Err(wrong(&app, &caller, &body.place, refusal).await?);
        }
    };
    if until.is_none() {
        redemptions::used(&mut tx, scene, &voucher).await?;
    }
    tx.commit().await?;
    Ok(Json(shape(&app, &caller, voucher).await?))
}

/// A use to be given back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseVoucherBody {
    /// The id of the use.
    id: String,
}

/// Gives a use back, set aside or done: the basket was left, the order was called off.
#[utoipa::path(post, path = "/api/v1/loyalty/vouchers/release", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "release_voucher", request_body = ReleaseVoucherBody, responses((status = 200, body = LoyaltyVoucher), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn release_voucher(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ReleaseVoucherBody>,
) -> Result<Json<LoyaltyVoucher>, Problem> {
    caller.require(Permission::ServeMembers)?;
    short("id", &body.id)?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = vouchers::release(&mut tx, caller.workspace, &body.id).await?;
    let voucher = outcome.map_err(|refusal| refused(Refusal::Voucher(refusal)))?;
    redemptions::reopen(&mut tx, scene, &voucher).await?;
    tx.commit().await?;
    Ok(Json(shape(&app, &caller, voucher).await?))
}

/// Who tried wrong codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct WrongVouchers {
    /// A user, or an API key.
    tried_by: String,
    /// Where, as they said.
    place: String,
    /// The beginning of the ten minutes in which they are counted.
    since: String,
    wrong: i64,
    last_at: String,
}

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
pub struct WrongVouchersQuery {
    /// 1 to 500; 50, unless said.
    limit: Option<u32>,
}

/// Lists who tried wrong codes in the last thirty days, the latest first: somebody may be guessing.
#[utoipa::path(get, path = "/api/v1/loyalty/vouchers/tries", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "wrong_vouchers", params(WrongVouchersQuery), responses((status = 200, body = Rows<WrongVouchers>)))]
pub async fn wrong_vouchers(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<WrongVouchersQuery>,
) -> Result<Json<Rows<WrongVouchers>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let since = app.now().plus(-TRIES_SHOWN);
    let limit = query.limit.unwrap_or(50).clamp(1, 500);
    let users = user_names(&app, caller.workspace).await?;
    let rows = tries::list(&mut app.installation.store.read(), caller.workspace, since, limit).await?;
    let row = |it: tries::Tries| WrongVouchers {
        tried_by: named(&users, &it.tried_by),
        place: it.place,
        since: time(it.since),
        wrong: it.wrong,
        last_at: time(it.last_at),
    };
    Ok(Json(Rows { rows: rows.into_iter().map(row).collect() }))
}
