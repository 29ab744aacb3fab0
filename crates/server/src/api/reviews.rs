//! `/api/v1/reviews`: what people say of products, what speaks against believing it, what staff decide about it and answer in public.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use rapport_domain::plain;
use rapport_domain::{EventId, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::reviews::State as ReviewState;
use rapport_feedback::reviews::authenticity::{Sign, USUAL_LIMIT};
use rapport_feedback::reviews::records::{self, Filter, ReviewRow};
use rapport_feedback::reviews::standing::{Counted, standing};
use rapport_feedback::verbatims::records as verbatims;
use rapport_models::survey::Score;
use rapport_profiles::records::persons::PersonRow;
use rapport_profiles::records::{identifiers, persons};
use rapport_store::{Priority, Queries};
use rapport_text::redaction::Redactor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::segments::{Names, user_names};
use super::shapes::{display_name, time};
use super::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::problem::Problem;
use crate::reviewing::behaviour;

/// The longest answer, in characters.
const LONGEST_ANSWER: usize = 4_000;
/// The longest reason.
const LONGEST_WHY: usize = 500;
/// So many products are listed.
const PRODUCTS: i64 = 200;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_reviews))
        .routes(routes!(review_states))
        .routes(routes!(reviewed_products))
        .routes(routes!(decide_review, take_back_decision))
        .routes(routes!(answer_review, take_back_answer))
        .routes(routes!(judge_reviews))
        .routes(routes!(public_reviews))
}

/// Something that speaks against a review.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewSign {
    /// `copied_from_others`, `repeats_themselves`, `burst`, `many_in_a_day`, `always_extreme`, `far_from_others`, `shared_device`, `just_came`,
    /// `not_bought` or `not_delivered`.
    #[schema(value_type = String)]
    sign: Sign,
    /// How much by itself, 0 to 1.
    weight: f64,
}

/// A review of a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct Review {
    id: String,
    product_id: String,
    product_name: Option<String>,
    /// Stars, 1 to 5.
    rating: i64,
    /// What they wrote, without personal data.
    text: Option<String>,
    language: Option<String>,
    written_at: String,
    /// Who wrote it; none when they were forgotten.
    person_id: Option<String>,
    /// What to call them.
    person_name: Option<String>,
    /// `verified`: they had the product; `undelivered`: not yet; `none`: no order of theirs has it; `unknown`: nobody can tell.
    purchase: String,
    /// 0: nothing speaks against it; 100: everything does.
    doubt: i64,
    /// What speaks against it, the strongest first.
    signs: Vec<ReviewSign>,
    /// `new`, `shown`, `waiting` or `hidden`.
    state: String,
    /// When somebody of the staff decided that.
    decided_at: Option<String>,
    decided_by: Option<String>,
    decided_why: Option<String>,
    /// What the company says to it in public.
    answer: Option<String>,
    answered_at: Option<String>,
    answered_by: Option<String>,
}

/// Whose reviews these are, and who decided about them.
struct Around {
    people: BTreeMap<Handle, PersonRow>,
    users: Names,
}

impl Around {
    async fn read(app: &App, caller: &Caller, rows: &[ReviewRow]) -> Result<Self, Problem> {
        let mut db = app.installation.store.read();
        let handles: Vec<Handle> = rows.iter().map(|row| row.handle).collect();
        let names = identifiers::by_handles(&mut db, caller.workspace, &handles).await?;
        let ids: Vec<PersonId> = names.iter().map(|name| name.person).collect();
        let known = persons::by_ids(&mut db, caller.workspace, &ids).await?;
        let of = |person: PersonId| known.iter().find(|row| row.person == person).cloned();
        let people = names.iter().filter_map(|name| Some((name.handle, of(name.person)?))).collect();
        Ok(Self { people, users: user_names(app, caller.workspace).await? })
    }

    fn user(&self, id: Option<String>) -> Option<String> {
        id.map(|id| self.users.get(&id).cloned().unwrap_or(id))
    }

    /// What somebody wrote as everybody may read it.
    async fn text(
        &self,
        db: &mut impl Queries,
        workspace: WorkspaceId,
        row: &ReviewRow,
    ) -> Result<Option<String>, Problem> {
        if let Some(verbatim) = verbatims::find(db, workspace, row.event_id).await? {
            return Ok(Some(verbatim.shown));
        }
        // What has no letters is not understood as a text, and shown all the same.
        let name = self.people.get(&row.handle).and_then(|person| person.name.as_deref());
        let words = behaviour::words(db, workspace, row.event_id).await?;
        Ok(words.map(|text| Redactor::new(name).redact(&text)))
    }

    fn shape(&self, row: ReviewRow, text: Option<String>) -> Review {
        let person = self.people.get(&row.handle);
        Review {
            id: EventId(row.event_id).to_hex(),
            product_id: row.product_id,
            product_name: row.product_name,
            rating: row.rating,
            text,
            language: row.language,
            written_at: time(row.written_at),
            person_id: person.map(|person| person.person.to_string()),
            person_name: person.map(display_name),
            purchase: row.purchase,
            doubt: row.doubt,
            signs: row.signs.0.into_iter().map(|(sign, weight)| ReviewSign { sign, weight }).collect(),
            state: row.state,
            decided_at: optional_time(row.decided_at),
            decided_by: self.user(row.decided_by),
            decided_why: row.decided_why,
            answer: row.answer,
            answered_at: optional_time(row.answered_at),
            answered_by: self.user(row.answered_by),
        }
    }
}

/// Which reviews.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ReviewsQuery {
    /// `new`, `shown`, `waiting` or `hidden`.
    state: Option<String>,
    /// Of this product.
    product: Option<String>,
    /// With so many stars.
    rating: Option<i64>,
    /// With an answer of the company, or without.
    answered: Option<bool>,
}

impl ReviewsQuery {
    fn filter(self, after: Option<(i64, String)>) -> Result<Filter, Problem> {
        if let Some(state) = self.state.as_deref().filter(|state| ReviewState::parse(state).is_none()) {
            return Err(Problem::invalid("state", format_args!("{state:?} is none of new, shown, waiting, hidden")));
        }
        let after = match after {
            Some((at, id)) => Some((Timestamp(at), parse_id(&id)?)),
            None => None,
        };
        Ok(Filter { state: self.state, product: self.product, rating: self.rating, answered: self.answered, after })
    }
}

fn parse_id(text: &str) -> Result<[u8; 16], Problem> {
    EventId::from_hex(text).map(|id| id.0).ok_or_else(|| Problem::not_found("review"))
}

/// Lists reviews, the newest first.
#[utoipa::path(get, path = "/api/v1/reviews", security(("caller" = ["view_people"])), tag = "feedback", operation_id = "list_reviews", params(ReviewsQuery, PageQuery), responses((status = 200, body = Page<Review>)))]
pub async fn list_reviews(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ReviewsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Review>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let limit = page.limit();
    let filter = query.filter(page.position()?)?;
    let mut db = app.installation.store.read();
    let rows = records::list(&mut db, caller.workspace, &filter, i64::from(limit) + 1).await?;
    let around = Around::read(&app, &caller, &rows).await?;
    let cut = Page::cut(rows, limit, |row| (row.written_at.0, EventId(row.event_id).to_hex()));
    let mut shaped = Vec::with_capacity(cut.rows.len());
    for row in cut.rows {
        let text = around.text(&mut db, caller.workspace, &row).await?;
        shaped.push(around.shape(row, text));
    }
    Ok(Json(Page { rows: shaped, next: cut.next, total: cut.total }))
}

/// How many reviews are in a state.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewCount {
    /// `new`, `shown`, `waiting` or `hidden`.
    state: String,
    reviews: i64,
    /// Those to which the company has said nothing.
    unanswered: i64,
}

/// Says how many reviews are in each state.
#[utoipa::path(get, path = "/api/v1/reviews/states", security(("caller" = ["view_reports"])), tag = "feedback", operation_id = "review_states", responses((status = 200, body = Rows<ReviewCount>)))]
pub async fn review_states(State(app): State<App>, caller: Caller) -> Result<Json<Rows<ReviewCount>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let counted = records::states(&mut app.installation.store.read(), caller.workspace).await?;
    let rows = counted.into_iter().map(|(state, reviews, unanswered)| ReviewCount { state, reviews, unanswered });
    Ok(Json(Rows { rows: rows.collect() }))
}

/// A mean of stars with the interval that holds it 19 times of 20.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stars {
    mean: f64,
    low: f64,
    high: f64,
    /// Of so many reviews.
    reviews: u64,
    /// So few that the interval is to be shown before the mean.
    few: bool,
}

impl Stars {
    fn of(score: Score) -> Self {
        Self { mean: score.estimate, low: score.low, high: score.high, reviews: score.answers, few: score.few }
    }
}

/// How a product is rated.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewedProduct {
    product_id: String,
    name: Option<String>,
    reviews: i64,
    /// Those that wait for somebody to look.
    waiting: i64,
    /// Those that are not shown.
    hidden: i64,
    /// Of all reviews.
    all: Option<Stars>,
    /// Without those that wait or are hidden.
    shown: Option<Stars>,
    /// Without them too, with newer reviews counting for more: one of 180 days ago half as much as one of today.
    lately: Option<Stars>,
    /// How many have one star, two, and so on.
    stars: [i64; 5],
}

/// Lists the products with most reviews, with their mean with and without those that wait or are hidden, and as it is lately.
#[utoipa::path(get, path = "/api/v1/reviews/products", security(("caller" = ["view_reports"])), tag = "feedback", operation_id = "reviewed_products", responses((status = 200, body = Rows<ReviewedProduct>)))]
pub async fn reviewed_products(State(app): State<App>, caller: Caller) -> Result<Json<Rows<ReviewedProduct>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let products = records::products(&mut db, caller.workspace, PRODUCTS).await?;
    let ids: Vec<String> = products.iter().map(|(id, ..)| id.clone()).collect();
    let mut counted: BTreeMap<String, Vec<Counted>> = BTreeMap::new();
    for (product, state, day, stars, reviews) in records::histogram(&mut db, caller.workspace, &ids).await? {
        counted.entry(product).or_default().push(Counted { state, day, stars, reviews });
    }
    let today = app.now().utc_day();
    let rows = products.into_iter().map(|(product_id, name, reviews, _)| {
        let found = standing(counted.get(&product_id).map_or(&[], Vec::as_slice), today);
        ReviewedProduct {
            product_id,
            name,
            reviews,
            waiting: found.waiting,
            hidden: found.hidden,
            all: found.all.map(Stars::of),
            shown: found.shown.map(Stars::of),
            lately: found.lately.map(Stars::of),
            stars: found.stars,
        }
    });
    Ok(Json(Rows { rows: rows.collect() }))
}

/// What is decided about a review.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewDecision {
    /// `shown`: everybody may see it. `hidden`: nobody does; it stays, and averages say what they are with it. `waiting`: somebody else is to look.
    state: String,
    /// Why, for those who ask later. Must be said of what is hidden.
    #[serde(default)]
    why: String,
}

/// Decides whether a review is shown. No rule decides about it again.
#[utoipa::path(post, path = "/api/v1/reviews/{review_id}/decision", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "decide_review", params(("review_id" = String, Path)), request_body = ReviewDecision, responses((status = 204)))]
pub async fn decide_review(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<ReviewDecision>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let state = ReviewState::parse(&body.state)
        .filter(|state| *state != ReviewState::New)
        .ok_or_else(|| Problem::invalid("state", "must be shown, hidden or waiting"))?;
    let why = plain::one_line(&body.why, LONGEST_WHY);
    if state == ReviewState::Hidden && why.is_empty() {
        return Err(Problem::invalid("why", "say why it is not shown: whoever wrote it may ask"));
    }
    let by = (caller.id().as_str(), app.now());
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if !records::decide(&mut tx, caller.workspace, parse_id(&id)?, (state, &why), by).await? {
        return Err(Problem::not_found("review"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a decision about a review back: the rule decides again. A review about which nobody decided stays as it is.
#[utoipa::path(delete, path = "/api/v1/reviews/{review_id}/decision", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "take_back_review_decision", params(("review_id" = String, Path)), responses((status = 204)))]
pub async fn take_back_decision(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let id = parse_id(&id)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if records::find(&mut tx, caller.workspace, id).await?.is_none() {
        return Err(Problem::not_found("review"));
    }
    records::decide_no_more(&mut tx, caller.workspace, id, USUAL_LIMIT, app.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewAnswer {
    /// What the company says in public, at most 4,000 characters.
    text: String,
}

/// Answers a review in public; the answer before is replaced.
#[utoipa::path(put, path = "/api/v1/reviews/{review_id}/answer", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "answer_review", params(("review_id" = String, Path)), request_body = ReviewAnswer, responses((status = 204)))]
pub async fn answer_review(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<ReviewAnswer>,
) -> Result<StatusCode, Problem> {
    let mut text = String::new();
    plain::clean(body.text.trim(), &mut text);
    if text.is_empty() || text.chars().count() > LONGEST_ANSWER {
        return Err(Problem::invalid("text", format_args!("must have 1 to {LONGEST_ANSWER} characters")));
    }
    write_answer(&app, &caller, &id, Some(&text)).await
}

/// Takes the answer to a review back.
#[utoipa::path(delete, path = "/api/v1/reviews/{review_id}/answer", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "take_back_review_answer", params(("review_id" = String, Path)), responses((status = 204)))]
pub async fn take_back_answer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    write_answer(&app, &caller, &id, None).await
}

async fn write_answer(app: &App, caller: &Caller, id: &str, text: Option<&str>) -> Result<StatusCode, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let by = (caller.id().as_str(), app.now());
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if !records::answer(&mut tx, caller.workspace, parse_id(id)?, text, by).await? {
        return Err(Problem::not_found("review"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where the company's own shop reads reviews.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicReviews {
    /// Stands in public pages; it opens nothing but what everybody may read.
    key: String,
    /// Put a product's id in the place of `{product}`: JSON.
    url: String,
    /// The same as a page for a frame, with data for search engines.
    summary_url: String,
}

/// Says where the company's own shop reads the reviews that everybody may see.
#[utoipa::path(get, path = "/api/v1/reviews/public", security(("caller" = ["view_reports"])), tag = "feedback", operation_id = "public_reviews", responses((status = 200, body = PublicReviews)))]
pub async fn public_reviews(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<PublicReviews>, Problem> {
    caller.require(Permission::ViewReports)?;
    let key = crate::public_pages::reviews::key(&app.installation, caller.workspace).await?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let url = format!("{}/r/{key}/products/{{product}}", app.public_url(host));
    Ok(Json(PublicReviews { summary_url: format!("{url}/summary"), key, url }))
}

/// What is judged again.
#[derive(Debug, Serialize, ToSchema)]
pub struct JudgedReviews {
    /// So many reviews.
    reviews: u64,
}

/// Judges all reviews again about which nobody of the staff decided: after orders were imported, for example, that some reviews are of.
#[utoipa::path(post, path = "/api/v1/reviews/judge", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "judge_reviews", responses((status = 200, body = JudgedReviews)))]
pub async fn judge_reviews(State(app): State<App>, caller: Caller) -> Result<Json<JudgedReviews>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let reviews = records::judge_all_again(&mut tx, caller.workspace, app.now()).await?;
    tx.commit().await?;
    Ok(Json(JudgedReviews { reviews }))
}
