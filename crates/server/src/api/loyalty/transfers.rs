//! Points that members send each other, by number or as a gift by code.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_loyalty::ledger::{MemberId, Shortage};
use rapport_loyalty::records::transfers::{self, Asked, Desk, Filter, Transfer};
use rapport_loyalty::records::{members, tries};
use rapport_loyalty::transfers::Refusal;
use rapport_store::{Priority, Queries, Tx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::{find, names_of, number};
use super::own_ids;
use super::redemptions::{Present, short};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission, Role};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery};
use crate::points::gifts;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_transfers, make_loyalty_transfer))
        .routes(routes!(claim_loyalty_gift))
        .routes(routes!(loyalty_transfer))
        .routes(routes!(cancel_loyalty_gift))
        .routes(routes!(reverse_loyalty_transfer))
        .routes(routes!(member_transfers))
}

/// Points that a member sent another.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyTransfer {
    transfer_id: String,
    /// The id that whoever asked gave it.
    id: String,
    /// Who sends.
    member_id: String,
    /// In lists: what whoever sends is called; null when they were forgotten.
    member_name: Option<String>,
    /// Who gets it; of a gift only once it is claimed.
    to_member_id: Option<String>,
    /// In lists: what whoever gets it is called.
    to_member_name: Option<String>,
    /// Whether it is a gift by code.
    is_gift: bool,
    wallet: String,
    /// How many were meant.
    points: i64,
    /// How many arrived: fewer where some lapsed before a gift was claimed.
    arrived: i64,
    /// How many of these went back, once it was undone.
    returned: i64,
    /// `open`: a gift that nobody claimed yet; `done`, `claimed`, `cancelled`, `timed_out`, `reversed`, `refused`.
    state: String,
    /// Why it was refused.
    refused: Option<String>,
    made_at: String,
    /// Until before when a gift can be claimed.
    due_at: Option<String>,
    settled_at: Option<String>,
    /// The ledger's operation by which the points arrived.
    operation_id: Option<String>,
    reason: String,
    made_by: String,
    /// A gift's code, for whoever makes it: it is answered here only, and only a digest of it is kept.
    code: Option<String>,
}

impl From<Transfer> for LoyaltyTransfer {
    fn from(row: Transfer) -> Self {
        Self {
            transfer_id: row.transfer,
            id: row.id,
            member_id: row.sender.to_string(),
            member_name: None,
            to_member_id: row.receiver.map(|it| it.to_string()),
            to_member_name: None,
            is_gift: row.is_gift,
            wallet: row.wallet,
            points: row.points,
            arrived: row.arrived,
            returned: row.returned,
            state: row.state,
            refused: row.refused,
            made_at: time(row.made_at),
            due_at: optional_time(row.due_at),
            settled_at: optional_time(row.settled_at),
            operation_id: Some(row.operation).filter(|id| !id.is_empty()),
            reason: row.reason,
            made_by: row.made_by,
            code: None,
        }
    }
}

/// A refusal with its code and status.
fn refused(refusal: Refusal) -> Problem {
    let status = match refusal {
        Refusal::MemberUnknown | Refusal::ReceiverUnknown | Refusal::Unknown | Refusal::CodeUnknown => {
            StatusCode::NOT_FOUND
        }
        Refusal::CodeMistyped | Refusal::BelowLeast | Refusal::AboveMost => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Ledger(it) if !it.uses_up_the_id() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    };
    Problem::new(
        status,
        refusal.code(),
        super::sentence(refusal),
        "Nothing was done; the guide Transfers says what each refusal means.",
    )
}

/// Does something at the desk, and commits what came of it, refusals included; with the key of codes. What is not `kept` is called off before it is written: it says what would come of it.
pub(crate) async fn settled(
    app: &App,
    workspace: WorkspaceId,
    kept: bool,
    act: impl AsyncFnOnce(&mut Tx, Desk<'_>) -> transfers::Outcome,
) -> Result<(Result<Transfer, Refusal>, [u8; 32]), Problem> {
    let present = Present::read(app, workspace).await?;
    let scene = present.scene(app, workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let key = gifts::key(&app.installation, &mut tx, workspace).await?;
    let outcome = act(&mut tx, Desk { scene, key: &key }).await?;
    if kept {
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    Ok((outcome, key))
}

/// Points to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyTransferBody {
    /// Your own name for it, up to 255 bytes and without personal data: the same again is answered the same, for ever, and done once.
    id: String,
    /// Who sends.
    member_id: String,
    /// To whom. Without it, it is a gift: whoever has the code that is answered can claim it.
    #[serde(default)]
    to_member_id: Option<String>,
    /// The first that points may be sent from, unless said.
    #[serde(default)]
    wallet: Option<String>,
    points: i64,
    /// A few words of whoever sends; they can see it.
    #[serde(default)]
    reason: String,
}

/// Sends points of a member to another, or sets them aside as a gift with a code, whole or not at all, within what the programme allows. An id answers for ever, also one that was refused.
#[utoipa::path(post, path = "/api/v1/loyalty/transfers", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "make_loyalty_transfer", request_body = LoyaltyTransferBody, responses((status = 200, body = LoyaltyTransfer), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn make_loyalty_transfer(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<LoyaltyTransferBody>,
) -> Result<Json<LoyaltyTransfer>, Problem> {
    caller.require(Permission::ServeMembers)?;
    own_ids::refuse("id", &body.id, own_ids::REQUESTS)?;
    let receiver = body.to_member_id.as_deref().map(number).transpose();
    let asked = Asked {
        id: &body.id,
        sender: number(&body.member_id).map_err(|_| refused(Refusal::MemberUnknown))?,
        receiver: receiver.map_err(|_| refused(Refusal::ReceiverUnknown))?,
        wallet: body.wallet.as_deref(),
        points: body.points,
        by: caller.id().as_str(),
        reason: &body.reason,
    };
    let (outcome, key) =
        settled(&app, caller.workspace, true, async |tx, desk| transfers::make(tx, desk, asked).await).await?;
    let row = outcome.map_err(refused)?;
    let code = (row.state == "open").then(|| row.code(&key));
    Ok(Json(LoyaltyTransfer { code, ..row.into() }))
}

/// A gift to claim.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimGiftBody {
    code: String,
    /// Who claims it.
    member_id: String,
}

/// Gives a gift to the member who has its code, once. Wrong codes are counted for each member and each caller; after too many nobody tries another for a while.
#[utoipa::path(post, path = "/api/v1/loyalty/transfers/claim", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "claim_loyalty_gift", request_body = ClaimGiftBody, responses((status = 200, body = LoyaltyTransfer), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody), (status = 429, body = crate::problem::ProblemBody)))]
pub async fn claim_loyalty_gift(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ClaimGiftBody>,
) -> Result<Json<LoyaltyTransfer>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let unknown = || refused(Refusal::ReceiverUnknown);
    let claimant = number(&body.member_id).map_err(|_| unknown())?;
    let found = members::find(&mut app.installation.store.read(), caller.workspace, claimant).await?;
    let claimant = found.ok_or_else(unknown)?.member;
    let by = (caller.workspace, caller.id().as_str());
    let outcome = claimed(&app, by, (&body.code, claimant), true).await?;
    Ok(Json(outcome.map_err(refused)?.into()))
}

/// Gives a gift to a member, or looks what would come of it if it is not `kept`; a wrong code is counted in either case.
///
/// # Errors
/// The store's, or that too many wrong codes were tried.
pub(crate) async fn claimed(
    app: &App,
    (workspace, by): (WorkspaceId, &str),
    (code, claimant): (&str, MemberId),
    kept: bool,
) -> Result<Result<Transfer, Refusal>, Problem> {
    let place = may_try(app, (workspace, by), claimant).await?;
    let claim = async |tx: &mut Tx, desk: Desk<'_>| transfers::claim(tx, desk, code, claimant).await;
    let (outcome, _) = settled(app, workspace, kept, claim).await?;
    if outcome.as_ref().is_err_and(|refusal| refusal.is_a_guess()) {
        let mut tx = app.installation.store.begin(Priority::Interactive).await?;
        tries::note(&mut tx, workspace, by, &place, app.now()).await?;
        tx.commit().await?;
    }
    Ok(outcome)
}

/// Where a member's tries are counted, unless they tried too many wrong codes; it does not say who they are.
pub(super) async fn may_try(
    app: &App,
    (workspace, by): (WorkspaceId, &str),
    claimant: MemberId,
) -> Result<String, Problem> {
    let now = app.now();
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let key = gifts::key(&app.installation, &mut tx, workspace).await?;
    tx.commit().await?;
    let who = blake3::keyed_hash(&key, format!("who tries {}", claimant.0).as_bytes());
    let place = format!("gifts {}", &who.to_hex()[..16]);
    let mut db = app.installation.store.read();
    let closed = tries::closed_until(&mut db, workspace, by, &place, now).await?;
    let Some(until) = closed else { return Ok(place) };
    let seconds = u32::try_from((until.0 - now.0) / Timestamp::SECOND + 1).unwrap_or(600);
    let text = "Too many wrong codes were tried here.";
    Err(Problem::later(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", text, seconds))
}

/// A gift to call off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelGiftBody {
    /// The member who asks, if one does: a gift of somebody else is unknown to them.
    #[serde(default)]
    member_id: Option<String>,
    #[serde(default)]
    reason: String,
}

/// Calls a gift off that nobody has claimed: its points go back into the lots that they came from, and what lapsed meanwhile lapses.
#[utoipa::path(post, path = "/api/v1/loyalty/transfers/{transfer_id}/cancelled", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "cancel_loyalty_gift", params(("transfer_id" = String, Path)), request_body = CancelGiftBody, responses((status = 200, body = LoyaltyTransfer), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn cancel_loyalty_gift(
    State(app): State<App>,
    caller: Caller,
    Path(transfer_id): Path<String>,
    Json(body): Json<CancelGiftBody>,
) -> Result<Json<LoyaltyTransfer>, Problem> {
    caller.require(Permission::ServeMembers)?;
    short("reason", &body.reason)?;
    let by = body.member_id.as_deref().map(number).transpose().map_err(|_| refused(Refusal::Unknown))?;
    let cancel = async |tx: &mut Tx, desk: Desk<'_>| transfers::cancel(tx, desk, &transfer_id, by, &body.reason).await;
    let (outcome, _) = settled(&app, caller.workspace, true, cancel).await?;
    Ok(Json(outcome.map_err(refused)?.into()))
}

/// A transfer to undo.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseTransferBody {
    /// Why; whoever sent it can see it.
    reason: String,
    /// What is done where the points were spent: `within_balance`, unless said, takes what is there; `into_arrears` lets the member owe the rest.
    #[serde(default)]
    shortage: Option<String>,
}

fn shortage(text: Option<&str>) -> Result<Shortage, Problem> {
    match text {
        None | Some("within_balance") => Ok(Shortage::WithinBalance),
        Some("into_arrears") => Ok(Shortage::IntoArrears),
        Some(_) => Err(Problem::invalid("shortage", "is `within_balance` or `into_arrears`")),
    }
}

/// Undoes a transfer that was a mistake: its points go back into the lots that they came from. Users undo none of more points than their role may change alone.
#[utoipa::path(post, path = "/api/v1/loyalty/transfers/{transfer_id}/reversed", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "reverse_loyalty_transfer", params(("transfer_id" = String, Path)), request_body = ReverseTransferBody, responses((status = 200, body = LoyaltyTransfer), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn reverse_loyalty_transfer(
    State(app): State<App>,
    caller: Caller,
    Path(transfer_id): Path<String>,
    Json(body): Json<ReverseTransferBody>,
) -> Result<Json<LoyaltyTransfer>, Problem> {
    caller.require(Permission::PostPoints)?;
    short("reason", &body.reason)?;
    if body.reason.trim().is_empty() {
        return Err(Problem::invalid("reason", "says why it is undone"));
    }
    let shortage = shortage(body.shortage.as_deref())?;
    let why = (body.reason.as_str(), caller.role().map(Role::as_str));
    let reverse = async |tx: &mut Tx, desk: Desk<'_>| transfers::reverse(tx, desk, &transfer_id, shortage, why).await;
    let (outcome, _) = settled(&app, caller.workspace, true, reverse).await?;
    Ok(Json(outcome.map_err(refused)?.into()))
}

/// Which transfers.
#[derive(Debug, Deserialize, IntoParams)]
pub struct TransfersQuery {
    /// In this state only.
    #[serde(default)]
    state: String,
}

/// Where a list of transfers goes on.
fn position(page: &PageQuery) -> Result<Option<(Timestamp, String)>, Problem> {
    let after: Option<(i64, String)> = page.position()?;
    Ok(after.map(|(at, transfer)| (Timestamp(at), transfer)))
}

/// A page of transfers, with what both are called.
async fn cut(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    rows: Vec<Transfer>,
    page: &PageQuery,
) -> Result<Page<LoyaltyTransfer>, Problem> {
    let page = Page::cut(rows, page.limit(), |row| (row.made_at.0, row.transfer.clone()));
    let numbers = page.rows.iter().flat_map(|row| [Some(row.sender), row.receiver]).flatten().map(MemberId);
    let names = names_of(db, workspace, &numbers.collect::<Vec<_>>()).await?;
    Ok(page.map(|row| LoyaltyTransfer {
        member_name: names.get(&row.sender).cloned(),
        to_member_name: row.receiver.and_then(|it| names.get(&it).cloned()),
        ..row.into()
    }))
}

/// Lists what members sent each other, the newest first.
#[utoipa::path(get, path = "/api/v1/loyalty/transfers", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_transfers", params(TransfersQuery, PageQuery), responses((status = 200, body = Page<LoyaltyTransfer>)))]
pub async fn loyalty_transfers(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TransfersQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LoyaltyTransfer>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let filter = Filter { state: &query.state };
    let rows = transfers::list(&mut db, caller.workspace, filter, position(&page)?, page.limit() + 1).await?;
    Ok(Json(cut(&mut db, caller.workspace, rows, &page).await?))
}

/// Reads a transfer.
#[utoipa::path(get, path = "/api/v1/loyalty/transfers/{transfer_id}", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_transfer", params(("transfer_id" = String, Path)), responses((status = 200, body = LoyaltyTransfer), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_transfer(
    State(app): State<App>,
    caller: Caller,
    Path(transfer_id): Path<String>,
) -> Result<Json<LoyaltyTransfer>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = transfers::find(&mut app.installation.store.read(), caller.workspace, &transfer_id).await?;
    row.map(|row| Json(row.into())).ok_or_else(|| refused(Refusal::Unknown))
}

/// Lists what a member sent and got, the newest first.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/transfers", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_transfers", params(("member_id" = String, Path), PageQuery), responses((status = 200, body = Page<LoyaltyTransfer>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_transfers(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LoyaltyTransfer>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?.member;
    let mut db = app.installation.store.read();
    let limit = page.limit() + 1;
    let rows = transfers::of_members(&mut db, caller.workspace, &[member], position(&page)?, limit).await?;
    Ok(Json(cut(&mut db, caller.workspace, rows, &page).await?))
}
