//! `/api/v1/ideas`: what customers propose, how many want it, what becomes of it.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use rapport_domain::{Handle, PersonId, plain};
use rapport_feedback::ideas::records::{self, IdeaRow};
use rapport_feedback::ideas::{Settings, State as IdeaState};
use rapport_profiles::records::{identifiers, persons};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::segments::user_names;
use super::shapes::{display_name, time};
use super::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;
use crate::proposing::{self, Proposed, voter_of};
use crate::public_pages::ideas;
use crate::topics;

/// Ideas that are listed.
const MOST: i64 = 1_000;
/// Letters of a title, a text, an answer.
pub(crate) const LONGEST_TITLE: usize = 120;
pub(crate) const LONGEST_TEXT: usize = 2_000;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_ideas, propose_idea))
        .routes(routes!(idea_settings, save_idea_settings))
        .routes(routes!(decide_idea))
        .routes(routes!(vote_for_idea))
        .routes(routes!(merge_idea))
        .routes(routes!(similar_ideas))
}

/// An idea.
#[derive(Debug, Serialize, ToSchema)]
pub struct Idea {
    id: String,
    /// In a few words, without personal data; null when whoever proposed it was forgotten.
    title: Option<String>,
    text: Option<String>,
    language: Option<String>,
    /// `new`, `open`, `planned`, `done`, `declined`, `hidden` or `merged`.
    state: String,
    /// How many want it.
    votes: i64,
    proposed_at: String,
    /// Who proposed it; null where nobody knows.
    person_id: Option<String>,
    person_name: Option<String>,
    /// What the company says to it.
    answer: Option<String>,
    answered_at: Option<String>,
    answered_by: Option<String>,
    /// Which one it is in other words.
    merged_into: Option<String>,
    /// Keys of topics that it is about, by its words.
    topics: Vec<String>,
}

async fn shapes(app: &App, caller: &Caller, rows: Vec<IdeaRow>) -> Result<Vec<Idea>, Problem> {
    let mut db = app.installation.store.read();
    let handles: Vec<Handle> = rows.iter().map(|row| row.handle).filter(|handle| handle.0 != 0).collect();
    let owners = identifiers::by_handles(&mut db, caller.workspace, &handles).await?;
    let ids: Vec<PersonId> = owners.iter().map(|row| row.person).collect();
    let known = persons::by_ids(&mut db, caller.workspace, &ids).await?;
    let users = user_names(app, caller.workspace).await?;
    let topics = topics::of(&app.installation, caller.workspace).await?;
    let shape = |row: IdeaRow| {
        let owner = owners.iter().find(|owner| owner.handle == row.handle);
        let person = owner.and_then(|owner| known.iter().find(|it| it.person == owner.person));
        let words =
            format!("{}\n{}", row.title.as_deref().unwrap_or_default(), row.text.as_deref().unwrap_or_default());
        let assigned = topics.sorter.taxonomy.assign(&words).into_iter();
        let mut keys: Vec<String> = assigned.map(|it| it.topic.to_owned()).collect();
        keys.sort_unstable();
        keys.dedup();
        Idea {
            id: row.id,
            title: row.title,
            text: row.text.filter(|text| !text.is_empty()),
            language: Some(row.language).filter(|language| !language.is_empty()),
            state: row.state,
            votes: row.votes,
            proposed_at: time(row.proposed_at),
            person_id: person.map(|it| it.person.to_string()),
            person_name: person.map(display_name),
            answer: row.answer,
            answered_at: optional_time(row.answered_at),
            answered_by: row.answered_by.map(|id| users.get(&id).cloned().unwrap_or(id)),
            merged_into: row.merged_into,
            topics: keys,
        }
    };
    Ok(rows.into_iter().map(shape).collect())
}

/// Which ideas.
#[derive(Debug, Deserialize, IntoParams)]
pub struct IdeasQuery {
    /// `new`, `open`, `planned`, `done`, `declined`, `hidden` or `merged`; all but the last two unless said.
    state: Option<String>,
}

/// Lists ideas, most wanted first.
#[utoipa::path(get, path = "/api/v1/ideas", security(("caller" = ["view_people"])), tag = "feedback", operation_id = "list_ideas", params(IdeasQuery), responses((status = 200, body = Rows<Idea>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn list_ideas(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IdeasQuery>,
) -> Result<Json<Rows<Idea>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let states = match query.state.as_deref().filter(|state| !state.is_empty()) {
        None => IdeaState::ALL.into_iter().filter(|it| !matches!(it, IdeaState::Hidden | IdeaState::Merged)).collect(),
        Some(word) => vec![state(word)?],
    };
    let rows = records::list(&mut app.installation.store.read(), caller.workspace, &states, MOST).await?;
    Ok(Json(Rows { rows: shapes(&app, &caller, rows).await? }))
}

fn state(word: &str) -> Result<IdeaState, Problem> {
    IdeaState::parse(word).ok_or_else(|| Problem::invalid("state", "is no state of an idea"))
}

/// An idea that is proposed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdeaBody {
    /// In a few words: at most 120 characters.
    title: String,
    /// More of it: at most 2,000 characters.
    #[serde(default)]
    text: String,
    /// Who proposes it.
    #[serde(default)]
    person_id: Option<String>,
    /// What its source calls it: the same is taken in once.
    #[serde(default)]
    origin: Option<String>,
}

/// What was proposed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProposedIdea {
    /// Null where it was known already.
    id: Option<String>,
    is_new: bool,
}

async fn whose(app: &App, caller: &Caller, id: &str) -> Result<(Handle, Option<String>), Problem> {
    let missing = || Problem::not_found("customer");
    let person = PersonId(id.parse().map_err(|_| missing())?);
    let mut db = app.installation.store.read();
    let names = identifiers::by_persons(&mut db, caller.workspace, &[person]).await?;
    // Always the same of theirs, so that each has one vote.
    let handle = names.iter().map(|row| row.handle).min().ok_or_else(missing)?;
    let known = persons::find(&mut db, caller.workspace, person).await?;
    Ok((handle, known.and_then(|row| row.name)))
}

/// Takes in an idea, as somebody of the staff or another program tells it. Everybody sees it at once.
#[utoipa::path(post, path = "/api/v1/ideas", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "propose_idea", request_body = IdeaBody,
    responses((status = 200, body = ProposedIdea), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn propose_idea(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<IdeaBody>,
) -> Result<Json<ProposedIdea>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let title = plain::one_line(&body.title, LONGEST_TITLE + 1);
    if title.is_empty() || title.chars().count() > LONGEST_TITLE {
        return Err(Problem::invalid("title", format_args!("must have 1 to {LONGEST_TITLE} characters")));
    }
    let mut text = String::new();
    plain::clean(body.text.trim(), &mut text);
    if text.chars().count() > LONGEST_TEXT {
        return Err(Problem::invalid("text", format_args!("has at most {LONGEST_TEXT} characters")));
    }
    let (handle, name) = match body.person_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => whose(&app, &caller, id).await?,
        None => (Handle(0), None),
    };
    let random = ideas::random(&app);
    let voter = if handle.0 == 0 { format!("s{random}") } else { voter_of(handle) };
    let origin = body.origin.as_deref().filter(|it| !it.is_empty()).map(|it| plain::one_line(it, 200));
    let origin = format!("api:{}", origin.unwrap_or(random));
    let proposed = Proposed { title, text, origin, voter: (voter, handle), name };
    let (id, is_new) = proposing::propose(&app.installation, caller.workspace, &proposed, true).await?;
    Ok(Json(ProposedIdea { id: Some(id).filter(|_| is_new), is_new }))
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<IdeaRow, Problem> {
    let found = records::find(&mut app.installation.store.read(), caller.workspace, id).await?;
    found.ok_or_else(|| Problem::not_found("idea"))
}

async fn one(app: &App, caller: &Caller, id: &str) -> Result<Json<Idea>, Problem> {
    let row = find(app, caller, id).await?;
    shapes(app, caller, vec![row]).await?.pop().map(Json).ok_or_else(|| Problem::not_found("idea"))
}

/// What becomes of an idea.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdeaDecision {
    /// `open`, `planned`, `done`, `declined` or `hidden`.
    state: String,
    /// What the company says to it in public; needed where it is declined.
    #[serde(default)]
    answer: Option<String>,
}

/// Decides what becomes of an idea, and says so in public.
#[utoipa::path(post, path = "/api/v1/ideas/{idea_id}/decision", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "decide_idea", params(("idea_id" = String, Path)), request_body = IdeaDecision,
    responses((status = 200, body = Idea), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn decide_idea(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<IdeaDecision>,
) -> Result<Json<Idea>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let to = state(&body.state)?;
    if matches!(to, IdeaState::New | IdeaState::Merged) {
        return Err(Problem::invalid("state", "is one of open, planned, done, declined, hidden"));
    }
    let mut answer = String::new();
    plain::clean(body.answer.as_deref().unwrap_or_default().trim(), &mut answer);
    if answer.chars().count() > LONGEST_TEXT {
        return Err(Problem::invalid("answer", format_args!("has at most {LONGEST_TEXT} characters")));
    }
    if to == IdeaState::Declined && answer.is_empty() {
        return Err(Problem::invalid("answer", "say why it will not be done: whoever wants it may ask"));
    }
    refuse_merged(&find(&app, &caller, &id).await?)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let said = (to, Some(answer.as_str()).filter(|text| !text.is_empty()));
    records::decide(&mut tx, caller.workspace, &id, said, (caller.id().as_str(), app.now())).await?;
    tx.commit().await?;
    one(&app, &caller, &id).await
}

fn refuse_merged(row: &IdeaRow) -> Result<(), Problem> {
    if row.state == IdeaState::Merged.as_str() {
        return Err(Problem::conflict(
            "idea_merged",
            "This idea is a part of another one.",
            "Look at the one that it was merged into.",
        ));
    }
    Ok(())
}

/// Who votes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoteBody {
    /// The customer.
    person_id: String,
    /// Whether they want it; false takes their vote back.
    #[serde(default = "yes")]
    wants: bool,
}

const fn yes() -> bool {
    true
}

/// Notes that a customer wants an idea, or no longer does; each has one vote.
#[utoipa::path(post, path = "/api/v1/ideas/{idea_id}/votes", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "vote_for_idea", params(("idea_id" = String, Path)), request_body = VoteBody,
    responses((status = 200, body = Idea), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn vote_for_idea(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<VoteBody>,
) -> Result<Json<Idea>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    refuse_merged(&find(&app, &caller, &id).await?)?;
    let (handle, _) = whose(&app, &caller, &body.person_id).await?;
    let voter = voter_of(handle);
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if body.wants {
        records::vote(&mut tx, caller.workspace, &id, (&voter, handle), app.now()).await?;
    } else {
        records::unvote(&mut tx, caller.workspace, &id, &voter).await?;
    }
    tx.commit().await?;
    one(&app, &caller, &id).await
}

/// Which one it is in other words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    /// The idea that stays.
    into: String,
}

/// Makes an idea a part of another one, with its votes: each voter has one.
#[utoipa::path(post, path = "/api/v1/ideas/{idea_id}/merge", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "merge_idea", params(("idea_id" = String, Path)), request_body = MergeBody,
    responses((status = 200, body = Idea), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn merge_idea(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<MergeBody>,
) -> Result<Json<Idea>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    if id == body.into {
        return Err(Problem::invalid("into", "is another idea"));
    }
    for row in [find(&app, &caller, &id).await?, find(&app, &caller, &body.into).await?] {
        refuse_merged(&row)?;
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    records::merge(&mut tx, caller.workspace, &id, &body.into).await?;
    tx.commit().await?;
    one(&app, &caller, &body.into).await
}

/// An idea that looks like another.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimilarIdea {
    #[serde(flatten)]
    idea: Idea,
    /// How alike, 0 to 1.
    likeness: f64,
}

/// Lists ideas that may be the same in other words, the most alike first.
#[utoipa::path(get, path = "/api/v1/ideas/{idea_id}/similar", security(("caller" = ["view_people"])), tag = "feedback", operation_id = "similar_ideas", params(("idea_id" = String, Path)), responses((status = 200, body = Rows<SimilarIdea>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn similar_ideas(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Rows<SimilarIdea>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, &caller, &id).await?;
    let states: Vec<IdeaState> =
        IdeaState::ALL.into_iter().filter(|it| it.is_seen() || *it == IdeaState::New).collect();
    let mut db = app.installation.store.read();
    let words = proposing::words_of(&row);
    let found = proposing::alike(&mut db, caller.workspace, &words, (Some(&id), &states)).await?;
    let (likenesses, rows): (Vec<f64>, Vec<IdeaRow>) = found.into_iter().unzip();
    let ideas = shapes(&app, &caller, rows).await?;
    let rows = ideas.into_iter().zip(likenesses).map(|(idea, likeness)| SimilarIdea { idea, likeness }).collect();
    Ok(Json(Rows { rows }))
}

/// The ideas box.
#[derive(Debug, Serialize, ToSchema)]
pub struct IdeaSettings {
    /// `is_open`: whether its page is there; `is_moderated`: whether somebody of the staff looks at an idea before everybody sees it; `text` above it, by
    /// language.
    #[schema(value_type = Object)]
    settings: Value,
    /// Where people propose and vote.
    page_url: String,
}

async fn settings_shape(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    settings: &Settings,
) -> Result<Json<IdeaSettings>, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let link = ideas::link(&app.installation, caller.workspace).await?;
    Ok(Json(IdeaSettings {
        settings: serde_json::to_value(settings).map_err(Problem::internal)?,
        page_url: format!("{}{}", app.public_url(host), ideas::path(&link)),
    }))
}

/// Shows the settings of the ideas box.
#[utoipa::path(get, path = "/api/v1/ideas/settings", security(("caller" = ["view_reports"])), tag = "feedback", operation_id = "idea_settings", responses((status = 200, body = IdeaSettings)))]
pub async fn idea_settings(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<IdeaSettings>, Problem> {
    caller.require(Permission::ViewReports)?;
    let found = records::settings(&mut app.installation.store.read(), caller.workspace).await?;
    settings_shape(&app, &caller, &headers, &found).await
}

/// Changed settings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdeaSettingsBody {
    #[schema(value_type = Object)]
    settings: Value,
}

/// Saves the settings of the ideas box.
#[utoipa::path(put, path = "/api/v1/ideas/settings", security(("caller" = ["edit_questions"])), tag = "feedback", operation_id = "save_idea_settings", request_body = IdeaSettingsBody,
    responses((status = 200, body = IdeaSettings), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_idea_settings(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body): Json<IdeaSettingsBody>,
) -> Result<Json<IdeaSettings>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let changed: Settings = serde_path_to_error::deserialize(body.settings).map_err(|error| {
        let place = error.path().to_string();
        Problem::invalid(&format!("settings.{place}"), error.into_inner())
    })?;
    if changed.text.0.values().any(|text| text.chars().count() > LONGEST_TEXT) {
        return Err(Problem::invalid("settings.text", format_args!("has at most {LONGEST_TEXT} characters")));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    records::save_settings(&mut tx, caller.workspace, &changed, (caller.id().as_str(), app.now())).await?;
    tx.commit().await?;
    settings_shape(&app, &caller, &headers, &changed).await
}
