//! How a member came to what they have: lots, operations, and what rules gave for what.

use std::collections::HashMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_loyalty::earning::Award;
use rapport_loyalty::ledger::{Lot, MemberId, Operation, Place, WalletId};
use rapport_loyalty::records::notices::{self, NoticeRow};
use rapport_loyalty::records::{awards, jurisdictions, read, wallets};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::members::find;
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::problem::Problem;

/// The most notices of a list.
const NOTICES_MAX: u32 = 500;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(member_lots))
        .routes(routes!(member_operations))
        .routes(routes!(member_awards))
        .routes(routes!(member_notices))
}

/// Points that came in together, as far as something is left of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsLot {
    lot: String,
    wallet: String,
    /// How many came in.
    amount: i64,
    pending: i64,
    available: i64,
    held: i64,
    earned_at: String,
    /// From when they can be spent.
    active_from: String,
    /// From when they cannot be spent any more; null when they do not lapse.
    expires_at: Option<String>,
    /// The number of the operation that brought them in.
    operation: i64,
    /// The lot that they came from, if they were transferred or given back.
    origin: Option<String>,
}

impl PointsLot {
    pub(super) fn of(wallet: &str, lot: &Lot) -> Self {
        Self {
            lot: lot.id.0.to_string(),
            wallet: wallet.to_owned(),
            amount: lot.amount,
            pending: lot.pending,
            available: lot.available,
            held: lot.held,
            earned_at: time(lot.earned_at),
            active_from: time(lot.active_from),
            expires_at: optional_time(lot.expires_at),
            operation: lot.operation,
            origin: lot.origin.map(|origin| origin.0.to_string()),
        }
    }
}

/// Lists what a member has, lot by lot: those that lapse first come first, as they are used up.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/lots", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_lots", params(("member_id" = String, Path)), responses((status = 200, body = Rows<PointsLot>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_lots(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<Rows<PointsLot>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?.member;
    let mut db = app.installation.store.read();
    let keys = wallets::keys(&mut db, caller.workspace).await?;
    let accounts = read::accounts(&mut db, caller.workspace, &[member], app.now()).await?;
    let mut rows = Vec::new();
    for ((_, wallet), account) in &accounts {
        let Some(key) = keys.get(wallet) else { continue };
        let mut lots: Vec<&Lot> = account.lots().filter(|lot| lot.remaining() > 0).collect();
        lots.sort_by_key(|lot| (lot.expires_at.unwrap_or(Timestamp(i64::MAX)), lot.earned_at, lot.id.0));
        rows.extend(lots.into_iter().map(|lot| PointsLot::of(key, lot)));
    }
    Ok(Json(Rows { rows }))
}

/// Points that moved from one place to another.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsPosting {
    /// `issued`, `pending`, `available`, `held`, `spent`, `expired`, `adjusted`, `transit` or `owed`.
    from: String,
    to: String,
    amount: i64,
    /// In which lot they lie.
    lot: Option<String>,
}

/// What was done, or refused, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsOperation {
    /// Its number in the ledger.
    operation: i64,
    /// The id that whoever asked gave it.
    id: String,
    /// `earn`, `spend`, `hold`, `capture`, `release`, `adjust`, `transfer`, `reverse`, `extend`, `forfeit`, `activate`, `time_out`, `expire` ...
    kind: String,
    wallet: Option<String>,
    /// Whose account.
    member_id: String,
    amount: i64,
    /// How many could not be taken back, and are forgiven.
    short: i64,
    /// Why it was refused; null when it was done.
    refused: Option<String>,
    /// How much of it was undone later.
    reversed: i64,
    /// What could be spent after it.
    available: i64,
    effective_at: String,
    recorded_at: String,
    /// What caused it: `order`, `event`, `reward`, `staff` ...
    source_kind: String,
    /// Which one.
    source_reference: String,
    source_by: String,
    source_reason: String,
    /// What moved in this member's account.
    postings: Vec<PointsPosting>,
}

impl PointsOperation {
    fn of(member: MemberId, keys: &HashMap<WalletId, String>, it: Operation) -> Self {
        let place = |place: Place| place.key().to_owned();
        let own = it.postings.iter().filter(|posting| posting.member == member);
        let posting = own.map(|posting| PointsPosting {
            from: place(posting.from),
            to: place(posting.to),
            amount: posting.amount,
            lot: posting.lot.map(|lot| lot.0.to_string()),
        });
        Self {
            operation: it.number,
            kind: it.kind.key().to_owned(),
            wallet: keys.get(&it.wallet).cloned(),
            member_id: it.member.0.to_string(),
            amount: it.amount,
            short: it.short,
            refused: it.refused.map(|refusal| refusal.code().to_owned()),
            reversed: it.reversed,
            available: it.after.available,
            effective_at: time(it.effective_at),
            recorded_at: time(it.recorded_at),
            postings: posting.collect(),
            id: it.id,
            source_kind: it.source.kind,
            source_reference: it.source.reference,
            source_by: it.source.by,
            source_reason: it.source.reason,
        }
    }
}

/// Lists what was done in a member's accounts and what was refused, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/operations", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_operations", params(("member_id" = String, Path), PageQuery), responses((status = 200, body = Page<PointsOperation>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_operations(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<PointsOperation>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?.member;
    let mut db = app.installation.store.read();
    let keys = wallets::keys(&mut db, caller.workspace).await?;
    let rows = read::history(&mut db, caller.workspace, member, page.position()?, page.limit() + 1).await?;
    let page = Page::cut(rows, page.limit(), |it| it.number);
    Ok(Json(page.map(|it| PointsOperation::of(member, &keys, it))))
}

/// What a rule gave a member for something.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberAward {
    /// For what: `order:` and its number, `event:` and its id.
    occasion: String,
    rule: String,
    /// The rule's version that was in force.
    version: i64,
    wallet: String,
    /// `given`, `capped`, `held_out`, why nothing is given any more, or why the ledger refused it.
    outcome: String,
    /// What it would have given if nothing cut it.
    wanted: i64,
    points: i64,
    /// How many of them were taken back.
    taken_back: i64,
    occurred_at: String,
}

impl From<Award> for MemberAward {
    fn from(award: Award) -> Self {
        let Award { occasion, rule, version, wallet, outcome, wanted, points, taken_back, occurred_at, .. } = award;
        let occurred_at = time(occurred_at);
        Self { occasion, rule, version, wallet, outcome, wanted, points, taken_back, occurred_at }
    }
}

/// Lists what rules gave a member and for what, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/awards", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_awards", params(("member_id" = String, Path), PageQuery), responses((status = 200, body = Page<MemberAward>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_awards(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MemberAward>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?.member;
    let mut db = app.installation.store.read();
    let rows = awards::of_member(&mut db, caller.workspace, member, page.position()?, page.limit() + 1).await?;
    let position = |it: &Award| (it.occurred_at, it.occasion.clone(), it.rule.clone(), it.revision);
    Ok(Json(Page::cut(rows, page.limit(), position).map(MemberAward::from)))
}

/// A notice that points are about to lapse.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberNotice {
    wallet: Option<String>,
    expires_at: String,
    /// How many lapse then, as it was when the notice was given.
    points: i64,
    noticed_at: String,
    /// Where a law asks for the notice: from when and until when it counts; null where none does.
    counts_from: Option<String>,
    counts_until: Option<String>,
    /// The message that took it to the member, as far as a law asks for it; null while none is known.
    proof: Option<String>,
    /// When that message was handed over.
    proved_at: Option<String>,
}

/// Lists the notices that a member was given of points that lapse, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/notices", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_notices", params(("member_id" = String, Path)), responses((status = 200, body = Rows<MemberNotice>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_notices(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<Rows<MemberNotice>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?.member;
    let mut db = app.installation.store.read();
    let keys = wallets::keys(&mut db, caller.workspace).await?;
    let found = notices::of_member(&mut db, caller.workspace, member, NOTICES_MAX).await?;
    let guards = jurisdictions::guards_of(&mut db, caller.workspace, &[member]).await?;
    let row = |it: NoticeRow| {
        let guard = guards.get(&(member, WalletId(it.wallet)));
        let (from, until) = guard.and_then(|guard| guard.window(it.expires_at)).unzip();
        MemberNotice {
            wallet: keys.get(&WalletId(it.wallet)).cloned(),
            expires_at: time(it.expires_at),
            points: it.points,
            noticed_at: time(it.noticed_at),
            counts_from: optional_time(from),
            counts_until: optional_time(until),
            proof: it.proof,
            proved_at: optional_time(it.proved_at),
        }
    };
    Ok(Json(Rows { rows: found.into_iter().map(row).collect() }))
}
