//! `/api/v1/intents`: what texts want, named by a workspace and learnt from its examples.
//!
//! Always holds: an example is kept without personal data; what was learnt is of the examples as they are.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::plain::is_key;
use rapport_domain::{EventId, plain};
use rapport_feedback::intents::{LONGEST, MOST_EXAMPLES, MOST_INTENTS, records};
use rapport_feedback::verbatims::records::{self as verbatims, VerbatimRow};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::intending;
use crate::problem::Problem;

/// Guesses that are named.
const GUESSES: usize = 5;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_intents))
        .routes(routes!(guess_intents))
        .routes(routes!(show_intent, save_intent, delete_intent))
        .routes(routes!(text_intents, put_into_intent))
}

/// An intent in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntentSummary {
    key: String,
    examples: i64,
    updated_at: String,
}

/// The intents, and how well they are told apart.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntentList {
    rows: Vec<IntentSummary>,
    /// The share of examples that were found right when they were held back; null with too few examples, or fewer than two intents.
    accuracy: Option<f64>,
}

/// Lists the intents, and says how well they are told apart.
#[utoipa::path(get, path = "/api/v1/intents", security(("caller" = ["view_reports"])), tag = "texts", operation_id = "list_intents", responses((status = 200, body = IntentList)))]
pub async fn list_intents(State(app): State<App>, caller: Caller) -> Result<Json<IntentList>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = records::list(&mut app.installation.store.read(), caller.workspace).await?;
    let learnt = intending::of(&app.installation, caller.workspace).await?;
    let row = |(key, examples, at)| IntentSummary { key, examples, updated_at: time(at) };
    let accuracy = learnt.as_ref().as_ref().and_then(rapport_text::intents::Intents::accuracy);
    Ok(Json(IntentList { rows: rows.into_iter().map(row).collect(), accuracy }))
}

/// An intent with its examples.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntentDetail {
    key: String,
    /// Without personal data.
    examples: Vec<String>,
}

async fn detail(app: &App, caller: &Caller, key: String) -> Result<Json<IntentDetail>, Problem> {
    let found = records::of(&mut app.installation.store.read(), caller.workspace, &key).await?;
    if found.is_empty() {
        return Err(Problem::not_found("intent"));
    }
    Ok(Json(IntentDetail { key, examples: found.into_iter().map(|it| it.0).collect() }))
}

/// Shows an intent with its examples.
#[utoipa::path(get, path = "/api/v1/intents/{key}", security(("caller" = ["view_reports"])), tag = "texts", operation_id = "intent", params(("key" = String, Path)), responses((status = 200, body = IntentDetail), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn show_intent(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<IntentDetail>, Problem> {
    caller.require(Permission::ViewReports)?;
    detail(&app, &caller, key).await
}

/// Examples of an intent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntentBody {
    /// 1 to 2,000 texts of at most 1,000 characters; those there were are replaced.
    examples: Vec<String>,
}

/// Makes an intent, or replaces its examples. What is asked next is answered by what was learnt from them.
#[utoipa::path(put, path = "/api/v1/intents/{key}", security(("caller" = ["edit_questions"])), tag = "texts", operation_id = "save_intent", params(("key" = String, Path)), request_body = IntentBody,
    responses((status = 200, body = IntentDetail), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_intent(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<IntentBody>,
) -> Result<Json<IntentDetail>, Problem> {
    caller.require(Permission::EditQuestions)?;
    if !is_key(&key) {
        return Err(Problem::invalid("key", "a key has 1 to 40 of a-z, 0-9 and _"));
    }
    if body.examples.is_empty() || body.examples.len() > MOST_EXAMPLES {
        return Err(Problem::invalid("examples", format_args!("there are 1 to {MOST_EXAMPLES}")));
    }
    let reader = app.installation.readers.of(caller.workspace);
    let mut examples = Vec::with_capacity(body.examples.len());
    for (at, text) in body.examples.iter().enumerate() {
        let mut clean = String::new();
        plain::clean(text.trim(), &mut clean);
        if clean.is_empty() || clean.chars().count() > LONGEST {
            let field = format!("examples[{at}]");
            return Err(Problem::invalid(&field, format_args!("must have 1 to {LONGEST} characters")));
        }
        examples.push(reader.read(&clean, []).shown);
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let known = records::list(&mut tx, caller.workspace).await?;
    if known.len() >= MOST_INTENTS && !known.iter().any(|it| it.0 == key) {
        return Err(Problem::invalid("key", format_args!("there are at most {MOST_INTENTS} intents")));
    }
    let by = (caller.id().as_str(), app.now());
    records::replace(&mut tx, caller.workspace, (&key, &examples), by).await?;
    tx.commit().await?;
    detail(&app, &caller, key).await
}

/// Deletes an intent with its examples.
#[utoipa::path(delete, path = "/api/v1/intents/{key}", security(("caller" = ["edit_questions"])), tag = "texts", operation_id = "delete_intent", params(("key" = String, Path)), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn delete_intent(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditQuestions)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let by = (caller.id().as_str(), app.now());
    if records::replace(&mut tx, caller.workspace, (&key, &[]), by).await? == 0 {
        return Err(Problem::not_found("intent"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a text may want.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntentGuess {
    intent: String,
    /// How probable it is, if it is one of those that were learnt.
    probability: f64,
}

/// A text to be read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuessBody {
    /// At most 10,000 characters are read.
    text: String,
}

async fn guesses(app: &App, caller: &Caller, text: String) -> Result<Json<Rows<IntentGuess>>, Problem> {
    let learnt = intending::of(&app.installation, caller.workspace).await?;
    let text: String = text.chars().take(10_000).collect();
    let found = learnt.as_ref().as_ref().map(|intents| intents.guesses(&text)).unwrap_or_default();
    let guess = |it: rapport_text::intents::Guess<'_>| IntentGuess {
        intent: it.intent.to_owned(),
        probability: it.probability,
    };
    Ok(Json(Rows { rows: found.into_iter().take(GUESSES).map(guess).collect() }))
}

/// Says what a text may want, most probable first; nothing of a text of which nothing is known.
#[utoipa::path(post, path = "/api/v1/intents/guess", security(("caller" = ["view_reports"])), tag = "texts", operation_id = "guess_intents", request_body = GuessBody, responses((status = 200, body = Rows<IntentGuess>)))]
pub async fn guess_intents(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<GuessBody>,
) -> Result<Json<Rows<IntentGuess>>, Problem> {
    caller.require(Permission::ViewReports)?;
    guesses(&app, &caller, body.text).await
}

/// What a text of a customer may want.
#[derive(Debug, Serialize, ToSchema)]
pub struct TextIntents {
    /// Most probable first; nothing of a text of which nothing is known.
    rows: Vec<IntentGuess>,
    /// The intent of which somebody made it an example; null where nobody did.
    by_hand: Option<String>,
}

async fn text(app: &App, caller: &Caller, event: &str) -> Result<VerbatimRow, Problem> {
    let missing = || Problem::not_found("text");
    let event = EventId::from_hex(event).ok_or_else(missing)?;
    let found = verbatims::find(&mut app.installation.store.read(), caller.workspace, event.0).await?;
    found.ok_or_else(missing)
}

/// As much of a text as an example has.
fn example(row: &VerbatimRow) -> String {
    row.shown.trim().chars().take(LONGEST).collect()
}

async fn of_text(app: &App, caller: &Caller, row: VerbatimRow) -> Result<Json<TextIntents>, Problem> {
    let by_hand = records::of_text(&mut app.installation.store.read(), caller.workspace, &example(&row)).await?;
    let Json(Rows { rows }) = guesses(app, caller, row.shown).await?;
    Ok(Json(TextIntents { rows, by_hand: by_hand.map(|it| it.0) }))
}

/// Says what something that a customer wrote may want.
#[utoipa::path(get, path = "/api/v1/texts/{event_id}/intents", security(("caller" = ["view_people"])), tag = "texts", operation_id = "text_intents", params(("event_id" = String, Path)), responses((status = 200, body = TextIntents), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn text_intents(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<String>,
) -> Result<Json<TextIntents>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = text(&app, &caller, &event).await?;
    of_text(&app, &caller, row).await
}

/// What a text wants, by somebody who read it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutIntentBody {
    /// The intent's key; null takes back what somebody said.
    intent: Option<String>,
}

/// Makes a text an example of an intent, as it is shown, or takes that back. Others like it follow; it goes with whoever wrote it.
#[utoipa::path(post, path = "/api/v1/texts/{event_id}/intents", security(("caller" = ["answer_feedback"])), tag = "texts", operation_id = "put_into_intent", params(("event_id" = String, Path)), request_body = PutIntentBody,
    responses((status = 200, body = TextIntents), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn put_into_intent(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<String>,
    Json(body): Json<PutIntentBody>,
) -> Result<Json<TextIntents>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let row = text(&app, &caller, &event).await?;
    let example = example(&row);
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if let Some(intent) = body.intent.as_deref() {
        let known = records::list(&mut tx, caller.workspace).await?.into_iter().find(|it| it.0 == intent);
        let (_, examples, _) = known.ok_or_else(|| Problem::invalid("intent", "there is no such intent"))?;
        if examples >= MOST_EXAMPLES as i64 {
            return Err(Problem::invalid("intent", format_args!("it has {MOST_EXAMPLES} examples, which is the most")));
        }
    }
    let before = records::of_text(&mut tx, caller.workspace, &example).await?;
    if before.as_ref().is_some_and(|(intent, examples)| *examples == 1 && Some(intent) != body.intent.as_ref()) {
        return Err(Problem::invalid("intent", "it is the only example that its intent has"));
    }
    let by = (caller.id().as_str(), app.now());
    records::put(&mut tx, caller.workspace, (&example, row.handle), body.intent.as_deref(), by).await?;
    tx.commit().await?;
    of_text(&app, &caller, row).await
}
