//! The points ledger: what is posted, once each.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::{self, Act, Command, Portion, Refusal, Shortage, Source};
use rapport_loyalty::program::{Program, WalletPlan};
use rapport_loyalty::records::{by_hand, wallets};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::members::number;
use super::{alone, missing, own_ids};
use crate::api::members::instant_of;
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(post_points))
}

/// Operations linked at once.
const MOST: usize = 100;
/// What is to be done. Times are RFC 3339.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum PointsAct {
    /// Gives points.
    Earn {
        amount: i64,
        /// When they were earned, if it is known only now.
        #[serde(default)]
        earned_at: Option<String>,
        /// Until when they are pending: a time, or `now`; as the wallet says, unless said.
        #[serde(default)]
        active_from: Option<String>,
        /// When they lapse: a time, or `never`; as the wallet says, unless said.
        #[serde(default)]
        expires_at: Option<String>,
    },
    /// Takes points for good.
    Spend { amount: i64 },
    /// Sets points aside until a time, at which they come back by themselves.
    Hold { amount: i64, until: String },
    /// Takes points that were set aside; the rest comes back.
    Capture {
        /// The id of the hold.
        hold: String,
        /// All of them, unless said.
        #[serde(default)]
        amount: Option<i64>,
    },
    /// Gives back what was set aside.
    Release {
        /// The id of the hold.
        hold: String,
    },
    /// Puts a balance right, up or down.
    Adjust {
        /// Above 0 they are given, below 0 taken.
        amount: i64,
        /// When given ones lapse: a time, or `never`; as the wallet says, unless said.
        #[serde(default)]
        expires_at: Option<String>,
        /// Whether more may be taken than there is, so that the member owes the rest.
        #[serde(default)]
        into_arrears: bool,
    },
    /// Gives points to another member. They lapse when they would have lapsed anyway, unless said.
    Transfer {
        to_member_id: String,
        amount: i64,
        /// When they lapse there: a time, or `never`.
        #[serde(default)]
        expires_at: Option<String>,
    },
    /// Undoes an earlier operation: what is left of it, so many points, or as much as belongs to the refunded part of an order.
    Reverse {
        /// Its id.
        of: String,
        #[serde(default)]
        amount: Option<i64>,
        /// What was refunded of the order so far, in any unit.
        #[serde(default)]
        refunded: Option<i64>,
        /// What the order came to, in the same unit.
        #[serde(default)]
        total: Option<i64>,
        /// `pending_only`, `within_balance` or `into_arrears`: as the wallet says, unless said.
        #[serde(default)]
        shortage: Option<String>,
        /// Until when points may be spent whose lot has lapsed meanwhile; without it they lapse at once.
        #[serde(default)]
        grace_until: Option<String>,
    },
    /// Lets every lot that would lapse earlier last until then.
    Extend { expires_at: String },
    /// Closes the account: holds come back, points lapse, debts are written off.
    Forfeit {},
}

/// An operation to be posted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsCommand {
    /// Your own name for it, up to 255 bytes and without personal data: sent again with the same content it is answered the same, for ever, and done once. The header
    /// `Idempotency-Key` stands in for it where there is one operation.
    #[serde(default)]
    id: Option<String>,
    member_id: String,
    /// The wallet's key; the programme's first, unless said.
    #[serde(default)]
    wallet: Option<String>,
    act: PointsAct,
    /// What caused it: `order`, `reward`, `staff` ...
    #[serde(default)]
    source_kind: String,
    /// Which one.
    #[serde(default)]
    source_reference: String,
    /// Why, in a few words and without personal data.
    #[serde(default)]
    reason: String,
}

/// Operations to be posted: all or none of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsBody {
    operations: Vec<PointsCommand>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsDone {
    id: String,
    /// Its number in the ledger.
    operation: Option<i64>,
    /// How many points were moved.
    amount: i64,
    /// How many could not be taken back, and are forgiven.
    short: i64,
    /// The account after it.
    pending: i64,
    available: i64,
    held: i64,
    owed: i64,
    recorded_at: String,
    /// Whether it is the answer to the same that was sent before.
    replayed: bool,
}

/// Posts operations to the points ledger, all or none of them; it answers when they are on the disk. An id answers for ever: sent again, the same is answered and
/// nothing is done twice; what was refused stays refused, so that no retry succeeds a day later. Users are refused a list that moves more points of a wallet than their role may change alone.
#[utoipa::path(post, path = "/api/v1/loyalty/operations", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "post_points", request_body = PointsBody, responses((status = 200, body = Rows<PointsDone>), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn post_points(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body): Json<PointsBody>,
) -> Result<Json<Rows<PointsDone>>, Problem> {
    caller.require(Permission::PostPoints)?;
    if body.operations.is_empty() || body.operations.len() > MOST {
        return Err(Problem::invalid("operations", format_args!("has 1 to {MOST}")));
    }
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).filter(|key| !key.is_empty());
    if key.is_some() && body.operations.len() > 1 {
        return Err(Problem::invalid("operations", "have an `id` each where there are several; leave the header out"));
    }
    let installation = &app.installation;
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, caller.workspace).await?;
    let program = &programs.latest().ok_or_else(missing)?.program;
    let numbers = wallets::numbers(&mut db, caller.workspace).await?;
    let reader = Reader { program, by: caller.id().as_str(), now: app.now(), key };
    let mut commands = Vec::new();
    for (at, operation) in body.operations.into_iter().enumerate() {
        let unknown = || refused(at, Refusal::WalletUnknown);
        let plan = program.wallet_meant(operation.wallet.as_deref()).ok_or_else(unknown)?;
        let wallet = *numbers.get(&plan.key).ok_or_else(unknown)?;
        commands.push(reader.command(at, operation, (plan, wallet))?);
    }
    if alone::is_limited(&caller, program) {
        let touched = by_hand::touched(&mut db, caller.workspace, &commands, app.now()).await?;
        let keys = wallets::keys(&mut db, caller.workspace).await?;
        alone::check_each(&caller, program, &keys, &touched)?;
    }
    let ids: Vec<String> = commands.iter().map(|command| command.id.clone()).collect();
    let answers = installation.points.post_all(caller.workspace, commands).await?;
    let refusals = answers.iter().enumerate().filter_map(|(at, answer)| Some((at, answer.refused?)));
    // The others of a list say only that they are linked to it.
    let first = refusals.min_by_key(|(_, refusal)| *refusal == Refusal::LinkedRefused);
    if let Some((at, refusal)) = first {
        return Err(refused(at, refusal));
    }
    let row = |(id, answer): (String, ledger::Answer)| PointsDone {
        id,
        operation: answer.operation,
        amount: answer.amount,
        short: answer.short,
        pending: answer.after.pending,
        available: answer.after.available,
        held: answer.after.held,
        owed: answer.after.owed,
        recorded_at: time(answer.recorded_at),
        replayed: answer.replayed,
    };
    Ok(Json(Rows { rows: ids.into_iter().zip(answers).map(row).collect() }))
}

/// A refusal of the ledger, with its code and which operation it is of.
fn refused(at: usize, refusal: Refusal) -> Problem {
    let status = match refusal {
        _ if !refusal.uses_up_the_id() && refusal != Refusal::IdReused => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::MemberUnknown | Refusal::HoldUnknown | Refusal::OperationUnknown => StatusCode::NOT_FOUND,
        Refusal::InTheFuture | Refusal::EndsTooEarly => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    };
    let text = format!("operations[{at}]: {refusal}.");
    Problem::new(status, refusal.code(), text, "Nothing was posted; the guide Loyalty says what each refusal means.")
}

/// Reads operations.
struct Reader<'a> {
    program: &'a Program,
    by: &'a str,
    now: Timestamp,
    key: Option<&'a str>,
}

impl Reader<'_> {
    fn command(
        &self,
        at: usize,
        it: PointsCommand,
        (plan, wallet): (&WalletPlan, ledger::WalletId),
    ) -> Result<Command, Problem> {
        let id = match (it.id, self.key) {
            (Some(id), Some(key)) if id != key => {
                return Err(Problem::invalid("operations[0].id", "is another one than in `Idempotency-Key`"));
            }
            (Some(id), _) => id,
            (None, key) => key.unwrap_or_default().to_owned(),
        };
        own_ids::refuse(&format!("operations[{at}].id"), &id, own_ids::OPERATIONS)?;
        let words = (&it.member_id, &it.wallet, &it.act, &it.source_kind, &it.source_reference, &it.reason);
        let asked = serde_json::to_vec(&words).map_err(Problem::internal)?;
        let member = number(&it.member_id).map_err(|_| refused(at, Refusal::MemberUnknown))?;
        let act = self.act(at, it.act, plan)?;
        let source = Source {
            kind: it.source_kind,
            reference: it.source_reference,
            by: self.by.to_owned(),
            reason: it.reason,
            asked: blake3::hash(&asked).as_bytes().first_chunk().copied(),
        };
        Ok(Command { id, member, wallet, act, source })
    }

    fn act(&self, at: usize, act: PointsAct, plan: &WalletPlan) -> Result<Act, Problem> {
        let field = |name: &str| format!("operations[{at}].act.{name}");
        let when = |name: &str, text: &str| instant_of(&field(name), text);
        let optional = |name: &str, text: Option<String>| text.map(|text| when(name, &text)).transpose();
        let zone = self.program.calendar()?.zone;
        let end = |text: Option<String>, earned: Timestamp| match text.as_deref() {
            None => Ok(plan.expiry.end(earned, &zone)),
            Some("never") => Ok(None),
            Some(text) => when("expires_at", text).map(Some),
        };
        Ok(match act {
            PointsAct::Earn { amount, earned_at, active_from, expires_at } => {
                let earned_at = optional("earned_at", earned_at)?;
                let earned = earned_at.unwrap_or(self.now);
                let active_from = match active_from.as_deref() {
                    None => plan.pending.end(earned, &zone),
                    Some("now") => None,
                    Some(text) => Some(when("active_from", text)?),
                };
                Act::Earn { amount, earned_at, active_from, expires_at: end(expires_at, earned)? }
            }
            PointsAct::Spend { amount } => Act::Spend { amount },
            PointsAct::Hold { amount, until } => Act::Hold { amount, until: when("until", &until)? },
            PointsAct::Capture { hold, amount } => Act::Capture { hold, amount },
            PointsAct::Release { hold } => Act::Release { hold },
            PointsAct::Adjust { amount, expires_at, into_arrears } => {
                let expires_at = if amount > 0 { end(expires_at, self.now)? } else { None };
                Act::Adjust { amount, expires_at, into_arrears }
            }
            PointsAct::Transfer { to_member_id, amount, expires_at } => {
                let to = number(&to_member_id).map_err(|_| refused(at, Refusal::MemberUnknown))?;
                let expiry = match expires_at {
                    None => ledger::Expiry::Keep,
                    text => ledger::Expiry::Reset { expires_at: end(text, self.now)? },
                };
                Act::Transfer { to, amount, expiry }
            }
            PointsAct::Reverse { of, amount, refunded, total, shortage, grace_until } => {
                let portion = match (amount, refunded, total) {
                    (None, None, None) => Portion::Rest,
                    (Some(amount), None, None) => Portion::Points { amount },
                    (None, Some(refunded), Some(total)) => Portion::Refunded { refunded, total },
                    _ => {
                        let why = "give `amount`, or `refunded` with `total`, or none of them for what is left";
                        return Err(Problem::invalid(&field("amount"), why));
                    }
                };
                let shortage = match shortage.as_deref() {
                    None => plan.clawback,
                    Some("pending_only") => Shortage::PendingOnly,
                    Some("within_balance") => Shortage::WithinBalance,
                    Some("into_arrears") => Shortage::IntoArrears,
                    Some(_) => {
                        let why = "is one of pending_only, within_balance, into_arrears";
                        return Err(Problem::invalid(&field("shortage"), why));
                    }
                };
                Act::Reverse { of, portion, shortage, grace_until: optional("grace_until", grace_until)? }
            }
            PointsAct::Extend { expires_at } => Act::Extend { expires_at: when("expires_at", &expires_at)? },
            PointsAct::Forfeit {} => Act::Forfeit {},
        })
    }
}
