//! `/api/v1/follow-ups`: who is unhappy and has to be answered, by whom and until when; what was done, what came of it, what helped others.
//!
//! Always holds: what customers wrote is shown as it was understood, without personal data; whoever changes one may say which revision they looked at.

pub mod figures;
pub mod rules;
mod shapes;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{Handle, Id, Timestamp};
use rapport_feedback::Error;
use rapport_feedback::follow_ups::records::{self, Filter, FollowUpRow, log, reasons};
use rapport_feedback::follow_ups::service::{self, With};
use rapport_feedback::follow_ups::suggestions::alike;
use rapport_feedback::follow_ups::work::{Act, CHANNELS};
use rapport_feedback::follow_ups::{Outcome, State as Stands, deadline::Deadline};
use rapport_feedback::verbatims::records as verbatims;
use rapport_profiles::records::identifiers;
use rapport_store::Priority;
use rapport_text::redaction::Redactor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use self::shapes::{Around, FollowUp, FollowUpDetail, counts, detail};
use super::customers;
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::following_up::who_works;
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::problem::Problem;

/// Of so many that ended well it is looked what helped.
const COMPARED: i64 = 500;
const SUGGESTED: usize = 5;
const NO_TIME: &str = "is a time such as 2026-11-01T00:00:00Z";
const ACTS: &str = "is one of start, assign, contact, wait, note, snooze, close, reopen, undo";
const OUTCOMES: &str = "is one of recovered, not_recovered, not_reached, no_action_needed";
const STATES: &str = "is one of open, in_progress, waiting, done";

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(count))
        .routes(routes!(figures::show))
        .routes(routes!(show))
        .routes(routes!(work))
        .routes(routes!(suggest))
        .routes(routes!(of_customer))
        .routes(routes!(rules::list))
        .routes(routes!(rules::save, rules::delete))
}

/// Which follow-ups.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FollowUpsQuery {
    /// `open`, `in_progress`, `waiting` or `done`; without it all that are not done.
    state: Option<String>,
    /// Of this owner (an id), of `nobody`, or of `me`.
    owner: Option<String>,
    /// Opened by this rule.
    rule: Option<String>,
    /// Of done ones: `recovered`, `not_recovered`, `not_reached`, `no_action_needed`.
    outcome: Option<String>,
    /// Only those whose customer should have been spoken with by now.
    late: bool,
    /// Also those that are put aside.
    snoozed: bool,
}

impl FollowUpsQuery {
    fn filter(self, caller: &Caller, now: Timestamp, page: &PageQuery) -> Result<Filter, Problem> {
        let state = |word: &str| Stands::parse(word).ok_or_else(|| Problem::invalid("state", STATES));
        let states = self.state.as_deref().filter(|it| !it.is_empty()).map(state).transpose()?;
        let owner = self.owner.filter(|it| !it.is_empty()).map(|word| match word.as_str() {
            "nobody" => String::new(),
            "me" => caller.id().to_string(),
            _ => word,
        });
        if self.outcome.as_deref().is_some_and(|it| Outcome::parse(it).is_none()) {
            return Err(Problem::invalid("outcome", OUTCOMES));
        }
        Ok(Filter {
            states: states.into_iter().collect(),
            owner,
            rule: self.rule.filter(|it| !it.is_empty()),
            outcome: self.outcome,
            late_at: self.late.then_some(now),
            awake_at: (!self.snoozed && states != Some(Stands::Done)).then_some(now),
            behind: page.position::<(i64, String)>()?.map(|(at, id)| (Timestamp(at), id)),
        })
    }
}

/// Lists follow-ups: those that are not done by their deadline, done ones by when they were done, the latest first.
#[utoipa::path(get, path = "/api/v1/follow-ups", security(("caller" = ["view_people"])), tag = "follow_ups", operation_id = "follow_ups", params(FollowUpsQuery, PageQuery), responses((status = 200, body = Page<FollowUp>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FollowUpsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<FollowUp>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let filter = query.filter(&caller, app.now(), &page)?;
    let limit = page.limit();
    let mut db = app.installation.store.read();
    let rows = records::list(&mut db, caller.workspace, &filter, i64::from(limit) + 1).await?;
    let is_done = filter.is_done();
    let place = |row: &FollowUpRow| if is_done { row.closed_at.unwrap_or_default() } else { row.due_at };
    let cut = Page::cut(rows, limit, |row| (place(row).0, row.id.clone()));
    let around = Around::read(&app, &caller, &cut.rows).await?;
    Ok(Json(cut.map(|row| around.shape(row))))
}

/// Lists all follow-ups of a customer, the newest first.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/follow-ups", security(("caller" = ["view_people"])), tag = "follow_ups", operation_id = "customer_follow_ups", params(("person_id" = String, Path)), responses((status = 200, body = Rows<FollowUp>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn of_customer(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Json<Rows<FollowUp>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person = customers::find(&app, caller.workspace, &person).await?.person;
    let rows = records::of_persons(&mut app.installation.store.read(), caller.workspace, &[person]).await?;
    let around = Around::read(&app, &caller, &rows).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(|row| around.shape(row)).collect() }))
}

/// Says how many are not done, by state and owner, and how many of them are late.
#[utoipa::path(get, path = "/api/v1/follow-ups/counts", security(("caller" = ["view_reports"])), tag = "follow_ups", operation_id = "follow_up_counts", responses((status = 200, body = Rows<shapes::FollowUpCount>)))]
pub async fn count(State(app): State<App>, caller: Caller) -> Result<Json<Rows<shapes::FollowUpCount>>, Problem> {
    caller.require(Permission::ViewReports)?;
    Ok(Json(Rows { rows: counts(&app, &caller).await? }))
}

/// Shows a follow-up with its reasons, what the customer said since, and everything that was done.
#[utoipa::path(get, path = "/api/v1/follow-ups/{id}", security(("caller" = ["view_people"])), tag = "follow_ups", operation_id = "follow_up", params(("id" = String, Path)), responses((status = 200, body = FollowUpDetail), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<FollowUpDetail>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, &caller, &id).await?;
    Ok(Json(detail(&app, &caller, row).await?))
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<FollowUpRow, Problem> {
    let found = records::find(&mut app.installation.store.read(), caller.workspace, id).await?;
    found.ok_or_else(|| Problem::not_found("follow-up"))
}

/// A follow-up to open by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpBody {
    /// About whom.
    person_id: String,
    /// Why.
    text: String,
    /// Whose it is: the id of a user. Without one it is nobody's.
    #[serde(default)]
    owner: Option<String>,
    /// By when they are to be spoken with; otherwise in 48 hours.
    #[serde(default)]
    due_at: Option<String>,
}

/// Opens a follow-up by hand. Of one customer one that was opened by hand is open at most.
#[utoipa::path(post, path = "/api/v1/follow-ups", security(("caller" = ["answer_feedback"])), tag = "follow_ups", operation_id = "open_follow_up", request_body = FollowUpBody, responses((status = 200, body = FollowUpDetail), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<FollowUpBody>,
) -> Result<Json<FollowUpDetail>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let workspace = caller.workspace;
    let person = customers::find(&app, workspace, &body.person_id).await?.person;
    let now = app.now();
    let due_at = match body.due_at.as_deref() {
        Some(text) => {
            Timestamp::parse(text).filter(|at| *at > now).ok_or_else(|| Problem::invalid("due_at", NO_TIME))?
        }
        None => now.plus(i64::from(Deadline::default().hours) * Timestamp::HOUR),
    };
    let installation = &app.installation;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let users = who_works(&mut tx, workspace).await?.0;
    if body.owner.as_ref().is_some_and(|owner| !users.all.contains(owner)) {
        return Err(Problem::invalid("owner", "is no user who may work on follow-ups"));
    }
    let own = identifiers::by_persons(&mut tx, workspace, &[person]).await?;
    let handle: Handle = own.first().map(|row| row.handle).ok_or_else(|| Problem::not_found("customer"))?;
    let with = With { workspace, clock: &*installation.clock, rng: &*installation.rng, users: &users };
    let why = (body.text.as_str(), body.owner);
    let id = service::open_by_hand(&mut tx, with, (handle, person), why, (caller.id().as_str(), due_at)).await?;
    tx.commit().await?;
    let row = find(&app, &caller, &id).await?;
    Ok(Json(detail(&app, &caller, row).await?))
}

/// Something to do with a follow-up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpAct {
    /// `start`; `assign` to `owner`, or to nobody; `contact`: they were spoken with (`channel`, `text`); `wait` for them to say something; `note` a `text`;
    /// `snooze` it `until` a time, or wake it; `close` it with an `outcome`; `reopen` it; `undo` what was done last.
    act: String,
    /// The revision that was looked at: if it changed meanwhile nothing is done.
    #[serde(default)]
    revision: Option<i64>,
    /// The id of a user.
    #[serde(default)]
    owner: Option<String>,
    /// `phone`, `email`, `sms`, `chat`, `in_person` or `letter`.
    #[serde(default)]
    channel: Option<String>,
    /// What was said, or is to be remembered; at most 4,000 characters.
    #[serde(default)]
    text: Option<String>,
    /// `recovered`, `not_recovered`, `not_reached` or `no_action_needed`; the first two only after they were spoken with.
    #[serde(default)]
    outcome: Option<String>,
    /// A time within the next 90 days.
    #[serde(default)]
    until: Option<String>,
}

impl FollowUpAct {
    fn read(self) -> Result<Act, Problem> {
        let text = self.text.unwrap_or_default();
        Ok(match self.act.as_str() {
            "start" => Act::Start,
            "assign" => Act::Assign(self.owner.filter(|it| !it.is_empty())),
            "contact" => Act::Contact { channel: self.channel.unwrap_or_else(|| CHANNELS[0].to_owned()), text },
            "wait" => Act::Wait,
            "note" => Act::Note(text),
            "snooze" => {
                let read = |it: &str| Timestamp::parse(it).ok_or_else(|| Problem::invalid("until", NO_TIME));
                Act::Snooze(self.until.as_deref().map(read).transpose()?)
            }
            "close" => {
                let outcome = self.outcome.as_deref().and_then(Outcome::parse);
                Act::Close(outcome.ok_or_else(|| Problem::invalid("outcome", OUTCOMES))?, text)
            }
            "reopen" => Act::Reopen,
            "undo" => Act::Undo,
            _ => return Err(Problem::invalid("act", ACTS)),
        })
    }
}

/// Works on a follow-up. Each act is a line of its log, with who and when.
#[utoipa::path(post, path = "/api/v1/follow-ups/{id}/act", security(("caller" = ["answer_feedback"])), tag = "follow_ups", operation_id = "work_on_follow_up", params(("id" = String, Path)), request_body = FollowUpAct, responses((status = 200, body = FollowUpDetail), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn work(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<FollowUpAct>,
) -> Result<Json<FollowUpDetail>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let seen = body.revision;
    let act = body.read()?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if let Act::Assign(Some(owner)) = &act
        && !who_works(&mut tx, caller.workspace).await?.0.all.contains(owner)
    {
        return Err(Problem::invalid("owner", "is no user who may work on follow-ups"));
    }
    let found = records::find(&mut tx, caller.workspace, &id).await?.map(|row| row.revision);
    if let (Some(seen), Some(found)) = (seen, found)
        && seen != found
    {
        return Err(Error::Stale { key: id, found }.into());
    }
    let row = service::work(&mut tx, caller.workspace, &id, &act, (caller.id().as_str(), app.now())).await?;
    tx.commit().await?;
    Ok(Json(detail(&app, &caller, row).await?))
}

/// What helped somebody who said the like.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUpSuggestion {
    /// The follow-up that ended well.
    follow_up: String,
    /// What that customer had said, without personal data.
    quote: String,
    /// From 0 to 1.
    likeness: f64,
    /// What was said to them then, without personal data.
    answer: String,
    /// How: `phone`, `email` ...
    channel: Option<String>,
    closed_at: Option<String>,
    owner_name: Option<String>,
}

/// Lists what was said to customers who had said the like and are content again: of the newest 500 that ended well, the most alike first.
#[utoipa::path(get, path = "/api/v1/follow-ups/{id}/suggestions", security(("caller" = ["view_people"])), tag = "follow_ups", operation_id = "follow_up_suggestions", params(("id" = String, Path)), responses((status = 200, body = Rows<FollowUpSuggestion>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn suggest(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Rows<FollowUpSuggestion>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, &caller, &id).await?;
    let mut db = app.installation.store.read();
    let own = quotes(&mut db, &caller, std::slice::from_ref(&row.id)).await?.pop().map(|it| it.1).unwrap_or_default();
    let ended = records::of_outcome(&mut db, caller.workspace, Outcome::Recovered.as_str(), COMPARED).await?;
    let ended: Vec<FollowUpRow> = ended.into_iter().filter(|it| it.id != row.id).collect();
    let ids: Vec<String> = ended.iter().map(|it| it.id.clone()).collect();
    let said = quotes(&mut db, &caller, &ids).await?;
    let lines = log::of(&mut db, caller.workspace, &ids).await?;
    // What was taken back helped nobody.
    let is_undone =
        |line: &log::LogRow| lines.iter().any(|it| it.follow_up == line.follow_up && it.undoes == Some(line.number));
    let answer = |of: &str| {
        let own = lines.iter().filter(|line| line.follow_up == of && line.text.is_some() && !is_undone(line));
        let of_act = |act: &str| own.clone().find(|line| line.act == act).cloned();
        of_act("contacted").or_else(|| of_act("closed"))
    };
    let helped: Vec<(String, String, log::LogRow)> = said
        .into_iter()
        .filter_map(|(of, quote)| Some((answer(&of)?, of, quote)))
        .map(|it| (it.1, it.2, it.0))
        .collect();
    let texts: Vec<String> = helped.iter().map(|it| it.1.clone()).collect();
    let found = tokio::task::spawn_blocking(move || alike(&own, &texts, SUGGESTED)).await.map_err(Problem::internal)?;
    let users = super::segments::user_names(&app, caller.workspace).await?;
    let redactor = Redactor::new([]);
    let shape = |(at, likeness): (usize, f64)| {
        let (of, quote, line) = helped.get(at)?;
        let row = ended.iter().find(|it| it.id == *of)?;
        Some(FollowUpSuggestion {
            follow_up: of.clone(),
            quote: quote.clone(),
            likeness,
            answer: redactor.redact(line.text.as_deref()?),
            channel: line.channel.clone(),
            closed_at: row.closed_at.map(time),
            owner_name: row.owner.as_ref().map(|id| users.get(id).cloned().unwrap_or_else(|| id.clone())),
        })
    };
    Ok(Json(Rows { rows: found.into_iter().filter_map(shape).collect() }))
}

/// What customers had said of some follow-ups, of those that have words.
async fn quotes(
    db: &mut impl rapport_store::Queries,
    caller: &Caller,
    ids: &[String],
) -> Result<Vec<(String, String)>, Problem> {
    let mut found: Vec<(String, String)> = Vec::new();
    for reason in reasons::of(db, caller.workspace, ids).await? {
        if reason.role != reasons::REASON || reason.taken_back_at.is_some() {
            continue;
        }
        let Some(text) = verbatims::find(db, caller.workspace, reason.event_id).await? else { continue };
        match found.last_mut().filter(|(of, _)| *of == reason.follow_up) {
            Some((_, all)) => {
                all.push('\n');
                all.push_str(&text.shown);
            }
            None => found.push((reason.follow_up, text.shown)),
        }
    }
    Ok(found)
}

/// The id of a user or key as it is called.
fn named(names: &super::segments::Names, id: Option<&String>) -> Option<String> {
    id.map(|id| names.get(id).cloned().unwrap_or_else(|| Id(id.clone()).to_string()))
}

/// Nothing to say but that it was done.
const DONE: StatusCode = StatusCode::NO_CONTENT;
