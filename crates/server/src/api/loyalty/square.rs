//! `/square/v2/loyalty`: a face that clients of Square's loyalty API know, in front of the same programme, ledger and rewards.
//!
//! Always holds: an API key with the permission of each route, noted in the audit log like the API's own routes; every answer that is no success has Square's
//! shape of errors; what cannot be said in Square's words is refused, never done halfway.
//!
//! Does not: keep anything of its own. An account is a member, a reward tier a reward, a reward a redemption, an event what the ledger and redemptions say.

mod accounts;
mod events;
mod failure;
mod points;
mod programs;
mod rewards;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use rapport_domain::{Purpose, WorkspaceId};
use rapport_loyalty::ledger::{MemberId, WalletId};
use rapport_loyalty::program::WalletPlan;
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::wallets;
use serde::Deserialize;
use serde_json::{Value, json};

use self::failure::Failure;
use super::redemptions::Present;
use crate::app::App;
use crate::auth::caller::Actor;
use crate::auth::guard;
use crate::auth::{Caller, Scope};
use crate::http::extract::Json;
use crate::http::paging::{read_cursor, write_cursor};
use crate::http::route::handler;

/// The programme's id here: there is one a workspace, and Square's clients know it by this word.
const PROGRAM: &str = "main";
/// What ids of the ledger and of redemptions begin with that come in here.
pub(super) const OWN_IDS: &str = "square:";
/// The longest id or key that somebody sends.
const KEY_MAX: usize = 128;

type Answer = Result<Json<Value>, Failure>;
type Sent<T> = Result<Json<T>, crate::problem::Problem>;

/// The routes of this part.
pub fn router(app: &App) -> Router<App> {
    let face = Router::new()
        .route("/loyalty/accounts", post(handler(accounts::create)))
        .route("/loyalty/accounts/search", post(handler(accounts::search)))
        .route("/loyalty/accounts/{id}", get(handler(accounts::retrieve)))
        .route("/loyalty/accounts/{id}/accumulate", post(handler(points::accumulate)))
        .route("/loyalty/accounts/{id}/adjust", post(handler(points::adjust)))
        .route("/loyalty/events/search", post(handler(events::search)))
        .route("/loyalty/programs", get(handler(programs::list)))
        .route("/loyalty/programs/{id}", get(handler(programs::retrieve)))
        .route("/loyalty/programs/{id}/calculate", post(handler(programs::calculate)))
        .route("/loyalty/programs/{id}/promotions", get(handler(programs::promotions)).post(handler(unsupported)))
        .route("/loyalty/programs/{id}/promotions/{promotion}", get(handler(programs::promotion)))
        .route("/loyalty/programs/{id}/promotions/{promotion}/cancel", post(handler(unsupported)))
        .route("/loyalty/rewards", post(handler(rewards::create)))
        .route("/loyalty/rewards/search", post(handler(rewards::search)))
        .route("/loyalty/rewards/{id}", get(handler(rewards::retrieve)).delete(handler(rewards::delete)))
        .route("/loyalty/rewards/{id}/redeem", post(handler(rewards::redeem)))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), admit));
    Router::new().nest("/square/v2", face)
}

/// Lets a program with an API key through, and notes what it did.
async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let Some(key) = guard::bearer(&head.headers) else {
        let text = "There is no API key in this request: send it as `Authorization: Bearer`.";
        return Failure::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", text).into_response();
    };
    let row = match guard::api_key(&app, key).await {
        Ok(row) => row,
        Err(problem) => return Failure::from(problem).into_response(),
    };
    let scopes = Scope::parse_list(&row.scopes);
    let actor = Actor::ApiKey { id: row.id, name: row.name, scopes };
    let caller = Caller { workspace: row.workspace, actor, purpose: Purpose::Service };
    let mut entry = guard::entry(&app, &caller, &head);
    // Nested routers see the rest of the address only.
    entry.action = format!("{} /square/v2{}", head.method, head.uri.path());
    head.extensions.insert(caller);
    let response = next.run(Request::from_parts(head, body)).await;
    entry.status = response.status().as_u16();
    app.audit.note(entry).await;
    response
}

async fn nothing() -> Failure {
    Failure::not_found("There is no such address here; the guide Square says which ones there are.")
}

async fn wrong_method() -> Failure {
    let text = "This address does not take this method.";
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", text)
}

async fn unsupported() -> Failure {
    let text = "Promotions are rules of the programme: they are made and ended there, not here.";
    Failure::new(StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", text)
}

/// The programme as this face shows it: its first wallet.
struct Face {
    present: Present,
    wallet: WalletId,
}

impl Face {
    async fn read(app: &App, workspace: WorkspaceId) -> Result<Self, Failure> {
        let present = Present::read(app, workspace).await?;
        let key = &plan_of(&present)?.key;
        let numbers = wallets::numbers(&mut app.installation.store.read(), workspace).await?;
        let wallet = *numbers.get(key).ok_or_else(no_wallet)?;
        Ok(Self { present, wallet })
    }

    fn plan(&self) -> Result<&WalletPlan, Failure> {
        plan_of(&self.present)
    }
}

fn plan_of(present: &Present) -> Result<&WalletPlan, Failure> {
    present.program()?.wallet_meant(None).ok_or_else(no_wallet)
}

fn no_wallet() -> Failure {
    Failure::not_found("The programme has no wallet yet.")
}

/// Refuses the id of another programme.
fn program(id: &str) -> Result<(), Failure> {
    if id == PROGRAM { Ok(()) } else { Err(Failure::not_found("There is one programme: `main`.")) }
}

/// The member of an account's id, as they go on.
async fn account(app: &App, workspace: WorkspaceId, id: &str) -> Result<Member, Failure> {
    let unknown = || Failure::not_found("There is no such loyalty account.");
    let number: MemberId = id.parse().map(MemberId).map_err(|_| unknown())?;
    let mut db = app.installation.store.read();
    members::find(&mut db, workspace, number).await?.ok_or_else(unknown)
}

/// An id of a request as it goes to the ledger or to redemptions.
fn own_id(key: &str) -> Result<String, Failure> {
    text("idempotency_key", key)?;
    Ok(format!("{OWN_IDS}{key}"))
}

/// Refuses what is empty, too long or not to be shown.
fn text(field: &str, text: &str) -> Result<(), Failure> {
    match text {
        "" => Err(Failure::missing(field)),
        _ if text.len() > KEY_MAX || text.chars().any(char::is_control) => {
            Err(Failure::value(field, format_args!("at most {KEY_MAX} bytes on one line")))
        }
        _ => Ok(()),
    }
}

/// A field that there must be.
fn given<T>(field: &str, value: Option<T>) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::missing(field))
}

/// Which page of a search.
#[derive(Debug, Default, Deserialize)]
struct Paged {
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<i64>,
}

impl Paged {
    fn limit(&self, most: u32) -> Result<u32, Failure> {
        let limit = self.limit.unwrap_or(30);
        u32::try_from(limit)
            .ok()
            .filter(|limit| (1..=most).contains(limit))
            .ok_or_else(|| Failure::value("limit", format_args!("1 to {most}")))
    }

    fn position<T: serde::de::DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        let cursor = self.cursor.as_deref().filter(|cursor| !cursor.is_empty());
        Ok(cursor.map(read_cursor).transpose()?)
    }
}

/// Cuts a list that was asked for with one row more; the cursor of the next page.
fn cut<T, P: serde::Serialize>(rows: &mut Vec<T>, limit: u32, position: impl Fn(&T) -> P) -> Option<String> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    rows.last().filter(|_| more).map(|row| write_cursor(&position(row)))
}

/// An answer with a list, and a cursor where there is more; an empty list is left out, as Square does.
fn page(name: &str, rows: Vec<Value>, cursor: Option<String>) -> Json<Value> {
    let mut answer = json!({});
    if !rows.is_empty() {
        answer[name] = Value::from(rows);
    }
    if let Some(cursor) = cursor {
        answer["cursor"] = Value::from(cursor);
    }
    Json(answer)
}
