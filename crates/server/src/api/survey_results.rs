//! `/api/v1/surveys/{key}/…`: what the answers of a survey amount to: scores with intervals, by group and over time; the way from everybody who could have been
//! asked to those who answered; wishes; drivers.

mod shapes;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::calendar::Interval;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::Definition;
use rapport_feedback::records::counts::{self, Dimension, Which};
use rapport_feedback::records::invitations;
use rapport_feedback::records::surveys::{self, SurveyRow};
use rapport_feedback::results::{self, Series, Spans, Wanted, When};
use rapport_models::survey::Confidence;
use rapport_models::survey::kano::Evaluation;
use rapport_profiles::records::orders;
use rapport_segments::records::{memberships, segments};
use rapport_store::Queries;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use self::shapes::{BehaviourShape, DriversShape, FunnelShape, ResultsShape, WeightedShape, WishesShape};
use super::questions::context;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(survey_results))
        .routes(routes!(survey_weighted))
        .routes(routes!(survey_funnel))
        .routes(routes!(survey_wishes))
        .routes(routes!(survey_drivers))
        .routes(routes!(survey_behaviour))
}

/// Of segments at most so many at once.
const MOST_SEGMENTS: usize = 30;
/// So many of the latest answers are looked at one by one.
const MOST_GIVEN: i64 = 200_000;
const NO_SCALE: &str = "is a question of the survey that is answered on a scale";

/// A trend has at most so many periods.
const MOST_PERIODS: usize = 120;

/// Which results.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ResultsQuery {
    /// One question; otherwise all that are answered on a scale.
    pub(super) question: Option<String>,
    /// Groups: `channel`, `touchpoint`, `product`, `agent`, `version`, `wave`, `source`, `language` or `segment`.
    by: Option<String>,
    /// Of segments: their keys, with commas between; otherwise all. The latest 200,000 answers of a question are looked at.
    segments: Option<String>,
    /// Of segments: who was in them when they answered, rather than who is now.
    #[serde(default)]
    as_answered: bool,
    /// A trend: `day`, `week`, `month`, `quarter` or `year`, by the workspace's calendar.
    interval: Option<String>,
    /// Answers from this time on; otherwise all, and of a trend the last year or so.
    from: Option<String>,
    /// Answers before this time.
    to: Option<String>,
    /// Also what was left in the middle.
    #[serde(default)]
    pub(super) partial: bool,
    /// How often an interval is to hold the truth; otherwise 0.95.
    confidence: Option<f64>,
    /// Of wishes: `kano`, or `pouliot` for the table in which two more answers contradict each other.
    table: Option<String>,
}

impl ResultsQuery {
    fn dimension(&self) -> Result<Option<Dimension>, Problem> {
        let Some(word) = self.by.as_deref().filter(|_| !self.by_segment()) else { return Ok(None) };
        let known = || Dimension::ALL.map(Dimension::as_str).join(", ");
        Dimension::parse(word)
            .map(Some)
            .ok_or_else(|| Problem::invalid("by", format!("is one of {}, segment", known())))
    }

    fn by_segment(&self) -> bool {
        self.by.as_deref() == Some("segment")
    }

    fn interval(&self) -> Result<Option<Interval>, Problem> {
        let word = |it: &str| match it {
            "day" => Some(Interval::Day),
            "week" => Some(Interval::Week),
            "month" => Some(Interval::Month),
            "quarter" => Some(Interval::Quarter),
            "year" => Some(Interval::Year),
            _ => None,
        };
        let Some(it) = &self.interval else { return Ok(None) };
        word(it).map(Some).ok_or_else(|| Problem::invalid("interval", "is one of day, week, month, quarter, year"))
    }

    pub(super) fn confidence(&self) -> Result<Confidence, Problem> {
        let Some(share) = self.confidence else { return Ok(Confidence::default()) };
        // Beyond, an interval is everything or nothing.
        let share = Some(share).filter(|it| (0.5..=0.999).contains(it));
        share.and_then(Confidence::new).ok_or_else(|| Problem::invalid("confidence", "is 0.5 to 0.999"))
    }

    fn evaluation(&self) -> Result<Evaluation, Problem> {
        match self.table.as_deref() {
            None | Some("kano") => Ok(Evaluation::Kano),
            Some("pouliot") => Ok(Evaluation::Pouliot),
            Some(_) => Err(Problem::invalid("table", "is kano or pouliot")),
        }
    }

    /// From when until before when; a trend without a beginning begins about a year of its intervals ago.
    pub(super) fn span(&self, interval: Option<Interval>, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
        let instant = |name: &str, text: &Option<String>| match text {
            Some(text) => Timestamp::parse(text)
                .map(Some)
                .ok_or_else(|| Problem::invalid(name, "is a time such as 2026-11-01T00:00:00Z")),
            None => Ok(None),
        };
        let to = instant("to", &self.to)?.unwrap_or(now.plus(Timestamp::SECOND));
        let days = match interval {
            None => to.0.max(0) / Timestamp::DAY + 1,
            Some(Interval::Hour | Interval::Day) => 30,
            Some(Interval::Week) => 12 * 7,
            Some(Interval::Month) => 365,
            Some(Interval::Quarter) => 3 * 365,
            Some(Interval::Year) => 5 * 365,
        };
        let from = instant("from", &self.from)?.unwrap_or(to.plus(-days * Timestamp::DAY));
        if from >= to {
            return Err(Problem::invalid("to", "lies after `from`"));
        }
        Ok((from, to))
    }
}

/// A survey by its key, and what it asks: the version that people answer, or else the latest.
pub(super) async fn found(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    key: &str,
) -> Result<(SurveyRow, Definition), Problem> {
    let row = surveys::find(db, workspace, key).await?.ok_or_else(|| Problem::not_found("survey"))?;
    let version = row.published.unwrap_or(row.version);
    let definition = surveys::version(db, workspace, row.survey, version).await?;
    Ok((row, definition.ok_or_else(|| Problem::not_found("survey"))?))
}

/// The questions that are answered on a scale.
pub(super) fn on_a_scale(definition: &Definition) -> impl Iterator<Item = &str> {
    definition.questions().filter(|it| it.answer.scale().is_some()).map(|it| it.key.as_str())
}

/// Questions that are answered from a list.
fn of_choices(definition: &Definition) -> impl Iterator<Item = &str> {
    let lists = ["single", "multiple", "matrix", "ranking", "consent"];
    let own = definition.questions().filter(move |it| it.answer.scale().is_none() && lists.contains(&it.answer.kind()));
    own.map(|it| it.key.as_str())
}

/// Scores of a survey's questions with their intervals, in all, by group, and over time. A question that was asked on several scales has a row for each; one
/// that is answered from a list a row for each choice, with the share that chose it (not by segment).
#[utoipa::path(get, path = "/api/v1/surveys/{key}/results", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_results", params(("key" = String, Path), ResultsQuery), responses((status = 200, body = ResultsShape), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn survey_results(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<ResultsQuery>,
) -> Result<Json<ResultsShape>, Problem> {
    caller.require(Permission::ViewReports)?;
    let (by, interval, confidence) = (query.dimension()?, query.interval()?, query.confidence()?);
    let (from, to) = query.span(interval, app.now())?;
    let mut db = app.installation.store.read();
    let (row, definition) = found(&mut db, caller.workspace, &key).await?;
    let mut periods = Vec::new();
    if let Some(interval) = interval {
        let calendar = context(&app.installation, caller.workspace).await?.calendar;
        periods = calendar.starts(interval, from, to, MOST_PERIODS);
        if periods.len() > MOST_PERIODS {
            return Err(Problem::invalid(
                "interval",
                format!("gives more than {MOST_PERIODS} periods; choose a longer one"),
            ));
        }
    }
    let questions: Vec<&str> = match &query.question {
        Some(one) => vec![one.as_str()],
        None => on_a_scale(&definition).chain(of_choices(&definition)).collect(),
    };
    let of_choices: Vec<&str> = of_choices(&definition).collect();
    let segments =
        if query.by_segment() { Some(spans(&mut db, caller.workspace, &query, app.now()).await?) } else { None };
    let mut rows = Vec::new();
    for question in questions {
        let which = Which { survey: row.survey, question, from, to, partial: query.partial, invited: false };
        let wanted = Wanted { which, by, periods: periods.clone(), confidence };
        let series = match &segments {
            None if of_choices.contains(&question) => results::choices(&mut db, caller.workspace, &wanted).await?,
            None => results::scores(&mut db, caller.workspace, &wanted).await?,
            Some((known, when)) => by_segment(&mut db, caller.workspace, &wanted, known, *when).await?,
        };
        rows.extend(series.into_iter().map(|it| shapes::series(question, it)));
    }
    Ok(Json(ResultsShape { from: query.from.map(|_| super::wire::time(from)), to: super::wire::time(to), rows }))
}

/// The segments that were asked for with who is and was in them, and when somebody has to be.
async fn spans(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    query: &ResultsQuery,
    now: Timestamp,
) -> Result<(Vec<(String, Spans)>, When), Problem> {
    let asked: Option<Vec<&str>> = query.segments.as_deref().map(|it| it.split(',').map(str::trim).collect());
    let all = segments::all(db, workspace).await?;
    if let Some(unknown) = asked.iter().flatten().find(|key| all.iter().all(|it| it.key != **key)) {
        return Err(Problem::invalid("segments", format!("has no segment `{unknown}`")));
    }
    let mut known = Vec::new();
    for row in all.into_iter().filter(|it| asked.as_ref().is_none_or(|asked| asked.contains(&it.key.as_str()))) {
        if known.len() == MOST_SEGMENTS {
            return Err(Problem::invalid("segments", format!("are at most {MOST_SEGMENTS}; say which")));
        }
        let spans = memberships::spans_of(db, workspace, row.segment).await?;
        known.push((row.key, spans));
    }
    Ok((known, if query.as_answered { When::Answered } else { When::At(now) }))
}

/// The scores of a question by segment.
async fn by_segment(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wanted: &Wanted<'_>,
    known: &[(String, Spans)],
    when: When,
) -> Result<Vec<Series>, Problem> {
    let given = counts::given(db, workspace, wanted.which, MOST_GIVEN).await?;
    let periods = results::by_period(db, workspace, wanted).await?;
    let (all, groups) = (results::segments::all(&given), results::segments::counted(&given, known, when));
    Ok(results::series_of(&all, Some(&groups), &periods, wanted.confidence))
}

/// What those did who answered.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct BehaviourQuery {
    /// The question by which people are told apart; otherwise the first on a scale.
    question: Option<String>,
    /// Answers from this time on; otherwise all.
    from: Option<String>,
    /// Answers before this time.
    to: Option<String>,
    /// What was paid within so many days of the answer; otherwise 90.
    days: Option<u32>,
}

/// What promoters, passives and detractors spent after they said so: who bought, what each spent on average, and how much more than detractors, with intervals. Each
/// person counts once, by their first answer, when the days after it are over. It went with the answer; what the answer caused is not known.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/behaviour", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_behaviour", params(("key" = String, Path), BehaviourQuery), responses((status = 200, body = BehaviourShape), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn survey_behaviour(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<BehaviourQuery>,
) -> Result<Json<BehaviourShape>, Problem> {
    caller.require(Permission::ViewReports)?;
    let days = query.days.unwrap_or(90);
    if !(1..=730).contains(&days) {
        return Err(Problem::invalid("days", "is 1 to 730"));
    }
    let span = ResultsQuery { from: query.from, to: query.to, ..ResultsQuery::default() };
    let (from, to) = span.span(None, app.now())?;
    let mut db = app.installation.store.read();
    let (row, definition) = found(&mut db, caller.workspace, &key).await?;
    let scales: Vec<&str> = on_a_scale(&definition).collect();
    let question = query.question.as_deref().or(scales.first().copied()).filter(|it| scales.contains(it));
    let question = question.ok_or_else(|| Problem::invalid("question", NO_SCALE))?;
    let which = Which { survey: row.survey, question, from, to, partial: false, invited: false };
    let given = counts::given(&mut db, caller.workspace, which, MOST_GIVEN).await?;
    let context = context(&app.installation, caller.workspace).await?;
    let first = given.first().map_or(to, |it| it.answered_at);
    let until = app.now().min(to.plus(i64::from(days) * Timestamp::DAY));
    let paid = orders::paid(&mut db, caller.workspace, context.currency.as_str(), (first, until)).await?;
    let found = results::behaviour(&given, &paid, (days, app.now()), Confidence::default());
    Ok(Json(BehaviourShape::of(question, days, context.currency.as_str(), &found)))
}

/// Scores weighted for who did not answer: each group of those who were invited (`by`, otherwise touchpoint) counts for as many as were reached. The answers are then
/// worth fewer, which the design effect says; it corrects for these groups and for nothing else. Only answers to invitations count.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/weighted", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_weighted", params(("key" = String, Path), ResultsQuery), responses((status = 200, body = Rows<WeightedShape>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn survey_weighted(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<ResultsQuery>,
) -> Result<Json<Rows<WeightedShape>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let by = query.dimension()?.unwrap_or(Dimension::Touchpoint);
    if query.by_segment() || matches!(by, Dimension::Language | Dimension::Source) {
        return Err(Problem::invalid("by", "is one of channel, touchpoint, product, agent, version, wave"));
    }
    let confidence = query.confidence()?;
    let (from, to) = query.span(None, app.now())?;
    let mut db = app.installation.store.read();
    let (row, definition) = found(&mut db, caller.workspace, &key).await?;
    let questions = on_a_scale(&definition).filter(|it| query.question.as_deref().is_none_or(|one| one == *it));
    let mut rows = Vec::new();
    for question in questions {
        let which = Which { survey: row.survey, question, from, to, partial: query.partial, invited: true };
        let wanted = Wanted { which, by: Some(by), periods: Vec::new(), confidence };
        let found = results::reweighted(&mut db, caller.workspace, &wanted, by).await?;
        rows.extend(found.into_iter().map(|it| shapes::weighted(question, it)));
    }
    Ok(Json(Rows { rows }))
}

/// Which wave.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct FunnelQuery {
    /// One round of asking; otherwise all together.
    wave: Option<i64>,
}

/// The way from everybody who could have been asked to those who answered: sampled out, suppressed by reason, invited, delivered, opened, answered.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/funnel", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_funnel", params(("key" = String, Path), FunnelQuery), responses((status = 200, body = FunnelShape), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn survey_funnel(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<FunnelQuery>,
) -> Result<Json<FunnelShape>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let (row, _) = found(&mut db, caller.workspace, &key).await?;
    let rows = invitations::funnel(&mut db, caller.workspace, row.survey).await?;
    let own = rows.iter().filter(|it| query.wave.is_none_or(|wave| it.wave == wave));
    Ok(Json(FunnelShape::of(results::Funnel::of(own, Confidence::default()))))
}

/// What people make of a wish (Kano): category and strength, Better and Worse with intervals, the continuous variant; by group.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/wishes", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_wishes", params(("key" = String, Path), ResultsQuery), responses((status = 200, body = WishesShape), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn survey_wishes(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<ResultsQuery>,
) -> Result<Json<WishesShape>, Problem> {
    caller.require(Permission::ViewReports)?;
    let (by, with) = (query.dimension()?, (query.evaluation()?, query.confidence()?));
    let (from, to) = query.span(None, app.now())?;
    let mut db = app.installation.store.read();
    let (row, definition) = found(&mut db, caller.workspace, &key).await?;
    let kano = definition.questions().filter(|it| it.answer.kind() == "kano").map(|it| it.key.as_str());
    let questions: Vec<&str> = match &query.question {
        Some(one) => vec![one.as_str()],
        None => kano.collect(),
    };
    let mut rows = Vec::new();
    for question in questions {
        let which = Which { survey: row.survey, question, from, to, partial: query.partial, invited: false };
        let found = results::wishes(&mut db, caller.workspace, which, by, with).await?;
        rows.extend(found.map(|it| shapes::wish(question, it)));
    }
    Ok(Json(WishesShape { rows }))
}

/// Which score, and what may drive it.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct DriversQuery {
    /// The question whose answers are to be explained; otherwise the first on a scale.
    score: Option<String>,
    /// Answers from this time on; otherwise all.
    from: Option<String>,
    /// Answers before this time.
    to: Option<String>,
}

/// What a score goes with: every other question on a scale, with its importance, its interval, and how well it is done. Association, not cause.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/drivers", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_drivers", params(("key" = String, Path), DriversQuery), responses((status = 200, body = DriversShape), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn survey_drivers(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<DriversQuery>,
) -> Result<Json<DriversShape>, Problem> {
    caller.require(Permission::ViewReports)?;
    let span = ResultsQuery { from: query.from, to: query.to, ..ResultsQuery::default() }.span(None, app.now())?;
    let mut db = app.installation.store.read();
    let (row, definition) = found(&mut db, caller.workspace, &key).await?;
    let scales: Vec<&str> = on_a_scale(&definition).collect();
    let score = query.score.as_deref().or(scales.first().copied());
    let score = score.filter(|it| scales.contains(it));
    let score = score.ok_or_else(|| Problem::invalid("score", NO_SCALE))?;
    let (score, questions) = (score.to_owned(), scales.iter().map(|it| (*it).to_owned()).collect());
    let numbers = results::numbers(&mut db, caller.workspace, (row.survey, questions), span, None).await?;
    let drivers = move || {
        let set = numbers.drivers(&score, Confidence::default());
        (score, set)
    };
    let (score, set) = tokio::task::spawn_blocking(drivers).await.map_err(Problem::internal)?;
    Ok(Json(DriversShape::of(&score, set)))
}
