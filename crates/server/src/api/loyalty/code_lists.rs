//! Codes of pools and of offers in lists and files, and codes that are taken back.
//!
//! Always holds: nobody reads out of a list what can be spent: codes are shown by their ends, but for those that everybody may use as often as they like.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rapport_domain::Timestamp;
use rapport_loyalty::codes;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::offers::Offer;
use rapport_loyalty::records::vouchers::{self, NotVoided, Owner, Voucher};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::documents;
use super::members::names_of;
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::exporting::plain;
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(pool_codes))
        .routes(routes!(pool_codes_csv))
        .routes(routes!(void_pool_codes))
        .routes(routes!(offer_code_list))
        .routes(routes!(offer_codes_csv))
        .routes(routes!(void_offer_codes))
}

/// How codes stand.
const STATES: [&str; 5] = ["free", "live", "used", "expired", "void"];
/// Codes read at a time for a file.
const STEP: u32 = 2_000;
/// The most codes of a file, and the most that are taken back by name at once.
const FILE_MAX: usize = 200_000;
const VOIDED_MAX: usize = 10_000;

/// A code in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedCode {
    /// Its place in the list, by which it is taken back.
    place: i64,
    /// Its last characters; the whole of one that everybody may use as often as they like.
    code: String,
    /// `free` (in a pool, nobody has it), `live`, `used`, `expired` or `void`.
    state: String,
    /// How often it can still be used; null for as often as anybody likes.
    uses_left: Option<i64>,
    /// Who has it.
    member_id: Option<String>,
    /// What they are called; not in files.
    member_name: Option<String>,
    valid_until: Option<String>,
    added_at: String,
}

impl ListedCode {
    fn of(it: Voucher, now: Timestamp) -> Self {
        Self {
            place: it.place,
            state: it.stands(now).to_owned(),
            code: if it.is_public() { it.code } else { codes::masked(&it.code) },
            uses_left: it.uses_left,
            member_id: it.holder.map(|holder| holder.to_string()),
            member_name: None,
            valid_until: optional_time(it.valid_until),
            added_at: time(it.added_at),
        }
    }
}

/// Which codes.
#[derive(Debug, Deserialize, IntoParams)]
pub struct CodesQuery {
    /// Only those that stand so: `free`, `live`, `used`, `expired` or `void`.
    #[serde(default)]
    state: String,
}

impl CodesQuery {
    fn state(&self) -> Result<&str, Problem> {
        let is_known = self.state.is_empty() || STATES.contains(&self.state.as_str());
        if is_known {
            Ok(&self.state)
        } else {
            Err(Problem::invalid("state", "is one of free, live, used, expired, void"))
        }
    }
}

/// What codes of an offer and of a pool belong to.
const fn of_offer(key: &str) -> Owner<'_> {
    Owner { kind: "offer", key }
}
const fn of_pool(key: &str) -> Owner<'_> {
    Owner { kind: "pool", key }
}

async fn page_of(
    app: &App,
    caller: &Caller,
    owner: Owner<'_>,
    (query, page): (&CodesQuery, &PageQuery),
) -> Result<Json<Page<ListedCode>>, Problem> {
    let after: i64 = page.position()?.unwrap_or(0);
    let (now, state) = (app.now(), query.state()?);
    let mut db = app.installation.store.read();
    let rows = vouchers::list(&mut db, caller.workspace, owner, (state, now), (after, page.limit() + 1)).await?;
    let page = Page::cut(rows, page.limit(), |it| it.place);
    let numbers: Vec<MemberId> = page.rows.iter().filter_map(Voucher::holder).collect();
    let names = names_of(&mut db, caller.workspace, &numbers).await?;
    Ok(Json(page.map(|it| ListedCode {
        member_name: it.holder.and_then(|holder| names.get(&holder).cloned()),
        ..ListedCode::of(it, now)
    })))
}

/// Lists a pool's codes by their ends: nobody reads from a list what can be spent.
#[utoipa::path(get, path = "/api/v1/loyalty/vouchers/pools/{pool}", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "pool_codes", params(("pool" = String, Path), CodesQuery, PageQuery), responses((status = 200, body = Page<ListedCode>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn pool_codes(
    State(app): State<App>,
    caller: Caller,
    Path(pool): Path<String>,
    Query(query): Query<CodesQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ListedCode>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    page_of(&app, &caller, of_pool(&pool), (&query, &page)).await
}

/// Lists an offer's codes by their ends; those that everybody may use as often as they like as they are.
#[utoipa::path(get, path = "/api/v1/loyalty/offers/{key}/codes/list", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "offer_code_list", params(("key" = String, Path), CodesQuery, PageQuery), responses((status = 200, body = Page<ListedCode>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn offer_code_list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<CodesQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ListedCode>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    documents::versions::<Offer>(&app, &caller, &key).await?;
    page_of(&app, &caller, of_offer(&key), (&query, &page)).await
}

const COLUMNS: [&str; 7] = ["place", "code", "state", "uses_left", "member_id", "valid_until", "added_at"];

fn record(it: ListedCode) -> [String; 7] {
    let uses = it.uses_left.map(|uses| uses.to_string()).unwrap_or_default();
    let (member, until) = (it.member_id.unwrap_or_default(), it.valid_until.unwrap_or_default());
    [it.place.to_string(), plain(&it.code), it.state, uses, member, until, it.added_at]
}

async fn file_of(app: &App, caller: &Caller, owner: Owner<'_>, query: &CodesQuery) -> Result<Response, Problem> {
    let (now, state) = (app.now(), query.state()?);
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(COLUMNS).map_err(Problem::internal)?;
    let mut db = app.installation.store.snapshot().await?;
    let (mut after, mut count) = (0, 0);
    while count < FILE_MAX {
        let rows = vouchers::list(&mut db, caller.workspace, owner, (state, now), (after, STEP)).await?;
        let Some(last) = rows.last() else { break };
        (after, count) = (last.place, count + rows.len());
        for row in rows {
            out.write_record(record(ListedCode::of(row, now))).map_err(Problem::internal)?;
        }
    }
    let body = out.into_inner().map_err(|error| Problem::internal(error.into_error()))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        // Any other sign than those of a key would be one of the header's own.
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"codes-{}.csv\"", file_name(owner.key))),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, body).into_response())
}

fn file_name(key: &str) -> String {
    key.chars().filter(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_')).take(64).collect()
}

/// The same list as a CSV file, of 200,000 codes at most.
#[utoipa::path(get, path = "/api/v1/loyalty/vouchers/pools/{pool}/codes.csv", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "pool_codes_csv", params(("pool" = String, Path), CodesQuery), responses((status = 200, body = String, content_type = "text/csv"), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn pool_codes_csv(
    State(app): State<App>,
    caller: Caller,
    Path(pool): Path<String>,
    Query(query): Query<CodesQuery>,
) -> Result<Response, Problem> {
    caller.require(Permission::ViewPeople)?;
    file_of(&app, &caller, of_pool(&pool), &query).await
}

/// The same list as a CSV file, of 200,000 codes at most.
#[utoipa::path(get, path = "/api/v1/loyalty/offers/{key}/codes.csv", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "offer_codes_csv", params(("key" = String, Path), CodesQuery), responses((status = 200, body = String, content_type = "text/csv"), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn offer_codes_csv(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<CodesQuery>,
) -> Result<Response, Problem> {
    caller.require(Permission::ViewPeople)?;
    documents::versions::<Offer>(&app, &caller, &key).await?;
    file_of(&app, &caller, of_offer(&key), &query).await
}

/// Codes to take back: named by their places, or as they are written, or all that nobody has.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidCodesBody {
    /// By their places in the list.
    #[serde(default)]
    places: Vec<i64>,
    /// As they are written.
    #[serde(default)]
    codes: Vec<String>,
    /// All of them.
    #[serde(default)]
    all: bool,
}

/// A code that was not taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeNotVoided {
    /// Its place in what was sent, from 0.
    at: usize,
    /// `code_unknown`, `code_void`, `code_used`, or `code_given`: a member has it for a reward, and calling that off takes it back.
    why: String,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodesVoided {
    voided: u64,
    not_voided: Vec<CodeNotVoided>,
}

async fn voided(
    app: &App,
    caller: &Caller,
    owner: Owner<'_>,
    body: VoidCodesBody,
) -> Result<Json<CodesVoided>, Problem> {
    let ways = [!body.places.is_empty(), !body.codes.is_empty(), body.all];
    if ways.into_iter().filter(|it| *it).count() != 1 {
        return Err(Problem::invalid("places", "say which: `places`, `codes` or `all`, one of them"));
    }
    if body.places.len().max(body.codes.len()) > VOIDED_MAX {
        return Err(Problem::invalid("places", format_args!("at most {VOIDED_MAX} at once")));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let (voided, kept) = if body.all {
        (vouchers::void_all(&mut tx, caller.workspace, owner).await?, Vec::new())
    } else if body.codes.is_empty() {
        vouchers::void(&mut tx, caller.workspace, owner, &body.places).await?
    } else {
        let found = vouchers::places(&mut tx, caller.workspace, owner, &body.codes).await?;
        // There is no place 0.
        let places: Vec<i64> = found.into_iter().map(Option::unwrap_or_default).collect();
        vouchers::void(&mut tx, caller.workspace, owner, &places).await?
    };
    tx.commit().await?;
    let kept = kept.into_iter().map(|(at, why): (usize, NotVoided)| CodeNotVoided { at, why: why.code().to_owned() });
    Ok(Json(CodesVoided { voided, not_voided: kept.collect() }))
}

/// Takes codes of a pool back before anybody has them: they are given to nobody any more.
#[utoipa::path(post, path = "/api/v1/loyalty/vouchers/pools/{pool}/voided", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "void_pool_codes", params(("pool" = String, Path)), request_body = VoidCodesBody, responses((status = 200, body = CodesVoided), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn void_pool_codes(
    State(app): State<App>,
    caller: Caller,
    Path(pool): Path<String>,
    Json(body): Json<VoidCodesBody>,
) -> Result<Json<CodesVoided>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    voided(&app, &caller, of_pool(&pool), body).await
}

/// Takes codes of an offer back: they unlock nothing any more. A cart in which one is set aside keeps it until its time is over.
#[utoipa::path(post, path = "/api/v1/loyalty/offers/{key}/codes/voided", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "void_offer_codes", params(("key" = String, Path)), request_body = VoidCodesBody, responses((status = 200, body = CodesVoided), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn void_offer_codes(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<VoidCodesBody>,
) -> Result<Json<CodesVoided>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    documents::versions::<Offer>(&app, &caller, &key).await?;
    voided(&app, &caller, of_offer(&key), body).await
}
