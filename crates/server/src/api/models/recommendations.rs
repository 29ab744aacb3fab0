//! What to offer whom, by evidence: which plan is used and why, how good it is, its versions, and what it would offer somebody.

use axum::extract::State;
use axum::response::Response;
use rapport_analytics::recommend::learning::{Against, Content, Metrics, Seen, Tried, Wishes};
use rapport_analytics::recommend::{KeptPlan, Method, Own, Request, Rules};
use rapport_analytics::scores::card::Card;
use rapport_analytics::scores::judged::Hold;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::records::versions::{self, VersionRow};
use rapport_analytics::scores::{RECOMMENDATIONS, Verdict};
use rapport_domain::{PersonId, Timestamp};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::shapes::{ModelJob, job};
use super::versions::{LISTED, UseVersionBody, card_of, card_page, live_and_held, use_version, version};
use super::{find, set};
use crate::api::customers;
use crate::api::questions::context;
use crate::api::recommendations::{Recommendations, failed};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::modelling::{self, SCHEDULE};
use crate::problem::Problem;
use crate::recommending::learning;

/// Own products that are shown.
const OWN: usize = 100;
/// Offers of each way.
const OFFERS: usize = 10;

/// The offers that are in use now.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationTable {
    /// When they were prepared.
    built_at: String,
    /// How many products are known.
    products: u64,
    /// By which version; null where none was chosen yet.
    version: Option<i64>,
    /// What its plan is called.
    name: Option<String>,
    /// Why that plan could not be used with the newest data; then offers are made as without any version.
    fault: Option<String>,
}

/// The model of what to offer.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationModel {
    settings: Wishes,
    is_paused: bool,
    /// The version that makes offers; null before the first.
    live: Option<RecommendationVersion>,
    /// A newer version that was held until somebody decides.
    held: Option<RecommendationVersion>,
    /// Why the last fit came to nothing; null where it did not.
    verdict: Option<Verdict>,
    /// When a plan is chosen next, by itself; null where that is paused.
    fit_at: Option<String>,
    /// The last fit.
    fit: Option<ModelJob>,
    /// The offers in use; null until they are prepared.
    table: Option<RecommendationTable>,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationVersion {
    version: i64,
    /// `live`, `held` or `retired`.
    state: String,
    fitted_at: String,
    /// Who asked for it; null where it was due.
    fitted_by: Option<String>,
    /// The present of its data.
    as_of: String,
    /// What its plan is called.
    name: String,
    plan: KeptPlan,
    /// Why it was held; empty where it was not.
    held: Vec<Hold>,
    /// Beside the version before.
    against: Option<Against>,
    /// What was tried, the best first.
    tried: Vec<Tried>,
    /// How good it was on the weeks that the choice has not seen.
    metrics: Metrics,
    /// From when to when these weeks go.
    judged_on: [String; 2],
    /// What it was learnt from.
    seen: Seen,
    /// From when to when that goes.
    seen_on: [String; 2],
    /// When somebody decided that it is used.
    decided_at: Option<String>,
    decided_by: Option<String>,
    decided_why: Option<String>,
}

impl RecommendationVersion {
    fn of(row: VersionRow, users: &Names) -> Result<Self, Problem> {
        let content: Content = serde_json::from_value(row.content).map_err(Problem::internal)?;
        let named = |id: String| users.get(&id).cloned().unwrap_or(id);
        let span = |from: i64, until: i64| [time(Timestamp(from)), time(Timestamp(until))];
        let Content { plan, tried, metrics, against, seen } = content;
        Ok(Self {
            version: row.version,
            state: row.state,
            fitted_at: time(row.fitted_at),
            fitted_by: Some(row.fitted_by).filter(|it| it != SCHEDULE).map(named),
            as_of: time(row.as_of),
            name: plan.name(),
            plan,
            held: serde_json::from_value(row.held).map_err(Problem::internal)?,
            against,
            tried,
            judged_on: span(metrics.from, metrics.until),
            seen_on: span(seen.from, seen.until),
            metrics,
            seen,
            decided_at: optional_time(row.decided_at),
            decided_by: row.decided_by.map(named),
            decided_why: row.decided_why,
        })
    }
}

async fn shown(app: &App, caller: &Caller, row: ModelRow) -> Result<Json<RecommendationModel>, Problem> {
    let users = user_names(app, caller.workspace).await?;
    let db = &mut app.installation.store.read();
    let [live, held] = live_and_held(db, caller, &row).await?;
    let table = app.installation.recommender.table(caller.workspace).map(|table| RecommendationTable {
        built_at: time(table.built_at),
        products: table.items().len() as u64,
        version: table.learnt.as_ref().map(|it| it.version),
        name: table.learnt.as_ref().map(|it| it.name.clone()),
        fault: table.learnt.as_ref().and_then(|it| it.fault()),
    });
    Ok(Json(RecommendationModel {
        settings: learning::wishes_of(&row),
        live: live.map(|it| RecommendationVersion::of(it, &users)).transpose()?,
        held: held.map(|it| RecommendationVersion::of(it, &users)).transpose()?,
        verdict: row.verdict.map(serde_json::from_value).transpose().map_err(Problem::internal)?,
        // What is due at once is due now.
        fit_at: (!row.is_paused).then(|| time(row.fit_at.max(app.now()))),
        is_paused: row.is_paused,
        fit: job(app, row.fit_job).await?,
        table,
    }))
}

/// Shows what is offered by, how good that is, and how far a fit is. A workspace in which nobody bought yet has no such model.
#[utoipa::path(get, path = "/api/v1/models/recommendations", security(("caller" = ["view_reports"])), tag = "models", operation_id = "recommendation_model", responses((status = 200, body = RecommendationModel), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn recommendation_model(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<RecommendationModel>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, &caller, RECOMMENDATIONS).await?;
    shown(&app, &caller, row).await
}

/// What staff choose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecommendationModelBody {
    /// All of the settings; what is left out is as usual.
    #[schema(value_type = Wishes)]
    settings: Value,
    /// Whether nothing is chosen anew by itself.
    is_paused: bool,
}

/// Changes what staff choose of it; the next fit goes by it.
#[utoipa::path(put, path = "/api/v1/models/recommendations", security(("caller" = ["edit_models"])), tag = "models", operation_id = "change_recommendation_model", request_body = RecommendationModelBody, responses((status = 200, body = RecommendationModel), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn change_recommendation_model(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RecommendationModelBody>,
) -> Result<Json<RecommendationModel>, Problem> {
    caller.require(Permission::EditModels)?;
    find(&app, &caller, RECOMMENDATIONS).await?;
    let body = (body.settings, body.is_paused);
    set(&app, &caller, RECOMMENDATIONS, body, serde_json::from_value::<Wishes>, Wishes::check).await?;
    let row = find(&app, &caller, RECOMMENDATIONS).await?;
    shown(&app, &caller, row).await
}

/// Chooses a plan now, in the background; one job at a time.
#[utoipa::path(post, path = "/api/v1/models/recommendations/fit", security(("caller" = ["edit_models"])), tag = "models", operation_id = "learn_recommendations", responses((status = 200, body = RecommendationModel)))]
pub async fn learn_recommendations(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<RecommendationModel>, Problem> {
    caller.require(Permission::EditModels)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    learning::found(&mut tx, caller.workspace).await.map_err(Problem::internal)?;
    let row = models::find(&mut tx, caller.workspace, RECOMMENDATIONS).await?;
    let row = row.ok_or_else(|| Problem::not_found("model"))?;
    let asked = learning::ask(&app.installation, &mut tx, caller.workspace, &row, caller.id().as_str()).await;
    asked.map_err(Problem::internal)?;
    tx.commit().await?;
    let row = find(&app, &caller, RECOMMENDATIONS).await?;
    shown(&app, &caller, row).await
}

/// Lists versions, the newest first.
#[utoipa::path(get, path = "/api/v1/models/recommendations/versions", security(("caller" = ["view_reports"])), tag = "models", operation_id = "recommendation_versions", responses((status = 200, body = Rows<RecommendationVersion>)))]
pub async fn recommendation_versions(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Rows<RecommendationVersion>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let db = &mut app.installation.store.read();
    let rows = versions::latest(db, caller.workspace, RECOMMENDATIONS, LISTED).await?;
    let rows: Result<Vec<_>, Problem> = rows.into_iter().map(|row| RecommendationVersion::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A version with its card.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationVersionWithCard {
    version: RecommendationVersion,
    card: Card,
}

/// Shows a version with its card.
#[utoipa::path(get, path = "/api/v1/models/recommendations/versions/{version}", security(("caller" = ["view_reports"])), tag = "models", operation_id = "recommendation_version", params(("version" = String, Path)), responses((status = 200, body = RecommendationVersionWithCard), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn recommendation_version(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Json<RecommendationVersionWithCard>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let row = version(&mut app.installation.store.read(), &caller, RECOMMENDATIONS, &number).await?;
    Ok(Json(RecommendationVersionWithCard { card: card_of(&row)?, version: RecommendationVersion::of(row, &users)? }))
}

/// The card of a version as a page of text (Markdown).
#[utoipa::path(get, path = "/api/v1/models/recommendations/versions/{version}/card", security(("caller" = ["view_reports"])), tag = "models", operation_id = "recommendation_card", params(("version" = String, Path)), responses((status = 200, body = String, content_type = "text/markdown"), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn recommendation_card(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Permission::ViewReports)?;
    card_page(&app, &caller, RECOMMENDATIONS, &number).await
}

/// Lets a version make the offers from now on: one that was held, or an earlier one. Who and why is kept; offers are prepared anew within a minute.
#[utoipa::path(post, path = "/api/v1/models/recommendations/versions/{version}/use", security(("caller" = ["edit_models"])), tag = "models", operation_id = "use_recommendation_version", params(("version" = String, Path)), request_body = UseVersionBody, responses((status = 200, body = RecommendationVersion), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn use_recommendation_version(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
    Json(body): Json<UseVersionBody>,
) -> Result<Json<RecommendationVersion>, Problem> {
    caller.require(Permission::EditModels)?;
    let row = use_version(&app, &caller, (RECOMMENDATIONS, &number), &body).await?;
    let users = user_names(&app, caller.workspace).await?;
    RecommendationVersion::of(row, &users).map(Json)
}

/// Whom to try it with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TryRecommendationsQuery {
    /// A customer's number.
    person: String,
    /// Products that are in the cart: ids, separated by commas. Up-sell is of the first of them, cross-sell beside all of them.
    with: Option<String>,
    /// Only what is in stock, as far as that was told.
    #[serde(default)]
    in_stock: bool,
}

/// A product that somebody had to do with.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnProduct {
    id: String,
    name: Option<String>,
    category: Option<String>,
    /// When it was last looked at or put into the cart.
    viewed_at: Option<String>,
    /// When it was last bought.
    bought_at: Option<String>,
}

impl From<Own> for OwnProduct {
    fn from(own: Own) -> Self {
        Self {
            id: own.item.id,
            name: own.item.name,
            category: own.item.category,
            viewed_at: optional_time(own.viewed),
            bought_at: optional_time(own.bought),
        }
    }
}

/// What a way would offer.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriedWay {
    /// `next_best`, `for_person`, `up_sell`, `cross_sell` or `popular`.
    method: String,
    offers: Recommendations,
}

/// What somebody would be offered.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriedRecommendations {
    person_id: String,
    /// Whether nothing may be learnt of them (their data are restricted, or they refused to be understood in numbers): then they are offered what is popular, as somebody nobody knows.
    is_restricted: bool,
    /// What they had to do with, the newest first.
    own: Vec<OwnProduct>,
    /// What each way would offer.
    ways: Vec<TriedWay>,
}

/// Shows what somebody would be offered in each way, and why. Nothing is sent, and nothing of it is kept.
#[utoipa::path(get, path = "/api/v1/models/recommendations/try", security(("caller" = ["view_people"])), tag = "models", operation_id = "try_recommendations", params(TryRecommendationsQuery), responses((status = 200, body = TriedRecommendations), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody), (status = 503, body = crate::problem::ProblemBody)))]
pub async fn try_recommendations(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TryRecommendationsQuery>,
) -> Result<Json<TriedRecommendations>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person: PersonId = customers::find(&app, caller.workspace, &query.person).await?.person;
    let context = context(&app.installation, caller.workspace).await?;
    let recommender = &app.installation.recommender;
    let is_restricted = modelling::is_without(&app.installation, caller.workspace, person).await?;
    let mut tried =
        TriedRecommendations { person_id: person.0.to_string(), is_restricted, own: Vec::new(), ways: Vec::new() };
    let mut ways = vec![("popular", Method::Popular)];
    if !is_restricted {
        let own = recommender.own(caller.workspace, person, &context).await.map_err(failed)?;
        tried.own = own.into_iter().take(OWN).map(Into::into).collect();
        ways = vec![
            ("next_best", Method::NextBest),
            ("for_person", Method::ForPerson),
            ("up_sell", Method::UpSell),
            ("cross_sell", Method::CrossSell),
            ("popular", Method::Popular),
        ];
    }
    let with: Vec<String> = crate::api::recommendations::ids(query.with.as_deref());
    for (word, method) in ways {
        let rules = Rules { in_stock: query.in_stock, ..Rules::default() };
        let person = (!is_restricted).then_some(person);
        let request = Request { with: with.clone(), rules, ..Request::new(method, person, OFFERS) };
        let found = recommender.recommend(caller.workspace, &request, &context).await.map_err(failed)?;
        tried.ways.push(TriedWay { method: word.to_owned(), offers: Recommendations::of(found) });
    }
    Ok(Json(tried))
}
