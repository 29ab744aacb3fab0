//! `/api/v1/surveys/{key}/brand`: how far people are on the way to one's own brand, and to those of competitors; by wave.

use crate::http::route::routes;
use axum::extract::State;
use rapport_feedback::records::picked::picked;
use rapport_feedback::results::brand::{At, Brand, InWave, Part, Way, brands};
use rapport_models::survey::Confidence;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::{given, instant};
use super::shapes::ChangeShape;
use super::survey_results::found;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;
use rapport_domain::Timestamp;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(survey_brand))
}

/// So many choices are read.
const MOST: i64 = 1_000_000;

/// Which steps, and of which time.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct BrandQuery {
    /// The questions that are steps, in order, with commas between; otherwise those of `aided`, `familiar`, `considered`, `bought`, `preferred`, `recommended` that the
    /// survey has. Each is answered by choosing brands.
    steps: Option<String>,
    /// The choice that is one's own brand; otherwise `us`, where there is one.
    own: Option<String>,
    /// Answers begun from this time on; otherwise all.
    from: Option<String>,
    /// Answers begun before this time.
    to: Option<String>,
}

/// A share with the interval that holds it 19 times of 20.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrandPart {
    hits: u64,
    of: u64,
    share: f64,
    low: f64,
    high: f64,
    /// Of fewer than 30: the interval is to be shown before the share.
    few: bool,
    /// Against the wave before.
    change: Option<ChangeShape>,
}

impl BrandPart {
    fn of(it: Part) -> Self {
        Self {
            hits: it.hits,
            of: it.score.answers,
            share: it.score.estimate,
            low: it.score.low,
            high: it.score.high,
            few: it.score.few,
            change: it.change.map(ChangeShape::of),
        }
    }
}

/// How many are at a step.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrandStep {
    /// The question.
    question: String,
    /// Of everybody who answered the first step.
    share: BrandPart,
    /// Of those who were at the step before; null at the first, and where nobody was.
    conversion: Option<BrandPart>,
}

impl BrandStep {
    fn of((question, it): (&String, &At)) -> Self {
        Self {
            question: question.clone(),
            share: BrandPart::of(it.share),
            conversion: it.conversion.map(BrandPart::of),
        }
    }
}

/// A brand in a wave.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrandWave {
    /// Null for all of them together.
    wave: Option<i64>,
    /// Who answered the first step.
    answered: u64,
    steps: Vec<BrandStep>,
}

impl BrandWave {
    fn of(it: &InWave, way: &Way) -> Self {
        let steps = way.steps.iter().zip(&it.steps).map(BrandStep::of).collect();
        Self { wave: it.wave, answered: it.answered, steps }
    }
}

/// A brand.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrandShape {
    /// The key of its choice.
    key: String,
    /// Whether it is one's own.
    is_own: bool,
    total: BrandWave,
    /// The first wave first.
    waves: Vec<BrandWave>,
}

/// How far people are on the way to each brand.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrandFunnel {
    /// The questions, in order.
    steps: Vec<String>,
    /// One's own brand first.
    brands: Vec<BrandShape>,
    /// Whether only the latest answers were counted.
    is_cut: bool,
}

/// The way to a brand: who knows it, considers it, buys and recommends it, each step a part of the one before; by wave with what changed, competitors beside it.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/brand", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_brand", params(("key" = String, Path), BrandQuery), responses((status = 200, body = BrandFunnel), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn survey_brand(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<BrandQuery>,
) -> Result<Json<BrandFunnel>, Problem> {
    caller.require(Permission::ViewReports)?;
    let to = instant("to", given(&query.to))?.unwrap_or(app.now().plus(Timestamp::SECOND));
    let from = instant("from", given(&query.from))?.unwrap_or(Timestamp(0));
    if from >= to {
        return Err(Problem::invalid("to", "lies after `from`"));
    }
    let mut db = app.installation.store.read();
    let (row, definition) = found(&mut db, caller.workspace, &key).await?;
    let steps: Option<Vec<&str>> = given(&query.steps).map(|it| it.split(',').map(str::trim).collect());
    let way = Way::of(&definition, steps.as_deref(), given(&query.own)).map_err(|unknown| match unknown.as_str() {
        "" => Problem::invalid("steps", "are two or more different questions that are answered by choosing brands"),
        it if given(&query.own) == Some(it) => Problem::invalid("own", "is a choice of the first step"),
        _ => Problem::invalid("steps", "are questions that are answered by choosing brands"),
    })?;
    let (rows, is_cut) = picked(&mut db, caller.workspace, (row.survey, &way.steps), (from, to), MOST).await?;
    let counting = move || {
        let found = brands(&way, &rows, Confidence::default());
        (way, found)
    };
    let (way, found) = tokio::task::spawn_blocking(counting).await.map_err(Problem::internal)?;
    let own = given(&query.own).unwrap_or(rapport_feedback::results::brand::OWN);
    let shape = |it: &Brand| BrandShape {
        key: it.key.clone(),
        is_own: it.key == own,
        total: BrandWave::of(&it.total, &way),
        waves: it.waves.iter().map(|wave| BrandWave::of(wave, &way)).collect(),
    };
    let brands = found.iter().map(shape).collect();
    Ok(Json(BrandFunnel { steps: way.steps.clone(), brands, is_cut }))
}
