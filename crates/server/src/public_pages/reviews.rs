//! Reviews of a product for the company's own shop: `GET /r/{key}/products/{product}` as JSON, `.../summary` as a page that can be put into a frame and that
//! search engines read (schema.org `AggregateRating`).
//!
//! Always holds: only reviews that are shown leave here, without personal data and without who wrote them; averages are of these alone; the key is public and
//! opens nothing else.

use askama::Template;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rapport_domain::{EventId, Timestamp, WorkspaceId, plain};
use rapport_feedback::pages::{Page, PageLinks};
use rapport_feedback::reviews::State as ReviewState;
use rapport_feedback::reviews::records::{self, Filter, ReviewRow};
use rapport_feedback::reviews::standing::{Counted, Standing, standing};
use rapport_feedback::verbatims::records as verbatims;
use serde_json::{Map, Value, json};

use super::complaint::workspace_of;
use super::review_words::Words;
use crate::api::topics::{AspectShape, of_product};
use crate::api::wire::{optional_time, time};
use crate::app::App;
use crate::collect;
use crate::http::form::parameter;
use crate::http::paging::{read_cursor, write_cursor};
use crate::http::peer::From;
use crate::http::route::handler;
use crate::installation::Installation;
use crate::messages;
use crate::problem::{Problem, Result};
use crate::records::workspaces;

/// Reviews of a page unless said, and at most.
const USUAL: i64 = 10;
const MOST: i64 = 50;
/// Looks of one network in an hour; caches answer most.
const MOST_AN_HOUR: u32 = 3_000;
/// How long caches keep an answer, in seconds.
const CACHE: &str = "public, max-age=300";
/// The longest name of a product, in bytes.
const LONGEST: usize = 500;
/// In any site's frame; nothing in it runs.
const FRAMED: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *";

/// The routes of this part.
pub(super) fn router() -> Router<App> {
    let json = Router::new().route("/r/{key}/products/{product}", get(handler(read)));
    collect::anywhere(json).route("/r/{key}/products/{product}/summary", get(handler(summary)))
}

/// The public key of a workspace's reviews.
///
/// # Errors
/// The store's.
pub async fn key(installation: &Installation, workspace: WorkspaceId) -> rapport_store::Result<String> {
    Ok(PageLinks::new(workspace, &messages::secret(installation, workspace).await?).make(Page::Reviews))
}

/// What everybody may read of a product's reviews.
struct Seen {
    product: String,
    name: Option<String>,
    standing: Standing,
    reviews: Vec<Told>,
    next: Option<String>,
    aspects: Vec<AspectShape>,
}

/// A review that everybody may read.
struct Told {
    row: ReviewRow,
    text: Option<String>,
}

impl Told {
    fn is_verified(&self) -> bool {
        self.row.purchase == "verified"
    }
}

async fn seen(app: &App, workspace: WorkspaceId, product: &str, query: &str) -> Result<Seen> {
    let mut db = app.installation.store.read();
    let shown = ReviewState::Shown.as_str();
    let counted: Vec<Counted> = records::histogram(&mut db, workspace, &[product.to_owned()])
        .await?
        .into_iter()
        .filter(|it| it.1 == shown)
        .map(|(_, state, day, stars, reviews)| Counted { state, day, stars, reviews })
        .collect();
    let limit = parameter(query, "limit").and_then(|text| text.parse().ok()).unwrap_or(USUAL).clamp(1, MOST);
    let after = parameter(query, "cursor").map(|text| read_cursor::<(i64, String)>(&text)).transpose()?;
    let after = after.and_then(|(at, id)| Some((Timestamp(at), EventId::from_hex(&id)?.0)));
    let filter =
        Filter { state: Some(shown.to_owned()), product: Some(product.to_owned()), after, ..Filter::default() };
    let mut rows = records::list(&mut db, workspace, &filter, limit + 1).await?;
    let is_more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(0));
    let next =
        rows.last().filter(|_| is_more).map(|row| write_cursor(&(row.written_at.0, EventId(row.event_id).to_hex())));
    let name = rows.iter().find_map(|row| row.product_name.clone());
    let mut reviews = Vec::with_capacity(rows.len());
    for row in rows {
        let text = verbatims::find(&mut db, workspace, row.event_id).await?.map(|it| it.shown);
        reviews.push(Told { row, text });
    }
    let standing = standing(&counted, app.now().utc_day());
    let aspects = if after.is_none() { of_product(app, workspace, product).await? } else { Vec::new() };
    Ok(Seen { product: product.to_owned(), name, standing, reviews, next, aspects })
}

impl Seen {
    fn count(&self) -> u64 {
        self.standing.shown.as_ref().map_or(0, |score| score.answers)
    }

    /// As schema.org has it, for the shop's own page too.
    fn linked_data(&self, words: &Words) -> Option<Value> {
        let score = self.standing.shown.as_ref()?;
        let review = |it: &Told| {
            json!({
                "@type": "Review", "datePublished": time(it.row.written_at),
                "author": {"@type": "Person", "name": if it.is_verified() { words.verified } else { words.customer }},
                "reviewRating": {"@type": "Rating", "ratingValue": it.row.rating, "bestRating": 5, "worstRating": 1},
                "reviewBody": it.text,
            })
        };
        Some(json!({
            "@context": "https://schema.org", "@type": "Product", "productID": self.product,
            "name": self.name.as_deref().unwrap_or(&self.product),
            "aggregateRating": {
                "@type": "AggregateRating", "ratingValue": rounded(score.estimate), "reviewCount": score.answers, "bestRating": 5, "worstRating": 1,
            },
            "review": self.reviews.iter().filter(|it| it.text.is_some()).map(review).collect::<Vec<_>>(),
        }))
    }

    fn json(&self) -> Value {
        let score = |score: &Option<rapport_models::survey::Score>| {
            score.as_ref().map(
                |it| json!({"mean": it.estimate, "low": it.low, "high": it.high, "reviews": it.answers, "few": it.few}),
            )
        };
        let review = |it: &Told| {
            json!({
                "id": EventId(it.row.event_id).to_hex(), "rating": it.row.rating, "text": it.text, "language": it.row.language,
                "written_at": time(it.row.written_at), "is_verified": it.is_verified(),
                "answer": it.row.answer, "answered_at": optional_time(it.row.answered_at),
            })
        };
        let all: Map<String, Value> = [
            ("product_id", json!(self.product)),
            ("name", json!(self.name)),
            ("reviews", json!(self.count())),
            ("rating", json!(score(&self.standing.shown))),
            ("lately", json!(score(&self.standing.lately))),
            ("stars", json!(self.standing.stars)),
            ("rows", Value::Array(self.reviews.iter().map(review).collect())),
            ("next", json!(self.next)),
            ("aspects", json!(self.aspects)),
            ("linked_data", json!(self.linked_data(&Words::ENGLISH))),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        Value::Object(all)
    }
}

fn rounded(stars: f64) -> f64 {
    (stars * 10.0).round() / 10.0
}

async fn asked(app: &App, key: &str, product: &str, from: From) -> Result<Option<WorkspaceId>> {
    if product.len() > LONGEST {
        return Ok(None);
    }
    app.throttle.count("read reviews", from.0, MOST_AN_HOUR, app.now())?;
    workspace_of(app, key, Page::Reviews).await
}

/// `GET /r/{key}/products/{product}`.
async fn read(
    State(app): State<App>,
    Path((key, product)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    from: From,
) -> Result<Response> {
    let Some(workspace) = asked(&app, &key, &product, from).await? else { return Err(Problem::not_found("address")) };
    let found = seen(&app, workspace, &product, &query.unwrap_or_default()).await?;
    let text = serde_json::to_string(&found.json()).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, CACHE)], text).into_response())
}

struct Line {
    stars: i64,
    reviews: i64,
    percent: i64,
}

struct Quote {
    rating: i64,
    filled: String,
    empty: String,
    text: String,
    day: String,
    is_verified: bool,
    answer: Option<String>,
}

#[derive(Template)]
#[template(path = "reviews.html")]
struct Summary {
    words: &'static Words,
    company: String,
    name: String,
    count: u64,
    mean: String,
    filled: String,
    empty: String,
    lines: Vec<Line>,
    quotes: Vec<Quote>,
    linked_data: Option<String>,
}

/// `GET /r/{key}/products/{product}/summary`.
async fn summary(
    State(app): State<App>,
    Path((key, product)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    from: From,
    headers: HeaderMap,
) -> Result<Response> {
    let query = query.unwrap_or_default();
    let words = Words::of(&headers, parameter(&query, "lang").as_deref());
    let Some(workspace) = asked(&app, &key, &product, from).await? else { return Err(Problem::not_found("address")) };
    let found = seen(&app, workspace, &product, &query).await?;
    let company = workspaces::find(&mut app.installation.store.read(), workspace).await?;
    // What ends the block of data cannot stand in it.
    let linked_data = found.linked_data(words).map(|data| data.to_string().replace('<', "\\u003c"));
    let template = Summary {
        words,
        company: company.map(|row| row.name).unwrap_or_default(),
        name: plain::one_line(found.name.as_deref().unwrap_or(&found.product), 120),
        count: found.count(),
        mean: found.standing.shown.as_ref().map_or_else(String::new, |score| format!("{:.1}", score.estimate)),
        filled: stars(found.standing.shown.as_ref().map_or(0.0, |score| score.estimate)).0,
        empty: stars(found.standing.shown.as_ref().map_or(0.0, |score| score.estimate)).1,
        lines: lines(&found),
        quotes: found.reviews.into_iter().filter_map(quote).collect(),
        linked_data,
    };
    let html = template.render().map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static(CACHE)),
        (header::VARY, HeaderValue::from_static("accept-language")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FRAMED)),
    ];
    Ok((StatusCode::OK, headers, html).into_response())
}

/// Stars as letters: those that are filled, and the others.
fn stars(mean: f64) -> (String, String) {
    let filled = (1..=5).filter(|star| mean >= f64::from(*star) - 0.5).count();
    ("★".repeat(filled), "★".repeat(5 - filled))
}

fn lines(found: &Seen) -> Vec<Line> {
    let all: i64 = found.standing.stars.iter().sum();
    let line = |(at, reviews): (usize, &i64)| Line {
        stars: at as i64 + 1,
        reviews: *reviews,
        percent: if all > 0 { 100 * reviews / all } else { 0 },
    };
    found.standing.stars.iter().enumerate().rev().map(line).collect()
}

fn quote(it: Told) -> Option<Quote> {
    let (filled, empty) = stars(it.row.rating as f64);
    Some(Quote {
        rating: it.row.rating,
        filled,
        empty,
        is_verified: it.is_verified(),
        day: time(it.row.written_at).chars().take(10).collect(),
        answer: it.row.answer,
        text: it.text?,
    })
}
