//! `/api/v1/baskets`: what is bought together in the orders of a period, and the people behind a rule.

use crate::http::route::routes;
use axum::extract::State;
use rapport_analytics::baskets::{Answer, Question, Whose};
use rapport_domain::PersonId;
use rapport_profiles::records::persons::{Filter, SortBy};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::customers::page;
use super::questions::context;
use super::shapes::Customers;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;
use crate::modelling;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ask_baskets)).routes(routes!(basket_people))
}

/// How many people a rule names at most.
const MOST_PEOPLE: usize = 100_000;

/// Answers what is bought together. Whoever hangs up stops it.
#[utoipa::path(post, path = "/api/v1/baskets/ask", security(("caller" = ["view_reports"])), tag = "questions", operation_id = "ask_baskets", request_body = Question, responses((status = 200, body = Answer), (status = 400, body = crate::problem::ProblemBody)))]
pub async fn ask_baskets(
    State(app): State<App>,
    caller: Caller,
    Json(question): Json<Value>,
) -> Result<Json<Answer>, Problem> {
    caller.require(Permission::ViewReports)?;
    let question = Question::from_json(question)?;
    let context = context(&app.installation, caller.workspace).await?;
    let without = modelling::without(&app.installation, caller.workspace).await.map_err(Problem::internal)?;
    Ok(Json(app.installation.analytics.baskets(caller.workspace, &question, &context, &without).await?))
}

/// Which side of which rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BasketPeopleBody {
    /// The question.
    #[schema(value_type = Question)]
    question: Value,
    /// The first side of the rule: ids, 1 to 5.
    first: Vec<String>,
    /// The second side.
    second: Vec<String>,
    /// `both` (who bought all of them in one order), or `only_first` (who bought the first side in one order, and the second never).
    whose: String,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Lists the people behind a rule.
#[utoipa::path(post, path = "/api/v1/baskets/people", security(("caller" = ["view_people"])), tag = "questions", operation_id = "basket_people", request_body = BasketPeopleBody, responses((status = 200, body = Customers), (status = 400, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn basket_people(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<BasketPeopleBody>,
) -> Result<Json<Customers>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let question = Question::from_json(body.question)?;
    let whose = match body.whose.as_str() {
        "both" => Whose::Both,
        "only_first" => Whose::OnlyFirst,
        _ => return Err(Problem::invalid("whose", "expected both or only_first")),
    };
    let context = context(&app.installation, caller.workspace).await?;
    let without = modelling::without(&app.installation, caller.workspace).await.map_err(Problem::internal)?;
    let sides = (&body.first[..], &body.second[..]);
    let analytics = &app.installation.analytics;
    let people: Vec<PersonId> =
        analytics.basket_people(caller.workspace, &question, sides, whose, &context, &without, MOST_PEOPLE).await?;
    let offset = body.cursor.as_deref().and_then(|cursor| cursor.parse::<i64>().ok()).unwrap_or(0).max(0);
    let filter = Filter { persons: Some(people), sort: SortBy::Spent, offset, limit: 50, ..Filter::default() };
    page(&app, caller.workspace, filter).await.map(Json)
}
