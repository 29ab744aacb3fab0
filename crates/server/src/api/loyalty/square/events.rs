//! Events: what came to a balance and what went, read out of the ledger and the redemptions.

use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::{Kind, MemberId, Operation};
use rapport_loyalty::records::happenings::{self, Happening, Position, Wanted};
use rapport_loyalty::records::members;
use rapport_loyalty::records::redemptions::{Redemption, Stage};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Answer, Face, PROGRAM, Paged, Sent, account, cut, page, points, rewards};
use crate::api::members::instant;
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;

/// The most events of a page.
const PAGE_MAX: u32 = 30;
/// Square's words for what can happen.
const TYPES: [&str; 8] = [
    "ACCUMULATE_POINTS",
    "ACCUMULATE_PROMOTION_POINTS",
    "ADJUST_POINTS",
    "CREATE_REWARD",
    "DELETE_REWARD",
    "EXPIRE_POINTS",
    "OTHER",
    "REDEEM_REWARD",
];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    #[serde(default)]
    loyalty_account_filter: Option<AccountFilter>,
    #[serde(default)]
    type_filter: Option<TypeFilter>,
    #[serde(default)]
    date_time_filter: Option<TimeFilter>,
    #[serde(default)]
    location_filter: Option<LocationFilter>,
    #[serde(default)]
    order_filter: Option<OrderFilter>,
}

#[derive(Debug, Deserialize)]
struct AccountFilter {
    loyalty_account_id: String,
}

#[derive(Debug, Deserialize)]
struct TypeFilter {
    types: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct TimeFilter {
    created_at: TimeRange,
}

#[derive(Debug, Deserialize)]
struct TimeRange {
    #[serde(default)]
    start_at: Option<String>,
    #[serde(default)]
    end_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct LocationFilter {
    location_ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct OrderFilter {
    order_id: String,
}

#[derive(Debug, Default, Deserialize)]
struct Query {
    #[serde(default)]
    filter: Option<Filter>,
}

/// Events that are looked for.
#[derive(Debug, Deserialize)]
pub struct SearchBody {
    #[serde(default)]
    query: Option<Query>,
    #[serde(flatten)]
    paged: Paged,
}

/// Finds events, the latest first.
pub async fn search(State(app): State<App>, caller: Caller, body: Sent<SearchBody>) -> Answer {
    caller.require(Permission::ViewPeople)?;
    let Json(SearchBody { query, paged }) = body?;
    let limit = paged.limit(PAGE_MAX)?;
    let filter = query.and_then(|query| query.filter).unwrap_or_default();
    let face = Face::read(&app, caller.workspace).await?;
    let after: Option<Position> = paged.position()?;
    let mut db = app.installation.store.read();
    let whose = match &filter.loyalty_account_filter {
        None => None,
        Some(it) => {
            let member = account(&app, caller.workspace, &it.loyalty_account_id).await?.member;
            Some((member, members::numbers(&mut db, caller.workspace, member).await?))
        }
    };
    let types = types(filter.type_filter)?;
    let has = |word: &str| types.iter().any(|it| it == word);
    let kinds: Vec<Kind> = happenings::MOVES.into_iter().filter(|kind| has(word(*kind))).collect();
    let stages: Vec<Stage> = [("REDEEM_REWARD", Stage::Had), ("DELETE_REWARD", Stage::Gone)]
        .into_iter()
        .filter_map(|(word, stage)| has(word).then_some(stage))
        .collect();
    let (from, until) = span(filter.date_time_filter)?;
    let source = source(filter.location_filter, filter.order_filter)?;
    let wanted = Wanted {
        wallet: (face.wallet, &face.plan()?.key),
        members: whose.as_ref().map(|(_, numbers)| numbers.as_slice()),
        kinds: &kinds,
        asked: has("CREATE_REWARD"),
        stages: &stages,
        from,
        until,
        source: source.as_ref().map(|(kind, all)| (*kind, all.as_slice())),
    };
    let mut found = happenings::list(&mut db, caller.workspace, wanted, after.as_ref(), limit + 1).await?;
    let cursor = cut(&mut found, limit, Happening::position);
    let shape = |it: &Happening| match it {
        Happening::Moved(it) => match &whose {
            Some((member, numbers)) => moved(it, numbers, *member),
            None => moved(it, &[it.member], it.member),
        },
        Happening::Asked(it) => asked(it),
        Happening::Settled(it) => settled(it),
    };
    Ok(page("events", found.iter().map(shape).collect(), cursor))
}

fn types(filter: Option<TypeFilter>) -> Result<Vec<String>, Failure> {
    let Some(TypeFilter { types }) = filter else { return Ok(TYPES.map(str::to_owned).to_vec()) };
    match types.iter().find(|it| !TYPES.contains(&it.as_str())) {
        _ if types.is_empty() => Err(Failure::missing("query.filter.type_filter.types")),
        Some(_) => Err(Failure::value("query.filter.type_filter.types", format_args!("of {}", TYPES.join(", ")))),
        None => Ok(types),
    }
}

fn span(filter: Option<TimeFilter>) -> Result<(Timestamp, Timestamp), Failure> {
    let (mut from, mut until) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    if let Some(TimeFilter { created_at }) = filter {
        from = instant("query.filter.date_time_filter.created_at.start_at", created_at.start_at.as_deref())?
            .unwrap_or(from);
        until =
            instant("query.filter.date_time_filter.created_at.end_at", created_at.end_at.as_deref())?.unwrap_or(until);
    }
    Ok((from, until))
}

/// What operations come from, where a filter asks for it: a location of this face, or an order.
fn source(
    location: Option<LocationFilter>,
    order: Option<OrderFilter>,
) -> Result<Option<(&'static str, Vec<String>)>, Failure> {
    match (location, order) {
        (None, None) => Ok(None),
        (None, Some(order)) => Ok(Some(("order", vec![order.order_id]))),
        (Some(it), None) if it.location_ids.is_empty() => {
            Err(Failure::missing("query.filter.location_filter.location_ids"))
        }
        (Some(it), None) => Ok(Some((points::SOURCE, it.location_ids))),
        (Some(_), Some(_)) => {
            let text = "query.filter: orders are known without a location; filter by one of the two.";
            Err(Failure::conflicting("query.filter", text))
        }
    }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Earn => "ACCUMULATE_POINTS",
        Kind::Adjust => "ADJUST_POINTS",
        Kind::Expire | Kind::Forfeit => "EXPIRE_POINTS",
        _ => "OTHER",
    }
}

/// An event without what is told of its type.
fn event(id: String, word: &str, member: MemberId, at: Timestamp) -> Value {
    json!({
        "id": id, "type": word, "created_at": time(at), "loyalty_account_id": member.0.to_string(), "source": "LOYALTY_API",
    })
}

/// An operation as an event of a member who has these numbers.
pub fn moved(it: &Operation, numbers: &[MemberId], member: MemberId) -> Value {
    let word = word(it.kind);
    let mut event = event(format!("op_{}", it.number), word, member, it.recorded_at);
    let change = happenings::change(it, numbers);
    match it.kind {
        Kind::Earn => {
            // Also of points that can be spent later only.
            event["accumulate_points"] = json!({"loyalty_program_id": PROGRAM, "points": it.amount});
            if it.source.kind == "order" && !it.source.reference.is_empty() {
                event["accumulate_points"]["order_id"] = json!(it.source.reference);
            }
        }
        Kind::Adjust => {
            event["adjust_points"] = json!({"loyalty_program_id": PROGRAM, "points": change});
            if !it.source.reason.is_empty() {
                event["adjust_points"]["reason"] = json!(it.source.reason);
            }
        }
        Kind::Expire | Kind::Forfeit => {
            event["expire_points"] = json!({"loyalty_program_id": PROGRAM, "points": change});
        }
        _ => event["other_event"] = json!({"loyalty_program_id": PROGRAM, "points": change}),
    }
    if it.source.kind == points::SOURCE && !it.source.reference.is_empty() {
        event["location_id"] = json!(it.source.reference);
    }
    event
}

/// That a reward was asked for.
fn asked(it: &Redemption) -> Value {
    let mut event = event(format!("{}:create", it.redemption), "CREATE_REWARD", it.member(), it.requested_at);
    event["create_reward"] = json!({"loyalty_program_id": PROGRAM, "reward_id": it.redemption, "points": -it.points});
    event
}

/// That a reward was had, or is not to be had any more.
pub fn settled(it: &Redemption) -> Value {
    let at = it.settled_at.unwrap_or(it.requested_at);
    if it.stage() == Stage::Had {
        let mut event = event(format!("{}:redeem", it.redemption), "REDEEM_REWARD", it.member(), at);
        event["redeem_reward"] = json!({"loyalty_program_id": PROGRAM, "reward_id": it.redemption});
        if let Some(order) = rewards::order_of(it) {
            event["redeem_reward"]["order_id"] = json!(order);
        }
        return event;
    }
    // A code whose time was over gives nothing back.
    let back = if it.taken == "returned" { it.points } else { 0 };
    let mut event = event(format!("{}:delete", it.redemption), "DELETE_REWARD", it.member(), at);
    event["delete_reward"] = json!({"loyalty_program_id": PROGRAM, "reward_id": it.redemption, "points": back});
    event
}
