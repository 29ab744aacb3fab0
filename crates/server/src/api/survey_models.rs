//! `/api/v1/surveys/{key}/model`, its people, and `/styles`: satisfaction and loyalty as a model of causes that somebody draws, and whether groups use scales alike.
//!
//! Always holds: nothing is kept; a model that cannot be fitted says why, by the blocks and questions that were named.

mod people;

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_feedback::Definition;
use rapport_feedback::records::counts::Dimension;
use rapport_feedback::results::loyalty::usual::{LeftOut, Usual, is_of_models};
use rapport_feedback::results::loyalty::{Block, Drawn, Fitted, Whole};
use rapport_feedback::results::styles::{Styled, Styles};
use rapport_feedback::results::{self, Numbers};
use rapport_models::survey::Confidence;
use rapport_models::survey::paths::{Invariance, Mode, Scheme, Unfit};
use rapport_models::survey::style::{Contrast, Style};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::{given, instant};
use super::survey_results::{found, on_a_scale};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;

const MOST_BLOCKS: usize = 20;
const MOST_PATHS: usize = 100;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(survey_model))
        .routes(routes!(people::survey_model_people))
        .routes(routes!(survey_styles))
}

/// A model to be fitted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelBody {
    /// Blocks of questions. Left out, those of the satisfaction index, of questions whose keys begin with `image_`, `expectation_`, `quality_`, `value_`, `satisfaction_`,
    /// `complaint_` or `loyalty_`, or that are called `complained`, with its paths; what would cost too many answers is left out of it.
    blocks: Option<Vec<BlockBody>>,
    /// From one block to another, by their keys.
    paths: Option<Vec<PathBody>>,
    /// `path` (unless said), `centroid` or `factorial`.
    scheme: Option<String>,
    /// Compares a group with everybody else: by `language`, `channel`, `touchpoint`, `product`, `agent`, `version`, `wave` or `source`.
    by: Option<String>,
    /// Which group.
    group: Option<String>,
    /// Answers from this time on (RFC 3339); otherwise all.
    from: Option<String>,
    /// Answers before this time.
    to: Option<String>,
}

/// A block.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockBody {
    key: String,
    /// Keys of questions that are answered on a scale, or by a choice of two that stand for 0 and 1.
    questions: Vec<String>,
    /// `reflective` (unless said): the questions are signs of it; `formative`: they make it up.
    #[serde(default)]
    mode: Option<String>,
}

/// A path.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PathBody {
    from: String,
    to: String,
}

/// A figure with its interval.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct FigureShape {
    estimate: f64,
    /// Null where no sample drawn again could be fitted.
    low: Option<f64>,
    high: Option<f64>,
}

/// A fitted model.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelShape {
    /// People who answered all of its questions.
    answers: u64,
    /// People left out, because they answered some of its questions, but not all.
    incomplete: u64,
    /// Questions of the usual model that are not in it, so that the others rest on those who answered them. Empty of a model that was drawn.
    left_out: Vec<LeftOutShape>,
    /// Older answers were not read, because there are too many.
    latest_only: bool,
    blocks: Vec<BlockShape>,
    paths: Vec<PathShape>,
    /// Pairs of blocks that can hardly be told apart (from 0.85 on), and all others.
    apart: Vec<ApartShape>,
    /// Whether the whole model holds, by covariances; null where that cannot be said.
    whole: Option<WholeShape>,
    /// Why it cannot be said.
    whole_fault: Option<String>,
}

/// How well the whole model fits the covariances of the answers, by maximum likelihood.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeShape {
    /// `well` (CFI from .95, RMSEA up to .06, SRMR up to .08), `fairly` (.90, .08, .10), `no`, or `untested`: anything would fit.
    holds: &'static str,
    chi_square: f64,
    degrees_of_freedom: u32,
    /// The probability of so large a chi-square if the model is right; with many people small differences make it small.
    p: Option<f64>,
    /// Bentler's comparative fit index.
    cfi: f64,
    /// Tucker and Lewis's index.
    tli: f64,
    /// The error of approximation, with its interval of 90 %.
    rmsea: Option<FigureShape>,
    /// The standardised root mean square residual.
    srmr: f64,
    /// Whether a variance is below zero or a correlation beyond one.
    impossible: bool,
}

/// A question that is not in the usual model, though it belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftOutShape {
    question: String,
    block: &'static str,
    /// How many answered it, of all who answered any of these questions.
    answered: u64,
    people: u64,
    /// `asked_of_some`: it was shown to some alone, by what they said before, and would leave none but those; `left_blank`: most did not answer it; `alike`: everybody
    /// said the same.
    why: &'static str,
}

/// A block as it was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockShape {
    key: String,
    questions: Vec<IndicatorShape>,
    /// From 0 to 100, as in the American Customer Satisfaction Index.
    index: Option<FigureShape>,
    /// How much of it those that lead to it explain; null where none does.
    r_squared: Option<FigureShape>,
    /// Cronbach's alpha, composite reliability and ρA: from 0.7. Null of a single question.
    alpha: Option<f64>,
    composite_reliability: Option<f64>,
    rho_a: Option<f64>,
    /// From 0.5.
    variance_extracted: Option<f64>,
    /// What the group and everybody else have in common in it; null where no group was named.
    compared: Option<ComparedShape>,
}

/// A question of a block.
#[derive(Debug, Serialize, ToSchema)]
pub struct IndicatorShape {
    question: String,
    /// How many answered it, whether they are in the model or not.
    answered: u64,
    weight: f64,
    loading: f64,
}

/// What one block does to another.
#[derive(Debug, Serialize, ToSchema)]
pub struct PathShape {
    from: String,
    to: String,
    /// Null where no path was drawn between them.
    path: Option<FigureShape>,
    /// Along all paths.
    total_effect: FigureShape,
    /// The same path by covariances, corrected for what questions measure badly; null where no path was drawn, or it could not be fitted so.
    by_covariances: Option<FigureShape>,
    /// By covariances it can hardly be told from the other paths to the same block: its single number says nothing.
    hardly_apart: bool,
}

/// How far two blocks can be told apart.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApartShape {
    one: String,
    other: String,
    /// The heterotrait-monotrait ratio.
    ratio: FigureShape,
}

/// Whether a block may be compared between a group and everybody else (MICOM).
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparedShape {
    /// It is made up alike: paths may be compared.
    paths: bool,
    /// Means and variances are alike too: scores may be compared.
    scores: bool,
    /// The correlation of the scores by either's weights, and what it has to be at least.
    correlation: f64,
    least: f64,
    /// The mean of the group less that of the others, in standard deviations, and between what chance puts it.
    means: f64,
    means_low: f64,
    means_high: f64,
}

/// Fits a model of causes to the answers of a survey: weights, paths, indices from 0 to 100, all with intervals, by partial least squares. What it assumes is the
/// paths that were drawn; it does not say that they are causes.
#[utoipa::path(post, path = "/api/v1/surveys/{key}/model", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_model", params(("key" = String, Path)), request_body = ModelBody, responses((status = 200, body = ModelShape), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn survey_model(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<ModelBody>,
) -> Result<Json<ModelShape>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let (row, definition) = found(&mut db, caller.workspace, &key).await?;
    let asked = asked(&body, &definition)?;
    let scheme = scheme(&body)?;
    let by = dimension(body.by.as_deref())?;
    if by.is_some() != body.group.is_some() {
        return Err(Problem::invalid("group", "goes with `by`: say both or neither"));
    }
    let span = span(body.from.as_deref(), body.to.as_deref(), app.now())?;
    let numbers = results::numbers(&mut db, caller.workspace, (row.survey, asked.questions()), span, by).await?;
    let fitted = tokio::task::spawn_blocking(move || asked.fitted(&numbers, scheme, body.group.as_deref()));
    let fitted = fitted.await.map_err(Problem::internal)?;
    fitted.map(Json).map_err(|why| Problem::invalid("model", why))
}

fn scheme(body: &ModelBody) -> Result<Scheme, Problem> {
    match body.scheme.as_deref() {
        None | Some("path") => Ok(Scheme::Path),
        Some("centroid") => Ok(Scheme::Centroid),
        Some("factorial") => Ok(Scheme::Factorial),
        Some(_) => Err(Problem::invalid("scheme", "is path, centroid or factorial")),
    }
}

/// What is to be fitted.
enum Model {
    Usual(Usual),
    Drawn(Drawn),
}

impl Model {
    fn questions(&self) -> Vec<String> {
        match self {
            Self::Usual(usual) => usual.questions(),
            Self::Drawn(drawn) => drawn.questions(),
        }
    }

    /// Fits it; or says why it cannot be.
    fn fitted(self, numbers: &Numbers, scheme: Scheme, group: Option<&str>) -> Result<ModelShape, String> {
        match self {
            Self::Usual(usual) => {
                let fitted = numbers.usual_fitted(&usual, scheme, group, Confidence::default());
                let it = fitted.map_err(|why| unfit(why, &[], &usual.questions()))?;
                Ok(ModelShape::of(&it.drawn, &it.fitted, numbers, &it.left_out))
            }
            Self::Drawn(drawn) => {
                let fitted = numbers.fitted(&drawn, scheme, group, Confidence::default());
                let fitted = fitted.map_err(|why| unfit(why, &drawn.blocks, &drawn.questions()))?;
                Ok(ModelShape::of(&drawn, &fitted, numbers, &[]))
            }
        }
    }
}

fn asked(body: &ModelBody, definition: &Definition) -> Result<Model, Problem> {
    let Some(blocks) = body.blocks.as_ref().filter(|it| !it.is_empty()) else {
        let none =
            "is needed: say its blocks and paths, as this survey does not ask for those of the satisfaction index";
        return Usual::of(definition).map(Model::Usual).ok_or_else(|| Problem::invalid("blocks", none));
    };
    drawn(blocks, body.paths.as_deref().unwrap_or_default(), definition).map(Model::Drawn)
}

fn drawn(asked: &[BlockBody], arrows: &[PathBody], definition: &Definition) -> Result<Drawn, Problem> {
    if asked.len() > MOST_BLOCKS || arrows.len() > MOST_PATHS {
        return Err(Problem::invalid("blocks", format!("are at most {MOST_BLOCKS}, with {MOST_PATHS} paths")));
    }
    let mut blocks = Vec::new();
    for it in asked {
        let fits = |key: &&String| definition.question(key).is_some_and(is_of_models);
        if let Some(other) = it.questions.iter().find(|key| !fits(key)) {
            return Err(Problem::invalid("blocks", format!("has `{other}`, which is no question on a scale")));
        }
        let mode = match it.mode.as_deref() {
            None | Some("reflective") => Mode::Reflective,
            Some("formative") => Mode::Formative,
            Some(_) => return Err(Problem::invalid("blocks", "have the mode reflective or formative")),
        };
        blocks.push(Block { key: it.key.clone(), questions: it.questions.clone(), mode });
    }
    let place = |key: &str| {
        let at = blocks.iter().position(|it| it.key == key);
        at.ok_or_else(|| Problem::invalid("paths", format!("has `{key}`, which is no block")))
    };
    let paths = arrows.iter().map(|it| Ok((place(&it.from)?, place(&it.to)?))).collect::<Result<_, Problem>>()?;
    Ok(Drawn { blocks, paths })
}

fn dimension(by: Option<&str>) -> Result<Option<Dimension>, Problem> {
    let known = || Dimension::ALL.map(Dimension::as_str).join(", ");
    let parse = |word| Dimension::parse(word).ok_or_else(|| Problem::invalid("by", format!("is one of {}", known())));
    by.map(parse).transpose()
}

fn span(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
    let read = |field, value: Option<&str>| instant(field, given(&value.map(str::to_owned)));
    let from = read("from", from)?.unwrap_or(Timestamp(i64::MIN));
    Ok((from, read("to", to)?.unwrap_or_else(|| now.plus(1))))
}

/// Why a model cannot be fitted, in the words in which it was drawn.
fn unfit(why: Unfit, blocks: &[Block], questions: &[String]) -> String {
    let block = |at: usize| blocks.get(at).map_or_else(|| at.to_string(), |it| it.key.clone());
    let question = |at: usize| questions.get(at).cloned().unwrap_or_else(|| at.to_string());
    match why {
        Unfit::NoQuestion(at) => format!("has no question in `{}`", block(at)),
        Unfit::Shared(at) => format!("has `{}` in two blocks", question(at)),
        Unfit::Alone(at) => format!("has `{}` on no path", block(at)),
        Unfit::NoVariance(at) => format!("cannot be fitted: everybody answered `{}` alike", question(at)),
        Unfit::TooFew => "cannot be fitted: there are not more complete answers than questions".to_owned(),
        Unfit::NoPath(_) => "has a path that ends where it began".to_owned(),
        Unfit::Circle => "has paths in a circle".to_owned(),
        Unfit::NotConverged => "cannot be fitted: its weights do not settle".to_owned(),
    }
}

fn figure(estimate: f64, between: Option<(f64, f64)>) -> FigureShape {
    FigureShape { estimate, low: between.map(|it| it.0), high: between.map(|it| it.1) }
}

impl ModelShape {
    fn of(drawn: &Drawn, it: &Fitted, numbers: &Numbers, left_out: &[LeftOut]) -> Self {
        let (answered, people) = numbers.answered();
        let key = |at: usize| drawn.blocks[at].key.clone();
        let n = drawn.blocks.len();
        let pairs = || (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        let whole = it.whole.as_ref().ok();
        let path = |(i, j): (usize, usize)| {
            let total = it.fit.total_effects[i][j];
            let is_drawn = drawn.paths.contains(&(i, j));
            (is_drawn || total != 0.0).then(|| PathShape {
                from: key(i),
                to: key(j),
                path: is_drawn.then(|| figure(it.fit.coefficients[i][j], it.intervals.coefficients[i][j])),
                total_effect: figure(total, it.intervals.total_effects[i][j]),
                by_covariances: whole.and_then(|it| covariances(it, (i, j))),
                hardly_apart: whole.is_some_and(|it| it.hardly_apart.contains(&(i, j))),
            })
        };
        let apart = |(i, j): (usize, usize)| {
            let ratio = it.fit.heterotrait_monotrait(i, j).filter(|_| i < j)?;
            let ratio = figure(ratio, it.intervals.heterotrait_monotrait[i][j]);
            Some(ApartShape { one: key(i), other: key(j), ratio })
        };
        let mut apart: Vec<ApartShape> = pairs().filter_map(apart).collect();
        apart.sort_by(|a, b| b.ratio.estimate.total_cmp(&a.ratio.estimate));
        Self {
            answers: it.fit.answers,
            incomplete: it.fit.incomplete,
            left_out: left_out.iter().map(|it| LeftOutShape::of(it, people)).collect(),
            latest_only: numbers.latest_only,
            blocks: (0..n).map(|at| BlockShape::of(drawn, it, &answered, at)).collect(),
            paths: pairs().filter_map(path).collect(),
            apart,
            whole: whole.map(WholeShape::of),
            whole_fault: it.whole.as_ref().err().map(ToString::to_string),
        }
    }
}

/// A path by covariances.
fn covariances(whole: &Whole, path: (usize, usize)) -> Option<FigureShape> {
    let (_, found) = whole.paths.iter().find(|it| it.0 == path)?;
    Some(figure(found.value, Some((found.low, found.high))))
}

impl WholeShape {
    fn of(it: &Whole) -> Self {
        let measures = &it.measures;
        Self {
            holds: it.holds.as_str(),
            chi_square: measures.chi_square,
            degrees_of_freedom: measures.degrees_of_freedom,
            p: measures.p,
            cfi: measures.cfi,
            tli: measures.tli,
            rmsea: measures.rmsea.map(|it| figure(it.value, Some((it.low, it.high)))),
            srmr: measures.srmr,
            impossible: it.impossible,
        }
    }
}

impl LeftOutShape {
    fn of(it: &LeftOut, people: u64) -> Self {
        let question = it.question.clone();
        Self { question, block: it.block, answered: it.answered, people, why: it.why.as_str() }
    }
}

impl BlockShape {
    fn of(drawn: &Drawn, it: &Fitted, answered: &BTreeMap<&str, u64>, at: usize) -> Self {
        let block = &drawn.blocks[at];
        let before: usize = drawn.blocks[..at].iter().map(|it| it.questions.len()).sum();
        let indicator = |(place, question): (usize, &String)| IndicatorShape {
            question: question.clone(),
            answered: answered.get(question.as_str()).copied().unwrap_or_default(),
            weight: it.fit.weights[at][place],
            loading: it.fit.loadings[before + place][at],
        };
        let reliability = it.fit.reliability(at);
        Self {
            key: block.key.clone(),
            questions: block.questions.iter().enumerate().map(indicator).collect(),
            index: it.fit.index(at, 0.0, 100.0).map(|own| figure(own, it.intervals.indices[at])),
            r_squared: it.fit.r_squared[at].map(|own| figure(own, it.intervals.r_squared[at])),
            alpha: reliability.map(|it| it.alpha),
            composite_reliability: reliability.map(|it| it.composite),
            rho_a: reliability.map(|it| it.rho_a).filter(|it| it.is_finite()),
            variance_extracted: reliability.map(|it| it.variance_extracted),
            compared: it.invariance.as_ref().map(|all| ComparedShape::of(&all[at])),
        }
    }
}

impl ComparedShape {
    const fn of(it: &Invariance) -> Self {
        Self {
            paths: it.compositional,
            scores: it.full,
            correlation: it.correlation,
            least: it.least,
            means: it.means,
            means_low: it.means_between.0,
            means_high: it.means_between.1,
        }
    }
}

/// Whose styles.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct StylesQuery {
    /// Groups: `language` (unless said), `channel`, `touchpoint`, `product`, `agent`, `version`, `wave` or `source`.
    by: Option<String>,
    /// Answers from this time on (RFC 3339); otherwise all.
    from: Option<String>,
    /// Answers before this time.
    to: Option<String>,
}

/// How groups answer, whatever they are asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct StylesShape {
    /// The least and the most of the scale that is looked at, which most answers are on; null without answers.
    low: Option<i32>,
    high: Option<i32>,
    /// The questions on it. A dozen about different things show style; a few about one thing show what people think of it.
    questions: Vec<String>,
    /// The largest first.
    groups: Vec<StyledShape>,
}

/// A group against everybody who is not in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct StyledShape {
    /// Which; null for those of whom it is not known.
    key: Option<String>,
    people: usize,
    /// Whether its scores may be compared with those of the others as they are; null where either side has fewer than 30 people and nothing differs.
    comparable: Option<bool>,
    styles: Vec<StyleShape>,
}

/// One way of answering.
#[derive(Debug, Serialize, ToSchema)]
pub struct StyleShape {
    /// `agreeing`, `disagreeing`, `ends` or `middle`.
    style: &'static str,
    /// The mean share of such answers in the group, and among the others.
    share: f64,
    share_of_others: f64,
    /// The difference with its interval; null where nothing varies.
    difference: Option<FigureShape>,
    /// In standard deviations of persons (Hedges' g).
    size: f64,
    /// The share of false findings if this one is called a finding.
    q: Option<f64>,
    /// More than chance, and more than a fifth of a standard deviation.
    differs: bool,
}

/// Says whether groups use scales alike, which is asked before scores of two countries or languages are compared.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/styles", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_styles", params(("key" = String, Path), StylesQuery), responses((status = 200, body = StylesShape), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn survey_styles(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<StylesQuery>,
) -> Result<Json<StylesShape>, Problem> {
    caller.require(Permission::ViewReports)?;
    let by = dimension(query.by.as_deref())?.unwrap_or(Dimension::Language);
    let span = span(query.from.as_deref(), query.to.as_deref(), app.now())?;
    let mut db = app.installation.store.read();
    let (row, definition) = found(&mut db, caller.workspace, &key).await?;
    let questions = on_a_scale(&definition).map(str::to_owned).collect();
    let numbers = results::numbers(&mut db, caller.workspace, (row.survey, questions), span, Some(by)).await?;
    let styles = tokio::task::spawn_blocking(move || numbers.styles(Confidence::default()));
    Ok(Json(StylesShape::of(styles.await.map_err(Problem::internal)?)))
}

impl StylesShape {
    fn of(styles: Option<Styles>) -> Self {
        let Some(it) = styles else {
            return Self { low: None, high: None, questions: Vec::new(), groups: Vec::new() };
        };
        Self {
            low: Some(*it.scale.values().start()),
            high: Some(*it.scale.values().end()),
            questions: it.questions,
            groups: it.groups.into_iter().map(StyledShape::of).collect(),
        }
    }
}

impl StyledShape {
    fn of(it: Styled) -> Self {
        let comparable = it.comparable();
        Self { key: it.key, people: it.people, comparable, styles: it.contrasts.iter().map(StyleShape::of).collect() }
    }
}

impl StyleShape {
    fn of(it: &Contrast) -> Self {
        let style = match it.style {
            Style::Acquiescence => "agreeing",
            Style::Disacquiescence => "disagreeing",
            Style::Extreme => "ends",
            Style::Middling => "middle",
        };
        Self {
            style,
            share: it.shares.0,
            share_of_others: it.shares.1,
            difference: it.difference.map(|it| figure(it.estimate, Some((it.low, it.high)))),
            size: it.size,
            q: it.q,
            differs: it.differs,
        }
    }
}
