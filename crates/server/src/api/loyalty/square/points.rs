//! Points: given for an order that rules looked at, given outright, put right.

use std::time::Duration;

use axum::extract::State;
use rapport_loyalty::earning::Award;
use rapport_loyalty::ledger::{Act, Command, Source};
use rapport_loyalty::records::members::Member;
use rapport_loyalty::records::{awards, happenings};
use rapport_profiles::records::orders;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Answer, Face, Sent, account, events, given, own_id, text};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::problem::Problem;

/// What the ledger calls what comes in here; the location is what it came from.
pub const SOURCE: &str = "square";
/// So long rules are waited for that look at an order at this moment.
const WAIT: Duration = Duration::from_millis(50);
const WAITS: usize = 20;

#[derive(Debug, Deserialize)]
struct Accumulated {
    #[serde(default)]
    points: Option<i64>,
    #[serde(default)]
    order_id: Option<String>,
}

/// Points for a purchase.
#[derive(Debug, Deserialize)]
pub struct AccumulateBody {
    #[serde(default)]
    accumulate_points: Option<Accumulated>,
    #[serde(default)]
    idempotency_key: Option<String>,
    #[serde(default)]
    location_id: Option<String>,
}

/// Gives points outright, or says what the programme's rules gave for an order.
pub async fn accumulate(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Sent<AccumulateBody>,
) -> Answer {
    caller.require(Permission::PostPoints)?;
    let Json(body) = body?;
    let command = own_id(body.idempotency_key.as_deref().unwrap_or_default())?;
    let location = given("location_id", body.location_id)?;
    text("location_id", &location)?;
    let what = given("accumulate_points", body.accumulate_points)?;
    let member = account(&app, caller.workspace, &id).await?;
    let face = Face::read(&app, caller.workspace).await?;
    let points = match (what.points, what.order_id) {
        (Some(_), Some(_)) => {
            let text = "accumulate_points: say the points or the order_id, not both.";
            return Err(Failure::conflicting("accumulate_points", text));
        }
        (None, None) => return Err(Failure::missing("accumulate_points.order_id")),
        (None, Some(order)) => return of_order(&app, &caller, (&face, &member), &order).await,
        (Some(points), None) => points,
    };
    if points < 1 {
        return Err(Failure::value("accumulate_points.points", "above 0; to take points, adjust"));
    }
    let plan = face.plan()?;
    let zone = &face.present.calendar.zone;
    let now = app.now();
    let (active_from, expires_at) = (plan.pending.end(now, zone), plan.expiry.end(now, zone));
    let act = Act::Earn { amount: points, earned_at: None, active_from, expires_at };
    let asked = json!(["accumulate", member.member.0, points, location]);
    let source = source(&caller, location, String::new(), &asked);
    let event =
        post(&app, &caller, Command { id: command, member: member.member, wallet: face.wallet, act, source }).await?;
    Ok(Json(json!({"events": [event]})))
}

/// What rules gave for an order that was told.
async fn of_order(app: &App, caller: &Caller, (face, member): (&Face, &Member), order: &str) -> Answer {
    text("accumulate_points.order_id", order)?;
    let ids = [order.to_owned()];
    let mut db = app.installation.store.read();
    let buyers = orders::owners(&mut db, caller.workspace, &ids).await?;
    if buyers.is_empty() {
        let text = format!(
            "The order {order} is not known: tell `Order Completed` first, then the rules of the programme look at it."
        );
        return Err(Failure::not_found(text));
    }
    if member.person.is_none_or(|person| !buyers.contains(&person)) {
        return Err(Failure::refused("accumulate_points.order_id: this order is another customer's."));
    }
    let given = awarded(app, caller, order).await?;
    let wallet = &face.plan()?.key;
    let own = given.iter().filter(|it| it.member == member.member && it.wallet == *wallet && it.left() > 0);
    let commands: Vec<String> = own.map(Award::command).collect();
    let done = happenings::done(&mut db, caller.workspace, &commands).await?;
    let events: Vec<Value> = done.iter().map(|it| events::moved(it, &[member.member], member.member)).collect();
    Ok(Json(json!({"events": events})))
}

/// What rules gave for an order, waiting a moment for those that look at it just now.
pub async fn awarded(app: &App, caller: &Caller, order: &str) -> Result<Vec<Award>, Failure> {
    let occasion = [format!("order:{order}")];
    for _ in 0..WAITS {
        let found = awards::latest(&mut app.installation.store.read(), caller.workspace, &occasion).await?;
        if !found.is_empty() {
            return Ok(found);
        }
        tokio::time::sleep(WAIT).await;
    }
    Ok(Vec::new())
}

#[derive(Debug, Deserialize)]
struct Adjusted {
    #[serde(default)]
    points: Option<i64>,
    #[serde(default)]
    reason: Option<String>,
}

/// A balance to be put right.
#[derive(Debug, Deserialize)]
pub struct AdjustBody {
    #[serde(default)]
    idempotency_key: Option<String>,
    #[serde(default)]
    adjust_points: Option<Adjusted>,
    #[serde(default)]
    allow_negative_balance: Option<bool>,
}

/// Gives or takes points outside purchases.
pub async fn adjust(State(app): State<App>, caller: Caller, Path(id): Path<String>, body: Sent<AdjustBody>) -> Answer {
    caller.require(Permission::PostPoints)?;
    let Json(body) = body?;
    let command = own_id(body.idempotency_key.as_deref().unwrap_or_default())?;
    let what = given("adjust_points", body.adjust_points)?;
    let points = given("adjust_points.points", what.points)?;
    let reason = what.reason.unwrap_or_default();
    if !reason.is_empty() {
        text("adjust_points.reason", &reason)?;
    }
    let member = account(&app, caller.workspace, &id).await?;
    let face = Face::read(&app, caller.workspace).await?;
    let into_arrears = body.allow_negative_balance.unwrap_or(false);
    let ends = face.plan()?.expiry.end(app.now(), &face.present.calendar.zone);
    let act = Act::Adjust { amount: points, expires_at: ends.filter(|_| points > 0), into_arrears };
    let asked = json!(["adjust", member.member.0, points, reason, into_arrears]);
    let source = source(&caller, String::new(), reason, &asked);
    let event =
        post(&app, &caller, Command { id: command, member: member.member, wallet: face.wallet, act, source }).await?;
    Ok(Json(json!({"event": event})))
}

/// Where it comes from. When points lapse depends on the clock, so the same request is known by what was asked.
fn source(caller: &Caller, location: String, reason: String, asked: &Value) -> Source {
    Source {
        kind: SOURCE.to_owned(),
        reference: location,
        by: caller.id().as_str().to_owned(),
        reason,
        asked: blake3::hash(asked.to_string().as_bytes()).as_bytes().first_chunk().copied(),
    }
}

/// Posts a command; the event that came of it, the same of a command that was sent before.
async fn post(app: &App, caller: &Caller, command: Command) -> Result<Value, Failure> {
    let (id, member) = (command.id.clone(), command.member);
    let answer = app.installation.points.post(caller.workspace, command).await?;
    if let Some(refusal) = answer.refused {
        return Err(refusal.into());
    }
    let done = happenings::done(&mut app.installation.store.read(), caller.workspace, &[id]).await?;
    let done =
        done.first().ok_or_else(|| Failure::from(Problem::internal("an operation that was done is not there")))?;
    Ok(events::moved(done, &[member], member))
}
