//! Tests of templates: copies to some addresses, with the values of a customer or with examples; and what became of copies.
//!
//! Always holds: at most [`MOST`] addresses a call and [`MOST_AN_HOUR`] an hour; nothing is asked of or counted for the customer whose values are shown.

use crate::http::route::routes;
use axum::extract::State;
use rapport_channels::mail::address::is_address;
use rapport_domain::{Id, Timestamp};
use rapport_engagement::records::copies::{self, CopyRow};
use rapport_engagement::records::templates;
use rapport_engagement::sending::settings::MOST_SEEDS as MOST;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::customers;
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// So many tests an hour.
const MOST_AN_HOUR: i64 = 200;
/// So many are shown.
const SHOWN: i64 = 50;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(send_test)).routes(routes!(list))
}

/// To whom a test goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestBody {
    /// At most 20 addresses.
    addresses: Vec<String>,
    /// The customer whose values it has; examples unless said.
    person_id: Option<String>,
}

/// A copy of a message for the company's own people.
#[derive(Debug, Serialize, ToSchema)]
pub struct CopyShape {
    id: String,
    /// `test` or `seed`.
    kind: String,
    address: String,
    template: String,
    /// With whose values.
    person_id: Option<String>,
    /// The campaign that the seed list got it of.
    journey: Option<String>,
    /// `queued`, `sending`, `sent` or `failed`.
    state: String,
    /// What the mail server answered, or why it could not be written.
    response: Option<String>,
    decided_at: String,
    sent_at: Option<String>,
}

impl CopyShape {
    fn of(row: CopyRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            address: row.address,
            template: row.template,
            person_id: row.person.map(|person| person.to_string()),
            journey: Some(row.journey).filter(|journey| !journey.is_empty()),
            state: row.state,
            response: row.response,
            decided_at: time(row.decided_at),
            sent_at: row.sent_at.map(time),
        }
    }
}

/// Sends a saved template as a test to some addresses. Nobody's consent, caps or figures have to do with it, and its links count nobody.
#[utoipa::path(post, path = "/api/v1/message-templates/{key}/test", security(("caller" = ["edit_journeys"])), tag = "messages", operation_id = "send_test", params(("key" = String, Path)), request_body = TestBody, responses((status = 200, body = Rows<CopyShape>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn send_test(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<TestBody>,
) -> Result<Json<Rows<CopyShape>>, Problem> {
    caller.require(Permission::EditJourneys)?;
    let mut addresses: Vec<String> = body.addresses.iter().map(|address| address.trim().to_lowercase()).collect();
    addresses.sort();
    addresses.dedup();
    if addresses.is_empty() || addresses.len() > MOST {
        return Err(Problem::invalid("addresses", format!("give one to {MOST} addresses")));
    }
    if let Some(place) = addresses.iter().position(|address| !is_address(address)) {
        return Err(Problem::invalid(&format!("addresses[{place}]"), "it is no address such as ann@example.org"));
    }
    let person = match &body.person_id {
        Some(id) => {
            caller.require(Permission::ViewPeople)?;
            Some(customers::find(&app, caller.workspace, id).await?.person)
        }
        None => None,
    };
    let installation = &app.installation;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let template = templates::find(&mut tx, caller.workspace, &key).await?;
    let template = template.ok_or_else(|| Problem::not_found("template"))?;
    if template.form != "email" {
        return Err(Problem::invalid("template", "only e-mails are sent as tests"));
    }
    let now = app.now();
    let count = copies::count_since(&mut tx, caller.workspace, now.plus(-Timestamp::HOUR)).await?;
    if count + i64::try_from(addresses.len()).unwrap_or(0) > MOST_AN_HOUR {
        return Err(Problem::invalid("addresses", format!("at most {MOST_AN_HOUR} tests an hour")));
    }
    let row = |address: String| CopyRow {
        id: Id::new("copy", &*installation.clock, &*installation.rng).0,
        workspace: caller.workspace,
        kind: copies::TEST.to_owned(),
        address,
        template: key.clone(),
        person,
        journey: String::new(),
        run: String::new(),
        node: String::new(),
        state: "queued".to_owned(),
        decided_at: now,
        due_at: Some(now),
        attempts: 0,
        response: None,
        sent_at: None,
        asked_by: caller.id().as_str().to_owned(),
    };
    let rows: Vec<CopyRow> = addresses.into_iter().map(row).collect();
    copies::insert(&mut tx, &rows).await?;
    tx.commit().await?;
    Ok(Json(Rows { rows: rows.into_iter().map(CopyShape::of).collect() }))
}

/// Which copies.
#[derive(Debug, Deserialize, IntoParams)]
pub struct CopiesQuery {
    /// Of a template.
    template: Option<String>,
    /// What the seed list got of a campaign.
    journey: Option<String>,
}

/// Lists the latest copies and what became of them.
#[utoipa::path(get, path = "/api/v1/message-copies", security(("caller" = ["edit_journeys"])), tag = "messages", operation_id = "list_copies", params(CopiesQuery), responses((status = 200, body = Rows<CopyShape>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<CopiesQuery>,
) -> Result<Json<Rows<CopyShape>>, Problem> {
    caller.require(Permission::EditJourneys)?;
    let mut db = app.installation.store.read();
    let (template, journey) = (query.template.as_deref(), query.journey.as_deref());
    let rows = copies::latest(&mut db, caller.workspace, template, journey, SHOWN).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(CopyShape::of).collect() }))
}
