//! Flags for the company's own site and apps: the OpenFeature Remote Evaluation Protocol, so that OpenFeature's own libraries work.
//!
//! Always holds: one flag that is asked for is noted as an exposure before it is answered, in the product database where the unit is known, in the log
//! where it never was seen; the same answers to a call for all flags have the same `ETag`; a request says nothing of a person, only of flags.
//!
//! Does not do: decide ([`rapport_experiments::open_feature`] does), or test what a request's context says beside the targeting key: rules ask for
//! segments, which are known here.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use rapport_domain::shop_events::EXPERIMENT_VIEWED;
use rapport_domain::{Event, EventId, Identifier, IdentifierKind, SourceId, WorkspaceId};
use rapport_experiments::open_feature::{self, Evaluation, Failure};
use rapport_experiments::records::exposures::Who;
use rapport_experiments::{Experiment, Exposure, Kind, State as Stands};
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_store::Queries;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::App;
use crate::auth::{Permission, Scope, guard, secrets};
use crate::collect::keys;
use crate::experimenting::deciding::{self, Standing, Unit};
use crate::experimenting::live::Known;
use crate::http::body::read;
use crate::http::route::handler;
use crate::own_events;
use crate::problem::{Problem, Result};

/// A context is small.
const BODY_BYTES: usize = 64 << 10;
/// So often a decision is made again when somebody else was faster.
const ATTEMPTS: usize = 3;

/// The routes of the protocol.
pub fn router() -> Router<App> {
    // Sites ask from everywhere. The answers hold nothing that belongs to a person, and no cookie is looked at.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([ETAG])
        .max_age(Duration::from_secs(86_400));
    let anywhere = HeaderName::from_static("cross-origin-resource-policy");
    Router::new()
        .route("/ofrep/v1/evaluate/flags", post(handler(all)))
        .route("/ofrep/v1/evaluate/flags/{key}", post(handler(one)))
        .method_not_allowed_fallback(crate::http::wrong_method)
        .layer(SetResponseHeaderLayer::if_not_present(anywhere, HeaderValue::from_static("cross-origin")))
        .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(SetResponseHeaderLayer::if_not_present(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")))
        .layer(cors)
}

/// For whom a key speaks.
struct Caller {
    workspace: WorkspaceId,
    /// The source that its events are of; for an API key the program's own.
    source: Option<SourceId>,
}

/// Who asks: a write key (in `Authorization: Bearer` or `Basic`, or `X-API-Key`), or an API key that may read or write.
async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller> {
    let of_header = headers.get("x-api-key").and_then(|value| value.to_str().ok()).map(str::trim);
    let key = guard::bearer(headers).or(of_header).map(str::to_owned).or_else(|| keys::of_header(headers));
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        let detail =
            if headers.contains_key(AUTHORIZATION) { "This is no key." } else { "There is no key in this request." };
        let what_to_do = "Send a write key or an API key as `Authorization: Bearer` or `X-API-Key`.";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unknown_key", detail, what_to_do));
    };
    if !key.starts_with(secrets::API_KEY) {
        let origin = keys::origin(app, &key).await?;
        return Ok(Caller { workspace: origin.workspace, source: Some(origin.source) });
    }
    let row = guard::api_key(app, &key).await?;
    let scopes = Scope::parse_list(&row.scopes);
    let may = |scope: &Scope| scope.allows(Permission::ViewReports) || scope.allows(Permission::EditExperiments);
    if !scopes.iter().any(may) {
        let what_to_do = "Make an API key with the scope read or write, or use a write key.";
        return Err(Problem::forbidden("not_allowed", "This API key may not ask for flags.", what_to_do));
    }
    Ok(Caller { workspace: row.workspace, source: None })
}

/// `POST /ofrep/v1/evaluate/flags/{key}`
async fn one(State(app): State<App>, Path(key): Path<String>, headers: HeaderMap, body: Body) -> Response {
    match evaluate_one(&app, &key, &headers, body).await {
        Ok(evaluation) => {
            let status = evaluation.outcome.as_ref().err().map_or(200, |failure| failure.status());
            json_response(status, &shape(&evaluation))
        }
        Err(problem) => problem.into_response(),
    }
}

async fn evaluate_one(app: &App, key: &str, headers: &HeaderMap, body: Body) -> Result<Evaluation> {
    let caller = caller(app, headers).await?;
    let failed = |failure| Evaluation { key: key.to_owned(), outcome: Err(failure), exposures: Vec::new() };
    let text = match targeting(app, body).await? {
        Ok(text) => text,
        Err(failure) => return Ok(failed(failure)),
    };
    let mut db = app.installation.store.read();
    let known = app.installation.experiments.get(&mut db, caller.workspace).await?;
    let is_shown = |it: &&Experiment| it.state != Stands::Draft && it.design.kind != Kind::Holdout;
    let Some(flag) = known.get(key).filter(is_shown) else { return Ok(failed(Failure::FlagNotFound)) };
    let unit = unit(&mut db, caller.workspace, text).await?;
    let conditions = known.conditions([flag]);
    let mut standing = deciding::standing(&mut db, caller.workspace, &unit, &conditions).await?;
    for _ in 0..ATTEMPTS {
        let now = app.now();
        let evaluation =
            deciding::within(&known, &unit, &standing, &[], now, |situation| open_feature::one(flag, situation));
        if evaluation.exposures.is_empty() || note(app, &caller, &unit, &evaluation, &mut standing).await? {
            return Ok(evaluation);
        }
    }
    Err(Problem::later(StatusCode::SERVICE_UNAVAILABLE, "flag_busy", "This flag is being changed.", 1))
}

/// Notes the exposures of a decision; whether it holds.
async fn note(
    app: &App,
    caller: &Caller,
    unit: &Unit,
    evaluation: &Evaluation,
    standing: &mut Standing,
) -> Result<bool> {
    let mut known: Vec<(Who, Exposure)> = Vec::new();
    let mut unseen: Vec<&Exposure> = Vec::new();
    for exposure in &evaluation.exposures {
        match deciding::who(unit, exposure) {
            Some(who) => known.push((who, exposure.clone())),
            None => unseen.push(exposure),
        }
    }
    let exposed = app.installation.noting.exposures(caller.workspace, known.clone()).await?;
    let holds = standing.follow(&known, exposed);
    if holds && !unseen.is_empty() {
        tell(app, caller, unit, &unseen).await?;
    }
    Ok(holds)
}

/// Tells the log of a device that was never seen what it is shown: applying the event makes the device known and notes the exposure.
async fn tell(app: &App, caller: &Caller, unit: &Unit, exposures: &[&Exposure]) -> Result<()> {
    let Some(text) = &unit.text else { return Ok(()) };
    let source = match caller.source {
        Some(source) => source,
        None => own_events::source(&app.installation, caller.workspace).await?,
    };
    let now = app.now();
    let event = |exposure: &&Exposure| {
        let mut id = [0; 16];
        app.rng().fill(&mut id);
        let mut properties = Map::new();
        properties.insert("experiment".to_owned(), json!(exposure.key));
        properties.insert("variant".to_owned(), json!(exposure.variant));
        properties.insert("version".to_owned(), json!(exposure.allocation));
        let who = Identifier { kind: IdentifierKind::AnonymousId, value: text.clone() };
        own_events::event((caller.workspace, source), EventId(id), now, who, EXPERIMENT_VIEWED, properties)
    };
    let events: Vec<Event> = exposures.iter().map(event).collect();
    app.installation.log.append(&events).await?;
    Ok(())
}

/// `POST /ofrep/v1/evaluate/flags`
async fn all(State(app): State<App>, headers: HeaderMap, body: Body) -> Response {
    match evaluate_all(&app, &headers, body).await {
        Ok(Ok(evaluations)) => {
            let tag = open_feature::etag(&evaluations);
            let has = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
            let mut response = if has.is_some_and(|has| open_feature::not_modified(has, &tag)) {
                StatusCode::NOT_MODIFIED.into_response()
            } else {
                let flags: Vec<Value> = evaluations.iter().map(shape).collect();
                json_response(200, &json!({ "flags": flags }))
            };
            if let Ok(tag) = HeaderValue::from_str(&tag) {
                response.headers_mut().insert(ETAG, tag);
            }
            response
        }
        Ok(Err(failure)) => {
            json_response(400, &json!({"errorCode": failure.code(), "errorDetails": failure.details()}))
        }
        Err(problem) => problem.into_response(),
    }
}

async fn evaluate_all(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<std::result::Result<Vec<Evaluation>, Failure>> {
    let caller = caller(app, headers).await?;
    let text = match targeting(app, body).await? {
        Ok(text) => text,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut db = app.installation.store.read();
    let known = app.installation.experiments.get(&mut db, caller.workspace).await?;
    let unit = unit(&mut db, caller.workspace, text).await?;
    let conditions = known.conditions(known.by_key.values());
    let standing = deciding::standing(&mut db, caller.workspace, &unit, &conditions).await?;
    let evaluate = |known: &Known| {
        deciding::within(known, &unit, &standing, &[], app.now(), |situation| {
            open_feature::all(known.by_key.values(), situation)
        })
    };
    Ok(Ok(evaluate(&known)))
}

/// The targeting key of a request's body.
async fn targeting(app: &App, body: Body) -> Result<std::result::Result<String, Failure>> {
    let deadline = Duration::from_secs(app.settings.limits.body_seconds);
    let bytes = read(body, BODY_BYTES, deadline).await?;
    let Ok(body) = serde_json::from_slice::<Value>(&bytes) else { return Ok(Err(Failure::Parse)) };
    Ok(open_feature::targeting_key(&body).map(str::to_owned))
}

/// Whose targeting key it is: a user's id, else a device's anonymous id.
async fn unit(db: &mut impl Queries, workspace: WorkspaceId, text: String) -> Result<Unit> {
    let values = [text.clone()];
    let mut found: Option<IdentifierRow> = None;
    for kind in [IdentifierKind::UserId, IdentifierKind::AnonymousId] {
        if found.is_none() {
            found = identifiers::by_values(db, workspace, kind, &values).await?.into_iter().next();
        }
    }
    let Some(row) = found else { return Ok(Unit { text: Some(text), ..Unit::default() }) };
    let first = identifiers::by_persons(db, workspace, &[row.person]).await?.first().map(|row| row.handle);
    Ok(Unit { person: Some(row.person), first, named: Some(row.handle), text: Some(text) })
}

/// `evaluationSuccess` or `evaluationFailure` of the protocol.
fn shape(evaluation: &Evaluation) -> Value {
    match &evaluation.outcome {
        Ok(it) => json!({
            "key": evaluation.key, "value": it.value, "variant": it.variant, "reason": it.reason,
            "metadata": {"version": it.version},
        }),
        Err(failure) => {
            json!({"key": evaluation.key, "errorCode": failure.code(), "errorDetails": failure.details()})
        }
    }
}

fn json_response(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
