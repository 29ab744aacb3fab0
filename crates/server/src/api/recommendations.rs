//! `/api/v1/recommendations`: what to offer somebody, and why.

use crate::http::route::routes;
use axum::extract::State;
use rapport_analytics::recommend::{Because, Method, NotBought, Offer, Recommended, Request, Rules, Touched};
use rapport_domain::{PersonId, money};
use rapport_segments::Duration;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::questions::context;
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::problem::Problem;
use crate::recommending;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(recommend))
}

/// How many without a word.
const USUAL: usize = 10;

/// What is asked.
#[derive(Debug, Deserialize, IntoParams)]
pub struct RecommendationQuery {
    /// `popular`, `recent` (looked at or bought), `viewed`, `bought`, `bought_together`, `for_person`, `next_best` (the same by what a sale earns),
    /// `up_sell` (dearer ones of the same category) or `cross_sell` (of other categories).
    method: String,
    /// For whom: a customer's number.
    person: Option<String>,
    /// For `bought_together` and `cross_sell` what they go with, for `up_sell` what is to be dearer: the products' ids, separated by commas. Without them the last two go by
    /// what the person had to do with last.
    with: Option<String>,
    /// Only what is in stock, as far as that was told.
    #[serde(default)]
    in_stock: bool,
    /// Nothing that the person bought: `ever`, or within a time such as `30d`.
    not_bought: Option<String>,
    /// Only these categories, separated by commas.
    categories: Option<String>,
    /// Only what earns at least this share of its price, such as 0.2.
    minimum_margin: Option<f64>,
    /// Only what costs at least so much, in the workspace's currency.
    least_price: Option<String>,
    /// Only what costs at most so much.
    most_price: Option<String>,
    /// Only what costs about what the person usually pays.
    #[serde(default)]
    usual_price: bool,
    /// Most products of one category.
    per_category: Option<usize>,
    /// None of these products: ids, separated by commas.
    exclude: Option<String>,
    /// Most products, 1 to 100; 10 unless said.
    limit: Option<usize>,
}

/// A product that is offered.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendedProduct {
    id: String,
    name: Option<String>,
    category: Option<String>,
    /// In the workspace's currency.
    price: Option<String>,
    url: Option<String>,
    image_url: Option<String>,
    /// Nothing where nobody told.
    in_stock: Option<bool>,
    /// Comparable within one method only.
    score: f64,
    /// `popular`, `recent`, `bought_with`, `like`, `fits` (what the person had to do with, all in all) or `dearer`.
    because: String,
    /// The product that it is bought with, like, or dearer than.
    because_of: Option<String>,
    /// Whether it is there because it is popular, where something else was asked for.
    is_filled: bool,
    /// The person's own products that speak most for it, the most first.
    reasons: Vec<RecommendationReason>,
}

/// An own product that speaks for another.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationReason {
    id: String,
    /// Its part of all that speaks for it, 0 to 1.
    share: f64,
}

/// What is offered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recommendations {
    products: Vec<RecommendedProduct>,
    /// Of which data.
    built_at: String,
    /// Products of which nobody told whether they are in stock, although that was asked for.
    stock_unknown: usize,
    /// The same of the margin.
    margin_unknown: usize,
    /// Products that are there because they are popular, where something else was asked for.
    filled: usize,
    /// The version of the model that answered; null without one.
    model_version: Option<i64>,
}

impl Recommendations {
    /// An answer in JSON.
    pub fn of(found: Recommended) -> Self {
        Self {
            products: found.offers.into_iter().map(shape).collect(),
            built_at: time(found.built_at),
            stock_unknown: found.stock_unknown,
            margin_unknown: found.margin_unknown,
            filled: found.filled,
            model_version: found.learnt,
        }
    }
}

/// Why there is no answer.
pub fn failed(error: rapport_analytics::Error) -> Problem {
    match error {
        rapport_analytics::Error::NotBuilt => {
            let status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
            Problem::later(status, error.code(), error.to_string(), 60)
        }
        other => other.into(),
    }
}

/// Ids that are separated by commas.
pub fn ids(text: Option<&str>) -> Vec<String> {
    let parts = text.unwrap_or_default().split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Says what to offer somebody.
#[utoipa::path(get, path = "/api/v1/recommendations", security(("caller" = ["view_people"])), tag = "messages", operation_id = "recommendations", params(RecommendationQuery), responses((status = 200, body = Recommendations), (status = 422, body = crate::problem::ProblemBody), (status = 503, body = crate::problem::ProblemBody)))]
pub async fn recommend(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<RecommendationQuery>,
) -> Result<Json<Recommendations>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let request = request(&query)?;
    let context = context(&app.installation, caller.workspace).await?;
    let request = recommending::permitted(&app.installation, caller.workspace, request).await?;
    let found = app.installation.recommender.recommend(caller.workspace, &request, &context).await;
    Ok(Json(Recommendations::of(found.map_err(failed)?)))
}

/// How offers are found, by its word.
///
/// # Errors
/// 422 for a word that is none.
pub fn method(word: &str) -> Result<Method, Problem> {
    Ok(match word {
        "popular" => Method::Popular,
        "recent" => Method::Recent(Touched::Any),
        "viewed" => Method::Recent(Touched::Viewed),
        "bought" => Method::Recent(Touched::Bought),
        "bought_together" => Method::BoughtTogether,
        "for_person" => Method::ForPerson,
        "next_best" => Method::NextBest,
        "up_sell" => Method::UpSell,
        "cross_sell" => Method::CrossSell,
        _ => {
            let words = "expected popular, recent, viewed, bought, bought_together, for_person, next_best, up_sell or cross_sell";
            return Err(Problem::invalid("method", words));
        }
    })
}

fn request(query: &RecommendationQuery) -> Result<Request, Problem> {
    let list = |text: &Option<String>| ids(text.as_deref());
    let price = |field: &str, text: &Option<String>| {
        let wrong = || Problem::invalid(field, "expected an amount such as 19.90");
        text.as_deref().map(|text| money::parse_micros(text).map_err(|_| wrong())).transpose()
    };
    let person = match &query.person {
        Some(text) => Some(PersonId(text.parse().map_err(|_| Problem::invalid("person", "a customer's number"))?)),
        None => None,
    };
    let not_bought = match query.not_bought.as_deref() {
        None => None,
        Some("ever") => Some(NotBought::Ever),
        Some(text) => {
            Some(NotBought::Within(Duration::parse(text).map_err(|error| Problem::invalid("not_bought", error))?))
        }
    };
    if query.minimum_margin.is_some_and(|margin| !(0.0..=1.0).contains(&margin)) {
        return Err(Problem::invalid("minimum_margin", "a share from 0 to 1"));
    }
    let rules = Rules {
        in_stock: query.in_stock,
        not_bought,
        categories: list(&query.categories),
        minimum_margin: query.minimum_margin,
        least_price: price("least_price", &query.least_price)?,
        most_price: price("most_price", &query.most_price)?,
        usual_price: query.usual_price,
        per_category: query.per_category,
        exclude: list(&query.exclude),
    };
    let method = method(&query.method)?;
    Ok(Request { with: list(&query.with), rules, ..Request::new(method, person, query.limit.unwrap_or(USUAL)) })
}

fn shape(offer: Offer) -> RecommendedProduct {
    let (because, of) = match offer.because {
        Because::Popular => ("popular", None),
        Because::Recent(_) => ("recent", None),
        Because::BoughtWith(id, _) => ("bought_with", Some(id)),
        Because::Like(id) => ("like", Some(id)),
        Because::Fits => ("fits", None),
        Because::Dearer(id) => ("dearer", Some(id)),
    };
    let reasons = offer.reasons.into_iter().map(|it| RecommendationReason { id: it.id, share: it.share }).collect();
    let item = offer.item;
    RecommendedProduct {
        id: item.id,
        name: item.name,
        category: item.category,
        price: item.price_micros.map(money::format_micros),
        url: item.url,
        image_url: item.image_url,
        in_stock: item.in_stock,
        score: offer.score,
        because: because.to_owned(),
        because_of: of,
        is_filled: offer.filled,
        reasons,
    }
}
