//! `/api/v1/improvements`: what the company changes because of what customers write, and what became of it.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::improvements::effect::{Deeds, Effect, Stretches, Text, Volume, effect};
use rapport_feedback::improvements::records::{self, ImprovementRow, LineRow};
use rapport_feedback::improvements::service::{self, Written};
use rapport_feedback::improvements::{State as Stands, Theme};
use rapport_feedback::records::counts::Which;
use rapport_feedback::records::surveys;
use rapport_feedback::results::{Series, Wanted, scores};
use rapport_feedback::verbatims::records::{self as verbatims, Filter, VerbatimRow};
use rapport_models::survey::{Confidence, Score};
use rapport_profiles::records::orders;
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::follow_ups::figures::Ranged;
use super::questions::context;
use super::segments::{Names, user_names};
use super::shapes::time;
use super::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::following_up::who_works;
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// Of each stretch so many of the texts are looked at.
const MOST_TEXTS: i64 = 40_000;
const NO_TIME: &str = "is a time such as 2026-11-01T00:00:00Z";

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, propose))
        .routes(routes!(show, edit))
        .routes(routes!(act))
        .routes(routes!(measure))
}

/// An improvement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Improvement {
    id: String,
    title: String,
    /// What texts are counted by: a text is about it when all words of one of these are in it.
    phrases: Vec<String>,
    /// The survey whose score it is to move, and the question.
    survey: Option<String>,
    question: Option<String>,
    owner: Option<String>,
    owner_name: Option<String>,
    /// `proposed`, `decided`, `changed`, `measured` or `dropped`.
    state: String,
    /// Where it can go from here.
    next: Vec<String>,
    /// What was decided, and why.
    decision: String,
    /// What was changed.
    change: String,
    /// What came of it, in the words of whoever looked.
    conclusion: String,
    changed_at: Option<String>,
    proposed_at: String,
    proposed_by: String,
    updated_at: String,
    revision: i64,
}

impl Improvement {
    fn of(row: ImprovementRow, users: &Names) -> Self {
        let name = |id: &String| users.get(id).cloned().unwrap_or_else(|| id.clone());
        Self {
            next: row.stands().next().iter().map(|it| it.as_str().to_owned()).collect(),
            owner_name: row.owner.as_ref().map(name),
            proposed_by: name(&row.proposed_by),
            id: row.id,
            title: row.title,
            phrases: row.phrases.0,
            survey: row.survey,
            question: row.question,
            owner: row.owner,
            state: row.state,
            decision: row.decision,
            change: row.change,
            conclusion: row.conclusion,
            changed_at: optional_time(row.changed_at),
            proposed_at: time(row.proposed_at),
            updated_at: time(row.updated_at),
            revision: row.revision,
        }
    }
}

/// A line of what was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImprovementLine {
    number: i64,
    at: String,
    by_name: String,
    /// `proposed`, `edited`, `noted`, or the state it went to.
    act: String,
    text: Option<String>,
}

/// An improvement with what was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImprovementDetail {
    #[serde(flatten)]
    improvement: Improvement,
    log: Vec<ImprovementLine>,
}

/// What is written of an improvement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImprovementBody {
    title: String,
    /// What texts are counted by: 1 to 20, each of a few words: `late parcel`.
    phrases: Vec<String>,
    /// The key of the survey whose score it is to move.
    #[serde(default)]
    survey: Option<String>,
    /// The question, where a survey is given.
    #[serde(default)]
    question: Option<String>,
    /// The id of a user.
    #[serde(default)]
    owner: Option<String>,
    /// The revision that was looked at; of one that is there.
    #[serde(default)]
    revision: Option<i64>,
}

impl ImprovementBody {
    async fn read(self, db: &mut impl Queries, workspace: WorkspaceId) -> Result<Written, Problem> {
        let score = match (self.survey, self.question) {
            (None, None) => None,
            (Some(survey), Some(question)) => {
                let found = surveys::find(db, workspace, &survey).await?;
                let found = found.ok_or_else(|| Problem::invalid("survey", "there is no such survey"))?;
                let asked = surveys::version(db, workspace, found.survey, found.version).await?;
                if asked.as_ref().and_then(|it| it.question(&question)).is_none_or(|it| it.answer.scale().is_none()) {
                    return Err(Problem::invalid(
                        "question",
                        "is a question of the survey that is answered on a scale",
                    ));
                }
                Some((survey, question))
            }
            _ => return Err(Problem::invalid("question", "give the survey and the question, or neither")),
        };
        if let Some(owner) = &self.owner
            && !who_works(db, workspace).await?.0.all.contains(owner)
        {
            return Err(Problem::invalid("owner", "is no user who may work on follow-ups"));
        }
        Ok(Written { title: self.title, phrases: self.phrases, score, owner: self.owner })
    }
}

async fn detail(app: &App, caller: &Caller, row: ImprovementRow) -> Result<ImprovementDetail, Problem> {
    let users = user_names(app, caller.workspace).await?;
    let lines = records::lines(&mut app.installation.store.read(), caller.workspace, &row.id).await?;
    let line = |it: LineRow| ImprovementLine {
        number: it.number,
        at: time(it.at),
        by_name: users.get(&it.by).cloned().unwrap_or(it.by),
        act: it.act,
        text: it.text,
    };
    Ok(ImprovementDetail { log: lines.into_iter().map(line).collect(), improvement: Improvement::of(row, &users) })
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<ImprovementRow, Problem> {
    let found = records::find(&mut app.installation.store.read(), caller.workspace, id).await?;
    found.ok_or_else(|| Problem::not_found("improvement"))
}

/// Lists improvements, the newest first.
#[utoipa::path(get, path = "/api/v1/improvements", security(("caller" = ["view_reports"])), tag = "follow_ups", operation_id = "improvements", responses((status = 200, body = Rows<Improvement>)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Rows<Improvement>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let rows = records::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(|row| Improvement::of(row, &users)).collect() }))
}

/// Proposes an improvement.
#[utoipa::path(post, path = "/api/v1/improvements", security(("caller" = ["answer_feedback"])), tag = "follow_ups", operation_id = "propose_improvement", request_body = ImprovementBody, responses((status = 200, body = ImprovementDetail), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn propose(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ImprovementBody>,
) -> Result<Json<ImprovementDetail>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let installation = &app.installation;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let written = body.read(&mut tx, caller.workspace).await?;
    let with = (&*installation.clock, &*installation.rng);
    let row = service::propose(&mut tx, caller.workspace, with, written, caller.id().as_str()).await?;
    tx.commit().await?;
    Ok(Json(detail(&app, &caller, row).await?))
}

/// Shows an improvement with what was done.
#[utoipa::path(get, path = "/api/v1/improvements/{id}", security(("caller" = ["view_reports"])), tag = "follow_ups", operation_id = "improvement", params(("id" = String, Path)), responses((status = 200, body = ImprovementDetail), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ImprovementDetail>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, &caller, &id).await?;
    Ok(Json(detail(&app, &caller, row).await?))
}

/// Changes what is written of an improvement.
#[utoipa::path(put, path = "/api/v1/improvements/{id}", security(("caller" = ["answer_feedback"])), tag = "follow_ups", operation_id = "edit_improvement", params(("id" = String, Path)), request_body = ImprovementBody, responses((status = 200, body = ImprovementDetail), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<ImprovementBody>,
) -> Result<Json<ImprovementDetail>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let seen = body.revision.ok_or_else(|| Problem::invalid("revision", "say which one was looked at"))?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let written = body.read(&mut tx, caller.workspace).await?;
    let by = (caller.id().as_str(), app.now());
    let row = service::edit(&mut tx, caller.workspace, (&id, seen), written, by).await?;
    tx.commit().await?;
    Ok(Json(detail(&app, &caller, row).await?))
}

/// Something to do with an improvement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImprovementAct {
    /// The revision that was looked at.
    revision: i64,
    /// The state it goes to: `proposed`, `decided`, `changed`, `measured`, `dropped`; or `note`.
    act: String,
    /// What was decided, changed, found or noted.
    #[serde(default)]
    text: String,
    /// Of what was changed: when; otherwise now.
    #[serde(default)]
    changed_at: Option<String>,
}

/// Lets an improvement go on, or notes something beside it.
#[utoipa::path(post, path = "/api/v1/improvements/{id}/act", security(("caller" = ["answer_feedback"])), tag = "follow_ups", operation_id = "act_on_improvement", params(("id" = String, Path)), request_body = ImprovementAct, responses((status = 200, body = ImprovementDetail), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<ImprovementAct>,
) -> Result<Json<ImprovementDetail>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let read = |it: &str| Timestamp::parse(it).ok_or_else(|| Problem::invalid("changed_at", NO_TIME));
    let changed_at = body.changed_at.as_deref().map(read).transpose()?;
    let (workspace, by) = (caller.workspace, (caller.id().as_str(), app.now()));
    let of = (id.as_str(), body.revision);
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = if body.act == "note" {
        service::note(&mut tx, workspace, of, &body.text, by).await?
    } else {
        let to = Stands::parse(&body.act)
            .ok_or_else(|| Problem::invalid("act", "is one of proposed, decided, changed, measured, dropped, note"))?;
        service::go(&mut tx, workspace, of, (to, &body.text, changed_at), by).await?
    };
    tx.commit().await?;
    Ok(Json(detail(&app, &caller, row).await?))
}

/// How long to look.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct EffectQuery {
    /// So many days before the change and after it: 7 to 365; otherwise 90, or as many as have passed.
    days: Option<u32>,
    /// When it is taken to have been changed, where that is not noted: a look ahead.
    changed_at: Option<String>,
}

/// How much of what is written is about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThemeVolume {
    texts: u64,
    about_it: u64,
    share: Option<Ranged>,
}

impl ThemeVolume {
    fn of(it: Volume) -> Self {
        Self { texts: it.texts, about_it: it.with_theme, share: it.share.map(Ranged::of) }
    }
}

/// A score with its interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreShape {
    estimate: f64,
    low: f64,
    high: f64,
    answers: u64,
    /// Fewer than 30 answers: the interval is to be shown before the score.
    few: bool,
}

impl ScoreShape {
    /// Of a score.
    pub fn of(it: &Score) -> Self {
        Self { estimate: it.estimate, low: it.low, high: it.high, answers: it.answers, few: it.few }
    }
}

/// What became of the score.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreEffect {
    survey: String,
    question: String,
    /// `nps`, `top_two`, `mean` or `easy`.
    measure: String,
    before: Option<ScoreShape>,
    after: Option<ScoreShape>,
    /// After less before, with its interval.
    change: Option<Ranged>,
    /// How likely so great a change is by chance.
    p: Option<f64>,
    few: bool,
}

/// What people did, before and after. Amounts are in the workspace's currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeopleEffect {
    people: u64,
    bought_before: Option<Ranged>,
    bought_after: Option<Ranged>,
    spent_before: Option<f64>,
    spent_after: Option<f64>,
}

impl PeopleEffect {
    fn of(it: Deeds) -> Self {
        let units = |micros: Option<f64>| micros.map(|it| it / 1e6);
        Self {
            people: it.people,
            bought_before: it.bought_before.map(Ranged::of),
            bought_after: it.bought_after.map(Ranged::of),
            spent_before: units(it.spent_before),
            spent_after: units(it.spent_after),
        }
    }
}

/// What became of it: the theme, the score, and those who had written about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImprovementEffect {
    /// `association`: other things changed then, too.
    kind: &'static str,
    /// When it was changed.
    changed_at: String,
    /// From when it is looked, and until when.
    from: String,
    to: String,
    /// Only the newest texts were looked at.
    is_cut: bool,
    before: ThemeVolume,
    after: ThemeVolume,
    /// The share after less before, with its interval.
    share_change: Option<Ranged>,
    /// How likely so great a change is by chance.
    share_p: Option<f64>,
    /// Fewer than 30 texts on a side: nothing can be said.
    few_texts: bool,
    score: Option<ScoreEffect>,
    /// Who wrote about it before the change.
    affected: PeopleEffect,
    /// Who wrote about something else.
    others: PeopleEffect,
    /// By how much more what each of the affected spent changed than what each of the others did, with its interval.
    spent_change: Option<Ranged>,
    /// Fewer than 30 people on a side: nothing can be said.
    few_people: bool,
    currency: String,
}

/// Says what became of an improvement: the theme's share of what is written, the score, and what those did who had written about it, before and after, with intervals.
#[utoipa::path(get, path = "/api/v1/improvements/{id}/effect", security(("caller" = ["view_reports"])), tag = "follow_ups", operation_id = "improvement_effect", params(("id" = String, Path), EffectQuery), responses((status = 200, body = ImprovementEffect), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn measure(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<EffectQuery>,
) -> Result<Json<ImprovementEffect>, Problem> {
    caller.require(Permission::ViewReports)?;
    let days = query.days.unwrap_or(90);
    if !(7..=365).contains(&days) {
        return Err(Problem::invalid("days", "is 7 to 365"));
    }
    let row = find(&app, &caller, &id).await?;
    let read = |it: &str| Timestamp::parse(it).ok_or_else(|| Problem::invalid("changed_at", NO_TIME));
    let given = query.changed_at.as_deref().filter(|it| !it.is_empty()).map(read).transpose()?;
    let changed_at = given.or(row.changed_at).ok_or_else(|| {
        Problem::conflict(
            "not_changed",
            "Nothing was changed yet.",
            "Say when it was changed, with `changed_at` or by the act `changed`.",
        )
    })?;
    let stretches = Stretches::new(changed_at, days, app.now()).ok_or_else(|| {
        Problem::conflict("too_soon", "It was changed less than a week ago.", "Look again when a week has passed.")
    })?;
    let mut db = app.installation.store.read();
    let (before, is_cut) = texts(&mut db, caller.workspace, (stretches.from(), changed_at)).await?;
    let (after, is_cut_after) = texts(&mut db, caller.workspace, (changed_at, stretches.to())).await?;
    let theme = Theme::new(&row.phrases.0);
    let read = tokio::task::spawn_blocking(move || -> Vec<Text> {
        let read = |it: &VerbatimRow| Text { person: it.person, at: it.occurred_at, has_theme: theme.is_in(&it.shown) };
        before.iter().chain(&after).map(read).collect()
    });
    let texts = read.await.map_err(Problem::internal)?;
    let context = context(&app.installation, caller.workspace).await?;
    let span = (stretches.from(), stretches.to());
    let paid = orders::paid(&mut db, caller.workspace, context.currency.as_str(), span).await?;
    let found = effect(&texts, &paid, stretches, Confidence::default());
    let score = score(&mut db, caller.workspace, &row, stretches).await?;
    Ok(Json(shape(found, score, (stretches, is_cut || is_cut_after), context.currency.as_str())))
}

fn shape(
    found: Effect,
    score: Option<ScoreEffect>,
    (stretches, is_cut): (Stretches, bool),
    currency: &str,
) -> ImprovementEffect {
    let spent_change = found.spent_change.map(|it| {
        let unit = |micros: f64| micros / 1e6;
        Ranged::between(unit(it.estimate), unit(it.low), unit(it.high))
    });
    ImprovementEffect {
        kind: "association",
        changed_at: time(stretches.changed_at),
        from: time(stretches.from()),
        to: time(stretches.to()),
        is_cut,
        before: ThemeVolume::of(found.before),
        after: ThemeVolume::of(found.after),
        share_change: found.share_change.map(Ranged::of_difference),
        share_p: found.share_change.map(|it| it.p),
        few_texts: found.few_texts,
        score,
        affected: PeopleEffect::of(found.affected),
        others: PeopleEffect::of(found.others),
        spent_change,
        few_people: found.few_people,
        currency: currency.to_owned(),
    }
}

/// What was written in a stretch, and whether that is not all of it.
async fn texts(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (from, to): (Timestamp, Timestamp),
) -> Result<(Vec<VerbatimRow>, bool), Problem> {
    let filter = Filter { from, before: Some(to), ..Filter::default() };
    let rows = verbatims::list(db, workspace, &filter, MOST_TEXTS).await?;
    let is_cut = rows.len() as i64 == MOST_TEXTS;
    Ok((rows, is_cut))
}

/// What became of the score.
async fn score(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    row: &ImprovementRow,
    stretches: Stretches,
) -> Result<Option<ScoreEffect>, Problem> {
    let (Some(key), Some(question)) = (&row.survey, &row.question) else { return Ok(None) };
    let Some(survey) = surveys::find(db, workspace, key).await? else { return Ok(None) };
    let (from, to) = (stretches.from(), stretches.to());
    let which = Which { survey: survey.survey, question, from, to, partial: false, invited: false };
    let periods = vec![from, stretches.changed_at, to];
    let wanted = Wanted { which, by: None, periods, confidence: Confidence::default() };
    let mut found: Vec<Series> = scores(db, workspace, &wanted).await?;
    // Of a question whose scale was changed, the scale with most answers.
    found.sort_by_key(|it| std::cmp::Reverse(it.total.tally.answers()));
    let Some(series) = found.first() else { return Ok(None) };
    let Some((measure, _)) = series.total.scores.first() else { return Ok(None) };
    let of = |place: usize| {
        let scores: BTreeMap<&str, &Score> =
            series.periods.get(place)?.cell.scores.iter().map(|(name, score)| (*name, score)).collect();
        scores.get(measure).map(|score| ScoreShape::of(score))
    };
    let change = series.periods.get(1).and_then(|it| it.change);
    let (before, after) = (of(0), of(1));
    Ok(Some(ScoreEffect {
        survey: key.clone(),
        question: question.clone(),
        measure: (*measure).to_owned(),
        few: [&before, &after].iter().any(|it| it.as_ref().is_none_or(|score| score.few)),
        before,
        after,
        change: change.map(|it| Ranged::of_difference(it.difference)),
        p: change.map(|it| it.difference.p),
    }))
}
