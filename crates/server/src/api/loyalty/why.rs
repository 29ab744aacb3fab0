//! Why a member has what they have, or had: lot by lot, down to the operation that brought each in and all that moved in it.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::Balance;
use rapport_loyalty::records::wallets;
use rapport_loyalty::records::why::{self, LotStory, Movement, Why};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::history::PointsLot;
use super::members::find;
use super::missing;
use crate::api::members::{given, instant};
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(member_why))
}

/// Of which wallet and when.
#[derive(Debug, Deserialize, IntoParams)]
pub struct WhyQuery {
    /// The wallet's key; the programme's first, unless said.
    wallet: Option<String>,
    /// By what had taken effect then (RFC 3339); all of it, unless said.
    at: Option<String>,
    /// By what was written down then (RFC 3339); all of it, unless said.
    known_at: Option<String>,
}

/// Points that moved, and by what.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsMovement {
    /// `issued`, `pending`, `available`, `held`, `spent`, `expired`, `adjusted`, `transit` or `owed`.
    from: String,
    to: String,
    amount: i64,
    effective_at: String,
    recorded_at: String,
    /// The operation's number.
    operation: i64,
    /// Its id.
    id: String,
    /// `earn`, `spend`, `hold`, `capture`, `release`, `adjust`, `transfer`, `reverse`, `forfeit`, `merge`, `activate`, `time_out`, `expire`.
    kind: String,
    source_kind: String,
    source_reference: String,
    source_by: String,
    source_reason: String,
}

impl From<Movement> for PointsMovement {
    fn from(it: Movement) -> Self {
        Self {
            from: it.posting.from.key().to_owned(),
            to: it.posting.to.key().to_owned(),
            amount: it.posting.amount,
            effective_at: time(it.posting.effective_at),
            recorded_at: time(it.recorded_at),
            operation: it.operation,
            id: it.id,
            kind: it.kind.key().to_owned(),
            source_kind: it.source.kind,
            source_reference: it.source.reference,
            source_by: it.source.by,
            source_reason: it.source.reason,
        }
    }
}

/// A lot and what became of its points.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsLotStory {
    /// What is pending, available and held is what it was then; the end is the present one.
    #[serde(flatten)]
    lot: PointsLot,
    /// What moved, in the order in which it was written down; the first brought it in.
    movements: Vec<PointsMovement>,
}

/// Why a balance is what it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsWhy {
    wallet: String,
    /// The balance of these instants: what is left of the lots, less the debts.
    pending: i64,
    available: i64,
    held: i64,
    owed: i64,
    /// Every lot that was ever in the account, the oldest first.
    lots: Vec<PointsLotStory>,
    /// How debts came about and went, as far as no lot paid them.
    debts: Vec<PointsMovement>,
}

impl PointsWhy {
    fn of(wallet: String, Why { balance, lots, debts }: Why) -> Self {
        let Balance { pending, available, held, owed } = balance;
        let story = |LotStory { lot, movements }: LotStory| PointsLotStory {
            lot: PointsLot::of(&wallet, &lot),
            movements: movements.into_iter().map(PointsMovement::from).collect(),
        };
        let lots = lots.into_iter().map(story).collect();
        let debts = debts.into_iter().map(PointsMovement::from).collect();
        Self { pending, available, held, owed, lots, debts, wallet }
    }
}

/// Says why a member has what they have in a wallet, or had at another time, or was known to have: every lot with all that moved in it. Its sums are the balance of the same
/// instants.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/why", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_why", params(("member_id" = String, Path), WhyQuery), responses((status = 200, body = PointsWhy), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn member_why(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Query(query): Query<WhyQuery>,
) -> Result<Json<PointsWhy>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?.member;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let program = &programs.latest().ok_or_else(missing)?.program;
    let numbers = wallets::numbers(&mut db, caller.workspace).await?;
    let key = program.key_meant(given(&query.wallet));
    let wallet = *numbers.get(key).ok_or_else(|| Problem::not_found("wallet"))?;
    let end = Timestamp(i64::MAX);
    let at = instant("at", given(&query.at))?.unwrap_or(end);
    let known_at = instant("known_at", given(&query.known_at))?.unwrap_or(end);
    let why = why::why(&mut db, caller.workspace, (member, wallet), at, known_at).await?;
    Ok(Json(PointsWhy::of(key.to_owned(), why)))
}
